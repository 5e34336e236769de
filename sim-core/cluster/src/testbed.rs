//! A cluster with make-believe kubelets, for tests of controllers and scheduler.
//!
//! Every tenth of a second bound pods become ready and pods being deleted go. Its nodes beat their heart for ever.

use crate::{Cluster, Config};
use apimachinery::time::{Duration, Time};
use apiserver::object::Builtin;
use apiserver::server::Door;
use apiserver::{DeleteOptions, Writer};
use k8s_openapi::api::apps::v1::{Deployment, DeploymentSpec, DeploymentStrategy, RollingUpdateDeployment};
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::api::core::v1::{
    Container, Event, Node, NodeCondition, NodeStatus, Pod, PodCondition, PodIP, PodSpec, PodTemplateSpec,
    ResourceRequirements,
};
use k8s_openapi::api::scheduling::v1::PriorityClass;
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use k8s_openapi::apimachinery::pkg::apis::meta::v1 as meta;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use std::collections::{BTreeMap, BTreeSet};

const TICK: Duration = Duration::from_millis(100);

pub struct Testbed {
    pub cluster: Cluster,
    pub writer: Writer,
    /// Pods of this image never become ready.
    pub broken_image: String,
    addresses: u32,
    silent: BTreeSet<String>,
}

pub fn labels(pairs: &[(&str, &str)]) -> Option<BTreeMap<String, String>> {
    Some(pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect())
}

pub fn named(name: &str) -> meta::ObjectMeta {
    meta::ObjectMeta { name: Some(name.into()), namespace: Some("default".into()), ..meta::ObjectMeta::default() }
}

pub fn container(image: &str, cpu: &str) -> Container {
    let requests = (!cpu.is_empty()).then(|| BTreeMap::from([("cpu".to_owned(), Quantity(cpu.into()))]));
    Container {
        name: "c".into(),
        image: Some(image.into()),
        resources: Some(ResourceRequirements { requests, ..ResourceRequirements::default() }),
        ..Container::default()
    }
}

pub fn pod(name: &str, cpu: &str) -> Pod {
    let spec = PodSpec { containers: vec![container("nginx", cpu)], ..PodSpec::default() };
    Pod { metadata: named(name), spec: Some(spec), status: None }
}

pub fn deployment(name: &str, replicas: i32, surge: &str, unavailable: &str) -> Deployment {
    let value = |text: &str| match text.parse() {
        Ok(n) => IntOrString::Int(n),
        Err(_) => IntOrString::String(text.into()),
    };
    let app = labels(&[("app", name)]);
    Deployment {
        metadata: named(name),
        spec: Some(DeploymentSpec {
            replicas: Some(replicas),
            selector: meta::LabelSelector { match_labels: app.clone(), match_expressions: None },
            strategy: Some(DeploymentStrategy {
                type_: Some("RollingUpdate".into()),
                rolling_update: Some(RollingUpdateDeployment {
                    max_surge: Some(value(surge)),
                    max_unavailable: Some(value(unavailable)),
                }),
            }),
            template: PodTemplateSpec {
                metadata: Some(meta::ObjectMeta { labels: app, ..meta::ObjectMeta::default() }),
                spec: Some(PodSpec { containers: vec![container("nginx:1", "")], ..PodSpec::default() }),
            },
            ..DeploymentSpec::default()
        }),
        status: None,
    }
}

impl Testbed {
    /// A cluster with `nodes` nodes `n0`, `n1` … of the given CPU.
    pub fn new(nodes: u32, cpu: &str) -> Self {
        let config = Config { nodes: 0, system_pods: false, ..Config::default() };
        let mut bed = Self {
            cluster: Cluster::new(config),
            writer: Writer::new("test"),
            broken_image: "broken".into(),
            addresses: 0,
            silent: BTreeSet::new(),
        };
        for i in 0..nodes {
            bed.add_node(&format!("n{i}"), cpu);
        }
        bed.run(Duration::from_secs(1));
        bed
    }

    pub fn add_node(&mut self, name: &str, cpu: &str) {
        let quantity = |text: &str| Quantity(text.into());
        let amounts = BTreeMap::from([
            ("cpu".to_owned(), quantity(cpu)),
            ("memory".to_owned(), quantity("8Gi")),
            ("pods".to_owned(), quantity("110")),
        ]);
        let node = Node {
            metadata: meta::ObjectMeta {
                name: Some(name.into()),
                labels: labels(&[("kubernetes.io/hostname", name)]),
                ..meta::ObjectMeta::default()
            },
            spec: None,
            status: Some(NodeStatus {
                capacity: Some(amounts.clone()),
                allocatable: Some(amounts),
                conditions: Some(vec![NodeCondition {
                    type_: "Ready".into(),
                    status: "True".into(),
                    reason: Some("KubeletReady".into()),
                    ..NodeCondition::default()
                }]),
                ..NodeStatus::default()
            }),
        };
        self.cluster.api.create(node, &self.writer).expect("a node can be created");
        let lease = Lease {
            metadata: meta::ObjectMeta { namespace: Some("kube-node-lease".into()), ..named(name) },
            spec: Some(LeaseSpec { holder_identity: Some(name.into()), ..LeaseSpec::default() }),
        };
        self.cluster.api.create(lease, &self.writer).expect("a lease can be created");
    }

