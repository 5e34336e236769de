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
    let root = Place { value, parent: None, step: Step::Root, owner: "", unknown: &unknown, depth: 0 };
    let out = T::deserialize(De(&root))?;
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

/// A value and where it stands. Two lifetimes: the input's, and that of the path, which lives on the stack.
///
/// All that can be done without knowing the type is done here, in functions that are never inlined: what stands in the
/// `Deserializer` below is compiled for each of several hundred types.
struct Place<'a, 'p> {
    value: &'a Value,
    parent: Option<&'p Place<'a, 'p>>,
    step: Step<'a>,
    /// The struct whose field this is, as Go names it.
    owner: &'static str,
    unknown: &'p RefCell<Vec<String>>,
    depth: u16,
}

#[derive(Clone, Copy)]
enum Step<'a> {
    Root,
    Key(&'a str),
    Index(usize),
}

static NULL: Value = Value::Null;

impl<'a, 'p> Place<'a, 'p> {
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
            Step::Index(_) | Step::Root => {}
        }
    }

    fn path(&self, with_index: bool) -> String {
        let mut out = String::new();
        self.write(&mut out, with_index);
        out
    }

    fn last_key(&self) -> &'a str {
        let mut at = Some(self);
        while let Some(place) = at {
            if let Step::Key(key) = place.step {
                return key;
            }
            at = place.parent;
        }
        ""
    }

    #[cold]
    #[inline(never)]
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

    #[cold]
    #[inline(never)]
    fn report_unknown(&self) {
        self.unknown.borrow_mut().push(format!("unknown field \"{}\"", self.path(true)));
    }

    #[inline(never)]
    fn integer(&self, go_type: &str, min: i64, max: i64) -> Result<i64, DecodeError> {
        match self.value {
            Value::Null => Ok(0),
            Value::Number(n) => match n.as_i64() {
                Some(i) if (min..=max).contains(&i) => Ok(i),
                _ => Err(self.mismatch(go_type)),
            },
            _ => Err(self.mismatch(go_type)),
        }
    }

    #[inline(never)]
    fn flag(&self) -> Result<bool, DecodeError> {
        match self.value {
            Value::Null => Ok(false),
            Value::Bool(b) => Ok(*b),
            _ => Err(self.mismatch("bool")),
        }
    }

    #[inline(never)]
    fn float(&self) -> Result<f64, DecodeError> {
        match self.value {
            Value::Null => Ok(0.0),
            Value::Number(n) => Ok(n.as_f64().unwrap_or(0.0)),
            _ => Err(self.mismatch("float64")),
        }
    }

    #[inline(never)]
    fn text(&self) -> Result<&'a str, DecodeError> {
        match self.value {
            Value::Null => Ok(""),
            Value::String(s) => Ok(s),
            _ => Err(self.mismatch("string")),
        }
    }

    #[inline(never)]
    fn owned_text(&self) -> Result<String, DecodeError> {
        self.text().map(str::to_owned)
    }

    /// Whether Go would leave the field out.
    #[inline(never)]
    fn is_absent(&self) -> bool {
        match self.value {
            Value::Null => true,
            Value::Array(items) => items.is_empty() && !is_struct(self.last_key()),
            Value::String(s) => s.is_empty() && !keeps_empty(self.last_key()),
            Value::Object(map) => map.is_empty() && drops_empty_map(self.last_key()),
            _ => false,
        }
    }

    #[inline(never)]
    fn quantity(&self) -> Result<Owned, DecodeError> {
        let text = match self.value {
            Value::String(s) => s.clone(),
            Value::Number(n) => n.to_string(),
            Value::Null => "0".to_owned(),
            _ => return Err(self.mismatch("resource.Quantity")),
        };
        canonical_quantity(&text).map(|q| Owned(Value::String(q)))
    }

    fn check_depth(&self) -> Result<(), DecodeError> {
        if self.depth > DEPTH_MAX {
            return Err(DecodeError("json: exceeded max depth".to_owned()));
        }
        Ok(())
    }

    fn child(&'p self, owner: &'static str) -> Self {
        Self { value: &NULL, parent: Some(self), step: Step::Root, owner, unknown: self.unknown, depth: self.depth + 1 }
    }

    #[inline(never)]
    fn items(&'p self) -> Result<Items<'a, 'p>, DecodeError> {
        let items: &[Value] = match self.value {
            Value::Null => &[],
            Value::Array(items) => {
                self.check_depth()?;
                items
            }
            _ => return Err(self.mismatch(go_list_type(self.owner, self.last_key()))),
        };
        Ok(Items { child: self.child(self.owner), items, next: 0 })
    }

    /// The entries of a map (`name` is `None`) or of a struct.
    #[inline(never)]
    fn fields(&'p self, name: Option<&'static str>) -> Result<Fields<'a, 'p>, DecodeError> {
        static EMPTY: std::sync::LazyLock<serde_json::Map<String, Value>> =
            std::sync::LazyLock::new(serde_json::Map::new);
        let map: &'a serde_json::Map<String, Value> = match self.value {
            Value::Null => &EMPTY,
            Value::Object(map) => {
                self.check_depth()?;
                map
            }
            _ => {
                return Err(match name {
                    Some(name) => self.mismatch(&format!("v1.{name}")),
                    None => self.mismatch(go_map_type(self.last_key())),
                });
            }
        };
        let owner = name.unwrap_or(self.owner);
        Ok(Fields { child: self.child(owner), iter: map.iter(), drop_null: name.is_some() })
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

