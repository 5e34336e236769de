//! Who asks, and whether they may.
//!
//! Models: apiserver `pkg/authentication`, `pkg/authorization`. Inside the process a request without credentials is the
//! cluster's administrator's, as with the kubeconfig that minikube wrote.

use super::{Call, Scope, rbac};
use crate::ApiServer;
use apimachinery::http::Request;
use apimachinery::status::Status;

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

/// Whether `user` may.
pub(super) fn allowed(server: &ApiServer, user: &User, attributes: &Attributes<'_>) -> bool {
    user.is_in("system:masters") || rbac::rules_for(server, user, attributes.namespace).allow(attributes)
}

pub(super) fn authorize(server: &ApiServer, user: &User, attributes: &Attributes<'_>) -> Result<(), Status> {
    if user.is_in("system:masters") {
        return Ok(());
    }
    let rules = rbac::rules_for(server, user, attributes.namespace);
    if rules.allow(attributes) {
        return Ok(());
    }
    let Attributes { verb, group, resource, subresource, namespace, name } = *attributes;
    let what = if subresource.is_empty() { resource.to_owned() } else { format!("{resource}/{subresource}") };
    let scope = if namespace.is_empty() {
        "at the cluster scope".to_owned()
    } else {
        format!("in the namespace \"{namespace}\"")
    };
    let reason = rules.reason();
    let why =
        format!("User \"{}\" cannot {verb} resource \"{what}\" in API group \"{group}\" {scope}{reason}", user.name);
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

/// Whether `user` may ask for a path without resources.
pub(super) fn allowed_path(server: &ApiServer, user: &User, verb: &str, path: &str) -> bool {
    user.is_in("system:masters") || rbac::rules_for(server, user, "").allow_path(verb, path)
}

pub(super) fn authorize_path(server: &ApiServer, call: &Call) -> Result<(), Status> {
    let verb = call.method.as_str().to_lowercase();
    let path = call.request.path.as_str();
    if allowed_path(server, &call.user, &verb, path) {
        return Ok(());
    }
    let why = format!("forbidden: User \"{}\" cannot {verb} path \"{path}\"", call.user.name);
    let mut status = Status::new(403, "Forbidden", why);
    status.details = Some(Box::default());
    Err(status)
}
