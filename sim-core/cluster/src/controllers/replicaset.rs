//! ReplicaSets: as many pods of the template as are wanted, no more, no fewer.
//!
//! Models: `pkg/controller/replicaset`. Counts come from the [`Informer`], so a reconcile costs what it changes, not
//! what there is; only a scale-down looks at every pod, to choose whom to delete.

use super::meta::{
    controller_of, controller_ref, instant, is_active, is_ready, name_of, namespace_of, node_of, phase_of, ready_since,
    stamp, uid_of,
};
use super::{Action, Controller, Informer, Key, Seen, selector};
use crate::cluster::Ctx;
use crate::controllers::informer::Share;
use crate::recorder::{EventType, Source, reference};
use apimachinery::labels::Selector;
use apimachinery::order::Order as _;
use apimachinery::status::Status;
use apimachinery::time::Time;
use apiserver::object::view;
use apiserver::server::Door;
use apiserver::{ApiServer, Change, DeleteOptions, KindId, Verb};
use k8s_openapi::api::apps::v1::{ReplicaSet, ReplicaSetCondition, ReplicaSetStatus};
use k8s_openapi::api::core::v1::{ObjectReference, Pod, PodTemplateSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};
use std::cmp::{Ordering, Reverse};
use std::collections::BTreeMap;
use std::sync::Arc;

pub struct ReplicaSets;

pub const NAME: &str = "replicaset-controller";
const SOURCE: Source<'static> = Source { component: NAME, host: "" };

/// Pods that one reconcile creates or deletes at most.
const BURST_REPLICAS: usize = 500;

impl Controller for ReplicaSets {
    fn name(&self) -> &'static str {
        NAME
    }

    fn observe(&self, change: &Change, seen: &Seen<'_>, enqueue: &mut dyn FnMut(Key)) {
        match change.kind {
            KindId::REPLICA_SET if change.verb != Verb::Deleted => {
                let m = change.object.meta();
                enqueue(Key::new(namespace_of(m), name_of(m)));
            }
            KindId::POD => {
                let Some(pod) = view::<Pod>(&*change.object) else { return };
                let old = change.old.as_deref().and_then(view::<Pod>);
                pod_changed(pod, old.filter(|_| change.verb != Verb::Added), change.verb, seen, enqueue);
            }
            _ => {}
        }
    }

    fn reconcile(&self, key: &Key, cx: &mut Ctx<'_>, informer: &mut Informer) -> Result<Action, Status> {
        let Some(set) = cx.api.get::<ReplicaSet>(&key.namespace, &key.name) else { return Ok(Action::Done) };
        let Some(spec) = set.spec.as_ref() else { return Ok(Action::Done) };
        let deleting = set.metadata.deletion_timestamp.is_some();
        let chosen = selector(&spec.selector);
        if !deleting && claim(&set, &chosen, cx, informer)? {
            // What was adopted or released comes back through the log, counted.
            return Ok(Action::Done);
        }
        let unlike = unlike_template(&set, cx.api, informer);
        let none = super::informer::Owned::default();
        let owned = informer.owned(uid_of(&set.metadata)).unwrap_or(&none);
        let now = cx.api.now;
        let min_ready = spec.min_ready_seconds.unwrap_or(0);
        let counts = Counts {
            active: owned.active,
            labeled: owned.active - unlike,
            ready: owned.ready,
            available: owned.available(min_ready, now),
            terminating: owned.terminating,
        };
        let next = (min_ready > 0 && counts.ready != counts.available).then(|| owned.next_available(min_ready, now));
        let managed = if deleting { Ok(()) } else { manage(&set, counts.active, cx) };
        let status = new_status(&set, counts, managed.as_ref().err(), now);
        if set.status.as_ref() != Some(&status) {
            cx.api.modify::<ReplicaSet>(&key.namespace, &key.name, Door::Status, &cx.writer, |s| {
                s.status = Some(status);
            })?;
        }
        managed?;
        Ok(match next.flatten() {
            Some(wait) => Action::RequeueAfter(wait, true),
            None => Action::Done,
        })
    }
}

