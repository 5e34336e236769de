//! EndpointSlices: each pod of a service in one slice, a hundred to a slice.
//!
//! Only pods that changed are looked at ([`ServiceIndex`]), so a service of a hundred thousand pods costs no more per
//! change than a small one. Invariant: a pod stands in at most one slice of a service.

use super::super::informer::ServiceIndex;
use super::super::meta::{controller_ref, is_ready, is_terminal, name_of, namespace_of, node_of, ready_since, uid_of};
use super::super::replicaset::namespace_terminates;
use super::super::{Action, Controller, Informer, Key, Seen};
use super::{LAST_CHANGE, Port, hostname, labels, pod_ip, ports, zone};
use crate::cluster::Ctx;
use crate::latency;
use apimachinery::labels::Selector;
use apimachinery::order::Gather as _;
use apimachinery::status::Status;
use apimachinery::time::{Duration, Time};
use apiserver::object::view;
use apiserver::server::Door;
use apiserver::{ApiServer, Change, DeleteOptions, KindId, Verb};
use k8s_openapi::api::core::v1::{Node, ObjectReference, Pod, Service};
use k8s_openapi::api::discovery::v1::{Endpoint, EndpointConditions, EndpointPort, EndpointSlice};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

pub struct EndpointSlices;

pub const NAME: &str = "endpointslice-controller";
const MANAGED_BY: &str = "endpointslice.kubernetes.io/managed-by";
pub const MANAGER: &str = "endpointslice-controller.k8s.io";
pub const SERVICE_NAME: &str = "kubernetes.io/service-name";
const ENDPOINTS_MAX: usize = 100;

impl Controller for EndpointSlices {
    fn name(&self) -> &'static str {
        NAME
    }

    fn observe(&self, change: &Change, seen: &Seen<'_>, enqueue: &mut dyn FnMut(Key)) {
        let m = change.object.meta();
        match change.kind {
            KindId::SERVICE => enqueue(Key::new(namespace_of(m), name_of(m))),
            KindId::POD => super::services_of(change, seen, enqueue),
            KindId::ENDPOINT_SLICE if &*change.writer != NAME => {
                if let Some(service) = service_of(m) {
                    enqueue(Key::new(namespace_of(m), service));
                }
            }
            _ => {}
        }
    }

    fn delay(&self) -> Duration {
        latency::ENDPOINTS_SYNC
    }

    fn reconcile(&self, key: &Key, cx: &mut Ctx<'_>, informer: &mut Informer) -> Result<Action, Status> {
        let Some(service) = cx.api.get::<Service>(&key.namespace, &key.name) else {
            informer.endpoints.remove(key);
            return Ok(Action::Done);
        };
        let Some(spec) = service.spec.as_ref() else { return Ok(Action::Done) };
        let selects = spec.selector.as_ref().filter(|s| !s.is_empty());
        let (Some(selects), false) = (selects, spec.type_.as_deref() == Some("ExternalName")) else {
            return Ok(Action::Done);
        };
        let index = informer.endpoints.entry(key.clone()).or_default();
        let chosen = Selector::from_map(selects);
        let all = std::mem::take(&mut index.all_dirty);
        if all {
            index.find_pods(&chosen, &key.namespace, cx.api);
        }
        let dirty = std::mem::take(&mut index.dirty);
        let mut plan = Plan::new(&service, cx.api.now);
        for name in &dirty {
            plan.place(name, &chosen, index, cx.api);
        }
        plan.distribute(index, cx.api);
        let written = plan.write(all, index, cx);
        if written.is_err() {
            index.all_dirty = true;
        }
        match written {
            Err(status) if namespace_terminates(&status) => Ok(Action::Done),
            other => other.map(|()| Action::Done),
        }
    }
}

/// The service that a slice of ours belongs to.
pub fn service_of(m: &ObjectMeta) -> Option<&str> {
    let labels = m.labels.as_ref()?;
    (labels.get(MANAGED_BY).map(String::as_str) == Some(MANAGER)).then_some(())?;
    labels.get(SERVICE_NAME).map(String::as_str)
}

