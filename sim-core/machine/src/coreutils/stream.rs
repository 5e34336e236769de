//! Tools that take their input piece by piece, so that `kubectl logs -f | grep x` shows lines as they come.
//!
//! [`Stream`] opens the inputs one after another and hands over lines (with their line feed) or whole pieces to a
//! [`Filter`]. A tool here is a filter.

use super::options;
use crate::process::{Ctx, Input, Process, Step, Wake};

pub enum Flow {
    Go,
    /// Enough: the rest of the input is not wanted.
    Stop,
}

/// What a tool does with its input.
pub trait Filter: CloneFilter + Send {
    /// One line without its line feed; `ended` says whether it had one.
    fn line(&mut self, ctx: &mut Ctx<'_>, line: &str, ended: bool) -> Flow;
    /// A new input begins; its name is `-` for standard input.
    fn begin(&mut self, ctx: &mut Ctx<'_>, name: &str) {
        let _ = (ctx, name);
    }
    /// An input has ended.
    fn end(&mut self, ctx: &mut Ctx<'_>, name: &str) -> Flow {
        let _ = (ctx, name);
        Flow::Go
    }
    /// Everything has ended: the exit code, given whether an input could not be opened.
    fn finish(&mut self, ctx: &mut Ctx<'_>, failed: bool) -> i32;
}

pub trait CloneFilter {
    fn clone_filter(&self) -> Box<dyn Filter>;
}

impl<F: Filter + Clone + 'static> CloneFilter for F {
    fn clone_filter(&self) -> Box<dyn Filter> {
        Box::new(self.clone())
    }
}

impl Clone for Box<dyn Filter> {
    fn clone(&self) -> Self {
        (**self).clone_filter()
    }
}

/// The process around a filter.
#[derive(Clone)]
pub struct Stream {
    tool: &'static str,
    inputs: Vec<String>,
    filter: Box<dyn Filter>,
    current: Option<(String, Source)>,
    partial: Vec<u8>,
    failed: bool,
    stopped: bool,
}

#[derive(Clone)]
enum Source {
    Stdin,
    File { bytes: std::sync::Arc<Vec<u8>>, at: usize },
}

/// Lines a turn.
const LINES_MAX: usize = 2000;

impl Stream {
    /// Reads the named files, or standard input if there are none.
    pub fn start(tool: &'static str, mut inputs: Vec<String>, filter: Box<dyn Filter>) -> Box<dyn Process> {
        if inputs.is_empty() {
            inputs.push("-".into());
        }
        inputs.reverse();
        Box::new(Self { tool, inputs, filter, current: None, partial: Vec::new(), failed: false, stopped: false })
    }

    /// Opens the next input; false when there is none.
    fn open(&mut self, ctx: &mut Ctx<'_>) -> bool {
        while let Some(name) = self.inputs.pop() {
            let source = if name == "-" {
                Source::Stdin
            } else {
                match ctx.read_file(&name) {
                    Ok(bytes) => Source::File { bytes: bytes.into(), at: 0 },
                    Err(e) => {
                        let text = match e {
                            crate::fs::FsError::NotFound if self.tool == "sed" => {
                                format!("sed: can't read {name}: {}\n", e.message())
                            }
                            _ if self.tool == "head" => {
                                format!("head: cannot open '{name}' for reading: {}\n", e.message())
                            }
                            _ => format!("{}: {name}: {}\n", self.tool, e.message()),
                        };
                        ctx.err(&text);
                        self.failed = true;
                        continue;
                    }
                }
            };
            self.filter.begin(ctx, &name);
            self.current = Some((name, source));
            return true;
        }
        false
    }

    fn give(&mut self, ctx: &mut Ctx<'_>, ended: bool) {
        let line = core::mem::take(&mut self.partial);
        if let Flow::Stop = self.filter.line(ctx, &String::from_utf8_lossy(&line), ended) {
            self.stopped = true;
        }
    }

