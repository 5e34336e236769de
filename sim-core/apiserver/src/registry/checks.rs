//! Small checks that many kinds make, each adding what it finds to a list.
//!
//! Models: helpers of `pkg/apis/core/validation` and `apimachinery/pkg/apis/meta/v1/validation`.

use apimachinery::field::{Error, ErrorKind, ErrorList, Path, quote};
use apimachinery::names;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, LabelSelectorRequirement};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use serde::Serialize;
use std::collections::BTreeMap;
use std::net::IpAddr;

pub const IMMUTABLE: &str = "field is immutable";
pub const NEGATIVE: &str = "must be greater than or equal to 0";

/// What is absent reads as empty, as in Go.
pub fn text(option: &Option<String>) -> &str {
    option.as_deref().unwrap_or_default()
}

/// An object as it is shown in an error: JSON on one line.
pub fn json<T: Serialize>(value: &T) -> String {
    serde_json::to_value(value).unwrap_or_default().to_string()
}

pub fn immutable<T: Serialize + PartialEq>(new: &T, old: &T, path: &Path, errors: &mut ErrorList) {
    if new != old {
        errors.push(Error::invalid_raw(path, json(new), IMMUTABLE));
    }
}

pub fn non_negative(value: i64, path: &Path, errors: &mut ErrorList) {
    if value < 0 {
        errors.push(Error::invalid_raw(path, value, NEGATIVE));
    }
}

pub fn positive(value: i64, path: &Path, errors: &mut ErrorList) {
    if value <= 0 {
        errors.push(Error::invalid_raw(path, value, "must be greater than zero"));
    }
}

pub fn dns_label(value: &str, path: &Path, errors: &mut ErrorList) {
    errors.invalid_each(path, value, names::dns1123_label(value));
}

pub fn dns_subdomain(value: &str, path: &Path, errors: &mut ErrorList) {
    errors.invalid_each(path, value, names::dns1123_subdomain(value));
}

pub fn qualified_name(value: &str, path: &Path, errors: &mut ErrorList) {
    errors.invalid_each(path, value, names::qualified_name(value));
}

/// A value of a closed set, which must be given.
pub fn one_of(value: &str, supported: &[&str], path: &Path, errors: &mut ErrorList) {
    if value.is_empty() {
        errors.push(Error::required(path, ""));
    } else {
        one_of_if_set(value, supported, path, errors);
    }
}

/// A value of a closed set, or none.
pub fn one_of_if_set(value: &str, supported: &[&str], path: &Path, errors: &mut ErrorList) {
    if !value.is_empty() && !supported.contains(&value) {
        errors.push(Error::not_supported(path, value, supported));
    }
}

pub fn port_number(port: i32, path: &Path, errors: &mut ErrorList) {
    for message in names::port_num(port.into()) {
        errors.push(Error::invalid_raw(path, port, message));
    }
}

pub fn port_number_or_name(port: &IntOrString, path: &Path, errors: &mut ErrorList) {
    match port {
        IntOrString::Int(n) => port_number(*n, path, errors),
        IntOrString::String(name) => errors.invalid_each(path, name, names::port_name(name)),
    }
}

pub fn shown(value: &IntOrString) -> String {
    match value {
        IntOrString::Int(n) => n.to_string(),
        IntOrString::String(s) => quote(s),
    }
}

pub fn labels(labels: Option<&BTreeMap<String, String>>, path: &Path, errors: &mut ErrorList) {
    for (key, value) in labels.into_iter().flatten() {
        qualified_name(key, path, errors);
        errors.invalid_each(path, value, names::label_value(value));
    }
}

pub fn annotations(annotations: Option<&BTreeMap<String, String>>, path: &Path, errors: &mut ErrorList) {
    let mut bytes = 0;
    for (key, value) in annotations.into_iter().flatten() {
        // Case does not matter in annotations.
        let upper = key.bytes().any(|b| b.is_ascii_uppercase());
        let messages = if upper { names::qualified_name(&key.to_lowercase()) } else { names::qualified_name(key) };
        errors.invalid_each(path, key, messages);
        bytes += key.len() + value.len();
    }
    if bytes > names::ANNOTATIONS_BYTES_MAX {
        errors.push(Error::too_long(path, names::ANNOTATIONS_BYTES_MAX));
    }
}

pub fn label_selector(selector: Option<&LabelSelector>, path: &Path, errors: &mut ErrorList) {
    let Some(selector) = selector else { return };
    labels(selector.match_labels.as_ref(), &path.child("matchLabels"), errors);
    let expressions = path.child("matchExpressions");
    for (i, expression) in selector.match_expressions.iter().flatten().enumerate() {
        label_requirement(expression, &expressions.index(i), errors);
    }
}

