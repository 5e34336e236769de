//! IngressClass: names, defaults, rules and columns.

use super::checks::{self, text};
use super::printing::NONE;
use super::{Column, KindInfo, Strategy, age};
use apimachinery::field::{Error, ErrorList, Path};
use apimachinery::time::Time;
use k8s_openapi::api::networking::v1::IngressClass;
use serde_json::Value;

pub struct IngressClassStrategy;

impl Strategy for IngressClassStrategy {
    type Object = IngressClass;

    fn info(&self) -> &'static KindInfo {
        const { &KindInfo::cluster("networking.k8s.io", "IngressClass", "ingressclasses", "ingressclass").with_generation() }
    }

    fn default(&self, object: &mut IngressClass) {
        let spec = object.spec.get_or_insert_default();
        if let Some(parameters) = &mut spec.parameters {
            parameters.scope.get_or_insert_with(|| "Cluster".into());
        }
    }

    fn validate(&self, object: &IngressClass) -> ErrorList {
        let mut errors = ErrorList::default();
        let path = Path::new("spec.controller");
        let controller = object.spec.as_ref().map(|s| text(&s.controller)).unwrap_or_default();
        if controller.is_empty() {
            errors.push(Error::required(&path, ""));
        } else if !controller.contains('/') {
            errors.push(Error::invalid(&path, controller, "must be a domain-prefixed path (such as \"acme.io/foo\")"));
        }
        errors
    }

    fn validate_update(&self, new: &IngressClass, old: &IngressClass) -> ErrorList {
        let mut errors = ErrorList::default();
        let controller = |c: &IngressClass| c.spec.as_ref().and_then(|s| s.controller.clone());
        checks::immutable(&controller(new), &controller(old), &Path::new("spec.controller"), &mut errors);
        errors
    }

    fn spec_changed(&self, new: &IngressClass, old: &IngressClass) -> bool {
        new.spec != old.spec
    }

    fn columns(&self) -> &'static [Column] {
        const {
            &[
                Column::name(),
                Column::new("Controller", "Controller that is responsible for handling this class"),
                Column::new("Parameters", "A reference to a resource with additional parameters"),
                Column::age(),
            ]
        }
    }

    fn cells(&self, object: &IngressClass, now: Time) -> Vec<Value> {
        let meta = &object.metadata;
        let mut name = meta.name.clone().unwrap_or_default();
        if is_default(object) {
            name.push_str(" (default)");
        }
        let spec = object.spec.as_ref();
        let parameters = spec.and_then(|s| s.parameters.as_ref()).map(|p| match &p.api_group {
            Some(group) => format!("{}.{group}/{}", p.kind, p.name),
            None => format!("{}/{}", p.kind, p.name),
        });
        vec![
            name.into(),
            spec.map(|s| text(&s.controller)).unwrap_or_default().into(),
            parameters.unwrap_or_else(|| NONE.to_owned()).into(),
            age(meta, now).into(),
        ]
    }
}

/// Marked as the class for ingresses that name none.
pub fn is_default(class: &IngressClass) -> bool {
    let annotations = class.metadata.annotations.as_ref();
    annotations.and_then(|a| a.get("ingressclass.kubernetes.io/is-default-class")).is_some_and(|v| v == "true")
}
