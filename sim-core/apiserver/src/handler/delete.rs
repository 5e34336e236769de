//! Delete, and delete of a collection.
//!
//! Models: apiserver `pkg/endpoints/handlers/delete.go`.

use super::options::{self, ListOptions};
use super::{Answer, Call, Scope, body, negotiate, read};
use crate::ApiServer;
use crate::object::ObjectRef;
use crate::server::{DeleteOptions, Propagation};
use apimachinery::field::{Error, ErrorList, Path, quote};
use apimachinery::status::Status;
use serde_json::{Map, Value, json};

pub(super) fn delete(server: &mut ApiServer, call: &mut Call, scope: &Scope) -> Result<Answer, Status> {
    let (options, accepted_202) = delete_options(call)?;
    check_immortal(server, scope)?;
    let writer = call.writer("");
    let (object, gone) = server.delete_object(scope.id, &scope.namespace, &scope.name, &options, &writer)?;
    if gone && !returns_object(scope.kind.info().kind) {
        return Ok(Answer::Value(200, success(scope, &object)));
    }
    Ok(Answer::Object(if !gone && accepted_202 { 202 } else { 200 }, object))
}

pub(super) fn collection(server: &mut ApiServer, call: &mut Call, scope: &Scope) -> Result<Answer, Status> {
    let info = scope.kind.info();
    let unnamed = info.namespaced && scope.namespace.is_empty();
    if unnamed || (!info.verbs.is_empty() && !info.verbs.contains(&"deletecollection")) {
        return Err(super::method_not_allowed());
    }
    let list_options = ListOptions::read(call, scope, false)?;
    let (options, _) = delete_options(call)?;
    let list = read::select(server, scope, &list_options)?;
    let writer = call.writer("");
    for object in &list.items {
        let meta = object.meta();
        let (namespace, name) =
            (meta.namespace.as_deref().unwrap_or_default(), meta.name.as_deref().unwrap_or_default());
        match server.delete_object(scope.id, namespace, name, &options, &writer) {
            Err(status) if !status.is_not_found() => return Err(status),
            _ => {}
        }
    }
    Ok(Answer::List(list))
}

/// The namespaces without which there is no cluster.
fn check_immortal(server: &ApiServer, scope: &Scope) -> Result<(), Status> {
    let immortal = scope.kind.info().kind == "Namespace"
        && matches!(scope.name.as_str(), "default" | "kube-system" | "kube-public")
        && server.storage.get(scope.id, "", &scope.name).is_some();
    if immortal {
        return Err(Status::forbidden("", "namespaces", &scope.name, "this namespace may not be deleted"));
    }
    Ok(())
}

/// Kinds whose storage gives back what it deleted, instead of a Status.
fn returns_object(kind: &str) -> bool {
    matches!(
        kind,
        "Pod"
            | "Service"
            | "ServiceAccount"
            | "Namespace"
            | "PersistentVolume"
            | "PersistentVolumeClaim"
            | "PodTemplate"
            | "ResourceQuota"
            | "StorageClass"
            | "CSIDriver"
            | "CSINode"
            | "VolumeAttachment"
            | "VolumeAttributesClass"
            | "ResourceClaim"
            | "ResourceClaimTemplate"
            | "ResourceSlice"
            | "DeviceClass"
    )
}

fn success(scope: &Scope, object: &ObjectRef) -> Value {
    let mut details = Map::new();
    details.insert("name".into(), scope.name.as_str().into());
    if !scope.group().is_empty() {
        details.insert("group".into(), scope.group().into());
    }
    details.insert("kind".into(), scope.resource().into());
    if let Some(uid) = &object.meta().uid {
        details.insert("uid".into(), uid.as_str().into());
    }
    json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details})
}

/// From the body if there is one, else from the query. The second part: upstream answers 202 instead of 200.
fn delete_options(call: &mut Call) -> Result<(DeleteOptions, bool), Status> {
    let encoding = if matches!(call.body, apimachinery::http::Body::Empty) {
        negotiate::Encoding::Json
    } else {
        negotiate::content(call)?
    };
    let value = match body::read(call, encoding, "DeleteOptions")? {
        Some(read) => read.value,
        None => from_query(call)?,
    };
    if !value.is_object() {
        return Err(Status::bad_request("decoded object cannot be converted to DeleteOptions"));
    }
    check_kind(&value)?;
    parse(&value)
}

fn check_kind(value: &Value) -> Result<(), Status> {
    match value["kind"].as_str() {
        None | Some("" | "DeleteOptions") => Ok(()),
        Some(kind) => {
            let version = value["apiVersion"].as_str().unwrap_or("v1");
            Err(Status::bad_request(format!(
                "no kind {} is registered for version {} in scheme \"k8s.io/apimachinery/pkg/apis/meta/internalversion/\
                 scheme/register.go:31\"",
                quote(kind),
                quote(version)
            )))
        }
    }
}

fn from_query(call: &Call) -> Result<Value, Status> {
    let mut map = Map::new();
    if let Some(seconds) = options::number(call, "gracePeriodSeconds")? {
        map.insert("gracePeriodSeconds".into(), seconds.into());
    }
    if let Some(policy) = call.request.param("propagationPolicy") {
        map.insert("propagationPolicy".into(), policy.into());
    }
    if call.request.param("orphanDependents").is_some() {
        map.insert("orphanDependents".into(), options::flag(call, "orphanDependents").into());
    }
    let dry: Vec<&str> = call.request.query.iter().filter(|(n, _)| n == "dryRun").map(|(_, v)| v.as_str()).collect();
    map.insert("dryRun".into(), dry.into());
    Ok(Value::Object(map))
}

fn parse(value: &Value) -> Result<(DeleteOptions, bool), Status> {
    let mut errors = ErrorList::default();
    let orphan = value["orphanDependents"].as_bool();
    let policy = value["propagationPolicy"].as_str();
    let path = Path::new("propagationPolicy");
    if let (Some(_), Some(policy)) = (orphan, policy) {
        errors.push(Error::invalid(&path, policy, "orphanDependents and deletionPropagation cannot be both set"));
    }
    let propagation = match policy {
        None => orphan.map(|o| if o { Propagation::Orphan } else { Propagation::Background }),
        Some("Foreground") => Some(Propagation::Foreground),
        Some("Background") => Some(Propagation::Background),
        Some("Orphan") => Some(Propagation::Orphan),
        Some(other) => {
            errors.push(Error::not_supported(&path, other, &["Foreground", "Background", "Orphan", "nil"]));
            None
        }
    };
    let dry: Vec<&str> = value["dryRun"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    options::check_dry_run(&dry, &mut errors);
    if !errors.is_empty() {
        return Err(Status::invalid("meta.k8s.io", "DeleteOptions", "", &errors));
    }
    let grace = &value["gracePeriodSeconds"];
    if !grace.is_null() && grace.as_i64().is_none() {
        return Err(Status::bad_request(format!(
            "json: cannot unmarshal {} into Go struct field DeleteOptions.gracePeriodSeconds of type int64",
            crate::decode::go_word(grace)
        )));
    }
    let preconditions = &value["preconditions"];
    let text = |key: &str| preconditions[key].as_str().map(str::to_owned);
    let out = DeleteOptions {
        grace_period_seconds: grace.as_i64(),
        propagation,
        uid: text("uid"),
        resource_version: text("resourceVersion"),
        dry_run: !dry.is_empty(),
    };
    Ok((out, orphan == Some(false)))
}
