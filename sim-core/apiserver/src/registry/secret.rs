//! Secret: names, defaults, rules and columns.

use super::{Column, Context, KindInfo, Strategy, age};
use apimachinery::field::ErrorList;
use apimachinery::time::Time;
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use serde_json::Value;

pub struct SecretStrategy;

impl Strategy for SecretStrategy {
    type Object = Secret;

    fn info(&self) -> &'static KindInfo {
        &KindInfo {
            group: "",
            version: "v1",
            kind: "Secret",
            plural: "secrets",
            singular: "secret",
            short_names: &[],
            categories: &[],
            namespaced: true,
            subresources: &[],
            generation: false,
            verbs: &[],
        }
    }

    fn default(&self, object: &mut Secret) {
        // `stringData` is a way to write, never to read.
        for (key, value) in object.string_data.take().into_iter().flatten() {
            object.data.get_or_insert_default().insert(key, ByteString(value.into_bytes()));
        }
        object.type_.get_or_insert_with(|| "Opaque".into());
    }

    fn prepare_update(&self, new: &mut Secret, old: &Secret, _: &mut Context<'_>) -> Result<(), ErrorList> {
        if new.type_.as_deref().unwrap_or_default().is_empty() {
            new.type_.clone_from(&old.type_);
        }
        Ok(())
    }

    fn columns(&self) -> &'static [Column] {
        const {
            &[
                Column::name(),
                Column::new(
                    "Type",
                    "Used to facilitate programmatic handling of secret data. More info: https://kubernetes.io/docs/concepts/configuration/secret/#secret-types",
                ),
                Column::new("Data", "Data contains the secret data."),
                Column::age(),
            ]
        }
    }

    fn cells(&self, object: &Secret, now: Time) -> Vec<Value> {
        let meta = &object.metadata;
        vec![
            meta.name.as_deref().into(),
            object.type_.as_deref().unwrap_or_default().into(),
            object.data.as_ref().map_or(0, |d| d.len()).into(),
            age(meta, now).into(),
        ]
    }

    fn fields(&self) -> &'static [&'static str] {
        &["type"]
    }

    fn field(&self, object: &Secret, path: &str) -> Option<String> {
        (path == "type").then(|| object.type_.clone().unwrap_or_default())
    }
}
