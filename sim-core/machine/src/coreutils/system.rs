//! What the system is and has: uname, uptime, df, du, free … and small helpers: seq, expr, which.

use super::options::{human, parse_or_tell};
use crate::process::Ctx;

pub fn clear(ctx: &mut Ctx<'_>, _: &[String]) -> i32 {
    ctx.out("\x1b[H\x1b[2J\x1b[3J");
    0
}

pub fn tty(ctx: &mut Ctx<'_>, _: &[String]) -> i32 {
    match ctx.machine.fd_tty(ctx.pid, 0) {
        Some(tty) => {
            ctx.out(&format!("/dev/pts/{}\n", tty.0));
            0
        }
        None => {
            ctx.out("not a tty\n");
            1
        }
    }
}

pub fn test(ctx: &mut Ctx<'_>, args: &[String]) -> i32 {
    match crate::shell::test(ctx, args) {
        Ok(yes) => i32::from(!yes),
        Err(message) => {
            ctx.err(&format!("test: {message}\n"));
            2
        }
    }
}

pub fn printenv(ctx: &mut Ctx<'_>, args: &[String]) -> i32 {
    if args.is_empty() {
        let env = ctx.machine.process(ctx.pid).map(|p| p.env.clone()).unwrap_or_default();
        for (name, value) in env.iter() {
            ctx.out(&format!("{name}={value}\n"));
        }
        return 0;
    }
    let mut code = 0;
    for name in args {
        match ctx.env(name) {
            Some(value) => ctx.out(&format!("{value}\n")),
            None => code = 1,
        }
    }
    code
}

pub fn which(ctx: &mut Ctx<'_>, args: &[String]) -> i32 {
    let mut code = 0;
    let path = ctx.env("PATH");
    for name in args.iter().filter(|a| !a.starts_with('-')) {
        match ctx.machine.find_program(&ctx.cred(), path.as_deref(), &ctx.cwd(), name) {
            Ok(file) => ctx.out(&format!("{file}\n")),
            Err(_) => {
                if ctx.machine.personality.sh == crate::machine::ShellKind::Bash {
                    let dirs = path.clone().unwrap_or_default();
                    ctx.err(&format!("which: no {name} in ({dirs})\n"));
                }
                code = 1;
            }
        }
    }
    code
}

pub fn hostname(ctx: &mut Ctx<'_>, args: &[String]) -> i32 {
    match args.first().map(String::as_str) {
        Some("-i" | "-I") => {
            let (id, name) = (ctx.machine.id.clone(), ctx.machine.hostname.clone());
            let address = ctx.host.resolve(&id, &name).ok().and_then(|a| a.into_iter().next());
            ctx.out(&format!("{}\n", address.unwrap_or_else(|| "127.0.1.1".into())));
        }
        Some(a) if !a.starts_with('-') => {
            if ctx.cred().uid != 0 {
                ctx.err("hostname: you must be root to change the host name\n");
                return 1;
            }
            ctx.machine.hostname = a.to_owned();
        }
        _ => {
            let name = ctx.machine.hostname.clone();
            ctx.out(&format!("{name}\n"));
        }
    }
    0
}

pub fn uname(ctx: &mut Ctx<'_>, args: &[String]) -> i32 {
    let Some(o) =
        parse_or_tell(ctx, "uname", args, "asnrvmpio", &[("all", 'a'), ("kernel-release", 'r'), ("machine", 'm')])
    else {
        return 1;
    };
    let (host, kernel) = (ctx.machine.hostname.clone(), ctx.machine.kernel);
    let all = o.has('a');
    let none = !"asnrvmpio".chars().any(|c| o.has(c));
    let mut out = Vec::new();
    for (c, text) in [
        ('s', "Linux"),
        ('n', host.as_str()),
        ('r', kernel),
        ('v', "#1 SMP PREEMPT_DYNAMIC"),
        ('m', "x86_64"),
        ('o', "GNU/Linux"),
    ] {
        if all || o.has(c) || none && c == 's' {
            out.push(text);
        }
    }
    ctx.out(&format!("{}\n", out.join(" ")));
    0
}

/// `up 1:02`.
pub fn up(ctx: &Ctx<'_>) -> String {
    let secs = ctx.now().since(ctx.machine.booted).as_secs();
    let (days, hours, minutes) = (secs / 86_400, secs / 3600 % 24, secs / 60 % 60);
    let time = if hours > 0 { format!("{hours:>2}:{minutes:02}") } else { format!("{minutes} min") };
    match days {
        0 => format!("up {time}"),
        1 => format!("up 1 day, {time}"),
        n => format!("up {n} days, {time}"),
    }
}

pub fn uptime(ctx: &mut Ctx<'_>, _: &[String]) -> i32 {
    let clock = super::date::format(ctx.now(), "%H:%M:%S");
    let up = up(ctx);
    ctx.out(&format!(" {clock} {up},  1 user,  load average: 0.00, 0.00, 0.00\n"));
    0
}

