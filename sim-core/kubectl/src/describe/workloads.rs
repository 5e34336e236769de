//! ReplicaSets, ReplicationControllers, StatefulSets, DaemonSets.

use super::Doc;
use super::doc::{controller, go_list, pairs, quantity, selector};
use super::pod_template::pod_template;
use crate::error::Error;
use crate::json::{at, has, int, list, name, namespace, shown, text};
use crate::session::Kube;
use crate::times::rfc1123;
use serde_json::Value;

/// Running, waiting, succeeded, failed pods of a controller as a line.
fn pods_status(k: &mut Kube<'_, '_>, object: &Value, labels: &str) -> String {
    let path = format!("/api/v1/namespaces/{}/pods", namespace(object));
    let pods = match k.list_of(&path, &[("labelSelector", labels), ("limit", "500")]) {
        Ok(pods) => pods,
        Err(e) => return format!("error in fetching pods: {}", e.text()),
    };
    let uid = text(object, "/metadata/uid");
    let owned = |p: &&Value| list(p, "/metadata/ownerReferences").iter().any(|o| text(o, "/uid") == uid);
    let count = |phase: &str| pods.iter().filter(owned).filter(|p| text(p, "/status/phase") == phase).count();
    let (running, waiting) = (count("Running"), count("Pending"));
    let (succeeded, failed) = (count("Succeeded"), count("Failed"));
    format!("{running} Running / {waiting} Waiting / {succeeded} Succeeded / {failed} Failed")
}

pub fn describe_replica_set(k: &mut Kube<'_, '_>, rs: &Value, doc: &mut Doc) -> Result<(), Error> {
    doc.names(rs);
    let structured = has(rs, "/spec/selector/matchLabels") || has(rs, "/spec/selector/matchExpressions");
    let labels = if structured { selector(at(rs, "/spec/selector")) } else { pairs(at(rs, "/spec/selector")) };
    doc.field(0, "Selector", &labels);
    doc.meta(rs);
    if let Some(owner) = controller(rs) {
        doc.field(0, "Controlled By", &owner);
    }
    let replicas = format!("{} current / {} desired", int(rs, "/status/replicas"), int(rs, "/spec/replicas"));
    doc.field(0, "Replicas", &replicas);
    doc.field(0, "Pods Status", &pods_status(k, rs, &labels));
    pod_template(doc, at(rs, "/spec/template"));
    doc.condition_table(rs);
    Ok(())
}

pub fn describe_stateful_set(k: &mut Kube<'_, '_>, sts: &Value, doc: &mut Doc) -> Result<(), Error> {
    doc.names(sts);
    doc.field(0, "CreationTimestamp", &rfc1123(text(sts, "/metadata/creationTimestamp")));
    let labels = selector(at(sts, "/spec/selector"));
    doc.field(0, "Selector", &labels);
    doc.meta(sts);
    let replicas = format!("{} desired | {} total", int(sts, "/spec/replicas"), int(sts, "/status/replicas"));
    doc.field(0, "Replicas", &replicas);
    doc.field(0, "Update Strategy", text(sts, "/spec/updateStrategy/type"));
    let rolling = at(sts, "/spec/updateStrategy/rollingUpdate");
    if has(rolling, "/partition") {
        doc.field(1, "Partition", &int(rolling, "/partition").to_string());
        if has(rolling, "/maxUnavailable") {
            doc.field(1, "MaxUnavailable", &shown(at(rolling, "/maxUnavailable")));
        }
    }
    doc.field(0, "Pods Status", &pods_status(k, sts, &labels));
    pod_template(doc, at(sts, "/spec/template"));
    claims(doc, list(sts, "/spec/volumeClaimTemplates"));
    Ok(())
}

fn claims(doc: &mut Doc, claims: &[Value]) {
    if claims.is_empty() {
        doc.field(0, "Volume Claims", "<none>");
        return;
    }
    doc.line(0, "Volume Claims:");
    for c in claims {
        doc.field(1, "Name", name(c));
        doc.field(1, "StorageClass", text(c, "/spec/storageClassName"));
        doc.labels("  Labels", at(c, "/metadata/labels"));
        doc.annotations("  Annotations", at(c, "/metadata/annotations"));
        let capacity = at(c, "/spec/resources/requests/storage");
        doc.field(1, "Capacity", &if capacity.is_null() { "<default>".into() } else { quantity(capacity) });
        doc.field(1, "Access Modes", &go_list(list(c, "/spec/accessModes")));
    }
}

pub fn describe_daemon_set(k: &mut Kube<'_, '_>, ds: &Value, doc: &mut Doc) -> Result<(), Error> {
    doc.names(ds);
    let labels = selector(at(ds, "/spec/selector"));
    doc.field(0, "Selector", &labels);
    doc.field(0, "Node-Selector", &pairs(at(ds, "/spec/template/spec/nodeSelector")));
    doc.meta(ds);
    for (title, at) in [
        ("Desired Number of Nodes Scheduled", "/status/desiredNumberScheduled"),
        ("Current Number of Nodes Scheduled", "/status/currentNumberScheduled"),
        ("Number of Nodes Scheduled with Up-to-date Pods", "/status/updatedNumberScheduled"),
        ("Number of Nodes Scheduled with Available Pods", "/status/numberAvailable"),
        ("Number of Nodes Misscheduled", "/status/numberMisscheduled"),
    ] {
        doc.line(0, &format!("{title}: {}", int(ds, at)));
    }
    doc.field(0, "Pods Status", &pods_status(k, ds, &labels));
    pod_template(doc, at(ds, "/spec/template"));
    Ok(())
}
