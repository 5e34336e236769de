//! The cluster's network: addresses, names, services, and what a request meets on its way.
//!
//! Models: kube-proxy, CoreDNS and a flat pod network, for HTTP-shaped traffic. A request is worked out at once: who
//! answers, what, and when the answer will be back. Each leaves a trace of hops that a front end can draw.

mod dns;
mod service;

use crate::images::http::Answer;
use crate::kubelet::Kubelets;
use crate::latency;
use apimachinery::http::Request;
use apimachinery::time::{Duration, Time};
use apiserver::{ApiServer, Outcome};
pub use dns::Resolved;
use machine::host::{Exchange, NetError};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// A place that a request has passed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hop {
    /// The learner's machine, or anything outside the cluster.
    Outside,
    Node(String),
    Pod {
        namespace: String,
        name: String,
    },
    Service {
        namespace: String,
        name: String,
    },
    Dns(String),
    ApiServer,
}

/// What became of a request.
#[derive(Clone, Debug, PartialEq)]
pub struct Trace {
    /// Counts up by one with every request.
    pub number: u64,
    pub at: Time,
    pub hops: Vec<Hop>,
    /// HTTP status code, or the failure.
    pub result: Result<u16, NetError>,
    pub line: String,
}

/// Traces kept for front ends.
const TRACES_MAX: usize = 256;
/// A request that servers pass on more often than this goes in circles.
const FORWARDS_MAX: u32 = 8;

/// What the network runs through.
pub struct Wires<'a> {
    pub api: &'a mut ApiServer,
    pub kubelets: &'a mut Kubelets,
}

#[derive(Clone, Default)]
pub struct Network {
    /// Whose turn it is, per service and port.
    pub(crate) turns: BTreeMap<(String, u16), usize>,
    traces: VecDeque<Trace>,
    sent: u64,
}

/// Where a request starts.
#[derive(Clone, Debug)]
struct Sender {
    hop: Hop,
    ip: String,
    uid: Option<Arc<str>>,
}

/// Where an address leads.
enum Target {
    Pod { uid: Arc<str>, port: u16 },
    ApiServer,
    Nobody(NetError),
}

impl Network {
    /// Requests so far, the newest last.
    pub fn traces(&self) -> impl DoubleEndedIterator<Item = &Trace> {
        self.traces.iter()
    }

    /// A request from a container of the pod `uid`.
    pub fn http_from_pod(
        &mut self,
        wires: &mut Wires<'_>,
        uid: &Arc<str>,
        scheme: &str,
        host: &str,
        port: u16,
        request: Request,
    ) -> Exchange {
        let sender = match wires.kubelets.worker(uid) {
            Some(w) => Sender {
                hop: Hop::Pod { namespace: w.namespace().to_owned(), name: w.name().to_owned() },
                ip: w.pod_ip.clone(),
                uid: Some(Arc::clone(uid)),
            },
            None => Sender { hop: Hop::Outside, ip: String::new(), uid: None },
        };
        self.send(wires, sender, scheme, host, port, request, 0)
    }

    /// A request from outside the cluster that reaches the nodes' network (`curl http://192.168.49.2:30080`).
    pub fn http_from_outside(
        &mut self,
        wires: &mut Wires<'_>,
        scheme: &str,
        host: &str,
        port: u16,
        request: Request,
    ) -> Exchange {
        let sender = Sender { hop: Hop::Outside, ip: "192.168.49.1".to_owned(), uid: None };
        self.send(wires, sender, scheme, host, port, request, 0)
    }

    /// A request straight to a port of a pod, as `kubectl port-forward` carries it: from the pod's own loopback.
    pub fn http_to_pod(
        &mut self,
        wires: &mut Wires<'_>,
        namespace: &str,
        pod: &str,
        port: u16,
        request: Request,
    ) -> Exchange {
        let uid = wires
            .api
            .get::<k8s_openapi::api::core::v1::Pod>(namespace, pod)
            .and_then(|p| p.metadata.uid.as_deref().map(Arc::from));
        let sender = Sender { hop: Hop::Outside, ip: "127.0.0.1".to_owned(), uid: None };
        let target = match uid {
            Some(uid) => Target::Pod { uid, port },
            None => Target::Nobody(NetError::Refused),
        };
        let line = line_of(&request);
        let mut hops = vec![sender.hop.clone(), Hop::ApiServer];
        let exchange = self.deliver(wires, &sender, target, "http", "127.0.0.1", request, &mut hops, 0);
        self.trace(wires.api.now, hops, &exchange, line);
        exchange
    }

    fn send(
        &mut self,
        wires: &mut Wires<'_>,
        sender: Sender,
        scheme: &str,
        host: &str,
        port: u16,
        request: Request,
        forwards: u32,
    ) -> Exchange {
        let line = line_of(&request);
        let mut hops = vec![sender.hop.clone()];
        let exchange = match self.resolve(wires, sender.uid.as_ref(), host) {
            Ok(resolved) => {
                if resolved.asked_dns {
                    hops.push(Hop::Dns(host.to_owned()));
                }
                let address = resolved.addresses.first().cloned().unwrap_or_default();
                let target = self.route(wires, &sender, &address, port, &mut hops);
                self.deliver(wires, &sender, target, scheme, &address, request, &mut hops, forwards)
            }
            Err(e) => {
                hops.push(Hop::Dns(host.to_owned()));
                Exchange { after: latency::NETWORK_HOP * 4, address: host.to_owned(), result: Err(e) }
            }
        };
        self.trace(wires.api.now, hops, &exchange, line);
        exchange
    }

