//! `minikube start`.

use super::profile::{BASE_IMAGE, create, parse_version};
use super::{DEFAULT_KUBERNETES, VERSION, complaint, config, kubeconfig, line};
use crate::laptop;
use crate::outside;
use crate::play::{Act, Args, out, wait_ms};
use machine::process::Ctx;

const DRIVERS_ELSEWHERE: &[&str] =
    &["virtualbox", "kvm2", "qemu2", "qemu", "podman", "none", "ssh", "vmware", "hyperkit", "hyperv"];

pub fn start(ctx: &mut Ctx<'_>, args: &Args<'_>) -> Vec<Act> {
    let configured = config::read(ctx, "driver");
    let flag = args.get("driver").or(args.get("vm-driver")).map(str::to_owned);
    let from_config = flag.is_none() && configured.is_some();
    let driver = flag.or(configured);
    let wanted = args.get("kubernetes-version").map(str::to_owned).or_else(|| config::read(ctx, "kubernetes-version"));
    let nodes = args.get("nodes").and_then(|n| n.parse().ok()).unwrap_or(1u32).clamp(1, 20);
    let cred = ctx.cred();
    let docker_group = laptop::group_id(ctx.machine, "docker");
    let member = cred.uid == 0 || docker_group.is_some_and(|g| cred.gid == g || cred.groups.contains(&g));
    let installed = ctx.machine.fs.exists("/usr/bin/docker");
    let Some(outside) = outside::of(ctx.host) else { return Vec::new() };
    let name = super::profile_name(args, outside);
    let daemon = outside.system.is_active("docker");
    let existing = outside.minikube.get(&name).cloned();
    let cached = outside.minikube.cached.clone();
    let mut acts = vec![line(ctx, "😄", &format!("minikube {VERSION} on Arch"))];
    if cred.uid == 0 && !args.has("force") {
        acts.push(line(ctx, "✨", "Using the docker driver based on user configuration"));
        acts.push(complaint(ctx, "🛑", "The \"docker\" driver should not be used with root privileges. If you wish to continue as root, use --force."));
        acts.push(complaint(ctx, "💡", "If you are running minikube within a VM, consider using --driver=none:"));
        acts.push(Act::Exit(80));
        acts.insert(
            acts.len() - 1,
            complaint(
                ctx,
                "❌",
                "Exiting due to DRV_AS_ROOT: The \"docker\" driver should not be used with root privileges.",
            ),
        );
        return acts;
    }
    if let Some(other) = driver.as_deref().filter(|d| *d != "docker") {
        let known = DRIVERS_ELSEWHERE.contains(&other);
        acts.push(match known {
            true => complaint(ctx, "❌", &format!("Exiting due to PROVIDER_{}_NOT_FOUND: the \"{other}\" driver is not simulated; use --driver=docker", other.to_uppercase())),
            false => complaint(ctx, "❌", &format!("Exiting due to DRV_UNSUPPORTED_OS: The driver '{other}' is not supported on linux/amd64")),
        });
        acts.push(Act::Exit(56));
        return acts;
    }
    let version = match wanted.as_deref().map(parse_version) {
        None => existing.as_ref().map_or_else(|| DEFAULT_KUBERNETES.to_owned(), |p| p.version.clone()),
        Some(Some(version)) => version,
        Some(None) => {
            acts.push(complaint(
                ctx,
                "❌",
                &format!(
                    "Exiting due to MK_USAGE: Unable to parse \"{}\": No Major.Minor.Patch elements found",
                    wanted.unwrap_or_default()
                ),
            ));
            acts.push(Act::Exit(14));
            return acts;
        }
    };
    acts.push(match (&existing, from_config || driver.is_some()) {
        (Some(_), _) => line(ctx, "✨", "Using the docker driver based on existing profile"),
        (None, true) => line(ctx, "✨", "Using the docker driver based on user configuration"),
        (None, false) if installed && daemon && member => line(ctx, "✨", "Automatically selected the docker driver"),
        (None, false) => {
            acts.push(line(
                ctx,
                "👎",
                "Unable to pick a default driver. Here is what was considered, in preference order:",
            ));
            acts.push(out(format!("    ▪ docker: {}\n", trouble(installed, daemon))));
            acts.push(complaint(
                ctx,
                "❌",
                "Exiting due to DRV_NOT_DETECTED: No possible driver was detected. Try specifying --driver, or see \
                https://minikube.sigs.k8s.io/docs/start/",
            ));
            acts.push(Act::Exit(78));
            return acts;
        }
    });
    if !installed || !daemon || !member {
        acts.extend(unhealthy(ctx, installed, daemon));
        return acts;
    }
    let with = format!("{name}\n{version}\n{nodes}");
    match existing {
        Some(p) if p.running => {
            acts.push(line(
                ctx,
                "👍",
                &format!("Starting \"{name}\" primary control-plane node in \"{name}\" cluster"),
            ));
            acts.push(line(ctx, "🚜", "Pulling base image v0.0.48 ..."));
            acts.push(line(ctx, "🏃", &format!("Updating the running docker \"{name}\" container ...")));
            acts.push(wait_ms(2500));
        }
        Some(_) => {
            acts.push(line(
                ctx,
                "👍",
                &format!("Starting \"{name}\" primary control-plane node in \"{name}\" cluster"),
            ));
            acts.push(line(ctx, "🚜", "Pulling base image v0.0.48 ..."));
            acts.push(line(ctx, "🔄", &format!("Restarting existing docker container for \"{name}\" ...")));
            acts.push(wait_ms(6000));
            acts.push(Act::Then(resume, with.clone()));
        }
        None => {
            acts.push(line(ctx, "📌", "Using Docker driver with root privileges"));
            acts.push(line(
                ctx,
                "👍",
                &format!("Starting \"{name}\" primary control-plane node in \"{name}\" cluster"),
            ));
            acts.push(line(ctx, "🚜", "Pulling base image v0.0.48 ..."));
            if !cached.contains(&version) {
                acts.push(line(ctx, "💾", &format!("Downloading Kubernetes {version} preload ...")));
                acts.push(wait_ms(9000));
                acts.push(out(format!(
                    "    > preloaded-images-k8s-v18-{}...:  337.07 MiB / 337.07 MiB  100.00% 36.12 M\n",
                    &version[..2.min(version.len())]
                )));
            }
            if !cached.contains(&BASE_IMAGE.to_owned()) {
                acts.push(wait_ms(11_000));
                acts.push(out("    > gcr.io/k8s-minikube/kicbase...:  488.51 MiB / 488.52 MiB  100.00% 44.10 M\n"));
            }
            acts.push(line(ctx, "🔥", "Creating docker container (CPUs=2, Memory=3900MB) ..."));
            acts.push(wait_ms(4500));
            acts.push(Act::Then(boot, with.clone()));
        }
    }
    acts.push(line(ctx, "📦", &format!("Preparing Kubernetes {version} on containerd 2.1.5 ...")));
    acts.push(wait_ms(4000));
    acts.push(line(
        ctx,
        "🔗",
        if nodes > 1 {
            "Configuring CNI (Container Networking Interface) ..."
        } else {
            "Configuring bridge CNI (Container Networking Interface) ..."
        },
    ));
    acts.push(wait_ms(800));
    acts.push(line(ctx, "🔎", "Verifying Kubernetes components..."));
    acts.push(out("    ▪ Using image gcr.io/k8s-minikube/storage-provisioner:v5\n"));
    acts.push(wait_ms(3000));
    acts.push(line(ctx, "🌟", "Enabled addons: storage-provisioner, default-storageclass"));
    for n in 2..=nodes {
        acts.push(out("\n"));
        acts.push(line(ctx, "👍", &format!("Starting \"{name}-m{n:02}\" worker node in \"{name}\" cluster")));
        acts.push(line(ctx, "🚜", "Pulling base image v0.0.48 ..."));
        acts.push(line(ctx, "🔥", "Creating docker container (CPUs=2, Memory=3900MB) ..."));
        acts.push(wait_ms(5000));
        acts.push(line(ctx, "📦", &format!("Preparing Kubernetes {version} on containerd 2.1.5 ...")));
        acts.push(line(ctx, "🔎", "Verifying Kubernetes components..."));
    }
    acts.push(Act::Then(configure, name.clone()));
    acts.push(line(
        ctx,
        "🏄",
        &format!("Done! kubectl is now configured to use \"{name}\" cluster and \"default\" namespace by default"),
    ));
    acts
}

