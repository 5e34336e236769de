//! Where a pod may run: affinity, tolerations, spreading.
//!
//! Models: `validateAffinity`, `ValidateTolerations`, `validateTopologySpreadConstraints`.

use super::super::checks::{self, text};
use apimachinery::field::{Error, ErrorList, Path};
use apimachinery::names;
use k8s_openapi::api::core::v1::{
    Affinity, NodeSelector, NodeSelectorRequirement, NodeSelectorTerm, PodAffinityTerm, Toleration,
    TopologySpreadConstraint, WeightedPodAffinityTerm,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;

const REQUIRED: &str = "requiredDuringSchedulingIgnoredDuringExecution";
const PREFERRED: &str = "preferredDuringSchedulingIgnoredDuringExecution";
const WEIGHT: &str = "must be in the range 1-100";

pub fn affinity(a: &Affinity, path: &Path, errors: &mut ErrorList) {
    if let Some(node) = &a.node_affinity {
        let at = path.child("nodeAffinity");
        if let Some(selector) = &node.required_during_scheduling_ignored_during_execution {
            node_selector(selector, &at.child(REQUIRED), errors);
        }
        let at = at.child(PREFERRED);
        for (i, term) in node.preferred_during_scheduling_ignored_during_execution.iter().flatten().enumerate() {
            let at = at.index(i);
            if !(1..=100).contains(&term.weight) {
                errors.push(Error::invalid_raw(&at.child("weight"), term.weight, WEIGHT));
            }
            node_term(&term.preference, false, &at.child("preference"), errors);
        }
    }
    if let Some(pod) = &a.pod_affinity {
        let required = pod.required_during_scheduling_ignored_during_execution.as_deref();
        let preferred = pod.preferred_during_scheduling_ignored_during_execution.as_deref();
        pod_terms(required, preferred, &path.child("podAffinity"), errors);
    }
    if let Some(pod) = &a.pod_anti_affinity {
        let required = pod.required_during_scheduling_ignored_during_execution.as_deref();
        let preferred = pod.preferred_during_scheduling_ignored_during_execution.as_deref();
        pod_terms(required, preferred, &path.child("podAntiAffinity"), errors);
    }
}

pub fn node_selector(selector: &NodeSelector, path: &Path, errors: &mut ErrorList) {
    let at = path.child("nodeSelectorTerms");
    if selector.node_selector_terms.is_empty() {
        errors.push(Error::required(&at, "must have at least one node selector term"));
    }
    for (i, term) in selector.node_selector_terms.iter().enumerate() {
        node_term(term, true, &at.index(i), errors);
    }
}

fn node_term(term: &NodeSelectorTerm, strict: bool, path: &Path, errors: &mut ErrorList) {
    let at = path.child("matchExpressions");
    for (i, r) in term.match_expressions.iter().flatten().enumerate() {
        node_requirement(r, strict, &at.index(i), errors);
    }
    let at = path.child("matchFields");
    for (i, r) in term.match_fields.iter().flatten().enumerate() {
        field_requirement(r, &at.index(i), errors);
    }
}

fn node_requirement(r: &NodeSelectorRequirement, strict: bool, path: &Path, errors: &mut ErrorList) {
    let values = r.values.as_deref().unwrap_or_default();
    let at = path.child("values");
    match r.operator.as_str() {
        "In" | "NotIn" if values.is_empty() => {
            errors.push(Error::required(&at, "must be specified when `operator` is 'In' or 'NotIn'"));
        }
        "Exists" | "DoesNotExist" if !values.is_empty() => {
            let why = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'";
            errors.push(Error::forbidden(&at, why));
        }
        "Gt" | "Lt" if values.len() != 1 => {
            let why = "must be specified single value when `operator` is 'Lt' or 'Gt'";
            errors.push(Error::required(&at, why));
        }
        "In" | "NotIn" | "Exists" | "DoesNotExist" | "Gt" | "Lt" => {}
        other => errors.push(Error::invalid(&path.child("operator"), other, "not a valid selector operator")),
    }
    checks::qualified_name(&r.key, &path.child("key"), errors);
    for (i, value) in values.iter().enumerate().filter(|_| strict) {
        errors.invalid_each(&at.index(i), value, names::label_value(value));
    }
}

fn field_requirement(r: &NodeSelectorRequirement, path: &Path, errors: &mut ErrorList) {
    let values = r.values.as_deref().unwrap_or_default();
    let at = path.child("values");
    match r.operator.as_str() {
        "In" | "NotIn" if values.len() != 1 => {
            let why = "must be only one value when `operator` is 'In' or 'NotIn' for node field selector";
            errors.push(Error::required(&at, why));
        }
        "In" | "NotIn" => {}
        other => errors.push(Error::invalid(&path.child("operator"), other, "not a valid selector operator")),
    }
    if r.key == "metadata.name" {
        for (i, value) in values.iter().enumerate() {
            checks::dns_subdomain(value, &at.index(i), errors);
        }
    } else {
        errors.push(Error::invalid(&path.child("key"), &r.key, "not a valid field selector key"));
    }
}

fn pod_terms(
    required: Option<&[PodAffinityTerm]>,
    preferred: Option<&[WeightedPodAffinityTerm]>,
    path: &Path,
    errors: &mut ErrorList,
) {
    let at = path.child(REQUIRED);
    for (i, term) in required.into_iter().flatten().enumerate() {
        pod_term(term, &at.index(i), errors);
    }
    let at = path.child(PREFERRED);
    for (i, weighted) in preferred.into_iter().flatten().enumerate() {
        let at = at.index(i);
        if !(1..=100).contains(&weighted.weight) {
            errors.push(Error::invalid_raw(&at.child("weight"), weighted.weight, WEIGHT));
        }
        pod_term(&weighted.pod_affinity_term, &at.child("podAffinityTerm"), errors);
    }
}

fn pod_term(term: &PodAffinityTerm, path: &Path, errors: &mut ErrorList) {
    checks::label_selector(term.label_selector.as_ref(), &path.child("labelSelector"), errors);
    checks::label_selector(term.namespace_selector.as_ref(), &path.child("namespaceSelector"), errors);
    for name in term.namespaces.iter().flatten() {
        checks::dns_label(name, &path.child("namespace"), errors);
    }
    let keys = term.match_label_keys.as_deref().unwrap_or_default();
    let mismatch = term.mismatch_label_keys.as_deref().unwrap_or_default();
    label_keys(keys, mismatch, term.label_selector.as_ref(), path, errors);
    if term.topology_key.is_empty() {
        errors.push(Error::required(&path.child("topologyKey"), "can not be empty"));
    }
    checks::qualified_name(&term.topology_key, &path.child("topologyKey"), errors);
}

fn label_keys(
    keys: &[String],
    mismatch: &[String],
    selector: Option<&LabelSelector>,
    path: &Path,
    errors: &mut ErrorList,
) {
    for (field, list) in [("matchLabelKeys", keys), ("mismatchLabelKeys", mismatch)] {
        let at = path.child(field);
        if !list.is_empty() && selector.is_none() {
            errors.push(Error::forbidden(&at, "must not be specified when labelSelector is not set"));
            continue;
        }
        for (i, key) in list.iter().enumerate() {
            checks::qualified_name(key, &at.index(i), errors);
        }
    }
    let at = path.child("matchLabelKeys");
    for (i, key) in keys.iter().enumerate().filter(|(_, key)| mismatch.contains(key)) {
        let why = "exists in both matchLabelKeys and mismatchLabelKeys";
        errors.push(Error::invalid(&at.index(i), key, why));
    }
}

pub fn tolerations(list: &[Toleration], path: &Path, errors: &mut ErrorList) {
    for (i, t) in list.iter().enumerate() {
        let at = path.index(i);
        let (key, operator, value, effect) = (text(&t.key), text(&t.operator), text(&t.value), text(&t.effect));
        if key.is_empty() {
            if operator != "Exists" {
                let why = "operator must be Exists when `key` is empty, which means \"match all values and all keys\"";
                errors.push(Error::invalid(&at.child("operator"), operator, why));
            }
        } else {
            checks::qualified_name(key, &at.child("key"), errors);
        }
        if t.toleration_seconds.is_some() && effect != "NoExecute" {
            let why = "effect must be 'NoExecute' when `tolerationSeconds` is set";
            errors.push(Error::invalid(&at.child("effect"), effect, why));
        }
        match operator {
            "Equal" | "" => {
                let messages = names::label_value(value);
                if !messages.is_empty() {
                    errors.push(Error::invalid(&at.child("operator"), value, messages.join(";")));
                }
            }
            "Exists" if !value.is_empty() => {
                let why = "value must be empty when `operator` is 'Exists'";
                errors.push(Error::invalid(&at.child("operator"), value, why));
            }
            "Exists" => {}
            other => {
                let known: &[&str] = match other {
                    "Lt" | "Gt" => &["Equal", "Exists", "Lt", "Gt"],
                    _ => &["Equal", "Exists"],
                };
                errors.push(Error::not_supported(&at.child("operator"), other, known));
            }
        }
        taint_effect(effect, &at.child("effect"), errors);
    }
}

/// The effect of a taint or a toleration; none is for the caller to judge.
pub fn taint_effect(effect: &str, path: &Path, errors: &mut ErrorList) {
    checks::one_of_if_set(effect, &["NoSchedule", "PreferNoSchedule", "NoExecute"], path, errors);
}

pub fn spread(constraints: &[TopologySpreadConstraint], path: &Path, errors: &mut ErrorList) {
    for (i, c) in constraints.iter().enumerate() {
        let at = path.index(i);
        checks::positive(c.max_skew.into(), &at.child("maxSkew"), errors);
        if c.topology_key.is_empty() {
            errors.push(Error::required(&at.child("topologyKey"), "can not be empty"));
        }
        if !matches!(c.when_unsatisfiable.as_str(), "DoNotSchedule" | "ScheduleAnyway") {
            let known = ["DoNotSchedule", "ScheduleAnyway"];
            errors.push(Error::not_supported(&at.child("whenUnsatisfiable"), &c.when_unsatisfiable, &known));
        }
        let same = |d: &TopologySpreadConstraint| {
            d.topology_key == c.topology_key && d.when_unsatisfiable == c.when_unsatisfiable
        };
        if constraints[i + 1..].iter().any(same) {
            let shown = format!("{{{}, {}}}", c.topology_key, c.when_unsatisfiable);
            errors.push(Error::duplicate(&at.child("{topologyKey, whenUnsatisfiable}"), &shown));
        }
        if let Some(domains) = c.min_domains {
            let at = at.child("minDomains");
            checks::positive(domains.into(), &at, errors);
            if c.when_unsatisfiable != "DoNotSchedule" {
                let why =
                    format!("can only use minDomains if whenUnsatisfiable=DoNotSchedule, not {}", c.when_unsatisfiable);
                errors.push(Error::invalid_raw(&at, domains, why));
            }
        }
        for (field, policy) in
            [("nodeAffinityPolicy", &c.node_affinity_policy), ("nodeTaintsPolicy", &c.node_taints_policy)]
        {
            checks::one_of_if_set(text(policy), &["Honor", "Ignore"], &at.child(field), errors);
        }
        let keys = c.match_label_keys.as_deref().unwrap_or_default();
        label_keys(keys, &[], c.label_selector.as_ref(), &at, errors);
        checks::label_selector(c.label_selector.as_ref(), &at.child("labelSelector"), errors);
    }
}
