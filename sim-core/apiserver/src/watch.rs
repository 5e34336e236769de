//! Watches: a cursor into the log per watching client.
//!
//! A watch costs nothing until it is read: commits know nothing of watches, a reader walks the log from where it was.
//!
//! Models: the API server's watch cache and `pkg/endpoints/handlers/watch.go`.

use crate::ApiServer;
use crate::handler::{matches, table, view};
use crate::object::{Object, ObjectRef};
use crate::registry::Kind;
use crate::storage::{Change, KindId, Verb};
use apimachinery::fields::Selector as FieldSelector;
use apimachinery::http::{Frame, StreamId, StreamRead};
use apimachinery::labels::Selector;
use apimachinery::status::Status;
use apimachinery::time::{Duration, Time};
use serde_json::{Value, json};

#[derive(Clone)]
pub struct Watch {
    pub kind: KindId,
    pub namespace: Option<String>,
    pub labels: Selector,
    pub fields: FieldSelector,
    /// Everything up to this revision has been delivered.
    pub cursor: u64,
    /// Objects at the start are delivered as ADDED first (resourceVersion 0 or sendInitialEvents).
    pub initial: bool,
    /// A bookmark tells where the initial objects end.
    pub send_initial_bookmark: bool,
    pub bookmarks: bool,
    pub last_bookmark: Time,
    pub as_table: bool,
    /// Only metadata of each object.
    pub partial: bool,
    pub include_object: IncludeObject,
    pub ends_at: Time,
    pub ended: bool,
    /// Table watches send column definitions once.
    pub sent_columns: bool,
}

/// How much of each object a Table row carries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum IncludeObject {
    #[default]
    Metadata,
    None,
    Object,
}

/// How often a watch that asked for bookmarks gets one.
const BOOKMARK_EVERY: Duration = Duration::from_secs(60);

impl ApiServer {
    /// Whether reading the watch could bring something: cheap, and never wrong when it says no.
    pub fn watch_ready(&self, id: StreamId) -> bool {
        let Some(watch) = self.watches.get(&id) else { return true };
        watch.initial
            || watch.ended
            || self.now >= watch.ends_at
            || self.storage.last_change(watch.kind) > watch.cursor
            || (watch.bookmarks && self.now >= watch.last_bookmark + BOOKMARK_EVERY)
    }

    /// The next instant at which a quiet watch has something to say: its end, or a bookmark.
    pub fn watch_due(&self, id: StreamId) -> Option<Time> {
        let watch = self.watches.get(&id)?;
        let bookmark = watch.last_bookmark + BOOKMARK_EVERY;
        Some(if watch.bookmarks { watch.ends_at.min(bookmark) } else { watch.ends_at })
    }

    /// Whether the stream is one of this server's watches.
    pub fn is_watch(&self, id: StreamId) -> bool {
        self.watches.contains_key(&id)
    }

    /// What happened since the watch was last read. A stream that has ended, or never was, reads as ended.
    pub fn stream_read(&mut self, id: StreamId) -> StreamRead {
        let Some(mut watch) = self.watches.remove(&id) else {
            return StreamRead { frames: Vec::new(), ended: true };
        };
        let frames = self.watch_frames(&mut watch);
        watch.ended |= self.now >= watch.ends_at;
        let ended = watch.ended;
        if !ended {
            self.watches.insert(id, watch);
        }
        StreamRead { frames, ended }
    }

    /// The client hung up.
    pub fn stream_close(&mut self, id: StreamId) {
        self.watches.remove(&id);
    }

