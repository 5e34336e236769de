//! Resources: whether what the pod asks for is left on the node, and how evenly nodes get used.
//!
//! `NodeResourcesFit` scores by what is left (LeastAllocated); `NodeResourcesBalancedAllocation` by how alike the shares
//! of CPU and memory are.

use super::{Event, NodeInfo, Plugin, Refusal, SCORE_MAX, View, priority};
use crate::scheduler::resources::{Requests, Resources};
use k8s_openapi::api::core::v1::Pod;
use std::borrow::Cow;

pub struct Fit;
pub struct BalancedAllocation;

impl Plugin for Fit {
    fn name(&self) -> &'static str {
        "NodeResourcesFit"
    }
    fn filters(&self, _view: &View<'_>) -> bool {
        true
    }
    fn filter(&self, view: &View<'_>, node: &NodeInfo, _slot: usize) -> Result<(), Refusal> {
        let (promised, pods) = promised(view, node);
        let mut refusal = Refusal { reasons: Vec::new(), preemptible: true };
        if i64::try_from(node.pods.len()).unwrap_or(i64::MAX) + pods + 1 > node.pods_allowed {
            refusal.reasons.push("Too many pods".into());
        }
        let wanted = &view.pod.requests.exact;
        let (has, used) = (&node.allocatable, &node.used);
        let mut check = |wanted: i64, has: i64, used: i64, reason: Cow<'static, str>| {
            if wanted > 0 && wanted > has - used {
                refusal.reasons.push(reason);
                refusal.preemptible &= wanted <= has;
            }
        };
        check(wanted.milli_cpu, has.milli_cpu, used.milli_cpu + promised.milli_cpu, "Insufficient cpu".into());
        check(wanted.memory, has.memory, used.memory + promised.memory, "Insufficient memory".into());
        check(
            wanted.ephemeral,
            has.ephemeral,
            used.ephemeral + promised.ephemeral,
            "Insufficient ephemeral-storage".into(),
        );
        for (name, wanted) in &wanted.others {
            let of = |r: &Resources| r.others.get(name).copied().unwrap_or(0);
            check(*wanted, of(has), of(used) + of(&promised), Cow::Owned(format!("Insufficient {name}")));
        }
        if refusal.reasons.is_empty() { Ok(()) } else { Err(refusal) }
    }
    fn weight(&self) -> i64 {
        1
    }
    fn score(&self, view: &View<'_>, node: &NodeInfo, _slot: usize) -> i64 {
        let r = &view.pod.requests;
        let left = |used: i64, has: i64| if used > has { 0 } else { (has - used) * SCORE_MAX / has };
        let (mut sum, mut count) = (0, 0);
        for (used, has) in [
            (node.assumed_milli_cpu + r.assumed_milli_cpu, node.allocatable.milli_cpu),
            (node.assumed_memory + r.assumed_memory, node.allocatable.memory),
        ] {
            if has > 0 {
                sum += left(used, has);
                count += 1;
            }
        }
        if count == 0 { 0 } else { sum / count }
    }
    fn wakes(&self, event: Event) -> bool {
        matches!(event, Event::Node | Event::PodGone)
    }
}

/// What is kept free on the node for other pods, at least as important, that preempted their way onto it.
fn promised(view: &View<'_>, node: &NodeInfo) -> (Resources, i64) {
    let mut sum = Resources::default();
    let mut count = 0;
    for key in view.cache.nominated.get(&node.name).into_iter().flatten().filter(|k| **k != view.pod.key) {
        let Some(pod) = view.api.get::<Pod>(&key.0, &key.1).filter(|p| priority(p) >= view.pod.priority) else {
            continue;
        };
        sum.add(&pod.spec.as_ref().map(Requests::of).unwrap_or_default().exact, 1);
        count += 1;
    }
    (sum, count)
}

impl Plugin for BalancedAllocation {
    fn name(&self) -> &'static str {
        "NodeResourcesBalancedAllocation"
    }
    fn weight(&self) -> i64 {
        1
    }
    /// A pod that asks for nothing unbalances nothing.
    fn scores(&self, view: &View<'_>) -> bool {
        !view.pod.requests.exact.is_zero()
    }
    fn score(&self, view: &View<'_>, node: &NodeInfo, _slot: usize) -> i64 {
        let r = &view.pod.requests.exact;
        let (has, used) = (&node.allocatable, &node.used);
        let with = balance(used.milli_cpu + r.milli_cpu, has.milli_cpu, used.memory + r.memory, has.memory);
        let without = balance(used.milli_cpu, has.milli_cpu, used.memory, has.memory);
        SCORE_MAX / 2 + (SCORE_MAX / 2 + with - without) / 2
    }
}

/// 100 when CPU and memory are used to the same share, 50 when one is full and the other empty.
fn balance(cpu: i64, cpu_has: i64, memory: i64, memory_has: i64) -> i64 {
    let share = |used: i64, has: i64| (used as f64 / has as f64).min(1.0);
    let deviation = match (cpu_has > 0, memory_has > 0) {
        (true, true) => ((share(cpu, cpu_has) - share(memory, memory_has)) / 2.0).abs(),
        _ => 0.0,
    };
    ((1.0 - deviation) * SCORE_MAX as f64) as i64
}
