//! ConfigMap: names, defaults, rules and columns.

use apimachinery::field::{Error, ErrorList, Path};
use apimachinery::names;

/// One mebibyte: the most that a ConfigMap or a Secret may hold.
pub const DATA_BYTES_MAX: usize = 1 << 20;
pub const FROZEN: &str = "field is immutable when `immutable` is set";
use super::{Column, KindInfo, Strategy, age};
use apimachinery::time::Time;
use k8s_openapi::api::core::v1::ConfigMap;
use serde_json::Value;

pub struct ConfigMapStrategy;

impl Strategy for ConfigMapStrategy {
    type Object = ConfigMap;

    fn info(&self) -> &'static KindInfo {
        &KindInfo {
            group: "",
            version: "v1",
            kind: "ConfigMap",
            plural: "configmaps",
            singular: "configmap",
            short_names: &["cm"],
            categories: &[],
            namespaced: true,
            subresources: &[],
            generation: false,
            verbs: &[],
        }
    }

    fn validate(&self, object: &ConfigMap) -> ErrorList {
        let mut errors = ErrorList::default();
        let mut bytes = 0;
        let path = Path::new("data");
        for (key, value) in object.data.iter().flatten() {
            errors.invalid_each(&path.key(key), key, names::config_map_key(key));
            if object.binary_data.as_ref().is_some_and(|b| b.contains_key(key)) {
                errors.push(Error::invalid(&path.key(key), key, "duplicate of key present in binaryData"));
            }
            bytes += value.len();
        }
        let path = Path::new("binaryData");
        for (key, value) in object.binary_data.iter().flatten() {
            errors.invalid_each(&path.key(key), key, names::config_map_key(key));
            bytes += value.0.len();
        }
        if bytes > DATA_BYTES_MAX {
            errors.push(Error::too_long(&Path::new(""), DATA_BYTES_MAX));
        }
        errors
    }

    fn validate_update(&self, new: &ConfigMap, old: &ConfigMap) -> ErrorList {
        let mut errors = ErrorList::default();
        if old.immutable == Some(true) {
            for (field, changed) in [
                ("immutable", new.immutable != Some(true)),
                ("data", new.data != old.data),
                ("binaryData", new.binary_data != old.binary_data),
            ] {
                if changed {
                    errors.push(Error::forbidden(&Path::new(field), FROZEN));
                }
            }
        }
        errors.extend(Strategy::validate(self, new).0);
        errors
    }

    fn columns(&self) -> &'static [Column] {
        const { &[Column::name(), Column::new("Data", "Data contains the configuration data."), Column::age()] }
    }

    fn cells(&self, object: &ConfigMap, now: Time) -> Vec<Value> {
        let meta = &object.metadata;
        let count = object.data.as_ref().map_or(0, |d| d.len()) + object.binary_data.as_ref().map_or(0, |d| d.len());
        vec![meta.name.as_deref().into(), count.into(), age(meta, now).into()]
    }
}
