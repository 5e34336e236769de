//! Conditions of a job and the events that go with them.

use super::super::meta::stamp;
use super::Sync;
use crate::recorder::EventType;
use k8s_openapi::api::batch::v1::{Job, JobCondition};

fn conditions(job: &Job) -> &[JobCondition] {
    job.status.as_ref().and_then(|s| s.conditions.as_deref()).unwrap_or_default()
}

/// The condition that says how the job ended, once it has.
pub fn end(job: &Job) -> Option<&JobCondition> {
    conditions(job).iter().find(|c| matches!(c.type_.as_str(), "Complete" | "Failed") && c.status == "True")
}

pub fn is_finished(job: &Job) -> bool {
    end(job).is_some()
}

impl Sync<'_, '_> {
    /// Reason and message of a condition that holds.
    pub fn condition_reason(&self, kind: &str) -> Option<(String, String)> {
        let list = self.status.conditions.as_deref().unwrap_or_default();
        let found = list.iter().find(|c| c.type_ == kind && c.status == "True")?;
        Some((found.reason.clone().unwrap_or_default(), found.message.clone().unwrap_or_default()))
    }

    pub fn set_condition(&mut self, kind: &str, status: &str, reason: &str, message: &str) {
        let now = stamp(self.cx.api.now);
        let list = self.status.conditions.get_or_insert_default();
        let new = JobCondition {
            type_: kind.into(),
            status: status.into(),
            reason: Some(reason.into()),
            message: Some(message.into()),
            last_probe_time: Some(now.clone()),
            last_transition_time: Some(now),
        };
        match list.iter_mut().find(|c| c.type_ == kind) {
            Some(old) if old.status == status => {}
            Some(old) => *old = new,
            None => list.push(new),
        }
    }

    /// The job is over once none of its pods runs any more.
    pub fn finish(&mut self, kind: &str, active: i32, reason: &str, message: &str) {
        let going =
            |p: &&k8s_openapi::api::core::v1::Pod| p.metadata.deletion_timestamp.is_some() && !super::is_terminal(p);
        if active > 0 || self.pods.iter().any(|p| going(&p)) {
            return;
        }
        self.set_condition(kind, "True", reason, message);
        if kind == "Complete" {
            self.status.completion_time = Some(stamp(self.cx.api.now));
        }
    }

    /// Says whether the job is held; what never was held has no word of it.
    pub fn suspension(&mut self, suspended: bool) {
        let held = self.condition_reason("Suspended").is_some();
        if suspended && !held {
            self.set_condition("Suspended", "True", "JobSuspended", "Job suspended");
            self.tell(EventType::Normal, "Suspended", "Job suspended");
            self.status.start_time = None;
        } else if !suspended && held {
            self.set_condition("Suspended", "False", "JobResumed", "Job resumed");
            self.tell(EventType::Normal, "Resumed", "Job resumed");
            self.status.start_time = Some(stamp(self.cx.api.now));
        }
    }

    pub fn tell_end(&mut self) {
        if self.condition_reason("Complete").is_some() {
            self.tell(EventType::Normal, "Completed", "Job completed");
        } else if let Some((reason, message)) = self.condition_reason("Failed") {
            self.tell(EventType::Warning, &reason, &message);
        }
    }
}
