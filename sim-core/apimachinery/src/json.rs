//! JSON read with Go's error words and written as Go's `encoding/json` writes it.
//!
//! Models: Go `encoding/json`, cli-runtime `pkg/printers/json.go`.

use core::fmt;
use serde_json::Value;

/// Why a text is no JSON, in Go's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    pub message: String,
    /// Bytes read before the error, as Go counts them.
    pub offset: usize,
}

/// Reads exactly one value; depth bounded as in Go (10,000 there; here lower, for the stack's sake).
pub fn parse(text: &[u8]) -> Result<Value, Error> {
    todo!()
}

/// Reads one value from the front of `text`: the value and the bytes used. `None` when only white space is left.
pub fn parse_prefix(text: &[u8]) -> Result<Option<(Value, usize)>, Error> {
    todo!()
}

/// As `kubectl -o json` prints: four spaces, sorted keys, `<`, `>`, `&` escaped, newline at the end.
pub fn pretty(value: &Value) -> String {
    todo!()
}

/// As Go's `json.MarshalIndent(v, "", indent)`; no newline at the end.
pub fn indented(value: &Value, indent: &str) -> String {
    todo!()
}

/// As Go's `json.Marshal`: one line, `<`, `>`, `&` escaped.
pub fn compact(value: &Value) -> String {
    todo!()
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}
