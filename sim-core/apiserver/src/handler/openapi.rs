//! The OpenAPI documents: the seam. Schemas of the built-in kinds are not generated yet.
//!
//! Models: kube-openapi `handler` and `handler3`.

use super::{Call, discovery, health};
use crate::ApiServer;
use apimachinery::http::Response;
use apimachinery::rng::fnv64;
use serde_json::{Map, Value, json};

/// `/openapi/v2`, `/openapi/v3`, `/openapi/v3/apis/apps/v1`.
pub(super) fn serve(server: &ApiServer, call: &Call, rest: &str) -> Response {
    let _ = call;
    let info = json!({"title": "Kubernetes", "version": server.config.version});
    match rest {
        "v2" => Response::json(200, json!({"swagger": "2.0", "info": info, "paths": {}, "definitions": {}})),
        "v3" => Response::json(200, json!({"paths": paths(server)})),
        _ => match rest.strip_prefix("v3/") {
            Some(path) if paths(server).contains_key(path) => Response::json(
                200,
                json!({"openapi": "3.0.0", "info": info, "paths": {}, "components": {"schemas": {}}}),
            ),
            _ => health::page_not_found(),
        },
    }
}

fn paths(server: &ApiServer) -> Map<String, Value> {
    discovery::group_versions(server)
        .into_iter()
        .map(|(group, version)| {
            let path = if group.is_empty() { format!("api/{version}") } else { format!("apis/{group}/{version}") };
            let hash = fnv64(path.as_bytes());
            let url = format!("/openapi/v3/{path}?hash={hash:016X}");
            (path, json!({"serverRelativeURL": url}))
        })
        .collect()
}
