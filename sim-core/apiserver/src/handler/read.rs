//! Get, list, and the beginning of a watch.
//!
//! Models: apiserver `pkg/endpoints/handlers/get.go`, `pkg/storage/continue.go`. Lists of the past are read from the log,
//! by undoing what happened since.

use super::negotiate::{Accepted, Shape};
use super::options::{self, ListOptions, Match};
use super::{Answer, Call, Scope, base64, render};
use crate::ApiServer;
use crate::object::{Object, ObjectRef};
use crate::registry::Kind;
use crate::watch::{IncludeObject, Watch};
use apimachinery::fields::Selector as FieldSelector;
use apimachinery::labels::Selector;
use apimachinery::order::Gather as _;
use apimachinery::status::Status;
use apimachinery::time::Duration;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// A list before it is rendered.
pub(super) struct List {
    pub items: Vec<ObjectRef>,
    pub revision: u64,
    pub resume: Option<String>,
    pub remaining: Option<usize>,
}

impl List {
    pub(super) fn metadata(&self) -> Value {
        let mut out = json!({"resourceVersion": self.revision.to_string()});
        if let Some(token) = &self.resume {
            out["continue"] = token.as_str().into();
        }
        if let Some(n) = self.remaining {
            out["remainingItemCount"] = n.into();
        }
        out
    }
}

pub(super) fn get(server: &ApiServer, call: &Call, scope: &Scope) -> Result<Answer, Status> {
    let wanted = options::revision(call.request.param("resourceVersion").unwrap_or_default())?;
    options::check_not_ahead(server, wanted)?;
    let object = server.storage.get(scope.id, &scope.namespace, &scope.name).ok_or_else(|| scope.not_found())?;
    Ok(Answer::Object(200, ObjectRef::clone(object)))
}

pub(super) fn list(server: &ApiServer, call: &Call, scope: &Scope) -> Result<Answer, Status> {
    let options = ListOptions::read(call, scope, false)?;
    select(server, scope, &options).map(Answer::List)
}

/// Where a list goes on.
struct Resume {
    revision: Option<u64>,
    /// The last key that has been delivered, `namespace/name`; empty: the list starts.
    after: String,
}

/// Everything that the options select.
pub(super) fn select(server: &ApiServer, scope: &Scope, options: &ListOptions) -> Result<List, Status> {
    let resume = resume(server, scope, options)?;
    let current = server.storage.revision();
    let revision = resume.revision.unwrap_or(current);
    let namespace = scope.namespace_filter();
    let everything = options.labels.is_everything() && options.fields.is_everything();
    let old;
    let candidates: Box<dyn Iterator<Item = &ObjectRef>> = match options.fields.requires_exact_match("metadata.name") {
        Some(name) if revision == current && (namespace.is_some() || !scope.kind.info().namespaced) => {
            Box::new(server.storage.get(scope.id, namespace.unwrap_or_default(), name).into_iter())
        }
        _ if revision == current => server.storage.list(scope.id, namespace),
        _ => {
            old = past(server, scope, namespace, revision);
            Box::new(old.values())
        }
    };
    let mut candidates = candidates.skip_while(|o| {
        let meta = o.meta();
        let (ns, name) = (meta.namespace.as_deref().unwrap_or_default(), meta.name.as_deref().unwrap_or_default());
        !resume.after.is_empty() && ns.bytes().chain([b'/']).chain(name.bytes()).le(resume.after.bytes())
    });
    let mut items = Vec::new();
    let wanted = |o: &&ObjectRef| everything || matches(&*scope.kind, &***o, &options.labels, &options.fields);
    // Any version will do: upstream answers from its cache, which knows no pages.
    let unpaged = options.resource_version == "0" && options.resume.is_empty();
    if options.limit == 0 || unpaged {
        items.extend(candidates.filter(wanted).cloned());
        return Ok(List { items, revision, resume: None, remaining: None });
    }
    items.extend(candidates.by_ref().filter(wanted).take(options.limit).cloned());
    let rest = candidates.filter(wanted).count();
    if rest == 0 {
        return Ok(List { items, revision, resume: None, remaining: None });
    }
    let token = items.last().map(|last| token(scope, i64::try_from(revision).unwrap_or(-1), last.meta()));
    Ok(List { items, revision, resume: token, remaining: everything.then_some(rest) })
}

/// The keys of a namespaced list are below the namespace, those of a list of all namespaces begin with it.
fn token(scope: &Scope, revision: i64, last: &k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta) -> String {
    let name = last.name.as_deref().unwrap_or_default();
    let start = match last.namespace.as_deref() {
        Some(ns) if scope.namespace_filter().is_none() => format!("{ns}/{name}\0"),
        // Upstream's prefix of one namespace has no slash at its end.
        Some(_) => format!("/{name}\0"),
        None => format!("{name}\0"),
    };
    encode_token(revision, &start)
}

fn encode_token(revision: i64, start: &str) -> String {
    let start = Value::from(start);
    base64::encode(format!("{{\"v\":\"meta.k8s.io/v1\",\"rv\":{revision},\"start\":{start}}}").as_bytes())
}

