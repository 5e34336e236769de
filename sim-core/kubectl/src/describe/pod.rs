//! Pods.

use super::Doc;
use super::doc::controller;
use super::pod_template::{containers, spread, tolerations};
use super::volumes::volumes;
use crate::error::Error;
use crate::json::{at, has, int, list, text};
use crate::session::Kube;
use crate::times::{age, rfc1123};
use serde_json::Value;

pub fn describe(k: &mut Kube<'_, '_>, pod: &Value, doc: &mut Doc) -> Result<(), Error> {
    doc.names(pod);
    if has(pod, "/spec/priority") {
        doc.field(0, "Priority", &int(pod, "/spec/priority").to_string());
    }
    for (title, at) in [
        ("Priority Class Name", "/spec/priorityClassName"),
        ("Runtime Class Name", "/spec/runtimeClassName"),
        ("Service Account", "/spec/serviceAccountName"),
    ] {
        if !text(pod, at).is_empty() {
            doc.field(0, title, text(pod, at));
        }
    }
    match text(pod, "/spec/nodeName") {
        "" => doc.field(0, "Node", "<none>"),
        node => doc.field(0, "Node", &format!("{node}/{}", text(pod, "/status/hostIP"))),
    }
    if has(pod, "/status/startTime") {
        doc.field(0, "Start Time", &rfc1123(text(pod, "/status/startTime")));
    }
    doc.meta(pod);
    status(k, pod, doc);
    addresses(pod, doc);
    if has(pod, "/spec/resources") {
        doc.line(0, "Resources:");
        doc.resources(at(pod, "/spec/resources"), 1);
    }
    for (title, specs, statuses) in [
        ("Init Containers", "/spec/initContainers", "/status/initContainerStatuses"),
        ("Containers", "/spec/containers", "/status/containerStatuses"),
        ("Ephemeral Containers", "/spec/ephemeralContainers", "/status/ephemeralContainerStatuses"),
    ] {
        if title == "Containers" || !list(pod, specs).is_empty() {
            containers(doc, title, list(pod, specs), list(pod, statuses), Some(pod), "");
        }
    }
    conditions(pod, doc);
    volumes(doc, list(pod, "/spec/volumes"), "");
    doc.field(0, "QoS Class", text(pod, "/status/qosClass"));
    doc.labels("Node-Selectors", at(pod, "/spec/nodeSelector"));
    tolerations(doc, "Tolerations", list(pod, "/spec/tolerations"));
    spread(doc, list(pod, "/spec/topologySpreadConstraints"), "");
    Ok(())
}

fn status(k: &Kube<'_, '_>, pod: &Value, doc: &mut Doc) {
    let phase = text(pod, "/status/phase");
    if has(pod, "/metadata/deletionTimestamp") && phase != "Failed" && phase != "Succeeded" {
        let since = age(text(pod, "/metadata/deletionTimestamp"), k.now());
        doc.field(0, "Status", &format!("Terminating (lasts {since})"));
        doc.field(0, "Termination Grace Period", &format!("{}s", int(pod, "/metadata/deletionGracePeriodSeconds")));
    } else {
        doc.field(0, "Status", phase);
    }
    for (title, at) in [
        ("Reason", "/status/reason"),
        ("Message", "/status/message"),
        ("SeccompProfile", "/spec/securityContext/seccompProfile/type"),
        ("LocalhostProfile", "/spec/securityContext/seccompProfile/localhostProfile"),
    ] {
        if !text(pod, at).is_empty() {
            doc.field(0, title, text(pod, at));
        }
    }
}

fn addresses(pod: &Value, doc: &mut Doc) {
    doc.field(0, "IP", text(pod, "/status/podIP"));
    let ips = list(pod, "/status/podIPs");
    if ips.is_empty() {
        doc.field(0, "IPs", "<none>");
    } else {
        doc.line(0, "IPs:");
    }
    for ip in ips {
        doc.field(1, "IP", text(ip, "/ip"));
    }
    if let Some(owner) = controller(pod) {
        doc.field(0, "Controlled By", &owner);
    }
    if !text(pod, "/status/nominatedNodeName").is_empty() {
        doc.field(0, "NominatedNodeName", text(pod, "/status/nominatedNodeName"));
    }
}

fn conditions(pod: &Value, doc: &mut Doc) {
    let conditions = list(pod, "/status/conditions");
    let gates = list(pod, "/spec/readinessGates");
    if !gates.is_empty() {
        doc.line(0, "Readiness Gates:");
        doc.line(1, "Type\tStatus");
    }
    for gate in gates {
        let kind = text(gate, "/conditionType");
        let status = conditions.iter().find(|c| text(c, "/type") == kind).map_or("<none>", |c| text(c, "/status"));
        doc.line(1, &format!("{kind} \t{status} "));
    }
    if !conditions.is_empty() {
        doc.line(0, "Conditions:");
        doc.line(1, "Type\tStatus");
    }
    for c in conditions {
        doc.line(1, &format!("{} \t{} ", text(c, "/type"), text(c, "/status")));
    }
}
