//! The rules of a pod's spec, for pods and for the templates that make them.
//!
//! All errors are found at once, in upstream's order. Nothing is allocated for a spec that is in order.
//!
//! Models: `ValidatePodSpec` and what it calls. Not checked: options for Windows.

mod containers;
mod env;
mod handlers;
mod placement;
mod resources;
mod security;
mod volumes;
mod warnings;

use super::checks::{self, text};
use apimachinery::field::{Error, ErrorList, Path};
use apimachinery::names;
use k8s_openapi::api::core::v1::{PodDNSConfig, PodSpec, PodTemplateSpec};

pub use containers::image_spaces;
pub use placement::{taint_effect, tolerations};
pub use resources::{name as resource_name, quantity as resource_quantity};
pub use warnings::warnings;

const DNS_SERVERS_MAX: usize = 3;
const DNS_SEARCHES_MAX: usize = 32;
const DNS_SEARCH_BYTES_MAX: usize = 2048;

/// Where a spec stands.
pub struct Scope<'a> {
    /// The spec of a pod itself, not of a template.
    pub is_pod: bool,
    /// Name of the pod, if it has one yet.
    pub pod_name: &'a str,
}

/// The spec and metadata of a template.
pub fn template(t: &PodTemplateSpec, path: &Path, errors: &mut ErrorList) {
    if let Some(meta) = &t.metadata {
        checks::labels(meta.labels.as_ref(), &path.child("labels"), errors);
        checks::annotations(meta.annotations.as_ref(), &path.child("annotations"), errors);
    }
    let Some(spec) = &t.spec else { return };
    let at = path.child("spec");
    validate(spec, &Scope { is_pod: false, pod_name: "" }, &at, errors);
    if spec.ephemeral_containers.as_ref().is_some_and(|e| !e.is_empty()) {
        let why = "ephemeral containers not allowed in pod template";
        errors.push(Error::forbidden(&at.child("ephemeralContainers"), why));
    }
}

pub fn validate(spec: &PodSpec, scope: &Scope<'_>, path: &Path, errors: &mut ErrorList) {
    if spec.termination_grace_period_seconds.is_none() {
        errors.push(Error::required(&path.child("terminationGracePeriodSeconds"), ""));
    }
    let list = spec.volumes.as_deref().unwrap_or_default();
    let known = volumes::validate(list, scope, &path.child("volumes"), errors);
    let claims: Vec<&str> = spec.resource_claims.iter().flatten().map(|c| c.name.as_str()).collect();
    let shared = containers::Shared { spec, volumes: &known, claims: &claims };
    containers::regular(&shared, &path.child("containers"), errors);
    containers::init(&shared, &path.child("initContainers"), errors);
    containers::ephemeral(&shared, &path.child("ephemeralContainers"), errors);
    if let Some(r) = &spec.resources {
        resources::requirements(r, &claims, &path.child("resources"), errors);
    }
    host_network_ports(spec, scope, &path.child("containers"), errors);
    let known = ["Always", "OnFailure", "Never"];
    checks::one_of(text(&spec.restart_policy), &known, &path.child("restartPolicy"), errors);
    let known = ["ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"];
    checks::one_of(text(&spec.dns_policy), &known, &path.child("dnsPolicy"), errors);
    checks::labels(spec.node_selector.as_ref(), &path.child("nodeSelector"), errors);
    security::pod(spec, &path.child("securityContext"), errors);
    if let Some(a) = &spec.affinity {
        placement::affinity(a, &path.child("affinity"), errors);
    }
    dns(spec, &path.child("dnsConfig"), errors);
    gates(spec, path, errors);
    let constraints = spec.topology_spread_constraints.as_deref().unwrap_or_default();
    placement::spread(constraints, &path.child("topologySpreadConstraints"), errors);
    host_users(spec, path, errors);
    names_of(spec, path, errors);
}

/// The plain fields at the end of the spec.
fn names_of(spec: &PodSpec, path: &Path, errors: &mut ErrorList) {
    hostname_override(spec, &path.child("hostnameOverride"), errors);
    let subdomain = |field: &str, value: &Option<String>, errors: &mut ErrorList| {
        if !text(value).is_empty() {
            checks::dns_subdomain(text(value), &path.child(field), errors);
        }
    };
    subdomain("serviceAccountName", &spec.service_account_name, errors);
    subdomain("nodeName", &spec.node_name, errors);
    if let Some(seconds) = spec.active_deadline_seconds
        && !(1..=i64::from(i32::MAX)).contains(&seconds)
    {
        let why = "must be between 1 and 2147483647, inclusive";
        errors.push(Error::invalid_raw(&path.child("activeDeadlineSeconds"), seconds, why));
    }
    for (field, value) in [("hostname", &spec.hostname), ("subdomain", &spec.subdomain)] {
        if !text(value).is_empty() {
            checks::dns_label(text(value), &path.child(field), errors);
        }
    }
    tolerations(spec.tolerations.as_deref().unwrap_or_default(), &path.child("tolerations"), errors);
    let at = path.child("hostAliases");
    for (i, alias) in spec.host_aliases.iter().flatten().enumerate() {
        let at = at.index(i);
        checks::ip(&alias.ip, &at.child("ip"), errors);
        let at = at.child("hostnames");
        for (j, name) in alias.hostnames.iter().flatten().enumerate() {
            checks::dns_subdomain(name, &at.index(j), errors);
        }
    }
    subdomain("priorityClassName", &spec.priority_class_name, errors);
    subdomain("runtimeClassName", &spec.runtime_class_name, errors);
    let known = ["PreemptLowerPriority", "Never"];
    checks::one_of_if_set(text(&spec.preemption_policy), &known, &path.child("preemptionPolicy"), errors);
    if let Some(os) = &spec.os {
        checks::one_of(&os.name, &["linux", "windows"], &path.child("os").child("name"), errors);
    }
}

