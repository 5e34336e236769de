//! A value against its schema, in upstream's words.
//!
//! Models: kube-openapi `pkg/validation/validate` with apiextensions-apiserver `pkg/apiserver/validation`. Not checked:
//! `pattern`, formats beyond a few, and `x-kubernetes-validations`; a definition that uses them is answered with a warning.

use apimachinery::field::{Error, ErrorKind, ErrorList, quote};
use serde_json::Value;

/// Checks `value` and everything in it; `path` is empty at the root.
pub fn validate(value: &Value, schema: &Value, path: &str, errors: &mut ErrorList) {
    if value.is_null() && schema["nullable"] == true {
        return;
    }
    if let Some(expected) = mistyped(value, schema) {
        let is = quote(type_of(value));
        let detail = format!("{} in body must be of type {expected}: {is}", shown(path));
        push(errors, ErrorKind::TypeInvalid, path, is, detail);
        return;
    }
    combined(value, schema, path, errors);
    match value {
        Value::String(text) => string(text, schema, path, errors),
        Value::Number(n) => number(n.as_f64().unwrap_or(0.0), value, schema, path, errors),
        Value::Array(items) => list(items, schema, path, errors),
        _ => {}
    }
    if let Some(allowed) = schema["enum"].as_array()
        && !allowed.contains(value)
    {
        let texts: Vec<String> =
            allowed.iter().map(|v| quote(&v.as_str().map_or_else(|| v.to_string(), str::to_owned))).collect();
        let detail = format!("supported values: {}", texts.join(", "));
        push(errors, ErrorKind::NotSupported, path, show(value), detail);
    }
    if let Value::Object(map) = value {
        let limit = |key: &str| schema[key].as_u64().and_then(|n| usize::try_from(n).ok());
        if let Some(min) = limit("minProperties").filter(|min| map.len() < *min) {
            invalid(errors, path, map.len().to_string(), &format!("should have at least {min} properties"));
        }
        if let Some(max) = limit("maxProperties").filter(|max| map.len() > *max) {
            let detail = format!("must have at most {max} {}", if max == 1 { "item" } else { "items" });
            push(errors, ErrorKind::TooMany, path, map.len().to_string(), detail);
        }
        for (name, inner) in map {
            if path.is_empty() && matches!(name.as_str(), "apiVersion" | "kind" | "metadata") {
                continue;
            }
            if let Some(schema) = super::schema::member(schema, name) {
                validate(inner, schema, &join(path, name), errors);
            }
        }
        for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            if !map.contains_key(name) {
                push(errors, ErrorKind::Required, &join(path, name), String::new(), String::new());
            }
        }
    }
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

/// How the root is called.
fn shown(path: &str) -> &str {
    if path.is_empty() { "<nil>" } else { path }
}

/// A value as errors show it.
fn show(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), quote)
}

fn push(errors: &mut ErrorList, kind: ErrorKind, path: &str, value: String, detail: String) {
    errors.push(Error { kind, field: shown(path).to_owned(), value, detail });
}

fn invalid(errors: &mut ErrorList, path: &str, value: String, words: &str) {
    push(errors, ErrorKind::Invalid, path, value, format!("{} in body {words}", shown(path)));
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(n) if n.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// The type that the value should have had, if it has another.
fn mistyped(value: &Value, schema: &Value) -> Option<&'static str> {
    if schema["x-kubernetes-int-or-string"] == true {
        return (!value.is_string() && !value.is_i64() && !value.is_u64()).then_some("integer,string");
    }
    let whole = value.as_f64().is_some_and(|n| n.fract() == 0.0);
    let (fits, name) = match schema["type"].as_str()? {
        "integer" => (whole, "integer"),
        "number" => (value.is_number(), "number"),
        "boolean" => (value.is_boolean(), "boolean"),
        "string" => (value.is_string(), "string"),
        "array" => (value.is_array(), "array"),
        "object" => (value.is_object(), "object"),
        _ => return None,
    };
    (!fits).then_some(name)
}

fn string(text: &str, schema: &Value, path: &str, errors: &mut ErrorList) {
    let length = text.chars().count() as u64;
    if let Some(max) = schema["maxLength"].as_u64().filter(|max| length > *max) {
        let unit = if max == 1 { "byte" } else { "bytes" };
        push(errors, ErrorKind::TooLong, path, String::new(), format!("may not be more than {max} {unit}"));
    }
    if let Some(min) = schema["minLength"].as_u64().filter(|min| length < *min) {
        invalid(errors, path, quote(text), &format!("should be at least {min} chars long"));
    }
    let format = schema["format"].as_str().unwrap_or_default();
    let fits = match format {
        "date-time" => text.parse::<jiff::Timestamp>().is_ok(),
        "ipv4" => text.parse::<std::net::Ipv4Addr>().is_ok(),
        "ipv6" => text.parse::<std::net::Ipv6Addr>().is_ok(),
        _ => true,
    };
    if !fits {
        invalid(errors, path, quote(text), &format!("must be of type {format}: {}", quote(text)));
    }
}

