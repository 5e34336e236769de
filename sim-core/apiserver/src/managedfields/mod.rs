//! Who manages which field: `metadata.managedFields`, and server-side apply on top of it.
//!
//! Fields are followed for what clients write through the door. Controllers and kubelets, which write typed objects, are
//! not followed: they own nothing, and nobody conflicts with them.
//!
//! Models: apimachinery `pkg/util/managedfields`, structured-merge-diff `merge`.

mod schema;
mod set;
mod walk;

use apimachinery::field::quote;
use apimachinery::order::Order as _;
use apimachinery::status::{Cause, Details, Status};
use apimachinery::time::Time;
use k8s_openapi::apimachinery::pkg::apis::meta::v1 as meta;
use serde_json::Value;
use set::Set;

/// Who writes, through which door.
pub struct Who<'a> {
    pub manager: &'a str,
    pub api_version: &'a str,
    /// Empty for the object itself.
    pub subresource: &'a str,
    pub now: Time,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Operation {
    Apply,
    Update,
}

#[derive(Clone, PartialEq)]
struct Manager {
    name: String,
    operation: Operation,
    api_version: String,
    subresource: String,
    time: Option<meta::Time>,
    fields: Set,
}

/// What an apply leads to.
pub struct Applied {
    /// The object as it should be, before defaults.
    pub object: Value,
    state: Vec<Manager>,
}

/// The managers after an update. `old`: none when the object is created. `had`: the entries to go on from.
pub fn update(
    old: Option<&Value>,
    new: &Value,
    had: &[meta::ManagedFieldsEntry],
    who: &Who<'_>,
) -> Vec<meta::ManagedFieldsEntry> {
    let mut managers = decode(had);
    if managers.is_empty() && old.is_some() {
        // Nobody has been followed so far; that begins with the first apply.
        return had.to_vec();
    }
    let mut diff = walk::compare(old, new);
    let changed = settle(&mut diff, who);
    for other in managers.iter_mut().filter(|m| !who.is(m, Operation::Update)) {
        other.take(&changed, &diff.removed);
    }
    let at = match managers.iter().position(|m| who.is(m, Operation::Update)) {
        Some(at) => at,
        None => {
            managers.push(who.new_manager(Operation::Update));
            managers.len() - 1
        }
    };
    let own = &mut managers[at];
    let mut fields = own.fields.difference(&diff.removed);
    fields.union(&changed);
    own.replace(fields, who.now);
    encode(managers)
}

/// Strips what nobody owns from a difference; returns what was added or modified.
fn settle(diff: &mut walk::Diff, who: &Who<'_>) -> Set {
    for set in [&mut diff.added, &mut diff.modified, &mut diff.removed] {
        strip(set, who);
    }
    let mut changed = diff.added.clone();
    changed.union(&diff.modified);
    changed
}

fn strip(set: &mut Set, who: &Who<'_>) {
    const SYSTEM: [&str; 9] = [
        "f:name",
        "f:namespace",
        "f:creationTimestamp",
        "f:selfLink",
        "f:uid",
        "f:generation",
        "f:managedFields",
        "f:resourceVersion",
        "f:deletionTimestamp",
    ];
    set.cut(&["f:apiVersion"]);
    set.cut(&["f:kind"]);
    set.cut_member("f:metadata");
    for field in SYSTEM {
        set.cut(&["f:metadata", field]);
    }
    // What the door resets anyway.
    set.cut(&[if who.subresource == "status" { "f:spec" } else { "f:status" }]);
}

impl Who<'_> {
    fn is(&self, m: &Manager, operation: Operation) -> bool {
        m.operation == operation
            && m.name == self.manager
            && m.subresource == self.subresource
            && (operation == Operation::Apply || m.api_version == self.api_version)
    }

    fn new_manager(&self, operation: Operation) -> Manager {
        Manager {
            name: self.manager.to_owned(),
            operation,
            api_version: self.api_version.to_owned(),
            subresource: self.subresource.to_owned(),
            time: None,
            fields: Set::default(),
        }
    }
}

