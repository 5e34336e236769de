//! The registry: one strategy per kind, in one table.
//!
//! Models: `pkg/registry` and its strategies: defaulting and preparing mutate, validating only reads; status has rules
//! of its own. A new kind is one file here and one line in [`BUILTIN`] (plus its `KindId` constant): get, apply, patch,
//! watch, discovery, RBAC and printing follow from it.

mod api_service;
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
mod daemon_set;
mod deployment;
mod diff;
mod endpoint_slice;
mod endpoints;
mod event;
mod flow_schema;
mod horizontal_pod_autoscaler;
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
    admissionregistration::v1 as admissionregistration, apps::v1 as apps, autoscaling::v2 as autoscaling,
    batch::v1 as batch, certificates::v1 as certificates, coordination::v1 as coordination, core::v1 as core,
    discovery::v1 as discovery, flowcontrol::v1 as flowcontrol, networking::v1 as networking, node::v1 as node_api,
    policy::v1 as policy, rbac::v1 as rbac_api, scheduling::v1 as scheduling, storage::v1 as storage,
};
use serde::de::DeserializeOwned;
use serde_json::Value;

pub(crate) use ingress_class::is_default as is_default_ingress_class;
pub(crate) use storage_class::is_default as is_default_storage_class;
pub(crate) use volumes::sources as volume_sources;

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

    pub const fn in_version(mut self, version: &'static str) -> Self {
        self.version = version;
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
            description: "Name must be unique within a namespace. Is required when creating resources, although some \
                          resources may allow a client to request the generation of an appropriate name automatically. \
                          Name is primarily intended for creation idempotence and configuration definition. Cannot be \
                          updated. More info: \
                          https://kubernetes.io/docs/concepts/overview/working-with-objects/names#names",
        }
    }
    /// When the object was made: what kinds show that have no columns of their own.
    pub const fn created_at() -> Self {
        Self {
            kind: "date",
            ..Self::new(
                "Created At",
                "CreationTimestamp is a timestamp representing the server time when this object was created.",
            )
        }
    }
    pub const fn age() -> Self {
        Self::new(
            "Age",
            "CreationTimestamp is a timestamp representing the server time when this object was created. It is not \
             guaranteed to be set in happens-before order across separate operations. Clients may not set this value. It is \
             represented in RFC3339 form and is in UTC.\n\nPopulated by the system. Read-only. Null for lists. More info: \
             https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#metadata",
        )
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
    &stateful_set::StatefulSetStrategy,
    &daemon_set::DaemonSetStrategy,
    &replication_controller::ReplicationControllerStrategy,
    &controller_revision::ControllerRevisionStrategy,
    &pod_template::PodTemplateStrategy,
    &job::JobStrategy,
    &cron_job::CronJobStrategy,
    &persistent_volume_claim::PersistentVolumeClaimStrategy,
    &persistent_volume::PersistentVolumeStrategy,
    &storage_class::StorageClassStrategy,
    &ingress::IngressStrategy,
    &ingress_class::IngressClassStrategy,
    &network_policy::NetworkPolicyStrategy,
    &role_binding::RoleBindingStrategy,
    &cluster_role_binding::ClusterRoleBindingStrategy,
    &role::RoleStrategy,
    &cluster_role::ClusterRoleStrategy,
    &pod_disruption_budget::PodDisruptionBudgetStrategy,
    &horizontal_pod_autoscaler::HorizontalPodAutoscalerStrategy,
    &resource_quota::ResourceQuotaStrategy,
    &limit_range::LimitRangeStrategy,
    &runtime_class::RuntimeClassStrategy,
    &csi_node::CSINodeStrategy,
    &csi_driver::CSIDriverStrategy,
    &volume_attachment::VolumeAttachmentStrategy,
    &certificate_signing_request::CertificateSigningRequestStrategy,
    &mutating_webhook_configuration::MutatingWebhookConfigurationStrategy,
    &validating_webhook_configuration::ValidatingWebhookConfigurationStrategy,
    &validating_admission_policy::ValidatingAdmissionPolicyStrategy,
    &validating_admission_policy_binding::ValidatingAdmissionPolicyBindingStrategy,
    &flow_schema::FlowSchemaStrategy,
    &priority_level_configuration::PriorityLevelConfigurationStrategy,
    &api_service::APIServiceStrategy,
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
    pub const STATEFUL_SET: Self = Self(14);
    pub const DAEMON_SET: Self = Self(15);
    pub const REPLICATION_CONTROLLER: Self = Self(16);
    pub const CONTROLLER_REVISION: Self = Self(17);
    pub const POD_TEMPLATE: Self = Self(18);
    pub const JOB: Self = Self(19);
    pub const CRON_JOB: Self = Self(20);
    pub const PERSISTENT_VOLUME_CLAIM: Self = Self(21);
    pub const PERSISTENT_VOLUME: Self = Self(22);
    pub const STORAGE_CLASS: Self = Self(23);
    pub const INGRESS: Self = Self(24);
    pub const INGRESS_CLASS: Self = Self(25);
    pub const NETWORK_POLICY: Self = Self(26);
    pub const ROLE_BINDING: Self = Self(27);
    pub const CLUSTER_ROLE_BINDING: Self = Self(28);
    pub const ROLE: Self = Self(29);
    pub const CLUSTER_ROLE: Self = Self(30);
    pub const POD_DISRUPTION_BUDGET: Self = Self(31);
    pub const HORIZONTAL_POD_AUTOSCALER: Self = Self(32);
    pub const RESOURCE_QUOTA: Self = Self(33);
    pub const LIMIT_RANGE: Self = Self(34);
    pub const RUNTIME_CLASS: Self = Self(35);
    pub const CSI_NODE: Self = Self(36);
    pub const CSI_DRIVER: Self = Self(37);
    pub const VOLUME_ATTACHMENT: Self = Self(38);
    pub const CERTIFICATE_SIGNING_REQUEST: Self = Self(39);
    pub const MUTATING_WEBHOOK_CONFIGURATION: Self = Self(40);
    pub const VALIDATING_WEBHOOK_CONFIGURATION: Self = Self(41);
    pub const VALIDATING_ADMISSION_POLICY: Self = Self(42);
    pub const VALIDATING_ADMISSION_POLICY_BINDING: Self = Self(43);
    pub const FLOW_SCHEMA: Self = Self(44);
    pub const PRIORITY_LEVEL_CONFIGURATION: Self = Self(45);
    pub const API_SERVICE: Self = Self(46);
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

impl Builtin for apps::StatefulSet {
    const ID: KindId = KindId::STATEFUL_SET;
}
impl Builtin for apps::DaemonSet {
    const ID: KindId = KindId::DAEMON_SET;
}
impl Builtin for core::ReplicationController {
    const ID: KindId = KindId::REPLICATION_CONTROLLER;
}
impl Builtin for apps::ControllerRevision {
    const ID: KindId = KindId::CONTROLLER_REVISION;
}
impl Builtin for core::PodTemplate {
    const ID: KindId = KindId::POD_TEMPLATE;
}
impl Builtin for batch::Job {
    const ID: KindId = KindId::JOB;
}
impl Builtin for batch::CronJob {
    const ID: KindId = KindId::CRON_JOB;
}
impl Builtin for core::PersistentVolumeClaim {
    const ID: KindId = KindId::PERSISTENT_VOLUME_CLAIM;
}
impl Builtin for core::PersistentVolume {
    const ID: KindId = KindId::PERSISTENT_VOLUME;
}
impl Builtin for storage::StorageClass {
    const ID: KindId = KindId::STORAGE_CLASS;
}
impl Builtin for networking::Ingress {
    const ID: KindId = KindId::INGRESS;
}
impl Builtin for networking::IngressClass {
    const ID: KindId = KindId::INGRESS_CLASS;
}
impl Builtin for networking::NetworkPolicy {
    const ID: KindId = KindId::NETWORK_POLICY;
}
impl Builtin for rbac_api::RoleBinding {
    const ID: KindId = KindId::ROLE_BINDING;
}
impl Builtin for rbac_api::ClusterRoleBinding {
    const ID: KindId = KindId::CLUSTER_ROLE_BINDING;
}
impl Builtin for rbac_api::Role {
    const ID: KindId = KindId::ROLE;
}
impl Builtin for rbac_api::ClusterRole {
    const ID: KindId = KindId::CLUSTER_ROLE;
}
impl Builtin for policy::PodDisruptionBudget {
    const ID: KindId = KindId::POD_DISRUPTION_BUDGET;
}
impl Builtin for autoscaling::HorizontalPodAutoscaler {
    const ID: KindId = KindId::HORIZONTAL_POD_AUTOSCALER;
}
impl Builtin for core::ResourceQuota {
    const ID: KindId = KindId::RESOURCE_QUOTA;
}
impl Builtin for core::LimitRange {
    const ID: KindId = KindId::LIMIT_RANGE;
}
impl Builtin for node_api::RuntimeClass {
    const ID: KindId = KindId::RUNTIME_CLASS;
}
impl Builtin for storage::CSINode {
    const ID: KindId = KindId::CSI_NODE;
}
impl Builtin for storage::CSIDriver {
    const ID: KindId = KindId::CSI_DRIVER;
}
impl Builtin for storage::VolumeAttachment {
    const ID: KindId = KindId::VOLUME_ATTACHMENT;
}
impl Builtin for certificates::CertificateSigningRequest {
    const ID: KindId = KindId::CERTIFICATE_SIGNING_REQUEST;
}
impl Builtin for admissionregistration::MutatingWebhookConfiguration {
    const ID: KindId = KindId::MUTATING_WEBHOOK_CONFIGURATION;
}
impl Builtin for admissionregistration::ValidatingWebhookConfiguration {
    const ID: KindId = KindId::VALIDATING_WEBHOOK_CONFIGURATION;
}
impl Builtin for admissionregistration::ValidatingAdmissionPolicy {
    const ID: KindId = KindId::VALIDATING_ADMISSION_POLICY;
}
impl Builtin for admissionregistration::ValidatingAdmissionPolicyBinding {
    const ID: KindId = KindId::VALIDATING_ADMISSION_POLICY_BINDING;
}
impl Builtin for flowcontrol::FlowSchema {
    const ID: KindId = KindId::FLOW_SCHEMA;
}
impl Builtin for flowcontrol::PriorityLevelConfiguration {
    const ID: KindId = KindId::PRIORITY_LEVEL_CONFIGURATION;
}
impl Builtin for k8s_openapi::kube_aggregator::pkg::apis::apiregistration::v1::APIService {
    const ID: KindId = KindId::API_SERVICE;
}

/// Age as tables print it: `98s`, `3d4h`, `<unknown>` without a creation time.
pub fn age(meta: &k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta, now: Time) -> String {
    match &meta.creation_timestamp {
        Some(t) => apimachinery::duration::human(now.since(Time::from(t.0))),
        None => "<unknown>".to_owned(),
    }
}
