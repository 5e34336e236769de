//! Conversations that go on: followed logs, exec and attach, with the terminal in between.

use crate::error::{Error, plain};
use crate::json::{list, text};
use crate::session::Kube;
use crate::task::{Task, Turn};
use apimachinery::http::{Frame, StreamId};
use machine::process::{Input, Wake};
use serde_json::Value;

/// Copies byte streams to standard output, each line under its own prefix.
#[derive(Clone)]
pub struct Copy {
    streams: Vec<(StreamId, String, bool)>,
}

impl Copy {
    pub fn plain(id: StreamId) -> Self {
        Self { streams: vec![(id, String::new(), true)] }
    }

    pub fn prefixed(streams: Vec<(StreamId, String)>) -> Self {
        Self { streams: streams.into_iter().map(|(id, prefix)| (id, prefix, true)).collect() }
    }
}

impl Task for Copy {
    fn step(&mut self, k: &mut Kube<'_, '_>) -> Result<Turn, Error> {
        let mut left = Vec::new();
        for (id, prefix, mut at_line_start) in core::mem::take(&mut self.streams) {
            let read = k.ctx.host.stream_read(id);
            for frame in read.frames {
                if let Frame::Data { bytes, .. } = frame {
                    at_line_start = write_prefixed(k, &prefix, at_line_start, &bytes);
                }
            }
            if read.ended {
                k.ctx.host.stream_close(id);
            } else {
                left.push((id, prefix, at_line_start));
            }
        }
        self.streams = left;
        if self.streams.is_empty() { Ok(Turn::Done(0)) } else { Ok(Turn::Wait(Wake::World { until: None })) }
    }
}

/// Writes with `prefix` before every line; whether the next byte begins a line.
pub fn write_prefixed(k: &mut Kube<'_, '_>, prefix: &str, mut at_line_start: bool, bytes: &[u8]) -> bool {
    if prefix.is_empty() {
        k.write(false, bytes);
        return at_line_start;
    }
    for line in bytes.split_inclusive(|b| *b == b'\n') {
        if at_line_start {
            k.out(prefix);
        }
        k.write(false, line);
        at_line_start = line.ends_with(b"\n");
    }
    at_line_start
}

/// What an exec or attach does with standard input.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stdin {
    None,
    Open,
    Ended,
}

/// A process in a container, connected to this terminal.
#[derive(Clone)]
pub struct Remote {
    stream: StreamId,
    stdin: Stdin,
    tty: bool,
    size: (u16, u16),
    started: bool,
    /// Told when the session ends by itself.
    farewell: String,
    /// Removed at the end (`run --rm`): path, and what is told.
    pub cleanup: Option<(String, String)>,
}

impl Remote {
    pub fn new(stream: StreamId, stdin: bool, tty: bool) -> Self {
        let stdin = if stdin { Stdin::Open } else { Stdin::None };
        Self { stream, stdin, tty, size: (0, 0), started: false, farewell: String::new(), cleanup: None }
    }

    pub fn with_farewell(mut self, text: String) -> Self {
        self.farewell = text;
        self
    }

    fn pump_input(&mut self, k: &mut Kube<'_, '_>) {
        while self.stdin == Stdin::Open {
            match k.ctx.read() {
                Input::Data(bytes) => k.ctx.host.stream_write(self.stream, 0, &bytes),
                Input::Eof => {
                    k.ctx.host.stream_write(self.stream, 255, &[0]);
                    self.stdin = Stdin::Ended;
                }
                Input::Pending => break,
            }
        }
        if self.tty && k.ctx.term_size() != self.size {
            self.size = k.ctx.term_size();
            let text = format!("{{\"Width\":{},\"Height\":{}}}", self.size.0, self.size.1);
            k.ctx.host.stream_write(self.stream, 4, text.as_bytes());
        }
    }

    fn finish(&mut self, k: &mut Kube<'_, '_>) {
        if self.tty {
            k.ctx.set_raw(false);
        }
        k.ctx.host.stream_close(self.stream);
        if !self.farewell.is_empty() {
            let text = core::mem::take(&mut self.farewell);
            k.err(&text);
        }
        if let Some((path, told)) = self.cleanup.take()
            && k.delete(&path, Value::Null).is_ok()
        {
            k.line(&told);
        }
    }
}

impl Task for Remote {
    fn step(&mut self, k: &mut Kube<'_, '_>) -> Result<Turn, Error> {
        if !self.started {
            self.started = true;
            if self.tty {
                k.ctx.set_raw(true);
            }
        }
        if k.ctx.interrupted() {
            if !self.tty {
                self.finish(k);
                return Ok(Turn::Done(130));
            }
            k.ctx.host.stream_write(self.stream, 0, &[3]);
        }
        self.pump_input(k);
        let read = k.ctx.host.stream_read(self.stream);
        let mut verdict = None;
        for frame in read.frames {
            match frame {
                Frame::Data { channel: 2, bytes } => k.write(true, &bytes),
                Frame::Data { channel: 3, bytes } => verdict = apimachinery::json::parse(&bytes).ok(),
                Frame::Data { channel: 1, bytes } => k.write(false, &bytes),
                Frame::Json(status) => verdict = Some(status),
                Frame::Data { .. } => {}
            }
        }
        if let Some(status) = verdict {
            self.finish(k);
            return outcome(&status);
        }
        if read.ended {
            self.finish(k);
            return Ok(Turn::Done(0));
        }
        Ok(Turn::Wait(if self.stdin == Stdin::Open { Wake::InputOrWorld } else { Wake::World { until: None } }))
    }
}

/// How a remote command ended, from the Status on its error channel.
pub fn outcome(status: &Value) -> Result<Turn, Error> {
    if text(status, "/status") != "Failure" {
        return Ok(Turn::Done(0));
    }
    if text(status, "/reason") == "NonZeroExitCode" {
        let code = list(status, "/details/causes").iter().find(|c| text(c, "/reason") == "ExitCode");
        let code = code.map_or(1, |c| text(c, "/message").parse().unwrap_or(1));
        return Err(Error::Code(format!("command terminated with exit code {code}"), code));
    }
    plain(text(status, "/message"))
}
