//! Namespaces, ResourceQuotas, LimitRanges.

use super::Doc;
use super::doc::quantity;
use crate::error::Error;
use crate::json::{at, list, members, name, text};
use crate::session::Kube;
use apimachinery::order::Order as _;
use apimachinery::quantity::Quantity;
use serde_json::Value;

pub fn describe(k: &mut Kube<'_, '_>, ns: &Value, doc: &mut Doc) -> Result<(), Error> {
    let quotas = k.list_of(&format!("/api/v1/namespaces/{}/resourcequotas", name(ns)), &[]).unwrap_or_default();
    let ranges = k.list_of(&format!("/api/v1/namespaces/{}/limitranges", name(ns)), &[]).unwrap_or_default();
    doc.field(0, "Name", name(ns));
    doc.meta(ns);
    doc.field(0, "Status", text(ns, "/status/phase"));
    if !list(ns, "/status/conditions").is_empty() {
        doc.line(0, "Conditions:");
        doc.line(1, "Type\tStatus\tLastTransitionTime\tReason\tMessage");
        doc.line(1, "----\t------\t------------------\t------\t-------");
    }
    for c in list(ns, "/status/conditions") {
        let when = crate::times::rfc1123(text(c, "/lastTransitionTime"));
        let cell = |key: &str| text(c, key).to_owned();
        doc.line(
            1,
            &format!("{}\t{}\t{when}\t{}\t{}", cell("/type"), cell("/status"), cell("/reason"), cell("/message")),
        );
    }
    if quotas.is_empty() {
        doc.line(0, "\nNo resource quota.");
    } else {
        doc.line(0, "\nResource Quotas");
    }
    for (i, quota) in quotas.iter().enumerate() {
        if i > 0 {
            doc.line(0, "");
        }
        doc.field(1, "Name", name(quota));
        scopes(doc, 1, quota);
        doc.line(1, "Resource\tUsed\tHard");
        doc.line(1, "--------\t---\t---");
        amounts(doc, 1, quota);
    }
    if ranges.is_empty() {
        doc.line(0, "\nNo LimitRange resource.");
        return Ok(());
    }
    doc.line(
        0,
        "\nResource Limits\n Type\tResource\tMin\tMax\tDefault Request\tDefault Limit\tMax Limit/Request Ratio",
    );
    doc.line(0, " ----\t--------\t---\t---\t---------------\t-------------\t-----------------------");
    for range in &ranges {
        limits(doc, " ", range);
    }
    Ok(())
}

fn scopes(doc: &mut Doc, level: usize, quota: &Value) {
    let mut scopes: Vec<&str> = list(quota, "/spec/scopes").iter().filter_map(Value::as_str).collect();
    scopes.order();
    if !scopes.is_empty() {
        doc.field(level, "Scopes", &scopes.join(", "));
    }
    for scope in scopes {
        let told = match scope {
            "Terminating" => {
                "Matches all pods that have an active deadline. These pods have a limited lifespan on a node before being actively terminated by the system."
            }
            "NotTerminating" => {
                "Matches all pods that do not have an active deadline. These pods usually include long running pods whose container command is not expected to terminate."
            }
            "BestEffort" => {
                "Matches all pods that do not have resource requirements set. These pods have a best effort quality of service."
            }
            "NotBestEffort" => {
                "Matches all pods that have at least one resource requirement set. These pods have a burstable or guaranteed quality of service."
            }
            _ => continue,
        };
        doc.line(level, &format!(" * {told}").replacen(" * ", if level == 0 { " * " } else { "* " }, 1));
    }
}

fn amounts(doc: &mut Doc, level: usize, quota: &Value) {
    for (resource, hard) in members(quota, "/status/hard") {
        let used = at(quota, "/status/used").get(resource);
        doc.line(level, &format!("{resource}\t{}\t{}", used.map_or("0".into(), quantity), quantity(hard)));
    }
}

pub fn describe_quota(_: &mut Kube<'_, '_>, quota: &Value, doc: &mut Doc) -> Result<(), Error> {
    doc.names(quota);
    scopes(doc, 0, quota);
    doc.line(0, "Resource\tUsed\tHard");
    doc.line(0, "--------\t----\t----");
    amounts(doc, 0, quota);
    Ok(())
}

pub fn describe_limits(_: &mut Kube<'_, '_>, range: &Value, doc: &mut Doc) -> Result<(), Error> {
    doc.names(range);
    doc.line(0, "Type\tResource\tMin\tMax\tDefault Request\tDefault Limit\tMax Limit/Request Ratio");
    doc.line(0, "----\t--------\t---\t---\t---------------\t-------------\t-----------------------");
    limits(doc, "", range);
    Ok(())
}

fn limits(doc: &mut Doc, lead: &str, range: &Value) {
    const COLUMNS: [&str; 5] = ["max", "min", "default", "defaultRequest", "maxLimitRequestRatio"];
    for item in list(range, "/spec/limits") {
        let mut resources: Vec<&String> = Vec::new();
        for column in COLUMNS {
            for (resource, _) in members(item, &format!("/{column}")) {
                if !resources.contains(&resource) {
                    resources.push(resource);
                }
            }
        }
        for resource in resources {
            let cell = |column: &str| match at(item, &format!("/{column}")).get(resource) {
                Some(v) => Quantity::from_json(v).map_or_else(|_| "-".into(), |q| q.to_string()),
                None => "-".to_owned(),
            };
            let (min, max, request) = (cell("min"), cell("max"), cell("defaultRequest"));
            let (limit, ratio) = (cell("default"), cell("maxLimitRequestRatio"));
            doc.line(
                0,
                &format!("{lead}{}\t{resource}\t{min}\t{max}\t{request}\t{limit}\t{ratio}", text(item, "/type")),
            );
        }
    }
}
