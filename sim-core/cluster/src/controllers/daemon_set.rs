//! DaemonSets: one pod on every node that will have it.
//!
//! Models: `pkg/controller/daemon`. Surge during updates is not modelled: old pods go before new ones come.

use super::history::{HASH, History};
use super::meta::{
    annotation, controller_of, controller_ref, is_ready, is_terminal, name_of, namespace_of, node_of, phase_of,
    ready_since, uid_of,
};
use super::{Action, Controller, Informer, Key, Seen};
use crate::cluster::Ctx;
use crate::recorder::{EventType, Source, reference};
use crate::scheduler::labels_allow;
use crate::taints::{NO_EXECUTE, tolerates};
use apimachinery::order::Order as _;
use apimachinery::status::Status;
use apiserver::object::view;
use apiserver::server::Door;
use apiserver::{Change, DeleteOptions, KindId, Verb};
use k8s_openapi::api::apps::v1::{DaemonSet, DaemonSetSpec, DaemonSetStatus};
use k8s_openapi::api::core::v1::{
    Node, NodeSelector, NodeSelectorRequirement, NodeSelectorTerm, Pod, PodSpec, Taint, Toleration,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use std::collections::BTreeMap;
use std::sync::Arc;

pub struct DaemonSets;

const NAME: &str = "daemonset-controller";
const SOURCE: Source<'static> = Source { component: NAME, host: "" };
const GENERATION: &str = "deprecated.daemonset.template.generation";

impl Controller for DaemonSets {
    fn name(&self) -> &'static str {
        NAME
    }

    fn observe(&self, change: &Change, seen: &Seen<'_>, enqueue: &mut dyn FnMut(Key)) {
        let m = change.object.meta();
        match change.kind {
            KindId::DAEMON_SET if change.verb != Verb::Deleted => enqueue(Key::new(namespace_of(m), name_of(m))),
            KindId::POD => {
                if let Some(owner) = controller_of(m).filter(|r| r.kind == "DaemonSet") {
                    enqueue(Key::new(namespace_of(m), &owner.name));
                }
            }
            KindId::NODE => {
                let what = |n: &Node| (n.metadata.labels.clone(), n.spec.as_ref().and_then(|s| s.taints.clone()));
                let old = change.old.as_deref().and_then(view::<Node>).map(what);
                let new = view::<Node>(&*change.object).map(what);
                if change.verb != Verb::Modified || old != new {
                    for set in seen.api.list::<DaemonSet>(None) {
                        enqueue(Key::new(namespace_of(&set.metadata), name_of(&set.metadata)));
                    }
                }
            }
            _ => {}
        }
    }

    fn reconcile(&self, key: &Key, cx: &mut Ctx<'_>, _informer: &mut Informer) -> Result<Action, Status> {
        let Some(set) = cx.api.get::<DaemonSet>(&key.namespace, &key.name) else { return Ok(Action::Done) };
        let Some(spec) = set.spec.clone() else { return Ok(Action::Done) };
        if set.metadata.deletion_timestamp.is_some() {
            return Ok(Action::Done);
        }
        let history = History::sync(&*set, &spec.template, HASH, cx)?;
        let newest = history.0.last().and_then(|r| r.metadata.labels.as_ref()?.get(HASH).cloned());
        let mut sync = Sync { cx, set, spec, hash: newest.unwrap_or_default(), places: BTreeMap::new() };
        sync.look();
        let acted = sync.manage().and_then(|()| sync.roll());
        sync.look();
        let wait = sync.write_status()?;
        acted?;
        let used: Vec<String> = sync.places.values().flat_map(|p| &p.pods).map(|p| hash_of(p).to_owned()).collect();
        let limit = sync.spec.revision_history_limit;
        let in_use = |name: &str| used.iter().any(|hash| name.ends_with(hash.as_str()));
        history.truncate(limit, &in_use, sync.cx)?;
        Ok(wait)
    }
}