fn pod_changed(pod: &Pod, old: Option<&Pod>, verb: Verb, seen: &Seen<'_>, enqueue: &mut dyn FnMut(Key)) {
    let m = &pod.metadata;
    let namespace = namespace_of(m);
    let owner = controller_of(m).filter(|r| r.kind == "ReplicaSet");
    let relabelled = old.is_none_or(|o| o.metadata.labels != m.labels);
    let reowned = old.is_none_or(|o| o.metadata.owner_references != m.owner_references);
    // A change that moves no count and no label cannot concern its set.
    let counted = verb == Verb::Deleted || relabelled || reowned || old.map(Share::of) != Some(Share::of(pod));
    if let Some(owner) = owner.filter(|_| counted) {
        enqueue(Key::new(namespace, &owner.name));
    }
    if let Some(before) = old.and_then(|o| controller_of(&o.metadata)).filter(|r| reowned && r.kind == "ReplicaSet") {
        enqueue(Key::new(namespace, &before.name));
    }
    if controller_of(m).is_none() && verb != Verb::Deleted && (relabelled || reowned) {
        seen.informer.replica_sets.matching(namespace, m.labels.as_ref(), |name| enqueue(Key::new(namespace, name)));
    }
}

/// Adopts matching pods that nobody controls, lets go of own pods that match no more; true if there were any.
fn claim(set: &ReplicaSet, chosen: &Selector, cx: &mut Ctx<'_>, informer: &Informer) -> Result<bool, Status> {
    let namespace = namespace_of(&set.metadata);
    let uid = uid_of(&set.metadata);
    let matching = |name: &&Arc<str>| {
        let pod = cx.api.storage.get(KindId::POD, namespace, name).and_then(|o| view::<Pod>(&**o));
        pod.is_some_and(|p| is_active(p) && chosen.matches(&p.metadata.labels))
    };
    let orphans: Vec<_> = informer.orphan_pods(namespace).filter(matching).cloned().collect();
    let suspects = informer.owned(uid).map(|o| &o.suspects);
    let lost: Vec<_> = suspects.into_iter().flatten().filter(|name| !matching(name)).cloned().collect();
    let mut any = false;
    for name in &orphans {
        let owner = controller_ref(set);
        cx.api.modify::<Pod>(namespace, name, Door::Part, &cx.writer, |pod| {
            pod.metadata.owner_references.get_or_insert_with(Vec::new).push(owner);
        })?;
        any = true;
    }
    for name in &lost {
        let deleting = cx.api.get::<Pod>(namespace, name).is_none_or(|p| !is_active(&p));
        if deleting {
            continue;
        }
        cx.api.modify::<Pod>(namespace, name, Door::Part, &cx.writer, |pod| {
            let owners: &mut Option<Vec<OwnerReference>> = &mut pod.metadata.owner_references;
            if let Some(list) = owners {
                list.retain(|r| r.uid != uid);
            }
            if owners.as_ref().is_some_and(Vec::is_empty) {
                *owners = None;
            }
        })?;
        any = true;
    }
    Ok(any)
}

/// How many active pods lack labels of the template. Suspects that have them all are suspects no more.
fn unlike_template(set: &ReplicaSet, api: &ApiServer, informer: &mut Informer) -> i32 {
    let uid = uid_of(&set.metadata);
    let suspects: Vec<_> = informer.owned(uid).map(|o| o.suspects.iter().cloned().collect()).unwrap_or_default();
    let mut unlike = 0;
    for name in suspects {
        let Some(pod) = api.get::<Pod>(namespace_of(&set.metadata), &name) else { continue };
        let wanted = template(set).and_then(|t| t.metadata.as_ref()?.labels.as_ref());
        let labels = pod.metadata.labels.as_ref();
        let like = wanted.into_iter().flatten().all(|(k, v)| labels.and_then(|l| l.get(k)) == Some(v));
        if like {
            informer.clear_suspect(uid, &name);
        } else {
            unlike += i32::from(is_active(&pod));
        }
    }
    unlike
}

fn template(set: &ReplicaSet) -> Option<&PodTemplateSpec> {
    set.spec.as_ref()?.template.as_ref()
}

