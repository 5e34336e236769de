//! One cluster: its parts, and the loop in which its time passes.

use crate::clock::{Agenda, Timer};
use crate::controllers::ControllerManager;
use crate::images::Images;
use crate::kubelet::Kubelets;
use crate::kubelet::node::Capacity;
use crate::kubelet::streams::NodeStream;
use crate::network::Network;
use crate::recorder::Recorder;
use crate::scheduler::Scheduler;
use apimachinery::http::{Request, Response, StreamId};
use apimachinery::time::{Duration, Time};
use apiserver::{ApiServer, Outcome, Writer};
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
            images: Images::default(),
            config,
        }
    }

    pub fn now(&self) -> Time {
        self.api.now
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
