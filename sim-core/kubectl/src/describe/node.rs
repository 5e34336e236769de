//! Nodes, with the pods on them and what these ask for.

use super::Doc;
use super::doc::quantity;
use crate::error::Error;
use crate::json::{at, boolean, has, joined, list, members, name, namespace, text};
use crate::session::Kube;
use crate::times::{age, rfc1123};
use apimachinery::order::{Gather as _, Order as _};
use apimachinery::quantity::{Format, Quantity};
use serde_json::Value;
use std::collections::BTreeMap;

const ROLE: &str = "node-role.kubernetes.io/";

pub fn describe(k: &mut Kube<'_, '_>, node: &Value, doc: &mut Doc) -> Result<(), Error> {
    doc.field(0, "Name", name(node));
    let roles: Vec<&str> = members(node, "/metadata/labels")
        .iter()
        .filter_map(|(l, _)| l.strip_prefix(ROLE))
        .filter(|r| !r.is_empty())
        .collect();
    doc.field(0, "Roles", &if roles.is_empty() { "<none>".into() } else { roles.join(",") });
    doc.meta(node);
    doc.field(0, "CreationTimestamp", &rfc1123(text(node, "/metadata/creationTimestamp")));
    taints(doc, list(node, "/spec/taints"));
    doc.field(0, "Unschedulable", &boolean(node, "/spec/unschedulable").to_string());
    lease(k, node, doc);
    conditions(doc, list(node, "/status/conditions"));
    doc.line(0, "Addresses:");
    for a in list(node, "/status/addresses") {
        doc.field(1, text(a, "/type"), text(a, "/address"));
    }
    for (title, key) in [("Capacity", "/status/capacity"), ("Allocatable", "/status/allocatable")] {
        let amounts = members(node, key);
        if !amounts.is_empty() {
            doc.line(0, &format!("{title}:"));
        }
        for (resource, amount) in amounts {
            doc.field(1, resource, &quantity(amount));
        }
    }
    doc.line(0, "System Info:");
    for (title, key) in [
        ("Machine ID", "machineID"),
        ("System UUID", "systemUUID"),
        ("Boot ID", "bootID"),
        ("Kernel Version", "kernelVersion"),
        ("OS Image", "osImage"),
        ("Operating System", "operatingSystem"),
        ("Architecture", "architecture"),
        ("Container Runtime Version", "containerRuntimeVersion"),
        ("Kubelet Version", "kubeletVersion"),
    ] {
        doc.field(1, title, text(node, &format!("/status/nodeInfo/{key}")));
    }
    for (title, value) in [
        ("PodCIDR", text(node, "/spec/podCIDR").to_owned()),
        ("PodCIDRs", joined(node, "/spec/podCIDRs", ",")),
        ("ProviderID", text(node, "/spec/providerID").to_owned()),
    ] {
        if !value.is_empty() {
            doc.field(0, title, &value);
        }
    }
    let fields = format!("spec.nodeName={},status.phase!=Succeeded,status.phase!=Failed", name(node));
    match k.list_of("/api/v1/pods", &[("fieldSelector", &fields), ("limit", "500")]) {
        Ok(pods) => resources(k, node, &pods, doc),
        Err(_) => doc.field(0, "Pods", "not authorized"),
    }
    Ok(())
}

fn taints(doc: &mut Doc, taints: &[Value]) {
    doc.write("Taints:\t");
    if taints.is_empty() {
        doc.write("<none>\n");
    }
    let mut all: Vec<String> = taints.iter().map(taint_text).collect();
    all.order();
    for (i, t) in all.iter().enumerate() {
        doc.write(&format!("{}{t}\n", if i > 0 { "\t" } else { "" }));
    }
}

/// `key=value:Effect`.
fn taint_text(t: &Value) -> String {
    match text(t, "/value") {
        "" => format!("{}:{}", text(t, "/key"), text(t, "/effect")),
        value => format!("{}={value}:{}", text(t, "/key"), text(t, "/effect")),
    }
}

fn lease(k: &mut Kube<'_, '_>, node: &Value, doc: &mut Doc) {
    match k.get(&format!("/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/{}", name(node))) {
        Ok(lease) => {
            doc.line(0, "Lease:");
            let or_unset = |v: String| if v.is_empty() { "<unset>".to_owned() } else { v };
            doc.field(1, "HolderIdentity", &or_unset(text(&lease, "/spec/holderIdentity").to_owned()));
            doc.field(1, "AcquireTime", &or_unset(rfc1123(text(&lease, "/spec/acquireTime"))));
            doc.field(1, "RenewTime", &or_unset(rfc1123(text(&lease, "/spec/renewTime"))));
        }
        Err(e) => doc.field(0, "Lease", &format!("Failed to get lease: {}", e.text())),
    }
}

fn conditions(doc: &mut Doc, conditions: &[Value]) {
    if conditions.is_empty() {
        return;
    }
    doc.line(0, "Conditions:");
    doc.line(1, "Type\tStatus\tLastHeartbeatTime\tLastTransitionTime\tReason\tMessage");
    doc.line(1, "----\t------\t-----------------\t------------------\t------\t-------");
    for c in conditions {
        let (beat, change) = (rfc1123(text(c, "/lastHeartbeatTime")), rfc1123(text(c, "/lastTransitionTime")));
        let (kind, status) = (text(c, "/type"), text(c, "/status"));
        let (reason, message) = (text(c, "/reason"), text(c, "/message"));
        doc.line(1, &format!("{kind} \t{status} \t{beat} \t{change} \t{reason} \t{message}"));
    }
}

