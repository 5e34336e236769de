//! From arguments and files to objects: `TYPE NAME…`, `TYPE/NAME`, `TYPE -l …`, `-f FILE`.
//!
//! Models: cli-runtime `pkg/resource` (Builder, Selector, StreamVisitor), with its error texts.

use crate::client::failure;
use crate::discovery::{Mapping, no_match, split_version};
use crate::error::{Error, plain};
use crate::flags::{Args, Flag, Kind, boolean, flag, short};
use crate::json::{at, list, set, text};
use crate::session::Kube;
use apimachinery::http::{Reply, Request};
use apimachinery::yaml;
use serde_json::{Value, json};

/// The flags of commands that take files.
pub const FILE_FLAGS: &[Flag] = &[
    short('f', "filename", Kind::List, "", "Files or directories that name the resources."),
    short('k', "kustomize", Kind::Str, "", "A kustomization directory; not with -f or -R."),
    Flag { short: 'R', ..boolean("recursive", "Go through directories of -f, -R to their end.") },
];

pub const SELECTOR_FLAG: &[Flag] =
    &[short('l', "selector", Kind::Str, "", "Labels to filter by: 'key=value', 'key in (a,b)', '!key'.")];

pub const ALL_NAMESPACES_FLAG: &[Flag] =
    &[Flag { short: 'A', ..boolean("all-namespaces", "Look in all namespaces, whatever --namespace says.") }];

pub const FIELD_SELECTOR_FLAG: &[Flag] =
    &[flag("field-selector", Kind::Str, "", "Fields to filter by: 'metadata.name=x', 'status.phase!=Running'.")];

pub const MISSING_RESOURCE: &str = "You must provide one or more resources by argument or filename.
Example resource specifications include:
   '-f rsrc.yaml'
   '--filename=rsrc.json'
   '<resource> <name>'
   '<resource>'";

const STOP_VALIDATE: &str = "if you choose to ignore these errors, turn validation off with --validate=false";
const PAGE_LIMIT: u32 = 10_000;

/// One object, or what stands for it: its resource, place and content.
#[derive(Clone, Debug)]
pub struct Info {
    pub mapping: Mapping,
    /// Empty for cluster-scoped resources.
    pub namespace: String,
    pub name: String,
    pub object: Value,
    /// The file it came from.
    pub source: String,
}

impl Info {
    pub fn path(&self) -> String {
        self.mapping.object_path(&self.namespace, &self.name)
    }

    /// `pods/web`, as messages call it.
    pub fn label(&self) -> String {
        format!("{}/{}", self.mapping.plural, self.name)
    }
}

/// What to look for.
#[derive(Clone, Default)]
pub struct Find<'a> {
    pub args: &'a [String],
    pub files: Vec<String>,
    pub recursive: bool,
    pub kustomize: String,
    /// `None`: no selector given.
    pub selector: Option<String>,
    pub field_selector: Option<String>,
    pub all: bool,
    pub all_namespaces: bool,
    /// A type alone means all of it.
    pub type_alone: bool,
    /// Ask for tables.
    pub table: bool,
    /// Tables shall carry whole objects.
    pub whole_rows: bool,
    /// Objects of files and by name are not fetched.
    pub local: bool,
    /// Files are checked as `--validate` says.
    pub validate: bool,
    pub subresource: String,
    pub chunk: i64,
}

impl<'a> Find<'a> {
    /// From the flags that `args` has.
    pub fn new(args: &'a Args) -> Self {
        let given = |name: &str| Some(args.str(name).to_owned()).filter(|s| !s.is_empty());
        Self {
            args: &args.rest,
            files: args.list("filename"),
            recursive: args.bool("recursive"),
            kustomize: args.str("kustomize").to_owned(),
            selector: given("selector"),
            field_selector: given("field-selector"),
            all: args.bool("all"),
            all_namespaces: args.bool("all-namespaces"),
            chunk: if args.command.own_flags().any(|f| f.name == "chunk-size") { args.int("chunk-size") } else { 500 },
            ..Self::default()
        }
    }

