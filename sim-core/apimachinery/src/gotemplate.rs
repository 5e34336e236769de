//! Go templates for `-o go-template`: `{{range .items}}{{.metadata.name}}{{"\n"}}{{end}}`.
//!
//! Models: Go `text/template` with cli-runtime's functions.

use core::fmt;
use serde_json::Value;

/// A parsed template.
#[derive(Clone, Debug)]
pub struct Template {}

/// In Go's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error(pub String);

impl Template {
    /// `name` is what errors call the template; kubectl's is `output`.
    pub fn parse(name: &str, text: &str) -> Result<Self, Error> {
        todo!()
    }

    pub fn render(&self, data: &Value) -> Result<String, Error> {
        todo!()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
