//! `kubectl apply`, client-side with the last-applied annotation, or server-side.
//!
//! Models: kubectl `cmd/apply` (apply.go, patcher.go, apply_view_last_applied.go).

use crate::builder::{ALL_NAMESPACES_FLAG, FILE_FLAGS, Find, Info, SELECTOR_FLAG, group_of};
use crate::client::{APPLY, MERGE, STRATEGIC};
use crate::commands::delete::{Deletion, cascade};
use crate::error::{Error, plain};
use crate::flags::{Args, Command, Flag, Group, Kind, boolean, flag, short, string};
use crate::json::{annotation, at, has, name, remove, set, text};
use crate::printers::{DRY_RUN_FLAG, DryRun, PRINT_FLAGS, Printer, as_list, group_kind};
use crate::session::Kube;
use crate::task::{DONE, Next};
use apimachinery::{json as gojson, patch, yaml};
use serde_json::{Value, json};

pub const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";
const LAST_APPLIED_POINTER: &str = "/metadata/annotations/kubectl.kubernetes.io~1last-applied-configuration";
const RETRIES: usize = 5;

pub const VALIDATE_FLAG: &[Flag] = &[Flag {
    bare: "strict",
    ..flag(
        "validate",
        Kind::Str,
        "strict",
        "\"strict\" (or true), \"warn\", \"ignore\" (or false): what unknown or repeated fields lead to.",
    )
}];

const FLAGS: &[Flag] = &[
    boolean("all", "With --prune: all resources of the namespace."),
    string("applyset", "[alpha] Name of the set that tracks the applied objects."),
    Flag {
        bare: "background",
        ..flag("cascade", Kind::Str, "background", "What becomes of dependents, with --force.")
    },
    boolean("force", "Delete and recreate what cannot be patched."),
    boolean("force-conflicts", "With --server-side: take over fields of other managers."),
    flag("field-manager", Kind::Str, "kubectl-client-side-apply", "Name under which field ownership is tracked."),
    flag("grace-period", Kind::Int, "-1", "Seconds given to end in order, with --force."),
    flag("openapi-patch", Kind::Bool, "true", "Make the patch by the server's schema where it has one."),
    flag("overwrite", Kind::Bool, "true", "Settle differences in favour of the file."),
    boolean("prune", "Delete what was applied before and is not in the files."),
    flag("prune-allowlist", Kind::Array, "", "With --prune: resources to look at."),
    boolean("server-side", "Let the server merge."),
    string("subresource", "Apply to this subresource."),
    flag("timeout", Kind::Duration, "0s", "How long to wait for a delete, with --force."),
    boolean("wait", "Wait until resources are gone, with --force."),
];

pub static COMMAND: Command = Command {
    name: "apply",
    group: Group::Advanced,
    short: "Apply a configuration to a resource by file name or stdin",
    usage: "(-f FILENAME | -k DIRECTORY) [options]",
    long: "Apply a configuration to a resource by file name or stdin. The resource is created if it does not exist yet.\n\n To use 'apply', create the resource with 'apply' or 'create --save-config'. JSON and YAML are accepted.",
    examples: &[
        ("Apply what is in a file", "kubectl apply -f ./pod.json"),
        ("Apply what comes from standard input", "cat pod.json | kubectl apply -f -"),
    ],
    flags: &[FLAGS, VALIDATE_FLAG, PRINT_FLAGS, DRY_RUN_FLAG, FILE_FLAGS, SELECTOR_FLAG],
    subs: &[&VIEW_LAST_APPLIED],
    run: Some(run),
    ..Command::EMPTY
};

static VIEW_LAST_APPLIED: Command = Command {
    name: "view-last-applied",
    short: "View the latest last-applied-configuration annotations of a resource/object",
    usage: "(TYPE [NAME | -l label] | TYPE/NAME | -f FILENAME) [options]",
    flags: &[
        &[
            short('o', "output", Kind::Str, "yaml", "Output format: yaml or json."),
            boolean("all", "All resources of the type."),
        ],
        FILE_FLAGS,
        SELECTOR_FLAG,
        ALL_NAMESPACES_FLAG,
    ],
    run: Some(view_last_applied),
    ..Command::EMPTY
};

