//! PersistentVolume: names, defaults, rules and columns.

use super::checks::{self, text};
use super::persistent_volume_claim::{access_modes, check_modes};
use super::printing::UNSET;
use super::{Column, Context, KindInfo, Strategy, age};
use apimachinery::field::{Error, ErrorList, Path};
use apimachinery::quantity::Quantity;
use apimachinery::time::Time;
use k8s_openapi::api::core::v1::{PersistentVolume, PersistentVolumeSpec, PersistentVolumeStatus};
use serde_json::Value;

pub struct PersistentVolumeStrategy;

impl Strategy for PersistentVolumeStrategy {
    type Object = PersistentVolume;

    fn info(&self) -> &'static KindInfo {
        const {
            &KindInfo::cluster("", "PersistentVolume", "persistentvolumes", "persistentvolume")
                .short(&["pv"])
                .subresources(&["status"])
        }
    }

    fn default(&self, object: &mut PersistentVolume) {
        let spec = object.spec.get_or_insert_default();
        spec.persistent_volume_reclaim_policy.get_or_insert_with(|| "Retain".into());
        spec.volume_mode.get_or_insert_with(|| "Filesystem".into());
        if let Some(host) = &mut spec.host_path {
            host.type_.get_or_insert_default();
        }
        object.status.get_or_insert_default().phase.get_or_insert_with(|| "Pending".into());
    }

    fn prepare_create(&self, object: &mut PersistentVolume, cx: &mut Context<'_>) -> Result<(), ErrorList> {
        object.status = Some(PersistentVolumeStatus {
            phase: Some("Pending".into()),
            last_phase_transition_time: Some(k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(cx.now.timestamp())),
            ..Default::default()
        });
        super::volumes::protect(&mut object.metadata, "kubernetes.io/pv-protection");
        Ok(())
    }

    fn prepare_update(
        &self,
        new: &mut PersistentVolume,
        old: &PersistentVolume,
        _: &mut Context<'_>,
    ) -> Result<(), ErrorList> {
        new.status.clone_from(&old.status);
        Ok(())
    }

    fn prepare_status(&self, new: &mut PersistentVolume, old: &PersistentVolume) {
        new.spec.clone_from(&old.spec);
    }

    fn validate(&self, object: &PersistentVolume) -> ErrorList {
        let mut errors = ErrorList::default();
        if let Some(spec) = &object.spec {
            rules(spec, &Path::new("spec"), &mut errors);
        }
        errors
    }

    fn validate_update(&self, new: &PersistentVolume, old: &PersistentVolume) -> ErrorList {
        let mut errors = Strategy::validate(self, new);
        if let (Some(n), Some(o)) = (&new.spec, &old.spec) {
            if source(n) != source(o)
                || n.host_path != o.host_path
                || n.nfs != o.nfs
                || n.csi != o.csi
                || n.local != o.local
            {
                let why = "spec.persistentvolumesource is immutable after creation";
                errors.push(Error::forbidden(&Path::new("spec.persistentvolumesource"), why));
            }
            checks::immutable(&n.volume_mode, &o.volume_mode, &Path::new("volumeMode"), &mut errors);
            if o.node_affinity.is_some() && n.node_affinity != o.node_affinity {
                checks::immutable(&n.node_affinity, &o.node_affinity, &Path::new("nodeAffinity"), &mut errors);
            }
        }
        errors
    }

    fn columns(&self) -> &'static [Column] {
        const {
            &[
                Column::name(),
                Column::new("Capacity", "capacity is the description of the persistent volume's resources and capacity."),
                Column::new("Access Modes", "accessModes contains all ways the volume can be mounted."),
                Column::new("Reclaim Policy", "persistentVolumeReclaimPolicy defines what happens to a persistent volume when released from its claim."),
                Column::new("Status", "phase indicates if a volume is available, bound to a claim, or released by a claim."),
                Column::new("Claim", "claimRef is part of a bi-directional binding between PersistentVolume and PersistentVolumeClaim."),
                Column::new("StorageClass", "StorageClass of the pv"),
                Column::new("VolumeAttributesClass", "VolumeAttributesClass of the pv"),
                Column::new("Reason", "reason is a brief CamelCase string that describes any failure and is meant for machine parsing and tidy display in the CLI."),
                Column::age(),
                Column::new("VolumeMode", "volumeMode defines if a volume is intended to be used with a formatted filesystem or to remain in raw block state.").wide(),
            ]
        }
    }

    fn cells(&self, object: &PersistentVolume, now: Time) -> Vec<Value> {
        let meta = &object.metadata;
        let empty = PersistentVolumeSpec::default();
        let spec = object.spec.as_ref().unwrap_or(&empty);
        let status = object.status.as_ref();
        let claim = spec.claim_ref.as_ref().map(|c| format!("{}/{}", text(&c.namespace), text(&c.name)));
        let phase = match &meta.deletion_timestamp {
            Some(_) => "Terminating",
            None => status.map(|s| text(&s.phase)).unwrap_or_default(),
        };
        vec![
            meta.name.as_deref().into(),
            spec.capacity.as_ref().and_then(|c| c.get("storage")).map_or("0", |q| &q.0).into(),
            access_modes(spec.access_modes.as_deref()).into(),
            text(&spec.persistent_volume_reclaim_policy).into(),
            phase.into(),
            claim.unwrap_or_default().into(),
            text(&spec.storage_class_name).into(),
            spec.volume_attributes_class_name.as_deref().unwrap_or(UNSET).into(),
            status.map(|s| text(&s.reason)).unwrap_or_default().into(),
            age(meta, now).into(),
            spec.volume_mode.as_deref().unwrap_or(UNSET).into(),
        ]
    }

    fn fields(&self) -> &'static [&'static str] {
        &["name"]
    }

    fn field(&self, object: &PersistentVolume, path: &str) -> Option<String> {
        (path == "name").then(|| object.metadata.name.clone().unwrap_or_default())
    }
}

