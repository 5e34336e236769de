//! The virtual machine: runs instructions, starts processes, waits for them.

use super::code::{Assign, AssignValue, Code, How, Op, Redirect, Simple, Target};
use super::expand::Stop;
use super::jobs::Job;
use super::parser::{CONTINUE_OFFSET, ParseError, Parser};
use super::vars::{Value, Var};
use super::{Control, Fds, FrameKind, Pause, Shell, arith, builtins, pattern, signal_code};
use crate::fs::FsError;
use crate::machine::ShellKind;
use crate::process::{Ctx, Input, Open, Pid, Process, Signal, Spawn, Step, Wake};
use apimachinery::order::Gather as _;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Instructions a turn.
const QUANTUM: u32 = 64;
/// Frames deep a script may call.
pub(super) const FRAMES_MAX: usize = 200;
/// Descriptors from here on are the shell's own; children do not get them.
const OWN_FDS: u32 = 200;

pub(super) enum Flow {
    Go,
    Wait(Wake),
    Exit(i32),
    /// Another program has taken the place of this one.
    Replaced,
}

/// What a builtin answers.
pub(super) enum Ran {
    Status(i32),
    /// It pushed a frame whose end gives the status.
    Frame,
    Pause(Pause),
    Exit(i32),
    Replaced,
}

enum Resolved {
    File(String),
    Dup(String),
    Text(String),
}

/// A redirection with its words expanded.
pub(super) struct Ready {
    fd: u32,
    how: How,
    target: Resolved,
}

impl Process for Shell {
    fn step(&mut self, ctx: &mut Ctx<'_>) -> Step {
        if let Some(code) = self.signals(ctx) {
            return Step::Exit(code);
        }
        for _ in 0..QUANTUM {
            match self.advance(ctx) {
                Flow::Go => {}
                Flow::Wait(wake) => return Step::Wait(wake),
                Flow::Exit(code) => return Step::Exit(code),
                Flow::Replaced => return Step::Again,
            }
        }
        Step::Again
    }
}

impl Shell {
    /// Takes what signals came; an exit code if one of them ends the shell.
    fn signals(&mut self, ctx: &mut Ctx<'_>) -> Option<i32> {
        while let Some(signal) = ctx.take_signal() {
            if let Some(action) = self.traps.get(signal.name()) {
                if !action.is_empty() {
                    self.pending_traps.push_back((signal_code(signal), action.clone()));
                }
                continue;
            }
            match signal {
                Signal::Int if self.interactive => {
                    if !matches!(self.pause, Some(Pause::Prompt)) {
                        self.abort(ctx, 130);
                    }
                }
                Signal::Term | Signal::Quit if self.interactive => {}
                Signal::Int if matches!(self.pause, Some(Pause::Foreground { .. })) => self.interrupted_child = true,
                Signal::Pipe | Signal::Hup => return Some(signal_code(signal)),
                _ if ctx.pid == Pid(1) => {}
                _ => return Some(signal_code(signal)),
            }
        }
        None
    }

    /// Gives up what runs and goes back to the prompt.
    pub(super) fn abort(&mut self, ctx: &mut Ctx<'_>, status: i32) {
        self.end_pause(ctx);
        self.pause = None;
        while !self.frames.is_empty() {
            self.pop_frame(ctx);
        }
        self.forget_substitutions();
        self.lenient = 0;
        self.check = false;
        self.status = status;
    }

    fn advance(&mut self, ctx: &mut Ctx<'_>) -> Flow {
        if let Some(pause) = self.pause.take() {
            return self.resume(ctx, pause);
        }
        if core::mem::take(&mut self.check) && self.options.errexit && self.status != 0 && self.lenient == 0 {
            return self.leave(ctx, self.status);
        }
        if ctx.machine.process(ctx.pid).is_some_and(|p| !p.pending.is_empty())
            && let Some(code) = self.signals(ctx)
        {
            return Flow::Exit(code);
        }
        if let Some((_, action)) = self.pending_traps.pop_front() {
            self.push_source(FrameKind::Trap(self.status), &action, 1);
            return Flow::Go;
        }
        let Some(frame) = self.frames.last() else {
            if self.interactive && !self.in_exit_trap {
                return self.prompt(ctx);
            }
            return self.leave(ctx, self.status);
        };
        let Some(op) = frame.code.ops.get(frame.pc).cloned() else { return self.next_code(ctx) };
        self.run_op(ctx, op)
    }

    /// Ends the shell, by way of its exit trap.
    pub(super) fn leave(&mut self, ctx: &mut Ctx<'_>, code: i32) -> Flow {
        while !self.frames.is_empty() {
            self.pop_frame(ctx);
        }
        self.lenient = 0;
        self.check = false;
        self.status = code;
        match self.traps.get("EXIT").cloned() {
            Some(action) if !self.in_exit_trap && !action.is_empty() => {
                self.in_exit_trap = true;
                self.push_source(FrameKind::Trap(code), &action, 1);
                Flow::Go
            }
            _ => Flow::Exit(code & 255),
        }
    }

    pub(super) fn pop_frame(&mut self, ctx: &mut Ctx<'_>) {
        let Some(mut frame) = self.frames.pop() else { return };
        while let Some(control) = frame.control.pop() {
            if let Control::Redirect(saved) = control {
                restore(ctx, saved);
            }
        }
        if let Some(saved) = frame.restore {
            restore(ctx, saved);
        }
        if let Some(params) = frame.params {
            self.params = params;
        }
        self.restore_vars(frame.locals);
        self.lenient = frame.lenient;
        if let FrameKind::Trap(status) = frame.kind {
            self.status = status;
        }
    }

    fn restore_vars(&mut self, old: Vec<(String, Option<Var>)>) {
        for (name, var) in old.into_iter().rev() {
            match var {
                Some(var) => self.vars.insert(name, var),
                None => self.vars.remove(&name),
            };
        }
    }

