//! EndpointSlice: names, defaults, rules and columns.

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
