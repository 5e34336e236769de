//! Resources that are questions: created, answered, never stored. Access reviews, who am I, tokens.
//!
//! Models: `pkg/registry/authorization`, `pkg/registry/authentication`.

use super::auth::{self, Attributes, User};
use super::body;
use super::negotiate;
use super::path::ResourcePath;
use super::{Answer, Call, base64, rbac, subresource};
use crate::ApiServer;
use crate::managedfields::{self, Who};
use apimachinery::field::{Error, ErrorList, Path};
use apimachinery::http::Method;
use apimachinery::rng::fnv64;
use apimachinery::status::Status;
use k8s_openapi::api::core::v1::ServiceAccount;
use serde_json::{Value, json};

/// A resource without storage.
pub(super) struct Virtual {
    pub group: &'static str,
    pub version: &'static str,
    pub plural: &'static str,
    pub singular: &'static str,
    pub kind: &'static str,
    pub namespaced: bool,
    answer: fn(&mut ApiServer, &Call, &str, Value) -> Result<Value, Status>,
}

const AUTHENTICATION: &str = "authentication.k8s.io";
const AUTHORIZATION: &str = "authorization.k8s.io";

pub(super) static VIRTUAL: &[Virtual] = &[
    Virtual {
        group: "",
        version: "v1",
        plural: "bindings",
        singular: "binding",
        kind: "Binding",
        namespaced: true,
        answer: |server, call, namespace, value| subresource::bind(server, call, namespace, "", &value),
    },
    Virtual {
        group: AUTHENTICATION,
        version: "v1",
        plural: "selfsubjectreviews",
        singular: "selfsubjectreview",
        kind: "SelfSubjectReview",
        namespaced: false,
        answer: self_subject_review,
    },
    Virtual {
        group: AUTHENTICATION,
        version: "v1",
        plural: "tokenreviews",
        singular: "tokenreview",
        kind: "TokenReview",
        namespaced: false,
        answer: token_review,
    },
    Virtual {
        group: AUTHORIZATION,
        version: "v1",
        plural: "localsubjectaccessreviews",
        singular: "localsubjectaccessreview",
        kind: "LocalSubjectAccessReview",
        namespaced: true,
        answer: subject_access_review,
    },
    Virtual {
        group: AUTHORIZATION,
        version: "v1",
        plural: "selfsubjectaccessreviews",
        singular: "selfsubjectaccessreview",
        kind: "SelfSubjectAccessReview",
        namespaced: false,
        answer: self_subject_access_review,
    },
    Virtual {
        group: AUTHORIZATION,
        version: "v1",
        plural: "selfsubjectrulesreviews",
        singular: "selfsubjectrulesreview",
        kind: "SelfSubjectRulesReview",
        namespaced: false,
        answer: self_subject_rules_review,
    },
    Virtual {
        group: AUTHORIZATION,
        version: "v1",
        plural: "subjectaccessreviews",
        singular: "subjectaccessreview",
        kind: "SubjectAccessReview",
        namespaced: false,
        answer: subject_access_review,
    },
];

/// Answers if the path names a virtual resource.
pub(super) fn serve(
    server: &mut ApiServer,
    call: &mut Call,
    path: &ResourcePath<'_>,
) -> Result<Option<Answer>, Status> {
    let found =
        VIRTUAL.iter().find(|v| v.plural == path.resource && v.group == path.group && v.version == path.version);
    let Some(v) = found else { return Ok(None) };
    if !path.name.is_empty() || v.namespaced == path.namespace.is_empty() {
        return Err(Status::page_not_found());
    }
    if call.method != Method::Post {
        return Err(super::method_not_allowed());
    }
    let encoding = negotiate::content(call)?;
    let mut value = match body::read(call, encoding, v.kind)? {
        Some(read) if read.value.is_object() => read.value,
        _ => {
            return Err(Status::bad_request(format!(
                "the object provided is unrecognized (must be of type {}): couldn't get version/kind; json parse error: \
                 unexpected end of JSON input (<empty>)",
                v.kind
            )));
        }
    };
    if let Some(kind) = value["kind"].as_str().filter(|k| !k.is_empty() && *k != v.kind) {
        return Err(Status::bad_request(format!(
            "{kind} in version \"{}\" cannot be handled as a {}: no kind \"{kind}\" is registered",
            v.version, v.kind
        )));
    }
    value["kind"] = v.kind.into();
    value["apiVersion"] =
        if v.group.is_empty() { v.version.into() } else { format!("{}/{}", v.group, v.version).into() };
    let managed = managed_fields(server, call, &value);
    let mut answer = (v.answer)(server, call, path.namespace, value)?;
    if answer["kind"] == v.kind && answer["metadata"].is_object() && !managed.is_null() {
        answer["metadata"]["managedFields"] = managed;
    }
    Ok(Some(Answer::Value(201, answer)))
}

