//! `kubectl delete`.
//!
//! Models: kubectl `cmd/delete`.

use crate::builder::{ALL_NAMESPACES_FLAG, FIELD_SELECTOR_FLAG, FILE_FLAGS, Find, Info, SELECTOR_FLAG};
use crate::error::{Error, plain};
use crate::flags::{Args, Command, Flag, Group, Kind, boolean, flag, short};
use crate::json::text;
use crate::printers::{DRY_RUN_FLAG, DryRun};
use crate::session::Kube;
use crate::task::{DONE, Next, Task, Turn, task};
use apimachinery::time::Time;
use machine::process::Wake;
use serde_json::{Value, json};

const FLAGS: &[Flag] = &[
    boolean("all", "Delete all resources of the types, in the namespace."),
    Flag {
        bare: "background",
        ..flag(
            "cascade",
            Kind::Str,
            "background",
            "\"background\", \"orphan\" or \"foreground\": what becomes of dependents.",
        )
    },
    boolean("force", "Remove from the API at once and do not wait for the end of the resource."),
    flag("grace-period", Kind::Int, "-1", "Seconds given to end in order; negative: the resource's own."),
    boolean("ignore-not-found", "A missing resource counts as deleted."),
    Flag { short: 'i', ..boolean("interactive", "Ask before deleting.") },
    boolean("now", "Signal the resources to end at once (like --grace-period=1)."),
    short('o', "output", Kind::Str, "", "Output mode; \"-o name\" prints resource/name."),
    flag("timeout", Kind::Duration, "0s", "How long to wait; zero takes it from the object's size."),
    flag("wait", Kind::Bool, "true", "Wait until the resources are gone."),
];

pub static COMMAND: Command = Command {
    name: "delete",
    group: Group::Intermediate,
    short: "Delete resources by file names, stdin, resources and names, or by resources and label selector",
    usage: "([-f FILENAME] | [-k DIRECTORY] | TYPE [(NAME | -l label | --all)]) [options]",
    long: "Delete resources by file names, stdin, resources and names, or by resources and label selector.\n\n Pods get a grace period to end in order; --force with --grace-period=0 does not wait for them.",
    examples: &[
        ("Delete what a file describes", "kubectl delete -f ./pod.json"),
        ("Delete by name", "kubectl delete pod,service baz foo"),
        ("Delete by label", "kubectl delete pods,services -l name=myLabel"),
        ("Delete all pods", "kubectl delete pods --all"),
    ],
    flags: &[FLAGS, DRY_RUN_FLAG, FILE_FLAGS, SELECTOR_FLAG, FIELD_SELECTOR_FLAG, ALL_NAMESPACES_FLAG],
    run: Some(run),
    ..Command::EMPTY
};

/// How objects are deleted.
#[derive(Clone)]
pub struct Deletion {
    pub grace: i64,
    pub cascade: &'static str,
    pub dry_run: DryRun,
    pub name_only: bool,
}

fn run(k: &mut Kube<'_, '_>, args: &Args) -> Result<Next, Error> {
    if !matches!(args.str("output"), "" | "name") {
        return plain(format!("unexpected -o output mode: {}. We only support '-o name'", args.str("output")));
    }
    let selecting = args.changed("selector") || args.changed("field-selector");
    if args.bool("all") && args.changed("selector") {
        return plain("cannot set --all and --selector at the same time");
    }
    if args.bool("all") && args.changed("field-selector") {
        return plain("cannot set --all and --field-selector at the same time");
    }
    let deletion = Deletion {
        grace: grace(args)?,
        cascade: cascade(args)?,
        dry_run: DryRun::of(k, args)?,
        name_only: args.str("output") == "name",
    };
    let mut find = Find::new(args);
    find.local = true;
    let found = k.find(&find)?;
    if args.bool("force") && deletion.grace == 0 {
        k.err("Warning: Immediate deletion does not wait for confirmation that the running resource has been terminated. The resource may continue to run on the cluster indefinitely.\n");
    }
    if args.bool("interactive") {
        return plain("--interactive is not supported by this kubectl; look with 'kubectl get' first");
    }
    let ignore =
        if args.changed("ignore-not-found") { args.bool("ignore-not-found") } else { args.bool("all") || selecting };
    let (mut errors, mut gone) = (found.errors, Vec::new());
    let mut seen = false;
    for info in found.infos {
        match deletion.delete(k, &info) {
            Ok(uid) => {
                seen = true;
                gone.push((info, uid));
            }
            Err(e) if ignore && e.is_not_found() => {}
            Err(e) => {
                seen = true;
                errors.push(e);
            }
        }
    }
    if ignore {
        errors.retain(|e| !e.is_not_found());
    }
    Error::all(errors)?;
    if !seen {
        k.line("No resources found");
        return DONE;
    }
    if !args.bool("wait") || deletion.dry_run != DryRun::None {
        return DONE;
    }
    let until = (args.duration("timeout") > 0)
        .then(|| k.now() + apimachinery::time::Duration::from_nanos(args.duration("timeout") as u64));
    task(WaitGone { left: gone, until, then: After::Leave })
}

