//! Endpoints: names, defaults, rules and columns.

use super::checks::{self, text};
use super::printing::NONE;
use super::{Column, KindInfo, Strategy, age};
use apimachinery::field::{Error, ErrorList, Path};
use apimachinery::time::Time;
use k8s_openapi::api::core::v1::Endpoints;
use k8s_openapi::api::core::v1::{EndpointAddress, EndpointSubset};
use serde_json::Value;

/// How many addresses the table shows.
const SHOWN_MAX: usize = 3;

pub struct EndpointsStrategy;

impl Strategy for EndpointsStrategy {
    type Object = Endpoints;

    fn info(&self) -> &'static KindInfo {
        &KindInfo {
            group: "",
            version: "v1",
            kind: "Endpoints",
            plural: "endpoints",
            singular: "endpoints",
            short_names: &["ep"],
            categories: &[],
            namespaced: true,
            subresources: &[],
            generation: false,
            verbs: &[],
        }
    }

    fn default(&self, object: &mut Endpoints) {
        for port in object.subsets.iter_mut().flatten().flat_map(|s| s.ports.iter_mut().flatten()) {
            port.protocol.get_or_insert_with(|| "TCP".into());
        }
    }

    fn validate(&self, object: &Endpoints) -> ErrorList {
        let mut errors = ErrorList::default();
        let path = Path::new("subsets");
        for (i, subset) in object.subsets.iter().flatten().enumerate() {
            subset_rules(subset, &path.index(i), &mut errors);
        }
        errors
    }

    fn deprecation(&self) -> Option<&'static str> {
        Some("v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice")
    }

    fn columns(&self) -> &'static [Column] {
        const {
            &[
                Column::name(),
                Column::new("Endpoints", "The set of all endpoints is the union of all subsets."),
                Column::age(),
            ]
        }
    }

    fn cells(&self, object: &Endpoints, now: Time) -> Vec<Value> {
        let meta = &object.metadata;
        vec![meta.name.as_deref().into(), format(object).into(), age(meta, now).into()]
    }
}

/// `10.244.0.3:80,10.244.0.4:80 + 2 more...`
fn format(endpoints: &Endpoints) -> String {
    let subsets = endpoints.subsets.as_deref().unwrap_or_default();
    if subsets.is_empty() {
        return NONE.to_owned();
    }
    let mut list: Vec<String> = Vec::new();
    let mut count = 0;
    for subset in subsets {
        let addresses = subset.addresses.as_deref().unwrap_or_default();
        let ports = subset.ports.as_deref().unwrap_or_default();
        // A headless service may have no port.
        let ports: Vec<Option<i32>> =
            if ports.is_empty() { vec![None] } else { ports.iter().map(|p| Some(p.port)).collect() };
        for port in ports {
            count += addresses.len();
            for address in addresses.iter().take(SHOWN_MAX.saturating_sub(list.len())) {
                list.push(match port {
                    None => address.ip.clone(),
                    Some(port) if address.ip.contains(':') => format!("[{}]:{port}", address.ip),
                    Some(port) => format!("{}:{port}", address.ip),
                });
            }
        }
    }
    let more = count - list.len();
    if more > 0 { format!("{} + {more} more...", list.join(",")) } else { list.join(",") }
}

fn subset_rules(subset: &EndpointSubset, path: &Path, errors: &mut ErrorList) {
    let empty = |list: &Option<Vec<EndpointAddress>>| list.as_ref().is_none_or(Vec::is_empty);
    if empty(&subset.addresses) && empty(&subset.not_ready_addresses) {
        errors.push(Error::required(path, "must specify `addresses` or `notReadyAddresses`"));
    }
    for (field, list) in [("addresses", &subset.addresses), ("notReadyAddresses", &subset.not_ready_addresses)] {
        let at = path.child(field);
        for (i, address) in list.iter().flatten().enumerate() {
            let at = at.index(i);
            checks::ip(&address.ip, &at.child("ip"), errors);
            if !text(&address.hostname).is_empty() {
                checks::dns_label(text(&address.hostname), &at.child("hostname"), errors);
            }
            if let Some(node) = &address.node_name {
                checks::dns_subdomain(node, &at.child("nodeName"), errors);
            }
            checks::endpoint_ip(&address.ip, &at.child("ip"), errors);
        }
    }
    let ports = subset.ports.as_deref().unwrap_or_default();
    let at = path.child("ports");
    for (i, port) in ports.iter().enumerate() {
        let at = at.index(i);
        let name = text(&port.name);
        if !name.is_empty() {
            checks::dns_label(name, &at.child("name"), errors);
        } else if ports.len() > 1 {
            errors.push(Error::required(&at.child("name"), ""));
        }
        checks::port_number(port.port, &at.child("port"), errors);
        checks::one_of(text(&port.protocol), &["SCTP", "TCP", "UDP"], &at.child("protocol"), errors);
    }
}
