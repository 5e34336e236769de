use crate::controllers::meta::{controller_of, is_active, is_ready, node_of};
use crate::testbed::{Testbed, deployment, labels, named, pod};
use apimachinery::time::Duration;
use apiserver::DeleteOptions;
use apiserver::server::{Door, Propagation};
use k8s_openapi::api::apps::v1::{Deployment, ReplicaSet};
use k8s_openapi::api::core::v1::{ConfigMap, Namespace, Node, NodeSpec, Pod, Taint, Toleration};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};

fn options(propagation: Propagation) -> DeleteOptions {
    DeleteOptions { propagation: Some(propagation), ..DeleteOptions::default() }
}

fn left(bed: &Testbed) -> (usize, usize, usize) {
    let api = &bed.cluster.api;
    (
        api.list::<Deployment>(None).count(),
        api.list::<ReplicaSet>(None).count(),
        api.list::<Pod>(Some("default")).count(),
    )
}

#[test]
fn what_a_deployment_owns_goes_as_its_deletion_says() {
    for (propagation, at_once, in_the_end) in [
        (Propagation::Background, (0, 1, 3), (0, 0, 0)),
        (Propagation::Foreground, (1, 1, 3), (0, 0, 0)),
        (Propagation::Orphan, (1, 1, 3), (0, 1, 3)),
    ] {
        let mut bed = Testbed::new(1, "4");
        bed.create(deployment("web", 3, "1", "0"));
        bed.run(Duration::from_secs(3));
        bed.delete::<Deployment>("web", &options(propagation));
        assert_eq!(left(&bed), at_once, "{propagation:?}");
        bed.run(Duration::from_secs(3));
        assert_eq!(left(&bed), in_the_end, "{propagation:?}");
    }
}

#[test]
fn an_object_whose_owner_never_was_goes() {
    let mut bed = Testbed::new(1, "4");
    let owner = OwnerReference {
        api_version: "v1".into(),
        kind: "ConfigMap".into(),
        name: "ghost".into(),
        uid: "00000000-0000-4000-8000-000000000000".into(),
        ..OwnerReference::default()
    };
    let metadata = ObjectMeta { owner_references: Some(vec![owner]), ..named("lost") };
    bed.create(ConfigMap { metadata, ..ConfigMap::default() });
    bed.run(Duration::from_secs(1));
    assert!(bed.cluster.api.get::<ConfigMap>("default", "lost").is_none());
}

#[test]
fn a_set_adopts_what_matches_and_lets_go_of_what_does_not() {
    let mut bed = Testbed::new(1, "4");
    bed.create(deployment("web", 2, "1", "0"));
    bed.run(Duration::from_secs(2));
    let set = bed.cluster.api.list::<ReplicaSet>(None).next().expect("there is one").clone();
    let first = bed.pods()[0].metadata.name.clone().unwrap_or_default();
    bed.change::<Pod>(&first, |p| p.metadata.labels = labels(&[("app", "else")]));
    bed.run(Duration::from_secs(2));
    let owned = |bed: &Testbed| bed.pods().iter().filter(|p| controller_of(&p.metadata).is_some()).count();
    assert_eq!((bed.pods().len(), owned(&bed)), (3, 2));
    let mut orphan = pod("orphan", "");
    orphan.metadata.labels = set.spec.as_ref().and_then(|s| s.template.as_ref()?.metadata.as_ref()?.labels.clone());
    bed.create(orphan);
    bed.run(Duration::from_secs(2));
    // The adopted one was the youngest, so it went again.
    assert_eq!((bed.pods().len(), owned(&bed)), (3, 2));
    assert_eq!(bed.event_messages("SuccessfulDelete").len(), 1);
}

#[test]
fn a_scale_down_takes_the_cheapest_pods() {
    let mut bed = Testbed::new(1, "4");
    bed.create(deployment("web", 3, "1", "0"));
    bed.run(Duration::from_secs(2));
    let names: Vec<String> = bed.pods().iter().filter_map(|p| p.metadata.name.clone()).collect();
    bed.change::<Pod>(&names[1], |p| {
        p.metadata.annotations = labels(&[("controller.kubernetes.io/pod-deletion-cost", "-5")]);
    });
    bed.change::<Deployment>("web", |d| d.spec.as_mut().expect("has one").replicas = Some(2));
    bed.run(Duration::from_secs(2));
    let left: Vec<String> = bed.pods().iter().filter_map(|p| p.metadata.name.clone()).collect();
    assert_eq!(left, [names[0].clone(), names[2].clone()]);
}

