//! StorageClass: names, defaults, rules and columns.

use super::checks::{self, text};
use super::{Column, KindInfo, Strategy, age};
use apimachinery::field::{Error, ErrorList, Path};
use apimachinery::time::Time;
use k8s_openapi::api::storage::v1::StorageClass;
use serde_json::Value;

pub struct StorageClassStrategy;

impl Strategy for StorageClassStrategy {
    type Object = StorageClass;

    fn info(&self) -> &'static KindInfo {
        const { &KindInfo::cluster("storage.k8s.io", "StorageClass", "storageclasses", "storageclass").short(&["sc"]) }
    }

    fn default(&self, object: &mut StorageClass) {
        object.reclaim_policy.get_or_insert_with(|| "Delete".into());
        object.volume_binding_mode.get_or_insert_with(|| "Immediate".into());
    }

    fn validate(&self, object: &StorageClass) -> ErrorList {
        let mut errors = ErrorList::default();
        if object.provisioner.is_empty() {
            errors.push(Error::required(&Path::new("provisioner"), ""));
        } else {
            checks::qualified_name(&object.provisioner.to_lowercase(), &Path::new("provisioner"), &mut errors);
        }
        let known = ["Delete", "Retain"];
        checks::one_of_if_set(text(&object.reclaim_policy), &known, &Path::new("reclaimPolicy"), &mut errors);
        let known = ["Immediate", "WaitForFirstConsumer"];
        checks::one_of(text(&object.volume_binding_mode), &known, &Path::new("volumeBindingMode"), &mut errors);
        errors
    }

    fn validate_update(&self, new: &StorageClass, old: &StorageClass) -> ErrorList {
        let mut errors = Strategy::validate(self, new);
        if new.parameters != old.parameters {
            errors.push(Error::forbidden(&Path::new("parameters"), "updates to parameters are forbidden."));
        }
        if new.provisioner != old.provisioner {
            errors.push(Error::forbidden(&Path::new("provisioner"), "updates to provisioner are forbidden."));
        }
        if new.reclaim_policy != old.reclaim_policy {
            errors.push(Error::forbidden(&Path::new("reclaimPolicy"), "updates to reclaimPolicy are forbidden."));
        }
        let path = Path::new("volumeBindingMode");
        checks::immutable(&new.volume_binding_mode, &old.volume_binding_mode, &path, &mut errors);
        errors
    }

    fn columns(&self) -> &'static [Column] {
        const {
            &[
                Column::name(),
                Column::new("Provisioner", "provisioner indicates the type of the provisioner."),
                Column::new(
                    "ReclaimPolicy",
                    "reclaimPolicy controls the reclaimPolicy for dynamically provisioned PersistentVolumes of this storage class.",
                ),
                Column::new(
                    "VolumeBindingMode",
                    "volumeBindingMode indicates how PersistentVolumeClaims should be provisioned and bound.",
                ),
                Column::new(
                    "AllowVolumeExpansion",
                    "allowVolumeExpansion shows whether the storage class allow volume expand.",
                ),
                Column::age(),
            ]
        }
    }

    fn cells(&self, object: &StorageClass, now: Time) -> Vec<Value> {
        let meta = &object.metadata;
        let mut name = meta.name.clone().unwrap_or_default();
        if is_default(object) {
            name.push_str(" (default)");
        }
        vec![
            name.into(),
            object.provisioner.as_str().into(),
            object.reclaim_policy.as_deref().unwrap_or("Delete").into(),
            object.volume_binding_mode.as_deref().unwrap_or("Immediate").into(),
            object.allow_volume_expansion.unwrap_or(false).into(),
            age(meta, now).into(),
        ]
    }
}

/// Marked as the class for claims that name none.
pub fn is_default(class: &StorageClass) -> bool {
    let marks = ["storageclass.kubernetes.io/is-default-class", "storageclass.beta.kubernetes.io/is-default-class"];
    let annotations = class.metadata.annotations.as_ref();
    annotations.is_some_and(|a| marks.iter().any(|m| a.get(*m).is_some_and(|v| v == "true")))
}
