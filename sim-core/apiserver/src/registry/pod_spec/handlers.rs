//! Probes and lifecycle hooks: what is run or asked, and how often.
//!
//! Models: `validateProbe`, `validateHandler`, `validateLifecycle`.

use super::super::checks::{self, json, text};
use apimachinery::field::{Error, ErrorList, Path};
use apimachinery::names;
use k8s_openapi::api::core::v1::{
    Container, ExecAction, GRPCAction, HTTPGetAction, Lifecycle, LifecycleHandler, PodOS, Probe, SleepAction,
    TCPSocketAction,
};

/// What probes and hooks have in common.
struct Handler<'a> {
    exec: Option<&'a ExecAction>,
    http_get: Option<&'a HTTPGetAction>,
    tcp_socket: Option<&'a TCPSocketAction>,
    grpc: Option<&'a GRPCAction>,
    sleep: Option<&'a SleepAction>,
}

/// The probes of a container that may have them.
pub fn probes(c: &Container, path: &Path, errors: &mut ErrorList) {
    if let Some(p) = &c.liveness_probe {
        let at = path.child("livenessProbe");
        probe(p, &at, errors);
        succeeds_once(p, &at, errors);
    }
    if let Some(p) = &c.readiness_probe {
        let at = path.child("readinessProbe");
        probe(p, &at, errors);
        if let Some(seconds) = p.termination_grace_period_seconds {
            let why = "must not be set for readinessProbes";
            errors.push(Error::invalid_raw(&at.child("terminationGracePeriodSeconds"), seconds, why));
        }
    }
    if let Some(p) = &c.startup_probe {
        let at = path.child("startupProbe");
        probe(p, &at, errors);
        succeeds_once(p, &at, errors);
    }
}

fn succeeds_once(p: &Probe, path: &Path, errors: &mut ErrorList) {
    let threshold = p.success_threshold.unwrap_or(0);
    if threshold != 1 {
        errors.push(Error::invalid_raw(&path.child("successThreshold"), threshold, "must be 1"));
    }
}

fn probe(p: &Probe, path: &Path, errors: &mut ErrorList) {
    let all = Handler {
        exec: p.exec.as_ref(),
        http_get: p.http_get.as_ref(),
        tcp_socket: p.tcp_socket.as_ref(),
        grpc: p.grpc.as_ref(),
        sleep: None,
    };
    handler(&all, None, path, errors);
    for (field, value) in [
        ("initialDelaySeconds", p.initial_delay_seconds),
        ("timeoutSeconds", p.timeout_seconds),
        ("periodSeconds", p.period_seconds),
        ("successThreshold", p.success_threshold),
        ("failureThreshold", p.failure_threshold),
    ] {
        checks::non_negative(value.unwrap_or(0).into(), &path.child(field), errors);
    }
    if let Some(seconds) = p.termination_grace_period_seconds.filter(|s| *s <= 0) {
        let at = path.child("terminationGracePeriodSeconds");
        errors.push(Error::invalid_raw(&at, seconds, "must be greater than 0"));
    }
}

pub fn lifecycle(l: &Lifecycle, grace: Option<i64>, os: Option<&PodOS>, path: &Path, errors: &mut ErrorList) {
    for (field, hook) in [("postStart", &l.post_start), ("preStop", &l.pre_stop)] {
        if let Some(hook) = hook {
            handler(&of_hook(hook), grace, &path.child(field), errors);
        }
    }
    if let Some(signal) = &l.stop_signal {
        let at = path.child("stopSignal");
        match os.map(|o| o.name.as_str()) {
            None => {
                let why = "may not be set for containers with empty `spec.os.name`";
                errors.push(Error::forbidden(&at, why));
            }
            Some("windows") => checks::one_of_if_set(signal, &["SIGKILL", "SIGTERM"], &at, errors),
            Some(_) if !signal.starts_with("SIG") => errors.push(Error::not_supported(&at, signal, &[])),
            Some(_) => {}
        }
    }
}

fn of_hook(hook: &LifecycleHandler) -> Handler<'_> {
    Handler {
        exec: hook.exec.as_ref(),
        http_get: hook.http_get.as_ref(),
        tcp_socket: hook.tcp_socket.as_ref(),
        grpc: None,
        sleep: hook.sleep.as_ref(),
    }
}

