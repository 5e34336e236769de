//! ReplicaSet: names, defaults, rules and columns.

use super::{KindInfo, Strategy};
use k8s_openapi::api::apps::v1::ReplicaSet;

pub struct ReplicaSetStrategy;

impl Strategy for ReplicaSetStrategy {
    type Object = ReplicaSet;

    fn info(&self) -> &'static KindInfo {
        &KindInfo {
            group: "apps",
            version: "v1",
            kind: "ReplicaSet",
            plural: "replicasets",
            singular: "replicaset",
            short_names: &["rs"],
            categories: &["all"],
            namespaced: true,
            subresources: &["scale", "status"],
            generation: true,
            verbs: &[],
        }
    }
}
