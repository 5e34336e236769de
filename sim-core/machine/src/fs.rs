//! Files and directories of one machine: a root tree, mounted volumes, links, owners and permissions.
//!
//! A volume that several machines share (an `emptyDir` of two containers) is held by whoever owns those machines; it lends
//! the tree to a machine before its turn with [`Fs::set_volume`] and takes it back after with [`Fs::volume`]. Both are one
//! reference count, because trees are copied only where they are changed. Invariant: paths handed to the private
//! functions are canonical (no links, no dots).

pub mod tree;

use apimachinery::time::Time;
use std::collections::BTreeMap;
use std::sync::Arc;
pub use tree::{Body, Device, Meta, Node, Volume};

/// Why a file operation failed, as errno says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FsError {
    NotFound,
    NotADirectory,
    IsADirectory,
    Exists,
    NotEmpty,
    PermissionDenied,
    /// Only the owner may.
    NotPermitted,
    ReadOnly,
    NoSpace,
    TooManyLinks,
    Invalid,
    /// A mount point is in the way.
    Busy,
    /// Too many processes.
    Again,
    /// Neither a program nor a script.
    ExecFormat,
}

impl FsError {
    /// `No such file or directory` …
    pub fn message(self) -> &'static str {
        match self {
            Self::NotFound => "No such file or directory",
            Self::NotADirectory => "Not a directory",
            Self::IsADirectory => "Is a directory",
            Self::Exists => "File exists",
            Self::NotEmpty => "Directory not empty",
            Self::PermissionDenied => "Permission denied",
            Self::NotPermitted => "Operation not permitted",
            Self::ReadOnly => "Read-only file system",
            Self::NoSpace => "No space left on device",
            Self::TooManyLinks => "Too many levels of symbolic links",
            Self::Invalid => "Invalid argument",
            Self::Busy => "Device or resource busy",
            Self::Again => "Resource temporarily unavailable",
            Self::ExecFormat => "Exec format error",
        }
    }
}

/// On whose behalf files are touched.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cred {
    pub uid: u32,
    pub gid: u32,
    pub groups: Vec<u32>,
}

impl Cred {
    pub const ROOT: Self = Self { uid: 0, gid: 0, groups: Vec::new() };

    /// Whether `want` (4 read, 2 write, 1 search or execute) is granted.
    fn may(&self, meta: &Meta, want: u16) -> bool {
        if self.uid == 0 {
            return true;
        }
        let shift = if meta.uid == self.uid {
            6
        } else if meta.gid == self.gid || self.groups.contains(&meta.gid) {
            3
        } else {
            0
        };
        (meta.mode >> shift) & want == want
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    File,
    Dir,
    Link,
    Device,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stat {
    pub kind: Kind,
    pub meta: Meta,
    pub size: u64,
}

impl Stat {
    fn of(node: &Node) -> Self {
        let kind = match node.body {
            Body::File(_) | Body::Program(_) => Kind::File,
            Body::Dir(_) => Kind::Dir,
            Body::Link(_) => Kind::Link,
            Body::Device(_) => Kind::Device,
        };
        Self { kind, meta: node.meta, size: node.size() }
    }

    pub fn is_dir(&self) -> bool {
        self.kind == Kind::Dir
    }

    /// `drwxr-xr-x`.
    pub fn mode_string(&self) -> String {
        let kind = match self.kind {
            Kind::File => '-',
            Kind::Dir => 'd',
            Kind::Link => 'l',
            Kind::Device => 'c',
        };
        let mut out = String::from(kind);
        for (i, bit) in (0..9).rev().enumerate() {
            let on = self.meta.mode >> bit & 1 == 1;
            out.push(if on { ['r', 'w', 'x'][i % 3] } else { '-' });
        }
        if self.meta.mode & 0o1000 != 0 {
            out.pop();
            out.push(if self.meta.mode & 1 == 1 { 't' } else { 'T' });
        }
        out
    }
}

/// A volume attached to a directory (or standing for one file).
#[derive(Clone, Debug)]
pub struct Mount {
    at: Vec<String>,
    pub volume: String,
    sub: Vec<String>,
    pub read_only: bool,
}

impl Mount {
    pub fn point(&self) -> String {
        join(&self.at)
    }
}

/// Bytes a machine's root may hold unless its builder says otherwise.
const ROOT_LIMIT_BYTES: u64 = 64 << 20;
const LINKS_MAX: usize = 40;
const PATH_PARTS_MAX: usize = 256;

#[derive(Clone)]
pub struct Fs {
    pub root: Volume,
    pub root_read_only: bool,
    mounts: Vec<Mount>,
    volumes: BTreeMap<String, Volume>,
    /// What new modification times are; the machine sets it at the start of each turn.
    pub now: Time,
}

impl Default for Fs {
    fn default() -> Self {
        Self::new(Volume::new(ROOT_LIMIT_BYTES))
    }
}

/// `/a/b` of its parts.
pub fn join<S: AsRef<str>>(parts: &[S]) -> String {
    let mut out = String::new();
    for part in parts {
        out.push('/');
        out.push_str(part.as_ref());
    }
    if out.is_empty() { "/".to_owned() } else { out }
}

/// Joins `path` to `cwd` and removes dots, without looking at any file.
pub fn absolute(cwd: &str, path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    let base = if path.starts_with('/') { "" } else { cwd };
    for part in base.split('/').chain(path.split('/')) {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            name => parts.push(name),
        }
    }
    join(&parts)
}

impl Fs {
    pub fn new(root: Volume) -> Self {
        Self { root, root_read_only: false, mounts: Vec::new(), volumes: BTreeMap::new(), now: Time::START }
    }

