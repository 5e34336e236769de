//! HorizontalPodAutoscaler: names, defaults, rules and columns.

use super::checks::{self, text};
use super::printing::{NONE, UNSET};
use super::{Column, Context, KindInfo, Strategy, age};
use apimachinery::field::{Error, ErrorList, Path};
use apimachinery::time::Time;
use k8s_openapi::api::autoscaling::v2::{
    HPAScalingPolicy, HPAScalingRules, HorizontalPodAutoscaler, MetricSpec, MetricStatus, MetricTarget,
    MetricValueStatus, ResourceMetricSource,
};
use serde_json::Value;

pub struct HorizontalPodAutoscalerStrategy;

impl Strategy for HorizontalPodAutoscalerStrategy {
    type Object = HorizontalPodAutoscaler;

    fn info(&self) -> &'static KindInfo {
        const {
            &KindInfo::namespaced(
                "autoscaling",
                "HorizontalPodAutoscaler",
                "horizontalpodautoscalers",
                "horizontalpodautoscaler",
            )
            .in_version("v2")
            .short(&["hpa"])
            .category(&["all"])
            .subresources(&["status"])
        }
    }

    fn default(&self, object: &mut HorizontalPodAutoscaler) {
        let spec = &mut object.spec;
        spec.min_replicas.get_or_insert(1);
        if spec.metrics.as_ref().is_none_or(Vec::is_empty) {
            spec.metrics = Some(vec![cpu(80)]);
        }
        if let Some(behavior) = &mut spec.behavior {
            let percent = HPAScalingPolicy { type_: "Percent".into(), value: 100, period_seconds: 15 };
            let pods = HPAScalingPolicy { type_: "Pods".into(), value: 4, period_seconds: 15 };
            let up = behavior.scale_up.get_or_insert_default();
            up.stabilization_window_seconds.get_or_insert(0);
            default_rules(up, vec![pods, percent.clone()]);
            default_rules(behavior.scale_down.get_or_insert_default(), vec![percent]);
        }
        object.status.get_or_insert_default();
    }

    fn prepare_create(&self, object: &mut HorizontalPodAutoscaler, _: &mut Context<'_>) -> Result<(), ErrorList> {
        object.status = Some(Default::default());
        Ok(())
    }

    fn prepare_update(
        &self,
        new: &mut HorizontalPodAutoscaler,
        old: &HorizontalPodAutoscaler,
        _: &mut Context<'_>,
    ) -> Result<(), ErrorList> {
        new.status.clone_from(&old.status);
        Ok(())
    }

    fn prepare_status(&self, new: &mut HorizontalPodAutoscaler, old: &HorizontalPodAutoscaler) {
        new.spec.clone_from(&old.spec);
    }

    fn validate(&self, object: &HorizontalPodAutoscaler) -> ErrorList {
        let mut errors = ErrorList::default();
        let (spec, path) = (&object.spec, Path::new("spec"));
        let min = spec.min_replicas.unwrap_or(1);
        if min < 1 {
            let why = "must be greater than or equal to 1";
            errors.push(Error::invalid_raw(&path.child("minReplicas"), min, why));
        }
        let at = path.child("maxReplicas");
        if spec.max_replicas < 1 {
            errors.push(Error::invalid_raw(&at, spec.max_replicas, "must be greater than 0"));
        }
        if spec.max_replicas < min {
            let why = "must be greater than or equal to `minReplicas`";
            errors.push(Error::invalid_raw(&at, spec.max_replicas, why));
        }
        let at = path.child("scaleTargetRef");
        for (field, value) in [("kind", &spec.scale_target_ref.kind), ("name", &spec.scale_target_ref.name)] {
            if value.is_empty() {
                errors.push(Error::required(&at.child(field), ""));
            }
        }
        let at = path.child("metrics");
        for (i, metric) in spec.metrics.iter().flatten().enumerate() {
            let at = at.index(i);
            let known = ["ContainerResource", "External", "Object", "Pods", "Resource"];
            if metric.type_.is_empty() {
                errors.push(Error::required(&at.child("type"), "must specify a metric source type"));
            } else {
                checks::one_of_if_set(&metric.type_, &known, &at.child("type"), &mut errors);
            }
        }
        errors
    }

    fn columns(&self) -> &'static [Column] {
        const {
            &[
                Column::name(),
                Column::new(
                    "Reference",
                    "scaleTargetRef points to the target resource to scale, and is used to the pods for which metrics should be collected, as well as to actually change the replica count.",
                ),
                Column::new(
                    "Targets",
                    "metrics contains the specifications for which to use to calculate the desired replica count (the maximum replica count across all metrics will be used).",
                ),
                Column::new(
                    "MinPods",
                    "minReplicas is the lower limit for the number of replicas to which the autoscaler can scale down.",
                ),
                Column::new(
                    "MaxPods",
                    "maxReplicas is the upper limit for the number of replicas to which the autoscaler can scale up.",
                ),
                Column::new(
                    "Replicas",
                    "currentReplicas is current number of replicas of pods managed by this autoscaler, as last seen by the autoscaler.",
                ),
                Column::age(),
            ]
        }
    }

    fn cells(&self, object: &HorizontalPodAutoscaler, now: Time) -> Vec<Value> {
        let meta = &object.metadata;
        let spec = &object.spec;
        let status = object.status.as_ref();
        let current = status.and_then(|s| s.current_metrics.as_deref()).unwrap_or_default();
        vec![
            meta.name.as_deref().into(),
            format!("{}/{}", spec.scale_target_ref.kind, spec.scale_target_ref.name).into(),
            targets(spec.metrics.as_deref().unwrap_or_default(), current).into(),
            spec.min_replicas.map_or_else(|| UNSET.to_owned(), |n| n.to_string()).into(),
            spec.max_replicas.into(),
            status.and_then(|s| s.current_replicas).unwrap_or(0).into(),
            age(meta, now).into(),
        ]
    }
}

