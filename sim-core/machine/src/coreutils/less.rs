//! `less` and `more`: a page at a time on a terminal; elsewhere like cat.

use crate::process::{Ctx, Input, Process, Step, Wake};
use crate::regex::{Regex, Syntax};

#[derive(Clone)]
struct Less {
    args: Vec<String>,
    bytes: Vec<u8>,
    read: bool,
    lines: Vec<String>,
    top: usize,
    shown: bool,
    /// The search being typed.
    typing: Option<String>,
    wanted: Option<String>,
    note: String,
    name: String,
}

pub fn start(args: Vec<String>) -> Box<dyn Process> {
    Box::new(Less {
        args,
        bytes: Vec::new(),
        read: false,
        lines: Vec::new(),
        top: 0,
        shown: false,
        typing: None,
        wanted: None,
        note: String::new(),
        name: String::new(),
    })
}

impl Less {
    /// Reads files and standard input; an answer to wait or end.
    fn load(&mut self, ctx: &mut Ctx<'_>) -> Option<Step> {
        let files: Vec<String> =
            self.args.iter().filter(|a| !a.starts_with(['-', '+']) || *a == "-").cloned().collect();
        if files.is_empty() || files == ["-"] {
            if files.is_empty() && ctx.is_tty(0) {
                ctx.err("Missing filename (\"less --help\" for help)\n");
                return Some(Step::Exit(1));
            }
            loop {
                match ctx.read() {
                    Input::Data(b) => self.bytes.extend(b),
                    Input::Pending => return Some(Step::Wait(Wake::Input)),
                    Input::Eof => break,
                }
            }
            // Keys come from the terminal from now on.
            if let Some(tty) = ctx.machine.process(ctx.pid).and_then(|p| p.tty) {
                let id = ctx.machine.descriptors.add(crate::process::Open::Tty(tty));
                let old = ctx.machine.process_mut(ctx.pid).and_then(|p| p.fds.insert(0, id));
                if let Some(old) = old {
                    ctx.machine.descriptors.release(old);
                }
            }
        } else {
            for file in &files {
                match ctx.read_file(file) {
                    Ok(b) => self.bytes.extend(b),
                    Err(e) => {
                        let text = if e == crate::fs::FsError::IsADirectory {
                            format!("{file} is a directory\n")
                        } else {
                            format!("{file}: {}\n", e.message())
                        };
                        ctx.err(&text);
                        return Some(Step::Exit(1));
                    }
                }
            }
            self.name = files[0].clone();
        }
        self.read = true;
        None
    }

    fn page(&self, ctx: &Ctx<'_>) -> usize {
        usize::from(ctx.term_size().1).saturating_sub(1).max(1)
    }

    fn last_top(&self, ctx: &Ctx<'_>) -> usize {
        self.lines.len().saturating_sub(self.page(ctx))
    }

    fn draw(&mut self, ctx: &mut Ctx<'_>) {
        let page = self.page(ctx);
        self.top = self.top.min(self.last_top(ctx));
        let mut out = String::from("\x1b[H\x1b[2J");
        for i in 0..page {
            out.push_str(self.lines.get(self.top + i).map_or("~", String::as_str));
            out.push_str("\r\n");
        }
        let at_end = self.top + page >= self.lines.len();
        match &self.typing {
            Some(text) => out.push_str(&format!("/{text}")),
            None if !self.note.is_empty() => out.push_str(&format!("\x1b[7m{}\x1b[0m", self.note)),
            None if at_end => out.push_str("\x1b[7m(END)\x1b[0m"),
            None if self.top == 0 && !self.name.is_empty() => out.push_str(&format!("\x1b[7m{}\x1b[0m", self.name)),
            None => out.push(':'),
        }
        self.note.clear();
        ctx.out(&out);
    }

    fn find(&mut self, forward: bool) {
        let Some(Ok(re)) = self.wanted.as_ref().map(|w| Regex::new(w, Syntax::Extended, false)) else { return };
        let mut order: Box<dyn Iterator<Item = usize>> =
            if forward { Box::new(self.top + 1..self.lines.len()) } else { Box::new((0..self.top).rev()) };
        match order.find(|i| re.is_match(&self.lines[*i])) {
            Some(i) => self.top = i,
            None => self.note = "Pattern not found".into(),
        }
    }

