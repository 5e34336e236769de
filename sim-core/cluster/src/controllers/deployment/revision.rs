//! Revisions: finding or making the set of the current template, numbering it, and forgetting old ones.
//!
//! Models: `pkg/controller/deployment/sync.go` and the annotations of its `util`.

use super::super::meta::{annotation, controller_of, controller_ref, name_of, uid_of};
use super::super::replicaset::namespace_terminates;
use super::arithmetic::{self, DESIRED, MAX};
use super::{At, Rollout};
use crate::recorder::EventType;
use apimachinery::order::Order as _;
use apimachinery::rng::{fnv32, safe_encode};
use apimachinery::status::Status;
use apiserver::DeleteOptions;
use apiserver::server::Door;
use k8s_openapi::api::apps::v1::{Deployment, ReplicaSet, ReplicaSetSpec};
use k8s_openapi::api::core::v1::PodTemplateSpec;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use std::collections::BTreeMap;
use std::sync::Arc;

pub const REVISION: &str = "deployment.kubernetes.io/revision";
const HISTORY: &str = "deployment.kubernetes.io/revision-history";
const HASH_LABEL: &str = "pod-template-hash";
/// Longest list of earlier revisions, in bytes.
const HISTORY_BYTES_MAX: usize = 2000;
const SUBDOMAIN_MAX: usize = 253;
const NOT_COPIED: &[&str] = &[
    "kubectl.kubernetes.io/last-applied-configuration",
    REVISION,
    HISTORY,
    DESIRED,
    MAX,
    "deprecated.deployment.rollback.to",
];

impl Rollout<'_, '_> {
    /// Finds the set of the current template, or makes it if `create`; keeps its annotations and the revision in step.
    pub fn sync_revision(&mut self, create: bool) -> Result<Option<At>, Status> {
        let template = &self.spec().template;
        let found = self.sets.iter().position(|s| {
            s.spec.as_ref().and_then(|s| s.template.as_ref()).is_some_and(|t| same_template(t, template))
        });
        let revision = self.olds(found).iter().map(|at| revision_of(&self.sets[*at])).max().unwrap_or(0) + 1;
        match found {
            Some(at) => self.sync_found(at, revision).map(|()| Some(at)),
            None if create => self.create_set(revision).map(Some),
            None => Ok(None),
        }
    }

    fn sync_found(&mut self, at: At, revision: i64) -> Result<(), Status> {
        let set = &self.sets[at];
        let mut annotations = set.metadata.annotations.clone().unwrap_or_default();
        annotate(&self.d, &mut annotations, revision, true);
        let min_ready = self.spec().min_ready_seconds;
        let old_min_ready = set.spec.as_ref().and_then(|s| s.min_ready_seconds);
        let changed = set.metadata.annotations.as_ref().map_or(!annotations.is_empty(), |a| *a != annotations);
        if changed || min_ready.unwrap_or(0) != old_min_ready.unwrap_or(0) {
            let (namespace, name) = (self.namespace().to_owned(), name_of(&set.metadata).to_owned());
            self.sets[at] = self.cx.api.modify::<ReplicaSet>(&namespace, &name, Door::Main, &self.cx.writer, |s| {
                s.metadata.annotations = Some(annotations);
                if let Some(spec) = &mut s.spec {
                    spec.min_ready_seconds = min_ready;
                }
            })?;
            return Ok(());
        }
        let revision = annotation(&self.sets[at].metadata, REVISION).unwrap_or_default().to_owned();
        let condition = (self.has_deadline() && self.progressing().is_none()).then(|| {
            let message = format!("Found new replica set \"{}\"", name_of(&self.sets[at].metadata));
            self.condition("Progressing", "True", "FoundNewReplicaSet", message)
        });
        self.set_revision(&revision, condition)
    }

    fn create_set(&mut self, revision: i64) -> Result<At, Status> {
        let (set, hash_name) = self.new_set(revision);
        let size = arithmetic::replicas(&set);
        match self.cx.api.create(set, &self.cx.writer) {
            Ok(created) => {
                if size > 0 {
                    let message = format!("Scaled up replica set {hash_name} from 0 to {size}");
                    self.tell(EventType::Normal, "ScalingReplicaSet", &message);
                }
                self.sets.push(created);
                let condition = self.has_deadline().then(|| {
                    let message = format!("Created new replica set \"{hash_name}\"");
                    self.condition("Progressing", "True", "NewReplicaSetCreated", message)
                });
                self.set_revision(&revision.to_string(), condition)?;
                Ok(self.sets.len() - 1)
            }
            Err(status) if status.reason == "AlreadyExists" => self.collided(&hash_name, revision, status),
            Err(status) if namespace_terminates(&status) => Err(status),
            Err(status) => {
                let message = format!("Failed to create new replica set \"{hash_name}\": {}", status.message);
                if self.has_deadline() {
                    let failed = self.condition("Progressing", "False", "ReplicaSetCreateError", message.clone());
                    let mut new = self.d.status.clone().unwrap_or_default();
                    super::status::set_condition(&mut new, failed);
                    self.write_status(new)?;
                }
                self.tell(EventType::Warning, "ReplicaSetCreateError", &message);
                Err(status)
            }
        }
    }

