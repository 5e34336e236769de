//! A pod in one line: what READY, STATUS and RESTARTS show.
//!
//! Models: `printPod` of `pkg/printers/internalversion`.

use apimachinery::time::Time;
use k8s_openapi::api::core::v1::{ContainerState, ContainerStateTerminated, ContainerStatus, Pod, PodSpec, PodStatus};

pub struct Summary {
    pub ready: usize,
    pub total: usize,
    /// `Running`, `CrashLoopBackOff`, `Init:0/1` …
    pub reason: String,
    pub restarts: i32,
    pub last_restart: Option<Time>,
}

impl Summary {
    pub fn of(pod: &Pod) -> Self {
        let spec = pod.spec.as_ref();
        let inits = spec.and_then(|s| s.init_containers.as_deref()).unwrap_or_default();
        let sidecars = inits.iter().filter(|c| c.restart_policy.as_deref() == Some("Always")).count();
        let mut out = Self {
            ready: 0,
            total: spec.map_or(0, |s| s.containers.len()) + sidecars,
            reason: String::new(),
            restarts: 0,
            last_restart: None,
        };
        let Some(status) = &pod.status else { return out };
        out.reason = phase_or_reason(status);
        let mut of_sidecars = Restarts::default();
        let mut of_inits = Restarts::default();
        let initializing = out.walk_inits(spec, status, &mut of_inits, &mut of_sidecars);
        if initializing && !is_true(status, "Initialized") {
            (out.restarts, out.last_restart) = (of_inits.count, of_inits.last);
        } else {
            out.walk_containers(status, of_sidecars);
        }
        let deleting = pod.metadata.deletion_timestamp.is_some();
        if deleting && status.reason.as_deref() == Some("NodeLost") {
            out.reason = "Unknown".to_owned();
        } else if deleting && !matches!(status.phase.as_deref(), Some("Failed" | "Succeeded")) {
            out.reason = "Terminating".to_owned();
        }
        out
    }

    /// Tells whether the pod is still at its init containers.
    fn walk_inits(
        &mut self,
        spec: Option<&PodSpec>,
        status: &PodStatus,
        all: &mut Restarts,
        sidecars: &mut Restarts,
    ) -> bool {
        let inits = spec.and_then(|s| s.init_containers.as_deref()).unwrap_or_default();
        for (i, c) in status.init_container_statuses.iter().flatten().enumerate() {
            all.add(c);
            let is_sidecar = inits.iter().any(|s| s.name == c.name && s.restart_policy.as_deref() == Some("Always"));
            if is_sidecar {
                sidecars.add(c);
            }
            let (waiting, terminated) = parts(c.state.as_ref());
            if terminated.is_some_and(|t| t.exit_code == 0) {
                continue;
            }
            if is_sidecar && c.started == Some(true) {
                self.ready += usize::from(c.ready);
                continue;
            }
            self.reason = match (terminated, waiting) {
                (Some(t), _) => format!("Init:{}", why_ended(t)),
                (None, Some(why)) if !why.is_empty() && why != "PodInitializing" => format!("Init:{why}"),
                _ => format!("Init:{i}/{}", inits.len()),
            };
            return true;
        }
        false
    }

    fn walk_containers(&mut self, status: &PodStatus, sidecars: Restarts) {
        let mut restarts = sidecars;
        let mut running = false;
        let mut failed = String::new();
        for c in status.container_statuses.iter().flatten().rev() {
            restarts.add(c);
            let (waiting, terminated) = parts(c.state.as_ref());
            if let Some(why) = waiting.filter(|w| !w.is_empty()) {
                self.reason = why.to_owned();
            } else if let Some(t) = terminated {
                self.reason = why_ended(t);
                if t.exit_code != 0 {
                    failed.clone_from(&self.reason);
                }
            } else if c.ready && c.state.as_ref().is_some_and(|s| s.running.is_some()) {
                running = true;
                self.ready += 1;
            }
        }
        // One container is done, others go on: the pod is not `Completed`.
        if self.reason == "Completed" {
            if running && is_true(status, "Ready") {
                self.reason = "Running".to_owned();
            } else if !failed.is_empty() {
                self.reason = failed;
            } else if running {
                self.reason = "NotReady".to_owned();
            }
        }
        (self.restarts, self.last_restart) = (restarts.count, restarts.last);
    }
}

#[derive(Default)]
struct Restarts {
    count: i32,
    last: Option<Time>,
}

impl Restarts {
    fn add(&mut self, c: &ContainerStatus) {
        self.count += c.restart_count;
        let ended = c.last_state.as_ref().and_then(|s| s.terminated.as_ref()?.finished_at.as_ref());
        self.last = self.last.max(ended.map(|t| Time::from(t.0)));
    }
}

fn phase_or_reason(status: &PodStatus) -> String {
    let gated = status
        .conditions
        .iter()
        .flatten()
        .any(|c| c.type_ == "PodScheduled" && c.reason.as_deref() == Some("SchedulingGated"));
    if gated {
        return "SchedulingGated".to_owned();
    }
    let reason = status.reason.as_deref().filter(|r| !r.is_empty());
    reason.or(status.phase.as_deref()).unwrap_or_default().to_owned()
}

fn is_true(status: &PodStatus, kind: &str) -> bool {
    status.conditions.iter().flatten().any(|c| c.type_ == kind && c.status == "True")
}

/// Why a container waits, and how it ended.
fn parts(state: Option<&ContainerState>) -> (Option<&str>, Option<&ContainerStateTerminated>) {
    let waiting = state.and_then(|s| s.waiting.as_ref()).map(|w| w.reason.as_deref().unwrap_or_default());
    (waiting, state.and_then(|s| s.terminated.as_ref()))
}

fn why_ended(t: &ContainerStateTerminated) -> String {
    match (t.reason.as_deref(), t.signal) {
        (Some(reason), _) if !reason.is_empty() => reason.to_owned(),
        (_, Some(signal)) if signal != 0 => format!("Signal:{signal}"),
        _ => format!("ExitCode:{}", t.exit_code),
    }
}
