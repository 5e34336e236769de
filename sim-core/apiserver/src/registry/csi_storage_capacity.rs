//! CSIStorageCapacity: names, rules and columns. The scheduler of the simulation does not read it.

use super::{Column, KindInfo, Strategy};
use apimachinery::field::{Error, ErrorList, Path};
use apimachinery::time::Time;
use k8s_openapi::api::storage::v1::CSIStorageCapacity;
use serde_json::Value;

pub struct CSIStorageCapacityStrategy;

impl Strategy for CSIStorageCapacityStrategy {
    type Object = CSIStorageCapacity;

    fn info(&self) -> &'static KindInfo {
        const { &KindInfo::namespaced("storage.k8s.io", "CSIStorageCapacity", "csistoragecapacities", "csistoragecapacity") }
    }

    fn validate(&self, object: &CSIStorageCapacity) -> ErrorList {
        let mut errors = ErrorList::default();
        if object.storage_class_name.is_empty() {
            errors.push(Error::required(&Path::new("storageClassName"), ""));
        }
        errors
    }

    fn columns(&self) -> &'static [Column] {
        const {
            &[
                Column::name(),
                Column::new("StorageClassName", "Name of the storage class the capacity is of"),
                Column::new("Capacity", "How much there is"),
            ]
        }
    }

    fn cells(&self, object: &CSIStorageCapacity, _: Time) -> Vec<Value> {
        let capacity = object.capacity.as_ref().map_or(super::printing::UNSET, |c| c.0.as_str());
        vec![object.metadata.name.as_deref().into(), object.storage_class_name.as_str().into(), capacity.into()]
    }
}
