//! JSON as an API server puts it on the wire: the fields of a built-in type in the order in which Go declares them.
//!
//! Values keep their keys sorted, so the order is looked up while writing. `order.txt` has a line for each type whose
//! order is not the alphabet's: its name, then its fields; `field:Type` says what is in a field (or its list),
//! `field:*Type` what is in a map's values. What has no line (maps, custom resources) is sorted, as Go sorts it.
//!
//! Models: Go `encoding/json` on the types of `k8s.io/api`.

use super::{format_number, next_line, write_string};
use serde_json::{Map, Value};

static ORDER: &str = include_str!("order.txt");

/// Two spaces, as curl and browsers get it; `None`: one line.
pub fn wire(value: &Value, pretty: bool) -> String {
    let mut out = Writer { out: String::new(), indent: pretty.then_some("  ") };
    out.value(value, root(value), 0);
    out.out
}

/// How the keys of an object are ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order<'t> {
    /// The alphabet, all the way down.
    Sorted,
    /// A map whose values have this type.
    MapOf(&'t str),
    Type(&'t str),
    /// A list of objects of a kind.
    List(&'t str, &'t str),
    WatchEvent,
    /// Says itself what it is.
    Root,
}

/// The fields of a type, or `None` for one without a line.
fn fields(name: &str) -> Option<&'static str> {
    let (mut low, mut high) = (0, ORDER.len());
    while low < high {
        let middle = low + (high - low) / 2;
        let start = ORDER[..middle].rfind('\n').map_or(0, |at| at + 1);
        let end = ORDER[start..].find('\n').map_or(ORDER.len(), |at| start + at);
        let (this, fields) = ORDER[start..end].split_once(' ').unwrap_or_default();
        match this.cmp(name) {
            core::cmp::Ordering::Equal => return Some(fields),
            core::cmp::Ordering::Less => low = end + 1,
            core::cmp::Ordering::Greater => high = start,
        }
    }
    None
}

/// The type of a kind's objects. Groups of custom resources are written sorted, whatever their kinds are called.
fn type_of<'v>(kind: &'v str, version: &str) -> Order<'v> {
    let group = version.split_once('/').map_or("", |(group, _)| group);
    if group.contains('.') && !group.ends_with(".k8s.io") {
        return Order::Sorted;
    }
    match (kind, version) {
        ("Event", "events.k8s.io/v1") => Order::Type("Event.events"),
        ("HorizontalPodAutoscaler", "autoscaling/v1") => Order::Type("HorizontalPodAutoscaler.autoscaling"),
        _ => Order::Type(kind),
    }
}

fn root(value: &Value) -> Order<'_> {
    let Some(map) = value.as_object() else { return Order::Sorted };
    let text = |key: &str| map.get(key).and_then(Value::as_str);
    let version = text("apiVersion").unwrap_or_default();
    match text("kind") {
        Some(kind) => match (kind.strip_suffix("List"), type_of(kind, version)) {
            (_, found @ Order::Type(name)) if fields(name).is_some() => found,
            (Some(item), _) => match type_of(item, version) {
                Order::Type(name) if fields(name).is_some() => Order::List(item, name),
                _ => Order::Sorted,
            },
            _ => Order::Sorted,
        },
        None if map.contains_key("type") && map.contains_key("object") => Order::WatchEvent,
        None if map.contains_key("gitVersion") => Order::Type("Info"),
        None => Order::Sorted,
    }
}

struct Writer {
    out: String,
    indent: Option<&'static str>,
}

impl Writer {
    fn value(&mut self, value: &Value, order: Order<'_>, depth: usize) {
        match value {
            Value::Null => self.out.push_str("null"),
            Value::Bool(b) => self.out.push_str(if *b { "true" } else { "false" }),
            Value::Number(n) => self.out.push_str(&format_number(n)),
            Value::String(text) => write_string(text, &mut self.out),
            Value::Array(items) if items.is_empty() => self.out.push_str("[]"),
            Value::Object(map) if map.is_empty() => self.out.push_str("{}"),
            Value::Array(items) => {
                self.out.push('[');
                for (i, item) in items.iter().enumerate() {
                    next_line(i > 0, self.indent, depth + 1, &mut self.out);
                    self.value(item, order, depth + 1);
                }
                next_line(false, self.indent, depth, &mut self.out);
                self.out.push(']');
            }
            Value::Object(map) => self.object(value, map, order, depth),
        }
    }

