//! `kubectl diff`: what apply would change, as the server would see it.
//!
//! Models: kubectl `cmd/diff`.

use crate::builder::{FILE_FLAGS, Find, Info, SELECTOR_FLAG};
use crate::client::APPLY;
use crate::commands::apply::{make_patch, with_last_applied};
use crate::error::{Error, plain};
use crate::flags::{Args, Command, Flag, Group, Kind, boolean, flag};
use crate::json::remove;
use crate::session::Kube;
use crate::task::{DONE, Next};
use apimachinery::yaml;
use serde_json::{Value, json};

const FLAGS: &[Flag] = &[
    flag("concurrency", Kind::Int, "1", "Objects at once."),
    flag("field-manager", Kind::Str, "kubectl-client-side-apply", "Name under which field ownership is tracked."),
    boolean("force-conflicts", "With --server-side: take over fields of other managers."),
    boolean("prune", "Include what would be deleted."),
    boolean("server-side", "Let the server merge."),
    flag("show-managed-fields", Kind::Bool, "false", "Keep managedFields."),
];

pub static COMMAND: Command = Command {
    name: "diff",
    group: Group::Advanced,
    short: "Diff the live version against a would-be applied version",
    usage: "-f FILENAME [options]",
    long: "Diff configurations specified by file name or stdin between the current online configuration, and the configuration as it would be if applied.\n\n Exit status: 0 no difference, 1 differences, more for failures.",
    examples: &[("Compare with what is in a file", "kubectl diff -f pod.json")],
    flags: &[FLAGS, FILE_FLAGS, SELECTOR_FLAG],
    run: Some(run),
    ..Command::EMPTY
};

const CONTEXT: usize = 3;

fn run(k: &mut Kube<'_, '_>, args: &Args) -> Result<Next, Error> {
    let outcome = differences(k, args).map_err(|e| {
        let (message, code) = e.report();
        Error::Code(message, code + 1)
    })?;
    if outcome { Err(Error::Exit(1)) } else { DONE }
}

fn differences(k: &mut Kube<'_, '_>, args: &Args) -> Result<bool, Error> {
    if args.list("filename").is_empty() && args.str("kustomize").is_empty() {
        return Err(args.usage_error("must specify one of -f and -k"));
    }
    if args.bool("prune") {
        return plain("--prune is not supported by this kubectl");
    }
    let mut find = Find::new(args);
    find.local = true;
    find.selector = None;
    let mut any = false;
    for info in k.find(&find)?.strict()? {
        let live = k.try_get(&info)?;
        let merged = merged(k, args, &info, live.as_ref())?;
        let shown = |v: Option<&Value>| {
            v.map_or_else(String::new, |v| {
                let mut v = v.clone();
                remove(&mut v, "/metadata/managedFields");
                if info.mapping.kind == "Secret" {
                    mask(&mut v);
                }
                yaml::to_string(&v)
            })
        };
        let (before, after) = (shown(live.as_ref()), shown(Some(&merged)));
        if before == after {
            continue;
        }
        any = true;
        let m = &info.mapping;
        let group = if m.group.is_empty() { String::new() } else { format!("{}.", m.group) };
        let file = format!("{group}{}.{}.{}.{}", m.version, m.kind, info.namespace, info.name);
        let n = k.ctx.pid.0;
        let (from, to) = (format!("/tmp/LIVE-{n}/{file}"), format!("/tmp/MERGED-{n}/{file}"));
        let stamp = k.now().rfc3339_micro().replace('T', " ").replace('Z', "000 +0000");
        k.out(&format!("diff -u -N {from} {to}\n--- {from}\t{stamp}\n+++ {to}\t{stamp}\n{}", unified(&before, &after)));
    }
    Ok(any)
}

fn mask(secret: &mut Value) {
    if let Some(Value::Object(data)) = secret.get_mut("data") {
        data.values_mut().for_each(|v| *v = json!("***"));
    }
}

