//! Everything outside the laptop's own machine, as its programs reach it: networks, docker, clusters, services, the clock.
//!
//! Implements [`Host`], the machine's view of the world. Requests are routed by address here and answered by whoever owns it.
//! Invariant: time only moves in [`Outside::advance`].

use crate::docker::engine::Engine;
use crate::link;
use crate::minikube::Minikube;
use crate::system::System;
use apimachinery::http::{Reply, Request, Response, StreamId, StreamRead};
use apimachinery::time::{Duration, Time};
use cluster::images::hosts;
use cluster::images::http::Answer;
use cluster::images::registry::Registries;
use cluster::images::unpack::FsFiles;
use machine::host::{Exchange, ForwardTarget, Host, ListenerId, NetError};
use machine::machine::Machine;
use std::any::Any;
use std::collections::BTreeMap;

#[derive(Clone)]
pub struct Outside {
    pub now: Time,
    pub seed: u64,
    pub registries: Registries,
    pub docker: Engine,
    pub minikube: Minikube,
    pub system: System,
    listeners: BTreeMap<ListenerId, Listener>,
    last_listener: u64,
}

#[derive(Clone, Debug)]
struct Listener {
    machine: String,
    port: u16,
    to: ForwardTarget,
    accepted: u32,
}

/// Which cluster a stream belongs to stands in the upper bits of its number.
const STREAM_BITS: u32 = 40;
/// A connection on the same machine.
const LOCAL: Duration = Duration::from_micros(300);
/// A connection to the internet.
const INTERNET: Duration = Duration::from_millis(60);
/// How long a client waits for an address that nobody has.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(130);
/// Servers behind servers behind servers.
const PROXY_DEPTH_MAX: u8 = 4;
/// Turns one container's machine gets at a time.
const TURNS: u32 = 2048;

impl Outside {
    pub fn new(seed: u64, now: Time) -> Self {
        Self {
            now,
            seed,
            registries: Registries::default(),
            docker: Engine::new(seed),
            minikube: Minikube::default(),
            system: System::default(),
            listeners: BTreeMap::new(),
            last_listener: 0,
        }
    }

    /// Grows whenever something changed that a program could wait for.
    pub fn revision(&self) -> u64 {
        let clusters: u64 = self.minikube.clusters().map(link::revision).sum();
        clusters + self.docker.revision
    }

    /// Lets the clusters' and containers' time pass up to `t`.
    pub fn advance(&mut self, t: Time) {
        self.now = self.now.max(t);
        for cluster in self.minikube.clusters_mut() {
            cluster.run_until(self.now);
        }
        self.docker.tend(self.now);
    }

    pub fn next_due(&mut self) -> Option<Time> {
        let clusters = self.minikube.clusters_mut().filter_map(cluster::Cluster::next_due).min();
        [clusters, self.docker.next_due()].into_iter().flatten().min()
    }

    pub fn containers_busy(&self) -> bool {
        self.docker.any_busy()
    }

    pub fn containers_due(&self) -> bool {
        self.docker.containers.iter().any(|c| c.wants_turn(self.now))
    }

    /// Gives every container's machine that has something to do its turns.
    pub fn run_containers(&mut self) {
        let ids: Vec<String> =
            self.docker.containers.iter().filter(|c| c.wants_turn(self.now)).map(|c| c.id.clone()).collect();
        for id in ids {
            let Some(mut machine) = self.docker.get_mut(&id).and_then(|c| c.machine.take()) else { continue };
            let state = machine.run(self, TURNS);
            let now = self.now;
            if let Some(c) = self.docker.get_mut(&id) {
                c.machine = Some(machine);
                c.after_turns(state, now);
            }
            self.docker.revision += 1;
        }
    }

    /// The laptop is switched off and on: clusters stop, services that are enabled start.
    pub fn power_cycle(&mut self) {
        self.listeners.clear();
        self.minikube.power_off();
        for c in self.docker.containers.iter_mut().filter(|c| c.running() && !c.node) {
            c.kill(self.now);
        }
        self.system.boot(self.now);
    }