/// Questions have managers of their fields as well, though nobody ever changes them.
fn managed_fields(server: &ApiServer, call: &Call, value: &Value) -> Value {
    let manager = call.manager(call.request.param("fieldManager").unwrap_or_default());
    let api_version = value["apiVersion"].as_str().unwrap_or_default();
    let who = Who { manager: &manager, api_version, subresource: "", now: server.now };
    let entries = managedfields::update(None, value, &[], &who);
    if entries.is_empty() { Value::Null } else { serde_json::to_value(entries).unwrap_or_default() }
}

fn ensure_metadata(value: &mut Value) {
    if !value["metadata"].is_object() {
        value["metadata"] = json!({});
    }
}

fn user_info(user: &User) -> Value {
    let mut out = json!({"username": user.name, "groups": user.groups});
    if !user.uid.is_empty() {
        out["uid"] = user.uid.as_str().into();
    }
    out
}

fn self_subject_review(server: &mut ApiServer, call: &Call, _: &str, mut value: Value) -> Result<Value, Status> {
    ensure_metadata(&mut value);
    value["metadata"]["creationTimestamp"] = server.now.rfc3339().into();
    value["status"] = json!({"userInfo": user_info(&call.user)});
    Ok(value)
}

fn token_review(server: &mut ApiServer, _: &Call, _: &str, mut value: Value) -> Result<Value, Status> {
    ensure_metadata(&mut value);
    let token = value["spec"]["token"].as_str().unwrap_or_default();
    if token.is_empty() {
        let mut errors = ErrorList::default();
        errors.push(Error::required(&Path::new("spec").child("token"), ""));
        return Err(Status::invalid(AUTHENTICATION, "TokenReview", "", &errors));
    }
    value["status"] = match token_user(server, token) {
        Some(user) => json!({"authenticated": true, "user": user_info(&user)}),
        None => json!({"user": {}, "error": "[invalid bearer token]"}),
    };
    Ok(value)
}

fn self_subject_access_review(server: &mut ApiServer, call: &Call, _: &str, mut value: Value) -> Result<Value, Status> {
    let user = call.user.clone();
    decide(server, &user, &mut value, "SelfSubjectAccessReview")?;
    Ok(value)
}

fn subject_access_review(server: &mut ApiServer, _: &Call, namespace: &str, mut value: Value) -> Result<Value, Status> {
    let kind = value["kind"].as_str().unwrap_or_default().to_owned();
    let spec = &value["spec"];
    if !namespace.is_empty() && spec["resourceAttributes"]["namespace"].as_str() != Some(namespace) {
        let mut errors = ErrorList::default();
        let spec_path = Path::new("spec");
        let attributes_path = spec_path.child("resourceAttributes");
        let path = attributes_path.child("namespace");
        errors.push(Error::invalid(&path, "", "must match metadata.namespace"));
        return Err(Status::invalid(AUTHORIZATION, &kind, "", &errors));
    }
    let text = |key: &str| spec[key].as_str().unwrap_or_default().to_owned();
    let groups =
        spec["groups"].as_array().into_iter().flatten().filter_map(|g| g.as_str().map(str::to_owned)).collect();
    let user = User { name: text("user"), uid: text("uid"), groups };
    if user.name.is_empty() && user.groups.is_empty() {
        let mut errors = ErrorList::default();
        let spec_path = Path::new("spec");
        let path = spec_path.child("user");
        errors.push(Error::invalid(&path, "", "at least one of user or group must be specified"));
        return Err(Status::invalid(AUTHORIZATION, &kind, "", &errors));
    }
    decide(server, &user, &mut value, &kind)?;
    Ok(value)
}

