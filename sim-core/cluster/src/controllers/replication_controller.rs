//! ReplicationControllers: what ReplicaSets replaced.
//!
//! Models: `pkg/controller/replication`. It looks at all of its pods each time, which suits its few users.

use super::meta::{
    controller_of, controller_ref, is_active, is_ready, name_of, namespace_of, node_of, ready_since, uid_of,
};
use super::{Action, Controller, Informer, Key, Seen};
use crate::cluster::Ctx;
use crate::recorder::{EventType, Source, reference};
use apimachinery::labels::Selector;
use apimachinery::order::Order as _;
use apimachinery::status::Status;
use apimachinery::time::Duration;
use apiserver::object::view;
use apiserver::server::Door;
use apiserver::{Change, DeleteOptions, KindId, Verb};
use k8s_openapi::api::core::v1::{Pod, PodTemplateSpec, ReplicationController, ReplicationControllerStatus};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

pub struct ReplicationControllers;

const NAME: &str = "replication-controller";
const SOURCE: Source<'static> = Source { component: NAME, host: "" };
/// Pods that one reconcile creates at most.
const BURST: usize = 500;

impl Controller for ReplicationControllers {
    fn name(&self) -> &'static str {
        NAME
    }

    fn observe(&self, change: &Change, seen: &Seen<'_>, enqueue: &mut dyn FnMut(Key)) {
        let m = change.object.meta();
        match change.kind {
            KindId::REPLICATION_CONTROLLER if change.verb != Verb::Deleted => {
                enqueue(Key::new(namespace_of(m), name_of(m)));
            }
            KindId::POD => match controller_of(m) {
                Some(owner) if owner.kind == "ReplicationController" => {
                    enqueue(Key::new(namespace_of(m), &owner.name));
                }
                Some(_) => {}
                None if seen.api.storage.count(KindId::REPLICATION_CONTROLLER) > 0 => {
                    for rc in seen.api.list::<ReplicationController>(Some(namespace_of(m))) {
                        if chosen(rc).matches(&m.labels) {
                            enqueue(Key::new(namespace_of(m), name_of(&rc.metadata)));
                        }
                    }
                    let old = change.old.as_deref().and_then(view::<Pod>).and_then(|p| controller_of(&p.metadata));
                    if let Some(owner) = old.filter(|r| r.kind == "ReplicationController") {
                        enqueue(Key::new(namespace_of(m), &owner.name));
                    }
                }
                None => {}
            },
            _ => {}
        }
    }

    fn reconcile(&self, key: &Key, cx: &mut Ctx<'_>, informer: &mut Informer) -> Result<Action, Status> {
        let Some(rc) = cx.api.get::<ReplicationController>(&key.namespace, &key.name) else { return Ok(Action::Done) };
        let Some(spec) = rc.spec.as_ref() else { return Ok(Action::Done) };
        let going = rc.metadata.deletion_timestamp.is_some();
        if !going {
            claim(&rc, cx, informer)?;
        }
        let mut pods: Vec<Pod> = cx.api.owned::<Pod>(uid_of(&rc.metadata)).filter(|p| is_active(p)).cloned().collect();
        let wanted = usize::try_from(spec.replicas.unwrap_or(1)).unwrap_or(0);
        let managed = if going { Ok(()) } else { manage(&rc, spec.template.as_ref(), wanted, &mut pods, cx) };
        let now = cx.api.now;
        let min_ready = i64::from(spec.min_ready_seconds.unwrap_or(0));
        let count = |test: &dyn Fn(&Pod) -> bool| i32::try_from(pods.iter().filter(|p| test(p)).count()).unwrap_or(0);
        let ready = count(&is_ready);
        let available = count(&|p| ready_since(p).is_some_and(|s| min_ready == 0 || s + min_ready <= now.secs()));
        let some = |n: i32| (n != 0).then_some(n);
        let replicas = count(&|_| true);
        let status = ReplicationControllerStatus {
            replicas,
            fully_labeled_replicas: some(replicas),
            ready_replicas: some(ready),
            available_replicas: some(available),
            observed_generation: rc.metadata.generation,
            conditions: rc.status.as_ref().and_then(|s| s.conditions.clone()),
        };
        if rc.status.as_ref() != Some(&status) {
            cx.api.modify::<ReplicationController>(&key.namespace, &key.name, Door::Status, &cx.writer, |r| {
                r.status = Some(status);
            })?;
        }
        managed?;
        let waits = ready != available;
        Ok(if waits { Action::RequeueAfter(Duration::from_secs(1), true) } else { Action::Done })
    }
}