impl ServiceIndex {
    /// Looks at everything afresh: which pods are selected, and which slices hold whom.
    fn find_pods(&mut self, chosen: &Selector, namespace: &str, api: &ApiServer) {
        let fits = |p: &&Pod| chosen.matches(&p.metadata.labels);
        let names = api.list::<Pod>(Some(namespace)).filter(fits).map(|p| Arc::<str>::from(name_of(&p.metadata)));
        self.pods = names.collect();
        self.dirty.extend(self.pods.iter().cloned());
        self.dirty.extend(self.placed.keys().cloned());
    }
}

/// What is to be done to one slice.
#[derive(Default)]
struct Edits {
    put: BTreeMap<Arc<str>, Endpoint>,
    remove: BTreeSet<Arc<str>>,
}

/// What is to be done to the slices of one service.
struct Plan<'a> {
    service: &'a Service,
    now: Time,
    edits: BTreeMap<Arc<str>, Edits>,
    homeless: BTreeMap<Vec<Port>, Vec<(Arc<str>, Endpoint)>>,
    create: Vec<(Vec<Port>, Vec<Endpoint>)>,
    /// Slices that take on other ports, being empty.
    reuse: BTreeMap<Arc<str>, Vec<Port>>,
    /// When the change happened that this plan answers, as far as pods tell.
    trigger: Option<i64>,
}

impl<'a> Plan<'a> {
    fn new(service: &'a Service, now: Time) -> Self {
        Self {
            service,
            now,
            edits: BTreeMap::new(),
            homeless: BTreeMap::new(),
            create: Vec::new(),
            reuse: BTreeMap::new(),
            trigger: None,
        }
    }

    /// Decides where one pod's endpoint belongs.
    fn place(&mut self, name: &Arc<str>, chosen: &Selector, index: &ServiceIndex, api: &ApiServer) {
        let namespace = namespace_of(&self.service.metadata);
        let pod = api.get::<Pod>(namespace, name).filter(|p| chosen.matches(&p.metadata.labels));
        let spec = self.service.spec.as_ref();
        let wanted = pod.and_then(|p| Some((ports(spec?, &p)?, endpoint(self.service, &p, api)?, ready_since(&p))));
        let home = index.placed.get(name);
        let Some((ports, endpoint, since)) = wanted else {
            if let Some(slice) = home {
                self.edits.entry(Arc::clone(slice)).or_default().remove.insert(Arc::clone(name));
            }
            return;
        };
        if let Some(since) = since {
            self.trigger = Some(self.trigger.map_or(since, |t| t.max(since)));
        }
        if let Some(slice) = home {
            let same = api.get::<EndpointSlice>(namespace, slice).is_some_and(|s| slice_ports(&s) == ports);
            let edits = self.edits.entry(Arc::clone(slice)).or_default();
            if same {
                edits.put.insert(Arc::clone(name), endpoint);
                return;
            }
            edits.remove.insert(Arc::clone(name));
        }
        self.homeless.entry(ports).or_default().push((Arc::clone(name), endpoint));
    }

    /// Gives every endpoint without a slice a place: in slices with room, in empty ones, in new ones.
    fn distribute(&mut self, index: &ServiceIndex, api: &ApiServer) {
        let namespace = namespace_of(&self.service.metadata).to_owned();
        for (ports, mut waiting) in std::mem::take(&mut self.homeless) {
            waiting.reverse();
            for (slice, count) in &index.slices {
                if waiting.is_empty() {
                    break;
                }
                let removed = self.edits.get(slice).map_or(0, |e| e.remove.len());
                let left = count - removed.min(*count);
                if *count >= ENDPOINTS_MAX && removed == 0 || self.reuse.contains_key(slice) {
                    continue;
                }
                let same = api.get::<EndpointSlice>(&namespace, slice).is_some_and(|s| slice_ports(&s) == ports);
                if !same && left > 0 {
                    continue;
                }
                if !same {
                    self.reuse.insert(Arc::clone(slice), ports.clone());
                }
                let edits = self.edits.entry(Arc::clone(slice)).or_default();
                let room = ENDPOINTS_MAX.saturating_sub(left);
                for (name, endpoint) in waiting.split_off(waiting.len().saturating_sub(room)).into_iter().rev() {
                    edits.put.insert(name, endpoint);
                }
            }
            waiting.reverse();
            let rest: Vec<Endpoint> = waiting.into_iter().map(|(_, e)| e).collect();
            let chunks = rest.chunks(ENDPOINTS_MAX).map(|c| (ports.clone(), c.to_vec()));
            self.create.extend(chunks);
        }
        if index.slices.is_empty() && self.create.is_empty() {
            // A service without endpoints has a slice all the same.
            self.create.push((Vec::new(), Vec::new()));
        }
    }

