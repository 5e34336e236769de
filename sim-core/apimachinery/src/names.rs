//! What may be a name: DNS labels and subdomains, qualified names, label values, ports, environment variables.
//!
//! Each check returns upstream's messages, one per fault; an empty list means valid.
//!
//! Models: apimachinery `pkg/util/validation` and `pkg/api/validate/content`.

pub const DNS1123_LABEL_MAX: usize = 63;
pub const DNS1123_SUBDOMAIN_MAX: usize = 253;
pub const LABEL_VALUE_MAX: usize = 63;
pub const ANNOTATIONS_BYTES_MAX: usize = 256 * 1024;

const DNS1123_LABEL: &str = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";
const DNS1123_SUBDOMAIN: &str = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*";
const QUALIFIED_NAME: &str = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]";
const QUALIFIED_NAME_WORDS: &str =
    "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character";

/// A check of one text.
pub type Check = fn(&str) -> Vec<String>;

/// `web-0`.
pub fn dns1123_label(text: &str) -> Vec<String> {
    let mut faults = too_long(text, DNS1123_LABEL_MAX, "characters");
    if !is_label(text) {
        faults.push(if is_subdomain(text) {
            "must not contain dots".to_owned()
        } else {
            let words = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character";
            pattern_fault(words, DNS1123_LABEL, &["my-name", "123-abc"])
        });
    }
    faults
}

/// `www.example.com`.
pub fn dns1123_subdomain(text: &str) -> Vec<String> {
    subdomain(text, "characters")
}

fn subdomain(text: &str, unit: &str) -> Vec<String> {
    let mut faults = too_long(text, DNS1123_SUBDOMAIN_MAX, unit);
    if !is_subdomain(text) {
        let words = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character";
        faults.push(pattern_fault(words, DNS1123_SUBDOMAIN, &["example.com"]));
    }
    faults
}

/// A label that begins with a letter: names of Services.
pub fn dns1035_label(text: &str) -> Vec<String> {
    let mut faults = too_long(text, DNS1123_LABEL_MAX, "characters");
    if !is_label(text) || !text.starts_with(|c: char| c.is_ascii_lowercase()) {
        let words = "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character";
        faults.push(pattern_fault(words, "[a-z]([-a-z0-9]*[a-z0-9])?", &["my-name", "abc-123"]));
    }
    faults
}

/// `*.example.com`.
pub fn wildcard_dns1123_subdomain(text: &str) -> Vec<String> {
    let mut faults = too_long(text, DNS1123_SUBDOMAIN_MAX, "characters");
    if !text.strip_prefix("*.").is_some_and(is_subdomain) {
        let words = "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character";
        faults.push(pattern_fault(words, &format!(r"\*\.{DNS1123_SUBDOMAIN}"), &["*.example.com"]));
    }
    faults
}

/// `example.com/name`: keys of labels and annotations, finalizers, taints.
pub fn qualified_name(text: &str) -> Vec<String> {
    let mut faults = Vec::new();
    let pattern = || pattern_fault(QUALIFIED_NAME_WORDS, QUALIFIED_NAME, &["MyName", "my.name", "123-abc"]);
    let name = match text.split_once('/') {
        None => text,
        Some((_, name)) if name.contains('/') => {
            let hint = "with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')";
            return vec![format!("a valid label key {} {hint}", pattern())];
        }
        Some((prefix, name)) => {
            if prefix.is_empty() {
                faults.push("prefix part must be non-empty".to_owned());
            } else {
                faults.extend(subdomain(prefix, "bytes").into_iter().map(|fault| format!("prefix part {fault}")));
            }
            name
        }
    };
    if name.is_empty() {
        faults.push("name part must be non-empty".to_owned());
    } else {
        faults.extend(too_long(name, 63, "bytes").into_iter().map(|fault| format!("name part {fault}")));
    }
    if !is_qualified(name) {
        faults.push(format!("name part {}", pattern()));
    }
    faults
}

pub fn label_value(text: &str) -> Vec<String> {
    let mut faults = too_long(text, LABEL_VALUE_MAX, "bytes");
    if !text.is_empty() && !is_qualified(text) {
        let words =
            format!("a valid label must be an empty string or {}", QUALIFIED_NAME_WORDS.trim_start_matches("must "));
        faults.push(pattern_fault(&words, &format!("({QUALIFIED_NAME})?"), &["MyValue", "my_value", "12345"]));
    }
    faults
}

