//! The interactive side: prompt, lines that go on, history, completion.

use super::line_editor::{Event, LineEditor};
use super::parser::{ParseError, Parser};
use super::vars::Var;
use super::vm::Flow;
use super::{FrameKind, Pause, Shell, builtins};
use crate::fs::Body;
use crate::machine::ShellKind;
use crate::process::{Ctx, Input, Wake};
use apimachinery::order::Order as _;
use std::sync::Arc;

const HISTORY_MAX: usize = 1000;

impl Shell {
    pub(super) fn start_interactive(&mut self, ctx: &mut Ctx<'_>, login: bool) {
        self.editor = Some(Box::default());
        let root = ctx.cred().uid == 0;
        let ps1 = match self.kind {
            ShellKind::Bash => "\\u@\\h:\\w\\$ ",
            ShellKind::Ash => "\\w \\$ ",
            ShellKind::Dash => "\\$ ",
        };
        self.vars.entry("PS1".into()).or_insert_with(|| Var::text(ps1));
        self.vars.entry("PS2".into()).or_insert_with(|| Var::text("> "));
        let home = self.vars.get("HOME").and_then(Var::scalar).unwrap_or(if root { "/root" } else { "/" }).to_owned();
        if let Ok(bytes) = ctx.read_file(&format!("{home}/.bash_history")) {
            self.history = String::from_utf8_lossy(&bytes).lines().map(str::to_owned).collect();
        }
        let mut files = Vec::new();
        if login {
            files.extend(["/etc/profile".to_owned(), format!("{home}/.profile")]);
        }
        if self.kind == ShellKind::Bash {
            files.push(format!("{home}/.bashrc"));
        }
        for file in files.iter().rev() {
            if let Ok(bytes) = ctx.read_file(file) {
                self.push_source(FrameKind::File, &String::from_utf8_lossy(&bytes), 1);
            }
        }
    }

    /// Shows the prompt and begins to read a line.
    pub(super) fn prompt(&mut self, ctx: &mut Ctx<'_>) -> Flow {
        self.report_jobs(ctx);
        self.take_terminal(ctx);
        ctx.set_raw(true);
        let name = if self.typed.is_empty() { "PS1" } else { "PS2" };
        let template = self.vars.get(name).and_then(Var::scalar).unwrap_or("$ ").to_owned();
        let prompt = self.prompt_text(ctx, &template);
        let columns = ctx.term_size().0;
        let history = core::mem::take(&mut self.history);
        let editor = self.editor.get_or_insert_with(Box::<LineEditor>::default);
        editor.begin(&prompt, columns, &history);
        self.history = history;
        self.pause = Some(Pause::Prompt);
        Flow::Go
    }

