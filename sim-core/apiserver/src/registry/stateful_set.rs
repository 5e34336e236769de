//! StatefulSet: names, defaults, rules and columns.

use super::checks::{self, json, text};
use super::pod_defaults::default_template;
use super::printing::{images, names};
use super::{Column, Context, KindInfo, Strategy, age, persistent_volume_claim, workload};
use apimachinery::field::{Error, ErrorList, Path};
use apimachinery::names as name_rules;
use apimachinery::time::Time;
use k8s_openapi::api::apps::v1::{StatefulSet, StatefulSetSpec, StatefulSetUpdateStrategy};
use k8s_openapi::api::core::v1::{PersistentVolumeClaimVolumeSource, PodTemplateSpec, Volume};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use serde_json::Value;

pub struct StatefulSetStrategy;

impl Strategy for StatefulSetStrategy {
    type Object = StatefulSet;

    fn info(&self) -> &'static KindInfo {
        const {
            &KindInfo::namespaced("apps", "StatefulSet", "statefulsets", "statefulset")
                .short(&["sts"])
                .category(&["all"])
                .subresources(&["scale", "status"])
                .with_generation()
        }
    }

    fn name_check(&self) -> name_rules::Check {
        name_rules::dns1123_label
    }

    fn default(&self, object: &mut StatefulSet) {
        let spec = object.spec.get_or_insert_default();
        spec.pod_management_policy.get_or_insert_with(|| "OrderedReady".into());
        let strategy = spec.update_strategy.get_or_insert_default();
        if strategy.type_.is_none() {
            strategy.type_ = Some("RollingUpdate".into());
            strategy.rolling_update.get_or_insert_default();
        }
        if strategy.type_.as_deref() == Some("RollingUpdate")
            && let Some(rolling) = &mut strategy.rolling_update
        {
            rolling.partition.get_or_insert(0);
        }
        let retention = spec.persistent_volume_claim_retention_policy.get_or_insert_default();
        retention.when_deleted.get_or_insert_with(|| "Retain".into());
        retention.when_scaled.get_or_insert_with(|| "Retain".into());
        spec.replicas.get_or_insert(1);
        spec.revision_history_limit.get_or_insert(10);
        default_template(&mut spec.template);
        for claim in spec.volume_claim_templates.iter_mut().flatten() {
            persistent_volume_claim::default_claim(claim);
        }
        object.status.get_or_insert_default();
    }

    fn prepare_create(&self, object: &mut StatefulSet, _: &mut Context<'_>) -> Result<(), ErrorList> {
        object.status = Some(Default::default());
        Ok(())
    }

    fn prepare_update(&self, new: &mut StatefulSet, old: &StatefulSet, _: &mut Context<'_>) -> Result<(), ErrorList> {
        new.status.clone_from(&old.status);
        Ok(())
    }

    fn prepare_status(&self, new: &mut StatefulSet, old: &StatefulSet) {
        new.spec.clone_from(&old.spec);
    }

    fn spec_changed(&self, new: &StatefulSet, old: &StatefulSet) -> bool {
        new.spec != old.spec
    }

    fn validate(&self, object: &StatefulSet) -> ErrorList {
        let mut errors = ErrorList::default();
        if let Some(spec) = &object.spec {
            rules(spec, &Path::new("spec"), &mut errors);
        }
        errors
    }

    fn validate_update(&self, new: &StatefulSet, old: &StatefulSet) -> ErrorList {
        let mut errors = Strategy::validate(self, new);
        let (Some(n), Some(o)) = (&new.spec, &old.spec) else { return errors };
        let fixed = n.selector == o.selector
            && n.service_name == o.service_name
            && n.pod_management_policy == o.pod_management_policy
            && n.volume_claim_templates == o.volume_claim_templates;
        if !fixed {
            let why = "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden";
            errors.push(Error::forbidden(&Path::new("spec"), why));
        }
        errors
    }

    fn warnings(&self, object: &StatefulSet) -> Vec<String> {
        workload::warnings(&object.metadata, object.spec.as_ref().map(|s| &s.template))
    }

    fn columns(&self) -> &'static [Column] {
        const {
            &[
                Column::name(),
                Column::new("Ready", "Number of the pod with ready state"),
                Column::age(),
                Column::containers(),
                Column::images(),
            ]
        }
    }

    fn cells(&self, object: &StatefulSet, now: Time) -> Vec<Value> {
        let meta = &object.metadata;
        let pods = object.spec.as_ref().and_then(|s| s.template.spec.as_ref());
        let ready = object.status.as_ref().and_then(|s| s.ready_replicas).unwrap_or(0);
        let wanted = object.spec.as_ref().and_then(|s| s.replicas).unwrap_or(0);
        vec![
            meta.name.as_deref().into(),
            format!("{ready}/{wanted}").into(),
            age(meta, now).into(),
            names(pods).into(),
            images(pods).into(),
        ]
    }
}