fn trouble(installed: bool, daemon: bool) -> &'static str {
    match (installed, daemon) {
        (false, _) => "Not installed: exec: \"docker\": executable file not found in $PATH",
        (true, false) => {
            "Not healthy: \"docker version --format {{.Server.Os}}-{{.Server.Version}}:{{.Server.Platform.Name}}\" exit status 1: \
            Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?"
        }
        (true, true) => {
            "Not healthy: \"docker version --format {{.Server.Os}}-{{.Server.Version}}:{{.Server.Platform.Name}}\" exit status 1: \
            permission denied while trying to connect to the Docker daemon socket at unix:///var/run/docker.sock"
        }
    }
}

fn unhealthy(ctx: &Ctx<'_>, installed: bool, daemon: bool) -> Vec<Act> {
    let blank = || Act::Err("\n".to_owned());
    match (installed, daemon) {
        (false, _) => vec![
            blank(),
            complaint(
                ctx,
                "🤷",
                "Exiting due to PROVIDER_DOCKER_NOT_FOUND: The 'docker' provider was not found: exec: \"docker\": executable file not found in $PATH",
            ),
            complaint(ctx, "💡", "Suggestion: Install Docker"),
            complaint(ctx, "📘", "Documentation: https://minikube.sigs.k8s.io/docs/drivers/docker/"),
            Act::Exit(69),
        ],
        (true, false) => vec![
            blank(),
            complaint(
                ctx,
                "💣",
                "Exiting due to PROVIDER_DOCKER_NOT_RUNNING: \"docker version --format <no value>-<no value>:<no value>\" exit status 1: \
                Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?",
            ),
            complaint(ctx, "💡", "Suggestion: Start the Docker service"),
            complaint(ctx, "📘", "Documentation: https://minikube.sigs.k8s.io/docs/drivers/docker/"),
            Act::Exit(69),
        ],
        (true, true) => vec![
            blank(),
            complaint(
                ctx,
                "💣",
                "Exiting due to PROVIDER_DOCKER_NEWGRP: \"docker version --format <no value>-<no value>:<no value>\" exit status 1: \
                permission denied while trying to connect to the Docker daemon socket at unix:///var/run/docker.sock: Get \
                \"http://%2Fvar%2Frun%2Fdocker.sock/v1.51/version\": dial unix /var/run/docker.sock: connect: permission denied",
            ),
            complaint(
                ctx,
                "💡",
                "Suggestion: Add your user to the 'docker' group: 'sudo usermod -aG docker $USER && newgrp docker'",
            ),
            complaint(ctx, "📘", "Documentation: https://docs.docker.com/engine/install/linux-postinstall/"),
            Act::Exit(69),
        ],
    }
}

