//! The world as a container's machine sees it: the cluster network, seen from one pod.

use super::Kubelets;
use crate::network::{Network, Wires};
use apimachinery::http::{Request, StreamId, StreamRead};
use apimachinery::time::Time;
use apiserver::ApiServer;
use core::any::Any;
use machine::host::{Exchange, ForwardTarget, Host, ListenerId, NetError};
use std::sync::Arc;

pub struct PodHost<'a> {
    pub api: &'a mut ApiServer,
    pub kubelets: &'a mut Kubelets,
    pub network: &'a mut Network,
    pub uid: Arc<str>,
}

impl Host for PodHost<'_> {
    fn now(&self) -> Time {
        self.api.now
    }

    fn http(&mut self, _machine: &str, scheme: &str, host: &str, port: u16, request: Request) -> Exchange {
        let uid = Arc::clone(&self.uid);
        let mut wires = Wires { api: self.api, kubelets: self.kubelets };
        self.network.http_from_pod(&mut wires, &uid, scheme, host, port, request)
    }

    fn stream_read(&mut self, id: StreamId) -> StreamRead {
        self.api.stream_read(id)
    }

    fn stream_write(&mut self, _id: StreamId, _channel: u8, _bytes: &[u8]) {}

    fn stream_close(&mut self, id: StreamId) {
        self.api.stream_close(id);
    }

    fn resolve(&mut self, _machine: &str, name: &str) -> Result<Vec<String>, NetError> {
        let wires = Wires { api: self.api, kubelets: self.kubelets };
        self.network.resolve(&wires, Some(&self.uid), name).map(|r| r.addresses)
    }

    fn listen(&mut self, _machine: &str, _port: u16, _to: ForwardTarget) -> Result<ListenerId, NetError> {
        Err(NetError::Refused)
    }

    fn accepted(&mut self, _id: ListenerId) -> Result<u32, String> {
        Err("port forwarding from inside a container is not simulated".to_owned())
    }

    fn unlisten(&mut self, _id: ListenerId) {}

    fn as_any(&mut self) -> &mut dyn Any {
        self.network
    }
}