    /// The frame's code has ended: its source's next command, or the end of the frame.
    fn next_code(&mut self, ctx: &mut Ctx<'_>) -> Flow {
        let Some(frame) = self.frames.last_mut() else { return Flow::Go };
        let is_main = frame.kind == FrameKind::Main;
        if let Some(source) = &mut frame.source {
            let mut parser = Parser::at(source.chars.clone(), source.pos, source.line, &self.aliases);
            let start = source.pos;
            let parsed = parser.next_line();
            let (chars, pos, line) = parser.rest();
            (source.chars, source.pos) = (chars, pos);
            let text = source.chars.clone();
            source.line = line;
            match parsed {
                Ok(Some(code)) => {
                    frame.code = code.into();
                    frame.pc = 0;
                    return Flow::Go;
                }
                Ok(None) => {}
                Err(e) => {
                    let at_end = e == ParseError::Incomplete(None) && text.last() != Some(&'\n');
                    self.line = line + u32::from(at_end);
                    self.syntax_error(ctx, &e, &text, start, pos);
                    self.status = 2;
                    let fatal = !self.interactive;
                    self.pop_frame(ctx);
                    self.status = 2;
                    return if fatal { self.leave(ctx, 2) } else { Flow::Go };
                }
            }
        }
        let was_function = !is_main;
        if is_main && !self.interactive && self.frames.len() == 1 {
            return self.leave(ctx, self.status);
        }
        self.pop_frame(ctx);
        self.check = was_function;
        Flow::Go
    }

    fn syntax_error(&mut self, ctx: &mut Ctx<'_>, e: &ParseError, text: &[char], start: usize, pos: usize) {
        let eval = self.frames.last().is_some_and(|f| f.kind == FrameKind::Eval);
        let prefix = match self.kind {
            ShellKind::Bash if self.interactive => "bash: ".to_owned(),
            ShellKind::Bash => {
                let part = if eval {
                    "eval: "
                } else if self.from_option {
                    "-c: "
                } else {
                    ""
                };
                format!("{}: {part}line {}: ", self.name, self.line)
            }
            ShellKind::Ash => format!("{}: ", self.name),
            ShellKind::Dash => format!("{}: {}: ", self.name, self.line),
        };
        let bash = self.kind == ShellKind::Bash;
        let message = match (e, self.kind) {
            (ParseError::Refused(what), _) => what.clone(),
            (ParseError::Unexpected(t), ShellKind::Bash) => format!("syntax error near unexpected token `{t}'"),
            (ParseError::Unexpected(t), ShellKind::Ash) => format!("syntax error: unexpected \"{t}\""),
            (ParseError::Unexpected(t), ShellKind::Dash) => format!("Syntax error: \"{t}\" unexpected"),
            (ParseError::Incomplete(Some(c)), ShellKind::Bash) => {
                format!("unexpected EOF while looking for matching `{c}'")
            }
            (ParseError::Incomplete(Some(c)), ShellKind::Ash) if *c != ')' => {
                "syntax error: unterminated quoted string".into()
            }
            (ParseError::Incomplete(Some(c)), ShellKind::Dash) if *c != ')' => {
                "Syntax error: Unterminated quoted string".into()
            }
            (ParseError::Incomplete(_), ShellKind::Dash) => "Syntax error: end of file unexpected".into(),
            (ParseError::Incomplete(_), _) => "syntax error: unexpected end of file".into(),
        };
        ctx.err(&format!("{prefix}{message}\n"));
        if bash && !self.interactive && matches!(e, ParseError::Unexpected(_)) {
            let at = pos.min(text.len());
            let from = text[..at].iter().rposition(|c| *c == '\n').map_or(0, |i| i + 1).max(start.min(at));
            let to = text[at..].iter().position(|c| *c == '\n').map_or(text.len(), |i| at + i);
            let line: String = text[from..to].iter().collect();
            ctx.err(&format!("{prefix}`{line}'\n"));
        }
    }

    fn jump(&mut self, by: i32) {
        if let Some(frame) = self.frames.last_mut() {
            frame.pc = (frame.pc as i64 + i64::from(by)).max(0) as usize;
        }
    }

    fn control(&mut self) -> Option<&mut Vec<Control>> {
        self.frames.last_mut().map(|f| &mut f.control)
    }

    fn run_op(&mut self, ctx: &mut Ctx<'_>, op: Op) -> Flow {
        // An instruction that expands words stays where it is until its expansion is complete.
        let done = match &op {
            Op::Simple(command) => return self.simple(ctx, command),
            Op::Redirect(list) => self.expand_redirects(ctx, list).map(|ready| {
                self.status = match redirect_self(ctx, self, &ready) {
                    Ok(saved) => {
                        if let Some(c) = self.control() {
                            c.push(Control::Redirect(saved));
                        }
                        0
                    }
                    Err(message) => {
                        self.complain(ctx, &message);
                        if let Some(c) = self.control() {
                            c.push(Control::Redirect(Fds::new()));
                        }
                        1
                    }
                };
            }),
            Op::For { words } => self.for_words(ctx, words.as_deref()),
            Op::Case { word, arms, end } => self.case(ctx, word, arms, *end),
            Op::Arith { text, line } => {
                self.line = *line;
                self.inner_text(ctx, text).map(|text| {
                    self.status = match arith::evaluate(self, ctx, &text) {
                        Ok(n) => i32::from(n == 0),
                        Err(e) => {
                            self.complain(ctx, &format!("((: {e}"));
                            1
                        }
                    };
                    self.check = true;
                })
            }
            Op::Test { cond, line } => {
                self.line = *line;
                self.condition(ctx, cond).map(|yes| {
                    self.status = i32::from(!yes);
                    self.check = true;
                })
            }
            _ => Ok(()),
        };
        if let Err(stop) = done {
            return self.stopped(ctx, stop);
        }
        self.forget_substitutions();
        self.jump(1);
        self.plain_op(ctx, op)
    }

