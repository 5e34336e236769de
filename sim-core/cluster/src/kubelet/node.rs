//! One node: its Node object, its lease, the images it has and the addresses it gives out.
//!
//! Models: kubelet `nodestatus` and `nodelease`, and minikube's way of labelling nodes.

use crate::cluster::Config;
use crate::images::store::Store;
use apimachinery::order::Gather as _;
use apimachinery::rng::Rng;
use apimachinery::time::{Duration, Time};
use apiserver::server::Door;
use apiserver::{ApiServer, Writer};
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::api::core::v1::{
    DaemonEndpoint, Node, NodeAddress, NodeCondition, NodeDaemonEndpoints, NodeSpec, NodeStatus, NodeSystemInfo,
};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta, OwnerReference, Time as MetaTime};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What a machine offers pods.
#[derive(Clone, Debug)]
pub struct Capacity {
    pub cpu_milli: i64,
    pub memory_kib: i64,
    pub storage_kib: i64,
    pub pods: i64,
}

impl Default for Capacity {
    fn default() -> Self {
        Self { cpu_milli: 2000, memory_kib: 3_912_944, storage_kib: 17_784_752, pods: 110 }
    }
}

#[derive(Clone)]
pub struct NodeState {
    pub name: Arc<str>,
    /// 0 for the first node.
    pub index: u32,
    pub ip: String,
    /// The machine is powered and its kubelet runs.
    pub up: bool,
    pub capacity: Capacity,
    pub images: Store,
    /// Images by the very text of the pod's spec, so that a start does not parse references again.
    pub image_names: BTreeMap<Arc<str>, Arc<crate::images::image::Image>>,
    /// Volumes that outlive pods: host paths and claims.
    pub disk: BTreeMap<String, machine::fs::Volume>,
    /// When its lease is renewed next.
    pub lease_at: Time,
    /// When the newest pull of each image ends.
    pub pulls: BTreeMap<String, Time>,
    /// Pulls run one after another: the next may begin then.
    pub pull_free_at: Time,
    pod_ips: BTreeSet<u32>,
    next_ip: u32,
    /// Phase of the once-a-second look at the runtime, in microseconds.
    pub pleg_phase: i64,
}

impl NodeState {
    pub fn new(name: &str, index: u32, capacity: Capacity, seed: u64) -> Self {
        let pleg_phase = Rng::derive(seed, "pleg", name, 0).below(1_000_000) as i64;
        Self {
            name: name.into(),
            index,
            ip: format!("192.168.{}.{}", 49 + (index + 2) / 250, (index + 2) % 250),
            up: true,
            capacity,
            images: Store::default(),
            image_names: BTreeMap::new(),
            disk: BTreeMap::new(),
            lease_at: Time(0),
            pulls: BTreeMap::new(),
            pull_free_at: Time(0),
            pod_ips: BTreeSet::new(),
            next_ip: 2,
            pleg_phase,
        }
    }

    /// The next look at the runtime after `t`.
    pub fn pleg_after(&self, t: Time) -> Time {
        let shifted = t.0 - self.pleg_phase;
        Time((shifted.div_euclid(1_000_000) + 1) * 1_000_000 + self.pleg_phase)
    }

    fn pod_cidr(&self) -> String {
        format!("10.{}.{}.0/24", 244 + self.index / 256, self.index % 256)
    }

    /// Addresses go round, as the host-local allocator gives them.
    pub fn take_ip(&mut self) -> Option<String> {
        // A node with more than 253 pods takes from a wider range, so that large simulations fit.
        let size = if self.capacity.pods > 250 { 65_000 } else { 253 };
        for _ in 0..size {
            let host = self.next_ip;
            self.next_ip = if self.next_ip >= size { 2 } else { self.next_ip + 1 };
            if self.pod_ips.insert(host) {
                return Some(self.ip_of(host));
            }
        }
        None
    }

    fn ip_of(&self, host: u32) -> String {
        if self.capacity.pods > 250 {
            format!("10.{}.{}.{}", 128 + self.index % 100, host / 256, host % 256)
        } else {
            format!("10.{}.{}.{host}", 244 + self.index / 256, self.index % 256)
        }
    }