    // Mounts.

    /// Adds or replaces a volume; mounts refer to it by name.
    pub fn set_volume(&mut self, name: &str, volume: Volume) {
        self.volumes.insert(name.to_owned(), volume);
    }

    pub fn volume(&self, name: &str) -> Option<&Volume> {
        self.volumes.get(name)
    }

    /// Attaches the part `sub` (may be empty) of a volume at a path, which is made if missing.
    pub fn mount(&mut self, at: &str, volume: &str, sub: &str, read_only: bool) -> Result<(), FsError> {
        let split = |p: &str| p.split('/').filter(|c| !c.is_empty()).map(str::to_owned).collect::<Vec<_>>();
        let (at, sub) = (split(at), split(sub));
        let source = self.volumes.get(volume).ok_or(FsError::NotFound)?;
        let is_file = source.get(&sub).is_some_and(|n| !n.is_dir());
        let here = join(&at);
        if self.lookup(&at).is_none() {
            let done =
                if is_file { self.root.install(&here, 0o644, "") } else { self.root.install_dir(&here, 0o755, 0, 0) };
            if done.is_err() && !self.mounts.iter().any(|m| at.starts_with(&m.at)) {
                return done;
            }
        }
        self.mounts.push(Mount { at, volume: volume.to_owned(), sub, read_only });
        Ok(())
    }

    pub fn unmount(&mut self, at: &str) {
        self.mounts.retain(|m| m.point() != at);
    }

    pub fn mounts(&self) -> &[Mount] {
        &self.mounts
    }

    /// (mount index or none for the root, path within that volume).
    fn locate(&self, path: &[String]) -> (Option<usize>, Vec<String>) {
        let best = self
            .mounts
            .iter()
            .enumerate()
            .filter(|(_, m)| path.starts_with(&m.at))
            .max_by_key(|(i, m)| (m.at.len(), *i));
        match best {
            Some((i, m)) => (Some(i), m.sub.iter().chain(&path[m.at.len()..]).cloned().collect()),
            None => (None, path.to_vec()),
        }
    }

    fn lookup(&self, path: &[String]) -> Option<&Node> {
        let (mount, inner) = self.locate(path);
        match mount {
            Some(i) => self.volumes.get(&self.mounts[i].volume)?.get(&inner),
            None => self.root.get(&inner),
        }
    }

    /// The volume to change and the path within it; refuses read-only ones.
    fn writable(&mut self, path: &[String]) -> Result<(&mut Volume, Vec<String>), FsError> {
        let (mount, inner) = self.locate(path);
        match mount {
            Some(i) if self.mounts[i].read_only => Err(FsError::ReadOnly),
            Some(i) => Ok((self.volumes.get_mut(&self.mounts[i].volume).ok_or(FsError::NotFound)?, inner)),
            None if self.root_read_only => Err(FsError::ReadOnly),
            None => Ok((&mut self.root, inner)),
        }
    }

    // Paths.

