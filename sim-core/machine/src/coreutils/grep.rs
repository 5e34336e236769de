//! `grep`: lines that match, as they come.

use super::options;
use super::stream::{Failing, Filter, Flow, Stream, failing};
use crate::process::{Ctx, Process, Step};
use crate::regex::{Regex, Syntax};
use std::collections::VecDeque;

#[derive(Clone)]
struct Grep {
    patterns: Vec<Regex>,
    invert: bool,
    count: bool,
    numbers: bool,
    only: bool,
    quiet: bool,
    /// `-l` or `-L`.
    names: Option<bool>,
    word: bool,
    whole: bool,
    with_name: bool,
    before: usize,
    after: usize,
    max: u64,
    colour: bool,
    decided: bool,
    name: String,
    line: u64,
    found: u64,
    any: bool,
    left_after: usize,
    last_shown: u64,
    kept: VecDeque<(u64, String)>,
}

/// `-r`: the files are found when the first turn comes.
#[derive(Clone)]
struct Recursive {
    grep: Grep,
    places: Vec<String>,
}

impl Process for Recursive {
    fn step(&mut self, ctx: &mut Ctx<'_>) -> Step {
        let mut files = Vec::new();
        for place in &self.places {
            super::find::walk(ctx, place, 0, &mut |_, path, stat| {
                if !stat.is_dir() {
                    files.push(path.strip_prefix("./").filter(|_| self.places == ["."]).unwrap_or(path).to_owned());
                }
            });
        }
        self.grep.with_name |= !files.is_empty();
        let next = if files.is_empty() {
            Box::new(Failing { message: String::new(), code: 1 }) as Box<dyn Process>
        } else {
            Stream::start("grep", files, Box::new(self.grep.clone()))
        };
        if let Some(p) = ctx.machine.process_mut(ctx.pid) {
            p.replace(next);
        }
        Step::Again
    }
}

pub fn start(args: Vec<String>) -> Box<dyn Process> {
    let long = [
        ("ignore-case", 'i'),
        ("invert-match", 'v'),
        ("count", 'c'),
        ("line-number", 'n'),
        ("only-matching", 'o'),
        ("quiet", 'q'),
        ("silent", 'q'),
        ("files-with-matches", 'l'),
        ("recursive", 'r'),
        ("extended-regexp", 'E'),
        ("fixed-strings", 'F'),
        ("word-regexp", 'w'),
        ("color", '.'),
        ("colour", '.'),
        ("regexp", 'e'),
        ("max-count", 'm'),
        ("after-context", 'A'),
        ("before-context", 'B'),
        ("context", 'C'),
        ("no-filename", 'h'),
        ("line-buffered", 'b'),
    ];
    let o = match options::parse(&args, "ivcnoqlLrREFGPwxhHse:f:A:B:C:m:ab.", &long) {
        Ok(o) => o,
        Err(e) => return failing("grep", &e, 2),
    };
    let mut operands = o.operands.clone();
    let mut sources: Vec<String> = o.values('e').map(str::to_owned).collect();
    if sources.is_empty() {
        if operands.is_empty() {
            let message =
                "Usage: grep [OPTION]... PATTERNS [FILE]...\nTry 'grep --help' for more information.\n".into();
            return Box::new(Failing { message, code: 2 });
        }
        sources.push(operands.remove(0));
    }
    let syntax = match o.last_of("EFGP") {
        Some('E' | 'P') => Syntax::Extended,
        Some('F') => Syntax::Fixed,
        _ => Syntax::Basic,
    };
    let mut patterns = Vec::new();
    for source in sources.iter().flat_map(|s| s.split('\n')) {
        let source = if o.has('P') { source.replace("\\d", "[0-9]") } else { source.to_owned() };
        match Regex::new(&source, syntax, o.has('i')) {
            Ok(re) => patterns.push(re),
            Err(e) => return Box::new(Failing { message: format!("grep: {e}\n"), code: 2 }),
        }
    }
    let number = |c: char| o.value(c).or(o.value('C')).and_then(|v| v.parse().ok()).unwrap_or(0);
    let recursive = o.has('r') || o.has('R');
    let grep = Grep {
        patterns,
        invert: o.has('v'),
        count: o.has('c'),
        numbers: o.has('n'),
        only: o.has('o'),
        quiet: o.has('q'),
        names: o.last_of("lL").map(|c| c == 'l'),
        word: o.has('w'),
        whole: o.has('x'),
        with_name: (operands.len() > 1 || o.has('H')) && !o.has('h'),
        before: number('B'),
        after: number('A'),
        max: o.value('m').and_then(|v| v.parse().ok()).unwrap_or(u64::MAX),
        colour: o.value('.').is_some_and(|v| v != "never"),
        decided: false,
        name: String::new(),
        line: 0,
        found: 0,
        any: false,
        left_after: 0,
        last_shown: 0,
        kept: VecDeque::new(),
    };
    if recursive {
        let places = if operands.is_empty() { vec![".".into()] } else { operands };
        return Box::new(Recursive { grep, places });
    }
    Stream::start("grep", operands, Box::new(grep))
}

