//! The kubeconfig: found, merged, and resolved to one server, one identity, one namespace.
//!
//! Models: client-go `tools/clientcmd`.

use crate::error::{Error, plain};
use crate::json::{at, list, remove, set, text};
use crate::session::Kube;
use apimachinery::order::Order as _;
use apimachinery::yaml;
use machine::fs::FsError;
use serde_json::{Value, json};

const SERVICE_ACCOUNT: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

#[derive(Clone, Default)]
pub struct Config {
    /// All files merged; the first to name something wins.
    pub value: Value,
    /// Files in order of precedence with what they hold.
    pub files: Vec<(String, Value)>,
}

/// Where requests go and who sends them.
#[derive(Clone, Default)]
pub struct Connection {
    pub scheme: String,
    pub host: String,
    pub port: u16,
    /// Path before every request's path.
    pub prefix: String,
    pub token: String,
    /// The client's certificate, PEM.
    pub certificate: String,
    pub namespace: String,
}

impl Connection {
    pub fn authority(&self) -> String {
        match (self.scheme.as_str(), self.port) {
            ("https", 443) | ("http", 80) => self.host.clone(),
            _ => format!("{}:{}", self.host, self.port),
        }
    }
}

/// The three lists of a kubeconfig: key of the list, key of the content.
pub const SECTIONS: &[(&str, &str)] = &[("clusters", "cluster"), ("users", "user"), ("contexts", "context")];

/// An entry of one of the lists by its name.
pub fn entry<'a>(config: &'a Value, section: &str, name: &str) -> Option<&'a Value> {
    let key = SECTIONS.iter().find(|(s, _)| *s == section)?.1;
    list(config, &format!("/{section}")).iter().find(|e| text(e, "/name") == name).map(|e| at(e, &format!("/{key}")))
}

/// Sets or adds an entry.
pub fn set_entry(config: &mut Value, section: &str, name: &str, content: Value) {
    let Some((_, key)) = SECTIONS.iter().find(|(s, _)| *s == section) else { return };
    if !at(config, &format!("/{section}")).is_array() {
        set(config, &format!("/{section}"), json!([]));
    }
    let Some(Value::Array(items)) = config.get_mut(section) else { return };
    match items.iter_mut().find(|e| text(e, "/name") == name) {
        Some(e) => set(e, &format!("/{key}"), content),
        None => {
            items.push(json!({"name": name, *key: content}));
            items.order_by(|a, b| text(a, "/name").cmp(text(b, "/name")));
        }
    }
}

/// Removes an entry; false when it was not there.
pub fn remove_entry(config: &mut Value, section: &str, name: &str) -> bool {
    let Some(Value::Array(items)) = config.get_mut(section) else { return false };
    let before = items.len();
    items.retain(|e| text(e, "/name") != name);
    items.len() < before
}

impl Kube<'_, '_> {
    /// Paths of the kubeconfig files, most important first.
    pub fn config_paths(&self) -> Vec<String> {
        let explicit = self.global("kubeconfig");
        if !explicit.is_empty() {
            return vec![self.ctx.abs(&explicit)];
        }
        match self.ctx.env("KUBECONFIG").filter(|v| !v.is_empty()) {
            Some(many) => many.split(':').filter(|p| !p.is_empty()).map(|p| self.ctx.abs(p)).collect(),
            None => vec![format!("{}/.kube/config", self.ctx.env("HOME").unwrap_or_else(|| "/root".into()))],
        }
    }

    pub fn config(&mut self) -> Result<&Config, Error> {
        if self.s.config.is_none() {
            let explicit = self.global("kubeconfig");
            let mut config = Config { value: json!({}), files: Vec::new() };
            for path in self.config_paths() {
                match self.ctx.read_file(&path) {
                    Ok(bytes) => {
                        let found = yaml::parse(&String::from_utf8_lossy(&bytes)).map_err(|e| {
                            Error::Plain(format!("error loading config file \"{path}\": {}", e.message))
                        })?;
                        merge(&mut config.value, &found);
                        config.files.push((path, found));
                    }
                    Err(FsError::NotFound) if explicit.is_empty() => {}
                    Err(FsError::NotFound) => return plain(format!("stat {explicit}: no such file or directory")),
                    Err(e) => {
                        let why = e.message().to_lowercase();
                        return plain(format!("error loading config file \"{path}\": open {path}: {why}"));
                    }
                }
            }
            self.s.config = Some(config);
        }
        Ok(self.s.config.as_ref().expect("loaded above"))
    }

    /// Writes a changed file and forgets what was read.
    pub fn write_config(&mut self, path: &str, config: &Value) -> Result<(), Error> {
        let mut whole = config.clone();
        for (key, empty) in [("apiVersion", json!("v1")), ("kind", json!("Config")), ("current-context", json!(""))] {
            if at(&whole, &format!("/{key}")).is_null() {
                set(&mut whole, &format!("/{key}"), empty);
            }
        }
        for (section, _) in SECTIONS {
            if at(&whole, &format!("/{section}")).is_null() {
                set(&mut whole, &format!("/{section}"), Value::Null);
            }
        }
        if at(&whole, "/preferences").as_object().is_some_and(|m| m.is_empty()) {
            remove(&mut whole, "/preferences");
        }
        self.s.config = None;
        self.ctx
            .write_file(path, yaml::to_string(&whole).as_bytes())
            .map_err(|e| Error::Plain(format!("open {path}: {}", e.message().to_lowercase())))
    }

