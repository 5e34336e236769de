//! The world: one laptop, what is outside it, and the loop in which their time passes.

use crate::laptop::{self, StartState};
use crate::outside::Outside;
use crate::tabs::Tabs;
use apimachinery::time::{Duration, Time};
use cluster::Cluster;
use machine::machine::{Machine, MachineState};

/// How a world begins.
#[derive(Clone, Debug)]
pub struct WorldConfig {
    /// Every name, delay and choice follows from it.
    pub seed: u64,
    pub start: Time,
    pub start_state: StartState,
    /// Version of the cluster that is there from the start.
    pub version: String,
    /// How many nodes it has.
    pub nodes: u32,
    /// Whether kube-system shows the cluster's own pods.
    pub system_pods: bool,
}

impl Default for WorldConfig {
    fn default() -> Self {
        Self {
            seed: 1,
            start: Time::START,
            start_state: StartState::Ready,
            version: "v1.36.2".into(),
            nodes: 1,
            system_pods: true,
        }
    }
}

#[derive(Clone)]
pub struct World {
    pub laptop: Machine,
    pub outside: Outside,
    pub(crate) tabs: Tabs,
    /// When the laptop wants its next turn, as it said last.
    idle: Option<MachineState>,
    /// Somebody who never rests has had its share until then.
    rests_until: Option<Time>,
    /// The cluster's revision that the laptop's programs have been woken for.
    seen: u64,
}

/// Turns of processes in one burst.
const TURNS: u32 = 512;
/// Bursts at one instant before time moves on regardless: a world whose parts keep waking each other does not stop.
const BURSTS_AT_ONE_INSTANT_MAX: usize = 64;
/// Bursts that somebody who never rests gets at one instant …
const BUSY_BURSTS_MAX: usize = 2;
/// … and how long it then waits for the next: its share of the processor, so that a page that shows it stays alive.
const BURST: Duration = Duration::from_millis(20);

impl World {
    pub fn new(config: &WorldConfig) -> Self {
        let mut outside = Outside::new(config.seed, config.start);
        outside.minikube.system_pods = config.system_pods;
        let mut laptop = laptop::build(config.start_state, config.start);
        if config.start_state == StartState::Ready {
            outside.system.start("docker");
            crate::minikube::preset(&mut outside, &mut laptop, &config.version, config.nodes);
        }
        Self { laptop, outside, tabs: Tabs::default(), idle: None, rests_until: None, seen: 0 }
    }

    pub fn now(&self) -> Time {
        self.outside.now
    }

    /// Ports of the laptop that lead into a cluster (`kubectl port-forward`).
    pub fn forwards(&self) -> impl Iterator<Item = (u16, &machine::host::ForwardTarget)> {
        self.outside.forwards()
    }

    /// The cluster that kubectl's current context points at, if it runs.
    pub fn cluster(&self) -> Option<&Cluster> {
        self.outside.minikube.current().filter(|p| p.running).and_then(|p| p.cluster.as_deref())
    }

    pub fn cluster_mut(&mut self) -> Option<&mut Cluster> {
        self.outside.minikube.current_mut().filter(|p| p.running).and_then(|p| p.cluster.as_deref_mut())
    }

    /// Something was typed or started: the laptop gets its turns without time passing.
    pub fn poke(&mut self) {
        self.laptop.world_changed();
        self.idle = None;
        self.rests_until = None;
        self.turns();
    }

    /// Gives the laptop and all containers turns at this instant, unless they have had their share of it.
    fn turns(&mut self) {
        if self.rests_until.is_some_and(|t| self.now() < t) {
            return;
        }
        self.rests_until = None;
        let mut busy = 0;
        for _ in 0..BURSTS_AT_ONE_INSTANT_MAX {
            self.outside.run_containers();
            let revision = self.outside.revision();
            if revision != self.seen {
                self.seen = revision;
                self.laptop.world_changed();
            }
            let state = self.laptop.run(&mut self.outside, TURNS);
            self.reboot_if_asked();
            self.idle = Some(state);
            if state == MachineState::Busy || self.outside.containers_busy() {
                busy += 1;
                if busy == BUSY_BURSTS_MAX {
                    self.rests_until = Some(self.now() + BURST);
                    return;
                }
            } else if self.outside.revision() == self.seen {
                return;
            }
        }
    }

    /// When the next thing is due.
    pub fn next_event(&mut self) -> Option<Time> {
        let laptop = match self.idle {
            Some(MachineState::Idle { until, .. }) => until,
            Some(MachineState::Busy) => Some(self.rests_until.unwrap_or(self.now() + BURST)),
            None => Some(self.now()),
        };
        [laptop, self.outside.next_due()].into_iter().flatten().min()
    }

    /// Lets everything happen that is due up to and including `until`.
    pub fn run_until(&mut self, until: Time) {
        // Whoever owns the world may have typed or started something since.
        self.turns();
        while let Some(at) = self.next_event().filter(|at| *at <= until) {
            self.step_to(at);
        }
        self.step_to(until.max(self.now()));
    }

    /// Takes the next thing due at or before `limit`; false when there is none.
    pub fn step(&mut self, limit: Time) -> bool {
        if self.idle.is_none() {
            self.turns();
        }
        match self.next_event().filter(|at| *at <= limit) {
            Some(at) => {
                self.step_to(at);
                true
            }
            None => false,
        }
    }

    fn step_to(&mut self, at: Time) {
        self.outside.advance(at);
        let due = match self.idle {
            Some(MachineState::Idle { until, world }) => {
                until.is_some_and(|t| t <= self.now()) || world && self.outside.revision() != self.seen
            }
            _ => true,
        };
        if due || self.outside.containers_due() {
            self.turns();
        }
    }

    fn reboot_if_asked(&mut self) {
        if std::mem::take(&mut self.outside.system.reboot) {
            self.reboot();
        }
    }

    /// Ends everything on the laptop and boots it: services that are enabled start, groups are read anew.
    fn reboot(&mut self) {
        let ttys = self.tabs.ttys();
        for tty in &ttys {
            self.laptop.close_tty(*tty);
        }
        let pids: Vec<_> = self.laptop.processes().map(|p| p.pid).collect();
        for pid in pids {
            self.laptop.signal(pid, machine::process::Signal::Kill);
        }
        self.outside.power_cycle();
        self.laptop.booted = self.outside.now;
        self.laptop.set_last_pid(laptop::FIRST_PID);
        self.tabs.restart(&mut self.laptop);
        self.idle = None;
    }
}