    /// A server's answer as a finished exchange; proxies are followed.
    fn answered(&mut self, from: &str, address: String, answer: Option<Answer>, depth: u8) -> Exchange {
        let result = match answer {
            None => Err(NetError::Refused),
            Some(Answer::Http(response)) => Ok(response),
            Some(Answer::NotHttp(bytes)) => Err(NetError::NotHttp(bytes)),
            Some(Answer::Silence) => Err(NetError::TimedOut),
            Some(Answer::Forward { scheme, host, port, request }) => {
                let inner = match depth < PROXY_DEPTH_MAX {
                    true => self.route(from, &scheme, &host, port, request, depth + 1).result,
                    false => Err(NetError::TimedOut),
                };
                Ok(inner.unwrap_or_else(|_| {
                    Response::text(502, "<html><head><title>502 Bad Gateway</title></head></html>\n")
                }))
            }
        };
        Exchange { after: LOCAL * 3, address, result }
    }

    fn container_port(&mut self, id: &str, port: u16, client: &str, request: Request, depth: u8) -> Exchange {
        let now = self.now;
        let Some(c) = self.docker.get_mut(id) else {
            return Exchange { after: LOCAL, address: String::new(), result: Err(NetError::Refused) };
        };
        let address = c.ip.clone();
        let (Some(mut process), Some(machine)) = (c.native.take(), c.machine.take()) else {
            return Exchange { after: LOCAL, address, result: Err(NetError::Refused) };
        };
        let answer = process.http(now, port, client, &address, &request, &FsFiles(&machine.fs));
        if let Some(c) = self.docker.get_mut(id) {
            (c.native, c.machine) = (Some(process), Some(machine));
            c.after_turns(machine::machine::MachineState::Idle { until: None, world: false }, now);
        }
        self.docker.revision += 1;
        self.answered(&format!("docker:{id}"), address, answer, depth)
    }

    fn route(&mut self, from: &str, scheme: &str, host: &str, port: u16, request: Request, depth: u8) -> Exchange {
        let refused =
            |address: &str| Exchange { after: LOCAL, address: address.to_owned(), result: Err(NetError::Refused) };
        let host = host.trim_start_matches('[').trim_end_matches(']');
        if is_loopback(host) || host == "0.0.0.0" {
            return match from.strip_prefix("docker:") {
                Some(id) => self.container_port(id, port, "127.0.0.1", request, depth),
                None => self.loopback(from, scheme, port, request, depth),
            };
        }
        let address = match self.resolve(from, host) {
            Ok(addresses) => addresses.into_iter().next().unwrap_or_default(),
            Err(e) => return Exchange { after: INTERNET, address: String::new(), result: Err(e) },
        };
        if is_loopback(&address) {
            return self.loopback(from, scheme, port, request, depth);
        }
        if let Some((profile, api)) = self.minikube.owner_of(&address) {
            let Some(cluster) = profile.cluster.as_deref_mut().filter(|_| profile.running) else {
                return Exchange { after: Duration::from_secs(3), address, result: Err(NetError::Unreachable) };
            };
            let index = profile.index;
            return match port == crate::minikube::API_PORT && api {
                true => tagged(link::api(cluster, scheme, address, request), index),
                false => link::node_port(cluster, scheme, &address, port, request),
            };
        }
        let id = self.docker.containers.iter().find(|c| c.running() && c.ip == address).map(|c| c.id.clone());
        if let Some(id) = id {
            let client = self.docker.containers.iter().find(|c| from.ends_with(&c.id)).map(|c| c.ip.clone());
            return self.container_port(&id, port, &client.unwrap_or_else(|| "172.17.0.1".into()), request, depth);
        }
        if hosts::host(host).is_some() {
            return Exchange { after: INTERNET, address, result: Ok(front_door(&request)) };
        }
        if address.starts_with("172.17.0.1") || address.starts_with("192.168.1.") {
            return refused(&address);
        }
        Exchange { after: CONNECT_TIMEOUT, address, result: Err(NetError::TimedOut) }
    }

