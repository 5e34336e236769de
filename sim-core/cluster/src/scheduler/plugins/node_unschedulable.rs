//! Cordoned nodes take only pods that tolerate it.

use super::{NodeInfo, Plugin, Refusal, View};
use crate::taints::{NO_SCHEDULE, tolerates, tolerations};
use k8s_openapi::api::core::v1::Taint;

pub struct NodeUnschedulable;

pub const TAINT: &str = "node.kubernetes.io/unschedulable";

impl Plugin for NodeUnschedulable {
    fn name(&self) -> &'static str {
        "NodeUnschedulable"
    }
    fn filters(&self, _view: &View<'_>) -> bool {
        true
    }
    fn filter(&self, view: &View<'_>, node: &NodeInfo, _slot: usize) -> Result<(), Refusal> {
        if !node.unschedulable {
            return Ok(());
        }
        let taint = Taint { key: TAINT.into(), effect: NO_SCHEDULE.into(), value: None, time_added: None };
        if tolerations(&view.pod.pod).iter().any(|t| tolerates(t, &taint)) {
            return Ok(());
        }
        Err(Refusal::hard("node(s) were unschedulable"))
    }
}
