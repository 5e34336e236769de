//! `kubectl get`.
//!
//! Models: kubectl `cmd/get/get.go`.

use crate::builder::{ALL_NAMESPACES_FLAG, FIELD_SELECTOR_FLAG, FILE_FLAGS, Find, Found, SELECTOR_FLAG, Target};
use crate::client::status_error;
use crate::error::{Error, plain};
use crate::flags::{Args, Command, Flag, Group, Kind, boolean, flag, short, string};
use crate::json::{at, list, text};
use crate::printers::table::{Groups, Options, TablePrinter};
use crate::printers::{PRINT_FLAGS, Printer, as_list};
use crate::session::Kube;
use crate::tabs::Tabs;
use crate::task::{DONE, Next, Task, Turn, task};
use apimachinery::http::{Frame, Reply, Request, StreamId};
use apimachinery::jsonpath::{JsonPath, relaxed};
use apimachinery::order::Order as _;
use apimachinery::quantity::Quantity;
use core::cmp::Ordering;
use machine::process::Wake;
use serde_json::{Value, json};

const FLAGS: &[Flag] = &[
    flag("chunk-size", Kind::Int, "500", "Fetch large lists in pieces of this size; 0 fetches all at once."),
    boolean("ignore-not-found", "Say nothing about objects that do not exist."),
    short('L', "label-columns", Kind::List, "", "Labels to show as columns."),
    boolean("no-headers", "Print no headers."),
    boolean("output-watch-events", "With --watch or --watch-only, print the events around the objects."),
    string("raw", "Raw URI to request from the server."),
    flag("server-print", Kind::Bool, "true", "Let the server make the table."),
    boolean("show-kind", "Show the kind before each name."),
    boolean("show-labels", "Show all labels as the last column."),
    string("sort-by", "Sort by this JSONPath expression ('{.metadata.name}')."),
    string("subresource", "Fetch this subresource of the object."),
    Flag { short: 'w', ..boolean("watch", "After listing, watch for changes.") },
    boolean("watch-only", "Watch for changes without listing first."),
];

pub static COMMAND: Command = Command {
    name: "get",
    group: Group::Intermediate,
    short: "Display one or many resources",
    usage: "[(-o|--output=)json|yaml|kyaml|name|wide|jsonpath=...|go-template=...|custom-columns=...] (TYPE[.VERSION][.GROUP] [NAME | -l label] | TYPE[.VERSION][.GROUP]/NAME ...) [flags] [options]",
    long: "Display one or many resources.\n\n Shows a table of what matters most about the resources. Choose them by type, by name, by label with --selector; without --namespace the namespace of the current context is meant.\n\nUse \"kubectl api-resources\" for a complete list of supported resources.",
    examples: &[
        ("List all pods in ps output format", "kubectl get pods"),
        ("With more columns, such as the node", "kubectl get pods -o wide"),
        ("Show a pod as JSON", "kubectl get -o json pod web-pod-13je7"),
        (
            "Choose the columns",
            "kubectl get pod test-pod -o custom-columns=CONTAINER:.spec.containers[0].name,IMAGE:.spec.containers[0].image",
        ),
        ("Two types together", "kubectl get rc,services"),
    ],
    flags: &[FLAGS, PRINT_FLAGS, FILE_FLAGS, SELECTOR_FLAG, FIELD_SELECTOR_FLAG, ALL_NAMESPACES_FLAG],
    run: Some(run),
    ..Command::EMPTY
};

fn run(k: &mut Kube<'_, '_>, args: &Args) -> Result<Next, Error> {
    if args.changed("raw") {
        return raw(k, args);
    }
    let watching = args.bool("watch") || args.bool("watch-only");
    if !watching && args.rest.is_empty() && args.list("filename").is_empty() && args.str("kustomize").is_empty() {
        k.err("You must specify the type of resource to get. Use \"kubectl api-resources\" for a complete list of supported resources.\n\n");
        return Err(args.usage_error("Required resource not specified.\nUse \"kubectl explain <resource>\" for a detailed description of that resource (e.g. kubectl explain pods)."));
    }
    let output = args.str("output");
    if args.bool("show-labels") && !output.is_empty() && output != "wide" {
        return plain(format!("--show-labels option cannot be used with {output} printer"));
    }
    if args.bool("output-watch-events") && !watching {
        return plain("--output-watch-events option can only be used with --watch or --watch-only");
    }
    if watching {
        return watch(k, args);
    }
    let printer = if args.str("output").is_empty() && args.str("template").is_empty() || output == "wide" {
        None
    } else {
        Some(Printer::of(k, args))
    };
    let mut find = find(args);
    find.table = printer.is_none() && args.bool("server-print");
    find.whole_rows = args.changed("sort-by");
    let mut found = k.find(&find)?;
    if args.bool("ignore-not-found") {
        found.errors.retain(|e| !e.is_not_found());
    }
    match printer {
        Some(printer) => generic(k, args, found, printer?),
        None => human(k, args, found),
    }
}

