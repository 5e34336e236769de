//! The text of a description: lines by level of indent, columns aligned where they stand together.

use crate::json::{at, list, members, shown, text};
use crate::tabs::Tabs;
use apimachinery::quantity::Quantity;
use serde_json::Value;

/// Longest annotation that stands on the line of its key.
const ANNOTATION_LENGTH_MAX: usize = 140;
const SKIPPED_ANNOTATION: &str = "kubectl.kubernetes.io/last-applied-configuration";

pub struct Doc {
    tabs: Tabs,
    done: String,
    aligned: bool,
}

impl Default for Doc {
    fn default() -> Self {
        Self { tabs: Tabs::describe(), done: String::new(), aligned: true }
    }
}

impl Doc {
    /// Keeps its tabs.
    pub fn unaligned() -> Self {
        Self { aligned: false, ..Self::default() }
    }

    pub fn write(&mut self, text: &str) {
        if self.aligned {
            self.tabs.write(text);
        } else {
            self.done.push_str(text);
        }
    }

    /// One line, two spaces a level.
    pub fn line(&mut self, level: usize, text: &str) {
        for _ in 0..level {
            self.write("  ");
        }
        self.write(text);
        self.write("\n");
    }

    /// `Title:\tvalue`.
    pub fn field(&mut self, level: usize, title: &str, value: &str) {
        self.line(level, &format!("{title}:\t{value}"));
    }

    /// What comes next aligns by itself.
    pub fn flush(&mut self) {
        let text = self.tabs.flush();
        self.done.push_str(&text);
    }

    pub fn finish(mut self) -> String {
        self.flush();
        self.done
    }

    /// `Labels:` and the like, one pair a line.
    pub fn labels(&mut self, title: &str, map: &Value) {
        self.write(&format!("{title}:\t"));
        let pairs = members(map, "");
        if pairs.is_empty() {
            self.write("<none>\n");
        }
        for (i, (key, value)) in pairs.iter().enumerate() {
            let lead = if i > 0 { "\t" } else { "" };
            self.write(&format!("{lead}{key}={}\n", shown(value)));
        }
    }

    pub fn annotations(&mut self, title: &str, map: &Value) {
        self.write(&format!("{title}:\t"));
        let mut pairs = members(map, "");
        pairs.retain(|(key, _)| *key != SKIPPED_ANNOTATION);
        if pairs.is_empty() {
            self.write("<none>\n");
        }
        for (i, (key, value)) in pairs.iter().enumerate() {
            if i > 0 {
                self.write("\t");
            }
            let value = value.as_str().unwrap_or("");
            let value = value.strip_suffix('\n').unwrap_or(value);
            if value.len() + key.len() + 2 > ANNOTATION_LENGTH_MAX || value.contains('\n') {
                self.write(&format!("{key}:\n"));
                for part in value.split('\n') {
                    self.write(&format!("\t  {}\n", shorten(part, ANNOTATION_LENGTH_MAX - 2)));
                }
            } else {
                self.write(&format!("{key}: {value}\n"));
            }
        }
    }

    /// `Name`, `Namespace`, `Labels`, `Annotations`: how most descriptions begin.
    pub fn head(&mut self, object: &Value) {
        self.names(object);
        self.meta(object);
    }

    pub fn names(&mut self, object: &Value) {
        self.field(0, "Name", crate::json::name(object));
        self.field(0, "Namespace", crate::json::namespace(object));
    }

    pub fn meta(&mut self, object: &Value) {
        self.labels("Labels", at(object, "/metadata/labels"));
        self.annotations("Annotations", at(object, "/metadata/annotations"));
    }

    /// `Limits:` and `Requests:`.
    pub fn resources(&mut self, resources: &Value, level: usize) {
        for (title, key) in [("Limits", "/limits"), ("Requests", "/requests")] {
            let amounts = members(resources, key);
            if !amounts.is_empty() {
                self.line(level, &format!("{title}:"));
            }
            for (name, amount) in amounts {
                self.field(level + 1, name, &quantity(amount));
            }
        }
    }

    /// Type, status and reason of the object's conditions.
    pub fn condition_table(&mut self, object: &Value) {
        let conditions = list(object, "/status/conditions");
        if conditions.is_empty() {
            return;
        }
        self.line(0, "Conditions:");
        self.line(1, "Type\tStatus\tReason");
        self.line(1, "----\t------\t------");
        for c in conditions {
            self.line(1, &format!("{} \t{}\t{}", text(c, "/type"), text(c, "/status"), text(c, "/reason")));
        }
    }
}

fn shorten(text: &str, max: usize) -> String {
    if text.len() <= max {
        return text.to_owned();
    }
    let mut end = max;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}...", &text[..end])
}

/// A quantity in its canonical form.
pub fn quantity(v: &Value) -> String {
    Quantity::from_json(v).map_or_else(|_| shown(v), |q| q.to_string())
}

/// `<none>` for nothing.
pub fn or_none(text: &str) -> &str {
    if text.is_empty() { "<none>" } else { text }
}

pub fn or_unset(text: &str) -> &str {
    if text.is_empty() { "<unset>" } else { text }
}

/// `Kind/name` of the controller.
pub fn controller(object: &Value) -> Option<String> {
    let owner = list(object, "/metadata/ownerReferences").iter().find(|o| crate::json::boolean(o, "/controller"))?;
    Some(format!("{}/{}", text(owner, "/kind"), text(owner, "/name")))
}

/// `a=b,c=d` or `<none>`.
pub fn pairs(map: &Value) -> String {
    let all: Vec<String> = members(map, "").iter().map(|(k, v)| format!("{k}={}", shown(v))).collect();
    if all.is_empty() { "<none>".into() } else { all.join(",") }
}

/// `[a b]`: how Go prints a list.
pub fn go_list(items: &[Value]) -> String {
    format!("[{}]", items.iter().map(shown).collect::<Vec<_>>().join(" "))
}

/// A label selector's string form; `<none>` for the empty one.
pub fn selector(v: &Value) -> String {
    apimachinery::labels::format_label_selector(v)
}

pub fn title_bool(v: bool) -> &'static str {
    if v { "True" } else { "False" }
}
