//! Endpoints and EndpointSlices.

use super::Doc;
use super::doc::{or_none, or_unset};
use crate::error::Error;
use crate::json::{at, has, int, joined, list, shown, text};
use crate::session::Kube;
use serde_json::Value;

pub fn describe(_: &mut Kube<'_, '_>, ep: &Value, doc: &mut Doc) -> Result<(), Error> {
    doc.head(ep);
    doc.line(0, "Subsets:");
    for subset in list(ep, "/subsets") {
        for (title, key) in [("Addresses", "/addresses"), ("NotReadyAddresses", "/notReadyAddresses")] {
            let all: Vec<&str> = list(subset, key).iter().map(|a| text(a, "/ip")).collect();
            doc.field(1, title, or_none(&all.join(",")));
        }
        if !list(subset, "/ports").is_empty() {
            doc.line(1, "Ports:");
            doc.line(2, "Name\tPort\tProtocol");
            doc.line(2, "----\t----\t--------");
        }
        for p in list(subset, "/ports") {
            doc.line(2, &format!("{}\t{}\t{}", or_unset(text(p, "/name")), int(p, "/port"), text(p, "/protocol")));
        }
        doc.line(0, "");
    }
    Ok(())
}

pub fn describe_slice(_: &mut Kube<'_, '_>, slice: &Value, doc: &mut Doc) -> Result<(), Error> {
    doc.head(slice);
    doc.field(0, "AddressType", text(slice, "/addressType"));
    let ports = list(slice, "/ports");
    if ports.is_empty() {
        doc.line(0, "Ports: <unset>");
    } else {
        doc.line(0, "Ports:");
        doc.line(1, "Name\tPort\tProtocol");
        doc.line(1, "----\t----\t--------");
    }
    for p in ports {
        let port = shown(at(p, "/port"));
        doc.line(1, &format!("{}\t{}\t{}", or_unset(text(p, "/name")), or_unset(&port), text(p, "/protocol")));
    }
    let endpoints = list(slice, "/endpoints");
    if endpoints.is_empty() {
        doc.line(0, "Endpoints: <none>");
        return Ok(());
    }
    doc.line(0, "Endpoints:");
    for e in endpoints {
        doc.field(1, "- Addresses", or_none(&joined(e, "/addresses", ", ")));
        doc.line(2, "Conditions:");
        doc.field(3, "Ready", or_unset(&shown(at(e, "/conditions/ready"))));
        doc.field(2, "Hostname", or_unset(text(e, "/hostname")));
        if has(e, "/targetRef") {
            doc.field(2, "TargetRef", &format!("{}/{}", text(e, "/targetRef/kind"), text(e, "/targetRef/name")));
        }
        doc.field(2, "NodeName", or_unset(text(e, "/nodeName")));
        doc.field(2, "Zone", or_unset(text(e, "/zone")));
    }
    Ok(())
}
