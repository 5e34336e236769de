//! The checks of the Pod Security Standards.
//!
//! Models: `pod-security-admission/policy`. Left out: SELinux options, AppArmor and sysctls of the baseline.

use apimachinery::order::Gather as _;
use k8s_openapi::api::core::v1::{Container, PodSpec, SecurityContext};
use std::collections::BTreeSet;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    Baseline,
    Restricted,
}

/// What a pod does that it should not.
pub struct Finding {
    pub reason: &'static str,
    pub detail: String,
}

type Check = fn(&PodSpec) -> Option<Finding>;

/// Baseline checks that restricted ones replace are marked.
static BASELINE: &[(Check, bool)] = &[
    (default_capabilities, true),
    (host_namespaces, false),
    (host_path_volumes, true),
    (host_ports, false),
    (privileged, false),
    (proc_mount, false),
    (seccomp_baseline, true),
];
static RESTRICTED: &[Check] =
    &[privilege_escalation, restricted_capabilities, restricted_volumes, non_root, not_user_zero, seccomp_restricted];

/// In upstream's order.
pub fn evaluate(level: Level, spec: &PodSpec) -> Vec<Finding> {
    let restricted = level == Level::Restricted;
    let baseline = BASELINE.iter().filter(|(_, replaced)| !(restricted && *replaced)).map(|(check, _)| *check);
    let more = RESTRICTED.iter().copied().filter(|_| restricted);
    baseline.chain(more).filter_map(|check| check(spec)).collect()
}

fn containers(spec: &PodSpec) -> impl Iterator<Item = &Container> {
    spec.init_containers.iter().flatten().chain(&spec.containers)
}

/// Names of the containers that `bad` finds something in.
fn guilty(spec: &PodSpec, bad: impl Fn(Option<&SecurityContext>) -> bool) -> Vec<&str> {
    containers(spec).filter(|c| bad(c.security_context.as_ref())).map(|c| c.name.as_str()).collect()
}

fn quoted<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let all: Vec<String> = names.into_iter().map(|n| format!("\"{n}\"")).collect();
    all.join(", ")
}

/// `container "a"`, `containers "a", "b"`.
fn listed(what: &str, names: &[&str]) -> String {
    let s = if names.len() == 1 { "" } else { "s" };
    format!("{what}{s} {}", quoted(names.iter().copied()))
}

fn finding(reason: &'static str, detail: String) -> Option<Finding> {
    Some(Finding { reason, detail })
}

fn default_capabilities(spec: &PodSpec) -> Option<Finding> {
    const DEFAULT: [&str; 13] = [
        "AUDIT_WRITE",
        "CHOWN",
        "DAC_OVERRIDE",
        "FOWNER",
        "FSETID",
        "KILL",
        "MKNOD",
        "NET_BIND_SERVICE",
        "SETFCAP",
        "SETGID",
        "SETPCAP",
        "SETUID",
        "SYS_CHROOT",
    ];
    added_capabilities(spec, &DEFAULT).and_then(|(names, added)| {
        let text = listed("container", &names);
        let added = quoted(added);
        finding(
            "non-default capabilities",
            format!("{text} must not include {added} in securityContext.capabilities.add"),
        )
    })
}

/// Containers that add capabilities beyond `allowed`, and those capabilities.
fn added_capabilities<'a>(spec: &'a PodSpec, allowed: &[&str]) -> Option<(Vec<&'a str>, BTreeSet<&'a str>)> {
    let mut names = Vec::new();
    let mut added = BTreeSet::new();
    for c in containers(spec) {
        let capabilities = c.security_context.as_ref().and_then(|s| s.capabilities.as_ref());
        let beyond = capabilities.and_then(|c| c.add.as_ref()).into_iter().flatten();
        let beyond: Vec<&str> = beyond.map(String::as_str).filter(|c| !allowed.contains(c)).collect();
        if !beyond.is_empty() {
            names.push(c.name.as_str());
            added.extend(beyond);
        }
    }
    (!names.is_empty()).then_some((names, added))
}

