//! Deployment: names, defaults, rules and columns.

use super::{KindInfo, Strategy};
use k8s_openapi::api::apps::v1::Deployment;

pub struct DeploymentStrategy;

impl Strategy for DeploymentStrategy {
    type Object = Deployment;

    fn info(&self) -> &'static KindInfo {
        &KindInfo {
            group: "apps",
            version: "v1",
            kind: "Deployment",
            plural: "deployments",
            singular: "deployment",
            short_names: &["deploy"],
            categories: &["all"],
            namespaced: true,
            subresources: &["scale", "status"],
            generation: true,
            verbs: &[],
        }
    }
}
