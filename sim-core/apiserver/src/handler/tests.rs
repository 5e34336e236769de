//! The door, asked as a client asks it: expected words are those of a recorded server.

use super::Outcome;
use crate::server::{ApiServer, Config, Writer};
use apimachinery::http::{Body, Frame, Method, Reply, Request, Response};
use apimachinery::time::{Duration, Time};
use k8s_openapi::api::core::v1 as core;
use serde_json::{Value, json};

fn server() -> ApiServer {
    let mut server = ApiServer::new(Config::default(), Time::START);
    for name in ["default", "kube-system"] {
        let mut namespace = core::Namespace::default();
        namespace.metadata.name = Some(name.into());
        server.create(namespace, &Writer::new("test")).expect("a namespace can be created");
    }
    server
}

fn split(target: &str) -> (String, Vec<(String, String)>) {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let query = query.split('&').filter_map(|p| p.split_once('=')).map(|(k, v)| (k.into(), v.into())).collect();
    (path.into(), query)
}

fn send(server: &mut ApiServer, method: Method, target: &str, headers: &[(&str, &str)], body: Body) -> Response {
    let (path, query) = split(target);
    let headers = headers.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    match server.handle(Request { method, path, query, headers, body }) {
        Outcome::Done(response) => response,
        Outcome::Node(node) => Response::json(
            299,
            json!({"node": node.node, "container": node.container, "command": node.options.command}),
        ),
    }
}

fn value(response: &Response) -> Value {
    match &response.body {
        Reply::Json(value) => value.clone(),
        Reply::Bytes(bytes) => Value::from(String::from_utf8_lossy(bytes).into_owned()),
        _ => Value::Null,
    }
}

fn post(server: &mut ApiServer, target: &str, body: Value) -> (u16, Value) {
    let response = send(server, Method::Post, target, &[], Body::Json(body));
    (response.code, value(&response))
}

fn get(server: &mut ApiServer, target: &str) -> (u16, Value) {
    let response = send(server, Method::Get, target, &[], Body::Empty);
    (response.code, value(&response))
}

const MAPS: &str = "/api/v1/namespaces/default/configmaps";

fn config_map(name: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {"a": "b"}})
}

fn pod(name: &str, containers: &[&str]) -> Value {
    let containers: Vec<Value> = containers.iter().map(|c| json!({"name": c, "image": "nginx"})).collect();
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": {"containers": containers}})
}

/// One request and the failure it must bring.
#[track_caller]
fn check(server: &mut ApiServer, request: (Method, &str, &str), body: &str, expected: (u16, &str, &str)) {
    let (method, target, media) = request;
    let body = if body.is_empty() { Body::Empty } else { Body::Bytes(body.into()) };
    let headers: &[(&str, &str)] = if media.is_empty() { &[] } else { &[("content-type", media)] };
    let response = send(server, method, target, headers, body);
    let got = value(&response);
    let text = |key: &str| got[key].as_str().unwrap_or_default().to_owned();
    assert_eq!((response.code, text("reason").as_str(), text("message").as_str()), expected, "{method:?} {target}");
}

/// Method, target and media type; body; code, reason and message.
type Case<'a> = ((Method, &'a str, &'a str), &'a str, (u16, &'a str, &'a str));

