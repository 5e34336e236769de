//! Profiles: the clusters that minikube made, with their addresses; `status`, `stop`, `delete`, `profile`.

use super::{API_PORT, DEFAULT_KUBERNETES, kubeconfig, line, not_found, profile_name};
use crate::docker::engine::{Publish, RunSpec};
use crate::outside::{self, Outside};
use crate::play::{Act, Args, out, wait_ms};
use apimachinery::time::{Duration, Time};
use cluster::images::catalog::NO_SOFTWARE;
use cluster::images::image::{Config, Image, Layer, digest_of};
use cluster::images::os::Os;
use cluster::{Cluster, Config as ClusterConfig};
use machine::host::ForwardTarget;
use machine::machine::Machine;
use machine::process::Ctx;
use std::sync::Arc;

/// How long the ready laptop's cluster has been up.
const UP_FOR: Duration = Duration::from_secs(14);
pub const BASE_IMAGE: &str = "gcr.io/k8s-minikube/kicbase:v0.0.48";
const BASE_IMAGE_BYTES: u64 = 512_000_000;

#[derive(Clone)]
pub struct Minikube {
    profiles: Vec<Profile>,
    /// The profile that commands without `-p` mean.
    pub active: String,
    made: u64,
    /// Whether clusters show their own pods in kube-system.
    pub system_pods: bool,
    /// Base image and preloads that were fetched before.
    pub cached: Vec<String>,
}

impl Default for Minikube {
    fn default() -> Self {
        Self { profiles: Vec::new(), active: "minikube".into(), made: 0, system_pods: true, cached: Vec::new() }
    }
}

#[derive(Clone)]
pub struct Profile {
    pub name: String,
    pub index: u64,
    pub version: String,
    pub driver: String,
    pub nodes: u32,
    pub running: bool,
    pub cluster: Option<Box<Cluster>>,
    pub addons: Vec<&'static str>,
}

impl Profile {
    /// `192.168.49`: every profile has a network of its own.
    fn network(&self) -> String {
        format!("192.168.{}", 49 + 9 * (self.index - 1))
    }

    /// Address of a node, counted from 0.
    pub fn node_ip(&self, node: u32) -> String {
        format!("{}.{}", self.network(), 2 + node)
    }

    pub fn server(&self) -> String {
        format!("https://{}:{API_PORT}", self.node_ip(0))
    }

    pub fn node_name(&self, node: u32) -> String {
        if node == 0 { self.name.clone() } else { format!("{}-m{:02}", self.name, node + 1) }
    }
}

impl Minikube {
    pub fn get(&self, name: &str) -> Option<&Profile> {
        self.profiles.iter().find(|p| p.name == name)
    }

    pub fn get_mut(&mut self, name: &str) -> Option<&mut Profile> {
        self.profiles.iter_mut().find(|p| p.name == name)
    }

    pub fn all(&self) -> &[Profile] {
        &self.profiles
    }

    pub fn current(&self) -> Option<&Profile> {
        self.get(&self.active)
    }

    pub fn current_mut(&mut self) -> Option<&mut Profile> {
        let name = self.active.clone();
        self.get_mut(&name)
    }

    /// Clusters whose time passes.
    pub fn clusters(&self) -> impl Iterator<Item = &Cluster> {
        self.profiles.iter().filter(|p| p.running).filter_map(|p| p.cluster.as_deref())
    }

    pub fn clusters_mut(&mut self) -> impl Iterator<Item = &mut Cluster> {
        self.profiles.iter_mut().filter(|p| p.running).filter_map(|p| p.cluster.as_deref_mut())
    }

    pub fn by_index(&mut self, index: u64) -> Option<&mut Cluster> {
        self.profiles.iter_mut().find(|p| p.index == index && p.running)?.cluster.as_deref_mut()
    }

    /// The profile a node's address belongs to, and whether that node serves the API.
    pub fn owner_of(&mut self, address: &str) -> Option<(&mut Profile, bool)> {
        let profile = self.profiles.iter_mut().find(|p| (0..p.nodes).any(|n| p.node_ip(n) == address))?;
        let api = profile.node_ip(0) == address;
        Some((profile, api))
    }

