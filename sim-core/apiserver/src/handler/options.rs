//! What a client asks for in the query, checked in upstream's words.
//!
//! Models: apimachinery `pkg/apis/meta/v1/validation`, `pkg/apis/meta/internalversion/validation`.

use super::{Call, Scope};
use crate::ApiServer;
use apimachinery::field::{Error, ErrorList, Path};
use apimachinery::fields;
use apimachinery::labels;
use apimachinery::status::Status;

/// A boolean of the query, as Go's conversion reads it.
pub(super) fn flag(call: &Call, name: &str) -> bool {
    call.request.param(name).is_some_and(is_true)
}

fn is_true(text: &str) -> bool {
    !(text.is_empty() || text == "0" || text.eq_ignore_ascii_case("false"))
}

/// A number of the query; an empty one is none.
pub(super) fn number(call: &Call, name: &str) -> Result<Option<i64>, Status> {
    match call.request.param(name) {
        None | Some("") => Ok(None),
        Some(text) => text.parse().map(Some).map_err(|_| {
            let why = if text.trim_start_matches(['-', '+']).bytes().all(|b| b.is_ascii_digit()) && text.len() > 18 {
                "value out of range"
            } else {
                "invalid syntax"
            };
            Status::bad_request(format!("strconv.ParseInt: parsing {}: {why}", apimachinery::field::quote(text)))
        }),
    }
}

/// What to do about fields that a type does not know.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum FieldValidation {
    Ignore,
    #[default]
    Warn,
    Strict,
}

/// CreateOptions, UpdateOptions and PatchOptions.
#[derive(Clone, Debug, Default)]
pub(super) struct WriteOptions {
    pub dry_run: bool,
    pub field_manager: String,
    pub validation: FieldValidation,
    pub force: Option<bool>,
}

impl WriteOptions {
    /// `kind`: `CreateOptions` …; `apply`: the request is a server-side apply.
    pub(super) fn read(call: &Call, kind: &str, apply: bool) -> Result<Self, Status> {
        let mut errors = ErrorList::default();
        let field_manager = call.request.param("fieldManager").unwrap_or_default().to_owned();
        let force = call.request.param("force").map(is_true);
        if kind == "PatchOptions" {
            if apply && field_manager.is_empty() {
                errors.push(Error::required(&Path::new("fieldManager"), "is required for apply patch"));
            }
            if !apply && force.is_some() {
                errors.push(Error::forbidden(&Path::new("force"), "may not be specified for non-apply patch"));
            }
        }
        if field_manager.len() > 128 {
            errors.push(Error::too_long(&Path::new("fieldManager"), 128));
        }
        if let Some((at, c)) = field_manager.char_indices().find(|(_, c)| c.is_control()) {
            let why = format!("invalid character U+{:04X} (at position {at})", u32::from(c));
            errors.push(Error::invalid(&Path::new("fieldManager"), &field_manager, why));
        }
        let dry_run = dry_run(call, &mut errors);
        let text = call.request.param("fieldValidation").unwrap_or_default();
        let validation = match text {
            "" | "Warn" => FieldValidation::Warn,
            "Ignore" => FieldValidation::Ignore,
            "Strict" => FieldValidation::Strict,
            _ => {
                let supported = ["", "Ignore", "Strict", "Warn"];
                errors.push(Error::not_supported(&Path::new("fieldValidation"), text, &supported));
                FieldValidation::Warn
            }
        };
        if !errors.is_empty() {
            return Err(Status::invalid("meta.k8s.io", kind, "", &errors));
        }
        Ok(Self { dry_run, field_manager, validation, force })
    }
}

fn dry_run(call: &Call, errors: &mut ErrorList) -> bool {
    let values: Vec<&str> = call.request.query.iter().filter(|(n, _)| n == "dryRun").map(|(_, v)| v.as_str()).collect();
    check_dry_run(&values, errors);
    !values.is_empty()
}

/// Only `All` is a dry run.
pub(super) fn check_dry_run(values: &[&str], errors: &mut ErrorList) {
    if values.iter().any(|v| *v != "All") {
        let mut error = Error::not_supported(&Path::new("dryRun"), "", &["All"]);
        error.value = serde_json::Value::from(values).to_string();
        errors.push(error);
    }
}

/// How a list or watch names the revision it wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Match {
    Unset,
    Exact,
    NotOlderThan,
}

/// ListOptions: for lists, watches and deletions of collections.
pub(super) struct ListOptions {
    pub labels: labels::Selector,
    pub fields: fields::Selector,
    /// 0: all.
    pub limit: usize,
    pub resume: String,
    pub resource_version: String,
    pub matching: Match,
    pub bookmarks: bool,
    pub send_initial_events: Option<bool>,
    pub timeout_seconds: Option<i64>,
}