#[test]
fn failures_are_told_in_the_words_of_the_real_server() {
    let s = &mut server();
    assert_eq!(post(s, MAPS, config_map("one")).0, 201);
    let one = &format!("{MAPS}/one");
    let cases: &[Case<'_>] = &[
        (
            (Method::Get, "/api/v1/namespaces/default/pods/nosuch", ""),
            "",
            (404, "NotFound", "pods \"nosuch\" not found"),
        ),
        (
            (Method::Get, "/apis/apps/v1/namespaces/default/deployments/nosuch", ""),
            "",
            (404, "NotFound", "deployments.apps \"nosuch\" not found"),
        ),
        (
            (Method::Get, "/api/v1/nosuch", ""),
            "",
            (404, "NotFound", "the server could not find the requested resource"),
        ),
        (
            (Method::Post, &format!("{MAPS}?fieldValidation=Strict"), ""),
            r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"two"},"data":{"a":"b"},"bogus":1}"#,
            (
                400,
                "BadRequest",
                "ConfigMap in version \"v1\" cannot be handled as a ConfigMap: strict decoding error: unknown field \
                 \"bogus\"",
            ),
        ),
        (
            (Method::Post, &format!("{MAPS}?fieldValidation=Strict"), ""),
            r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"x","name":"two"},"bogus":1,"more":{}}"#,
            (
                400,
                "BadRequest",
                "ConfigMap in version \"v1\" cannot be handled as a ConfigMap: strict decoding error: duplicate field \
                 \"metadata.name\", unknown field \"bogus\", unknown field \"more\"",
            ),
        ),
        (
            (Method::Patch, one, "application/json-patch+json"),
            r#"[{"op":"test","path":"/data/a","value":"x"}]"#,
            (422, "Invalid", "the server rejected our request due to an error in our request"),
        ),
        ((Method::Patch, one, "text/plain"), "x", (415, "UnsupportedMediaType", "415: Unsupported Media Type")),
        (
            (Method::Patch, one, "application/strategic-merge-patch+json"),
            "\"not json\"",
            (400, "BadRequest", "json: cannot unmarshal string into Go value of type map[string]interface {}"),
        ),
        (
            (Method::Put, one, ""),
            r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"one","resourceVersion":"1"}}"#,
            (
                409,
                "Conflict",
                "Operation cannot be fulfilled on configmaps \"one\": the object has been modified; please apply your \
                 changes to the latest version and try again",
            ),
        ),
        (
            (Method::Put, one, ""),
            r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"other"}}"#,
            (400, "BadRequest", "the name of the object (other) does not match the name on the URL (one)"),
        ),
        (
            (Method::Post, MAPS, ""),
            r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"other","namespace":"else"}}"#,
            (
                400,
                "BadRequest",
                "the namespace of the provided object does not match the namespace sent on the request",
            ),
        ),
        (
            (Method::Post, MAPS, ""),
            r#"{"apiVersion":"v1","kind":"Pod"}"#,
            (
                400,
                "BadRequest",
                "Pod in version \"v1\" cannot be handled as a ConfigMap: converting (v1.Pod) to (core.ConfigMap): \
                 unknown conversion",
            ),
        ),
        (
            (Method::Post, MAPS, ""),
            "nonsense",
            (
                400,
                "BadRequest",
                "the object provided is unrecognized (must be of type ConfigMap): couldn't get version/kind; json \
                 parse error: invalid character 'o' in literal null (expecting 'u') (6e6f6e73656e7365)",
            ),
        ),
        (
            (Method::Post, MAPS, "application/json"),
            r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"Bad_Name"}}"#,
            (
                422,
                "Invalid",
                "ConfigMap \"Bad_Name\" is invalid: metadata.name: Invalid value: \"Bad_Name\": a lowercase RFC 1123 \
                 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with \
                 an alphanumeric character (e.g. 'example.com', regex used for validation is \
                 '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')",
            ),
        ),
        (
            (Method::Post, "/api/v1/namespaces/nosuch/configmaps", ""),
            r#"{"metadata":{"name":"x"}}"#,
            (404, "NotFound", "namespaces \"nosuch\" not found"),
        ),
        (
            (Method::Post, MAPS, ""),
            &config_map("one").to_string(),
            (409, "AlreadyExists", "configmaps \"one\" already exists"),
        ),
        (
            (Method::Get, &format!("{MAPS}?continue=bogus"), ""),
            "",
            (
                400,
                "BadRequest",
                "invalid continue token: continue key is not valid: illegal base64 data at input byte 4",
            ),
        ),
        (
            (Method::Get, &format!("{MAPS}?labelSelector=a b"), ""),
            "",
            (400, "BadRequest", "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt"),
        ),
        (
            (Method::Get, "/api/v1/pods?fieldSelector=spec.nosuch%3Dx".trim_end_matches("%3Dx"), ""),
            "",
            (400, "BadRequest", "invalid selector: 'spec.nosuch'; can't understand 'spec.nosuch'"),
        ),
        (
            (Method::Post, "/api/v1/namespaces/default/pods/nosuch/eviction", ""),
            r#"{"apiVersion":"policy/v1","kind":"Eviction","metadata":{"name":"nosuch"}}"#,
            (404, "NotFound", "pods \"nosuch\" not found"),
        ),
        (
            (Method::Get, &format!("{MAPS}?resourceVersion=999999"), ""),
            "",
            (504, "Timeout", "Timeout: Too large resource version: 999999, current: 4"),
        ),
        (
            (Method::Delete, "/api/v1/namespaces/default", ""),
            "",
            (403, "Forbidden", "namespaces \"default\" is forbidden: this namespace may not be deleted"),
        ),
        (
            (Method::Put, MAPS, ""),
            "{}",
            (405, "MethodNotAllowed", "the server does not allow this method on the requested resource"),
        ),
        (
            (Method::Delete, &format!("{one}?propagationPolicy=Sideways"), ""),
            "",
            (
                422,
                "Invalid",
                "DeleteOptions.meta.k8s.io \"\" is invalid: propagationPolicy: Unsupported value: \"Sideways\": \
                 supported values: \"Foreground\", \"Background\", \"Orphan\", \"nil\"",
            ),
        ),
        (
            (Method::Post, &format!("{MAPS}?dryRun=Some"), ""),
            "{}",
            (
                422,
                "Invalid",
                "CreateOptions.meta.k8s.io \"\" is invalid: dryRun: Unsupported value: [\"Some\"]: supported values: \
                 \"All\"",
            ),
        ),
        (
            (Method::Patch, one, "application/merge-patch+json"),
            r#"{"metadata":{"name":"two"}}"#,
            (400, "BadRequest", "the name of the object (two) does not match the name on the URL (one)"),
        ),
        (
            (Method::Delete, one, ""),
            r#"{"preconditions":{"resourceVersion":"1"}}"#,
            (
                409,
                "Conflict",
                "Operation cannot be fulfilled on configmaps \"one\": Precondition failed: ResourceVersion in \
                 precondition: 1, ResourceVersion in object meta: 4",
            ),
        ),
    ];
    for (request, body, expected) in cases {
        check(s, *request, body, *expected);
    }
    let large = format!(r#"{{"data":{{"a":"{}"}}}}"#, "x".repeat(3 << 20));
    let words = (413, "RequestEntityTooLarge", "Request entity too large: limit is 3145728");
    check(s, (Method::Post, MAPS, ""), &large, words);
}

