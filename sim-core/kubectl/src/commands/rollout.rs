//! `kubectl rollout status|history|undo|restart|pause|resume`.
//!
//! Models: kubectl `cmd/rollout` and `polymorphichelpers`.

use crate::builder::{FILE_FLAGS, Find, Info, SELECTOR_FLAG};
use crate::client::{JSON_PATCH, STRATEGIC};
use crate::commands::apply::LAST_APPLIED;
use crate::describe::{Doc, pod_template};
use crate::error::{Error, plain};
use crate::flags::{Args, Command, Flag, Group, Kind, flag};
use crate::history::{CHANGE_CAUSE, REVISION, controller_revisions, new_replica_set, replica_sets, revision_of};
use crate::json::{annotation, at, boolean as truth, has, int, list, name, remove, set, text};
use crate::printers::{DRY_RUN_FLAG, DryRun, PRINT_FLAGS, Printer, Teller};
use crate::session::Kube;
use crate::tabs::Tabs;
use crate::task::{DONE, Next, Task, Turn, task};
use apimachinery::http::{Frame, Request, StreamId};
use apimachinery::order::Order as _;
use apimachinery::time::{Duration, Time};
use machine::process::Wake;
use serde_json::{Value, json};

pub static COMMAND: Command = Command {
    name: "rollout",
    group: Group::Deploy,
    short: "Manage the rollout of a resource",
    usage: "SUBCOMMAND [options]",
    long: "Manage the rollout of one or many resources.\n        \n Valid resource types include:\n\n  *  deployments\n  *  daemonsets\n  *  statefulsets",
    examples: &[
        ("Go back to the previous deployment", "kubectl rollout undo deployment/abc"),
        ("Check the rollout status of a daemon set", "kubectl rollout status daemonset/foo"),
        ("Restart a deployment", "kubectl rollout restart deployment/abc"),
    ],
    subs: &[&HISTORY, &PAUSE, &RESTART, &RESUME, &STATUS, &UNDO],
    ..Command::EMPTY
};

const USAGE: &str = "(TYPE NAME | TYPE/NAME) [flags] [options]";

static STATUS: Command = Command {
    name: "status",
    short: "Show the status of the rollout",
    usage: USAGE,
    flags: &[
        &[
            flag("revision", Kind::Int, "0", "Watch this revision only; 0 means the latest."),
            flag("timeout", Kind::Duration, "0s", "How long to watch; zero means for ever."),
            Flag { short: 'w', ..flag("watch", Kind::Bool, "true", "Watch until the rollout is done.") },
        ],
        FILE_FLAGS,
        SELECTOR_FLAG,
    ],
    run: Some(status),
    ..Command::EMPTY
};

static HISTORY: Command = Command {
    name: "history",
    short: "View rollout history",
    usage: USAGE,
    flags: &[
        &[flag("revision", Kind::Int, "0", "Show this revision with its pod template.")],
        PRINT_FLAGS,
        FILE_FLAGS,
        SELECTOR_FLAG,
    ],
    run: Some(history),
    ..Command::EMPTY
};

static UNDO: Command = Command {
    name: "undo",
    short: "Undo a previous rollout",
    usage: USAGE,
    flags: &[
        &[flag("to-revision", Kind::Int, "0", "The revision to go back to; 0 means the last one.")],
        PRINT_FLAGS,
        DRY_RUN_FLAG,
        FILE_FLAGS,
        SELECTOR_FLAG,
    ],
    run: Some(undo),
    ..Command::EMPTY
};

static PAUSE: Command = Command {
    name: "pause",
    short: "Mark the provided resource as paused",
    usage: USAGE,
    flags: &[PRINT_FLAGS, FILE_FLAGS, SELECTOR_FLAG],
    run: Some(|k, args| patch_all(k, args, "paused", pause)),
    ..Command::EMPTY
};

static RESUME: Command = Command {
    name: "resume",
    short: "Resume a paused resource",
    usage: USAGE,
    flags: &[PRINT_FLAGS, FILE_FLAGS, SELECTOR_FLAG],
    run: Some(|k, args| patch_all(k, args, "resumed", resume)),
    ..Command::EMPTY
};

static RESTART: Command = Command {
    name: "restart",
    short: "Restart a resource",
    usage: USAGE,
    flags: &[PRINT_FLAGS, FILE_FLAGS, SELECTOR_FLAG],
    run: Some(|k, args| patch_all(k, args, "restarted", restart)),
    ..Command::EMPTY
};

