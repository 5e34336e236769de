//! Nodes: what is said of those that fall silent, and the taints that follow from a node's condition.
//!
//! Models: `pkg/controller/nodelifecycle`. Eviction by taint is in [`super::taint_eviction`].

use super::meta::{annotation, instant, is_ready, name_of, set_pod_condition, stamp};
use super::{Action, Controller, Informer, Key, Seen};
use crate::cluster::Ctx;
use crate::latency;
use crate::recorder::{EventType, Source, reference};
use crate::taints::{NO_EXECUTE, NO_SCHEDULE};
use apimachinery::status::Status;
use apimachinery::time::{Duration, Time};
use apiserver::object::view;
use apiserver::server::Door;
use apiserver::{Change, KindId, Verb};
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::{Node, NodeCondition, ObjectReference, Pod, Taint};

pub struct NodeLifecycle;

const SOURCE: Source<'static> = Source { component: "node-controller", host: "" };
const NOT_READY: &str = "node.kubernetes.io/not-ready";
const UNREACHABLE: &str = "node.kubernetes.io/unreachable";
const UNSCHEDULABLE: &str = "node.kubernetes.io/unschedulable";
/// Condition, its status, and the taint that stands for it.
const BY_CONDITION: &[(&str, &str, &str)] = &[
    ("Ready", "False", NOT_READY),
    ("Ready", "Unknown", UNREACHABLE),
    ("MemoryPressure", "True", "node.kubernetes.io/memory-pressure"),
    ("DiskPressure", "True", "node.kubernetes.io/disk-pressure"),
    ("PIDPressure", "True", "node.kubernetes.io/pid-pressure"),
    ("NetworkUnavailable", "True", "node.kubernetes.io/network-unavailable"),
];
/// Conditions that only a living kubelet can vouch for.
const VOUCHED: &[&str] = &["Ready", "MemoryPressure", "DiskPressure", "PIDPressure"];
const CONTROL_PLANE: &str = "node-role.kubernetes.io/control-plane";
const MIRROR: &str = "kubernetes.io/config.mirror";
/// How long a node that has never reported may take.
const STARTUP_GRACE: Duration = Duration::from_secs(60);

// Keys of arrivals and departures stand beside those of the nodes themselves.
const ADDED: &str = "added";
const REMOVED: &str = "removed";

impl Controller for NodeLifecycle {
    fn name(&self) -> &'static str {
        "node-controller"
    }

    fn observe(&self, change: &Change, _seen: &Seen<'_>, enqueue: &mut dyn FnMut(Key)) {
        if change.kind != KindId::NODE {
            return;
        }
        let name = name_of(change.object.meta());
        match change.verb {
            Verb::Added => {
                enqueue(Key::new(ADDED, name));
                enqueue(Key::new("", name));
            }
            Verb::Modified => {
                let (old, new) = (change.old.as_deref().and_then(view::<Node>), view::<Node>(&*change.object));
                if old.map(face) != new.map(face) {
                    enqueue(Key::new("", name));
                }
            }
            Verb::Deleted => enqueue(Key::new(REMOVED, name)),
        }
    }

    fn reconcile(&self, key: &Key, cx: &mut Ctx<'_>, informer: &mut Informer) -> Result<Action, Status> {
        let name = &*key.name;
        if &*key.namespace == REMOVED {
            let regarding = ObjectReference {
                kind: Some("Node".into()),
                name: Some(name.into()),
                uid: Some(name.into()),
                ..ObjectReference::default()
            };
            tell(cx, regarding, "RemovingNode", &format!("Node {name} event: Removing Node {name} from Controller"));
            return Ok(Action::Done);
        }
        let Some(node) = cx.api.get::<Node>("", name) else { return Ok(Action::Done) };
        if &*key.namespace == ADDED {
            let regarding = reference(cx.api, &*node);
            tell(cx, regarding, "RegisteredNode", &format!("Node {name} event: Registered Node {name} in Controller"));
            return Ok(Action::Done);
        }
        let silent = is_silent(&node, cx);
        if silent && condition(&node, "Ready").is_none_or(|c| c.status != "Unknown") {
            write_unknown(name, cx)?;
        }
        let node = cx.api.get::<Node>("", name).unwrap_or(node);
        sync_taints(&node, cx)?;
        let ready = condition(&node, "Ready");
        if ready.is_some_and(|c| c.status != "True") {
            mark_pods(name, false, cx, informer);
        } else if ready.is_some() && node.metadata.labels.as_ref().is_some_and(|l| l.contains_key(CONTROL_PLANE)) {
            mark_pods(name, true, cx, informer);
        }
        Ok(Action::RequeueAfter(latency::NODE_MONITOR, false))
    }
}

type Face<'a> = (Vec<(&'a str, &'a str)>, Option<&'a Vec<Taint>>, Option<bool>);

/// What of a node decides about its taints: statuses of conditions, taints, cordon.
fn face(node: &Node) -> Face<'_> {
    let conditions = node.status.as_ref().and_then(|s| s.conditions.as_ref());
    let statuses = conditions.into_iter().flatten().map(|c| (c.type_.as_str(), c.status.as_str())).collect();
    let spec = node.spec.as_ref();
    (statuses, spec.and_then(|s| s.taints.as_ref()), spec.and_then(|s| s.unschedulable))
}

fn condition<'a>(node: &'a Node, kind: &str) -> Option<&'a NodeCondition> {
    node.status.as_ref()?.conditions.as_ref()?.iter().find(|c| c.type_ == kind)
}