fn cpu(percent: i32) -> MetricSpec {
    let target =
        MetricTarget { type_: "Utilization".into(), average_utilization: Some(percent), ..MetricTarget::default() };
    MetricSpec {
        type_: "Resource".into(),
        resource: Some(ResourceMetricSource { name: "cpu".into(), target }),
        ..MetricSpec::default()
    }
}

fn default_rules(rules: &mut HPAScalingRules, policies: Vec<HPAScalingPolicy>) {
    rules.select_policy.get_or_insert_with(|| "Max".into());
    if text(&rules.select_policy) != "Disabled" {
        rules.policies.get_or_insert(policies);
    }
}

/// `cpu: 10%/50%, memory: <unknown>/1Gi`.
fn targets(specs: &[MetricSpec], statuses: &[MetricStatus]) -> String {
    const SHOWN_MAX: usize = 2;
    if specs.is_empty() {
        return NONE.to_owned();
    }
    let mut list: Vec<String> = specs.iter().enumerate().map(|(i, s)| target(s, statuses.get(i))).collect();
    let more = list.len().saturating_sub(SHOWN_MAX);
    list.truncate(SHOWN_MAX);
    let shown = list.join(", ");
    if more > 0 { format!("{shown} + {more} more...") } else { shown }
}

fn target(spec: &MetricSpec, status: Option<&MetricStatus>) -> String {
    let unknown = || "<unknown>".to_owned();
    let average = |v: &MetricValueStatus| v.average_value.as_ref().map(|q| q.0.clone());
    let value = |v: &MetricValueStatus| v.value.as_ref().map(|q| q.0.clone());
    let utilization = |v: &MetricValueStatus| v.average_utilization.map(|n| format!("{n}%"));
    let of_resource =
        |name: &str, target: &MetricTarget, current: Option<&MetricValueStatus>| match &target.average_value {
            Some(wanted) => format!("{name}: {}/{}", current.and_then(average).unwrap_or_else(unknown), wanted.0),
            None => {
                let wanted = target.average_utilization.map_or_else(|| "<auto>".to_owned(), |n| format!("{n}%"));
                format!("{name}: {}/{wanted}", current.and_then(utilization).unwrap_or_else(unknown))
            }
        };
    let of_value =
        |target: &MetricTarget, current: Option<&MetricValueStatus>| match (&target.average_value, &target.value) {
            (Some(wanted), _) => format!("{}/{} (avg)", current.and_then(average).unwrap_or_else(unknown), wanted.0),
            (None, wanted) => {
                let wanted = wanted.as_ref().map_or("0", |q| q.0.as_str());
                format!("{}/{wanted}", current.and_then(value).unwrap_or_else(unknown))
            }
        };
    if let Some(m) = &spec.resource {
        of_resource(&m.name, &m.target, status.and_then(|s| s.resource.as_ref()).map(|s| &s.current))
    } else if let Some(m) = &spec.container_resource {
        of_resource(&m.name, &m.target, status.and_then(|s| s.container_resource.as_ref()).map(|s| &s.current))
    } else if let Some(m) = &spec.external {
        of_value(&m.target, status.and_then(|s| s.external.as_ref()).map(|s| &s.current))
    } else if let Some(m) = &spec.object {
        of_value(&m.target, status.and_then(|s| s.object.as_ref()).map(|s| &s.current))
    } else if let Some(m) = &spec.pods {
        let current = status.and_then(|s| s.pods.as_ref()).and_then(|s| average(&s.current)).unwrap_or_else(unknown);
        format!("{current}/{}", m.target.average_value.as_ref().map_or("0", |q| q.0.as_str()))
    } else {
        "<unknown type>".to_owned()
    }
}