    /// A set of this name exists: ours after all, or another template with the same hash.
    fn collided(&mut self, name: &str, revision: i64, status: Status) -> Result<At, Status> {
        let existing = self.cx.api.get::<ReplicaSet>(self.namespace(), name);
        let ours = existing.filter(|s| {
            let template = s.spec.as_ref().and_then(|s| s.template.as_ref());
            controller_of(&s.metadata).is_some_and(|r| r.uid == uid_of(&self.d.metadata))
                && template.is_some_and(|t| same_template(t, &self.spec().template))
        });
        if let Some(set) = ours {
            self.sets.push(set);
            self.set_revision(&revision.to_string(), None)?;
            return Ok(self.sets.len() - 1);
        }
        let mut new = self.d.status.clone().unwrap_or_default();
        new.collision_count = Some(new.collision_count.unwrap_or(0) + 1);
        self.write_status(new)?;
        Err(status)
    }

    fn new_set(&self, revision: i64) -> (ReplicaSet, String) {
        let spec = self.spec();
        let mut template = spec.template.clone();
        let collisions = self.d.status.as_ref().and_then(|s| s.collision_count);
        let hash = template_hash(&template, collisions);
        let m = template.metadata.get_or_insert_with(ObjectMeta::default);
        let labels = m.labels.get_or_insert_with(BTreeMap::new);
        labels.insert(HASH_LABEL.into(), hash.clone());
        let labels = labels.clone();
        let mut chosen = spec.selector.clone();
        chosen.match_labels.get_or_insert_with(BTreeMap::new).insert(HASH_LABEL.into(), hash.clone());
        let cut = self.name().len().min(SUBDOMAIN_MAX - 1 - hash.len());
        let name = format!("{}-{hash}", self.name().get(..cut).unwrap_or_default());
        let mut annotations = BTreeMap::new();
        annotate(&self.d, &mut annotations, revision, false);
        let set = ReplicaSet {
            metadata: ObjectMeta {
                name: Some(name.clone()),
                namespace: self.d.metadata.namespace.clone(),
                owner_references: Some(vec![controller_ref(&*self.d)]),
                labels: Some(labels),
                annotations: Some(annotations),
                ..ObjectMeta::default()
            },
            spec: Some(ReplicaSetSpec {
                replicas: Some(arithmetic::new_set_size(spec, self.replicas_of(&self.all()), 0)),
                min_ready_seconds: spec.min_ready_seconds,
                selector: chosen,
                template: Some(template),
            }),
            status: None,
        };
        (set, name)
    }

    /// Notes the revision on the deployment, and a condition with it.
    fn set_revision(
        &mut self,
        revision: &str,
        condition: Option<k8s_openapi::api::apps::v1::DeploymentCondition>,
    ) -> Result<(), Status> {
        if annotation(&self.d.metadata, REVISION) == Some(revision) && condition.is_none() {
            return Ok(());
        }
        let (namespace, name) = (self.namespace().to_owned(), self.name().to_owned());
        self.d = self.cx.api.modify::<Deployment>(&namespace, &name, Door::Status, &self.cx.writer, |d| {
            let annotations = d.metadata.annotations.get_or_insert_with(BTreeMap::new);
            annotations.insert(REVISION.into(), revision.to_owned());
            if let Some(condition) = condition {
                super::status::set_condition(d.status.get_or_insert_with(Default::default), condition);
            }
        })?;
        Ok(())
    }

