//! The verbs: create, update, delete, with everything that has to happen on the way to a commit.
//!
//! Models: `apiserver/pkg/registry/generic/registry/store.go`. The HTTP-shaped door ([`ApiServer::handle`]) and the typed
//! methods for controllers end here alike, so the same rules hold for both.

use crate::admission;
use crate::object::{Builtin, Object, ObjectRef, cast, view};
use crate::registry::custom::lifecycle;
use crate::registry::{BUILTIN, Context, Kind};
use crate::storage::{Change, KindId, Storage, Verb};
use crate::watch::Watch;
use apimachinery::http::StreamId;
use apimachinery::rng::Rng;
use apimachinery::status::Status;
use apimachinery::time::Time;
use k8s_openapi::api::core::v1::Namespace;
use k8s_openapi::apimachinery::pkg::apis::meta::v1 as meta;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What a server is told once, at its birth.
#[derive(Clone, Debug)]
pub struct Config {
    pub seed: u64,
    /// `v1.36.2`.
    pub version: String,
    /// Host part of the API server's address, as `kubectl cluster-info` shows it.
    pub address: String,
    pub port: u16,
}

impl Default for Config {
    fn default() -> Self {
        Self { seed: 1, version: "v1.36.2".into(), address: "192.168.49.2".into(), port: 8443 }
    }
}

/// Addresses and ports that services hold.
#[derive(Clone, Default)]
pub struct Allocators {
    /// Last octets pair of 10.96.0.0/12 in use, as offsets from the network address.
    pub service_ips: BTreeSet<u32>,
    pub node_ports: BTreeSet<u16>,
}

/// Who writes, and what made them.
#[derive(Clone, Debug)]
pub struct Writer {
    pub name: Arc<str>,
    /// The revision that the writer reacts to.
    pub cause: Option<u64>,
}

impl Writer {
    pub fn new(name: &str) -> Self {
        Self { name: name.into(), cause: None }
    }

    pub fn because(&self, revision: u64) -> Self {
        Self { name: Arc::clone(&self.name), cause: Some(revision) }
    }
}

/// How a deletion goes on to dependents.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Propagation {
    #[default]
    Background,
    Foreground,
    Orphan,
}

#[derive(Clone, Debug, Default)]
pub struct DeleteOptions {
    pub grace_period_seconds: Option<i64>,
    pub propagation: Option<Propagation>,
    pub uid: Option<String>,
    pub resource_version: Option<String>,
    pub dry_run: bool,
}

/// Which door of an object an update comes through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    Main,
    Status,
    /// A subresource that writes its own part (scale, ephemeral containers): no preparation, but validation.
    Part,
    /// As [`Self::Part`], but the generation stays: the pod's author has not changed what he wants.
    Binding,
}

/// A kind of the registry: built in, or made by a custom resource definition.
#[derive(Clone)]
pub enum KindRef {
    Builtin(&'static dyn Kind),
    Custom(Arc<dyn Kind>),
}

impl core::ops::Deref for KindRef {
    type Target = dyn Kind;
    fn deref(&self) -> &(dyn Kind + 'static) {
        match self {
            Self::Builtin(k) => *k,
            Self::Custom(k) => &**k,
        }
    }
}

#[derive(Clone)]
pub struct ApiServer {
    pub storage: Storage,
    pub config: Config,
    pub allocators: Allocators,
    /// The instant of the simulation; moved by the cluster, never by the server.
    pub now: Time,
    /// What admission had to say about the latest create or update, for whoever answers its client.
    pub warnings: Vec<String>,
    pub(crate) kinds: Vec<KindRef>,
    /// Further versions of custom kinds, each with the id under which its objects are stored.
    pub(crate) versions: Vec<(KindId, KindRef)>,
    /// Schemas of the built-in kinds by name, for the OpenAPI documents.
    pub(crate) openapi: Option<Arc<serde_json::Value>>,
    pub(crate) watches: BTreeMap<StreamId, Watch>,
    next_stream: u64,
}

impl ApiServer {
    pub fn new(config: Config, now: Time) -> Self {
        Self {
            storage: Storage::new(BUILTIN.len()),
            config,
            allocators: Allocators::default(),
            now,
            warnings: Vec::new(),
            kinds: BUILTIN.iter().map(|k| KindRef::Builtin(*k)).collect(),
            versions: Vec::new(),
            openapi: None,
            watches: BTreeMap::new(),
            next_stream: 1,
        }
    }

