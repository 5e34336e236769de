//! `~/.kube/config` as minikube writes it, and the certificate files it names.

use super::Profile;
use crate::laptop::{HOME, UID};
use apimachinery::order::Order as _;
use apimachinery::yaml;
use machine::fs::{Cred, Meta, Node};
use machine::machine::Machine;
use machine::process::Ctx;
use serde_json::{Value, json};

const PATH: &str = "/home/learner/.kube/config";

fn read(machine: &Machine) -> Value {
    let text = machine.fs.read(&Cred::ROOT, PATH).map(|b| String::from_utf8_lossy(&b).into_owned()).unwrap_or_default();
    let parsed = yaml::parse(&text).ok().filter(Value::is_object);
    parsed.unwrap_or_else(|| json!({"apiVersion": "v1", "clusters": [], "contexts": [], "current-context": "", "kind": "Config", "users": []}))
}

fn write(machine: &mut Machine, config: &Value) {
    put(machine, PATH, 0o600, &yaml::to_string(config));
}

/// Writes one of the learner's own files, with the directories above it.
fn put(machine: &mut Machine, path: &str, mode: u16, text: &str) {
    let root = &mut machine.fs.root;
    let mut at = String::new();
    for part in path.rsplit_once('/').map_or("", |(d, _)| d).split('/').filter(|p| !p.is_empty()) {
        at = format!("{at}/{part}");
        if at.len() > HOME.len() && at.starts_with(HOME) {
            // It may be there already.
            let _ = root.install_dir(&at, 0o755, UID, UID);
        }
    }
    let meta = Meta { mode, uid: UID, gid: UID, mtime: machine.fs.now };
    // A full disk leaves the old configuration.
    let _ = machine.fs.root.install_node(path, Node::file(meta, text.as_bytes().to_vec()));
}

fn set(list: &mut Value, key: &str, name: &str, content: Value) {
    if !list.is_array() {
        *list = json!([]);
    }
    if let Some(items) = list.as_array_mut() {
        items.retain(|e| e["name"] != name);
        items.push(json!({key: content, "name": name}));
        items.order_by(|a, b| a["name"].as_str().cmp(&b["name"].as_str()));
    }
}

/// Adds the profile and makes it the current context.
pub fn install(machine: &mut Machine, profile: &Profile) {
    let base = format!("{HOME}/.minikube");
    let name = profile.name.as_str();
    for (path, what) in [
        (format!("{base}/ca.crt"), "minikubeCA"),
        (format!("{base}/profiles/{name}/client.crt"), "minikube-user"),
        (format!("{base}/profiles/{name}/client.key"), "minikube-user key"),
    ] {
        let kind = if path.ends_with(".key") { "PRIVATE KEY" } else { "CERTIFICATE" };
        let body = crate::docker::encode(format!("{what} {}", profile.index).as_bytes());
        put(machine, &path, 0o600, &format!("-----BEGIN {kind}-----\n{body}\n-----END {kind}-----\n"));
    }
    let updated = apimachinery::time::Time::rfc3339(machine.fs.now);
    let extension = |what: &str| json!([{"extension": {"last-update": updated, "provider": "minikube.sigs.k8s.io", "version": super::VERSION}, "name": what}]);
    let mut config = read(machine);
    let cluster = json!({"certificate-authority": format!("{base}/ca.crt"), "extensions": extension("cluster_info"), "server": profile.server()});
    let context =
        json!({"cluster": name, "extensions": extension("context_info"), "namespace": "default", "user": name});
    let user = json!({
        "client-certificate": format!("{base}/profiles/{name}/client.crt"),
        "client-key": format!("{base}/profiles/{name}/client.key"),
    });
    set(&mut config["clusters"], "cluster", name, cluster);
    set(&mut config["contexts"], "context", name, context);
    set(&mut config["users"], "user", name, user);
    config["current-context"] = name.into();
    write(machine, &config);
}

/// Takes the profile out again.
pub fn remove(ctx: &mut Ctx<'_>, name: &str) {
    let mut config = read(ctx.machine);
    for section in ["clusters", "contexts", "users"] {
        if let Some(items) = config[section].as_array_mut() {
            items.retain(|e| e["name"] != name);
        }
    }
    if config["current-context"] == name {
        config["current-context"] = "".into();
    }
    write(ctx.machine, &config);
}
