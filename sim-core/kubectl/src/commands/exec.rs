//! `kubectl exec` and `kubectl attach`.
//!
//! Models: kubectl `cmd/exec` and `cmd/attach`.

use crate::builder::split_slash;
use crate::error::{Error, plain};
use crate::flags::{Args, Command, Flag, Group, Kind, boolean, flag, short};
use crate::json::{name, namespace, text};
use crate::pod_spec;
use crate::session::Kube;
use crate::streams::Remote;
use crate::task::{Next, task};
use apimachinery::http::{Method, Request};
use apimachinery::order::Order as _;
use serde_json::Value;

const FLAGS: &[Flag] = &[
    short('c', "container", Kind::Str, "", "The container; the pod's default or first one if not named."),
    short('f', "filename", Kind::List, "", "File that names the resource."),
    flag("pod-running-timeout", Kind::Duration, "1m0s", "How long to wait for a pod to run."),
    Flag { short: 'q', ..boolean("quiet", "Print only what comes from the remote session.") },
    Flag { short: 'i', ..boolean("stdin", "Pass standard input to the container.") },
    Flag { short: 't', ..boolean("tty", "Standard input is a terminal.") },
    flag("detach-keys", Kind::Str, "ctrl-p,ctrl-q", "Keys that detach from a container."),
];

pub static EXEC: Command = Command {
    name: "exec",
    group: Group::Trouble,
    short: "Execute a command in a container",
    usage: "(POD | TYPE/NAME) [-c CONTAINER] [flags] -- COMMAND [args...] [options]",
    long: "Execute a command in a container.",
    examples: &[
        ("Run 'date' in a pod's first container", "kubectl exec mypod -- date"),
        ("A shell in a container", "kubectl exec mypod -c ruby-container -i -t -- bash"),
        ("In the first pod of a deployment", "kubectl exec deploy/mydeployment -- date"),
    ],
    flags: &[FLAGS],
    run: Some(exec),
    ..Command::EMPTY
};

pub static ATTACH: Command = Command {
    name: "attach",
    group: Group::Trouble,
    short: "Attach to a running container",
    usage: "(POD | TYPE/NAME) -c CONTAINER [options]",
    long: "Attach to a process that is already running inside an existing container.",
    examples: &[("Output of a running pod", "kubectl attach mypod")],
    flags: &[FLAGS],
    run: Some(attach),
    ..Command::EMPTY
};

/// The pod that `word` names: itself, or the first of a workload or service.
pub fn pod_for(k: &mut Kube<'_, '_>, word: &str) -> Result<Value, Error> {
    let (place, _) = k.namespace()?;
    let pods = format!("/api/v1/namespaces/{place}/pods");
    if !word.contains('/') {
        return k.get(&format!("{pods}/{word}"));
    }
    let (kind, object_name) = split_slash(word)?;
    let mapping = k.mapping(kind)?;
    let object = k.get(&mapping.object_path(&place, object_name))?;
    if mapping.kind == "Pod" {
        return Ok(object);
    }
    let labels = pod_spec::selector_text(&object);
    if labels.is_empty() || labels == "<none>" {
        return plain(format!("cannot attach to *v1.{}: selector for {} is empty", mapping.kind, name(&object)));
    }
    let mut found = k.list_of(&pods, &[("labelSelector", &labels)])?;
    // Running ones first, then the oldest.
    found.order_by_key(|p| {
        (text(p, "/status/phase") != "Running", text(p, "/metadata/creationTimestamp").to_owned(), name(p).to_owned())
    });
    match found.into_iter().next() {
        Some(pod) => Ok(pod),
        None => plain("timed out waiting for the condition"),
    }
}

fn exec(k: &mut Kube<'_, '_>, args: &Args) -> Result<Next, Error> {
    let before = args.before_dash();
    if args.dash.is_none() && args.rest.len() > 1 {
        return Err(
            args.usage_error("exec [POD] [COMMAND] is not supported anymore. Use exec [POD] -- [COMMAND] instead")
        );
    }
    let Some(word) = before.first() else {
        return plain("pod, type/name or --filename must be specified");
    };
    let command = args.after_dash();
    if command.is_empty() {
        return plain("you must specify at least one command for the container");
    }
    let pod = pod_for(k, word)?;
    let phase = text(&pod, "/status/phase");
    if phase == "Succeeded" || phase == "Failed" {
        return plain(format!("cannot exec into a container in a completed pod; current phase is {phase}"));
    }
    let (container, note) = pod_spec::container(&pod, args.str("container"))?;
    if let Some(note) = note.filter(|_| !args.bool("quiet")) {
        k.err(&note);
    }
    let stdin = args.bool("stdin");
    let tty = terminal(k, args);
    let mut request = stream_request(&pod, "exec", container, stdin, tty);
    for word in command {
        request = request.query("command", word.clone());
    }
    let stream = k.stream(request)?;
    task(Remote::new(stream, stdin, tty))
}

/// Whether the remote side gets a terminal; told when it cannot.
fn terminal(k: &mut Kube<'_, '_>, args: &Args) -> bool {
    if !args.bool("tty") {
        return false;
    }
    if !args.bool("stdin") || !k.ctx.is_tty(0) {
        if !args.bool("quiet") {
            k.err("Unable to use a TTY - input is not a terminal or the right kind of file\n");
        }
        return false;
    }
    true
}

pub fn stream_request(pod: &Value, what: &str, container: &str, stdin: bool, tty: bool) -> Request {
    let path = format!("/api/v1/namespaces/{}/pods/{}/{what}", namespace(pod), name(pod));
    let mut request = Request::new(Method::Post, path).query("container", container);
    if stdin {
        request = request.query("stdin", "true");
    }
    request = request.query("stdout", "true");
    request.query(if tty { "tty" } else { "stderr" }, "true")
}

fn attach(k: &mut Kube<'_, '_>, args: &Args) -> Result<Next, Error> {
    let word = match args.rest.as_slice() {
        [] => return plain("at least 1 argument is required for attach"),
        [one] => one.clone(),
        [kind, name] => format!("{kind}/{name}"),
        many => {
            return plain(format!(
                "expected POD, TYPE/NAME, or TYPE NAME, (at most 2 arguments) saw {}: [{}]",
                many.len(),
                many.join(" ")
            ));
        }
    };
    let pod = pod_for(k, &word)?;
    let phase = text(&pod, "/status/phase");
    if phase == "Succeeded" || phase == "Failed" {
        return plain(format!("cannot attach a container in a completed pod; current phase is {phase}"));
    }
    let (container, note) = pod_spec::container(&pod, args.str("container"))
        .map_err(|e| Error::Plain(format!("cannot attach to the container: {}", e.text())))?;
    if let Some(note) = note.filter(|_| !args.bool("quiet")) {
        k.err(&note);
    }
    let (stdin, tty) = (args.bool("stdin"), terminal(k, args));
    let stream = k.stream(stream_request(&pod, "attach", container, stdin, tty))?;
    if !args.bool("quiet") {
        k.err(attach_note(stdin));
    }
    let farewell = if stdin && tty {
        format!(
            "Session ended, resume using 'kubectl attach {} -c {container} -i -t' command when the pod is running\n",
            name(&pod)
        )
    } else {
        String::new()
    };
    task(Remote::new(stream, stdin, tty).with_farewell(farewell))
}

pub fn attach_note(stdin: bool) -> &'static str {
    if stdin {
        "All commands and output from this session will be recorded in container logs, including credentials and sensitive information passed through the command prompt.\nIf you don't see a command prompt, try pressing enter.\n"
    } else {
        ""
    }
}
