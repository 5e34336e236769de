//! `read`: one line of standard input into variables.

use super::vars::{Value, Var};
use super::vm::Ran;
use super::{Pause, Shell};
use crate::process::{Ctx, Input, Wake};
use apimachinery::order::Gather as _;
use apimachinery::time::{Duration, Time};

#[derive(Clone)]
pub(super) struct Reading {
    names: Vec<String>,
    array: bool,
    raw: bool,
    silent: bool,
    count: usize,
    delimiter: u8,
    until: Option<Time>,
    bytes: Vec<u8>,
}

impl Shell {
    pub(super) fn read_builtin(&mut self, ctx: &mut Ctx<'_>, argv: &[String]) -> Ran {
        let mut r = Reading {
            names: Vec::new(),
            array: false,
            raw: false,
            silent: false,
            count: usize::MAX,
            delimiter: b'\n',
            until: None,
            bytes: Vec::new(),
        };
        let mut args = argv[1..].iter();
        let mut prompt = None;
        while let Some(arg) = args.next() {
            let Some(flags) = arg.strip_prefix('-').filter(|f| !f.is_empty()) else {
                r.names.push(arg.clone());
                continue;
            };
            for (i, c) in flags.char_indices() {
                match c {
                    'r' => r.raw = true,
                    's' => r.silent = true,
                    'e' => {}
                    'p' | 't' | 'n' | 'd' | 'a' | 'u' | 'N' => {
                        let rest = &flags[i + 1..];
                        let value =
                            if rest.is_empty() { args.next().cloned().unwrap_or_default() } else { rest.to_owned() };
                        match c {
                            'p' => prompt = Some(value),
                            't' => {
                                let secs: f64 = value.parse().unwrap_or(0.0);
                                r.until = Some(ctx.now() + Duration::from_millis((secs * 1000.0) as u64));
                            }
                            'n' | 'N' => r.count = value.parse().unwrap_or(usize::MAX),
                            'd' => r.delimiter = value.bytes().next().unwrap_or(0),
                            'a' => {
                                r.array = true;
                                r.names = vec![value];
                            }
                            _ => {}
                        }
                        break;
                    }
                    c => {
                        self.complain(ctx, &format!("read: -{c}: invalid option"));
                        return Ran::Status(2);
                    }
                }
            }
        }
        if ctx.is_tty(0) {
            if let Some(prompt) = prompt {
                ctx.err(&prompt);
            }
            if let Some(tty) = ctx.machine.fd_tty(ctx.pid, 0)
                && let Some(t) = ctx.machine.tty_mut(tty)
            {
                t.echo = !r.silent;
            }
        }
        Ran::Pause(Pause::Read(r))
    }

    /// The status when done, or what to wait for.
    pub(super) fn go_on_reading(&mut self, ctx: &mut Ctx<'_>, mut r: Reading) -> Result<i32, (Reading, Wake)> {
        let mut status = 0;
        loop {
            if r.bytes.len() >= r.count {
                break;
            }
            match ctx.read_fd(0, 1) {
                Input::Data(b) if b[0] == r.delimiter => {
                    let escaped = !r.raw && r.bytes.iter().rev().take_while(|b| **b == b'\\').count() % 2 == 1;
                    if !escaped {
                        break;
                    }
                    r.bytes.pop();
                }
                Input::Data(b) => r.bytes.extend(b),
                Input::Eof => {
                    status = 1;
                    break;
                }
                Input::Pending => {
                    let Some(until) = r.until else { return Err((r, Wake::Input)) };
                    if ctx.now() >= until {
                        status = 142;
                        break;
                    }
                    return Err((r, Wake::InputUntil(until)));
                }
            }
        }
        if r.silent
            && let Some(tty) = ctx.machine.fd_tty(ctx.pid, 0)
            && let Some(t) = ctx.machine.tty_mut(tty)
        {
            t.echo = true;
        }
        let text = String::from_utf8_lossy(&r.bytes).into_owned();
        self.store(ctx, &r, &text);
        Ok(status)
    }

    fn store(&mut self, ctx: &mut Ctx<'_>, r: &Reading, text: &str) {
        // Characters with whether a backslash protects them.
        let mut chars: Vec<(char, bool)> = Vec::new();
        let mut source = text.chars();
        while let Some(c) = source.next() {
            match c {
                '\\' if !r.raw => chars.extend(source.next().map(|c| (c, true))),
                c => chars.push((c, false)),
            }
        }
        let join = |c: &[(char, bool)]| c.iter().map(|c| c.0).collect::<String>();
        if r.names.is_empty() {
            let _ = self.set("REPLY", join(&chars));
            return;
        }
        let ifs = self.vars.get("IFS").and_then(Var::scalar).unwrap_or(" \t\n").to_owned();
        let blank = |c: &(char, bool)| !c.1 && c.0.is_whitespace() && ifs.contains(c.0);
        let mut rest: &[(char, bool)] = &chars;
        let trim = |mut s: &'_ [(char, bool)]| -> usize {
            let mut n = 0;
            while s.first().is_some_and(blank) {
                s = &s[1..];
                n += 1;
            }
            n
        };
        rest = &rest[trim(rest)..];
        let mut words = Vec::new();
        while !rest.is_empty() && (r.array || words.len() + 1 < r.names.len()) {
            let end = rest.iter().position(|c| !c.1 && ifs.contains(c.0)).unwrap_or(rest.len());
            words.push(join(&rest[..end]));
            rest = &rest[end..];
            rest = &rest[trim(rest)..];
            if rest.first().is_some_and(|c| !c.1 && ifs.contains(c.0)) && end < chars.len() {
                rest = &rest[1..];
                rest = &rest[trim(rest)..];
            }
        }
        if r.array {
            let values = words.into_iter().enumerate().map(|(i, w)| (i as u64, w)).gather();
            self.vars.insert(r.names[0].clone(), Var { value: Value::Array(values), ..Var::text("") });
            return;
        }
        let mut end = rest.len();
        while end > 0 && blank(&rest[end - 1]) {
            end -= 1;
        }
        words.push(join(&rest[..end]));
        for (i, name) in r.names.iter().enumerate() {
            let value = words.get(i).cloned().unwrap_or_default();
            if let Err(message) = self.set(name, value) {
                self.complain(ctx, &message);
            }
        }
    }
}
