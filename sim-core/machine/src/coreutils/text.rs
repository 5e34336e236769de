//! Tools that change lines as they pass: cut, tr, uniq, rev.

use super::options;
use super::stream::{Failing, Filter, Flow, Stream, failing};
use crate::process::{Ctx, Input, Process, Step, Wake};
use crate::regex::class;

#[derive(Clone)]
struct Cut {
    fields: bool,
    ranges: Vec<(usize, usize)>,
    delimiter: char,
    joined_by: String,
    only_delimited: bool,
}

/// `1,3-5,7-`.
fn ranges(text: &str) -> Option<Vec<(usize, usize)>> {
    text.split(',')
        .map(|part| match part.split_once('-') {
            None => part.parse().ok().filter(|n| *n > 0).map(|n| (n, n)),
            Some((a, b)) => {
                let from = if a.is_empty() { 1 } else { a.parse().ok()? };
                let to = if b.is_empty() { usize::MAX } else { b.parse().ok()? };
                (from > 0 && from <= to).then_some((from, to))
            }
        })
        .collect()
}

pub fn cut(args: Vec<String>) -> Box<dyn Process> {
    let long = [
        ("fields", 'f'),
        ("delimiter", 'd'),
        ("characters", 'c'),
        ("bytes", 'b'),
        ("output-delimiter", 'o'),
        ("only-delimited", 's'),
    ];
    let o = match options::parse(&args, "f:d:c:b:so:", &long) {
        Ok(o) => o,
        Err(e) => return failing("cut", &e, 1),
    };
    let Some(which) = o.last_of("fcb") else {
        return failing("cut", "you must specify a list of bytes, characters, or fields", 1);
    };
    let Some(ranges) = o.value(which).and_then(ranges) else { return failing("cut", "invalid field range", 1) };
    let delimiter = o.value('d').unwrap_or("\t");
    let mut chars = delimiter.chars();
    let (Some(c), None) = (chars.next(), chars.next()) else {
        return failing("cut", "the delimiter must be a single character", 1);
    };
    let joined_by =
        o.value('o').map_or_else(|| if which == 'f' { c.to_string() } else { String::new() }, str::to_owned);
    let cut = Cut { fields: which == 'f', ranges, delimiter: c, joined_by, only_delimited: o.has('s') };
    Stream::start("cut", o.operands, Box::new(cut))
}

impl Filter for Cut {
    fn line(&mut self, ctx: &mut Ctx<'_>, line: &str, _: bool) -> Flow {
        let wanted = |i: &usize| self.ranges.iter().any(|(a, b)| (a..=b).contains(&i));
        if self.fields {
            if !line.contains(self.delimiter) {
                if !self.only_delimited {
                    ctx.out(&format!("{line}\n"));
                }
                return Flow::Go;
            }
            let fields: Vec<&str> =
                line.split(self.delimiter).enumerate().filter(|(i, _)| wanted(&(i + 1))).map(|f| f.1).collect();
            ctx.out(&format!("{}\n", fields.join(&self.joined_by)));
        } else {
            let text: String = line.chars().enumerate().filter(|(i, _)| wanted(&(i + 1))).map(|c| c.1).collect();
            ctx.out(&format!("{text}\n"));
        }
        Flow::Go
    }

    fn finish(&mut self, _: &mut Ctx<'_>, failed: bool) -> i32 {
        i32::from(failed)
    }
}

#[derive(Clone)]
struct Rev;

pub fn rev(args: Vec<String>) -> Box<dyn Process> {
    Stream::start("rev", args, Box::new(Rev))
}

impl Filter for Rev {
    fn line(&mut self, ctx: &mut Ctx<'_>, line: &str, _: bool) -> Flow {
        let text: String = line.chars().rev().collect();
        ctx.out(&format!("{text}\n"));
        Flow::Go
    }

    fn finish(&mut self, _: &mut Ctx<'_>, failed: bool) -> i32 {
        i32::from(failed)
    }
}

#[derive(Clone)]
struct Uniq {
    count: bool,
    repeated: bool,
    unique: bool,
    ignore_case: bool,
    skip_fields: usize,
    last: Option<(String, u64)>,
}

pub fn uniq(args: Vec<String>) -> Box<dyn Process> {
    let long = [("count", 'c'), ("repeated", 'd'), ("unique", 'u'), ("ignore-case", 'i')];
    let o = match options::parse(&args, "cduif:", &long) {
        Ok(o) => o,
        Err(e) => return failing("uniq", &e, 1),
    };
    let skip_fields = o.value('f').and_then(|v| v.parse().ok()).unwrap_or(0);
    let uniq = Uniq {
        count: o.has('c'),
        repeated: o.has('d'),
        unique: o.has('u'),
        ignore_case: o.has('i'),
        skip_fields,
        last: None,
    };
    Stream::start("uniq", o.operands.into_iter().take(1).collect(), Box::new(uniq))
}

impl Uniq {
    fn flush(&mut self, ctx: &mut Ctx<'_>) {
        let Some((line, n)) = self.last.take() else { return };
        if self.repeated && n < 2 || self.unique && n > 1 {
            return;
        }
        ctx.out(&if self.count { format!("{n:>7} {line}\n") } else { format!("{line}\n") });
    }

