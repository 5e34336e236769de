//! Strategic merge patch: a merge patch that knows which lists merge by which key.
//!
//! Models: apimachinery `pkg/util/strategicpatch`.

use super::Error;
use super::meta::PatchMeta;
use serde_json::Value;

pub fn apply(document: &Value, patch: &Value, meta: &dyn PatchMeta) -> Result<Value, Error> {
    todo!()
}

/// The patch that turns `original` into `modified`; `{}` when nothing changes.
pub fn create(original: &Value, modified: &Value, meta: &dyn PatchMeta) -> Result<Value, Error> {
    todo!()
}

/// As `kubectl apply` makes it: deletions from `original` to `modified`, additions and changes from `current`.
/// `overwrite` false refuses to change what somebody else changed since.
pub fn three_way(
    original: &Value,
    modified: &Value,
    current: &Value,
    meta: &dyn PatchMeta,
    overwrite: bool,
) -> Result<Value, Error> {
    todo!()
}