    pub fn give_back_ip(&mut self, ip: &str) {
        let mut parts = ip.rsplit('.').map(|part| part.parse::<u32>().ok());
        let (Some(Some(low)), Some(Some(high))) = (parts.next(), parts.next()) else { return };
        for host in [low, high * 256 + low] {
            if self.pod_ips.contains(&host) && self.ip_of(host) == ip {
                self.pod_ips.remove(&host);
            }
        }
    }

    /// Registers the node, as its kubelet does when it starts.
    pub fn register(&self, api: &mut ApiServer, config: &Config, writer: &Writer) {
        let mut labels: BTreeMap<String, String> = [
            ("beta.kubernetes.io/arch", "amd64"),
            ("beta.kubernetes.io/os", "linux"),
            ("kubernetes.io/arch", "amd64"),
            ("kubernetes.io/os", "linux"),
            ("kubernetes.io/hostname", &self.name),
        ]
        .into_iter()
        .map(|(k, v)| (k.to_owned(), v.to_owned()))
        .gather();
        if self.index == 0 {
            for (k, v) in control_plane_labels(&config.version) {
                labels.insert(k.to_owned(), v.to_owned());
            }
        }
        let annotations =
            [("node.alpha.kubernetes.io/ttl", "0"), ("volumes.kubernetes.io/controller-managed-attach-detach", "true")];
        let node = Node {
            metadata: ObjectMeta {
                name: Some(self.name.to_string()),
                labels: Some(labels),
                annotations: Some(annotations.into_iter().map(|(k, v)| (k.to_owned(), v.to_owned())).gather()),
                ..ObjectMeta::default()
            },
            spec: Some(NodeSpec {
                pod_cidr: Some(self.pod_cidr()),
                pod_cidrs: Some(vec![self.pod_cidr()]),
                ..NodeSpec::default()
            }),
            status: None,
        };
        if api.create(node, writer).is_ok() {
            self.report(api, config, writer, false);
        }
    }

    /// Writes the node's status; `ready` once the kubelet's network is up.
    pub fn report(&self, api: &mut ApiServer, config: &Config, writer: &Writer, ready: bool) {
        let now = MetaTime(whole(api.now));
        let status = self.status(api, config, &now, ready);
        // A node that was deleted meanwhile has nothing to report on.
        let _ = api.modify::<Node>("", &self.name, Door::Status, writer, |node| node.status = Some(status));
    }

