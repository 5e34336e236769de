//! One run of kubectl: what it has read and asked so far, and its door to the world.
//!
//! Output is held back until the answers it came from would have arrived: requests answer at once and their time is
//! kept as a debt, paid by the process before it goes on.

use crate::config::Config;
use crate::discovery::Discovery;
use crate::flags::Args;
use apimachinery::time::{Duration, Time};
use machine::process::Ctx;

#[derive(Clone, Default)]
pub struct Session {
    pub config: Option<Config>,
    pub discovery: Option<Discovery>,
    /// Standard input to its end, for commands that read it.
    pub stdin: Option<Vec<u8>>,
    /// Output not yet written; true for standard error.
    pub held: Vec<(bool, Vec<u8>)>,
    /// Time that requests have taken and the process has not yet waited for.
    pub debt: Duration,
    /// Warnings told already.
    pub warned: Vec<String>,
    pub flags: Option<Args>,
}

/// A command's view of its session and of the machine.
pub struct Kube<'a, 'b> {
    pub ctx: &'a mut Ctx<'b>,
    pub s: &'a mut Session,
}

impl Kube<'_, '_> {
    pub fn out(&mut self, text: &str) {
        self.write(false, text.as_bytes());
    }

    pub fn err(&mut self, text: &str) {
        self.write(true, text.as_bytes());
    }

    pub fn line(&mut self, text: &str) {
        self.out(text);
        self.out("\n");
    }

    pub fn write(&mut self, error: bool, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        match self.s.held.last_mut() {
            Some((e, held)) if *e == error => held.extend_from_slice(bytes),
            _ => self.s.held.push((error, bytes.to_vec())),
        }
    }

    /// The present, requests included.
    pub fn now(&self) -> Time {
        self.ctx.now() + self.s.debt
    }

    /// The flags every command takes are read from here, too.
    pub fn global(&self, name: &str) -> String {
        self.s.flags.as_ref().map_or("", |a| a.str(name)).to_owned()
    }
}
