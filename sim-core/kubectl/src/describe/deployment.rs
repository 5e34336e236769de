//! Deployments.

use super::Doc;
use super::doc::selector;
use super::pod_template::pod_template;
use crate::error::Error;
use crate::history::{new_replica_set, replica_sets};
use crate::json::{at, has, int, name, shown, text};
use crate::session::Kube;
use crate::times::rfc1123;
use serde_json::Value;

pub fn describe(k: &mut Kube<'_, '_>, d: &Value, doc: &mut Doc) -> Result<(), Error> {
    doc.names(d);
    doc.field(0, "CreationTimestamp", &rfc1123(text(d, "/metadata/creationTimestamp")));
    doc.meta(d);
    doc.field(0, "Selector", &selector(at(d, "/spec/selector")));
    let replicas = format!(
        "{} desired | {} updated | {} total | {} available | {} unavailable",
        int(d, "/spec/replicas"),
        int(d, "/status/updatedReplicas"),
        int(d, "/status/replicas"),
        int(d, "/status/availableReplicas"),
        int(d, "/status/unavailableReplicas")
    );
    doc.field(0, "Replicas", &replicas);
    doc.field(0, "StrategyType", text(d, "/spec/strategy/type"));
    doc.field(0, "MinReadySeconds", &int(d, "/spec/minReadySeconds").to_string());
    if has(d, "/spec/strategy/rollingUpdate") {
        let limit = |key: &str| shown(at(d, &format!("/spec/strategy/rollingUpdate/{key}")));
        let text = format!("{} max unavailable, {} max surge", limit("maxUnavailable"), limit("maxSurge"));
        doc.field(0, "RollingUpdateStrategy", &text);
    }
    pod_template(doc, at(d, "/spec/template"));
    doc.condition_table(d);
    let sets = replica_sets(k, d)?;
    let new = new_replica_set(d, &sets);
    let old: Vec<&Value> = sets.iter().filter(|s| new.is_none_or(|n| name(n) != name(s))).collect();
    if !sets.is_empty() {
        doc.field(0, "OldReplicaSets", &sets_text(&old));
        doc.field(0, "NewReplicaSet", &sets_text(&new.into_iter().collect::<Vec<_>>()));
    }
    Ok(())
}

fn sets_text(sets: &[&Value]) -> String {
    let all: Vec<String> = sets
        .iter()
        .map(|s| format!("{} ({}/{} replicas created)", name(s), int(s, "/status/replicas"), int(s, "/spec/replicas")))
        .collect();
    if all.is_empty() { "<none>".into() } else { all.join(", ") }
}
