//! Protobuf bodies of real clients, turned into the JSON that the door understands.
//!
//! Typed clients (kubectl's `create`, `auth can-i` …) send `application/vnd.kubernetes.protobuf` and read JSON as well, so
//! only this direction is needed, and only at the native door. `protobuf.txt` has one line a message: its fields as
//! `json-name:number:type`, from the `protobuf` tags of the API's types.
//!
//! Types: `s` string, `i` integer, `b` bool, `d` double, `y` bytes, `Q` quantity, `O` int-or-string, `T` time, `U` time with
//! microseconds, `D` duration, `F` and `R` embedded JSON, `I` a list in a message of its own, else a message. Before it:
//! `*` repeated, `%` map by string, `=` fields of the message stand in the parent, `?` zero is as good as absent.
//!
//! Models: apimachinery `runtime/serializer/protobuf`.

use apimachinery::time::Time;
use serde_json::{Map, Value};
use std::collections::HashMap;
use std::sync::LazyLock;

pub(crate) const MEDIA_TYPE: &str = "application/vnd.kubernetes.protobuf";

/// What comes before every Kubernetes protobuf body.
const MAGIC: &[u8] = b"k8s\0";
const DEPTH_MAX: usize = 100;

struct Field {
    name: &'static str,
    kind: &'static str,
}

static MESSAGES: LazyLock<HashMap<&'static str, HashMap<u64, Field>>> = LazyLock::new(|| {
    let field = |text: &'static str| {
        let mut parts = text.splitn(3, ':');
        let (name, number, kind) = (parts.next()?, parts.next()?.parse().ok()?, parts.next()?);
        Some((number, Field { name, kind }))
    };
    include_str!("protobuf.txt")
        .lines()
        .filter_map(|line| {
            let (name, fields) = line.split_once(' ')?;
            Some((name, fields.split(' ').filter_map(field).collect()))
        })
        .collect()
});

/// Decodes a body; the error is for the client.
pub(crate) fn to_json(body: &[u8]) -> Result<Value, String> {
    let envelope = body
        .strip_prefix(MAGIC)
        .ok_or("provided data does not appear to be a protobuf message, expected prefix \"k8s\\x00\"")?;
    let (mut api_version, mut kind, mut raw) = (String::new(), String::new(), &[][..]);
    for item in items(envelope)? {
        match item {
            (1, Wire::Bytes(meta)) => {
                for part in items(meta)? {
                    match part {
                        (1, Wire::Bytes(text)) => api_version = string(text),
                        (2, Wire::Bytes(text)) => kind = string(text),
                        _ => {}
                    }
                }
            }
            (2, Wire::Bytes(bytes)) => raw = bytes,
            _ => {}
        }
    }
    let message = message_of(&api_version, &kind)
        .ok_or_else(|| format!("no kind \"{kind}\" is registered for version \"{api_version}\""))?;
    let mut out = Map::new();
    read(message, raw, &mut out, 0)?;
    out.insert("apiVersion".into(), api_version.into());
    out.insert("kind".into(), kind.into());
    Ok(Value::Object(out))
}

fn message_of(api_version: &str, kind: &str) -> Option<&'static str> {
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    let package = match (group.split('.').next().unwrap_or_default(), version) {
        ("", _) => "core",
        ("autoscaling", "v2") => "autoscalingv2",
        (package, _) => package,
    };
    [package, "meta"].iter().find_map(|p| MESSAGES.get_key_value(format!("{p}.{kind}").as_str()).map(|(k, _)| *k))
}

/// One field as it stands on the wire.
enum Wire<'b> {
    Number(u64),
    Bytes(&'b [u8]),
}

fn varint(bytes: &[u8], at: &mut usize) -> Result<u64, String> {
    let mut out = 0u64;
    for shift in (0..64).step_by(7) {
        let byte = *bytes.get(*at).ok_or("unexpected EOF")?;
        *at += 1;
        out |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Ok(out);
        }
    }
    Err("proto: integer overflow".into())
}

