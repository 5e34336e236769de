//! nc: whether a port is open (`nc -zv host port`). Conversations beyond that are not simulated.

use crate::host::NetError;
use crate::process::{Ctx, Process, Program, Step, Wake};
use apimachinery::http::Request;
use apimachinery::time::{Duration, Time};

pub struct Nc;

impl Program for Nc {
    fn name(&self) -> &'static str {
        "nc"
    }
    fn summary(&self) -> &'static str {
        "see whether a port is open"
    }
    fn start(&self, args: Vec<String>) -> Box<dyn Process> {
        Box::new(Run { args, waiting: None })
    }
}

/// When the answer is there; host, port and address asked; what it is.
type Waiting = (Time, String, u16, String, Result<(), NetError>);

#[derive(Clone)]
struct Run {
    args: Vec<String>,
    waiting: Option<Waiting>,
}

impl Process for Run {
    fn step(&mut self, ctx: &mut Ctx<'_>) -> Step {
        let Some((until, host, port, address, result)) = self.waiting.take() else { return self.connect(ctx) };
        if ctx.now() < until {
            self.waiting = Some((until, host, port, address, result));
            return Step::Wait(Wake::At(until));
        }
        let verbose = self.has('v');
        match result {
            Ok(()) => {
                if verbose {
                    ctx.err(&format!("{host} ({address}:{port}) open\n"));
                }
                Step::Exit(0)
            }
            Err(e) => {
                let why = match e {
                    NetError::Refused => "Connection refused",
                    NetError::Unreachable => "No route to host",
                    _ => "Connection timed out",
                };
                if verbose || !self.has('z') {
                    ctx.err(&format!("nc: {host} ({address}:{port}): {why}\n"));
                }
                Step::Exit(1)
            }
        }
    }
}

impl Run {
    fn has(&self, letter: char) -> bool {
        self.args.iter().any(|a| a.starts_with('-') && !a.starts_with("--") && a.contains(letter))
    }

    fn connect(&mut self, ctx: &mut Ctx<'_>) -> Step {
        if self.has('l') {
            ctx.err("nc: listening is not simulated here; run a server image instead\n");
            return Step::Exit(1);
        }
        let mut plain = Vec::new();
        let mut limit = None;
        let mut words = self.args.iter();
        while let Some(w) = words.next() {
            if w == "-w" {
                limit = words.next().and_then(|s| s.parse().ok()).map(Duration::from_secs);
            } else if !w.starts_with('-') {
                plain.push(w.clone());
            }
        }
        let (Some(host), Some(port)) = (plain.first(), plain.get(1).and_then(|p| p.parse::<u16>().ok())) else {
            ctx.err("BusyBox v1.36.1 multi-call binary.\n\nUsage: nc [-w SEC] [-zv] HOST PORT\n");
            return Step::Exit(1);
        };
        let id = ctx.machine.id.clone();
        let exchange = ctx.host.http(&id, "http", host, port, Request::get("/"));
        if matches!(exchange.result, Err(NetError::NoSuchHost)) {
            ctx.err(&format!("nc: bad address '{host}'\n"));
            return Step::Exit(1);
        }
        let result = match exchange.result {
            // Whatever answers, something is listening.
            Ok(_) | Err(NetError::Reset | NetError::NotHttp(_)) => Ok(()),
            Err(e) => Err(e),
        };
        let after = limit.map_or(exchange.after, |l| l.min(exchange.after));
        let until = ctx.now() + after;
        self.waiting = Some((until, host.clone(), port, exchange.address, result));
        Step::Wait(Wake::At(until))
    }
}
