use super::slices::target;
use crate::testbed::{Testbed, deployment, labels, named, pod};
use apimachinery::rng::Rng;
use apimachinery::time::Duration;
use apiserver::DeleteOptions;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{Endpoints, Pod, Service, ServicePort, ServiceSpec};
use k8s_openapi::api::discovery::v1::EndpointSlice;

fn service(name: &str, app: &str) -> Service {
    let port = ServicePort { port: 80, ..ServicePort::default() };
    Service {
        metadata: named(name),
        spec: Some(ServiceSpec {
            selector: labels(&[("app", app)]),
            ports: Some(vec![port]),
            ..ServiceSpec::default()
        }),
        status: None,
    }
}

fn slices(bed: &Testbed) -> Vec<EndpointSlice> {
    let ours = |s: &&EndpointSlice| super::slices::service_of(&s.metadata) == Some("web");
    bed.cluster.api.list::<EndpointSlice>(Some("default")).filter(ours).cloned().collect()
}

/// Pods in the slices, ready ones only.
fn listed(bed: &Testbed) -> Vec<String> {
    let mut out: Vec<String> = slices(bed)
        .iter()
        .flat_map(|s| s.endpoints.iter().flatten())
        .filter(|e| e.conditions.as_ref().is_some_and(|c| c.ready == Some(true)))
        .filter_map(|e| target(e).map(str::to_owned))
        .collect();
    out.sort_unstable();
    out
}

fn addresses(bed: &Testbed) -> usize {
    let endpoints = bed.cluster.api.get::<Endpoints>("default", "web");
    let subsets = endpoints.and_then(|e| e.subsets.clone()).unwrap_or_default();
    subsets.iter().map(|s| s.addresses.as_ref().map_or(0, Vec::len)).sum()
}

#[test]
fn a_service_without_pods_has_an_empty_slice_that_fills() {
    let mut bed = Testbed::new(1, "4");
    bed.create(service("web", "web"));
    bed.run(Duration::from_secs(1));
    let before = slices(&bed);
    assert_eq!(before.len(), 1);
    assert!(before[0].ports.is_none() && before[0].endpoints.as_ref().is_none_or(Vec::is_empty));
    assert!(before[0].metadata.name.as_deref().is_some_and(|n| n.starts_with("web-") && n.len() == 9));
    bed.create(deployment("web", 2, "1", "0"));
    bed.run(Duration::from_secs(3));
    let after = slices(&bed);
    assert_eq!(after.iter().map(|s| &s.metadata.name).collect::<Vec<_>>(), [&before[0].metadata.name]);
    assert_eq!(listed(&bed).len(), 2);
    assert_eq!(after[0].ports.as_ref().and_then(|p| p[0].port), Some(80));
    assert_eq!(addresses(&bed), 2);
    bed.delete::<Service>("web", &DeleteOptions::default());
    bed.run(Duration::from_secs(1));
    assert!(slices(&bed).is_empty() && bed.cluster.api.get::<Endpoints>("default", "web").is_none());
}

#[test]
fn slices_hold_each_ready_pod_once_whatever_happens() {
    let mut bed = Testbed::new(4, "64");
    bed.create(service("web", "web"));
    bed.create(deployment("web", 250, "25%", "25%"));
    bed.run(Duration::from_secs(5));
    assert_eq!(slices(&bed).len(), 3);
    assert_eq!(addresses(&bed), 250);
    let mut dice = Rng::derive(7, "endpoints", "", 0);
    for round in 0..6 {
        let size = i32::try_from(dice.below(300)).unwrap_or(0);
        bed.change::<Deployment>("web", |d| {
            let spec = d.spec.as_mut().expect("has one");
            spec.replicas = Some(size);
            spec.template.spec.as_mut().expect("has one").containers[0].image = Some(format!("nginx:{round}"));
        });
        bed.run(Duration::from_millis(dice.below(4000)));
        bed.watch(Duration::from_secs(8), |bed| {
            let listed = listed(bed);
            assert!(listed.windows(2).all(|w| w[0] != w[1]), "round {round}");
            assert!(slices(bed).iter().all(|s| s.endpoints.as_ref().is_none_or(|e| e.len() <= 100)));
        });
        let mut ready: Vec<String> = bed.pods().iter().filter_map(|p| p.metadata.name.clone()).collect();
        ready.sort_unstable();
        assert_eq!(listed(&bed), ready, "round {round} size {size}");
        assert_eq!(addresses(&bed), ready.len());
    }
}

#[test]
fn endpoints_follow_labels_of_pods_and_selectors_of_services() {
    let mut bed = Testbed::new(1, "4");
    for (name, app) in [("a", "web"), ("b", "api")] {
        let mut p = pod(name, "");
        p.metadata.labels = labels(&[("app", app)]);
        bed.create(p);
    }
    bed.create(service("web", "web"));
    bed.run(Duration::from_secs(1));
    assert_eq!(listed(&bed), ["a"]);
    bed.change::<Pod>("b", |p| p.metadata.labels = labels(&[("app", "web")]));
    bed.run(Duration::from_secs(1));
    assert_eq!(listed(&bed), ["a", "b"]);
    bed.change::<Pod>("a", |p| p.metadata.labels = labels(&[("app", "api")]));
    bed.run(Duration::from_secs(1));
    assert_eq!(listed(&bed), ["b"]);
    bed.change::<Service>("web", |s| s.spec.as_mut().expect("has one").selector = labels(&[("app", "api")]));
    bed.run(Duration::from_secs(1));
    assert_eq!(listed(&bed), ["a"]);
}
