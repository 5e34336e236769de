//! The scheduler's plugins: each says which nodes will not do, and how good the others are.
//!
//! Models: `pkg/scheduler/framework/plugins`, in the order and with the weights of the default profile. A new plugin is
//! one file and one line in [`PLUGINS`].

pub mod image_locality;
pub mod inter_pod_affinity;
pub mod node_affinity;
pub mod node_name;
pub mod node_ports;
pub mod node_resources;
pub mod node_unschedulable;
pub mod pod_topology_spread;
pub mod taint_toleration;
pub mod volume_binding;

use super::cache::{Cache, HostPort, NodeInfo, PodKey, host_ports, pod_key};
use super::queue::Refusers;
use super::resources::Requests;
use crate::controllers::meta::namespace_of;
use apiserver::ApiServer;
use k8s_openapi::api::core::v1::{Pod, PodSpec};
use std::borrow::Cow;
use std::sync::Arc;

pub const SCORE_MAX: i64 = 100;

/// Why a node will not do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    pub reasons: Vec<Cow<'static, str>>,
    /// Taking pods off the node might help.
    pub preemptible: bool,
}

impl Refusal {
    pub fn preemptible(reason: &'static str) -> Self {
        Self { reasons: vec![Cow::Borrowed(reason)], preemptible: true }
    }
    pub fn hard(reason: &'static str) -> Self {
        Self { reasons: vec![Cow::Borrowed(reason)], preemptible: false }
    }
}

/// The pod that needs a node.
#[derive(Clone)]
pub struct Incoming {
    pub pod: Arc<Pod>,
    pub key: PodKey,
    pub priority: i32,
    pub requests: Requests,
    pub ports: Vec<HostPort>,
}

impl Incoming {
    pub fn new(pod: Arc<Pod>) -> Self {
        let spec = pod.spec.as_ref();
        Self {
            key: pod_key(&pod),
            priority: priority(&pod),
            requests: spec.map(Requests::of).unwrap_or_default(),
            ports: spec.map(host_ports).unwrap_or_default(),
            pod,
        }
    }

    pub fn spec(&self) -> Option<&PodSpec> {
        self.pod.spec.as_ref()
    }

    pub fn namespace(&self) -> &str {
        namespace_of(&self.pod.metadata)
    }
}

pub fn priority(pod: &Pod) -> i32 {
    pod.spec.as_ref().and_then(|s| s.priority).unwrap_or(0)
}

/// Pods that are thought away from one node, for trying out a preemption.
pub struct Without<'a> {
    pub slot: usize,
    pub pods: &'a [Arc<Pod>],
}

/// What plugins have worked out about the pod before they look at single nodes.
#[derive(Default)]
pub struct State {
    pub spread: pod_topology_spread::State,
    pub affinity: inter_pod_affinity::State,
    pub images: image_locality::State,
}

impl State {
    pub fn prepare(pod: &Incoming, cache: &mut Cache, api: &ApiServer, without: Option<&Without<'_>>) -> Self {
        cache.begin_cycle();
        Self {
            spread: pod_topology_spread::State::prepare(pod, cache, api, without),
            affinity: inter_pod_affinity::State::prepare(pod, cache, api, without),
            images: image_locality::State::prepare(pod, cache),
        }
    }
}

/// What a plugin sees.
pub struct View<'a> {
    pub pod: &'a Incoming,
    pub cache: &'a Cache,
    pub api: &'a ApiServer,
    pub state: &'a State,
}

/// What may change a plugin's mind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// A node came, or its labels, taints or resources changed.
    Node,
    /// A pod was bound to a node.
    PodAssigned,
    /// A pod left its node.
    PodGone,
}

pub trait Plugin: Sync {
    fn name(&self) -> &'static str;
    /// Whether the plugin has anything to say about this pod.
    fn filters(&self, view: &View<'_>) -> bool {
        let _ = view;
        false
    }
    fn filter(&self, view: &View<'_>, node: &NodeInfo, slot: usize) -> Result<(), Refusal> {
        let _ = (view, node, slot);
        Ok(())
    }
    /// Weight of the score; 0: the plugin does not score.
    fn weight(&self) -> i64 {
        0
    }
    fn scores(&self, view: &View<'_>) -> bool {
        let _ = view;
        self.weight() > 0
    }
    fn score(&self, view: &View<'_>, node: &NodeInfo, slot: usize) -> i64 {
        let _ = (view, node, slot);
        0
    }
    /// Brings the scores of all candidate nodes into 0..=100. `slots`: the nodes in the order of `scores`.
    fn normalize(&self, view: &View<'_>, slots: &[usize], scores: &mut [i64]) {
        let _ = (view, slots, scores);
    }
    /// Whether a pod that the plugin refused should be tried again.
    fn wakes(&self, event: Event) -> bool {
        event == Event::Node
    }
}

pub static PLUGINS: &[&dyn Plugin] = &[
    &node_unschedulable::NodeUnschedulable,
    &node_name::NodeName,
    &taint_toleration::TaintToleration,
    &node_affinity::NodeAffinity,
    &node_ports::NodePorts,
    &node_resources::Fit,
    &volume_binding::VolumeBinding,
    &pod_topology_spread::PodTopologySpread,
    &inter_pod_affinity::InterPodAffinity,
    &node_resources::BalancedAllocation,
    &image_locality::ImageLocality,
];

/// The plugins whose mind an event may change.
pub fn woken_by(event: Event) -> Refusers {
    (0..).zip(PLUGINS).filter(|(_, p)| p.wakes(event)).map(|(i, _)| 1 << i).sum()
}

/// Scales scores so that the largest is 100; `reverse`: the largest becomes 0.
pub fn scale_to_max(scores: &mut [i64], reverse: bool) {
    let max = scores.iter().copied().max().unwrap_or(0);
    for score in scores {
        if max > 0 {
            *score = *score * SCORE_MAX / max;
        }
        if reverse {
            *score = SCORE_MAX - *score;
        }
    }
}
