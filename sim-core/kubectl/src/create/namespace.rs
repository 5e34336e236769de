//! `create namespace`, `create serviceaccount`.

use super::{CREATE_FLAGS, one_name, submit};
use crate::commands::apply::VALIDATE_FLAG;
use crate::flags::Command;
use crate::printers::{DRY_RUN_FLAG, PRINT_FLAGS};
use serde_json::json;

pub static NAMESPACE: Command = Command {
    name: "namespace",
    aliases: &["ns"],
    short: "Create a namespace with the specified name",
    usage: "NAME [--dry-run=server|client|none] [options]",
    examples: &[("Create a namespace", "kubectl create namespace my-namespace")],
    flags: &[CREATE_FLAGS, VALIDATE_FLAG, PRINT_FLAGS, DRY_RUN_FLAG],
    run: Some(|k, args| {
        let name = one_name(args)?;
        let object =
            json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}, "spec": {}, "status": {}});
        submit(k, args, object, "")
    }),
    ..Command::EMPTY
};

pub static SERVICE_ACCOUNT: Command = Command {
    name: "serviceaccount",
    aliases: &["sa"],
    short: "Create a service account with the specified name",
    usage: "NAME [--dry-run=server|client|none] [options]",
    examples: &[("Create a service account", "kubectl create serviceaccount my-service-account")],
    flags: &[CREATE_FLAGS, VALIDATE_FLAG, PRINT_FLAGS, DRY_RUN_FLAG],
    run: Some(|k, args| {
        let name = one_name(args)?;
        let object = json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name}});
        submit(k, args, object, "failed to create serviceaccount")
    }),
    ..Command::EMPTY
};
