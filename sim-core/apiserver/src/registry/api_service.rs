//! APIService: names, defaults, rules and columns.

use super::checks::text;
use super::{Column, Context, KindInfo, Strategy, age};
use apimachinery::field::ErrorList;
use apimachinery::time::Time;
use k8s_openapi::kube_aggregator::pkg::apis::apiregistration::v1::APIService;
use serde_json::Value;

pub struct APIServiceStrategy;

impl Strategy for APIServiceStrategy {
    type Object = APIService;

    fn info(&self) -> &'static KindInfo {
        const {
            &KindInfo::cluster("apiregistration.k8s.io", "APIService", "apiservices", "apiservice")
                .category(&["api-extensions"])
                .subresources(&["status"])
        }
    }

    fn default(&self, object: &mut APIService) {
        object.spec.get_or_insert_default();
        object.status.get_or_insert_default();
    }

    fn prepare_create(&self, object: &mut APIService, _: &mut Context<'_>) -> Result<(), ErrorList> {
        object.status = Some(Default::default());
        Ok(())
    }

    fn prepare_update(&self, new: &mut APIService, old: &APIService, _: &mut Context<'_>) -> Result<(), ErrorList> {
        new.status.clone_from(&old.status);
        Ok(())
    }

    fn prepare_status(&self, new: &mut APIService, old: &APIService) {
        new.spec.clone_from(&old.spec);
    }

    fn columns(&self) -> &'static [Column] {
        const {
            &[
                Column::name(),
                Column::new("Service", "The reference to the service that hosts this API endpoint."),
                Column::new("Available", "Whether this service is available."),
                Column::age(),
            ]
        }
    }

    fn cells(&self, object: &APIService, now: Time) -> Vec<Value> {
        let meta = &object.metadata;
        let service = object.spec.as_ref().and_then(|s| s.service.as_ref());
        let conditions = object.status.as_ref().and_then(|s| s.conditions.as_deref()).unwrap_or_default();
        let available = conditions.iter().find(|c| c.type_ == "Available");
        let available = available.map_or_else(
            || "Unknown".to_owned(),
            |c| match (c.status.as_str(), text(&c.reason)) {
                ("True", _) | (_, "") => c.status.clone(),
                (status, reason) => format!("{status} ({reason})"),
            },
        );
        vec![
            meta.name.as_deref().into(),
            service.map_or_else(|| "Local".to_owned(), |s| format!("{}/{}", text(&s.namespace), text(&s.name))).into(),
            available.into(),
            age(meta, now).into(),
        ]
    }
}
