//! Holds a namespace to its quotas.
//!
//! What is used is counted from the storage at each write of a namespace that has a quota, so no count can go stale;
//! [`usage`] gives the controller the same numbers for `status.used`.
//!
//! Models: `apiserver/pkg/admission/plugin/resourcequota`, `pkg/quota/v1/evaluator/core`. Scopes are not looked at.

use super::{Plugin, Request, Verdict};
use crate::object::{Object, view};
use crate::registry::BUILTIN;
use crate::storage::{KindId, Storage};
use apimachinery::order::Gather as _;
use apimachinery::quantity::Quantity;
use k8s_openapi::api::core::v1::{Container, PersistentVolumeClaim, Pod, PodSpec, ResourceQuota as Quota, Service};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity as Text;
use std::collections::{BTreeMap, BTreeSet};

type Amounts = BTreeMap<String, Quantity>;
type Limits = BTreeMap<String, Text>;

pub struct ResourceQuota;

impl Plugin for ResourceQuota {
    fn validate(&self, object: &dyn Object, request: &mut Request<'_>) -> Verdict {
        if !request.info.namespaced || request.storage.count(KindId::RESOURCE_QUOTA) == 0 {
            return Ok(());
        }
        let namespace = object.meta().namespace.as_deref().unwrap_or_default();
        let mut wanted = of_object(object, request.kind);
        if let Some(old) = request.old {
            for (name, amount) in of_object(old, request.kind) {
                let entry = wanted.entry(name).or_insert(Quantity::ZERO);
                *entry = entry.sub(amount);
            }
            wanted.retain(|_, amount| amount.sign() > 0);
            if wanted.is_empty() {
                return Ok(());
            }
        }
        let quotas = request.storage.list(KindId::RESOURCE_QUOTA, Some(namespace));
        for quota in quotas.filter_map(|o| view::<Quota>(&**o)) {
            let Some(hard) = quota.spec.as_ref().and_then(|s| s.hard.as_ref()) else { continue };
            let name = quota.metadata.name.as_deref().unwrap_or_default();
            if request.creates(KindId::POD)
                && let Some(spec) = view::<Pod>(object).and_then(|p| p.spec.as_ref())
                && let Some(missing) = missing(spec, hard)
            {
                let why = format!("failed quota: {name}: must specify {missing}");
                return Err(request.forbidden(object, &why));
            }
            if let Some(why) = exceeded(&wanted, hard, request.storage, namespace) {
                return Err(request.forbidden(object, &format!("exceeded quota: {name}, {why}")));
            }
        }
        Ok(())
    }
}

/// `requested: pods=1, used: pods=2, limited: pods=2`.
fn exceeded(wanted: &Amounts, hard: &Limits, storage: &Storage, namespace: &str) -> Option<String> {
    if !hard.keys().any(|name| wanted.contains_key(name)) {
        return None;
    }
    let used = usage(storage, namespace, hard);
    let (mut asked, mut taken, mut most) = (Vec::new(), Vec::new(), Vec::new());
    for (name, limit) in hard {
        let Some(amount) = wanted.get(name) else { continue };
        let now = used.get(name).copied().unwrap_or(Quantity::ZERO);
        if now.add(*amount) > parse(limit) {
            asked.push(format!("{name}={amount}"));
            taken.push(format!("{name}={now}"));
            most.push(format!("{name}={}", limit.0));
        }
    }
    if asked.is_empty() {
        return None;
    }
    Some(format!("requested: {}, used: {}, limited: {}", asked.join(","), taken.join(","), most.join(",")))
}

fn parse(text: &Text) -> Quantity {
    Quantity::parse(&text.0).unwrap_or(Quantity::ZERO)
}

/// Where CPU or memory is rationed, every container must say what it needs.
fn missing(spec: &PodSpec, hard: &Limits) -> Option<String> {
    const ASKED: [&str; 6] = ["cpu", "limits.cpu", "limits.memory", "memory", "requests.cpu", "requests.memory"];
    if spec.resources.is_some() {
        return None;
    }
    let mut out = Vec::new();
    for name in ASKED.into_iter().filter(|n| hard.contains_key(*n)) {
        let containers: BTreeSet<&str> = spec
            .containers
            .iter()
            .chain(spec.init_containers.iter().flatten())
            .filter(|c| !of_container(c).contains_key(name))
            .map(|c| c.name.as_str())
            .gather();
        if !containers.is_empty() {
            out.push(format!("{name} for: {}", containers.into_iter().collect::<Vec<_>>().join(",")));
        }
    }
    if out.is_empty() { None } else { Some(out.join("; ")) }
}

