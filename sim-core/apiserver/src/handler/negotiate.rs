//! What the client can read: the Accept header against what the server can write.
//!
//! Models: apiserver `pkg/endpoints/handlers/negotiation`. Protobuf is not written here, so it is never chosen.

use super::Call;
use apimachinery::http::Request;
use apimachinery::order::Order as _;
use apimachinery::status::Status;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Encoding {
    #[default]
    Json,
    Yaml,
}

/// What an object or a list is turned into before it is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Shape {
    #[default]
    Object,
    Table,
    Partial,
    PartialList,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Accepted {
    pub encoding: Encoding,
    pub shape: Shape,
    /// The client asked for `v1beta1` of meta.k8s.io.
    pub beta: bool,
}

/// One alternative of an Accept header.
pub(super) struct Clause<'h> {
    pub media: &'h str,
    pub params: Vec<(&'h str, &'h str)>,
    quality: f32,
}

/// The alternatives of an Accept header, best first.
pub(super) fn clauses(header: &str) -> Vec<Clause<'_>> {
    let mut out: Vec<Clause<'_>> = header
        .split(',')
        .take(64)
        .filter(|part| !part.trim().is_empty())
        .map(|part| {
            let mut pieces = part.split(';').map(str::trim);
            let media = pieces.next().unwrap_or_default();
            let mut clause = Clause { media, params: Vec::new(), quality: 1.0 };
            for (name, value) in pieces.filter_map(|p| p.split_once('=')) {
                match name.trim() {
                    "q" => clause.quality = value.trim().parse().unwrap_or(1.0),
                    name => clause.params.push((name, value.trim())),
                }
            }
            clause
        })
        .collect();
    out.order_by(|a, b| b.quality.total_cmp(&a.quality));
    out
}

impl Clause<'_> {
    pub(super) fn param(&self, name: &str) -> &str {
        self.params.iter().find(|(n, _)| *n == name).map_or("", |(_, v)| v)
    }

    fn encoding(&self) -> Option<Encoding> {
        match self.media {
            "application/json" | "application/*" | "*/*" | "*" => Some(Encoding::Json),
            "application/yaml" => Some(Encoding::Yaml),
            _ => None,
        }
    }

    fn shape(&self) -> Option<Shape> {
        let (kind, group, version) = (self.param("as"), self.param("g"), self.param("v"));
        if kind.is_empty() && group.is_empty() && version.is_empty() {
            return Some(Shape::Object);
        }
        if group != "meta.k8s.io" || !matches!(version, "v1" | "v1beta1") {
            return None;
        }
        match kind {
            "Table" => Some(Shape::Table),
            "PartialObjectMetadata" => Some(Shape::Partial),
            "PartialObjectMetadataList" => Some(Shape::PartialList),
            _ => None,
        }
    }
}

const ROUTER_TYPES: &str = "application/json, application/yaml, application/vnd.kubernetes.protobuf";
const STREAM_TYPES: &str = "application/json;stream=watch, application/vnd.kubernetes.protobuf;stream=watch";

/// Chooses the form of the answer. `collection`: the endpoint can also stream a watch.
pub(super) fn accept(call: &Call, collection: bool) -> Result<Accepted, Status> {
    let header = call.request.header_value("accept").unwrap_or_default();
    if header.trim().is_empty() {
        return Ok(Accepted::default());
    }
    let clauses = clauses(header);
    for clause in &clauses {
        if let (Some(encoding), Some(shape)) = (clause.encoding(), clause.shape()) {
            return Ok(Accepted { encoding, shape, beta: clause.param("v") == "v1beta1" });
        }
    }
    let protobuf = |c: &Clause<'_>| c.media == "application/vnd.kubernetes.protobuf";
    // What the router has never heard of is refused by the router, the rest by the handler.
    let message = if clauses.iter().any(|c| c.encoding().is_some() || protobuf(c)) {
        "only the following media types are accepted: application/json, application/yaml".to_owned()
    } else if collection {
        format!("406: Not Acceptable\n\nAvailable representations: {ROUTER_TYPES}, {STREAM_TYPES}")
    } else {
        format!("406: Not Acceptable\n\nAvailable representations: {ROUTER_TYPES}")
    };
    let mut status = Status::new(406, "NotAcceptable", message);
    status.details = Some(Box::default());
    Err(status)
}

/// Whether a person reads the answer: said in so many words, or by a program that shows what it gets.
pub(super) fn pretty(request: &Request) -> bool {
    let clauses = clauses(request.header_value("accept").unwrap_or_default());
    if clauses.first().is_some_and(|c| c.param("pretty") == "1") {
        return true;
    }
    match request.param("pretty").filter(|p| !p.is_empty()) {
        Some(wish) => matches!(wish, "1" | "t" | "T" | "true" | "TRUE" | "True"),
        None => {
            let agent = request.header_value("user-agent").unwrap_or_default();
            ["curl", "Wget", "Mozilla/5.0"].iter().any(|program| agent.starts_with(program))
        }
    }
}

/// How an error is written: as asked, else JSON.
pub(super) fn error_encoding(call: &Call) -> Encoding {
    clauses(call.request.header_value("accept").unwrap_or_default())
        .iter()
        .find_map(Clause::encoding)
        .unwrap_or_default()
}

/// What the body is written in, by its Content-Type.
pub(super) fn content(call: &Call) -> Result<Encoding, Status> {
    let header = call.request.header_value("content-type").unwrap_or_default();
    match header.split(';').next().unwrap_or_default().trim() {
        "" | "application/json" => Ok(Encoding::Json),
        "application/yaml" => Ok(Encoding::Yaml),
        _ => Err(Status::unsupported_media_type(format!(
            "the body of the request was in an unknown format - accepted media types include: {ROUTER_TYPES}"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts() {
        let kubectl = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,\
                       application/json";
        for (header, expected) in [
            ("", Ok((Encoding::Json, Shape::Object))),
            ("*/*", Ok((Encoding::Json, Shape::Object))),
            (kubectl, Ok((Encoding::Json, Shape::Table))),
            ("application/json;q=0.5, application/yaml", Ok((Encoding::Yaml, Shape::Object))),
            ("application/vnd.kubernetes.protobuf,application/json", Ok((Encoding::Json, Shape::Object))),
            ("application/json;as=Nonsense;v=v1;g=meta.k8s.io", Err(406)),
            ("application/xml", Err(406)),
        ] {
            let call = Call::new(Request::get("/").header("accept", header));
            let got = accept(&call, true).map(|a| (a.encoding, a.shape)).map_err(|s| s.code);
            assert_eq!(got, expected, "{header}");
        }
    }
}
