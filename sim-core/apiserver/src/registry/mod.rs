//! The registry: one strategy per kind, in one table.
//!
//! Models: `pkg/registry` and its strategies: defaulting and preparing mutate, validating only reads; status has rules
//! of its own. A new kind is one file here and a line and an id in `builtin.rs`: get, apply, patch,
//! watch, discovery, RBAC and printing follow from it.

mod api_service;
mod builtin;
mod certificate_signing_request;
mod checks;
mod cluster_role;
mod cluster_role_binding;
mod config_map;
mod controller_revision;
mod cron;
mod cron_job;
mod csi_driver;
mod csi_node;
mod csi_storage_capacity;
pub mod custom;
mod daemon_set;
mod deployment;
mod diff;
mod endpoint_slice;
mod endpoints;
mod event;
mod flow_schema;
mod horizontal_pod_autoscaler;
mod info;
mod ingress;
mod ingress_class;
mod job;
mod lease;
mod limit_range;
mod meta;
mod mutating_webhook_configuration;
mod namespace;
mod network_policy;
mod node;
mod persistent_volume;
mod persistent_volume_claim;
mod pod;
mod pod_defaults;
mod pod_disruption_budget;
mod pod_dump;
mod pod_spec;
mod pod_summary;
mod pod_template;
mod pod_update;
mod printing;
mod priority_class;
mod priority_level_configuration;
mod qos;
mod rbac;
mod replica_set;
mod replication_controller;
mod resource_quota;
mod role;
mod role_binding;
mod runtime_class;
mod secret;
mod service;
mod service_account;
mod service_alloc;
mod service_rules;
mod stateful_set;
mod storage_class;
#[cfg(test)]
mod tests;
mod validating_admission_policy;
mod validating_admission_policy_binding;
mod validating_webhook_configuration;
mod volume_attachment;
mod volume_attributes_class;
mod volumes;
mod workload;

use crate::decode::{self, DecodeError};
use crate::object::{Builtin, Object, view};
use crate::server::Allocators;
use apimachinery::field::ErrorList;
use apimachinery::names;
use apimachinery::time::Time;
use serde::de::DeserializeOwned;
use serde_json::Value;

pub use builtin::BUILTIN;
pub use info::{Column, KindInfo};
pub(crate) use ingress_class::is_default as is_default_ingress_class;
pub(crate) use storage_class::is_default as is_default_storage_class;
pub(crate) use volumes::sources as volume_sources;

/// What a strategy may look at and draw from while it prepares an object.
pub struct Context<'a> {
    pub now: Time,
    pub seed: u64,
    pub allocators: &'a mut Allocators,
    pub storage: &'a crate::storage::Storage,
}

