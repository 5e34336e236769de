//! The process table: how processes start, what they hold, how they end.

use super::{Machine, TtyId};
use crate::fs::{Body, Cred, FsError};
use crate::process::{OpenId, Pid, Process, Signal, Wake};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Where a process stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Status {
    Ready,
    Waiting(Wake),
    Stopped,
    /// Ended, not yet asked about by its parent.
    Ended(i32),
}

pub type Environment = Arc<BTreeMap<String, String>>;

/// One process as the kernel sees it.
#[derive(Clone)]
pub struct Entry {
    pub pid: Pid,
    pub parent: Pid,
    pub group: u32,
    pub tty: Option<TtyId>,
    pub argv: Vec<String>,
    pub env: Environment,
    pub cwd: String,
    pub cred: Cred,
    pub umask: u16,
    pub fds: BTreeMap<u32, OpenId>,
    pub status: Status,
    pub pending: Vec<Signal>,
    /// Signals that do nothing to it (`nohup`, `trap '' INT`).
    pub ignored: Vec<Signal>,
    pub started: apimachinery::time::Time,
    /// Turns it has had: what `ps` shows as processor time.
    pub turns: u64,
    pub(super) world_seen: u64,
    pub(super) body: Option<Box<dyn Process>>,
}

impl Entry {
    /// What runs from the next turn on.
    pub fn replace(&mut self, body: Box<dyn Process>) {
        self.body = Some(body);
    }
}

/// How a child is to be started; what is left out comes from the parent.
#[derive(Default)]
pub struct Spawn {
    pub argv: Vec<String>,
    pub env: Option<Environment>,
    pub cwd: Option<String>,
    pub cred: Option<Cred>,
    /// Descriptors; each must have been held for the child.
    pub fds: Option<BTreeMap<u32, OpenId>>,
    /// 0: a group of its own.
    pub group: Option<u32>,
    /// The process itself, for a fork; otherwise `argv[0]` is looked up.
    pub body: Option<Box<dyn Process>>,
    pub ignored: Vec<Signal>,
}

impl Spawn {
    pub fn new(argv: Vec<String>) -> Self {
        Self { argv, ..Self::default() }
    }
}

/// How many processes one machine holds.
const PROCESSES_MAX: usize = 512;
const SCRIPT_DEPTH_MAX: usize = 4;
pub const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

impl Machine {
    pub fn process(&self, pid: Pid) -> Option<&Entry> {
        self.processes.get(&pid)
    }

    pub fn process_mut(&mut self, pid: Pid) -> Option<&mut Entry> {
        self.processes.get_mut(&pid)
    }

    pub fn processes(&self) -> impl Iterator<Item = &Entry> {
        self.processes.values()
    }

    /// The file that running `name` would execute.
    pub fn find_program(&self, cred: &Cred, path: Option<&str>, cwd: &str, name: &str) -> Result<String, FsError> {
        if name.contains('/') {
            let full = if name.starts_with('/') { name.to_owned() } else { format!("{cwd}/{name}") };
            let stat = self.fs.stat(cred, &full)?;
            if stat.is_dir() {
                return Err(FsError::PermissionDenied);
            }
            return self.fs.access(cred, &full, 1).map(|()| full);
        }
        let mut found = FsError::NotFound;
        for dir in path.unwrap_or(DEFAULT_PATH).split(':') {
            let full = if dir.is_empty() { format!("{cwd}/{name}") } else { format!("{dir}/{name}") };
            if self.fs.stat(cred, &full).is_ok_and(|s| !s.is_dir()) {
                match self.fs.access(cred, &full, 1) {
                    Ok(()) => return Ok(full),
                    Err(e) => found = e,
                }
            }
        }
        Err(found)
    }

    /// The process that executing `argv` makes: a program's, or an interpreter's for a script.
    fn load(
        &self,
        cred: &Cred,
        env: &Environment,
        cwd: &str,
        argv: &mut Vec<String>,
    ) -> Result<Box<dyn Process>, FsError> {
        for _ in 0..SCRIPT_DEPTH_MAX {
            let name = argv.first().ok_or(FsError::NotFound)?;
            let file = self.find_program(cred, env.get("PATH").map(String::as_str), cwd, name)?;
            match self.fs.body(cred, &file)? {
                Body::Program(program) => {
                    let multi_call = program.name() == "busybox" && !file.ends_with("/busybox");
                    let args = if multi_call { argv.clone() } else { argv[1..].to_vec() };
                    return Ok(program.start(args));
                }
                Body::File(bytes) => {
                    let text = String::from_utf8_lossy(&bytes);
                    let line = text.lines().next().unwrap_or("");
                    let rest = line.strip_prefix("#!").ok_or(FsError::ExecFormat)?;
                    let mut words: Vec<String> = rest.split_whitespace().map(str::to_owned).collect();
                    if words.is_empty() {
                        return Err(FsError::ExecFormat);
                    }
                    words.push(if name.contains('/') { name.clone() } else { file });
                    words.extend(argv.drain(1..));
                    *argv = words;
                }
                _ => return Err(FsError::PermissionDenied),
            }
        }
        Err(FsError::TooManyLinks)
    }

