//! From a cluster to what is drawn of it.
//!
//! Reads the API server's objects as any client might, and the kubelets for what no object says (how far a pull is).
//! Invariant: only reads.

use crate::view::{
    ClusterView, EndpointView, ForwardView, NodeState, NodeView, OwnerView, PodState, PodView, ServiceView, StoryLine,
};
use apimachinery::order::Order as _;
use apimachinery::quantity::Quantity;
use apimachinery::time::Time;
use cluster::Cluster;
use cluster::types::{Deployment, EndpointSlice, Event, Node, Pod, PodSpec, ReplicaSet, Service};
use std::collections::BTreeMap;

/// Lines of the story that are kept in view: as many of the learner's own objects, and as many of the cluster's.
const STORY_MAX: usize = 40;

/// A port of the learner's machine and the pod it leads to.
#[derive(Clone, PartialEq)]
pub struct Forward {
    pub port: u16,
    pub namespace: String,
    pub pod: String,
}

/// Draws the cluster as it is now, with the ports of the learner's machine that lead into it.
pub fn draw(cluster: &Cluster, forwards: &[Forward]) -> ClusterView {
    let mut asked: BTreeMap<String, (u64, u64)> = BTreeMap::new();
    let pods: Vec<PodView> = cluster.api.list::<Pod>(None).map(|pod| pod_view(cluster, pod, &mut asked)).collect();
    ClusterView {
        nodes: cluster.api.list::<Node>(None).map(|n| node_view(n, &asked)).collect(),
        owners: owners(cluster),
        services: cluster.api.list::<Service>(None).map(|s| service_view(cluster, s)).collect(),
        forwards: forwards.iter().filter_map(|f| forward_view(f, &pods)).collect(),
        story: story(cluster),
        pods,
    }
}

fn forward_view(forward: &Forward, pods: &[PodView]) -> Option<ForwardView> {
    let pod = pods.iter().find(|p| p.namespace == forward.namespace && p.name == forward.pod)?;
    Some(ForwardView { port: forward.port, pod: pod.id.clone() })
}

fn is_system(namespace: &str) -> bool {
    namespace.starts_with("kube-")
}

fn text(value: Option<&String>) -> String {
    value.cloned().unwrap_or_default()
}

/// What a pod asks for: thousandths of a CPU, bytes.
fn requests(spec: &PodSpec) -> (u64, u64) {
    let sum = |name: &str| -> i64 {
        spec.containers
            .iter()
            .filter_map(|c| c.resources.as_ref()?.requests.as_ref()?.get(name))
            .filter_map(|q| Quantity::parse(&q.0).ok())
            .map(Quantity::milli_value)
            .sum()
    };
    (sum("cpu").max(0).unsigned_abs(), sum("memory").max(0).unsigned_abs() / 1000)
}

fn pod_view(cluster: &Cluster, pod: &Pod, asked: &mut BTreeMap<String, (u64, u64)>) -> PodView {
    let namespace = text(pod.metadata.namespace.as_ref());
    let id = text(pod.metadata.uid.as_ref());
    let spec = pod.spec.as_ref();
    let status = pod.status.as_ref();
    let node = text(spec.and_then(|s| s.node_name.as_ref()));
    let word = cluster.pod_status_word(pod);
    let finished = matches!(status.and_then(|s| s.phase.as_deref()), Some("Succeeded" | "Failed"));
    if let Some(spec) = spec.filter(|_| !node.is_empty() && !finished) {
        let (cpu, memory) = requests(spec);
        let sum = asked.entry(node.clone()).or_default();
        *sum = (sum.0 + cpu, sum.1 + memory);
    }
    let containers = spec.map_or(0, |s| s.containers.len());
    let statuses = status.and_then(|s| s.container_statuses.as_deref()).unwrap_or_default();
    let ready = statuses.iter().filter(|c| c.ready).count();
    let pulling = cluster.pull_progress(&id);
    PodView {
        state: state(pod, &word, ready == containers, !node.is_empty(), pulling.is_some()),
        ready: u32::try_from(ready).unwrap_or(0),
        containers: u32::try_from(containers).unwrap_or(0),
        restarts: statuses.iter().map(|c| c.restart_count.max(0).unsigned_abs()).sum(),
        progress: pulling.unwrap_or(0.0),
        ip: text(status.and_then(|s| s.pod_ip.as_ref())),
        owner: pod
            .metadata
            .owner_references
            .iter()
            .flatten()
            .find(|o| o.controller == Some(true))
            .map(|o| o.uid.clone()),
        system: is_system(&namespace),
        name: text(pod.metadata.name.as_ref()),
        status: word,
        namespace,
        node,
        id,
    }
}