pub fn c_identifier(text: &str) -> Vec<String> {
    let head = |c: char| c.is_ascii_alphabetic() || c == '_';
    if text.starts_with(head) && text.chars().all(|c| head(c) || c.is_ascii_digit()) {
        return Vec::new();
    }
    let words = "a valid C identifier must start with alphabetic character or '_', followed by a string of alphanumeric characters or '_'";
    vec![pattern_fault(words, "[A-Za-z_][A-Za-z0-9_]*", &["my_name", "MY_NAME", "MyName"])]
}

/// Names of environment variables, as relaxed as upstream has them: printable ASCII without `=`.
pub fn env_var_name(text: &str) -> Vec<String> {
    let mut faults = Vec::new();
    if text.is_empty() {
        faults.push("environment variable name must be non-empty".to_owned());
    }
    if text.chars().any(|c| !matches!(c, ' '..='~') || c == '=') {
        let words = "a valid environment variable name must consist only of printable ASCII characters other than '='";
        faults.push(words.to_owned());
    }
    faults
}

/// Names of environment variables as shells and kubectl's `--from-env-file` want them.
pub fn env_var_name_strict(text: &str) -> Vec<String> {
    let head = |c: char| c.is_ascii_alphabetic() || matches!(c, '-' | '.' | '_');
    let mut faults = Vec::new();
    if !text.starts_with(head) || !text.chars().all(|c| head(c) || c.is_ascii_digit()) {
        let words = "a valid environment variable name must consist of alphabetic characters, digits, '_', '-', or '.', and must not start with a digit";
        let examples = ["my.env-name", "MY_ENV.NAME", "MyEnvName1"];
        faults.push(pattern_fault(words, "[-._a-zA-Z][-._a-zA-Z0-9]*", &examples));
    }
    faults.extend(dots_fault(text));
    faults
}

/// Keys of ConfigMaps and Secrets.
pub fn config_map_key(text: &str) -> Vec<String> {
    let mut faults = too_long(text, DNS1123_SUBDOMAIN_MAX, "characters");
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
    if text.is_empty() || !text.chars().all(allowed) {
        let words = "a valid config key must consist of alphanumeric characters, '-', '_' or '.'";
        faults.push(pattern_fault(words, "[-._a-zA-Z0-9]+", &["key.name", "KEY_NAME", "key-name"]));
    }
    faults.extend(dots_fault(text));
    faults
}

/// Names of ports: `http`, at most 15 letters.
pub fn port_name(text: &str) -> Vec<String> {
    let mut faults = too_long(text, 15, "characters");
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if text.is_empty() || !text.chars().all(allowed) {
        faults.push("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)".to_owned());
    }
    if !text.contains(|c: char| c.is_ascii_lowercase()) {
        faults.push("must contain at least one letter (a-z)".to_owned());
    }
    if text.contains("--") {
        faults.push("must not contain consecutive hyphens".to_owned());
    }
    if text.starts_with('-') || text.ends_with('-') {
        faults.push("must not begin or end with a hyphen".to_owned());
    }
    faults
}

/// Numbers of ports: 1 to 65535.
pub fn port_num(port: i64) -> Vec<String> {
    in_range(port, 1, 65535)
}

pub fn in_range(value: i64, low: i64, high: i64) -> Vec<String> {
    if (low..=high).contains(&value) {
        Vec::new()
    } else {
        vec![format!("must be between {low} and {high}, inclusive")]
    }
}

pub fn http_header_name(text: &str) -> Vec<String> {
    if !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') {
        return Vec::new();
    }
    let words = "a valid HTTP header must consist of alphanumeric characters or '-'";
    vec![pattern_fault(words, "[-A-Za-z0-9]+", &["X-Header-Name"])]
}

/// `50%`.
pub fn percent(text: &str) -> Vec<String> {
    let digits = text.strip_suffix('%').unwrap_or_default();
    if !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) {
        return Vec::new();
    }
    let words = "a valid percent string must be a numeric string followed by an ending '%'";
    vec![pattern_fault(words, "[0-9]+%", &["1%", "93%"])]
}

/// A name that can stand as one segment of a path.
pub fn path_segment(text: &str) -> Vec<String> {
    if matches!(text, "." | "..") {
        return vec![format!("may not be '{text}'")];
    }
    path_segment_prefix(text)
}

/// What may begin such a name.
pub fn path_segment_prefix(text: &str) -> Vec<String> {
    ["/", "%"].iter().filter(|c| text.contains(**c)).map(|c| format!("may not contain '{c}'")).collect()
}

