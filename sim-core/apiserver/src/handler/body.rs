//! What the client sent: bytes or a value, read within bounds, checked against the kind it should be, decoded.
//!
//! Models: apiserver `pkg/endpoints/handlers/rest.go`, apimachinery `pkg/runtime/serializer`.

use super::negotiate::{self, Encoding};
use super::options::FieldValidation;
use super::{Call, Scope};
use crate::ApiServer;
use crate::decode;
use crate::object::Object;
use apimachinery::field::quote;
use apimachinery::http::Body;
use apimachinery::status::Status;
use apimachinery::{json, yaml};
use serde_json::Value;

/// The largest body that is read.
const BYTES_MAX: usize = 3 * 1024 * 1024;
const DEPTH_MAX: usize = 200;

/// A body that has been read.
pub(super) struct Read {
    pub value: Value,
    /// `duplicate field "a"`: found while reading, reported with what decoding finds.
    pub strict: Vec<String>,
    /// The first bytes, for error messages.
    summary: String,
}

/// Takes the body. `Ok(None)`: there is none.
pub(super) fn read(call: &mut Call, encoding: Encoding, what: &str) -> Result<Option<Read>, Status> {
    match core::mem::take(&mut call.body) {
        Body::Empty => Ok(None),
        Body::Json(value) => {
            check_bounds(&value)?;
            let summary = if value.is_object() { String::new() } else { summarize(value.to_string().as_bytes()) };
            Ok(Some(Read { value, strict: Vec::new(), summary }))
        }
        Body::Bytes(bytes) if bytes.is_empty() => Ok(None),
        Body::Bytes(bytes) => {
            if bytes.len() > BYTES_MAX {
                return Err(too_large());
            }
            let (value, strict) = match encoding {
                Encoding::Json => {
                    let value = json::parse(&bytes).map_err(|e| {
                        unrecognized(what, &format!("couldn't get version/kind; json parse error: {e}"), &bytes)
                    })?;
                    (value, decode::duplicate_fields(&bytes))
                }
                Encoding::Yaml => {
                    let text = String::from_utf8_lossy(&bytes);
                    let value = yaml::parse(&text).map_err(|e| {
                        let why = format!("couldn't get version/kind; error converting YAML to JSON: {e}");
                        unrecognized(what, &why, &bytes)
                    })?;
                    let strict = yaml::parse_strict(&text).err().map(|e| yaml_warnings(&e.to_string()));
                    (value, strict.unwrap_or_default())
                }
            };
            check_bounds(&value)?;
            Ok(Some(Read { value, strict, summary: summarize(&bytes) }))
        }
    }
}

fn unrecognized(what: &str, why: &str, bytes: &[u8]) -> Status {
    Status::bad_request(format!(
        "the object provided is unrecognized (must be of type {what}): {why} ({})",
        summarize(bytes)
    ))
}

pub(super) fn too_large() -> Status {
    Status::too_large(format!("limit is {BYTES_MAX}"))
}

/// A body that was never bytes is held to the same size, roughly, and to a depth that no recursion minds.
fn check_bounds(value: &Value) -> Result<(), Status> {
    let mut size = 0usize;
    let mut stack = vec![(value, 0usize)];
    while let Some((value, depth)) = stack.pop() {
        if depth > DEPTH_MAX {
            return Err(Status::bad_request("json: exceeded max depth"));
        }
        match value {
            Value::String(s) => size += s.len() + 2,
            Value::Array(items) => {
                size += 2;
                stack.extend(items.iter().map(|v| (v, depth + 1)));
            }
            Value::Object(map) => {
                size += 2;
                for (key, v) in map {
                    size += key.len() + 3;
                    stack.push((v, depth + 1));
                }
            }
            _ => size += 4,
        }
        if size > BYTES_MAX {
            return Err(too_large());
        }
    }
    Ok(())
}

fn summarize(bytes: &[u8]) -> String {
    let cut = &bytes[..bytes.len().min(30)];
    let mut out = match bytes.first() {
        None => return "<empty>".to_owned(),
        Some(b'{') => String::from_utf8_lossy(cut).into_owned(),
        Some(_) => cut.iter().map(|b| format!("{b:02x}")).collect(),
    };
    if bytes.len() > 30 {
        out.push_str(" ...");
    }
    out
}

/// Takes a strict YAML error apart into its single complaints.
fn yaml_warnings(text: &str) -> Vec<String> {
    let body = ["error converting YAML to JSON: yaml: unmarshal errors:\n", "yaml: unmarshal errors:\n"]
        .iter()
        .find_map(|prefix| text.strip_prefix(prefix));
    match body {
        Some(lines) => lines.lines().map(|l| l.trim().to_owned()).filter(|l| !l.is_empty()).collect(),
        None => vec![text.to_owned()],
    }
}

