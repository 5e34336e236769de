//! Claims and volumes find each other; a volume is made where a class says how; what is in use is protected.
//!
//! Models: `pkg/controller/volume/persistentvolume`, the two protection controllers, and minikube's provisioner.
//! Keys with a namespace are claims, others volumes.

use super::meta::{annotation, has_finalizer, is_terminal, name_of, namespace_of, node_of, uid_of};
use super::selector::selector;
use super::{Action, Controller, Informer, Key, Seen};
use crate::cluster::Ctx;
use crate::recorder::{EventType, Source, reference};
use apimachinery::quantity::Quantity;
use apimachinery::rng::Rng;
use apimachinery::status::Status;
use apimachinery::time::Duration;
use apiserver::object::view;
use apiserver::server::Door;
use apiserver::{ApiServer, Change, DeleteOptions, KindId, Verb};
use k8s_openapi::api::core::v1::{
    HostPathVolumeSource, PersistentVolume, PersistentVolumeClaim, PersistentVolumeClaimSpec, PersistentVolumeSpec, Pod,
};
use k8s_openapi::api::storage::v1::StorageClass;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use std::collections::BTreeMap;
use std::sync::Arc;

pub struct PersistentVolumes;

const NAME: &str = "persistentvolume-controller";
const SOURCE: Source<'static> = Source { component: NAME, host: "" };
/// The provisioner that runs in the cluster.
pub const PROVISIONER: &str = "k8s.io/minikube-hostpath";
const CLAIM_PROTECTION: &str = "kubernetes.io/pvc-protection";
const VOLUME_PROTECTION: &str = "kubernetes.io/pv-protection";
const BOUND: &str = "pv.kubernetes.io/bound-by-controller";
const COMPLETED: &str = "pv.kubernetes.io/bind-completed";
/// Claims without a volume are looked at again.
const RESYNC: Duration = Duration::from_secs(15);

impl Controller for PersistentVolumes {
    fn name(&self) -> &'static str {
        NAME
    }

    fn observe(&self, change: &Change, seen: &Seen<'_>, enqueue: &mut dyn FnMut(Key)) {
        let m = change.object.meta();
        match change.kind {
            KindId::PERSISTENT_VOLUME_CLAIM => {
                enqueue(Key::new(namespace_of(m), name_of(m)));
                let claim = view::<PersistentVolumeClaim>(&*change.object);
                if let Some(volume) = claim.and_then(|c| c.spec.as_ref()?.volume_name.as_deref()) {
                    enqueue(Key::new("", volume));
                }
            }
            KindId::PERSISTENT_VOLUME => {
                enqueue(Key::new("", name_of(m)));
                for claim in seen.api.list::<PersistentVolumeClaim>(None).filter(|c| volume_of(c).is_empty()) {
                    enqueue(Key::new(namespace_of(&claim.metadata), name_of(&claim.metadata)));
                }
            }
            KindId::POD => {
                let Some(pod) = view::<Pod>(&*change.object) else { return };
                claims_of(pod).for_each(|name| enqueue(Key::new(namespace_of(m), name)));
            }
            KindId::STORAGE_CLASS if change.verb == Verb::Added => {
                for claim in seen.api.list::<PersistentVolumeClaim>(None).filter(|c| volume_of(c).is_empty()) {
                    enqueue(Key::new(namespace_of(&claim.metadata), name_of(&claim.metadata)));
                }
            }
            _ => {}
        }
    }

    fn reconcile(&self, key: &Key, cx: &mut Ctx<'_>, _informer: &mut Informer) -> Result<Action, Status> {
        if key.namespace.is_empty() {
            let Some(volume) = cx.api.get::<PersistentVolume>("", &key.name) else { return Ok(Action::Done) };
            return sync_volume(&volume, cx).map(|()| Action::Done);
        }
        let Some(claim) = cx.api.get::<PersistentVolumeClaim>(&key.namespace, &key.name) else {
            return Ok(Action::Done);
        };
        sync_claim(&claim, cx)
    }
}

fn claims_of(pod: &Pod) -> impl Iterator<Item = &str> {
    let volumes = pod.spec.iter().flat_map(|s| s.volumes.iter().flatten());
    volumes.filter_map(|v| v.persistent_volume_claim.as_ref().map(|c| c.claim_name.as_str()))
}

fn volume_of(claim: &PersistentVolumeClaim) -> &str {
    claim.spec.as_ref().and_then(|s| s.volume_name.as_deref()).unwrap_or_default()
}

fn class_of(spec: &PersistentVolumeClaimSpec) -> &str {
    spec.storage_class_name.as_deref().unwrap_or_default()
}

