//! A shell as learners know bash (and ash and dash under the name `sh`): text is parsed one complete command at a time into
//! instructions, which a virtual machine runs; its whole state is data.
//!
//! Refused clearly: process substitution, `select`, `coproc`, `time`. Invariant: a turn runs a bounded number of
//! instructions, so an endless script can always be interrupted.

mod arith;
mod builtins;
pub mod code;
mod conditions;
mod declare;
mod expand;
mod jobs;
pub mod line_editor;
mod parser;
pub mod pattern;
mod prompt;
mod read;
pub mod vars;
mod vm;
mod words;

pub(crate) use conditions::test;
pub(crate) use jobs::send as send_signal;

use crate::machine::ShellKind;
use crate::machine::table::Environment;
use crate::process::{Ctx, OpenId, Pid, Process, Program, Signal};
use apimachinery::order::Gather as _;
use code::Code;
use jobs::Job;
use line_editor::LineEditor;
use parser::Aliases;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use vars::{Value, Var, Vars};

type Fds = BTreeMap<u32, OpenId>;

/// Text that is still being read, command by command.
#[derive(Clone, Default)]
struct Source {
    chars: Arc<Vec<char>>,
    pos: usize,
    line: u32,
}

#[derive(Clone, PartialEq)]
enum FrameKind {
    Main,
    Eval,
    File,
    Function,
    /// A trap's action; the status from before comes back after.
    Trap(i32),
}

/// Something that runs: a function's body, a sourced file, the script itself.
#[derive(Clone)]
struct Frame {
    kind: FrameKind,
    code: Arc<Code>,
    pc: usize,
    control: Vec<Control>,
    source: Option<Source>,
    /// Descriptors to put back at its end.
    restore: Option<Fds>,
    params: Option<Vec<String>>,
    locals: Vec<(String, Option<Var>)>,
    lenient: u32,
}

#[derive(Clone)]
enum Control {
    Loop { at: usize, end: usize, items: Option<VecDeque<String>>, last: i32, lenient: u32 },
    Redirect(Fds),
}

/// What the shell waits for before it goes on.
#[derive(Clone)]
enum Pause {
    /// The processes of the job in the foreground.
    Foreground {
        job: Job,
        terminal: bool,
    },
    /// Output of a command substitution.
    Substitution {
        pid: Pid,
        bytes: Vec<u8>,
        ended: bool,
    },
    /// `wait`: for these, or for all there are.
    Wait(Vec<Pid>),
    Read(read::Reading),
    /// The whole of standard input, which is the script.
    Script(Vec<u8>),
    /// A line from the terminal.
    Prompt,
}

#[derive(Clone, Copy, Default)]
struct Options {
    errexit: bool,
    nounset: bool,
    xtrace: bool,
    pipefail: bool,
    noglob: bool,
    noexec: bool,
    noclobber: bool,
    nullglob: bool,
}

#[derive(Clone)]
pub struct Shell {
    kind: ShellKind,
    /// `$0`, as messages begin with it.
    name: String,
    /// `-c` string: syntax errors say so.
    from_option: bool,
    interactive: bool,
    subshell: bool,
    options: Options,
    vars: Vars,
    functions: BTreeMap<String, Arc<Code>>,
    aliases: Aliases,
    params: Vec<String>,
    status: i32,
    pipe_status: Vec<i32>,
    last_background: Option<Pid>,
    /// `$$`: stays the same in subshells.
    main_pid: Option<Pid>,
    frames: Vec<Frame>,
    lenient: u32,
    line: u32,
    pause: Option<Pause>,
    /// Descriptors to put back when the pause of a builtin ends.
    pause_restore: Option<Fds>,
    /// Results of the substitutions of the command being expanded, in order.
    substituted: Vec<String>,
    substituted_next: usize,
    substitution_status: Option<i32>,
    /// Undo log of assignments made by the expansion under way.
    undo: Vec<(String, Option<Var>)>,
    for_items: Option<VecDeque<String>>,
    traps: BTreeMap<String, String>,
    in_exit_trap: bool,
    interrupted_child: bool,
    jobs: Vec<Job>,
    editor: Option<Box<LineEditor>>,
    history: Vec<String>,
    typed: String,
    getopts_at: usize,
    dir_stack: Vec<String>,
    start_time: i64,
    /// A command has just ended: `set -e` looks at its status.
    check: bool,
    /// Actions of traps whose signals came.
    pending_traps: VecDeque<(i32, String)>,
    /// Variables to put back when the pause of a builtin ends (`IFS=, read …`).
    pause_vars: Vec<(String, Option<Var>)>,
}

