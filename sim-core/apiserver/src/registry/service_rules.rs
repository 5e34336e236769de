//! The rules of a service.
//!
//! Models: `validateService`, `ValidateServiceUpdate`.

use super::checks::{self, json, text};
use super::service::externally_accessible;
use super::service_alloc::{is_headless, kind, needs_health_port};
use apimachinery::field::{Error, ErrorList, Path};
use k8s_openapi::api::core::v1::{ServicePort, ServiceSpec};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use std::net::Ipv6Addr;

/// A day.
const AFFINITY_SECONDS_MAX: i32 = 86_400;
const BALANCER_ONLY: &str = "may only be used when `type` is 'LoadBalancer'";

pub fn validate(spec: &ServiceSpec, path: &Path, errors: &mut ErrorList) {
    let ports = spec.ports.as_deref().unwrap_or_default();
    let headless = is_headless(spec);
    if ports.is_empty() && !headless && kind(spec) != "ExternalName" {
        errors.push(Error::required(&path.child("ports"), ""));
    }
    by_type(spec, headless, path, errors);
    let at = path.child("ports");
    for (i, p) in ports.iter().enumerate() {
        let at = at.index(i);
        let name = text(&p.name);
        if name.is_empty() {
            if ports.len() > 1 {
                errors.push(Error::required(&at.child("name"), ""));
            }
        } else {
            checks::dns_label(name, &at.child("name"), errors);
            if ports[..i].iter().any(|o| text(&o.name) == name) {
                errors.push(Error::duplicate(&at.child("name"), name));
            }
        }
        port(p, &at, errors);
    }
    checks::labels(spec.selector.as_ref(), &path.child("selector"), errors);
    affinity(spec, path, errors);
    cluster_ips(spec, path, errors);
    let externals = path.child("externalIPs");
    for (i, ip) in spec.external_ips.iter().flatten().enumerate() {
        let before = errors.0.len();
        checks::ip(ip, &externals.index(i), errors);
        if errors.0.len() == before {
            checks::endpoint_ip(ip, &externals.index(i), errors);
        }
    }
    let known = ["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"];
    checks::one_of(kind(spec), &known, &path.child("type"), errors);
    port_conflicts(spec, ports, &at, errors);
    balancer(spec, path, errors);
    traffic(spec, path, errors);
}

fn by_type(spec: &ServiceSpec, headless: bool, path: &Path, errors: &mut ErrorList) {
    let ips = path.child("clusterIPs");
    match kind(spec) {
        kind @ ("LoadBalancer" | "NodePort") if headless => {
            let why = format!("may not be set to 'None' for {kind} services");
            errors.push(Error::invalid(&ips.index(0), "None", why));
        }
        "ExternalName" => {
            let set = |list: &Option<Vec<String>>| list.as_ref().is_some_and(|l| !l.is_empty());
            for (field, set) in [
                ("clusterIPs", set(&spec.cluster_ips)),
                ("ipFamilies", set(&spec.ip_families)),
                ("ipFamilyPolicy", spec.ip_family_policy.is_some()),
            ] {
                if set {
                    errors.push(Error::forbidden(&path.child(field), "may not be set for ExternalName services"));
                }
            }
            let name = text(&spec.external_name);
            let name = name.strip_suffix('.').unwrap_or(name);
            let at = path.child("externalName");
            if name.is_empty() {
                errors.push(Error::required(&at, ""));
            } else {
                checks::dns_subdomain(name, &at, errors);
            }
        }
        _ => {}
    }
}

fn port(p: &ServicePort, path: &Path, errors: &mut ErrorList) {
    checks::port_number(p.port, &path.child("port"), errors);
    checks::one_of(text(&p.protocol), &["SCTP", "TCP", "UDP"], &path.child("protocol"), errors);
    let target = p.target_port.as_ref().unwrap_or(&IntOrString::Int(0));
    checks::port_number_or_name(target, &path.child("targetPort"), errors);
    if let Some(protocol) = &p.app_protocol {
        checks::qualified_name(protocol, &path.child("appProtocol"), errors);
    }
}

fn port_conflicts(spec: &ServiceSpec, ports: &[ServicePort], path: &Path, errors: &mut ErrorList) {
    let node_port = |p: &ServicePort| p.node_port.unwrap_or(0);
    for (i, p) in ports.iter().enumerate().filter(|(_, p)| kind(spec) == "ClusterIP" && node_port(p) != 0) {
        let _ = p;
        let why = "may not be used when `type` is 'ClusterIP'";
        errors.push(Error::forbidden(&path.index(i).child("nodePort"), why));
    }
    for (i, p) in ports.iter().enumerate().filter(|(_, p)| node_port(p) != 0) {
        if ports[..i].iter().any(|o| o.protocol == p.protocol && node_port(o) == node_port(p)) {
            errors.push(Error::duplicate_raw(&path.index(i).child("nodePort"), node_port(p)));
        }
    }
    for (i, p) in ports.iter().enumerate() {
        if ports[..i].iter().any(|o| o.protocol == p.protocol && o.port == p.port) {
            let shown = format!(
                "{{\"Name\":\"\",\"Protocol\":{},\"AppProtocol\":null,\"Port\":{},\"TargetPort\":0,\"NodePort\":0}}",
                apimachinery::field::quote(text(&p.protocol)),
                p.port
            );
            errors.push(Error::duplicate_raw(&path.index(i), shown));
        }
    }
}