fn drop_finalizer(m: &mut ObjectMeta, name: &str) {
    if let Some(list) = &mut m.finalizers {
        list.retain(|f| f != name);
    }
    if m.finalizers.as_ref().is_some_and(Vec::is_empty) {
        m.finalizers = None;
    }
}

fn tell(cx: &mut Ctx<'_>, claim: &PersistentVolumeClaim, by: Source<'_>, kind: EventType, reason: &str, text: &str) {
    let regarding = reference(cx.api, claim);
    cx.recorder.event(cx.api, &cx.writer, by, regarding, kind, reason, text);
}

fn sync_claim(claim: &PersistentVolumeClaim, cx: &mut Ctx<'_>) -> Result<Action, Status> {
    let (namespace, name) = (namespace_of(&claim.metadata), name_of(&claim.metadata));
    let Some(spec) = claim.spec.as_ref() else { return Ok(Action::Done) };
    let mut users = cx.api.list::<Pod>(Some(namespace)).filter(|p| claims_of(p).any(|c| c == name));
    if claim.metadata.deletion_timestamp.is_some() {
        let used = users.any(|p| !node_of(p).is_empty() && !is_terminal(p));
        if !used && has_finalizer(&claim.metadata, CLAIM_PROTECTION) {
            drop(users);
            cx.api.modify::<PersistentVolumeClaim>(namespace, name, Door::Main, &cx.writer, |c| {
                drop_finalizer(&mut c.metadata, CLAIM_PROTECTION);
            })?;
        }
        return Ok(Action::Done);
    }
    let awaited = users.next().is_some();
    drop(users);
    let volume = volume_of(claim);
    if !volume.is_empty() {
        return match cx.api.get::<PersistentVolume>("", volume) {
            Some(volume) if is_for(&volume, claim) || claim_ref(&volume).is_none() => bind(claim, &volume, cx),
            Some(_) => Ok(Action::Done),
            None if annotation(&claim.metadata, COMPLETED).is_some() => {
                let lost = claim.status.as_ref().is_some_and(|s| s.phase.as_deref() == Some("Lost"));
                if !lost {
                    let text = "Bound claim has lost its PersistentVolume. Data on the volume is lost!";
                    tell(cx, claim, SOURCE, EventType::Warning, "ClaimLost", text);
                    cx.api.modify::<PersistentVolumeClaim>(namespace, name, Door::Status, &cx.writer, |c| {
                        c.status.get_or_insert_default().phase = Some("Lost".into());
                    })?;
                }
                Ok(Action::Done)
            }
            None => Ok(Action::Done),
        };
    }
    let class = cx.api.get::<StorageClass>("", class_of(spec));
    let waits = class.as_ref().is_some_and(|c| c.volume_binding_mode.as_deref() == Some("WaitForFirstConsumer"));
    if waits && !awaited {
        let text = "waiting for first consumer to be created before binding";
        tell(cx, claim, SOURCE, EventType::Normal, "WaitForFirstConsumer", text);
        return Ok(Action::RequeueAfter(RESYNC, false));
    }
    if let Some(volume) = best_volume(claim, spec, cx.api) {
        return bind(claim, &volume, cx);
    }
    provision(claim, spec, class, cx)
}

fn storage(map: Option<&BTreeMap<String, k8s_openapi::apimachinery::pkg::api::resource::Quantity>>) -> i64 {
    let text = map.and_then(|m| m.get("storage")).map(|q| q.0.as_str()).unwrap_or_default();
    Quantity::parse(text).map_or(0, Quantity::value)
}

fn claim_ref(volume: &PersistentVolume) -> Option<&k8s_openapi::api::core::v1::ObjectReference> {
    volume.spec.as_ref()?.claim_ref.as_ref()
}

/// Whether the volume is held for this claim, by UID or for lack of one by name.
fn is_for(volume: &PersistentVolume, claim: &PersistentVolumeClaim) -> bool {
    claim_ref(volume).is_some_and(|r| {
        r.namespace == claim.metadata.namespace
            && r.name == claim.metadata.name
            && r.uid.as_deref().is_none_or(|uid| uid.is_empty() || uid == uid_of(&claim.metadata))
    })
}

