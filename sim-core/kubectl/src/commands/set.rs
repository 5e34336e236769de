//! `kubectl set image|env|resources|selector|serviceaccount|subject`.
//!
//! Models: kubectl `cmd/set`.

use crate::builder::{FILE_FLAGS, Find, Info, SELECTOR_FLAG, group_of};
use crate::create::amounts as create_amounts;
use crate::error::{Error, plain};
use crate::flags::{Args, Command, Flag, Group, Kind, boolean, flag, short, string};
use crate::json::{at, has, list, members, set, shown, text};
use crate::pod_spec;
use crate::printers::{DRY_RUN_FLAG, DryRun, FIELD_MANAGER_FLAG, PRINT_FLAGS, Teller};
use crate::session::Kube;
use crate::task::{DONE, Next};
use serde_json::{Value, json};

const ALL: &[Flag] =
    &[boolean("all", "All resources of the types, in the namespace."), boolean("local", "Work on the file only.")];
const CONTAINERS: &[Flag] =
    &[short('c', "containers", Kind::Str, "*", "Names of the containers to change, '*' for all.")];

pub static COMMAND: Command = Command {
    name: "set",
    group: Group::Beginner,
    short: "Set specific features on objects",
    usage: "SUBCOMMAND [options]",
    long: "Configure application resources.\n\n These commands help you make changes to existing application resources.",
    subs: &[&ENV, &IMAGE, &RESOURCES, &SELECTOR, &SERVICE_ACCOUNT, &SUBJECT],
    ..Command::EMPTY
};

static IMAGE: Command = Command {
    name: "image",
    short: "Update the image of a pod template",
    usage: "(-f FILENAME | TYPE NAME) CONTAINER_NAME_1=CONTAINER_IMAGE_1 ... CONTAINER_NAME_N=CONTAINER_IMAGE_N [options]",
    examples: &[("Change two containers", "kubectl set image deployment/nginx busybox=busybox nginx=nginx:1.9.1")],
    flags: &[ALL, PRINT_FLAGS, DRY_RUN_FLAG, FIELD_MANAGER_FLAG, FILE_FLAGS, SELECTOR_FLAG],
    run: Some(image),
    ..Command::EMPTY
};

static ENV: Command = Command {
    name: "env",
    short: "Update environment variables on a pod template",
    usage: "RESOURCE/NAME KEY_1=VAL_1 ... KEY_N=VAL_N [options]",
    examples: &[
        ("Set a variable", "kubectl set env deployment/registry STORAGE_DIR=/local"),
        ("List variables", "kubectl set env deployment/sample-build --list"),
        ("Remove a variable", "kubectl set env deploy/registry STORAGE_DIR-"),
    ],
    flags: &[
        &[
            short('e', "env", Kind::Array, "", "Variables to set."),
            string("from", "A resource to take variables from: configmap/NAME or secret/NAME."),
            flag("keys", Kind::List, "", "Keys to take from it."),
            boolean("list", "Show the variables."),
            flag("overwrite", Kind::Bool, "true", "Let existing variables be changed."),
            string("prefix", "Put before the names taken from elsewhere."),
            boolean("resolve", "Show values of references when listing."),
        ],
        CONTAINERS,
        ALL,
        PRINT_FLAGS,
        DRY_RUN_FLAG,
        FIELD_MANAGER_FLAG,
        FILE_FLAGS,
        SELECTOR_FLAG,
    ],
    run: Some(env),
    ..Command::EMPTY
};

static RESOURCES: Command = Command {
    name: "resources",
    short: "Update resource requests/limits on objects with pod templates",
    usage: "(-f FILENAME | TYPE NAME) ([--limits=LIMITS & --requests=REQUESTS] [options]",
    examples: &[("Set limits", "kubectl set resources deployment nginx --limits=cpu=200m,memory=512Mi")],
    flags: &[
        &[
            string("limits", "Limits, 'cpu=100m,memory=256Mi'."),
            string("requests", "Requests, 'cpu=100m,memory=256Mi'."),
        ],
        CONTAINERS,
        ALL,
        PRINT_FLAGS,
        DRY_RUN_FLAG,
        FIELD_MANAGER_FLAG,
        FILE_FLAGS,
        SELECTOR_FLAG,
    ],
    run: Some(resources),
    ..Command::EMPTY
};

static SELECTOR: Command = Command {
    name: "selector",
    short: "Set the selector on a resource",
    usage: "(-f FILENAME | TYPE NAME) EXPRESSIONS [--resource-version=version] [options]",
    flags: &[ALL, PRINT_FLAGS, DRY_RUN_FLAG, FIELD_MANAGER_FLAG, FILE_FLAGS],
    run: Some(selector),
    ..Command::EMPTY
};