/// What `--validate` asks of the server.
pub fn field_validation(args: &Args) -> Result<&'static str, Error> {
    match args.str("validate") {
        "strict" | "true" => Ok("Strict"),
        "warn" => Ok("Warn"),
        "ignore" | "false" => Ok("Ignore"),
        other => plain(format!(
            "invalid - validate option \"{other}\"; must be one of: strict (or true), warn, ignore (or false)"
        )),
    }
}

struct Apply<'a> {
    args: &'a Args,
    dry_run: DryRun,
    validation: &'static str,
    manager: String,
    printer: Option<Printer>,
    done: Vec<Value>,
}

fn run(k: &mut Kube<'_, '_>, args: &Args) -> Result<Next, Error> {
    if args.list("filename").is_empty() && args.str("kustomize").is_empty() {
        return plain("must specify one of -f and -k");
    }
    if !args.rest.is_empty() {
        return Err(args.usage_error(format!("Unexpected args: [{}]", args.rest.join(" "))));
    }
    let dry_run = DryRun::of(k, args)?;
    if args.bool("force-conflicts") && !args.bool("server-side") {
        return plain("--force-conflicts only works with --server-side");
    }
    if dry_run == DryRun::Client && args.bool("server-side") {
        return plain("--dry-run=client doesn't work with --server-side (did you mean --dry-run=server instead?)");
    }
    if args.bool("prune") {
        if args.str("selector").is_empty() && !args.bool("all") {
            return plain(
                "all resources selected for prune without explicitly passing --all. To prune all resources, pass the --all flag. If you did not mean to prune all resources, specify a label selector",
            );
        }
        return plain(
            "--prune is not supported by this kubectl; delete what is no longer wanted with 'kubectl delete'",
        );
    }
    let mut find = Find::new(args);
    find.selector = None;
    find.all = false;
    find.local = true;
    find.validate = !matches!(args.str("validate"), "false" | "ignore");
    let server_side = args.bool("server-side");
    let manager =
        if server_side && !args.changed("field-manager") { "kubectl" } else { args.str("field-manager") }.to_owned();
    let mut apply = Apply {
        args,
        dry_run,
        validation: field_validation(args)?,
        manager,
        printer: Printer::of(k, args)?,
        done: Vec::new(),
    };
    let found = k.find(&find)?;
    let mut errors = found.errors;
    if found.infos.is_empty() && errors.is_empty() {
        return plain("no objects passed to apply");
    }
    let wanted = args.str("selector");
    let selector = apimachinery::labels::Selector::parse(wanted).map_err(Error::Plain)?;
    for info in found.infos {
        if !wanted.is_empty() && !selector.matches(at(&info.object, "/metadata/labels")) {
            continue;
        }
        let outcome = if server_side { apply.server_side(k, info) } else { apply.client_side(k, info) };
        if let Err(e) = outcome {
            errors.push(e);
        }
    }
    if let Some(printer) = &mut apply.printer {
        let objects = core::mem::take(&mut apply.done);
        let text = match objects.as_slice() {
            [] => String::new(),
            [one] => printer.print(one)?,
            _ => printer.print(&as_list(objects))?,
        };
        k.out(&text);
    }
    Error::all(errors)?;
    DONE
}