    /// The cluster that a port on the laptop leads into.
    pub fn running_mut(&mut self, to: &ForwardTarget) -> Option<&mut Profile> {
        match to {
            ForwardTarget::ApiServer { server } => {
                self.profiles.iter_mut().find(|p| p.running && server.contains(&p.node_ip(0)))
            }
            ForwardTarget::Pod { .. } => self.current_mut().filter(|p| p.running),
        }
    }

    pub fn power_off(&mut self) {
        self.profiles.iter_mut().for_each(|p| p.running = false);
    }
}

/// Makes a cluster and its nodes' containers.
pub fn create(outside: &mut Outside, name: &str, version: &str, driver: &str, nodes: u32, start: Time) {
    outside.minikube.made += 1;
    let index = outside.minikube.made;
    let seed = outside.seed.wrapping_add(index - 1);
    let system_pods = outside.minikube.system_pods;
    let config = ClusterConfig {
        seed,
        version: version.to_owned(),
        nodes,
        name: name.to_owned(),
        start,
        system_pods,
        ..ClusterConfig::default()
    };
    let mut cluster = Cluster::new(config);
    crate::link::set_registries(&mut cluster, &outside.registries);
    let profile = Profile {
        name: name.to_owned(),
        index,
        version: version.to_owned(),
        driver: driver.to_owned(),
        nodes,
        running: true,
        cluster: Some(Box::new(cluster)),
        addons: vec!["default-storageclass", "storage-provisioner"],
    };
    let profile_nodes: Vec<(String, String)> = (0..nodes).map(|n| (profile.node_name(n), profile.node_ip(n))).collect();
    outside.minikube.profiles.push(profile);
    for (node, ip) in profile_nodes {
        add_container(outside, &node, &ip, index);
    }
}

fn base_image(now: Time) -> Arc<Image> {
    let config =
        Config { entrypoint: vec!["/usr/local/bin/entrypoint".into(), "/sbin/init".into()], ..Config::default() };
    Arc::new(Image {
        id: digest_of("config", BASE_IMAGE),
        digest: digest_of("manifest", BASE_IMAGE),
        os: Os::Debian,
        config,
        layers: vec![Layer {
            digest: digest_of("layer", BASE_IMAGE),
            size: BASE_IMAGE_BYTES,
            created_by: String::new(),
        }],
        files: Vec::new(),
        software: &NO_SOFTWARE,
        version: "v0.0.48".into(),
        created: now - Duration::from_secs(90 * 86_400),
    })
}

/// The node as docker shows it.
fn add_container(outside: &mut Outside, node: &str, ip: &str, index: u64) {
    let image = base_image(outside.now);
    if let Ok(reference) = cluster::images::reference::Reference::parse(BASE_IMAGE) {
        outside.docker.images.insert(&reference, image.clone());
    }
    let first = 32_768 + 10 * u16::try_from(index).unwrap_or(0);
    let publish = [22u16, 2376, 5000, API_PORT, 32443].into_iter().enumerate();
    let publish = publish.map(|(i, port)| Publish { host_ip: "127.0.0.1".into(), host_port: first + i as u16, port });
    let spec = RunSpec {
        name: node.to_owned(),
        image: BASE_IMAGE.to_owned(),
        publish: publish.collect(),
        hostname: node.to_owned(),
        ..RunSpec::default()
    };
    let now = outside.now;
    outside.docker.add_node(spec, image, ip, now);
}

pub fn preset(outside: &mut Outside, laptop: &mut Machine, version: &str, nodes: u32) {
    let now = outside.now;
    create(outside, "minikube", version, "docker", nodes.max(1), now - UP_FOR);
    outside.minikube.cached.extend([BASE_IMAGE.to_owned(), version.to_owned()]);
    outside.advance(now);
    if let Some(profile) = outside.minikube.get("minikube") {
        kubeconfig::install(laptop, profile);
    }
}

pub fn status(ctx: &mut Ctx<'_>, args: &Args<'_>) -> Vec<Act> {
    let Some(outside) = outside::of(ctx.host) else { return Vec::new() };
    let name = profile_name(args, outside);
    let Some(profile) = outside.minikube.get(&name) else { return not_found(ctx, &name) };
    let (host, kubeconfig) = if profile.running { ("Running", "Configured") } else { ("Stopped", "Stopped") };
    let mut text = String::new();
    for n in 0..profile.nodes {
        text.push_str(&profile.node_name(n));
        text.push_str(if n == 0 { "\ntype: Control Plane\n" } else { "\ntype: Worker\n" });
        text.push_str(&format!("host: {host}\nkubelet: {host}\n"));
        if n == 0 {
            text.push_str(&format!("apiserver: {host}\nkubeconfig: {kubeconfig}\n"));
        }
        text.push('\n');
    }
    let code = if profile.running { 0 } else { 7 };
    vec![wait_ms(250), out(text), Act::Exit(code)]
}