impl Manager {
    fn replace(&mut self, fields: Set, now: Time) {
        if fields != self.fields || self.time.is_none() {
            self.fields = fields;
            self.time = Some(meta::Time(
                k8s_openapi::jiff::Timestamp::from_second(now.secs())
                    .unwrap_or(k8s_openapi::jiff::Timestamp::UNIX_EPOCH),
            ));
        }
    }

    /// Somebody else changed or removed these.
    fn take(&mut self, changed: &Set, removed: &Set) {
        self.fields = self.fields.difference(changed).difference(removed);
    }

    /// As a conflict names it.
    fn shown(&self) -> String {
        let mut out = quote(&self.name);
        if !self.subresource.is_empty() {
            out.push_str(&format!(" with subresource {}", quote(&self.subresource)));
        }
        if self.operation == Operation::Update {
            out.push_str(&format!(" using {}", self.api_version));
        }
        out
    }
}

/// Applies a configuration. `live`: the object as it is, if it is.
pub fn apply(
    live: Option<&Value>,
    config: &Value,
    had: &[meta::ManagedFieldsEntry],
    who: &Who<'_>,
    force: bool,
) -> Result<Applied, Status> {
    let mut managers = decode(had);
    if let Some(live) = live
        && managers.is_empty()
    {
        let mut before = Who { manager: "before-first-apply", subresource: "", ..*who }.new_manager(Operation::Update);
        let mut diff = walk::compare(None, live);
        before.replace(settle(&mut diff, who), who.now);
        managers.push(before);
    }
    let mut wanted = walk::fields(config);
    strip(&mut wanted, who);
    let at = managers.iter().position(|m| who.is(m, Operation::Apply));
    let last = at.map(|at| managers[at].fields.clone()).unwrap_or_default();
    let mut object = match live {
        Some(live) => walk::merge(live, config),
        None => config.clone(),
    };
    // What was applied before and is not any more goes away, unless somebody else manages it too.
    let mut kept = wanted.clone();
    managers.iter().enumerate().filter(|(i, _)| Some(*i) != at).for_each(|(_, m)| kept.union(&m.fields));
    let mut gone = last.difference(&wanted).paths();
    gone.order_by_key(|path| core::cmp::Reverse(path.len()));
    for path in gone.iter().filter(|path| !kept.touches(path)) {
        walk::remove(&mut object, path);
    }
    let mut diff = walk::compare(live, &object);
    let changed = settle(&mut diff, who);
    if !force {
        let contested = changed.difference(&last_applied_fields(live, who));
        let conflicts: Vec<(&Manager, Set)> = managers
            .iter()
            .filter(|m| !who.is(m, Operation::Apply))
            .map(|m| (m, m.fields.intersection(&contested)))
            .filter(|(_, fields)| !fields.is_empty())
            .collect();
        if !conflicts.is_empty() {
            return Err(conflict(&conflicts));
        }
    }
    for other in managers.iter_mut().filter(|m| !who.is(m, Operation::Apply)) {
        other.take(&changed, &diff.removed);
    }
    match at {
        Some(at) => managers[at].replace(wanted, who.now),
        None => {
            let mut own = who.new_manager(Operation::Apply);
            own.replace(wanted, who.now);
            managers.push(own);
        }
    }
    if who.manager == "kubectl" {
        update_last_applied(&mut object, config);
    }
    Ok(Applied { object, state: managers })
}

impl Applied {
    pub fn managed_fields(self) -> Vec<meta::ManagedFieldsEntry> {
        encode(self.state)
    }
}

const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// What kubectl applied from the client's side, and nobody changed since, it may take over without conflict.
fn last_applied_fields(live: Option<&Value>, who: &Who<'_>) -> Set {
    let text = live.and_then(|l| l["metadata"]["annotations"][LAST_APPLIED].as_str());
    let (Some(live), Some(text), "kubectl") = (live, text, who.manager) else { return Set::default() };
    let Ok(last) = apimachinery::json::parse(text.as_bytes()) else { return Set::default() };
    let diff = walk::compare(Some(&last), live);
    walk::fields(&last).difference(&diff.modified).difference(&diff.added).difference(&diff.removed)
}

