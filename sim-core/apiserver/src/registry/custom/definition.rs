//! CustomResourceDefinition: names, defaults, rules and columns. Kept as JSON: its schema props alone would be the largest
//! type of all.
//!
//! Models: apiextensions-apiserver `pkg/apis/apiextensions` and `pkg/registry/customresourcedefinition`.

use super::object::{DynamicObject, dynamic, dynamic_mut};
use super::schema::uses;
use crate::decode::{DecodeError, go_word};
use crate::object::Object;
use crate::registry::{Column, Context, Kind, KindInfo, meta};
use crate::server::Allocators;
use apimachinery::field::{Error, ErrorList, Path, quote};
use apimachinery::names;
use apimachinery::time::Time;
use serde_json::{Map, Value, json};

pub struct DefinitionKind;

/// What the type knows: a letter is a scalar (string, boolean, integer, number, anything), `P` the props of a schema, `C` a
/// condition; one element stands for those of a list, `*` for every member of a map.
const SHAPE: &str = r#"{"apiVersion":"s","kind":"s","metadata":"*",
"spec":{"group":"s","scope":"s","preserveUnknownFields":"b","names":"N",
 "conversion":{"strategy":"s","webhook":"*"},
 "versions":[{"name":"s","served":"b","storage":"b","deprecated":"b","deprecationWarning":"s",
  "schema":{"openAPIV3Schema":"P"},
  "subresources":{"status":{},"scale":{"specReplicasPath":"s","statusReplicasPath":"s","labelSelectorPath":"s"}},
  "additionalPrinterColumns":[{"name":"s","type":"s","format":"s","description":"s","priority":"i","jsonPath":"s"}],
  "selectableFields":[{"jsonPath":"s"}]}]},
"status":{"acceptedNames":"N","conditions":["*"],"storedVersions":["s"],"observedGeneration":"i"}}"#;

const NAMES: &str = r#"{"plural":"s","singular":"s","kind":"s","listKind":"s","shortNames":["s"],"categories":["s"]}"#;

const PROPS: &str = r#"{"id":"s","$schema":"s","$ref":"s","description":"s","type":"s","nullable":"b","format":"s","title":"s",
"default":"*","maximum":"n","exclusiveMaximum":"b","minimum":"n","exclusiveMinimum":"b","maxLength":"i","minLength":"i",
"pattern":"s","maxItems":"i","minItems":"i","uniqueItems":"b","multipleOf":"n","enum":["*"],"maxProperties":"i",
"minProperties":"i","required":["s"],"items":"P","allOf":["P"],"oneOf":["P"],"anyOf":["P"],"not":"P",
"properties":{"*":"P"},"additionalProperties":"Q","patternProperties":{"*":"P"},"dependencies":"*","additionalItems":"*",
"definitions":{"*":"P"},"externalDocs":"*","example":"*","x-kubernetes-preserve-unknown-fields":"b",
"x-kubernetes-embedded-resource":"b","x-kubernetes-int-or-string":"b","x-kubernetes-list-map-keys":["s"],
"x-kubernetes-list-type":"s","x-kubernetes-map-type":"s",
"x-kubernetes-validations":[{"rule":"s","message":"s","messageExpression":"s","reason":"s","fieldPath":"s","optionalOldSelf":"b"}]}"#;

struct Shapes {
    names: Value,
    props: Value,
}