fn items(bytes: &[u8]) -> Result<Vec<(u64, Wire<'_>)>, String> {
    let (mut out, mut at) = (Vec::new(), 0);
    while at < bytes.len() {
        let key = varint(bytes, &mut at)?;
        let mut take = |n: usize| {
            let end = at.checked_add(n).filter(|end| *end <= bytes.len()).ok_or("unexpected EOF")?;
            let part = &bytes[at..end];
            at = end;
            Ok::<&[u8], String>(part)
        };
        let wire = match key & 7 {
            0 => Wire::Number(varint(bytes, &mut at)?),
            1 => Wire::Number(u64::from_le_bytes(take(8)?.try_into().unwrap_or_default())),
            5 => Wire::Number(u64::from(u32::from_le_bytes(take(4)?.try_into().unwrap_or_default()))),
            2 => {
                let length = usize::try_from(varint(bytes, &mut at)?).map_err(|_| "proto: negative length")?;
                let end = at.checked_add(length).filter(|end| *end <= bytes.len()).ok_or("unexpected EOF")?;
                let part = &bytes[at..end];
                at = end;
                Wire::Bytes(part)
            }
            other => return Err(format!("proto: illegal wireType {other}")),
        };
        out.push((key >> 3, wire));
    }
    Ok(out)
}