/// What the server would make of it.
fn merged(k: &mut Kube<'_, '_>, args: &Args, info: &Info, live: Option<&Value>) -> Result<Value, Error> {
    let manager = args.str("field-manager");
    if args.bool("server-side") {
        let force = args.bool("force-conflicts").to_string();
        let params = [("dryRun", "All"), ("fieldManager", "kubectl"), ("force", force.as_str())];
        return k.patch(&info.path(), APPLY, &params, info.object.clone());
    }
    let params = [("dryRun", "All"), ("fieldManager", manager)];
    let modified = with_last_applied(&info.object);
    let Some(live) = live else {
        let mut object = modified;
        remove(&mut object, "/metadata/annotations/kubectl.kubernetes.io~1last-applied-configuration");
        if object.pointer("/metadata/annotations") == Some(&json!({})) {
            remove(&mut object, "/metadata/annotations");
        }
        return k.post(&info.mapping.path(&info.namespace), &params, object);
    };
    let (kind, mut patch) = make_patch(info, &modified, live, true)?;
    // The annotation is no difference that anyone asked for.
    remove(&mut patch, "/metadata/annotations/kubectl.kubernetes.io~1last-applied-configuration");
    k.patch(&info.path(), kind, &params, patch)
}

/// Lines of a unified diff.
fn unified(before: &str, after: &str) -> String {
    let (a, b): (Vec<&str>, Vec<&str>) = (before.lines().collect(), after.lines().collect());
    let edits = edits(&a, &b);
    let mut out = String::new();
    let mut i = 0;
    while i < edits.len() {
        if edits[i].0 == ' ' {
            i += 1;
            continue;
        }
        let start = i.saturating_sub(CONTEXT);
        let mut end = i;
        let mut quiet = 0;
        while end < edits.len() && quiet <= 2 * CONTEXT {
            quiet = if edits[end].0 == ' ' { quiet + 1 } else { 0 };
            end += 1;
        }
        end -= quiet.saturating_sub(CONTEXT);
        let hunk = &edits[start..end];
        let count = |sign: char| edits[..start].iter().filter(|e| e.0 != sign).count();
        let size = |sign: char| hunk.iter().filter(|e| e.0 != sign).count();
        out.push_str(&format!("@@ -{} +{} @@\n", range(count('+'), size('+')), range(count('-'), size('-'))));
        for (sign, line) in hunk {
            out.push_str(&format!("{sign}{line}\n"));
        }
        i = end;
    }
    out
}

fn range(before: usize, size: usize) -> String {
    match size {
        0 => format!("{before},0"),
        1 => format!("{}", before + 1),
        n => format!("{},{n}", before + 1),
    }
}

/// The shortest way from one list of lines to the other.
fn edits<'a>(a: &[&'a str], b: &[&'a str]) -> Vec<(char, &'a str)> {
    let head = a.iter().zip(b).take_while(|(x, y)| x == y).count();
    let tail = a[head..].iter().rev().zip(b[head..].iter().rev()).take_while(|(x, y)| x == y).count();
    let (x, y) = (&a[head..a.len() - tail], &b[head..b.len() - tail]);
    // Length of the longest common part from each place on.
    let mut table = vec![vec![0u32; y.len() + 1]; x.len() + 1];
    for i in (0..x.len()).rev() {
        for j in (0..y.len()).rev() {
            table[i][j] = if x[i] == y[j] { table[i + 1][j + 1] + 1 } else { table[i + 1][j].max(table[i][j + 1]) };
        }
    }
    let mut out: Vec<(char, &str)> = a[..head].iter().map(|l| (' ', *l)).collect();
    let (mut i, mut j) = (0, 0);
    while i < x.len() || j < y.len() {
        if i < x.len() && j < y.len() && x[i] == y[j] {
            out.push((' ', x[i]));
            i += 1;
            j += 1;
        } else if i < x.len() && (j == y.len() || table[i + 1][j] >= table[i][j + 1]) {
            out.push(('-', x[i]));
            i += 1;
        } else {
            out.push(('+', y[j]));
            j += 1;
        }
    }
    out.extend(a[a.len() - tail..].iter().map(|l| (' ', *l)));
    out
}

#[cfg(test)]
mod tests {
    use super::unified;

    #[test]
    fn hunks() {
        for (a, b, want) in [
            ("", "x\ny\n", "@@ -0,0 +1,2 @@\n+x\n+y\n"),
            ("a\nb\nc\n", "a\nB\nc\n", "@@ -1,3 +1,3 @@\n a\n-b\n+B\n c\n"),
            ("1\n2\n3\n4\n5\n6\n", "1\n2\n3\n4\n5\n6\n7\n", "@@ -4,3 +4,4 @@\n 4\n 5\n 6\n+7\n"),
        ] {
            assert_eq!(unified(a, b), want);
        }
    }
}