fn find(k: &mut Kube<'_, '_>, args: &Args) -> Result<Vec<Info>, Error> {
    if args.rest.is_empty() && args.list("filename").is_empty() {
        return plain("required resource not specified");
    }
    let mut find = Find::new(args);
    find.type_alone = true;
    let infos = k.find(&find)?.strict()?;
    if infos.is_empty() && args.command.name != "history" {
        let (namespace, _) = k.namespace()?;
        k.err(&format!("No resources found in {namespace} namespace.\n"));
    }
    Ok(infos)
}

type Change = fn(&Info, Time) -> Result<Value, String>;

fn pause(info: &Info, _: Time) -> Result<Value, String> {
    match info.mapping.kind.as_str() {
        "Deployment" if truth(&info.object, "/spec/paused") => Err("is already paused".into()),
        "Deployment" => Ok(json!({"spec": {"paused": true}})),
        _ => Err("pausing is not supported".into()),
    }
}

fn resume(info: &Info, _: Time) -> Result<Value, String> {
    match info.mapping.kind.as_str() {
        "Deployment" if !truth(&info.object, "/spec/paused") => Err("is not paused".into()),
        "Deployment" => Ok(json!({"spec": {"paused": null}})),
        _ => Err("resuming is not supported".into()),
    }
}

fn restart(info: &Info, now: Time) -> Result<Value, String> {
    match info.mapping.kind.as_str() {
        "Deployment" if truth(&info.object, "/spec/paused") => {
            Err("can't restart paused deployment (run rollout resume first)".into())
        }
        "Deployment" | "DaemonSet" | "StatefulSet" => {
            let annotations = json!({"kubectl.kubernetes.io/restartedAt": now.rfc3339()});
            Ok(json!({"spec": {"template": {"metadata": {"annotations": annotations}}}}))
        }
        _ => Err("restarting is not supported".into()),
    }
}

fn patch_all(k: &mut Kube<'_, '_>, args: &Args, done: &str, change: Change) -> Result<Next, Error> {
    let mut teller = Teller::of(k, args)?;
    let mut errors = Vec::new();
    for mut info in find(k, args)? {
        let now = k.now();
        match change(&info, now) {
            Err(why) => {
                let resource = info.mapping.group_resource();
                errors.push(Error::Plain(format!("error: {resource} \"{}\" {why}", info.name)));
            }
            Ok(patch) => match k.patch(&info.path(), STRATEGIC, &[("fieldManager", "kubectl-rollout")], patch) {
                Ok(object) => {
                    info.object = object;
                    teller.tell_info(k, &info, done)?;
                }
                Err(e) => errors.push(Error::Plain(format!("failed to patch: {}", e.text()))),
            },
        }
    }
    Error::all(errors)?;
    DONE
}

fn status(k: &mut Kube<'_, '_>, args: &Args) -> Result<Next, Error> {
    if args.int("revision") < 0 {
        return plain(format!("revision must be a positive integer: {}", args.int("revision")));
    }
    let mut left = find(k, args)?;
    left.reverse();
    let until = (args.duration("timeout") > 0).then(|| k.now() + Duration::from_nanos(args.duration("timeout") as u64));
    task(Status { left, stream: None, until, revision: args.int("revision"), watch: args.bool("watch") })
}

/// Watches one object after the other until each is rolled out.
#[derive(Clone)]
struct Status {
    left: Vec<Info>,
    stream: Option<StreamId>,
    until: Option<Time>,
    revision: i64,
    watch: bool,
}

impl Task for Status {
    fn step(&mut self, k: &mut Kube<'_, '_>) -> Result<Turn, Error> {
        let Some(info) = self.left.last().cloned() else { return Ok(Turn::Done(0)) };
        let Some(stream) = self.stream else { return self.begin(k, &info) };
        let read = k.ctx.host.stream_read(stream);
        for frame in read.frames {
            let Frame::Json(event) = frame else { continue };
            match text(&event, "/type") {
                "DELETED" => return plain("object has been deleted"),
                "ADDED" | "MODIFIED" if self.told(k, at(&event, "/object"), &info)? => {
                    k.ctx.host.stream_close(stream);
                    self.stream = None;
                    self.left.pop();
                    return Ok(Turn::Again);
                }
                _ => {}
            }
        }
        if self.until.is_some_and(|t| k.ctx.now() >= t) {
            k.ctx.host.stream_close(stream);
            return plain("timed out waiting for the condition");
        }
        if read.ended {
            self.stream = None;
            return Ok(Turn::Again);
        }
        Ok(Turn::Wait(Wake::World { until: self.until }))
    }
}

