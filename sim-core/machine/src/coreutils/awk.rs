//! `awk`: patterns and actions, fields, variables, arrays, control flow, printf and the usual string functions.
//!
//! Not here: user functions, getline, output redirection, system(). They are refused by name.

mod eval;
mod parse;

use super::stream::{Failing, Filter, Flow, Stream};
use crate::process::{Ctx, Process, Step};
use eval::Machine;
use parse::{Pattern, Rule};

#[derive(Clone)]
struct Awk {
    rules: Vec<Rule>,
    machine: Machine,
    begun: bool,
    /// Which range patterns are open.
    open: Vec<bool>,
    ended: bool,
}

/// Only BEGIN: no input is read.
#[derive(Clone)]
struct BeginOnly(Awk);

impl Process for BeginOnly {
    fn step(&mut self, ctx: &mut Ctx<'_>) -> Step {
        self.0.start(ctx);
        Step::Exit(self.0.finish(ctx, false))
    }
}

pub fn start(args: Vec<String>) -> Box<dyn Process> {
    let mut machine = Machine::default();
    let mut rest = args.into_iter().peekable();
    while let Some(a) = rest.next_if(|a| a.starts_with('-') && a.len() > 1) {
        if a == "--" {
            break;
        }
        let (flag, joined) = a.split_at(2);
        let mut value = || if joined.is_empty() { rest.next().unwrap_or_default() } else { joined.to_owned() };
        match flag {
            "-F" => {
                let text = value();
                machine.set("FS", if text == "t" { "\t" } else { &text });
            }
            "-v" => {
                let text = value();
                let (name, value) = text.split_once('=').unwrap_or((&text, ""));
                machine.set(name, value);
            }
            _ => return Box::new(Failing { message: format!("awk: unknown option {a} ignored\n"), code: 2 }),
        }
    }
    let Some(program) = rest.next() else {
        return Box::new(Failing {
            message: "Usage: awk [POSIX or GNU style options] [--] 'program' file ...\n".into(),
            code: 2,
        });
    };
    let rules = match parse::parse(&program) {
        Ok(rules) => rules,
        Err(e) => return Box::new(Failing { message: format!("awk: cmd. line:1: {e}\n"), code: 1 }),
    };
    let only_begin = rules.iter().all(|r| matches!(r.pattern, Pattern::Begin));
    let awk = Awk { open: vec![false; rules.len()], rules, machine, begun: false, ended: false };
    if only_begin {
        return Box::new(BeginOnly(awk));
    }
    Stream::start("awk", rest.collect(), Box::new(awk))
}

impl Awk {
    fn start(&mut self, ctx: &mut Ctx<'_>) {
        if core::mem::replace(&mut self.begun, true) {
            return;
        }
        for rule in self.rules.iter().filter(|r| matches!(r.pattern, Pattern::Begin)) {
            self.machine.run(&rule.action);
        }
        self.flush(ctx);
    }

    fn flush(&mut self, ctx: &mut Ctx<'_>) {
        let text = core::mem::take(&mut self.machine.output);
        ctx.out(&text);
        if let Some(error) = self.machine.error.take() {
            ctx.err(&format!("awk: {error}\n"));
            self.machine.exit = Some(2);
        }
    }
}

impl Filter for Awk {
    fn begin(&mut self, ctx: &mut Ctx<'_>, name: &str) {
        self.start(ctx);
        self.machine.set("FILENAME", if name == "-" { "" } else { name });
        self.machine.set("FNR", "0");
    }

    fn line(&mut self, ctx: &mut Ctx<'_>, line: &str, _: bool) -> Flow {
        if self.machine.exit.is_some() {
            return Flow::Stop;
        }
        self.machine.record(line);
        for (i, rule) in self.rules.iter().enumerate() {
            let hit = match &rule.pattern {
                Pattern::Begin | Pattern::End => false,
                Pattern::Always => true,
                Pattern::When(e) => self.machine.truth(e),
                Pattern::Range(a, b) => {
                    let hit = self.open[i] || self.machine.truth(a);
                    self.open[i] = hit && !self.machine.truth(b);
                    hit
                }
            };
            if hit && self.machine.run(&rule.action) {
                break;
            }
        }
        self.flush(ctx);
        if self.machine.exit.is_some() { Flow::Stop } else { Flow::Go }
    }

    fn finish(&mut self, ctx: &mut Ctx<'_>, failed: bool) -> i32 {
        self.start(ctx);
        if !core::mem::replace(&mut self.ended, true) {
            let exit = self.machine.exit.take();
            for rule in self.rules.iter().filter(|r| matches!(r.pattern, Pattern::End)) {
                self.machine.run(&rule.action);
            }
            self.machine.exit = self.machine.exit.or(exit);
            self.flush(ctx);
        }
        self.machine.exit.unwrap_or(if failed { 2 } else { 0 })
    }
}
