//! What every object's `metadata` must satisfy, whatever its kind.
//!
//! Models: apimachinery `pkg/api/validation/objectmeta.go`, `pkg/apis/meta/v1/validation`.

use crate::field::{Error, ErrorList, Path};
use crate::names::{self, ANNOTATIONS_BYTES_MAX, Check};
use crate::order::Order as _;
use serde_json::Value;

/// Checks an object's metadata as every create does: name or generateName, namespace, labels, annotations, owner
/// references, finalizers. `namespaced`: the kind lives in a namespace. `path` is usually `metadata`.
pub fn validate(metadata: &Value, namespaced: bool, name_check: Check, path: &Path) -> ErrorList {
    let mut errors = ErrorList::default();
    let text = |field: &str| metadata.get(field).and_then(Value::as_str).unwrap_or_default();
    let check = |errors: &mut ErrorList, field: &str, faults: Vec<String>| {
        errors.extend(faults.into_iter().map(|fault| Error::invalid(&path.child(field), text(field), fault)));
    };
    if !text("generateName").is_empty() {
        check(&mut errors, "generateName", names::check_name(name_check, text("generateName"), true));
    }
    if text("name").is_empty() {
        errors.push(Error::required(&path.child("name"), "name or generateName is required"));
    } else {
        check(&mut errors, "name", names::check_name(name_check, text("name"), false));
    }
    match (namespaced, text("namespace")) {
        (true, "") => errors.push(Error::required(&path.child("namespace"), "")),
        (true, namespace) => check(&mut errors, "namespace", names::dns1123_label(namespace)),
        (false, "") => {}
        (false, _) => errors.push(Error::forbidden(&path.child("namespace"), "not allowed on this type")),
    }
    if let Some(generation) = metadata.get("generation").and_then(Value::as_i64).filter(|g| *g < 0) {
        let detail = "must be greater than or equal to 0";
        errors.push(Error::invalid_raw(&path.child("generation"), generation, detail));
    }
    errors.extend(validate_labels(&metadata["labels"], &path.child("labels")).0);
    errors.extend(validate_annotations(&metadata["annotations"], &path.child("annotations")).0);
    errors.extend(validate_owner_references(&metadata["ownerReferences"], &path.child("ownerReferences")).0);
    errors.extend(validate_finalizers(&metadata["finalizers"], &path.child("finalizers")).0);
    errors
}

/// Checks what an update may not change. Both are `metadata` objects.
pub fn validate_update(new: &Value, old: &Value, path: &Path) -> ErrorList {
    let mut errors = ErrorList::default();
    if !old["deletionTimestamp"].is_null() {
        let known: Vec<&str> = texts(&old["finalizers"]).collect();
        let mut extra: Vec<&str> = texts(&new["finalizers"]).filter(|f| !known.contains(f)).collect();
        extra.order();
        if !extra.is_empty() {
            let list: Vec<String> = extra.iter().map(|f| crate::field::quote(f)).collect();
            let detail = format!(
                "no new finalizers can be added if the object is being deleted, found new finalizers []string{{{}}}",
                list.join(", ")
            );
            errors.push(Error::forbidden(&path.child("finalizers"), detail));
        }
    }
    if new["resourceVersion"].as_str().unwrap_or_default().is_empty() {
        errors.push(Error::invalid(&path.child("resourceVersion"), "", "must be specified for an update"));
    }
    let generation = |metadata: &Value| metadata["generation"].as_i64().unwrap_or(0);
    if generation(new) < generation(old) {
        let detail = "must not be decremented";
        errors.push(Error::invalid_raw(&path.child("generation"), generation(new), detail));
    }
    for field in ["name", "namespace", "uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds"] {
        let empty = |v: &Value| v.is_null() || v.as_str() == Some("");
        if new[field] != old[field] && !(empty(&new[field]) && empty(&old[field])) {
            errors.push(Error::invalid_raw(&path.child(field), &new[field], "field is immutable"));
        }
    }
    errors.extend(validate_labels(&new["labels"], &path.child("labels")).0);
    errors.extend(validate_annotations(&new["annotations"], &path.child("annotations")).0);
    errors.extend(validate_owner_references(&new["ownerReferences"], &path.child("ownerReferences")).0);
    errors
}

/// Checks labels: keys and values.
pub fn validate_labels(labels: &Value, path: &Path) -> ErrorList {
    let mut errors = ErrorList::default();
    for (key, value) in labels.as_object().into_iter().flatten() {
        errors.extend(names::qualified_name(key).into_iter().map(|fault| Error::invalid(path, key, fault)));
        let value = value.as_str().unwrap_or_default();
        errors.extend(names::label_value(value).into_iter().map(|fault| Error::invalid(path, value, fault)));
    }
    errors
}

