//! Which lists of the built-in kinds merge, and by which key: the `patchStrategy` and `patchMergeKey` of the API types.
//!
//! One table for the API server and kubectl. It holds only types from which such a field can be reached; any other field
//! is plain. Custom resources have no such table.

/// How a field is patched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FieldMeta {
    /// Lists merge instead of being replaced.
    pub merge: bool,
    /// The map is replaced as a whole.
    pub replace: bool,
    /// `$retainKeys`: fields that are not named go away.
    pub retain_keys: bool,
    /// What tells the elements of a merging list apart; empty for lists of scalars.
    pub merge_key: &'static str,
}

/// Where a walk through an object's type stands.
pub trait PatchMeta {
    /// How `field` of this type is patched, and the type below it (of its value, or of its elements).
    fn field(&self, field: &str) -> (FieldMeta, &dyn PatchMeta);
}

/// The table for a built-in kind; `None`: no strategic merge patch (custom resources).
pub fn for_kind(group: &str, kind: &str) -> Option<&'static dyn PatchMeta> {
    GROUPS.contains(&group).then(|| type_named(kind))
}

/// A type without anything special about it: everything is replaced, maps merge.
pub const PLAIN_TYPE: &dyn PatchMeta = &Leaf;

struct Leaf;

impl PatchMeta for Leaf {
    fn field(&self, _: &str) -> (FieldMeta, &dyn PatchMeta) {
        (PLAIN, self)
    }
}

