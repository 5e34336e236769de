//! One scheduling cycle: which nodes will do, and which of them is best.
//!
//! Models: `schedulePod` in `pkg/scheduler/schedule_one.go`. Decides only; binding is the caller's.

use super::cache::NodeInfo;
use super::decision::{NODES_MAX, NodeVerdict};
use super::plugins::{PLUGINS, Plugin, Refusal, View};
use super::queue::Refusers;
use apimachinery::order::Order as _;
use apimachinery::rng::Rng;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Clusters up to this size have every node looked at.
const FEASIBLE_MIN: usize = 100;
const PERCENTAGE_MIN: usize = 5;

/// A node that will not do: its slot, the plugin's place in the table, why.
pub struct Refused {
    pub slot: usize,
    pub plugin: usize,
    pub refusal: Refusal,
}

#[derive(Default)]
pub struct Search {
    /// Slots of the nodes that will do.
    pub feasible: Vec<usize>,
    pub refused: Vec<Refused>,
    /// Nodes looked at: where the next search goes on.
    pub looked_at: usize,
}

/// How many feasible nodes are enough: of large clusters only a part is looked at.
fn enough(nodes: usize) -> usize {
    if nodes < FEASIBLE_MIN {
        return nodes;
    }
    let percentage = 50usize.saturating_sub(nodes / 125).max(PERCENTAGE_MIN);
    (nodes * percentage / 100).max(FEASIBLE_MIN)
}

/// The filters that have anything to say about this pod.
pub fn filters(view: &View<'_>) -> Vec<(usize, &'static dyn Plugin)> {
    PLUGINS.iter().copied().enumerate().filter(|(_, p)| p.filters(view)).collect()
}

/// The first filter that refuses the node.
pub fn filter(
    view: &View<'_>,
    filters: &[(usize, &'static dyn Plugin)],
    node: &NodeInfo,
    slot: usize,
) -> Result<(), Refused> {
    filters
        .iter()
        .try_for_each(|(i, p)| p.filter(view, node, slot).map_err(|refusal| Refused { slot, plugin: *i, refusal }))
}

/// Looks for nodes that will do, beginning at `start` and going round.
pub fn search(view: &View<'_>, start: usize) -> Search {
    let nodes = &view.cache.nodes;
    let filters = filters(view);
    let enough = enough(nodes.len());
    let mut out = Search::default();
    let nominated = view.pod.pod.status.as_ref().and_then(|s| s.nominated_node_name.as_deref());
    if let Some(slot) = nominated.and_then(|n| view.cache.slot(n))
        && filter(view, &filters, &nodes[slot], slot).is_ok()
    {
        out.feasible.push(slot);
        return out;
    }
    for i in 0..nodes.len() {
        if out.feasible.len() >= enough {
            break;
        }
        let slot = (start + i) % nodes.len();
        out.looked_at += 1;
        match filter(view, &filters, &nodes[slot], slot) {
            Ok(()) => out.feasible.push(slot),
            Err(refused) => out.refused.push(refused),
        }
    }
    out
}

/// Scores per plugin, aligned with the feasible slots.
pub struct Scores {
    per_plugin: Vec<(&'static dyn Plugin, Vec<i64>)>,
}

impl Scores {
    pub fn of(view: &View<'_>, feasible: &[usize]) -> Self {
        let scorers = PLUGINS.iter().copied().filter(|p| p.weight() > 0 && p.scores(view));
        let per_plugin = scorers
            .map(|p| {
                let mut scores: Vec<i64> =
                    feasible.iter().map(|slot| p.score(view, &view.cache.nodes[*slot], *slot)).collect();
                p.normalize(view, feasible, &mut scores);
                (p, scores)
            })
            .collect();
        Self { per_plugin }
    }

    fn total(&self, i: usize) -> i64 {
        self.per_plugin.iter().map(|(p, scores)| p.weight() * scores[i]).sum()
    }

    /// Position of the best; among equals one by lot.
    pub fn best(&self, count: usize, mut lots: Rng) -> usize {
        let (mut best, mut best_total, mut equals) = (0, i64::MIN, 0);
        for i in 0..count {
            let total = self.total(i);
            if total > best_total {
                (best, best_total, equals) = (i, total, 1);
            } else if total == best_total {
                equals += 1;
                if lots.below(equals) == 0 {
                    best = i;
                }
            }
        }
        best
    }

    pub fn of_node(&self, i: usize) -> Vec<(&'static str, i64, i64)> {
        self.per_plugin.iter().map(|(p, scores)| (p.name(), scores[i], p.weight())).collect()
    }
}

/// The table of a search for showing.
pub fn verdicts(view: &View<'_>, search: &Search, scores: Option<&Scores>) -> Vec<NodeVerdict> {
    let name = |slot: usize| Arc::clone(&view.cache.nodes[slot].name);
    let fit = search.feasible.iter().enumerate().map(|(i, slot)| NodeVerdict {
        node: name(*slot),
        refused: None,
        scores: scores.map(|s| s.of_node(i)).unwrap_or_default(),
    });
    let refused = search.refused.iter().map(|r| NodeVerdict {
        node: name(r.slot),
        refused: Some((PLUGINS[r.plugin].name(), r.refusal.reasons.clone())),
        scores: Vec::new(),
    });
    fit.chain(refused).take(NODES_MAX).collect()
}

pub fn refusers(search: &Search) -> Refusers {
    search.refused.iter().fold(0, |bits, r| bits | 1 << r.plugin)
}

/// `0/3 nodes are available: 1 Insufficient cpu, 2 node(s) were unschedulable.`
pub fn histogram<'a>(nodes: usize, reasons: impl Iterator<Item = &'a str>) -> String {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for reason in reasons {
        *counts.entry(reason).or_default() += 1;
    }
    let mut parts: Vec<String> = counts.iter().map(|(reason, n)| format!("{n} {reason}")).collect();
    parts.order();
    let list = if parts.is_empty() { String::new() } else { format!(" {}.", parts.join(", ")) };
    format!("0/{nodes} nodes are available:{list}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_clusters_are_sampled() {
        for (nodes, expected) in [(1, 1), (99, 99), (100, 100), (150, 100), (1000, 420), (5000, 500), (10_000, 500)] {
            assert_eq!(enough(nodes), expected, "{nodes}");
        }
    }

    #[test]
    fn reasons_are_counted_and_sorted_as_text() {
        let reasons = ["b", "a", "b", "b"];
        assert_eq!(histogram(4, reasons.into_iter()), "0/4 nodes are available: 1 a, 3 b.");
        assert_eq!(histogram(1, std::iter::empty()), "0/1 nodes are available:");
    }
}
