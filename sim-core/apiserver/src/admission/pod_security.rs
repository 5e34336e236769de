//! Holds pods to the level that labels of their namespace ask for.
//!
//! Models: `pod-security-admission`, the latest version of each check. What Windows pods are excused from is not.

use super::pod_security_checks::{Finding, Level, evaluate};
use super::{Plugin, Request, Verdict};
use crate::object::{Object, view};
use crate::storage::{KindId, Storage};
use apimachinery::order::Order as _;
use k8s_openapi::api::apps::v1::{DaemonSet, Deployment, ReplicaSet, StatefulSet};
use k8s_openapi::api::batch::v1::{CronJob, Job};
use k8s_openapi::api::core::v1::{Namespace, Pod, PodSpec, ReplicationController};
use std::collections::BTreeMap;

const PREFIX: &str = "pod-security.kubernetes.io/";

pub struct PodSecurity;

/// A level with its version, as labels give it.
struct Policy {
    level: Level,
    version: String,
}

impl Policy {
    /// `mode`: `enforce` or `warn`.
    fn of(namespace: &Namespace, mode: &str) -> Option<Self> {
        let labels = namespace.metadata.labels.as_ref()?;
        let level = match labels.get(&format!("{PREFIX}{mode}"))?.as_str() {
            "baseline" => Level::Baseline,
            "restricted" => Level::Restricted,
            _ => return None,
        };
        let version = labels.get(&format!("{PREFIX}{mode}-version"));
        Some(Self { level, version: version.cloned().unwrap_or_else(|| "latest".into()) })
    }

    /// `restricted:latest`.
    fn name(&self) -> String {
        let level = if self.level == Level::Baseline { "baseline" } else { "restricted" };
        format!("{level}:{}", self.version)
    }
}

impl Plugin for PodSecurity {
    fn validate(&self, object: &dyn Object, request: &mut Request<'_>) -> Verdict {
        if request.kind == KindId::NAMESPACE {
            if let (Some(new), Some(old)) = (view::<Namespace>(object), request.old.and_then(view::<Namespace>)) {
                warn_of_existing(new, old, request);
            }
            return Ok(());
        }
        let Some(spec) = pod_spec(object, request.kind) else { return Ok(()) };
        let name = object.meta().namespace.as_deref().unwrap_or_default();
        let namespace = request.storage.get(KindId::NAMESPACE, "", name).and_then(|o| view::<Namespace>(&**o));
        let asks = |n: &&Namespace| n.metadata.labels.iter().flatten().any(|(key, _)| key.starts_with(PREFIX));
        let Some(namespace) = namespace.filter(asks) else { return Ok(()) };
        let old = request.old.and_then(|o| pod_spec(o, request.kind));
        if old == Some(spec) {
            return Ok(());
        }
        let enforce = Policy::of(namespace, "enforce");
        if request.kind == KindId::POD
            && let Some(policy) = &enforce
        {
            let findings = evaluate(policy.level, spec);
            if !findings.is_empty() {
                let why = format!("violates PodSecurity \"{}\": {}", policy.name(), in_full(&findings));
                return Err(request.forbidden(object, &why));
            }
        }
        if let Some(policy) = Policy::of(namespace, "warn").or(enforce) {
            let findings = evaluate(policy.level, spec);
            if !findings.is_empty() {
                let text = format!("would violate PodSecurity \"{}\": {}", policy.name(), in_full(&findings));
                request.warnings.push(text);
            }
        }
        Ok(())
    }
}

fn in_full(findings: &[Finding]) -> String {
    let parts: Vec<String> = findings
        .iter()
        .map(|f| if f.detail.is_empty() { f.reason.to_owned() } else { format!("{} ({})", f.reason, f.detail) })
        .collect();
    parts.join(", ")
}

/// The pods that an object is, or makes.
fn pod_spec(object: &dyn Object, kind: KindId) -> Option<&PodSpec> {
    match kind {
        KindId::POD => view::<Pod>(object)?.spec.as_ref(),
        KindId::REPLICA_SET => view::<ReplicaSet>(object)?.spec.as_ref()?.template.as_ref()?.spec.as_ref(),
        KindId::DEPLOYMENT => view::<Deployment>(object)?.spec.as_ref()?.template.spec.as_ref(),
        KindId::STATEFUL_SET => view::<StatefulSet>(object)?.spec.as_ref()?.template.spec.as_ref(),
        KindId::DAEMON_SET => view::<DaemonSet>(object)?.spec.as_ref()?.template.spec.as_ref(),
        KindId::JOB => view::<Job>(object)?.spec.as_ref()?.template.spec.as_ref(),
        KindId::CRON_JOB => view::<CronJob>(object)?.spec.job_template.spec.as_ref()?.template.spec.as_ref(),
        KindId::REPLICATION_CONTROLLER => {
            view::<ReplicationController>(object)?.spec.as_ref()?.template.as_ref()?.spec.as_ref()
        }
        _ => None,
    }
}

/// A namespace becomes stricter: which of its pods would no longer come in?
fn warn_of_existing(new: &Namespace, old: &Namespace, request: &mut Request<'_>) {
    let Some(policy) = Policy::of(new, "enforce") else { return };
    if Policy::of(old, "enforce").is_some_and(|o| o.level >= policy.level && o.version == policy.version) {
        return;
    }
    let name = new.metadata.name.as_deref().unwrap_or_default();
    let mut by_warning: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for pod in pods(request.storage, name) {
        let findings = pod.spec.as_ref().map(|s| evaluate(policy.level, s)).unwrap_or_default();
        if !findings.is_empty() {
            let reasons: Vec<&str> = findings.iter().map(|f| f.reason).collect();
            let name = pod.metadata.name.clone().unwrap_or_default();
            by_warning.entry(reasons.join(", ")).or_default().push(name);
        }
    }
    if by_warning.is_empty() {
        return;
    }
    request.warnings.push(format!(
        "existing pods in namespace \"{name}\" violate the new PodSecurity enforce level \"{}\"",
        policy.name()
    ));
    let mut lines: Vec<String> = by_warning
        .into_iter()
        .map(|(warning, pods)| match pods.len() {
            1 => format!("{}: {warning}", pods[0]),
            2 => format!("{} (and 1 other pod): {warning}", pods[0]),
            n => format!("{} (and {} other pods): {warning}", pods[0], n - 1),
        })
        .collect();
    lines.order();
    request.warnings.append(&mut lines);
}

fn pods<'a>(storage: &'a Storage, namespace: &str) -> impl Iterator<Item = &'a Pod> {
    storage.list(KindId::POD, Some(namespace)).filter_map(|o| view::<Pod>(&**o))
}