    /// Instructions that expand nothing; the program counter already stands on the next.
    fn plain_op(&mut self, ctx: &mut Ctx<'_>, op: Op) -> Flow {
        match op {
            Op::Jump(by) => self.jump(by),
            Op::JumpIf(on, by) if (self.status == 0) == on => self.jump(by),
            Op::Not => self.status = i32::from(self.status == 0),
            Op::SetStatus(status) => self.status = status,
            Op::Lenient(true) => self.lenient += 1,
            Op::Lenient(false) => self.lenient = self.lenient.saturating_sub(1),
            Op::Restore => {
                if let Some(Control::Redirect(saved)) = self.control().and_then(Vec::pop)
                    && !saved.is_empty()
                {
                    restore(ctx, saved);
                }
            }
            Op::Loop { end } => {
                let (items, lenient) = (self.for_items.take(), self.lenient);
                if let Some(frame) = self.frames.last_mut() {
                    let end = (frame.pc as i64 + i64::from(end)) as usize;
                    frame.control.push(Control::Loop { at: frame.pc - 1, end, items, last: 0, lenient });
                }
            }
            Op::Again(by) => {
                let status = self.status;
                if let Some(Control::Loop { last, .. }) = self.control().and_then(|c| c.last_mut()) {
                    *last = status;
                }
                self.jump(by);
            }
            Op::EndLoop => {
                if let Some(Control::Loop { last, .. }) = self.control().and_then(Vec::pop) {
                    self.status = last;
                }
            }
            Op::Next { name, done } => {
                let item = match self.control().and_then(|c| c.last_mut()) {
                    Some(Control::Loop { items: Some(items), .. }) => items.pop_front(),
                    _ => None,
                };
                match item {
                    Some(item) => {
                        if let Err(message) = self.set(&name, item) {
                            self.complain(ctx, &message);
                            self.jump(done);
                        }
                        self.undo.clear();
                    }
                    None => self.jump(done),
                }
            }
            Op::Function { name, body } => {
                self.functions.insert(name.to_string(), body);
                self.status = 0;
            }
            Op::Subshell(code) => {
                let body = self.fork(code.clone());
                return self.run_job(ctx, vec![body], &code.text);
            }
            Op::Pipeline(stages) => {
                let bodies = stages.iter().map(|s| self.fork(s.clone())).collect();
                let text: Vec<&str> = stages.iter().map(|s| s.text.as_str()).collect();
                return self.run_job(ctx, bodies, &text.join(" | "));
            }
            Op::Background(code) => self.background(ctx, &code),
            _ => {}
        }
        Flow::Go
    }

    fn for_words(&mut self, ctx: &mut Ctx<'_>, words: Option<&Vec<super::code::Word>>) -> Result<(), Stop> {
        let items = match words {
            Some(words) => self.expand_words(ctx, words)?,
            None => self.params.clone(),
        };
        self.for_items = Some(items.into());
        self.status = 0;
        Ok(())
    }

    fn case(
        &mut self,
        ctx: &mut Ctx<'_>,
        word: &super::code::Word,
        arms: &[(Vec<super::code::Word>, i32)],
        end: i32,
    ) -> Result<(), Stop> {
        let text: Vec<char> = self.expand_one(ctx, word)?.chars().collect();
        for (patterns, target) in arms {
            for p in patterns {
                let p = self.expand_pattern(ctx, p)?;
                if pattern::matches(&p, &text) {
                    self.jump(*target);
                    return Ok(());
                }
            }
        }
        self.status = 0;
        self.jump(end);
        Ok(())
    }

    /// An expansion stopped: run the substitution it needs, or tell its error.
    fn stopped(&mut self, ctx: &mut Ctx<'_>, stop: Stop) -> Flow {
        let undo = core::mem::take(&mut self.undo);
        self.substituted_next = 0;
        match stop {
            Stop::Substitute(code) => {
                self.restore_vars(undo);
                self.substitute(ctx, code)
            }
            Stop::Error(message) => {
                self.complain(ctx, &message);
                self.forget_substitutions();
                self.status = 1;
                if self.interactive {
                    self.abort(ctx, 1);
                } else {
                    // bash gives up the rest of the line, other shells the script.
                    let main_only = self.frames.len() == 1;
                    if self.kind != ShellKind::Bash || !main_only {
                        return self.leave(ctx, if self.kind == ShellKind::Bash { 1 } else { 2 });
                    }
                    if let Some(frame) = self.frames.last_mut() {
                        frame.pc = frame.code.ops.len();
                        frame.control.retain(|c| matches!(c, Control::Redirect(_)));
                    }
                }
                self.check = true;
                Flow::Go
            }
            Stop::Fatal(message) => {
                self.complain(ctx, &message);
                self.forget_substitutions();
                if self.interactive {
                    self.abort(ctx, 1);
                    return Flow::Go;
                }
                let code = match self.kind {
                    ShellKind::Bash if self.from_option || self.subshell => 127,
                    ShellKind::Bash => 1,
                    _ => 2,
                };
                self.leave(ctx, code)
            }
        }
    }

    /// Starts a command substitution.
    fn substitute(&mut self, ctx: &mut Ctx<'_>, code: Arc<Code>) -> Flow {
        let mut child = self.fork(code);
        child.lenient = 0;
        if self.kind == ShellKind::Bash {
            child.options.errexit = false;
        }
        let (read, write) = ctx.machine.descriptors.pipe();
        let mut fds = child_fds(ctx);
        if let Some(old) = fds.insert(1, write) {
            ctx.machine.descriptors.release(old);
        }
        let argv = own_argv(ctx);
        let spawn = Spawn { argv, fds: Some(fds), body: Some(Box::new(child)), ..Spawn::default() };
        match ctx.machine.spawn_child(ctx.pid, spawn) {
            Ok(pid) => {
                if let Some(p) = ctx.machine.process_mut(ctx.pid) {
                    p.fds.insert(OWN_FDS, read);
                }
                self.pause = Some(Pause::Substitution { pid, bytes: Vec::new(), ended: false });
                Flow::Go
            }
            Err(e) => {
                ctx.machine.descriptors.release(read);
                self.complain(ctx, &format!("fork: {}", e.message()));
                self.leave(ctx, 254)
            }
        }
    }