    /// Name of the context in use; empty when there is none.
    pub fn context_name(&mut self) -> Result<String, Error> {
        let flag = self.global("context");
        let config = self.config()?;
        if flag.is_empty() {
            return Ok(text(&config.value, "/current-context").to_owned());
        }
        if entry(&config.value, "contexts", &flag).is_none() {
            return plain(format!("context \"{flag}\" does not exist"));
        }
        Ok(flag)
    }

    pub fn connection(&mut self) -> Result<Connection, Error> {
        let name = self.context_name()?;
        let (server_flag, token_flag) = (self.global("server"), self.global("token"));
        let (cluster_flag, user_flag) = (self.global("cluster"), self.global("user"));
        let config = self.config()?.value.clone();
        let context = entry(&config, "contexts", &name).cloned().unwrap_or_default();
        if !name.is_empty() && context.is_null() {
            return Err(Error::Bare(format!(
                "Error in configuration: context was not found for specified context: {name}"
            )));
        }
        let pick = |flag: &str, key: &str| if flag.is_empty() { text(&context, key).to_owned() } else { flag.into() };
        let cluster_name = pick(&cluster_flag, "/cluster");
        let cluster = entry(&config, "clusters", &cluster_name).cloned().unwrap_or_default();
        let user = entry(&config, "users", &pick(&user_flag, "/user")).cloned().unwrap_or_default();
        if name.is_empty()
            && server_flag.is_empty()
            && cluster.is_null()
            && let Some(inside) = self.in_cluster()
        {
            return Ok(inside);
        }
        if !cluster_name.is_empty() && cluster.is_null() && server_flag.is_empty() {
            return Err(Error::Bare(format!("Error in configuration: cluster \"{cluster_name}\" does not exist")));
        }
        let mut server = if server_flag.is_empty() { text(&cluster, "/server").to_owned() } else { server_flag };
        if server.is_empty() {
            server = "http://localhost:8080".into();
        }
        let mut out = split_url(&server);
        out.namespace = text(&context, "/namespace").to_owned();
        out.token = if token_flag.is_empty() { text(&user, "/token").to_owned() } else { token_flag };
        out.certificate = self.certificate(&user)?;
        Ok(out)
    }

    fn certificate(&mut self, user: &Value) -> Result<String, Error> {
        let data = text(user, "/client-certificate-data");
        if !data.is_empty() {
            let bytes = crate::base64::decode(data).unwrap_or_default();
            return Ok(String::from_utf8_lossy(&bytes).into_owned());
        }
        let flag = self.global("client-certificate");
        let file = if flag.is_empty() { text(user, "/client-certificate").to_owned() } else { flag };
        if file.is_empty() {
            return Ok(String::new());
        }
        match self.ctx.read_file(&self.ctx.abs(&file)) {
            Ok(bytes) => Ok(String::from_utf8_lossy(&bytes).into_owned()),
            Err(e) => {
                let why = e.message().to_lowercase();
                Err(Error::Bare(format!(
                    "Error in configuration: unable to read client-cert {file}: open {file}: {why}"
                )))
            }
        }
    }

    /// The service account of the pod this runs in.
    fn in_cluster(&mut self) -> Option<Connection> {
        let host = self.ctx.env("KUBERNETES_SERVICE_HOST")?;
        let port = self.ctx.env("KUBERNETES_SERVICE_PORT")?.parse().ok()?;
        let token = self.ctx.read_file(&format!("{SERVICE_ACCOUNT}/token")).ok()?;
        let namespace = self.ctx.read_file(&format!("{SERVICE_ACCOUNT}/namespace")).unwrap_or_default();
        let read = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).trim().to_owned();
        Some(Connection {
            scheme: "https".into(),
            host,
            port,
            token: read(token),
            namespace: read(namespace),
            ..Connection::default()
        })
    }

    /// The namespace in use, and whether `-n` named it.
    pub fn namespace(&mut self) -> Result<(String, bool), Error> {
        let flag = self.global("namespace");
        if !flag.is_empty() {
            return Ok((flag, true));
        }
        let from_context = self.connection()?.namespace;
        Ok((if from_context.is_empty() { "default".into() } else { from_context }, false))
    }
}

fn merge(into: &mut Value, from: &Value) {
    if text(into, "/current-context").is_empty() {
        set(into, "/current-context", json!(text(from, "/current-context")));
    }
    for (section, key) in SECTIONS {
        for e in list(from, &format!("/{section}")) {
            if entry(into, section, text(e, "/name")).is_none() {
                set_entry(into, section, text(e, "/name"), at(e, &format!("/{key}")).clone());
            }
        }
    }
}

fn split_url(server: &str) -> Connection {
    let (scheme, rest) = server.split_once("://").unwrap_or(("http", server));
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let (host, port) = authority.rsplit_once(':').unwrap_or((authority, ""));
    let default = if scheme == "https" { 443 } else { 80 };
    let path = path.trim_end_matches('/');
    Connection {
        scheme: scheme.into(),
        host: host.into(),
        port: port.parse().unwrap_or(default),
        prefix: if path.is_empty() { String::new() } else { format!("/{path}") },
        ..Connection::default()
    }
}
