//! PodTemplate: names, defaults, rules and columns.

use super::pod_defaults::default_template;
use super::printing::{NONE, images, names};
use super::{Column, KindInfo, Strategy, pod_spec};
use apimachinery::field::{ErrorList, Path};
use apimachinery::labels::format_labels;
use apimachinery::time::Time;
use k8s_openapi::api::core::v1::PodTemplate;
use serde_json::Value;

pub struct PodTemplateStrategy;

impl Strategy for PodTemplateStrategy {
    type Object = PodTemplate;

    fn info(&self) -> &'static KindInfo {
        const { &KindInfo::namespaced("", "PodTemplate", "podtemplates", "podtemplate").with_generation() }
    }

    fn default(&self, object: &mut PodTemplate) {
        default_template(object.template.get_or_insert_default());
    }

    fn validate(&self, object: &PodTemplate) -> ErrorList {
        let mut errors = ErrorList::default();
        if let Some(template) = &object.template {
            pod_spec::template(template, &Path::new("template"), &mut errors);
        }
        errors
    }

    fn spec_changed(&self, new: &PodTemplate, old: &PodTemplate) -> bool {
        new.template != old.template
    }

    fn columns(&self) -> &'static [Column] {
        const {
            &[
                Column::name(),
                Column::new("Containers", "Names of each container in the template."),
                Column::new("Images", "Images referenced by each container in the template."),
                Column::new("Pod Labels", "The labels for the pod template."),
            ]
        }
    }

    fn cells(&self, object: &PodTemplate, _: Time) -> Vec<Value> {
        let template = object.template.as_ref();
        let pods = template.and_then(|t| t.spec.as_ref());
        let labels = template.and_then(|t| t.metadata.as_ref()?.labels.as_ref());
        vec![
            object.metadata.name.as_deref().into(),
            names(pods).into(),
            images(pods).into(),
            labels.map_or_else(|| NONE.to_owned(), format_labels).into(),
        ]
    }
}
