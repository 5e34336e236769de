//! `kubectl explain`, from the server's OpenAPI v3 documents.
//!
//! Models: kubectl `pkg/explain/v2` (its plaintext template).

use crate::error::{Error, plain};
use crate::flags::Args;
use crate::json::{at, has, list, members, shown, text};
use crate::session::Kube;
use crate::task::{DONE, Next};
use serde_json::Value;

const WIDTH: usize = 80;
const DEPTH_MAX: usize = 24;

pub fn run(k: &mut Kube<'_, '_>, args: &Args) -> Result<Next, Error> {
    let word = match args.rest.as_slice() {
        [] => {
            return Err(args.usage_error("You must specify the type of resource to explain. Use \"kubectl api-resources\" for a complete list of supported resources.\n"));
        }
        [one] => one.trim_end_matches('.'),
        _ => return plain("We accept only this format: explain RESOURCE\n"),
    };
    let (kind, path) = split(k, word)?;
    let mapping = match k.discovery()?.find(&kind) {
        Some(m) => m,
        None => return Err(Error::NoResource(kind.split('.').next().unwrap_or(&kind).to_owned())),
    };
    let api_version =
        if args.changed("api-version") { args.str("api-version").to_owned() } else { mapping.api_version() };
    let root = if mapping.group.is_empty() { "api" } else { "apis" };
    let document = k.get(&format!("/openapi/v3/{root}/{api_version}")).map_err(|e| match e.is_not_found() {
        true => Error::Plain(
            "this cluster serves no OpenAPI document of that version, so there is nothing to explain from".into(),
        ),
        false => e,
    })?;
    let (group, version) = crate::discovery::split_version(&api_version);
    let is_kind = |s: &Value| {
        list(s, "/x-kubernetes-group-version-kind")
            .iter()
            .any(|g| text(g, "/group") == group && text(g, "/version") == version && text(g, "/kind") == mapping.kind)
    };
    let schemas = members(&document, "/components/schemas");
    let Some((_, schema)) = schemas.iter().find(|(_, s)| is_kind(s)) else {
        return plain(format!("GVR (\"{group}/{version}, Resource={}\") not found in OpenAPI schema", mapping.plural));
    };
    let mut out = String::new();
    if !group.is_empty() {
        out.push_str(&format!("GROUP:      {group}\n"));
    }
    out.push_str(&format!("KIND:       {}\nVERSION:    {version}\n\n", mapping.kind));
    k.out(&out);
    let text = Explain { document: &document, recursive: args.bool("recursive") }.field(schema, &path)?;
    k.out(&text);
    DONE
}

/// The type, which may have dots of its own, and the path of fields.
fn split(k: &mut Kube<'_, '_>, word: &str) -> Result<(String, Vec<String>), Error> {
    let parts: Vec<&str> = word.split('.').collect();
    for n in (1..=parts.len()).rev() {
        let kind = parts[..n].join(".");
        let found = k.discovery()?.find(&kind);
        // `pod.spec` is no type, though `spec` might begin a group's name.
        if found.is_some_and(|m| n == 1 || m.group == parts[1..n].join(".") || parts[2..n].join(".") == m.group) {
            return Ok((kind, parts[n..].iter().map(|p| (*p).to_owned()).collect()));
        }
    }
    Ok((parts[0].to_owned(), parts[1..].iter().map(|p| (*p).to_owned()).collect()))
}

struct Explain<'a> {
    document: &'a Value,
    recursive: bool,
}

