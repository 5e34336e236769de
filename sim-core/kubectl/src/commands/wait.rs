//! `kubectl wait`.
//!
//! Models: kubectl `cmd/wait`.

use crate::builder::{ALL_NAMESPACES_FLAG, FIELD_SELECTOR_FLAG, FILE_FLAGS, Find, Info, SELECTOR_FLAG};
use crate::error::{Error, plain};
use crate::flags::{Args, Command, Flag, Group, Kind, boolean, flag};
use crate::json::{has, int, list, text};
use crate::session::Kube;
use crate::task::{Next, Task, Turn, task};
use apimachinery::jsonpath::{JsonPath, print_value, relaxed};
use apimachinery::time::{Duration, Time};
use machine::process::Wake;
use serde_json::Value;

const FLAGS: &[Flag] = &[
    boolean("all", "All resources of the type, in the namespace."),
    flag(
        "for",
        Kind::Array,
        "",
        "What to wait for: create, delete, condition=NAME[=VALUE], jsonpath='{EXPRESSION}'[=VALUE].",
    ),
    boolean("local", "Look at the file only."),
    flag("timeout", Kind::Duration, "30s", "How long to wait; zero looks once, negative waits a week."),
];

pub static COMMAND: Command = Command {
    name: "wait",
    group: Group::Advanced,
    short: "Wait for a specific condition on one or many resources",
    usage: "([-f FILENAME] | resource.group/resource.name | resource.group [(-l label | --all)]) [--for=create|--for=delete|--for condition=available|--for=jsonpath='{}'[=value]] [options]",
    long: "Wait for a specific condition on one or many resources.\n\n Looks at the resources until the condition holds, they are gone, or the time is over.",
    examples: &[
        ("Until a pod is ready", "kubectl wait --for=condition=Ready pod/busybox1"),
        ("Until it is gone", "kubectl wait --for=delete pod/busybox1 --timeout=60s"),
    ],
    flags: &[FLAGS, FILE_FLAGS, SELECTOR_FLAG, FIELD_SELECTOR_FLAG, ALL_NAMESPACES_FLAG],
    run: Some(run),
    ..Command::EMPTY
};

#[derive(Clone)]
enum Goal {
    Create,
    Delete,
    Condition { name: String, value: String },
    Path { path: JsonPath, value: Option<String> },
}

fn goal(word: &str) -> Result<Goal, Error> {
    let lower = word.to_lowercase();
    if lower == "delete" {
        return Ok(Goal::Delete);
    }
    if lower == "create" {
        return Ok(Goal::Create);
    }
    if let Some(condition) = word.strip_prefix("condition=") {
        let (name, value) = condition.split_once('=').unwrap_or((condition, "true"));
        return Ok(Goal::Condition { name: name.into(), value: value.into() });
    }
    if let Some(rest) = word.strip_prefix("jsonpath=") {
        const SHAPE: &str = "jsonpath wait format must be --for=jsonpath='{.status.readyReplicas}'=3 or --for=jsonpath='{.status.readyReplicas}'";
        let rest = rest.trim_matches('\'');
        let (path, value) = match rest.find('}') {
            Some(end) if rest.starts_with('{') => (&rest[..=end], rest[end + 1..].strip_prefix('=')),
            _ => match rest.split_once('=') {
                Some((p, v)) => (p, Some(v)),
                None => (rest, None),
            },
        };
        if path.is_empty() {
            return plain("jsonpath expression cannot be empty");
        }
        if value == Some("") {
            return plain(
                "jsonpath wait has to have a value after equal sign, like --for=jsonpath='{.status.readyReplicas}'=3",
            );
        }
        let path = relaxed(path).map_err(|_| Error::Plain(SHAPE.into()))?;
        let path = JsonPath::parse(&path).map_err(|e| Error::Plain(e.0))?.allow_missing_keys(true);
        return Ok(Goal::Path { path, value: value.map(|v| v.trim_matches(['\'', '"']).to_owned()) });
    }
    plain(format!("unrecognized condition: \"{word}\""))
}

fn run(k: &mut Kube<'_, '_>, args: &Args) -> Result<Next, Error> {
    let words = args.list("for");
    if words.is_empty() {
        return plain("unrecognized condition: []");
    }
    let goals = words.iter().map(|w| goal(w)).collect::<Result<Vec<_>, _>>()?;
    let mut find = Find::new(args);
    find.type_alone = false;
    find.local = goals.iter().any(|g| matches!(g, Goal::Delete | Goal::Create));
    let found = k.find(&find)?;
    if found.infos.is_empty() && found.errors.is_empty() {
        if goals.iter().any(|g| matches!(g, Goal::Delete)) {
            return crate::task::DONE;
        }
        return plain("no matching resources found");
    }
    let mut left: Vec<(Info, Vec<Goal>)> = found.infos.into_iter().map(|i| (i, goals.clone())).collect();
    left.reverse();
    task(Wait { left, timeout: args.duration("timeout"), deadline: None, errors: found.errors, uid: String::new() })
}

