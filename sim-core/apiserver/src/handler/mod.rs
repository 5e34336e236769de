//! The one door, HTTP-shaped: requests in, responses out.
//!
//! One file per concern: [`path`] reads where a request goes, [`negotiate`] what the client can read, [`body`] what it
//! sent, [`options`] what it asked for in the query; the verbs are in [`read`], [`write`], [`patch`] and [`delete`].
//! Requests that a node must answer leave as [`Outcome::Node`]. Watches are in [`crate::watch`].
//!
//! Models: apiserver `pkg/endpoints`. Invariant: nothing a client sends makes the server panic or work without bound.

mod apply;
mod auth;
mod base64;
mod body;
mod delete;
mod discovery;
mod eviction;
mod goshape;
mod health;
mod negotiate;
mod node;
mod openapi;
mod options;
mod patch;
mod path;
mod rbac;
mod read;
mod render;
mod review;
mod subresource;
#[cfg(test)]
mod tests;
mod write;

pub use auth::User;
pub(crate) use goshape::view;
pub use node::{NodeOptions, NodeRequest, NodeTarget, NodeVerb};
pub(crate) use read::matches;
pub(crate) use render::table;

use crate::server::{KindRef, Writer};
use crate::storage::KindId;
use crate::{ApiServer, ObjectRef};
use apimachinery::http::{Body, Method, Reply, Request, Response, StreamId};
use apimachinery::status::Status;
use negotiate::Accepted;
use path::{ResourcePath, Route};
use serde_json::Value;

/// What became of a request.
pub enum Outcome {
    Done(Response),
    /// The kubelet of a node answers.
    Node(Box<NodeRequest>),
}

/// One request on its way through the server.
struct Call {
    method: Method,
    /// The request without its body.
    request: Request,
    body: Body,
    user: User,
    warnings: Vec<String>,
}

/// A kind, and which of its objects a request is about.
struct Scope {
    id: KindId,
    kind: KindRef,
    /// Empty: all namespaces, or a kind without.
    namespace: String,
    /// Empty: a collection.
    name: String,
    subresource: String,
    /// What follows the subresource (`proxy` only).
    subpath: String,
}

/// An answer before it is put into the shape that the client wants.
enum Answer {
    Object(u16, ObjectRef),
    List(read::List),
    /// Never a Table: statuses, scales, reviews.
    Value(u16, Value),
    Watch(StreamId),
    Done(Response),
    Node(Box<NodeRequest>),
}

impl Call {
    fn new(mut request: Request) -> Self {
        let body = core::mem::take(&mut request.body);
        Self { method: request.method, request, body, user: User::default(), warnings: Vec::new() }
    }

    /// Who writes: the field manager if the client names one, else the program it says it is.
    fn writer(&self, field_manager: &str) -> Writer {
        Writer::new(&self.manager(field_manager))
    }

    fn manager(&self, field_manager: &str) -> String {
        if !field_manager.is_empty() {
            return field_manager.to_owned();
        }
        let agent = self.request.header_value("user-agent").unwrap_or("kubectl");
        agent.split('/').next().unwrap_or_default().chars().filter(|c| !c.is_control()).take(128).collect()
    }
}

impl Scope {
    fn group(&self) -> &str {
        self.kind.info().group
    }

    fn resource(&self) -> &str {
        self.kind.info().plural
    }

    fn not_found(&self) -> Status {
        Status::not_found(self.group(), self.resource(), &self.name)
    }

    /// A stored object in the version that the request speaks.
    fn spoken(&self, object: &ObjectRef) -> ObjectRef {
        match self.kind.custom() {
            Some(kind) => kind.spoken(object),
            None => ObjectRef::clone(object),
        }
    }

    /// The namespace to look in; `None` for all.
    fn namespace_filter(&self) -> Option<&str> {
        (self.kind.info().namespaced && !self.namespace.is_empty()).then_some(self.namespace.as_str())
    }
}

impl ApiServer {
    /// Answers one request.
    pub fn handle(&mut self, request: Request) -> Outcome {
        let mut call = Call::new(request);
        let mut response = match self.dispatch(&mut call) {
            Ok(Answer::Node(node)) => return Outcome::Node(node),
            Ok(Answer::Done(response)) => response,
            // Everything else has been rendered by `dispatch`.
            Ok(_) => render::failure(&call, &Status::internal("an answer without a shape")),
            Err(status) => render::failure(&call, &status),
        };
        if let Reply::Json(value) = &response.body
            && !call.request.path.starts_with("/openapi/")
            && negotiate::pretty(&call.request)
        {
            response.body = Reply::Bytes(apimachinery::json::wire(value, true).into_bytes());
        }
        for warning in call.warnings {
            response.headers.push(("warning".into(), format!("299 - {}", apimachinery::field::quote(&warning))));
        }
        Outcome::Done(response)
    }

