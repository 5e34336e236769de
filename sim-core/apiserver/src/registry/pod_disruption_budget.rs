//! PodDisruptionBudget: names, defaults, rules and columns.

use super::checks::{self, text};
use super::{Column, Context, KindInfo, Strategy, age};
use apimachinery::field::{Error, ErrorList, Path};
use apimachinery::time::Time;
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use serde_json::Value;

pub struct PodDisruptionBudgetStrategy;

impl Strategy for PodDisruptionBudgetStrategy {
    type Object = PodDisruptionBudget;

    fn info(&self) -> &'static KindInfo {
        const {
            &KindInfo::namespaced("policy", "PodDisruptionBudget", "poddisruptionbudgets", "poddisruptionbudget")
                .short(&["pdb"])
                .subresources(&["status"])
                .with_generation()
        }
    }

    fn default(&self, object: &mut PodDisruptionBudget) {
        object.spec.get_or_insert_default();
        object.status.get_or_insert_default();
    }

    fn prepare_create(&self, object: &mut PodDisruptionBudget, _: &mut Context<'_>) -> Result<(), ErrorList> {
        object.status = Some(Default::default());
        Ok(())
    }

    fn prepare_update(
        &self,
        new: &mut PodDisruptionBudget,
        old: &PodDisruptionBudget,
        _: &mut Context<'_>,
    ) -> Result<(), ErrorList> {
        new.status.clone_from(&old.status);
        Ok(())
    }

    fn prepare_status(&self, new: &mut PodDisruptionBudget, old: &PodDisruptionBudget) {
        new.spec.clone_from(&old.spec);
    }

    fn spec_changed(&self, new: &PodDisruptionBudget, old: &PodDisruptionBudget) -> bool {
        new.spec != old.spec
    }

    fn validate(&self, object: &PodDisruptionBudget) -> ErrorList {
        let mut errors = ErrorList::default();
        let path = Path::new("spec");
        let Some(spec) = &object.spec else { return errors };
        if spec.min_available.is_some() && spec.max_unavailable.is_some() {
            let why = "minAvailable and maxUnavailable cannot be both set";
            errors.push(Error::invalid_raw(&path, checks::json(spec), why));
        }
        for (field, value) in [("minAvailable", &spec.min_available), ("maxUnavailable", &spec.max_unavailable)] {
            if let Some(value) = value {
                let at = path.child(field);
                checks::int_or_percent(value, &at, &mut errors);
                checks::at_most_all(value, &at, &mut errors);
            }
        }
        checks::label_selector(spec.selector.as_ref(), &path.child("selector"), &mut errors);
        let known = ["AlwaysAllow", "IfHealthyBudget"];
        let at = path.child("unhealthyPodEvictionPolicy");
        checks::one_of_if_set(text(&spec.unhealthy_pod_eviction_policy), &known, &at, &mut errors);
        errors
    }

    fn columns(&self) -> &'static [Column] {
        const {
            &[
                Column::name(),
                Column::new("Min Available", "The minimum number of pods that must be available."),
                Column::new("Max Unavailable", "The maximum number of pods that may be unavailable."),
                Column::new("Allowed Disruptions", "Calculated number of pods that may be disrupted at this time.")
                    .integer(),
                Column::age(),
            ]
        }
    }

    fn cells(&self, object: &PodDisruptionBudget, now: Time) -> Vec<Value> {
        let meta = &object.metadata;
        let spec = object.spec.as_ref();
        let shown = |value: Option<&IntOrString>| match value {
            None => "N/A".to_owned(),
            Some(IntOrString::Int(n)) => n.to_string(),
            Some(IntOrString::String(s)) => s.clone(),
        };
        vec![
            meta.name.as_deref().into(),
            shown(spec.and_then(|s| s.min_available.as_ref())).into(),
            shown(spec.and_then(|s| s.max_unavailable.as_ref())).into(),
            object.status.as_ref().and_then(|s| s.disruptions_allowed).unwrap_or(0).into(),
            age(meta, now).into(),
        ]
    }
}
