//! What the scheduler knows of the nodes and of the pods on them, kept from the log one change at a time.
//!
//! Models: the scheduler's cache and its NodeInfo. Pods that have ended do not count.
//! Invariant: a node's sums are those of the pods listed on it; slots are stable while no node comes or goes.

use super::resources::{Requests, Resources, pods_allowed};
use crate::controllers::SelectorIndex;
use crate::controllers::meta::{is_terminal, name_of, namespace_of, node_of};
use apimachinery::labels::Selector;
use apimachinery::order::Gather as _;
use apiserver::ApiServer;
use k8s_openapi::api::core::v1::{ContainerPort, Node, Pod, PodSpec, Taint};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

pub type PodKey = (Arc<str>, Arc<str>);

pub fn pod_key(pod: &Pod) -> PodKey {
    (namespace_of(&pod.metadata).into(), name_of(&pod.metadata).into())
}

/// The label that tells nodes apart.
pub const HOSTNAME: &str = "kubernetes.io/hostname";

/// Address, protocol and port on a node.
pub type HostPort = (String, String, i32);

#[derive(Clone)]
pub struct NodeInfo {
    pub name: Arc<str>,
    pub labels: BTreeMap<String, String>,
    /// [`HOSTNAME`] is among the labels: asked of every node for every pod.
    pub has_hostname: bool,
    pub taints: Vec<Taint>,
    pub unschedulable: bool,
    pub allocatable: Resources,
    pub pods_allowed: i64,
    pub used: Resources,
    pub assumed_milli_cpu: i64,
    pub assumed_memory: i64,
    pub pods: BTreeSet<PodKey>,
    pub ports: BTreeMap<HostPort, u32>,
    /// Image name → bytes.
    pub images: BTreeMap<String, i64>,
}

impl NodeInfo {
    fn new(name: &str) -> Self {
        Self {
            name: name.into(),
            labels: BTreeMap::new(),
            has_hostname: false,
            taints: Vec::new(),
            unschedulable: false,
            allocatable: Resources::default(),
            pods_allowed: 0,
            used: Resources::default(),
            assumed_milli_cpu: 0,
            assumed_memory: 0,
            pods: BTreeSet::new(),
            ports: BTreeMap::new(),
            images: BTreeMap::new(),
        }
    }

    /// Takes over what the scheduler looks at; true if any of it changed.
    fn read(&mut self, node: &Node) -> bool {
        let labels = node.metadata.labels.clone().unwrap_or_default();
        let spec = node.spec.as_ref();
        let taints = spec.and_then(|s| s.taints.clone()).unwrap_or_default();
        let unschedulable = spec.is_some_and(|s| s.unschedulable == Some(true));
        let allocatable = node.status.as_ref().and_then(|s| s.allocatable.as_ref());
        let (resources, pods_allowed) = (Resources::read(allocatable), pods_allowed(allocatable));
        self.images.clear();
        for image in node.status.iter().flat_map(|s| s.images.iter().flatten()) {
            for name in image.names.iter().flatten() {
                self.images.insert(name.clone(), image.size_bytes.unwrap_or(0));
            }
        }
        let same = self.labels == labels
            && self.taints == taints
            && self.unschedulable == unschedulable
            && self.allocatable == resources
            && self.pods_allowed == pods_allowed;
        self.has_hostname = labels.contains_key(HOSTNAME);
        self.labels = labels;
        self.taints = taints;
        self.unschedulable = unschedulable;
        self.allocatable = resources;
        self.pods_allowed = pods_allowed;
        !same
    }

    pub fn add(&mut self, pod: &Pod) {
        if self.pods.insert(pod_key(pod)) {
            self.count(pod, 1);
        }
    }

    pub fn remove(&mut self, pod: &Pod) {
        if self.pods.remove(&pod_key(pod)) {
            self.count(pod, -1);
        }
    }

