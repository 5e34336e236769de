//! Cluster DNS: names of services and pods, with the search path of a pod.
//!
//! Models: CoreDNS with the `kubernetes` plugin. Names outside the cluster do not resolve: a playground has no internet.

use super::{Network, Wires};
use k8s_openapi::api::core::v1::Service;
use k8s_openapi::api::discovery::v1::EndpointSlice;
use machine::host::NetError;
use std::sync::Arc;

/// What a name stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolved {
    pub addresses: Vec<String>,
    /// A server had to be asked (it was not an address already).
    pub asked_dns: bool,
    /// The full name that matched.
    pub name: String,
}

const CLUSTER_DOMAIN: &str = "cluster.local";
const EXTERNAL_NAMES_MAX: u32 = 8;

impl Network {
    /// Addresses of `name` as the pod `uid` (or, without one, the laptop) sees it.
    pub fn resolve(&self, wires: &Wires<'_>, uid: Option<&Arc<str>>, name: &str) -> Result<Resolved, NetError> {
        let plain = |ip: &str| Resolved { addresses: vec![ip.to_owned()], asked_dns: false, name: name.to_owned() };
        if is_address(name) {
            return Ok(plain(name.trim_matches(['[', ']'])));
        }
        if name == "localhost" {
            return Ok(plain("127.0.0.1"));
        }
        let Some(worker) = uid.and_then(|u| wires.kubelets.worker(u)) else {
            return wires.kubelets.nodes.get(name).map(|n| plain(&n.ip)).ok_or(NetError::NoSuchHost);
        };
        if name == worker.name() {
            return Ok(plain(&worker.pod_ip));
        }
        let ns = worker.namespace();
        let absolute = name.strip_suffix('.');
        let mut tries = Vec::new();
        if absolute.is_none() {
            for suffix in
                [format!("{ns}.svc.{CLUSTER_DOMAIN}"), format!("svc.{CLUSTER_DOMAIN}"), CLUSTER_DOMAIN.to_owned()]
            {
                tries.push(format!("{name}.{suffix}"));
            }
        }
        tries.push(absolute.unwrap_or(name).to_owned());
        tries
            .into_iter()
            .find_map(|full| {
                let addresses = lookup(wires, &full.to_lowercase(), 0)?;
                Some(Resolved { addresses, asked_dns: true, name: full })
            })
            .ok_or(NetError::NoSuchHost)
    }
}

fn is_address(name: &str) -> bool {
    let four = name.split('.').count() == 4 && name.split('.').all(|p| p.parse::<u8>().is_ok());
    four || name.contains(':')
}

/// Addresses of a full name; `None` when there are none.
fn lookup(wires: &Wires<'_>, full: &str, depth: u32) -> Option<Vec<String>> {
    if depth > EXTERNAL_NAMES_MAX {
        return None;
    }
    let rest = full.strip_suffix(CLUSTER_DOMAIN)?.strip_suffix('.')?;
    if let Some(rest) = rest.strip_suffix(".pod") {
        let (ip, _ns) = rest.split_once('.')?;
        return Some(vec![ip.replace('-', ".")]);
    }
    let rest = rest.strip_suffix(".svc")?;
    let parts: Vec<&str> = rest.split('.').collect();
    let (host, service, ns) = match parts.as_slice() {
        [service, ns] => (None, *service, *ns),
        [host, service, ns] => (Some(*host), *service, *ns),
        _ => return None,
    };
    let found = wires.api.get::<Service>(ns, service)?;
    let spec = found.spec.as_ref()?;
    if spec.type_.as_deref() == Some("ExternalName") {
        let target = spec.external_name.as_deref().unwrap_or_default();
        return lookup(wires, target.trim_end_matches('.'), depth + 1);
    }
    match spec.cluster_ip.as_deref() {
        Some("None") => {
            let ready_only = !spec.publish_not_ready_addresses.unwrap_or(false);
            let addresses = headless(wires, ns, service, host, ready_only);
            (!addresses.is_empty()).then_some(addresses)
        }
        Some(ip) if host.is_none() => Some(vec![ip.to_owned()]),
        _ => None,
    }
}

fn headless(wires: &Wires<'_>, ns: &str, service: &str, host: Option<&str>, ready_only: bool) -> Vec<String> {
    let mut out = Vec::new();
    for slice in wires.api.list::<EndpointSlice>(Some(ns)) {
        let label = slice.metadata.labels.as_ref().and_then(|l| l.get("kubernetes.io/service-name"));
        if label.map(String::as_str) != Some(service) {
            continue;
        }
        for e in slice.endpoints.iter().flatten() {
            let ready = e.conditions.as_ref().and_then(|c| c.ready).unwrap_or(true);
            let named = host.is_none_or(|h| {
                e.hostname.as_deref() == Some(h) || e.addresses.iter().any(|a| a.replace('.', "-") == h)
            });
            if (ready || !ready_only) && named {
                out.extend(e.addresses.iter().cloned());
            }
        }
    }
    out
}