    fn end_input(&mut self, ctx: &mut Ctx<'_>) {
        if !self.partial.is_empty() {
            self.give(ctx, false);
        }
        if let Some((name, _)) = self.current.take()
            && let Flow::Stop = self.filter.end(ctx, &name)
        {
            self.stopped = true;
        }
    }
}

impl Process for Stream {
    fn step(&mut self, ctx: &mut Ctx<'_>) -> Step {
        for _ in 0..LINES_MAX {
            if self.stopped || self.current.is_none() && !self.open(ctx) {
                return Step::Exit(self.filter.finish(ctx, self.failed));
            }
            let Some((_, source)) = &mut self.current else { return Step::Again };
            match source {
                Source::File { bytes, at } => {
                    let rest = &bytes[*at..];
                    if rest.is_empty() {
                        self.end_input(ctx);
                        continue;
                    }
                    let (line, used, ended) = match rest.iter().position(|b| *b == b'\n') {
                        Some(i) => (rest[..i].to_vec(), i + 1, true),
                        None => (rest.to_vec(), rest.len(), false),
                    };
                    *at += used;
                    self.partial = line;
                    self.give(ctx, ended);
                }
                // Byte by byte up to a line's end, so that what follows is left to others who share the descriptor.
                Source::Stdin => match ctx.read() {
                    Input::Pending => return Step::Wait(Wake::Input),
                    Input::Eof => self.end_input(ctx),
                    Input::Data(bytes) => {
                        for b in bytes {
                            if b == b'\n' {
                                self.give(ctx, true);
                                if self.stopped {
                                    break;
                                }
                            } else {
                                self.partial.push(b);
                            }
                        }
                    }
                },
            }
        }
        Step::Again
    }
}

/// A process that only prints an error and ends.
#[derive(Clone)]
pub struct Failing {
    pub message: String,
    pub code: i32,
}

impl Process for Failing {
    fn step(&mut self, ctx: &mut Ctx<'_>) -> Step {
        ctx.err(&self.message);
        Step::Exit(self.code)
    }
}

pub fn failing(tool: &str, message: &str, code: i32) -> Box<dyn Process> {
    let message = format!("{tool}: {message}\nTry '{tool} --help' for more information.\n");
    Box::new(Failing { message, code })
}

// cat, head, tee.

#[derive(Clone)]
struct Cat {
    inputs: Vec<String>,
    number: bool,
    number_full: bool,
    squeeze: bool,
    ends: bool,
    tabs: bool,
    count: u64,
    blank_before: bool,
    plain: bool,
    failed: bool,
}

pub fn cat(args: Vec<String>) -> Box<dyn Process> {
    let long =
        [("number", 'n'), ("show-all", 'A'), ("show-ends", 'E'), ("squeeze-blank", 's'), ("number-nonblank", 'b')];
    let o = match options::parse(&args, "nbsAETvetu", &long) {
        Ok(o) => o,
        Err(e) => return failing("cat", &e, 1),
    };
    let cat = Cat {
        number: o.has('n') || o.has('b'),
        number_full: o.has('b'),
        squeeze: o.has('s'),
        ends: o.has('A') || o.has('E') || o.has('e'),
        tabs: o.has('A') || o.has('T') || o.has('t'),
        count: 0,
        blank_before: false,
        plain: !"nbsAETet".chars().any(|c| o.has(c)),
        failed: false,
        inputs: Vec::new(),
    };
    if cat.plain {
        let mut inputs = if o.operands.is_empty() { vec!["-".to_owned()] } else { o.operands };
        inputs.reverse();
        return Box::new(Cat { inputs, ..cat });
    }
    Stream::start("cat", o.operands, Box::new(cat))
}

/// Without options bytes pass as they are.
impl Process for Cat {
    fn step(&mut self, ctx: &mut Ctx<'_>) -> Step {
        while let Some(name) = self.inputs.last().cloned() {
            if name != "-" {
                self.inputs.pop();
                let full = ctx.full(&name);
                let device = matches!(ctx.machine.fs.body(&ctx.cred(), &full), Ok(crate::fs::Body::Device(_)));
                if device && !name.ends_with("stdin") && !name.ends_with("tty") {
                    continue;
                }
                if device {
                    self.inputs.push("-".into());
                    continue;
                }
                match ctx.read_file(&name) {
                    Ok(bytes) => ctx.out_bytes(&bytes),
                    Err(e) => {
                        let prefix = match (ctx.machine.personality.tools, e) {
                            (crate::machine::Tools::Busybox, crate::fs::FsError::NotFound) => "can't open ",
                            _ => "",
                        };
                        let shown = if prefix.is_empty() { name.clone() } else { format!("'{name}'") };
                        ctx.err(&format!("cat: {prefix}{shown}: {}\n", e.message()));
                        self.failed = true;
                    }
                }
                continue;
            }
            match ctx.read() {
                Input::Data(bytes) => {
                    ctx.out_bytes(&bytes);
                    return Step::Again;
                }
                Input::Pending => return Step::Wait(Wake::Input),
                Input::Eof => {
                    self.inputs.pop();
                }
            }
        }
        Step::Exit(i32::from(self.failed))
    }
}

impl Filter for Cat {
    fn line(&mut self, ctx: &mut Ctx<'_>, line: &str, ended: bool) -> Flow {
        if self.squeeze && line.is_empty() && core::mem::replace(&mut self.blank_before, true) {
            return Flow::Go;
        }
        self.blank_before = line.is_empty();
        let mut out = String::new();
        if self.number && !(self.number_full && line.is_empty()) {
            self.count += 1;
            out = format!("{:>6}\t", self.count);
        }
        out.push_str(&if self.tabs { line.replace('\t', "^I").replace('\r', "^M") } else { line.to_owned() });
        if ended {
            out.push_str(if self.ends { "$\n" } else { "\n" });
        }
        ctx.out(&out);
        Flow::Go
    }

