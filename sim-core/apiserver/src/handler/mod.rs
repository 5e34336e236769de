//! The one door, HTTP-shaped: requests in, responses out.

use crate::ApiServer;
use apimachinery::http::{Request, Response};
use apimachinery::status::Status;

/// A request that the kubelet of a node answers: logs, exec, attach, port-forward.
pub struct NodeRequest {}

/// What became of a request.
pub enum Outcome {
    Done(Response),
    Node(NodeRequest),
}

impl ApiServer {
    pub fn handle(&mut self, request: Request) -> Outcome {
        let _ = request;
        let status = Status::page_not_found();
        Outcome::Done(Response::json(status.code, status.to_value()))
    }
}
