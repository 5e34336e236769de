//! Probing: HTTP, TCP and exec probes of the containers of one pod, and the commands the kubelet runs in them.
//!
//! Models: kubelet `prober/prober.go`, with its messages.

use super::container::Purpose;
use super::probes::{ProbeKind, spec_of};
use super::status::specs;
use super::{Kubelets, TASK_SLACK};
use crate::cluster::Ctx;
use apimachinery::http::Request;
use apimachinery::order::Gather as _;
use apimachinery::time::{Duration, Time};
use apiserver::Writer;
use k8s_openapi::api::core::v1::{Container as Spec, Probe};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use std::sync::Arc;

/// Turns of a container's machine at one instant …
const MACHINE_TURNS: u32 = 512;
/// … and how long one that never rests then waits for the next.
const MACHINE_SHARE: Duration = Duration::from_millis(20);

impl Kubelets {
    /// Probes that are due now.
    pub(super) fn probe_due(&mut self, uid: &Arc<str>, cx: &mut Ctx<'_>, writer: &Writer) {
        let now = cx.api.now;
        let Some(worker) = self.workers.get(uid) else { return };
        let mut due: Vec<(usize, ProbeKind, Probe, Spec)> = Vec::new();
        for (i, c) in worker.containers.iter().enumerate() {
            let Some(probes) = &c.probes else { continue };
            let kinds = probes.due(now, c.started);
            if kinds.is_empty() {
                continue;
            }
            let Some(spec) = specs(&worker.pod).nth(i) else { continue };
            due.extend(kinds.into_iter().filter_map(|k| Some((i, k, spec_of(spec, k)?.clone(), spec.clone()))));
        }
        for (i, kind, probe, spec) in due {
            let timeout = Duration::from_secs(u64::from(probe.timeout_seconds.unwrap_or(1).max(1).unsigned_abs()));
            if let Some(exec) = &probe.exec {
                let argv = exec.command.clone().unwrap_or_default();
                self.with_site(uid, cx, writer, |w, site| {
                    // The next probe is planned from now on, whatever the command will say.
                    if let Some(p) = w.containers[i].probes.as_mut().and_then(|p| p.get_mut(kind)) {
                        p.next = now + timeout + TASK_SLACK;
                    }
                    w.run_task(i, Purpose::Probe(kind), argv, now + timeout, site);
                });
                self.run_machines(uid, cx);
                continue;
            }
            let result = self.ask(uid, i, &probe, &spec, now);
            self.with_site(uid, cx, writer, |w, site| w.probe_result(i, kind, result, site));
        }
    }

    /// One HTTP, TCP or gRPC probe.
    fn ask(&mut self, uid: &Arc<str>, i: usize, probe: &Probe, spec: &Spec, now: Time) -> Result<(), String> {
        let Some(worker) = self.workers.get_mut(uid) else { return Ok(()) };
        let pod_ip = worker.pod_ip.clone();
        if let Some(get) = &probe.http_get {
            let port = port_of(&get.port, spec)?;
            let host = get.host.as_deref().filter(|h| !h.is_empty()).unwrap_or(&pod_ip).to_owned();
            let scheme = get.scheme.as_deref().unwrap_or("HTTP").to_lowercase();
            let path = get.path.as_deref().filter(|p| !p.is_empty()).unwrap_or("/");
            let mut request = Request::get(path)
                .header("user-agent", "kube-probe/1.36")
                .header("host", format!("{host}:{port}"))
                .header("accept", "*/*");
            for h in get.http_headers.iter().flatten() {
                request = request.header(&h.name.to_lowercase(), h.value.clone());
            }
            let node_ip = self.nodes.get(&worker.node).map(|n| n.ip.clone()).unwrap_or_default();
            return match self.serve(uid, Some(i), port, &node_ip, &request, now) {
                Some(Ok(response)) if (200..400).contains(&response.code) => Ok(()),
                Some(Ok(response)) => Err(format!("HTTP probe failed with statuscode: {}", response.code)),
                Some(Err(())) => Err(format!("Get \"{scheme}://{host}:{port}{path}\": EOF")),
                None => Err(format!(
                    "Get \"{scheme}://{host}:{port}{path}\": dial tcp {host}:{port}: connect: connection refused"
                )),
            };
        }
        if let Some(tcp) = &probe.tcp_socket {
            let port = port_of(&tcp.port, spec)?;
            let host = tcp.host.as_deref().filter(|h| !h.is_empty()).unwrap_or(&pod_ip);
            return if worker.listens(port, now) {
                Ok(())
            } else {
                Err(format!("dial tcp {host}:{port}: connect: connection refused"))
            };
        }
        if let Some(grpc) = &probe.grpc {
            let port = u16::try_from(grpc.port).unwrap_or(0);
            return if worker.listens(port, now) {
                Ok(())
            } else {
                Err(format!(
                    "timeout: failed to connect service \"{pod_ip}:{port}\" within 1s: context deadline exceeded"
                ))
            };
        }
        Ok(())
    }

