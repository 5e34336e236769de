//! Endpoints, the older form: one object per service, a thousand addresses at most.

use super::super::meta::{is_ready, is_terminal, name_of, namespace_of, node_of, ready_since, uid_of};
use super::super::replicaset::namespace_terminates;
use super::super::{Action, Controller, Informer, Key, Seen};
use super::{LAST_CHANGE, Port, hostname, labels, pod_ip, ports};
use crate::cluster::Ctx;
use apimachinery::status::Status;
use apimachinery::time::{Duration, Time};
use apiserver::server::Door;
use apiserver::{ApiServer, Change, DeleteOptions, KindId, Verb};
use k8s_openapi::api::core::v1::{
    EndpointAddress, EndpointPort, EndpointSubset, Endpoints, ObjectReference, Pod, Service,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use std::collections::BTreeMap;

pub struct LegacyEndpoints;

const NAME: &str = "endpoint-controller";
const MANAGED_BY: &str = "endpoints.kubernetes.io/managed-by";
const OVER_CAPACITY: &str = "endpoints.kubernetes.io/over-capacity";
const ADDRESSES_MAX: usize = 1000;
/// Later than the slices, so that one run answers more changes.
const SYNC: Duration = Duration::from_millis(100);
/// Gathering looks at every pod, so large services are gathered less often: this long for each pod, …
const REST_PER_POD: Duration = Duration::from_millis(4);
/// … at most this long.
const REST_MAX: Duration = Duration::from_secs(2);

impl Controller for LegacyEndpoints {
    fn name(&self) -> &'static str {
        NAME
    }

    fn observe(&self, change: &Change, seen: &Seen<'_>, enqueue: &mut dyn FnMut(Key)) {
        let m = change.object.meta();
        match change.kind {
            KindId::SERVICE => enqueue(Key::new(namespace_of(m), name_of(m))),
            KindId::POD => super::services_of(change, seen, enqueue),
            KindId::ENDPOINTS if change.verb == Verb::Deleted => enqueue(Key::new(namespace_of(m), name_of(m))),
            _ => {}
        }
    }

    fn delay(&self) -> Duration {
        SYNC
    }

    fn reconcile(&self, key: &Key, cx: &mut Ctx<'_>, informer: &mut Informer) -> Result<Action, Status> {
        let old = cx.api.get::<Endpoints>(&key.namespace, &key.name);
        let Some(service) = cx.api.get::<Service>(&key.namespace, &key.name) else {
            // Endpoints have no owner: they go with their service by name.
            if old.is_some() {
                let options = DeleteOptions::default();
                cx.api.delete::<Endpoints>(&key.namespace, &key.name, &options, &cx.writer)?;
            }
            return Ok(Action::Done);
        };
        let spec = service.spec.as_ref();
        if spec.and_then(|s| s.selector.as_ref()).is_none_or(BTreeMap::is_empty) {
            return Ok(Action::Done);
        }
        let index = informer.endpoints.entry(key.clone()).or_default();
        let rest = REST_PER_POD.saturating_mul(u32::try_from(index.pods.len()).unwrap_or(u32::MAX)).min(REST_MAX);
        let due = index.gathered + rest;
        if rest > SYNC && due > cx.api.now {
            return Ok(Action::RequeueAfter(due.since(cx.api.now), true));
        }
        index.gathered = cx.api.now;
        let gathered = Gathered::of(&service, informer, cx.api);
        let wanted = gathered.endpoints(&service, cx.api.now);
        let Some(old) = old else {
            return match cx.api.create(wanted, &cx.writer) {
                Err(status) if !namespace_terminates(&status) => Err(status),
                _ => Ok(Action::Done),
            };
        };
        let over = |m: &ObjectMeta| m.annotations.as_ref().is_some_and(|a| a.contains_key(OVER_CAPACITY));
        let same = old.subsets.clone().unwrap_or_default() == wanted.subsets.clone().unwrap_or_default()
            && old.metadata.labels == wanted.metadata.labels
            && over(&old.metadata) == over(&wanted.metadata);
        if !same {
            cx.api.modify::<Endpoints>(&key.namespace, &key.name, Door::Main, &cx.writer, |e| {
                e.subsets = wanted.subsets;
                e.metadata.labels = wanted.metadata.labels;
                e.metadata.annotations = wanted.metadata.annotations;
            })?;
        }
        Ok(Action::Done)
    }
}

