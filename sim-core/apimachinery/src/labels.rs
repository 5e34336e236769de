//! Labels and label selectors: the string grammar (`app=web,tier in (a,b),!old`) and the object form.
//!
//! Models: apimachinery `pkg/labels` and `metav1.LabelSelector`.

use crate::field::{Error, ErrorList, Path, quote};
use crate::names;
use crate::order::Order as _;
use core::fmt;
use serde_json::Value;
use std::collections::BTreeMap;

mod parse;

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
        let mut errors = ErrorList::default();
        if let Some(fault) = key_fault(key) {
            errors.push(Error::invalid(&Path::new("key"), key, fault));
        }
        let path = Path::new("values");
        if let Some(fault) = count_fault(operator, values.len()) {
            let list: Vec<String> = values.iter().map(|v| quote(v)).collect();
            // An absent list of values is shown as Go's nil.
            let shown = if list.is_empty() { "[]".to_owned() } else { format!("[{}]", list.join(",")) };
            errors.push(Error::invalid_raw(&path, shown, fault));
        }
        if matches!(operator, Operator::GreaterThan | Operator::LessThan) {
            for (i, value) in values.iter().enumerate().filter(|(_, v)| v.parse::<i64>().is_err()) {
                let fault = "for 'Gt', 'Lt' operators, the value must be an integer";
                errors.push(Error::invalid(&path.index(i), value, fault));
            }
        }
        for (i, value) in values.iter().enumerate() {
            let faults = names::label_value(value);
            if !faults.is_empty() {
                errors.push(Error::invalid(&path.index(i).key(key), value, faults.join("; ")));
            }
        }
        if errors.is_empty() { Ok(Self { key: key.to_owned(), operator, values }) } else { Err(errors.aggregate()) }
    }

    pub fn matches(&self, labels: &dyn LabelSet) -> bool {
        let found = labels.label(&self.key);
        let has = |value: &str| self.values.iter().any(|v| v == value);
        match self.operator {
            Operator::In | Operator::Equals | Operator::DoubleEquals => found.is_some_and(has),
            Operator::NotIn | Operator::NotEquals => !found.is_some_and(has),
            Operator::Exists => found.is_some(),
            Operator::DoesNotExist => found.is_none(),
            Operator::GreaterThan => self.compares(found, |label, limit| label > limit),
            Operator::LessThan => self.compares(found, |label, limit| label < limit),
        }
    }

    fn compares(&self, found: Option<&str>, holds: fn(i64, i64) -> bool) -> bool {
        let [limit] = self.values.as_slice() else { return false };
        let label = found.and_then(|text| text.parse().ok());
        matches!((label, limit.parse().ok()), (Some(label), Some(limit)) if holds(label, limit))
    }
}

fn key_fault(key: &str) -> Option<String> {
    let faults = names::qualified_name(key);
    (!faults.is_empty()).then(|| faults.join("; "))
}

fn count_fault(operator: Operator, count: usize) -> Option<&'static str> {
    match operator {
        Operator::In | Operator::NotIn if count == 0 => Some("for 'in', 'notin' operators, values set can't be empty"),
        Operator::Equals | Operator::DoubleEquals | Operator::NotEquals if count != 1 => {
            Some("exact-match compatibility requires one single value")
        }
        Operator::Exists | Operator::DoesNotExist if count != 0 => {
            Some("values set must be empty for exists and does not exist")
        }
        Operator::GreaterThan | Operator::LessThan if count != 1 => {
            Some("for 'Gt', 'Lt' operators, exactly one value is required")
        }
        _ => None,
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
        let mut out = Self::everything();
        parse::requirements(text)?.into_iter().for_each(|requirement| out.require(requirement));
        Ok(out)
    }

    /// From `metav1.LabelSelector` as JSON: null selects nothing, `{}` everything.
    pub fn from_object(selector: &Value) -> Result<Self, String> {
        if selector.is_null() {
            return Ok(Self::nothing());
        }
        let mut out = Self::everything();
        for (key, value) in selector.get("matchLabels").and_then(Value::as_object).into_iter().flatten() {
            let value = value.as_str().unwrap_or_default().to_owned();
            out.require(Requirement::new(key, Operator::Equals, vec![value])?);
        }
        for expression in selector.get("matchExpressions").and_then(Value::as_array).into_iter().flatten() {
            let text = |field: &str| expression.get(field).and_then(Value::as_str).unwrap_or_default();
            let operator = match text("operator") {
                "In" => Operator::In,
                "NotIn" => Operator::NotIn,
                "Exists" => Operator::Exists,
                "DoesNotExist" => Operator::DoesNotExist,
                other => return Err(format!("{} is not a valid label selector operator", quote(other))),
            };
            let values = expression.get("values").and_then(Value::as_array).into_iter().flatten();
            let values = values.map(|v| v.as_str().unwrap_or_default().to_owned()).collect();
            out.require(Requirement::new(text("key"), operator, values)?);
        }
        Ok(out)
    }

    /// From a plain map, unchecked (a Service's or ReplicationController's selector). An empty map selects everything.
    pub fn from_map(map: &BTreeMap<String, String>) -> Self {
        let requirement = |(key, value): (&String, &String)| Requirement {
            key: key.clone(),
            operator: Operator::Equals,
            values: vec![value.clone()],
        };
        Self { requirements: map.iter().map(requirement).collect(), nothing: false }
    }

    /// Adds a condition, keeping the conditions sorted by key.
    pub fn require(&mut self, requirement: Requirement) {
        let at = self.requirements.partition_point(|r| r.key <= requirement.key);
        self.requirements.insert(at, requirement);
    }

    pub fn requirements(&self) -> &[Requirement] {
        &self.requirements
    }

    pub fn matches(&self, labels: &dyn LabelSet) -> bool {
        !self.nothing && self.requirements.iter().all(|r| r.matches(labels))
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
    match Selector::from_object(selector) {
        Err(_) => "<error>".to_owned(),
        Ok(s) if s.requirements.is_empty() => "<none>".to_owned(),
        Ok(s) => s.to_string(),
    }
}

