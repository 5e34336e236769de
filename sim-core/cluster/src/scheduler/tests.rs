use crate::controllers::meta::{is_terminal, node_of, pod_condition};
use crate::testbed::{Testbed, container, deployment, labels, named, pod};
use apimachinery::rng::Rng;
use apimachinery::time::Duration;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{Node, Pod, Taint, TopologySpreadConstraint};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use std::collections::BTreeMap;

fn scheduled(bed: &Testbed, name: &str) -> (String, String) {
    let pod = bed.cluster.api.get::<Pod>("default", name).expect("it was created");
    let message = pod_condition(&pod, "PodScheduled").and_then(|c| c.message.clone()).unwrap_or_default();
    (node_of(&pod).to_owned(), message)
}

fn change_node(bed: &mut Testbed, name: &str, change: impl FnOnce(&mut Node)) {
    let door = apiserver::server::Door::Main;
    let done = bed.cluster.api.modify::<Node>("", name, door, &bed.writer, change);
    assert!(done.is_ok(), "{:?}", done.err());
}

#[test]
fn a_pod_without_a_node_says_why_and_goes_when_it_can() {
    let check = |make: &dyn Fn(&mut Testbed) -> Pod, message: &str, help: &dyn Fn(&mut Testbed)| {
        let mut bed = Testbed::new(1, "2");
        let pod = make(&mut bed);
        let name = pod.metadata.name.clone().unwrap_or_default();
        bed.create(pod);
        bed.run(Duration::from_secs(2));
        assert_eq!(scheduled(&bed, &name), (String::new(), message.to_owned()));
        assert_eq!(bed.event_messages("FailedScheduling"), [message]);
        help(&mut bed);
        bed.run(Duration::from_secs(3));
        assert_eq!(scheduled(&bed, &name).0, "n0", "{message}");
        assert!(bed.event_messages("Scheduled").contains(&format!("Successfully assigned default/{name} to n0")));
    };
    check(
        &|_| {
            let mut p = pod("picky", "");
            p.spec.as_mut().expect("has one").node_selector = labels(&[("disk", "nvme")]);
            p
        },
        "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector. no new claims to deallocate, \
         preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling.",
        &|bed| {
            change_node(bed, "n0", |n| {
                n.metadata.labels.get_or_insert_default().insert("disk".into(), "nvme".into());
            });
        },
    );
    check(
        &|bed| {
            change_node(bed, "n0", |n| n.spec.get_or_insert_default().unschedulable = Some(true));
            pod("cordoned", "")
        },
        "0/1 nodes are available: 1 node(s) were unschedulable. no new claims to deallocate, preemption: 0/1 nodes are \
         available: 1 Preemption is not helpful for scheduling.",
        &|bed| change_node(bed, "n0", |n| n.spec.get_or_insert_default().unschedulable = None),
    );
    check(
        &|bed| {
            let taint =
                Taint { key: "key".into(), value: Some("v".into()), effect: "NoSchedule".into(), time_added: None };
            change_node(bed, "n0", |n| n.spec.get_or_insert_default().taints = Some(vec![taint]));
            pod("tainted", "")
        },
        "0/1 nodes are available: 1 node(s) had untolerated taint(s). no new claims to deallocate, preemption: 0/1 \
         nodes are available: 1 Preemption is not helpful for scheduling.",
        &|bed| change_node(bed, "n0", |n| n.spec.get_or_insert_default().taints = None),
    );
    check(
        &|bed| {
            bed.create(pod("filler", "1500m"));
            bed.run(Duration::from_secs(1));
            pod("late", "1")
        },
        "0/1 nodes are available: 1 Insufficient cpu. no new claims to deallocate, preemption: 0/1 nodes are available: \
         1 No preemption victims found for incoming pod.",
        &|bed| bed.delete::<Pod>("filler", &apiserver::DeleteOptions::default()),
    );
}

#[test]
fn a_pod_too_large_for_the_node_is_beyond_preemption() {
    let mut bed = Testbed::new(1, "2");
    bed.create(pod("huge", "64"));
    bed.run(Duration::from_secs(2));
    let message = "0/1 nodes are available: 1 Insufficient cpu. no new claims to deallocate, preemption: 0/1 nodes are \
                   available: 1 Preemption is not helpful for scheduling.";
    assert_eq!(scheduled(&bed, "huge").1, message);
    let uid = bed.cluster.api.get::<Pod>("default", "huge").and_then(|p| p.metadata.uid.clone()).expect("created");
    let decision = bed.cluster.explain(&uid).expect("it was just decided");
    assert_eq!(decision.message, message);
    assert_eq!(decision.nodes[0].refused.as_ref().map(|(plugin, _)| *plugin), Some("NodeResourcesFit"));
}

#[test]
fn a_set_is_spread_over_the_nodes() {
    let mut bed = Testbed::new(3, "4");
    bed.create(deployment("web", 6, "1", "0"));
    bed.run(Duration::from_secs(3));
    let mut per_node: BTreeMap<String, usize> = BTreeMap::new();
    for pod in bed.pods() {
        *per_node.entry(node_of(&pod).to_owned()).or_default() += 1;
    }
    assert_eq!(per_node.into_values().collect::<Vec<_>>(), [2, 2, 2]);
}