#[test]
fn objects_are_created_patched_and_deleted() {
    let s = &mut server();
    let (code, made) = post(s, MAPS, json!({"metadata": {"generateName": "gen-"}, "data": {"a": "b"}}));
    assert_eq!((code, made["kind"].as_str()), (201, Some("ConfigMap")));
    assert!(made["metadata"]["name"].as_str().is_some_and(|n| n.starts_with("gen-") && n.len() == 9));
    post(s, MAPS, config_map("one"));
    for (media, patch, expected) in [
        ("application/merge-patch+json", json!({"data": {"a": null, "c": "d"}}), json!({"c": "d"})),
        (
            "application/json-patch+json",
            json!([{"op": "add", "path": "/data/x", "value": "y"}]),
            json!({"c": "d", "x": "y"}),
        ),
        ("application/strategic-merge-patch+json", json!({"data": {"c": null}}), json!({"x": "y"})),
    ] {
        let target = &format!("{MAPS}/one");
        let response = send(s, Method::Patch, target, &[("content-type", media)], Body::Json(patch));
        assert_eq!((response.code, &value(&response)["data"]), (200, &expected), "{media}");
    }
    let dry = send(s, Method::Post, &format!("{MAPS}?dryRun=All"), &[], Body::Json(config_map("dry")));
    assert_eq!((dry.code, get(s, &format!("{MAPS}/dry")).0), (201, 404));
    let gone = send(s, Method::Delete, &format!("{MAPS}/one"), &[], Body::Empty);
    let uid = value(&gone)["details"]["uid"].clone();
    assert_eq!(
        value(&gone),
        json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success",
            "details": {"name": "one", "kind": "configmaps", "uid": uid}})
    );
    let none = send(s, Method::Delete, &format!("{MAPS}?labelSelector=none=such"), &[], Body::Empty);
    assert_eq!(value(&none)["kind"], "ConfigMapList");
    assert_eq!(value(&none)["items"], json!([]));
}

#[test]
fn unknown_fields_warn() {
    let s = &mut server();
    let mut body = config_map("one");
    body["bogus"] = 1.into();
    let response = send(s, Method::Post, MAPS, &[], Body::Json(body));
    assert_eq!(response.code, 201);
    assert!(response.headers.contains(&("warning".into(), r#"299 - "unknown field \"bogus\"""#.into())));
}

#[test]
fn times_that_are_not_set_are_null() {
    let s = &mut server();
    let event = json!({"metadata": {"name": "e"}, "involvedObject": {"namespace": "default"}});
    let (_, made) = post(s, "/api/v1/namespaces/default/events", event);
    assert!(made.as_object().is_some_and(|m| m.get("eventTime") == Some(&Value::Null)), "{made}");
    let services = "/api/v1/namespaces/default/services/new";
    let service = json!({"metadata": {"name": "new"}, "spec": {"ports": [{"port": 80}]}});
    let put = |s: &mut ApiServer| send(s, Method::Put, services, &[], Body::Json(service.clone())).code;
    assert_eq!((put(s), put(s)), (201, 200), "an update of a service that is not there creates it");
}

#[test]
fn yaml_goes_in_and_out() {
    let s = &mut server();
    let yaml = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: one\ndata:\n  a: b\n";
    let headers = [("content-type", "application/yaml"), ("accept", "application/yaml")];
    let response = send(s, Method::Post, MAPS, &headers, Body::Bytes(yaml.into()));
    assert_eq!(response.code, 201);
    let text = value(&response);
    assert!(text.as_str().is_some_and(|t| t.starts_with("apiVersion: v1\ndata:\n  a: b\nkind: ConfigMap\n")), "{text}");
}

#[test]
fn an_empty_list_is_no_spec() {
    let s = &mut server();
    let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "b"}, "spec": []});
    let response = send(s, Method::Post, "/api/v1/namespaces/default/pods", &[], Body::Json(pod));
    let told = value(&response)["message"].as_str().unwrap_or_default().to_owned();
    assert_eq!(response.code, 400, "{told}");
    assert!(told.ends_with("cannot unmarshal array into Go struct field Pod.spec of type v1.PodSpec"), "{told}");
}