/// `sh`, `bash`: the entries of the table of programs.
pub struct ShellProgram {
    name: &'static str,
    kind: Option<ShellKind>,
}

pub static BASH: ShellProgram = ShellProgram { name: "bash", kind: Some(ShellKind::Bash) };
pub static SH: ShellProgram = ShellProgram { name: "sh", kind: None };
pub static ASH: ShellProgram = ShellProgram { name: "ash", kind: Some(ShellKind::Ash) };
pub static DASH: ShellProgram = ShellProgram { name: "dash", kind: Some(ShellKind::Dash) };

impl Program for ShellProgram {
    fn name(&self) -> &'static str {
        self.name
    }
    fn summary(&self) -> &'static str {
        "a command interpreter"
    }
    fn start(&self, args: Vec<String>) -> Box<dyn Process> {
        Box::new(Starting { program_kind: self.kind, name: self.name, args })
    }
}

/// A shell before its first turn, when the machine's personality becomes known.
#[derive(Clone)]
struct Starting {
    program_kind: Option<ShellKind>,
    name: &'static str,
    args: Vec<String>,
}

impl Process for Starting {
    fn step(&mut self, ctx: &mut Ctx<'_>) -> crate::process::Step {
        let kind = self.program_kind.unwrap_or(ctx.machine.personality.sh);
        match Shell::from_args(ctx, kind, self.name, &self.args) {
            Ok(shell) => {
                if let Some(p) = ctx.machine.process_mut(ctx.pid) {
                    p.replace(Box::new(shell));
                }
                crate::process::Step::Again
            }
            Err(code) => crate::process::Step::Exit(code),
        }
    }
}

impl Shell {
    fn new(kind: ShellKind, name: &str) -> Self {
        Self {
            kind,
            name: name.to_owned(),
            from_option: false,
            interactive: false,
            subshell: false,
            options: Options::default(),
            vars: Vars::new(),
            functions: BTreeMap::new(),
            aliases: Aliases::new(),
            params: Vec::new(),
            status: 0,
            pipe_status: Vec::new(),
            last_background: None,
            main_pid: None,
            frames: Vec::new(),
            lenient: 0,
            line: 1,
            pause: None,
            pause_restore: None,
            substituted: Vec::new(),
            substituted_next: 0,
            substitution_status: None,
            undo: Vec::new(),
            for_items: None,
            traps: BTreeMap::new(),
            in_exit_trap: false,
            interrupted_child: false,
            jobs: Vec::new(),
            editor: None,
            history: Vec::new(),
            typed: String::new(),
            getopts_at: 0,
            dir_stack: Vec::new(),
            start_time: 0,
            check: false,
            pending_traps: VecDeque::new(),
            pause_vars: Vec::new(),
        }
    }

