//! JSON read with Go's error words and written as Go's `encoding/json` writes it.
//!
//! Models: Go `encoding/json`, cli-runtime `pkg/printers/json.go`.

mod read;
mod wire;

use core::fmt::{self, Write as _};
pub use read::{parse, parse_prefix};
use serde_json::{Number, Value};
pub use wire::wire;

/// What Go says of a text that stops too early.
pub const UNEXPECTED_END: &str = "unexpected end of JSON input";

/// Why a text is no JSON, in Go's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    pub message: String,
    /// Bytes read before the error, as Go counts them.
    pub offset: usize,
}

/// As `kubectl -o json` prints: four spaces, sorted keys, `<`, `>`, `&` escaped, newline at the end.
pub fn pretty(value: &Value) -> String {
    let mut out = indented(value, "    ");
    out.push('\n');
    out
}

/// As Go's `json.MarshalIndent(v, "", indent)`; no newline at the end.
pub fn indented(value: &Value, indent: &str) -> String {
    let mut out = String::new();
    write(value, Some(indent), 0, &mut out);
    out
}

/// As Go's `json.Marshal`: one line, `<`, `>`, `&` escaped.
pub fn compact(value: &Value) -> String {
    let mut out = String::new();
    write(value, None, 0, &mut out);
    out
}

fn write(value: &Value, indent: Option<&str>, depth: usize, out: &mut String) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(b) => out.push_str(if *b { "true" } else { "false" }),
        Value::Number(n) => out.push_str(&format_number(n)),
        Value::String(text) => write_string(text, out),
        Value::Array(items) if items.is_empty() => out.push_str("[]"),
        Value::Object(map) if map.is_empty() => out.push_str("{}"),
        Value::Array(items) => {
            out.push('[');
            for (i, item) in items.iter().enumerate() {
                next_line(i > 0, indent, depth + 1, out);
                write(item, indent, depth + 1, out);
            }
            next_line(false, indent, depth, out);
            out.push(']');
        }
        Value::Object(map) => {
            out.push('{');
            for (i, (key, item)) in map.iter().enumerate() {
                next_line(i > 0, indent, depth + 1, out);
                write_string(key, out);
                out.push_str(if indent.is_some() { ": " } else { ":" });
                write(item, indent, depth + 1, out);
            }
            next_line(false, indent, depth, out);
            out.push('}');
        }
    }
}

fn next_line(comma: bool, indent: Option<&str>, depth: usize, out: &mut String) {
    if comma {
        out.push(',');
    }
    if let Some(indent) = indent {
        out.push('\n');
        (0..depth).for_each(|_| out.push_str(indent));
    }
}

/// A string in quotes, escaped as Go does for HTML's sake.
pub fn write_string(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\x08' => out.push_str("\\b"),
            '\x0c' => out.push_str("\\f"),
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' | '\0'..'\x20' => {
                let _ = write!(out, "\\u{:04x}", c as u32);
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

/// A number as Go's JSON has it: whole numbers without a point, exponents only for the very large and small.
pub fn format_number(n: &Number) -> String {
    match n.as_f64() {
        Some(f) if n.is_f64() => format_float(f),
        _ => n.to_string(),
    }
}

/// A value as Go's `%v` shows it: `map[a:1 b:[x y]]`.
pub fn go_display(value: &Value) -> String {
    match value {
        Value::Null => "<nil>".to_owned(),
        Value::String(text) => text.clone(),
        Value::Bool(b) => b.to_string(),
        Value::Number(n) => go_number(n),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(go_display).collect();
            format!("[{}]", items.join(" "))
        }
        Value::Object(map) => {
            let pairs: Vec<String> = map.iter().map(|(k, v)| format!("{k}:{}", go_display(v))).collect();
            format!("map[{}]", pairs.join(" "))
        }
    }
}

/// A value as Go's `%#v` shows it: `map[string]interface {}{"a":1}`.
pub fn go_syntax(value: &Value) -> String {
    match value {
        Value::Null => "interface {}(nil)".to_owned(),
        Value::String(text) => crate::field::quote(text),
        Value::Bool(b) => b.to_string(),
        Value::Number(n) => go_number(n),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(go_syntax).collect();
            format!("[]interface {{}}{{{}}}", items.join(", "))
        }
        Value::Object(map) => {
            let pair = |(k, v): (&String, &Value)| format!("{}:{}", crate::field::quote(k), go_syntax(v));
            let pairs: Vec<String> = map.iter().map(pair).collect();
            format!("map[string]interface {{}}{{{}}}", pairs.join(", "))
        }
    }
}

/// A number as Go's `%v` shows it: `1`, `1.5`, `1e+06`.
pub fn go_number(n: &Number) -> String {
    match n.as_f64() {
        Some(f) if n.is_f64() => format_float_g(f, false),
        _ => n.to_string(),
    }
}

/// A value's type as Go names it.
pub fn go_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "<nil>",
        Value::String(_) => "string",
        Value::Bool(_) => "bool",
        Value::Number(n) if n.is_f64() => "float64",
        Value::Number(_) => "int64",
        Value::Array(_) => "[]interface {}",
        Value::Object(_) => "map[string]interface {}",
    }
}

