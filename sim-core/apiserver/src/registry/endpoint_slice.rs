//! EndpointSlice: names, defaults, rules and columns.

use super::checks::{self, text};
use apimachinery::field::{Error, ErrorList, Path};
use k8s_openapi::api::discovery::v1::{Endpoint, EndpointPort};

const ENDPOINTS_MAX: usize = 1000;
const ADDRESSES_MAX: usize = 100;
use super::{Column, KindInfo, Strategy, age};
use apimachinery::time::Time;
use k8s_openapi::api::discovery::v1::EndpointSlice;
use serde_json::Value;

/// How many ports or addresses the table shows.
const SHOWN_MAX: usize = 3;

pub struct EndpointSliceStrategy;

impl Strategy for EndpointSliceStrategy {
    type Object = EndpointSlice;

    fn info(&self) -> &'static KindInfo {
        &KindInfo {
            group: "discovery.k8s.io",
            version: "v1",
            kind: "EndpointSlice",
            plural: "endpointslices",
            singular: "endpointslice",
            short_names: &[],
            categories: &[],
            namespaced: true,
            subresources: &[],
            generation: true,
            verbs: &[],
        }
    }

    fn default(&self, object: &mut EndpointSlice) {
        for port in object.ports.iter_mut().flatten() {
            port.name.get_or_insert_default();
            port.protocol.get_or_insert_with(|| "TCP".into());
        }
        for endpoint in object.endpoints.iter_mut().flatten() {
            endpoint.conditions.get_or_insert_default();
        }
    }

    fn spec_changed(&self, new: &EndpointSlice, old: &EndpointSlice) -> bool {
        new.address_type != old.address_type
            || new.endpoints != old.endpoints
            || new.ports != old.ports
            || new.metadata.labels != old.metadata.labels
            || new.metadata.annotations != old.metadata.annotations
    }

    fn validate(&self, object: &EndpointSlice) -> ErrorList {
        let mut errors = ErrorList::default();
        checks::one_of(&object.address_type, &["FQDN", "IPv4", "IPv6"], &Path::new("addressType"), &mut errors);
        ports(object.ports.as_deref().unwrap_or_default(), &Path::new("ports"), &mut errors);
        let list = object.endpoints.as_deref().unwrap_or_default();
        endpoints(list, &object.address_type, &Path::new("endpoints"), &mut errors);
        errors
    }

    fn validate_update(&self, new: &EndpointSlice, old: &EndpointSlice) -> ErrorList {
        let mut errors = Strategy::validate(self, new);
        checks::immutable(&new.address_type, &old.address_type, &Path::new("addressType"), &mut errors);
        errors
    }

    fn columns(&self) -> &'static [Column] {
        const {
            &[
                Column::name(),
                Column::new("AddressType", "addressType specifies the type of address carried by this EndpointSlice."),
                Column::new(
                    "Ports",
                    "ports specifies the list of network ports exposed by each endpoint in this slice.",
                ),
                Column::new("Endpoints", "endpoints is a list of unique endpoints in this slice."),
                Column::age(),
            ]
        }
    }

    fn cells(&self, object: &EndpointSlice, now: Time) -> Vec<Value> {
        let meta = &object.metadata;
        let ports = object.ports.iter().flatten().map(|p| match (p.port, &p.name) {
            (Some(port), _) => port.to_string(),
            (None, Some(name)) => name.clone(),
            (None, None) => "*".to_owned(),
        });
        let addresses = object.endpoints.iter().flatten().flat_map(|e| e.addresses.iter().cloned());
        vec![
            meta.name.as_deref().into(),
            object.address_type.as_str().into(),
            first_few(ports).into(),
            first_few(addresses).into(),
            age(meta, now).into(),
        ]
    }
}

fn first_few(items: impl Iterator<Item = String>) -> String {
    let mut list: Vec<String> = items.collect();
    let more = list.len().saturating_sub(SHOWN_MAX);
    list.truncate(SHOWN_MAX);
    let text = list.join(",");
    match (more, text.is_empty()) {
        (0, true) => "<unset>".to_owned(),
        (0, false) => text,
        _ => format!("{text} + {more} more..."),
    }
}

fn ports(list: &[EndpointPort], path: &Path, errors: &mut ErrorList) {
    for (i, port) in list.iter().enumerate() {
        let at = path.index(i);
        let name = text(&port.name);
        if !name.is_empty() {
            checks::dns_label(name, &at.child("name"), errors);
        }
        if list[..i].iter().any(|p| text(&p.name) == name) {
            errors.push(Error::duplicate(&at.child("name"), name));
        }
        checks::one_of(text(&port.protocol), &["SCTP", "TCP", "UDP"], &at.child("protocol"), errors);
        if let Some(protocol) = &port.app_protocol {
            checks::qualified_name(protocol, &at.child("appProtocol"), errors);
        }
    }
}

fn endpoints(list: &[Endpoint], kind: &str, path: &Path, errors: &mut ErrorList) {
    if list.len() > ENDPOINTS_MAX {
        errors.push(Error::too_many(path, list.len(), ENDPOINTS_MAX));
        return;
    }
    for (i, endpoint) in list.iter().enumerate() {
        let item = path.index(i);
        let at = item.child("addresses");
        if endpoint.addresses.is_empty() {
            errors.push(Error::required(&at, "must contain at least 1 address"));
        } else if endpoint.addresses.len() > ADDRESSES_MAX {
            errors.push(Error::too_many(&at, endpoint.addresses.len(), ADDRESSES_MAX));
        }
        for (j, address) in endpoint.addresses.iter().enumerate().filter(|_| kind != "FQDN") {
            let before = errors.0.len();
            checks::ip(address, &at.index(j), errors);
            if errors.0.len() == before {
                if (kind == "IPv6") != address.contains(':') {
                    errors.push(Error::invalid(&at, address, format!("must be an {kind} address")));
                }
                checks::endpoint_ip(address, &at.index(j), errors);
            }
        }
        if let Some(node) = &endpoint.node_name {
            checks::dns_subdomain(node, &item.child("nodeName"), errors);
        }
        if let Some(hostname) = &endpoint.hostname {
            checks::dns_label(hostname, &item.child("hostname"), errors);
        }
    }
}
