//! The OpenAPI documents: which paths there are and which parameters they take, and the schemas of the kinds. kubectl asks
//! these documents whether the server validates fields and knows dry runs, and explains kinds from them.
//!
//! The schemas of built-in kinds are large and come from outside ([`ApiServer::set_openapi`]); until then each kind has one
//! without properties. Those of custom kinds come from their definitions.
//!
//! Models: kube-openapi `handler` and `handler3`.

use super::{Call, discovery, health};
use crate::ApiServer;
use crate::registry::KindInfo;
use apimachinery::http::Response;
use apimachinery::order::Gather as _;
use apimachinery::rng::fnv64;
use serde_json::{Map, Value, json};

/// `/openapi/v2`, `/openapi/v3`, `/openapi/v3/apis/apps/v1`.
pub(super) fn serve(server: &ApiServer, call: &Call, rest: &str) -> Response {
    let info = json!({"title": "Kubernetes", "version": server.config.version});
    match rest {
        // The old form is only spoken in protobuf by those who still ask for it.
        "v2" if call.request.header_value("accept").is_some_and(|a| a.contains("protobuf") && !a.contains("json")) => {
            health::plain(406, "only the following media types are accepted: application/json\n")
        }
        "v2" => Response::json(200, json!({"swagger": "2.0", "info": info, "paths": {}, "definitions": {}})),
        "v3" => Response::json(200, json!({"paths": documents(server)})),
        _ => match rest.strip_prefix("v3/").and_then(|path| Some((path, group_version(server, path)?))) {
            Some((path, (group, version))) => {
                let paths = paths(server, path, &group, &version);
                let components = json!({"schemas": schemas(server, &group, &version)});
                Response::json(200, json!({"openapi": "3.0.0", "info": info, "paths": paths, "components": components}))
            }
            None => health::page_not_found(),
        },
    }
}

fn document(group: &str, version: &str) -> String {
    if group.is_empty() { format!("api/{version}") } else { format!("apis/{group}/{version}") }
}

fn group_version(server: &ApiServer, path: &str) -> Option<(String, String)> {
    discovery::group_versions(server).into_iter().find(|(group, version)| document(group, version) == path)
}

/// The documents by path, each with a hash that changes with its content.
fn documents(server: &ApiServer) -> Map<String, Value> {
    discovery::group_versions(server)
        .into_iter()
        .map(|(group, version)| {
            let path = document(&group, &version);
            let kinds: String = server
                .kinds()
                .filter(|(_, k)| k.info().group == group && k.info().version == version)
                .map(|(_, k)| k.custom().map_or_else(|| k.info().kind.to_owned(), |c| c.schema().to_string()))
                .collect();
            let documented = server.openapi.is_some();
            let hash = fnv64(format!("{path}{kinds}{documented}").as_bytes());
            let url = format!("/openapi/v3/{path}?hash={hash:016X}");
            (path, json!({"serverRelativeURL": url}))
        })
        .gather()
}

fn paths(server: &ApiServer, root: &str, group: &str, version: &str) -> Map<String, Value> {
    let mut out = Map::new();
    for (_, kind) in server.kinds() {
        let info = kind.info();
        if info.group != group || info.version != version {
            continue;
        }
        let scope = if info.namespaced { "namespaces/{namespace}/" } else { "" };
        let collection = format!("/{root}/{scope}{}", info.plural);
        let query = ["labelSelector", "fieldSelector", "limit", "continue", "resourceVersion", "watch"];
        let lists = json!({"get": operation(info, "list", &query), "post": operation(info, "post", &WRITE)});
        out.insert(format!("{collection}/{{name}}"), object(info));
        out.insert(collection, lists);
    }
    out
}

const REFERENCE: &str = "#/components/schemas/";

/// The schemas of a group version's kinds, and all that these refer to.
fn schemas(server: &ApiServer, group: &str, version: &str) -> Map<String, Value> {
    let mut out = Map::new();
    let mut open: Vec<String> = Vec::new();
    let known = server.openapi.as_deref().and_then(Value::as_object);
    for (_, kind) in server.kinds() {
        let info = kind.info();
        if info.group != group || info.version != version {
            continue;
        }
        let gvk = json!([{"group": group, "version": version, "kind": info.kind}]);
        if let Some(custom) = kind.custom() {
            let name: Vec<&str> = group.rsplit('.').chain([version, info.kind]).collect();
            open.push(OBJECT_META.to_owned());
            out.insert(name.join("."), custom_schema(custom.schema(), gvk));
            continue;
        }
        let documented = known.into_iter().flatten().find(|(_, s)| s["x-kubernetes-group-version-kind"] == gvk);
        match documented {
            Some((name, _)) => open.push(name.clone()),
            None => {
                let schema = json!({"type": "object", "x-kubernetes-group-version-kind": gvk});
                out.insert(format!("{group}.{version}.{}", info.kind), schema);
            }
        }
    }
    while let Some(name) = open.pop() {
        if let Some(schema) = known.and_then(|k| k.get(&name))
            && !out.contains_key(&name)
        {
            references(schema, &mut open);
            out.insert(name, schema.clone());
        }
    }
    out
}

const OBJECT_META: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";

fn references(schema: &Value, found: &mut Vec<String>) {
    match schema {
        Value::Object(map) => {
            if let Some(name) = map.get("$ref").and_then(Value::as_str).and_then(|r| r.strip_prefix(REFERENCE)) {
                found.push(name.to_owned());
            }
            map.values().for_each(|v| references(v, found));
        }
        Value::Array(items) => items.iter().for_each(|v| references(v, found)),
        _ => {}
    }
}

/// The schema of a definition with what every object has.
fn custom_schema(schema: &Value, gvk: Value) -> Value {
    let mut out = if schema.is_object() { schema.clone() } else { json!({"type": "object"}) };
    out["x-kubernetes-group-version-kind"] = gvk;
    if schema["x-kubernetes-preserve-unknown-fields"] == true && schema["properties"].is_null() {
        return out;
    }
    out["properties"]["apiVersion"] = json!({"type": "string", "description": "APIVersion defines the versioned schema \
        of this representation of an object. Servers should convert recognized schemas to the latest internal value, and \
        may reject unrecognized values. More info: \
        https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#resources"});
    out["properties"]["kind"] = json!({"type": "string", "description": "Kind is a string value representing the REST \
        resource this object represents. Servers may infer this from the endpoint the client submits requests to. Cannot \
        be updated. In CamelCase. More info: \
        https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#types-kinds"});
    out["properties"]["metadata"] = json!({"allOf": [{"$ref": format!("{REFERENCE}{OBJECT_META}")}],
        "description": "Standard object's metadata. More info: \
        https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#metadata"});
    out
}

const WRITE: [&str; 3] = ["dryRun", "fieldManager", "fieldValidation"];

fn object(info: &KindInfo) -> Value {
    let patch = [&WRITE[..], &["force"]].concat();
    let delete = ["dryRun", "gracePeriodSeconds", "orphanDependents", "propagationPolicy"];
    json!({"get": operation(info, "get", &[]), "put": operation(info, "put", &WRITE),
        "patch": operation(info, "patch", &patch), "delete": operation(info, "delete", &delete)})
}

fn operation(info: &KindInfo, action: &str, query: &[&str]) -> Value {
    let parameters: Vec<Value> =
        query.iter().map(|name| json!({"name": name, "in": "query", "schema": {"type": "string"}})).collect();
    json!({"x-kubernetes-action": action, "parameters": parameters, "responses": {"200": {"description": "OK"}},
        "x-kubernetes-group-version-kind": {"group": info.group, "version": info.version, "kind": info.kind}})
}
