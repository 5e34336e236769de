//! How the owner of a machine starts commands on it and talks to them: terminals for tabs and `exec -t`, plain pipes for
//! a container's main process and `exec` without a terminal.

use super::io::take;
use super::{Machine, TtyId, table::Entry};
use crate::fs::{Cred, FsError};
use crate::machine::descriptors::PipeId;
use crate::machine::table::{Environment, Spawn, Status};
use crate::machine::tty::Tty;
use crate::process::{Open, OpenId, Pid, Process, Signal};
use std::collections::BTreeMap;

/// A command that the owner started.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SessionId(pub u32);

#[derive(Clone, Debug)]
pub(super) struct Session {
    pub(super) pid: Pid,
    pub(super) exit: Option<i32>,
    tty: Option<TtyId>,
    /// The owner's ends of the pipes.
    stdin: Option<OpenId>,
    stdout: Option<OpenId>,
    stderr: Option<OpenId>,
}

/// What to start, on whose behalf and where.
#[derive(Clone, Default)]
pub struct Start {
    pub argv: Vec<String>,
    /// The machine's environment when left out.
    pub env: Option<Environment>,
    pub cwd: String,
    pub cred: Cred,
    pub tty: Option<TtyId>,
    /// Without a terminal: whether standard input is a pipe that [`Machine::write_stdin`] fills (else it is empty).
    pub stdin: bool,
}

impl Machine {
    pub fn new_tty(&mut self, columns: u16, rows: u16) -> TtyId {
        self.last_id += 1;
        let id = TtyId(self.last_id);
        self.ttys.insert(id, Tty::new((columns, rows)));
        id
    }

    /// Closes a terminal: everything on it is told to hang up, then ended.
    pub fn close_tty(&mut self, tty: TtyId) {
        let pids: Vec<Pid> = self.processes.values().filter(|p| p.tty == Some(tty)).map(|p| p.pid).collect();
        for pid in pids {
            self.signal(pid, Signal::Kill);
        }
        self.ttys.remove(&tty);
    }

    pub fn resize(&mut self, tty: TtyId, columns: u16, rows: u16) {
        if let Some(t) = self.ttys.get_mut(&tty) {
            t.size = (columns, rows);
        }
    }

    /// Starts a command. Its first turn comes with the next [`Machine::run`].
    pub fn spawn_session(&mut self, start: Start) -> Result<SessionId, FsError> {
        self.start_session(start, None)
    }

    /// Starts a process that is not a file of the machine (an image's own server, say).
    pub fn spawn_process(&mut self, start: Start, body: Box<dyn Process>) -> Result<SessionId, FsError> {
        self.start_session(start, Some(body))
    }

    fn start_session(&mut self, start: Start, body: Option<Box<dyn Process>>) -> Result<SessionId, FsError> {
        let Start { argv, env, cwd, cred, tty, stdin } = start;
        let cwd = if cwd.is_empty() { "/".to_owned() } else { cwd };
        let mut fds = BTreeMap::new();
        let mut ends = [None, None, None];
        match tty {
            Some(tty) => {
                for fd in 0..3 {
                    fds.insert(fd, self.descriptors.add(Open::Tty(tty)));
                }
            }
            None => {
                let input = if stdin {
                    let (read, write) = self.descriptors.pipe();
                    ends[0] = Some(write);
                    read
                } else {
                    self.descriptors.add(Open::Null)
                };
                fds.insert(0, input);
                for fd in [1, 2] {
                    let (read, write) = self.descriptors.pipe();
                    ends[fd as usize] = Some(read);
                    fds.insert(fd, write);
                }
            }
        }
        // A stand-in parent whose terminal, environment and directory the new process takes.
        let keeper = Pid(0);
        let env = env.unwrap_or_else(|| self.env.clone());
        self.processes.insert(
            keeper,
            Entry {
                pid: keeper,
                parent: keeper,
                group: 0,
                tty,
                argv: Vec::new(),
                env,
                cwd,
                cred,
                umask: 0o022,
                fds: BTreeMap::new(),
                status: Status::Stopped,
                pending: Vec::new(),
                ignored: Vec::new(),
                started: self.fs.now,
                turns: 0,
                world_seen: 0,
                body: None,
            },
        );
        let spawned =
            self.spawn_child(keeper, Spawn { argv, fds: Some(fds), group: Some(0), body, ..Spawn::default() });
        self.processes.remove(&keeper);
        let pid = match spawned {
            Ok(pid) => pid,
            Err(e) => {
                ends.into_iter().flatten().for_each(|id| self.descriptors.release(id));
                return Err(e);
            }
        };
        if let Some(t) = tty.and_then(|t| self.ttys.get_mut(&t)) {
            t.foreground = pid.0;
        }
        self.last_id += 1;
        let id = SessionId(self.last_id);
        let [stdin, stdout, stderr] = ends;
        self.sessions.insert(id, Session { pid, exit: None, tty, stdin, stdout, stderr });
        Ok(id)
    }

