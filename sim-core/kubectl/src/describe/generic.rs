//! Kinds without a describer of their own: every field, with readable names.

use super::Doc;
use crate::error::Error;
use crate::json::shown;
use crate::session::Kube;
use serde_json::Value;

const SKIPPED: &[&str] =
    &[".metadata.managedFields", ".metadata.name", ".metadata.namespace", ".metadata.labels", ".metadata.annotations"];
const ACRONYMS: &[&str] = &["API", "URL", "UID", "GUID"];

pub fn describe(_: &mut Kube<'_, '_>, object: &Value, doc: &mut Doc) -> Result<(), Error> {
    doc.head(object);
    content(doc, 0, object, "");
    Ok(())
}

fn content(doc: &mut Doc, level: usize, object: &Value, prefix: &str) {
    let Value::Object(map) = object else { return };
    for (field, value) in map {
        let path = format!("{prefix}.{field}");
        if SKIPPED.contains(&path.as_str()) {
            continue;
        }
        match value {
            Value::Object(_) => {
                doc.line(level, &format!("{}:", label(field)));
                content(doc, level + 1, value, &path);
            }
            Value::Array(items) => {
                doc.line(level, &format!("{}:", label(field)));
                for item in items {
                    if item.is_object() {
                        content(doc, level + 1, item, &path);
                    } else {
                        doc.line(level + 1, &shown(item));
                    }
                }
            }
            Value::Null => doc.field(level, &label(field), "<nil>"),
            scalar => doc.field(level, &label(field), &shown(scalar)),
        }
    }
}

/// `creationTimestamp` as `Creation Timestamp`.
fn label(field: &str) -> String {
    if field.chars().any(|c| !c.is_alphabetic() && c != '-') {
        return field.to_owned();
    }
    let words: Vec<String> = split(field)
        .into_iter()
        .map(|w| {
            if ACRONYMS.contains(&w.to_uppercase().as_str()) {
                w.to_uppercase()
            } else if w.to_lowercase() == w {
                let mut letters = w.chars();
                letters.next().map_or_else(String::new, |c| c.to_uppercase().chain(letters).collect())
            } else {
                w
            }
        })
        .collect();
    words.join(" ")
}

/// Camel case in words; runs of capitals stay together up to the last one before a small letter.
fn split(field: &str) -> Vec<String> {
    let letters: Vec<char> = field.chars().collect();
    let mut words: Vec<String> = Vec::new();
    for (i, c) in letters.iter().enumerate() {
        let begins = c.is_uppercase()
            && i > 0
            && (!letters[i - 1].is_uppercase() || letters.get(i + 1).is_some_and(|n| n.is_lowercase()));
        match words.last_mut() {
            Some(w) if !begins => w.push(*c),
            _ => words.push(c.to_string()),
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::label;

    #[test]
    fn labels() {
        for (field, want) in [
            ("creationTimestamp", "Creation Timestamp"),
            ("uid", "UID"),
            ("apiVersion", "API Version"),
            ("oars", "Oars"),
            ("app.kubernetes.io", "app.kubernetes.io"),
        ] {
            assert_eq!(label(field), want, "{field}");
        }
    }
}