fn managers(object: &Value) -> Vec<Value> {
    let entries = object["metadata"]["managedFields"].as_array().cloned().unwrap_or_default();
    entries.iter().map(|e| json!([e["manager"], e["operation"], e["fieldsV1"]])).collect()
}

fn apply(server: &mut ApiServer, target: &str, config: Value) -> (u16, Value) {
    let headers = [("content-type", "application/apply-patch+yaml")];
    let response = send(server, Method::Patch, target, &headers, Body::Json(config));
    (response.code, value(&response))
}

#[test]
fn fields_have_managers() {
    let s = &mut server();
    let agent = [("user-agent", "tester/1.0")];
    let one = &format!("{MAPS}/one");
    let made = value(&send(s, Method::Post, MAPS, &agent, Body::Json(config_map("one"))));
    assert_eq!(managers(&made), [json!(["tester", "Update", {"f:data": {".": {}, "f:a": {}}}])]);
    let merge = [("user-agent", "tester/1.0"), ("content-type", "application/merge-patch+json")];
    let patch = Body::Json(json!({"data": {"a": null, "c": "d"}}));
    let patched = value(&send(s, Method::Patch, one, &merge, patch));
    assert_eq!(managers(&patched), [json!(["tester", "Update", {"f:data": {".": {}, "f:c": {}}}])]);

    let mine = json!({"apiVersion": "v1", "kind": "ConfigMap", "data": {"c": "mine"}});
    let (code, refused) = apply(s, &format!("{one}?fieldManager=me"), mine.clone());
    assert_eq!(
        (code, refused),
        (
            409,
            json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
                "message": "Apply failed with 1 conflict: conflict with \"tester\" using v1: .data.c", "reason": "Conflict",
                "details": {"causes": [{"reason": "FieldManagerConflict", "message": "conflict with \"tester\" using v1",
                    "field": ".data.c"}]}, "code": 409})
        )
    );
    let (code, applied) = apply(s, &format!("{one}?fieldManager=me&force=true"), mine);
    assert_eq!((code, &applied["data"]), (200, &json!({"c": "mine"})));
    assert_eq!(
        managers(&applied),
        [json!(["me", "Apply", {"f:data": {"f:c": {}}}]), json!(["tester", "Update", {"f:data": {}}])]
    );
    // What is no longer applied goes away.
    let other = json!({"apiVersion": "v1", "kind": "ConfigMap", "data": {"e": "f"}});
    let (_, applied) = apply(s, &format!("{one}?fieldManager=me"), other);
    assert_eq!(applied["data"], json!({"e": "f"}));
    // Nothing changes: nothing is written.
    let again = json!({"apiVersion": "v1", "kind": "ConfigMap", "data": {"e": "f"}});
    let (_, same) = apply(s, &format!("{one}?fieldManager=me"), again);
    assert_eq!(same["metadata"]["resourceVersion"], applied["metadata"]["resourceVersion"]);
}

#[test]
fn applies_create_and_conflict_in_lists() {
    let s = &mut server();
    let target = "/apis/apps/v1/namespaces/default/deployments/app";
    let deployment = |replicas: i32, image: &str| {
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "app"},
            "spec": {"replicas": replicas, "selector": {"matchLabels": {"app": "app"}},
                "template": {"metadata": {"labels": {"app": "app"}}, "spec": {"containers": [
                    {"name": "web", "image": "nginx", "ports": [{"containerPort": 80}]},
                    {"name": "side", "image": image}]}}}})
    };
    let (code, made) = apply(s, &format!("{target}?fieldManager=kubectl"), deployment(1, "busybox"));
    assert_eq!(code, 201, "{made}");
    let patch = [("content-type", "application/merge-patch+json")];
    let mut body = deployment(2, "busybox:2");
    body["metadata"] = json!({"labels": {"x": "y"}});
    send(s, Method::Patch, &format!("{target}?fieldManager=kubectl-patch"), &patch, Body::Json(body));
    let (_, refused) = apply(s, &format!("{target}?fieldManager=kubectl"), deployment(1, "busybox"));
    assert_eq!(
        refused["message"],
        "Apply failed with 2 conflicts: conflicts with \"kubectl-patch\" using apps/v1:\n- .spec.replicas\n- \
         .spec.template.spec.containers[name=\"side\"].image"
    );
    let (code, forced) = apply(s, &format!("{target}?fieldManager=kubectl&force=true"), deployment(1, "busybox"));
    assert_eq!((code, &forced["spec"]["replicas"]), (200, &1.into()));
    assert_eq!(forced["metadata"]["labels"], json!({"x": "y"}), "others keep what is theirs");
    let mut unknown = deployment(1, "busybox");
    unknown["spec"]["bogus"] = 1.into();
    let (code, refused) = apply(s, &format!("{target}?fieldManager=kubectl"), unknown);
    assert_eq!(
        (code, refused["message"].as_str()),
        (
            500,
            Some(
                "failed to create typed patch object (default/app; apps/v1, Kind=Deployment): .spec.bogus: field not \
                 declared in schema"
            )
        )
    );
    assert_eq!(apply(s, target, deployment(1, "x")).0, 422, "a field manager is required");
}

