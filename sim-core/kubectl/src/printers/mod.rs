//! Objects as text: `-o json|yaml|name|jsonpath=…|go-template=…|custom-columns=…` and the lines that tell what was done.
//!
//! Models: cli-runtime `printers` and `genericclioptions` print flags.

pub mod columns;
pub mod table;

use crate::builder::Info;
use crate::error::{Error, plain};
use crate::flags::{Args, Flag, Kind, boolean, flag, short};
use crate::json::{list, name, remove, set, text};
use crate::session::Kube;
use apimachinery::gotemplate::Template;
use apimachinery::jsonpath::JsonPath;
use apimachinery::{json as gojson, yaml};
use columns::Columns;
use serde_json::{Value, json};

/// Flags of commands that print the objects they made or changed.
pub const PRINT_FLAGS: &[Flag] = &[
    boolean("show-managed-fields", "Keep managedFields in JSON and YAML output."),
    flag("allow-missing-template-keys", Kind::Bool, "true", "Missing fields in templates are no error."),
    short(
        'o',
        "output",
        Kind::Str,
        "",
        "Output format: json, yaml, kyaml, name, go-template, go-template-file, template, templatefile, jsonpath, jsonpath-as-json, jsonpath-file.",
    ),
    flag("template", Kind::Str, "", "Template string or file for -o=go-template and -o=go-template-file."),
];

pub const DRY_RUN_FLAG: &[Flag] = &[Flag {
    bare: "unchanged",
    ..flag(
        "dry-run",
        Kind::Str,
        "none",
        "\"none\", \"server\", or \"client\": only show what would be sent, or let the server try it without keeping it.",
    )
}];

pub const FIELD_MANAGER_FLAG: &[Flag] =
    &[string_default("field-manager", "", "Name under which field ownership is tracked.")];

const fn string_default(name: &'static str, default: &'static str, help: &'static str) -> Flag {
    flag(name, Kind::Str, default, help)
}

const BASIC_FORMATS: &str =
    "go-template,go-template-file,json,jsonpath,jsonpath-as-json,jsonpath-file,kyaml,name,template,templatefile,yaml";
const GET_FORMATS: &str = "custom-columns,custom-columns-file,go-template,go-template-file,json,jsonpath,jsonpath-as-json,jsonpath-file,kyaml,name,template,templatefile,wide,yaml";

#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub enum DryRun {
    #[default]
    None,
    Client,
    Server,
}

impl DryRun {
    pub fn of(k: &mut Kube<'_, '_>, args: &Args) -> Result<Self, Error> {
        match args.str("dry-run") {
            "none" | "false" | "" => Ok(Self::None),
            "client" => Ok(Self::Client),
            "server" => Ok(Self::Server),
            "unchanged" => {
                k.err("W0000 --dry-run is deprecated and can be replaced with --dry-run=client.\n");
                Ok(Self::Client)
            }
            other => plain(format!("Invalid dry-run value ({other}). Must be \"none\", \"server\", or \"client\".")),
        }
    }

    /// The query parameter of writing requests.
    pub fn param(self) -> (&'static str, &'static str) {
        ("dryRun", if self == Self::Server { "All" } else { "" })
    }

    pub fn suffix(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Client => " (dry run)",
            Self::Server => " (server dry run)",
        }
    }
}

#[derive(Clone)]
enum Format {
    Json,
    Yaml,
    Name,
    JsonPath { template: String, parsed: JsonPath, as_json: bool },
    Go { template: String, parsed: Template },
    Columns(Columns),
}

/// A chosen format, and how many objects it has printed.
#[derive(Clone)]
pub struct Printer {
    format: Format,
    managed_fields: bool,
    printed: usize,
}

impl Printer {
    /// `None`: no machine-readable output asked for.
    pub fn of(k: &mut Kube<'_, '_>, args: &Args) -> Result<Option<Self>, Error> {
        let output = args.str("output").to_owned();
        let template = args.str("template").to_owned();
        if output == "wide" && args.command.name == "get" {
            return Ok(None);
        }
        if output.is_empty() && template.is_empty() {
            return Ok(None);
        }
        let (kind, value) = match output.split_once('=') {
            Some((kind, value)) => (kind.to_owned(), value.to_owned()),
            None if output.is_empty() => ("go-template".to_owned(), template),
            None => (output.clone(), template),
        };
        let missing = args.bool("allow-missing-template-keys");
        let format = match kind.as_str() {
            "json" => Format::Json,
            "yaml" | "kyaml" => Format::Yaml,
            "name" => Format::Name,
            "jsonpath" | "jsonpath-as-json" => json_path(&value, missing, kind == "jsonpath-as-json")?,
            "jsonpath-file" => json_path(&read(k, &value)?, missing, false)?,
            "go-template" | "template" => go_template(&value)?,
            "go-template-file" | "templatefile" => go_template(&read(k, &value)?)?,
            "custom-columns" if args.command.name == "get" => {
                Format::Columns(Columns::parse(&value, args.bool("no-headers"))?)
            }
            "custom-columns-file" if args.command.name == "get" => {
                Format::Columns(Columns::parse_file(&read(k, &value)?, args.bool("no-headers"))?)
            }
            _ => {
                let formats = if args.command.name == "get" { GET_FORMATS } else { BASIC_FORMATS };
                return plain(format!(
                    "unable to match a printer suitable for the output format \"{output}\", allowed formats are: {formats}"
                ));
            }
        };
        Ok(Some(Self { format, managed_fields: args.bool("show-managed-fields"), printed: 0 }))
    }

