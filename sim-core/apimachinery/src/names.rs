//! What may be a name: DNS labels and subdomains, qualified names, label values, ports, environment variables.
//!
//! Each check returns upstream's messages, one per fault; an empty list means valid.
//!
//! Models: apimachinery `pkg/util/validation` and `pkg/api/validation`.

use crate::field::{ErrorList, Path};
use serde_json::Value;

pub const DNS1123_LABEL_MAX: usize = 63;
pub const DNS1123_SUBDOMAIN_MAX: usize = 253;
pub const LABEL_VALUE_MAX: usize = 63;
pub const ANNOTATIONS_BYTES_MAX: usize = 256 * 1024;

/// A check of one text.
pub type Check = fn(&str) -> Vec<String>;

/// `web-0`.
pub fn dns1123_label(text: &str) -> Vec<String> {
    todo!()
}

/// `www.example.com`.
pub fn dns1123_subdomain(text: &str) -> Vec<String> {
    todo!()
}

/// A label that begins with a letter: names of Services.
pub fn dns1035_label(text: &str) -> Vec<String> {
    todo!()
}

/// A subdomain, possibly with `*.` before it.
pub fn wildcard_dns1123_subdomain(text: &str) -> Vec<String> {
    todo!()
}

/// `example.com/name`: keys of labels and annotations, finalizers, taints.
pub fn qualified_name(text: &str) -> Vec<String> {
    todo!()
}

pub fn label_value(text: &str) -> Vec<String> {
    todo!()
}

pub fn c_identifier(text: &str) -> Vec<String> {
    todo!()
}

/// Names of environment variables, as relaxed as upstream has them.
pub fn env_var_name(text: &str) -> Vec<String> {
    todo!()
}

/// Keys of ConfigMaps and Secrets.
pub fn config_map_key(text: &str) -> Vec<String> {
    todo!()
}

/// Names of ports: `http`, at most 15 letters.
pub fn port_name(text: &str) -> Vec<String> {
    todo!()
}

/// Numbers of ports: 1 to 65535.
pub fn port_num(port: i64) -> Vec<String> {
    todo!()
}

pub fn http_header_name(text: &str) -> Vec<String> {
    todo!()
}

/// `50%`.
pub fn percent(text: &str) -> Vec<String> {
    todo!()
}

/// A name that can stand as one segment of a path.
pub fn path_segment(text: &str) -> Vec<String> {
    todo!()
}

/// Runs `check` on a whole name, or, for `generateName`, on a prefix (a trailing dash is excused).
pub fn check_name(check: Check, text: &str, prefix: bool) -> Vec<String> {
    todo!()
}

/// Checks an object's metadata as every create does: name or generateName, namespace, labels, annotations, finalizers,
/// owner references. `namespaced`: the kind lives in a namespace. `path` is usually `metadata`.
pub fn validate_object_meta(metadata: &Value, namespaced: bool, name_check: Check, path: &Path) -> ErrorList {
    todo!()
}

/// Checks labels: keys and values.
pub fn validate_labels(labels: &Value, path: &Path) -> ErrorList {
    todo!()
}

pub fn validate_annotations(annotations: &Value, path: &Path) -> ErrorList {
    todo!()
}
