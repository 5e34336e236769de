//! StatefulSets: pods with a name, a place and claims of their own, one after the other.
//!
//! Models: `pkg/controller/statefulset`. Pods of foreign hands are not adopted: their names are taken, that is all.

use super::history::{HASH, History};
use super::meta::{
    controller_of, controller_ref, is_ready, is_terminal, name_of, namespace_of, phase_of, ready_since, uid_of,
};
use super::{Action, Controller, Informer, Key, Seen};
use crate::cluster::Ctx;
use crate::recorder::{EventType, Source, reference};
use apimachinery::status::Status;
use apimachinery::time::{Duration, Time};
use apiserver::server::Door;
use apiserver::{Change, DeleteOptions, KindId, Verb};
use k8s_openapi::api::apps::v1::{StatefulSet, StatefulSetSpec, StatefulSetStatus};
use k8s_openapi::api::core::v1::{
    PersistentVolumeClaim, PersistentVolumeClaimVolumeSource, Pod, PodTemplateSpec, Volume,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};
use std::collections::BTreeMap;
use std::sync::Arc;

pub struct StatefulSets;

const NAME: &str = "statefulset-controller";
const SOURCE: Source<'static> = Source { component: NAME, host: "" };
const POD_NAME: &str = "statefulset.kubernetes.io/pod-name";
const POD_INDEX: &str = "apps.kubernetes.io/pod-index";

impl Controller for StatefulSets {
    fn name(&self) -> &'static str {
        NAME
    }

    fn observe(&self, change: &Change, _seen: &Seen<'_>, enqueue: &mut dyn FnMut(Key)) {
        let m = change.object.meta();
        match change.kind {
            KindId::STATEFUL_SET if change.verb != Verb::Deleted => enqueue(Key::new(namespace_of(m), name_of(m))),
            KindId::POD => {
                if let Some(owner) = controller_of(m).filter(|r| r.kind == "StatefulSet") {
                    enqueue(Key::new(namespace_of(m), &owner.name));
                }
            }
            _ => {}
        }
    }

    fn reconcile(&self, key: &Key, cx: &mut Ctx<'_>, _informer: &mut Informer) -> Result<Action, Status> {
        let Some(set) = cx.api.get::<StatefulSet>(&key.namespace, &key.name) else { return Ok(Action::Done) };
        let Some(spec) = set.spec.clone() else { return Ok(Action::Done) };
        if set.metadata.deletion_timestamp.is_some() {
            return Ok(Action::Done);
        }
        let history = History::sync(&*set, &spec.template, "controller.kubernetes.io/hash", cx)?;
        let mut sync = Sync { cx, set, spec, history, pods: BTreeMap::new(), current: String::new(), wait: None };
        let known = sync.set.status.as_ref().and_then(|s| s.current_revision.clone());
        sync.current = known.filter(|r| !r.is_empty()).unwrap_or_else(|| sync.history.newest().to_owned());
        sync.read_pods();
        let acted = sync.act();
        sync.read_pods();
        sync.write_status()?;
        acted?;
        let used: Vec<String> = sync.pods.values().map(|p| revision_of(p).to_owned()).collect();
        let current = sync.current.clone();
        let limit = sync.spec.revision_history_limit;
        sync.history.truncate(limit, &|name| name == current || used.iter().any(|u| u == name), sync.cx)?;
        Ok(sync.wait.map_or(Action::Done, |wait| Action::RequeueAfter(wait, true)))
    }
}

/// The number at the end of a pod's name.
fn ordinal_of(pod: &Pod, set: &str) -> Option<i32> {
    name_of(&pod.metadata).strip_prefix(set)?.strip_prefix('-')?.parse().ok()
}

fn revision_of(pod: &Pod) -> &str {
    pod.metadata.labels.as_ref().and_then(|l| l.get(HASH)).map(String::as_str).unwrap_or_default()
}

fn is_going(pod: &Pod) -> bool {
    pod.metadata.deletion_timestamp.is_some()
}

fn runs_ready(pod: &Pod) -> bool {
    phase_of(pod) == "Running" && is_ready(pod)
}

fn is_healthy(pod: &Pod) -> bool {
    runs_ready(pod) && !is_going(pod)
}

