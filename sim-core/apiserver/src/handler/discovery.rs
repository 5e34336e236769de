//! Discovery: which groups, versions and resources there are, in the legacy and in the aggregated form, generated from
//! the registry.
//!
//! Models: apiserver `pkg/endpoints/discovery`, kube-aggregator. What is listed exists; what exists is listed.

use super::negotiate::{Clause, clauses, error_encoding};
use super::{Answer, Call, health, render, review};
use crate::ApiServer;
use crate::registry::KindInfo;
use apimachinery::http::Response;
use apimachinery::order::Order as _;
use apimachinery::status::Status;
use serde_json::{Map, Value, json};

/// Groups in the order in which a client should look for a resource; those unknown here come last, by name.
const GROUP_ORDER: [&str; 20] = [
    "",
    "apiregistration.k8s.io",
    "apps",
    "events.k8s.io",
    "authentication.k8s.io",
    "authorization.k8s.io",
    "autoscaling",
    "batch",
    "certificates.k8s.io",
    "networking.k8s.io",
    "policy",
    "rbac.authorization.k8s.io",
    "storage.k8s.io",
    "admissionregistration.k8s.io",
    "apiextensions.k8s.io",
    "scheduling.k8s.io",
    "coordination.k8s.io",
    "node.k8s.io",
    "discovery.k8s.io",
    "flowcontrol.apiserver.k8s.io",
];

const ALL_VERBS: [&str; 8] = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];

/// One resource or subresource as discovery tells it.
struct Resource {
    /// `pods`, `pods/log`
    name: String,
    singular: String,
    namespaced: bool,
    kind: String,
    /// Only where it differs from the group version it is served under.
    other: Option<(&'static str, &'static str)>,
    verbs: Vec<String>,
    short_names: Vec<String>,
    categories: Vec<String>,
}

/// Every group version that serves something, in discovery's order.
pub(super) fn group_versions(server: &ApiServer) -> Vec<(String, String)> {
    let mut out: Vec<(String, String)> = server
        .kinds()
        .map(|(_, k)| (k.info().group.to_owned(), k.info().version.to_owned()))
        .chain(review::VIRTUAL.iter().map(|v| (v.group.to_owned(), v.version.to_owned())))
        .collect();
    out.order_by(|a, b| order(a).cmp(&order(b)));
    out.dedup();
    out
}

/// Within a group: stable versions before beta and alpha, newer before older.
fn order(gv: &(String, String)) -> (usize, &str, core::cmp::Reverse<(u8, u32, u32)>) {
    let place = GROUP_ORDER.iter().position(|g| *g == gv.0).unwrap_or(GROUP_ORDER.len());
    (place, gv.0.as_str(), core::cmp::Reverse(version_rank(&gv.1)))
}

/// `v1` > `v1beta2` > `v1beta1` > `v1alpha1`.
fn version_rank(version: &str) -> (u8, u32, u32) {
    let text = version.strip_prefix('v').unwrap_or(version);
    let number = |s: &str| s.parse::<u32>().unwrap_or(0);
    if let Some((major, minor)) = text.split_once("beta") {
        (1, number(major), number(minor))
    } else if let Some((major, minor)) = text.split_once("alpha") {
        (0, number(major), number(minor))
    } else {
        (2, number(text), 0)
    }
}

fn group_version(group: &str, version: &str) -> String {
    if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") }
}

/// The resources of a group version, subresources after their parents, by name.
fn resources(server: &ApiServer, group: &str, version: &str) -> Vec<Resource> {
    let mut out = Vec::new();
    for (_, kind) in server.kinds() {
        let info = kind.info();
        if info.group != group || info.version != version {
            continue;
        }
        let verbs: &[&str] = if info.verbs.is_empty() { &ALL_VERBS } else { info.verbs };
        out.push(Resource {
            name: info.plural.to_owned(),
            singular: info.singular.to_owned(),
            namespaced: info.namespaced,
            kind: info.kind.to_owned(),
            other: None,
            verbs: owned(verbs),
            short_names: owned(info.short_names),
            categories: owned(info.categories),
        });
        out.extend(info.subresources.iter().map(|sub| subresource(info, sub)));
    }
    for v in review::VIRTUAL.iter().filter(|v| v.group == group && v.version == version) {
        out.push(Resource {
            name: v.plural.to_owned(),
            singular: v.singular.to_owned(),
            namespaced: v.namespaced,
            kind: v.kind.to_owned(),
            other: None,
            verbs: owned(&["create"]),
            short_names: Vec::new(),
            categories: Vec::new(),
        });
    }
    out.order_by(|a, b| a.name.cmp(&b.name));
    out
}