static SERVICE_ACCOUNT: Command = Command {
    name: "serviceaccount",
    aliases: &["sa"],
    short: "Update the service account of a resource",
    usage: "(-f FILENAME | TYPE NAME) SERVICE_ACCOUNT [options]",
    flags: &[ALL, PRINT_FLAGS, DRY_RUN_FLAG, FIELD_MANAGER_FLAG, FILE_FLAGS],
    run: Some(service_account),
    ..Command::EMPTY
};

static SUBJECT: Command = Command {
    name: "subject",
    short: "Update the user, group, or service account in a role binding or cluster role binding",
    usage: "(-f FILENAME | TYPE NAME) [--user=username] [--group=groupname] [--serviceaccount=namespace:serviceaccountname] [options]",
    flags: &[
        &[
            flag("group", Kind::List, "", "Groups to add."),
            flag("serviceaccount", Kind::List, "", "Service accounts to add, <namespace>:<name>."),
            flag("user", Kind::List, "", "Users to add."),
        ],
        ALL,
        PRINT_FLAGS,
        DRY_RUN_FLAG,
        FIELD_MANAGER_FLAG,
        FILE_FLAGS,
        SELECTOR_FLAG,
    ],
    run: Some(subject),
    ..Command::EMPTY
};

/// Changes every object found; `change` answers with the new object.
fn change_all(
    k: &mut Kube<'_, '_>,
    args: &Args,
    resources: &[String],
    done: &str,
    change: &mut dyn FnMut(&Info) -> Result<Value, Error>,
) -> Result<Next, Error> {
    let mut teller = Teller::of(k, args)?;
    let infos = k.find(&Find::new(args).with_args(resources))?.strict()?;
    let mut errors = Vec::new();
    for mut info in infos {
        let after = match change(&info) {
            Ok(v) => v,
            Err(e) => {
                errors.push(e);
                continue;
            }
        };
        if after == info.object {
            continue;
        }
        if teller.dry_run() == DryRun::Client {
            info.object = after;
        } else {
            let (kind, patch) = pod_spec::two_way(&info, &after)?;
            let params = [teller.dry_run().param(), ("fieldManager", "kubectl-set")];
            match k.patch(&info.path(), kind, &params, patch) {
                Ok(object) => info.object = object,
                Err(e) if args.command.name == "image" => {
                    errors.push(Error::Plain(format!("failed to patch image update to pod template: {}", e.text())));
                    continue;
                }
                Err(e) => {
                    errors.push(Error::Plain(format!("failed to patch: {}", e.text())));
                    continue;
                }
            }
        }
        teller.tell_info(k, &info, done)?;
    }
    Error::all(errors)?;
    DONE
}

/// Resources, then `key=value` or `key-` words.
fn split_pairs(args: &Args) -> (&[String], &[String]) {
    let is_pair = |w: &String| w.contains('=') || (w.ends_with('-') && !w.contains('/'));
    let first = args.rest.iter().position(is_pair).unwrap_or(args.rest.len());
    args.rest.split_at(first)
}

const NO_RESOURCES: &str = "one or more resources must be specified as <resource> <name> or <resource>/<name>";

fn spec_pointer(info: &Info) -> Result<&'static str, Error> {
    match pod_spec::pointer(&info.object) {
        Some(p) => Ok(p),
        None => plain(format!("the object is not a pod or does not have a pod template: {}", info.mapping.kind)),
    }
}

fn image(k: &mut Kube<'_, '_>, args: &Args) -> Result<Next, Error> {
    let (resources, pairs) = split_pairs(args);
    let mut problems = Vec::new();
    if resources.is_empty() && args.list("filename").is_empty() {
        problems.push(Error::Plain(NO_RESOURCES.into()));
    }
    if pairs.is_empty() {
        problems.push(Error::Plain("at least one image update is required".into()));
    }
    Error::all(problems)?;
    let pairs: Vec<(String, String)> =
        pairs.iter().filter_map(|p| p.split_once('=')).map(|(c, i)| (c.to_owned(), i.to_owned())).collect();
    if pairs.len() > 1 && pairs.iter().any(|(c, _)| c == "*") {
        return plain(
            "all containers are already specified by *, but saw more than one container_name=container_image pairs",
        );
    }
    change_all(k, args, resources, "image updated", &mut |info| {
        let spec = spec_pointer(info)?;
        let mut after = info.object.clone();
        for (container, image) in &pairs {
            let mut found = false;
            for key in ["initContainers", "containers"] {
                let count = list(&after, &format!("{spec}/{key}")).len();
                for i in 0..count {
                    let at_ = format!("{spec}/{key}/{i}");
                    if container == "*" || text(&after, &format!("{at_}/name")) == container {
                        found = true;
                        set(&mut after, &format!("{at_}/image"), json!(image));
                    }
                }
            }
            if !found {
                return plain(format!("error: unable to find container named \"{container}\""));
            }
        }
        Ok(after)
    })
}

