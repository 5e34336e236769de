//! `kubectl cordon|uncordon|drain|taint|top`.
//!
//! Models: kubectl `cmd/drain`, `pkg/drain`, `cmd/taint`, `cmd/top`.

use crate::builder::{Find, Info, SELECTOR_FLAG};
use crate::client::{MERGE, STRATEGIC};
use crate::discovery::Mapping;
use crate::error::{Error, plain};
use crate::flags::{Args, Command, Flag, Group, Kind, boolean, flag, string};
use crate::json::{at, boolean as truth, has, list, name, namespace, set, text};
use crate::printers::{DRY_RUN_FLAG, DryRun, PRINT_FLAGS, Teller};
use crate::session::Kube;
use crate::task::{DONE, Next, Task, Turn, task};
use apimachinery::duration::go_string_nanos;
use apimachinery::order::Order as _;
use apimachinery::time::{Duration, Time};
use machine::process::Wake;
use serde_json::{Value, json};

pub static CORDON: Command = Command {
    name: "cordon",
    group: Group::Cluster,
    short: "Mark node as unschedulable",
    usage: "NODE [options]",
    examples: &[("Mark a node", "kubectl cordon foo")],
    flags: &[DRY_RUN_FLAG, SELECTOR_FLAG],
    run: Some(|k, args| cordon_all(k, args, true)),
    ..Command::EMPTY
};

pub static UNCORDON: Command = Command {
    name: "uncordon",
    group: Group::Cluster,
    short: "Mark node as schedulable",
    usage: "NODE [options]",
    examples: &[("Mark a node", "kubectl uncordon foo")],
    flags: &[DRY_RUN_FLAG, SELECTOR_FLAG],
    run: Some(|k, args| cordon_all(k, args, false)),
    ..Command::EMPTY
};

pub static DRAIN: Command = Command {
    name: "drain",
    group: Group::Cluster,
    short: "Drain node in preparation for maintenance",
    usage: "NODE [options]",
    long: "Drain node in preparation for maintenance.\n\n The node is marked unschedulable and its pods are evicted, or deleted where there is no eviction.",
    examples: &[("Drain a node, pods without a controller included", "kubectl drain foo --force")],
    flags: &[
        &[
            flag("chunk-size", Kind::Int, "500", "Fetch large lists in pieces of this size."),
            boolean("delete-emptydir-data", "Go on even if pods keep data in an emptyDir."),
            boolean("disable-eviction", "Delete instead of evicting."),
            boolean("force", "Go on even if pods have no controller."),
            flag("grace-period", Kind::Int, "-1", "Seconds given to end in order; negative: each pod's own."),
            boolean("ignore-daemonsets", "Leave pods of daemon sets alone."),
            string("pod-selector", "Labels of the pods to drain."),
            flag(
                "skip-wait-for-delete-timeout",
                Kind::Int,
                "0",
                "Do not wait for pods deleted longer ago than this many seconds.",
            ),
            flag("timeout", Kind::Duration, "0s", "How long to try; zero means for ever."),
        ],
        DRY_RUN_FLAG,
        SELECTOR_FLAG,
    ],
    run: Some(drain),
    ..Command::EMPTY
};

fn nodes(k: &mut Kube<'_, '_>, args: &Args) -> Result<Vec<Info>, Error> {
    if args.rest.is_empty() && args.str("selector").is_empty() {
        return Err(args.usage_error(format!("USAGE: {} {} [flags]", args.command.name, "NODE")));
    }
    if !args.rest.is_empty() && !args.str("selector").is_empty() {
        return Err(args.usage_error("error: cannot specify both a node name and a --selector option"));
    }
    let mut words = vec!["nodes".to_owned()];
    words.extend(args.rest.iter().map(|n| n.trim_start_matches("node/").trim_start_matches("nodes/").to_owned()));
    k.find(&Find::new(args).with_args(&words))?.strict()
}

fn cordon_all(k: &mut Kube<'_, '_>, args: &Args, on: bool) -> Result<Next, Error> {
    let dry_run = DryRun::of(k, args)?;
    for node in nodes(k, args)? {
        cordon(k, &node, on, dry_run)?;
    }
    DONE
}