    fn count(&mut self, pod: &Pod, sign: i64) {
        let Some(spec) = pod.spec.as_ref() else { return };
        let requests = Requests::of(spec);
        self.used.add(&requests.exact, sign);
        self.assumed_milli_cpu += sign * requests.assumed_milli_cpu;
        self.assumed_memory += sign * requests.assumed_memory;
        for port in host_ports(spec) {
            let n = self.ports.entry(port.clone()).or_default();
            *n = if sign > 0 { *n + 1 } else { n.saturating_sub(1) };
            if *n == 0 {
                self.ports.remove(&port);
            }
        }
    }
}

/// Ports that a pod takes on its node.
pub fn host_ports(spec: &PodSpec) -> Vec<HostPort> {
    let sidecars = spec.init_containers.iter().flatten().filter(|c| c.restart_policy.as_deref() == Some("Always"));
    let ports = spec.containers.iter().chain(sidecars).flat_map(|c| c.ports.iter().flatten());
    let read = |p: &ContainerPort| {
        let ip = p.host_ip.as_deref().filter(|ip| !ip.is_empty()).unwrap_or("0.0.0.0");
        let protocol = p.protocol.as_deref().unwrap_or("TCP");
        Some((ip.to_owned(), protocol.to_owned(), p.host_port.filter(|n| *n > 0)?))
    };
    ports.filter_map(read).collect()
}

/// Pods per node that a selector selects in one namespace, kept up to date.
#[derive(Clone)]
struct Tracked {
    with_deleting: bool,
    per_slot: Vec<i32>,
}

/// Selectors that are counted at the same time; beyond it all are forgotten and counted afresh when asked for.
const TRACKED_MAX: usize = 2048;

#[derive(Clone, Default)]
pub struct Cache {
    pub nodes: Vec<NodeInfo>,
    slots: BTreeMap<Arc<str>, usize>,
    ids: BTreeMap<String, u32>,
    tracked: Vec<Tracked>,
    selectors: SelectorIndex<u32>,
    /// Keys of labels that some node carries.
    label_keys: BTreeSet<String>,
    /// Assigned pods with affinity or anti-affinity to pods.
    pub with_affinity: BTreeSet<PodKey>,
    /// Image name → how many nodes have it.
    pub image_nodes: BTreeMap<String, i64>,
    /// Pods that wait for their victims to go, by node.
    pub nominated: BTreeMap<Arc<str>, BTreeSet<PodKey>>,
}

impl Cache {
    pub fn slot(&self, node: &str) -> Option<usize> {
        self.slots.get(node).copied()
    }

    /// Takes in a node; true if it is new or differs in what matters for scheduling.
    pub fn node(&mut self, node: &Node, api: &ApiServer) -> bool {
        let name = name_of(&node.metadata);
        let changed = match self.slot(name) {
            Some(slot) => {
                let before = std::mem::take(&mut self.nodes[slot].images);
                let changed = self.nodes[slot].read(node);
                if before != self.nodes[slot].images {
                    self.count_images(before.keys(), -1);
                    let after = std::mem::take(&mut self.nodes[slot].images);
                    self.count_images(after.keys(), 1);
                    self.nodes[slot].images = after;
                }
                changed
            }
            None => {
                let mut info = NodeInfo::new(name);
                info.read(node);
                self.count_images(info.images.keys(), 1);
                // Pods may be bound to a node before it is there.
                for pod in api.list::<Pod>(None).filter(|p| node_of(p) == name && !is_terminal(p)) {
                    info.add(pod);
                }
                let at = self.nodes.partition_point(|n| *n.name < *info.name);
                self.nodes.insert(at, info);
                self.renumber();
                true
            }
        };
        if changed {
            self.label_keys = self.nodes.iter().flat_map(|n| n.labels.keys()).cloned().gather();
        }
        changed
    }

    pub fn node_gone(&mut self, name: &str) {
        if let Some(slot) = self.slot(name) {
            let gone = self.nodes.remove(slot);
            self.renumber();
            self.count_images(gone.images.keys(), -1);
        }
    }

    /// To be called before a cycle asks for counts: makes room if too many selectors are counted.
    pub fn begin_cycle(&mut self) {
        if self.tracked.len() > TRACKED_MAX {
            self.forget_selectors();
        }
    }

