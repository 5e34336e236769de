//! Jobs: pipelines that run, in the foreground or behind, and the builtins that handle them.

use super::vm::{Flow, Ran};
use super::{Pause, Shell};
use crate::process::{Ctx, Pid, Signal, Status, Wake};

#[derive(Clone)]
pub(super) struct Job {
    pub(super) id: u32,
    pub(super) group: Option<u32>,
    pids: Vec<(Pid, Option<i32>)>,
    pub(super) text: String,
    pub(super) was_stopped: bool,
}

impl Job {
    pub(super) fn new(pids: Vec<Pid>, group: Option<u32>, text: &str) -> Self {
        let pids = pids.into_iter().map(|p| (p, None)).collect();
        Self { id: 0, group, pids, text: text.to_owned(), was_stopped: false }
    }

    pub(super) fn last_pid(&self) -> Option<Pid> {
        self.pids.last().map(|p| p.0)
    }

    /// Notes who has ended.
    pub(super) fn poll(&mut self, ctx: &mut Ctx<'_>) {
        for (pid, code) in self.pids.iter_mut().filter(|p| p.1.is_none()) {
            *code = ctx.reap(*pid);
            if code.is_none() && ctx.machine.process(*pid).is_none() {
                *code = Some(127);
            }
        }
    }

    /// Somebody who has not ended.
    pub(super) fn running(&self) -> Option<Pid> {
        self.pids.iter().find(|p| p.1.is_none()).map(|p| p.0)
    }

    pub(super) fn codes(&self) -> Vec<i32> {
        self.pids.iter().map(|p| p.1.unwrap_or(0)).collect()
    }

    pub(super) fn is_stopped(&self, ctx: &Ctx<'_>) -> bool {
        self.pids.iter().any(|p| ctx.machine.process(p.0).is_some_and(|e| e.status == Status::Stopped))
    }

    fn signal(&self, ctx: &mut Ctx<'_>, signal: Signal) {
        for (pid, _) in self.pids.iter().filter(|p| p.1.is_none()) {
            ctx.kill(*pid, signal);
        }
    }
}

impl Shell {
    fn find_job(&self, word: Option<&String>) -> Option<usize> {
        match word.map(String::as_str) {
            None | Some("%%" | "%+" | "%") => self.jobs.len().checked_sub(1),
            Some("%-") => self.jobs.len().checked_sub(2),
            Some(word) => {
                let bare = word.strip_prefix('%').unwrap_or(word);
                match bare.parse::<u32>() {
                    Ok(id) => self.jobs.iter().position(|j| j.id == id),
                    Err(_) => self.jobs.iter().position(|j| j.text.starts_with(bare)),
                }
            }
        }
    }

    fn job_line(&self, ctx: &Ctx<'_>, i: usize, long: bool) -> String {
        let job = &self.jobs[i];
        let mark = match self.jobs.len() - i {
            1 => '+',
            2 => '-',
            _ => ' ',
        };
        let (state, tail) = match job.running() {
            None => match job.codes().last().copied().unwrap_or(0) {
                0 => ("Done".to_owned(), ""),
                130 => ("Interrupt".to_owned(), ""),
                137 => ("Killed".to_owned(), ""),
                143 => ("Terminated".to_owned(), ""),
                code => (format!("Exit {code}"), ""),
            },
            Some(_) if job.is_stopped(ctx) => ("Stopped".to_owned(), ""),
            Some(_) => ("Running".to_owned(), " &"),
        };
        let pid = if long { format!("{} ", job.last_pid().map_or(0, |p| p.0)) } else { String::new() };
        format!("[{}]{mark}  {pid}{state:<24}{}{tail}\n", job.id, job.text)
    }

    /// Before a prompt: tells which jobs have ended.
    pub(super) fn report_jobs(&mut self, ctx: &mut Ctx<'_>) {
        let mut ended = Vec::new();
        for i in 0..self.jobs.len() {
            let mut job = self.jobs[i].clone();
            job.poll(ctx);
            self.jobs[i] = job;
            if self.jobs[i].running().is_none() {
                let line = self.job_line(ctx, i, false);
                ctx.err(&line);
                ended.push(self.jobs[i].id);
            }
        }
        self.jobs.retain(|j| !ended.contains(&j.id));
    }

