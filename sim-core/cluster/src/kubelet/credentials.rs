//! Registry credentials of a pod: what its imagePullSecrets say about a registry.

use crate::images::registry::Credentials;
use apiserver::ApiServer;
use k8s_openapi::api::core::v1::{Pod, Secret};
use serde_json::Value;

/// Credentials for `domain` from the pod's pull secrets, in order.
pub fn of_pod(api: &ApiServer, pod: &Pod, domain: &str) -> Vec<Credentials> {
    let ns = pod.metadata.namespace.as_deref().unwrap_or_default();
    let names = pod.spec.iter().flat_map(|s| s.image_pull_secrets.iter().flatten()).map(|r| r.name.as_str());
    names.filter_map(|name| api.get::<Secret>(ns, name)).filter_map(|secret| in_secret(&secret, domain)).collect()
}

fn in_secret(secret: &Secret, domain: &str) -> Option<Credentials> {
    let data = secret.data.as_ref()?;
    let config: Value = match (data.get(".dockerconfigjson"), data.get(".dockercfg")) {
        (Some(c), _) => serde_json::from_slice::<Value>(&c.0).ok()?.get("auths")?.clone(),
        (None, Some(c)) => serde_json::from_slice(&c.0).ok()?,
        (None, None) => return None,
    };
    let (_, entry) = config.as_object()?.iter().find(|(server, _)| host_of(server) == domain)?;
    let text = |name: &str| entry.get(name).and_then(Value::as_str).map(str::to_owned);
    if let (Some(username), Some(password)) = (text("username"), text("password")) {
        return Some(Credentials { username, password });
    }
    let decoded = decode_base64(entry.get("auth")?.as_str()?)?;
    let (username, password) = decoded.split_once(':')?;
    Some(Credentials { username: username.to_owned(), password: password.to_owned() })
}

/// `docker.io` of `https://index.docker.io/v1/`.
fn host_of(server: &str) -> &str {
    let rest = server.trim_start_matches("https://").trim_start_matches("http://");
    match rest.split('/').next().unwrap_or_default() {
        "index.docker.io" | "registry-1.docker.io" => "docker.io",
        host => host,
    }
}

fn decode_base64(text: &str) -> Option<String> {
    let mut out = Vec::new();
    let (mut acc, mut bits) = (0u32, 0);
    for b in text.bytes().filter(|b| *b != b'=') {
        let v = match b {
            b'A'..=b'Z' => b - b'A',
            b'a'..=b'z' => b - b'a' + 26,
            b'0'..=b'9' => b - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        acc = acc << 6 | u32::from(v);
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            out.push((acc >> bits) as u8);
            acc &= (1 << bits) - 1;
        }
    }
    String::from_utf8(out).ok()
}
