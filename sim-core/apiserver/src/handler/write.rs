//! Create and update: decode, check that the body belongs to the path, hand over to the registry.
//!
//! Models: apiserver `pkg/endpoints/handlers/{create,update}.go`.

use super::options::WriteOptions;
use super::{Answer, Call, Scope, auth, body};
use crate::ApiServer;
use crate::managedfields::{self, Who};
use crate::object::{Object, ObjectRef};
use crate::server::Door;
use apimachinery::field::{Error, ErrorList, Path};
use apimachinery::status::Status;

pub(super) fn create(server: &mut ApiServer, call: &mut Call, scope: &Scope) -> Result<Answer, Status> {
    if scope.kind.info().namespaced && scope.namespace.is_empty() {
        return Err(super::method_not_allowed());
    }
    let options = WriteOptions::read(call, "CreateOptions", false)?;
    let mut object = body::object(server, call, scope, options.validation)?;
    match_namespace(scope, &mut *object)?;
    let object = create_decoded(server, call, scope, &options, object)?;
    Ok(Answer::Object(201, object))
}

/// The end of every create: an object that belongs where the request says.
pub(super) fn create_decoded(
    server: &mut ApiServer,
    call: &mut Call,
    scope: &Scope,
    options: &WriteOptions,
    mut object: Box<dyn Object>,
) -> Result<ObjectRef, Status> {
    dedup_owners(call, &mut *object);
    let versioned = object.meta().resource_version.as_deref().is_some_and(|v| !v.is_empty() && v != "0");
    scope.kind.default(&mut *object);
    manage(server, call, scope, options, None, &mut *object);
    let writer = call.writer(&options.field_manager);
    if versioned {
        // The store refuses it after everything else has been checked.
        server.create_object(scope.id, object, &writer, true)?;
        return Err(Status::new(500, "", "resourceVersion should not be set on objects to be created"));
    }
    object.meta_mut().resource_version = None;
    let created = server.create_object(scope.id, object, &writer, options.dry_run)?;
    call.warnings.extend(scope.kind.warnings(&*created));
    call.warnings.append(&mut server.warnings);
    Ok(created)
}

pub(super) fn update(server: &mut ApiServer, call: &mut Call, scope: &Scope) -> Result<Answer, Status> {
    let options = WriteOptions::read(call, "UpdateOptions", false)?;
    let mut object = body::object(server, call, scope, options.validation)?;
    match_namespace(scope, &mut *object)?;
    match_name(scope, &*object)?;
    let exists = server.storage.get(scope.id, &scope.namespace, &scope.name).is_some();
    let kind = scope.kind.info().kind;
    if !exists && CREATED_BY_UPDATE.contains(&kind) {
        auth::authorize_create(server, call, scope)?;
        return create_decoded(server, call, scope, &options, object).map(|o| Answer::Object(201, o));
    }
    let version = object.meta().resource_version.as_deref().unwrap_or_default();
    if exists && matches!(version, "" | "0") && NEEDS_VERSION.contains(&kind) {
        let mut errors = ErrorList::default();
        let metadata = Path::new("metadata");
        errors.push(Error::invalid_raw(&metadata.child("resourceVersion"), 0, "must be specified for an update"));
        return Err(Status::invalid(scope.group(), kind, &scope.name, &errors));
    }
    let object = update_decoded(server, call, scope, &options, object, Door::Main)?;
    Ok(Answer::Object(200, object))
}

/// Kinds of which an update makes the object if there is none.
const CREATED_BY_UPDATE: [&str; 10] = [
    "RuntimeClass",
    "RoleBinding",
    "ClusterRoleBinding",
    "Role",
    "ClusterRole",
    "Lease",
    "LimitRange",
    "Event",
    "Service",
    "Endpoints",
];

