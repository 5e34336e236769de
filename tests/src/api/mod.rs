//! `kaiki api`: the cluster's one door behind HTTP/1.1, for real clients.
//!
//! Requests and answers are only carried here; what they mean is `Cluster::handle`'s business. Virtual time follows the
//! wall clock times a speed, and can be pushed: `POST /kaiki/advance?seconds=30`. It is a test server: plain HTTP on
//! loopback, identities by bearer token.

mod control;
mod kubeconfig;
mod protobuf;
mod upgrade;

use apimachinery::http::{Body as Sent, Frame, Method, Reply, Request, Response, StreamId};
use apimachinery::time::{Duration, Time};
use axum::body::{Body, Bytes};
use axum::extract::{Request as HttpRequest, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::Response as HttpResponse;
use cluster::{Cluster, Config};
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

#[derive(Clone, Debug)]
pub struct Options {
    pub listen: SocketAddr,
    pub nodes: u32,
    /// Virtual seconds per real one; 0 stands still until advanced.
    pub speed: f64,
    pub seed: u64,
    pub version: String,
    /// Where to write a kubeconfig; nowhere if not given.
    pub kubeconfig: Option<PathBuf>,
}

/// The cluster and the clock that drives it.
pub(crate) struct Driver {
    pub cluster: Cluster,
    pub saved: Vec<(String, Cluster)>,
    speed: f64,
    last: Instant,
}

impl Driver {
    /// Lets the virtual time pass that the wall clock allows.
    fn catch_up(&mut self) {
        let passed = self.last.elapsed();
        self.last = Instant::now();
        let step = Duration::from_micros((passed.as_secs_f64() * self.speed * 1e6) as u64);
        self.cluster.run_until(self.cluster.now() + step);
    }
}

pub(crate) type Shared = Arc<Mutex<Driver>>;

/// A panic inside one request must not silence the server for all others.
fn lock(shared: &Shared) -> MutexGuard<'_, Driver> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How often the cluster is driven and open streams are looked at.
const TICK: std::time::Duration = std::time::Duration::from_millis(10);
/// Largest body taken; the API server itself refuses earlier, with its own words.
const BODY_BYTES_MAX: usize = 16 << 20;
/// Answers smaller than this are not worth compressing (the real server's threshold).
const GZIP_BYTES_MIN: usize = 128 << 10;

/// Serves until the process ends.
pub fn serve(options: &Options) -> Result<(), String> {
    let config = Config {
        seed: options.seed,
        version: options.version.clone(),
        nodes: options.nodes,
        system_pods: false,
        start: wall_clock(),
        ..Config::default()
    };
    let mut cluster = Cluster::new(config);
    cluster.api.set_openapi(crate::openapi::schemas());
    cluster.settle(Duration::from_secs(30));
    let driver = Driver { cluster, saved: Vec::new(), speed: options.speed, last: Instant::now() };
    let shared: Shared = Arc::new(Mutex::new(driver));
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|e| format!("cannot start: {e}"))?;
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind(options.listen)
            .await
            .map_err(|e| format!("cannot listen on {}: {e}", options.listen))?;
        let address = listener.local_addr().map_err(|e| e.to_string())?;
        if let Some(path) = &options.kubeconfig {
            std::fs::write(path, kubeconfig::text(address)).map_err(|e| format!("{}: {e}", path.display()))?;
        }
        println!("listening on http://{address}");
        let _ = std::io::stdout().flush();
        let ticking = Arc::clone(&shared);
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(TICK).await;
                lock(&ticking).catch_up();
            }
        });
        let app = axum::Router::new().fallback(answer).with_state(shared);
        axum::serve(listener, app).await.map_err(|e| e.to_string())
    })
}

/// The simulation reads no clock; a server for real clients starts at the present.
fn wall_clock() -> Time {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Time::from_secs(i64::try_from(since.as_secs()).unwrap_or(0))
}

async fn answer(State(shared): State<Shared>, request: HttpRequest) -> HttpResponse {
    if request.uri().path().starts_with("/kaiki/") {
        return control::answer(&shared, &request);
    }
    if request.headers().get("upgrade").is_some() {
        return upgrade::answer(shared, request).await;
    }
    let gzip = request
        .headers()
        .get("accept-encoding")
        .and_then(|v| v.to_str().ok())
        .is_some_and(|v| v.split(',').any(|e| e.trim().starts_with("gzip")));
    let request = match read(request).await {
        Ok(request) => request,
        Err(code) => return plain(code, "the request could not be read\n"),
    };
    let response = {
        let mut driver = lock(&shared);
        driver.catch_up();
        driver.cluster.handle(request)
    };
    send(shared, response, gzip)
}

fn plain(code: StatusCode, text: &str) -> HttpResponse {
    let mut response = HttpResponse::new(Body::from(text.to_owned()));
    *response.status_mut() = code;
    response
}

