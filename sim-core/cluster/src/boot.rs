//! What a fresh cluster has before anybody asks for anything: namespaces, the API's own service, system pods.
//!
//! Models: what `minikube start` (kubeadm and its addons) leaves behind. The nodes register themselves.
//! System pods only show that they are there: the simulation's own components do their work, not these pods.

use crate::cluster::Config;
use crate::controllers::kubernetes_service;
use crate::controllers::meta::{name_of, stamp};
use apimachinery::order::Gather as _;
use apimachinery::status::Status;
use apiserver::server::Door;
use apiserver::{ApiServer, Writer};
use k8s_openapi::api::apps::v1::{Deployment, DeploymentSpec, DeploymentStrategy, RollingUpdateDeployment};
use k8s_openapi::api::core::v1::{
    ConfigMap, Container, ContainerPort, ContainerState, ContainerStateRunning, ContainerStatus, HostIP, Pod,
    PodCondition, PodIP, PodSpec, PodTemplateSpec, ResourceRequirements, Service, ServiceAccount, ServicePort,
    ServiceSpec, Toleration,
};
use k8s_openapi::api::scheduling::v1::PriorityClass;
use k8s_openapi::api::storage::v1::StorageClass;
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, ObjectMeta};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use std::collections::BTreeMap;

const SYSTEM: &str = "kube-system";
const DNS_IP: &str = "10.96.0.10";

/// Writes the objects of a fresh cluster.
pub fn boot(api: &mut ApiServer, config: &Config) -> Result<(), Status> {
    let writer = Writer::new("kube-apiserver");
    kubernetes_service::ensure(api, &writer)?;
    config_maps(api, &writer)?;
    priority_classes(api, &writer)?;
    storage_class(api, &writer)?;
    if config.system_pods {
        system_pods(api, config, &Writer::new("kubeadm"))?;
    }
    Ok(())
}

fn labels(pairs: &[(&str, &str)]) -> Option<BTreeMap<String, String>> {
    (!pairs.is_empty()).then(|| pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).gather())
}

fn metadata(name: &str, pairs: &[(&str, &str)]) -> ObjectMeta {
    ObjectMeta {
        name: Some(name.into()),
        namespace: Some(SYSTEM.into()),
        labels: labels(pairs),
        ..ObjectMeta::default()
    }
}

fn config_maps(api: &mut ApiServer, writer: &Writer) -> Result<(), Status> {
    let certificate = crate::controllers::certificate(api.config.seed);
    let authentication = [
        ("client-ca-file", certificate.as_str()),
        ("requestheader-allowed-names", "[\"front-proxy-client\"]"),
        ("requestheader-client-ca-file", certificate.as_str()),
        ("requestheader-extra-headers-prefix", "[\"X-Remote-Extra-\"]"),
        ("requestheader-group-headers", "[\"X-Remote-Group\"]"),
        ("requestheader-username-headers", "[\"X-Remote-User\"]"),
    ];
    let since = api.now.rfc3339();
    let tracking = [("since", since.get(..10).unwrap_or_default())];
    for (name, data) in [
        ("extension-apiserver-authentication", &authentication[..]),
        ("kube-apiserver-legacy-service-account-token-tracking", &tracking[..]),
    ] {
        api.create(ConfigMap { metadata: metadata(name, &[]), data: labels(data), ..ConfigMap::default() }, writer)?;
    }
    Ok(())
}

fn priority_classes(api: &mut ApiServer, writer: &Writer) -> Result<(), Status> {
    for (name, value, description) in [
        (
            "system-cluster-critical",
            2_000_000_000,
            "Used for system critical pods that must run in the cluster, but can be moved to another node if necessary.",
        ),
        (
            "system-node-critical",
            2_000_001_000,
            "Used for system critical pods that must not be moved from their current node.",
        ),
    ] {
        let class = PriorityClass {
            metadata: ObjectMeta { name: Some(name.into()), ..ObjectMeta::default() },
            value: Some(value),
            description: Some(description.into()),
            ..PriorityClass::default()
        };
        api.create(class, writer)?;
    }
    Ok(())
}