impl Grep {
    /// Spans of all matches in a line.
    fn spans(&self, chars: &[char]) -> Vec<(usize, usize)> {
        let is_word = |c: Option<&char>| c.is_some_and(|c| c.is_alphanumeric() || *c == '_');
        let mut out = Vec::new();
        let mut from = 0;
        while from <= chars.len() {
            let hit =
                self.patterns.iter().filter_map(|p| p.find(chars, from)?[0]).min_by_key(|s| (s.0, usize::MAX - s.1));
            let Some((a, b)) = hit else { break };
            let fits = (!self.word || !(a > 0 && is_word(chars.get(a - 1)) || is_word(chars.get(b))))
                && (!self.whole || a == 0 && b == chars.len());
            if fits {
                out.push((a, b));
            }
            from = if b > a && fits { b } else { a + 1 };
        }
        out
    }

    fn prefix(&self, mark: char, line: u64) -> String {
        let mut out = String::new();
        if self.with_name {
            let name = if self.name == "-" { "(standard input)" } else { &self.name };
            out.push_str(&if self.colour {
                format!("\x1b[35m{name}\x1b[36m{mark}\x1b[0m")
            } else {
                format!("{name}{mark}")
            });
        }
        if self.numbers {
            out.push_str(&if self.colour {
                format!("\x1b[32m{line}\x1b[36m{mark}\x1b[0m")
            } else {
                format!("{line}{mark}")
            });
        }
        out
    }

    fn show(&mut self, ctx: &mut Ctx<'_>, line: u64, mark: char, text: &str) {
        if (self.before > 0 || self.after > 0) && self.last_shown > 0 && line > self.last_shown + 1 {
            ctx.out("--\n");
        }
        self.last_shown = line;
        ctx.out(&format!("{}{text}\n", self.prefix(mark, line)));
    }
}

fn painted(chars: &[char], spans: &[(usize, usize)]) -> String {
    let mut out = String::new();
    let mut at = 0;
    for (a, b) in spans.iter().filter(|s| s.1 > s.0) {
        out.extend(&chars[at..*a]);
        out.push_str("\x1b[1;31m");
        out.extend(&chars[*a..*b]);
        out.push_str("\x1b[0m");
        at = *b;
    }
    out.extend(&chars[at..]);
    out
}

impl Filter for Grep {
    fn begin(&mut self, ctx: &mut Ctx<'_>, name: &str) {
        if !core::mem::replace(&mut self.decided, true) {
            self.colour &= ctx.is_tty(1);
        }
        name.clone_into(&mut self.name);
        (self.line, self.found, self.left_after, self.last_shown) = (0, 0, 0, 0);
        self.kept.clear();
    }

    fn line(&mut self, ctx: &mut Ctx<'_>, line: &str, _: bool) -> Flow {
        self.line += 1;
        if self.found >= self.max && self.left_after == 0 {
            return Flow::Go;
        }
        let chars: Vec<char> = line.chars().collect();
        let spans = self.spans(&chars);
        if spans.is_empty() == self.invert && self.found < self.max {
            self.found += 1;
            self.any = true;
            if self.quiet {
                return Flow::Stop;
            }
            if self.count || self.names.is_some() {
                return Flow::Go;
            }
            let at = self.line;
            if self.only {
                for (a, b) in spans.iter().filter(|s| s.1 > s.0) {
                    let piece: String = chars[*a..*b].iter().collect();
                    let piece = if self.colour { format!("\x1b[1;31m{piece}\x1b[0m") } else { piece };
                    ctx.out(&format!("{}{piece}\n", self.prefix(':', at)));
                }
                return Flow::Go;
            }
            for (n, text) in core::mem::take(&mut self.kept) {
                self.show(ctx, n, '-', &text);
            }
            let text = if self.colour && !self.invert { painted(&chars, &spans) } else { line.to_owned() };
            self.show(ctx, at, ':', &text);
            self.left_after = self.after;
        } else if self.left_after > 0 {
            self.left_after -= 1;
            let at = self.line;
            self.show(ctx, at, '-', line);
        } else if self.before > 0 {
            self.kept.push_back((self.line, line.to_owned()));
            if self.kept.len() > self.before {
                self.kept.pop_front();
            }
        }
        Flow::Go
    }

    fn end(&mut self, ctx: &mut Ctx<'_>, name: &str) -> Flow {
        if self.count && self.names.is_none() && !self.quiet {
            let prefix = if self.with_name { format!("{name}:") } else { String::new() };
            ctx.out(&format!("{prefix}{}\n", self.found));
        }
        if self.names.is_some_and(|wanted| wanted == (self.found > 0)) {
            ctx.out(&format!("{}\n", if name == "-" { "(standard input)" } else { name }));
            self.any |= self.names == Some(false);
        }
        Flow::Go
    }

    fn finish(&mut self, _: &mut Ctx<'_>, failed: bool) -> i32 {
        match (failed, self.any) {
            (true, any) if !(any && self.quiet) => 2,
            (_, true) => 0,
            _ => 1,
        }
    }
}
