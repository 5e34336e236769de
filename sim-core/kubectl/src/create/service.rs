//! `create service clusterip|nodeport|loadbalancer|externalname`.

use super::{CREATE_FLAGS, one_name, submit};
use crate::commands::apply::VALIDATE_FLAG;
use crate::error::{Error, plain};
use crate::flags::{Args, Command, Flag, Kind, flag, string};
use crate::printers::{DRY_RUN_FLAG, PRINT_FLAGS};
use crate::session::Kube;
use crate::task::Next;
use serde_json::{Value, json};

const TCP: &[Flag] = &[flag("tcp", Kind::List, "", "Port pairs '<port>:<targetPort>'.")];

pub static SERVICE: Command = Command {
    name: "service",
    aliases: &["svc"],
    short: "Create a service using a specified subcommand",
    subs: &[&CLUSTER_IP, &EXTERNAL_NAME, &LOAD_BALANCER, &NODE_PORT],
    ..Command::EMPTY
};

static CLUSTER_IP: Command = Command {
    name: "clusterip",
    short: "Create a ClusterIP service",
    usage: "NAME [--tcp=<port>:<targetPort>] [--dry-run=server|client|none] [options]",
    flags: &[
        TCP,
        &[string("clusterip", "The address, or 'None' for a headless service.")],
        CREATE_FLAGS,
        VALIDATE_FLAG,
        PRINT_FLAGS,
        DRY_RUN_FLAG,
    ],
    run: Some(|k, args| service(k, args, "ClusterIP")),
    ..Command::EMPTY
};

static NODE_PORT: Command = Command {
    name: "nodeport",
    short: "Create a NodePort service",
    usage: "NAME [--tcp=port:targetPort] [--dry-run=server|client|none] [options]",
    flags: &[
        TCP,
        &[flag("node-port", Kind::Int, "0", "Port on each node.")],
        CREATE_FLAGS,
        VALIDATE_FLAG,
        PRINT_FLAGS,
        DRY_RUN_FLAG,
    ],
    run: Some(|k, args| service(k, args, "NodePort")),
    ..Command::EMPTY
};

static LOAD_BALANCER: Command = Command {
    name: "loadbalancer",
    short: "Create a LoadBalancer service",
    usage: "NAME [--tcp=port:targetPort] [--dry-run=server|client|none] [options]",
    flags: &[TCP, CREATE_FLAGS, VALIDATE_FLAG, PRINT_FLAGS, DRY_RUN_FLAG],
    run: Some(|k, args| service(k, args, "LoadBalancer")),
    ..Command::EMPTY
};

static EXTERNAL_NAME: Command = Command {
    name: "externalname",
    short: "Create an ExternalName service",
    usage: "NAME --external-name external.name [--dry-run=server|client|none] [options]",
    flags: &[
        TCP,
        &[string("external-name", "Name of the service outside.")],
        CREATE_FLAGS,
        VALIDATE_FLAG,
        PRINT_FLAGS,
        DRY_RUN_FLAG,
    ],
    required: &["external-name"],
    run: Some(|k, args| service(k, args, "ExternalName")),
    ..Command::EMPTY
};

fn service(k: &mut Kube<'_, '_>, args: &Args, kind: &'static str) -> Result<Next, Error> {
    let name = one_name(args)?;
    let mut ports = Vec::new();
    for pair in args.list("tcp") {
        ports.push(port(&pair)?);
    }
    if let (1.., Some(first)) = (args.int("node-port"), ports.first_mut()) {
        first["nodePort"] = args.int("node-port").into();
    }
    let headless = args.str("clusterip") == "None";
    if ports.is_empty() && !headless && kind != "ExternalName" {
        return plain("at least one tcp port specifier must be provided");
    }
    let mut spec = json!({"selector": {"app": name}, "type": kind});
    if !ports.is_empty() {
        spec["ports"] = ports.into();
    }
    if !args.str("clusterip").is_empty() {
        spec["clusterIP"] = json!(args.str("clusterip"));
    }
    if kind == "ExternalName" {
        spec["externalName"] = json!(args.str("external-name"));
    }
    let object = json!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "labels": {"app": name}}, "spec": spec,
        "status": {"loadBalancer": {}},
    });
    let wrap = match kind {
        "ClusterIP" => "failed to create ClusterIP service",
        "NodePort" => "failed to create NodePort service",
        "LoadBalancer" => "failed to create LoadBalancer service",
        _ => "failed to create ExternalName service",
    };
    submit(k, args, object, wrap)
}

/// `80:8080` as a service port.
fn port(pair: &str) -> Result<Value, Error> {
    let (port_text, target) = pair.split_once(':').unwrap_or((pair, pair));
    let Ok(port) = port_text.parse::<u16>() else {
        return plain(format!("strconv.ParseUint: parsing \"{port_text}\": invalid syntax"));
    };
    let target = target.parse::<u16>().map_or_else(|_| json!(target), |t| json!(t));
    Ok(json!({"name": pair.replace(':', "-"), "port": port, "protocol": "TCP", "targetPort": target}))
}
