//! `kubectl config …`: looking at and changing the kubeconfig.
//!
//! Models: kubectl `cmd/config`.

use crate::config::{SECTIONS, entry, remove_entry, set_entry};
use crate::error::{Error, plain};
use crate::flags::{Args, Command, Flag, Group, Kind, boolean, flag, short, string};
use crate::json::{at, list, remove, set, text};
use crate::printers::{PRINT_FLAGS, Printer};
use crate::session::Kube;
use crate::tabs::Tabs;
use crate::task::{DONE, Next};
use apimachinery::order::Order as _;
use serde_json::{Value, json};

pub static COMMAND: Command = Command {
    name: "config",
    group: Group::Settings,
    short: "Modify kubeconfig files",
    usage: "SUBCOMMAND [options]",
    long: "Modify kubeconfig files using subcommands like \"kubectl config set current-context my-context\".\n\n The file is that of --kubeconfig, of $KUBECONFIG, or ${HOME}/.kube/config.",
    subs: &[
        &CURRENT_CONTEXT,
        &DELETE_CLUSTER,
        &DELETE_CONTEXT,
        &DELETE_USER,
        &GET_CLUSTERS,
        &GET_CONTEXTS,
        &GET_USERS,
        &RENAME_CONTEXT,
        &SET,
        &SET_CLUSTER,
        &SET_CONTEXT,
        &SET_CREDENTIALS,
        &UNSET,
        &USE_CONTEXT,
        &VIEW,
    ],
    ..Command::EMPTY
};

const fn sub(name: &'static str, short: &'static str, usage: &'static str, run: crate::task::Run) -> Command {
    Command { name, short, usage, run: Some(run), ..Command::EMPTY }
}

static CURRENT_CONTEXT: Command = sub("current-context", "Display the current-context", "[flags] [options]", |k, _| {
    match text(&k.config()?.value, "/current-context").to_owned().as_str() {
        "" => plain("current-context is not set"),
        name => {
            k.line(name);
            DONE
        }
    }
});
static DELETE_CLUSTER: Command =
    sub("delete-cluster", "Delete the specified cluster from the kubeconfig", "NAME [options]", |k, a| {
        delete(k, a, "clusters")
    });
static DELETE_CONTEXT: Command =
    sub("delete-context", "Delete the specified context from the kubeconfig", "NAME [options]", |k, a| {
        delete(k, a, "contexts")
    });
static DELETE_USER: Command =
    sub("delete-user", "Delete the specified user from the kubeconfig", "NAME [options]", |k, a| delete(k, a, "users"));
static GET_CLUSTERS: Command =
    sub("get-clusters", "Display clusters defined in the kubeconfig", "[flags] [options]", |k, _| names(k, "clusters"));
static GET_USERS: Command =
    sub("get-users", "Display users defined in the kubeconfig", "[flags] [options]", |k, _| names(k, "users"));
static RENAME_CONTEXT: Command =
    sub("rename-context", "Rename a context from the kubeconfig file", "CONTEXT_NAME NEW_NAME [options]", rename);
static SET: Command =
    sub("set", "Set an individual value in a kubeconfig file", "PROPERTY_NAME PROPERTY_VALUE [options]", |k, a| {
        let [property, value] = a.rest.as_slice() else { return Err(a.usage_error("Unexpected args")) };
        property_change(k, property, Some(value))
    });
static UNSET: Command =
    sub("unset", "Unset an individual value in a kubeconfig file", "PROPERTY_NAME [options]", |k, a| {
        let [property] = a.rest.as_slice() else { return Err(a.usage_error("Unexpected args")) };
        property_change(k, property, None)
    });

static USE_CONTEXT: Command = Command {
    name: "use-context",
    aliases: &["use"],
    short: "Set the current-context in a kubeconfig file",
    usage: "CONTEXT_NAME [options]",
    run: Some(use_context),
    ..Command::EMPTY
};

static GET_CONTEXTS: Command = Command {
    name: "get-contexts",
    short: "Describe one or many contexts",
    usage: "[(-o|--output=)name)] [options]",
    flags: &[&[
        boolean("no-headers", "Print no headers."),
        short('o', "output", Kind::Str, "", "Output format: name."),
    ]],
    run: Some(get_contexts),
    ..Command::EMPTY
};

