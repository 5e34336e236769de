//! CronJobs: a job whenever the schedule says so.
//!
//! Models: `pkg/controller/cronjob`. Times are read in UTC; other time zones are not known.

use super::job::end;
use super::meta::{controller_of, controller_ref, instant, name_of, namespace_of, stamp, uid_of};
use super::replicaset::namespace_terminates;
use super::schedule::Schedule;
use super::{Action, Controller, Informer, Key, Seen};
use crate::cluster::Ctx;
use crate::recorder::{EventType, Source, reference};
use apimachinery::order::Order as _;
use apimachinery::status::Status;
use apimachinery::time::Time;
use apiserver::server::{Door, Propagation};
use apiserver::{Change, DeleteOptions, KindId, Verb};
use k8s_openapi::api::batch::v1::{CronJob, CronJobSpec, CronJobStatus, Job};
use k8s_openapi::api::core::v1::ObjectReference;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

pub struct CronJobs;

const NAME: &str = "cronjob-controller";
const SOURCE: Source<'static> = Source { component: NAME, host: "" };
const SCHEDULED: &str = "batch.kubernetes.io/cronjob-scheduled-timestamp";
/// Schedules missed at most before they are complained of.
const MISSED_MAX: usize = 100;

impl Controller for CronJobs {
    fn name(&self) -> &'static str {
        NAME
    }

    fn observe(&self, change: &Change, _seen: &Seen<'_>, enqueue: &mut dyn FnMut(Key)) {
        let m = change.object.meta();
        match change.kind {
            KindId::CRON_JOB if change.verb != Verb::Deleted => enqueue(Key::new(namespace_of(m), name_of(m))),
            KindId::JOB => {
                if let Some(owner) = controller_of(m).filter(|r| r.kind == "CronJob") {
                    enqueue(Key::new(namespace_of(m), &owner.name));
                }
            }
            _ => {}
        }
    }

    fn reconcile(&self, key: &Key, cx: &mut Ctx<'_>, _informer: &mut Informer) -> Result<Action, Status> {
        let Some(cron) = cx.api.get::<CronJob>(&key.namespace, &key.name) else { return Ok(Action::Done) };
        let spec = &cron.spec;
        let jobs: Vec<Job> = cx.api.owned::<Job>(uid_of(&cron.metadata)).cloned().collect();
        let mut status = cron.status.clone().unwrap_or_default();
        forget_ended(&cron, &jobs, &mut status, cx);
        clean_up(&cron, spec, &jobs, cx)?;
        let result = if cron.metadata.deletion_timestamp.is_some() || spec.suspend == Some(true) {
            Ok(Action::Done)
        } else {
            start_due(&cron, spec, &mut status, cx)
        };
        if cron.status.as_ref() != Some(&status) {
            cx.api.modify::<CronJob>(&key.namespace, &key.name, Door::Status, &cx.writer, |c| {
                c.status = Some(status);
            })?;
        }
        result
    }
}

fn tell(cx: &mut Ctx<'_>, cron: &CronJob, kind: EventType, reason: &str, message: &str) {
    let regarding = reference(cx.api, cron);
    cx.recorder.event(cx.api, &cx.writer, SOURCE, regarding, kind, reason, message);
}

/// Takes jobs that ended or are gone off the list of running ones.
fn forget_ended(cron: &CronJob, jobs: &[Job], status: &mut CronJobStatus, cx: &mut Ctx<'_>) {
    let active = status.active.take().unwrap_or_default();
    let mut left = Vec::new();
    for job in active {
        let uid = job.uid.as_deref().unwrap_or_default();
        let name = job.name.as_deref().unwrap_or_default();
        let Some(found) = jobs.iter().find(|j| uid_of(&j.metadata) == uid) else {
            let message = format!("Active job went missing: {name}");
            tell(cx, cron, EventType::Normal, "MissingJob", &message);
            continue;
        };
        let Some(end) = end(found) else {
            left.push(job);
            continue;
        };
        let message = format!("Saw completed job: {name}, condition: {}", end.type_);
        tell(cx, cron, EventType::Normal, "SawCompletedJob", &message);
        let completed = found.status.as_ref().and_then(|s| s.completion_time.clone());
        if end.type_ == "Complete" && completed > status.last_successful_time {
            status.last_successful_time = completed;
        }
    }
    status.active = (!left.is_empty()).then_some(left);
}

