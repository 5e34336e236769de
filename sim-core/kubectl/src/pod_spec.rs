//! Where pods' specs stand in objects, and patches made of an object before and after.
//!
//! Models: kubectl `polymorphichelpers`.

use crate::builder::{Info, group_of};
use crate::client::{MERGE, STRATEGIC};
use crate::error::{Error, plain};
use crate::json::{at, has, list, text};
use apimachinery::{labels, patch};
use serde_json::Value;

/// Pointer to the pod spec of an object that has one.
pub fn pointer(object: &Value) -> Option<&'static str> {
    match text(object, "/kind") {
        "Pod" => Some("/spec"),
        "CronJob" => Some("/spec/jobTemplate/spec/template/spec"),
        "Deployment" | "ReplicaSet" | "StatefulSet" | "DaemonSet" | "Job" | "ReplicationController" => {
            Some("/spec/template/spec")
        }
        _ => None,
    }
}

/// The patch that turns one state of an object into another.
pub fn two_way(info: &Info, after: &Value) -> Result<(&'static str, Value), Error> {
    match patch::meta::for_kind(group_of(&info.object), &info.mapping.kind) {
        Some(meta) => {
            patch::strategic::create(&info.object, after, meta).map(|p| (STRATEGIC, p)).map_err(|e| Error::Plain(e.0))
        }
        None => Ok((MERGE, patch::merge::create(&info.object, after))),
    }
}

/// The string form of an object's pod selector.
pub fn selector_text(object: &Value) -> String {
    let selector = at(object, "/spec/selector");
    if has(selector, "/matchLabels") || has(selector, "/matchExpressions") {
        return labels::format_label_selector(selector);
    }
    let pairs: Vec<String> =
        crate::json::members(selector, "").iter().map(|(k, v)| format!("{k}={}", v.as_str().unwrap_or(""))).collect();
    pairs.join(",")
}

/// The container to use: the one named, the annotated default, or the first. `Ok((name, told))`: `told` is the note about
/// the choice, for standard error.
pub fn container<'a>(pod: &'a Value, wanted: &str) -> Result<(&'a str, Option<String>), Error> {
    let all = all_containers(pod);
    if !wanted.is_empty() {
        return match all.iter().find(|(n, _)| *n == wanted) {
            Some((n, _)) => Ok((n, None)),
            None => plain(format!(
                "container {wanted} is not valid for pod {} out of: {}",
                crate::json::name(pod),
                names(pod)
            )),
        };
    }
    if let Some(default) = crate::json::annotation(pod, "kubectl.kubernetes.io/default-container")
        && let Some((n, _)) = all.iter().find(|(n, _)| *n == default)
    {
        return Ok((n, None));
    }
    let Some(first) = list(pod, "/spec/containers").first() else {
        return plain(format!("no container found in pod {}", crate::json::name(pod)));
    };
    let first = text(first, "/name");
    let note = (all.len() > 1).then(|| format!("Defaulted container \"{first}\" out of: {}\n", names(pod)));
    Ok((first, note))
}

/// Names of all containers, and what kind of container they are.
pub fn all_containers(pod: &Value) -> Vec<(&str, &'static str)> {
    let mut out = Vec::new();
    for (key, kind) in
        [("/spec/containers", ""), ("/spec/ephemeralContainers", " (ephem)"), ("/spec/initContainers", " (init)")]
    {
        out.extend(list(pod, key).iter().map(|c| (text(c, "/name"), kind)));
    }
    out
}

fn names(pod: &Value) -> String {
    all_containers(pod).iter().map(|(n, kind)| format!("{n}{kind}")).collect::<Vec<_>>().join(", ")
}