fn hash_of(pod: &Pod) -> &str {
    pod.metadata.labels.as_ref().and_then(|l| l.get(HASH)).map(String::as_str).unwrap_or_default()
}

/// What daemons bear by nature: key, effect.
const BORNE: &[(&str, &str)] = &[
    ("node.kubernetes.io/not-ready", "NoExecute"),
    ("node.kubernetes.io/unreachable", "NoExecute"),
    ("node.kubernetes.io/disk-pressure", "NoSchedule"),
    ("node.kubernetes.io/memory-pressure", "NoSchedule"),
    ("node.kubernetes.io/pid-pressure", "NoSchedule"),
    ("node.kubernetes.io/unschedulable", "NoSchedule"),
];

/// A node as the set sees it.
#[derive(Default)]
struct Place {
    should_run: bool,
    should_stay: bool,
    pods: Vec<Pod>,
}

struct Sync<'a, 'c> {
    cx: &'a mut Ctx<'c>,
    set: Arc<DaemonSet>,
    spec: DaemonSetSpec,
    hash: String,
    places: BTreeMap<String, Place>,
}

impl Sync<'_, '_> {
    fn look(&mut self) {
        let pod = self.pod("");
        let spec = pod.spec.clone().unwrap_or_default();
        let wanted = self.spec.template.spec.clone().unwrap_or_default();
        let borne = spec.tolerations.unwrap_or_default();
        let mut places: BTreeMap<String, Place> = BTreeMap::new();
        for node in self.cx.api.list::<Node>(None) {
            let none = BTreeMap::new();
            let name = name_of(&node.metadata);
            let fits = wanted.node_name.as_deref().is_none_or(|n| n.is_empty() || n == name)
                && labels_allow(&wanted, name, node.metadata.labels.as_ref().unwrap_or(&none));
            let taints = node.spec.as_ref().and_then(|s| s.taints.as_deref()).unwrap_or_default();
            let bears = |t: &Taint| borne.iter().any(|b| tolerates(b, t));
            let should_run =
                fits && taints.iter().all(|t| bears(t) || t.effect != NO_EXECUTE && t.effect != "NoSchedule");
            let should_stay = fits && taints.iter().all(|t| bears(t) || t.effect != NO_EXECUTE);
            places.insert(name.to_owned(), Place { should_run, should_stay, pods: Vec::new() });
        }
        for pod in self.cx.api.owned::<Pod>(uid_of(&self.set.metadata)) {
            places.entry(target(pod)).or_default().pods.push(pod.clone());
        }
        self.places = places;
    }

    /// Creates and deletes pods so that every node has what it should have.
    fn manage(&mut self) -> Result<(), Status> {
        let (mut create, mut delete): (Vec<String>, Vec<(String, String)>) = (Vec::new(), Vec::new());
        for (node, place) in &self.places {
            let mut alive: Vec<&Pod> = place.pods.iter().filter(|p| p.metadata.deletion_timestamp.is_none()).collect();
            if !place.should_stay {
                delete.extend(alive.iter().map(|p| (name_of(&p.metadata).to_owned(), String::new())));
                continue;
            }
            let ended: Vec<&Pod> = alive.iter().filter(|p| is_terminal(p)).copied().collect();
            for pod in &ended {
                delete.push((name_of(&pod.metadata).to_owned(), phase_of(pod).to_owned()));
            }
            alive.retain(|p| !is_terminal(p));
            alive.order_by_key(|p| p.metadata.creation_timestamp.clone());
            delete.extend(alive.iter().skip(1).map(|p| (name_of(&p.metadata).to_owned(), String::new())));
            if place.should_run && place.pods.is_empty() {
                create.push(node.clone());
            }
        }
        for node in create {
            self.create(&node)?;
        }
        for (name, phase) in delete {
            let namespace = namespace_of(&self.set.metadata);
            let subject = format!("daemon pod {namespace}/{name}");
            match phase.as_str() {
                "Failed" => {
                    let message = format!("Found failed {subject}, will try to kill it");
                    self.tell(EventType::Warning, "FailedDaemonPod", &message);
                }
                "Succeeded" => {
                    let message = format!("Found succeeded {subject}, will try to delete it");
                    self.tell(EventType::Normal, "SucceededDaemonPod", &message);
                }
                _ => {}
            }
            self.delete(&name)?;
        }
        Ok(())
    }

