//! ValidatingAdmissionPolicy: names, defaults, rules and columns.

use super::checks::text;
use super::printing::UNSET;
use super::{Column, Context, KindInfo, Strategy, age};
use apimachinery::field::{Error, ErrorList, Path};
use apimachinery::time::Time;
use k8s_openapi::api::admissionregistration::v1::ValidatingAdmissionPolicy;
use serde_json::Value;

pub struct ValidatingAdmissionPolicyStrategy;

impl Strategy for ValidatingAdmissionPolicyStrategy {
    type Object = ValidatingAdmissionPolicy;

    fn info(&self) -> &'static KindInfo {
        const {
            &KindInfo::cluster(
                "admissionregistration.k8s.io",
                "ValidatingAdmissionPolicy",
                "validatingadmissionpolicies",
                "validatingadmissionpolicy",
            )
            .category(&["api-extensions"])
            .subresources(&["status"])
            .with_generation()
        }
    }

    fn default(&self, object: &mut ValidatingAdmissionPolicy) {
        let spec = object.spec.get_or_insert_default();
        spec.failure_policy.get_or_insert_with(|| "Fail".into());
        if let Some(matches) = &mut spec.match_constraints {
            matches.match_policy.get_or_insert_with(|| "Equivalent".into());
            matches.namespace_selector.get_or_insert_default();
            matches.object_selector.get_or_insert_default();
        }
        object.status.get_or_insert_default();
    }

    fn prepare_create(&self, object: &mut ValidatingAdmissionPolicy, _: &mut Context<'_>) -> Result<(), ErrorList> {
        object.status = Some(Default::default());
        Ok(())
    }

    fn prepare_update(
        &self,
        new: &mut ValidatingAdmissionPolicy,
        old: &ValidatingAdmissionPolicy,
        _: &mut Context<'_>,
    ) -> Result<(), ErrorList> {
        new.status.clone_from(&old.status);
        Ok(())
    }

    fn prepare_status(&self, new: &mut ValidatingAdmissionPolicy, old: &ValidatingAdmissionPolicy) {
        new.spec.clone_from(&old.spec);
    }

    fn spec_changed(&self, new: &ValidatingAdmissionPolicy, old: &ValidatingAdmissionPolicy) -> bool {
        new.spec != old.spec
    }

    fn validate(&self, object: &ValidatingAdmissionPolicy) -> ErrorList {
        let mut errors = ErrorList::default();
        let path = Path::new("spec");
        let Some(spec) = &object.spec else { return errors };
        if spec.match_constraints.is_none() {
            errors.push(Error::required(&path.child("matchConstraints"), ""));
        }
        let none = spec.validations.as_ref().is_none_or(Vec::is_empty);
        if none && spec.audit_annotations.as_ref().is_none_or(Vec::is_empty) {
            let why = "validations or auditAnnotations must be specified";
            errors.push(Error::required(&path.child("validations"), why));
        }
        errors
    }

    fn columns(&self) -> &'static [Column] {
        const {
            &[
                Column::name(),
                Column::new(
                    "Validations",
                    "Validations indicates the number of validation rules defined in this configuration",
                )
                .integer(),
                Column::new("ParamKind", "ParamKind specifies the kind of resources used to parameterize this policy"),
                Column::age(),
            ]
        }
    }

    fn cells(&self, object: &ValidatingAdmissionPolicy, now: Time) -> Vec<Value> {
        let meta = &object.metadata;
        let spec = object.spec.as_ref();
        let kind = spec.and_then(|s| s.param_kind.as_ref());
        vec![
            meta.name.as_deref().into(),
            spec.and_then(|s| s.validations.as_ref()).map_or(0, Vec::len).into(),
            kind.map_or_else(|| UNSET.to_owned(), |k| format!("{}/{}", text(&k.api_version), text(&k.kind))).into(),
            age(meta, now).into(),
        ]
    }
}
