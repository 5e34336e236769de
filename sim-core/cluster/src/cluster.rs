//! One cluster: its parts, and the loop in which its time passes.

use crate::clock::{Agenda, Timer};
use crate::controllers::ControllerManager;
use crate::images::Images;
use crate::kubelet::Kubelets;
use crate::kubelet::node::Capacity;
use crate::kubelet::streams::NodeStream;
use crate::network::{Network, Wires};
use crate::recorder::Recorder;
use crate::scheduler::Scheduler;
use apimachinery::http::{Request, Response, StreamId};
use apimachinery::time::{Duration, Time};
use apiserver::{ApiServer, KindId, Outcome, Writer};
use k8s_openapi::api::core::v1::Pod;
use machine::host::Exchange;
use std::collections::BTreeMap;

/// What a cluster is told at its birth.
#[derive(Clone, Debug)]
pub struct Config {
    pub seed: u64,
    /// Version that the cluster reports: `v1.36.2`.
    pub version: String,
    /// How many nodes; the first is the control plane.
    pub nodes: u32,
    /// Name of the first node; further ones are `<name>-m02` …
    pub name: String,
    /// What each node offers pods.
    pub capacity: Capacity,
    /// The instant at which the cluster begins to boot.
    pub start: Time,
    /// Whether kube-system shows the pods that a minikube has (coredns, etcd, kube-proxy …).
    pub system_pods: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            seed: 1,
            version: "v1.36.2".into(),
            nodes: 1,
            name: "minikube".into(),
            capacity: Capacity::default(),
            start: Time::START,
            system_pods: true,
        }
    }
}

/// What a component may touch while it acts.
pub struct Ctx<'a> {
    pub api: &'a mut ApiServer,
    pub agenda: &'a mut Agenda,
    pub recorder: &'a mut Recorder,
    pub images: &'a mut Images,
    pub network: &'a mut Network,
    /// In whose name, and because of which revision.
    pub writer: Writer,
}

#[derive(Clone)]
pub struct Cluster {
    pub api: ApiServer,
    pub config: Config,
    agenda: Agenda,
    /// Everything up to this revision has been shown to the components.
    dispatched: u64,
    controllers: ControllerManager,
    scheduler: Scheduler,
    pub(crate) kubelets: Kubelets,
    pub(crate) network: Network,
    recorder: Recorder,
    /// Conversations that kubelets hold.
    pub(crate) streams: BTreeMap<StreamId, NodeStream>,
    /// Registries and their images: the world outside, as the nodes see it.
    pub images: Images,
}

/// A larger cluster has a registry mirror of its own.
const NODES_WITHOUT_MIRROR_MAX: u32 = 16;

/// Bound on one `settle`, in steps, so that a cluster that never rests is given back.
const SETTLE_STEPS_MAX: usize = 50_000_000;

impl Cluster {
    /// A cluster that has just booted: system namespaces, nodes registering. Let it run to see nodes become Ready.
    pub fn new(config: Config) -> Self {
        let api_config =
            apiserver::Config { seed: config.seed, version: config.version.clone(), ..apiserver::Config::default() };
        let mut api = ApiServer::new(api_config, config.start);
        let booted = crate::boot::boot(&mut api, &config);
        debug_assert!(booted.is_ok(), "an empty server takes a fresh cluster's objects: {booted:?}");
        let mut agenda = Agenda::default();
        let kubelets = Kubelets::new(&config, api.now, &mut agenda);
        // Nobody runs this many nodes behind one anonymous account of a public registry.
        let images = Images { mirrored: config.nodes > NODES_WITHOUT_MIRROR_MAX, ..Images::default() };
        Self {
            api,
            agenda,
            dispatched: 0,
            controllers: ControllerManager::default(),
            scheduler: Scheduler::default(),
            kubelets,
            network: Network::default(),
            recorder: Recorder::default(),
            streams: BTreeMap::new(),
            images,
            config,
        }
    }

    pub fn now(&self) -> Time {
        self.api.now
    }

    /// What the scheduler last thought about the pod with this uid.
    pub fn explain(&self, uid: &str) -> Option<&crate::scheduler::Decision> {
        self.scheduler.explain(uid)
    }

    /// When something will next happen by itself.
    pub fn next_due(&mut self) -> Option<Time> {
        self.dispatch();
        self.agenda.next_due()
    }

