//! Namespaces that are being deleted: pods go first, then everything else, then the namespace.
//!
//! Models: `pkg/controller/namespace`.

use super::meta::{name_of, stamp};
use super::{Action, Controller, Informer, Key, Seen};
use crate::cluster::Ctx;
use apimachinery::status::Status;
use apimachinery::time::{Duration, Time};
use apiserver::object::view;
use apiserver::server::{Door, Propagation};
use apiserver::{Change, DeleteOptions, KindId, Verb};
use k8s_openapi::api::core::v1::{Namespace, NamespaceCondition, Pod};
use std::collections::BTreeMap;

pub struct Namespaces;

/// Every look at a namespace is held back this long, so that all API servers know that it is going.
const GRACE: Duration = Duration::from_secs(5);
/// How long finalizers of other things than pods are given, in seconds.
const FINALIZER_SECONDS: i64 = 15;
const FINALIZER: &str = "kubernetes";

impl Controller for Namespaces {
    fn name(&self) -> &'static str {
        "namespace-controller"
    }

    fn observe(&self, change: &Change, _seen: &Seen<'_>, enqueue: &mut dyn FnMut(Key)) {
        let m = change.object.meta();
        let deleting = change.verb != Verb::Deleted && m.deletion_timestamp.is_some();
        if change.kind == KindId::NAMESPACE && deleting {
            enqueue(Key::new("", name_of(m)));
        }
    }

    fn delay(&self) -> Duration {
        GRACE
    }

    fn reconcile(&self, key: &Key, cx: &mut Ctx<'_>, _informer: &mut Informer) -> Result<Action, Status> {
        let Some(namespace) = cx.api.get::<Namespace>("", &key.name) else { return Ok(Action::Done) };
        let ours = namespace.spec.as_ref().and_then(|s| s.finalizers.as_ref());
        if namespace.metadata.deletion_timestamp.is_none() || ours.is_none_or(|f| !f.iter().any(|f| f == FINALIZER)) {
            return Ok(Action::Done);
        }
        let mut left = Remains::default();
        left.clear(KindId::POD, &key.name, cx);
        let estimate = if left.any() {
            // While pods go, nothing is said about what remains.
            left.resources.clear();
            left.finalizers.clear();
            left.pod_seconds
        } else {
            let kinds: Vec<KindId> = cx
                .api
                .kinds()
                .filter(|(id, kind)| *id != KindId::POD && kind.info().namespaced)
                .filter(|(_, kind)| kind.info().verbs.is_empty() || kind.info().verbs.contains(&"delete"))
                .map(|(id, _)| id)
                .collect();
            kinds.into_iter().for_each(|kind| left.clear(kind, &key.name, cx));
            if left.any() { FINALIZER_SECONDS } else { 0 }
        };
        tell(&key.name, &left, cx)?;
        if estimate > 0 {
            let seconds = u64::try_from(estimate / 2 + 1).unwrap_or(1);
            return Ok(Action::RequeueAfter(Duration::from_secs(seconds), true));
        }
        cx.api.modify::<Namespace>("", &key.name, Door::Part, &cx.writer, |n| {
            if let Some(list) = n.spec.as_mut().and_then(|s| s.finalizers.as_mut()) {
                list.retain(|f| f != FINALIZER);
            }
        })?;
        Ok(Action::Done)
    }
}

/// What is left in a namespace after everything was told to go.
#[derive(Default)]
struct Remains {
    /// `pods.` → how many.
    resources: BTreeMap<String, usize>,
    finalizers: BTreeMap<String, usize>,
    /// Longest grace period of a pod that is left.
    pod_seconds: i64,
    failures: Vec<String>,
}

impl Remains {
    fn any(&self) -> bool {
        !self.resources.is_empty()
    }

