//! A tree of files as a value: cloning it costs one reference count, changing it copies only the directories on the way.
//!
//! Knows nothing of paths with links, of permissions or of mounts; `Fs` does. Invariant: `used` is the sum of what
//! `Node::weight` says of every node, and never exceeds `limit`.

use super::FsError;
use crate::process::Program;
use apimachinery::time::Time;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What `stat` says about a node besides its kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Meta {
    /// Permission bits only (`0o755`, with set-id and sticky).
    pub mode: u16,
    pub uid: u32,
    pub gid: u32,
    pub mtime: Time,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Device {
    Null,
    Zero,
    Full,
    Random,
    Tty,
    /// `/dev/stdin`, `/dev/stdout`, `/dev/stderr`.
    Fd(u8),
}

#[derive(Clone)]
pub enum Body {
    File(Arc<Vec<u8>>),
    Dir(Arc<BTreeMap<String, Node>>),
    Link(Arc<str>),
    Device(Device),
    /// An executable of the machine's table of programs.
    Program(&'static dyn Program),
}

#[derive(Clone)]
pub struct Node {
    pub meta: Meta,
    pub body: Body,
}

/// What every node costs besides its bytes, so that a million empty files are bounded too.
const NODE_BYTES: u64 = 128;

impl Node {
    pub fn dir(meta: Meta) -> Self {
        Self { meta, body: Body::Dir(Arc::default()) }
    }

    pub fn file(meta: Meta, bytes: Vec<u8>) -> Self {
        Self { meta, body: Body::File(Arc::new(bytes)) }
    }

    pub fn is_dir(&self) -> bool {
        matches!(self.body, Body::Dir(_))
    }

    pub fn entries(&self) -> Option<&BTreeMap<String, Node>> {
        match &self.body {
            Body::Dir(entries) => Some(entries),
            _ => None,
        }
    }

    /// Size as `ls -l` shows it.
    pub fn size(&self) -> u64 {
        match &self.body {
            Body::File(bytes) => bytes.len() as u64,
            Body::Dir(_) => 4096,
            Body::Link(to) => to.len() as u64,
            Body::Device(_) => 0,
            Body::Program(p) => 20_000 + (p.name().len() as u64 * 4_096),
        }
    }

    /// Bytes this node and everything below it take of a volume's limit.
    fn weight(&self) -> u64 {
        match &self.body {
            Body::File(bytes) => NODE_BYTES + bytes.len() as u64,
            Body::Dir(entries) => NODE_BYTES + entries.values().map(Self::weight).sum::<u64>(),
            _ => NODE_BYTES,
        }
    }
}

/// One tree of files with a bound on its bytes: a machine's root, an `emptyDir`, a mounted ConfigMap.
#[derive(Clone)]
pub struct Volume {
    root: Node,
    used: u64,
    pub limit: u64,
}

impl Volume {
    /// An empty volume owned by root.
    pub fn new(limit: u64) -> Self {
        Self { root: Node::dir(Meta { mode: 0o755, uid: 0, gid: 0, mtime: Time::START }), used: NODE_BYTES, limit }
    }

    pub fn used(&self) -> u64 {
        self.used
    }

    pub fn root(&self) -> &Node {
        &self.root
    }

    pub fn set_root_meta(&mut self, meta: Meta) {
        self.root.meta = meta;
    }

    pub fn get<S: AsRef<str>>(&self, path: &[S]) -> Option<&Node> {
        let mut node = &self.root;
        for name in path {
            node = node.entries()?.get(name.as_ref())?;
        }
        Some(node)
    }

    fn get_mut<S: AsRef<str>>(&mut self, path: &[S]) -> Option<&mut Node> {
        let mut node = &mut self.root;
        for name in path {
            let Body::Dir(entries) = &mut node.body else { return None };
            if !entries.contains_key(name.as_ref()) {
                return None;
            }
            node = Arc::make_mut(entries).get_mut(name.as_ref())?;
        }
        Some(node)
    }

    /// Changes what is known about a node.
    pub fn change_meta<S: AsRef<str>>(&mut self, path: &[S], change: impl FnOnce(&mut Meta)) -> Result<(), FsError> {
        change(&mut self.get_mut(path).ok_or(FsError::NotFound)?.meta);
        Ok(())
    }

    /// Puts a node at `path`, replacing what is there; its directory must exist.
    pub fn put<S: AsRef<str>>(&mut self, path: &[S], node: Node) -> Result<(), FsError> {
        let (name, dir) = path.split_last().ok_or(FsError::Exists)?;
        let weight = node.weight();
        let old = self.get(path).map_or(0, Node::weight);
        if self.used - old + weight > self.limit && weight > old {
            return Err(FsError::NoSpace);
        }
        let parent = self.get_mut(dir).ok_or(FsError::NotFound)?;
        parent.meta.mtime = node.meta.mtime.max(parent.meta.mtime);
        let Body::Dir(entries) = &mut parent.body else { return Err(FsError::NotADirectory) };
        Arc::make_mut(entries).insert(name.as_ref().to_owned(), node);
        self.used = self.used - old + weight;
        Ok(())
    }

    pub fn remove<S: AsRef<str>>(&mut self, path: &[S], now: Time) -> Result<Node, FsError> {
        let (name, dir) = path.split_last().ok_or(FsError::Invalid)?;
        let parent = self.get_mut(dir).ok_or(FsError::NotFound)?;
        parent.meta.mtime = now;
        let Body::Dir(entries) = &mut parent.body else { return Err(FsError::NotADirectory) };
        let node = Arc::make_mut(entries).remove(name.as_ref()).ok_or(FsError::NotFound)?;
        self.used -= node.weight();
        Ok(node)
    }

    /// Writes `bytes` at `at` of an existing file (zeros fill a gap); `cut` drops what follows.
    pub fn write_at<S: AsRef<str>>(
        &mut self,
        path: &[S],
        at: usize,
        bytes: &[u8],
        cut: bool,
        now: Time,
    ) -> Result<(), FsError> {
        let (used, limit) = (self.used, self.limit);
        let node = self.get_mut(path).ok_or(FsError::NotFound)?;
        let Body::File(content) = &mut node.body else { return Err(FsError::Invalid) };
        let end = at.saturating_add(bytes.len());
        let after = if cut { end } else { end.max(content.len()) };
        let total = used - content.len() as u64 + after as u64;
        if total > limit && after > content.len() {
            return Err(FsError::NoSpace);
        }
        let content = Arc::make_mut(content);
        content.resize(after, 0);
        content[at..end].copy_from_slice(bytes);
        node.meta.mtime = now;
        self.used = total;
        Ok(())
    }

    /// For whoever builds a tree: a file with its directories (0755, root's), owned by root.
    pub fn install(&mut self, path: &str, mode: u16, bytes: impl Into<Vec<u8>>) -> Result<(), FsError> {
        let meta = Meta { mode, uid: 0, gid: 0, mtime: self.root.meta.mtime };
        self.install_node(path, Node::file(meta, bytes.into()))
    }

    pub fn install_link(&mut self, path: &str, target: &str) -> Result<(), FsError> {
        let meta = Meta { mode: 0o777, uid: 0, gid: 0, mtime: self.root.meta.mtime };
        self.install_node(path, Node { meta, body: Body::Link(target.into()) })
    }

    pub fn install_program(&mut self, path: &str, program: &'static dyn Program) -> Result<(), FsError> {
        let meta = Meta { mode: 0o755, uid: 0, gid: 0, mtime: self.root.meta.mtime };
        self.install_node(path, Node { meta, body: Body::Program(program) })
    }

    /// A directory and those above it, as far as they are missing.
    pub fn install_dir(&mut self, path: &str, mode: u16, uid: u32, gid: u32) -> Result<(), FsError> {
        let parts: Vec<&str> = path.split('/').filter(|p| !p.is_empty()).collect();
        let mtime = self.root.meta.mtime;
        for end in 1..=parts.len() {
            if self.get(&parts[..end]).is_none() {
                self.put(&parts[..end], Node::dir(Meta { mode: 0o755, uid: 0, gid: 0, mtime }))?;
            }
        }
        self.change_meta(&parts, |m| *m = Meta { mode, uid, gid, mtime })
    }

    pub fn install_node(&mut self, path: &str, node: Node) -> Result<(), FsError> {
        let parts: Vec<&str> = path.split('/').filter(|p| !p.is_empty()).collect();
        for end in 1..parts.len() {
            if self.get(&parts[..end]).is_none() {
                let meta = Meta { mode: 0o755, uid: 0, gid: 0, mtime: self.root.meta.mtime };
                self.put(&parts[..end], Node::dir(meta))?;
            }
        }
        self.put(&parts, node)
    }
}
