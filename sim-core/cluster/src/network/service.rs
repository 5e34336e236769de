//! Services: from a cluster IP or a node port to one of the endpoints behind it.
//!
//! Models: kube-proxy. Round robin rather than random, so that a learner sees each pod have its turn.

use super::{Hop, Network, Target, Wires};
use k8s_openapi::api::core::v1::Service;
use k8s_openapi::api::discovery::v1::EndpointSlice;
use machine::host::NetError;
use std::sync::Arc;

impl Network {
    /// Where a service's own address leads; `None` when no service has it.
    pub(super) fn cluster_ip(
        &mut self,
        wires: &Wires<'_>,
        client: &str,
        ip: &str,
        port: u16,
        hops: &mut Vec<Hop>,
    ) -> Option<Target> {
        let has = |s: &&Service| {
            s.spec.as_ref().is_some_and(|spec| {
                spec.cluster_ip.as_deref() == Some(ip) || spec.external_ips.iter().flatten().any(|e| e == ip)
            }) || load_balancer_ips(s).any(|i| i == ip)
        };
        let service = wires.api.list::<Service>(None).find(has)?.clone();
        let wanted = service.spec.iter().flat_map(|s| s.ports.iter().flatten()).find(|p| p.port == i32::from(port));
        let Some(name) = wanted.map(|p| p.name.clone().unwrap_or_default()) else {
            // A cluster IP answers on the service's ports only; other packets are dropped.
            hops.push(hop(&service));
            return Some(Target::Nobody(NetError::TimedOut));
        };
        Some(self.endpoint(wires, client, &service, &name, port, None, hops))
    }

    /// Where a node's port leads: a NodePort service, or a pod on the host's network.
    pub(super) fn node_port(
        &mut self,
        wires: &Wires<'_>,
        client: &str,
        node: &str,
        port: u16,
        hops: &mut Vec<Hop>,
    ) -> Target {
        let found = wires.api.list::<Service>(None).find_map(|s| {
            let spec = s.spec.as_ref()?;
            let p = spec.ports.iter().flatten().find(|p| p.node_port == Some(i32::from(port)))?;
            Some((s.clone(), p.name.clone().unwrap_or_default()))
        });
        if let Some((service, name)) = found {
            let local = service.spec.as_ref().and_then(|s| s.external_traffic_policy.as_deref()) == Some("Local");
            return self.endpoint(wires, client, &service, &name, port, local.then_some(node), hops);
        }
        let on_host = wires.kubelets.workers.values().find(|w| {
            &*w.node == node && w.listens(port, wires.api.now) && {
                let spec = w.pod.spec.as_ref();
                let host_port = spec
                    .into_iter()
                    .flat_map(|s| s.containers.iter())
                    .flat_map(|c| c.ports.iter().flatten())
                    .any(|p| p.host_port == Some(i32::from(port)));
                spec.and_then(|s| s.host_network).unwrap_or(false) || host_port
            }
        });
        match on_host {
            Some(w) => Target::Pod { uid: Arc::clone(&w.uid), port },
            None => Target::Nobody(NetError::Refused),
        }
    }

    /// The next endpoint of a service; nobody when it has none that is ready.
    fn endpoint(
        &mut self,
        wires: &Wires<'_>,
        client: &str,
        service: &Service,
        port_name: &str,
        port: u16,
        only_node: Option<&str>,
        hops: &mut Vec<Hop>,
    ) -> Target {
        hops.push(hop(service));
        let ns = service.metadata.namespace.as_deref().unwrap_or_default();
        let name = service.metadata.name.as_deref().unwrap_or_default();
        if ns == "default" && name == "kubernetes" {
            return Target::ApiServer;
        }
        let (ready, serving) = endpoints(wires, ns, name, port_name, only_node);
        let choices = if ready.is_empty() { serving } else { ready };
        if choices.is_empty() {
            // With no endpoint at all packets are refused; with a Local policy and none here they are dropped.
            let why = if only_node.is_some() { NetError::TimedOut } else { NetError::Refused };
            return Target::Nobody(why);
        }
        let sticky = service.spec.as_ref().and_then(|s| s.session_affinity.as_deref()) == Some("ClientIP");
        let i = if sticky {
            apimachinery::rng::fnv64(client.as_bytes()) as usize % choices.len()
        } else {
            let turn = self.turns.entry((format!("{ns}/{name}"), port)).or_default();
            let i = *turn % choices.len();
            *turn = turn.wrapping_add(1);
            i
        };
        let (ip, port) = &choices[i];
        match wires.kubelets.by_ip.get(ip) {
            Some(uid) => Target::Pod { uid: Arc::clone(uid), port: *port },
            None => Target::Nobody(NetError::TimedOut),
        }
    }
}

fn hop(service: &Service) -> Hop {
    Hop::Service {
        namespace: service.metadata.namespace.clone().unwrap_or_default(),
        name: service.metadata.name.clone().unwrap_or_default(),
    }
}

fn load_balancer_ips(service: &Service) -> impl Iterator<Item = &str> {
    service
        .status
        .iter()
        .filter_map(|s| s.load_balancer.as_ref())
        .flat_map(|l| l.ingress.iter().flatten())
        .filter_map(|i| i.ip.as_deref())
}

/// Address and port of endpoints that are ready, and of those that only still serve (terminating).
type Endpoints = Vec<(String, u16)>;

fn endpoints(
    wires: &Wires<'_>,
    ns: &str,
    service: &str,
    port_name: &str,
    only_node: Option<&str>,
) -> (Endpoints, Endpoints) {
    let (mut ready, mut serving) = (Vec::new(), Vec::new());
    for slice in wires.api.list::<EndpointSlice>(Some(ns)) {
        let label = slice.metadata.labels.as_ref().and_then(|l| l.get("kubernetes.io/service-name"));
        if label.map(String::as_str) != Some(service) {
            continue;
        }
        let port = slice
            .ports
            .iter()
            .flatten()
            .find(|p| p.name.as_deref().unwrap_or_default() == port_name)
            .and_then(|p| u16::try_from(p.port?).ok());
        let Some(port) = port else { continue };
        for e in slice.endpoints.iter().flatten() {
            if only_node.is_some_and(|n| e.node_name.as_deref() != Some(n)) {
                continue;
            }
            let conditions = e.conditions.as_ref();
            let list = if conditions.and_then(|c| c.ready).unwrap_or(true) {
                &mut ready
            } else if conditions.and_then(|c| c.serving).unwrap_or(false) {
                &mut serving
            } else {
                continue;
            };
            list.extend(e.addresses.first().map(|a| (a.clone(), port)));
        }
    }
    (ready, serving)
}