/// Creates what is missing or deletes what is too much, a burst at a time.
fn manage(set: &ReplicaSet, active: i32, cx: &mut Ctx<'_>) -> Result<(), Status> {
    let wanted = set.spec.as_ref().and_then(|s| s.replicas).unwrap_or(1);
    let missing = usize::try_from(wanted - active).unwrap_or(0);
    let surplus = usize::try_from(active - wanted).unwrap_or(0);
    if missing > 0 {
        create_pods(set, missing.min(BURST_REPLICAS), cx)
    } else if surplus > 0 {
        delete_pods(set, surplus.min(BURST_REPLICAS), cx)
    } else {
        Ok(())
    }
}

fn create_pods(set: &ReplicaSet, count: usize, cx: &mut Ctx<'_>) -> Result<(), Status> {
    let Some(template) = template(set) else { return Ok(()) };
    let regarding = reference(cx.api, set);
    let pod = pod_from_template(set, template);
    for _ in 0..count {
        match cx.api.create(pod.clone(), &cx.writer) {
            Ok(pod) => {
                let message = format!("Created pod: {}", name_of(&pod.metadata));
                tell(cx, &regarding, EventType::Normal, "SuccessfulCreate", &message);
            }
            // Every creation in a namespace that is going away will fail; its deletion ends this set too.
            Err(status) if namespace_terminates(&status) => return Ok(()),
            Err(status) => {
                let message = format!("Error creating: {}", status.message);
                tell(cx, &regarding, EventType::Warning, "FailedCreate", &message);
                return Err(status);
            }
        }
    }
    Ok(())
}

pub(super) fn namespace_terminates(status: &Status) -> bool {
    status.details.as_ref().is_some_and(|d| d.causes.iter().any(|c| c.reason == "NamespaceTerminating"))
}

fn delete_pods(set: &ReplicaSet, count: usize, cx: &mut Ctx<'_>) -> Result<(), Status> {
    let namespace = namespace_of(&set.metadata);
    let victims = victims(set, count, cx.api);
    let regarding = reference(cx.api, set);
    for name in victims {
        match cx.api.delete::<Pod>(namespace, &name, &DeleteOptions::default(), &cx.writer) {
            Ok(_) => tell(cx, &regarding, EventType::Normal, "SuccessfulDelete", &format!("Deleted pod: {name}")),
            Err(status) if status.is_not_found() => {}
            Err(status) => {
                let message = format!("Error deleting: {}", status.message);
                tell(cx, &regarding, EventType::Warning, "FailedDelete", &message);
                let message = format!("unable to delete pods: {}", status.message);
                return Err(status.with_message(message));
            }
        }
    }
    Ok(())
}

fn tell(cx: &mut Ctx<'_>, regarding: &ObjectReference, kind: EventType, reason: &str, message: &str) {
    cx.recorder.event(cx.api, &cx.writer, SOURCE, regarding.clone(), kind, reason, message);
}

fn pod_from_template(set: &ReplicaSet, template: &PodTemplateSpec) -> Pod {
    let m = template.metadata.clone().unwrap_or_default();
    Pod {
        metadata: ObjectMeta {
            generate_name: Some(format!("{}-", name_of(&set.metadata))),
            namespace: set.metadata.namespace.clone(),
            labels: m.labels,
            annotations: m.annotations,
            finalizers: m.finalizers,
            owner_references: Some(vec![controller_ref(set)]),
            ..ObjectMeta::default()
        },
        spec: template.spec.clone(),
        status: None,
    }
}

/// Names of the pods to delete: those whose loss costs least.
fn victims(set: &ReplicaSet, count: usize, api: &ApiServer) -> Vec<String> {
    let mut pods: Vec<&Pod> = api.owned::<Pod>(uid_of(&set.metadata)).filter(|p| is_active(p)).collect();
    if count < pods.len() {
        let crowd = crowding(set, api);
        let now = api.now;
        let mut ranked: Vec<(Cost, &Pod)> = pods.into_iter().map(|p| (Cost::of(p, &crowd, now), p)).collect();
        ranked.select_nth_unstable_by(count, |a, b| a.0.cmp(&b.0).then_with(|| tie(a.1, b.1)));
        ranked.truncate(count);
        ranked.order_by(|a, b| a.0.cmp(&b.0).then_with(|| tie(a.1, b.1)));
        pods = ranked.into_iter().map(|(_, p)| p).collect();
    }
    pods.iter().map(|p| name_of(&p.metadata).to_owned()).collect()
}

