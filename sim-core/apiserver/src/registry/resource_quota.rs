//! ResourceQuota: names, defaults, rules and columns.

use super::{Column, Context, KindInfo, Strategy, age, pod_spec};
use apimachinery::field::{Error, ErrorList, Path};
use apimachinery::time::Time;
use k8s_openapi::api::core::v1::ResourceQuota;
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use serde_json::Value;
use std::collections::BTreeMap;

pub struct ResourceQuotaStrategy;

impl Strategy for ResourceQuotaStrategy {
    type Object = ResourceQuota;

    fn info(&self) -> &'static KindInfo {
        const {
            &KindInfo::namespaced("", "ResourceQuota", "resourcequotas", "resourcequota")
                .short(&["quota"])
                .subresources(&["status"])
        }
    }

    fn default(&self, object: &mut ResourceQuota) {
        object.spec.get_or_insert_default();
        object.status.get_or_insert_default();
    }

    fn prepare_create(&self, object: &mut ResourceQuota, _: &mut Context<'_>) -> Result<(), ErrorList> {
        object.status = Some(Default::default());
        Ok(())
    }

    fn prepare_update(
        &self,
        new: &mut ResourceQuota,
        old: &ResourceQuota,
        _: &mut Context<'_>,
    ) -> Result<(), ErrorList> {
        new.status.clone_from(&old.status);
        Ok(())
    }

    fn prepare_status(&self, new: &mut ResourceQuota, old: &ResourceQuota) {
        new.spec.clone_from(&old.spec);
    }

    fn validate(&self, object: &ResourceQuota) -> ErrorList {
        let mut errors = ErrorList::default();
        let path = Path::new("spec.hard");
        for (name, value) in object.spec.iter().flat_map(|s| s.hard.iter().flatten()) {
            let at = path.key(name);
            // `count/deployments.apps` counts objects of any kind.
            if !name.starts_with("count/") && !pod_spec::resource_name(name, &at, &mut errors) {
                continue;
            }
            pod_spec::resource_quantity(name, value, &at, &mut errors);
        }
        errors
    }

    fn validate_update(&self, new: &ResourceQuota, old: &ResourceQuota) -> ErrorList {
        let mut errors = Strategy::validate(self, new);
        let scopes = |q: &ResourceQuota| q.spec.as_ref().and_then(|s| s.scopes.clone());
        if scopes(new) != scopes(old) {
            errors.push(Error::invalid_raw(
                &Path::new("spec.scopes"),
                super::checks::json(&scopes(new)),
                super::checks::IMMUTABLE,
            ));
        }
        errors
    }

    fn columns(&self) -> &'static [Column] {
        const {
            &[
                Column::name(),
                Column::new(
                    "Request",
                    "Request represents a minimum amount of cpu/memory that a container may consume.",
                ),
                Column::new(
                    "Limit",
                    "Limits control the maximum amount of cpu/memory that a container may use independent of contention on the node.",
                ),
                Column::age(),
            ]
        }
    }

    fn cells(&self, object: &ResourceQuota, now: Time) -> Vec<Value> {
        let meta = &object.metadata;
        let empty = BTreeMap::new();
        let status = object.status.as_ref();
        let hard = status.and_then(|s| s.hard.as_ref()).unwrap_or(&empty);
        let used = status.and_then(|s| s.used.as_ref()).unwrap_or(&empty);
        vec![
            meta.name.as_deref().into(),
            amounts(hard, used, false).into(),
            amounts(hard, used, true).into(),
            age(meta, now).into(),
        ]
    }
}

type Amounts = BTreeMap<String, Quantity>;

/// `pods: 1/2, requests.cpu: 0/1`.
fn amounts(hard: &Amounts, used: &Amounts, limits: bool) -> String {
    let part =
        |(name, most): (&String, &Quantity)| format!("{name}: {}/{}", used.get(name).map_or("0", |q| &q.0), most.0);
    let parts: Vec<String> = hard.iter().filter(|(name, _)| name.starts_with("limits.") == limits).map(part).collect();
    parts.join(", ")
}