    fn loopback(&mut self, from: &str, scheme: &str, port: u16, request: Request, depth: u8) -> Exchange {
        let address = "127.0.0.1".to_owned();
        if let Some(listener) = self.listeners.values_mut().find(|l| l.port == port && l.machine == from) {
            listener.accepted += 1;
            let to = listener.to.clone();
            return self.forwarded(&to, request);
        }
        let published = self.docker.publisher(port).and_then(|c| {
            let p = c.spec.publish.iter().find(|p| p.host_port == port)?;
            Some((c.id.clone(), p.port))
        });
        if let Some((id, port)) = published {
            let exchange = self.container_port(&id, port, "172.17.0.1", request, depth);
            // docker's proxy accepts before it knows whether anybody listens inside.
            let result = match exchange.result {
                Err(NetError::Refused) => Err(NetError::Reset),
                other => other,
            };
            return Exchange { address, result, ..exchange };
        }
        let _ = scheme;
        Exchange { after: LOCAL, address, result: Err(NetError::Refused) }
    }

    fn forwarded(&mut self, to: &ForwardTarget, request: Request) -> Exchange {
        let Some(profile) = self.minikube.running_mut(to) else {
            return Exchange { after: LOCAL, address: "127.0.0.1".into(), result: Err(NetError::Reset) };
        };
        let index = profile.index;
        let Some(cluster) = profile.cluster.as_deref_mut() else {
            return Exchange { after: LOCAL, address: "127.0.0.1".into(), result: Err(NetError::Reset) };
        };
        match to {
            ForwardTarget::Pod { namespace, pod, port } => link::pod_port(cluster, namespace, pod, *port, request),
            ForwardTarget::ApiServer { .. } => tagged(link::api_as_admin(cluster, request), index),
        }
    }
}

/// Marks an answer's stream with the cluster it belongs to.
fn tagged(mut exchange: Exchange, index: u64) -> Exchange {
    if let Ok(response) = &mut exchange.result
        && let Reply::Stream(id) = &mut response.body
    {
        id.0 |= index << STREAM_BITS;
    }
    exchange
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host == "::1" || host.starts_with("127.")
}

fn is_address(host: &str) -> bool {
    host.split('.').count() == 4 && host.split('.').all(|p| p.parse::<u8>().is_ok())
}

/// What a registry says to a browser.
fn front_door(request: &Request) -> Response {
    if request.path.starts_with("/v2") {
        let body =
            "{\"errors\":[{\"code\":\"UNAUTHORIZED\",\"message\":\"authentication required\",\"detail\":null}]}\n";
        let mut response = Response::text(401, body);
        response.headers.push(("content-type".into(), "application/json".into()));
        return response;
    }
    let mut response =
        Response::text(200, "<!doctype html>\n<title>This registry's web pages are not simulated</title>\n");
    response.headers.push(("content-type".into(), "text/html".into()));
    response
}

impl Host for Outside {
    fn now(&self) -> Time {
        self.now
    }

    fn http(&mut self, machine: &str, scheme: &str, host: &str, port: u16, request: Request) -> Exchange {
        self.route(machine, scheme, host, port, request, 0)
    }

    fn stream_read(&mut self, id: StreamId) -> StreamRead {
        match self.minikube.by_index(id.0 >> STREAM_BITS) {
            Some(cluster) => link::stream_read(cluster, StreamId(id.0 & ((1 << STREAM_BITS) - 1))),
            None => StreamRead { frames: Vec::new(), ended: true },
        }
    }

    fn stream_write(&mut self, id: StreamId, channel: u8, bytes: &[u8]) {
        if let Some(cluster) = self.minikube.by_index(id.0 >> STREAM_BITS) {
            link::stream_write(cluster, StreamId(id.0 & ((1 << STREAM_BITS) - 1)), channel, bytes);
        }
    }

    fn stream_close(&mut self, id: StreamId) {
        if let Some(cluster) = self.minikube.by_index(id.0 >> STREAM_BITS) {
            link::stream_close(cluster, StreamId(id.0 & ((1 << STREAM_BITS) - 1)));
        }
    }

