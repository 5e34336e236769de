//! The table of commands.

pub mod apply;
pub mod delete;
pub mod exec;
mod get;
mod label;
mod logs;
mod patch;
mod port_forward;
mod rollout;
mod scale;

use crate::flags::Command;

/// `kubectl` itself: every command is one line here.
pub static ROOT: Command = Command {
    name: "kubectl",
    short: "kubectl controls the Kubernetes cluster manager",
    usage: "[flags] [options]",
    subs: &[
        &crate::create::COMMAND,
        &get::COMMAND,
        &delete::COMMAND,
        &rollout::COMMAND,
        &scale::COMMAND,
        &crate::describe::COMMAND,
        &logs::COMMAND,
        &exec::ATTACH,
        &exec::EXEC,
        &port_forward::COMMAND,
        &apply::COMMAND,
        &patch::COMMAND,
        &label::LABEL,
        &label::ANNOTATE,
    ],
    ..Command::EMPTY
};
