//! ClusterRoleBinding: names, defaults, rules and columns.

use super::{Column, KindInfo, Strategy, age, checks, rbac};
use apimachinery::field::{Error, ErrorList, Path};
use apimachinery::names;
use apimachinery::time::Time;
use k8s_openapi::api::rbac::v1::ClusterRoleBinding;
use serde_json::Value;

pub struct ClusterRoleBindingStrategy;

impl Strategy for ClusterRoleBindingStrategy {
    type Object = ClusterRoleBinding;

    fn info(&self) -> &'static KindInfo {
        const {
            &KindInfo::cluster(
                "rbac.authorization.k8s.io",
                "ClusterRoleBinding",
                "clusterrolebindings",
                "clusterrolebinding",
            )
        }
    }

    fn name_check(&self) -> names::Check {
        names::path_segment
    }

    fn default(&self, object: &mut ClusterRoleBinding) {
        rbac::default_binding(&mut object.role_ref, object.subjects.as_deref_mut());
    }

    fn validate(&self, object: &ClusterRoleBinding) -> ErrorList {
        rbac::binding(&object.role_ref, object.subjects.as_deref(), false)
    }

    fn validate_update(&self, new: &ClusterRoleBinding, old: &ClusterRoleBinding) -> ErrorList {
        let mut errors = Strategy::validate(self, new);
        if new.role_ref != old.role_ref {
            let shown = checks::json(&new.role_ref);
            errors.push(Error::invalid_raw(&Path::new("roleRef"), shown, "cannot change roleRef"));
        }
        errors
    }

    fn columns(&self) -> &'static [Column] {
        const {
            &[
                Column::name(),
                Column::new("Role", "roleRef references the role."),
                Column::age(),
                Column::new("Users", "Users in the clusterRoleBinding").wide(),
                Column::new("Groups", "Groups in the clusterRoleBinding").wide(),
                Column::new("ServiceAccounts", "ServiceAccounts in the clusterRoleBinding").wide(),
            ]
        }
    }

    fn cells(&self, object: &ClusterRoleBinding, now: Time) -> Vec<Value> {
        let meta = &object.metadata;
        let role = format!("{}/{}", object.role_ref.kind, object.role_ref.name);
        let mut cells = vec![meta.name.as_deref().into(), role.into(), age(meta, now).into()];
        cells.extend(rbac::subjects(object.subjects.as_deref().unwrap_or_default()).map(Value::from));
        cells
    }
}
