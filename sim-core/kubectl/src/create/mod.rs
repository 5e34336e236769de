//! `kubectl create`: from files, or one kind each by its own subcommand.
//!
//! Models: kubectl `cmd/create`.

mod access;
mod config;
mod namespace;
mod network;
mod policy;
mod service;
mod token;
mod workload;

pub use policy::amounts;

use crate::builder::{FILE_FLAGS, Find, SELECTOR_FLAG};
use crate::commands::apply::{VALIDATE_FLAG, field_validation, with_last_applied};
use crate::error::{Error, plain};
use crate::flags::{Args, Command, Flag, Group, Kind, boolean, flag, string};
use crate::json::{name, set, text};
use crate::printers::{DRY_RUN_FLAG, DryRun, PRINT_FLAGS, Teller};
use crate::session::Kube;
use crate::task::{DONE, Next};
use serde_json::{Value, json};

pub const CREATE_FLAGS: &[Flag] = &[
    flag("field-manager", Kind::Str, "kubectl-create", "Name under which field ownership is tracked."),
    boolean("save-config", "Keep the object's text in its annotation, for a later 'kubectl apply'."),
];

pub static COMMAND: Command = Command {
    name: "create",
    group: Group::Beginner,
    short: "Create a resource from a file or from stdin",
    usage: "-f FILENAME [options]",
    long: "Create a resource from a file or from stdin.\n\n JSON and YAML formats are accepted.",
    examples: &[
        ("Create a pod from a file", "kubectl create -f ./pod.json"),
        ("From standard input", "cat pod.json | kubectl create -f -"),
    ],
    flags: &[
        CREATE_FLAGS,
        &[boolean("edit", "Edit before creating."), string("raw", "Raw URI to POST to.")],
        VALIDATE_FLAG,
        PRINT_FLAGS,
        DRY_RUN_FLAG,
        FILE_FLAGS,
        SELECTOR_FLAG,
    ],
    subs: &[
        &access::CLUSTER_ROLE,
        &access::CLUSTER_ROLE_BINDING,
        &config::CONFIG_MAP,
        &workload::CRON_JOB,
        &workload::DEPLOYMENT,
        &network::INGRESS,
        &workload::JOB,
        &namespace::NAMESPACE,
        &policy::BUDGET,
        &policy::PRIORITY_CLASS,
        &policy::QUOTA,
        &access::ROLE,
        &access::ROLE_BINDING,
        &config::SECRET,
        &service::SERVICE,
        &namespace::SERVICE_ACCOUNT,
        &token::TOKEN,
    ],
    run: Some(run),
    ..Command::EMPTY
};

fn run(k: &mut Kube<'_, '_>, args: &Args) -> Result<Next, Error> {
    if let Some(word) = args.rest.first() {
        return Err(args.usage_error(format!("unknown command \"{word}\"")));
    }
    if args.list("filename").is_empty() && args.str("kustomize").is_empty() {
        k.err("Error: must specify one of -f and -k\n\n");
        return Err(Error::Help);
    }
    if args.changed("raw") || args.bool("edit") {
        return plain("--raw and --edit are not supported by this kubectl");
    }
    let mut teller = Teller::of(k, args)?;
    let mut find = Find::new(args);
    find.local = true;
    find.selector = None;
    find.validate = !matches!(args.str("validate"), "false" | "ignore");
    let validation = field_validation(args)?;
    let found = k.find(&find)?;
    let mut errors = found.errors;
    if found.infos.is_empty() && errors.is_empty() {
        return plain("no objects passed to create");
    }
    for mut info in found.infos {
        let mut object = info.object.clone();
        if args.bool("save-config") {
            object = with_last_applied(&object);
        }
        if teller.dry_run() != DryRun::Client {
            let params = [
                teller.dry_run().param(),
                ("fieldManager", args.str("field-manager")),
                ("fieldValidation", validation),
            ];
            match k.post(&info.mapping.path(&info.namespace), &params, object) {
                Ok(made) => object = made,
                Err(e) => {
                    errors.push(e.with_source("creating", &info.source));
                    continue;
                }
            }
        }
        info.object = object;
        teller.tell_info(k, &info, "created")?;
    }
    Error::all(errors)?;
    DONE
}

/// How a subcommand tells a failure: `failed to create deployment: …`; empty: the failure alone.
pub type Wrap = &'static str;

/// The name that stands after a `create KIND`.
pub fn one_name(args: &Args) -> Result<String, Error> {
    let before = args.before_dash();
    match before {
        [name] => Ok(name.clone()),
        _ => {
            let saw = before.len();
            Err(args.usage_error(format!("exactly one NAME is required, got {saw}")))
        }
    }
}

/// Sends a made-up object, or shows it.
pub fn submit(k: &mut Kube<'_, '_>, args: &Args, mut object: Value, wrap: Wrap) -> Result<Next, Error> {
    let mut teller = Teller::of(k, args)?;
    let (namespace, explicit) = k.namespace()?;
    if teller.dry_run() != DryRun::Client {
        let mapping = k.mapping_of(&object)?;
        if args.bool("save-config") {
            object = with_last_applied(&object);
        }
        if mapping.namespaced {
            set(&mut object, "/metadata/namespace", json!(namespace));
        }
        let params =
            [teller.dry_run().param(), ("fieldManager", args.str("field-manager")), ("fieldValidation", "Strict")];
        object = k.post(&mapping.path(&namespace), &params, object).map_err(|e| wrapped(e, wrap))?;
    } else if explicit && !CLUSTER_SCOPED.contains(&text(&object, "/kind")) {
        set(&mut object, "/metadata/namespace", json!(namespace));
    }
    if name(&object).is_empty() {
        return plain("resource name may not be empty");
    }
    teller.tell(k, &object, "created")?;
    DONE
}

const CLUSTER_SCOPED: &[&str] = &["Namespace", "ClusterRole", "ClusterRoleBinding", "PriorityClass"];

fn wrapped(e: Error, wrap: Wrap) -> Error {
    if wrap.is_empty() || matches!(e, Error::Connection { .. }) {
        return e;
    }
    Error::Plain(format!("{wrap}: {}", e.text()))
}
