//! `sed`: s, d, p, q, a, i, c, y, n, =, with addresses, ranges and `!`; -n, -E, -e, -i, -s.

use super::options;
use super::stream::{Failing, Filter, Flow, Stream, failing};
use crate::process::{Ctx, Process, Step};
use crate::regex::{Regex, Syntax};

#[derive(Clone)]
enum Address {
    Line(u64),
    Last,
    Match(Regex),
    /// `first~step`.
    Step(u64, u64),
    /// `addr,+n`.
    Plus(u64),
}

#[derive(Clone)]
enum Action {
    Delete,
    Print,
    Quit,
    Next,
    Number,
    Append(String),
    Insert(String),
    Change(String),
    Substitute { re: Regex, with: Vec<Piece>, all: bool, nth: usize, print: bool },
    Translate(Vec<char>, Vec<char>),
}

#[derive(Clone)]
enum Piece {
    Text(String),
    Group(usize),
}

#[derive(Clone)]
struct Command {
    from: Option<Address>,
    to: Option<Address>,
    negated: bool,
    action: Action,
    /// In a range: the line where it ends, if that is a number.
    inside: bool,
    until: u64,
}

struct Reader<'a> {
    chars: &'a [char],
    at: usize,
    extended: bool,
}

type Result<T> = core::result::Result<T, String>;

