//! Security contexts of pods and containers.
//!
//! Models: `ValidateSecurityContext`, `validatePodSpecSecurityContext`. Windows options are not looked at.

use super::super::checks::{self, json};
use apimachinery::field::{Error, ErrorList, Path};
use k8s_openapi::api::core::v1::{AppArmorProfile, PodSpec, SeccompProfile, SecurityContext};

/// `validateSysctl`'s longest name.
const SYSCTL_MAX: usize = 253;
const PROFILE_MAX: usize = 4095;

fn id(value: Option<i64>, path: &Path, errors: &mut ErrorList) {
    if let Some(value) = value.filter(|v| !(0..=i64::from(i32::MAX)).contains(v)) {
        errors.push(Error::invalid_raw(path, value, "must be between 0 and 2147483647, inclusive"));
    }
}

pub fn container(sc: &SecurityContext, host_users: bool, path: &Path, errors: &mut ErrorList) {
    id(sc.run_as_user, &path.child("runAsUser"), errors);
    id(sc.run_as_group, &path.child("runAsGroup"), errors);
    if let Some(mount) = &sc.proc_mount {
        let at = path.child("procMount");
        if !matches!(mount.as_str(), "Default" | "Unmasked") {
            errors.push(Error::not_supported(&at, mount, &["Default", "Unmasked"]));
        }
        if host_users && mount == "Unmasked" {
            errors.push(Error::invalid(&at, mount, "`hostUsers` must be false to use `Unmasked`"));
        }
    }
    seccomp(sc.seccomp_profile.as_ref(), &path.child("seccompProfile"), errors);
    if sc.allow_privilege_escalation == Some(false) {
        if sc.privileged == Some(true) {
            let why = "cannot set `allowPrivilegeEscalation` to false and `privileged` to true";
            errors.push(Error::invalid_raw(path, json(sc), why));
        }
        let added = sc.capabilities.as_ref().and_then(|c| c.add.as_ref());
        if added.is_some_and(|a| a.iter().any(|c| c == "CAP_SYS_ADMIN")) {
            let why = "cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN";
            errors.push(Error::invalid_raw(path, json(sc), why));
        }
    }
    app_armor(sc.app_armor_profile.as_ref(), &path.child("appArmorProfile"), errors);
}

pub fn pod(spec: &PodSpec, path: &Path, errors: &mut ErrorList) {
    let Some(sc) = &spec.security_context else { return };
    id(sc.fs_group, &path.child("fsGroup"), errors);
    id(sc.run_as_user, &path.child("runAsUser"), errors);
    id(sc.run_as_group, &path.child("runAsGroup"), errors);
    let groups = path.child("supplementalGroups");
    for (i, group) in sc.supplemental_groups.iter().flatten().enumerate() {
        id(Some(*group), &groups.index(i), errors);
    }
    if spec.share_process_namespace == Some(true) && spec.host_pid == Some(true) {
        let why = "ShareProcessNamespace and HostPID cannot both be enabled";
        errors.push(Error::invalid_raw(&path.child("shareProcessNamespace"), true, why));
    }
    sysctls(spec, &path.child("sysctls"), errors);
    if let Some(policy) = &sc.fs_group_change_policy
        && !matches!(policy.as_str(), "Always" | "OnRootMismatch")
    {
        let at = path.child("fsGroupChangePolicy");
        errors.push(Error::not_supported(&at, policy, &["Always", "OnRootMismatch"]));
    }
    seccomp(sc.seccomp_profile.as_ref(), &path.child("seccompProfile"), errors);
    app_armor(sc.app_armor_profile.as_ref(), &path.child("appArmorProfile"), errors);
    for (field, value, known) in [
        ("supplementalGroupsPolicy", &sc.supplemental_groups_policy, ["Merge", "Strict"]),
        ("seLinuxChangePolicy", &sc.se_linux_change_policy, ["MountOption", "Recursive"]),
    ] {
        if let Some(value) = value.as_deref().filter(|v| !known.contains(v)) {
            errors.push(Error::not_supported(&path.child(field), value, &known));
        }
    }
}

