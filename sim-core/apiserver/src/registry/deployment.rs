//! Deployment: names, defaults, rules and columns.

use super::pod_defaults::default_template;
use super::printing::{images, names};
use super::{Column, Context, KindInfo, Strategy, age};
use crate::selector;
use apimachinery::field::ErrorList;
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
