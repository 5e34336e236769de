//! CSIDriver: names, defaults, rules and columns.

use super::printing::{NONE, UNSET};
use super::{Column, KindInfo, Strategy, age};
use apimachinery::time::Time;
use k8s_openapi::api::storage::v1::CSIDriver;
use serde_json::Value;

pub struct CSIDriverStrategy;

impl Strategy for CSIDriverStrategy {
    type Object = CSIDriver;

    fn info(&self) -> &'static KindInfo {
        const { &KindInfo::cluster("storage.k8s.io", "CSIDriver", "csidrivers", "csidriver") }
    }

    fn default(&self, object: &mut CSIDriver) {
        let spec = &mut object.spec;
        spec.attach_required.get_or_insert(true);
        spec.pod_info_on_mount.get_or_insert(false);
        spec.storage_capacity.get_or_insert(false);
        spec.fs_group_policy.get_or_insert_with(|| "ReadWriteOnceWithFSType".into());
        spec.volume_lifecycle_modes.get_or_insert_with(|| vec!["Persistent".into()]);
        spec.requires_republish.get_or_insert(false);
        spec.se_linux_mount.get_or_insert(false);
    }

    fn columns(&self) -> &'static [Column] {
        const {
            &[
                Column::name(),
                Column::new("AttachRequired", "attachRequired indicates this CSI volume driver requires an attach operation.").boolean(),
                Column::new("PodInfoOnMount", "podInfoOnMount indicates this CSI volume driver requires additional pod information during mount operations.").boolean(),
                Column::new("StorageCapacity", "storageCapacity indicates that the CSI volume driver wants pod scheduling to consider the storage capacity that the driver deployment will report.").boolean(),
                Column::new("TokenRequests", "tokenRequests indicates the CSI driver needs pods' service account tokens it is mounting volume for to do necessary authentication."),
                Column::new("RequiresRepublish", "requiresRepublish indicates the CSI driver wants `NodePublishVolume` being periodically called to reflect any possible change in the mounted volume.").boolean(),
                Column::new("Modes", "volumeLifecycleModes defines what kind of volumes this CSI volume driver supports."),
                Column::age(),
            ]
        }
    }

    fn cells(&self, object: &CSIDriver, now: Time) -> Vec<Value> {
        let meta = &object.metadata;
        let spec = &object.spec;
        let tokens = spec.token_requests.as_ref().map(|t| {
            let audiences: Vec<&str> = t.iter().map(|r| r.audience.as_str()).collect();
            audiences.join(",")
        });
        let modes = spec.volume_lifecycle_modes.as_deref().unwrap_or_default().join(",");
        vec![
            meta.name.as_deref().into(),
            spec.attach_required.unwrap_or(true).into(),
            spec.pod_info_on_mount.unwrap_or(false).into(),
            spec.storage_capacity.unwrap_or(false).into(),
            tokens.unwrap_or_else(|| UNSET.to_owned()).into(),
            spec.requires_republish.unwrap_or(false).into(),
            if modes.is_empty() { NONE.into() } else { modes.into() },
            age(meta, now).into(),
        ]
    }
}
