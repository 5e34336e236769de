//! Deployments: one ReplicaSet per pod template, and the way from one template to the next.
//!
//! Models: `pkg/controller/deployment`. This file finds the sets and decides what kind of step is due; the steps are in
//! [`rollout`], the bookkeeping of revisions in [`revision`], the status in [`status`].
//! Invariant: every reconcile reads afresh what it decides from; steps within one see each other's writes.

mod arithmetic;
mod revision;
mod rollout;
mod status;
#[cfg(test)]
mod tests;

use super::meta::{controller_of, controller_ref, name_of, namespace_of, uid_of};
use super::{Action, Controller, Informer, Key, Seen, selector};
use crate::cluster::Ctx;
use crate::recorder::{EventType, Source, reference};
use apimachinery::order::Order as _;
use apimachinery::status::Status;
use apiserver::object::view;
use apiserver::server::Door;
use apiserver::{Change, KindId, Verb};
use k8s_openapi::api::apps::v1::{Deployment, DeploymentSpec, ReplicaSet, ReplicaSetStatus};
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use std::sync::Arc;

pub struct Deployments;

const NAME: &str = "deployment-controller";

impl Controller for Deployments {
    fn name(&self) -> &'static str {
        NAME
    }

    fn observe(&self, change: &Change, seen: &Seen<'_>, enqueue: &mut dyn FnMut(Key)) {
        let m = change.object.meta();
        let namespace = namespace_of(m);
        match change.kind {
            KindId::DEPLOYMENT if change.verb != Verb::Deleted => enqueue(Key::new(namespace, name_of(m))),
            KindId::REPLICA_SET => {
                for m in change.old.iter().map(|o| o.meta()).chain([m]) {
                    if let Some(owner) = controller_of(m).filter(|r| r.kind == "Deployment") {
                        enqueue(Key::new(namespace, &owner.name));
                    }
                }
                if controller_of(m).is_none() && change.verb != Verb::Deleted {
                    let found = |name: &Arc<str>| enqueue(Key::new(namespace, name));
                    seen.informer.deployments.matching(namespace, m.labels.as_ref(), found);
                }
            }
            KindId::POD if change.verb == Verb::Deleted => {
                // The last old pod of a Recreate rollout gives way to the new ones.
                let Some(pod) = view::<Pod>(&*change.object) else { return };
                let Some(owner) = controller_of(&pod.metadata).filter(|r| r.kind == "ReplicaSet") else { return };
                let Some(set) = seen.api.get::<ReplicaSet>(namespace, &owner.name) else { return };
                let Some(owner) = controller_of(&set.metadata) else { return };
                let deployment = seen.api.get::<Deployment>(namespace, &owner.name);
                if deployment.is_some_and(|d| d.spec.as_ref().is_some_and(arithmetic::recreates)) {
                    enqueue(Key::new(namespace, &owner.name));
                }
            }
            _ => {}
        }
    }

    fn reconcile(&self, key: &Key, cx: &mut Ctx<'_>, informer: &mut Informer) -> Result<Action, Status> {
        let Some(d) = cx.api.get::<Deployment>(&key.namespace, &key.name) else { return Ok(Action::Done) };
        let Some(spec) = d.spec.as_ref() else { return Ok(Action::Done) };
        let mut rollout = Rollout { cx, informer, d: Arc::clone(&d), sets: Vec::new() };
        if spec.selector == LabelSelector::default() {
            return rollout.selects_all();
        }
        rollout.find_sets()?;
        if d.metadata.deletion_timestamp.is_some() {
            let new = rollout.sync_revision(false)?;
            return rollout.sync_status(new);
        }
        rollout.check_paused()?;
        let paused = spec.paused.unwrap_or(false);
        if paused || rollout.is_scaling() {
            return rollout.resize(paused);
        }
        if arithmetic::recreates(spec) { rollout.recreate() } else { rollout.roll() }
    }
}

/// One reconcile of one deployment.
struct Rollout<'r, 'c> {
    cx: &'r mut Ctx<'c>,
    informer: &'r Informer,
    d: Arc<Deployment>,
    /// Its ReplicaSets, oldest first.
    sets: Vec<Arc<ReplicaSet>>,
}