fn sysctls(spec: &PodSpec, path: &Path, errors: &mut ErrorList) {
    let list = spec.security_context.as_ref().and_then(|s| s.sysctls.as_deref()).unwrap_or_default();
    for (i, sysctl) in list.iter().enumerate() {
        let name = sysctl.name.as_str();
        let item = path.index(i);
        let at = item.child("name");
        if name.is_empty() {
            errors.push(Error::required(&at, ""));
        } else if !is_sysctl(name) {
            let why = format!(
                "must have at most {SYSCTL_MAX} characters and match regex ^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$"
            );
            errors.push(Error::invalid(&at, name, why));
        } else if list[..i].iter().any(|s| s.name == name) {
            errors.push(Error::duplicate(&at, name));
        }
        if spec.host_network == Some(true) && name.starts_with("net.") {
            errors.push(Error::invalid(&at, name, "may not be specified when 'hostNetwork' is true"));
        }
        if spec.host_ipc == Some(true) && (name.starts_with("kernel.shm") || name.starts_with("fs.mqueue.")) {
            errors.push(Error::invalid(&at, name, "may not be specified when 'hostIPC' is true"));
        }
    }
}

fn is_sysctl(name: &str) -> bool {
    name.len() <= SYSCTL_MAX
        && name.split(['.', '/']).all(|part| {
            let end = |b: Option<&u8>| b.is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
            let bytes = part.as_bytes();
            end(bytes.first()) && end(bytes.last()) && bytes.iter().all(|b| end(Some(b)) || matches!(b, b'-' | b'_'))
        })
}

fn seccomp(profile: Option<&SeccompProfile>, path: &Path, errors: &mut ErrorList) {
    let Some(p) = profile else { return };
    let at = path.child("type");
    match p.type_.as_str() {
        "Localhost" | "RuntimeDefault" | "Unconfined" => {}
        "" => errors.push(Error::required(&at, "type is required when seccompProfile is set")),
        other => errors.push(Error::not_supported(&at, other, &["Localhost", "RuntimeDefault", "Unconfined"])),
    }
    let at = path.child("localhostProfile");
    match (&p.localhost_profile, p.type_ == "Localhost") {
        (None, true) => errors.push(Error::required(&at, "must be set when seccomp type is Localhost")),
        (Some(file), true) => checks::descending_path(file, &at, errors),
        (Some(_), false) => {
            errors.push(Error::invalid_raw(&at, json(p), "can only be set when seccomp type is Localhost"));
        }
        (None, false) => {}
    }
}

fn app_armor(profile: Option<&AppArmorProfile>, path: &Path, errors: &mut ErrorList) {
    let Some(p) = profile else { return };
    let at = path.child("localhostProfile");
    match (p.type_.as_str(), &p.localhost_profile) {
        ("Localhost", None) => errors.push(Error::required(&at, "must be set when AppArmor type is Localhost")),
        ("Localhost", Some(name)) => {
            if name.trim() != name {
                errors.push(Error::invalid(&at, name, "must not be padded with whitespace"));
            } else if name.is_empty() {
                errors.push(Error::required(&at, "must be set when AppArmor type is Localhost"));
            }
            if name.len() > PROFILE_MAX {
                errors.push(Error::too_long(&at, PROFILE_MAX));
            }
        }
        ("RuntimeDefault" | "Unconfined", None) => {}
        ("RuntimeDefault" | "Unconfined", Some(name)) => {
            errors.push(Error::invalid(&at, name, "can only be set when AppArmor type is Localhost"));
        }
        ("", _) => errors.push(Error::required(&path.child("type"), "type is required when appArmorProfile is set")),
        (other, _) => {
            let known = ["Localhost", "RuntimeDefault", "Unconfined"];
            errors.push(Error::not_supported(&path.child("type"), other, &known));
        }
    }
}
