//! A deployment's status: sums over its sets, and the conditions that tell how its rollout fares.
//!
//! Models: `progress.go` and `calculateStatus` in `pkg/controller/deployment`.

use super::super::Action;
use super::super::meta::{instant, name_of, stamp};
use super::arithmetic;
use super::{At, Rollout};
use apimachinery::status::Status;
use apimachinery::time::Duration;
use apiserver::server::Door;
use k8s_openapi::api::apps::v1::{Deployment, DeploymentCondition, DeploymentStatus};

const PROGRESSING: &str = "Progressing";
const TIMED_OUT: &str = "ProgressDeadlineExceeded";
const NEW_AVAILABLE: &str = "NewReplicaSetAvailable";

/// Sets a condition, unless one with this status and reason stands; its transition time moves only with its status.
pub fn set_condition(status: &mut DeploymentStatus, mut condition: DeploymentCondition) {
    let list = status.conditions.get_or_insert_with(Vec::new);
    if let Some(old) = list.iter().find(|c| c.type_ == condition.type_) {
        if old.status == condition.status && old.reason == condition.reason {
            return;
        }
        if old.status == condition.status {
            condition.last_transition_time.clone_from(&old.last_transition_time);
        }
    }
    list.retain(|c| c.type_ != condition.type_);
    list.push(condition);
}

fn remove_condition(status: &mut DeploymentStatus, kind: &str) {
    if let Some(list) = &mut status.conditions {
        list.retain(|c| c.type_ != kind);
    }
}

fn find<'a>(status: &'a DeploymentStatus, kind: &str) -> Option<&'a DeploymentCondition> {
    status.conditions.as_ref()?.iter().find(|c| c.type_ == kind)
}

impl Rollout<'_, '_> {
    pub fn condition(&self, kind: &str, status: &str, reason: &str, message: String) -> DeploymentCondition {
        let now = stamp(self.cx.api.now);
        DeploymentCondition {
            type_: kind.to_owned(),
            status: status.to_owned(),
            reason: Some(reason.to_owned()),
            message: Some(message),
            last_transition_time: Some(now.clone()),
            last_update_time: Some(now),
        }
    }

    pub fn has_deadline(&self) -> bool {
        self.spec().progress_deadline_seconds.is_some_and(|s| s != i32::MAX)
    }

    pub fn progressing(&self) -> Option<&DeploymentCondition> {
        find(self.d.status.as_ref()?, PROGRESSING)
    }

    pub fn is_complete(&self) -> bool {
        self.d.status.as_ref().is_some_and(|s| self.completes(s))
    }

    fn completes(&self, status: &DeploymentStatus) -> bool {
        let wanted = Some(self.wanted()).filter(|n| *n != 0);
        let some = |n: Option<i32>| n.filter(|n| *n != 0);
        [status.updated_replicas, status.replicas, status.available_replicas].into_iter().all(|n| some(n) == wanted)
            && status.observed_generation >= self.d.metadata.generation
    }

    pub fn write_status(&mut self, status: DeploymentStatus) -> Result<(), Status> {
        let (namespace, name) = (self.namespace().to_owned(), self.name().to_owned());
        self.d = self.cx.api.modify::<Deployment>(&namespace, &name, Door::Status, &self.cx.writer, |d| {
            d.status = Some(status);
        })?;
        Ok(())
    }

    pub fn check_paused(&mut self) -> Result<(), Status> {
        let reason = self.progressing().and_then(|c| c.reason.as_deref());
        if !self.has_deadline() || reason == Some(TIMED_OUT) {
            return Ok(());
        }
        let known = reason == Some("DeploymentPaused");
        let condition = match (self.spec().paused.unwrap_or(false), known) {
            (true, false) => self.condition(PROGRESSING, "Unknown", "DeploymentPaused", "Deployment is paused".into()),
            (false, true) => {
                self.condition(PROGRESSING, "Unknown", "DeploymentResumed", "Deployment is resumed".into())
            }
            _ => return Ok(()),
        };
        let mut status = self.d.status.clone().unwrap_or_default();
        set_condition(&mut status, condition);
        self.write_status(status)
    }

    /// Writes the sums, without judging progress.
    pub fn sync_status(&mut self, new: Option<At>) -> Result<Action, Status> {
        let status = self.sums(new);
        if self.d.status.as_ref() != Some(&status) {
            self.write_status(status)?;
        }
        Ok(Action::Done)
    }

    /// Writes the sums and how the rollout fares; asks to be called again when its time may be up.
    pub fn sync_rollout_status(&mut self, new: Option<At>) -> Result<Action, Status> {
        let mut status = self.sums(new);
        if !self.has_deadline() {
            remove_condition(&mut status, PROGRESSING);
        }
        let reason = self.progressing().and_then(|c| c.reason.as_deref());
        let over = status.replicas == status.updated_replicas && reason == Some(NEW_AVAILABLE);
        if self.has_deadline() && !over {
            self.judge_progress(&mut status, new);
        }
        match self.replica_failure(new) {
            Some(failure) => set_condition(&mut status, failure),
            None => remove_condition(&mut status, "ReplicaFailure"),
        }
        if self.d.status.as_ref() != Some(&status) {
            self.write_status(status)?;
        }
        Ok(self.look_again())
    }

