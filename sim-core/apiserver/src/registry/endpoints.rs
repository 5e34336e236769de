//! Endpoints: names, defaults, rules and columns.

use super::printing::NONE;
use super::{Column, KindInfo, Strategy, age};
use apimachinery::time::Time;
use k8s_openapi::api::core::v1::Endpoints;
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