    /// The shell that `sh -e -c 'text' name args` and its like ask for.
    fn from_args(ctx: &mut Ctx<'_>, kind: ShellKind, name: &str, args: &[String]) -> Result<Self, i32> {
        let argv0 = ctx.machine.process(ctx.pid).and_then(|p| p.argv.first().cloned());
        let argv0 = argv0.map_or_else(|| name.to_owned(), |a| a.trim_start_matches('-').to_owned());
        let mut shell = Self::new(kind, &argv0);
        shell.main_pid = Some(ctx.pid);
        shell.start_time = ctx.now().secs();
        shell.import(ctx);
        let (mut command, mut login, mut stdin, mut force) = (false, false, false, false);
        let mut rest = args.iter();
        let mut operands: Vec<String> = Vec::new();
        while let Some(arg) = rest.next() {
            match arg.as_str() {
                "--" => break,
                "--login" => login = true,
                "--norc" | "--noprofile" | "--posix" => {}
                "--version" => {
                    ctx.out("GNU bash, version 5.2.37(1)-release (simulated)\n");
                    return Err(0);
                }
                "-o" | "+o" => {
                    if let Some(name) = rest.next() {
                        shell.set_option(name, arg == "-o");
                    }
                }
                a if a.starts_with("--") => {
                    ctx.err(&format!("{argv0}: {a}: invalid option\n"));
                    return Err(2);
                }
                a if a.len() > 1 && a.starts_with(['-', '+']) => {
                    let on = a.starts_with('-');
                    for c in a[1..].chars() {
                        match c {
                            'c' => command = true,
                            'i' => force = true,
                            'l' => login = true,
                            's' => stdin = true,
                            'o' => {
                                if let Some(name) = rest.next() {
                                    shell.set_option(name, on);
                                }
                            }
                            c if shell.set_flag(c, on) => {}
                            c => {
                                ctx.err(&format!("{argv0}: -{c}: invalid option\n"));
                                return Err(2);
                            }
                        }
                    }
                }
                _ => {
                    operands.push(arg.clone());
                    break;
                }
            }
        }
        operands.extend(rest.cloned());
        if command {
            if operands.is_empty() {
                ctx.err(&format!("{argv0}: -c: option requires an argument\n"));
                return Err(2);
            }
            let text = operands.remove(0);
            if !operands.is_empty() {
                shell.name = operands.remove(0);
            }
            shell.params = operands;
            shell.from_option = true;
            shell.push_source(FrameKind::Main, &text, 1);
        } else if !operands.is_empty() && !stdin {
            let file = operands.remove(0);
            match ctx.read_file(&file) {
                Ok(bytes) => {
                    shell.name = file;
                    shell.params = operands;
                    shell.push_source(FrameKind::Main, &String::from_utf8_lossy(&bytes), 1);
                }
                Err(e) => {
                    let code = if e == crate::fs::FsError::NotFound { 127 } else { 126 };
                    match kind {
                        ShellKind::Bash => ctx.err(&format!("{argv0}: {file}: {}\n", e.message())),
                        ShellKind::Ash => ctx.err(&format!("{argv0}: can't open '{file}': {}\n", e.message())),
                        ShellKind::Dash => ctx.err(&format!("{argv0}: 0: cannot open {file}: No such file\n")),
                    }
                    return Err(if kind == ShellKind::Bash { code } else { 2 });
                }
            }
        } else {
            shell.params = operands;
            shell.interactive = force && ctx.is_tty(0) || ctx.is_tty(0) && ctx.is_tty(2);
            if shell.interactive {
                shell.start_interactive(ctx, login);
            } else {
                shell.pause = Some(Pause::Script(Vec::new()));
            }
        }
        Ok(shell)
    }

    fn import(&mut self, ctx: &mut Ctx<'_>) {
        let env = ctx.machine.process(ctx.pid).map(|p| p.env.clone()).unwrap_or_default();
        for (name, value) in env.iter() {
            self.vars.insert(name.clone(), Var { exported: true, ..Var::text(value.as_str()) });
        }
        let cwd = ctx.cwd();
        self.vars.insert("PWD".into(), Var { exported: true, ..Var::text(cwd) });
        let level = self.vars.get("SHLVL").and_then(Var::scalar).and_then(|v| v.parse::<u32>().ok()).unwrap_or(0);
        if self.kind == ShellKind::Bash {
            self.vars.insert("SHLVL".into(), Var { exported: true, ..Var::text((level + 1).to_string()) });
            self.vars.entry("BASH_VERSION".into()).or_insert_with(|| Var::text("5.2.37(1)-release"));
            let host = ctx.machine.hostname.clone();
            self.vars.entry("HOSTNAME".into()).or_insert_with(|| Var::text(host));
        }
        self.vars.entry("PATH".into()).or_insert_with(|| Var::text(crate::machine::table::DEFAULT_PATH));
        self.vars.insert("IFS".into(), Var::text(" \t\n"));
        self.vars.insert("OPTIND".into(), Var::text("1"));
        self.vars.insert("PS4".into(), Var::text("+ "));
    }

