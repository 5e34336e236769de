//! A program as a list of things to do: print, wait, ask, act. Enough for every program of the laptop that is not a
//! long conversation.
//!
//! Invariant: a script is data; what it changes, it changes in the steps named [`Act::Then`], at the instant they are reached.

use apimachinery::time::{Duration, Time};
use machine::process::{Ctx, Input, Process, Program, Signal, Step, Wake};
use std::collections::VecDeque;

/// A step that decides what comes next from a text it was given.
pub type Next = fn(&mut Ctx<'_>, &str) -> Vec<Act>;

#[derive(Clone)]
pub enum Act {
    Out(String),
    Err(String),
    Wait(Duration),
    Then(Next, String),
    /// Shows a prompt, reads a line, and hands both texts on, joined by a line feed: what was given, then what was typed.
    Ask {
        prompt: String,
        echo: bool,
        then: Next,
        with: String,
    },
    /// Goes on as another process.
    Become(Box<dyn Process>),
    Exit(i32),
}

pub fn out(text: impl Into<String>) -> Act {
    Act::Out(text.into())
}

pub fn wait_ms(ms: u64) -> Act {
    Act::Wait(Duration::from_millis(ms))
}

/// Prints to standard error and ends.
pub fn fail(text: impl Into<String>, code: i32) -> Vec<Act> {
    vec![Act::Err(text.into()), Act::Exit(code)]
}

/// An entry of the laptop's table of programs.
pub struct Command {
    pub name: &'static str,
    pub summary: &'static str,
    pub run: fn(&mut Ctx<'_>, &[String]) -> Vec<Act>,
    pub complete: fn(&[String], &mut Ctx<'_>) -> Vec<String>,
}

pub fn no_candidates(_: &[String], _: &mut Ctx<'_>) -> Vec<String> {
    Vec::new()
}

impl Program for Command {
    fn name(&self) -> &'static str {
        self.name
    }

    fn summary(&self) -> &'static str {
        self.summary
    }

    fn start(&self, args: Vec<String>) -> Box<dyn Process> {
        Box::new(Script { start: Some((self.run, args)), ..Script::default() })
    }

    fn complete(&self, words: &[String], ctx: &mut Ctx<'_>) -> Vec<String> {
        let last = words.last().map_or("", String::as_str);
        let mut found = (self.complete)(words, ctx);
        found.retain(|c| c.starts_with(last));
        found
    }
}

type Start = fn(&mut Ctx<'_>, &[String]) -> Vec<Act>;

#[derive(Clone, Default)]
struct Script {
    start: Option<(Start, Vec<String>)>,
    acts: VecDeque<Act>,
    until: Option<Time>,
    asked: Option<Question>,
    became: Option<Box<dyn Process>>,
}

#[derive(Clone)]
struct Question {
    echo: bool,
    typed: Vec<u8>,
    then: Next,
    with: String,
}

/// Acts taken in one turn.
const ACTS_PER_TURN_MAX: usize = 256;

impl Process for Script {
    fn step(&mut self, ctx: &mut Ctx<'_>) -> Step {
        if let Some(process) = &mut self.became {
            return process.step(ctx);
        }
        if let Some((start, args)) = self.start.take() {
            self.acts.extend(start(ctx, &args));
        }
        if let Some(until) = self.until {
            if ctx.now() < until {
                return Step::Wait(Wake::At(until));
            }
            self.until = None;
        }
        if self.asked.is_some()
            && let Some(step) = self.answer(ctx)
        {
            return step;
        }
        for _ in 0..ACTS_PER_TURN_MAX {
            let Some(act) = self.acts.pop_front() else { return Step::Exit(0) };
            if let Some(step) = self.act(act, ctx) {
                return step;
            }
        }
        Step::Again
    }
}

impl Script {
    fn act(&mut self, act: Act, ctx: &mut Ctx<'_>) -> Option<Step> {
        match act {
            Act::Out(text) => ctx.out(&text),
            Act::Err(text) => ctx.err(&text),
            Act::Wait(d) => {
                let until = ctx.now() + d;
                self.until = Some(until);
                return Some(Step::Wait(Wake::At(until)));
            }
            Act::Then(next, with) => {
                let acts = next(ctx, &with);
                for act in acts.into_iter().rev() {
                    self.acts.push_front(act);
                }
            }
            Act::Ask { prompt, echo, then, with } => {
                ctx.err(&prompt);
                set_echo(ctx, echo);
                self.asked = Some(Question { echo, typed: Vec::new(), then, with });
                return Some(Step::Again);
            }
            Act::Become(process) => {
                self.became = Some(process);
                return Some(Step::Again);
            }
            Act::Exit(code) => return Some(Step::Exit(code)),
        }
        None
    }

    /// Takes what was typed; `None` once the line is complete.
    fn answer(&mut self, ctx: &mut Ctx<'_>) -> Option<Step> {
        if ctx.interrupted() {
            set_echo(ctx, true);
            ctx.err("\n");
            return Some(Step::Exit(128 + Signal::Int.number()));
        }
        let question = self.asked.as_mut()?;
        loop {
            let byte = match ctx.read_fd(0, 1) {
                Input::Data(bytes) => bytes.first().copied(),
                Input::Eof => None,
                Input::Pending => return Some(Step::Wait(Wake::Input)),
            };
            match byte {
                Some(b) if b != b'\n' => question.typed.push(b),
                _ => break,
            }
        }
        let Question { echo, typed, then, with } = self.asked.take()?;
        set_echo(ctx, true);
        if !echo && ctx.is_tty(0) {
            ctx.err("\n");
        }
        let typed = String::from_utf8_lossy(&typed).trim_end_matches('\r').to_owned();
        self.acts.push_front(Act::Then(then, format!("{with}\n{typed}")));
        None
    }
}

fn set_echo(ctx: &mut Ctx<'_>, echo: bool) {
    if let Some(tty) = ctx.machine.fd_tty(ctx.pid, 0)
        && let Some(tty) = ctx.machine.tty_mut(tty)
    {
        tty.echo = echo;
    }
}

/// Flags and words of a command line, in the way of Go's and GNU's parsers: `--name value`, `--name=value`, `-n value`, `-nvalue`.
pub struct Args<'a> {
    pub flags: Vec<(&'a str, String)>,
    pub words: Vec<String>,
}

/// How flags are spelled: (long, short or `\0`, takes a value).
pub type Flag = (&'static str, char, bool);

/// Reads flags up to the first plain word (`stop_at_word`) or everywhere; `Err` holds the flag that nobody knows.
pub fn parse<'a>(flags: &'a [Flag], args: &[String], stop_at_word: bool) -> Result<Args<'a>, String> {
    let mut out = Args { flags: Vec::new(), words: Vec::new() };
    let mut rest = args.iter();
    while let Some(arg) = rest.next() {
        if arg == "--" {
            out.words.extend(rest.by_ref().cloned());
        } else if let Some(long) = arg.strip_prefix("--") {
            let (name, inline) = match long.split_once('=') {
                Some((name, value)) => (name, Some(value.to_owned())),
                None => (long, None),
            };
            let flag = flags.iter().find(|f| f.0 == name).ok_or_else(|| format!("--{name}"))?;
            let value = match (inline, flag.2) {
                (Some(value), _) => value,
                (None, true) => rest.next().cloned().ok_or_else(|| format!("flag needs an argument: --{name}"))?,
                (None, false) => "true".to_owned(),
            };
            out.flags.push((flag.0, value));
        } else if arg.len() > 1 && arg.starts_with('-') {
            let mut letters = arg[1..].chars();
            while let Some(c) = letters.next() {
                let flag = flags.iter().find(|f| f.1 == c).ok_or_else(|| format!("'{c}' in {arg}"))?;
                if !flag.2 {
                    out.flags.push((flag.0, "true".to_owned()));
                    continue;
                }
                let inline: String = letters.by_ref().collect();
                let inline = inline.strip_prefix('=').unwrap_or(&inline).to_owned();
                let value = if inline.is_empty() {
                    rest.next().cloned().ok_or_else(|| format!("flag needs an argument: '{c}' in {arg}"))?
                } else {
                    inline
                };
                out.flags.push((flag.0, value));
            }
        } else {
            out.words.push(arg.clone());
            if stop_at_word {
                out.words.extend(rest.by_ref().cloned());
            }
        }
    }
    Ok(out)
}

impl Args<'_> {
    pub fn get(&self, name: &str) -> Option<&str> {
        self.flags.iter().rev().find(|(n, _)| *n == name).map(|(_, v)| v.as_str())
    }

    pub fn all<'s>(&'s self, name: &'s str) -> impl Iterator<Item = &'s str> + 's {
        self.flags.iter().filter(move |(n, _)| *n == name).map(|(_, v)| v.as_str())
    }

    pub fn has(&self, name: &str) -> bool {
        self.get(name).is_some_and(|v| v != "false")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_read_in_every_spelling() {
        const FLAGS: &[Flag] = &[("detach", 'd', false), ("publish", 'p', true), ("name", '\0', true)];
        let args: Vec<String> = "-dp 8080:80 --name=web -p81:80 nginx -x".split(' ').map(str::to_owned).collect();
        let parsed = parse(FLAGS, &args, true).unwrap_or_else(|e| panic!("{e}"));
        assert!(parsed.has("detach"));
        assert_eq!(parsed.all("publish").collect::<Vec<_>>(), ["8080:80", "81:80"]);
        assert_eq!(parsed.get("name"), Some("web"));
        assert_eq!(parsed.words, ["nginx", "-x"]);
        assert_eq!(parse(FLAGS, &["-z".to_owned()], true).err().as_deref(), Some("'z' in -z"));
    }
}
