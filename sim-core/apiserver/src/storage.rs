//! Objects by kind, namespace and name, and one ordered log of everything that happened to them.
//!
//! Models: etcd with the API server's watch cache. No rules live here: whoever commits has validated.
//! Invariants: revisions only grow; the log is in revision order; the owner index agrees with the objects.

use crate::object::ObjectRef;
use apimachinery::order::Order as _;
use apimachinery::time::Time;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

/// Index of a kind in the server's registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KindId(pub u16);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    Added,
    Modified,
    Deleted,
}

/// One entry of the log.
#[derive(Clone)]
pub struct Change {
    pub revision: u64,
    pub verb: Verb,
    pub kind: KindId,
    /// The object after the change (for a deletion: its last state, with the deletion's revision).
    pub object: ObjectRef,
    /// The object before the change.
    pub old: Option<ObjectRef>,
    pub at: Time,
    /// Who wrote: `kubectl`, `deployment-controller`, `kubelet minikube` …
    pub writer: Arc<str>,
    /// The revision that made the writer act, where it is known.
    pub cause: Option<u64>,
}

/// By the owner's UID: kind, namespace and name of what it owns.
type Dependents = BTreeMap<Arc<str>, BTreeSet<(KindId, Arc<str>, Arc<str>)>>;
type Table = BTreeMap<Arc<str>, BTreeMap<Arc<str>, ObjectRef>>;

/// How many log entries are kept for watches that resume; older revisions answer 410.
const LOG_ENTRIES_MAX: usize = 50_000;

#[derive(Clone)]
pub struct Storage {
    tables: Vec<Table>,
    log: VecDeque<Change>,
    revision: u64,
    /// Revision of the newest entry that was dropped from the log.
    compacted: u64,
    by_owner: Dependents,
    by_uid: BTreeMap<Arc<str>, (KindId, Arc<str>, Arc<str>)>,
    counts: Vec<usize>,
    /// Revision of the newest change of each kind: a quiet watch need not look at the log.
    last_changes: Vec<u64>,
}

impl Storage {
    pub fn new(kinds: usize) -> Self {
        Self {
            tables: vec![Table::new(); kinds],
            log: VecDeque::new(),
            revision: 1,
            compacted: 0,
            by_owner: BTreeMap::new(),
            by_uid: BTreeMap::new(),
            counts: vec![0; kinds],
            last_changes: vec![0; kinds],
        }
    }

    /// Makes room for one more kind (a custom resource definition was established).
    pub fn add_kind(&mut self) -> KindId {
        self.tables.push(Table::new());
        self.counts.push(0);
        self.last_changes.push(0);
        KindId(u16::try_from(self.tables.len() - 1).expect("fewer than 65,536 kinds"))
    }

    pub fn revision(&self) -> u64 {
        self.revision
    }

    pub fn compacted(&self) -> u64 {
        self.compacted
    }

    pub fn get(&self, kind: KindId, namespace: &str, name: &str) -> Option<&ObjectRef> {
        self.tables[usize::from(kind.0)].get(namespace)?.get(name)
    }

    /// Revision of the newest change of a kind; 0 if there was none.
    pub fn last_change(&self, kind: KindId) -> u64 {
        self.last_changes[usize::from(kind.0)]
    }

    pub fn count(&self, kind: KindId) -> usize {
        self.counts[usize::from(kind.0)]
    }

