//! What a pod answers at its ports.

use super::files::FsFiles;
use super::status::specs;
use super::{Kubelets, Worker};
use crate::images::http::Answer;
use apimachinery::http::{Request, Response};
use apimachinery::time::Time;
use std::sync::Arc;

impl Worker {
    /// Whether a running container listens on `port`.
    pub fn listens(&self, port: u16, now: Time) -> bool {
        self.containers.iter().any(|c| {
            c.running() && c.native.as_ref().is_some_and(|n| n.tcp(now, port) == crate::images::process::Tcp::Open)
        })
    }

    /// ConfigMap, Secret, token and downward volumes, made anew from their sources.
    pub(super) fn refresh_volumes(&mut self, api: &apiserver::ApiServer, node: &super::node::NodeState) {
        if self.volumes.is_empty() {
            return;
        }
        let old = core::mem::take(&mut self.volumes);
        self.build_volumes(api, node);
        let names: Vec<String> = self
            .pod
            .spec
            .iter()
            .flat_map(|s| s.volumes.iter().flatten())
            .filter(|v| !super::volumes::from_api(v))
            .map(|v| v.name.clone())
            .collect();
        for (name, volume) in old {
            if names.contains(&name) {
                self.volumes.insert(name, volume);
            }
        }
        for c in &mut self.containers {
            if let Some(machine) = &mut c.machine {
                for (name, volume) in &self.volumes {
                    machine.fs.set_volume(name, volume.clone());
                }
            }
        }
    }
}

impl Kubelets {
    /// One request at a port of a pod (of one container, if given); `None` when nothing listens there, an inner error
    /// when the connection breaks without an answer in HTTP.
    pub(super) fn serve(
        &mut self,
        uid: &Arc<str>,
        container: Option<usize>,
        port: u16,
        client: &str,
        request: &Request,
        now: Time,
    ) -> Option<Result<Response, ()>> {
        match self.answer(uid, container, port, client, request, now)? {
            Answer::Http(response) => Some(Ok(response)),
            Answer::Forward { .. } | Answer::NotHttp(_) | Answer::Silence => Some(Err(())),
        }
    }

    /// The same, with whatever else a server may do.
    pub(crate) fn answer(
        &mut self,
        uid: &Arc<str>,
        container: Option<usize>,
        port: u16,
        client: &str,
        request: &Request,
        now: Time,
    ) -> Option<Answer> {
        let roots = &mut self.roots;
        let worker = self.workers.get_mut(uid)?;
        let listens = |c: &super::container::Container| {
            c.running() && c.native.as_ref().is_some_and(|n| n.tcp(now, port) == crate::images::process::Tcp::Open)
        };
        let found = worker.containers.iter().position(listens)?;
        let i = container.filter(|i| worker.containers.get(*i).is_some_and(listens)).unwrap_or(found);
        let spec = specs(&worker.pod).nth(i)?.clone();
        let image = worker.containers[i].base.clone()?;
        let volumes = &worker.volumes;
        let pod_ip = worker.pod_ip.clone();
        let c = &mut worker.containers[i];
        let mut native = c.native.take()?;
        let answer = match &c.machine {
            Some(machine) => native.http(now, port, client, &pod_ip, request, &FsFiles(&machine.fs)),
            None => {
                let root = roots.entry(image.id.clone()).or_insert_with(|| super::files::root(&image)).clone();
                let fs = super::files::mounted(root, &worker.pod, &spec, &pod_ip, volumes);
                native.http(now, port, client, &pod_ip, request, &FsFiles(&fs))
            }
        };
        let polled = native.poll(now);
        for line in polled.log {
            c.log.push(super::logs::Line { at: line.at, stderr: line.stderr, text: line.text });
        }
        c.native = Some(native);
        answer
    }
}
