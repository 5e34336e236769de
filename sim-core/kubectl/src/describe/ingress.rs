//! Ingresses and their classes.

use super::Doc;
use super::service::{endpoints, ingress, slices};
use crate::error::Error;
use crate::json::{at, has, int, joined, list, name, namespace, shown, text};
use crate::session::Kube;
use serde_json::Value;

pub fn describe(k: &mut Kube<'_, '_>, ing: &Value, doc: &mut Doc) -> Result<(), Error> {
    doc.field(0, "Name", name(ing));
    doc.labels("Labels", at(ing, "/metadata/labels"));
    doc.field(0, "Namespace", namespace(ing));
    doc.field(0, "Address", &ingress(list(ing, "/status/loadBalancer/ingress")).replace(", ", ","));
    let class = text(ing, "/spec/ingressClassName");
    doc.field(0, "Ingress Class", if class.is_empty() { "<none>" } else { class });
    let default = match at(ing, "/spec/defaultBackend") {
        Value::Null => "<default>".to_owned(),
        b => backend(k, namespace(ing), b),
    };
    doc.field(0, "Default backend", &default);
    if !list(ing, "/spec/tls").is_empty() {
        doc.line(0, "TLS:");
    }
    for tls in list(ing, "/spec/tls") {
        let hosts = joined(tls, "/hosts", ",");
        match text(tls, "/secretName") {
            "" => doc.line(1, &format!("SNI routes {hosts}")),
            secret => doc.line(1, &format!("{secret} terminates {hosts}")),
        }
    }
    doc.line(0, "Rules:");
    doc.line(1, "Host\tPath\tBackends");
    doc.line(1, "----\t----\t--------");
    let mut any = false;
    for rule in list(ing, "/spec/rules").iter().filter(|r| has(r, "/http")) {
        any = true;
        let host = text(rule, "/host");
        doc.line(1, &format!("{}\t", if host.is_empty() { "*" } else { host }));
        for path in list(rule, "/http/paths") {
            let to = backend(k, namespace(ing), at(path, "/backend"));
            doc.line(2, &format!("\t{} \t{to}", text(path, "/path")));
        }
    }
    if !any {
        doc.line(1, &format!("*\t*\t{default}"));
    }
    doc.annotations("Annotations", at(ing, "/metadata/annotations"));
    Ok(())
}

fn backend(k: &mut Kube<'_, '_>, place: &str, backend: &Value) -> String {
    if has(backend, "/resource") {
        let r = at(backend, "/resource");
        let group = if has(r, "/apiGroup") { text(r, "/apiGroup") } else { "<none>" };
        return format!("APIGroup: {group}, Kind: {}, Name: {}", text(r, "/kind"), text(r, "/name"));
    }
    let service = text(backend, "/service/name");
    let port = at(backend, "/service/port");
    let port_text = if has(port, "/number") { shown(at(port, "/number")) } else { text(port, "/name").to_owned() };
    let shown = format!("{service}:{port_text}");
    let found = slices(k, place, service)
        .and_then(|s| k.get(&format!("/api/v1/namespaces/{place}/services/{service}")).map(|object| (s, object)));
    match found {
        Err(e) => format!("{shown} (<error: {}>)", e.text()),
        Ok((slices, object)) => {
            let matching = |p: &&Value| int(p, "/port").to_string() == port_text || text(p, "/name") == port_text;
            let port_name = list(&object, "/spec/ports").iter().find(matching).map_or("", |p| text(p, "/name"));
            format!("{shown} ({})", endpoints(&slices, port_name))
        }
    }
}

pub fn describe_class(_: &mut Kube<'_, '_>, class: &Value, doc: &mut Doc) -> Result<(), Error> {
    doc.field(0, "Name", name(class));
    doc.meta(class);
    doc.field(0, "Controller", text(class, "/spec/controller"));
    if has(class, "/spec/parameters") {
        doc.line(0, "Parameters:");
        for (title, key) in [("APIGroup", "/apiGroup"), ("Kind", "/kind"), ("Name", "/name")] {
            if has(class, &format!("/spec/parameters{key}")) {
                doc.field(1, title, text(class, &format!("/spec/parameters{key}")));
            }
        }
    }
    Ok(())
}
