//! `kubectl run`.
//!
//! Models: kubectl `cmd/run`.

use crate::commands::exec::{attach_note, stream_request};
use crate::error::{Error, plain};
use crate::flags::{Args, Command, Flag, Group, Kind, boolean, flag, short, string};
use crate::json::{at, has, int, list, name, set, text};
use crate::printers::{DRY_RUN_FLAG, DryRun, PRINT_FLAGS, Teller};
use crate::session::Kube;
use crate::streams::Remote;
use crate::task::{DONE, Next, Task, Turn, task};
use apimachinery::http::{Reply, Request};
use machine::process::Wake;
use serde_json::{Map, Value, json};

const FLAGS: &[Flag] = &[
    flag("annotations", Kind::Array, "", "Annotations of the pod."),
    boolean("attach", "Wait for the pod to run and attach to it."),
    boolean("command", "Extra arguments are the command, not its arguments."),
    flag("env", Kind::Array, "", "Environment variables of the container."),
    boolean("expose", "Create a service for the pod as well; needs --port."),
    flag("field-manager", Kind::Str, "kubectl-run", "Name under which field ownership is tracked."),
    string("image", "The image of the container."),
    string("image-pull-policy", "When to pull the image: Always, IfNotPresent or Never."),
    short('l', "labels", Kind::Str, "", "Comma separated labels of the pod."),
    boolean("leave-stdin-open", "Leave standard input open after the first attach ends."),
    string("override-type", "How overrides are merged: json, merge or strategic."),
    string("overrides", "JSON to merge into the made object."),
    flag("pod-running-timeout", Kind::Duration, "1m0s", "How long to wait for the pod to run."),
    string("port", "The port that the container exposes."),
    boolean("privileged", "Run the container in privileged mode."),
    Flag { short: 'q', ..boolean("quiet", "Print no prompt messages.") },
    flag("restart", Kind::Str, "Always", "Restart policy of the pod: Always, OnFailure or Never."),
    boolean("rm", "Delete the pod when it ends; for attached ones."),
    boolean("save-config", "Keep the object's text in its annotation, for a later 'kubectl apply'."),
    Flag { short: 'i', ..boolean("stdin", "Keep the container's standard input open.") },
    Flag { short: 't', ..boolean("tty", "Give the container a terminal.") },
];

pub static COMMAND: Command = Command {
    name: "run",
    group: Group::Beginner,
    short: "Run a particular image on the cluster",
    usage: "NAME --image=image [--env=\"key=value\"] [--port=port] [--dry-run=server|client] [--overrides=inline-json] [--command] -- [COMMAND] [args...] [options]",
    long: "Create and run a particular image in a pod.",
    examples: &[
        ("Start a nginx pod", "kubectl run nginx --image=nginx"),
        ("Only show the object", "kubectl run nginx --image=nginx --dry-run=client -o yaml"),
        ("A shell that is removed afterwards", "kubectl run -it --rm busybox --image=busybox --restart=Never -- sh"),
    ],
    flags: &[FLAGS, PRINT_FLAGS, DRY_RUN_FLAG],
    required: &["image"],
    run: Some(run),
    ..Command::EMPTY
};

