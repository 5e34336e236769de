//! The table of built-in kinds.
//!
//! Invariant: a kind's position in [`BUILTIN`] is its [`KindId`].

use super::{
    Kind, api_service, certificate_signing_request, cluster_role, cluster_role_binding, config_map,
    controller_revision, cron_job, csi_driver, csi_node, csi_storage_capacity, custom, daemon_set, deployment,
    endpoint_slice, endpoints, event, flow_schema, horizontal_pod_autoscaler, ingress, ingress_class, job, lease,
    limit_range, mutating_webhook_configuration, namespace, network_policy, node, persistent_volume,
    persistent_volume_claim, pod, pod_disruption_budget, pod_template, priority_class, priority_level_configuration,
    replica_set, replication_controller, resource_quota, role, role_binding, runtime_class, secret, service,
    service_account, stateful_set, storage_class, validating_admission_policy, validating_admission_policy_binding,
    validating_webhook_configuration, volume_attachment, volume_attributes_class,
};
use crate::object::Builtin;
use crate::storage::KindId;
use k8s_openapi::api::{
    admissionregistration::v1 as admissionregistration, apps::v1 as apps, autoscaling::v2 as autoscaling,
    batch::v1 as batch, certificates::v1 as certificates, coordination::v1 as coordination, core::v1 as core,
    discovery::v1 as discovery, flowcontrol::v1 as flowcontrol, networking::v1 as networking, node::v1 as node_api,
    policy::v1 as policy, rbac::v1 as rbac_api, scheduling::v1 as scheduling, storage::v1 as storage,
};

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
    &custom::DefinitionKind,
    &csi_storage_capacity::CSIStorageCapacityStrategy,
    &volume_attributes_class::VolumeAttributesClassStrategy,
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
    pub const CUSTOM_RESOURCE_DEFINITION: Self = Self(47);
    pub const CSI_STORAGE_CAPACITY: Self = Self(48);
    pub const VOLUME_ATTRIBUTES_CLASS: Self = Self(49);
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
impl Builtin for storage::CSIStorageCapacity {
    const ID: KindId = KindId::CSI_STORAGE_CAPACITY;
}
impl Builtin for storage::VolumeAttributesClass {
    const ID: KindId = KindId::VOLUME_ATTRIBUTES_CLASS;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_positions() {
        let check = |id: KindId, kind: &str| assert_eq!(BUILTIN[usize::from(id.0)].info().kind, kind);
        check(KindId::POD, "Pod");
        check(KindId::NAMESPACE, "Namespace");
        check(KindId::NODE, "Node");
        check(KindId::REPLICA_SET, "ReplicaSet");
        check(KindId::DEPLOYMENT, "Deployment");
        check(KindId::SERVICE, "Service");
        check(KindId::ENDPOINTS, "Endpoints");
        check(KindId::ENDPOINT_SLICE, "EndpointSlice");
        check(KindId::EVENT, "Event");
        check(KindId::CONFIG_MAP, "ConfigMap");
        check(KindId::SECRET, "Secret");
        check(KindId::SERVICE_ACCOUNT, "ServiceAccount");
        check(KindId::LEASE, "Lease");
        check(KindId::PRIORITY_CLASS, "PriorityClass");
        check(KindId::STATEFUL_SET, "StatefulSet");
        check(KindId::DAEMON_SET, "DaemonSet");
        check(KindId::REPLICATION_CONTROLLER, "ReplicationController");
        check(KindId::CONTROLLER_REVISION, "ControllerRevision");
        check(KindId::POD_TEMPLATE, "PodTemplate");
        check(KindId::JOB, "Job");
        check(KindId::CRON_JOB, "CronJob");
        check(KindId::PERSISTENT_VOLUME_CLAIM, "PersistentVolumeClaim");
        check(KindId::PERSISTENT_VOLUME, "PersistentVolume");
        check(KindId::STORAGE_CLASS, "StorageClass");
        check(KindId::INGRESS, "Ingress");
        check(KindId::INGRESS_CLASS, "IngressClass");
        check(KindId::NETWORK_POLICY, "NetworkPolicy");
        check(KindId::ROLE_BINDING, "RoleBinding");
        check(KindId::CLUSTER_ROLE_BINDING, "ClusterRoleBinding");
        check(KindId::ROLE, "Role");
        check(KindId::CLUSTER_ROLE, "ClusterRole");
        check(KindId::POD_DISRUPTION_BUDGET, "PodDisruptionBudget");
        check(KindId::HORIZONTAL_POD_AUTOSCALER, "HorizontalPodAutoscaler");
        check(KindId::RESOURCE_QUOTA, "ResourceQuota");
        check(KindId::LIMIT_RANGE, "LimitRange");
        check(KindId::RUNTIME_CLASS, "RuntimeClass");
        check(KindId::CSI_NODE, "CSINode");
        check(KindId::CSI_DRIVER, "CSIDriver");
        check(KindId::VOLUME_ATTACHMENT, "VolumeAttachment");
        check(KindId::CERTIFICATE_SIGNING_REQUEST, "CertificateSigningRequest");
        check(KindId::MUTATING_WEBHOOK_CONFIGURATION, "MutatingWebhookConfiguration");
        check(KindId::VALIDATING_WEBHOOK_CONFIGURATION, "ValidatingWebhookConfiguration");
        check(KindId::VALIDATING_ADMISSION_POLICY, "ValidatingAdmissionPolicy");
        check(KindId::VALIDATING_ADMISSION_POLICY_BINDING, "ValidatingAdmissionPolicyBinding");
        check(KindId::FLOW_SCHEMA, "FlowSchema");
        check(KindId::PRIORITY_LEVEL_CONFIGURATION, "PriorityLevelConfiguration");
        check(KindId::API_SERVICE, "APIService");
        check(KindId::CSI_STORAGE_CAPACITY, "CSIStorageCapacity");
        check(KindId::VOLUME_ATTRIBUTES_CLASS, "VolumeAttributesClass");
        check(KindId::CUSTOM_RESOURCE_DEFINITION, "CustomResourceDefinition");
    }
}
