//! Subresources: status, scale, binding, eviction, ephemeral containers, resize, finalize, token; those that a node
//! answers are in [`super::node`].
//!
//! Models: `pkg/registry/{core,apps}/*/storage`.

use super::options::WriteOptions;
use super::patch::{PatchType, apply_to, patch_through, patch_type};
use super::{Answer, Call, Scope, body, eviction, negotiate, node, review, write};
use crate::ApiServer;
use crate::object::{Object, ObjectRef};
use crate::registry::custom::{at_path, set_path};
use crate::server::Door;
use apimachinery::field::{Error, ErrorList, Path};
use apimachinery::http::Method;
use apimachinery::labels::Selector;
use apimachinery::status::Status;
use k8s_openapi::api::core::v1::{Namespace, Pod, PodCondition, ServiceAccount};
use k8s_openapi::apimachinery::pkg::apis::meta::v1 as meta;
use serde_json::{Value, json};

pub(super) fn serve(server: &mut ApiServer, call: &mut Call, scope: &Scope) -> Result<Answer, Status> {
    match scope.subresource.as_str() {
        "status" => whole(server, call, scope, Door::Status, |_, new| Ok(new)),
        "ephemeralcontainers" => whole(server, call, scope, Door::Part, ephemeral_containers),
        "resize" => whole(server, call, scope, Door::Part, resize),
        "finalize" => whole(server, call, scope, Door::Part, finalize),
        "scale" => scale(server, call, scope),
        "log" | "exec" | "attach" | "portforward" | "proxy" => node::serve(server, call, scope),
        "binding" | "eviction" | "token" => {
            if call.method != Method::Post {
                return Err(super::method_not_allowed());
            }
            let encoding = negotiate::content(call)?;
            let value = body::read(call, encoding, &scope.subresource)?.map(|r| r.value).unwrap_or_default();
            let answer = match scope.subresource.as_str() {
                "binding" => bind(server, call, &scope.namespace, &scope.name, &value),
                "eviction" => eviction::evict(server, call, scope, &value).map(|()| success(201)),
                _ => token(server, call, scope, value),
            }?;
            Ok(Answer::Value(201, answer))
        }
        _ => Err(Status::page_not_found()),
    }
}

/// What a subresource lets through of a new object, given the old.
pub(super) type Part = fn(&dyn Object, Box<dyn Object>) -> Result<Box<dyn Object>, Status>;

/// A subresource whose body is the whole object.
fn whole(server: &mut ApiServer, call: &mut Call, scope: &Scope, door: Door, part: Part) -> Result<Answer, Status> {
    match call.method {
        Method::Get | Method::Head if scope.subresource != "finalize" => super::read::get(server, call, scope),
        Method::Put => {
            let options = WriteOptions::read(call, "UpdateOptions", false)?;
            let mut object = body::object(server, call, scope, options.validation)?;
            write::match_namespace(scope, &mut *object)?;
            write::match_name(scope, &*object)?;
            let old = existing(server, scope)?;
            let object = part(&*old, object)?;
            write::update_decoded(server, call, scope, &options, object, door).map(|o| Answer::Object(200, o))
        }
        Method::Patch if scope.subresource != "finalize" => patch_through(server, call, scope, door, part),
        _ => Err(super::method_not_allowed()),
    }
}

fn existing(server: &ApiServer, scope: &Scope) -> Result<ObjectRef, Status> {
    server.storage.get(scope.id, &scope.namespace, &scope.name).cloned().ok_or_else(|| scope.not_found())
}

/// Both objects as a type, for a part that only this type has.
fn typed<T: Object + Clone>(old: &dyn Object, new: &dyn Object) -> Option<(T, T)> {
    Some((old.as_any().downcast_ref::<T>()?.clone(), new.as_any().downcast_ref::<T>()?.clone()))
}

/// Carries the parts of the metadata that every update looks at.
fn keep_version(out: &mut meta::ObjectMeta, new: &dyn Object) {
    out.resource_version.clone_from(&new.meta().resource_version);
    out.uid.clone_from(&new.meta().uid);
}

