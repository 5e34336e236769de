//! `kubectl version|cluster-info|api-versions|api-resources|options`.
//!
//! Models: kubectl `cmd/version`, `cmd/clusterinfo`, `cmd/apiresources`.

use crate::discovery::Mapping;
use crate::error::{Error, plain};
use crate::flags::{Args, Command, Flag, Group, Kind, boolean, flag, short, string};
use crate::json::{name, namespace, text};
use crate::printers::{PRINT_FLAGS, Printer};
use crate::session::Kube;
use crate::tabs::Tabs;
use crate::task::{DONE, Next};
use apimachinery::order::Order as _;
use serde_json::{Value, json};

const CLIENT_VERSION: &str = "v1.36.2";
const KUSTOMIZE_VERSION: &str = "v5.8.1";

pub static VERSION: Command = Command {
    name: "version",
    group: Group::Other,
    short: "Print the client and server version information",
    usage: "[flags] [options]",
    flags: &[&[boolean("client", "Client version only."), short('o', "output", Kind::Str, "", "json or yaml.")]],
    run: Some(version),
    ..Command::EMPTY
};

fn version(k: &mut Kube<'_, '_>, args: &Args) -> Result<Next, Error> {
    let output = args.str("output");
    if !matches!(output, "" | "json" | "yaml") {
        return plain("--output must be 'yaml' or 'json'");
    }
    let server = if args.bool("client") { None } else { Some(k.get("/version")) };
    let client = json!({
        "major": "1", "minor": "36", "gitVersion": CLIENT_VERSION, "gitTreeState": "clean", "compiler": "gc",
        "platform": "linux/amd64", "goVersion": "go1.26.4", "buildDate": "2026-06-09T00:00:00Z", "gitCommit": "",
    });
    let mut all = json!({"clientVersion": client, "kustomizeVersion": KUSTOMIZE_VERSION});
    if let Some(Ok(v)) = &server {
        all["serverVersion"] = v.clone();
    }
    let text = match output {
        "json" => format!("{}\n", apimachinery::json::indented(&all, "  ")),
        "yaml" => apimachinery::yaml::to_string(&all),
        _ => {
            let mut out = format!("Client Version: {CLIENT_VERSION}\nKustomize Version: {KUSTOMIZE_VERSION}\n");
            if let Some(Ok(v)) = &server {
                out.push_str(&format!("Server Version: {}\n", text(v, "/gitVersion")));
            }
            out
        }
    };
    k.out(&text);
    match server {
        Some(Err(e)) => Err(e),
        _ => DONE,
    }
}

pub static OPTIONS: Command = Command {
    name: "options",
    short: "Print the list of flags inherited by all commands",
    run: Some(|k, _| {
        let text = crate::help::options();
        k.out(&text);
        DONE
    }),
    ..Command::EMPTY
};

pub static CLUSTER_INFO: Command = Command {
    name: "cluster-info",
    group: Group::Cluster,
    short: "Display cluster information",
    usage: "[flags] [options]",
    long: "Display addresses of the control plane and services with label kubernetes.io/cluster-service=true.",
    subs: &[&DUMP],
    run: Some(cluster_info),
    ..Command::EMPTY
};

static DUMP: Command = Command {
    name: "dump",
    short: "Dump relevant information for debugging and diagnosis",
    run: Some(|_, _| plain("cluster-info dump is not supported by this kubectl; use 'kubectl get all -A -o yaml'")),
    ..Command::EMPTY
};

fn cluster_info(k: &mut Kube<'_, '_>, _: &Args) -> Result<Next, Error> {
    let to = k.connection()?;
    let base = format!("{}://{}{}", to.scheme, to.authority(), to.prefix);
    let services = k.list_of(
        "/api/v1/namespaces/kube-system/services",
        &[("labelSelector", "kubernetes.io/cluster-service=true")],
    )?;
    shown_link(k, "Kubernetes control plane", &base);
    for s in &services {
        let called = text(s, "/metadata/labels/kubernetes.io~1name");
        let called = if called.is_empty() { name(s) } else { called };
        let port = text(s, "/spec/ports/0/name");
        let service = if port.is_empty() { name(s).to_owned() } else { format!("{}:{port}", name(s)) };
        let link = format!("{base}/api/v1/namespaces/{}/services/{service}/proxy", namespace(s));
        shown_link(k, called, &link);
    }
    k.out("\nTo further debug and diagnose cluster problems, use 'kubectl cluster-info dump'.\n");
    DONE
}