fn host_network_ports(spec: &PodSpec, scope: &Scope<'_>, path: &Path, errors: &mut ErrorList) {
    if spec.host_network != Some(true) {
        return;
    }
    for (i, c) in spec.containers.iter().enumerate() {
        let container = path.index(i);
        let at = container.child("ports");
        for (j, port) in c.ports.iter().flatten().enumerate() {
            let host = port.host_port.unwrap_or(0);
            if (scope.is_pod || host != 0) && host != port.container_port {
                let why = "must match `containerPort` when `hostNetwork` is true";
                errors.push(Error::invalid_raw(&at.index(j).child("hostPort"), host, why));
            }
        }
    }
}

fn dns(spec: &PodSpec, path: &Path, errors: &mut ErrorList) {
    let config = spec.dns_config.as_ref();
    if text(&spec.dns_policy) == "None" {
        let Some(config) = config else {
            errors.push(Error::required(path, "must provide `dnsConfig` when `dnsPolicy` is None"));
            return;
        };
        if config.nameservers.as_ref().is_none_or(Vec::is_empty) {
            let why = "must provide at least one DNS nameserver when `dnsPolicy` is None";
            errors.push(Error::required(&path.child("nameservers"), why));
            return;
        }
    }
    if let Some(config) = config {
        dns_config(config, path, errors);
    }
}

fn dns_config(config: &PodDNSConfig, path: &Path, errors: &mut ErrorList) {
    let at = path.child("nameservers");
    let servers = config.nameservers.as_deref().unwrap_or_default();
    if servers.len() > DNS_SERVERS_MAX {
        let why = format!("must not have more than {DNS_SERVERS_MAX} nameservers");
        errors.push(Error::invalid_raw(&at, checks::json(&servers), why));
    }
    for (i, server) in servers.iter().enumerate() {
        checks::ip(server, &at.index(i), errors);
    }
    let at = path.child("searches");
    let searches = config.searches.as_deref().unwrap_or_default();
    if searches.len() > DNS_SEARCHES_MAX {
        let why = format!("must not have more than {DNS_SEARCHES_MAX} search paths");
        errors.push(Error::invalid_raw(&at, checks::json(&searches), why));
    }
    if searches.iter().map(|s| s.len() + 1).sum::<usize>() > DNS_SEARCH_BYTES_MAX + 1 {
        let why =
            format!("must not have more than {DNS_SEARCH_BYTES_MAX} characters (including spaces) in the search list");
        errors.push(Error::invalid_raw(&at, checks::json(&searches), why));
    }
    for (i, search) in searches.iter().enumerate().filter(|(_, s)| *s != ".") {
        // Underscores are let through here.
        let plain = search.strip_suffix('.').unwrap_or(search);
        if !names::dns1123_subdomain(&plain.replace('_', "-")).is_empty() {
            checks::dns_subdomain(plain, &at.index(i), errors);
        }
    }
    let at = path.child("options");
    for (i, _) in config.options.iter().flatten().enumerate().filter(|(_, o)| text(&o.name).is_empty()) {
        errors.push(Error::required(&at.index(i), "must not be empty"));
    }
}

fn gates(spec: &PodSpec, path: &Path, errors: &mut ErrorList) {
    let at = path.child("readinessGates");
    for (i, gate) in spec.readiness_gates.iter().flatten().enumerate() {
        checks::qualified_name(&gate.condition_type, &at.index(i).child("conditionType"), errors);
    }
    let at = path.child("schedulingGates");
    let list = spec.scheduling_gates.as_deref().unwrap_or_default();
    for (i, gate) in list.iter().enumerate() {
        checks::qualified_name(&gate.name, &at.index(i), errors);
        if list[..i].iter().any(|g| g.name == gate.name) {
            errors.push(Error::duplicate(&at.index(i), &gate.name));
        }
    }
}

fn host_users(spec: &PodSpec, path: &Path, errors: &mut ErrorList) {
    if spec.host_users != Some(false) {
        return;
    }
    for (field, set) in [("hostNetwork", spec.host_network), ("HostPID", spec.host_pid), ("HostIPC", spec.host_ipc)] {
        if set == Some(true) {
            errors.push(Error::forbidden(&path.child(field), "when `hostUsers` is false"));
        }
    }
}

fn hostname_override(spec: &PodSpec, path: &Path, errors: &mut ErrorList) {
    let Some(name) = &spec.hostname_override else { return };
    if spec.set_hostname_as_fqdn == Some(true) {
        errors.push(Error::forbidden(path, "may not be specified when setHostnameAsFQDN is true"));
    }
    if spec.host_network == Some(true) {
        errors.push(Error::forbidden(path, "may not be specified when hostNetwork is true"));
    }
    if name.len() > 64 {
        errors.push(Error::too_long(path, 64));
    }
    checks::dns_subdomain(name, path, errors);
}

fn pull_policy(policy: &str, path: &Path, errors: &mut ErrorList) {
    checks::one_of(policy, &["Always", "IfNotPresent", "Never"], path, errors);
}