fn ephemeral_containers(old: &dyn Object, new: Box<dyn Object>) -> Result<Box<dyn Object>, Status> {
    let Some((mut out, wanted)) = typed::<Pod>(old, &*new) else { return Ok(new) };
    keep_version(&mut out.metadata, &*new);
    let list = wanted.spec.and_then(|s| s.ephemeral_containers);
    let had = out.spec.as_ref().and_then(|s| s.ephemeral_containers.clone()).unwrap_or_default();
    let kept = had.iter().all(|c| list.iter().flatten().any(|n| n == c));
    if !kept {
        let mut errors = ErrorList::default();
        let spec_path = Path::new("spec");
        let path = spec_path.child("ephemeralContainers");
        errors.push(Error::forbidden(&path, "existing ephemeral containers may not be removed or changed"));
        let name = out.metadata.name.unwrap_or_default();
        return Err(Status::invalid("", "Pod", &name, &errors));
    }
    out.spec.get_or_insert_with(Default::default).ephemeral_containers = list;
    Ok(Box::new(out))
}

fn resize(old: &dyn Object, new: Box<dyn Object>) -> Result<Box<dyn Object>, Status> {
    let Some((mut out, wanted)) = typed::<Pod>(old, &*new) else { return Ok(new) };
    keep_version(&mut out.metadata, &*new);
    let wanted = wanted.spec.unwrap_or_default();
    if let Some(spec) = &mut out.spec {
        for container in &mut spec.containers {
            if let Some(n) = wanted.containers.iter().find(|n| n.name == container.name) {
                container.resources.clone_from(&n.resources);
                container.resize_policy.clone_from(&n.resize_policy);
            }
        }
    }
    Ok(Box::new(out))
}

fn finalize(old: &dyn Object, new: Box<dyn Object>) -> Result<Box<dyn Object>, Status> {
    let Some((mut out, wanted)) = typed::<Namespace>(old, &*new) else { return Ok(new) };
    keep_version(&mut out.metadata, &*new);
    out.spec.get_or_insert_with(Default::default).finalizers = wanted.spec.and_then(|s| s.finalizers);
    Ok(Box::new(out))
}

// ---- scale ----

/// The `autoscaling/v1` Scale of an object with `spec.replicas`.
fn scale_of(scope: &Scope, object: &Value) -> Value {
    let paths = scope.kind.replicas();
    let meta = &object["metadata"];
    let mut metadata = json!({"name": meta["name"], "namespace": meta["namespace"], "uid": meta["uid"],
        "resourceVersion": meta["resourceVersion"]});
    if let Some(t) = meta["creationTimestamp"].as_str() {
        metadata["creationTimestamp"] = t.into();
    }
    let replicas = |path: &str| at_path(object, path).as_i64().unwrap_or(0);
    let mut spec = json!({});
    if replicas(&paths.spec) != 0 {
        spec["replicas"] = replicas(&paths.spec).into();
    }
    let mut status = json!({"replicas": replicas(&paths.status)});
    let selector = &object["spec"]["selector"];
    let text = if scope.kind.custom().is_some() {
        paths.selector.and_then(|path| at_path(object, &path).as_str().map(str::to_owned)).unwrap_or_default()
    } else if selector["matchLabels"].is_object() || selector["matchExpressions"].is_array() {
        Selector::from_object(selector).map(|s| s.to_string()).unwrap_or_default()
    } else {
        let pairs = selector.as_object().into_iter().flatten();
        pairs.map(|(k, v)| format!("{k}={}", v.as_str().unwrap_or_default())).collect::<Vec<_>>().join(",")
    };
    if !text.is_empty() {
        status["selector"] = text.into();
    }
    json!({"kind": "Scale", "apiVersion": "autoscaling/v1", "metadata": metadata, "spec": spec, "status": status})
}

