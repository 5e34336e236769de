//! `kubectl patch`.
//!
//! Models: kubectl `cmd/patch`.

use crate::builder::{FILE_FLAGS, Find, Info};
use crate::client::{JSON_PATCH, MERGE, STRATEGIC};
use crate::error::{Error, plain};
use crate::flags::{Args, Command, Flag, Group, Kind, boolean, flag, short, string};
use crate::json::at;
use crate::printers::{DRY_RUN_FLAG, DryRun, FIELD_MANAGER_FLAG, PRINT_FLAGS, Teller};
use crate::session::Kube;
use crate::task::{DONE, Next};
use apimachinery::{patch, yaml};
use serde_json::Value;

const FLAGS: &[Flag] = &[
    boolean("local", "Work on the file only, without the server."),
    short('p', "patch", Kind::Str, "", "The patch, as JSON or YAML."),
    string("patch-file", "File with the patch."),
    string("subresource", "Patch this subresource."),
    flag("type", Kind::Str, "strategic", "Kind of patch: json, merge or strategic."),
];

pub static COMMAND: Command = Command {
    name: "patch",
    group: Group::Advanced,
    short: "Update fields of a resource",
    usage: "(-f FILENAME | TYPE NAME) [-p PATCH|--patch-file FILE] [options]",
    long: "Update fields of a resource using strategic merge patch, a JSON merge patch, or a JSON patch.",
    examples: &[
        ("Mark a node as unschedulable", "kubectl patch node k8s-node-1 -p '{\"spec\":{\"unschedulable\":true}}'"),
        (
            "Change an image by JSON patch",
            "kubectl patch pod valid-pod --type='json' -p='[{\"op\": \"replace\", \"path\": \"/spec/containers/0/image\", \"value\":\"new image\"}]'",
        ),
    ],
    flags: &[FLAGS, PRINT_FLAGS, DRY_RUN_FLAG, FIELD_MANAGER_FLAG, FILE_FLAGS],
    run: Some(run),
    ..Command::EMPTY
};

fn run(k: &mut Kube<'_, '_>, args: &Args) -> Result<Next, Error> {
    if args.changed("patch") && args.changed("patch-file") {
        return plain("cannot specify --patch and --patch-file together");
    }
    if args.str("patch").is_empty() && args.str("patch-file").is_empty() {
        return plain("must specify --patch or --patch-file containing the contents of the patch");
    }
    let kind = match args.str("type") {
        "strategic" => STRATEGIC,
        "merge" => MERGE,
        "json" => JSON_PATCH,
        other => return plain(format!("--type must be one of [json merge strategic], not \"{other}\"")),
    };
    let text = match args.str("patch-file") {
        "" => args.str("patch").to_owned(),
        "-" => String::from_utf8_lossy(&k.s.stdin.clone().unwrap_or_default()).into_owned(),
        file => match k.ctx.read_file(file) {
            Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            Err(e) => return plain(format!("unable to read patch file: open {file}: {}", e.message().to_lowercase())),
        },
    };
    let change = yaml::parse(&text).map_err(|e| Error::Plain(format!("unable to parse \"{text}\": {}", e.message)))?;
    let mut teller = Teller::of(k, args)?;
    let infos = k.find(&Find::new(args))?.strict()?;
    if infos.is_empty() {
        return plain("no objects passed to patch");
    }
    for info in infos {
        one(k, args, info, kind, &change, &mut teller)?;
    }
    DONE
}

fn one(
    k: &mut Kube<'_, '_>,
    args: &Args,
    info: Info,
    kind: &str,
    change: &Value,
    teller: &mut Teller,
) -> Result<(), Error> {
    let mut path = info.path();
    if args.changed("subresource") {
        path = format!("{path}/{}", args.str("subresource"));
    }
    let after = if teller.dry_run() == DryRun::Client {
        locally(&info, kind, change)?
    } else {
        let manager = if args.changed("field-manager") { args.str("field-manager") } else { "kubectl-patch" };
        k.patch(&path, kind, &[teller.dry_run().param(), ("fieldManager", manager)], change.clone()).map_err(|e| {
            let unsupported = e.api().is_some_and(|a| a.code == 415);
            if unsupported {
                let m = &info.mapping;
                let (version, kind_name) = (m.api_version(), &m.kind);
                let inner = e.text();
                return Error::Plain(format!("{kind} is not supported by {version}, Kind={kind_name}: {inner}"));
            }
            e
        })?
    };
    let mut out = info.clone();
    let unchanged = stable(&after) == stable(&info.object);
    out.object = after;
    teller.tell_info(k, &out, if unchanged { "patched (no change)" } else { "patched" })
}

/// An object without what a write changes by itself.
fn stable(object: &Value) -> Value {
    let mut o = object.clone();
    for key in ["/metadata/managedFields", "/metadata/resourceVersion"] {
        crate::json::remove(&mut o, key);
    }
    o
}

fn locally(info: &Info, kind: &str, change: &Value) -> Result<Value, Error> {
    let failed = |e: patch::Error| Error::Plain(e.0);
    match kind {
        JSON_PATCH => patch::json::apply(&info.object, change).map_err(failed),
        MERGE => Ok(patch::merge::apply(&info.object, change)),
        _ => match patch::meta::for_kind(&info.mapping.group, &info.mapping.kind) {
            Some(meta) => patch::strategic::apply(&info.object, change, meta).map_err(failed),
            None => plain(format!(
                "strategic merge patch is not supported for {}, Kind={} locally, try --type merge",
                info.mapping.api_version(),
                at(&info.object, "/kind").as_str().unwrap_or("")
            )),
        },
    }
}