/// `name\nversion\nnodes`: the containers are there, Kubernetes comes up in them.
fn boot(ctx: &mut Ctx<'_>, with: &str) -> Vec<Act> {
    let parts: Vec<&str> = with.split('\n').collect();
    let [name, version, nodes] = parts.as_slice() else { return Vec::new() };
    if let Some(outside) = outside::of(ctx.host) {
        let now = outside.now;
        for what in [BASE_IMAGE, version] {
            if !outside.minikube.cached.iter().any(|c| c == what) {
                outside.minikube.cached.push(what.to_owned());
            }
        }
        create(outside, name, version, "docker", nodes.parse().unwrap_or(1), now);
    }
    Vec::new()
}

fn resume(ctx: &mut Ctx<'_>, with: &str) -> Vec<Act> {
    let name = with.split('\n').next().unwrap_or_default();
    if let Some(outside) = outside::of(ctx.host) {
        let now = outside.now;
        if let Some(profile) = outside.minikube.get_mut(name) {
            profile.running = true;
        }
        outside.docker.restart_nodes(name, now);
        outside.advance(now);
    }
    Vec::new()
}

fn configure(ctx: &mut Ctx<'_>, name: &str) -> Vec<Act> {
    let profile = outside::of(ctx.host).and_then(|o| {
        o.minikube.active = name.to_owned();
        o.minikube.get(name).cloned()
    });
    if let Some(profile) = profile {
        kubeconfig::install(ctx.machine, &profile);
    }
    Vec::new()
}
