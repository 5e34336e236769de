//! What a kubelet answers directly: logs, exec, attach, and requests proxied to pods.
//!
//! Models: kubelet `server.go`, `kubelet_pods.go` (validateContainerLogStatus, GetKubeletContainerLogs) and the
//! streaming side of the CRI. The API server has already checked that pod and container exist.

use super::container::{Container, State};
use super::logs::{Line, Log};
use super::status::specs;
use crate::cluster::Cluster;
use apimachinery::http::{Frame, Reply, Request, Response, StreamId, StreamRead};
use apimachinery::status::Status;
use apimachinery::time::Time;
use apiserver::handler::{NodeOptions, NodeRequest, NodeTarget, NodeVerb};
use k8s_openapi::api::core::v1::Pod;
use machine::machine::{SessionId, Start, TtyId};
use serde_json::{Value, json};
use std::sync::Arc;

/// A stream that a kubelet serves.
#[derive(Clone)]
pub enum NodeStream {
    Log {
        uid: Arc<str>,
        container: usize,
        run: String,
        cursor: usize,
        options: NodeOptions,
    },
    Exec {
        uid: Arc<str>,
        container: usize,
        session: SessionId,
        tty: Option<TtyId>,
    },
    /// Standard output of the container's main process from now on.
    Attach {
        uid: Arc<str>,
        container: usize,
        run: String,
        cursor: usize,
    },
    /// Nothing but frames that wait to be read, then the end.
    Done(Vec<Frame>),
}

const OUT: u8 = 1;
const ERR: u8 = 2;
const STATUS: u8 = 3;
/// `resize`: `{"Width": …, "Height": …}`.
const RESIZE: u8 = 4;

impl Cluster {
    pub(crate) fn node_request(&mut self, request: NodeRequest) -> Response {
        match self.try_node_request(request) {
            Ok(response) => response,
            Err(status) => Response::json(status.code, status.to_value()),
        }
    }

    fn try_node_request(&mut self, request: NodeRequest) -> Result<Response, Status> {
        let NodeTarget::Pod(name) = request.target.clone() else { return self.proxy_elsewhere(request) };
        if request.verb == NodeVerb::Proxy {
            return self.proxy_pod(&name, request);
        }
        let pod = self.api.get::<Pod>(&request.namespace, &name).ok_or_else(|| Status::not_found("", "pods", &name))?;
        let uid: Arc<str> = pod.metadata.uid.as_deref().unwrap_or_default().into();
        if let Some(node) = self.kubelets.nodes.get(request.node.as_str()).filter(|n| !n.up) {
            let what = if request.verb == NodeVerb::Log { "containerLogs" } else { "exec" };
            let path = format!("{what}/{}/{name}/{}", request.namespace, request.container);
            let ip = &node.ip;
            return Err(Status::internal(format!(
                "Get \"https://{ip}:10250/{path}\": dial tcp {ip}:10250: connect: no route to host"
            ))
            .with_message(format!(
                "Get \"https://{ip}:10250/{path}\": dial tcp {ip}:10250: connect: no route to host"
            )));
        }
        let container = specs(&pod).position(|s| s.name == request.container);
        match request.verb {
            NodeVerb::Log => self.logs(&uid, container, &name, &request),
            NodeVerb::Exec => Ok(self.exec(&uid, container, &request)),
            NodeVerb::Attach => self.attach(&uid, container, &name, &request),
            NodeVerb::PortForward | NodeVerb::Proxy => Ok(self.open(NodeStream::Done(Vec::new()))),
        }
    }

    fn open(&mut self, stream: NodeStream) -> Response {
        let id = self.api.new_stream();
        self.streams.insert(id, stream);
        Response { code: 101, headers: Vec::new(), body: Reply::Stream(id) }
    }

    // ---- logs ----

