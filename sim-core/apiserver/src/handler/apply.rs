//! Server-side apply: a configuration laid over the object, for one manager of fields among others.
//!
//! Models: apiserver `pkg/endpoints/handlers/patch.go` (`applyPatcher`).

use super::options::{FieldValidation, WriteOptions};
use super::subresource::Part;
use super::{Answer, Call, Scope, body, write};
use crate::ApiServer;
use crate::decode::go_word;
use crate::managedfields::{self, Who};
use crate::server::Door;
use apimachinery::http::Body;
use apimachinery::status::Status;
use apimachinery::yaml;
use serde_json::{Value, json};

pub(super) fn apply(
    server: &mut ApiServer,
    call: &mut Call,
    scope: &Scope,
    options: &WriteOptions,
    door: Door,
    part: Part,
) -> Result<Answer, Status> {
    let mut config = configuration(call, scope, options)?;
    let live = server.storage.get(scope.id, &scope.namespace, &scope.name).cloned();
    if live.is_none() && door != Door::Main {
        return Err(scope.not_found());
    }
    // The version is a condition on the object, not a wish for its content.
    let metadata = &mut config["metadata"];
    if !metadata.is_object() {
        *metadata = json!({});
    }
    let mut condition = |key: &str| metadata.as_object_mut().and_then(|m| m.remove(key));
    let (version, uid) = (condition("resourceVersion"), condition("uid"));
    check_declared(scope, &config)?;
    let manager = call.manager(&options.field_manager);
    let api_version = scope.kind.info().api_version();
    let who = Who { manager: &manager, api_version: &api_version, subresource: &scope.subresource, now: server.now };
    let had = live.as_ref().and_then(|l| l.meta().managed_fields.clone()).unwrap_or_default();
    let live_value = live.as_ref().map(|l| scope.spoken(l).to_value());
    let force = options.force.unwrap_or(false);
    let applied = managedfields::apply(live_value.as_ref(), &config, &had, &who, force)?;
    let (mut object, _) = scope.kind.decode(&applied.object).map_err(|e| not_typed(scope, &e.0))?;
    if let Some(uid) = uid.as_ref().and_then(Value::as_str)
        && live.is_none()
    {
        let why = format!("uid mismatch: the provided object specified uid {uid}, and no existing object was found");
        return Err(Status::conflict(scope.group(), scope.resource(), &scope.name, &why));
    }
    write::match_namespace(scope, &mut *object)?;
    write::match_name(scope, &*object)?;
    let writer = call.writer(&options.field_manager);
    let meta = object.meta_mut();
    meta.managed_fields = Some(applied.managed_fields());
    let Some(live) = live else {
        super::auth::authorize_create(server, call, scope)?;
        meta.resource_version = None;
        scope.kind.default(&mut *object);
        let created = server.create_object(scope.id, object, &writer, options.dry_run)?;
        call.warnings.extend(scope.kind.warnings(&*created));
        return Ok(Answer::Object(201, created));
    };
    let text = |v: Option<Value>| v.and_then(|v| v.as_str().map(str::to_owned)).filter(|t| !t.is_empty());
    meta.resource_version = text(version).or_else(|| live.meta().resource_version.clone());
    meta.uid = text(uid).or_else(|| live.meta().uid.clone());
    let managed = meta.managed_fields.clone();
    let mut object = part(&*live, object)?;
    object.meta_mut().managed_fields = managed;
    scope.kind.default(&mut *object);
    let updated = server.update_object(scope.id, object, door, &writer, options.dry_run)?;
    if door == Door::Main {
        call.warnings.extend(scope.kind.warnings(&*updated));
    }
    Ok(Answer::Object(200, updated))
}

/// Reads the configuration and checks that it is of the right kind.
fn configuration(call: &mut Call, scope: &Scope, options: &WriteOptions) -> Result<Value, Status> {
    let decoding = |why: &str| Status::bad_request(format!("error decoding YAML: {why}"));
    if let Body::Bytes(bytes) = &call.body
        && options.validation == FieldValidation::Strict
        && let Err(e) = yaml::parse_strict(&String::from_utf8_lossy(bytes))
    {
        return Err(Status::bad_request(format!("error strict decoding YAML: {e}")));
    }
    if let Body::Bytes(bytes) = &call.body
        && let Err(e) = yaml::parse(&String::from_utf8_lossy(bytes))
    {
        return Err(decoding(&e.to_string()));
    }
    let info = scope.kind.info();
    let value = body::read(call, super::negotiate::Encoding::Yaml, info.kind)?.map(|r| r.value).unwrap_or_default();
    if !value.is_object() {
        let why = format!(
            "error unmarshaling JSON: while decoding JSON: json: cannot unmarshal {} into Go value of type \
             map[string]interface {{}}",
            go_word(&value)
        );
        return Err(decoding(&why));
    }
    let (kind, version) =
        (value["kind"].as_str().unwrap_or_default(), value["apiVersion"].as_str().unwrap_or_default());
    let expected = info.api_version();
    if version != expected {
        return Err(Status::bad_request(format!(
            "Incorrect version specified in apply patch. Specified patch version: {version}, expected: {expected}"
        )));
    }
    if kind != info.kind {
        return Err(Status::new(500, "", format!("no corresponding type for {expected}, Kind={kind}")));
    }
    if !value["metadata"]["managedFields"].is_null() {
        return Err(Status::bad_request("metadata.managedFields must be nil"));
    }
    Ok(value)
}

/// Fields that the kind does not declare are an error here, whatever the validation.
fn check_declared(scope: &Scope, config: &Value) -> Result<(), Status> {
    let (_, unknown) = scope.kind.decode(config).map_err(|e| not_typed(scope, &e.0))?;
    let errors: Vec<String> = unknown
        .iter()
        .filter_map(|u| u.strip_prefix("unknown field \"")?.strip_suffix('"'))
        .map(|path| format!(".{path}: field not declared in schema"))
        .collect();
    match errors.as_slice() {
        [] => Ok(()),
        [one] => Err(not_typed(scope, one)),
        many => Err(not_typed(scope, &format!("errors:\n  {}", many.join("\n  ")))),
    }
}

fn not_typed(scope: &Scope, why: &str) -> Status {
    let info = scope.kind.info();
    let version = if info.group.is_empty() { format!("/{}", info.version) } else { info.api_version() };
    let name = format!("{}/{}", scope.namespace, scope.name);
    Status::new(500, "", format!("failed to create typed patch object ({name}; {version}, Kind={}): {why}", info.kind))
}
