//! The worker of one pod: a state machine that brings its containers to what the spec asks, one sync at a time.
//!
//! Models: kubelet `pod_workers.go`, `kuberuntime_manager.go` (computePodActions, SyncPod) and the PLEG, whose
//! once-a-second look at the runtime is why a container that started or died shows up to a second later.
//! A sync first reports the status, then acts; while it acts (an image pull, a start) the worker is busy.

use super::container::{Backoff, Container, Purpose, Role, StartFailure, State};
use super::env::{self, Place};
use super::node::NodeState;
use super::probes::{ProbeKind, Probes, Verdict};
use super::status::{self, Facts, specs};
use super::{Kubelets, volumes};
use crate::cluster::Ctx;
use crate::images::image::Image;
use crate::images::launch::{Launch, LaunchRequest, launch};
use crate::images::process::Signal;
use crate::images::reference::Reference;
use crate::images::registry::PullError;
use crate::latency;
use crate::recorder::{EventType, Source};
use apimachinery::duration::go_string;
use apimachinery::rng::Rng;
use apimachinery::time::{Duration, Time};
use apiserver::server::{DeleteOptions, Door};
use apiserver::{KindId, Writer};
use k8s_openapi::api::core::v1::{Container as Spec, ObjectReference, Pod};
use machine::fs::Volume;
use std::collections::BTreeMap;
use std::sync::Arc;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Sandbox {
    None,
    Ready,
    Gone,
}

/// What keeps the worker busy.
#[derive(Clone)]
enum Op {
    Sandbox { until: Time },
    Pull(Box<Pull>),
    Start { container: usize, until: Time },
}

#[derive(Clone)]
struct Pull {
    container: usize,
    began: Time,
    /// When its turn came: pulls on a node go one after another.
    turn: Time,
    until: Time,
    reference: Reference,
    result: Result<Arc<Image>, PullError>,
}

impl Op {
    fn until(&self) -> Time {
        match self {
            Self::Sandbox { until } | Self::Start { until, .. } => *until,
            Self::Pull(p) => p.until,
        }
    }
}

#[derive(Clone)]
pub struct Worker {
    pub pod: Arc<Pod>,
    pub uid: Arc<str>,
    pub node: Arc<str>,
    pub containers: Vec<Container>,
    pub pod_ip: String,
    pub volumes: BTreeMap<String, Volume>,
    sandbox: Sandbox,
    start_time: Time,
    op: Option<Op>,
    sync_at: Option<Time>,
    /// The instant for which the agenda holds an entry.
    pub(super) wake: Option<Time>,
    /// Containers whose start failed in this sync: not tried again before the next.
    failed_now: u64,
    /// Something started in this sync: the PLEG will see it.
    changed: bool,
    terminating: bool,
    gone_at: Option<Time>,
    mount_retry: Duration,
    failed: Option<(&'static str, String)>,
}

/// Why a container is killed whose post-start hook failed.
const HOOK_FAILED: &str = "FailedPostStartHook";

/// Sub-steps of one turn; more than this at one instant would be a loop.
const STEPS_MAX: usize = 64;

/// What a worker acts with: the node it is on, and the cluster.
pub(super) struct Site<'a, 'c> {
    pub node: &'a mut NodeState,
    pub cx: &'a mut Ctx<'c>,
    pub writer: &'a Writer,
    /// File trees of images, unpacked once.
    pub roots: &'a mut BTreeMap<String, Volume>,
}

impl Worker {
    pub fn new(pod: Arc<Pod>, now: Time) -> Self {
        let spec = pod.spec.as_ref();
        let inits = spec.into_iter().flat_map(|s| s.init_containers.iter().flatten()).enumerate().map(|(i, c)| {
            let sidecar = c.restart_policy.as_deref() == Some("Always");
            Container::new(if sidecar { Role::Sidecar } else { Role::Init }, i)
        });
        let regular = spec.into_iter().flat_map(|s| s.containers.iter()).enumerate();
        let containers = inits.chain(regular.map(|(i, _)| Container::new(Role::Regular, i))).collect();
        Self {
            uid: pod.metadata.uid.as_deref().unwrap_or_default().into(),
            node: spec.and_then(|s| s.node_name.as_deref()).unwrap_or_default().into(),
            containers,
            pod_ip: String::new(),
            volumes: BTreeMap::new(),
            sandbox: Sandbox::None,
            start_time: now,
            op: None,
            sync_at: Some(now + latency::KUBELET_SYNC),
            wake: None,
            failed_now: 0,
            changed: false,
            terminating: false,
            gone_at: None,
            mount_retry: Duration::from_millis(500),
            failed: None,
            pod,
        }
    }

    pub fn namespace(&self) -> &str {
        self.pod.metadata.namespace.as_deref().unwrap_or_default()
    }

    pub fn name(&self) -> &str {
        self.pod.metadata.name.as_deref().unwrap_or_default()
    }

