//! How much CPU time a pod costs from `apply` to Ready: `cargo run --release -p cluster --example pods -- 1000 10`.
//!
//! One deployment of the given number of pods on the given number of nodes, whose room suffices; a third word `service`
//! puts a service before it.

use apimachinery::time::Duration;
use apiserver::Writer;
use cluster::kubelet::node::Capacity;
use cluster::{Cluster, Config};
use k8s_openapi::api::apps::v1::{Deployment, DeploymentSpec};
use k8s_openapi::api::core::v1::{Container, Pod, PodSpec, PodTemplateSpec, Service, ServicePort, ServiceSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, ObjectMeta};
use std::collections::BTreeMap;
use std::time::Instant;

fn main() {
    let mut numbers = std::env::args().skip(1).filter_map(|a| a.parse::<u32>().ok());
    let pods = numbers.next().unwrap_or(1000);
    let nodes = numbers.next().unwrap_or(pods.div_ceil(100));
    let capacity = Capacity { pods: i64::from(pods / nodes.max(1) + 110), ..Capacity::default() };
    let mut cluster = Cluster::new(Config { nodes, capacity, system_pods: false, ..Config::default() });
    cluster.settle(Duration::from_secs(60));
    let writer = Writer::new("kubectl");
    let begun = Instant::now();
    let served = std::env::args().any(|a| a == "service");
    let made = if served { cluster.api.create(service(), &writer).map(drop) } else { Ok(()) };
    let made = made.and_then(|()| cluster.api.create(deployment(pods), &writer).map(drop));
    if let Err(status) = made {
        eprintln!("{}", status.message);
        return;
    }
    let rested = cluster.settle(Duration::from_secs(3600));
    let took = begun.elapsed();
    let ready = cluster.api.list::<Pod>(None).filter(|p| is_ready(p)).count();
    let each = took.as_secs_f64() * 1e6 / f64::from(pods.max(1));
    println!(
        "{ready} of {pods} pods ready on {nodes} nodes in {:.2} s, {each:.0} µs each; virtual {:.1} s; {} revisions; at rest: {rested}",
        took.as_secs_f64(),
        cluster.now().since(Config::default().start).as_secs_f64(),
        cluster.api.storage.revision(),
    );
}

fn is_ready(pod: &Pod) -> bool {
    let conditions = pod.status.as_ref().and_then(|s| s.conditions.as_ref());
    conditions.is_some_and(|c| c.iter().any(|c| c.type_ == "Ready" && c.status == "True"))
}

fn labels() -> Option<BTreeMap<String, String>> {
    Some(BTreeMap::from([("app".to_owned(), "web".to_owned())]))
}

fn metadata() -> ObjectMeta {
    ObjectMeta { name: Some("web".into()), namespace: Some("default".into()), ..ObjectMeta::default() }
}

fn service() -> Service {
    let port = ServicePort { port: 80, ..ServicePort::default() };
    let spec = ServiceSpec { selector: labels(), ports: Some(vec![port]), ..ServiceSpec::default() };
    Service { metadata: metadata(), spec: Some(spec), status: None }
}

fn deployment(pods: u32) -> Deployment {
    let container = Container { name: "nginx".into(), image: Some("nginx:1.21.6".into()), ..Container::default() };
    Deployment {
        metadata: metadata(),
        spec: Some(DeploymentSpec {
            replicas: i32::try_from(pods).ok(),
            selector: LabelSelector { match_labels: labels(), match_expressions: None },
            template: PodTemplateSpec {
                metadata: Some(ObjectMeta { labels: labels(), ..ObjectMeta::default() }),
                spec: Some(PodSpec { containers: vec![container], ..PodSpec::default() }),
            },
            ..DeploymentSpec::default()
        }),
        status: None,
    }
}
