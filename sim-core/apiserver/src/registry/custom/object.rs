//! Objects whose type is only known from a definition: metadata, and the rest as JSON.
//!
//! Invariant: `rest` never has `metadata` in it.

use crate::decode::{self, DecodeError};
use crate::object::{Object, ObjectRef};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde_json::{Map, Value};
use std::any::Any;
use std::sync::Arc;

#[derive(Clone, PartialEq)]
pub struct DynamicObject {
    pub meta: ObjectMeta,
    pub rest: Map<String, Value>,
}

impl DynamicObject {
    /// Takes the metadata out of a value; the second part lists its unknown fields.
    pub fn decode(value: &Value) -> Result<(Self, Vec<String>), DecodeError> {
        let mut rest = value.as_object().cloned().unwrap_or_default();
        let (meta, unknown) = match rest.remove("metadata") {
            None | Some(Value::Null) => Default::default(),
            Some(metadata) => decode::from_value::<ObjectMeta>(&metadata)?,
        };
        let unknown = unknown.into_iter().map(|u| u.replacen("field \"", "field \"metadata.", 1)).collect();
        Ok((Self { meta, rest }, unknown))
    }

    pub fn get(&self, field: &str) -> &Value {
        self.rest.get(field).unwrap_or(&Value::Null)
    }

    pub fn set(&mut self, field: &str, value: Value) {
        if value.is_null() {
            self.rest.remove(field);
        } else {
            self.rest.insert(field.to_owned(), value);
        }
    }
}

impl Object for DynamicObject {
    fn meta(&self) -> &ObjectMeta {
        &self.meta
    }
    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.meta
    }
    fn to_value(&self) -> Value {
        let mut map = self.rest.clone();
        map.insert("metadata".into(), serde_json::to_value(&self.meta).unwrap_or_default());
        Value::Object(map)
    }
    fn clone_box(&self) -> Box<dyn Object> {
        Box::new(self.clone())
    }
    fn same(&self, other: &dyn Object) -> bool {
        other.as_any().downcast_ref::<Self>() == Some(self)
    }
    fn as_any(&self) -> &dyn Any {
        self
    }
    fn as_any_mut(&mut self) -> &mut dyn Any {
        self
    }
    fn into_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync> {
        self
    }
    fn into_ref(self: Box<Self>) -> ObjectRef {
        let object: Arc<Self> = Arc::from(self);
        object
    }
}

/// Borrows a stored object of a kind that is made of JSON.
pub fn dynamic(object: &dyn Object) -> &DynamicObject {
    object.as_any().downcast_ref().expect("the registry hands a kind only objects of its own")
}

pub fn dynamic_mut(object: &mut dyn Object) -> &mut DynamicObject {
    object.as_any_mut().downcast_mut().expect("the registry hands a kind only objects of its own")
}