/// Position of a set in [`Rollout::sets`].
type At = usize;

impl Rollout<'_, '_> {
    fn spec(&self) -> &DeploymentSpec {
        self.d.spec.as_ref().expect("reconcile goes no further without a spec")
    }

    fn wanted(&self) -> i32 {
        arithmetic::wanted(self.spec())
    }

    fn namespace(&self) -> &str {
        namespace_of(&self.d.metadata)
    }

    fn name(&self) -> &str {
        name_of(&self.d.metadata)
    }

    fn tell(&mut self, kind: EventType, reason: &str, message: &str) {
        let regarding = reference(self.cx.api, &*self.d);
        let source = Source { component: NAME, host: "" };
        self.cx.recorder.event(self.cx.api, &self.cx.writer, source, regarding, kind, reason, message);
    }

    fn selects_all(&mut self) -> Result<Action, Status> {
        let message = "This deployment is selecting all pods. A non-empty selector is required.";
        self.tell(EventType::Warning, "SelectingAll", message);
        Ok(Action::Done)
    }

    /// The sets that this deployment controls; adopts and releases on the way.
    fn find_sets(&mut self) -> Result<(), Status> {
        let (namespace, uid) = (self.namespace().to_owned(), uid_of(&self.d.metadata).to_owned());
        let chosen = selector(&self.spec().selector);
        let mut adopted: Vec<Arc<str>> = Vec::new();
        if self.d.metadata.deletion_timestamp.is_none() {
            adopted.extend(self.informer.orphan_sets(&namespace).cloned());
        }
        for name in adopted {
            let set = self.cx.api.get::<ReplicaSet>(&namespace, &name);
            let fits = |m: &k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta| {
                m.deletion_timestamp.is_none() && controller_of(m).is_none() && chosen.matches(&m.labels)
            };
            if set.is_some_and(|s| fits(&s.metadata)) {
                let owner = controller_ref(&*self.d);
                self.cx.api.modify::<ReplicaSet>(&namespace, &name, Door::Part, &self.cx.writer, |s| {
                    s.metadata.owner_references.get_or_insert_with(Vec::new).push(owner);
                })?;
            }
        }
        let is_mine = |s: &ReplicaSet| controller_of(&s.metadata).is_some_and(|r| r.uid == uid);
        let names: Vec<(String, bool)> = self
            .cx
            .api
            .owned::<ReplicaSet>(&uid)
            .filter(|s| is_mine(s))
            .map(|s| (name_of(&s.metadata).to_owned(), chosen.matches(&s.metadata.labels)))
            .collect();
        for (name, fits) in names {
            if fits {
                self.sets.extend(self.cx.api.get::<ReplicaSet>(&namespace, &name));
            } else if self.d.metadata.deletion_timestamp.is_none() {
                self.cx.api.modify::<ReplicaSet>(&namespace, &name, Door::Part, &self.cx.writer, |s| {
                    s.metadata.owner_references = s
                        .metadata
                        .owner_references
                        .take()
                        .map(|list| list.into_iter().filter(|r| r.uid != uid).collect::<Vec<_>>())
                        .filter(|list| !list.is_empty());
                })?;
            }
        }
        self.sets.order_by(|a, b| arithmetic::by_age(a, b));
        Ok(())
    }

    /// Positions of every set but the new one.
    fn olds(&self, new: Option<At>) -> Vec<At> {
        (0..self.sets.len()).filter(|at| Some(*at) != new).collect()
    }

    fn replicas(&self, at: At) -> i32 {
        arithmetic::replicas(&self.sets[at])
    }

    /// Sum of `spec.replicas`.
    fn replicas_of(&self, sets: &[At]) -> i32 {
        sets.iter().map(|at| self.replicas(*at)).sum()
    }

    fn sum(&self, sets: &[At], part: impl Fn(&ReplicaSetStatus) -> i32) -> i32 {
        sets.iter().filter_map(|at| self.sets[*at].status.as_ref()).map(part).sum()
    }

    fn available(&self, sets: &[At]) -> i32 {
        self.sum(sets, |s| s.available_replicas.unwrap_or(0))
    }

    fn all(&self) -> Vec<At> {
        (0..self.sets.len()).collect()
    }
}
