//! A stream of documents: YAML split at `---` lines, or JSON values one after another.
//!
//! A stream that begins with `{` is taken for JSON; if that fails at its first or second value, the rest is read as YAML.
//!
//! Models: apimachinery `pkg/util/yaml.YAMLOrJSONDecoder`.

use super::{Document, Error};
use crate::json;
use std::borrow::Cow;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Unknown,
    Json,
    Yaml,
    Ended,
}

/// Reads a stream of documents one by one, as kubectl reads `-f`. Documents before a faulty one are delivered; nothing
/// after it is.
pub struct Decoder<'a> {
    text: &'a [u8],
    at: usize,
    /// Lines before `at`.
    line: usize,
    mode: Mode,
    count: usize,
}

impl<'a> Decoder<'a> {
    pub fn new(text: &'a [u8]) -> Self {
        Self { text, at: 0, line: 0, mode: Mode::Unknown, count: 0 }
    }

    fn advance(&mut self, bytes: usize) {
        let end = (self.at + bytes).min(self.text.len());
        self.line += self.text[self.at..end].iter().filter(|b| **b == b'\n').count();
        self.at = end;
    }

    fn json(&mut self) -> Option<Result<Document, Error>> {
        let line = self.line;
        let rest = &self.text[self.at..];
        match json::parse_prefix(rest) {
            Ok(None) => None,
            Ok(Some((value, used))) => {
                self.advance(used);
                self.count += 1;
                Some(Ok(Document { value, line }))
            }
            Err(error) => {
                let at_line = line + rest[..error.offset.min(rest.len())].iter().filter(|b| **b == b'\n').count();
                let unexpected_end = error.offset >= rest.len() && error.message == json::UNEXPECTED_END;
                let message = match () {
                    () if unexpected_end => "unexpected EOF".to_owned(),
                    () if self.count > 1 => error.message,
                    () => format!("json: offset {}: {}", self.at + error.offset, error.message),
                };
                let error = Error { message, line: Some(at_line) };
                if self.count > 1 {
                    return Some(Err(error));
                }
                self.skip_to_line();
                self.mode = Mode::Yaml;
                // If it is no YAML either, the complaint is about the JSON.
                self.yaml().map(|document| document.map_err(|_| error))
            }
        }
    }

    /// White space up to and with the first line break.
    fn skip_to_line(&mut self) {
        while let Some(b) = self.text.get(self.at).filter(|b| b.is_ascii_whitespace()).copied() {
            self.advance(1);
            if b == b'\n' {
                return;
            }
        }
    }

    fn yaml(&mut self) -> Option<Result<Document, Error>> {
        let line = self.line;
        let start = self.at;
        let mut end = start;
        let mut carriage_returns = false;
        while self.at < self.text.len() {
            let rest = &self.text[self.at..];
            let length = rest.iter().position(|b| *b == b'\n').map_or(rest.len(), |i| i + 1);
            let current = &rest[..length];
            let here = self.line;
            carriage_returns |= current.ends_with(b"\r\n");
            self.advance(length);
            if let Some(after) = current.strip_prefix(b"---") {
                let after = String::from_utf8_lossy(after);
                let after = after.trim();
                if !after.is_empty() && !after.starts_with('#') {
                    let message = format!("invalid Yaml document separator: {after}");
                    return Some(Err(Error { message, line: Some(here) }));
                }
                if end > start {
                    return Some(read(&self.text[start..end], carriage_returns, line));
                }
            }
            end = self.at;
        }
        (end > start).then(|| read(&self.text[start..end], carriage_returns, line))
    }
}

fn read(text: &[u8], carriage_returns: bool, line: usize) -> Result<Document, Error> {
    let text = super::utf8(text).map_err(convert)?;
    let text = if carriage_returns { Cow::Owned(text.replace("\r\n", "\n")) } else { Cow::Borrowed(text) };
    match super::parse(&text) {
        Ok(value) => Ok(Document { value, line }),
        Err(mut error) => {
            error.line = error.line.map(|at| at + line);
            Err(convert(error))
        }
    }
}

fn convert(error: Error) -> Error {
    Error { message: format!("error converting YAML to JSON: {}", error.message), ..error }
}

impl Iterator for Decoder<'_> {
    type Item = Result<Document, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.mode == Mode::Unknown {
            let first = self.text.iter().find(|b| !b.is_ascii_whitespace());
            self.mode = if first == Some(&b'{') { Mode::Json } else { Mode::Yaml };
        }
        let next = match self.mode {
            Mode::Json => self.json(),
            Mode::Yaml => self.yaml(),
            Mode::Unknown | Mode::Ended => None,
        };
        if !matches!(next, Some(Ok(_))) {
            self.mode = Mode::Ended;
        }
        next
    }
}
