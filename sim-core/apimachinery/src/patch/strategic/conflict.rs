//! Whether two patches want different things.

use super::{DIRECTIVE, Object, RETAIN_KEYS, elements_are_maps, fail, identity};
use crate::json::go_display;
use crate::patch::Error;
use crate::patch::meta::{FieldMeta, PLAIN_TYPE, PatchMeta};
use serde_json::Value;

pub(super) fn maps(left: &Object, right: &Object, meta: &dyn PatchMeta) -> Result<bool, Error> {
    if left.get(DIRECTIVE) != right.get(DIRECTIVE) {
        return Ok(true);
    }
    for (key, mine) in left.iter().filter(|(key, _)| *key != DIRECTIVE && *key != RETAIN_KEYS) {
        let Some(other) = right.get(key) else { continue };
        let (field, below) = meta.field(key);
        if values(mine, other, field, below)? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn values(left: &Value, right: &Value, field: FieldMeta, below: &dyn PatchMeta) -> Result<bool, Error> {
    match (left, right) {
        (Value::Object(left), Value::Object(right)) => {
            if field.replace {
                return Ok(left.get(DIRECTIVE) != right.get(DIRECTIVE));
            }
            maps(left, right, below)
        }
        (Value::Array(left), Value::Array(right)) => lists(left, right, field, below),
        (left, right) => Ok(left != right),
    }
}

fn lists(left: &[Value], right: &[Value], field: FieldMeta, below: &dyn PatchMeta) -> Result<bool, Error> {
    let Some(of_maps) = elements_are_maps([left, right])? else {
        return fail("no elements in any of the given slices");
    };
    if field.merge {
        if !of_maps {
            return Ok(false);
        }
        for mine in left {
            let name = go_display(identity(mine, field.merge_key)?);
            for other in right {
                let same = go_display(identity(other, field.merge_key)?) == name;
                if same && values(mine, other, FieldMeta::default(), below)? {
                    return Ok(true);
                }
            }
        }
        return Ok(false);
    }
    if left.len() != right.len() {
        return Ok(true);
    }
    for (mine, other) in left.iter().zip(right) {
        if values(mine, other, FieldMeta::default(), PLAIN_TYPE)? {
            return Ok(true);
        }
    }
    Ok(false)
}