/// Fields that hold a struct in every kind: an empty list there is a mistake to be told, not an absent list.
fn is_struct(key: &str) -> bool {
    matches!(key, "metadata" | "spec" | "status" | "template")
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

/// The one `Deserializer`: a pointer, so that handing it on is little code.
struct De<'a, 'p>(&'p Place<'a, 'p>);

impl<'a> Deserializer<'a> for De<'a, '_> {
    type Error = DecodeError;

    fn deserialize_any<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        self.0.check_depth()?;
        match self.0.value {
            Value::Null => visitor.visit_unit(),
            Value::Bool(b) => visitor.visit_bool(*b),
            Value::Number(n) => match (n.as_i64(), n.as_u64()) {
                (Some(i), _) => visitor.visit_i64(i),
                (None, Some(u)) => visitor.visit_u64(u),
                (None, None) => visitor.visit_f64(n.as_f64().unwrap_or(0.0)),
            },
            Value::String(s) => visitor.visit_borrowed_str(s),
            Value::Array(_) => visitor.visit_seq(&mut self.0.items()?),
            Value::Object(_) => visitor.visit_map(&mut self.0.fields(None)?),
        }
    }

    fn deserialize_bool<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        visitor.visit_bool(self.0.flag()?)
    }

    fn deserialize_i8<V: Visitor<'a>>(self, v: V) -> Result<V::Value, DecodeError> {
        v.visit_i64(self.0.integer("int8", i8::MIN.into(), i8::MAX.into())?)
    }
    fn deserialize_i16<V: Visitor<'a>>(self, v: V) -> Result<V::Value, DecodeError> {
        v.visit_i64(self.0.integer("int16", i16::MIN.into(), i16::MAX.into())?)
    }
    fn deserialize_i32<V: Visitor<'a>>(self, v: V) -> Result<V::Value, DecodeError> {
        // Within the range, so the visitor needs no way to refuse it.
        v.visit_i32(self.0.integer("int32", i32::MIN.into(), i32::MAX.into())? as i32)
    }
    fn deserialize_i64<V: Visitor<'a>>(self, v: V) -> Result<V::Value, DecodeError> {
        v.visit_i64(self.0.integer("int64", i64::MIN, i64::MAX)?)
    }
    fn deserialize_u8<V: Visitor<'a>>(self, v: V) -> Result<V::Value, DecodeError> {
        v.visit_i64(self.0.integer("uint8", 0, u8::MAX.into())?)
    }
    fn deserialize_u16<V: Visitor<'a>>(self, v: V) -> Result<V::Value, DecodeError> {
        v.visit_i64(self.0.integer("uint16", 0, u16::MAX.into())?)
    }
    fn deserialize_u32<V: Visitor<'a>>(self, v: V) -> Result<V::Value, DecodeError> {
        v.visit_i64(self.0.integer("uint32", 0, u32::MAX.into())?)
    }
    fn deserialize_u64<V: Visitor<'a>>(self, v: V) -> Result<V::Value, DecodeError> {
        v.visit_i64(self.0.integer("uint64", 0, i64::MAX)?)
    }
    fn deserialize_f32<V: Visitor<'a>>(self, v: V) -> Result<V::Value, DecodeError> {
        self.deserialize_f64(v)
    }
    fn deserialize_f64<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        visitor.visit_f64(self.0.float()?)
    }
    fn deserialize_char<V: Visitor<'a>>(self, v: V) -> Result<V::Value, DecodeError> {
        self.deserialize_str(v)
    }
    fn deserialize_str<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        visitor.visit_borrowed_str(self.0.text()?)
    }
    fn deserialize_string<V: Visitor<'a>>(self, v: V) -> Result<V::Value, DecodeError> {
        v.visit_string(self.0.owned_text()?)
    }
    fn deserialize_bytes<V: Visitor<'a>>(self, v: V) -> Result<V::Value, DecodeError> {
        self.deserialize_str(v)
    }
    fn deserialize_byte_buf<V: Visitor<'a>>(self, v: V) -> Result<V::Value, DecodeError> {
        self.deserialize_str(v)
    }

    fn deserialize_option<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        if self.0.is_absent() { visitor.visit_none() } else { visitor.visit_some(self) }
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
            return visitor.visit_newtype_struct(self.0.quantity()?);
        }
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        visitor.visit_seq(&mut self.0.items()?)
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
        visitor.visit_map(&mut self.0.fields(None)?)
    }

    fn deserialize_struct<V: Visitor<'a>>(
        self,
        name: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        visitor.visit_map(&mut self.0.fields(Some(name))?)
    }

    fn deserialize_enum<V: Visitor<'a>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        match self.0.value {
            Value::String(s) => visitor.visit_enum(s.as_str().into_deserializer()),
            _ => Err(self.0.mismatch("string")),
        }
    }

    fn deserialize_identifier<V: Visitor<'a>>(self, v: V) -> Result<V::Value, DecodeError> {
        self.deserialize_str(v)
    }

    /// Only fields that a type does not know arrive here.
    fn deserialize_ignored_any<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        self.0.report_unknown();
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
    /// The element being read.
    child: Place<'a, 'p>,
    items: &'a [Value],
    next: usize,
}

