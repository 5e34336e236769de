//! `create role`, `clusterrole`, `rolebinding`, `clusterrolebinding`.

use super::{CREATE_FLAGS, one_name, submit};
use crate::commands::apply::VALIDATE_FLAG;
use crate::error::{Error, plain};
use crate::flags::{Args, Command, Flag, Kind, flag, string};
use crate::printers::{DRY_RUN_FLAG, PRINT_FLAGS};
use crate::session::Kube;
use crate::task::Next;
use serde_json::{Value, json};

const GROUP: &str = "rbac.authorization.k8s.io";
const VERBS: &[&str] = &[
    "get",
    "delete",
    "list",
    "create",
    "update",
    "patch",
    "watch",
    "deletecollection",
    "use",
    "bind",
    "escalate",
    "impersonate",
    "proxy",
    "approve",
    "sign",
    "attest",
    "*",
];

const RULE_FLAGS: &[Flag] = &[
    flag("resource", Kind::List, "", "Resources that the rule applies to."),
    flag("resource-name", Kind::Array, "", "Names of objects that the rule is limited to."),
    flag("verb", Kind::List, "", "Verbs that the rule allows."),
];

const SUBJECT_FLAGS: &[Flag] = &[
    string("clusterrole", "The cluster role to bind."),
    flag("group", Kind::Array, "", "Groups to bind to the role."),
    flag("serviceaccount", Kind::Array, "", "Service accounts to bind, <namespace>:<name>."),
    flag("user", Kind::Array, "", "Users to bind to the role."),
];

pub static ROLE: Command = Command {
    name: "role",
    short: "Create a role with single rule",
    usage: "NAME --verb=verb --resource=resource.group/subresource [--resource-name=resourcename] [options]",
    examples: &[("Look at pods", "kubectl create role pod-reader --verb=get --verb=list --verb=watch --resource=pods")],
    flags: &[RULE_FLAGS, CREATE_FLAGS, VALIDATE_FLAG, PRINT_FLAGS, DRY_RUN_FLAG],
    run: Some(|k, args| role(k, args, "Role")),
    ..Command::EMPTY
};

pub static CLUSTER_ROLE: Command = Command {
    name: "clusterrole",
    short: "Create a cluster role",
    usage: "NAME --verb=verb --resource=resource.group [--resource-name=resourcename] [options]",
    examples: &[(
        "Look at pods everywhere",
        "kubectl create clusterrole pod-reader --verb=get,list,watch --resource=pods",
    )],
    flags: &[
        RULE_FLAGS,
        &[
            string("aggregation-rule", "Labels of the cluster roles to put together."),
            flag("non-resource-url", Kind::List, "", "Paths that the rule applies to."),
        ],
        CREATE_FLAGS,
        VALIDATE_FLAG,
        PRINT_FLAGS,
        DRY_RUN_FLAG,
    ],
    run: Some(|k, args| role(k, args, "ClusterRole")),
    ..Command::EMPTY
};

fn role(k: &mut Kube<'_, '_>, args: &Args, kind: &str) -> Result<Next, Error> {
    let name = one_name(args)?;
    let mut object = json!({"apiVersion": format!("{GROUP}/v1"), "kind": kind, "metadata": {"name": name}});
    let wrap = if kind == "Role" { "failed to create role" } else { "failed to create clusterrole" };
    if !args.str("aggregation-rule").is_empty() {
        let mut labels = json!({});
        for pair in args.str("aggregation-rule").split(',') {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            labels[key] = json!(value);
        }
        object["aggregationRule"] = json!({"clusterRoleSelectors": [{"matchLabels": labels}]});
        object["rules"] = json!([]);
        return submit(k, args, object, wrap);
    }
    let mut verbs = args.list("verb");
    if verbs.is_empty() {
        return plain("at least one verb must be specified");
    }
    if verbs.iter().any(|v| v == "*") {
        verbs = vec!["*".into()];
    }
    let urls = args.list("non-resource-url");
    if args.list("resource").is_empty() && urls.is_empty() {
        return plain(if kind == "Role" {
            "at least one resource must be specified"
        } else {
            "one of resource or nonResourceURL must be specified"
        });
    }
    for verb in verbs.iter().filter(|v| !VERBS.contains(&v.as_str())) {
        k.err(&format!("Warning: '{verb}' is not a standard resource verb\n"));
    }
    let mut rules = Vec::new();
    for (group, resources) in resources(k, args)? {
        let mut rule = json!({"apiGroups": [group], "resources": resources, "verbs": verbs});
        if !args.list("resource-name").is_empty() {
            rule["resourceNames"] = args.list("resource-name").into();
        }
        rules.push(rule);
    }
    if !urls.is_empty() {
        rules.push(json!({"nonResourceURLs": urls, "verbs": verbs}));
    }
    object["rules"] = rules.into();
    submit(k, args, object, wrap)
}