/// How many sources are set, as a mask.
fn source(spec: &PersistentVolumeSpec) -> u32 {
    let set = [
        spec.host_path.is_some(),
        spec.nfs.is_some(),
        spec.csi.is_some(),
        spec.local.is_some(),
        spec.iscsi.is_some(),
        spec.fc.is_some(),
        spec.gce_persistent_disk.is_some(),
        spec.aws_elastic_block_store.is_some(),
        spec.azure_disk.is_some(),
        spec.azure_file.is_some(),
        spec.cephfs.is_some(),
        spec.rbd.is_some(),
        spec.cinder.is_some(),
        spec.flex_volume.is_some(),
        spec.vsphere_volume.is_some(),
        spec.portworx_volume.is_some(),
        spec.glusterfs.is_some(),
        spec.flocker.is_some(),
        spec.quobyte.is_some(),
        spec.photon_persistent_disk.is_some(),
        spec.scale_io.is_some(),
        spec.storageos.is_some(),
    ];
    set.iter().enumerate().filter(|(_, s)| **s).fold(0, |mask, (i, _)| mask | 1 << i)
}

fn rules(spec: &PersistentVolumeSpec, path: &Path, errors: &mut ErrorList) {
    let modes = spec.access_modes.as_deref().unwrap_or_default();
    let at = path.child("accessModes");
    if modes.is_empty() {
        errors.push(Error::required(&at, ""));
    }
    check_modes(modes, &at, errors);
    let at = path.child("capacity");
    match spec.capacity.as_ref().filter(|c| !c.is_empty()) {
        None => errors.push(Error::required(&at, "")),
        Some(capacity) => {
            if capacity.len() != 1 || !capacity.contains_key("storage") {
                let known = ["storage"];
                errors.push(Error { value: checks::json(capacity), ..Error::not_supported(&at, "", &known) });
            }
            for (name, q) in capacity {
                if Quantity::parse(&q.0).is_ok_and(|q| q.sign() <= 0) {
                    errors.push(Error::invalid(&at.key(name), &q.0, "must be greater than zero"));
                }
            }
        }
    }
    let known = ["Delete", "Recycle", "Retain"];
    let at = path.child("persistentVolumeReclaimPolicy");
    checks::one_of_if_set(text(&spec.persistent_volume_reclaim_policy), &known, &at, errors);
    match source(spec).count_ones() {
        0 => errors.push(Error::required(path, "must specify a volume type")),
        1 => {}
        _ => errors.push(Error::forbidden(path, "may not specify more than 1 volume type")),
    }
    if let Some(host) = &spec.host_path {
        let at = path.child("hostPath");
        if host.path.is_empty() {
            errors.push(Error::required(&at.child("path"), ""));
        }
        checks::no_backsteps(&host.path, &at.child("path"), errors);
    }
    if let Some(local) = &spec.local {
        if local.path.is_empty() {
            errors.push(Error::required(&path.child("local").child("path"), ""));
        }
        if spec.node_affinity.is_none() {
            errors.push(Error::required(&Path::new("metadata.annotations"), "Local volume requires node affinity"));
        }
    }
    if !text(&spec.storage_class_name).is_empty() {
        checks::dns_subdomain(text(&spec.storage_class_name), &path.child("storageClassName"), errors);
    }
    checks::one_of_if_set(text(&spec.volume_mode), &["Block", "Filesystem"], &path.child("volumeMode"), errors);
}