impl Items<'_, '_> {
    #[inline(never)]
    fn advance(&mut self) -> bool {
        let Some(value) = self.items.get(self.next) else { return false };
        self.child.value = value;
        self.child.step = Step::Index(self.next);
        self.next += 1;
        true
    }
}

impl<'a> SeqAccess<'a> for Items<'a, '_> {
    type Error = DecodeError;
    fn next_element_seed<T: DeserializeSeed<'a>>(&mut self, seed: T) -> Result<Option<T::Value>, DecodeError> {
        if !self.advance() {
            return Ok(None);
        }
        seed.deserialize(De(&self.child)).map(Some)
    }
    fn size_hint(&self) -> Option<usize> {
        Some(self.items.len() - self.next)
    }
}

struct Fields<'a, 'p> {
    /// The value being read.
    child: Place<'a, 'p>,
    iter: serde_json::map::Iter<'a>,
    /// In a struct, `null` is as good as absent; in a map it is an empty value.
    drop_null: bool,
}

impl<'a> Fields<'a, '_> {
    #[inline(never)]
    fn advance(&mut self) -> Option<&'a str> {
        for (key, value) in self.iter.by_ref() {
            if self.drop_null && value.is_null() {
                continue;
            }
            self.child.value = value;
            self.child.step = Step::Key(key);
            return Some(key);
        }
        None
    }
}

impl<'a> MapAccess<'a> for Fields<'a, '_> {
    type Error = DecodeError;
    fn next_key_seed<K: DeserializeSeed<'a>>(&mut self, seed: K) -> Result<Option<K::Value>, DecodeError> {
        match self.advance() {
            Some(key) => seed.deserialize(key.into_deserializer()).map(Some),
            None => Ok(None),
        }
    }
    /// Serde asks for a key before its value.
    fn next_value_seed<T: DeserializeSeed<'a>>(&mut self, seed: T) -> Result<T::Value, DecodeError> {
        seed.deserialize(De(&self.child))
    }
}