/// The rules of one kind, written against its own type.
pub trait Strategy: Send + Sync + 'static {
    type Object: Builtin + DeserializeOwned;

    fn info(&self) -> &'static KindInfo;
    /// What may be a name of this kind.
    fn name_check(&self) -> names::Check {
        names::dns1123_subdomain
    }
    /// Fills in what the client left out.
    fn default(&self, object: &mut Self::Object) {
        let _ = object;
    }
    /// Before creation: drop status, allocate addresses …
    fn prepare_create(&self, object: &mut Self::Object, cx: &mut Context<'_>) -> Result<(), ErrorList> {
        let _ = (object, cx);
        Ok(())
    }
    /// Before an update through the main resource: keep the old status, allocate …
    fn prepare_update(
        &self,
        new: &mut Self::Object,
        old: &Self::Object,
        cx: &mut Context<'_>,
    ) -> Result<(), ErrorList> {
        let _ = (new, old, cx);
        Ok(())
    }
    /// Before an update through `/status`: keep everything but the status.
    fn prepare_status(&self, new: &mut Self::Object, old: &Self::Object) {
        let _ = (new, old);
    }
    /// What must hold of any object of this kind, beyond its metadata.
    fn validate(&self, object: &Self::Object) -> ErrorList {
        let _ = object;
        ErrorList::default()
    }
    /// Everything that an update must satisfy, what holds of any object included.
    fn validate_update(&self, new: &Self::Object, old: &Self::Object) -> ErrorList {
        let _ = old;
        self.validate(new)
    }
    fn validate_status(&self, new: &Self::Object, old: &Self::Object) -> ErrorList {
        let _ = (new, old);
        ErrorList::default()
    }
    /// Warnings for the client (`Warning: …`), after decoding and defaulting.
    fn warnings(&self, object: &Self::Object) -> Vec<String> {
        let _ = object;
        Vec::new()
    }
    /// Warnings about an update; what was there before is warned of no more.
    fn update_warnings(&self, new: &Self::Object, old: &Self::Object) -> Vec<String> {
        let unchanged = new.meta().generation.is_some() && new.meta().generation == old.meta().generation;
        if unchanged { Vec::new() } else { self.warnings(new) }
    }
    /// A warning that every request for this kind gets.
    fn deprecation(&self) -> Option<&'static str> {
        None
    }
    /// Whether `metadata.generation` goes up.
    fn spec_changed(&self, new: &Self::Object, old: &Self::Object) -> bool {
        let _ = (new, old);
        false
    }
    /// Grace in seconds for a deletion; `None`: this kind is deleted at once.
    fn grace(&self, object: &Self::Object, requested: Option<i64>) -> Option<i64> {
        let _ = (object, requested);
        None
    }
    /// The object is gone: give back what it had allocated.
    fn released(&self, object: &Self::Object, allocators: &mut Allocators) {
        let _ = (object, allocators);
    }
    /// Of two states of an object one is kept, the other dropped (the old one after an update, the new one if the
    /// update came to nothing): give back what only the dropped one had allocated.
    fn replaced(&self, dropped: &Self::Object, kept: &Self::Object, allocators: &mut Allocators) {
        let _ = (dropped, kept, allocators);
    }
    fn columns(&self) -> &'static [Column] {
        const { &[Column::name(), Column::age()] }
    }
    /// Cells of the Table row, one for each of [`Self::columns`].
    fn cells(&self, object: &Self::Object, now: Time) -> Vec<Value> {
        let meta = object.meta();
        vec![meta.name.clone().unwrap_or_default().into(), age(meta, now).into()]
    }
    /// Value of a selectable field other than `metadata.name` and `metadata.namespace`; `None`: not selectable.
    fn field(&self, object: &Self::Object, path: &str) -> Option<String> {
        let _ = (object, path);
        None
    }
    /// Paths that [`Self::field`] knows.
    fn fields(&self) -> &'static [&'static str] {
        &[]
    }
}