struct Sync<'a, 'c> {
    cx: &'a mut Ctx<'c>,
    set: Arc<StatefulSet>,
    spec: StatefulSetSpec,
    history: History,
    pods: BTreeMap<i32, Pod>,
    /// Name of the revision that is being left.
    current: String,
    wait: Option<Duration>,
}

impl Sync<'_, '_> {
    fn name(&self) -> &str {
        name_of(&self.set.metadata)
    }

    fn namespace(&self) -> &str {
        namespace_of(&self.set.metadata)
    }

    fn read_pods(&mut self) {
        let owned = self.cx.api.owned::<Pod>(uid_of(&self.set.metadata));
        self.pods = owned.filter_map(|p| Some((ordinal_of(p, self.name())?, p.clone()))).collect();
    }

    fn start(&self) -> i32 {
        self.spec.ordinals.as_ref().and_then(|o| o.start).unwrap_or(0)
    }

    fn wanted(&self) -> std::ops::Range<i32> {
        self.start()..self.start() + self.spec.replicas.unwrap_or(1)
    }

    fn partition(&self) -> i32 {
        let rolling = self.spec.update_strategy.as_ref().and_then(|s| s.rolling_update.as_ref());
        rolling.and_then(|r| r.partition).unwrap_or(0)
    }

    fn is_rolling(&self) -> bool {
        self.spec.update_strategy.as_ref().and_then(|s| s.type_.as_deref()) != Some("OnDelete")
    }

    /// One step, or with the parallel policy every step that does not wait for another.
    fn act(&mut self) -> Result<(), Status> {
        let ordered = self.spec.pod_management_policy.as_deref() != Some("Parallel");
        for ordinal in self.wanted() {
            let done = match self.pods.get(&ordinal).cloned() {
                None => {
                    self.create(ordinal)?;
                    false
                }
                Some(pod) if is_terminal(&pod) && !is_going(&pod) => {
                    self.recreate(&pod)?;
                    false
                }
                Some(pod) => is_healthy(&pod) && self.is_available(&pod),
            };
            if !done && ordered {
                return Ok(());
            }
        }
        let wanted = self.wanted();
        let condemned: Vec<i32> = self.pods.keys().rev().filter(|o| !wanted.contains(o)).copied().collect();
        let unhealthy = condemned.iter().rev().find(|o| !is_healthy(&self.pods[*o])).copied();
        for ordinal in condemned {
            let pod = self.pods[&ordinal].clone();
            let waits = is_going(&pod) || !runs_ready(&pod) && unhealthy != Some(ordinal);
            if waits && ordered {
                return Ok(());
            }
            if !is_going(&pod) {
                self.give_claims_to(&pod, ordinal)?;
                self.delete(&pod)?;
                if ordered {
                    return Ok(());
                }
            }
        }
        self.roll()
    }

    /// Replaces pods of old revisions, the last first.
    fn roll(&mut self) -> Result<(), Status> {
        if !self.is_rolling() {
            return Ok(());
        }
        let newest = self.history.newest().to_owned();
        let first = self.start() + self.partition();
        for ordinal in self.wanted().rev().filter(|o| *o >= first) {
            let Some(pod) = self.pods.get(&ordinal).cloned() else { return Ok(()) };
            if revision_of(&pod) != newest && !is_going(&pod) {
                return self.delete(&pod);
            }
            if !is_healthy(&pod) || !self.is_available(&pod) {
                return Ok(());
            }
        }
        Ok(())
    }

    fn is_available(&mut self, pod: &Pod) -> bool {
        let min_ready = i64::from(self.spec.min_ready_seconds.unwrap_or(0));
        let Some(since) = ready_since(pod) else { return false };
        let now = self.cx.api.now;
        if min_ready == 0 || since + min_ready <= now.secs() {
            return true;
        }
        self.wait = Some(Time::from_secs(since + min_ready).since(now));
        false
    }

    fn tell(&mut self, kind: EventType, reason: &str, message: &str) {
        let regarding = reference(self.cx.api, &*self.set);
        self.cx.recorder.event(self.cx.api, &self.cx.writer, SOURCE, regarding, kind, reason, message);
    }

