//! NetworkPolicies.

use super::Doc;
use super::doc::selector;
use crate::error::Error;
use crate::json::{at, has, int, joined, list, shown, text};
use crate::session::Kube;
use crate::times::go_default;
use serde_json::Value;

pub fn describe(_: &mut Kube<'_, '_>, np: &Value, doc: &mut Doc) -> Result<(), Error> {
    doc.names(np);
    doc.field(0, "Created on", &go_default(text(np, "/metadata/creationTimestamp")));
    doc.meta(np);
    doc.line(0, "Spec:");
    let pods = selector(at(np, "/spec/podSelector"));
    let pods = if pods == "<none>" {
        "<none> (Allowing the specific traffic to all pods in this namespace)".into()
    } else {
        pods
    };
    doc.line(1, &format!("PodSelector:     {pods}"));
    for (kind, way, peers_key, from, other_end) in
        [("Ingress", "ingress", "/from", "From", "source"), ("Egress", "egress", "/to", "To", "destination")]
    {
        if list(np, "/spec/policyTypes").iter().any(|t| t == kind) {
            doc.line(1, &format!("Allowing {way} traffic:"));
            rules(doc, list(np, &format!("/spec/{way}")), way, peers_key, from, other_end);
        } else {
            doc.line(1, &format!("Not affecting {way} traffic"));
        }
    }
    doc.line(1, &format!("Policy Types: {}", joined(np, "/spec/policyTypes", ", ")));
    Ok(())
}

fn rules(doc: &mut Doc, rules: &[Value], way: &str, peers_key: &str, from: &str, other_end: &str) {
    if rules.is_empty() {
        doc.line(2, &format!("<none> (Selected pods are isolated for {way} connectivity)"));
    }
    for (i, rule) in rules.iter().enumerate() {
        if list(rule, "/ports").is_empty() {
            doc.line(2, "To Port: <any> (traffic allowed to all ports)");
        }
        for p in list(rule, "/ports") {
            let protocol = if has(p, "/protocol") { text(p, "/protocol") } else { "TCP" };
            let port = if has(p, "/port") { shown(at(p, "/port")) } else { "<nil>".into() };
            if has(p, "/endPort") {
                doc.line(2, &format!("To Port Range: {port}-{}/{protocol}", int(p, "/endPort")));
            } else {
                doc.line(2, &format!("To Port: {port}/{protocol}"));
            }
        }
        let peers = list(rule, peers_key);
        if peers.is_empty() {
            doc.line(2, &format!("{from}: <any> (traffic not restricted by {other_end})"));
        }
        for peer in peers {
            doc.line(2, &format!("{from}:"));
            for (title, key) in [("NamespaceSelector", "/namespaceSelector"), ("PodSelector", "/podSelector")] {
                if has(peer, key) {
                    doc.line(3, &format!("{title}: {}", selector(at(peer, key))));
                }
            }
            if has(peer, "/ipBlock") {
                doc.line(3, "IPBlock:");
                doc.line(4, &format!("CIDR: {}", text(peer, "/ipBlock/cidr")));
                doc.line(4, &format!("Except: {}", joined(peer, "/ipBlock/except", ", ")));
            }
        }
        if i + 1 < rules.len() {
            doc.line(2, "----------");
        }
    }
}