fn find(args: &Args) -> Find<'_> {
    let mut find = Find::new(args);
    find.type_alone = true;
    find.subresource = args.str("subresource").to_owned();
    if args.changed("sort-by") {
        find.chunk = 0;
    }
    find
}

fn raw(k: &mut Kube<'_, '_>, args: &Args) -> Result<Next, Error> {
    if !args.rest.is_empty() {
        return plain("arguments may not be passed when --raw is specified");
    }
    if args.changed("output") {
        return plain("--raw and --output are mutually exclusive");
    }
    let uri = args.str("raw");
    if !uri.starts_with('/') {
        return plain(format!("--raw must be a valid URL path: parse \"{uri}\": invalid URI for request"));
    }
    let response = k.send(raw_request(uri))?;
    match response.body {
        Reply::Json(v) => k.out(&apimachinery::json::wire(&v, false)),
        Reply::Bytes(b) => k.write(false, &b),
        Reply::Stream(id) => return task(crate::streams::Copy::plain(id)),
        Reply::Empty => {}
    }
    DONE
}

pub fn raw_request(uri: &str) -> Request {
    let (path, query) = uri.split_once('?').unwrap_or((uri, ""));
    let mut request = Request::get(path).header("accept", "application/json, */*");
    for pair in query.split('&').filter(|p| !p.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        request = request.query(&percent_decode(name), percent_decode(value));
    }
    request
}

fn percent_decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let (mut out, mut i) = (Vec::new(), 0);
    while i < bytes.len() {
        let hex = text.get(i + 1..i + 3).and_then(|h| u8::from_str_radix(h, 16).ok());
        match (bytes[i], hex) {
            (b'%', Some(b)) => {
                out.push(b);
                i += 2;
            }
            (b'+', _) => out.push(b' '),
            (b, _) => out.push(b),
        }
        i += 1;
    }
    String::from_utf8_lossy(&out).into_owned()
}

fn options(args: &Args) -> Options {
    Options {
        wide: args.str("output") == "wide",
        no_headers: args.bool("no-headers"),
        with_namespace: false,
        kind: args.bool("show-kind").then(String::new),
        show_labels: args.bool("show-labels"),
        label_columns: args.list("label-columns"),
    }
}

fn human(k: &mut Kube<'_, '_>, args: &Args, mut found: Found) -> Result<Next, Error> {
    if args.changed("sort-by") {
        for info in &mut found.infos {
            sort_table(&mut info.object, args.str("sort-by"))?;
        }
    }
    let all_namespaces = args.bool("all-namespaces");
    let groups = Groups { infos: &found.infos, options: options(args), all_namespaces, now: k.now() };
    let text = if found.infos.is_empty() { String::new() } else { groups.print() };
    k.out(&text);
    if text.is_empty() && found.errors.is_empty() && !args.bool("ignore-not-found") {
        let namespaced = !all_namespaces && found.infos.iter().all(|i| i.mapping.namespaced);
        if namespaced {
            let (namespace, _) = k.namespace()?;
            k.err(&format!("No resources found in {namespace} namespace.\n"));
        } else {
            k.err("No resources found\n");
        }
    }
    Error::all(dedup(found.errors))?;
    DONE
}

fn dedup(errors: Vec<Error>) -> Vec<Error> {
    let mut out: Vec<Error> = Vec::new();
    for e in errors {
        if !out.contains(&e) {
            out.push(e);
        }
    }
    out
}

