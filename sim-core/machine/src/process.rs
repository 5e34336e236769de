//! Programs and processes. A program is an entry of a table; a process is data: a resumable state machine that can be
//! cloned and continued, never a thread or a future.

use crate::fs::{self, Body, Cred, FsError};
use crate::{host::Host, machine::Machine};
use apimachinery::time::Time;

pub use crate::machine::descriptors::{Open, OpenId};
pub use crate::machine::table::{Spawn, Status};

/// Process number on one machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pid(pub u32);

/// What a process answers after a turn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    Exit(i32),
    /// Ran its quantum; wants another turn at the same instant.
    Again,
    Wait(Wake),
}

/// What a waiting process waits for. A pending interrupt (Ctrl-C) always wakes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wake {
    /// The instant comes.
    At(Time),
    /// Something can be read on standard input (or its end).
    Input,
    /// Something can be read on standard input, or the instant comes, whichever is first.
    InputUntil(Time),
    /// The world outside changed (a watch has news), or the instant comes, whichever is first.
    World { until: Option<Time> },
    /// Something can be read on standard input, or the world outside changed.
    InputOrWorld,
    /// Something can be read on this descriptor (or its end).
    Fd(u32),
    /// The child has ended or was stopped.
    Child(Pid),
    /// The child has ended or was stopped, or the instant comes.
    ChildUntil(Pid, Time),
    /// Any child has ended.
    AnyChild,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Signal {
    Hup,
    Int,
    Quit,
    Kill,
    Usr1,
    Usr2,
    Pipe,
    Term,
    Cont,
    Stop,
}

impl Signal {
    pub const ALL: [(Self, i32, &'static str); 10] = [
        (Self::Hup, 1, "HUP"),
        (Self::Int, 2, "INT"),
        (Self::Quit, 3, "QUIT"),
        (Self::Kill, 9, "KILL"),
        (Self::Usr1, 10, "USR1"),
        (Self::Usr2, 12, "USR2"),
        (Self::Pipe, 13, "PIPE"),
        (Self::Term, 15, "TERM"),
        (Self::Cont, 18, "CONT"),
        (Self::Stop, 19, "STOP"),
    ];

    pub fn number(self) -> i32 {
        Self::ALL.iter().find(|s| s.0 == self).map_or(0, |s| s.1)
    }

    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|s| s.0 == self).map_or("", |s| s.2)
    }

    /// `9`, `KILL`, `SIGKILL`, `kill`; `TSTP` counts as `STOP`.
    pub fn parse(word: &str) -> Option<Self> {
        let upper = word.to_ascii_uppercase();
        let name = upper.strip_prefix("SIG").unwrap_or(&upper);
        if name == "TSTP" || name == "20" {
            return Some(Self::Stop);
        }
        Self::ALL.iter().find(|s| s.2 == name || s.1.to_string() == name).map(|s| s.0)
    }
}

/// An entry of a machine's table of programs (`/usr/bin/kubectl`).
pub trait Program: Sync {
    fn name(&self) -> &'static str;
    /// One line for `help` and the documents.
    fn summary(&self) -> &'static str;
    /// A new process for `args` (without the program's own name); nothing runs before its first turn.
    fn start(&self, args: Vec<String>) -> Box<dyn Process>;
    /// Candidates for the last of `words` (the words after the program's name; the last may be empty), for Tab.
    fn complete(&self, words: &[String], ctx: &mut Ctx<'_>) -> Vec<String> {
        let _ = (words, ctx);
        Vec::new()
    }
}

/// A running program as data.
pub trait Process: CloneProcess + Send {
    /// One bounded turn.
    fn step(&mut self, ctx: &mut Ctx<'_>) -> Step;
}

/// Lets `Box<dyn Process>` be cloned; implemented for every `Process + Clone`.
pub trait CloneProcess {
    fn clone_box(&self) -> Box<dyn Process>;
}

impl<P: Process + Clone + 'static> CloneProcess for P {
    fn clone_box(&self) -> Box<dyn Process> {
        Box::new(self.clone())
    }
}

impl Clone for Box<dyn Process> {
    fn clone(&self) -> Self {
        (**self).clone_box()
    }
}

/// What one read of standard input gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    Data(Vec<u8>),
    Eof,
    /// Nothing yet: answer `Step::Wait(Wake::Input)`.
    Pending,
}

/// What a process may do during its turn: its system calls.
pub struct Ctx<'a> {
    pub machine: &'a mut Machine,
    pub host: &'a mut dyn Host,
    pub pid: Pid,
}

/// Bytes one `read` gives at most.
const READ_BYTES_MAX: usize = 64 << 10;

