//! The `docker` command and the daemon behind it.
//!
//! One file a group of subcommands; [`COMMANDS`] drives dispatch, help and completion. Everything shown comes from the daemon's state
//! ([`engine`]) or from the registries.
//! Models: docker 28.5.2 with buildx, overlay2 storage.

mod build;
mod containers;
mod dockerfile;
pub mod engine;
mod images;
mod info;
mod login;
mod objects;
mod run;

use crate::outside::{self, Outside};
use crate::play::{Act, Command, fail};
use machine::process::Ctx;

pub const VERSION: &str = "28.5.2";

pub const DOCKER: Command =
    Command { name: "docker", summary: "build, run and share containers", run: start, complete };

type Run = fn(&mut Ctx<'_>, &[String]) -> Vec<Act>;

struct Sub {
    /// `run`, or `image ls` for commands of a group.
    name: &'static str,
    /// Usage after `docker `.
    usage: &'static str,
    summary: &'static str,
    run: Run,
}

const fn sub(name: &'static str, usage: &'static str, summary: &'static str, run: Run) -> Sub {
    Sub { name, usage, summary, run }
}

const COMMANDS: &[Sub] = &[
    sub("run", "run [OPTIONS] IMAGE [COMMAND] [ARG...]", "Create and run a new container from an image", run::run),
    sub("exec", "exec [OPTIONS] CONTAINER COMMAND [ARG...]", "Execute a command in a running container", run::exec),
    sub("ps", "ps [OPTIONS]", "List containers", containers::ps),
    sub("build", "buildx build [OPTIONS] PATH | URL | -", "Build an image from a Dockerfile", build::build),
    sub("pull", "pull [OPTIONS] NAME[:TAG|@DIGEST]", "Download an image from a registry", images::pull),
    sub("push", "push [OPTIONS] NAME[:TAG]", "Upload an image to a registry", images::push),
    sub("images", "images [OPTIONS] [REPOSITORY[:TAG]]", "List images", images::list),
    sub("login", "login [OPTIONS] [SERVER]", "Authenticate to a registry", login::login),
    sub("logout", "logout [SERVER]", "Log out from a registry", login::logout),
    sub("search", "search [OPTIONS] TERM", "Search Docker Hub for images", info::unsupported),
    sub("version", "version [OPTIONS]", "Show the Docker version information", info::version),
    sub("info", "info [OPTIONS]", "Display system-wide information", info::info),
    sub(
        "attach",
        "attach [OPTIONS] CONTAINER",
        "Attach local standard input, output, and error streams to a running container",
        run::attach,
    ),
    sub("create", "create [OPTIONS] IMAGE [COMMAND] [ARG...]", "Create a new container", run::create),
    sub("history", "history [OPTIONS] IMAGE", "Show the history of an image", images::history),
    sub(
        "inspect",
        "inspect [OPTIONS] NAME|ID [NAME|ID...]",
        "Return low-level information on Docker objects",
        objects::inspect,
    ),
    sub("kill", "kill [OPTIONS] CONTAINER [CONTAINER...]", "Kill one or more running containers", containers::kill),
    sub("logs", "logs [OPTIONS] CONTAINER", "Fetch the logs of a container", containers::logs),
    sub(
        "port",
        "port CONTAINER [PRIVATE_PORT[/PROTO]]",
        "List port mappings or a specific mapping for the container",
        containers::port,
    ),
    sub("rename", "rename CONTAINER NEW_NAME", "Rename a container", containers::rename),
    sub("restart", "restart [OPTIONS] CONTAINER [CONTAINER...]", "Restart one or more containers", containers::restart),
    sub("rm", "rm [OPTIONS] CONTAINER [CONTAINER...]", "Remove one or more containers", containers::rm),
    sub("rmi", "rmi [OPTIONS] IMAGE [IMAGE...]", "Remove one or more images", images::rmi),
    sub("start", "start [OPTIONS] CONTAINER [CONTAINER...]", "Start one or more stopped containers", containers::start),
    sub("stop", "stop [OPTIONS] CONTAINER [CONTAINER...]", "Stop one or more running containers", containers::stop),
    sub(
        "tag",
        "tag SOURCE_IMAGE[:TAG] TARGET_IMAGE[:TAG]",
        "Create a tag TARGET_IMAGE that refers to SOURCE_IMAGE",
        images::tag,
    ),
    sub(
        "wait",
        "wait CONTAINER [CONTAINER...]",
        "Block until one or more containers stop, then print their exit codes",
        containers::wait,
    ),
    sub("image ls", "image ls [OPTIONS] [REPOSITORY[:TAG]]", "List images", images::list),
    sub("image rm", "image rm [OPTIONS] IMAGE [IMAGE...]", "Remove one or more images", images::rmi),
    sub("image pull", "image pull [OPTIONS] NAME[:TAG|@DIGEST]", "Download an image from a registry", images::pull),
    sub("image push", "image push [OPTIONS] NAME[:TAG]", "Upload an image to a registry", images::push),
    sub("image tag", "image tag SOURCE_IMAGE[:TAG] TARGET_IMAGE[:TAG]", "Create a tag", images::tag),
    sub("image build", "buildx build [OPTIONS] PATH | URL | -", "Build an image from a Dockerfile", build::build),
    sub(
        "image inspect",
        "image inspect [OPTIONS] IMAGE [IMAGE...]",
        "Display detailed information on one or more images",
        objects::inspect,
    ),
    sub("image history", "image history [OPTIONS] IMAGE", "Show the history of an image", images::history),
    sub("image prune", "image prune [OPTIONS]", "Remove unused images", images::prune),
    sub("buildx build", "buildx build [OPTIONS] PATH | URL | -", "Start a build", build::build),
    sub("container ls", "container ls [OPTIONS]", "List containers", containers::ps),
    sub(
        "container run",
        "container run [OPTIONS] IMAGE [COMMAND] [ARG...]",
        "Create and run a new container",
        run::run,
    ),
    sub("container exec", "container exec [OPTIONS] CONTAINER COMMAND [ARG...]", "Execute a command", run::exec),
    sub(
        "container rm",
        "container rm [OPTIONS] CONTAINER [CONTAINER...]",
        "Remove one or more containers",
        containers::rm,
    ),
    sub(
        "container stop",
        "container stop [OPTIONS] CONTAINER [CONTAINER...]",
        "Stop one or more containers",
        containers::stop,
    ),
    sub(
        "container start",
        "container start [OPTIONS] CONTAINER [CONTAINER...]",
        "Start one or more containers",
        containers::start,
    ),
    sub("container logs", "container logs [OPTIONS] CONTAINER", "Fetch the logs of a container", containers::logs),
    sub(
        "container inspect",
        "container inspect [OPTIONS] CONTAINER [CONTAINER...]",
        "Display detailed information",
        objects::inspect,
    ),
    sub("container prune", "container prune [OPTIONS]", "Remove all stopped containers", containers::prune),
    sub("network ls", "network ls [OPTIONS]", "List networks", objects::network_ls),
    sub("network create", "network create [OPTIONS] NETWORK", "Create a network", objects::network_create),
    sub("network rm", "network rm NETWORK [NETWORK...]", "Remove one or more networks", objects::network_rm),
    sub(
        "network inspect",
        "network inspect [OPTIONS] NETWORK [NETWORK...]",
        "Display detailed information",
        objects::inspect,
    ),
    sub("volume ls", "volume ls [OPTIONS]", "List volumes", objects::volume_ls),
    sub("volume create", "volume create [OPTIONS] [VOLUME]", "Create a volume", objects::volume_create),
    sub("volume rm", "volume rm [OPTIONS] VOLUME [VOLUME...]", "Remove one or more volumes", objects::volume_rm),
    sub(
        "volume inspect",
        "volume inspect [OPTIONS] VOLUME [VOLUME...]",
        "Display detailed information",
        objects::inspect,
    ),
    sub("system info", "system info [OPTIONS]", "Display system-wide information", info::info),
    sub("context ls", "context ls [OPTIONS]", "List contexts", info::context_ls),
];

/// Real subcommands that are not simulated.
const NOT_YET: &[&str] = &[
    "commit",
    "compose",
    "cp",
    "diff",
    "events",
    "export",
    "import",
    "load",
    "manifest",
    "pause",
    "plugin",
    "save",
    "secret",
    "service",
    "stack",
    "stats",
    "swarm",
    "top",
    "trust",
    "unpause",
    "update",
    "checkpoint",
    "config",
    "node",
    "scout",
    "buildx",
    "builder",
    "system",
];

fn start(ctx: &mut Ctx<'_>, args: &[String]) -> Vec<Act> {
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    match words.as_slice() {
        [] | ["--help" | "-h" | "help", ..] => return vec![Act::Out(help())],
        ["--version" | "-v", ..] => return vec![Act::Out(format!("Docker version {VERSION}, build ecc6942\n"))],
        _ => {}
    }
    let pair = words.get(1).map(|second| format!("{} {second}", words[0]));
    let two = pair.and_then(|pair| COMMANDS.iter().find(|c| c.name == pair)).map(|c| (c, 2));
    let found = two.or_else(|| COMMANDS.iter().find(|c| c.name == words[0]).map(|c| (c, 1)));
    match found {
        Some((command, used)) => {
            let rest = &args[used..];
            // Words after the first plain one may belong to a command in a container.
            let asks = rest.iter().take_while(|a| a.starts_with('-')).any(|a| a == "--help");
            if asks {
                let text = format!("Usage:  docker {}\n\n{}\n", command.usage, command.summary);
                return vec![Act::Out(text)];
            }
            (command.run)(ctx, rest)
        }
        None if NOT_YET.contains(&words[0]) => fail(format!("docker: '{}' is not simulated\n", words.join(" ")), 1),
        None if words[0].starts_with('-') => {
            let text = format!(
                "unknown flag: {}\n\nUsage:  docker [OPTIONS] COMMAND\n\nRun 'docker --help' for more information\n",
                words[0]
            );
            fail(text, 125)
        }
        None if COMMANDS.iter().any(|c| c.name.split(' ').next() == Some(words[0])) => {
            vec![Act::Out(group_help(words[0]))]
        }
        None => fail(
            format!("docker: unknown command: docker {}\n\nRun 'docker --help' for more information\n", words[0]),
            1,
        ),
    }
}

fn help() -> String {
    let mut out =
        "Usage:  docker [OPTIONS] COMMAND\n\nA self-sufficient runtime for containers\n\nCommands:\n".to_owned();
    for c in COMMANDS.iter().filter(|c| !c.name.contains(' ')) {
        out.push_str(&format!("  {:<11} {}\n", c.name, c.summary));
    }
    out.push_str("\nRun 'docker COMMAND --help' for more information on a command.\n");
    out
}

fn group_help(group: &str) -> String {
    let mut out = format!("Usage:  docker {group} COMMAND\n\nManage {group}s\n\nCommands:\n");
    for c in COMMANDS.iter() {
        if let Some(rest) = c.name.strip_prefix(group).and_then(|r| r.strip_prefix(' ')) {
            out.push_str(&format!("  {rest:<11} {}\n", c.summary));
        }
    }
    out
}

fn complete(words: &[String], ctx: &mut Ctx<'_>) -> Vec<String> {
    match words {
        [_] => COMMANDS.iter().filter(|c| !c.name.contains(' ')).map(|c| c.name.to_owned()).collect(),
        [first, .., _] => {
            let Some(outside) = outside::of(ctx.host) else { return Vec::new() };
            let containers = outside.docker.containers.iter().map(|c| c.spec.name.clone());
            match first.as_str() {
                "exec" | "logs" | "stop" | "start" | "restart" | "rm" | "kill" | "inspect" | "attach" | "port" => {
                    containers.collect()
                }
                "run" | "rmi" | "push" | "tag" | "history" | "pull" => {
                    outside.docker.images.iter().filter_map(|(n, _)| n.map(images::familiar)).collect()
                }
                _ => Vec::new(),
            }
        }
        [] => Vec::new(),
    }
}

pub use images::find as find_image;
pub use login::encode;
pub use run::shell_on;

/// The daemon, if this process may and can reach it; otherwise what the command prints.
fn daemon<'a>(ctx: &'a mut Ctx<'_>) -> Result<&'a mut Outside, Vec<Act>> {
    let cred = ctx.cred();
    let docker_group = crate::laptop::group_id(ctx.machine, "docker");
    let member = cred.uid == 0 || docker_group.is_some_and(|g| cred.gid == g || cred.groups.contains(&g));
    let Some(outside) = outside::of(ctx.host) else {
        return Err(fail(
            "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?\n",
            1,
        ));
    };
    if !outside.system.is_active("docker") {
        return Err(fail(
            "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?\n",
            1,
        ));
    }
    if !member {
        return Err(fail(
            "permission denied while trying to connect to the Docker daemon socket at unix:///var/run/docker.sock: Get \
             \"http://%2Fvar%2Frun%2Fdocker.sock/v1.51/info\": dial unix /var/run/docker.sock: connect: permission denied\n",
            1,
        ));
    }
    Ok(outside)
}

/// `docker: 'docker rm' requires at least 1 argument`
fn usage(name: &str, what: &str) -> Vec<Act> {
    let usage = COMMANDS.iter().find(|c| c.name == name).map_or("", |c| c.usage);
    fail(
        format!(
            "docker: 'docker {name}' requires {what}\n\nUsage:  docker {usage}\n\nRun 'docker {name} --help' for more information\n"
        ),
        1,
    )
}

/// An unknown flag of a subcommand.
fn bad_flag(name: &str, what: &str) -> Vec<Act> {
    let usage = COMMANDS.iter().find(|c| c.name == name).map_or("", |c| c.usage);
    let what = if what.starts_with("flag needs") {
        what.to_owned()
    } else if what.starts_with("--") {
        format!("unknown flag: {what}")
    } else {
        format!("unknown shorthand flag: {what}")
    };
    fail(format!("{what}\n\nUsage:  docker {usage}\n\nRun 'docker {name} --help' for more information\n"), 125)
}

/// `Error response from daemon: …`
fn refused(words: impl std::fmt::Display) -> Vec<Act> {
    fail(format!("Error response from daemon: {words}\n"), 1)
}
