//! Environment variables and where their values come from.
//!
//! Models: `ValidateEnv`, `ValidateEnvFrom`.

use super::super::checks::{self, text};
use apimachinery::field::{Error, ErrorList, Path};
use apimachinery::names;
use apimachinery::quantity::Quantity;
use k8s_openapi::api::core::v1::{
    EnvFromSource, EnvVar, EnvVarSource, FileKeySelector, ObjectFieldSelector, ResourceFieldSelector,
};

/// Fields a variable may show, sorted.
const FIELDS: [&str; 9] = [
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
    "spec.nodeName",
    "spec.serviceAccountName",
    "status.hostIP",
    "status.hostIPs",
    "status.podIP",
    "status.podIPs",
];
const RESOURCES: [&str; 6] = [
    "limits.cpu",
    "limits.ephemeral-storage",
    "limits.memory",
    "requests.cpu",
    "requests.ephemeral-storage",
    "requests.memory",
];
const ONE_OF: &str =
    "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`";

pub fn variables(env: &[EnvVar], path: &Path, errors: &mut ErrorList) {
    for (i, variable) in env.iter().enumerate() {
        let at = path.index(i);
        let name = variable.name.as_str();
        if name.is_empty() {
            errors.push(Error::required(&at.child("name"), ""));
        } else {
            errors.invalid_each(&at.child("name"), name, names::env_var_name(name));
        }
        if let Some(from) = &variable.value_from {
            value_from(from, !text(&variable.value).is_empty(), &at.child("valueFrom"), errors);
        }
    }
}

fn value_from(from: &EnvVarSource, has_value: bool, path: &Path, errors: &mut ErrorList) {
    let mut count = 0;
    if let Some(field) = &from.field_ref {
        count += 1;
        field_ref(field, &FIELDS, &path.child("fieldRef"), errors);
    }
    if let Some(resource) = &from.resource_field_ref {
        count += 1;
        resource_ref(resource, false, &path.child("resourceFieldRef"), errors);
    }
    if let Some(r) = &from.config_map_key_ref {
        count += 1;
        key_ref(&r.name, &r.key, &path.child("configMapKeyRef"), errors);
    }
    if let Some(r) = &from.secret_key_ref {
        count += 1;
        key_ref(&r.name, &r.key, &path.child("secretKeyRef"), errors);
    }
    if let Some(r) = &from.file_key_ref {
        count += 1;
        file_ref(r, &path.child("fileKeyRef"), errors);
    }
    if count == 0 {
        errors.push(Error::invalid(path, "", ONE_OF));
    } else if has_value {
        errors.push(Error::invalid(path, "", "may not be specified when `value` is not empty"));
    } else if count > 1 {
        errors.push(Error::invalid(path, "", "may not have more than one field specified at a time"));
    }
}

/// `known` must be sorted, as it is listed in the error.
pub fn field_ref(field: &ObjectFieldSelector, known: &[&str], path: &Path, errors: &mut ErrorList) {
    let name = field.field_path.as_str();
    if text(&field.api_version).is_empty() {
        errors.push(Error::required(&path.child("apiVersion"), ""));
        return;
    }
    if name.is_empty() {
        errors.push(Error::required(&path.child("fieldPath"), ""));
        return;
    }
    if let Some((base, key)) = name.strip_suffix("']").and_then(|n| n.split_once("['")) {
        match base {
            "metadata.annotations" => checks::qualified_name(&key.to_lowercase(), path, errors),
            "metadata.labels" => checks::qualified_name(key, path, errors),
            other => errors.push(Error::invalid(path, other, "does not support subscript")),
        }
        return;
    }
    let convertible = FIELDS.contains(&name)
        || matches!(name, "metadata.annotations" | "metadata.labels" | "spec.restartPolicy" | "spec.schedulerName")
        || name == "status.phase";
    if !convertible {
        let why = format!("error converting fieldPath: field label not supported: {name}");
        errors.push(Error::invalid(&path.child("fieldPath"), name, why));
    } else if !known.contains(&name) {
        errors.push(Error::not_supported(&path.child("fieldPath"), name, known));
    }
}

