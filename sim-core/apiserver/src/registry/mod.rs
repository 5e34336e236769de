//! The registry: one strategy per kind, in one table.
//!
//! Models: `pkg/registry` and its strategies: defaulting and preparing mutate, validating only reads; status has rules
//! of its own. A new kind is one file here and one line in [`BUILTIN`] (plus its `KindId` constant): get, apply, patch,
//! watch, discovery, RBAC and printing follow from it.

mod checks;
mod config_map;
mod deployment;
mod diff;
mod endpoint_slice;
mod endpoints;
mod event;
mod lease;
mod meta;
mod namespace;
mod node;
mod pod;
mod pod_defaults;
mod pod_dump;
mod pod_spec;
mod pod_summary;
mod pod_update;
mod printing;
mod priority_class;
mod qos;
mod replica_set;
mod secret;
mod service;
mod service_account;
mod service_alloc;
mod service_rules;
#[cfg(test)]
mod tests;
mod volumes;
mod workload;

use crate::decode::{self, DecodeError};
use crate::object::{Builtin, Object, view};
use crate::server::Allocators;
use crate::storage::KindId;
use apimachinery::field::ErrorList;
use apimachinery::names;
use apimachinery::time::Time;
use k8s_openapi::api::{
    apps::v1 as apps, coordination::v1 as coordination, core::v1 as core, discovery::v1 as discovery,
    scheduling::v1 as scheduling,
};
use serde::de::DeserializeOwned;
use serde_json::Value;

/// Everything about a kind that is not code.
#[derive(Clone, Debug, Default)]
pub struct KindInfo {
    pub group: &'static str,
    pub version: &'static str,
    pub kind: &'static str,
    pub plural: &'static str,
    pub singular: &'static str,
    pub short_names: &'static [&'static str],
    pub categories: &'static [&'static str],
    pub namespaced: bool,
    /// Names of subresources: `status`, `scale`, `log` …
    pub subresources: &'static [&'static str],
    /// `metadata.generation` counts changes of the spec.
    pub generation: bool,
    /// Empty: all of create delete deletecollection get list patch update watch.
    pub verbs: &'static [&'static str],
}

impl KindInfo {
    /// A namespaced kind of version v1 with all the verbs and no subresources.
    pub const fn namespaced(
        group: &'static str,
        kind: &'static str,
        plural: &'static str,
        singular: &'static str,
    ) -> Self {
        Self {
            group,
            version: "v1",
            kind,
            plural,
            singular,
            short_names: &[],
            categories: &[],
            namespaced: true,
            subresources: &[],
            generation: false,
            verbs: &[],
        }
    }

    /// As [`Self::namespaced`], for a kind that is not in a namespace.
    pub const fn cluster(
        group: &'static str,
        kind: &'static str,
        plural: &'static str,
        singular: &'static str,
    ) -> Self {
        let mut info = Self::namespaced(group, kind, plural, singular);
        info.namespaced = false;
        info
    }

    pub const fn short(mut self, names: &'static [&'static str]) -> Self {
        self.short_names = names;
        self
    }

    pub const fn category(mut self, categories: &'static [&'static str]) -> Self {
        self.categories = categories;
        self
    }

    pub const fn subresources(mut self, names: &'static [&'static str]) -> Self {
        self.subresources = names;
        self
    }

    pub const fn with_generation(mut self) -> Self {
        self.generation = true;
        self
    }

    /// `apps/v1`, or `v1`.
    pub fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.to_owned() } else { format!("{}/{}", self.group, self.version) }
    }
}

/// A column of the server-side Table.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    pub name: &'static str,
    /// `string`, `integer`, `boolean`, `date`.
    pub kind: &'static str,
    pub format: &'static str,
    /// 0: always shown; 1: with `-o wide`.
    pub priority: u8,
    pub description: &'static str,
}