static SET_CONTEXT: Command = Command {
    name: "set-context",
    short: "Set a context entry in kubeconfig",
    usage: "[NAME | --current] [--cluster=cluster_nickname] [--user=user_nickname] [--namespace=namespace] [options]",
    examples: &[(
        "Change the namespace of the current context",
        "kubectl config set-context --current --namespace=team-a",
    )],
    flags: &[&[boolean("current", "Change the current context.")]],
    run: Some(set_context),
    ..Command::EMPTY
};

const EMBED: &[Flag] = &[boolean("embed-certs", "Keep the certificates' content in the file.")];

static SET_CLUSTER: Command = Command {
    name: "set-cluster",
    short: "Set a cluster entry in kubeconfig",
    usage: "NAME [--server=server] [--certificate-authority=path/to/certificate/authority] [--insecure-skip-tls-verify=true] [options]",
    flags: &[EMBED, &[string("proxy-url", "Proxy to reach the cluster by.")]],
    run: Some(|k, a| {
        set_named(
            k,
            a,
            "clusters",
            "Cluster",
            &[
                ("server", "server"),
                ("certificate-authority", "certificate-authority"),
                ("tls-server-name", "tls-server-name"),
                ("insecure-skip-tls-verify", "insecure-skip-tls-verify"),
                ("proxy-url", "proxy-url"),
            ],
        )
    }),
    ..Command::EMPTY
};

static SET_CREDENTIALS: Command = Command {
    name: "set-credentials",
    short: "Set a user entry in kubeconfig",
    usage: "NAME [--client-certificate=path/to/certfile] [--client-key=path/to/keyfile] [--token=bearer_token] [options]",
    flags: &[EMBED],
    run: Some(|k, a| {
        set_named(
            k,
            a,
            "users",
            "User",
            &[
                ("client-certificate", "client-certificate"),
                ("client-key", "client-key"),
                ("token", "token"),
                ("username", "username"),
                ("password", "password"),
            ],
        )
    }),
    ..Command::EMPTY
};

static VIEW: Command = Command {
    name: "view",
    short: "Display merged kubeconfig settings or a specified kubeconfig file",
    usage: "[flags] [options]",
    examples: &[
        ("Show the merged settings", "kubectl config view"),
        ("Certificates included", "kubectl config view --raw"),
        ("The password of a user", "kubectl config view -o jsonpath='{.users[?(@.name == \"e2e\")].user.password}'"),
    ],
    flags: &[
        &[
            boolean("flatten", "Put files' content into the output."),
            flag("merge", Kind::Bool, "true", "Merge all kubeconfig files."),
            boolean("minify", "Only what the current context uses."),
            boolean("raw", "Show certificates and secrets."),
        ],
        PRINT_FLAGS,
    ],
    run: Some(view),
    ..Command::EMPTY
};

/// The file to change and its content: where the named entry is, or the first.
fn file(k: &mut Kube<'_, '_>, section: &str, name: &str) -> Result<(String, Value), Error> {
    let first = k.config_paths().into_iter().next().unwrap_or_default();
    let config = k.config()?;
    let holder = config.files.iter().find(|(_, v)| entry(v, section, name).is_some()).or(config.files.first());
    Ok(holder.map_or_else(|| (first, json!({})), |(path, v)| (path.clone(), v.clone())))
}

fn use_context(k: &mut Kube<'_, '_>, args: &Args) -> Result<Next, Error> {
    let [name] = args.rest.as_slice() else {
        return Err(args.usage_error("Unexpected args: ".to_owned() + &format!("{:?}", args.rest)));
    };
    if entry(&k.config()?.value, "contexts", name).is_none() {
        return plain(format!("no context exists with the name: \"{name}\""));
    }
    let (path, mut config) = file(k, "", "")?;
    set(&mut config, "/current-context", json!(name));
    k.write_config(&path, &config)?;
    k.line(&format!("Switched to context \"{name}\"."));
    DONE
}

fn names(k: &mut Kube<'_, '_>, section: &str) -> Result<Next, Error> {
    let all: Vec<String> =
        list(&k.config()?.value, &format!("/{section}")).iter().map(|e| text(e, "/name").to_owned()).collect();
    k.line("NAME");
    for name in all {
        k.line(&name);
    }
    DONE
}

