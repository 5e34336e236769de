//! `kubectl logs`.
//!
//! Models: kubectl `cmd/logs` and `polymorphichelpers/logsforobject.go`.

use crate::builder::{SELECTOR_FLAG, split_slash};
use crate::error::{Error, plain};
use crate::flags::{Args, Command, Flag, Group, Kind, boolean, flag, short, string};
use crate::json::{list, name, namespace, text};
use crate::pod_spec;
use crate::session::Kube;
use crate::streams::{Copy, write_prefixed};
use crate::task::{DONE, Next, task};
use apimachinery::http::{Reply, Request, StreamId};
use apimachinery::order::Order as _;
use serde_json::Value;

const FLAGS: &[Flag] = &[
    boolean("all-containers", "Logs of all containers of the pod."),
    boolean("all-pods", "Logs of all pods; sets --prefix."),
    short('c', "container", Kind::Str, "", "Logs of this container."),
    Flag { short: 'f', ..boolean("follow", "Go on printing as the log grows.") },
    boolean("ignore-errors", "When following, go on after errors."),
    boolean("insecure-skip-tls-verify-backend", "Do not check the kubelet's certificate."),
    flag("limit-bytes", Kind::Int, "0", "At most this many bytes; zero means no limit."),
    flag("max-log-requests", Kind::Int, "5", "How many logs to follow at once with a selector."),
    flag("pod-running-timeout", Kind::Duration, "20s", "How long to wait for a pod to run."),
    boolean("prefix", "Print the source before each line."),
    Flag { short: 'p', ..boolean("previous", "Logs of the container's previous instance.") },
    flag("since", Kind::Duration, "0s", "Only logs newer than this long ago (5s, 2m, 3h)."),
    string("since-time", "Only logs after this date (RFC3339)."),
    flag("tail", Kind::Int, "-1", "Lines of recent log to show; -1 shows all (10 with a selector)."),
    boolean("timestamps", "Print the time of each line."),
];

/// `-f` follows here; files are named by their long flag only.
const FILES: &[Flag] = &[flag("filename", Kind::List, "", "Files that name the resources.")];

pub static COMMAND: Command = Command {
    name: "logs",
    aliases: &["log"],
    group: Group::Trouble,
    short: "Print the logs for a container in a pod",
    usage: "[-f] [-p] (POD | TYPE/NAME) [-c CONTAINER] [options]",
    long: "Print the logs for a container in a pod or specified resource. With one container its name is optional.",
    examples: &[
        ("Logs of a pod with one container", "kubectl logs nginx"),
        ("All containers of pods with a label", "kubectl logs -l app=nginx --all-containers=true"),
        ("Follow a container", "kubectl logs -f -c ruby web-1"),
        ("The last 20 lines", "kubectl logs --tail=20 nginx"),
    ],
    flags: &[FLAGS, FILES, SELECTOR_FLAG],
    run: Some(run),
    ..Command::EMPTY
};

const USAGE: &str = "expected 'logs [-f] [-p] (POD | TYPE/NAME) [-c CONTAINER]'.\nPOD or TYPE/NAME is a required argument for the logs command";

fn run(k: &mut Kube<'_, '_>, args: &Args) -> Result<Next, Error> {
    let selector = args.str("selector");
    let mut container = args.str("container").to_owned();
    match args.rest.as_slice() {
        [] if selector.is_empty() => return Err(args.usage_error(USAGE)),
        [_] if !selector.is_empty() => return Err(args.usage_error("only a selector (-l) or a POD name is allowed")),
        [] | [_] => {}
        [_, inline] => {
            if !container.is_empty() {
                return plain("only one of -c or an inline [CONTAINER] arg is allowed");
            }
            container = inline.clone();
        }
        _ => return Err(args.usage_error(USAGE)),
    }
    if args.changed("since") && args.changed("since-time") {
        return plain("at most one of `sinceTime` or `sinceSeconds` may be specified");
    }
    if args.bool("all-containers") && !container.is_empty() {
        return plain(format!("--all-containers=true should not be specified with container name {container}"));
    }
    if args.changed("limit-bytes") && args.int("limit-bytes") < 1 {
        return plain("--limit-bytes must be greater than 0");
    }
    if args.changed("since") && args.duration("since") <= 0 {
        return plain("--since must be greater than 0");
    }
    if args.int("tail") < -1 {
        return plain("--tail must be greater than or equal to -1");
    }
    let pods = pods(k, args)?;
    if pods.is_empty() {
        let (namespace, _) = k.namespace()?;
        k.err(&format!("No resources found in {namespace} namespace.\n"));
        return DONE;
    }
    let sources = sources(k, args, &pods, &container)?;
    let follow = args.bool("follow");
    if follow && sources.len() as i64 > args.int("max-log-requests") {
        return plain(format!(
            "you are attempting to follow {} log streams, but maximum allowed concurrency is {}, use --max-log-requests to increase the limit",
            sources.len(),
            args.int("max-log-requests")
        ));
    }
    let mut streams: Vec<(StreamId, String)> = Vec::new();
    for (path, container) in sources {
        let prefix = prefix(args, &path, &container);
        match k.send(request(args, &path, &container))?.body {
            Reply::Stream(id) => streams.push((id, prefix)),
            Reply::Bytes(bytes) => {
                write_prefixed(k, &prefix, true, &bytes);
            }
            Reply::Json(v) => k.out(&v.to_string()),
            Reply::Empty => {}
        }
    }
    if streams.is_empty() { DONE } else { task(Copy::prefixed(streams)) }
}

