//! A container's environment: its own variables, what ConfigMaps, Secrets and the downward API give, services.
//!
//! Models: `makeEnvironmentVariables` of the kubelet, and third_party/forked/golang/expansion for `$(NAME)`.

use super::status::specs;
use apiserver::ApiServer;
use k8s_openapi::api::core::v1::{ConfigMap, Container as Spec, EnvVarSource, Pod, Secret, Service};

/// Facts that the downward API can give and the spec does not hold.
pub struct Place<'a> {
    pub pod_ip: &'a str,
    pub host_ip: &'a str,
    pub node_cpu_milli: i64,
    pub node_memory_bytes: i64,
}

/// Variables in order; an error is the message of `CreateContainerConfigError`.
pub fn environment(
    api: &ApiServer,
    pod: &Pod,
    spec: &Spec,
    place: &Place<'_>,
) -> Result<Vec<(String, String)>, String> {
    let ns = pod.metadata.namespace.as_deref().unwrap_or_default();
    let links = pod.spec.as_ref().and_then(|s| s.enable_service_links).unwrap_or(true);
    let mut services = Vec::new();
    service_variables(api, ns, links, &mut services);
    let mut out: Vec<(String, String)> = Vec::new();
    for from in spec.env_from.iter().flatten() {
        let prefix = from.prefix.as_deref().unwrap_or_default();
        if let Some(r) = &from.config_map_ref {
            let optional = r.optional.unwrap_or(false);
            match api.get::<ConfigMap>(ns, &r.name) {
                Some(map) => {
                    for (k, v) in map.data.iter().flatten() {
                        put(&mut out, format!("{prefix}{k}"), v.clone());
                    }
                }
                None if optional => {}
                None => return Err(format!("configmap \"{}\" not found", r.name)),
            }
        }
        if let Some(r) = &from.secret_ref {
            let optional = r.optional.unwrap_or(false);
            match api.get::<Secret>(ns, &r.name) {
                Some(secret) => {
                    for (k, v) in secret.data.iter().flatten() {
                        put(&mut out, format!("{prefix}{k}"), String::from_utf8_lossy(&v.0).into_owned());
                    }
                }
                None if optional => {}
                None => return Err(format!("secret \"{}\" not found", r.name)),
            }
        }
    }
    for var in spec.env.iter().flatten() {
        let value = match (&var.value, &var.value_from) {
            (Some(v), _) if !v.is_empty() => expand(v, |name| find(&out, name).or_else(|| find(&services, name))),
            (_, Some(source)) => match sourced(api, pod, spec, place, source)? {
                Some(v) => v,
                None => continue,
            },
            _ => String::new(),
        };
        put(&mut out, var.name.clone(), value);
    }
    for (name, value) in services {
        if find(&out, &name).is_none() {
            out.push((name, value));
        }
    }
    Ok(out)
}

fn put(out: &mut Vec<(String, String)>, name: String, value: String) {
    match out.iter_mut().find(|(n, _)| *n == name) {
        Some((_, v)) => *v = value,
        None => out.push((name, value)),
    }
}

fn find(vars: &[(String, String)], name: &str) -> Option<String> {
    vars.iter().find(|(n, _)| n == name).map(|(_, v)| v.clone())
}

/// `None`: optional and absent.
fn sourced(
    api: &ApiServer,
    pod: &Pod,
    spec: &Spec,
    place: &Place<'_>,
    source: &EnvVarSource,
) -> Result<Option<String>, String> {
    let ns = pod.metadata.namespace.as_deref().unwrap_or_default();
    if let Some(f) = &source.field_ref {
        return field(pod, &f.field_path, place).map(Some);
    }
    if let Some(r) = &source.resource_field_ref {
        let of = r.container_name.as_deref().filter(|n| !n.is_empty());
        let target = of.map_or(Some(spec), |name| specs(pod).find(|s| s.name == name));
        let divisor = r.divisor.as_ref().map_or("1", |q| q.0.as_str());
        return Ok(Some(resource(target, &r.resource, divisor, place)));
    }
    if let Some(r) = &source.config_map_key_ref {
        let optional = r.optional.unwrap_or(false);
        let Some(map) = api.get::<ConfigMap>(ns, &r.name) else {
            return if optional { Ok(None) } else { Err(format!("configmap \"{}\" not found", r.name)) };
        };
        let value = map.data.as_ref().and_then(|d| d.get(&r.key)).cloned();
        return match value {
            None if !optional => Err(format!("couldn't find key {} in ConfigMap {ns}/{}", r.key, r.name)),
            value => Ok(value),
        };
    }
    if let Some(r) = &source.secret_key_ref {
        let optional = r.optional.unwrap_or(false);
        let Some(secret) = api.get::<Secret>(ns, &r.name) else {
            return if optional { Ok(None) } else { Err(format!("secret \"{}\" not found", r.name)) };
        };
        let value =
            secret.data.as_ref().and_then(|d| d.get(&r.key)).map(|v| String::from_utf8_lossy(&v.0).into_owned());
        return match value {
            None if !optional => Err(format!("couldn't find key {} in Secret {ns}/{}", r.key, r.name)),
            value => Ok(value),
        };
    }
    Ok(Some(String::new()))
}

