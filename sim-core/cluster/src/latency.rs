//! Every delay of the simulation, in one table, with where it comes from.
//!
//! Figures are those of a healthy small cluster (minikube on a laptop); a real one differs from run to run.

use apimachinery::time::Duration;

/// From a change in the log to the reconcile that reacts to it: informer delivery and work queue.
pub const CONTROLLER_SYNC: Duration = Duration::from_millis(5);
/// First retry of a failed reconcile; doubles up to [`CONTROLLER_RETRY_MAX`] (workqueue's default rate limiter).
pub const CONTROLLER_RETRY: Duration = Duration::from_millis(5);
pub const CONTROLLER_RETRY_MAX: Duration = Duration::from_secs(1000);
/// EndpointSlice updates are batched a little, as upstream's `endpointUpdatesBatchPeriod` allows.
pub const ENDPOINTS_SYNC: Duration = Duration::from_millis(50);
/// One scheduling cycle with its binding.
pub const SCHEDULE_CYCLE: Duration = Duration::from_millis(1);
/// From a pod reaching the scheduler's queue to its first cycle.
pub const SCHEDULE_WAKE: Duration = Duration::from_millis(4);
/// Back-off of unschedulable pods: first and longest.
pub const SCHEDULE_BACKOFF: Duration = Duration::from_secs(1);
pub const SCHEDULE_BACKOFF_MAX: Duration = Duration::from_secs(10);
/// Unschedulable pods are tried again after this even if nothing changed.
pub const SCHEDULE_UNSCHEDULABLE_MAX: Duration = Duration::from_secs(300);

/// From a bound pod in the log to its worker's first sync.
pub const KUBELET_SYNC: Duration = Duration::from_millis(20);
/// Volumes mounted and sandbox (network namespace, IP) up.
pub const POD_SANDBOX: Duration = Duration::from_millis(250);
/// One container created and started.
pub const CONTAINER_START: Duration = Duration::from_millis(120);
/// Image lookups that find the image on the node.
pub const IMAGE_PRESENT: Duration = Duration::from_millis(5);
/// PLEG relists once a second; an exited process is seen at the next.
pub const PLEG_RELIST: Duration = Duration::from_secs(1);
/// A killed container is gone after this at the latest beyond its grace period.
pub const CONTAINER_KILL: Duration = Duration::from_millis(50);
/// Tearing down a pod whose containers have ended.
pub const POD_TEARDOWN: Duration = Duration::from_millis(300);
/// Crash-loop and image pull back-off.
pub const CRASH_BACKOFF: Duration = Duration::from_secs(10);
pub const CRASH_BACKOFF_MAX: Duration = Duration::from_secs(300);
/// A container that ran this long has its back-off forgotten.
pub const CRASH_BACKOFF_RESET: Duration = Duration::from_secs(600);
/// How soon a pod with something to retry is synced again.
pub const POD_RESYNC: Duration = Duration::from_secs(10);
/// ConfigMap and Secret changes reach mounted volumes with the kubelet's sync loop.
pub const VOLUME_REFRESH: Duration = Duration::from_secs(60);
/// Node lease renewal.
pub const NODE_LEASE: Duration = Duration::from_secs(10);
/// A node whose lease is older than this is Unknown.
pub const NODE_GRACE: Duration = Duration::from_secs(50);
/// Node lifecycle controller's look at all nodes.
pub const NODE_MONITOR: Duration = Duration::from_secs(5);

/// One hop inside the cluster network.
pub const NETWORK_HOP: Duration = Duration::from_micros(200);
/// What a web server takes to answer.
pub const HTTP_SERVE: Duration = Duration::from_micros(500);
/// A connection that nobody answers.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(130);
