//! Who answers for a service: EndpointSlices, and the older Endpoints beside them.
//!
//! Models: `pkg/controller/endpoint`, `pkg/controller/endpointslice` and `k8s.io/endpointslice`. Here: which pods count
//! and by which ports; the two controllers are in [`slices`] and [`legacy`].

pub mod legacy;
pub mod slices;
#[cfg(test)]
mod tests;

use super::meta::{is_ready, is_terminal, node_of};
use super::{Key, Seen};
use apiserver::Change;
use apiserver::object::view;
use k8s_openapi::api::core::v1::{Node, Pod, Service, ServicePort, ServiceSpec};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use std::collections::BTreeMap;

const LAST_CHANGE: &str = "endpoints.kubernetes.io/last-change-trigger-time";
const HEADLESS: &str = "service.kubernetes.io/headless";
const ZONE: &str = "topology.kubernetes.io/zone";

/// A port that answers: the service port's name, protocol and application protocol, and the pod's port number.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Port {
    pub name: String,
    pub number: i32,
    pub protocol: String,
    pub app_protocol: Option<String>,
}

pub fn pod_ip(pod: &Pod) -> Option<&str> {
    pod.status.as_ref()?.pod_ip.as_deref().filter(|ip| !ip.is_empty())
}

/// Whether a change of a pod can change its endpoint.
pub fn matters(old: Option<&Pod>, new: Option<&Pod>) -> bool {
    let (Some(old), Some(new)) = (old, new) else { return true };
    let face = |p: &Pod| (is_ready(p), is_terminal(p), p.metadata.deletion_timestamp.is_some());
    let name = |p: &Pod| p.spec.as_ref().map(|s| (s.hostname.clone(), s.subdomain.clone()));
    face(old) != face(new)
        || pod_ip(old) != pod_ip(new)
        || node_of(old) != node_of(new)
        || old.metadata.labels != new.metadata.labels
        || name(old) != name(new)
}

/// Services whose pods these are.
pub fn services_of(change: &Change, seen: &Seen<'_>, enqueue: &mut dyn FnMut(Key)) {
    let pod = view::<Pod>(&*change.object);
    let old = change.old.as_deref().and_then(view::<Pod>);
    let gone = change.verb == apiserver::Verb::Deleted;
    if !gone && !matters(old, pod) {
        return;
    }
    for pod in [old, pod].into_iter().flatten() {
        let m = &pod.metadata;
        let namespace = super::meta::namespace_of(m);
        seen.informer.services.matching(namespace, m.labels.as_ref(), |name| enqueue(Key::new(namespace, name)));
    }
}

pub fn is_headless(spec: &ServiceSpec) -> bool {
    spec.cluster_ip.as_deref() == Some("None")
}

/// The service's labels and what marks a headless one.
fn labels(service: &Service) -> BTreeMap<String, String> {
    let mut out = service.metadata.labels.clone().unwrap_or_default();
    out.remove(HEADLESS);
    if service.spec.as_ref().is_some_and(is_headless) {
        out.insert(HEADLESS.into(), String::new());
    }
    out
}

/// The ports at which this pod answers for the service; `None` if it has none of them.
pub fn ports(spec: &ServiceSpec, pod: &Pod) -> Option<Vec<Port>> {
    let wanted = spec.ports.as_deref().unwrap_or_default();
    if wanted.is_empty() {
        return is_headless(spec).then(Vec::new);
    }
    let found: Vec<Port> = wanted
        .iter()
        .filter_map(|p| {
            Some(Port {
                name: p.name.clone().unwrap_or_default(),
                number: find_port(p, pod)?,
                protocol: p.protocol.clone().unwrap_or_else(|| "TCP".into()),
                app_protocol: p.app_protocol.clone(),
            })
        })
        .collect();
    Some(found)
}

/// The number of a target port; a name is looked up in the pod's containers.
pub fn find_port(port: &ServicePort, pod: &Pod) -> Option<i32> {
    match &port.target_port {
        None => Some(port.port),
        Some(IntOrString::Int(n)) => Some(*n),
        Some(IntOrString::String(name)) => {
            let spec = pod.spec.as_ref()?;
            let protocol = port.protocol.as_deref().unwrap_or("TCP");
            let sidecars =
                spec.init_containers.iter().flatten().filter(|c| c.restart_policy.as_deref() == Some("Always"));
            let mut all = spec.containers.iter().chain(sidecars).flat_map(|c| c.ports.iter().flatten());
            let found =
                all.find(|p| p.name.as_deref() == Some(name) && p.protocol.as_deref().unwrap_or("TCP") == protocol)?;
            Some(found.container_port)
        }
    }
}

/// The host name that a headless service gives the pod.
fn hostname(service: &Service, pod: &Pod) -> Option<String> {
    let spec = pod.spec.as_ref()?;
    let host = spec.hostname.clone().filter(|h| !h.is_empty())?;
    let same = pod.metadata.namespace == service.metadata.namespace;
    (same && spec.subdomain == service.metadata.name).then_some(host)
}

fn zone(node: Option<&Node>) -> Option<String> {
    node?.metadata.labels.as_ref()?.get(ZONE).cloned()
}