    pub fn create<T: Builtin>(&mut self, object: T) {
        let made = self.cluster.api.create(object, &self.writer);
        assert!(made.is_ok(), "{:?}", made.err());
    }

    pub fn change<T: Builtin>(&mut self, name: &str, change: impl FnOnce(&mut T)) {
        let done = self.cluster.api.modify::<T>("default", name, Door::Main, &self.writer, change);
        assert!(done.is_ok(), "{:?}", done.err());
    }

    pub fn delete<T: Builtin>(&mut self, name: &str, options: &DeleteOptions) {
        let done = self.cluster.api.delete::<T>("default", name, options, &self.writer);
        assert!(done.is_ok(), "{:?}", done.err());
    }

    /// Priority classes `p<value>`.
    pub fn priorities(&mut self, values: &[i32]) {
        for value in values {
            let metadata = meta::ObjectMeta { name: Some(format!("p{value}")), ..meta::ObjectMeta::default() };
            self.create(PriorityClass { metadata, value: Some(*value), ..PriorityClass::default() });
        }
    }

    /// The node's kubelet stops: no heartbeat, no pod starts or goes.
    pub fn silence(&mut self, node: &str) {
        self.silent.insert(node.to_owned());
    }

    pub fn pods(&self) -> Vec<Pod> {
        self.cluster.api.list::<Pod>(Some("default")).cloned().collect()
    }

    pub fn event_messages(&self, reason: &str) -> Vec<String> {
        let of = |e: &&Event| e.reason.as_deref() == Some(reason);
        let mut events: Vec<&Event> = self.cluster.api.list::<Event>(None).filter(of).collect();
        events.sort_by_key(|e| e.metadata.resource_version.as_deref().and_then(|v| v.parse::<u64>().ok()));
        events.iter().filter_map(|e| e.message.clone()).collect()
    }

    pub fn run(&mut self, time: Duration) {
        self.watch(time, |_| {});
    }

    /// Lets time pass and looks at the cluster at every tick.
    pub fn watch(&mut self, time: Duration, mut look: impl FnMut(&Self)) {
        let end = self.cluster.now() + time;
        while self.cluster.now() < end {
            let next = (self.cluster.now() + TICK).min(end);
            self.cluster.run_until(next);
            self.kubelets();
            look(self);
        }
    }

    fn kubelets(&mut self) {
        let now = self.cluster.now();
        let pods: Vec<Pod> = self.cluster.api.list::<Pod>(None).cloned().collect();
        let awake = |p: &&Pod| {
            let node = p.spec.as_ref().and_then(|s| s.node_name.as_ref());
            node.is_some_and(|n| !self.silent.contains(n))
        };
        for pod in pods.iter().filter(awake).cloned().collect::<Vec<_>>() {
            let (ns, name) = (pod.metadata.namespace.as_deref().unwrap(), pod.metadata.name.as_deref().unwrap());
            if pod.metadata.deletion_timestamp.is_some() {
                let options = DeleteOptions { grace_period_seconds: Some(0), ..DeleteOptions::default() };
                let _ = self.cluster.api.delete::<Pod>(ns, name, &options, &self.writer);
            } else if pod.status.as_ref().is_none_or(|s| s.phase.as_deref() == Some("Pending")) {
                let broken = pod.spec.as_ref().unwrap().containers[0].image.as_deref() == Some(&self.broken_image);
                if !broken {
                    self.start(ns, name, now);
                }
            }
        }
        let leases: Vec<String> =
            self.cluster.api.list::<Lease>(None).filter_map(|l| l.metadata.name.clone()).collect();
        let beating = |name: &&String| now.secs() % 10 == 0 && !self.silent.contains(*name);
        for name in leases.iter().filter(beating) {
            let stamp = meta::MicroTime(now.timestamp());
            let _ = self.cluster.api.modify::<Lease>("kube-node-lease", name, Door::Main, &self.writer, |l| {
                l.spec.get_or_insert_default().renew_time = Some(stamp);
            });
        }
    }

    fn start(&mut self, ns: &str, name: &str, now: Time) {
        self.addresses += 1;
        let ip = format!("10.244.{}.{}", self.addresses / 250, self.addresses % 250 + 1);
        let stamp = Some(crate::controllers::meta::stamp(now));
        let _ = self.cluster.api.modify::<Pod>(ns, name, Door::Status, &self.writer, |p| {
            let status = p.status.get_or_insert_default();
            status.phase = Some("Running".into());
            status.pod_ip = Some(ip.clone());
            status.pod_ips = Some(vec![PodIP { ip }]);
            status.start_time.clone_from(&stamp);
            status.conditions.get_or_insert_default().push(PodCondition {
                type_: "Ready".into(),
                status: "True".into(),
                last_transition_time: stamp,
                ..PodCondition::default()
            });
        });
    }
}