    /// The pod's object changed; true when that asks for a sync.
    pub fn update(&mut self, pod: Arc<Pod>, foreign: bool, now: Time) -> bool {
        let before = (self.pod.metadata.generation, self.pod.metadata.deletion_timestamp.is_some());
        let after = (pod.metadata.generation, pod.metadata.deletion_timestamp.is_some());
        let grace = self.pod.metadata.deletion_grace_period_seconds;
        let shorter = pod.metadata.deletion_grace_period_seconds < grace && self.terminating;
        // Somebody else wrote the status (a node that was silent counts as lost): ours stands, once it can be said again.
        let overruled = foreign && self.pod.status != pod.status;
        self.pod = pod;
        if shorter {
            let kill_at = now + self.grace();
            for c in &mut self.containers {
                if let Some(at) = &mut c.kill_at {
                    *at = (*at).min(kill_at);
                }
            }
        }
        if before != after || shorter || overruled {
            self.sync_at = Some(self.sync_at.map_or(now, |t| t.min(now)));
            return true;
        }
        false
    }

    /// Looks at everything again: the kubelet has just started.
    pub fn resync(&mut self, now: Time) {
        self.sync_at = Some(now);
    }

    fn grace(&self) -> Duration {
        let m = &self.pod.metadata;
        let of_spec = self.pod.spec.as_ref().and_then(|s| s.termination_grace_period_seconds).unwrap_or(30);
        Duration::from_secs(m.deletion_grace_period_seconds.unwrap_or(of_spec).max(0).unsigned_abs())
    }

    fn place<'a>(&'a self, node: &'a NodeState) -> Place<'a> {
        Place {
            pod_ip: &self.pod_ip,
            host_ip: &node.ip,
            node_cpu_milli: node.capacity.cpu_milli,
            node_memory_bytes: node.capacity.memory_kib * 1024,
        }
    }

    /// Share of the image under way that has arrived.
    pub fn pull_progress(&self, now: Time) -> Option<f32> {
        let Some(Op::Pull(pull)) = &self.op else { return None };
        let whole = pull.until.since(pull.turn).as_secs_f32();
        Some(if whole > 0.0 { (now.since(pull.turn).as_secs_f32() / whole).min(1.0) } else { 0.0 })
    }

    /// Whether commands in this pod's containers want turns of their machine now.
    pub fn wants_machine(&self, now: Time) -> bool {
        self.containers.iter().any(|c| c.machine_wake.is_some_and(|t| t <= now))
    }

    /// Neither machines nor probes: nothing happens in a turn but what the worker itself does.
    pub(super) fn is_plain(&self) -> bool {
        self.containers.iter().all(|c| c.machine.is_none() && c.probes.is_none())
    }

    /// When this worker must have its next turn, and whether that is work in progress.
    pub fn next_wake(&self) -> Option<(Time, bool)> {
        let busy = [self.op.as_ref().map(Op::until), self.gone_at];
        let kills = self.containers.iter().filter_map(|c| c.kill_at);
        let work = busy.into_iter().flatten().chain(kills).min();
        let sync = if self.op.is_none() { self.sync_at } else { None };
        let machine = self.containers.iter().filter_map(|c| c.machine_wake);
        let native = self.containers.iter().filter_map(|c| c.native_wake);
        let probes = self.containers.iter().filter_map(|c| c.probes.as_ref()?.next(c.started));
        let tasks = self.containers.iter().flat_map(|c| c.tasks.iter().map(|t| t.deadline));
        let background = machine.chain(native).chain(probes).chain(tasks).min();
        // A retry after back-off is not work in progress: a pod that cannot start leaves the cluster at rest.
        let retrying = self.failed_now != 0 || self.failed.is_some();
        let (sync_work, sync_rest) = if retrying { (None, sync) } else { (sync, None) };
        let work = [work, sync_work].into_iter().flatten().min();
        let rest = [background, sync_rest].into_iter().flatten().min();
        match (work, rest) {
            (Some(w), Some(r)) => Some((w.min(r), true)),
            (Some(w), None) => Some((w, true)),
            (None, Some(r)) => Some((r, false)),
            (None, None) => None,
        }
    }

    /// Everything that is due now.
    pub(super) fn turn(&mut self, site: &mut Site<'_, '_>) {
        let now = site.cx.api.now;
        for _ in 0..STEPS_MAX {
            self.observe_processes(site);
            self.enforce_kills(site);
            let op_done = self.op.as_ref().is_some_and(|op| op.until() <= now);
            if op_done && let Some(op) = self.op.take() {
                self.finish(op, site);
            } else if self.op.is_none() && self.sync_at.is_some_and(|t| t <= now) {
                self.sync_at = None;
                self.sync(site);
            } else if self.gone_at.is_some_and(|t| t <= now) {
                self.gone_at = None;
                self.remove(site);
                return;
            } else {
                return;
            }
        }
    }

    // ---- what happened in the runtime ----

    fn observe_processes(&mut self, site: &mut Site<'_, '_>) {
        let now = site.cx.api.now;
        let mut noticed = false;
        for c in &mut self.containers {
            let mut exit = None;
            if let Some(native) = &mut c.native {
                let polled = native.poll(now);
                for line in polled.log {
                    c.log.push(super::logs::Line { at: line.at, stderr: line.stderr, text: line.text });
                }
                exit = polled.exit;
                c.native_wake = polled.next;
            } else if let (Some(machine), Some(main)) = (&mut c.machine, c.main) {
                let out = machine.take_stdout(main);
                c.log.write(now, false, &out);
                let err = machine.take_stderr(main);
                c.log.write(now, true, &err);
                if let Some(code) = machine.exit_code(main) {
                    match c.then.take().filter(|_| code == 0) {
                        Some(next) => {
                            c.main = None;
                            c.native = Some(next);
                            c.native_wake = Some(now);
                        }
                        None => exit = Some((now, code)),
                    }
                }
            }
            if let Some((at, code)) = exit {
                c.end(at, code);
                noticed = true;
            }
        }
        if noticed {
            let at = if self.terminating { now } else { site.node.pleg_after(now) };
            self.sync_at = Some(self.sync_at.map_or(at, |t| t.min(at)));
        }
    }