#[test]
fn hard_spreading_counts_by_label_and_names_what_is_missing() {
    let mut bed = Testbed::new(3, "4");
    for (node, zone) in [("n1", "a"), ("n2", "b")] {
        change_node(&mut bed, node, |n| {
            n.metadata.labels.get_or_insert_default().insert("zone".into(), zone.into());
        });
    }
    let mut d = deployment("spread", 4, "1", "0");
    let pods = d.spec.as_mut().and_then(|s| s.template.spec.as_mut()).expect("has one");
    pods.topology_spread_constraints = Some(vec![TopologySpreadConstraint {
        max_skew: 1,
        topology_key: "zone".into(),
        when_unsatisfiable: "DoNotSchedule".into(),
        label_selector: Some(LabelSelector { match_labels: labels(&[("app", "spread")]), match_expressions: None }),
        ..TopologySpreadConstraint::default()
    }]);
    bed.create(d);
    bed.run(Duration::from_secs(3));
    let mut nodes: Vec<_> = bed.pods().iter().map(|p| node_of(p).to_owned()).collect();
    nodes.sort_unstable();
    assert_eq!(nodes, ["n1", "n1", "n2", "n2"]);
    change_node(&mut bed, "n1", |n| n.spec.get_or_insert_default().unschedulable = Some(true));
    let victims: Vec<_> = bed.pods().into_iter().filter(|p| node_of(p) == "n1").collect();
    for pod in &victims {
        bed.delete::<Pod>(pod.metadata.name.as_deref().unwrap_or_default(), &apiserver::DeleteOptions::default());
    }
    bed.run(Duration::from_secs(3));
    assert_eq!(
        bed.event_messages("FailedScheduling").last().map(String::as_str),
        Some(
            "0/3 nodes are available: 1 node(s) didn't match pod topology spread constraints, 1 node(s) didn't match \
             pod topology spread constraints (missing required label), 1 node(s) were unschedulable. no new claims to \
             deallocate, preemption: 0/3 nodes are available: 1 No preemption victims found for incoming pod, 2 \
             Preemption is not helpful for scheduling."
        )
    );
}

#[test]
fn an_important_pod_takes_the_place_of_the_least_important_ones() {
    let mut bed = Testbed::new(1, "2");
    let with_priority = |name: &str, cpu: &str, priority: i32| {
        let mut p = pod(name, cpu);
        p.spec.as_mut().expect("has one").priority_class_name = Some(format!("p{priority}"));
        p
    };
    bed.priorities(&[1, 5, 10]);
    bed.create(with_priority("low", "1", 1));
    bed.create(with_priority("middle", "1", 5));
    bed.run(Duration::from_secs(1));
    bed.create(with_priority("high", "1", 10));
    bed.run(Duration::from_secs(5));
    assert_eq!(scheduled(&bed, "high").0, "n0");
    let names: Vec<_> = bed.pods().iter().filter_map(|p| p.metadata.name.clone()).collect();
    assert_eq!(names, ["high", "middle"]);
    assert!(bed.event_messages("Preempted")[0].ends_with("on node n0"));
}

#[test]
fn nodes_are_never_given_more_than_they_have() {
    for seed in 0..10 {
        let mut dice = Rng::derive(seed, "capacity", "", 0);
        let mut bed = Testbed::new(3, "2");
        bed.priorities(&[0, 1, 2]);
        for i in 0..30u64 {
            let name = format!("p{i}");
            let mut p = Pod { metadata: named(&name), ..pod(&name, "") };
            let spec = p.spec.as_mut().expect("has one");
            spec.containers = vec![container("nginx", &format!("{}m", 50 * (1 + dice.below(20))))];
            spec.priority_class_name = Some(format!("p{}", dice.below(3)));
            bed.create(p);
            if dice.below(4) == 0 {
                let pods = bed.pods();
                let pod = &pods[dice.below(pods.len() as u64) as usize];
                let name = pod.metadata.name.clone().unwrap_or_default();
                bed.delete::<Pod>(&name, &apiserver::DeleteOptions::default());
            }
            bed.run(Duration::from_millis(50 * dice.below(20)));
            let mut used: BTreeMap<String, i64> = BTreeMap::new();
            for pod in bed.pods().iter().filter(|p| !node_of(p).is_empty() && !is_terminal(p)) {
                let spec = pod.spec.as_ref().expect("has one");
                *used.entry(node_of(pod).to_owned()).or_default() +=
                    super::resources::Requests::of(spec).exact.milli_cpu;
            }
            assert!(used.values().all(|cpu| *cpu <= 2000), "seed {seed}: {used:?}");
        }
    }
}

#[test]
fn scheduling_is_the_same_every_time() {
    let trace = || {
        let mut bed = Testbed::new(4, "8");
        bed.create(deployment("web", 20, "1", "0"));
        bed.run(Duration::from_secs(2));
        bed.change::<Deployment>("web", |d| d.spec.as_mut().expect("has one").replicas = Some(7));
        bed.run(Duration::from_secs(2));
        bed.pods()
            .iter()
            .map(|p| format!("{} {}", p.metadata.name.clone().unwrap_or_default(), node_of(p)))
            .collect::<Vec<_>>()
    };
    assert_eq!(trace(), trace());
}
