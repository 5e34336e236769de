//! Jobs that ended and may go after a while.
//!
//! Models: `pkg/controller/ttlafterfinished`.

use super::super::meta::{instant, name_of, namespace_of};
use super::super::{Action, Controller, Informer, Key, Seen};
use super::status::end;
use crate::cluster::Ctx;
use apimachinery::status::Status;
use apimachinery::time::Duration;
use apiserver::object::view;
use apiserver::server::Propagation;
use apiserver::{Change, DeleteOptions, KindId, Verb};
use k8s_openapi::api::batch::v1::Job;

pub struct TtlAfterFinished;

impl Controller for TtlAfterFinished {
    fn name(&self) -> &'static str {
        "ttl-after-finished-controller"
    }

    fn observe(&self, change: &Change, _seen: &Seen<'_>, enqueue: &mut dyn FnMut(Key)) {
        if change.kind == KindId::JOB
            && change.verb != Verb::Deleted
            && view::<Job>(&*change.object).is_some_and(|j| lifetime(j).is_some() && end(j).is_some())
        {
            let m = change.object.meta();
            enqueue(Key::new(namespace_of(m), name_of(m)));
        }
    }

    fn reconcile(&self, key: &Key, cx: &mut Ctx<'_>, _informer: &mut Informer) -> Result<Action, Status> {
        let Some(job) = cx.api.get::<Job>(&key.namespace, &key.name) else { return Ok(Action::Done) };
        let (Some(lifetime), Some(end)) = (lifetime(&job), end(&job)) else { return Ok(Action::Done) };
        if job.metadata.deletion_timestamp.is_some() {
            return Ok(Action::Done);
        }
        let since = end.last_transition_time.as_ref().map_or(cx.api.now, instant);
        let passed = cx.api.now.since(since);
        if passed < lifetime {
            return Ok(Action::RequeueAfter(lifetime - passed, false));
        }
        let options = DeleteOptions {
            propagation: Some(Propagation::Foreground),
            uid: job.metadata.uid.clone(),
            ..DeleteOptions::default()
        };
        match cx.api.delete::<Job>(&key.namespace, &key.name, &options, &cx.writer) {
            Err(status) if !status.is_not_found() => Err(status),
            _ => Ok(Action::Done),
        }
    }
}

fn lifetime(job: &Job) -> Option<Duration> {
    let seconds = job.spec.as_ref()?.ttl_seconds_after_finished?;
    Some(Duration::from_secs(u64::try_from(seconds).unwrap_or(0)))
}
