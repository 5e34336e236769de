//! Containers of all three sorts: regular, init, ephemeral.
//!
//! Models: `validateContainers`, `validateInitContainers`, `validateEphemeralContainers`.

use super::super::checks::{self, text};
use super::{env, handlers, pull_policy, resources, security, volumes};
use apimachinery::field::{Error, ErrorList, Path};
use apimachinery::names;
use k8s_openapi::api::core::v1::{Container, ContainerPort, EphemeralContainer, PodSpec, Volume};

/// What the checks of one pod's containers share.
pub struct Shared<'a> {
    pub spec: &'a PodSpec,
    pub volumes: &'a [&'a Volume],
    pub claims: &'a [&'a str],
}

impl Shared<'_> {
    fn restarts(&self) -> &str {
        text(&self.spec.restart_policy)
    }
}

pub fn regular(shared: &Shared<'_>, path: &Path, errors: &mut ErrorList) {
    let list = &shared.spec.containers;
    if list.is_empty() {
        errors.push(Error::required(path, ""));
    }
    for (i, c) in list.iter().enumerate() {
        let at = path.index(i);
        common(c, shared, &at, errors);
        if list[..i].iter().any(|o| o.name == c.name) {
            errors.push(Error::duplicate(&at.child("name"), &c.name));
        }
        hooks(c, shared, &at, errors);
        handlers::restart_policy(c, &at, errors);
    }
    host_ports(list.iter().enumerate(), path, errors);
}

pub fn init(shared: &Shared<'_>, path: &Path, errors: &mut ErrorList) {
    let list = shared.spec.init_containers.as_deref().unwrap_or_default();
    for (i, c) in list.iter().enumerate() {
        let at = path.index(i);
        common(c, shared, &at, errors);
        handlers::restart_policy(c, &at, errors);
        let taken = |o: &Container| o.name == c.name;
        if shared.spec.containers.iter().any(taken) || (!c.name.is_empty() && list[..i].iter().any(taken)) {
            errors.push(Error::duplicate(&at.child("name"), &c.name));
        }
        // Init containers run one by one: they may share ports with each other. Upstream counts from 0 here.
        host_ports(core::iter::once((0, c)), path, errors);
        if c.restart_policy.as_deref() == Some("Always") {
            hooks(c, shared, &at, errors);
            continue;
        }
        handlers::forbidden_in_init(c, &at, errors);
        let policies = at.child("resizePolicy");
        for (j, p) in c.resize_policy.iter().flatten().enumerate() {
            if p.restart_policy == "RestartContainer" {
                let why = "must not be set to 'RestartContainer' for non-sidecar initContainers";
                errors.push(Error::invalid(&policies.index(j).child("restartPolicy"), &p.restart_policy, why));
            }
        }
    }
}

fn hooks(c: &Container, shared: &Shared<'_>, path: &Path, errors: &mut ErrorList) {
    if let Some(lifecycle) = &c.lifecycle {
        let grace = shared.spec.termination_grace_period_seconds;
        handlers::lifecycle(lifecycle, grace, shared.spec.os.as_ref(), &path.child("lifecycle"), errors);
    }
    handlers::probes(c, path, errors);
}

fn common(c: &Container, shared: &Shared<'_>, path: &Path, errors: &mut ErrorList) {
    if c.name.is_empty() {
        errors.push(Error::required(&path.child("name"), ""));
    } else {
        checks::dns_label(&c.name, &path.child("name"), errors);
    }
    let image = text(&c.image);
    if image.is_empty() {
        errors.push(Error::required(&path.child("image"), ""));
    }
    let known = ["File", "FallbackToLogsOnError"];
    checks::one_of(text(&c.termination_message_policy), &known, &path.child("terminationMessagePolicy"), errors);
    ports(c.ports.as_deref().unwrap_or_default(), &path.child("ports"), errors);
    env::variables(c.env.as_deref().unwrap_or_default(), &path.child("env"), errors);
    env::sources(c.env_from.as_deref().unwrap_or_default(), &path.child("envFrom"), errors);
    volumes::mounts(c, shared.volumes, &path.child("volumeMounts"), errors);
    volumes::devices(c, shared.volumes, &path.child("volumeDevices"), errors);
    pull_policy(text(&c.image_pull_policy), &path.child("imagePullPolicy"), errors);
    if let Some(r) = &c.resources {
        resources::requirements(r, shared.claims, &path.child("resources"), errors);
    }
    handlers::resize_policy(c, shared.restarts(), &path.child("resizePolicy"), errors);
    if let Some(sc) = &c.security_context {
        let host_users = shared.spec.host_users != Some(false);
        security::container(sc, host_users, &path.child("securityContext"), errors);
    }
}

