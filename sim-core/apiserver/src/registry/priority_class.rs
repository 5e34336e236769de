//! PriorityClass: names, rules and columns.

use super::checks::{self, text};
use super::{Column, KindInfo, Strategy, age};
use apimachinery::field::{Error, ErrorList, Path};
use apimachinery::time::Time;
use k8s_openapi::api::scheduling::v1::PriorityClass;
use serde_json::Value;

/// The highest priority that is not kept for the system.
const VALUE_MAX: i32 = 1_000_000_000;

pub struct PriorityClassStrategy;

impl Strategy for PriorityClassStrategy {
    type Object = PriorityClass;

    fn info(&self) -> &'static KindInfo {
        const { &KindInfo::cluster("scheduling.k8s.io", "PriorityClass", "priorityclasses", "priorityclass").short(&["pc"]) }
    }

    fn default(&self, object: &mut PriorityClass) {
        object.preemption_policy.get_or_insert_with(|| "PreemptLowerPriority".into());
    }

    fn validate(&self, object: &PriorityClass) -> ErrorList {
        let mut errors = ErrorList::default();
        let name = text(&object.metadata.name);
        if name.starts_with("system-") {
            if !matches!(name, "system-node-critical" | "system-cluster-critical") {
                let why = format!(
                    "priority class names with 'system-' prefix are reserved for system use only. error: {name} is not a known system priority class"
                );
                errors.push(Error::forbidden(&Path::new("metadata.name"), why));
            }
        } else if object.value.unwrap_or(0) > VALUE_MAX {
            let why = format!("maximum allowed value of a user defined priority is {VALUE_MAX}");
            errors.push(Error::forbidden(&Path::new("value"), why));
        }
        let known = ["PreemptLowerPriority", "Never"];
        checks::one_of_if_set(text(&object.preemption_policy), &known, &Path::new("preemptionPolicy"), &mut errors);
        errors
    }

    fn validate_update(&self, new: &PriorityClass, old: &PriorityClass) -> ErrorList {
        let mut errors = ErrorList::default();
        if new.value != old.value {
            errors.push(Error::forbidden(&Path::new("value"), "may not be changed in an update."));
        }
        let path = Path::new("preemptionPolicy");
        checks::immutable(&new.preemption_policy, &old.preemption_policy, &path, &mut errors);
        errors
    }

    fn spec_changed(&self, _: &PriorityClass, _: &PriorityClass) -> bool {
        false
    }

    fn columns(&self) -> &'static [Column] {
        const {
            &[
                Column::name(),
                Column::new("Value", "value represents the integer value of this priority class.").integer(),
                Column::new("Global-Default", "globalDefault specifies whether this PriorityClass should be considered as the default priority for pods that do not have any priority class.").boolean(),
                Column::age(),
                Column::new("PreemptionPolicy", "preemptionPolicy is the Policy for preempting pods with lower priority."),
            ]
        }
    }

    fn cells(&self, object: &PriorityClass, now: Time) -> Vec<Value> {
        let meta = &object.metadata;
        vec![
            meta.name.as_deref().into(),
            object.value.unwrap_or(0).into(),
            object.global_default.unwrap_or(false).into(),
            age(meta, now).into(),
            text(&object.preemption_policy).into(),
        ]
    }
}
