//! `minikube`: makes clusters, points kubectl at them, shows how they are.
//!
//! One profile is one cluster. Models: minikube 1.38 with the docker driver and containerd.

mod addons;
mod config;
mod kubeconfig;
mod nodes;
mod profile;
mod service;
mod start;

pub use profile::{Minikube, Profile};

use crate::outside::{self, Outside};
use crate::play::{Act, Args, Command, Flag, fail, out, parse};
use machine::machine::Machine;
use machine::process::Ctx;

pub const VERSION: &str = "v1.38.0";
pub const COMMIT: &str = "de81223c61ab1bd97dcfcfa6d9d5c59e5da4a0ae";
/// What `minikube start` installs when it is not told.
pub const DEFAULT_KUBERNETES: &str = "v1.36.2";
/// The API server's port on a control-plane node.
pub const API_PORT: u16 = 8443;

pub const MINIKUBE: Command = Command { name: "minikube", summary: "a local Kubernetes cluster", run, complete };

struct Sub {
    name: &'static str,
    summary: &'static str,
    run: fn(&mut Ctx<'_>, &Args<'_>) -> Vec<Act>,
}

const fn sub(name: &'static str, summary: &'static str, run: fn(&mut Ctx<'_>, &Args<'_>) -> Vec<Act>) -> Sub {
    Sub { name, summary, run }
}

const COMMANDS: &[Sub] = &[
    sub("start", "Starts a local Kubernetes cluster", start::start),
    sub("status", "Gets the status of a local Kubernetes cluster", profile::status),
    sub("stop", "Stops a running local Kubernetes cluster", profile::stop),
    sub("delete", "Deletes a local Kubernetes cluster", profile::delete),
    sub("dashboard", "Access the Kubernetes dashboard running within the minikube cluster", service::dashboard),
    sub("addons", "Enable or disable a minikube addon", addons::addons),
    sub("config", "Modify persistent configuration values", config::config),
    sub("profile", "Get or list the current profiles (clusters)", profile::profile),
    sub("update-context", "Update kubeconfig in case of an IP or port change", profile::update_context),
    sub("service", "Returns a URL to connect to a service", service::service),
    sub("tunnel", "Connect to LoadBalancer services", service::tunnel),
    sub("ssh", "Log into the minikube environment (for debugging)", nodes::ssh),
    sub("ip", "Retrieves the IP address of the specified node", nodes::ip),
    sub("node", "Add, remove, or list additional nodes", nodes::node),
    sub("image", "Manage images", nodes::image),
    sub("logs", "Returns logs to debug a local Kubernetes cluster", nodes::logs),
    sub("version", "Print the version of minikube", version),
    sub("kubectl", "Run a kubectl binary matching the cluster version", kubectl),
];

const NOT_YET: &[&str] = &[
    "mount",
    "cp",
    "pause",
    "unpause",
    "docker-env",
    "podman-env",
    "cache",
    "ssh-key",
    "ssh-host",
    "license",
    "completion",
    "update-check",
];

const FLAGS: &[Flag] = &[
    ("profile", 'p', true),
    ("driver", '\0', true),
    ("vm-driver", '\0', true),
    ("kubernetes-version", '\0', true),
    ("nodes", 'n', true),
    ("cpus", '\0', true),
    ("memory", '\0', true),
    ("container-runtime", '\0', true),
    ("cni", '\0', true),
    ("addons", '\0', true),
    ("output", 'o', true),
    ("format", 'f', true),
    ("url", '\0', false),
    ("all", '\0', false),
    ("purge", '\0', false),
    ("namespace", '\0', true),
    ("node", '\0', true),
    ("force", '\0', false),
    ("wait", '\0', true),
    ("short", '\0', false),
    ("worker", '\0', false),
    ("control-plane", '\0', false),
    ("ha", '\0', false),
    ("help", 'h', false),
    ("alsologtostderr", '\0', false),
    ("v", 'v', true),
    ("disk-size", '\0', true),
    ("extra-config", '\0', true),
    ("feature-gates", '\0', true),
    ("apiserver-port", '\0', true),
    ("insecure-registry", '\0', true),
    ("cache-images", '\0', true),
    ("keep-context", '\0', false),
    ("https", '\0', false),
];

