//! Volumes, and how containers mount them.
//!
//! Models: `ValidateVolumes`, `ValidateVolumeMounts`, `ValidateVolumeDevices`. Of the sources that need a cloud only
//! their number is checked: nothing in the simulation could mount them.

use super::super::checks::{self, text};
use super::super::volumes::sources;
use super::{Scope, env, pull_policy};
use apimachinery::field::{Error, ErrorList, Path};
use apimachinery::quantity::Quantity;
use k8s_openapi::api::core::v1::{
    Container, DownwardAPIVolumeFile, KeyToPath, PersistentVolumeClaimTemplate, ProjectedVolumeSource, Volume,
    VolumeMount,
};

/// Fields a file may show, sorted.
const FIELDS: [&str; 5] =
    ["metadata.annotations", "metadata.labels", "metadata.name", "metadata.namespace", "metadata.uid"];
/// Sorted; the empty one first.
const HOST_PATH_TYPES: [&str; 8] =
    ["", "BlockDevice", "CharDevice", "Directory", "DirectoryOrCreate", "File", "FileOrCreate", "Socket"];
const TOKEN_SECONDS_MAX: i64 = 1 << 32;

/// Returns the volumes that are in order: what mounts may name.
pub fn validate<'a>(list: &'a [Volume], scope: &Scope<'_>, path: &Path, errors: &mut ErrorList) -> Vec<&'a Volume> {
    let mut good: Vec<&Volume> = Vec::with_capacity(list.len());
    for (i, volume) in list.iter().enumerate() {
        let at = path.index(i);
        let before = errors.0.len();
        source(volume, scope, &at, errors);
        if volume.name.is_empty() {
            errors.push(Error::required(&at.child("name"), ""));
        } else {
            checks::dns_label(&volume.name, &at.child("name"), errors);
        }
        if good.iter().any(|v| v.name == volume.name) {
            errors.push(Error::duplicate(&at.child("name"), &volume.name));
        }
        if errors.0.len() == before {
            good.push(volume);
        }
        let claim = volume.persistent_volume_claim.as_ref().map(|c| c.claim_name.as_str());
        if let (Some(claim), false) = (claim, scope.pod_name.is_empty()) {
            let made = |v: &Volume| v.ephemeral.is_some() && claim == format!("{}-{}", scope.pod_name, v.name);
            if list.iter().any(made) {
                let why = "must not reference a PVC that gets created for an ephemeral volume";
                let at = at.child("persistentVolumeClaim");
                errors.push(Error::invalid(&at.child("claimName"), claim, why));
            }
        }
    }
    good
}

fn source(v: &Volume, scope: &Scope<'_>, path: &Path, errors: &mut ErrorList) {
    let negative = |q: &str| Quantity::parse(q).is_ok_and(|q| q.sign() < 0);
    if let Some(limit) = v.empty_dir.as_ref().and_then(|e| e.size_limit.as_ref())
        && negative(&limit.0)
    {
        let why = "SizeLimit field must be a valid resource quantity";
        errors.push(Error::forbidden(&path.child("emptyDir").child("sizeLimit"), why));
    }
    let mut all = sources(v);
    let Some(first) = all.next() else {
        errors.push(Error::required(path, "must specify a volume type"));
        return;
    };
    one_source(v, first, scope, path, errors);
    for name in all {
        errors.push(Error::forbidden(&path.child(name), "may not specify more than 1 volume type"));
    }
}

