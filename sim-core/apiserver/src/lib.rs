//! The API server: the one door to the state of a cluster.
//!
//! Storage, the registry of kinds, and [`ApiServer::handle`], through which every client goes: kubectl (ours and the
//! real one), lessons, the page. Controllers use the typed methods of [`ApiServer`], which follow the same rules without
//! paying for JSON. It knows no controller, no kubelet and no network: requests that a node must answer (logs, exec …)
//! come back as [`Outcome::Node`].
//!
//! Models: kube-apiserver. Invariant: every change passes `ApiServer::commit`, gets a revision, and names its cause.

pub mod admission;
pub mod decode;
pub mod handler;
pub mod managedfields;
pub mod object;
pub mod registry;
pub mod selector;
pub mod server;
pub mod storage;
pub mod watch;

pub use handler::{NodeOptions, NodeRequest, NodeTarget, NodeVerb, Outcome, User};
pub use object::{Builtin, Object, ObjectRef};
pub use registry::{Kind, KindInfo};
pub use server::{ApiServer, Config, DeleteOptions, Writer};
pub use storage::{Change, KindId, Storage, Verb};
