//! Ingress: names, defaults, rules and columns.

use super::checks::{self, text};
use super::printing::NONE;
use super::{Column, Context, KindInfo, Strategy, age};
use apimachinery::field::{Error, ErrorList, Path};
use apimachinery::names;
use apimachinery::order::Gather as _;
use apimachinery::time::Time;
use k8s_openapi::api::networking::v1::{HTTPIngressPath, Ingress, IngressBackend, IngressRule, IngressStatus};
use serde_json::Value;
use std::collections::BTreeSet;

pub struct IngressStrategy;

impl Strategy for IngressStrategy {
    type Object = Ingress;

    fn info(&self) -> &'static KindInfo {
        const {
            &KindInfo::namespaced("networking.k8s.io", "Ingress", "ingresses", "ingress")
                .short(&["ing"])
                .subresources(&["status"])
                .with_generation()
        }
    }

    fn default(&self, object: &mut Ingress) {
        object.spec.get_or_insert_default();
        object.status.get_or_insert_default().load_balancer.get_or_insert_default();
    }

    fn prepare_create(&self, object: &mut Ingress, _: &mut Context<'_>) -> Result<(), ErrorList> {
        object.status = Some(IngressStatus { load_balancer: Some(Default::default()) });
        Ok(())
    }

    fn prepare_update(&self, new: &mut Ingress, old: &Ingress, _: &mut Context<'_>) -> Result<(), ErrorList> {
        new.status.clone_from(&old.status);
        Ok(())
    }

    fn prepare_status(&self, new: &mut Ingress, old: &Ingress) {
        new.spec.clone_from(&old.spec);
    }

    fn spec_changed(&self, new: &Ingress, old: &Ingress) -> bool {
        new.spec != old.spec
    }

    fn validate(&self, object: &Ingress) -> ErrorList {
        let mut errors = ErrorList::default();
        let path = Path::new("spec");
        let Some(spec) = &object.spec else { return errors };
        let rules = spec.rules.as_deref().unwrap_or_default();
        if rules.is_empty() && spec.default_backend.is_none() {
            errors.push(Error::invalid_raw(
                &path,
                checks::json(spec),
                "either `defaultBackend` or `rules` must be specified",
            ));
        }
        let tls = path.child("tls");
        for (i, t) in spec.tls.iter().flatten().enumerate() {
            let item = tls.index(i);
            let at = item.child("hosts");
            for (j, host) in t.hosts.iter().flatten().enumerate() {
                let check =
                    if host.contains('*') { names::wildcard_dns1123_subdomain } else { names::dns1123_subdomain };
                errors.invalid_each(&at.index(j), host, check(host));
            }
            if !text(&t.secret_name).is_empty() {
                checks::dns_subdomain(text(&t.secret_name), &item.child("secretName"), &mut errors);
            }
        }
        let at = path.child("rules");
        for (i, rule) in rules.iter().enumerate() {
            check_rule(rule, &at.index(i), &mut errors);
        }
        if let Some(b) = &spec.default_backend {
            backend(b, &path.child("defaultBackend"), &mut errors);
        }
        if let Some(class) = &spec.ingress_class_name {
            checks::dns_subdomain(class, &path.child("ingressClassName"), &mut errors);
        }
        errors
    }

    fn warnings(&self, object: &Ingress) -> Vec<String> {
        let key = "kubernetes.io/ingress.class";
        let used = object.metadata.annotations.as_ref().is_some_and(|a| a.contains_key(key));
        let text = format!("annotation \"{key}\" is deprecated, please use 'spec.ingressClassName' instead");
        if used { vec![text] } else { Vec::new() }
    }

    fn columns(&self) -> &'static [Column] {
        const {
            &[
                Column::name(),
                Column::new(
                    "Class",
                    "The name of the IngressClass resource that should be used for additional configuration",
                ),
                Column::new("Hosts", "Hosts that incoming requests are matched against before the ingress rule"),
                Column::new("Address", "Address is a list containing ingress points for the load-balancer"),
                Column::new("Ports", "Ports of TLS configurations that open"),
                Column::age(),
            ]
        }
    }

    fn cells(&self, object: &Ingress, now: Time) -> Vec<Value> {
        let meta = &object.metadata;
        let spec = object.spec.as_ref();
        let has_tls = spec.and_then(|s| s.tls.as_ref()).is_some_and(|t| !t.is_empty());
        let points = object.status.as_ref().and_then(|s| s.load_balancer.as_ref()?.ingress.as_ref());
        let addresses: BTreeSet<&str> = points
            .into_iter()
            .flatten()
            .filter_map(|i| i.ip.as_deref().filter(|ip| !ip.is_empty()).or(i.hostname.as_deref()))
            .gather();
        vec![
            meta.name.as_deref().into(),
            spec.and_then(|s| s.ingress_class_name.as_deref()).unwrap_or(NONE).into(),
            hosts(spec.and_then(|s| s.rules.as_deref()).unwrap_or_default()).into(),
            addresses.into_iter().collect::<Vec<_>>().join(",").into(),
            if has_tls { "80, 443" } else { "80" }.into(),
            age(meta, now).into(),
        ]
    }
}

