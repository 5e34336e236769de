//! EndpointSlice: names, defaults, rules and columns.

use super::{KindInfo, Strategy};
use k8s_openapi::api::discovery::v1::EndpointSlice;

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
}
