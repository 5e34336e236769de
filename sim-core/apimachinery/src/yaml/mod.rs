//! YAML read and written as kubectl does: YAML 1.1 scalars, Go's error words, Go's layout and quoting.
//!
//! Bounded: nesting depth, aliases. Never panics. No event-level crate is used: the words and lines of complaints are
//! libyaml's own, so the scanner has to take its steps.
//!
//! Models: sigs.k8s.io/yaml (goyaml.v2) and apimachinery `pkg/util/yaml`.

mod compose;
mod decode;
mod resolve;
mod scanner;
mod spans;
mod stream;
mod write;

use compose::Wrong;
use core::fmt;
pub(crate) use decode::base64;
use serde_json::Value;
pub use spans::{Span, spans};
pub use stream::Decoder;

/// Deeper nesting is refused; Go allows 10,000 levels, but has a growing stack.
const DEPTH_MAX: usize = 250;

/// A place in a text: both from zero; columns count characters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    pub line: usize,
    pub column: usize,
}

/// One document of a stream.
#[derive(Clone, Debug, PartialEq)]
pub struct Document {
    pub value: Value,
    /// Line of the stream (from zero) at which the document's text begins.
    pub line: usize,
}

/// What is wrong, in the words kubectl prints after `error parsing FILE: `.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    pub message: String,
    /// Line of the whole text (from zero), for an editor; the message counts within its own document.
    pub line: Option<usize>,
}

/// All documents of a stream; empty ones are left out.
pub fn read_documents(text: &[u8]) -> Result<Vec<Document>, Error> {
    Decoder::new(text).filter(|d| d.as_ref().map_or(true, |d| !d.value.is_null())).collect()
}

/// The first YAML document in `text`, as sigs.k8s.io/yaml's `Unmarshal` reads it: of a duplicate key the last wins.
pub fn parse(text: &str) -> Result<Value, Error> {
    parse_as(text, false)
}

/// As [`parse`], but a duplicate key is an error.
pub fn parse_strict(text: &str) -> Result<Value, Error> {
    parse_as(text, true)
}

fn parse_as(text: &str, strict: bool) -> Result<Value, Error> {
    check_characters(text)?;
    let tree = compose::compose(text).map_err(syntax_error)?;
    decode::decode(&tree, strict).map_err(|message| Error { message, line: None })
}

/// Go names the line by the problem's, or else the context's; of parser problems it names the line before.
fn syntax_error(wrong: Wrong) -> Error {
    match wrong {
        Wrong::UnknownAnchor(name) => {
            Error { message: format!("yaml: unknown anchor '{name}' referenced"), line: None }
        }
        Wrong::Syntax(fault) => {
            let shown = match fault.problem_line {
                0 => fault.context_line,
                line => line + usize::from(fault.from_scanner),
            };
            let place = if shown > 0 { format!("line {shown}: ") } else { String::new() };
            Error { message: format!("yaml: {place}{}", fault.problem), line: Some(fault.problem_line) }
        }
    }
}

/// Control characters are refused before anything else is looked at.
fn check_characters(text: &str) -> Result<(), Error> {
    let allowed = |c: char| {
        matches!(c, '\t' | '\n' | '\r' | ' '..='~' | '\u{85}' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}')
            || c >= '\u{10000}'
    };
    match text.find(|c| !allowed(c)) {
        None => Ok(()),
        Some(at) => {
            let line = text[..at].matches('\n').count();
            Err(Error { message: "yaml: control characters are not allowed".to_owned(), line: Some(line) })
        }
    }
}

fn utf8(text: &[u8]) -> Result<&str, Error> {
    core::str::from_utf8(text).map_err(|error| {
        let at = error.valid_up_to();
        let words = match (error.error_len(), text[at]) {
            (None, _) => "incomplete UTF-8 octet sequence",
            (_, 0xc2..=0xf4) => "invalid trailing UTF-8 octet",
            _ => "invalid leading UTF-8 octet",
        };
        let line = text[..at].iter().filter(|b| **b == b'\n').count();
        Error { message: format!("yaml: {words}"), line: Some(line) }
    })
}

/// Writes a value as `kubectl -o yaml` does: sorted keys, newline at the end.
pub fn to_string(value: &Value) -> String {
    write::to_string(value)
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

#[cfg(test)]
mod tests;
