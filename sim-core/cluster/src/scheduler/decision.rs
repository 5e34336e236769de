//! What the scheduler thought about a pod, kept for a while so that it can be shown.

use super::cache::PodKey;
use std::borrow::Cow;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// One attempt to find a node for a pod.
#[derive(Clone, Debug)]
pub struct Decision {
    pub pod: PodKey,
    pub attempt: u32,
    /// The node chosen, if there was one.
    pub node: Option<Arc<str>>,
    /// The condition's message if there was none.
    pub message: String,
    /// The nodes that were looked at, at most [`NODES_MAX`].
    pub nodes: Vec<NodeVerdict>,
}

#[derive(Clone, Debug)]
pub struct NodeVerdict {
    pub node: Arc<str>,
    /// The plugin that refused the node, and why.
    pub refused: Option<(&'static str, Vec<Cow<'static, str>>)>,
    /// Plugin, its score from 0 to 100, its weight.
    pub scores: Vec<(&'static str, i64, i64)>,
}

impl NodeVerdict {
    pub fn total(&self) -> i64 {
        self.scores.iter().map(|(_, score, weight)| score * weight).sum()
    }
}

/// Nodes that a decision tells about.
pub const NODES_MAX: usize = 16;
/// Pods whose last decision is kept.
const DECISIONS_MAX: usize = 512;

#[derive(Clone, Default)]
pub struct Decisions {
    by_uid: BTreeMap<Arc<str>, Decision>,
    order: VecDeque<Arc<str>>,
}

impl Decisions {
    pub fn keep(&mut self, uid: &str, decision: Decision) {
        let uid: Arc<str> = uid.into();
        if self.by_uid.insert(Arc::clone(&uid), decision).is_none() {
            self.order.push_back(uid);
        }
        if self.order.len() > DECISIONS_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.by_uid.remove(&oldest);
        }
    }

    pub fn get(&self, uid: &str) -> Option<&Decision> {
        self.by_uid.get(uid)
    }
}
