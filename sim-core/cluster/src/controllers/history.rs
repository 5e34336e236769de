//! The templates that a StatefulSet or DaemonSet has had, as ControllerRevisions.
//!
//! Models: `pkg/controller/history`, and what the two controllers do with it.

use super::meta::{controller_ref, name_of, uid_of};
use crate::cluster::Ctx;
use apimachinery::order::Order as _;
use apimachinery::rng::{fnv32, safe_encode};
use apimachinery::status::Status;
use apiserver::DeleteOptions;
use apiserver::Object;
use apiserver::object::Builtin;
use apiserver::server::Door;
use k8s_openapi::api::apps::v1::ControllerRevision;
use k8s_openapi::api::core::v1::PodTemplateSpec;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use k8s_openapi::apimachinery::pkg::runtime::RawExtension;
use serde_json::{Value, json};
use std::sync::Arc;

/// Label of pods and revisions.
pub const HASH: &str = "controller-revision-hash";

/// Revisions in ascending order; the last is that of the current template.
pub struct History(pub Vec<Arc<ControllerRevision>>);

impl History {
    /// Finds or makes the revision of `template`, and makes it the newest.
    pub fn sync<T: Builtin + k8s_openapi::Resource>(
        owner: &T,
        template: &PodTemplateSpec,
        hash_label: &str,
        cx: &mut Ctx<'_>,
    ) -> Result<Self, Status> {
        let m = Object::meta(owner);
        let namespace = m.namespace.clone().unwrap_or_default();
        let mut list: Vec<Arc<ControllerRevision>> =
            cx.api.owned::<ControllerRevision>(uid_of(m)).cloned().map(Arc::new).collect();
        list.order_by(|a, b| a.revision.cmp(&b.revision).then_with(|| name_of(&a.metadata).cmp(name_of(&b.metadata))));
        let data = data(template);
        let next = list.last().map_or(0, |r| r.revision) + 1;
        let same = |r: &Arc<ControllerRevision>| r.data.as_ref().is_some_and(|d| d.0 == data);
        match list.iter().rposition(same) {
            Some(at) if at + 1 == list.len() => {}
            Some(at) => {
                let name = name_of(&list.remove(at).metadata).to_owned();
                let newest = cx.api.modify::<ControllerRevision>(&namespace, &name, Door::Main, &cx.writer, |r| {
                    r.revision = next;
                })?;
                list.push(newest);
            }
            None => {
                let hash = safe_encode(&fnv32(data.to_string().as_bytes()).to_string());
                let mut labels = template.metadata.as_ref().and_then(|m| m.labels.clone()).unwrap_or_default();
                labels.insert(hash_label.into(), hash.clone());
                let revision = ControllerRevision {
                    metadata: ObjectMeta {
                        name: Some(format!("{}-{hash}", name_of(m))),
                        namespace: Some(namespace),
                        labels: Some(labels),
                        annotations: m.annotations.clone(),
                        owner_references: Some(vec![controller_ref(owner)]),
                        ..ObjectMeta::default()
                    },
                    data: Some(RawExtension(data)),
                    revision: next,
                };
                list.push(cx.api.create(revision, &cx.writer)?);
            }
        }
        Ok(Self(list))
    }

    pub fn newest(&self) -> &str {
        self.0.last().map(|r| name_of(&r.metadata)).unwrap_or_default()
    }

    /// The template of a revision, by the revision's name.
    pub fn template(&self, name: &str) -> Option<PodTemplateSpec> {
        let revision = self.0.iter().find(|r| name_of(&r.metadata) == name)?;
        let mut template = revision.data.as_ref()?.0["spec"]["template"].clone();
        template.as_object_mut()?.remove("$patch");
        // The server's decoder, never serde_json's: the types are compiled for one deserializer only.
        apiserver::decode::from_value(&template).ok().map(|(template, _)| template)
    }

    /// Forgets the oldest revisions that are not `used`, beyond `limit` of them.
    pub fn truncate(&self, limit: Option<i32>, used: &dyn Fn(&str) -> bool, cx: &mut Ctx<'_>) -> Result<(), Status> {
        let old = self.0.iter().filter(|r| name_of(&r.metadata) != self.newest() && !used(name_of(&r.metadata)));
        let old: Vec<_> = old.collect();
        let surplus = old.len().saturating_sub(usize::try_from(limit.unwrap_or(10)).unwrap_or(0));
        for r in &old[..surplus] {
            let namespace = r.metadata.namespace.as_deref().unwrap_or_default();
            let gone = cx.api.delete::<ControllerRevision>(
                namespace,
                name_of(&r.metadata),
                &DeleteOptions::default(),
                &cx.writer,
            );
            gone.map(drop).or_else(|status| if status.is_not_found() { Ok(()) } else { Err(status) })?;
        }
        Ok(())
    }
}

/// A template as the patch that brings it back.
fn data(template: &PodTemplateSpec) -> Value {
    let mut template = serde_json::to_value(template).unwrap_or_default();
    if let Some(map) = template.as_object_mut() {
        map.insert("$patch".into(), "replace".into());
    }
    json!({"spec": {"template": template}})
}
