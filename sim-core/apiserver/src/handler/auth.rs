//! Who asks, and whether they may.
//!
//! Models: apiserver `pkg/authentication`, `pkg/authorization`. Inside the process a request without credentials is the
//! cluster's administrator's, as with the kubeconfig that minikube wrote.

use super::{Call, Scope};
use crate::ApiServer;
use apimachinery::http::Request;
use apimachinery::status::Status;
use serde_json::{Value, json};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    pub name: String,
    pub uid: String,
    pub groups: Vec<String>,
}

impl Default for User {
    fn default() -> Self {
        Self {
            name: "minikube-user".into(),
            uid: "minikube-user".into(),
            groups: vec!["system:masters".into(), "system:authenticated".into()],
        }
    }
}

impl User {
    fn anonymous() -> Self {
        Self { name: "system:anonymous".into(), uid: String::new(), groups: vec!["system:unauthenticated".into()] }
    }

    pub(crate) fn service_account(namespace: &str, name: &str, uid: &str) -> Self {
        Self {
            name: format!("system:serviceaccount:{namespace}:{name}"),
            uid: uid.to_owned(),
            groups: vec![
                "system:serviceaccounts".into(),
                format!("system:serviceaccounts:{namespace}"),
                "system:authenticated".into(),
            ],
        }
    }

    fn is_in(&self, group: &str) -> bool {
        self.groups.iter().any(|g| g == group)
    }
}

/// What somebody wants to do.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Attributes<'a> {
    pub verb: &'a str,
    pub group: &'a str,
    pub resource: &'a str,
    pub subresource: &'a str,
    pub namespace: &'a str,
    pub name: &'a str,
}

pub(super) fn authenticate(request: &Request, server: &ApiServer) -> Result<User, Status> {
    let user = match request.header_value("authorization") {
        None if request.header_value("x-kaiki-anonymous").is_some() => User::anonymous(),
        None => User::default(),
        Some(header) => {
            let token = header.strip_prefix("Bearer ").map(str::trim).unwrap_or_default();
            super::review::token_user(server, token).ok_or_else(Status::unauthorized)?
        }
    };
    impersonate(server, request, user)
}

/// `kubectl --as`, `--as-group`.
fn impersonate(server: &ApiServer, request: &Request, user: User) -> Result<User, Status> {
    let Some(name) = request.header_value("impersonate-user") else { return Ok(user) };
    let attributes = Attributes { verb: "impersonate", resource: "users", name, ..Attributes::default() };
    authorize(server, &user, &attributes)?;
    let mut groups: Vec<String> =
        request.headers.iter().filter(|(n, _)| n == "impersonate-group").map(|(_, v)| v.clone()).collect();
    if let Some((namespace, account)) = name.strip_prefix("system:serviceaccount:").and_then(|n| n.split_once(':')) {
        let mut user = User::service_account(namespace, account, "");
        if groups.is_empty() {
            groups.append(&mut user.groups);
        }
    }
    let everyone = if name == "system:anonymous" { "system:unauthenticated" } else { "system:authenticated" };
    if !groups.iter().any(|g| g == everyone) {
        groups.push(everyone.into());
    }
    let uid = request.header_value("impersonate-uid").unwrap_or_default().to_owned();
    Ok(User { name: name.to_owned(), uid, groups })
}

/// Whether `user` may; the reason otherwise. The seam for roles and bindings.
pub(super) fn allowed(server: &ApiServer, user: &User, attributes: &Attributes<'_>) -> bool {
    let _ = (server, attributes);
    user.is_in("system:masters")
}

pub(super) fn authorize(server: &ApiServer, user: &User, attributes: &Attributes<'_>) -> Result<(), Status> {
    if allowed(server, user, attributes) {
        return Ok(());
    }
    let Attributes { verb, group, resource, subresource, namespace, name } = *attributes;
    let what = if subresource.is_empty() { resource.to_owned() } else { format!("{resource}/{subresource}") };
    let scope = if namespace.is_empty() {
        "at the cluster scope".to_owned()
    } else {
        format!("in the namespace \"{namespace}\"")
    };
    let why = format!("User \"{}\" cannot {verb} resource \"{what}\" in API group \"{group}\" {scope}", user.name);
    Err(Status::forbidden(group, resource, name, &why))
}

/// An update that makes the object needs the right to create it.
pub(super) fn authorize_create(server: &ApiServer, call: &Call, scope: &Scope) -> Result<(), Status> {
    let attributes = Attributes {
        verb: "create",
        group: scope.group(),
        resource: scope.resource(),
        subresource: &scope.subresource,
        namespace: &scope.namespace,
        name: &scope.name,
    };
    authorize(server, &call.user, &attributes)
}

/// Paths that anybody may ask for, and those for everybody who is somebody.
const PUBLIC: [&str; 4] = ["/version", "/healthz", "/livez", "/readyz"];
const DISCOVERY: [&str; 3] = ["/api", "/apis", "/openapi"];

/// Whether `user` may ask for a path without resources.
pub(super) fn allowed_path(user: &User, verb: &str, path: &str) -> bool {
    let below = |roots: &[&str]| {
        roots.iter().any(|r| path.strip_prefix(r).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
    };
    user.is_in("system:masters")
        || (verb == "get" && (below(&PUBLIC) || (user.is_in("system:authenticated") && below(&DISCOVERY))))
}

pub(super) fn authorize_path(server: &ApiServer, call: &Call) -> Result<(), Status> {
    let _ = server;
    let verb = call.method.as_str().to_lowercase();
    let path = call.request.path.as_str();
    // Health answers whatever the method.
    let asked = if PUBLIC.contains(&path) { "get" } else { verb.as_str() };
    if allowed_path(&call.user, asked, path) {
        return Ok(());
    }
    let why = format!("forbidden: User \"{}\" cannot {verb} path \"{path}\"", call.user.name);
    let mut status = Status::new(403, "Forbidden", why);
    status.details = Some(Box::default());
    Err(status)
}

/// What `user` may do, as a SelfSubjectRulesReview tells it.
pub(super) fn rules(server: &ApiServer, user: &User) -> Value {
    let _ = server;
    let (mut resources, mut paths) = (Vec::new(), Vec::new());
    if user.is_in("system:masters") {
        resources.push(json!({"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}));
        paths.push(json!({"verbs": ["*"], "nonResourceURLs": ["*"]}));
    }
    let roots: Vec<String> = PUBLIC.iter().chain(&DISCOVERY).map(|p| (*p).to_owned()).collect();
    paths.push(json!({"verbs": ["get"], "nonResourceURLs": roots}));
    json!({"resourceRules": resources, "nonResourceRules": paths, "incomplete": false})
}
