//! Node: names, defaults, rules and columns.

use super::checks::{self, text};
use super::pod_spec;
use super::{Column, Context, KindInfo, Strategy, age};
use apimachinery::field::ErrorList;
use apimachinery::field::{Error, Path, quote};
use apimachinery::names;
use apimachinery::order::Gather as _;
use apimachinery::time::Time;
use k8s_openapi::api::core::v1::Node;
use serde_json::Value;
use std::collections::BTreeSet;

pub struct NodeStrategy;

impl Strategy for NodeStrategy {
    type Object = Node;

    fn info(&self) -> &'static KindInfo {
        &KindInfo {
            group: "",
            version: "v1",
            kind: "Node",
            plural: "nodes",
            singular: "node",
            short_names: &["no"],
            categories: &[],
            namespaced: false,
            subresources: &["proxy", "status"],
            generation: false,
            verbs: &[],
        }
    }

    fn default(&self, object: &mut Node) {
        object.spec.get_or_insert_default();
        let status = object.status.get_or_insert_default();
        if status.allocatable.is_none() {
            status.allocatable.clone_from(&status.capacity);
        }
    }

    fn prepare_update(&self, new: &mut Node, old: &Node, _: &mut Context<'_>) -> Result<(), ErrorList> {
        new.status.clone_from(&old.status);
        Ok(())
    }

    fn prepare_status(&self, new: &mut Node, old: &Node) {
        new.spec.clone_from(&old.spec);
    }

    fn validate(&self, object: &Node) -> ErrorList {
        let mut errors = ErrorList::default();
        taints(object, &mut errors);
        let path = Path::new("spec.podCIDRs");
        for (i, cidr) in object.spec.iter().flat_map(|s| s.pod_cidrs.iter().flatten()).enumerate() {
            checks::cidr(cidr, &path.index(i), &mut errors);
        }
        errors
    }

    fn validate_update(&self, new: &Node, old: &Node) -> ErrorList {
        let mut errors = ErrorList::default();
        let (Some(n), Some(o)) = (&new.spec, &old.spec) else { return errors };
        if o.pod_cidrs.as_ref().is_some_and(|c| !c.is_empty()) && n.pod_cidrs != o.pod_cidrs {
            let why = "node updates may not change podCIDR except from \"\" to valid";
            errors.push(Error::forbidden(&Path::new("spec.podCIDRs"), why));
        }
        if !text(&o.provider_id).is_empty() && n.provider_id != o.provider_id {
            let why = "node updates may not change providerID except from \"\" to valid";
            errors.push(Error::forbidden(&Path::new("spec.providerID"), why));
        }
        taints(new, &mut errors);
        errors
    }

    fn columns(&self) -> &'static [Column] {
        const {
            &[
                Column::name(),
                Column::new("Status", "The status of the node"),
                Column::new("Roles", "The roles of the node"),
                Column::age(),
                Column::new("Version", "Kubelet Version reported by the node."),
                Column::new("Internal-IP", ADDRESSES).wide(),
                Column::new("External-IP", ADDRESSES).wide(),
                Column::new("OS-Image", "OS Image reported by the node from /etc/os-release (e.g. Debian GNU/Linux 7 (wheezy)).").wide(),
                Column::new("Kernel-Version", "Kernel Version reported by the node from 'uname -r' (e.g. 3.16.0-0.bpo.4-amd64).").wide(),
                Column::new("Container-Runtime", "ContainerRuntime Version reported by the node through runtime remote API (e.g. containerd://1.4.2).").wide(),
            ]
        }
    }

    fn cells(&self, object: &Node, now: Time) -> Vec<Value> {
        let meta = &object.metadata;
        let info = object.status.as_ref().and_then(|s| s.node_info.as_ref());
        let or_unknown = |text: Option<&String>| match text {
            Some(t) if !t.is_empty() => t.clone(),
            _ => "<unknown>".to_owned(),
        };
        let mut kernel = or_unknown(info.map(|i| &i.kernel_version));
        if let Some(i) = info.filter(|i| !i.architecture.is_empty()) {
            kernel = format!("{kernel} ({})", i.architecture);
        }
        vec![
            meta.name.as_deref().into(),
            status(object).into(),
            roles(object).into(),
            age(meta, now).into(),
            info.map(|i| i.kubelet_version.as_str()).unwrap_or_default().into(),
            address(object, "InternalIP").into(),
            address(object, "ExternalIP").into(),
            or_unknown(info.map(|i| &i.os_image)).into(),
            kernel.into(),
            or_unknown(info.map(|i| &i.container_runtime_version)).into(),
        ]
    }

    fn fields(&self) -> &'static [&'static str] {
        &["spec.unschedulable"]
    }

    fn field(&self, object: &Node, path: &str) -> Option<String> {
        (path == "spec.unschedulable").then(|| unschedulable(object).to_string())
    }
}

