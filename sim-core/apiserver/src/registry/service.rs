//! Service: names, defaults, rules and columns.

use super::printing::NONE;
use super::service_alloc::{self, kind, needs_address, needs_health_port, needs_node_ports};
use super::service_rules;
use super::{Column, Context, KindInfo, Strategy, age};
use crate::server::Allocators;
use apimachinery::field::ErrorList;
use apimachinery::field::Path;
use apimachinery::labels::format_labels;
use apimachinery::names;
use apimachinery::order::Gather as _;
use apimachinery::time::Time;
use k8s_openapi::api::core::v1::{
    ClientIPConfig, LoadBalancerStatus, Service, ServicePort, ServiceSpec, ServiceStatus, SessionAffinityConfig,
};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use serde_json::Value;
use std::collections::BTreeSet;

pub struct ServiceStrategy;

impl Strategy for ServiceStrategy {
    type Object = Service;

    fn info(&self) -> &'static KindInfo {
        &KindInfo {
            group: "",
            version: "v1",
            kind: "Service",
            plural: "services",
            singular: "service",
            short_names: &["svc"],
            categories: &["all"],
            namespaced: true,
            subresources: &["proxy", "status"],
            generation: false,
            verbs: &[],
        }
    }

    fn name_check(&self) -> names::Check {
        names::dns1123_label
    }

    fn default(&self, object: &mut Service) {
        let spec = object.spec.get_or_insert_default();
        default_affinity(spec);
        spec.type_.get_or_insert_with(|| "ClusterIP".into());
        for port in spec.ports.iter_mut().flatten() {
            port.protocol.get_or_insert_with(|| "TCP".into());
            let unset = match &port.target_port {
                None | Some(IntOrString::Int(0)) => true,
                Some(IntOrString::String(s)) => s.is_empty(),
                Some(IntOrString::Int(_)) => false,
            };
            if unset {
                port.target_port = Some(IntOrString::Int(port.port));
            }
        }
        if externally_accessible(spec) {
            spec.external_traffic_policy.get_or_insert_with(|| "Cluster".into());
        }
        if matches!(kind(spec), "NodePort" | "LoadBalancer" | "ClusterIP") {
            spec.internal_traffic_policy.get_or_insert_with(|| "Cluster".into());
        }
        if kind(spec) == "LoadBalancer" {
            spec.allocate_load_balancer_node_ports.get_or_insert(true);
        }
        let balancer = object.status.get_or_insert_default().load_balancer.get_or_insert_default();
        for ingress in balancer.ingress.iter_mut().flatten().filter(|i| i.ip.is_some()) {
            ingress.ip_mode.get_or_insert_with(|| "VIP".into());
        }
    }

    fn prepare_create(&self, object: &mut Service, cx: &mut Context<'_>) -> Result<(), ErrorList> {
        object.status =
            Some(ServiceStatus { load_balancer: Some(LoadBalancerStatus::default()), ..Default::default() });
        if let Some(spec) = &mut object.spec
            && spec.cluster_ips.as_ref().is_none_or(|ips| ips.is_empty())
            && let Some(ip) = spec.cluster_ip.clone().filter(|ip| !ip.is_empty())
        {
            spec.cluster_ips = Some(vec![ip]);
        }
        service_alloc::allocate(object, None, cx)
    }

    fn prepare_update(&self, new: &mut Service, old: &Service, cx: &mut Context<'_>) -> Result<(), ErrorList> {
        new.status.clone_from(&old.status);
        let (Some(spec), Some(before)) = (&mut new.spec, &old.spec) else { return Ok(()) };
        keep_allocated(spec, before);
        align_addresses(spec, before);
        drop_by_type(spec, before);
        if kind(spec) != "LoadBalancer"
            && let Some(status) = &mut new.status
        {
            status.load_balancer = Some(LoadBalancerStatus::default());
        }
        if spec.ip_family_policy.is_none() && needs_address(spec) {
            spec.ip_family_policy.clone_from(&before.ip_family_policy);
        }
        if needs_health_port(before) && !needs_health_port(spec) {
            spec.health_check_node_port = None;
        }
        service_alloc::allocate(new, Some(before), cx)
    }

    fn prepare_status(&self, new: &mut Service, old: &Service) {
        new.spec.clone_from(&old.spec);
    }

    fn replaced(&self, dropped: &Service, kept: &Service, allocators: &mut Allocators) {
        if let Some(spec) = &dropped.spec {
            service_alloc::release_except(spec, kept.spec.as_ref(), allocators);
        }
    }

    fn released(&self, object: &Service, allocators: &mut Allocators) {
        if let Some(spec) = &object.spec {
            service_alloc::release_except(spec, None, allocators);
        }
    }

    fn validate(&self, object: &Service) -> ErrorList {
        let mut errors = ErrorList::default();
        if let Some(spec) = &object.spec {
            service_rules::validate(spec, &Path::new("spec"), &mut errors);
        }
        errors
    }

    fn validate_update(&self, new: &Service, old: &Service) -> ErrorList {
        let mut errors = ErrorList::default();
        if let (Some(n), Some(o)) = (&new.spec, &old.spec) {
            let path = Path::new("spec");
            service_rules::validate_update(n, o, &path, &mut errors);
            service_rules::validate(n, &path, &mut errors);
        }
        errors
    }

    fn warnings(&self, object: &Service) -> Vec<String> {
        object.spec.as_ref().map(service_rules::warnings).unwrap_or_default()
    }

    fn columns(&self) -> &'static [Column] {
        const {
            &[
                Column::name(),
                Column::new(
                    "Type",
                    "type determines how the Service is exposed. Defaults to ClusterIP. Valid options are ExternalName, ClusterIP, NodePort, and LoadBalancer.",
                ),
                Column::new(
                    "Cluster-IP",
                    "clusterIP is the IP address of the service and is usually assigned randomly.",
                ),
                Column::new(
                    "External-IP",
                    "externalIPs is a list of IP addresses for which nodes in the cluster will also accept traffic for this service.",
                ),
                Column::new("Port(s)", "The list of ports that are exposed by this service."),
                Column::age(),
                Column::new(
                    "Selector",
                    "Route service traffic to pods with label keys and values matching this selector.",
                )
                .wide(),
            ]
        }
    }

    fn cells(&self, object: &Service, now: Time) -> Vec<Value> {
        let meta = &object.metadata;
        let empty = ServiceSpec::default();
        let spec = object.spec.as_ref().unwrap_or(&empty);
        let ports: Vec<String> = spec.ports.iter().flatten().map(port_text).collect();
        vec![
            meta.name.as_deref().into(),
            kind(spec).into(),
            spec.cluster_ips.as_ref().and_then(|ips| ips.first()).map_or(NONE, |ip| ip).into(),
            external_ip(object, spec).into(),
            if ports.is_empty() { NONE.into() } else { ports.join(",").into() },
            age(meta, now).into(),
            spec.selector.as_ref().map_or_else(|| NONE.to_owned(), format_labels).into(),
        ]
    }

    fn fields(&self) -> &'static [&'static str] {
        &["spec.clusterIP", "spec.type"]
    }

    fn field(&self, object: &Service, path: &str) -> Option<String> {
        let spec = object.spec.as_ref();
        match path {
            "spec.clusterIP" => Some(spec.and_then(|s| s.cluster_ip.clone()).unwrap_or_default()),
            "spec.type" => Some(spec.and_then(|s| s.type_.clone()).unwrap_or_default()),
            _ => None,
        }
    }
}

