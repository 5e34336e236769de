//! What is allowed in a pod but will surprise its author.
//!
//! Models: `pkg/api/pod/warnings.go`.

use super::super::checks::text;
use apimachinery::field::{Path, quote};
use apimachinery::quantity::Quantity;
use k8s_openapi::api::core::v1::{Container, ContainerPort, EnvVar, PodAffinityTerm, PodSpec};
use std::collections::BTreeMap;

const NO_SELECTOR: &str = "a null labelSelector results in matching no pod";

/// `path`: that of the spec.
pub fn warnings(spec: &PodSpec, path: &Path) -> Vec<String> {
    let mut out = Vec::new();
    let at = path.child("nodeSelector");
    for key in spec.node_selector.iter().flatten().map(|(key, _)| key) {
        if let Some(why) = deprecated_label(key) {
            out.push(format!("{}: {why}", at.key(key)));
        }
    }
    let at = path.child("topologySpreadConstraints");
    for (i, c) in spec.topology_spread_constraints.iter().flatten().enumerate() {
        if let Some(why) = deprecated_label(&c.topology_key) {
            out.push(format!("{}: {} is {why}", at.index(i).child("topologyKey"), c.topology_key));
        }
        if c.label_selector.is_none() {
            out.push(format!("{}: {NO_SELECTOR}", at.index(i).child("labelSelector")));
        }
    }
    volumes(spec, &path.child("volumes"), &mut out);
    let ips: Vec<&str> = spec.host_aliases.iter().flatten().map(|a| a.ip.as_str()).collect();
    duplicates(&ips, "ip", &path.child("hostAliases"), &mut out);
    let names: Vec<&str> = spec.image_pull_secrets.iter().flatten().map(|s| s.name.as_str()).collect();
    let at = path.child("imagePullSecrets");
    duplicates(&names, "name", &at, &mut out);
    for (i, _) in names.iter().enumerate().filter(|(_, n)| n.is_empty()) {
        out.push(format!("{}: invalid empty name \"\"", at.index(i).child("name")));
    }
    containers(spec, path, &mut out);
    if spec.termination_grace_period_seconds.is_some_and(|s| s < 0) {
        let at = path.child("terminationGracePeriodSeconds");
        out.push(format!("{at}: must be >= 0; negative values are invalid and will be treated as 1"));
    }
    affinity(spec, &path.child("affinity"), &mut out);
    out
}

fn deprecated_label(key: &str) -> Option<String> {
    let (since, instead) = match key {
        "beta.kubernetes.io/arch" => ("v1.14", "kubernetes.io/arch"),
        "beta.kubernetes.io/os" => ("v1.14", "kubernetes.io/os"),
        "beta.kubernetes.io/instance-type" => ("v1.17", "node.kubernetes.io/instance-type"),
        "failure-domain.beta.kubernetes.io/region" => ("v1.17", "topology.kubernetes.io/region"),
        "failure-domain.beta.kubernetes.io/zone" => ("v1.17", "topology.kubernetes.io/zone"),
        _ => return None,
    };
    Some(format!("deprecated since {since}; use \"{instead}\" instead"))
}

fn volumes(spec: &PodSpec, path: &Path, out: &mut Vec<String>) {
    for (i, v) in spec.volumes.iter().flatten().enumerate() {
        let gone = [
            (v.photon_persistent_disk.is_some(), "photonPersistentDisk", "v1.11, non-functional in v1.16+"),
            (v.git_repo.is_some(), "gitRepo", "v1.11, and disabled by default in v1.33+"),
            (v.scale_io.is_some(), "scaleIO", "v1.16, non-functional in v1.22+"),
            (v.flocker.is_some(), "flocker", "v1.22, non-functional in v1.25+"),
            (v.storageos.is_some(), "storageOS", "v1.22, non-functional in v1.25+"),
            (v.quobyte.is_some(), "quobyte", "v1.22, non-functional in v1.25+"),
            (v.glusterfs.is_some(), "glusterfs", "v1.25, non-functional in v1.26+"),
            (v.cephfs.is_some(), "cephfs", "v1.28, non-functional in v1.31+"),
            (v.rbd.is_some(), "rbd", "v1.28, non-functional in v1.31+"),
        ];
        for (_, field, since) in gone.iter().filter(|(set, _, _)| *set) {
            out.push(format!("{}: deprecated in {since}", path.index(i).child(field)));
        }
    }
}

fn duplicates(values: &[&str], field: &str, path: &Path, out: &mut Vec<String>) {
    for (i, value) in values.iter().enumerate() {
        if values[..i].contains(value) {
            out.push(format!("{}: duplicate {field} {}", path.index(i).child(field), quote(value)));
        }
    }
}

