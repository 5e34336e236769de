//! JSON patch (RFC 6902): a list of operations.
//!
//! Models: evanphx/json-patch version 4 as the API server uses it, its leniencies included: replacing a missing key of
//! an object adds it, negative indices count from the end.

use super::Error;
use serde_json::Value;

/// More operations than this are refused by the API server.
pub const OPERATIONS_MAX: usize = 10_000;

/// Applies all operations, or none.
pub fn apply(document: &Value, patch: &Value) -> Result<Value, Error> {
    let Value::Array(operations) = patch else {
        let found = match patch {
            Value::Object(_) => "object",
            Value::String(_) => "string",
            Value::Number(_) => "number",
            Value::Bool(_) => "bool",
            _ => return Ok(document.clone()),
        };
        return Err(Error(format!("json: cannot unmarshal {found} into Go value of type jsonpatch.Patch")));
    };
    if operations.len() > OPERATIONS_MAX {
        let count = operations.len();
        return fail(format!("The allowed maximum operations in a JSON patch is {OPERATIONS_MAX}, got {count}"));
    }
    let mut out = document.clone();
    for operation in operations {
        let Value::Object(fields) = operation else {
            return fail("json: cannot unmarshal array into Go value of type jsonpatch.Operation");
        };
        let text = |name: &str| fields.get(name).and_then(Value::as_str);
        let operation = Operation { path: text("path"), from: text("from"), value: fields.get("value") };
        match text("op").unwrap_or("unknown") {
            "add" => operation.add(&mut out)?,
            "remove" => operation.remove(&mut out)?,
            "replace" => operation.replace(&mut out)?,
            "move" => operation.relocate(&mut out, true)?,
            "copy" => operation.relocate(&mut out, false)?,
            "test" => operation.test(&out)?,
            other => return fail(format!("Unexpected kind: {other}")),
        }
    }
    Ok(out)
}

fn fail<T>(message: impl Into<String>) -> Result<T, Error> {
    Err(Error(message.into()))
}

struct Operation<'a> {
    path: Option<&'a str>,
    from: Option<&'a str>,
    value: Option<&'a Value>,
}

/// The container a path leads to, and the last step as written.
fn find<'a>(document: &'a mut Value, path: &str) -> Option<(&'a mut Value, String)> {
    let mut steps: Vec<String> = path.split('/').map(|s| s.replace("~1", "/").replace("~0", "~")).collect();
    let last = if steps.len() < 2 { return None } else { steps.pop()? };
    let mut here = document;
    for step in &steps[1..] {
        here = match here {
            Value::Object(map) => map.get_mut(step)?,
            Value::Array(items) => {
                let at = place(step, items.len()).ok()?;
                items.get_mut(at)?
            }
            _ => return None,
        };
    }
    matches!(here, Value::Object(_) | Value::Array(_)).then_some((here, last))
}

/// An index into a list of `length`; negative ones count from the end.
fn place(step: &str, length: usize) -> Result<usize, String> {
    let index: i64 = step.parse().map_err(|_| format!("strconv.Atoi: parsing \"{step}\": invalid syntax"))?;
    let at = if index < 0 { index + length as i64 } else { index };
    if (0..length as i64).contains(&at) {
        Ok(at as usize)
    } else {
        Err(format!("Unable to access invalid index: {index}: invalid index referenced"))
    }
}

fn get(container: &Value, step: &str) -> Result<Option<Value>, String> {
    match container {
        Value::Array(items) => place(step, items.len()).map(|at| items.get(at).cloned()),
        _ => Ok(container.get(step).cloned()),
    }
}

fn insert(container: &mut Value, step: String, value: Value) -> Result<(), String> {
    match container {
        Value::Object(map) => {
            map.insert(step, value);
        }
        Value::Array(items) if step == "-" => items.push(value),
        Value::Array(items) => {
            if step.parse::<i64>().is_err() {
                let cause = format!("strconv.Atoi: parsing \"{step}\": invalid syntax");
                return Err(format!("value was not a proper array index: '{step}': {cause}"));
            }
            let at = place(&step, items.len() + 1)?;
            items.insert(at, value);
        }
        _ => {}
    }
    Ok(())
}

fn take(container: &mut Value, step: &str) -> Result<(), String> {
    match container {
        Value::Array(items) => {
            let at = place(step, items.len())?;
            items.remove(at);
        }
        Value::Object(map) => {
            let found = map.remove(step);
            found.ok_or_else(|| format!("Unable to remove nonexistent key: {step}: missing value"))?;
        }
        _ => {}
    }
    Ok(())
}

