//! Making a patch of the differences.

use super::{
    DELETE_FROM_LIST, DIRECTIVE, Object, RETAIN_KEYS, SET_ORDER, elements_are_maps, fail, identity, sort_as_text,
    sort_by_order,
};
use crate::json::{go_display, go_type};
use crate::patch::Error;
use crate::patch::meta::PatchMeta;
use serde_json::{Value, json};

#[derive(Clone, Copy, Default)]
pub(super) struct Options {
    /// Say the order of merging lists.
    pub set_order: bool,
    pub ignore_changes: bool,
    pub ignore_deletions: bool,
    /// Name the keys that stay (set while walking, from the field's strategy).
    pub retain_keys: bool,
}

pub(super) fn maps(
    original: &Object,
    modified: &Object,
    meta: &dyn PatchMeta,
    options: Options,
) -> Result<Object, Error> {
    let mut patch = Object::new();
    for (key, new) in modified {
        match original.get(key) {
            None => add(&mut patch, key, new, options),
            Some(old) if key == DIRECTIVE => {
                if !old.is_string() || !new.is_string() {
                    return fail(format!("invalid value for special key: {DIRECTIVE}"));
                }
                if old != new {
                    patch.insert(key.clone(), new.clone());
                }
            }
            Some(Value::Object(old)) if new.is_object() => map_field(&mut patch, key, old, new, meta, options)?,
            Some(Value::Array(old)) if new.is_array() => list_field(&mut patch, key, old, new, meta, options)?,
            Some(old) if go_type(old) == go_type(new) && old == new => {}
            Some(_) => add(&mut patch, key, new, options),
        }
    }
    if !options.ignore_deletions {
        for key in original.keys().filter(|key| !modified.contains_key(*key)) {
            patch.insert(key.clone(), Value::Null);
        }
    }
    if options.retain_keys {
        let kept: Vec<Value> = modified.iter().filter(|(_, v)| !v.is_null()).map(|(k, _)| k.as_str().into()).collect();
        let loses = original.iter().any(|(key, value)| !value.is_null() && !modified.contains_key(key));
        if !kept.is_empty() && (!patch.is_empty() || loses) {
            patch.insert(RETAIN_KEYS.to_owned(), Value::Array(kept));
        }
    }
    Ok(patch)
}

fn add(patch: &mut Object, key: &str, value: &Value, options: Options) {
    if !options.ignore_changes {
        patch.insert(key.to_owned(), value.clone());
    }
}

fn map_field(
    patch: &mut Object,
    key: &str,
    old: &Object,
    new: &Value,
    meta: &dyn PatchMeta,
    options: Options,
) -> Result<(), Error> {
    let (field, below) = meta.field(key);
    if field.replace {
        add(patch, key, new, options);
        return Ok(());
    }
    let Value::Object(new) = new else { return Ok(()) };
    let inside = maps(old, new, below, Options { retain_keys: field.retain_keys, ..options })?;
    if !inside.is_empty() {
        patch.insert(key.to_owned(), Value::Object(inside));
    }
    Ok(())
}

fn list_field(
    patch: &mut Object,
    key: &str,
    old: &[Value],
    new: &Value,
    meta: &dyn PatchMeta,
    options: Options,
) -> Result<(), Error> {
    let (field, below) = meta.field(key);
    let Value::Array(items) = new else { return Ok(()) };
    if !field.merge {
        if old != items.as_slice() {
            add(patch, key, new, options);
        }
        return Ok(());
    }
    let options = Options { retain_keys: field.retain_keys, ..options };
    let found = lists(old, items, below, field.merge_key, options)?;
    for (name, list) in [
        (key.to_owned(), found.additions),
        (format!("{DELETE_FROM_LIST}/{key}"), found.deletions),
        (format!("{SET_ORDER}/{key}"), found.order),
    ] {
        if !list.is_empty() {
            patch.insert(name, Value::Array(list));
        }
    }
    Ok(())
}

#[derive(Default)]
struct ListPatch {
    additions: Vec<Value>,
    /// Scalars only; maps are deleted by a directive among the additions.
    deletions: Vec<Value>,
    order: Vec<Value>,
}

