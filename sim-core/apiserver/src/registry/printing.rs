//! Cells that the tables of several kinds share.
//!
//! Models: `pkg/printers/internalversion`.

use apimachinery::time::Time;
use k8s_openapi::api::core::v1::{Container, PodSpec};

pub const NONE: &str = "<none>";
pub const UNSET: &str = "<unset>";

/// Time gone by since `then`, as ages are printed.
pub fn since(then: Option<Time>, now: Time) -> String {
    match then {
        Some(then) => apimachinery::duration::human(now.since(then)),
        None => "<unknown>".to_owned(),
    }
}

/// Names of the containers of a template: the CONTAINERS column.
pub fn names(spec: Option<&PodSpec>) -> String {
    joined(spec, |c| &c.name)
}

/// Their images: the IMAGES column.
pub fn images(spec: Option<&PodSpec>) -> String {
    joined(spec, |c| c.image.as_deref().unwrap_or_default())
}

fn joined(spec: Option<&PodSpec>, part: fn(&Container) -> &str) -> String {
    let parts: Vec<&str> = spec.into_iter().flat_map(|s| &s.containers).map(part).collect();
    parts.join(",")
}

/// When the object was made, as tables of kinds without columns of their own show it.
pub fn created_at(meta: &k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta) -> String {
    meta.creation_timestamp.as_ref().map(|t| Time::from(t.0).rfc3339()).unwrap_or_default()
}
