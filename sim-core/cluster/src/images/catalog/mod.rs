//! The catalog of public images: one table of entries, each the data of one repository with all its tags.
//!
//! Adding an image is one `Entry` and one line in [`ENTRIES`]. Invariant: entries are constants; versions and variants of a
//! tag are worked out by [`Entry::image`], never listed one by one.
//! Models: Docker Hub's official images and a few well-known others, sizes as of their amd64 builds.

mod base;
mod databases;
mod demos;
mod httpd;
mod languages;
mod nginx;
mod platform;
mod system;
mod tools;

use super::image::{Config, File, Image, Layer, digest_of};
use super::os::Os;
use super::software::Software;
use apimachinery::order::Order as _;
use apimachinery::time::{Duration, Time};

/// One repository.
pub struct Entry {
    pub domain: &'static str,
    pub repository: &'static str,
    /// Version series and their highest patch: `("1.21", 6)` has the tags 1.21, 1.21.0 … 1.21.6.
    pub series: &'static [(&'static str, u32)],
    /// The version behind `latest`; empty when there is no such tag.
    pub latest: &'static str,
    /// Other names of versions: `stable`, `bookworm`.
    pub aliases: &'static [(&'static str, &'static str)],
    /// By tag suffix; the first is the one without.
    pub variants: &'static [Variant],
    pub spec: Spec,
    pub software: &'static Software,
    /// Files over the operating system's, for a version.
    pub files: fn(&str) -> Vec<File>,
}

pub struct Variant {
    /// `""`, `-alpine`, `-slim`
    pub suffix: &'static str,
    pub os: Os,
    /// Compressed bytes of all layers.
    pub size: u64,
}

/// The configuration; `{version}` in a value is filled in.
pub struct Spec {
    pub entrypoint: &'static [&'static str],
    pub cmd: &'static [&'static str],
    pub env: &'static [(&'static str, &'static str)],
    pub ports: &'static [u16],
    pub user: &'static str,
    pub workdir: &'static str,
    pub stop_signal: &'static str,
    pub volumes: &'static [&'static str],
}

impl Spec {
    pub const EMPTY: Self =
        Self { entrypoint: &[], cmd: &[], env: &[], ports: &[], user: "", workdir: "", stop_signal: "", volumes: &[] };
}

pub const NO_FILES: fn(&str) -> Vec<File> = |_| Vec::new();
/// For images that bring nothing of their own.
pub const NO_SOFTWARE: Software = Software { name: "", programs: &[] };
const HUB: &str = "docker.io";
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

const ENTRIES: &[&[Entry]] = &[
    nginx::ENTRIES,
    httpd::ENTRIES,
    base::ENTRIES,
    databases::ENTRIES,
    languages::ENTRIES,
    demos::ENTRIES,
    platform::ENTRIES,
    system::ENTRIES,
    tools::ENTRIES,
];

pub fn entries() -> impl Iterator<Item = &'static Entry> {
    ENTRIES.iter().flat_map(|group| group.iter())
}

/// The entry of a repository. Docker Hub's official images are mirrored by a few other registries' names.
pub fn find(domain: &str, repository: &str) -> Option<&'static Entry> {
    entries().find(|e| e.domain == domain && e.repository == repository)
}

/// Sizes of the layers that images of one system share.
fn base_size(os: Os) -> u64 {
    match os {
        Os::Debian => 28_230_000,
        Os::Ubuntu => 29_720_000,
        Os::Alpine => 3_800_000,
        Os::Busybox => 2_160_406,
        Os::Distroless => 810_000,
        Os::Scratch => 0,
    }
}

/// Images of the catalog were all built on one day before the playground begins.
const CREATED: Time = Time(Time::START.0 - 34 * 86_400 * 1_000_000);

impl Entry {
    /// The image behind a tag, if the repository has it.
    pub fn image(&self, tag: &str) -> Option<Image> {
        let (version, variant) = self.resolve(tag)?;
        Some(self.build(&version, variant))
    }

    /// The image of a manifest digest, looked for among all tags.
    pub fn by_digest(&self, digest: &str) -> Option<Image> {
        let versions = self
            .series
            .iter()
            .flat_map(|(base, patches)| (0..=*patches).map(move |p| format!("{base}.{p}")).chain([(*base).to_owned()]));
        let named = [self.latest.to_owned()].into_iter().chain(self.aliases.iter().map(|(_, v)| (*v).to_owned()));
        named.chain(versions).find_map(|version| {
            self.variants.iter().map(|variant| self.build(&version, variant)).find(|i| i.digest == digest)
        })
    }

    /// Version and variant of a tag.
    fn resolve(&self, tag: &str) -> Option<(String, &'static Variant)> {
        let variants: &'static [Variant] = self.variants;
        let mut by_length: Vec<&'static Variant> = variants.iter().collect();
        by_length.order_by_key(|v| std::cmp::Reverse(v.suffix.len()));
        for variant in by_length {
            if !variant.suffix.is_empty() && tag == &variant.suffix[1..] {
                return Some((self.latest.to_owned(), variant));
            }
            if let Some(version) = tag.strip_suffix(variant.suffix)
                && let Some(version) = self.version(version)
            {
                return Some((version, variant));
            }
        }
        None
    }