fn prefix(args: &Args, path: &str, container: &str) -> String {
    if !args.bool("prefix") && !args.bool("all-pods") {
        return String::new();
    }
    let pod = path.trim_end_matches("/log").rsplit('/').next().unwrap_or("");
    format!("[pod/{pod}/{container}] ")
}

fn request(args: &Args, path: &str, container: &str) -> Request {
    let mut request = Request::get(path).header("accept", "*/*").query("container", container);
    if args.bool("follow") {
        request = request.query("follow", "true");
    }
    for (flag, name) in [("previous", "previous"), ("timestamps", "timestamps")] {
        if args.bool(flag) {
            request = request.query(name, "true");
        }
    }
    if args.changed("limit-bytes") {
        request = request.query("limitBytes", args.str("limit-bytes"));
    }
    if args.changed("since") {
        let seconds = (args.duration("since") + 999_999_999) / 1_000_000_000;
        request = request.query("sinceSeconds", seconds.to_string());
    }
    if args.changed("since-time") {
        request = request.query("sinceTime", args.str("since-time"));
    }
    let tail = if args.changed("selector") && !args.changed("tail") { 10 } else { args.int("tail") };
    if tail >= 0 {
        request = request.query("tailLines", tail.to_string());
    }
    request
}

/// The pods whose logs are wanted.
fn pods(k: &mut Kube<'_, '_>, args: &Args) -> Result<Vec<Value>, Error> {
    let (place, _) = k.namespace()?;
    let pods = format!("/api/v1/namespaces/{place}/pods");
    let selector = args.str("selector");
    if !selector.is_empty() {
        return k.list_of(&pods, &[("labelSelector", selector)]);
    }
    let Some(word) = args.rest.first() else { return Ok(Vec::new()) };
    if !word.contains('/') {
        return match k.get(&format!("{pods}/{word}")) {
            Err(e) if e.is_not_found() => {
                plain(format!("error from server (NotFound): {} in namespace \"{place}\"", e.text()))
            }
            other => other.map(|p| vec![p]),
        };
    }
    let (kind, object) = split_slash(word)?;
    let mapping = k.mapping(kind)?;
    let object = k.get(&mapping.object_path(&place, object))?;
    if mapping.kind == "Pod" {
        return Ok(vec![object]);
    }
    let labels = pod_spec::selector_text(&object);
    if labels.is_empty() {
        return plain(format!("cannot get the logs from {}: selector is empty", mapping.kind));
    }
    let mut found = k.list_of(&pods, &[("labelSelector", &labels)])?;
    if found.is_empty() {
        return plain("timed out waiting for the condition");
    }
    found.order_by_key(|p| text(p, "/metadata/creationTimestamp").to_owned());
    if args.bool("all-pods") {
        return Ok(found);
    }
    if found.len() > 1 {
        k.err(&format!("Found {} pods, using pod/{}\n", found.len(), name(&found[0])));
    }
    found.truncate(1);
    Ok(found)
}

/// Paths of the logs to read, with their containers.
fn sources(k: &mut Kube<'_, '_>, args: &Args, pods: &[Value], wanted: &str) -> Result<Vec<(String, String)>, Error> {
    let mut out = Vec::new();
    for pod in pods {
        let path = format!("/api/v1/namespaces/{}/pods/{}/log", namespace(pod), name(pod));
        if args.bool("all-containers") {
            for key in ["/spec/initContainers", "/spec/containers", "/spec/ephemeralContainers"] {
                out.extend(list(pod, key).iter().map(|c| (path.clone(), text(c, "/name").to_owned())));
            }
            continue;
        }
        let (container, note) = pod_spec::container(pod, wanted)?;
        if let Some(note) = note {
            k.err(&note);
        }
        out.push((path, container.to_owned()));
    }
    Ok(out)
}