/// Waits for one object after the other.
#[derive(Clone)]
struct Wait {
    /// Last first, each with what it is still waited for.
    left: Vec<(Info, Vec<Goal>)>,
    timeout: i64,
    deadline: Option<Time>,
    errors: Vec<Error>,
    /// Of the object whose end is awaited.
    uid: String,
}

const WEEK: Duration = Duration::from_secs(7 * 24 * 3600);

impl Task for Wait {
    fn step(&mut self, k: &mut Kube<'_, '_>) -> Result<Turn, Error> {
        while let Some((info, goals)) = self.left.last().cloned() {
            let Some(goal) = goals.first() else {
                k.line(&format!("{}/{} condition met", info.mapping.group_kind(), info.name));
                self.left.pop();
                self.deadline = None;
                self.uid.clear();
                continue;
            };
            let met = match self.look(k, &info, goal) {
                Ok(met) => met,
                Err(e) => {
                    self.give_up(e);
                    continue;
                }
            };
            match met {
                Met::Yes => {
                    if let Some((_, goals)) = self.left.last_mut() {
                        goals.remove(0);
                    }
                    continue;
                }
                Met::Gone => {
                    self.left.pop();
                    continue;
                }
                Met::NotYet => {}
            }
            if self.timeout == 0 {
                self.give_up(Error::Plain(format!("condition not met for {}", info.label())));
                continue;
            }
            let now = k.ctx.now();
            let patience = if self.timeout < 0 { WEEK } else { Duration::from_nanos(self.timeout as u64) };
            let deadline = *self.deadline.get_or_insert(now + patience);
            if now >= deadline {
                self.give_up(Error::Plain(format!("timed out waiting for the condition on {}", info.label())));
                continue;
            }
            k.s.debt = Duration::ZERO;
            return Ok(Turn::Wait(Wake::World { until: Some(deadline) }));
        }
        Error::all(core::mem::take(&mut self.errors))?;
        Ok(Turn::Done(0))
    }
}

enum Met {
    Yes,
    NotYet,
    /// It was never there: nothing is said.
    Gone,
}

impl Wait {
    fn give_up(&mut self, e: Error) {
        self.errors.push(e);
        self.left.pop();
        self.deadline = None;
        self.uid.clear();
    }

    fn look(&mut self, k: &mut Kube<'_, '_>, info: &Info, goal: &Goal) -> Result<Met, Error> {
        let object = k.try_get(info)?;
        let held = match (goal, object) {
            (Goal::Create, found) => found.is_some(),
            (Goal::Delete, None) if self.uid.is_empty() => return Ok(Met::Gone),
            (Goal::Delete, None) => true,
            (Goal::Delete, Some(object)) => {
                let uid = text(&object, "/metadata/uid").to_owned();
                if self.uid.is_empty() {
                    self.uid.clone_from(&uid);
                }
                uid != self.uid
            }
            (_, None) => return Err(crate::discovery::not_found(&info.mapping, &info.name)),
            (Goal::Condition { name, value }, Some(object)) => condition(&object, name, value),
            (Goal::Path { path, value }, Some(object)) => json_path(&object, path, value.as_deref())?,
        };
        Ok(if held { Met::Yes } else { Met::NotYet })
    }
}

fn condition(object: &Value, name: &str, value: &str) -> bool {
    let Some(c) = list(object, "/status/conditions").iter().find(|c| text(c, "/type").eq_ignore_ascii_case(name))
    else {
        return false;
    };
    let generation = int(object, "/metadata/generation");
    let stale = |v: &Value, at: &str| has(v, at) && int(v, at) < generation;
    let observed = if has(c, "/observedGeneration") {
        !stale(c, "/observedGeneration")
    } else {
        !stale(object, "/status/observedGeneration")
    };
    observed && text(c, "/status").eq_ignore_ascii_case(value)
}

fn json_path(object: &Value, path: &JsonPath, value: Option<&str>) -> Result<bool, Error> {
    let found = path.find(object).map_err(|e| Error::Plain(e.0))?;
    let all: Vec<Value> = found.into_iter().flatten().filter(|v| !v.is_null()).collect();
    match (all.as_slice(), value) {
        ([], _) => Ok(false),
        (_, None) => Ok(true),
        ([one], Some(_)) if one.is_object() || one.is_array() => {
            plain("jsonpath leads to a nested object or list which is not supported")
        }
        ([one], Some(value)) => Ok(print_value(one) == value),
        _ => plain("given jsonpath expression matches more than one value"),
    }
}
