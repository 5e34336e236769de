//! Evictions: deletions that ask the disruption budgets first.
//!
//! Models: upstream's `registry/core/pod/storage/eviction.go`.

use super::{Call, Scope};
use crate::ApiServer;
use crate::selector;
use crate::server::{DeleteOptions, Door};
use apimachinery::status::{Cause, Details, Status};
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use k8s_openapi::apimachinery::pkg::apis::meta::v1 as meta;
use serde_json::Value;

const REFUSED: &str = "Cannot evict pod as it would violate the pod's disruption budget.";

/// Deletes a pod as a drain does.
pub(super) fn evict(server: &mut ApiServer, call: &Call, scope: &Scope, eviction: &Value) -> Result<(), Status> {
    let given = eviction["metadata"]["name"].as_str().unwrap_or_default();
    if !given.is_empty() && given != scope.name {
        return Err(Status::bad_request("name in URL does not match name in Eviction object"));
    }
    let pod = server.get::<Pod>(&scope.namespace, &scope.name).ok_or_else(|| scope.not_found())?;
    let wanted = &eviction["deleteOptions"];
    let text = |key: &str| wanted["preconditions"][key].as_str().map(str::to_owned);
    let options = DeleteOptions {
        grace_period_seconds: wanted["gracePeriodSeconds"].as_i64(),
        propagation: None,
        uid: text("uid"),
        resource_version: text("resourceVersion"),
        dry_run: wanted["dryRun"].as_array().is_some_and(|d| !d.is_empty()) || call.request.param("dryRun").is_some(),
    };
    if !is_free(&pod) {
        ask_budget(server, call, &pod, options.dry_run)?;
    }
    server.delete_object(scope.id, &scope.namespace, &scope.name, &options, &call.writer(""))?;
    Ok(())
}

/// Whether no budget has a say: the pod does not run, or goes already.
fn is_free(pod: &Pod) -> bool {
    let phase = pod.status.as_ref().and_then(|s| s.phase.as_deref()).unwrap_or("Pending");
    pod.metadata.deletion_timestamp.is_some() || phase != "Running" && phase != "Unknown"
}

fn is_ready(pod: &Pod) -> bool {
    let conditions = pod.status.as_ref().and_then(|s| s.conditions.as_deref()).unwrap_or_default();
    conditions.iter().any(|c| c.type_ == "Ready" && c.status == "True")
}

fn ask_budget(server: &mut ApiServer, call: &Call, pod: &Pod, dry_run: bool) -> Result<(), Status> {
    let namespace = pod.metadata.namespace.as_deref().unwrap_or_default();
    let selects = |b: &&PodDisruptionBudget| {
        let spec = b.spec.as_ref().and_then(|s| s.selector.as_ref());
        spec.and_then(|s| selector::parse(s).ok()).is_some_and(|s| s.matches(&pod.metadata.labels))
    };
    let budgets: Vec<PodDisruptionBudget> =
        server.list::<PodDisruptionBudget>(Some(namespace)).filter(selects).take(2).cloned().collect();
    let budget = match budgets.as_slice() {
        [] => return Ok(()),
        [one] => one,
        _ => {
            let why =
                "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.";
            return Err(Status::new(500, "", why));
        }
    };
    let name = budget.metadata.name.as_deref().unwrap_or_default();
    let status = budget.status.clone().unwrap_or_default();
    let (healthy, desired) = (status.current_healthy.unwrap_or(0), status.desired_healthy.unwrap_or(0));
    let policy = budget.spec.as_ref().and_then(|s| s.unhealthy_pod_eviction_policy.as_deref());
    if !is_ready(pod) && (policy == Some("AlwaysAllow") || healthy >= desired && desired > 0) {
        return Ok(());
    }
    if status.observed_generation < budget.metadata.generation {
        return Err(refusal(10, format!("The disruption budget {name} is still being processed by the server.")));
    }
    if status.disruptions_allowed.unwrap_or(0) <= 0 {
        let why = if healthy <= desired {
            format!("The disruption budget {name} needs {desired} healthy pods and has {healthy} currently")
        } else {
            format!("The disruption budget {name} does not allow evicting pods currently")
        };
        return Err(refusal(0, why));
    }
    if dry_run {
        return Ok(());
    }
    let (pod, now) = (pod.metadata.name.clone().unwrap_or_default(), meta::Time(server.now.timestamp()));
    server.modify::<PodDisruptionBudget>(namespace, name, Door::Status, &call.writer(""), |b| {
        let status = b.status.get_or_insert_default();
        status.disruptions_allowed = Some(status.disruptions_allowed.unwrap_or(0) - 1);
        status.disrupted_pods.get_or_insert_default().insert(pod, now);
    })?;
    Ok(())
}

fn refusal(retry_after_seconds: u32, why: String) -> Status {
    let cause = Cause { reason: "DisruptionBudget".into(), message: why, field: String::new() };
    let mut status = Status::new(429, "TooManyRequests", REFUSED);
    status.details = Some(Box::new(Details { causes: vec![cause], retry_after_seconds, ..Details::default() }));
    status
}