    /// The canonical parts of an absolute path. Its last part need not exist; `follow` says whether a link there is followed.
    fn resolve(&self, cred: &Cred, path: &str, follow: bool) -> Result<Vec<String>, FsError> {
        if path.is_empty() {
            return Err(FsError::NotFound);
        }
        let wants_dir = path.ends_with('/');
        let mut todo: Vec<String> = path.split('/').filter(|p| !p.is_empty()).rev().map(str::to_owned).collect();
        let mut done: Vec<String> = Vec::new();
        let mut links = 0;
        let mut steps = 0;
        while let Some(part) = todo.pop() {
            steps += 1;
            if steps > PATH_PARTS_MAX {
                return Err(FsError::TooManyLinks);
            }
            let here = self.lookup(&done).ok_or(FsError::NotFound)?;
            if !here.is_dir() {
                return Err(FsError::NotADirectory);
            }
            match part.as_str() {
                "." => continue,
                ".." => {
                    done.pop();
                    continue;
                }
                _ => {}
            }
            if !cred.may(&here.meta, 1) {
                return Err(FsError::PermissionDenied);
            }
            done.push(part);
            match self.lookup(&done) {
                Some(Node { body: Body::Link(to), .. }) if follow || !todo.is_empty() || wants_dir => {
                    links += 1;
                    if links > LINKS_MAX {
                        return Err(FsError::TooManyLinks);
                    }
                    done.pop();
                    if to.starts_with('/') {
                        done.clear();
                    }
                    todo.extend(to.split('/').filter(|p| !p.is_empty()).rev().map(str::to_owned));
                }
                Some(_) => {}
                None if todo.iter().all(|p| p == ".") => return Ok(done),
                None => return Err(FsError::NotFound),
            }
        }
        if wants_dir && self.lookup(&done).is_some_and(|n| !n.is_dir()) {
            return Err(FsError::NotADirectory);
        }
        Ok(done)
    }

    fn node(&self, cred: &Cred, path: &str, follow: bool) -> Result<&Node, FsError> {
        self.lookup(&self.resolve(cred, path, follow)?).ok_or(FsError::NotFound)
    }

    /// Whether the directory that holds `path` may be changed.
    fn check_parent(&self, cred: &Cred, path: &[String]) -> Result<(), FsError> {
        let dir = path.split_last().ok_or(FsError::Busy)?.1;
        let parent = self.lookup(dir).ok_or(FsError::NotFound)?;
        if !parent.is_dir() {
            return Err(FsError::NotADirectory);
        }
        if !cred.may(&parent.meta, 3) {
            return Err(FsError::PermissionDenied);
        }
        let sticky = parent.meta.mode & 0o1000 != 0 && cred.uid != 0 && parent.meta.uid != cred.uid;
        if sticky && self.lookup(path).is_some_and(|n| n.meta.uid != cred.uid) {
            return Err(FsError::NotPermitted);
        }
        Ok(())
    }

    // Looking.

    pub fn stat(&self, cred: &Cred, path: &str) -> Result<Stat, FsError> {
        self.node(cred, path, true).map(Stat::of)
    }

    /// `stat` of a link itself.
    pub fn lstat(&self, cred: &Cred, path: &str) -> Result<Stat, FsError> {
        self.node(cred, path, false).map(Stat::of)
    }

    pub fn exists(&self, path: &str) -> bool {
        self.node(&Cred::ROOT, path, true).is_ok()
    }

    pub fn access(&self, cred: &Cred, path: &str, want: u16) -> Result<(), FsError> {
        let node = self.node(cred, path, true)?;
        let root_exec = cred.uid == 0 && want & 1 == 1 && !node.is_dir() && node.meta.mode & 0o111 == 0;
        if root_exec || !cred.may(&node.meta, want) {
            return Err(FsError::PermissionDenied);
        }
        if want & 2 == 2 {
            let path = self.resolve(cred, path, true)?;
            let (mount, _) = self.locate(&path);
            if mount.map_or(self.root_read_only, |i| self.mounts[i].read_only) {
                return Err(FsError::ReadOnly);
            }
        }
        Ok(())
    }

    pub fn realpath(&self, cred: &Cred, path: &str) -> Result<String, FsError> {
        let parts = self.resolve(cred, path, true)?;
        self.lookup(&parts).map(|_| join(&parts)).ok_or(FsError::NotFound)
    }

    pub fn read_link(&self, cred: &Cred, path: &str) -> Result<String, FsError> {
        match &self.node(cred, path, false)?.body {
            Body::Link(to) => Ok(to.to_string()),
            _ => Err(FsError::Invalid),
        }
    }

    /// What stands at a path: for whoever opens it.
    pub fn body(&self, cred: &Cred, path: &str) -> Result<Body, FsError> {
        self.node(cred, path, true).map(|n| n.body.clone())
    }

    pub fn read(&self, cred: &Cred, path: &str) -> Result<Arc<Vec<u8>>, FsError> {
        let node = self.node(cred, path, true)?;
        if !cred.may(&node.meta, 4) {
            return Err(FsError::PermissionDenied);
        }
        match &node.body {
            Body::File(bytes) => Ok(bytes.clone()),
            Body::Dir(_) => Err(FsError::IsADirectory),
            Body::Program(p) => Ok(Arc::new([b"\x7fELF\x02\x01\x01\0", p.name().as_bytes(), b"\n"].concat())),
            Body::Device(_) => Ok(Arc::default()),
            Body::Link(_) => Err(FsError::TooManyLinks),
        }
    }

