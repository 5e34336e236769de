//! ReplicaSet: names, defaults, rules and columns.

use super::pod_defaults::default_template;
use super::printing::{images, names};
use super::{Column, Context, KindInfo, Strategy, age};
use super::{checks, workload};
use crate::selector;
use apimachinery::field::ErrorList;
use apimachinery::field::Path;
use apimachinery::time::Time;
use k8s_openapi::api::apps::v1::ReplicaSet;
use serde_json::Value;

pub struct ReplicaSetStrategy;

impl Strategy for ReplicaSetStrategy {
    type Object = ReplicaSet;

    fn info(&self) -> &'static KindInfo {
        &KindInfo {
            group: "apps",
            version: "v1",
            kind: "ReplicaSet",
            plural: "replicasets",
            singular: "replicaset",
            short_names: &["rs"],
            categories: &["all"],
            namespaced: true,
            subresources: &["scale", "status"],
            generation: true,
            verbs: &[],
        }
    }

    fn default(&self, object: &mut ReplicaSet) {
        let spec = object.spec.get_or_insert_default();
        spec.replicas.get_or_insert(1);
        default_template(spec.template.get_or_insert_default());
        object.status.get_or_insert_default();
    }

    fn prepare_create(&self, object: &mut ReplicaSet, _: &mut Context<'_>) -> Result<(), ErrorList> {
        object.status = Some(Default::default());
        Ok(())
    }

    fn prepare_update(&self, new: &mut ReplicaSet, old: &ReplicaSet, _: &mut Context<'_>) -> Result<(), ErrorList> {
        new.status.clone_from(&old.status);
        Ok(())
    }

    fn prepare_status(&self, new: &mut ReplicaSet, old: &ReplicaSet) {
        new.spec.clone_from(&old.spec);
    }

    fn spec_changed(&self, new: &ReplicaSet, old: &ReplicaSet) -> bool {
        new.spec != old.spec
    }

    fn validate(&self, object: &ReplicaSet) -> ErrorList {
        let mut errors = ErrorList::default();
        rules(object, &mut errors);
        errors
    }

    fn validate_update(&self, new: &ReplicaSet, old: &ReplicaSet) -> ErrorList {
        let mut errors = ErrorList::default();
        rules(new, &mut errors);
        if let (Some(n), Some(o)) = (&new.spec, &old.spec) {
            checks::immutable(&n.selector, &o.selector, &Path::new("spec.selector"), &mut errors);
        }
        errors
    }

    fn warnings(&self, object: &ReplicaSet) -> Vec<String> {
        workload::warnings(&object.metadata, object.spec.as_ref().and_then(|s| s.template.as_ref()))
    }

    fn columns(&self) -> &'static [Column] {
        const {
            &[
                Column::name(),
                Column::new("Desired", "Replicas is the number of desired pods.").integer(),
                Column::new("Current", "Replicas is the most recently observed number of non-terminating pods.")
                    .integer(),
                Column::new(
                    "Ready",
                    "The number of non-terminating pods targeted by this ReplicaSet with a Ready Condition.",
                )
                .integer(),
                Column::age(),
                Column::containers(),
                Column::images(),
                Column::new("Selector", "Selector is a label query over pods that should match the replica count.")
                    .wide(),
            ]
        }
    }

    fn cells(&self, object: &ReplicaSet, now: Time) -> Vec<Value> {
        let meta = &object.metadata;
        let spec = object.spec.as_ref();
        let status = object.status.as_ref();
        let pods = spec.and_then(|s| s.template.as_ref()?.spec.as_ref());
        vec![
            meta.name.as_deref().into(),
            spec.and_then(|s| s.replicas).unwrap_or(0).into(),
            status.map_or(0, |s| s.replicas).into(),
            status.and_then(|s| s.ready_replicas).unwrap_or(0).into(),
            age(meta, now).into(),
            names(pods).into(),
            images(pods).into(),
            selector::format(spec.map(|s| &s.selector)).into(),
        ]
    }

    fn fields(&self) -> &'static [&'static str] {
        &["status.replicas"]
    }

    fn field(&self, object: &ReplicaSet, path: &str) -> Option<String> {
        (path == "status.replicas").then(|| object.status.as_ref().map_or(0, |s| s.replicas).to_string())
    }
}

fn rules(object: &ReplicaSet, errors: &mut ErrorList) {
    let path = Path::new("spec");
    let Some(spec) = &object.spec else { return };
    checks::non_negative(spec.replicas.unwrap_or(0).into(), &path.child("replicas"), errors);
    checks::non_negative(spec.min_ready_seconds.unwrap_or(0).into(), &path.child("minReadySeconds"), errors);
    workload::selector_and_template(&spec.selector, spec.template.as_ref(), "ReplicaSet", &path, errors);
}