impl Operation<'_> {
    fn value(&self) -> Value {
        self.value.cloned().unwrap_or(Value::Null)
    }

    fn add(&self, document: &mut Value) -> Result<(), Error> {
        let Some(path) = self.path else { return fail("add operation failed to decode path: missing value") };
        let Some((container, step)) = find(document, path) else {
            return fail(format!("add operation does not apply: doc is missing path: \"{path}\": missing value"));
        };
        insert(container, step, self.value()).map_err(|e| Error(format!("error in add for path: '{path}': {e}")))
    }

    fn remove(&self, document: &mut Value) -> Result<(), Error> {
        let Some(path) = self.path else { return fail("remove operation failed to decode path: missing value") };
        let Some((container, step)) = find(document, path) else {
            return fail(format!("remove operation does not apply: doc is missing path: \"{path}\": missing value"));
        };
        take(container, &step).map_err(|e| Error(format!("error in remove for path: '{path}': {e}")))
    }

    fn replace(&self, document: &mut Value) -> Result<(), Error> {
        let Some(path) = self.path else {
            return fail("replace operation failed to decode path: operation missing path field: missing value");
        };
        if path.is_empty() {
            if !matches!(self.value, Some(Value::Object(_) | Value::Array(_))) {
                return fail("replace operation value must be object or array: %!w(<nil>)");
            }
            *document = self.value();
            return Ok(());
        }
        let Some((container, step)) = find(document, path) else {
            return fail(format!("replace operation does not apply: doc is missing path: {path}: missing value"));
        };
        match container {
            Value::Array(items) => match place(&step, items.len()) {
                Ok(at) => items[at] = self.value(),
                Err(_) => {
                    return fail(format!(
                        "replace operation does not apply: doc is missing key: {path}: missing value"
                    ));
                }
            },
            _ => {
                insert(container, step, self.value()).map_err(Error)?;
            }
        }
        Ok(())
    }

    /// Move (`away`) and copy.
    fn relocate(&self, document: &mut Value, away: bool) -> Result<(), Error> {
        let name = if away { "move" } else { "copy" };
        let Some(from) = self.from else {
            let words = "operation, missing from field: missing value";
            return fail(format!("{name} operation failed to decode from: {words}"));
        };
        let Some((container, step)) = find(document, from) else {
            return fail(format!("{name} operation does not apply: doc is missing from path: {from}: missing value"));
        };
        let source = if away { format!("path: '{step}'") } else { format!("from: '{from}'") };
        let wrap = |e: String| Error(format!("error in {name} for {source}: {e}"));
        let value = get(container, &step).map_err(wrap)?.unwrap_or(Value::Null);
        if away {
            take(container, &step).map_err(wrap)?;
        }
        let Some(path) = self.path else {
            return fail(format!("{name} operation failed to decode path: missing value"));
        };
        let Some((container, step)) = find(document, path) else {
            let words = format!("doc is missing destination path: {path}: missing value");
            return fail(format!("{name} operation does not apply: {words}"));
        };
        insert(container, step, value).map_err(|e| {
            Error(if away {
                format!("error in move for path: '{path}': {e}")
            } else {
                format!("error while adding value during copy: {e}")
            })
        })
    }

    fn test(&self, document: &Value) -> Result<(), Error> {
        let Some(path) = self.path else {
            return fail("test operation failed to decode path: operation missing path field: missing value");
        };
        let mut copy = document.clone();
        let found = if path.is_empty() {
            copy
        } else {
            let Some((container, step)) = find(&mut copy, path) else {
                return fail(format!("test operation does not apply: is missing path: {path}: missing value"));
            };
            let found = get(container, &step);
            found.map_err(|e| Error(format!("error in test for path: '{path}': {e}")))?.unwrap_or(Value::Null)
        };
        if equal(&found, &self.value()) { Ok(()) } else { fail(format!("testing value {path} failed: test failed")) }
    }
}

/// Equality where `1` and `1.0` are one number.
fn equal(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a == b || a.as_f64() == b.as_f64(),
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| equal(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(k, v)| b.get(k).is_some_and(|other| equal(v, other)))
        }
        _ => a == b,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(patch: Value, expected: Result<Value, &str>) {
        let document = json!({"a": {"b": [1, 2, 3]}, "c/d": "x", "n": null});
        let found = apply(&document, &patch);
        assert_eq!(found.as_ref().map_err(|e| e.0.as_str()), expected.as_ref().map_err(|e| *e), "{patch}");
    }

    #[test]
    fn applies() {
        check(json!([{"op": "remove", "path": "/a"}]), Ok(json!({"c/d": "x", "n": null})));
        check(
            json!([{"op": "remove", "path": "/c~1d"}, {"op": "remove", "path": "/n"}, {"op": "add", "path": "/a/b/-", "value": 4},
                {"op": "add", "path": "/a/b/0", "value": 0}, {"op": "replace", "path": "/a/b/-1", "value": 9},
                {"op": "move", "from": "/a/b/1", "path": "/m"}, {"op": "copy", "from": "/m", "path": "/k"},
                {"op": "test", "path": "/k", "value": 1.0}, {"op": "replace", "path": "/new", "value": true}]),
            Ok(json!({"a": {"b": [0, 2, 3, 9]}, "m": 1, "k": 1, "new": true})),
        );
    }

    #[test]
    fn complains() {
        for (operation, words) in [
            (
                json!({"op": "remove", "path": "/x"}),
                "error in remove for path: '/x': Unable to remove nonexistent key: x: missing value",
            ),
            (
                json!({"op": "remove", "path": "/x/y"}),
                "remove operation does not apply: doc is missing path: \"/x/y\": missing value",
            ),
            (
                json!({"op": "replace", "path": "/x/y", "value": 1}),
                "replace operation does not apply: doc is missing path: /x/y: missing value",
            ),
            (
                json!({"op": "replace", "path": "/a/b/7", "value": 1}),
                "replace operation does not apply: doc is missing key: /a/b/7: missing value",
            ),
            (
                json!({"op": "add", "path": "/a/b/9", "value": 1}),
                "error in add for path: '/a/b/9': Unable to access invalid index: 9: invalid index referenced",
            ),
            (json!({"op": "test", "path": "/c~1d", "value": "y"}), "testing value /c~1d failed: test failed"),
            (json!({"op": "dance", "path": "/"}), "Unexpected kind: dance"),
            (json!({"path": "/"}), "Unexpected kind: unknown"),
        ] {
            check(json!([operation]), Err(words));
        }
        check(json!({}), Err("json: cannot unmarshal object into Go value of type jsonpatch.Patch"));
        let many: Vec<Value> = vec![json!({}); OPERATIONS_MAX + 1];
        check(Value::Array(many), Err("The allowed maximum operations in a JSON patch is 10000, got 10001"));
    }
}
