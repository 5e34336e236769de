//! A quota's status says what its namespace uses of what it rations.
//!
//! Counted afresh after every change in a namespace that has a quota; what keeps a namespace within its quota is admission.
//!
//! Models: `pkg/controller/resourcequota`.

use super::{Action, Controller, Informer, Key, Seen};
use crate::cluster::Ctx;
use apimachinery::status::Status;
use apiserver::admission::resource_quota::usage;
use apiserver::server::Door;
use apiserver::{Change, KindId};
use k8s_openapi::api::core::v1::{ResourceQuota, ResourceQuotaStatus};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;

pub struct ResourceQuotas;

impl Controller for ResourceQuotas {
    fn name(&self) -> &'static str {
        "resourcequota-controller"
    }

    fn observe(&self, change: &Change, seen: &Seen<'_>, enqueue: &mut dyn FnMut(Key)) {
        if seen.api.storage.count(KindId::RESOURCE_QUOTA) == 0 {
            return;
        }
        let Some(namespace) = change.object.meta().namespace.as_deref() else { return };
        for quota in seen.api.list::<ResourceQuota>(Some(namespace)) {
            enqueue(Key::new(namespace, quota.metadata.name.as_deref().unwrap_or_default()));
        }
    }

    fn reconcile(&self, key: &Key, cx: &mut Ctx<'_>, _informer: &mut Informer) -> Result<Action, Status> {
        let Some(quota) = cx.api.get::<ResourceQuota>(&key.namespace, &key.name) else { return Ok(Action::Done) };
        let hard = quota.spec.as_ref().and_then(|s| s.hard.clone()).unwrap_or_default();
        let used = usage(&cx.api.storage, &key.namespace, &hard);
        let used = used.into_iter().map(|(name, amount)| (name, Quantity(amount.to_string()))).collect();
        let status = Some(ResourceQuotaStatus { hard: Some(hard), used: Some(used) });
        if quota.status != status {
            cx.api.modify::<ResourceQuota>(&key.namespace, &key.name, Door::Status, &cx.writer, |quota| {
                quota.status = status;
            })?;
        }
        Ok(Action::Done)
    }
}