/// The same rules, object-safe.
pub trait Kind: Send + Sync {
    fn info(&self) -> &KindInfo;
    fn name_check(&self) -> names::Check;
    fn decode(&self, value: &Value) -> Result<(Box<dyn Object>, Vec<String>), DecodeError>;
    fn default(&self, object: &mut dyn Object);
    fn prepare_create(&self, object: &mut dyn Object, cx: &mut Context<'_>) -> Result<(), ErrorList>;
    fn prepare_update(&self, new: &mut dyn Object, old: &dyn Object, cx: &mut Context<'_>) -> Result<(), ErrorList>;
    fn prepare_status(&self, new: &mut dyn Object, old: &dyn Object);
    fn validate(&self, object: &dyn Object) -> ErrorList;
    fn validate_update(&self, new: &dyn Object, old: &dyn Object) -> ErrorList;
    fn validate_status(&self, new: &dyn Object, old: &dyn Object) -> ErrorList;
    fn warnings(&self, object: &dyn Object) -> Vec<String>;
    fn update_warnings(&self, new: &dyn Object, old: &dyn Object) -> Vec<String>;
    fn deprecation(&self) -> Option<&'static str>;
    fn spec_changed(&self, new: &dyn Object, old: &dyn Object) -> bool;
    fn grace(&self, object: &dyn Object, requested: Option<i64>) -> Option<i64>;
    fn released(&self, object: &dyn Object, allocators: &mut Allocators);
    fn replaced(&self, dropped: &dyn Object, kept: &dyn Object, allocators: &mut Allocators);
    fn columns(&self) -> &[Column];
    fn cells(&self, object: &dyn Object, now: Time) -> Vec<Value>;
    fn field(&self, object: &dyn Object, path: &str) -> Option<String>;
    fn fields(&self) -> &[&'static str];
    /// Whether clients see the kind: a custom one may be gone, or served in other versions only.
    fn served(&self) -> bool {
        true
    }
    /// Where the scale subresource reads and writes.
    fn replicas(&self) -> Replicas {
        Replicas { spec: ".spec.replicas".into(), status: ".status.replicas".into(), selector: None }
    }
    /// The custom kind that this is.
    fn custom(&self) -> Option<&custom::CustomKind> {
        None
    }
}

/// Paths like `.spec.replicas`.
#[derive(Clone)]
pub struct Replicas {
    pub spec: String,
    pub status: String,
    /// A selector as text; `None`: `.spec.selector`, as objects of built-in kinds have it.
    pub selector: Option<String>,
}

const CAST: &str = "the registry hands a strategy only objects of its own kind";

fn typed<T: Builtin>(object: &dyn Object) -> &T {
    view(object).expect(CAST)
}

fn typed_mut<T: Builtin>(object: &mut dyn Object) -> &mut T {
    object.as_any_mut().downcast_mut().expect(CAST)
}

impl<S: Strategy> Kind for S {
    fn info(&self) -> &KindInfo {
        Strategy::info(self)
    }
    fn name_check(&self) -> names::Check {
        Strategy::name_check(self)
    }
    fn decode(&self, value: &Value) -> Result<(Box<dyn Object>, Vec<String>), DecodeError> {
        let (object, unknown) = decode::from_value::<S::Object>(value)?;
        Ok((Box::new(object), unknown))
    }
    fn default(&self, object: &mut dyn Object) {
        Strategy::default(self, typed_mut(object));
    }
    fn prepare_create(&self, object: &mut dyn Object, cx: &mut Context<'_>) -> Result<(), ErrorList> {
        Strategy::prepare_create(self, typed_mut(object), cx)
    }
    fn prepare_update(&self, new: &mut dyn Object, old: &dyn Object, cx: &mut Context<'_>) -> Result<(), ErrorList> {
        Strategy::prepare_update(self, typed_mut(new), typed(old), cx)
    }
    fn prepare_status(&self, new: &mut dyn Object, old: &dyn Object) {
        Strategy::prepare_status(self, typed_mut(new), typed(old));
    }
    fn validate(&self, object: &dyn Object) -> ErrorList {
        let mut errors = meta::validate(object.meta(), Strategy::info(self).namespaced, Strategy::name_check(self));
        errors.extend(Strategy::validate(self, typed(object)).0);
        errors
    }
    fn validate_update(&self, new: &dyn Object, old: &dyn Object) -> ErrorList {
        let mut errors = meta::validate_update(new.meta(), old.meta());
        errors.extend(Strategy::validate_update(self, typed(new), typed(old)).0);
        errors
    }
    fn validate_status(&self, new: &dyn Object, old: &dyn Object) -> ErrorList {
        Strategy::validate_status(self, typed(new), typed(old))
    }
    fn warnings(&self, object: &dyn Object) -> Vec<String> {
        Strategy::warnings(self, typed(object))
    }
    fn update_warnings(&self, new: &dyn Object, old: &dyn Object) -> Vec<String> {
        Strategy::update_warnings(self, typed(new), typed(old))
    }
    fn deprecation(&self) -> Option<&'static str> {
        Strategy::deprecation(self)
    }
    fn spec_changed(&self, new: &dyn Object, old: &dyn Object) -> bool {
        Strategy::spec_changed(self, typed(new), typed(old))
    }
    fn grace(&self, object: &dyn Object, requested: Option<i64>) -> Option<i64> {
        Strategy::grace(self, typed(object), requested)
    }
    fn released(&self, object: &dyn Object, allocators: &mut Allocators) {
        Strategy::released(self, typed(object), allocators);
    }
    fn replaced(&self, dropped: &dyn Object, kept: &dyn Object, allocators: &mut Allocators) {
        Strategy::replaced(self, typed(dropped), typed(kept), allocators);
    }
    fn columns(&self) -> &[Column] {
        Strategy::columns(self)
    }
    fn cells(&self, object: &dyn Object, now: Time) -> Vec<Value> {
        Strategy::cells(self, typed(object), now)
    }
    fn field(&self, object: &dyn Object, path: &str) -> Option<String> {
        Strategy::field(self, typed(object), path)
    }
    fn fields(&self) -> &[&'static str] {
        Strategy::fields(self)
    }
}

/// Age as tables print it: `98s`, `3d4h`, `<unknown>` without a creation time.
pub fn age(meta: &k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta, now: Time) -> String {
    match &meta.creation_timestamp {
        Some(t) => apimachinery::duration::human(now.since(Time::from(t.0))),
        None => "<unknown>".to_owned(),
    }
}

/// Age of something that happened at a time given as text.
fn age_of(text: &str, now: Time) -> String {
    match text.parse::<jiff::Timestamp>() {
        Ok(t) => apimachinery::duration::human(now.since(Time::from(t))),
        Err(_) => "<invalid>".to_owned(),
    }
}
