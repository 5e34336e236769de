use crate::controllers::meta::is_ready;
use crate::testbed::{Testbed, deployment};
use apimachinery::rng::Rng;
use apimachinery::time::Duration;
use k8s_openapi::api::apps::v1::{Deployment, ReplicaSet};

fn image(d: &mut Deployment, image: &str) {
    if let Some(spec) = d.spec.as_mut().and_then(|s| s.template.spec.as_mut()) {
        spec.containers[0].image = Some(image.into());
    }
}

fn status(bed: &Testbed, name: &str) -> (i32, i32, i32) {
    let d = bed.cluster.api.get::<Deployment>("default", name).expect("it was created");
    let s = d.status.clone().unwrap_or_default();
    let n = |n: Option<i32>| n.unwrap_or(0);
    (n(s.replicas), n(s.updated_replicas), n(s.available_replicas))
}

fn condition(bed: &Testbed, name: &str, kind: &str) -> String {
    let d = bed.cluster.api.get::<Deployment>("default", name).expect("it was created");
    let all = d.status.clone().unwrap_or_default().conditions.unwrap_or_default();
    let found = all.iter().find(|c| c.type_ == kind);
    found.map_or(String::new(), |c| format!("{} {}", c.status, c.reason.clone().unwrap_or_default()))
}

#[test]
fn a_deployment_makes_a_set_and_pods_and_tells_so() {
    let mut bed = Testbed::new(1, "4");
    bed.create(deployment("web", 3, "25%", "25%"));
    bed.run(Duration::from_secs(5));
    assert_eq!(status(&bed, "web"), (3, 3, 3));
    assert_eq!(condition(&bed, "web", "Available"), "True MinimumReplicasAvailable");
    assert_eq!(condition(&bed, "web", "Progressing"), "True NewReplicaSetAvailable");
    let set = bed.cluster.api.list::<ReplicaSet>(None).next().expect("there is one").clone();
    let name = set.metadata.name.clone().unwrap_or_default();
    assert_eq!(bed.event_messages("ScalingReplicaSet"), [format!("Scaled up replica set {name} from 0 to 3")]);
    let d = bed.cluster.api.get::<Deployment>("default", "web").expect("it was created");
    let message = d.status.clone().unwrap_or_default().conditions.unwrap_or_default();
    let message = message.iter().find(|c| c.type_ == "Progressing").and_then(|c| c.message.clone());
    assert_eq!(message, Some(format!("ReplicaSet \"{name}\" has successfully progressed.")));
    assert_eq!(d.metadata.generation, Some(1));
}

#[test]
fn going_back_to_an_old_template_takes_its_set_again() {
    let mut bed = Testbed::new(1, "4");
    bed.create(deployment("web", 2, "1", "0"));
    bed.run(Duration::from_secs(3));
    for next in ["nginx:2", "nginx:1"] {
        bed.change::<Deployment>("web", |d| image(d, next));
        bed.run(Duration::from_secs(5));
        assert_eq!(status(&bed, "web"), (2, 2, 2));
    }
    let annotations: Vec<_> = bed
        .cluster
        .api
        .list::<ReplicaSet>(None)
        .map(|s| {
            let a = s.metadata.annotations.clone().unwrap_or_default();
            let get = |k: &str| a.get(&format!("deployment.kubernetes.io/{k}")).cloned().unwrap_or_default();
            (get("revision"), get("revision-history"))
        })
        .collect();
    assert_eq!(annotations.len(), 2);
    assert!(annotations.contains(&("3".into(), "1".into())) && annotations.contains(&("2".into(), String::new())));
}

#[test]
fn a_broken_template_stops_the_rollout_and_times_out() {
    let mut bed = Testbed::new(1, "4");
    let mut d = deployment("web", 4, "25%", "25%");
    d.spec.as_mut().expect("has one").progress_deadline_seconds = Some(20);
    bed.create(d);
    bed.run(Duration::from_secs(3));
    bed.change::<Deployment>("web", |d| image(d, "broken"));
    bed.run(Duration::from_secs(30));
    assert_eq!(status(&bed, "web"), (5, 2, 3));
    assert_eq!(condition(&bed, "web", "Progressing"), "False ProgressDeadlineExceeded");
    assert_eq!(condition(&bed, "web", "Available"), "True MinimumReplicasAvailable");
}

#[test]
fn recreate_lets_old_pods_go_first() {
    let mut bed = Testbed::new(1, "4");
    let mut d = deployment("web", 3, "1", "1");
    let strategy = d.spec.as_mut().and_then(|s| s.strategy.as_mut()).expect("has one");
    strategy.type_ = Some("Recreate".into());
    strategy.rolling_update = None;
    bed.create(d);
    bed.run(Duration::from_secs(3));
    bed.change::<Deployment>("web", |d| image(d, "nginx:2"));
    bed.watch(Duration::from_secs(10), |bed| {
        let mut images: Vec<_> =
            bed.pods().iter().filter_map(|p| p.spec.clone()?.containers[0].image.clone()).collect();
        images.dedup();
        images.sort_unstable();
        images.dedup();
        assert!(images.len() <= 1, "{images:?}");
    });
    assert_eq!(status(&bed, "web"), (3, 3, 3));
}

#[test]
fn rolling_updates_keep_their_bounds_whatever_happens_on_the_way() {
    for seed in 0..12 {
        let mut dice = Rng::derive(seed, "rolling", "", 0);
        let mut bed = Testbed::new(2, "64");
        let replicas = 1 + i32::try_from(dice.below(12)).unwrap_or(0);
        let (surge, unavailable) =
            [("25%", "25%"), ("1", "0"), ("0", "1"), ("50%", "0"), ("3", "2")][dice.below(5) as usize];
        bed.create(deployment("web", replicas, surge, unavailable));
        bed.run(Duration::from_secs(5));
        let spec = bed.cluster.api.get::<Deployment>("default", "web").and_then(|d| d.spec.clone()).expect("created");
        let most = replicas + super::arithmetic::max_surge(&spec);
        let least = replicas - super::arithmetic::max_unavailable(&spec);
        for round in 0..3 {
            bed.change::<Deployment>("web", |d| image(d, &format!("nginx:{}", dice.below(3))));
            bed.watch(Duration::from_millis(200 + dice.below(3000)), |bed| {
                let pods = bed.pods();
                let alive = pods.iter().filter(|p| p.metadata.deletion_timestamp.is_none());
                let ready = alive.clone().filter(|p| is_ready(p)).count();
                let what = format!("seed {seed} round {round} replicas {replicas} {surge}/{unavailable}");
                assert!(ready >= usize::try_from(least).unwrap_or(0), "{what}: {ready} ready");
                assert!(alive.count() <= usize::try_from(most).unwrap_or(0), "{what}");
            });
        }
        bed.run(Duration::from_secs(20));
        assert_eq!(status(&bed, "web"), (replicas, replicas, replicas), "seed {seed}");
        assert!(bed.cluster.settle(Duration::from_secs(5)), "seed {seed}: still busy");
    }
}

#[test]
fn old_sets_beyond_the_limit_go() {
    let mut bed = Testbed::new(1, "64");
    let mut d = deployment("web", 2, "1", "0");
    d.spec.as_mut().expect("has one").revision_history_limit = Some(2);
    bed.create(d);
    for i in 0..6 {
        bed.run(Duration::from_secs(4));
        bed.change::<Deployment>("web", |d| image(d, &format!("nginx:v{i}")));
    }
    bed.run(Duration::from_secs(8));
    assert_eq!(bed.cluster.api.list::<ReplicaSet>(None).count(), 3);
}