fn scale(server: &mut ApiServer, call: &mut Call, scope: &Scope) -> Result<Answer, Status> {
    if matches!(call.method, Method::Get | Method::Head) {
        return Ok(Answer::Value(200, scale_of(scope, &existing(server, scope)?.to_value())));
    }
    let (options, wanted) = match call.method {
        Method::Put => {
            let options = WriteOptions::read(call, "UpdateOptions", false)?;
            let encoding = negotiate::content(call)?;
            let read = body::read(call, encoding, "Scale")?;
            let value = read.map(|r| r.value).unwrap_or_default();
            check_scale_kind(&value)?;
            (options, value)
        }
        Method::Patch => {
            let kind = match patch_type(call, true)? {
                // A Scale has no lists: the two are one.
                PatchType::Strategic => PatchType::Merge,
                kind => kind,
            };
            let options = WriteOptions::read(call, "PatchOptions", kind == PatchType::Apply)?;
            let current = scale_of(scope, &existing(server, scope)?.to_value());
            (options, apply_to(call, scope, kind, &current)?.0)
        }
        _ => return Err(super::method_not_allowed()),
    };
    if let Some(name) = wanted["metadata"]["name"].as_str().filter(|n| !n.is_empty() && *n != scope.name) {
        return Err(Status::bad_request(format!(
            "the name of the object ({name}) does not match the name on the URL ({})",
            scope.name
        )));
    }
    let old = existing(server, scope)?;
    let replicas = &wanted["spec"]["replicas"];
    let replicas = match replicas {
        Value::Null => 0,
        _ => replicas.as_i64().filter(|n| i32::try_from(*n).is_ok()).ok_or_else(|| {
            Status::bad_request(format!(
                "Scale in version \"v1\" cannot be handled as a Scale: json: cannot unmarshal {} into Go struct field \
                 ScaleSpec.spec.replicas of type int32",
                crate::decode::go_word(replicas)
            ))
        })?,
    };
    if replicas < 0 {
        let mut errors = ErrorList::default();
        let spec_path = Path::new("spec");
        let path = spec_path.child("replicas");
        errors.push(Error::invalid_raw(&path, replicas, "must be greater than or equal to 0"));
        return Err(Status::invalid("autoscaling", "Scale", &scope.name, &errors));
    }
    let mut value = old.to_value();
    set_path(&mut value, &scope.kind.replicas().spec, replicas.into());
    let (mut object, _) = body::decode(scope, &value)?;
    let text = |key: &str| wanted["metadata"][key].as_str().filter(|t| !t.is_empty()).map(str::to_owned);
    object.meta_mut().resource_version = text("resourceVersion");
    object.meta_mut().uid = text("uid");
    write::manage(server, call, scope, &options, Some(&*old), &mut *object);
    let writer = call.writer(&options.field_manager);
    let updated = server.update_object(scope.id, object, Door::Main, &writer, options.dry_run)?;
    Ok(Answer::Value(200, scale_of(scope, &updated.to_value())))
}

fn check_scale_kind(value: &Value) -> Result<(), Status> {
    if !value.is_object() {
        return Err(Status::bad_request(
            "the object provided is unrecognized (must be of type Scale): couldn't get version/kind; json parse error: \
             unexpected end of JSON input (<empty>)",
        ));
    }
    match value["kind"].as_str() {
        None | Some("" | "Scale") => Ok(()),
        Some(kind) => Err(Status::bad_request(format!(
            "{kind} in version \"v1\" cannot be handled as a Scale: no kind \"{kind}\" is registered for version \
             \"autoscaling/v1\" in scheme \"pkg/api/legacyscheme/scheme.go:30\""
        ))),
    }
}

// ---- pods: binding, eviction ----

fn success(code: u16) -> Value {
    json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": code})
}

