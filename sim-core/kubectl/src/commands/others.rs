//! Small commands: `proxy`, `certificate`, `kustomize`, `completion`, `plugin`, and `alpha`.
//!
//! Models: kubectl `cmd/{proxy,certificates,kustomize,completion,plugin}`.

use crate::error::{Error, plain};
use crate::flags::{Args, Command, Group, Kind, boolean, flag, short, string};
use crate::json::{list, set};
use crate::printers::PRINT_FLAGS;
use crate::session::Kube;
use crate::task::{DONE, Next, Task, Turn, task};
use machine::host::{ForwardTarget, ListenerId};
use machine::process::Wake;
use serde_json::json;

pub static PROXY: Command = Command {
    name: "proxy",
    group: Group::Trouble,
    short: "Run a proxy to the Kubernetes API server",
    usage: "[--port=PORT] [--www=static-dir] [--www-prefix=prefix] [--api-prefix=prefix] [options]",
    long: "Creates a proxy server between localhost and the Kubernetes API server: requests need no login.",
    examples: &[("Serve the API on port 8011", "kubectl proxy --port=8011")],
    flags: &[&[
        flag(
            "accept-hosts",
            Kind::Str,
            "^localhost$,^127\\.0\\.0\\.1$,^\\[::1\\]$",
            "Hosts that the proxy answers to.",
        ),
        flag("address", Kind::Str, "127.0.0.1", "Address to serve on."),
        flag("api-prefix", Kind::Str, "/", "Prefix to serve the API under."),
        short('p', "port", Kind::Int, "8001", "Port to serve on; 0 picks one."),
    ]],
    run: Some(proxy),
    ..Command::EMPTY
};

fn proxy(k: &mut Kube<'_, '_>, args: &Args) -> Result<Next, Error> {
    let to = k.connection()?;
    let server = format!("{}://{}:{}{}", to.scheme, to.host, to.port, to.prefix);
    let port = match args.int("port") {
        0 => 32_768,
        p => u16::try_from(p).unwrap_or(8001),
    };
    let machine = k.ctx.machine.id.clone();
    match k.ctx.host.listen(&machine, port, ForwardTarget::ApiServer { server }) {
        Ok(id) => {
            k.line(&format!("Starting to serve on {}:{port}", args.str("address")));
            task(Serve { id })
        }
        Err(_) => plain(format!("listen tcp {}:{port}: bind: address already in use", args.str("address"))),
    }
}

#[derive(Clone)]
struct Serve {
    id: ListenerId,
}

impl Task for Serve {
    fn step(&mut self, k: &mut Kube<'_, '_>) -> Result<Turn, Error> {
        if k.ctx.interrupted() {
            k.ctx.host.unlisten(self.id);
            return Ok(Turn::Done(130));
        }
        Ok(Turn::Wait(Wake::World { until: None }))
    }
}

pub static CERTIFICATE: Command = Command {
    name: "certificate",
    group: Group::Cluster,
    short: "Modify certificate resources",
    usage: "SUBCOMMAND [options]",
    subs: &[
        &Command {
            name: "approve",
            short: "Approve a certificate signing request",
            usage: "(-f FILENAME | NAME) [options]",
            flags: &[PRINT_FLAGS],
            run: Some(|k, args| decide(k, args, "Approved", "approved")),
            ..Command::EMPTY
        },
        &Command {
            name: "deny",
            short: "Deny a certificate signing request",
            usage: "(-f FILENAME | NAME) [options]",
            flags: &[PRINT_FLAGS],
            run: Some(|k, args| decide(k, args, "Denied", "denied")),
            ..Command::EMPTY
        },
    ],
    ..Command::EMPTY
};

fn decide(k: &mut Kube<'_, '_>, args: &Args, condition: &str, done: &str) -> Result<Next, Error> {
    if args.rest.is_empty() {
        return plain("one or more CSRs must be specified as <name> or -f <filename>");
    }
    for name in &args.rest {
        let path = format!("/apis/certificates.k8s.io/v1/certificatesigningrequests/{name}");
        let mut csr = k.get(&path)?;
        let mut conditions = list(&csr, "/status/conditions").to_vec();
        let now = k.now().rfc3339();
        conditions.push(json!({
            "type": condition, "status": "True", "reason": format!("Kubectl{}", if done == "denied" { "Deny" } else { "Approve" }),
            "message": format!("This CSR was {done} by kubectl certificate {}.", args.command.name), "lastUpdateTime": now,
        }));
        set(&mut csr, "/status/conditions", conditions.into());
        k.put(&format!("{path}/approval"), &[], csr)?;
        k.line(&format!("certificatesigningrequest.certificates.k8s.io/{name} {done}"));
    }
    DONE
}

pub static KUSTOMIZE: Command = Command {
    name: "kustomize",
    group: Group::Advanced,
    short: "Build a kustomization target from a directory or URL",
    usage: "DIR [flags] [options]",
    run: Some(|k, args| {
        let directory = args.rest.first().cloned().unwrap_or_else(|| ".".into());
        let all = crate::kustomize::build(k, &directory)?;
        let texts: Vec<String> = all.iter().map(apimachinery::yaml::to_string).collect();
        k.out(&texts.join("---\n"));
        DONE
    }),
    ..Command::EMPTY
};

pub static COMPLETION: Command = Command {
    name: "completion",
    group: Group::Settings,
    short: "Output shell completion code for the specified shell (bash, zsh, fish, or powershell)",
    usage: "SHELL [options]",
    run: Some(|k, args| match args.rest.as_slice() {
        [] => Err(args.usage_error("Shell not specified.")),
        [shell] if matches!(shell.as_str(), "bash" | "zsh" | "fish" | "powershell") => {
            k.line("# Completion of kubectl is built into this terminal: press Tab.");
            DONE
        }
        [shell] => Err(args.usage_error(format!("Unsupported shell type \"{shell}\"."))),
        _ => Err(args.usage_error("Too many arguments. Expected only the shell type.")),
    }),
    ..Command::EMPTY
};

pub static PLUGIN: Command = Command {
    name: "plugin",
    group: Group::Other,
    short: "Provides utilities for interacting with plugins",
    usage: "[flags] [options]",
    subs: &[&Command {
        name: "list",
        short: "List all visible plugin executables on a user's PATH",
        flags: &[&[boolean("name-only", "Names without their paths.")]],
        run: Some(|_, _| plain("unable to find any kubectl plugins in your PATH")),
        ..Command::EMPTY
    }],
    ..Command::EMPTY
};

pub static ALPHA: Command = Command {
    name: "alpha",
    short: "Commands for features in alpha",
    run: Some(|k, _| {
        k.line("These commands correspond to alpha features that are not enabled in Kubernetes clusters by default.");
        DONE
    }),
    ..Command::EMPTY
};

pub static EXPLAIN: Command = Command {
    name: "explain",
    group: Group::Intermediate,
    short: "Get documentation for a resource",
    usage: "TYPE [--recursive=FALSE|TRUE] [--api-version=api-version-group] [-o|--output=plaintext|plaintext-openapiv2] [options]",
    long: "Describe fields and structure of various resources: <type>.<fieldName>[.<fieldName>].",
    examples: &[("Fields of pods", "kubectl explain pods"), ("One field", "kubectl explain pods.spec.containers")],
    flags: &[&[
        string("api-version", "Use this API version, group/version."),
        flag("output", Kind::Str, "plaintext", "Format of the output."),
        boolean("recursive", "All fields below."),
    ]],
    run: Some(crate::commands::explain::run),
    ..Command::EMPTY
};