    fn enforce_kills(&mut self, site: &mut Site<'_, '_>) {
        let now = site.cx.api.now;
        for c in &mut self.containers {
            if c.kill_at.is_some_and(|t| t <= now) {
                c.kill_at = None;
                send_signal(c, now, Signal::Kill);
            }
        }
        self.observe_processes_if_killed(site);
    }

    fn observe_processes_if_killed(&mut self, site: &mut Site<'_, '_>) {
        if self.containers.iter().any(|c| c.native_wake.is_some_and(|t| t <= site.cx.api.now)) {
            self.observe_processes(site);
        }
    }

    // ---- sync ----

    fn sync(&mut self, site: &mut Site<'_, '_>) {
        let now = site.cx.api.now;
        self.failed_now = 0;
        self.changed = false;
        if self.pod.metadata.deletion_timestamp.is_some() && !self.terminating {
            self.terminating = true;
            self.begin_termination(site);
        }
        if self.terminating {
            self.continue_termination(site);
            return;
        }
        let phase = self.report(site);
        if matches!(phase, "Succeeded" | "Failed") {
            self.finish_pod(site);
            return;
        }
        self.act(site, now);
    }

    /// Next step of this sync, until one takes time or nothing is left to do.
    fn act(&mut self, site: &mut Site<'_, '_>, now: Time) {
        for _ in 0..STEPS_MAX {
            if self.op.is_some() {
                return;
            }
            if self.sandbox == Sandbox::None {
                self.begin_sandbox(site);
                return;
            }
            match self.next_to_start() {
                Some(i) => self.begin_start(i, site),
                None => {
                    self.stop_sidecars(site);
                    break;
                }
            }
            if self.sync_at.is_some_and(|t| t <= now) {
                return;
            }
        }
        if self.op.is_some() {
            return;
        }
        if self.changed {
            let seen = site.node.pleg_after(now);
            self.sync_at = Some(self.sync_at.map_or(seen, |t| t.min(seen)));
        } else if self.failed_now != 0 {
            let retry = now + self.retry_after(site, now);
            self.sync_at = Some(self.sync_at.map_or(retry, |t| t.min(retry)));
        }
    }

    /// 10 to 15 seconds, as the pod workers' back-off has it.
    fn retry_after(&self, site: &Site<'_, '_>, now: Time) -> Duration {
        let mut rng = Rng::derive(site.cx.api.config.seed, "resync", &self.uid, now.0.unsigned_abs());
        latency::POD_RESYNC + Duration::from_millis(rng.below(5000))
    }

    /// Writes the status if it differs; the phase.
    fn report(&mut self, site: &mut Site<'_, '_>) -> &'static str {
        let facts = Facts {
            containers: &self.containers,
            sandbox_ready: self.sandbox == Sandbox::Ready,
            pod_ip: &self.pod_ip,
            host_ip: &site.node.ip,
            start_time: self.start_time,
            now: site.cx.api.now,
            failed: self.failed.clone(),
        };
        let current =
            site.cx.api.get::<Pod>(self.namespace(), self.name()).filter(|p| p.metadata.uid == self.pod.metadata.uid);
        let Some(current) = current else { return "Failed" };
        let status = status::generate(&current, &facts);
        let phase = match status.phase.as_deref() {
            Some("Running") => "Running",
            Some("Succeeded") => "Succeeded",
            Some("Failed") => "Failed",
            _ => "Pending",
        };
        if current.status.as_ref() != Some(&status) {
            let new = Pod { metadata: current.metadata.clone(), spec: current.spec.clone(), status: Some(status) };
            // Only a pod that vanished this instant can refuse; then there is nobody to tell.
            let _ = site.cx.api.update_object(KindId::POD, Box::new(new), Door::Status, site.writer, false);
        }
        phase
    }

    fn inits(&self) -> usize {
        self.containers.iter().take_while(|c| c.role != Role::Regular).count()
    }

    /// Which container this sync starts next: init containers one by one, then all others.
    fn next_to_start(&self) -> Option<usize> {
        let inits = self.inits();
        let policy = self.pod.spec.as_ref().and_then(|s| s.restart_policy.as_deref()).unwrap_or("Always");
        let regulars_began = self.containers[inits..].iter().any(|c| !matches!(c.state, State::None));
        for (i, c) in self.containers[..inits].iter().enumerate() {
            let tried = self.failed_now & (1 << i.min(63)) != 0;
            match c.role {
                Role::Sidecar if self.regulars_over() => {}
                Role::Sidecar => {
                    if !c.running() {
                        if !tried {
                            return Some(i);
                        }
                        if !regulars_began {
                            return None;
                        }
                    } else if !c.started {
                        return None;
                    }
                }
                _ if regulars_began => {}
                _ => match &c.state {
                    State::Ended(e) if e.code == 0 => {}
                    State::Running { .. } => return None,
                    State::Ended(_) if policy == "Never" => return None,
                    State::Ended(_) | State::None => return (!tried).then_some(i),
                },
            }
        }
        (inits..self.containers.len()).find(|i| {
            let c = &self.containers[*i];
            let tried = self.failed_now & (1 << i.min(&63)) != 0;
            let wanted = match &c.state {
                State::Running { .. } => false,
                State::None => true,
                State::Ended(e) => policy == "Always" || policy == "OnFailure" && e.code != 0,
            };
            wanted && !tried
        })
    }

