//! The kubelets: one for each node, each driving the pods bound to it.
//!
//! Here: nodes, and who gets which turn. The life of one pod is in [`worker`], of one container in [`container`]; what is
//! reported is the pure function in [`status`]. A container is a native process of its image, or a small machine in
//! which its command runs.
//! Models: kubelet with containerd behind it.

pub mod container;
mod credentials;
mod env;
mod files;
mod host;
pub mod logs;
pub mod node;
mod prober;
mod probes;
mod security;
mod serve;
pub mod status;
pub(crate) mod streams;
mod volumes;
mod worker;

use crate::clock::{Agenda, Timer, Weight};
use crate::cluster::{Config, Ctx};
use crate::images::image::Image;
use crate::latency;
use apimachinery::time::{Duration, Time};
use apiserver::object::{cast, view};
use apiserver::{ApiServer, Change, KindId, Verb, Writer};
use k8s_openapi::api::core::v1::{Container as Spec, Node, Pod};
use machine::fs::Volume;
use node::{Capacity, NodeState};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
pub use worker::Worker;

/// Something of a kubelet is due.
#[derive(Clone)]
pub struct KubeletTimer {
    node: Arc<str>,
    what: Due,
}

#[derive(Clone)]
enum Due {
    /// A pod's worker, by the pod's UID.
    Pod(Arc<str>),
    Register,
    Ready,
    Lease,
    /// Source objects of mounted volumes changed.
    Volumes(Arc<str>),
}

/// Every kubelet of the cluster, and the pods they run.
#[derive(Clone, Default)]
pub struct Kubelets {
    pub nodes: BTreeMap<Arc<str>, NodeState>,
    pub(crate) workers: BTreeMap<Arc<str>, Worker>,
    /// Pods by address, for the network.
    pub(crate) by_ip: BTreeMap<String, Arc<str>>,
    roots: BTreeMap<String, Volume>,
    config: Option<Arc<Config>>,
    waiting_for_world: BTreeSet<Arc<str>>,
}

/// Node leases are renewed this far apart; the node's status is reported every fifth time.
const LEASES_PER_REPORT: u64 = 30;

impl Kubelets {
    pub fn new(config: &Config, now: Time, agenda: &mut Agenda) -> Self {
        let mut this = Self { config: Some(Arc::new(config.clone())), ..Self::default() };
        for i in 0..config.nodes {
            let name = if i == 0 { config.name.clone() } else { format!("{}-m{:02}", config.name, i + 1) };
            this.add_node(&name, config.capacity.clone(), now, agenda);
        }
        this
    }

    /// A new machine joins: its kubelet registers it.
    pub fn add_node(&mut self, name: &str, capacity: Capacity, now: Time, agenda: &mut Agenda) {
        let Some(config) = &self.config else { return };
        let index = (0..).find(|i| self.nodes.values().all(|n| n.index != *i)).unwrap_or(0);
        let node = NodeState::new(name, index, capacity, config.seed);
        let name = Arc::clone(&node.name);
        self.nodes.insert(Arc::clone(&name), node);
        agenda.at(now, Weight::Work, Timer::Kubelet(KubeletTimer { node: name, what: Due::Register }));
    }

    /// Stops or starts a node's machine. A stopped node says nothing more; its pods stay as they were last seen.
    pub fn set_up(&mut self, name: &str, up: bool, now: Time, agenda: &mut Agenda) {
        let Some(node) = self.nodes.get_mut(name) else { return };
        node.up = up;
        if up {
            let node = Arc::clone(&node.name);
            for worker in self.workers.values_mut().filter(|w| w.node == node) {
                worker.wake = None;
                worker.resync(now);
            }
            agenda.at(now, Weight::Work, Timer::Kubelet(KubeletTimer { node: Arc::clone(&node), what: Due::Ready }));
            if let Some(state) = self.nodes.get_mut(&node) {
                state.lease_at = now + latency::NODE_LEASE;
                let timer = KubeletTimer { node: Arc::clone(&node), what: Due::Lease };
                agenda.at(state.lease_at, Weight::Background, Timer::Kubelet(timer));
            }
            let uids: Vec<_> = self.workers.values().filter(|w| w.node == node).map(|w| Arc::clone(&w.uid)).collect();
            for uid in uids {
                agenda.at(
                    now,
                    Weight::Work,
                    Timer::Kubelet(KubeletTimer { node: Arc::clone(&node), what: Due::Pod(uid) }),
                );
            }
        }
    }

