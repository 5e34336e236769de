//! Rules that the kinds with a selector and a pod template share.
//!
//! Models: `pkg/apis/apps/validation`.

use super::checks::{self, json, text};
use super::pod_spec;
use crate::selector;
use apimachinery::field::{Error, ErrorList, Path};
use apimachinery::names;
use k8s_openapi::api::core::v1::PodTemplateSpec;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, ObjectMeta};

/// The selector of a Deployment, ReplicaSet or StatefulSet and the template it must match. `kind` as upstream names it
/// in its errors: `deployment`, and `ReplicaSet` for what a template may not have.
pub fn selector_and_template(
    selector: &LabelSelector,
    template: Option<&PodTemplateSpec>,
    kind: &str,
    path: &Path,
    errors: &mut ErrorList,
) {
    let at = path.child("selector");
    // The typed object cannot tell `{}` from nothing; nothing is what learners forget.
    let empty = checks::is_empty_selector(selector);
    if empty {
        errors.push(Error::required(&at, ""));
    } else {
        checks::label_selector(Some(selector), &at, errors);
    }
    let Ok(parsed) = selector::parse(selector) else {
        errors.push(Error::invalid_raw(&at, json(selector), "invalid label selector"));
        return;
    };
    let at = path.child("template");
    let Some(template) = template else {
        errors.push(Error::required(&at, ""));
        return;
    };
    let labels = template.metadata.as_ref().and_then(|m| m.labels.as_ref());
    if empty || !parsed.matches(&labels.map(Labels)) {
        mismatch(template, &at, errors);
    }
    pod_spec::template(template, &at, errors);
    always_restarts(template, kind, &at, errors);
}

/// Labels behind a reference.
struct Labels<'a>(&'a std::collections::BTreeMap<String, String>);

impl apimachinery::labels::LabelSet for Labels<'_> {
    fn label(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str)
    }
}

/// Whether the template's labels are selected.
pub fn selects(selector: &apimachinery::labels::Selector, template: &PodTemplateSpec) -> bool {
    selector.matches(&template.metadata.as_ref().and_then(|m| m.labels.as_ref()).map(Labels))
}

pub fn mismatch(template: &PodTemplateSpec, path: &Path, errors: &mut ErrorList) {
    let labels = template.metadata.as_ref().and_then(|m| m.labels.as_ref());
    let shown = labels.map_or_else(|| "null".to_owned(), json);
    let at = path.child("metadata.labels");
    errors.push(Error::invalid_raw(&at, shown, "`selector` does not match template `labels`"));
}

/// Pods that are replaced when they end must not end by themselves.
pub fn always_restarts(template: &PodTemplateSpec, kind: &str, path: &Path, errors: &mut ErrorList) {
    let Some(spec) = &template.spec else { return };
    let policy = text(&spec.restart_policy);
    if policy != "Always" {
        errors.push(Error::not_supported(&path.child("spec.restartPolicy"), policy, &["Always"]));
    }
    if spec.active_deadline_seconds.is_some() {
        let why = format!("activeDeadlineSeconds in {kind} is not Supported");
        errors.push(Error::forbidden(&path.child("spec.activeDeadlineSeconds"), why));
    }
}

/// Warnings about the template, and about a name that its pods cannot bear well.
pub fn warnings(meta: &ObjectMeta, template: Option<&PodTemplateSpec>) -> Vec<String> {
    let mut out = Vec::new();
    let faults = names::dns1123_label(text(&meta.name));
    if !faults.is_empty() {
        out.push(format!(
            "metadata.name: this is used in Pod names and hostnames, which can result in surprising behavior; a DNS label is recommended: [{}]",
            faults.join(" ")
        ));
    }
    if let Some(spec) = template.and_then(|t| t.spec.as_ref()) {
        out.extend(pod_spec::warnings(spec, &Path::new("spec.template.spec")));
    }
    out
}