fn ports(list: &[ContainerPort], path: &Path, errors: &mut ErrorList) {
    let mut seen: Vec<&str> = Vec::new();
    for (i, port) in list.iter().enumerate() {
        let at = path.index(i);
        let name = text(&port.name);
        if !name.is_empty() {
            let messages = names::port_name(name);
            if !messages.is_empty() {
                errors.invalid_each(&at.child("name"), name, messages);
            } else if seen.contains(&name) {
                errors.push(Error::duplicate(&at.child("name"), name));
            } else {
                seen.push(name);
            }
        }
        if port.container_port == 0 {
            errors.push(Error::required(&at.child("containerPort"), ""));
        } else {
            checks::port_number(port.container_port, &at.child("containerPort"), errors);
        }
        if let Some(host) = port.host_port.filter(|p| *p != 0) {
            checks::port_number(host, &at.child("hostPort"), errors);
        }
        checks::one_of(text(&port.protocol), &["SCTP", "TCP", "UDP"], &at.child("protocol"), errors);
    }
}

fn host_ports<'a>(list: impl Iterator<Item = (usize, &'a Container)>, path: &Path, errors: &mut ErrorList) {
    let mut seen: Vec<(&str, &str, i32)> = Vec::new();
    for (i, c) in list {
        let container = path.index(i);
        let at = container.child("ports");
        for (j, port) in c.ports.iter().flatten().enumerate() {
            let Some(number) = port.host_port.filter(|p| *p != 0) else { continue };
            let key = (text(&port.protocol), text(&port.host_ip), number);
            if seen.contains(&key) {
                let shown = format!("{}/{}/{number}", key.0, key.1);
                errors.push(Error::duplicate(&at.index(j).child("hostPort"), &shown));
            } else {
                seen.push(key);
            }
        }
    }
}

pub fn ephemeral(shared: &Shared<'_>, path: &Path, errors: &mut ErrorList) {
    let list = shared.spec.ephemeral_containers.as_deref().unwrap_or_default();
    let others = || shared.spec.containers.iter().chain(shared.spec.init_containers.iter().flatten());
    for (i, e) in list.iter().enumerate() {
        let at = path.index(i);
        let c = as_container(e);
        common(&c, shared, &at, errors);
        image_spaces(&c, &at, errors);
        if others().any(|o| o.name == e.name) || list[..i].iter().any(|o| o.name == e.name) {
            errors.push(Error::duplicate(&at.child("name"), &e.name));
        }
        let target = text(&e.target_container_name);
        if !target.is_empty() && !others().any(|o| o.name == target) {
            errors.push(Error::not_found(&at.child("targetContainerName"), target));
        }
        let has_resources = e.resources.as_ref().is_some_and(|r| r.limits.is_some() || r.requests.is_some());
        for (field, set) in [
            ("ports", e.ports.as_ref().is_some_and(|p| !p.is_empty())),
            ("resources", has_resources),
            ("livenessProbe", e.liveness_probe.is_some()),
            ("readinessProbe", e.readiness_probe.is_some()),
            ("startupProbe", e.startup_probe.is_some()),
            ("lifecycle", e.lifecycle.is_some()),
        ] {
            if set {
                errors.push(Error::forbidden(&at.child(field), "cannot be set for an Ephemeral Container"));
            }
        }
    }
}

/// The part of an ephemeral container that the common checks look at.
fn as_container(e: &EphemeralContainer) -> Container {
    Container {
        name: e.name.clone(),
        image: e.image.clone(),
        image_pull_policy: e.image_pull_policy.clone(),
        termination_message_policy: e.termination_message_policy.clone(),
        env: e.env.clone(),
        env_from: e.env_from.clone(),
        ports: e.ports.clone(),
        volume_mounts: e.volume_mounts.clone(),
        volume_devices: e.volume_devices.clone(),
        security_context: e.security_context.clone(),
        ..Container::default()
    }
}

/// Pods are stricter here than templates.
pub fn image_spaces(c: &Container, path: &Path, errors: &mut ErrorList) {
    let image = text(&c.image);
    if image.trim() != image {
        let why = "must not have leading or trailing whitespace";
        errors.push(Error::invalid(&path.child("image"), image, why));
    }
}
