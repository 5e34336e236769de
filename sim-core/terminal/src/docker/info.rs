//! `docker version`, `info`, `context ls`, and what is not simulated.

use super::{VERSION, daemon};
use crate::play::{Act, fail, out};
use machine::process::Ctx;

const CLIENT: &str = "Client:\n Version:           28.5.2\n API version:       1.51\n Go version:        go1.25.3 X:nodwarf5\n \
    Git commit:        ecc694264d\n Built:             Thu Nov  6 08:33:21 2025\n OS/Arch:           linux/amd64\n \
    Context:           default\n";
const SERVER: &str = "\nServer:\n Engine:\n  Version:          28.5.2\n  API version:      1.51 (minimum version 1.24)\n  \
    Go version:       go1.25.3 X:nodwarf5\n  Git commit:       89c5e8fd66\n  Built:            Thu Nov  6 08:33:21 2025\n  \
    OS/Arch:          linux/amd64\n  Experimental:     false\n containerd:\n  Version:          v2.1.5\n  \
    GitCommit:        fcd43222d6b07379a4be9786bda52438f0dd16a1.m\n runc:\n  Version:          1.3.3\n  GitCommit:        \n \
    docker-init:\n  Version:          0.19.0\n  GitCommit:        de40ad0\n";

pub fn version(ctx: &mut Ctx<'_>, _args: &[String]) -> Vec<Act> {
    match daemon(ctx) {
        Ok(_) => vec![out(format!("{CLIENT}{SERVER}"))],
        Err(acts) => [vec![out(CLIENT)], acts].concat(),
    }
}

pub fn info(ctx: &mut Ctx<'_>, _args: &[String]) -> Vec<Act> {
    let client = format!(
        "Client:\n Version:    {VERSION}\n Context:    default\n Debug Mode: false\n Plugins:\n  buildx: Docker Buildx (Docker Inc.)\n    \
         Version:  0.29.1\n    Path:     /usr/lib/docker/cli-plugins/docker-buildx\n\n"
    );
    let (kernel, cpus, memory) = (ctx.machine.kernel, ctx.machine.cpus, ctx.machine.memory_bytes);
    match daemon(ctx) {
        Ok(outside) => {
            let all = outside.docker.containers.len();
            let running = outside.docker.containers.iter().filter(|c| c.running()).count();
            let images = outside.docker.images.iter().count();
            let gib = memory as f64 / f64::from(1 << 30);
            vec![out(format!(
                "{client}Server:\n Containers: {all}\n  Running: {running}\n  Paused: 0\n  Stopped: {}\n Images: {images}\n \
                 Server Version: {VERSION}\n Storage Driver: overlay2\n Logging Driver: json-file\n Cgroup Driver: systemd\n \
                 Cgroup Version: 2\n Swarm: inactive\n Runtimes: io.containerd.runc.v2 runc\n Default Runtime: runc\n \
                 Kernel Version: {kernel}\n Operating System: Arch Linux\n OSType: linux\n Architecture: x86_64\n CPUs: {cpus}\n \
                 Total Memory: {gib:.2}GiB\n Name: laptop\n Docker Root Dir: /var/lib/docker\n Insecure Registries:\n  ::1/128\n  127.0.0.0/8\n \
                 Live Restore Enabled: false\n\n",
                all - running
            ))]
        }
        Err(mut acts) => {
            acts.insert(0, out(format!("{client}Server:\n")));
            acts
        }
    }
}

pub fn context_ls(_: &mut Ctx<'_>, _args: &[String]) -> Vec<Act> {
    vec![out(
        "NAME        DESCRIPTION                               DOCKER ENDPOINT               ERROR\ndefault *   Current \
        DOCKER_HOST based configuration   unix:///var/run/docker.sock   \n",
    )]
}

pub fn unsupported(_: &mut Ctx<'_>, _args: &[String]) -> Vec<Act> {
    fail("docker: this command is not simulated\n", 1)
}
