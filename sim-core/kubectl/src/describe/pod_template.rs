//! Containers and pod templates, wherever they stand.

use super::Doc;
use super::doc::{go_list, or_none, selector, title_bool};
use super::volumes::volumes;
use crate::json::{at, boolean, has, int, list, shown, text};
use crate::times::rfc1123;
use apimachinery::order::Order as _;
use apimachinery::quantity::Quantity;
use serde_json::Value;

/// `Pod Template:` of a controller.
pub fn pod_template(doc: &mut Doc, template: &Value) {
    doc.line(0, "Pod Template:");
    doc.labels("  Labels", at(template, "/metadata/labels"));
    if at(template, "/metadata/annotations").as_object().is_some_and(|m| !m.is_empty()) {
        doc.annotations("  Annotations", at(template, "/metadata/annotations"));
    }
    let spec = at(template, "/spec");
    if !text(spec, "/serviceAccountName").is_empty() {
        doc.field(1, "Service Account", text(spec, "/serviceAccountName"));
    }
    if !list(spec, "/initContainers").is_empty() {
        containers(doc, "Init Containers", list(spec, "/initContainers"), &[], None, "  ");
    }
    containers(doc, "Containers", list(spec, "/containers"), &[], None, "  ");
    volumes(doc, list(spec, "/volumes"), "  ");
    spread(doc, list(spec, "/topologySpreadConstraints"), "  ");
    if !text(spec, "/priorityClassName").is_empty() {
        doc.field(1, "Priority Class Name", text(spec, "/priorityClassName"));
    }
    doc.labels("  Node-Selectors", at(spec, "/nodeSelector"));
    tolerations(doc, "  Tolerations", list(spec, "/tolerations"));
}

/// Containers with their states, if they have any; `pod` resolves field references.
pub fn containers(doc: &mut Doc, title: &str, specs: &[Value], statuses: &[Value], pod: Option<&Value>, space: &str) {
    let none = if specs.is_empty() { " <none>" } else { "" };
    doc.line(0, &format!("{space}{title}:{none}"));
    let indent = if space.is_empty() { "" } else { " " };
    for c in specs {
        let status = statuses.iter().find(|s| text(s, "/name") == text(c, "/name"));
        doc.line(1, &format!("{indent}{}:", text(c, "/name")));
        basics(doc, c, status);
        for (title, at) in [("Command", "/command"), ("Args", "/args")] {
            if !list(c, at).is_empty() {
                doc.line(2, &format!("{title}:"));
            }
            for line in list(c, at).iter().filter_map(Value::as_str).flat_map(|w| w.split('\n')) {
                doc.line(3, line);
            }
        }
        if let Some(s) = status {
            state(doc, "State", at(s, "/state"));
            if has(s, "/lastState/terminated") {
                state(doc, "Last State", at(s, "/lastState"));
            }
            doc.field(2, "Ready", title_bool(boolean(s, "/ready")));
            doc.field(2, "Restart Count", &int(s, "/restartCount").to_string());
        }
        doc.resources(at(c, "/resources"), 2);
        for (title, key) in
            [("Liveness", "/livenessProbe"), ("Readiness", "/readinessProbe"), ("Startup", "/startupProbe")]
        {
            if has(c, key) {
                doc.field(2, title, &probe(at(c, key)));
            }
        }
        environment(doc, c, pod);
        mounts(doc, c);
    }
}

fn basics(doc: &mut Doc, c: &Value, status: Option<&Value>) {
    if let Some(s) = status {
        doc.field(2, "Container ID", text(s, "/containerID"));
    }
    doc.field(2, "Image", text(c, "/image"));
    if let Some(s) = status {
        doc.field(2, "Image ID", text(s, "/imageID"));
    }
    for (title, key) in [("Port", "/containerPort"), ("Host Port", "/hostPort")] {
        let ports: Vec<String> = list(c, "/ports")
            .iter()
            .map(|p| {
                let shown = format!("{}/{}", int(p, key), text(p, "/protocol"));
                if text(p, "/name").is_empty() { shown } else { format!("{shown} ({})", text(p, "/name")) }
            })
            .collect();
        if ports.len() > 1 {
            doc.field(2, &format!("{title}s"), &ports.join(", "));
        } else {
            doc.field(2, title, or_none(&ports.join(", ")));
        }
    }
    if has(c, "/securityContext/seccompProfile") {
        doc.field(2, "SeccompProfile", text(c, "/securityContext/seccompProfile/type"));
    }
}