    pub(super) fn jobs_builtin(&mut self, ctx: &mut Ctx<'_>, argv: &[String]) -> Ran {
        let long = argv.iter().any(|a| a == "-l");
        let mut gone = Vec::new();
        for i in 0..self.jobs.len() {
            let mut job = self.jobs[i].clone();
            job.poll(ctx);
            self.jobs[i] = job;
            if argv.iter().any(|a| a == "-p") {
                ctx.out(&format!("{}\n", self.jobs[i].last_pid().map_or(0, |p| p.0)));
                continue;
            }
            let line = self.job_line(ctx, i, long);
            ctx.out(&line);
            if self.jobs[i].running().is_none() {
                gone.push(self.jobs[i].id);
            }
        }
        self.jobs.retain(|j| !gone.contains(&j.id));
        Ran::Status(0)
    }

    pub(super) fn fg_builtin(&mut self, ctx: &mut Ctx<'_>, argv: &[String]) -> Ran {
        let background = argv[0] == "bg";
        if !self.interactive {
            self.complain(ctx, &format!("{}: no job control", argv[0]));
            return Ran::Status(1);
        }
        let Some(i) = self.find_job(argv.get(1)) else {
            let which = argv.get(1).map_or("current", String::as_str);
            self.complain(ctx, &format!("{}: {which}: no such job", argv[0]));
            return Ran::Status(1);
        };
        if background {
            let job = self.jobs[i].clone();
            ctx.out(&format!("[{}]+ {} &\n", job.id, job.text));
            job.signal(ctx, Signal::Cont);
            return Ran::Status(0);
        }
        let job = self.jobs.remove(i);
        ctx.out(&format!("{}\n", job.text));
        job.signal(ctx, Signal::Cont);
        self.foreground(ctx, job);
        match self.pause.take() {
            Some(pause) => Ran::Pause(pause),
            None => Ran::Status(0),
        }
    }

    pub(super) fn wait_builtin(&mut self, ctx: &mut Ctx<'_>, argv: &[String]) -> Ran {
        let mut pids = Vec::new();
        for word in argv[1..].iter().filter(|a| !a.starts_with('-')) {
            if word.starts_with('%') {
                match self.find_job(Some(word)) {
                    Some(i) => pids.extend(self.jobs[i].last_pid()),
                    None => {
                        self.complain(ctx, &format!("wait: {word}: no such job"));
                        return Ran::Status(127);
                    }
                }
                continue;
            }
            let Ok(n) = word.parse::<u32>() else {
                self.complain(ctx, &format!("wait: `{word}': not a pid or valid job spec"));
                return Ran::Status(1);
            };
            if !self.jobs.iter().any(|j| j.pids.iter().any(|p| p.0 == Pid(n))) {
                self.complain(ctx, &format!("wait: pid {n} is not a child of this shell"));
                return Ran::Status(127);
            }
            pids.push(Pid(n));
        }
        Ran::Pause(Pause::Wait(pids))
    }

    pub(super) fn resume_wait(&mut self, ctx: &mut Ctx<'_>, pids: Vec<Pid>) -> Flow {
        self.jobs.iter_mut().for_each(|j| j.poll(ctx));
        let mut status = 0;
        if let Some((code, _)) = self.pending_traps.front() {
            status = *code;
        } else {
            let waiting = self
                .jobs
                .iter()
                .flat_map(|j| &j.pids)
                .find(|(pid, code)| code.is_none() && (pids.is_empty() || pids.contains(pid)));
            if let Some((pid, _)) = waiting {
                let pid = *pid;
                self.pause = Some(Pause::Wait(pids));
                return Flow::Wait(Wake::Child(pid));
            }
            if let Some(last) = pids.last() {
                let ended = self.jobs.iter().flat_map(|j| &j.pids).find(|p| p.0 == *last);
                status = ended.and_then(|p| p.1).unwrap_or(127);
            }
            if !self.interactive {
                self.jobs.retain(|j| j.running().is_some() || !pids.is_empty());
            }
        }
        self.end_pause(ctx);
        self.status = status;
        self.check = true;
        Flow::Go
    }