    fn logs(
        &mut self,
        uid: &Arc<str>,
        container: Option<usize>,
        pod: &str,
        request: &NodeRequest,
    ) -> Result<Response, Status> {
        let name = &request.container;
        let waiting = |why: &str| {
            Status::bad_request(format!("container \"{name}\" in pod \"{pod}\" is waiting to start: {why}"))
        };
        let Some(worker) = self.kubelets.worker(uid) else { return Err(waiting("ContainerCreating")) };
        let Some((i, c)) = container.and_then(|i| Some((i, worker.containers.get(i)?))) else {
            return Err(Status::not_found("", "containers", name));
        };
        let inits_left = worker.containers[..i].iter().any(|c| matches!(c.state, State::None));
        let log: &Log = if request.options.previous {
            match &c.last_log {
                Some(log) => log,
                None => {
                    return Err(Status::bad_request(format!(
                        "previous terminated container \"{name}\" in pod \"{pod}\" not found"
                    )));
                }
            }
        } else {
            match (&c.state, &c.failure) {
                (State::None, Some(f)) => {
                    return Err(waiting(match f.reason {
                        "ErrImagePull" => "image can't be pulled",
                        "ImagePullBackOff" => "trying and failing to pull image",
                        other => other,
                    }));
                }
                (State::None, None) => {
                    return Err(waiting(if inits_left { "PodInitializing" } else { "ContainerCreating" }));
                }
                _ => &c.log,
            }
        };
        let options = &request.options;
        if options.follow && !options.previous {
            let shown = log.lines().count();
            let skip = options.tail_lines.map_or(0, |n| shown.saturating_sub(usize::try_from(n).unwrap_or(usize::MAX)));
            let cursor = log.written() - shown + skip;
            let (uid, run, options) = (Arc::clone(uid), c.id.clone(), options.clone());
            return Ok(self.open(NodeStream::Log { uid, container: i, run, cursor, options }));
        }
        Ok(Response::text(200, printed(log, options)))
    }

    // ---- exec and attach ----

    fn exec(&mut self, uid: &Arc<str>, container: Option<usize>, request: &NodeRequest) -> Response {
        match self.start_exec(uid, container, request) {
            Ok(stream) => {
                let response = self.open(stream);
                self.pump(uid);
                response
            }
            Err(message) => {
                let status = Status::internal(&message).with_message(message.clone()).to_value();
                self.open(NodeStream::Done(vec![status_frame(&status)]))
            }
        }
    }

    fn start_exec(
        &mut self,
        uid: &Arc<str>,
        container: Option<usize>,
        request: &NodeRequest,
    ) -> Result<NodeStream, String> {
        let not_running = || format!("unable to upgrade connection: container not found (\"{}\")", request.container);
        let i = container.ok_or_else(not_running)?;
        let running = self.kubelets.worker(uid).and_then(|w| w.containers.get(i)).is_some_and(Container::running);
        if !running {
            return Err(not_running());
        }
        self.with_pod_machine(uid, i, |machine, id| {
            let options = &request.options;
            let tty = options.tty.then(|| machine.new_tty(80, 24));
            let cwd = String::new();
            let argv = options.command.clone();
            let start = Start { argv, cwd, tty, stdin: options.stdin, ..Start::default() };
            match machine.spawn_session(start) {
                Ok(session) => Ok(NodeStream::Exec { uid: Arc::clone(uid), container: i, session, tty }),
                Err(_) => {
                    let command = options.command.first().map(String::as_str).unwrap_or_default();
                    Err(format!(
                        "Internal error occurred: Internal error occurred: error executing command in container: failed \
                         to exec in container: failed to start exec \"{id}\": OCI runtime exec failed: exec failed: \
                         unable to start container process: exec: \"{command}\": {}: unknown",
                        if command.contains('/') {
                            format!("stat {command}: no such file or directory")
                        } else {
                            "executable file not found in $PATH".to_owned()
                        }
                    ))
                }
            }
        })
        .ok_or_else(not_running)?
    }

    fn attach(
        &mut self,
        uid: &Arc<str>,
        container: Option<usize>,
        pod: &str,
        request: &NodeRequest,
    ) -> Result<Response, Status> {
        let found = container.and_then(|i| Some((i, self.kubelets.worker(uid)?.containers.get(i)?)));
        match found {
            Some((i, c)) if c.running() => {
                let (run, cursor) = (c.id.clone(), c.log.written());
                Ok(self.open(NodeStream::Attach { uid: Arc::clone(uid), container: i, run, cursor }))
            }
            _ => Err(Status::bad_request(format!(
                "container {} not found in pod {pod}_{}",
                request.container, request.namespace
            ))),
        }
    }

    // ---- proxy ----

    fn proxy_pod(&mut self, pod: &str, request: NodeRequest) -> Result<Response, Status> {
        let port = request.options.port.parse().unwrap_or(80);
        let mut inner =
            Request::new(request.method, if request.options.path.is_empty() { "/" } else { &request.options.path });
        inner.query = request.options.query;
        inner.body = request.body;
        let mut wires = crate::network::Wires { api: &mut self.api, kubelets: &mut self.kubelets };
        let exchange = self.network.http_to_pod(&mut wires, &request.namespace, pod, port, inner);
        exchange.result.map_err(|_| {
            let why = format!(
                "error trying to reach service: dial tcp {}:{port}: connect: connection refused",
                exchange.address
            );
            Status::new(503, "ServiceUnavailable", why)
        })
    }

