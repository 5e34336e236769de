//! JSON patch (RFC 6902): a list of operations.
//!
//! Models: evanphx/json-patch as the API server uses it.

use super::Error;
use serde_json::Value;

/// More operations than this are refused by the API server.
pub const OPERATIONS_MAX: usize = 10_000;

pub fn apply(document: &Value, patch: &Value) -> Result<Value, Error> {
    todo!()
}
