//! A tree of nodes to a JSON value: scalars resolved, aliases expanded within limits, `<<` merged.
//!
//! Models: goyaml.v2's decoder into `interface{}` and sigs.k8s.io/yaml's conversion to JSON.

use super::DEPTH_MAX;
use super::compose::{Content, Id, Tree};
use super::resolve::{Scalar, resolve};
use crate::field::quote;
use serde_json::{Map, Number, Value};

const TAG_PREFIX: &str = "tag:yaml.org,2002:";

struct Decoder<'a> {
    tree: &'a Tree,
    strict: bool,
    /// Aliases being expanded, to catch one inside itself.
    open: Vec<Id>,
    depth: usize,
    decoded: usize,
    decoded_in_aliases: usize,
    /// Faults that do not stop decoding.
    faults: Vec<String>,
}

/// The document as a value; errors in Go's words.
pub(super) fn decode(tree: &Tree, strict: bool) -> Result<Value, String> {
    let Some(root) = tree.root else { return Ok(Value::Null) };
    let mut decoder =
        Decoder { tree, strict, open: Vec::new(), depth: 0, decoded: 0, decoded_in_aliases: 0, faults: Vec::new() };
    let value = decoder.node(root)?;
    if decoder.faults.is_empty() {
        Ok(value)
    } else {
        Err(format!("yaml: unmarshal errors:\n  {}", decoder.faults.join("\n  ")))
    }
}

/// How much of a document may come out of aliases: nearly all of a small one, a tenth of a large one.
fn allowed_alias_ratio(decoded: usize) -> f64 {
    const LOW: usize = 400_000;
    const HIGH: usize = 4_000_000;
    match decoded {
        ..=LOW => 0.99,
        HIGH.. => 0.10,
        _ => 0.99 - 0.89 * ((decoded - LOW) as f64 / (HIGH - LOW) as f64),
    }
}

impl Decoder<'_> {
    fn count(&mut self) -> Result<(), String> {
        self.decoded += 1;
        self.decoded_in_aliases += usize::from(!self.open.is_empty());
        let ratio = self.decoded_in_aliases as f64 / self.decoded as f64;
        if self.decoded_in_aliases > 100 && self.decoded > 1000 && ratio > allowed_alias_ratio(self.decoded) {
            return Err("yaml: document contains excessive aliasing".to_owned());
        }
        Ok(())
    }

    fn node(&mut self, id: Id) -> Result<Value, String> {
        self.count()?;
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(format!("yaml: exceeded max depth of {DEPTH_MAX}"));
        }
        let tree = self.tree;
        let value = match &tree.nodes[id].content {
            Content::Scalar { text, tag, plain } => scalar(text, tag, *plain)?,
            Content::Sequence(items) => {
                let items: Result<Vec<Value>, String> = items.iter().map(|item| self.node(*item)).collect();
                Value::Array(items?)
            }
            Content::Mapping(pairs) => {
                let mut map = Map::new();
                self.mapping(pairs, &mut map)?;
                Value::Object(map)
            }
            Content::Alias { name, target } => {
                self.enter(id, name)?;
                let value = self.node(*target)?;
                self.open.pop();
                value
            }
        };
        self.depth -= 1;
        Ok(value)
    }

    fn enter(&mut self, id: Id, name: &str) -> Result<(), String> {
        if self.open.contains(&id) {
            return Err(format!("yaml: anchor '{name}' value contains itself"));
        }
        self.open.push(id);
        Ok(())
    }

    fn mapping(&mut self, pairs: &[(Id, Id)], out: &mut Map<String, Value>) -> Result<(), String> {
        for (key, value) in pairs {
            if self.is_merge(*key) {
                self.merge(*value, out)?;
                continue;
            }
            let key = self.node(*key)?;
            let line = self.tree.nodes[*value].start.line + 1;
            let shown = if self.strict { go_syntax(&key) } else { String::new() };
            let value = self.node(*value)?;
            let key = key_text(key, &value)?;
            if self.strict && out.contains_key(&key) {
                self.faults.push(format!("line {line}: key {shown} already set in map"));
                continue;
            }
            out.insert(key, value);
        }
        Ok(())
    }

    fn is_merge(&self, id: Id) -> bool {
        match &self.tree.nodes[id].content {
            Content::Scalar { text, tag, plain } => {
                text == "<<" && (*plain || tag.strip_prefix(TAG_PREFIX) == Some("merge"))
            }
            _ => false,
        }
    }

    fn merge(&mut self, id: Id, out: &mut Map<String, Value>) -> Result<(), String> {
        let tree = self.tree;
        if let Content::Sequence(items) = &tree.nodes[id].content {
            // Earlier maps win, so they come last.
            return items.iter().rev().try_for_each(|item| self.merge_map(*item, out));
        }
        self.merge_map(id, out)
    }

    fn merge_map(&mut self, id: Id, out: &mut Map<String, Value>) -> Result<(), String> {
        let want_map = || Err("yaml: map merge requires map or sequence of maps as the value".to_owned());
        let tree = self.tree;
        self.count()?;
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(format!("yaml: exceeded max depth of {DEPTH_MAX}"));
        }
        match &tree.nodes[id].content {
            Content::Mapping(pairs) => self.mapping(pairs, out)?,
            Content::Alias { name, target } => {
                let Content::Mapping(pairs) = &tree.nodes[*target].content else { return want_map() };
                self.enter(id, name)?;
                self.count()?;
                self.mapping(pairs, out)?;
                self.open.pop();
            }
            _ => return want_map(),
        }
        self.depth -= 1;
        Ok(())
    }
}