fn delete(k: &mut Kube<'_, '_>, args: &Args, section: &str) -> Result<Next, Error> {
    let [name] = args.rest.as_slice() else { return Err(args.usage_error("Unexpected args")) };
    let (path, mut config) = file(k, section, name)?;
    let what = section.trim_end_matches('s');
    if !remove_entry(&mut config, section, name) {
        return plain(format!("cannot delete {what} {name}, not in {path}"));
    }
    if what == "context" && text(&config, "/current-context") == name {
        k.err(
            "warning: this removed your active context, use \"kubectl config use-context\" to select a different one\n",
        );
    }
    k.write_config(&path, &config)?;
    k.line(&format!("deleted {what} {name} from {path}"));
    DONE
}

fn rename(k: &mut Kube<'_, '_>, args: &Args) -> Result<Next, Error> {
    let [old, new] = args.rest.as_slice() else { return Err(args.usage_error("Unexpected args")) };
    let (path, mut config) = file(k, "contexts", old)?;
    let Some(content) = entry(&config, "contexts", old).cloned() else {
        return plain(format!("cannot rename the context \"{old}\", it's not in {path}"));
    };
    if entry(&config, "contexts", new).is_some() {
        return plain(format!("cannot rename the context \"{old}\", the context \"{new}\" already exists in {path}"));
    }
    remove_entry(&mut config, "contexts", old);
    set_entry(&mut config, "contexts", new, content);
    if text(&config, "/current-context") == old {
        set(&mut config, "/current-context", json!(new));
    }
    k.write_config(&path, &config)?;
    k.line(&format!("Context \"{old}\" renamed to \"{new}\"."));
    DONE
}

fn get_contexts(k: &mut Kube<'_, '_>, args: &Args) -> Result<Next, Error> {
    let config = k.config()?.value.clone();
    let wanted = |c: &&Value| args.rest.is_empty() || args.rest.iter().any(|r| r == text(c, "/name"));
    let mut contexts: Vec<&Value> = list(&config, "/contexts").iter().filter(wanted).collect();
    contexts.order_by_key(|c| text(c, "/name"));
    for name in &args.rest {
        if !contexts.iter().any(|c| text(c, "/name") == name) {
            return plain(format!("context {name} not found"));
        }
    }
    if args.str("output") == "name" {
        for c in contexts {
            k.line(text(c, "/name"));
        }
        return DONE;
    }
    let mut table = Tabs::table();
    if !args.bool("no-headers") {
        table.row(&["CURRENT", "NAME", "CLUSTER", "AUTHINFO", "NAMESPACE"]);
    }
    for c in contexts {
        let current = if text(c, "/name") == text(&config, "/current-context") { "*" } else { "" };
        table.row(&[
            current,
            text(c, "/name"),
            text(c, "/context/cluster"),
            text(c, "/context/user"),
            text(c, "/context/namespace"),
        ]);
    }
    let text = table.flush();
    k.out(&text);
    DONE
}

fn set_context(k: &mut Kube<'_, '_>, args: &Args) -> Result<Next, Error> {
    let name = match (args.rest.as_slice(), args.bool("current")) {
        ([], true) => text(&k.config()?.value, "/current-context").to_owned(),
        ([name], false) => name.clone(),
        ([], false) => return plain("you must specify a non-empty context name or --current"),
        _ => return plain("you cannot specify both a context name and --current"),
    };
    if name.is_empty() {
        return plain("no current context is set");
    }
    let (path, mut config) = file(k, "contexts", &name)?;
    let old = entry(&config, "contexts", &name).cloned();
    let mut content = old.clone().unwrap_or_else(|| json!({"cluster": "", "user": ""}));
    for flag in ["cluster", "user", "namespace"] {
        if args.changed(flag) {
            set(&mut content, &format!("/{flag}"), json!(args.str(flag)));
        }
    }
    set_entry(&mut config, "contexts", &name, content);
    k.write_config(&path, &config)?;
    k.line(&format!("Context \"{name}\" {}.", if old.is_some() { "modified" } else { "created" }));
    DONE
}

fn set_named(
    k: &mut Kube<'_, '_>,
    args: &Args,
    section: &str,
    called: &str,
    fields: &[(&str, &str)],
) -> Result<Next, Error> {
    let [name] = args.rest.as_slice() else { return Err(args.usage_error("Unexpected args")) };
    let (path, mut config) = file(k, section, name)?;
    let mut content = entry(&config, section, name).cloned().unwrap_or_else(|| json!({}));
    for (flag, key) in fields {
        if !args.changed(flag) {
            continue;
        }
        let value = args.str(flag).to_owned();
        if *flag == "insecure-skip-tls-verify" {
            set(&mut content, &format!("/{key}"), json!(args.bool(flag)));
        } else if args.bool("embed-certs")
            && matches!(*flag, "certificate-authority" | "client-certificate" | "client-key")
        {
            let bytes = k.ctx.read_file(&value).map_err(|e| {
                Error::Plain(format!(
                    "could not read {flag} data from {value}: open {value}: {}",
                    e.message().to_lowercase()
                ))
            })?;
            set(&mut content, &format!("/{key}-data"), json!(crate::base64::encode(&bytes)));
            remove(&mut content, &format!("/{key}"));
        } else {
            set(&mut content, &format!("/{key}"), json!(value));
        }
    }
    set_entry(&mut config, section, name, content);
    k.write_config(&path, &config)?;
    k.line(&format!("{called} \"{name}\" set."));
    DONE
}

