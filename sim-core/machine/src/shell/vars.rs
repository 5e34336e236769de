//! Variables of a shell: strings, arrays and maps, with their attributes.

use std::collections::BTreeMap;

#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Text(String),
    Array(BTreeMap<u64, String>),
    Map(BTreeMap<String, String>),
}

#[derive(Clone, Debug, PartialEq)]
pub struct Var {
    pub value: Value,
    pub exported: bool,
    pub read_only: bool,
    pub integer: bool,
    /// Declared but without a value yet.
    pub unset: bool,
}

impl Var {
    pub fn text(text: impl Into<String>) -> Self {
        Self { value: Value::Text(text.into()), exported: false, read_only: false, integer: false, unset: false }
    }

    /// The value as a string: of an array its element 0.
    pub fn scalar(&self) -> Option<&str> {
        match &self.value {
            _ if self.unset => None,
            Value::Text(t) => Some(t),
            Value::Array(a) => a.get(&0).map(String::as_str),
            Value::Map(m) => m.get("0").map(String::as_str),
        }
    }

    pub fn all(&self) -> Vec<String> {
        match &self.value {
            _ if self.unset => Vec::new(),
            Value::Text(t) => vec![t.clone()],
            Value::Array(a) => a.values().cloned().collect(),
            Value::Map(m) => m.values().cloned().collect(),
        }
    }

    pub fn keys(&self) -> Vec<String> {
        match &self.value {
            _ if self.unset => Vec::new(),
            Value::Text(_) => vec!["0".into()],
            Value::Array(a) => a.keys().map(u64::to_string).collect(),
            Value::Map(m) => m.keys().cloned().collect(),
        }
    }
}

pub type Vars = BTreeMap<String, Var>;

/// The order of `ls` and of globs in a UTF-8 locale: letters regardless of case and punctuation first, bytes to break ties.
pub fn collate(a: &str, b: &str) -> core::cmp::Ordering {
    let key = |s: &str| s.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect::<String>();
    key(a)
        .cmp(&key(b))
        .then_with(|| b.chars().any(char::is_uppercase).cmp(&a.chars().any(char::is_uppercase)).reverse())
        .then_with(|| a.cmp(b))
}