fn grace(args: &Args) -> Result<i64, Error> {
    let mut grace = args.int("grace-period");
    if args.bool("now") {
        if grace != -1 {
            return plain("--now and --grace-period cannot be specified together");
        }
        grace = 1;
    }
    if grace == 0 && !args.bool("force") {
        grace = 1;
    }
    if args.bool("force") && grace < 0 {
        grace = 0;
    }
    if grace > 0 && args.bool("force") {
        return plain("--force and --grace-period greater than 0 cannot be specified together");
    }
    Ok(grace)
}

pub fn cascade(args: &Args) -> Result<&'static str, Error> {
    match args.str("cascade") {
        "background" | "true" => Ok("Background"),
        "orphan" | "false" => Ok("Orphan"),
        "foreground" => Ok("Foreground"),
        other => {
            plain(format!("invalid cascade value ({other}). Must be \"background\", \"foreground\", or \"orphan\""))
        }
    }
}

impl Deletion {
    /// Deletes and tells; the UID of what is going.
    pub fn delete(&self, k: &mut Kube<'_, '_>, info: &Info) -> Result<String, Error> {
        if self.dry_run == DryRun::Client {
            self.tell(k, info);
            return Ok(String::new());
        }
        let answer = self.request(k, info).map_err(|e| e.with_source("deleting", &info.source))?;
        self.tell(k, info);
        Ok(match text(&answer, "/details/uid") {
            "" => text(&answer, "/metadata/uid").to_owned(),
            uid => uid.to_owned(),
        })
    }

    /// Deletes in silence.
    pub fn request(&self, k: &mut Kube<'_, '_>, info: &Info) -> Result<Value, Error> {
        let mut options = json!({"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": self.cascade});
        if self.grace >= 0 {
            options["gracePeriodSeconds"] = self.grace.into();
        }
        if self.dry_run == DryRun::Server {
            options["dryRun"] = json!(["All"]);
        }
        k.delete(&info.path(), options)
    }

    fn tell(&self, k: &mut Kube<'_, '_>, info: &Info) {
        if self.name_only {
            k.line(&format!("{}/{}", info.mapping.group_kind(), info.name));
            return;
        }
        let mut done = if self.grace == 0 { "force deleted" } else { "deleted" }.to_owned();
        if info.mapping.namespaced {
            done = format!("{done} from {} namespace", info.namespace);
        }
        k.line(&format!("{} \"{}\" {done}{}", info.mapping.group_kind(), info.name, self.dry_run.suffix()));
    }
}

/// What follows when everything is gone.
#[derive(Clone)]
pub enum After {
    Leave,
    /// `replace --force`: create these and tell what was done.
    Create(Vec<Info>, &'static str),
}

/// Waits until objects are gone, or others have taken their names.
#[derive(Clone)]
pub struct WaitGone {
    pub left: Vec<(Info, String)>,
    pub until: Option<Time>,
    pub then: After,
}

impl Task for WaitGone {
    fn step(&mut self, k: &mut Kube<'_, '_>) -> Result<Turn, Error> {
        while let Some((info, uid)) = self.left.first() {
            match k.try_get(info) {
                Ok(Some(now)) if uid.is_empty() || text(&now, "/metadata/uid") == uid.as_str() => break,
                Ok(_) => {}
                // Whoever may delete but not look does not wait.
                Err(e) if matches!(e.reason(), "Forbidden" | "MethodNotAllowed") => {}
                Err(e) => return Err(e),
            }
            self.left.remove(0);
        }
        match self.left.first() {
            Some((info, _)) if self.until.is_some_and(|t| k.ctx.now() >= t) => {
                plain(format!("timed out waiting for the condition on {}", info.label()))
            }
            // The time that looking took is not worth its own pause: a change wakes us anyway.
            Some(_) => {
                k.s.debt = Default::default();
                Ok(Turn::Wait(Wake::World { until: self.until }))
            }
            None => self.finish(k),
        }
    }
}

impl WaitGone {
    fn finish(&mut self, k: &mut Kube<'_, '_>) -> Result<Turn, Error> {
        if let After::Create(infos, done) = &self.then {
            for info in infos {
                let object = k.post(&info.mapping.path(&info.namespace), &[], info.object.clone())?;
                k.line(&format!("{}/{} {done}", info.mapping.group_kind(), crate::json::name(&object)));
            }
        }
        Ok(Turn::Done(0))
    }
}
