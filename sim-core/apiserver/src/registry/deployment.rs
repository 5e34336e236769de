//! Deployment: names, defaults, rules and columns.

use super::checks::{self, text};
use super::pod_defaults::default_template;
use super::printing::{images, names};
use super::workload;
use super::{Column, Context, KindInfo, Strategy, age};
use crate::selector;
use apimachinery::field::ErrorList;
use apimachinery::field::{Error, Path, quote};
use apimachinery::time::Time;
use k8s_openapi::api::apps::v1::{Deployment, DeploymentStrategy as Rollout};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use serde_json::Value;

pub struct DeploymentStrategy;

impl Strategy for DeploymentStrategy {
    type Object = Deployment;

    fn info(&self) -> &'static KindInfo {
        &KindInfo {
            group: "apps",
            version: "v1",
            kind: "Deployment",
            plural: "deployments",
            singular: "deployment",
            short_names: &["deploy"],
            categories: &["all"],
            namespaced: true,
            subresources: &["scale", "status"],
            generation: true,
            verbs: &[],
        }
    }

    fn default(&self, object: &mut Deployment) {
        let spec = object.spec.get_or_insert_default();
        spec.replicas.get_or_insert(1);
        default_rollout(spec.strategy.get_or_insert_default());
        spec.revision_history_limit.get_or_insert(10);
        spec.progress_deadline_seconds.get_or_insert(600);
        default_template(&mut spec.template);
        object.status.get_or_insert_default();
    }

    fn prepare_create(&self, object: &mut Deployment, _: &mut Context<'_>) -> Result<(), ErrorList> {
        object.status = Some(Default::default());
        Ok(())
    }

    fn prepare_update(&self, new: &mut Deployment, old: &Deployment, _: &mut Context<'_>) -> Result<(), ErrorList> {
        new.status.clone_from(&old.status);
        Ok(())
    }

    fn prepare_status(&self, new: &mut Deployment, old: &Deployment) {
        new.spec.clone_from(&old.spec);
        new.metadata.labels.clone_from(&old.metadata.labels);
    }

    /// Annotations count too: a rollout's history is written in them.
    fn spec_changed(&self, new: &Deployment, old: &Deployment) -> bool {
        new.spec != old.spec || new.metadata.annotations != old.metadata.annotations
    }

    fn validate(&self, object: &Deployment) -> ErrorList {
        let mut errors = ErrorList::default();
        rules(object, &mut errors);
        errors
    }

    fn validate_update(&self, new: &Deployment, old: &Deployment) -> ErrorList {
        let mut errors = ErrorList::default();
        rules(new, &mut errors);
        if let (Some(n), Some(o)) = (&new.spec, &old.spec) {
            checks::immutable(&n.selector, &o.selector, &Path::new("spec.selector"), &mut errors);
        }
        errors
    }

    fn warnings(&self, object: &Deployment) -> Vec<String> {
        workload::warnings(&object.metadata, object.spec.as_ref().map(|s| &s.template))
    }

    fn columns(&self) -> &'static [Column] {
        const {
            &[
                Column::name(),
                Column::new("Ready", "Number of the pod with ready state"),
                Column::new("Up-to-date", "Total number of non-terminating pods targeted by this deployment that have the desired template spec."),
                Column::new("Available", "Total number of available non-terminating pods (ready for at least minReadySeconds) targeted by this deployment."),
                Column::age(),
                Column::containers(),
                Column::images(),
                Column::new("Selector", "Label selector for pods. Existing ReplicaSets whose pods are selected by this will be the ones affected by this deployment. It must match the pod template's labels.").wide(),
            ]
        }
    }

    fn cells(&self, object: &Deployment, now: Time) -> Vec<Value> {
        let meta = &object.metadata;
        let spec = object.spec.as_ref();
        let status = object.status.as_ref();
        let pods = spec.and_then(|s| s.template.spec.as_ref());
        let ready = status.and_then(|s| s.ready_replicas).unwrap_or(0);
        let wanted = spec.and_then(|s| s.replicas).unwrap_or(0);
        let selected = match spec.map(|s| selector::parse(&s.selector)) {
            Some(Ok(s)) => s.to_string(),
            Some(Err(_)) => "<invalid>".to_owned(),
            None => String::new(),
        };
        vec![
            meta.name.as_deref().into(),
            format!("{ready}/{wanted}").into(),
            status.and_then(|s| s.updated_replicas).unwrap_or(0).into(),
            status.and_then(|s| s.available_replicas).unwrap_or(0).into(),
            age(meta, now).into(),
            names(pods).into(),
            images(pods).into(),
            selected.into(),
        ]
    }
}

