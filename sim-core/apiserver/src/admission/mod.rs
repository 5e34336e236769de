//! Admission: what is added to an object on its way in, and who may not come in at all.
//!
//! One table of plugins, in upstream's order; first all of them mutate, then (after the kind's own validation) all of
//! them look once more. Controllers' writes pass the same chain. NamespaceLifecycle lives in `server.rs`: it comes before
//! anything else is looked at.
//!
//! Models: the admission chain of kube-apiserver with its default plugins. Invariant: plugins read the storage, they
//! never write to it.

mod default_classes;
mod default_toleration_seconds;
mod limit_ranger;
mod pod_security;
mod pod_security_checks;
mod priority;
pub mod resource_quota;
mod service_account;

use crate::object::Object;
use crate::registry::KindInfo;
use crate::storage::{KindId, Storage};
use apimachinery::status::Status;

/// The write that is being admitted.
pub struct Request<'a> {
    pub kind: KindId,
    pub info: &'a KindInfo,
    /// The object before an update; none when it is being created.
    pub old: Option<&'a dyn Object>,
    pub storage: &'a Storage,
    pub seed: u64,
    /// The revision that the write will have: what random names derive from.
    pub revision: u64,
    /// For the client.
    pub warnings: &'a mut Vec<String>,
}

impl Request<'_> {
    fn creates(&self, kind: KindId) -> bool {
        self.kind == kind && self.old.is_none()
    }

    /// The refusal of a plugin.
    fn forbidden(&self, object: &dyn Object, why: &str) -> Status {
        let name = object.meta().name.as_deref().unwrap_or_default();
        Status::forbidden(self.info.group, self.info.plural, name, why)
    }
}

type Verdict = Result<(), Status>;

/// A plugin of the chain. Both methods are called for every write of every kind: they look at the kind first.
pub trait Plugin: Sync {
    /// May change the object.
    fn mutate(&self, object: &mut dyn Object, request: &mut Request<'_>) -> Verdict {
        let _ = (object, request);
        Ok(())
    }
    /// Only looks; the object is valid by now.
    fn validate(&self, object: &dyn Object, request: &mut Request<'_>) -> Verdict {
        let _ = (object, request);
        Ok(())
    }
}

/// In the order of upstream's `AllOrderedPlugins`.
static PLUGINS: &[&dyn Plugin] = &[
    &limit_ranger::LimitRanger,
    &service_account::ServiceAccount,
    &pod_security::PodSecurity,
    &priority::Priority,
    &default_toleration_seconds::DefaultTolerationSeconds,
    &default_classes::DefaultStorageClass,
    &default_classes::DefaultIngressClass,
    // Last, so that nothing is counted that another plugin refuses.
    &resource_quota::ResourceQuota,
];

pub fn mutate(object: &mut dyn Object, request: &mut Request<'_>) -> Verdict {
    PLUGINS.iter().try_for_each(|p| p.mutate(object, request))
}

pub fn validate(object: &dyn Object, request: &mut Request<'_>) -> Verdict {
    PLUGINS.iter().try_for_each(|p| p.validate(object, request))
}

/// The object as its type, if it is of that type.
fn typed<T: 'static>(object: &mut dyn Object) -> Option<&mut T> {
    object.as_any_mut().downcast_mut()
}
