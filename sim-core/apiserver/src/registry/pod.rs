//! Pod: names, defaults, rules and columns.

use super::checks::text;
use super::pod_defaults::default_pod;
use super::pod_summary::Summary;
use super::printing::{NONE, since};
use super::{Column, Context, KindInfo, Strategy, age, qos};
use super::{pod_spec, pod_update};
use apimachinery::field::ErrorList;
use apimachinery::field::{Error, Path};
use apimachinery::names;
use apimachinery::time::Time;
use k8s_openapi::api::core::v1::{Pod, PodCondition, PodStatus};
use serde_json::Value;

pub struct PodStrategy;

impl Strategy for PodStrategy {
    type Object = Pod;

    fn info(&self) -> &'static KindInfo {
        &KindInfo {
            group: "",
            version: "v1",
            kind: "Pod",
            plural: "pods",
            singular: "pod",
            short_names: &["po"],
            categories: &["all"],
            namespaced: true,
            subresources: &[
                "attach",
                "binding",
                "ephemeralcontainers",
                "eviction",
                "exec",
                "log",
                "portforward",
                "proxy",
                "resize",
                "status",
            ],
            generation: true,
            verbs: &[],
        }
    }

    fn default(&self, object: &mut Pod) {
        default_pod(object);
    }

    fn prepare_create(&self, object: &mut Pod, _: &mut Context<'_>) -> Result<(), ErrorList> {
        let class = object.spec.as_ref().map_or("BestEffort", qos::class);
        let mut status =
            PodStatus { phase: Some("Pending".into()), qos_class: Some(class.into()), ..Default::default() };
        if object.spec.as_ref().is_some_and(|s| s.scheduling_gates.as_ref().is_some_and(|g| !g.is_empty())) {
            status.conditions = Some(vec![PodCondition {
                type_: "PodScheduled".into(),
                status: "False".into(),
                reason: Some("SchedulingGated".into()),
                message: Some("Scheduling is blocked due to non-empty scheduling gates".into()),
                observed_generation: Some(1),
                ..Default::default()
            }]);
        }
        object.status = Some(status);
        if object.spec.as_ref().is_some_and(|s| s.ephemeral_containers.as_ref().is_some_and(|l| !l.is_empty())) {
            let mut errors = ErrorList::default();
            let spec = Path::new("spec");
            errors.push(Error::forbidden(&spec.child("ephemeralContainers"), "cannot be set on create"));
            return Err(errors);
        }
        Ok(())
    }

    fn prepare_update(&self, new: &mut Pod, old: &Pod, _: &mut Context<'_>) -> Result<(), ErrorList> {
        new.status.clone_from(&old.status);
        Ok(())
    }

    fn prepare_status(&self, new: &mut Pod, old: &Pod) {
        // Comparing is cheaper than copying, and those who write a status seldom touch anything else.
        if new.spec != old.spec {
            new.spec.clone_from(&old.spec);
        }
        if new.metadata.owner_references != old.metadata.owner_references {
            new.metadata.owner_references.clone_from(&old.metadata.owner_references);
        }
        let (Some(status), Some(before)) = (&mut new.status, &old.status) else { return };
        if status.qos_class.is_none() {
            status.qos_class.clone_from(&before.qos_class);
        }
        if status.observed_generation.is_none() {
            status.observed_generation = before.observed_generation;
        }
        for condition in status.conditions.iter_mut().flatten().filter(|c| c.observed_generation.is_none()) {
            let same = before.conditions.iter().flatten().find(|c| c.type_ == condition.type_);
            condition.observed_generation = same.and_then(|c| c.observed_generation);
        }
    }

    fn spec_changed(&self, new: &Pod, old: &Pod) -> bool {
        new.spec != old.spec
    }

    /// Nobody waits for a pod that no node has, or that has come to its end.
    fn grace(&self, object: &Pod, requested: Option<i64>) -> Option<i64> {
        let spec = object.spec.as_ref();
        let unscheduled = spec.is_none_or(|s| s.node_name.as_deref().unwrap_or_default().is_empty());
        if unscheduled || matches!(phase(object), "Failed" | "Succeeded") {
            return Some(0);
        }
        let period = requested.or_else(|| spec?.termination_grace_period_seconds).unwrap_or(0);
        Some(if period < 0 { 1 } else { period })
    }

    fn validate(&self, object: &Pod) -> ErrorList {
        let mut errors = rules(object);
        let path = Path::new("spec");
        let Some(spec) = &object.spec else { return errors };
        let gated = spec.scheduling_gates.as_ref().is_some_and(|g| !g.is_empty());
        if gated && !text(&spec.node_name).is_empty() {
            let why = "cannot be set until all schedulingGates have been cleared";
            errors.push(Error::forbidden(&path.child("nodeName"), why));
        }
        errors
    }

    fn validate_update(&self, new: &Pod, old: &Pod) -> ErrorList {
        let mut errors = ErrorList::default();
        errors.extend(rules(new).0);
        pod_update::validate(new, old, &mut errors);
        errors
    }

    fn warnings(&self, object: &Pod) -> Vec<String> {
        let mut out = Vec::new();
        let faults = names::dns1123_label(text(&object.metadata.name));
        if !faults.is_empty() && object.metadata.name.is_some() {
            out.push(format!(
                "metadata.name: this is used in the Pod's hostname, which can result in surprising behavior; a DNS label is recommended: [{}]",
                faults.join(" ")
            ));
        }
        if let Some(spec) = &object.spec {
            out.extend(pod_spec::warnings(spec, &Path::new("spec")));
        }
        out
    }

    /// People seldom write to pods that exist; programs do, and do not read.
    fn update_warnings(&self, _: &Pod, _: &Pod) -> Vec<String> {
        Vec::new()
    }

    fn columns(&self) -> &'static [Column] {
        const {
            &[
                Column::name(),
                Column::new("Ready", "The aggregate readiness state of this pod for accepting traffic."),
                Column::new("Status", "The aggregate status of the containers in this pod."),
                Column::new("Restarts", "The number of times the containers in this pod have been restarted and when the last container in this pod has restarted."),
                Column::age(),
                Column::new("IP", "podIP address allocated to the pod. Routable at least within the cluster. Empty if not yet allocated.").wide(),
                Column::new("Node", "NodeName indicates in which node this pod is scheduled.").wide(),
                Column::new("Nominated Node", "nominatedNodeName is set only when this pod preempts other pods on the node, but it cannot be scheduled right away as preemption victims receive their graceful termination periods.").wide(),
                Column::new("Readiness Gates", "If specified, all readiness gates will be evaluated for pod readiness.").wide(),
            ]
        }
    }

    fn cells(&self, object: &Pod, now: Time) -> Vec<Value> {
        let meta = &object.metadata;
        let status = object.status.as_ref();
        let row = Summary::of(object);
        let restarts = match row.last_restart {
            Some(at) if row.restarts != 0 => format!("{} ({} ago)", row.restarts, since(Some(at), now)),
            _ => row.restarts.to_string(),
        };
        let or_none = |text: Option<&str>| Value::from(text.filter(|t| !t.is_empty()).unwrap_or(NONE));
        vec![
            meta.name.as_deref().into(),
            format!("{}/{}", row.ready, row.total).into(),
            row.reason.into(),
            restarts.into(),
            age(meta, now).into(),
            or_none(pod_ip(object)),
            or_none(object.spec.as_ref().and_then(|s| s.node_name.as_deref())),
            or_none(status.and_then(|s| s.nominated_node_name.as_deref())),
            readiness_gates(object).into(),
        ]
    }

    fn fields(&self) -> &'static [&'static str] {
        &[
            "spec.nodeName",
            "spec.restartPolicy",
            "spec.schedulerName",
            "spec.serviceAccountName",
            "spec.hostNetwork",
            "status.phase",
            "status.podIP",
            "status.nominatedNodeName",
        ]
    }

    fn field(&self, object: &Pod, path: &str) -> Option<String> {
        let spec = object.spec.as_ref();
        let value = match path {
            "spec.nodeName" => spec.and_then(|s| s.node_name.as_deref()),
            "spec.restartPolicy" => spec.and_then(|s| s.restart_policy.as_deref()),
            "spec.schedulerName" => spec.and_then(|s| s.scheduler_name.as_deref()),
            "spec.serviceAccountName" => spec.and_then(|s| s.service_account_name.as_deref()),
            "spec.hostNetwork" => return Some(spec.is_some_and(|s| s.host_network == Some(true)).to_string()),
            "status.phase" => Some(phase(object)),
            "status.podIP" => pod_ip(object),
            "status.nominatedNodeName" => object.status.as_ref().and_then(|s| s.nominated_node_name.as_deref()),
            _ => return None,
        };
        Some(value.unwrap_or_default().to_owned())
    }
}

