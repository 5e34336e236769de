//! A pod's spec as Go's API server dumps it: every field of its internal struct, set or not.
//!
//! It is what the refusal of a pod update compares line by line. The fields and their order come from a table; volumes
//! that need a cloud are shown by their JSON.
//!
//! Models: `util/diff` over `pkg/apis/core.PodSpec`, go-difflib.

use apimachinery::field::quote;
use apimachinery::order::Gather as _;
use serde_json::Value;
use std::collections::BTreeMap;

/// One struct a line: its name, then its fields in order. `Name=json:kind`; without `json` the key is the name with its
/// first word in lower case. Kinds: none a string, `#` a number, `?` a boolean, `q` a quantity, `*` anything that may be
/// null, `&T` a struct that may be null, `.T` a struct, `]T` a list of structs, `+T` the fields of T.
const STRUCTS: &str = "\
PodSpec Volumes:]Volume InitContainers:]Container Containers:]Container \
EphemeralContainers:]EphemeralContainer RestartPolicy TerminationGracePeriodSeconds:* \
ActiveDeadlineSeconds:* DNSPolicy NodeSelector:* ServiceAccountName AutomountServiceAccountToken:* \
NodeName SecurityContext:&PodSecurityContext ImagePullSecrets:]LocalObjectReference Hostname \
Subdomain SetHostnameAsFQDN:* Affinity:&Affinity SchedulerName Tolerations:]Toleration \
HostAliases:]HostAlias PriorityClassName Priority:* PreemptionPolicy:* DNSConfig:&PodDNSConfig \
ReadinessGates:]PodReadinessGate RuntimeClassName:* Overhead:* EnableServiceLinks:* \
TopologySpreadConstraints:]TopologySpreadConstraint OS:&PodOS SchedulingGates:]PodSchedulingGate \
ResourceClaims:]PodResourceClaim Resources:&ResourceRequirements HostnameOverride:* \
SchedulingGroup:&PodSchedulingGroup\n\
Volume Name +VolumeSource\n\
VolumeSource HostPath:&HostPathVolumeSource EmptyDir:&EmptyDirVolumeSource GCEPersistentDisk:* \
AWSElasticBlockStore:* GitRepo:* Secret:&SecretVolumeSource NFS:&NFSVolumeSource ISCSI:* Glusterfs:* \
PersistentVolumeClaim:&PersistentVolumeClaimVolumeSource RBD:* Quobyte:* FlexVolume:* Cinder:* \
CephFS=cephfs:* Flocker:* DownwardAPI:&DownwardAPIVolumeSource FC:* AzureFile:* \
ConfigMap:&ConfigMapVolumeSource VsphereVolume:* AzureDisk:* PhotonPersistentDisk:* \
Projected:&ProjectedVolumeSource PortworxVolume:* ScaleIO:* StorageOS=storageos:* \
CSI:&CSIVolumeSource Ephemeral:* Image:&ImageVolumeSource\n\
HostPathVolumeSource Path Type:*\n\
EmptyDirVolumeSource Medium SizeLimit:*\n\
SecretVolumeSource SecretName Items:]KeyToPath DefaultMode:* Optional:*\n\
KeyToPath Key Path Mode:*\n\
NFSVolumeSource Server Path ReadOnly:?\n\
PersistentVolumeClaimVolumeSource ClaimName ReadOnly:?\n\
DownwardAPIVolumeSource Items:]DownwardAPIVolumeFile DefaultMode:*\n\
DownwardAPIVolumeFile Path FieldRef:&ObjectFieldSelector ResourceFieldRef:&ResourceFieldSelector \
Mode:*\n\
ObjectFieldSelector APIVersion FieldPath\n\
ResourceFieldSelector ContainerName Resource Divisor:q\n\
ConfigMapVolumeSource +LocalObjectReference Items:]KeyToPath DefaultMode:* Optional:*\n\
LocalObjectReference Name\n\
ProjectedVolumeSource Sources:]VolumeProjection DefaultMode:*\n\
VolumeProjection Secret:&SecretProjection DownwardAPI:&DownwardAPIProjection \
ConfigMap:&ConfigMapProjection ServiceAccountToken:&ServiceAccountTokenProjection \
ClusterTrustBundle:&ClusterTrustBundleProjection PodCertificate:&PodCertificateProjection\n\
SecretProjection +LocalObjectReference Items:]KeyToPath Optional:*\n\
DownwardAPIProjection Items:]DownwardAPIVolumeFile\n\
ConfigMapProjection +LocalObjectReference Items:]KeyToPath Optional:*\n\
ServiceAccountTokenProjection Audience ExpirationSeconds:# Path\n\
ClusterTrustBundleProjection Name:* SignerName:* LabelSelector:&LabelSelector Optional:* Path\n\
PodCertificateProjection SignerName KeyType MaxExpirationSeconds:* CredentialBundlePath KeyPath \
CertificateChainPath UserAnnotations:*\n\
CSIVolumeSource Driver ReadOnly:* FSType:* VolumeAttributes:* \
NodePublishSecretRef:&LocalObjectReference\n\
ImageVolumeSource Reference PullPolicy\n\
Container Name Image Command:* Args:* WorkingDir Ports:]ContainerPort EnvFrom:]EnvFromSource \
Env:]EnvVar Resources:.ResourceRequirements ResizePolicy:]ContainerResizePolicy RestartPolicy:* \
RestartPolicyRules:]ContainerRestartRule VolumeMounts:]VolumeMount VolumeDevices:]VolumeDevice \
LivenessProbe:&Probe ReadinessProbe:&Probe StartupProbe:&Probe Lifecycle:&Lifecycle \
TerminationMessagePath TerminationMessagePolicy ImagePullPolicy SecurityContext:&SecurityContext \
Stdin:? StdinOnce:? TTY:?\n\
ContainerPort Name HostPort:# ContainerPort:# Protocol HostIP\n\
EnvFromSource Prefix ConfigMapRef:&ConfigMapEnvSource SecretRef:&SecretEnvSource\n\
ConfigMapEnvSource +LocalObjectReference Optional:*\n\
SecretEnvSource +LocalObjectReference Optional:*\n\
EnvVar Name Value ValueFrom:&EnvVarSource\n\
EnvVarSource FieldRef:&ObjectFieldSelector ResourceFieldRef:&ResourceFieldSelector \
ConfigMapKeyRef:&ConfigMapKeySelector SecretKeyRef:&SecretKeySelector FileKeyRef:&FileKeySelector\n\
ConfigMapKeySelector +LocalObjectReference Key Optional:*\n\
SecretKeySelector +LocalObjectReference Key Optional:*\n\
FileKeySelector VolumeName Path Key Optional:*\n\
ResourceRequirements Limits:* Requests:* Claims:]ResourceClaim\n\
ResourceClaim Name Request\n\
ContainerResizePolicy ResourceName RestartPolicy\n\
ContainerRestartRule Action ExitCodes:&ContainerRestartRuleOnExitCodes\n\
ContainerRestartRuleOnExitCodes Operator Values:*\n\
VolumeMount Name ReadOnly:? RecursiveReadOnly:* MountPath SubPath MountPropagation:* SubPathExpr\n\
VolumeDevice Name DevicePath\n\
Probe +ProbeHandler InitialDelaySeconds:# TimeoutSeconds:# PeriodSeconds:# SuccessThreshold:# \
FailureThreshold:# TerminationGracePeriodSeconds:*\n\
ProbeHandler Exec:&ExecAction HTTPGet:&HTTPGetAction TCPSocket:&TCPSocketAction GRPC:&GRPCAction\n\
ExecAction Command:*\n\
HTTPGetAction Path Port:* Host Scheme HTTPHeaders:]HTTPHeader\n\
HTTPHeader Name Value\n\
TCPSocketAction Port:* Host\n\
GRPCAction Port:# Service:*\n\
Lifecycle PostStart:&LifecycleHandler PreStop:&LifecycleHandler StopSignal:*\n\
LifecycleHandler Exec:&ExecAction HTTPGet:&HTTPGetAction TCPSocket:&TCPSocketAction \
Sleep:&SleepAction\n\
SleepAction Seconds:#\n\
SecurityContext Capabilities:&Capabilities Privileged:* SELinuxOptions:&SELinuxOptions \
WindowsOptions:* RunAsUser:* RunAsGroup:* RunAsNonRoot:* ReadOnlyRootFilesystem:* \
AllowPrivilegeEscalation:* ProcMount:* SeccompProfile:&SeccompProfile \
AppArmorProfile:&AppArmorProfile\n\
Capabilities Add:* Drop:*\n\
SELinuxOptions User Role Type Level\n\
SeccompProfile Type LocalhostProfile:*\n\
AppArmorProfile Type LocalhostProfile:*\n\
EphemeralContainer +EphemeralContainerCommon TargetContainerName\n\
EphemeralContainerCommon Name Image Command:* Args:* WorkingDir Ports:]ContainerPort \
EnvFrom:]EnvFromSource Env:]EnvVar Resources:.ResourceRequirements \
ResizePolicy:]ContainerResizePolicy RestartPolicy:* RestartPolicyRules:]ContainerRestartRule \
VolumeMounts:]VolumeMount VolumeDevices:]VolumeDevice LivenessProbe:&Probe ReadinessProbe:&Probe \
StartupProbe:&Probe Lifecycle:&Lifecycle TerminationMessagePath TerminationMessagePolicy \
ImagePullPolicy SecurityContext:&SecurityContext Stdin:? StdinOnce:? TTY:?\n\
PodSecurityContext HostNetwork:? HostPID:? HostIPC:? ShareProcessNamespace:* HostUsers:* \
SELinuxOptions:&SELinuxOptions WindowsOptions:* RunAsUser:* RunAsGroup:* RunAsNonRoot:* \
SupplementalGroups:* SupplementalGroupsPolicy:* FSGroup:* FSGroupChangePolicy:* Sysctls:]Sysctl \
SeccompProfile:&SeccompProfile AppArmorProfile:&AppArmorProfile SELinuxChangePolicy:*\n\
Sysctl Name Value\n\
Affinity NodeAffinity:&NodeAffinity PodAffinity:&PodAffinity PodAntiAffinity:&PodAntiAffinity\n\
NodeAffinity RequiredDuringSchedulingIgnoredDuringExecution:&NodeSelector \
PreferredDuringSchedulingIgnoredDuringExecution:]PreferredSchedulingTerm\n\
NodeSelector NodeSelectorTerms:]NodeSelectorTerm\n\
NodeSelectorTerm MatchExpressions:]NodeSelectorRequirement MatchFields:]NodeSelectorRequirement\n\
NodeSelectorRequirement Key Operator Values:*\n\
PreferredSchedulingTerm Weight:# Preference:.NodeSelectorTerm\n\
PodAffinity RequiredDuringSchedulingIgnoredDuringExecution:]PodAffinityTerm \
PreferredDuringSchedulingIgnoredDuringExecution:]WeightedPodAffinityTerm\n\
PodAffinityTerm LabelSelector:&LabelSelector Namespaces:* TopologyKey \
NamespaceSelector:&LabelSelector MatchLabelKeys:* MismatchLabelKeys:*\n\
WeightedPodAffinityTerm Weight:# PodAffinityTerm:.PodAffinityTerm\n\
PodAntiAffinity RequiredDuringSchedulingIgnoredDuringExecution:]PodAffinityTerm \
PreferredDuringSchedulingIgnoredDuringExecution:]WeightedPodAffinityTerm\n\
Toleration Key Operator Value Effect TolerationSeconds:*\n\
HostAlias IP Hostnames:*\n\
PodDNSConfig Nameservers:* Searches:* Options:]PodDNSConfigOption\n\
PodDNSConfigOption Name Value:*\n\
PodReadinessGate ConditionType\n\
TopologySpreadConstraint MaxSkew:# TopologyKey WhenUnsatisfiable LabelSelector:&LabelSelector \
MinDomains:* NodeAffinityPolicy:* NodeTaintsPolicy:* MatchLabelKeys:*\n\
PodOS Name\n\
PodSchedulingGate Name\n\
PodResourceClaim Name ResourceClaimName:* ResourceClaimTemplateName:*\n\
PodSchedulingGroup PodGroupName:*\n\
LabelSelector matchLabels:- matchExpressions:-";

