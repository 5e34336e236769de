//! MutatingWebhookConfiguration: names, defaults, rules and columns.

use super::{Column, KindInfo, Strategy, age};
use apimachinery::time::Time;
use k8s_openapi::api::admissionregistration::v1::MutatingWebhookConfiguration;
use serde_json::Value;

pub struct MutatingWebhookConfigurationStrategy;

impl Strategy for MutatingWebhookConfigurationStrategy {
    type Object = MutatingWebhookConfiguration;

    fn info(&self) -> &'static KindInfo {
        const {
            &KindInfo::cluster(
                "admissionregistration.k8s.io",
                "MutatingWebhookConfiguration",
                "mutatingwebhookconfigurations",
                "mutatingwebhookconfiguration",
            )
            .category(&["api-extensions"])
            .with_generation()
        }
    }

    fn default(&self, object: &mut MutatingWebhookConfiguration) {
        for hook in object.webhooks.iter_mut().flatten() {
            hook.failure_policy.get_or_insert_with(|| "Fail".into());
            hook.match_policy.get_or_insert_with(|| "Equivalent".into());
            hook.namespace_selector.get_or_insert_default();
            hook.object_selector.get_or_insert_default();
            hook.timeout_seconds.get_or_insert(10);
            hook.reinvocation_policy.get_or_insert_with(|| "Never".into());
        }
    }

    fn spec_changed(&self, new: &MutatingWebhookConfiguration, old: &MutatingWebhookConfiguration) -> bool {
        new.webhooks != old.webhooks
    }

    fn columns(&self) -> &'static [Column] {
        const {
            &[
                Column::name(),
                Column::new("Webhooks", "Webhooks indicates the number of webhooks registered in this configuration")
                    .integer(),
                Column::age(),
            ]
        }
    }

    fn cells(&self, object: &MutatingWebhookConfiguration, now: Time) -> Vec<Value> {
        let meta = &object.metadata;
        let count = object.webhooks.as_ref().map_or(0, Vec::len);
        vec![meta.name.as_deref().into(), count.into(), age(meta, now).into()]
    }
}
