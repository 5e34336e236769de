//! Jobs: pods that run to their end, as many and as often as it takes.
//!
//! Models: `pkg/controller/job`. An ended pod is counted once: when its finalizer is taken away, in the same reconcile.
//! Not modelled: pod failure policies, success policies, a backoff limit per index.

mod indexes;
mod pods;
mod status;
pub mod ttl;

pub use status::end;

use super::meta::{
    controller_of, has_finalizer, instant, is_active, is_ready, is_terminal, name_of, namespace_of, uid_of,
};
use super::{Action, Controller, Informer, Key, Seen};
use crate::cluster::Ctx;
use crate::recorder::{EventType, Source, reference};
use apimachinery::status::Status;
use apimachinery::time::Duration;
use apiserver::object::view;
use apiserver::server::Door;
use apiserver::{Change, KindId, Verb};
use k8s_openapi::api::batch::v1::{Job, JobSpec, JobStatus};
use k8s_openapi::api::core::v1::Pod;
use std::sync::Arc;

pub struct Jobs;

const NAME: &str = "job-controller";
const SOURCE: Source<'static> = Source { component: NAME, host: "" };
const TRACKING: &str = "batch.kubernetes.io/job-tracking";
const INDEX: &str = "batch.kubernetes.io/job-completion-index";
/// Changes of pods are gathered for this long.
const BATCH: Duration = Duration::from_secs(1);

impl Controller for Jobs {
    fn name(&self) -> &'static str {
        NAME
    }

    fn delay_of(&self, change: &Change) -> Duration {
        let new = change.old.as_ref().is_none_or(|o| o.meta().generation != change.object.meta().generation);
        if change.kind == KindId::JOB && new { self.delay() } else { BATCH }
    }

    fn observe(&self, change: &Change, seen: &Seen<'_>, enqueue: &mut dyn FnMut(Key)) {
        let m = change.object.meta();
        match change.kind {
            KindId::JOB if change.verb == Verb::Deleted => {
                for pod in seen.api.owned::<Pod>(uid_of(m)) {
                    enqueue(orphan_key(pod));
                }
            }
            KindId::JOB => enqueue(Key::new(namespace_of(m), name_of(m))),
            KindId::POD => {
                let owner = controller_of(m).filter(|r| r.kind == "Job");
                let tracked = has_finalizer(m, TRACKING);
                match owner.filter(|r| seen.api.storage.by_uid(&r.uid).is_some()) {
                    Some(owner) => enqueue(Key::new(namespace_of(m), &owner.name)),
                    None if tracked && change.verb != Verb::Deleted => {
                        if let Some(pod) = view::<Pod>(&*change.object) {
                            enqueue(orphan_key(pod));
                        }
                    }
                    None => {}
                }
            }
            _ => {}
        }
    }

    fn reconcile(&self, key: &Key, cx: &mut Ctx<'_>, _informer: &mut Informer) -> Result<Action, Status> {
        if let Some((namespace, pod)) = key.name.split_once('/') {
            release(namespace, pod, cx)?;
            return Ok(Action::Done);
        }
        let Some(job) = cx.api.get::<Job>(&key.namespace, &key.name) else { return Ok(Action::Done) };
        if job.spec.is_none() || status::is_finished(&job) {
            return Ok(Action::Done);
        }
        Sync::new(job, cx).run()
    }
}

/// A pod whose job is gone, by a name that no job can have.
fn orphan_key(pod: &Pod) -> Key {
    Key::new("", &format!("{}/{}", namespace_of(&pod.metadata), name_of(&pod.metadata)))
}

/// Lets a pod go that nobody counts any more.
fn release(namespace: &str, name: &str, cx: &mut Ctx<'_>) -> Result<(), Status> {
    let Some(pod) = cx.api.get::<Pod>(namespace, name) else { return Ok(()) };
    if !has_finalizer(&pod.metadata, TRACKING) {
        return Ok(());
    }
    cx.api.modify::<Pod>(namespace, name, Door::Part, &cx.writer, |p| {
        if let Some(list) = &mut p.metadata.finalizers {
            list.retain(|f| f != TRACKING);
        }
        if p.metadata.finalizers.as_ref().is_some_and(Vec::is_empty) {
            p.metadata.finalizers = None;
        }
    })?;
    Ok(())
}

/// One look at one job.
struct Sync<'a, 'c> {
    cx: &'a mut Ctx<'c>,
    job: Arc<Job>,
    pods: Vec<Pod>,
    status: JobStatus,
    /// Ended pods that are counted now.
    counted: Vec<String>,
    wait: Option<Duration>,
}

impl<'a, 'c> Sync<'a, 'c> {
    fn new(job: Arc<Job>, cx: &'a mut Ctx<'c>) -> Self {
        let pods = cx.api.owned::<Pod>(uid_of(&job.metadata)).cloned().collect();
        let status = job.status.clone().unwrap_or_default();
        Self { cx, job, pods, status, counted: Vec::new(), wait: None }
    }