fn lists(
    old: &[Value],
    new: &[Value],
    below: &dyn PatchMeta,
    merge_key: &str,
    options: Options,
) -> Result<ListPatch, Error> {
    let mut out = ListPatch::default();
    if old.is_empty() {
        if !options.ignore_changes {
            out.additions = new.to_vec();
        }
        return Ok(out);
    }
    if elements_are_maps([old, new])? == Some(true) {
        let (changed, deleted) = lists_of_maps(old, new, below, merge_key, options)?;
        out.additions = sort_by_order(changed, new, merge_key)?;
        out.additions.extend(deleted);
        let any = !out.additions.is_empty();
        let reordered = !same_order(old, new, merge_key)?;
        if options.set_order && ((!options.ignore_changes && (any || reordered)) || (!options.ignore_deletions && any))
        {
            for item in new {
                out.order.push(json!({ merge_key: identity(item, merge_key)? }));
            }
        }
    } else {
        let (added, deleted) = lists_of_scalars(old, new, options)?;
        out.additions = sort_by_order(added, new, "")?;
        let changed = !options.ignore_changes && old != new;
        if options.set_order && ((!options.ignore_deletions && !deleted.is_empty()) || changed) {
            out.order = new.to_vec();
        }
        out.deletions = deleted;
    }
    Ok(out)
}

fn same_order(old: &[Value], new: &[Value], merge_key: &str) -> Result<bool, Error> {
    if old.len() != new.len() {
        return Ok(false);
    }
    for (a, b) in old.iter().zip(new) {
        if identity(a, merge_key)? != identity(b, merge_key)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Added and deleted scalars; both lists are walked in the order of their texts.
fn lists_of_scalars(old: &[Value], new: &[Value], options: Options) -> Result<(Vec<Value>, Vec<Value>), Error> {
    let (mut added, mut deleted): (Vec<Value>, Vec<Value>) = (Vec::new(), Vec::new());
    let mut old = sort_as_text(old, "")?.into_iter().peekable();
    let mut new = sort_as_text(new, "")?.into_iter().peekable();
    loop {
        let order = match (old.peek(), new.peek()) {
            (None, None) => break,
            (Some(_), None) => std::cmp::Ordering::Less,
            (None, Some(_)) => std::cmp::Ordering::Greater,
            (Some(a), Some(b)) => go_display(a).cmp(&go_display(b)),
        };
        let gone = if order.is_le() { old.next() } else { None };
        let come = if order.is_ge() { new.next() } else { None };
        match (gone, come) {
            (Some(gone), None) if !options.ignore_deletions && !deleted.contains(&gone) => deleted.push(gone),
            (None, Some(come)) if !options.ignore_changes => added.push(come),
            _ => {}
        }
    }
    Ok((added, deleted))
}

/// Changed and added elements, and directives for the deleted ones.
fn lists_of_maps(
    old: &[Value],
    new: &[Value],
    below: &dyn PatchMeta,
    merge_key: &str,
    options: Options,
) -> Result<(Vec<Value>, Vec<Value>), Error> {
    if merge_key.is_empty() {
        return fail("cannot merge lists without merge key for struct");
    }
    let (mut changed, mut deleted) = (Vec::new(), Vec::new());
    let mut old = sort_as_text(old, merge_key)?.into_iter().peekable();
    let mut new = sort_as_text(new, merge_key)?.into_iter().peekable();
    loop {
        let order = match (old.peek(), new.peek()) {
            (None, None) => return Ok((changed, deleted)),
            (Some(_), None) => std::cmp::Ordering::Less,
            (None, Some(_)) => std::cmp::Ordering::Greater,
            (Some(a), Some(b)) => go_display(identity(a, merge_key)?).cmp(&go_display(identity(b, merge_key)?)),
        };
        let gone = if order.is_le() { old.next() } else { None };
        let come = if order.is_ge() { new.next() } else { None };
        match (gone, come) {
            (Some(Value::Object(a)), Some(Value::Object(b))) => {
                let mut inside = maps(&a, &b, below, options)?;
                if !inside.is_empty() {
                    inside.insert(merge_key.to_owned(), b.get(merge_key).cloned().unwrap_or(Value::Null));
                    changed.push(Value::Object(inside));
                }
            }
            (None, Some(come)) if !options.ignore_changes => changed.push(come),
            (Some(gone), None) if !options.ignore_deletions => {
                deleted.push(json!({ merge_key: identity(&gone, merge_key)?, DIRECTIVE: "delete" }));
            }
            _ => {}
        }
    }
}
