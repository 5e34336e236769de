//! Merging a patch into an object, or into another patch.

use super::{
    DELETE_FROM_LIST, DIRECTIVE, Object, RETAIN_KEYS, SET_ORDER, as_list, as_map, elements_are_maps, fail, identity,
    interleave, is_deletion,
};
use crate::json::{go_display, go_type};
use crate::order::Gather as _;
use crate::patch::Error;
use crate::patch::meta::PatchMeta;
use serde_json::Value;
use std::collections::BTreeSet;

/// What the patch is merged into.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// An object: directives are carried out.
    Final,
    /// Another patch: directives are kept.
    OfPatches,
}

pub(super) fn merge(
    mut original: Object,
    mut patch: Object,
    meta: &dyn PatchMeta,
    mode: Mode,
) -> Result<Object, Error> {
    if let Some(directive) = patch.remove(DIRECTIVE) {
        return match directive.as_str() {
            Some("replace") => Ok(patch),
            Some("delete") => Ok(Object::new()),
            _ => {
                patch.insert(DIRECTIVE.to_owned(), directive.clone());
                let shown = go_display(&Value::Object(patch));
                fail(format!("unknown patch type: {} in map: {shown}", go_display(&directive)))
            }
        };
    }
    retain_keys(&mut original, &mut patch, mode)?;
    order_lists(&mut original, &mut patch, meta, mode)?;
    for (key, value) in patch {
        let delete_from = key.strip_prefix(DELETE_FROM_LIST);
        let (key, deletes) = match delete_from {
            Some(_) if mode == Mode::OfPatches => {
                original.insert(key, value);
                continue;
            }
            Some(rest) => match rest.strip_prefix('/') {
                Some(field) => (field.to_owned(), true),
                None => return fail("invalid patch format of primitive list"),
            },
            None => (key, false),
        };
        if value.is_null() {
            original.remove(&key);
            if mode == Mode::Final {
                continue;
            }
        }
        merge_field(&mut original, key, value, deletes, meta, mode)?;
    }
    Ok(original)
}

/// Merges one field that is not a directive (or the deletions from one).
fn merge_field(
    original: &mut Object,
    key: String,
    value: Value,
    deletes: bool,
    meta: &dyn PatchMeta,
    mode: Mode,
) -> Result<(), Error> {
    let same_type = original.get(&key).is_some_and(|old| go_type(old) == go_type(&value));
    let merges = same_type && (value.is_object() || value.is_array());
    if !merges {
        if !deletes {
            set(original, key, value, same_type, mode);
        }
        return Ok(());
    }
    let (field, below) = meta.field(&key);
    let old = original.remove(&key).unwrap_or(Value::Null);
    let merged = match (old, value) {
        (Value::Object(_), value @ Value::Object(_)) if field.replace => value,
        (Value::Object(old), Value::Object(new)) => Value::Object(merge(old, new, below, mode)?),
        (Value::Array(old), Value::Array(new)) if field.merge || deletes => {
            Value::Array(merge_lists(old, new, below, field.merge_key, mode, deletes)?)
        }
        (_, value) => value,
    };
    original.insert(key, merged);
    Ok(())
}

/// Sets a field to what a patch has, without the patch's directives and (new fields, for good) without its nulls.
fn set(original: &mut Object, key: String, mut value: Value, same_type: bool, mode: Mode) {
    if mode == Mode::Final && !same_type {
        drop_nulls(&mut value);
    }
    match without_directives(value) {
        Some(value) => {
            original.insert(key, value);
        }
        None => {
            original.remove(&key);
        }
    }
}

fn drop_nulls(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.retain(|_, v| !v.is_null());
            map.values_mut().for_each(drop_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(drop_nulls),
        _ => {}
    }
}