    fn push_source(&mut self, kind: FrameKind, text: &str, line: u32) {
        let source = Source { chars: Arc::new(text.chars().collect()), pos: 0, line };
        self.push_frame(kind, Arc::default(), Some(source));
    }

    fn push_frame(&mut self, kind: FrameKind, code: Arc<Code>, source: Option<Source>) {
        self.frames.push(Frame {
            kind,
            code,
            pc: 0,
            control: Vec::new(),
            source,
            restore: None,
            params: None,
            locals: Vec::new(),
            lenient: self.lenient,
        });
    }

    /// A copy that runs `code` as a process of its own.
    fn fork(&self, code: Arc<Code>) -> Self {
        let mut child = self.clone();
        child.editor = None;
        child.history.clear();
        child.interactive = false;
        child.subshell = true;
        child.pause = None;
        child.pause_restore = None;
        child.jobs.clear();
        child.traps.retain(|_, action| action.is_empty());
        child.lenient = if self.lenient > 0 { 1 } else { 0 };
        child.frames = Vec::new();
        child.forget_substitutions();
        child.push_frame(FrameKind::Main, code, None);
        child
    }

    fn forget_substitutions(&mut self) {
        self.substituted.clear();
        self.substituted_next = 0;
        self.undo.clear();
    }

    // Variables.

    /// Value of a variable as a string, the shell's own ones included.
    fn get(&mut self, ctx: &mut Ctx<'_>, name: &str) -> Option<String> {
        match name {
            "RANDOM" => Some((ctx.machine.rng.below(32768)).to_string()),
            "SECONDS" => Some((ctx.now().secs() - self.start_time).to_string()),
            "EPOCHSECONDS" => Some(ctx.now().secs().to_string()),
            "LINENO" => Some(self.line.to_string()),
            "PPID" => ctx.machine.process(ctx.pid).map(|p| p.parent.0.to_string()),
            "BASHPID" => Some(ctx.pid.0.to_string()),
            "UID" | "EUID" if self.kind == ShellKind::Bash => Some(ctx.cred().uid.to_string()),
            _ => self.vars.get(name)?.scalar().map(str::to_owned),
        }
    }

    fn set(&mut self, name: &str, value: String) -> Result<(), String> {
        let old = self.vars.get(name);
        if old.is_some_and(|v| v.read_only) {
            return Err(format!("{name}: readonly variable"));
        }
        self.undo.push((name.to_owned(), old.cloned()));
        match self.vars.get_mut(name) {
            Some(var) => {
                var.unset = false;
                match &mut var.value {
                    Value::Array(a) => {
                        a.insert(0, value);
                    }
                    Value::Map(m) => {
                        m.insert("0".into(), value);
                    }
                    Value::Text(t) => *t = value,
                }
            }
            None => {
                self.vars.insert(name.to_owned(), Var::text(value));
            }
        }
        Ok(())
    }

    fn index(&mut self, ctx: &mut Ctx<'_>, name: &str, index: &str) -> Result<Key, String> {
        if let Some(Var { value: Value::Map(_), .. }) = self.vars.get(name) {
            let bare = index.trim_matches(['"', '\'']);
            let text = match bare.strip_prefix('$') {
                Some(n) if words::is_name(n) => self.get(ctx, n).unwrap_or_default(),
                _ => bare.to_owned(),
            };
            return Ok(Key::Name(text));
        }
        let text = match index.strip_prefix('$') {
            Some(n) if words::is_name(n) => n,
            _ => index,
        };
        let mut n = arith::evaluate(self, ctx, text)?;
        if n < 0 {
            let last = match self.vars.get(name).map(|v| &v.value) {
                Some(Value::Array(a)) => a.keys().next_back().map_or(0, |k| *k as i64 + 1),
                _ => 1,
            };
            n += last;
        }
        if n < 0 {
            return Err(format!("{name}: bad array subscript"));
        }
        Ok(Key::Number(n as u64))
    }

