//! VolumeAttachment: names, defaults, rules and columns.

use super::checks::text;
use super::{Column, Context, KindInfo, Strategy, age};
use apimachinery::field::ErrorList;
use apimachinery::time::Time;
use k8s_openapi::api::storage::v1::VolumeAttachment;
use serde_json::Value;

pub struct VolumeAttachmentStrategy;

impl Strategy for VolumeAttachmentStrategy {
    type Object = VolumeAttachment;

    fn info(&self) -> &'static KindInfo {
        const {
            &KindInfo::cluster("storage.k8s.io", "VolumeAttachment", "volumeattachments", "volumeattachment")
                .subresources(&["status"])
        }
    }

    fn prepare_create(&self, object: &mut VolumeAttachment, _: &mut Context<'_>) -> Result<(), ErrorList> {
        object.status = Some(Default::default());
        Ok(())
    }

    fn prepare_update(
        &self,
        new: &mut VolumeAttachment,
        old: &VolumeAttachment,
        _: &mut Context<'_>,
    ) -> Result<(), ErrorList> {
        new.status.clone_from(&old.status);
        Ok(())
    }

    fn prepare_status(&self, new: &mut VolumeAttachment, old: &VolumeAttachment) {
        new.spec.clone_from(&old.spec);
    }

    fn columns(&self) -> &'static [Column] {
        const {
            &[
                Column::name(),
                Column::new(
                    "Attacher",
                    "attacher indicates the name of the volume driver that MUST handle this request.",
                ),
                Column::new("PV", "persistentVolumeName represents the name of the persistent volume to attach."),
                Column::new("Node", "nodeName represents the node that the volume should be attached to."),
                Column::new("Attached", "attached indicates the volume is successfully attached.").boolean(),
                Column::age(),
            ]
        }
    }

    fn cells(&self, object: &VolumeAttachment, now: Time) -> Vec<Value> {
        let meta = &object.metadata;
        vec![
            meta.name.as_deref().into(),
            object.spec.attacher.as_str().into(),
            text(&object.spec.source.persistent_volume_name).into(),
            object.spec.node_name.as_str().into(),
            object.status.as_ref().is_some_and(|s| s.attached).into(),
            age(meta, now).into(),
        ]
    }
}
