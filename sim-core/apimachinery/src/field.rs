//! Field errors: what validation says about one field, with its path, in upstream's words.
//!
//! Models: apimachinery `pkg/util/validation/field`.

use core::fmt::{self, Display, Write as _};

/// Where a field stands: `spec.containers[0].image`. Lives on the stack as a chain of references, so that walking a valid
/// object costs nothing; it becomes text only when an [`Error`] is made.
///
/// Each step borrows the one before it: bind a path that is used again (`let ports = spec.child("ports");`), chain one
/// that is used once.
#[derive(Clone, Copy, Debug)]
pub struct Path<'a> {
    parent: Option<&'a Path<'a>>,
    step: Step<'a>,
}

#[derive(Clone, Copy, Debug)]
enum Step<'a> {
    Name(&'a str),
    Index(usize),
    Key(&'a str),
}

impl<'a> Path<'a> {
    /// A root; it may itself have dots in it (`metadata.name`).
    pub const fn new(root: &'a str) -> Self {
        Self { parent: None, step: Step::Name(root) }
    }

    pub const fn child(&'a self, name: &'a str) -> Self {
        Self { parent: Some(self), step: Step::Name(name) }
    }

    pub const fn index(&'a self, i: usize) -> Self {
        Self { parent: Some(self), step: Step::Index(i) }
    }

    pub const fn key(&'a self, key: &'a str) -> Self {
        Self { parent: Some(self), step: Step::Key(key) }
    }

    fn is_empty(&self) -> bool {
        self.parent.is_none_or(Path::is_empty) && matches!(self.step, Step::Name(""))
    }
}

impl Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(parent) = self.parent {
            parent.fmt(f)?;
        }
        match self.step {
            Step::Name("") => Ok(()),
            Step::Name(name) => {
                if self.parent.is_some_and(|p| !p.is_empty()) {
                    f.write_char('.')?;
                }
                f.write_str(name)
            }
            Step::Index(i) => write!(f, "[{i}]"),
            Step::Key(key) => write!(f, "[{key}]"),
        }
    }
}

/// The kinds of field error, a closed set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    NotFound,
    Required,
    Duplicate,
    Invalid,
    NotSupported,
    Forbidden,
    TooLong,
    TooMany,
    Internal,
    TypeInvalid,
}

impl ErrorKind {
    /// `FieldValueRequired` …: the cause's reason on the wire.
    pub fn reason(self) -> &'static str {
        match self {
            Self::NotFound => "FieldValueNotFound",
            Self::Required => "FieldValueRequired",
            Self::Duplicate => "FieldValueDuplicate",
            Self::Invalid => "FieldValueInvalid",
            Self::NotSupported => "FieldValueNotSupported",
            Self::Forbidden => "FieldValueForbidden",
            Self::TooLong => "FieldValueTooLong",
            Self::TooMany => "FieldValueTooMany",
            Self::Internal => "InternalError",
            Self::TypeInvalid => "FieldValueTypeInvalid",
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::NotFound => "Not found",
            Self::Required => "Required value",
            Self::Duplicate => "Duplicate value",
            Self::Invalid | Self::TypeInvalid => "Invalid value",
            Self::NotSupported => "Unsupported value",
            Self::Forbidden => "Forbidden",
            Self::TooLong => "Too long",
            Self::TooMany => "Too many",
            Self::Internal => "Internal error",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    pub kind: ErrorKind,
    pub field: String,
    /// The offending value as it is shown: a string in quotes, a number bare, an object as JSON. Empty: not shown.
    pub value: String,
    pub detail: String,
}

impl Error {
    fn new(kind: ErrorKind, path: &Path, value: String, detail: impl Into<String>) -> Self {
        Self { kind, field: path.to_string(), value, detail: detail.into() }
    }

    pub fn required(path: &Path, detail: impl Into<String>) -> Self {
        Self::new(ErrorKind::Required, path, String::new(), detail)
    }

    /// `value` is shown as Go's `%#v` shows a string: quoted.
    pub fn invalid(path: &Path, value: &str, detail: impl Into<String>) -> Self {
        Self::new(ErrorKind::Invalid, path, quote(value), detail)
    }

