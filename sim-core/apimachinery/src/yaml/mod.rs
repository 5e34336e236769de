//! YAML read and written as kubectl does: YAML 1.1 scalars, Go's error words, Go's layout and quoting.
//!
//! Bounded: nesting depth, aliases. Never panics.
//!
//! Models: sigs.k8s.io/yaml (goyaml.v2) and apimachinery `pkg/util/yaml`.

use core::fmt;
use serde_json::Value;

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

/// Reads a stream of documents one by one, as kubectl reads `-f`: YAML split at `---` lines, or concatenated JSON.
/// Documents before a faulty one are delivered; nothing after it is.
pub struct Decoder<'a> {
    rest: &'a [u8],
}

impl<'a> Decoder<'a> {
    pub fn new(text: &'a [u8]) -> Self {
        Self { rest: text }
    }
}

impl Iterator for Decoder<'_> {
    type Item = Result<Document, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        let _ = self.rest;
        todo!()
    }
}

/// All documents of a stream; empty ones are left out.
pub fn read_documents(text: &[u8]) -> Result<Vec<Document>, Error> {
    Decoder::new(text).filter(|d| d.as_ref().map_or(true, |d| !d.value.is_null())).collect()
}

/// The first YAML document in `text`, as sigs.k8s.io/yaml's `Unmarshal` reads it: of a duplicate key the last wins.
pub fn parse(text: &str) -> Result<Value, Error> {
    todo!()
}

/// As [`parse`], but a duplicate key is an error.
pub fn parse_strict(text: &str) -> Result<Value, Error> {
    todo!()
}

/// Writes a value as `kubectl -o yaml` does: sorted keys, newline at the end.
pub fn to_string(value: &Value) -> String {
    todo!()
}

/// Where a node of a document stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// JSON pointer of the node: `/spec/containers/0/image`.
    pub pointer: String,
    /// Where its key stands, if it has one.
    pub key: Option<Position>,
    pub start: Position,
    pub end: Position,
}

/// Where every node of one YAML document stands, for an editor; empty if the text does not parse.
pub fn spans(text: &str) -> Vec<Span> {
    todo!()
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}
