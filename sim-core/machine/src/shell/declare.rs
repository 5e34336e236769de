//! Builtins that declare: `export`, `readonly`, `local`, `declare`, `unset`, `set`, `shift`, `alias`.

use super::vars::{Value, Var};
use super::vm::Ran;
use super::words::is_name;
use super::{FrameKind, Shell, arith, builtins::quoted};
use crate::machine::ShellKind;
use crate::process::Ctx;
use std::collections::BTreeMap;

impl Shell {
    /// `export`, `readonly`, `local`, `declare`, `typeset`.
    pub(super) fn declare_builtin(&mut self, ctx: &mut Ctx<'_>, argv: &[String]) -> Ran {
        let command = argv[0].as_str();
        let mut flags = String::new();
        let mut operands = Vec::new();
        for arg in &argv[1..] {
            match arg.strip_prefix(['-', '+']) {
                Some(f) if operands.is_empty() && !f.is_empty() => {
                    if arg.starts_with('-') {
                        flags.push_str(f);
                    } else {
                        flags.push_str(&f.to_uppercase());
                    }
                }
                _ => operands.push(arg.as_str()),
            }
        }
        if command == "export" {
            flags.push('x');
        }
        if command == "readonly" {
            flags.push('r');
        }
        let in_function = self.frames.iter().any(|f| f.kind == FrameKind::Function);
        if command == "local" && !in_function {
            self.complain(ctx, "local: can only be used in a function");
            return Ran::Status(1);
        }
        if operands.is_empty() || flags.contains('p') && operands.is_empty() {
            self.print_declared(ctx, command, &flags);
            return Ran::Status(0);
        }
        if flags.contains('f') {
            return Ran::Status(i32::from(!operands.iter().all(|n| self.functions.contains_key(*n))));
        }
        let mut status = 0;
        for operand in operands {
            let (name, value) = operand.split_once('=').map_or((operand, None), |(n, v)| (n, Some(v)));
            let (name, append) = name.strip_suffix('+').map_or((name, false), |n| (n, true));
            if !is_name(name) {
                self.complain(ctx, &format!("{command}: `{operand}': not a valid identifier"));
                status = 1;
                continue;
            }
            if flags.contains('p') {
                match self.vars.get(name) {
                    Some(var) => ctx.out(&declaration(name, var)),
                    None => {
                        self.complain(ctx, &format!("{command}: {name}: not found"));
                        status = 1;
                    }
                }
                continue;
            }
            let local =
                command == "local" || in_function && matches!(command, "declare" | "typeset") && !flags.contains('g');
            if let Err(message) = self.declare(ctx, name, value, append, &flags, local) {
                self.complain(ctx, &message);
                status = 1;
            }
        }
        Ran::Status(status)
    }

    fn declare(
        &mut self,
        ctx: &mut Ctx<'_>,
        name: &str,
        value: Option<&str>,
        append: bool,
        flags: &str,
        local: bool,
    ) -> Result<(), String> {
        if local && let Some(frame) = self.frames.iter_mut().rev().find(|f| f.kind == FrameKind::Function) {
            if !frame.locals.iter().any(|(n, _)| n == name) {
                frame.locals.push((name.to_owned(), self.vars.get(name).cloned()));
            }
            if !self.vars.get(name).is_some_and(|v| v.read_only) {
                self.vars.insert(name.to_owned(), Var { unset: true, ..Var::text("") });
            }
        }
        let var = self.vars.entry(name.to_owned()).or_insert_with(|| Var { unset: true, ..Var::text("") });
        if flags.contains('A') && !matches!(var.value, Value::Map(_)) {
            var.value = Value::Map(BTreeMap::new());
            var.unset = false;
        } else if flags.contains('a') && matches!(var.value, Value::Text(_)) {
            var.value = Value::Array(BTreeMap::new());
            var.unset = false;
        }
        var.integer |= flags.contains('i');
        var.exported |= flags.contains('x');
        if flags.contains('X') || flags.contains('n') && flags.contains('x') {
            var.exported = false;
        }
        let integer = var.integer;
        if let Some(value) = value {
            let mut text = value.to_owned();
            if integer {
                text = arith::evaluate(self, ctx, value)?.to_string();
            } else if append {
                text = self.get(ctx, name).unwrap_or_default() + value;
            }
            self.set(name, text)?;
            self.undo.clear();
        }
        if flags.contains('r')
            && let Some(var) = self.vars.get_mut(name)
        {
            var.read_only = true;
        }
        Ok(())
    }

