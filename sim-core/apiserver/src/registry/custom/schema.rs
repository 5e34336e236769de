//! Structural schemas at work: what they do not know is pruned, what they have a default for is filled in.
//!
//! Models: apiextensions-apiserver `pkg/apiserver/schema/{pruning,defaulting}`. Schemas stay JSON, as the definition has
//! them. Recursion is bounded by the depth of the object, which the door bounds.

use serde_json::Value;

const PRESERVE: &str = "x-kubernetes-preserve-unknown-fields";
const EMBEDDED: &str = "x-kubernetes-embedded-resource";

/// The schema of a member: declared, or that of every member.
pub fn member<'s>(schema: &'s Value, name: &str) -> Option<&'s Value> {
    let declared = schema.get("properties").and_then(|p| p.get(name));
    declared.or_else(|| schema.get("additionalProperties").filter(|a| a.is_object()))
}

/// Drops what the schema does not know; `unknown` gets `unknown field "a.b"` for each.
pub fn prune(value: &mut Value, schema: &Value, path: &str, root: bool, unknown: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            let keep = schema[PRESERVE] == true || schema["additionalProperties"] == true;
            let typed = root || schema[EMBEDDED] == true;
            map.retain(|name, inner| {
                if typed && matches!(name.as_str(), "apiVersion" | "kind" | "metadata") {
                    return true;
                }
                let at = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                match member(schema, name) {
                    Some(schema) => prune(inner, schema, &at, false, unknown),
                    None if keep => {}
                    None => {
                        unknown.push(format!("unknown field {}", apimachinery::field::quote(&at)));
                        return false;
                    }
                }
                true
            });
        }
        Value::Array(items) => {
            let Some(schema) = schema.get("items") else { return };
            for (i, item) in items.iter_mut().enumerate() {
                prune(item, schema, &format!("{path}[{i}]"), false, unknown);
            }
        }
        _ => {}
    }
}

/// Fills in defaults, also below what was filled in.
pub fn default(value: &mut Value, schema: &Value) {
    match value {
        Value::Object(map) => {
            for (name, schema) in schema["properties"].as_object().into_iter().flatten() {
                let Some(default) = schema.get("default").filter(|d| !d.is_null()) else { continue };
                let unset = match map.get(name) {
                    None => true,
                    // A null where none may be is as good as nothing.
                    Some(value) => value.is_null() && schema["nullable"] != true,
                };
                if unset {
                    map.insert(name.clone(), default.clone());
                }
            }
            for (name, inner) in map.iter_mut() {
                if let Some(schema) = member(schema, name) {
                    self::default(inner, schema);
                }
            }
        }
        Value::Array(items) => {
            if let Some(schema) = schema.get("items") {
                items.iter_mut().for_each(|item| default(item, schema));
            }
        }
        _ => {}
    }
}

/// Whether any part of a schema has one of these keywords, as keyword and not as the name of a field.
pub fn uses(schema: &Value, keyword: &str) -> bool {
    schema.get(keyword).is_some_and(|k| !k.is_null())
        || schema["properties"].as_object().into_iter().flatten().any(|(_, s)| uses(s, keyword))
        || ["items", "additionalProperties", "not"].iter().any(|k| schema.get(*k).is_some_and(|s| uses(s, keyword)))
        || ["allOf", "anyOf", "oneOf"]
            .iter()
            .any(|k| schema[*k].as_array().into_iter().flatten().any(|s| uses(s, keyword)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn prunes_and_defaults() {
        let schema = json!({"type": "object", "properties": {
            "spec": {"type": "object", "default": {}, "properties": {
                "size": {"type": "integer", "default": 3},
                "list": {"type": "array", "items": {"type": "object", "properties": {"a": {"type": "string"}}}},
                "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": true},
                "labels": {"type": "object", "additionalProperties": {"type": "string"}}}}}});
        for (given, kept, complaints) in [
            (
                json!({"kind": "X", "metadata": {"q": 1}}),
                json!({"kind": "X", "metadata": {"q": 1}, "spec": {"size": 3}}),
                vec![],
            ),
            (
                json!({"spec": {"size": null, "list": [{"a": "1", "b": 2}], "no": 1}}),
                json!({"spec": {"size": 3, "list": [{"a": "1"}]}}),
                vec!["unknown field \"spec.list[0].b\"", "unknown field \"spec.no\""],
            ),
            (
                json!({"spec": {"size": 1, "free": {"x": {}}, "labels": {"k": "v"}}}),
                json!({"spec": {"size": 1, "free": {"x": {}}, "labels": {"k": "v"}}}),
                vec![],
            ),
        ] {
            let (mut value, mut unknown) = (given.clone(), Vec::new());
            prune(&mut value, &schema, "", true, &mut unknown);
            default(&mut value, &schema);
            assert_eq!(value, kept, "{given}");
            assert_eq!(unknown, complaints, "{given}");
        }
    }
}
