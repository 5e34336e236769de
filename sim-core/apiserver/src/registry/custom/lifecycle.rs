//! What follows from a change of a definition: names are accepted, kinds come, change and go.
//!
//! Models: apiextensions-apiserver `pkg/controller/{status,establish,finalizer}`, which run inside the API server; here at
//! once, in the same step as the change. Invariant: a kind keeps its [`KindId`] for good, also while nothing serves it.

use super::CustomKind;
use super::object::{DynamicObject, dynamic, dynamic_mut};
use crate::ApiServer;
use crate::object::Object;
use crate::server::{DeleteOptions, Door, KindRef, Writer};
use crate::storage::{KindId, Verb};
use apimachinery::time::Time;
use serde_json::{Value, json};
use std::sync::Arc;

const FINALIZER: &str = "customresourcecleanup.apiextensions.k8s.io";

/// Before a definition begins to be deleted.
pub(crate) fn hold(id: KindId, object: &mut dyn Object, now: Time) {
    if id != KindId::CUSTOM_RESOURCE_DEFINITION || object.meta().deletion_timestamp.is_some() {
        return;
    }
    let list = object.meta_mut().finalizers.get_or_insert_with(Vec::new);
    if !list.iter().any(|f| f == FINALIZER) {
        list.push(FINALIZER.to_owned());
    }
    let object = dynamic_mut(object);
    let mut status = object.get("status").clone();
    let message = "CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon";
    condition(&mut status, "Terminating", "True", "InstanceDeletionPending", message, now);
    object.set("status", status);
}

/// After any commit: brings the kinds in line with the definitions.
pub(crate) fn follow(server: &mut ApiServer, id: KindId, verb: Verb, object: &dyn Object) {
    let name = object.meta().name.clone().unwrap_or_default();
    if id == KindId::CUSTOM_RESOURCE_DEFINITION {
        if verb == Verb::Deleted {
            withdraw(server, &name);
            // A name that was taken may be free for another now.
            let others: Vec<String> = server.storage.list(id, None).filter_map(|o| o.meta().name.clone()).collect();
            others.iter().for_each(|other| settle(server, other));
        } else {
            settle(server, &name);
        }
    } else if verb == Verb::Deleted
        && server.storage.count(id) == 0
        && let Some(definition) = server.kind(id).custom().map(|k| k.definition().to_owned())
    {
        clean_up(server, &definition);
    }
}

fn find(server: &ApiServer, name: &str) -> Option<DynamicObject> {
    server.storage.get(KindId::CUSTOM_RESOURCE_DEFINITION, "", name).map(|o| dynamic(&**o).clone())
}

/// Accepts names and serves the versions; each write comes back here through [`follow`] and finds nothing more to do.
fn settle(server: &mut ApiServer, name: &str) {
    let Some(mut definition) = find(server, name) else { return };
    if definition.meta.deletion_timestamp.is_some() {
        clean_up(server, name);
        return;
    }
    let spec = definition.get("spec").clone();
    let mut status = definition.get("status").clone();
    let now = server.now;
    match conflict(server, name, &spec) {
        None => {
            status["acceptedNames"] = spec["names"].clone();
            condition(&mut status, "NamesAccepted", "True", "NoConflicts", "no conflicts found", now);
            let words = "the initial names have been accepted";
            condition(&mut status, "Established", "True", "InitialNamesAccepted", words, now);
        }
        Some((reason, message)) => {
            condition(&mut status, "NamesAccepted", "False", reason, &message, now);
            if status_of(&status, "Established") != "True" {
                condition(&mut status, "Established", "False", "NotAccepted", "not all names are accepted", now);
            }
        }
    }
    if &status != definition.get("status") {
        definition.set("status", status);
        write(server, definition, Door::Status);
    } else if status_of(&status, "Established") == "True" {
        serve(server, name, &spec);
    }
}

fn write(server: &mut ApiServer, definition: DynamicObject, door: Door) {
    let writer = Writer::new("kube-apiserver");
    // Nobody else writes within this step, so nothing can conflict.
    let _ = server.update_object(KindId::CUSTOM_RESOURCE_DEFINITION, Box::new(definition), door, &writer, false);
}

fn status_of<'s>(status: &'s Value, kind: &str) -> &'s str {
    let conditions = status["conditions"].as_array().into_iter().flatten();
    conditions.into_iter().find(|c| c["type"] == kind).and_then(|c| c["status"].as_str()).unwrap_or_default()
}

fn condition(status: &mut Value, kind: &str, is: &str, reason: &str, message: &str, now: Time) {
    if !status.is_object() {
        *status = json!({});
    }
    if !status["conditions"].is_array() {
        status["conditions"] = json!([]);
    }
    let Some(list) = status["conditions"].as_array_mut() else { return };
    let new = json!({"type": kind, "status": is, "reason": reason, "message": message,
        "lastTransitionTime": now.rfc3339()});
    match list.iter_mut().find(|c| c["type"] == kind) {
        None => list.push(new),
        Some(old) => {
            let since =
                if old["status"] == is { old["lastTransitionTime"].clone() } else { new["lastTransitionTime"].clone() };
            *old = new;
            old["lastTransitionTime"] = since;
        }
    }
}

