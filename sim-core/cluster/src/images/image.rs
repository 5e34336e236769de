//! An image as a registry stores it and a node unpacks it: configuration, layers, files, and the software inside.
//!
//! Not a container: nothing here runs. Invariant: an [`Image`] never changes once made; it is shared by `Arc`.

use super::os::Os;
use super::software::Software;
use apimachinery::rng::Rng;
use apimachinery::time::Time;
use std::sync::Arc;

/// What the image says about how to run it (the OCI image configuration).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Config {
    pub entrypoint: Vec<String>,
    pub cmd: Vec<String>,
    pub env: Vec<(String, String)>,
    /// Empty means `/`.
    pub workdir: String,
    /// `""`, `nginx`, `1000`, `1000:1000`; empty means root.
    pub user: String,
    /// TCP ports the image says it listens on.
    pub ports: Vec<u16>,
    pub labels: Vec<(String, String)>,
    /// `SIGQUIT`; empty means `SIGTERM`.
    pub stop_signal: String,
    pub volumes: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layer {
    /// `sha256:…` of the compressed layer: what tells whether a node has it already.
    pub digest: String,
    /// Bytes over the wire.
    pub size: u64,
    /// What made it, for `docker history`.
    pub created_by: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileBody {
    Directory,
    Bytes(Arc<[u8]>),
    Link(String),
}

/// One file that the image adds over its operating system's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    pub path: String,
    pub mode: u32,
    pub body: FileBody,
}

impl File {
    pub fn text(path: impl Into<String>, mode: u32, text: impl AsRef<str>) -> Self {
        Self { path: path.into(), mode, body: FileBody::Bytes(text.as_ref().as_bytes().into()) }
    }

    pub fn directory(path: impl Into<String>) -> Self {
        Self { path: path.into(), mode: 0o755, body: FileBody::Directory }
    }

    pub fn link(path: impl Into<String>, to: impl Into<String>) -> Self {
        Self { path: path.into(), mode: 0o777, body: FileBody::Link(to.into()) }
    }
}

#[derive(Clone)]
pub struct Image {
    /// Digest of the configuration: the "image ID".
    pub id: String,
    /// Digest of the manifest: what `name@sha256:…` names.
    pub digest: String,
    pub os: Os,
    pub config: Config,
    pub layers: Vec<Layer>,
    /// Over the operating system's own files, later ones win.
    pub files: Vec<File>,
    pub software: &'static Software,
    /// The software's version, as it names itself: `1.21.6`.
    pub version: String,
    pub created: Time,
}

impl Image {
    /// Bytes over the wire, all layers.
    pub fn size(&self) -> u64 {
        self.layers.iter().map(|l| l.size).sum()
    }

    /// Bytes on disk after unpacking.
    pub fn size_unpacked(&self) -> u64 {
        // gzip over a root file system saves about 60%.
        self.size() * 5 / 2
    }

    /// Every file of a fresh container: the operating system's, then the image's own.
    pub fn tree(&self) -> Vec<File> {
        let mut files = self.os.tree();
        files.extend(self.software.programs.iter().map(|p| File::text(p.path, 0o755, "\u{7f}ELF")));
        files.extend(self.files.iter().cloned());
        files
    }

    /// Whether a command of this name can be run in a container: in the operating system, or brought by the software.
    pub fn has_program(&self, name: &str) -> bool {
        self.os.has_program(name) || self.software.program(name).is_some()
    }

    /// A copy with another configuration or files, under new digests: what `docker build` and `docker commit` make.
    pub fn derive(&self, config: Config, files: Vec<File>, layers: Vec<Layer>, created: Time) -> Self {
        let mut recipe = format!("{}{config:?}{}", self.id, created.0);
        for layer in &layers {
            recipe.push_str(&layer.digest);
        }
        Self {
            id: digest_of("config", &recipe),
            digest: digest_of("manifest", &recipe),
            config,
            layers,
            files,
            created,
            ..self.clone()
        }
    }
}

/// A digest-shaped name for `text`: stable everywhere, and different for different texts. (Contents are not hashed:
/// nothing in the simulation depends on that.)
pub fn digest_of(purpose: &str, text: &str) -> String {
    let mut rng = Rng::derive(0, purpose, text, 0);
    let mut out = String::from("sha256:");
    for _ in 0..4 {
        out.push_str(&format!("{:016x}", rng.next_u64()));
    }
    out
}
