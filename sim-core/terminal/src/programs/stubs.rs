//! Tools a learner may try that this laptop does not simulate: each says so in one line.

use crate::play::{Act, Command, fail, no_candidates};
use machine::process::Ctx;

const fn stub(name: &'static str, summary: &'static str, run: fn(&mut Ctx<'_>, &[String]) -> Vec<Act>) -> Command {
    Command { name, summary, run, complete: no_candidates }
}

pub const APT: Command = stub("apt", "package manager of Debian (not this laptop's)", apt);
pub const APT_GET: Command = stub("apt-get", "package manager of Debian (not this laptop's)", apt);
pub const KIND: Command = stub("kind", "Kubernetes in Docker (not simulated yet)", |_, _| not_yet("kind"));
pub const KUBEADM: Command = stub("kubeadm", "cluster bootstrapping (not simulated yet)", |_, _| not_yet("kubeadm"));
pub const K3S: Command = stub("k3s", "lightweight Kubernetes (not simulated yet)", |_, _| not_yet("k3s"));
pub const HELM: Command = stub("helm", "package manager for Kubernetes (not simulated yet)", |_, _| not_yet("helm"));

fn not_yet(name: &str) -> Vec<Act> {
    fail(format!("{name}: not simulated yet; this laptop makes clusters with minikube\n"), 1)
}

fn apt(_: &mut Ctx<'_>, _args: &[String]) -> Vec<Act> {
    fail("apt: this laptop is an Arch system; install packages with: sudo pacman -S NAME\n", 1)
}
