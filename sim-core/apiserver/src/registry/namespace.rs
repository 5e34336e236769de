//! Namespace: names, defaults, rules and columns.

use super::checks;
use super::{Column, Context, KindInfo, Strategy, age};
use apimachinery::field::ErrorList;
use apimachinery::field::Path;
use apimachinery::names;
use apimachinery::time::Time;
use k8s_openapi::api::core::v1::Namespace;
use serde_json::Value;

/// Every namespace carries its own name as a label, for selectors.
const NAME_LABEL: &str = "kubernetes.io/metadata.name";

pub struct NamespaceStrategy;

impl Strategy for NamespaceStrategy {
    type Object = Namespace;

    fn info(&self) -> &'static KindInfo {
        &KindInfo {
            group: "",
            version: "v1",
            kind: "Namespace",
            plural: "namespaces",
            singular: "namespace",
            short_names: &["ns"],
            categories: &[],
            namespaced: false,
            subresources: &["finalize", "status"],
            generation: false,
            // No deletecollection: a namespace is not emptied by accident.
            verbs: &["create", "delete", "get", "list", "patch", "update", "watch"],
        }
    }

    fn name_check(&self) -> names::Check {
        names::dns1123_label
    }

    fn default(&self, object: &mut Namespace) {
        label_with_name(object);
        object.spec.get_or_insert_default();
        let phase = &mut object.status.get_or_insert_default().phase;
        phase.get_or_insert_with(|| "Active".into());
    }

    fn prepare_create(&self, object: &mut Namespace, _: &mut Context<'_>) -> Result<(), ErrorList> {
        // The name may have been generated after defaulting.
        label_with_name(object);
        let status = object.status.insert(Default::default());
        status.phase = Some("Active".into());
        let finalizers = object.spec.get_or_insert_default().finalizers.get_or_insert_default();
        if !finalizers.iter().any(|f| f == "kubernetes") {
            finalizers.push("kubernetes".into());
        }
        Ok(())
    }

    fn prepare_update(&self, new: &mut Namespace, old: &Namespace, _: &mut Context<'_>) -> Result<(), ErrorList> {
        label_with_name(new);
        new.spec.clone_from(&old.spec);
        new.status.clone_from(&old.status);
        Ok(())
    }

    fn prepare_status(&self, new: &mut Namespace, old: &Namespace) {
        new.spec.clone_from(&old.spec);
    }

    fn validate(&self, object: &Namespace) -> ErrorList {
        let mut errors = ErrorList::default();
        let path = Path::new("spec.finalizers");
        for name in object.spec.iter().flat_map(|s| s.finalizers.iter().flatten()) {
            checks::qualified_name(name, &path, &mut errors);
        }
        errors
    }

    fn validate_update(&self, new: &Namespace, old: &Namespace) -> ErrorList {
        let _ = (new, old);
        ErrorList::default()
    }

    fn columns(&self) -> &'static [Column] {
        const { &[Column::name(), Column::new("Status", "The status of the namespace"), Column::age()] }
    }

    fn cells(&self, object: &Namespace, now: Time) -> Vec<Value> {
        let meta = &object.metadata;
        vec![meta.name.as_deref().into(), phase(object).into(), age(meta, now).into()]
    }

    fn fields(&self) -> &'static [&'static str] {
        &["status.phase", "name"]
    }

    fn field(&self, object: &Namespace, path: &str) -> Option<String> {
        match path {
            "status.phase" => Some(phase(object).to_owned()),
            "name" => object.metadata.name.clone(),
            _ => None,
        }
    }
}

fn label_with_name(object: &mut Namespace) {
    let Some(name) = object.metadata.name.as_deref().filter(|n| !n.is_empty()) else { return };
    let labels = object.metadata.labels.get_or_insert_default();
    if labels.get(NAME_LABEL).map(String::as_str) != Some(name) {
        labels.insert(NAME_LABEL.to_owned(), name.to_owned());
    }
}

fn phase(object: &Namespace) -> &str {
    object.status.as_ref().and_then(|s| s.phase.as_deref()).unwrap_or_default()
}
