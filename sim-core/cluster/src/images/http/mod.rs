//! What the servers inside images answer over HTTP, and the access log lines they write.
//!
//! One file a family of servers. Invariant: an answer depends on the request, the server's settings and the container's
//! files and name; nothing is fetched from outside except by a [`Answer::Forward`] that the network follows.

pub mod agnhost;
pub mod echo;
pub mod nginx;
pub mod nginx_conf;
pub mod web;

use super::calendar;
use super::software::{Files, Service};
use apimachinery::http::{Request, Response};
use apimachinery::time::Time;

/// Which family of answers a server gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Handler {
    Nginx,
    /// Apache httpd over `/usr/local/apache2/htdocs`.
    Apache,
    /// Python's `http.server` over its working directory.
    PythonFiles,
    /// Busybox `httpd -h DIR`.
    BusyboxFiles,
    /// `hello-app`: greeting, version, host name.
    HelloApp,
    /// Kubernetes' first tutorial's `kubernetes-bootcamp`.
    Bootcamp,
    /// `http-echo -text`.
    FixedText,
    /// `registry.k8s.io/echoserver`.
    EchoServer,
    /// `ealen/echo-server`: the request as JSON.
    EchoJson,
    /// `nginxdemos/hello`.
    NginxHello,
    /// `traefik/whoami`.
    Whoami,
    Agnhost,
    /// The registry API's front door (`registry:2`); the engine that runs it moves the images.
    Registry,
    /// A page that names the application.
    Page,
    /// `/metrics` and a few words.
    Prometheus,
    /// Kubernetes' guestbook front end.
    Guestbook,
    /// Speaks another protocol; what it sends first.
    Database(&'static str),
}

/// One request as the server sees it.
pub struct Visit<'a> {
    pub now: Time,
    pub port: u16,
    pub client: &'a str,
    pub hostname: &'a str,
    /// The pod's or container's own address.
    pub address: &'a str,
    pub version: &'a str,
    /// How many requests came before.
    pub served: u64,
    pub service: &'a Service,
    pub request: &'a Request,
    pub files: &'a dyn Files,
}

/// What comes of a request.
pub enum Answer {
    Http(Response),
    /// The server passes it on (`proxy_pass`); the network carries it and returns what comes back.
    Forward {
        scheme: String,
        host: String,
        port: u16,
        request: Request,
    },
    /// The port is open but speaks no HTTP.
    NotHttp(Vec<u8>),
    /// The port accepts and never answers.
    Silence,
}

/// An answer and what was logged with it: (to standard error?, line).
pub struct Served {
    pub answer: Answer,
    pub log: Vec<(bool, String)>,
}

impl Served {
    pub fn silent(response: Response) -> Self {
        Self { answer: Answer::Http(response), log: Vec::new() }
    }

    pub fn logged(response: Response, line: String) -> Self {
        Self { answer: Answer::Http(response), log: vec![(false, line)] }
    }
}

/// Lets the server at `visit.port` answer.
pub fn serve(visit: &Visit<'_>) -> Served {
    match visit.service.server.handler {
        Handler::Nginx => nginx::serve(visit),
        Handler::NginxHello => nginx::serve_hello(visit),
        Handler::Apache => web::apache(visit),
        Handler::PythonFiles => web::python(visit),
        Handler::BusyboxFiles => web::busybox(visit),
        Handler::Page => web::page(visit),
        Handler::Prometheus => web::prometheus(visit),
        Handler::Guestbook => web::guestbook(visit),
        Handler::Registry => web::registry(visit),
        Handler::HelloApp => echo::hello_app(visit),
        Handler::Bootcamp => echo::bootcamp(visit),
        Handler::FixedText => echo::fixed_text(visit),
        Handler::EchoServer => echo::echo_server(visit),
        Handler::EchoJson => echo::echo_json(visit),
        Handler::Whoami => echo::whoami(visit),
        Handler::Agnhost => agnhost::serve(visit),
        Handler::Database(greeting) => {
            Served { answer: Answer::NotHttp(greeting.as_bytes().to_vec()), log: Vec::new() }
        }
    }
}

impl Visit<'_> {
    /// `GET /path?query HTTP/1.1`
    pub fn request_line(&self) -> String {
        format!("{} {} HTTP/1.1", self.request.method.as_str(), self.target())
    }

    /// Path and query as sent.
    pub fn target(&self) -> String {
        let mut out = self.request.path.clone();
        for (i, (name, value)) in self.request.query.iter().enumerate() {
            out.push(if i == 0 { '?' } else { '&' });
            out.push_str(name);
            if !value.is_empty() {
                out.push('=');
                out.push_str(value);
            }
        }
        out
    }

    pub fn header<'s>(&'s self, name: &str, default: &'s str) -> &'s str {
        self.request.header_value(name).unwrap_or(default)
    }

    /// The host the client asked for; its own name when the client did not say.
    pub fn host(&self) -> &str {
        self.header("host", self.hostname)
    }

    /// `10.244.0.1 - - [05/Jan/2026:08:00:00 +0000] "GET / HTTP/1.1" 200 615`
    pub fn common_log(&self, code: u16, bytes: usize) -> String {
        let when = calendar::common_log(self.now);
        format!("{} - - [{when}] \"{}\" {code} {bytes}", self.client, self.request_line())
    }
}

/// Headers in order, then the length; the body is left out for `HEAD`.
pub fn respond(visit: &Visit<'_>, code: u16, headers: &[(&str, &str)], body: impl Into<Vec<u8>>) -> Response {
    let body = body.into();
    let mut response = Response { code, headers: Vec::new(), body: apimachinery::http::Reply::Empty };
    for (name, value) in headers {
        response.headers.push(((*name).to_owned(), (*value).to_owned()));
    }
    if !headers.iter().any(|(n, _)| *n == "content-length") {
        response.headers.push(("content-length".to_owned(), body.len().to_string()));
    }
    if visit.request.method != apimachinery::http::Method::Head && code != 204 && code != 304 {
        response.body = apimachinery::http::Reply::Bytes(body);
    }
    response
}

/// The media type by a file's ending.
pub fn media_type(path: &str) -> &'static str {
    match path.rsplit('/').next().and_then(|name| name.rsplit_once('.')).map(|(_, e)| e) {
        Some("html" | "htm") => "text/html",
        Some("css") => "text/css",
        Some("js") => "application/javascript",
        Some("json") => "application/json",
        Some("txt" | "conf" | "log") => "text/plain",
        Some("xml") => "text/xml",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("jpg" | "jpeg") => "image/jpeg",
        Some("gif") => "image/gif",
        Some("ico") => "image/x-icon",
        _ => "application/octet-stream",
    }
}

/// Resolves `.` and `..` in a requested path; never leads above the root.
pub fn clean_path(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            p => parts.push(p),
        }
    }
    let mut out = format!("/{}", parts.join("/"));
    if path.ends_with('/') && out.len() > 1 {
        out.push('/');
    }
    out
}