    pub fn with_args(mut self, args: &'a [String]) -> Self {
        self.args = args;
        self
    }
}

/// One thing to fetch.
#[derive(Clone)]
pub enum Target {
    List {
        mapping: Mapping,
        namespace: String,
        labels: String,
        fields: String,
    },
    Named(Info),
    /// From a file.
    Object(Info),
}

#[derive(Clone, Default)]
pub struct Targets {
    pub items: Vec<Target>,
    /// What went wrong with some of the files.
    pub errors: Vec<Error>,
    /// The caller named exactly one thing.
    pub single: bool,
}

#[derive(Clone, Default)]
pub struct Found {
    pub infos: Vec<Info>,
    pub errors: Vec<Error>,
    pub single: bool,
}

impl Found {
    /// The first error, if there is one.
    pub fn strict(self) -> Result<Vec<Info>, Error> {
        Error::all(self.errors)?;
        Ok(self.infos)
    }
}

impl Kube<'_, '_> {
    /// Finds and fetches; what could not be fetched is in `errors`.
    pub fn find(&mut self, find: &Find<'_>) -> Result<Found, Error> {
        let targets = self.targets(find)?;
        let mut found = Found { errors: targets.errors, single: targets.single, ..Found::default() };
        for target in targets.items {
            match self.load(find, target) {
                Ok(infos) => found.infos.extend(infos),
                Err(e) => found.errors.push(e),
            }
        }
        Ok(found)
    }

    /// What the arguments name, without fetching.
    pub fn targets(&mut self, find: &Find<'_>) -> Result<Targets, Error> {
        let (namespace, explicit) = self.namespace()?;
        if !find.kustomize.is_empty() || !find.files.is_empty() {
            if !find.kustomize.is_empty() && !find.files.is_empty() {
                return plain("only one of -f or -k can be specified");
            }
            if !find.args.is_empty() {
                return plain(
                    "when paths, URLs, or stdin is provided as input, you may not specify resource arguments as well",
                );
            }
            return self.file_targets(find, &namespace, explicit && !find.all_namespaces);
        }
        let place = |m: &Mapping| if m.namespaced { namespace.clone() } else { String::new() };
        let args = find.args;
        let slashes = args.iter().filter(|a| a.contains('/')).count();
        if slashes > 0 {
            if slashes < args.len() {
                return plain(
                    "there is no need to specify a resource type as a separate argument when passing arguments in resource/name form (e.g. 'kubectl get resource/<resource_name>' instead of 'kubectl get resource resource/<resource_name>'",
                );
            }
            if find.selector.is_some() || find.field_selector.is_some() || find.all {
                return plain("selectors and the all flag cannot be used when passing resource/name arguments");
            }
            let mut items = Vec::new();
            for word in args {
                let (kind, name) = split_slash(word)?;
                let mapping = self.mapping(kind)?;
                items.push(self.named(find, mapping.clone(), place(&mapping), name)?);
            }
            return Ok(Targets { single: items.len() == 1, items, errors: Vec::new() });
        }
        let selecting = find.selector.is_some()
            || find.field_selector.is_some()
            || find.all
            || (find.type_alone && args.len() == 1);
        if selecting {
            if args.len() > 1 {
                return plain("name cannot be provided when a selector is specified");
            }
            if args.is_empty() {
                return plain("at least one resource must be specified to use a selector");
            }
            let mut items = Vec::new();
            for mapping in self.mappings(&args[0])? {
                let namespace = if find.all_namespaces { String::new() } else { place(&mapping) };
                items.push(Target::List {
                    namespace,
                    mapping,
                    labels: find.selector.clone().unwrap_or_default(),
                    fields: find.field_selector.clone().unwrap_or_default(),
                });
            }
            return Ok(Targets { items, ..Targets::default() });
        }
        match args {
            [] => plain(MISSING_RESOURCE),
            [kinds] => {
                self.mappings(kinds)?;
                plain("resource(s) were provided, but no name was specified")
            }
            [kinds, names @ ..] => {
                let mappings = self.mappings(kinds)?;
                let [mapping] = mappings.as_slice() else { return plain("you must specify only one resource") };
                let mut items = Vec::new();
                for name in names {
                    items.push(self.named(find, mapping.clone(), place(mapping), name)?);
                }
                Ok(Targets { single: items.len() == 1, items, errors: Vec::new() })
            }
        }
    }

