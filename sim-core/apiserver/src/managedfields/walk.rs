//! Walks over values: what changed between two, which fields one has, one merged into another, fields taken out.
//!
//! Models: structured-merge-diff `typed`.

use super::schema::{Merge, always_there, element_step, merge_of};
use super::set::Set;
use apimachinery::order::Gather as _;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

/// What changed from one object to the next.
#[derive(Default)]
pub struct Diff {
    pub added: Set,
    pub modified: Set,
    pub removed: Set,
}

static EMPTY_MAP: std::sync::LazyLock<Map<String, Value>> = std::sync::LazyLock::new(Map::new);

/// `None` stands for an object that does not exist yet.
pub fn compare(old: Option<&Value>, new: &Value) -> Diff {
    let mut out = Diff::default();
    let old = old.and_then(Value::as_object).unwrap_or(&EMPTY_MAP);
    let new = new.as_object().unwrap_or(&EMPTY_MAP);
    maps(&mut out, &mut Vec::new(), "", (Some(old), Some(new)), false);
    out
}

type Sides<'a, T> = (Option<&'a T>, Option<&'a T>);

/// `fresh`: something above did not exist in the old object at all.
fn maps(out: &mut Diff, path: &mut Vec<String>, parent: &str, sides: Sides<'_, Map<String, Value>>, fresh: bool) {
    let (old, new) = (sides.0.unwrap_or(&EMPTY_MAP), sides.1.unwrap_or(&EMPTY_MAP));
    for (field, before) in old {
        path.push(format!("f:{field}"));
        values(out, path, (parent, field), (Some(before), new.get(field)), fresh);
        path.pop();
    }
    for (field, after) in new.iter().filter(|(f, _)| !old.contains_key(*f)) {
        path.push(format!("f:{field}"));
        values(out, path, (parent, field), (None, Some(after)), fresh);
        path.pop();
    }
}

fn values(out: &mut Diff, path: &mut Vec<String>, field: (&str, &str), sides: Sides<'_, Value>, fresh: bool) {
    let merge = |v: &Value| merge_of(field.0, field.1, v);
    let merges = (sides.0.map(merge), sides.1.map(merge));
    let fresh_below = fresh || sides.0.is_none();
    match sides {
        (None, None) => {}
        (None, Some(_)) => {
            if fresh || !always_there(field.1) || merges.1 == Some(Merge::Atomic) {
                out.added.insert(path);
            }
        }
        (Some(_), None) => out.removed.insert(path),
        (Some(a), Some(b)) => {
            let one_way = merges.0 == merges.1;
            if (!one_way || merges.0 == Some(Merge::Atomic)) && a != b {
                out.modified.insert(path);
            }
        }
    }
    let below = if always_there(field.1) { fresh } else { fresh_below };
    match merges.0.or(merges.1) {
        Some(Merge::Granular) => {
            let below_sides = (sides.0.and_then(Value::as_object), sides.1.and_then(Value::as_object));
            maps(out, path, field.1, below_sides, below);
        }
        Some(merge @ (Merge::Set | Merge::ByKey(_))) => elements(out, path, field.1, merge, sides, below),
        _ => {}
    }
}

/// The elements of a list with their steps.
fn steps(merge: Merge, list: Option<&Value>) -> Vec<(String, &Value)> {
    let items = list.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    items.iter().map(|e| (element_step(merge, e), e)).collect()
}

fn elements(out: &mut Diff, path: &mut Vec<String>, field: &str, merge: Merge, sides: Sides<'_, Value>, fresh: bool) {
    let (old, new) = (steps(merge, sides.0), steps(merge, sides.1));
    let new_by_step: BTreeMap<&str, &Value> = new.iter().map(|(s, e)| (s.as_str(), *e)).gather();
    let old_steps: BTreeSet<&str> = old.iter().map(|(s, _)| s.as_str()).gather();
    for (step, before) in &old {
        path.push(step.clone());
        let after = new_by_step.get(step.as_str());
        if after.is_none() {
            out.removed.insert(path);
        }
        maps(out, path, field, (before.as_object(), after.and_then(|a| a.as_object())), fresh);
        path.pop();
    }
    for (step, after) in new.iter().filter(|(s, _)| !old_steps.contains(s.as_str())) {
        path.push(step.clone());
        out.added.insert(path);
        maps(out, path, field, (None, after.as_object()), true);
        path.pop();
    }
}