    fn watch_frames(&self, watch: &mut Watch) -> Vec<Frame> {
        let kind = self.kind(watch.kind);
        let mut frames = Vec::new();
        if watch.initial {
            self.initial_frames(watch, &*kind, &mut frames);
        }
        if watch.cursor < self.storage.compacted() {
            let message = format!("too old resource version: {} ({})", watch.cursor, self.storage.compacted());
            frames.push(frame("ERROR", Status::gone(message).to_value()));
            watch.ended = true;
            return frames;
        }
        let id = watch.kind;
        if self.storage.last_change(id) > watch.cursor {
            for change in self.storage.changes_after(watch.cursor).filter(|c| c.kind == id) {
                if let Some((verb, object)) = transition(watch, &*kind, change) {
                    let shown = self.shown(watch, &*kind, &object, change.revision);
                    frames.push(frame(verb, shown));
                }
            }
        }
        // A cursor from the future waits until the revisions arrive there.
        watch.cursor = watch.cursor.max(self.storage.revision());
        if watch.bookmarks && self.now >= watch.last_bookmark + BOOKMARK_EVERY {
            watch.last_bookmark = self.now;
            frames.push(frame("BOOKMARK", bookmark(watch, &*kind, false)));
        }
        frames
    }

    fn initial_frames(&self, watch: &mut Watch, kind: &dyn Kind, frames: &mut Vec<Frame>) {
        watch.initial = false;
        watch.cursor = watch.cursor.max(self.storage.revision());
        let namespace = watch.namespace.clone();
        for object in self.storage.list(watch.kind, namespace.as_deref()) {
            if matches(kind, &**object, &watch.labels, &watch.fields) {
                let shown = self.shown(watch, kind, object, 0);
                frames.push(frame("ADDED", shown));
            }
        }
        if watch.send_initial_bookmark {
            watch.last_bookmark = self.now;
            frames.push(frame("BOOKMARK", bookmark(watch, kind, true)));
        }
    }

    /// The object in the form that the watch asked for. `revision`: of the event, 0 for the object's own.
    fn shown(&self, watch: &mut Watch, kind: &dyn Kind, object: &ObjectRef, revision: u64) -> Value {
        let version = match revision {
            0 => object.meta().resource_version.clone().unwrap_or_default(),
            n => n.to_string(),
        };
        if watch.as_table {
            let headers = !core::mem::replace(&mut watch.sent_columns, true);
            let metadata = json!({"resourceVersion": version});
            return table(kind, core::iter::once(object), metadata, watch.include_object, headers, self.now);
        }
        let mut value = if watch.partial {
            let metadata = serde_json::to_value(object.meta()).unwrap_or_default();
            json!({"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": metadata})
        } else {
            view(&**object)
        };
        value["metadata"]["resourceVersion"] = version.into();
        value
    }
}

fn frame(verb: &str, object: Value) -> Frame {
    Frame::Json(json!({"type": verb, "object": object}))
}

fn bookmark(watch: &Watch, kind: &dyn Kind, initial_end: bool) -> Value {
    let info = kind.info();
    let mut metadata = json!({"resourceVersion": watch.cursor.to_string()});
    if initial_end {
        metadata["annotations"] = json!({"k8s.io/initial-events-end": "true"});
    }
    if watch.partial {
        return json!({"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": metadata});
    }
    json!({"kind": info.kind, "apiVersion": info.api_version(), "metadata": metadata})
}

/// What a change is to this watch: an object may come into sight or go out of it without being created or deleted.
fn transition(watch: &Watch, kind: &dyn Kind, change: &Change) -> Option<(&'static str, ObjectRef)> {
    let namespace = change.object.meta().namespace.as_deref();
    if watch.namespace.is_some() && watch.namespace.as_deref() != namespace {
        return None;
    }
    let seen = |o: &dyn Object| matches(kind, o, &watch.labels, &watch.fields);
    let was = change.old.as_ref().is_some_and(|o| seen(&**o));
    let is = change.verb != Verb::Deleted && seen(&*change.object);
    match (was, is) {
        (false, true) => Some(("ADDED", ObjectRef::clone(&change.object))),
        (true, true) => Some(("MODIFIED", ObjectRef::clone(&change.object))),
        (true, false) if change.verb == Verb::Deleted => Some(("DELETED", ObjectRef::clone(&change.object))),
        (true, false) => change.old.clone().map(|old| ("DELETED", old)),
        (false, false) => None,
    }
}
