//! HorizontalPodAutoscalers and PodDisruptionBudgets.

use super::Doc;
use super::doc::{quantity, selector};
use crate::error::Error;
use crate::json::{at, has, int, list, shown, text};
use crate::session::Kube;
use crate::times::rfc1123;
use serde_json::Value;

pub fn describe_autoscaler(_: &mut Kube<'_, '_>, hpa: &Value, doc: &mut Doc) -> Result<(), Error> {
    doc.head(hpa);
    doc.field(0, "CreationTimestamp", &rfc1123(text(hpa, "/metadata/creationTimestamp")));
    let (kind, name) = (text(hpa, "/spec/scaleTargetRef/kind"), text(hpa, "/spec/scaleTargetRef/name"));
    doc.field(0, "Reference", &format!("{kind}/{name}"));
    doc.field(0, "Metrics", "( current / target )");
    for (i, metric) in list(hpa, "/spec/metrics").iter().enumerate() {
        let current = at(hpa, &format!("/status/currentMetrics/{i}"));
        doc.field(1, &metric_name(metric), &metric_values(metric, current));
    }
    let minimum = if has(hpa, "/spec/minReplicas") { shown(at(hpa, "/spec/minReplicas")) } else { "<unset>".into() };
    doc.field(0, "Min replicas", &minimum);
    doc.field(0, "Max replicas", &int(hpa, "/spec/maxReplicas").to_string());
    let (current, desired) = (int(hpa, "/status/currentReplicas"), int(hpa, "/status/desiredReplicas"));
    doc.field(0, &format!("{kind} pods"), &format!("{current} current / {desired} desired"));
    let conditions = list(hpa, "/status/conditions");
    if !conditions.is_empty() {
        doc.line(0, "Conditions:");
        doc.line(1, "Type\tStatus\tReason\tMessage");
        doc.line(1, "----\t------\t------\t-------");
    }
    for c in conditions {
        let cells = ["/type", "/status", "/reason", "/message"].map(|key| text(c, key));
        doc.line(1, &cells.join("\t"));
    }
    Ok(())
}

fn metric_name(metric: &Value) -> String {
    let target = at(metric, "/resource/target");
    if has(target, "/averageUtilization") {
        format!("resource {} on pods  (as a percentage of request)", text(metric, "/resource/name"))
    } else if has(metric, "/resource") {
        format!("resource {} on pods", text(metric, "/resource/name"))
    } else {
        format!("\"{}\" metric", text(metric, "/type"))
    }
}

fn metric_values(metric: &Value, current: &Value) -> String {
    let target = at(metric, "/resource/target");
    let now = at(current, "/resource/current");
    let value = |v: &Value| if v.is_null() { "<unknown>".to_owned() } else { quantity(v) };
    if has(target, "/averageUtilization") {
        let percent = int(target, "/averageUtilization");
        if !has(now, "/averageUtilization") {
            return format!("<unknown> / {percent}%");
        }
        let (used, amount) = (int(now, "/averageUtilization"), value(at(now, "/averageValue")));
        return format!("{used}% ({amount}) / {percent}%");
    }
    format!("{} / {}", value(at(now, "/averageValue")), value(at(target, "/averageValue")))
}

pub fn describe_budget(_: &mut Kube<'_, '_>, pdb: &Value, doc: &mut Doc) -> Result<(), Error> {
    doc.names(pdb);
    for (title, key) in [("Min available", "/spec/minAvailable"), ("Max unavailable", "/spec/maxUnavailable")] {
        if has(pdb, key) {
            doc.field(0, title, &shown(at(pdb, key)));
        }
    }
    let labels = if has(pdb, "/spec/selector") { selector(at(pdb, "/spec/selector")) } else { "<unset>".into() };
    doc.field(0, "Selector", &labels);
    doc.line(0, "Status:");
    for (title, key) in [
        ("Allowed disruptions", "/status/disruptionsAllowed"),
        ("Current", "/status/currentHealthy"),
        ("Desired", "/status/desiredHealthy"),
        ("Total", "/status/expectedPods"),
    ] {
        doc.field(2, title, &int(pdb, key).to_string());
    }
    Ok(())
}