/// The volume that was reserved for the claim, or the smallest that will do.
fn best_volume(
    claim: &PersistentVolumeClaim,
    spec: &PersistentVolumeClaimSpec,
    api: &ApiServer,
) -> Option<Arc<PersistentVolume>> {
    let wanted = storage(spec.resources.as_ref().and_then(|r| r.requests.as_ref()));
    let chosen = spec.selector.as_ref().map(selector);
    let fits = |v: &&PersistentVolume| {
        let Some(of) = v.spec.as_ref() else { return false };
        let modes = of.access_modes.as_deref().unwrap_or_default();
        v.metadata.deletion_timestamp.is_none()
            && of.storage_class_name.as_deref().unwrap_or_default() == class_of(spec)
            && of.volume_mode == spec.volume_mode
            && spec.access_modes.iter().flatten().all(|m| modes.contains(m))
            && storage(of.capacity.as_ref()) >= wanted
            && chosen.as_ref().is_none_or(|s| s.matches(&v.metadata.labels))
            && (of.claim_ref.is_none() || is_for(v, claim))
    };
    let size = |v: &PersistentVolume| storage(v.spec.as_ref().and_then(|s| s.capacity.as_ref()));
    let best = api.list::<PersistentVolume>(None).filter(fits).min_by_key(|v| (!is_for(v, claim), size(v)));
    best.cloned().map(Arc::new)
}

/// Ties both to each other, each write only where it says something new.
fn bind(claim: &PersistentVolumeClaim, volume: &PersistentVolume, cx: &mut Ctx<'_>) -> Result<Action, Status> {
    let (namespace, name) = (namespace_of(&claim.metadata), name_of(&claim.metadata));
    let volume_name = name_of(&volume.metadata);
    let held = claim_ref(volume).is_some_and(|r| r.uid.as_deref() == Some(uid_of(&claim.metadata)));
    if !held {
        let mut holder = reference(cx.api, claim);
        holder.field_path = None;
        let by_us = claim_ref(volume).is_none();
        cx.api.modify::<PersistentVolume>("", volume_name, Door::Main, &cx.writer, |v| {
            v.spec.get_or_insert_default().claim_ref = Some(holder);
            if by_us {
                v.metadata.annotations.get_or_insert_default().insert(BOUND.into(), "yes".into());
            }
        })?;
    }
    set_phase(volume_name, "Bound", cx)?;
    if annotation(&claim.metadata, COMPLETED).is_none() {
        let by_us = volume_of(claim).is_empty();
        cx.api.modify::<PersistentVolumeClaim>(namespace, name, Door::Main, &cx.writer, |c| {
            c.spec.get_or_insert_default().volume_name = Some(volume_name.to_owned());
            let annotations = c.metadata.annotations.get_or_insert_default();
            annotations.insert(COMPLETED.into(), "yes".into());
            if by_us {
                annotations.insert(BOUND.into(), "yes".into());
            }
        })?;
    }
    if claim.status.as_ref().is_none_or(|s| s.phase.as_deref() != Some("Bound")) {
        let spec = volume.spec.clone().unwrap_or_default();
        cx.api.modify::<PersistentVolumeClaim>(namespace, name, Door::Status, &cx.writer, |c| {
            let status = c.status.get_or_insert_default();
            status.phase = Some("Bound".into());
            status.access_modes = spec.access_modes;
            status.capacity = spec.capacity;
        })?;
    }
    Ok(Action::Done)
}

fn set_phase(volume: &str, phase: &str, cx: &mut Ctx<'_>) -> Result<(), Status> {
    let Some(current) = cx.api.get::<PersistentVolume>("", volume) else { return Ok(()) };
    if current.status.as_ref().is_some_and(|s| s.phase.as_deref() == Some(phase)) {
        return Ok(());
    }
    let now = k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(cx.api.now.timestamp());
    cx.api.modify::<PersistentVolume>("", volume, Door::Status, &cx.writer, |v| {
        let status = v.status.get_or_insert_default();
        status.phase = Some(phase.into());
        status.last_phase_transition_time = Some(now);
    })?;
    Ok(())
}

fn provision(
    claim: &PersistentVolumeClaim,
    spec: &PersistentVolumeClaimSpec,
    class: Option<Arc<StorageClass>>,
    cx: &mut Ctx<'_>,
) -> Result<Action, Status> {
    let again = Ok(Action::RequeueAfter(RESYNC, false));
    if class_of(spec).is_empty() {
        let text = "no persistent volumes available for this claim and no storage class is set";
        tell(cx, claim, SOURCE, EventType::Normal, "FailedBinding", text);
        return again;
    }
    let Some(class) = class else {
        let text = format!("storageclass.storage.k8s.io \"{}\" not found", class_of(spec));
        tell(cx, claim, SOURCE, EventType::Warning, "ProvisioningFailed", &text);
        return again;
    };
    let provisioner = class.provisioner.as_str();
    if provisioner == "kubernetes.io/no-provisioner" {
        return again;
    }
    let (namespace, name) = (namespace_of(&claim.metadata), name_of(&claim.metadata));
    if annotation(&claim.metadata, "volume.kubernetes.io/storage-provisioner") != Some(provisioner) {
        cx.api.modify::<PersistentVolumeClaim>(namespace, name, Door::Main, &cx.writer, |c| {
            let annotations = c.metadata.annotations.get_or_insert_default();
            for key in ["volume.beta.kubernetes.io/storage-provisioner", "volume.kubernetes.io/storage-provisioner"] {
                annotations.insert(key.into(), provisioner.into());
            }
        })?;
    }
    let text = format!(
        "Waiting for a volume to be created either by the external provisioner '{provisioner}' or manually by the \
         system administrator. If volume creation is delayed, please verify that the provisioner is running and \
         correctly registered."
    );
    tell(cx, claim, SOURCE, EventType::Normal, "ExternalProvisioning", &text);
    if provisioner != PROVISIONER {
        return again;
    }
    make_volume(claim, spec, &class, cx)?;
    Ok(Action::Done)
}