impl Status {
    /// Looks once, then watches on from there.
    fn begin(&mut self, k: &mut Kube<'_, '_>, info: &Info) -> Result<Turn, Error> {
        let fields = format!("metadata.name={}", info.name);
        let path = info.mapping.path(&info.namespace);
        let listed = k.json(Request::get(path.as_str()).query("fieldSelector", fields.as_str()))?;
        let Some(object) = list(&listed, "/items").first().cloned() else { return plain("object has been deleted") };
        if self.told(k, &object, info)? || !self.watch {
            self.left.pop();
            return Ok(Turn::Again);
        }
        let version = text(&listed, "/metadata/resourceVersion");
        let request =
            Request::get(path).query("fieldSelector", fields).query("watch", "true").query("resourceVersion", version);
        self.stream = Some(k.stream(request)?);
        Ok(Turn::Again)
    }

    fn told(&self, k: &mut Kube<'_, '_>, object: &Value, info: &Info) -> Result<bool, Error> {
        let (line, done) = match info.mapping.kind.as_str() {
            "Deployment" => deployment_status(object, self.revision)?,
            "DaemonSet" => daemon_set_status(object)?,
            "StatefulSet" => stateful_set_status(object)?,
            kind => {
                let group =
                    if info.mapping.group.is_empty() { String::new() } else { format!(".{}", info.mapping.group) };
                return plain(format!("no status viewer has been implemented for {kind}{group}"));
            }
        };
        k.line(&line);
        Ok(done)
    }
}

fn observed(object: &Value) -> bool {
    int(object, "/metadata/generation") <= int(object, "/status/observedGeneration")
}

fn deployment_status(d: &Value, revision: i64) -> Result<(String, bool), Error> {
    let n = name(d);
    if revision > 0 && revision_of(d) != revision {
        let running = revision_of(d);
        return plain(format!("desired revision ({revision}) is different from the running revision ({running})"));
    }
    if !observed(d) {
        return Ok(("Waiting for deployment spec update to be observed...".into(), false));
    }
    let progressing = list(d, "/status/conditions").iter().find(|c| text(c, "/type") == "Progressing");
    if progressing.is_some_and(|c| text(c, "/reason") == "ProgressDeadlineExceeded") {
        return plain(format!("deployment \"{n}\" exceeded its progress deadline"));
    }
    let (want, updated) = (int(d, "/spec/replicas"), int(d, "/status/updatedReplicas"));
    let (total, available) = (int(d, "/status/replicas"), int(d, "/status/availableReplicas"));
    let waiting = |what: String| Ok((format!("Waiting for deployment \"{n}\" rollout to finish: {what}..."), false));
    if updated < want {
        return waiting(format!("{updated} out of {want} new replicas have been updated"));
    }
    if total > updated {
        return waiting(format!("{} old replicas are pending termination", total - updated));
    }
    if available < updated {
        return waiting(format!("{available} of {updated} updated replicas are available"));
    }
    Ok((format!("deployment \"{n}\" successfully rolled out"), true))
}

fn daemon_set_status(ds: &Value) -> Result<(String, bool), Error> {
    let n = name(ds);
    if text(ds, "/spec/updateStrategy/type") != "RollingUpdate" {
        return plain("rollout status is only available for RollingUpdate strategy type");
    }
    if !observed(ds) {
        return Ok(("Waiting for daemon set spec update to be observed...".into(), false));
    }
    let (want, updated) = (int(ds, "/status/desiredNumberScheduled"), int(ds, "/status/updatedNumberScheduled"));
    let available = int(ds, "/status/numberAvailable");
    let waiting = |what: String| Ok((format!("Waiting for daemon set \"{n}\" rollout to finish: {what}..."), false));
    if updated < want {
        return waiting(format!("{updated} out of {want} new pods have been updated"));
    }
    if available < want {
        return waiting(format!("{available} of {want} updated pods are available"));
    }
    Ok((format!("daemon set \"{n}\" successfully rolled out"), true))
}