/// Reads and decodes the object that a create or an update sends.
pub(super) fn object(
    server: &ApiServer,
    call: &mut Call,
    scope: &Scope,
    validation: FieldValidation,
) -> Result<Box<dyn Object>, Status> {
    let encoding = negotiate::content(call)?;
    let what = scope.kind.info().kind;
    let Some(Read { mut value, strict, summary }) = read(call, encoding, what)? else {
        let why = "couldn't get version/kind; json parse error: unexpected end of JSON input";
        return Err(unrecognized(what, why, b""));
    };
    check_kind(server, scope, &mut value, &summary)?;
    let (object, unknown) = decode(scope, &value)?;
    report(call, validation, [strict, unknown].concat(), |errors| {
        cannot_be_handled(scope, &format!("strict decoding error: {errors}"))
    })?;
    Ok(object)
}

/// Decodes a value whose `apiVersion` and `kind` are right.
pub(super) fn decode(scope: &Scope, value: &Value) -> Result<(Box<dyn Object>, Vec<String>), Status> {
    scope.kind.decode(value).map_err(|e| cannot_be_handled(scope, &e.0))
}

/// Unknown and duplicate fields: ignored, told as warnings, or refused.
pub(super) fn report(
    call: &mut Call,
    validation: FieldValidation,
    complaints: Vec<String>,
    refuse: impl FnOnce(&str) -> Status,
) -> Result<(), Status> {
    if complaints.is_empty() {
        return Ok(());
    }
    match validation {
        FieldValidation::Ignore => Ok(()),
        FieldValidation::Warn => {
            call.warnings.extend(complaints);
            Ok(())
        }
        FieldValidation::Strict => Err(refuse(&complaints.join(", "))),
    }
}

fn cannot_be_handled(scope: &Scope, why: &str) -> Status {
    let info = scope.kind.info();
    wrong_kind(info.kind, info.version, info.kind, why)
}

fn wrong_kind(kind: &str, version: &str, expected: &str, why: &str) -> Status {
    Status::bad_request(format!("{kind} in version {} cannot be handled as a {expected}: {why}", quote(version)))
}

/// Checks that the value says it is of the kind that the path names; what it leaves out is filled in.
fn check_kind(server: &ApiServer, scope: &Scope, value: &mut Value, summary: &str) -> Result<(), Status> {
    let info = scope.kind.info();
    let unrecognized = |why: &str| {
        let text = format!(
            "the object provided is unrecognized (must be of type {}): couldn't get version/kind; json parse error: \
             {why} ({summary})",
            info.kind
        );
        Status::bad_request(text)
    };
    let Value::Object(map) = value else {
        let why = format!(
            "json: cannot unmarshal {} into Go value of type struct {{ APIVersion string \
             \"json:\\\"apiVersion,omitempty\\\"\"; Kind string \"json:\\\"kind,omitempty\\\"\" }}",
            decode::go_word(value)
        );
        return Err(unrecognized(&why));
    };
    for key in ["apiVersion", "kind"] {
        if let Some(other) = map.get(key)
            && !other.is_string()
            && !other.is_null()
        {
            let why =
                format!("json: cannot unmarshal {} into Go struct field .{key} of type string", decode::go_word(other));
            return Err(unrecognized(&why));
        }
    }
    let text = |key: &str| map.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let expected = info.api_version();
    let (mut api_version, mut kind) = (text("apiVersion"), text("kind"));
    if api_version.is_empty() {
        api_version.clone_from(&expected);
    }
    if kind.is_empty() {
        info.kind.clone_into(&mut kind);
    }
    if kind != info.kind || api_version != expected {
        return Err(other_kind(server, scope, value, &api_version, &kind));
    }
    map.insert("apiVersion".into(), api_version.into());
    map.insert("kind".into(), kind.into());
    Ok(())
}

/// The object is of another kind than the path: what that is called depends on whether such a kind exists.
fn other_kind(server: &ApiServer, scope: &Scope, value: &Value, api_version: &str, kind: &str) -> Status {
    let info = scope.kind.info();
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    let other = server.kinds().find(|(_, k)| {
        let i = k.info();
        i.kind == kind && i.group == group && i.version == version
    });
    let why = match other {
        None => {
            let scheme = "in scheme \"pkg/api/legacyscheme/scheme.go:30\"";
            format!("no kind {} is registered for version {} {scheme}", quote(kind), quote(api_version))
        }
        Some((_, k)) => match k.decode(value) {
            Err(e) => e.0,
            Ok(_) if kind == info.kind => {
                return Status::bad_request(format!(
                    "the API version in the data ({api_version}) does not match the expected API version ({})",
                    info.api_version()
                ));
            }
            Ok(_) => format!(
                "converting ({version}.{kind}) to ({}.{}): unknown conversion",
                internal_package(info.group),
                info.kind
            ),
        },
    };
    wrong_kind(kind, version, info.kind, &why)
}

/// The Go package of a group's internal types, as conversion errors name it.
fn internal_package(group: &str) -> &str {
    match group {
        "" | "events.k8s.io" => "core",
        _ => group.split('.').next().unwrap_or(group),
    }
}