    fn print_declared(&self, ctx: &mut Ctx<'_>, command: &str, flags: &str) {
        let posix = self.kind != ShellKind::Bash;
        for (name, var) in &self.vars {
            let wanted = match command {
                "export" => var.exported,
                "readonly" => var.read_only,
                _ => !flags.contains('x') || var.exported,
            };
            if !wanted {
                continue;
            }
            if posix {
                ctx.out(&format!("{command} {name}='{}'\n", var.scalar().unwrap_or_default()));
            } else {
                ctx.out(&declaration(name, var));
            }
        }
    }

    pub(super) fn unset_builtin(&mut self, ctx: &mut Ctx<'_>, argv: &[String]) -> Ran {
        let mut status = 0;
        let only_functions = argv.iter().any(|a| a == "-f");
        for name in argv[1..].iter().filter(|a| !a.starts_with('-')) {
            if only_functions {
                self.functions.remove(name);
                continue;
            }
            if let Some((array, index)) = name.strip_suffix(']').and_then(|n| n.split_once('[')) {
                let key = self.index(ctx, array, index);
                match (self.vars.get_mut(array).map(|v| &mut v.value), key) {
                    (Some(Value::Array(a)), Ok(super::Key::Number(n))) => {
                        a.remove(&n);
                    }
                    (Some(Value::Map(m)), Ok(super::Key::Name(k))) => {
                        m.remove(&k);
                    }
                    _ => {}
                }
                continue;
            }
            match self.vars.get(name) {
                Some(v) if v.read_only => {
                    self.complain(ctx, &format!("unset: {name}: cannot unset: readonly variable"));
                    status = 1;
                }
                Some(_) => {
                    self.vars.remove(name);
                }
                None => {
                    self.functions.remove(name);
                }
            }
        }
        Ran::Status(status)
    }

    pub(super) fn set_builtin(&mut self, ctx: &mut Ctx<'_>, argv: &[String]) -> Ran {
        if argv.len() == 1 {
            for (name, var) in &self.vars {
                if !var.unset {
                    ctx.out(&format!("{name}={}\n", quoted(var.scalar().unwrap_or_default())));
                }
            }
            return Ran::Status(0);
        }
        let mut i = 1;
        while let Some(arg) = argv.get(i) {
            match arg.as_str() {
                "--" => {
                    self.params = argv[i + 1..].to_vec();
                    return Ran::Status(0);
                }
                "-o" | "+o" => match argv.get(i + 1) {
                    Some(name) => {
                        if !self.set_option(name, arg == "-o") {
                            self.complain(ctx, &format!("set: {name}: invalid option name"));
                            return Ran::Status(2);
                        }
                        i += 1;
                    }
                    None => {
                        let o = self.options;
                        for (name, on) in [
                            ("errexit", o.errexit),
                            ("nounset", o.nounset),
                            ("pipefail", o.pipefail),
                            ("xtrace", o.xtrace),
                        ] {
                            ctx.out(&format!("{name:<15}\t{}\n", if on { "on" } else { "off" }));
                        }
                    }
                },
                a if a.len() > 1 && a.starts_with(['-', '+']) => {
                    let on = a.starts_with('-');
                    for c in a[1..].chars() {
                        if c == 'o' {
                            if let Some(name) = argv.get(i + 1).cloned() {
                                self.set_option(&name, on);
                                i += 1;
                            }
                        } else if !self.set_flag(c, on) {
                            self.complain(ctx, &format!("set: {}{c}: invalid option", &a[..1]));
                            return Ran::Status(2);
                        }
                    }
                }
                _ => {
                    self.params = argv[i..].to_vec();
                    return Ran::Status(0);
                }
            }
            i += 1;
        }
        Ran::Status(0)
    }

    pub(super) fn shift_builtin(&mut self, ctx: &mut Ctx<'_>, argv: &[String]) -> Ran {
        let n = match argv.get(1) {
            None => 1,
            Some(text) => match text.parse::<usize>() {
                Ok(n) => n,
                Err(_) => {
                    self.complain(ctx, &format!("shift: {text}: numeric argument required"));
                    return Ran::Status(1);
                }
            },
        };
        if n > self.params.len() {
            return Ran::Status(1);
        }
        self.params.drain(..n);
        Ran::Status(0)
    }

