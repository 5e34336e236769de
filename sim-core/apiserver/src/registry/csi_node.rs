//! CSINode: names, defaults, rules and columns.

use super::{Column, KindInfo, Strategy, age};
use apimachinery::time::Time;
use k8s_openapi::api::storage::v1::CSINode;
use serde_json::Value;

pub struct CSINodeStrategy;

impl Strategy for CSINodeStrategy {
    type Object = CSINode;

    fn info(&self) -> &'static KindInfo {
        const { &KindInfo::cluster("storage.k8s.io", "CSINode", "csinodes", "csinode") }
    }

    fn columns(&self) -> &'static [Column] {
        const {
            &[
                Column::name(),
                Column::new("Drivers", "Drivers indicates the number of CSI drivers registered on the node").integer(),
                Column::age(),
            ]
        }
    }

    fn cells(&self, object: &CSINode, now: Time) -> Vec<Value> {
        let meta = &object.metadata;
        vec![meta.name.as_deref().into(), object.spec.drivers.len().into(), age(meta, now).into()]
    }
}