    fn named(&mut self, find: &Find<'_>, mapping: Mapping, namespace: String, name: &str) -> Result<Target, Error> {
        if mapping.namespaced && find.all_namespaces {
            return plain("a resource cannot be retrieved by name across all namespaces");
        }
        Ok(Target::Named(Info { mapping, namespace, name: name.into(), object: Value::Null, source: String::new() }))
    }

    /// `pods,svc` or a category.
    pub fn mappings(&mut self, words: &str) -> Result<Vec<Mapping>, Error> {
        let mut out: Vec<Mapping> = Vec::new();
        for word in words.split(',') {
            let category = self.discovery()?.category(word);
            let found = if category.is_empty() { vec![self.mapping(word)?] } else { category };
            for m in found {
                if !out.contains(&m) {
                    out.push(m);
                }
            }
        }
        Ok(out)
    }

    fn load(&mut self, find: &Find<'_>, target: Target) -> Result<Vec<Info>, Error> {
        match target {
            Target::Object(info) if find.local => Ok(vec![info]),
            Target::Named(mut info) | Target::Object(mut info) => {
                if find.local {
                    return Ok(vec![info]);
                }
                let mut path = info.path();
                if !find.subresource.is_empty() {
                    path = format!("{path}/{}", find.subresource);
                }
                info.object = self.json(tabled(Request::get(path), find))?;
                Ok(vec![info])
            }
            Target::List { mapping, namespace, labels, fields } => {
                self.list(find, &mapping, &namespace, &labels, &fields)
            }
        }
    }

    fn list(
        &mut self,
        find: &Find<'_>,
        mapping: &Mapping,
        namespace: &str,
        labels: &str,
        fields: &str,
    ) -> Result<Vec<Info>, Error> {
        let mut out = Vec::new();
        let mut token = String::new();
        for _ in 0..PAGE_LIMIT {
            let mut request = tabled(Request::get(mapping.path(namespace)), find);
            for (name, value) in [("labelSelector", labels), ("fieldSelector", fields), ("continue", token.as_str())] {
                if !value.is_empty() {
                    request = request.query(name, value);
                }
            }
            if find.chunk > 0 {
                request = request.query("limit", find.chunk.to_string());
            }
            let answer = self.json(request).map_err(|e| list_error(e, mapping, labels, fields))?;
            token = text(&answer, "/metadata/continue").to_owned();
            out.extend(items(mapping, namespace, answer));
            if token.is_empty() {
                break;
            }
        }
        Ok(out)
    }

    fn file_targets(&mut self, find: &Find<'_>, namespace: &str, enforce: bool) -> Result<Targets, Error> {
        let mut out = Targets::default();
        let mut sources = Vec::new();
        if !find.kustomize.is_empty() {
            let built = crate::kustomize::build(self, &find.kustomize)?;
            for object in built {
                self.take(object, &find.kustomize, namespace, enforce, &mut out);
            }
            return Ok(out);
        }
        for file in &find.files {
            if file.starts_with("http://") || file.starts_with("https://") {
                return plain(format!(
                    "unable to read URL \"{file}\": this kubectl reads files only; save the file first, with curl -O"
                ));
            }
            if file == "-" {
                sources.push("-".to_owned());
            } else {
                self.expand(file, find.recursive, true, &mut sources)?;
            }
        }
        out.single = sources.len() == 1 && find.files.len() == 1 && find.files[0] != "-";
        for source in sources {
            if let Err(e) = self.read_source(find, &source, namespace, enforce, &mut out) {
                out.errors.push(e);
            }
        }
        Ok(out)
    }

