//! Pods that want to be near other pods, or far from them.

use super::{Event, Incoming, NodeInfo, Plugin, Refusal, SCORE_MAX, View, Without};
use crate::controllers::meta::{namespace_of, node_of};
use crate::controllers::selector;
use crate::scheduler::cache::{Cache, pod_key};
use apimachinery::labels::Selector;
use apimachinery::order::Order as _;
use apiserver::ApiServer;
use k8s_openapi::api::core::v1::{Affinity, Namespace, Pod, PodAffinityTerm, WeightedPodAffinityTerm};
use std::collections::BTreeMap;
use std::sync::Arc;

pub struct InterPodAffinity;

/// Weight of other pods' required affinity in scores.
const HARD_WEIGHT: i64 = 1;

/// Key of a node label → its value → a number.
type PerTopology = BTreeMap<String, BTreeMap<String, i64>>;

struct Term {
    key: String,
    chosen: Selector,
    namespaces: Vec<String>,
}

#[derive(Default)]
pub struct State {
    affinity: Vec<Term>,
    anti: Vec<Term>,
    affinity_counts: PerTopology,
    anti_counts: PerTopology,
    /// Where other pods do not want this one.
    unwelcome: PerTopology,
    matches_itself: bool,
    scores: PerTopology,
}

impl State {
    pub fn prepare(pod: &Incoming, cache: &mut Cache, api: &ApiServer, without: Option<&Without<'_>>) -> Self {
        let affinity = affinity_of(&pod.pod);
        let mut state = Self::default();
        if affinity.is_none() && cache.with_affinity.is_empty() {
            return state;
        }
        if let Some(a) = affinity {
            state.own_terms(a, pod, cache, api, without);
        }
        state.others(pod, cache, api, without);
        state
    }

    fn own_terms(
        &mut self,
        a: &Affinity,
        pod: &Incoming,
        cache: &mut Cache,
        api: &ApiServer,
        without: Option<&Without<'_>>,
    ) {
        let read = |terms: &[PodAffinityTerm]| terms.iter().map(|t| term(t, &pod.pod, api)).collect::<Vec<_>>();
        self.affinity =
            read(required(a.pod_affinity.as_ref().map(|p| &p.required_during_scheduling_ignored_during_execution)));
        self.anti = read(required(
            a.pod_anti_affinity.as_ref().map(|p| &p.required_during_scheduling_ignored_during_execution),
        ));
        self.matches_itself = self.affinity.iter().all(|t| t.matches(&pod.pod));
        if let Some(first) = self.affinity.first() {
            // Only pods that satisfy every term count.
            let mut chosen = first.chosen.clone();
            for other in &self.affinity[1..] {
                other.chosen.requirements().iter().for_each(|r| chosen.require(r.clone()));
            }
            let whole = Term { key: String::new(), chosen, namespaces: first.namespaces.clone() };
            let counts = count(&whole, cache, api, without);
            for t in &self.affinity {
                gather(&mut self.affinity_counts, &t.key, &counts, cache, 1);
            }
        }
        for t in &self.anti {
            let counts = count(t, cache, api, without);
            gather(&mut self.anti_counts, &t.key, &counts, cache, 1);
        }
        for (weighted, sign) in [
            (preferred(a.pod_affinity.as_ref().map(|p| &p.preferred_during_scheduling_ignored_during_execution)), 1),
            (
                preferred(
                    a.pod_anti_affinity.as_ref().map(|p| &p.preferred_during_scheduling_ignored_during_execution),
                ),
                -1,
            ),
        ] {
            for w in weighted {
                let t = term(&w.pod_affinity_term, &pod.pod, api);
                let counts = count(&t, cache, api, without);
                gather(&mut self.scores, &t.key, &counts, cache, sign * i64::from(w.weight));
            }
        }
    }

    /// What pods that are already there think of this one.
    fn others(&mut self, pod: &Incoming, cache: &Cache, api: &ApiServer, without: Option<&Without<'_>>) {
        for key in &cache.with_affinity {
            let Some(other) = api.get::<Pod>(&key.0, &key.1) else { continue };
            let Some(slot) = cache.slot(node_of(&other)) else { continue };
            if without.is_some_and(|w| w.slot == slot && w.pods.iter().any(|p| pod_key(p) == *key)) {
                continue;
            }
            let Some(a) = affinity_of(&other) else { continue };
            let labels = &cache.nodes[slot].labels;
            let add = |into: &mut PerTopology, t: &PodAffinityTerm, weight: i64| {
                let Some(value) = labels.get(&t.topology_key) else { return };
                if term(t, &other, api).matches(&pod.pod) {
                    *into.entry(t.topology_key.clone()).or_default().entry(value.clone()).or_default() += weight;
                }
            };
            if let Some(anti) = &a.pod_anti_affinity {
                for t in required(Some(&anti.required_during_scheduling_ignored_during_execution)) {
                    add(&mut self.unwelcome, t, 1);
                }
                for w in preferred(Some(&anti.preferred_during_scheduling_ignored_during_execution)) {
                    add(&mut self.scores, &w.pod_affinity_term, -i64::from(w.weight));
                }
            }
            if let Some(near) = &a.pod_affinity {
                for t in required(Some(&near.required_during_scheduling_ignored_during_execution)) {
                    add(&mut self.scores, t, HARD_WEIGHT);
                }
                for w in preferred(Some(&near.preferred_during_scheduling_ignored_during_execution)) {
                    add(&mut self.scores, &w.pod_affinity_term, i64::from(w.weight));
                }
            }
        }
    }
}