fn affinity(spec: &ServiceSpec, path: &Path, errors: &mut ErrorList) {
    let affinity = text(&spec.session_affinity);
    checks::one_of(affinity, &["ClientIP", "None"], &path.child("sessionAffinity"), errors);
    let at = path.child("sessionAffinityConfig");
    match (affinity, &spec.session_affinity_config) {
        ("None", Some(_)) => {
            errors.push(Error::forbidden(&at, "must not be set when session affinity is None"));
        }
        ("ClientIP", config) => {
            let client = config.as_ref().and_then(|c| c.client_ip.as_ref());
            let seconds = client.and_then(|c| c.timeout_seconds);
            let why = "when session affinity type is ClientIP";
            let client_path = at.child("clientIP");
            match (config, client, seconds) {
                (None, _, _) => errors.push(Error::required(&at, why)),
                (_, None, _) => errors.push(Error::required(&client_path, why)),
                (_, _, None) => errors.push(Error::required(&client_path.child("timeoutSeconds"), why)),
                (_, _, Some(s)) if !(1..=AFFINITY_SECONDS_MAX).contains(&s) => {
                    let why = format!("must be greater than 0 and less than {AFFINITY_SECONDS_MAX}");
                    errors.push(Error::invalid_raw(&client_path.child("timeoutSeconds"), s, why));
                }
                _ => {}
            }
        }
        _ => {}
    }
}

fn cluster_ips(spec: &ServiceSpec, path: &Path, errors: &mut ErrorList) {
    if kind(spec) == "ExternalName" {
        return;
    }
    let ips = spec.cluster_ips.as_deref().unwrap_or_default();
    let at = path.child("clusterIPs");
    let ip = text(&spec.cluster_ip);
    if ip.is_empty() && !ips.is_empty() {
        errors.push(Error::invalid_raw(&at, json(&ips), "must be empty when `clusterIP` is not specified"));
    } else if !ip.is_empty() && ips.is_empty() {
        errors.push(Error::required(&at, ""));
    } else if !ip.is_empty() && ips[0] != ip {
        errors.push(Error::invalid_raw(&at, json(&ips), "first value must match `clusterIP`"));
    }
    let families = spec.ip_families.as_deref().unwrap_or_default();
    let family_path = path.child("ipFamilies");
    for (i, family) in families.iter().enumerate() {
        checks::one_of_if_set(family, &["IPv4", "IPv6"], &family_path.index(i), errors);
        if families[..i].contains(family) {
            errors.push(Error::duplicate(&family_path.index(i), family));
        }
    }
    let known = ["PreferDualStack", "RequireDualStack", "SingleStack"];
    checks::one_of_if_set(text(&spec.ip_family_policy), &known, &path.child("ipFamilyPolicy"), errors);
    let before = errors.0.len();
    for (i, ip) in ips.iter().enumerate() {
        if i == 0 && ip == "None" {
            if ips.len() > 1 {
                errors.push(Error::invalid_raw(&at, json(&ips), "'None' must be the first and only value"));
            }
            continue;
        }
        checks::ip(ip, &at.index(i), errors);
    }
    if ips.len() > 2 {
        errors.push(Error::invalid_raw(&at, json(&ips), "may only hold up to 2 values"));
    }
    if errors.0.len() > before || ip == "None" {
        return;
    }
    for (i, (ip, family)) in ips.iter().zip(families).enumerate() {
        let is_v6 = ip.parse::<Ipv6Addr>().is_ok();
        if (family == "IPv6") != is_v6 {
            let why = format!("expected an {family} value as indicated by `ipFamilies[{i}]`");
            errors.push(Error::invalid(&at.index(i), ip, why));
        }
    }
}

fn balancer(spec: &ServiceSpec, path: &Path, errors: &mut ErrorList) {
    let is_balancer = kind(spec) == "LoadBalancer";
    let ranges = spec.load_balancer_source_ranges.as_deref().unwrap_or_default();
    let at = path.child("LoadBalancerSourceRanges");
    if !ranges.is_empty() && !is_balancer {
        errors.push(Error::forbidden(&at, BALANCER_ONLY));
    }
    for (i, range) in ranges.iter().enumerate() {
        checks::cidr(range.trim(), &at.index(i), errors);
    }
    let draws = spec.allocate_load_balancer_node_ports.is_some();
    if draws && !is_balancer {
        errors.push(Error::forbidden(&path.child("allocateLoadBalancerNodePorts"), BALANCER_ONLY));
    }
    if let Some(class) = &spec.load_balancer_class {
        let at = path.child("loadBalancerClass");
        if is_balancer {
            checks::qualified_name(class, &at, errors);
        } else {
            errors.push(Error::forbidden(&at, BALANCER_ONLY));
        }
    }
}

