//! Service: names, defaults, rules and columns.

use super::{KindInfo, Strategy};
use k8s_openapi::api::core::v1::Service;

pub struct ServiceStrategy;

impl Strategy for ServiceStrategy {
    type Object = Service;

    fn info(&self) -> &'static KindInfo {
        &KindInfo {
            group: "",
            version: "v1",
            kind: "Service",
            plural: "services",
            singular: "service",
            short_names: &["svc"],
            categories: &["all"],
            namespaced: true,
            subresources: &["proxy", "status"],
            generation: false,
            verbs: &[],
        }
    }
}