fn string(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn read(message: &str, bytes: &[u8], out: &mut Map<String, Value>, depth: usize) -> Result<(), String> {
    if depth > DEPTH_MAX {
        return Err("proto: exceeded max depth".into());
    }
    let fields = MESSAGES.get(message).ok_or_else(|| format!("unknown message {message}"))?;
    for (number, wire) in items(bytes)? {
        let Some(field) = fields.get(&number) else { continue };
        if let Some(inline) = field.kind.strip_prefix('=') {
            if let Wire::Bytes(bytes) = wire {
                read(inline, bytes, out, depth + 1)?;
            }
            continue;
        }
        if let Some(element) = field.kind.strip_prefix('*') {
            let list = out.entry(field.name).or_insert_with(|| Value::Array(Vec::new()));
            if let Value::Array(list) = list {
                match wire {
                    Wire::Bytes(packed) if matches!(element, "i" | "b") => {
                        let mut at = 0;
                        while at < packed.len() {
                            list.push(value(element, Wire::Number(varint(packed, &mut at)?), depth)?);
                        }
                    }
                    wire => list.push(value(element, wire, depth)?),
                }
            }
            continue;
        }
        if let Some(of) = field.kind.strip_prefix('%') {
            let Wire::Bytes(entry) = wire else { continue };
            let (mut key, mut item) = (String::new(), default(of));
            for (number, wire) in items(entry)? {
                match (number, wire) {
                    (1, Wire::Bytes(text)) => key = string(text),
                    (2, wire) => item = value(of, wire, depth)?,
                    _ => {}
                }
            }
            if let Value::Object(map) = out.entry(field.name).or_insert_with(|| Value::Object(Map::new())) {
                map.insert(key, item);
            }
            continue;
        }
        let (kind, optional) = match field.kind.strip_prefix('?') {
            Some(kind) => (kind, true),
            None => (field.kind, false),
        };
        let value = value(kind, wire, depth)?;
        let left_out = value.is_null() || optional && value == default(kind);
        if !left_out {
            out.insert(field.name.to_owned(), value);
        }
    }
    Ok(())
}

/// What a field reads as that is not on the wire.
fn default(kind: &str) -> Value {
    match kind {
        "s" | "y" => "".into(),
        "i" => 0.into(),
        "d" => 0.0.into(),
        "b" => false.into(),
        "Q" => "0".into(),
        "I" => Value::Array(Vec::new()),
        _ => Value::Object(Map::new()),
    }
}

fn value(kind: &str, wire: Wire<'_>, depth: usize) -> Result<Value, String> {
    let bytes = match wire {
        Wire::Number(n) => {
            return Ok(match kind {
                "b" => (n != 0).into(),
                "d" => f64::from_bits(n).into(),
                // Negative numbers are sign-extended to 64 bits.
                _ => (n as i64).into(),
            });
        }
        Wire::Bytes(bytes) => bytes,
    };
    let number = |wanted: u64| -> Result<Option<i64>, String> {
        Ok(items(bytes)?.into_iter().find_map(|(n, w)| match w {
            Wire::Number(value) if n == wanted => Some(value as i64),
            _ => None,
        }))
    };
    let part = |wanted: u64| -> Result<&[u8], String> {
        let found = items(bytes)?.into_iter().find_map(|(n, w)| match w {
            Wire::Bytes(value) if n == wanted => Some(value),
            _ => None,
        });
        Ok(found.unwrap_or_default())
    };
    let embedded = |bytes: &[u8]| apimachinery::json::parse(bytes).unwrap_or(Value::Null);
    Ok(match kind {
        "s" => string(bytes).into(),
        "y" => base64(bytes).into(),
        "Q" => string(part(1)?).into(),
        "O" if number(1)?.unwrap_or(0) == 1 => string(part(3)?).into(),
        "O" => number(2)?.unwrap_or(0).into(),
        "T" | "U" => match number(1)? {
            None => Value::Null,
            Some(seconds) if kind == "T" => Time::from_secs(seconds).rfc3339().into(),
            Some(seconds) => {
                let micros = number(2)?.unwrap_or(0) / 1000;
                Time(seconds.saturating_mul(1_000_000).saturating_add(micros)).rfc3339_micro().into()
            }
        },
        "D" => apimachinery::duration::go_string_nanos(number(1)?.unwrap_or(0)).into(),
        "F" | "R" => embedded(part(1)?),
        "I" => {
            let texts = items(bytes)?.into_iter().filter_map(|(_, w)| match w {
                Wire::Bytes(text) => Some(Value::from(string(text))),
                Wire::Number(_) => None,
            });
            texts.collect::<Vec<_>>().into()
        }
        message => {
            let mut out = Map::new();
            read(message, bytes, &mut out, depth + 1)?;
            Value::Object(out)
        }
    })
}

fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let word = chunk.iter().fold(0u32, |w, b| w << 8 | u32::from(*b)) << (8 * (3 - chunk.len()));
        for i in 0..4 {
            let digit = char::from(ALPHABET[(word >> (18 - 6 * i) & 63) as usize]);
            out.push(if i <= chunk.len() { digit } else { '=' });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// A field with a length: strings and messages.
    fn field(number: u8, content: &[u8]) -> Vec<u8> {
        let length = u8::try_from(content.len()).expect("the tests' messages are short");
        [&[number << 3 | 2, length], content].concat()
    }

    fn body(api_version: &str, kind: &str, raw: &[u8]) -> Vec<u8> {
        let meta = [field(1, api_version.as_bytes()), field(2, kind.as_bytes())].concat();
        [MAGIC.to_vec(), field(1, &meta), field(2, raw)].concat()
    }

    #[test]
    fn objects_become_json() {
        let meta = [field(1, b"one"), field(2, b""), field(8, b"")].concat();
        let entry = [field(1, b"a"), field(2, b"b")].concat();
        let raw = [field(1, &meta), field(2, &entry)].concat();
        let expected =
            json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "one"}, "data": {"a": "b"}});
        assert_eq!(to_json(&body("v1", "ConfigMap", &raw)), Ok(expected));
        // spec.template.spec.containers[0].ports[0].containerPort = 80, spec.replicas = 0
        let port = field(6, &[3 << 3, 80]);
        let container = field(2, &[field(1, b"c"), port].concat());
        let template = field(3, &field(2, &container));
        let raw = field(2, &[vec![1 << 3, 0], template].concat());
        let expected = json!({"apiVersion": "apps/v1", "kind": "Deployment", "spec": {"replicas": 0, "template": {"spec":
            {"containers": [{"name": "c", "ports": [{"containerPort": 80}]}]}}}});
        assert_eq!(to_json(&body("apps/v1", "Deployment", &raw)), Ok(expected));
    }

    #[test]
    fn junk_is_refused() {
        for junk in [&b""[..], b"{}", b"k8s\0\x0a\xff", &body("v1", "Nonsense", b""), &body("v1", "Pod", b"\x0a\x7f")] {
            assert!(to_json(junk).is_err(), "{junk:?}");
        }
    }
}
