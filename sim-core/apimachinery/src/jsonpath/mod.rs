//! Kubectl's JSONPath templates: `{range .items[*]}{.metadata.name}{"\n"}{end}`.
//!
//! Models: client-go `util/jsonpath`, and kubectl's relaxed expressions.

use core::fmt;
use serde_json::Value;

/// A parsed template.
#[derive(Clone, Debug)]
pub struct JsonPath {
    allow_missing_keys: bool,
}

/// In upstream's words, without any `error: ` before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error(pub String);

impl JsonPath {
    pub fn parse(template: &str) -> Result<Self, Error> {
        todo!()
    }

    /// Missing fields give nothing instead of an error.
    #[must_use]
    pub fn allow_missing_keys(mut self, allow: bool) -> Self {
        self.allow_missing_keys = allow;
        self
    }

    /// Runs the template and prints the results as kubectl does.
    pub fn print(&self, data: &Value) -> Result<String, Error> {
        todo!()
    }

    /// The results of each `{…}` of the template, in order.
    pub fn find(&self, data: &Value) -> Result<Vec<Vec<Value>>, Error> {
        todo!()
    }
}

/// Makes `x.y`, `.x.y`, `{x.y}` or `{.x.y}` into `{.x.y}`: custom columns and --sort-by.
pub fn relaxed(expression: &str) -> Result<String, Error> {
    todo!()
}

/// One result as text: strings bare, objects and lists as JSON.
pub fn print_value(value: &Value) -> String {
    todo!()
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
