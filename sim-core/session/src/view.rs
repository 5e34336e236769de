//! What a front end sees: plain data, made for drawing. No Kubernetes type appears here; kinds come as their badges
//! (`po`, `deploy`, `svc`), which is also how the picture teaches the words to type.
//!
//! Invariant: within one kind, ids are unique and stay the same for the life of the thing they name.

/// A thing's identity for as long as it lives (its UID).
pub type Id = String;

/// The whole cluster at one instant.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ClusterView {
    /// Empty while the cluster is not there (before `minikube start`).
    pub nodes: Vec<NodeView>,
    pub pods: Vec<PodView>,
    pub owners: Vec<OwnerView>,
    pub services: Vec<ServiceView>,
    /// Ports of the learner's own machine that lead into the cluster (`kubectl port-forward`).
    pub forwards: Vec<ForwardView>,
    /// The latest things that happened, oldest first; at most a few dozen.
    pub story: Vec<StoryLine>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NodeState {
    #[default]
    Ready,
    NotReady,
    Unknown,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct NodeView {
    pub id: Id,
    pub name: String,
    /// As `kubectl get nodes` shows them: `control-plane`, `<none>`.
    pub roles: String,
    pub version: String,
    pub state: NodeState,
    /// No new pods are put here (`kubectl cordon`).
    pub cordoned: bool,
    /// What pods may ask for in all, and what they have asked for: thousandths of a CPU, bytes.
    pub cpu_milli: u64,
    pub cpu_milli_requested: u64,
    pub memory_bytes: u64,
    pub memory_bytes_requested: u64,
}

/// A pod's state as a learner tells it apart, a closed set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PodState {
    /// No node yet.
    #[default]
    Pending,
    /// On a node, fetching an image; see [`PodView::progress`].
    Pulling,
    /// On a node, its containers being made.
    Starting,
    Running,
    /// Runs, but is not ready for requests.
    NotReady,
    Failed,
    Completed,
    Terminating,
    Unknown,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct PodView {
    pub id: Id,
    pub namespace: String,
    pub name: String,
    /// Name of its node; empty before one is chosen.
    pub node: String,
    pub state: PodState,
    /// What `kubectl get pods` says under STATUS: `ContainerCreating`, `CrashLoopBackOff`.
    pub status: String,
    pub ready: u32,
    pub containers: u32,
    pub restarts: u32,
    /// Share of the image that has been pulled, 0 to 1, while [`PodState::Pulling`].
    pub progress: f32,
    pub ip: String,
    /// The [`OwnerView`] that keeps it.
    pub owner: Option<Id>,
    /// Belongs to the cluster itself rather than to the learner.
    pub system: bool,
}

/// Something that keeps pods: a ReplicaSet, a Job. Drawn as a bracket around them, named by the outermost owner.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OwnerView {
    pub id: Id,
    /// `deploy`, `rs`, `sts` …
    pub badge: String,
    pub namespace: String,
    pub name: String,
    pub parent: Option<Id>,
    pub wanted: u32,
    pub ready: u32,
    pub system: bool,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct ServiceView {
    pub id: Id,
    pub namespace: String,
    pub name: String,
    /// `ClusterIP`, `NodePort` …
    pub kind: String,
    pub ip: String,
    /// As `kubectl get svc` shows them: `80/TCP`.
    pub ports: String,
    pub endpoints: Vec<EndpointView>,
    /// What it looks for, as `kubectl get svc -o wide` shows it: `app=frontend`. Empty: it selects nothing.
    pub selector: String,
    pub system: bool,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct EndpointView {
    pub pod: Id,
    /// Requests go only to those that are.
    pub ready: bool,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct ForwardView {
    pub port: u16,
    pub pod: Id,
}

/// One thing that happened, in the cluster's own words (an event): `Scheduled`, `Successfully assigned …`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StoryLine {
    /// Microseconds since the Unix epoch, virtual time.
    pub at_us: i64,
    /// `po/nginx`.
    pub subject: String,
    pub reason: String,
    pub message: String,
    pub warning: bool,
    /// It happened to an object of the cluster's own (namespace `kube-…`).
    pub system: bool,
}

/// The clock of the playground.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ClockView {
    /// Microseconds since the Unix epoch, virtual time.
    pub now_us: i64,
    /// Since the playground began.
    pub elapsed_us: i64,
    /// Virtual seconds for each real one; 0: paused.
    pub speed: u32,
}
