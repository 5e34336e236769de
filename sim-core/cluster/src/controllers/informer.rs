//! What controllers know without asking again: counts and indexes kept from the log, one change at a time.
//!
//! Models: the shared informers and their indexers, with pods counted per owner, so that no reconcile has to look at
//! every pod because one changed. Holds nothing that the objects do not say: it can be rebuilt from the storage.
//! Invariant: what a change adds, the next change of the same object takes away again (`old` equals the last `object`).

use super::endpoints::{self, slices};
use super::meta::{controller_of, is_active, is_terminal, name_of, namespace_of, node_of, ready_since, uid_of};
use super::selector::{SelectorIndex, selector};
use apimachinery::labels::Selector;
use apimachinery::time::{Duration, Time};
use apiserver::object::view;
use apiserver::{ApiServer, Change, KindId, Verb};
use k8s_openapi::api::apps::v1::{Deployment, ReplicaSet};
use k8s_openapi::api::core::v1::{Pod, Service};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What one pod adds to its controller's counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Share {
    pub active: bool,
    pub terminating: bool,
    /// Second since when it is ready (and active).
    pub ready_since: Option<i64>,
}

impl Share {
    pub fn of(pod: &Pod) -> Self {
        let active = is_active(pod);
        Self {
            active,
            terminating: pod.metadata.deletion_timestamp.is_some() && !is_terminal(pod),
            ready_since: if active { ready_since(pod) } else { None },
        }
    }
}

/// The pods of one controller, counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Owned {
    pub active: i32,
    pub ready: i32,
    pub terminating: i32,
    /// Ready pods by the second since when they are.
    ready_since: BTreeMap<i64, i32>,
    /// Names of pods whose labels may not be those of the template.
    pub suspects: BTreeSet<Arc<str>>,
}

impl Owned {
    fn add(&mut self, share: Share, sign: i32) {
        self.active += sign * i32::from(share.active);
        self.terminating += sign * i32::from(share.terminating);
        if let Some(since) = share.ready_since {
            self.ready += sign;
            let n = self.ready_since.entry(since).or_default();
            *n += sign;
            if *n == 0 {
                self.ready_since.remove(&since);
            }
        }
    }

    /// Pods that have been ready for at least `min_ready` seconds.
    pub fn available(&self, min_ready: i32, now: Time) -> i32 {
        if min_ready <= 0 {
            return self.ready;
        }
        self.ready_since.range(..=now.secs() - i64::from(min_ready)).map(|(_, n)| n).sum()
    }