/// `contexts.minikube.namespace`: names with dots are not reached this way.
fn property_change(k: &mut Kube<'_, '_>, property: &str, value: Option<&str>) -> Result<Next, Error> {
    let (path, mut config) = file(k, "", "")?;
    let parts: Vec<&str> = property.split('.').collect();
    match parts.as_slice() {
        [single] if !SECTIONS.iter().any(|(s, _)| s == single) => match value {
            Some(v) => set(&mut config, &format!("/{single}"), json!(v)),
            None => remove(&mut config, &format!("/{single}")),
        },
        [section] if value.is_none() => remove(&mut config, &format!("/{section}")),
        [section, name] if value.is_none() => {
            remove_entry(&mut config, section, name);
        }
        [section, name @ .., key] if !name.is_empty() && SECTIONS.iter().any(|(s, _)| s == section) => {
            let name = name.join(".");
            let mut content = entry(&config, section, &name).cloned().unwrap_or_else(|| json!({}));
            match value {
                Some(v) => set(&mut content, &format!("/{key}"), json!(v)),
                None => remove(&mut content, &format!("/{key}")),
            }
            set_entry(&mut config, section, &name, content);
        }
        _ => return plain(format!("unable to parse {property} at {}", parts.last().unwrap_or(&""))),
    }
    k.write_config(&path, &config)?;
    k.line(&format!("Property \"{property}\" {}.", if value.is_some() { "set" } else { "unset" }));
    DONE
}

fn view(k: &mut Kube<'_, '_>, args: &Args) -> Result<Next, Error> {
    let mut config = k.config()?.value.clone();
    if args.bool("minify") {
        config = minified(k, &config)?;
    }
    set(&mut config, "/apiVersion", json!("v1"));
    set(&mut config, "/kind", json!("Config"));
    for (section, _) in SECTIONS {
        if at(&config, &format!("/{section}")).is_null() {
            set(&mut config, &format!("/{section}"), Value::Null);
        }
    }
    if at(&config, "/current-context").is_null() {
        set(&mut config, "/current-context", json!(""));
    }
    if !args.bool("raw") {
        hide(&mut config);
    }
    let text = match Printer::of(k, args)? {
        Some(mut p) => p.print(&config)?,
        None => apimachinery::yaml::to_string(&config),
    };
    k.out(&text);
    DONE
}

fn minified(k: &mut Kube<'_, '_>, config: &Value) -> Result<Value, Error> {
    let name = k.context_name()?;
    if name.is_empty() {
        return plain("current-context must exist in order to minify");
    }
    let context = entry(config, "contexts", &name).cloned().unwrap_or_default();
    let mut out = json!({"current-context": name});
    set_entry(&mut out, "contexts", &name, context.clone());
    for (section, key) in [("clusters", "/cluster"), ("users", "/user")] {
        if let Some(content) = entry(config, section, text(&context, key)) {
            set_entry(&mut out, section, text(&context, key), content.clone());
        }
    }
    Ok(out)
}

/// Keeps what is secret out of sight.
fn hide(config: &mut Value) {
    const HIDDEN: [(&str, &str, &str); 5] = [
        ("clusters", "/cluster/certificate-authority-data", "DATA+OMITTED"),
        ("users", "/user/client-certificate-data", "DATA+OMITTED"),
        ("users", "/user/client-key-data", "DATA+OMITTED"),
        ("users", "/user/token", "REDACTED"),
        ("users", "/user/password", "REDACTED"),
    ];
    for (section, pointer, shown) in HIDDEN {
        let Some(Value::Array(items)) = config.get_mut(section) else { continue };
        for item in items {
            if !text(item, pointer).is_empty() {
                set(item, pointer, json!(shown));
            }
        }
    }
}
