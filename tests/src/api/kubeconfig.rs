//! The kubeconfig that leads real clients to `kaiki api`.

use std::net::SocketAddr;

/// Users by their tokens: the administrator, and two that RBAC holds back.
const USERS: &[(&str, &str)] = &[("kubernetes-admin", "kaiki-admin"), ("jane", "kaiki-jane"), ("guest", "kaiki-guest")];

pub fn text(address: SocketAddr) -> String {
    let mut users = String::new();
    let mut contexts = String::new();
    for (name, token) in USERS {
        users.push_str(&format!("- name: {name}\n  user:\n    token: {token}\n"));
        let context = if *name == "kubernetes-admin" { "kaiki" } else { name };
        contexts.push_str(&format!("- context:\n    cluster: kaiki\n    user: {name}\n  name: {context}\n"));
    }
    format!(
        "apiVersion: v1\nclusters:\n- cluster:\n    server: http://{address}\n  name: kaiki\ncontexts:\n{contexts}\
         current-context: kaiki\nkind: Config\npreferences: {{}}\nusers:\n{users}"
    )
}
