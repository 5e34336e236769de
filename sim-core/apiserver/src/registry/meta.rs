//! Rules of `metadata`, whatever the kind, on the typed object.
//!
//! Models: apimachinery `pkg/api/validation/objectmeta.go`, with the names of finalizers that core adds.

use super::checks::{self, immutable, json, text};
use apimachinery::field::{Error, ErrorList, Path, quote};
use apimachinery::names::{self, Check};
use apimachinery::order::Order as _;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};

static ROOT: Path<'static> = Path::new("metadata");

/// What every object must satisfy. `name_check`: what a name of this kind looks like.
pub fn validate(meta: &ObjectMeta, namespaced: bool, name_check: Check) -> ErrorList {
    let mut errors = ErrorList::default();
    let prefix = text(&meta.generate_name);
    if !prefix.is_empty() {
        errors.invalid_each(&ROOT.child("generateName"), prefix, names::check_name(name_check, prefix, true));
    }
    let name = text(&meta.name);
    if name.is_empty() {
        errors.push(Error::required(&ROOT.child("name"), "name or generateName is required"));
    } else {
        errors.invalid_each(&ROOT.child("name"), name, name_check(name));
    }
    let namespace = text(&meta.namespace);
    match (namespaced, namespace.is_empty()) {
        (true, true) => errors.push(Error::required(&ROOT.child("namespace"), "")),
        (true, false) => checks::dns_label(namespace, &ROOT.child("namespace"), &mut errors),
        (false, true) => {}
        (false, false) => errors.push(Error::forbidden(&ROOT.child("namespace"), "not allowed on this type")),
    }
    checks::non_negative(meta.generation.unwrap_or(0), &ROOT.child("generation"), &mut errors);
    common(meta, &mut errors);
    let path = ROOT.child("finalizers");
    for name in meta.finalizers.iter().flatten() {
        checks::qualified_name(name, &path, &mut errors);
    }
    let has = |name: &str| meta.finalizers.iter().flatten().any(|f| f == name);
    if has("orphan") && has("foregroundDeletion") {
        let why = "finalizer orphan and foregroundDeletion cannot be both set";
        errors.push(Error::invalid_raw(&path, json(&meta.finalizers), why));
    }
    standard_finalizers(meta, &mut errors);
    errors
}

/// What an update may not do.
pub fn validate_update(new: &ObjectMeta, old: &ObjectMeta) -> ErrorList {
    let mut errors = ErrorList::default();
    if old.deletion_timestamp.is_some() {
        let known = old.finalizers.as_deref().unwrap_or_default();
        let mut extra: Vec<String> =
            new.finalizers.iter().flatten().filter(|f| !known.contains(f)).map(|f| quote(f)).collect();
        extra.order();
        if !extra.is_empty() {
            let why = format!(
                "no new finalizers can be added if the object is being deleted, found new finalizers []string{{{}}}",
                extra.join(", ")
            );
            errors.push(Error::forbidden(&ROOT.child("finalizers"), why));
        }
    }
    if text(&new.resource_version).is_empty() {
        errors.push(Error::invalid(&ROOT.child("resourceVersion"), "", "must be specified for an update"));
    }
    if new.generation.unwrap_or(0) < old.generation.unwrap_or(0) {
        let shown = new.generation.unwrap_or(0);
        errors.push(Error::invalid_raw(&ROOT.child("generation"), shown, "must not be decremented"));
    }
    for (field, new, old) in
        [("name", &new.name, &old.name), ("namespace", &new.namespace, &old.namespace), ("uid", &new.uid, &old.uid)]
    {
        if text(new) != text(old) {
            errors.push(Error::invalid(&ROOT.child(field), text(new), checks::IMMUTABLE));
        }
    }
    immutable(&new.creation_timestamp, &old.creation_timestamp, &ROOT.child("creationTimestamp"), &mut errors);
    immutable(&new.deletion_timestamp, &old.deletion_timestamp, &ROOT.child("deletionTimestamp"), &mut errors);
    let (grace, before) = (&new.deletion_grace_period_seconds, &old.deletion_grace_period_seconds);
    immutable(grace, before, &ROOT.child("deletionGracePeriodSeconds"), &mut errors);
    common(new, &mut errors);
    standard_finalizers(new, &mut errors);
    errors
}

fn common(meta: &ObjectMeta, errors: &mut ErrorList) {
    checks::labels(meta.labels.as_ref(), &ROOT.child("labels"), errors);
    checks::annotations(meta.annotations.as_ref(), &ROOT.child("annotations"), errors);
    owner_references(meta.owner_references.as_deref().unwrap_or_default(), &ROOT.child("ownerReferences"), errors);
}

fn owner_references(references: &[OwnerReference], path: &Path, errors: &mut ErrorList) {
    let mut controller: Option<&OwnerReference> = None;
    for r in references {
        if r.api_version.rsplit('/').next().unwrap_or_default().is_empty() {
            errors.push(Error::invalid(&path.child("apiVersion"), &r.api_version, "version must not be empty"));
        }
        for (field, value) in [("kind", &r.kind), ("name", &r.name), ("uid", &r.uid)] {
            if value.is_empty() {
                errors.push(Error::invalid(&path.child(field), value, "must not be empty"));
            }
        }
        if r.api_version == "v1" && r.kind == "Event" {
            errors.push(Error::invalid_raw(path, json(r), "/v1, Kind=Event is disallowed from being an owner"));
        }
        if r.controller == Some(true) {
            if let Some(first) = controller {
                let why = format!(
                    "Only one reference can have Controller set to true. Found \"true\" in references for {}/{} and {}/{}",
                    first.kind, first.name, r.kind, r.name
                );
                errors.push(Error::invalid_raw(path, json(&references), why));
            } else {
                controller = Some(r);
            }
        }
    }
}

/// A finalizer without a domain must be one that Kubernetes itself knows.
fn standard_finalizers(meta: &ObjectMeta, errors: &mut ErrorList) {
    let path = ROOT.child("finalizers");
    for (i, name) in meta.finalizers.iter().flatten().enumerate() {
        if !name.contains('/') && !matches!(name.as_str(), "kubernetes" | "orphan" | "foregroundDeletion") {
            let why = "name is neither a standard finalizer name nor is it fully qualified";
            errors.push(Error::invalid(&path.index(i), name, why));
        }
    }
}
