//! Pod: names, defaults, rules and columns.

use super::{KindInfo, Strategy};
use k8s_openapi::api::core::v1::Pod;

pub struct PodStrategy;

impl Strategy for PodStrategy {
    type Object = Pod;

    fn info(&self) -> &'static KindInfo {
        &KindInfo {
            group: "",
            version: "v1",
            kind: "Pod",
            plural: "pods",
            singular: "pod",
            short_names: &["po"],
            categories: &["all"],
            namespaced: true,
            subresources: &[
                "attach",
                "binding",
                "ephemeralcontainers",
                "eviction",
                "exec",
                "log",
                "portforward",
                "proxy",
                "resize",
                "status",
            ],
            generation: true,
            verbs: &[],
        }
    }
}
