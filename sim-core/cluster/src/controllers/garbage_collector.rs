//! What is owned goes when its owners are gone; owners can be made to wait for it, or to let it go.
//!
//! Models: `pkg/controller/garbagecollector`, with the storage's owner index in place of its graph.
//! Keys are UIDs: of an owner that went away or is going, or of an object whose owners have to be looked at.

use super::meta::{has_finalizer, name_of, namespace_of, uid_of};
use super::{Action, Controller, Informer, Key, Seen};
use crate::cluster::Ctx;
use apimachinery::status::Status;
use apiserver::object::ObjectRef;
use apiserver::server::{Door, Propagation};
use apiserver::{ApiServer, Change, DeleteOptions, KindId, Verb};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};

pub struct GarbageCollector;

const FOREGROUND: &str = "foregroundDeletion";
const ORPHAN: &str = "orphan";

impl Controller for GarbageCollector {
    fn name(&self) -> &'static str {
        "generic-garbage-collector"
    }

    fn observe(&self, change: &Change, seen: &Seen<'_>, enqueue: &mut dyn FnMut(Key)) {
        let m = change.object.meta();
        let storage = &seen.api.storage;
        let owners = |m: &ObjectMeta, then: &mut dyn FnMut(&OwnerReference)| {
            m.owner_references.iter().flatten().for_each(then);
        };
        if change.verb == Verb::Deleted {
            if storage.owned_by(uid_of(m)).next().is_some() {
                enqueue(Key::new("", uid_of(m)));
            }
            owners(m, &mut |r| enqueue_waiting(seen.api, r, enqueue));
            return;
        }
        let old = change.old.as_ref().map(|o| o.meta());
        if m.deletion_timestamp.is_some() && (has_finalizer(m, FOREGROUND) || has_finalizer(m, ORPHAN)) {
            enqueue(Key::new("", uid_of(m)));
        }
        if old.is_none_or(|o| o.owner_references != m.owner_references) {
            let mut absent = false;
            owners(m, &mut |r| absent |= storage.by_uid(&r.uid).is_none());
            if absent {
                enqueue(Key::new("", uid_of(m)));
            }
            if let Some(old) = old {
                owners(old, &mut |r| enqueue_waiting(seen.api, r, enqueue));
            }
        }
    }

    fn reconcile(&self, key: &Key, cx: &mut Ctx<'_>, _informer: &mut Informer) -> Result<Action, Status> {
        let uid = &*key.name;
        let Some((kind, item)) = cx.api.storage.by_uid(uid).map(|(kind, o)| (kind, o.clone())) else {
            for (kind, dependent) in dependents(cx.api, uid) {
                collect(kind, &dependent, cx)?;
            }
            return Ok(Action::Done);
        };
        let m = item.meta();
        if m.deletion_timestamp.is_none() {
            collect(kind, &item, cx)?;
        } else if has_finalizer(m, ORPHAN) {
            for (kind, dependent) in dependents(cx.api, uid) {
                edit(kind, &dependent, cx, |m| disown(m, &|r| r.uid == uid))?;
            }
            edit(kind, &item, cx, |m| drop_finalizer(m, ORPHAN))?;
        } else if has_finalizer(m, FOREGROUND) {
            let blocking: Vec<_> = dependents(cx.api, uid).into_iter().filter(|(_, d)| blocks(d.meta(), uid)).collect();
            if blocking.is_empty() {
                edit(kind, &item, cx, |m| drop_finalizer(m, FOREGROUND))?;
            }
            for (kind, dependent) in blocking.iter().filter(|(_, d)| d.meta().deletion_timestamp.is_none()) {
                collect(*kind, dependent, cx)?;
            }
        }
        Ok(Action::Done)
    }
}

/// An owner that waits for its dependents has one less to wait for.
fn enqueue_waiting(api: &ApiServer, owner: &OwnerReference, enqueue: &mut dyn FnMut(Key)) {
    if api.storage.by_uid(&owner.uid).is_some_and(|(_, o)| waits(o.meta())) {
        enqueue(Key::new("", &owner.uid));
    }
}

fn waits(m: &ObjectMeta) -> bool {
    m.deletion_timestamp.is_some() && has_finalizer(m, FOREGROUND)
}

fn dependents(api: &ApiServer, uid: &str) -> Vec<(KindId, ObjectRef)> {
    api.storage.owned_by(uid).map(|(kind, o)| (kind, o.clone())).collect()
}

fn blocks(m: &ObjectMeta, owner: &str) -> bool {
    m.owner_references.iter().flatten().any(|r| r.uid == owner && r.block_owner_deletion == Some(true))
}

/// Looks at an object's owners: deletes it if none is left, forgets those that are gone if some are.
fn collect(kind: KindId, item: &ObjectRef, cx: &mut Ctx<'_>) -> Result<(), Status> {
    let m = item.meta();
    if m.deletion_timestamp.is_some() {
        return Ok(());
    }
    let (mut solid, mut waiting, mut any) = (false, false, false);
    for r in m.owner_references.iter().flatten() {
        any = true;
        match cx.api.storage.by_uid(&r.uid) {
            None => {}
            Some((_, owner)) if waits(owner.meta()) => waiting = true,
            Some(_) => solid = true,
        }
    }
    if !any {
        return Ok(());
    }
    if solid {
        let gone = |api: &ApiServer, r: &OwnerReference| {
            api.storage.by_uid(&r.uid).is_none_or(|(_, owner)| waits(owner.meta()))
        };
        let lost: Vec<String> =
            m.owner_references.iter().flatten().filter(|r| gone(cx.api, r)).map(|r| r.uid.clone()).collect();
        return if lost.is_empty() { Ok(()) } else { edit(kind, item, cx, |m| disown(m, &|r| lost.contains(&r.uid))) };
    }
    let has_dependents = cx.api.storage.owned_by(uid_of(m)).next().is_some();
    let propagation = if has_finalizer(m, ORPHAN) {
        Propagation::Orphan
    } else if has_finalizer(m, FOREGROUND) || waiting && has_dependents {
        Propagation::Foreground
    } else {
        Propagation::Background
    };
    let options =
        DeleteOptions { propagation: Some(propagation), uid: Some(uid_of(m).to_owned()), ..DeleteOptions::default() };
    match cx.api.delete_object(kind, namespace_of(m), name_of(m), &options, &cx.writer) {
        Err(status) if !status.is_not_found() => Err(status),
        _ => Ok(()),
    }
}

fn disown(m: &mut ObjectMeta, which: &dyn Fn(&OwnerReference) -> bool) {
    m.owner_references = m
        .owner_references
        .take()
        .map(|list| list.into_iter().filter(|r| !which(r)).collect::<Vec<_>>())
        .filter(|list| !list.is_empty());
}

fn drop_finalizer(m: &mut ObjectMeta, name: &str) {
    m.finalizers = m
        .finalizers
        .take()
        .map(|list| list.into_iter().filter(|f| f != name).collect::<Vec<_>>())
        .filter(|list| !list.is_empty());
}

/// Changes the metadata of an object of any kind; one that is gone needs no change.
fn edit(kind: KindId, item: &ObjectRef, cx: &mut Ctx<'_>, change: impl FnOnce(&mut ObjectMeta)) -> Result<(), Status> {
    let m = item.meta();
    let Some(latest) = cx.api.storage.get(kind, namespace_of(m), name_of(m)) else { return Ok(()) };
    let mut new = latest.clone_box();
    change(new.meta_mut());
    cx.api.update_object(kind, new, Door::Part, &cx.writer, false).map(drop)
}