    pub fn kind(&self, id: KindId) -> KindRef {
        self.kinds[usize::from(id.0)].clone()
    }

    /// Every kind that is served, with its id, in registry order; a custom kind once for each version.
    pub fn kinds(&self) -> impl Iterator<Item = (KindId, &KindRef)> {
        let stored = (0u16..).map(KindId).zip(self.kinds.iter()).filter(|(_, kind)| kind.served());
        stored.chain(self.versions.iter().map(|(id, kind)| (*id, kind)))
    }

    /// Gives the server the schemas of the built-in kinds (`{"io.k8s.api.core.v1.Pod": {…}, …}`), which need not be there
    /// from the start: they are only documentation.
    pub fn set_openapi(&mut self, schemas: Arc<serde_json::Value>) {
        self.openapi = Some(schemas);
    }

    pub fn new_stream(&mut self) -> StreamId {
        let id = StreamId(self.next_stream);
        self.next_stream += 1;
        id
    }

    // ---- typed door, for controllers ----

    pub fn get<T: Builtin>(&self, namespace: &str, name: &str) -> Option<Arc<T>> {
        self.storage.get(T::ID, namespace, name).and_then(cast)
    }

    pub fn list<'a, T: Builtin>(&'a self, namespace: Option<&str>) -> impl Iterator<Item = &'a T> + 'a {
        self.storage.list(T::ID, namespace).filter_map(|o| view(&**o))
    }

