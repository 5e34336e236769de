//! What every part of the house shares: the words of the Kubernetes API machinery, without any kind.
//!
//! Status errors, field errors, selectors, quantities, durations, names, YAML, JSONPath, patches, HTTP-shaped requests
//! and virtual time. Nothing here knows a Pod, keeps state, or does I/O.

pub mod duration;
pub mod field;
pub mod fields;
pub mod gotemplate;
pub mod http;
pub mod json;
pub mod jsonpath;
pub mod labels;
pub mod names;
pub mod objectmeta;
pub mod order;
pub mod patch;
pub mod quantity;
pub mod rng;
pub mod status;
pub mod time;
pub mod yaml;