    fn create(&mut self, ordinal: i32) -> Result<(), Status> {
        let newest = self.history.newest().to_owned();
        let stays = self.is_rolling() && self.current != newest && ordinal < self.start() + self.partition();
        let revision = if stays { self.current.clone() } else { newest };
        let template = self.history.template(&revision).unwrap_or_else(|| self.spec.template.clone());
        self.create_claims(ordinal)?;
        let set = self.name().to_owned();
        let pod = self.pod(ordinal, &revision, template);
        let name = name_of(&pod.metadata).to_owned();
        match self.cx.api.create(pod, &self.cx.writer) {
            Ok(_) => {
                let message = format!("Create Pod {name} in StatefulSet {set} successful");
                self.tell(EventType::Normal, "SuccessfulCreate", &message);
                Ok(())
            }
            Err(status) if super::replicaset::namespace_terminates(&status) => Ok(()),
            Err(status) => {
                let message = format!("create Pod {name} in StatefulSet {set} failed error: {}", status.message);
                self.tell(EventType::Warning, "FailedCreate", &message);
                Err(status)
            }
        }
    }

    fn pod(&self, ordinal: i32, revision: &str, template: PodTemplateSpec) -> Pod {
        let m = template.metadata.unwrap_or_default();
        let name = format!("{}-{ordinal}", self.name());
        let mut labels = m.labels.unwrap_or_default();
        labels.insert(HASH.into(), revision.to_owned());
        labels.insert(POD_NAME.into(), name.clone());
        labels.insert(POD_INDEX.into(), ordinal.to_string());
        let mut spec = template.spec.unwrap_or_default();
        spec.hostname = Some(name.clone());
        spec.subdomain = self.spec.service_name.clone().filter(|s| !s.is_empty());
        for claim in self.claims(ordinal) {
            let volume = Volume {
                name: claim.0.clone(),
                persistent_volume_claim: Some(PersistentVolumeClaimVolumeSource {
                    claim_name: name_of(&claim.1.metadata).to_owned(),
                    read_only: None,
                }),
                ..Volume::default()
            };
            let volumes = spec.volumes.get_or_insert_default();
            volumes.retain(|v| v.name != volume.name);
            volumes.push(volume);
        }
        Pod {
            metadata: ObjectMeta {
                name: Some(name),
                generate_name: Some(format!("{}-", self.name())),
                namespace: self.set.metadata.namespace.clone(),
                labels: Some(labels),
                annotations: m.annotations,
                finalizers: m.finalizers,
                owner_references: Some(vec![controller_ref(&*self.set)]),
                ..ObjectMeta::default()
            },
            spec: Some(spec),
            status: None,
        }
    }

    /// The claims of one pod, each with the name of its volume.
    fn claims(&self, ordinal: i32) -> Vec<(String, PersistentVolumeClaim)> {
        let templates = self.spec.volume_claim_templates.iter().flatten();
        let keep = |deleted: bool| {
            let policy = self.spec.persistent_volume_claim_retention_policy.as_ref();
            let of = policy.and_then(|p| if deleted { p.when_deleted.clone() } else { p.when_scaled.clone() });
            of.as_deref() != Some("Delete")
        };
        templates
            .map(|t| {
                let volume = name_of(&t.metadata).to_owned();
                let mut labels = t.metadata.labels.clone().unwrap_or_default();
                labels.extend(self.spec.selector.match_labels.clone().unwrap_or_default());
                let owner = (!keep(true)).then(|| vec![controller_ref(&*self.set)]);
                let claim = PersistentVolumeClaim {
                    metadata: ObjectMeta {
                        name: Some(format!("{volume}-{}-{ordinal}", self.name())),
                        namespace: self.set.metadata.namespace.clone(),
                        labels: Some(labels),
                        annotations: t.metadata.annotations.clone(),
                        owner_references: owner,
                        ..ObjectMeta::default()
                    },
                    spec: t.spec.clone(),
                    status: None,
                };
                (volume, claim)
            })
            .collect()
    }

    fn create_claims(&mut self, ordinal: i32) -> Result<(), Status> {
        let (set, namespace) = (self.name().to_owned(), self.namespace().to_owned());
        for (_, claim) in self.claims(ordinal) {
            let name = name_of(&claim.metadata).to_owned();
            if self.cx.api.get::<PersistentVolumeClaim>(&namespace, &name).is_some() {
                continue;
            }
            let pod = format!("{set}-{ordinal}");
            match self.cx.api.create(claim, &self.cx.writer) {
                Ok(_) => {
                    let message = format!("Create Claim {name} Pod {pod} in StatefulSet {set} success");
                    self.tell(EventType::Normal, "SuccessfulCreate", &message);
                }
                Err(status) => {
                    let why = &status.message;
                    let message = format!("create Claim {name} for Pod {pod} in StatefulSet {set} failed error: {why}");
                    self.tell(EventType::Warning, "FailedCreate", &message);
                    return Err(status);
                }
            }
        }
        Ok(())
    }

