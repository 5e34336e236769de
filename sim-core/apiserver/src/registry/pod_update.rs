//! What may change in a pod that exists.
//!
//! Models: `ValidatePodUpdate`.

use super::checks::text;
use super::{diff, pod_dump, pod_spec};
use apimachinery::field::{Error, ErrorList, Path};
use k8s_openapi::api::core::v1::{Container, Pod, PodSpec};

const REFUSAL: &str = "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)";

/// The rules beyond those that hold of any pod.
pub fn validate(new: &Pod, old: &Pod, errors: &mut ErrorList) {
    let (Some(new), Some(old)) = (&new.spec, &old.spec) else { return };
    if new == old {
        return;
    }
    let path = Path::new("spec");
    let inits = (new.init_containers.as_deref(), old.init_containers.as_deref());
    let (new_inits, old_inits) = (inits.0.unwrap_or_default(), inits.1.unwrap_or_default());
    if !images(&new.containers, &old.containers, &path.child("containers"), errors)
        || !images(new_inits, old_inits, &path.child("initContainers"), errors)
        || !deadline(new, old, &path.child("activeDeadlineSeconds"), errors)
    {
        return;
    }
    tolerations(new, old, &path.child("tolerations"), errors);
    let gates = path.child("schedulingGates");
    for (i, gate) in new.scheduling_gates.iter().flatten().enumerate() {
        if !old.scheduling_gates.iter().flatten().any(|g| g.name == gate.name) {
            let why = format!("only deletion is allowed, but found new scheduling gate '{}'", gate.name);
            errors.push(Error::forbidden(&gates.index(i).child("name"), why));
        }
    }
    let munged = munge(new, old);
    if munged != *old {
        let value = |spec: &PodSpec| serde_json::to_value(spec).unwrap_or_default();
        let text = diff::unified(&pod_dump::dump(value(old)), &pod_dump::dump(value(&munged)));
        errors.push(Error::forbidden(&path, format!("{REFUSAL}\n{text}")));
    }
}

/// Tells whether there is a point in looking further.
fn images(new: &[Container], old: &[Container], path: &Path, errors: &mut ErrorList) -> bool {
    if new.len() != old.len() {
        errors.push(Error::forbidden(path, "pod updates may not add or remove containers"));
        return false;
    }
    for (i, c) in new.iter().enumerate() {
        let at = path.index(i);
        if text(&c.image).is_empty() {
            errors.push(Error::required(&at.child("image"), ""));
        }
        pod_spec::image_spaces(c, &at, errors);
    }
    true
}

fn deadline(new: &PodSpec, old: &PodSpec, path: &Path, errors: &mut ErrorList) -> bool {
    match (new.active_deadline_seconds, old.active_deadline_seconds) {
        (Some(n), _) if !(0..=i64::from(i32::MAX)).contains(&n) => {
            errors.push(Error::invalid_raw(path, n, "must be between 0 and 2147483647, inclusive"));
            false
        }
        (Some(n), Some(o)) if o < n => {
            errors.push(Error::invalid_raw(path, n, "must be less than or equal to previous value"));
            false
        }
        (None, Some(_)) => {
            let why = "must not update from a positive integer to nil value";
            errors.push(Error::invalid_raw(path, "null", why));
            true
        }
        _ => true,
    }
}

fn tolerations(new: &PodSpec, old: &PodSpec, path: &Path, errors: &mut ErrorList) {
    let list = new.tolerations.as_deref().unwrap_or_default();
    for toleration in old.tolerations.iter().flatten() {
        let mut wanted = toleration.clone();
        let kept = list.iter().any(|t| {
            wanted.toleration_seconds = t.toleration_seconds;
            *t == wanted
        });
        if !kept {
            let why = "existing toleration can not be modified except its tolerationSeconds";
            errors.push(Error::forbidden(path, why));
            return;
        }
    }
    pod_spec::tolerations(list, path, errors);
}

/// The new spec with all that may change set back.
fn munge(new: &PodSpec, old: &PodSpec) -> PodSpec {
    let mut munged = new.clone();
    let both = |new: &mut [Container], old: &[Container]| {
        for (n, o) in new.iter_mut().zip(old) {
            n.image.clone_from(&o.image);
        }
    };
    both(&mut munged.containers, &old.containers);
    if let (Some(n), Some(o)) = (&mut munged.init_containers, &old.init_containers) {
        both(n, o);
    }
    munged.active_deadline_seconds = old.active_deadline_seconds;
    munged.scheduling_gates.clone_from(&old.scheduling_gates);
    munged.tolerations.clone_from(&old.tolerations);
    if old.termination_grace_period_seconds.is_some_and(|s| s < 0) && munged.termination_grace_period_seconds == Some(1)
    {
        munged.termination_grace_period_seconds = old.termination_grace_period_seconds;
    }
    // A pod that is held by a gate may still be told where to go.
    if old.scheduling_gates.as_ref().is_some_and(|g| !g.is_empty()) {
        let kept = old
            .node_selector
            .iter()
            .flatten()
            .all(|(k, v)| new.node_selector.as_ref().and_then(|s| s.get(k)) == Some(v));
        if kept {
            munged.node_selector.clone_from(&old.node_selector);
        }
    }
    munged
}