    fn proxy_elsewhere(&mut self, request: NodeRequest) -> Result<Response, Status> {
        let NodeTarget::Service(name) = &request.target else {
            return Err(Status::new(503, "ServiceUnavailable", "the kubelet's own API is not simulated"));
        };
        let ns = &request.namespace;
        let service = self
            .api
            .get::<k8s_openapi::api::core::v1::Service>(ns, name)
            .ok_or_else(|| Status::not_found("", "services", name))?;
        let spec = service.spec.clone().unwrap_or_default();
        let wanted = &request.options.port;
        let port = spec
            .ports
            .iter()
            .flatten()
            .find(|p| wanted.is_empty() || p.name.as_ref() == Some(wanted) || p.port.to_string() == *wanted)
            .and_then(|p| u16::try_from(p.port).ok());
        let nobody =
            || Status::new(503, "ServiceUnavailable", format!("no endpoints available for service \"{name}\""));
        let (Some(port), Some(ip)) = (port, spec.cluster_ip) else { return Err(nobody()) };
        let mut inner =
            Request::new(request.method, if request.options.path.is_empty() { "/" } else { &request.options.path });
        inner.query = request.options.query;
        inner.body = request.body;
        let mut wires = crate::network::Wires { api: &mut self.api, kubelets: &mut self.kubelets };
        self.network.http_from_outside(&mut wires, "http", &ip, port, inner).result.map_err(|_| nobody())
    }

    // ---- streams ----

    /// What a stream has to say since it was last read; whoever answered opened it.
    pub fn stream_read(&mut self, id: StreamId) -> StreamRead {
        if self.api.is_watch(id) {
            return self.api.stream_read(id);
        }
        let Some(mut stream) = self.streams.remove(&id) else {
            return StreamRead { frames: Vec::new(), ended: true };
        };
        let read = match &mut stream {
            NodeStream::Done(frames) => StreamRead { frames: core::mem::take(frames), ended: true },
            NodeStream::Log { uid, container, run, cursor, options } => {
                self.read_log(uid, *container, run, cursor, options)
            }
            NodeStream::Attach { uid, container, run, cursor } => {
                let mut read = self.read_log(uid, *container, run, cursor, &NodeOptions::default());
                if read.ended {
                    read.frames.push(status_frame(&json!({"metadata": {}, "status": "Success"})));
                }
                read
            }
            NodeStream::Exec { uid, container, session, tty } => {
                let (uid, container, session, tty) = (Arc::clone(uid), *container, *session, *tty);
                self.read_exec(&uid, container, session, tty)
            }
        };
        if !read.ended {
            self.streams.insert(id, stream);
        }
        read
    }

    fn read_log(
        &self,
        uid: &str,
        container: usize,
        run: &str,
        cursor: &mut usize,
        options: &NodeOptions,
    ) -> StreamRead {
        let c = self.kubelets.worker(uid).and_then(|w| w.containers.get(container));
        let Some(c) = c else { return StreamRead { frames: Vec::new(), ended: true } };
        if c.id != run {
            return StreamRead { frames: Vec::new(), ended: true };
        }
        let text: String = c
            .log
            .after(*cursor)
            .filter(|l| options.since.is_none_or(|t| l.at >= t))
            .map(|l| line_text(l, options.timestamps))
            .collect();
        *cursor = c.log.written();
        let frames =
            if text.is_empty() { Vec::new() } else { vec![Frame::Data { channel: OUT, bytes: text.into_bytes() }] };
        StreamRead { frames, ended: !c.running() }
    }

    fn read_exec(&mut self, uid: &Arc<str>, container: usize, session: SessionId, tty: Option<TtyId>) -> StreamRead {
        let mut frames = Vec::new();
        let machine = self
            .kubelets
            .workers
            .get_mut(uid)
            .and_then(|w| w.containers.get_mut(container))
            .and_then(|c| c.machine.as_mut());
        let Some(machine) = machine else {
            // The container ended under the command.
            return StreamRead { frames: vec![exit_frame(137)], ended: true };
        };
        let mut put = |channel, bytes: Vec<u8>| {
            if !bytes.is_empty() {
                frames.push(Frame::Data { channel, bytes });
            }
        };
        match tty {
            Some(tty) => put(OUT, machine.take_output(tty)),
            None => {
                put(OUT, machine.take_stdout(session));
                put(ERR, machine.take_stderr(session));
            }
        }
        let Some(code) = machine.exit_code(session) else { return StreamRead { frames, ended: false } };
        machine.drop_session(session);
        if let Some(tty) = tty {
            machine.close_tty(tty);
        }
        frames.push(exit_frame(code));
        StreamRead { frames, ended: true }
    }

