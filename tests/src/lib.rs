//! Scenarios, how they are played and compared with recordings of a real cluster, and the benches' common parts.

pub mod api;
pub mod bench;
pub mod compare;
pub mod openapi;
pub mod play;
pub mod scenario;
pub mod trace;