    /// Once no regular container runs or will run again, sidecars have nobody left to serve.
    fn stop_sidecars(&mut self, site: &mut Site<'_, '_>) {
        let inits = self.inits();
        let policy = self.pod.spec.as_ref().and_then(|s| s.restart_policy.as_deref()).unwrap_or("Always");
        let over = self.containers[inits..]
            .iter()
            .all(|c| c.ended().is_some_and(|e| policy == "Never" || policy == "OnFailure" && e.code == 0));
        if !over {
            return;
        }
        for i in 0..inits {
            if self.containers[i].role == Role::Sidecar && self.containers[i].running() {
                self.kill(i, site, "finished", "Stopping container {c}");
            }
        }
    }

    /// Whether a sidecar that ended is to stay so.
    fn regulars_over(&self) -> bool {
        self.containers[..self.inits()].iter().any(|c| c.killed_as == Some("finished"))
    }

    /// False when the pod's volumes cannot be set up yet; another sync will try again.
    fn begin_sandbox(&mut self, site: &mut Site<'_, '_>) -> bool {
        let now = site.cx.api.now;
        if let Err(why) = volumes::check(site.cx.api, &self.pod) {
            self.event(site, None, EventType::Warning, "FailedMount", &why);
            self.failed_now = u64::MAX;
            self.sync_at = Some(now + self.mount_retry);
            self.mount_retry = (self.mount_retry * 2).min(Duration::from_secs(122));
            return false;
        }
        self.op = Some(Op::Sandbox { until: now + latency::POD_SANDBOX });
        true
    }

    /// First half of starting a container: back-off, then its image.
    fn begin_start(&mut self, i: usize, site: &mut Site<'_, '_>) {
        let now = site.cx.api.now;
        let pod = Arc::clone(&self.pod);
        let Some(spec) = specs(&pod).nth(i) else { return };
        if let Some(ended) = self.containers[i].ended().cloned() {
            if self.containers[i].backoff.holds(ended.finished, now) {
                let message = format!(
                    "Back-off restarting failed container {} in pod {}_{}({})",
                    spec.name,
                    self.name(),
                    self.namespace(),
                    self.uid
                );
                self.event(site, Some(i), EventType::Warning, "BackOff", &message);
                let back_off = go_string(self.containers[i].backoff.current);
                let message = format!(
                    "back-off {back_off} restarting failed container={} pod={}_{}({})",
                    spec.name,
                    self.name(),
                    self.namespace(),
                    self.uid
                );
                // A failed hook leaves a second change for the PLEG to see, so that the back-off shows soon.
                self.changed |= self.containers[i].killed_as == Some(HOOK_FAILED);
                self.containers[i].killed_as = None;
                self.fail(i, "CrashLoopBackOff", message);
                return;
            }
            self.containers[i].backoff.next(ended.finished, now);
        }
        self.ensure_image(i, spec, site);
    }

    fn fail(&mut self, i: usize, reason: &'static str, message: String) {
        self.failed_now |= 1 << i.min(63);
        self.containers[i].failure = Some(StartFailure { reason, message });
    }

    fn ensure_image(&mut self, i: usize, spec: &Spec, site: &mut Site<'_, '_>) {
        let now = site.cx.api.now;
        let text = spec.image.as_deref().unwrap_or_default();
        let always = spec.image_pull_policy.as_deref() == Some("Always");
        let never = spec.image_pull_policy.as_deref() == Some("Never");
        if !always && let Some(image) = site.node.image_names.get(text).cloned() {
            self.image_present(i, text, image, site);
            return;
        }
        let reference = match Reference::parse(text) {
            Ok(r) => r,
            Err(why) => {
                let message = format!(
                    "Failed to apply default image tag \"{text}\": couldn't parse image name \"{text}\": {why}"
                );
                self.event(site, Some(i), EventType::Warning, "InspectFailed", &message);
                self.event(site, Some(i), EventType::Warning, "Failed", "Error: InvalidImageName");
                self.fail(i, "InvalidImageName", message);
                return;
            }
        };
        if !always && let Some(image) = site.node.images.get(&reference).cloned() {
            site.node.image_names.insert(text.into(), Arc::clone(&image));
            self.image_present(i, text, image, site);
            return;
        }
        if never {
            let message = format!("Container image \"{text}\" is not present with pull policy of Never");
            self.event(site, Some(i), EventType::Warning, "ErrImageNeverPull", &message);
            self.event(site, Some(i), EventType::Warning, "Failed", "Error: ErrImageNeverPull");
            self.fail(i, "ErrImageNeverPull", message);
            return;
        }
        let c = &self.containers[i];
        if let Some(failed) = c.pull_failed_at
            && c.pull_backoff.holds(failed, now)
        {
            self.event(site, Some(i), EventType::Normal, "BackOff", &format!("Back-off pulling image \"{text}\""));
            self.event(site, Some(i), EventType::Warning, "Failed", "Error: ImagePullBackOff");
            let why = c_message(&self.containers[i]);
            self.fail(i, "ImagePullBackOff", format!("Back-off pulling image \"{text}\"{why}"));
            return;
        }
        self.event(site, Some(i), EventType::Normal, "Pulling", &format!("Pulling image \"{text}\""));
        let credentials = super::credentials::of_pod(site.cx.api, &self.pod, &reference.domain);
        let plan = site.cx.images.pull_plan(&reference, &credentials, &site.node.images, now);
        let turn = site.node.pull_free_at.max(now);
        // Whoever asks for an image that is already on its way finds its layers there when its turn comes.
        let name = reference.to_string();
        let under_way = site.node.pulls.get(&name).is_some_and(|t| *t > now) && plan.result.is_ok();
        let until = turn + if under_way { crate::images::latency::RESOLVE } else { plan.after };
        site.node.pulls.insert(name, until);
        site.node.pull_free_at = until;
        self.op =
            Some(Op::Pull(Box::new(Pull { container: i, began: now, turn, until, reference, result: plan.result })));
    }