/// Kinds whose updates must say which version they change.
const NEEDS_VERSION: [&str; 8] = [
    "RuntimeClass",
    "PodDisruptionBudget",
    "CSIDriver",
    "CSIStorageCapacity",
    "VolumeAttachment",
    "CSINode",
    "Lease",
    "CustomResourceDefinition",
];

/// The end of every update and patch.
pub(super) fn update_decoded(
    server: &mut ApiServer,
    call: &mut Call,
    scope: &Scope,
    options: &WriteOptions,
    mut object: Box<dyn Object>,
    door: Door,
) -> Result<ObjectRef, Status> {
    dedup_owners(call, &mut *object);
    scope.kind.default(&mut *object);
    let old = server.storage.get(scope.id, &scope.namespace, &scope.name).cloned();
    if let Some(old) = &old {
        manage(server, call, scope, options, Some(&**old), &mut *object);
    }
    let writer = call.writer(&options.field_manager);
    let updated = server.update_object(scope.id, object, door, &writer, options.dry_run)?;
    if door == Door::Main {
        if let Some(old) = &old {
            call.warnings.extend(scope.kind.update_warnings(&*updated, &**old));
        }
        call.warnings.append(&mut server.warnings);
    }
    Ok(updated)
}

/// Notes in `metadata.managedFields` who wrote which field.
pub(super) fn manage(
    server: &ApiServer,
    call: &Call,
    scope: &Scope,
    options: &WriteOptions,
    old: Option<&dyn Object>,
    new: &mut dyn Object,
) {
    let manager = call.manager(&options.field_manager);
    let api_version = scope.kind.info().api_version();
    let who = Who { manager: &manager, api_version: &api_version, subresource: &scope.subresource, now: server.now };
    let given = new.meta_mut().managed_fields.take().filter(|list| list.iter().any(|m| m.operation.is_some()));
    let had = given.or_else(|| old.and_then(|o| o.meta().managed_fields.clone())).unwrap_or_default();
    let managed = managedfields::update(old.map(Object::to_value).as_ref(), &new.to_value(), &had, &who);
    new.meta_mut().managed_fields = (!managed.is_empty()).then_some(managed);
}

/// A namespace in the object must be that of the path; none means that of the path.
pub(super) fn match_namespace(scope: &Scope, object: &mut dyn Object) -> Result<(), Status> {
    let meta = object.meta_mut();
    let own = meta.namespace.as_deref().unwrap_or_default();
    if !scope.kind.info().namespaced {
        meta.namespace = None;
    } else if own.is_empty() {
        meta.namespace = Some(scope.namespace.clone());
    } else if own != scope.namespace {
        return Err(Status::bad_request(
            "the namespace of the provided object does not match the namespace sent on the request",
        ));
    }
    Ok(())
}

pub(super) fn match_name(scope: &Scope, object: &dyn Object) -> Result<(), Status> {
    match object.meta().name.as_deref().unwrap_or_default() {
        "" => Err(Status::bad_request(format!(
            "the name of the object ({} based on URL) was undeterminable: name must be provided",
            scope.name
        ))),
        own if own != scope.name => Err(Status::bad_request(format!(
            "the name of the object ({own}) does not match the name on the URL ({})",
            scope.name
        ))),
        _ => Ok(()),
    }
}

/// Owner references that are there twice are dropped, with a warning.
fn dedup_owners(call: &mut Call, object: &mut dyn Object) {
    let Some(owners) = &mut object.meta_mut().owner_references else { return };
    let mut seen = Vec::with_capacity(owners.len());
    let mut duplicates = Vec::new();
    for owner in owners.drain(..) {
        if seen.contains(&owner) {
            duplicates.push(owner.uid);
        } else {
            seen.push(owner);
        }
    }
    *owners = seen;
    if !duplicates.is_empty() {
        call.warnings.push(format!(
            ".metadata.ownerReferences contains duplicate entries; API server dedups owner references in 1.20+, and may \
             reject such requests as early as 1.24; please fix your requests; duplicate UID(s) observed: {}",
            duplicates.join(", ")
        ));
    }
}