impl Ctx<'_> {
    pub fn now(&self) -> Time {
        self.host.now()
    }

    /// Writes to standard output.
    pub fn out(&mut self, text: &str) {
        self.machine.write_fd(self.pid, 1, text.as_bytes());
    }

    pub fn out_bytes(&mut self, bytes: &[u8]) {
        self.machine.write_fd(self.pid, 1, bytes);
    }

    /// Writes to standard error.
    pub fn err(&mut self, text: &str) {
        self.machine.write_fd(self.pid, 2, text.as_bytes());
    }

    /// Reads what standard input has; never blocks.
    pub fn read(&mut self) -> Input {
        self.machine.read_fd(self.pid, 0, READ_BYTES_MAX)
    }

    /// Reads at most `max` bytes from a descriptor.
    pub fn read_fd(&mut self, fd: u32, max: usize) -> Input {
        self.machine.read_fd(self.pid, fd, max)
    }

    /// Whether the descriptor (0, 1, 2) is the terminal.
    pub fn is_tty(&self, fd: u8) -> bool {
        self.machine.fd_tty(self.pid, u32::from(fd)).is_some()
    }

    /// (columns, rows) of the terminal; (80, 24) without one.
    pub fn term_size(&self) -> (u16, u16) {
        let tty = self.machine.process(self.pid).and_then(|p| p.tty).and_then(|t| self.machine.tty(t));
        tty.map_or((80, 24), |t| t.size)
    }

    /// Puts the terminal into raw mode (every key reaches standard input at once, no echo) or back.
    pub fn set_raw(&mut self, raw: bool) {
        if let Some(tty) = self.machine.fd_tty(self.pid, 0)
            && let Some(tty) = self.machine.tty_mut(tty)
        {
            tty.set_raw(raw);
        }
    }

    /// True once after Ctrl-C (or SIGTERM); a program that does not ask is ended by the machine with 130.
    pub fn interrupted(&mut self) -> bool {
        match self.machine.process_mut(self.pid) {
            Some(p) => {
                let had = p.pending.len();
                p.pending.retain(|s| !matches!(s, Signal::Int | Signal::Term | Signal::Hup | Signal::Quit));
                p.pending.len() != had
            }
            None => false,
        }
    }

    /// The next pending signal; whoever takes one answers for it.
    pub fn take_signal(&mut self) -> Option<Signal> {
        let p = self.machine.process_mut(self.pid)?;
        if p.pending.is_empty() { None } else { Some(p.pending.remove(0)) }
    }

    pub fn env(&self, name: &str) -> Option<String> {
        let p = self.machine.process(self.pid)?;
        p.env.iter().find(|(n, _)| n.as_str() == name).map(|(_, v)| v.clone())
    }

    pub fn cwd(&self) -> String {
        self.machine.process(self.pid).map_or_else(|| "/".to_owned(), |p| p.cwd.clone())
    }

    pub fn cred(&self) -> Cred {
        self.machine.process(self.pid).map_or(Cred::ROOT, |p| p.cred.clone())
    }

    /// Absolute form of a path as this process sees it.
    pub fn abs(&self, path: &str) -> String {
        fs::absolute(&self.cwd(), path)
    }

    /// The path as the file system wants it: absolute, but with its dots and trailing slash (they matter beside links).
    pub fn full(&self, path: &str) -> String {
        if path.starts_with('/') || path.is_empty() { path.to_owned() } else { format!("{}/{path}", self.cwd()) }
    }

    pub fn read_file(&self, path: &str) -> Result<Vec<u8>, FsError> {
        let full = self.full(path);
        if let Some(text) = self.machine.proc_file(&full, self.host.now(), self.pid) {
            return Ok(text.into_bytes());
        }
        self.machine.fs.read(&self.cred(), &full).map(|bytes| bytes.to_vec())
    }

    /// Creates or truncates.
    pub fn write_file(&mut self, path: &str, bytes: &[u8]) -> Result<(), FsError> {
        let (cred, full) = (self.cred(), self.full(path));
        if let Ok(Body::Device(_)) = self.machine.fs.body(&cred, &full) {
            let id = self.machine.open(self.pid, &full, false, true, false, false)?;
            self.machine.write_open(self.pid, id, bytes);
            self.machine.descriptors.release(id);
            return Ok(());
        }
        let umask = self.machine.process(self.pid).map_or(0o022, |p| p.umask);
        let path = self.machine.fs.create(&cred, &full, 0o666 & !umask, true)?;
        self.machine.fs.write_at(&path, 0, bytes)
    }

    /// Names in a directory, sorted.
    pub fn list_dir(&self, path: &str) -> Result<Vec<String>, FsError> {
        let list = self.machine.fs.list(&self.cred(), &self.full(path))?;
        Ok(list.into_iter().map(|(name, _)| name).collect())
    }

    pub fn is_dir(&self, path: &str) -> bool {
        self.machine.fs.stat(&self.cred(), &self.full(path)).is_ok_and(|s| s.is_dir())
    }

    /// Starts a child that shares this process's terminal and descriptors.
    pub fn spawn(&mut self, argv: Vec<String>) -> Result<Pid, FsError> {
        self.machine.spawn_child(self.pid, Spawn::new(argv))
    }

    /// Exit code of a child that has ended (and forgets it).
    pub fn reap(&mut self, child: Pid) -> Option<i32> {
        self.machine.reap(child)
    }

    pub fn kill(&mut self, pid: Pid, signal: Signal) -> bool {
        self.machine.signal(pid, signal)
    }
}
