//! Lease: names, defaults, rules and columns.

use super::checks;
use super::{Column, KindInfo, Strategy, age};
use apimachinery::field::{Error, ErrorList, Path};
use apimachinery::time::Time;
use k8s_openapi::api::coordination::v1::Lease;
use serde_json::Value;

pub struct LeaseStrategy;

impl Strategy for LeaseStrategy {
    type Object = Lease;

    fn info(&self) -> &'static KindInfo {
        &KindInfo {
            group: "coordination.k8s.io",
            version: "v1",
            kind: "Lease",
            plural: "leases",
            singular: "lease",
            short_names: &[],
            categories: &[],
            namespaced: true,
            subresources: &[],
            generation: false,
            verbs: &[],
        }
    }

    fn default(&self, object: &mut Lease) {
        object.spec.get_or_insert_default();
    }

    fn validate(&self, object: &Lease) -> ErrorList {
        let mut errors = ErrorList::default();
        let Some(spec) = &object.spec else { return errors };
        let path = Path::new("spec");
        if let Some(seconds) = spec.lease_duration_seconds.filter(|s| *s <= 0) {
            let at = path.child("leaseDurationSeconds");
            errors.push(Error::invalid_raw(&at, seconds, "must be greater than 0"));
        }
        if let Some(count) = spec.lease_transitions {
            checks::non_negative(count.into(), &path.child("leaseTransitions"), &mut errors);
        }
        errors
    }

    fn columns(&self) -> &'static [Column] {
        const {
            &[
                Column::name(),
                Column::new("Holder", "holderIdentity contains the identity of the holder of a current lease."),
                Column::age(),
            ]
        }
    }

    fn cells(&self, object: &Lease, now: Time) -> Vec<Value> {
        let meta = &object.metadata;
        let holder = object.spec.as_ref().and_then(|s| s.holder_identity.as_deref()).unwrap_or_default();
        vec![meta.name.as_deref().into(), holder.into(), age(meta, now).into()]
    }
}
