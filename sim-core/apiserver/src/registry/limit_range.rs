//! LimitRange: names, defaults, rules and columns.

use super::printing::created_at;
use super::{Column, KindInfo, Strategy, pod_spec};
use apimachinery::field::{Error, ErrorList, Path};
use apimachinery::quantity::Quantity as Amount;
use apimachinery::time::Time;
use k8s_openapi::api::core::v1::{LimitRange, LimitRangeItem};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use serde_json::Value;
use std::collections::BTreeMap;

pub struct LimitRangeStrategy;

impl Strategy for LimitRangeStrategy {
    type Object = LimitRange;

    fn info(&self) -> &'static KindInfo {
        const { &KindInfo::namespaced("", "LimitRange", "limitranges", "limitrange").short(&["limits"]) }
    }

    fn default(&self, object: &mut LimitRange) {
        for item in object.spec.get_or_insert_default().limits.iter_mut().filter(|i| i.type_ == "Container") {
            let default = item.default.get_or_insert_default();
            for (name, value) in item.max.iter().flatten() {
                default.entry(name.clone()).or_insert_with(|| value.clone());
            }
            let request = item.default_request.get_or_insert_default();
            for (name, value) in default.iter().chain(item.min.iter().flatten()) {
                request.entry(name.clone()).or_insert_with(|| value.clone());
            }
            // Go leaves empty maps out.
            item.default.take_if(|d| d.is_empty());
            item.default_request.take_if(|d| d.is_empty());
        }
    }

    fn validate(&self, object: &LimitRange) -> ErrorList {
        let mut errors = ErrorList::default();
        let path = Path::new("spec.limits");
        let limits = object.spec.as_ref().map(|s| s.limits.as_slice()).unwrap_or_default();
        for (i, item) in limits.iter().enumerate() {
            let at = path.index(i);
            if limits[..i].iter().any(|o| o.type_ == item.type_) {
                errors.push(Error::duplicate(&at.child("type"), &item.type_));
            }
            check_item(item, &at, &mut errors);
        }
        errors
    }

    fn columns(&self) -> &'static [Column] {
        const { &[Column::name(), Column::created_at()] }
    }

    fn cells(&self, object: &LimitRange, _: Time) -> Vec<Value> {
        vec![object.metadata.name.as_deref().into(), created_at(&object.metadata).into()]
    }
}

type Amounts = BTreeMap<String, Quantity>;

fn check_item(item: &LimitRangeItem, path: &Path, errors: &mut ErrorList) {
    let lists: [(&str, &Option<Amounts>); 5] = [
        ("max", &item.max),
        ("min", &item.min),
        ("default", &item.default),
        ("defaultRequest", &item.default_request),
        ("maxLimitRequestRatio", &item.max_limit_request_ratio),
    ];
    for (field, list) in lists {
        let at = path.child(field);
        if item.type_ == "Pod" && field.starts_with("default") && list.is_some() {
            errors.push(Error::forbidden(&at, "may not be specified when `type` is 'Pod'"));
        }
        for (name, value) in list.iter().flatten() {
            pod_spec::resource_name(name, &at.key(name), errors);
            pod_spec::resource_quantity(name, value, &at.key(name), errors);
        }
    }
    // Each is at most the next.
    let order: [(&str, &Option<Amounts>); 4] = [
        ("min", &item.min),
        ("default request", &item.default_request),
        ("default", &item.default),
        ("max", &item.max),
    ];
    for (i, (low_name, low)) in order.iter().enumerate() {
        for (high_name, high) in &order[i + 1..] {
            for (name, value) in low.iter().flatten() {
                let Some(limit) = high.as_ref().and_then(|h| h.get(name)) else { continue };
                if Amount::parse(&value.0).ok() > Amount::parse(&limit.0).ok() {
                    let field = if *low_name == "default request" { "defaultRequest" } else { low_name };
                    let at = path.child(field);
                    let why = format!("{low_name} value {} is greater than {high_name} value {}", value.0, limit.0);
                    errors.push(Error::invalid(&at.key(name), &value.0, why));
                }
            }
        }
    }
}