    /// Shows new log entries to every component.
    fn dispatch(&mut self) {
        while self.dispatched < self.api.storage.revision() {
            let changes: Vec<_> = self.api.storage.changes_after(self.dispatched).cloned().collect();
            self.dispatched = self.api.storage.revision();
            for change in &changes {
                self.controllers.observe(change, &self.api, &mut self.agenda);
                self.scheduler.observe(change, &self.api, &mut self.agenda);
                self.kubelets.observe(change, &self.api, &mut self.agenda);
            }
        }
    }

    /// Takes the next thing due at or before `until`; false if there is none.
    pub fn step(&mut self, until: Time) -> bool {
        self.dispatch();
        let Some((due, timer)) = self.agenda.take(until) else { return false };
        self.api.now = self.api.now.max(due);
        let mut cx = Ctx {
            api: &mut self.api,
            agenda: &mut self.agenda,
            recorder: &mut self.recorder,
            images: &mut self.images,
            network: &mut self.network,
            writer: Writer::new(""),
        };
        match timer {
            Timer::Controller(t) => self.controllers.fire(t, &mut cx),
            Timer::Scheduler(t) => self.scheduler.fire(t, &mut cx),
            Timer::Kubelet(t) => self.kubelets.fire(t, &mut cx),
        }
        true
    }

    /// Lets time pass up to `t`.
    pub fn run_until(&mut self, t: Time) {
        while self.step(t) {}
        self.api.now = self.api.now.max(t);
    }

    /// Runs until nothing but heartbeats is left to do, at most for `limit` of virtual time; false if still busy then.
    pub fn settle(&mut self, limit: Duration) -> bool {
        let end = self.api.now + limit;
        for _ in 0..SETTLE_STEPS_MAX {
            self.dispatch();
            if self.agenda.work() == 0 {
                return true;
            }
            if !self.step(end) {
                break;
            }
        }
        false
    }

    /// The one door of the cluster.
    pub fn handle(&mut self, request: Request) -> Response {
        match self.api.handle(request) {
            Outcome::Done(response) => response,
            Outcome::Node(request) => self.node_request(*request),
        }
    }

    /// What `kubectl get pods` says of a pod under STATUS.
    pub fn pod_status_word(&self, pod: &Pod) -> String {
        let kind = self.api.kind(KindId::POD);
        let column = kind.columns().iter().position(|c| c.name == "Status");
        let cells = kind.cells(pod, self.api.now);
        column.and_then(|i| cells.get(i)?.as_str().map(str::to_owned)).unwrap_or_default()
    }

    /// How much of the image it waits for a pod has, from 0 to 1; `None` when it pulls none.
    pub fn pull_progress(&self, uid: &str) -> Option<f32> {
        self.kubelets.worker(uid)?.pull_progress(self.api.now)
    }

    /// Requests that the network has carried, the newest last.
    pub fn traces(&self) -> impl DoubleEndedIterator<Item = &crate::network::Trace> {
        self.network.traces()
    }

    /// A request from outside to an address of the nodes' network.
    pub fn http_from_outside(&mut self, scheme: &str, host: &str, port: u16, request: Request) -> Exchange {
        let mut wires = Wires { api: &mut self.api, kubelets: &mut self.kubelets };
        self.network.http_from_outside(&mut wires, scheme, host, port, request)
    }

    /// A request to a port of a pod, as `kubectl port-forward` carries it.
    pub fn http_to_pod(&mut self, namespace: &str, pod: &str, port: u16, request: Request) -> Exchange {
        let mut wires = Wires { api: &mut self.api, kubelets: &mut self.kubelets };
        self.network.http_to_pod(&mut wires, namespace, pod, port, request)
    }

    /// Stops or starts a node's machine.
    pub fn set_node_up(&mut self, name: &str, up: bool) {
        self.kubelets.set_up(name, up, self.api.now, &mut self.agenda);
    }

    /// Adds a machine to the cluster; its kubelet registers it.
    pub fn add_node(&mut self, name: &str, capacity: Capacity) {
        self.kubelets.add_node(name, capacity, self.api.now, &mut self.agenda);
    }

    /// Something outside the cluster happened that commands in containers may wait for.
    pub fn world_changed(&mut self) {
        self.kubelets.world_changed(self.api.now, &mut self.agenda);
    }

    /// The kubelets, and what a component may touch: for requests that nodes answer.
    pub(crate) fn parts(&mut self) -> (&mut Kubelets, Ctx<'_>) {
        let cx = Ctx {
            api: &mut self.api,
            agenda: &mut self.agenda,
            recorder: &mut self.recorder,
            images: &mut self.images,
            network: &mut self.network,
            writer: Writer::new(""),
        };
        (&mut self.kubelets, cx)
    }
}
