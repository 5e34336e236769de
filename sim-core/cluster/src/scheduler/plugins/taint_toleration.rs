//! Taints keep off pods that do not tolerate them; `PreferNoSchedule` only makes a node less attractive.

use super::{NodeInfo, Plugin, Refusal, View, scale_to_max};
use crate::taints::{NO_EXECUTE, NO_SCHEDULE, PREFER_NO_SCHEDULE, tolerates, tolerations, untolerated};

pub struct TaintToleration;

impl Plugin for TaintToleration {
    fn name(&self) -> &'static str {
        "TaintToleration"
    }
    fn filters(&self, _view: &View<'_>) -> bool {
        true
    }
    fn filter(&self, view: &View<'_>, node: &NodeInfo, _slot: usize) -> Result<(), Refusal> {
        match untolerated(&node.taints, tolerations(&view.pod.pod), &[NO_SCHEDULE, NO_EXECUTE]) {
            Some(_) => Err(Refusal::hard("node(s) had untolerated taint(s)")),
            None => Ok(()),
        }
    }
    fn weight(&self) -> i64 {
        3
    }
    /// How many soft taints are not tolerated.
    fn score(&self, view: &View<'_>, node: &NodeInfo, _slot: usize) -> i64 {
        let soft = node.taints.iter().filter(|t| t.effect == PREFER_NO_SCHEDULE);
        let bad = soft.filter(|taint| !tolerations(&view.pod.pod).iter().any(|t| tolerates(t, taint)));
        i64::try_from(bad.count()).unwrap_or(0)
    }
    fn normalize(&self, _view: &View<'_>, _slots: &[usize], scores: &mut [i64]) {
        scale_to_max(scores, true);
    }
}
