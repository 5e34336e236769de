//! The table of builtins, and those that fit in a few lines.

use super::parser::Aliases;
use super::vars::Var;
use super::vm::{FRAMES_MAX, Flow, Ran};
use super::{FrameKind, Shell, arith, conditions};
use crate::coreutils;
use crate::fs::FsError;
use crate::machine::ShellKind;
use crate::process::{Ctx, Signal};

pub(super) type Builtin = fn(&mut Shell, &mut Ctx<'_>, &[String]) -> Ran;

/// (name, only in bash, what runs).
const TABLE: &[(&str, bool, Builtin)] = &[
    (":", false, |_, _, _| Ran::Status(0)),
    (".", false, source),
    ("[", false, test),
    ("alias", false, Shell::alias_builtin),
    ("bg", false, Shell::fg_builtin),
    ("break", false, break_loop),
    ("builtin", true, command),
    ("cd", false, cd),
    ("command", false, command),
    ("continue", false, break_loop),
    ("declare", true, Shell::declare_builtin),
    ("dirs", true, |s, ctx, _| s.show_dirs(ctx)),
    ("disown", true, |s, _, _| {
        s.jobs.clear();
        Ran::Status(0)
    }),
    ("echo", false, |_, ctx, a| Ran::Status(coreutils::echo::run(ctx, &a[1..]))),
    ("eval", false, eval),
    ("exec", false, exec),
    ("exit", false, exit),
    ("export", false, Shell::declare_builtin),
    ("false", false, |_, _, _| Ran::Status(1)),
    ("fg", false, Shell::fg_builtin),
    ("getopts", false, Shell::getopts_builtin),
    ("hash", false, |_, _, _| Ran::Status(0)),
    ("help", true, help),
    ("history", true, history),
    ("jobs", false, Shell::jobs_builtin),
    ("kill", false, Shell::kill_builtin),
    ("let", false, let_builtin),
    ("local", false, Shell::declare_builtin),
    ("logout", true, exit),
    ("mapfile", true, not_here),
    ("popd", true, popd),
    ("printf", false, printf),
    ("pushd", true, pushd),
    ("pwd", false, |_, ctx, _| {
        let cwd = ctx.cwd();
        ctx.out(&format!("{cwd}\n"));
        Ran::Status(0)
    }),
    ("read", false, Shell::read_builtin),
    ("readarray", true, not_here),
    ("readonly", false, Shell::declare_builtin),
    ("return", false, return_builtin),
    ("set", false, Shell::set_builtin),
    ("shift", false, Shell::shift_builtin),
    ("shopt", true, shopt),
    ("source", false, source),
    ("test", false, test),
    ("trap", false, trap),
    ("true", false, |_, _, _| Ran::Status(0)),
    ("type", false, type_builtin),
    ("typeset", true, Shell::declare_builtin),
    ("ulimit", false, |_, ctx, _| {
        ctx.out("unlimited\n");
        Ran::Status(0)
    }),
    ("umask", false, umask),
    ("unalias", false, Shell::alias_builtin),
    ("unset", false, Shell::unset_builtin),
    ("wait", false, Shell::wait_builtin),
];

pub(super) fn find(name: &str, kind: ShellKind) -> Option<Builtin> {
    TABLE.iter().find(|(n, bash, _)| *n == name && (!bash || kind == ShellKind::Bash)).map(|b| b.2)
}

/// Names of all builtins, for completion.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    TABLE.iter().map(|b| b.0)
}

/// A word as the shell would have to be given it.
pub(super) fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "_-./:=@%+,^".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}

fn not_here(shell: &mut Shell, ctx: &mut Ctx<'_>, argv: &[String]) -> Ran {
    shell.complain(ctx, &format!("{}: not supported in this simulated shell", argv[0]));
    Ran::Status(2)
}

