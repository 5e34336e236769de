//! Where a request goes: paths taken apart.
//!
//! Models: apiserver `pkg/endpoints/request.RequestInfoFactory`.

use super::Call;
use apimachinery::http::Method;

pub(super) enum Route<'p> {
    Root,
    /// `/api`
    Api,
    /// `/apis`
    Apis,
    /// `/apis/apps`
    Group(&'p str),
    /// `/api/v1`, `/apis/apps/v1`
    Version {
        group: &'p str,
        version: &'p str,
    },
    Resource(ResourcePath<'p>),
    ServerVersion,
    /// `/healthz`, `/livez`, `/readyz`, or one check of theirs.
    Health {
        name: &'p str,
        check: &'p str,
    },
    Metrics,
    /// `/openapi/…`
    OpenApi(&'p str),
    Unknown,
}

/// `/apis/<group>/<version>[/watch][/namespaces/<namespace>]/<resource>[/<name>[/<subresource>[/<subpath>]]]`
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct ResourcePath<'p> {
    pub group: &'p str,
    pub version: &'p str,
    pub namespace: &'p str,
    pub resource: &'p str,
    pub name: &'p str,
    pub subresource: &'p str,
    pub subpath: &'p str,
    /// The legacy form `/api/v1/watch/…`.
    pub watch: bool,
}

/// Splits off the first segment: the segment and the rest without its leading slash.
fn segment(path: &str) -> (&str, &str) {
    path.split_once('/').map_or((path, ""), |(head, rest)| (head, rest.trim_start_matches('/')))
}

pub(super) fn parse(path: &str) -> Route<'_> {
    let path = path.trim_start_matches('/');
    let (head, rest) = segment(path);
    match head {
        "" => Route::Root,
        "version" if rest.is_empty() => Route::ServerVersion,
        "healthz" | "livez" | "readyz" => Route::Health { name: head, check: rest },
        "metrics" if rest.is_empty() => Route::Metrics,
        "openapi" => Route::OpenApi(rest),
        "api" if rest.is_empty() => Route::Api,
        "apis" if rest.is_empty() => Route::Apis,
        "api" => versioned("", rest),
        "apis" => {
            let (group, rest) = segment(rest);
            if rest.is_empty() { Route::Group(group) } else { versioned(group, rest) }
        }
        _ => Route::Unknown,
    }
}

fn versioned<'p>(group: &'p str, rest: &'p str) -> Route<'p> {
    let (version, rest) = segment(rest);
    if rest.is_empty() {
        return Route::Version { group, version };
    }
    let mut out = ResourcePath { group, version, ..ResourcePath::default() };
    let mut rest = rest;
    if let ("watch", after) = segment(rest)
        && !after.is_empty()
    {
        out.watch = true;
        rest = after;
    }
    if let ("namespaces", after) = segment(rest)
        && group.is_empty() | !after.is_empty()
    {
        let (namespace, after_name) = segment(after);
        let (next, _) = segment(after_name);
        let of_namespace = group.is_empty() && matches!(next, "status" | "finalize");
        if !next.is_empty() && !of_namespace {
            out.namespace = namespace;
            rest = after_name;
        }
    }
    (out.resource, rest) = segment(rest);
    (out.name, rest) = segment(rest);
    (out.subresource, out.subpath) = segment(rest);
    Route::Resource(out)
}

impl ResourcePath<'_> {
    /// The verb as authorization knows it.
    pub(super) fn verb(&self, call: &Call) -> &'static str {
        let collection = self.name.is_empty();
        match call.method {
            Method::Get | Method::Head if self.watch => "watch",
            Method::Get | Method::Head if self.subresource.is_empty() && super::options::flag(call, "watch") => "watch",
            Method::Get | Method::Head if collection => "list",
            Method::Get | Method::Head => "get",
            Method::Post => "create",
            Method::Put => "update",
            Method::Patch => "patch",
            Method::Delete if collection => "deletecollection",
            Method::Delete => "delete",
            Method::Options => "options",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(path: &str, expected: [&str; 7]) {
        let Route::Resource(r) = parse(path) else { panic!("{path} is a resource") };
        assert_eq!([r.group, r.version, r.namespace, r.resource, r.name, r.subresource, r.subpath], expected, "{path}");
    }

    #[test]
    fn resources() {
        check("/api/v1/pods", ["", "v1", "", "pods", "", "", ""]);
        check("/api/v1/namespaces/default/pods/web/log", ["", "v1", "default", "pods", "web", "log", ""]);
        check("/api/v1/namespaces/default", ["", "v1", "", "namespaces", "default", "", ""]);
        check("/api/v1/namespaces/default/finalize", ["", "v1", "", "namespaces", "default", "finalize", ""]);
        check("/api/v1/watch/namespaces/default/pods", ["", "v1", "default", "pods", "", "", ""]);
        check(
            "/apis/apps/v1/namespaces/n/deployments/web/scale",
            ["apps", "v1", "n", "deployments", "web", "scale", ""],
        );
        check("/api/v1/namespaces/n/services/s:80/proxy/a/b", ["", "v1", "n", "services", "s:80", "proxy", "a/b"]);
    }
}