fn owned(words: &[&str]) -> Vec<String> {
    words.iter().map(|w| (*w).to_owned()).collect()
}

fn subresource(info: &KindInfo, sub: &str) -> Resource {
    type Other = Option<(&'static str, &'static str)>;
    const READ_WRITE: &[&str] = &["get", "patch", "update"];
    const PROXY: &[&str] = &["create", "delete", "get", "patch", "update"];
    let (kind, other, verbs): (&str, Other, &[&str]) = match (info.plural, sub) {
        (_, "scale") => ("Scale", Some(("autoscaling", "v1")), READ_WRITE),
        (_, "eviction") => ("Eviction", Some(("policy", "v1")), &["create"]),
        (_, "token") => ("TokenRequest", Some(("authentication.k8s.io", "v1")), &["create"]),
        (_, "binding") => ("Binding", None, &["create"]),
        (_, "log") => (info.kind, None, &["get"]),
        (_, "exec") => ("PodExecOptions", None, &["create", "get"]),
        (_, "attach") => ("PodAttachOptions", None, &["create", "get"]),
        (_, "portforward") => ("PodPortForwardOptions", None, &["create", "get"]),
        ("nodes", "proxy") => ("NodeProxyOptions", None, PROXY),
        ("services", "proxy") => ("ServiceProxyOptions", None, PROXY),
        (_, "proxy") => ("PodProxyOptions", None, PROXY),
        (_, "finalize") => (info.kind, None, &["update"]),
        _ => (info.kind, None, READ_WRITE),
    };
    Resource {
        name: format!("{}/{sub}", info.plural),
        singular: String::new(),
        namespaced: info.namespaced,
        kind: kind.to_owned(),
        other,
        verbs: owned(verbs),
        short_names: Vec::new(),
        categories: Vec::new(),
    }
}

/// Whether the client asks for aggregated discovery, and in which version.
fn aggregated(call: &Call) -> Option<&'static str> {
    let header = call.request.header_value("accept").unwrap_or_default();
    for clause in &clauses(header) {
        if !matches!(clause.media, "application/json" | "*/*" | "application/*") {
            continue;
        }
        let param = |name: &str| Clause::param(clause, name);
        match (param("as"), param("g"), param("v")) {
            ("APIGroupDiscoveryList", "apidiscovery.k8s.io", "v2") => return Some("v2"),
            ("APIGroupDiscoveryList", "apidiscovery.k8s.io", "v2beta1") => return Some("v2beta1"),
            ("", ..) => return None,
            _ => {}
        }
    }
    None
}

pub(super) fn api(server: &ApiServer, call: &Call) -> Result<Answer, Status> {
    if let Some(version) = aggregated(call) {
        return Ok(Answer::Done(discovery_list(server, version, |group| group.is_empty())));
    }
    let address = format!("{}:{}", server.config.address, server.config.port);
    answer(
        call,
        json!({"kind": "APIVersions", "versions": ["v1"],
            "serverAddressByClientCIDRs": [{"clientCIDR": "0.0.0.0/0", "serverAddress": address}]}),
    )
}

pub(super) fn apis(server: &ApiServer, call: &Call) -> Result<Answer, Status> {
    if let Some(version) = aggregated(call) {
        return Ok(Answer::Done(discovery_list(server, version, |group| !group.is_empty())));
    }
    let mut groups: Vec<Value> = Vec::new();
    let versions = group_versions(server);
    for chunk in versions.chunk_by(|a, b| a.0 == b.0).filter(|c| !c[0].0.is_empty()) {
        groups.push(api_group(chunk));
    }
    answer(call, json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}))
}

fn api_group(versions: &[(String, String)]) -> Value {
    let list: Vec<Value> = versions
        .iter()
        .map(|(group, version)| json!({"groupVersion": group_version(group, version), "version": version}))
        .collect();
    json!({"name": versions[0].0, "preferredVersion": list[0], "versions": list})
}

pub(super) fn group(server: &ApiServer, call: &Call, group: &str) -> Result<Answer, Status> {
    let versions: Vec<_> = group_versions(server).into_iter().filter(|(g, _)| g == group).collect();
    if versions.is_empty() || group.is_empty() {
        return Ok(Answer::Done(health::page_not_found()));
    }
    let mut value = api_group(&versions);
    value["kind"] = "APIGroup".into();
    value["apiVersion"] = "v1".into();
    answer(call, value)
}

