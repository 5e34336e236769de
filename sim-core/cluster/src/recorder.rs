//! Events: what components tell about objects, written through the API server, repeated ones counted.
//!
//! Models: client-go `tools/record` (recorder and correlator). Not the log of changes: that is the storage's.

use apimachinery::time::Time;
use apiserver::object::Builtin;
use apiserver::server::Door;
use apiserver::{ApiServer, Writer};
use k8s_openapi::api::core::v1::{Event, EventSource, ObjectReference};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time as MetaTime};
use std::collections::BTreeMap;
use std::sync::Arc;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventType {
    Normal,
    Warning,
}

/// Who tells.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    /// `default-scheduler`, `kubelet`, `deployment-controller` …
    pub component: &'a str,
    /// The node, for kubelets; else empty.
    pub host: &'a str,
}

/// Remembers where each distinct event was written, to count repetitions.
#[derive(Clone, Default)]
pub struct Recorder {
    /// Fingerprint of an event → namespace and name of the Event object. Entries leave with their Event objects.
    written: BTreeMap<u64, (Arc<str>, Arc<str>)>,
    count: u64,
}

/// Reference to an object as events carry it.
pub fn reference<T: Builtin>(api: &ApiServer, object: &T) -> ObjectReference {
    let kind = api.kind(T::ID);
    let info = kind.info();
    let m = object.meta();
    ObjectReference {
        api_version: Some(info.api_version()),
        kind: Some(info.kind.to_owned()),
        name: m.name.clone(),
        namespace: m.namespace.clone(),
        resource_version: m.resource_version.clone(),
        uid: m.uid.clone(),
        field_path: None,
    }
}

impl Recorder {
    /// Writes an event about `regarding`, or counts one more of the same.
    pub fn event(
        &mut self,
        api: &mut ApiServer,
        writer: &Writer,
        source: Source<'_>,
        regarding: ObjectReference,
        kind: EventType,
        reason: &str,
        message: &str,
    ) {
        let print = fingerprint(&regarding, source, kind, reason, message);
        let now = MetaTime(seconds(api.now));
        if let Some((ns, name)) = self.written.get(&print) {
            let counted = api.modify::<Event>(ns, name, Door::Part, writer, |event| {
                event.count = Some(event.count.unwrap_or(1) + 1);
                event.last_timestamp = Some(now.clone());
            });
            if counted.is_ok() {
                return;
            }
        }
        self.count += 1;
        let subject = regarding.name.as_deref().unwrap_or_default();
        // Upstream appends the time in nanoseconds, in hexadecimal; the count keeps two of one instant apart.
        let name = format!("{subject}.{:x}", api.now.0 * 1000 + i64::try_from(self.count % 1000).unwrap_or(0));
        let namespace = regarding.namespace.clone().unwrap_or_else(|| "default".into());
        self.written.insert(print, (namespace.as_str().into(), name.as_str().into()));
        let event = Event {
            metadata: ObjectMeta { name: Some(name), namespace: Some(namespace), ..ObjectMeta::default() },
            involved_object: regarding,
            reason: Some(reason.to_owned()),
            message: Some(message.to_owned()),
            source: Some(EventSource {
                component: Some(source.component.to_owned()),
                host: (!source.host.is_empty()).then(|| source.host.to_owned()),
            }),
            reporting_component: Some(source.component.to_owned()),
            reporting_instance: Some(source.host.to_owned()),
            type_: Some(match kind {
                EventType::Normal => "Normal".to_owned(),
                EventType::Warning => "Warning".to_owned(),
            }),
            first_timestamp: Some(now.clone()),
            last_timestamp: Some(now),
            count: Some(1),
            ..Event::default()
        };
        // An event that cannot be written (its namespace is going away) is lost, as it is in a real cluster.
        let _ = api.create(event, writer);
    }
}

fn fingerprint(regarding: &ObjectReference, source: Source<'_>, kind: EventType, reason: &str, message: &str) -> u64 {
    let mut hash = apimachinery::rng::fnv64(message.as_bytes());
    for part in [
        regarding.uid.as_deref().unwrap_or_default(),
        regarding.field_path.as_deref().unwrap_or_default(),
        source.component,
        source.host,
        reason,
        if kind == EventType::Normal { "n" } else { "w" },
    ] {
        hash = hash.rotate_left(13) ^ apimachinery::rng::fnv64(part.as_bytes());
    }
    hash
}

fn seconds(t: Time) -> k8s_openapi::jiff::Timestamp {
    k8s_openapi::jiff::Timestamp::from_second(t.secs()).unwrap_or(k8s_openapi::jiff::Timestamp::UNIX_EPOCH)
}
