//! The functions templates may call: Go's own and cli-runtime's `exists` and `base64decode`.

use super::eval::{Val, get, truth};
use super::printf::{print, printf, println};
use crate::json::{go_display, go_type};
use serde_json::Value;
use std::borrow::Cow;
use std::cmp::Ordering;

/// Why a call failed.
pub(super) enum Fault {
    /// Wrong number of arguments.
    Count(String),
    /// The function itself complains.
    Calling(String),
}

/// Name, fewest arguments, most arguments.
const TABLE: [(&str, usize, usize); 21] = [
    ("and", 1, MANY),
    ("base64decode", 1, 1),
    ("eq", 1, MANY),
    ("exists", 1, MANY),
    ("ge", 2, 2),
    ("gt", 2, 2),
    ("html", 0, MANY),
    ("index", 1, MANY),
    ("le", 2, 2),
    ("len", 1, 1),
    ("lt", 2, 2),
    ("ne", 2, 2),
    ("not", 1, 1),
    ("or", 1, MANY),
    ("print", 0, MANY),
    ("printf", 1, MANY),
    ("println", 0, MANY),
    ("slice", 1, 4),
    ("urlquery", 0, MANY),
    // Known to the parser, refused when called.
    ("call", 0, MANY),
    ("js", 0, MANY),
];
const MANY: usize = usize::MAX;

pub(super) fn exists(name: &str) -> bool {
    TABLE.iter().any(|(known, ..)| *known == name)
}

pub(super) fn call<'a>(name: &str, arguments: &[Val<'a>]) -> Result<Val<'a>, Fault> {
    let Some((_, least, most)) = TABLE.iter().find(|(known, ..)| *known == name) else {
        return Err(Fault::Count(format!("\"{name}\" is not a defined function")));
    };
    let count = arguments.len();
    if count < *least {
        let want = if *most == MANY { format!("at least {least}") } else { least.to_string() };
        return Err(Fault::Count(format!("wrong number of args for {name}: want {want} got {count}")));
    }
    if count > *most {
        return Err(Fault::Count(format!("wrong number of args for {name}: want {most} got {count}")));
    }
    let values: Vec<Value> = match name {
        "printf" | "print" | "println" | "html" | "urlquery" => {
            arguments.iter().map(|a| a.as_deref().cloned().unwrap_or(Value::Null)).collect()
        }
        _ => Vec::new(),
    };
    let made: Result<Value, String> = match name {
        // Arguments that decide were handled where they were evaluated.
        "and" | "or" => return Ok(arguments.last().cloned().flatten()),
        "index" => return index(arguments).map_err(Fault::Calling),
        "not" => Ok((!truth(&arguments[0])).into()),
        "len" => length(&arguments[0]),
        "slice" => slice(arguments),
        "exists" => Ok(found(arguments).into()),
        "base64decode" => match arguments[0].as_deref() {
            Some(Value::String(text)) => crate::yaml::base64(text)
                .map(|bytes| String::from_utf8_lossy(&bytes).into_owned().into())
                .ok_or_else(|| {
                    let valid = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'=');
                    let at = text.bytes().position(|b| !valid(b)).unwrap_or(text.len() / 4 * 4);
                    format!("base64 decode failed: illegal base64 data at input byte {at}")
                }),
            _ => Err("wrong type for value; expected string".to_owned()),
        },
        "eq" => equal_any(arguments).map(Value::Bool),
        "ne" => equal(&arguments[0], &arguments[1]).map(|same| (!same).into()),
        "lt" => compare(arguments).map(|o| o.is_lt().into()),
        "le" => compare(arguments).map(|o| o.is_le().into()),
        "gt" => compare(arguments).map(|o| o.is_gt().into()),
        "ge" => compare(arguments).map(|o| o.is_ge().into()),
        "printf" => match &values[0] {
            Value::String(format) => Ok(printf(format, &values[1..]).into()),
            _ => Err("wrong type for value; expected string".to_owned()),
        },
        "print" => Ok(print(&values).into()),
        "println" => Ok(println(&values).into()),
        "html" => Ok(escape_html(&print(&values)).into()),
        "urlquery" => Ok(escape_query(&print(&values)).into()),
        _ => Err("is not supported here".to_owned()),
    };
    made.map(|value| Some(Cow::Owned(value))).map_err(Fault::Calling)
}

fn length(value: &Val<'_>) -> Result<Value, String> {
    match value.as_deref() {
        Some(Value::String(text)) => Ok(text.len().into()),
        Some(Value::Array(items)) => Ok(items.len().into()),
        Some(Value::Object(map)) => Ok(map.len().into()),
        None | Some(Value::Null) => Err("reflect: call of reflect.Value.Type on zero Value".to_owned()),
        Some(other) => Err(format!("len of type {}", go_type(other))),
    }
}

