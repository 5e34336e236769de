//! `kubectl replace`.
//!
//! Models: kubectl `cmd/replace`.

use crate::builder::{FILE_FLAGS, Find};
use crate::commands::apply::{LAST_APPLIED, VALIDATE_FLAG, field_validation, with_last_applied};
use crate::commands::delete::{After, Deletion, WaitGone, cascade};
use crate::error::{Error, plain};
use crate::flags::{Args, Command, Flag, Group, Kind, boolean, flag, string};
use crate::json::{annotation, set, text};
use crate::printers::{DRY_RUN_FLAG, DryRun, PRINT_FLAGS, Teller};
use crate::session::Kube;
use crate::task::{DONE, Next, task};
use serde_json::json;

const FLAGS: &[Flag] = &[
    Flag {
        bare: "background",
        ..flag("cascade", Kind::Str, "background", "What becomes of dependents, with --force.")
    },
    flag("field-manager", Kind::Str, "kubectl-replace", "Name under which field ownership is tracked."),
    boolean("force", "Delete and create anew."),
    flag("grace-period", Kind::Int, "-1", "Seconds given to end in order, with --force."),
    string("raw", "Raw URI to PUT to."),
    boolean("save-config", "Keep the object's text in its annotation, for a later 'kubectl apply'."),
    string("subresource", "Replace this subresource."),
    flag("timeout", Kind::Duration, "0s", "How long to wait for a delete, with --force."),
    boolean("wait", "Wait until resources are gone, with --force."),
];

pub static COMMAND: Command = Command {
    name: "replace",
    group: Group::Advanced,
    short: "Replace a resource by file name or stdin",
    usage: "-f FILENAME [options]",
    long: "Replace a resource by file name or stdin. The whole spec must be given.",
    examples: &[
        ("Replace a pod", "kubectl replace -f ./pod.json"),
        ("Delete and create anew", "kubectl replace --force -f ./pod.json"),
    ],
    flags: &[FLAGS, VALIDATE_FLAG, PRINT_FLAGS, DRY_RUN_FLAG, FILE_FLAGS],
    run: Some(run),
    ..Command::EMPTY
};

fn run(k: &mut Kube<'_, '_>, args: &Args) -> Result<Next, Error> {
    if args.int("grace-period") >= 0 && !args.bool("force") {
        return plain("--grace-period must have --force specified");
    }
    if args.duration("timeout") != 0 && !args.bool("force") {
        return plain("--timeout must have --force specified");
    }
    if args.list("filename").is_empty() && args.str("kustomize").is_empty() {
        return Err(args.usage_error("must specify --filename to replace"));
    }
    let mut teller = Teller::of(k, args)?;
    let validation = field_validation(args)?;
    let mut find = Find::new(args);
    find.local = true;
    find.validate = validation != "Ignore";
    let infos = k.find(&find)?.strict()?;
    if infos.is_empty() {
        return plain("no objects passed to replace");
    }
    if args.bool("force") {
        if teller.dry_run() != DryRun::None {
            return plain("--dry-run can not be used when --force is set");
        }
        let deletion = Deletion {
            grace: args.int("grace-period").max(0),
            cascade: cascade(args)?,
            dry_run: DryRun::None,
            name_only: false,
        };
        let mut left = Vec::new();
        for info in &infos {
            match deletion.delete(k, info) {
                Ok(uid) => left.push((info.clone(), uid)),
                Err(e) if e.is_not_found() => {}
                Err(e) => return Err(e),
            }
        }
        return task(WaitGone { left, until: None, then: After::Create(infos, "replaced") });
    }
    for mut info in infos {
        let mut object = info.object.clone();
        if teller.dry_run() != DryRun::Client {
            let current = k.try_get(&info)?;
            let applied = current.as_ref().is_some_and(|c| annotation(c, LAST_APPLIED).is_some());
            if args.bool("save-config") || applied {
                object = with_last_applied(&object);
            }
            // Without a version of its own it replaces whatever is there.
            if let Some(current) = &current
                && text(&object, "/metadata/resourceVersion").is_empty()
            {
                set(&mut object, "/metadata/resourceVersion", json!(text(current, "/metadata/resourceVersion")));
            }
            let mut path = info.path();
            if args.changed("subresource") {
                path = format!("{path}/{}", args.str("subresource"));
            }
            let params = [
                teller.dry_run().param(),
                ("fieldManager", args.str("field-manager")),
                ("fieldValidation", validation),
            ];
            object = k.put(&path, &params, object).map_err(|e| e.with_source("replacing", &info.source))?;
        }
        info.object = object;
        teller.tell_info(k, &info, "replaced")?;
    }
    DONE
}
