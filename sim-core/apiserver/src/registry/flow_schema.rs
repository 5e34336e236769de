//! FlowSchema: names, defaults, rules and columns.

use super::checks::text;
use super::printing::NONE;
use super::{Column, Context, KindInfo, Strategy, age};
use apimachinery::field::ErrorList;
use apimachinery::time::Time;
use k8s_openapi::api::flowcontrol::v1::FlowSchema;
use serde_json::Value;

pub struct FlowSchemaStrategy;

impl Strategy for FlowSchemaStrategy {
    type Object = FlowSchema;

    fn info(&self) -> &'static KindInfo {
        const {
            &KindInfo::cluster("flowcontrol.apiserver.k8s.io", "FlowSchema", "flowschemas", "flowschema")
                .subresources(&["status"])
                .with_generation()
        }
    }

    fn default(&self, object: &mut FlowSchema) {
        object.spec.get_or_insert_default().matching_precedence.get_or_insert(1000);
        object.status.get_or_insert_default();
    }

    fn prepare_create(&self, object: &mut FlowSchema, _: &mut Context<'_>) -> Result<(), ErrorList> {
        object.status = Some(Default::default());
        Ok(())
    }

    fn prepare_update(&self, new: &mut FlowSchema, old: &FlowSchema, _: &mut Context<'_>) -> Result<(), ErrorList> {
        new.status.clone_from(&old.status);
        Ok(())
    }

    fn prepare_status(&self, new: &mut FlowSchema, old: &FlowSchema) {
        new.spec.clone_from(&old.spec);
    }

    fn spec_changed(&self, new: &FlowSchema, old: &FlowSchema) -> bool {
        new.spec != old.spec
    }

    fn columns(&self) -> &'static [Column] {
        const {
            &[
                Column::name(),
                Column::new(
                    "PriorityLevel",
                    "`name` is the name of the priority level configuration being referenced Required.",
                ),
                Column::new(
                    "MatchingPrecedence",
                    "`matchingPrecedence` is used to choose among the FlowSchemas that match a given request.",
                ),
                Column::new(
                    "DistinguisherMethod",
                    "`distinguisherMethod` defines how to compute the flow distinguisher for requests that match this schema.",
                ),
                Column::age(),
                Column::new("MissingPL", "references a broken or non-existent PriorityLevelConfiguration"),
            ]
        }
    }

    fn cells(&self, object: &FlowSchema, now: Time) -> Vec<Value> {
        let meta = &object.metadata;
        let spec = object.spec.as_ref();
        let method = spec.and_then(|s| s.distinguisher_method.as_ref()).map_or(NONE, |m| &m.type_);
        let conditions = object.status.as_ref().and_then(|s| s.conditions.as_ref());
        let dangling = conditions.into_iter().flatten().find(|c| text(&c.type_) == "Dangling");
        vec![
            meta.name.as_deref().into(),
            spec.map_or("", |s| &s.priority_level_configuration.name).into(),
            spec.and_then(|s| s.matching_precedence).unwrap_or(0).into(),
            method.into(),
            age(meta, now).into(),
            dangling.map_or("?", |c| text(&c.status)).into(),
        ]
    }
}