fn host_namespaces(spec: &PodSpec) -> Option<Finding> {
    let used: Vec<&str> =
        [(spec.host_network, "hostNetwork=true"), (spec.host_pid, "hostPID=true"), (spec.host_ipc, "hostIPC=true")]
            .into_iter()
            .filter(|(set, _)| *set == Some(true))
            .map(|(_, text)| text)
            .collect();
    if used.is_empty() { None } else { finding("host namespaces", used.join(", ")) }
}

fn host_path_volumes(spec: &PodSpec) -> Option<Finding> {
    let names: Vec<&str> =
        spec.volumes.iter().flatten().filter(|v| v.host_path.is_some()).map(|v| v.name.as_str()).collect();
    if names.is_empty() { None } else { finding("hostPath volumes", listed("volume", &names)) }
}

fn host_ports(spec: &PodSpec) -> Option<Finding> {
    let mut ports = BTreeSet::new();
    let mut names = Vec::new();
    for c in containers(spec) {
        let used: Vec<i32> = c.ports.iter().flatten().filter_map(|p| p.host_port).filter(|p| *p != 0).collect();
        if !used.is_empty() {
            names.push(c.name.as_str());
            ports.extend(used.iter().map(i32::to_string));
        }
    }
    if names.is_empty() {
        return None;
    }
    let uses = if names.len() == 1 { "uses" } else { "use" };
    let what = if ports.len() == 1 { "hostPort" } else { "hostPorts" };
    let ports: Vec<String> = ports.into_iter().collect();
    finding("hostPort", format!("{} {uses} {what} {}", listed("container", &names), ports.join(", ")))
}

fn privileged(spec: &PodSpec) -> Option<Finding> {
    let names = guilty(spec, |s| s.is_some_and(|s| s.privileged == Some(true)));
    if names.is_empty() {
        return None;
    }
    finding("privileged", format!("{} must not set securityContext.privileged=true", listed("container", &names)))
}

fn proc_mount(spec: &PodSpec) -> Option<Finding> {
    if spec.host_users == Some(false) {
        return None;
    }
    let names = guilty(spec, |s| s.and_then(|s| s.proc_mount.as_deref()).is_some_and(|m| m != "Default"));
    if names.is_empty() {
        return None;
    }
    let text = listed("container", &names);
    finding("procMount", format!("{text} must not set securityContext.procMount to \"Unmasked\""))
}

fn privilege_escalation(spec: &PodSpec) -> Option<Finding> {
    let names = guilty(spec, |s| s.is_none_or(|s| s.allow_privilege_escalation != Some(false)));
    if names.is_empty() {
        return None;
    }
    let text = listed("container", &names);
    finding(
        "allowPrivilegeEscalation != false",
        format!("{text} must set securityContext.allowPrivilegeEscalation=false"),
    )
}

fn restricted_capabilities(spec: &PodSpec) -> Option<Finding> {
    let names = guilty(spec, |s| {
        let dropped = s.and_then(|s| s.capabilities.as_ref()?.drop.as_ref());
        dropped.is_none_or(|d| !d.iter().any(|c| c == "ALL"))
    });
    let mut details = Vec::new();
    if !names.is_empty() {
        let text = listed("container", &names);
        details.push(format!("{text} must set securityContext.capabilities.drop=[\"ALL\"]"));
    }
    if let Some((names, added)) = added_capabilities(spec, &["NET_BIND_SERVICE"]) {
        let text = listed("container", &names);
        let added = quoted(added);
        details.push(format!("{text} must not include {added} in securityContext.capabilities.add"));
    }
    if details.is_empty() { None } else { finding("unrestricted capabilities", details.join("; ")) }
}

