//! Kinds that a custom resource definition makes: one version of one definition as a [`Kind`].
//!
//! [`definition`] is the kind of the definitions themselves, [`lifecycle`] what the server does when one changes. Objects
//! are JSON ([`DynamicObject`]); [`schema`] prunes and defaults them, [`validate`] checks them. All versions of a
//! definition share one table of objects, kept in the storage version; conversion changes the `apiVersion` only.
//!
//! Models: apiextensions-apiserver `pkg/registry/customresource`.

mod definition;
pub(crate) mod lifecycle;
mod object;
mod schema;
#[cfg(test)]
mod tests;
mod validate;

pub use definition::DefinitionKind;
pub use object::DynamicObject;

use super::{Column, Context, Kind, KindInfo, Replicas, age_of, meta};
use crate::decode::DecodeError;
use crate::object::{Object, ObjectRef};
use crate::server::Allocators;
use apimachinery::field::ErrorList;
use apimachinery::jsonpath::JsonPath;
use apimachinery::names;
use apimachinery::time::Time;
use object::{dynamic, dynamic_mut};
use serde_json::{Value, json};

/// One version of a definition.
#[derive(Clone)]
pub struct CustomKind {
    info: &'static KindInfo,
    /// Name of the definition.
    definition: String,
    list_kind: String,
    served: bool,
    /// `apiVersion` in which objects are stored.
    stored_as: String,
    schema: Value,
    status: bool,
    replicas: Replicas,
    columns: Vec<Column>,
    /// Where the cells after the name come from.
    paths: Vec<JsonPath>,
    fields: Vec<&'static str>,
    deprecation: Option<&'static str>,
}

/// Texts of a kind outlive any server, as those of built-in kinds do. What is given up here is bounded: a definition that
/// did not change gives its old texts again ([`CustomKind::new`]).
fn keep(text: &str) -> &'static str {
    Box::leak(text.to_owned().into_boxed_str())
}

fn keep_all(list: &Value) -> &'static [&'static str] {
    let texts: Vec<&'static str> = list.as_array().into_iter().flatten().filter_map(Value::as_str).map(keep).collect();
    Box::leak(texts.into_boxed_slice())
}

impl CustomKind {
    /// Makes the kind of one version. `before`: what this version was until now.
    fn new(definition: &str, spec: &Value, version: &Value, before: Option<&Self>) -> Self {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let names = &spec["names"];
        let group = text(&spec["group"]);
        let stored = spec["versions"].as_array().into_iter().flatten().find(|v| v["storage"] == true);
        let scale = &version["subresources"]["scale"];
        let status = version["subresources"]["status"].is_object();
        let info = KindInfo {
            group: "",
            version: "",
            kind: "",
            plural: "",
            singular: "",
            short_names: &[],
            categories: &[],
            namespaced: spec["scope"] == "Namespaced",
            subresources: match (status, scale.is_object()) {
                (true, true) => &["status", "scale"],
                (true, false) => &["status"],
                (false, true) => &["scale"],
                (false, false) => &[],
            },
            generation: true,
            verbs: &[],
        };
        let info = kept_info(info, &group, names, version, before);
        let (columns, paths) = columns(version, before);
        let schema = version["schema"]["openAPIV3Schema"].clone();
        Self {
            info,
            definition: definition.to_owned(),
            list_kind: text(&names["listKind"]),
            served: version["served"] == true,
            stored_as: format!("{group}/{}", stored.map(|v| text(&v["name"])).unwrap_or_default()),
            schema,
            status,
            replicas: Replicas {
                spec: scale["specReplicasPath"].as_str().unwrap_or(".spec.replicas").into(),
                status: scale["statusReplicasPath"].as_str().unwrap_or(".status.replicas").into(),
                selector: scale["labelSelectorPath"].as_str().map(str::to_owned),
            },
            columns,
            paths,
            fields: selectable(version, before),
            deprecation: deprecation(version, info, before),
        }
    }

    pub(crate) fn definition(&self) -> &str {
        &self.definition
    }

    pub(crate) fn list_kind(&self) -> &str {
        &self.list_kind
    }

    pub(crate) fn schema(&self) -> &Value {
        &self.schema
    }

    /// A stored object in this version, with the defaults of its schema.
    pub(crate) fn spoken(&self, object: &ObjectRef) -> ObjectRef {
        let mut out = object.clone_box();
        dynamic_mut(&mut *out).set("apiVersion", self.info.api_version().into());
        self.default(&mut *out);
        out.into_ref()
    }

    fn complete(&self, object: &DynamicObject) -> ErrorList {
        let mut errors = ErrorList::default();
        validate::validate(&Value::Object(object.rest.clone()), &self.schema, "", &mut errors);
        errors
    }

    /// What of an object is counted by its generation.
    fn counted<'o>(&self, object: &'o DynamicObject) -> Vec<(&'o String, &'o Value)> {
        let status = |name: &str| self.status && name == "status";
        object.rest.iter().filter(|(name, _)| !status(name) && name.as_str() != "apiVersion").collect()
    }
}