fn state(doc: &mut Doc, title: &str, state: &Value) {
    if has(state, "/running") {
        doc.field(2, title, "Running");
        doc.field(3, "Started", &rfc1123(text(state, "/running/startedAt")));
        return;
    }
    if !has(state, "/terminated") {
        doc.field(2, title, "Waiting");
        if !text(state, "/waiting/reason").is_empty() {
            doc.field(3, "Reason", text(state, "/waiting/reason"));
        }
        return;
    }
    let ended = at(state, "/terminated");
    doc.field(2, title, "Terminated");
    for (title, key) in [("Reason", "/reason"), ("Message", "/message")] {
        if !text(ended, key).is_empty() {
            doc.field(3, title, text(ended, key));
        }
    }
    doc.field(3, "Exit Code", &int(ended, "/exitCode").to_string());
    if int(ended, "/signal") > 0 {
        doc.field(3, "Signal", &int(ended, "/signal").to_string());
    }
    doc.field(3, "Started", &rfc1123(text(ended, "/startedAt")));
    doc.field(3, "Finished", &rfc1123(text(ended, "/finishedAt")));
}

fn probe(p: &Value) -> String {
    let attributes = format!(
        "delay={}s timeout={}s period={}s #success={} #failure={}",
        int(p, "/initialDelaySeconds"),
        int(p, "/timeoutSeconds"),
        int(p, "/periodSeconds"),
        int(p, "/successThreshold"),
        int(p, "/failureThreshold")
    );
    if has(p, "/exec") {
        return format!("exec {} {attributes}", go_list(list(p, "/exec/command")));
    }
    if let Some(http) = p.get("httpGet") {
        let (scheme, path) = (text(http, "/scheme").to_lowercase(), text(http, "/path"));
        let slash = if path.is_empty() || path.starts_with('/') { "" } else { "/" };
        let host = format!("{}:{}", text(http, "/host"), shown(at(http, "/port")));
        return format!("http-get {scheme}://{host}{slash}{path} {attributes}");
    }
    if let Some(tcp) = p.get("tcpSocket") {
        return format!("tcp-socket {}:{} {attributes}", text(tcp, "/host"), shown(at(tcp, "/port")));
    }
    if let Some(grpc) = p.get("grpc") {
        return format!("grpc <pod>:{} {} {attributes}", int(grpc, "/port"), text(grpc, "/service"));
    }
    format!("unknown {attributes}")
}

fn environment(doc: &mut Doc, c: &Value, pod: Option<&Value>) {
    let sources = list(c, "/envFrom");
    if !sources.is_empty() {
        doc.line(2, "Environment Variables from:");
    }
    for source in sources {
        let (from, key) =
            if has(source, "/configMapRef") { ("ConfigMap", "/configMapRef") } else { ("Secret", "/secretRef") };
        let r = at(source, key);
        let prefix = match text(source, "/prefix") {
            "" => String::new(),
            p => format!(" with prefix '{p}'"),
        };
        doc.line(3, &format!("{}\t{from}{prefix}\tOptional: {}", text(r, "/name"), boolean(r, "/optional")));
    }
    let variables = list(c, "/env");
    doc.line(2, if variables.is_empty() { "Environment:\t<none>" } else { "Environment:" });
    for e in variables {
        let name = text(e, "/name");
        if has(e, "/valueFrom") {
            doc.line(3, &format!("{name}:\t{}", value_from(at(e, "/valueFrom"), c, pod)));
            continue;
        }
        for (i, line) in text(e, "/value").split('\n').enumerate() {
            doc.line(3, &if i == 0 { format!("{name}:\t{line}") } else { format!("\t{line}") });
        }
    }
}

fn value_from(from: &Value, c: &Value, pod: Option<&Value>) -> String {
    if let Some(f) = from.get("fieldRef") {
        let path = text(f, "/fieldPath");
        let value = pod.map_or_else(String::new, |p| field_value(p, path));
        return format!("{value} ({}:{path})", text(f, "/apiVersion"));
    }
    if let Some(r) = from.get("resourceFieldRef") {
        let resource = text(r, "/resource");
        let value = match resource_value(c, resource).as_str() {
            "0" if matches!(resource, "limits.cpu" | "limits.memory") => "node allocatable".to_owned(),
            value => value.to_owned(),
        };
        return format!("{value} ({resource})");
    }
    for (key, words) in [("secretKeyRef", "in secret"), ("configMapKeyRef", "of config map")] {
        if let Some(r) = from.get(key) {
            let (name, key) = (text(r, "/name"), text(r, "/key"));
            return format!("<set to the key '{key}' {words} '{name}'>\tOptional: {}", boolean(r, "/optional"));
        }
    }
    String::new()
}

