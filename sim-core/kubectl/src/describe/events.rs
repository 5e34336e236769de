//! The `Events:` at the end of a description.

use super::Doc;
use crate::json::{at, has, int, name, namespace, text};
use crate::session::Kube;
use crate::times::{age, parse};
use apimachinery::order::Order as _;
use serde_json::Value;

pub fn describe(k: &mut Kube<'_, '_>, object: &Value, doc: &mut Doc) {
    let place = namespace(object);
    let kind = text(object, "/kind");
    let mut fields = format!("involvedObject.name={}", name(object));
    let path = if place.is_empty() {
        "/api/v1/events".to_owned()
    } else {
        fields.push_str(&format!(",involvedObject.namespace={place}"));
        format!("/api/v1/namespaces/{place}/events")
    };
    if !kind.is_empty() {
        fields.push_str(&format!(",involvedObject.kind={kind}"));
    }
    // Kubelets report about a node by its name, not by its UID.
    if kind != "Node" {
        fields.push_str(&format!(",involvedObject.uid={}", text(object, "/metadata/uid")));
    }
    if let Ok(events) = k.list_of(&path, &[("fieldSelector", &fields), ("limit", "500")]) {
        write(k, events, doc);
    }
}

fn write(k: &Kube<'_, '_>, mut events: Vec<Value>, doc: &mut Doc) {
    if events.is_empty() {
        doc.line(0, "Events:\t<none>");
        return;
    }
    doc.flush();
    events.order_by_key(|e| parse(text(e, "/lastTimestamp")).map_or(i64::MIN, |t| t.0));
    doc.line(0, "Events:");
    doc.line(1, "Type\tReason\tAge\tFrom\tMessage");
    doc.line(1, "----\t------\t----\t----\t-------");
    for e in &events {
        let from = match text(e, "/source/component") {
            "" => text(e, "/reportingComponent"),
            component => component,
        };
        let message = text(e, "/message").trim();
        let message = match text(e, "/involvedObject/fieldPath") {
            "" => message.to_owned(),
            path => format!("{path}: {message}"),
        };
        let age = interval(k, e);
        doc.line(1, &format!("{}\t{}\t{age}\t{from}\t{message}", text(e, "/type"), text(e, "/reason")));
    }
}

/// `5s`, or `3s (x2 over 6s)`.
pub fn interval(k: &Kube<'_, '_>, e: &Value) -> String {
    let now = k.now();
    let first = if has(e, "/eventTime") { text(e, "/eventTime") } else { text(e, "/firstTimestamp") };
    let first = age(first, now);
    if has(e, "/series") {
        let last = age(text(e, "/series/lastObservedTime"), now);
        format!("{last} (x{} over {first})", int(e, "/series/count"))
    } else if int(e, "/count") > 1 {
        format!("{} (x{} over {first})", age(text(e, "/lastTimestamp"), now), int(e, "/count"))
    } else {
        first
    }
}

/// When an event was last seen, in microseconds.
pub fn last_seen(e: &Value) -> i64 {
    let when = ["/series/lastObservedTime", "/lastTimestamp", "/eventTime"].iter().find_map(|p| at(e, p).as_str());
    parse(when.unwrap_or_default()).map_or(0, |t| t.0)
}