fn resume(server: &ApiServer, scope: &Scope, options: &ListOptions) -> Result<Resume, Status> {
    let mut out = Resume { revision: None, after: String::new() };
    if options.resume.is_empty() {
        let wanted = options::revision(&options.resource_version)?;
        options::check_not_ahead(server, wanted)?;
        // With a limit, a resourceVersion means exactly that one, unless 0.
        let exact =
            options.matching == Match::Exact || (options.matching == Match::Unset && options.limit > 0 && wanted > 0);
        if exact {
            if wanted < server.storage.compacted() {
                return Err(Status::gone("The resourceVersion for the provided list is too old."));
            }
            out.revision = Some(wanted);
        }
        return Ok(out);
    }
    let invalid = |why: String| Status::bad_request(format!("invalid continue token: continue key is not valid{why}"));
    let bytes = base64::decode(&options.resume).map_err(|e| invalid(format!(": {e}")))?;
    let token = apimachinery::json::parse(&bytes).map_err(|e| invalid(format!(": {e}")))?;
    let version = token["v"].as_str().unwrap_or_default();
    if version != "meta.k8s.io/v1" {
        return Err(invalid(format!(": server does not recognize this encoded version {version}")));
    }
    let revision = token["rv"].as_i64().unwrap_or(0);
    if revision == 0 {
        return Err(invalid(": incorrect encoded start resourceVersion (version meta.k8s.io/v1)".into()));
    }
    let start = token["start"].as_str().unwrap_or_default();
    if start.is_empty() {
        return Err(invalid(": encoded start key empty (version meta.k8s.io/v1)".into()));
    }
    if start.split('/').any(|part| part == ".." || part == ".") {
        return Err(invalid(format!(": {start}")));
    }
    if !options.resource_version.is_empty() && options.resource_version != "0" {
        return Err(Status::bad_request("specifying resource version is not allowed when using continue"));
    }
    let key = start.trim_start_matches('/').trim_end_matches('\0');
    out.after = if key.contains('/') { key.to_owned() } else { format!("{}/{key}", scope.namespace) };
    if let Ok(revision) = u64::try_from(revision) {
        options::check_not_ahead(server, revision)?;
        if revision < server.storage.compacted() {
            return Err(expired(start));
        }
        out.revision = Some(revision);
    }
    Ok(out)
}

/// The token is too old for a consistent list; another one goes on with what is there now.
fn expired(start: &str) -> Status {
    let mut status = Status::gone(
        "The provided continue parameter is too old to display a consistent list result. You can start a new list \
         without the continue parameter, or use the continue token in this response to retrieve the remainder of the \
         results. Continuing with the provided token results in an inconsistent list - objects that were created, \
         modified, or deleted between the time the first chunk was returned and now may show up in the list.",
    );
    status.resume = Some(encode_token(-1, start).into());
    status
}

/// The objects of a kind as they were at `revision`: today's, with the log undone.
fn past(server: &ApiServer, scope: &Scope, namespace: Option<&str>, revision: u64) -> BTreeMap<String, ObjectRef> {
    let key = |o: &ObjectRef| {
        let meta = o.meta();
        format!("{}/{}", meta.namespace.as_deref().unwrap_or_default(), meta.name.as_deref().unwrap_or_default())
    };
    let mut out: BTreeMap<_, _> =
        server.storage.list(scope.id, namespace).map(|o| (key(o), ObjectRef::clone(o))).gather();
    let changes: Vec<_> = server.storage.changes_after(revision).filter(|c| c.kind == scope.id).collect();
    for change in changes.into_iter().rev() {
        if namespace.is_some() && namespace != change.object.meta().namespace.as_deref() {
            continue;
        }
        let key = key(&change.object);
        match &change.old {
            Some(old) => out.insert(key, ObjectRef::clone(old)),
            None => out.remove(&key),
        };
    }
    out
}

/// Whether both selectors select the object.
pub(crate) fn matches(kind: &dyn Kind, object: &dyn Object, labels: &Selector, fields: &FieldSelector) -> bool {
    (labels.is_everything() || labels.matches(&object.meta().labels))
        && (fields.is_everything()
            || fields.matches(&|path| match path {
                "metadata.name" => object.meta().name.clone(),
                "metadata.namespace" => object.meta().namespace.clone(),
                _ => kind.field(object, path),
            }))
}

/// Upstream closes a watch that names no timeout after 30 to 60 minutes.
const WATCH_SECONDS: u64 = 45 * 60;

pub(super) fn watch(server: &mut ApiServer, call: &Call, scope: &Scope, accepted: &Accepted) -> Result<Answer, Status> {
    let options = ListOptions::read(call, scope, true)?;
    let as_table = accepted.shape == Shape::Table;
    let include_object = if as_table { render::include_object(call)? } else { IncludeObject::Object };
    let revision = options::revision(&options.resource_version)?;
    let unset = options.resource_version.is_empty() || revision == 0;
    let initial = options.send_initial_events.unwrap_or(unset);
    let seconds = options.timeout_seconds.and_then(|s| u64::try_from(s).ok()).filter(|s| *s > 0);
    let seconds = seconds.unwrap_or(WATCH_SECONDS).min(365 * 24 * 3600);
    let now = server.now;
    let id = server.new_stream();
    let watch = Watch {
        kind: scope.id,
        namespace: scope.namespace_filter().map(str::to_owned),
        labels: options.labels,
        fields: options.fields,
        cursor: if unset { server.storage.revision() } else { revision },
        initial,
        send_initial_bookmark: options.send_initial_events == Some(true) && options.bookmarks,
        bookmarks: options.bookmarks,
        last_bookmark: now,
        as_table,
        partial: matches!(accepted.shape, Shape::Partial | Shape::PartialList),
        include_object,
        ends_at: now + Duration::from_secs(seconds),
        ended: false,
        sent_columns: false,
    };
    server.watches.insert(id, watch);
    Ok(Answer::Watch(id))
}
