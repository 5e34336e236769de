//! `docker inspect`, `network …`, `volume …`.

use super::engine::{Container, Network, State};
use super::images::{columns, find};
use super::{bad_flag, daemon, refused, usage};
use crate::play::{Act, Flag, out, parse};
use apimachinery::order::{Gather as _, Order as _};
use machine::process::Ctx;
use serde_json::{Map, Value, json};

pub fn inspect(ctx: &mut Ctx<'_>, args: &[String]) -> Vec<Act> {
    const FLAGS: &[Flag] = &[("format", 'f', true), ("type", '\0', true), ("size", 's', false)];
    let args = match parse(FLAGS, args, false) {
        Ok(args) => args,
        Err(e) => return bad_flag("inspect", &e),
    };
    if args.words.is_empty() {
        return usage("inspect", "at least 1 argument");
    }
    let outside = match daemon(ctx) {
        Ok(outside) => outside,
        Err(acts) => return acts,
    };
    let mut found = Vec::new();
    let mut errors = String::new();
    for name in &args.words {
        let value = if let Some(i) = outside.docker.find(name) {
            Some(container(&outside.docker.containers[i]))
        } else if let Some(image) = find(outside, name) {
            let tags: Vec<String> = outside.docker.images.names_of(&image.id).map(super::images::familiar).collect();
            Some(json!({
                "Id": image.id, "RepoTags": tags, "Created": image.created.rfc3339_micro(), "Architecture": "amd64", "Os": "linux",
                "Size": image.size_unpacked(), "Config": config(&image.config),
                "RootFS": {"Type": "layers", "Layers": image.layers.iter().map(|l| l.digest.clone()).collect::<Vec<_>>()},
            }))
        } else if let Some(n) = outside.docker.networks.iter().find(|n| n.name == *name || n.id == *name) {
            Some(json!({"Name": n.name, "Id": n.id, "Scope": "local", "Driver": n.driver,
                "IPAM": {"Config": [{"Subnet": format!("{}.0/16", n.prefix), "Gateway": format!("{}.1", n.prefix)}]}}))
        } else if outside.docker.volumes.contains_key(name) {
            Some(
                json!({"Driver": "local", "Mountpoint": format!("/var/lib/docker/volumes/{name}/_data"), "Name": name, "Scope": "local"}),
            )
        } else {
            None
        };
        match value {
            Some(value) => found.push(value),
            None => errors.push_str(&format!("error: no such object: {name}\n")),
        }
    }
    let mut text = match args.get("format") {
        Some(format) => found.iter().map(|v| format!("{}\n", render(format, v))).collect::<String>(),
        None => {
            let pretty = serde_json::to_string_pretty(&Value::Array(found)).unwrap_or_default();
            pretty.lines().map(indent).collect::<String>()
        }
    };
    if text == "[]\n" && args.get("format").is_some() {
        text.clear();
    }
    let code = i32::from(!errors.is_empty());
    vec![out(text), Act::Err(errors), Act::Exit(code)]
}

/// Docker indents by four where the library does by two.
fn indent(line: &str) -> String {
    let blanks = line.len() - line.trim_start().len();
    format!("{}{}\n", " ".repeat(blanks * 2), line.trim_start())
}

/// `{{.State.Status}}` and other paths; nothing else of Go's templates.
fn render(format: &str, value: &Value) -> String {
    let mut out = String::new();
    let mut rest = format;
    while let Some(start) = rest.find("{{") {
        out.push_str(&rest[..start]);
        let Some(end) = rest[start..].find("}}") else { break };
        let path = rest[start + 2..start + end].trim().trim_start_matches("json ").trim();
        let mut here = value;
        for part in path.split('.').filter(|p| !p.is_empty()) {
            here = here.get(part).unwrap_or(&Value::Null);
        }
        match here {
            Value::String(s) => out.push_str(s),
            Value::Null => out.push_str("<no value>"),
            other => out.push_str(&other.to_string()),
        }
        rest = &rest[start + end + 2..];
    }
    out + rest
}

fn config(c: &cluster::images::image::Config) -> Value {
    let ports: Map<String, Value> = c.ports.iter().map(|p| (format!("{p}/tcp"), json!({}))).gather();
    let env: Vec<String> = c.env.iter().map(|(n, v)| format!("{n}={v}")).collect();
    json!({"User": c.user, "ExposedPorts": ports, "Env": env, "Cmd": c.cmd, "WorkingDir": c.workdir, "Entrypoint": c.entrypoint,
        "StopSignal": c.stop_signal})
}