fn of_container(c: &Container) -> Amounts {
    let mut out = Amounts::new();
    let Some(resources) = &c.resources else { return out };
    for (name, value) in resources.requests.iter().flatten() {
        if matches!(name.as_str(), "cpu" | "memory" | "ephemeral-storage") || name.starts_with("hugepages-") {
            out.insert(name.clone(), parse(value));
        }
        out.insert(format!("requests.{name}"), parse(value));
    }
    for (name, value) in resources.limits.iter().flatten() {
        if matches!(name.as_str(), "cpu" | "memory" | "ephemeral-storage") {
            out.insert(format!("limits.{name}"), parse(value));
        }
    }
    out
}

/// What one object counts for.
fn of_object(object: &dyn Object, kind: KindId) -> Amounts {
    let mut out = Amounts::new();
    let one = Quantity::new(1, Default::default());
    let info = BUILTIN.get(usize::from(kind.0)).map(|k| k.info());
    if let Some(info) = info {
        let group = if info.group.is_empty() { String::new() } else { format!(".{}", info.group) };
        out.insert(format!("count/{}{group}", info.plural), one);
        let counted = [
            "pods",
            "services",
            "configmaps",
            "secrets",
            "replicationcontrollers",
            "resourcequotas",
            "persistentvolumeclaims",
        ];
        if info.group.is_empty() && counted.contains(&info.plural) {
            out.insert(info.plural.to_owned(), one);
        }
    }
    if let Some(pod) = view::<Pod>(object) {
        add_pod(pod, &mut out);
    } else if let Some(spec) = view::<Service>(object).and_then(|s| s.spec.as_ref()) {
        let kind = spec.type_.as_deref().unwrap_or_default();
        if matches!(kind, "NodePort" | "LoadBalancer") {
            let ports = spec.ports.as_ref().map_or(0, Vec::len);
            let ports = Quantity::new(i64::try_from(ports).unwrap_or(i64::MAX), Default::default());
            out.insert("services.nodeports".into(), ports);
        }
        if kind == "LoadBalancer" {
            out.insert("services.loadbalancers".into(), one);
        }
    } else if let Some(spec) = view::<PersistentVolumeClaim>(object).and_then(|c| c.spec.as_ref()) {
        let storage = spec.resources.as_ref().and_then(|r| r.requests.as_ref()?.get("storage")).map(parse);
        let storage = storage.unwrap_or(Quantity::ZERO);
        out.insert("requests.storage".into(), storage);
        if let Some(class) = &spec.storage_class_name {
            let prefix = format!("{class}.storageclass.storage.k8s.io");
            out.insert(format!("{prefix}/requests.storage"), storage);
            out.insert(format!("{prefix}/persistentvolumeclaims"), one);
        }
    }
    out
}

/// A pod that has ended counts as an object only. Init containers run alone: the largest of them counts if it is larger.
fn add_pod(pod: &Pod, out: &mut Amounts) {
    let phase = pod.status.as_ref().and_then(|s| s.phase.as_deref()).unwrap_or_default();
    if matches!(phase, "Failed" | "Succeeded") {
        out.remove("pods");
        return;
    }
    let Some(spec) = &pod.spec else { return };
    let mut sums = Amounts::new();
    for container in &spec.containers {
        for (name, amount) in of_container(container) {
            let sum = sums.entry(name).or_insert(Quantity::ZERO);
            *sum = sum.add(amount);
        }
    }
    for container in spec.init_containers.iter().flatten() {
        let stays = container.restart_policy.as_deref() == Some("Always");
        for (name, amount) in of_container(container) {
            let sum = sums.entry(name).or_insert(Quantity::ZERO);
            *sum = if stays { sum.add(amount) } else { (*sum).max(amount) };
        }
    }
    out.extend(sums);
}

/// What a namespace uses of the resources that `hard` names.
pub fn usage(storage: &Storage, namespace: &str, hard: &Limits) -> Amounts {
    let mut out: Amounts = hard.keys().map(|name| (name.clone(), Quantity::ZERO)).gather();
    for (id, _) in (0u16..).map(KindId).zip(BUILTIN.iter()).filter(|(_, k)| k.info().namespaced) {
        for object in storage.list(id, Some(namespace)) {
            for (name, amount) in of_object(&**object, id) {
                if let Some(sum) = out.get_mut(&name) {
                    *sum = sum.add(amount);
                }
            }
        }
    }
    out
}