/// The first name that another definition of the group has been given.
fn conflict(server: &ApiServer, name: &str, spec: &Value) -> Option<(&'static str, String)> {
    let mut resources: Vec<&str> = Vec::new();
    let mut kinds: Vec<&str> = Vec::new();
    for other in server.storage.list(KindId::CUSTOM_RESOURCE_DEFINITION, None) {
        let other = dynamic(&**other);
        if other.meta.name.as_deref() == Some(name) || other.get("spec")["group"] != spec["group"] {
            continue;
        }
        let accepted = &other.get("status")["acceptedNames"];
        let short = accepted["shortNames"].as_array().into_iter().flatten();
        resources
            .extend([&accepted["plural"], &accepted["singular"]].into_iter().chain(short).filter_map(Value::as_str));
        kinds.extend([&accepted["kind"], &accepted["listKind"]].into_iter().filter_map(Value::as_str));
    }
    let names = &spec["names"];
    let taken = |value: &Value, list: &[&str]| {
        value
            .as_str()
            .filter(|n| !n.is_empty() && list.contains(n))
            .map(|n| format!("{} is already in use", apimachinery::field::quote(n)))
    };
    let short = names["shortNames"].as_array().into_iter().flatten();
    taken(&names["plural"], &resources)
        .map(|m| ("PluralConflict", m))
        .or_else(|| taken(&names["singular"], &resources).map(|m| ("SingularConflict", m)))
        .or_else(|| short.into_iter().find_map(|n| taken(n, &resources)).map(|m| ("ShortNamesConflict", m)))
        .or_else(|| taken(&names["kind"], &kinds).map(|m| ("KindConflict", m)))
        .or_else(|| taken(&names["listKind"], &kinds).map(|m| ("ListKindConflict", m)))
}

/// Registers every version: the stored one in the table of kinds, the others beside it.
fn serve(server: &mut ApiServer, name: &str, spec: &Value) {
    let of = |kind: &KindRef| kind.custom().is_some_and(|k| k.definition() == name);
    let mut before: Vec<CustomKind> = Vec::new();
    let old = server.kinds.iter().chain(server.versions.iter().map(|(_, kind)| kind));
    before.extend(old.filter(|k| of(k)).filter_map(|k| k.custom().cloned()));
    let place = server.kinds.iter().position(of);
    server.versions.retain(|(_, kind)| !of(kind));
    let versions = spec["versions"].as_array().map(Vec::as_slice).unwrap_or_default();
    let make = |version: &Value| {
        let known = before.iter().find(|b| version["name"] == b.info.version);
        KindRef::Custom(Arc::new(CustomKind::new(name, spec, version, known)))
    };
    let Some(stored) = versions.iter().find(|v| v["storage"] == true) else { return };
    let id = match place {
        Some(at) => KindId(u16::try_from(at).expect("kinds are numbered by u16")),
        None => server.storage.add_kind(),
    };
    match place {
        Some(at) => server.kinds[at] = make(stored),
        None => server.kinds.push(make(stored)),
    }
    let others = versions.iter().filter(|v| v["storage"] != true && v["served"] == true);
    server.versions.extend(others.map(|v| (id, make(v))));
}

/// Nothing of a definition is served any more.
fn withdraw(server: &mut ApiServer, name: &str) {
    let of = |kind: &KindRef| kind.custom().is_some_and(|k| k.definition() == name);
    server.versions.retain(|(_, kind)| !of(kind));
    for kind in &mut server.kinds {
        if let Some(custom) = kind.custom().filter(|k| k.definition() == name) {
            *kind = KindRef::Custom(Arc::new(CustomKind { served: false, ..custom.clone() }));
        }
    }
}

/// Deletes the objects of a definition that is going, then lets it go.
fn clean_up(server: &mut ApiServer, name: &str) {
    let Some(definition) = find(server, name) else { return };
    let ours = definition.meta.finalizers.as_ref().is_some_and(|f| f.iter().any(|f| f == FINALIZER));
    if definition.meta.deletion_timestamp.is_none() || !ours {
        return;
    }
    let of = |kind: &KindRef| kind.custom().is_some_and(|k| k.definition() == name);
    if let Some(at) = server.kinds.iter().position(of) {
        let id = KindId(u16::try_from(at).expect("kinds are numbered by u16"));
        let going = server.storage.list(id, None).filter(|o| o.meta().deletion_timestamp.is_none());
        let going: Vec<_> = going.map(|o| (o.meta().namespace.clone(), o.meta().name.clone())).collect();
        let writer = Writer::new("kube-apiserver");
        for (namespace, object) in going {
            let (namespace, object) = (namespace.unwrap_or_default(), object.unwrap_or_default());
            // What a finalizer holds stays, and the definition with it.
            let _ = server.delete_object(id, &namespace, &object, &DeleteOptions::default(), &writer);
        }
        if server.storage.count(id) > 0 {
            return;
        }
    }
    // The deletion of the last object may have come here and let it go already.
    let Some(mut definition) = find(server, name) else { return };
    if let Some(list) = &mut definition.meta.finalizers {
        list.retain(|f| f != FINALIZER);
    }
    write(server, definition, Door::Part);
}
