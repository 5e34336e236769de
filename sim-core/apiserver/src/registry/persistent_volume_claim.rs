//! PersistentVolumeClaim: names, defaults, rules and columns.

use super::checks::{self, text};
use super::printing::UNSET;
use super::{Column, Context, KindInfo, Strategy, age};
use apimachinery::field::{Error, ErrorList, Path};
use apimachinery::quantity::Quantity;
use apimachinery::time::Time;
use k8s_openapi::api::core::v1::{PersistentVolumeClaim, PersistentVolumeClaimSpec, PersistentVolumeClaimStatus};
use serde_json::Value;

pub struct PersistentVolumeClaimStrategy;

impl Strategy for PersistentVolumeClaimStrategy {
    type Object = PersistentVolumeClaim;

    fn info(&self) -> &'static KindInfo {
        const {
            &KindInfo::namespaced("", "PersistentVolumeClaim", "persistentvolumeclaims", "persistentvolumeclaim")
                .short(&["pvc"])
                .subresources(&["status"])
        }
    }

    fn default(&self, object: &mut PersistentVolumeClaim) {
        default_claim(object);
    }

    fn prepare_create(&self, object: &mut PersistentVolumeClaim, _: &mut Context<'_>) -> Result<(), ErrorList> {
        object.status = Some(PersistentVolumeClaimStatus { phase: Some("Pending".into()), ..Default::default() });
        super::volumes::protect(&mut object.metadata, "kubernetes.io/pvc-protection");
        Ok(())
    }

    fn prepare_update(
        &self,
        new: &mut PersistentVolumeClaim,
        old: &PersistentVolumeClaim,
        _: &mut Context<'_>,
    ) -> Result<(), ErrorList> {
        new.status.clone_from(&old.status);
        Ok(())
    }

    fn prepare_status(&self, new: &mut PersistentVolumeClaim, old: &PersistentVolumeClaim) {
        new.spec.clone_from(&old.spec);
    }

    fn validate(&self, object: &PersistentVolumeClaim) -> ErrorList {
        let mut errors = ErrorList::default();
        if let Some(spec) = &object.spec {
            rules(spec, &Path::new("spec"), &mut errors);
        }
        errors
    }

    fn validate_update(&self, new: &PersistentVolumeClaim, old: &PersistentVolumeClaim) -> ErrorList {
        let mut errors = Strategy::validate(self, new);
        let (Some(n), Some(o)) = (&new.spec, &old.spec) else { return errors };
        let phase = old.status.as_ref().map(|s| text(&s.phase)).unwrap_or_default();
        update_rules(n, o, phase, &mut errors);
        errors
    }

    fn columns(&self) -> &'static [Column] {
        const {
            &[
                Column::name(),
                Column::new("Status", "phase represents the current phase of PersistentVolumeClaim."),
                Column::new(
                    "Volume",
                    "volumeName is the binding reference to the PersistentVolume backing this claim.",
                ),
                Column::new("Capacity", "capacity represents the actual resources of the underlying volume."),
                Column::new(
                    "Access Modes",
                    "accessModes contains the actual access modes the volume backing the PVC has.",
                ),
                Column::new("StorageClass", "StorageClass of the pvc"),
                Column::new("VolumeAttributesClass", "VolumeAttributesClass of the pvc"),
                Column::age(),
                Column::new("VolumeMode", "volumeMode defines what type of volume is required by the claim.").wide(),
            ]
        }
    }

    fn cells(&self, object: &PersistentVolumeClaim, now: Time) -> Vec<Value> {
        let meta = &object.metadata;
        let spec = object.spec.as_ref();
        let status = object.status.as_ref();
        let volume = spec.map(|s| text(&s.volume_name)).unwrap_or_default();
        let bound = status.filter(|_| !volume.is_empty());
        let capacity = bound.and_then(|s| s.capacity.as_ref()?.get("storage"));
        let phase = match &meta.deletion_timestamp {
            Some(_) => "Terminating",
            None => status.map(|s| text(&s.phase)).unwrap_or_default(),
        };
        let class = meta.annotations.as_ref().and_then(|a| a.get("volume.beta.kubernetes.io/storage-class"));
        let class = class.or(spec.and_then(|s| s.storage_class_name.as_ref()));
        vec![
            meta.name.as_deref().into(),
            phase.into(),
            volume.into(),
            capacity.map_or(if bound.is_some() { "0" } else { "" }, |q| &q.0).into(),
            access_modes(bound.and_then(|s| s.access_modes.as_deref())).into(),
            class.map(String::as_str).unwrap_or_default().into(),
            spec.and_then(|s| s.volume_attributes_class_name.as_deref()).unwrap_or(UNSET).into(),
            age(meta, now).into(),
            spec.and_then(|s| s.volume_mode.as_deref()).unwrap_or(UNSET).into(),
        ]
    }

    fn fields(&self) -> &'static [&'static str] {
        &["name"]
    }

    fn field(&self, object: &PersistentVolumeClaim, path: &str) -> Option<String> {
        (path == "name").then(|| object.metadata.name.clone().unwrap_or_default())
    }
}