/// The class of claims that name none.
fn storage_class(api: &mut ApiServer, writer: &Writer) -> Result<(), Status> {
    let class = StorageClass {
        metadata: ObjectMeta {
            name: Some("standard".into()),
            labels: labels(&[("addonmanager.kubernetes.io/mode", "EnsureExists")]),
            annotations: labels(&[("storageclass.kubernetes.io/is-default-class", "true")]),
            ..ObjectMeta::default()
        },
        provisioner: crate::controllers::PROVISIONER.into(),
        ..StorageClass::default()
    };
    api.create(class, writer)?;
    Ok(())
}

/// A control-plane component as a static pod: name, image, requested CPU, requested memory.
const STATIC_PODS: &[(&str, &str, &str, Option<&str>)] = &[
    ("etcd", "registry.k8s.io/etcd:3.6.8-0", "100m", Some("100Mi")),
    ("kube-apiserver", "registry.k8s.io/kube-apiserver", "250m", None),
    ("kube-controller-manager", "registry.k8s.io/kube-controller-manager", "200m", None),
    ("kube-scheduler", "registry.k8s.io/kube-scheduler", "100m", None),
];

fn system_pods(api: &mut ApiServer, config: &Config, writer: &Writer) -> Result<(), Status> {
    for name in ["coredns", "default", "kube-proxy", "storage-provisioner"] {
        api.create(ServiceAccount { metadata: metadata(name, &[]), ..ServiceAccount::default() }, writer)?;
    }
    for (name, image, cpu, memory) in STATIC_PODS {
        // Components carry the cluster's version; etcd has its own.
        let versioned = format!("{image}:{}", config.version);
        let image = if image.contains("etcd") { image } else { versioned.as_str() };
        let pod = api.create(static_pod(name, image, cpu, *memory, config), writer)?;
        run(api, name_of(&pod.metadata), writer)?;
    }
    let image = format!("registry.k8s.io/kube-proxy:{}", config.version);
    let mut proxy = node_pod("kube-proxy", &image, config);
    proxy.metadata.generate_name = Some("kube-proxy-".into());
    proxy.metadata.labels = labels(&[("k8s-app", "kube-proxy")]);
    api.create(proxy, writer)?;
    let mut provisioner = node_pod("storage-provisioner", "gcr.io/k8s-minikube/storage-provisioner:v5", config);
    provisioner.metadata.name = Some("storage-provisioner".into());
    provisioner.metadata.labels =
        labels(&[("addonmanager.kubernetes.io/mode", "Reconcile"), ("integration-test", "storage-provisioner")]);
    api.create(provisioner, writer)?;
    api.create(coredns(), writer)?;
    api.create(dns_service(), writer)?;
    Ok(())
}

/// A pod that is bound to the first node from the start.
fn node_pod(name: &str, image: &str, config: &Config) -> Pod {
    Pod {
        metadata: ObjectMeta { namespace: Some(SYSTEM.into()), ..ObjectMeta::default() },
        spec: Some(PodSpec {
            containers: vec![Container {
                name: name.into(),
                image: Some(image.into()),
                image_pull_policy: Some("IfNotPresent".into()),
                ..Container::default()
            }],
            host_network: Some(true),
            node_name: Some(config.name.clone()),
            service_account_name: Some(name.into()),
            tolerations: Some(vec![Toleration { operator: Some("Exists".into()), ..Toleration::default() }]),
            ..PodSpec::default()
        }),
        status: None,
    }
}

