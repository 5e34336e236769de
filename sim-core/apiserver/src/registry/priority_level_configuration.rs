//! PriorityLevelConfiguration: names, defaults, rules and columns.

use super::printing::NONE;
use super::{Column, Context, KindInfo, Strategy, age};
use apimachinery::field::ErrorList;
use apimachinery::time::Time;
use k8s_openapi::api::flowcontrol::v1::PriorityLevelConfiguration;
use serde_json::Value;

pub struct PriorityLevelConfigurationStrategy;

impl Strategy for PriorityLevelConfigurationStrategy {
    type Object = PriorityLevelConfiguration;

    fn info(&self) -> &'static KindInfo {
        const {
            &KindInfo::cluster(
                "flowcontrol.apiserver.k8s.io",
                "PriorityLevelConfiguration",
                "prioritylevelconfigurations",
                "prioritylevelconfiguration",
            )
            .subresources(&["status"])
            .with_generation()
        }
    }

    fn default(&self, object: &mut PriorityLevelConfiguration) {
        let spec = object.spec.get_or_insert_default();
        if let Some(limited) = &mut spec.limited {
            limited.nominal_concurrency_shares.get_or_insert(30);
            limited.lendable_percent.get_or_insert(0);
            if let Some(queuing) = limited.limit_response.as_mut().and_then(|r| r.queuing.as_mut()) {
                queuing.hand_size.get_or_insert(8);
                queuing.queues.get_or_insert(64);
                queuing.queue_length_limit.get_or_insert(50);
            }
        }
        object.status.get_or_insert_default();
    }

    fn prepare_create(&self, object: &mut PriorityLevelConfiguration, _: &mut Context<'_>) -> Result<(), ErrorList> {
        object.status = Some(Default::default());
        Ok(())
    }

    fn prepare_update(
        &self,
        new: &mut PriorityLevelConfiguration,
        old: &PriorityLevelConfiguration,
        _: &mut Context<'_>,
    ) -> Result<(), ErrorList> {
        new.status.clone_from(&old.status);
        Ok(())
    }

    fn prepare_status(&self, new: &mut PriorityLevelConfiguration, old: &PriorityLevelConfiguration) {
        new.spec.clone_from(&old.spec);
    }

    fn spec_changed(&self, new: &PriorityLevelConfiguration, old: &PriorityLevelConfiguration) -> bool {
        new.spec != old.spec
    }

    fn columns(&self) -> &'static [Column] {
        const {
            &[
                Column::name(),
                Column::new(
                    "Type",
                    "`type` indicates whether this priority level is subject to limitation on request execution.",
                ),
                Column::new(
                    "NominalConcurrencyShares",
                    "`nominalConcurrencyShares` (NCS) contributes to the computation of the NominalConcurrencyLimit (NominalCL) of this level.",
                ),
                Column::new("Queues", "`queues` is the number of queues for this priority level."),
                Column::new(
                    "HandSize",
                    "`handSize` is a small positive number that configures the shuffle sharding of requests into queues.",
                ),
                Column::new(
                    "QueueLengthLimit",
                    "`queueLengthLimit` is the maximum number of requests allowed to be waiting in a given queue of this priority level at a time.",
                ),
                Column::age(),
            ]
        }
    }

    fn cells(&self, object: &PriorityLevelConfiguration, now: Time) -> Vec<Value> {
        let meta = &object.metadata;
        let spec = object.spec.as_ref();
        let limited = spec.and_then(|s| s.limited.as_ref());
        let exempt = spec.and_then(|s| s.exempt.as_ref());
        let queuing = limited.and_then(|l| l.limit_response.as_ref()?.queuing.as_ref());
        let shares =
            limited.and_then(|l| l.nominal_concurrency_shares).or(exempt.and_then(|e| e.nominal_concurrency_shares));
        let shown = |n: Option<i32>| n.map_or_else(|| Value::from(NONE), Value::from);
        vec![
            meta.name.as_deref().into(),
            spec.map_or("", |s| &s.type_).into(),
            shown(shares),
            shown(queuing.and_then(|q| q.queues)),
            shown(queuing.and_then(|q| q.hand_size)),
            shown(queuing.and_then(|q| q.queue_length_limit)),
            age(meta, now).into(),
        ]
    }
}
