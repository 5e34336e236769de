//! The Service `kubernetes` with its endpoints, and the namespaces that are always there: they come back if deleted.
//!
//! Models: the API server's own controllers (`pkg/controlplane/controller/{kubernetesservice,systemnamespaces}`).

use super::meta::{name_of, namespace_of};
use super::{Action, Controller, Informer, Key, Seen};
use crate::cluster::Ctx;
use apimachinery::order::Gather as _;
use apimachinery::status::Status;
use apimachinery::time::Duration;
use apiserver::{ApiServer, Change, KindId, Verb, Writer};
use k8s_openapi::api::core::v1::{
    EndpointAddress, EndpointPort, EndpointSubset, Endpoints, Namespace, Service, ServicePort, ServiceSpec,
};
use k8s_openapi::api::discovery::v1 as discovery;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use std::collections::BTreeMap;

pub struct KubernetesService;

pub const NAMESPACES: [&str; 4] = ["default", "kube-node-lease", "kube-public", "kube-system"];
const SERVICE: &str = "kubernetes";
const CLUSTER_IP: &str = "10.96.0.1";
/// How often the API server looks after its service.
const INTERVAL: Duration = Duration::from_secs(10);

impl Controller for KubernetesService {
    fn name(&self) -> &'static str {
        "kube-apiserver"
    }

    fn observe(&self, change: &Change, _seen: &Seen<'_>, enqueue: &mut dyn FnMut(Key)) {
        let m = change.object.meta();
        let own = match change.kind {
            KindId::NAMESPACE => NAMESPACES.contains(&name_of(m)),
            KindId::SERVICE | KindId::ENDPOINTS | KindId::ENDPOINT_SLICE => {
                (namespace_of(m), name_of(m)) == ("default", SERVICE)
            }
            _ => false,
        };
        if own && change.verb == Verb::Deleted {
            enqueue(Key::new("default", SERVICE));
        }
    }

    fn reconcile(&self, _key: &Key, cx: &mut Ctx<'_>, _informer: &mut Informer) -> Result<Action, Status> {
        ensure(cx.api, &cx.writer)?;
        Ok(Action::Done)
    }

    fn delay(&self) -> Duration {
        INTERVAL
    }
}

/// Creates whatever of these objects is not there.
pub fn ensure(api: &mut ApiServer, writer: &Writer) -> Result<(), Status> {
    for name in NAMESPACES {
        if api.get::<Namespace>("", name).is_none() {
            let metadata = ObjectMeta { name: Some(name.into()), ..ObjectMeta::default() };
            api.create(Namespace { metadata, ..Namespace::default() }, writer)?;
        }
    }
    if api.get::<Service>("default", SERVICE).is_none() {
        api.create(service(api), writer)?;
    }
    if api.get::<Endpoints>("default", SERVICE).is_none() {
        api.create(endpoints(api), writer)?;
    }
    if api.get::<discovery::EndpointSlice>("default", SERVICE).is_none() {
        api.create(slice(api), writer)?;
    }
    Ok(())
}

fn metadata(labels: &[(&str, &str)]) -> ObjectMeta {
    ObjectMeta {
        name: Some(SERVICE.into()),
        namespace: Some("default".into()),
        labels: Some(labels.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).gather::<BTreeMap<_, _>>()),
        ..ObjectMeta::default()
    }
}

fn service(api: &ApiServer) -> Service {
    let port = ServicePort {
        name: Some("https".into()),
        port: 443,
        protocol: Some("TCP".into()),
        target_port: Some(IntOrString::Int(i32::from(api.config.port))),
        ..ServicePort::default()
    };
    Service {
        metadata: metadata(&[("component", "apiserver"), ("provider", "kubernetes")]),
        spec: Some(ServiceSpec {
            cluster_ip: Some(CLUSTER_IP.into()),
            type_: Some("ClusterIP".into()),
            ports: Some(vec![port]),
            ..ServiceSpec::default()
        }),
        status: None,
    }
}

fn endpoints(api: &ApiServer) -> Endpoints {
    let address = EndpointAddress { ip: api.config.address.clone(), ..EndpointAddress::default() };
    let port = EndpointPort {
        name: Some("https".into()),
        port: i32::from(api.config.port),
        protocol: Some("TCP".into()),
        app_protocol: None,
    };
    Endpoints {
        metadata: metadata(&[("endpointslice.kubernetes.io/skip-mirror", "true")]),
        subsets: Some(vec![EndpointSubset {
            addresses: Some(vec![address]),
            ports: Some(vec![port]),
            not_ready_addresses: None,
        }]),
    }
}

fn slice(api: &ApiServer) -> discovery::EndpointSlice {
    discovery::EndpointSlice {
        metadata: metadata(&[("kubernetes.io/service-name", SERVICE)]),
        address_type: "IPv4".into(),
        endpoints: Some(vec![discovery::Endpoint {
            addresses: vec![api.config.address.clone()],
            conditions: Some(discovery::EndpointConditions { ready: Some(true), ..Default::default() }),
            ..Default::default()
        }]),
        ports: Some(vec![discovery::EndpointPort {
            name: Some("https".into()),
            port: Some(i32::from(api.config.port)),
            protocol: Some("TCP".into()),
            app_protocol: None,
        }]),
    }
}
