//! A terminal: what was typed and what is to be shown, with the kernel's line discipline between.
//!
//! Not a screen: escape sequences pass through to whoever draws. Cooked mode echoes, lets a line be corrected and turns
//! Ctrl-C, Ctrl-Z and Ctrl-D into what they mean; raw mode hands on every byte.

use crate::process::Signal;
use std::collections::VecDeque;

#[derive(Clone, Debug)]
pub struct Tty {
    /// (columns, rows).
    pub size: (u16, u16),
    pub raw: bool,
    /// False while a password is typed.
    pub echo: bool,
    /// Process group that reads and gets the signals.
    pub foreground: u32,
    pub output: Vec<u8>,
    ready: VecDeque<u8>,
    line: Vec<u8>,
    eof: bool,
}

/// What waits to be shown beyond this makes the writers wait.
pub const OUTPUT_BYTES_MAX: usize = 256 << 10;
const INPUT_BYTES_MAX: usize = 1 << 20;

impl Tty {
    pub fn new(size: (u16, u16)) -> Self {
        Self {
            size,
            raw: false,
            echo: true,
            foreground: 0,
            output: Vec::new(),
            ready: VecDeque::new(),
            line: Vec::new(),
            eof: false,
        }
    }

    /// Shows bytes; a bare line feed also returns the carriage.
    pub fn write(&mut self, bytes: &[u8]) {
        for &b in bytes {
            if b == b'\n' && self.output.last() != Some(&b'\r') {
                self.output.push(b'\r');
            }
            self.output.push(b);
        }
    }

    pub fn set_raw(&mut self, raw: bool) {
        self.raw = raw;
        if raw {
            // What was typed ahead is now input, byte by byte.
            self.ready.extend(self.line.drain(..));
        }
    }

    /// Takes typed bytes; gives the signals they mean.
    pub fn feed(&mut self, bytes: &[u8]) -> Vec<Signal> {
        let mut signals = Vec::new();
        for &b in bytes {
            if self.ready.len() + self.line.len() > INPUT_BYTES_MAX {
                break;
            }
            if self.raw {
                self.ready.push_back(b);
            } else if let Some(s) = self.cooked(b) {
                signals.push(s);
            }
        }
        signals
    }

    fn cooked(&mut self, b: u8) -> Option<Signal> {
        match b {
            3 => {
                self.line.clear();
                self.ready.clear();
                self.echo(b"^C");
                return Some(Signal::Int);
            }
            0x1c => {
                self.echo(b"^\\");
                return Some(Signal::Quit);
            }
            0x1a => {
                self.echo(b"^Z");
                return Some(Signal::Stop);
            }
            4 => {
                if self.line.is_empty() {
                    self.eof = true;
                } else {
                    self.ready.extend(self.line.drain(..));
                }
            }
            8 | 0x7f => self.erase(),
            0x15 => {
                while !self.line.is_empty() {
                    self.erase();
                }
            }
            b'\r' | b'\n' => {
                self.line.push(b'\n');
                self.echo(b"\n");
                self.ready.extend(self.line.drain(..));
            }
            0x1b => {
                self.line.push(b);
                self.echo(b"^[");
            }
            _ => {
                self.line.push(b);
                self.echo(&[b]);
            }
        }
        None
    }

    fn erase(&mut self) {
        let mut width = 0;
        while let Some(b) = self.line.pop() {
            if b & 0xc0 != 0x80 {
                width = 1;
                break;
            }
        }
        if width > 0 {
            self.echo(b"\x08 \x08");
        }
    }

    fn echo(&mut self, bytes: &[u8]) {
        if self.echo {
            self.write(bytes);
        }
    }

    pub fn has_input(&self) -> bool {
        !self.ready.is_empty() || self.eof
    }

    /// At most `max` bytes, in cooked mode not beyond a line's end; `None` when nothing is there; empty at Ctrl-D.
    pub fn read(&mut self, max: usize) -> Option<Vec<u8>> {
        if self.ready.is_empty() {
            return core::mem::take(&mut self.eof).then(Vec::new);
        }
        let mut out = Vec::new();
        while out.len() < max {
            let Some(b) = self.ready.pop_front() else { break };
            out.push(b);
            if b == b'\n' && !self.raw {
                break;
            }
        }
        Some(out)
    }
}
