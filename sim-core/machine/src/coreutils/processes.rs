//! ps, kill, pgrep, pkill.

use super::users;
use crate::machine::Tools;
use crate::process::{Ctx, Pid, Signal, Status};

/// Processor time of a process, as turns stand for it.
fn cpu_time(turns: u64) -> u64 {
    turns / 2000
}

/// One process as it is listed.
pub struct Row {
    pub pid: u32,
    pub parent: u32,
    pub user: String,
    pub tty: String,
    pub state: char,
    pub started: apimachinery::time::Time,
    pub seconds: u64,
    pub command: String,
    pub name: String,
    uid: u32,
}

pub fn rows(ctx: &Ctx<'_>) -> Vec<Row> {
    let all = ctx.machine.processes().filter(|p| p.pid != Pid(0));
    all.map(|p| {
        let ended = matches!(p.status, Status::Ended(_));
        let name = p.argv.first().map_or("", |a| a.rsplit('/').next().unwrap_or("")).to_owned();
        Row {
            pid: p.pid.0,
            parent: p.parent.0,
            user: users::name_of(ctx.machine, p.cred.uid),
            tty: p.tty.map_or("?".into(), |t| format!("pts/{}", t.0)),
            state: match p.status {
                _ if p.pid == ctx.pid => 'R',
                Status::Ready => 'R',
                Status::Waiting(_) => 'S',
                Status::Stopped => 'T',
                Status::Ended(_) => 'Z',
            },
            started: p.started,
            seconds: cpu_time(p.turns),
            command: if ended { format!("[{name}] <defunct>") } else { p.argv.join(" ") },
            name,
            uid: p.cred.uid,
        }
    })
    .collect()
}

fn clock(seconds: u64) -> String {
    format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

pub fn ps(ctx: &mut Ctx<'_>, args: &[String]) -> i32 {
    let mut rows = rows(ctx);
    if ctx.machine.personality.tools == Tools::Busybox {
        let mut text = "PID   USER     TIME  COMMAND\n".to_owned();
        for r in rows {
            text.push_str(&format!(
                "{:>5} {:<8} {:>2}:{:02} {}\n",
                r.pid,
                r.user,
                r.seconds / 60,
                r.seconds % 60,
                r.command
            ));
        }
        ctx.out(&text);
        return 0;
    }
    let flags: String = args.iter().flat_map(|a| a.trim_start_matches('-').chars()).collect();
    let bsd = args.first().is_some_and(|a| !a.starts_with('-')) && flags.contains('u');
    let full = flags.contains('f');
    let all = flags.contains('e') || flags.contains('A') || flags.contains('a') && flags.contains('x');
    if !all {
        let me = ctx.machine.process(ctx.pid);
        let (tty, uid) = (me.and_then(|p| p.tty).map_or("?".into(), |t| format!("pts/{}", t.0)), ctx.cred().uid);
        rows.retain(|r| r.uid == uid && r.tty == tty);
    }
    let mut text = String::new();
    if bsd {
        text.push_str("USER         PID %CPU %MEM    VSZ   RSS TTY      STAT START   TIME COMMAND\n");
        for r in rows {
            let start = super::date::format(r.started, "%H:%M");
            text.push_str(&format!(
                "{:<8} {:>7}  0.0  0.0   4424  3328 {:<8} {:<4} {start}   {}:{:02} {}\n",
                r.user,
                r.pid,
                r.tty,
                r.state,
                r.seconds / 60,
                r.seconds % 60,
                r.command
            ));
        }
    } else if full {
        text.push_str("UID          PID    PPID  C STIME TTY          TIME CMD\n");
        for r in rows {
            let start = super::date::format(r.started, "%H:%M");
            let row = format!(
                "{:<8} {:>7} {:>7}  0 {start} {:<8} {} {}\n",
                r.user,
                r.pid,
                r.parent,
                r.tty,
                clock(r.seconds),
                r.command
            );
            text.push_str(&row);
        }
    } else {
        text.push_str("    PID TTY          TIME CMD\n");
        for r in rows {
            text.push_str(&format!("{:>7} {:<8} {} {}\n", r.pid, r.tty, clock(r.seconds), r.name));
        }
    }
    ctx.out(&text);
    0
}

pub fn kill(ctx: &mut Ctx<'_>, args: &[String]) -> i32 {
    let (mut signal, mut code) = (Signal::Term, 0);
    for a in args {
        if let Some(word) = a.strip_prefix('-').filter(|w| w.parse::<i64>().is_err() || Signal::parse(w).is_some()) {
            match Signal::parse(word) {
                Some(s) => signal = s,
                None => {
                    ctx.err(&format!("kill: invalid signal name or number: {word}\n"));
                    return 1;
                }
            }
            continue;
        }
        let outcome =
            a.parse::<i64>().map_err(|_| "No such process").and_then(|n| crate::shell::send_signal(ctx, n, signal));
        if let Err(message) = outcome {
            ctx.err(&format!("kill: sending signal to {a} failed: {message}\n"));
            code = 1;
        }
    }
    code
}

/// Processes whose name (or, with `-f`, whole command) contains the pattern.
fn matching(ctx: &Ctx<'_>, args: &[String]) -> Vec<u32> {
    let full = args.iter().any(|a| a == "-f");
    let exact = args.iter().any(|a| a == "-x");
    let Some(pattern) = args.iter().rfind(|a| !a.starts_with('-')) else { return Vec::new() };
    let fits = |r: &Row| {
        let text = if full { &r.command } else { &r.name };
        r.pid != ctx.pid.0 && r.state != 'Z' && if exact { text == pattern } else { text.contains(pattern.as_str()) }
    };
    rows(ctx).into_iter().filter(fits).map(|r| r.pid).collect()
}

pub fn pgrep(ctx: &mut Ctx<'_>, args: &[String]) -> i32 {
    let found = matching(ctx, args);
    for pid in &found {
        ctx.out(&format!("{pid}\n"));
    }
    i32::from(found.is_empty())
}

pub fn pkill(ctx: &mut Ctx<'_>, args: &[String]) -> i32 {
    let signal = args.iter().filter_map(|a| Signal::parse(a.strip_prefix('-')?)).next().unwrap_or(Signal::Term);
    let found = matching(ctx, args);
    let mut code = i32::from(found.is_empty());
    for pid in found {
        if let Err(message) = crate::shell::send_signal(ctx, i64::from(pid), signal) {
            ctx.err(&format!("pkill: killing pid {pid} failed: {message}\n"));
            code = 1;
        }
    }
    code
}