fn format_float(f: f64) -> String {
    if f == 0.0 {
        return if f.is_sign_negative() { "-0".to_owned() } else { "0".to_owned() };
    }
    let magnitude = f.abs();
    if (1e-6..1e21).contains(&magnitude) {
        return f.to_string();
    }
    // Rust writes 1e-7 and 1e21 where Go writes 1e-7 and 1e+21.
    let text = format!("{f:e}");
    if magnitude < 1.0 { text } else { text.replace('e', "e+") }
}

/// A float as Go's `strconv.FormatFloat(f, 'g', -1, 64)` has it (`narrow`: 32).
pub fn format_float_g(f: f64, narrow: bool) -> String {
    if f.is_nan() {
        return ".nan".to_owned();
    }
    if f.is_infinite() {
        return if f > 0.0 { ".inf".to_owned() } else { "-.inf".to_owned() };
    }
    if f == 0.0 {
        return if f.is_sign_negative() { "-0".to_owned() } else { "0".to_owned() };
    }
    let (scientific, plain) =
        if narrow { (format!("{:e}", f as f32), (f as f32).to_string()) } else { (format!("{f:e}"), f.to_string()) };
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..6).contains(&exponent) {
        return plain;
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}e{sign}{:02}", exponent.abs())
}

/// The JSON number for a float read from text: whole numbers that fit are integers, as they come back from Go's JSON.
/// Err: how Go shows what JSON cannot hold.
pub fn number(f: f64) -> Result<Value, &'static str> {
    if !f.is_finite() {
        return Err(if f.is_nan() {
            "NaN"
        } else if f > 0.0 {
            "+Inf"
        } else {
            "-Inf"
        });
    }
    // 2^63 is the first whole double that does not fit.
    if f.fract() == 0.0 && f.abs() < 9_223_372_036_854_775_808.0 {
        return Ok((f as i64).into());
    }
    Ok(Number::from_f64(f).into())
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn writes_as_go() {
        let value = json!({"b": [1, 2.5, {}, []], "a": "<&>\u{2028}\u{1}é\t"});
        let text = "{\n    \"a\": \"\\u003c\\u0026\\u003e\\u2028\\u0001é\\t\",\n    \"b\": [\n        1,\n        2.5,\n        {},\n        []\n    ]\n}\n";
        assert_eq!(pretty(&value), text);
        assert_eq!(compact(&json!({"a": [1, null], "b": true})), r#"{"a":[1,null],"b":true}"#);
    }

    #[test]
    fn floats() {
        for (f, shown, g) in [
            (1.0, "1", "1"),
            (0.5, "0.5", "0.5"),
            (1e21, "1e+21", "1e+21"),
            (1e20, "100000000000000000000", "1e+20"),
            (1e-7, "1e-7", "1e-07"),
            (0.0001, "0.0001", "0.0001"),
            (0.00001, "0.00001", "1e-05"),
            (1_234_567.5, "1234567.5", "1.2345675e+06"),
            (123_456.5, "123456.5", "123456.5"),
            (-2.25, "-2.25", "-2.25"),
        ] {
            assert_eq!(format_float(f), shown);
            assert_eq!(format_float_g(f, false), g);
        }
    }

    fn check(text: &str, message: &str, offset: usize) {
        let error = parse(text.as_bytes()).expect_err(text);
        assert_eq!((error.message.as_str(), error.offset), (message, offset), "{text}");
    }

    #[test]
    fn faults() {
        check("", UNEXPECTED_END, 0);
        check("{", UNEXPECTED_END, 1);
        check("x", "invalid character 'x' looking for beginning of value", 1);
        check("{a", "invalid character 'a' looking for beginning of object key string", 2);
        check("{\"a\" 1", "invalid character '1' after object key", 6);
        check("{\"a\":1 \"b\"", "invalid character '\"' after object key:value pair", 8);
        check("[1 2", "invalid character '2' after array element", 4);
        check("[1,]", "invalid character ']' looking for beginning of value", 4);
        check("{\"a\":1,}", "invalid character '}' looking for beginning of object key string", 8);
        check("1 x", "invalid character 'x' after top-level value", 3);
        check("tru", UNEXPECTED_END, 3);
        check("trux", "invalid character 'x' in literal true (expecting 'e')", 4);
        check("-x", "invalid character 'x' in numeric literal", 2);
        check("1.x", "invalid character 'x' after decimal point in numeric literal", 3);
        check("1ex", "invalid character 'x' in exponent of numeric literal", 3);
        check("\"\\q\"", "invalid character 'q' in string escape code", 3);
        check("\"\\u00x\"", "invalid character 'x' in \\u hexadecimal character escape", 6);
        check("\"\n\"", "invalid character '\\n' in string literal", 2);
        check("'", "invalid character '\\'' looking for beginning of value", 1);
        check("é", "invalid character 'Ã' looking for beginning of value", 1);
    }

    #[test]
    fn reads() {
        let text = br#" {"a":[1,-2,1.5,1e2,true,false,null,"x\u00e9\ud83d\ude00\ud800\n"],"n":9223372036854775808} "#;
        let value = parse(text).expect("valid");
        let expected =
            json!({"a": [1, -2, 1.5, 100.0, true, false, null, "xé😀\u{fffd}\n"], "n": 9223372036854775808.0});
        assert_eq!(value, expected);
        assert_eq!(parse_prefix(b"{} {}").expect("valid").map(|(_, used)| used), Some(2));
        assert_eq!(parse_prefix(b" \n"), Ok(None));
        let deep = "[".repeat(100_000);
        assert_eq!(parse(deep.as_bytes()).expect_err("too deep").message, "exceeded max depth");
    }
}