/// Three hours.
const AFFINITY_SECONDS: i32 = 10_800;

fn default_affinity(spec: &mut ServiceSpec) {
    let affinity = spec.session_affinity.get_or_insert_with(|| "None".into());
    match affinity.as_str() {
        "None" => spec.session_affinity_config = None,
        "ClientIP" => {
            let seconds = spec.session_affinity_config.as_ref().and_then(|c| c.client_ip.as_ref()?.timeout_seconds);
            if seconds.is_none() {
                spec.session_affinity_config = Some(SessionAffinityConfig {
                    client_ip: Some(ClientIPConfig { timeout_seconds: Some(AFFINITY_SECONDS) }),
                });
            }
        }
        _ => {}
    }
}

pub fn externally_accessible(spec: &ServiceSpec) -> bool {
    needs_node_ports(spec) || (kind(spec) == "ClusterIP" && spec.external_ips.as_ref().is_some_and(|e| !e.is_empty()))
}

/// An update that leaves out what was allocated means to keep it.
fn keep_allocated(new: &mut ServiceSpec, old: &ServiceSpec) {
    if needs_address(old) && needs_address(new) {
        if new.cluster_ip.as_deref().unwrap_or_default().is_empty() {
            new.cluster_ip.clone_from(&old.cluster_ip);
        }
        if new.cluster_ips.as_ref().is_none_or(|ips| ips.is_empty()) {
            new.cluster_ips.clone_from(&old.cluster_ips);
        }
    }
    if needs_node_ports(old) && needs_node_ports(new) {
        let in_new: BTreeSet<i32> = new.ports.iter().flatten().filter_map(|p| p.node_port).gather();
        for port in new.ports.iter_mut().flatten().filter(|p| p.node_port.unwrap_or(0) == 0) {
            let before = old.ports.iter().flatten().rfind(|p| p.name == port.name).and_then(|p| p.node_port);
            port.node_port = before.filter(|n| !in_new.contains(n));
        }
    }
    if needs_health_port(old) && needs_health_port(new) && new.health_check_node_port.unwrap_or(0) == 0 {
        new.health_check_node_port = old.health_check_node_port;
    }
}

