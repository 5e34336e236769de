//! `--help` of every command, made from the table of commands.

use crate::commands::ROOT;
use crate::flags::{Args, Command, Flag, GLOBAL, Group, Kind};
use apimachinery::order::Order as _;

const GROUPS: &[(Group, &str)] = &[
    (Group::Beginner, "Basic Commands (Beginner):"),
    (Group::Intermediate, "Basic Commands (Intermediate):"),
    (Group::Deploy, "Deploy Commands:"),
    (Group::Cluster, "Cluster Management Commands:"),
    (Group::Trouble, "Troubleshooting and Debugging Commands:"),
    (Group::Advanced, "Advanced Commands:"),
    (Group::Settings, "Settings Commands:"),
    (Group::Other, "Other Commands:"),
];

pub fn of(args: &Args) -> String {
    if core::ptr::eq(args.command, &ROOT) { root() } else { command(args.command, &args.path) }
}

fn root() -> String {
    let mut out = "kubectl controls the Kubernetes cluster manager.\n\n Find more information at: https://kubernetes.io/docs/reference/kubectl/\n\n".to_owned();
    for (group, title) in GROUPS {
        out.push_str(&format!("{title}\n"));
        for c in ROOT.subs.iter().filter(|c| c.group == *group) {
            out.push_str(&format!("  {:<15} {}\n", c.name, c.short));
        }
        out.push('\n');
    }
    out.push_str("Usage:\n  kubectl [flags] [options]\n\nUse \"kubectl <command> --help\" for more information about a given command.\nUse \"kubectl options\" for a list of global command-line options (applies to all commands).\n");
    out
}

fn command(c: &Command, path: &str) -> String {
    let long = if c.long.is_empty() { format!("{}.", c.short.trim_end_matches('.')) } else { c.long.to_owned() };
    let mut out = format!("{long}\n\n");
    if !c.aliases.is_empty() {
        out.push_str(&format!("Aliases:\n  {}, {}\n\n", c.name, c.aliases.join(", ")));
    }
    if !c.examples.is_empty() {
        out.push_str("Examples:\n");
        let all: Vec<String> = c.examples.iter().map(|(what, how)| format!("  # {what}\n  {how}\n")).collect();
        out.push_str(&all.join("  \n"));
        out.push('\n');
    }
    if !c.subs.is_empty() {
        out.push_str("Available Commands:\n");
        let width = c.subs.iter().map(|s| s.name.len()).max().unwrap_or(0).max(13);
        for s in c.subs {
            out.push_str(&format!("  {:<width$} {}\n", s.name, s.short));
        }
        out.push('\n');
    }
    let mut flags: Vec<&Flag> = c.own_flags().collect();
    flags.order_by_key(|f| f.name);
    if !flags.is_empty() {
        out.push_str("Options:\n");
        out.push_str(&flags.iter().map(|f| option(f)).collect::<Vec<_>>().join("\n"));
        out.push('\n');
    }
    let usage = if c.usage.is_empty() && !c.subs.is_empty() { "SUBCOMMAND [options]" } else { c.usage };
    let usage = if usage.is_empty() { "[options]" } else { usage };
    out.push_str(&format!("Usage:\n  {path} {usage}\n\n"));
    if !c.subs.is_empty() {
        out.push_str(&format!("Use \"{path} <command> --help\" for more information about a given command.\n"));
    }
    out.push_str("Use \"kubectl options\" for a list of global command-line options (applies to all commands).\n");
    out
}

fn option(f: &Flag) -> String {
    let default = match f.kind {
        Kind::Str => format!("'{}'", f.default),
        Kind::List | Kind::Array => format!("[{}]", f.default),
        _ => f.default.to_owned(),
    };
    let letter = if f.short == '\0' { String::new() } else { format!("-{}, ", f.short) };
    format!("    {letter}--{}={default}:\n\t{}\n", f.name, f.help)
}

/// `kubectl options`.
pub fn options() -> String {
    let all: Vec<String> = GLOBAL.iter().map(option).collect();
    format!("The following options can be passed to any command:\n\n{}", all.join("\n"))
}
