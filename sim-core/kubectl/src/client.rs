//! Requests to the API server and what comes back: objects, failures, warnings, streams.
//!
//! Models: client-go `rest` and the error it makes of a failed request.

use crate::error::{ApiError, Error};
use crate::json::{at, int, text};
use crate::session::Kube;
use apimachinery::http::{Method, Reply, Request, Response, StreamId};
use machine::host::NetError;
use serde_json::Value;

const USER_AGENT: &str = "kubectl/v1.36.2 (linux/amd64) kubernetes/8b3f5c1";
/// How the simulated TLS layer tells the server which certificate the client showed.
pub const CERTIFICATE_HEADER: &str = "x-client-certificate";

pub const STRATEGIC: &str = "application/strategic-merge-patch+json";
pub const MERGE: &str = "application/merge-patch+json";
pub const JSON_PATCH: &str = "application/json-patch+json";
pub const APPLY: &str = "application/apply-patch+yaml";

/// Query parameters of a writing request.
pub type Params<'a> = &'a [(&'a str, &'a str)];

impl Kube<'_, '_> {
    /// Sends a request and returns whatever answer comes, failures of the API included as errors.
    pub fn send(&mut self, mut request: Request) -> Result<Response, Error> {
        let to = self.connection()?;
        let shown_path = request.path.clone();
        request.path = format!("{}{}", to.prefix, request.path);
        if request.header_value("accept").is_none() {
            request = request.header("accept", "application/json");
        }
        request = request.header("user-agent", USER_AGENT);
        if !to.token.is_empty() {
            request = request.header("authorization", format!("Bearer {}", to.token));
        }
        if !to.certificate.is_empty() {
            request = request.header(CERTIFICATE_HEADER, to.certificate.clone());
        }
        request = self.impersonate(request);
        let (verb, machine) = (request.method.as_str(), self.ctx.machine.id.clone());
        let exchange = self.ctx.host.http(&machine, &to.scheme, &to.host, to.port, request);
        self.s.debt += exchange.after;
        let response = exchange.result.map_err(|e| {
            let url = format!("{}://{}{}{shown_path}", to.scheme, to.authority(), to.prefix);
            unreachable(&e, verb, &url, &to.authority(), &to.host, to.port)
        })?;
        self.warnings(&response)?;
        if response.is_success() || response.code == 101 { Ok(response) } else { Err(failure(response)) }
    }

    fn impersonate(&self, mut request: Request) -> Request {
        let Some(flags) = &self.s.flags else { return request };
        for (flag, header) in [("as", "impersonate-user"), ("as-uid", "impersonate-uid")] {
            if !flags.str(flag).is_empty() {
                request = request.header(header, flags.str(flag));
            }
        }
        for group in flags.list("as-group") {
            request = request.header("impersonate-group", group);
        }
        request
    }

    fn warnings(&mut self, response: &Response) -> Result<(), Error> {
        for (_, value) in response.headers.iter().filter(|(n, _)| n == "warning") {
            let Some(inner) = value.split_once('"').and_then(|(_, rest)| rest.rsplit_once('"')) else { continue };
            let warning = inner.0.replace("\\\"", "\"").replace("\\\\", "\\");
            if !self.s.warned.contains(&warning) {
                self.err(&format!("Warning: {warning}\n"));
                self.s.warned.push(warning);
            }
        }
        if !self.s.warned.is_empty() && self.global("warnings-as-errors") == "true" {
            let n = self.s.warned.len();
            return Err(Error::Plain(format!("{n} warning{} received", if n == 1 { "" } else { "s" })));
        }
        Ok(())
    }

    /// An answer's body as JSON.
    pub fn json(&mut self, request: Request) -> Result<Value, Error> {
        let response = self.send(request)?;
        match response.body {
            Reply::Json(v) => Ok(v),
            Reply::Bytes(b) => apimachinery::json::parse(&b).map_err(|e| Error::Plain(e.message)),
            Reply::Empty => Ok(Value::Null),
            Reply::Stream(id) => {
                self.ctx.host.stream_close(id);
                Err(Error::Plain("the server answered with a stream where an object was expected".into()))
            }
        }
    }

    pub fn get(&mut self, path: &str) -> Result<Value, Error> {
        self.json(Request::get(path))
    }