/// `clusterIP` and `clusterIPs` say the same; whoever changed only one of them meant both.
fn align_addresses(new: &mut ServiceSpec, old: &ServiceSpec) {
    if new.cluster_ip == old.cluster_ip || new.cluster_ips != old.cluster_ips {
        return;
    }
    let cleared = new.cluster_ip.as_deref().unwrap_or_default().is_empty();
    new.cluster_ips = if cleared { None } else { new.cluster_ip.clone().map(|ip| vec![ip]) };
}

/// A change of type takes away what the new type has no use for, unless the client changed it too.
fn drop_by_type(new: &mut ServiceSpec, old: &ServiceSpec) {
    if needs_address(old) && !needs_address(new) {
        if new.cluster_ip == old.cluster_ip && new.cluster_ips == old.cluster_ips {
            new.cluster_ip = None;
            new.cluster_ips = None;
        }
        if new.ip_families == old.ip_families {
            new.ip_families = None;
        }
        if new.ip_family_policy == old.ip_family_policy {
            new.ip_family_policy = None;
        }
    }
    if needs_node_ports(old) && !needs_node_ports(new) {
        let had: BTreeSet<i32> = old.ports.iter().flatten().filter_map(|p| p.node_port).gather();
        let unchanged = new.ports.iter().flatten().filter_map(|p| p.node_port).all(|n| n == 0 || had.contains(&n));
        if unchanged {
            new.ports.iter_mut().flatten().for_each(|p| p.node_port = None);
        }
    }
    let was_balancer = kind(old) == "LoadBalancer" && kind(new) != "LoadBalancer";
    if needs_health_port(old) && !needs_health_port(new) && old.health_check_node_port == new.health_check_node_port {
        new.health_check_node_port = None;
    }
    if was_balancer && old.allocate_load_balancer_node_ports == new.allocate_load_balancer_node_ports {
        new.allocate_load_balancer_node_ports = None;
    }
    if was_balancer && old.load_balancer_class == new.load_balancer_class {
        new.load_balancer_class = None;
    }
    if externally_accessible(old)
        && !externally_accessible(new)
        && old.external_traffic_policy == new.external_traffic_policy
    {
        new.external_traffic_policy = None;
    }
}

/// `80:30080/TCP`.
fn port_text(port: &ServicePort) -> String {
    let protocol = port.protocol.as_deref().unwrap_or_default();
    match port.node_port {
        Some(node_port) if node_port > 0 => format!("{}:{node_port}/{protocol}", port.port),
        _ => format!("{}/{protocol}", port.port),
    }
}

fn external_ip(service: &Service, spec: &ServiceSpec) -> String {
    let external = spec.external_ips.as_deref().unwrap_or_default();
    match kind(spec) {
        "ClusterIP" | "NodePort" if external.is_empty() => NONE.to_owned(),
        "ClusterIP" | "NodePort" => external.join(","),
        "LoadBalancer" => {
            let ingress = service.status.as_ref().and_then(|s| s.load_balancer.as_ref()?.ingress.as_ref());
            let balancers: BTreeSet<&str> = ingress
                .into_iter()
                .flatten()
                .filter_map(|i| {
                    let ip = i.ip.as_deref().filter(|ip| !ip.is_empty());
                    ip.or(i.hostname.as_deref().filter(|h| !h.is_empty()))
                })
                .gather();
            let all: Vec<&str> = balancers.into_iter().chain(external.iter().map(String::as_str)).collect();
            if all.is_empty() { "<pending>".to_owned() } else { all.join(",") }
        }
        "ExternalName" => spec.external_name.clone().unwrap_or_default(),
        _ => "<unknown>".to_owned(),
    }
}