/// Deletes the oldest ended jobs beyond what is to be kept.
fn clean_up(cron: &CronJob, spec: &CronJobSpec, jobs: &[Job], cx: &mut Ctx<'_>) -> Result<(), Status> {
    for (kind, limit) in [("Complete", spec.successful_jobs_history_limit), ("Failed", spec.failed_jobs_history_limit)]
    {
        let Some(limit) = limit else { continue };
        let mut ended: Vec<&Job> = jobs.iter().filter(|j| end(j).is_some_and(|e| e.type_ == kind)).collect();
        let started = |j: &Job| j.status.as_ref().and_then(|s| s.start_time.clone());
        ended.order_by(|a, b| started(a).cmp(&started(b)).then_with(|| name_of(&a.metadata).cmp(name_of(&b.metadata))));
        let surplus = ended.len().saturating_sub(usize::try_from(limit).unwrap_or(0));
        for job in &ended[..surplus] {
            delete(cron, name_of(&job.metadata), cx)?;
        }
    }
    Ok(())
}

fn delete(cron: &CronJob, name: &str, cx: &mut Ctx<'_>) -> Result<(), Status> {
    let options = DeleteOptions { propagation: Some(Propagation::Background), ..DeleteOptions::default() };
    match cx.api.delete::<Job>(namespace_of(&cron.metadata), name, &options, &cx.writer) {
        Ok(_) => {
            tell(cx, cron, EventType::Normal, "SuccessfulDelete", &format!("Deleted job {name}"));
            Ok(())
        }
        Err(status) if status.is_not_found() => Ok(()),
        Err(status) => Err(status),
    }
}

/// Starts the job of the latest time that has passed, if any; waits for the next.
fn start_due(
    cron: &CronJob,
    spec: &CronJobSpec,
    status: &mut CronJobStatus,
    cx: &mut Ctx<'_>,
) -> Result<Action, Status> {
    let now = cx.api.now;
    let Some(schedule) = Schedule::parse(&spec.schedule) else {
        let message = format!("unparseable schedule: {}", spec.schedule);
        tell(cx, cron, EventType::Warning, "UnparseableSchedule", &message);
        return Ok(Action::Done);
    };
    let Some(next) = schedule.next(now) else { return Ok(Action::Done) };
    let wait = Ok(Action::RequeueAfter(next.since(now), false));
    let created = cron.metadata.creation_timestamp.as_ref().map_or(now, instant);
    let mut since = status.last_schedule_time.as_ref().map_or(created, instant);
    if let Some(deadline) = spec.starting_deadline_seconds {
        since = since.max(Time(now.0 - deadline.saturating_mul(1_000_000)));
    }
    let mut due = None;
    let mut missed = 0;
    while let Some(t) = schedule.next(due.unwrap_or(since)).filter(|t| *t <= now) {
        due = Some(t);
        missed += 1;
        if missed > MISSED_MAX {
            let message =
                "too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew";
            tell(cx, cron, EventType::Warning, "TooManyMissedTimes", message);
            // The latest is what counts; so many have passed that a look from just before now finds it.
            due = schedule.next(Time(now.0 - 3_600_000_000)).filter(|t| *t <= now).or(due);
            break;
        }
    }
    let Some(due) = due else { return wait };
    let running = status.active.as_ref().is_some_and(|a| !a.is_empty());
    match spec.concurrency_policy.as_deref() {
        Some("Forbid") if running => {
            let message = "Not starting job because prior execution is running and concurrency policy is Forbid";
            tell(cx, cron, EventType::Normal, "JobAlreadyActive", message);
            return wait;
        }
        Some("Replace") => {
            for job in status.active.take().unwrap_or_default() {
                delete(cron, job.name.as_deref().unwrap_or_default(), cx)?;
            }
        }
        _ => {}
    }
    match cx.api.create(job(cron, spec, due), &cx.writer) {
        Ok(job) => {
            tell(cx, cron, EventType::Normal, "SuccessfulCreate", &format!("Created job {}", name_of(&job.metadata)));
            let job: ObjectReference = reference(cx.api, &*job);
            status.active.get_or_insert_default().push(job);
        }
        Err(status) if namespace_terminates(&status) => return Ok(Action::Done),
        Err(error) if error.reason == "AlreadyExists" => {}
        Err(error) => {
            let message = format!("Error creating job: {}", error.message);
            tell(cx, cron, EventType::Warning, "FailedCreate", &message);
            return Err(error);
        }
    }
    status.last_schedule_time = Some(stamp(due));
    wait
}

fn job(cron: &CronJob, spec: &CronJobSpec, due: Time) -> Job {
    let template = &spec.job_template;
    let m = template.metadata.as_ref();
    let mut annotations = m.and_then(|m| m.annotations.clone()).unwrap_or_default();
    annotations.insert(SCHEDULED.into(), due.rfc3339());
    Job {
        metadata: ObjectMeta {
            name: Some(format!("{}-{}", name_of(&cron.metadata), due.secs().div_euclid(60))),
            namespace: cron.metadata.namespace.clone(),
            labels: m.and_then(|m| m.labels.clone()),
            annotations: Some(annotations),
            owner_references: Some(vec![controller_ref(cron)]),
            ..ObjectMeta::default()
        },
        spec: template.spec.clone(),
        status: None,
    }
}