/// Runs `check` on a whole name, or, for `generateName`, on a prefix (a trailing dash is excused).
pub fn check_name(check: Check, text: &str, prefix: bool) -> Vec<String> {
    if prefix && text.len() > 1 && text.ends_with('-') {
        // Upstream puts an `a` in the place of the last two bytes.
        let kept = text.char_indices().rev().nth(1).map_or(0, |(i, _)| i);
        return check(&format!("{}a", &text[..kept]));
    }
    check(text)
}

fn too_long(text: &str, max: usize, unit: &str) -> Vec<String> {
    if text.len() > max { vec![format!("must be no more than {max} {unit}")] } else { Vec::new() }
}

fn pattern_fault(words: &str, pattern: &str, examples: &[&str]) -> String {
    let examples: Vec<String> = examples.iter().map(|e| format!("'{e}', ")).collect();
    format!("{words} (e.g. {}regex used for validation is '{pattern}')", examples.join(" or "))
}

fn dots_fault(text: &str) -> Option<String> {
    match text {
        "." | ".." => Some(format!("must not be '{text}'")),
        _ if text.starts_with("..") => Some("must not start with '..'".to_owned()),
        _ => None,
    }
}

fn is_label(text: &str) -> bool {
    let alnum = |b: &u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let bytes = text.as_bytes();
    bytes.first().is_some_and(alnum) && bytes.last().is_some_and(alnum) && bytes.iter().all(|b| alnum(b) || *b == b'-')
}

fn is_subdomain(text: &str) -> bool {
    text.split('.').all(is_label)
}

fn is_qualified(text: &str) -> bool {
    let bytes = text.as_bytes();
    let ends = |b: Option<&u8>| b.is_some_and(u8::is_ascii_alphanumeric);
    let inside = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    ends(bytes.first()) && ends(bytes.last()) && bytes.iter().all(inside)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(check: Check, valid: &[&str], invalid: &[(&str, &str)]) {
        for text in valid {
            assert_eq!(check(text), Vec::<String>::new(), "{text}");
        }
        for (text, part) in invalid {
            let faults = check(text).join("; ");
            assert!(!faults.is_empty() && faults.contains(part), "{text}: {faults}");
        }
    }

    #[test]
    fn dns() {
        let long = "a".repeat(64);
        check(
            dns1123_label,
            &["a", "web-0", "0"],
            &[
                ("", "RFC 1123 label"),
                ("a.b", "dots"),
                ("A", "regex"),
                ("a-", "regex"),
                (&long, "no more than 63 characters"),
            ],
        );
        check(dns1123_subdomain, &["a", "a.b-c"], &[("a..b", "subdomain"), ("a_b", "example.com"), (".a", "regex")]);
        check(dns1035_label, &["web"], &[("0a", "DNS-1035"), ("", "DNS-1035")]);
        check(wildcard_dns1123_subdomain, &["*.a.b"], &[("*", "wildcard"), ("a.b", "wildcard")]);
        assert_eq!(
            dns1123_subdomain("My_App"),
            [
                "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
            ]
        );
    }

    #[test]
    fn qualified() {
        check(
            qualified_name,
            &["app", "a.b/C_d"],
            &[
                ("", "name part must be non-empty"),
                ("/a", "prefix part must be non-empty"),
                ("A/a", "prefix part a lowercase"),
                ("a b", "name part must consist"),
            ],
        );
        check(label_value, &["", "a_B.c"], &[("-a", "a valid label must be an empty string or consist of")]);
    }

    #[test]
    fn the_rest() {
        check(
            port_name,
            &["http", "a1"],
            &[
                ("", "only alpha"),
                ("80", "letter"),
                ("a--b", "consecutive"),
                ("-a", "hyphen"),
                ("abcdefghijklmnop", "15 characters"),
            ],
        );
        check(
            config_map_key,
            &["a.b", "_"],
            &[("..", "must not be '..'"), ("..a", "start with"), ("a/b", "config key")],
        );
        check(env_var_name, &["A", "a.b", "1"], &[("", "non-empty"), ("a=b", "printable")]);
        check(env_var_name_strict, &["A"], &[("1", "digit")]);
        check(percent, &["50%"], &[("%", "percent"), ("5", "percent")]);
        check(path_segment, &["a:b"], &[("..", "may not be"), ("a/b", "may not contain '/'")]);
        check(c_identifier, &["a_1"], &[("1", "C identifier")]);
        assert_eq!(port_num(0), ["must be between 1 and 65535, inclusive"]);
        assert_eq!(check_name(dns1123_label, "web-", true), Vec::<String>::new());
        assert!(!check_name(dns1123_label, "web-", false).is_empty());
    }
}
