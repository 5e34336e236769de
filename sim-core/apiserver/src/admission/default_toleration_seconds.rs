//! Lets every pod stay five minutes on a node that has become unready or unreachable.
//!
//! Models: `plugin/pkg/admission/defaulttolerationseconds`.

use super::{Plugin, Request, Verdict, typed};
use crate::object::Object;
use crate::storage::KindId;
use k8s_openapi::api::core::v1::{Pod, Toleration};

const SECONDS: i64 = 300;
const TAINTS: [&str; 2] = ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"];

pub struct DefaultTolerationSeconds;

impl Plugin for DefaultTolerationSeconds {
    fn mutate(&self, object: &mut dyn Object, request: &mut Request<'_>) -> Verdict {
        if request.kind != KindId::POD {
            return Ok(());
        }
        let Some(spec) = typed::<Pod>(object).and_then(|p| p.spec.as_mut()) else { return Ok(()) };
        for taint in TAINTS {
            let covers = |t: &Toleration| {
                let key = t.key.as_deref().unwrap_or_default();
                let effect = t.effect.as_deref().unwrap_or_default();
                (key == taint || key.is_empty()) && (effect == "NoExecute" || effect.is_empty())
            };
            if !spec.tolerations.iter().flatten().any(covers) {
                spec.tolerations.get_or_insert_default().push(Toleration {
                    key: Some(taint.into()),
                    operator: Some("Exists".into()),
                    effect: Some("NoExecute".into()),
                    toleration_seconds: Some(SECONDS),
                    value: None,
                });
            }
        }
        Ok(())
    }
}
