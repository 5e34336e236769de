//! Event: names, defaults, rules and columns.

use super::checks::{self, text};
use super::printing::since;
use super::{Column, KindInfo, Strategy};
use apimachinery::field::{Error, ErrorList, Path};
use apimachinery::names;
use apimachinery::time::Time;
use k8s_openapi::api::core::v1::{Event, EventSource};
use serde_json::Value;

pub struct EventStrategy;

impl Strategy for EventStrategy {
    type Object = Event;

    fn info(&self) -> &'static KindInfo {
        &KindInfo {
            group: "",
            version: "v1",
            kind: "Event",
            plural: "events",
            singular: "event",
            short_names: &["ev"],
            categories: &[],
            namespaced: true,
            subresources: &[],
            generation: false,
            verbs: &[],
        }
    }

    fn name_check(&self) -> names::Check {
        names::path_segment
    }

    fn default(&self, object: &mut Event) {
        // Fields that Go writes even when they are empty.
        object.source.get_or_insert_default();
        object.reporting_component.get_or_insert_default();
        object.reporting_instance.get_or_insert_default();
    }

    fn validate(&self, object: &Event) -> ErrorList {
        let mut errors = ErrorList::default();
        let namespace = text(&object.metadata.namespace);
        let about = text(&object.involved_object.namespace);
        let matches = match (object.event_time.is_some(), about) {
            (false, "") => matches!(namespace, "" | "default"),
            (false, about) => namespace == about,
            (true, "") => matches!(namespace, "default" | "kube-system"),
            (true, _) => true,
        };
        if !matches {
            let path = Path::new("involvedObject.namespace");
            errors.push(Error::invalid(&path, about, "does not match event.namespace"));
        }
        if object.event_time.is_some() {
            new_style(object, &mut errors);
        }
        checks::dns_subdomain(namespace, &Path::new("namespace"), &mut errors);
        errors
    }

    fn columns(&self) -> &'static [Column] {
        const {
            &[
                Column::new("Last Seen", "The time at which the most recent occurrence of this event was recorded."),
                Column::new("Type", "Type of this event (Normal, Warning), new types could be added in the future"),
                Column::new("Reason", "This should be a short, machine understandable string that gives the reason for the transition into the object's current status."),
                Column::new("Object", "The object that this event is about."),
                Column::new("Subobject", "If referring to a piece of an object instead of an entire object, this string should contain a valid JSON/Go field access statement.").wide(),
                Column::new("Source", "The component reporting this event. Should be a short machine understandable string.").wide(),
                Column::new("Message", "A human-readable description of the status of this operation."),
                Column::new("First Seen", "The time at which the event was first recorded. (Time of server receipt is in TypeMeta.)").wide(),
                Column::new("Count", "The number of times this event has occurred.").wide(),
                Column::name().wide(),
            ]
        }
    }

    fn cells(&self, object: &Event, now: Time) -> Vec<Value> {
        let event_time = object.event_time.as_ref().map(|t| Time::from(t.0));
        let first = since(object.first_timestamp.as_ref().map(|t| Time::from(t.0)).or(event_time), now);
        let mut last = match &object.last_timestamp {
            Some(t) => since(Some(Time::from(t.0)), now),
            None => first.clone(),
        };
        let mut count = object.count.unwrap_or(0);
        match &object.series {
            Some(series) => {
                last = since(series.last_observed_time.as_ref().map(|t| Time::from(t.0)), now);
                count = series.count.unwrap_or(0);
            }
            // Events of the newer API that happened once have no count.
            None if count == 0 => count = 1,
            None => {}
        }
        vec![
            last.into(),
            object.type_.as_deref().unwrap_or_default().into(),
            object.reason.as_deref().unwrap_or_default().into(),
            target(object).into(),
            object.involved_object.field_path.as_deref().unwrap_or_default().into(),
            source(object).into(),
            object.message.as_deref().unwrap_or_default().trim().into(),
            first.into(),
            count.into(),
            object.metadata.name.as_deref().into(),
        ]
    }

    fn fields(&self) -> &'static [&'static str] {
        &[
            "involvedObject.kind",
            "involvedObject.namespace",
            "involvedObject.name",
            "involvedObject.uid",
            "involvedObject.apiVersion",
            "involvedObject.resourceVersion",
            "involvedObject.fieldPath",
            "reason",
            "reportingComponent",
            "source",
            "type",
        ]
    }

    fn field(&self, object: &Event, path: &str) -> Option<String> {
        let about = &object.involved_object;
        let component = object.source.as_ref().and_then(|s| s.component.as_ref()).filter(|c| !c.is_empty());
        let value = match path {
            "involvedObject.kind" => &about.kind,
            "involvedObject.namespace" => &about.namespace,
            "involvedObject.name" => &about.name,
            "involvedObject.uid" => &about.uid,
            "involvedObject.apiVersion" => &about.api_version,
            "involvedObject.resourceVersion" => &about.resource_version,
            "involvedObject.fieldPath" => &about.field_path,
            "reason" => &object.reason,
            "reportingComponent" => &object.reporting_component,
            "source" => return Some(component.or(object.reporting_component.as_ref()).cloned().unwrap_or_default()),
            "type" => &object.type_,
            _ => return None,
        };
        Some(value.clone().unwrap_or_default())
    }
}

/// `pod/web-0`.
fn target(event: &Event) -> String {
    let kind = event.involved_object.kind.as_deref().unwrap_or_default().to_lowercase();
    match event.involved_object.name.as_deref() {
        Some(name) if !name.is_empty() => format!("{kind}/{name}"),
        _ => kind,
    }
}

/// `kubelet, minikube`.
fn source(event: &Event) -> String {
    let part = |of: fn(&EventSource) -> &Option<String>, or: &Option<String>| {
        let first = event.source.as_ref().and_then(|s| of(s).clone()).filter(|t| !t.is_empty());
        first.or_else(|| or.clone()).unwrap_or_default()
    };
    let component = part(|s| &s.component, &event.reporting_component);
    let instance = part(|s| &s.host, &event.reporting_instance);
    if instance.is_empty() { component } else { format!("{component}, {instance}") }
}

/// Events with an `eventTime` must also say who reports what.
fn new_style(event: &Event, errors: &mut ErrorList) {
    const LONGEST: usize = 128;
    let too_long =
        |field: &str, max: usize| Error::invalid(&Path::new(field), "", format!("can have at most {max} characters"));
    let controller = text(&event.reporting_component);
    if controller.is_empty() {
        errors.push(Error::required(&Path::new("reportingComponent"), ""));
    }
    checks::qualified_name(controller, &Path::new("reportingComponent"), errors);
    for (field, value) in
        [("reportingInstance", &event.reporting_instance), ("action", &event.action), ("reason", &event.reason)]
    {
        match text(value).len() {
            0 => errors.push(Error::required(&Path::new(field), "")),
            n if n > LONGEST => errors.push(too_long(field, LONGEST)),
            _ => {}
        }
    }
    if text(&event.message).len() > 1024 {
        errors.push(too_long("message", 1024));
    }
}