    fn image_present(&mut self, i: usize, text: &str, image: Arc<Image>, site: &mut Site<'_, '_>) {
        let message = format!("Container image \"{text}\" already present on machine and can be accessed by the pod");
        self.event(site, Some(i), EventType::Normal, "Pulled", &message);
        self.create(i, image, site);
    }

    fn pulled(&mut self, pull: Pull, site: &mut Site<'_, '_>) {
        let i = pull.container;
        let pod = Arc::clone(&self.pod);
        let Some(spec) = specs(&pod).nth(i) else { return };
        let text = spec.image.as_deref().unwrap_or_default();
        let now = site.cx.api.now;
        match pull.result {
            Ok(image) => {
                let alone = go_string(round_ms(pull.until.since(pull.turn)));
                let waited = go_string(round_ms(pull.until.since(pull.began)));
                let message = format!(
                    "Successfully pulled image \"{text}\" in {alone} ({waited} including waiting). Image size: {} bytes.",
                    image.size()
                );
                self.event(site, Some(i), EventType::Normal, "Pulled", &message);
                site.node.images.insert(&pull.reference, Arc::clone(&image));
                site.node.image_names.insert(text.into(), Arc::clone(&image));
                self.containers[i].pull_backoff = Backoff::default();
                self.containers[i].pull_failed_at = None;
                self.create(i, image, site);
            }
            Err(why) => {
                let words = why.cri(&pull.reference);
                self.event(
                    site,
                    Some(i),
                    EventType::Warning,
                    "Failed",
                    &format!("Failed to pull image \"{text}\": {words}"),
                );
                self.event(site, Some(i), EventType::Warning, "Failed", "Error: ErrImagePull");
                let c = &mut self.containers[i];
                c.pull_failed_at = Some(now);
                c.pull_backoff.next(now, now);
                self.fail(i, "ErrImagePull", words);
            }
        }
    }

    /// The image is there: environment, checks, and the container is created.
    fn create(&mut self, i: usize, image: Arc<Image>, site: &mut Site<'_, '_>) {
        let now = site.cx.api.now;
        let pod = Arc::clone(&self.pod);
        let Some(spec) = specs(&pod).nth(i) else { return };
        let ready = {
            let place = self.place(site.node);
            env::environment(site.cx.api, &self.pod, spec, &place).and_then(|env| {
                super::security::check(&self.pod, spec, &image)?;
                Ok(env)
            })
        };
        let vars = match ready {
            Ok(vars) => vars,
            Err(why) => {
                self.event(site, Some(i), EventType::Warning, "Failed", &format!("Error: {why}"));
                self.fail(i, "CreateContainerConfigError", why);
                return;
            }
        };
        let c = &mut self.containers[i];
        c.env = vars;
        c.base = Some(image);
        self.op = Some(Op::Start { container: i, until: now + latency::CONTAINER_START });
    }

    // ---- operations that end ----

    fn finish(&mut self, op: Op, site: &mut Site<'_, '_>) {
        let now = site.cx.api.now;
        if self.terminating || self.pod.metadata.deletion_timestamp.is_some() {
            // The pod was deleted meanwhile: what was begun is dropped.
            self.sync_at = Some(now);
            return;
        }
        match op {
            Op::Sandbox { .. } => {
                let host_network = self.pod.spec.as_ref().and_then(|s| s.host_network).unwrap_or(false);
                self.pod_ip = if host_network { site.node.ip.clone() } else { site.node.take_ip().unwrap_or_default() };
                self.sandbox = Sandbox::Ready;
                self.changed = true;
            }
            Op::Pull(pull) => self.pulled(*pull, site),
            Op::Start { container, .. } => self.started(container, site),
        }
        self.act(site, now);
    }