    /// Objects of type `T` that `uid` owns (as controller or not).
    pub fn owned<'a, T: Builtin>(&'a self, uid: &str) -> impl Iterator<Item = &'a T> + 'a {
        self.storage.owned_by(uid).filter(|(kind, _)| *kind == T::ID).filter_map(|(_, o)| view(&**o))
    }

    pub fn create<T: Builtin>(&mut self, object: T, writer: &Writer) -> Result<Arc<T>, Status> {
        let mut object: Box<dyn Object> = Box::new(object);
        self.kind(T::ID).default(&mut *object);
        let out = self.create_object(T::ID, object, writer, false)?;
        Ok(cast(&out).expect("what was created is of the type that was given"))
    }

    pub fn update<T: Builtin>(&mut self, object: T, writer: &Writer) -> Result<Arc<T>, Status> {
        let out = self.update_object(T::ID, Box::new(object), Door::Main, writer, false)?;
        Ok(cast(&out).expect("what was updated is of the type that was given"))
    }

    pub fn update_status<T: Builtin>(&mut self, object: T, writer: &Writer) -> Result<Arc<T>, Status> {
        let out = self.update_object(T::ID, Box::new(object), Door::Status, writer, false)?;
        Ok(cast(&out).expect("what was updated is of the type that was given"))
    }

    /// Read, change, write: for a writer that owns its part of the object and cannot conflict within one step.
    pub fn modify<T: Builtin>(
        &mut self,
        namespace: &str,
        name: &str,
        door: Door,
        writer: &Writer,
        change: impl FnOnce(&mut T),
    ) -> Result<Arc<T>, Status> {
        let info = self.kind(T::ID);
        let info = info.info();
        let mut object: T = self
            .get::<T>(namespace, name)
            .map(|o| (*o).clone())
            .ok_or_else(|| Status::not_found(info.group, info.plural, name))?;
        change(&mut object);
        let out = self.update_object(T::ID, Box::new(object), door, writer, false)?;
        Ok(cast(&out).expect("what was updated is of the type that was given"))
    }

    pub fn delete<T: Builtin>(
        &mut self,
        namespace: &str,
        name: &str,
        options: &DeleteOptions,
        writer: &Writer,
    ) -> Result<ObjectRef, Status> {
        self.delete_object(T::ID, namespace, name, options, writer).map(|(object, _)| object)
    }

    // ---- the verbs themselves ----

    /// Creates an object that has been decoded and defaulted.
    pub fn create_object(
        &mut self,
        id: KindId,
        mut object: Box<dyn Object>,
        writer: &Writer,
        dry_run: bool,
    ) -> Result<ObjectRef, Status> {
        let kind = self.kind(id);
        let info = kind.info();
        if info.namespaced {
            self.check_namespace_accepts(&*object, info.group, info.plural)?;
        }
        let revision = self.storage.next_revision();
        let now = self.now;
        let generates = object.meta().name.as_deref().unwrap_or_default().is_empty();
        if generates && let Some(prefix) = object.meta().generate_name.clone() {
            let cut = prefix.len().min(58);
            let prefix = prefix.get(..cut).unwrap_or(&prefix);
            let mut rng = Rng::derive(self.config.seed, "name", prefix, revision);
            let mut name = format!("{prefix}{}", rng.suffix(5));
            // Names drawn at random meet sooner than one thinks: upstream draws again, too.
            for _ in 1..NAME_DRAWS_MAX {
                if self.storage.get(id, namespace_of(&*object), &name).is_none() {
                    break;
                }
                name = format!("{prefix}{}", rng.suffix(5));
            }
            object.meta_mut().name = Some(name);
        }
        let m = object.meta_mut();
        let name = m.name.clone().unwrap_or_default();
        m.uid = Some(Rng::derive(self.config.seed, "uid", &name, revision).uuid());
        m.creation_timestamp = Some(meta::Time(whole_second(now)));
        m.deletion_timestamp = None;
        m.deletion_grace_period_seconds = None;
        m.generation = info.generation.then_some(1);
        m.self_link = None;
        if !info.namespaced {
            m.namespace = None;
        }
        self.admit(id, &kind, &mut *object, None)?;
        let mut cx = Context { now, seed: self.config.seed, allocators: &mut self.allocators, storage: &self.storage };
        kind.prepare_create(&mut *object, &mut cx)
            .map_err(|errors| Status::invalid(info.group, info.kind, &name, &errors))?;
        let errors = kind.validate(&*object);
        let refused = if !errors.is_empty() {
            Some(Status::invalid(info.group, info.kind, &name, &errors))
        } else if let Err(status) = self.admit_valid(id, &kind, &*object, None) {
            Some(status)
        } else if self.storage.get(id, namespace_of(&*object), &name).is_some() {
            Some(Status::already_exists(info.group, info.plural, &name))
        } else {
            None
        };
        if let Some(status) = refused {
            kind.released(&*object, &mut self.allocators);
            return Err(status);
        }
        if dry_run {
            kind.released(&*object, &mut self.allocators);
            return Ok(object.into_ref());
        }
        Ok(self.commit(id, Verb::Added, object, None, writer))
    }

    /// Updates an object through one of its doors. An unchanged object is not written.
    pub fn update_object(
        &mut self,
        id: KindId,
        mut new: Box<dyn Object>,
        door: Door,
        writer: &Writer,
        dry_run: bool,
    ) -> Result<ObjectRef, Status> {
        let kind = self.kind(id);
        let info = kind.info();
        let name = new.meta().name.clone().unwrap_or_default();
        let old = self
            .storage
            .get(id, namespace_of(&*new), &name)
            .cloned()
            .ok_or_else(|| Status::not_found(info.group, info.plural, &name))?;
        {
            let (n, o) = (new.meta_mut(), old.meta());
            if let Some(uid) = n.uid.as_deref().filter(|u| !u.is_empty())
                && o.uid.as_deref() != Some(uid)
            {
                let why = format!(
                    "Precondition failed: UID in precondition: {uid}, UID in object meta: {}",
                    o.uid.as_deref().unwrap_or_default()
                );
                return Err(Status::conflict(info.group, info.plural, &name, &why));
            }
            let version = n.resource_version.as_deref().unwrap_or_default();
            if !version.is_empty() && version != "0" && o.resource_version.as_deref() != Some(version) {
                return Err(Status::modified(info.group, info.plural, &name));
            }
            n.resource_version.clone_from(&o.resource_version);
            n.uid.clone_from(&o.uid);
            n.creation_timestamp.clone_from(&o.creation_timestamp);
            n.deletion_timestamp.clone_from(&o.deletion_timestamp);
            n.deletion_grace_period_seconds = o.deletion_grace_period_seconds;
            n.generation = o.generation;
            n.self_link = None;
        }
        if door == Door::Main {
            self.admit(id, &kind, &mut *new, Some(&*old))?;
        }
        let mut cx =
            Context { now: self.now, seed: self.config.seed, allocators: &mut self.allocators, storage: &self.storage };
        let errors = match door {
            Door::Main => {
                kind.prepare_update(&mut *new, &*old, &mut cx)
                    .map_err(|errors| Status::invalid(info.group, info.kind, &name, &errors))?;
                kind.validate_update(&*new, &*old)
            }
            Door::Status => {
                kind.prepare_status(&mut *new, &*old);
                kind.validate_status(&*new, &*old)
            }
            Door::Part | Door::Binding => kind.validate(&*new),
        };
        if !errors.is_empty() {
            kind.replaced(&*new, &*old, &mut self.allocators);
            return Err(Status::invalid(info.group, info.kind, &name, &errors));
        }
        if door == Door::Main
            && let Err(status) = self.admit_valid(id, &kind, &*new, Some(&*old))
        {
            kind.replaced(&*new, &*old, &mut self.allocators);
            return Err(status);
        }
        if !matches!(door, Door::Status | Door::Binding) && info.generation && kind.spec_changed(&*new, &*old) {
            new.meta_mut().generation = Some(old.meta().generation.unwrap_or(0) + 1);
        }
        if new.same(&*old) {
            return Ok(old);
        }
        if dry_run {
            kind.replaced(&*new, &*old, &mut self.allocators);
            return Ok(new.into_ref());
        }
        if door == Door::Main {
            kind.replaced(&*old, &*new, &mut self.allocators);
        }
        let finished = new.meta().deletion_timestamp.is_some()
            && new.meta().finalizers.as_ref().is_none_or(Vec::is_empty)
            && new.meta().deletion_grace_period_seconds.unwrap_or(0) == 0
            && (old.meta().finalizers.as_ref().is_some_and(|f| !f.is_empty()) || has_spec_finalizers(&*old));
        if finished && !has_spec_finalizers(&*new) {
            return Ok(self.commit(id, Verb::Deleted, new, Some(old), writer));
        }
        Ok(self.commit(id, Verb::Modified, new, Some(old), writer))
    }

    /// Deletes, or begins to: the second part tells whether the object is gone.
    pub fn delete_object(
        &mut self,
        id: KindId,
        namespace: &str,
        name: &str,
        options: &DeleteOptions,
        writer: &Writer,
    ) -> Result<(ObjectRef, bool), Status> {
        let kind = self.kind(id);
        let info = kind.info();
        let old = self
            .storage
            .get(id, namespace, name)
            .cloned()
            .ok_or_else(|| Status::not_found(info.group, info.plural, name))?;
        check_preconditions(options, old.meta(), info.group, info.plural, name)?;
        let mut new = old.clone_box();
        let was_deleting = old.meta().deletion_timestamp.is_some();
        lifecycle::hold(id, &mut *new, self.now);
        let grace = kind.grace(&*old, options.grace_period_seconds).unwrap_or(0).max(0);
        let m = new.meta_mut();
        if !was_deleting {
            match options.propagation {
                Some(Propagation::Foreground) => add_finalizer(m, "foregroundDeletion"),
                Some(Propagation::Orphan) => add_finalizer(m, "orphan"),
                Some(Propagation::Background) | None => {}
            }
        }
        let left = m.deletion_grace_period_seconds.unwrap_or(i64::MAX);
        if !was_deleting || grace < left {
            let base = match (&m.deletion_timestamp, m.deletion_grace_period_seconds) {
                (Some(t), Some(g)) if was_deleting => Time(t.0.as_microsecond() - g * 1_000_000),
                _ => self.now,
            };
            m.deletion_timestamp =
                Some(meta::Time(whole_second(Time(base.0.saturating_add(grace.saturating_mul(1_000_000))))));
            m.deletion_grace_period_seconds = Some(grace);
            if let Some(g) = m.generation.filter(|g| *g > 0 && grace > 0 && !was_deleting) {
                m.generation = Some(g + 1);
            }
        }
        let held = m.finalizers.as_ref().is_some_and(|f| !f.is_empty()) || grace > 0;
        if held || has_spec_finalizers(&*new) {
            mark_terminating(&mut *new);
            if new.same(&*old) || options.dry_run {
                return Ok((old, false));
            }
            return Ok((self.commit(id, Verb::Modified, new, Some(old), writer), false));
        }
        if options.dry_run {
            return Ok((old, true));
        }
        Ok((self.commit(id, Verb::Deleted, old.clone_box(), Some(old), writer), true))
    }

    /// The mutating half of admission.
    fn admit(
        &mut self,
        id: KindId,
        kind: &KindRef,
        object: &mut dyn Object,
        old: Option<&dyn Object>,
    ) -> Result<(), Status> {
        self.warnings.clear();
        admission::mutate(object, &mut self.admission_request(id, kind, old))
    }

    /// The validating half.
    fn admit_valid(
        &mut self,
        id: KindId,
        kind: &KindRef,
        object: &dyn Object,
        old: Option<&dyn Object>,
    ) -> Result<(), Status> {
        admission::validate(object, &mut self.admission_request(id, kind, old))
    }

    fn admission_request<'a>(
        &'a mut self,
        id: KindId,
        kind: &'a KindRef,
        old: Option<&'a dyn Object>,
    ) -> admission::Request<'a> {
        admission::Request {
            kind: id,
            info: kind.info(),
            old,
            storage: &self.storage,
            seed: self.config.seed,
            revision: self.storage.next_revision(),
            warnings: &mut self.warnings,
        }
    }

    /// The one way into storage.
    fn commit(
        &mut self,
        id: KindId,
        verb: Verb,
        mut object: Box<dyn Object>,
        old: Option<ObjectRef>,
        writer: &Writer,
    ) -> ObjectRef {
        let revision = self.storage.next_revision();
        object.meta_mut().resource_version = Some(revision.to_string());
        let object = object.into_ref();
        if verb == Verb::Deleted {
            let kind = self.kind(id);
            kind.released(&*object, &mut self.allocators);
        }
        self.storage.commit(Change {
            revision,
            verb,
            kind: id,
            object: Arc::clone(&object),
            old,
            at: self.now,
            writer: Arc::clone(&writer.name),
            cause: writer.cause,
        });
        lifecycle::follow(self, id, verb, &*object);
        object
    }

    fn check_namespace_accepts(&self, object: &dyn Object, group: &str, resource: &str) -> Result<(), Status> {
        let ns = namespace_of(object);
        let name = object.meta().name.as_deref().unwrap_or_default();
        let Some(namespace) = self.get::<Namespace>("", ns) else {
            return Err(Status::not_found("", "namespaces", ns));
        };
        if namespace.metadata.deletion_timestamp.is_some() {
            let why = format!("unable to create new content in namespace {ns} because it is being terminated");
            let mut status = Status::forbidden(group, resource, name, &why);
            if let Some(d) = &mut status.details {
                d.causes.push(apimachinery::status::Cause {
                    reason: "NamespaceTerminating".into(),
                    message: format!("namespace {ns} is being terminated"),
                    field: "metadata.namespace".into(),
                });
            }
            return Err(status);
        }
        Ok(())
    }
}

