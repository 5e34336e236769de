//! Namespace: names, defaults, rules and columns.

use super::{KindInfo, Strategy};
use k8s_openapi::api::core::v1::Namespace;

pub struct NamespaceStrategy;

impl Strategy for NamespaceStrategy {
    type Object = Namespace;

    fn info(&self) -> &'static KindInfo {
        &KindInfo {
            group: "",
            version: "v1",
            kind: "Namespace",
            plural: "namespaces",
            singular: "namespace",
            short_names: &["ns"],
            categories: &[],
            namespaced: false,
            subresources: &["finalize", "status"],
            generation: false,
            verbs: &[],
        }
    }
}