/// Indexes of the containers that `--containers` chooses.
fn chosen(args: &Args, object: &Value, spec: &str) -> Vec<usize> {
    let wanted = args.str("containers");
    let matches = |c: &Value| wanted == "*" || glob(wanted, text(c, "/name"));
    list(object, &format!("{spec}/containers")).iter().enumerate().filter(|(_, c)| matches(c)).map(|(i, _)| i).collect()
}

fn glob(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        Some((head, tail)) => name.len() >= head.len() + tail.len() && name.starts_with(head) && name.ends_with(tail),
        None => pattern == name,
    }
}

fn env(k: &mut Kube<'_, '_>, args: &Args) -> Result<Next, Error> {
    let (resources, words) = split_pairs(args);
    if resources.is_empty() && args.list("filename").is_empty() {
        return plain(NO_RESOURCES);
    }
    if args.bool("list") {
        return list_env(k, args, resources);
    }
    let mut add: Vec<Value> = Vec::new();
    let mut drop: Vec<String> = Vec::new();
    for word in args.list("env").iter().chain(words) {
        match (word.split_once('='), word.strip_suffix('-')) {
            (Some((key, value)), _) => add.push(json!({"name": key, "value": value})),
            (None, Some(key)) => drop.push(key.into()),
            _ => {
                return plain(format!(
                    "environment variables must be of the form key=value and can only be read from stdin with \"-\": {word}"
                ));
            }
        }
    }
    if !args.str("from").is_empty() {
        add.extend(from_resource(k, args)?);
    }
    if add.is_empty() && drop.is_empty() {
        return plain("at least one environment variable must be provided");
    }
    change_all(k, args, resources, "env updated", &mut |info| {
        let spec = spec_pointer(info)?;
        let mut after = info.object.clone();
        for i in chosen(args, &info.object, spec) {
            let pointer = format!("{spec}/containers/{i}/env");
            let mut all = list(&after, &pointer).to_vec();
            all.retain(|e| !drop.iter().any(|d| d == text(e, "/name")));
            for new in &add {
                match all.iter_mut().find(|e| text(e, "/name") == text(new, "/name")) {
                    Some(old) if !args.bool("overwrite") => {
                        let (key, value) = (text(old, "/name"), text(old, "/value"));
                        return plain(format!("'{key}' already has a value ({value}), and --overwrite is false"));
                    }
                    Some(old) => *old = new.clone(),
                    None => all.push(new.clone()),
                }
            }
            if all.is_empty() {
                crate::json::remove(&mut after, &pointer);
            } else {
                set(&mut after, &pointer, all.into());
            }
        }
        Ok(after)
    })
}

/// Variables that refer to each key of a config map or secret.
fn from_resource(k: &mut Kube<'_, '_>, args: &Args) -> Result<Vec<Value>, Error> {
    let (kind, object_name) = crate::builder::split_slash(args.str("from"))?;
    let mapping = k.mapping(kind)?;
    let reference = match mapping.kind.as_str() {
        "ConfigMap" => "configMapKeyRef",
        "Secret" => "secretKeyRef",
        _ => return plain("unsupported resource specified in --from"),
    };
    let (namespace, _) = k.namespace()?;
    let source = k.get(&mapping.object_path(&namespace, object_name))?;
    let keys = args.list("keys");
    let variable = |key: &String| {
        let name: String =
            key.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' }).collect();
        json!({"name": format!("{}{name}", args.str("prefix")), "valueFrom": {reference: {"name": object_name, "key": key}}})
    };
    let all = members(&source, "/data");
    Ok(all.iter().map(|(key, _)| *key).filter(|key| keys.is_empty() || keys.contains(key)).map(variable).collect())
}