    pub fn post(&mut self, path: &str, params: Params<'_>, body: Value) -> Result<Value, Error> {
        self.json(with(Request::new(Method::Post, path), params).header("content-type", "application/json").json(body))
    }

    pub fn put(&mut self, path: &str, params: Params<'_>, body: Value) -> Result<Value, Error> {
        self.json(with(Request::new(Method::Put, path), params).header("content-type", "application/json").json(body))
    }

    pub fn patch(&mut self, path: &str, kind: &str, params: Params<'_>, body: Value) -> Result<Value, Error> {
        self.json(with(Request::new(Method::Patch, path), params).header("content-type", kind).json(body))
    }

    pub fn delete(&mut self, path: &str, options: Value) -> Result<Value, Error> {
        let request = Request::new(Method::Delete, path).header("content-type", "application/json").json(options);
        self.json(request)
    }

    /// Opens a stream: a watch, followed logs, exec.
    pub fn stream(&mut self, request: Request) -> Result<StreamId, Error> {
        match self.send(request)?.body {
            Reply::Stream(id) => Ok(id),
            _ => Err(Error::Plain("the server did not answer with a stream".into())),
        }
    }
}

pub fn with(mut request: Request, params: Params<'_>) -> Request {
    for (name, value) in params {
        if !value.is_empty() {
            request = request.query(name, *value);
        }
    }
    request
}

fn unreachable(e: &NetError, verb: &str, url: &str, authority: &str, host: &str, port: u16) -> Error {
    let why = match e {
        NetError::NoSuchHost => format!("dial tcp: lookup {host}: no such host"),
        NetError::Refused => format!("dial tcp {host}:{port}: connect: connection refused"),
        NetError::TimedOut => format!("dial tcp {host}:{port}: i/o timeout"),
        NetError::Unreachable => format!("dial tcp {host}:{port}: connect: no route to host"),
        NetError::Reset => "EOF".to_owned(),
        NetError::NotHttp(_) => "net/http: HTTP/1.x transport connection broken: malformed HTTP response".to_owned(),
    };
    let verb = format!("{}{}", &verb[..1], verb[1..].to_lowercase());
    let shown = if *e == NetError::Refused {
        format!("The connection to the server {authority} was refused - did you specify the right host or port?")
    } else {
        format!("Unable to connect to the server: {why}")
    };
    Error::Connection { shown, inner: format!("{verb} \"{url}\": {why}") }
}

/// The error that a failed answer stands for.
pub fn failure(response: Response) -> Error {
    let code = response.code;
    let (value, plain) = match response.body {
        Reply::Json(v) => (v, String::new()),
        Reply::Bytes(b) => {
            (apimachinery::json::parse(&b).unwrap_or_default(), String::from_utf8_lossy(&b).into_owned())
        }
        _ => (Value::Null, String::new()),
    };
    if text(&value, "/kind") == "Status" {
        return Error::Api(Box::new(status_error(&value)));
    }
    let (reason, message) = match code {
        400 => ("BadRequest", format!("the server rejected our request for an unknown reason: {}", plain.trim())),
        401 => ("Unauthorized", "the server has asked for the client to provide credentials".to_owned()),
        403 => ("Forbidden", plain.trim().to_owned()),
        404 => ("NotFound", "the server could not find the requested resource".to_owned()),
        405 => ("MethodNotAllowed", "the server does not allow this method on the requested resource".to_owned()),
        409 => ("Conflict", "the server reported a conflict".to_owned()),
        415 => ("UnsupportedMediaType", "the server could not process the media type".to_owned()),
        503 => ("ServiceUnavailable", "the server is currently unable to handle the request".to_owned()),
        _ => (
            "InternalError",
            format!("an error on the server (\"{}\") has prevented the request from succeeding", plain.trim()),
        ),
    };
    Error::Api(Box::new(ApiError { code, reason: reason.into(), message, details: Value::Null }))
}

pub fn status_error(status: &Value) -> ApiError {
    ApiError {
        code: int(status, "/code") as u16,
        reason: text(status, "/reason").to_owned(),
        message: text(status, "/message").to_owned(),
        details: at(status, "/details").clone(),
    }
}