fn test(shell: &mut Shell, ctx: &mut Ctx<'_>, argv: &[String]) -> Ran {
    let mut args = &argv[1..];
    if argv[0] == "[" {
        match args.split_last() {
            Some((last, rest)) if last == "]" => args = rest,
            _ => {
                shell.complain(ctx, "[: missing `]'");
                return Ran::Status(2);
            }
        }
    }
    match conditions::test(ctx, args) {
        Ok(yes) => Ran::Status(i32::from(!yes)),
        Err(message) => {
            let message = match (shell.kind, message.strip_suffix(": integer expression expected")) {
                (ShellKind::Ash, Some(n)) => format!("bad number '{n}'"),
                (ShellKind::Dash, Some(n)) => format!("Illegal number: {n}"),
                _ => message,
            };
            let name = if shell.kind == ShellKind::Ash { "sh: " } else { "" };
            shell.complain(ctx, &format!("{}: {message}", argv[0]).replace(name, ""));
            Ran::Status(2)
        }
    }
}

fn printf(shell: &mut Shell, ctx: &mut Ctx<'_>, argv: &[String]) -> Ran {
    if argv.get(1).is_some_and(|a| a == "-v") && argv.len() > 3 {
        let (bytes, errors, _) = coreutils::printf::format(&argv[3], &argv[4..]);
        let _ = shell.set(&argv[2], String::from_utf8_lossy(&bytes).into_owned());
        errors.iter().for_each(|e| shell.complain(ctx, &format!("printf: {e}")));
        return Ran::Status(i32::from(!errors.is_empty()));
    }
    let args = if argv.get(1).is_some_and(|a| a == "--") { &argv[2..] } else { &argv[1..] };
    let Some((format, rest)) = args.split_first() else {
        ctx.err("printf: usage: printf [-v var] format [arguments]\n");
        return Ran::Status(2);
    };
    let (bytes, errors, _) = coreutils::printf::format(format, rest);
    errors.iter().for_each(|e| shell.complain(ctx, &format!("printf: {e}")));
    ctx.out_bytes(&bytes);
    Ran::Status(i32::from(!errors.is_empty()))
}

fn source(shell: &mut Shell, ctx: &mut Ctx<'_>, argv: &[String]) -> Ran {
    let Some(file) = argv.get(1) else {
        shell.complain(ctx, &format!("{}: filename argument required", argv[0]));
        return Ran::Status(2);
    };
    if let Some(refused) = too_deep(shell, ctx, "source") {
        return refused;
    }
    let mut path = file.clone();
    if !file.contains('/') && !ctx.machine.fs.exists(&ctx.full(file)) {
        let dirs = shell.get(ctx, "PATH").unwrap_or_default();
        let found = dirs.split(':').map(|d| format!("{d}/{file}")).find(|p| ctx.machine.fs.exists(p));
        path = found.unwrap_or(path);
    }
    match ctx.read_file(&path) {
        Ok(bytes) => {
            shell.push_source(FrameKind::File, &String::from_utf8_lossy(&bytes), 1);
            if argv.len() > 2 {
                let params = core::mem::replace(&mut shell.params, argv[2..].to_vec());
                if let Some(frame) = shell.frames.last_mut() {
                    frame.params = Some(params);
                }
            }
            shell.status = 0;
            Ran::Frame
        }
        Err(e) => {
            let message = match shell.kind {
                ShellKind::Bash if e == FsError::IsADirectory => format!("{}: {file}: is a directory", argv[0]),
                ShellKind::Bash => format!("{file}: {}", e.message()),
                ShellKind::Ash => format!(".: can't open '{file}': {}", e.message()),
                ShellKind::Dash => format!(".: cannot open {file}: No such file"),
            };
            shell.complain(ctx, &message);
            if shell.kind == ShellKind::Bash { Ran::Status(1) } else { Ran::Exit(2) }
        }
    }
}

/// A text that reads itself again and again is ended like a function that calls itself.
fn too_deep(shell: &mut Shell, ctx: &mut Ctx<'_>, what: &str) -> Option<Ran> {
    if shell.frames.len() < FRAMES_MAX {
        return None;
    }
    shell.complain(ctx, &format!("{what}: maximum {what} nesting level exceeded ({FRAMES_MAX})"));
    Some(if shell.interactive { Ran::Status(1) } else { Ran::Exit(1) })
}

