//! Measures of the whole simulation, natively: CPU time and memory of this process.

use apimachinery::http::{Method, Request};
use apimachinery::time::Duration;
use cluster::kubelet::node::Capacity;
use cluster::types::Deployment;
use cluster::{Cluster, Config};
use serde_json::{Value, json};
use std::time::Instant;

/// Virtual time that a roll-out may take.
const ROLLOUT_MAX: Duration = Duration::from_secs(24 * 3600);

/// One Deployment of `pods` replicas on `nodes` nodes, from apply until all are ready, with default latencies simulated.
pub fn pods(pods: u32, nodes: u32) -> Result<Value, String> {
    let room = i64::from(pods / nodes.max(1) + 110);
    let capacity = Capacity { pods: room, ..Capacity::default() };
    let mut cluster = Cluster::new(Config { nodes, capacity, system_pods: false, ..Config::default() });
    cluster.settle(Duration::from_secs(60));
    let deployment = json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"},
        "spec": {"replicas": pods, "selector": {"matchLabels": {"app": "web"}},
            "template": {"metadata": {"labels": {"app": "web"}},
                "spec": {"containers": [{"name": "nginx", "image": "nginx:1.21.6"}]}}}
    });
    let (wall, cpu) = (Instant::now(), cpu_seconds());
    let request = Request::new(Method::Post, "/apis/apps/v1/namespaces/default/deployments").json(deployment);
    let response = cluster.handle(request);
    if !response.is_success() {
        return Err(format!("the deployment was refused: {:?}", response.body));
    }
    let began = cluster.now();
    let ready = |c: &Cluster| {
        let d = c.api.get::<Deployment>("default", "web");
        d.and_then(|d| d.status.as_ref()?.ready_replicas).unwrap_or(0)
    };
    let wanted = i32::try_from(pods).unwrap_or(i32::MAX);
    while ready(&cluster) < wanted {
        if cluster.now().since(began) > ROLLOUT_MAX {
            return Err(format!("only {} of {pods} pods became ready", ready(&cluster)));
        }
        cluster.run_until(cluster.now() + Duration::from_millis(500));
    }
    Ok(json!({
        "pods": pods,
        "nodes": nodes,
        "cpu_s": cpu_seconds() - cpu,
        "wall_s": wall.elapsed().as_secs_f64(),
        "peak_mb": peak_mb(),
        "virtual_s": cluster.now().since(began).as_secs_f64(),
    }))
}

/// User and system time of this process so far, from `/proc` (0 where there is none).
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let ticks: f64 = after_name.split_whitespace().skip(11).take(2).filter_map(|t| t.parse::<f64>().ok()).sum();
    ticks / 100.0
}

/// Largest resident memory so far, in MB (0 where `/proc` is missing).
fn peak_mb() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:")).unwrap_or_default();
    line.split_whitespace().next().and_then(|n| n.parse::<f64>().ok()).unwrap_or(0.0) / 1024.0
}
