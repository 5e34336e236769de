//! What lies outside a machine: the network it is plugged into and the clock on the wall, both simulated.
//!
//! A machine never reaches into the world; it asks through [`Host`], and the world (cluster, docker, other machines)
//! implements it. [`Host::as_any`] is for programs that are the world's own (docker's client, `minikube`), never for kubectl or curl.

use apimachinery::http::{Request, Response, StreamId, StreamRead};
use apimachinery::time::{Duration, Time};
use core::any::Any;

/// Why nothing answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NetError {
    /// The name does not resolve.
    NoSuchHost,
    /// Somebody is there, but nothing listens on the port.
    Refused,
    /// Packets vanish: no such address, a partition, a policy.
    TimedOut,
    /// No route to host.
    Unreachable,
    /// The connection broke before an answer came.
    Reset,
    /// Something listens but does not speak HTTP (a database, say); what it sent first, if anything.
    NotHttp(Vec<u8>),
}

/// One HTTP exchange, complete: the network works out at once what will come back and when.
#[derive(Clone, Debug)]
pub struct Exchange {
    /// Time until the answer (or the failure) arrives at the caller.
    pub after: Duration,
    /// The address that was tried, for messages like curl's.
    pub address: String,
    pub result: Result<Response, NetError>,
}

/// Where a listener on a machine's loopback leads, for `kubectl port-forward` and `kubectl proxy`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ForwardTarget {
    Pod { namespace: String, pod: String, port: u16 },
    ApiServer { server: String },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ListenerId(pub u64);

pub trait Host {
    fn now(&self) -> Time;

    /// Sends one request from `machine` to `scheme://host:port`. API servers are reached the same way as web servers.
    /// Watches and other streams come back as `Reply::Stream`.
    fn http(&mut self, machine: &str, scheme: &str, host: &str, port: u16, request: Request) -> Exchange;

    fn stream_read(&mut self, id: StreamId) -> StreamRead;
    fn stream_write(&mut self, id: StreamId, channel: u8, bytes: &[u8]);
    fn stream_close(&mut self, id: StreamId);

    /// Addresses of a name as `machine` would resolve it.
    fn resolve(&mut self, machine: &str, name: &str) -> Result<Vec<String>, NetError>;

    /// Opens a listener on `machine`'s loopback that leads elsewhere. Fails with `Refused` when the port is taken.
    fn listen(&mut self, machine: &str, port: u16, to: ForwardTarget) -> Result<ListenerId, NetError>;
    /// How many connections have come in since last asked, or an error line if the target is gone.
    fn accepted(&mut self, id: ListenerId) -> Result<u32, String>;
    fn unlisten(&mut self, id: ListenerId);

    fn as_any(&mut self) -> &mut dyn Any;
}
