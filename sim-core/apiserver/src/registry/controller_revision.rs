//! ControllerRevision: names, defaults, rules and columns.

use super::printing::NONE;
use super::{Column, KindInfo, Strategy, age, checks};
use apimachinery::field::{Error, ErrorList, Path};
use apimachinery::time::Time;
use k8s_openapi::api::apps::v1::ControllerRevision;
use serde_json::Value;

pub struct ControllerRevisionStrategy;

impl Strategy for ControllerRevisionStrategy {
    type Object = ControllerRevision;

    fn info(&self) -> &'static KindInfo {
        const { &KindInfo::namespaced("apps", "ControllerRevision", "controllerrevisions", "controllerrevision") }
    }

    fn validate(&self, object: &ControllerRevision) -> ErrorList {
        let mut errors = ErrorList::default();
        checks::non_negative(object.revision, &Path::new("revision"), &mut errors);
        match &object.data {
            Some(data) if data.0.is_object() => {}
            Some(data) if !data.0.is_null() => {
                errors.push(Error::required(&Path::new("data"), "data must be a valid JSON object"));
            }
            _ => errors.push(Error::required(&Path::new("data"), "data is mandatory")),
        }
        errors
    }

    fn validate_update(&self, new: &ControllerRevision, old: &ControllerRevision) -> ErrorList {
        let mut errors = ErrorList::default();
        checks::immutable(&new.data, &old.data, &Path::new("data"), &mut errors);
        errors
    }

    fn columns(&self) -> &'static [Column] {
        const {
            &[
                Column::name(),
                Column::new("Controller", "Controller of the object"),
                Column::new("Revision", "Revision indicates the revision of the state represented by Data."),
                Column::age(),
            ]
        }
    }

    fn cells(&self, object: &ControllerRevision, now: Time) -> Vec<Value> {
        let meta = &object.metadata;
        let owner = meta.owner_references.iter().flatten().find(|r| r.controller == Some(true));
        let owner = owner.map_or_else(
            || NONE.to_owned(),
            |r| {
                let kind = r.kind.to_lowercase();
                match r.api_version.split_once('/') {
                    Some((group, _)) => format!("{kind}.{group}/{}", r.name),
                    None => format!("{kind}/{}", r.name),
                }
            },
        );
        vec![meta.name.as_deref().into(), owner.into(), object.revision.into(), age(meta, now).into()]
    }
}
