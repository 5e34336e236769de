//! ConfigMaps, Secrets, ServiceAccounts.

use super::Doc;
use crate::base64;
use crate::error::Error;
use crate::json::{list, members, shown, text};
use crate::session::Kube;
use serde_json::Value;

pub fn describe_config_map(_: &mut Kube<'_, '_>, cm: &Value, doc: &mut Doc) -> Result<(), Error> {
    doc.head(cm);
    doc.write("\nData\n====\n");
    for (key, value) in members(cm, "/data") {
        doc.write(&format!("{key}:\n----\n{}\n\n", shown(value)));
    }
    doc.write("\nBinaryData\n====\n");
    for (key, value) in members(cm, "/binaryData") {
        doc.write(&format!("{key}: {} bytes\n", size(value)));
    }
    doc.write("\n");
    Ok(())
}

pub fn describe_secret(_: &mut Kube<'_, '_>, secret: &Value, doc: &mut Doc) -> Result<(), Error> {
    doc.head(secret);
    let kind = text(secret, "/type");
    doc.write(&format!("\nType:\t{kind}\n\nData\n====\n"));
    for (key, value) in members(secret, "/data") {
        if key == "token" && kind == "kubernetes.io/service-account-token" {
            let token = base64::decode(&shown(value)).unwrap_or_default();
            doc.field(0, key, &String::from_utf8_lossy(&token));
        } else {
            doc.field(0, key, &format!("{} bytes", size(value)));
        }
    }
    Ok(())
}

fn size(value: &Value) -> usize {
    base64::decode(value.as_str().unwrap_or("")).map_or(0, |b| b.len())
}

pub fn describe_service_account(_: &mut Kube<'_, '_>, sa: &Value, doc: &mut Doc) -> Result<(), Error> {
    doc.head(sa);
    let secrets = list(sa, "/imagePullSecrets");
    if secrets.is_empty() {
        doc.line(0, "Image pull secrets:\t<none>");
    }
    for (i, secret) in secrets.iter().enumerate() {
        let title = if i == 0 { "Image pull secrets:" } else { "                   " };
        doc.line(0, &format!("{title}\t{}", text(secret, "/name")));
    }
    Ok(())
}