/// Checks annotations: keys (in any case) and the size of all together.
pub fn validate_annotations(annotations: &Value, path: &Path) -> ErrorList {
    let mut errors = ErrorList::default();
    let mut bytes = 0;
    for (key, value) in annotations.as_object().into_iter().flatten() {
        let faults = names::qualified_name(&key.to_lowercase());
        errors.extend(faults.into_iter().map(|fault| Error::invalid(path, key, fault)));
        bytes += key.len() + value.as_str().map_or(0, str::len);
    }
    if bytes > ANNOTATIONS_BYTES_MAX {
        errors.push(Error::too_long(path, ANNOTATIONS_BYTES_MAX));
    }
    errors
}

fn validate_owner_references(references: &Value, path: &Path) -> ErrorList {
    let mut errors = ErrorList::default();
    let mut controller: Option<String> = None;
    for reference in references.as_array().into_iter().flatten() {
        let text = |field: &str| reference[field].as_str().unwrap_or_default();
        let api_version = text("apiVersion");
        let empty = |field: &str| Error::invalid(&path.child(field), text(field), "must not be empty");
        if api_version.rsplit('/').next().unwrap_or_default().is_empty() {
            errors.push(Error::invalid(&path.child("apiVersion"), api_version, "version must not be empty"));
        }
        errors.extend(["kind", "name", "uid"].into_iter().filter(|f| text(f).is_empty()).map(empty));
        if (api_version, text("kind")) == ("v1", "Event") {
            errors.push(Error::invalid_raw(path, reference, "/v1, Kind=Event is disallowed from being an owner"));
        }
        if reference["controller"] == true {
            let name = format!("{}/{}", text("kind"), text("name"));
            match &controller {
                Some(first) => {
                    let detail = format!(
                        "Only one reference can have Controller set to true. Found \"true\" in references for {first} and {name}"
                    );
                    errors.push(Error::invalid_raw(path, references, detail));
                }
                None => controller = Some(name),
            }
        }
    }
    errors
}

fn validate_finalizers(finalizers: &Value, path: &Path) -> ErrorList {
    let mut errors = ErrorList::default();
    for name in texts(finalizers) {
        errors.extend(names::qualified_name(name).into_iter().map(|fault| Error::invalid(path, name, fault)));
    }
    let has = |name: &str| texts(finalizers).any(|f| f == name);
    if has("orphan") && has("foregroundDeletion") {
        let detail = "finalizer foregroundDeletion and orphan cannot be both set";
        errors.push(Error::invalid_raw(path, finalizers, detail));
    }
    errors
}

fn texts(list: &Value) -> impl Iterator<Item = &str> {
    list.as_array().into_iter().flatten().filter_map(Value::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(metadata: Value, expected: &[&str]) {
        let errors = validate(&metadata, true, names::dns1123_label, &Path::new("metadata"));
        assert_eq!(errors.0.len(), expected.len(), "{}", errors.aggregate());
        for (error, part) in errors.0.iter().zip(expected) {
            assert!(error.to_string().contains(part), "{error}");
        }
    }

    #[test]
    fn create() {
        check(json!({"name": "web", "namespace": "default", "labels": {"a": "b"}}), &[]);
        check(
            json!({}),
            &["metadata.name: Required value: name or generateName is required", "metadata.namespace: Required value"],
        );
        check(
            json!({"name": "Web", "namespace": "default"}),
            &["metadata.name: Invalid value: \"Web\": a lowercase RFC 1123 label"],
        );
        check(
            json!({"name": "web", "namespace": "x", "labels": {"a b": "-"}}),
            &["name part must consist", "metadata.labels: Invalid value: \"-\""],
        );
        check(
            json!({"name": "web", "namespace": "x", "finalizers": ["orphan", "foregroundDeletion"]}),
            &["cannot be both set"],
        );
    }

    #[test]
    fn update() {
        let path = Path::new("metadata");
        let old = json!({"name": "a", "uid": "1", "resourceVersion": "5", "deletionTimestamp": "t"});
        let new = json!({"name": "b", "uid": "1", "deletionTimestamp": "t", "finalizers": ["x/y"]});
        let shown = validate_update(&new, &old, &path).aggregate();
        for part in [
            "found new finalizers []string{\"x/y\"}",
            "must be specified for an update",
            "metadata.name: Invalid value: \"b\": field is immutable",
        ] {
            assert!(shown.contains(part), "{shown}");
        }
    }
}