impl Apply<'_> {
    fn tell(&mut self, k: &mut Kube<'_, '_>, object: Value, done: &str) {
        if self.printer.as_ref().is_some_and(|p| !p.is_name()) {
            self.done.push(object);
            return;
        }
        let line = match &self.printer {
            Some(_) => format!("{}/{}", group_kind(&object), name(&object)),
            None => format!("{}/{} {done}{}", group_kind(&object), name(&object), self.dry_run.suffix()),
        };
        k.line(&line);
    }

    fn params(&self) -> Vec<(&'static str, String)> {
        vec![
            (self.dry_run.param().0, self.dry_run.param().1.to_owned()),
            ("fieldManager", self.manager.clone()),
            ("fieldValidation", self.validation.to_owned()),
        ]
    }

    fn client_side(&mut self, k: &mut Kube<'_, '_>, info: Info) -> Result<(), Error> {
        if info.name.is_empty() {
            let generated = text(&info.object, "/metadata/generateName");
            if !generated.is_empty() {
                return plain(format!("from {generated}: cannot use generate name with apply"));
            }
            return plain("resource name may not be empty");
        }
        let modified = with_last_applied(&info.object);
        let current = k.try_get(&info).map_err(|e| {
            let verb = format!("retrieving current configuration of:\n{}\nfrom server for:", describe(&info));
            e.with_source(&verb, &info.source)
        })?;
        let Some(current) = current else {
            return self.create(k, &info, modified);
        };
        if annotation(&current, LAST_APPLIED).is_none() {
            k.err(&format!("Warning: resource {} is missing the {LAST_APPLIED} annotation which is required by kubectl apply. kubectl apply should only be used on resources created declaratively by either kubectl create --save-config or kubectl apply. The missing annotation will be patched automatically.\n", info.label()));
        }
        let (patch, object) = self.patch(k, &info, &modified, current)?;
        warn_if_deleting(k, &object);
        let unchanged = patch == json!({});
        self.tell(k, object, if unchanged { "unchanged" } else { "configured" });
        Ok(())
    }

    fn create(&mut self, k: &mut Kube<'_, '_>, info: &Info, mut object: Value) -> Result<(), Error> {
        prune_nulls(&mut object);
        if self.dry_run != DryRun::Client {
            let params = self.params();
            let params: Vec<(&str, &str)> = params.iter().map(|(n, v)| (*n, v.as_str())).collect();
            object = k
                .post(&info.mapping.path(&info.namespace), &params, object)
                .map_err(|e| e.with_source("creating", &info.source))?;
        }
        self.tell(k, object, "created");
        Ok(())
    }

    /// The patch that was sent and what became of the object.
    fn patch(
        &mut self,
        k: &mut Kube<'_, '_>,
        info: &Info,
        modified: &Value,
        first: Value,
    ) -> Result<(Value, Value), Error> {
        let params = self.params();
        let params: Vec<(&str, &str)> = params.iter().map(|(n, v)| (*n, v.as_str())).collect();
        let mut current = first;
        let mut last = None;
        let mut patch = json!({});
        for _ in 0..=RETRIES {
            let (kind, made) = make_patch(info, modified, &current, self.args.bool("overwrite"))?;
            patch = made;
            if patch == json!({}) {
                return Ok((patch, current));
            }
            if self.dry_run == DryRun::Client {
                let object = apply_locally(info, kind, &current, &patch)?;
                return Ok((patch, object));
            }
            match k.patch(&info.path(), kind, &params, patch.clone()) {
                Ok(object) => return Ok((patch, object)),
                Err(e) if e.is_conflict() => last = Some(e),
                Err(e) => {
                    last = Some(e);
                    break;
                }
            }
            current = k.get(&info.path())?;
        }
        let e = last.unwrap_or(Error::Exit(1));
        if self.args.bool("force") && matches!(e.reason(), "Conflict" | "Invalid") {
            return self.recreate(k, info, modified).map(|o| (modified.clone(), o));
        }
        let verb = format!("applying patch:\n{}\nto:\n{}\nfor:", gojson::compact(&patch), describe(info));
        Err(e.with_source("patching", &info.source).with_source(&verb, &info.source))
    }

    fn recreate(&self, k: &mut Kube<'_, '_>, info: &Info, modified: &Value) -> Result<Value, Error> {
        let deletion = Deletion { grace: 0, cascade: cascade(self.args)?, dry_run: self.dry_run, name_only: false };
        deletion.request(k, info)?;
        k.post(&info.mapping.path(&info.namespace), &[("fieldManager", &self.manager)], modified.clone())
    }

    fn server_side(&mut self, k: &mut Kube<'_, '_>, info: Info) -> Result<(), Error> {
        let params = self.params();
        let mut params: Vec<(&str, &str)> = params.iter().map(|(n, v)| (*n, v.as_str())).collect();
        let force = self.args.bool("force-conflicts").to_string();
        params.push(("force", &force));
        let mut path = info.path();
        if self.args.changed("subresource") {
            path = format!("{path}/{}", self.args.str("subresource"));
        }
        let object = k
            .patch(&path, APPLY, &params, info.object.clone())
            .map_err(|e| if e.is_conflict() { Error::Plain(conflicts(&e)) } else { e })?;
        warn_if_deleting(k, &object);
        self.tell(k, object, "serverside-applied");
        Ok(())
    }
}