    /// Second half of starting a container: it runs, or the runtime refuses.
    fn started(&mut self, i: usize, site: &mut Site<'_, '_>) {
        let now = site.cx.api.now;
        let pod = Arc::clone(&self.pod);
        let Some(spec) = specs(&pod).nth(i) else { return };
        let Some(image) = self.containers[i].base.clone() else { return };
        let uid = Arc::clone(&self.uid);
        let restarts = {
            let c = &mut self.containers[i];
            if let State::Ended(ended) = &c.state {
                c.last = Some(ended.clone());
                c.last_log = Some(Arc::new(core::mem::take(&mut c.log)));
                c.restarts += 1;
            }
            c.restarts
        };
        self.event(site, Some(i), EventType::Normal, "Created", "Container created");
        let mut rng =
            Rng::derive(site.cx.api.config.seed, "container", &uid, (restarts.unsigned_abs() as u64) << 8 | i as u64);
        let id: String = (0..4).map(|_| format!("{:016x}", rng.next_u64())).collect();
        let launched = self.launch(i, spec, &image, site);
        let jitter = rng.next_u64();
        let c = &mut self.containers[i];
        c.id = id;
        c.image = super::image_name(spec, &image).into();
        c.image_id = super::image_id(spec, &image).into();
        c.log = super::logs::Log::default();
        c.kill_at = None;
        c.killed_as = None;
        self.changed = true;
        if let Err(why) = launched {
            c.state = State::Running { since: now };
            c.end(now, 128);
            if let State::Ended(e) = &mut c.state {
                e.reason = "StartError";
                e.message.clone_from(&why);
            }
            self.event(site, Some(i), EventType::Warning, "Failed", &format!("Error: {why}"));
            self.fail(i, "RunContainerError", why);
            return;
        }
        c.failure = None;
        c.state = State::Running { since: now };
        c.probes = Probes::new(spec, now, jitter).map(Box::new);
        c.started = !c.probes.as_ref().is_some_and(|p| p.has(ProbeKind::Startup));
        c.ready = !c.probes.as_ref().is_some_and(|p| p.has(ProbeKind::Readiness));
        self.event(site, Some(i), EventType::Normal, "Started", "Container started");
        let hook = spec.lifecycle.as_ref().and_then(|l| l.post_start.as_ref()).and_then(|h| h.exec.as_ref());
        if let Some(exec) = hook {
            let argv = exec.command.clone().unwrap_or_default();
            let deadline = now + Duration::from_secs(3600);
            self.run_task(i, Purpose::PostStart, argv, deadline, site);
        }
    }

    /// Decides what runs and sets it up; the error is the runtime's refusal.
    fn launch(&mut self, i: usize, spec: &Spec, image: &Arc<Image>, site: &mut Site<'_, '_>) -> Result<(), String> {
        let now = site.cx.api.now;
        let fs = self.file_system(i, spec, image, site);
        let hostname = super::hostname(&self.pod);
        let vars = &self.containers[i].env;
        let expand = |list: &Option<Vec<String>>| -> Vec<String> {
            let find = |name: &str| vars.iter().find(|(n, _)| n == name).map(|(_, v)| v.clone());
            list.iter().flatten().map(|a| env::expand(a, find)).collect()
        };
        let (command, args) = (expand(&spec.command), expand(&spec.args));
        let mut all_env = image.config.env.clone();
        all_env.extend(vars.iter().cloned());
        let workdir = spec.working_dir.as_deref().filter(|w| !w.is_empty()).unwrap_or(&image.config.workdir);
        let files = super::files::FsFiles(&fs);
        let request = LaunchRequest {
            image,
            command: &command,
            args: &args,
            env: &all_env,
            workdir,
            hostname,
            files: &files,
            now,
        };
        match launch(&request) {
            Launch::Native(native) => {
                self.containers[i].native = Some(native);
                self.containers[i].native_wake = Some(now);
                Ok(())
            }
            Launch::Vm { argv, then } => {
                let workdir = workdir.to_owned();
                let mut machine = super::files::machine(&self.pod, &self.uid, spec, fs, &all_env, image.os, now);
                let start = machine::machine::Start { argv, cwd: workdir, ..Default::default() };
                let main = machine.spawn_session(start).map_err(|e| e.message().to_owned())?;
                let c = &mut self.containers[i];
                c.machine = Some(Box::new(machine));
                c.main = Some(main);
                c.then = then;
                c.machine_wake = Some(now);
                Ok(())
            }
            Launch::Fail(e) => Err(e.cri()),
        }
    }

    /// The container's file tree: the image's, with the pod's volumes and the files the kubelet manages.
    pub(super) fn file_system(
        &mut self,
        i: usize,
        spec: &Spec,
        image: &Arc<Image>,
        site: &mut Site<'_, '_>,
    ) -> machine::fs::Fs {
        let _ = i;
        let root = match site.roots.get(&image.id) {
            Some(root) => root.clone(),
            None => {
                let root = super::files::root(image);
                site.roots.insert(image.id.clone(), root.clone());
                root
            }
        };
        let only_token = spec.volume_mounts.iter().flatten().all(|m| m.name.starts_with("kube-api-access-"));
        let by_default = image.config.entrypoint.first().or(image.config.cmd.first());
        let native_only = spec.command.is_none()
            && spec.args.is_none()
            && by_default.is_some_and(|name| image.software.program(name).is_some());
        if only_token && native_only {
            // A server that never looks at its token: the volume is built when somebody does.
            return machine::fs::Fs::new(root);
        }
        self.build_volumes(site.cx.api, site.node);
        super::files::mounted(root, &self.pod, spec, &self.pod_ip, &self.volumes)
    }

