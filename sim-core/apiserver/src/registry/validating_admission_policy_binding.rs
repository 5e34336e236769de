//! ValidatingAdmissionPolicyBinding: names, defaults, rules and columns.

use super::checks::text;
use super::printing::UNSET;
use super::{Column, KindInfo, Strategy, age};
use apimachinery::field::{Error, ErrorList, Path};
use apimachinery::time::Time;
use k8s_openapi::api::admissionregistration::v1::ValidatingAdmissionPolicyBinding;
use serde_json::Value;

pub struct ValidatingAdmissionPolicyBindingStrategy;

impl Strategy for ValidatingAdmissionPolicyBindingStrategy {
    type Object = ValidatingAdmissionPolicyBinding;

    fn info(&self) -> &'static KindInfo {
        const {
            &KindInfo::cluster(
                "admissionregistration.k8s.io",
                "ValidatingAdmissionPolicyBinding",
                "validatingadmissionpolicybindings",
                "validatingadmissionpolicybinding",
            )
            .category(&["api-extensions"])
            .with_generation()
        }
    }

    fn spec_changed(&self, new: &ValidatingAdmissionPolicyBinding, old: &ValidatingAdmissionPolicyBinding) -> bool {
        new.spec != old.spec
    }

    fn validate(&self, object: &ValidatingAdmissionPolicyBinding) -> ErrorList {
        let mut errors = ErrorList::default();
        let path = Path::new("spec");
        if object.spec.policy_name.is_empty() {
            errors.push(Error::required(&path.child("policyName"), ""));
        }
        let at = path.child("validationActions");
        if object.spec.validation_actions.is_empty() {
            errors.push(Error::required(&at, ""));
        }
        for action in &object.spec.validation_actions {
            super::checks::one_of_if_set(action, &["Audit", "Deny", "Warn"], &at, &mut errors);
        }
        errors
    }

    fn columns(&self) -> &'static [Column] {
        const {
            &[
                Column::name(),
                Column::new(
                    "PolicyName",
                    "PolicyName indicates the policy definition which the policy binding binded to",
                ),
                Column::new("ParamRef", "ParamRef indicates the param resource which sets the configuration param"),
                Column::age(),
            ]
        }
    }

    fn cells(&self, object: &ValidatingAdmissionPolicyBinding, now: Time) -> Vec<Value> {
        let meta = &object.metadata;
        let parameter = object.spec.param_ref.as_ref().map(|r| {
            let namespace = text(&r.namespace);
            format!("{}/{}", if namespace.is_empty() { "*" } else { namespace }, text(&r.name))
        });
        vec![
            meta.name.as_deref().into(),
            object.spec.policy_name.as_str().into(),
            parameter.unwrap_or_else(|| UNSET.to_owned()).into(),
            age(meta, now).into(),
        ]
    }
}
