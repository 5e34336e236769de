//! Requests that a node answers: the server checks that the pod and the container exist and passes them on.
//!
//! Models: `pkg/registry/core/pod/rest`, `strategy.go` (`LogLocation`, `ExecLocation` …).

use super::{Answer, Call, Scope, health, options};
use crate::ApiServer;
use apimachinery::field::{Error, ErrorList, Path};
use apimachinery::http::{Body, Method, Reply, Response};
use apimachinery::status::Status;
use apimachinery::time::Time;
use k8s_openapi::api::core::v1::{Node, Pod, PodSpec, Service};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NodeVerb {
    Log,
    Exec,
    Attach,
    PortForward,
    Proxy,
}

/// Whom a request is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NodeTarget {
    Pod(String),
    /// `proxy` only: a service, by port name or number (empty: its only one).
    Service(String),
    /// `proxy` only: the kubelet itself.
    Node(String),
}

/// A request for the kubelet of a node (or, for a service, for the service network).
#[derive(Clone, Debug)]
pub struct NodeRequest {
    pub verb: NodeVerb,
    pub namespace: String,
    pub target: NodeTarget,
    /// Where the pod runs; empty for a service.
    pub node: String,
    /// Known to exist, for log, exec and attach.
    pub container: String,
    pub options: NodeOptions,
    pub method: Method,
    pub body: Body,
}

#[derive(Clone, Debug, Default)]
pub struct NodeOptions {
    // log
    pub follow: bool,
    pub previous: bool,
    pub timestamps: bool,
    pub tail_lines: Option<u64>,
    pub limit_bytes: Option<u64>,
    /// Nothing older: from `sinceSeconds` or `sinceTime`.
    pub since: Option<Time>,
    // exec, attach
    pub command: Vec<String>,
    pub stdin: bool,
    pub stdout: bool,
    pub stderr: bool,
    pub tty: bool,
    // portforward
    pub ports: Vec<u16>,
    // proxy
    pub scheme: String,
    pub port: String,
    pub path: String,
    pub query: Vec<(String, String)>,
}

pub(super) fn serve(server: &mut ApiServer, call: &mut Call, scope: &Scope) -> Result<Answer, Status> {
    let verb = match scope.subresource.as_str() {
        "log" => NodeVerb::Log,
        "exec" => NodeVerb::Exec,
        "attach" => NodeVerb::Attach,
        "portforward" => NodeVerb::PortForward,
        _ => return proxy(server, call, scope),
    };
    let method_fits = match verb {
        NodeVerb::Log => matches!(call.method, Method::Get | Method::Head),
        _ => matches!(call.method, Method::Get | Method::Post),
    };
    if !method_fits {
        return Err(super::method_not_allowed());
    }
    let pod = server.get::<Pod>(&scope.namespace, &scope.name).ok_or_else(|| scope.not_found())?;
    let spec = pod.spec.clone().unwrap_or_default();
    let options = match verb {
        NodeVerb::Log => log_options(server, call)?,
        _ => stream_options(call)?,
    };
    let container = match verb {
        NodeVerb::PortForward => String::new(),
        _ => container(&spec, &scope.name, call.request.param("container").unwrap_or_default())?,
    };
    if matches!(verb, NodeVerb::Exec | NodeVerb::Attach) {
        if verb == NodeVerb::Exec && options.command.is_empty() {
            return Err(Status::bad_request("you must specify at least 1 command for the container"));
        }
        if !(options.stdin || options.stdout || options.stderr) {
            return Err(Status::bad_request("you must specify at least 1 of stdin, stdout, stderr"));
        }
    }
    let node = spec.node_name.unwrap_or_default();
    if node.is_empty() {
        return match verb {
            NodeVerb::Log => Ok(Answer::Done(Response { code: 204, headers: Vec::new(), body: Reply::Empty })),
            _ => Err(Status::bad_request(format!("pod {} does not have a host assigned", scope.name))),
        };
    }
    Ok(Answer::Node(Box::new(NodeRequest {
        verb,
        namespace: scope.namespace.clone(),
        target: NodeTarget::Pod(scope.name.clone()),
        node,
        container,
        options,
        method: call.method,
        body: core::mem::take(&mut call.body),
    })))
}

/// Finds the container that is meant.
fn container(spec: &PodSpec, pod: &str, wanted: &str) -> Result<String, Status> {
    let init = spec.init_containers.iter().flatten().map(|c| c.name.as_str());
    let plain = spec.containers.iter().map(|c| c.name.as_str());
    let ephemeral = spec.ephemeral_containers.iter().flatten().map(|c| c.name.as_str());
    let names: Vec<&str> = init.chain(plain).chain(ephemeral).collect();
    if !wanted.is_empty() {
        return if names.contains(&wanted) {
            Ok(wanted.to_owned())
        } else {
            Err(Status::bad_request(format!("container {wanted} is not valid for pod {pod}")))
        };
    }
    match spec.containers.as_slice() {
        [one] => Ok(one.name.clone()),
        [] => Err(Status::bad_request(format!("a container name must be specified for pod {pod}"))),
        _ => Err(Status::bad_request(format!(
            "a container name must be specified for pod {pod}, choose one of: [{}]",
            names.join(" ")
        ))),
    }
}

