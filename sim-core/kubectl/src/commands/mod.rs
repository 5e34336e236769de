//! The table of commands.

mod about;
pub mod apply;
mod auth;
mod autoscale;
mod config;
mod cp;
mod debug;
pub mod delete;
mod diff;
mod edit;
mod events;
pub mod exec;
mod explain;
mod expose;
mod get;
mod label;
mod logs;
mod nodes;
mod others;
mod patch;
mod port_forward;
mod replace;
mod rollout;
mod run;
mod scale;
mod set;
mod wait;

use crate::flags::Command;

/// `kubectl` itself: every command is one line here.
pub static ROOT: Command = Command {
    name: "kubectl",
    short: "kubectl controls the Kubernetes cluster manager",
    usage: "[flags] [options]",
    subs: &[
        &crate::create::COMMAND,
        &expose::COMMAND,
        &run::COMMAND,
        &set::COMMAND,
        &others::EXPLAIN,
        &get::COMMAND,
        &edit::COMMAND,
        &delete::COMMAND,
        &rollout::COMMAND,
        &scale::COMMAND,
        &autoscale::COMMAND,
        &others::CERTIFICATE,
        &about::CLUSTER_INFO,
        &nodes::TOP,
        &nodes::CORDON,
        &nodes::UNCORDON,
        &nodes::DRAIN,
        &nodes::TAINT,
        &crate::describe::COMMAND,
        &logs::COMMAND,
        &exec::ATTACH,
        &exec::EXEC,
        &port_forward::COMMAND,
        &others::PROXY,
        &cp::COMMAND,
        &auth::COMMAND,
        &debug::COMMAND,
        &events::COMMAND,
        &diff::COMMAND,
        &apply::COMMAND,
        &patch::COMMAND,
        &replace::COMMAND,
        &wait::COMMAND,
        &others::KUSTOMIZE,
        &label::LABEL,
        &label::ANNOTATE,
        &others::COMPLETION,
        &about::API_RESOURCES,
        &about::API_VERSIONS,
        &config::COMMAND,
        &others::PLUGIN,
        &about::VERSION,
        &about::OPTIONS,
        &others::ALPHA,
    ],
    ..Command::EMPTY
};