#[test]
fn min_ready_seconds_hold_availability_back() {
    let mut bed = Testbed::new(1, "4");
    let mut d = deployment("web", 2, "1", "0");
    d.spec.as_mut().expect("has one").min_ready_seconds = Some(5);
    bed.create(d);
    let available = |bed: &Testbed| {
        let set = bed.cluster.api.list::<ReplicaSet>(None).next().and_then(|s| s.status.clone()).unwrap_or_default();
        (set.ready_replicas.unwrap_or(0), set.available_replicas.unwrap_or(0))
    };
    bed.run(Duration::from_secs(3));
    assert_eq!(available(&bed), (2, 0));
    bed.run(Duration::from_secs(5));
    assert_eq!(available(&bed), (2, 2));
}

#[test]
fn a_namespace_goes_with_all_it_holds_pods_first() {
    let mut bed = Testbed::new(1, "4");
    let metadata = ObjectMeta { name: Some("team".into()), ..ObjectMeta::default() };
    bed.create(Namespace { metadata, ..Namespace::default() });
    bed.run(Duration::from_secs(1));
    let mut p = pod("web", "");
    p.metadata.namespace = Some("team".into());
    bed.create(p);
    bed.run(Duration::from_secs(1));
    let deleted = bed.cluster.api.delete::<Namespace>("", "team", &DeleteOptions::default(), &bed.writer);
    assert!(deleted.is_ok());
    let refused = bed.cluster.api.create(
        Pod { metadata: ObjectMeta { namespace: Some("team".into()), ..named("late") }, ..pod("late", "") },
        &bed.writer,
    );
    assert!(refused.is_err_and(|s| s.message.contains("because it is being terminated")));
    bed.run(Duration::from_secs(7));
    assert!(bed.cluster.api.list::<Pod>(Some("team")).next().is_none());
    let namespace = bed.cluster.api.get::<Namespace>("", "team").expect("it looks again after five seconds");
    let conditions = namespace.status.clone().unwrap_or_default().conditions.unwrap_or_default();
    assert_eq!((conditions.len(), conditions[3].reason.as_deref()), (5, Some("ContentRemoved")));
    bed.run(Duration::from_secs(5));
    assert!(bed.cluster.api.get::<Namespace>("", "team").is_none());
}

#[test]
fn finalizers_hold_a_namespace_and_are_named() {
    let mut bed = Testbed::new(1, "4");
    let metadata = ObjectMeta { name: Some("team".into()), ..ObjectMeta::default() };
    bed.create(Namespace { metadata, ..Namespace::default() });
    let mut map = ConfigMap { metadata: named("held"), ..ConfigMap::default() };
    map.metadata.namespace = Some("team".into());
    map.metadata.finalizers = Some(vec!["example.com/hold".into()]);
    bed.create(map);
    assert!(bed.cluster.api.delete::<Namespace>("", "team", &DeleteOptions::default(), &bed.writer).is_ok());
    bed.run(Duration::from_secs(12));
    let namespace = bed.cluster.api.get::<Namespace>("", "team").expect("it is held");
    let conditions = namespace.status.clone().unwrap_or_default().conditions.unwrap_or_default();
    let messages: Vec<_> = conditions[3..].iter().filter_map(|c| c.message.as_deref()).collect();
    assert_eq!(
        messages,
        [
            "Some resources are remaining: configmaps. has 1 resource instances",
            "Some content in the namespace has finalizers remaining: example.com/hold in 1 resource instances"
        ]
    );
    let freed = bed.cluster.api.modify::<ConfigMap>("team", "held", Door::Main, &bed.writer, |m| {
        m.metadata.finalizers = None;
    });
    assert!(freed.is_ok());
    bed.run(Duration::from_secs(20));
    assert!(bed.cluster.api.get::<Namespace>("", "team").is_none());
}

#[test]
fn scaling_up_while_pods_go_counts_only_living_ones() {
    let mut bed = Testbed::new(1, "4");
    bed.create(deployment("web", 5, "1", "0"));
    bed.run(Duration::from_secs(2));
    for size in [0, 4, 1, 3] {
        bed.change::<Deployment>("web", |d| d.spec.as_mut().expect("has one").replicas = Some(size));
        bed.run(Duration::from_millis(150));
    }
    bed.run(Duration::from_secs(3));
    assert_eq!(bed.pods().iter().filter(|p| is_active(p)).count(), 3);
}

