//! Spreading pods of one kind over nodes, zones or whatever a label tells apart.
//!
//! Hard constraints filter; soft ones score. Pods without constraints of their own are spread softly over nodes and
//! zones together with the other pods of their service or set.

use super::node_affinity;
use super::{Event, Incoming, NodeInfo, Plugin, Refusal, SCORE_MAX, View, Without};
use crate::controllers::meta::{controller_of, namespace_of};
use crate::controllers::selector;
use crate::scheduler::cache::{Cache, CountsId, HOSTNAME};
use crate::taints::{NO_EXECUTE, NO_SCHEDULE, tolerations, untolerated};
use apimachinery::labels::{Operator, Requirement, Selector};
use apiserver::ApiServer;
use k8s_openapi::api::apps::v1::ReplicaSet;
use k8s_openapi::api::core::v1::{Service, TopologySpreadConstraint};
use std::collections::BTreeMap;

pub struct PodTopologySpread;

const ZONE: &str = "topology.kubernetes.io/zone";
const MISMATCH: &str = "node(s) didn't match pod topology spread constraints";
const NO_LABEL: &str = "node(s) didn't match pod topology spread constraints (missing required label)";

struct Constraint {
    key: String,
    max_skew: i32,
    min_domains: i32,
    matches_itself: bool,
    honor_affinity: bool,
    honor_taints: bool,
    counts: CountsId,
    /// Matching pods per value of the label, over all nodes that count.
    per_value: BTreeMap<String, i32>,
    /// What a pod more or less counts in scores: the more domains, the more.
    weight: f64,
}

impl Constraint {
    fn by_node(&self) -> bool {
        self.key == HOSTNAME
    }
}

#[derive(Default)]
pub struct State {
    hard: Vec<Constraint>,
    soft: Vec<Constraint>,
    /// The constraints are the pod's own: nodes that lack a label are out.
    own: bool,
}

impl State {
    pub fn prepare(pod: &Incoming, cache: &mut Cache, api: &ApiServer, without: Option<&Without<'_>>) -> Self {
        let constraints = pod.spec().and_then(|s| s.topology_spread_constraints.as_deref()).unwrap_or_default();
        let mut state = Self { own: !constraints.is_empty(), ..Self::default() };
        if constraints.is_empty() {
            if cache.nodes.len() > 1 {
                state.soft = default_constraints(pod, cache, api);
                weigh(&mut state.soft, cache);
            }
            return state;
        }
        for c in constraints {
            let read = read(c, pod, cache, api);
            if c.when_unsatisfiable == "ScheduleAnyway" { state.soft.push(read) } else { state.hard.push(read) }
        }
        let keys: Vec<String> = state.hard.iter().map(|c| c.key.clone()).collect();
        for c in &mut state.hard {
            c.per_value = per_value(c, &keys, pod, cache, without, constraints);
        }
        let keys: Vec<String> = state.soft.iter().map(|c| c.key.clone()).collect();
        for c in &mut state.soft {
            if c.key != HOSTNAME {
                c.per_value = per_value(c, &keys, pod, cache, without, constraints);
            }
        }
        weigh(&mut state.soft, cache);
        state
    }
}

fn weigh(constraints: &mut [Constraint], cache: &Cache) {
    for c in constraints {
        let domains = if c.by_node() { cache.nodes.len() } else { c.per_value.len() };
        c.weight = ((domains + 2) as f64).ln();
    }
}

fn read(c: &TopologySpreadConstraint, pod: &Incoming, cache: &mut Cache, api: &ApiServer) -> Constraint {
    let mut chosen = c.label_selector.as_ref().map_or_else(Selector::nothing, selector);
    let labels = pod.pod.metadata.labels.as_ref();
    for key in c.match_label_keys.iter().flatten() {
        if let Some(value) = labels.and_then(|l| l.get(key)) {
            chosen.require(Requirement { key: key.clone(), operator: Operator::In, values: vec![value.clone()] });
        }
    }
    Constraint {
        key: c.topology_key.clone(),
        max_skew: c.max_skew,
        min_domains: c.min_domains.unwrap_or(1),
        matches_itself: chosen.matches(&labels),
        honor_affinity: c.node_affinity_policy.as_deref() != Some("Ignore"),
        honor_taints: c.node_taints_policy.as_deref() == Some("Honor"),
        counts: cache.counts(pod.namespace(), &chosen, false, api),
        per_value: BTreeMap::new(),
        weight: 0.0,
    }
}

/// Counts a constraint's pods per value of its label, over the nodes that carry every label and are to be counted.
fn per_value(
    c: &Constraint,
    keys: &[String],
    pod: &Incoming,
    cache: &Cache,
    without: Option<&Without<'_>>,
    all: &[TopologySpreadConstraint],
) -> BTreeMap<String, i32> {
    let counts = cache.per_slot(c.counts);
    let mut out = BTreeMap::new();
    for (slot, node) in cache.nodes.iter().enumerate() {
        let labelled = keys.iter().all(|k| node.labels.contains_key(k));
        if !labelled || !counted(c, pod, node) {
            continue;
        }
        let gone = without.filter(|w| w.slot == slot).map_or(0, |w| thought_away(c, pod, w, all));
        let value = node.labels.get(&c.key).cloned().unwrap_or_default();
        *out.entry(value).or_default() += counts[slot] - gone;
    }
    out
}

fn thought_away(c: &Constraint, pod: &Incoming, without: &Without<'_>, all: &[TopologySpreadConstraint]) -> i32 {
    let Some(own) = all.iter().find(|o| o.topology_key == c.key) else { return 0 };
    let chosen = own.label_selector.as_ref().map_or_else(Selector::nothing, selector);
    let matching = without.pods.iter().filter(|p| {
        let m = &p.metadata;
        m.deletion_timestamp.is_none() && namespace_of(m) == pod.namespace() && chosen.matches(&m.labels)
    });
    i32::try_from(matching.count()).unwrap_or(0)
}

