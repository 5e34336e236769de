//! Patches: JSON patch, JSON merge patch, strategic merge patch, server-side apply.
//!
//! Models: apiserver `pkg/endpoints/handlers/patch.go`. A request is served in one go, so a patch can only conflict with
//! the resourceVersion that it names itself.

use super::body::{self, report};
use super::negotiate::Encoding;
use super::options::{FieldValidation, WriteOptions};
use super::subresource::Part;
use super::{Answer, Call, Scope, apply, write};
use crate::ApiServer;
use crate::decode;
use crate::object::Object;
use crate::server::Door;
use apimachinery::field::{Error, ErrorList, Path};
use apimachinery::http::Body;
use apimachinery::status::Status;
use apimachinery::{json, patch};
use serde_json::Value;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PatchType {
    Json,
    Merge,
    Strategic,
    Apply,
}

/// The kind of patch, by its Content-Type.
pub(super) fn patch_type(call: &Call, strategic: bool) -> Result<PatchType, Status> {
    let header = call.request.header_value("content-type").unwrap_or_default();
    match header.split(';').next().unwrap_or_default().trim() {
        "application/json-patch+json" => Ok(PatchType::Json),
        "application/merge-patch+json" => Ok(PatchType::Merge),
        "application/strategic-merge-patch+json" if strategic => Ok(PatchType::Strategic),
        "application/apply-patch+yaml" => Ok(PatchType::Apply),
        _ => {
            let mut status = Status::unsupported_media_type("415: Unsupported Media Type");
            status.details = Some(Box::default());
            Err(status)
        }
    }
}

pub(super) fn patch(server: &mut ApiServer, call: &mut Call, scope: &Scope) -> Result<Answer, Status> {
    patch_through(server, call, scope, Door::Main, |_, new| Ok(new))
}

pub(super) fn patch_through(
    server: &mut ApiServer,
    call: &mut Call,
    scope: &Scope,
    door: Door,
    part: Part,
) -> Result<Answer, Status> {
    let info = scope.kind.info();
    let strategic = patch::meta::for_kind(info.group, info.kind).is_some();
    let patch_type = patch_type(call, strategic)?;
    let options = WriteOptions::read(call, "PatchOptions", patch_type == PatchType::Apply)?;
    if patch_type == PatchType::Apply {
        return apply::apply(server, call, scope, &options, door, part);
    }
    let current =
        server.storage.get(scope.id, &scope.namespace, &scope.name).cloned().ok_or_else(|| scope.not_found())?;
    let object = patched(call, scope, patch_type, &options, &scope.spoken(&current).to_value())?;
    let object = part(&*current, object)?;
    let object = write::update_decoded(server, call, scope, &options, object, door)?;
    Ok(Answer::Object(200, object))
}

/// The object that `current` becomes, decoded, checked against the path.
fn patched(
    call: &mut Call,
    scope: &Scope,
    patch_type: PatchType,
    options: &WriteOptions,
    current: &Value,
) -> Result<Box<dyn Object>, Status> {
    let (mut value, patch) = apply_to(call, scope, patch_type, current)?;
    let shown = |value: &Value| match patch_type {
        PatchType::Strategic => json::go_display(&patch),
        _ => value.to_string(),
    };
    let invalid = |shown: &str, why: &str| {
        let mut errors = ErrorList::default();
        errors.push(Error::invalid(&Path::new("patch"), shown, why));
        Status::invalid("", "", "", &errors)
    };
    let info = scope.kind.info();
    if value["kind"] != info.kind || value["apiVersion"] != info.api_version() {
        if patch_type == PatchType::Strategic {
            // A patched type is lost where upstream goes on with the typed object.
            value["kind"] = info.kind.into();
            value["apiVersion"] = info.api_version().into();
        } else {
            let (kind, version) = (value["kind"].as_str(), value["apiVersion"].as_str());
            let why = match (kind, version) {
                (None | Some(""), _) => "Object 'Kind' is missing in".to_owned() + " '" + &value.to_string() + "'",
                (_, None | Some("")) => {
                    "Object 'apiVersion' is missing in".to_owned() + " '" + &value.to_string() + "'"
                }
                (Some(kind), Some(version)) => format!(
                    "no kind {} is registered for version {} in scheme \"pkg/api/legacyscheme/scheme.go:30\"",
                    apimachinery::field::quote(kind),
                    apimachinery::field::quote(version)
                ),
            };
            return Err(invalid(&value.to_string(), &why));
        }
    }
    let (mut object, unknown) = scope.kind.decode(&value).map_err(|e| invalid(&shown(&value), &e.0))?;
    if options.validation == FieldValidation::Strict && !unknown.is_empty() {
        let why = format!("strict decoding error: {}", unknown.join(", "));
        return Err(invalid(&shown(&value), &why));
    }
    report(call, options.validation, unknown, |_| scope.not_found())?;
    write::match_namespace(scope, &mut *object)?;
    write::match_name(scope, &*object)?;
    Ok(object)
}

/// Applies the body of a request to a document: the result and the patch.
pub(super) fn apply_to(
    call: &mut Call,
    scope: &Scope,
    patch_type: PatchType,
    current: &Value,
) -> Result<(Value, Value), Status> {
    let decoding = |why: &str| match patch_type {
        PatchType::Strategic => Status::bad_request(why),
        _ => Status::bad_request(format!("error decoding patch: {why}")),
    };
    let patch = match &call.body {
        // The router has seen to empty bodies; what is left reads as the end of the text.
        Body::Empty => return Err(decoding("unexpected end of JSON input")),
        Body::Bytes(bytes) if bytes.len() <= 3 * 1024 * 1024 => {
            json::parse(bytes).map_err(|e| decoding(&e.to_string()))?
        }
        _ => match body::read(call, Encoding::Json, scope.kind.info().kind)? {
            Some(read) => read.value,
            None => return Err(decoding("unexpected end of JSON input")),
        },
    };
    let mismatch = |go_type: &str| {
        decoding(&format!("json: cannot unmarshal {} into Go value of type {go_type}", decode::go_word(&patch)))
    };
    let value = match patch_type {
        PatchType::Json => {
            let Value::Array(operations) = &patch else { return Err(mismatch("[]handlers.jsonPatchOp")) };
            if operations.len() > patch::json::OPERATIONS_MAX {
                return Err(Status::too_large(format!(
                    "The allowed maximum operations in a JSON patch is {}, got {}",
                    patch::json::OPERATIONS_MAX,
                    operations.len()
                )));
            }
            patch::json::apply(current, &patch).map_err(|_| unprocessable())?
        }
        PatchType::Merge => {
            if !patch.is_object() {
                return Err(mismatch("map[string]interface {}"));
            }
            patch::merge::apply(current, &patch)
        }
        PatchType::Strategic => {
            if !patch.is_object() {
                return Err(mismatch("map[string]interface {}"));
            }
            let info = scope.kind.info();
            let meta = patch::meta::for_kind(info.group, info.kind).ok_or_else(unprocessable)?;
            patch::strategic::apply(current, &patch, meta).map_err(|e| Status::bad_request(e.0))?
        }
        PatchType::Apply => {
            return Err(Status::unsupported_media_type("server-side apply of this subresource is not simulated"));
        }
    };
    Ok((value, patch))
}

/// Upstream hides why a patch does not apply.
fn unprocessable() -> Status {
    let mut status = Status::new(422, "Invalid", "the server rejected our request due to an error in our request");
    status.details = Some(Box::default());
    status
}
