//! Strategic merge patch: a merge patch that knows which lists merge by which key.
//!
//! Models: apimachinery `pkg/util/strategicpatch`.

mod apply;
mod conflict;
mod diff;

use super::Error;
use super::meta::PatchMeta;
use crate::json::{go_display, go_type};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

type Object = Map<String, Value>;

const DIRECTIVE: &str = "$patch";
const RETAIN_KEYS: &str = "$retainKeys";
const DELETE_FROM_LIST: &str = "$deleteFromPrimitiveList";
const SET_ORDER: &str = "$setElementOrder";

/// Applies a patch as the API server does.
pub fn apply(document: &Value, patch: &Value, meta: &dyn PatchMeta) -> Result<Value, Error> {
    apply::merge(object(document)?, object(patch)?, meta, apply::Mode::Final).map(Value::Object)
}

/// The patch that turns `original` into `modified`; `{}` when nothing changes.
pub fn create(original: &Value, modified: &Value, meta: &dyn PatchMeta) -> Result<Value, Error> {
    let options = diff::Options { set_order: true, ..diff::Options::default() };
    diff::maps(&object(original)?, &object(modified)?, meta, options).map(Value::Object)
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
    let (original, modified, current) = (object(original)?, object(modified)?, object(current)?);
    let changing = diff::Options { set_order: true, ignore_deletions: true, ..diff::Options::default() };
    let deleting = diff::Options { set_order: true, ignore_changes: true, ..diff::Options::default() };
    let changes = diff::maps(&current, &modified, meta, changing)?;
    let deletions = diff::maps(&original, &modified, meta, deleting)?;
    let patch = apply::merge(deletions, changes, meta, apply::Mode::OfPatches)?;
    if !overwrite {
        let changed = diff::maps(&original, &current, meta, diff::Options::default())?;
        if conflict::maps(&patch, &changed, meta)? {
            let (patch, changed) = (Value::Object(patch), Value::Object(changed));
            return fail(format!(
                "patch:\n{}\nconflicts with changes made from original to current:\n{}\n",
                crate::yaml::to_string(&patch),
                crate::yaml::to_string(&changed)
            ));
        }
    }
    Ok(Value::Object(patch))
}

fn fail<T>(message: impl Into<String>) -> Result<T, Error> {
    Err(Error(message.into()))
}

fn object(value: &Value) -> Result<Object, Error> {
    match value {
        Value::Object(map) => Ok(map.clone()),
        Value::Null => Ok(Object::new()),
        _ => fail("invalid JSON document"),
    }
}

fn bad_type<T>(expected: &str, found: &Value) -> Result<T, Error> {
    fail(format!("expected a {expected}, but received a {}", go_type(found)))
}

fn as_map(value: &Value) -> Result<&Object, Error> {
    match value {
        Value::Object(map) => Ok(map),
        other => bad_type("map[string]interface {}", other),
    }
}

fn as_list(value: &Value) -> Result<&Vec<Value>, Error> {
    match value {
        Value::Array(items) => Ok(items),
        other => bad_type("[]interface {}", other),
    }
}

/// What tells an element of a merging list apart: the value of its merge key, or the scalar itself.
fn identity<'a>(item: &'a Value, merge_key: &str) -> Result<&'a Value, Error> {
    if merge_key.is_empty() {
        return Ok(item);
    }
    match as_map(item)?.get(merge_key) {
        Some(value) => Ok(value),
        None => fail(format!("map: {} does not contain declared merge key: {merge_key}", go_display(item))),
    }
}

/// Whether the elements are maps; they must all be of one type. `None`: there are none.
fn elements_are_maps(lists: [&[Value]; 2]) -> Result<Option<bool>, Error> {
    let mut all = lists.iter().flat_map(|list| list.iter());
    let Some(first) = all.next() else { return Ok(None) };
    if first.is_array() {
        return fail("lists of lists are not supported");
    }
    if first.is_null() || all.any(|item| go_type(item) != go_type(first)) {
        let shown: Vec<String> = lists.iter().map(|list| go_display(&Value::Array(list.to_vec()))).collect();
        return fail(format!("list element types are not identical: [{}]", shown.join(" ")));
    }
    Ok(Some(first.is_object()))
}

fn is_deletion(item: &Value) -> bool {
    item.get(DIRECTIVE).is_some_and(|directive| directive == "delete")
}

/// Places in an order, by identity.
struct Ranks(BTreeMap<String, usize>);

impl Ranks {
    fn of(order: &[Value], merge_key: &str) -> Result<Self, Error> {
        let mut ranks = BTreeMap::new();
        for (i, item) in order.iter().enumerate() {
            ranks.entry(identity(item, merge_key)?.to_string()).or_insert(i);
        }
        Ok(Self(ranks))
    }

    fn get(&self, item: &Value, merge_key: &str) -> Result<Option<usize>, Error> {
        Ok(self.0.get(&identity(item, merge_key)?.to_string()).copied())
    }
}

/// Sorts `items` as `order` has them; what `order` does not know comes first, deletions come last.
fn sort_by_order(items: Vec<Value>, order: &[Value], merge_key: &str) -> Result<Vec<Value>, Error> {
    let ranks = Ranks::of(order, merge_key)?;
    let (deletions, kept): (Vec<Value>, Vec<Value>) =
        items.into_iter().partition(|item| !merge_key.is_empty() && is_deletion(item));
    let mut ranked: Vec<(Option<usize>, Value)> = Vec::with_capacity(kept.len());
    for item in kept {
        let rank = ranks.get(&item, merge_key)?;
        // Inserting in place costs far less code than another instance of the library's sort.
        let at = ranked.partition_point(|(other, _)| *other <= rank);
        ranked.insert(at, (rank, item));
    }
    Ok(ranked.into_iter().map(|(_, item)| item).chain(deletions).collect())
}

/// Merges the items a patch names with those only the server has; each keeps its own order.
fn interleave(
    patch_items: Vec<Value>,
    server_items: Vec<Value>,
    patch_order: &[Value],
    server_order: &[Value],
    merge_key: &str,
) -> Result<Vec<Value>, Error> {
    let patch_items = sort_by_order(patch_items, patch_order, merge_key)?;
    let server_items = sort_by_order(server_items, server_order, merge_key)?;
    let ranks = Ranks::of(server_order, merge_key)?;
    let mut out = Vec::with_capacity(patch_items.len() + server_items.len());
    let mut left = server_items.into_iter().peekable();
    let mut right = patch_items.into_iter().peekable();
    loop {
        let from_left = match (left.peek(), right.peek()) {
            (None, None) => return Ok(out),
            (Some(_), None) => true,
            (None, Some(_)) => false,
            (Some(a), Some(b)) => {
                matches!((ranks.get(a, merge_key)?, ranks.get(b, merge_key)?), (Some(a), Some(b)) if a < b)
            }
        };
        out.extend(if from_left { left.next() } else { right.next() });
    }
}

/// Sorts by how Go prints the values (of the merge key, for maps).
fn sort_as_text(items: &[Value], merge_key: &str) -> Result<Vec<Value>, Error> {
    let mut keyed: Vec<(String, Value)> = Vec::with_capacity(items.len());
    for item in items {
        let text = go_display(identity(item, merge_key)?);
        let at = keyed.partition_point(|(other, _)| *other <= text);
        keyed.insert(at, (text, item.clone()));
    }
    Ok(keyed.into_iter().map(|(_, item)| item).collect())
}

#[cfg(test)]
mod tests;