/// Exactly one way, and that one right.
fn handler(h: &Handler<'_>, grace: Option<i64>, path: &Path, errors: &mut ErrorList) {
    let mut count = 0;
    let mut first = |field: &str, errors: &mut ErrorList| {
        count += 1;
        if count > 1 {
            errors.push(Error::forbidden(&path.child(field), "may not specify more than 1 handler type"));
        }
        count == 1
    };
    if let Some(exec) = h.exec
        && first("exec", errors)
        && exec.command.as_ref().is_none_or(Vec::is_empty)
    {
        errors.push(Error::required(&path.child("exec").child("command"), ""));
    }
    if let Some(get) = h.http_get
        && first("httpGet", errors)
    {
        http_get(get, &path.child("httpGet"), errors);
    }
    if let Some(tcp) = h.tcp_socket
        && first("tcpSocket", errors)
    {
        checks::port_number_or_name(&tcp.port, &path.child("tcpSocket").child("port"), errors);
    }
    if let Some(grpc) = h.grpc
        && first("grpc", errors)
    {
        checks::port_number(grpc.port, &path.child("grpc").child("port"), errors);
    }
    if let Some(sleep) = h.sleep
        && first("sleep", errors)
        && let Some(grace) = grace
        && !(0..=grace).contains(&sleep.seconds)
    {
        let why = format!("must be non-negative and less than terminationGracePeriodSeconds ({grace})");
        errors.push(Error::invalid_raw(&path.child("sleep"), sleep.seconds, why));
    }
    if count == 0 {
        errors.push(Error::required(path, "must specify a handler type"));
    }
}

fn http_get(get: &HTTPGetAction, path: &Path, errors: &mut ErrorList) {
    if text(&get.path).is_empty() {
        errors.push(Error::required(&path.child("path"), ""));
    }
    checks::port_number_or_name(&get.port, &path.child("port"), errors);
    let scheme = text(&get.scheme);
    if !matches!(scheme, "HTTP" | "HTTPS") {
        errors.push(Error::not_supported(&path.child("scheme"), scheme, &["HTTP", "HTTPS"]));
    }
    for header in get.http_headers.iter().flatten() {
        errors.invalid_each(&path.child("httpHeaders"), &header.name, names::http_header_name(&header.name));
    }
}

/// A hook or probe where there may be none.
pub fn forbidden_in_init(c: &Container, path: &Path, errors: &mut ErrorList) {
    for (field, set) in [
        ("lifecycle", c.lifecycle.is_some()),
        ("livenessProbe", c.liveness_probe.is_some()),
        ("readinessProbe", c.readiness_probe.is_some()),
        ("startupProbe", c.startup_probe.is_some()),
    ] {
        if set {
            let why = "may not be set for init containers without restartPolicy=Always";
            errors.push(Error::forbidden(&path.child(field), why));
        }
    }
}

/// When a container is restarted: its own policy, and rules by exit code.
pub fn restart_policy(c: &Container, path: &Path, errors: &mut ErrorList) {
    let rules = c.restart_policy_rules.as_deref().unwrap_or_default();
    match &c.restart_policy {
        None if rules.is_empty() => return,
        None => {
            let why = "must specify restartPolicy when restart rules are used";
            errors.push(Error::required(&path.child("restartPolicy"), why));
        }
        Some(policy) => {
            checks::one_of_if_set(policy, &["Always", "Never", "OnFailure"], &path.child("restartPolicy"), errors);
        }
    }
    let at = path.child("restartPolicyRules");
    if rules.len() > 20 {
        errors.push(Error::too_many(&at, rules.len(), 20));
    }
    for (i, rule) in rules.iter().enumerate() {
        let at = at.index(i);
        if !matches!(rule.action.as_str(), "Restart" | "RestartAllContainers") {
            let known = ["Restart", "RestartAllContainers"];
            errors.push(Error::not_supported(&at.child("action"), &rule.action, &known));
        }
        let codes = at.child("exitCodes");
        match &rule.exit_codes {
            None => errors.push(Error::required(&codes, "must be specified")),
            Some(by) => {
                if !matches!(by.operator.as_str(), "In" | "NotIn") {
                    let known = ["In", "NotIn"];
                    errors.push(Error::not_supported(&codes.child("operator"), &by.operator, &known));
                }
                let count = by.values.as_ref().map_or(0, Vec::len);
                if count > 255 {
                    errors.push(Error::too_many(&codes.child("values"), count, 255));
                }
            }
        }
    }
}

pub fn resize_policy(c: &Container, pod_restarts: &str, path: &Path, errors: &mut ErrorList) {
    let policies = c.resize_policy.as_deref().unwrap_or_default();
    for (i, p) in policies.iter().enumerate() {
        if policies[..i].iter().any(|q| q.resource_name == p.resource_name) {
            errors.push(Error::duplicate(&path.index(i), &p.resource_name));
        }
        checks::one_of(&p.resource_name, &["cpu", "memory"], path, errors);
        checks::one_of(&p.restart_policy, &["NotRequired", "RestartContainer"], path, errors);
        if pod_restarts == "Never" && p.restart_policy != "NotRequired" {
            let why = "must be 'NotRequired' when pod `restartPolicy` is 'Never'";
            errors.push(Error::invalid_raw(path, json(&p.restart_policy), why));
        }
    }
}