    /// Whether any node carries this label.
    pub fn any_node_has(&self, label: &str) -> bool {
        self.label_keys.contains(label)
    }

    fn renumber(&mut self) {
        self.slots = (0..).zip(&self.nodes).map(|(i, n)| (Arc::clone(&n.name), i)).gather();
        self.forget_selectors();
    }

    fn count_images<'a>(&mut self, names: impl Iterator<Item = &'a String>, sign: i64) {
        for name in names {
            match self.image_nodes.get_mut(name) {
                Some(n) => *n += sign,
                None => {
                    self.image_nodes.insert(name.clone(), sign);
                }
            }
            if self.image_nodes.get(name) == Some(&0) {
                self.image_nodes.remove(name);
            }
        }
    }

    fn forget_selectors(&mut self) {
        self.ids.clear();
        self.tracked.clear();
        self.selectors = SelectorIndex::default();
    }

    /// Takes in a pod's change.
    pub fn pod(&mut self, old: Option<&Pod>, new: Option<&Pod>) {
        let placed = |pod: &&Pod| !node_of(pod).is_empty() && !is_terminal(pod);
        let (old, new) = (old.filter(placed), new.filter(placed));
        let deleting = |pod: &Pod| pod.metadata.deletion_timestamp.is_some();
        if let (Some(a), Some(b)) = (old, new) {
            let same = node_of(a) == node_of(b) && deleting(a) == deleting(b) && a.metadata.labels == b.metadata.labels;
            // The generation moves with the spec, so that the specs need not be compared.
            if same && a.metadata.generation == b.metadata.generation {
                return;
            }
        }
        for (pod, sign) in old.map(|p| (p, -1)).into_iter().chain(new.map(|p| (p, 1))) {
            let Some(slot) = self.slot(node_of(pod)) else { continue };
            if sign > 0 {
                self.nodes[slot].add(pod);
            } else {
                self.nodes[slot].remove(pod);
            }
            let tracked = &mut self.tracked;
            self.selectors.matching(namespace_of(&pod.metadata), pod.metadata.labels.as_ref(), |id| {
                let t = &mut tracked[*id as usize];
                if t.with_deleting || !deleting(pod) {
                    t.per_slot[slot] += sign;
                }
            });
            if has_pod_affinity(pod) {
                if sign > 0 {
                    self.with_affinity.insert(pod_key(pod));
                } else {
                    self.with_affinity.remove(&pod_key(pod));
                }
            }
        }
    }

    /// How many pods of `namespace` the selector selects, by slot of their node.
    pub fn counts(&mut self, namespace: &str, selector: &Selector, with_deleting: bool, api: &ApiServer) -> CountsId {
        let key = format!("{namespace}/{with_deleting}/{selector}");
        if let Some(id) = self.ids.get(&key) {
            return CountsId(*id);
        }
        let mut per_slot = vec![0; self.nodes.len()];
        for pod in api.list::<Pod>(Some(namespace)) {
            let counts = (with_deleting || pod.metadata.deletion_timestamp.is_none()) && !is_terminal(pod);
            if let Some(slot) = self.slot(node_of(pod)).filter(|_| counts && selector.matches(&pod.metadata.labels)) {
                per_slot[slot] += 1;
            }
        }
        let id = u32::try_from(self.tracked.len()).unwrap_or(u32::MAX);
        self.tracked.push(Tracked { with_deleting, per_slot });
        self.selectors.insert(namespace, id, selector.clone());
        self.ids.insert(key, id);
        CountsId(id)
    }

    pub fn per_slot(&self, id: CountsId) -> &[i32] {
        &self.tracked[id.0 as usize].per_slot
    }
}

/// Handle of a counted selector; good until the next cycle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CountsId(u32);

pub fn has_pod_affinity(pod: &Pod) -> bool {
    let affinity = pod.spec.as_ref().and_then(|s| s.affinity.as_ref());
    affinity.is_some_and(|a| a.pod_affinity.is_some() || a.pod_anti_affinity.is_some())
}
