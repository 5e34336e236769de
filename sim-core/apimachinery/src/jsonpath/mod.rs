//! Kubectl's JSONPath templates: `{range .items[*]}{.metadata.name}{"\n"}{end}`.
//!
//! Bounded: nesting of ranges and the work of one run, so that no template holds up the simulation.
//!
//! Models: client-go `util/jsonpath`, and kubectl's relaxed expressions.

mod eval;
mod parse;

use crate::json;
use core::fmt;
use parse::Node;
pub(crate) use parse::unquote;
use serde_json::Value;
use std::borrow::Cow;

/// A parsed template.
#[derive(Clone, Debug)]
pub struct JsonPath {
    nodes: Vec<Node>,
    allow_missing_keys: bool,
}

/// In upstream's words, without any `error: ` before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error(pub String);

impl JsonPath {
    pub fn parse(template: &str) -> Result<Self, Error> {
        Ok(Self { nodes: parse::template(template)?, allow_missing_keys: false })
    }

    /// Missing fields give nothing instead of an error.
    #[must_use]
    pub fn allow_missing_keys(mut self, allow: bool) -> Self {
        self.allow_missing_keys = allow;
        self
    }

    /// Runs the template and prints the results as kubectl does.
    pub fn print(&self, data: &Value) -> Result<String, Error> {
        let mut out = String::new();
        for results in self.run(data)? {
            for (i, result) in results.iter().enumerate() {
                out.push_str(if i > 0 { " " } else { "" });
                out.push_str(&print_value(result));
            }
        }
        Ok(out)
    }

    /// The results of each `{…}` of the template, in order.
    pub fn find(&self, data: &Value) -> Result<Vec<Vec<Value>>, Error> {
        let all = self.run(data)?;
        Ok(all.into_iter().map(|results| results.into_iter().map(Cow::into_owned).collect()).collect())
    }

    fn run<'a>(&self, data: &'a Value) -> Result<Vec<Vec<Cow<'a, Value>>>, Error> {
        eval::run(&self.nodes, self.allow_missing_keys, data)
    }
}

/// Makes `x.y`, `.x.y`, `{x.y}` or `{.x.y}` into `{.x.y}`: custom columns and --sort-by.
pub fn relaxed(expression: &str) -> Result<String, Error> {
    if expression.is_empty() {
        return Ok(String::new());
    }
    let braced = expression.strip_prefix('{').and_then(|e| e.strip_suffix('}'));
    let path = braced.unwrap_or(expression);
    // A lone point is a path of its own, not a prefix.
    let path = path.strip_prefix('.').filter(|p| !p.is_empty()).unwrap_or(path);
    if path.is_empty() || path.contains(['{', '}']) {
        let words =
            "unexpected path string, expected a 'name1.name2' or '.name1.name2' or '{name1.name2}' or '{.name1.name2}'";
        return Err(Error(words.to_owned()));
    }
    Ok(format!("{{.{path}}}"))
}

