//! Strict decoding: from a JSON value into a typed object, remembering unknown fields by path and failing in Go's words.
//!
//! One concrete `Deserializer` for every kind, so that each type is instantiated once.
//! Models: apimachinery `serializer/json` in strict mode. Not a JSON parser: it walks a value that was already read.

use core::cell::RefCell;
use core::fmt;
use serde::de::{self, DeserializeSeed, Deserializer, IntoDeserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

/// Why a value cannot be the object it claims to be, in the words that follow `cannot be handled as a Pod: `.
#[derive(Clone, PartialEq, Eq)]
pub struct DecodeError(pub String);

impl fmt::Debug for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for DecodeError {}

impl de::Error for DecodeError {
    fn custom<T: fmt::Display>(msg: T) -> Self {
        Self(msg.to_string())
    }
}

/// Decodes `value`; the second part lists `unknown field "a.b"` for what the type does not know.
pub fn from_value<T: serde::de::DeserializeOwned>(value: &Value) -> Result<(T, Vec<String>), DecodeError> {
    let unknown = RefCell::new(Vec::new());
    let root = De { value, at: None, owner: "", unknown: &unknown, depth: 0 };
    let out = T::deserialize(root)?;
    Ok((out, unknown.into_inner()))
}

const DEPTH_MAX: u16 = 200;

/// What Go's decoder calls a value that it did not expect.
pub fn go_word(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// `duplicate field "a.b"` for each key that a JSON text repeats within one object.
pub fn duplicate_fields(text: &[u8]) -> Vec<String> {
    let mut found = Vec::new();
    let mut de = serde_json::Deserializer::from_slice(text);
    // A text that is no JSON has been refused before.
    let _ = Scan { path: String::new(), found: &mut found }.deserialize(&mut de);
    found
}

/// Walks a JSON text and keeps nothing but repeated keys.
struct Scan<'f> {
    path: String,
    found: &'f mut Vec<String>,
}

impl<'de> DeserializeSeed<'de> for Scan<'_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, de: D) -> Result<(), D::Error> {
        de.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Scan<'_> {
    type Value = ();
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }
    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }
    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }
    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }
    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }
    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }
    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let mut index = 0usize;
        loop {
            let path = format!("{}[{index}]", self.path);
            if seq.next_element_seed(Scan { path, found: &mut *self.found })?.is_none() {
                return Ok(());
            }
            index += 1;
        }
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut seen = std::collections::BTreeSet::new();
        while let Some(key) = map.next_key::<String>()? {
            let path = if self.path.is_empty() { key.clone() } else { format!("{}.{key}", self.path) };
            if !seen.insert(key) {
                let complaint = format!("duplicate field \"{path}\"");
                if !self.found.contains(&complaint) && self.found.len() < 100 {
                    self.found.push(complaint);
                }
            }
            map.next_value_seed(Scan { path, found: &mut *self.found })?;
        }
        Ok(())
    }
}

struct At<'a> {
    parent: Option<&'a At<'a>>,
    step: Step<'a>,
}

enum Step<'a> {
    Key(&'a str),
    Index(usize),
}

impl At<'_> {
    fn write(&self, out: &mut String, with_index: bool) {
        if let Some(parent) = self.parent {
            parent.write(out, with_index);
        }
        match self.step {
            Step::Key(key) => {
                if !out.is_empty() {
                    out.push('.');
                }
                out.push_str(key);
            }
            Step::Index(i) if with_index => {
                out.push('[');
                out.push_str(&i.to_string());
                out.push(']');
            }
            Step::Index(_) => {}
        }
    }
}

/// A value and where it stands. Two lifetimes: the input's, and that of the path, which lives on the stack.
#[derive(Clone, Copy)]
struct De<'a, 'p> {
    value: &'a Value,
    at: Option<&'p At<'p>>,
    /// The struct whose field this is, as Go names it.
    owner: &'static str,
    unknown: &'p RefCell<Vec<String>>,
    depth: u16,
}

impl<'a, 'p> De<'a, 'p> {
    fn path(&self, with_index: bool) -> String {
        let mut out = String::new();
        if let Some(at) = self.at {
            at.write(&mut out, with_index);
        }
        out
    }