    /// `${name[index]}`.
    fn element(&mut self, ctx: &mut Ctx<'_>, name: &str, index: &str) -> Result<Option<String>, String> {
        let key = self.index(ctx, name, index)?;
        Ok(match (self.vars.get(name).filter(|v| !v.unset).map(|v| &v.value), key) {
            (Some(Value::Map(m)), Key::Name(k)) => m.get(&k).cloned(),
            (Some(Value::Array(a)), Key::Number(n)) => a.get(&n).cloned(),
            (Some(Value::Text(t)), Key::Number(0)) => Some(t.clone()),
            _ => None,
        })
    }

    fn set_element(
        &mut self,
        ctx: &mut Ctx<'_>,
        name: &str,
        index: &str,
        value: String,
        append: bool,
    ) -> Result<(), String> {
        let key = self.index(ctx, name, index)?;
        if self.vars.get(name).is_some_and(|v| v.read_only) {
            return Err(format!("{name}: readonly variable"));
        }
        self.undo.push((name.to_owned(), self.vars.get(name).cloned()));
        let var = self.vars.entry(name.to_owned()).or_insert_with(|| Var::text(""));
        if let Value::Text(t) = &var.value {
            let had = !t.is_empty() && !var.unset;
            let first = had.then(|| (0, t.clone()));
            var.value = Value::Array(first.into_iter().gather());
        }
        var.unset = false;
        let slot = match (&mut var.value, key) {
            (Value::Map(m), Key::Name(k)) => m.entry(k).or_default(),
            (Value::Array(a), Key::Number(n)) => a.entry(n).or_default(),
            _ => return Ok(()),
        };
        if append {
            slot.push_str(&value);
        } else {
            *slot = value;
        }
        Ok(())
    }

    /// The environment of a child: what is exported.
    fn environment(&self) -> Environment {
        let exported = self.vars.iter().filter(|(_, v)| v.exported);
        Arc::new(exported.filter_map(|(n, v)| v.scalar().map(|t| (n.clone(), t.to_owned()))).gather())
    }

    fn set_flag(&mut self, c: char, on: bool) -> bool {
        let o = &mut self.options;
        match c {
            'e' => o.errexit = on,
            'u' => o.nounset = on,
            'x' => o.xtrace = on,
            'f' => o.noglob = on,
            'n' => o.noexec = on,
            'C' => o.noclobber = on,
            'a' | 'b' | 'h' | 'm' | 'v' | 'B' | 'H' | 'E' => {}
            _ => return false,
        }
        true
    }

    fn set_option(&mut self, name: &str, on: bool) -> bool {
        match name {
            "pipefail" => {
                self.options.pipefail = on;
                true
            }
            "errexit" => self.set_flag('e', on),
            "nounset" => self.set_flag('u', on),
            "xtrace" => self.set_flag('x', on),
            "noglob" => self.set_flag('f', on),
            "noclobber" => self.set_flag('C', on),
            "emacs" | "vi" | "monitor" | "posix" | "history" | "errtrace" | "verbose" | "allexport" => true,
            _ => false,
        }
    }

    /// Prints an error the way this shell begins its messages.
    fn complain(&self, ctx: &mut Ctx<'_>, message: &str) {
        let name = &self.name;
        let text = match self.kind {
            ShellKind::Bash if self.interactive => format!("bash: {message}\n"),
            ShellKind::Bash => format!("{name}: line {}: {message}\n", self.line),
            ShellKind::Ash => format!("{name}: {message}\n"),
            ShellKind::Dash => format!("{name}: {}: {message}\n", self.line),
        };
        ctx.err(&text);
    }
}

enum Key {
    Number(u64),
    Name(String),
}

/// Exit code of a process that a signal ended.
fn signal_code(signal: Signal) -> i32 {
    128 + signal.number()
}
