//! `NoExecute` taints drive pods off their node: at once, after as long as they tolerate it, or never.
//!
//! Models: `pkg/controller/tainteviction`. Keys are nodes.

use super::meta::{instant, is_terminal, name_of, node_of, set_pod_condition};
use super::{Action, Controller, Informer, Key, Seen};
use crate::cluster::Ctx;
use crate::recorder::{EventType, Source, reference};
use crate::taints::{NO_EXECUTE, tolerates, tolerations};
use apimachinery::status::Status;
use apimachinery::time::{Duration, Time};
use apiserver::object::view;
use apiserver::server::Door;
use apiserver::{Change, DeleteOptions, KindId, Verb};
use k8s_openapi::api::core::v1::{Node, Pod, Taint};

pub struct TaintEviction;

const SOURCE: Source<'static> = Source { component: "taint-eviction-controller", host: "" };

impl Controller for TaintEviction {
    fn name(&self) -> &'static str {
        "taint-eviction-controller"
    }

    fn observe(&self, change: &Change, seen: &Seen<'_>, enqueue: &mut dyn FnMut(Key)) {
        match change.kind {
            KindId::NODE if change.verb != Verb::Deleted => {
                let old = change.old.as_deref().and_then(view::<Node>).map(executing);
                let new = view::<Node>(&*change.object).map(executing);
                if old != new && new.as_ref().is_some_and(|t| !t.is_empty()) {
                    enqueue(Key::new("", name_of(change.object.meta())));
                }
            }
            KindId::POD if change.verb != Verb::Deleted => {
                let Some(pod) = view::<Pod>(&*change.object) else { return };
                let old = change.old.as_deref().and_then(view::<Pod>);
                let node = node_of(pod);
                let news = old.is_none_or(|o| node_of(o) != node || tolerations(o) != tolerations(pod));
                if !node.is_empty() && news && seen.api.get::<Node>("", node).is_some_and(|n| !executing(&n).is_empty())
                {
                    enqueue(Key::new("", node));
                }
            }
            _ => {}
        }
    }

    fn reconcile(&self, key: &Key, cx: &mut Ctx<'_>, informer: &mut Informer) -> Result<Action, Status> {
        let Some(node) = cx.api.get::<Node>("", &key.name) else { return Ok(Action::Done) };
        let taints = executing(&node);
        if taints.is_empty() {
            return Ok(Action::Done);
        }
        let now = cx.api.now;
        let mut next: Option<Duration> = None;
        let keys: Vec<_> = informer.pods_on(&key.name).cloned().collect();
        for (ns, name) in keys {
            let Some(pod) = cx.api.get::<Pod>(&ns, &name) else { continue };
            if pod.metadata.deletion_timestamp.is_some() || is_terminal(&pod) {
                continue;
            }
            match deadline(&pod, &taints, now) {
                None => {}
                Some(due) if due <= now => evict(&pod, &ns, &name, cx)?,
                Some(due) => next = Some(next.map_or(due.since(now), |n| n.min(due.since(now)))),
            }
        }
        Ok(next.map_or(Action::Done, |wait| Action::RequeueAfter(wait, false)))
    }
}

fn executing(node: &Node) -> Vec<Taint> {
    let taints = node.spec.as_ref().and_then(|s| s.taints.as_deref()).unwrap_or_default();
    taints.iter().filter(|t| t.effect == NO_EXECUTE).cloned().collect()
}

/// When the pod has to go; `None`: never.
fn deadline(pod: &Pod, taints: &[Taint], now: Time) -> Option<Time> {
    let mut due: Option<Time> = None;
    for taint in taints {
        let mut fitting = tolerations(pod).iter().filter(|t| tolerates(t, taint));
        let Some(toleration) = fitting.next() else { return Some(now) };
        let Some(seconds) = toleration.toleration_seconds else { continue };
        let since = taint.time_added.as_ref().map_or(now, instant);
        let end = since + Duration::from_secs(u64::try_from(seconds).unwrap_or(0));
        due = Some(due.map_or(end, |d| d.min(end)));
    }
    due
}

fn evict(pod: &Pod, namespace: &str, name: &str, cx: &mut Ctx<'_>) -> Result<(), Status> {
    let regarding = reference(cx.api, pod);
    let message = format!("Marking for deletion Pod {namespace}/{name}");
    cx.recorder.event(cx.api, &cx.writer, SOURCE, regarding, EventType::Normal, "TaintManagerEviction", &message);
    let now = cx.api.now;
    cx.api.modify::<Pod>(namespace, name, Door::Status, &cx.writer, |p| {
        let message = "Taint manager: deleting due to NoExecute taint";
        set_pod_condition(p, "DisruptionTarget", "True", "DeletionByTaintManager", message, now);
    })?;
    cx.api.delete::<Pod>(namespace, name, &DeleteOptions::default(), &cx.writer)?;
    Ok(())
}