    fn key(&self, line: &str) -> String {
        let text: Vec<&str> = line.split_whitespace().skip(self.skip_fields).collect();
        let text = if self.skip_fields > 0 { text.join(" ") } else { line.to_owned() };
        if self.ignore_case { text.to_lowercase() } else { text }
    }
}

impl Filter for Uniq {
    fn line(&mut self, ctx: &mut Ctx<'_>, line: &str, _: bool) -> Flow {
        let same = self.last.as_ref().is_some_and(|(l, _)| self.key(l) == self.key(line));
        match &mut self.last {
            Some((_, n)) if same => *n += 1,
            _ => {
                self.flush(ctx);
                self.last = Some((line.to_owned(), 1));
            }
        }
        Flow::Go
    }

    fn finish(&mut self, ctx: &mut Ctx<'_>, failed: bool) -> i32 {
        self.flush(ctx);
        i32::from(failed)
    }
}

#[derive(Clone)]
struct Tr {
    from: Vec<char>,
    to: Vec<char>,
    complement: bool,
    delete: bool,
    squeeze: Option<Vec<char>>,
    last: Option<char>,
    partial: Vec<u8>,
}

/// The characters of `a-z`, `[:digit:]`, `\n` …
fn set(text: &str) -> Vec<char> {
    let raw: Vec<char> = String::from_utf8_lossy(&super::escapes::unescape(text, false).0).chars().collect();
    let mut out = Vec::new();
    let mut i = 0;
    while i < raw.len() {
        let rest: String = raw[i..].iter().take(12).collect();
        if let Some((name, _)) = rest.strip_prefix("[:").and_then(|r| r.split_once(":]"))
            && let Some(test) = class(name)
        {
            out.extend((0u8..128).map(char::from).filter(|c| test(*c)));
            i += name.len() + 4;
        } else if raw.get(i + 1) == Some(&'-') && i + 2 < raw.len() {
            out.extend((raw[i]..=raw[i + 2]).take(4096));
            i += 3;
        } else {
            out.push(raw[i]);
            i += 1;
        }
    }
    out
}

pub fn tr(args: Vec<String>) -> Box<dyn Process> {
    let long = [("delete", 'd'), ("squeeze-repeats", 's'), ("complement", 'c')];
    let o = match options::parse(&args, "dscCt", &long) {
        Ok(o) => o,
        Err(e) => return failing("tr", &e, 1),
    };
    let (delete, squeeze) = (o.has('d'), o.has('s'));
    let needed = if delete != squeeze { 1 } else { 2 };
    if o.operands.len() < needed {
        let message = match o.operands.last() {
            None => "missing operand".to_owned(),
            Some(last) => format!("missing operand after ‘{last}’"),
        };
        return failing("tr", &message, 1);
    }
    if delete && !squeeze && o.operands.len() > 1 {
        let message = format!("extra operand ‘{}’", o.operands[1]);
        return Box::new(Failing { message: format!("tr: {message}\n"), code: 1 });
    }
    let sets: Vec<Vec<char>> = o.operands.iter().map(|t| set(t)).collect();
    Box::new(Tr {
        squeeze: squeeze.then(|| sets.last().cloned().unwrap_or_default()),
        from: sets[0].clone(),
        to: if delete { Vec::new() } else { sets.get(1).cloned().unwrap_or_default() },
        complement: o.has('c') || o.has('C'),
        delete,
        last: None,
        partial: Vec::new(),
    })
}

impl Tr {
    fn change(&mut self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        for c in text.chars() {
            let place = self.from.iter().rposition(|f| *f == c);
            let hit = place.is_some() != self.complement;
            let mut c = c;
            if hit && self.delete {
                continue;
            }
            if hit && !self.to.is_empty() {
                let i = if self.complement { usize::MAX } else { place.unwrap_or(0) };
                c = self.to[i.min(self.to.len() - 1)];
            }
            let squeezes = self.squeeze.as_ref().is_some_and(|s| {
                let listed = s.contains(&c);
                if self.complement && self.to.is_empty() && !self.delete { !listed } else { listed }
            });
            if squeezes && self.last == Some(c) {
                continue;
            }
            self.last = Some(c);
            out.push(c);
        }
        out
    }
}

impl Process for Tr {
    fn step(&mut self, ctx: &mut Ctx<'_>) -> Step {
        match ctx.read() {
            Input::Pending => Step::Wait(Wake::Input),
            Input::Eof => Step::Exit(0),
            Input::Data(bytes) => {
                self.partial.extend(bytes);
                let whole = match core::str::from_utf8(&self.partial) {
                    Ok(_) => self.partial.len(),
                    Err(e) if e.error_len().is_none() => e.valid_up_to(),
                    Err(_) => self.partial.len(),
                };
                let head: Vec<u8> = self.partial.drain(..whole).collect();
                let text = self.change(&String::from_utf8_lossy(&head));
                ctx.out(&text);
                Step::Again
            }
        }
    }
}
