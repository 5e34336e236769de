//! The laptop's service manager: units, whether they run and whether they start at boot.
//!
//! Models: systemd, as far as `systemctl` shows it for the units a learner meets.

use std::collections::BTreeMap;

#[derive(Clone, Debug, Default)]
pub struct System {
    units: BTreeMap<&'static str, Unit>,
    /// Somebody asked for a reboot; the world does it after this turn.
    pub reboot: bool,
}

#[derive(Clone, Debug)]
pub struct Unit {
    pub description: &'static str,
    pub path: &'static str,
    pub wanted_by: &'static str,
    /// Started on demand by this socket.
    pub socket: Option<&'static str>,
    pub enabled: bool,
    pub active: bool,
    pub since: apimachinery::time::Time,
}

impl System {
    /// The unit files that a package brings.
    pub fn install(&mut self, package: &str) {
        let unit = |description, path, wanted_by, socket| Unit {
            description,
            path,
            wanted_by,
            socket,
            enabled: false,
            active: false,
            since: apimachinery::time::Time::START,
        };
        if package == "docker" {
            let path = "/usr/lib/systemd/system/docker.service";
            self.units.entry("docker").or_insert_with(|| {
                unit("Docker Application Container Engine", path, "multi-user.target", Some("docker.socket"))
            });
            self.units.entry("containerd").or_insert_with(|| {
                unit(
                    "containerd container runtime",
                    "/usr/lib/systemd/system/containerd.service",
                    "multi-user.target",
                    None,
                )
            });
        }
    }

    pub fn unit(&self, name: &str) -> Option<&Unit> {
        self.units.get(bare(name))
    }

    pub fn unit_mut(&mut self, name: &str) -> Option<&mut Unit> {
        self.units.get_mut(bare(name))
    }

    pub fn units(&self) -> impl Iterator<Item = (&'static str, &Unit)> {
        self.units.iter().map(|(n, u)| (*n, u))
    }

    pub fn is_active(&self, name: &str) -> bool {
        self.unit(name).is_some_and(|u| u.active)
    }

    /// Installs (if need be), enables and starts a unit.
    pub fn start(&mut self, name: &str) {
        self.install(name);
        for unit in [Some(bare(name)), (bare(name) == "docker").then_some("containerd")].into_iter().flatten() {
            if let Some(unit) = self.units.get_mut(unit) {
                unit.active = true;
                unit.enabled |= name == "docker";
            }
        }
    }

    /// What a boot leaves running.
    pub fn boot(&mut self, now: apimachinery::time::Time) {
        let docker = self.units.get("docker").is_some_and(|u| u.enabled);
        for (name, unit) in &mut self.units {
            unit.active = unit.enabled || (*name == "containerd" && docker);
            unit.since = now;
        }
    }
}

/// `docker.service` is also called `docker`.
fn bare(name: &str) -> &str {
    name.strip_suffix(".service").unwrap_or(name)
}
