//! `systemctl` and `journalctl` over the laptop's service manager.

use crate::outside;
use crate::play::{Act, Command, fail, no_candidates, out, wait_ms};
use machine::process::Ctx;

pub const SYSTEMCTL: Command =
    Command { name: "systemctl", summary: "control services", run: systemctl, complete: no_candidates };
pub const JOURNALCTL: Command =
    Command { name: "journalctl", summary: "read the journal of services", run: journalctl, complete: no_candidates };

fn systemctl(ctx: &mut Ctx<'_>, args: &[String]) -> Vec<Act> {
    let words: Vec<&str> = args.iter().map(String::as_str).filter(|a| !a.starts_with('-')).collect();
    let now_flag = args.iter().any(|a| a == "--now");
    let root = ctx.cred().uid == 0;
    let (verb, units) = match words.split_first() {
        Some((verb, units)) => (*verb, units.to_vec()),
        None => ("list-units", Vec::new()),
    };
    if verb == "reboot" {
        return super::power::reboot(ctx, args);
    }
    let Some(outside) = outside::of(ctx.host) else { return Vec::new() };
    let changes = matches!(
        verb,
        "start" | "stop" | "restart" | "reload" | "enable" | "disable" | "daemon-reload" | "mask" | "unmask"
    );
    if changes && !root {
        let what = match verb {
            "enable" | "disable" | "mask" | "unmask" => "Failed to enable unit: Access denied".replace("enable", verb),
            _ => format!(
                "Failed to {verb} {}: Access denied\nSee system logs and 'systemctl status {}' for details.",
                full(units.first().unwrap_or(&"")),
                full(units.first().unwrap_or(&""))
            ),
        };
        return fail(format!("{what}\n"), 1);
    }
    if verb == "daemon-reload" {
        return Vec::new();
    }
    if verb == "list-units" || verb == "list-unit-files" {
        let mut text = "UNIT               LOAD   ACTIVE   SUB     DESCRIPTION\n".to_owned();
        for (name, u) in outside.system.units() {
            let (active, sub) = if u.active { ("active", "running") } else { ("inactive", "dead") };
            text.push_str(&format!("{:<18} loaded {active:<8} {sub:<7} {}\n", full(name), u.description));
        }
        return vec![out(text)];
    }
    if units.is_empty() {
        return fail("Too few arguments.\n", 1);
    }
    let mut acts = Vec::new();
    for unit in units {
        acts.extend(one(outside, verb, unit, now_flag));
    }
    acts
}

fn full(unit: &str) -> String {
    if unit.contains('.') { unit.to_owned() } else { format!("{unit}.service") }
}

fn one(outside: &mut outside::Outside, verb: &str, name: &str, now_flag: bool) -> Vec<Act> {
    let now = outside.now;
    let Some(unit) = outside.system.unit_mut(name) else {
        return match verb {
            "status" => fail(format!("Unit {} could not be found.\n", full(name)), 4),
            "is-active" => vec![out("inactive\n"), Act::Exit(4)],
            "is-enabled" => vec![out("not-found\n"), Act::Exit(4)],
            "enable" | "disable" => fail(format!("Failed to {verb} unit: Unit {} does not exist\n", full(name)), 1),
            _ => fail(format!("Failed to {verb} {}: Unit {} not found.\n", full(name), full(name)), 5),
        };
    };
    let link = format!("/etc/systemd/system/{}.wants/{}", unit.wanted_by, full(name));
    match verb {
        "enable" => {
            let fresh = !unit.enabled;
            unit.enabled = true;
            let mut acts = Vec::new();
            if fresh {
                acts.push(Act::Err(format!("Created symlink '{link}' → '{}'.\n", unit.path)));
            }
            if now_flag {
                acts.extend(start(outside, name, now));
            }
            acts
        }
        "disable" => {
            let was = std::mem::take(&mut unit.enabled);
            let mut acts = Vec::new();
            if was {
                acts.push(Act::Err(format!("Removed '{link}'.\n")));
            }
            if now_flag {
                unit.active = false;
            } else if was && unit.active && unit.socket.is_some() {
                acts.push(Act::Err(format!(
                    "Disabling '{}', but its triggering units are still active:\n{}\n",
                    full(name),
                    unit.socket.unwrap_or_default()
                )));
            }
            acts
        }
        "start" | "restart" => start(outside, name, now),
        "stop" => {
            unit.active = false;
            let socket = unit.socket;
            if name.starts_with("docker") {
                for c in outside.docker.containers.iter_mut().filter(|c| c.running()) {
                    c.kill(now);
                }
                outside.minikube.power_off();
                outside.docker.revision += 1;
            }
            let warning =
                socket.map(|s| format!("Stopping '{}', but its triggering units are still active:\n{s}\n", full(name)));
            vec![wait_ms(800), Act::Err(warning.unwrap_or_default())]
        }
        "is-active" => {
            let code = if unit.active { 0 } else { 3 };
            vec![out(if unit.active { "active\n" } else { "inactive\n" }), Act::Exit(code)]
        }
        "is-enabled" => {
            let code = i32::from(!unit.enabled);
            vec![out(if unit.enabled { "enabled\n" } else { "disabled\n" }), Act::Exit(code)]
        }
        "status" => {
            let (dot, state) = if unit.active { ("●", "active (running)") } else { ("○", "inactive (dead)") };
            let enabled = if unit.enabled { "enabled" } else { "disabled" };
            let since = if unit.active { format!(" since {}", unit.since.rfc3339()) } else { String::new() };
            let socket = unit.socket.map(|s| format!("TriggeredBy: ● {s}\n")).unwrap_or_default();
            let text = format!(
                "{dot} {} - {}\n     Loaded: loaded ({}; {enabled}; preset: disabled)\n     Active: {state}{since}\n{socket}",
                full(name),
                unit.description,
                unit.path
            );
            vec![out(text), Act::Exit(if unit.active { 0 } else { 3 })]
        }
        "reload" | "mask" | "unmask" => Vec::new(),
        _ => fail(format!("Unknown command verb '{verb}'.\n"), 1),
    }
}

fn start(outside: &mut outside::Outside, name: &str, now: apimachinery::time::Time) -> Vec<Act> {
    if let Some(unit) = outside.system.unit_mut(name) {
        unit.active = true;
        unit.since = now;
    }
    if name.starts_with("docker")
        && let Some(unit) = outside.system.unit_mut("containerd")
    {
        unit.active = true;
        unit.since = now;
    }
    vec![wait_ms(1200)]
}

fn journalctl(_: &mut Ctx<'_>, _args: &[String]) -> Vec<Act> {
    vec![out("-- No entries --\n")]
}
