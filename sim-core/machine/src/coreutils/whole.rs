//! Tools that need their whole input before they print: sort, tac, wc, nl.

use super::options::{self, Options};
use crate::process::{Ctx, Input, Process, Step, Wake};
use apimachinery::order::Order as _;

/// Whether a tool reads standard input: no file named, or `-` among them.
pub fn reads_standard_input(args: &[String]) -> bool {
    let mut value_follows = false;
    let mut files = 0;
    for a in args {
        if core::mem::take(&mut value_follows) {
            continue;
        }
        match a.as_str() {
            "-" => return true,
            "-k" | "-t" | "-o" | "-w" | "-b" | "-s" => value_follows = true,
            a if a.starts_with('-') => {}
            _ => files += 1,
        }
    }
    files == 0
}

#[derive(Clone)]
pub struct WholeProcess {
    pub run: fn(&mut Ctx<'_>, &[String], &[u8]) -> i32,
    pub args: Vec<String>,
    /// None: standard input is not read.
    pub input: Option<Vec<u8>>,
    pub bytes: Vec<u8>,
}

impl Process for WholeProcess {
    fn step(&mut self, ctx: &mut Ctx<'_>) -> Step {
        while let Some(input) = &mut self.input {
            match ctx.read() {
                Input::Data(more) => input.extend(more),
                Input::Pending => return Step::Wait(Wake::Input),
                Input::Eof => self.bytes = self.input.take().unwrap_or_default(),
            }
        }
        Step::Exit((self.run)(ctx, &self.args, &self.bytes))
    }
}

/// The contents of the operands (or of standard input), errors told; with each input's name.
pub fn contents(ctx: &mut Ctx<'_>, tool: &str, o: &Options, input: &[u8], code: &mut i32) -> Vec<(String, Vec<u8>)> {
    if o.operands.is_empty() {
        return vec![(String::new(), input.to_vec())];
    }
    let mut out = Vec::new();
    for name in &o.operands {
        if name == "-" {
            out.push((name.clone(), input.to_vec()));
            continue;
        }
        match ctx.read_file(name) {
            Ok(bytes) => out.push((name.clone(), bytes)),
            Err(e) => {
                let text = match tool {
                    "sort" => format!("sort: cannot read: {name}: {}\n", e.message()),
                    "tac" => format!("tac: failed to open '{name}' for reading: {}\n", e.message()),
                    _ => format!("{tool}: {name}: {}\n", e.message()),
                };
                ctx.err(&text);
                *code = if tool == "sort" { 2 } else { 1 };
            }
        }
    }
    out
}

fn text_of(all: &[(String, Vec<u8>)]) -> String {
    all.iter().map(|(_, b)| String::from_utf8_lossy(b).into_owned()).collect()
}

pub fn tac(ctx: &mut Ctx<'_>, args: &[String], input: &[u8]) -> i32 {
    let mut code = 0;
    let Some(o) = options::parse_or_tell(ctx, "tac", args, "", &[]) else { return 1 };
    for (_, bytes) in contents(ctx, "tac", &o, input, &mut code) {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        for line in text.split_inclusive('\n').rev() {
            ctx.out(line);
        }
    }
    code
}

pub fn nl(ctx: &mut Ctx<'_>, args: &[String], input: &[u8]) -> i32 {
    let mut code = 0;
    let Some(o) = options::parse_or_tell(ctx, "nl", args, "b:w:s:", &[]) else { return 1 };
    let all = o.value('b') == Some("a");
    let width = o.value('w').and_then(|w| w.parse().ok()).unwrap_or(6usize);
    let gap = o.value('s').unwrap_or("\t").to_owned();
    let text = text_of(&contents(ctx, "nl", &o, input, &mut code));
    let mut n = 0;
    for line in text.lines() {
        if line.is_empty() && !all {
            ctx.out(&format!("{:width$}{}\n", "", " ".repeat(gap.len())));
        } else {
            n += 1;
            ctx.out(&format!("{n:>width$}{gap}{line}\n"));
        }
    }
    code
}

pub fn wc(ctx: &mut Ctx<'_>, args: &[String], input: &[u8]) -> i32 {
    let long = [("lines", 'l'), ("words", 'w'), ("bytes", 'c'), ("chars", 'm')];
    let Some(o) = options::parse_or_tell(ctx, "wc", args, "lwcmL", &long) else { return 1 };
    let mut code = 0;
    let all = contents(ctx, "wc", &o, input, &mut code);
    let default = !"lwcmL".chars().any(|c| o.has(c));
    let mut rows = Vec::new();
    let mut total = [0usize; 5];
    for (name, bytes) in &all {
        let text = String::from_utf8_lossy(bytes);
        let counts = [
            bytes.iter().filter(|b| **b == b'\n').count(),
            text.split_whitespace().count(),
            text.chars().count(),
            bytes.len(),
            text.lines().map(|l| l.chars().count()).max().unwrap_or(0),
        ];
        counts.iter().zip(total.iter_mut()).for_each(|(c, t)| *t += c);
        rows.push((name.clone(), counts));
    }
    if o.operands.len() > 1 {
        rows.push(("total".into(), total));
    }
    let shown: Vec<usize> = [('l', 0), ('w', 1), ('m', 2), ('c', 3), ('L', 4)]
        .into_iter()
        .filter(|(c, _)| o.has(*c) || default && "lwc".contains(*c))
        .map(|(_, i)| i)
        .collect();
    // One number of one input stands alone; otherwise columns are as wide as the largest number needs.
    let widest = total.iter().max().map_or(1, |n| n.to_string().len());
    let width = match (shown.len(), rows.len()) {
        (1, 1) => 1,
        _ if o.operands.is_empty() || o.operands.iter().any(|n| n == "-") => 7.max(widest),
        _ => widest,
    };
    for (name, counts) in rows {
        let cells: Vec<String> = shown.iter().map(|i| format!("{:>width$}", counts[*i])).collect();
        let line = cells.join(" ");
        ctx.out(&if name.is_empty() { format!("{line}\n") } else { format!("{line} {name}\n") });
    }
    code
}

/// A key of `sort -k`: first and last field (and character), with its own letters.
struct Key {
    from: (usize, usize),
    to: Option<(usize, usize)>,
    flags: String,
}

fn key(text: &str) -> Option<Key> {
    let (from, to) = text.split_once(',').map_or((text, None), |(f, t)| (f, Some(t)));
    let mut flags = String::new();
    let mut place = |t: &str| -> Option<(usize, usize)> {
        let end = t.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(t.len());
        flags.push_str(&t[end..]);
        let (field, char) = t[..end].split_once('.').map_or((&t[..end], None), |(f, c)| (f, Some(c)));
        Some((field.parse().ok()?, char.and_then(|c| c.parse().ok()).unwrap_or(0)))
    };
    let (from, to) = (
        place(from)?,
        match to {
            Some(t) => Some(place(t)?),
            None => None,
        },
    );
    Some(Key { from, to, flags })
}

impl Key {
    fn of(&self, line: &str, separator: Option<char>) -> String {
        let fields: Vec<&str> = match separator {
            Some(s) => line.split(s).collect(),
            None => {
                // A field begins with the blanks before it.
                let mut out = Vec::new();
                let (mut start, mut in_word) = (0, false);
                for (i, c) in line.char_indices() {
                    if c.is_whitespace() && in_word {
                        out.push(&line[start..i]);
                        start = i;
                        in_word = false;
                    } else if !c.is_whitespace() {
                        in_word = true;
                    }
                }
                out.push(&line[start..]);
                out
            }
        };
        let first = self.from.0.saturating_sub(1);
        let last = self.to.map_or(fields.len(), |t| t.0).min(fields.len());
        if first >= last {
            return String::new();
        }
        let glue = separator.map(String::from).unwrap_or_default();
        let text = fields[first..last].join(&glue);
        let skip = self.from.1.saturating_sub(1);
        text.chars().skip(skip).collect()
    }
}

fn number(text: &str) -> f64 {
    let t = text.trim_start();
    let end = t
        .char_indices()
        .find(|(i, c)| !(c.is_ascii_digit() || *c == '.' || *c == '-' && *i == 0))
        .map_or(t.len(), |(i, _)| i);
    t[..end].parse().unwrap_or(0.0)
}

fn human_number(text: &str) -> f64 {
    let t = text.trim();
    let scale = match t.chars().last() {
        Some('K' | 'k') => 1e3,
        Some('M') => 1e6,
        Some('G') => 1e9,
        Some('T') => 1e12,
        _ => 1.0,
    };
    number(t) * scale
}

fn compare(a: &str, b: &str, flags: &str) -> core::cmp::Ordering {
    let order = if flags.contains('n') {
        number(a).total_cmp(&number(b))
    } else if flags.contains('h') {
        human_number(a).total_cmp(&human_number(b))
    } else if flags.contains('V') {
        version(a).cmp(&version(b))
    } else {
        let clean = |s: &str| {
            let s = if flags.contains('b') { s.trim_start() } else { s };
            if flags.contains('f') { s.to_uppercase() } else { s.to_owned() }
        };
        clean(a).cmp(&clean(b))
    };
    if flags.contains('r') { order.reverse() } else { order }
}

/// Text and numbers in turn, for `-V`.
fn version(text: &str) -> Vec<(String, u64)> {
    let mut out = vec![(String::new(), 0u64)];
    let mut digits = false;
    for c in text.chars() {
        if let Some(d) = c.to_digit(10) {
            digits = true;
            if let Some(last) = out.last_mut() {
                last.1 = last.1.saturating_mul(10).saturating_add(u64::from(d));
            }
        } else {
            if core::mem::take(&mut digits) {
                out.push((String::new(), 0));
            }
            if let Some(last) = out.last_mut() {
                last.0.push(c);
            }
        }
    }
    out
}

pub fn sort(ctx: &mut Ctx<'_>, args: &[String], input: &[u8]) -> i32 {
    let long = [
        ("reverse", 'r'),
        ("unique", 'u'),
        ("numeric-sort", 'n'),
        ("key", 'k'),
        ("field-separator", 't'),
        ("output", 'o'),
        ("human-numeric-sort", 'h'),
    ];
    let Some(o) = options::parse_or_tell(ctx, "sort", args, "nruk:t:hfbo:sVgcdi", &long) else { return 2 };
    let mut code = 0;
    let all = contents(ctx, "sort", &o, input, &mut code);
    if code != 0 {
        return code;
    }
    let mut text = String::new();
    for (_, bytes) in &all {
        text.push_str(&String::from_utf8_lossy(bytes));
        if !text.is_empty() && !text.ends_with('\n') {
            text.push('\n');
        }
    }
    let separator = o.value('t').and_then(|t| if t == "\\t" { Some('\t') } else { t.chars().next() });
    let global: String = "nrhfbV".chars().filter(|c| o.has(*c)).collect::<String>() + if o.has('g') { "n" } else { "" };
    let mut keys = Vec::new();
    for spec in o.values('k') {
        match key(spec) {
            Some(k) => keys.push(k),
            None => {
                let message = format!("sort: invalid number at field start: invalid count at start of '{spec}'\n");
                ctx.err(&message);
                return 2;
            }
        }
    }
    let by_keys = |a: &str, b: &str| {
        for k in &keys {
            let flags = if k.flags.is_empty() { global.as_str() } else { &k.flags };
            let order = compare(&k.of(a, separator), &k.of(b, separator), flags);
            if order.is_ne() {
                return order;
            }
        }
        if keys.is_empty() { compare(a, b, &global) } else { core::cmp::Ordering::Equal }
    };
    let mut lines: Vec<&str> = text.lines().collect();
    let stable = o.has('s') || o.has('u');
    let last_resort = |a: &str, b: &str| match (stable, o.has('r')) {
        (true, _) => core::cmp::Ordering::Equal,
        (_, true) => b.cmp(a),
        _ => a.cmp(b),
    };
    if o.has('c') {
        for pair in lines.windows(2) {
            if by_keys(pair[0], pair[1]).is_gt() {
                ctx.err(&format!("sort: -: disorder: {}\n", pair[1]));
                return 1;
            }
        }
        return 0;
    }
    lines.order_by(|a, b| by_keys(a, b).then_with(|| last_resort(a, b)));
    if o.has('u') {
        lines.dedup_by(|a, b| by_keys(a, b).is_eq());
    }
    let out: String = lines.iter().flat_map(|l| [*l, "\n"]).collect();
    match o.value('o') {
        Some(file) => {
            if let Err(e) = ctx.write_file(file, out.as_bytes()) {
                ctx.err(&format!("sort: open failed: {file}: {}\n", e.message()));
                return 2;
            }
        }
        None => ctx.out(&out),
    }
    0
}