const TABLE: &str = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";

#[test]
fn tables_and_partial_metadata() {
    let s = &mut server();
    post(s, MAPS, config_map("one"));
    let list = &format!("{MAPS}?includeObject=None");
    let table = value(&send(s, Method::Get, list, &[("accept", TABLE)], Body::Empty));
    assert_eq!(table["kind"], "Table");
    assert_eq!(table["columnDefinitions"][0]["name"], "Name");
    assert_eq!(table["rows"][0]["cells"][0], "one");
    assert_eq!(table["rows"][0]["object"], Value::Null);
    let accept = "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io";
    let partial = value(&send(s, Method::Get, &format!("{MAPS}/one"), &[("accept", accept)], Body::Empty));
    assert_eq!((&partial["kind"], &partial["data"]), (&"PartialObjectMetadata".into(), &Value::Null));
    let refused = send(s, Method::Get, MAPS, &[("accept", "application/xml")], Body::Empty);
    assert_eq!(
        value(&refused)["message"],
        "406: Not Acceptable\n\nAvailable representations: application/json, application/yaml, \
         application/vnd.kubernetes.protobuf, application/json;stream=watch, \
         application/vnd.kubernetes.protobuf;stream=watch"
    );
}

#[test]
fn lists_in_pages_stay_consistent() {
    let s = &mut server();
    for name in ["a", "b", "c", "d"] {
        post(s, MAPS, config_map(name));
    }
    let names = |v: &Value| -> Vec<String> {
        v["items"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|o| o["metadata"]["name"].as_str().unwrap_or("?").into())
            .collect()
    };
    let (_, first) = get(s, &format!("{MAPS}?limit=2"));
    assert_eq!((names(&first), &first["metadata"]["remainingItemCount"]), (vec!["a".into(), "b".into()], &2.into()));
    assert!(first["items"][0].get("kind").is_none());
    let resume = first["metadata"]["continue"].as_str().unwrap_or_default().to_owned();
    // What happens between two pages is not seen by the second.
    send(s, Method::Delete, &format!("{MAPS}/c"), &[], Body::Empty);
    post(s, MAPS, config_map("e"));
    let (_, second) = get(s, &format!("{MAPS}?limit=5&continue={resume}"));
    assert_eq!((names(&second), &second["metadata"]["continue"]), (vec!["c".into(), "d".into()], &Value::Null));
    assert_eq!(second["metadata"]["resourceVersion"], first["metadata"]["resourceVersion"]);
    for name in ["kube", "kube-system"] {
        post(s, "/api/v1/namespaces", json!({"metadata": {"name": name}}));
        post(s, &format!("/api/v1/namespaces/{name}/configmaps"), config_map(name));
    }
    let (_, all) = get(s, "/api/v1/configmaps?limit=5");
    let resume = all["metadata"]["continue"].as_str().unwrap_or_default().to_owned();
    assert_eq!(names(&get(s, &format!("/api/v1/configmaps?continue={resume}")).1), ["kube"], "as etcd sorts");
    let (_, all) = get(s, "/api/v1/configmaps?limit=3");
    let resume = all["metadata"]["continue"].as_str().unwrap_or_default().to_owned();
    assert_eq!(names(&get(s, &format!("/api/v1/configmaps?continue={resume}")).1), ["e", "kube-system", "kube"]);
}

fn frames(server: &mut ApiServer, response: &Response) -> Vec<(String, Value)> {
    let Reply::Stream(id) = response.body else { panic!("a watch is a stream: {:?}", value(response)) };
    let read = server.stream_read(id);
    let event = |f: Frame| match f {
        Frame::Json(v) => (v["type"].as_str().unwrap_or_default().to_owned(), v["object"].clone()),
        Frame::Data { .. } => panic!("a watch sends JSON"),
    };
    let mut out: Vec<_> = read.frames.into_iter().map(event).collect();
    if read.ended {
        out.push(("ended".into(), Value::Null));
    }
    out
}