    pub fn observe(&mut self, change: &Change, api: &ApiServer, agenda: &mut Agenda) {
        match change.kind {
            KindId::POD => self.observe_pod(change, api, agenda),
            KindId::CONFIG_MAP | KindId::SECRET if change.verb == Verb::Modified => {
                self.observe_source(change, api, agenda)
            }
            KindId::NODE if change.verb == Verb::Deleted => {
                let gone = change.object.meta().name.as_deref().unwrap_or_default();
                self.workers.retain(|_, w| &*w.node != gone);
            }
            _ => {}
        }
    }

    fn observe_pod(&mut self, change: &Change, api: &ApiServer, agenda: &mut Agenda) {
        let Some(pod) = view::<Pod>(&*change.object) else { return };
        let Some(uid) = pod.metadata.uid.as_deref() else { return };
        if change.verb == Verb::Deleted {
            if let Some(worker) = self.workers.remove(uid) {
                self.by_ip.remove(&worker.pod_ip);
                if let Some(node) = self.nodes.get_mut(&worker.node) {
                    node.give_back_ip(&worker.pod_ip);
                }
            }
            return;
        }
        if let Some(worker) = self.workers.get_mut(uid) {
            let Some(pod) = cast::<Pod>(&change.object) else { return };
            if worker.update(pod, !change.writer.starts_with("kubelet"), api.now) {
                schedule(worker, api.now, agenda);
            }
            return;
        }
        let Some(node) = pod.spec.as_ref().and_then(|s| s.node_name.as_deref()) else { return };
        let mirror = pod.metadata.annotations.as_ref().is_some_and(|a| a.contains_key("kubernetes.io/config.mirror"));
        if !self.nodes.contains_key(node) || mirror {
            return;
        }
        let Some(pod) = cast::<Pod>(&change.object) else { return };
        let finished = pod.status.as_ref().is_some_and(|s| matches!(s.phase.as_deref(), Some("Succeeded" | "Failed")));
        if finished && pod.metadata.deletion_timestamp.is_none() {
            return;
        }
        let mut worker = Worker::new(pod, api.now);
        schedule(&mut worker, api.now, agenda);
        self.workers.insert(Arc::clone(&worker.uid), worker);
    }

    /// A ConfigMap or Secret changed: mounted copies follow after the kubelet's refresh period.
    fn observe_source(&mut self, change: &Change, api: &ApiServer, agenda: &mut Agenda) {
        let ns = change.object.meta().namespace.as_deref().unwrap_or_default();
        for worker in self.workers.values().filter(|w| w.namespace() == ns && !w.volumes.is_empty()) {
            let timer = KubeletTimer { node: Arc::clone(&worker.node), what: Due::Volumes(Arc::clone(&worker.uid)) };
            agenda.at(api.now + latency::VOLUME_REFRESH, Weight::Background, Timer::Kubelet(timer));
        }
    }

    pub fn fire(&mut self, timer: KubeletTimer, cx: &mut Ctx<'_>) {
        let now = cx.api.now;
        let Some(config) = self.config.clone() else { return };
        let Some(node) = self.nodes.get_mut(&timer.node) else { return };
        if !node.up {
            return;
        }
        let writer = Writer::new(&format!("kubelet {}", node.name));
        let again = |what| Timer::Kubelet(KubeletTimer { node: Arc::clone(&timer.node), what });
        match timer.what {
            Due::Register => {
                node.register(cx.api, &config, &writer);
                node.renew_lease(cx.api, &writer);
                cx.agenda.at(now + node::NETWORK_UP, Weight::Work, again(Due::Ready));
                node.lease_at = now + latency::NODE_LEASE;
                cx.agenda.at(node.lease_at, Weight::Background, again(Due::Lease));
            }
            Due::Ready => {
                node.report(cx.api, &config, &writer, true);
                node.renew_lease(cx.api, &writer);
            }
            Due::Lease if node.lease_at != now => {}
            Due::Lease => {
                node.renew_lease(cx.api, &writer);
                if (now.secs().unsigned_abs() / 10).is_multiple_of(LEASES_PER_REPORT) {
                    node.report(cx.api, &config, &writer, true);
                }
                node.lease_at = now + latency::NODE_LEASE;
                cx.agenda.at(node.lease_at, Weight::Background, again(Due::Lease));
            }
            Due::Pod(uid) => self.turn(&uid, cx, &writer),
            Due::Volumes(uid) => {
                if let (Some(worker), Some(node)) = (self.workers.get_mut(&uid), self.nodes.get(&timer.node)) {
                    worker.refresh_volumes(cx.api, node);
                }
            }
        }
    }

