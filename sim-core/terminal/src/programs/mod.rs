//! The programs that only a laptop has, and which package brings which.
//!
//! [`TABLE`] is the whole list; packages and start states name entries of it.

mod packages;
mod power;
mod services;
mod stubs;
mod sudo;
mod users;

use crate::play::Command;
use machine::fs::{FsError, Volume};
use machine::process::Program;

/// Present on every laptop.
const BASE: &[&Command] = &[
    &sudo::SUDO,
    &packages::PACMAN,
    &services::SYSTEMCTL,
    &services::JOURNALCTL,
    &power::REBOOT,
    &power::SHUTDOWN,
    &users::GROUPADD,
    &users::GROUPDEL,
    &users::USERMOD,
    &users::GPASSWD,
    &users::NEWGRP,
    &users::GROUPS,
    &stubs::APT,
    &stubs::APT_GET,
    &stubs::KIND,
    &stubs::KUBEADM,
    &stubs::K3S,
    &stubs::HELM,
];

/// Packages that the ready laptop has.
pub const READY: &[&str] = &["docker", "docker-buildx", "minikube", "kubectl"];

/// What a package puts into `/usr/bin`.
fn programs_of(package: &str) -> &'static [&'static dyn Program] {
    match package {
        "docker" => &[&crate::docker::DOCKER],
        "minikube" => &[&crate::minikube::MINIKUBE],
        "kubectl" => &[&kubectl::Kubectl],
        _ => &[],
    }
}

fn install(volume: &mut Volume, program: &'static dyn Program) -> Result<(), FsError> {
    volume.install_program(&format!("/usr/bin/{}", program.name()), program)
}

/// The tools of a running Unix and the laptop's own programs.
pub fn install_base(volume: &mut Volume) {
    machine::coreutils::install_devices(volume);
    machine::coreutils::install_all(volume, "/usr/bin");
    for program in BASE {
        // A laptop whose disk is too small for its own programs lacks them, as it would.
        let _ = install(volume, *program);
    }
}

pub fn install_packages(volume: &mut Volume, packages: &[&str]) {
    for package in packages {
        for program in programs_of(package) {
            let _ = install(volume, *program);
        }
        let path = format!("/var/lib/pacman/local/{package}/desc");
        let _ = volume.install(&path, 0o644, format!("%NAME%\n{package}\n"));
    }
}

pub fn remove_package(volume: &mut Volume, package: &str, now: apimachinery::time::Time) {
    for program in programs_of(package) {
        let _ = volume.remove(&["usr", "bin", program.name()], now);
    }
    let _ = volume.remove(&["var", "lib", "pacman", "local", package], now);
}

pub fn has_package(volume: &Volume, package: &str) -> bool {
    volume.get(&["var", "lib", "pacman", "local", package]).is_some()
}