fn run(k: &mut Kube<'_, '_>, args: &Args) -> Result<Next, Error> {
    let before = args.before_dash();
    let Some(pod_name) = before.first() else { return Err(args.usage_error("NAME is required for run")) };
    let (stdin, tty) = (args.bool("stdin"), args.bool("tty"));
    let attach = if args.changed("attach") { args.bool("attach") } else { stdin || tty };
    if args.str("image").is_empty() {
        return plain("--image is required");
    }
    if args.str("image").contains(char::is_whitespace)
        || args.str("image").chars().any(char::is_uppercase) && !args.str("image").contains(':')
    {
        return plain(format!("Invalid image name \"{}\": invalid reference format", args.str("image")));
    }
    if tty && !stdin {
        return Err(args.usage_error("-i/--stdin is required for containers with -t/--tty=true"));
    }
    if args.bool("expose") && args.str("port").is_empty() {
        return Err(args.usage_error("--port must be set when exposing a service"));
    }
    let mut teller = Teller::of(k, args)?;
    if args.bool("rm") && !attach {
        return Err(args.usage_error("--rm should only be used for attached containers"));
    }
    if attach && teller.dry_run() != DryRun::None {
        return Err(args.usage_error(
            "--dry-run=[server|client] can't be used with attached containers options (--attach, --stdin, or --tty)",
        ));
    }
    if !matches!(args.str("restart"), "Always" | "OnFailure" | "Never") {
        return Err(args.usage_error(format!("invalid restart policy: {}", args.str("restart"))));
    }
    if !matches!(args.str("image-pull-policy"), "" | "Always" | "IfNotPresent" | "Never") {
        return Err(args.usage_error(format!("invalid image pull policy: {}", args.str("image-pull-policy"))));
    }
    let arguments: Vec<String> = before[1..].iter().chain(args.after_dash()).cloned().collect();
    let pod = overridden(args, make_pod(args, pod_name, &arguments)?)?;
    let made = create(k, &mut teller, args, pod)?;
    if !attach {
        teller.tell(k, &made, "created")?;
    }
    if args.bool("expose") {
        let port: i64 = args.str("port").parse().unwrap_or(0);
        let service = json!({
            "apiVersion": "v1", "kind": "Service", "metadata": {"name": pod_name},
            "spec": {"ports": [{"port": port, "protocol": "TCP", "targetPort": port}], "selector": at(&made, "/metadata/labels")},
            "status": {"loadBalancer": {}},
        });
        let service = create(k, &mut teller, args, service)?;
        teller.tell(k, &service, "created")?;
    }
    if !attach {
        return DONE;
    }
    let (namespace, _) = k.namespace()?;
    let container = text(&made, "/spec/containers/0/name").to_owned();
    let cleanup = args.bool("rm").then(|| {
        let path = format!("/api/v1/namespaces/{namespace}/pods/{pod_name}");
        (path, format!("pod \"{pod_name}\" deleted from {namespace} namespace"))
    });
    task(AttachSoon {
        path: format!("/api/v1/namespaces/{namespace}/pods/{pod_name}"),
        container,
        stdin,
        tty: tty && k.ctx.is_tty(0),
        quiet: args.bool("quiet"),
        once: args.str("restart") == "Never",
        cleanup,
        live: None,
    })
}

fn make_pod(args: &Args, pod_name: &str, arguments: &[String]) -> Result<Value, Error> {
    let mut labels = Map::new();
    if args.str("labels").is_empty() {
        labels.insert("run".into(), pod_name.into());
    }
    for pair in args.str("labels").split(',').filter(|p| !p.is_empty()) {
        let Some((key, value)) = pair.split_once('=') else {
            return plain(format!("unexpected label spec: {pair}"));
        };
        labels.insert(key.into(), value.into());
    }
    let mut container = json!({"image": args.str("image"), "name": pod_name, "resources": {}});
    if !arguments.is_empty() {
        container[if args.bool("command") { "command" } else { "args" }] = arguments.into();
    }
    let mut env = Vec::new();
    for pair in args.list("env") {
        let Some((key, value)) = pair.split_once('=').filter(|(key, _)| !key.is_empty()) else {
            return plain(format!("invalid env: {pair}"));
        };
        env.push(json!({"name": key, "value": value}));
    }
    if !env.is_empty() {
        container["env"] = env.into();
    }
    if !args.str("port").is_empty() {
        let Ok(port) = args.str("port").parse::<i64>() else {
            return plain(format!("strconv.ParseInt: parsing \"{}\": invalid syntax", args.str("port")));
        };
        container["ports"] = json!([{"containerPort": port}]);
    }
    for (flag, key) in [("stdin", "stdin"), ("tty", "tty")] {
        if args.bool(flag) {
            container[key] = json!(true);
        }
    }
    if args.bool("stdin") && !args.bool("leave-stdin-open") {
        container["stdinOnce"] = json!(true);
    }
    if !args.str("image-pull-policy").is_empty() {
        container["imagePullPolicy"] = json!(args.str("image-pull-policy"));
    }
    if args.bool("privileged") {
        container["securityContext"] = json!({"privileged": true});
    }
    let mut metadata = json!({"name": pod_name, "labels": labels});
    for pair in args.list("annotations") {
        let (key, value) = pair.split_once('=').unwrap_or((&pair, ""));
        set(&mut metadata, &format!("/annotations/{}", crate::json::escape(key)), json!(value));
    }
    Ok(json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": metadata,
        "spec": {"containers": [container], "dnsPolicy": "ClusterFirst", "restartPolicy": args.str("restart")}, "status": {},
    }))
}