    /// `value` is shown bare (numbers, booleans, `null`, JSON of an object).
    pub fn invalid_raw(path: &Path, value: impl Display, detail: impl Into<String>) -> Self {
        Self::new(ErrorKind::Invalid, path, value.to_string(), detail)
    }

    pub fn duplicate(path: &Path, value: &str) -> Self {
        Self::new(ErrorKind::Duplicate, path, quote(value), "")
    }

    pub fn duplicate_raw(path: &Path, value: impl Display) -> Self {
        Self::new(ErrorKind::Duplicate, path, value.to_string(), "")
    }

    pub fn not_found(path: &Path, value: &str) -> Self {
        Self::new(ErrorKind::NotFound, path, quote(value), "")
    }

    pub fn forbidden(path: &Path, detail: impl Into<String>) -> Self {
        Self::new(ErrorKind::Forbidden, path, String::new(), detail)
    }

    /// `supported` is listed in the given order, quoted (upstream sorts it at the call).
    pub fn not_supported(path: &Path, value: &str, supported: &[&str]) -> Self {
        let list: Vec<String> = supported.iter().map(|s| quote(s)).collect();
        let detail = if list.is_empty() { String::new() } else { format!("supported values: {}", list.join(", ")) };
        Self::new(ErrorKind::NotSupported, path, quote(value), detail)
    }

    pub fn too_long(path: &Path, max: usize) -> Self {
        let unit = if max == 1 { "byte" } else { "bytes" };
        Self::new(ErrorKind::TooLong, path, String::new(), format!("may not be more than {max} {unit}"))
    }

    pub fn too_many(path: &Path, actual: usize, max: usize) -> Self {
        let unit = if max == 1 { "item" } else { "items" };
        Self::new(ErrorKind::TooMany, path, actual.to_string(), format!("must have at most {max} {unit}"))
    }

    pub fn internal(path: &Path, detail: impl Into<String>) -> Self {
        Self::new(ErrorKind::Internal, path, String::new(), detail)
    }

    /// The error without its field: the message of a cause.
    pub fn body(&self) -> String {
        let mut out = self.kind.words().to_owned();
        if !self.value.is_empty() {
            let _ = write!(out, ": {}", self.value);
        }
        if !self.detail.is_empty() {
            let _ = write!(out, ": {}", self.detail);
        }
        out
    }
}

impl Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field, self.body())
    }
}

/// All that validation found, in the order found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ErrorList(pub Vec<Error>);

impl ErrorList {
    pub fn push(&mut self, error: Error) {
        self.0.push(error);
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// One Invalid for each message about `value` (which is quoted).
    pub fn invalid_each(&mut self, path: &Path, value: &str, messages: Vec<String>) {
        self.0.extend(messages.into_iter().map(|m| Error::invalid(path, value, m)));
    }

    /// One error as it is; several as `[a, b]`, each text once, as upstream's aggregate prints them.
    pub fn aggregate(&self) -> String {
        let mut texts: Vec<String> = Vec::new();
        for error in &self.0 {
            let text = error.to_string();
            if !texts.contains(&text) {
                texts.push(text);
            }
        }
        match texts.as_slice() {
            [one] => one.clone(),
            many => format!("[{}]", many.join(", ")),
        }
    }
}

impl Extend<Error> for ErrorList {
    fn extend<I: IntoIterator<Item = Error>>(&mut self, errors: I) {
        self.0.extend(errors);
    }
}

/// Quotes as Go's `%q` does for printable text.
pub fn quote(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            c if (c as u32) < 0x20 || c as u32 == 0x7f => {
                let _ = write!(out, "\\x{:02x}", c as u32);
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_read_as_upstream_writes_them() {
        let root = Path::new("");
        let spec = Path::new("spec");
        let containers = spec.child("containers");
        let one = containers.index(1);
        assert_eq!(one.child("image").to_string(), "spec.containers[1].image");
        assert_eq!(spec.child("limits").key("cpu").to_string(), "spec.limits[cpu]");
        assert_eq!(root.child("data").to_string(), "data");
    }
}
