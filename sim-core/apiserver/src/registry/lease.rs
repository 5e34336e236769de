//! Lease: names, defaults, rules and columns.

use super::{KindInfo, Strategy};
use k8s_openapi::api::coordination::v1::Lease;

pub struct LeaseStrategy;

impl Strategy for LeaseStrategy {
    type Object = Lease;

    fn info(&self) -> &'static KindInfo {
        &KindInfo {
            group: "coordination.k8s.io",
            version: "v1",
            kind: "Lease",
            plural: "leases",
            singular: "lease",
            short_names: &[],
            categories: &[],
            namespaced: true,
            subresources: &[],
            generation: false,
            verbs: &[],
        }
    }
}
