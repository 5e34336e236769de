//! Full-screen tools that draw again every so often: watch, top.

use super::options;
use super::processes;
use super::stream::failing;
use crate::process::{Ctx, Input, Pid, Process, Signal, Spawn, Step, Wake};
use apimachinery::time::{Duration, Time};

/// `watch`: runs a command every two seconds and shows its output from the top of the screen.
#[derive(Clone)]
struct Watch {
    every: Duration,
    command: Vec<String>,
    title: bool,
    raw: bool,
    child: Option<Pid>,
    output: Vec<u8>,
    next: Time,
}

/// The descriptor through which the command's output is read.
const READER: u32 = 210;

pub fn start(args: Vec<String>) -> Box<dyn Process> {
    // Options end at the command.
    let mut own = 0;
    while let Some(a) = args.get(own).filter(|a| a.starts_with('-')) {
        own += if matches!(a.as_str(), "-n" | "--interval") { 2 } else { 1 };
    }
    let own = own.min(args.len());
    let long = [("interval", 'n'), ("no-title", 't'), ("differences", 'd'), ("exec", 'x'), ("color", 'c')];
    let o = match options::parse(&args[..own], "n:tdcxeg", &long) {
        Ok(o) => o,
        Err(e) => return failing("watch", &e, 1),
    };
    let command = args[own..].to_vec();
    if command.is_empty() {
        return Box::new(super::stream::Failing { message: "Usage:\n watch [options] command\n".into(), code: 1 });
    }
    let secs: f64 = o.value('n').and_then(|n| n.parse().ok()).unwrap_or(2.0);
    Box::new(Watch {
        every: Duration::from_millis((secs.clamp(0.1, 86_400.0) * 1000.0) as u64),
        command,
        title: !o.has('t'),
        raw: false,
        child: None,
        output: Vec::new(),
        next: Time(0),
    })
}

impl Watch {
    fn begin(&mut self, ctx: &mut Ctx<'_>) -> bool {
        let (read, write) = ctx.machine.descriptors.pipe();
        let mut fds = ctx.machine.process(ctx.pid).map(|p| p.fds.clone()).unwrap_or_default();
        fds.retain(|fd, _| *fd == 0);
        fds.values().for_each(|id| {
            ctx.machine.descriptors.hold(*id);
        });
        fds.insert(1, write);
        fds.insert(2, ctx.machine.descriptors.hold(write));
        let argv = vec!["sh".to_owned(), "-c".to_owned(), self.command.join(" ")];
        let pid = ctx.pid;
        let child = ctx.machine.spawn_child(pid, Spawn { fds: Some(fds), ..Spawn::new(argv) });
        self.output.clear();
        match child {
            Ok(child) => {
                if let Some(p) = ctx.machine.process_mut(pid) {
                    p.fds.insert(READER, read);
                }
                self.child = Some(child);
                true
            }
            Err(_) => {
                ctx.machine.descriptors.release(read);
                false
            }
        }
    }

    fn draw(&self, ctx: &mut Ctx<'_>) {
        let (columns, rows) = ctx.term_size();
        let (columns, mut left) = (usize::from(columns), usize::from(rows));
        let mut out = String::from("\x1b[H\x1b[2J");
        if self.title {
            let head = format!("Every {:.1}s: {}", self.every.as_secs_f64(), self.command.join(" "));
            let clock = super::date::format(ctx.now(), "%a %b %e %H:%M:%S %Y");
            let right = format!("{}: {clock}", ctx.machine.hostname);
            let gap = columns.saturating_sub(head.chars().count() + right.chars().count()).max(1);
            out.push_str(&format!("{head}{}{right}\r\n\r\n", " ".repeat(gap)));
            left = left.saturating_sub(2);
        }
        let text = String::from_utf8_lossy(&self.output);
        let lines: Vec<String> = text.lines().take(left).map(|l| l.chars().take(columns).collect()).collect();
        out.push_str(&lines.join("\r\n"));
        ctx.out(&out);
    }

    fn leave(&mut self, ctx: &mut Ctx<'_>) -> Step {
        if let Some(child) = self.child {
            ctx.kill(child, Signal::Kill);
        }
        ctx.set_raw(false);
        ctx.out("\x1b[?1049l");
        Step::Exit(0)
    }
}

