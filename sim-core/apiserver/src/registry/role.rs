//! Role: names, defaults, rules and columns.

use super::printing::created_at;
use super::{Column, KindInfo, Strategy, rbac};
use apimachinery::field::{ErrorList, Path};
use apimachinery::names;
use apimachinery::time::Time;
use k8s_openapi::api::rbac::v1::Role;
use serde_json::Value;

pub struct RoleStrategy;

impl Strategy for RoleStrategy {
    type Object = Role;

    fn info(&self) -> &'static KindInfo {
        const { &KindInfo::namespaced("rbac.authorization.k8s.io", "Role", "roles", "role") }
    }

    fn name_check(&self) -> names::Check {
        names::path_segment
    }

    fn validate(&self, object: &Role) -> ErrorList {
        let mut errors = ErrorList::default();
        rbac::rules(object.rules.as_deref().unwrap_or_default(), true, &Path::new("rules"), &mut errors);
        errors
    }

    fn columns(&self) -> &'static [Column] {
        const { &[Column::name(), Column::created_at()] }
    }

    fn cells(&self, object: &Role, _: Time) -> Vec<Value> {
        vec![object.metadata.name.as_deref().into(), created_at(&object.metadata).into()]
    }
}