fn tell(cx: &mut Ctx<'_>, regarding: ObjectReference, reason: &str, message: &str) {
    cx.recorder.event(cx.api, &cx.writer, SOURCE, regarding, EventType::Normal, reason, message);
}

/// Neither the node's lease nor its status has been renewed for too long.
fn is_silent(node: &Node, cx: &Ctx<'_>) -> bool {
    let name = name_of(&node.metadata);
    let lease = cx.api.get::<Lease>("kube-node-lease", name);
    let renewed = lease.and_then(|l| l.spec.as_ref()?.renew_time.as_ref().map(|t| Time::from(t.0)));
    let ready = condition(node, "Ready");
    let reported = ready.filter(|c| c.status != "Unknown").and_then(|c| c.last_heartbeat_time.as_ref()).map(instant);
    let created = node.metadata.creation_timestamp.as_ref().map(instant);
    let grace = if ready.is_none() { STARTUP_GRACE } else { latency::NODE_GRACE };
    let last = renewed.max(reported).max(created).unwrap_or_default();
    cx.api.now.since(last) > grace
}

fn write_unknown(name: &str, cx: &mut Ctx<'_>) -> Result<(), Status> {
    let now = stamp(cx.api.now);
    let node = cx.api.modify::<Node>("", name, Door::Status, &cx.writer, |node| {
        let list = node.status.get_or_insert_default().conditions.get_or_insert_default();
        for kind in VOUCHED {
            match list.iter_mut().find(|c| c.type_ == *kind) {
                None => list.push(NodeCondition {
                    type_: (*kind).into(),
                    status: "Unknown".into(),
                    reason: Some("NodeStatusNeverUpdated".into()),
                    message: Some("Kubelet never posted node status.".into()),
                    last_heartbeat_time: node.metadata.creation_timestamp.clone(),
                    last_transition_time: Some(now.clone()),
                }),
                Some(c) if c.status != "Unknown" => {
                    c.status = "Unknown".into();
                    c.reason = Some("NodeStatusUnknown".into());
                    c.message = Some("Kubelet stopped posting node status.".into());
                    c.last_transition_time = Some(now.clone());
                }
                Some(_) => {}
            }
        }
    })?;
    let regarding = reference(cx.api, &*node);
    tell(cx, regarding, "NodeNotReady", &format!("Node {name} status is now: NodeNotReady"));
    Ok(())
}

/// Gives the node exactly the taints that its condition asks for, besides those of others.
fn sync_taints(node: &Node, cx: &mut Ctx<'_>) -> Result<(), Status> {
    let mut wanted: Vec<(&str, &str)> = Vec::new();
    for (kind, status, taint) in BY_CONDITION {
        if condition(node, kind).is_some_and(|c| c.status == *status) {
            if *kind == "Ready" {
                wanted.push((taint, NO_EXECUTE));
            }
            wanted.push((taint, NO_SCHEDULE));
        }
    }
    if node.spec.as_ref().is_some_and(|s| s.unschedulable == Some(true)) {
        wanted.push((UNSCHEDULABLE, NO_SCHEDULE));
    }
    let ours = |t: &Taint| {
        let named = t.key == UNSCHEDULABLE || BY_CONDITION.iter().any(|(_, _, key)| t.key == *key);
        let executes = t.effect == NO_EXECUTE && (t.key == NOT_READY || t.key == UNREACHABLE);
        named && (t.effect == NO_SCHEDULE || executes)
    };
    let is = |t: &Taint, (key, effect): (&str, &str)| t.key == key && t.effect == effect;
    let old = node.spec.as_ref().and_then(|s| s.taints.clone()).unwrap_or_default();
    let mut new: Vec<Taint> = old.iter().filter(|t| !ours(t) || wanted.iter().any(|w| is(t, *w))).cloned().collect();
    for w in &wanted {
        if !new.iter().any(|t| is(t, *w)) {
            let time_added = Some(stamp(cx.api.now));
            new.push(Taint { key: w.0.into(), effect: w.1.into(), value: None, time_added });
        }
    }
    if new == old {
        return Ok(());
    }
    cx.api.modify::<Node>("", name_of(&node.metadata), Door::Main, &cx.writer, |node| {
        node.spec.get_or_insert_default().taints = (!new.is_empty()).then_some(new);
    })?;
    Ok(())
}

/// Pods of a node that is not ready are not ready either. Kubelets say when theirs are ready again; for static pods,
/// that no kubelet of ours runs, it is said here (`back`).
fn mark_pods(node: &str, back: bool, cx: &mut Ctx<'_>, informer: &Informer) {
    let now = cx.api.now;
    let concerned = |(ns, name): &&(std::sync::Arc<str>, std::sync::Arc<str>)| {
        let pod = cx.api.get::<Pod>(ns, name);
        pod.is_some_and(|p| is_ready(&p) != back && (!back || annotation(&p.metadata, MIRROR).is_some()))
    };
    let keys: Vec<_> = informer.pods_on(node).filter(concerned).cloned().collect();
    let status = if back { "True" } else { "False" };
    for (ns, name) in keys {
        let marked = cx.api.modify::<Pod>(&ns, &name, Door::Status, &cx.writer, |p| {
            set_pod_condition(p, "Ready", status, "", "", now);
        });
        if back {
            continue;
        }
        // A pod that went meanwhile is ready no more either way.
        let Ok(pod) = marked else { continue };
        let regarding = reference(cx.api, &*pod);
        let message = "Node is not ready";
        cx.recorder.event(cx.api, &cx.writer, SOURCE, regarding, EventType::Warning, "NodeNotReady", message);
    }
}