/// The dump of a v1 spec, in lines that each end in a newline.
pub fn dump(mut spec: Value) -> Vec<String> {
    // Internally these live in the security context.
    for key in ["hostNetwork", "hostPID", "hostIPC", "shareProcessNamespace", "hostUsers"] {
        if let Some(value) = spec.get_mut(key).map(Value::take) {
            spec["securityContext"][key] = value;
        }
    }
    let table = STRUCTS.lines().filter_map(|l| l.split_once(' ')).gather();
    let mut out = String::new();
    write_struct(&table, "PodSpec", &spec, 0, &mut out);
    out.push('\n');
    out.split_inclusive('\n').map(str::to_owned).collect()
}

type Table = BTreeMap<&'static str, &'static str>;

fn line(depth: usize, out: &mut String) {
    out.push('\n');
    out.extend(core::iter::repeat_n(' ', depth));
}

fn write_struct(table: &Table, name: &str, value: &Value, depth: usize, out: &mut String) {
    out.push('{');
    let start = out.len();
    write_fields(table, name, value, depth + 1, out);
    if out.len() > start {
        // The comma after the last field.
        out.pop();
        line(depth, out);
    }
    out.push('}');
}

fn write_fields(table: &Table, name: &str, value: &Value, depth: usize, out: &mut String) {
    for field in table.get(name).copied().unwrap_or_default().split(' ') {
        if let Some(inner) = field.strip_prefix('+') {
            write_fields(table, inner, value, depth, out);
            continue;
        }
        let (names, kind) = field.split_once(':').unwrap_or((field, ""));
        let (shown, key) = match names.split_once('=') {
            Some((shown, key)) => (shown, key.to_owned()),
            None => (names, json_key(names)),
        };
        let value = value.get(&key).unwrap_or(&Value::Null);
        if kind == "-" && value.is_null() {
            continue;
        }
        line(depth, out);
        out.push_str(&quote(shown));
        out.push_str(": ");
        write_value(table, kind, value, depth, out);
        out.push(',');
    }
}