    pub(super) fn build_volumes(&mut self, api: &apiserver::ApiServer, node: &NodeState) {
        if self.volumes.is_empty() {
            let built = volumes::build(api, &self.pod, &self.place(node), &node.disk);
            self.volumes = built;
        }
    }

    /// Starts a command of the kubelet's own in a container (exec probes, hooks).
    pub(super) fn run_task(
        &mut self,
        i: usize,
        purpose: Purpose,
        argv: Vec<String>,
        deadline: Time,
        site: &mut Site<'_, '_>,
    ) {
        let now = site.cx.api.now;
        if !self.ensure_machine(i, site) {
            return;
        }
        let c = &mut self.containers[i];
        let Some(machine) = &mut c.machine else { return };
        let name = argv.first().cloned().unwrap_or_default();
        match machine.spawn_session(machine::machine::Start { argv, ..Default::default() }) {
            Ok(session) => {
                c.tasks.push(super::container::Task { purpose, session, deadline, output: Vec::new() });
                c.machine_wake = Some(now);
            }
            Err(_) => {
                let why = format!(
                    "OCI runtime exec failed: exec failed: unable to start container process: exec: \"{name}\": executable file not found in $PATH: unknown"
                );
                self.task_done(i, purpose, 126, why.into_bytes(), site);
            }
        }
    }

    /// Makes the container's machine if nothing has needed it before.
    pub(super) fn ensure_machine(&mut self, i: usize, site: &mut Site<'_, '_>) -> bool {
        if self.containers[i].machine.is_some() {
            return true;
        }
        let pod = Arc::clone(&self.pod);
        let Some(spec) = specs(&pod).nth(i) else { return false };
        let Some(image) = self.containers[i].base.clone() else { return false };
        let root = site.roots.entry(image.id.clone()).or_insert_with(|| super::files::root(&image)).clone();
        self.build_volumes(site.cx.api, site.node);
        let fs = super::files::mounted(root, &self.pod, spec, &self.pod_ip, &self.volumes);
        let mut vars = image.config.env.clone();
        vars.extend(self.containers[i].env.iter().cloned());
        let machine = super::files::machine(&self.pod, &self.uid, spec, fs, &vars, image.os, site.cx.api.now);
        self.containers[i].machine = Some(Box::new(machine));
        true
    }

    /// A probe or hook command has ended.
    pub(super) fn task_done(
        &mut self,
        i: usize,
        purpose: Purpose,
        code: i32,
        output: Vec<u8>,
        site: &mut Site<'_, '_>,
    ) {
        let text = String::from_utf8_lossy(&output).into_owned();
        match purpose {
            Purpose::Probe(kind) => self.probe_result(i, kind, if code == 0 { Ok(()) } else { Err(text) }, site),
            Purpose::PostStart if code != 0 => {
                self.event(site, Some(i), EventType::Warning, "FailedPostStartHook", "PostStartHook failed");
                self.kill(i, site, HOOK_FAILED, "Container {c} failed post-start hook");
                let message = "PostStartHook failed".to_owned();
                self.containers[i].failure = Some(StartFailure { reason: "PostStartHookError", message });
            }
            Purpose::PostStart => {}
            Purpose::PreStop => {
                let now = site.cx.api.now;
                signal_stop(&mut self.containers[i], now);
            }
        }
    }

    /// What a probe found.
    pub(super) fn probe_result(
        &mut self,
        i: usize,
        kind: ProbeKind,
        result: Result<(), String>,
        site: &mut Site<'_, '_>,
    ) {
        let now = site.cx.api.now;
        if !self.containers[i].running() || self.terminating {
            return;
        }
        if let Err(why) = &result {
            let message = format!("{} probe failed: {why}", kind.title());
            self.event(site, Some(i), EventType::Warning, "Unhealthy", &message);
        }
        let c = &mut self.containers[i];
        let Some(probe) = c.probes.as_mut().and_then(|p| p.get_mut(kind)) else { return };
        let verdict = probe.record(result.is_ok(), now);
        let mut changed = false;
        match (kind, verdict) {
            (ProbeKind::Readiness, Verdict::Passed) => changed = !core::mem::replace(&mut c.ready, true),
            (ProbeKind::Readiness, Verdict::Failed) => changed = core::mem::replace(&mut c.ready, false),
            (ProbeKind::Startup, Verdict::Passed) => changed = !core::mem::replace(&mut c.started, true),
            (ProbeKind::Startup, Verdict::Failed) => {
                self.kill(i, site, "probe", "Container {c} failed startup probe, will be restarted");
            }
            (ProbeKind::Liveness, Verdict::Failed) => {
                self.kill(i, site, "probe", "Container {c} failed liveness probe, will be restarted");
            }
            _ => {}
        }
        if changed {
            self.sync_at = Some(self.sync_at.map_or(now, |t| t.min(now)));
        }
    }

    /// Stops a container within the pod's grace, telling why.
    fn kill(&mut self, i: usize, site: &mut Site<'_, '_>, why: &'static str, message: &str) {
        if self.containers[i].killed_as.is_some() {
            return;
        }
        let name = specs(&self.pod).nth(i).map(|s| s.name.clone()).unwrap_or_default();
        self.event(site, Some(i), EventType::Normal, "Killing", &message.replace("{c}", &name));
        let grace = self.grace();
        let now = site.cx.api.now;
        let c = &mut self.containers[i];
        c.killed_as = Some(why);
        c.probes = None;
        c.kill_at = Some(now + grace);
        signal_stop(c, now);
    }

