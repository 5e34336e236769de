//! RuntimeClass: names, defaults, rules and columns.

use super::{Column, KindInfo, Strategy, age, checks};
use apimachinery::field::{Error, ErrorList, Path};
use apimachinery::time::Time;
use k8s_openapi::api::node::v1::RuntimeClass;
use serde_json::Value;

pub struct RuntimeClassStrategy;

impl Strategy for RuntimeClassStrategy {
    type Object = RuntimeClass;

    fn info(&self) -> &'static KindInfo {
        const { &KindInfo::cluster("node.k8s.io", "RuntimeClass", "runtimeclasses", "runtimeclass") }
    }

    fn validate(&self, object: &RuntimeClass) -> ErrorList {
        let mut errors = ErrorList::default();
        let path = Path::new("handler");
        if object.handler.is_empty() {
            errors.push(Error::required(&path, ""));
        } else {
            checks::dns_label(&object.handler, &path, &mut errors);
        }
        errors
    }

    fn validate_update(&self, new: &RuntimeClass, old: &RuntimeClass) -> ErrorList {
        let mut errors = ErrorList::default();
        checks::immutable(&new.handler, &old.handler, &Path::new("handler"), &mut errors);
        errors
    }

    fn columns(&self) -> &'static [Column] {
        const {
            &[
                Column::name(),
                Column::new(
                    "Handler",
                    "handler specifies the underlying runtime and configuration that the CRI implementation will use to handle pods of this class.",
                ),
                Column::age(),
            ]
        }
    }

    fn cells(&self, object: &RuntimeClass, now: Time) -> Vec<Value> {
        let meta = &object.metadata;
        vec![meta.name.as_deref().into(), object.handler.as_str().into(), age(meta, now).into()]
    }
}