fn eval(shell: &mut Shell, ctx: &mut Ctx<'_>, argv: &[String]) -> Ran {
    if let Some(refused) = too_deep(shell, ctx, "eval") {
        return refused;
    }
    let text = argv[1..].join(" ");
    let line = shell.line;
    shell.status = 0;
    shell.push_source(FrameKind::Eval, &text, line);
    Ran::Frame
}

fn exec(shell: &mut Shell, ctx: &mut Ctx<'_>, argv: &[String]) -> Ran {
    let args: Vec<String> = argv[1..].iter().skip_while(|a| *a == "--").cloned().collect();
    let Some(name) = args.first().cloned() else { return Ran::Status(0) };
    match ctx.machine.exec(ctx.pid, args, Some(shell.environment())) {
        Ok(()) => Ran::Replaced,
        Err(e) => {
            shell.status = if e == FsError::NotFound { 127 } else { 126 };
            let what = if e == FsError::NotFound { "not found" } else { e.message() };
            shell.complain(ctx, &format!("exec: {name}: {what}"));
            if shell.interactive { Ran::Status(shell.status) } else { Ran::Exit(shell.status) }
        }
    }
}

fn exit(shell: &mut Shell, ctx: &mut Ctx<'_>, argv: &[String]) -> Ran {
    if shell.interactive {
        ctx.err(if argv[0] == "logout" { "" } else { "exit\n" });
    }
    match argv.get(1).map(|a| (a, a.parse::<i64>())) {
        None => Ran::Exit(shell.status),
        Some((_, Ok(n))) => Ran::Exit((n & 255) as i32),
        Some((text, Err(_))) => {
            shell.complain(ctx, &format!("{}: {text}: numeric argument required", argv[0]));
            Ran::Exit(2)
        }
    }
}

fn return_builtin(shell: &mut Shell, ctx: &mut Ctx<'_>, argv: &[String]) -> Ran {
    let status = match argv.get(1) {
        None => shell.status,
        Some(text) => match text.parse::<i64>() {
            Ok(n) => (n & 255) as i32,
            Err(_) => {
                shell.complain(ctx, &format!("return: {text}: numeric argument required"));
                2
            }
        },
    };
    let returns = |k: &FrameKind| matches!(k, FrameKind::Function | FrameKind::File);
    if !shell.frames.iter().any(|f| returns(&f.kind)) {
        shell.complain(ctx, "return: can only `return' from a function or sourced script");
        return Ran::Status(2);
    }
    while let Some(frame) = shell.frames.last() {
        let last = returns(&frame.kind);
        shell.pop_frame(ctx);
        if last {
            break;
        }
    }
    Ran::Status(status)
}

fn break_loop(shell: &mut Shell, ctx: &mut Ctx<'_>, argv: &[String]) -> Ran {
    let levels = match argv.get(1).map(|a| a.parse::<u32>()) {
        None => 1,
        Some(Ok(n)) if n > 0 => n,
        Some(_) => {
            shell.complain(ctx, &format!("{}: {}: loop count out of range", argv[0], argv[1]));
            return Ran::Status(1);
        }
    };
    if !shell.leave_loops(ctx, levels, argv[0] == "continue") && shell.kind == ShellKind::Bash {
        shell.complain(ctx, &format!("{}: only meaningful in a `for', `while', or `until' loop", argv[0]));
    }
    Ran::Status(0)
}

/// Changes directory; the error's text begins with `cd: `.
fn change_dir(shell: &mut Shell, ctx: &mut Ctx<'_>, to: &str) -> Result<(), String> {
    let path = ctx.abs(to);
    let fail = |e: FsError| match shell.kind {
        ShellKind::Bash => format!("cd: {to}: {}", e.message()),
        ShellKind::Ash => format!("cd: can't cd to {to}: {}", e.message()),
        ShellKind::Dash => format!("cd: can't cd to {to}"),
    };
    let cred = ctx.cred();
    let stat = ctx.machine.fs.stat(&cred, &path).map_err(fail)?;
    if !stat.is_dir() {
        return Err(fail(FsError::NotADirectory));
    }
    ctx.machine.fs.access(&cred, &path, 1).map_err(fail)?;
    let old = ctx.cwd();
    if let Some(p) = ctx.machine.process_mut(ctx.pid) {
        p.cwd.clone_from(&path);
    }
    for (name, value) in [("OLDPWD", old), ("PWD", path)] {
        let exported = Var { exported: true, ..Var::text(value) };
        shell.vars.insert(name.into(), exported);
    }
    Ok(())
}

