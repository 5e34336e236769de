//! The pods of a job: how many there should be now, making and unmaking them.

use super::super::meta::{
    controller_ref, instant, is_active, is_ready, is_terminal, name_of, namespace_of, node_of, phase_of,
};
use super::super::replicaset::namespace_terminates;
use super::{INDEX, Sync, TRACKING, indexes};
use crate::recorder::EventType;
use apimachinery::order::{Gather as _, Order as _};
use apimachinery::status::Status;
use apimachinery::time::{Duration, Time};
use apiserver::DeleteOptions;
use k8s_openapi::api::core::v1::{EnvVar, EnvVarSource, ObjectFieldSelector, Pod};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use std::collections::BTreeSet;

/// A failed pod is replaced after this, twice as long after each further one.
const BACKOFF: Duration = Duration::from_secs(10);
const BACKOFF_MAX: Duration = Duration::from_secs(600);
/// Pods that one reconcile creates at most.
const BURST: usize = 500;
const INDEX_VARIABLE: &str = "JOB_COMPLETION_INDEX";

pub fn index_of(pod: &Pod) -> Option<i32> {
    super::super::meta::annotation(&pod.metadata, INDEX)?.parse().ok()
}

pub fn restarts(pod: &Pod) -> i32 {
    let Some(status) = &pod.status else { return 0 };
    let (init, main) = (status.init_container_statuses.iter().flatten(), status.container_statuses.iter().flatten());
    init.chain(main).map(|c| c.restart_count).sum()
}

/// When the last container of an ended pod ended.
fn ended(pod: &Pod, now: Time) -> Time {
    let statuses = pod.status.as_ref().and_then(|s| s.container_statuses.as_deref()).unwrap_or_default();
    let ends = statuses.iter().filter_map(|c| c.state.as_ref()?.terminated.as_ref()?.finished_at.as_ref());
    ends.map(instant).max().unwrap_or(now)
}

impl Sync<'_, '_> {
    /// Brings the number of running pods to what is wanted.
    pub fn manage(&mut self, suspended: bool, active: &mut i32) -> Result<(), Status> {
        if suspended {
            *active -= self.delete_active(usize::MAX)?;
            return Ok(());
        }
        let spec = self.spec();
        let parallelism = spec.parallelism.unwrap_or(1);
        let succeeded = self.status.succeeded.unwrap_or(0);
        let wanted = match spec.completions {
            None if succeeded > 0 => parallelism.min(*active),
            None => parallelism,
            Some(completions) => (completions - succeeded).min(parallelism).max(0),
        };
        let terminating = if spec.pod_replacement_policy.as_deref() == Some("Failed") {
            let going = |p: &&Pod| p.metadata.deletion_timestamp.is_some() && !is_terminal(p);
            i32::try_from(self.pods.iter().filter(going).count()).unwrap_or(0)
        } else {
            0
        };
        if *active > wanted {
            *active -= self.delete_active(usize::try_from(*active - wanted).unwrap_or(0))?;
            return Ok(());
        }
        let missing = usize::try_from(wanted - *active - terminating).unwrap_or(0).min(BURST);
        if missing == 0 {
            return Ok(());
        }
        if let Some(wait) = self.backoff() {
            self.wait_at_most(wait);
            return Ok(());
        }
        let indexes: Vec<Option<i32>> =
            if self.is_indexed() { self.free_indexes(missing) } else { vec![None; missing] };
        for index in indexes {
            self.create(index)?;
            *active += 1;
        }
        Ok(())
    }

    /// How long the failures since the last success forbid a new pod.
    fn backoff(&self) -> Option<Duration> {
        let now = self.cx.api.now;
        let of =
            |phase: &'static str| self.pods.iter().filter(move |p| phase_of(p) == phase).map(move |p| ended(p, now));
        let success = of("Succeeded").max();
        let failures: Vec<Time> = of("Failed").filter(|t| success.is_none_or(|s| *t > s)).collect();
        let last = failures.iter().max()?;
        let doublings = u32::try_from(failures.len() - 1).unwrap_or(u32::MAX).min(10);
        let wait = BACKOFF.saturating_mul(1 << doublings).min(BACKOFF_MAX);
        let passed = now.since(*last);
        (passed < wait).then(|| wait - passed)
    }