fn generic(k: &mut Kube<'_, '_>, args: &Args, found: Found, printer: Option<Printer>) -> Result<Next, Error> {
    let Some(mut printer) = printer else { return DONE };
    if found.infos.is_empty() && (found.single || args.bool("ignore-not-found")) {
        Error::all(found.errors)?;
        return DONE;
    }
    let mut objects: Vec<Value> = found.infos.into_iter().map(|i| i.object).collect();
    if args.changed("sort-by") {
        sort_objects(&mut objects, args.str("sort-by"))?;
    }
    let object = match objects.as_mut_slice() {
        [one] if found.single => core::mem::take(one),
        _ => as_list(objects),
    };
    let text = printer.print(&object)?;
    k.out(&text);
    Error::all(found.errors)?;
    DONE
}

fn sort_key(path: &JsonPath, object: &Value) -> Option<Value> {
    path.find(object).ok()?.into_iter().flatten().next().filter(|v| !v.is_null())
}

fn sort_path(field: &str) -> Result<JsonPath, Error> {
    let path = relaxed(field).map_err(|e| Error::Plain(e.0))?;
    Ok(JsonPath::parse(&path).map_err(|e| Error::Plain(e.0))?.allow_missing_keys(true))
}

fn sort_objects(objects: &mut Vec<Value>, field: &str) -> Result<(), Error> {
    let path = sort_path(field)?;
    let mut keyed: Vec<(Option<Value>, Value)> =
        core::mem::take(objects).into_iter().map(|o| (sort_key(&path, &o), o)).collect();
    if !keyed.is_empty() && keyed.iter().all(|(key, _)| key.is_none()) {
        return plain(format!("couldn't find any field with path \"{}\" in the list of objects", shown_path(field)));
    }
    keyed.order_by(|a, b| compare(a.0.as_ref(), b.0.as_ref()));
    *objects = keyed.into_iter().map(|(_, o)| o).collect();
    Ok(())
}

fn shown_path(field: &str) -> String {
    relaxed(field).unwrap_or_else(|_| field.to_owned())
}

/// Sorts a table's rows by a field of their objects.
fn sort_table(table: &mut Value, field: &str) -> Result<(), Error> {
    let path = sort_path(field)?;
    let Some(Value::Array(rows)) = table.get_mut("rows") else { return Ok(()) };
    if !rows.is_empty() && rows.iter().all(|r| sort_key(&path, at(r, "/object")).is_none()) {
        return plain(format!("couldn't find any field with path \"{}\" in the list of objects", shown_path(field)));
    }
    rows.order_by(|a, b| {
        let (a, b) = (sort_key(&path, at(a, "/object")), sort_key(&path, at(b, "/object")));
        compare(a.as_ref(), b.as_ref())
    });
    Ok(())
}

/// Absent first; quantities by amount, numbers by value, the rest as natural text.
fn compare(a: Option<&Value>, b: Option<&Value>) -> Ordering {
    match (a, b) {
        (None, None) => Ordering::Equal,
        (None, _) => Ordering::Less,
        (_, None) => Ordering::Greater,
        (Some(Value::String(a)), Some(Value::String(b))) => match (Quantity::parse(a), Quantity::parse(b)) {
            (Ok(x), Ok(y)) => x.partial_cmp(&y).unwrap_or(Ordering::Equal),
            _ => natural(a, b),
        },
        (Some(a), Some(b)) => match (a.as_f64(), b.as_f64()) {
            (Some(x), Some(y)) => x.partial_cmp(&y).unwrap_or(Ordering::Equal),
            _ => a.to_string().cmp(&b.to_string()),
        },
    }
}

/// Runs of digits compare as numbers.
fn natural(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (a, b);
    loop {
        let (x, y) = (a.chars().next(), b.chars().next());
        let (Some(x), Some(y)) = (x, y) else { return a.len().cmp(&b.len()) };
        if x.is_ascii_digit() && y.is_ascii_digit() {
            let digits = |s: &str| s.len() - s.trim_start_matches(|c: char| c.is_ascii_digit()).len();
            let (n, m) = (digits(a), digits(b));
            let order = a[..n].parse::<u128>().unwrap_or(0).cmp(&b[..m].parse::<u128>().unwrap_or(0));
            if order != Ordering::Equal {
                return order;
            }
            (a, b) = (&a[n..], &b[m..]);
        } else if x != y {
            return x.cmp(&y);
        } else {
            (a, b) = (&a[x.len_utf8()..], &b[y.len_utf8()..]);
        }
    }
}

