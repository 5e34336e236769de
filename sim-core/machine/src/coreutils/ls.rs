//! `ls`.

use super::options::{self, Options};
use crate::fs::{Kind, Stat};
use crate::machine::Tools;
use crate::process::Ctx;
use crate::shell::line_editor::width;
use crate::shell::vars::collate;
use apimachinery::order::Order as _;

const DEPTH_MAX: u32 = 32;

pub fn run(ctx: &mut Ctx<'_>, args: &[String]) -> i32 {
    let long = [
        ("all", 'a'),
        ("almost-all", 'A'),
        ("recursive", 'R'),
        ("reverse", 'r'),
        ("human-readable", 'h'),
        ("directory", 'd'),
        ("color", '.'),
    ];
    let Some(mut o) = options::parse_or_tell(ctx, "ls", args, "alA1RhdrtSFpinGgoCsXU.", &long) else { return 2 };
    if o.operands.is_empty() {
        o.operands.push(".".into());
    }
    let (mut files, mut dirs, mut code) = (Vec::new(), Vec::new(), 0);
    let cred = ctx.cred();
    for name in o.operands.clone() {
        let full = ctx.full(&name);
        let deep = !o.has('l') || name.ends_with('/');
        let stat = ctx.machine.fs.lstat(&cred, &full).and_then(|s| {
            if s.kind == Kind::Link && deep { ctx.machine.fs.stat(&cred, &full).or(Ok(s)) } else { Ok(s) }
        });
        match stat {
            Ok(s) if s.is_dir() && !o.has('d') => dirs.push(name),
            Ok(s) => files.push((name, s)),
            Err(e) => {
                let text = match ctx.machine.personality.tools {
                    Tools::Gnu => format!("ls: cannot access '{name}': {}\n", e.message()),
                    Tools::Busybox => format!("ls: {name}: {}\n", e.message()),
                };
                ctx.err(&text);
                code = if ctx.machine.personality.tools == Tools::Gnu { 2 } else { 1 };
            }
        }
    }
    order(&mut files, &o);
    let many = dirs.len() + files.len() > 1 || o.has('R') || code != 0;
    let mut first = files.is_empty();
    show(ctx, "", &files, &o);
    dirs.order_by(|a, b| collate(a, b));
    for dir in dirs {
        list(ctx, &dir, &o, many, &mut first, &mut code, 0);
    }
    code
}

fn order(files: &mut [(String, Stat)], o: &Options) {
    if !o.has('U') {
        files.order_by(|a, b| match o.last_of("tS") {
            Some('t') => b.1.meta.mtime.cmp(&a.1.meta.mtime).then_with(|| collate(&a.0, &b.0)),
            Some(_) => b.1.size.cmp(&a.1.size).then_with(|| collate(&a.0, &b.0)),
            None => collate(&a.0, &b.0),
        });
    }
    if o.has('r') {
        files.reverse();
    }
}

fn list(ctx: &mut Ctx<'_>, dir: &str, o: &Options, many: bool, first: &mut bool, code: &mut i32, depth: u32) {
    let (cred, full) = (ctx.cred(), ctx.full(dir));
    let mut entries = match ctx.machine.fs.list(&cred, &full) {
        Ok(e) => e,
        Err(e) => {
            ctx.err(&format!("ls: cannot open directory '{dir}': {}\n", e.message()));
            *code = 2;
            return;
        }
    };
    if !o.has('a') && !o.has('A') {
        entries.retain(|e| !e.0.starts_with('.'));
    }
    order(&mut entries, o);
    if o.has('a') {
        let dots = [".", ".."]
            .into_iter()
            .filter_map(|d| Some((d.to_owned(), ctx.machine.fs.stat(&cred, &format!("{full}/{d}")).ok()?)));
        let dots: Vec<_> = dots.collect();
        entries.splice(0..0, dots);
    }
    if many {
        let gap = if *first { "" } else { "\n" };
        ctx.out(&format!("{gap}{dir}:\n"));
    }
    *first = false;
    if o.has('l') {
        let blocks: u64 =
            entries.iter().map(|e| if e.1.kind == Kind::Link { 0 } else { e.1.size.div_ceil(4096) * 4 }).sum();
        let blocks = if o.has('h') { options::human(blocks * 1024) } else { blocks.to_string() };
        ctx.out(&format!("total {blocks}\n"));
    }
    show(ctx, dir, &entries, o);
    if o.has('R') && depth < DEPTH_MAX {
        for (name, stat) in &entries {
            if stat.is_dir() && name != "." && name != ".." {
                list(ctx, &format!("{}/{name}", dir.trim_end_matches('/')), o, true, first, code, depth + 1);
            }
        }
    }
}

