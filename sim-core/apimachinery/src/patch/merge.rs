//! JSON merge patch (RFC 7386), applied and created two-way and three-way.
//!
//! Models: evanphx/json-patch, apimachinery `pkg/util/jsonmergepatch`.

use super::Error;
use serde_json::{Map, Value};

/// Null deletes, objects merge, anything else replaces.
pub fn apply(document: &Value, patch: &Value) -> Value {
    let mut out = document.clone();
    merge(&mut out, patch);
    out
}

fn merge(document: &mut Value, patch: &Value) {
    let (Value::Object(map), Value::Object(changes)) = (&mut *document, patch) else {
        *document = patch.clone();
        prune(document);
        return;
    };
    for (key, change) in changes {
        match map.get_mut(key) {
            _ if change.is_null() => {
                map.remove(key);
            }
            Some(value) if !value.is_null() => merge(value, change),
            _ => {
                let mut value = change.clone();
                prune(&mut value);
                map.insert(key.clone(), value);
            }
        }
    }
}

/// Takes nulls out of objects: what a patch adds holds none.
fn prune(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.retain(|_, v| !v.is_null());
            map.values_mut().for_each(prune);
        }
        Value::Array(items) => items.iter_mut().for_each(prune),
        _ => {}
    }
}

/// The patch that turns `original` into `modified`; `{}` when nothing changes.
pub fn create(original: &Value, modified: &Value) -> Value {
    let empty = Map::new();
    let map = |value| match value {
        Value::Object(map) => map,
        _ => empty.clone(),
    };
    Value::Object(difference(&map(original.clone()), &map(modified.clone())))
}

fn difference(original: &Map<String, Value>, modified: &Map<String, Value>) -> Map<String, Value> {
    let mut out = Map::new();
    for (key, new) in modified {
        match (original.get(key), new) {
            (Some(Value::Object(old)), Value::Object(new)) => {
                let inside = difference(old, new);
                if !inside.is_empty() {
                    out.insert(key.clone(), Value::Object(inside));
                }
            }
            (Some(old), new) if old == new => {}
            _ => {
                out.insert(key.clone(), new.clone());
            }
        }
    }
    for key in original.keys().filter(|key| !modified.contains_key(*key)) {
        out.insert(key.clone(), Value::Null);
    }
    out
}

/// As `kubectl apply` makes it: deletions from `original` to `modified`, additions and changes from `current`.
pub fn three_way(original: &Value, modified: &Value, current: &Value) -> Result<Value, Error> {
    let changes = keep(create(current, modified), false);
    let deletions = keep(create(original, modified), true);
    if conflict(&changes, &deletions) {
        return Err(Error(format!(
            "patch:\n{}\nconflicts with changes made from original to current:\n{}\n",
            crate::yaml::to_string(&changes),
            crate::yaml::to_string(&deletions)
        )));
    }
    let mut out = deletions;
    overlay(&mut out, &changes);
    Ok(out)
}

/// Only the nulls of a patch, or all but them.
fn keep(patch: Value, nulls: bool) -> Value {
    let Value::Object(map) = patch else { return patch };
    let mut out = Map::new();
    for (key, value) in map {
        match value {
            Value::Null if nulls => {
                out.insert(key, Value::Null);
            }
            Value::Null => {}
            Value::Object(inside) if !inside.is_empty() => {
                let kept = keep(Value::Object(inside), nulls);
                if kept.as_object().is_some_and(|map| !map.is_empty()) {
                    out.insert(key, kept);
                }
            }
            value if !nulls => {
                out.insert(key, value);
            }
            _ => {}
        }
    }
    Value::Object(out)
}

/// Whether two patches want different things of one field.
fn conflict(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Object(left), Value::Object(right)) => {
            left.iter().any(|(key, value)| right.get(key).is_some_and(|other| conflict(value, other)))
        }
        (Value::Array(left), Value::Array(right)) => {
            left.len() != right.len() || left.iter().zip(right).any(|(a, b)| conflict(a, b))
        }
        (left, right) => left != right,
    }
}

/// Lays one patch over another, keeping nulls.
fn overlay(base: &mut Value, patch: &Value) {
    match (base, patch) {
        (Value::Object(base), Value::Object(patch)) => {
            for (key, value) in patch {
                match base.get_mut(key) {
                    Some(inside @ Value::Object(_)) if value.is_object() => overlay(inside, value),
                    _ => {
                        base.insert(key.clone(), value.clone());
                    }
                }
            }
        }
        (base, patch) => *base = patch.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn applies() {
        for (document, patch, expected) in [
            (json!({"a": 1, "b": {"c": 2}}), json!({"a": null, "b": {"d": 3}}), json!({"b": {"c": 2, "d": 3}})),
            (json!({"a": [1, 2]}), json!({"a": [3]}), json!({"a": [3]})),
            (json!({}), json!({"a": {"b": null, "c": 1}}), json!({"a": {"c": 1}})),
            (json!({"a": 1}), json!({"a": {"b": 1}}), json!({"a": {"b": 1}})),
        ] {
            assert_eq!(apply(&document, &patch), expected);
        }
    }

    #[test]
    fn what_is_created_applies() {
        let original = json!({"a": 1, "b": {"c": [1], "d": 2}, "e": {}});
        let modified = json!({"b": {"c": [1, 2]}, "e": {"f": "x"}});
        let patch = create(&original, &modified);
        assert_eq!(patch, json!({"a": null, "b": {"c": [1, 2], "d": null}, "e": {"f": "x"}}));
        assert_eq!(apply(&original, &patch), modified);
        assert_eq!(create(&modified, &modified), json!({}));
    }

    #[test]
    fn three_ways() {
        let original = json!({"spec": {"a": 1, "b": 2}});
        let modified = json!({"spec": {"a": 5}});
        let current = json!({"spec": {"a": 1, "b": 2, "live": 3}});
        assert_eq!(three_way(&original, &modified, &current), Ok(json!({"spec": {"a": 5, "b": null}})));
        assert_eq!(three_way(&modified, &modified, &json!({"spec": {"a": 5, "x": 1}})), Ok(json!({})));
    }
}