    /// Gives the machines of a pod's containers their turns.
    pub(super) fn run_machines(&mut self, uid: &Arc<str>, cx: &mut Ctx<'_>) {
        let now = cx.api.now;
        let Some(worker) = self.workers.get(uid) else { return };
        if !worker.wants_machine(now) {
            return;
        }
        for i in 0..worker.containers.len() {
            let Some(worker) = self.workers.get_mut(uid) else { return };
            let c = &mut worker.containers[i];
            if c.machine_wake.is_none_or(|t| t > now) {
                continue;
            }
            let Some(mut machine) = c.machine.take() else { continue };
            // The pod's volumes travel with whichever container has its turn.
            let volumes = core::mem::take(&mut worker.volumes);
            for (name, volume) in volumes {
                machine.fs.set_volume(&name, volume);
            }
            let state = {
                let mut host =
                    super::host::PodHost { api: cx.api, kubelets: self, network: cx.network, uid: Arc::clone(uid) };
                machine.run(&mut host, MACHINE_TURNS)
            };
            let Some(worker) = self.workers.get_mut(uid) else { return };
            let names: Vec<String> =
                worker.pod.spec.iter().flat_map(|s| s.volumes.iter().flatten()).map(|v| v.name.clone()).collect();
            worker.volumes = names.into_iter().filter_map(|n| machine.fs.volume(&n).cloned().map(|v| (n, v))).gather();
            let wake = match state {
                machine::machine::MachineState::Busy => Some(now + MACHINE_SHARE),
                machine::machine::MachineState::Idle { until, world } => {
                    if world {
                        self.waiting_for_world.insert(Arc::clone(uid));
                    }
                    until.map(|t| t.max(now + Duration::from_micros(1)))
                }
            };
            let Some(worker) = self.workers.get_mut(uid) else { return };
            worker.containers[i].machine = Some(machine);
            worker.containers[i].machine_wake = wake;
        }
        self.keep_volumes(uid, cx);
    }

    /// Writes volumes that outlive the pod back to the node's disk.
    fn keep_volumes(&mut self, uid: &Arc<str>, cx: &mut Ctx<'_>) {
        let Some(worker) = self.workers.get(uid) else { return };
        let Some(node) = self.nodes.get_mut(&worker.node) else { return };
        for spec in worker.pod.spec.iter().flat_map(|s| s.volumes.iter().flatten()) {
            if let Some(key) = super::volumes::host_key(cx.api, &worker.pod, spec)
                && let Some(volume) = worker.volumes.get(&spec.name)
            {
                node.disk.insert(key, volume.clone());
            }
        }
    }

    /// Commands of the kubelet's own that have ended or run out of time.
    pub(super) fn finish_tasks(&mut self, uid: &Arc<str>, cx: &mut Ctx<'_>, writer: &Writer) {
        let now = cx.api.now;
        let Some(worker) = self.workers.get_mut(uid) else { return };
        let mut done = Vec::new();
        for (i, c) in worker.containers.iter_mut().enumerate() {
            let Some(machine) = &mut c.machine else { continue };
            for task in &mut c.tasks {
                task.output.extend(machine.take_stdout(task.session));
                task.output.extend(machine.take_stderr(task.session));
            }
            c.tasks.retain_mut(|task| {
                let code = match machine.exit_code(task.session) {
                    Some(code) => code,
                    None if task.deadline <= now => {
                        if let Some(pid) = machine.session_pid(task.session) {
                            machine.signal(pid, machine::process::Signal::Kill);
                        }
                        task.output = b"command timed out".to_vec();
                        1
                    }
                    None => return true,
                };
                machine.drop_session(task.session);
                done.push((i, task.purpose, code, core::mem::take(&mut task.output)));
                false
            });
        }
        for (i, purpose, code, output) in done {
            self.with_site(uid, cx, writer, |w, site| w.task_done(i, purpose, code, output, site));
        }
    }
}

/// A port by number, or by its name in the container.
fn port_of(port: &IntOrString, spec: &Spec) -> Result<u16, String> {
    let number = match port {
        IntOrString::Int(n) => Some(*n),
        IntOrString::String(name) => name.parse().ok().or_else(|| {
            spec.ports.iter().flatten().find(|p| p.name.as_deref() == Some(name)).map(|p| p.container_port)
        }),
    };
    number
        .and_then(|n| u16::try_from(n).ok())
        .ok_or_else(|| "couldn't find port: strconv.Atoi: invalid syntax".to_owned())
}