/// The fields that a configuration speaks of.
pub fn fields(value: &Value) -> Set {
    let mut out = Set::default();
    fields_below(&mut out, &mut Vec::new(), "", value.as_object().unwrap_or(&EMPTY_MAP));
    out
}

fn fields_below(out: &mut Set, path: &mut Vec<String>, parent: &str, map: &Map<String, Value>) {
    for (field, value) in map {
        path.push(format!("f:{field}"));
        match (merge_of(parent, field, value), value) {
            (Merge::Granular, Value::Object(below)) if !below.is_empty() => fields_below(out, path, field, below),
            (merge @ (Merge::Set | Merge::ByKey(_)), Value::Array(items)) if !items.is_empty() => {
                for item in items {
                    path.push(element_step(merge, item));
                    out.insert(path);
                    if let Some(below) = item.as_object() {
                        fields_below(out, path, field, below);
                    }
                    path.pop();
                }
            }
            _ => out.insert(path),
        }
        path.pop();
    }
}

/// Lays a configuration over an object.
pub fn merge(live: &Value, config: &Value) -> Value {
    let mut out = live.clone();
    if let (Some(map), Some(over)) = (out.as_object_mut(), config.as_object()) {
        merge_maps(map, over, "");
    }
    out
}

fn merge_maps(live: &mut Map<String, Value>, config: &Map<String, Value>, parent: &str) {
    for (field, value) in config {
        let Some(had) = live.get_mut(field) else {
            live.insert(field.clone(), value.clone());
            continue;
        };
        match (merge_of(parent, field, value), had, value) {
            (Merge::Granular, Value::Object(had), Value::Object(over)) => merge_maps(had, over, field),
            (merge @ (Merge::Set | Merge::ByKey(_)), Value::Array(had), Value::Array(over)) => {
                for item in over {
                    let step = element_step(merge, item);
                    match (had.iter_mut().find(|h| element_step(merge, h) == step), item.as_object()) {
                        (Some(Value::Object(had)), Some(over)) => merge_maps(had, over, field),
                        (Some(_), _) => {}
                        (None, _) => had.push(item.clone()),
                    }
                }
            }
            (_, had, _) => *had = value.clone(),
        }
    }
}

/// Takes the value at a path out of an object.
pub fn remove(value: &mut Value, path: &[String]) {
    let Some((last, above)) = path.split_last() else { return };
    let mut at = value;
    for step in above {
        let Some(next) = descend(at, step) else { return };
        at = next;
    }
    match (at, last.split_at(2.min(last.len()))) {
        (Value::Object(map), ("f:", field)) => {
            map.remove(field);
        }
        (Value::Array(items), _) => items.retain(|item| !is_element(item, last)),
        _ => {}
    }
}

fn descend<'v>(value: &'v mut Value, step: &str) -> Option<&'v mut Value> {
    match value {
        Value::Object(map) => map.get_mut(step.strip_prefix("f:")?),
        Value::Array(items) => items.iter_mut().find(|item| is_element(item, step)),
        _ => None,
    }
}

fn is_element(item: &Value, step: &str) -> bool {
    if let Some(text) = step.strip_prefix("v:") {
        return serde_json::from_str::<Value>(text).is_ok_and(|wanted| wanted == *item);
    }
    let Some(text) = step.strip_prefix("k:") else { return false };
    let key: Map<String, Value> = serde_json::from_str(text).unwrap_or_default();
    key.iter().all(|(k, v)| item.get(k).map_or(k == "protocol" && v == "TCP", |had| had == v))
}
