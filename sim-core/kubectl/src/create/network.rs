//! `create ingress`.

use super::{CREATE_FLAGS, one_name, submit};
use crate::commands::apply::VALIDATE_FLAG;
use crate::error::{Error, plain};
use crate::flags::{Args, Command, Kind, flag, string};
use crate::json::list;
use crate::printers::{DRY_RUN_FLAG, PRINT_FLAGS};
use crate::session::Kube;
use crate::task::Next;
use serde_json::{Map, Value, json};

pub static INGRESS: Command = Command {
    name: "ingress",
    aliases: &["ing"],
    short: "Create an ingress with the specified name",
    usage: "NAME --rule=host/path=service:port[,tls[=secret]] [options]",
    examples: &[
        ("One host, one path", "kubectl create ingress simple --rule=\"foo.com/bar=svc1:8080,tls=my-cert\""),
        ("Everything below a path", "kubectl create ingress catch-all --class=otheringress --rule=\"/path*=svc:port\""),
    ],
    flags: &[
        &[
            flag("annotation", Kind::Array, "", "Annotations, key=value."),
            string("class", "The ingress class to use."),
            string("default-backend", "Service for whatever no rule matches, svcname:port."),
            flag(
                "rule",
                Kind::Array,
                "",
                "host/path=service:port[,tls=secretname]; a path that ends in * matches what begins so.",
            ),
        ],
        CREATE_FLAGS,
        VALIDATE_FLAG,
        PRINT_FLAGS,
        DRY_RUN_FLAG,
    ],
    run: Some(ingress),
    ..Command::EMPTY
};

fn ingress(k: &mut Kube<'_, '_>, args: &Args) -> Result<Next, Error> {
    let name = one_name(args)?;
    let rules = args.list("rule");
    if rules.is_empty() && args.str("default-backend").is_empty() {
        return plain(
            "not enough information provided: every ingress has to either specify a default-backend (which catches all traffic) or a list of rules (which catch specific paths)",
        );
    }
    let (mut hosts, mut tls): (Vec<(String, Vec<Value>)>, Vec<Value>) = (Vec::new(), Vec::new());
    for rule in &rules {
        read_rule(rule, &mut hosts, &mut tls)?;
    }
    let mut spec = json!({});
    if !args.str("class").is_empty() {
        spec["ingressClassName"] = json!(args.str("class"));
    }
    if !args.str("default-backend").is_empty() {
        let Some((service, port)) = args.str("default-backend").split_once(':') else {
            return plain("default-backend should be in format servicename:serviceport");
        };
        spec["defaultBackend"] = backend(service, port);
    }
    if !tls.is_empty() {
        spec["tls"] = tls.into();
    }
    let of = |(host, paths): (String, Vec<Value>)| {
        let http = json!({"paths": paths});
        if host.is_empty() { json!({"http": http}) } else { json!({"host": host, "http": http}) }
    };
    if !hosts.is_empty() {
        spec["rules"] = hosts.into_iter().map(of).collect();
    }
    let mut metadata = json!({"name": name});
    if !args.list("annotation").is_empty() {
        let mut annotations = Map::new();
        for a in args.list("annotation") {
            let (key, value) = a.split_once('=').unwrap_or((&a, ""));
            annotations.insert(key.into(), value.into());
        }
        metadata["annotations"] = annotations.into();
    }
    let object = json!({
        "apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": metadata, "spec": spec,
        "status": {"loadBalancer": {}},
    });
    submit(k, args, object, "failed to create ingress")
}

fn backend(service: &str, port: &str) -> Value {
    let port = port.parse::<i64>().map_or_else(|_| json!({"name": port}), |n| json!({"number": n}));
    json!({"service": {"name": service, "port": port}})
}

fn read_rule(rule: &str, hosts: &mut Vec<(String, Vec<Value>)>, tls: &mut Vec<Value>) -> Result<(), Error> {
    let (main, options) = rule.split_once(',').unwrap_or((rule, ""));
    let parsed = (|| {
        let (place, service) = main.split_once('=')?;
        let (host, path) = place.split_once('/')?;
        let (service, port) = service.split_once(':')?;
        (!service.is_empty() && !port.is_empty()).then(|| (host, format!("/{path}"), service, port))
    })();
    let Some((host, path, service, port)) = parsed else {
        return plain(format!(
            "rule {rule} is invalid and should be in format host/path=svcname:svcport[,tls[=secret]]"
        ));
    };
    let (path, path_type) = match path.strip_suffix('*') {
        Some(prefix) => (prefix.to_owned(), "Prefix"),
        None => (path, "Exact"),
    };
    let entry = json!({"path": path, "pathType": path_type, "backend": backend(service, port)});
    match hosts.iter_mut().find(|(h, _)| h == host) {
        Some((_, paths)) => paths.push(entry),
        None => hosts.push((host.into(), vec![entry])),
    }
    if let Some(secret) = options.strip_prefix("tls") {
        let secret = secret.trim_start_matches('=');
        match tls.iter_mut().find(|t| crate::json::text(t, "/secretName") == secret) {
            Some(t) if !host.is_empty() && !list(t, "/hosts").iter().any(|h| h == host) => {
                if let Some(Value::Array(all)) = t.get_mut("hosts") {
                    all.push(json!(host));
                }
            }
            Some(_) => {}
            None => {
                let mut t = json!({});
                if !host.is_empty() {
                    t["hosts"] = json!([host]);
                }
                if !secret.is_empty() {
                    t["secretName"] = json!(secret);
                }
                tls.push(t);
            }
        }
    }
    Ok(())
}