impl Reader<'_> {
    fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    fn skip_blanks(&mut self, also: &str) {
        while self.peek().is_some_and(|c| c == ' ' || c == '\t' || also.contains(c)) {
            self.at += 1;
        }
    }

    fn error(&self, what: &str) -> String {
        format!("-e expression #1, char {}: {what}", self.at)
    }

    fn number(&mut self) -> Option<u64> {
        let start = self.at;
        while self.peek().is_some_and(|c| c.is_ascii_digit()) {
            self.at += 1;
        }
        self.chars[start..self.at].iter().collect::<String>().parse().ok()
    }

    /// Up to an unescaped `end`, which is consumed; `\end` stands for `end`.
    fn till(&mut self, end: char, unterminated: &str) -> Result<String> {
        let mut out = String::new();
        loop {
            let Some(c) = self.peek() else { return Err(self.error(unterminated)) };
            self.at += 1;
            match c {
                '\\' => match self.peek() {
                    Some(n) => {
                        self.at += 1;
                        if n == end {
                            out.push(n);
                        } else {
                            out.extend(['\\', n]);
                        }
                    }
                    None => out.push('\\'),
                },
                c if c == end => return Ok(out),
                c => out.push(c),
            }
        }
    }

    fn regex(&self, source: &str, ignore_case: bool) -> Result<Regex> {
        let syntax = if self.extended { Syntax::Extended } else { Syntax::Basic };
        Regex::new(source, syntax, ignore_case).map_err(|e| self.error(e))
    }

    fn address(&mut self) -> Result<Option<Address>> {
        Ok(match self.peek() {
            Some('$') => {
                self.at += 1;
                Some(Address::Last)
            }
            Some('/') => {
                self.at += 1;
                let source = self.till('/', "unterminated address regex")?;
                let ignore = self.peek() == Some('I');
                self.at += usize::from(ignore);
                Some(Address::Match(self.regex(&source, ignore)?))
            }
            Some('\\') => {
                self.at += 1;
                let end = self.peek().unwrap_or('/');
                self.at += 1;
                let source = self.till(end, "unterminated address regex")?;
                Some(Address::Match(self.regex(&source, false)?))
            }
            Some(c) if c.is_ascii_digit() => {
                let n = self.number().unwrap_or(0);
                if self.peek() == Some('~') {
                    self.at += 1;
                    Some(Address::Step(n, self.number().unwrap_or(1)))
                } else {
                    Some(Address::Line(n))
                }
            }
            _ => None,
        })
    }

    fn text(&mut self) -> String {
        self.skip_blanks("");
        if self.peek() == Some('\\') {
            self.at += 1;
            self.skip_blanks("");
            if self.peek() == Some('\n') {
                self.at += 1;
            }
        }
        let mut out = String::new();
        while let Some(c) = self.peek() {
            self.at += 1;
            match c {
                '\n' => break,
                '\\' => {
                    out.extend(self.peek());
                    self.at += 1;
                }
                c => out.push(c),
            }
        }
        out + "\n"
    }

    fn substitute(&mut self) -> Result<Action> {
        let end = self.peek().ok_or_else(|| self.error("unterminated `s' command"))?;
        self.at += 1;
        let source = self.till(end, "unterminated `s' command")?;
        let with = self.till(end, "unterminated `s' command")?;
        let (mut all, mut nth, mut print, mut ignore) = (false, 1, false, false);
        loop {
            match self.peek() {
                Some('g') => all = true,
                Some('p') => print = true,
                Some('i' | 'I') => ignore = true,
                Some(c) if c.is_ascii_digit() => {
                    nth = self.number().unwrap_or(1) as usize;
                    continue;
                }
                Some(' ' | '\t' | ';' | '\n' | '}') | None => break,
                Some(_) => {
                    self.at += 1;
                    return Err(self.error("unknown option to `s'"));
                }
            }
            self.at += 1;
        }
        let re = self.regex(&source, ignore)?;
        Ok(Action::Substitute { re, with: pieces(&with), all, nth, print })
    }

    fn commands(&mut self, out: &mut Vec<Command>) -> Result<()> {
        loop {
            self.skip_blanks(";\n");
            let Some(c) = self.peek() else { return Ok(()) };
            if c == '#' {
                while self.peek().is_some_and(|c| c != '\n') {
                    self.at += 1;
                }
                continue;
            }
            let from = self.address()?;
            let mut to = None;
            if from.is_some() && self.peek() == Some(',') {
                self.at += 1;
                self.skip_blanks("");
                to = if self.peek() == Some('+') {
                    self.at += 1;
                    Some(Address::Plus(self.number().unwrap_or(0)))
                } else {
                    self.address()?
                };
                if to.is_none() {
                    return Err(self.error("unexpected `,'"));
                }
            }
            self.skip_blanks("");
            let negated = self.peek() == Some('!');
            self.at += usize::from(negated);
            self.skip_blanks("");
            let Some(c) = self.peek() else { return Err(self.error("missing command")) };
            self.at += 1;
            let action = match c {
                'd' => Action::Delete,
                'p' => Action::Print,
                'q' | 'Q' => Action::Quit,
                'n' => Action::Next,
                '=' => Action::Number,
                'a' => Action::Append(self.text()),
                'i' => Action::Insert(self.text()),
                'c' => Action::Change(self.text()),
                's' => self.substitute()?,
                'y' => {
                    let end = self.peek().unwrap_or('/');
                    self.at += 1;
                    let a: Vec<char> = self.till(end, "unterminated `y' command")?.chars().collect();
                    let b: Vec<char> = self.till(end, "unterminated `y' command")?.chars().collect();
                    if a.len() != b.len() {
                        return Err(self.error("strings for `y' command are different lengths"));
                    }
                    Action::Translate(a, b)
                }
                'b' | 't' | 'h' | 'H' | 'g' | 'G' | 'x' | 'N' | 'D' | 'P' | 'r' | 'w' | ':' | '{' | '}' | 'l' => {
                    return Err(format!("command `{c}' is not supported in this simulated sed"));
                }
                _ => return Err(self.error(&format!("unknown command: `{c}'"))),
            };
            out.push(Command { from, to, negated, action, inside: false, until: 0 });
        }
    }
}

/// The right side of `s`: `&`, `\1` … `\9`, `\n`.
fn pieces(with: &str) -> Vec<Piece> {
    let mut out = Vec::new();
    let mut text = String::new();
    let mut chars = with.chars();
    while let Some(c) = chars.next() {
        let group = match c {
            '&' => 0,
            '\\' => match chars.next() {
                Some(d) if d.is_ascii_digit() => d.to_digit(10).unwrap_or(0) as usize,
                Some('n') => {
                    text.push('\n');
                    continue;
                }
                Some('t') => {
                    text.push('\t');
                    continue;
                }
                other => {
                    text.extend(other);
                    continue;
                }
            },
            c => {
                text.push(c);
                continue;
            }
        };
        out.push(Piece::Text(core::mem::take(&mut text)));
        out.push(Piece::Group(group));
    }
    out.push(Piece::Text(text));
    out
}

#[derive(Clone)]
struct Sed {
    commands: Vec<Command>,
    quiet: bool,
    number: u64,
    /// The line before the one being read: only when the next comes is it known not to be the last.
    held: Option<(String, bool)>,
    /// With `-i`: the file's new content.
    edited: Option<String>,
    quit: bool,
}