/// What minikube's provisioner does: a directory of the node for each claim.
fn make_volume(
    claim: &PersistentVolumeClaim,
    spec: &PersistentVolumeClaimSpec,
    class: &StorageClass,
    cx: &mut Ctx<'_>,
) -> Result<(), Status> {
    let (namespace, name) = (namespace_of(&claim.metadata), name_of(&claim.metadata));
    let identity = Rng::derive(cx.api.config.seed, "provisioner", PROVISIONER, 0).uuid();
    let component = format!("{PROVISIONER}_minikube_{identity}");
    let by = Source { component: &component, host: "" };
    let text = format!("External provisioner is provisioning volume for claim \"{namespace}/{name}\"");
    tell(cx, claim, by, EventType::Normal, "Provisioning", &text);
    let volume = format!("pvc-{}", uid_of(&claim.metadata));
    let annotations =
        [("hostPathProvisionerIdentity", identity.as_str()), ("pv.kubernetes.io/provisioned-by", PROVISIONER)];
    let made = cx.api.create(
        PersistentVolume {
            metadata: ObjectMeta {
                name: Some(volume.clone()),
                annotations: Some(annotations.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()),
                ..ObjectMeta::default()
            },
            spec: Some(PersistentVolumeSpec {
                access_modes: spec.access_modes.clone(),
                capacity: spec.resources.as_ref().and_then(|r| r.requests.clone()),
                claim_ref: Some(reference(cx.api, claim)),
                host_path: Some(HostPathVolumeSource {
                    path: format!("/tmp/hostpath-provisioner/{namespace}/{name}"),
                    type_: None,
                }),
                persistent_volume_reclaim_policy: class.reclaim_policy.clone(),
                storage_class_name: class.metadata.name.clone(),
                volume_mode: spec.volume_mode.clone(),
                ..PersistentVolumeSpec::default()
            }),
            status: None,
        },
        &cx.writer,
    );
    match made {
        Err(status) if status.reason != "AlreadyExists" => return Err(status),
        _ => {}
    }
    let text = format!("Successfully provisioned volume {volume}");
    tell(cx, claim, by, EventType::Normal, "ProvisioningSucceeded", &text);
    Ok(())
}

fn sync_volume(volume: &PersistentVolume, cx: &mut Ctx<'_>) -> Result<(), Status> {
    let name = name_of(&volume.metadata);
    let holder = claim_ref(volume).filter(|r| r.uid.as_deref().is_some_and(|uid| !uid.is_empty()));
    let claim = holder.and_then(|r| {
        let (namespace, name) = (r.namespace.as_deref()?, r.name.as_deref()?);
        cx.api.get::<PersistentVolumeClaim>(namespace, name).filter(|c| r.uid.as_deref() == Some(uid_of(&c.metadata)))
    });
    if volume.metadata.deletion_timestamp.is_some() {
        if claim.is_none() && has_finalizer(&volume.metadata, VOLUME_PROTECTION) {
            cx.api.modify::<PersistentVolume>("", name, Door::Main, &cx.writer, |v| {
                drop_finalizer(&mut v.metadata, VOLUME_PROTECTION);
            })?;
        }
        return Ok(());
    }
    match (holder, claim) {
        (None, _) => set_phase(name, "Available", cx),
        // The claim's own look ties it.
        (Some(_), Some(_)) => Ok(()),
        (Some(_), None) => {
            set_phase(name, "Released", cx)?;
            let policy = volume.spec.as_ref().and_then(|s| s.persistent_volume_reclaim_policy.as_deref());
            if policy == Some("Delete") {
                cx.api.delete::<PersistentVolume>("", name, &DeleteOptions::default(), &cx.writer)?;
            }
            Ok(())
        }
    }
}