pub const MODES: [&str; 4] = ["ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"];

pub fn default_claim(claim: &mut PersistentVolumeClaim) {
    let spec = claim.spec.get_or_insert_default();
    spec.volume_mode.get_or_insert_with(|| "Filesystem".into());
    spec.resources.get_or_insert_default();
    claim.status.get_or_insert_default().phase.get_or_insert_with(|| "Pending".into());
}

/// `RWO,RWX`.
pub fn access_modes(modes: Option<&[String]>) -> String {
    let has = |mode: &str| modes.is_some_and(|m| m.iter().any(|m| m == mode));
    let short =
        [("ReadWriteOnce", "RWO"), ("ReadOnlyMany", "ROX"), ("ReadWriteMany", "RWX"), ("ReadWriteOncePod", "RWOP")];
    let shown: Vec<&str> = short.iter().filter(|(mode, _)| has(mode)).map(|(_, short)| *short).collect();
    shown.join(",")
}

pub fn check_modes(modes: &[String], path: &Path, errors: &mut ErrorList) {
    for mode in modes {
        checks::one_of_if_set(mode, &MODES, path, errors);
    }
    if modes.len() > 1 && modes.iter().any(|m| m == "ReadWriteOncePod") {
        let why = "may not use ReadWriteOncePod with other access modes";
        errors.push(Error::forbidden(path, why));
    }
}

pub fn rules(spec: &PersistentVolumeClaimSpec, path: &Path, errors: &mut ErrorList) {
    let modes = spec.access_modes.as_deref().unwrap_or_default();
    let at = path.child("accessModes");
    if modes.is_empty() {
        errors.push(Error::required(&at, "at least 1 access mode is required"));
    }
    checks::label_selector(spec.selector.as_ref(), &path.child("selector"), errors);
    check_modes(modes, &at, errors);
    let storage = spec.resources.as_ref().and_then(|r| r.requests.as_ref()?.get("storage"));
    let resources = path.child("resources");
    match storage {
        None => errors.push(Error::required(&resources.key("storage"), "")),
        Some(q) if Quantity::parse(&q.0).is_ok_and(|q| q.sign() <= 0) => {
            let at = resources.child("requests");
            errors.push(Error::invalid(&at.key("storage"), &q.0, "must be greater than zero"));
        }
        Some(_) => {}
    }
    if let Some(class) = spec.storage_class_name.as_deref().filter(|c| !c.is_empty()) {
        checks::dns_subdomain(class, &path.child("storageClassName"), errors);
    }
    checks::one_of_if_set(text(&spec.volume_mode), &["Block", "Filesystem"], &path.child("volumeMode"), errors);
}

/// A claim may grow; everything else is settled once it is bound.
fn update_rules(new: &PersistentVolumeClaimSpec, old: &PersistentVolumeClaimSpec, phase: &str, errors: &mut ErrorList) {
    let amount = |s: &PersistentVolumeClaimSpec| {
        let q = s.resources.as_ref().and_then(|r| r.requests.as_ref()?.get("storage"))?;
        Quantity::parse(&q.0).ok()
    };
    let mut munged = new.clone();
    if text(&old.volume_name).is_empty() {
        munged.volume_name.clone_from(&old.volume_name);
    }
    if old.storage_class_name.is_none() {
        munged.storage_class_name = None;
    }
    munged.volume_attributes_class_name.clone_from(&old.volume_attributes_class_name);
    let grows = amount(new) != amount(old);
    munged.resources.clone_from(&old.resources);
    let path = Path::new("spec");
    if munged != *old {
        let text = super::diff::unified(&lines(old), &lines(&munged));
        let why = format!(
            "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims\n{text}"
        );
        errors.push(Error::forbidden(&path, why));
    } else if grows && phase != "Bound" {
        let text = super::diff::unified(&lines(old), &lines(new));
        let why = format!(
            "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims\n{text}"
        );
        errors.push(Error::forbidden(&path, why));
    } else if amount(new) < amount(old) {
        let at = path.child("resources.requests.storage");
        errors.push(Error::forbidden(&at, "field can not be less than status.capacity"));
    }
}

/// By its JSON: upstream dumps its internal struct here.
fn lines(spec: &PersistentVolumeClaimSpec) -> Vec<String> {
    let text = apimachinery::json::indented(&serde_json::to_value(spec).unwrap_or_default(), " ");
    text.lines().map(|l| format!("{l}\n")).collect()
}