    fn last_key(&self) -> &'p str {
        let mut at = self.at;
        while let Some(a) = at {
            if let Step::Key(key) = a.step {
                return key;
            }
            at = a.parent;
        }
        ""
    }

    fn mismatch(&self, go_type: &str) -> DecodeError {
        let got = match self.value {
            Value::Null => "null".to_owned(),
            Value::Bool(_) => "bool".to_owned(),
            Value::Number(n) if go_type.starts_with("int") => format!("number {n}"),
            Value::Number(_) => "number".to_owned(),
            Value::String(_) => "string".to_owned(),
            Value::Array(_) => "array".to_owned(),
            Value::Object(_) => "object".to_owned(),
        };
        if self.owner.is_empty() {
            DecodeError(format!("json: cannot unmarshal {got} into Go value of type {go_type}"))
        } else {
            let path = self.path(false);
            DecodeError(format!(
                "json: cannot unmarshal {got} into Go struct field {}.{path} of type {go_type}",
                self.owner
            ))
        }
    }

    fn integer<V: Visitor<'a>>(self, visitor: V, go_type: &str, min: i64, max: i64) -> Result<V::Value, DecodeError> {
        match self.value {
            Value::Null => visitor.visit_i64(0),
            Value::Number(n) => match n.as_i64() {
                Some(i) if (min..=max).contains(&i) => visitor.visit_i64(i),
                _ => Err(self.mismatch(go_type)),
            },
            _ => Err(self.mismatch(go_type)),
        }
    }
}

/// The Go type of a list field, for error messages; element types by field name.
fn go_list_type(owner: &str, key: &str) -> &'static str {
    match (owner, key) {
        (_, "command" | "args" | "finalizers" | "accessModes" | "externalIPs" | "resourceNames" | "verbs") => {
            "[]string"
        }
        ("ServiceSpec", "ports") => "[]v1.ServicePort",
        (_, "ports") => "[]v1.ContainerPort",
        (_, "containers" | "initContainers") => "[]v1.Container",
        (_, "env") => "[]v1.EnvVar",
        (_, "envFrom") => "[]v1.EnvFromSource",
        (_, "volumes") => "[]v1.Volume",
        (_, "volumeMounts") => "[]v1.VolumeMount",
        (_, "tolerations") => "[]v1.Toleration",
        (_, "imagePullSecrets") => "[]v1.LocalObjectReference",
        (_, "ownerReferences") => "[]v1.OwnerReference",
        (_, "matchExpressions") => "[]v1.LabelSelectorRequirement",
        (_, "conditions") => "[]v1.Condition",
        (_, "items") => "[]v1.KeyToPath",
        (_, "taints") => "[]v1.Taint",
        (_, "subsets") => "[]v1.EndpointSubset",
        (_, "rules") => "[]v1.PolicyRule",
        (_, "subjects") => "[]v1.Subject",
        _ => "[]interface {}",
    }
}

fn go_map_type(key: &str) -> &'static str {
    match key {
        "limits" | "requests" | "hard" | "capacity" | "allocatable" => "v1.ResourceList",
        "binaryData" => "map[string][]uint8",
        _ => "map[string]string",
    }
}

/// Lists and string fields that are pointers in Go: empty means something there.
fn keeps_empty(key: &str) -> bool {
    matches!(key, "storageClassName" | "loadBalancerClass" | "ingressClassName" | "volumeName")
}

/// Map fields that Go leaves out when they are empty (a struct of the same shape, `emptyDir: {}`, stays).
fn drops_empty_map(key: &str) -> bool {
    matches!(
        key,
        "labels"
            | "annotations"
            | "matchLabels"
            | "nodeSelector"
            | "data"
            | "stringData"
            | "binaryData"
            | "limits"
            | "requests"
    )
}

impl<'a> Deserializer<'a> for De<'a, '_> {
    type Error = DecodeError;

