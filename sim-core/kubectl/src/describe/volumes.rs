//! Volumes of pods and persistent volumes.

use super::Doc;
use super::doc::{pairs, quantity};
use crate::json::{at, boolean, has, int, list, members, shown, text};
use serde_json::Value;

/// Member of a volume, and what it is called.
const KINDS: &[(&str, &str)] = &[
    ("hostPath", "HostPath (bare host directory volume)"),
    ("emptyDir", "EmptyDir (a temporary directory that shares a pod's lifetime)"),
    ("secret", "Secret (a volume populated by a Secret)"),
    ("configMap", "ConfigMap (a volume populated by a ConfigMap)"),
    ("persistentVolumeClaim", "PersistentVolumeClaim (a reference to a PersistentVolumeClaim in the same namespace)"),
    ("projected", "Projected (a volume that contains injected data from multiple sources)"),
    ("downwardAPI", "DownwardAPI (a volume populated by information about the pod)"),
    ("nfs", "NFS (an NFS mount that lasts the lifetime of a pod)"),
    ("local", "LocalVolume (a persistent volume backed by local storage on a node)"),
    ("csi", "CSI (a Container Storage Interface (CSI) volume source)"),
    ("image", "Image (a container image or OCI artifact)"),
    ("ephemeral", "EphemeralVolume (an inline specification for a volume that gets created and deleted with the pod)"),
    (
        "iscsi",
        "ISCSI (an ISCSI Disk resource that is attached to a kubelet's host machine and then exposed to the pod)",
    ),
];

pub fn volumes(doc: &mut Doc, volumes: &[Value], space: &str) {
    if volumes.is_empty() {
        doc.line(0, &format!("{space}Volumes:\t<none>"));
        return;
    }
    doc.line(0, &format!("{space}Volumes:"));
    let indent = if space.is_empty() { "" } else { " " };
    for v in volumes {
        doc.line(1, &format!("{indent}{}:", text(v, "/name")));
        source(doc, v);
    }
}

/// The source of a volume, whichever member names it.
pub fn source(doc: &mut Doc, v: &Value) {
    let Some((kind, called, s)) = KINDS.iter().find_map(|(kind, called)| Some((*kind, *called, v.get(kind)?))) else {
        doc.line(1, "<unknown>");
        return;
    };
    doc.field(2, "Type", called);
    let flag = |key: &str| boolean(s, key).to_string();
    let fields: Vec<(&str, String)> = match kind {
        "hostPath" => {
            let kind = if has(s, "/type") { text(s, "/type") } else { "<none>" };
            vec![("Path", text(s, "/path").into()), ("HostPathType", kind.into())]
        }
        "emptyDir" => {
            let limit = if has(s, "/sizeLimit") { quantity(at(s, "/sizeLimit")) } else { "<unset>".into() };
            vec![("Medium", text(s, "/medium").into()), ("SizeLimit", limit)]
        }
        "secret" => vec![("SecretName", text(s, "/secretName").into()), ("Optional", flag("/optional"))],
        "configMap" => vec![("Name", text(s, "/name").into()), ("Optional", flag("/optional"))],
        "persistentVolumeClaim" => vec![("ClaimName", text(s, "/claimName").into()), ("ReadOnly", flag("/readOnly"))],
        "nfs" => vec![
            ("Server", text(s, "/server").into()),
            ("Path", text(s, "/path").into()),
            ("ReadOnly", flag("/readOnly")),
        ],
        "local" => vec![("Path", text(s, "/path").into())],
        "csi" => vec![
            ("Driver", text(s, "/driver").into()),
            ("FSType", text(s, "/fsType").into()),
            ("ReadOnly", flag("/readOnly")),
            ("VolumeAttributes", pairs(at(s, "/volumeAttributes"))),
        ],
        "image" => vec![("Reference", text(s, "/reference").into()), ("PullPolicy", text(s, "/pullPolicy").into())],
        "ephemeral" => vec![("StorageClass", text(s, "/volumeClaimTemplate/spec/storageClassName").into())],
        "downwardAPI" => {
            items(doc, s);
            vec![]
        }
        "projected" => {
            list(s, "/sources").iter().for_each(|s| projected(doc, s));
            vec![]
        }
        _ => Vec::new(),
    };
    for (title, value) in fields {
        doc.field(2, title, &value);
    }
    if kind == "iscsi" {
        for (key, value) in members(s, "").into_iter().filter(|(_, v)| !v.is_object() && !v.is_array()) {
            doc.field(2, key, &shown(value));
        }
    }
}

fn items(doc: &mut Doc, s: &Value) {
    doc.line(2, "Items:");
    for item in list(s, "/items") {
        let from = match text(item, "/fieldRef/fieldPath") {
            "" => text(item, "/resourceFieldRef/resource"),
            path => path,
        };
        doc.line(3, &format!("{from} -> {}", text(item, "/path")));
    }
}

fn projected(doc: &mut Doc, s: &Value) {
    for (key, title) in [("secret", "SecretName"), ("configMap", "ConfigMapName")] {
        if let Some(r) = s.get(key) {
            doc.field(2, title, text(r, "/name"));
            doc.field(2, "Optional", &boolean(r, "/optional").to_string());
        }
    }
    if has(s, "/downwardAPI") {
        doc.field(2, "DownwardAPI", "true");
    }
    if has(s, "/serviceAccountToken") {
        doc.field(2, "TokenExpirationSeconds", &int(s, "/serviceAccountToken/expirationSeconds").to_string());
    }
}
