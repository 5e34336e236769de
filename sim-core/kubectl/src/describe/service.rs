//! Services.

use super::Doc;
use super::doc::{or_none, or_unset, pairs};
use crate::error::Error;
use crate::json::{at, boolean, has, int, joined, list, name, namespace, shown, text};
use crate::session::Kube;
use serde_json::Value;

const ENDPOINTS_SHOWN: usize = 3;

pub fn describe(k: &mut Kube<'_, '_>, s: &Value, doc: &mut Doc) -> Result<(), Error> {
    let slices = slices(k, namespace(s), name(s))?;
    doc.head(s);
    doc.field(0, "Selector", &pairs(at(s, "/spec/selector")));
    doc.field(0, "Type", text(s, "/spec/type"));
    if has(s, "/spec/ipFamilyPolicy") {
        doc.field(0, "IP Family Policy", text(s, "/spec/ipFamilyPolicy"));
    }
    doc.field(0, "IP Families", or_none(&joined(s, "/spec/ipFamilies", ",")));
    doc.field(0, "IP", text(s, "/spec/clusterIP"));
    doc.field(0, "IPs", or_none(&joined(s, "/spec/clusterIPs", ",")));
    optional(
        doc,
        &[
            ("External IPs", joined(s, "/spec/externalIPs", ",")),
            ("Desired LoadBalancer IP", text(s, "/spec/loadBalancerIP").to_owned()),
            ("External Name", text(s, "/spec/externalName").to_owned()),
            ("LoadBalancer Ingress", ingress(list(s, "/status/loadBalancer/ingress"))),
        ],
    );
    for p in list(s, "/spec/ports") {
        let (port_name, protocol) = (or_unset(text(p, "/name")), text(p, "/protocol"));
        doc.field(0, "Port", &format!("{port_name}\t{}/{protocol}", int(p, "/port")));
        doc.field(0, "TargetPort", &format!("{}/{protocol}", shown(at(p, "/targetPort"))));
        optional(doc, &[("AppProtocol", text(p, "/appProtocol").to_owned())]);
        if int(p, "/nodePort") != 0 {
            doc.field(0, "NodePort", &format!("{port_name}\t{}/{protocol}", int(p, "/nodePort")));
        }
        doc.field(0, "Endpoints", &endpoints(&slices, text(p, "/name")));
    }
    doc.field(0, "Session Affinity", text(s, "/spec/sessionAffinity"));
    optional(
        doc,
        &[
            ("External Traffic Policy", text(s, "/spec/externalTrafficPolicy").to_owned()),
            ("Internal Traffic Policy", text(s, "/spec/internalTrafficPolicy").to_owned()),
            ("HealthCheck NodePort", shown(at(s, "/spec/healthCheckNodePort"))),
            ("LoadBalancer Source Ranges", joined(s, "/spec/loadBalancerSourceRanges", ",")),
            ("Traffic Distribution", text(s, "/spec/trafficDistribution").to_owned()),
        ],
    );
    Ok(())
}

/// Fields that are left out when empty.
fn optional(doc: &mut Doc, fields: &[(&str, String)]) {
    for (title, value) in fields.iter().filter(|(_, v)| !v.is_empty()) {
        doc.field(0, title, value);
    }
}

/// The endpoint slices of a service.
pub fn slices(k: &mut Kube<'_, '_>, namespace: &str, service: &str) -> Result<Vec<Value>, Error> {
    let path = format!("/apis/discovery.k8s.io/v1/namespaces/{namespace}/endpointslices");
    k.list_of(&path, &[("labelSelector", &format!("kubernetes.io/service-name={service}"))])
}

/// Ready addresses of a port, the first few.
pub fn endpoints(slices: &[Value], port_name: &str) -> String {
    let mut all = Vec::new();
    for slice in slices {
        let ports = list(slice, "/ports");
        for endpoint in list(slice, "/endpoints") {
            if has(endpoint, "/conditions/ready") && !boolean(endpoint, "/conditions/ready") {
                continue;
            }
            for address in list(endpoint, "/addresses").iter().filter_map(Value::as_str) {
                if ports.is_empty() {
                    all.push(address.to_owned());
                }
                let host = if address.contains(':') { format!("[{address}]") } else { address.to_owned() };
                let matching = ports.iter().filter(|p| text(p, "/name") == port_name);
                all.extend(matching.map(|p| format!("{host}:{}", int(p, "/port"))));
            }
        }
    }
    let shown = all[..all.len().min(ENDPOINTS_SHOWN)].join(",");
    match all.len().saturating_sub(ENDPOINTS_SHOWN) {
        0 => shown,
        more => format!("{shown} + {more} more..."),
    }
}

/// Addresses of a load balancer.
pub fn ingress(entries: &[Value]) -> String {
    let all: Vec<String> = entries
        .iter()
        .map(|i| match (text(i, "/ip"), text(i, "/ipMode")) {
            ("", _) => text(i, "/hostname").to_owned(),
            (ip, "") => ip.to_owned(),
            (ip, mode) => format!("{ip} ({mode})"),
        })
        .collect();
    all.join(", ")
}