    pub(super) fn alias_builtin(&mut self, ctx: &mut Ctx<'_>, argv: &[String]) -> Ran {
        let line = |n: &str, v: &str| format!("alias {n}='{}'\n", v.replace('\'', "'\\''"));
        let mut status = 0;
        if argv[0] == "unalias" {
            for name in &argv[1..] {
                if name == "-a" {
                    self.aliases.clear();
                } else if self.aliases.remove(name).is_none() {
                    self.complain(ctx, &format!("unalias: {name}: not found"));
                    status = 1;
                }
            }
            return Ran::Status(status);
        }
        if argv.len() == 1 {
            for (name, value) in &self.aliases {
                ctx.out(&line(name, value));
            }
        }
        for arg in &argv[1..] {
            match arg.split_once('=') {
                Some((name, value)) => {
                    self.aliases.insert(name.to_owned(), value.to_owned());
                }
                None => match self.aliases.get(arg) {
                    Some(value) => ctx.out(&line(arg, value)),
                    None => {
                        self.complain(ctx, &format!("alias: {arg}: not found"));
                        status = 1;
                    }
                },
            }
        }
        Ran::Status(status)
    }

    pub(super) fn getopts_builtin(&mut self, ctx: &mut Ctx<'_>, argv: &[String]) -> Ran {
        let [_, spec, name, given @ ..] = argv else {
            ctx.err("getopts: usage: getopts optstring name [arg ...]\n");
            return Ran::Status(2);
        };
        let args = if given.is_empty() { self.params.clone() } else { given.to_vec() };
        let silent = spec.starts_with(':');
        let mut at: usize = self.get(ctx, "OPTIND").and_then(|v| v.parse().ok()).unwrap_or(1);
        let set = |shell: &mut Self, n: &str, v: String| {
            let _ = shell.set(n, v);
        };
        let word = args.get(at - 1).cloned().unwrap_or_default();
        if self.getopts_at == 0 {
            self.getopts_at = 1;
        }
        if !word.starts_with('-') || word == "-" || word == "--" {
            if word == "--" {
                at += 1;
            }
            self.getopts_at = 0;
            set(self, "OPTIND", at.to_string());
            set(self, name, "?".into());
            return Ran::Status(1);
        }
        let c = word.chars().nth(self.getopts_at).unwrap_or('?');
        self.getopts_at += 1;
        let ended = self.getopts_at >= word.chars().count();
        let takes = spec.find(c).filter(|_| c != ':').map(|i| spec[i + c.len_utf8()..].starts_with(':'));
        let mut value = String::from(c);
        self.vars.remove("OPTARG");
        match takes {
            None => {
                value = "?".into();
                if silent {
                    set(self, "OPTARG", c.into());
                } else {
                    let me = self.name.clone();
                    ctx.err(&format!("{me}: illegal option -- {c}\n"));
                }
            }
            Some(true) => {
                let rest: String = word.chars().skip(self.getopts_at).collect();
                let argument = if rest.is_empty() {
                    at += 1;
                    args.get(at - 1).cloned()
                } else {
                    Some(rest)
                };
                match argument {
                    Some(argument) => set(self, "OPTARG", argument),
                    None if silent => {
                        value = ":".into();
                        set(self, "OPTARG", c.into());
                    }
                    None => {
                        value = "?".into();
                        let me = self.name.clone();
                        ctx.err(&format!("{me}: option requires an argument -- {c}\n"));
                    }
                }
                at += 1;
                self.getopts_at = 0;
            }
            Some(false) => {}
        }
        if takes != Some(true) && ended {
            at += 1;
            self.getopts_at = 0;
        }
        set(self, "OPTIND", at.to_string());
        set(self, name, value);
        Ran::Status(0)
    }
}

fn declaration(name: &str, var: &Var) -> String {
    let mut flags = String::new();
    match var.value {
        Value::Array(_) => flags.push('a'),
        Value::Map(_) => flags.push('A'),
        Value::Text(_) => {}
    }
    for (on, c) in [(var.integer, 'i'), (var.read_only, 'r'), (var.exported, 'x')] {
        if on {
            flags.push(c);
        }
    }
    if flags.is_empty() {
        flags.push('-');
    }
    let value = match &var.value {
        _ if var.unset => String::new(),
        Value::Text(t) => format!("={}", double(t)),
        Value::Array(a) => {
            let items: Vec<String> = a.iter().map(|(k, v)| format!("[{k}]={}", double(v))).collect();
            format!("=({})", items.join(" "))
        }
        Value::Map(m) => {
            let items: Vec<String> = m.iter().map(|(k, v)| format!("[{k}]={} ", double(v))).collect();
            format!("=({})", items.concat())
        }
    };
    format!("declare -{flags} {name}{value}\n")
}

fn double(text: &str) -> String {
    let mut out = String::from('"');
    for c in text.chars() {
        if "\"\\$`".contains(c) {
            out.push('\\');
        }
        out.push(c);
    }
    out.push('"');
    out
}