impl Process for Watch {
    fn step(&mut self, ctx: &mut Ctx<'_>) -> Step {
        if !self.raw {
            self.raw = true;
            ctx.out("\x1b[?1049h");
        }
        if ctx.interrupted() {
            return self.leave(ctx);
        }
        loop {
            let Some(child) = self.child else {
                if ctx.now() < self.next {
                    return Step::Wait(Wake::At(self.next));
                }
                if !self.begin(ctx) {
                    return self.leave(ctx);
                }
                continue;
            };
            match ctx.read_fd(READER, 65536) {
                Input::Data(b) if self.output.len() < 1 << 20 => self.output.extend(b),
                Input::Data(_) => {}
                Input::Pending => return Step::Wait(Wake::Fd(READER)),
                Input::Eof => {
                    if ctx.reap(child).is_none() {
                        return Step::Wait(Wake::Child(child));
                    }
                    if let Some(id) = ctx.machine.process_mut(ctx.pid).and_then(|p| p.fds.remove(&READER)) {
                        ctx.machine.descriptors.release(id);
                    }
                    self.child = None;
                    self.draw(ctx);
                    self.next = ctx.now() + self.every;
                }
            }
        }
    }
}

/// `top`: the processes, every three seconds; `q` ends it. With `-b` as many times as `-n` says, plainly.
#[derive(Clone)]
struct Top {
    batch: bool,
    left: u32,
    begun: bool,
    next: Time,
}

pub fn top(args: Vec<String>) -> Box<dyn Process> {
    let batch = args.iter().any(|a| a.starts_with('-') && a.contains('b'));
    let n =
        args.iter().position(|a| a.starts_with('-') && a.ends_with('n')).and_then(|i| args.get(i + 1)?.parse().ok());
    let left = n.or_else(|| args.iter().find_map(|a| a.strip_prefix("-bn")?.parse().ok())).unwrap_or(u32::MAX);
    Box::new(Top { batch, left, begun: false, next: Time(0) })
}

impl Top {
    fn text(&self, ctx: &Ctx<'_>) -> String {
        let rows = processes::rows(ctx);
        let clock = super::date::format(ctx.now(), "%H:%M:%S");
        let up = super::system::up(ctx);
        let running = rows.iter().filter(|r| r.state == 'R').count();
        let total = ctx.machine.memory_bytes as f64 / 1_048_576.0;
        let mut out = format!("top - {clock} {up},  1 user,  load average: 0.00, 0.00, 0.00\n");
        let sleeping = rows.len() - running;
        out.push_str(&format!(
            "Tasks: {:>3} total, {running:>3} running, {sleeping:>3} sleeping,   0 stopped,   0 zombie\n",
            rows.len()
        ));
        out.push_str(&format!(
            "MiB Mem : {total:>8.1} total, {:>8.1} free, {:>8.1} used\n\n",
            total / 2.0,
            total / 4.0
        ));
        out.push_str("    PID USER      PR  NI S  %CPU  %MEM     TIME+ COMMAND\n");
        for r in rows {
            let time = format!("{}:{:02}.00", r.seconds / 60, r.seconds % 60);
            out.push_str(&format!("{:>7} {:<8}  20   0 {}   0.0   0.1 {time:>9} {}\n", r.pid, r.user, r.state, r.name));
        }
        out
    }
}

impl Process for Top {
    fn step(&mut self, ctx: &mut Ctx<'_>) -> Step {
        if !core::mem::replace(&mut self.begun, true) && !self.batch {
            ctx.set_raw(true);
            ctx.out("\x1b[?1049h");
        }
        let mut done = ctx.interrupted();
        while !self.batch && ctx.is_tty(0) {
            match ctx.read() {
                Input::Data(b) => done |= b.iter().any(|k| *k == b'q' || *k == 3),
                Input::Eof => done = true,
                Input::Pending => break,
            }
        }
        if !done && ctx.now() >= self.next {
            let text = self.text(ctx);
            if self.batch {
                ctx.out(&text);
            } else {
                let rows = usize::from(ctx.term_size().1);
                let lines: Vec<&str> = text.lines().take(rows).collect();
                ctx.out(&format!("\x1b[H\x1b[2J{}", lines.join("\r\n")));
            }
            self.left = self.left.saturating_sub(1);
            self.next = ctx.now() + Duration::from_secs(3);
        }
        if done || self.left == 0 {
            if !self.batch {
                ctx.set_raw(false);
                ctx.out("\x1b[?1049l");
            }
            return Step::Exit(0);
        }
        if self.batch { Step::Wait(Wake::At(self.next)) } else { Step::Wait(Wake::InputUntil(self.next)) }
    }
}
