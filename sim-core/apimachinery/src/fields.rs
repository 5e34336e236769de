//! Field selectors: `metadata.name=web,status.phase!=Running`.
//!
//! Which fields a kind can be selected by is its registry's business; here they are just names.
//!
//! Models: apimachinery `pkg/fields`.

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
        todo!()
    }

    /// `lookup` gives a field's value; a field that is absent reads as the empty string.
    pub fn matches(&self, lookup: &dyn Fn(&str) -> Option<String>) -> bool {
        todo!()
    }

    pub fn is_everything(&self) -> bool {
        self.0.is_empty()
    }

    /// The value that `field` must equal, if the selector says so.
    pub fn requires_exact_match(&self, field: &str) -> Option<&str> {
        todo!()
    }
}

/// Escapes `\`, `,` and `=` in a value.
pub fn escape(value: &str) -> String {
    todo!()
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        todo!()
    }
}
