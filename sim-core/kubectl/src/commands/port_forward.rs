//! `kubectl port-forward`.
//!
//! Models: kubectl `cmd/portforward` and client-go `tools/portforward`.

use crate::builder::split_slash;
use crate::commands::exec::pod_for;
use crate::error::{Error, plain};
use crate::flags::{Args, Command, Flag, Group, Kind, flag};
use crate::json::{at, int, list, name, namespace, text};
use crate::session::Kube;
use crate::task::{Next, Task, Turn, task};
use machine::host::{ForwardTarget, ListenerId};
use machine::process::Wake;
use serde_json::Value;

const FLAGS: &[Flag] = &[
    flag("address", Kind::List, "localhost", "Addresses to listen on."),
    flag("pod-running-timeout", Kind::Duration, "1m0s", "How long to wait for a pod to run."),
];

/// Ports that a listener gets when none is named.
const FREE_PORT_FIRST: u16 = 32_768;

pub static COMMAND: Command = Command {
    name: "port-forward",
    group: Group::Trouble,
    short: "Forward one or more local ports to a pod",
    usage: "TYPE/NAME [options] [LOCAL_PORT:]REMOTE_PORT [...[LOCAL_PORT_N:]REMOTE_PORT_N]",
    long: "Forward one or more local ports to a pod.\n\n A type and name choose a pod: a deployment's or service's first one. The session ends when that pod does.",
    examples: &[
        ("Listen on 5000 here, go to 6000 in the pod", "kubectl port-forward pod/mypod 5000:6000"),
        ("To a pod of a service, port named https", "kubectl port-forward service/myservice 8443:https"),
    ],
    flags: &[FLAGS],
    run: Some(run),
    ..Command::EMPTY
};

fn run(k: &mut Kube<'_, '_>, args: &Args) -> Result<Next, Error> {
    if args.rest.len() < 2 {
        return Err(args.usage_error("TYPE/NAME and list of ports are required for port-forward"));
    }
    let word = &args.rest[0];
    let pod = pod_for(k, word)?;
    let service = service_of(k, word)?;
    let phase = text(&pod, "/status/phase");
    if phase != "Running" {
        return plain(format!("unable to forward port because pod is not running. Current status={phase}"));
    }
    let mut forwards = Vec::new();
    for pair in &args.rest[1..] {
        let (local, wanted) = split(pair)?;
        let remote = match &service {
            Some(s) => service_port(s, &pod, &wanted)?,
            None => pod_port(&pod, &wanted)?,
        };
        // Without a local port, the one that was asked for, not the one it leads to.
        let local = match local.as_deref() {
            Some("" | "0") => 0,
            Some(l) => number(pair, l)?,
            None => number(pair, &wanted).unwrap_or(remote),
        };
        forwards.push((local, remote));
    }
    let mut listening = Vec::new();
    for (local, remote) in forwards {
        let target = ForwardTarget::Pod { namespace: namespace(&pod).into(), pod: name(&pod).into(), port: remote };
        listening.push(listen(k, local, remote, target)?);
    }
    task(Forward { listening })
}

/// `(local, remote)` of `8080:80`, `:80` or `80`.
fn split(pair: &str) -> Result<(Option<String>, String), Error> {
    let parts: Vec<&str> = pair.split(':').collect();
    match parts.as_slice() {
        [remote] if !remote.is_empty() => Ok((None, (*remote).into())),
        [local, remote] if !remote.is_empty() => Ok((Some((*local).into()), (*remote).into())),
        [_, ""] | [""] => plain("remote port cannot be empty"),
        _ => plain(format!("invalid port format '{pair}'")),
    }
}

fn number(pair: &str, word: &str) -> Result<u16, Error> {
    let _ = pair;
    word.parse().map_err(|_| {
        Error::Plain(format!(
            "error parsing local port '{word}': strconv.ParseUint: parsing \"{word}\": invalid syntax"
        ))
    })
}

fn service_of(k: &mut Kube<'_, '_>, word: &str) -> Result<Option<Value>, Error> {
    if !word.contains('/') {
        return Ok(None);
    }
    let (kind, service) = split_slash(word)?;
    let mapping = k.mapping(kind)?;
    if mapping.kind != "Service" {
        return Ok(None);
    }
    let (place, _) = k.namespace()?;
    k.get(&mapping.object_path(&place, service)).map(Some)
}

/// The pod's port behind a service's port.
fn service_port(service: &Value, pod: &Value, wanted: &str) -> Result<u16, Error> {
    let matching = |p: &&Value| int(p, "/port").to_string() == wanted || text(p, "/name") == wanted;
    let Some(port) = list(service, "/spec/ports").iter().find(matching) else {
        return plain(format!("Service {} does not have a service port {wanted}", name(service)));
    };
    if text(service, "/spec/clusterIP") == "None" {
        return Ok(int(port, "/port") as u16);
    }
    match at(port, "/targetPort") {
        Value::String(name) => pod_port(pod, name),
        target if target.as_i64().unwrap_or(0) == 0 => Ok(int(port, "/port") as u16),
        target => Ok(target.as_i64().unwrap_or(0) as u16),
    }
}

fn pod_port(pod: &Value, wanted: &str) -> Result<u16, Error> {
    if let Ok(port) = wanted.parse() {
        return Ok(port);
    }
    let ports = list(pod, "/spec/containers").iter().flat_map(|c| list(c, "/ports"));
    match ports.into_iter().find(|p| text(p, "/name") == wanted) {
        Some(p) => Ok(int(p, "/containerPort") as u16),
        None => plain(format!("Pod '{}' does not have a named port '{wanted}'", name(pod))),
    }
}

/// Opens a listener and tells; a port of zero takes the first free one.
fn listen(k: &mut Kube<'_, '_>, local: u16, remote: u16, target: ForwardTarget) -> Result<(ListenerId, u16), Error> {
    let machine = k.ctx.machine.id.clone();
    let candidates = if local == 0 { FREE_PORT_FIRST..=u16::MAX } else { local..=local };
    for port in candidates {
        if let Ok(id) = k.ctx.host.listen(&machine, port, target.clone()) {
            k.line(&format!("Forwarding from 127.0.0.1:{port} -> {remote}"));
            k.line(&format!("Forwarding from [::1]:{port} -> {remote}"));
            return Ok((id, port));
        }
    }
    k.err(&format!(
        "Unable to listen on port {local}: Listeners failed to create with the following errors: [unable to create listener: Error listen tcp4 127.0.0.1:{local}: bind: address already in use unable to create listener: Error listen tcp6 [::1]:{local}: bind: address already in use]\n"
    ));
    plain(format!("unable to listen on any of the requested ports: [{{{local} {remote}}}]"))
}

#[derive(Clone)]
struct Forward {
    listening: Vec<(ListenerId, u16)>,
}

impl Task for Forward {
    fn step(&mut self, k: &mut Kube<'_, '_>) -> Result<Turn, Error> {
        let stop = k.ctx.interrupted();
        for (id, port) in self.listening.clone() {
            match k.ctx.host.accepted(id) {
                Ok(n) => (0..n).for_each(|_| k.line(&format!("Handling connection for {port}"))),
                Err(why) => {
                    self.close(k);
                    k.err(&format!("{why}\n"));
                    return plain("lost connection to pod");
                }
            }
        }
        if stop {
            self.close(k);
            return Ok(Turn::Done(130));
        }
        Ok(Turn::Wait(Wake::World { until: None }))
    }
}

impl Forward {
    fn close(&self, k: &mut Kube<'_, '_>) {
        for (id, _) in &self.listening {
            k.ctx.host.unlisten(*id);
        }
    }
}
