//! Roles and their bindings.

use super::Doc;
use crate::error::Error;
use crate::json::{list, name, text};
use crate::rules::compact;
use crate::session::Kube;
use serde_json::Value;

pub fn describe_role(_: &mut Kube<'_, '_>, role: &Value, doc: &mut Doc) -> Result<(), Error> {
    doc.field(0, "Name", name(role));
    doc.meta(role);
    doc.line(0, "PolicyRule:");
    doc.line(1, "Resources\tNon-Resource URLs\tResource Names\tVerbs");
    doc.line(1, "---------\t-----------------\t--------------\t-----");
    for rule in compact(list(role, "/rules").iter()) {
        doc.line(1, &rule.cells().join("\t"));
    }
    Ok(())
}

pub fn describe_binding(_: &mut Kube<'_, '_>, binding: &Value, doc: &mut Doc) -> Result<(), Error> {
    doc.field(0, "Name", name(binding));
    doc.meta(binding);
    doc.line(0, "Role:");
    doc.field(1, "Kind", text(binding, "/roleRef/kind"));
    doc.field(1, "Name", text(binding, "/roleRef/name"));
    doc.line(0, "Subjects:");
    doc.line(1, "Kind\tName\tNamespace");
    doc.line(1, "----\t----\t---------");
    for s in list(binding, "/subjects") {
        doc.line(1, &format!("{}\t{}\t{}", text(s, "/kind"), text(s, "/name"), text(s, "/namespace")));
    }
    Ok(())
}