fn hosts(rules: &[IngressRule]) -> String {
    const SHOWN_MAX: usize = 3;
    let all: Vec<&str> = rules.iter().map(|r| text(&r.host)).filter(|h| !h.is_empty()).collect();
    if all.is_empty() {
        return "*".to_owned();
    }
    let shown = all[..all.len().min(SHOWN_MAX)].join(",");
    match all.len().checked_sub(SHOWN_MAX) {
        Some(more) if more > 0 => format!("{shown} + {more} more..."),
        _ => shown,
    }
}

fn check_rule(rule: &IngressRule, path: &Path, errors: &mut ErrorList) {
    let host = text(&rule.host);
    let at = path.child("host");
    if host.contains('*') {
        errors.invalid_each(&at, host, names::wildcard_dns1123_subdomain(host));
    } else if !host.is_empty() {
        if host.parse::<std::net::IpAddr>().is_ok() {
            errors.push(Error::invalid(&at, host, "must be a DNS name, not an IP address"));
        }
        checks::dns_subdomain(host, &at, errors);
    }
    let Some(http) = &rule.http else { return };
    let http_path = path.child("http");
    let at = http_path.child("paths");
    if http.paths.is_empty() {
        errors.push(Error::required(&at, ""));
    }
    for (i, p) in http.paths.iter().enumerate() {
        check_path(p, &at.index(i), errors);
    }
}

fn check_path(p: &HTTPIngressPath, path: &Path, errors: &mut ErrorList) {
    let at = path.child("path");
    let value = text(&p.path);
    match p.path_type.as_str() {
        "Exact" | "Prefix" => {
            if !value.starts_with('/') {
                errors.push(Error::invalid(&at, value, "must be an absolute path"));
            }
            if !value.is_empty() {
                for part in ["//", "/./", "/../", "%2f", "%2F"].iter().filter(|part| value.contains(*part)) {
                    errors.push(Error::invalid(&at, value, format!("must not contain '{part}'")));
                }
                for end in ["/..", "/."].iter().filter(|end| value.ends_with(*end)) {
                    errors.push(Error::invalid(&at, value, format!("cannot end with '{end}'")));
                }
            }
        }
        "ImplementationSpecific" => {
            if !value.is_empty() && !value.starts_with('/') {
                errors.push(Error::invalid(&at, value, "must be an absolute path"));
            }
        }
        "" => errors.push(Error::required(&path.child("pathType"), "pathType must be specified")),
        other => {
            let known = ["Exact", "ImplementationSpecific", "Prefix"];
            errors.push(Error::not_supported(&path.child("pathType"), other, &known));
        }
    }
    backend(&p.backend, &path.child("backend"), errors);
}

fn backend(b: &IngressBackend, path: &Path, errors: &mut ErrorList) {
    match (&b.resource, &b.service) {
        (Some(_), Some(_)) => {
            errors.push(Error::invalid(path, "", "cannot set both resource and service backends"));
        }
        (Some(_), None) => {}
        (None, service) => {
            let at = path.child("service");
            let name = service.as_ref().map_or("", |s| &s.name);
            if name.is_empty() {
                errors.push(Error::required(&at.child("name"), ""));
            } else {
                errors.invalid_each(&at.child("name"), name, names::dns1035_label(name));
            }
            let port = service.as_ref().and_then(|s| s.port.as_ref());
            let (number, port_name) = (port.and_then(|p| p.number), port.map_or("", |p| text(&p.name)));
            let at = at.child("port");
            match (number.unwrap_or(0), port_name) {
                (0, "") => errors.push(Error::required(path, "port name or number is required")),
                (0, name) => errors.invalid_each(&at.child("name"), name, names::port_name(name)),
                (n, "") => checks::port_number(n, &at.child("number"), errors),
                _ => errors.push(Error::invalid(path, "", "cannot set both port name & port number")),
            }
        }
    }
}