impl<'a> Explain<'a> {
    /// Follows references; the description beside a reference is the caller's.
    fn resolve(&self, schema: &'a Value) -> &'a Value {
        let mut here = schema;
        for _ in 0..DEPTH_MAX {
            let reference = match text(here, "/$ref") {
                "" => text(here, "/allOf/0/$ref"),
                r => r,
            };
            let Some(name) = reference.strip_prefix("#/components/schemas/") else { break };
            here = at(self.document, "/components/schemas").get(name).unwrap_or(crate::json::NULL);
        }
        here
    }

    fn reference(schema: &Value) -> Option<&str> {
        let r = match text(schema, "/$ref") {
            "" => text(schema, "/allOf/0/$ref"),
            r => r,
        };
        r.rsplit('.').next().filter(|n| !n.is_empty())
    }

    /// `string`, `[]ContainerPort`, `map[string]string`.
    fn type_name(&self, schema: &Value) -> String {
        if has(schema, "/items") {
            return format!("[]{}", self.type_name(at(schema, "/items")));
        }
        if at(schema, "/additionalProperties").is_object() {
            return format!("map[string]{}", self.type_name(at(schema, "/additionalProperties")));
        }
        if let Some(name) = Self::reference(schema) {
            return name.into();
        }
        match text(schema, "/type") {
            "" | "object" => "Object".into(),
            t => t.into(),
        }
    }

    /// The type below lists and maps.
    fn element(&self, schema: &'a Value) -> &'a Value {
        let mut here = schema;
        for _ in 0..DEPTH_MAX {
            here = self.resolve(here);
            if has(here, "/items") {
                here = at(here, "/items");
            } else if at(here, "/additionalProperties").is_object() {
                here = at(here, "/additionalProperties");
            } else {
                break;
            }
        }
        here
    }

    fn field(&self, root: &'a Value, path: &[String]) -> Result<String, Error> {
        let mut here = root;
        for part in path {
            let Some(next) = at(self.element(here), "/properties").get(part) else {
                return plain(format!("field \"{part}\" does not exist"));
            };
            here = next;
        }
        let mut out = String::new();
        let element = self.element(here);
        if let Some(last) = path.last() {
            out.push_str(&format!("FIELD: {last} <{}>\n", self.type_name(here)));
            let values: Vec<String> = list(element, "/enum").iter().map(shown).collect();
            if !values.is_empty() {
                out.push_str(&format!("ENUM:\n{}", values.iter().map(|v| format!("    {v}\n")).collect::<String>()));
            }
            out.push('\n');
            if values.is_empty() && !members(element, "/properties").is_empty() {
                out.push('\n');
            }
        }
        out.push_str("DESCRIPTION:\n");
        let mut descriptions: Vec<&str> = vec![text(here, "/description")];
        if text(element, "/description") != descriptions[0] {
            descriptions.push(text(element, "/description"));
        }
        descriptions.retain(|d| !d.is_empty());
        out.push_str(&if descriptions.is_empty() {
            "    <empty>\n".into()
        } else {
            wrap(&descriptions.join("\n"), 4) + "    \n"
        });
        let properties = members(element, "/properties");
        if properties.is_empty() {
            out.push('\n');
            return Ok(out);
        }
        out.push_str("FIELDS:\n");
        self.fields(element, 1, &mut out);
        out.push('\n');
        Ok(out)
    }

    fn fields(&self, schema: &'a Value, level: usize, out: &mut String) {
        if level > DEPTH_MAX {
            return;
        }
        let indent = "  ".repeat(level);
        for (name, field) in members(schema, "/properties") {
            let required =
                if list(schema, "/required").iter().any(|r| r == name.as_str()) { " -required-" } else { "" };
            out.push_str(&format!("{indent}{name}\t<{}>{required}\n", self.type_name(field)));
            let values: Vec<String> = list(self.element(field), "/enum").iter().map(shown).collect();
            if !values.is_empty() {
                out.push_str(&format!("{indent}enum: {}\n", values.join(", ")));
            }
            if self.recursive {
                self.fields(self.element(field), level + 1, out);
                continue;
            }
            let description = match text(field, "/description") {
                "" => text(self.resolve(field), "/description"),
                d => d,
            };
            let description = if description.is_empty() { "<no description>" } else { description };
            out.push_str(&wrap(description, 2 + indent.len()));
            out.push('\n');
        }
    }
}

/// Words in lines of at most 80 columns.
fn wrap(text: &str, indent: usize) -> String {
    let mut out = String::new();
    for paragraph in text.split('\n') {
        let lead: String = paragraph.chars().take_while(|c| *c == ' ').collect();
        let mut line = lead.clone();
        for word in paragraph.split_whitespace() {
            if line.trim().is_empty() {
                line.push_str(word);
            } else if indent + line.chars().count() + 1 + word.chars().count() > WIDTH {
                out.push_str(&format!("{}{line}\n", " ".repeat(indent)));
                line = word.to_owned();
            } else {
                line.push(' ');
                line.push_str(word);
            }
        }
        out.push_str(&format!("{}{line}\n", " ".repeat(indent)));
    }
    out
}