pub fn nproc(ctx: &mut Ctx<'_>, _: &[String]) -> i32 {
    let n = ctx.machine.cpus;
    ctx.out(&format!("{n}\n"));
    0
}

pub fn free(ctx: &mut Ctx<'_>, args: &[String]) -> i32 {
    let Some(o) = parse_or_tell(ctx, "free", args, "hmgkb", &[]) else { return 1 };
    let total = ctx.machine.memory_bytes;
    let used = total / 4;
    let show = |n: u64| match o.last_of("hmgkb") {
        Some('h') => human(n) + "i",
        Some('m') => (n >> 20).to_string(),
        Some('g') => (n >> 30).to_string(),
        Some('b') => n.to_string(),
        _ => (n >> 10).to_string(),
    };
    let row = |name: &str, cells: &[u64]| {
        let cells: Vec<String> = cells.iter().map(|c| format!("{:>12}", show(*c))).collect();
        format!("{name:<8}{}\n", cells.join(""))
    };
    let head = "               total        used        free      shared  buff/cache   available\n";
    let memory = row("Mem:", &[total, used, total / 2, 0, total / 4, total - used]);
    ctx.out(&format!("{head}{memory}{}", row("Swap:", &[0, 0, 0])));
    0
}

pub fn df(ctx: &mut Ctx<'_>, args: &[String]) -> i32 {
    let Some(o) = parse_or_tell(ctx, "df", args, "hkTaPm", &[("human-readable", 'h')]) else { return 1 };
    let mut rows = vec![("overlay".to_owned(), ctx.machine.fs.root.limit, ctx.machine.fs.root.used(), "/".to_owned())];
    for m in ctx.machine.fs.mounts() {
        if let Some(v) = ctx.machine.fs.volume(&m.volume) {
            rows.push((m.volume.clone(), v.limit, v.used(), m.point()));
        }
    }
    let show = |n: u64| if o.has('h') { human(n) } else { n.div_ceil(1024).to_string() };
    let head = if o.has('h') { "Size" } else { "1K-blocks" };
    let mut text = format!(
        "{:<15} {head:>9} {:>8} {:>9} {:>4} Mounted on\n",
        "Filesystem",
        "Used",
        if o.has('h') { "Avail" } else { "Available" },
        "Use%"
    );
    for (name, limit, used, at) in rows {
        let percent = (used * 100).div_ceil(limit.max(1));
        text.push_str(&format!(
            "{name:<15} {:>9} {:>8} {:>9} {percent:>3}% {at}\n",
            show(limit),
            show(used),
            show(limit - used.min(limit))
        ));
    }
    ctx.out(&text);
    0
}

pub fn du(ctx: &mut Ctx<'_>, args: &[String]) -> i32 {
    let long = [("summarize", 's'), ("human-readable", 'h'), ("all", 'a')];
    let Some(o) = parse_or_tell(ctx, "du", args, "shackbmd:", &long) else { return 1 };
    let names = if o.operands.is_empty() { vec![".".to_owned()] } else { o.operands.clone() };
    let mut code = 0;
    for name in names {
        match ctx.machine.fs.lstat(&ctx.cred(), &ctx.full(&name)) {
            Ok(_) => {
                let mut lines = Vec::new();
                let total = usage(ctx, &name, o.has('a'), &mut lines, 0);
                if o.has('s') {
                    lines = vec![(total, name.clone())];
                }
                for (bytes, path) in lines {
                    let size = if o.has('h') { human(bytes) } else { (bytes / 1024).to_string() };
                    ctx.out(&format!("{size}\t{path}\n"));
                }
            }
            Err(e) => {
                ctx.err(&format!("du: cannot access '{name}': {}\n", e.message()));
                code = 1;
            }
        }
    }
    code
}

fn usage(ctx: &mut Ctx<'_>, path: &str, all: bool, lines: &mut Vec<(u64, String)>, depth: u32) -> u64 {
    let Ok(stat) = ctx.machine.fs.lstat(&ctx.cred(), &ctx.full(path)) else { return 0 };
    let mut total = stat.size.div_ceil(4096) * 4096;
    if stat.is_dir() && depth < 32 {
        for name in ctx.list_dir(path).unwrap_or_default() {
            total += usage(ctx, &format!("{}/{name}", path.trim_end_matches('/')), all, lines, depth + 1);
        }
    }
    if stat.is_dir() || all || depth == 0 {
        lines.push((total, path.to_owned()));
    }
    total
}