    /// Deletes pods of old templates, as many as may be missing at a time.
    fn roll(&mut self) -> Result<(), Status> {
        let strategy = self.spec.update_strategy.as_ref();
        if strategy.and_then(|s| s.type_.as_deref()) == Some("OnDelete") {
            return Ok(());
        }
        self.look();
        let wanted = self.places.values().filter(|p| p.should_run).count();
        let limit = self.spec.update_strategy.as_ref().and_then(|s| s.rolling_update.as_ref()?.max_unavailable.clone());
        let limit = match limit {
            Some(IntOrString::Int(n)) => usize::try_from(n).unwrap_or(0),
            Some(IntOrString::String(text)) => {
                let percent: usize = text.trim_end_matches('%').parse().unwrap_or(0);
                (wanted * percent).div_ceil(100)
            }
            None => 1,
        };
        let (mut missing, mut broken, mut sound) = (0, Vec::new(), Vec::new());
        for place in self.places.values().filter(|p| p.should_run) {
            let alive: Vec<&Pod> = place.pods.iter().filter(|p| p.metadata.deletion_timestamp.is_none()).collect();
            let ready = alive.iter().any(|p| is_ready(p));
            let old = alive.iter().find(|p| hash_of(p) != self.hash).map(|p| name_of(&p.metadata).to_owned());
            match old {
                Some(name) if ready => sound.push(name),
                Some(name) => broken.push(name),
                None => {}
            }
            missing += usize::from(!ready);
        }
        let room = limit.max(1).saturating_sub(missing);
        for name in broken.into_iter().chain(sound.into_iter().take(room)) {
            self.delete(&name)?;
        }
        Ok(())
    }

    fn tell(&mut self, kind: EventType, reason: &str, message: &str) {
        let regarding = reference(self.cx.api, &*self.set);
        self.cx.recorder.event(self.cx.api, &self.cx.writer, SOURCE, regarding, kind, reason, message);
    }

    fn create(&mut self, node: &str) -> Result<(), Status> {
        match self.cx.api.create(self.pod(node), &self.cx.writer) {
            Ok(pod) => {
                let message = format!("Created pod: {}", name_of(&pod.metadata));
                self.tell(EventType::Normal, "SuccessfulCreate", &message);
                Ok(())
            }
            Err(status) if super::replicaset::namespace_terminates(&status) => Ok(()),
            Err(status) => {
                self.tell(EventType::Warning, "FailedCreate", &format!("Error creating: {}", status.message));
                Err(status)
            }
        }
    }

    fn delete(&mut self, name: &str) -> Result<(), Status> {
        let namespace = namespace_of(&self.set.metadata).to_owned();
        match self.cx.api.delete::<Pod>(&namespace, name, &DeleteOptions::default(), &self.cx.writer) {
            Ok(_) => {
                self.tell(EventType::Normal, "SuccessfulDelete", &format!("Deleted pod: {name}"));
                Ok(())
            }
            Err(status) if status.is_not_found() => Ok(()),
            Err(status) => Err(status),
        }
    }