fn restricted_volumes(spec: &PodSpec) -> Option<Finding> {
    const ALLOWED: [&str; 9] = [
        "configMap",
        "csi",
        "downwarAPI",
        "emptyDir",
        "ephemeral",
        "image",
        "persistentVolumeClaim",
        "projected",
        "secret",
    ];
    let mut names = Vec::new();
    let mut kinds = BTreeSet::new();
    for volume in spec.volumes.iter().flatten() {
        if let Some(kind) = crate::registry::volume_sources(volume).find(|k| !ALLOWED.contains(k)) {
            names.push(volume.name.as_str());
            kinds.insert(kind);
        }
    }
    if names.is_empty() {
        return None;
    }
    let uses = if names.len() == 1 { "uses" } else { "use" };
    let s = if kinds.len() == 1 { "" } else { "s" };
    let text = listed("volume", &names);
    finding("restricted volume types", format!("{text} {uses} restricted volume type{s} {}", quoted(kinds)))
}

fn non_root(spec: &PodSpec) -> Option<Finding> {
    const REASON: &str = "runAsNonRoot != true";
    if spec.host_users == Some(false) {
        return None;
    }
    let of_pod = spec.security_context.as_ref().and_then(|s| s.run_as_non_root);
    let explicit = guilty(spec, |s| s.and_then(|s| s.run_as_non_root) == Some(false));
    let setters = setters(of_pod == Some(false), &explicit);
    if !setters.is_empty() {
        return finding(REASON, format!("{setters} must not set securityContext.runAsNonRoot=false"));
    }
    let implicit = guilty(spec, |s| s.and_then(|s| s.run_as_non_root).is_none());
    if of_pod == Some(true) || implicit.is_empty() {
        return None;
    }
    let text = listed("container", &implicit);
    finding(REASON, format!("pod or {text} must set securityContext.runAsNonRoot=true"))
}

/// `pod and container "a"`.
fn setters(pod: bool, containers: &[&str]) -> String {
    let mut out = Vec::new();
    if pod {
        out.push("pod".to_owned());
    }
    if !containers.is_empty() {
        out.push(listed("container", containers));
    }
    out.join(" and ")
}

fn not_user_zero(spec: &PodSpec) -> Option<Finding> {
    if spec.host_users == Some(false) {
        return None;
    }
    let pod = spec.security_context.as_ref().and_then(|s| s.run_as_user) == Some(0);
    let setters = setters(pod, &guilty(spec, |s| s.and_then(|s| s.run_as_user) == Some(0)));
    if setters.is_empty() { None } else { finding("runAsUser=0", format!("{setters} must not set runAsUser=0")) }
}

fn of_container(s: Option<&SecurityContext>) -> Option<&str> {
    s.and_then(|s| s.seccomp_profile.as_ref()).map(|p| p.type_.as_str())
}

fn of_pod(spec: &PodSpec) -> Option<&str> {
    spec.security_context.as_ref().and_then(|s| s.seccomp_profile.as_ref()).map(|p| p.type_.as_str())
}

fn seccomp_baseline(spec: &PodSpec) -> Option<Finding> {
    unconfined(spec, |kind| kind != "Unconfined")
}

fn seccomp_restricted(spec: &PodSpec) -> Option<Finding> {
    let valid = |kind: &str| matches!(kind, "RuntimeDefault" | "Localhost");
    if let Some(found) = unconfined(spec, valid) {
        return Some(found);
    }
    let implicit = guilty(spec, |s| of_container(s).is_none());
    if of_pod(spec).is_some() || implicit.is_empty() {
        return None;
    }
    let text = listed("container", &implicit);
    finding(
        "seccompProfile",
        format!("pod or {text} must set securityContext.seccompProfile.type to \"RuntimeDefault\" or \"Localhost\""),
    )
}

fn unconfined(spec: &PodSpec, valid: fn(&str) -> bool) -> Option<Finding> {
    let bad_pod = of_pod(spec).filter(|kind| !valid(kind));
    let bad = guilty(spec, |s| of_container(s).is_some_and(|kind| !valid(kind)));
    let setters = setters(bad_pod.is_some(), &bad);
    if setters.is_empty() {
        return None;
    }
    let kinds: BTreeSet<&str> = containers(spec)
        .filter_map(|c| of_container(c.security_context.as_ref()))
        .filter(|kind| !valid(kind))
        .chain(bad_pod)
        .gather();
    let kinds = quoted(kinds);
    finding("seccompProfile", format!("{setters} must not set securityContext.seccompProfile.type to {kinds}"))
}
