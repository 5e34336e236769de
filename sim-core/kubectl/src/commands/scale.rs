//! `kubectl scale`.
//!
//! Models: kubectl `cmd/scale` and `pkg/scale`.

use crate::builder::{FILE_FLAGS, Find, Info, SELECTOR_FLAG};
use crate::client::MERGE;
use crate::error::{Error, plain};
use crate::flags::{Args, Command, Flag, Group, Kind, boolean, flag, string};
use crate::json::{int, set, text};
use crate::printers::{DRY_RUN_FLAG, DryRun, PRINT_FLAGS, Teller};
use crate::session::Kube;
use crate::task::{DONE, Next};
use serde_json::json;

const FLAGS: &[Flag] = &[
    boolean("all", "All resources of the type, in the namespace."),
    flag("current-replicas", Kind::Int, "-1", "Scale only if this is the present number."),
    flag("replicas", Kind::Int, "0", "The new number of replicas. Required."),
    string("resource-version", "Scale only if the object is at this version."),
    flag("timeout", Kind::Duration, "0s", "How long to try; zero means once."),
];

pub static COMMAND: Command = Command {
    name: "scale",
    group: Group::Deploy,
    short: "Set a new size for a deployment, replica set, or replication controller",
    usage: "[--resource-version=version] [--current-replicas=count] --replicas=COUNT (-f FILENAME | TYPE NAME) [options]",
    long: "Set a new size for a deployment, replica set, replication controller, or stateful set.\n\n --current-replicas and --resource-version name conditions that must hold.",
    examples: &[
        ("Scale a replica set to 3", "kubectl scale --replicas=3 rs/foo"),
        ("Only if there are 2 now", "kubectl scale --current-replicas=2 --replicas=3 deployment/mysql"),
    ],
    flags: &[FLAGS, PRINT_FLAGS, DRY_RUN_FLAG, FILE_FLAGS, SELECTOR_FLAG],
    required: &["replicas"],
    run: Some(run),
    ..Command::EMPTY
};

fn run(k: &mut Kube<'_, '_>, args: &Args) -> Result<Next, Error> {
    if args.int("replicas") < 0 {
        return plain("The --replicas=COUNT flag is required, and COUNT must be greater than or equal to 0");
    }
    if args.int("current-replicas") < -1 {
        return plain("The --current-replicas must specify an integer of -1 or greater");
    }
    let mut teller = Teller::of(k, args)?;
    let infos = k.find(&Find::new(args))?.strict()?;
    if infos.is_empty() {
        return plain("no objects passed to scale");
    }
    if args.changed("resource-version") && infos.len() > 1 {
        return plain("cannot use --resource-version with multiple resources");
    }
    for info in infos {
        scale(k, args, info, &mut teller)?;
    }
    DONE
}

fn scale(k: &mut Kube<'_, '_>, args: &Args, mut info: Info, teller: &mut Teller) -> Result<(), Error> {
    let replicas = args.int("replicas");
    if teller.dry_run() == DryRun::Client {
        set(&mut info.object, "/spec/replicas", json!(replicas));
        return teller.tell_info(k, &info, "scaled");
    }
    let path = format!("{}/scale", info.path());
    let dry_run = teller.dry_run().param();
    if args.int("current-replicas") >= 0 || args.changed("resource-version") {
        let mut scale = k.get(&path)?;
        let (want, have) = (args.int("current-replicas"), int(&scale, "/spec/replicas"));
        if want >= 0 && want != have {
            return plain(format!("Expected replicas to be {want}, was {have}"));
        }
        let (want, have) = (args.str("resource-version"), text(&scale, "/metadata/resourceVersion"));
        if !want.is_empty() && want != have {
            return plain(format!("Expected resource version to be {want}, was {have}"));
        }
        set(&mut scale, "/spec/replicas", json!(replicas));
        k.put(&path, &[dry_run], scale)?;
    } else {
        k.patch(&path, MERGE, &[dry_run], json!({"spec": {"replicas": replicas}}))?;
    }
    if teller.is_structured() && teller.dry_run() == DryRun::None {
        info.object = k.get(&info.path())?;
    }
    teller.tell_info(k, &info, "scaled")
}