/// Shows a pod as running and ready: a mirror of what the kubelet runs from a file, and no kubelet of ours looks at it.
fn run(api: &mut ApiServer, name: &str, writer: &Writer) -> Result<(), Status> {
    let now = stamp(api.now);
    let address = api.config.address.clone();
    api.modify::<Pod>(SYSTEM, name, Door::Status, writer, |pod| {
        let image = pod.spec.as_ref().and_then(|s| s.containers.first());
        let (name, image) = image.map(|c| (c.name.clone(), c.image.clone().unwrap_or_default())).unwrap_or_default();
        let hash = format!("{:064x}", apimachinery::rng::fnv64(image.as_bytes()));
        let condition = |kind: &str| PodCondition {
            type_: kind.into(),
            status: "True".into(),
            observed_generation: Some(1),
            last_transition_time: Some(now.clone()),
            ..PodCondition::default()
        };
        let kinds = ["PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled"];
        let status = pod.status.get_or_insert_default();
        status.phase = Some("Running".into());
        status.observed_generation = Some(1);
        status.conditions = Some(kinds.iter().map(|k| condition(k)).collect());
        status.start_time = Some(now.clone());
        status.host_ip = Some(address.clone());
        status.host_ips = Some(vec![HostIP { ip: address.clone() }]);
        status.pod_ip = Some(address.clone());
        status.pod_ips = Some(vec![PodIP { ip: address.clone() }]);
        status.container_statuses = Some(vec![ContainerStatus {
            name,
            image: image.clone(),
            image_id: format!("{}@sha256:{hash}", image.split(':').next().unwrap_or_default()),
            container_id: Some(format!("containerd://{hash}")),
            ready: true,
            started: Some(true),
            state: Some(ContainerState {
                running: Some(ContainerStateRunning { started_at: Some(now.clone()) }),
                ..ContainerState::default()
            }),
            last_state: Some(ContainerState::default()),
            ..ContainerStatus::default()
        }]);
    })?;
    Ok(())
}

fn static_pod(name: &str, image: &str, cpu: &str, memory: Option<&str>, config: &Config) -> Pod {
    let mut pod = node_pod(name, image, config);
    pod.metadata.name = Some(format!("{name}-{}", config.name));
    pod.metadata.labels = labels(&[("component", name), ("tier", "control-plane")]);
    let hash = apimachinery::rng::fnv64(image.as_bytes());
    let hash = format!("{hash:016x}{:016x}", hash.rotate_left(29));
    pod.metadata.annotations = labels(&[
        ("kubernetes.io/config.hash", hash.as_str()),
        ("kubernetes.io/config.mirror", hash.as_str()),
        ("kubernetes.io/config.source", "file"),
    ]);
    if let Some(spec) = &mut pod.spec {
        spec.priority_class_name = Some("system-node-critical".into());
        spec.priority = Some(2_000_001_000);
        spec.service_account_name = None;
        let mut requests = BTreeMap::from([("cpu".to_owned(), Quantity(cpu.into()))]);
        requests.extend(memory.map(|m| ("memory".to_owned(), Quantity(m.into()))));
        spec.containers[0].resources =
            Some(ResourceRequirements { requests: Some(requests), ..ResourceRequirements::default() });
    }
    pod
}