    fn judge_progress(&self, status: &mut DeploymentStatus, new: Option<At>) {
        let subject = match new {
            Some(at) => format!("ReplicaSet \"{}\"", name_of(&self.sets[at].metadata)),
            None => format!("Deployment \"{}\"", self.name()),
        };
        if self.completes(status) {
            let message = format!("{subject} has successfully progressed.");
            set_condition(status, self.condition(PROGRESSING, "True", NEW_AVAILABLE, message));
        } else if self.advances(status) {
            let message = format!("{subject} is progressing.");
            let mut condition = self.condition(PROGRESSING, "True", "ReplicaSetUpdated", message);
            if let Some(old) = self.progressing().filter(|c| c.status == "True") {
                condition.last_transition_time.clone_from(&old.last_transition_time);
            }
            // Replaced even by its like: progress moves the update time.
            remove_condition(status, PROGRESSING);
            set_condition(status, condition);
        } else if self.timed_out(status) {
            let message = format!("{subject} has timed out progressing.");
            set_condition(status, self.condition(PROGRESSING, "False", TIMED_OUT, message));
        }
    }

    fn advances(&self, new: &DeploymentStatus) -> bool {
        let none = DeploymentStatus::default();
        let old = self.d.status.as_ref().unwrap_or(&none);
        let n = |n: Option<i32>| n.unwrap_or(0);
        let olds = |s: &DeploymentStatus| n(s.replicas) - n(s.updated_replicas);
        n(new.updated_replicas) > n(old.updated_replicas)
            || olds(new) < olds(old)
            || n(new.ready_replicas) > n(old.ready_replicas)
            || n(new.available_replicas) > n(old.available_replicas)
    }

    fn timed_out(&self, status: &DeploymentStatus) -> bool {
        let Some(condition) = find(status, PROGRESSING) else { return false };
        match condition.reason.as_deref() {
            Some(NEW_AVAILABLE) => false,
            Some(TIMED_OUT) => true,
            _ => self.deadline(condition).is_some_and(|left| left.is_zero()),
        }
    }

    /// What is left until the condition is too old; `None` if there is no deadline.
    fn deadline(&self, condition: &DeploymentCondition) -> Option<Duration> {
        let seconds = u64::try_from(self.spec().progress_deadline_seconds?).ok()?;
        let from = instant(condition.last_update_time.as_ref()?);
        Some((from + Duration::from_secs(seconds)).since(self.cx.api.now))
    }

    fn look_again(&self) -> Action {
        let Some(condition) = self.progressing().filter(|_| self.has_deadline()) else { return Action::Done };
        if self.is_complete() || condition.reason.as_deref() == Some(TIMED_OUT) {
            return Action::Done;
        }
        match self.deadline(condition) {
            Some(left) => Action::RequeueAfter(left + Duration::from_secs(1), false),
            None => Action::Done,
        }
    }

    fn replica_failure(&self, new: Option<At>) -> Option<DeploymentCondition> {
        let order = new.into_iter().chain(self.olds(new));
        let conditions = order.filter_map(|at| self.sets[at].status.as_ref()?.conditions.as_ref());
        let failure = conditions.flatten().find(|c| c.type_ == "ReplicaFailure")?;
        Some(DeploymentCondition {
            type_: failure.type_.clone(),
            status: failure.status.clone(),
            reason: failure.reason.clone(),
            message: failure.message.clone(),
            last_transition_time: failure.last_transition_time.clone(),
            last_update_time: failure.last_transition_time.clone(),
        })
    }

    fn sums(&self, new: Option<At>) -> DeploymentStatus {
        let some = |n: i32| (n != 0).then_some(n);
        let all = self.all();
        let available = self.available(&all);
        let new: Vec<At> = new.into_iter().collect();
        let mut status = DeploymentStatus {
            observed_generation: self.d.metadata.generation,
            replicas: some(self.sum(&all, |s| s.replicas)),
            updated_replicas: some(self.sum(&new, |s| s.replicas)),
            ready_replicas: some(self.sum(&all, |s| s.ready_replicas.unwrap_or(0))),
            available_replicas: some(available),
            unavailable_replicas: some((self.replicas_of(&all) - available).max(0)),
            terminating_replicas: Some(self.sum(&all, |s| s.terminating_replicas.unwrap_or(0))),
            collision_count: self.d.status.as_ref().and_then(|s| s.collision_count),
            conditions: self.d.status.as_ref().and_then(|s| s.conditions.clone()),
        };
        let enough = available >= self.wanted() - arithmetic::max_unavailable(self.spec());
        let condition = if enough {
            let message = "Deployment has minimum availability.".into();
            self.condition("Available", "True", "MinimumReplicasAvailable", message)
        } else {
            let message = "Deployment does not have minimum availability.".into();
            self.condition("Available", "False", "MinimumReplicasUnavailable", message)
        };
        set_condition(&mut status, condition);
        status
    }
}