fn cd(shell: &mut Shell, ctx: &mut Ctx<'_>, argv: &[String]) -> Ran {
    let args: Vec<&String> = argv[1..].iter().filter(|a| !matches!(a.as_str(), "--" | "-P" | "-L")).collect();
    if args.len() > 1 && shell.kind == ShellKind::Bash {
        shell.complain(ctx, "cd: too many arguments");
        return Ran::Status(1);
    }
    let (to, show) = match args.first().map(|a| a.as_str()) {
        None => match shell.get(ctx, "HOME") {
            Some(home) => (home, false),
            None => {
                shell.complain(ctx, "cd: HOME not set");
                return Ran::Status(1);
            }
        },
        Some("-") => match shell.get(ctx, "OLDPWD") {
            Some(old) => (old, true),
            None => {
                shell.complain(ctx, "cd: OLDPWD not set");
                return Ran::Status(1);
            }
        },
        Some(to) => (to.to_owned(), false),
    };
    if to.is_empty() {
        return Ran::Status(0);
    }
    match change_dir(shell, ctx, &to) {
        Ok(()) => {
            if show {
                let cwd = ctx.cwd();
                ctx.out(&format!("{cwd}\n"));
            }
            Ran::Status(0)
        }
        Err(message) => {
            shell.complain(ctx, &message);
            Ran::Status(if shell.kind == ShellKind::Dash { 2 } else { 1 })
        }
    }
}

impl Shell {
    fn show_dirs(&mut self, ctx: &mut Ctx<'_>) -> Ran {
        let home = self.get(ctx, "HOME").unwrap_or_default();
        let short = |p: String| match p.strip_prefix(&home) {
            Some(rest) if !home.is_empty() && (rest.is_empty() || rest.starts_with('/')) => format!("~{rest}"),
            _ => p,
        };
        let all = core::iter::once(ctx.cwd()).chain(self.dir_stack.iter().rev().cloned());
        let line: Vec<String> = all.map(short).collect();
        ctx.out(&format!("{}\n", line.join(" ")));
        Ran::Status(0)
    }
}

fn pushd(shell: &mut Shell, ctx: &mut Ctx<'_>, argv: &[String]) -> Ran {
    let old = ctx.cwd();
    let to = match argv.get(1) {
        Some(to) => to.clone(),
        None => match shell.dir_stack.pop() {
            Some(to) => to,
            None => {
                shell.complain(ctx, "pushd: no other directory");
                return Ran::Status(1);
            }
        },
    };
    if let Err(message) = change_dir(shell, ctx, &to) {
        shell.complain(ctx, &message.replacen("cd", "pushd", 1));
        return Ran::Status(1);
    }
    shell.dir_stack.push(old);
    shell.show_dirs(ctx)
}

fn popd(shell: &mut Shell, ctx: &mut Ctx<'_>, _: &[String]) -> Ran {
    let Some(to) = shell.dir_stack.pop() else {
        shell.complain(ctx, "popd: directory stack empty");
        return Ran::Status(1);
    };
    if let Err(message) = change_dir(shell, ctx, &to) {
        shell.complain(ctx, &message);
    }
    shell.show_dirs(ctx)
}

fn let_builtin(shell: &mut Shell, ctx: &mut Ctx<'_>, argv: &[String]) -> Ran {
    let mut last = 0;
    for text in &argv[1..] {
        match arith::evaluate(shell, ctx, text) {
            Ok(n) => last = n,
            Err(e) => {
                shell.complain(ctx, &format!("let: {e}"));
                return Ran::Status(1);
            }
        }
    }
    Ran::Status(i32::from(last == 0))
}

