//! Node: names, defaults, rules and columns.

use super::{KindInfo, Strategy};
use k8s_openapi::api::core::v1::Node;

pub struct NodeStrategy;

impl Strategy for NodeStrategy {
    type Object = Node;

    fn info(&self) -> &'static KindInfo {
        &KindInfo {
            group: "",
            version: "v1",
            kind: "Node",
            plural: "nodes",
            singular: "node",
            short_names: &["no"],
            categories: &[],
            namespaced: false,
            subresources: &["proxy", "status"],
            generation: false,
            verbs: &[],
        }
    }
}