fn label_requirement(r: &LabelSelectorRequirement, path: &Path, errors: &mut ErrorList) {
    let values = r.values.as_deref().unwrap_or_default();
    match r.operator.as_str() {
        "In" | "NotIn" if values.is_empty() => {
            let why = "must be specified when `operator` is 'In' or 'NotIn'";
            errors.push(Error::required(&path.child("values"), why));
        }
        "Exists" | "DoesNotExist" if !values.is_empty() => {
            let why = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'";
            errors.push(Error::forbidden(&path.child("values"), why));
        }
        "In" | "NotIn" | "Exists" | "DoesNotExist" => {}
        other => errors.push(Error::invalid(&path.child("operator"), other, "not a valid selector operator")),
    }
    qualified_name(&r.key, &path.child("key"), errors);
    let at = path.child("values");
    for (i, value) in values.iter().enumerate() {
        errors.invalid_each(&at.index(i), value, names::label_value(value));
    }
}

pub fn is_empty_selector(selector: &LabelSelector) -> bool {
    selector.match_labels.as_ref().is_none_or(|l| l.is_empty())
        && selector.match_expressions.as_ref().is_none_or(|e| e.is_empty())
}

/// An address, of either family.
pub fn ip(value: &str, path: &Path, errors: &mut ErrorList) {
    if value.parse::<IpAddr>().is_err() {
        errors.push(Error::invalid(path, value, "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"));
    }
}

/// A network, of either family.
pub fn cidr(value: &str, path: &Path, errors: &mut ErrorList) {
    let valid = value.split_once('/').is_some_and(|(address, bits)| {
        let max = match address.parse::<IpAddr>() {
            Ok(IpAddr::V4(_)) => 32,
            Ok(IpAddr::V6(_)) => 128,
            Err(_) => return false,
        };
        bits.parse::<u8>().is_ok_and(|b| b <= max)
    });
    if !valid {
        let why = "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)";
        errors.push(Error::invalid(path, value, why));
    }
}

/// An address that traffic can be sent to.
pub fn endpoint_ip(value: &str, path: &Path, errors: &mut ErrorList) {
    let Ok(address) = value.parse::<IpAddr>() else {
        errors.push(Error::invalid(path, value, "must be a valid IP address"));
        return;
    };
    if address.is_unspecified() {
        errors.push(Error::invalid(path, value, format!("may not be unspecified ({value})")));
    }
    if address.is_loopback() {
        errors.push(Error::invalid(path, value, "may not be in the loopback range (127.0.0.0/8, ::1/128)"));
    }
    let (link_local, local_multicast) = match address {
        IpAddr::V4(a) => (a.is_link_local(), a.octets()[..3] == [224, 0, 0]),
        IpAddr::V6(a) => (a.segments()[0] & 0xffc0 == 0xfe80, a.segments()[0] & 0xff0f == 0xff02),
    };
    if link_local {
        let why = "may not be in the link-local range (169.254.0.0/16, fe80::/10)";
        errors.push(Error::invalid(path, value, why));
    }
    if local_multicast {
        let why = "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)";
        errors.push(Error::invalid(path, value, why));
    }
}

/// Not found, with a word on where it should have been.
pub fn not_found_because(path: &Path, value: &str, detail: String) -> Error {
    Error { kind: ErrorKind::NotFound, detail, ..Error::not_found(path, value) }
}

/// No `..` on the way.
pub fn no_backsteps(value: &str, path: &Path, errors: &mut ErrorList) {
    if value.split('/').any(|part| part == "..") {
        errors.push(Error::invalid(path, value, "must not contain '..'"));
    }
}

/// A relative path that does not lead out.
pub fn descending_path(value: &str, path: &Path, errors: &mut ErrorList) {
    if value.starts_with('/') {
        errors.push(Error::invalid(path, value, "must be a relative path"));
    }
    no_backsteps(value, path, errors);
}

/// As [`descending_path`], and free of the names that the kubelet keeps for itself.
pub fn unreserved_path(value: &str, path: &Path, errors: &mut ErrorList) {
    descending_path(value, path, errors);
    if value.starts_with("..") && !value.starts_with("../") && value != ".." {
        errors.push(Error::invalid(path, value, "must not start with '..'"));
    }
}

pub fn file_mode(mode: Option<i32>, path: &Path, errors: &mut ErrorList) {
    if let Some(mode) = mode.filter(|m| !(0..=0o777).contains(m)) {
        let why = "must be a number between 0 and 0777 (octal), both inclusive";
        errors.push(Error::invalid_raw(path, mode, why));
    }
}

/// A count, or a share of all.
pub fn int_or_percent(value: &IntOrString, path: &Path, errors: &mut ErrorList) {
    match value {
        IntOrString::Int(n) => non_negative((*n).into(), path, errors),
        IntOrString::String(s) => errors.invalid_each(path, s, names::percent(s)),
    }
}

/// The number in a count or a share; what is neither counts as zero.
pub fn int_or_percent_value(value: &IntOrString) -> i32 {
    match value {
        IntOrString::Int(n) => *n,
        IntOrString::String(s) => s.strip_suffix('%').unwrap_or(s).parse().unwrap_or(0),
    }
}

pub fn at_most_all(value: &IntOrString, path: &Path, errors: &mut ErrorList) {
    if let IntOrString::String(s) = value
        && names::percent(s).is_empty()
        && int_or_percent_value(value) > 100
    {
        errors.push(Error::invalid(path, s, "must not be greater than 100%"));
    }
}