    fn expand_redirects(&mut self, ctx: &mut Ctx<'_>, list: &[Redirect]) -> Result<Vec<Ready>, Stop> {
        let mut out = Vec::new();
        for r in list {
            let target = match &r.target {
                Target::File(word) => {
                    let mut words = self.expand_words(ctx, core::slice::from_ref(word))?;
                    if words.len() != 1 {
                        return Err(Stop::Error("ambiguous redirect".into()));
                    }
                    Resolved::File(words.remove(0))
                }
                Target::Dup(word) => Resolved::Dup(self.expand_one(ctx, word)?),
                Target::Text(slot) => {
                    let word = slot.get().cloned().unwrap_or_default();
                    Resolved::Text(self.expand_one(ctx, &word)?)
                }
                Target::Line(word) => Resolved::Text(self.expand_one(ctx, word)? + "\n"),
            };
            out.push(Ready { fd: r.fd, how: r.how, target });
        }
        Ok(out)
    }

    /// A simple command: expand, then builtin, function or program.
    fn simple(&mut self, ctx: &mut Ctx<'_>, command: &Simple) -> Flow {
        self.line = command.line;
        self.substituted_next = 0;
        self.undo.clear();
        let expanded = self.expand_words(ctx, &command.words).and_then(|argv| {
            let mut kept = Vec::new();
            for assign in &command.assigns {
                let old = self.vars.get(&assign.name).cloned();
                self.assign(ctx, assign)?;
                kept.push((assign.name.clone(), old));
            }
            self.expand_redirects(ctx, &command.redirects).map(|ready| (argv, kept, ready))
        });
        let (argv, old, ready) = match expanded {
            Ok(all) => all,
            Err(stop) => {
                let go_on = matches!(stop, Stop::Substitute(_));
                if !go_on {
                    self.jump(1);
                }
                return self.stopped(ctx, stop);
            }
        };
        self.forget_substitutions();
        self.jump(1);
        if self.options.xtrace {
            self.trace(ctx, command, &argv);
        }
        if argv.is_empty() {
            self.status = self.substitution_status.take().unwrap_or(0);
            self.check = true;
            if !ready.is_empty() {
                self.only_redirects(ctx, &ready, command.assigns.is_empty());
            }
            return Flow::Go;
        }
        self.substitution_status = None;
        for (name, _) in &old {
            if let Some(var) = self.vars.get_mut(name) {
                var.exported = true;
            }
        }
        let flow = self.run_command(ctx, argv, old, &ready, true);
        for assign in &command.arrays {
            if self.pause.is_some() {
                break;
            }
            match self.assign(ctx, assign) {
                Ok(()) => {}
                Err(Stop::Error(m) | Stop::Fatal(m)) => self.complain(ctx, &m),
                Err(Stop::Substitute(_)) => {
                    self.complain(ctx, "a command substitution in an array that is declared is not supported here");
                }
            }
        }
        flow
    }

    fn only_redirects(&mut self, ctx: &mut Ctx<'_>, ready: &[Ready], no_assigns: bool) {
        match redirect_self(ctx, self, ready) {
            Ok(saved) => {
                // `$(< file)`.
                if let ([Ready { fd: 0, target: Resolved::File(_), .. }], true, true) =
                    (ready, no_assigns, self.subshell)
                {
                    while let Input::Data(bytes) = ctx.read() {
                        ctx.out_bytes(&bytes);
                    }
                }
                restore(ctx, saved);
            }
            Err(message) => {
                self.complain(ctx, &message);
                self.status = 1;
            }
        }
    }

    fn trace(&mut self, ctx: &mut Ctx<'_>, command: &Simple, argv: &[String]) {
        let mut line = self.vars.get("PS4").and_then(Var::scalar).unwrap_or("+ ").to_owned();
        let values = command.assigns.iter().map(|a| {
            let value = self.vars.get(&a.name).and_then(Var::scalar).unwrap_or_default();
            format!("{}={}", a.name, builtins::quoted(value))
        });
        let words: Vec<String> = values.chain(argv.iter().map(|a| builtins::quoted(a))).collect();
        line.push_str(&words.join(" "));
        line.push('\n');
        ctx.err(&line);
    }

    /// Runs a command whose words are known. `old` are the values that assignments before it replaced.
    pub(super) fn run_command(
        &mut self,
        ctx: &mut Ctx<'_>,
        argv: Vec<String>,
        old: Vec<(String, Option<Var>)>,
        ready: &[Ready],
        functions: bool,
    ) -> Flow {
        let name = argv[0].clone();
        if let Some(body) = self.functions.get(&name).filter(|_| functions).cloned() {
            return self.call(ctx, body, argv, old, ready);
        }
        let Some(builtin) = builtins::find(&name, self.kind) else {
            let flow = self.external(ctx, argv, ready);
            self.restore_vars(old);
            return flow;
        };
        let saved = match redirect_self(ctx, self, ready) {
            Ok(saved) => saved,
            Err(message) => {
                self.restore_vars(old);
                return self.failed(ctx, &message);
            }
        };
        if name == "exec" && argv.len() == 1 {
            saved.into_values().for_each(|id| ctx.machine.descriptors.release(id));
            self.status = 0;
            return Flow::Go;
        }
        let depth = self.frames.len();
        match builtin(self, ctx, &argv) {
            Ran::Status(status) => {
                self.status = status;
                self.check = true;
                restore(ctx, saved);
                self.restore_vars(old);
            }
            Ran::Frame => {
                if self.frames.len() > depth {
                    if let Some(frame) = self.frames.last_mut() {
                        frame.restore = Some(saved);
                        frame.locals = old;
                    }
                } else {
                    restore(ctx, saved);
                }
            }
            Ran::Pause(pause) => {
                self.pause = Some(pause);
                self.pause_restore = Some(saved);
                self.pause_vars = old;
            }
            Ran::Exit(code) => {
                restore(ctx, saved);
                return self.leave(ctx, code);
            }
            Ran::Replaced => return Flow::Replaced,
        }
        Flow::Go
    }