pub(super) fn version(server: &ApiServer, call: &Call, group: &str, version: &str) -> Result<Answer, Status> {
    let resources = resources(server, group, version);
    if resources.is_empty() {
        return Ok(Answer::Done(health::page_not_found()));
    }
    let list: Vec<Value> = resources.iter().map(api_resource).collect();
    answer(
        call,
        json!({"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": group_version(group, version),
            "resources": list}),
    )
}

fn answer(call: &Call, value: Value) -> Result<Answer, Status> {
    Ok(Answer::Done(render::encode(error_encoding(call), 200, value)))
}

fn api_resource(r: &Resource) -> Value {
    let mut out = json!({"name": r.name, "singularName": r.singular, "namespaced": r.namespaced, "kind": r.kind,
        "verbs": r.verbs});
    if let Some((group, version)) = r.other {
        out["group"] = group.into();
        out["version"] = version.into();
    }
    for (key, words) in [("shortNames", &r.short_names), ("categories", &r.categories)] {
        if !words.is_empty() {
            out[key] = words.clone().into();
        }
    }
    out
}

/// `APIGroupDiscoveryList`: everything in one answer.
fn discovery_list(server: &ApiServer, version: &str, wanted: impl Fn(&str) -> bool) -> Response {
    let all = group_versions(server);
    let items: Vec<Value> = all
        .chunk_by(|a, b| a.0 == b.0)
        .filter(|chunk| wanted(&chunk[0].0))
        .map(|chunk| {
            let versions: Vec<Value> = chunk
                .iter()
                .map(|(group, version)| {
                    json!({"version": version, "freshness": "Current",
                        "resources": discovery_resources(group, version, &resources(server, group, version))})
                })
                .collect();
            let mut metadata = Map::new();
            if !chunk[0].0.is_empty() {
                metadata.insert("name".into(), chunk[0].0.as_str().into());
            }
            json!({"metadata": metadata, "versions": versions})
        })
        .collect();
    let list = json!({"kind": "APIGroupDiscoveryList", "apiVersion": format!("apidiscovery.k8s.io/{version}"),
        "metadata": {}, "items": items});
    let mut response = Response::json(200, list);
    let media = format!("application/json;g=apidiscovery.k8s.io;v={version};as=APIGroupDiscoveryList");
    response.headers.push(("content-type".into(), media));
    response
}

fn discovery_resources(group: &str, version: &str, resources: &[Resource]) -> Vec<Value> {
    let response_kind = |r: &Resource| {
        let (group, version) = r.other.unwrap_or((group, version));
        json!({"group": group, "version": version, "kind": r.kind})
    };
    resources
        .iter()
        .filter(|r| !r.name.contains('/'))
        .map(|r| {
            let mut out = json!({"resource": r.name, "singularResource": r.singular, "verbs": r.verbs,
                "scope": if r.namespaced { "Namespaced" } else { "Cluster" }, "responseKind": response_kind(r)});
            for (key, words) in [("shortNames", &r.short_names), ("categories", &r.categories)] {
                if !words.is_empty() {
                    out[key] = words.clone().into();
                }
            }
            let prefix = format!("{}/", r.name);
            let subs: Vec<Value> = resources
                .iter()
                .filter_map(|s| {
                    let name = s.name.strip_prefix(&prefix)?;
                    Some(json!({"subresource": name, "responseKind": response_kind(s), "verbs": s.verbs}))
                })
                .collect();
            if !subs.is_empty() {
                out["subresources"] = subs.into();
            }
            out
        })
        .collect()
}

/// `/`: the paths there are.
pub(super) fn root(server: &ApiServer) -> Response {
    let mut paths: Vec<String> = vec!["/api".into(), "/apis".into()];
    for (group, version) in group_versions(server) {
        if group.is_empty() {
            paths.push(format!("/api/{version}"));
        } else {
            paths.push(format!("/apis/{group}"));
            paths.push(format!("/apis/{group}/{version}"));
        }
    }
    paths.extend(
        ["/healthz", "/livez", "/metrics", "/openapi/v2", "/openapi/v3", "/readyz", "/version"].map(String::from),
    );
    paths.order();
    paths.dedup();
    Response::json(200, json!({"paths": paths}))
}
