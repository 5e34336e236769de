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

pub(super) fn plain(code: u16, text: impl Into<String>) -> Response {
    let mut response = Response::text(code, text);
    response.headers.push(("content-type".into(), "text/plain; charset=utf-8".into()));
    response
}

pub(super) fn page_not_found() -> Response {
    plain(404, "404 page not found\n")
}

pub(super) fn health(call: &Call, name: &str, check: &str) -> Response {
    if !check.is_empty() {
        return if CHECKS.contains(&check) { plain(200, "ok") } else { page_not_found() };
    }
    if call.request.param("verbose").is_none() {
        return plain(200, "ok");
    }
    let mut out = String::new();
    for check in CHECKS {
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
    Response::json(
        200,
        json!({"major": major, "minor": minor, "emulationMajor": major, "emulationMinor": minor,
            "minCompatibilityMajor": major, "minCompatibilityMinor": previous,
            "gitVersion": version, "gitCommit": "kaiki", "gitTreeState": "clean",
            "buildDate": "2026-01-01T00:00:00Z", "goVersion": "none", "compiler": "rustc", "platform": "linux/amd64"}),
    )
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
