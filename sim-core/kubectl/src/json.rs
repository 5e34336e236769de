//! Reading and writing places of a JSON value by pointer (`/metadata/name`), where absent reads as empty.

use serde_json::{Map, Value};

pub const NULL: &Value = &Value::Null;

pub fn at<'a>(v: &'a Value, pointer: &str) -> &'a Value {
    v.pointer(pointer).unwrap_or(NULL)
}

pub fn text<'a>(v: &'a Value, pointer: &str) -> &'a str {
    at(v, pointer).as_str().unwrap_or("")
}

pub fn int(v: &Value, pointer: &str) -> i64 {
    let v = at(v, pointer);
    v.as_i64().or_else(|| v.as_f64().map(|f| f as i64)).unwrap_or(0)
}

pub fn boolean(v: &Value, pointer: &str) -> bool {
    at(v, pointer).as_bool().unwrap_or(false)
}

pub fn list<'a>(v: &'a Value, pointer: &str) -> &'a [Value] {
    at(v, pointer).as_array().map_or(&[], Vec::as_slice)
}

/// Whether anything but null is there.
pub fn has(v: &Value, pointer: &str) -> bool {
    !at(v, pointer).is_null()
}

/// The members of an object, sorted by key; none when it is no object.
pub fn members<'a>(v: &'a Value, pointer: &str) -> Vec<(&'a String, &'a Value)> {
    at(v, pointer).as_object().map_or_else(Vec::new, |m| m.iter().collect())
}

/// A string list joined.
pub fn joined(v: &Value, pointer: &str, separator: &str) -> String {
    list(v, pointer).iter().map(shown).collect::<Vec<_>>().join(separator)
}

/// A scalar without quotes.
pub fn shown(v: &Value) -> String {
    match v {
        Value::Null => String::new(),
        Value::String(s) => s.clone(),
        other => other.to_string(),
    }
}

/// Sets a place, making the objects on the way.
pub fn set(v: &mut Value, pointer: &str, new: Value) {
    let mut here = v;
    for part in pointer.split('/').skip(1) {
        let key = part.replace("~1", "/").replace("~0", "~");
        if let Value::Array(items) = here {
            let Some(item) = key.parse::<usize>().ok().and_then(|i| items.get_mut(i)) else { return };
            here = item;
            continue;
        }
        if !here.is_object() {
            *here = Value::Object(Map::new());
        }
        let Value::Object(map) = here else { return };
        here = map.entry(key).or_insert(Value::Null);
    }
    *here = new;
}

/// Removes a member; nothing happens when it is not there.
pub fn remove(v: &mut Value, pointer: &str) {
    let Some((parent, key)) = pointer.rsplit_once('/') else { return };
    let key = key.replace("~1", "/").replace("~0", "~");
    if let Some(Value::Object(map)) = v.pointer_mut(parent) {
        map.remove(&key);
    }
}

/// A key as one part of a pointer.
pub fn escape(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

pub fn name(v: &Value) -> &str {
    text(v, "/metadata/name")
}

pub fn namespace(v: &Value) -> &str {
    text(v, "/metadata/namespace")
}

pub fn annotation<'a>(v: &'a Value, key: &str) -> Option<&'a str> {
    at(v, "/metadata/annotations").get(key)?.as_str()
}