    fn run(mut self) -> Result<Action, Status> {
        let suspended = self.spec().suspend == Some(true);
        if self.status.start_time.is_none() && !suspended {
            self.status.start_time = Some(super::meta::stamp(self.cx.api.now));
        }
        self.count();
        let mut failure = self.condition_reason("FailureTarget");
        if failure.is_none() {
            failure = self.failure(suspended);
        }
        let mut active = i32::try_from(self.pods.iter().filter(|p| is_active(p)).count()).unwrap_or(i32::MAX);
        let mut managed = Ok(());
        if let Some((reason, message)) = failure {
            active -= self.delete_active(usize::MAX)?;
            self.set_condition("FailureTarget", "True", &reason, &message);
            self.finish("Failed", active, &reason, &message);
        } else if self.is_complete(active) {
            active -= self.delete_active(usize::MAX)?;
            let (reason, message) = ("CompletionsReached", "Reached expected number of succeeded pods");
            self.set_condition("SuccessCriteriaMet", "True", reason, message);
            self.finish("Complete", active, reason, message);
        } else if self.job.metadata.deletion_timestamp.is_none() {
            managed = self.manage(suspended, &mut active);
            self.suspension(suspended);
        }
        self.status.active = (active > 0).then_some(active);
        self.status.ready = Some(
            i32::try_from(
                self.pods
                    .iter()
                    .filter(|p| is_active(p) && is_ready(p))
                    .count()
                    .min(usize::try_from(active).unwrap_or(0)),
            )
            .unwrap_or(0),
        );
        let going = self.pods.iter().filter(|p| p.metadata.deletion_timestamp.is_some() && !is_terminal(p)).count();
        self.status.terminating = Some(i32::try_from(going).unwrap_or(0));
        self.status.uncounted_terminated_pods = Some(Default::default());
        self.write()?;
        managed?;
        Ok(self.wait.map_or(Action::Done, |wait| Action::RequeueAfter(wait, wait < Duration::from_secs(3600))))
    }

    fn spec(&self) -> &JobSpec {
        static NONE: std::sync::OnceLock<JobSpec> = std::sync::OnceLock::new();
        self.job.spec.as_ref().unwrap_or_else(|| NONE.get_or_init(JobSpec::default))
    }

    fn is_indexed(&self) -> bool {
        self.spec().completion_mode.as_deref() == Some("Indexed")
    }

    fn is_complete(&self, active: i32) -> bool {
        let succeeded = self.status.succeeded.unwrap_or(0);
        match self.spec().completions {
            Some(wanted) => succeeded >= wanted,
            None => succeeded > 0 && active == 0,
        }
    }

    /// Adds up pods that ended and have not been counted.
    fn count(&mut self) {
        let mut done = indexes::parse(self.status.completed_indexes.as_deref().unwrap_or_default());
        let (mut succeeded, mut failed) = (self.status.succeeded.unwrap_or(0), self.status.failed.unwrap_or(0));
        let indexed = self.is_indexed();
        let going = self.job.metadata.deletion_timestamp.is_some();
        let only_failed = self.spec().pod_replacement_policy.as_deref() == Some("Failed");
        for pod in self.pods.iter().filter(|p| has_finalizer(&p.metadata, TRACKING)) {
            let deleted = pod.metadata.deletion_timestamp.is_some();
            match super::meta::phase_of(pod) {
                "Succeeded" if indexed => {
                    let index = pods::index_of(pod);
                    done.extend(index.filter(|i| *i < self.spec().completions.unwrap_or(0)));
                }
                "Succeeded" => succeeded += 1,
                "Failed" => failed += 1,
                _ if deleted && !only_failed => failed += 1,
                _ if going => {}
                _ => continue,
            }
            self.counted.push(name_of(&pod.metadata).to_owned());
        }
        if indexed {
            succeeded = i32::try_from(done.len()).unwrap_or(i32::MAX);
            let text = indexes::format(&done);
            self.status.completed_indexes = (!text.is_empty()).then_some(text);
        }
        self.status.succeeded = (succeeded > 0).then_some(succeeded);
        self.status.failed = (failed > 0).then_some(failed);
    }

    /// Why the job has failed, if it has: reason and message.
    fn failure(&mut self, suspended: bool) -> Option<(String, String)> {
        let spec = self.spec();
        let limit = spec.backoff_limit.unwrap_or(6);
        let restarts: i32 = self.pods.iter().filter(|p| !is_terminal(p)).map(pods::restarts).sum();
        let on_failure = spec.template.spec.as_ref().and_then(|s| s.restart_policy.as_deref()) == Some("OnFailure");
        if self.status.failed.unwrap_or(0) > limit || on_failure && (restarts > 0 && restarts >= limit) {
            return Some(("BackoffLimitExceeded".into(), "Job has reached the specified backoff limit".into()));
        }
        let deadline = u64::try_from(spec.active_deadline_seconds?).unwrap_or(0);
        if suspended {
            return None;
        }
        let start = instant(self.status.start_time.as_ref()?);
        let passed = self.cx.api.now.since(start);
        let allowed = Duration::from_secs(deadline);
        if passed >= allowed {
            return Some(("DeadlineExceeded".into(), "Job was active longer than specified deadline".into()));
        }
        self.wait_at_most(allowed - passed);
        None
    }

    fn wait_at_most(&mut self, wait: Duration) {
        self.wait = Some(self.wait.map_or(wait, |w| w.min(wait)));
    }

    fn write(&mut self) -> Result<(), Status> {
        let (namespace, name) = (namespace_of(&self.job.metadata).to_owned(), name_of(&self.job.metadata).to_owned());
        if self.job.status.as_ref() != Some(&self.status) {
            let status = self.status.clone();
            self.cx.api.modify::<Job>(&namespace, &name, Door::Status, &self.cx.writer, |j| j.status = Some(status))?;
            self.tell_end();
        }
        for pod in &self.counted {
            release(&namespace, pod, self.cx)?;
        }
        Ok(())
    }

    fn tell(&mut self, kind: EventType, reason: &str, message: &str) {
        let regarding = reference(self.cx.api, &*self.job);
        self.cx.recorder.event(self.cx.api, &self.cx.writer, SOURCE, regarding, kind, reason, message);
    }
}