fn chosen(rc: &ReplicationController) -> Selector {
    let map = rc.spec.as_ref().and_then(|s| s.selector.as_ref()).filter(|m| !m.is_empty());
    map.map_or_else(Selector::nothing, Selector::from_map)
}

/// Adopts matching pods of nobody, lets go of own ones that match no more.
fn claim(rc: &ReplicationController, cx: &mut Ctx<'_>, informer: &Informer) -> Result<(), Status> {
    let namespace = namespace_of(&rc.metadata);
    let selector = chosen(rc);
    let uid = uid_of(&rc.metadata);
    let orphans: Vec<_> = informer.orphan_pods(namespace).cloned().collect();
    for name in orphans {
        let fits = |p: &Pod| is_active(p) && selector.matches(&p.metadata.labels);
        if !cx.api.get::<Pod>(namespace, &name).is_some_and(|p| fits(&p)) {
            continue;
        }
        cx.api.modify::<Pod>(namespace, &name, Door::Part, &cx.writer, |p| {
            p.metadata.owner_references.get_or_insert_default().push(controller_ref(rc));
        })?;
    }
    let lost = cx.api.owned::<Pod>(uid).filter(|p| is_active(p) && !selector.matches(&p.metadata.labels));
    let lost: Vec<String> = lost.map(|p| name_of(&p.metadata).to_owned()).collect();
    for name in lost {
        cx.api.modify::<Pod>(namespace, &name, Door::Part, &cx.writer, |p| {
            let owners = p.metadata.owner_references.take().unwrap_or_default();
            let left: Vec<_> = owners.into_iter().filter(|r| r.uid != uid).collect();
            p.metadata.owner_references = (!left.is_empty()).then_some(left);
        })?;
    }
    Ok(())
}

fn tell(rc: &ReplicationController, cx: &mut Ctx<'_>, kind: EventType, reason: &str, message: &str) {
    let regarding = reference(cx.api, rc);
    cx.recorder.event(cx.api, &cx.writer, SOURCE, regarding, kind, reason, message);
}

fn manage(
    rc: &ReplicationController,
    template: Option<&PodTemplateSpec>,
    wanted: usize,
    pods: &mut Vec<Pod>,
    cx: &mut Ctx<'_>,
) -> Result<(), Status> {
    let Some(template) = template else { return Ok(()) };
    let m = template.metadata.clone().unwrap_or_default();
    for _ in 0..wanted.saturating_sub(pods.len()).min(BURST) {
        let pod = Pod {
            metadata: ObjectMeta {
                generate_name: Some(format!("{}-", name_of(&rc.metadata))),
                namespace: rc.metadata.namespace.clone(),
                labels: m.labels.clone(),
                annotations: m.annotations.clone(),
                finalizers: m.finalizers.clone(),
                owner_references: Some(vec![controller_ref(rc)]),
                ..ObjectMeta::default()
            },
            spec: template.spec.clone(),
            status: None,
        };
        match cx.api.create(pod, &cx.writer) {
            Ok(pod) => {
                let message = format!("Created pod: {}", name_of(&pod.metadata));
                tell(rc, cx, EventType::Normal, "SuccessfulCreate", &message);
                pods.push((*pod).clone());
            }
            Err(status) if super::replicaset::namespace_terminates(&status) => return Ok(()),
            Err(status) => {
                tell(rc, cx, EventType::Warning, "FailedCreate", &format!("Error creating: {}", status.message));
                return Err(status);
            }
        }
    }
    // Those go first that have come least far; of equals the youngest.
    pods.order_by_key(|p| (node_of(p).is_empty(), !is_ready(p), p.metadata.creation_timestamp.clone()));
    while pods.len() > wanted {
        let Some(pod) = pods.pop() else { break };
        let name = name_of(&pod.metadata);
        match cx.api.delete::<Pod>(namespace_of(&rc.metadata), name, &DeleteOptions::default(), &cx.writer) {
            Ok(_) => tell(rc, cx, EventType::Normal, "SuccessfulDelete", &format!("Deleted pod: {name}")),
            Err(status) if status.is_not_found() => {}
            Err(status) => return Err(status),
        }
    }
    Ok(())
}