fn show(ctx: &mut Ctx<'_>, dir: &str, entries: &[(String, Stat)], o: &Options) {
    if entries.is_empty() {
        return;
    }
    if o.has('l') || o.has('n') || o.has('g') || o.has('o') {
        return show_long(ctx, dir, entries, o);
    }
    let tty = ctx.is_tty(1);
    let names: Vec<(String, usize)> = entries.iter().map(|e| decorated(ctx, dir, e, o, tty)).collect();
    if !tty && !o.has('C') || o.has('1') {
        let text: String = names.iter().flat_map(|(n, _)| [n.as_str(), "\n"]).collect();
        return ctx.out(&text);
    }
    // As many columns as fit, filled downwards.
    let total = usize::from(ctx.term_size().0);
    let mut best = names.len();
    let mut widths = Vec::new();
    for rows in 1..=names.len() {
        widths = names.chunks(rows).map(|c| c.iter().map(|n| n.1).max().unwrap_or(0) + 2).collect::<Vec<usize>>();
        best = rows;
        if widths.iter().sum::<usize>() <= total + 2 {
            break;
        }
    }
    let mut text = String::new();
    for row in 0..best {
        let mut at = row;
        let mut column = 0;
        while at < names.len() {
            let (name, w) = &names[at];
            text.push_str(name);
            at += best;
            if at < names.len() {
                text.extend(core::iter::repeat_n(' ', widths[column] - w));
            }
            column += 1;
        }
        text.push('\n');
    }
    ctx.out(&text);
}

/// The name as shown, and its columns.
fn decorated(ctx: &Ctx<'_>, dir: &str, (name, stat): &(String, Stat), o: &Options, tty: bool) -> (String, usize) {
    let odd = |c: char| c.is_whitespace() || "'\"\\$&|;()<>*?[]#~`!".contains(c);
    let mut text = name.clone();
    if tty && name.contains(odd) && ctx.machine.personality.tools == Tools::Gnu {
        text = if name.contains('\'') { format!("\"{name}\"") } else { format!("'{name}'") };
    }
    let mut columns: usize = text.chars().map(width).sum();
    let exec = stat.kind == Kind::File && stat.meta.mode & 0o111 != 0;
    if tty {
        let broken = || {
            let path = if dir.is_empty() { ctx.full(name) } else { format!("{}/{name}", ctx.full(dir)) };
            ctx.machine.fs.stat(&ctx.cred(), &path).is_err()
        };
        let colour = match stat.kind {
            Kind::Dir if stat.meta.mode & 0o1002 == 0o1002 => "30;42",
            Kind::Dir => "1;34",
            Kind::Link if broken() => "1;31",
            Kind::Link => "1;36",
            Kind::Device => "1;33",
            Kind::File if exec => "1;32",
            Kind::File if [".tar", ".gz", ".zip", ".tgz"].iter().any(|e| name.ends_with(e)) => "1;31",
            Kind::File => "",
        };
        if !colour.is_empty() {
            text = format!("\x1b[{colour}m{text}\x1b[0m");
        }
    }
    let mark = match stat.kind {
        Kind::Dir if o.has('F') || o.has('p') => "/",
        Kind::Link if o.has('F') => "@",
        Kind::File if o.has('F') && exec => "*",
        _ => "",
    };
    columns += mark.len();
    (text + mark, columns)
}

fn show_long(ctx: &mut Ctx<'_>, dir: &str, entries: &[(String, Stat)], o: &Options) {
    let tty = ctx.is_tty(1);
    let now = ctx.now();
    let mut rows = Vec::new();
    for entry in entries {
        let (name, s) = entry;
        let (user, group) = if o.has('n') {
            (s.meta.uid.to_string(), s.meta.gid.to_string())
        } else {
            (super::users::name_of(ctx.machine, s.meta.uid), super::users::group_name(ctx.machine, s.meta.gid))
        };
        let size = match (s.kind, o.has('h')) {
            (Kind::Device, _) => "1, 3".into(),
            (_, true) => options::human(s.size),
            _ => s.size.to_string(),
        };
        let recent = now.secs() - s.meta.mtime.secs() < 15_778_476 && s.meta.mtime <= now;
        let time = super::date::format(s.meta.mtime, if recent { "%b %e %H:%M" } else { "%b %e  %Y" });
        let (mut shown, _) = decorated(ctx, dir, entry, o, tty);
        if s.kind == Kind::Link {
            let path = if dir.is_empty() { ctx.full(name) } else { format!("{}/{name}", ctx.full(dir)) };
            let target = ctx.machine.fs.read_link(&ctx.cred(), &path).unwrap_or_default();
            shown = format!("{} -> {target}", shown.trim_end_matches('@'));
        }
        let links = if s.is_dir() { "2" } else { "1" };
        rows.push([s.mode_string(), links.into(), user, group, size, time, shown]);
    }
    let wide = |i: usize| rows.iter().map(|r| r[i].chars().count()).max().unwrap_or(0);
    let (links, user, group, size) = (wide(1), wide(2), wide(3), wide(4));
    let mut text = String::new();
    for [mode, l, u, g, s, time, name] in &rows {
        let u = if o.has('g') { String::new() } else { format!("{u:<user$} ") };
        let g = if o.has('o') { String::new() } else { format!("{g:<group$} ") };
        text.push_str(&format!("{mode} {l:>links$} {u}{g}{s:>size$} {time} {name}\n"));
    }
    ctx.out(&text);
}
