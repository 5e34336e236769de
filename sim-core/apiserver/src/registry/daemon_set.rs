//! DaemonSet: names, defaults, rules and columns.

use super::checks::{self, json, text};
use super::pod_defaults::default_template;
use super::printing::{NONE, images, names};
use super::{Column, Context, KindInfo, Strategy, age, pod_spec, workload};
use crate::selector;
use apimachinery::field::{Error, ErrorList, Path};
use apimachinery::labels::format_labels;
use apimachinery::time::Time;
use k8s_openapi::api::apps::v1::{DaemonSet, DaemonSetSpec, DaemonSetUpdateStrategy};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use serde_json::Value;

pub struct DaemonSetStrategy;

/// How often the template was changed, as clients of long ago want to know it.
const TEMPLATE_GENERATION: &str = "deprecated.daemonset.template.generation";

fn count_template(set: &mut DaemonSet, count: i64) {
    set.metadata.annotations.get_or_insert_default().insert(TEMPLATE_GENERATION.into(), count.to_string());
}

impl Strategy for DaemonSetStrategy {
    type Object = DaemonSet;

    fn info(&self) -> &'static KindInfo {
        const {
            &KindInfo::namespaced("apps", "DaemonSet", "daemonsets", "daemonset")
                .short(&["ds"])
                .category(&["all"])
                .subresources(&["status"])
                .with_generation()
        }
    }

    fn default(&self, object: &mut DaemonSet) {
        let spec = object.spec.get_or_insert_default();
        let strategy = spec.update_strategy.get_or_insert_default();
        if strategy.type_.get_or_insert_with(|| "RollingUpdate".into()) == "RollingUpdate" {
            let rolling = strategy.rolling_update.get_or_insert_default();
            rolling.max_unavailable.get_or_insert(IntOrString::Int(1));
            rolling.max_surge.get_or_insert(IntOrString::Int(0));
        }
        spec.revision_history_limit.get_or_insert(10);
        default_template(&mut spec.template);
        object.status.get_or_insert_default();
    }

    fn prepare_create(&self, object: &mut DaemonSet, _: &mut Context<'_>) -> Result<(), ErrorList> {
        object.status = Some(Default::default());
        count_template(object, 1);
        Ok(())
    }

    fn prepare_update(&self, new: &mut DaemonSet, old: &DaemonSet, _: &mut Context<'_>) -> Result<(), ErrorList> {
        new.status.clone_from(&old.status);
        let template = |d: &DaemonSet| d.spec.as_ref().map(|s| s.template.clone());
        let count =
            old.metadata.annotations.as_ref().and_then(|a| a.get(TEMPLATE_GENERATION)?.parse().ok()).unwrap_or(1);
        count_template(new, if template(new) == template(old) { count } else { count + 1 });
        Ok(())
    }

    fn prepare_status(&self, new: &mut DaemonSet, old: &DaemonSet) {
        new.spec.clone_from(&old.spec);
    }

    fn spec_changed(&self, new: &DaemonSet, old: &DaemonSet) -> bool {
        new.spec != old.spec
    }

    fn validate(&self, object: &DaemonSet) -> ErrorList {
        let mut errors = ErrorList::default();
        if let Some(spec) = &object.spec {
            rules(spec, &Path::new("spec"), &mut errors);
        }
        errors
    }

    fn validate_update(&self, new: &DaemonSet, old: &DaemonSet) -> ErrorList {
        let mut errors = ErrorList::default();
        if let (Some(n), Some(o)) = (&new.spec, &old.spec) {
            checks::immutable(&n.selector, &o.selector, &Path::new("spec.selector"), &mut errors);
        }
        errors.extend(Strategy::validate(self, new).0);
        errors
    }

    fn warnings(&self, object: &DaemonSet) -> Vec<String> {
        workload::warnings(&object.metadata, object.spec.as_ref().map(|s| &s.template))
    }

    fn columns(&self) -> &'static [Column] {
        const {
            &[
                Column::name(),
                Column::new("Desired", "The total number of nodes that should be running the daemon pod.").integer(),
                Column::new("Current", "The number of nodes that are running at least 1 daemon pod and are supposed to run the daemon pod.").integer(),
                Column::new("Ready", "Total number of nodes that should be running the daemon pod and have one or more of the daemon pod running with a Ready Condition.").integer(),
                Column::new("Up-to-date", "The total number of nodes that are running updated daemon pod").integer(),
                Column::new("Available", "The number of nodes that should be running the daemon pod and have one or more of the daemon pod running and available").integer(),
                Column::new("Node Selector", "NodeSelector is a selector which must be true for the pod to fit on a node."),
                Column::age(),
                Column::containers(),
                Column::images(),
                Column::new("Selector", "A label query over pods that are managed by the daemon set.").wide(),
            ]
        }
    }

    fn cells(&self, object: &DaemonSet, now: Time) -> Vec<Value> {
        let meta = &object.metadata;
        let status = object.status.clone().unwrap_or_default();
        let spec = object.spec.as_ref();
        let pods = spec.and_then(|s| s.template.spec.as_ref());
        let nodes = pods.and_then(|p| p.node_selector.as_ref()).map_or_else(|| NONE.to_owned(), format_labels);
        vec![
            meta.name.as_deref().into(),
            status.desired_number_scheduled.into(),
            status.current_number_scheduled.into(),
            status.number_ready.into(),
            status.updated_number_scheduled.unwrap_or(0).into(),
            status.number_available.unwrap_or(0).into(),
            nodes.into(),
            age(meta, now).into(),
            names(pods).into(),
            images(pods).into(),
            selector::format(spec.map(|s| &s.selector)).into(),
        ]
    }
}

