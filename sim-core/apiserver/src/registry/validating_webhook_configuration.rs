//! ValidatingWebhookConfiguration: names, defaults, rules and columns.

use super::{Column, KindInfo, Strategy, age};
use apimachinery::time::Time;
use k8s_openapi::api::admissionregistration::v1::ValidatingWebhookConfiguration;
use serde_json::Value;

pub struct ValidatingWebhookConfigurationStrategy;

impl Strategy for ValidatingWebhookConfigurationStrategy {
    type Object = ValidatingWebhookConfiguration;

    fn info(&self) -> &'static KindInfo {
        const {
            &KindInfo::cluster(
                "admissionregistration.k8s.io",
                "ValidatingWebhookConfiguration",
                "validatingwebhookconfigurations",
                "validatingwebhookconfiguration",
            )
            .category(&["api-extensions"])
            .with_generation()
        }
    }

    fn default(&self, object: &mut ValidatingWebhookConfiguration) {
        for hook in object.webhooks.iter_mut().flatten() {
            hook.failure_policy.get_or_insert_with(|| "Fail".into());
            hook.match_policy.get_or_insert_with(|| "Equivalent".into());
            hook.namespace_selector.get_or_insert_default();
            hook.object_selector.get_or_insert_default();
            hook.timeout_seconds.get_or_insert(10);
        }
    }

    fn spec_changed(&self, new: &ValidatingWebhookConfiguration, old: &ValidatingWebhookConfiguration) -> bool {
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

    fn cells(&self, object: &ValidatingWebhookConfiguration, now: Time) -> Vec<Value> {
        let meta = &object.metadata;
        let count = object.webhooks.as_ref().map_or(0, Vec::len);
        vec![meta.name.as_deref().into(), count.into(), age(meta, now).into()]
    }
}
