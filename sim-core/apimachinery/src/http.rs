//! HTTP-shaped requests and responses: the shape of every conversation in the simulated world.
//!
//! Not an HTTP implementation: no bytes on a wire. Inside one process a JSON body travels as a value, so that nobody
//! pays for printing and parsing; at a real door (`kaiki api`) it is bytes.

use serde_json::Value;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    Get,
    Head,
    Post,
    Put,
    Patch,
    Delete,
    Options,
}

impl Method {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
            Self::Options => "OPTIONS",
        }
    }

    pub fn parse(word: &str) -> Option<Self> {
        [Self::Get, Self::Head, Self::Post, Self::Put, Self::Patch, Self::Delete, Self::Options]
            .into_iter()
            .find(|m| m.as_str().eq_ignore_ascii_case(word))
    }
}

#[derive(Clone, Debug, Default, PartialEq)]
pub enum Body {
    #[default]
    Empty,
    Bytes(Vec<u8>),
    Json(Value),
}

impl Body {
    /// The body as bytes; a JSON value is printed compactly.
    pub fn into_bytes(self) -> Vec<u8> {
        match self {
            Self::Empty => Vec::new(),
            Self::Bytes(b) => b,
            Self::Json(v) => v.to_string().into_bytes(),
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    pub method: Method,
    /// Decoded path without the query: `/api/v1/namespaces/default/pods`.
    pub path: String,
    /// Decoded query parameters in order; a name may repeat (`command=ls&command=-l`).
    pub query: Vec<(String, String)>,
    /// Header names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: Body,
}

impl Request {
    pub fn new(method: Method, path: impl Into<String>) -> Self {
        Self { method, path: path.into(), query: Vec::new(), headers: Vec::new(), body: Body::Empty }
    }

    pub fn get(path: impl Into<String>) -> Self {
        Self::new(Method::Get, path)
    }

    pub fn query(mut self, name: &str, value: impl Into<String>) -> Self {
        self.query.push((name.to_owned(), value.into()));
        self
    }

    /// Adds a header; `name` in lower case.
    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    pub fn json(mut self, value: Value) -> Self {
        self.body = Body::Json(value);
        self
    }

    /// First value of a query parameter.
    pub fn param(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }

    /// First value of a header, by lower-case name.
    pub fn header_value(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }
}

/// A conversation that goes on after the response's head: a watch, `logs -f`, exec, port-forward.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamId(pub u64);

#[derive(Clone, Debug, PartialEq)]
pub enum Reply {
    Empty,
    Bytes(Vec<u8>),
    Json(Value),
    /// Read on with `stream_read` of whoever answered.
    Stream(StreamId),
}

#[derive(Clone, Debug, PartialEq)]
pub struct Response {
    pub code: u16,
    /// Header names in lower case, in order. API warnings are `warning` headers: `299 - "text"`.
    pub headers: Vec<(String, String)>,
    pub body: Reply,
}

impl Response {
    pub fn json(code: u16, value: Value) -> Self {
        Self { code, headers: Vec::new(), body: Reply::Json(value) }
    }

    pub fn text(code: u16, text: impl Into<String>) -> Self {
        Self { code, headers: Vec::new(), body: Reply::Bytes(text.into().into_bytes()) }
    }

    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.code)
    }
}

/// What a stream has delivered since it was last read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StreamRead {
    pub frames: Vec<Frame>,
    /// No further frame will come.
    pub ended: bool,
}

/// One piece of a stream.
#[derive(Clone, Debug, PartialEq)]
pub enum Frame {
    /// A watch event: `{"type": …, "object": …}`.
    Json(Value),
    /// Bytes on a channel, numbered as in `v5.channel.k8s.io`: 0 stdin, 1 stdout, 2 stderr, 3 error (a Status), 4 resize,
    /// 255 close. Plain byte streams (`logs -f`) use 1.
    Data { channel: u8, bytes: Vec<u8> },
}