/// From the wire to the shape that the cluster takes.
async fn read(request: HttpRequest) -> Result<Request, StatusCode> {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, BODY_BYTES_MAX).await.map_err(|_| StatusCode::PAYLOAD_TOO_LARGE)?;
    let mut out = head(&parts.method, &parts.uri, &parts.headers).ok_or(StatusCode::METHOD_NOT_ALLOWED)?;
    if !body.is_empty() {
        out.body = Sent::Bytes(body.to_vec());
    }
    // What cannot be understood goes on as it is, for the server to refuse.
    if out.header_value("content-type").is_some_and(|t| t.starts_with(protobuf::MEDIA_TYPE))
        && let Ok(value) = protobuf::to_json(&body)
    {
        out.body = Sent::Json(value);
        out.headers.retain(|(name, _)| name != "content-type");
    }
    Ok(out)
}

/// Method, path, query and headers; `None` for a method that we do not know.
fn head(method: &axum::http::Method, uri: &axum::http::Uri, headers: &HeaderMap) -> Option<Request> {
    let mut out = Request::new(Method::parse(method.as_str())?, decode(uri.path(), false));
    for pair in uri.query().unwrap_or_default().split('&').filter(|p| !p.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        out.query.push((decode(name, true), decode(value, true)));
    }
    for (name, value) in headers {
        out.headers.push((name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned()));
    }
    Some(out)
}

/// Undoes percent-encoding, in queries also `+`; what is no encoding stays.
fn decode(text: &str, query: bool) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut i = 0;
    while i < bytes.len() {
        let hex = if bytes[i] == b'%' { text.get(i + 1..i + 3) } else { None };
        if let Some(b) = hex.and_then(|h| u8::from_str_radix(h, 16).ok()) {
            out.push(b);
            i += 3;
            continue;
        }
        out.push(if query && bytes[i] == b'+' { b' ' } else { bytes[i] });
        i += 1;
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// From the cluster's answer to the wire.
fn send(shared: Shared, response: Response, gzip: bool) -> HttpResponse {
    let (body, kind) = match response.body {
        Reply::Empty => (Body::empty(), None),
        Reply::Bytes(bytes) => (Body::from(bytes), None),
        Reply::Json(value) => {
            let mut bytes = apimachinery::json::wire(&value, false).into_bytes();
            bytes.push(b'\n');
            if gzip && bytes.len() >= GZIP_BYTES_MIN {
                return compressed(response.code, &response.headers, &bytes);
            }
            (Body::from(bytes), Some("application/json"))
        }
        Reply::Stream(id) => (stream(shared, id), Some("application/json")),
    };
    let mut out = HttpResponse::new(body);
    *out.status_mut() = StatusCode::from_u16(response.code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    if out.status() == StatusCode::SWITCHING_PROTOCOLS {
        // A stream that the client did not ask to upgrade (`logs -f`) is a plain body.
        *out.status_mut() = StatusCode::OK;
    }
    copy_headers(&mut out, &response.headers);
    if let Some(kind) = kind
        && !out.headers().contains_key("content-type")
    {
        out.headers_mut().insert("content-type", HeaderValue::from_static(kind));
    }
    out
}

fn copy_headers(out: &mut HttpResponse, headers: &[(String, String)]) {
    for (name, value) in headers {
        if name == "content-length" || name == "transfer-encoding" {
            continue;
        }
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            out.headers_mut().append(name, value);
        }
    }
}

fn compressed(code: u16, headers: &[(String, String)], bytes: &[u8]) -> HttpResponse {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    let packed = encoder.write_all(bytes).and_then(|()| encoder.finish()).unwrap_or_default();
    let mut out = HttpResponse::new(Body::from(packed));
    *out.status_mut() = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    copy_headers(&mut out, headers);
    out.headers_mut().insert("content-encoding", HeaderValue::from_static("gzip"));
    if !out.headers().contains_key("content-type") {
        out.headers_mut().insert("content-type", HeaderValue::from_static("application/json"));
    }
    out
}

/// A stream of the cluster as a body that goes on.
fn stream(shared: Shared, id: StreamId) -> Body {
    struct Open(Shared, StreamId, bool);
    impl Drop for Open {
        fn drop(&mut self) {
            lock(&self.0).cluster.stream_close(self.1);
        }
    }
    let chunks = futures_util::stream::unfold(Open(shared, id, false), |mut open| async move {
        if open.2 {
            return None;
        }
        loop {
            {
                let mut driver = lock(&open.0);
                if driver.cluster.stream_ready(open.1) {
                    let read = driver.cluster.stream_read(open.1);
                    open.2 = read.ended;
                    let mut bytes = Vec::new();
                    for frame in read.frames {
                        match frame {
                            Frame::Json(value) => {
                                bytes.extend_from_slice(apimachinery::json::wire(&value, false).as_bytes());
                                bytes.push(b'\n');
                            }
                            Frame::Data { bytes: b, .. } => bytes.extend_from_slice(&b),
                        }
                    }
                    drop(driver);
                    if !bytes.is_empty() {
                        return Some((Ok::<_, std::convert::Infallible>(Bytes::from(bytes)), open));
                    }
                    if open.2 {
                        return None;
                    }
                }
            }
            tokio::time::sleep(TICK).await;
        }
    });
    Body::from_stream(chunks)
}