    fn write(mut self, all: bool, index: &mut ServiceIndex, cx: &mut Ctx<'_>) -> Result<(), Status> {
        if all {
            // The service's labels may have changed: every slice is looked at.
            let names: Vec<_> = index.slices.keys().cloned().collect();
            names.into_iter().for_each(|name| {
                self.edits.entry(name).or_default();
            });
        }
        let mut left = index.slices.len() + self.create.len();
        for (name, edits) in std::mem::take(&mut self.edits) {
            self.write_slice(&name, edits, &mut left, cx)?;
        }
        for (ports, endpoints) in std::mem::take(&mut self.create) {
            let slice = self.new_slice(&ports, endpoints);
            cx.api.create(slice, &cx.writer)?;
        }
        Ok(())
    }

    /// `left`: slices that the service will have; the last one stays even if it is empty.
    fn write_slice(&self, name: &str, edits: Edits, left: &mut usize, cx: &mut Ctx<'_>) -> Result<(), Status> {
        let namespace = namespace_of(&self.service.metadata);
        let Some(slice) = cx.api.get::<EndpointSlice>(namespace, name) else { return Ok(()) };
        let mut endpoints = slice.endpoints.clone().unwrap_or_default();
        endpoints.retain(|e| !target(e).is_some_and(|t| edits.remove.contains(t) && !edits.put.contains_key(t)));
        let mut put = edits.put;
        for endpoint in &mut endpoints {
            if let Some(new) = target(endpoint).and_then(|t| put.remove(t)) {
                *endpoint = new;
            }
        }
        endpoints.extend(put.into_values());
        if endpoints.is_empty() && *left > 1 {
            *left -= 1;
            return match cx.api.delete::<EndpointSlice>(namespace, name, &DeleteOptions::default(), &cx.writer) {
                Err(status) if !status.is_not_found() => Err(status),
                _ => Ok(()),
            };
        }
        let ports = match self.reuse.get(name) {
            Some(ports) => port_list(ports),
            None if endpoints.is_empty() => None,
            None => slice.ports.clone(),
        };
        let labels = Some(self.labels());
        let endpoints = Some(endpoints);
        // An absent list and an empty one are the same.
        let some = |e: &Option<Vec<Endpoint>>| e.clone().unwrap_or_default();
        if some(&slice.endpoints) == some(&endpoints) && slice.ports == ports && slice.metadata.labels == labels {
            return Ok(());
        }
        cx.api.modify::<EndpointSlice>(namespace, name, Door::Main, &cx.writer, |s| {
            s.endpoints = endpoints;
            s.ports = ports;
            s.metadata.labels = labels;
            s.metadata.annotations = self.annotations();
        })?;
        Ok(())
    }

    fn labels(&self) -> BTreeMap<String, String> {
        let mut labels = labels(self.service);
        labels.insert(SERVICE_NAME.into(), name_of(&self.service.metadata).to_owned());
        labels.insert(MANAGED_BY.into(), MANAGER.into());
        labels
    }

    fn annotations(&self) -> Option<BTreeMap<String, String>> {
        let at = self.trigger.map_or(self.now, Time::from_secs);
        Some(BTreeMap::from([(LAST_CHANGE.to_owned(), at.rfc3339())]))
    }

