//! The OpenAPI documents: which paths there are and which parameters they take. Schemas of the kinds are not generated yet;
//! kubectl asks these documents whether the server validates fields and knows dry runs.
//!
//! Models: kube-openapi `handler` and `handler3`.

use super::{Call, discovery, health};
use crate::ApiServer;
use crate::registry::KindInfo;
use apimachinery::http::Response;
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
                let components = json!({"schemas": {}});
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
                .map(|(_, k)| k.info().kind)
                .collect();
            let hash = fnv64(format!("{path}{kinds}").as_bytes());
            let url = format!("/openapi/v3/{path}?hash={hash:016X}");
            (path, json!({"serverRelativeURL": url}))
        })
        .collect()
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
