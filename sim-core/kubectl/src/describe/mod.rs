//! `kubectl describe`: everything about an object for people, by kind; other kinds generically.
//!
//! One table of describers; a describer writes into a [`Doc`] and may look up what belongs to the object.
//!
//! Models: kubectl `pkg/describe` and `cmd/describe`.

mod access;
mod autoscaling;
mod batch;
mod config;
mod deployment;
mod doc;
mod endpoints;
mod events;
mod generic;
mod ingress;
mod namespace;
mod network_policy;
mod node;
mod pod;
mod pod_template;
mod scheduling;
mod service;
mod storage;
mod volumes;
mod workloads;

pub use doc::Doc;
pub use events::{interval, last_seen};
pub use pod_template::pod_template;

use crate::builder::{ALL_NAMESPACES_FLAG, FILE_FLAGS, Find, Info, SELECTOR_FLAG};
use crate::error::{Error, plain};
use crate::flags::{Args, Command, Flag, Group, Kind, boolean, flag};
use crate::session::Kube;
use crate::task::{DONE, Next};
use serde_json::Value;

const FLAGS: &[Flag] = &[
    boolean("all", "All objects of the type."),
    flag("chunk-size", Kind::Int, "500", "Fetch large lists in pieces of this size."),
    flag("show-events", Kind::Bool, "true", "Show events about the object."),
];

pub static COMMAND: Command = Command {
    name: "describe",
    group: Group::Trouble,
    short: "Show details of a specific resource or group of resources",
    usage: "(-f FILENAME | TYPE [NAME_PREFIX | -l label] | TYPE/NAME) [options]",
    long: "Show details of a specific resource or group of resources.\n\n Puts together what several API calls tell about an object, events included. A name that matches nothing is tried as a prefix.",
    examples: &[
        ("Describe a node", "kubectl describe nodes kubernetes-node-emt8.c.myproject.internal"),
        ("Describe a pod", "kubectl describe pods/nginx"),
        ("Describe all pods with a label", "kubectl describe pods -l name=myLabel"),
    ],
    flags: &[FLAGS, FILE_FLAGS, SELECTOR_FLAG, ALL_NAMESPACES_FLAG],
    run: Some(run),
    ..Command::EMPTY
};

/// Writes what is to know about one object.
pub type Describer = fn(&mut Kube<'_, '_>, &Value, &mut Doc) -> Result<(), Error>;

/// Group, kind, describer, and whether events follow.
const DESCRIBERS: &[(&str, &str, Describer, bool)] = &[
    ("", "Pod", pod::describe, true),
    ("", "Service", service::describe, true),
    ("", "Endpoints", endpoints::describe, true),
    ("discovery.k8s.io", "EndpointSlice", endpoints::describe_slice, true),
    ("", "Node", node::describe, true),
    ("", "Namespace", namespace::describe, false),
    ("", "ResourceQuota", namespace::describe_quota, false),
    ("", "LimitRange", namespace::describe_limits, false),
    ("", "ConfigMap", config::describe_config_map, true),
    ("", "Secret", config::describe_secret, false),
    ("", "ServiceAccount", config::describe_service_account, true),
    ("", "PersistentVolume", storage::describe_volume, true),
    ("", "PersistentVolumeClaim", storage::describe_claim, true),
    ("storage.k8s.io", "StorageClass", storage::describe_class, true),
    ("", "ReplicationController", workloads::describe_replica_set, true),
    ("apps", "ReplicaSet", workloads::describe_replica_set, true),
    ("apps", "Deployment", deployment::describe, true),
    ("apps", "StatefulSet", workloads::describe_stateful_set, true),
    ("apps", "DaemonSet", workloads::describe_daemon_set, true),
    ("batch", "Job", batch::describe_job, true),
    ("batch", "CronJob", batch::describe_cron_job, true),
    ("networking.k8s.io", "Ingress", ingress::describe, true),
    ("networking.k8s.io", "IngressClass", ingress::describe_class, true),
    ("networking.k8s.io", "NetworkPolicy", network_policy::describe, false),
    ("rbac.authorization.k8s.io", "Role", access::describe_role, false),
    ("rbac.authorization.k8s.io", "ClusterRole", access::describe_role, false),
    ("rbac.authorization.k8s.io", "RoleBinding", access::describe_binding, false),
    ("rbac.authorization.k8s.io", "ClusterRoleBinding", access::describe_binding, false),
    ("autoscaling", "HorizontalPodAutoscaler", autoscaling::describe_autoscaler, true),
    ("policy", "PodDisruptionBudget", autoscaling::describe_budget, true),
    ("scheduling.k8s.io", "PriorityClass", scheduling::describe_priority, true),
];

fn run(k: &mut Kube<'_, '_>, args: &Args) -> Result<Next, Error> {
    if args.rest.is_empty() && args.list("filename").is_empty() && args.str("kustomize").is_empty() {
        return plain(
            "You must specify the type of resource to describe. Use \"kubectl api-resources\" for a complete list of supported resources.\n",
        );
    }
    let mut find = Find::new(args);
    find.type_alone = true;
    let found = k.find(&find)?;
    if let ([], [error]) = (found.infos.as_slice(), found.errors.as_slice())
        && error.is_not_found()
        && args.rest.len() == 2
    {
        return by_prefix(k, args, error.clone());
    }
    let nothing = found.infos.is_empty() && found.errors.is_empty();
    print(k, args, found.infos)?;
    Error::all(found.errors)?;
    if nothing && args.bool("all-namespaces") {
        k.err("No resources found\n");
    } else if nothing {
        let (namespace, _) = k.namespace()?;
        k.err(&format!("No resources found in {namespace} namespace.\n"));
    }
    DONE
}

fn print(k: &mut Kube<'_, '_>, args: &Args, infos: Vec<Info>) -> Result<(), Error> {
    let mut errors = Vec::new();
    let mut first = true;
    for info in infos {
        match describe(k, &info, args.bool("show-events")) {
            Ok(text) => {
                if !first {
                    k.out("\n\n");
                }
                first = false;
                k.out(&text);
            }
            Err(e) => errors.push(e),
        }
    }
    Error::all(errors)
}

/// Objects whose names begin with what was given; the first error when there is none.
fn by_prefix(k: &mut Kube<'_, '_>, args: &Args, error: Error) -> Result<Next, Error> {
    let kinds = [args.rest[0].clone()];
    let mut find = Find::new(args).with_args(&kinds);
    find.type_alone = true;
    let found = k.find(&find)?;
    let prefix = &args.rest[1];
    let matching: Vec<Info> = found.infos.into_iter().filter(|i| i.name.starts_with(prefix.as_str())).collect();
    if matching.is_empty() {
        return Err(error);
    }
    print(k, args, matching)?;
    DONE
}

fn describe(k: &mut Kube<'_, '_>, info: &Info, show_events: bool) -> Result<String, Error> {
    let mut doc = Doc::default();
    let mapping = &info.mapping;
    let entry = DESCRIBERS.iter().find(|(group, kind, ..)| *group == mapping.group && *kind == mapping.kind);
    let (describer, has_events): (Describer, bool) = match entry {
        Some((_, _, describer, has_events)) => (*describer, *has_events),
        None => (generic::describe, true),
    };
    describer(k, &info.object, &mut doc)?;
    if show_events && has_events {
        events::describe(k, &info.object, &mut doc);
    }
    Ok(doc.finish())
}
