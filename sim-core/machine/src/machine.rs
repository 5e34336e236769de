//! One machine: its files, users, programs and processes, and the loop that gives processes their turns.
//!
//! Nothing here draws or reaches out: whoever owns the machine feeds its terminals, calls [`Machine::run`] and takes what
//! was shown. Invariants: every turn is bounded; a machine is a value and can be cloned between turns.

pub mod descriptors;
mod io;
mod procfs;
mod sessions;
pub mod table;
pub mod tty;

use crate::fs::Fs;
use crate::host::Host;
use crate::process::{Ctx, Open, Pid, Signal, Step, Wake};
use apimachinery::rng::Rng;
use apimachinery::time::Time;
use descriptors::{Descriptors, PIPE_BYTES_MAX};
pub use sessions::{SessionId, Start};
use std::collections::BTreeMap;
use table::{Entry, Environment, Status};
use tty::Tty;

/// A terminal of the machine: one tab, one `exec -t`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TtyId(pub u32);

/// Whose words the tools speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tools {
    Gnu,
    Busybox,
}

/// Which shell `sh` is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShellKind {
    Bash,
    Ash,
    Dash,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Personality {
    pub tools: Tools,
    pub sh: ShellKind,
}

/// What a machine is up to after its turns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MachineState {
    /// The budget ran out; call again at the same instant.
    Busy,
    /// Everybody waits: till `until` if anyone waits for an instant; `world` if anyone waits for news from outside (call
    /// [`Machine::world_changed`] when there are some); always for input and signals.
    Idle { until: Option<Time>, world: bool },
}

/// A machine and everything that runs in it.
#[derive(Clone)]
pub struct Machine {
    /// How the world knows it (the `machine` argument of [`Host`]'s calls).
    pub id: String,
    pub hostname: String,
    pub fs: Fs,
    pub personality: Personality,
    /// The environment that sessions start with.
    pub env: Environment,
    pub kernel: &'static str,
    pub booted: Time,
    pub cpus: u32,
    pub memory_bytes: u64,
    pub rng: Rng,
    pub(crate) descriptors: Descriptors,
    ttys: BTreeMap<TtyId, Tty>,
    processes: BTreeMap<Pid, Entry>,
    sessions: BTreeMap<SessionId, sessions::Session>,
    last_pid: u32,
    last_id: u32,
    world_changes: u64,
    next_turn: Pid,
}

impl Machine {
    pub fn new(id: impl Into<String>, hostname: impl Into<String>, fs: Fs) -> Self {
        let id = id.into();
        Self {
            rng: Rng::derive(0, "machine", &id, 0),
            id,
            hostname: hostname.into(),
            fs,
            personality: Personality { tools: Tools::Gnu, sh: ShellKind::Bash },
            env: Environment::default(),
            kernel: "6.12.8-kaiki",
            booted: Time::START,
            cpus: 2,
            memory_bytes: 8 << 30,
            descriptors: Descriptors::default(),
            ttys: BTreeMap::new(),
            processes: BTreeMap::new(),
            sessions: BTreeMap::new(),
            last_pid: 0,
            last_id: 0,
            world_changes: 0,
            next_turn: Pid(0),
        }
    }

    pub fn set_env(&mut self, name: &str, value: &str) {
        std::sync::Arc::make_mut(&mut self.env).insert(name.to_owned(), value.to_owned());
    }

    /// Numbers of processes start after this one: on a laptop that has booted, the first command is not number 1.
    pub fn set_last_pid(&mut self, pid: u32) {
        self.last_pid = pid;
    }

    /// Wakes those who wait for news from outside.
    pub fn world_changed(&mut self) {
        self.world_changes += 1;
    }

    /// Gives processes turns till all wait or `budget` turns are used.
    pub fn run(&mut self, host: &mut dyn Host, budget: u32) -> MachineState {
        self.fs.now = host.now();
        for _ in 0..budget {
            let Some(pid) = self.next_ready(self.fs.now) else { return self.idle() };
            self.turn(pid, host);
        }
        if self.next_ready(self.fs.now).is_some() { MachineState::Busy } else { self.idle() }
    }