    /// Whether reading the stream would give anything.
    pub fn stream_ready(&self, id: StreamId) -> bool {
        if self.api.is_watch(id) {
            return self.api.watch_ready(id);
        }
        match self.streams.get(&id) {
            None | Some(NodeStream::Done(_) | NodeStream::Exec { .. }) => true,
            Some(
                NodeStream::Log { uid, container, run, cursor, .. }
                | NodeStream::Attach { uid, container, run, cursor },
            ) => self
                .kubelets
                .worker(uid)
                .and_then(|w| w.containers.get(*container))
                .is_none_or(|c| c.id != *run || !c.running() || c.log.written() > *cursor),
        }
    }

    /// Writes to a stream: standard input (0), a resize (4), or its end (255).
    pub fn stream_write(&mut self, id: StreamId, channel: u8, bytes: &[u8]) {
        let Some(NodeStream::Exec { uid, container, session, tty }) = self.streams.get(&id).cloned() else { return };
        self.with_pod_machine(&uid, container, |machine, _| match (channel, tty) {
            (0, Some(tty)) => machine.feed(tty, bytes),
            (0, None) => machine.write_stdin(session, bytes),
            (RESIZE, Some(tty)) => {
                let size: Value = serde_json::from_slice(bytes).unwrap_or_default();
                let part = |name: &str| size.get(name).and_then(Value::as_u64).and_then(|n| u16::try_from(n).ok());
                if let (Some(w), Some(h)) = (part("Width"), part("Height")) {
                    machine.resize(tty, w, h);
                }
            }
            (255, None) => machine.close_stdin(session),
            _ => {}
        });
        self.pump(&uid);
    }

    pub fn stream_close(&mut self, id: StreamId) {
        if let Some(NodeStream::Exec { uid, container, session, tty }) = self.streams.remove(&id) {
            self.with_pod_machine(&uid, container, |machine, _| {
                if let Some(tty) = tty {
                    machine.close_tty(tty);
                }
                machine.close_stdin(session);
            });
            self.pump(&uid);
        }
        self.api.stream_close(id);
    }

    /// Gives the machine of a container to `act`, with the container's id; makes it first if need be.
    fn with_pod_machine<R>(
        &mut self,
        uid: &Arc<str>,
        container: usize,
        act: impl FnOnce(&mut machine::machine::Machine, &str) -> R,
    ) -> Option<R> {
        let now = self.api.now;
        let (kubelets, mut cx) = self.parts();
        let writer = apiserver::Writer::new("kubelet");
        kubelets.with_site(uid, &mut cx, &writer, |w, site| w.ensure_machine(container, site));
        let c = kubelets.workers.get_mut(uid)?.containers.get_mut(container)?;
        let id = c.id.clone();
        let out = act(c.machine.as_mut()?, &id);
        c.machine_wake = Some(now);
        Some(out)
    }

    /// Lets the machines of a pod run now, without waiting for the agenda.
    fn pump(&mut self, uid: &Arc<str>) {
        let now = self.api.now;
        let (kubelets, mut cx) = self.parts();
        kubelets.run_machines(uid, &mut cx);
        kubelets.poke(uid, now, cx.agenda);
    }
}

fn status_frame(status: &Value) -> Frame {
    Frame::Data { channel: STATUS, bytes: status.to_string().into_bytes() }
}

/// How a command ended, as `v4.channel.k8s.io` and later tell it.
fn exit_frame(code: i32) -> Frame {
    if code == 0 {
        return status_frame(&json!({"metadata": {}, "status": "Success"}));
    }
    status_frame(&json!({
        "metadata": {},
        "status": "Failure",
        "reason": "NonZeroExitCode",
        "message": format!("command terminated with non-zero exit code: error executing command: exit status {code}"),
        "details": {"causes": [{"reason": "ExitCode", "message": code.to_string()}]},
    }))
}

fn line_text(line: &Line, timestamps: bool) -> String {
    if timestamps { format!("{} {}\n", nanos(line.at), line.text) } else { format!("{}\n", line.text) }
}

/// RFC 3339 with nanoseconds, as the runtime stamps lines.
fn nanos(t: Time) -> String {
    let micro = t.rfc3339_micro();
    format!("{}000Z", micro.trim_end_matches('Z'))
}

fn printed(log: &Log, options: &NodeOptions) -> String {
    let lines: Vec<&Line> = log.lines().filter(|l| options.since.is_none_or(|t| l.at >= t)).collect();
    let skip = options.tail_lines.map_or(0, |n| lines.len().saturating_sub(usize::try_from(n).unwrap_or(usize::MAX)));
    let mut text: String = lines[skip..].iter().map(|l| line_text(l, options.timestamps)).collect();
    if let Some(limit) = options.limit_bytes.and_then(|n| usize::try_from(n).ok())
        && text.len() > limit
    {
        let cut = (0..=limit).rev().find(|i| text.is_char_boundary(*i)).unwrap_or(0);
        text.truncate(cut);
    }
    text
}