impl Term {
    fn matches(&self, pod: &Pod) -> bool {
        let namespace = namespace_of(&pod.metadata);
        self.namespaces.iter().any(|n| n == namespace) && self.chosen.matches(&pod.metadata.labels)
    }
}

fn affinity_of(pod: &Pod) -> Option<&Affinity> {
    let affinity = pod.spec.as_ref()?.affinity.as_ref()?;
    (affinity.pod_affinity.is_some() || affinity.pod_anti_affinity.is_some()).then_some(affinity)
}

fn required(list: Option<&Option<Vec<PodAffinityTerm>>>) -> &[PodAffinityTerm] {
    list.and_then(|l| l.as_deref()).unwrap_or_default()
}

fn preferred(list: Option<&Option<Vec<WeightedPodAffinityTerm>>>) -> &[WeightedPodAffinityTerm] {
    list.and_then(|l| l.as_deref()).unwrap_or_default()
}

/// A term as `owner` means it: without namespaces, its own.
fn term(t: &PodAffinityTerm, owner: &Pod, api: &ApiServer) -> Term {
    let mut namespaces = t.namespaces.clone().unwrap_or_default();
    match &t.namespace_selector {
        Some(s) => {
            let chosen = selector(s);
            let fitting = api.list::<Namespace>(None).filter(|n| chosen.matches(&n.metadata.labels));
            namespaces.extend(fitting.filter_map(|n| n.metadata.name.clone()));
        }
        None if namespaces.is_empty() => namespaces.push(namespace_of(&owner.metadata).to_owned()),
        None => {}
    }
    namespaces.order();
    namespaces.dedup();
    let chosen = t.label_selector.as_ref().map_or_else(Selector::nothing, selector);
    Term { key: t.topology_key.clone(), chosen, namespaces }
}

/// Matching pods per slot.
fn count(term: &Term, cache: &mut Cache, api: &ApiServer, without: Option<&Without<'_>>) -> Vec<i32> {
    let mut out = vec![0; cache.nodes.len()];
    for namespace in &term.namespaces {
        let id = cache.counts(namespace, &term.chosen, true, api);
        out.iter_mut().zip(cache.per_slot(id)).for_each(|(sum, n)| *sum += n);
    }
    if let Some(w) = without {
        let gone = w.pods.iter().filter(|p: &&Arc<Pod>| term.matches(p)).count();
        out[w.slot] -= i32::try_from(gone).unwrap_or(0);
    }
    out
}

/// Adds counts per slot up by the value that each node has for the label.
fn gather(into: &mut PerTopology, key: &str, counts: &[i32], cache: &Cache, weight: i64) {
    for (node, n) in cache.nodes.iter().zip(counts).filter(|(_, n)| **n != 0) {
        if let Some(value) = node.labels.get(key) {
            *into.entry(key.to_owned()).or_default().entry(value.clone()).or_default() += weight * i64::from(*n);
        }
    }
}

fn at(map: &PerTopology, key: &str, node: &NodeInfo) -> i64 {
    let value = node.labels.get(key);
    value.and_then(|v| map.get(key)?.get(v)).copied().unwrap_or(0)
}

impl Plugin for InterPodAffinity {
    fn name(&self) -> &'static str {
        "InterPodAffinity"
    }
    fn filters(&self, view: &View<'_>) -> bool {
        let s = &view.state.affinity;
        !s.affinity.is_empty() || !s.anti.is_empty() || !s.unwelcome.is_empty()
    }
    fn filter(&self, view: &View<'_>, node: &NodeInfo, _slot: usize) -> Result<(), Refusal> {
        let s = &view.state.affinity;
        if s.affinity.iter().any(|t| !node.labels.contains_key(&t.key)) {
            return Err(Refusal::hard("node(s) didn't match pod affinity rules"));
        }
        let near = s.affinity.iter().all(|t| at(&s.affinity_counts, &t.key, node) > 0);
        // The first of a group that wants to be together has nobody to be near yet.
        let first = s.affinity_counts.is_empty() && s.matches_itself;
        if !near && !first {
            return Err(Refusal::hard("node(s) didn't match pod affinity rules"));
        }
        if s.anti.iter().any(|t| at(&s.anti_counts, &t.key, node) > 0) {
            return Err(Refusal::preemptible("node(s) didn't match pod anti-affinity rules"));
        }
        if s.unwelcome.keys().any(|key| at(&s.unwelcome, key, node) > 0) {
            return Err(Refusal::preemptible("node(s) didn't satisfy existing pods anti-affinity rules"));
        }
        Ok(())
    }
    fn weight(&self) -> i64 {
        2
    }
    fn scores(&self, view: &View<'_>) -> bool {
        !view.state.affinity.scores.is_empty()
    }
    fn score(&self, view: &View<'_>, node: &NodeInfo, _slot: usize) -> i64 {
        let scores = &view.state.affinity.scores;
        scores.keys().map(|key| at(scores, key, node)).sum()
    }
    fn normalize(&self, _view: &View<'_>, _slots: &[usize], scores: &mut [i64]) {
        let (min, max) = (scores.iter().copied().min().unwrap_or(0), scores.iter().copied().max().unwrap_or(0));
        for score in scores {
            *score = if max > min { SCORE_MAX * (*score - min) / (max - min) } else { 0 };
        }
    }
    fn wakes(&self, _event: Event) -> bool {
        true
    }
}