fn index<'a>(arguments: &[Val<'a>]) -> Result<Val<'a>, String> {
    let Some(mut value) = arguments[0].clone() else { return Err("index of untyped nil".to_owned()) };
    for key in &arguments[1..] {
        let key = key.as_deref().unwrap_or(&Value::Null);
        let next = match (value.as_ref(), key) {
            (Value::Array(items), Value::Number(n)) => {
                let at = position(n.as_i64(), items.len(), false)?;
                match &value {
                    Cow::Borrowed(value) => value.get(at).map(Cow::Borrowed),
                    Cow::Owned(value) => value.get(at).cloned().map(Cow::Owned),
                }
            }
            (Value::String(text), Value::Number(n)) => {
                let at = position(n.as_i64(), text.len(), false)?;
                Some(Cow::Owned(text.as_bytes()[at].into()))
            }
            (Value::Object(_), Value::String(key)) => get(&value, key),
            (Value::Object(_), other) => {
                return Err(format!("value has type {}; should be string", go_type(other)));
            }
            (Value::Array(_) | Value::String(_), Value::Null) => {
                return Err("cannot index slice/array with nil".to_owned());
            }
            (Value::Array(_) | Value::String(_), other) => {
                return Err(format!("cannot index slice/array with type {}", go_type(other)));
            }
            (Value::Null, _) => return Err("index of nil pointer".to_owned()),
            (other, _) => return Err(format!("can't index item of type {}", go_type(other))),
        };
        match next {
            Some(next) => value = next,
            None => return Ok(None),
        }
    }
    Ok(Some(value))
}

fn position(at: Option<i64>, length: usize, end_counts: bool) -> Result<usize, String> {
    let at = at.ok_or("cannot index slice/array with type float64")?;
    let within = usize::try_from(at).ok().filter(|i| *i < length || (end_counts && *i == length));
    within.ok_or_else(|| format!("index out of range: {at}"))
}

fn slice(arguments: &[Val<'_>]) -> Result<Value, String> {
    let length = match arguments[0].as_deref() {
        Some(Value::String(text)) => text.len(),
        Some(Value::Array(items)) => items.len(),
        None | Some(Value::Null) => return Err("slice of untyped nil".to_owned()),
        Some(other) => return Err(format!("can't slice item of type {}", go_type(other))),
    };
    let bound = |i: usize, default: usize| match arguments.get(i) {
        None => Ok(default),
        Some(value) => position(value.as_deref().and_then(Value::as_i64), length, true),
    };
    let (start, end) = (bound(1, 0)?, bound(2, length)?);
    if start > end {
        return Err(format!("invalid slice index: {start} > {end}"));
    }
    Ok(match arguments[0].as_deref() {
        Some(Value::Array(items)) => items[start..end].to_vec().into(),
        Some(Value::String(text)) => String::from_utf8_lossy(&text.as_bytes()[start..end]).into_owned().into(),
        _ => Value::Null,
    })
}

/// Cli-runtime's `exists`: whether all the keys lead somewhere.
fn found(arguments: &[Val<'_>]) -> bool {
    let Some(mut value) = arguments[0].as_deref() else { return false };
    for key in &arguments[1..] {
        let next = match (value, key.as_deref()) {
            (Value::Object(map), Some(Value::String(key))) => map.get(key),
            (Value::Array(items), Some(Value::Number(n))) => {
                n.as_u64().and_then(|i| items.get(usize::try_from(i).ok()?))
            }
            _ => None,
        };
        match next {
            Some(next) => value = next,
            None => return false,
        }
    }
    true
}

/// Go's kinds of comparable value.
fn basic_kind(value: &Val<'_>) -> u8 {
    match value.as_deref() {
        Some(Value::Bool(_)) => 1,
        Some(Value::Number(n)) if n.is_f64() => 2,
        Some(Value::Number(_)) => 3,
        Some(Value::String(_)) => 4,
        _ => 0,
    }
}

fn is_nil(value: &Val<'_>) -> bool {
    matches!(value.as_deref(), None | Some(Value::Null))
}

fn equal_any(arguments: &[Val<'_>]) -> Result<bool, String> {
    if arguments.len() < 2 {
        return Err("missing argument for comparison".to_owned());
    }
    for other in &arguments[1..] {
        if equal(&arguments[0], other)? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn equal(a: &Val<'_>, b: &Val<'_>) -> Result<bool, String> {
    if is_nil(a) || is_nil(b) {
        return Ok(is_nil(a) && is_nil(b));
    }
    match (basic_kind(a), basic_kind(b)) {
        (0, 0) => {
            let show = |v: &Val<'_>| v.as_deref().map(|v| format!("{}: {}", go_type(v), go_display(v)));
            let (a, b) = (show(a).unwrap_or_default(), show(b).unwrap_or_default());
            Err(format!("non-comparable types {a}, {b}"))
        }
        (k1, k2) if k1 == k2 => Ok(a == b),
        _ => Err("incompatible types for comparison".to_owned()),
    }
}

fn compare(arguments: &[Val<'_>]) -> Result<Ordering, String> {
    let (a, b) = (&arguments[0], &arguments[1]);
    match (a.as_deref(), b.as_deref()) {
        (Some(Value::String(a)), Some(Value::String(b))) => Ok(a.cmp(b)),
        (Some(Value::Number(x)), Some(Value::Number(y))) if basic_kind(a) == basic_kind(b) => {
            let whole = x.as_i64().zip(y.as_i64()).map(|(x, y)| x.cmp(&y));
            whole.or_else(|| x.as_f64().partial_cmp(&y.as_f64())).ok_or_else(String::new)
        }
        _ if basic_kind(a) != basic_kind(b) && basic_kind(a) != 0 && basic_kind(b) != 0 => {
            Err("incompatible types for comparison".to_owned())
        }
        _ => Err("invalid type for comparison".to_owned()),
    }
}

fn escape_html(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&#34;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

fn escape_query(text: &str) -> String {
    let mut out = String::new();
    for b in text.bytes() {
        match b {
            b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b'-' | b'_' | b'.' | b'~' => out.push(char::from(b)),
            b' ' => out.push('+'),
            b => out.push_str(&format!("%{b:02X}")),
        }
    }
    out
}