fn stateful_set_status(sts: &Value) -> Result<(String, bool), Error> {
    if text(sts, "/spec/updateStrategy/type") != "RollingUpdate" {
        return plain("rollout status is only available for RollingUpdate strategy type");
    }
    if int(sts, "/status/observedGeneration") == 0 || !observed(sts) {
        return Ok(("Waiting for statefulset spec update to be observed...".into(), false));
    }
    let (want, ready) = (int(sts, "/spec/replicas"), int(sts, "/status/readyReplicas"));
    let updated = int(sts, "/status/updatedReplicas");
    if ready < want {
        return Ok((format!("Waiting for {} pods to be ready...", want - ready), false));
    }
    if has(sts, "/spec/updateStrategy/rollingUpdate") {
        let goal = want - int(sts, "/spec/updateStrategy/rollingUpdate/partition");
        if has(sts, "/spec/updateStrategy/rollingUpdate/partition") && updated < goal {
            return Ok((
                format!(
                    "Waiting for partitioned roll out to finish: {updated} out of {goal} new pods have been updated..."
                ),
                false,
            ));
        }
        return Ok((format!("partitioned roll out complete: {updated} new pods have been updated..."), true));
    }
    let (update, current) = (text(sts, "/status/updateRevision"), text(sts, "/status/currentRevision"));
    if update != current {
        return Ok((
            format!("waiting for statefulset rolling update to complete {updated} pods at revision {update}..."),
            false,
        ));
    }
    let pods = int(sts, "/status/currentReplicas");
    Ok((format!("statefulset rolling update complete {pods} pods at revision {current}..."), true))
}

/// Revisions of an object: number, change cause, pod template.
fn revisions(k: &mut Kube<'_, '_>, info: &Info) -> Result<Vec<(i64, String, Value)>, Error> {
    let cause = |o: &Value| annotation(o, CHANGE_CAUSE).unwrap_or("").to_owned();
    let mut all: Vec<(i64, String, Value)> = match info.mapping.kind.as_str() {
        "Deployment" => replica_sets(k, &info.object)?
            .iter()
            .filter(|s| revision_of(s) > 0)
            .map(|s| {
                let mut template = at(s, "/spec/template").clone();
                if !cause(s).is_empty() {
                    set(&mut template, "/metadata/annotations/kubernetes.io~1change-cause", json!(cause(s)));
                }
                (revision_of(s), cause(s), template)
            })
            .collect(),
        "StatefulSet" | "DaemonSet" => controller_revisions(k, &info.object)?
            .iter()
            .map(|r| {
                let mut template = at(r, "/data/spec/template").clone();
                remove(&mut template, "/$patch");
                (int(r, "/revision"), cause(r), template)
            })
            .collect(),
        kind => return plain(format!("no history viewer has been implemented for \"{kind}\"")),
    };
    all.order_by_key(|(n, ..)| *n);
    Ok(all)
}

fn history(k: &mut Kube<'_, '_>, args: &Args) -> Result<Next, Error> {
    if args.int("revision") < 0 {
        return plain(format!("revision must be a positive integer: {}", args.int("revision")));
    }
    let printer = Printer::of(k, args)?;
    for info in find(k, args)? {
        let all = revisions(k, &info)?;
        let wanted = args.int("revision");
        let head = format!("{}/{}", info.mapping.group_kind(), info.name);
        if let Some(mut p) = printer.clone() {
            let text = p.print(&info.object)?;
            k.out(&text);
            continue;
        }
        if wanted > 0 {
            let Some((_, _, template)) = all.iter().find(|(n, ..)| *n == wanted) else {
                return plain("unable to find the specified revision");
            };
            let mut doc = Doc::unaligned();
            pod_template(&mut doc, template);
            k.out(&format!("{head} with revision #{wanted}\n{}\n", doc.finish()));
            continue;
        }
        let mut table = Tabs::describe();
        table.row(&["REVISION", "CHANGE-CAUSE"]);
        for (n, cause, _) in &all {
            table.row(&[n.to_string().as_str(), if cause.is_empty() { "<none>" } else { cause }]);
        }
        k.out(&format!("{head} \n{}\n", table.flush()));
    }
    DONE
}

