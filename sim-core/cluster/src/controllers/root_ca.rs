//! Every active namespace has a ConfigMap `kube-root-ca.crt` with the certificate of the cluster's authority.
//!
//! Models: `pkg/controller/certificates/rootcacertpublisher`.

use super::service_account::accepts_content;
use super::{Action, Controller, Informer, Key, Seen};
use crate::cluster::Ctx;
use apimachinery::rng::Rng;
use apimachinery::status::Status;
use apiserver::server::Door;
use apiserver::{Change, KindId, Verb};
use k8s_openapi::api::core::v1::ConfigMap;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use std::collections::BTreeMap;

pub struct RootCa;

const NAME: &str = "kube-root-ca.crt";
const DESCRIPTION: &str = "Contains a CA bundle that can be used to verify the kube-apiserver when using internal \
     endpoints such as the internal service IP or kubernetes.default.svc. No other usage is guaranteed across \
     distributions of Kubernetes clusters.";

impl Controller for RootCa {
    fn name(&self) -> &'static str {
        "root-ca-cert-publisher"
    }

    fn observe(&self, change: &Change, _seen: &Seen<'_>, enqueue: &mut dyn FnMut(Key)) {
        let m = change.object.meta();
        match (change.kind, change.verb) {
            (KindId::NAMESPACE, Verb::Added | Verb::Modified) => {
                enqueue(Key::new("", m.name.as_deref().unwrap_or_default()));
            }
            (KindId::CONFIG_MAP, Verb::Modified | Verb::Deleted) if m.name.as_deref() == Some(NAME) => {
                enqueue(Key::new("", m.namespace.as_deref().unwrap_or_default()));
            }
            _ => {}
        }
    }

    fn reconcile(&self, key: &Key, cx: &mut Ctx<'_>, _informer: &mut Informer) -> Result<Action, Status> {
        if !accepts_content(cx, &key.name) {
            return Ok(Action::Done);
        }
        let data = Some(BTreeMap::from([("ca.crt".to_owned(), certificate(cx.api.config.seed))]));
        let annotation = ("kubernetes.io/description".to_owned(), DESCRIPTION.to_owned());
        let Some(map) = cx.api.get::<ConfigMap>(&key.name, NAME) else {
            let map = ConfigMap {
                metadata: ObjectMeta {
                    name: Some(NAME.into()),
                    namespace: Some(key.name.to_string()),
                    annotations: Some(BTreeMap::from([annotation])),
                    ..ObjectMeta::default()
                },
                data,
                ..ConfigMap::default()
            };
            cx.api.create(map, &cx.writer)?;
            return Ok(Action::Done);
        };
        let described = map.metadata.annotations.as_ref().is_some_and(|a| a.get(&annotation.0) == Some(&annotation.1));
        if map.data != data || !described {
            cx.api.modify::<ConfigMap>(&key.name, NAME, Door::Main, &cx.writer, |map| {
                map.data = data;
                map.metadata.annotations.get_or_insert_with(BTreeMap::new).extend([annotation]);
            })?;
        }
        Ok(Action::Done)
    }
}

/// A certificate by its looks: PEM of bytes drawn from the cluster's seed. Nothing in the simulation verifies it.
pub fn certificate(seed: u64) -> String {
    const LINES: usize = 17;
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut rng = Rng::derive(seed, "certificate", "minikubeCA", 0);
    let mut out =
        String::from("-----BEGIN CERTIFICATE-----\nMIIDBjCCAe6gAwIBAgIBATANBgkqhkiG9w0BAQsFADAVMRMwEQYDVQQDEwptaW5p\n");
    for _ in 0..LINES {
        out.extend((0..64).map(|_| char::from(ALPHABET[rng.below(64) as usize])));
        out.push('\n');
    }
    out.push_str("-----END CERTIFICATE-----\n");
    out
}