fn write_value(table: &Table, kind: &str, value: &Value, depth: usize, out: &mut String) {
    let inner = kind.get(1..).unwrap_or_default();
    match (kind.bytes().next(), value) {
        (None, Value::Null) => out.push_str("\"\""),
        (Some(b'#'), Value::Null) => out.push('0'),
        (Some(b'?'), Value::Null) => out.push_str("false"),
        (Some(b'q'), Value::Null) => out.push_str("\"0\""),
        (Some(b'.'), value) | (Some(b'&'), value @ Value::Object(_)) => write_struct(table, inner, value, depth, out),
        (Some(b']'), Value::Array(items)) if !items.is_empty() => {
            out.push('[');
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                line(depth + 1, out);
                write_struct(table, inner, item, depth + 1, out);
            }
            line(depth, out);
            out.push(']');
        }
        (_, value) => write_json(value, depth, out),
    }
}

fn write_json(value: &Value, depth: usize, out: &mut String) {
    match value {
        Value::Array(items) if !items.is_empty() => {
            out.push('[');
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                line(depth + 1, out);
                write_json(item, depth + 1, out);
            }
            line(depth, out);
            out.push(']');
        }
        Value::Object(map) if !map.is_empty() => {
            out.push('{');
            for (i, (key, item)) in map.iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                line(depth + 1, out);
                out.push_str(&quote(key));
                out.push_str(": ");
                write_json(item, depth + 1, out);
            }
            line(depth, out);
            out.push('}');
        }
        other => out.push_str(&other.to_string()),
    }
}

/// `HTTPGet` is `httpGet`, `TTY` is `tty`, `HostIP` is `hostIP`.
fn json_key(name: &str) -> String {
    let upper = name.bytes().take_while(u8::is_ascii_uppercase).count();
    let lower = if upper == name.len() || upper <= 1 { upper } else { upper - 1 };
    let (first, rest) = name.split_at(lower);
    format!("{}{rest}", first.to_ascii_lowercase())
}