fn conflicts(e: &Error) -> String {
    format!(
        "{}\nPlease review the fields above--they currently have other managers. Here\nare the ways you can resolve this warning:\n* If you intend to manage all of these fields, please re-run the apply\n  command with the `--force-conflicts` flag.\n* If you do not intend to manage all of the fields, please edit your\n  manifest to remove references to the fields that should keep their\n  current managers.\n* You may co-own fields by updating your manifest to match the existing\n  value; in this case, you'll become the manager if the other manager(s)\n  stop managing the field (remove it from their configuration).\nSee https://kubernetes.io/docs/reference/using-api/server-side-apply/#conflicts",
        e.text()
    )
}

fn describe(info: &Info) -> String {
    let m = &info.mapping;
    format!(
        "Resource: \"{0}/{1}, Resource={2}\", GroupVersionKind: \"{0}/{1}, Kind={3}\"\nName: \"{4}\", Namespace: \"{5}\"",
        m.group, m.version, m.plural, m.kind, info.name, info.namespace
    )
}

pub fn warn_if_deleting(k: &mut Kube<'_, '_>, object: &Value) {
    if has(object, "/metadata/deletionTimestamp") {
        k.err(&format!("Warning: Detected changes to resource {} which is currently being deleted.\n", name(object)));
    }
}

/// The object with its own text, without the annotation, as the annotation.
pub fn with_last_applied(object: &Value) -> Value {
    let mut plain = object.clone();
    if !at(&plain, "/metadata/annotations").is_object() {
        set(&mut plain, "/metadata/annotations", json!({}));
    }
    remove(&mut plain, LAST_APPLIED_POINTER);
    let text = format!("{}\n", gojson::compact(&plain));
    set(&mut plain, LAST_APPLIED_POINTER, json!(text));
    plain
}

fn original(current: &Value) -> Value {
    annotation(current, LAST_APPLIED).and_then(|t| gojson::parse(t.as_bytes()).ok()).unwrap_or_else(|| json!({}))
}

/// The three-way patch between what was applied last, what is wanted now, and what is there.
pub fn make_patch(
    info: &Info,
    modified: &Value,
    current: &Value,
    overwrite: bool,
) -> Result<(&'static str, Value), Error> {
    let original = original(current);
    let failed = |e: patch::Error| {
        Error::Plain(format!(
            "creating patch with:\noriginal:\n{}\nmodified:\n{}\ncurrent:\n{}\nfor: {}",
            gojson::compact(&original),
            gojson::compact(modified),
            gojson::compact(current),
            e.0
        ))
    };
    match patch::meta::for_kind(group_of(&info.object), &info.mapping.kind) {
        Some(meta) => patch::strategic::three_way(&original, modified, current, meta, overwrite)
            .map(|p| (STRATEGIC, p))
            .map_err(failed),
        None => patch::merge::three_way(&original, modified, current).map(|p| (MERGE, p)).map_err(failed),
    }
}

fn apply_locally(info: &Info, kind: &str, current: &Value, change: &Value) -> Result<Value, Error> {
    match patch::meta::for_kind(group_of(&info.object), &info.mapping.kind) {
        Some(meta) if kind == STRATEGIC => patch::strategic::apply(current, change, meta)
            .map_err(|e| Error::Plain(format!("applying patch locally: {}", e.0))),
        _ => Ok(patch::merge::apply(current, change)),
    }
}

fn prune_nulls(v: &mut Value) {
    match v {
        Value::Object(map) => {
            map.retain(|_, v| !v.is_null());
            map.values_mut().for_each(prune_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(prune_nulls),
        _ => {}
    }
}

fn view_last_applied(k: &mut Kube<'_, '_>, args: &Args) -> Result<Next, Error> {
    let mut find = Find::new(args);
    find.type_alone = true;
    for info in k.find(&find)?.strict()? {
        let Some(applied) = annotation(&info.object, LAST_APPLIED) else {
            return plain(format!("no last-applied-configuration annotation found on resource: {}", info.name));
        };
        let value = gojson::parse(applied.as_bytes()).map_err(|e| Error::Plain(e.message))?;
        let text = match args.str("output") {
            "json" => format!("{}\n", gojson::indented(&value, "  ")),
            "yaml" => yaml::to_string(&value),
            other => {
                return Err(args.usage_error(format!(
                    "Unexpected -o output mode: {other}, the flag 'output' must be one of yaml|json"
                )));
            }
        };
        k.out(&text);
    }
    DONE
}