    fn prompt_text(&mut self, ctx: &mut Ctx<'_>, template: &str) -> String {
        let mut out = String::new();
        let mut chars = template.chars();
        let cred = ctx.cred();
        while let Some(c) = chars.next() {
            if c != '\\' {
                out.push(c);
                continue;
            }
            match chars.next() {
                Some('u') => out.push_str(&crate::coreutils::users::name_of(ctx.machine, cred.uid)),
                Some('h') => out.push_str(ctx.machine.hostname.split('.').next().unwrap_or("")),
                Some('H') => out.push_str(&ctx.machine.hostname),
                Some(c @ ('w' | 'W')) => {
                    let home = self.get(ctx, "HOME").unwrap_or_default();
                    let cwd = ctx.cwd();
                    let short = match cwd.strip_prefix(&home) {
                        Some(rest) if home.len() > 1 && (rest.is_empty() || rest.starts_with('/')) => {
                            format!("~{rest}")
                        }
                        _ => cwd,
                    };
                    let last = short.rsplit('/').next().filter(|l| !l.is_empty()).unwrap_or(&short);
                    out.push_str(if c == 'w' { &short } else { last });
                }
                Some('$') => out.push(if cred.uid == 0 { '#' } else { '$' }),
                Some('n') => out.push('\n'),
                Some('e') => out.push('\x1b'),
                Some('a') => out.push('\x07'),
                Some('s') => out.push_str("bash"),
                Some('v') => out.push_str("5.2"),
                Some('t') => {
                    let s = ctx.now().secs().rem_euclid(86_400);
                    out.push_str(&format!("{:02}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60));
                }
                Some('[' | ']') => {}
                Some('0') => {
                    let digits: String = chars.by_ref().take(2).collect();
                    out.extend(u32::from_str_radix(&digits, 8).ok().and_then(char::from_u32));
                }
                Some(c) => out.extend(['\\', c]),
                None => out.push('\\'),
            }
        }
        // Variables and substitutions of the prompt: only plain parameters.
        let Ok(word) = Parser::new(&out.replace('"', "\\\""), &self.aliases).double_quoted(None) else { return out };
        let text = self.inner_text(ctx, &word);
        self.forget_substitutions();
        text.unwrap_or(out)
    }

    /// Takes what was typed, key by key (what follows a line belongs to the command it starts).
    pub(super) fn resume_prompt(&mut self, ctx: &mut Ctx<'_>) -> Flow {
        let columns = ctx.term_size().0;
        loop {
            let input = ctx.read_fd(0, 1);
            let Some(mut editor) = self.editor.take() else { return Flow::Exit(0) };
            editor.set_columns(columns);
            let event = match input {
                Input::Data(b) => editor.feed(b[0]),
                Input::Eof => Event::Eof,
                Input::Pending => {
                    let drawn = core::mem::take(&mut editor.output);
                    ctx.out(&drawn);
                    self.editor = Some(editor);
                    self.pause = Some(Pause::Prompt);
                    return Flow::Wait(Wake::Input);
                }
            };
            if let Event::Complete(again) = event {
                let (before, _) = editor.parts();
                let (typed, candidates) = self.candidates(ctx, &before);
                editor.complete(&typed, &candidates, again);
            }
            let drawn = core::mem::take(&mut editor.output);
            self.editor = Some(editor);
            ctx.out(&drawn);
            match event {
                Event::None | Event::Complete(_) => {}
                Event::Interrupt => {
                    self.typed.clear();
                    self.status = 130;
                    return Flow::Go;
                }
                Event::Eof => {
                    ctx.set_raw(false);
                    if !self.typed.is_empty() {
                        self.typed.clear();
                        ctx.err("bash: syntax error: unexpected end of file\n");
                        return Flow::Go;
                    }
                    ctx.err("exit\n");
                    return self.leave(ctx, self.status);
                }
                Event::Line(line) => {
                    ctx.set_raw(false);
                    self.line_typed(ctx, &line);
                    return Flow::Go;
                }
            }
        }
    }

    fn line_typed(&mut self, ctx: &mut Ctx<'_>, line: &str) {
        let line = if self.kind == ShellKind::Bash && line.contains("!!") && !line.contains('\'') {
            let last = self.history.last().cloned().unwrap_or_default();
            let line = line.replace("!!", &last);
            ctx.err(&format!("{line}\n"));
            line
        } else {
            line.to_owned()
        };
        self.typed.push_str(&line);
        self.typed.push('\n');
        let chars = Arc::new(self.typed.chars().collect::<Vec<_>>());
        let mut parser = Parser::at(chars, 0, 1, &self.aliases);
        parser.interactive = true;
        let outcome = loop {
            match parser.next_line() {
                Ok(Some(_)) => {}
                Ok(None) => break Ok(()),
                Err(e) => break Err(e),
            }
        };
        if let Err(ParseError::Incomplete(_)) = outcome {
            return;
        }
        let text = core::mem::take(&mut self.typed);
        self.remember(text.trim_end());
        self.push_source(FrameKind::Main, &text, 1);
    }

    fn remember(&mut self, text: &str) {
        let worth = !text.is_empty() && !text.starts_with(' ') && self.history.last().is_none_or(|l| l != text);
        if worth {
            self.history.push(text.to_owned());
            if self.history.len() > HISTORY_MAX {
                self.history.remove(0);
            }
        }
    }

    /// What the word before the cursor may become, and that word.
    fn candidates(&mut self, ctx: &mut Ctx<'_>, before: &str) -> (String, Vec<String>) {
        // The command that the cursor is in.
        let start = before.rfind(['|', ';', '&', '(', '\n']).map_or(0, |i| i + 1);
        let segment = before[start..].trim_start();
        let mut words: Vec<String> = split_words(segment);
        let typed = words.last().cloned().unwrap_or_default();
        while words.len() > 1 && matches!(words[0].as_str(), "sudo" | "watch" | "time" | "exec" | "xargs") {
            words.remove(0);
        }
        let mut found = if words.len() <= 1 && !typed.contains('/') {
            self.commands(ctx, &typed)
        } else if typed.starts_with('$') && !typed.contains('/') {
            let names = self.vars.keys().map(|n| format!("${n}"));
            names.filter(|n| n.starts_with(&typed)).collect()
        } else {
            let last = typed.rsplit(['>', '<']).next().unwrap_or("").to_owned();
            let offered = if last == typed { self.program_candidates(ctx, &words) } else { Vec::new() };
            if offered.is_empty() { files(ctx, &last) } else { offered }
        };
        found.order();
        found.dedup();
        let typed = typed.rsplit(['>', '<']).next().unwrap_or("").to_owned();
        (typed, found)
    }

    fn commands(&self, ctx: &Ctx<'_>, typed: &str) -> Vec<String> {
        let path = self.vars.get("PATH").and_then(Var::scalar).unwrap_or_default();
        let own = builtins::names().map(str::to_owned);
        let all = own.chain(self.aliases.keys().cloned()).chain(self.functions.keys().cloned());
        let mut out: Vec<String> = all.filter(|n| n.starts_with(typed)).collect();
        for dir in path.split(':') {
            let list = ctx.machine.fs.list(&ctx.cred(), dir).unwrap_or_default();
            out.extend(list.into_iter().map(|(n, _)| n).filter(|n| n.starts_with(typed)));
        }
        out
    }

    fn program_candidates(&self, ctx: &mut Ctx<'_>, words: &[String]) -> Vec<String> {
        let mut all: Vec<String> = Vec::new();
        match self.aliases.get(&words[0]) {
            Some(text) => all.extend(split_words(text)),
            None => all.push(words[0].clone()),
        }
        all.extend(words[1..].iter().cloned());
        let path = self.vars.get("PATH").and_then(Var::scalar).map(str::to_owned);
        let Ok(file) = ctx.machine.find_program(&ctx.cred(), path.as_deref(), &ctx.cwd(), &all[0]) else {
            return Vec::new();
        };
        match ctx.machine.fs.body(&ctx.cred(), &file) {
            Ok(Body::Program(program)) => program.complete(&all[1..], ctx),
            _ => Vec::new(),
        }
    }
}

/// Words at blanks, backslashes kept; the last one is empty after a blank.
fn split_words(text: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut escaped = false;
    for c in text.chars() {
        if c.is_whitespace() && !escaped {
            if words.last().is_some_and(|w| !w.is_empty()) {
                words.push(String::new());
            }
        } else if let Some(w) = words.last_mut() {
            w.push(c);
        }
        escaped = c == '\\' && !escaped;
    }
    words
}

fn files(ctx: &mut Ctx<'_>, typed: &str) -> Vec<String> {
    let (dir, prefix) = typed.rfind('/').map_or(("", typed), |i| typed.split_at(i + 1));
    let home = ctx.env("HOME").unwrap_or_default();
    let plain = dir.replace('\\', "");
    let place = match plain.strip_prefix("~/") {
        Some(rest) => format!("{home}/{rest}"),
        None if plain.is_empty() => ctx.cwd(),
        None => ctx.full(&plain),
    };
    let prefix = prefix.replace('\\', "");
    let list = ctx.machine.fs.list(&ctx.cred(), &place).unwrap_or_default();
    let wanted =
        list.into_iter().filter(|(n, _)| n.starts_with(&prefix) && (!n.starts_with('.') || prefix.starts_with('.')));
    wanted
        .map(|(name, _)| {
            let is_dir = ctx.is_dir(&format!("{place}/{name}"));
            format!("{dir}{}{}", name.replace(' ', "\\ "), if is_dir { "/" } else { "" })
        })
        .collect()
}