enum Means<'a> {
    Alias(&'a str),
    Function,
    Builtin,
    File(String),
    Nothing,
}

fn means<'a>(shell: &'a Shell, ctx: &Ctx<'_>, name: &str, aliases: &'a Aliases) -> Means<'a> {
    if let Some(text) = aliases.get(name) {
        return Means::Alias(text);
    }
    if shell.functions.contains_key(name) {
        return Means::Function;
    }
    if find(name, shell.kind).is_some() {
        return Means::Builtin;
    }
    let path = shell.vars.get("PATH").and_then(Var::scalar);
    ctx.machine
        .find_program(&ctx.cred(), path, &ctx.cwd(), name)
        .map_or(Means::Nothing, |file| Means::File(if name.contains('/') { name.to_owned() } else { file }))
}

const KEYWORDS: [&str; 14] =
    ["if", "then", "else", "elif", "fi", "for", "while", "until", "do", "done", "case", "esac", "[[", "function"];

fn type_builtin(shell: &mut Shell, ctx: &mut Ctx<'_>, argv: &[String]) -> Ran {
    let word_only = argv.iter().any(|a| a == "-t");
    let path_only = argv.iter().any(|a| a == "-p" || a == "-P");
    let mut status = 0;
    for name in argv[1..].iter().filter(|a| !a.starts_with('-')) {
        let keyword = KEYWORDS.contains(&name.as_str());
        let (kind, text) = match means(shell, ctx, name, &shell.aliases) {
            _ if keyword => ("keyword", format!("{name} is a shell keyword")),
            Means::Alias(text) => ("alias", format!("{name} is aliased to `{text}'")),
            Means::Function => {
                let body = shell.functions.get(name).map(|f| f.text.clone()).unwrap_or_default();
                ("function", format!("{name} is a function\n{name} () \n{body}"))
            }
            Means::Builtin => ("builtin", format!("{name} is a shell builtin")),
            Means::File(file) if path_only => ("file", file),
            Means::File(file) => ("file", format!("{name} is {file}")),
            Means::Nothing => {
                status = 1;
                let lost = if shell.kind == ShellKind::Bash {
                    format!("type: {name}: not found")
                } else {
                    format!("{name}: not found")
                };
                if !word_only && !path_only {
                    shell.complain(ctx, &lost);
                }
                continue;
            }
        };
        if path_only && kind != "file" {
            continue;
        }
        ctx.out(&format!("{}\n", if word_only { kind } else { &text }));
    }
    Ran::Status(status)
}

fn command(shell: &mut Shell, ctx: &mut Ctx<'_>, argv: &[String]) -> Ran {
    let mut args: &[String] = &argv[1..];
    let mut show = None;
    while let Some(flag) = args.first().filter(|a| a.starts_with('-') && a.len() > 1) {
        match flag.as_str() {
            "-v" => show = Some(false),
            "-V" => show = Some(true),
            _ => {}
        }
        args = &args[1..];
    }
    if show == Some(true) {
        return type_builtin(shell, ctx, &[&["type".to_owned()], args].concat());
    }
    if show == Some(false) {
        let mut status = 1;
        for name in args {
            let line = match means(shell, ctx, name, &shell.aliases) {
                Means::Alias(text) => format!("alias {name}='{text}'"),
                Means::Function | Means::Builtin => name.clone(),
                Means::File(file) => file,
                Means::Nothing if KEYWORDS.contains(&name.as_str()) => name.clone(),
                Means::Nothing => continue,
            };
            status = 0;
            ctx.out(&format!("{line}\n"));
        }
        return Ran::Status(if args.is_empty() || status == 0 {
            0
        } else if shell.kind == ShellKind::Bash {
            1
        } else {
            127
        });
    }
    if args.is_empty() {
        return Ran::Status(0);
    }
    match shell.run_command(ctx, args.to_vec(), Vec::new(), &[], false) {
        Flow::Replaced => Ran::Replaced,
        Flow::Exit(code) => Ran::Exit(code),
        _ => match shell.pause.take() {
            Some(pause) => {
                shell.pause_restore = None;
                Ran::Pause(pause)
            }
            None => Ran::Status(shell.status),
        },
    }
}

