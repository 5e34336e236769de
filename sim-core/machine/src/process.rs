//! Programs and processes. A program is an entry of a table; a process is data: a resumable state machine that can be
//! cloned and continued, never a thread or a future.

use crate::{fs::FsError, host::Host, machine::Machine};
use apimachinery::time::Time;

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
    /// The world outside changed (a watch has news), or the instant comes, whichever is first.
    World { until: Option<Time> },
    /// The child has ended.
    Child(Pid),
    /// Any child has ended.
    AnyChild,
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
pub trait Process: CloneProcess {
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

impl Ctx<'_> {
    pub fn now(&self) -> Time {
        self.host.now()
    }
    /// Writes to standard output.
    pub fn out(&mut self, text: &str) {
        let _ = text;
        todo!()
    }
    /// Writes to standard error.
    pub fn err(&mut self, text: &str) {
        let _ = text;
        todo!()
    }
    /// Reads what standard input has; never blocks.
    pub fn read(&mut self) -> Input {
        todo!()
    }
    /// Whether the descriptor (0, 1, 2) is the terminal.
    pub fn is_tty(&self, fd: u8) -> bool {
        let _ = fd;
        todo!()
    }
    /// (columns, rows) of the terminal; (80, 24) without one.
    pub fn term_size(&self) -> (u16, u16) {
        todo!()
    }
    /// Puts the terminal into raw mode (every key reaches standard input at once, no echo) or back.
    pub fn set_raw(&mut self, raw: bool) {
        let _ = raw;
        todo!()
    }
    /// True once after Ctrl-C (or SIGTERM); a program that does not ask is ended by the machine with 130.
    pub fn interrupted(&mut self) -> bool {
        todo!()
    }
    pub fn env(&self, name: &str) -> Option<String> {
        let _ = name;
        todo!()
    }
    pub fn cwd(&self) -> String {
        todo!()
    }
    /// Absolute form of a path as this process sees it.
    pub fn abs(&self, path: &str) -> String {
        let _ = path;
        todo!()
    }
    pub fn read_file(&self, path: &str) -> Result<Vec<u8>, FsError> {
        let _ = path;
        todo!()
    }
    /// Creates or truncates.
    pub fn write_file(&mut self, path: &str, bytes: &[u8]) -> Result<(), FsError> {
        let _ = (path, bytes);
        todo!()
    }
    /// Names in a directory, sorted.
    pub fn list_dir(&self, path: &str) -> Result<Vec<String>, FsError> {
        let _ = path;
        todo!()
    }
    pub fn is_dir(&self, path: &str) -> bool {
        let _ = path;
        todo!()
    }
    /// Starts a child that shares this process's terminal and descriptors.
    pub fn spawn(&mut self, argv: Vec<String>) -> Result<Pid, FsError> {
        let _ = argv;
        todo!()
    }
    /// Exit code of a child that has ended (and forgets it).
    pub fn reap(&mut self, child: Pid) -> Option<i32> {
        let _ = child;
        todo!()
    }
}