/// What a field reference reads: only metadata is resolved, as upstream does.
fn field_value(pod: &Value, path: &str) -> String {
    for (prefix, map) in
        [("metadata.labels['", "/metadata/labels"), ("metadata.annotations['", "/metadata/annotations")]
    {
        if let Some(key) = path.strip_prefix(prefix).and_then(|p| p.strip_suffix("']")) {
            return at(pod, map).get(key).map_or_else(String::new, shown);
        }
    }
    match path {
        "metadata.name" => text(pod, "/metadata/name").into(),
        "metadata.namespace" => text(pod, "/metadata/namespace").into(),
        "metadata.uid" => text(pod, "/metadata/uid").into(),
        _ => String::new(),
    }
}

/// Whole units, rounded up.
fn resource_value(c: &Value, resource: &str) -> String {
    let Some((list, name)) = resource.split_once('.') else { return String::new() };
    Quantity::from_json(at(c, &format!("/resources/{list}/{name}"))).map_or("0".into(), |q| q.value().to_string())
}

fn mounts(doc: &mut Doc, c: &Value) {
    let mut mounts: Vec<&Value> = list(c, "/volumeMounts").iter().collect();
    mounts.order_by_key(|m| text(m, "/mountPath"));
    doc.line(2, if mounts.is_empty() { "Mounts:\t<none>" } else { "Mounts:" });
    for m in mounts {
        let mut flags = if boolean(m, "/readOnly") { "ro" } else { "rw" }.to_owned();
        if !text(m, "/subPath").is_empty() {
            flags.push_str(&format!(",path=\"{}\"", text(m, "/subPath")));
        }
        doc.line(3, &format!("{} from {} ({flags})", text(m, "/mountPath"), text(m, "/name")));
    }
    let devices = list(c, "/volumeDevices");
    if !devices.is_empty() {
        doc.line(2, "Devices:");
    }
    for d in devices {
        doc.line(3, &format!("{} from {}", text(d, "/devicePath"), text(d, "/name")));
    }
}

pub fn tolerations(doc: &mut Doc, title: &str, tolerations: &[Value]) {
    doc.write(&format!("{title}:\t"));
    if tolerations.is_empty() {
        doc.write("<none>\n");
    }
    let mut sorted: Vec<&Value> = tolerations.iter().collect();
    sorted.order_by_key(|t| text(t, "/key"));
    for (i, t) in sorted.iter().enumerate() {
        let (key, value, effect) = (text(t, "/key"), text(t, "/value"), text(t, "/effect"));
        let mut out = if i > 0 { format!("\t{key}") } else { key.to_owned() };
        if !value.is_empty() {
            out.push_str(&format!("={value}"));
        }
        if !effect.is_empty() {
            out.push_str(&format!(":{effect}"));
        }
        if text(t, "/operator") == "Exists" && value.is_empty() {
            out.push_str(if key.is_empty() && effect.is_empty() { "op=Exists" } else { " op=Exists" });
        }
        if has(t, "/tolerationSeconds") {
            out.push_str(&format!(" for {}s", int(t, "/tolerationSeconds")));
        }
        doc.write(&format!("{out}\n"));
    }
}

pub fn spread(doc: &mut Doc, constraints: &[Value], space: &str) {
    let mut sorted: Vec<&Value> = constraints.iter().collect();
    sorted.order_by_key(|c| text(c, "/topologyKey"));
    for (i, c) in sorted.iter().enumerate() {
        let lead = if i == 0 { "Topology Spread Constraints:" } else { "" };
        let (key, when, skew) = (text(c, "/topologyKey"), text(c, "/whenUnsatisfiable"), int(c, "/maxSkew"));
        let mut line = format!("{space}{lead}\t{key}:{when} when max skew {skew} is exceeded");
        if has(c, "/labelSelector") {
            line.push_str(&format!(" for selector {}", selector(at(c, "/labelSelector"))));
        }
        doc.line(0, &line);
    }
}