/// `None` if the value is itself a directive.
fn without_directives(value: Value) -> Option<Value> {
    Some(match value {
        Value::Object(map) if map.contains_key(DIRECTIVE) => return None,
        Value::Object(map) => {
            Value::Object(map.into_iter().filter_map(|(key, value)| Some((key, without_directives(value)?))).gather())
        }
        Value::Array(items) => items.into_iter().filter_map(without_directives).collect(),
        other => other,
    })
}

fn retain_keys(original: &mut Object, patch: &mut Object, mode: Mode) -> Result<(), Error> {
    let Some(wanted) = patch.remove(RETAIN_KEYS) else { return Ok(()) };
    if mode == Mode::OfPatches {
        if let Some(other) = original.get(RETAIN_KEYS).filter(|other| **other != wanted) {
            let (a, b) = (go_display(other), go_display(&wanted));
            let why = "this may happen when calculating the 3-way diff patch";
            return fail(format!("{a} and {b} are not deep equal: {why}"));
        }
        original.insert(RETAIN_KEYS.to_owned(), wanted);
        return Ok(());
    }
    let Value::Array(names) = wanted else { return fail("invalid patch format of retainKeys") };
    let names: BTreeSet<&str> = names.iter().filter_map(Value::as_str).gather();
    let stray = patch.iter().any(|(key, value)| {
        let directive = key.starts_with(DELETE_FROM_LIST) || key.starts_with(SET_ORDER);
        !value.is_null() && !directive && !names.contains(key.as_str())
    });
    if stray {
        return fail("invalid patch format of retainKeys");
    }
    original.retain(|key, _| names.contains(key.as_str()));
    Ok(())
}

/// Carries out `$setElementOrder/…`: merges those lists and puts them in the order wanted.
fn order_lists(original: &mut Object, patch: &mut Object, meta: &dyn PatchMeta, mode: Mode) -> Result<(), Error> {
    let keys: Vec<String> = patch.keys().filter(|key| key.starts_with(SET_ORDER)).cloned().collect();
    for key in keys {
        let Some(wanted) = patch.remove(&key) else { continue };
        if mode == Mode::OfPatches {
            if original.get(&key).is_some_and(|other| *other != wanted) {
                return fail("invalid patch format of setElementOrder list");
            }
            original.insert(key.clone(), wanted.clone());
        }
        let wanted = as_list(&wanted)?;
        let Some(name) = key.strip_prefix(SET_ORDER).and_then(|rest| rest.strip_prefix('/')) else {
            return fail("invalid patch format of setElementOrder list");
        };
        let (field, below) = meta.field(name);
        let old = original.get(name).map(as_list).transpose()?.cloned();
        let new = patch.get(name).map(as_list).transpose()?.cloned();
        check_order(new.as_deref().unwrap_or_default(), wanted, field.merge_key)?;
        let merged = match (old.clone(), new.clone()) {
            (None, None) => continue,
            (Some(old), None) => old,
            (None, Some(new)) => new.into_iter().filter_map(without_directives).collect(),
            (Some(old), Some(new)) if field.merge => merge_lists(old, new, below, field.merge_key, mode, false)?,
            (Some(_), Some(new)) => new,
        };
        let (named, server_only) = partition(merged, wanted, field.merge_key)?;
        let (old, new) = (old.unwrap_or_default(), new.unwrap_or_default());
        if elements_are_maps([&old, &new])?.is_none() {
            return fail("no elements in any of the given slices");
        }
        let ordered = interleave(named, server_only, wanted, &old, field.merge_key)?;
        original.insert(name.to_owned(), Value::Array(ordered));
        patch.remove(name);
    }
    Ok(())
}