fn coredns() -> Deployment {
    let app = [("k8s-app", "kube-dns")];
    let port = |name: &str, number: i32, protocol: &str| ContainerPort {
        name: Some(name.into()),
        container_port: number,
        protocol: Some(protocol.into()),
        ..ContainerPort::default()
    };
    let quantities = |list: &[(&str, &str)]| {
        Some(list.iter().map(|(k, v)| ((*k).to_owned(), Quantity((*v).into()))).gather::<BTreeMap<_, _>>())
    };
    let container = Container {
        name: "coredns".into(),
        image: Some("registry.k8s.io/coredns/coredns:v1.14.1".into()),
        args: Some(vec!["-conf".into(), "/etc/coredns/Corefile".into()]),
        ports: Some(vec![port("dns", 53, "UDP"), port("dns-tcp", 53, "TCP"), port("metrics", 9153, "TCP")]),
        resources: Some(ResourceRequirements {
            limits: quantities(&[("memory", "170Mi")]),
            requests: quantities(&[("cpu", "100m"), ("memory", "70Mi")]),
            ..ResourceRequirements::default()
        }),
        ..Container::default()
    };
    let toleration = |key: &str, effect: Option<&str>| Toleration {
        key: Some(key.into()),
        operator: effect.is_none().then(|| "Exists".into()),
        effect: effect.map(str::to_owned),
        ..Toleration::default()
    };
    Deployment {
        metadata: metadata("coredns", &app),
        spec: Some(DeploymentSpec {
            replicas: Some(1),
            selector: LabelSelector { match_labels: labels(&app), match_expressions: None },
            strategy: Some(DeploymentStrategy {
                type_: Some("RollingUpdate".into()),
                rolling_update: Some(RollingUpdateDeployment {
                    max_unavailable: Some(IntOrString::Int(1)),
                    max_surge: None,
                }),
            }),
            template: PodTemplateSpec {
                metadata: Some(ObjectMeta { labels: labels(&app), ..ObjectMeta::default() }),
                spec: Some(PodSpec {
                    containers: vec![container],
                    dns_policy: Some("Default".into()),
                    node_selector: labels(&[("kubernetes.io/os", "linux")]),
                    priority_class_name: Some("system-cluster-critical".into()),
                    service_account_name: Some("coredns".into()),
                    tolerations: Some(vec![
                        toleration("CriticalAddonsOnly", None),
                        toleration("node-role.kubernetes.io/control-plane", Some("NoSchedule")),
                    ]),
                    ..PodSpec::default()
                }),
            },
            ..DeploymentSpec::default()
        }),
        status: None,
    }
}

fn dns_service() -> Service {
    let port = |name: &str, number: i32, protocol: &str| ServicePort {
        name: Some(name.into()),
        port: number,
        protocol: Some(protocol.into()),
        target_port: Some(IntOrString::Int(number)),
        ..ServicePort::default()
    };
    Service {
        metadata: ObjectMeta {
            annotations: labels(&[("prometheus.io/port", "9153"), ("prometheus.io/scrape", "true")]),
            ..metadata(
                "kube-dns",
                &[
                    ("k8s-app", "kube-dns"),
                    ("kubernetes.io/cluster-service", "true"),
                    ("kubernetes.io/name", "CoreDNS"),
                ],
            )
        },
        spec: Some(ServiceSpec {
            cluster_ip: Some(DNS_IP.into()),
            selector: labels(&[("k8s-app", "kube-dns")]),
            ports: Some(vec![port("dns", 53, "UDP"), port("dns-tcp", 53, "TCP"), port("metrics", 9153, "TCP")]),
            ..ServiceSpec::default()
        }),
        status: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Cluster;
    use apimachinery::time::Duration;
    use k8s_openapi::api::core::v1::Namespace;

    #[test]
    fn a_fresh_cluster_has_its_namespaces_and_what_belongs_into_each() {
        let mut cluster = Cluster::new(Config::default());
        cluster.settle(Duration::from_secs(60));
        let names: Vec<_> = cluster.api.list::<Namespace>(None).filter_map(|n| n.metadata.name.clone()).collect();
        assert_eq!(names, kubernetes_service::NAMESPACES);
        for name in names {
            assert!(cluster.api.get::<ServiceAccount>(&name, "default").is_some(), "{name}");
            assert!(cluster.api.get::<ConfigMap>(&name, "kube-root-ca.crt").is_some(), "{name}");
        }
        let service = cluster.api.get::<Service>("default", "kubernetes");
        let ip = service.and_then(|s| s.spec.clone()).and_then(|s| s.cluster_ip);
        assert_eq!(ip.as_deref(), Some("10.96.0.1"));
    }

    #[test]
    fn system_pods_come_up() {
        let mut cluster = Cluster::new(Config::default());
        cluster.settle(Duration::from_secs(120));
        let pods: Vec<String> = cluster
            .api
            .list::<Pod>(Some(SYSTEM))
            .map(|p| format!("{} {}", name_of(&p.metadata), crate::controllers::meta::is_ready(p)))
            .collect();
        assert!(pods.len() == 7 && pods.iter().all(|p| p.ends_with(" true")), "{pods:?}");
    }
}