pub fn start(args: Vec<String>) -> Box<dyn Process> {
    // `-i.bak` and `-i` differ from a value apart.
    let mut in_place = false;
    let args: Vec<String> = args
        .into_iter()
        .filter(|a| {
            let hit = a == "-i" || a == "--in-place" || a.starts_with("-i.");
            in_place |= hit;
            !hit
        })
        .collect();
    let long = [("quiet", 'n'), ("silent", 'n'), ("regexp-extended", 'E'), ("expression", 'e')];
    let o = match options::parse(&args, "nErsuie:f:", &long) {
        Ok(o) => o,
        Err(e) => return failing("sed", &e, 1),
    };
    let mut operands = o.operands.clone();
    let mut script: Vec<String> = o.values('e').map(str::to_owned).collect();
    if script.is_empty() {
        if operands.is_empty() {
            return Box::new(Failing {
                message: "Usage: sed [OPTION]... {script-only-if-no-other-script} [input-file]...\n".into(),
                code: 1,
            });
        }
        script.push(operands.remove(0));
    }
    let chars: Vec<char> = script.join("\n").chars().collect();
    let mut reader = Reader { chars: &chars, at: 0, extended: o.has('E') || o.has('r') };
    let mut commands = Vec::new();
    if let Err(e) = reader.commands(&mut commands) {
        return Box::new(Failing { message: format!("sed: {e}\n"), code: 1 });
    }
    let sed = Sed { commands, quiet: o.has('n'), number: 0, held: None, edited: None, quit: false };
    if in_place || o.has('i') {
        return Box::new(InPlace { sed, files: operands });
    }
    Stream::start("sed", operands, Box::new(sed))
}

/// `-i`: each file by itself, then written back.
#[derive(Clone)]
struct InPlace {
    sed: Sed,
    files: Vec<String>,
}

impl Process for InPlace {
    fn step(&mut self, ctx: &mut Ctx<'_>) -> Step {
        if self.files.is_empty() {
            ctx.err("sed: no input files\n");
            return Step::Exit(1);
        }
        let mut code = 0;
        for name in &self.files {
            let text = match ctx.read_file(name) {
                Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
                Err(e) => {
                    ctx.err(&format!("sed: can't read {name}: {}\n", e.message()));
                    code = 4;
                    continue;
                }
            };
            let mut sed = self.sed.clone();
            sed.edited = Some(String::new());
            for line in text.split_inclusive('\n') {
                let bare = line.strip_suffix('\n');
                sed.line(ctx, bare.unwrap_or(line), bare.is_some());
            }
            sed.finish(ctx, false);
            if let Err(e) = ctx.write_file(name, sed.edited.unwrap_or_default().as_bytes()) {
                ctx.err(&format!("sed: couldn't open file {name}: {}\n", e.message()));
                code = 4;
            }
        }
        Step::Exit(code)
    }
}

impl Sed {
    fn put(&mut self, ctx: &mut Ctx<'_>, text: &str) {
        match &mut self.edited {
            Some(out) => out.push_str(text),
            None => ctx.out(text),
        }
    }

    fn selected(&mut self, i: usize, line: &str, last: bool) -> bool {
        let n = self.number;
        let hits = |a: &Address| match a {
            Address::Line(l) => *l == n,
            Address::Last => last,
            Address::Match(re) => re.is_match(line),
            Address::Step(first, step) => {
                n >= *first && (*step == 0 && n == *first || *step > 0 && (n - first).is_multiple_of(*step))
            }
            Address::Plus(_) => false,
        };
        let c = &mut self.commands[i];
        let hit = match (&c.from, &c.to) {
            (None, _) => true,
            (Some(a), None) => hits(a),
            (Some(a), Some(b)) => {
                if c.inside {
                    match b {
                        Address::Plus(_) => c.inside = n < c.until,
                        Address::Line(l) => c.inside = n < *l,
                        b => c.inside = !hits(b),
                    }
                    !matches!(b, Address::Line(l) if n > *l)
                } else if hits(a) {
                    c.inside = match b {
                        Address::Line(l) => n < *l,
                        Address::Plus(k) => {
                            c.until = n + k;
                            *k > 0
                        }
                        Address::Last => !last,
                        _ => true,
                    };
                    true
                } else {
                    false
                }
            }
        };
        hit != c.negated
    }

