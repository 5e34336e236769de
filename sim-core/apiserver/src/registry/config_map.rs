//! ConfigMap: names, defaults, rules and columns.

use super::{KindInfo, Strategy};
use k8s_openapi::api::core::v1::ConfigMap;

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
}