    fn dispatch(&mut self, call: &mut Call) -> Result<Answer, Status> {
        call.user = auth::authenticate(&call.request, self)?;
        let path = call.request.path.clone();
        let route = path::parse(&path);
        if !matches!(route, Route::Resource(_)) {
            auth::authorize_path(self, call)?;
        }
        match route {
            Route::Resource(resource) => self.resource(call, &resource),
            Route::Root => Ok(Answer::Done(discovery::root(self))),
            Route::Api => discovery::api(self, call),
            Route::Apis => discovery::apis(self, call),
            Route::Group(group) => discovery::group(self, call, group),
            Route::Version { group, version } => discovery::version(self, call, group, version),
            Route::ServerVersion => Ok(Answer::Done(health::version(self))),
            Route::Health { name, check } => Ok(Answer::Done(health::health(call, name, check))),
            Route::Metrics => Ok(Answer::Done(health::metrics(self))),
            Route::OpenApi(rest) => Ok(Answer::Done(openapi::serve(self, call, rest))),
            Route::Unknown => Ok(Answer::Done(health::page_not_found())),
        }
    }

    /// A request to `/api/v1/…` or `/apis/group/version/…`.
    fn resource(&mut self, call: &mut Call, path: &ResourcePath<'_>) -> Result<Answer, Status> {
        let verb = path.verb(call);
        auth::authorize(
            self,
            &call.user,
            &auth::Attributes {
                verb,
                group: path.group,
                resource: path.resource,
                subresource: path.subresource,
                // A namespace is in itself.
                namespace: if path.resource == "namespaces" { path.name } else { path.namespace },
                name: path.name,
            },
        )?;
        if let Some(answer) = review::serve(self, call, path)? {
            return render::answer(self, call, None, &Accepted::default(), answer);
        }
        let scope = self.scope(path)?;
        call.warnings.extend(scope.kind.deprecation().map(str::to_owned));
        let accepted = negotiate::accept(call, scope.name.is_empty() && call.method == Method::Get)?;
        if !scope.subresource.is_empty() {
            let answer = subresource::serve(self, call, &scope)?;
            return render::answer(self, call, Some(&scope), &accepted, answer);
        }
        let answer = match (call.method, scope.name.is_empty()) {
            (Method::Get | Method::Head, _) if verb == "watch" => read::watch(self, call, &scope, &accepted),
            (Method::Get | Method::Head, true) => read::list(self, call, &scope),
            (Method::Get | Method::Head, false) => read::get(self, call, &scope),
            (Method::Post, true) => write::create(self, call, &scope),
            (Method::Put, false) => write::update(self, call, &scope),
            (Method::Patch, false) => patch::patch(self, call, &scope),
            (Method::Delete, false) => delete::delete(self, call, &scope),
            (Method::Delete, true) => delete::collection(self, call, &scope),
            _ => Err(method_not_allowed()),
        }?;
        render::answer(self, call, Some(&scope), &accepted, answer)
    }

    /// Finds the kind that a path names.
    fn scope(&self, path: &ResourcePath<'_>) -> Result<Scope, Status> {
        let found = self.kinds().find(|(_, k)| {
            let info = k.info();
            info.plural == path.resource && info.group == path.group && info.version == path.version
        });
        let Some((id, kind)) = found else { return Err(Status::page_not_found()) };
        let info = kind.info();
        // A namespace in the path of a kind without, or an object of a namespaced kind without its namespace.
        let misplaced = if info.namespaced {
            path.namespace.is_empty() && !path.name.is_empty()
        } else {
            !path.namespace.is_empty() && path.resource != "namespaces"
        };
        if misplaced {
            return Err(Status::page_not_found());
        }
        if !path.subresource.is_empty() && !info.subresources.contains(&path.subresource) {
            return Err(Status::page_not_found());
        }
        Ok(Scope {
            id,
            kind: kind.clone(),
            namespace: if info.namespaced { path.namespace.to_owned() } else { String::new() },
            name: path.name.to_owned(),
            subresource: path.subresource.to_owned(),
            subpath: path.subpath.to_owned(),
        })
    }
}

/// What a router says when a path exists, but not with this method.
fn method_not_allowed() -> Status {
    let mut status =
        Status::new(405, "MethodNotAllowed", "the server does not allow this method on the requested resource");
    status.details = Some(Box::default());
    status
}

/// The body of a response as JSON, for callers inside the process.
pub fn response_value(response: &Response) -> Option<&Value> {
    match &response.body {
        Reply::Json(value) => Some(value),
        _ => None,
    }
}