fn undo(k: &mut Kube<'_, '_>, args: &Args) -> Result<Next, Error> {
    let mut teller = Teller::of(k, args)?;
    let mut errors = Vec::new();
    for info in find(k, args)? {
        if annotation(&info.object, LAST_APPLIED).is_some() {
            k.err(&format!("Warning: resource {} was previously managed with 'kubectl apply'. Rolling back will not update the {LAST_APPLIED} annotation, which may cause unexpected behavior on future 'kubectl apply' operations. Consider using 'kubectl apply' with your previous configuration file instead.\n", info.label()));
        }
        match roll_back(k, &info, args.int("to-revision"), teller.dry_run()) {
            Ok(done) => teller.tell_info(k, &info, &done)?,
            Err(e) => errors.push(e),
        }
    }
    Error::all(errors)?;
    DONE
}

fn roll_back(k: &mut Kube<'_, '_>, info: &Info, to: i64, dry_run: DryRun) -> Result<String, Error> {
    if info.mapping.kind == "Deployment" {
        return roll_back_deployment(k, info, to, dry_run);
    }
    if !matches!(info.mapping.kind.as_str(), "StatefulSet" | "DaemonSet") {
        return plain(format!("no rollbacker has been implemented for \"{}\"", info.mapping.kind));
    }
    let all = controller_revisions(k, &info.object)?;
    let chosen = if to > 0 {
        all.iter().find(|r| int(r, "/revision") == to)
    } else {
        if all.len() < 2 {
            return plain("no rollout history found");
        }
        all.get(all.len() - 2)
    };
    let Some(chosen) = chosen else { return plain(format!("unable to find specified revision {to} in history")) };
    let mut wanted = at(chosen, "/data/spec/template").clone();
    remove(&mut wanted, "/$patch");
    if wanted == *at(&info.object, "/spec/template") {
        return Ok(format!(
            "skipped rollback (current template already matches revision {})",
            int(chosen, "/revision")
        ));
    }
    if dry_run != DryRun::Client {
        k.patch(&info.path(), STRATEGIC, &[dry_run.param()], at(chosen, "/data").clone())?;
    }
    Ok("rolled back".into())
}

fn roll_back_deployment(k: &mut Kube<'_, '_>, info: &Info, to: i64, dry_run: DryRun) -> Result<String, Error> {
    let d = &info.object;
    if truth(d, "/spec/paused") {
        return plain(
            "you cannot rollback a paused deployment; resume it first with 'kubectl rollout resume' and try again",
        );
    }
    let sets = replica_sets(k, d)?;
    let mut by_revision: Vec<&Value> = sets.iter().filter(|s| revision_of(s) > 0).collect();
    by_revision.order_by_key(|s| revision_of(s));
    let chosen = if to > 0 {
        by_revision.iter().find(|s| revision_of(s) == to).copied()
    } else {
        by_revision.len().checked_sub(2).map(|i| by_revision[i])
    };
    let Some(chosen) = chosen else {
        return plain(if to > 0 {
            format!("unable to find specified revision {to} in history")
        } else {
            format!("no rollout history found for deployment \"{}\"", info.name)
        });
    };
    if new_replica_set(d, core::slice::from_ref(chosen)).is_some() {
        return Ok(format!("skipped rollback (current template already matches revision {})", revision_of(chosen)));
    }
    if dry_run == DryRun::Client {
        return Ok("rolled back".into());
    }
    let mut template = at(chosen, "/spec/template").clone();
    remove(&mut template, "/metadata/labels/pod-template-hash");
    let mut annotations = json!({});
    const SKIPPED: [&str; 6] = [
        LAST_APPLIED,
        REVISION,
        "deployment.kubernetes.io/revision-history",
        "deployment.kubernetes.io/desired-replicas",
        "deployment.kubernetes.io/max-replicas",
        "deprecated.deployment.rollback.to",
    ];
    // The deployment keeps its own of these; the rest comes from the old replica set.
    for (from, own) in [(d, true), (chosen, false)] {
        for (key, value) in crate::json::members(from, "/metadata/annotations") {
            if SKIPPED.contains(&key.as_str()) == own {
                annotations[key] = value.clone();
            }
        }
    }
    let patch = json!([
        {"op": "replace", "path": "/spec/template", "value": template},
        {"op": "replace", "path": "/metadata/annotations", "value": annotations},
    ]);
    k.patch(&info.path(), JSON_PATCH, &[dry_run.param()], patch)
        .map_err(|e| Error::Plain(format!("failed restoring revision {to}: {}", e.text())))?;
    Ok("rolled back".into())
}