    fn object(&mut self, value: &Value, map: &Map<String, Value>, order: Order<'_>, depth: usize) {
        let order = if order == Order::Root { root(value) } else { order };
        let known = match order {
            Order::Type(name) => fields(name).unwrap_or_default(),
            Order::List(..) => "kind apiVersion metadata:ListMeta items",
            Order::WatchEvent => "type object",
            Order::Sorted | Order::MapOf(_) | Order::Root => "",
        };
        self.out.push('{');
        let mut written = 0;
        for word in known.split(' ').filter(|w| !w.is_empty()) {
            let (key, child) = word.split_once(':').unwrap_or((word, ""));
            let Some(item) = map.get(key) else { continue };
            let child = match (order, key, child.strip_prefix('*')) {
                (Order::List(_, name), "items", _) => Order::Type(name),
                (Order::WatchEvent, "object", _) | (Order::Type("TableRow"), "object", _) => Order::Root,
                (_, _, Some(name)) => Order::MapOf(name),
                _ if child.is_empty() => Order::Sorted,
                _ => Order::Type(child),
            };
            self.member(key, item, child, written > 0, depth);
            written += 1;
        }
        if written < map.len() {
            let child = if let Order::MapOf(name) = order { Order::Type(name) } else { Order::Sorted };
            for (key, item) in map {
                if known.split(' ').any(|word| word.split(':').next() == Some(key)) {
                    continue;
                }
                self.member(key, item, child, written > 0, depth);
                written += 1;
            }
        }
        next_line(false, self.indent, depth, &mut self.out);
        self.out.push('}');
    }

    fn member(&mut self, key: &str, item: &Value, order: Order<'_>, comma: bool, depth: usize) {
        next_line(comma, self.indent, depth + 1, &mut self.out);
        write_string(key, &mut self.out);
        self.out.push_str(if self.indent.is_some() { ": " } else { ":" });
        self.value(item, order, depth + 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(sorted: &str, expected: &str) {
        let value = crate::json::parse(sorted.as_bytes()).expect("valid");
        assert_eq!(wire(&value, false), expected);
    }

    #[test]
    fn order() {
        assert!(ORDER.lines().map(|l| l.split(' ').next()).is_sorted(), "the table is searched by halves");
        assert!(ORDER.lines().all(|l| l.split(' ').next().is_some_and(|name| fields(name).is_some())));
        check(
            r#"{"apiVersion":"v1","kind":"Pod","metadata":{"labels":{"name":"x","kind":"y"},"name":"p"},"spec":{"containers":[{"image":"i","name":"c"}],"volumes":[]}}"#,
            r#"{"kind":"Pod","apiVersion":"v1","metadata":{"name":"p","labels":{"kind":"y","name":"x"}},"spec":{"volumes":[],"containers":[{"name":"c","image":"i"}]}}"#,
        );
        check(
            r#"{"object":{"apiVersion":"v1","items":[{"data":{"a":"b"},"metadata":{}}],"kind":"ConfigMapList","metadata":{}},"type":"ADDED"}"#,
            r#"{"type":"ADDED","object":{"kind":"ConfigMapList","apiVersion":"v1","metadata":{},"items":[{"metadata":{},"data":{"a":"b"}}]}}"#,
        );
        // A custom resource may be called like a built-in one.
        check(
            r#"{"apiVersion":"a.example/v1","kind":"Pod","metadata":{"namespace":"n","name":"p"}}"#,
            r#"{"apiVersion":"a.example/v1","kind":"Pod","metadata":{"name":"p","namespace":"n"}}"#,
        );
    }

    #[test]
    fn pretty() {
        let value = serde_json::json!({"kind": "Status", "metadata": {}, "code": 404});
        assert_eq!(wire(&value, true), "{\n  \"kind\": \"Status\",\n  \"metadata\": {},\n  \"code\": 404\n}");
    }
}