fn kept_info(
    mut info: KindInfo,
    group: &str,
    names: &Value,
    version: &Value,
    before: Option<&CustomKind>,
) -> &'static KindInfo {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let (kind, plural, singular) = (text(&names["kind"]), text(&names["plural"]), text(&names["singular"]));
    let version = text(&version["name"]);
    if let Some(old) = before.map(|b| b.info)
        && [old.group, old.version, old.kind, old.plural, old.singular] == [group, &version, &kind, &plural, &singular]
        && old.namespaced == info.namespaced
        && old.subresources == info.subresources
        && same_words(old.short_names, &names["shortNames"])
        && same_words(old.categories, &names["categories"])
    {
        return old;
    }
    info.group = keep(group);
    info.version = keep(&version);
    info.kind = keep(&kind);
    info.plural = keep(&plural);
    info.singular = keep(&singular);
    info.short_names = keep_all(&names["shortNames"]);
    info.categories = keep_all(&names["categories"]);
    Box::leak(Box::new(info))
}

fn same_words(old: &[&str], list: &Value) -> bool {
    let list = list.as_array().map(Vec::as_slice).unwrap_or_default();
    old.len() == list.len() && old.iter().zip(list).all(|(old, new)| new == old)
}

fn columns(version: &Value, before: Option<&CustomKind>) -> (Vec<Column>, Vec<JsonPath>) {
    let known: Vec<&'static str> =
        before.iter().flat_map(|b| &b.columns).flat_map(|c| [c.name, c.kind, c.format, c.description]).collect();
    let keep = |text: &str| known.iter().find(|k| **k == text).copied().unwrap_or_else(|| keep(text));
    let age = json!([{"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp",
        "description": "CreationTimestamp is a timestamp representing the server time when this object was created."}]);
    let wanted = Some(&version["additionalPrinterColumns"]).filter(|c| c.as_array().is_some_and(|c| !c.is_empty()));
    let mut out = (vec![Column::name()], Vec::new());
    for column in wanted.unwrap_or(&age).as_array().into_iter().flatten() {
        let text = |field: &str| column[field].as_str().unwrap_or_default();
        let path = text("jsonPath");
        let Ok(parsed) = JsonPath::parse(&format!("{{{path}}}")) else { continue };
        let fallback = format!("Custom resource definition column (in JSONPath format): {path}");
        let description = Some(text("description")).filter(|d| !d.is_empty()).unwrap_or(&fallback);
        out.0.push(Column {
            name: keep(text("name")),
            kind: keep(text("type")),
            format: keep(text("format")),
            priority: column["priority"].as_u64().and_then(|p| u8::try_from(p).ok()).unwrap_or(0),
            description: keep(description),
        });
        out.1.push(parsed.allow_missing_keys(true));
    }
    out
}

/// `.spec.color` of `selectableFields` as the path of a field selector.
fn selectable(version: &Value, before: Option<&CustomKind>) -> Vec<&'static str> {
    let known = before.map(|b| b.fields.as_slice()).unwrap_or_default();
    let fields = version["selectableFields"].as_array().into_iter().flatten();
    fields
        .filter_map(|f| f["jsonPath"].as_str()?.strip_prefix('.'))
        .map(|path| known.iter().find(|k| **k == path).copied().unwrap_or_else(|| keep(path)))
        .collect()
}

fn deprecation(version: &Value, info: &KindInfo, before: Option<&CustomKind>) -> Option<&'static str> {
    if version["deprecated"] != true {
        return None;
    }
    let text = match version["deprecationWarning"].as_str() {
        Some(text) => text.to_owned(),
        None => format!("{} {} is deprecated", info.api_version(), info.kind),
    };
    before.and_then(|b| b.deprecation).filter(|old| *old == text).or_else(|| Some(keep(&text)))
}

