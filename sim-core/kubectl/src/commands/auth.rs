//! `kubectl auth can-i|whoami`.
//!
//! Models: kubectl `cmd/auth`.

use crate::builder::ALL_NAMESPACES_FLAG;
use crate::error::{Error, plain};
use crate::flags::{Args, Command, Flag, Group, boolean, string};
use crate::json::{boolean as truth, joined, list, members, shown, text};
use crate::printers::{PRINT_FLAGS, Printer};
use crate::rules::compact;
use crate::session::Kube;
use crate::tabs::Tabs;
use crate::task::{DONE, Next};
use serde_json::json;

pub static COMMAND: Command = Command {
    name: "auth",
    group: Group::Trouble,
    short: "Inspect authorization",
    usage: "[flags] [options]",
    subs: &[&CAN_I, &RECONCILE, &WHOAMI],
    ..Command::EMPTY
};

static CAN_I: Command = Command {
    name: "can-i",
    short: "Check whether an action is allowed",
    usage: "VERB [TYPE | TYPE/NAME | NONRESOURCEURL] [options]",
    examples: &[
        ("May I create pods anywhere", "kubectl auth can-i create pods --all-namespaces"),
        ("All I may do here", "kubectl auth can-i --list"),
        ("May a service account list pods", "kubectl auth can-i list pods --as=system:serviceaccount:dev:foo"),
    ],
    flags: &[
        &[
            boolean("list", "All actions that are allowed."),
            boolean("no-headers", "Print no headers."),
            Flag { short: 'q', ..boolean("quiet", "Only the exit code.") },
            string("subresource", "A subresource such as pod/log."),
        ],
        ALL_NAMESPACES_FLAG,
    ],
    run: Some(can_i),
    ..Command::EMPTY
};

static RECONCILE: Command = Command {
    name: "reconcile",
    short: "Reconciles rules for RBAC role, role binding, cluster role, and cluster role binding objects",
    run: Some(|_, _| plain("auth reconcile is not supported by this kubectl; use 'kubectl apply'")),
    ..Command::EMPTY
};

static WHOAMI: Command = Command {
    name: "whoami",
    short: "Experimental: Check self subject attributes",
    flags: &[PRINT_FLAGS],
    run: Some(whoami),
    ..Command::EMPTY
};

fn can_i(k: &mut Kube<'_, '_>, args: &Args) -> Result<Next, Error> {
    if args.bool("list") {
        return list_rules(k, args);
    }
    let (verb, what) = match args.rest.as_slice() {
        [verb, what] => (verb.clone(), what.clone()),
        [verb, kind, name] => (verb.clone(), format!("{kind}/{name}")),
        _ => return Err(args.usage_error("you must specify two arguments: verb resource or verb resource/resourceName.\nSee 'kubectl auth can-i -h' for help and examples.").clone()),
    };
    let namespace = if args.bool("all-namespaces") { String::new() } else { k.namespace()?.0 };
    let spec = if what.starts_with('/') {
        json!({"nonResourceAttributes": {"path": what, "verb": verb}})
    } else {
        let (resource, name) = what.split_once('/').unwrap_or((&what, ""));
        let found = k.discovery()?.find(resource);
        let (group, plural) = match &found {
            Some(m) => (m.group.clone(), m.plural.clone()),
            None if resource == "*" => ("*".into(), "*".into()),
            None => {
                k.err(&format!("Warning: the server doesn't have a resource type '{resource}'\n\n"));
                let (r, g) = resource.split_once('.').unwrap_or((resource, ""));
                (g.to_owned(), r.to_owned())
            }
        };
        if let Some(m) = found.filter(|m| !m.namespaced && !args.bool("all-namespaces")) {
            let group = if m.group.is_empty() { String::new() } else { format!(" in group '{}'", m.group) };
            k.err(&format!("Warning: resource '{}' is not namespace scoped{group}\n\n", m.plural));
        }
        json!({"resourceAttributes": {
            "namespace": namespace, "verb": verb, "group": group, "resource": plural,
            "subresource": args.str("subresource"), "name": name,
        }})
    };
    let review = json!({"kind": "SelfSubjectAccessReview", "apiVersion": "authorization.k8s.io/v1", "metadata": {}, "spec": spec});
    let answer = k.post("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", &[], review)?;
    let allowed = truth(&answer, "/status/allowed");
    if !args.bool("quiet") {
        let mut line = if allowed { "yes" } else { "no" }.to_owned();
        for key in ["/status/reason", "/status/evaluationError"] {
            if !allowed && !text(&answer, key).is_empty() {
                line.push_str(&format!(" - {}", text(&answer, key)));
            }
        }
        k.line(&line);
    }
    if allowed { DONE } else { Err(Error::Exit(1)) }
}

fn list_rules(k: &mut Kube<'_, '_>, args: &Args) -> Result<Next, Error> {
    let (namespace, _) = k.namespace()?;
    let review = json!({"kind": "SelfSubjectRulesReview", "apiVersion": "authorization.k8s.io/v1", "metadata": {}, "spec": {"namespace": namespace}});
    let answer = k.post("/apis/authorization.k8s.io/v1/selfsubjectrulesreviews", &[], review)?;
    if truth(&answer, "/status/incomplete") {
        let why = match text(&answer, "/status/evaluationError") {
            "" => "warning: the list may be incomplete\n".to_owned(),
            e => format!("warning: the list may be incomplete: {e}\n"),
        };
        k.err(&why);
    }
    let rules = list(&answer, "/status/resourceRules").iter().chain(list(&answer, "/status/nonResourceRules"));
    let mut table = Tabs::table();
    if !args.bool("no-headers") {
        table.row(&["Resources", "Non-Resource URLs", "Resource Names", "Verbs"]);
    }
    for rule in compact(rules) {
        table.row(&rule.cells());
    }
    let text = table.flush();
    k.out(&text);
    DONE
}

fn whoami(k: &mut Kube<'_, '_>, args: &Args) -> Result<Next, Error> {
    let review = json!({"kind": "SelfSubjectReview", "apiVersion": "authentication.k8s.io/v1", "metadata": {}});
    let answer = k.post("/apis/authentication.k8s.io/v1/selfsubjectreviews", &[], review)?;
    if let Some(mut p) = Printer::of(k, args)? {
        let text = p.print(&answer)?;
        k.out(&text);
        return DONE;
    }
    let mut table = Tabs::table();
    table.row(&["ATTRIBUTE", "VALUE"]);
    for (title, key) in [("Username", "/status/userInfo/username"), ("UID", "/status/userInfo/uid")] {
        if !text(&answer, key).is_empty() {
            table.row(&[title, text(&answer, key)]);
        }
    }
    let groups = joined(&answer, "/status/userInfo/groups", " ");
    if !groups.is_empty() {
        table.row(&["Groups".to_owned(), format!("[{groups}]")]);
    }
    for (key, values) in members(&answer, "/status/userInfo/extra") {
        let values: Vec<String> = list(values, "").iter().map(shown).collect();
        table.row(&[format!("Extra: {key}"), format!("[{}]", values.join(" "))]);
    }
    let text = table.flush();
    k.out(&text);
    DONE
}