fn verbs(events: &[(String, Value)]) -> Vec<String> {
    let name = |o: &Value| o["metadata"]["name"].as_str().unwrap_or_default().to_owned();
    events.iter().map(|(verb, o)| format!("{verb} {}", name(o)).trim().to_owned()).collect()
}

#[test]
fn watches_follow_their_selector() {
    let s = &mut server();
    let labels = |name: &str, value: &str| {
        let mut out = config_map(name);
        out["metadata"]["labels"] = json!({"app": value});
        out
    };
    post(s, MAPS, labels("one", "web"));
    post(s, MAPS, labels("other", "db"));
    let watch =
        send(s, Method::Get, &format!("{MAPS}?watch=1&labelSelector=app=web&timeoutSeconds=60"), &[], Body::Empty);
    assert_eq!(verbs(&frames(s, &watch)), ["ADDED one"]);
    let Reply::Stream(id) = watch.body else { panic!("a watch is a stream") };
    assert!(!s.watch_ready(id));
    post(s, "/api/v1/namespaces/default/secrets", json!({"metadata": {"name": "s"}}));
    assert!(!s.watch_ready(id), "another kind's changes do not wake a watch");
    send(s, Method::Put, &format!("{MAPS}/other"), &[], Body::Json(labels("other", "web")));
    send(s, Method::Put, &format!("{MAPS}/one"), &[], Body::Json(labels("one", "db")));
    send(s, Method::Delete, &format!("{MAPS}/other"), &[], Body::Empty);
    assert!(s.watch_ready(id));
    assert_eq!(verbs(&frames(s, &watch)), ["ADDED other", "DELETED one", "DELETED other"]);
    s.now = s.now + Duration::from_secs(61);
    assert_eq!(verbs(&frames(s, &watch)), ["ended"]);
}

#[test]
fn watches_begin_where_they_are_told() {
    let s = &mut server();
    post(s, MAPS, config_map("one"));
    let (_, list) = get(s, MAPS);
    let version = list["metadata"]["resourceVersion"].as_str().unwrap_or_default().to_owned();
    post(s, MAPS, config_map("two"));
    let after = send(s, Method::Get, &format!("{MAPS}?watch=true&resourceVersion={version}"), &[], Body::Empty);
    assert_eq!(verbs(&frames(s, &after)), ["ADDED two"]);
    let target = "watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true";
    let initial = send(s, Method::Get, &format!("{MAPS}?{target}"), &[], Body::Empty);
    let events = frames(s, &initial);
    assert_eq!(verbs(&events), ["ADDED one", "ADDED two", "BOOKMARK"]);
    assert_eq!(events[2].1["metadata"]["annotations"]["k8s.io/initial-events-end"], "true");
    let one = send(
        s,
        Method::Get,
        &format!("{MAPS}?watch=1&fieldSelector=metadata.name=two"),
        &[("accept", TABLE)],
        Body::Empty,
    );
    let events = frames(s, &one);
    assert_eq!(events[0].1["rows"][0]["cells"][0], "two");
    assert!(events[0].1["columnDefinitions"].is_array());
    send(s, Method::Delete, &format!("{MAPS}/two"), &[], Body::Empty);
    let events = frames(s, &one);
    assert_eq!((events[0].0.as_str(), &events[0].1["columnDefinitions"]), ("DELETED", &Value::Null));
}

#[test]
fn nodes_are_asked_only_for_what_exists() {
    let s = &mut server();
    let pods = "/api/v1/namespaces/default/pods";
    let (code, made) = post(s, pods, pod("two", &["a", "b"]));
    assert_eq!(code, 201, "{made}");
    let bad = |why: &str| (400, why.to_owned());
    for (target, expected) in [
        ("nosuch/log", (404, "pods \"nosuch\" not found".to_owned())),
        ("two/log", bad("a container name must be specified for pod two, choose one of: [a b]")),
        ("two/log?container=c", bad("container c is not valid for pod two")),
        ("two/log?container=a", (204, String::new())),
        ("two/exec?container=a&command=ls&stdout=true", bad("pod two does not have a host assigned")),
        ("two/exec?container=a&stdout=true", bad("you must specify at least 1 command for the container")),
    ] {
        let (code, got) = get(s, &format!("{pods}/{target}"));
        assert_eq!((code, got["message"].as_str().unwrap_or_default().to_owned()), expected, "{target}");
    }
    let binding = json!({"apiVersion": "v1", "kind": "Binding", "metadata": {"name": "two"},
        "target": {"kind": "Node", "name": "minikube"}});
    assert_eq!(post(s, &format!("{pods}/two/binding"), binding.clone()).0, 201);
    assert_eq!(
        post(s, &format!("{pods}/two/binding"), binding).1["message"],
        "Operation cannot be fulfilled on pods/binding \"two\": pod two is already assigned to node \"minikube\""
    );
    let (code, asked) = get(s, &format!("{pods}/two/exec?container=b&command=ls&command=-l&stdout=true"));
    assert_eq!((code, asked), (299, json!({"node": "minikube", "container": "b", "command": ["ls", "-l"]})));
}

