//! How lists and maps of the built-in kinds merge: the `listType`, `listMapKey` and `mapType` of the API types.

use serde_json::{Map, Value};

/// How a field's value is owned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Merge {
    /// As a whole: scalars, and lists and maps that are replaced.
    Atomic,
    /// Field by field.
    Granular,
    /// A list of scalars, each owned for itself.
    Set,
    /// A list of objects told apart by these fields.
    ByKey(&'static [&'static str]),
}

/// `parent` is the field above (or above the list); empty at the root.
pub fn merge_of(parent: &str, field: &str, value: &Value) -> Merge {
    match value {
        Value::Object(_) if atomic_map(field) => Merge::Atomic,
        Value::Object(_) => Merge::Granular,
        Value::Array(_) => list(parent, field),
        _ => Merge::Atomic,
    }
}

fn atomic_map(field: &str) -> bool {
    matches!(
        field,
        "selector"
            | "nodeSelector"
            | "labelSelector"
            | "namespaceSelector"
            | "podSelector"
            | "objectSelector"
            | "configMapKeyRef"
            | "secretKeyRef"
            | "fieldRef"
            | "resourceFieldRef"
            | "secretRef"
            | "dataSource"
            | "targetRef"
            | "involvedObject"
            | "scaleTargetRef"
            | "roleRef"
            | "requiredDuringSchedulingIgnoredDuringExecution"
    )
}

fn list(parent: &str, field: &str) -> Merge {
    match (parent, field) {
        ("metadata", "finalizers") | (_, "podCIDRs") => Merge::Set,
        ("metadata", "ownerReferences") => Merge::ByKey(&["uid"]),
        ("containers" | "initContainers" | "ephemeralContainers", "ports") => {
            Merge::ByKey(&["containerPort", "protocol"])
        }
        ("spec", "ports") => Merge::ByKey(&["port", "protocol"]),
        (
            _,
            "containers"
            | "initContainers"
            | "ephemeralContainers"
            | "env"
            | "volumes"
            | "imagePullSecrets"
            | "secrets"
            | "schedulingGates"
            | "resourceClaims"
            | "claims",
        ) => Merge::ByKey(&["name"]),
        (_, "volumeMounts") => Merge::ByKey(&["mountPath"]),
        (_, "volumeDevices") => Merge::ByKey(&["devicePath"]),
        (_, "hostAliases" | "podIPs") => Merge::ByKey(&["ip"]),
        (_, "topologySpreadConstraints") => Merge::ByKey(&["topologyKey", "whenUnsatisfiable"]),
        (_, "conditions" | "addresses") => Merge::ByKey(&["type"]),
        _ => Merge::Atomic,
    }
}

/// Structs that Go's types always have, even in an empty object: nobody owns their bare existence.
pub fn always_there(field: &str) -> bool {
    matches!(
        field,
        "metadata"
            | "spec"
            | "status"
            | "strategy"
            | "updateStrategy"
            | "template"
            | "jobTemplate"
            | "loadBalancer"
            | "containers"
    )
}

/// The step of a path that leads to an element of a list: `k:{"name":"web"}`, `v:"x"`.
pub fn element_step(merge: Merge, element: &Value) -> String {
    let Merge::ByKey(keys) = merge else { return format!("v:{element}") };
    let mut map = Map::new();
    for key in keys {
        match element.get(*key) {
            Some(value) => map.insert((*key).to_owned(), value.clone()),
            // The one key with a default.
            None if *key == "protocol" => map.insert((*key).to_owned(), "TCP".into()),
            None => None,
        };
    }
    format!("k:{}", Value::Object(map))
}