    fn deserialize_any<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        if self.depth > DEPTH_MAX {
            return Err(DecodeError("json: exceeded max depth".to_owned()));
        }
        match self.value {
            Value::Null => visitor.visit_unit(),
            Value::Bool(b) => visitor.visit_bool(*b),
            Value::Number(n) => match (n.as_i64(), n.as_u64()) {
                (Some(i), _) => visitor.visit_i64(i),
                (None, Some(u)) => visitor.visit_u64(u),
                (None, None) => visitor.visit_f64(n.as_f64().unwrap_or(0.0)),
            },
            Value::String(s) => visitor.visit_borrowed_str(s),
            Value::Array(items) => visitor.visit_seq(Items { de: self, items, next: 0 }),
            Value::Object(map) => {
                visitor.visit_map(Fields { de: self, iter: map.iter(), value: None, drop_null: false })
            }
        }
    }

    fn deserialize_bool<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match self.value {
            Value::Null => visitor.visit_bool(false),
            Value::Bool(b) => visitor.visit_bool(*b),
            _ => Err(self.mismatch("bool")),
        }
    }

    fn deserialize_i8<V: Visitor<'a>>(self, v: V) -> Result<V::Value, DecodeError> {
        self.integer(v, "int8", i8::MIN.into(), i8::MAX.into())
    }
    fn deserialize_i16<V: Visitor<'a>>(self, v: V) -> Result<V::Value, DecodeError> {
        self.integer(v, "int16", i16::MIN.into(), i16::MAX.into())
    }
    fn deserialize_i32<V: Visitor<'a>>(self, v: V) -> Result<V::Value, DecodeError> {
        self.integer(v, "int32", i32::MIN.into(), i32::MAX.into())
    }
    fn deserialize_i64<V: Visitor<'a>>(self, v: V) -> Result<V::Value, DecodeError> {
        self.integer(v, "int64", i64::MIN, i64::MAX)
    }
    fn deserialize_u8<V: Visitor<'a>>(self, v: V) -> Result<V::Value, DecodeError> {
        self.integer(v, "uint8", 0, u8::MAX.into())
    }
    fn deserialize_u16<V: Visitor<'a>>(self, v: V) -> Result<V::Value, DecodeError> {
        self.integer(v, "uint16", 0, u16::MAX.into())
    }
    fn deserialize_u32<V: Visitor<'a>>(self, v: V) -> Result<V::Value, DecodeError> {
        self.integer(v, "uint32", 0, u32::MAX.into())
    }
    fn deserialize_u64<V: Visitor<'a>>(self, v: V) -> Result<V::Value, DecodeError> {
        self.integer(v, "uint64", 0, i64::MAX)
    }
    fn deserialize_f32<V: Visitor<'a>>(self, v: V) -> Result<V::Value, DecodeError> {
        self.deserialize_f64(v)
    }
    fn deserialize_f64<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match self.value {
            Value::Null => visitor.visit_f64(0.0),
            Value::Number(n) => visitor.visit_f64(n.as_f64().unwrap_or(0.0)),
            _ => Err(self.mismatch("float64")),
        }
    }
    fn deserialize_char<V: Visitor<'a>>(self, v: V) -> Result<V::Value, DecodeError> {
        self.deserialize_str(v)
    }
    fn deserialize_str<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match self.value {
            Value::Null => visitor.visit_borrowed_str(""),
            Value::String(s) => visitor.visit_borrowed_str(s),
            _ => Err(self.mismatch("string")),
        }
    }
    fn deserialize_string<V: Visitor<'a>>(self, v: V) -> Result<V::Value, DecodeError> {
        self.deserialize_str(v)
    }
    fn deserialize_bytes<V: Visitor<'a>>(self, v: V) -> Result<V::Value, DecodeError> {
        self.deserialize_str(v)
    }
    fn deserialize_byte_buf<V: Visitor<'a>>(self, v: V) -> Result<V::Value, DecodeError> {
        self.deserialize_str(v)
    }

    fn deserialize_option<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        let empty = match self.value {
            Value::Null => true,
            Value::Array(items) => items.is_empty(),
            Value::String(s) => s.is_empty() && !keeps_empty(self.last_key()),
            Value::Object(map) => map.is_empty() && drops_empty_map(self.last_key()),
            _ => false,
        };
        if empty { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_unit<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        visitor.visit_unit()
    }
    fn deserialize_unit_struct<V: Visitor<'a>>(self, _: &'static str, v: V) -> Result<V::Value, DecodeError> {
        v.visit_unit()
    }

    fn deserialize_newtype_struct<V: Visitor<'a>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        if name == "Quantity" {
            let text = match self.value {
                Value::String(s) => s.clone(),
                Value::Number(n) => n.to_string(),
                Value::Null => "0".to_owned(),
                _ => return Err(self.mismatch("resource.Quantity")),
            };
            let canonical = canonical_quantity(&text)?;
            let owned = Value::String(canonical);
            return visitor.visit_newtype_struct(Owned(owned));
        }
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match self.value {
            Value::Null => visitor.visit_seq(Items { de: self, items: &[], next: 0 }),
            Value::Array(items) => {
                if self.depth > DEPTH_MAX {
                    return Err(DecodeError("json: exceeded max depth".to_owned()));
                }
                visitor.visit_seq(Items { de: self, items, next: 0 })
            }
            _ => Err(self.mismatch(go_list_type(self.owner, self.last_key()))),
        }
    }
    fn deserialize_tuple<V: Visitor<'a>>(self, _: usize, v: V) -> Result<V::Value, DecodeError> {
        self.deserialize_seq(v)
    }
    fn deserialize_tuple_struct<V: Visitor<'a>>(
        self,
        _: &'static str,
        _: usize,
        v: V,
    ) -> Result<V::Value, DecodeError> {
        self.deserialize_seq(v)
    }

    fn deserialize_map<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        static EMPTY: std::sync::LazyLock<serde_json::Map<String, Value>> =
            std::sync::LazyLock::new(serde_json::Map::new);
        match self.value {
            Value::Null => visitor.visit_map(Fields { de: self, iter: EMPTY.iter(), value: None, drop_null: false }),
            Value::Object(map) => {
                visitor.visit_map(Fields { de: self, iter: map.iter(), value: None, drop_null: false })
            }
            _ => Err(self.mismatch(go_map_type(self.last_key()))),
        }
    }

    fn deserialize_struct<V: Visitor<'a>>(
        self,
        name: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        match self.value {
            Value::Object(map) => {
                if self.depth > DEPTH_MAX {
                    return Err(DecodeError("json: exceeded max depth".to_owned()));
                }
                let de = De { owner: name, ..self };
                visitor.visit_map(Fields { de, iter: map.iter(), value: None, drop_null: true })
            }
            Value::Null => {
                static EMPTY: std::sync::LazyLock<serde_json::Map<String, Value>> =
                    std::sync::LazyLock::new(serde_json::Map::new);
                visitor.visit_map(Fields { de: self, iter: EMPTY.iter(), value: None, drop_null: true })
            }
            _ => Err(self.mismatch(&format!("v1.{name}"))),
        }
    }

    fn deserialize_enum<V: Visitor<'a>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        match self.value {
            Value::String(s) => visitor.visit_enum(s.as_str().into_deserializer()),
            _ => Err(self.mismatch("string")),
        }
    }

    fn deserialize_identifier<V: Visitor<'a>>(self, v: V) -> Result<V::Value, DecodeError> {
        self.deserialize_str(v)
    }

    /// Only fields that a type does not know arrive here.
    fn deserialize_ignored_any<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        self.unknown.borrow_mut().push(format!("unknown field \"{}\"", self.path(true)));
        visitor.visit_unit()
    }
}