    /// The files that a path of -f stands for.
    fn expand(&mut self, path: &str, recursive: bool, top: bool, out: &mut Vec<String>) -> Result<(), Error> {
        if !self.ctx.is_dir(path) {
            if self.ctx.read_file(path) == Err(machine::fs::FsError::NotFound) {
                return plain(format!("the path \"{path}\" does not exist"));
            }
            out.push(path.into());
            return Ok(());
        }
        let before = out.len();
        for name in self.ctx.list_dir(path).unwrap_or_default() {
            let inner = format!("{}/{name}", path.trim_end_matches('/'));
            if self.ctx.is_dir(&inner) {
                if recursive {
                    self.expand(&inner, true, false, out)?;
                }
            } else if [".json", ".yaml", ".yml"].iter().any(|e| name.ends_with(e)) {
                out.push(inner);
            }
        }
        if top && out.len() == before {
            return plain(format!("error reading [{path}]: recognized file extensions are [.json .yaml .yml]"));
        }
        Ok(())
    }

    fn read_source(
        &mut self,
        find: &Find<'_>,
        source: &str,
        namespace: &str,
        enforce: bool,
        out: &mut Targets,
    ) -> Result<(), Error> {
        let (shown, bytes) = if source == "-" {
            ("STDIN", self.s.stdin.clone().unwrap_or_default())
        } else {
            let bytes = self
                .ctx
                .read_file(source)
                .map_err(|e| Error::Plain(format!("open {source}: {}", e.message().to_lowercase())))?;
            (source, bytes)
        };
        for document in yaml::Decoder::new(&bytes) {
            let document = document.map_err(|e| Error::Plain(format!("error parsing {shown}: {}", e.message)))?;
            if document.value.is_null() {
                continue;
            }
            if find.validate {
                validate(&document.value).map_err(|e| {
                    Error::Plain(format!("error validating \"{shown}\": error validating data: {e}; {STOP_VALIDATE}"))
                })?;
            }
            self.take(document.value, shown, namespace, enforce, out);
        }
        Ok(())
    }

    /// One object of a file, or the items of a list.
    fn take(&mut self, object: Value, source: &str, namespace: &str, enforce: bool, out: &mut Targets) {
        if text(&object, "/kind").ends_with("List") && at(&object, "/items").is_array() {
            for item in list(&object, "/items").to_vec() {
                self.take(item, source, namespace, enforce, out);
            }
            return;
        }
        match self.identify(object, source, namespace, enforce) {
            Ok(info) => out.items.push(Target::Object(info)),
            Err(e) => out.errors.push(e),
        }
    }

    fn identify(&mut self, mut object: Value, source: &str, namespace: &str, enforce: bool) -> Result<Info, Error> {
        let (kind, api_version) = (text(&object, "/kind").to_owned(), text(&object, "/apiVersion").to_owned());
        for (name, value) in [("Kind", &kind), ("apiVersion", &api_version)] {
            if value.is_empty() {
                let raw = apimachinery::json::compact(&object);
                return plain(format!("unable to decode \"{source}\": Object '{name}' is missing in '{raw}'"));
            }
        }
        let name = text(&object, "/metadata/name").to_owned();
        let own = text(&object, "/metadata/namespace").to_owned();
        let Some(mapping) = self.discovery()?.for_kind(&api_version, &kind) else {
            return plain(format!(
                "resource mapping not found for name: \"{name}\" namespace: \"{own}\" from \"{source}\": {}\nensure CRDs are installed first",
                no_match(&api_version, &kind).text()
            ));
        };
        let mut place = String::new();
        if mapping.namespaced {
            if own.is_empty() {
                set(&mut object, "/metadata/namespace", json!(namespace));
                place = namespace.into();
            } else {
                if enforce && own != namespace {
                    return plain(format!(
                        "the namespace from the provided object \"{own}\" does not match the namespace \"{namespace}\". You must pass '--namespace={own}' to perform this operation."
                    ));
                }
                place = own;
            }
        }
        Ok(Info { mapping, namespace: place, name, object, source: source.into() })
    }