/// One result as text: strings bare, objects and lists as JSON.
pub fn print_value(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::String(text) => text.clone(),
        Value::Bool(b) => b.to_string(),
        Value::Number(n) => json::go_number(n),
        Value::Array(_) | Value::Object(_) => json::compact(value),
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn data() -> Value {
        json!({
            "kind": "List", "n": 5, "f": 1.5, "big": 1_000_000.0, "nil": null, "t": true,
            "labels": {"app.kubernetes.io/name": "x", "a": "<1>"},
            "items": [
                {"metadata": {"name": "a"}, "status": {"capacity": 4}, "c": [{"type": "Ready", "status": "True"}]},
                {"metadata": {"name": "b", "ns": "q"}, "status": {"capacity": 8}, "c": []},
            ],
            "users": [{"name": "u1", "user": {}}, {"name": "u2", "user": {"password": "s"}}],
        })
    }

    fn check(template: &str, expected: Result<&str, &str>) {
        let printed = JsonPath::parse(template).and_then(|path| path.print(&data()));
        assert_eq!(printed.as_deref().map_err(|e| e.0.as_str()), expected, "{template}");
    }

    #[test]
    fn prints() {
        for (template, expected) in [
            ("{.kind}", "List"),
            ("kind is {.kind}.", "kind is List."),
            ("{$.kind}{@.n}", "List5"),
            ("{.items[*].metadata.name}", "a b"),
            ("{.items[0].metadata.name}", "a"),
            ("{.items[-1].metadata.name}", "b"),
            ("{.items[0:1].metadata.name}", "a"),
            ("{.items[:].metadata.name}", "a b"),
            ("{.items[::2].metadata.name}", "a"),
            ("{.items[0,1].metadata.name}", "a b"),
            ("{.items[*]['metadata.name', 'status.capacity']}", "a b 4 8"),
            ("{..name}", "a b u1 u2"),
            ("{.users[?(@.name==\"u2\")].user.password}", "s"),
            ("{.users[?(@.user.password)].name}", "u2"),
            ("{.items[?(@.status.capacity>4)].metadata.name}", "b"),
            ("{.items[?(@.status.capacity<=4)].metadata.name}", "a"),
            ("{.items[?(@.status.capacity!=4)].metadata.name}", "b"),
            ("{range .items[*]}[{.metadata.name}, {.status.capacity}] {end}", "[a, 4] [b, 8] "),
            ("{range .items[*]}{.metadata.name}:{range .c[*]}x{end};{end}!", "a:x;b:;!"),
            ("{.labels.app\\.kubernetes\\.io/name}", "x"),
            ("{.labels['app\\.kubernetes\\.io/name']}", "x"),
            ("{.labels}", "{\"a\":\"\\u003c1\\u003e\",\"app.kubernetes.io/name\":\"x\"}"),
            ("{.f} {.big} {.nil} {.t}", "1.5 1e+06 null true"),
            ("{\"a\\tb\"}{'q'}", "a\tbq"),
            ("{.items[0].c[?(@.type==\"Ready\")].status}", "True"),
            ("{.items[*].metadata}", "{\"name\":\"a\"} {\"name\":\"b\",\"ns\":\"q\"}"),
            ("", ""),
            ("{}", "{data}"),
        ] {
            let expected = expected.replace("{data}", &json::compact(&data()));
            check(template, Ok(&expected));
        }
    }

    #[test]
    fn complains() {
        for (template, expected) in [
            ("{.nope}", "nope is not found"),
            ("{.items[5]}", "array index out of bounds: index 5, length 2"),
            ("{.items[0", "unterminated array"),
            ("{.items[x]}", "invalid array index x"),
            ("{.kind", "unclosed action"),
            ("{foo}", "unrecognized identifier foo"),
            ("{end}", "not in range, nothing to end"),
            ("{.kind[0]}", "string is not array or slice"),
            ("{.labels[?(@.a)]}", "map[a:<1> app.kubernetes.io/name:x] is not array or slice and cannot be filtered"),
            ("{\"abc}", "unterminated quoted string"),
            ("{.items[?(@.x==1)}", "unclosed array expect ]"),
            ("{.items[?(@.x==1", "unterminated filter"),
            ("{!}", "unrecognized character in action: U+0021 '!'"),
            ("{....x}", "invalid multiple recursive descent"),
            ("{1.2.3}", "cannot parse number 1.2.3"),
            ("{.items[?(@.status.capacity==\"4\")]}", "incompatible types for comparison"),
            ("{.items[1:0]}", "starting index 1 is greater than ending index 0"),
        ] {
            check(template, Err(expected));
        }
    }

    #[test]
    fn missing_keys_allowed() {
        let path = JsonPath::parse("{.nope.deeper}{range .none[*]}{.x}{end}.").expect("valid").allow_missing_keys(true);
        assert_eq!(path.print(&data()).as_deref(), Ok("."));
    }

    #[test]
    fn relaxes() {
        for (text, expected) in [("a.b", "{.a.b}"), (".a", "{.a}"), ("{a}", "{.a}"), ("{.a[0]}", "{.a[0]}"), ("", "")] {
            assert_eq!(relaxed(text).as_deref(), Ok(expected));
        }
        assert!(relaxed("{a").is_err());
        assert!(relaxed("{}").is_err());
    }

    #[test]
    fn junk_never_panics_nor_hangs() {
        const PIECES: [&str; 24] = [
            "{", "}", "[", "]", "range ", "end", ".items", "[*]", "..", ".c", "[?(", ")]", "@", "==", "\"", "'", ",",
            ":", "-1", "0", "$", "*", "\\", " é",
        ];
        let mut rng = crate::rng::Rng::derive(13, "jsonpath", "", 0);
        let data = data();
        for _ in 0..20_000 {
            let template: String = (0..rng.below(14)).map(|_| PIECES[rng.below(24) as usize]).collect();
            if let Ok(path) = JsonPath::parse(&template) {
                let _ = path.print(&data);
            }
        }
        let nested = "{range ..}".repeat(40);
        assert!(JsonPath::parse(&nested).expect("valid").print(&data).is_err());
    }
}