impl Shapes {
    /// Drops what the shape does not know and names it; a value of the wrong type is an error.
    fn walk(&self, value: &mut Value, shape: &Value, path: &str, unknown: &mut Vec<String>) -> Result<(), DecodeError> {
        if value.is_null() {
            return Ok(());
        }
        let mistyped = |value: &Value, wanted: &str| {
            let what = go_word(value);
            let at = format!("CustomResourceDefinition.{path}");
            Err(DecodeError(format!("json: cannot unmarshal {what} into Go struct field {at} of type {wanted}")))
        };
        match shape {
            Value::String(letter) => match letter.as_str() {
                "N" => self.walk(value, &self.names, path, unknown),
                "Q" if value.is_boolean() => Ok(()),
                "P" | "Q" => self.walk(value, &self.props, path, unknown),
                "s" if !value.is_string() => mistyped(value, "string"),
                "b" if !value.is_boolean() => mistyped(value, "bool"),
                "i" if !value.is_i64() => mistyped(value, "int64"),
                "n" if !value.is_number() => mistyped(value, "float64"),
                _ => Ok(()),
            },
            Value::Array(element) => {
                let Value::Array(items) = value else { return mistyped(value, "[]interface {}") };
                for (i, item) in items.iter_mut().enumerate() {
                    self.walk(item, &element[0], &format!("{path}[{i}]"), unknown)?;
                }
                Ok(())
            }
            _ => {
                let Value::Object(map) = value else { return mistyped(value, "map[string]interface {}") };
                let mut dropped = Vec::new();
                for (name, inner) in map.iter_mut() {
                    let at = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                    match shape.get(name).or_else(|| shape.get("*")) {
                        Some(shape) => self.walk(inner, shape, &at, unknown)?,
                        None => {
                            unknown.push(format!("unknown field {}", quote(&at)));
                            dropped.push(name.clone());
                        }
                    }
                }
                for name in dropped {
                    map.remove(&name);
                }
                Ok(())
            }
        }
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

impl Kind for DefinitionKind {
    fn info(&self) -> &KindInfo {
        const {
            &KindInfo::cluster(
                "apiextensions.k8s.io",
                "CustomResourceDefinition",
                "customresourcedefinitions",
                "customresourcedefinition",
            )
            .short(&["crd", "crds"])
            .category(&["api-extensions"])
            .subresources(&["status"])
            .with_generation()
        }
    }
    fn name_check(&self) -> names::Check {
        names::dns1123_subdomain
    }
    fn decode(&self, value: &Value) -> Result<(Box<dyn Object>, Vec<String>), DecodeError> {
        let parse = |text: &str| serde_json::from_str::<Value>(text).unwrap_or_default();
        let shapes = Shapes { names: parse(NAMES), props: parse(PROPS) };
        let mut value = value.clone();
        let mut complaints = Vec::new();
        shapes.walk(&mut value, &parse(SHAPE), "", &mut complaints)?;
        let (object, unknown) = DynamicObject::decode(&value)?;
        complaints.extend(unknown);
        Ok((Box::new(object), complaints))
    }
    fn default(&self, object: &mut dyn Object) {
        let object = dynamic_mut(object);
        let spec = object.rest.entry("spec").or_insert_with(|| json!({}));
        let Value::Object(spec) = spec else { return };
        if !spec.get("conversion").is_some_and(Value::is_object) {
            spec.insert("conversion".into(), json!({"strategy": "None"}));
        }
        let names = spec.entry("names").or_insert_with(|| json!({}));
        let kind = text(&names["kind"]).to_owned();
        if let Value::Object(names) = names
            && !kind.is_empty()
        {
            names.entry("singular").or_insert_with(|| kind.to_lowercase().into());
            names.entry("listKind").or_insert_with(|| format!("{kind}List").into());
        }
        for version in spec.get_mut("versions").and_then(Value::as_array_mut).into_iter().flatten() {
            for flag in ["served", "storage"] {
                if version.is_object() && version[flag].is_null() {
                    version[flag] = false.into();
                }
            }
        }
    }
    fn prepare_create(&self, object: &mut dyn Object, _: &mut Context<'_>) -> Result<(), ErrorList> {
        let object = dynamic_mut(object);
        let stored: Vec<Value> = list(&object.get("spec")["versions"])
            .iter()
            .filter(|v| v["storage"] == true)
            .map(|v| v["name"].clone())
            .collect();
        let status = json!({"acceptedNames": {"kind": "", "plural": ""}, "conditions": null, "storedVersions": stored});
        object.set("status", status);
        Ok(())
    }
    fn prepare_update(&self, new: &mut dyn Object, old: &dyn Object, _: &mut Context<'_>) -> Result<(), ErrorList> {
        let new = dynamic_mut(new);
        let mut status = dynamic(old).get("status").clone();
        let stored = list(&new.get("spec")["versions"]).iter().find(|v| v["storage"] == true);
        if let (Some(stored), Some(versions)) = (stored, status["storedVersions"].as_array_mut())
            && !versions.contains(&stored["name"])
        {
            versions.push(stored["name"].clone());
        }
        new.set("status", status);
        Ok(())
    }
    fn prepare_status(&self, new: &mut dyn Object, old: &dyn Object) {
        let (new, old) = (dynamic_mut(new), dynamic(old));
        new.set("spec", old.get("spec").clone());
        let managed = new.meta.managed_fields.take();
        new.meta = old.meta.clone();
        new.meta.managed_fields = managed;
    }
    fn validate(&self, object: &dyn Object) -> ErrorList {
        let mut errors = meta::validate(object.meta(), false, definition_name);
        let object = dynamic(object);
        let spec = object.get("spec");
        let name = object.meta.name.as_deref().unwrap_or_default();
        let expected = format!("{}.{}", text(&spec["names"]["plural"]), text(&spec["group"]));
        if name != expected {
            let why = "must be spec.names.plural+\".\"+spec.group";
            errors.push(Error::invalid(&Path::new("metadata.name"), name, why));
        }
        self::spec(spec, &mut errors);
        let approved = object.meta.annotations.as_ref().is_some_and(|a| a.contains_key(APPROVAL));
        let group = text(&spec["group"]);
        let protected = |domain: &str| group == domain || group.ends_with(&format!(".{domain}"));
        if (protected("k8s.io") || protected("kubernetes.io")) && !approved {
            let annotations = Path::new("metadata.annotations");
            let why = "protected groups must have approval annotation \"api-approved.kubernetes.io\", see \
                       https://github.com/kubernetes/enhancements/pull/1111";
            errors.push(Error::required(&annotations.key(APPROVAL), why));
        }
        errors
    }
    fn validate_update(&self, new: &dyn Object, old: &dyn Object) -> ErrorList {
        let mut errors = meta::validate_update(new.meta(), old.meta());
        errors.extend(self.validate(new).0.into_iter().filter(|e| !e.field.starts_with("metadata.annotations[api")));
        let (new, old) = (dynamic(new).get("spec"), dynamic(old).get("spec"));
        let spec = Path::new("spec");
        let names = spec.child("names");
        for (path, new, old) in [
            (spec.child("group"), &new["group"], &old["group"]),
            (spec.child("scope"), &new["scope"], &old["scope"]),
            (names.child("kind"), &new["names"]["kind"], &old["names"]["kind"]),
            (names.child("plural"), &new["names"]["plural"], &old["names"]["plural"]),
        ] {
            if new != old {
                errors.push(Error::invalid(&path, text(new), "field is immutable"));
            }
        }
        errors
    }
    fn validate_status(&self, _: &dyn Object, _: &dyn Object) -> ErrorList {
        ErrorList::default()
    }
    fn warnings(&self, object: &dyn Object) -> Vec<String> {
        const IGNORED: [(&str, &str); 3] = [
            ("pattern", "is not checked in this simulation"),
            ("x-kubernetes-validations", "are not evaluated in this simulation"),
            ("patternProperties", "are not checked in this simulation"),
        ];
        let spec = dynamic(object).get("spec");
        let mut out = Vec::new();
        for (i, version) in list(&spec["versions"]).iter().enumerate() {
            for (keyword, words) in IGNORED {
                if uses(&version["schema"]["openAPIV3Schema"], keyword) {
                    out.push(format!("spec.versions[{i}].schema.openAPIV3Schema: {keyword} {words}"));
                }
            }
        }
        if text(&spec["conversion"]["strategy"]) == "Webhook" {
            out.push(
                "spec.conversion: webhooks are not called in this simulation; versions differ in name only".into(),
            );
        }
        out
    }
    fn update_warnings(&self, new: &dyn Object, _: &dyn Object) -> Vec<String> {
        self.warnings(new)
    }
    fn deprecation(&self) -> Option<&'static str> {
        None
    }
    fn spec_changed(&self, new: &dyn Object, old: &dyn Object) -> bool {
        dynamic(new).get("spec") != dynamic(old).get("spec")
    }
    fn grace(&self, _: &dyn Object, _: Option<i64>) -> Option<i64> {
        Some(0)
    }
    fn released(&self, _: &dyn Object, _: &mut Allocators) {}
    fn replaced(&self, _: &dyn Object, _: &dyn Object, _: &mut Allocators) {}
    fn columns(&self) -> &[Column] {
        const { &[Column::name(), Column::created_at()] }
    }
    fn cells(&self, object: &dyn Object, _: Time) -> Vec<Value> {
        let meta = object.meta();
        let created = meta.creation_timestamp.as_ref().map(|t| Time::from(t.0).rfc3339());
        vec![meta.name.clone().into(), created.unwrap_or_default().into()]
    }
    fn field(&self, _: &dyn Object, _: &str) -> Option<String> {
        None
    }
    fn fields(&self) -> &[&'static str] {
        &[]
    }
}

const APPROVAL: &str = "api-approved.kubernetes.io";

/// The name follows from the spec, which is checked on its own.
fn definition_name(name: &str) -> Vec<String> {
    names::dns1123_subdomain(name)
}

fn spec(spec: &Value, errors: &mut ErrorList) {
    let path = Path::new("spec");
    let group = text(&spec["group"]);
    let at = path.child("group");
    if group.is_empty() {
        errors.push(Error::required(&at, ""));
    } else {
        let complaints = names::dns1123_subdomain(group);
        if !complaints.is_empty() {
            errors.push(Error::invalid(&at, group, complaints.join(",")));
        } else if !group.contains('.') {
            errors.push(Error::invalid(&at, group, "should be a domain with at least one dot"));
        }
    }
    let scope = text(&spec["scope"]);
    let at = path.child("scope");
    if scope.is_empty() {
        errors.push(Error::required(&at, ""));
    } else if !matches!(scope, "Cluster" | "Namespaced") {
        errors.push(Error::not_supported(&at, scope, &["Cluster", "Namespaced"]));
    }
    versions(&spec["versions"], &path.child("versions"), errors);
    let at = path.child("names");
    let given = &spec["names"];
    for field in ["plural", "singular", "kind", "listKind"] {
        if text(&given[field]).is_empty() {
            errors.push(Error::required(&at.child(field), ""));
        }
    }
    check_names(given, &at, errors);
    let conversion = path.child("conversion");
    let strategy = text(&spec["conversion"]["strategy"]);
    if !matches!(strategy, "None" | "Webhook") {
        errors.push(Error::not_supported(&conversion.child("strategy"), strategy, &["None", "Webhook"]));
    }
}

fn versions(versions: &Value, path: &Path, errors: &mut ErrorList) {
    let all = list(versions);
    for (i, version) in all.iter().enumerate() {
        let at = path.index(i);
        let name = text(&version["name"]);
        let complaints = names::dns1035_label(name);
        if !complaints.is_empty() {
            errors.push(Error::invalid(&at.child("name"), name, complaints.join(",")));
        }
        let schema = at.child("schema");
        let schema = schema.child("openAPIV3Schema");
        match &version["schema"]["openAPIV3Schema"] {
            Value::Object(props) => {
                if props.get("type").is_none_or(|t| t != "object") {
                    let kind = text(props.get("type").unwrap_or(&Value::Null));
                    let at = schema.child("type");
                    if kind.is_empty() {
                        errors.push(Error::required(&at, "must not be empty at the root"));
                    } else {
                        errors.push(Error::invalid(&at, kind, "must be object at the root"));
                    }
                }
                structural(props, &schema, errors);
            }
            _ => errors.push(Error::required(&schema, "")),
        }
        let columns = at.child("additionalPrinterColumns");
        for (i, column) in list(&version["additionalPrinterColumns"]).iter().enumerate() {
            self::column(column, &columns.index(i), errors);
        }
    }
    let distinct = all.iter().enumerate().all(|(i, v)| all[..i].iter().all(|o| o["name"] != v["name"]));
    if !distinct {
        errors.push(Error::invalid_raw(path, versions, "must contain unique version names"));
    }
    if all.iter().filter(|v| v["storage"] == true).count() != 1 {
        errors.push(Error::invalid_raw(path, versions, "must have exactly one version marked as storage version"));
    }
}

/// A structural schema says the type of every field.
fn structural(props: &Map<String, Value>, path: &Path, errors: &mut ErrorList) {
    let free = |schema: &Value| {
        schema["x-kubernetes-int-or-string"] == true || schema["x-kubernetes-preserve-unknown-fields"] == true
    };
    let mut each = |schema: &Value, at: &Path| {
        let Value::Object(inner) = schema else { return };
        if text(&schema["type"]).is_empty() && !free(schema) {
            errors.push(Error::required(&at.child("type"), "must not be empty for specified object fields"));
        }
        structural(inner, at, errors);
    };
    let properties = path.child("properties");
    for (name, schema) in props.get("properties").and_then(Value::as_object).into_iter().flatten() {
        each(schema, &properties.key(name));
    }
    for field in ["items", "additionalProperties"] {
        if let Some(schema) = props.get(field) {
            each(schema, &path.child(field));
        }
    }
}

fn column(column: &Value, path: &Path, errors: &mut ErrorList) {
    const TYPES: [&str; 5] = ["boolean", "date", "integer", "number", "string"];
    if text(&column["name"]).is_empty() {
        errors.push(Error::required(&path.child("name"), ""));
    }
    let kind = text(&column["type"]);
    if kind.is_empty() {
        errors.push(Error::required(&path.child("type"), &*format!("must be one of {}", TYPES.join(","))));
    } else if !TYPES.contains(&kind) {
        errors.push(Error::invalid(&path.child("type"), kind, format!("must be one of {}", TYPES.join(","))));
    }
    let at = path.child("jsonPath");
    let json_path = text(&column["jsonPath"]);
    if json_path.is_empty() {
        errors.push(Error::required(&at, ""));
    } else if !json_path.starts_with('.') {
        errors.push(Error::invalid(&at, json_path, "must be a simple json path starting with ."));
    }
}

fn check_names(given: &Value, path: &Path, errors: &mut ErrorList) {
    for field in ["plural", "singular", "kind", "listKind"] {
        let name = text(&given[field]);
        let mixed = field.ends_with("ind");
        let complaints = if mixed { names::dns1035_label(&name.to_lowercase()) } else { names::dns1035_label(name) };
        if !name.is_empty() && !complaints.is_empty() {
            let words = if mixed { "may have mixed case, but should otherwise match: " } else { "" };
            errors.push(Error::invalid(&path.child(field), name, format!("{words}{}", complaints.join(","))));
        }
    }
    for field in ["shortNames", "categories"] {
        let at = path.child(field);
        for (i, name) in list(&given[field]).iter().map(text).enumerate() {
            let complaints = names::dns1035_label(name);
            if !complaints.is_empty() {
                errors.push(Error::invalid(&at.index(i), name, complaints.join(",")));
            }
        }
    }
    let (kind, list_kind) = (text(&given["kind"]), text(&given["listKind"]));
    if !kind.is_empty() && kind == list_kind {
        errors.push(Error::invalid(&path.child("listKind"), list_kind, "kind and listKind may not be the same"));
    }
}