fn run(ctx: &mut Ctx<'_>, args: &[String]) -> Vec<Act> {
    let Some(first) = args.first() else { return vec![out(help())] };
    // kubectl's own flags are not minikube's to read.
    if first == "kubectl" {
        let rest = args[1..].iter().skip_while(|a| *a == "--").cloned().collect();
        return kubectl(ctx, &Args { flags: Vec::new(), words: rest });
    }
    let at = args.iter().position(|a| !a.starts_with('-')).unwrap_or(0);
    if matches!(first.as_str(), "--help" | "-h" | "help") {
        return vec![out(help())];
    }
    let name = &args[at];
    let Some(command) = COMMANDS.iter().find(|c| c.name == name) else {
        if NOT_YET.contains(&name.as_str()) {
            return fail(format!("minikube {name}: not simulated yet\n"), 1);
        }
        return fail(
            format!("Error: unknown command \"{name}\" for \"minikube\"\nRun 'minikube --help' for usage.\n"),
            1,
        );
    };
    let rest: Vec<String> = args.iter().enumerate().filter(|(i, _)| *i != at).map(|(_, a)| a.clone()).collect();
    let stop_at_word = name == "ssh";
    match parse(FLAGS, &rest, stop_at_word) {
        Ok(args) if args.has("help") => {
            vec![out(format!("{}\n\nUsage:\n  minikube {} [flags] [options]\n", command.summary, command.name))]
        }
        Ok(args) => (command.run)(ctx, &args),
        Err(flag) if flag.starts_with("--") => {
            fail(format!("Error: unknown flag: {flag}\nSee 'minikube {name} --help' for usage.\n"), 1)
        }
        Err(flag) if flag.starts_with('\'') => {
            fail(format!("Error: unknown shorthand flag: {flag}\nSee 'minikube {name} --help' for usage.\n"), 1)
        }
        Err(words) => fail(format!("Error: {words}\nSee 'minikube {name} --help' for usage.\n"), 1),
    }
}

fn help() -> String {
    let mut text =
        "minikube provisions and manages local Kubernetes clusters optimized for development workflows.\n\nCommands:\n"
            .to_owned();
    for c in COMMANDS {
        text.push_str(&format!("  {:<16} {}\n", c.name, c.summary));
    }
    text.push_str("\nUsage:\n  minikube [flags] [options]\n\nUse \"minikube <command> --help\" for more information about a given command.\n");
    text
}

fn complete(words: &[String], _: &mut Ctx<'_>) -> Vec<String> {
    match words {
        [_] => COMMANDS.iter().map(|c| c.name.to_owned()).collect(),
        _ => Vec::new(),
    }
}

/// A line with its sign: an emoji on a terminal, an asterisk elsewhere.
fn line(ctx: &Ctx<'_>, sign: &str, text: &str) -> Act {
    out(format!("{}{text}\n", prefix(ctx, sign, "* ")))
}

/// A complaint on standard error.
fn complaint(ctx: &Ctx<'_>, sign: &str, text: &str) -> Act {
    let plain = if sign == "❗" { "! " } else { "X " };
    Act::Err(format!("{}{text}\n", prefix(ctx, sign, plain)))
}

fn prefix(ctx: &Ctx<'_>, sign: &str, plain: &str) -> String {
    if ctx.is_tty(1) { format!("{sign}  ") } else { plain.to_owned() }
}

/// The profile a command is about.
fn profile_name(args: &Args<'_>, outside: &Outside) -> String {
    args.get("profile").map_or_else(|| outside.minikube.active.clone(), str::to_owned)
}

/// What commands say when there is no such cluster.
fn not_found(ctx: &Ctx<'_>, name: &str) -> Vec<Act> {
    let hint = if name == "minikube" { "minikube start".to_owned() } else { format!("minikube start -p {name}") };
    vec![
        line(ctx, "🤷", &format!("Profile \"{name}\" not found. Run \"minikube profile list\" to view all profiles.")),
        line(ctx, "👉", &format!("To start a cluster, run: \"{hint}\"")),
        Act::Exit(85),
    ]
}

fn not_running(ctx: &Ctx<'_>, name: &str) -> Vec<Act> {
    let hint = if name == "minikube" { "minikube start".to_owned() } else { format!("minikube start -p {name}") };
    vec![
        line(ctx, "🤷", &format!("The control-plane node {name} host is not running: state=Stopped")),
        line(ctx, "👉", &format!("To start a cluster, run: \"{hint}\"")),
        Act::Exit(83),
    ]
}

fn version(_: &mut Ctx<'_>, args: &Args<'_>) -> Vec<Act> {
    if args.has("short") {
        return vec![out(format!("{VERSION}\n"))];
    }
    vec![out(format!("minikube version: {VERSION}\ncommit: {COMMIT}\n"))]
}

/// `minikube kubectl -- get pods`: the laptop's kubectl program under another name.
fn kubectl(ctx: &mut Ctx<'_>, args: &Args<'_>) -> Vec<Act> {
    let context = outside::of(ctx.host).map(|o| o.minikube.active.clone()).unwrap_or_default();
    let mut argv = args.words.clone();
    if context != "minikube" && !argv.iter().any(|a| a.starts_with("--context")) {
        argv.splice(0..0, ["--context".to_owned(), context]);
    }
    use machine::process::Program;
    vec![Act::Become(::kubectl::Kubectl.start(argv))]
}

/// The ready laptop: a cluster that was started a little while ago.
pub fn preset(outside: &mut Outside, laptop: &mut Machine, version: &str, nodes: u32) {
    profile::preset(outside, laptop, version, nodes);
}