fn log_options(server: &ApiServer, call: &Call) -> Result<NodeOptions, Status> {
    let mut errors = ErrorList::default();
    let mut positive = |name: &str, min: i64| -> Result<Option<u64>, Status> {
        let Some(n) = options::number(call, name)? else { return Ok(None) };
        if n < min {
            let why = if min > 0 { "must be greater than 0" } else { "must be greater than or equal to 0" };
            errors.push(Error::invalid_raw(&Path::new(name), n, why));
        }
        Ok(Some(u64::try_from(n).unwrap_or(0)))
    };
    let tail_lines = positive("tailLines", 0)?;
    let limit_bytes = positive("limitBytes", 1)?;
    let since_seconds = positive("sinceSeconds", 1)?;
    let since_time = call.request.param("sinceTime").filter(|t| !t.is_empty());
    if since_seconds.is_some() && since_time.is_some() {
        errors.push(Error::forbidden(&Path::new(""), "at most one of `sinceTime` or `sinceSeconds` may be specified"));
    }
    if !errors.is_empty() {
        return Err(Status::invalid("", "PodLogOptions", "", &errors));
    }
    let since = match (since_seconds, since_time) {
        (Some(seconds), _) => {
            let micros = i64::try_from(seconds).unwrap_or(i64::MAX).saturating_mul(1_000_000);
            Some(Time(server.now.0.saturating_sub(micros)))
        }
        (None, Some(text)) => match text.parse::<k8s_openapi::jiff::Timestamp>() {
            Ok(t) => Some(Time::from(t)),
            Err(_) => {
                let quoted = apimachinery::field::quote(text);
                return Err(Status::bad_request(format!(
                    "parsing time {quoted} as \"2006-01-02T15:04:05Z07:00\": cannot parse {quoted} as \"2006\""
                )));
            }
        },
        (None, None) => None,
    };
    Ok(NodeOptions {
        follow: options::flag(call, "follow"),
        previous: options::flag(call, "previous"),
        timestamps: options::flag(call, "timestamps"),
        tail_lines,
        limit_bytes,
        since,
        ..NodeOptions::default()
    })
}

fn stream_options(call: &Call) -> Result<NodeOptions, Status> {
    let all = |name: &str| {
        let name = name.to_owned();
        call.request.query.iter().filter(move |(n, _)| *n == name).map(|(_, v)| v.as_str())
    };
    let mut ports = Vec::new();
    for text in all("ports").flat_map(|t| t.split(',')).take(64) {
        let port = text.trim().parse::<u16>().ok().filter(|p| *p > 0);
        ports.push(port.ok_or_else(|| Status::bad_request(format!("unable to parse {text:?} as a port")))?);
    }
    Ok(NodeOptions {
        command: all("command").map(str::to_owned).collect(),
        stdin: options::flag(call, "stdin"),
        stdout: options::flag(call, "stdout"),
        stderr: options::flag(call, "stderr"),
        tty: options::flag(call, "tty"),
        ports,
        ..NodeOptions::default()
    })
}

/// `[scheme:]name[:port]`, as the segment of a path.
fn split_target(segment: &str) -> (&str, &str, &str) {
    let parts: Vec<&str> = segment.split(':').collect();
    match parts.as_slice() {
        [name] => ("", name, ""),
        [name, port] => ("", name, port),
        [scheme, name, port] => (scheme, name, port),
        _ => ("", segment, ""),
    }
}

fn proxy(server: &mut ApiServer, call: &mut Call, scope: &Scope) -> Result<Answer, Status> {
    let (scheme, name, port) = split_target(&scope.name);
    let missing = || Status::not_found(scope.group(), scope.resource(), name);
    let (target, node) = match scope.resource() {
        "pods" => {
            let pod = server.get::<Pod>(&scope.namespace, name).ok_or_else(missing)?;
            let node = pod.spec.as_ref().and_then(|s| s.node_name.clone()).unwrap_or_default();
            if node.is_empty() {
                return Err(Status::bad_request(format!("pod {name} does not have a host assigned")));
            }
            (NodeTarget::Pod(name.to_owned()), node)
        }
        "services" => {
            let service = server.get::<Service>(&scope.namespace, name).ok_or_else(missing)?;
            let ports = service.spec.as_ref().and_then(|s| s.ports.clone()).unwrap_or_default();
            let known = |p: &&k8s_openapi::api::core::v1::ServicePort| {
                p.name.as_deref() == Some(port) || p.port.to_string() == port
            };
            let found = if port.is_empty() { ports.len() == 1 } else { ports.iter().any(|p| known(&p)) };
            if !found {
                let mut status = Status::new(
                    503,
                    "ServiceUnavailable",
                    format!(
                        "no service port {} found for service {}",
                        apimachinery::field::quote(port),
                        apimachinery::field::quote(name)
                    ),
                );
                status.details = None;
                return Err(status);
            }
            (NodeTarget::Service(name.to_owned()), String::new())
        }
        "nodes" => {
            server.get::<Node>("", name).ok_or_else(missing)?;
            (NodeTarget::Node(name.to_owned()), name.to_owned())
        }
        _ => return Ok(Answer::Done(health::page_not_found())),
    };
    let options = NodeOptions {
        scheme: scheme.to_owned(),
        port: port.to_owned(),
        path: format!("/{}", scope.subpath),
        query: call.request.query.clone(),
        ..NodeOptions::default()
    };
    Ok(Answer::Node(Box::new(NodeRequest {
        verb: NodeVerb::Proxy,
        namespace: scope.namespace.clone(),
        target,
        node,
        container: String::new(),
        options,
        method: call.method,
        body: core::mem::take(&mut call.body),
    })))
}