impl Kind for CustomKind {
    fn info(&self) -> &KindInfo {
        self.info
    }
    fn name_check(&self) -> names::Check {
        names::dns1123_subdomain
    }
    fn decode(&self, value: &Value) -> Result<(Box<dyn Object>, Vec<String>), DecodeError> {
        let mut value = value.clone();
        let mut complaints = Vec::new();
        schema::prune(&mut value, &self.schema, "", true, &mut complaints);
        let (object, unknown) = DynamicObject::decode(&value)?;
        complaints.extend(unknown);
        Ok((Box::new(object), complaints))
    }
    fn default(&self, object: &mut dyn Object) {
        let object = dynamic_mut(object);
        let mut value = Value::Object(core::mem::take(&mut object.rest));
        schema::default(&mut value, &self.schema);
        if let Value::Object(map) = value {
            object.rest = map;
        }
        object.rest.remove("metadata");
    }
    fn prepare_create(&self, object: &mut dyn Object, _: &mut Context<'_>) -> Result<(), ErrorList> {
        let object = dynamic_mut(object);
        if self.status {
            object.rest.remove("status");
        }
        object.set("apiVersion", self.stored_as.as_str().into());
        Ok(())
    }
    fn prepare_update(&self, new: &mut dyn Object, old: &dyn Object, _: &mut Context<'_>) -> Result<(), ErrorList> {
        let new = dynamic_mut(new);
        if self.status {
            new.set("status", dynamic(old).get("status").clone());
        }
        new.set("apiVersion", self.stored_as.as_str().into());
        Ok(())
    }
    fn prepare_status(&self, new: &mut dyn Object, old: &dyn Object) {
        let (new, old) = (dynamic_mut(new), dynamic(old));
        let status = new.get("status").clone();
        new.rest.clone_from(&old.rest);
        new.set("status", status);
        new.set("apiVersion", self.stored_as.as_str().into());
        let managed = new.meta.managed_fields.take();
        new.meta = old.meta.clone();
        new.meta.managed_fields = managed;
    }
    fn validate(&self, object: &dyn Object) -> ErrorList {
        let mut errors = meta::validate(object.meta(), self.info.namespaced, self.name_check());
        errors.extend(self.complete(dynamic(object)).0);
        errors
    }
    fn validate_update(&self, new: &dyn Object, old: &dyn Object) -> ErrorList {
        let mut errors = meta::validate_update(new.meta(), old.meta());
        errors.extend(self.complete(dynamic(new)).0);
        errors
    }
    fn validate_status(&self, new: &dyn Object, _: &dyn Object) -> ErrorList {
        self.complete(dynamic(new))
    }
    fn warnings(&self, _: &dyn Object) -> Vec<String> {
        Vec::new()
    }
    fn update_warnings(&self, _: &dyn Object, _: &dyn Object) -> Vec<String> {
        Vec::new()
    }
    fn deprecation(&self) -> Option<&'static str> {
        self.deprecation
    }
    fn spec_changed(&self, new: &dyn Object, old: &dyn Object) -> bool {
        self.counted(dynamic(new)) != self.counted(dynamic(old))
    }
    fn grace(&self, _: &dyn Object, _: Option<i64>) -> Option<i64> {
        Some(0)
    }
    fn released(&self, _: &dyn Object, _: &mut Allocators) {}
    fn replaced(&self, _: &dyn Object, _: &dyn Object, _: &mut Allocators) {}
    fn columns(&self) -> &[Column] {
        &self.columns
    }
    fn cells(&self, object: &dyn Object, now: Time) -> Vec<Value> {
        let value = object.to_value();
        let mut out: Vec<Value> = vec![object.meta().name.clone().into()];
        for (column, path) in self.columns[1..].iter().zip(&self.paths) {
            let found = path.find(&value).ok().and_then(|all| all.into_iter().next()?.into_iter().next());
            out.push(found.map_or(Value::Null, |found| cell(column.kind, found, now)));
        }
        out
    }
    fn field(&self, object: &dyn Object, path: &str) -> Option<String> {
        self.fields.contains(&path).then(|| {
            let value = at_path(&object.to_value(), path).clone();
            value
                .as_str()
                .map_or_else(|| if value.is_null() { String::new() } else { value.to_string() }, str::to_owned)
        })
    }
    fn fields(&self) -> &[&'static str] {
        &self.fields
    }
    fn served(&self) -> bool {
        self.served
    }
    fn replicas(&self) -> Replicas {
        self.replicas.clone()
    }
    fn custom(&self) -> Option<&CustomKind> {
        Some(self)
    }
}

/// A value in a column of a type; what does not fit stays empty.
fn cell(kind: &str, value: Value, now: Time) -> Value {
    match kind {
        "integer" => match value.as_f64() {
            #[allow(clippy::cast_possible_truncation, reason = "as Go converts it")]
            Some(n) if !value.is_i64() => (n as i64).into(),
            Some(_) => value,
            None => Value::Null,
        },
        "number" if value.is_number() => value,
        "boolean" if value.is_boolean() => value,
        "string" => apimachinery::jsonpath::print_value(&value).into(),
        "date" => value.as_str().map_or(Value::Null, |text| age_of(text, now).into()),
        _ => Value::Null,
    }
}

/// `.spec.oars` in an object.
pub(crate) fn at_path<'v>(value: &'v Value, path: &str) -> &'v Value {
    path.split('.').filter(|step| !step.is_empty()).fold(value, |here, step| here.get(step).unwrap_or(&Value::Null))
}

/// Sets `.spec.oars`, making the objects on the way.
pub(crate) fn set_path(value: &mut Value, path: &str, to: Value) {
    let mut here = value;
    for step in path.split('.').filter(|step| !step.is_empty()) {
        if !here.is_object() {
            *here = json!({});
        }
        here = &mut here[step];
    }
    *here = to;
}
