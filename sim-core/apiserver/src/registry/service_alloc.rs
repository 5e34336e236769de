//! Addresses and node ports for services.
//!
//! Which address is drawn depends on the seed, the namespace and the name only, as long as it is free.
//! Models: `pkg/registry/core/service/storage/alloc.go`, `ipallocator`, `portallocator`. One address family: IPv4.

use super::Context;
use crate::server::Allocators;
use apimachinery::field::{Error, ErrorList, Path, quote};
use apimachinery::rng::Rng;
use k8s_openapi::api::core::v1::{Service, ServicePort, ServiceSpec};
use std::net::Ipv4Addr;

/// 10.96.0.0/12.
const NETWORK: u32 = 0x0a60_0000;
const NETWORK_SIZE: u32 = 1 << 20;
/// Addresses at the front are kept for those who ask for one (`kubernetes` has .1, the DNS service .10).
const RESERVED: u32 = 257;
const PORTS: core::ops::RangeInclusive<u16> = 30_000..=32_767;
/// Ports at the front are kept for those who ask for one.
const PORTS_RESERVED: u16 = 86;
const NO_ADDRESS: &str = "None";

pub fn is_headless(spec: &ServiceSpec) -> bool {
    spec.cluster_ip.as_deref() == Some(NO_ADDRESS)
}

pub fn kind(spec: &ServiceSpec) -> &str {
    spec.type_.as_deref().unwrap_or_default()
}

pub fn needs_address(spec: &ServiceSpec) -> bool {
    kind(spec) != "ExternalName"
}

pub fn needs_node_ports(spec: &ServiceSpec) -> bool {
    matches!(kind(spec), "NodePort" | "LoadBalancer")
}

pub fn needs_health_port(spec: &ServiceSpec) -> bool {
    kind(spec) == "LoadBalancer" && spec.external_traffic_policy.as_deref() == Some("Local")
}

/// Gives the service what it has not yet: an address, node ports. `held`: what it had before, in an update.
pub fn allocate(service: &mut Service, held: Option<&ServiceSpec>, cx: &mut Context<'_>) -> Result<(), ErrorList> {
    let subject = format!(
        "{}/{}",
        service.metadata.namespace.as_deref().unwrap_or_default(),
        service.metadata.name.as_deref().unwrap_or_default()
    );
    let Some(spec) = &mut service.spec else { return Ok(()) };
    if needs_address(spec) {
        families(spec)?;
        address(spec, held, &subject, cx)?;
    }
    if let Err(errors) = ports(spec, held, &subject, cx) {
        // All or nothing: what was taken just now goes back.
        let taken = spec.clone();
        release_except(&taken, held, cx.allocators);
        return Err(errors);
    }
    Ok(())
}

fn families(spec: &mut ServiceSpec) -> Result<(), ErrorList> {
    let without_selector = is_headless(spec) && spec.selector.as_ref().is_none_or(|s| s.is_empty());
    let fallback = if without_selector { "RequireDualStack" } else { "SingleStack" };
    let policy = spec.ip_family_policy.get_or_insert_with(|| fallback.into()).clone();
    let families = spec.ip_families.get_or_insert_default();
    let root = Path::new("spec");
    let mut errors = ErrorList::default();
    if without_selector {
        if families.is_empty() {
            families.push("IPv4".into());
        }
        if families.len() < 2 && policy != "SingleStack" {
            let other = if families[0] == "IPv4" { "IPv6" } else { "IPv4" };
            families.push(other.into());
        }
        return Ok(());
    }
    if policy == "RequireDualStack" {
        let why = "this cluster is not configured for dual-stack services";
        errors.push(Error::invalid(&root.child("ipFamilyPolicy"), &policy, why));
    }
    let path = root.child("ipFamilies");
    for (i, family) in families.iter().enumerate().filter(|(_, f)| *f != "IPv4") {
        errors.push(Error::invalid(&path.index(i), family, "not configured on this cluster"));
    }
    if families.is_empty() {
        families.push("IPv4".into());
    }
    if errors.is_empty() { Ok(()) } else { Err(errors) }
}

fn address(
    spec: &mut ServiceSpec,
    held: Option<&ServiceSpec>,
    subject: &str,
    cx: &mut Context<'_>,
) -> Result<(), ErrorList> {
    // An update keeps its address; whether it may be another is for validation to say.
    if is_headless(spec) || held.is_some_and(needs_address) {
        return Ok(());
    }
    let wanted = spec.cluster_ips.as_ref().and_then(|ips| ips.first()).filter(|ip| !ip.is_empty()).cloned();
    let used = &mut cx.allocators.service_ips;
    let ip = match &wanted {
        Some(ip) => {
            let Ok(parsed) = ip.parse::<Ipv4Addr>() else { return Ok(()) };
            let offset = parsed.to_bits().wrapping_sub(NETWORK);
            let why = if !(1..NETWORK_SIZE - 1).contains(&offset) {
                "the provided network does not match the current range"
            } else if !used.insert(offset) {
                "provided IP is already allocated"
            } else {
                spec.cluster_ip = wanted;
                return Ok(());
            };
            let list: Vec<String> = spec.cluster_ips.iter().flatten().map(|ip| quote(ip)).collect();
            let mut errors = ErrorList::default();
            errors.push(Error::invalid_raw(
                &Path::new("spec.clusterIPs"),
                format!("[{}]", list.join(",")),
                format!("failed to allocate IP {ip}: {why}"),
            ));
            return Err(errors);
        }
        None => {
            let draw = Rng::derive(cx.seed, "service-ip", subject, 0).below(u64::from(NETWORK_SIZE - 1 - RESERVED));
            let span = NETWORK_SIZE - 1 - RESERVED;
            let start = u32::try_from(draw).unwrap_or(0);
            let free = (0..span).map(|i| RESERVED + (start + i) % span).find(|offset| !used.contains(offset));
            // A million services do not fit into the simulation.
            let offset = free.unwrap_or(RESERVED);
            used.insert(offset);
            Ipv4Addr::from_bits(NETWORK + offset).to_string()
        }
    };
    spec.cluster_ips = Some(vec![ip.clone()]);
    spec.cluster_ip = Some(ip);
    Ok(())
}

