//! `minikube config set|get|unset|view`: `~/.minikube/config/config.json`.

use super::{complaint, line};
use crate::play::{Act, Args, fail, out};
use machine::process::Ctx;
use serde_json::{Value, json};

const KEYS: &[&str] = &[
    "driver",
    "vm-driver",
    "container-runtime",
    "feature-gates",
    "v",
    "cpus",
    "disk-size",
    "host-only-cidr",
    "memory",
    "log_dir",
    "kubernetes-version",
    "iso-url",
    "WantUpdateNotification",
    "WantBetaUpdateNotification",
    "ReminderWaitPeriodInHours",
    "WantNoneDriverWarning",
    "WantVirtualBoxDriverWarning",
    "profile",
    "bootstrapper",
    "insecure-registry",
    "hyperv-virtual-switch",
    "disable-driver-mounts",
    "cache",
    "EmbedCerts",
    "native-ssh",
    "rootless",
    "MaxAuditEntries",
];

fn path(ctx: &Ctx<'_>) -> String {
    format!("{}/.minikube/config/config.json", ctx.env("HOME").unwrap_or_else(|| "/root".into()))
}

fn load(ctx: &Ctx<'_>) -> Value {
    let bytes = ctx.read_file(&path(ctx)).unwrap_or_default();
    serde_json::from_slice(&bytes).unwrap_or_else(|_| json!({}))
}

/// A configured value.
pub fn read(ctx: &Ctx<'_>, key: &str) -> Option<String> {
    match load(ctx).get(key)? {
        Value::String(s) => Some(s.clone()),
        other => Some(other.to_string()),
    }
}

fn save(ctx: &mut Ctx<'_>, config: &Value) -> Result<(), machine::fs::FsError> {
    let path = path(ctx);
    let cred = ctx.cred();
    let mut at = String::new();
    for part in path.rsplit_once('/').map_or("", |(d, _)| d).split('/').filter(|p| !p.is_empty()) {
        at = format!("{at}/{part}");
        // What is there already stays.
        let _ = ctx.machine.fs.mkdir(&cred, &at, 0o755);
    }
    let text = serde_json::to_string_pretty(config).unwrap_or_default().replace("  ", "    ");
    ctx.write_file(&path, text.as_bytes())
}

pub fn config(ctx: &mut Ctx<'_>, args: &Args<'_>) -> Vec<Act> {
    let words: Vec<&str> = args.words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["set", key, value] => {
            if !KEYS.contains(key) {
                return vec![
                    complaint(
                        ctx,
                        "❌",
                        &format!(
                            "Exiting due to MK_CONFIG_SET: find settings for \"{key}\" value of \"{value}\": property name \"{key}\" not found"
                        ),
                    ),
                    Act::Exit(80),
                ];
            }
            if *key == "driver"
                && !["docker", "podman", "virtualbox", "kvm2", "qemu2", "none", "ssh", "vmware"].contains(value)
            {
                return vec![
                    complaint(
                        ctx,
                        "❌",
                        &format!(
                            "Exiting due to MK_CONFIG_SET: run validations for \"{key}\" with value of \"{value}\": [driver \"{value}\" is not supported]"
                        ),
                    ),
                    Act::Exit(80),
                ];
            }
            let mut config = load(ctx);
            config[*key] = (*value).into();
            if let Err(e) = save(ctx, &config) {
                return fail(format!("open {}: {}\n", path(ctx), e.message().to_lowercase()), 1);
            }
            match *key {
                "driver" | "memory" | "cpus" | "disk-size" | "kubernetes-version" | "container-runtime" => {
                    vec![complaint(
                        ctx,
                        "❗",
                        "These changes will take effect upon a minikube delete and then a minikube start",
                    )]
                }
                _ => Vec::new(),
            }
        }
        ["get", key] => match read(ctx, key) {
            Some(value) => vec![out(format!("{value}\n"))],
            None => fail("Error: specified key could not be found in config\n", 14),
        },
        ["unset", key] => {
            let mut config = load(ctx);
            if let Some(map) = config.as_object_mut() {
                map.remove(*key);
            }
            match save(ctx, &config) {
                Ok(()) => Vec::new(),
                Err(e) => fail(format!("open {}: {}\n", path(ctx), e.message().to_lowercase()), 1),
            }
        }
        ["view"] => {
            let config = load(ctx);
            let text = config.as_object().into_iter().flatten();
            vec![out(text
                .map(|(k, v)| format!("- {k}: {}\n", v.as_str().map_or_else(|| v.to_string(), str::to_owned)))
                .collect::<String>())]
        }
        ["defaults", ..] => vec![line(ctx, "💡", "config defaults is not simulated"), Act::Exit(1)],
        _ => fail("Error: wrong number of arguments: usage: minikube config set PROPERTY_NAME PROPERTY_VALUE\n", 14),
    }
}