    fn resolve(&mut self, machine: &str, name: &str) -> Result<Vec<String>, NetError> {
        let name = name.trim_end_matches('.');
        if is_address(name) || name == "::1" {
            return Ok(vec![name.to_owned()]);
        }
        if name == "localhost" || name == "laptop" && machine == "laptop" {
            return Ok(vec!["127.0.0.1".to_owned()]);
        }
        if let Some(id) = machine.strip_prefix("docker:") {
            let here = self.docker.get(id).map(|c| (c.spec.network.clone(), c.spec.hostname.clone(), c.ip.clone()));
            if let Some((network, hostname, ip)) = here {
                if name == hostname {
                    return Ok(vec![ip]);
                }
                // Names of containers resolve on networks that somebody made, not on the default one.
                let named = |c: &&crate::docker::engine::Container| {
                    c.running() && c.spec.network == network && c.spec.name == name
                };
                if network != "bridge"
                    && let Some(c) = self.docker.containers.iter().find(named)
                {
                    return Ok(vec![c.ip.clone()]);
                }
            }
        }
        if hosts::host(name).is_some() {
            return Ok(vec![cluster::images::registry::address_of(name)]);
        }
        Err(NetError::NoSuchHost)
    }

    fn listen(&mut self, machine: &str, port: u16, to: ForwardTarget) -> Result<ListenerId, NetError> {
        let taken = self.listeners.values().any(|l| l.port == port && l.machine == machine)
            || machine == "laptop" && self.docker.publisher(port).is_some();
        if taken {
            return Err(NetError::Refused);
        }
        self.last_listener += 1;
        let id = ListenerId(self.last_listener);
        self.listeners.insert(id, Listener { machine: machine.to_owned(), port, to, accepted: 0 });
        Ok(id)
    }

    fn accepted(&mut self, id: ListenerId) -> Result<u32, String> {
        let Some(listener) = self.listeners.get_mut(&id) else { return Err("listener closed".to_owned()) };
        let accepted = std::mem::take(&mut listener.accepted);
        let to = listener.to.clone();
        if let ForwardTarget::Pod { namespace, pod, .. } = &to {
            let there = match self.minikube.running_mut(&to).and_then(|p| p.cluster.as_deref_mut()) {
                Some(cluster) => link::pod_exists(cluster, namespace, pod),
                None => false,
            };
            if !there {
                return Err("lost connection to pod".to_owned());
            }
        }
        Ok(accepted)
    }

    fn unlisten(&mut self, id: ListenerId) {
        self.listeners.remove(&id);
    }

    fn as_any(&mut self) -> &mut dyn Any {
        self
    }
}

/// What a program that belongs to the world may touch.
pub fn of(host: &mut dyn Host) -> Option<&mut Outside> {
    host.as_any().downcast_mut::<Outside>()
}

/// The forwards that are open on the laptop: port and where it leads.
impl Outside {
    pub fn forwards(&self) -> impl Iterator<Item = (u16, &ForwardTarget)> {
        self.listeners.values().map(|l| (l.port, &l.to))
    }

    /// Clusters pull from the same registries as the laptop.
    pub fn share_registries(&mut self) {
        let registries = self.registries.clone();
        for cluster in self.minikube.clusters_mut() {
            link::set_registries(cluster, &registries);
        }
    }

    /// A container that runs `registry:2` on a published port is a registry that the laptop can push to.
    pub fn docker_ports_changed(&mut self) {
        let open: Vec<u16> = self
            .docker
            .containers
            .iter()
            .filter(|c| c.running() && c.image.software.name == "registry")
            .flat_map(|c| c.spec.publish.iter().map(|p| p.host_port))
            .collect();
        for port in open {
            for name in ["localhost", "127.0.0.1"] {
                self.registries.open(&format!("{name}:{port}"));
            }
        }
    }

    /// Runs a container's machine with this world around it.
    pub fn with_machine<R>(&mut self, id: &str, act: impl FnOnce(&mut Machine, &mut Self) -> R) -> Option<R> {
        let mut machine = self.docker.get_mut(id)?.machine.take()?;
        let result = act(&mut machine, self);
        if let Some(c) = self.docker.get_mut(id) {
            c.machine = Some(machine);
            c.poke();
        }
        Some(result)
    }
}
