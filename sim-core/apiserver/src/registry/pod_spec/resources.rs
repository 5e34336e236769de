//! Requests and limits.
//!
//! Models: `validateResourceRequirements`, `pkg/apis/core/helper` on names of resources.

use super::super::checks;
use apimachinery::field::{Error, ErrorList, Path};
use apimachinery::names;
use apimachinery::order::Order as _;
use apimachinery::quantity::Quantity;
use k8s_openapi::api::core::v1::ResourceRequirements;
use k8s_openapi::apimachinery::pkg::api::resource::Quantity as Text;

const CONTAINER: [&str; 3] = ["cpu", "memory", "ephemeral-storage"];
/// Further names without a domain that some list of resources may have.
const STANDARD: [&str; 18] = [
    "requests.cpu",
    "requests.memory",
    "requests.ephemeral-storage",
    "requests.storage",
    "limits.cpu",
    "limits.memory",
    "limits.ephemeral-storage",
    "pods",
    "resourcequotas",
    "services",
    "replicationcontrollers",
    "secrets",
    "configmaps",
    "persistentvolumeclaims",
    "storage",
    "services.nodeports",
    "services.loadbalancers",
    "hugepages",
];
const COUNTED: [&str; 9] = [
    "pods",
    "services",
    "replicationcontrollers",
    "resourcequotas",
    "secrets",
    "configmaps",
    "persistentvolumeclaims",
    "services.nodeports",
    "services.loadbalancers",
];

pub fn is_huge_page(name: &str) -> bool {
    name.starts_with("hugepages-")
}

fn is_native(name: &str) -> bool {
    !name.contains('/') || name.contains("kubernetes.io/")
}

fn is_extended(name: &str) -> bool {
    !is_native(name) && !name.starts_with("requests.") && names::qualified_name(&format!("requests.{name}")).is_empty()
}

pub fn allows_overcommit(name: &str) -> bool {
    is_native(name) && !is_huge_page(name)
}

fn amount(text: &Text) -> Quantity {
    // What is stored was read as a quantity before.
    Quantity::parse(&text.0).unwrap_or(Quantity::ZERO)
}

/// The name of a resource in any list.
pub fn name(value: &str, path: &Path, errors: &mut ErrorList) -> bool {
    if CONTAINER.contains(&value) {
        return true;
    }
    let before = errors.0.len();
    checks::qualified_name(value, path, errors);
    if errors.0.len() == before && !value.contains('/') && !STANDARD.contains(&value) && !is_huge_page(value) {
        errors.push(Error::invalid(path, value, "must be a standard resource type or fully qualified"));
    }
    errors.0.len() == before
}

fn container_resource(value: &str, path: &Path, errors: &mut ErrorList) {
    if CONTAINER.contains(&value) {
        return;
    }
    name(value, path, errors);
    if !value.contains('/') {
        if !is_huge_page(value) {
            errors.push(Error::invalid(path, value, "must be a standard resource for containers"));
        }
    } else if !is_native(value) && !is_extended(value) {
        errors.push(Error::invalid(path, value, "doesn't follow extended resource name standard"));
    }
}

/// The amount of a resource: not below zero, and whole where it is counted.
pub fn quantity(resource: &str, text: &Text, path: &Path, errors: &mut ErrorList) {
    let value = amount(text);
    if value.sign() < 0 {
        errors.push(Error::invalid(path, &text.0, checks::NEGATIVE));
    }
    if (COUNTED.contains(&resource) || is_extended(resource)) && value.milli_value() % 1000 != 0 {
        errors.push(Error::invalid(path, &text.0, "must be an integer"));
    }
}

fn huge_page(resource: &str, text: &Text, path: &Path, errors: &mut ErrorList) {
    let size = resource.strip_prefix("hugepages-").and_then(|s| Quantity::parse(s).ok());
    let divisible = size.is_some_and(|s| s.sign() > 0 && amount(text).value() % s.value() == 0);
    if !divisible {
        let why = format!("{} is not positive integer multiple of {resource}", text.0);
        errors.push(Error::invalid(path, &text.0, why));
    }
}

pub fn requirements(r: &ResourceRequirements, claims: &[&str], path: &Path, errors: &mut ErrorList) {
    let (limits, requests) = (path.child("limits"), path.child("requests"));
    for (resource, value) in r.limits.iter().flatten() {
        let at = limits.key(resource);
        container_resource(resource, &at, errors);
        quantity(resource, value, &at, errors);
        if is_huge_page(resource) {
            huge_page(resource, value, &at, errors);
        }
    }
    for (resource, value) in r.requests.iter().flatten() {
        let at = requests.key(resource);
        container_resource(resource, &at, errors);
        quantity(resource, value, &at, errors);
        match r.limits.as_ref().and_then(|l| l.get(resource)) {
            Some(limit) if limit.0 == value.0 => {}
            Some(limit) => {
                let (asked, most) = (amount(value), amount(limit));
                let relation = if asked != most && !allows_overcommit(resource) {
                    "equal"
                } else if asked > most {
                    "less than or equal"
                } else {
                    ""
                };
                if !relation.is_empty() {
                    let why = format!("must be {relation} to {resource} limit of {}", limit.0);
                    errors.push(Error::invalid(&requests, &value.0, why));
                }
            }
            None if !allows_overcommit(resource) => {
                errors.push(Error::required(&limits, "Limit must be set for non overcommitable resources"));
            }
            None => {}
        }
        if is_huge_page(resource) {
            huge_page(resource, value, &at, errors);
        }
    }
    let mut all = r.limits.iter().flatten().chain(r.requests.iter().flatten()).map(|(name, _)| name.as_str());
    if all.clone().any(is_huge_page) && !all.any(|n| n == "cpu" || n == "memory") {
        errors.push(Error::forbidden(path, "HugePages require cpu or memory"));
    }
    claim_names(r, claims, &path.child("claims"), errors);
}

fn claim_names(r: &ResourceRequirements, known: &[&str], path: &Path, errors: &mut ErrorList) {
    let claims = r.claims.as_deref().unwrap_or_default();
    for (i, claim) in claims.iter().enumerate() {
        let at = path.index(i);
        let name = claim.name.as_str();
        if name.is_empty() {
            errors.push(Error::required(&at, ""));
            continue;
        }
        if claims[..i].iter().any(|c| c.name == name && (c.request == claim.request || c.request.is_none())) {
            errors.push(Error::duplicate(&at, name));
        }
        if !known.contains(&name) {
            let mut sorted = known.to_vec();
            sorted.order();
            let list = if sorted.is_empty() { " which is empty".into() } else { format!(": {}", sorted.join(", ")) };
            let why = format!("must be one of the names in pod.spec.resourceClaims{list}");
            errors.push(checks::not_found_because(&at, name, why));
        }
    }
}
