//! Tables that the server has made, as text.
//!
//! Models: cli-runtime `printers/tableprinter.go`.

use crate::builder::Info;
use crate::json::{at, int, list, members, text};
use crate::tabs::Tabs;
use apimachinery::time::Time;
use serde_json::{Value, json};

#[derive(Clone, Default)]
pub struct Options {
    pub wide: bool,
    pub no_headers: bool,
    pub with_namespace: bool,
    /// `pod` before the name: the group kind, or none.
    pub kind: Option<String>,
    pub show_labels: bool,
    pub label_columns: Vec<String>,
}

/// Prints tables below each other, with headers when the columns change.
#[derive(Clone, Default)]
pub struct TablePrinter {
    pub options: Options,
    columns: Vec<Value>,
    printed_headers: bool,
}

impl TablePrinter {
    pub fn new(options: Options) -> Self {
        Self { options, columns: Vec::new(), printed_headers: false }
    }

    /// Writes a table (or an object that came as no table) as lines of cells.
    pub fn print(&mut self, object: &Value, event: Option<&str>, now: Time, out: &mut Tabs) {
        if text(object, "/kind") != "Table" {
            self.print(&plain_table(object, now), event, now, out);
            return;
        }
        let defined = list(object, "/columnDefinitions");
        let mut headers = !self.options.no_headers;
        if defined.is_empty() || (self.printed_headers && defined == self.columns) {
            headers = headers && !self.printed_headers;
        }
        if !defined.is_empty() && defined != self.columns {
            self.columns = defined.to_vec();
            headers = !self.options.no_headers;
        }
        let rows = list(object, "/rows");
        if rows.is_empty() {
            return;
        }
        self.printed_headers = true;
        if headers {
            let mut cells: Vec<String> = Vec::new();
            if event.is_some() {
                cells.push("EVENT".into());
            }
            if self.options.with_namespace {
                cells.push("NAMESPACE".into());
            }
            cells.extend(self.shown().map(|(_, c)| text(c, "/name").to_uppercase()));
            cells.extend(self.options.label_columns.iter().map(|l| label_header(l)));
            if self.options.show_labels {
                cells.push("LABELS".into());
            }
            out.row(&cells);
        }
        for row in rows {
            let cells = self.row(row, event);
            out.row(&cells);
        }
    }

    /// Columns that are printed, with their index.
    fn shown(&self) -> impl Iterator<Item = (usize, &Value)> {
        let wide = self.options.wide;
        self.columns.iter().enumerate().filter(move |(_, c)| wide || int(c, "/priority") == 0)
    }

    fn row(&self, row: &Value, event: Option<&str>) -> Vec<String> {
        let object = at(row, "/object");
        let cells = list(row, "/cells");
        let mut out: Vec<String> = Vec::new();
        if let Some(event) = event {
            out.push(format!("{event:<8}"));
        }
        if self.options.with_namespace {
            out.push(text(object, "/metadata/namespace").to_owned());
        }
        let name_column =
            self.columns.iter().position(|c| text(c, "/format") == "name" && text(c, "/type") == "string");
        for (i, _) in self.shown() {
            let value = cells.get(i).map_or_else(String::new, cell);
            match &self.options.kind {
                Some(kind) if name_column == Some(i) => out.push(format!("{kind}/{value}")),
                _ => out.push(value),
            }
        }
        let labels = at(object, "/metadata/labels");
        for label in &self.options.label_columns {
            out.push(match labels.get(label).and_then(Value::as_str) {
                Some(v) => v.to_owned(),
                None => "<none>".to_owned(),
            });
        }
        if self.options.show_labels {
            let all: Vec<String> = members(object, "/metadata/labels")
                .iter()
                .map(|(k, v)| format!("{k}={}", v.as_str().unwrap_or("")))
                .collect();
            out.push(if all.is_empty() { "<none>".into() } else { all.join(",") });
        }
        out
    }
}

/// The last part of a label's key, in capitals.
fn label_header(label: &str) -> String {
    label.rsplit('/').next().unwrap_or(label).to_uppercase()
}

fn cell(v: &Value) -> String {
    let text = crate::json::shown(v);
    match text.find(['\n', '\r', '\u{c}']) {
        Some(end) => format!("{}...", &text[..end]),
        None => text,
    }
}

/// The table of an object that the server did not make one of: name and age.
fn plain_table(object: &Value, now: Time) -> Value {
    let rows: Vec<Value> = match object.get("items") {
        Some(Value::Array(items)) => items.iter().map(|o| plain_row(o, now)).collect(),
        _ => vec![plain_row(object, now)],
    };
    json!({"kind": "Table", "columnDefinitions": [
        {"name": "Name", "type": "string", "format": "name"}, {"name": "Age", "type": "string"}], "rows": rows})
}

fn plain_row(object: &Value, now: Time) -> Value {
    let age = crate::times::age(text(object, "/metadata/creationTimestamp"), now);
    json!({"cells": [crate::json::name(object), age], "object": object})
}

/// Tables of one resource after another, each group under its own headers.
pub struct Groups<'a> {
    pub infos: &'a [Info],
    pub options: Options,
    pub all_namespaces: bool,
    pub now: Time,
}

impl Groups<'_> {
    pub fn print(&self) -> String {
        let kinds = self.infos.iter().any(|i| i.mapping != self.infos[0].mapping);
        let (mut out, mut tabs) = (String::new(), Tabs::table());
        let mut printer = TablePrinter::default();
        let mut last = None;
        let mut separate = false;
        let flush = |out: &mut String, tabs: &mut Tabs, separate: &mut bool| {
            let text = tabs.flush();
            if !text.is_empty() && *separate {
                out.push('\n');
                *separate = false;
            }
            out.push_str(&text);
        };
        for info in self.infos {
            if last != Some(&info.mapping) {
                flush(&mut out, &mut tabs, &mut separate);
                tabs.forget_widths();
                if last.is_some() && !self.options.no_headers && !out.is_empty() {
                    separate = true;
                }
                let mut options = self.options.clone();
                options.with_namespace = self.all_namespaces && info.mapping.namespaced;
                if kinds || options.kind.is_some() {
                    options.kind = Some(info.mapping.group_kind());
                }
                printer = TablePrinter::new(options);
                last = Some(&info.mapping);
            }
            printer.print(&info.object, None, self.now, &mut tabs);
        }
        flush(&mut out, &mut tabs, &mut separate);
        out
    }
}
