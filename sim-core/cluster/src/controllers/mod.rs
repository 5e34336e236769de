//! The controllers: level-triggered reconcilers in one table, behind one work queue each.
//!
//! Models: kube-controller-manager. A controller watches the log (`observe` turns changes into keys) and reconciles one
//! key at a time, reading through the API server and the [`Informer`], writing through the API server's typed door. It
//! keeps no state of its own.

mod cron_job;
mod daemon_set;
mod deployment;
mod disruption;
mod endpoints;
mod garbage_collector;
mod history;
mod informer;
mod job;
pub mod kubernetes_service;
pub(crate) mod meta;
mod namespace;
mod node_lifecycle;
mod persistent_volume;
mod pod_gc;
mod replicaset;
mod replication_controller;
mod resource_quota;
mod root_ca;
mod schedule;
mod selector;
mod service_account;
mod stateful_set;
mod taint_eviction;
#[cfg(test)]
mod tests;

pub use informer::Informer;
pub use persistent_volume::PROVISIONER;
pub use root_ca::certificate;
pub use selector::{SelectorIndex, selector};

use crate::clock::{Agenda, Timer, Weight};
use crate::cluster::Ctx;
use crate::latency;
use apimachinery::status::Status;
use apimachinery::time::{Duration, Time};
use apiserver::{ApiServer, Change};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Namespace and name of what is to be reconciled.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    pub namespace: Arc<str>,
    pub name: Arc<str>,
}

impl Key {
    pub fn new(namespace: &str, name: &str) -> Self {
        Self { namespace: namespace.into(), name: name.into() }
    }
}

/// What a reconcile asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    Done,
    /// Look again after this long; `true`: the cluster counts as busy until then.
    RequeueAfter(Duration, bool),
}

/// What a controller looks at while it turns a change into keys. Both may already know later changes.
pub struct Seen<'a> {
    pub api: &'a ApiServer,
    pub informer: &'a Informer,
}

pub trait Controller: Sync {
    /// As events and audit logs name it: `deployment-controller`.
    fn name(&self) -> &'static str;
    /// Keys to reconcile because of `change`.
    fn observe(&self, change: &Change, seen: &Seen<'_>, enqueue: &mut dyn FnMut(Key));
    fn reconcile(&self, key: &Key, cx: &mut Ctx<'_>, informer: &mut Informer) -> Result<Action, Status>;
    /// How long after a change its keys are reconciled.
    fn delay(&self) -> Duration {
        latency::CONTROLLER_SYNC
    }
    /// As [`Self::delay`], for those who take some changes up later than others.
    fn delay_of(&self, change: &Change) -> Duration {
        let _ = change;
        self.delay()
    }
}

/// Every controller, in the order in which they see a change.
pub static CONTROLLERS: &[&dyn Controller] = &[
    &kubernetes_service::KubernetesService,
    &service_account::ServiceAccounts,
    &root_ca::RootCa,
    &deployment::Deployments,
    &replicaset::ReplicaSets,
    &endpoints::slices::EndpointSlices,
    &endpoints::legacy::LegacyEndpoints,
    &garbage_collector::GarbageCollector,
    &namespace::Namespaces,
    &node_lifecycle::NodeLifecycle,
    &taint_eviction::TaintEviction,
    &pod_gc::PodGc,
    &resource_quota::ResourceQuotas,
    &job::Jobs,
    &job::ttl::TtlAfterFinished,
    &cron_job::CronJobs,
    &stateful_set::StatefulSets,
    &daemon_set::DaemonSets,
    &persistent_volume::PersistentVolumes,
    &disruption::DisruptionBudgets,
    &replication_controller::ReplicationControllers,
];

/// Index into [`CONTROLLERS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ControllerId(pub u8);

/// A key of a controller is due.
#[derive(Clone)]
pub struct ControllerTimer {
    pub controller: ControllerId,
    pub key: Key,
}

#[derive(Clone, Default)]
struct Entry {
    due: Time,
    /// The change that asked first, named as the cause of what the reconcile writes.
    cause: Option<u64>,
    failures: u32,
    queued: bool,
}

/// The work queues of all controllers.
#[derive(Clone)]
pub struct ControllerManager {
    queues: Vec<BTreeMap<Key, Entry>>,
    informer: Informer,
}

impl Default for ControllerManager {
    fn default() -> Self {
        Self { queues: vec![BTreeMap::new(); CONTROLLERS.len()], informer: Informer::default() }
    }
}

impl ControllerManager {
    /// Shows every controller a change.
    pub fn observe(&mut self, change: &Change, api: &ApiServer, agenda: &mut Agenda) {
        self.informer.observe(change, api);
        let seen = Seen { api, informer: &self.informer };
        for (i, controller) in (0u8..).zip(CONTROLLERS) {
            let queue = &mut self.queues[usize::from(i)];
            let due = api.now + controller.delay_of(change);
            controller.observe(change, &seen, &mut |key| {
                push(queue, agenda, ControllerId(i), key, due, Some(change.revision), Weight::Work);
            });
        }
    }

    /// Runs the reconcile that is due.
    pub fn fire(&mut self, timer: ControllerTimer, cx: &mut Ctx<'_>) {
        let queue = &mut self.queues[usize::from(timer.controller.0)];
        let Some(entry) = queue.get_mut(&timer.key).filter(|e| e.queued && e.due <= cx.api.now) else { return };
        entry.queued = false;
        let cause = entry.cause.take();
        let failures = entry.failures;
        let controller = CONTROLLERS[usize::from(timer.controller.0)];
        cx.writer.name = controller.name().into();
        cx.writer.cause = cause;
        let result = controller.reconcile(&timer.key, cx, &mut self.informer);
        let now = cx.api.now;
        match result {
            Ok(Action::Done) => {
                queue.remove(&timer.key);
            }
            Ok(Action::RequeueAfter(after, busy)) => {
                if let Some(entry) = queue.get_mut(&timer.key) {
                    entry.failures = 0;
                }
                let weight = if busy { Weight::Work } else { Weight::Background };
                push(queue, cx.agenda, timer.controller, timer.key, now + after, cause, weight);
            }
            Err(_) => {
                if let Some(entry) = queue.get_mut(&timer.key) {
                    entry.failures = failures + 1;
                }
                let after =
                    latency::CONTROLLER_RETRY.saturating_mul(1 << failures.min(20)).min(latency::CONTROLLER_RETRY_MAX);
                let weight = if failures < 8 { Weight::Work } else { Weight::Background };
                push(queue, cx.agenda, timer.controller, timer.key, now + after, cause, weight);
            }
        }
    }
}

/// Queues a key, once; an earlier time wins.
fn push(
    queue: &mut BTreeMap<Key, Entry>,
    agenda: &mut Agenda,
    controller: ControllerId,
    key: Key,
    due: Time,
    cause: Option<u64>,
    weight: Weight,
) {
    let entry = queue.entry(key.clone()).or_default();
    entry.cause = entry.cause.or(cause);
    if entry.queued && entry.due <= due {
        return;
    }
    entry.queued = true;
    entry.due = due;
    agenda.at(due, weight, Timer::Controller(ControllerTimer { controller, key }));
}