fn scalar(text: &str, tag: &str, plain: bool) -> Result<Value, String> {
    if tag.is_empty() {
        return if plain { value(text, resolve(text)) } else { Ok(text.into()) };
    }
    let Some(short) = tag.strip_prefix(TAG_PREFIX) else { return Ok(text.into()) };
    match short {
        "str" => Ok(text.into()),
        "binary" => base64(text)
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned().into())
            .ok_or_else(|| "yaml: !!binary value contains invalid base64 data".to_owned()),
        "bool" | "int" | "float" | "null" | "timestamp" => {
            let found = resolve(text);
            let wanted = format!("!!{short}");
            let fits = found.tag() == wanted || short == "float" && matches!(found, Scalar::Int(_));
            if fits {
                return value(text, found);
            }
            Err(format!("yaml: cannot decode {} `{text}` as a {wanted}", found.tag()))
        }
        _ => Ok(text.into()),
    }
}

fn value(text: &str, scalar: Scalar) -> Result<Value, String> {
    Ok(match scalar {
        Scalar::Null => Value::Null,
        Scalar::Bool(b) => b.into(),
        Scalar::Int(n) => n.into(),
        Scalar::Unsigned(n) => Number::from_f64(n as f64).into(),
        Scalar::Float(f) => crate::json::number(f).map_err(|shown| format!("json: unsupported value: {shown}"))?,
        Scalar::Timestamp | Scalar::String => text.into(),
    })
}

/// A key as JSON has it: numbers and booleans become text.
fn key_text(key: Value, value: &Value) -> Result<String, String> {
    match key {
        Value::String(text) => Ok(text),
        Value::Bool(b) => Ok(b.to_string()),
        Value::Number(n) if n.is_f64() => Ok(crate::json::format_float_g(n.as_f64().unwrap_or(0.0), true)),
        Value::Number(n) => Ok(n.to_string()),
        Value::Null => {
            let value = if value.is_null() { "<nil>".to_owned() } else { go_syntax(value) };
            Err(format!("unsupported map key of type: %!s(<nil>), key: <nil>, value: {value}"))
        }
        Value::Array(_) | Value::Object(_) => Err(format!("yaml: invalid map key: {}", go_syntax(&key))),
    }
}

/// A value as Go's `%#v` shows it inside an `interface{}`.
fn go_syntax(value: &Value) -> String {
    match value {
        Value::Null => "interface {}(nil)".to_owned(),
        Value::String(text) => quote(text),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(go_syntax).collect();
            format!("[]interface {{}}{{{}}}", items.join(", "))
        }
        Value::Object(map) => {
            let pairs: Vec<String> = map.iter().map(|(k, v)| format!("{}:{}", quote(k), go_syntax(v))).collect();
            format!("map[interface {{}}]interface {{}}{{{}}}", pairs.join(", "))
        }
    }
}

/// Standard base64 with padding; line breaks are skipped.
pub(crate) fn base64(text: &str) -> Option<Vec<u8>> {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let clean: Vec<u8> = text.bytes().filter(|b| !matches!(b, b'\n' | b'\r')).collect();
    if !clean.len().is_multiple_of(4) {
        return None;
    }
    let padding = clean.iter().rev().take_while(|b| **b == b'=').count();
    if padding > 2 {
        return None;
    }
    let mut out = Vec::new();
    let (mut bits, mut count) = (0_u32, 0);
    for byte in &clean[..clean.len() - padding] {
        let digit = ALPHABET.iter().position(|a| a == byte)?;
        bits = bits << 6 | digit as u32;
        count += 6;
        if count >= 8 {
            count -= 8;
            out.push((bits >> count) as u8);
        }
    }
    Some(out)
}