pub fn resource_ref(field: &ResourceFieldSelector, in_volume: bool, path: &Path, errors: &mut ErrorList) {
    let resource = field.resource.as_str();
    let huge = resource.starts_with("limits.hugepages-") || resource.starts_with("requests.hugepages-");
    if in_volume && text(&field.container_name).is_empty() {
        errors.push(Error::required(&path.child("containerName"), ""));
    } else if resource.is_empty() {
        errors.push(Error::required(&path.child("resource"), ""));
    } else if !RESOURCES.contains(&resource) && !huge {
        errors.push(Error::not_supported(&path.child("resource"), resource, &RESOURCES));
    }
    let Some(divisor) = field.divisor.as_ref().map(|d| d.0.as_str()) else { return };
    if Quantity::parse(divisor).is_ok_and(Quantity::is_zero) {
        return;
    }
    let (kind, valid) = match resource {
        "limits.cpu" | "requests.cpu" => ("", matches!(divisor, "1m" | "1")),
        "limits.memory" | "requests.memory" => ("memory", is_size(divisor)),
        "limits.ephemeral-storage" | "requests.ephemeral-storage" => ("local ephemeral storage", is_size(divisor)),
        _ if huge => ("hugepages", is_size(divisor)),
        _ => return,
    };
    if valid {
        return;
    }
    let why = if kind.is_empty() {
        "only divisor's values 1m and 1 are supported with the cpu resource".to_owned()
    } else {
        format!(
            "only divisor's values 1, 1k, 1M, 1G, 1T, 1P, 1E, 1Ki, 1Mi, 1Gi, 1Ti, 1Pi, 1Ei are supported with the {kind} resource"
        )
    };
    errors.push(Error::invalid(&path.child("divisor"), resource, why));
}

fn is_size(divisor: &str) -> bool {
    let unit = divisor.strip_prefix('1');
    unit.is_some_and(|u| matches!(u, "" | "k" | "M" | "G" | "T" | "P" | "E" | "Ki" | "Mi" | "Gi" | "Ti" | "Pi" | "Ei"))
}

fn key_ref(name: &str, key: &str, path: &Path, errors: &mut ErrorList) {
    checks::dns_subdomain(name, &path.child("name"), errors);
    if key.is_empty() {
        errors.push(Error::required(&path.child("key"), ""));
    } else {
        errors.invalid_each(&path.child("key"), key, names::config_map_key(key));
    }
}

fn file_ref(r: &FileKeySelector, path: &Path, errors: &mut ErrorList) {
    if r.key.is_empty() {
        errors.push(Error::required(&path.child("key"), ""));
    } else {
        errors.invalid_each(&path.child("key"), &r.key, names::env_var_name(&r.key));
    }
    if r.volume_name.is_empty() {
        errors.push(Error::required(&path.child("volumeName"), ""));
    } else {
        checks::dns_label(&r.volume_name, &path.child("volumeName"), errors);
    }
    if r.path.is_empty() {
        errors.push(Error::required(&path.child("path"), ""));
    } else {
        checks::no_backsteps(&r.path, &path.child("path"), errors);
    }
}

pub fn sources(env_from: &[EnvFromSource], path: &Path, errors: &mut ErrorList) {
    for (i, source) in env_from.iter().enumerate() {
        let at = path.index(i);
        let prefix = text(&source.prefix);
        if !prefix.is_empty() {
            errors.invalid_each(&at.child("prefix"), prefix, names::env_var_name(prefix));
        }
        let config_map = source.config_map_ref.as_ref().map(|r| ("configMapRef", &r.name));
        let secret = source.secret_ref.as_ref().map(|r| ("secretRef", &r.name));
        for (field, name) in config_map.into_iter().chain(secret) {
            let at = at.child(field);
            if name.is_empty() {
                errors.push(Error::required(&at.child("name"), ""));
            } else {
                let messages = names::check_name(names::dns1123_subdomain, name, true);
                errors.invalid_each(&at.child("name"), name, messages);
            }
        }
        match (config_map, secret) {
            (None, None) => {
                errors.push(Error::invalid(path, "", "must specify one of: `configMapRef` or `secretRef`"));
            }
            (Some(_), Some(_)) => {
                errors.push(Error::invalid(path, "", "may not have more than one field specified at a time"));
            }
            _ => {}
        }
    }
}
