//! `kubectl debug POD`: an ephemeral container in a running pod.
//!
//! Models: kubectl `cmd/debug` (ephemeral containers; copies of pods and node debugging are refused).

use crate::builder::split_slash;
use crate::client::STRATEGIC;
use crate::commands::run::AttachSoon;
use crate::error::{Error, plain};
use crate::flags::{Args, Command, Flag, Group, Kind, boolean, flag, short, string};
use crate::json::list;
use crate::pod_spec;
use crate::session::Kube;
use crate::task::{DONE, Next, task};
use serde_json::json;

pub static COMMAND: Command = Command {
    name: "debug",
    group: Group::Trouble,
    short: "Create debugging sessions for troubleshooting workloads and nodes",
    usage: "(POD | TYPE[[.VERSION].GROUP]/NAME) [ -- COMMAND [args...] ] [options]",
    long: "Debug a running pod by adding an ephemeral container to it.",
    examples: &[("A shell beside the pod's containers", "kubectl debug mypod -it --image=busybox")],
    flags: &[&[
        flag("attach", Kind::Bool, "false", "Wait for the container and attach to it."),
        short('c', "container", Kind::Str, "", "Name of the debug container."),
        string("copy-to", "Make a copy of the pod of this name."),
        flag("env", Kind::Array, "", "Environment variables."),
        string("image", "Image of the debug container."),
        flag("profile", Kind::Str, "general", "Profile of the debug container."),
        Flag { short: 'q', ..boolean("quiet", "Print no messages.") },
        Flag { short: 'i', ..boolean("stdin", "Keep standard input open.") },
        string("target", "Container whose processes to see."),
        Flag { short: 't', ..boolean("tty", "Give it a terminal.") },
    ]],
    run: Some(run),
    ..Command::EMPTY
};

fn run(k: &mut Kube<'_, '_>, args: &Args) -> Result<Next, Error> {
    if args.changed("copy-to") {
        return plain("--copy-to is not supported by this kubectl; debug the pod itself");
    }
    if args.str("image").is_empty() {
        return plain("you must specify --image when not using --copy-to.");
    }
    let Some(word) = args.before_dash().first() else {
        return Err(args.usage_error("NAME is required for debug"));
    };
    let (kind, pod_name) = if word.contains('/') { split_slash(word)? } else { ("pod", word.as_str()) };
    let mapping = k.mapping(kind)?;
    if mapping.kind != "Pod" {
        return plain(format!("\"{}\" not supported by debug", mapping.group_kind()));
    }
    let (place, _) = k.namespace()?;
    let path = mapping.object_path(&place, pod_name);
    let pod = k.get(&path)?;
    let taken: Vec<&str> = pod_spec::all_containers(&pod).iter().map(|(n, _)| *n).collect();
    let container = match args.str("container") {
        "" => {
            let n = list(&pod, "/spec/ephemeralContainers").len();
            let made = format!("debugger-{n:05}");
            if !args.bool("quiet") {
                k.line(&format!("Defaulting debug container name to {made}."));
            }
            made
        }
        given if taken.contains(&given) => return plain(format!("container name \"{given}\" is already in use")),
        given => given.to_owned(),
    };
    let mut c = json!({"name": container, "image": args.str("image"), "imagePullPolicy": "IfNotPresent", "terminationMessagePolicy": "File"});
    if !args.after_dash().is_empty() {
        c["command"] = args.after_dash().into();
    }
    if !args.str("target").is_empty() {
        c["targetContainerName"] = json!(args.str("target"));
        if !args.bool("quiet") {
            k.line(&format!("Targeting container \"{}\". If you don't see processes from this container it may be because the container runtime doesn't support this feature.", args.str("target")));
        }
    }
    let (stdin, tty) = (args.bool("stdin"), args.bool("tty"));
    for (flag, on) in [("stdin", stdin), ("tty", tty)] {
        if on {
            c[flag] = json!(true);
        }
    }
    k.patch(&format!("{path}/ephemeralcontainers"), STRATEGIC, &[], json!({"spec": {"ephemeralContainers": [c]}}))?;
    if !(stdin || args.bool("attach")) {
        return DONE;
    }
    task(AttachSoon {
        path,
        container,
        stdin,
        tty: tty && k.ctx.is_tty(0),
        quiet: args.bool("quiet"),
        once: false,
        cleanup: None,
        live: None,
    })
}