    /// How long until one more ready pod is available.
    pub fn next_available(&self, min_ready: i32, now: Time) -> Option<Duration> {
        let (since, _) = self.ready_since.range(now.secs() - i64::from(min_ready) + 1..).next()?;
        Some(Time::from_secs(since + i64::from(min_ready)).since(now))
    }

    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// One service as its endpoints are kept.
#[derive(Clone, Debug, Default)]
pub struct ServiceIndex {
    /// Pods that the service selects.
    pub pods: BTreeSet<Arc<str>>,
    /// Pods whose endpoint may have changed.
    pub dirty: BTreeSet<Arc<str>>,
    /// Everything has to be looked at: the service itself or a slice changed under foreign hands.
    pub all_dirty: bool,
    /// Pod → slice that holds its endpoint.
    pub placed: BTreeMap<Arc<str>, Arc<str>>,
    /// When the older Endpoints were last gathered.
    pub gathered: Time,
    /// Slice → how many endpoints it holds.
    pub slices: BTreeMap<Arc<str>, usize>,
}

type Names = BTreeSet<Arc<str>>;
/// Namespaces and names.
type PodKeys = BTreeSet<(Arc<str>, Arc<str>)>;

#[derive(Clone, Default)]
pub struct Informer {
    owned: BTreeMap<Arc<str>, Owned>,
    /// Namespace → pods without a controller.
    orphan_pods: BTreeMap<Arc<str>, Names>,
    orphan_sets: BTreeMap<Arc<str>, Names>,
    by_node: BTreeMap<Arc<str>, PodKeys>,
    pub deployments: SelectorIndex<Arc<str>>,
    pub replica_sets: SelectorIndex<Arc<str>>,
    pub services: SelectorIndex<Arc<str>>,
    pub endpoints: BTreeMap<super::Key, ServiceIndex>,
}

impl Informer {
    /// Takes in one change.
    pub fn observe(&mut self, change: &Change, api: &ApiServer) {
        let old = change.old.as_deref();
        let new = (change.verb != Verb::Deleted).then_some(&*change.object);
        match change.kind {
            KindId::POD => {
                let (old, new) = (old.and_then(view), new.and_then(view));
                self.pod(old, new, &change.writer);
                self.moved(old, new);
                self.endpoint_changed(old, new);
            }
            KindId::REPLICA_SET => {
                let (old, new) = (old.and_then(view::<ReplicaSet>), new.and_then(view::<ReplicaSet>));
                let of = |o: &ReplicaSet| o.spec.as_ref().map(|s| selector(&s.selector));
                let spec = |o: Option<&ReplicaSet>| o.and_then(|o| o.spec.as_ref().map(|s| s.selector.clone()));
                if spec(old) != spec(new) {
                    let sides = [old, new].map(|o| o.map(|o| (&o.metadata, of(o))));
                    reindex(&mut self.replica_sets, sides);
                }
                let orphan = |o: &&ReplicaSet| controller_of(&o.metadata).is_none();
                if let Some(o) = old.filter(orphan) {
                    take(&mut self.orphan_sets, namespace_of(&o.metadata), name_of(&o.metadata));
                }
                if let Some(n) = new.filter(orphan) {
                    put(&mut self.orphan_sets, namespace_of(&n.metadata), name_of(&n.metadata));
                }
                self.template_labels_changed(old, new, api);
            }
            KindId::DEPLOYMENT => {
                let (old, new) = (old.and_then(view::<Deployment>), new.and_then(view::<Deployment>));
                let of = |o: &Deployment| o.spec.as_ref().map(|s| selector(&s.selector));
                reindex(&mut self.deployments, [old, new].map(|o| o.map(|o| (&o.metadata, of(o)))));
            }
            KindId::SERVICE => {
                let (old, new) = (old.and_then(view::<Service>), new.and_then(view::<Service>));
                let sides = [old, new].map(|o| o.map(|o| (&o.metadata, service_selector(o))));
                reindex(&mut self.services, sides);
                let m = change.object.meta();
                let key = super::Key::new(namespace_of(m), name_of(m));
                if new.is_some() {
                    self.endpoints.entry(key).or_default().all_dirty = true;
                } else {
                    self.endpoints.remove(&key);
                }
            }
            KindId::ENDPOINT_SLICE => slices::index_slice(&mut self.endpoints, change),
            _ => {}
        }
    }

    /// The counts of the pods that the object with this uid controls.
    pub fn owned(&self, uid: &str) -> Option<&Owned> {
        self.owned.get(uid)
    }

    /// A suspect was found to carry the template's labels.
    pub fn clear_suspect(&mut self, uid: &str, pod: &str) {
        if let Some(owned) = self.owned.get_mut(uid) {
            owned.suspects.remove(pod);
        }
    }

    pub fn orphan_pods(&self, namespace: &str) -> impl Iterator<Item = &Arc<str>> {
        self.orphan_pods.get(namespace).into_iter().flatten()
    }

    pub fn orphan_sets(&self, namespace: &str) -> impl Iterator<Item = &Arc<str>> {
        self.orphan_sets.get(namespace).into_iter().flatten()
    }

    /// Namespace and name of the pods bound to a node.
    pub fn pods_on(&self, node: &str) -> impl Iterator<Item = &(Arc<str>, Arc<str>)> {
        self.by_node.get(node).into_iter().flatten()
    }

    fn pod(&mut self, old: Option<&Pod>, new: Option<&Pod>, writer: &str) {
        let owner = |pod: &Pod| controller_of(&pod.metadata).map(|r| r.uid.clone());
        let (old_owner, new_owner) = (old.and_then(owner), new.and_then(owner));
        let same_owner = old.is_some() && new.is_some() && old_owner == new_owner;
        if let Some(pod) = old {
            self.forget_pod(pod, old_owner.as_deref(), same_owner);
        }
        let Some(pod) = new else { return };
        let m = &pod.metadata;
        let relabelled = old.is_none_or(|o| o.metadata.labels != m.labels);
        match &new_owner {
            Some(uid) => {
                let share = Share::of(pod);
                let suspect = relabelled && writer != super::replicaset::NAME || old.is_some() && !same_owner;
                let owned = match self.owned.get_mut(uid.as_str()) {
                    Some(owned) => owned,
                    None => self.owned.entry(uid.as_str().into()).or_default(),
                };
                owned.add(share, 1);
                if suspect {
                    owned.suspects.insert(name_of(m).into());
                }
            }
            None if !same_owner => put(&mut self.orphan_pods, namespace_of(m), name_of(m)),
            None => {}
        }
    }