    /// Deletes everything of one kind and counts what does not go at once.
    fn clear(&mut self, kind: KindId, namespace: &str, cx: &mut Ctx<'_>) {
        let names: Vec<String> =
            cx.api.storage.list(kind, Some(namespace)).map(|o| name_of(o.meta()).to_owned()).collect();
        let options = DeleteOptions { propagation: Some(Propagation::Background), ..DeleteOptions::default() };
        for name in &names {
            let Err(status) = cx.api.delete_object(kind, namespace, name, &options, &cx.writer) else { continue };
            if !status.is_not_found() {
                self.failures.push(status.message.clone());
            }
        }
        let strategy = cx.api.kind(kind);
        let info = strategy.info();
        for object in cx.api.storage.list(kind, Some(namespace)) {
            *self.resources.entry(format!("{}.{}", info.plural, info.group)).or_default() += 1;
            for finalizer in object.meta().finalizers.iter().flatten() {
                *self.finalizers.entry(finalizer.clone()).or_default() += 1;
            }
            if let Some(pod) = view::<Pod>(&**object) {
                let grace = pod.spec.as_ref().and_then(|s| s.termination_grace_period_seconds).unwrap_or(0);
                self.pod_seconds = self.pod_seconds.max(grace.max(1));
            }
        }
    }

    /// Type, status, reason and message of each condition.
    fn conditions(&self) -> [(&'static str, bool, &'static str, String); 5] {
        let list = |map: &BTreeMap<String, usize>, word: &str| {
            let parts: Vec<String> = map.iter().map(|(k, n)| format!("{k} {word} {n} resource instances")).collect();
            parts.join(", ")
        };
        let failed = !self.failures.is_empty();
        let remaining = list(&self.resources, "has");
        let held = list(&self.finalizers, "in");
        let all = "All content successfully";
        [
            (
                "NamespaceDeletionDiscoveryFailure",
                false,
                "ResourcesDiscovered",
                "All resources successfully discovered".into(),
            ),
            (
                "NamespaceDeletionGroupVersionParsingFailure",
                false,
                "ParsedGroupVersions",
                "All legacy kube types successfully parsed".into(),
            ),
            if failed {
                let count = self.failures.len();
                let texts = self.failures.join(", ");
                let message = format!("Failed to delete all resource types, {count} remaining: {texts}");
                ("NamespaceDeletionContentFailure", true, "ContentDeletionFailed", message)
            } else {
                let message = format!("{all} deleted, may be waiting on finalization");
                ("NamespaceDeletionContentFailure", false, "ContentDeleted", message)
            },
            if remaining.is_empty() {
                ("NamespaceContentRemaining", false, "ContentRemoved", format!("{all} removed"))
            } else {
                let message = format!("Some resources are remaining: {remaining}");
                ("NamespaceContentRemaining", true, "SomeResourcesRemain", message)
            },
            if held.is_empty() {
                let message = "All content-preserving finalizers finished".into();
                ("NamespaceFinalizersRemaining", false, "ContentHasNoFinalizers", message)
            } else {
                let message = format!("Some content in the namespace has finalizers remaining: {held}");
                ("NamespaceFinalizersRemaining", true, "SomeFinalizersRemain", message)
            },
        ]
    }
}

fn tell(name: &str, left: &Remains, cx: &mut Ctx<'_>) -> Result<(), Status> {
    let now: Time = cx.api.now;
    cx.api.modify::<Namespace>("", name, Door::Status, &cx.writer, |n| {
        let list = n.status.get_or_insert_default().conditions.get_or_insert_default();
        for (kind, status, reason, message) in left.conditions() {
            let status = if status { "True" } else { "False" };
            let old = list.iter_mut().find(|c| c.type_ == kind);
            let since = old.as_ref().filter(|c| c.status == status).and_then(|c| c.last_transition_time.clone());
            let new = NamespaceCondition {
                type_: kind.into(),
                status: status.into(),
                reason: Some(reason.into()),
                message: Some(message),
                last_transition_time: since.or_else(|| Some(stamp(now))),
            };
            match old {
                Some(old) => *old = new,
                None => list.push(new),
            }
        }
    })?;
    Ok(())
}