    fn new_slice(&self, ports: &[Port], endpoints: Vec<Endpoint>) -> EndpointSlice {
        EndpointSlice {
            metadata: ObjectMeta {
                generate_name: Some(format!("{}-", name_of(&self.service.metadata))),
                namespace: self.service.metadata.namespace.clone(),
                labels: Some(self.labels()),
                annotations: self.annotations(),
                owner_references: Some(vec![controller_ref(self.service)]),
                ..ObjectMeta::default()
            },
            address_type: "IPv4".into(),
            endpoints: Some(endpoints),
            ports: port_list(ports),
        }
    }
}

/// The pod that an endpoint stands for.
pub fn target(endpoint: &Endpoint) -> Option<&str> {
    endpoint.target_ref.as_ref()?.name.as_deref()
}

fn slice_ports(slice: &EndpointSlice) -> Vec<Port> {
    let read = |p: &EndpointPort| Port {
        name: p.name.clone().unwrap_or_default(),
        number: p.port.unwrap_or(0),
        protocol: p.protocol.clone().unwrap_or_default(),
        app_protocol: p.app_protocol.clone(),
    };
    slice.ports.iter().flatten().map(read).collect()
}

fn port_list(ports: &[Port]) -> Option<Vec<EndpointPort>> {
    let write = |p: &Port| EndpointPort {
        name: Some(p.name.clone()),
        port: Some(p.number),
        protocol: Some(p.protocol.clone()),
        app_protocol: p.app_protocol.clone(),
    };
    (!ports.is_empty()).then(|| ports.iter().map(write).collect())
}

/// A pod's endpoint; `None` if it has ended or has no address yet.
fn endpoint(service: &Service, pod: &Pod, api: &ApiServer) -> Option<Endpoint> {
    let ip = pod_ip(pod).filter(|_| !is_terminal(pod))?;
    let node = node_of(pod);
    let terminating = pod.metadata.deletion_timestamp.is_some();
    let serving = is_ready(pod);
    let publish = service.spec.as_ref().and_then(|s| s.publish_not_ready_addresses).unwrap_or(false);
    Some(Endpoint {
        addresses: vec![ip.to_owned()],
        conditions: Some(EndpointConditions {
            ready: Some(publish || serving && !terminating),
            serving: Some(serving),
            terminating: Some(terminating),
        }),
        hostname: hostname(service, pod),
        node_name: (!node.is_empty()).then(|| node.to_owned()),
        target_ref: Some(ObjectReference {
            kind: Some("Pod".into()),
            namespace: pod.metadata.namespace.clone(),
            name: pod.metadata.name.clone(),
            uid: Some(uid_of(&pod.metadata).to_owned()),
            ..ObjectReference::default()
        }),
        zone: zone(api.get::<Node>("", node).as_deref()),
        ..Endpoint::default()
    })
}

/// Keeps the index in step with a slice that changed.
pub fn index_slice(index: &mut BTreeMap<Key, ServiceIndex>, change: &Change) {
    let new = view::<EndpointSlice>(&*change.object);
    let Some(slice) = new else { return };
    let m = &slice.metadata;
    let Some(service) = service_of(m) else { return };
    let entry = index.entry(Key::new(namespace_of(m), service)).or_default();
    let name: Arc<str> = name_of(m).into();
    let old = change.old.as_deref().and_then(view::<EndpointSlice>);
    let pods = |s: &EndpointSlice| {
        let list = s.endpoints.iter().flatten().filter_map(target).map(Arc::<str>::from);
        list.gather::<BTreeSet<_>>()
    };
    let before = old.map(pods).unwrap_or_default();
    let after = if change.verb == Verb::Deleted { BTreeSet::new() } else { pods(slice) };
    for pod in before.difference(&after).filter(|p| entry.placed.get(*p) == Some(&name)).cloned().collect::<Vec<_>>() {
        entry.placed.remove(&pod);
    }
    for pod in after.difference(&before) {
        entry.placed.insert(Arc::clone(pod), Arc::clone(&name));
    }
    if change.verb == Verb::Deleted {
        entry.slices.remove(&name);
    } else {
        entry.slices.insert(name, slice.endpoints.as_ref().map_or(0, Vec::len));
    }
    entry.all_dirty |= &*change.writer != NAME;
}