    fn moved(&mut self, old: Option<&Pod>, new: Option<&Pod>) {
        let (from, to) = (old.map_or("", node_of), new.map_or("", node_of));
        let Some(pod) = new.or(old).filter(|_| from != to) else { return };
        let key = (namespace_of(&pod.metadata).into(), name_of(&pod.metadata).into());
        if let Some(set) = self.by_node.get_mut(from) {
            set.remove(&key);
            if set.is_empty() {
                self.by_node.remove(from);
            }
        }
        if !to.is_empty() {
            self.by_node.entry(to.into()).or_default().insert(key);
        }
    }

    fn endpoint_changed(&mut self, old: Option<&Pod>, new: Option<&Pod>) {
        if new.is_some() && !endpoints::matters(old, new) {
            return;
        }
        let Self { services, endpoints, .. } = self;
        for pod in [old, new].into_iter().flatten() {
            let (namespace, name) = (namespace_of(&pod.metadata), name_of(&pod.metadata));
            services.matching(namespace, pod.metadata.labels.as_ref(), |service| {
                let index = endpoints.entry(super::Key::new(namespace, service)).or_default();
                index.dirty.insert(name.into());
                if new.is_some_and(|n| n.metadata.labels == pod.metadata.labels) {
                    index.pods.insert(name.into());
                } else {
                    index.pods.remove(name);
                }
            });
        }
    }

    /// `stays`: the pod lives on under the same owner.
    fn forget_pod(&mut self, pod: &Pod, owner: Option<&str>, stays: bool) {
        let m = &pod.metadata;
        match owner {
            Some(uid) => {
                if let Some(owned) = self.owned.get_mut(uid) {
                    owned.add(Share::of(pod), -1);
                    if !stays {
                        owned.suspects.remove(name_of(m));
                    }
                    if !stays && owned.is_empty() {
                        self.owned.remove(uid);
                    }
                }
            }
            None if !stays => take(&mut self.orphan_pods, namespace_of(m), name_of(m)),
            None => {}
        }
    }

    /// A template edited in place makes every pod of its set a suspect.
    fn template_labels_changed(&mut self, old: Option<&ReplicaSet>, new: Option<&ReplicaSet>, api: &ApiServer) {
        let labels = |set: &ReplicaSet| {
            set.spec.as_ref().and_then(|s| s.template.as_ref()).and_then(|t| t.metadata.as_ref()?.labels.clone())
        };
        let (Some(old), Some(new)) = (old, new) else { return };
        if labels(old) == labels(new) {
            return;
        }
        if let Some(owned) = self.owned.get_mut(uid_of(&new.metadata)) {
            let pods = api.owned::<Pod>(uid_of(&new.metadata));
            owned.suspects.extend(pods.map(|p| Arc::<str>::from(name_of(&p.metadata))));
        }
    }
}

/// A service without a selector has no pods of its own.
fn service_selector(service: &Service) -> Option<Selector> {
    let map = service.spec.as_ref()?.selector.as_ref()?;
    (!map.is_empty()).then(|| Selector::from_map(map))
}

type Indexed<'a> = Option<(&'a k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta, Option<Selector>)>;

fn reindex(index: &mut SelectorIndex<Arc<str>>, [old, new]: [Indexed<'_>; 2]) {
    if let (Some((_, a)), Some((_, b))) = (&old, &new)
        && a == b
    {
        return;
    }
    if let Some((m, Some(selector))) = old {
        index.remove(namespace_of(m), &name_of(m).into(), &selector);
    }
    if let Some((m, Some(selector))) = new {
        index.insert(namespace_of(m), name_of(m).into(), selector);
    }
}

fn put(map: &mut BTreeMap<Arc<str>, Names>, namespace: &str, name: &str) {
    map.entry(namespace.into()).or_default().insert(name.into());
}

fn take(map: &mut BTreeMap<Arc<str>, Names>, namespace: &str, name: &str) {
    if let Some(set) = map.get_mut(namespace) {
        set.remove(name);
        if set.is_empty() {
            map.remove(namespace);
        }
    }
}
