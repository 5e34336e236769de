//! Stored objects: the k8s-openapi types behind one object-safe trait.
//!
//! Invariant: built-in kinds are typed; a JSON value is a view, made when a client asks for one.

use crate::storage::KindId;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::Serialize;
use serde_json::Value;
use std::any::Any;
use std::sync::Arc;

/// An object as it is stored: immutable once committed.
pub type ObjectRef = Arc<dyn Object>;

/// What the server needs of any object, whatever its kind.
pub trait Object: Any + Send + Sync {
    fn meta(&self) -> &ObjectMeta;
    fn meta_mut(&mut self) -> &mut ObjectMeta;
    /// The JSON view, with `apiVersion` and `kind`.
    fn to_value(&self) -> Value;
    fn clone_box(&self) -> Box<dyn Object>;
    fn same(&self, other: &dyn Object) -> bool;
    fn as_any(&self) -> &dyn Any;
    fn as_any_mut(&mut self) -> &mut dyn Any;
    fn into_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync>;
    fn into_ref(self: Box<Self>) -> ObjectRef;
}

/// A kind whose Rust type is known at compile time.
pub trait Builtin: Object + Clone + Sized {
    const ID: KindId;
}

impl<T> Object for T
where
    T: k8s_openapi::Metadata<Ty = ObjectMeta> + Serialize + Clone + PartialEq + Send + Sync + 'static,
{
    fn meta(&self) -> &ObjectMeta {
        self.metadata()
    }
    fn meta_mut(&mut self) -> &mut ObjectMeta {
        self.metadata_mut()
    }
    fn to_value(&self) -> Value {
        serde_json::to_value(self).unwrap_or(Value::Null)
    }
    fn clone_box(&self) -> Box<dyn Object> {
        Box::new(self.clone())
    }
    fn same(&self, other: &dyn Object) -> bool {
        other.as_any().downcast_ref::<T>() == Some(self)
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
        let object: Arc<T> = Arc::from(self);
        object
    }
}

/// Downcasts a stored object to its type.
pub fn cast<T: Builtin>(object: &ObjectRef) -> Option<Arc<T>> {
    Arc::clone(object).into_any().downcast::<T>().ok()
}

/// Borrows a stored object as its type.
pub fn view<T: Builtin>(object: &dyn Object) -> Option<&T> {
    object.as_any().downcast_ref::<T>()
}