pub fn stop(ctx: &mut Ctx<'_>, args: &Args<'_>) -> Vec<Act> {
    let Some(outside) = outside::of(ctx.host) else { return Vec::new() };
    let name = profile_name(args, outside);
    let Some(profile) = outside.minikube.get_mut(&name) else { return not_found(ctx, &name) };
    let nodes: Vec<String> = (0..profile.nodes).rev().map(|n| profile.node_name(n)).collect();
    let mut acts = Vec::new();
    for node in &nodes {
        acts.push(line(ctx, "✋", &format!("Stopping node \"{node}\"  ...")));
        acts.push(line(ctx, "🛑", &format!("Powering off \"{node}\" via SSH ...")));
        acts.push(wait_ms(5000));
    }
    let n = nodes.len();
    let plural = if n == 1 { "node" } else { "nodes" };
    acts.push(Act::Then(stopped, name));
    acts.push(line(ctx, "🛑", &format!("{n} {plural} stopped.")));
    acts
}

fn stopped(ctx: &mut Ctx<'_>, name: &str) -> Vec<Act> {
    if let Some(outside) = outside::of(ctx.host) {
        let now = outside.now;
        let nodes: Vec<String> = match outside.minikube.get_mut(name) {
            Some(p) => {
                p.running = false;
                (0..p.nodes).map(|n| p.node_name(n)).collect()
            }
            None => Vec::new(),
        };
        for c in outside.docker.containers.iter_mut().filter(|c| c.node && nodes.contains(&c.spec.name)) {
            c.kill(now);
        }
        outside.docker.revision += 1;
    }
    Vec::new()
}

pub fn delete(ctx: &mut Ctx<'_>, args: &Args<'_>) -> Vec<Act> {
    let Some(outside) = outside::of(ctx.host) else { return Vec::new() };
    let name = profile_name(args, outside);
    let names: Vec<String> = match args.has("all") {
        true => outside.minikube.all().iter().map(|p| p.name.clone()).collect(),
        false => vec![name],
    };
    let mut acts = Vec::new();
    for name in names {
        let Some(profile) = outside::of(ctx.host).and_then(|o| o.minikube.get(&name).cloned()) else {
            acts.push(line(ctx, "🙄", &format!("\"{name}\" profile does not exist, trying anyways.")));
            acts.push(line(ctx, "💀", &format!("Removed all traces of the \"{name}\" cluster.")));
            continue;
        };
        acts.push(line(ctx, "🔥", &format!("Deleting \"{name}\" in docker ...")));
        for n in 0..profile.nodes {
            acts.push(line(ctx, "🔥", &format!("Deleting container \"{}\" ...", profile.node_name(n))));
            acts.push(wait_ms(1500));
        }
        acts.push(line(ctx, "🔥", &format!("Removing /home/learner/.minikube/machines/{name} ...")));
        acts.push(Act::Then(deleted, name.clone()));
        acts.push(line(ctx, "💀", &format!("Removed all traces of the \"{name}\" cluster.")));
    }
    if args.has("all") {
        acts.push(line(ctx, "🔥", "Successfully deleted all profiles"));
    }
    acts
}

fn deleted(ctx: &mut Ctx<'_>, name: &str) -> Vec<Act> {
    let Some(outside) = outside::of(ctx.host) else { return Vec::new() };
    let nodes: Vec<String> =
        outside.minikube.get(name).map(|p| (0..p.nodes).map(|n| p.node_name(n)).collect()).unwrap_or_default();
    outside.minikube.profiles.retain(|p| p.name != name);
    if outside.minikube.active == name {
        outside.minikube.active = "minikube".into();
    }
    let ids: Vec<String> = outside
        .docker
        .containers
        .iter()
        .filter(|c| c.node && nodes.contains(&c.spec.name))
        .map(|c| c.id.clone())
        .collect();
    for id in ids {
        outside.docker.remove(&id);
    }
    kubeconfig::remove(ctx, name);
    Vec::new()
}