impl Column {
    pub const fn new(name: &'static str, description: &'static str) -> Self {
        Self { name, kind: "string", format: "", priority: 0, description }
    }
    /// The NAME column.
    pub const fn name() -> Self {
        Self {
            name: "Name",
            kind: "string",
            format: "name",
            priority: 0,
            description: "Name must be unique within a namespace.",
        }
    }
    pub const fn age() -> Self {
        Self::new("Age", "Time since the object was created.")
    }
    /// The CONTAINERS column of everything that has a pod template.
    pub const fn containers() -> Self {
        Self::new("Containers", "Names of each container in the template.").wide()
    }
    /// The IMAGES column of everything that has a pod template.
    pub const fn images() -> Self {
        Self::new("Images", "Images referenced by each container in the template.").wide()
    }
    pub const fn integer(mut self) -> Self {
        self.kind = "integer";
        self
    }
    pub const fn boolean(mut self) -> Self {
        self.kind = "boolean";
        self
    }
    pub const fn wide(mut self) -> Self {
        self.priority = 1;
        self
    }
}

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

/// The built-in kinds. A kind's position is its [`KindId`]; discovery lists them in this order.
pub static BUILTIN: &[&dyn Kind] = &[
    &pod::PodStrategy,
    &namespace::NamespaceStrategy,
    &node::NodeStrategy,
    &replica_set::ReplicaSetStrategy,
    &deployment::DeploymentStrategy,
    &service::ServiceStrategy,
    &endpoints::EndpointsStrategy,
    &endpoint_slice::EndpointSliceStrategy,
    &event::EventStrategy,
    &config_map::ConfigMapStrategy,
    &secret::SecretStrategy,
    &service_account::ServiceAccountStrategy,
    &lease::LeaseStrategy,
    &priority_class::PriorityClassStrategy,
];

impl KindId {
    pub const POD: Self = Self(0);
    pub const NAMESPACE: Self = Self(1);
    pub const NODE: Self = Self(2);
    pub const REPLICA_SET: Self = Self(3);
    pub const DEPLOYMENT: Self = Self(4);
    pub const SERVICE: Self = Self(5);
    pub const ENDPOINTS: Self = Self(6);
    pub const ENDPOINT_SLICE: Self = Self(7);
    pub const EVENT: Self = Self(8);
    pub const CONFIG_MAP: Self = Self(9);
    pub const SECRET: Self = Self(10);
    pub const SERVICE_ACCOUNT: Self = Self(11);
    pub const LEASE: Self = Self(12);
    pub const PRIORITY_CLASS: Self = Self(13);
}

impl Builtin for core::Pod {
    const ID: KindId = KindId::POD;
}
impl Builtin for core::Namespace {
    const ID: KindId = KindId::NAMESPACE;
}
impl Builtin for core::Node {
    const ID: KindId = KindId::NODE;
}
impl Builtin for apps::ReplicaSet {
    const ID: KindId = KindId::REPLICA_SET;
}
impl Builtin for apps::Deployment {
    const ID: KindId = KindId::DEPLOYMENT;
}
impl Builtin for core::Service {
    const ID: KindId = KindId::SERVICE;
}
impl Builtin for core::Endpoints {
    const ID: KindId = KindId::ENDPOINTS;
}
impl Builtin for discovery::EndpointSlice {
    const ID: KindId = KindId::ENDPOINT_SLICE;
}
impl Builtin for core::Event {
    const ID: KindId = KindId::EVENT;
}
impl Builtin for core::ConfigMap {
    const ID: KindId = KindId::CONFIG_MAP;
}
impl Builtin for core::Secret {
    const ID: KindId = KindId::SECRET;
}
impl Builtin for core::ServiceAccount {
    const ID: KindId = KindId::SERVICE_ACCOUNT;
}
impl Builtin for coordination::Lease {
    const ID: KindId = KindId::LEASE;
}

impl Builtin for scheduling::PriorityClass {
    const ID: KindId = KindId::PRIORITY_CLASS;
}

/// Age as tables print it: `98s`, `3d4h`, `<unknown>` without a creation time.
pub fn age(meta: &k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta, now: Time) -> String {
    match &meta.creation_timestamp {
        Some(t) => apimachinery::duration::human(now.since(Time::from(t.0))),
        None => "<unknown>".to_owned(),
    }
}