pub fn phase(pod: &Pod) -> &str {
    pod.status.as_ref().and_then(|s| s.phase.as_deref()).unwrap_or_default()
}

fn pod_ip(pod: &Pod) -> Option<&str> {
    pod.status.as_ref()?.pod_ips.as_ref()?.first().map(|ip| ip.ip.as_str())
}

/// `1/2`: how many of the readiness gates are open.
fn readiness_gates(pod: &Pod) -> String {
    let gates = pod.spec.as_ref().and_then(|s| s.readiness_gates.as_deref()).unwrap_or_default();
    if gates.is_empty() {
        return NONE.to_owned();
    }
    let open = gates.iter().filter(|g| condition(pod, &g.condition_type) == Some("True")).count();
    format!("{open}/{}", gates.len())
}

fn condition<'a>(pod: &'a Pod, kind: &str) -> Option<&'a str> {
    let conditions = pod.status.as_ref()?.conditions.as_ref()?;
    conditions.iter().find(|c| c.type_ == kind).map(|c| c.status.as_str())
}

/// What holds of a pod at any time.
fn rules(pod: &Pod) -> ErrorList {
    let mut errors = ErrorList::default();
    let path = Path::new("spec");
    let Some(spec) = &pod.spec else { return errors };
    let scope = pod_spec::Scope { is_pod: true, pod_name: text(&pod.metadata.name) };
    pod_spec::validate(spec, &scope, &path, &mut errors);
    if text(&spec.service_account_name).is_empty() {
        let volumes = path.child("volumes");
        for (i, projected) in
            spec.volumes.iter().flatten().enumerate().filter_map(|(i, v)| Some((i, v.projected.as_ref()?)))
        {
            let volume = volumes.index(i);
            let sources = volume.child("projected.sources");
            for (j, _) in
                projected.sources.iter().flatten().enumerate().filter(|(_, s)| s.service_account_token.is_some())
            {
                let why = "must not be specified when serviceAccountName is not set";
                errors.push(Error::forbidden(&sources.index(j).child("serviceAccountToken"), why));
            }
        }
    }
    let at = path.child("containers");
    for (i, c) in spec.containers.iter().enumerate() {
        pod_spec::image_spaces(c, &at.index(i), &mut errors);
    }
    let at = path.child("initContainers");
    for (i, c) in spec.init_containers.iter().flatten().enumerate() {
        pod_spec::image_spaces(c, &at.index(i), &mut errors);
    }
    errors
}