    fn failed(&mut self, ctx: &mut Ctx<'_>, message: &str) -> Flow {
        self.complain(ctx, message);
        self.status = 1;
        self.check = true;
        Flow::Go
    }

    fn call(
        &mut self,
        ctx: &mut Ctx<'_>,
        body: Arc<Code>,
        argv: Vec<String>,
        old: Vec<(String, Option<Var>)>,
        ready: &[Ready],
    ) -> Flow {
        if self.frames.len() >= FRAMES_MAX {
            let name = argv[0].clone();
            self.complain(ctx, &format!("{name}: maximum function nesting level exceeded ({FRAMES_MAX})"));
            if self.interactive {
                self.abort(ctx, 1);
                return Flow::Go;
            }
            return self.leave(ctx, 1);
        }
        let saved = match redirect_self(ctx, self, ready) {
            Ok(saved) => saved,
            Err(message) => return self.failed(ctx, &message),
        };
        self.push_frame(FrameKind::Function, body, None);
        let params = core::mem::replace(&mut self.params, argv[1..].to_vec());
        if let Some(frame) = self.frames.last_mut() {
            frame.restore = Some(saved);
            frame.params = Some(params);
            frame.locals = old;
        }
        Flow::Go
    }

    /// Whether nothing comes after the command that runs now, so that a program may take this process's place.
    fn is_last(&self) -> bool {
        let [frame] = self.frames.as_slice() else { return false };
        let source_done = match &frame.source {
            None => self.subshell,
            Some(s) => self.from_option && s.chars[s.pos.min(s.chars.len())..].iter().all(|c| c.is_whitespace()),
        };
        source_done
            && !self.interactive
            && self.traps.is_empty()
            && frame.control.is_empty()
            && frame.pc >= frame.code.ops.len()
    }

    fn external(&mut self, ctx: &mut Ctx<'_>, argv: Vec<String>, ready: &[Ready]) -> Flow {
        let path = self.vars.get("PATH").and_then(Var::scalar).map(str::to_owned);
        let found = ctx.machine.find_program(&ctx.cred(), path.as_deref(), &ctx.cwd(), &argv[0]);
        if let Err(e) = found {
            let saved = redirect_self(ctx, self, ready);
            let is_dir = argv[0].contains('/') && ctx.is_dir(&argv[0]);
            self.cannot_run(ctx, &argv[0], e, is_dir);
            if let Ok(saved) = saved {
                restore(ctx, saved);
            }
            self.check = true;
            return Flow::Go;
        }
        if self.is_last() {
            if let Err(message) = redirect_self(ctx, self, ready).map(|old| {
                old.into_values().for_each(|id| ctx.machine.descriptors.release(id));
            }) {
                return self.failed(ctx, &message);
            }
            return match ctx.machine.exec(ctx.pid, argv.clone(), Some(self.environment())) {
                Ok(()) => Flow::Replaced,
                Err(FsError::ExecFormat) => self.run_as_script(ctx, &argv),
                Err(e) => {
                    self.cannot_run(ctx, &argv[0], e, false);
                    Flow::Go
                }
            };
        }
        let mut fds = child_fds(ctx);
        if let Err(message) = self.redirect(ctx, ready, &mut fds) {
            fds.into_values().for_each(|id| ctx.machine.descriptors.release(id));
            return self.failed(ctx, &message);
        }
        let group = self.interactive.then_some(0);
        let text = argv.join(" ");
        let spawn =
            Spawn { argv: argv.clone(), env: Some(self.environment()), fds: Some(fds), group, ..Spawn::default() };
        match ctx.machine.spawn_child(ctx.pid, spawn) {
            Ok(pid) => self.foreground(ctx, Job::new(vec![pid], group.map(|_| pid.0), &text)),
            Err(FsError::ExecFormat) => {
                let mut child = self.fork(Arc::default());
                child.frames.clear();
                child.name = argv[0].clone();
                child.params = argv[1..].to_vec();
                let file = found.unwrap_or_default();
                let bytes = ctx.read_file(&file).unwrap_or_default();
                child.push_source(FrameKind::Main, &String::from_utf8_lossy(&bytes), 1);
                self.run_job(ctx, vec![child], &text)
            }
            Err(e) => {
                self.cannot_run(ctx, &argv[0], e, false);
                self.check = true;
                Flow::Go
            }
        }
    }

    fn run_as_script(&mut self, ctx: &mut Ctx<'_>, argv: &[String]) -> Flow {
        let bytes = ctx.read_file(&argv[0]).unwrap_or_default();
        self.frames.clear();
        self.name = argv[0].clone();
        self.params = argv[1..].to_vec();
        self.push_source(FrameKind::Main, &String::from_utf8_lossy(&bytes), 1);
        Flow::Go
    }

    /// Says why a command cannot be run, in the shell's own words.
    pub(super) fn cannot_run(&mut self, ctx: &mut Ctx<'_>, name: &str, e: FsError, is_dir: bool) {
        self.status = if e == FsError::NotFound { 127 } else { 126 };
        let bash = self.kind == ShellKind::Bash;
        let message = match e {
            _ if is_dir && bash => "Is a directory",
            FsError::NotFound if !name.contains('/') && bash => "command not found",
            FsError::NotFound if !bash => "not found",
            e => e.message(),
        };
        self.complain(ctx, &format!("{name}: {message}"));
    }