    // ---- the end ----

    fn begin_termination(&mut self, site: &mut Site<'_, '_>) {
        self.op = None;
        for i in 0..self.containers.len() {
            if self.containers[i].running() {
                let hook = specs(&self.pod)
                    .nth(i)
                    .and_then(|s| s.lifecycle.as_ref()?.pre_stop.as_ref()?.exec.as_ref()?.command.clone());
                match hook {
                    Some(argv) => {
                        let (now, grace) = (site.cx.api.now, self.grace());
                        let name = specs(&self.pod).nth(i).map(|s| s.name.clone()).unwrap_or_default();
                        self.event(site, Some(i), EventType::Normal, "Killing", &format!("Stopping container {name}"));
                        self.containers[i].killed_as = Some("deleted");
                        self.containers[i].probes = None;
                        self.containers[i].kill_at = Some(now + grace);
                        self.run_task(i, Purpose::PreStop, argv, now + grace, site);
                    }
                    None => self.kill(i, site, "deleted", "Stopping container {c}"),
                }
            }
        }
        self.observe_processes(site);
    }

    fn continue_termination(&mut self, site: &mut Site<'_, '_>) {
        let now = site.cx.api.now;
        if self.containers.iter().any(Container::running) {
            self.report(site);
            return;
        }
        if self.gone_at.is_none() {
            self.sandbox = Sandbox::Gone;
            self.report(site);
            self.gone_at = Some(now + latency::POD_TEARDOWN);
        }
    }

    /// A pod that has run to its end keeps its object; what it held on the node is given back.
    fn finish_pod(&mut self, site: &mut Site<'_, '_>) {
        let mut waiting = false;
        for i in 0..self.containers.len() {
            if self.containers[i].running() {
                waiting = true;
                self.kill(i, site, "finished", "Stopping container {c}");
            }
        }
        if !waiting && self.sandbox == Sandbox::Ready {
            self.sandbox = Sandbox::Gone;
            site.node.give_back_ip(&self.pod_ip);
            self.report(site);
        }
    }

    fn remove(&mut self, site: &mut Site<'_, '_>) {
        site.node.give_back_ip(&self.pod_ip);
        let options = DeleteOptions {
            grace_period_seconds: Some(0),
            uid: self.pod.metadata.uid.clone(),
            ..DeleteOptions::default()
        };
        // Already gone is as good.
        let _ = site.cx.api.delete::<Pod>(self.namespace(), self.name(), &options, site.writer);
    }

    // ---- events ----

    pub(super) fn event(
        &self,
        site: &mut Site<'_, '_>,
        container: Option<usize>,
        kind: EventType,
        reason: &str,
        message: &str,
    ) {
        let m = &self.pod.metadata;
        let field_path = container.and_then(|i| {
            let spec = specs(&self.pod).nth(i)?;
            let list = if self.containers[i].role == Role::Regular { "containers" } else { "initContainers" };
            Some(format!("spec.{list}{{{}}}", spec.name))
        });
        let regarding = ObjectReference {
            api_version: Some("v1".into()),
            kind: Some("Pod".into()),
            name: m.name.clone(),
            namespace: m.namespace.clone(),
            resource_version: m.resource_version.clone(),
            uid: m.uid.clone(),
            field_path,
        };
        let source = Source { component: "kubelet", host: &site.node.name };
        site.cx.recorder.event(site.cx.api, site.writer, source, regarding, kind, reason, message);
    }
}

fn c_message(c: &Container) -> String {
    c.failure
        .as_ref()
        .filter(|f| !f.message.is_empty())
        .map(|f| format!(": ErrImagePull: {}", strip_backoff(&f.message)))
        .unwrap_or_default()
}

/// The words of the pull itself, without an earlier back-off's frame.
fn strip_backoff(message: &str) -> &str {
    message.split_once(": ErrImagePull: ").map_or(message, |(_, rest)| rest)
}

fn round_ms(d: Duration) -> Duration {
    Duration::from_millis(u64::try_from(d.as_millis()).unwrap_or(u64::MAX))
}

/// The image's stop signal to the main process.
fn signal_stop(c: &mut Container, now: Time) {
    let signal = c.base.as_ref().and_then(|b| Signal::parse(&b.config.stop_signal)).unwrap_or(Signal::Term);
    send_signal(c, now, signal);
}

fn send_signal(c: &mut Container, now: Time, signal: Signal) {
    if let Some(native) = &mut c.native {
        native.signal(now, signal);
        c.native_wake = Some(now);
    } else if let (Some(machine), Some(main)) = (&mut c.machine, c.main)
        && let Some(pid) = machine.session_pid(main)
    {
        let signal = match signal {
            Signal::Kill => machine::process::Signal::Kill,
            Signal::Int => machine::process::Signal::Int,
            Signal::Quit | Signal::Term | Signal::Hup => machine::process::Signal::Term,
        };
        machine.signal(pid, signal);
        c.machine_wake = Some(now);
    }
}

impl Kubelets {
    /// The worker of a pod, by the pod's UID.
    pub fn worker(&self, uid: &str) -> Option<&Worker> {
        self.workers.get(uid)
    }
}