#[test]
fn scale_is_a_view_of_replicas() {
    let s = &mut server();
    let deployments = "/apis/apps/v1/namespaces/default/deployments";
    let body = json!({"metadata": {"name": "web"}, "spec": {"replicas": 1, "selector": {"matchLabels": {"app": "web"}},
        "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "c", "image": "nginx"}]}}}});
    let (code, made) = post(s, deployments, body);
    assert_eq!(code, 201, "{made}");
    let scale = &format!("{deployments}/web/scale");
    let (_, mut got) = get(s, scale);
    assert_eq!((&got["kind"], &got["spec"]), (&"Scale".into(), &json!({"replicas": 1})));
    assert_eq!(got["status"], json!({"replicas": 0, "selector": "app=web"}));
    got["spec"]["replicas"] = 3.into();
    let put = send(s, Method::Put, scale, &[], Body::Json(got.clone()));
    assert_eq!((put.code, &value(&put)["spec"]["replicas"]), (200, &3.into()));
    assert_eq!(send(s, Method::Put, scale, &[], Body::Json(got)).code, 409, "an old resourceVersion conflicts");
    let merge = [("content-type", "application/merge-patch+json")];
    let patched = send(s, Method::Patch, scale, &merge, Body::Json(json!({"spec": {"replicas": -1}})));
    assert_eq!(
        value(&patched)["message"],
        "Scale.autoscaling \"web\" is invalid: spec.replicas: Invalid value: -1: must be greater than or equal to 0"
    );
    let (_, now) = get(s, &format!("{deployments}/web"));
    assert_eq!((&now["spec"]["replicas"], &now["metadata"]["generation"]), (&3.into(), &2.into()));
}

#[test]
fn users_are_known_and_held_to_what_they_may() {
    let s = &mut server();
    let (_, me) = post(s, "/apis/authentication.k8s.io/v1/selfsubjectreviews", json!({}));
    assert_eq!(me["status"]["userInfo"]["username"], "minikube-user");
    let review = json!({"spec": {"resourceAttributes": {"verb": "list", "resource": "pods"}}});
    let (code, answer) = post(s, "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", review);
    assert_eq!((code, &answer["status"]["allowed"]), (201, &true.into()));
    let accounts = "/api/v1/namespaces/default/serviceaccounts";
    post(s, accounts, json!({"metadata": {"name": "bot"}}));
    let (code, token) = post(s, &format!("{accounts}/bot/token"), json!({"spec": {"expirationSeconds": 600}}));
    let token = format!("Bearer {}", token["status"]["token"].as_str().unwrap_or_default());
    assert_eq!(code, 201);
    let refused = send(s, Method::Get, "/api/v1/namespaces/default/secrets", &[("authorization", &token)], Body::Empty);
    assert_eq!(
        value(&refused)["message"],
        "secrets is forbidden: User \"system:serviceaccount:default:bot\" cannot list resource \"secrets\" in API group \
         \"\" in the namespace \"default\""
    );
    let ask = json!({"spec": {"resourceAttributes": {"verb": "delete", "resource": "pods", "namespace": "default"}}});
    let path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
    let answer = send(s, Method::Post, path, &[("impersonate-user", "jane")], Body::Json(ask));
    assert_eq!((answer.code, &value(&answer)["status"]["allowed"]), (201, &false.into()), "anybody may ask");
    s.now = s.now + Duration::from_secs(601);
    for header in [token.as_str(), "Bearer forged.token.x", "Basic x"] {
        let late = send(s, Method::Get, MAPS, &[("authorization", header)], Body::Empty);
        assert_eq!((late.code, &value(&late)["message"]), (401, &"Unauthorized".into()), "{header}");
    }
}

#[test]
fn discovery_lists_what_exists() {
    let s = &mut server();
    let (_, apps) = get(s, "/apis/apps");
    let preferred = json!({"groupVersion": "apps/v1", "version": "v1"});
    assert_eq!(
        apps,
        json!({"kind": "APIGroup", "apiVersion": "v1", "name": "apps", "versions": [preferred], "preferredVersion": preferred})
    );
    let accept = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json";
    let list = value(&send(s, Method::Get, "/api", &[("accept", accept)], Body::Empty));
    let resources = list["items"][0]["versions"][0]["resources"].as_array().cloned().unwrap_or_default();
    let pods = resources.iter().find(|r| r["resource"] == "pods").cloned().unwrap_or_default();
    assert_eq!((&pods["responseKind"]["kind"], &pods["shortNames"]), (&"Pod".into(), &json!(["po"])));
    assert!(pods["subresources"].as_array().is_some_and(|l| l.iter().any(|r| r["subresource"] == "log")));
    for resource in resources.iter().filter(|r| r["verbs"].as_array().is_some_and(|v| v.contains(&"list".into()))) {
        let name = resource["resource"].as_str().unwrap_or_default();
        assert_eq!(get(s, &format!("/api/v1/{name}")).0, 200, "{name} is listed, so it can be listed");
    }
    assert_eq!(get(s, "/apis/nosuch/v1"), (404, "404 page not found\n".into()));
    assert_eq!(get(s, "/healthz"), (200, "ok".into()));
}

#[test]
fn junk_never_harms() {
    let s = &mut server();
    post(s, "/api/v1/namespaces/default/pods", pod("web", &["c"]));
    post(s, MAPS, config_map("one"));
    let parts = [
        "api",
        "apis",
        "v1",
        "apps",
        "namespaces",
        "default",
        "pods",
        "web",
        "configmaps",
        "one",
        "log",
        "exec",
        "scale",
        "status",
        "watch",
        "proxy",
        "binding",
        "eviction",
        "token",
        "",
        "..",
        "%00",
        "ü",
        "openapi",
        "v3",
        "deployments",
    ];
    let targets = [
        "/api/v1/namespaces/default/pods/web",
        "/api/v1/namespaces/default/configmaps/one",
        "/api/v1/namespaces/default",
        "/apis/apps/v1/namespaces/default/deployments/web",
        "/api/v1/namespaces/default/serviceaccounts",
    ];
    let queries = [
        ("fieldManager", "me"),
        ("limit", "-1"),
        ("limit", "9999999999999999999"),
        ("continue", "e30"),
        ("continue", "eyJ2IjoibWV0YS5rOHMuaW8vdjEifQ"),
        ("watch", "1"),
        ("fieldSelector", ",,="),
        ("labelSelector", "((("),
        ("resourceVersion", "-5"),
        ("tailLines", "x"),
        ("dryRun", ""),
        ("timeoutSeconds", "-9223372036854775808"),
        ("container", "\u{0}"),
        ("ports", "99999"),
        ("sinceTime", "x"),
    ];
    let bodies = [
        "",
        "null",
        "[]",
        "{",
        "{}",
        "\"x\"",
        "{\"metadata\":[]}",
        "{\"metadata\":{\"name\":{}}}",
        "{\"spec\":null}",
        "{\"spec\":{\"replicas\":1e99}}",
        "[{\"op\":\"copy\"}]",
        "[{\"op\":\"add\",\"path\":\"/a/b\",\"value\":1}]",
        "\u{fffd}",
        "{\"$patch\":\"replace\"}",
        "{\"target\":{\"name\":7}}",
        "{\"metadata\":{\"annotations\":{\"a\":null}}}",
        "a: &a [*a]",
    ];
    let media = [
        "",
        "application/json",
        "application/yaml",
        "application/json-patch+json",
        "application/merge-patch+json",
        "application/strategic-merge-patch+json",
        "application/apply-patch+yaml",
        ";",
        "x/y",
    ];
    let methods =
        [Method::Get, Method::Post, Method::Put, Method::Patch, Method::Delete, Method::Options, Method::Head];
    let mut rng = apimachinery::rng::Rng::derive(7, "junk", "", 0);
    let mut pick = |n: usize| rng.below(n as u64) as usize;
    for _ in 0..20_000 {
        let mut path: String = (0..pick(8)).map(|_| format!("/{}", parts[pick(parts.len())])).collect();
        if pick(2) == 0 {
            path = format!("{}{}", targets[pick(targets.len())], ["", "/status", "/scale", "/log"][pick(4)]);
        }
        let mut request = Request::new(methods[pick(methods.len())], path);
        for _ in 0..pick(3) {
            let (name, value) = queries[pick(queries.len())];
            request = request.query(name, value);
        }
        request = request.header("content-type", media[pick(media.len())]);
        request.body = Body::Bytes(bodies[pick(bodies.len())].into());
        if let Outcome::Done(Response { code, body, .. }) = s.handle(request) {
            assert!((200..600).contains(&code));
            if let Reply::Stream(id) = body {
                s.stream_read(id);
                s.stream_close(id);
            }
        }
    }
}
