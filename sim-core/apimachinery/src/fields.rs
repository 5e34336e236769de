//! Field selectors: `metadata.name=web,status.phase!=Running`.
//!
//! Which fields a kind can be selected by is its registry's business; here they are just names.
//!
//! Models: apimachinery `pkg/fields`.

use crate::order::Order as _;
use core::fmt;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requirement {
    pub field: String,
    /// `=` (also written `==`) when true, `!=` when false.
    pub equal: bool,
    pub value: String,
}

/// Conditions that must all hold. `default()` selects everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selector(pub Vec<Requirement>);

impl Selector {
    /// Parses the string form; the error is upstream's text.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut terms = split_terms(text);
        terms.order();
        let mut requirements = Vec::new();
        for term in terms.into_iter().filter(|t| !t.is_empty()) {
            let Some((field, equal, value)) = split_term(term) else {
                return Err(format!("invalid selector: '{text}'; can't understand '{term}'"));
            };
            requirements.push(Requirement { field: field.to_owned(), equal, value: unescape(value)? });
        }
        Ok(Self(requirements))
    }

    /// `lookup` gives a field's value; a field that is absent reads as the empty string.
    pub fn matches(&self, lookup: &dyn Fn(&str) -> Option<String>) -> bool {
        self.0.iter().all(|r| (lookup(&r.field).unwrap_or_default() == r.value) == r.equal)
    }

    pub fn is_everything(&self) -> bool {
        self.0.is_empty()
    }

    /// The value that `field` must equal, if the selector says so.
    pub fn requires_exact_match(&self, field: &str) -> Option<&str> {
        self.0.iter().find(|r| r.equal && r.field == field).map(|r| r.value.as_str())
    }
}

/// Splits at commas that no backslash stands before.
fn split_terms(text: &str) -> Vec<&str> {
    let mut terms = Vec::new();
    let (mut start, mut escaped) = (0, false);
    for (i, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            ',' => {
                terms.push(&text[start..i]);
                start = i + 1;
            }
            _ => {}
        }
    }
    terms.push(&text[start..]);
    terms
}

/// Field, whether it is to be equal, and the value as written.
fn split_term(term: &str) -> Option<(&str, bool, &str)> {
    let at = term.char_indices().find(|(i, c)| *c == '=' || term[*i..].starts_with("!="))?.0;
    let (field, rest) = term.split_at(at);
    [("!=", false), ("==", true), ("=", true)]
        .into_iter()
        .find_map(|(operator, equal)| rest.strip_prefix(operator).map(|value| (field, equal, value)))
}

/// Escapes `\`, `,` and `=` in a value.
pub fn escape(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    for c in value.chars() {
        if matches!(c, '\\' | ',' | '=') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

fn unescape(value: &str) -> Result<String, String> {
    let mut out = String::with_capacity(value.len());
    let mut chars = value.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some(c @ ('\\' | ',' | '=')) => out.push(c),
                Some(c) => return Err(format!("invalid field selector: invalid escape sequence: \\{c}")),
                None => return Err("invalid field selector: invalid escape sequence: \\".to_owned()),
            },
            // Upstream prints the character's number here.
            ',' | '=' => return Err(format!("invalid field selector: unescaped character in value: {}", c as u32)),
            c => out.push(c),
        }
    }
    Ok(out)
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, r) in self.0.iter().enumerate() {
            let comma = if i > 0 { "," } else { "" };
            let operator = if r.equal { "=" } else { "!=" };
            write!(f, "{comma}{}{operator}{}", r.field, escape(&r.value))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Result<&str, &str>) {
        let shown = Selector::parse(text).map(|s| s.to_string());
        assert_eq!(shown.as_deref().map_err(String::as_str), expected, "{text}");
    }

    #[test]
    fn reads_and_prints() {
        check("", Ok(""));
        check("metadata.name=web", Ok("metadata.name=web"));
        check("b==2,a!=1", Ok("a!=1,b=2"));
        check(r"a=x\,y\=z\\", Ok(r"a=x\,y\=z\\"));
        check("a=", Ok("a="));
        check("junk", Err("invalid selector: 'junk'; can't understand 'junk'"));
        check("a=b=c", Err("invalid field selector: unescaped character in value: 61"));
        check(r"a=\q", Err(r"invalid field selector: invalid escape sequence: \q"));
    }

    #[test]
    fn matches_absent_as_empty() {
        let lookup = |f: &str| (f == "status.phase").then(|| "Running".to_owned());
        for (text, hit) in [
            ("status.phase=Running", true),
            ("status.phase!=Running", false),
            ("spec.nodeName=", true),
            ("spec.nodeName!=x,status.phase=Running", true),
        ] {
            assert_eq!(Selector::parse(text).expect(text).matches(&lookup), hit, "{text}");
        }
        let one = Selector::parse("metadata.name=a").expect("valid");
        assert_eq!(one.requires_exact_match("metadata.name"), Some("a"));
    }
}