    /// The present state of an object; `None` when there is none.
    pub fn try_get(&mut self, info: &Info) -> Result<Option<Value>, Error> {
        match self.get(&info.path()) {
            Ok(v) => Ok(Some(v)),
            Err(e) if e.is_not_found() => Ok(None),
            Err(e) => Err(e),
        }
    }

    /// Objects of a collection, for lookups around an object.
    pub fn list_of(&mut self, path: &str, query: &[(&str, &str)]) -> Result<Vec<Value>, Error> {
        let request = crate::client::with(Request::get(path), query);
        match self.send(request) {
            Ok(response) => match response.body {
                Reply::Json(mut v) => Ok(match v.get_mut("items") {
                    Some(Value::Array(items)) => core::mem::take(items),
                    _ => Vec::new(),
                }),
                _ => Err(failure(response)),
            },
            Err(e) => Err(e),
        }
    }
}

/// `pod/web`.
pub fn split_slash(word: &str) -> Result<(&str, &str), Error> {
    let Some((kind, name)) = word.split_once('/') else {
        return plain(format!("the argument \"{word}\" must be RESOURCE/NAME"));
    };
    if name.contains('/') {
        return plain("arguments in resource/name form may not have more than one slash");
    }
    if kind.is_empty() || name.is_empty() {
        return plain("arguments in resource/name form must have a single resource and name");
    }
    Ok((kind, name))
}

fn tabled(request: Request, find: &Find<'_>) -> Request {
    if !find.table {
        return request;
    }
    let request = request.header(
        "accept",
        "application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json",
    );
    if find.whole_rows { request.query("includeObject", "Object") } else { request }
}

/// The objects of a list answer; a table stays whole.
fn items(mapping: &Mapping, namespace: &str, answer: Value) -> Vec<Info> {
    let info = |object: Value| Info {
        mapping: mapping.clone(),
        namespace: match text(&object, "/metadata/namespace") {
            "" => namespace.to_owned(),
            own => own.to_owned(),
        },
        name: text(&object, "/metadata/name").to_owned(),
        object,
        source: String::new(),
    };
    if text(&answer, "/kind") == "Table" {
        return vec![info(answer)];
    }
    let kind = text(&answer, "/kind").trim_end_matches("List").to_owned();
    let api_version = text(&answer, "/apiVersion").to_owned();
    let Value::Object(mut map) = answer else { return Vec::new() };
    let Some(Value::Array(items)) = map.remove("items") else { return Vec::new() };
    items
        .into_iter()
        .map(|mut item| {
            // Items of typed lists come without their kind.
            if text(&item, "/kind").is_empty() {
                set(&mut item, "/kind", json!(kind));
                set(&mut item, "/apiVersion", json!(api_version));
            }
            info(item)
        })
        .collect()
}

fn list_error(e: Error, mapping: &Mapping, labels: &str, fields: &str) -> Error {
    let Error::Api(mut status) = e else { return e };
    if matches!(status.reason.as_str(), "BadRequest" | "NotFound") {
        let what = format!("{}, Resource={}", mapping_version(mapping), mapping.plural);
        status.message = if labels.is_empty() && fields.is_empty() {
            format!("Unable to list \"{what}\": {}", status.message)
        } else {
            format!(
                "Unable to find \"{what}\" that match label selector \"{labels}\", field selector \"{fields}\": {}",
                status.message
            )
        };
    }
    Error::Api(status)
}

fn mapping_version(mapping: &Mapping) -> String {
    format!("{}/{}", mapping.group, mapping.version)
}

/// What can be told wrong without the server's schema.
fn validate(object: &Value) -> Result<(), String> {
    if !object.is_object() {
        return Err("invalid object to validate".into());
    }
    let mut missing = Vec::new();
    for key in ["apiVersion", "kind"] {
        if text(object, &format!("/{key}")).is_empty() {
            missing.push(format!("{key} not set"));
        }
    }
    match missing.as_slice() {
        [] => Ok(()),
        [one] => Err(one.clone()),
        many => Err(format!("[{}]", many.join(", "))),
    }
}

/// Group of an object's API version.
pub fn group_of(object: &Value) -> &str {
    split_version(text(object, "/apiVersion")).0
}