    pub fn session_pid(&self, id: SessionId) -> Option<Pid> {
        self.sessions.get(&id).map(|s| s.pid)
    }

    /// The exit code once the command has ended.
    pub fn exit_code(&self, id: SessionId) -> Option<i32> {
        self.sessions.get(&id)?.exit
    }

    /// Forgets a session; ends it if it still runs.
    pub fn drop_session(&mut self, id: SessionId) {
        let Some(s) = self.sessions.remove(&id) else { return };
        if s.exit.is_none() {
            self.signal(s.pid, Signal::Kill);
        }
        [s.stdin, s.stdout, s.stderr].into_iter().flatten().for_each(|end| self.descriptors.release(end));
    }

    /// What was typed on a terminal.
    pub fn feed(&mut self, tty: TtyId, bytes: &[u8]) {
        let Some(t) = self.ttys.get_mut(&tty) else { return };
        let group = t.foreground;
        for signal in t.feed(bytes) {
            self.signal_group(group, signal);
        }
    }

    /// Ctrl-C.
    pub fn interrupt(&mut self, tty: TtyId) {
        self.feed(tty, &[3]);
    }

    /// What a terminal is to show since last asked.
    pub fn take_output(&mut self, tty: TtyId) -> Vec<u8> {
        self.ttys.get_mut(&tty).map(|t| core::mem::take(&mut t.output)).unwrap_or_default()
    }

    fn pipe_in(&mut self, end: Option<OpenId>) -> Option<PipeId> {
        match self.descriptors.get(end?)? {
            Open::PipeIn(p) | Open::PipeOut(p) => Some(*p),
            _ => None,
        }
    }

    fn drain(&mut self, end: Option<OpenId>) -> Vec<u8> {
        let pipe = self.pipe_in(end);
        pipe.and_then(|p| self.descriptors.pipe_mut(p)).map(|p| take(&mut p.bytes, usize::MAX)).unwrap_or_default()
    }

    /// Standard output of a command without a terminal, since last asked.
    pub fn take_stdout(&mut self, id: SessionId) -> Vec<u8> {
        let end = self.sessions.get(&id).and_then(|s| s.stdout);
        self.drain(end)
    }

    pub fn take_stderr(&mut self, id: SessionId) -> Vec<u8> {
        let end = self.sessions.get(&id).and_then(|s| s.stderr);
        self.drain(end)
    }

    pub fn write_stdin(&mut self, id: SessionId, bytes: &[u8]) {
        let end = self.sessions.get(&id).and_then(|s| s.stdin);
        let pipe = self.pipe_in(end);
        if let Some(p) = pipe.and_then(|p| self.descriptors.pipe_mut(p)) {
            p.bytes.extend(bytes);
        }
    }

    pub fn close_stdin(&mut self, id: SessionId) {
        if let Some(end) = self.sessions.get_mut(&id).and_then(|s| s.stdin.take()) {
            self.descriptors.release(end);
        }
    }

    /// When a terminal's first process has ended, nothing stays behind on that terminal.
    pub(super) fn after_session(&mut self, pid: Pid) {
        let Some(tty) = self.sessions.values().find(|s| s.pid == pid).and_then(|s| s.tty) else { return };
        if self.sessions.values().any(|s| s.tty == Some(tty) && s.exit.is_none()) {
            return;
        }
        let left: Vec<Pid> = self.processes.values().filter(|p| p.tty == Some(tty)).map(|p| p.pid).collect();
        for pid in left {
            self.signal(pid, Signal::Kill);
        }
        if let Some(t) = self.ttys.get_mut(&tty) {
            t.foreground = 0;
            t.set_raw(false);
        }
    }
}
