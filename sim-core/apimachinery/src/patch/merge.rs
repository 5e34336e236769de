//! JSON merge patch (RFC 7386), applied and created two-way and three-way.
//!
//! Models: evanphx/json-patch, apimachinery `pkg/util/jsonmergepatch`.

use super::Error;
use serde_json::Value;

/// Null deletes, objects merge, anything else replaces.
pub fn apply(document: &Value, patch: &Value) -> Value {
    todo!()
}

/// The patch that turns `original` into `modified`; `{}` when nothing changes.
pub fn create(original: &Value, modified: &Value) -> Value {
    todo!()
}

/// As `kubectl apply` makes it: deletions from `original` to `modified`, additions and changes from `current`.
pub fn three_way(original: &Value, modified: &Value, current: &Value) -> Result<Value, Error> {
    todo!()
}