fn ports(
    spec: &mut ServiceSpec,
    held: Option<&ServiceSpec>,
    subject: &str,
    cx: &mut Context<'_>,
) -> Result<(), ErrorList> {
    if !needs_node_ports(spec) {
        return Ok(());
    }
    let had: Vec<u16> = held.map(node_ports).unwrap_or_default();
    let draws = kind(spec) == "NodePort" || spec.allocate_load_balancer_node_ports != Some(false);
    let mut mine: Vec<u16> = Vec::new();
    let mut by_port: Vec<(i32, u16)> = Vec::new();
    let root = Path::new("spec");
    let path = root.child("ports");
    let wanted: Vec<(i32, i32)> = spec.ports.iter().flatten().map(|p| (p.port, p.node_port.unwrap_or(0))).collect();
    for (i, port) in spec.ports.iter_mut().flatten().enumerate() {
        let asked = port.node_port.unwrap_or(0);
        if asked == 0 && !draws {
            continue;
        }
        // The same port over two protocols shares one node port.
        let shared = by_port.iter().find(|(p, _)| *p == port.port).map(|(_, n)| *n);
        let ask = match (shared, asked) {
            (Some(n), a) if a == 0 || a == i32::from(n) => {
                port.node_port = Some(n.into());
                continue;
            }
            (None, 0) if held.is_none() => wanted.iter().find(|(p, n)| *p == port.port && *n != 0).map_or(0, |w| w.1),
            (_, a) => a,
        };
        let number = if ask == 0 {
            draw(&mut cx.allocators.node_ports, cx.seed, subject, i)
        } else {
            claim(port, ask, &had, &mine, cx.allocators).map_err(|why| {
                let mut errors = ErrorList::default();
                errors.push(Error::invalid_raw(&path.index(i).child("nodePort"), ask, why));
                errors
            })?
        };
        port.node_port = Some(number.into());
        mine.push(number);
        by_port.push((port.port, number));
    }
    if needs_health_port(spec) && spec.health_check_node_port.unwrap_or(0) == 0 {
        let number = draw(&mut cx.allocators.node_ports, cx.seed, subject, usize::MAX);
        spec.health_check_node_port = Some(number.into());
    }
    Ok(())
}

/// Takes the port that was asked for.
fn claim(
    port: &mut ServicePort,
    asked: i32,
    had: &[u16],
    mine: &[u16],
    allocators: &mut Allocators,
) -> Result<u16, &'static str> {
    let number = u16::try_from(asked).ok().filter(|n| PORTS.contains(n));
    let Some(number) = number else {
        port.node_port = None;
        return Err("provided port is not in the valid range. The range of valid ports is 30000-32767");
    };
    if had.contains(&number) || mine.contains(&number) || allocators.node_ports.insert(number) {
        return Ok(number);
    }
    port.node_port = None;
    Err("provided port is already allocated")
}

fn draw(used: &mut std::collections::BTreeSet<u16>, seed: u64, subject: &str, nth: usize) -> u16 {
    let first = PORTS.start() + PORTS_RESERVED;
    let span = PORTS.end() - first + 1;
    let draw = Rng::derive(seed, "node-port", subject, nth as u64).below(span.into());
    let start = u16::try_from(draw).unwrap_or(0);
    // When the upper part is full, the reserved one is used.
    let free = (0..span).map(|i| first + (start + i) % span).chain(*PORTS.start()..first).find(|p| !used.contains(p));
    let number = free.unwrap_or(*PORTS.end());
    used.insert(number);
    number
}

fn node_ports(spec: &ServiceSpec) -> Vec<u16> {
    let ports = spec.ports.iter().flatten().filter_map(|p| p.node_port);
    ports.chain(spec.health_check_node_port).filter(|n| *n != 0).filter_map(|n| u16::try_from(n).ok()).collect()
}

fn addresses(spec: &ServiceSpec) -> impl Iterator<Item = u32> {
    let ips = spec.cluster_ips.iter().flatten().filter_map(|ip| ip.parse::<Ipv4Addr>().ok());
    ips.map(|ip| ip.to_bits().wrapping_sub(NETWORK))
}

/// Gives back what `spec` holds and `kept` does not.
pub fn release_except(spec: &ServiceSpec, kept: Option<&ServiceSpec>, allocators: &mut Allocators) {
    let kept_ports = kept.map(node_ports).unwrap_or_default();
    let kept_ips: Vec<u32> = kept.into_iter().flat_map(addresses).collect();
    for port in node_ports(spec).iter().filter(|p| !kept_ports.contains(p)) {
        allocators.node_ports.remove(port);
    }
    for ip in addresses(spec).filter(|ip| !kept_ips.contains(ip)) {
        allocators.service_ips.remove(&ip);
    }
}
