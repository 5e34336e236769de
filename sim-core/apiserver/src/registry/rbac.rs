//! Rules that roles and bindings share.
//!
//! Models: `pkg/apis/rbac/validation`.

use super::checks::{self, text};
use apimachinery::field::{Error, ErrorList, Path};
use k8s_openapi::api::rbac::v1::{PolicyRule, RoleRef, Subject};

const GROUP: &str = "rbac.authorization.k8s.io";

pub fn rules(list: &[PolicyRule], namespaced: bool, path: &Path, errors: &mut ErrorList) {
    let empty = |list: &Option<Vec<String>>| list.as_ref().is_none_or(Vec::is_empty);
    for (i, rule) in list.iter().enumerate() {
        let at = path.index(i);
        if rule.verbs.is_empty() {
            errors.push(Error::required(&at.child("verbs"), "verbs must contain at least one value"));
        }
        if let Some(urls) = rule.non_resource_urls.as_ref().filter(|u| !u.is_empty()) {
            let shown = checks::json(urls);
            let at = at.child("nonResourceURLs");
            if namespaced {
                let why = "namespaced rules cannot apply to non-resource URLs";
                errors.push(Error::invalid_raw(&at, &shown, why));
            }
            if !empty(&rule.api_groups) || !empty(&rule.resources) || !empty(&rule.resource_names) {
                let why = "rules cannot apply to both regular resources and non-resource URLs";
                errors.push(Error::invalid_raw(&at, &shown, why));
            }
            continue;
        }
        if empty(&rule.api_groups) {
            let why = "resource rules must supply at least one api group";
            errors.push(Error::required(&at.child("apiGroups"), why));
        }
        if empty(&rule.resources) {
            let why = "resource rules must supply at least one resource";
            errors.push(Error::required(&at.child("resources"), why));
        }
    }
}

pub fn default_binding(role: &mut RoleRef, subjects: Option<&mut [Subject]>) {
    role.api_group.get_or_insert_with(|| GROUP.into());
    for subject in subjects.into_iter().flatten().filter(|s| matches!(s.kind.as_str(), "User" | "Group")) {
        subject.api_group.get_or_insert_with(|| GROUP.into());
    }
}

pub fn binding(role: &RoleRef, subjects: Option<&[Subject]>, namespaced: bool) -> ErrorList {
    let mut errors = ErrorList::default();
    let path = Path::new("roleRef");
    let group = text(&role.api_group);
    if group != GROUP {
        errors.push(Error::not_supported(&path.child("apiGroup"), group, &[GROUP]));
    }
    let known: &[&str] = if namespaced { &["Role", "ClusterRole"] } else { &["ClusterRole"] };
    if !known.contains(&role.kind.as_str()) {
        errors.push(Error::not_supported(&path.child("kind"), &role.kind, known));
    }
    if role.name.is_empty() {
        errors.push(Error::required(&path.child("name"), ""));
    } else {
        errors.invalid_each(&path.child("name"), &role.name, apimachinery::names::path_segment(&role.name));
    }
    let path = Path::new("subjects");
    for (i, subject) in subjects.into_iter().flatten().enumerate() {
        check_subject(subject, namespaced, &path.index(i), &mut errors);
    }
    errors
}

fn check_subject(subject: &Subject, namespaced: bool, path: &Path, errors: &mut ErrorList) {
    if subject.name.is_empty() {
        errors.push(Error::required(&path.child("name"), ""));
    }
    let group = text(&subject.api_group);
    match subject.kind.as_str() {
        "ServiceAccount" => {
            if !subject.name.is_empty() {
                checks::dns_subdomain(&subject.name, &path.child("name"), errors);
            }
            if !group.is_empty() {
                errors.push(Error::not_supported(&path.child("apiGroup"), group, &[""]));
            }
            if !namespaced && text(&subject.namespace).is_empty() {
                errors.push(Error::required(&path.child("namespace"), ""));
            }
        }
        "User" | "Group" => {
            if group != GROUP {
                errors.push(Error::not_supported(&path.child("apiGroup"), group, &[GROUP]));
            }
        }
        other => {
            let known = ["ServiceAccount", "User", "Group"];
            errors.push(Error::not_supported(&path.child("kind"), other, &known));
        }
    }
}

/// Users, groups and service accounts, each in one cell.
pub fn subjects(list: &[Subject]) -> [String; 3] {
    ["User", "Group", "ServiceAccount"].map(|kind| {
        let names: Vec<String> = list
            .iter()
            .filter(|s| s.kind == kind)
            .map(|s| match text(&s.namespace) {
                "" if kind != "ServiceAccount" => s.name.clone(),
                namespace => format!("{namespace}/{}", s.name),
            })
            .collect();
        names.join(", ")
    })
}
