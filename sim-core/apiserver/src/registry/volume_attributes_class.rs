//! VolumeAttributesClass: names, rules and columns. No driver of the simulation reads one.

use super::{Column, KindInfo, Strategy, age};
use apimachinery::field::{Error, ErrorList, Path};
use apimachinery::time::Time;
use k8s_openapi::api::storage::v1::VolumeAttributesClass;
use serde_json::Value;

pub struct VolumeAttributesClassStrategy;

impl Strategy for VolumeAttributesClassStrategy {
    type Object = VolumeAttributesClass;

    fn info(&self) -> &'static KindInfo {
        const {
            &KindInfo::cluster(
                "storage.k8s.io",
                "VolumeAttributesClass",
                "volumeattributesclasses",
                "volumeattributesclass",
            )
            .short(&["vac"])
        }
    }

    fn validate(&self, object: &VolumeAttributesClass) -> ErrorList {
        let mut errors = ErrorList::default();
        if object.driver_name.is_empty() {
            errors.push(Error::required(&Path::new("driverName"), ""));
        }
        if object.parameters.as_ref().is_none_or(|p| p.is_empty()) {
            errors.push(Error::required(&Path::new("parameters"), "must contain at least one key/value pair"));
        }
        errors
    }

    fn columns(&self) -> &'static [Column] {
        const { &[Column::name(), Column::new("DriverName", "Name of the CSI driver"), Column::age()] }
    }

    fn cells(&self, object: &VolumeAttributesClass, now: Time) -> Vec<Value> {
        let meta = &object.metadata;
        vec![meta.name.as_deref().into(), object.driver_name.as_str().into(), age(meta, now).into()]
    }
}
