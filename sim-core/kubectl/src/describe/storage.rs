//! PersistentVolumes, PersistentVolumeClaims, StorageClasses.

use super::Doc;
use super::doc::{go_list, pairs, quantity, title_bool};
use super::volumes::source;
use crate::error::Error;
use crate::json::{annotation, at, boolean, has, list, name, namespace, shown, text};
use crate::session::Kube;
use crate::times::age;
use serde_json::Value;

/// `RWO,ROX`.
fn access_modes(modes: &[Value]) -> String {
    let order =
        [("ReadWriteOnce", "RWO"), ("ReadOnlyMany", "ROX"), ("ReadWriteMany", "RWX"), ("ReadWriteOncePod", "RWOP")];
    order.iter().filter(|(m, _)| modes.iter().any(|v| v == m)).map(|(_, s)| *s).collect::<Vec<_>>().join(",")
}

fn phase(k: &Kube<'_, '_>, object: &Value) -> String {
    match text(object, "/metadata/deletionTimestamp") {
        "" => text(object, "/status/phase").to_owned(),
        since => format!("Terminating (lasts {})", age(since, k.now())),
    }
}

fn class(object: &Value) -> &str {
    annotation(object, "volume.beta.kubernetes.io/storage-class")
        .unwrap_or_else(|| text(object, "/spec/storageClassName"))
}

pub fn describe_volume(k: &mut Kube<'_, '_>, pv: &Value, doc: &mut Doc) -> Result<(), Error> {
    doc.field(0, "Name", name(pv));
    doc.meta(pv);
    doc.field(0, "Finalizers", &go_list(list(pv, "/metadata/finalizers")));
    doc.field(0, "StorageClass", class(pv));
    doc.field(0, "Status", &phase(k, pv));
    let claim = match text(pv, "/spec/claimRef/name") {
        "" => String::new(),
        claim => format!("{}/{claim}", text(pv, "/spec/claimRef/namespace")),
    };
    doc.field(0, "Claim", &claim);
    doc.field(0, "Reclaim Policy", text(pv, "/spec/persistentVolumeReclaimPolicy"));
    doc.field(0, "Access Modes", &access_modes(list(pv, "/spec/accessModes")));
    if has(pv, "/spec/volumeMode") {
        doc.field(0, "VolumeMode", text(pv, "/spec/volumeMode"));
    }
    doc.field(0, "Capacity", &quantity(at(pv, "/spec/capacity/storage")));
    node_affinity(doc, at(pv, "/spec/nodeAffinity"));
    doc.field(0, "Message", text(pv, "/status/message"));
    doc.line(0, "Source:");
    source(doc, at(pv, "/spec"));
    Ok(())
}

fn node_affinity(doc: &mut Doc, affinity: &Value) {
    if affinity.is_null() {
        doc.field(0, "Node Affinity", "<none>");
        return;
    }
    doc.line(0, "Node Affinity:");
    doc.line(1, "Required Terms:");
    for (i, term) in list(affinity, "/required/nodeSelectorTerms").iter().enumerate() {
        let lead = format!("    Term {i}:");
        for (j, e) in list(term, "/matchExpressions").iter().enumerate() {
            let lead = if j == 0 { lead.as_str() } else { "" };
            let values: Vec<String> = list(e, "/values").iter().map(shown).collect();
            let (key, operator) = (text(e, "/key"), text(e, "/operator").to_lowercase());
            doc.line(0, &format!("{lead}\t{key} {operator} [{}]", values.join(", ")));
        }
    }
}

pub fn describe_claim(k: &mut Kube<'_, '_>, pvc: &Value, doc: &mut Doc) -> Result<(), Error> {
    doc.names(pvc);
    doc.field(0, "StorageClass", class(pvc));
    doc.field(0, "Status", &phase(k, pvc));
    let volume = text(pvc, "/spec/volumeName");
    doc.field(0, "Volume", volume);
    doc.meta(pvc);
    doc.field(0, "Finalizers", &go_list(list(pvc, "/metadata/finalizers")));
    let bound = !volume.is_empty();
    doc.field(0, "Capacity", &if bound { quantity(at(pvc, "/status/capacity/storage")) } else { String::new() });
    doc.field(0, "Access Modes", &if bound { access_modes(list(pvc, "/status/accessModes")) } else { String::new() });
    if has(pvc, "/spec/volumeMode") {
        doc.field(0, "VolumeMode", text(pvc, "/spec/volumeMode"));
    }
    if has(pvc, "/spec/dataSource") {
        doc.line(0, "DataSource:");
        for (title, key) in [("APIGroup", "/apiGroup"), ("Kind", "/kind"), ("Name", "/name")] {
            if has(pvc, &format!("/spec/dataSource{key}")) {
                doc.field(1, title, text(pvc, &format!("/spec/dataSource{key}")));
            }
        }
    }
    used_by(k, pvc, doc);
    Ok(())
}

fn used_by(k: &mut Kube<'_, '_>, pvc: &Value, doc: &mut Doc) {
    let pods = k.list_of(&format!("/api/v1/namespaces/{}/pods", namespace(pvc)), &[]).unwrap_or_default();
    let uses =
        |p: &&Value| list(p, "/spec/volumes").iter().any(|v| text(v, "/persistentVolumeClaim/claimName") == name(pvc));
    let names: Vec<&str> = pods.iter().filter(uses).map(name).collect();
    doc.write("Used By:\t");
    if names.is_empty() {
        doc.write("<none>\n");
    }
    for (i, pod) in names.iter().enumerate() {
        doc.write(&format!("{}{pod}\n", if i > 0 { "\t" } else { "" }));
    }
}

pub fn describe_class(_: &mut Kube<'_, '_>, sc: &Value, doc: &mut Doc) -> Result<(), Error> {
    let is_default = annotation(sc, "storageclass.kubernetes.io/is-default-class") == Some("true");
    doc.field(0, "Name", name(sc));
    doc.field(0, "IsDefaultClass", if is_default { "Yes" } else { "No" });
    doc.field(0, "Annotations", &pairs(at(sc, "/metadata/annotations")));
    doc.field(0, "Provisioner", text(sc, "/provisioner"));
    doc.field(0, "Parameters", &pairs(at(sc, "/parameters")));
    let expansion =
        if has(sc, "/allowVolumeExpansion") { title_bool(boolean(sc, "/allowVolumeExpansion")) } else { "<unset>" };
    doc.field(0, "AllowVolumeExpansion", expansion);
    let options = list(sc, "/mountOptions");
    doc.line(0, if options.is_empty() { "MountOptions:\t<none>" } else { "MountOptions:" });
    for option in options {
        doc.line(1, &shown(option));
    }
    for (title, key) in [("ReclaimPolicy", "/reclaimPolicy"), ("VolumeBindingMode", "/volumeBindingMode")] {
        if has(sc, key) {
            doc.field(0, title, text(sc, key));
        }
    }
    Ok(())
}