/// The patch's own list must follow the order it asks for.
fn check_order(items: &[Value], wanted: &[Value], merge_key: &str) -> Result<(), Error> {
    if items.is_empty() || wanted.is_empty() {
        return Ok(());
    }
    let mut order = wanted.iter();
    let maps = !merge_key.is_empty();
    for item in items {
        if maps && as_map(item)?.contains_key(DIRECTIVE) {
            continue;
        }
        let mine = identity(item, merge_key)?;
        let mut found = false;
        for other in order.by_ref() {
            if identity(other, merge_key)? == mine {
                found = true;
                break;
            }
        }
        if !found {
            let (items, wanted) = (Value::Array(items.to_vec()), Value::Array(wanted.to_vec()));
            let (items, wanted) = (go_display(&items), go_display(&wanted));
            return fail(format!("The order in patch list:\n{items}\n doesn't match {SET_ORDER} list:\n{wanted}\n"));
        }
    }
    Ok(())
}

/// Items that `names` names, and the others.
fn partition(items: Vec<Value>, names: &[Value], merge_key: &str) -> Result<(Vec<Value>, Vec<Value>), Error> {
    let mut known = BTreeSet::new();
    for item in names {
        // Elements without the key name nothing.
        if let Ok(value) = identity(item, merge_key) {
            known.insert(value.to_string());
        }
    }
    let (mut named, mut others) = (Vec::new(), Vec::new());
    for item in items {
        if known.contains(&identity(&item, merge_key)?.to_string()) {
            named.push(item);
        } else {
            others.push(item);
        }
    }
    Ok((named, others))
}

fn merge_lists(
    original: Vec<Value>,
    patch: Vec<Value>,
    below: &dyn PatchMeta,
    merge_key: &str,
    mode: Mode,
    deletes: bool,
) -> Result<Vec<Value>, Error> {
    let Some(maps) = elements_are_maps([&original, &patch])? else { return Ok(original) };
    if !maps {
        if mode == Mode::Final && deletes {
            return Ok(original.into_iter().filter(|item| !patch.contains(item)).collect());
        }
        let mut merged: Vec<Value> = Vec::new();
        let mut seen = BTreeSet::new();
        for item in original.iter().chain(&patch) {
            if seen.insert(item.to_string()) {
                merged.push(item.clone());
            }
        }
        let (named, others) = partition(merged, &patch, "")?;
        return interleave(named, others, &patch, &original, "");
    }
    if merge_key.is_empty() {
        return fail("cannot merge lists without merge key for struct");
    }
    let (mut merged, patch) = special_elements(original, patch, merge_key)?;
    let server_order = merged.clone();
    for item in &patch {
        let mine = identity(item, merge_key)?;
        let mut at = None;
        for (i, other) in merged.iter().enumerate() {
            let Value::Object(other) = other else { return fail(format!("value for key {i} is not a map")) };
            if other.get(merge_key) == Some(mine) {
                at = Some(i);
                break;
            }
        }
        match at {
            Some(i) => {
                let Value::Object(old) = merged[i].take() else { continue };
                merged[i] = Value::Object(merge(old, as_map(item)?.clone(), below, mode)?);
            }
            None => merged.push(item.clone()),
        }
    }
    let (named, others) = partition(merged, &patch, merge_key)?;
    interleave(named, others, &patch, &server_order, merge_key)
}

/// Carries out the directives among a list's elements; what is left of both lists.
fn special_elements(
    mut original: Vec<Value>,
    patch: Vec<Value>,
    merge_key: &str,
) -> Result<(Vec<Value>, Vec<Value>), Error> {
    let mut plain = Vec::new();
    let mut replace = false;
    for item in patch {
        match item.get(DIRECTIVE) {
            None => plain.push(item),
            Some(_) if is_deletion(&item) => {
                let gone = identity(&item, merge_key)?;
                original.retain(|other| other.get(merge_key) != Some(gone));
            }
            Some(directive) if directive == "replace" => replace = true,
            Some(directive) if directive == "merge" => {
                return fail("merging lists cannot yet be specified in the patch");
            }
            Some(directive) => {
                let shown = go_display(&item);
                return fail(format!("unknown patch type: {} in map: {shown}", go_display(directive)));
            }
        }
    }
    Ok(if replace { (plain, Vec::new()) } else { (original, plain) })
}
