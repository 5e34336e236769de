//! ConfigMap: names, defaults, rules and columns.

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

    fn columns(&self) -> &'static [Column] {
        const { &[Column::name(), Column::new("Data", "Data contains the configuration data."), Column::age()] }
    }

    fn cells(&self, object: &ConfigMap, now: Time) -> Vec<Value> {
        let meta = &object.metadata;
        let count = object.data.as_ref().map_or(0, |d| d.len()) + object.binary_data.as_ref().map_or(0, |d| d.len());
        vec![meta.name.as_deref().into(), count.into(), age(meta, now).into()]
    }
}
