//! Objects as Go writes them: what its types cannot leave out is there, as null.
//!
//! The k8s-openapi types leave out every empty option; Go's encoder writes a time that is not a pointer even when it is
//! zero. Defaults and empty structs are filled in by the registry; here are only the nulls.

use crate::object::Object;
use serde_json::Value;

/// The JSON of an object, in the shape in which the real server answers.
pub(crate) fn view(object: &dyn Object) -> Value {
    let mut value = object.to_value();
    match value["kind"].as_str() {
        Some("Pod") => pod(&mut value["status"]),
        Some("Node") => each(&mut value["status"], "conditions", &["lastHeartbeatTime", "lastTransitionTime"]),
        Some("Event") => nulls(&mut value, &["eventTime", "firstTimestamp", "lastTimestamp"]),
        Some("EndpointSlice") => nulls(&mut value, &["endpoints", "ports"]),
        Some("Job") => each(&mut value["status"], "conditions", &["lastProbeTime", "lastTransitionTime"]),
        _ => {}
    }
    value
}

fn pod(status: &mut Value) {
    if !status.is_object() {
        return;
    }
    each(status, "conditions", &["lastProbeTime", "lastTransitionTime"]);
    for list in ["containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses"] {
        let Some(items) = status.get_mut(list).and_then(Value::as_array_mut) else { continue };
        for item in items {
            for state in ["state", "lastState"] {
                if let Some(terminated) = item.get_mut(state).and_then(|s| s.get_mut("terminated")) {
                    nulls(terminated, &["startedAt", "finishedAt"]);
                }
                if let Some(running) = item.get_mut(state).and_then(|s| s.get_mut("running")) {
                    nulls(running, &["startedAt"]);
                }
            }
        }
    }
}

/// Nulls in each element of a list.
fn each(value: &mut Value, list: &str, fields: &[&str]) {
    let Some(items) = value.get_mut(list).and_then(Value::as_array_mut) else { return };
    for item in items {
        nulls(item, fields);
    }
}

fn nulls(value: &mut Value, fields: &[&str]) {
    let Some(map) = value.as_object_mut() else { return };
    for field in fields {
        if !map.contains_key(*field) {
            map.insert((*field).to_owned(), Value::Null);
        }
    }
}
