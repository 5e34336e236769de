//! Tools that go on with time: sleep, `tail -f`, yes.

use super::options;
use super::stream::failing;
use crate::process::{Ctx, Input, Process, Step, Wake};
use apimachinery::time::{Duration, Time};

#[derive(Clone)]
struct Sleep {
    args: Vec<String>,
    until: Option<Time>,
}

pub fn sleep(args: Vec<String>) -> Box<dyn Process> {
    Box::new(Sleep { args, until: None })
}

/// `1`, `0.5`, `2m`, `1h`, `infinity`.
pub fn duration(text: &str) -> Option<Duration> {
    if text == "infinity" || text == "inf" {
        return Some(Duration::from_secs(1 << 32));
    }
    let unit = match text.chars().last()? {
        's' => 1.0,
        'm' => 60.0,
        'h' => 3600.0,
        'd' => 86400.0,
        _ => 0.0,
    };
    let digits = if unit > 0.0 { &text[..text.len() - 1] } else { text };
    let n: f64 = digits.parse().ok().filter(|n: &f64| *n >= 0.0 && n.is_finite())?;
    Some(Duration::from_micros((n * if unit > 0.0 { unit } else { 1.0 } * 1e6).min(1e16) as u64))
}

impl Process for Sleep {
    fn step(&mut self, ctx: &mut Ctx<'_>) -> Step {
        let until = match self.until {
            Some(t) => t,
            None => {
                if self.args.is_empty() {
                    ctx.err("sleep: missing operand\nTry 'sleep --help' for more information.\n");
                    return Step::Exit(1);
                }
                let mut total = Duration::ZERO;
                for a in &self.args {
                    match duration(a) {
                        Some(d) => total += d,
                        None => {
                            ctx.err(&format!(
                                "sleep: invalid time interval ‘{a}’\nTry 'sleep --help' for more information.\n"
                            ));
                            return Step::Exit(1);
                        }
                    }
                }
                *self.until.insert(ctx.now() + total)
            }
        };
        if ctx.now() >= until { Step::Exit(0) } else { Step::Wait(Wake::At(until)) }
    }
}

#[derive(Clone)]
struct Yes(String);

pub fn yes(args: Vec<String>) -> Box<dyn Process> {
    let word = if args.is_empty() { "y".to_owned() } else { args.join(" ") };
    Box::new(Yes(format!("{word}\n").repeat(64)))
}

impl Process for Yes {
    fn step(&mut self, ctx: &mut Ctx<'_>) -> Step {
        ctx.out(&self.0);
        Step::Again
    }
}

#[derive(Clone)]
struct Tail {
    files: Vec<String>,
    /// Lines or bytes from the end, or (true) from the start.
    count: usize,
    from_start: bool,
    bytes: bool,
    follow: bool,
    headers: bool,
    /// How far each file has been shown.
    shown: Vec<usize>,
    last_shown: usize,
    started: bool,
    input: Vec<u8>,
    code: i32,
}

/// How often `tail -f` looks.
const LOOK_EVERY: Duration = Duration::from_millis(1000);

pub fn tail(args: Vec<String>) -> Box<dyn Process> {
    let args: Vec<String> = args
        .into_iter()
        .enumerate()
        .map(|(i, a)| match a.strip_prefix('-') {
            Some(d) if i == 0 && !d.is_empty() && d.bytes().all(|b| b.is_ascii_digit()) => format!("-n{d}"),
            _ => a,
        })
        .collect();
    let long = [("lines", 'n'), ("bytes", 'c'), ("follow", 'f'), ("quiet", 'q'), ("verbose", 'v'), ("retry", 'F')];
    let o = match options::parse(&args, "n:c:fFqvs:", &long) {
        Ok(o) => o,
        Err(e) => return failing("tail", &e, 1),
    };
    let spec = o.value('c').or(o.value('n')).unwrap_or("10");
    let from_start = spec.starts_with('+');
    let Some(count) = options::size(spec.trim_start_matches(['+', '-'])) else {
        return Box::new(super::stream::Failing {
            message: format!("tail: invalid number of lines: ‘{spec}’\n"),
            code: 1,
        });
    };
    Box::new(Tail {
        headers: (o.operands.len() > 1 || o.has('v')) && !o.has('q'),
        follow: o.has('f') || o.has('F'),
        bytes: o.has('c'),
        count: count as usize,
        from_start,
        shown: vec![0; o.operands.len()],
        files: o.operands,
        last_shown: 0,
        started: false,
        input: Vec::new(),
        code: 0,
    })
}

impl Tail {
    /// Where the wanted end of `bytes` begins.
    fn start_of(&self, bytes: &[u8]) -> usize {
        let n = self.count;
        if self.bytes {
            return if self.from_start { n.saturating_sub(1).min(bytes.len()) } else { bytes.len().saturating_sub(n) };
        }
        let line_starts =
            || core::iter::once(0).chain(bytes.iter().enumerate().filter(|b| *b.1 == b'\n').map(|b| b.0 + 1));
        if self.from_start {
            return line_starts().nth(n.saturating_sub(1)).unwrap_or(bytes.len());
        }
        let starts: Vec<usize> = line_starts().filter(|i| *i < bytes.len()).collect();
        if n == 0 { bytes.len() } else { starts.get(starts.len().saturating_sub(n)).copied().unwrap_or(bytes.len()) }
    }

    fn header(&mut self, ctx: &mut Ctx<'_>, i: usize) {
        if self.headers {
            let gap = if self.started { "\n" } else { "" };
            ctx.out(&format!("{gap}==> {} <==\n", self.files[i]));
        }
        self.started = true;
        self.last_shown = i;
    }
}

impl Process for Tail {
    fn step(&mut self, ctx: &mut Ctx<'_>) -> Step {
        if self.files.is_empty() {
            loop {
                match ctx.read() {
                    Input::Data(b) => self.input.extend(b),
                    Input::Pending => return Step::Wait(Wake::Input),
                    Input::Eof => {
                        let from = self.start_of(&self.input);
                        ctx.out_bytes(&self.input[from..]);
                        return Step::Exit(0);
                    }
                }
            }
        }
        let first = !self.started;
        for i in 0..self.files.len() {
            match ctx.read_file(&self.files[i]) {
                Ok(bytes) if first => {
                    self.header(ctx, i);
                    let from = self.start_of(&bytes);
                    ctx.out_bytes(&bytes[from..]);
                    self.shown[i] = bytes.len();
                }
                Ok(bytes) if bytes.len() < self.shown[i] => {
                    ctx.err(&format!("tail: {}: file truncated\n", self.files[i]));
                    ctx.out_bytes(&bytes);
                    self.shown[i] = bytes.len();
                }
                Ok(bytes) if bytes.len() > self.shown[i] => {
                    if self.last_shown != i {
                        self.header(ctx, i);
                    }
                    ctx.out_bytes(&bytes[self.shown[i]..]);
                    self.shown[i] = bytes.len();
                }
                Err(e) if first => {
                    ctx.err(&format!("tail: cannot open '{}' for reading: {}\n", self.files[i], e.message()));
                    self.code = 1;
                }
                _ => {}
            }
        }
        self.started = true;
        if self.follow && self.code == 0 { Step::Wait(Wake::At(ctx.now() + LOOK_EVERY)) } else { Step::Exit(self.code) }
    }
}