pub fn profile(ctx: &mut Ctx<'_>, args: &Args<'_>) -> Vec<Act> {
    let word = args.words.first().cloned();
    let Some(outside) = outside::of(ctx.host) else { return Vec::new() };
    match word.as_deref() {
        None => vec![out(format!("{}\n", outside.minikube.active))],
        Some("list") => {
            if outside.minikube.all().is_empty() {
                return vec![
                    line(ctx, "🤹", "Exiting due to MK_USAGE_NO_PROFILE: No minikube profile was found."),
                    Act::Exit(14),
                ];
            }
            let rows: Vec<[String; 10]> = outside
                .minikube
                .all()
                .iter()
                .map(|p| {
                    let status = if p.running { "OK" } else { "Stopped" };
                    let mark = |on: bool| if on { "*" } else { "" }.to_owned();
                    let active = p.name == outside.minikube.active;
                    [
                        p.name.clone(),
                        p.driver.clone(),
                        "containerd".into(),
                        p.node_ip(0),
                        API_PORT.to_string(),
                        p.version.clone(),
                        status.into(),
                        p.nodes.to_string(),
                        mark(active),
                        mark(active),
                    ]
                })
                .collect();
            let head = [
                "PROFILE",
                "DRIVER",
                "RUNTIME",
                "IP",
                "PORT",
                "VERSION",
                "STATUS",
                "NODES",
                "ACTIVE PROFILE",
                "ACTIVE KUBECONTEXT",
            ];
            vec![out(boxed(&head.map(str::to_owned), &rows))]
        }
        Some(name) => {
            let name = name.to_owned();
            if outside.minikube.get(&name).is_none() {
                return vec![
                    line(ctx, "❗", &format!("\"{name}\" is not a valid profile: profile not found")),
                    Act::Exit(14),
                ];
            }
            outside.minikube.active = name.clone();
            let profile = outside.minikube.get(&name).cloned();
            if let Some(profile) = profile {
                kubeconfig::install(ctx.machine, &profile);
            }
            vec![line(ctx, "✅", &format!("minikube profile was successfully set to {name}"))]
        }
    }
}

/// A table drawn with lines.
pub fn boxed<const N: usize>(head: &[String; N], rows: &[[String; N]]) -> String {
    let width =
        |i: usize| rows.iter().map(|r| r[i].chars().count()).chain([head[i].chars().count()]).max().unwrap_or(0);
    let rule = |l: char, m: char, r: char| {
        let cells: Vec<String> = (0..N).map(|i| "─".repeat(width(i) + 2)).collect();
        format!("{l}{}{r}\n", cells.join(&m.to_string()))
    };
    let row = |cells: &[String; N]| {
        let cells: Vec<String> = cells
            .iter()
            .enumerate()
            .map(|(i, c)| format!(" {c}{} ", " ".repeat(width(i) - c.chars().count())))
            .collect();
        format!("│{}│\n", cells.join("│"))
    };
    let body: String = rows.iter().map(row).collect();
    format!("{}{}{}{body}{}", rule('┌', '┬', '┐'), row(head), rule('├', '┼', '┤'), rule('└', '┴', '┘'))
}

pub fn update_context(ctx: &mut Ctx<'_>, args: &Args<'_>) -> Vec<Act> {
    let Some(outside) = outside::of(ctx.host) else { return Vec::new() };
    let name = profile_name(args, outside);
    let Some(profile) = outside.minikube.get(&name).cloned() else { return not_found(ctx, &name) };
    kubeconfig::install(ctx.machine, &profile);
    vec![line(ctx, "💗", &format!("\"{name}\" context has been updated to point to {}:{API_PORT}", profile.node_ip(0)))]
}

/// Words of the version flag as a version: `1.23.3`, `v1.23.3`, `stable`, `latest`.
pub fn parse_version(text: &str) -> Option<String> {
    match text {
        "" | "stable" | "latest" => return Some(DEFAULT_KUBERNETES.to_owned()),
        _ => {}
    }
    let bare = text.strip_prefix('v').unwrap_or(text);
    let parts: Vec<&str> = bare.split('.').collect();
    let numeric = parts.iter().all(|p| !p.is_empty() && p.bytes().all(|b| b.is_ascii_digit()));
    match parts.as_slice() {
        [_, _] if numeric => Some(format!("v{bare}.0")),
        [_, _, _] if numeric => Some(format!("v{bare}")),
        _ => None,
    }
}
