//! `kubectl label` and `kubectl annotate`.
//!
//! Models: kubectl `cmd/label` and `cmd/annotate`.

use crate::builder::{
    ALL_NAMESPACES_FLAG, FIELD_SELECTOR_FLAG, FILE_FLAGS, Find, Info, MISSING_RESOURCE, SELECTOR_FLAG,
};
use crate::client::MERGE;
use crate::error::{Error, plain};
use crate::flags::{Args, Command, Flag, Group, boolean, string};
use crate::json::{at, escape, members, remove, set, shown};
use crate::printers::{DRY_RUN_FLAG, DryRun, FIELD_MANAGER_FLAG, PRINT_FLAGS, Teller};
use crate::session::Kube;
use crate::task::{DONE, Next};
use apimachinery::names;
use serde_json::{Value, json};

const FLAGS: &[Flag] = &[
    boolean("all", "All resources of the type, in the namespace."),
    boolean("list", "Show what a resource has instead of changing it."),
    boolean("local", "Work on the file only, without the server."),
    boolean("overwrite", "Let existing values be changed."),
    string("resource-version", "Change only if the object is at this version."),
];

pub static LABEL: Command = Command {
    name: "label",
    group: Group::Settings,
    short: "Update the labels on a resource",
    usage: "[--overwrite] (-f FILENAME | TYPE NAME) KEY_1=VAL_1 ... KEY_N=VAL_N [--resource-version=version] [options]",
    long: "Update the labels on a resource.\n\n 'key=value' sets a label, 'key-' removes it. Existing labels change only with --overwrite.",
    examples: &[
        ("Set a label", "kubectl label pods foo unhealthy=true"),
        ("Change a label", "kubectl label --overwrite pods foo status=unhealthy"),
        ("Remove a label", "kubectl label pods foo bar-"),
    ],
    flags: &[
        FLAGS,
        PRINT_FLAGS,
        DRY_RUN_FLAG,
        FIELD_MANAGER_FLAG,
        FILE_FLAGS,
        SELECTOR_FLAG,
        FIELD_SELECTOR_FLAG,
        ALL_NAMESPACES_FLAG,
    ],
    run: Some(|k, args| run(k, args, &LABELS)),
    ..Command::EMPTY
};

pub static ANNOTATE: Command = Command {
    name: "annotate",
    group: Group::Settings,
    short: "Update the annotations on a resource",
    usage: "[--overwrite] (-f FILENAME | TYPE NAME) KEY_1=VAL_1 ... KEY_N=VAL_N [--resource-version=version] [options]",
    long: "Update the annotations on one or more resources.\n\n 'key=value' sets an annotation, 'key-' removes it. Existing ones change only with --overwrite.",
    examples: &[
        ("Set an annotation", "kubectl annotate pods foo description='my frontend'"),
        ("Remove an annotation", "kubectl annotate pods foo description-"),
    ],
    flags: LABEL.flags,
    run: Some(|k, args| run(k, args, &ANNOTATIONS)),
    ..Command::EMPTY
};

/// What differs between the two.
struct What {
    pointer: &'static str,
    noun: &'static str,
    nouns: &'static str,
    labels: bool,
}

const LABELS: What = What { pointer: "/metadata/labels", noun: "label", nouns: "labels", labels: true };
const ANNOTATIONS: What =
    What { pointer: "/metadata/annotations", noun: "annotation", nouns: "annotations", labels: false };

#[derive(Default)]
struct Changes {
    set: Vec<(String, String)>,
    unset: Vec<String>,
}

fn run(k: &mut Kube<'_, '_>, args: &Args, what: &What) -> Result<Next, Error> {
    let is_change = |w: &String| (w.contains('=') && !w.starts_with('=')) || (w.ends_with('-') && w.len() > 1);
    let first = args.rest.iter().position(is_change).unwrap_or(args.rest.len());
    let (resources, words) = args.rest.split_at(first);
    if args.bool("all") && args.changed("selector") {
        return plain("cannot set --all and --selector at the same time");
    }
    if args.bool("local") {
        return plain("--local is not supported by this kubectl; use --dry-run=client");
    }
    if resources.is_empty() && args.list("filename").is_empty() {
        return plain(if what.labels || what.noun == "annotation" {
            "one or more resources must be specified as <resource> <name> or <resource>/<name>"
        } else {
            MISSING_RESOURCE
        });
    }
    if words.is_empty() && !args.bool("list") {
        return plain(format!("at least one {} update is required", what.noun));
    }
    let changes = parse(words, what)?;
    let mut teller = Teller::of(k, args)?;
    let infos = k.find(&Find::new(args).with_args(resources))?.strict()?;
    if args.bool("list") {
        for info in &infos {
            list(k, info, what, infos.len() > 1);
        }
        return DONE;
    }
    let mut errors = Vec::new();
    for info in infos {
        if let Err(e) = change(k, args, info, what, &changes, &mut teller) {
            errors.push(e);
        }
    }
    Error::all(errors)?;
    DONE
}