fn default_rollout(strategy: &mut Rollout) {
    if strategy.type_.get_or_insert_with(|| "RollingUpdate".into()) == "RollingUpdate" {
        let rolling = strategy.rolling_update.get_or_insert_default();
        rolling.max_unavailable.get_or_insert_with(|| IntOrString::String("25%".into()));
        rolling.max_surge.get_or_insert_with(|| IntOrString::String("25%".into()));
    }
}

fn rules(object: &Deployment, errors: &mut ErrorList) {
    let path = Path::new("spec");
    let Some(spec) = &object.spec else { return };
    checks::non_negative(spec.replicas.unwrap_or(0).into(), &path.child("replicas"), errors);
    workload::selector_and_template(&spec.selector, Some(&spec.template), "ReplicaSet", &path, errors);
    if let Some(strategy) = &spec.strategy {
        rollout(strategy, &path.child("strategy"), errors);
    }
    let ready = spec.min_ready_seconds.unwrap_or(0);
    checks::non_negative(ready.into(), &path.child("minReadySeconds"), errors);
    let history = spec.revision_history_limit.unwrap_or(0);
    checks::non_negative(history.into(), &path.child("revisionHistoryLimit"), errors);
    if let Some(deadline) = spec.progress_deadline_seconds {
        let at = path.child("progressDeadlineSeconds");
        checks::non_negative(deadline.into(), &at, errors);
        if deadline <= ready {
            errors.push(Error::invalid_raw(&at, deadline, "must be greater than minReadySeconds"));
        }
    }
}

fn rollout(strategy: &Rollout, path: &Path, errors: &mut ErrorList) {
    let at = path.child("rollingUpdate");
    match (text(&strategy.type_), &strategy.rolling_update) {
        ("Recreate", None) => {}
        ("Recreate", Some(_)) => {
            errors.push(Error::forbidden(&at, "may not be specified when strategy `type` is 'Recreate'"));
        }
        ("RollingUpdate", None) => {
            errors.push(Error::required(&at, "this should be defaulted and never be nil"));
        }
        ("RollingUpdate", Some(rolling)) => {
            let zero = IntOrString::Int(0);
            let unavailable = rolling.max_unavailable.as_ref().unwrap_or(&zero);
            let surge = rolling.max_surge.as_ref().unwrap_or(&zero);
            let down = at.child("maxUnavailable");
            checks::int_or_percent(unavailable, &down, errors);
            checks::int_or_percent(surge, &at.child("maxSurge"), errors);
            if checks::int_or_percent_value(unavailable) == 0 && checks::int_or_percent_value(surge) == 0 {
                let why = "may not be 0 when `maxSurge` is 0";
                errors.push(Error::invalid_raw(&down, checks::shown(unavailable), why));
            }
            checks::at_most_all(unavailable, &down, errors);
        }
        (kind, rolling) => {
            // The value is the whole strategy, as upstream's internal struct.
            let shown = format!(
                "{{\"Type\":{},\"RollingUpdate\":{}}}",
                quote(kind),
                if rolling.is_some() { checks::json(rolling) } else { "null".to_owned() }
            );
            let known = ["Recreate", "RollingUpdate"];
            errors.push(Error { value: shown, ..Error::not_supported(path, "", &known) });
        }
    }
}
