//! Pods on nodes that are no more: failed, then removed by force, for no kubelet will.
//!
//! Models: `pkg/controller/podgc`. Not yet: the limit on pods that have ended.

use super::meta::{is_terminal, name_of, node_of, set_pod_condition};
use super::{Action, Controller, Informer, Key, Seen};
use crate::cluster::Ctx;
use apimachinery::status::Status;
use apimachinery::time::Duration;
use apiserver::object::view;
use apiserver::server::Door;
use apiserver::{Change, DeleteOptions, KindId, Verb};
use k8s_openapi::api::core::v1::{Node, Pod};

pub struct PodGc;

/// A node has to be gone this long before its pods are held to be lost.
const QUARANTINE: Duration = Duration::from_secs(40);

impl Controller for PodGc {
    fn name(&self) -> &'static str {
        "pod-garbage-collector"
    }

    fn observe(&self, change: &Change, seen: &Seen<'_>, enqueue: &mut dyn FnMut(Key)) {
        match (change.kind, change.verb) {
            (KindId::NODE, Verb::Deleted) => enqueue(Key::new("", name_of(change.object.meta()))),
            (KindId::POD, Verb::Added) => {
                let Some(pod) = view::<Pod>(&*change.object).filter(|p| !node_of(p).is_empty()) else { return };
                if seen.api.get::<Node>("", node_of(pod)).is_none() {
                    enqueue(Key::new("", node_of(pod)));
                }
            }
            _ => {}
        }
    }

    fn delay(&self) -> Duration {
        QUARANTINE
    }

    fn reconcile(&self, key: &Key, cx: &mut Ctx<'_>, informer: &mut Informer) -> Result<Action, Status> {
        if cx.api.get::<Node>("", &key.name).is_some() {
            return Ok(Action::Done);
        }
        let now = cx.api.now;
        let keys: Vec<_> = informer.pods_on(&key.name).cloned().collect();
        for (ns, name) in keys {
            if cx.api.get::<Pod>(&ns, &name).is_some_and(|p| !is_terminal(&p)) {
                cx.api.modify::<Pod>(&ns, &name, Door::Status, &cx.writer, |p| {
                    let message = "PodGC: node no longer exists";
                    set_pod_condition(p, "DisruptionTarget", "True", "DeletionByPodGC", message, now);
                    p.status.get_or_insert_default().phase = Some("Failed".into());
                })?;
            }
            let options = DeleteOptions { grace_period_seconds: Some(0), ..DeleteOptions::default() };
            cx.api.delete::<Pod>(&ns, &name, &options, &cx.writer)?;
        }
        Ok(Action::Done)
    }
}