fn rules(spec: &StatefulSetSpec, path: &Path, errors: &mut ErrorList) {
    let policy = text(&spec.pod_management_policy);
    let at = path.child("podManagementPolicy");
    match policy {
        "OrderedReady" | "Parallel" => {}
        "" => errors.push(Error::required(&at, "")),
        other => errors.push(Error::invalid(&at, other, "must be 'OrderedReady' or 'Parallel'")),
    }
    if let Some(strategy) = &spec.update_strategy {
        update_strategy(strategy, &path.child("updateStrategy"), errors);
    }
    if let Some(retention) = &spec.persistent_volume_claim_retention_policy {
        let at = path.child("persistentVolumeClaimRetentionPolicy");
        for (field, value) in [("whenDeleted", &retention.when_deleted), ("whenScaled", &retention.when_scaled)] {
            checks::one_of_if_set(text(value), &["Retain", "Delete"], &at.child(field), errors);
        }
    }
    let at = path.child("volumeClaimTemplates");
    for (i, claim) in spec.volume_claim_templates.iter().flatten().enumerate() {
        if let Some(claim) = &claim.spec {
            persistent_volume_claim::rules(claim, &at.index(i).child("spec"), errors);
        }
    }
    checks::non_negative(spec.replicas.unwrap_or(0).into(), &path.child("replicas"), errors);
    checks::non_negative(spec.min_ready_seconds.unwrap_or(0).into(), &path.child("minReadySeconds"), errors);
    if let Some(ordinals) = &spec.ordinals {
        checks::non_negative(ordinals.start.unwrap_or(0).into(), &path.child("ordinals.start"), errors);
    }
    if !text(&spec.service_name).is_empty() {
        checks::dns_label(text(&spec.service_name), &path.child("serviceName"), errors);
    }
    let template = with_claims(spec);
    let template = template.as_ref().unwrap_or(&spec.template);
    workload::selector_and_template(&spec.selector, Some(template), "StatefulSet", path, errors);
}

/// The template as the controller will complete it: mounts may name the claims.
fn with_claims(spec: &StatefulSetSpec) -> Option<PodTemplateSpec> {
    let claims = spec.volume_claim_templates.as_deref().filter(|c| !c.is_empty())?;
    let mut template = spec.template.clone();
    let pods = template.spec.as_mut()?;
    let volumes = pods.volumes.get_or_insert_default();
    for name in claims.iter().filter_map(|c| c.metadata.name.as_deref()) {
        volumes.retain(|v| v.name != name);
        volumes.push(Volume {
            name: name.to_owned(),
            persistent_volume_claim: Some(PersistentVolumeClaimVolumeSource {
                claim_name: name.to_owned(),
                read_only: None,
            }),
            ..Volume::default()
        });
    }
    Some(template)
}

fn update_strategy(strategy: &StatefulSetUpdateStrategy, path: &Path, errors: &mut ErrorList) {
    let at = path.child("rollingUpdate");
    match (text(&strategy.type_), &strategy.rolling_update) {
        ("OnDelete", Some(rolling)) => {
            errors.push(Error::invalid_raw(&at, json(rolling), "only allowed for updateStrategy 'RollingUpdate'"));
        }
        ("RollingUpdate", Some(rolling)) => {
            checks::non_negative(rolling.partition.unwrap_or(0).into(), &at.child("partition"), errors);
            if let Some(value) = &rolling.max_unavailable {
                let at = at.child("maxUnavailable");
                checks::int_or_percent(value, &at, errors);
                if matches!(value, IntOrString::Int(0)) {
                    errors.push(Error::invalid_raw(&at, 0, "cannot be 0"));
                }
                checks::at_most_all(value, &at, errors);
            }
        }
        ("OnDelete" | "RollingUpdate", None) => {}
        ("", _) => errors.push(Error::required(path, "")),
        _ => errors.push(Error::invalid_raw(path, json(strategy), "must be 'RollingUpdate' or 'OnDelete'")),
    }
}
