//! `create quota`, `create poddisruptionbudget`, `create priorityclass`.

use super::{CREATE_FLAGS, one_name, submit};
use crate::commands::apply::VALIDATE_FLAG;
use crate::error::{Error, plain};
use crate::flags::{Args, Command, Kind, boolean, flag, string};
use crate::printers::{DRY_RUN_FLAG, PRINT_FLAGS};
use crate::session::Kube;
use crate::task::Next;
use apimachinery::quantity::Quantity;
use serde_json::{Map, Value, json};

pub static QUOTA: Command = Command {
    name: "quota",
    aliases: &["resourcequota"],
    short: "Create a quota with the specified name",
    usage: "NAME [--hard=key1=value1,key2=value2] [--scopes=Scope1,Scope2] [--dry-run=server|client|none] [options]",
    examples: &[("A quota", "kubectl create quota my-quota --hard=cpu=1,memory=1G,pods=2,services=3")],
    flags: &[
        &[string("hard", "Comma separated limits: resource=quantity."), string("scopes", "Comma separated scopes.")],
        CREATE_FLAGS,
        VALIDATE_FLAG,
        PRINT_FLAGS,
        DRY_RUN_FLAG,
    ],
    run: Some(quota),
    ..Command::EMPTY
};

fn quota(k: &mut Kube<'_, '_>, args: &Args) -> Result<Next, Error> {
    let name = one_name(args)?;
    let mut spec = json!({});
    if !args.str("hard").is_empty() {
        spec["hard"] = amounts(args.str("hard"))?;
    }
    if !args.str("scopes").is_empty() {
        spec["scopes"] = args.str("scopes").split(',').collect::<Vec<_>>().into();
    }
    let object =
        json!({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": name}, "spec": spec, "status": {}});
    submit(k, args, object, "failed to create quota")
}

/// `cpu=1,memory=1Gi` as a resource list.
pub fn amounts(text: &str) -> Result<Value, Error> {
    let mut out = Map::new();
    for pair in text.split(',').filter(|p| !p.is_empty()) {
        let Some((key, value)) = pair.split_once('=') else {
            return plain(format!("Invalid argument syntax {pair}, expected <resource>=<value>"));
        };
        let quantity = Quantity::parse(value).map_err(|e| Error::Plain(e.to_string()))?;
        out.insert(key.into(), quantity.to_string().into());
    }
    Ok(out.into())
}

pub static BUDGET: Command = Command {
    name: "poddisruptionbudget",
    aliases: &["pdb"],
    short: "Create a pod disruption budget with the specified name",
    usage: "NAME --selector=SELECTOR --min-available=N [--dry-run=server|client|none] [options]",
    examples: &[("At least one pod", "kubectl create pdb my-pdb --selector=app=rails --min-available=1")],
    flags: &[
        &[
            string("max-unavailable", "Most pods that may be missing, a number or a percentage."),
            string("min-available", "Fewest pods that must stay, a number or a percentage."),
            string("selector", "Labels of the pods."),
        ],
        CREATE_FLAGS,
        VALIDATE_FLAG,
        PRINT_FLAGS,
        DRY_RUN_FLAG,
    ],
    run: Some(budget),
    ..Command::EMPTY
};

fn budget(k: &mut Kube<'_, '_>, args: &Args) -> Result<Next, Error> {
    let name = one_name(args)?;
    let (least, most) = (args.str("min-available"), args.str("max-unavailable"));
    if args.str("selector").is_empty() {
        return plain("a selector must be specified");
    }
    if least.is_empty() && most.is_empty() {
        return plain("one of min-available or max-unavailable must be specified");
    }
    if !least.is_empty() && !most.is_empty() {
        return plain("min-available and max-unavailable cannot be both specified");
    }
    let mut labels = Map::new();
    for pair in args.str("selector").split(',') {
        let Some((key, value)) = pair.split_once("==").or_else(|| pair.split_once('=')) else {
            return plain(format!("couldn't parse the selector string \"{}\"", args.str("selector")));
        };
        labels.insert(key.trim().into(), value.trim().into());
    }
    let (key, amount) = if least.is_empty() { ("maxUnavailable", most) } else { ("minAvailable", least) };
    let amount = amount.parse::<i64>().map_or_else(|_| json!(amount), |n| json!(n));
    let mut spec = json!({"selector": {"matchLabels": labels}});
    spec[key] = amount;
    let status = json!({"currentHealthy": 0, "desiredHealthy": 0, "disruptionsAllowed": 0, "expectedPods": 0});
    let object = json!({
        "apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": name}, "spec": spec, "status": status,
    });
    submit(k, args, object, "failed to create poddisruptionbudgets")
}

pub static PRIORITY_CLASS: Command = Command {
    name: "priorityclass",
    aliases: &["pc"],
    short: "Create a priority class with the specified name",
    usage: "NAME --value=VALUE --global-default=BOOL [--dry-run=server|client|none] [options]",
    examples: &[(
        "A priority class",
        "kubectl create priorityclass high-priority --value=1000 --description=\"high priority\"",
    )],
    flags: &[
        &[
            string("description", "When to use this class."),
            boolean("global-default", "The class of pods that name none."),
            flag("preemption-policy", Kind::Str, "PreemptLowerPriority", "Whether its pods push out others."),
            flag("value", Kind::Int, "0", "The priority."),
        ],
        CREATE_FLAGS,
        VALIDATE_FLAG,
        PRINT_FLAGS,
        DRY_RUN_FLAG,
    ],
    required: &["value"],
    run: Some(|k, args| {
        let mut object = json!({
            "apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": {"name": one_name(args)?},
            "value": args.int("value"), "preemptionPolicy": args.str("preemption-policy"),
        });
        if args.bool("global-default") {
            object["globalDefault"] = json!(true);
        }
        if !args.str("description").is_empty() {
            object["description"] = json!(args.str("description"));
        }
        submit(k, args, object, "failed to create priorityclass")
    }),
    ..Command::EMPTY
};