fn container(c: &Container) -> Value {
    let (code, started, finished) = match &c.state {
        State::Created => (0, String::new(), String::new()),
        State::Running { since } => (0, since.rfc3339_micro(), "0001-01-01T00:00:00Z".to_owned()),
        State::Exited { code, at } => (*code, String::new(), at.rfc3339_micro()),
    };
    let bindings: Map<String, Value> = c
        .spec
        .publish
        .iter()
        .map(|p| (format!("{}/tcp", p.port), json!([{"HostIp": p.host_ip, "HostPort": p.host_port.to_string()}])))
        .gather();
    let mounts: Vec<Value> = c
        .spec
        .mounts
        .iter()
        .map(|(s, t, ro)| json!({"Type": if s.starts_with('/') { "bind" } else { "volume" }, "Source": s, "Destination": t, "RW": !ro}))
        .collect();
    json!({
        "Id": c.id, "Created": c.created.rfc3339_micro(), "Path": c.argv.first(), "Args": c.argv.get(1..),
        "State": {"Status": c.state_word(), "Running": c.running(), "Paused": false, "Restarting": false, "OOMKilled": false,
            "ExitCode": code, "StartedAt": started, "FinishedAt": finished},
        "Image": c.image.id, "Name": format!("/{}", c.spec.name), "RestartCount": c.restarts,
        "HostConfig": {"NetworkMode": c.spec.network, "PortBindings": bindings.clone(), "AutoRemove": c.spec.remove},
        "Mounts": mounts,
        "Config": {"Hostname": c.spec.hostname, "Tty": c.spec.tty, "OpenStdin": c.spec.interactive, "Image": c.spec.image,
            "Env": c.image.config.env.iter().chain(&c.spec.env).map(|(n, v)| format!("{n}={v}")).collect::<Vec<_>>(),
            "Cmd": c.spec.args, "WorkingDir": c.workdir()},
        "NetworkSettings": {"Ports": bindings, "IPAddress": if c.running() { c.ip.as_str() } else { "" },
            "Networks": {c.spec.network.clone(): {"IPAddress": c.ip}}},
    })
}

pub fn network_ls(ctx: &mut Ctx<'_>, _args: &[String]) -> Vec<Act> {
    let outside = match daemon(ctx) {
        Ok(outside) => outside,
        Err(acts) => return acts,
    };
    let mut rows = vec![["NETWORK ID", "NAME", "DRIVER", "SCOPE"].map(str::to_owned).to_vec()];
    let mut networks: Vec<&Network> = outside.docker.networks.iter().collect();
    networks.order_by(|a, b| a.name.cmp(&b.name));
    for n in networks {
        rows.push(vec![n.id[..12].to_owned(), n.name.clone(), n.driver.to_owned(), "local".to_owned()]);
    }
    vec![out(columns(&rows))]
}

pub fn network_create(ctx: &mut Ctx<'_>, args: &[String]) -> Vec<Act> {
    let Some(name) = args.iter().rfind(|a| !a.starts_with('-')) else { return usage("network create", "1 argument") };
    let outside = match daemon(ctx) {
        Ok(outside) => outside,
        Err(acts) => return acts,
    };
    if outside.docker.networks.iter().any(|n| n.name == *name) {
        return refused(format!("network with name {name} already exists"));
    }
    let id = outside.docker.hex("network", 64);
    let next = 15 + outside.docker.networks.len();
    let prefix = format!("172.{next}.0");
    outside.docker.networks.push(Network { id: id.clone(), name: name.clone(), driver: "bridge", prefix });
    vec![out(format!("{id}\n"))]
}

pub fn network_rm(ctx: &mut Ctx<'_>, args: &[String]) -> Vec<Act> {
    let outside = match daemon(ctx) {
        Ok(outside) => outside,
        Err(acts) => return acts,
    };
    let mut acts = Vec::new();
    for name in args {
        if ["bridge", "host", "none"].contains(&name.as_str()) {
            acts.extend(refused(format!("{name} is a pre-defined network and cannot be removed")));
        } else if let Some(i) =
            outside.docker.networks.iter().position(|n| n.name == *name || n.id.starts_with(name.as_str()))
        {
            if outside.docker.containers.iter().any(|c| c.spec.network == outside.docker.networks[i].name) {
                acts.extend(refused(format!("error while removing network: network {name} has active endpoints")));
                continue;
            }
            outside.docker.networks.remove(i);
            acts.push(out(format!("{name}\n")));
        } else {
            acts.extend(refused(format!("network {name} not found")));
        }
    }
    acts
}

pub fn volume_ls(ctx: &mut Ctx<'_>, _args: &[String]) -> Vec<Act> {
    let outside = match daemon(ctx) {
        Ok(outside) => outside,
        Err(acts) => return acts,
    };
    let mut rows = vec![["DRIVER", "VOLUME NAME"].map(str::to_owned).to_vec()];
    rows.extend(
        outside.docker.volumes.keys().filter(|n| !n.starts_with('/')).map(|n| vec!["local".to_owned(), n.clone()]),
    );
    // This table's columns stand closer than the others'.
    let text: String = rows.iter().map(|r| format!("{:<10}{}\n", r[0], r[1])).collect();
    vec![out(text)]
}

pub fn volume_create(ctx: &mut Ctx<'_>, args: &[String]) -> Vec<Act> {
    let outside = match daemon(ctx) {
        Ok(outside) => outside,
        Err(acts) => return acts,
    };
    let name = args.iter().rfind(|a| !a.starts_with('-')).cloned().unwrap_or_else(|| outside.docker.hex("volume", 64));
    outside.docker.volumes.entry(name.clone()).or_insert_with(|| machine::fs::Volume::new(64 << 20));
    vec![out(format!("{name}\n"))]
}

pub fn volume_rm(ctx: &mut Ctx<'_>, args: &[String]) -> Vec<Act> {
    let outside = match daemon(ctx) {
        Ok(outside) => outside,
        Err(acts) => return acts,
    };
    let mut acts = Vec::new();
    for name in args {
        if let Some(c) = outside.docker.containers.iter().find(|c| c.spec.mounts.iter().any(|m| m.0 == *name)) {
            acts.extend(refused(format!("remove {name}: volume is in use - [{}]", c.id)));
        } else if outside.docker.volumes.remove(name).is_some() {
            acts.push(out(format!("{name}\n")));
        } else {
            acts.extend(refused(format!("get {name}: no such volume")));
        }
    }
    acts
}
