//! Node selectors and node affinity, required and preferred.

use super::{NodeInfo, Plugin, Refusal, View, scale_to_max};
use apimachinery::labels::{Operator, Requirement};
use k8s_openapi::api::core::v1::{NodeSelectorRequirement, NodeSelectorTerm, PodSpec, PreferredSchedulingTerm};
use std::collections::BTreeMap;

pub struct NodeAffinity;

impl Plugin for NodeAffinity {
    fn name(&self) -> &'static str {
        "NodeAffinity"
    }
    fn filters(&self, view: &View<'_>) -> bool {
        view.pod.spec().is_some_and(|s| s.node_selector.is_some() || s.affinity.is_some())
    }
    fn filter(&self, view: &View<'_>, node: &NodeInfo, _slot: usize) -> Result<(), Refusal> {
        if view.pod.spec().is_none_or(|s| required_matches(s, node)) {
            return Ok(());
        }
        Err(Refusal::hard("node(s) didn't match Pod's node affinity/selector"))
    }
    fn weight(&self) -> i64 {
        2
    }
    fn scores(&self, view: &View<'_>) -> bool {
        !preferred(view).is_empty()
    }
    fn score(&self, view: &View<'_>, node: &NodeInfo, _slot: usize) -> i64 {
        let fits = preferred(view).iter().filter(|t| t.weight != 0 && term_matches(&t.preference, node));
        fits.map(|t| i64::from(t.weight)).sum()
    }
    fn normalize(&self, _view: &View<'_>, _slots: &[usize], scores: &mut [i64]) {
        scale_to_max(scores, false);
    }
}

fn preferred<'a>(view: &'a View<'_>) -> &'a [PreferredSchedulingTerm] {
    let affinity = view.pod.spec().and_then(|s| s.affinity.as_ref()?.node_affinity.as_ref());
    affinity.and_then(|a| a.preferred_during_scheduling_ignored_during_execution.as_deref()).unwrap_or_default()
}

/// Whether the node has what the pod's selector and required affinity ask for.
pub fn required_matches(spec: &PodSpec, node: &NodeInfo) -> bool {
    labels_allow(spec, &node.name, &node.labels)
}

/// As [`required_matches`], of a node known by name and labels.
pub fn labels_allow(spec: &PodSpec, node: &str, labels: &BTreeMap<String, String>) -> bool {
    let selected = spec.node_selector.iter().flatten().all(|(k, v)| labels.get(k) == Some(v));
    let affinity = spec.affinity.as_ref().and_then(|a| a.node_affinity.as_ref());
    let required = affinity.and_then(|a| a.required_during_scheduling_ignored_during_execution.as_ref());
    selected && required.is_none_or(|r| r.node_selector_terms.iter().any(|t| term_fits(t, node, labels)))
}

/// All of a term's conditions hold; an empty term matches nothing.
fn term_matches(term: &NodeSelectorTerm, node: &NodeInfo) -> bool {
    term_fits(term, &node.name, &node.labels)
}

fn term_fits(term: &NodeSelectorTerm, node: &str, of: &BTreeMap<String, String>) -> bool {
    let (labels, fields) = (term.match_expressions.iter().flatten(), term.match_fields.iter().flatten());
    if labels.clone().next().is_none() && fields.clone().next().is_none() {
        return false;
    }
    let name = BTreeMap::from([("metadata.name".to_owned(), node.to_owned())]);
    labels.into_iter().all(|r| holds(r, of)) && fields.into_iter().all(|r| holds(r, &name))
}

fn holds(r: &NodeSelectorRequirement, labels: &BTreeMap<String, String>) -> bool {
    let operator = match r.operator.as_str() {
        "In" => Operator::In,
        "NotIn" => Operator::NotIn,
        "Exists" => Operator::Exists,
        "DoesNotExist" => Operator::DoesNotExist,
        "Gt" => Operator::GreaterThan,
        "Lt" => Operator::LessThan,
        _ => return false,
    };
    let values = r.values.clone().unwrap_or_default();
    Requirement { key: r.key.clone(), operator, values }.matches(labels)
}