    /// The full version a tag's first part names.
    fn version(&self, name: &str) -> Option<String> {
        if name == "latest" && !self.latest.is_empty() {
            return Some(self.latest.to_owned());
        }
        if let Some((_, version)) = self.aliases.iter().find(|(alias, _)| *alias == name) {
            return Some((*version).to_owned());
        }
        let full = |(base, patch): &(&str, u32)| format!("{base}.{patch}");
        if let Some(exact) = self.series.iter().find(|(base, _)| *base == name) {
            return Some(full(exact));
        }
        if let Some((base, patch)) = name.rsplit_once('.')
            && let Some((_, max)) = self.series.iter().find(|(b, _)| *b == base)
            && patch.parse::<u32>().is_ok_and(|p| p <= *max && (patch == "0" || !patch.starts_with('0')))
        {
            return Some(name.to_owned());
        }
        // A shorter version names the newest series under it; series are listed oldest first.
        let under =
            self.series.iter().rev().find(|(base, _)| base.strip_prefix(name).is_some_and(|r| r.starts_with('.')));
        under.map(full)
    }

    fn build(&self, version: &str, variant: &Variant) -> Image {
        let spec = &self.spec;
        let text = |t: &&str| t.replace("{version}", version);
        let words = |list: &[&str]| list.iter().map(text).collect::<Vec<_>>();
        let path = [("PATH".to_owned(), PATH.to_owned())];
        let config = Config {
            entrypoint: words(spec.entrypoint),
            cmd: words(spec.cmd),
            env: path.into_iter().chain(spec.env.iter().map(|(n, v)| ((*n).to_owned(), text(v)))).collect(),
            workdir: spec.workdir.to_owned(),
            user: spec.user.to_owned(),
            ports: spec.ports.to_vec(),
            labels: Vec::new(),
            stop_signal: spec.stop_signal.to_owned(),
            volumes: words(spec.volumes),
        };
        let identity = format!("{}/{}:{version}{}", self.domain, self.repository, variant.suffix);
        Image {
            id: digest_of("config", &identity),
            digest: digest_of("manifest", &identity),
            os: variant.os,
            config,
            layers: layers(&identity, variant),
            files: (self.files)(version),
            software: self.software,
            version: version.to_owned(),
            created: CREATED + Duration::from_secs(u64::from(variant.suffix.len() as u32) * 300),
        }
    }
}

/// The system's layer, then the software in two, as most official images are made.
fn layers(identity: &str, variant: &Variant) -> Vec<Layer> {
    let base = base_size(variant.os).min(variant.size);
    let rest = variant.size - base;
    let shared = format!("{:?}", variant.os);
    let layer = |name: &str, size: u64, created_by: &str| Layer {
        digest: digest_of("layer", name),
        size,
        created_by: created_by.to_owned(),
    };
    let mut out = Vec::new();
    if base > 0 {
        out.push(layer(&shared, base, "ADD rootfs.tar.xz /"));
    }
    if rest > 0 {
        let small = (rest / 1000).clamp(1, 4096).min(rest);
        out.push(layer(&format!("{identity} 1"), rest - small, "RUN /bin/sh -c set -x; install"));
        out.push(layer(&format!("{identity} 2"), small, "COPY docker-entrypoint.sh /"));
    }
    out.retain(|l| l.size > 0);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::images::reference::Reference;

    fn check(name: &str, expected: Option<&str>) {
        let r = Reference::parse(name).expect("well-formed");
        let got = find(&r.domain, &r.repository).and_then(|e| e.image(&r.tag)).map(|i| i.version);
        assert_eq!(got.as_deref(), expected, "{name}");
    }

    #[test]
    fn tags_name_versions() {
        check("nginx:1.21.6", Some("1.21.6"));
        check("nginx:1.21", Some("1.21.6"));
        check("nginx:1.21.7", None);
        check("nginx:1.21.06", None);
        check("nginx:1.16.1-alpine", Some("1.16.1"));
        check("nginx:1.14.2", Some("1.14.2"));
        check("nginx:1.7.9", Some("1.7.9"));
        check("nginx:typo", None);
        check("postgres:16", Some("16.10"));
        check("python:3", Some("3.14.0"));
        check("debian:bookworm-slim", Some("12.12"));
        check("registry:2", Some("2.8.3"));
        check("gcr.io/google-samples/hello-app:2.0", Some("2.0.0"));
    }

    #[test]
    fn every_entry_builds_and_no_two_are_alike() {
        let mut seen = std::collections::BTreeSet::new();
        let mut digests = std::collections::BTreeSet::new();
        for entry in entries() {
            assert!(seen.insert((entry.domain, entry.repository)), "{} twice", entry.repository);
            let first = entry.aliases.first().map(|a| a.0).or(entry.series.first().map(|s| s.0));
            let tag = if entry.latest.is_empty() { first.expect("some tag") } else { "latest" };
            let image = entry.image(tag).expect("its own tag");
            assert!(digests.insert(image.digest.clone()) && digests.insert(image.id.clone()), "{}", entry.repository);
            assert_eq!(image.size(), entry.variants[0].size, "{}", entry.repository);
            assert!(entry.by_digest(&image.digest).is_some_and(|i| i.id == image.id), "{}", entry.repository);
        }
    }

    #[test]
    fn images_of_one_system_share_its_layer() {
        let a = find(HUB, "library/nginx").and_then(|e| e.image("1.21.6")).expect("nginx");
        let b = find(HUB, "library/redis").and_then(|e| e.image("7.0")).expect("redis");
        assert_eq!(a.layers[0].digest, b.layers[0].digest);
    }
}