fn parse(words: &[String], what: &What) -> Result<Changes, Error> {
    let mut changes = Changes::default();
    for word in words {
        if let Some((key, value)) = word.split_once('=') {
            let problems = if what.labels { names::label_value(value) } else { Vec::new() };
            if !problems.is_empty() {
                return plain(format!("invalid label value: \"{word}\": {}", problems.join(";")));
            }
            changes.set.push((key.into(), value.into()));
        } else if let Some(key) = word.strip_suffix('-') {
            changes.unset.push(key.into());
        } else if what.labels {
            return plain(format!("unknown label spec: {word}"));
        } else {
            return plain(format!("unexpected annotation spec: {word}"));
        }
    }
    if changes.unset.iter().any(|u| changes.set.iter().any(|(s, _)| s == u)) {
        return plain(format!("can not both modify and remove a {} in the same command", what.noun));
    }
    Ok(changes)
}

fn list(k: &mut Kube<'_, '_>, info: &Info, what: &What, many: bool) {
    let indent = if many { " " } else { "" };
    if many {
        k.line(&format!("Listing {} for {}.{}/{}:", what.nouns, info.mapping.kind, info.mapping.group, info.name));
    }
    for (key, value) in members(&info.object, what.pointer) {
        k.line(&format!("{indent}{key}={}", shown(value)));
    }
}

fn change(
    k: &mut Kube<'_, '_>,
    args: &Args,
    info: Info,
    what: &What,
    changes: &Changes,
    teller: &mut Teller,
) -> Result<(), Error> {
    let present = at(&info.object, what.pointer).clone();
    let mut after = info.object.clone();
    let mut clashes = Vec::new();
    for (key, value) in &changes.set {
        if let Some(old) = present.get(key).and_then(Value::as_str)
            && !args.bool("overwrite")
            && old != value
        {
            clashes.push(format!("'{key}' already has a value ({old})"));
        }
        set(&mut after, &format!("{}/{}", what.pointer, escape(key)), json!(value));
    }
    if !clashes.is_empty() {
        return if what.labels {
            Error::all(clashes.iter().map(|c| Error::Plain(format!("{c}, and --overwrite is false"))).collect())
        } else {
            plain(format!(
                "--overwrite is false but found the following declared annotation(s): {}",
                clashes.join("; ")
            ))
        };
    }
    let mut removed = 0;
    for key in &changes.unset {
        if present.get(key).is_some() {
            removed += 1;
        } else if what.labels {
            k.line(&format!("label \"{key}\" not found."));
        }
        remove(&mut after, &format!("{}/{}", what.pointer, escape(key)));
    }
    let changed = present != *at(&after, what.pointer) && !(present.is_null() && at(&after, what.pointer).is_null());
    let done = match (what.labels, changed) {
        (true, false) => "not labeled",
        (true, true) if removed > 0 && changes.set.is_empty() && !args.bool("overwrite") => "unlabeled",
        (true, true) => "labeled",
        (false, _) => "annotated",
    };
    let mut out = info.clone();
    if teller.dry_run() == DryRun::Client {
        out.object = after;
    } else {
        let mut patch = apimachinery::patch::merge::create(&info.object, &after);
        if args.changed("resource-version") {
            set(&mut patch, "/metadata/resourceVersion", json!(args.str("resource-version")));
        }
        let manager = if args.str("field-manager").is_empty() { args.command.name } else { args.str("field-manager") };
        let manager = if args.changed("field-manager") { manager.to_owned() } else { format!("kubectl-{manager}") };
        if patch != json!({}) {
            let params = [teller.dry_run().param(), ("fieldManager", manager.as_str())];
            out.object = k.patch(&info.path(), MERGE, &params, patch)?;
        }
    }
    teller.tell_info(k, &out, done)
}