fn overridden(args: &Args, pod: Value) -> Result<Value, Error> {
    if args.str("overrides").is_empty() {
        return Ok(pod);
    }
    let change = apimachinery::json::parse(args.str("overrides").as_bytes())
        .map_err(|e| Error::Plain(format!("Invalid JSON Patch: {}", e.message)))?;
    match args.str("override-type") {
        "strategic" => match apimachinery::patch::meta::for_kind("", "Pod") {
            Some(meta) => apimachinery::patch::strategic::apply(&pod, &change, meta).map_err(|e| Error::Plain(e.0)),
            None => Ok(pod),
        },
        "json" => apimachinery::patch::json::apply(&pod, &change).map_err(|e| Error::Plain(e.0)),
        _ => Ok(apimachinery::patch::merge::apply(&pod, &change)),
    }
}

fn create(k: &mut Kube<'_, '_>, teller: &mut Teller, args: &Args, mut object: Value) -> Result<Value, Error> {
    let (namespace, explicit) = k.namespace()?;
    if teller.dry_run() == DryRun::Client {
        if explicit {
            set(&mut object, "/metadata/namespace", json!(namespace));
        }
        return Ok(object);
    }
    let plural = if text(&object, "/kind") == "Pod" { "pods" } else { "services" };
    set(&mut object, "/metadata/namespace", json!(namespace));
    let params = [teller.dry_run().param(), ("fieldManager", args.str("field-manager"))];
    k.post(&format!("/api/v1/namespaces/{namespace}/{plural}"), &params, object)
}

/// Waits until a container runs, then attaches to it.
#[derive(Clone)]
pub struct AttachSoon {
    pub path: String,
    pub container: String,
    pub stdin: bool,
    pub tty: bool,
    pub quiet: bool,
    /// The container's exit code becomes ours.
    pub once: bool,
    pub cleanup: Option<(String, String)>,
    pub live: Option<Remote>,
}

impl Task for AttachSoon {
    fn step(&mut self, k: &mut Kube<'_, '_>) -> Result<Turn, Error> {
        if let Some(remote) = &mut self.live {
            let turn = remote.step(k)?;
            return match turn {
                Turn::Done(0) if self.once && self.cleanup.is_none() => self.exit_code(k),
                other => Ok(other),
            };
        }
        let pod = k.get(&self.path)?;
        let statuses = ["/status/containerStatuses", "/status/ephemeralContainerStatuses"];
        let status = statuses.iter().flat_map(|s| list(&pod, s)).find(|s| text(s, "/name") == self.container);
        let state = status.map_or(crate::json::NULL, |s| at(s, "/state"));
        if has(state, "/running") {
            return self.begin(k, &pod);
        }
        if has(state, "/terminated") || matches!(text(&pod, "/status/phase"), "Succeeded" | "Failed") {
            return self.print_logs(k, state);
        }
        k.s.debt = Default::default();
        Ok(Turn::Wait(Wake::World { until: None }))
    }
}

impl AttachSoon {
    fn begin(&mut self, k: &mut Kube<'_, '_>, pod: &Value) -> Result<Turn, Error> {
        let stream = k.stream(stream_request(pod, "attach", &self.container, self.stdin, self.tty))?;
        if !self.quiet {
            k.err(attach_note(self.stdin));
        }
        let mut remote = Remote::new(stream, self.stdin, self.tty);
        if self.stdin && self.tty && self.cleanup.is_none() {
            let pod = name(pod);
            remote = remote.with_farewell(format!(
                "Session ended, resume using 'kubectl attach {pod} -c {} -i -t' command when the pod is running\n",
                self.container
            ));
        }
        remote.cleanup = self.cleanup.take();
        self.live = Some(remote);
        Ok(Turn::Again)
    }

    /// It ended before anyone could attach: what it said is in its log.
    fn print_logs(&mut self, k: &mut Kube<'_, '_>, state: &Value) -> Result<Turn, Error> {
        let request = Request::get(format!("{}/log", self.path)).query("container", self.container.as_str());
        if let Ok(response) = k.send(request) {
            match response.body {
                Reply::Bytes(bytes) => k.write(false, &bytes),
                Reply::Stream(id) => k.ctx.host.stream_close(id),
                _ => {}
            }
        }
        if let Some((path, told)) = self.cleanup.take() {
            k.delete(&path, Value::Null)?;
            k.line(&told);
        }
        Ok(Turn::Done(if self.once { int(state, "/terminated/exitCode") as i32 } else { 0 }))
    }

    fn exit_code(&self, k: &mut Kube<'_, '_>) -> Result<Turn, Error> {
        let pod = k.get(&self.path)?;
        Ok(Turn::Done(int(&pod, "/status/containerStatuses/0/state/terminated/exitCode") as i32))
    }
}