fn list_env(k: &mut Kube<'_, '_>, args: &Args, resources: &[String]) -> Result<Next, Error> {
    for info in k.find(&Find::new(args).with_args(resources))?.strict()? {
        let spec = spec_pointer(&info)?;
        for i in chosen(args, &info.object, spec) {
            let c = at(&info.object, &format!("{spec}/containers/{i}"));
            k.line(&format!("# {} {}, container {}", info.mapping.kind, info.name, text(c, "/name")));
            for e in list(c, "/env") {
                if !has(e, "/valueFrom") {
                    k.line(&format!("{}={}", text(e, "/name"), text(e, "/value")));
                    continue;
                }
                let from = members(e, "/valueFrom").first().map_or(String::new(), |(kind, r)| match kind.as_str() {
                    "configMapKeyRef" => format!("configmap {}, key {}", text(r, "/name"), text(r, "/key")),
                    "secretKeyRef" => format!("secret {}, key {}", text(r, "/name"), text(r, "/key")),
                    "fieldRef" => format!("field path {}", text(r, "/fieldPath")),
                    _ => format!("resource field {}", shown(at(r, "/resource"))),
                });
                k.line(&format!("# {} from {from}", text(e, "/name")));
            }
        }
    }
    DONE
}

fn resources(k: &mut Kube<'_, '_>, args: &Args) -> Result<Next, Error> {
    if args.str("limits").is_empty() && args.str("requests").is_empty() {
        return plain("you must specify an update to requests or limits (in the form of --requests/--limits)");
    }
    let mut amounts = Vec::new();
    for flag in ["limits", "requests"] {
        amounts.push((flag, create_amounts(args.str(flag))?));
    }
    change_all(k, args, &args.rest, "resource requirements updated", &mut |info| {
        let spec = spec_pointer(info)?;
        let mut after = info.object.clone();
        let containers = chosen(args, &info.object, spec);
        if containers.is_empty() {
            return plain(format!("error: unable to find container named {}", args.str("containers")));
        }
        for i in containers {
            for (flag, all) in &amounts {
                for (resource, amount) in members(all, "") {
                    let resource = crate::json::escape(resource);
                    set(&mut after, &format!("{spec}/containers/{i}/resources/{flag}/{resource}"), amount.clone());
                }
            }
        }
        Ok(after)
    })
}

fn selector(k: &mut Kube<'_, '_>, args: &Args) -> Result<Next, Error> {
    let Some((last, resources)) = args.rest.split_last().filter(|(last, _)| last.contains('=')) else {
        return plain("one selector is required");
    };
    let mut labels = json!({});
    for pair in last.split(',') {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        labels[key] = json!(value);
    }
    change_all(k, args, resources, "selector updated", &mut |info| {
        if info.mapping.kind != "Service" {
            return plain("setting a selector is only supported for Services");
        }
        let mut after = info.object.clone();
        set(&mut after, "/spec/selector", labels.clone());
        Ok(after)
    })
}

fn service_account(k: &mut Kube<'_, '_>, args: &Args) -> Result<Next, Error> {
    let Some((account, resources)) = args.rest.split_last() else { return plain("serviceaccount is required") };
    change_all(k, args, resources, "serviceaccount updated", &mut |info| {
        let spec = spec_pointer(info)?;
        let mut after = info.object.clone();
        set(&mut after, &format!("{spec}/serviceAccountName"), json!(account));
        Ok(after)
    })
}

fn subject(k: &mut Kube<'_, '_>, args: &Args) -> Result<Next, Error> {
    const GROUP: &str = "rbac.authorization.k8s.io";
    let mut add: Vec<Value> = Vec::new();
    for (flag, kind) in [("user", "User"), ("group", "Group")] {
        add.extend(args.list(flag).into_iter().map(|n| json!({"kind": kind, "apiGroup": GROUP, "name": n})));
    }
    for account in args.list("serviceaccount") {
        let Some((place, name)) = account.split_once(':') else {
            return plain("serviceaccount must be <namespace>:<name>");
        };
        add.push(json!({"kind": "ServiceAccount", "namespace": place, "name": name}));
    }
    if add.is_empty() {
        return plain("you must specify at least one value of user, group or serviceaccount");
    }
    change_all(k, args, &args.rest, "subjects updated", &mut |info| {
        if group_of(&info.object) != GROUP || !info.mapping.kind.ends_with("Binding") {
            return plain("setting subjects is only supported for RoleBinding/ClusterRoleBinding");
        }
        let mut after = info.object.clone();
        let mut all = list(&after, "/subjects").to_vec();
        for s in &add {
            if !all.contains(s) {
                all.push(s.clone());
            }
        }
        set(&mut after, "/subjects", all.into());
        Ok(after)
    })
}