    fn route(&mut self, wires: &Wires<'_>, sender: &Sender, ip: &str, port: u16, hops: &mut Vec<Hop>) -> Target {
        if ip.starts_with("127.") || ip == "::1" {
            return match &sender.uid {
                Some(uid) => Target::Pod { uid: Arc::clone(uid), port },
                None => Target::Nobody(NetError::Refused),
            };
        }
        let config = &wires.api.config;
        if (ip == config.address && port == config.port) || (ip == "10.96.0.1" && port == 443) {
            return Target::ApiServer;
        }
        if let Some(uid) = wires.kubelets.by_ip.get(ip) {
            return Target::Pod { uid: Arc::clone(uid), port };
        }
        if let Some(node) = wires.kubelets.nodes.values().find(|n| n.ip == ip) {
            if !node.up {
                return Target::Nobody(NetError::TimedOut);
            }
            hops.push(Hop::Node(node.name.to_string()));
            return self.node_port(wires, &sender.ip, &node.name, port, hops);
        }
        if let Some(found) = self.cluster_ip(wires, &sender.ip, ip, port, hops) {
            return found;
        }
        // Nothing in the cluster has this address: packets leave it and are never seen again.
        Target::Nobody(NetError::TimedOut)
    }

    fn deliver(
        &mut self,
        wires: &mut Wires<'_>,
        sender: &Sender,
        target: Target,
        scheme: &str,
        address: &str,
        request: Request,
        hops: &mut Vec<Hop>,
        forwards: u32,
    ) -> Exchange {
        let travel = latency::NETWORK_HOP * u32::try_from(hops.len().max(1) * 2).unwrap_or(2);
        let exchange = |after: Duration, result| Exchange { after, address: address.to_owned(), result };
        match target {
            Target::Nobody(NetError::TimedOut) => exchange(latency::CONNECT_TIMEOUT, Err(NetError::TimedOut)),
            Target::Nobody(e) => exchange(travel, Err(e)),
            Target::ApiServer => {
                hops.push(Hop::ApiServer);
                if scheme == "http" {
                    let text = "Client sent an HTTP request to an HTTPS server.\n";
                    return exchange(travel, Ok(apimachinery::http::Response::text(400, text)));
                }
                match wires.api.handle(request) {
                    Outcome::Done(response) => exchange(travel, Ok(response)),
                    Outcome::Node(_) => exchange(travel, Err(NetError::Reset)),
                }
            }
            Target::Pod { uid, port } => {
                if let Some(w) = wires.kubelets.worker(&uid) {
                    let up = wires.kubelets.nodes.get(&w.node).is_some_and(|n| n.up);
                    let me = Hop::Pod { namespace: w.namespace().to_owned(), name: w.name().to_owned() };
                    if hops.last() != Some(&me) {
                        hops.push(me);
                    }
                    if !up {
                        return exchange(latency::CONNECT_TIMEOUT, Err(NetError::TimedOut));
                    }
                }
                let now = wires.api.now;
                let served = travel + latency::HTTP_SERVE;
                match wires.kubelets.answer(&uid, None, port, &sender.ip, &request, now) {
                    None => exchange(travel, Err(NetError::Refused)),
                    Some(_) if scheme == "https" => exchange(served, Err(NetError::NotHttp(b"not tls".to_vec()))),
                    Some(Answer::Http(response)) => exchange(served, Ok(response)),
                    Some(Answer::NotHttp(first)) => exchange(served, Err(NetError::NotHttp(first))),
                    Some(Answer::Silence) => exchange(latency::CONNECT_TIMEOUT, Err(NetError::TimedOut)),
                    Some(Answer::Forward { .. }) if forwards >= FORWARDS_MAX => exchange(served, Err(NetError::Reset)),
                    Some(Answer::Forward { scheme, host, port, request }) => {
                        let ip = wires.kubelets.worker(&uid).map(|w| w.pod_ip.clone()).unwrap_or_default();
                        let hop = hops.last().cloned().unwrap_or(Hop::Outside);
                        let onward = Sender { hop, ip, uid: Some(uid) };
                        let inner = self.send(wires, onward, &scheme, &host, port, request, forwards + 1);
                        let result = match inner.result {
                            Ok(response) => Ok(response),
                            // What a reverse proxy says when nobody is behind it.
                            Err(_) => Ok(apimachinery::http::Response::text(
                                502,
                                "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n<center><h1>502 Bad Gateway</h1></center>\r\n</body>\r\n</html>\r\n",
                            )),
                        };
                        exchange(served + inner.after.min(Duration::from_secs(60)), result)
                    }
                }
            }
        }
    }

    fn trace(&mut self, at: Time, hops: Vec<Hop>, exchange: &Exchange, line: String) {
        self.sent += 1;
        let result = match &exchange.result {
            Ok(response) => Ok(response.code),
            Err(e) => Err(e.clone()),
        };
        self.traces.push_back(Trace { number: self.sent, at, hops, result, line });
        if self.traces.len() > TRACES_MAX {
            self.traces.pop_front();
        }
    }
}

fn line_of(request: &Request) -> String {
    format!("{} {}", request.method.as_str(), request.path)
}