    fn free_indexes(&self, count: usize) -> Vec<Option<i32>> {
        let mut taken = indexes::parse(self.status.completed_indexes.as_deref().unwrap_or_default());
        let active: BTreeSet<i32> = self.pods.iter().filter(|p| is_active(p)).filter_map(index_of).gather();
        taken.extend(active);
        let all = 0..self.spec().completions.unwrap_or(0);
        all.filter(|i| !taken.contains(i)).take(count).map(Some).collect()
    }

    fn create(&mut self, index: Option<i32>) -> Result<(), Status> {
        match self.cx.api.create(self.pod(index), &self.cx.writer) {
            Ok(pod) => {
                let message = format!("Created pod: {}", name_of(&pod.metadata));
                self.tell(EventType::Normal, "SuccessfulCreate", &message);
                Ok(())
            }
            Err(status) if namespace_terminates(&status) => Ok(()),
            Err(status) => {
                let message = format!("Error creating: {}", status.message);
                self.tell(EventType::Warning, "FailedCreate", &message);
                Err(status)
            }
        }
    }

    fn pod(&self, index: Option<i32>) -> Pod {
        let template = &self.spec().template;
        let m = template.metadata.as_ref();
        let name = name_of(&self.job.metadata);
        let mut pod = Pod {
            metadata: ObjectMeta {
                generate_name: Some(format!("{name}-")),
                namespace: self.job.metadata.namespace.clone(),
                labels: m.and_then(|m| m.labels.clone()),
                annotations: m.and_then(|m| m.annotations.clone()),
                finalizers: Some(
                    m.and_then(|m| m.finalizers.clone()).into_iter().flatten().chain([TRACKING.into()]).collect(),
                ),
                owner_references: Some(vec![controller_ref(&*self.job)]),
                ..ObjectMeta::default()
            },
            spec: template.spec.clone(),
            status: None,
        };
        if let Some(index) = index {
            let text = index.to_string();
            pod.metadata.generate_name = Some(format!("{name}-{text}-"));
            pod.metadata.labels.get_or_insert_default().insert(INDEX.into(), text.clone());
            pod.metadata.annotations.get_or_insert_default().insert(INDEX.into(), text.clone());
            if let Some(spec) = &mut pod.spec {
                spec.hostname = Some(format!("{name}-{text}"));
                let all = spec.init_containers.iter_mut().flatten().chain(&mut spec.containers);
                for container in all {
                    let env = container.env.get_or_insert_default();
                    if env.iter().all(|v| v.name != INDEX_VARIABLE) {
                        env.push(index_variable());
                    }
                }
            }
        }
        pod
    }

    /// Deletes up to `count` running pods, those first that have come least far; tells how many.
    pub fn delete_active(&mut self, count: usize) -> Result<i32, Status> {
        let mut running: Vec<(bool, bool, String)> = self
            .pods
            .iter()
            .filter(|p| is_active(p))
            .map(|p| (!node_of(p).is_empty(), is_ready(p), name_of(&p.metadata).to_owned()))
            .collect();
        running.order();
        let namespace = namespace_of(&self.job.metadata).to_owned();
        let mut deleted = 0;
        for (_, _, name) in running.into_iter().take(count) {
            match self.cx.api.delete::<Pod>(&namespace, &name, &DeleteOptions::default(), &self.cx.writer) {
                Ok(_) => {
                    deleted += 1;
                    self.tell(EventType::Normal, "SuccessfulDelete", &format!("Deleted pod: {name}"));
                }
                Err(status) if status.is_not_found() => {}
                Err(status) => {
                    self.tell(EventType::Warning, "FailedDelete", &format!("Error deleting: {}", status.message));
                    return Err(status);
                }
            }
        }
        if deleted > 0 {
            // What has been deleted is on its way out from now on.
            let uid = super::uid_of(&self.job.metadata);
            self.pods = self.cx.api.owned::<Pod>(uid).cloned().collect();
        }
        Ok(deleted)
    }
}

fn index_variable() -> EnvVar {
    let field = ObjectFieldSelector { api_version: None, field_path: format!("metadata.labels['{INDEX}']") };
    EnvVar {
        name: INDEX_VARIABLE.into(),
        value: None,
        value_from: Some(EnvVarSource { field_ref: Some(field), ..EnvVarSource::default() }),
    }
}