fn one_source(v: &Volume, which: &str, scope: &Scope<'_>, path: &Path, errors: &mut ErrorList) {
    let at = path.child(if which == "downwarAPI" { "downwardAPI" } else { which });
    let required = |field: &str, value: &str, errors: &mut ErrorList| {
        if value.is_empty() {
            errors.push(Error::required(&at.child(field), ""));
        }
    };
    match which {
        "hostPath" => {
            let Some(host) = &v.host_path else { return };
            if host.path.is_empty() {
                errors.push(Error::required(&at.child("path"), ""));
                return;
            }
            checks::no_backsteps(&host.path, &at.child("path"), errors);
            let kind = text(&host.type_);
            if !HOST_PATH_TYPES.contains(&kind) {
                errors.push(Error::not_supported(&at.child("type"), kind, &HOST_PATH_TYPES));
            }
        }
        "secret" => {
            let Some(s) = &v.secret else { return };
            required("secretName", text(&s.secret_name), errors);
            checks::file_mode(s.default_mode, &at.child("defaultMode"), errors);
            key_paths(s.items.as_deref(), &at.child("items"), errors);
        }
        "configMap" => {
            let Some(c) = &v.config_map else { return };
            required("name", &c.name, errors);
            checks::file_mode(c.default_mode, &at.child("defaultMode"), errors);
            key_paths(c.items.as_deref(), &at.child("items"), errors);
        }
        "persistentVolumeClaim" => {
            required("claimName", v.persistent_volume_claim.as_ref().map_or("", |c| &c.claim_name), errors);
        }
        "nfs" => {
            let Some(nfs) = &v.nfs else { return };
            required("server", &nfs.server, errors);
            required("path", &nfs.path, errors);
            if !nfs.path.is_empty() && !nfs.path.starts_with('/') {
                errors.push(Error::invalid(&at.child("path"), &nfs.path, "must be an absolute path"));
            }
        }
        "downwarAPI" => {
            let Some(d) = &v.downward_api else { return };
            checks::file_mode(d.default_mode, &at.child("defaultMode"), errors);
            for file in d.items.iter().flatten() {
                downward_file(file, &at, errors);
            }
        }
        "projected" => {
            if let Some(p) = &v.projected {
                checks::file_mode(p.default_mode, &at.child("defaultMode"), errors);
                projected(p, &at, errors);
            }
        }
        "csi" => required("driver", v.csi.as_ref().map_or("", |c| &c.driver), errors),
        "ephemeral" => {
            let template = v.ephemeral.as_ref().and_then(|e| e.volume_claim_template.as_ref());
            ephemeral(v, template, scope, path, errors);
        }
        "image" => {
            let Some(image) = &v.image else { return };
            if scope.is_pod {
                required("reference", text(&image.reference), errors);
            }
            pull_policy(text(&image.pull_policy), &at.child("pullPolicy"), errors);
        }
        _ => {}
    }
}

fn ephemeral(
    v: &Volume,
    template: Option<&PersistentVolumeClaimTemplate>,
    scope: &Scope<'_>,
    path: &Path,
    errors: &mut ErrorList,
) {
    let ephemeral = path.child("ephemeral");
    let at = ephemeral.child("volumeClaimTemplate");
    match template {
        None => errors.push(Error::required(&at, "")),
        Some(template) => {
            let meta = at.child("metadata");
            if let Some(m) = &template.metadata {
                checks::annotations(m.annotations.as_ref(), &meta.child("annotations"), errors);
                checks::labels(m.labels.as_ref(), &meta.child("labels"), errors);
            }
            if template.spec.access_modes.as_ref().is_none_or(Vec::is_empty) {
                let why = "at least 1 access mode is required";
                errors.push(Error::required(&at.child("spec").child("accessModes"), why));
            }
            let requests = template.spec.resources.as_ref().and_then(|r| r.requests.as_ref());
            if requests.is_none_or(|r| !r.contains_key("storage")) {
                let spec = at.child("spec");
                errors.push(Error::required(&spec.child("resources").key("storage"), ""));
            }
        }
    }
    if !scope.pod_name.is_empty() && !v.name.is_empty() {
        let claim = format!("{}-{}", scope.pod_name, v.name);
        for message in apimachinery::names::dns1123_subdomain(&claim) {
            errors.push(Error::invalid(&path.child("name"), &v.name, format!("PVC name \"{claim}\": {message}")));
        }
    }
}

fn key_paths(items: Option<&[KeyToPath]>, path: &Path, errors: &mut ErrorList) {
    for (i, item) in items.into_iter().flatten().enumerate() {
        let at = path.index(i);
        if item.key.is_empty() {
            errors.push(Error::required(&at.child("key"), ""));
        }
        if item.path.is_empty() {
            errors.push(Error::required(&at.child("path"), ""));
        }
        checks::unreserved_path(&item.path, &at.child("path"), errors);
        checks::file_mode(item.mode, &at.child("mode"), errors);
    }
}