fn taint_keys(bed: &Testbed, node: &str) -> Vec<String> {
    let node = bed.cluster.api.get::<Node>("", node).expect("it was added");
    let taints = node.spec.as_ref().and_then(|s| s.taints.clone()).unwrap_or_default();
    taints.iter().map(|t| format!("{}:{}", t.key, t.effect)).collect()
}

#[test]
fn a_silent_node_is_tainted_and_its_pods_are_given_five_minutes() {
    let mut bed = Testbed::new(2, "4");
    bed.create(deployment("web", 4, "1", "0"));
    bed.change::<Deployment>("web", |d| {
        let wait = |key: &str| Toleration {
            key: Some(key.into()),
            operator: Some("Exists".into()),
            effect: Some("NoExecute".into()),
            toleration_seconds: Some(300),
            value: None,
        };
        let spec = d.spec.as_mut().and_then(|s| s.template.spec.as_mut()).expect("has one");
        spec.tolerations = Some(vec![wait("node.kubernetes.io/not-ready"), wait("node.kubernetes.io/unreachable")]);
    });
    bed.run(Duration::from_secs(3));
    bed.silence("n1");
    bed.run(Duration::from_secs(70));
    assert_eq!(taint_keys(&bed, "n0"), Vec::<String>::new());
    let unreachable = "node.kubernetes.io/unreachable";
    assert_eq!(taint_keys(&bed, "n1"), [format!("{unreachable}:NoExecute"), format!("{unreachable}:NoSchedule")]);
    assert_eq!(bed.event_messages("NodeNotReady")[0], "Node n1 status is now: NodeNotReady");
    let per_node = |bed: &Testbed, node: &str| {
        bed.pods().iter().filter(|p| node_of(p) == node && p.metadata.deletion_timestamp.is_none()).count()
    };
    assert_eq!((per_node(&bed, "n0"), per_node(&bed, "n1")), (2, 2));
    assert_eq!(bed.pods().iter().filter(|p| is_ready(p)).count(), 2);
    bed.run(Duration::from_secs(300));
    assert_eq!((per_node(&bed, "n0"), per_node(&bed, "n1")), (4, 0));
}

#[test]
fn cordoning_taints_and_no_execute_evicts_at_once() {
    let mut bed = Testbed::new(2, "4");
    bed.create(deployment("web", 2, "1", "0"));
    bed.run(Duration::from_secs(2));
    let change = |bed: &mut Testbed, change: &dyn Fn(&mut NodeSpec)| {
        let done = bed.cluster.api.modify::<Node>("", "n0", Door::Main, &bed.writer, |n| {
            change(n.spec.get_or_insert_default());
        });
        assert!(done.is_ok());
    };
    change(&mut bed, &|s| s.unschedulable = Some(true));
    bed.run(Duration::from_secs(1));
    assert_eq!(taint_keys(&bed, "n0"), ["node.kubernetes.io/unschedulable:NoSchedule"]);
    change(&mut bed, &|s| s.unschedulable = None);
    bed.run(Duration::from_secs(1));
    assert_eq!(taint_keys(&bed, "n0"), Vec::<String>::new());
    change(&mut bed, &|s| {
        let taint = Taint { key: "gone".into(), effect: "NoExecute".into(), value: None, time_added: None };
        s.taints = Some(vec![taint]);
    });
    bed.run(Duration::from_secs(3));
    assert!(bed.pods().len() == 2 && bed.pods().iter().all(|p| node_of(p) == "n1" && is_ready(p)));
}

#[test]
fn pods_of_a_node_that_is_no_more_are_removed() {
    let mut bed = Testbed::new(2, "4");
    bed.create(deployment("web", 2, "1", "0"));
    bed.run(Duration::from_secs(2));
    assert!(bed.cluster.api.delete::<Node>("", "n0", &DeleteOptions::default(), &bed.writer).is_ok());
    bed.run(Duration::from_secs(60));
    assert!(bed.pods().len() == 2 && bed.pods().iter().all(|p| node_of(p) == "n1"));
    assert_eq!(bed.event_messages("RemovingNode"), ["Node n0 event: Removing Node n0 from Controller"]);
}