/// Field, type below, strategy, merge key.
type Field = (&'static str, &'static str, FieldMeta, &'static str);

struct Type(&'static [Field]);

impl PatchMeta for Type {
    fn field(&self, field: &str) -> (FieldMeta, &dyn PatchMeta) {
        match self.0.iter().find(|(name, ..)| *name == field) {
            Some((_, below, strategy, merge_key)) => (FieldMeta { merge_key, ..*strategy }, type_named(below)),
            None if field == "metadata" => (PLAIN, type_named("ObjectMeta")),
            None => (PLAIN, PLAIN_TYPE),
        }
    }
}

/// What has a name but no row still has metadata.
static BARE: Type = Type(&[]);

fn type_named(name: &str) -> &'static dyn PatchMeta {
    if name.is_empty() {
        return PLAIN_TYPE;
    }
    match TYPES.binary_search_by(|(known, _)| (*known).cmp(name)) {
        Ok(i) => &TYPES[i].1,
        Err(_) => &BARE,
    }
}

const PLAIN: FieldMeta = FieldMeta { merge: false, replace: false, retain_keys: false, merge_key: "" };
const MERGE: FieldMeta = FieldMeta { merge: true, ..PLAIN };
const MERGE_RETAIN: FieldMeta = FieldMeta { retain_keys: true, ..MERGE };
const RETAIN: FieldMeta = FieldMeta { retain_keys: true, ..PLAIN };
const REPLACE: FieldMeta = FieldMeta { replace: true, ..PLAIN };

/// The groups of the built-in kinds.
const GROUPS: [&str; 23] = [
    "",
    "admissionregistration.k8s.io",
    "apiextensions.k8s.io",
    "apiregistration.k8s.io",
    "apps",
    "authentication.k8s.io",
    "authorization.k8s.io",
    "autoscaling",
    "batch",
    "certificates.k8s.io",
    "coordination.k8s.io",
    "discovery.k8s.io",
    "events.k8s.io",
    "flowcontrol.apiserver.k8s.io",
    "internal.apiserver.k8s.io",
    "networking.k8s.io",
    "node.k8s.io",
    "policy",
    "rbac.authorization.k8s.io",
    "resource.k8s.io",
    "scheduling.k8s.io",
    "storage.k8s.io",
    "storagemigration.k8s.io",
];

/// By name. Names of kinds and of the types inside them never clash.
#[rustfmt::skip] // a table reads better in rows
static TYPES: &[(&str, Type)] = &[
    ("APIService", Type(&[("status", "APIServiceStatus", PLAIN, "")])),
    ("APIServiceStatus", Type(&[("conditions", "", MERGE, "type")])),
    ("CSINode", Type(&[("spec", "CSINodeSpec", PLAIN, "")])),
    ("CSINodeSpec", Type(&[("drivers", "", MERGE, "name")])),
    ("ComponentStatus", Type(&[("conditions", "", MERGE, "type")])),
    ("Container", Type(&[
        ("ports", "", MERGE, "containerPort"),
        ("env", "", MERGE, "name"),
        ("volumeMounts", "", MERGE, "mountPath"),
        ("volumeDevices", "", MERGE, "devicePath"),
    ])),
    ("ContainerStatus", Type(&[("volumeMounts", "", MERGE, "mountPath"), ("allocatedResourcesStatus", "", MERGE, "name")])),
    ("CronJob", Type(&[("spec", "CronJobSpec", PLAIN, "")])),
    ("CronJobSpec", Type(&[("jobTemplate", "JobTemplateSpec", PLAIN, "")])),
    ("DaemonSet", Type(&[("spec", "DaemonSetSpec", PLAIN, ""), ("status", "DaemonSetStatus", PLAIN, "")])),
    ("DaemonSetSpec", Type(&[("template", "PodTemplateSpec", PLAIN, "")])),
    ("DaemonSetStatus", Type(&[("conditions", "", MERGE, "type")])),
    ("Deployment", Type(&[("spec", "DeploymentSpec", PLAIN, ""), ("status", "DeploymentStatus", PLAIN, "")])),
    ("DeploymentSpec", Type(&[("template", "PodTemplateSpec", PLAIN, ""), ("strategy", "", RETAIN, "")])),
    ("DeploymentStatus", Type(&[("conditions", "", MERGE, "type")])),
    ("DeviceTaintRule", Type(&[("status", "DeviceTaintRuleStatus", PLAIN, "")])),
    ("DeviceTaintRuleStatus", Type(&[("conditions", "", MERGE, "type")])),
    ("EphemeralContainer", Type(&[
        ("ports", "", MERGE, "containerPort"),
        ("env", "", MERGE, "name"),
        ("volumeMounts", "", MERGE, "mountPath"),
        ("volumeDevices", "", MERGE, "devicePath"),
    ])),
    ("EphemeralVolumeSource", Type(&[("volumeClaimTemplate", "PersistentVolumeClaimTemplate", PLAIN, "")])),
    ("FlowSchema", Type(&[("status", "FlowSchemaStatus", PLAIN, "")])),
    ("FlowSchemaStatus", Type(&[("conditions", "", MERGE, "type")])),
    ("HorizontalPodAutoscaler", Type(&[("status", "HorizontalPodAutoscalerStatus", PLAIN, "")])),
    ("HorizontalPodAutoscalerStatus", Type(&[("conditions", "", MERGE, "type")])),
    ("Job", Type(&[("spec", "JobSpec", PLAIN, ""), ("status", "JobStatus", PLAIN, "")])),
    ("JobSpec", Type(&[("template", "PodTemplateSpec", PLAIN, "")])),
    ("JobStatus", Type(&[("conditions", "", MERGE, "type")])),
    ("JobTemplateSpec", Type(&[("spec", "JobSpec", PLAIN, "")])),
    ("MutatingAdmissionPolicy", Type(&[("spec", "MutatingAdmissionPolicySpec", PLAIN, "")])),
    ("MutatingAdmissionPolicySpec", Type(&[("matchConditions", "", MERGE, "name")])),
    ("MutatingWebhook", Type(&[("matchConditions", "", MERGE, "name")])),
    ("MutatingWebhookConfiguration", Type(&[("webhooks", "MutatingWebhook", MERGE, "name")])),
    ("Namespace", Type(&[("status", "NamespaceStatus", PLAIN, "")])),
    ("NamespaceStatus", Type(&[("conditions", "", MERGE, "type")])),
    ("Node", Type(&[("spec", "NodeSpec", PLAIN, ""), ("status", "NodeStatus", PLAIN, "")])),
    ("NodeSpec", Type(&[("podCIDRs", "", MERGE, "")])),
    ("NodeStatus", Type(&[("conditions", "", MERGE, "type"), ("addresses", "", MERGE, "type")])),
    ("ObjectMeta", Type(&[("ownerReferences", "", MERGE, "uid"), ("finalizers", "", MERGE, "")])),
    ("PersistentVolumeClaim", Type(&[("status", "PersistentVolumeClaimStatus", PLAIN, "")])),
    ("PersistentVolumeClaimStatus", Type(&[("conditions", "", MERGE, "type")])),
    ("Pod", Type(&[("spec", "PodSpec", PLAIN, ""), ("status", "PodStatus", PLAIN, "")])),
    ("PodCertificateRequest", Type(&[("status", "PodCertificateRequestStatus", PLAIN, "")])),
    ("PodCertificateRequestStatus", Type(&[("conditions", "", MERGE, "type")])),
    ("PodDisruptionBudget", Type(&[
        ("spec", "PodDisruptionBudgetSpec", PLAIN, ""),
        ("status", "PodDisruptionBudgetStatus", PLAIN, ""),
    ])),
    ("PodDisruptionBudgetSpec", Type(&[("selector", "", REPLACE, "")])),
    ("PodDisruptionBudgetStatus", Type(&[("conditions", "", MERGE, "type")])),
    ("PodGroup", Type(&[("spec", "PodGroupSpec", PLAIN, ""), ("status", "PodGroupStatus", PLAIN, "")])),
    ("PodGroupSpec", Type(&[("resourceClaims", "", MERGE_RETAIN, "name")])),
    ("PodGroupStatus", Type(&[("conditions", "", MERGE, "type"), ("resourceClaimStatuses", "", MERGE_RETAIN, "name")])),
    ("PodGroupTemplate", Type(&[("resourceClaims", "", MERGE_RETAIN, "name")])),
    ("PodSpec", Type(&[
        ("volumes", "Volume", MERGE_RETAIN, "name"),
        ("initContainers", "Container", MERGE, "name"),
        ("containers", "Container", MERGE, "name"),
        ("ephemeralContainers", "EphemeralContainer", MERGE, "name"),
        ("imagePullSecrets", "", MERGE, "name"),
        ("hostAliases", "", MERGE, "ip"),
        ("topologySpreadConstraints", "", MERGE, "topologyKey"),
        ("schedulingGates", "", MERGE, "name"),
        ("resourceClaims", "", MERGE_RETAIN, "name"),
    ])),
    ("PodStatus", Type(&[
        ("conditions", "", MERGE, "type"),
        ("hostIPs", "", MERGE, "ip"),
        ("podIPs", "", MERGE, "ip"),
        ("initContainerStatuses", "ContainerStatus", PLAIN, ""),
        ("containerStatuses", "ContainerStatus", PLAIN, ""),
        ("ephemeralContainerStatuses", "ContainerStatus", PLAIN, ""),
        ("resourceClaimStatuses", "", MERGE_RETAIN, "name"),
    ])),
    ("PodTemplate", Type(&[("template", "PodTemplateSpec", PLAIN, "")])),
    ("PodTemplateSpec", Type(&[("spec", "PodSpec", PLAIN, "")])),
    ("PriorityLevelConfiguration", Type(&[("status", "PriorityLevelConfigurationStatus", PLAIN, "")])),
    ("PriorityLevelConfigurationStatus", Type(&[("conditions", "", MERGE, "type")])),
    ("ReplicaSet", Type(&[("spec", "ReplicaSetSpec", PLAIN, ""), ("status", "ReplicaSetStatus", PLAIN, "")])),
    ("ReplicaSetSpec", Type(&[("template", "PodTemplateSpec", PLAIN, "")])),
    ("ReplicaSetStatus", Type(&[("conditions", "", MERGE, "type")])),
    ("ReplicationController", Type(&[
        ("spec", "ReplicationControllerSpec", PLAIN, ""),
        ("status", "ReplicationControllerStatus", PLAIN, ""),
    ])),
    ("ReplicationControllerSpec", Type(&[("template", "PodTemplateSpec", PLAIN, "")])),
    ("ReplicationControllerStatus", Type(&[("conditions", "", MERGE, "type")])),
    ("ResourceClaim", Type(&[("status", "ResourceClaimStatus", PLAIN, "")])),
    ("ResourceClaimStatus", Type(&[("reservedFor", "", MERGE, "uid")])),
    ("ResourceClaimTemplate", Type(&[("spec", "ResourceClaimTemplateSpec", PLAIN, "")])),
    ("ResourcePoolStatusRequest", Type(&[("status", "ResourcePoolStatusRequestStatus", PLAIN, "")])),
    ("ResourcePoolStatusRequestStatus", Type(&[("conditions", "", MERGE, "type")])),
    ("Service", Type(&[("spec", "ServiceSpec", PLAIN, ""), ("status", "ServiceStatus", PLAIN, "")])),
    ("ServiceAccount", Type(&[("secrets", "", MERGE, "name")])),
    ("ServiceCIDR", Type(&[("status", "ServiceCIDRStatus", PLAIN, "")])),
    ("ServiceCIDRStatus", Type(&[("conditions", "", MERGE, "type")])),
    ("ServiceSpec", Type(&[("ports", "", MERGE, "port")])),
    ("ServiceStatus", Type(&[("conditions", "", MERGE, "type")])),
    ("StatefulSet", Type(&[("spec", "StatefulSetSpec", PLAIN, ""), ("status", "StatefulSetStatus", PLAIN, "")])),
    ("StatefulSetSpec", Type(&[
        ("template", "PodTemplateSpec", PLAIN, ""),
        ("volumeClaimTemplates", "PersistentVolumeClaim", PLAIN, ""),
    ])),
    ("StatefulSetStatus", Type(&[("conditions", "", MERGE, "type")])),
    ("StorageVersionMigration", Type(&[("status", "StorageVersionMigrationStatus", PLAIN, "")])),
    ("StorageVersionMigrationStatus", Type(&[("conditions", "", MERGE, "type")])),
    ("ValidatingAdmissionPolicy", Type(&[("spec", "ValidatingAdmissionPolicySpec", PLAIN, "")])),
    ("ValidatingAdmissionPolicySpec", Type(&[("matchConditions", "", MERGE, "name"), ("variables", "", MERGE, "name")])),
    ("ValidatingWebhook", Type(&[("matchConditions", "", MERGE, "name")])),
    ("ValidatingWebhookConfiguration", Type(&[("webhooks", "ValidatingWebhook", MERGE, "name")])),
    ("Volume", Type(&[("ephemeral", "EphemeralVolumeSource", PLAIN, "")])),
    ("Workload", Type(&[("spec", "WorkloadSpec", PLAIN, "")])),
    ("WorkloadSpec", Type(&[("podGroupTemplates", "PodGroupTemplate", PLAIN, "")])),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn at(group: &str, kind: &str, path: &str) -> FieldMeta {
        let mut here = for_kind(group, kind).expect("built in");
        let mut meta = PLAIN;
        for field in path.split('.') {
            (meta, here) = here.field(field);
        }
        meta
    }

    #[test]
    fn known_fields() {
        assert!(TYPES.is_sorted_by(|a, b| a.0 < b.0));
        for (group, kind, path, key) in [
            ("", "Pod", "spec.containers", "name"),
            ("apps", "Deployment", "spec.template.spec.containers.ports", "containerPort"),
            ("batch", "CronJob", "spec.jobTemplate.spec.template.spec.initContainers.env", "name"),
            ("", "Service", "spec.ports", "port"),
            ("", "ConfigMap", "metadata.ownerReferences", "uid"),
            ("apps", "Deployment", "spec.template.metadata.finalizers", ""),
            ("", "Pod", "spec.ephemeralContainers.volumeMounts", "mountPath"),
            ("", "Node", "status.addresses", "type"),
        ] {
            let meta = at(group, kind, path);
            assert!(meta.merge && meta.merge_key == key, "{kind} {path}");
        }
        assert!(at("apps", "Deployment", "spec.strategy").retain_keys);
        assert!(at("", "Pod", "spec.volumes").retain_keys);
        assert!(at("policy", "PodDisruptionBudget", "spec.selector").replace);
        for (group, kind, path) in [
            ("", "Pod", "spec.tolerations"),
            ("", "Pod", "spec.containers.command"),
            ("", "ConfigMap", "data.metadata.finalizers"),
        ] {
            assert_eq!(at(group, kind, path), PLAIN, "{path}");
        }
        assert!(for_kind("example.com", "Boat").is_none());
    }
}