/// `a=b,c=d`, or `<none>`: as kubectl's LABELS columns show labels.
pub fn format_labels(labels: &BTreeMap<String, String>) -> String {
    if labels.is_empty() {
        return "<none>".to_owned();
    }
    let pairs: Vec<String> = labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
    pairs.join(",")
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, requirement) in self.requirements.iter().enumerate() {
            f.write_str(if i > 0 { "," } else { "" })?;
            requirement.fmt(f)?;
        }
        Ok(())
    }
}

impl fmt::Display for Requirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (open, close) = match self.operator {
            Operator::Exists => return f.write_str(&self.key),
            Operator::DoesNotExist => return write!(f, "!{}", self.key),
            Operator::In => (" in (", ")"),
            Operator::NotIn => (" notin (", ")"),
            Operator::Equals => ("=", ""),
            Operator::DoubleEquals => ("==", ""),
            Operator::NotEquals => ("!=", ""),
            Operator::GreaterThan => (">", ""),
            Operator::LessThan => ("<", ""),
        };
        let mut values = self.values.clone();
        values.order();
        write!(f, "{}{open}{}{close}", self.key, values.join(","))
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

impl<T: LabelSet + ?Sized> LabelSet for &T {
    fn label(&self, key: &str) -> Option<&str> {
        (**self).label(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(text: &str, expected: Result<&str, &str>) {
        let shown = Selector::parse(text).map(|s| s.to_string());
        assert_eq!(shown.as_deref().map_err(String::as_str), expected, "{text}");
    }

    #[test]
    fn reads_and_prints() {
        check("", Ok(""));
        check("app=web", Ok("app=web"));
        check(" tier , app == web ", Ok("app==web,tier"));
        check("x in (b,a),!y", Ok("x in (a,b),!y"));
        check("x notin ()", Ok("x notin ()"));
        check("x in (a,,b)", Ok("x in (,a,b)"));
        check("x=,y", Ok("x=,y"));
        check("x>1,y<2", Ok("x>1,y<2"));
        check("in in (in)", Ok("in in (in)"));
    }

    #[test]
    fn faults() {
        check("a,", Err("found '', expected: identifier after ','"));
        check(
            "x=a||y=b",
            Err(
                "unable to parse requirement: values[0][x]: Invalid value: \"a||y\": a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')",
            ),
        );
        check("x in a", Err("unable to parse requirement: found 'a' expected: '('"));
        check("x in (a", Err("unable to parse requirement: found '', expected: ',' or ')'"));
        check("x y", Err("unable to parse requirement: found 'y', expected: in, notin, =, ==, !=, gt, lt"));
        check("=a", Err("found '=', expected: !, identifier, or 'end of string'"));
        check("!", Err("unable to parse requirement: found '', expected: identifier"));
        check("a b c)", Err("unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt"));
        check(
            "x>a",
            Err(
                "unable to parse requirement: values[0]: Invalid value: \"a\": for 'Gt', 'Lt' operators, the value must be an integer",
            ),
        );
        check(
            "a/b/c",
            Err(
                "unable to parse requirement: <nil>: Invalid value: \"a/b/c\": a valid label key must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]') with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')",
            ),
        );
    }

    #[test]
    fn matches() {
        let labels = json!({"app": "web", "n": "5"});
        for (text, hit) in [
            ("", true),
            ("app=web", true),
            ("app!=web", false),
            ("app in (db,web)", true),
            ("other notin (x)", true),
            ("!other", true),
            ("app,!n", false),
            ("n>4,n<6", true),
            ("app>1", false),
        ] {
            assert_eq!(Selector::parse(text).expect(text).matches(&labels), hit, "{text}");
        }
        assert!(!Selector::nothing().matches(&labels));
    }

    #[test]
    fn object_form() {
        let object = json!({"matchLabels": {"b": "1", "a": "2"},
            "matchExpressions": [{"key": "aa", "operator": "In", "values": ["y", "x"]}, {"key": "c", "operator": "Exists"}]});
        assert_eq!(format_label_selector(&object), "a=2,aa in (x,y),b=1,c");
        assert_eq!(format_label_selector(&Value::Null), "<none>");
        assert_eq!(format_label_selector(&json!({"matchExpressions": [{"key": "a", "operator": "Is"}]})), "<error>");
        let error = Selector::from_object(&json!({"matchExpressions": [{"key": "a", "operator": "Is"}]}));
        assert_eq!(error, Err("\"Is\" is not a valid label selector operator".to_owned()));
        assert!(Selector::from_object(&json!({})).expect("empty").is_everything());
        assert!(Selector::from_object(&Value::Null).expect("null").is_nothing());
    }
}