/// Whether a node's pods count: by default if the pod could go there by affinity, whatever its taints.
fn counted(c: &Constraint, pod: &Incoming, node: &NodeInfo) -> bool {
    let affine = !c.honor_affinity || pod.spec().is_none_or(|s| node_affinity::required_matches(s, node));
    let tolerated =
        !c.honor_taints || untolerated(&node.taints, tolerations(&pod.pod), &[NO_SCHEDULE, NO_EXECUTE]).is_none();
    affine && tolerated
}

/// Over nodes and zones, with whatever shares the pod's services and set.
fn default_constraints(pod: &Incoming, cache: &mut Cache, api: &ApiServer) -> Vec<Constraint> {
    let Some(chosen) = siblings(pod, api) else { return Vec::new() };
    let mut out = Vec::new();
    for (key, max_skew) in [(HOSTNAME, 3), (ZONE, 5)] {
        if !cache.any_node_has(key) {
            continue;
        }
        let mut c = Constraint {
            key: key.into(),
            max_skew,
            min_domains: 1,
            matches_itself: true,
            honor_affinity: true,
            honor_taints: false,
            counts: cache.counts(pod.namespace(), &chosen, false, api),
            per_value: BTreeMap::new(),
            weight: 0.0,
        };
        if key != HOSTNAME {
            c.per_value = per_value(&c, &[], pod, cache, None, &[]);
        }
        out.push(c);
    }
    out
}

/// Selects the pods that belong to the same services and the same set; `None` if there is neither.
fn siblings(pod: &Incoming, api: &ApiServer) -> Option<Selector> {
    let labels = &pod.pod.metadata.labels;
    let mut merged: BTreeMap<String, String> = BTreeMap::new();
    for service in api.list::<Service>(Some(pod.namespace())) {
        let Some(map) = service.spec.as_ref().and_then(|s| s.selector.as_ref()).filter(|m| !m.is_empty()) else {
            continue;
        };
        if Selector::from_map(map).matches(labels) {
            merged.extend(map.iter().map(|(k, v)| (k.clone(), v.clone())));
        }
    }
    let mut out = Selector::from_map(&merged);
    if let Some(owner) = controller_of(&pod.pod.metadata).filter(|r| r.kind == "ReplicaSet")
        && let Some(set) = api.get::<ReplicaSet>(pod.namespace(), &owner.name)
        && let Some(spec) = &set.spec
    {
        for requirement in selector(&spec.selector).requirements() {
            out.require(requirement.clone());
        }
    }
    (!out.is_everything()).then_some(out)
}

impl Plugin for PodTopologySpread {
    fn name(&self) -> &'static str {
        "PodTopologySpread"
    }
    fn filters(&self, view: &View<'_>) -> bool {
        !view.state.spread.hard.is_empty()
    }
    fn filter(&self, view: &View<'_>, node: &NodeInfo, _slot: usize) -> Result<(), Refusal> {
        for c in &view.state.spread.hard {
            let Some(value) = node.labels.get(&c.key) else { return Err(Refusal::hard(NO_LABEL)) };
            let enough_domains = i32::try_from(c.per_value.len()).unwrap_or(i32::MAX) >= c.min_domains;
            let least = if enough_domains { c.per_value.values().copied().min().unwrap_or(i32::MAX) } else { 0 };
            let here = c.per_value.get(value).copied().unwrap_or(0);
            let skew = i64::from(here) + i64::from(c.matches_itself) - i64::from(least);
            if skew > i64::from(c.max_skew) {
                return Err(Refusal::preemptible(MISMATCH));
            }
        }
        Ok(())
    }
    fn weight(&self) -> i64 {
        2
    }
    fn scores(&self, view: &View<'_>) -> bool {
        !view.state.spread.soft.is_empty()
    }
    fn score(&self, view: &View<'_>, node: &NodeInfo, slot: usize) -> i64 {
        let state = &view.state.spread;
        if ignored(state, node) {
            return 0;
        }
        let mut sum = 0.0;
        for c in &state.soft {
            let count = if c.by_node() {
                if !node.has_hostname {
                    continue;
                }
                view.cache.per_slot(c.counts)[slot]
            } else {
                let Some(value) = node.labels.get(&c.key) else { continue };
                c.per_value.get(value).copied().unwrap_or(0)
            };
            sum += f64::from(count) * c.weight + f64::from(c.max_skew - 1);
        }
        sum.round() as i64
    }
    fn normalize(&self, view: &View<'_>, slots: &[usize], scores: &mut [i64]) {
        let out = |slot: &usize| ignored(&view.state.spread, &view.cache.nodes[*slot]);
        let of_rest = || slots.iter().zip(scores.iter()).filter(|(slot, _)| !out(slot)).map(|(_, score)| *score);
        let (min, max) = (of_rest().min().unwrap_or(0), of_rest().max().unwrap_or(0));
        for (slot, score) in slots.iter().zip(scores.iter_mut()) {
            *score = if out(slot) {
                0
            } else if max == 0 {
                SCORE_MAX
            } else {
                SCORE_MAX * (max + min - *score) / max
            };
        }
    }
    fn wakes(&self, _event: Event) -> bool {
        true
    }
}

/// With constraints of its own, a node that lacks one of the labels gets no score.
fn ignored(state: &State, node: &NodeInfo) -> bool {
    state.own && state.soft.iter().any(|c| !node.labels.contains_key(&c.key))
}