    /// Deletes old sets beyond the history that is to be kept.
    pub fn clean_up(&mut self, new: Option<At>) -> Result<(), Status> {
        let Some(limit) = self.spec().revision_history_limit.filter(|n| *n != i32::MAX) else { return Ok(()) };
        let mut olds = self.olds(new);
        olds.retain(|at| self.sets[*at].metadata.deletion_timestamp.is_none());
        let surplus = olds.len().saturating_sub(usize::try_from(limit).unwrap_or(0));
        olds.order_by_key(|at| revision_of(&self.sets[*at]));
        for at in olds.into_iter().take(surplus) {
            let set = Arc::clone(&self.sets[at]);
            let status = set.status.as_ref();
            let idle = status.is_none_or(|s| s.replicas == 0) && arithmetic::replicas(&set) == 0;
            let observed = set.metadata.generation <= status.and_then(|s| s.observed_generation);
            if idle && observed {
                let name = name_of(&set.metadata);
                let namespace = self.namespace().to_owned();
                self.cx.api.delete::<ReplicaSet>(&namespace, name, &DeleteOptions::default(), &self.cx.writer)?;
            }
        }
        Ok(())
    }
}

fn revision_of(set: &ReplicaSet) -> i64 {
    annotation(&set.metadata, REVISION).and_then(|r| r.parse().ok()).unwrap_or(0)
}

/// Brings a set's annotations in step with its deployment. A set that comes back remembers its earlier numbers.
fn annotate(d: &Deployment, annotations: &mut BTreeMap<String, String>, revision: i64, exists: bool) {
    for (key, value) in d.metadata.annotations.iter().flatten() {
        if !NOT_COPIED.contains(&key.as_str()) {
            annotations.insert(key.clone(), value.clone());
        }
    }
    let old = annotations.get(REVISION).cloned();
    let Ok(number) = old.as_deref().unwrap_or("0").parse::<i64>() else { return };
    if number < revision {
        annotations.insert(REVISION.into(), revision.to_string());
        if let Some(old) = old {
            let history = annotations.get(HISTORY).cloned().unwrap_or_default();
            annotations.insert(HISTORY.into(), appended(&history, &old));
        }
    }
    if let Some(spec) = d.spec.as_ref().filter(|_| !exists) {
        annotate_sizes(annotations, spec);
    }
}

fn appended(history: &str, revision: &str) -> String {
    let mut list: Vec<&str> = history.split(',').filter(|r| !r.is_empty()).collect();
    list.push(revision);
    while list.len() > 1 && list.iter().map(|r| r.len() + 1).sum::<usize>() > HISTORY_BYTES_MAX + 1 {
        list.remove(0);
    }
    list.join(",")
}

/// Notes for which size of the deployment a set was sized; true if that changed anything.
pub fn annotate_sizes(
    annotations: &mut BTreeMap<String, String>,
    spec: &k8s_openapi::api::apps::v1::DeploymentSpec,
) -> bool {
    let desired = arithmetic::wanted(spec);
    let mut changed = false;
    for (key, value) in [(DESIRED, desired), (MAX, desired + arithmetic::max_surge(spec))] {
        let value = value.to_string();
        if annotations.get(key) != Some(&value) {
            annotations.insert(key.into(), value);
            changed = true;
        }
    }
    changed
}

/// The template's hash as it stands in names and labels. Real in form; the digits are our own, for upstream hashes Go's
/// way of printing the template.
fn template_hash(template: &PodTemplateSpec, collisions: Option<i32>) -> String {
    // Through a JSON value, as every object is written: the types are compiled for one serializer only.
    let mut bytes = serde_json::to_value(template).unwrap_or_default().to_string().into_bytes();
    if let Some(n) = collisions {
        bytes.extend(n.to_le_bytes());
    }
    safe_encode(&fnv32(&bytes).to_string())
}

/// Equal but for the hash label.
fn same_template(a: &PodTemplateSpec, b: &PodTemplateSpec) -> bool {
    fn labels(t: &PodTemplateSpec) -> impl Iterator<Item = (&String, &String)> {
        let map = t.metadata.as_ref().and_then(|m| m.labels.as_ref());
        map.into_iter().flatten().filter(|(k, _)| *k != HASH_LABEL)
    }
    let annotations =
        |t: &PodTemplateSpec| t.metadata.as_ref().and_then(|m| m.annotations.clone()).filter(|a| !a.is_empty());
    a.spec == b.spec && labels(a).eq(labels(b)) && annotations(a) == annotations(b)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn history_keeps_what_fits() {
        for (history, revision, expected) in [("", "1", "1"), ("1", "3", "1,3"), ("1,3", "5", "1,3,5")] {
            assert_eq!(appended(history, revision), expected);
        }
        let long = vec!["100"; 500].join(",");
        assert!(appended(&long, "7").len() <= HISTORY_BYTES_MAX);
        assert!(appended(&long, "7").ends_with(",100,7"));
    }
}