fn state(pod: &Pod, word: &str, all_ready: bool, placed: bool, pulling: bool) -> PodState {
    let phase = pod.status.as_ref().and_then(|s| s.phase.as_deref()).unwrap_or("Pending");
    if pod.metadata.deletion_timestamp.is_some() {
        return PodState::Terminating;
    }
    match (phase, word) {
        ("Succeeded", _) => PodState::Completed,
        ("Failed", _) => PodState::Failed,
        ("Unknown", _) => PodState::Unknown,
        (_, "ContainerCreating" | "PodInitializing") if pulling => PodState::Pulling,
        (_, "ContainerCreating" | "PodInitializing") => PodState::Starting,
        (_, w) if w.starts_with("Init:") && !w.contains("Err") && !w.contains("BackOff") => PodState::Starting,
        (_, "Running") if all_ready => PodState::Running,
        (_, "Running") => PodState::NotReady,
        (_, "Pending") if placed => PodState::Starting,
        (_, "Pending" | "SchedulingGated") => PodState::Pending,
        (_, "Completed") => PodState::Completed,
        _ => PodState::Failed,
    }
}

fn node_view(node: &Node, asked: &BTreeMap<String, (u64, u64)>) -> NodeView {
    let name = text(node.metadata.name.as_ref());
    let status = node.status.as_ref();
    let ready = status.iter().flat_map(|s| s.conditions.iter().flatten()).find(|c| c.type_ == "Ready").map_or(
        NodeState::Unknown,
        |c| match c.status.as_str() {
            "True" => NodeState::Ready,
            "False" => NodeState::NotReady,
            _ => NodeState::Unknown,
        },
    );
    let capacity = |what: &str| {
        let quantity = status.and_then(|s| s.allocatable.as_ref()?.get(what)).and_then(|q| Quantity::parse(&q.0).ok());
        quantity.map_or(0, |q| q.milli_value().max(0).unsigned_abs())
    };
    let roles: Vec<&str> =
        node.metadata.labels.iter().flatten().filter_map(|(k, _)| k.strip_prefix("node-role.kubernetes.io/")).collect();
    let (cpu, memory) = asked.get(&name).copied().unwrap_or_default();
    NodeView {
        id: text(node.metadata.uid.as_ref()),
        roles: if roles.is_empty() { "<none>".to_owned() } else { roles.join(",") },
        version: status.and_then(|s| s.node_info.as_ref()).map(|i| i.kubelet_version.clone()).unwrap_or_default(),
        state: ready,
        cordoned: node.spec.as_ref().and_then(|s| s.unschedulable).unwrap_or(false),
        cpu_milli: capacity("cpu"),
        cpu_milli_requested: cpu,
        memory_bytes: capacity("memory") / 1000,
        memory_bytes_requested: memory,
        name,
    }
}

fn owners(cluster: &Cluster) -> Vec<OwnerView> {
    let count = |n: Option<i32>| n.unwrap_or(0).max(0).unsigned_abs();
    let mut out: Vec<OwnerView> = cluster
        .api
        .list::<Deployment>(None)
        .map(|d| {
            let namespace = text(d.metadata.namespace.as_ref());
            OwnerView {
                id: text(d.metadata.uid.as_ref()),
                badge: "deploy".to_owned(),
                name: text(d.metadata.name.as_ref()),
                parent: None,
                wanted: count(d.spec.as_ref().and_then(|s| s.replicas)),
                ready: count(d.status.as_ref().and_then(|s| s.ready_replicas)),
                system: is_system(&namespace),
                namespace,
            }
        })
        .collect();
    out.extend(cluster.api.list::<ReplicaSet>(None).filter_map(|r| {
        let wanted = count(r.spec.as_ref().and_then(|s| s.replicas));
        let present = count(r.status.as_ref().map(|s| s.replicas));
        // A revision that has been scaled away has no pods to put a bracket around.
        (wanted + present > 0).then(|| {
            let namespace = text(r.metadata.namespace.as_ref());
            OwnerView {
                id: text(r.metadata.uid.as_ref()),
                badge: "rs".to_owned(),
                name: text(r.metadata.name.as_ref()),
                parent: r
                    .metadata
                    .owner_references
                    .iter()
                    .flatten()
                    .find(|o| o.controller == Some(true))
                    .map(|o| o.uid.clone()),
                wanted,
                ready: count(r.status.as_ref().and_then(|s| s.ready_replicas)),
                system: is_system(&namespace),
                namespace,
            }
        })
    }));
    out
}

