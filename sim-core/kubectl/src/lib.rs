//! The `kubectl` program, v1.36.2, as data: it reads a kubeconfig, talks HTTP-shaped requests to an API server and
//! prints what the real one prints.
//!
//! It knows no kinds by type: objects are JSON values, resources come from discovery. One table of commands
//! ([`commands::ROOT`]) drives parsing, help and completion. Invariant: everything it shows comes from the server, the
//! machine's files or its arguments.
//!
//! Models: kubernetes/kubectl, kubernetes/cli-runtime.

mod base64;
mod builder;
mod client;
mod commands;
mod completion;
mod config;
mod create;
mod describe;
mod discovery;
mod error;
mod flags;
mod help;
mod history;
mod json;
mod kustomize;
mod pod_spec;
mod printers;
mod rules;
mod session;
mod streams;
mod tabs;
mod task;
mod times;

use crate::error::Error;
use crate::session::{Kube, Session};
use crate::task::{Next, Task, Turn};
use apimachinery::time::{Duration, Time};
use machine::process::{Ctx, Input, Process, Program, Step, Wake};

/// How long the program takes to start and read its configuration before its first request.
const START_UP: Duration = Duration::from_millis(60);

/// The entry for a machine's table of programs.
pub struct Kubectl;

impl Program for Kubectl {
    fn name(&self) -> &'static str {
        "kubectl"
    }

    fn summary(&self) -> &'static str {
        "controls the Kubernetes cluster manager"
    }

    fn start(&self, args: Vec<String>) -> Box<dyn Process> {
        Box::new(Run { argv: args, session: Session::default(), phase: Phase::Start })
    }

    fn complete(&self, words: &[String], ctx: &mut Ctx<'_>) -> Vec<String> {
        completion::complete(words, ctx)
    }
}

#[derive(Clone)]
enum Phase {
    Start,
    /// Standard input is being read to its end.
    Stdin,
    Command,
    /// Answers are on their way; then the output is written and things go on.
    Hold {
        until: Time,
        then: Then,
    },
    Task(Box<dyn Task>),
}

#[derive(Clone)]
enum Then {
    Leave(i32),
    /// The task answered with this wish.
    Task(Box<dyn Task>, Option<Wake>),
}

#[derive(Clone)]
struct Run {
    argv: Vec<String>,
    session: Session,
    phase: Phase,
}

impl Process for Run {
    fn step(&mut self, ctx: &mut Ctx<'_>) -> Step {
        match core::mem::replace(&mut self.phase, Phase::Command) {
            Phase::Start => {
                let stdin = flags::parse(&commands::ROOT, &self.argv).is_ok_and(|a| reads_stdin(&a));
                if stdin {
                    self.phase = Phase::Stdin;
                }
                Step::Wait(Wake::At(ctx.now() + START_UP))
            }
            Phase::Stdin => self.read_stdin(ctx),
            Phase::Command => {
                let mut k = Kube { ctx, s: &mut self.session };
                let next = run(&mut k, &self.argv);
                self.settle(
                    ctx,
                    next.map(|n| match n {
                        Next::Done(code) => Then::Leave(code),
                        Next::Task(task) => Then::Task(task, None),
                    }),
                )
            }
            Phase::Task(mut task) => {
                let mut k = Kube { ctx, s: &mut self.session };
                let turn = task.step(&mut k);
                self.settle(
                    ctx,
                    turn.map(|t| match t {
                        Turn::Done(code) => Then::Leave(code),
                        Turn::Again => Then::Task(task, None),
                        Turn::Wait(wake) => Then::Task(task, Some(wake)),
                    }),
                )
            }
            Phase::Hold { until, then } if ctx.now() < until => {
                self.phase = Phase::Hold { until, then };
                Step::Wait(Wake::At(until))
            }
            Phase::Hold { then, .. } => self.go_on(ctx, then),
        }
    }
}

impl Run {
    fn read_stdin(&mut self, ctx: &mut Ctx<'_>) -> Step {
        let read = self.session.stdin.get_or_insert_default();
        match ctx.read() {
            Input::Data(bytes) => {
                read.extend_from_slice(&bytes);
                self.phase = Phase::Stdin;
                Step::Again
            }
            Input::Eof => Step::Again,
            Input::Pending => {
                self.phase = Phase::Stdin;
                Step::Wait(Wake::Input)
            }
        }
    }

    /// Pays the debt of time, then goes on.
    fn settle(&mut self, ctx: &mut Ctx<'_>, outcome: Result<Then, Error>) -> Step {
        let then = outcome.unwrap_or_else(|e| {
            let (message, code) = e.report();
            Kube { ctx, s: &mut self.session }.err(&message);
            Then::Leave(code)
        });
        let debt = core::mem::take(&mut self.session.debt);
        if debt.is_zero() {
            return self.go_on(ctx, then);
        }
        let until = ctx.now() + debt;
        self.phase = Phase::Hold { until, then };
        Step::Wait(Wake::At(until))
    }

    fn go_on(&mut self, ctx: &mut Ctx<'_>, then: Then) -> Step {
        for (error, bytes) in core::mem::take(&mut self.session.held) {
            if error {
                ctx.err(&String::from_utf8_lossy(&bytes));
            } else {
                ctx.out_bytes(&bytes);
            }
        }
        match then {
            Then::Leave(code) => Step::Exit(code),
            Then::Task(task, wake) => {
                self.phase = Phase::Task(task);
                wake.map_or(Step::Again, Step::Wait)
            }
        }
    }
}

/// Parses and runs; the flags stay known to the session.
fn run(k: &mut Kube<'_, '_>, argv: &[String]) -> Result<Next, Error> {
    if argv.first().is_some_and(|a| a == "help") {
        let mut words = argv[1..].to_vec();
        words.push("--help".into());
        return run(k, &words);
    }
    let args = flags::parse(&commands::ROOT, argv)?;
    k.s.flags = Some(args.clone());
    if args.wants_help() {
        let text = help::of(&args);
        k.out(&text);
        return task::DONE;
    }
    let Some(command) = args.command.run else {
        let outcome = flags::parent(&args);
        if matches!(outcome, Err(Error::Help)) {
            let text = help::of(&args);
            k.out(&text);
            // A bare `kubectl` shows its help and is content.
            return if args.command.name == "kubectl" { task::DONE } else { Err(Error::Exit(1)) };
        }
        return outcome;
    };
    command(k, &args)
}

/// Whether the command reads standard input to its end before it begins.
fn reads_stdin(args: &flags::Args) -> bool {
    let stands_for_stdin =
        |v: &String| v == "-" || v.ends_with("=-") || v == "/dev/stdin" || v.ends_with("=/dev/stdin");
    args.list("filename").iter().any(stands_for_stdin)
        || (args.command.name != "exec" && args.rest.iter().any(|a| a == "-"))
        || ["from-file", "from-env-file", "patch-file"].iter().any(|f| args.list(f).iter().any(stands_for_stdin))
}