    /// Claims that are not to outlive a scale-down go with their pod.
    fn give_claims_to(&mut self, pod: &Pod, ordinal: i32) -> Result<(), Status> {
        let policy = self.spec.persistent_volume_claim_retention_policy.as_ref();
        if policy.and_then(|p| p.when_scaled.as_deref()) != Some("Delete") {
            return Ok(());
        }
        let owner = OwnerReference { controller: Some(true), block_owner_deletion: None, ..controller_ref(pod) };
        for (_, claim) in self.claims(ordinal) {
            let name = name_of(&claim.metadata);
            if self.cx.api.get::<PersistentVolumeClaim>(self.namespace(), name).is_none() {
                continue;
            }
            let (namespace, owner) = (self.namespace().to_owned(), owner.clone());
            self.cx.api.modify::<PersistentVolumeClaim>(&namespace, name, Door::Main, &self.cx.writer, |c| {
                let owners = c.metadata.owner_references.get_or_insert_default();
                owners.retain(|r| r.controller != Some(true));
                owners.push(owner);
            })?;
        }
        Ok(())
    }

    fn recreate(&mut self, pod: &Pod) -> Result<(), Status> {
        let failed = phase_of(pod) == "Failed";
        let (kind, reason, word) = if failed {
            (EventType::Warning, "RecreatingFailedPod", "failed")
        } else {
            (EventType::Normal, "RecreatingTerminatedPod", "terminated")
        };
        let (namespace, set) = (self.namespace(), self.name());
        let message = format!("StatefulSet {namespace}/{set} is recreating {word} Pod {}", name_of(&pod.metadata));
        self.tell(kind, reason, &message);
        self.delete(pod)
    }

    fn delete(&mut self, pod: &Pod) -> Result<(), Status> {
        let (namespace, set) = (self.namespace().to_owned(), self.name().to_owned());
        let name = name_of(&pod.metadata);
        match self.cx.api.delete::<Pod>(&namespace, name, &DeleteOptions::default(), &self.cx.writer) {
            Ok(_) => {
                let message = format!("Delete Pod {name} in StatefulSet {set} successful");
                self.tell(EventType::Normal, "SuccessfulDelete", &message);
                Ok(())
            }
            Err(status) if status.is_not_found() => Ok(()),
            Err(status) => Err(status),
        }
    }

    fn write_status(&mut self) -> Result<(), Status> {
        let newest = self.history.newest().to_owned();
        let pods: Vec<Pod> = self.pods.values().cloned().collect();
        let count = |n: usize| i32::try_from(n).unwrap_or(i32::MAX);
        let of = |revision: &str| count(pods.iter().filter(|p| !is_going(p) && revision_of(p) == revision).count());
        let replicas = count(pods.len());
        let ready = count(pods.iter().filter(|p| runs_ready(p)).count());
        let available = count(pods.iter().filter(|p| runs_ready(p) && self.is_available(p)).count());
        let updated = of(&newest);
        if self.is_rolling() && updated == replicas && ready == replicas && replicas == self.spec.replicas.unwrap_or(1)
        {
            self.current.clone_from(&newest);
        }
        let some = |n: i32| (n != 0).then_some(n);
        let old = self.set.status.clone().unwrap_or_default();
        let status = StatefulSetStatus {
            replicas,
            ready_replicas: some(ready),
            available_replicas: Some(available),
            current_replicas: some(of(&self.current)),
            updated_replicas: some(updated),
            current_revision: Some(self.current.clone()),
            update_revision: Some(newest),
            observed_generation: self.set.metadata.generation,
            collision_count: Some(old.collision_count.unwrap_or(0)),
            conditions: old.conditions,
        };
        if self.set.status.as_ref() != Some(&status) {
            let (namespace, name) = (self.namespace().to_owned(), self.name().to_owned());
            self.cx.api.modify::<StatefulSet>(&namespace, &name, Door::Status, &self.cx.writer, |s| {
                s.status = Some(status);
            })?;
        }
        Ok(())
    }
}
