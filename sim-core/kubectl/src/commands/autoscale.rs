//! `kubectl autoscale`.
//!
//! Models: kubectl `cmd/autoscale`.

use crate::builder::{FILE_FLAGS, Find};
use crate::error::{Error, plain};
use crate::flags::{Args, Command, Flag, Group, Kind, flag, string};
use crate::printers::{DRY_RUN_FLAG, DryRun, PRINT_FLAGS, Teller};
use crate::session::Kube;
use crate::task::{DONE, Next};
use serde_json::{Value, json};

const FLAGS: &[Flag] = &[
    string("cpu", "Target CPU: a percentage of the request ('70%') or an amount ('500m')."),
    flag("cpu-percent", Kind::Int, "-1", "Target CPU in percent of the request."),
    flag("field-manager", Kind::Str, "kubectl-autoscale", "Name under which field ownership is tracked."),
    flag("max", Kind::Int, "-1", "Most pods. Required."),
    string("memory", "Target memory: a percentage of the request or an amount."),
    flag("min", Kind::Int, "-1", "Fewest pods."),
    string("name", "Name of the object; that of the resource if not given."),
];

pub static COMMAND: Command = Command {
    name: "autoscale",
    group: Group::Deploy,
    short: "Auto-scale a deployment, replica set, stateful set, or replication controller",
    usage: "(-f FILENAME | TYPE NAME | TYPE/NAME) [--min=MINPODS] --max=MAXPODS [--cpu=CPU] [--memory=MEMORY] [options]",
    long: "Creates an autoscaler that chooses and sets the number of pods.",
    examples: &[("Between 2 and 10 pods", "kubectl autoscale deployment foo --min=2 --max=10 --cpu=80%")],
    flags: &[FLAGS, PRINT_FLAGS, DRY_RUN_FLAG, FILE_FLAGS],
    required: &["max"],
    run: Some(run),
    ..Command::EMPTY
};

fn run(k: &mut Kube<'_, '_>, args: &Args) -> Result<Next, Error> {
    let (min, max) = (args.int("min"), args.int("max"));
    if args.changed("cpu-percent") {
        k.err("Flag --cpu-percent has been deprecated, Use --cpu with percentage or resource quantity format (e.g., '70%' for utilization or '500m' for milliCPU).\n");
    }
    if max < 1 {
        return plain(format!("--max=MAXPODS is required and must be at least 1, max: {max}"));
    }
    if max < min {
        return plain(format!("--max=MAXPODS must be larger or equal to --min=MINPODS, max: {max}, min: {min}"));
    }
    if args.changed("cpu-percent") && args.changed("cpu") {
        return plain("--cpu-percent and --cpu are mutually exclusive");
    }
    let mut teller = Teller::of(k, args)?;
    for info in k.find(&Find::new(args))?.strict()? {
        let kind = info.mapping.kind.as_str();
        if !matches!(kind, "Deployment" | "ReplicaSet" | "StatefulSet" | "ReplicationController") {
            return plain(format!("cannot autoscale a {kind}: {} is not supported", info.mapping.group_kind()));
        }
        let mut metrics = Vec::new();
        if args.int("cpu-percent") >= 0 {
            metrics.push(metric("cpu", &format!("{}%", args.int("cpu-percent")))?);
        }
        for resource in ["cpu", "memory"] {
            if !args.str(resource).is_empty() {
                metrics.push(metric(resource, args.str(resource))?);
            }
        }
        let name = if args.str("name").is_empty() { info.name.as_str() } else { args.str("name") };
        let mut spec = json!({
            "maxReplicas": max,
            "scaleTargetRef": {"apiVersion": info.mapping.api_version(), "kind": kind, "name": info.name},
        });
        if !metrics.is_empty() {
            spec["metrics"] = metrics.into();
        }
        if min > 0 {
            spec["minReplicas"] = min.into();
        }
        let object = json!({
            "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": {"name": name}, "spec": spec,
            "status": {"currentMetrics": null, "desiredReplicas": 0},
        });
        let object = if teller.dry_run() == DryRun::Client {
            object
        } else {
            let path = format!("/apis/autoscaling/v2/namespaces/{}/horizontalpodautoscalers", info.namespace);
            let params = [teller.dry_run().param(), ("fieldManager", args.str("field-manager"))];
            k.post(&path, &params, object)?
        };
        teller.tell(k, &object, "autoscaled")?;
    }
    DONE
}

fn metric(resource: &str, target: &str) -> Result<Value, Error> {
    let target = match target.strip_suffix('%') {
        Some(percent) => match percent.parse::<i64>() {
            Ok(n) => json!({"type": "Utilization", "averageUtilization": n}),
            Err(_) => return plain(format!("invalid resource {resource} value: {target}")),
        },
        None => match apimachinery::quantity::Quantity::parse(target) {
            Ok(q) => json!({"type": "AverageValue", "averageValue": q.to_string()}),
            Err(_) => return plain(format!("invalid resource {resource} value: {target}")),
        },
    };
    Ok(json!({"type": "Resource", "resource": {"name": resource, "target": target}}))
}
