//! Event: names, defaults, rules and columns.

use super::{KindInfo, Strategy};
use k8s_openapi::api::core::v1::Event;

pub struct EventStrategy;

impl Strategy for EventStrategy {
    type Object = Event;

    fn info(&self) -> &'static KindInfo {
        &KindInfo {
            group: "",
            version: "v1",
            kind: "Event",
            plural: "events",
            singular: "event",
            short_names: &["ev"],
            categories: &[],
            namespaced: true,
            subresources: &[],
            generation: false,
            verbs: &[],
        }
    }
}
