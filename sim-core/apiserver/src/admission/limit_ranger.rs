//! Gives containers the requests and limits that their namespace has for those who name none, and holds all to its
//! bounds.
//!
//! Models: `plugin/pkg/admission/limitranger`.

use super::{Plugin, Request, Verdict, typed};
use crate::object::{Object, view};
use crate::storage::KindId;
use apimachinery::quantity::Quantity;
use k8s_openapi::api::core::v1::{
    Container, LimitRange, LimitRangeItem, PersistentVolumeClaim, Pod, PodSpec, ResourceRequirements,
};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity as Text;
use std::collections::BTreeMap;

type Amounts = BTreeMap<String, Text>;

pub struct LimitRanger;

impl Plugin for LimitRanger {
    fn mutate(&self, object: &mut dyn Object, request: &mut Request<'_>) -> Verdict {
        if !request.creates(KindId::POD) || request.storage.count(KindId::LIMIT_RANGE) == 0 {
            return Ok(());
        }
        let namespace = object.meta().namespace.clone().unwrap_or_default();
        let items = items(request, &namespace);
        let Some(pod) = typed::<Pod>(object) else { return Ok(()) };
        let Some(spec) = &mut pod.spec else { return Ok(()) };
        let mut notes = Vec::new();
        for item in items.iter().filter(|i| i.type_ == "Container") {
            for container in &mut spec.containers {
                fill(container, item, "container", &mut notes);
            }
            for container in spec.init_containers.iter_mut().flatten() {
                fill(container, item, "init container", &mut notes);
            }
        }
        if !notes.is_empty() {
            let text = format!("LimitRanger plugin set: {}", notes.join("; "));
            pod.metadata.annotations.get_or_insert_default().insert("kubernetes.io/limit-ranger".into(), text);
        }
        Ok(())
    }

    fn validate(&self, object: &dyn Object, request: &mut Request<'_>) -> Verdict {
        if request.storage.count(KindId::LIMIT_RANGE) == 0 {
            return Ok(());
        }
        let namespace = object.meta().namespace.as_deref().unwrap_or_default();
        let mut faults = Vec::new();
        if request.creates(KindId::POD) {
            let Some(spec) = view::<Pod>(object).and_then(|p| p.spec.as_ref()) else { return Ok(()) };
            for item in items(request, namespace) {
                check_pod(item, spec, &mut faults);
            }
        } else if request.kind == KindId::PERSISTENT_VOLUME_CLAIM {
            let claim = view::<PersistentVolumeClaim>(object).and_then(|c| c.spec.as_ref()?.resources.as_ref());
            let requests = claim.and_then(|r| r.requests.clone()).unwrap_or_default();
            for item in items(request, namespace).into_iter().filter(|i| i.type_ == "PersistentVolumeClaim") {
                bounds(item, &requests, &Amounts::new(), true, &mut faults);
            }
        }
        match faults.as_slice() {
            [] => Ok(()),
            [one] => Err(request.forbidden(object, one)),
            many => Err(request.forbidden(object, &format!("[{}]", many.join(", ")))),
        }
    }
}

fn items<'a>(request: &Request<'a>, namespace: &str) -> Vec<&'a LimitRangeItem> {
    let ranges = request.storage.list(KindId::LIMIT_RANGE, Some(namespace)).filter_map(|o| view::<LimitRange>(&**o));
    ranges.flat_map(|r| r.spec.iter().flat_map(|s| &s.limits)).collect()
}

fn fill(container: &mut Container, item: &LimitRangeItem, what: &str, notes: &mut Vec<String>) {
    let resources = container.resources.get_or_insert_default();
    let mut merge = |list: &mut Option<Amounts>, defaults: &Option<Amounts>, kind: &str| {
        let mut set = Vec::new();
        for (name, value) in defaults.iter().flatten() {
            let list = list.get_or_insert_default();
            if !list.contains_key(name) {
                list.insert(name.clone(), value.clone());
                set.push(name.as_str());
            }
        }
        if !set.is_empty() {
            notes.push(format!("{} {kind} for {what} {}", set.join(", "), container.name));
        }
    };
    let ResourceRequirements { requests, limits, .. } = resources;
    merge(requests, &item.default_request, "request");
    merge(limits, &item.default, "limit");
}

fn check_pod(item: &LimitRangeItem, spec: &PodSpec, faults: &mut Vec<String>) {
    let of = |r: &Option<ResourceRequirements>| {
        let r = r.clone().unwrap_or_default();
        (r.requests.unwrap_or_default(), r.limits.unwrap_or_default())
    };
    match item.type_.as_str() {
        "Container" => {
            for c in spec.containers.iter().chain(spec.init_containers.iter().flatten()) {
                let (requests, limits) = of(&c.resources);
                bounds(item, &requests, &limits, false, faults);
            }
        }
        "Pod" => {
            let (mut requests, mut limits) = (Amounts::new(), Amounts::new());
            for c in &spec.containers {
                let (r, l) = of(&c.resources);
                add(&mut requests, &r);
                add(&mut limits, &l);
            }
            bounds(item, &requests, &limits, false, faults);
        }
        _ => {}
    }
}

fn amount(text: &Text) -> Quantity {
    Quantity::parse(&text.0).unwrap_or(Quantity::ZERO)
}

fn add(sums: &mut Amounts, list: &Amounts) {
    for (name, value) in list {
        let sum = sums.get(name).map_or(Quantity::ZERO, amount).add(amount(value));
        sums.insert(name.clone(), Text(sum.to_string()));
    }
}

fn bounds(item: &LimitRangeItem, requests: &Amounts, limits: &Amounts, claim: bool, faults: &mut Vec<String>) {
    let kind = &item.type_;
    for (name, min) in item.min.iter().flatten() {
        let head = format!("minimum {name} usage per {kind} is {}", min.0);
        match (requests.get(name), limits.get(name)) {
            (None, _) => faults.push(format!("{head}.  No request is specified")),
            (Some(r), _) if amount(r) < amount(min) => faults.push(format!("{head}, but request is {}", r.0)),
            (_, Some(l)) if amount(l) < amount(min) => faults.push(format!("{head}, but limit is {}", l.0)),
            _ => {}
        }
    }
    for (name, max) in item.max.iter().flatten() {
        let head = format!("maximum {name} usage per {kind} is {}", max.0);
        match (requests.get(name), limits.get(name)) {
            (None, _) if claim => faults.push(format!("{head}.  No request is specified")),
            (_, None) if !claim => faults.push(format!("{head}.  No limit is specified")),
            (_, Some(l)) if amount(l) > amount(max) => faults.push(format!("{head}, but limit is {}", l.0)),
            (Some(r), _) if amount(r) > amount(max) => faults.push(format!("{head}, but request is {}", r.0)),
            _ => {}
        }
    }
    for (name, ratio) in item.max_limit_request_ratio.iter().flatten() {
        let head = format!("{name} max limit to request ratio per {kind} is {}", ratio.0);
        let request = requests.get(name).map(amount).filter(|q| !q.is_zero());
        let limit = limits.get(name).map(amount).filter(|q| !q.is_zero());
        match (request, limit) {
            (None, _) => faults.push(format!("{head}, but no request is specified or request is 0")),
            (_, None) => faults.push(format!("{head}, but no limit is specified or limit is 0")),
            (Some(r), Some(l)) => {
                let found = l.as_f64() / r.as_f64();
                if found > amount(ratio).as_f64() {
                    faults.push(format!("{head}, but provided ratio is {found:.6}"));
                }
            }
        }
    }
}