const ADDRESSES: &str = "List of addresses reachable to the node. Queried from cloud provider, if available.";

fn unschedulable(node: &Node) -> bool {
    node.spec.as_ref().is_some_and(|s| s.unschedulable == Some(true))
}

/// `Ready,SchedulingDisabled`.
fn status(node: &Node) -> String {
    let conditions = node.status.as_ref().and_then(|s| s.conditions.as_ref());
    let ready = conditions.into_iter().flatten().rfind(|c| c.type_ == "Ready");
    let mut out = match ready {
        Some(c) if c.status == "True" => "Ready",
        Some(_) => "NotReady",
        None => "Unknown",
    }
    .to_owned();
    if unschedulable(node) {
        out.push_str(",SchedulingDisabled");
    }
    out
}

fn roles(node: &Node) -> String {
    let roles: BTreeSet<&str> = node
        .metadata
        .labels
        .iter()
        .flatten()
        .filter_map(|(key, value)| match key.strip_prefix("node-role.kubernetes.io/") {
            Some(role) => Some(role),
            None => (key == "kubernetes.io/role").then_some(value.as_str()),
        })
        .filter(|role| !role.is_empty())
        .gather();
    if roles.is_empty() {
        return "<none>".to_owned();
    }
    roles.into_iter().collect::<Vec<_>>().join(",")
}

fn address<'a>(node: &'a Node, kind: &str) -> &'a str {
    let addresses = node.status.as_ref().and_then(|s| s.addresses.as_ref());
    addresses.into_iter().flatten().find(|a| a.type_ == kind).map_or("<none>", |a| &a.address)
}

/// Upstream puts the taints under `metadata` in its errors.
fn taints(node: &Node, errors: &mut ErrorList) {
    let path = Path::new("metadata.taints");
    let list = node.spec.as_ref().and_then(|s| s.taints.as_deref()).unwrap_or_default();
    for (i, taint) in list.iter().enumerate() {
        let at = path.index(i);
        checks::qualified_name(&taint.key, &at.child("key"), errors);
        let faults = names::label_value(text(&taint.value));
        if !faults.is_empty() {
            errors.push(Error::invalid(&at.child("value"), text(&taint.value), faults.join(";")));
        }
        if taint.effect.is_empty() {
            errors.push(Error::required(&at.child("effect"), ""));
        }
        pod_spec::taint_effect(&taint.effect, &at.child("effect"), errors);
        if list[..i].iter().any(|t| t.key == taint.key && t.effect == taint.effect) {
            let shown = format!(
                "{{\"Key\":{},\"Value\":{},\"Effect\":{},\"TimeAdded\":null}}",
                quote(&taint.key),
                quote(text(&taint.value)),
                quote(&taint.effect)
            );
            let detail = "taints must be unique by key and effect pair".to_owned();
            errors.push(Error { detail, ..Error::duplicate_raw(&at, shown) });
        }
    }
}