    /// Objects of a kind in order of namespace and name; of one namespace if given.
    pub fn list<'a>(&'a self, kind: KindId, namespace: Option<&str>) -> Box<dyn Iterator<Item = &'a ObjectRef> + 'a> {
        let table = &self.tables[usize::from(kind.0)];
        match namespace {
            Some(ns) => Box::new(table.get(ns).into_iter().flat_map(BTreeMap::values)),
            None => {
                // In etcd a slash follows the namespace: `kube-system/…` sorts before `kube/…`.
                let mut tables: Vec<_> = table.iter().collect();
                tables.order_by(|a, b| a.0.bytes().chain([b'/']).cmp(b.0.bytes().chain([b'/'])));
                Box::new(tables.into_iter().flat_map(|(_, names)| names.values()))
            }
        }
    }

    /// Objects that name `uid` among their owners.
    pub fn owned_by<'a>(&'a self, uid: &str) -> impl Iterator<Item = (KindId, &'a ObjectRef)> + 'a {
        self.by_owner
            .get(uid)
            .into_iter()
            .flatten()
            .filter_map(|(kind, ns, name)| self.get(*kind, ns, name).map(|o| (*kind, o)))
    }

    pub fn by_uid(&self, uid: &str) -> Option<(KindId, &ObjectRef)> {
        let (kind, ns, name) = self.by_uid.get(uid)?;
        self.get(*kind, ns, name).map(|o| (*kind, o))
    }

    /// Entries after `revision`, oldest first.
    pub fn changes_after(&self, revision: u64) -> impl Iterator<Item = &Change> {
        // Revisions are consecutive, so an entry's place follows from its number.
        let next = revision.saturating_add(1);
        let first = self.log.front().map_or(next, |c| c.revision);
        let start = usize::try_from(next.saturating_sub(first)).unwrap_or(usize::MAX);
        self.log.range(start.min(self.log.len())..)
    }

    /// The revision that the next commit will have.
    pub fn next_revision(&self) -> u64 {
        self.revision + 1
    }

    /// Puts or removes the object and writes the log. `object` already carries [`Self::next_revision`].
    pub fn commit(&mut self, change: Change) {
        debug_assert_eq!(change.revision, self.revision + 1, "revisions are consecutive");
        self.revision = change.revision;
        self.last_changes[usize::from(change.kind.0)] = change.revision;
        let table = &mut self.tables[usize::from(change.kind.0)];
        let meta = change.object.meta();
        let (ns, name) = (meta.namespace.as_deref().unwrap_or_default(), meta.name.as_deref().unwrap_or_default());
        let same_owners = change.verb == Verb::Modified
            && change.old.as_ref().is_some_and(|old| old.meta().owner_references == meta.owner_references);
        // Most changes are of this sort: an object takes the place of another.
        if same_owners && let Some(slot) = table.get_mut(ns).and_then(|names| names.get_mut(name)) {
            *slot = Arc::clone(&change.object);
            self.append(change);
            return;
        }
        let (ns, name): (Arc<str>, Arc<str>) = (ns.into(), name.into());
        if let Some(old) = &change.old {
            unindex(&mut self.by_owner, change.kind, old, &ns, &name);
        }
        let uid: Arc<str> = meta.uid.as_deref().unwrap_or_default().into();
        match change.verb {
            Verb::Deleted => {
                if let Some(names) = table.get_mut(&ns) {
                    names.remove(&name);
                    if names.is_empty() {
                        table.remove(&ns);
                    }
                }
                self.by_uid.remove(&uid);
                self.counts[usize::from(change.kind.0)] -= 1;
            }
            Verb::Added | Verb::Modified => {
                for owner in meta.owner_references.iter().flatten() {
                    let entry = (change.kind, Arc::clone(&ns), Arc::clone(&name));
                    match self.by_owner.get_mut(owner.uid.as_str()) {
                        Some(set) => {
                            set.insert(entry);
                        }
                        None => {
                            self.by_owner.insert(owner.uid.as_str().into(), BTreeSet::from([entry]));
                        }
                    }
                }
                if change.verb == Verb::Added {
                    // Nothing can belong to an event: one that belongs to nothing is never asked for by its uid.
                    if change.kind != KindId::EVENT || meta.owner_references.is_some() {
                        self.by_uid.insert(uid, (change.kind, Arc::clone(&ns), Arc::clone(&name)));
                    }
                    self.counts[usize::from(change.kind.0)] += 1;
                }
                table.entry(ns).or_default().insert(name, Arc::clone(&change.object));
            }
        }
        self.append(change);
    }

    fn append(&mut self, change: Change) {
        self.log.push_back(change);
        if self.log.len() > LOG_ENTRIES_MAX
            && let Some(dropped) = self.log.pop_front()
        {
            self.compacted = dropped.revision;
        }
    }
}

fn unindex(by_owner: &mut Dependents, kind: KindId, old: &ObjectRef, ns: &Arc<str>, name: &Arc<str>) {
    for owner in old.meta().owner_references.iter().flatten() {
        if let Some(set) = by_owner.get_mut(owner.uid.as_str()) {
            set.remove(&(kind, Arc::clone(ns), Arc::clone(name)));
            if set.is_empty() {
                by_owner.remove(owner.uid.as_str());
            }
        }
    }
}
