//! What controllers read from and write into metadata and conditions: owners, stamps, pod states.
//!
//! Pure functions over objects; nothing here touches the API server.

use apimachinery::time::Time;
use apiserver::Object;
use apiserver::object::Builtin;
use k8s_openapi::api::core::v1::{Pod, PodCondition};
use k8s_openapi::apimachinery::pkg::apis::meta::v1 as meta;

/// Whole seconds, as `metav1.Time` keeps them.
pub fn stamp(now: Time) -> meta::Time {
    meta::Time(
        k8s_openapi::jiff::Timestamp::from_second(now.secs()).unwrap_or(k8s_openapi::jiff::Timestamp::UNIX_EPOCH),
    )
}

pub fn instant(t: &meta::Time) -> Time {
    Time::from(t.0)
}

pub fn name_of(m: &meta::ObjectMeta) -> &str {
    m.name.as_deref().unwrap_or_default()
}

pub fn namespace_of(m: &meta::ObjectMeta) -> &str {
    m.namespace.as_deref().unwrap_or_default()
}

pub fn uid_of(m: &meta::ObjectMeta) -> &str {
    m.uid.as_deref().unwrap_or_default()
}

/// The reference to the one owner that manages the object.
pub fn controller_of(m: &meta::ObjectMeta) -> Option<&meta::OwnerReference> {
    m.owner_references.as_ref()?.iter().find(|r| r.controller == Some(true))
}

/// A reference that makes `owner` the controller of what carries it.
pub fn controller_ref<T: Builtin + k8s_openapi::Resource>(owner: &T) -> meta::OwnerReference {
    let m = Object::meta(owner);
    meta::OwnerReference {
        api_version: T::API_VERSION.to_owned(),
        kind: T::KIND.to_owned(),
        name: name_of(m).to_owned(),
        uid: uid_of(m).to_owned(),
        controller: Some(true),
        block_owner_deletion: Some(true),
    }
}

pub fn annotation<'a>(m: &'a meta::ObjectMeta, key: &str) -> Option<&'a str> {
    m.annotations.as_ref()?.get(key).map(String::as_str)
}

pub fn has_finalizer(m: &meta::ObjectMeta, name: &str) -> bool {
    m.finalizers.as_ref().is_some_and(|f| f.iter().any(|f| f == name))
}

pub fn phase_of(pod: &Pod) -> &str {
    pod.status.as_ref().and_then(|s| s.phase.as_deref()).unwrap_or("Pending")
}

/// Succeeded or Failed: its containers will not run again.
pub fn is_terminal(pod: &Pod) -> bool {
    matches!(phase_of(pod), "Succeeded" | "Failed")
}

/// Neither ended nor being deleted.
pub fn is_active(pod: &Pod) -> bool {
    pod.metadata.deletion_timestamp.is_none() && !is_terminal(pod)
}

pub fn pod_condition<'a>(pod: &'a Pod, kind: &str) -> Option<&'a PodCondition> {
    pod.status.as_ref()?.conditions.as_ref()?.iter().find(|c| c.type_ == kind)
}

pub fn is_ready(pod: &Pod) -> bool {
    pod_condition(pod, "Ready").is_some_and(|c| c.status == "True")
}

/// Second at which the pod became ready; `None` if it is not.
pub fn ready_since(pod: &Pod) -> Option<i64> {
    let c = pod_condition(pod, "Ready").filter(|c| c.status == "True")?;
    Some(c.last_transition_time.as_ref().map_or(0, |t| instant(t).secs()))
}

pub fn node_of(pod: &Pod) -> &str {
    pod.spec.as_ref().and_then(|s| s.node_name.as_deref()).unwrap_or_default()
}

/// Sets a pod condition; its transition time moves only with its status. True if anything changed.
pub fn set_pod_condition(pod: &mut Pod, kind: &str, status: &str, reason: &str, message: &str, now: Time) -> bool {
    let generation = pod.metadata.generation.filter(|g| *g > 0);
    let list = pod.status.get_or_insert_with(Default::default).conditions.get_or_insert_with(Vec::new);
    let text = |t: &str| (!t.is_empty()).then(|| t.to_owned());
    let mut new = PodCondition {
        type_: kind.to_owned(),
        status: status.to_owned(),
        reason: text(reason),
        message: text(message),
        observed_generation: generation,
        last_transition_time: Some(stamp(now)),
        last_probe_time: None,
    };
    match list.iter_mut().find(|c| c.type_ == kind) {
        Some(old) => {
            if old.status == new.status {
                new.last_transition_time.clone_from(&old.last_transition_time);
            }
            let changed = *old != new;
            *old = new;
            changed
        }
        None => {
            list.push(new);
            true
        }
    }
}
