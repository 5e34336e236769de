//! Labels and label selectors: the string grammar (`app=web,tier in (a,b),!old`) and the object form.
//!
//! Models: apimachinery `pkg/labels` and `metav1.LabelSelector`.

use core::fmt;
use serde_json::Value;
use std::collections::BTreeMap;

/// Where labels are looked up: maps of strings, JSON objects, or none at all.
pub trait LabelSet {
    fn label(&self, key: &str) -> Option<&str>;
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    In,
    NotIn,
    Equals,
    DoubleEquals,
    NotEquals,
    Exists,
    DoesNotExist,
    GreaterThan,
    LessThan,
}

/// One condition on one label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requirement {
    pub key: String,
    pub operator: Operator,
    /// In the order given; printed sorted.
    pub values: Vec<String>,
}

/// Conditions that must all hold. `default()` selects everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selector {
    requirements: Vec<Requirement>,
    nothing: bool,
}

impl Requirement {
    /// Checks key, operator and values; the error is upstream's text.
    pub fn new(key: &str, operator: Operator, values: Vec<String>) -> Result<Self, String> {
        todo!()
    }

    pub fn matches(&self, labels: &dyn LabelSet) -> bool {
        todo!()
    }
}

impl Selector {
    pub fn everything() -> Self {
        Self::default()
    }

    pub fn nothing() -> Self {
        Self { requirements: Vec::new(), nothing: true }
    }

    /// Parses the string form; the error is upstream's text.
    pub fn parse(text: &str) -> Result<Self, String> {
        todo!()
    }

    /// From `metav1.LabelSelector` as JSON: null selects nothing, `{}` everything.
    pub fn from_object(selector: &Value) -> Result<Self, String> {
        todo!()
    }

    /// From a plain map, unchecked (a Service's or ReplicationController's selector). An empty map selects everything.
    pub fn from_map(map: &BTreeMap<String, String>) -> Self {
        todo!()
    }

    /// Adds a condition, keeping the conditions sorted by key.
    pub fn require(&mut self, requirement: Requirement) {
        todo!()
    }

    pub fn requirements(&self) -> &[Requirement] {
        &self.requirements
    }

    pub fn matches(&self, labels: &dyn LabelSet) -> bool {
        todo!()
    }

    /// Selects everything, for having no condition.
    pub fn is_everything(&self) -> bool {
        self.requirements.is_empty() && !self.nothing
    }

    pub fn is_nothing(&self) -> bool {
        self.nothing
    }
}

/// As kubectl's SELECTOR columns show a `metav1.LabelSelector`: `<none>`, `<error>` or the string form.
pub fn format_label_selector(selector: &Value) -> String {
    todo!()
}

/// `a=b,c=d`, or `<none>`: as kubectl's LABELS columns show labels.
pub fn format_labels(labels: &BTreeMap<String, String>) -> String {
    todo!()
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        todo!()
    }
}

impl fmt::Display for Requirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        todo!()
    }
}

impl LabelSet for BTreeMap<String, String> {
    fn label(&self, key: &str) -> Option<&str> {
        self.get(key).map(String::as_str)
    }
}

impl LabelSet for Value {
    fn label(&self, key: &str) -> Option<&str> {
        self.get(key).and_then(Value::as_str)
    }
}

impl LabelSet for serde_json::Map<String, Value> {
    fn label(&self, key: &str) -> Option<&str> {
        self.get(key).and_then(Value::as_str)
    }
}

impl<T: LabelSet> LabelSet for Option<T> {
    fn label(&self, key: &str) -> Option<&str> {
        self.as_ref().and_then(|set| set.label(key))
    }
}