fn shown_link(k: &mut Kube<'_, '_>, what: &str, link: &str) {
    if k.ctx.is_tty(1) {
        k.out(&format!("\u{1b}[0;32m{what}\u{1b}[0m is running at \u{1b}[0;33m{link}\u{1b}[0m\n"));
    } else {
        k.out(&format!("{what} is running at {link}\n"));
    }
}

pub static API_VERSIONS: Command = Command {
    name: "api-versions",
    group: Group::Other,
    short: "Print the supported API versions on the server, in the form of \"group/version\"",
    usage: "[options]",
    run: Some(|k, _| {
        let mut all: Vec<String> = k
            .discovery()?
            .versions
            .iter()
            .map(|(group, version)| if group.is_empty() { version.clone() } else { format!("{group}/{version}") })
            .collect();
        all.order();
        for v in all {
            k.line(&v);
        }
        DONE
    }),
    ..Command::EMPTY
};

const RESOURCE_FLAGS: &[Flag] = &[
    string("api-group", "Resources of this API group."),
    boolean("cached", "Use the cached list."),
    flag("categories", Kind::List, "", "Resources of these categories."),
    flag("namespaced", Kind::Bool, "true", "Resources with or without a namespace."),
    boolean("no-headers", "Print no headers."),
    string("sort-by", "Sort by 'name' or 'kind'."),
    flag("verbs", Kind::List, "", "Resources with these verbs."),
];

pub static API_RESOURCES: Command = Command {
    name: "api-resources",
    group: Group::Other,
    short: "Print the supported API resources on the server",
    usage: "[flags] [options]",
    examples: &[
        ("With more columns", "kubectl api-resources -o wide"),
        ("Without a namespace", "kubectl api-resources --namespaced=false"),
    ],
    flags: &[RESOURCE_FLAGS, PRINT_FLAGS],
    run: Some(api_resources),
    ..Command::EMPTY
};

fn api_resources(k: &mut Kube<'_, '_>, args: &Args) -> Result<Next, Error> {
    let output = args.str("output");
    if !matches!(args.str("sort-by"), "" | "name" | "kind") {
        return plain("--sort-by accepts only name or kind");
    }
    let mut all = preferred(k, args)?;
    match args.str("sort-by") {
        "name" => all.order_by(|a, b| a.plural.cmp(&b.plural)),
        "kind" => all.order_by(|a, b| a.kind.cmp(&b.kind)),
        _ => all.order_by(|a, b| (&a.group, &a.plural).cmp(&(&b.group, &b.plural))),
    }
    match output {
        "" | "wide" => {}
        "name" => {
            for r in &all {
                k.line(&r.group_resource());
            }
            return DONE;
        }
        _ => {
            let list = json!({"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": "", "resources":
                all.iter().map(|r| json!({"name": r.plural, "singularName": r.singular, "namespaced": r.namespaced, "kind": r.kind,
                    "group": r.group, "version": r.version, "verbs": r.verbs})).collect::<Vec<Value>>()});
            if let Some(mut p) = Printer::of(k, args)? {
                let text = p.print(&list)?;
                k.out(&text);
            }
            return DONE;
        }
    }
    let wide = output == "wide";
    let mut table = Tabs::table();
    if !args.bool("no-headers") {
        let mut headers = vec!["NAME", "SHORTNAMES", "APIVERSION", "NAMESPACED", "KIND"];
        if wide {
            headers.extend(["VERBS", "CATEGORIES"]);
        }
        table.row(&headers);
    }
    for r in &all {
        let mut cells =
            vec![r.plural.clone(), r.short_names.join(","), r.api_version(), r.namespaced.to_string(), r.kind.clone()];
        if wide {
            cells.extend([r.verbs.join(","), r.categories.join(",")]);
        }
        table.row(&cells);
    }
    let text = table.flush();
    k.out(&text);
    DONE
}

/// Resources in their preferred versions, filtered by the flags.
fn preferred(k: &mut Kube<'_, '_>, args: &Args) -> Result<Vec<Mapping>, Error> {
    let mut out: Vec<Mapping> = Vec::new();
    let (verbs, categories) = (args.list("verbs"), args.list("categories"));
    for r in &k.discovery()?.resources {
        let seen = out.iter().any(|o| o.group == r.group && o.plural == r.plural);
        let group = !args.changed("api-group") || args.str("api-group") == r.group;
        let scope = !args.changed("namespaced") || args.bool("namespaced") == r.namespaced;
        let verbs = verbs.iter().all(|v| r.can(v)) && !r.verbs.is_empty();
        let categories = categories.iter().all(|c| r.categories.contains(c));
        if !seen && group && scope && verbs && categories {
            out.push(r.clone());
        }
    }
    Ok(out)
}