impl ListOptions {
    pub(super) fn read(call: &Call, scope: &Scope, watch: bool) -> Result<Self, Status> {
        let param = |name: &str| call.request.param(name).unwrap_or_default();
        let labels = labels::Selector::parse(param("labelSelector")).map_err(Status::bad_request)?;
        let mut fields = fields::Selector::parse(param("fieldSelector")).map_err(Status::bad_request)?;
        let limit = number(call, "limit")?.unwrap_or(0);
        let timeout_seconds = number(call, "timeoutSeconds")?;
        let match_text = param("resourceVersionMatch");
        let send_initial_events = call.request.param("sendInitialEvents").map(is_true);
        let options = Self {
            labels,
            limit: usize::try_from(limit).unwrap_or(0),
            resume: param("continue").to_owned(),
            resource_version: param("resourceVersion").to_owned(),
            matching: match match_text {
                "Exact" => Match::Exact,
                "NotOlderThan" => Match::NotOlderThan,
                _ => Match::Unset,
            },
            bookmarks: flag(call, "allowWatchBookmarks"),
            send_initial_events,
            timeout_seconds,
            fields: fields::Selector::default(),
        };
        let errors = options.check(match_text, watch);
        if !errors.is_empty() {
            return Err(Status::invalid("meta.k8s.io", "ListOptions", "", &errors));
        }
        for requirement in &fields.0 {
            check_field(scope, &requirement.field)?;
        }
        if !scope.name.is_empty() {
            if fields.is_everything() {
                fields.0.push(fields::Requirement {
                    field: "metadata.name".into(),
                    equal: true,
                    value: scope.name.clone(),
                });
            } else if fields.requires_exact_match("metadata.name") != Some(scope.name.as_str()) {
                return Err(Status::bad_request("fieldSelector metadata.name doesn't match requested name"));
            }
        }
        Ok(Self { fields, ..options })
    }

    fn check(&self, match_text: &str, watch: bool) -> ErrorList {
        let mut errors = ErrorList::default();
        let path = Path::new("resourceVersionMatch");
        let known = self.matching != Match::Unset;
        if watch {
            if self.send_initial_events.is_some() && self.matching != Match::NotOlderThan {
                let why = "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan";
                errors.push(Error::forbidden(&path, why));
            }
            if match_text.is_empty() {
                return errors;
            }
            if self.send_initial_events.is_none() {
                let why = "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided";
                errors.push(Error::forbidden(&path, why));
            }
            if self.matching != Match::NotOlderThan {
                errors.push(Error::not_supported(&path, match_text, &["NotOlderThan"]));
            }
            if !self.resume.is_empty() {
                errors.push(Error::forbidden(&path, "resourceVersionMatch is forbidden when continue is provided"));
            }
            return errors;
        }
        if !match_text.is_empty() {
            if self.resource_version.is_empty() {
                let why = "resourceVersionMatch is forbidden unless resourceVersion is provided";
                errors.push(Error::forbidden(&path, why));
            }
            if !self.resume.is_empty() {
                errors.push(Error::forbidden(&path, "resourceVersionMatch is forbidden when continue is provided"));
            }
            if !known {
                errors.push(Error::not_supported(&path, match_text, &["Exact", "NotOlderThan", ""]));
            }
            if self.matching == Match::Exact && self.resource_version == "0" {
                let why = "resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\"";
                errors.push(Error::forbidden(&path, why));
            }
        }
        if self.send_initial_events.is_some() {
            let why = "sendInitialEvents is forbidden for list";
            errors.push(Error::forbidden(&Path::new("sendInitialEvents"), why));
        }
        errors
    }
}

/// Kinds with selectable fields of their own and kinds without refuse a strange field in different words.
fn check_field(scope: &Scope, field: &str) -> Result<(), Status> {
    let known = scope.kind.fields();
    if matches!(field, "metadata.name" | "metadata.namespace") || known.contains(&field) {
        return Ok(());
    }
    Err(Status::bad_request(if known.is_empty() {
        format!(
            "{} is not a known field selector: only \"metadata.name\", \"metadata.namespace\"",
            apimachinery::field::quote(field)
        )
    } else {
        format!("field label not supported: {field}")
    }))
}

/// Reads a resourceVersion; empty is 0.
pub(super) fn revision(text: &str) -> Result<u64, Status> {
    if text.is_empty() {
        return Ok(0);
    }
    text.parse().map_err(|_| {
        let why = format!("strconv.ParseUint: parsing {}: invalid syntax", apimachinery::field::quote(text));
        let error = Error::invalid(&Path::new("resourceVersion"), text, why);
        Status::bad_request(error.to_string())
    })
}

/// A revision from the future.
pub(super) fn check_not_ahead(server: &ApiServer, revision: u64) -> Result<(), Status> {
    let current = server.storage.revision();
    if revision <= current {
        return Ok(());
    }
    Err(Status::too_large_resource_version(revision, current))
}