pub fn seq(ctx: &mut Ctx<'_>, args: &[String]) -> i32 {
    let mut separator = "\n".to_owned();
    let mut equal_width = false;
    let mut numbers = Vec::new();
    let mut rest = args.iter();
    while let Some(a) = rest.next() {
        match a.as_str() {
            "-w" => equal_width = true,
            "-s" => separator = rest.next().cloned().unwrap_or_default(),
            a if a.starts_with("-s") => separator = a[2..].to_owned(),
            a => match a.parse::<f64>() {
                Ok(n) if n.is_finite() => numbers.push((n, a.to_owned())),
                _ => {
                    ctx.err(&format!(
                        "seq: invalid floating point argument: ‘{a}’\nTry 'seq --help' for more information.\n"
                    ));
                    return 1;
                }
            },
        }
    }
    let (from, step, to) = match numbers.as_slice() {
        [to] => (1.0, 1.0, to.0),
        [from, to] => (from.0, 1.0, to.0),
        [from, step, to] => (from.0, step.0, to.0),
        _ => {
            ctx.err("seq: missing operand\nTry 'seq --help' for more information.\n");
            return 1;
        }
    };
    if step == 0.0 {
        ctx.err(&format!(
            "seq: invalid Zero increment value: ‘{}’\nTry 'seq --help' for more information.\n",
            numbers[1].1
        ));
        return 1;
    }
    let places = numbers.iter().map(|n| n.1.split_once('.').map_or(0, |(_, f)| f.len())).max().unwrap_or(0);
    let count = ((to - from) / step + 1e-9).floor();
    let mut items = Vec::new();
    if count >= 0.0 {
        for i in 0..=(count.min(100_000.0) as u64) {
            items.push(format!("{:.places$}", from + i as f64 * step));
        }
    }
    if equal_width {
        let width = items.iter().map(String::len).max().unwrap_or(0);
        items.iter_mut().for_each(|i| *i = format!("{i:0>width$}"));
    }
    if !items.is_empty() {
        ctx.out(&format!("{}\n", items.join(&separator)));
    }
    0
}

/// A small `expr`: two operands and an operator, or a chain from left to right.
pub fn expr(ctx: &mut Ctx<'_>, args: &[String]) -> i32 {
    let fail = |ctx: &mut Ctx<'_>, text: &str| {
        ctx.err(&format!("expr: {text}\n"));
        2
    };
    if let [word, text] = args
        && word == "length"
    {
        ctx.out(&format!("{}\n", text.chars().count()));
        return 0;
    }
    let Some(first) = args.first() else {
        return fail(ctx, "missing operand\nTry 'expr --help' for more information.");
    };
    let mut value = first.clone();
    let mut rest = &args[1..];
    while let [op, right, tail @ ..] = rest {
        let numbers = value.parse::<i64>().ok().zip(right.parse::<i64>().ok());
        value = match (op.as_str(), numbers) {
            ("+", Some((a, b))) => a.wrapping_add(b).to_string(),
            ("-", Some((a, b))) => a.wrapping_sub(b).to_string(),
            ("*", Some((a, b))) => a.wrapping_mul(b).to_string(),
            ("/" | "%", Some((_, 0))) => return fail(ctx, "division by zero"),
            ("/", Some((a, b))) => a.wrapping_div(b).to_string(),
            ("%", Some((a, b))) => a.wrapping_rem(b).to_string(),
            ("+" | "-" | "*" | "/" | "%", None) => return fail(ctx, "non-integer argument"),
            ("=", _) => i32::from(value == *right).to_string(),
            ("!=", _) => i32::from(value != *right).to_string(),
            ("<" | "<=" | ">" | ">=", n) => {
                let order = n.map_or_else(|| value.cmp(right), |(a, b)| a.cmp(&b));
                let yes = match op.as_str() {
                    "<" => order.is_lt(),
                    "<=" => order.is_le(),
                    ">" => order.is_gt(),
                    _ => order.is_ge(),
                };
                i32::from(yes).to_string()
            }
            ("|", _) => {
                if value.is_empty() || value == "0" {
                    right.clone()
                } else {
                    value
                }
            }
            ("&", _) => {
                if value.is_empty() || value == "0" || right == "0" {
                    "0".into()
                } else {
                    value
                }
            }
            (":", _) => {
                let Ok(re) = crate::regex::Regex::new(&format!("^{right}"), crate::regex::Syntax::Basic, false) else {
                    return fail(ctx, "Invalid regular expression");
                };
                let chars: Vec<char> = value.chars().collect();
                match re.find(&chars, 0) {
                    Some(c) if c.len() > 1 => c[1].map(|(a, b)| chars[a..b].iter().collect()).unwrap_or_default(),
                    Some(c) => c[0].map_or(0, |(a, b)| b - a).to_string(),
                    None => "0".into(),
                }
            }
            _ => return fail(ctx, &format!("syntax error: unexpected argument ‘{op}’")),
        };
        rest = tail;
    }
    if let [extra, ..] = rest {
        return fail(ctx, &format!("syntax error: unexpected argument ‘{extra}’"));
    }
    ctx.out(&format!("{value}\n"));
    i32::from(value.is_empty() || value == "0")
}
