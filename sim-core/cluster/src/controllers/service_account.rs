//! Every active namespace has a ServiceAccount `default`.
//!
//! Models: `pkg/controller/serviceaccount/serviceaccounts_controller.go`.

use super::{Action, Controller, Informer, Key, Seen};
use crate::cluster::Ctx;
use apimachinery::status::Status;
use apiserver::{Change, KindId, Verb};
use k8s_openapi::api::core::v1::{Namespace, ServiceAccount};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

pub struct ServiceAccounts;

const DEFAULT: &str = "default";

impl Controller for ServiceAccounts {
    fn name(&self) -> &'static str {
        "serviceaccount-controller"
    }

    fn observe(&self, change: &Change, _seen: &Seen<'_>, enqueue: &mut dyn FnMut(Key)) {
        let m = change.object.meta();
        match (change.kind, change.verb) {
            (KindId::NAMESPACE, Verb::Added | Verb::Modified) => {
                enqueue(Key::new("", m.name.as_deref().unwrap_or_default()));
            }
            (KindId::SERVICE_ACCOUNT, Verb::Deleted) if m.name.as_deref() == Some(DEFAULT) => {
                enqueue(Key::new("", m.namespace.as_deref().unwrap_or_default()));
            }
            _ => {}
        }
    }

    fn reconcile(&self, key: &Key, cx: &mut Ctx<'_>, _informer: &mut Informer) -> Result<Action, Status> {
        if !accepts_content(cx, &key.name) || cx.api.get::<ServiceAccount>(&key.name, DEFAULT).is_some() {
            return Ok(Action::Done);
        }
        let account = ServiceAccount {
            metadata: ObjectMeta {
                name: Some(DEFAULT.into()),
                namespace: Some(key.name.to_string()),
                ..ObjectMeta::default()
            },
            ..ServiceAccount::default()
        };
        cx.api.create(account, &cx.writer)?;
        Ok(Action::Done)
    }
}

/// The namespace exists and is not being deleted.
pub(super) fn accepts_content(cx: &Ctx<'_>, namespace: &str) -> bool {
    cx.api.get::<Namespace>("", namespace).is_some_and(|n| n.metadata.deletion_timestamp.is_none())
}