/// The resources named, by API group.
fn resources(k: &mut Kube<'_, '_>, args: &Args) -> Result<Vec<(String, Vec<String>)>, Error> {
    let mut out: Vec<(String, Vec<String>)> = Vec::new();
    for word in args.list("resource") {
        let (resource, sub) = word.split_once('/').unwrap_or((&word, ""));
        let (group, plural) = if resource == "*" {
            ("*".to_owned(), "*".to_owned())
        } else {
            match k.discovery()?.find(resource) {
                Some(m) => (m.group.clone(), m.plural.clone()),
                None => return Err(no_resource(resource)),
            }
        };
        let full = if sub.is_empty() { plural } else { format!("{plural}/{sub}") };
        match out.iter_mut().find(|(g, _)| *g == group) {
            Some((_, all)) => {
                if !all.contains(&full) {
                    all.push(full);
                }
            }
            None => out.push((group, vec![full])),
        }
    }
    Ok(out)
}

fn no_resource(resource: &str) -> Error {
    match resource.split_once('.') {
        Some((r, group)) => {
            Error::Bare(format!("the server doesn't have a resource type \"{r}\" in group \"{group}\""))
        }
        None => Error::NoResource(resource.into()),
    }
}

pub static ROLE_BINDING: Command = Command {
    name: "rolebinding",
    short: "Create a role binding for a particular role or cluster role",
    usage: "NAME --clusterrole=NAME|--role=NAME [--user=username] [--group=groupname] [--serviceaccount=namespace:serviceaccountname] [options]",
    flags: &[
        &[string("role", "The role to bind.")],
        SUBJECT_FLAGS,
        CREATE_FLAGS,
        VALIDATE_FLAG,
        PRINT_FLAGS,
        DRY_RUN_FLAG,
    ],
    run: Some(|k, args| {
        if args.str("clusterrole").is_empty() == args.str("role").is_empty() {
            return plain("exactly one of clusterrole or role must be specified");
        }
        binding(k, args, "RoleBinding")
    }),
    ..Command::EMPTY
};

pub static CLUSTER_ROLE_BINDING: Command = Command {
    name: "clusterrolebinding",
    short: "Create a cluster role binding for a particular cluster role",
    usage: "NAME --clusterrole=NAME [--user=username] [--group=groupname] [--serviceaccount=namespace:serviceaccountname] [options]",
    flags: &[SUBJECT_FLAGS, CREATE_FLAGS, VALIDATE_FLAG, PRINT_FLAGS, DRY_RUN_FLAG],
    required: &["clusterrole"],
    run: Some(|k, args| binding(k, args, "ClusterRoleBinding")),
    ..Command::EMPTY
};

fn binding(k: &mut Kube<'_, '_>, args: &Args, kind: &str) -> Result<Next, Error> {
    let name = one_name(args)?;
    let mut subjects: Vec<Value> = Vec::new();
    for (flag, subject) in [("user", "User"), ("group", "Group")] {
        let of = |n: String| json!({"kind": subject, "apiGroup": GROUP, "name": n});
        subjects.extend(args.list(flag).into_iter().map(of));
    }
    for account in args.list("serviceaccount") {
        let Some((place, n)) = account.split_once(':').filter(|(p, n)| !p.is_empty() && !n.is_empty()) else {
            return plain("serviceaccount must be <namespace>:<name>");
        };
        subjects.push(json!({"kind": "ServiceAccount", "name": n, "namespace": place}));
    }
    let role = if args.str("clusterrole").is_empty() {
        ("Role", args.str("role"))
    } else {
        ("ClusterRole", args.str("clusterrole"))
    };
    let mut object = json!({
        "apiVersion": format!("{GROUP}/v1"), "kind": kind, "metadata": {"name": name},
        "roleRef": {"apiGroup": GROUP, "kind": role.0, "name": role.1},
    });
    if !subjects.is_empty() {
        object["subjects"] = subjects.into();
    }
    let wrap =
        if kind == "RoleBinding" { "failed to create rolebinding" } else { "failed to create clusterrolebinding" };
    submit(k, args, object, wrap)
}