    /// False when the pager is to end.
    fn key(&mut self, ctx: &Ctx<'_>, key: &[u8]) -> bool {
        if let Some(mut text) = self.typing.take() {
            match key {
                b"\r" | b"\n" => {
                    if !text.is_empty() {
                        self.wanted = Some(text);
                    }
                    if self.wanted.as_ref().is_some_and(|w| {
                        self.lines.get(self.top).is_some_and(|l| self.top == 0 && l.contains(w.as_str()))
                    }) {
                        return true;
                    }
                    self.find(true);
                }
                b"\x1b" | b"\x03" => {}
                [0x7f | 8] => {
                    text.pop();
                    self.typing = Some(text);
                }
                key => {
                    text.push_str(&String::from_utf8_lossy(key));
                    self.typing = Some(text);
                }
            }
            return true;
        }
        let page = self.page(ctx);
        match key {
            b"q" | b"Q" | b"\x03" | b"\x04" => return false,
            b"j" | b"\r" | b"\n" | b"\x1b[B" | b"\x1bOB" | b"e" => self.top += 1,
            b"k" | b"y" | b"\x1b[A" | b"\x1bOA" => self.top = self.top.saturating_sub(1),
            b" " | b"f" | b"\x1b[6~" | b"\x06" => self.top += page,
            b"b" | b"\x1b[5~" | b"\x02" => self.top = self.top.saturating_sub(page),
            b"d" => self.top += page / 2,
            b"u" => self.top = self.top.saturating_sub(page / 2),
            b"g" | b"<" | b"\x1b[H" => self.top = 0,
            b"G" | b">" | b"\x1b[F" => self.top = self.lines.len(),
            b"/" => self.typing = Some(String::new()),
            b"n" => self.find(true),
            b"N" => self.find(false),
            _ => {}
        }
        self.top = self.top.min(self.last_top(ctx));
        true
    }
}

/// Splits typed bytes into keys, escape sequences kept whole.
pub fn keys(bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut out = Vec::new();
    let mut i = 0;
    while i < bytes.len() {
        let mut n = match bytes[i] {
            0x1b if matches!(bytes.get(i + 1), Some(b'[' | b'O')) => {
                let end = bytes[i + 2..].iter().position(|b| (0x40..0x7f).contains(b)).unwrap_or(0);
                end + 3
            }
            0xc0..=0xdf => 2,
            0xe0..=0xef => 3,
            0xf0.. => 4,
            _ => 1,
        };
        n = n.min(bytes.len() - i);
        out.push(bytes[i..i + n].to_vec());
        i += n;
    }
    out
}

impl Process for Less {
    fn step(&mut self, ctx: &mut Ctx<'_>) -> Step {
        if !self.read
            && let Some(step) = self.load(ctx)
        {
            return step;
        }
        if !ctx.is_tty(1) {
            ctx.out_bytes(&self.bytes);
            return Step::Exit(0);
        }
        if !core::mem::replace(&mut self.shown, true) {
            let width = usize::from(ctx.term_size().0).max(1);
            for line in String::from_utf8_lossy(&self.bytes).lines() {
                let chars: Vec<char> = line.replace('\t', "        ").chars().collect();
                if chars.is_empty() {
                    self.lines.push(String::new());
                }
                self.lines.extend(chars.chunks(width).map(|c| c.iter().collect::<String>()));
            }
            ctx.set_raw(true);
            ctx.out("\x1b[?1049h");
            self.draw(ctx);
        }
        let mut end = ctx.interrupted();
        loop {
            match ctx.read() {
                Input::Pending if !end => return Step::Wait(Wake::Input),
                Input::Data(bytes) => {
                    end |= !keys(&bytes).iter().all(|k| self.key(ctx, k));
                    if !end {
                        self.draw(ctx);
                    }
                }
                _ => end = true,
            }
            if end {
                ctx.set_raw(false);
                ctx.out("\x1b[?1049l");
                return Step::Exit(0);
            }
        }
    }
}
