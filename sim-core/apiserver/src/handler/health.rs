//! Health, version and metrics of the server itself.
//!
//! Models: apiserver `pkg/server/healthz`, `pkg/version`.

use super::Call;
use crate::ApiServer;
use apimachinery::http::Response;
use core::fmt::Write as _;
use serde_json::json;

/// The checks of the simulated server; its parts cannot fail on their own yet.
const CHECKS: [&str; 3] = ["ping", "log", "etcd"];

/// What only readiness asks, after the checks above.
const READY_CHECKS: [&str; 2] = ["etcd-readiness", "informer-sync"];

/// What the server does at its start, in the order in which it says that it is done.
const HOOKS: [&str; 29] = [
    "poststarthook/start-apiserver-admission-initializer",
    "poststarthook/generic-apiserver-start-informers",
    "poststarthook/priority-and-fairness-config-consumer",
    "poststarthook/priority-and-fairness-filter",
    "poststarthook/storage-object-count-tracker-hook",
    "poststarthook/start-apiextensions-informers",
    "poststarthook/start-apiextensions-controllers",
    "poststarthook/crd-informer-synced",
    "poststarthook/start-system-namespaces-controller",
    "poststarthook/start-cluster-authentication-info-controller",
    "poststarthook/start-kube-apiserver-identity-lease-controller",
    "poststarthook/start-kube-apiserver-identity-lease-garbage-collector",
    "poststarthook/start-legacy-token-tracking-controller",
    "poststarthook/start-service-ip-repair-controllers",
    "poststarthook/rbac/bootstrap-roles",
    "poststarthook/scheduling/bootstrap-system-priority-classes",
    "poststarthook/priority-and-fairness-config-producer",
    "poststarthook/bootstrap-controller",
    "poststarthook/start-kubernetes-service-cidr-controller",
    "poststarthook/aggregator-reload-proxy-client-cert",
    "poststarthook/start-kube-aggregator-informers",
    "poststarthook/apiservice-status-local-available-controller",
    "poststarthook/apiservice-status-remote-available-controller",
    "poststarthook/apiservice-registration-controller",
    "poststarthook/apiservice-discovery-controller",
    "poststarthook/kube-apiserver-autoregistration",
    "autoregister-completion",
    "poststarthook/apiservice-openapi-controller",
    "poststarthook/apiservice-openapiv3-controller",
];

pub(super) fn plain(code: u16, text: impl Into<String>) -> Response {
    let mut response = Response::text(code, text);
    response.headers.push(("content-type".into(), "text/plain; charset=utf-8".into()));
    response
}

pub(super) fn page_not_found() -> Response {
    plain(404, "404 page not found\n")
}

pub(super) fn health(call: &Call, name: &str, check: &str) -> Response {
    let ready = name == "readyz";
    let extra = if ready { READY_CHECKS.as_slice() } else { &[] };
    let end = if ready { ["shutdown"].as_slice() } else { &[] };
    let checks = || CHECKS.iter().chain(extra).chain(&HOOKS).chain(end);
    if !check.is_empty() {
        return if checks().any(|c| *c == check) { plain(200, "ok") } else { page_not_found() };
    }
    if call.request.param("verbose").is_none() {
        return plain(200, "ok");
    }
    let mut out = String::new();
    for check in checks() {
        let _ = writeln!(out, "[+]{check} ok");
    }
    let _ = writeln!(out, "{name} check passed");
    plain(200, out)
}

pub(super) fn version(server: &ApiServer) -> Response {
    let version = &server.config.version;
    let mut numbers = version.trim_start_matches('v').split('.');
    let (major, minor) = (numbers.next().unwrap_or_default(), numbers.next().unwrap_or_default());
    let previous = minor.parse::<u32>().map_or(String::new(), |m| m.saturating_sub(1).to_string());
    // Written by a handler of its own, which does not ask who reads.
    let value = json!({"major": major, "minor": minor, "emulationMajor": major, "emulationMinor": minor,
            "minCompatibilityMajor": major, "minCompatibilityMinor": previous,
            "gitVersion": version, "gitCommit": "kaiki", "gitTreeState": "clean",
            "buildDate": "2026-01-01T00:00:00Z", "goVersion": "none", "compiler": "rustc", "platform": "linux/amd64"});
    let mut response = Response::text(200, apimachinery::json::wire(&value, true));
    response.headers.push(("content-type".into(), "application/json".into()));
    response
}

/// How many objects of each kind are stored, as Prometheus reads it.
pub(super) fn metrics(server: &ApiServer) -> Response {
    let mut out = String::from("# TYPE apiserver_storage_objects gauge\n");
    for (id, kind) in server.kinds() {
        let info = kind.info();
        let resource = apimachinery::status::qualified(info.group, info.plural);
        let _ = writeln!(out, "apiserver_storage_objects{{resource=\"{resource}\"}} {}", server.storage.count(id));
    }
    plain(200, out)
}