    pub fn is_name(&self) -> bool {
        matches!(self.format, Format::Name)
    }

    pub fn print(&mut self, object: &Value) -> Result<String, Error> {
        self.printed += 1;
        match &mut self.format {
            Format::Json => Ok(gojson::pretty(&without_managed(object, self.managed_fields))),
            Format::Yaml => {
                let between = if self.printed > 1 { "---\n" } else { "" };
                Ok(format!("{between}{}", yaml::to_string(&without_managed(object, self.managed_fields))))
            }
            Format::Name => Ok(names(object)),
            Format::Columns(columns) => columns.print(object),
            Format::JsonPath { template, parsed, as_json: false } => parsed.print(object).map_err(|e| {
                let given = gojson::compact(object);
                Error::Plain(format!("error executing jsonpath \"{template}\": Error executing template: {}. Printing more information for debugging the template:\n\ttemplate was:\n\t\t{template}\n\tobject given to jsonpath engine was:\n\t\t{given}\n\n", e.0))
            }),
            Format::JsonPath { parsed, .. } => {
                let found = parsed.find(object).map_err(|e| Error::Plain(e.0))?;
                let flat: Vec<Value> = found.into_iter().flatten().collect();
                Ok(gojson::pretty(&Value::Array(flat)))
            }
            Format::Go { template, parsed } => parsed.render(object).map_err(|e| {
                Error::Plain(format!("error executing template \"{template}\": {}", e.0))
            }),
        }
    }
}

fn read(k: &mut Kube<'_, '_>, path: &str) -> Result<String, Error> {
    match k.ctx.read_file(path) {
        Ok(bytes) => Ok(String::from_utf8_lossy(&bytes).into_owned()),
        Err(e) => plain(format!("error reading --template {path}, open {path}: {}\n", e.message().to_lowercase())),
    }
}

fn json_path(template: &str, missing: bool, as_json: bool) -> Result<Format, Error> {
    if template.is_empty() {
        return plain("template format specified but no template given");
    }
    let parsed = JsonPath::parse(template)
        .map_err(|e| Error::Plain(format!("error parsing jsonpath {template}, {}", e.0)))?
        .allow_missing_keys(missing);
    Ok(Format::JsonPath { template: template.into(), parsed, as_json })
}

fn go_template(template: &str) -> Result<Format, Error> {
    if template.is_empty() {
        return plain("template format specified but no template given");
    }
    let parsed = Template::parse("output", template)
        .map_err(|e| Error::Plain(format!("error parsing template {template}, {}", e.0)))?;
    Ok(Format::Go { template: template.into(), parsed })
}

fn without_managed(object: &Value, keep: bool) -> Value {
    let mut out = object.clone();
    if keep {
        return out;
    }
    remove(&mut out, "/metadata/managedFields");
    if let Some(Value::Array(items)) = out.get_mut("items") {
        for item in items {
            remove(item, "/metadata/managedFields");
        }
    }
    out
}

fn names(object: &Value) -> String {
    if text(object, "/kind").ends_with("List") && object.get("items").is_some() {
        return list(object, "/items").iter().map(names).collect();
    }
    format!("{}/{}\n", group_kind(object), name(object))
}

/// `deployment.apps` of an object.
pub fn group_kind(object: &Value) -> String {
    let kind = text(object, "/kind").to_lowercase();
    let group = crate::builder::group_of(object);
    if group.is_empty() { kind } else { format!("{kind}.{group}") }
}

/// Many objects as one `v1` List.
pub fn as_list(items: Vec<Value>) -> Value {
    json!({"apiVersion": "v1", "kind": "List", "metadata": {"resourceVersion": ""}, "items": items})
}

/// Tells what was done to an object (`pod/web created`), or prints it in the format asked for.
pub struct Teller {
    printer: Option<Printer>,
    dry_run: DryRun,
}

impl Teller {
    pub fn of(k: &mut Kube<'_, '_>, args: &Args) -> Result<Self, Error> {
        let dry_run = DryRun::of(k, args)?;
        Ok(Self { printer: Printer::of(k, args)?, dry_run })
    }

    pub fn dry_run(&self) -> DryRun {
        self.dry_run
    }

    pub fn is_structured(&self) -> bool {
        self.printer.as_ref().is_some_and(|p| !p.is_name())
    }

    pub fn tell(&mut self, k: &mut Kube<'_, '_>, object: &Value, done: &str) -> Result<(), Error> {
        let text = match &mut self.printer {
            Some(p) => p.print(object)?,
            None => format!("{}/{} {done}{}\n", group_kind(object), name(object), self.dry_run.suffix()),
        };
        k.out(&text);
        Ok(())
    }

    /// As [`Self::tell`], for an object that may lack its kind.
    pub fn tell_info(&mut self, k: &mut Kube<'_, '_>, info: &Info, done: &str) -> Result<(), Error> {
        let mut object = info.object.clone();
        if text(&object, "/kind").is_empty() {
            set(&mut object, "/kind", json!(info.mapping.kind));
            set(&mut object, "/apiVersion", json!(info.mapping.api_version()));
        }
        if name(&object).is_empty() {
            set(&mut object, "/metadata/name", json!(info.name));
        }
        self.tell(k, &object, done)
    }
}
