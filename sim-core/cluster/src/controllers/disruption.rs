//! Disruption budgets: how many of the selected pods may be taken away right now.
//!
//! Models: `pkg/controller/disruption`.

use super::meta::{controller_of, instant, is_ready, name_of, namespace_of, stamp, uid_of};
use super::selector::selector;
use super::{Action, Controller, Informer, Key, Seen};
use crate::cluster::Ctx;
use apimachinery::status::Status;
use apimachinery::time::Duration;
use apiserver::object::view;
use apiserver::server::Door;
use apiserver::{ApiServer, Change, KindId, Verb};
use k8s_openapi::api::apps::v1::{Deployment, ReplicaSet, StatefulSet};
use k8s_openapi::api::core::v1::{Pod, ReplicationController};
use k8s_openapi::api::policy::v1::{PodDisruptionBudget, PodDisruptionBudgetSpec, PodDisruptionBudgetStatus};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use std::collections::BTreeMap;

pub struct DisruptionBudgets;

/// A pod that was to be evicted and is still there after this will not be.
const DELETION_TIMEOUT: Duration = Duration::from_secs(120);

impl Controller for DisruptionBudgets {
    fn name(&self) -> &'static str {
        "disruption-controller"
    }

    fn observe(&self, change: &Change, seen: &Seen<'_>, enqueue: &mut dyn FnMut(Key)) {
        let m = change.object.meta();
        match change.kind {
            KindId::POD_DISRUPTION_BUDGET if change.verb != Verb::Deleted => {
                enqueue(Key::new(namespace_of(m), name_of(m)));
            }
            KindId::POD if seen.api.storage.count(KindId::POD_DISRUPTION_BUDGET) > 0 => {
                let what = |p: &Pod| (is_ready(p), p.metadata.deletion_timestamp.is_some(), p.metadata.labels.clone());
                let old = change.old.as_deref().and_then(view::<Pod>).map(what);
                let new = view::<Pod>(&*change.object).map(what);
                if change.verb == Verb::Modified && old == new {
                    return;
                }
                for budget in seen.api.list::<PodDisruptionBudget>(Some(namespace_of(m))) {
                    let chosen = budget.spec.as_ref().and_then(|s| s.selector.as_ref()).map(selector);
                    if chosen.is_some_and(|s| s.matches(&m.labels)) {
                        enqueue(Key::new(namespace_of(m), name_of(&budget.metadata)));
                    }
                }
            }
            _ => {}
        }
    }

    fn reconcile(&self, key: &Key, cx: &mut Ctx<'_>, _informer: &mut Informer) -> Result<Action, Status> {
        let Some(budget) = cx.api.get::<PodDisruptionBudget>(&key.namespace, &key.name) else {
            return Ok(Action::Done);
        };
        let Some(spec) = budget.spec.as_ref() else { return Ok(Action::Done) };
        let Some(chosen) = spec.selector.as_ref().map(selector) else { return Ok(Action::Done) };
        let now = cx.api.now;
        let pods: Vec<&Pod> =
            cx.api.list::<Pod>(Some(&key.namespace)).filter(|p| chosen.matches(&p.metadata.labels)).collect();
        let old = budget.status.clone().unwrap_or_default();
        let mut disrupted = old.disrupted_pods.clone().unwrap_or_default();
        disrupted.retain(|name, since| {
            let stays = |p: &&&Pod| name_of(&p.metadata) == name && p.metadata.deletion_timestamp.is_none();
            pods.iter().find(stays).is_some() && now.since(instant(since)) < DELETION_TIMEOUT
        });
        let healthy = pods.iter().filter(|p| {
            let m = &p.metadata;
            m.deletion_timestamp.is_none() && is_ready(p) && !disrupted.contains_key(name_of(m))
        });
        let healthy = i32::try_from(healthy.count()).unwrap_or(i32::MAX);
        let (expected, desired) = expectation(spec, &pods, cx.api);
        let allowed = if expected <= 0 { 0 } else { (healthy - desired).max(0) };
        let waits = !disrupted.is_empty();
        let mut status = PodDisruptionBudgetStatus {
            current_healthy: Some(healthy),
            desired_healthy: Some(desired),
            expected_pods: Some(expected),
            disruptions_allowed: Some(allowed),
            disrupted_pods: waits.then_some(disrupted),
            observed_generation: budget.metadata.generation,
            conditions: old.conditions,
        };
        let (reason, word) = if allowed > 0 { ("SufficientPods", "True") } else { ("InsufficientPods", "False") };
        let list = status.conditions.get_or_insert_default();
        let known = list.iter().find(|c| c.type_ == "DisruptionAllowed" && c.status == word);
        let condition = Condition {
            type_: "DisruptionAllowed".into(),
            status: word.into(),
            reason: reason.into(),
            message: String::new(),
            observed_generation: budget.metadata.generation,
            last_transition_time: known.map_or_else(|| stamp(now), |c| c.last_transition_time.clone()),
        };
        list.retain(|c| c.type_ != condition.type_);
        list.push(condition);
        if budget.status.as_ref() != Some(&status) {
            cx.api.modify::<PodDisruptionBudget>(&key.namespace, &key.name, Door::Status, &cx.writer, |b| {
                b.status = Some(status);
            })?;
        }
        Ok(if waits { Action::RequeueAfter(DELETION_TIMEOUT, false) } else { Action::Done })
    }
}

