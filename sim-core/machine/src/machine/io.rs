//! Reading and writing through descriptors.

use super::{Machine, Tty, TtyId};
use crate::fs::{Body, Device, FsError};
use crate::machine::table::Entry;
use crate::process::{Input, Open, OpenId, Pid, Signal};
use std::collections::VecDeque;

impl Machine {
    pub fn tty(&self, id: TtyId) -> Option<&Tty> {
        self.ttys.get(&id)
    }

    pub fn tty_mut(&mut self, id: TtyId) -> Option<&mut Tty> {
        self.ttys.get_mut(&id)
    }

    fn fd(&self, pid: Pid, fd: u32) -> Option<OpenId> {
        self.processes.get(&pid)?.fds.get(&fd).copied()
    }

    /// The terminal behind a descriptor, if it is one.
    pub fn fd_tty(&self, pid: Pid, fd: u32) -> Option<TtyId> {
        match self.descriptors.get(self.fd(pid, fd)?)? {
            Open::Tty(tty) => Some(*tty),
            _ => None,
        }
    }

    /// Opens a file for a process; the entry is held once, by the caller.
    pub fn open(
        &mut self,
        pid: Pid,
        path: &str,
        read: bool,
        write: bool,
        append: bool,
        truncate: bool,
    ) -> Result<OpenId, FsError> {
        let p = self.processes.get(&pid).ok_or(FsError::NotFound)?;
        let (cred, umask, tty) = (p.cred.clone(), p.umask, p.tty);
        if read
            && !write
            && let Some(text) = self.proc_file(path, self.fs.now, pid)
        {
            return Ok(self.descriptors.add(Open::Text { bytes: text.into_bytes().into(), at: 0 }));
        }
        if let Ok(Body::Device(device)) = self.fs.body(&cred, path) {
            let open = match device {
                Device::Null => Open::Null,
                Device::Zero => Open::Zero,
                Device::Full => Open::Full,
                Device::Random => Open::Random,
                Device::Tty => Open::Tty(tty.ok_or(FsError::NotFound)?),
                Device::Fd(fd) => {
                    let id = self.fd(pid, u32::from(fd)).ok_or(FsError::NotFound)?;
                    return Ok(self.descriptors.hold(id));
                }
            };
            return Ok(self.descriptors.add(open));
        }
        let open = if write {
            let path = self.fs.create(&cred, path, 0o666 & !umask, truncate)?;
            Open::File { path, at: 0, append, read, write }
        } else {
            let bytes = self.fs.read(&cred, path)?;
            let path = self.fs.realpath(&cred, path)?;
            // Reading goes on from the file as it is at each read, so `at` is enough.
            drop(bytes);
            Open::File { path, at: 0, append, read, write }
        };
        Ok(self.descriptors.add(open))
    }

    pub fn write_fd(&mut self, pid: Pid, fd: u32, bytes: &[u8]) {
        if let Some(id) = self.fd(pid, fd) {
            self.write_open(pid, id, bytes);
        }
    }

    /// Writes; a failure is remembered by nobody but a broken pipe, which the writer gets as a signal.
    pub fn write_open(&mut self, pid: Pid, id: OpenId, bytes: &[u8]) -> bool {
        if bytes.is_empty() {
            return true;
        }
        match self.descriptors.get_mut(id) {
            Some(Open::Tty(tty)) => {
                let tty = *tty;
                if let Some(t) = self.ttys.get_mut(&tty) {
                    t.write(bytes);
                }
                true
            }
            Some(Open::File { path, at, append, write: true, .. }) => {
                let size = match append {
                    true => self.fs.read(&crate::fs::Cred::ROOT, path).map_or(0, |b| b.len()),
                    false => *at,
                };
                let done = self.fs.write_at(path, size, bytes);
                *at = size + bytes.len();
                done.is_ok()
            }
            Some(Open::PipeOut(pipe)) => {
                let pipe = *pipe;
                match self.descriptors.pipe_mut(pipe) {
                    Some(p) if p.readers > 0 => {
                        p.bytes.extend(bytes);
                        true
                    }
                    _ => {
                        self.signal(pid, Signal::Pipe);
                        false
                    }
                }
            }
            Some(Open::Full) => false,
            _ => true,
        }
    }

    pub(super) fn can_read(&self, p: &Entry, fd: u32) -> bool {
        match p.fds.get(&fd).and_then(|id| self.descriptors.get(*id)) {
            Some(Open::Tty(tty)) => {
                self.ttys.get(tty).is_none_or(|t| (t.foreground == p.group || t.foreground == 0) && t.has_input())
            }
            Some(Open::PipeIn(pipe)) => {
                self.descriptors.pipe_of(*pipe).is_none_or(|p| !p.bytes.is_empty() || p.writers == 0)
            }
            _ => true,
        }
    }

    pub fn read_fd(&mut self, pid: Pid, fd: u32, max: usize) -> Input {
        let Some(id) = self.fd(pid, fd) else { return Input::Eof };
        let group = self.processes.get(&pid).map_or(0, |p| p.group);
        let bytes = match self.descriptors.get_mut(id) {
            Some(Open::Tty(tty)) => {
                let tty = *tty;
                let Some(t) = self.ttys.get_mut(&tty) else { return Input::Eof };
                if t.foreground != group && t.foreground != 0 {
                    return Input::Pending;
                }
                match t.read(max) {
                    Some(bytes) => bytes,
                    None => return Input::Pending,
                }
            }
            Some(Open::File { path, at, read: true, .. }) => {
                let content = self.fs.read(&crate::fs::Cred::ROOT, path).unwrap_or_default();
                let from = (*at).min(content.len());
                let to = from.saturating_add(max).min(content.len());
                *at = to;
                content[from..to].to_vec()
            }
            Some(Open::Text { bytes, at }) => {
                let to = at.saturating_add(max).min(bytes.len());
                let part = bytes[*at..to].to_vec();
                *at = to;
                part
            }
            Some(Open::PipeIn(pipe)) => {
                let pipe = *pipe;
                let Some(p) = self.descriptors.pipe_mut(pipe) else { return Input::Eof };
                if p.bytes.is_empty() && p.writers > 0 {
                    return Input::Pending;
                }
                take(&mut p.bytes, max)
            }
            Some(Open::Zero | Open::Full) => vec![0; max.min(4096)],
            Some(Open::Random) => (0..max.min(4096)).map(|_| self.rng.next_u64() as u8).collect(),
            _ => Vec::new(),
        };
        if bytes.is_empty() { Input::Eof } else { Input::Data(bytes) }
    }
}

pub(super) fn take(from: &mut VecDeque<u8>, max: usize) -> Vec<u8> {
    let n = max.min(from.len());
    from.drain(..n).collect()
}