fn traffic(spec: &ServiceSpec, path: &Path, errors: &mut ErrorList) {
    let at = path.child("externalTrafficPolicy");
    let policy = text(&spec.external_traffic_policy);
    if externally_accessible(spec) {
        checks::one_of(policy, &["Cluster", "Local"], &at, errors);
    } else if !policy.is_empty() {
        errors.push(Error::invalid(&at, policy, "may only be set for externally-accessible services"));
    }
    let at = path.child("healthCheckNodePort");
    let port = spec.health_check_node_port.unwrap_or(0);
    match (needs_health_port(spec), port) {
        (false, 0) => {}
        (false, port) => {
            let why = "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'";
            errors.push(Error::invalid_raw(&at, port, why));
        }
        (true, 0) => errors.push(Error::required(&at, "")),
        (true, port) => checks::port_number(port, &at, errors),
    }
    let at = path.child("internalTrafficPolicy");
    let policy = text(&spec.internal_traffic_policy);
    if matches!(kind(spec), "NodePort" | "LoadBalancer" | "ClusterIP") && policy.is_empty() {
        errors.push(Error::required(&at, ""));
    }
    checks::one_of_if_set(policy, &["Cluster", "Local"], &at, errors);
    let known = ["PreferClose", "PreferSameZone", "PreferSameNode"];
    checks::one_of_if_set(text(&spec.traffic_distribution), &known, &path.child("trafficDistribution"), errors);
}

/// What may not change.
pub fn validate_update(new: &ServiceSpec, old: &ServiceSpec, path: &Path, errors: &mut ErrorList) {
    if kind(new) == "ExternalName" || kind(old) == "ExternalName" {
        return;
    }
    let (headless, was_headless) = (is_headless(new), is_headless(old));
    if !(headless && was_headless) {
        let (now, before) =
            (new.cluster_ips.as_deref().unwrap_or_default(), old.cluster_ips.as_deref().unwrap_or_default());
        fixed(now, before, &path.child("clusterIPs"), "primary clusterIP can not be unset", errors);
    }
    if !headless && !was_headless {
        let (now, before) =
            (new.ip_families.as_deref().unwrap_or_default(), old.ip_families.as_deref().unwrap_or_default());
        fixed(now, before, &path.child("ipFamilies"), "primary ipFamily can not be unset", errors);
    }
    if kind(new) == "LoadBalancer" && kind(old) == "LoadBalancer" && new.load_balancer_class != old.load_balancer_class
    {
        let shown = json(&new.load_balancer_class);
        errors.push(Error::invalid_raw(&path.child("loadBalancerClass"), shown, "may not change once set"));
    }
    if needs_health_port(new) && needs_health_port(old) && new.health_check_node_port != old.health_check_node_port {
        errors.push(Error::forbidden(&path.child("healthCheckNodePort"), checks::IMMUTABLE));
    }
}

fn fixed(new: &[String], old: &[String], path: &Path, unset: &str, errors: &mut ErrorList) {
    if new.is_empty() && !old.is_empty() {
        errors.push(Error::invalid_raw(&path.index(0), "null", unset));
        return;
    }
    for (i, (n, o)) in new.iter().zip(old).enumerate() {
        if n != o {
            errors.push(Error::invalid_raw(&path.index(i), json(&new), "may not change once set"));
        }
    }
}

/// Warnings.
pub fn warnings(spec: &ServiceSpec) -> Vec<String> {
    let mut out = Vec::new();
    let externals = spec.external_ips.as_ref().is_some_and(|e| !e.is_empty());
    let headless = kind(spec) == "ClusterIP" && is_headless(spec);
    let mut say = |when: bool, text: &str| {
        if when {
            out.push(text.to_owned());
        }
    };
    say(headless && !text(&spec.load_balancer_ip).is_empty(), "spec.loadBalancerIP is ignored for headless services");
    say(headless && externals, "spec.externalIPs is ignored for headless services");
    say(headless && text(&spec.session_affinity) != "None", "spec.SessionAffinity is ignored for headless services");
    let by_name = kind(spec) == "ExternalName";
    say(
        externals && !headless && !by_name,
        "spec.externalIPs is deprecated and may no longer be implemented in some clusters",
    );
    say(by_name && externals, "spec.externalIPs is ignored when spec.type is \"ExternalName\"");
    say(
        !by_name && !text(&spec.external_name).is_empty(),
        "spec.externalName is ignored when spec.type is not \"ExternalName\"",
    );
    say(
        text(&spec.traffic_distribution) == "PreferClose",
        "spec.trafficDistribution: \"PreferClose\" is deprecated; use \"PreferSameZone\"",
    );
    out
}