fn tie(a: &Pod, b: &Pod) -> Ordering {
    uid_of(&a.metadata).cmp(uid_of(&b.metadata))
}

/// What decides who goes first: the smallest.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Cost {
    assigned: bool,
    phase: u8,
    ready: bool,
    deletion_cost: i32,
    /// More active pods of the same family on the node: rather this one.
    crowded: Reverse<usize>,
    ready_for_log2: i64,
    restarts: Reverse<i32>,
    age_log2: i64,
}

impl Cost {
    fn of(pod: &Pod, crowd: &BTreeMap<String, usize>, now: Time) -> Self {
        let cost = super::meta::annotation(&pod.metadata, "controller.kubernetes.io/pod-deletion-cost");
        let statuses = pod.status.as_ref().and_then(|s| s.container_statuses.as_ref());
        let restarts = statuses.into_iter().flatten().map(|c| c.restart_count).max().unwrap_or(0);
        let created = pod.metadata.creation_timestamp.as_ref().map(|t| instant(t).secs());
        Self {
            assigned: !node_of(pod).is_empty(),
            phase: match phase_of(pod) {
                "Pending" => 0,
                "Unknown" => 1,
                _ => 2,
            },
            ready: is_ready(pod),
            deletion_cost: cost.and_then(|c| c.parse().ok()).unwrap_or(0),
            crowded: Reverse(crowd.get(node_of(pod)).copied().unwrap_or(0)),
            ready_for_log2: ready_since(pod).map_or(0, |t| log2(now, t)),
            restarts: Reverse(restarts),
            age_log2: created.map_or(0, |t| log2(now, t)),
        }
    }
}

/// Ages are compared by magnitude only, so that no pod is always the one to go.
fn log2(now: Time, second: i64) -> i64 {
    let nanos = now.since(Time::from_secs(second)).as_nanos();
    i64::from(nanos.checked_ilog2().unwrap_or(0))
}

/// Active pods per node, of every ReplicaSet that has the same controller as this one.
fn crowding(set: &ReplicaSet, api: &ApiServer) -> BTreeMap<String, usize> {
    let mut family = vec![uid_of(&set.metadata).to_owned()];
    if let Some(owner) = controller_of(&set.metadata) {
        let related = api.owned::<ReplicaSet>(&owner.uid).map(|r| uid_of(&r.metadata).to_owned());
        family.extend(related.filter(|uid| uid != uid_of(&set.metadata)));
    }
    let mut crowd = BTreeMap::new();
    for uid in &family {
        for pod in api.owned::<Pod>(uid).filter(|p| is_active(p)) {
            match crowd.get_mut(node_of(pod)) {
                Some(n) => *n += 1,
                None => {
                    crowd.insert(node_of(pod).to_owned(), 1);
                }
            }
        }
    }
    crowd
}

struct Counts {
    active: i32,
    labeled: i32,
    ready: i32,
    available: i32,
    terminating: i32,
}

fn new_status(set: &ReplicaSet, counts: Counts, failure: Option<&Status>, now: Time) -> ReplicaSetStatus {
    let old = set.status.as_ref();
    let wanted = set.spec.as_ref().and_then(|s| s.replicas).unwrap_or(1);
    let mut conditions = old.and_then(|s| s.conditions.clone()).unwrap_or_default();
    let known = conditions.iter().any(|c| c.type_ == "ReplicaFailure");
    match failure {
        Some(status) if !known => conditions.push(ReplicaSetCondition {
            type_: "ReplicaFailure".into(),
            status: "True".into(),
            reason: Some(if counts.active < wanted { "FailedCreate".into() } else { "FailedDelete".into() }),
            message: Some(status.message.clone()),
            last_transition_time: Some(stamp(now)),
        }),
        None => conditions.retain(|c| c.type_ != "ReplicaFailure"),
        Some(_) => {}
    }
    let some = |n: i32| (n != 0).then_some(n);
    ReplicaSetStatus {
        replicas: counts.active,
        fully_labeled_replicas: some(counts.labeled),
        ready_replicas: some(counts.ready),
        available_replicas: some(counts.available),
        terminating_replicas: Some(counts.terminating),
        observed_generation: set.metadata.generation,
        conditions: (!conditions.is_empty()).then_some(conditions),
    }
}