/// `get --watch`: what comes is printed as it comes.
#[derive(Clone)]
struct Watch {
    stream: StreamId,
    printer: Option<Printer>,
    table: TablePrinter,
    tabs: Tabs,
    events: bool,
}

fn watch(k: &mut Kube<'_, '_>, args: &Args) -> Result<Next, Error> {
    let printer = Printer::of(k, args)?;
    let mut find = find(args);
    find.table = printer.is_none() && args.bool("server-print");
    let only = args.bool("watch-only");
    let targets = k.targets(&find)?;
    Error::all(targets.errors)?;
    let [target] = targets.items.as_slice() else {
        return plain("you may only specify a single resource type");
    };
    let (mapping, namespace, query) = match target {
        Target::List { mapping, namespace, labels, fields } => (
            mapping.clone(),
            namespace.clone(),
            vec![("labelSelector", labels.clone()), ("fieldSelector", fields.clone())],
        ),
        Target::Named(i) | Target::Object(i) => {
            (i.mapping.clone(), i.namespace.clone(), vec![("fieldSelector", format!("metadata.name={}", i.name))])
        }
    };
    let plain_objects = printer.is_some();
    let accept = |r: Request| {
        if plain_objects {
            r
        } else {
            r.header("accept", "application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json")
        }
    };
    let filtered = |mut r: Request| {
        for (key, value) in &query {
            if !value.is_empty() {
                r = r.query(key, value.clone());
            }
        }
        r
    };
    let first = match target {
        Target::List { .. } => k.json(accept(filtered(Request::get(mapping.path(&namespace)))))?,
        Target::Named(i) | Target::Object(i) => match k.json(accept(Request::get(i.path()))) {
            Err(e) if e.is_not_found() && args.bool("ignore-not-found") => return DONE,
            other => other?,
        },
    };
    let mut options = options(args);
    options.with_namespace = args.bool("all-namespaces") && mapping.namespaced;
    if options.kind.is_some() {
        options.kind = Some(mapping.group_kind());
    }
    let events = args.bool("output-watch-events");
    let mut watch =
        Watch { stream: StreamId(0), printer, table: TablePrinter::new(options), tabs: Tabs::table(), events };
    if !only {
        watch.first(k, &first)?;
    }
    let version = match text(&first, "/metadata/resourceVersion") {
        "" => text(&first, "/rows/0/object/metadata/resourceVersion").to_owned(),
        v => v.to_owned(),
    };
    let request =
        filtered(Request::get(mapping.path(&namespace))).query("watch", "true").query("resourceVersion", version);
    watch.stream = k.stream(accept(request))?;
    task(watch)
}

impl Watch {
    fn first(&mut self, k: &mut Kube<'_, '_>, answer: &Value) -> Result<(), Error> {
        if text(answer, "/kind") != "Table" && at(answer, "/items").is_array() {
            for item in list(answer, "/items") {
                self.show(k, "ADDED", item)?;
            }
            return Ok(());
        }
        self.show(k, "ADDED", answer)
    }

    fn show(&mut self, k: &mut Kube<'_, '_>, event: &str, object: &Value) -> Result<(), Error> {
        let text = match &mut self.printer {
            Some(p) if self.events => p.print(&json!({"type": event, "object": object}))?,
            Some(p) => p.print(object)?,
            None => {
                self.table.print(object, self.events.then_some(event), k.now(), &mut self.tabs);
                self.tabs.flush()
            }
        };
        k.out(&text);
        Ok(())
    }
}

impl Task for Watch {
    fn step(&mut self, k: &mut Kube<'_, '_>) -> Result<Turn, Error> {
        let read = k.ctx.host.stream_read(self.stream);
        for frame in read.frames {
            let Frame::Json(event) = frame else { continue };
            if text(&event, "/type") == "ERROR" {
                return Err(Error::Api(Box::new(status_error(at(&event, "/object")))));
            }
            if text(&event, "/type") != "BOOKMARK" {
                self.show(k, text(&event, "/type"), at(&event, "/object"))?;
            }
        }
        if read.ended {
            k.ctx.host.stream_close(self.stream);
            return Ok(Turn::Done(0));
        }
        Ok(Turn::Wait(Wake::World { until: None }))
    }
}