fn number(n: f64, value: &Value, schema: &Value, path: &str, errors: &mut ErrorList) {
    let value = value.to_string();
    if let Some(factor) = schema["multipleOf"].as_f64().filter(|f| *f > 0.0 && (n / f).fract() != 0.0) {
        invalid(errors, path, value.clone(), &format!("should be a multiple of {factor}"));
    }
    if let Some(max) = schema["maximum"].as_f64() {
        if schema["exclusiveMaximum"] == true && n >= max {
            invalid(errors, path, value.clone(), &format!("should be less than {max}"));
        } else if n > max {
            invalid(errors, path, value.clone(), &format!("should be less than or equal to {max}"));
        }
    }
    if let Some(min) = schema["minimum"].as_f64() {
        if schema["exclusiveMinimum"] == true && n <= min {
            invalid(errors, path, value, &format!("should be greater than {min}"));
        } else if n < min {
            invalid(errors, path, value, &format!("should be greater than or equal to {min}"));
        }
    }
}

fn list(items: &[Value], schema: &Value, path: &str, errors: &mut ErrorList) {
    if let Some(schema) = schema.get("items").filter(|s| s.is_object()) {
        for (i, item) in items.iter().enumerate() {
            validate(item, schema, &format!("{path}[{i}]"), errors);
        }
    }
    let count = items.len();
    if let Some(min) = schema["minItems"].as_u64().filter(|min| (count as u64) < *min) {
        invalid(errors, path, count.to_string(), &format!("should have at least {min} items"));
    }
    if let Some(max) = schema["maxItems"].as_u64().filter(|max| (count as u64) > *max) {
        let detail = format!("must have at most {max} {}", if max == 1 { "item" } else { "items" });
        push(errors, ErrorKind::TooMany, path, count.to_string(), detail);
    }
    unique(items, schema, path, errors);
}

/// Lists that are sets, or maps by key.
fn unique(items: &[Value], schema: &Value, path: &str, errors: &mut ErrorList) {
    let keys: Vec<&str> =
        schema["x-kubernetes-list-map-keys"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let identity = |item: &Value| match schema["x-kubernetes-list-type"].as_str() {
        Some("set") => Some(item.clone()),
        Some("map") => {
            let pairs = keys.iter().filter_map(|k| Some(((*k).to_owned(), item.get(*k)?.clone())));
            Some(Value::Object(pairs.collect()))
        }
        _ => None,
    };
    let mut seen: Vec<Value> = Vec::new();
    for (i, item) in items.iter().enumerate() {
        let Some(id) = identity(item) else { return };
        if seen.contains(&id) {
            push(errors, ErrorKind::Duplicate, &format!("{path}[{i}]"), show(&id), String::new());
        } else {
            seen.push(id);
        }
    }
}

/// `allOf`, `anyOf`, `oneOf`, `not`.
fn combined(value: &Value, schema: &Value, path: &str, errors: &mut ErrorList) {
    let alternatives = |key: &str| schema[key].as_array().map(Vec::as_slice).unwrap_or_default();
    let complaints = |schema: &Value| {
        let mut found = ErrorList::default();
        validate(value, schema, path, &mut found);
        found
    };
    let mut say = |words: &str| {
        push(errors, ErrorKind::Invalid, path, "\"\"".into(), format!("{} {words}", quote(shown(path))));
    };
    let any = alternatives("anyOf");
    if !any.is_empty() && any.iter().all(|s| !complaints(s).is_empty()) {
        say("must validate at least one schema (anyOf)");
    }
    let one = alternatives("oneOf");
    match one.iter().filter(|s| complaints(s).is_empty()).count() {
        0 if !one.is_empty() => say("must validate one and only one schema (oneOf). Found none valid"),
        0 | 1 => {}
        n => say(&format!("must validate one and only one schema (oneOf). Found {n} valid alternatives")),
    }
    let all = alternatives("allOf");
    if all.iter().any(|s| !complaints(s).is_empty()) {
        say("must validate all the schemas (allOf)");
    }
    if schema.get("not").is_some_and(|s| s.is_object() && complaints(s).is_empty()) {
        say("must not validate the schema (not)");
    }
    for schema in all.iter().chain(any.iter().take(usize::from(any.len() == 1))) {
        errors.extend(complaints(schema).0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(schema: Value, value: Value, expected: &[&str]) {
        let mut errors = ErrorList::default();
        validate(&value, &schema, "spec", &mut errors);
        let texts: Vec<String> = errors.0.iter().map(ToString::to_string).collect();
        assert_eq!(texts, expected, "{value}");
    }

    #[test]
    fn speaks_as_upstream() {
        let boat = json!({"type": "object", "required": ["sails"], "properties": {
            "sails": {"type": "integer", "minimum": 1, "maximum": 5}, "rig": {"type": "string", "enum": ["sloop", "ketch"]}}});
        check(boat.clone(), json!({"sails": 1, "rig": "ketch"}), &[]);
        check(boat.clone(), json!({}), &["spec.sails: Required value"]);
        check(
            boat.clone(),
            json!({"sails": 9, "rig": "catamaran"}),
            &[
                "spec.rig: Unsupported value: \"catamaran\": supported values: \"sloop\", \"ketch\"",
                "spec.sails: Invalid value: 9: spec.sails in body should be less than or equal to 5",
            ],
        );
        check(
            boat,
            json!({"sails": "two"}),
            &["spec.sails: Invalid value: \"string\": spec.sails in body must be of type integer: \"string\""],
        );
        check(
            json!({"type": "array", "minItems": 3, "x-kubernetes-list-type": "set", "items": {"type": "string"}}),
            json!(["a", "a"]),
            &["spec: Invalid value: 2: spec in body should have at least 3 items", "spec[1]: Duplicate value: \"a\""],
        );
        check(json!({"x-kubernetes-int-or-string": true}), json!("50%"), &[]);
    }
}