fn decide(server: &ApiServer, user: &User, value: &mut Value, kind: &str) -> Result<(), Status> {
    ensure_metadata(value);
    let spec = &value["spec"];
    let (resource, path) = (&spec["resourceAttributes"], &spec["nonResourceAttributes"]);
    let both = match (resource.is_object(), path.is_object()) {
        (true, true) => Some("cannot be specified in combination with resourceAttributes"),
        (false, false) => Some("exactly one of nonResourceAttributes or resourceAttributes must be specified"),
        _ => None,
    };
    if let Some(why) = both {
        let mut errors = ErrorList::default();
        errors.push(Error::invalid_raw(&Path::new("spec").child("resourceAttributes"), "null", why));
        return Err(Status::invalid(AUTHORIZATION, kind, "", &errors));
    }
    let text = |key: &str| resource[key].as_str().unwrap_or_default();
    let allowed = if resource.is_object() {
        let attributes = Attributes {
            verb: text("verb"),
            group: text("group"),
            resource: text("resource"),
            subresource: text("subresource"),
            namespace: text("namespace"),
            name: text("name"),
        };
        auth::allowed(server, user, &attributes)
    } else {
        let verb = path["verb"].as_str().unwrap_or_default();
        auth::allowed_path(server, user, verb, path["path"].as_str().unwrap_or_default())
    };
    value["status"] = json!({"allowed": allowed});
    Ok(())
}

fn self_subject_rules_review(server: &mut ApiServer, call: &Call, _: &str, mut value: Value) -> Result<Value, Status> {
    ensure_metadata(&mut value);
    let namespace = value["spec"]["namespace"].as_str().unwrap_or_default().to_owned();
    if namespace.is_empty() {
        return Err(Status::bad_request("no namespace on request"));
    }
    value["status"] = rbac::rules_for(server, &call.user, &namespace).to_status();
    Ok(value)
}

/// A token as the server signs it: three parts in base64, the last a seal over the first two.
pub(super) fn sign_token(server: &ApiServer, claims: &Value) -> String {
    let head = base64::encode(br#"{"alg":"RS256","kid":"kaiki"}"#);
    let body = base64::encode(claims.to_string().as_bytes());
    let seal = seal(server, &format!("{head}.{body}"));
    format!("{head}.{body}.{seal}")
}

/// Not cryptography: it only has to tell the server's own tokens from others inside a simulation.
fn seal(server: &ApiServer, text: &str) -> String {
    let mut bytes = Vec::with_capacity(256);
    for i in 0u64..32 {
        let salted = fnv64(format!("{text}{}{i}", server.config.seed).as_bytes());
        bytes.extend_from_slice(&salted.to_be_bytes());
    }
    base64::encode(&bytes)
}

/// The user of a token that this server gave out, if it is still good.
pub(super) fn token_user(server: &ApiServer, token: &str) -> Option<User> {
    let (signed, given) = token.rsplit_once('.')?;
    if seal(server, signed) != given {
        return None;
    }
    let claims = apimachinery::json::parse(&base64::decode(signed.split_once('.')?.1).ok()?).ok()?;
    if claims["exp"].as_i64()? <= server.now.secs() {
        return None;
    }
    let identity = &claims["kubernetes.io"];
    let (namespace, name) = (identity["namespace"].as_str()?, identity["serviceaccount"]["name"].as_str()?);
    let account = server.get::<ServiceAccount>(namespace, name)?;
    let uid = identity["serviceaccount"]["uid"].as_str()?;
    (account.metadata.uid.as_deref() == Some(uid)).then(|| User::service_account(namespace, name, uid))
}
