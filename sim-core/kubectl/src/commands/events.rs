//! `kubectl events`.
//!
//! Models: kubectl `cmd/events`.

use crate::builder::{ALL_NAMESPACES_FLAG, split_slash};
use crate::client::with;
use crate::describe::{interval, last_seen};
use crate::error::{Error, plain};
use crate::flags::{Args, Command, Flag, Group, Kind, boolean, flag, string};
use crate::json::{at, list, namespace, text};
use crate::printers::{PRINT_FLAGS, Printer, as_list};
use crate::session::Kube;
use crate::tabs::Tabs;
use crate::task::{DONE, Next, Task, Turn, task};
use apimachinery::http::{Frame, Request, StreamId};
use apimachinery::order::Order as _;
use machine::process::Wake;
use serde_json::Value;

pub static COMMAND: Command = Command {
    name: "events",
    group: Group::Trouble,
    short: "List events",
    usage: "[(-o|--output=)json|yaml|...] [--for TYPE/NAME] [--watch] [--types=Normal,Warning] [options]",
    long: "Display events: of a namespace, of all, or about one object.",
    examples: &[("About a pod, and go on", "kubectl events --for pod/web-pod-13je7 --watch")],
    flags: &[
        &[
            flag("chunk-size", Kind::Int, "500", "Fetch large lists in pieces of this size."),
            string("for", "Events about this object, TYPE/NAME."),
            boolean("no-headers", "Print no headers."),
            flag("types", Kind::List, "", "Events of these types."),
            Flag { short: 'w', ..boolean("watch", "After listing, watch for more.") },
        ],
        PRINT_FLAGS,
        ALL_NAMESPACES_FLAG,
    ],
    run: Some(run),
    ..Command::EMPTY
};

fn run(k: &mut Kube<'_, '_>, args: &Args) -> Result<Next, Error> {
    let all = args.bool("all-namespaces");
    let (place, _) = k.namespace()?;
    let path = if all { "/api/v1/events".to_owned() } else { format!("/api/v1/namespaces/{place}/events") };
    let mut fields = String::new();
    if args.changed("for") {
        let Ok((kind, object)) = split_slash(args.str("for")) else {
            return plain(format!("--for must be in resource/name form: {}", args.str("for")));
        };
        let mapping = k.mapping(kind)?;
        fields = format!("involvedObject.kind={},involvedObject.name={object}", mapping.kind);
    }
    let listed = k.json(with(Request::get(path.as_str()), &[("fieldSelector", &fields)]))?;
    let types = args.list("types");
    let mut events: Vec<Value> = list(&listed, "/items").iter().filter(|e| wanted(e, &types)).cloned().collect();
    events.order_by_key(last_seen);
    if let Some(mut p) = Printer::of(k, args)? {
        let text = p.print(&as_list(events))?;
        k.out(&text);
        return DONE;
    }
    if events.is_empty() && !args.bool("watch") {
        let place = if all { "any namespace".to_owned() } else { format!("{place} namespace") };
        k.err(&format!("No events found in {place}.\n"));
        return DONE;
    }
    let mut view = View { tabs: Tabs::table(), all, headers: !args.bool("no-headers"), types, stream: StreamId(0) };
    view.print(k, &events);
    if !args.bool("watch") {
        return DONE;
    }
    let version = text(&listed, "/metadata/resourceVersion");
    let request =
        with(Request::get(path), &[("fieldSelector", &fields), ("watch", "true"), ("resourceVersion", version)]);
    view.stream = k.stream(request)?;
    task(view)
}

fn wanted(event: &Value, types: &[String]) -> bool {
    types.is_empty() || types.iter().any(|t| t.eq_ignore_ascii_case(text(event, "/type")))
}

#[derive(Clone)]
struct View {
    tabs: Tabs,
    all: bool,
    headers: bool,
    types: Vec<String>,
    stream: StreamId,
}

impl View {
    fn print(&mut self, k: &mut Kube<'_, '_>, events: &[Value]) {
        if core::mem::take(&mut self.headers) {
            let mut headers = vec!["LAST SEEN", "TYPE", "REASON", "OBJECT", "MESSAGE"];
            if self.all {
                headers.insert(0, "NAMESPACE");
            }
            self.tabs.row(&headers);
        }
        for e in events {
            let object = format!("{}/{}", text(e, "/involvedObject/kind"), text(e, "/involvedObject/name"));
            let mut cells = vec![
                interval(k, e),
                text(e, "/type").to_owned(),
                text(e, "/reason").to_owned(),
                object,
                text(e, "/message").trim().to_owned(),
            ];
            if self.all {
                cells.insert(0, namespace(e).to_owned());
            }
            self.tabs.row(&cells);
        }
        let text = self.tabs.flush();
        k.out(&text);
    }
}

impl Task for View {
    fn step(&mut self, k: &mut Kube<'_, '_>) -> Result<Turn, Error> {
        let read = k.ctx.host.stream_read(self.stream);
        for frame in read.frames {
            let Frame::Json(event) = frame else { continue };
            let object = at(&event, "/object");
            if matches!(text(&event, "/type"), "ADDED" | "MODIFIED") && wanted(object, &self.types) {
                self.print(k, core::slice::from_ref(object));
            }
        }
        if read.ended { Ok(Turn::Done(0)) } else { Ok(Turn::Wait(Wake::World { until: None })) }
    }
}
