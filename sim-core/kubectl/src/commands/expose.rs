//! `kubectl expose`.
//!
//! Models: kubectl `cmd/expose`.

use crate::builder::{FILE_FLAGS, Find, Info};
use crate::error::{Error, plain};
use crate::flags::{Args, Command, Flag, Group, Kind, flag, short, string};
use crate::json::{at, has, int, list, members, text};
use crate::pod_spec;
use crate::printers::{DRY_RUN_FLAG, DryRun, PRINT_FLAGS, Teller};
use crate::session::Kube;
use crate::task::{DONE, Next};
use serde_json::{Map, Value, json};

const FLAGS: &[Flag] = &[
    string("cluster-ip", "The service's address; empty for any, 'None' for a headless service."),
    string("external-ip", "Another address that leads to the service."),
    flag("field-manager", Kind::Str, "kubectl-expose", "Name under which field ownership is tracked."),
    short('l', "labels", Kind::Str, "", "Labels of the service."),
    string("load-balancer-ip", "Address for the load balancer."),
    string("name", "Name of the service."),
    string("override-type", "How overrides are merged: json, merge or strategic."),
    string("overrides", "JSON to merge into the made object."),
    string("port", "Port that the service serves on; taken from the resource if not given."),
    string("protocol", "Protocol; 'TCP' unless given."),
    string("selector", "Labels of the pods; taken from the resource if not given."),
    string("session-affinity", "'None' or 'ClientIP'."),
    string("target-port", "Port of the container, by name or number."),
    string("type", "ClusterIP, NodePort, LoadBalancer or ExternalName."),
];

pub static COMMAND: Command = Command {
    name: "expose",
    group: Group::Beginner,
    short: "Take a replication controller, service, deployment or pod and expose it as a new Kubernetes service",
    usage: "(-f FILENAME | TYPE NAME) [--port=port] [--protocol=TCP|UDP|SCTP] [--target-port=number-or-name] [--name=name] [--external-ip=external-ip-of-service] [--type=type] [options]",
    long: "Expose a resource as a new Kubernetes service: its selector becomes the service's.",
    examples: &[(
        "A service for a deployment, port 80 to 8000",
        "kubectl expose deployment nginx --port=80 --target-port=8000",
    )],
    flags: &[FLAGS, PRINT_FLAGS, DRY_RUN_FLAG, FILE_FLAGS],
    run: Some(run),
    ..Command::EMPTY
};

fn run(k: &mut Kube<'_, '_>, args: &Args) -> Result<Next, Error> {
    let mut teller = Teller::of(k, args)?;
    let mut find = Find::new(args);
    find.selector = None;
    for info in k.find(&find)?.strict()? {
        let service = make(args, &info)?;
        let (namespace, _) = k.namespace()?;
        let object = if teller.dry_run() == DryRun::Client {
            service
        } else {
            let params = [teller.dry_run().param(), ("fieldManager", args.str("field-manager"))];
            k.post(&format!("/api/v1/namespaces/{namespace}/services"), &params, service)?
        };
        teller.tell(k, &object, "exposed")?;
    }
    DONE
}

