//! From a pod's spec and what the runtime knows of its containers to the pod's status: a pure function.
//!
//! Models: kubelet `status/generate.go` and `kubelet_pods.go` (convertStatusToAPIStatus, getPhase).

use super::container::{Container, Ended, Role, State};
use super::node::whole;
use apimachinery::order::Order as _;
use apimachinery::time::Time;
use k8s_openapi::api::core::v1::{
    Container as Spec, ContainerState, ContainerStateRunning, ContainerStateTerminated, ContainerStateWaiting,
    ContainerStatus, ContainerUser, HostIP, LinuxContainerUser, Pod, PodCondition, PodIP, PodStatus,
    ResourceRequirements, VolumeMountStatus,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time as MetaTime;

/// What the kubelet knows of a pod beside its containers.
pub struct Facts<'a> {
    pub containers: &'a [Container],
    pub sandbox_ready: bool,
    pub pod_ip: &'a str,
    pub host_ip: &'a str,
    pub start_time: Time,
    pub now: Time,
    /// The kubelet has given up on the pod (evicted, deadline): phase Failed with reason and message.
    pub failed: Option<(&'static str, String)>,
}

/// Specs of init containers, then of regular ones, in the order of `Facts::containers`.
pub fn specs(pod: &Pod) -> impl Iterator<Item = &Spec> {
    let spec = pod.spec.as_ref();
    spec.into_iter().flat_map(|s| s.init_containers.iter().flatten().chain(&s.containers))
}

/// The status to report.
pub fn generate(pod: &Pod, facts: &Facts<'_>) -> PodStatus {
    let none = PodStatus::default();
    let old = pod.status.as_ref().unwrap_or(&none);
    let inits = facts.containers.iter().take_while(|c| c.role != Role::Regular).count();
    let initialized = initialized(&facts.containers[..inits]);
    let mut phase = phase(pod, facts, inits);
    let (mut reason, mut message) = (None, None);
    if let Some((why, text)) = &facts.failed {
        phase = "Failed";
        reason = Some((*why).to_owned());
        message = Some(text.clone());
    }
    let mut statuses: Vec<ContainerStatus> = facts
        .containers
        .iter()
        .zip(specs(pod))
        .map(|(c, spec)| container_status(pod, spec, c, initialized, phase))
        .collect();
    let mut regular = statuses.split_off(inits);
    // The kubelet lists containers by name; init containers stay in their order.
    regular.order_by(|a, b| a.name.cmp(&b.name));
    let conditions = conditions(pod, old, facts, phase, inits, &statuses, &regular);
    PodStatus {
        conditions: Some(conditions),
        container_statuses: Some(regular),
        init_container_statuses: (!statuses.is_empty()).then_some(statuses),
        host_ip: Some(facts.host_ip.to_owned()),
        host_ips: Some(vec![HostIP { ip: facts.host_ip.to_owned() }]),
        observed_generation: pod.metadata.generation,
        phase: Some(phase.to_owned()),
        pod_ip: (!facts.pod_ip.is_empty()).then(|| facts.pod_ip.to_owned()),
        pod_ips: (!facts.pod_ip.is_empty()).then(|| vec![PodIP { ip: facts.pod_ip.to_owned() }]),
        qos_class: old.qos_class.clone(),
        reason,
        message,
        resources: Some(ResourceRequirements::default()),
        start_time: Some(MetaTime(whole(facts.start_time))),
        ephemeral_container_statuses: old.ephemeral_container_statuses.clone(),
        nominated_node_name: None,
        resize: None,
        ..PodStatus::default()
    }
}

/// All ordinary init containers have succeeded and all sidecars have started.
fn initialized(inits: &[Container]) -> bool {
    inits.iter().all(|c| match c.role {
        Role::Sidecar => c.started || c.ended().is_some(),
        Role::Init => c.ended().is_some_and(|e| e.code == 0),
        Role::Regular => true,
    })
}

fn restart_policy(pod: &Pod) -> &str {
    pod.spec.as_ref().and_then(|s| s.restart_policy.as_deref()).unwrap_or("Always")
}

/// The pod's phase, before anything that overrides it.
fn phase(pod: &Pod, facts: &Facts<'_>, inits: usize) -> &'static str {
    let never = restart_policy(pod) == "Never";
    let mut pending_init = 0;
    for c in &facts.containers[..inits] {
        let failed = c.ended().is_some_and(|e| e.code != 0);
        match c.role {
            Role::Init if failed && never => return "Failed",
            Role::Init if c.ended().is_none_or(|e| e.code != 0) => pending_init += 1,
            Role::Sidecar if !c.started && c.ended().is_none() => pending_init += 1,
            _ => {}
        }
    }
    let regular = &facts.containers[inits..];
    let any_started = regular.iter().any(|c| !matches!(c.state, State::None) || c.last.is_some());
    let (mut waiting, mut running, mut stopped, mut succeeded) = (0, 0, 0, 0);
    for c in regular {
        match &c.state {
            State::Running { .. } => running += 1,
            State::Ended(e) => {
                stopped += 1;
                succeeded += usize::from(e.code == 0);
            }
            State::None if c.last.is_some() => stopped += 1,
            State::None => waiting += 1,
        }
    }
    let sidecars_up = facts.containers[..inits].iter().any(|c| c.role == Role::Sidecar && c.running());
    if pending_init > 0 && !any_started {
        return "Pending";
    }
    if waiting > 0 {
        return "Pending";
    }
    if running > 0 {
        return "Running";
    }
    if stopped > 0 {
        // Nothing is started again in a pod that is being deleted, whatever its restart policy.
        let terminal = pod.metadata.deletion_timestamp.is_some();
        if sidecars_up || restart_policy(pod) == "Always" && !terminal {
            return "Running";
        }
        if stopped == succeeded {
            return "Succeeded";
        }
        return if never || terminal { "Failed" } else { "Running" };
    }
    "Pending"
}

fn container_status(pod: &Pod, spec: &Spec, c: &Container, initialized: bool, phase: &str) -> ContainerStatus {
    let has_inits = pod.spec.as_ref().is_some_and(|s| s.init_containers.as_ref().is_some_and(|i| !i.is_empty()));
    let will_start = c.failure.is_some() && !c.running() && !matches!(phase, "Succeeded" | "Failed");
    let mut last = c.last.as_ref();
    let state = match (&c.state, &c.failure) {
        (state, Some(failure)) if will_start => {
            if let State::Ended(e) = state {
                last = Some(e);
            }
            waiting(failure.reason, Some(failure.message.clone()))
        }
        (State::Running { since }, _) => ContainerState {
            running: Some(ContainerStateRunning { started_at: Some(MetaTime(whole(*since))) }),
            ..ContainerState::default()
        },
        (State::Ended(e), _) => terminated(e),
        (State::None, _) => {
            let reason = if has_inits && (!initialized || c.role != Role::Regular) {
                "PodInitializing"
            } else {
                "ContainerCreating"
            };
            waiting(reason, None)
        }
    };
    let running = c.running();
    let ready = match c.role {
        Role::Init => c.ended().is_some_and(|e| e.code == 0),
        Role::Sidecar | Role::Regular => running && c.ready && c.started,
    };
    let started = match c.role {
        Role::Init => running,
        Role::Sidecar | Role::Regular => running && c.started,
    };
    let requests = spec.resources.as_ref().and_then(|r| r.requests.clone());
    let has_run = !matches!(c.state, State::None) || c.last.is_some();
    ContainerStatus {
        allocated_resources: requests,
        container_id: (!c.id.is_empty()).then(|| format!("containerd://{}", c.id)),
        image: if c.image.is_empty() { spec.image.clone().unwrap_or_default() } else { c.image.to_string() },
        image_id: c.image_id.to_string(),
        last_state: Some(last.map(terminated).unwrap_or_default()),
        name: spec.name.clone(),
        ready,
        resources: has_run.then(|| ResourceRequirements {
            claims: None,
            limits: spec.resources.as_ref().and_then(|r| r.limits.clone()),
            requests: spec.resources.as_ref().and_then(|r| r.requests.clone()),
        }),
        restart_count: c.restarts,
        started: Some(started),
        state: Some(state),
        user: running.then(|| user(pod, spec)),
        volume_mounts: mounts(spec),
        ..ContainerStatus::default()
    }
}

fn user(pod: &Pod, spec: &Spec) -> ContainerUser {
    let of_pod = pod.spec.as_ref().and_then(|s| s.security_context.as_ref());
    let of_container = spec.security_context.as_ref();
    let uid = of_container.and_then(|s| s.run_as_user).or_else(|| of_pod.and_then(|s| s.run_as_user)).unwrap_or(0);
    let gid = of_container.and_then(|s| s.run_as_group).or_else(|| of_pod.and_then(|s| s.run_as_group)).unwrap_or(0);
    let mut groups = vec![gid];
    if let Some(s) = of_pod {
        groups.extend(s.fs_group);
        groups.extend(s.supplemental_groups.iter().flatten());
    }
    ContainerUser { linux: Some(LinuxContainerUser { gid, supplemental_groups: Some(groups), uid }) }
}

fn mounts(spec: &Spec) -> Option<Vec<VolumeMountStatus>> {
    let list: Vec<_> = spec
        .volume_mounts
        .iter()
        .flatten()
        .map(|m| VolumeMountStatus {
            mount_path: m.mount_path.clone(),
            name: m.name.clone(),
            read_only: m.read_only.filter(|r| *r),
            recursive_read_only: m.read_only.filter(|r| *r).map(|_| "Disabled".to_owned()),
            ..VolumeMountStatus::default()
        })
        .collect();
    (!list.is_empty()).then_some(list)
}

fn waiting(reason: &str, message: Option<String>) -> ContainerState {
    ContainerState {
        waiting: Some(ContainerStateWaiting {
            reason: Some(reason.to_owned()),
            message: message.filter(|m| !m.is_empty()),
        }),
        ..ContainerState::default()
    }
}

fn terminated(e: &Ended) -> ContainerState {
    ContainerState {
        terminated: Some(ContainerStateTerminated {
            container_id: (!e.id.is_empty()).then(|| format!("containerd://{}", e.id)),
            exit_code: e.code,
            finished_at: Some(MetaTime(whole(e.finished))),
            message: (!e.message.is_empty()).then(|| e.message.clone()),
            reason: Some(e.reason.to_owned()),
            signal: None,
            started_at: Some(MetaTime(whole(e.started))),
        }),
        ..ContainerState::default()
    }
}

fn conditions(
    pod: &Pod,
    old: &PodStatus,
    facts: &Facts<'_>,
    phase: &str,
    inits: usize,
    init_statuses: &[ContainerStatus],
    regular: &[ContainerStatus],
) -> Vec<PodCondition> {
    let done = phase == "Succeeded";
    let mut out = Vec::with_capacity(5);
    let mut add = |kind: &str, holds: bool, reason: Option<&str>, message: Option<String>| {
        let status = if holds { "True" } else { "False" };
        let before = old.conditions.iter().flatten().find(|c| c.type_ == kind && c.status == status);
        out.push(PodCondition {
            type_: kind.to_owned(),
            status: status.to_owned(),
            reason: reason.map(str::to_owned),
            message,
            last_probe_time: None,
            last_transition_time: before
                .and_then(|c| c.last_transition_time.clone())
                .or_else(|| Some(MetaTime(whole(facts.now)))),
            observed_generation: pod.metadata.generation,
        });
    };
    add("PodReadyToStartContainers", facts.sandbox_ready, None, None);

    let incomplete: Vec<&str> = facts.containers[..inits]
        .iter()
        .zip(init_statuses)
        .filter(|(c, s)| match c.role {
            Role::Sidecar => s.started != Some(true),
            _ => !s.ready,
        })
        .map(|(_, s)| s.name.as_str())
        .collect();
    let any_running_regular = facts.containers[inits..].iter().any(|c| !matches!(c.state, State::None));
    if done {
        add("Initialized", true, Some("PodCompleted"), None);
    } else if incomplete.is_empty() || any_running_regular {
        add("Initialized", true, None, None);
    } else {
        let message = format!("containers with incomplete status: [{}]", incomplete.join(" "));
        add("Initialized", false, Some("ContainersNotInitialized"), Some(message));
    }

    let sidecars_unready = facts.containers[..inits]
        .iter()
        .zip(init_statuses)
        .filter(|(c, s)| c.role == Role::Sidecar && !s.ready)
        .map(|(_, s)| s.name.as_str());
    let unready: Vec<&str> =
        sidecars_unready.chain(regular.iter().filter(|s| !s.ready).map(|s| s.name.as_str())).collect();
    let (holds, reason, message) = if done {
        (false, Some("PodCompleted"), None)
    } else if phase == "Failed" && facts.failed.is_some() {
        (false, Some("PodFailed"), None)
    } else if unready.is_empty() {
        (true, None, None)
    } else {
        let message = format!("containers with unready status: [{}]", unready.join(" "));
        (false, Some("ContainersNotReady"), Some(message))
    };
    let missing_gates: Vec<String> = pod
        .spec
        .iter()
        .flat_map(|s| s.readiness_gates.iter().flatten())
        .filter(|g| !old.conditions.iter().flatten().any(|c| c.type_ == g.condition_type && c.status == "True"))
        .map(|g| {
            let found = old.conditions.iter().flatten().any(|c| c.type_ == g.condition_type);
            if found {
                format!("the status of pod readiness gate \"{}\" is not \"True\", but False", g.condition_type)
            } else {
                format!("corresponding condition of pod readiness gate \"{}\" does not exist.", g.condition_type)
            }
        })
        .collect();
    if holds && !missing_gates.is_empty() {
        let message =
            if missing_gates.len() == 1 { missing_gates.concat() } else { format!("[{}]", missing_gates.join(", ")) };
        add("Ready", false, Some("ReadinessGatesNotReady"), Some(message));
    } else {
        add("Ready", holds, reason, message.clone());
    }
    add("ContainersReady", holds, reason, message);
    // Conditions that others own (PodScheduled, readiness gates …) stay as they are.
    for c in old.conditions.iter().flatten() {
        if !matches!(c.type_.as_str(), "PodReadyToStartContainers" | "Initialized" | "Ready" | "ContainersReady") {
            let mut c = c.clone();
            if c.type_ == "PodScheduled" {
                c.observed_generation = pod.metadata.generation;
            }
            out.push(c);
        }
    }
    out
}
