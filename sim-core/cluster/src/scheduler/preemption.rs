//! Preemption: whose going would make room for a more important pod.
//!
//! Models: `framework/preemption` and the plugin DefaultPreemption. Decides only.
//! Not yet: disruption budgets, which evictions ask but preemption does not.

use super::cache::{Cache, NodeInfo};
use super::cycle::{Search, filter, filters, histogram};
use super::plugins::{Incoming, State, View, Without, priority};
use crate::controllers::meta::{instant, uid_of};
use apimachinery::order::Order as _;
use apimachinery::time::Time;
use apiserver::ApiServer;
use k8s_openapi::api::core::v1::Pod;
use std::cmp::Reverse;
use std::sync::Arc;

const NO_VICTIMS: &str = "No preemption victims found for incoming pod";
const NOT_HELPFUL: &str = "Preemption is not helpful for scheduling";

pub struct Candidate {
    pub slot: usize,
    /// The most important first.
    pub victims: Vec<Arc<Pod>>,
}

/// The node to make room on, or why there is none, in the words of the condition.
pub fn preempt(pod: &Incoming, search: &Search, cache: &mut Cache, api: &ApiServer) -> Result<Candidate, String> {
    if let Some(why) = ineligible(pod, search, cache, api) {
        return Err(why.to_owned());
    }
    let mut candidates = Vec::new();
    let mut reasons: Vec<String> = Vec::new();
    for refused in &search.refused {
        if !refused.refusal.preemptible {
            reasons.push(NOT_HELPFUL.into());
            continue;
        }
        match victims_on(pod, refused.slot, cache, api) {
            Ok(victims) => candidates.push(Candidate { slot: refused.slot, victims }),
            Err(why) => reasons.extend(why),
        }
    }
    let best = candidates.into_iter().min_by_key(cost);
    best.ok_or_else(|| histogram(cache.nodes.len(), reasons.iter().map(String::as_str)))
}

fn ineligible(pod: &Incoming, search: &Search, cache: &Cache, api: &ApiServer) -> Option<&'static str> {
    if pod.spec().and_then(|s| s.preemption_policy.as_deref()) == Some("Never") {
        return Some("not eligible due to preemptionPolicy=Never.");
    }
    let nominated = pod.pod.status.as_ref().and_then(|s| s.nominated_node_name.as_deref())?;
    let slot = cache.slot(nominated)?;
    if search.refused.iter().any(|r| r.slot == slot && !r.refusal.preemptible) {
        return None;
    }
    let leaving = cache.nodes[slot].pods.iter().filter_map(|k| api.get::<Pod>(&k.0, &k.1)).any(|p| {
        let conditions = p.status.iter().flat_map(|s| s.conditions.iter().flatten());
        let by_us = conditions.into_iter().any(|c| {
            c.type_ == "DisruptionTarget" && c.status == "True" && c.reason.as_deref() == Some("PreemptionByScheduler")
        });
        p.metadata.deletion_timestamp.is_some() && by_us && priority(&p) < pod.priority
    });
    leaving.then_some("not eligible due to a terminating pod on the nominated node.")
}

/// The fewest, least important pods whose going makes the node fit; else the reasons why it still would not.
fn victims_on(pod: &Incoming, slot: usize, cache: &mut Cache, api: &ApiServer) -> Result<Vec<Arc<Pod>>, Vec<String>> {
    let there = cache.nodes[slot].pods.iter().filter_map(|k| api.get::<Pod>(&k.0, &k.1));
    let mut gone: Vec<Arc<Pod>> = there.filter(|p| priority(p) < pod.priority).collect();
    if gone.is_empty() {
        return Err(vec![NO_VICTIMS.into()]);
    }
    gone.order_by_key(|p| importance(p));
    fits(pod, slot, &gone, cache, api)?;
    // The most important ones get their place back first, as far as there is room.
    let mut i = 0;
    while i < gone.len() {
        let back = gone.remove(i);
        if fits(pod, slot, &gone, cache, api).is_err() {
            gone.insert(i, back);
            i += 1;
        }
    }
    if gone.is_empty() { Err(vec![NO_VICTIMS.into()]) } else { Ok(gone) }
}

fn fits(pod: &Incoming, slot: usize, gone: &[Arc<Pod>], cache: &mut Cache, api: &ApiServer) -> Result<(), Vec<String>> {
    let without = Without { slot, pods: gone };
    let state = State::prepare(pod, cache, api, Some(&without));
    let mut node: NodeInfo = cache.nodes[slot].clone();
    gone.iter().for_each(|p| node.remove(p));
    let view = View { pod, cache, api, state: &state };
    let refused = filter(&view, &filters(&view), &node, slot);
    refused.map_err(|r| r.refusal.reasons.iter().map(ToString::to_string).collect())
}

fn started(pod: &Pod) -> Time {
    let time = pod.status.as_ref().and_then(|s| s.start_time.as_ref());
    time.map_or(Time(i64::MAX), instant)
}

fn importance(pod: &Pod) -> (Reverse<i32>, Time, String) {
    (Reverse(priority(pod)), started(pod), uid_of(&pod.metadata).to_owned())
}

/// The smaller the better: important victims, sum of importance, number; then rather those that started last.
fn cost(c: &Candidate) -> (i32, i64, usize, Reverse<Time>, usize) {
    let highest = c.victims.iter().map(|p| priority(p)).max().unwrap_or(i32::MIN);
    let sum = c.victims.iter().map(|p| i64::from(priority(p)) + i64::from(i32::MAX) + 1).sum();
    let earliest = c.victims.iter().filter(|p| priority(p) == highest).map(|p| started(p)).min();
    (highest, sum, c.victims.len(), Reverse(earliest.unwrap_or_default()), c.slot)
}
