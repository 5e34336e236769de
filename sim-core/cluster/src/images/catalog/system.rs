//! Images of a cluster's own components. They only run: their work is done by the simulation itself.

use super::{Entry, NO_FILES, Spec, Variant};
use crate::images::os::Os;
use crate::images::software::{Program, Run, Software};

const IDLE: Software = Software {
    name: "system",
    programs: &[
        Program { path: "/coredns", run: |_| Run::Idle },
        Program { path: "/usr/local/bin/kube-proxy", run: |_| Run::Idle },
        Program { path: "/storage-provisioner", run: |_| Run::Idle },
    ],
};

pub const ENTRIES: &[Entry] = &[
    Entry {
        domain: "registry.k8s.io",
        repository: "coredns/coredns",
        series: &[],
        latest: "",
        aliases: &[("v1.14.1", "1.14.1"), ("v1.13.1", "1.13.1")],
        variants: &[Variant { suffix: "", os: Os::Scratch, size: 23_500_000 }],
        spec: Spec { entrypoint: &["/coredns"], ports: &[53], user: "65532:65532", ..Spec::EMPTY },
        software: &IDLE,
        files: NO_FILES,
    },
    Entry {
        domain: "registry.k8s.io",
        repository: "kube-proxy",
        series: &[],
        latest: "",
        aliases: &[("v1.36.2", "1.36.2")],
        variants: &[Variant { suffix: "", os: Os::Scratch, size: 26_000_000 }],
        spec: Spec { entrypoint: &["/usr/local/bin/kube-proxy"], ..Spec::EMPTY },
        software: &IDLE,
        files: NO_FILES,
    },
    Entry {
        domain: "gcr.io",
        repository: "k8s-minikube/storage-provisioner",
        series: &[],
        latest: "",
        aliases: &[("v5", "5")],
        variants: &[Variant { suffix: "", os: Os::Scratch, size: 9_060_000 }],
        spec: Spec { entrypoint: &["/storage-provisioner"], ..Spec::EMPTY },
        software: &IDLE,
        files: NO_FILES,
    },
];
