//! Secret: names, defaults, rules and columns.

use super::checks;
use super::config_map::{DATA_BYTES_MAX, FROZEN};
use super::{Column, Context, KindInfo, Strategy, age};
use apimachinery::field::ErrorList;
use apimachinery::field::{Error, Path};
use apimachinery::names;
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

    fn validate(&self, object: &Secret) -> ErrorList {
        let mut errors = ErrorList::default();
        let path = Path::new("data");
        let mut bytes = 0;
        for (key, value) in object.data.iter().flatten() {
            errors.invalid_each(&path.key(key), key, names::config_map_key(key));
            bytes += value.0.len();
        }
        if bytes > DATA_BYTES_MAX {
            errors.push(Error::too_long(&path, DATA_BYTES_MAX));
        }
        by_type(object, &path, &mut errors);
        errors
    }

    fn validate_update(&self, new: &Secret, old: &Secret) -> ErrorList {
        let mut errors = ErrorList::default();
        checks::immutable(&new.type_, &old.type_, &Path::new("type"), &mut errors);
        if old.immutable == Some(true) {
            for (field, changed) in [("immutable", new.immutable != Some(true)), ("data", new.data != old.data)] {
                if changed {
                    errors.push(Error::forbidden(&Path::new(field), FROZEN));
                }
            }
        }
        errors.extend(Strategy::validate(self, new).0);
        errors
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

/// Each type has keys that must be there.
fn by_type(secret: &Secret, path: &Path, errors: &mut ErrorList) {
    let value = |key: &str| secret.data.as_ref().and_then(|d| d.get(key));
    let required = |keys: &[&str], errors: &mut ErrorList| {
        for key in keys.iter().filter(|k| value(k).is_none()) {
            errors.push(Error::required(&path.key(key), ""));
        }
    };
    match checks::text(&secret.type_) {
        "kubernetes.io/service-account-token" => {
            let key = "kubernetes.io/service-account.name";
            let name = secret.metadata.annotations.as_ref().and_then(|a| a.get(key));
            if name.is_none_or(String::is_empty) {
                errors.push(Error::required(&Path::new("metadata.annotations").key(key), ""));
            }
        }
        kind @ ("kubernetes.io/dockercfg" | "kubernetes.io/dockerconfigjson") => {
            let key = if kind.ends_with("json") { ".dockerconfigjson" } else { ".dockercfg" };
            match value(key) {
                None => errors.push(Error::required(&path.key(key), "")),
                Some(bytes) => {
                    if let Err(why) = apimachinery::json::parse(&bytes.0) {
                        let shown = "<secret contents redacted>";
                        errors.push(Error::invalid(&path.key(key), shown, why.to_string()));
                    }
                }
            }
        }
        "kubernetes.io/basic-auth" if value("username").is_none() && value("password").is_none() => {
            required(&["username", "password"], errors);
        }
        "kubernetes.io/ssh-auth" => required(&["ssh-privatekey"], errors),
        "kubernetes.io/tls" => required(&["tls.crt", "tls.key"], errors),
        _ => {}
    }
}