/// Init containers come first here.
fn containers(spec: &PodSpec, path: &Path, out: &mut Vec<String>) {
    let (inits, regular) = (path.child("initContainers"), path.child("containers"));
    let empty: &[Container] = &[];
    let lists = [(spec.init_containers.as_deref().unwrap_or(empty), &inits), (&spec.containers, &regular)];
    for (list, path) in lists {
        for (i, c) in list.iter().enumerate() {
            let at = path.index(i);
            fractions(c, &at, out);
            hidden_variables(c.env.as_deref().unwrap_or_default(), &at.child("env"), out);
        }
    }
    let mut by_number: BTreeMap<(i32, &str), Vec<(String, &ContainerPort)>> = BTreeMap::new();
    let mut by_name: BTreeMap<&str, String> = BTreeMap::new();
    let mut names = Vec::new();
    for (list, path) in lists {
        for (i, c) in list.iter().enumerate() {
            let container = path.index(i);
            let ports = container.child("ports");
            for (j, port) in c.ports.iter().flatten().enumerate() {
                let at = ports.index(j).to_string();
                let others = by_number.entry((port.container_port, text(&port.protocol))).or_default();
                for (other, p) in others.iter() {
                    if let Some(how) = clash(port, p) {
                        out.push(format!("{at}: {how} port definition with {other}"));
                    }
                }
                others.push((at.clone(), port));
                let name = text(&port.name);
                match by_name.get(name) {
                    Some(other) => names.push(format!(
                        "{at}: duplicate port name {} with {other}, services and probes that select ports by name will use {other}",
                        quote(name)
                    )),
                    None if name.is_empty() => {}
                    None => {
                        by_name.insert(name, at);
                    }
                }
            }
        }
    }
    out.append(&mut names);
}

fn clash(port: &ContainerPort, other: &ContainerPort) -> Option<&'static str> {
    let (a, b) = (port.host_port.unwrap_or(0), other.host_port.unwrap_or(0));
    let (ip, other_ip) = (text(&port.host_ip), text(&other.host_ip));
    if a == b && ip == other_ip {
        Some("duplicate")
    } else if a == 0 || b == 0 {
        Some("overlapping")
    } else if a == b && ip.is_empty() != other_ip.is_empty() {
        Some("dangerously ambiguous")
    } else {
        None
    }
}

fn fractions(c: &Container, path: &Path, out: &mut Vec<String>) {
    let Some(r) = &c.resources else { return };
    let resources = path.child("resources");
    for name in ["memory", "ephemeral-storage"] {
        for (field, list) in [("limits", &r.limits), ("requests", &r.requests)] {
            let value = list.as_ref().and_then(|l| l.get(name)).map(|q| q.0.as_str()).unwrap_or_default();
            if Quantity::parse(value).is_ok_and(|q| q.milli_value() % 1000 != 0) {
                let at = resources.child(field);
                out.push(format!(
                    "{}: fractional byte value {} is invalid, must be an integer",
                    at.key(name),
                    quote(value)
                ));
            }
        }
    }
}

fn hidden_variables(env: &[EnvVar], path: &Path, out: &mut Vec<String>) {
    for (i, variable) in env.iter().enumerate() {
        if !env[..i].iter().any(|v| v.name == variable.name) {
            continue;
        }
        let reference = format!("$({})", variable.name);
        let value = text(&variable.value);
        // A value that builds on the one before is meant so.
        if variable.value_from.is_some() || value == reference || !value.contains(&reference) {
            out.push(format!(
                "{}: hides previous definition of {}, which may be dropped when using apply",
                path.index(i),
                quote(&variable.name)
            ));
        }
    }
}

fn affinity(spec: &PodSpec, path: &Path, out: &mut Vec<String>) {
    let Some(a) = &spec.affinity else { return };
    let mut check = |field: &str, kind: &str, terms: Vec<(&PodAffinityTerm, &str)>| {
        let side = path.child(field);
        let list = side.child(kind);
        for (i, (_, inner)) in terms.iter().enumerate().filter(|(_, (t, _))| t.label_selector.is_none()) {
            let item = list.index(i);
            out.push(format!("{}: {NO_SELECTOR}", item.child(inner)));
        }
    };
    let required = "requiredDuringSchedulingIgnoredDuringExecution";
    let preferred = "preferredDuringSchedulingIgnoredDuringExecution";
    let (plain, weighted) = ("labelSelector", "podAffinityTerm.labelSelector");
    if let Some(p) = &a.pod_affinity {
        let hard = p.required_during_scheduling_ignored_during_execution.iter().flatten();
        let soft = p.preferred_during_scheduling_ignored_during_execution.iter().flatten();
        check("podAffinity", required, hard.map(|t| (t, plain)).collect());
        check("podAffinity", preferred, soft.map(|w| (&w.pod_affinity_term, weighted)).collect());
    }
    if let Some(p) = &a.pod_anti_affinity {
        let hard = p.required_during_scheduling_ignored_during_execution.iter().flatten();
        let soft = p.preferred_during_scheduling_ignored_during_execution.iter().flatten();
        check("podAntiAffinity", required, hard.map(|t| (t, plain)).collect());
        check("podAntiAffinity", preferred, soft.map(|w| (&w.pod_affinity_term, weighted)).collect());
    }
}