type Addresses = BTreeMap<Vec<u8>, EndpointAddress>;

/// Addresses by the ports they answer at, ready ones and others.
#[derive(Default)]
struct Gathered {
    by_ports: BTreeMap<Vec<Port>, (Addresses, Addresses)>,
    truncated: bool,
    trigger: Option<i64>,
}

impl Gathered {
    fn of(service: &Service, informer: &Informer, api: &ApiServer) -> Self {
        let mut out = Self::default();
        let m = &service.metadata;
        let Some(spec) = service.spec.as_ref() else { return out };
        let publish = spec.publish_not_ready_addresses.unwrap_or(false);
        let index = informer.endpoints.get(&Key::new(namespace_of(m), name_of(m)));
        let mut count = 0;
        for name in index.into_iter().flat_map(|i| &i.pods) {
            let Some(pod) = api.get::<Pod>(namespace_of(m), name) else { continue };
            let leaving = pod.metadata.deletion_timestamp.is_some() && !publish;
            let Some(ip) = pod_ip(&pod).filter(|_| !leaving && !is_terminal(&pod)) else { continue };
            let Some(ports) = ports(spec, &pod).filter(|p| !p.is_empty() || spec.ports.is_none()) else { continue };
            if count == ADDRESSES_MAX {
                out.truncated = true;
                break;
            }
            count += 1;
            out.trigger = out.trigger.max(ready_since(&pod));
            let (ready, not_ready) = out.by_ports.entry(ports).or_default();
            let list = if publish || is_ready(&pod) { ready } else { not_ready };
            list.insert(order(ip), address(service, &pod, ip));
        }
        out
    }

    fn endpoints(self, service: &Service, now: Time) -> Endpoints {
        let mut labels = labels(service);
        labels.insert(MANAGED_BY.into(), NAME.into());
        let at = self.trigger.map_or(now, Time::from_secs);
        let mut annotations = BTreeMap::from([(LAST_CHANGE.to_owned(), at.rfc3339())]);
        if self.truncated {
            annotations.insert(OVER_CAPACITY.into(), "truncated".into());
        }
        let list = |a: Addresses| (!a.is_empty()).then(|| a.into_values().collect::<Vec<_>>());
        let subsets: Vec<EndpointSubset> = self
            .by_ports
            .into_iter()
            .map(|(ports, (ready, not_ready))| EndpointSubset {
                addresses: list(ready),
                not_ready_addresses: list(not_ready),
                ports: (!ports.is_empty()).then(|| ports.into_iter().map(port).collect()),
            })
            .collect();
        Endpoints {
            metadata: ObjectMeta {
                name: service.metadata.name.clone(),
                namespace: service.metadata.namespace.clone(),
                labels: Some(labels),
                annotations: Some(annotations),
                ..ObjectMeta::default()
            },
            subsets: (!subsets.is_empty()).then_some(subsets),
        }
    }
}

/// Addresses in the order of their numbers.
fn order(ip: &str) -> Vec<u8> {
    ip.split('.').map(|part| part.parse().unwrap_or(0)).collect()
}

fn port(p: Port) -> EndpointPort {
    EndpointPort {
        name: Some(p.name).filter(|n| !n.is_empty()),
        port: p.number,
        protocol: Some(p.protocol),
        app_protocol: p.app_protocol,
    }
}

fn address(service: &Service, pod: &Pod, ip: &str) -> EndpointAddress {
    EndpointAddress {
        ip: ip.to_owned(),
        hostname: hostname(service, pod),
        node_name: Some(node_of(pod)).filter(|n| !n.is_empty()).map(str::to_owned),
        target_ref: Some(ObjectReference {
            kind: Some("Pod".into()),
            namespace: pod.metadata.namespace.clone(),
            name: pod.metadata.name.clone(),
            uid: Some(uid_of(&pod.metadata).to_owned()),
            ..ObjectReference::default()
        }),
    }
}
