//! Turns the name of a priority class into the number that the scheduler goes by.
//!
//! Models: `plugin/pkg/admission/priority`.

use super::{Plugin, Request, Verdict, typed};
use crate::object::{Object, view};
use crate::storage::KindId;
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::api::scheduling::v1::PriorityClass;

/// Classes that are there even before they are stored.
const SYSTEM: [(&str, i32); 2] = [("system-node-critical", 2_000_001_000), ("system-cluster-critical", 2_000_000_000)];
const PREEMPTS: &str = "PreemptLowerPriority";

pub struct Priority;

struct Resolved {
    name: String,
    value: i32,
    policy: String,
}

impl Resolved {
    fn of(class: &PriorityClass) -> Self {
        Self {
            name: class.metadata.name.clone().unwrap_or_default(),
            value: class.value.unwrap_or(0),
            policy: class.preemption_policy.clone().unwrap_or_else(|| PREEMPTS.into()),
        }
    }
}

impl Plugin for Priority {
    fn mutate(&self, object: &mut dyn Object, request: &mut Request<'_>) -> Verdict {
        if request.kind != KindId::POD {
            return Ok(());
        }
        let old = request.old.and_then(view::<Pod>).and_then(|p| p.spec.as_ref());
        let Some(spec) = typed::<Pod>(object).and_then(|p| p.spec.as_mut()) else { return Ok(()) };
        if let Some(old) = old {
            spec.priority = spec.priority.or(old.priority);
            if spec.preemption_policy.is_none() {
                spec.preemption_policy.clone_from(&old.preemption_policy);
            }
            return Ok(());
        }
        if request.old.is_some() {
            return Ok(());
        }
        let asked = spec.priority_class_name.clone().unwrap_or_default();
        let class = if asked.is_empty() { Some(default(request)) } else { named(request, &asked) };
        let Some(class) = class else {
            let why = format!("no PriorityClass with name {asked} was found");
            return Err(request.forbidden(object, &why));
        };
        if let Some(given) = spec.priority.filter(|p| *p != class.value) {
            let why = format!(
                "the integer value of priority ({given}) must not be provided in pod spec; priority admission controller computed {} from the given PriorityClass name",
                class.value
            );
            return Err(request.forbidden(object, &why));
        }
        if let Some(given) = spec.preemption_policy.clone().filter(|p| *p != class.policy) {
            let why = format!(
                "the string value of PreemptionPolicy ({given}) must not be provided in pod spec; priority admission controller computed {} from the given PriorityClass name",
                class.policy
            );
            return Err(request.forbidden(object, &why));
        }
        spec.priority = Some(class.value);
        spec.preemption_policy = Some(class.policy);
        if !class.name.is_empty() {
            spec.priority_class_name = Some(class.name);
        }
        Ok(())
    }
}

fn named(request: &Request<'_>, name: &str) -> Option<Resolved> {
    if let Some((_, value)) = SYSTEM.iter().find(|(n, _)| *n == name) {
        return Some(Resolved { name: name.to_owned(), value: *value, policy: PREEMPTS.into() });
    }
    let stored = request.storage.get(KindId::PRIORITY_CLASS, "", name)?;
    view::<PriorityClass>(&**stored).map(Resolved::of)
}

/// The class that is marked as the default (the lowest, if several are), or zero.
fn default(request: &Request<'_>) -> Resolved {
    let classes = request.storage.list(KindId::PRIORITY_CLASS, None).filter_map(|o| view::<PriorityClass>(&**o));
    let lowest = classes.filter(|c| c.global_default == Some(true)).min_by_key(|c| c.value.unwrap_or(0));
    lowest.map_or_else(|| Resolved { name: String::new(), value: 0, policy: PREEMPTS.into() }, Resolved::of)
}
