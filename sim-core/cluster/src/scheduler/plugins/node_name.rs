//! A pod that names its node goes there. (Such pods rarely reach the scheduler: a bound pod is not queued.)

use super::{NodeInfo, Plugin, Refusal, View};
use crate::controllers::meta::node_of;

pub struct NodeName;

impl Plugin for NodeName {
    fn name(&self) -> &'static str {
        "NodeName"
    }
    fn filters(&self, view: &View<'_>) -> bool {
        !node_of(&view.pod.pod).is_empty()
    }
    fn filter(&self, view: &View<'_>, node: &NodeInfo, _slot: usize) -> Result<(), Refusal> {
        if node_of(&view.pod.pod) == &*node.name {
            return Ok(());
        }
        Err(Refusal::hard("node(s) didn't match the requested node name"))
    }
}