/// How often a generated name is drawn before the collision is told.
const NAME_DRAWS_MAX: usize = 8;

fn namespace_of(object: &dyn Object) -> &str {
    object.meta().namespace.as_deref().unwrap_or_default()
}

fn whole_second(t: Time) -> k8s_openapi::jiff::Timestamp {
    k8s_openapi::jiff::Timestamp::from_second(t.secs()).unwrap_or(k8s_openapi::jiff::Timestamp::UNIX_EPOCH)
}

fn check_preconditions(
    options: &DeleteOptions,
    m: &meta::ObjectMeta,
    group: &str,
    resource: &str,
    name: &str,
) -> Result<(), Status> {
    for (what, wanted, is) in
        [("UID", &options.uid, &m.uid), ("ResourceVersion", &options.resource_version, &m.resource_version)]
    {
        if let Some(wanted) = wanted
            && is.as_ref() != Some(wanted)
        {
            let why = format!(
                "Precondition failed: {what} in precondition: {wanted}, {what} in object meta: {}",
                is.as_deref().unwrap_or_default()
            );
            return Err(Status::conflict(group, resource, name, &why));
        }
    }
    Ok(())
}

fn add_finalizer(m: &mut meta::ObjectMeta, name: &str) {
    let list = m.finalizers.get_or_insert_with(Vec::new);
    if !list.iter().any(|f| f == name) {
        list.push(name.to_owned());
    }
}

/// A namespace is held by the finalizers in its spec, which the namespace controller takes away.
fn has_spec_finalizers(object: &dyn Object) -> bool {
    view::<Namespace>(object).and_then(|n| n.spec.as_ref()?.finalizers.as_ref()).is_some_and(|f| !f.is_empty())
}

fn mark_terminating(object: &mut dyn Object) {
    if let Some(n) = object.as_any_mut().downcast_mut::<Namespace>() {
        n.status.get_or_insert_with(Default::default).phase = Some("Terminating".into());
    }
}
