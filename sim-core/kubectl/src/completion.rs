//! Candidates for the Tab key: commands, flags, kinds, names, namespaces, containers.

use crate::commands::ROOT;
use crate::error::Error;
use crate::flags::{self, Command, GLOBAL};
use crate::json::{list, name, text};
use crate::session::{Kube, Session};
use apimachinery::order::Order as _;
use machine::process::Ctx;

/// Commands whose arguments are a type and names.
const TYPED: &[&str] = &[
    "get",
    "describe",
    "delete",
    "edit",
    "label",
    "annotate",
    "patch",
    "scale",
    "expose",
    "autoscale",
    "wait",
    "status",
    "history",
    "undo",
    "restart",
    "pause",
    "resume",
    "image",
    "env",
    "resources",
];
/// Commands whose first argument is a pod.
const PODS: &[&str] = &["logs", "exec", "attach", "port-forward", "cp", "debug"];
const NODES: &[&str] = &["cordon", "uncordon", "drain", "node"];
/// Types offered where only what rolls out makes sense.
const ROLLING: &[&str] = &["deployment", "daemonset", "statefulset"];

pub fn complete(words: &[String], ctx: &mut Ctx<'_>) -> Vec<String> {
    let Some((last, before)) = words.split_last() else { return Vec::new() };
    let mut session = Session { flags: flags::parse(&ROOT, before).ok(), ..Session::default() };
    let mut k = Kube { ctx, s: &mut session };
    let mut all = candidates(&mut k, before, last).unwrap_or_default();
    all.retain(|c| c.starts_with(last.as_str()));
    all.order();
    all.dedup();
    all
}

fn candidates(k: &mut Kube<'_, '_>, before: &[String], last: &str) -> Result<Vec<String>, Error> {
    let (command, rest) = command_of(before);
    if last.starts_with('-') {
        let all = command.own_flags().chain(GLOBAL).map(|f| format!("--{}", f.name));
        return Ok(all.collect());
    }
    match before.last().map(String::as_str) {
        Some("-n" | "--namespace") => return names(k, "namespaces"),
        Some("-o" | "--output") => {
            return Ok(["json", "yaml", "name", "wide", "jsonpath=", "custom-columns=", "go-template="]
                .map(Into::into)
                .to_vec());
        }
        Some("-c" | "--container") => return containers(k, &rest),
        Some("-f" | "--filename") => return Ok(Vec::new()),
        Some("--context") => return contexts(k),
        _ => {}
    }
    if !command.subs.is_empty() && rest.is_empty() {
        let mut all: Vec<String> = command.subs.iter().map(|c| c.name.to_owned()).collect();
        if command.name == "kubectl" {
            all.push("help".into());
        }
        return Ok(all);
    }
    if NODES.contains(&command.name) {
        return names(k, "nodes");
    }
    if PODS.contains(&command.name) && rest.is_empty() {
        return match last.split_once('/') {
            Some((kind, _)) => typed_names(k, kind),
            None => names(k, "pods"),
        };
    }
    if command.name == "use-context" || command.name == "delete-context" {
        return contexts(k);
    }
    if command.name == "explain" && rest.is_empty() {
        return kinds(k, "");
    }
    if !TYPED.contains(&command.name) {
        return Ok(Vec::new());
    }
    match rest.as_slice() {
        [] => match last.split_once('/') {
            Some((kind, _)) => typed_names(k, kind),
            None if ["status", "history", "undo", "restart", "pause", "resume"].contains(&command.name) => {
                Ok(ROLLING.iter().map(|k| (*k).to_owned()).collect())
            }
            None => kinds(k, last),
        },
        [kind, ..] if !kind.contains('/') => names(k, kind),
        _ => match last.split_once('/') {
            Some((kind, _)) => typed_names(k, kind),
            None => Ok(Vec::new()),
        },
    }
}

/// The command of the words so far and its arguments.
fn command_of(before: &[String]) -> (&'static Command, Vec<String>) {
    let (mut command, mut rest): (&'static Command, _) = (&ROOT, Vec::new());
    let mut skip = false;
    for word in before {
        if skip {
            skip = false;
        } else if word.starts_with('-') {
            skip = !word.contains('=')
                && matches!(word.as_str(), "-n" | "--namespace" | "-o" | "--output" | "-l" | "-f" | "-c");
        } else if let Some(sub) = command.sub(word).filter(|_| rest.is_empty()) {
            command = sub;
        } else {
            rest.push(word.clone());
        }
    }
    (command, rest)
}

/// Types, the last of a comma list.
fn kinds(k: &mut Kube<'_, '_>, last: &str) -> Result<Vec<String>, Error> {
    let lead = last.rfind(',').map_or("", |i| &last[..=i]).to_owned();
    let found = k.discovery()?;
    Ok(found
        .resources
        .iter()
        .filter(|r| r.can("get"))
        .map(|r| {
            let clash =
                found.resources.iter().any(|o| o.plural == r.plural && o.group != r.group && !r.group.is_empty());
            let plain = r.group.is_empty() || (!r.group.contains('.') && !clash);
            format!("{lead}{}", if plain { r.plural.clone() } else { r.group_resource() })
        })
        .collect())
}

fn names(k: &mut Kube<'_, '_>, kind: &str) -> Result<Vec<String>, Error> {
    let mapping = k.mapping(kind)?;
    let namespace = if mapping.namespaced { k.namespace()?.0 } else { String::new() };
    Ok(k.list_of(&mapping.path(&namespace), &[])?.iter().map(|o| name(o).to_owned()).collect())
}

fn typed_names(k: &mut Kube<'_, '_>, kind: &str) -> Result<Vec<String>, Error> {
    Ok(names(k, kind)?.iter().map(|n| format!("{kind}/{n}")).collect())
}

fn containers(k: &mut Kube<'_, '_>, rest: &[String]) -> Result<Vec<String>, Error> {
    let Some(pod) = rest.first() else { return Ok(Vec::new()) };
    let (namespace, _) = k.namespace()?;
    let pod = k.get(&format!("/api/v1/namespaces/{namespace}/pods/{pod}"))?;
    Ok(crate::pod_spec::all_containers(&pod).iter().map(|(n, _)| (*n).to_owned()).collect())
}

fn contexts(k: &mut Kube<'_, '_>) -> Result<Vec<String>, Error> {
    let config = k.config()?;
    Ok(list(&config.value, "/contexts").iter().map(|c| text(c, "/name").to_owned()).collect())
}
