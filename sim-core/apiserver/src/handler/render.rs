//! Answers put into the shape that the client wants: the object itself, a Table, metadata only; JSON or YAML.
//!
//! Models: apiserver `pkg/endpoints/handlers/response.go` and `responsewriters`.

use super::goshape::view;
use super::negotiate::{Accepted, Encoding, Shape, error_encoding};
use super::read::List;
use super::{Answer, Call, Scope};
use crate::ApiServer;
use crate::object::{Object, ObjectRef};
use crate::registry::{Column, Kind};
use crate::watch::IncludeObject;
use apimachinery::http::{Reply, Response};
use apimachinery::order::Gather as _;
use apimachinery::status::Status;
use apimachinery::time::Time;
use apimachinery::yaml;
use serde_json::{Map, Value, json};

/// Renders an answer; what a node must answer passes through.
pub(super) fn answer(
    server: &ApiServer,
    call: &Call,
    scope: Option<&Scope>,
    accepted: &Accepted,
    answer: Answer,
) -> Result<Answer, Status> {
    let response = match (answer, scope) {
        (Answer::Object(code, object), Some(scope)) => {
            encode(accepted.encoding, code, shape_object(server, call, scope, accepted, &object)?)
        }
        (Answer::List(list), Some(scope)) => {
            encode(accepted.encoding, 200, shape_list(server, call, scope, accepted, &list)?)
        }
        (Answer::Value(code, value), _) => encode(accepted.encoding, code, value),
        (Answer::Watch(id), _) => Response {
            code: 200,
            headers: vec![("content-type".into(), "application/json".into())],
            body: Reply::Stream(id),
        },
        (other, _) => return Ok(other),
    };
    Ok(Answer::Done(response))
}

pub(super) fn encode(encoding: Encoding, code: u16, value: Value) -> Response {
    let (media, body) = match encoding {
        Encoding::Json => ("application/json", Reply::Json(value)),
        Encoding::Yaml => ("application/yaml", Reply::Bytes(yaml::to_string(&value).into_bytes())),
    };
    Response { code, headers: vec![("content-type".into(), media.into())], body }
}

pub(super) fn failure(call: &Call, status: &Status) -> Response {
    let mut response = encode(error_encoding(call), status.code, status.to_value());
    if let Some(seconds) = status.details.as_ref().map(|d| d.retry_after_seconds).filter(|s| *s > 0) {
        response.headers.push(("retry-after".into(), seconds.to_string()));
    }
    response
}

fn shape_object(
    server: &ApiServer,
    call: &Call,
    scope: &Scope,
    accepted: &Accepted,
    object: &ObjectRef,
) -> Result<Value, Status> {
    match accepted.shape {
        Shape::Object => Ok(view(&*scope.spoken(object))),
        Shape::Table => {
            let metadata = json!({"resourceVersion": object.meta().resource_version});
            let include = include_object(call)?;
            Ok(table(&*scope.kind, core::iter::once(object), metadata, include, true, server.now))
        }
        Shape::Partial => Ok(partial(&**object, accepted.beta)),
        Shape::PartialList => Err(not_acceptable(format!(
            "you requested PartialObjectMetadataList, but the requested object is not a list (*{}.{})",
            scope.kind.info().version,
            scope.kind.info().kind
        ))),
    }
}

fn shape_list(
    server: &ApiServer,
    call: &Call,
    scope: &Scope,
    accepted: &Accepted,
    list: &List,
) -> Result<Value, Status> {
    let info = scope.kind.info();
    let metadata = list.metadata();
    match accepted.shape {
        Shape::Object => {
            let custom = scope.kind.custom();
            let items: Vec<Value> = match custom {
                Some(kind) => list.items.iter().map(|o| kind.spoken(o).to_value()).collect(),
                None => list.items.iter().map(|o| to_list_item(&**o)).collect(),
            };
            let kind = custom.map_or_else(|| format!("{}List", info.kind), |kind| kind.list_kind().to_owned());
            Ok(wrap(&[("kind", kind.into()), ("apiVersion", info.api_version().into())], metadata, items))
        }
        Shape::Table => {
            let include = include_object(call)?;
            Ok(table(&*scope.kind, list.items.iter(), metadata, include, true, server.now))
        }
        Shape::Partial => Err(not_acceptable(format!(
            "you requested PartialObjectMetadata, but the requested object is a list (*{}.{}List)",
            info.version, info.kind
        ))),
        Shape::PartialList => {
            let version = if accepted.beta { "meta.k8s.io/v1beta1" } else { "meta.k8s.io/v1" };
            let items = list.items.iter().map(|o| partial(&**o, accepted.beta)).collect();
            let head = [("kind", "PartialObjectMetadataList".into()), ("apiVersion", version.into())];
            Ok(wrap(&head, metadata, items))
        }
    }
}

fn wrap(head: &[(&str, Value)], metadata: Value, items: Vec<Value>) -> Value {
    let mut map: Map<String, Value> = head.iter().map(|(k, v)| ((*k).to_owned(), v.clone())).gather();
    map.insert("metadata".into(), metadata);
    map.insert("items".into(), Value::Array(items));
    Value::Object(map)
}

fn not_acceptable(message: String) -> Status {
    Status::new(406, "NotAcceptable", message)
}

/// The object as an element of a list: without kind and version, as Go's typed lists have it.
fn to_list_item(object: &dyn Object) -> Value {
    let mut value = view(object);
    if let Some(map) = value.as_object_mut() {
        map.remove("kind");
        map.remove("apiVersion");
    }
    value
}

fn partial(object: &dyn Object, beta: bool) -> Value {
    let version = if beta { "meta.k8s.io/v1beta1" } else { "meta.k8s.io/v1" };
    let metadata = serde_json::to_value(object.meta()).unwrap_or_default();
    json!({"kind": "PartialObjectMetadata", "apiVersion": version, "metadata": metadata})
}

pub(super) fn include_object(call: &Call) -> Result<IncludeObject, Status> {
    match call.request.param("includeObject").unwrap_or_default() {
        "" | "Metadata" => Ok(IncludeObject::Metadata),
        "None" => Ok(IncludeObject::None),
        "Object" => Ok(IncludeObject::Object),
        other => Err(Status::bad_request(format!(
            "Unable to convert to Table as requested: includeObject: Invalid value: {}: must be 'Metadata', 'Object', \
             'None', or empty",
            apimachinery::field::quote(other)
        ))),
    }
}

/// A `meta.k8s.io/v1` Table of some objects.
pub(crate) fn table<'o>(
    kind: &dyn Kind,
    objects: impl Iterator<Item = &'o ObjectRef>,
    metadata: Value,
    include: IncludeObject,
    headers: bool,
    now: Time,
) -> Value {
    let rows: Vec<Value> = objects
        .map(|object| {
            let carried = match include {
                IncludeObject::None => Value::Null,
                IncludeObject::Metadata => partial(&**object, false),
                IncludeObject::Object => view(&**object),
            };
            json!({"cells": kind.cells(&**object, now), "object": carried})
        })
        .collect();
    let columns = if headers { kind.columns().iter().map(column).collect() } else { Value::Null };
    json!({"kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": metadata,
        "columnDefinitions": columns, "rows": rows})
}

fn column(c: &Column) -> Value {
    json!({"name": c.name, "type": c.kind, "format": c.format, "description": c.description, "priority": c.priority})
}