    /// Names and what they are, sorted by name; links are not followed.
    pub fn list(&self, cred: &Cred, path: &str) -> Result<Vec<(String, Stat)>, FsError> {
        let mut parts = self.resolve(cred, path, true)?;
        let node = self.lookup(&parts).ok_or(FsError::NotFound)?;
        let entries = node.entries().ok_or(FsError::NotADirectory)?;
        if !cred.may(&node.meta, 4) {
            return Err(FsError::PermissionDenied);
        }
        let mut out = Vec::with_capacity(entries.len());
        for name in entries.keys() {
            parts.push(name.clone());
            if let Some(node) = self.lookup(&parts) {
                out.push((name.clone(), Stat::of(node)));
            }
            parts.pop();
        }
        Ok(out)
    }

    // Changing.

    /// Opens for writing: makes the file if missing (mode `mode`), empties it if asked. Gives its canonical path.
    pub fn create(&mut self, cred: &Cred, path: &str, mode: u16, truncate: bool) -> Result<String, FsError> {
        let parts = self.resolve(cred, path, true)?;
        let now = self.now;
        match self.lookup(&parts) {
            Some(node) => {
                if node.is_dir() {
                    return Err(FsError::IsADirectory);
                }
                if !cred.may(&node.meta, 2) {
                    return Err(FsError::PermissionDenied);
                }
                let is_program = matches!(node.body, Body::Program(_));
                let meta = node.meta;
                let (volume, inner) = self.writable(&parts)?;
                if is_program {
                    volume.put(&inner, Node::file(meta, Vec::new()))?;
                } else if truncate {
                    volume.write_at(&inner, 0, b"", true, now)?;
                }
            }
            None => {
                if path.ends_with('/') {
                    return Err(FsError::IsADirectory);
                }
                self.check_parent(cred, &parts)?;
                let meta = Meta { mode, uid: cred.uid, gid: cred.gid, mtime: now };
                let (volume, inner) = self.writable(&parts)?;
                volume.put(&inner, Node::file(meta, Vec::new()))?;
            }
        }
        Ok(join(&parts))
    }

    /// Writes into a file opened before; `path` is what [`Fs::create`] gave. A file removed meanwhile swallows the bytes.
    pub fn write_at(&mut self, path: &str, at: usize, bytes: &[u8]) -> Result<(), FsError> {
        let parts: Vec<String> = path.split('/').filter(|p| !p.is_empty()).map(str::to_owned).collect();
        let now = self.now;
        let (volume, inner) = self.writable(&parts)?;
        match volume.write_at(&inner, at, bytes, false, now) {
            Err(FsError::NotFound) => Ok(()),
            other => other,
        }
    }

    pub fn write(&mut self, cred: &Cred, path: &str, bytes: &[u8]) -> Result<(), FsError> {
        let path = self.create(cred, path, 0o644, true)?;
        self.write_at(&path, 0, bytes)
    }

    pub fn mkdir(&mut self, cred: &Cred, path: &str, mode: u16) -> Result<(), FsError> {
        let parts = self.resolve(cred, path.trim_end_matches('/'), false).or_else(|e| match path {
            "/" => Ok(Vec::new()),
            _ => Err(e),
        })?;
        self.add(cred, &parts, |meta| Node::dir(Meta { mode, ..meta }))
    }

    pub fn symlink(&mut self, cred: &Cred, target: &str, path: &str) -> Result<(), FsError> {
        let parts = self.resolve(cred, path, false)?;
        self.add(cred, &parts, |meta| Node { meta: Meta { mode: 0o777, ..meta }, body: Body::Link(target.into()) })
    }

    fn add(&mut self, cred: &Cred, parts: &[String], make: impl FnOnce(Meta) -> Node) -> Result<(), FsError> {
        if self.lookup(parts).is_some() {
            return Err(FsError::Exists);
        }
        self.check_parent(cred, parts)?;
        let meta = Meta { mode: 0o644, uid: cred.uid, gid: cred.gid, mtime: self.now };
        let (volume, inner) = self.writable(parts)?;
        volume.put(&inner, make(meta))
    }

    pub fn unlink(&mut self, cred: &Cred, path: &str) -> Result<(), FsError> {
        let parts = self.resolve(cred, path, false)?;
        if self.lookup(&parts).ok_or(FsError::NotFound)?.is_dir() {
            return Err(FsError::IsADirectory);
        }
        self.take(cred, &parts).map(|_| ())
    }