    fn status(&self, api: &ApiServer, config: &Config, now: &MetaTime, ready: bool) -> NodeStatus {
        let old = api.get::<Node>("", &self.name).and_then(|n| n.status.clone()).unwrap_or_default();
        let conditions = [
            ("MemoryPressure", false, "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
            ("DiskPressure", false, "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
            ("PIDPressure", false, "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
            if ready {
                ("Ready", true, "KubeletReady", "kubelet is posting ready status")
            } else {
                (
                    "Ready",
                    false,
                    "KubeletNotReady",
                    "container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady \
                     message:Network plugin returns error: cni plugin not initialized",
                )
            },
        ];
        let conditions = conditions
            .into_iter()
            .map(|(kind, holds, reason, message)| {
                let status = if holds { "True" } else { "False" };
                let before = old.conditions.iter().flatten().find(|c| c.type_ == kind && c.status == status);
                NodeCondition {
                    type_: kind.into(),
                    status: status.into(),
                    reason: Some(reason.into()),
                    message: Some(message.into()),
                    last_heartbeat_time: Some(now.clone()),
                    last_transition_time: before
                        .and_then(|c| c.last_transition_time.clone())
                        .or_else(|| Some(now.clone())),
                }
            })
            .collect();
        let mut ids = Rng::derive(config.seed, "machine-id", &self.name, 0);
        let resources = self.resources();
        NodeStatus {
            addresses: Some(vec![
                NodeAddress { type_: "InternalIP".into(), address: self.ip.clone() },
                NodeAddress { type_: "Hostname".into(), address: self.name.to_string() },
            ]),
            allocatable: Some(resources.clone()),
            capacity: Some(resources),
            conditions: Some(conditions),
            daemon_endpoints: Some(NodeDaemonEndpoints { kubelet_endpoint: Some(DaemonEndpoint { port: 10250 }) }),
            images: Some(self.image_list()),
            node_info: Some(NodeSystemInfo {
                architecture: "amd64".into(),
                boot_id: ids.uuid(),
                container_runtime_version: "containerd://2.2.1".into(),
                kernel_version: "6.1.0-32-amd64".into(),
                kube_proxy_version: String::new(),
                kubelet_version: config.version.clone(),
                machine_id: ids.uuid().replace('-', ""),
                operating_system: "linux".into(),
                os_image: "Debian GNU/Linux 12 (bookworm)".into(),
                system_uuid: ids.uuid(),
                swap: None,
            }),
            ..NodeStatus::default()
        }
    }

    fn resources(&self) -> BTreeMap<String, Quantity> {
        let c = &self.capacity;
        let cpu = if c.cpu_milli % 1000 == 0 { (c.cpu_milli / 1000).to_string() } else { format!("{}m", c.cpu_milli) };
        [
            ("cpu", cpu),
            ("ephemeral-storage", format!("{}Ki", c.storage_kib)),
            ("hugepages-2Mi", "0".to_owned()),
            ("memory", format!("{}Ki", c.memory_kib)),
            ("pods", c.pods.to_string()),
        ]
        .into_iter()
        .map(|(k, v)| (k.to_owned(), Quantity(v)))
        .gather()
    }

    fn image_list(&self) -> Vec<k8s_openapi::api::core::v1::ContainerImage> {
        self.images
            .iter()
            .filter_map(|(name, image)| {
                Some(k8s_openapi::api::core::v1::ContainerImage {
                    names: Some(vec![name?.to_owned()]),
                    size_bytes: i64::try_from(image.size()).ok(),
                })
            })
            .collect()
    }

    /// Renews the node's lease.
    pub fn renew_lease(&self, api: &mut ApiServer, writer: &Writer) {
        const NAMESPACE: &str = "kube-node-lease";
        let now = MicroTime(api.now.timestamp());
        let renewed = api.modify::<Lease>(NAMESPACE, &self.name, Door::Main, writer, |lease| {
            lease.spec.get_or_insert_with(LeaseSpec::default).renew_time = Some(now.clone());
        });
        if renewed.is_ok() {
            return;
        }
        let owner = api.get::<Node>("", &self.name).map(|node| OwnerReference {
            api_version: "v1".into(),
            kind: "Node".into(),
            name: self.name.to_string(),
            uid: node.metadata.uid.clone().unwrap_or_default(),
            block_owner_deletion: None,
            controller: None,
        });
        let lease = Lease {
            metadata: ObjectMeta {
                name: Some(self.name.to_string()),
                namespace: Some(NAMESPACE.into()),
                owner_references: owner.map(|o| vec![o]),
                ..ObjectMeta::default()
            },
            spec: Some(LeaseSpec {
                holder_identity: Some(self.name.to_string()),
                lease_duration_seconds: Some(40),
                renew_time: Some(now),
                ..LeaseSpec::default()
            }),
        };
        // Before boot has made the namespace there is nowhere to put it; the next renewal tries again.
        let _ = api.create(lease, writer);
    }
}

fn control_plane_labels(version: &str) -> Vec<(&'static str, &'static str)> {
    let mut labels = vec![
        ("minikube.k8s.io/name", "minikube"),
        ("minikube.k8s.io/primary", "true"),
        ("minikube.k8s.io/version", "v1.38.0"),
        ("node-role.kubernetes.io/control-plane", ""),
        ("node.kubernetes.io/exclude-from-external-load-balancers", ""),
    ];
    // Until 1.24 the control plane carried its old name too.
    if minor(version) < 24 {
        labels.push(("node-role.kubernetes.io/master", ""));
    }
    labels
}

/// 36 of `v1.36.2`.
pub fn minor(version: &str) -> u32 {
    version.split('.').nth(1).and_then(|m| m.parse().ok()).unwrap_or(0)
}

/// `t` without its fraction of a second.
pub fn whole(t: Time) -> k8s_openapi::jiff::Timestamp {
    k8s_openapi::jiff::Timestamp::from_second(t.secs()).unwrap_or(k8s_openapi::jiff::Timestamp::UNIX_EPOCH)
}

/// From registration to Ready: the runtime's network comes up.
pub const NETWORK_UP: Duration = Duration::from_secs(1);