fn cordon(k: &mut Kube<'_, '_>, node: &Info, on: bool, dry_run: DryRun) -> Result<(), Error> {
    let done = if on { "cordoned" } else { "uncordoned" };
    let already = truth(&node.object, "/spec/unschedulable") == on;
    if !already && dry_run != DryRun::Client {
        let patch = json!({"spec": {"unschedulable": if on { json!(true) } else { Value::Null }}});
        k.patch(&node.path(), STRATEGIC, &[dry_run.param()], patch)?;
    }
    let already = if already { "already " } else { "" };
    k.line(&format!("node/{} {already}{done}{}", node.name, dry_run.suffix()));
    Ok(())
}

/// What to do with the pods of a node.
struct Chosen {
    pods: Vec<Value>,
    warnings: Vec<String>,
    errors: Vec<String>,
}

fn choose(args: &Args, pods: Vec<Value>) -> Chosen {
    type Notes = Vec<(&'static str, Vec<String>)>;
    let (mut warn, mut fail) = (Notes::new(), Notes::new());
    let mut out = Vec::new();
    let note = |into: &mut Notes, message: &'static str, pod: String| match into.iter_mut().find(|(m, _)| *m == message)
    {
        Some((_, pods)) => pods.push(pod),
        None => into.push((message, vec![pod])),
    };
    for pod in pods {
        let label = format!("{}/{}", namespace(&pod), name(&pod));
        let finished = matches!(text(&pod, "/status/phase"), "Succeeded" | "Failed");
        let owner = list(&pod, "/metadata/ownerReferences").iter().find(|o| truth(o, "/controller"));
        let kind = owner.map_or("", |o| text(o, "/kind"));
        if crate::json::annotation(&pod, "kubernetes.io/config.mirror").is_some() {
            continue;
        }
        if kind == "DaemonSet" && !finished {
            if args.bool("ignore-daemonsets") {
                note(&mut warn, "ignoring DaemonSet-managed Pods", label);
            } else {
                note(&mut fail, "DaemonSet-managed Pods (use --ignore-daemonsets to ignore)", label);
            }
            continue;
        }
        let local = list(&pod, "/spec/volumes").iter().any(|v| has(v, "/emptyDir"));
        if local && !finished {
            if !args.bool("delete-emptydir-data") {
                note(&mut fail, "Pods with local storage (use --delete-emptydir-data to override)", label);
                continue;
            }
            note(&mut warn, "deleting Pods with local storage", label.clone());
        }
        if kind.is_empty() && !finished {
            if !args.bool("force") {
                note(&mut fail, "Pods that declare no controller (use --force to override)", label);
                continue;
            }
            note(&mut warn, "deleting Pods that declare no controller", label);
        }
        out.push(pod);
    }
    Chosen {
        pods: out,
        warnings: warn.iter().map(|(m, pods)| format!("{m}: {}", pods.join(", "))).collect(),
        errors: fail.iter().map(|(m, pods)| format!("cannot delete {m}: {}", pods.join(", "))).collect(),
    }
}

fn drain(k: &mut Kube<'_, '_>, args: &Args) -> Result<Next, Error> {
    let dry_run = DryRun::of(k, args)?;
    let found = nodes(k, args)?;
    for node in &found {
        cordon(k, node, true, dry_run)?;
    }
    let mut left = found;
    left.reverse();
    let until = (args.duration("timeout") > 0).then(|| k.now() + Duration::from_nanos(args.duration("timeout") as u64));
    task(Drain { args: args.clone(), left, dry_run, until, at_work: None, fatal: Vec::new(), pending: Vec::new() })
}

#[derive(Clone)]
struct Eviction {
    pod: Value,
    /// When to try (again); none once it is on its way.
    due: Option<Time>,
}

/// Evicts the pods of one node after the other.
#[derive(Clone)]
struct Drain {
    args: Args,
    left: Vec<Info>,
    dry_run: DryRun,
    until: Option<Time>,
    at_work: Option<Vec<Eviction>>,
    fatal: Vec<String>,
    pending: Vec<String>,
}

const RETRY: Duration = Duration::from_secs(5);

impl Task for Drain {
    fn step(&mut self, k: &mut Kube<'_, '_>) -> Result<Turn, Error> {
        let Some(node) = self.left.last().cloned() else { return self.finish(k) };
        let Some(mut work) = self.at_work.take() else { return self.begin(k, &node) };
        let now = k.ctx.now();
        for e in &mut work {
            if e.due.is_some_and(|t| now >= t) && !self.is_late(now) {
                self.evict(k, e, now)?;
            }
        }
        work.retain(|e| e.due.is_some() || !self.is_gone(k, &e.pod));
        if work.is_empty() {
            k.line(&format!("node/{} drained", node.name));
            self.left.pop();
            return Ok(Turn::Again);
        }
        if self.is_late(now) {
            let errors = self.timed_out(&work);
            let all = bracketed(&errors);
            k.err(&format!("There are pending pods in node \"{}\" when an error occurred: {all}\n", node.name));
            let mut names: Vec<&str> = work.iter().map(|e| name(&e.pod)).collect();
            names.order();
            for pod in names {
                k.line(&format!("pod/{pod}"));
            }
            self.fail(k, &node, errors);
            return Ok(Turn::Again);
        }
        let due = work.iter().filter_map(|e| e.due).chain(self.until).min();
        self.at_work = Some(work);
        k.s.debt = Duration::ZERO;
        Ok(Turn::Wait(Wake::World { until: due }))
    }
}

fn bracketed(errors: &[String]) -> String {
    match errors {
        [one] => one.clone(),
        many => format!("[{}]", many.join(", ")),
    }
}

impl Drain {
    fn is_late(&self, now: Time) -> bool {
        self.until.is_some_and(|t| now >= t)
    }

    fn begin(&mut self, k: &mut Kube<'_, '_>, node: &Info) -> Result<Turn, Error> {
        let fields = format!("spec.nodeName={}", node.name);
        let labels = self.args.str("pod-selector").to_owned();
        let pods = k.list_of("/api/v1/pods", &[("fieldSelector", &fields), ("labelSelector", &labels)])?;
        let chosen = choose(&self.args, pods);
        if !chosen.errors.is_empty() {
            self.fail(k, node, chosen.errors);
            return Ok(Turn::Again);
        }
        if !chosen.warnings.is_empty() {
            k.err(&format!("Warning: {}\n", chosen.warnings.join("; ")));
        }
        if self.dry_run != DryRun::None {
            let suffix = self.dry_run.suffix();
            for pod in &chosen.pods {
                k.line(&format!("evicting pod {}/{}{suffix}", namespace(pod), name(pod)));
            }
            k.line(&format!("node/{} drained{suffix}", node.name));
            self.left.pop();
            return Ok(Turn::Again);
        }
        let now = k.ctx.now();
        self.at_work = Some(chosen.pods.into_iter().map(|pod| Eviction { pod, due: Some(now) }).collect());
        Ok(Turn::Again)
    }

    fn fail(&mut self, k: &mut Kube<'_, '_>, node: &Info, errors: Vec<String>) {
        let told = bracketed(&errors);
        k.err(&format!("error: unable to drain node \"{}\" due to error: {told}, continuing command...\n", node.name));
        self.pending.push(node.name.clone());
        self.fatal.extend(errors);
        self.left.pop();
    }

    fn evict(&self, k: &mut Kube<'_, '_>, e: &mut Eviction, now: Time) -> Result<(), Error> {
        let (place, pod) = (namespace(&e.pod).to_owned(), name(&e.pod).to_owned());
        let mut options = json!({});
        if self.args.int("grace-period") >= 0 {
            options["gracePeriodSeconds"] = self.args.int("grace-period").into();
        }
        let path = format!("/api/v1/namespaces/{place}/pods/{pod}");
        if self.args.bool("disable-eviction") {
            k.line(&format!("deleting pod {place}/{pod}"));
            k.delete(&path, options)?;
            e.due = None;
            return Ok(());
        }
        k.line(&format!("evicting pod {place}/{pod}"));
        let body = json!({"kind": "Eviction", "apiVersion": "policy/v1", "metadata": {"name": pod, "namespace": place}, "deleteOptions": options});
        match k.post(&format!("{path}/eviction"), &[], body) {
            Ok(_) => e.due = None,
            Err(error) if error.is_not_found() => e.due = None,
            Err(error) if error.api().is_some_and(|a| a.code == 429) => {
                k.err(&format!(
                    "error when evicting pods/\"{pod}\" -n \"{place}\" (will retry after 5s): {}\n",
                    error.text()
                ));
                e.due = Some(now + RETRY);
            }
            Err(error) => return plain(format!("error when evicting pods/\"{pod}\" -n \"{place}\": {}", error.text())),
        }
        Ok(())
    }

    fn is_gone(&self, k: &mut Kube<'_, '_>, pod: &Value) -> bool {
        let path = format!("/api/v1/namespaces/{}/pods/{}", namespace(pod), name(pod));
        let gone = match k.get(&path) {
            Ok(now) => text(&now, "/metadata/uid") != text(pod, "/metadata/uid"),
            Err(e) => e.is_not_found(),
        };
        if gone {
            let done = if self.args.bool("disable-eviction") { "deleted" } else { "evicted" };
            k.line(&format!("pod/{} {done}", name(pod)));
        }
        gone
    }

    fn timed_out(&self, work: &[Eviction]) -> Vec<String> {
        let patience = go_string_nanos(self.args.duration("timeout"));
        work.iter()
            .map(|e| {
                let (place, pod) = (namespace(&e.pod), name(&e.pod));
                if e.due.is_some() {
                    format!("error when evicting pods/\"{pod}\" -n \"{place}\": global timeout reached: {patience}")
                } else {
                    format!("error when waiting for pod \"{pod}\" in namespace \"{place}\" to terminate: global timeout reached: {patience}")
                }
            })
            .collect()
    }

    fn finish(&mut self, k: &mut Kube<'_, '_>) -> Result<Turn, Error> {
        if self.fatal.is_empty() {
            return Ok(Turn::Done(0));
        }
        k.err("There are pending nodes to be drained:\n");
        for node in core::mem::take(&mut self.pending) {
            k.err(&format!(" {node}\n"));
        }
        Err(Error::Bare(self.fatal.join("\n")))
    }
}

pub static TAINT: Command = Command {
    name: "taint",
    group: Group::Cluster,
    short: "Update the taints on one or more nodes",
    usage: "NODE NAME KEY_1=VAL_1:TAINT_EFFECT_1 ... KEY_N=VAL_N:TAINT_EFFECT_N [options]",
    long: "Update the taints on one or more nodes. The effect is NoSchedule, PreferNoSchedule or NoExecute; a dash at the end removes.",
    examples: &[
        ("Taint a node", "kubectl taint nodes foo dedicated=special-user:NoSchedule"),
        ("Remove all taints with a key", "kubectl taint nodes foo dedicated-"),
    ],
    flags: &[
        &[
            boolean("all", "All nodes."),
            flag("field-manager", Kind::Str, "kubectl-taint", "Name under which field ownership is tracked."),
            boolean("overwrite", "Let existing taints be changed."),
        ],
        PRINT_FLAGS,
        DRY_RUN_FLAG,
        SELECTOR_FLAG,
    ],
    run: Some(taint),
    ..Command::EMPTY
};

struct TaintChange {
    key: String,
    value: String,
    effect: String,
    remove: bool,
}

fn parse_taint(spec: &str) -> Result<TaintChange, Error> {
    let (body, remove) = match spec.strip_suffix('-') {
        Some(body) => (body, true),
        None => (spec, false),
    };
    let (pair, effect) = body.split_once(':').unwrap_or((body, ""));
    let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
    if !remove && effect.is_empty() {
        return plain(format!("invalid taint spec: {spec}"));
    }
    if !effect.is_empty() && !matches!(effect, "NoSchedule" | "PreferNoSchedule" | "NoExecute") {
        return plain(format!("invalid taint effect: {effect}, unsupported taint effect"));
    }
    let problems = apimachinery::names::qualified_name(key);
    if !problems.is_empty() {
        return plain(format!("invalid taint spec: {spec}, {}", problems.join("; ")));
    }
    Ok(TaintChange { key: key.into(), value: value.into(), effect: effect.into(), remove })
}

fn taint(k: &mut Kube<'_, '_>, args: &Args) -> Result<Next, Error> {
    let is_spec = |w: &String| w.contains(':') || w.contains('=') || w.ends_with('-');
    let first = args.rest.iter().position(is_spec).unwrap_or(args.rest.len());
    let (resources, specs) = args.rest.split_at(first);
    if resources.is_empty() {
        return plain("one or more resources must be specified as <resource> <name>");
    }
    if specs.is_empty() {
        return plain("at least one taint update is required");
    }
    let changes =
        specs.iter().map(|s| parse_taint(s)).collect::<Result<Vec<_>, _>>().map_err(|e| args.usage_error(e.text()))?;
    let mapping: Mapping = k.mapping(resources[0].split('/').next().unwrap_or("nodes"))?;
    if mapping.kind != "Node" {
        return plain(format!("invalid resource type {}, only node types are supported", resources[0]));
    }
    if resources.len() < 2 && !resources[0].contains('/') && !args.bool("all") && !args.changed("selector") {
        return plain("at least one resource name must be specified since 'all' parameter is not set");
    }
    let mut teller = Teller::of(k, args)?;
    for mut info in k.find(&Find::new(args).with_args(resources))?.strict()? {
        let (after, done) = tainted(&info, &changes, args.bool("overwrite"))?;
        let patch = json!({"spec": {"taints": if after.is_empty() { Value::Null } else { after.clone().into() }}});
        if teller.dry_run() == DryRun::Client {
            set(&mut info.object, "/spec/taints", after.into());
        } else {
            let params = [teller.dry_run().param(), ("fieldManager", args.str("field-manager"))];
            info.object = k.patch(&info.path(), MERGE, &params, patch)?;
        }
        teller.tell_info(k, &info, done)?;
    }
    DONE
}

fn tainted(info: &Info, changes: &[TaintChange], overwrite: bool) -> Result<(Vec<Value>, &'static str), Error> {
    let mut all = list(&info.object, "/spec/taints").to_vec();
    let (mut added, mut removed, mut errors, mut clashes) = (0, 0, Vec::new(), Vec::new());
    for c in changes {
        let same = |t: &Value| text(t, "/key") == c.key && (c.effect.is_empty() || text(t, "/effect") == c.effect);
        if c.remove {
            let before = all.len();
            all.retain(|t| !same(t));
            removed += 1;
            if all.len() == before {
                let called = if c.effect.is_empty() { c.key.clone() } else { format!("{}:{}", c.key, c.effect) };
                errors.push(Error::Plain(format!("taint \"{called}\" not found")));
            }
            continue;
        }
        let mut new = json!({"key": c.key, "effect": c.effect});
        if !c.value.is_empty() {
            new["value"] = json!(c.value);
        }
        added += 1;
        match all.iter_mut().find(|t| same(t)) {
            Some(_) if !overwrite => clashes.push(c.key.clone()),
            Some(old) => *old = new,
            None => all.push(new),
        }
    }
    if !clashes.is_empty() {
        let keys = clashes.join(",");
        return plain(format!(
            "node {} already has {keys} taint(s) with same effect(s) and --overwrite is false",
            info.name
        ));
    }
    Error::all(errors)?;
    let done = match (added, removed) {
        (0, _) => "untainted",
        (_, 0) => "tainted",
        _ => "modified",
    };
    Ok((all, done))
}

const TOP_FLAGS: &[Flag] = &[
    boolean("no-headers", "Print no headers."),
    string("sort-by", "Sort by 'cpu' or 'memory'."),
    boolean("containers", "Show containers (pods only)."),
    string("field-selector", "Fields to filter by."),
    boolean("show-capacity", "Percentages of the capacity (nodes only)."),
    boolean("show-swap", "Show swap."),
    boolean("sum", "Show the sum (pods only)."),
    boolean("use-protocol-buffers", "Use protocol buffers."),
];

pub static TOP: Command = Command {
    name: "top",
    group: Group::Cluster,
    short: "Display resource (CPU/memory) usage",
    usage: "[flags] [options]",
    long: "Display resource (CPU/memory) usage. Needs the metrics server.",
    subs: &[&TOP_NODE, &TOP_POD],
    ..Command::EMPTY
};

static TOP_NODE: Command = Command {
    name: "node",
    aliases: &["nodes", "no"],
    short: "Display resource (CPU/memory) usage of nodes",
    usage: "[NAME | -l label] [options]",
    flags: &[TOP_FLAGS, SELECTOR_FLAG],
    run: Some(|k, args| top(k, args, "nodes")),
    ..Command::EMPTY
};

static TOP_POD: Command = Command {
    name: "pod",
    aliases: &["pods", "po"],
    short: "Display resource (CPU/memory) usage of pods",
    usage: "[NAME | -l label] [options]",
    flags: &[TOP_FLAGS, SELECTOR_FLAG, crate::builder::ALL_NAMESPACES_FLAG],
    run: Some(|k, args| top(k, args, "pods")),
    ..Command::EMPTY
};

fn top(k: &mut Kube<'_, '_>, args: &Args, what: &str) -> Result<Next, Error> {
    if !k.discovery()?.versions.iter().any(|(group, _)| group == "metrics.k8s.io") {
        return plain("Metrics API not available");
    }
    let all = args.bool("all-namespaces");
    let place = if what == "pods" && !all { format!("/namespaces/{}", k.namespace()?.0) } else { String::new() };
    let mut found =
        k.list_of(&format!("/apis/metrics.k8s.io/v1beta1{place}/{what}"), &[("labelSelector", args.str("selector"))])?;
    found.retain(|m| args.rest.is_empty() || args.rest.iter().any(|r| r == name(m)));
    found.order_by_key(|m| (namespace(m).to_owned(), name(m).to_owned()));
    let nodes = if what == "nodes" { k.list_of("/api/v1/nodes", &[])? } else { Vec::new() };
    let mut table = crate::tabs::Tabs::table();
    if !args.bool("no-headers") {
        let headers: &[&str] = match (what, all) {
            ("nodes", _) => &["NAME", "CPU(cores)", "CPU(%)", "MEMORY(bytes)", "MEMORY(%)"],
            (_, true) => &["NAMESPACE", "NAME", "CPU(cores)", "MEMORY(bytes)"],
            _ => &["NAME", "CPU(cores)", "MEMORY(bytes)"],
        };
        table.row(headers);
    }
    let quantity = |v: &Value| apimachinery::quantity::Quantity::from_json(v).ok();
    for m in &found {
        let usages: Vec<&Value> = if what == "nodes" {
            vec![at(m, "/usage")]
        } else {
            list(m, "/containers").iter().map(|c| at(c, "/usage")).collect()
        };
        let cpu: i64 = usages.iter().filter_map(|u| quantity(at(u, "/cpu"))).map(|q| q.milli_value()).sum();
        let memory: i64 = usages.iter().filter_map(|u| quantity(at(u, "/memory"))).map(|q| q.value()).sum();
        let (cpu_text, memory_text) = (format!("{cpu}m"), format!("{}Mi", memory / (1 << 20)));
        if what == "nodes" {
            let node =
                nodes.iter().find(|n| name(n) == name(m)).map_or(crate::json::NULL, |n| at(n, "/status/allocatable"));
            let share = |used: i64, of: Option<i64>| {
                of.filter(|o| *o > 0).map_or("<unknown>".into(), |o| format!("{}%", used * 100 / o))
            };
            let cpu_share = share(cpu, quantity(at(node, "/cpu")).map(|q| q.milli_value()));
            let memory_share = share(memory, quantity(at(node, "/memory")).map(|q| q.value()));
            table.row(&[name(m), &cpu_text, &cpu_share, &memory_text, &memory_share]);
        } else if all {
            table.row(&[namespace(m), name(m), &cpu_text, &memory_text]);
        } else {
            table.row(&[name(m), &cpu_text, &memory_text]);
        }
    }
    let text = table.flush();
    k.out(&text);
    DONE
}
