//! ReplicationController: names, defaults, rules and columns.

use super::checks;
use super::pod_defaults::default_template;
use super::printing::{NONE, images, names};
use super::{Column, Context, KindInfo, Strategy, age, pod_spec, workload};
use apimachinery::field::{Error, ErrorList, Path};
use apimachinery::labels::{Selector, format_labels};
use apimachinery::time::Time;
use k8s_openapi::api::core::v1::ReplicationController;
use serde_json::Value;

pub struct ReplicationControllerStrategy;

impl Strategy for ReplicationControllerStrategy {
    type Object = ReplicationController;

    fn info(&self) -> &'static KindInfo {
        const {
            &KindInfo::namespaced("", "ReplicationController", "replicationcontrollers", "replicationcontroller")
                .short(&["rc"])
                .category(&["all"])
                .subresources(&["scale", "status"])
                .with_generation()
        }
    }

    fn default(&self, object: &mut ReplicationController) {
        let spec = object.spec.get_or_insert_default();
        spec.replicas.get_or_insert(1);
        if let Some(template) = &mut spec.template {
            default_template(template);
            let labels = template.metadata.as_ref().and_then(|m| m.labels.clone());
            if let Some(labels) = labels.filter(|l| !l.is_empty()) {
                if spec.selector.as_ref().is_none_or(|s| s.is_empty()) {
                    spec.selector = Some(labels.clone());
                }
                if object.metadata.labels.as_ref().is_none_or(|l| l.is_empty()) {
                    object.metadata.labels = Some(labels);
                }
            }
        }
        object.status.get_or_insert_default();
    }

    fn prepare_create(&self, object: &mut ReplicationController, _: &mut Context<'_>) -> Result<(), ErrorList> {
        object.status = Some(Default::default());
        Ok(())
    }

    fn prepare_update(
        &self,
        new: &mut ReplicationController,
        old: &ReplicationController,
        _: &mut Context<'_>,
    ) -> Result<(), ErrorList> {
        new.status.clone_from(&old.status);
        Ok(())
    }

    fn prepare_status(&self, new: &mut ReplicationController, old: &ReplicationController) {
        new.spec.clone_from(&old.spec);
    }

    fn spec_changed(&self, new: &ReplicationController, old: &ReplicationController) -> bool {
        new.spec != old.spec
    }

    fn validate(&self, object: &ReplicationController) -> ErrorList {
        let mut errors = ErrorList::default();
        let path = Path::new("spec");
        let Some(spec) = &object.spec else { return errors };
        checks::non_negative(spec.min_ready_seconds.unwrap_or(0).into(), &path.child("minReadySeconds"), &mut errors);
        let empty = spec.selector.as_ref().is_none_or(|s| s.is_empty());
        if empty {
            errors.push(Error::required(&path.child("selector"), ""));
        }
        checks::non_negative(spec.replicas.unwrap_or(0).into(), &path.child("replicas"), &mut errors);
        let at = path.child("template");
        let Some(template) = &spec.template else {
            errors.push(Error::required(&at, ""));
            return errors;
        };
        if let Some(selector) = spec.selector.as_ref().filter(|_| !empty)
            && !workload::selects(&Selector::from_map(selector), template)
        {
            workload::mismatch(template, &at, &mut errors);
        }
        pod_spec::template(template, &at, &mut errors);
        workload::always_restarts(template, "ReplicationController", &at, &mut errors);
        errors
    }

    fn warnings(&self, object: &ReplicationController) -> Vec<String> {
        workload::warnings(&object.metadata, object.spec.as_ref().and_then(|s| s.template.as_ref()))
    }

    fn columns(&self) -> &'static [Column] {
        const {
            &[
                Column::name(),
                Column::new("Desired", "Replicas is the number of desired replicas.").integer(),
                Column::new("Current", "Replicas is the most recently observed number of replicas.").integer(),
                Column::new("Ready", "The number of ready replicas for this replication controller.").integer(),
                Column::age(),
                Column::containers(),
                Column::images(),
                Column::new("Selector", "Selector is a label query over pods that should match the Replicas count.")
                    .wide(),
            ]
        }
    }

    fn cells(&self, object: &ReplicationController, now: Time) -> Vec<Value> {
        let meta = &object.metadata;
        let spec = object.spec.as_ref();
        let pods = spec.and_then(|s| s.template.as_ref()?.spec.as_ref());
        let status = object.status.as_ref();
        vec![
            meta.name.as_deref().into(),
            spec.and_then(|s| s.replicas).unwrap_or(0).into(),
            status.map_or(0, |s| s.replicas).into(),
            status.and_then(|s| s.ready_replicas).unwrap_or(0).into(),
            age(meta, now).into(),
            names(pods).into(),
            images(pods).into(),
            spec.and_then(|s| s.selector.as_ref()).map_or_else(|| NONE.to_owned(), format_labels).into(),
        ]
    }

    fn fields(&self) -> &'static [&'static str] {
        &["status.replicas"]
    }

    fn field(&self, object: &ReplicationController, path: &str) -> Option<String> {
        (path == "status.replicas").then(|| object.status.as_ref().map_or(0, |s| s.replicas).to_string())
    }
}