fn service_view(cluster: &Cluster, service: &Service) -> ServiceView {
    let namespace = text(service.metadata.namespace.as_ref());
    let name = text(service.metadata.name.as_ref());
    let spec = service.spec.clone().unwrap_or_default();
    let ports: Vec<String> = spec
        .ports
        .iter()
        .flatten()
        .map(|p| {
            let protocol = p.protocol.as_deref().unwrap_or("TCP");
            match p.node_port {
                Some(n) => format!("{}:{n}/{protocol}", p.port),
                None => format!("{}/{protocol}", p.port),
            }
        })
        .collect();
    let mut endpoints = Vec::new();
    for slice in cluster.api.list::<EndpointSlice>(Some(&namespace)) {
        let label = slice.metadata.labels.as_ref().and_then(|l| l.get("kubernetes.io/service-name"));
        if label != Some(&name) {
            continue;
        }
        for e in slice.endpoints.iter().flatten() {
            if let Some(uid) = e.target_ref.as_ref().and_then(|t| t.uid.clone()) {
                let ready = e.conditions.as_ref().and_then(|c| c.ready).unwrap_or(true);
                endpoints.push(EndpointView { pod: uid, ready });
            }
        }
    }
    ServiceView {
        id: text(service.metadata.uid.as_ref()),
        kind: spec.type_.unwrap_or_default(),
        ip: spec.cluster_ip.unwrap_or_default(),
        ports: ports.join(","),
        endpoints,
        selector: spec.selector.map(|s| apimachinery::labels::format_labels(&s)).unwrap_or_default(),
        system: is_system(&namespace) || namespace == "default" && name == "kubernetes",
        namespace,
        name,
    }
}

/// The latest events, oldest first. The cluster's own pods chatter while it comes up: they must not crowd out what happens
/// to the learner's objects.
fn story(cluster: &Cluster) -> Vec<StoryLine> {
    let (system, own): (Vec<_>, Vec<_>) =
        cluster.api.list::<Event>(None).map(|e| (happened(e), e)).partition(|(_, e)| of_system(e));
    let mut events = latest(system);
    events.extend(latest(own));
    events.order_by_key(|(at, _)| *at);
    events
        .into_iter()
        .map(|((at_us, _), e)| StoryLine {
            at_us,
            subject: subject(e),
            reason: text(e.reason.as_ref()),
            message: text(e.message.as_ref()),
            warning: e.type_.as_deref() == Some("Warning"),
            system: of_system(e),
        })
        .collect()
}

/// When an event happened, and which of two at once came first.
type Moment = (i64, u64);

fn happened(event: &Event) -> Moment {
    (event.last_timestamp.as_ref().map_or(0, |t| Time::from(t.0).0), revision(event))
}

fn latest(mut events: Vec<(Moment, &Event)>) -> Vec<(Moment, &Event)> {
    let skip = events.len().saturating_sub(STORY_MAX);
    if skip > 0 {
        events.select_nth_unstable_by_key(skip, |(at, _)| *at);
        events.drain(..skip);
    }
    events
}

fn of_system(event: &Event) -> bool {
    is_system(event.involved_object.namespace.as_deref().unwrap_or_default())
}

fn revision(event: &Event) -> u64 {
    event.metadata.resource_version.as_deref().and_then(|r| r.parse().ok()).unwrap_or(0)
}

/// `po/nginx`: a kind by its short name, and the object.
fn subject(event: &Event) -> String {
    let kind = event.involved_object.kind.as_deref().unwrap_or_default();
    let badge = match kind {
        "Pod" => "po",
        "Deployment" => "deploy",
        "ReplicaSet" => "rs",
        "Node" => "no",
        "Service" => "svc",
        "Job" => "job",
        "StatefulSet" => "sts",
        "DaemonSet" => "ds",
        other => other,
    };
    format!("{badge}/{}", text(event.involved_object.name.as_ref()))
}
