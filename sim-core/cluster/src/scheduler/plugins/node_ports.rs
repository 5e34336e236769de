//! Two pods cannot have the same port of a node.

use super::{Event, NodeInfo, Plugin, Refusal, View};
use crate::scheduler::cache::HostPort;

pub struct NodePorts;

const ANY: &str = "0.0.0.0";

impl Plugin for NodePorts {
    fn name(&self) -> &'static str {
        "NodePorts"
    }
    fn filters(&self, view: &View<'_>) -> bool {
        !view.pod.ports.is_empty()
    }
    fn filter(&self, view: &View<'_>, node: &NodeInfo, _slot: usize) -> Result<(), Refusal> {
        let taken = |wanted: &HostPort| node.ports.keys().any(|used| clash(wanted, used));
        if view.pod.ports.iter().any(taken) {
            return Err(Refusal::preemptible("node(s) didn't have free ports for the requested pod ports"));
        }
        Ok(())
    }
    fn wakes(&self, event: Event) -> bool {
        matches!(event, Event::Node | Event::PodGone)
    }
}

fn clash(a: &HostPort, b: &HostPort) -> bool {
    a.1 == b.1 && a.2 == b.2 && (a.0 == b.0 || a.0 == ANY || b.0 == ANY)
}
