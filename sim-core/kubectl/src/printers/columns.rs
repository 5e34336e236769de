//! `-o custom-columns=NAME:.metadata.name,…`.
//!
//! Models: kubectl `cmd/get/customcolumn.go`.

use crate::error::{Error, plain};
use crate::json::{list, text};
use crate::tabs::Tabs;
use apimachinery::jsonpath::{JsonPath, print_value, relaxed};
use serde_json::Value;

#[derive(Clone)]
pub struct Columns {
    columns: Vec<(String, JsonPath)>,
    headers_due: bool,
    tabs: Tabs,
}

impl Columns {
    pub fn parse(spec: &str, no_headers: bool) -> Result<Self, Error> {
        if spec.is_empty() {
            return plain("custom-columns format specified but no custom columns given");
        }
        let mut columns = Vec::new();
        for part in spec.split(',') {
            let Some((header, path)) = part.split_once(':').filter(|(_, p)| !p.contains(':') || p.contains('[')) else {
                return plain(format!("unexpected custom-columns spec: {part}, expected <header>:<json-path-expr>"));
            };
            columns.push((header.to_owned(), column(path)?));
        }
        Ok(Self { columns, headers_due: !no_headers, tabs: Tabs::table() })
    }

    /// First line headers, second line paths.
    pub fn parse_file(content: &str, no_headers: bool) -> Result<Self, Error> {
        let mut lines = content.lines();
        let headers: Vec<&str> = lines.next().unwrap_or("").split_whitespace().collect();
        let paths: Vec<&str> = lines.next().unwrap_or("").split_whitespace().collect();
        if headers.len() != paths.len() {
            return plain(format!(
                "number of headers ({}) and field specifications ({}) don't match",
                headers.len(),
                paths.len()
            ));
        }
        let mut columns = Vec::new();
        for (header, path) in headers.iter().zip(paths) {
            columns.push(((*header).to_owned(), column(path)?));
        }
        Ok(Self { columns, headers_due: !no_headers, tabs: Tabs::table() })
    }

    pub fn print(&mut self, object: &Value) -> Result<String, Error> {
        if self.headers_due {
            let headers: Vec<&str> = self.columns.iter().map(|(h, _)| h.as_str()).collect();
            self.tabs.row(&headers);
            self.headers_due = false;
        }
        if text(object, "/kind").ends_with("List") && object.get("items").is_some() {
            for item in list(object, "/items") {
                self.row(item)?;
            }
        } else {
            self.row(object)?;
        }
        Ok(self.tabs.flush())
    }

    fn row(&mut self, object: &Value) -> Result<(), Error> {
        let mut cells = Vec::new();
        for (_, path) in &self.columns {
            let found = path.find(object).map_err(|e| Error::Plain(e.0))?;
            let values: Vec<String> = found.iter().flatten().filter(|v| !v.is_null()).map(print_value).collect();
            cells.push(if values.is_empty() { "<none>".to_owned() } else { values.join(",") });
        }
        self.tabs.row(&cells);
        Ok(())
    }
}

fn column(path: &str) -> Result<JsonPath, Error> {
    let path = relaxed(path).map_err(|e| Error::Plain(e.0))?;
    Ok(JsonPath::parse(&path).map_err(|e| Error::Plain(e.0))?.allow_missing_keys(true))
}