/// How many pods there should be, and how many of them healthy.
fn expectation(spec: &PodDisruptionBudgetSpec, pods: &[&Pod], api: &ApiServer) -> (i32, i32) {
    let count = i32::try_from(pods.len()).unwrap_or(i32::MAX);
    match (&spec.max_unavailable, &spec.min_available) {
        (Some(most), _) => {
            let scale = scale(pods, api);
            (scale, (scale - scaled(most, scale)).max(0))
        }
        (None, Some(IntOrString::Int(least))) => (count, *least),
        (None, Some(least)) => {
            let scale = scale(pods, api);
            (scale, scaled(least, scale))
        }
        (None, None) => (0, 0),
    }
}

/// A number, or a share of `whole`, rounded up.
fn scaled(value: &IntOrString, whole: i32) -> i32 {
    match value {
        IntOrString::Int(n) => *n,
        IntOrString::String(text) => {
            let percent: i64 = text.trim_end_matches('%').parse().unwrap_or(0);
            i32::try_from((i64::from(whole) * percent + 99).div_euclid(100)).unwrap_or(i32::MAX)
        }
    }
}

/// The sum of what the pods' controllers want.
fn scale(pods: &[&Pod], api: &ApiServer) -> i32 {
    let mut wanted: BTreeMap<String, i32> = BTreeMap::new();
    for pod in pods {
        let namespace = namespace_of(&pod.metadata);
        let Some(owner) = controller_of(&pod.metadata).filter(|r| !wanted.contains_key(&r.uid)) else { continue };
        let size = match owner.kind.as_str() {
            "ReplicaSet" => api.get::<ReplicaSet>(namespace, &owner.name).map(|set| {
                let above = controller_of(&set.metadata).filter(|r| r.kind == "Deployment");
                match above.and_then(|r| api.get::<Deployment>(namespace, &r.name)) {
                    Some(d) => (uid_of(&d.metadata).to_owned(), d.spec.as_ref().and_then(|s| s.replicas)),
                    None => (owner.uid.clone(), set.spec.as_ref().and_then(|s| s.replicas)),
                }
            }),
            "StatefulSet" => api
                .get::<StatefulSet>(namespace, &owner.name)
                .map(|s| (owner.uid.clone(), s.spec.as_ref().and_then(|s| s.replicas))),
            "ReplicationController" => api
                .get::<ReplicationController>(namespace, &owner.name)
                .map(|s| (owner.uid.clone(), s.spec.as_ref().and_then(|s| s.replicas))),
            _ => None,
        };
        if let Some((uid, replicas)) = size {
            wanted.insert(uid, replicas.unwrap_or(1));
        }
    }
    wanted.values().sum()
}