/// A field of the downward API, for environment and volumes.
pub fn field(pod: &Pod, path: &str, place: &Place<'_>) -> Result<String, String> {
    let m = &pod.metadata;
    let spec = pod.spec.as_ref();
    let text = |s: Option<&str>| s.unwrap_or_default().to_owned();
    if let Some((map, key)) = subscript(path) {
        let values = match map {
            "metadata.labels" => m.labels.as_ref(),
            "metadata.annotations" => m.annotations.as_ref(),
            _ => None,
        };
        return Ok(values.and_then(|v| v.get(key)).cloned().unwrap_or_default());
    }
    Ok(match path {
        "metadata.name" => text(m.name.as_deref()),
        "metadata.namespace" => text(m.namespace.as_deref()),
        "metadata.uid" => text(m.uid.as_deref()),
        "metadata.labels" => formatted(m.labels.as_ref()),
        "metadata.annotations" => formatted(m.annotations.as_ref()),
        "spec.nodeName" => text(spec.and_then(|s| s.node_name.as_deref())),
        "spec.serviceAccountName" => text(spec.and_then(|s| s.service_account_name.as_deref())),
        "status.hostIP" | "status.hostIPs" => place.host_ip.to_owned(),
        "status.podIP" | "status.podIPs" => place.pod_ip.to_owned(),
        _ => return Err(format!("unsupported fieldPath: {path}")),
    })
}

fn subscript(path: &str) -> Option<(&str, &str)> {
    let (map, rest) = path.split_once("['")?;
    Some((map, rest.strip_suffix("']")?))
}

fn formatted(map: Option<&std::collections::BTreeMap<String, String>>) -> String {
    let lines: Vec<String> =
        map.into_iter().flatten().map(|(k, v)| format!("{k}={}", apimachinery::field::quote(v))).collect();
    lines.join("\n")
}

/// `limits.cpu` and its kin, divided and rounded up; without a limit, what the node has.
pub fn resource(spec: Option<&Spec>, name: &str, divisor: &str, place: &Place<'_>) -> String {
    use apimachinery::quantity::Quantity;
    let resources = spec.and_then(|s| s.resources.as_ref());
    let (list, what) = match name.split_once('.') {
        Some(("limits", what)) => (resources.and_then(|r| r.limits.as_ref()), what),
        Some(("requests", what)) => (resources.and_then(|r| r.requests.as_ref()), what),
        _ => (None, ""),
    };
    let given = list.and_then(|l| l.get(what)).and_then(|q| Quantity::parse(&q.0).ok());
    let milli = given.map_or_else(
        || match (name, what) {
            (_, "cpu") if name.starts_with("limits") => place.node_cpu_milli,
            (_, "memory") if name.starts_with("limits") => place.node_memory_bytes.saturating_mul(1000),
            _ => 0,
        },
        Quantity::milli_value,
    );
    // A divisor of 0 is none at all: whole cores and bytes.
    let divisor = Quantity::parse(divisor).map(Quantity::milli_value).ok().filter(|d| *d > 0).unwrap_or(1000);
    milli.checked_add(divisor - 1).map_or(0, |m| m / divisor).to_string()
}

/// `KUBERNETES_SERVICE_HOST` and the variables of the namespace's services.
fn service_variables(api: &ApiServer, ns: &str, links: bool, out: &mut Vec<(String, String)>) {
    let kubernetes = api.get::<Service>("default", "kubernetes");
    let own: Vec<&Service> = if links { api.list::<Service>(Some(ns)).collect() } else { Vec::new() };
    let mut list: Vec<&Service> = own;
    if let Some(k) = kubernetes.as_deref()
        && !list.iter().any(|s| s.metadata.name == k.metadata.name && s.metadata.namespace == k.metadata.namespace)
    {
        list.push(k);
    }
    for service in list {
        let Some(spec) = &service.spec else { continue };
        let Some(ip) = spec.cluster_ip.as_deref().filter(|ip| !ip.is_empty() && *ip != "None") else { continue };
        let Some(first) = spec.ports.iter().flatten().next() else { continue };
        let name = service.metadata.name.as_deref().unwrap_or_default().to_uppercase().replace('-', "_");
        out.push((format!("{name}_SERVICE_HOST"), ip.to_owned()));
        out.push((format!("{name}_SERVICE_PORT"), first.port.to_string()));
        for port in spec.ports.iter().flatten() {
            if let Some(n) = port.name.as_deref().filter(|n| !n.is_empty()) {
                let n = n.to_uppercase().replace('-', "_");
                out.push((format!("{name}_SERVICE_PORT_{n}"), port.port.to_string()));
            }
        }
        for (i, port) in spec.ports.iter().flatten().enumerate() {
            let protocol = port.protocol.as_deref().unwrap_or("TCP");
            let lower = protocol.to_lowercase();
            let url = format!("{lower}://{ip}:{}", port.port);
            if i == 0 {
                out.push((format!("{name}_PORT"), url.clone()));
            }
            let prefix = format!("{name}_PORT_{}_{protocol}", port.port);
            out.push((prefix.clone(), url));
            out.push((format!("{prefix}_PROTO"), lower));
            out.push((format!("{prefix}_PORT"), port.port.to_string()));
            out.push((format!("{prefix}_ADDR"), ip.to_owned()));
        }
    }
}

/// Replaces `$(NAME)`; `$$(NAME)` is the escaped form; an unknown name stays as written.
pub fn expand(text: &str, lookup: impl Fn(&str) -> Option<String>) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(i) = rest.find('$') {
        out.push_str(&rest[..i]);
        rest = &rest[i..];
        if let Some(after) = rest.strip_prefix("$$") {
            out.push('$');
            rest = after;
        } else if let Some((name, after)) = rest.strip_prefix("$(").and_then(|r| r.split_once(')')) {
            match lookup(name) {
                Some(value) => out.push_str(&value),
                None => {
                    out.push_str("$(");
                    out.push_str(name);
                    out.push(')');
                }
            }
            rest = after;
        } else {
            out.push('$');
            rest = &rest[1..];
        }
    }
    out.push_str(rest);
    out
}