fn rules(spec: &DaemonSetSpec, path: &Path, errors: &mut ErrorList) {
    let at = path.child("selector");
    checks::label_selector(Some(&spec.selector), &at, errors);
    if let Ok(parsed) = selector::parse(&spec.selector)
        && !workload::selects(&parsed, &spec.template)
    {
        workload::mismatch(&spec.template, &path.child("template"), errors);
    }
    if checks::is_empty_selector(&spec.selector) {
        errors.push(Error::invalid_raw(&at, "{}", "empty selector is invalid for daemonset"));
    }
    let at = path.child("template");
    pod_spec::template(&spec.template, &at, errors);
    workload::always_restarts(&spec.template, "DaemonSet", &at, errors);
    checks::non_negative(spec.min_ready_seconds.unwrap_or(0).into(), &path.child("minReadySeconds"), errors);
    if let Some(strategy) = &spec.update_strategy {
        update_strategy(strategy, &path.child("updateStrategy"), errors);
    }
    let history = spec.revision_history_limit.unwrap_or(0);
    checks::non_negative(history.into(), &path.child("revisionHistoryLimit"), errors);
}

fn update_strategy(strategy: &DaemonSetUpdateStrategy, path: &Path, errors: &mut ErrorList) {
    let at = path.child("rollingUpdate");
    match (text(&strategy.type_), &strategy.rolling_update) {
        ("OnDelete", _) => {}
        ("RollingUpdate", None) => errors.push(Error::required(&at, "")),
        ("RollingUpdate", Some(rolling)) => {
            let zero = IntOrString::Int(0);
            let down = rolling.max_unavailable.as_ref().unwrap_or(&zero);
            let surge = rolling.max_surge.as_ref().unwrap_or(&zero);
            let (down_path, surge_path) = (at.child("maxUnavailable"), at.child("maxSurge"));
            checks::int_or_percent(down, &down_path, errors);
            checks::int_or_percent(surge, &surge_path, errors);
            checks::at_most_all(down, &down_path, errors);
            checks::at_most_all(surge, &surge_path, errors);
            match (checks::int_or_percent_value(down) != 0, checks::int_or_percent_value(surge) != 0) {
                (true, true) => {
                    let why = "may not be set when maxUnavailable is non-zero";
                    errors.push(Error::invalid_raw(&surge_path, checks::shown(surge), why));
                }
                (false, false) => errors.push(Error::required(&down_path, "cannot be 0 when maxSurge is 0")),
                _ => {}
            }
        }
        _ => {
            let known = ["RollingUpdate", "OnDelete"];
            errors.push(Error { value: json(strategy), ..Error::not_supported(path, "", &known) });
        }
    }
}