fn downward_file(file: &DownwardAPIVolumeFile, path: &Path, errors: &mut ErrorList) {
    if file.path.is_empty() {
        errors.push(Error::required(&path.child("path"), ""));
    }
    checks::unreserved_path(&file.path, &path.child("path"), errors);
    match (&file.field_ref, &file.resource_field_ref) {
        (Some(field), other) => {
            env::field_ref(field, &FIELDS, &path.child("fieldRef"), errors);
            if other.is_some() {
                let why = "fieldRef and resourceFieldRef can not be specified simultaneously";
                errors.push(Error::invalid(path, "resource", why));
            }
        }
        (None, Some(resource)) => env::resource_ref(resource, true, &path.child("resourceFieldRef"), errors),
        (None, None) => errors.push(Error::required(path, "one of fieldRef and resourceFieldRef is required")),
    }
    checks::file_mode(file.mode, &path.child("mode"), errors);
}

fn projected<'a>(p: &'a ProjectedVolumeSource, path: &Path, errors: &mut ErrorList) {
    let mut seen: Vec<&'a str> = Vec::new();
    let mut once = |file: &'a str, shown: &str, errors: &mut ErrorList| {
        if seen.contains(&file) {
            errors.push(Error::invalid(path, shown, "conflicting duplicate paths"));
        } else if !file.is_empty() {
            seen.push(file);
        }
    };
    let list = path.child("sources");
    for (i, source) in p.sources.iter().flatten().enumerate() {
        let at = list.index(i);
        let mut count = 0;
        let secret = source.secret.as_ref().map(|s| ("secret", &s.name, s.items.as_deref()));
        let config_map = source.config_map.as_ref().map(|c| ("configMap", &c.name, c.items.as_deref()));
        for (field, name, items) in secret.into_iter().chain(config_map) {
            count += 1;
            let at = at.child(field);
            if name.is_empty() {
                errors.push(Error::required(&at.child("name"), ""));
            }
            key_paths(items, &at.child("items"), errors);
            for item in items.into_iter().flatten() {
                once(&item.path, name, errors);
            }
        }
        if let Some(downward) = &source.downward_api {
            count += 1;
            for file in downward.items.iter().flatten() {
                downward_file(file, &at.child("downwardAPI"), errors);
                once(&file.path, &file.path, errors);
            }
        }
        if let Some(token) = &source.service_account_token {
            count += 1;
            let at = at.child("serviceAccountToken");
            let seconds = token.expiration_seconds.unwrap_or(0);
            if seconds < 600 {
                let why = "may not specify a duration less than 10 minutes";
                errors.push(Error::invalid_raw(&at.child("expirationSeconds"), seconds, why));
            }
            if seconds > TOKEN_SECONDS_MAX {
                let why = "may not specify a duration larger than 2^32 seconds";
                errors.push(Error::invalid_raw(&at.child("expirationSeconds"), seconds, why));
            }
            if token.path.is_empty() {
                errors.push(Error::required(&path.child("path"), ""));
            } else {
                checks::unreserved_path(&token.path, &path.child("path"), errors);
            }
        }
        count += usize::from(source.cluster_trust_bundle.is_some()) + usize::from(source.pod_certificate.is_some());
        if count > 1 {
            errors.push(Error::forbidden(&at, "may not specify more than 1 volume type per source"));
        }
    }
}