    fn idle(&self) -> MachineState {
        let mut until: Option<Time> = None;
        let mut world = false;
        for p in self.processes.values() {
            let at = match &p.status {
                Status::Waiting(Wake::At(t) | Wake::InputUntil(t) | Wake::ChildUntil(_, t)) => Some(*t),
                Status::Waiting(Wake::World { until }) => {
                    world = true;
                    *until
                }
                Status::Waiting(Wake::InputOrWorld) => {
                    world = true;
                    None
                }
                _ => None,
            };
            until = match (until, at) {
                (Some(a), Some(b)) => Some(a.min(b)),
                (a, b) => a.or(b),
            };
        }
        MachineState::Idle { until, world }
    }

    /// Round robin over those who can run.
    fn next_ready(&mut self, now: Time) -> Option<Pid> {
        let from = self.next_turn;
        let ready = |p: &&Entry| self.is_ready(p, now);
        let pid = self
            .processes
            .range(from..)
            .map(|(_, p)| p)
            .find(ready)
            .or_else(|| self.processes.range(..from).map(|(_, p)| p).find(ready))?
            .pid;
        self.next_turn = Pid(pid.0 + 1);
        Some(pid)
    }

    fn is_ready(&self, p: &Entry, now: Time) -> bool {
        match &p.status {
            Status::Ended(_) | Status::Stopped => false,
            _ if !p.pending.is_empty() => true,
            _ if self.output_is_full(p) => false,
            Status::Ready => true,
            Status::Waiting(wake) => match wake {
                Wake::At(t) => now >= *t,
                Wake::Input => self.can_read(p, 0),
                Wake::Fd(fd) => self.can_read(p, *fd),
                Wake::InputUntil(t) => now >= *t || self.can_read(p, 0),
                Wake::World { until } => p.world_seen != self.world_changes || until.is_some_and(|t| now >= t),
                Wake::InputOrWorld => p.world_seen != self.world_changes || self.can_read(p, 0),
                Wake::Child(pid) => self.has_paused(*pid),
                Wake::ChildUntil(pid, t) => now >= *t || self.has_paused(*pid),
                Wake::AnyChild => {
                    let mut children = self.processes.values().filter(|c| c.parent == p.pid).peekable();
                    children.peek().is_none() || children.any(|c| matches!(c.status, Status::Ended(_)))
                }
            },
        }
    }

    fn has_paused(&self, pid: Pid) -> bool {
        self.processes.get(&pid).is_none_or(|c| matches!(c.status, Status::Ended(_) | Status::Stopped))
    }

    /// Whether whoever reads what it writes is behind.
    fn output_is_full(&self, p: &Entry) -> bool {
        [1, 2].iter().any(|fd| match p.fds.get(fd).and_then(|id| self.descriptors.get(*id)) {
            Some(Open::PipeOut(pipe)) => {
                self.descriptors.pipe_of(*pipe).is_some_and(|p| p.readers > 0 && p.bytes.len() >= PIPE_BYTES_MAX)
            }
            Some(Open::Tty(tty)) => self.ttys.get(tty).is_some_and(|t| t.output.len() >= tty::OUTPUT_BYTES_MAX),
            _ => false,
        })
    }

    /// One turn of one process, with what its pending signals do to it.
    fn turn(&mut self, pid: Pid, host: &mut dyn Host) {
        let Some(p) = self.processes.get_mut(&pid) else { return };
        let Some(mut body) = p.body.take() else { return };
        p.turns += 1;
        p.world_seen = self.world_changes;
        p.status = Status::Ready;
        let signalled = !p.pending.is_empty();
        let step = body.step(&mut Ctx { machine: self, host, pid });
        let Some(p) = self.processes.get_mut(&pid) else { return };
        if matches!(p.status, Status::Ended(_)) {
            return; // it killed itself
        }
        if p.body.is_none() {
            p.body = Some(body);
        }
        if let Step::Exit(code) = step {
            return self.end(pid, code);
        }
        // What it did not ask about takes its default course; number 1 is spared, as on Linux.
        let fatal = p.pending.first().copied().filter(|s| signalled || *s == Signal::Pipe);
        if let Some(signal) = fatal {
            p.pending.clear();
            if pid != Pid(1) {
                return self.end(pid, 128 + signal.number());
            }
        }
        if p.status == Status::Ready {
            p.status = match step {
                Step::Wait(wake) => Status::Waiting(wake),
                _ => Status::Ready,
            };
        }
    }
}

impl Default for Machine {
    fn default() -> Self {
        Self::new("machine", "localhost", Fs::default())
    }
}