    fn run(&mut self, ctx: &mut Ctx<'_>, line: &str, ended: bool, last: bool) {
        self.number += 1;
        let mut line = line.to_owned();
        let end = if ended || !last { "\n" } else { "" };
        let mut after = String::new();
        let mut print = !self.quiet;
        for i in 0..self.commands.len() {
            if !self.selected(i, &line, last) {
                continue;
            }
            match self.commands[i].action.clone() {
                Action::Delete => {
                    print = false;
                    break;
                }
                Action::Print => self.put(ctx, &format!("{line}\n")),
                Action::Quit => {
                    self.quit = true;
                    break;
                }
                // The next line starts the script over; good enough for `n;d` only when alone, so it is rarely used.
                Action::Next => break,
                Action::Number => {
                    let text = format!("{}\n", self.number);
                    self.put(ctx, &text);
                }
                Action::Append(text) => after.push_str(&text),
                Action::Insert(text) => self.put(ctx, &text),
                Action::Change(text) => {
                    if !self.commands[i].inside || self.commands[i].to.is_none() {
                        self.put(ctx, &text);
                    }
                    print = false;
                    break;
                }
                Action::Translate(a, b) => {
                    line = line.chars().map(|c| a.iter().position(|x| *x == c).map_or(c, |i| b[i])).collect();
                }
                Action::Substitute { re, with, all, nth, print } => {
                    if let Some(new) = substituted(&re, &line, &with, all, nth) {
                        line = new;
                        if print {
                            self.put(ctx, &format!("{line}\n"));
                        }
                    }
                }
            }
        }
        if print {
            self.put(ctx, &format!("{line}{end}"));
        }
        self.put(ctx, &after);
    }
}

/// The line with the `nth` match (and, with `all`, those after it) replaced; none without a match.
fn substituted(re: &Regex, line: &str, with: &[Piece], all: bool, nth: usize) -> Option<String> {
    let chars: Vec<char> = line.chars().collect();
    let mut out = String::new();
    let (mut at, mut count, mut changed) = (0, 0, false);
    let mut last_end = usize::MAX;
    while at <= chars.len() {
        let Some(found) = re.find(&chars, at) else { break };
        let Some((a, b)) = found[0] else { break };
        out.extend(&chars[at..a]);
        if a == b && last_end == a {
            // An empty match right after a match does not count.
            out.extend(chars.get(a));
            at = a + 1;
            last_end = usize::MAX;
            continue;
        }
        count += 1;
        if count >= nth {
            for piece in with {
                match piece {
                    Piece::Text(t) => out.push_str(t),
                    Piece::Group(g) => {
                        if let Some((x, y)) = found.get(*g).copied().flatten() {
                            out.extend(&chars[x..y]);
                        }
                    }
                }
            }
            changed = true;
        } else {
            out.extend(&chars[a..b]);
        }
        last_end = b;
        at = b;
        if a == b {
            out.extend(chars.get(b));
            at = b + 1;
        }
        if changed && !all {
            break;
        }
    }
    out.extend(chars.get(at.min(chars.len())..).unwrap_or_default());
    changed.then_some(out)
}

impl Filter for Sed {
    fn line(&mut self, ctx: &mut Ctx<'_>, line: &str, ended: bool) -> Flow {
        if self.quit {
            return Flow::Stop;
        }
        // Only a `$` needs to know whether another line comes; otherwise lines pass at once.
        let needs_last =
            self.commands.iter().any(|c| matches!(c.from, Some(Address::Last)) || matches!(c.to, Some(Address::Last)));
        if !needs_last {
            self.run(ctx, line, ended, !ended);
        } else if let Some((held, held_ended)) = self.held.replace((line.to_owned(), ended)) {
            self.run(ctx, &held, held_ended, false);
        }
        if self.quit { Flow::Stop } else { Flow::Go }
    }

    fn finish(&mut self, ctx: &mut Ctx<'_>, failed: bool) -> i32 {
        if let Some((line, ended)) = self.held.take()
            && !self.quit
        {
            self.run(ctx, &line, ended, true);
        }
        if failed { 2 } else { 0 }
    }
}

/// One line changed by an `s` command (for editors): the new line, if anything matched.
pub fn substitute_line(script: &str, line: &str) -> core::result::Result<Option<String>, String> {
    let chars: Vec<char> = script.chars().collect();
    let mut commands = Vec::new();
    Reader { chars: &chars, at: 0, extended: false }.commands(&mut commands)?;
    match commands.first().map(|c| &c.action) {
        Some(Action::Substitute { re, with, all, nth, .. }) => Ok(substituted(re, line, with, *all, *nth)),
        _ => Err("Invalid command".into()),
    }
}