/// `known`: the volumes that are in order.
pub fn mounts(c: &Container, known: &[&Volume], path: &Path, errors: &mut ErrorList) {
    let list = c.volume_mounts.as_deref().unwrap_or_default();
    let devices = c.volume_devices.as_deref().unwrap_or_default();
    for (i, mount) in list.iter().enumerate() {
        let at = path.index(i);
        if mount.name.is_empty() {
            errors.push(Error::required(&at.child("name"), ""));
        }
        if !known.iter().any(|v| v.name == mount.name) {
            errors.push(Error::not_found(&at.child("name"), &mount.name));
        }
        if mount.mount_path.is_empty() {
            errors.push(Error::required(&at.child("mountPath"), ""));
        }
        if list[..i].iter().any(|m| m.mount_path == mount.mount_path) {
            errors.push(Error::invalid(&at.child("mountPath"), &mount.mount_path, "must be unique"));
        }
        if devices.iter().any(|d| d.name == mount.name) {
            let why = "must not already exist in volumeDevices";
            errors.push(Error::invalid(&at.child("name"), &mount.name, why));
        }
        if devices.iter().any(|d| d.device_path == mount.mount_path) {
            let why = "must not already exist as a path in volumeDevices";
            errors.push(Error::invalid(&at.child("mountPath"), &mount.mount_path, why));
        }
        // Upstream names the list, not the item, in what follows.
        let (sub, expression) = (text(&mount.sub_path), text(&mount.sub_path_expr));
        if !sub.is_empty() {
            checks::descending_path(sub, &path.child("subPath"), errors);
        }
        if !expression.is_empty() {
            if !sub.is_empty() {
                let why = "subPathExpr and subPath are mutually exclusive";
                errors.push(Error::invalid(&at.child("subPathExpr"), expression, why));
            }
            checks::descending_path(expression, &path.child("subPathExpr"), errors);
        }
        propagation(c, mount, path, errors);
    }
}

fn propagation(c: &Container, mount: &VolumeMount, path: &Path, errors: &mut ErrorList) {
    let mode = mount.mount_propagation.as_deref();
    if let Some(mode) = mode {
        let at = path.child("mountPropagation");
        checks::one_of_if_set(mode, &["Bidirectional", "HostToContainer", "None"], &at, errors);
        let privileged = c.security_context.as_ref().is_some_and(|s| s.privileged == Some(true));
        if mode == "Bidirectional" && !privileged {
            let why = "Bidirectional mount propagation is available only to privileged containers";
            errors.push(Error::forbidden(&at, why));
        }
    }
    let at = path.child("recursiveReadOnly");
    match mount.recursive_read_only.as_deref() {
        None | Some("Disabled") => {}
        Some("Enabled" | "IfPossible") => {
            if mount.read_only != Some(true) {
                errors.push(Error::forbidden(&at, "may only be specified when readOnly is true"));
            }
            if mode.is_some_and(|m| m != "None") {
                let why = "may only be specified when mountPropagation is None or not specified";
                errors.push(Error::forbidden(&at, why));
            }
        }
        Some(other) => {
            errors.push(Error::not_supported(&at, other, &["Disabled", "Enabled", "IfPossible"]));
        }
    }
}

pub fn devices(c: &Container, known: &[&Volume], path: &Path, errors: &mut ErrorList) {
    let list = c.volume_devices.as_deref().unwrap_or_default();
    let mounts = c.volume_mounts.as_deref().unwrap_or_default();
    for (i, device) in list.iter().enumerate() {
        let at = path.index(i);
        let (name, file) = (device.name.as_str(), device.device_path.as_str());
        let volume = known.iter().find(|v| v.name == name);
        if name.is_empty() {
            errors.push(Error::required(&at.child("name"), ""));
        }
        if list[..i].iter().any(|d| d.name == name) {
            errors.push(Error::invalid(&at.child("name"), name, "must be unique"));
        }
        match volume {
            None => errors.push(Error::not_found(&at.child("name"), name)),
            Some(v) if v.persistent_volume_claim.is_none() && v.ephemeral.is_none() => {
                let why = "can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode";
                errors.push(Error::invalid(&at.child("name"), name, why));
            }
            Some(_) => {}
        }
        if file.is_empty() {
            errors.push(Error::required(&at.child("devicePath"), ""));
        }
        if list[..i].iter().any(|d| d.device_path == file) {
            errors.push(Error::invalid(&at.child("devicePath"), file, "must be unique"));
        }
        if file.split('/').any(|part| part == "..") {
            errors.push(Error::invalid(&at.child("devicePath"), file, "can not contain backsteps ('..')"));
        }
        if mounts.iter().any(|m| m.name == name) {
            let why = "must not already exist in volumeMounts";
            errors.push(Error::invalid(&at.child("name"), name, why));
        }
        if mounts.iter().any(|m| m.mount_path == file) {
            let why = "must not already exist as a path in volumeMounts";
            errors.push(Error::invalid(&at.child("devicePath"), file, why));
        }
    }
}