/// Assigns a pod to a node. `name` empty: the body names the pod.
pub(super) fn bind(
    server: &mut ApiServer,
    call: &Call,
    namespace: &str,
    name: &str,
    binding: &Value,
) -> Result<Value, Status> {
    let given = binding["metadata"]["name"].as_str().unwrap_or_default();
    if !name.is_empty() && !given.is_empty() && given != name {
        return Err(Status::bad_request(format!(
            "the name of the object ({given}) does not match the name on the URL ({name})"
        )));
    }
    let name = if name.is_empty() { given } else { name };
    let target = &binding["target"];
    let node = target["name"].as_str().unwrap_or_default();
    let mut errors = ErrorList::default();
    let path = Path::new("target");
    let kind = target["kind"].as_str().unwrap_or_default();
    if !matches!(kind, "" | "Node") {
        errors.push(Error::not_supported(&path.child("kind"), kind, &["Node", "<empty>"]));
    }
    if node.is_empty() {
        errors.push(Error::required(&path.child("name"), ""));
    }
    if !errors.is_empty() {
        return Err(Status::invalid("", "Binding", name, &errors));
    }
    let pod = server.get::<Pod>(namespace, name).ok_or_else(|| Status::not_found("", "pods", name))?;
    let refused = |why: &str| Status::conflict("", "pods/binding", name, why);
    if pod.metadata.deletion_timestamp.is_some() {
        return Err(refused(&format!("pod {name} is being deleted, cannot be assigned to a host")));
    }
    if let Some(had) = pod.spec.as_ref().and_then(|s| s.node_name.as_deref()).filter(|n| !n.is_empty()) {
        return Err(refused(&format!("pod {name} is already assigned to node \"{had}\"")));
    }
    let now = server.now;
    let node = node.to_owned();
    server.modify::<Pod>(namespace, name, Door::Binding, &call.writer(""), |pod| {
        pod.spec.get_or_insert_with(Default::default).node_name = Some(node);
        let conditions = pod.status.get_or_insert_with(Default::default).conditions.get_or_insert_with(Vec::new);
        conditions.retain(|c| c.type_ != "PodScheduled");
        conditions.push(PodCondition {
            type_: "PodScheduled".into(),
            status: "True".into(),
            last_transition_time: Some(meta::Time(now.timestamp())),
            observed_generation: pod.metadata.generation,
            ..PodCondition::default()
        });
    })?;
    Ok(success(201))
}

// ---- service accounts: tokens ----

fn token(server: &mut ApiServer, call: &Call, scope: &Scope, mut request: Value) -> Result<Value, Status> {
    let _ = call;
    let account = server.get::<ServiceAccount>(&scope.namespace, &scope.name).ok_or_else(|| scope.not_found())?;
    if !request.is_object() {
        request = json!({});
    }
    let spec = &request["spec"];
    let seconds = spec["expirationSeconds"].as_i64().unwrap_or(3600);
    let mut errors = ErrorList::default();
    let spec_path = Path::new("spec");
    let path = spec_path.child("expirationSeconds");
    if seconds < 600 {
        errors.push(Error::invalid_raw(&path, seconds, "may not specify a duration less than 10 minutes"));
    }
    if seconds > 1 << 32 {
        errors.push(Error::invalid_raw(&path, seconds, "may not specify a duration larger than 2^32 seconds"));
    }
    if !errors.is_empty() {
        return Err(Status::invalid("authentication.k8s.io", "TokenRequest", "", &errors));
    }
    let default = json!(["https://kubernetes.default.svc.cluster.local"]);
    let audiences = if spec["audiences"].is_array() { spec["audiences"].clone() } else { default };
    let now = server.now.secs();
    let uid = account.metadata.uid.clone().unwrap_or_default();
    let claims = json!({"aud": audiences, "exp": now + seconds, "iat": now, "nbf": now,
        "iss": "https://kubernetes.default.svc.cluster.local",
        "kubernetes.io": {"namespace": scope.namespace, "serviceaccount": {"name": scope.name, "uid": uid}},
        "sub": format!("system:serviceaccount:{}:{}", scope.namespace, scope.name)});
    let token = review::sign_token(server, &claims);
    let expires = apimachinery::time::Time::from_secs(now + seconds).rfc3339();
    Ok(json!({"kind": "TokenRequest", "apiVersion": "authentication.k8s.io/v1",
        "metadata": {"name": scope.name, "namespace": scope.namespace, "creationTimestamp": server.now.rfc3339()},
        "spec": {"audiences": claims["aud"], "expirationSeconds": seconds,
            "boundObjectRef": spec["boundObjectRef"]},
        "status": {"token": token, "expirationTimestamp": expires}}))
}
