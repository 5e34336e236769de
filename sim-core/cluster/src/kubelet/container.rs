//! One container as the runtime on a node knows it: what it runs, how it ended, what it wrote.
//!
//! Models: containerd behind the CRI. No restart decisions here: those are the pod worker's.

use super::logs::Log;
use super::probes::{ProbeKind, Probes};
use crate::images::image::Image;
use crate::images::process::NativeProcess;
use apimachinery::time::{Duration, Time};
use machine::machine::{Machine, SessionId};
use std::sync::Arc;

/// Where a container stands among its pod's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    Init,
    /// An init container with `restartPolicy: Always`.
    Sidecar,
    Regular,
}

/// How a container ended.
#[derive(Clone, Debug, PartialEq)]
pub struct Ended {
    pub started: Time,
    pub finished: Time,
    pub code: i32,
    /// `Completed`, `Error`, `OOMKilled`, `StartError` …
    pub reason: &'static str,
    pub message: String,
    pub id: String,
}

#[derive(Clone)]
pub enum State {
    /// The runtime has never heard of it.
    None,
    Running {
        since: Time,
    },
    Ended(Ended),
}

/// Why the last attempt to start failed: shown as the waiting reason until the next sync that gets further.
#[derive(Clone, Debug, PartialEq)]
pub struct StartFailure {
    pub reason: &'static str,
    pub message: String,
}

/// An exponential back-off with one entry: client-go's `flowcontrol.Backoff` for a single key.
#[derive(Clone, Copy, Debug, Default)]
pub struct Backoff {
    pub current: Duration,
    pub since: Time,
}

impl Backoff {
    /// Whether something that happened at `event` must still wait.
    pub fn holds(&self, event: Time, now: Time) -> bool {
        !self.current.is_zero()
            && event.since(self.since) < crate::latency::CRASH_BACKOFF_MAX * 2
            && now.since(event) < self.current
    }

    /// One more failure counted from `event`.
    pub fn next(&mut self, event: Time, now: Time) {
        use crate::latency::{CRASH_BACKOFF, CRASH_BACKOFF_MAX};
        let expired = event.since(self.since) > CRASH_BACKOFF_MAX * 2;
        self.current =
            if self.current.is_zero() || expired { CRASH_BACKOFF } else { (self.current * 2).min(CRASH_BACKOFF_MAX) };
        self.since = now;
    }
}

/// What a command that the kubelet runs in a container is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    Probe(ProbeKind),
    PostStart,
    PreStop,
}

/// A command of the kubelet's own that runs in the container.
#[derive(Clone, Debug)]
pub struct Task {
    pub purpose: Purpose,
    pub session: SessionId,
    pub deadline: Time,
    pub output: Vec<u8>,
}

#[derive(Clone)]
pub struct Container {
    pub role: Role,
    /// Position in the spec's list of its role (init containers and sidecars share one).
    pub index: usize,
    pub state: State,
    /// How the run before the current one ended.
    pub last: Option<Ended>,
    pub restarts: i32,
    pub id: String,
    /// The server that the image brings, where that is what runs.
    pub native: Option<Box<NativeProcess>>,
    /// When `native` next has something to say.
    pub native_wake: Option<Time>,
    /// The container's own small machine, made when a command must run in it.
    pub machine: Option<Box<Machine>>,
    /// The main process in `machine`.
    pub main: Option<SessionId>,
    /// Replaces the main process when it ends well (`sh -c 'prepare && exec nginx'`).
    pub then: Option<Box<NativeProcess>>,
    /// When `machine` wants its next turn.
    pub machine_wake: Option<Time>,
    /// Exec probes and hooks that still run in `machine`.
    pub tasks: Vec<Task>,
    pub env: Vec<(String, String)>,
    pub base: Option<Arc<Image>>,
    pub failure: Option<StartFailure>,
    pub backoff: Backoff,
    pub pull_backoff: Backoff,
    pub pull_failed_at: Option<Time>,
    pub probes: Option<Box<Probes>>,
    /// Passed its startup probe, or has none.
    pub started: bool,
    /// Passes its readiness probe, or has none.
    pub ready: bool,
    pub log: Log,
    pub last_log: Option<Arc<Log>>,
    /// Image as the runtime names it, and its digest form; empty until first started.
    pub image: Arc<str>,
    pub image_id: Arc<str>,
    /// A kill is under way: SIGKILL then.
    pub kill_at: Option<Time>,
    /// Why it is being killed, for the events and the restart count: a failed liveness probe, a deletion …
    pub killed_as: Option<&'static str>,
}

impl Container {
    pub fn new(role: Role, index: usize) -> Self {
        Self {
            role,
            index,
            state: State::None,
            last: None,
            restarts: 0,
            id: String::new(),
            native: None,
            native_wake: None,
            machine: None,
            main: None,
            then: None,
            machine_wake: None,
            tasks: Vec::new(),
            env: Vec::new(),
            base: None,
            failure: None,
            backoff: Backoff::default(),
            pull_backoff: Backoff::default(),
            pull_failed_at: None,
            probes: None,
            started: false,
            ready: false,
            log: Log::default(),
            last_log: None,
            image: "".into(),
            image_id: "".into(),
            kill_at: None,
            killed_as: None,
        }
    }

    pub fn running(&self) -> bool {
        matches!(self.state, State::Running { .. })
    }

    pub fn ended(&self) -> Option<&Ended> {
        match &self.state {
            State::Ended(e) => Some(e),
            State::None | State::Running { .. } => None,
        }
    }

    /// The process is gone.
    pub fn end(&mut self, at: Time, code: i32) {
        let State::Running { since } = self.state else { return };
        let reason = if code == 0 { "Completed" } else { "Error" };
        self.state = State::Ended(Ended {
            started: since,
            finished: at,
            code,
            reason,
            message: String::new(),
            id: self.id.clone(),
        });
        self.native = None;
        self.native_wake = None;
        self.machine = None;
        self.main = None;
        self.then = None;
        self.machine_wake = None;
        self.tasks.clear();
        self.started = false;
        self.ready = false;
        self.kill_at = None;
        self.probes = None;
    }
}