    /// Starts forks connected by pipes and waits for them.
    fn run_job(&mut self, ctx: &mut Ctx<'_>, bodies: Vec<Shell>, text: &str) -> Flow {
        match self.start_job(ctx, bodies, text, false) {
            Some(job) => self.foreground(ctx, job),
            None => Flow::Go,
        }
    }

    fn start_job(&mut self, ctx: &mut Ctx<'_>, bodies: Vec<Shell>, text: &str, quiet: bool) -> Option<Job> {
        let count = bodies.len();
        let mut pids: Vec<Pid> = Vec::new();
        let mut group = self.interactive.then_some(0);
        let mut next_in = None;
        for (i, body) in bodies.into_iter().enumerate() {
            let mut fds = child_fds(ctx);
            let mut put = |ctx: &mut Ctx<'_>, fd, id| {
                if let Some(old) = fds.insert(fd, id) {
                    ctx.machine.descriptors.release(old);
                }
            };
            if let Some(read) = next_in.take() {
                put(ctx, 0, read);
            } else if quiet && !self.interactive {
                let null = ctx.machine.descriptors.add(Open::Null);
                put(ctx, 0, null);
            }
            if i + 1 < count {
                let (read, write) = ctx.machine.descriptors.pipe();
                next_in = Some(read);
                put(ctx, 1, write);
            }
            let argv = own_argv(ctx);
            let ignored = if quiet && !self.interactive { vec![Signal::Int, Signal::Quit] } else { Vec::new() };
            let spawn = Spawn { argv, fds: Some(fds), group, body: Some(Box::new(body)), ignored, ..Spawn::default() };
            match ctx.machine.spawn_child(ctx.pid, spawn) {
                Ok(pid) => {
                    if group == Some(0) {
                        group = Some(pid.0);
                    }
                    pids.push(pid);
                }
                Err(e) => {
                    if let Some(read) = next_in {
                        ctx.machine.descriptors.release(read);
                    }
                    self.complain(ctx, &format!("fork: {}", e.message()));
                    self.status = 254;
                    return None;
                }
            }
        }
        Some(Job::new(pids, group, text))
    }

    fn background(&mut self, ctx: &mut Ctx<'_>, code: &Arc<Code>) {
        let body = self.fork(code.clone());
        let Some(mut job) = self.start_job(ctx, vec![body], &code.text, true) else { return };
        self.last_background = job.last_pid();
        job.id = self.jobs.iter().map(|j| j.id).max().unwrap_or(0) + 1;
        if self.interactive {
            let pid = job.last_pid().map_or(0, |p| p.0);
            ctx.err(&format!("[{}] {pid}\n", job.id));
        }
        self.jobs.push(job);
        self.status = 0;
    }

    pub(super) fn foreground(&mut self, ctx: &mut Ctx<'_>, job: Job) -> Flow {
        let mut terminal = false;
        if let (true, Some(group), Some(tty)) = (self.interactive, job.group, ctx.machine.fd_tty(ctx.pid, 0))
            && let Some(t) = ctx.machine.tty_mut(tty)
        {
            t.foreground = group;
            terminal = true;
        }
        self.pause = Some(Pause::Foreground { job, terminal });
        Flow::Go
    }

    pub(super) fn take_terminal(&mut self, ctx: &mut Ctx<'_>) {
        let group = ctx.machine.process(ctx.pid).map_or(0, |p| p.group);
        if let Some(tty) = ctx.machine.fd_tty(ctx.pid, 0)
            && let Some(t) = ctx.machine.tty_mut(tty)
        {
            t.foreground = group;
            t.echo = true;
            t.set_raw(false);
        }
    }

    pub(super) fn end_pause(&mut self, ctx: &mut Ctx<'_>) {
        if let Some(saved) = self.pause_restore.take() {
            restore(ctx, saved);
        }
        let old = core::mem::take(&mut self.pause_vars);
        self.restore_vars(old);
    }

    fn finish(&mut self, ctx: &mut Ctx<'_>, status: i32) -> Flow {
        self.end_pause(ctx);
        self.status = status;
        self.check = true;
        Flow::Go
    }

    /// Looks whether what the shell waits for has come.
    fn resume(&mut self, ctx: &mut Ctx<'_>, pause: Pause) -> Flow {
        match pause {
            Pause::Foreground { job, terminal } => self.resume_job(ctx, job, terminal),
            Pause::Substitution { pid, mut bytes, mut ended } => {
                while !ended {
                    match ctx.read_fd(OWN_FDS, 65536) {
                        Input::Data(more) => bytes.extend(more),
                        Input::Eof => ended = true,
                        Input::Pending => {
                            self.pause = Some(Pause::Substitution { pid, bytes, ended });
                            return Flow::Wait(Wake::Fd(OWN_FDS));
                        }
                    }
                }
                let Some(code) = ctx.reap(pid) else {
                    self.pause = Some(Pause::Substitution { pid, bytes, ended });
                    return Flow::Wait(Wake::Child(pid));
                };
                if let Some(id) = ctx.machine.process_mut(ctx.pid).and_then(|p| p.fds.remove(&OWN_FDS)) {
                    ctx.machine.descriptors.release(id);
                }
                bytes.retain(|b| *b != 0);
                let text = String::from_utf8_lossy(&bytes);
                self.substituted.push(text.trim_end_matches('\n').to_owned());
                self.substitution_status = Some(code);
                self.status = code;
                Flow::Go
            }
            Pause::Wait(pids) => self.resume_wait(ctx, pids),
            Pause::Read(reading) => match self.go_on_reading(ctx, reading) {
                Ok(status) => self.finish(ctx, status),
                Err((reading, wake)) => {
                    self.pause = Some(Pause::Read(reading));
                    Flow::Wait(wake)
                }
            },
            Pause::Script(mut bytes) => loop {
                match ctx.read() {
                    Input::Data(more) => bytes.extend(more),
                    Input::Pending => {
                        self.pause = Some(Pause::Script(bytes));
                        return Flow::Wait(Wake::Input);
                    }
                    Input::Eof => {
                        self.push_source(FrameKind::Main, &String::from_utf8_lossy(&bytes), 1);
                        return Flow::Go;
                    }
                }
            },
            Pause::Prompt => self.resume_prompt(ctx),
        }
    }

    fn resume_job(&mut self, ctx: &mut Ctx<'_>, mut job: Job, terminal: bool) -> Flow {
        job.poll(ctx);
        if self.interactive && job.is_stopped(ctx) {
            self.take_terminal(ctx);
            job.id = self.jobs.iter().map(|j| j.id).max().unwrap_or(0) + 1;
            ctx.err(&format!("\n[{}]+  Stopped                 {}\n", job.id, job.text));
            job.was_stopped = true;
            self.jobs.push(job);
            return self.finish(ctx, 148);
        }
        if let Some(pid) = job.running() {
            self.pause = Some(Pause::Foreground { job, terminal });
            return Flow::Wait(Wake::Child(pid));
        }
        if terminal {
            self.take_terminal(ctx);
        }
        let codes = job.codes();
        let mut status = codes.last().copied().unwrap_or(0);
        if self.options.pipefail {
            status = codes.iter().rev().copied().find(|c| *c != 0).unwrap_or(0);
        }
        if self.interactive {
            match status {
                130 => ctx.err("\n"),
                137 => ctx.err("Killed\n"),
                143 => ctx.err("Terminated\n"),
                _ => {}
            }
        }
        self.pipe_status = codes;
        let values = self.pipe_status.iter().enumerate().map(|(i, c)| (i as u64, c.to_string())).gather();
        if self.kind == ShellKind::Bash {
            self.vars.insert("PIPESTATUS".into(), Var { value: Value::Array(values), ..Var::text("") });
        }
        if core::mem::take(&mut self.interrupted_child) && status == 130 && !self.traps.contains_key("INT") {
            return if ctx.pid == Pid(1) { self.finish(ctx, status) } else { Flow::Exit(130) };
        }
        if self.interactive && status == 130 && terminal {
            // Ctrl-C ends the whole line, loops included.
            self.abort(ctx, 130);
            return Flow::Go;
        }
        self.finish(ctx, status)
    }

    /// Carries out one assignment.
    pub(super) fn assign(&mut self, ctx: &mut Ctx<'_>, assign: &Assign) -> Result<(), Stop> {
        let name = &assign.name;
        match &assign.value {
            AssignValue::Word(word) => {
                let mut value = self.expand_one(ctx, word)?;
                if self.vars.get(name).is_some_and(|v| v.integer) {
                    value = arith::evaluate(self, ctx, &value).map_err(Stop::Error)?.to_string();
                }
                if let Some(index) = &assign.subscript {
                    let index = self.expand_one(ctx, index)?;
                    return self.set_element(ctx, name, &index, value, assign.append).map_err(Stop::Error);
                }
                if assign.append {
                    let old = self.get(ctx, name).unwrap_or_default();
                    value = if self.vars.get(name).is_some_and(|v| v.integer) {
                        arith::evaluate(self, ctx, &format!("{old}+{value}")).map_err(Stop::Error)?.to_string()
                    } else {
                        old + &value
                    };
                }
                self.set(name, value).map_err(Stop::Error)
            }
            AssignValue::Array(items) => {
                let old = self.vars.get(name).cloned();
                if old.as_ref().is_some_and(|v| v.read_only) {
                    return Err(Stop::Error(format!("{name}: readonly variable")));
                }
                // Values first: they may speak of the array as it was.
                let mut values = Vec::new();
                for (key, word) in items {
                    if let Some(key) = key {
                        values.push((Some(self.expand_one(ctx, key)?), self.expand_one(ctx, word)?));
                    } else {
                        let words = self.expand_words(ctx, core::slice::from_ref(word))?;
                        values.extend(words.into_iter().map(|w| (None, w)));
                    }
                }
                self.undo.push((name.clone(), old.clone()));
                let is_map = matches!(old.as_ref().map(|v| &v.value), Some(Value::Map(_)));
                let mut var = old.unwrap_or_else(|| Var::text(""));
                if !assign.append || matches!(&var.value, Value::Text(_)) {
                    let first = (assign.append && !var.unset).then(|| (0, var.scalar().unwrap_or_default().to_owned()));
                    var.value = if is_map {
                        Value::Map(BTreeMap::new())
                    } else {
                        Value::Array(first.filter(|f| !f.1.is_empty()).into_iter().gather())
                    };
                }
                var.unset = false;
                self.vars.insert(name.clone(), var);
                for (key, value) in values {
                    if let Some(key) = key {
                        self.set_element(ctx, name, &key, value, false).map_err(Stop::Error)?;
                    } else if let Some(Var { value: Value::Array(a), .. }) = self.vars.get_mut(name) {
                        let next = a.keys().next_back().map_or(0, |k| k + 1);
                        a.insert(next, value);
                    }
                }
                Ok(())
            }
        }
    }

    /// `break` and `continue`: leaves `levels` loops (the last of them is repeated for `continue`).
    pub(super) fn leave_loops(&mut self, ctx: &mut Ctx<'_>, levels: u32, again: bool) -> bool {
        let in_loop = |f: &super::Frame| f.control.iter().any(|c| matches!(c, Control::Loop { .. }));
        // An `eval` inside the loop is left too.
        while self.frames.last().is_some_and(|f| f.kind == FrameKind::Eval && !in_loop(f)) {
            if !self.frames.iter().any(in_loop) {
                return false;
            }
            self.pop_frame(ctx);
        }
        let Some(frame) = self.frames.last_mut() else { return false };
        let loops = frame.control.iter().filter(|c| matches!(c, Control::Loop { .. })).count() as u32;
        if loops == 0 {
            return false;
        }
        let mut left = levels.clamp(1, loops);
        let mut to_restore = Vec::new();
        while let Some(control) = frame.control.pop() {
            match control {
                Control::Redirect(saved) => to_restore.push(saved),
                Control::Loop { at, end, items, lenient, .. } => {
                    left -= 1;
                    if left == 0 {
                        self.lenient = lenient;
                        if again {
                            frame.pc = at + CONTINUE_OFFSET;
                            frame.control.push(Control::Loop { at, end, items, last: 0, lenient });
                        } else {
                            frame.pc = end;
                        }
                        break;
                    }
                }
            }
        }
        to_restore.into_iter().filter(|s| !s.is_empty()).for_each(|saved| restore(ctx, saved));
        true
    }

    /// Applies redirections to a set of descriptors.
    fn redirect(&mut self, ctx: &mut Ctx<'_>, list: &[Ready], fds: &mut Fds) -> Result<(), String> {
        for r in list {
            let both = matches!(r.how, How::Both | How::BothAppend);
            let fd = if both { 1 } else { r.fd };
            let id = match &r.target {
                Resolved::Text(text) => {
                    ctx.machine.descriptors.add(Open::Text { bytes: text.clone().into_bytes().into(), at: 0 })
                }
                Resolved::Dup(to) if to == "-" => {
                    if let Some(old) = fds.remove(&fd) {
                        ctx.machine.descriptors.release(old);
                    }
                    continue;
                }
                Resolved::Dup(to) => {
                    let from = to.parse::<u32>().ok().and_then(|n| fds.get(&n).copied());
                    let Some(from) = from else {
                        let ambiguous = to.parse::<u32>().is_err();
                        return Err(if ambiguous {
                            format!("{to}: ambiguous redirect")
                        } else {
                            format!("{to}: Bad file descriptor")
                        });
                    };
                    ctx.machine.descriptors.hold(from)
                }
                Resolved::File(path) => self.open(ctx, path, r.how)?,
            };
            if let Some(old) = fds.insert(fd, id) {
                ctx.machine.descriptors.release(old);
            }
            if both {
                let id = ctx.machine.descriptors.hold(id);
                if let Some(old) = fds.insert(2, id) {
                    ctx.machine.descriptors.release(old);
                }
            }
        }
        Ok(())
    }

    fn open(&mut self, ctx: &mut Ctx<'_>, path: &str, how: How) -> Result<crate::process::OpenId, String> {
        let full = ctx.full(path);
        let (read, write) = (matches!(how, How::Read | How::ReadWrite), how != How::Read);
        let append = matches!(how, How::Append | How::BothAppend);
        let truncate = matches!(how, How::Write | How::Both);
        if self.options.noclobber
            && truncate
            && ctx.machine.fs.stat(&ctx.cred(), &full).is_ok_and(|s| s.kind == crate::fs::Kind::File)
        {
            return Err(format!("{path}: cannot overwrite existing file"));
        }
        let pid = ctx.pid;
        ctx.machine.open(pid, &full, read, write, append, truncate).map_err(|e| match (self.kind, e) {
            (ShellKind::Bash, e) => format!("{path}: {}", e.message()),
            (ShellKind::Ash, FsError::NotFound) if write => format!("can't create {path}: nonexistent directory"),
            (ShellKind::Ash, FsError::NotFound) => format!("can't open {path}: no such file"),
            (ShellKind::Ash, e) if write => format!("can't create {path}: {}", e.message()),
            (ShellKind::Ash, e) => format!("can't open {path}: {}", e.message()),
            (ShellKind::Dash, FsError::NotFound) if write => format!("cannot create {path}: Directory nonexistent"),
            (ShellKind::Dash, FsError::NotFound) => format!("cannot open {path}: No such file"),
            (ShellKind::Dash, e) => format!("cannot {} {path}: {}", if write { "create" } else { "open" }, e.message()),
        })
    }
}

