//! The files a container sees, and the small machine in which its commands run.

use super::status::specs;
use crate::images::os::Os;
use apimachinery::time::Time;
use k8s_openapi::api::core::v1::{Container as Spec, Pod};
use machine::fs::{Fs, Volume};
use machine::machine::Machine;
use std::collections::BTreeMap;

pub use crate::images::unpack::{FsFiles, root};

/// The image's tree with the pod's volumes mounted and the files that the kubelet manages.
pub fn mounted(root: Volume, pod: &Pod, spec: &Spec, pod_ip: &str, volumes: &BTreeMap<String, Volume>) -> Fs {
    let mut fs = Fs::new(root);
    let hostname = super::hostname(pod);
    let hosts = format!(
        "# Kubernetes-managed hosts file.\n127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n\
         fe00::\tip6-localnet\nfe00::\tip6-mcastprefix\nfe00::1\tip6-allnodes\nfe00::2\tip6-allrouters\n{pod_ip}\t{hostname}\n"
    );
    let ns = pod.metadata.namespace.as_deref().unwrap_or_default();
    let resolv = format!(
        "search {ns}.svc.cluster.local svc.cluster.local cluster.local\nnameserver 10.96.0.10\noptions ndots:5\n"
    );
    for (path, text) in
        [("/etc/hosts", hosts), ("/etc/resolv.conf", resolv), ("/etc/hostname", format!("{hostname}\n"))]
    {
        let _ = fs.root.install(path, 0o644, text);
    }
    for (name, volume) in volumes {
        fs.set_volume(name, volume.clone());
    }
    for m in spec.volume_mounts.iter().flatten() {
        let sub = m.sub_path.as_deref().unwrap_or_default();
        let of_api = pod
            .spec
            .iter()
            .flat_map(|s| s.volumes.iter().flatten())
            .any(|v| v.name == m.name && super::volumes::from_api(v));
        let read_only = m.read_only.unwrap_or(false) || of_api;
        let _ = fs.mount(&m.mount_path, &m.name, sub, read_only);
    }
    fs.root_read_only = spec.security_context.as_ref().and_then(|s| s.read_only_root_filesystem).unwrap_or(false);
    fs
}

/// The machine of one container.
pub fn machine(pod: &Pod, uid: &str, spec: &Spec, fs: Fs, env: &[(String, String)], os: Os, now: Time) -> Machine {
    let index = specs(pod).position(|s| s.name == spec.name).unwrap_or(0);
    let mut machine = Machine::new(format!("pod/{uid}/{index}"), super::hostname(pod), fs);
    machine.personality = crate::images::unpack::personality(os);
    machine.kernel = "6.1.0-32-amd64";
    machine.booted = now;
    machine.set_env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
    machine.set_env("HOSTNAME", super::hostname(pod));
    for (name, value) in env {
        machine.set_env(name, value);
    }
    machine.set_env("HOME", "/root");
    machine
}