fn trap(shell: &mut Shell, ctx: &mut Ctx<'_>, argv: &[String]) -> Ran {
    let args: Vec<&String> = argv[1..].iter().filter(|a| *a != "--").collect();
    if args.is_empty() || args[0] == "-p" {
        for (name, action) in &shell.traps {
            let name = if name == "EXIT" { name.clone() } else { format!("SIG{name}") };
            ctx.out(&format!("trap -- '{}' {name}\n", action.replace('\'', "'\\''")));
        }
        return Ran::Status(0);
    }
    if args[0] == "-l" {
        return shell.kill_builtin(ctx, &["kill".into(), "-l".into()]);
    }
    let only_names = args.len() == 1;
    let (action, names) = if only_names { (None, &args[..]) } else { (Some(args[0]), &args[1..]) };
    let mut status = 0;
    for name in names {
        let upper = name.to_ascii_uppercase();
        let key = match upper.as_str() {
            "EXIT" | "0" => "EXIT",
            "ERR" | "DEBUG" | "RETURN" => {
                shell.complain(ctx, &format!("trap: {upper}: not supported in this simulated shell"));
                status = 1;
                continue;
            }
            _ => match Signal::parse(&upper) {
                Some(s) => s.name(),
                None => {
                    shell.complain(ctx, &format!("trap: {name}: invalid signal specification"));
                    status = 1;
                    continue;
                }
            },
        };
        match action.filter(|a| *a != "-") {
            Some(action) => shell.traps.insert(key.into(), action.clone()),
            None => shell.traps.remove(key),
        };
        // Children inherit what is ignored.
        let ignore = action.is_some_and(|a| a.is_empty());
        if let (Some(p), Some(signal)) = (ctx.machine.process_mut(ctx.pid), Signal::parse(key)) {
            p.ignored.retain(|s| *s != signal);
            if ignore {
                p.ignored.push(signal);
            }
        }
    }
    Ran::Status(status)
}

fn shopt(shell: &mut Shell, ctx: &mut Ctx<'_>, argv: &[String]) -> Ran {
    let on = argv.iter().any(|a| a == "-s");
    for name in argv[1..].iter().filter(|a| !a.starts_with('-')) {
        match name.as_str() {
            "nullglob" => shell.options.nullglob = on,
            "expand_aliases" | "checkwinsize" | "histappend" | "cmdhist" => {}
            name => {
                shell.complain(ctx, &format!("shopt: {name}: not supported in this simulated shell"));
                return Ran::Status(1);
            }
        }
    }
    Ran::Status(0)
}

fn umask(_: &mut Shell, ctx: &mut Ctx<'_>, argv: &[String]) -> Ran {
    let Some(p) = ctx.machine.process_mut(ctx.pid) else { return Ran::Status(1) };
    match argv.get(1).and_then(|a| u16::from_str_radix(a, 8).ok()) {
        Some(mask) => p.umask = mask & 0o777,
        None => {
            let line = format!("{:04o}\n", p.umask);
            ctx.out(&line);
        }
    }
    Ran::Status(0)
}

fn history(shell: &mut Shell, ctx: &mut Ctx<'_>, argv: &[String]) -> Ran {
    if argv.get(1).is_some_and(|a| a == "-c") {
        shell.history.clear();
        return Ran::Status(0);
    }
    let n = argv.get(1).and_then(|a| a.parse::<usize>().ok()).unwrap_or(usize::MAX);
    let from = shell.history.len().saturating_sub(n);
    for (i, line) in shell.history.iter().enumerate().skip(from) {
        ctx.out(&format!("{:>5}  {line}\n", i + 1));
    }
    Ran::Status(0)
}

fn help(_: &mut Shell, ctx: &mut Ctx<'_>, _: &[String]) -> Ran {
    ctx.out("This is a simulated shell with the usual commands of bash. Its builtins:\n");
    let all: Vec<&str> = names().collect();
    for line in all.chunks(10) {
        ctx.out(&format!(" {}\n", line.join(" ")));
    }
    Ran::Status(0)
}