fn own_argv(ctx: &Ctx<'_>) -> Vec<String> {
    ctx.machine.process(ctx.pid).map(|p| p.argv.clone()).unwrap_or_default()
}

/// The descriptors a child gets, each held for it.
fn child_fds(ctx: &mut Ctx<'_>) -> Fds {
    let mut fds = ctx.machine.process(ctx.pid).map(|p| p.fds.clone()).unwrap_or_default();
    fds.retain(|fd, _| *fd < OWN_FDS);
    fds.values().for_each(|id| {
        ctx.machine.descriptors.hold(*id);
    });
    fds
}

/// Applies redirections to the shell itself; gives what to put back with [`restore`].
fn redirect_self(ctx: &mut Ctx<'_>, shell: &mut Shell, list: &[Ready]) -> Result<Fds, String> {
    if list.is_empty() {
        return Ok(Fds::new());
    }
    let mut fds = ctx.machine.process(ctx.pid).map(|p| p.fds.clone()).unwrap_or_default();
    fds.values().for_each(|id| {
        ctx.machine.descriptors.hold(*id);
    });
    if let Err(message) = shell.redirect(ctx, list, &mut fds) {
        fds.into_values().for_each(|id| ctx.machine.descriptors.release(id));
        return Err(message);
    }
    let Some(p) = ctx.machine.process_mut(ctx.pid) else { return Ok(fds) };
    Ok(core::mem::replace(&mut p.fds, fds))
}

fn restore(ctx: &mut Ctx<'_>, saved: Fds) {
    if saved.is_empty() {
        return;
    }
    let Some(p) = ctx.machine.process_mut(ctx.pid) else { return };
    let now = core::mem::replace(&mut p.fds, saved);
    now.into_values().for_each(|id| ctx.machine.descriptors.release(id));
}
