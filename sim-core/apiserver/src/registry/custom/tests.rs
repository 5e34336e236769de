//! Definitions and their objects through the door, as a client sees them.

use crate::{ApiServer, Config, Outcome};
use apimachinery::http::{Body, Method, Reply, Request};
use apimachinery::time::Time;
use serde_json::{Value, json};

const CRDS: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
const BOATS: &str = "/apis/sea.example.com/v1/namespaces/default/boats";

fn server() -> ApiServer {
    let mut server = ApiServer::new(Config::default(), Time::from_secs(1_700_000_000));
    let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "default"}});
    assert_eq!(send(&mut server, Method::Post, "/api/v1/namespaces", namespace).0, 201);
    server
}

fn send(server: &mut ApiServer, method: Method, path: &str, body: Value) -> (u16, Value) {
    let mut request = Request::new(method, path.to_owned());
    if !body.is_null() {
        let patch = method == Method::Patch;
        let media = if patch { "application/merge-patch+json" } else { "application/json" };
        request.headers.push(("content-type".into(), media.into()));
        request.body = Body::Json(body);
    }
    request.query.push(("fieldValidation".into(), "Strict".into()));
    let Outcome::Done(response) = server.handle(request) else { panic!("{path} is for no node") };
    match response.body {
        Reply::Json(value) => (response.code, value),
        _ => (response.code, Value::Null),
    }
}

fn definition() -> Value {
    let schema = json!({"type": "object", "properties": {
        "spec": {"type": "object", "properties": {
            "sails": {"type": "integer", "maximum": 5}, "oars": {"type": "integer", "default": 2}}},
        "status": {"type": "object", "properties": {"oars": {"type": "integer"}}}}});
    let version = |name: &str, storage: bool| {
        json!({"name": name, "served": true, "storage": storage, "schema": {"openAPIV3Schema": schema},
            "subresources": {"status": {}, "scale": {"specReplicasPath": ".spec.oars", "statusReplicasPath": ".status.oars"}}})
    };
    json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": "boats.sea.example.com"},
        "spec": {"group": "sea.example.com", "scope": "Namespaced", "names": {"plural": "boats", "kind": "Boat"},
            "versions": [version("v1", true), version("v1beta1", false)]}})
}

fn boat(name: &str, spec: Value) -> Value {
    json!({"apiVersion": "sea.example.com/v1", "kind": "Boat", "metadata": {"name": name}, "spec": spec})
}

#[test]
fn a_definition_makes_a_kind() {
    let mut server = server();
    assert_eq!(send(&mut server, Method::Get, BOATS, Value::Null).0, 404);
    assert_eq!(send(&mut server, Method::Post, CRDS, definition()).0, 201);
    let made = send(&mut server, Method::Get, &format!("{CRDS}/boats.sea.example.com"), Value::Null).1;
    assert_eq!(made["status"]["acceptedNames"]["listKind"], "BoatList");
    let (code, argo) = send(&mut server, Method::Post, BOATS, boat("argo", json!({"sails": 1})));
    assert_eq!((code, &argo["spec"]), (201, &json!({"sails": 1, "oars": 2})));
    for (spec, code, message) in [
        (json!({"sails": 9}), 422, "should be less than or equal to 5"),
        (json!({"keel": 1}), 400, "strict decoding error: unknown field \"spec.keel\""),
    ] {
        let (got, status) = send(&mut server, Method::Post, BOATS, boat("bad", spec));
        assert_eq!(got, code);
        assert!(status["message"].as_str().is_some_and(|m| m.contains(message)), "{status}");
    }
}

#[test]
fn status_and_scale_are_doors_of_their_own() {
    let mut server = server();
    send(&mut server, Method::Post, CRDS, definition());
    send(&mut server, Method::Post, BOATS, boat("argo", json!({"sails": 1})));
    let argo = format!("{BOATS}/argo");
    let both = json!({"spec": {"sails": 3}, "status": {"oars": 7}});
    let changed = send(&mut server, Method::Patch, &argo, both.clone()).1;
    assert_eq!((&changed["spec"]["sails"], &changed["status"]["oars"]), (&json!(3), &Value::Null));
    assert_eq!(changed["metadata"]["generation"], 2);
    let changed = send(
        &mut server,
        Method::Patch,
        &format!("{argo}/status"),
        json!({"spec": {"sails": 4}, "status": {"oars": 7}}),
    )
    .1;
    assert_eq!((&changed["spec"]["sails"], &changed["status"]["oars"]), (&json!(3), &json!(7)));
    assert_eq!(changed["metadata"]["generation"], 2);
    let scale = send(&mut server, Method::Patch, &format!("{argo}/scale"), json!({"spec": {"replicas": 4}})).1;
    assert_eq!((&scale["spec"]["replicas"], &scale["status"]["replicas"]), (&json!(4), &json!(7)));
}

#[test]
fn versions_share_their_objects() {
    let mut server = server();
    send(&mut server, Method::Post, CRDS, definition());
    let mut old = boat("argo", json!({"sails": 1}));
    old["apiVersion"] = "sea.example.com/v1beta1".into();
    let beta = BOATS.replace("/v1/", "/v1beta1/");
    assert_eq!(send(&mut server, Method::Post, &beta, old).1["apiVersion"], "sea.example.com/v1beta1");
    let stored = send(&mut server, Method::Get, BOATS, Value::Null).1;
    assert_eq!(stored["items"][0]["apiVersion"], "sea.example.com/v1");
    assert_eq!(
        send(&mut server, Method::Get, &format!("{beta}/argo"), Value::Null).1["apiVersion"],
        "sea.example.com/v1beta1"
    );
}

#[test]
fn objects_go_with_their_definition() {
    let mut server = server();
    let crd = format!("{CRDS}/boats.sea.example.com");
    send(&mut server, Method::Post, CRDS, definition());
    for name in ["argo", "beagle"] {
        send(&mut server, Method::Post, BOATS, boat(name, json!({"sails": 1})));
    }
    let held = json!({"metadata": {"finalizers": ["example.com/anchor"]}});
    send(&mut server, Method::Patch, &format!("{BOATS}/argo"), held);
    send(&mut server, Method::Delete, &crd, Value::Null);
    // One object is held by its finalizer, and holds the definition.
    assert_eq!(send(&mut server, Method::Get, BOATS, Value::Null).1["items"].as_array().map(Vec::len), Some(1));
    send(&mut server, Method::Patch, &format!("{BOATS}/argo"), json!({"metadata": {"finalizers": null}}));
    assert_eq!(send(&mut server, Method::Get, &crd, Value::Null).0, 404);
    assert_eq!(send(&mut server, Method::Get, BOATS, Value::Null).0, 404);
    // The same definition again finds an empty table.
    assert_eq!(send(&mut server, Method::Post, CRDS, definition()).0, 201);
    assert_eq!(send(&mut server, Method::Get, BOATS, Value::Null).1["items"], json!([]));
}