    pub(super) fn kill_builtin(&mut self, ctx: &mut Ctx<'_>, argv: &[String]) -> Ran {
        let mut signal = Signal::Term;
        let mut targets = &argv[1..];
        match targets.first().map(String::as_str) {
            Some("-l" | "-L") => {
                let names: Vec<String> = Signal::ALL.iter().map(|(_, n, name)| format!("{n:>2}) SIG{name}")).collect();
                ctx.out(&format!("{}\n", names.join("\t")));
                return Ran::Status(0);
            }
            Some("-s" | "-n") if targets.len() > 1 => {
                let Some(s) = Signal::parse(&targets[1]) else {
                    self.complain(ctx, &format!("kill: {}: invalid signal specification", targets[1]));
                    return Ran::Status(1);
                };
                signal = s;
                targets = &targets[2..];
            }
            Some("--") => targets = &targets[1..],
            Some("-0") => {
                let alive = targets[1..].iter().all(|t| t.parse().is_ok_and(|n| ctx.machine.process(Pid(n)).is_some()));
                if !alive {
                    self.complain(ctx, &format!("kill: ({}) - No such process", targets[1..].join(" ")));
                }
                return Ran::Status(i32::from(!alive));
            }
            Some(word) if word.starts_with('-') && word.len() > 1 => {
                let Some(s) = Signal::parse(&word[1..]) else {
                    self.complain(ctx, &format!("kill: {}: invalid signal specification", &word[1..]));
                    return Ran::Status(1);
                };
                signal = s;
                targets = &targets[1..];
            }
            _ => {}
        }
        if targets.is_empty() {
            ctx.err("kill: usage: kill [-s sigspec | -n signum | -sigspec] pid | jobspec ... or kill -l [sigspec]\n");
            return Ran::Status(2);
        }
        let mut status = 0;
        for target in targets {
            if target.starts_with('%') {
                match self.find_job(Some(target)) {
                    Some(i) => {
                        let job = self.jobs[i].clone();
                        job.signal(ctx, signal);
                        if signal != Signal::Stop {
                            job.signal(ctx, Signal::Cont);
                        }
                    }
                    None => {
                        self.complain(ctx, &format!("kill: {target}: no such job"));
                        status = 1;
                    }
                }
                continue;
            }
            match target.parse::<i64>() {
                Ok(n) => {
                    if let Err(message) = send(ctx, n, signal) {
                        self.complain(ctx, &format!("kill: ({n}) - {message}"));
                        status = 1;
                    }
                }
                Err(_) => {
                    self.complain(ctx, &format!("kill: {target}: arguments must be process or job IDs"));
                    status = 1;
                }
            }
        }
        Ran::Status(status)
    }
}

/// Sends a signal as the calling user may: to a process, or (negative) to a group.
pub(crate) fn send(ctx: &mut Ctx<'_>, target: i64, signal: Signal) -> Result<(), &'static str> {
    let uid = ctx.cred().uid;
    if target < 0 {
        let group = u32::try_from(-target).unwrap_or(0);
        return if ctx.machine.signal_group(group, signal) { Ok(()) } else { Err("No such process") };
    }
    let pid = Pid(u32::try_from(target).unwrap_or(0));
    let Some(p) = ctx.machine.process(pid) else { return Err("No such process") };
    if uid != 0 && p.cred.uid != uid {
        return Err("Operation not permitted");
    }
    // Number 1 is out of reach of what its own machine sends, unless it catches the signal.
    if pid == Pid(1) && matches!(signal, Signal::Kill | Signal::Stop) {
        return Ok(());
    }
    ctx.kill(pid, signal);
    Ok(())
}