    fn finish(&mut self, _: &mut Ctx<'_>, failed: bool) -> i32 {
        i32::from(failed)
    }
}

#[derive(Clone)]
struct Head {
    lines: u64,
    bytes: Option<u64>,
    left: u64,
    headers: bool,
    first: bool,
    /// `-n -3`: all but the last three.
    hold: Option<usize>,
    held: std::collections::VecDeque<String>,
}

pub fn head(args: Vec<String>) -> Box<dyn Process> {
    // `-5` means `-n 5`.
    let args: Vec<String> = args
        .into_iter()
        .enumerate()
        .map(|(i, a)| match a.strip_prefix('-') {
            Some(d) if i == 0 && !d.is_empty() && d.bytes().all(|b| b.is_ascii_digit()) => format!("-n{d}"),
            _ => a,
        })
        .collect();
    let o = match options::parse(&args, "n:c:qv", &[("lines", 'n'), ("bytes", 'c'), ("quiet", 'q'), ("verbose", 'v')]) {
        Ok(o) => o,
        Err(e) => return failing("head", &e, 1),
    };
    let text = o.value('n').unwrap_or("10");
    let hold = text.strip_prefix('-').and_then(|t| t.parse::<usize>().ok());
    let Some(lines) = options::size(text.trim_start_matches('-')) else {
        return Box::new(Failing { message: format!("head: invalid number of lines: ‘{text}’\n"), code: 1 });
    };
    let bytes = o.value('c').and_then(options::size);
    let headers = (o.operands.len() > 1 || o.has('v')) && !o.has('q');
    let head = Head { lines, bytes, left: 0, headers, first: true, hold, held: Default::default() };
    Stream::start("head", o.operands, Box::new(head))
}

impl Filter for Head {
    fn begin(&mut self, ctx: &mut Ctx<'_>, name: &str) {
        self.left = self.bytes.unwrap_or(self.lines);
        if self.headers {
            let gap = if self.first { "" } else { "\n" };
            let name = if name == "-" { "standard input" } else { name };
            ctx.out(&format!("{gap}==> {name} <==\n"));
        }
        self.first = false;
    }

    fn line(&mut self, ctx: &mut Ctx<'_>, line: &str, ended: bool) -> Flow {
        let text = format!("{line}{}", if ended { "\n" } else { "" });
        if let Some(n) = self.hold {
            self.held.push_back(text);
            if self.held.len() > n {
                let text = self.held.pop_front().unwrap_or_default();
                ctx.out(&text);
            }
            return Flow::Go;
        }
        if self.bytes.is_some() {
            let n = (self.left as usize).min(text.len());
            ctx.out_bytes(&text.as_bytes()[..n]);
            self.left -= n as u64;
        } else if self.left > 0 {
            ctx.out(&text);
            self.left -= 1;
        }
        if self.left == 0 && !self.headers { Flow::Stop } else { Flow::Go }
    }

    fn end(&mut self, _: &mut Ctx<'_>, _: &str) -> Flow {
        self.held.clear();
        Flow::Go
    }

    fn finish(&mut self, _: &mut Ctx<'_>, failed: bool) -> i32 {
        i32::from(failed)
    }
}

#[derive(Clone)]
struct Tee {
    args: Vec<String>,
    open: Option<Vec<crate::process::OpenId>>,
    code: i32,
}

pub fn tee(args: Vec<String>) -> Box<dyn Process> {
    Box::new(Tee { args, open: None, code: 0 })
}

impl Process for Tee {
    fn step(&mut self, ctx: &mut Ctx<'_>) -> Step {
        if self.open.is_none() {
            let Some(o) = options::parse_or_tell(ctx, "tee", &self.args, "ai", &[("append", 'a')]) else {
                return Step::Exit(1);
            };
            let mut open = Vec::new();
            for name in &o.operands {
                let (full, pid, append) = (ctx.full(name), ctx.pid, o.has('a'));
                match ctx.machine.open(pid, &full, false, true, append, !append) {
                    Ok(id) => open.push(id),
                    Err(e) => {
                        ctx.err(&format!("tee: {name}: {}\n", e.message()));
                        self.code = 1;
                    }
                }
            }
            self.open = Some(open);
        }
        match ctx.read() {
            Input::Pending => Step::Wait(Wake::Input),
            Input::Eof => {
                self.open.take().into_iter().flatten().for_each(|id| ctx.machine.descriptors.release(id));
                Step::Exit(self.code)
            }
            Input::Data(bytes) => {
                ctx.out_bytes(&bytes);
                let pid = ctx.pid;
                for id in self.open.iter().flatten() {
                    ctx.machine.write_open(pid, *id, &bytes);
                }
                Step::Again
            }
        }
    }
}