fn canonical_quantity(text: &str) -> Result<String, DecodeError> {
    match apimachinery::quantity::Quantity::parse(text) {
        Ok(q) => Ok(q.to_string()),
        Err(why) => Err(DecodeError(why.to_string())),
    }
}

/// A string made on the way (a canonical quantity), handed to the visitor as its own.
struct Owned(Value);

impl<'de> Deserializer<'de> for Owned {
    type Error = DecodeError;
    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match self.0 {
            Value::String(s) => visitor.visit_string(s),
            _ => visitor.visit_unit(),
        }
    }
    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

struct Items<'a, 'p> {
    de: De<'a, 'p>,
    items: &'a [Value],
    next: usize,
}

impl<'a> SeqAccess<'a> for Items<'a, '_> {
    type Error = DecodeError;
    fn next_element_seed<T: DeserializeSeed<'a>>(&mut self, seed: T) -> Result<Option<T::Value>, DecodeError> {
        let Some(value) = self.items.get(self.next) else { return Ok(None) };
        let at = At { parent: self.de.at, step: Step::Index(self.next) };
        self.next += 1;
        let De { owner, unknown, depth, .. } = self.de;
        seed.deserialize(De { value, at: Some(&at), owner, unknown, depth: depth + 1 }).map(Some)
    }
    fn size_hint(&self) -> Option<usize> {
        Some(self.items.len() - self.next)
    }
}

struct Fields<'a, 'p> {
    de: De<'a, 'p>,
    iter: serde_json::map::Iter<'a>,
    value: Option<(&'a str, &'a Value)>,
    /// In a struct, `null` is as good as absent; in a map it is an empty value.
    drop_null: bool,
}

impl<'a> MapAccess<'a> for Fields<'a, '_> {
    type Error = DecodeError;
    fn next_key_seed<K: DeserializeSeed<'a>>(&mut self, seed: K) -> Result<Option<K::Value>, DecodeError> {
        for (key, value) in self.iter.by_ref() {
            if self.drop_null && value.is_null() {
                continue;
            }
            self.value = Some((key, value));
            return seed.deserialize(key.as_str().into_deserializer()).map(Some);
        }
        Ok(None)
    }
    fn next_value_seed<T: DeserializeSeed<'a>>(&mut self, seed: T) -> Result<T::Value, DecodeError> {
        let (key, value) = self.value.take().expect("serde asks for a key before its value");
        let at = At { parent: self.de.at, step: Step::Key(key) };
        let De { owner, unknown, depth, .. } = self.de;
        seed.deserialize(De { value, at: Some(&at), owner, unknown, depth: depth + 1 })
    }
}