    /// One turn of a pod's worker, and of the machines in its containers.
    fn turn(&mut self, uid: &Arc<str>, cx: &mut Ctx<'_>, writer: &Writer) {
        let now = cx.api.now;
        match self.workers.get_mut(uid) {
            Some(w) if w.wake.is_none_or(|t| t <= now) => w.wake = None,
            _ => return,
        }
        self.run_machines(uid, cx);
        let mut had_ip = false;
        let plain = self.with_site(uid, cx, writer, |worker, site| {
            had_ip = !worker.pod_ip.is_empty();
            worker.turn(site);
            worker.is_plain()
        });
        if plain == Some(false) {
            self.probe_due(uid, cx, writer);
            self.finish_tasks(uid, cx, writer);
            self.with_site(uid, cx, writer, |worker, site| worker.turn(site));
        }
        if let Some(worker) = self.workers.get_mut(uid) {
            if !had_ip && !worker.pod_ip.is_empty() {
                self.by_ip.insert(worker.pod_ip.clone(), Arc::clone(uid));
            }
            schedule(worker, now, cx.agenda);
        }
    }

    fn with_site<R>(
        &mut self,
        uid: &str,
        cx: &mut Ctx<'_>,
        writer: &Writer,
        act: impl FnOnce(&mut Worker, &mut worker::Site<'_, '_>) -> R,
    ) -> Option<R> {
        let worker = self.workers.get_mut(uid)?;
        let node = self.nodes.get_mut(&worker.node)?;
        // The borrow of the context is shortened to this call.
        let mut cx = Ctx {
            api: cx.api,
            agenda: cx.agenda,
            recorder: cx.recorder,
            images: cx.images,
            network: cx.network,
            writer: writer.clone(),
        };
        let mut site = worker::Site { node, cx: &mut cx, writer, roots: &mut self.roots };
        Some(act(worker, &mut site))
    }

    /// The world outside changed: wakes the machines that wait for that.
    pub fn world_changed(&mut self, now: Time, agenda: &mut Agenda) {
        for uid in core::mem::take(&mut self.waiting_for_world) {
            let Some(worker) = self.workers.get_mut(&uid) else { continue };
            for c in &mut worker.containers {
                if let Some(machine) = &mut c.machine {
                    machine.world_changed();
                    c.machine_wake = Some(now);
                }
            }
            schedule(worker, now, agenda);
        }
    }

    /// Asks for a turn of a pod now (after an exec, a request that wrote to a log …).
    pub(crate) fn poke(&mut self, uid: &str, now: Time, agenda: &mut Agenda) {
        if let Some(worker) = self.workers.get_mut(uid) {
            schedule(worker, now, agenda);
        }
    }
}

/// Puts the worker's next wake into the agenda, unless an earlier one is there.
fn schedule(worker: &mut Worker, now: Time, agenda: &mut Agenda) {
    let Some((at, work)) = worker.next_wake() else { return };
    let at = at.max(now);
    if worker.wake.is_some_and(|t| t <= at) {
        return;
    }
    worker.wake = Some(at);
    let weight = if work { Weight::Work } else { Weight::Background };
    let timer = KubeletTimer { node: Arc::clone(&worker.node), what: Due::Pod(Arc::clone(&worker.uid)) };
    agenda.at(at, weight, Timer::Kubelet(timer));
}

/// The host name that a pod's containers see.
pub fn hostname(pod: &Pod) -> &str {
    let of_spec = pod.spec.as_ref().and_then(|s| s.hostname.as_deref()).filter(|h| !h.is_empty());
    of_spec.or(pod.metadata.name.as_deref()).unwrap_or_default()
}

/// `docker.io/library/nginx:1.21.6`: how the runtime names the image of a running container.
fn image_name(spec: &Spec, image: &Image) -> String {
    let text = spec.image.as_deref().unwrap_or_default();
    let _ = image;
    crate::images::reference::Reference::parse(text).map_or_else(|_| text.to_owned(), |r| r.to_string())
}

fn image_id(spec: &Spec, image: &Image) -> String {
    let text = spec.image.as_deref().unwrap_or_default();
    let name = crate::images::reference::Reference::parse(text).map_or_else(|_| text.to_owned(), |r| r.name());
    format!("{name}@{}", image.digest)
}

/// Whether a node's object says Ready.
pub fn is_ready(node: &Node) -> bool {
    node.status.iter().flat_map(|s| s.conditions.iter().flatten()).any(|c| c.type_ == "Ready" && c.status == "True")
}

/// Longest a probe command may take beyond its own timeout before the worker looks again.
const TASK_SLACK: Duration = Duration::from_millis(1);
