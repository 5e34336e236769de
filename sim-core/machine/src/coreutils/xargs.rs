//! `xargs`.

use crate::process::{Ctx, Input, Pid, Process, Step, Wake};

#[derive(Clone)]
struct Xargs {
    args: Vec<String>,
    input: Vec<u8>,
    commands: Option<Vec<Vec<String>>>,
    child: Option<Pid>,
    code: i32,
}

pub fn start(args: Vec<String>) -> Box<dyn Process> {
    Box::new(Xargs { args, input: Vec::new(), commands: None, child: None, code: 0 })
}

/// Words at blanks, with quotes and backslashes.
fn words(text: &str) -> Vec<String> {
    let mut out = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match (quote, c) {
            (Some(q), c) if c == q => quote = None,
            (Some(_), c) => word.get_or_insert_default().push(c),
            (None, '"' | '\'') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, '\\') => word.get_or_insert_default().extend(chars.next()),
            (None, c) if c.is_whitespace() => out.extend(word.take()),
            (None, c) => word.get_or_insert_default().push(c),
        }
    }
    out.extend(word);
    out
}

impl Xargs {
    fn plan(&mut self, ctx: &mut Ctx<'_>) -> Option<Vec<Vec<String>>> {
        let (mut per, mut replace, mut skip_empty, mut zero, mut delimiter) = (usize::MAX, None, false, false, None);
        let mut rest = self.args.iter().peekable();
        while let Some(a) = rest.next_if(|a| a.starts_with('-') && a.len() > 1) {
            let (flag, joined) = a.split_at(2);
            let mut value =
                || if joined.is_empty() { rest.next().cloned().unwrap_or_default() } else { joined.to_owned() };
            match flag {
                "-n" | "-L" => per = value().parse().unwrap_or(1).max(1),
                "-I" => replace = Some(value()),
                "-i" => replace = Some("{}".into()),
                "-P" => drop(value()),
                "-d" => {
                    delimiter = Some(String::from_utf8_lossy(&super::escapes::unescape(&value(), false).0).into_owned())
                }
                "-r" => skip_empty = true,
                "-0" => zero = true,
                "-t" => {}
                _ if a == "--no-run-if-empty" => skip_empty = true,
                _ => {
                    ctx.err(&format!("xargs: invalid option -- '{}'\n", &flag[1..]));
                    return None;
                }
            }
        }
        let mut command: Vec<String> = rest.cloned().collect();
        if command.is_empty() {
            command.push("echo".into());
        }
        let text = String::from_utf8_lossy(&self.input).into_owned();
        if let Some(mark) = replace {
            let lines = text.lines().map(str::trim_start).filter(|l| !l.is_empty());
            return Some(lines.map(|l| command.iter().map(|w| w.replace(&mark, l)).collect()).collect());
        }
        let items: Vec<String> = if zero {
            text.split('\0').filter(|w| !w.is_empty()).map(str::to_owned).collect()
        } else if let Some(d) = delimiter {
            text.trim_end_matches('\n').split(&d).map(str::to_owned).collect()
        } else {
            words(&text)
        };
        if items.is_empty() {
            return Some(if skip_empty { Vec::new() } else { vec![command] });
        }
        Some(items.chunks(per.min(4096)).map(|c| [command.as_slice(), c].concat()).collect())
    }
}

impl Process for Xargs {
    fn step(&mut self, ctx: &mut Ctx<'_>) -> Step {
        while self.commands.is_none() {
            match ctx.read() {
                Input::Data(b) => self.input.extend(b),
                Input::Pending => return Step::Wait(Wake::Input),
                Input::Eof => {
                    let Some(mut commands) = self.plan(ctx) else { return Step::Exit(1) };
                    commands.reverse();
                    self.commands = Some(commands);
                }
            }
        }
        loop {
            if let Some(child) = self.child {
                match ctx.reap(child) {
                    None => return Step::Wait(Wake::Child(child)),
                    Some(0) => {}
                    Some(255) => return Step::Exit(124),
                    Some(_) => self.code = 123,
                }
                self.child = None;
            }
            let Some(argv) = self.commands.as_mut().and_then(Vec::pop) else { return Step::Exit(self.code) };
            let name = argv[0].clone();
            match ctx.spawn(argv) {
                Ok(pid) => self.child = Some(pid),
                Err(e) => {
                    ctx.err(&format!("xargs: {name}: {}\n", e.message()));
                    return Step::Exit(127);
                }
            }
        }
    }
}
