//! Why a command failed, and how it is told on standard error.
//!
//! Models: kubectl's `cmd/util/helpers.go` (checkErr) and client-go's error types.

use crate::json::{list, text};
use serde_json::Value;

/// A Status that the API server answered, or one made from a bare HTTP failure.
#[derive(Clone, Debug, PartialEq)]
pub struct ApiError {
    pub code: u16,
    pub reason: String,
    pub message: String,
    pub details: Value,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Error {
    /// Ends with this code and says nothing more.
    Exit(i32),
    /// Prints the command's help and ends with 1.
    Help,
    /// Gets `error: ` before it.
    Plain(String),
    /// Is printed as it is.
    Bare(String),
    /// Printed as it is, with its own exit code.
    Code(String, i32),
    Api(Box<ApiError>),
    /// The server could not be reached: what kubectl prints, and the inner text for messages around it.
    Connection {
        shown: String,
        inner: String,
    },
    /// The server knows no such resource type (told without `error: `).
    NoResource(String),
    Many(Vec<Error>),
}

pub fn plain<T>(message: impl Into<String>) -> Result<T, Error> {
    Err(Error::Plain(message.into()))
}

impl Error {
    pub fn api(&self) -> Option<&ApiError> {
        match self {
            Self::Api(e) => Some(e),
            Self::Many(all) if all.len() == 1 => all[0].api(),
            _ => None,
        }
    }

    pub fn reason(&self) -> &str {
        self.api().map_or("", |e| &e.reason)
    }

    pub fn is_not_found(&self) -> bool {
        self.reason() == "NotFound"
    }

    pub fn is_conflict(&self) -> bool {
        self.reason() == "Conflict"
    }

    /// One error of many; none when there is none.
    pub fn all(mut errors: Vec<Self>) -> Result<(), Self> {
        match errors.len() {
            0 => Ok(()),
            1 => Err(errors.remove(0)),
            _ => Err(Self::Many(errors)),
        }
    }

    /// Go's `err.Error()`.
    pub fn text(&self) -> String {
        match self {
            Self::Exit(_) | Self::Help => "exit".into(),
            Self::Plain(m) | Self::Bare(m) | Self::Code(m, _) => m.clone(),
            Self::Api(e) => e.message.clone(),
            Self::Connection { inner, .. } => inner.clone(),
            Self::NoResource(r) => format!("the server doesn't have a resource type \"{r}\""),
            Self::Many(all) if all.len() == 1 => all[0].text(),
            Self::Many(all) => format!("[{}]", all.iter().map(Self::text).collect::<Vec<_>>().join(", ")),
        }
    }

    /// `error when creating "pod.yaml": …`.
    pub fn with_source(self, verb: &str, source: &str) -> Self {
        if source.is_empty() {
            return self;
        }
        let around = |m: &str| format!("error when {verb} \"{source}\": {m}");
        match self {
            Self::Api(mut e) => {
                e.message = around(&e.message);
                Self::Api(e)
            }
            Self::Plain(m) => Self::Plain(around(&m)),
            other => other,
        }
    }

    /// What standard error gets, newline included, and the exit code.
    pub fn report(&self) -> (String, i32) {
        match self {
            Self::Exit(code) => (String::new(), *code),
            Self::Help => (String::new(), 1),
            Self::Code(m, code) => (line(m), *code),
            Self::Many(all) if all.len() == 1 => all[0].report(),
            Self::Many(all) => (flatten(all).iter().map(|e| line(&e.message())).collect(), 1),
            Self::Api(e) if e.reason == "Invalid" => (line(&invalid(e)), 1),
            Self::Plain(m) if m.starts_with("error: ") => (line(m), 1),
            Self::Plain(m) => (line(&format!("error: {m}")), 1),
            other => (line(&other.message()), 1),
        }
    }

    /// The message in its standard form, for lists of errors.
    pub fn message(&self) -> String {
        match self {
            Self::Api(e) if e.reason == "Unauthorized" => {
                format!("error: You must be logged in to the server ({})", e.message)
            }
            Self::Api(e) if e.reason.is_empty() => format!("Error from server: {}", e.message),
            Self::Api(e) => format!("Error from server ({}): {}", e.reason, e.message),
            Self::Connection { shown, .. } => shown.clone(),
            other => other.text(),
        }
    }
}

fn flatten(all: &[Error]) -> Vec<&Error> {
    let mut out = Vec::new();
    for e in all {
        match e {
            Error::Many(inner) => out.extend(flatten(inner)),
            e => out.push(e),
        }
    }
    out
}

fn line(message: &str) -> String {
    if message.ends_with('\n') { message.to_owned() } else { format!("{message}\n") }
}

/// `The Pod "web" is invalid: …`, several causes one a line.
fn invalid(e: &ApiError) -> String {
    let (kind, name) = (text(&e.details, "/kind"), text(&e.details, "/name"));
    let mut causes: Vec<String> = Vec::new();
    for cause in list(&e.details, "/causes") {
        let told = format!("{}: {}", text(cause, "/field"), text(cause, "/message"));
        if !causes.contains(&told) {
            causes.push(told);
        }
    }
    let mut head = if kind.is_empty() && name.is_empty() {
        "The request is invalid".to_owned()
    } else {
        format!("The {kind} \"{name}\" is invalid")
    };
    if kind.is_empty() && name.is_empty() && causes.is_empty() && !e.message.is_empty() {
        head = format!("{head}: {}", e.message);
    }
    match causes.as_slice() {
        [] => head,
        [one] => format!("{head}: {one}\n"),
        many => {
            let lines: String = many.iter().map(|c| format!("* {c}\n")).collect();
            format!("{head}: \n{lines}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{ApiError, Error};
    use serde_json::{Value, json};

    fn check(reason: &str, message: &str, details: Value, want: &str) {
        let e = ApiError { code: 0, reason: reason.into(), message: message.into(), details };
        assert_eq!(Error::Api(Box::new(e)).report(), (want.to_owned(), 1));
    }

    #[test]
    fn failures_of_the_api() {
        check("NotFound", "pods \"x\" not found", Value::Null, "Error from server (NotFound): pods \"x\" not found\n");
        check(
            "Unauthorized",
            "Unauthorized",
            Value::Null,
            "error: You must be logged in to the server (Unauthorized)\n",
        );
        let cause = |field: &str| json!({"field": field, "message": "Required value"});
        let one = json!({"kind": "Pod", "name": "bad", "causes": [cause("spec.containers")]});
        check("Invalid", "m", one, "The Pod \"bad\" is invalid: spec.containers: Required value\n");
        let two = json!({"kind": "Pod", "name": "bad", "causes": [cause("a"), cause("b"), cause("a")]});
        check("Invalid", "m", two, "The Pod \"bad\" is invalid: \n* a: Required value\n* b: Required value\n");
        check("Invalid", "why", json!({}), "The request is invalid: why\n");
    }

    #[test]
    fn several_at_once() {
        let all = Error::Many(vec![Error::Plain("one".into()), Error::Plain("two".into())]);
        assert_eq!(all.report(), ("one\ntwo\n".to_owned(), 1));
    }
}