fn make(args: &Args, info: &Info) -> Result<Value, Error> {
    let kind = info.mapping.kind.as_str();
    if !matches!(kind, "ReplicationController" | "Service" | "Pod" | "Deployment" | "ReplicaSet") {
        return plain(format!("cannot expose a {}", info.mapping.group_kind().replacen(&kind.to_lowercase(), kind, 1)));
    }
    let selector = selector(args, info)?;
    let mut name = if args.str("name").is_empty() { info.name.clone() } else { args.str("name").to_owned() };
    if name.is_char_boundary(63) {
        name.truncate(63);
    }
    let headless = args.str("cluster-ip") == "None";
    let ports = ports(args, info)?;
    if ports.is_empty() && !headless {
        return plain("couldn't find port via --port flag or introspection");
    }
    let labels = match args.str("labels") {
        "" => at(&info.object, "/metadata/labels").clone(),
        given => pairs(given)?,
    };
    let mut spec = json!({"selector": selector});
    if !ports.is_empty() {
        spec["ports"] = ports.into();
    }
    for (flag, key) in [
        ("type", "type"),
        ("cluster-ip", "clusterIP"),
        ("load-balancer-ip", "loadBalancerIP"),
        ("session-affinity", "sessionAffinity"),
    ] {
        if !args.str(flag).is_empty() {
            spec[key] = json!(args.str(flag));
        }
    }
    if !args.str("external-ip").is_empty() {
        spec["externalIPs"] = json!([args.str("external-ip")]);
    }
    let mut metadata = json!({"name": name});
    if labels.is_object() {
        metadata["labels"] = labels;
    }
    let service = json!({"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec, "status": {"loadBalancer": {}}});
    if args.str("overrides").is_empty() {
        return Ok(service);
    }
    let change = apimachinery::json::parse(args.str("overrides").as_bytes()).map_err(|e| Error::Plain(e.message))?;
    Ok(apimachinery::patch::merge::apply(&service, &change))
}

fn pairs(text: &str) -> Result<Value, Error> {
    let mut out = Map::new();
    for pair in text.split(',').filter(|p| !p.is_empty()) {
        let Some((key, value)) = pair.split_once('=') else { return plain(format!("unexpected label spec: {pair}")) };
        out.insert(key.into(), value.into());
    }
    Ok(out.into())
}

fn selector(args: &Args, info: &Info) -> Result<Value, Error> {
    if !args.str("selector").is_empty() {
        return pairs(args.str("selector"));
    }
    let object = &info.object;
    let missing = |why: &str| plain(format!("couldn't retrieve selectors via --selector flag or introspection: {why}"));
    let found = match info.mapping.kind.as_str() {
        "Pod" => at(object, "/metadata/labels").clone(),
        "Service" | "ReplicationController" => at(object, "/spec/selector").clone(),
        _ => {
            if !list(object, "/spec/selector/matchExpressions").is_empty() {
                return missing("couldn't convert expressions - \"matchExpressions\" are not supported");
            }
            at(object, "/spec/selector/matchLabels").clone()
        }
    };
    if members(&found, "").is_empty() {
        return missing(if info.mapping.kind == "Pod" {
            "the pod has no labels and cannot be exposed"
        } else {
            "the object has no selector and cannot be exposed"
        });
    }
    Ok(found)
}

/// The service's ports: the one asked for, or those of the object.
fn ports(args: &Args, info: &Info) -> Result<Vec<Value>, Error> {
    let target = |default: Value| match args.str("target-port") {
        "" => default,
        t => t.parse::<i64>().map_or_else(|_| json!(t), |n| json!(n)),
    };
    let protocol_flag = args.str("protocol");
    let known = object_ports(info);
    let protocol_of = |port: i64| {
        let own = known.iter().find(|p| int(p, "/port") == port).map(|p| text(p, "/protocol"));
        if !protocol_flag.is_empty() { protocol_flag } else { own.filter(|p| !p.is_empty()).unwrap_or("TCP") }
            .to_owned()
    };
    let mut numbers: Vec<i64> = Vec::new();
    if args.str("port").is_empty() {
        numbers.extend(known.iter().map(|p| int(p, "/port")));
    } else {
        for word in args.str("port").split(',') {
            match word.parse() {
                Ok(n) => numbers.push(n),
                Err(_) => return plain(format!("strconv.Atoi: parsing \"{word}\": invalid syntax")),
            }
        }
    }
    numbers.dedup();
    let many = numbers.len() > 1;
    Ok(numbers
        .iter()
        .enumerate()
        .map(|(i, port)| {
            let mut p = json!({"port": port, "protocol": protocol_of(*port), "targetPort": target(json!(port))});
            if many {
                p["name"] = json!(format!("port-{}", i + 1));
            }
            p
        })
        .collect())
}

fn object_ports(info: &Info) -> Vec<Value> {
    if info.mapping.kind == "Service" {
        return list(&info.object, "/spec/ports").to_vec();
    }
    let Some(spec) = pod_spec::pointer(&info.object) else { return Vec::new() };
    list(at(&info.object, spec), "/containers")
        .iter()
        .flat_map(|c| list(c, "/ports"))
        .filter(|p| has(p, "/containerPort"))
        .map(|p| json!({"port": int(p, "/containerPort"), "protocol": text(p, "/protocol")}))
        .collect()
}
