//! What file descriptors stand for: open files, pipes and terminals, counted by how many processes hold them.
//!
//! Invariant: an entry lives as long as its count is above zero; a pipe's ends are counted through its entries.

use crate::machine::TtyId;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// Number of an open file, shared by parent and child after a fork (so they share the offset too).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct OpenId(u32);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PipeId(u32);

#[derive(Clone, Debug)]
pub enum Open {
    Null,
    Zero,
    Full,
    Random,
    Tty(TtyId),
    /// `path` is canonical. `at` is the offset of the next read or write.
    File {
        path: String,
        at: usize,
        append: bool,
        read: bool,
        write: bool,
    },
    /// A here-document or anything else known beforehand.
    Text {
        bytes: Arc<Vec<u8>>,
        at: usize,
    },
    PipeIn(PipeId),
    PipeOut(PipeId),
}

#[derive(Clone, Debug, Default)]
pub struct Pipe {
    pub bytes: VecDeque<u8>,
    pub readers: u32,
    pub writers: u32,
}

/// Beyond this a writer waits.
pub const PIPE_BYTES_MAX: usize = 64 << 10;

#[derive(Clone, Debug, Default)]
pub struct Descriptors {
    open: BTreeMap<OpenId, (Open, u32)>,
    pipes: BTreeMap<PipeId, Pipe>,
    next: u32,
}

impl Descriptors {
    /// A new entry held once.
    pub fn add(&mut self, open: Open) -> OpenId {
        self.next += 1;
        let id = OpenId(self.next);
        match &open {
            Open::PipeIn(p) => self.pipes.entry(*p).or_default().readers += 1,
            Open::PipeOut(p) => self.pipes.entry(*p).or_default().writers += 1,
            _ => {}
        }
        self.open.insert(id, (open, 1));
        id
    }

    /// (read end, write end), each held once.
    pub fn pipe(&mut self) -> (OpenId, OpenId) {
        self.next += 1;
        let pipe = PipeId(self.next);
        (self.add(Open::PipeIn(pipe)), self.add(Open::PipeOut(pipe)))
    }

    pub fn hold(&mut self, id: OpenId) -> OpenId {
        if let Some((_, count)) = self.open.get_mut(&id) {
            *count += 1;
        }
        id
    }

    pub fn release(&mut self, id: OpenId) {
        let Some((_, count)) = self.open.get_mut(&id) else { return };
        *count -= 1;
        if *count > 0 {
            return;
        }
        let (pipe, reading) = match self.open.remove(&id) {
            Some((Open::PipeIn(p), _)) => (p, true),
            Some((Open::PipeOut(p), _)) => (p, false),
            _ => return,
        };
        if let Some(p) = self.pipes.get_mut(&pipe) {
            if reading {
                p.readers -= 1;
            } else {
                p.writers -= 1;
            }
            if p.readers == 0 && p.writers == 0 {
                self.pipes.remove(&pipe);
            }
        }
    }

    pub fn get(&self, id: OpenId) -> Option<&Open> {
        self.open.get(&id).map(|(o, _)| o)
    }

    pub fn get_mut(&mut self, id: OpenId) -> Option<&mut Open> {
        self.open.get_mut(&id).map(|(o, _)| o)
    }

    pub fn pipe_of(&self, id: PipeId) -> Option<&Pipe> {
        self.pipes.get(&id)
    }

    pub fn pipe_mut(&mut self, id: PipeId) -> Option<&mut Pipe> {
        self.pipes.get_mut(&id)
    }
}
