//! Events: what components tell about objects, written through the API server, repeated ones counted.
//!
//! Models: client-go `tools/record` (recorder and correlator). Not the log of changes: that is the storage's.

use apimachinery::time::{Duration, Time};
use apiserver::object::Builtin;
use apiserver::server::Door;
use apiserver::{ApiServer, Writer};
use k8s_openapi::api::core::v1::{Event, EventSource, ObjectReference};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time as MetaTime};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
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

/// Distinct events remembered, as client-go's caches are bounded.
const REMEMBERED_MAX: usize = 4096;
/// More distinct messages than this of one kind about one object within [`SIMILAR_WITHIN`] are combined.
const SIMILAR_MAX: usize = 10;
const SIMILAR_WITHIN: Duration = Duration::from_secs(600);
/// One source may tell this much about one object at once …
const BURST: u32 = 25;
/// … and one more event for each of these that pass.
const REFILL: Duration = Duration::from_secs(300);

/// Remembers where each distinct event was written, to count repetitions; combines what is similar; drops floods.
#[derive(Clone, Default)]
pub struct Recorder {
    /// Fingerprint of an event → namespace and name of the Event object.
    written: Memory<(Arc<str>, Arc<str>)>,
    /// What was told without its message → the distinct messages, and when the last came.
    similar: Memory<(BTreeSet<u64>, Time)>,
    /// Source and object → events left, and when that was counted.
    allowance: Memory<(u32, Time)>,
    count: u64,
}

/// A bounded map that forgets what it learnt first.
#[derive(Clone)]
struct Memory<T> {
    map: BTreeMap<u64, T>,
    order: VecDeque<u64>,
}

impl<T> Default for Memory<T> {
    fn default() -> Self {
        Self { map: BTreeMap::new(), order: VecDeque::new() }
    }
}

impl<T> Memory<T> {
    fn entry(&mut self, key: u64, new: impl FnOnce() -> T) -> &mut T {
        if !self.map.contains_key(&key) {
            self.order.push_back(key);
            if self.order.len() > REMEMBERED_MAX
                && let Some(oldest) = self.order.pop_front()
            {
                self.map.remove(&oldest);
            }
        }
        self.map.entry(key).or_insert_with(new)
    }
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
        let (kind_print, combined) = self.combine(api.now, &regarding, source, kind, reason, message);
        let message = combined.as_deref().unwrap_or(message);
        let print = match combined {
            Some(_) => kind_print,
            None => fingerprint(&regarding, source, kind, reason, message),
        };
        if !self.allowed(api.now, &regarding, source) {
            return;
        }
        let now = MetaTime(seconds(api.now));
        if let Some((ns, name)) = self.written.map.get(&print) {
            let counted = api.modify::<Event>(ns, name, Door::Part, writer, |event| {
                event.count = Some(event.count.unwrap_or(1) + 1);
                event.last_timestamp = Some(now.clone());
                event.message = Some(message.to_owned());
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
        let place: (Arc<str>, Arc<str>) = (namespace.as_str().into(), name.as_str().into());
        self.written.entry(print, || place.clone()).clone_from(&place);
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

impl Recorder {
    /// The fingerprint without the message, and the combined message once there have been too many distinct ones.
    fn combine(
        &mut self,
        now: Time,
        regarding: &ObjectReference,
        source: Source<'_>,
        kind: EventType,
        reason: &str,
        message: &str,
    ) -> (u64, Option<String>) {
        let key = fingerprint(regarding, source, kind, reason, "");
        let (messages, last) = self.similar.entry(key, || (BTreeSet::new(), now));
        if now.since(*last) > SIMILAR_WITHIN {
            messages.clear();
        }
        *last = now;
        messages.insert(apimachinery::rng::fnv64(message.as_bytes()));
        if messages.len() < SIMILAR_MAX {
            return (key, None);
        }
        messages.pop_first();
        (key, Some(format!("(combined from similar events): {message}")))
    }

    /// Whether this source may tell one more about this object: a bucket that refills slowly.
    fn allowed(&mut self, now: Time, regarding: &ObjectReference, source: Source<'_>) -> bool {
        let key = fingerprint(
            &ObjectReference { uid: regarding.uid.clone(), ..ObjectReference::default() },
            source,
            EventType::Normal,
            "",
            "",
        );
        let (left, since) = self.allowance.entry(key, || (BURST, now));
        let refilled = u32::try_from(now.since(*since).as_secs() / REFILL.as_secs()).unwrap_or(u32::MAX);
        if refilled > 0 {
            *left = left.saturating_add(refilled).min(BURST);
            *since = now;
        }
        if *left == 0 {
            return false;
        }
        *left -= 1;
        true
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
