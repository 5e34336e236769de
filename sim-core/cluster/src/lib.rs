//! A whole Kubernetes cluster as one value: API server, controllers, scheduler, kubelets, network and images.
//!
//! `Cluster` is driven from outside: hand it requests ([`Cluster::handle`]) and let its time pass
//! ([`Cluster::run_until`], [`Cluster::settle`]). It reads no clock, draws no randomness of its own, does no I/O and can
//! be cloned at any instant, with everything that runs in it.
//!
//! Architecture invariants: every change goes through the API server's commit; controllers, scheduler and kubelets learn
//! of changes only from its log; every delay stands in [`latency`].

pub mod boot;
pub mod clock;
pub mod cluster;
pub mod controllers;
pub mod images;
pub mod kubelet;
pub mod latency;
pub mod network;
pub mod recorder;
pub mod scheduler;
pub mod taints;
#[cfg(test)]
mod testbed;

pub use apiserver::{ApiServer, Change, KindId, Verb};
pub use cluster::{Cluster, Config, Ctx};

/// The API types of the kinds that a front end reads, so that it need not know where they come from.
pub mod types {
    pub use k8s_openapi::api::apps::v1::{Deployment, ReplicaSet};
    pub use k8s_openapi::api::core::v1::{Event, Node, Pod, PodSpec, Service};
    pub use k8s_openapi::api::discovery::v1::EndpointSlice;
}