    pub fn rmdir(&mut self, cred: &Cred, path: &str) -> Result<(), FsError> {
        let parts = self.resolve(cred, path, false)?;
        let node = self.lookup(&parts).ok_or(FsError::NotFound)?;
        match node.entries() {
            None => return Err(FsError::NotADirectory),
            Some(entries) if !entries.is_empty() => return Err(FsError::NotEmpty),
            Some(_) => {}
        }
        self.take(cred, &parts).map(|_| ())
    }

    fn take(&mut self, cred: &Cred, parts: &[String]) -> Result<Node, FsError> {
        if self.mounts.iter().any(|m| m.at == parts) {
            return Err(FsError::Busy);
        }
        self.check_parent(cred, parts)?;
        let now = self.now;
        let (volume, inner) = self.writable(parts)?;
        volume.remove(&inner, now)
    }

    /// Moves a node with all below it; an existing file (or empty directory) at `to` is replaced.
    pub fn rename(&mut self, cred: &Cred, from: &str, to: &str) -> Result<(), FsError> {
        let from = self.resolve(cred, from, false)?;
        let to = self.resolve(cred, to, false)?;
        if from == to {
            return Ok(());
        }
        if to.starts_with(&from) {
            return Err(FsError::Invalid);
        }
        let source_is_dir = self.lookup(&from).ok_or(FsError::NotFound)?.is_dir();
        if let Some(old) = self.lookup(&to) {
            match old.entries() {
                Some(_) if !source_is_dir => return Err(FsError::IsADirectory),
                Some(entries) if !entries.is_empty() => return Err(FsError::NotEmpty),
                None if source_is_dir => return Err(FsError::NotADirectory),
                _ => {}
            }
        }
        self.check_parent(cred, &to)?;
        self.writable(&to)?;
        let node = self.take(cred, &from)?;
        let kept = node.clone();
        let (volume, inner) = self.writable(&to)?;
        let done = volume.put(&inner, node);
        if done.is_err() {
            let (volume, inner) = self.writable(&from)?;
            volume.put(&inner, kept)?;
        }
        done
    }

    /// Copies one file (not a directory) sharing its bytes; the mode comes along for a new file.
    pub fn copy(&mut self, cred: &Cred, from: &str, to: &str) -> Result<(), FsError> {
        let node = self.node(cred, from, true)?.clone();
        if node.is_dir() {
            return Err(FsError::IsADirectory);
        }
        if !cred.may(&node.meta, 4) {
            return Err(FsError::PermissionDenied);
        }
        let mode = node.meta.mode & 0o777;
        let existed = self.node(cred, to, true).ok().map(|n| n.meta);
        let to = self.create(cred, to, mode, true)?;
        let parts: Vec<String> = to.split('/').filter(|p| !p.is_empty()).map(str::to_owned).collect();
        let meta = existed.unwrap_or(Meta { mode, uid: cred.uid, gid: cred.gid, mtime: self.now });
        let meta = Meta { mtime: self.now, ..meta };
        let (volume, inner) = self.writable(&parts)?;
        volume.put(&inner, Node { meta, body: node.body })
    }

    pub fn chmod(&mut self, cred: &Cred, path: &str, mode: u16) -> Result<(), FsError> {
        self.change(cred, path, true, |m| m.mode = mode)
    }

    pub fn chown(&mut self, cred: &Cred, path: &str, uid: Option<u32>, gid: Option<u32>) -> Result<(), FsError> {
        if cred.uid != 0 && uid.is_some_and(|u| u != cred.uid) {
            return Err(FsError::NotPermitted);
        }
        self.change(cred, path, true, |m| {
            m.uid = uid.unwrap_or(m.uid);
            m.gid = gid.unwrap_or(m.gid);
        })
    }

    pub fn set_mtime(&mut self, cred: &Cred, path: &str, time: Time) -> Result<(), FsError> {
        self.change(cred, path, true, |m| m.mtime = time)
    }

    fn change(&mut self, cred: &Cred, path: &str, follow: bool, change: impl FnOnce(&mut Meta)) -> Result<(), FsError> {
        let parts = self.resolve(cred, path, follow)?;
        let node = self.lookup(&parts).ok_or(FsError::NotFound)?;
        if cred.uid != 0 && cred.uid != node.meta.uid {
            return Err(FsError::NotPermitted);
        }
        let (volume, inner) = self.writable(&parts)?;
        volume.change_meta(&inner, change)
    }
}