type Amounts = BTreeMap<String, Quantity>;

fn zero() -> Quantity {
    Quantity::new(0, Format::DecimalSi)
}

fn add(into: &mut Amounts, from: &Amounts) {
    for (name, amount) in from {
        let sum = into.get(name).map_or(*amount, |q| q.add(*amount));
        into.insert(name.clone(), sum);
    }
}

fn max(into: &mut Amounts, from: &Amounts) {
    for (name, amount) in from {
        if into.get(name).is_none_or(|q| q < amount) {
            into.insert(name.clone(), *amount);
        }
    }
}

/// What a pod asks for or is limited to: its containers together, or what an init container needs alone.
fn pod_amounts(pod: &Value, which: &str) -> Amounts {
    let of = |c: &Value| -> Amounts {
        let parse = |(name, v): (&String, &Value)| Some((name.clone(), Quantity::from_json(v).ok()?));
        members(c, &format!("/resources/{which}")).into_iter().filter_map(parse).gather()
    };
    let (mut total, mut sidecars, mut init) = (Amounts::new(), Amounts::new(), Amounts::new());
    for c in list(pod, "/spec/initContainers") {
        let mut need = of(c);
        if text(c, "/restartPolicy") == "Always" {
            add(&mut total, &need);
            add(&mut sidecars, &need);
            need = sidecars.clone();
        } else {
            add(&mut need, &sidecars);
        }
        max(&mut init, &need);
    }
    for c in list(pod, "/spec/containers") {
        add(&mut total, &of(c));
    }
    max(&mut total, &init);
    let whole = of(at(pod, "/spec"));
    total.extend(whole);
    if has(pod, "/spec/overhead") && (which == "requests" || !total.is_empty()) {
        let overhead: Amounts = members(pod, "/spec/overhead")
            .into_iter()
            .filter_map(|(n, v)| Some((n.clone(), Quantity::from_json(v).ok()?)))
            .gather();
        add(&mut total, &overhead);
    }
    total
}

/// `100m (5%)`.
fn share(amounts: &Amounts, resource: &str, allocatable: &Value) -> String {
    let amount = amounts.get(resource).copied().unwrap_or_else(zero);
    let all = allocatable.get(resource).and_then(|v| Quantity::from_json(v).ok()).unwrap_or_else(zero);
    let part = if all.is_zero() {
        0
    } else if resource == "cpu" {
        (amount.milli_value() as f64 / all.milli_value() as f64 * 100.0) as i64
    } else {
        (amount.value() as f64 / all.value() as f64 * 100.0) as i64
    };
    format!("{amount} ({part}%)")
}

fn resources(k: &Kube<'_, '_>, node: &Value, pods: &[Value], doc: &mut Doc) {
    let allocatable =
        if has(node, "/status/allocatable") { at(node, "/status/allocatable") } else { at(node, "/status/capacity") };
    doc.field(0, "Non-terminated Pods", &format!("({} in total)", pods.len()));
    doc.line(1, "Namespace\tName\t\tCPU Requests\tCPU Limits\tMemory Requests\tMemory Limits\tAge");
    doc.line(1, "---------\t----\t\t------------\t----------\t---------------\t-------------\t---");
    let (mut requests, mut limits) = (Amounts::new(), Amounts::new());
    for pod in pods {
        let (request, limit) = (pod_amounts(pod, "requests"), pod_amounts(pod, "limits"));
        let cells = [
            share(&request, "cpu", allocatable),
            share(&limit, "cpu", allocatable),
            share(&request, "memory", allocatable),
            share(&limit, "memory", allocatable),
            age(text(pod, "/metadata/creationTimestamp"), k.now()),
        ];
        doc.line(1, &format!("{}\t{}\t\t{}", namespace(pod), name(pod), cells.join("\t")));
        add(&mut requests, &request);
        add(&mut limits, &limit);
    }
    doc.line(0, "Allocated resources:");
    doc.line(1, "(Total limits may be over 100 percent, i.e., overcommitted.)");
    doc.line(1, "Resource\tRequests\tLimits");
    doc.line(1, "--------\t--------\t------");
    let huge = members(allocatable, "").into_iter().map(|(n, _)| n.as_str()).filter(|n| n.starts_with("hugepages-"));
    for resource in ["cpu", "memory", "ephemeral-storage"].into_iter().chain(huge) {
        let (request, limit) = (share(&requests, resource, allocatable), share(&limits, resource, allocatable));
        doc.line(1, &format!("{resource}\t{request}\t{limit}"));
    }
    for (resource, _) in members(allocatable, "").into_iter().filter(|(n, _)| n.contains('/')) {
        let amount = |of: &Amounts| of.get(resource).copied().unwrap_or_else(zero).to_string();
        doc.line(1, &format!("{resource}\t{}\t{}", amount(&requests), amount(&limits)));
    }
}