    /// A pod for one node: it goes nowhere else, and bears what daemons bear.
    fn pod(&self, node: &str) -> Pod {
        let m = self.spec.template.metadata.clone().unwrap_or_default();
        let mut labels = m.labels.unwrap_or_default();
        labels.insert(HASH.into(), self.hash.clone());
        if let Some(generation) = annotation(&self.set.metadata, GENERATION) {
            labels.insert("pod-template-generation".into(), generation.to_owned());
        }
        let mut spec = self.spec.template.spec.clone().unwrap_or_default();
        pin(&mut spec, node);
        let network = ("node.kubernetes.io/network-unavailable", "NoSchedule");
        let borne = BORNE.iter().chain((spec.host_network == Some(true)).then_some(&network));
        let tolerations = spec.tolerations.get_or_insert_default();
        for (key, effect) in borne {
            let toleration = Toleration {
                key: Some((*key).into()),
                operator: Some("Exists".into()),
                effect: Some((*effect).into()),
                ..Toleration::default()
            };
            if !tolerations.contains(&toleration) {
                tolerations.push(toleration);
            }
        }
        Pod {
            metadata: ObjectMeta {
                generate_name: Some(format!("{}-", name_of(&self.set.metadata))),
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

    fn write_status(&mut self) -> Result<Action, Status> {
        let mut new = DaemonSetStatus {
            observed_generation: self.set.metadata.generation,
            collision_count: self.set.status.as_ref().and_then(|s| s.collision_count),
            conditions: self.set.status.as_ref().and_then(|s| s.conditions.clone()),
            ..DaemonSetStatus::default()
        };
        let min_ready = i64::from(self.spec.min_ready_seconds.unwrap_or(0));
        let now = self.cx.api.now;
        let (mut updated, mut available, mut waits) = (0, 0, false);
        for place in self.places.values() {
            let pods = &place.pods;
            if !place.should_run {
                new.number_misscheduled += i32::from(!pods.is_empty());
                continue;
            }
            new.desired_number_scheduled += 1;
            let Some(pod) = pods.first() else { continue };
            new.current_number_scheduled += 1;
            updated += i32::from(hash_of(pod) == self.hash);
            if let Some(since) = ready_since(pod).filter(|_| is_ready(pod)) {
                new.number_ready += 1;
                let long_enough = since + min_ready <= now.secs() || min_ready == 0;
                available += i32::from(long_enough);
                waits |= !long_enough;
            }
        }
        let some = |n: i32| (n != 0).then_some(n);
        new.updated_number_scheduled = some(updated);
        new.number_available = some(available);
        new.number_unavailable = some(new.desired_number_scheduled - available);
        if self.set.status.as_ref() != Some(&new) {
            let (namespace, name) = (namespace_of(&self.set.metadata), name_of(&self.set.metadata));
            self.cx.api.modify::<DaemonSet>(namespace, name, Door::Status, &self.cx.writer, |s| {
                s.status = Some(new);
            })?;
        }
        Ok(if waits { Action::RequeueAfter(apimachinery::time::Duration::from_secs(1), true) } else { Action::Done })
    }
}

fn by_name(node: &str) -> NodeSelectorRequirement {
    NodeSelectorRequirement { key: "metadata.name".into(), operator: "In".into(), values: Some(vec![node.to_owned()]) }
}

/// Every way in which the template allows a node is narrowed down to this one.
fn pin(spec: &mut PodSpec, node: &str) {
    let affinity = spec.affinity.get_or_insert_default().node_affinity.get_or_insert_default();
    let required = &mut affinity.required_during_scheduling_ignored_during_execution;
    let fields = || Some(vec![by_name(node)]);
    let terms = &mut required.get_or_insert_with(NodeSelector::default).node_selector_terms;
    if terms.is_empty() {
        terms.push(NodeSelectorTerm { match_expressions: None, match_fields: None });
    }
    for term in terms {
        term.match_fields = fields();
    }
}

/// The node that a pod was made for.
fn target(pod: &Pod) -> String {
    if !node_of(pod).is_empty() {
        return node_of(pod).to_owned();
    }
    let affinity = pod.spec.as_ref().and_then(|s| s.affinity.as_ref()?.node_affinity.as_ref());
    let required = affinity.and_then(|a| a.required_during_scheduling_ignored_during_execution.as_ref());
    let mut fields = required
        .into_iter()
        .flat_map(|r| &r.node_selector_terms)
        .flat_map(|t| t.match_fields.iter().flatten())
        .filter(|f| f.key == "metadata.name");
    fields.next().and_then(|f| f.values.as_ref()?.first().cloned()).unwrap_or_default()
}