/// Keeps the annotation of client-side apply in step.
fn update_last_applied(object: &mut Value, config: &Value) {
    let Some(annotations) = object.pointer_mut("/metadata/annotations") else { return };
    if annotations[LAST_APPLIED].as_str().is_some_and(|t| !t.is_empty()) {
        let mut config = config.clone();
        if let Some(map) = config.pointer_mut("/metadata/annotations").and_then(Value::as_object_mut) {
            map.remove(LAST_APPLIED);
        }
        annotations[LAST_APPLIED] = format!("{}\n", apimachinery::json::compact(&config)).into();
    }
}

fn conflict(conflicts: &[(&Manager, Set)]) -> Status {
    let mut causes = Vec::new();
    let mut by_manager: Vec<(String, Vec<String>)> = Vec::new();
    for (manager, fields) in conflicts {
        let shown = manager.shown();
        for path in fields.paths() {
            let path = set::display(&path);
            causes.push(Cause {
                reason: "FieldManagerConflict".into(),
                message: format!("conflict with {shown}"),
                field: path.clone(),
            });
            match by_manager.iter_mut().find(|(m, _)| *m == shown) {
                Some((_, paths)) => paths.push(path),
                None => by_manager.push((shown.clone(), vec![path])),
            }
        }
    }
    by_manager.order();
    let message = if let [one] = causes.as_slice() {
        format!("Apply failed with 1 conflict: {}: {}", one.message, one.field)
    } else {
        let lines: Vec<String> = by_manager
            .iter()
            .flat_map(|(m, paths)| {
                core::iter::once(format!("conflicts with {m}:")).chain(paths.iter().map(|p| format!("- {p}")))
            })
            .collect();
        format!("Apply failed with {} conflicts: {}", causes.len(), lines.join("\n"))
    };
    let mut status = Status::new(409, "Conflict", message);
    status.details = Some(Box::new(Details { causes, ..Details::default() }));
    status
}

fn decode(entries: &[meta::ManagedFieldsEntry]) -> Vec<Manager> {
    let text = |t: &Option<String>| t.clone().unwrap_or_default();
    entries
        .iter()
        .filter_map(|e| {
            let operation = match e.operation.as_deref() {
                Some("Apply") => Operation::Apply,
                Some("Update") => Operation::Update,
                _ => return None,
            };
            Some(Manager {
                name: text(&e.manager),
                operation,
                api_version: text(&e.api_version),
                subresource: text(&e.subresource),
                time: e.time.clone(),
                fields: e.fields_v1.as_ref().map(|f| Set::from_value(&f.0)).unwrap_or_default(),
            })
        })
        .collect()
}

fn encode(mut managers: Vec<Manager>) -> Vec<meta::ManagedFieldsEntry> {
    managers.retain(|m| !m.fields.is_empty());
    let seconds = |m: &Manager| m.time.as_ref().map_or(0, |t| t.0.as_second());
    managers.order_by(|a, b| {
        (a.operation, seconds(a), &a.name, &a.api_version, &a.subresource).cmp(&(
            b.operation,
            seconds(b),
            &b.name,
            &b.api_version,
            &b.subresource,
        ))
    });
    let some = |text: String| (!text.is_empty()).then_some(text);
    managers
        .into_iter()
        .map(|m| meta::ManagedFieldsEntry {
            api_version: some(m.api_version),
            fields_type: Some("FieldsV1".into()),
            fields_v1: Some(meta::FieldsV1(m.fields.to_value())),
            manager: some(m.name),
            operation: Some(if m.operation == Operation::Apply { "Apply" } else { "Update" }.into()),
            subresource: some(m.subresource),
            time: m.time,
        })
        .collect()
}