    /// Starts a child of `parent`.
    pub fn spawn_child(&mut self, parent: Pid, spawn: Spawn) -> Result<Pid, FsError> {
        let Spawn { mut argv, env, cwd, cred, fds, group, body, mut ignored } = spawn;
        let from = self.processes.get(&parent).ok_or(FsError::NotFound)?;
        let (env, cwd) = (env.unwrap_or_else(|| from.env.clone()), cwd.unwrap_or_else(|| from.cwd.clone()));
        let cred = cred.unwrap_or_else(|| from.cred.clone());
        let (tty, umask, parent_group) = (from.tty, from.umask, from.group);
        ignored.extend(from.ignored.iter().copied());
        let inherited = fds.is_none();
        let fds = fds.unwrap_or_else(|| from.fds.clone());
        let loaded = match body {
            _ if self.processes.len() >= PROCESSES_MAX => Err(FsError::Again),
            Some(body) => Ok(body),
            None => self.load(&cred, &env, &cwd, &mut argv),
        };
        let body = match loaded {
            Ok(body) => body,
            Err(e) => {
                if !inherited {
                    fds.values().for_each(|id| self.descriptors.release(*id));
                }
                return Err(e);
            }
        };
        if inherited {
            fds.values().for_each(|id| {
                self.descriptors.hold(*id);
            });
        }
        let pid = self.new_pid();
        let group = match group {
            Some(0) => pid.0,
            Some(g) => g,
            None => parent_group,
        };
        self.processes.insert(
            pid,
            Entry {
                pid,
                parent,
                group,
                tty,
                argv,
                env,
                cwd,
                cred,
                umask,
                fds,
                status: Status::Ready,
                pending: Vec::new(),
                ignored,
                started: self.fs.now,
                turns: 0,
                world_seen: self.world_changes,
                body: Some(body),
            },
        );
        Ok(pid)
    }

    /// Replaces what a process runs (`exec`); its descriptors, number and group stay.
    pub fn exec(&mut self, pid: Pid, mut argv: Vec<String>, env: Option<Environment>) -> Result<(), FsError> {
        let p = self.processes.get(&pid).ok_or(FsError::NotFound)?;
        let env = env.unwrap_or_else(|| p.env.clone());
        let body = self.load(&p.cred, &env, &p.cwd, &mut argv)?;
        if let Some(p) = self.processes.get_mut(&pid) {
            p.argv = argv;
            p.env = env;
            p.body = Some(body);
        }
        Ok(())
    }

    pub(super) fn new_pid(&mut self) -> Pid {
        self.last_pid += 1;
        Pid(self.last_pid)
    }

    /// Exit code of a child that has ended; forgets it.
    pub fn reap(&mut self, child: Pid) -> Option<i32> {
        match self.processes.get(&child)?.status {
            Status::Ended(code) => {
                self.processes.remove(&child);
                Some(code)
            }
            _ => None,
        }
    }

    pub(super) fn end(&mut self, pid: Pid, code: i32) {
        let Some(p) = self.processes.get_mut(&pid) else { return };
        p.status = Status::Ended(code);
        p.body = None;
        let (fds, parent) = (core::mem::take(&mut p.fds), p.parent);
        fds.into_values().for_each(|id| self.descriptors.release(id));
        for child in self.processes.values_mut().filter(|c| c.parent == pid) {
            child.parent = Pid(0);
        }
        self.processes.retain(|_, c| c.parent != Pid(0) || !matches!(c.status, Status::Ended(_)) || c.pid == pid);
        for session in self.sessions.values_mut().filter(|s| s.pid == pid) {
            session.exit = Some(code);
        }
        if parent == Pid(0) || !self.processes.contains_key(&parent) {
            self.processes.remove(&pid);
            self.after_session(pid);
        }
    }

    /// Delivers a signal; false when there is no such process.
    pub fn signal(&mut self, pid: Pid, signal: Signal) -> bool {
        let Some(p) = self.processes.get_mut(&pid) else { return false };
        match signal {
            _ if matches!(p.status, Status::Ended(_)) => {}
            Signal::Kill => self.end(pid, 137),
            Signal::Stop => {
                if pid != Pid(1) && !p.ignored.contains(&Signal::Stop) {
                    p.status = Status::Stopped;
                }
            }
            Signal::Cont => {
                if p.status == Status::Stopped {
                    p.status = Status::Ready;
                }
            }
            _ if p.ignored.contains(&signal) || p.pending.contains(&signal) => {}
            _ => p.pending.push(signal),
        }
        true
    }

    /// Signals every process of a group; false when there is none.
    pub fn signal_group(&mut self, group: u32, signal: Signal) -> bool {
        let pids: Vec<Pid> = self.processes.values().filter(|p| p.group == group).map(|p| p.pid).collect();
        pids.iter().filter(|pid| self.signal(**pid, signal)).count() > 0
    }
}
