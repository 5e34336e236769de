//! curl: one transfer after another, each a request through the simulated network, with curl's own words.
//!
//! Models: curl 8.17. TLS has no certificates here: an https answer counts as signed by an authority curl does not know.

use super::curl_options::{Instead, Options, parse};
use super::url::{Url, UrlError};
use crate::host::NetError;
use crate::process::{Ctx, Process, Program, Step, Wake};
use apimachinery::http::{Body, Frame, Method, Reply, Response, StreamId};
use apimachinery::time::{Duration, Time};

pub struct Curl;

const VERSION: &str = "8.17.0";
const REDIRECTS_MAX: u32 = 50;

impl Program for Curl {
    fn name(&self) -> &'static str {
        "curl"
    }
    fn summary(&self) -> &'static str {
        "transfer a URL"
    }
    fn start(&self, args: Vec<String>) -> Box<dyn Process> {
        Box::new(Run { args, ..Run::default() })
    }
}

#[derive(Clone, Default)]
struct Run {
    args: Vec<String>,
    options: Option<Options>,
    next_url: usize,
    transfer: Option<Transfer>,
    /// Exit code of the last transfer.
    code: i32,
}

/// One URL on its way.
#[derive(Clone)]
struct Transfer {
    url: Url,
    began: Time,
    redirects: u32,
    retries: u32,
    state: State,
}

#[derive(Clone)]
enum State {
    Start,
    /// The answer is known and arrives then.
    Waiting {
        until: Time,
        address: String,
        result: Box<Result<Response, NetError>>,
        timeout: Option<Timeout>,
    },
    Streaming(StreamId),
}

#[derive(Clone, Copy)]
enum Timeout {
    Connect,
    Whole,
}

impl Process for Run {
    fn step(&mut self, ctx: &mut Ctx<'_>) -> Step {
        if self.options.is_none() {
            match parse(&self.args, ctx) {
                Ok(options) => self.options = Some(options),
                Err(Instead::Help) => {
                    ctx.out(HELP);
                    return Step::Exit(0);
                }
                Err(Instead::Version) => {
                    ctx.out(&format!(
                        "curl {VERSION} (x86_64-pc-linux-gnu) libcurl/{VERSION}\nProtocols: http https\n"
                    ));
                    return Step::Exit(0);
                }
                Err(Instead::Fail(text, code)) => {
                    ctx.err(&text);
                    return Step::Exit(code);
                }
            }
        }
        let Some(options) = self.options.clone() else { return Step::Exit(2) };
        loop {
            if let Some(mut transfer) = self.transfer.take() {
                match transfer.step(&options, ctx) {
                    Progress::Wait(wake) => {
                        self.transfer = Some(transfer);
                        return Step::Wait(wake);
                    }
                    Progress::Again => self.transfer = Some(transfer),
                    Progress::Done(code) => self.code = code,
                }
                continue;
            }
            let Some(text) = options.urls.get(self.next_url) else { return Step::Exit(self.code) };
            self.next_url += 1;
            match Url::parse(text) {
                Ok(mut url) => {
                    if options.get
                        && let Some(data) = &options.data
                    {
                        let mark = if url.target.contains('?') { '&' } else { '?' };
                        url.target = format!("{}{mark}{}", url.target, String::from_utf8_lossy(data));
                    }
                    self.transfer =
                        Some(Transfer { url, began: ctx.now(), redirects: 0, retries: 0, state: State::Start });
                }
                Err(e) => {
                    let scheme = text.split("://").next().unwrap_or_default();
                    let (code, words) = match e {
                        UrlError::Malformed => (3, "URL rejected: Malformed input to a URL function".to_owned()),
                        UrlError::Scheme => (1, format!("Protocol \"{scheme}\" not supported")),
                        UrlError::Port => {
                            (3, "URL rejected: Port number was not a decimal number between 0 and 65535".to_owned())
                        }
                        UrlError::NoHost => (3, "URL rejected: No host part in the URL".to_owned()),
                    };
                    self.code = complain(&options, ctx, code, &words);
                }
            }
        }
    }
}

enum Progress {
    Wait(Wake),
    Again,
    Done(i32),
}

/// `curl: (7) …`, unless told to be silent.
fn complain(options: &Options, ctx: &mut Ctx<'_>, code: i32, words: &str) -> i32 {
    if !options.silent || options.show_error {
        ctx.err(&format!("curl: ({code}) {words}\n"));
    }
    code
}

impl Transfer {
    fn step(&mut self, options: &Options, ctx: &mut Ctx<'_>) -> Progress {
        match core::mem::replace(&mut self.state, State::Start) {
            State::Start => self.send(options, ctx),
            State::Waiting { until, address, result, timeout } => {
                if ctx.now() < until {
                    self.state = State::Waiting { until, address, result, timeout };
                    return Progress::Wait(Wake::At(until));
                }
                if let Some(timeout) = timeout {
                    return Progress::Done(self.timed_out(timeout, options, ctx));
                }
                match *result {
                    Ok(response) => self.received(response, &address, options, ctx),
                    Err(e) => self.failed(&e, &address, options, ctx),
                }
            }
            State::Streaming(id) => {
                let read = ctx.host.stream_read(id);
                for frame in read.frames {
                    match frame {
                        Frame::Json(v) => ctx.out(&(apimachinery::json::wire(&v, false) + "\n")),
                        Frame::Data { bytes, .. } => ctx.out_bytes(&bytes),
                    }
                }
                if read.ended {
                    return Progress::Done(0);
                }
                let until = options.max_time.map(|t| self.began + t);
                if until.is_some_and(|t| ctx.now() >= t) {
                    ctx.host.stream_close(id);
                    return Progress::Done(self.timed_out(Timeout::Whole, options, ctx));
                }
                self.state = State::Streaming(id);
                Progress::Wait(Wake::World { until })
            }
        }
    }

    fn send(&mut self, options: &Options, ctx: &mut Ctx<'_>) -> Progress {
        let Some(method) = options.method() else {
            let words = format!("the method {} is not simulated", options.method.as_deref().unwrap_or_default());
            return Progress::Done(complain(options, ctx, 1, &words));
        };
        let mut request = self.url.request(method);
        for (name, value) in self.headers(options) {
            request.headers.push((name.to_lowercase(), value));
        }
        if let Some(data) = options.data.as_ref().filter(|_| !options.get) {
            request.body = Body::Bytes(data.clone());
        }
        let (host, port) = self.target(options);
        let exchange = ctx.host.http(&ctx.machine.id, &self.url.scheme, &host, port, request);
        let mut until = ctx.now() + exchange.after;
        let mut timeout = None;
        let no_answer = matches!(exchange.result, Err(NetError::TimedOut));
        if let Some(t) = options.connect_timeout.filter(|t| no_answer && self.began + *t < until) {
            until = self.began + t;
            timeout = Some(Timeout::Connect);
        }
        if let Some(t) = options.max_time.filter(|t| self.began + *t < until) {
            until = self.began + t;
            timeout = Some(if no_answer { Timeout::Connect } else { Timeout::Whole });
        }
        self.state = State::Waiting { until, address: exchange.address, result: Box::new(exchange.result), timeout };
        Progress::Again
    }

    /// Where the connection goes: `--resolve host:port:address` comes before names.
    fn target(&self, options: &Options) -> (String, u16) {
        let rule = options.resolve.iter().find_map(|r| {
            let mut parts = r.splitn(3, ':');
            let fits = parts.next() == Some(self.url.host.as_str())
                && parts.next().and_then(|p| p.parse::<u16>().ok()) == Some(self.url.port);
            fits.then(|| parts.next().map(str::to_owned)).flatten()
        });
        (rule.unwrap_or_else(|| self.url.host.clone()), self.url.port)
    }

    /// Headers that go out, in curl's order.
    fn headers(&self, options: &Options) -> Vec<(String, String)> {
        let mut out = vec![("Host".to_owned(), self.url.host_header())];
        if let Some(user) = options.user.as_ref().or(self.url.user.as_ref()) {
            out.push(("Authorization".to_owned(), format!("Basic {}", base64(user.as_bytes()))));
        }
        let agent = options.agent.clone().unwrap_or_else(|| format!("curl/{VERSION}"));
        out.push(("User-Agent".to_owned(), agent));
        out.push(("Accept".to_owned(), if options.json { "application/json" } else { "*/*" }.to_owned()));
        if let Some(data) = options.data.as_ref().filter(|_| !options.get) {
            out.push(("Content-Length".to_owned(), data.len().to_string()));
            let kind = if options.json { "application/json" } else { "application/x-www-form-urlencoded" };
            out.push(("Content-Type".to_owned(), kind.to_owned()));
        }
        for header in &options.headers {
            let Some((name, value)) = header.split_once(':') else { continue };
            out.retain(|(n, _)| !n.eq_ignore_ascii_case(name));
            if !value.trim().is_empty() {
                out.push((name.to_owned(), value.trim().to_owned()));
            }
        }
        out
    }

    fn timed_out(&self, timeout: Timeout, options: &Options, ctx: &mut Ctx<'_>) -> i32 {
        let ms = ctx.now().since(self.began).as_millis();
        let words = match timeout {
            Timeout::Connect => format!("Connection timed out after {ms} milliseconds"),
            Timeout::Whole => format!("Operation timed out after {ms} milliseconds with 0 bytes received"),
        };
        complain(options, ctx, 28, &words)
    }

    fn failed(&mut self, e: &NetError, address: &str, options: &Options, ctx: &mut Ctx<'_>) -> Progress {
        let (host, port) = (&self.url.host, self.url.port);
        let ms = ctx.now().since(self.began).as_millis();
        if options.verbose && !matches!(e, NetError::NoSuchHost) {
            ctx.err(&format!("*   Trying {address}:{port}...\n"));
        }
        if self.retries < options.retry && !matches!(e, NetError::NoSuchHost | NetError::NotHttp(_)) {
            let wait = 1u64 << self.retries.min(9);
            self.retries += 1;
            let left = options.retry - self.retries;
            if !options.silent {
                ctx.err(&format!(
                    "Warning: Problem: timeout. Will retry in {wait} second{}. {left} retr{} left.\n",
                    if wait == 1 { "" } else { "s" },
                    if left == 1 { "y" } else { "ies" }
                ));
            }
            let until = ctx.now() + Duration::from_secs(wait);
            self.state = State::Start;
            return Progress::Wait(Wake::At(until));
        }
        let connect = |why: &str| format!("Failed to connect to {host} port {port} after {ms} ms: {why}");
        let (code, words) = match e {
            NetError::NoSuchHost => (6, format!("Could not resolve host: {host}")),
            NetError::Refused => (7, connect("Could not connect to server")),
            NetError::TimedOut => (28, connect("Timed out")),
            NetError::Unreachable => (7, connect("No route to host")),
            NetError::Reset => (52, "Empty reply from server".to_owned()),
            NetError::NotHttp(_) if self.url.scheme == "https" => {
                (35, "TLS connect error: error:0A00010B:SSL routines::wrong version number".to_owned())
            }
            NetError::NotHttp(first) if first.is_empty() => (52, "Empty reply from server".to_owned()),
            NetError::NotHttp(_) => (1, "Received HTTP/0.9 when not allowed".to_owned()),
        };
        Progress::Done(complain(options, ctx, code, &words))
    }

    fn received(&mut self, response: Response, address: &str, options: &Options, ctx: &mut Ctx<'_>) -> Progress {
        if self.url.scheme == "https" && !options.insecure && !options.urls.is_empty() {
            let words = "SSL certificate problem: unable to get local issuer certificate";
            let code = complain(options, ctx, 60, words);
            if !options.silent || options.show_error {
                ctx.err(CERTIFICATE_HELP);
            }
            return Progress::Done(code);
        }
        let port = self.url.port;
        if options.verbose {
            let mut text = format!(
                "*   Trying {address}:{port}...\n* Connected to {} ({address}) port {port}\n> {} {} HTTP/1.1\n",
                self.url.host,
                options.method().map_or("GET", Method::as_str),
                self.url.target
            );
            for (name, value) in self.headers(options) {
                text.push_str(&format!("> {name}: {value}\n"));
            }
            text.push_str("> \n");
            for line in head_lines(&response) {
                text.push_str(&format!("< {line}\n"));
            }
            text.push_str("< \n");
            ctx.err(&text);
        }
        let location = response.headers.iter().find(|(n, _)| n == "location").map(|(_, v)| v.clone());
        if options.location
            && (300..400).contains(&response.code)
            && let Some(location) = location
        {
            if options.include || options.head {
                ctx.out(&head_text(&response));
            }
            self.redirects += 1;
            if self.redirects > REDIRECTS_MAX {
                let words = format!("Maximum ({REDIRECTS_MAX}) redirects followed");
                return Progress::Done(complain(options, ctx, 47, &words));
            }
            return match self.url.join(&location) {
                Ok(url) => {
                    self.url = url;
                    self.state = State::Start;
                    Progress::Again
                }
                Err(_) => Progress::Done(complain(options, ctx, 3, "URL rejected: Malformed input to a URL function")),
            };
        }
        if options.fail && response.code >= 400 {
            let words = format!("The requested URL returned error: {}", response.code);
            return Progress::Done(complain(options, ctx, 22, &words));
        }
        if let Reply::Stream(id) = response.body {
            if options.include {
                ctx.out(&head_text(&response));
            }
            self.state = State::Streaming(id);
            return Progress::Again;
        }
        Progress::Done(self.finish(response, options, ctx))
    }

    fn finish(&self, response: Response, options: &Options, ctx: &mut Ctx<'_>) -> i32 {
        let head = if options.include || options.head { head_text(&response) } else { String::new() };
        match options.dump_header.as_deref() {
            Some("-") => ctx.out(&head_text(&response)),
            Some(path) => {
                if let Err(e) = ctx.write_file(path, head_text(&response).as_bytes()) {
                    let words = format!("Failed to open {path}: {}", e.message());
                    return complain(options, ctx, 23, &words);
                }
            }
            None => {}
        }
        let code = response.code;
        let body = match response.body {
            Reply::Empty | Reply::Stream(_) => Vec::new(),
            Reply::Bytes(b) => b,
            Reply::Json(v) => apimachinery::json::wire(&v, false).into_bytes(),
        };
        let body = if options.head { Vec::new() } else { body };
        let to = match (&options.output, options.remote_name) {
            (Some(path), _) => Some(path.clone()),
            (None, true) => Some(self.url.file_name().to_owned()),
            (None, false) => None,
        };
        let took = ctx.now().since(self.began);
        let size = body.len();
        if !options.silent && (to.is_some() || !ctx.is_tty(1)) {
            ctx.err(&meter(size));
        }
        match to.as_deref() {
            Some("") => return complain(options, ctx, 23, "Remote file name has no length"),
            Some("-") | None => {
                ctx.out(&head);
                ctx.out_bytes(&body);
            }
            Some(path) => {
                let mut bytes = head.into_bytes();
                bytes.extend_from_slice(&body);
                if let Err(e) = ctx.write_file(path, &bytes) {
                    ctx.err(&format!("Warning: Failed to open the file {path}: {}\n", e.message()));
                    return complain(
                        options,
                        ctx,
                        23,
                        "Failure writing output to destination, passed 0 returned 4294967295",
                    );
                }
            }
        }
        if options.verbose {
            ctx.err(&format!("* Connection #0 to host {} left intact\n", self.url.host));
        }
        if let Some(format) = &options.write_out {
            ctx.out(&written(format, code, size, took, &self.url));
        }
        if options.fail_with_body && code >= 400 {
            return complain(options, ctx, 22, &format!("The requested URL returned error: {code}"));
        }
        0
    }
}

/// `-w`: variables and escapes.
fn written(format: &str, code: u16, size: usize, took: Duration, url: &Url) -> String {
    let seconds = format!("{:.6}", took.as_secs_f64());
    let mut out = format.to_owned();
    for (name, value) in [
        ("%{http_code}", format!("{code:03}")),
        ("%{response_code}", format!("{code:03}")),
        ("%{size_download}", size.to_string()),
        ("%{time_total}", seconds.clone()),
        ("%{time_connect}", seconds.clone()),
        ("%{time_starttransfer}", seconds),
        ("%{url_effective}", format!("{}://{}{}", url.scheme, url.host_header(), url.target)),
        ("%{remote_port}", url.port.to_string()),
        ("%%", "%".to_owned()),
        ("\\n", "\n".to_owned()),
        ("\\t", "\t".to_owned()),
        ("\\r", "\r".to_owned()),
    ] {
        out = out.replace(name, &value);
    }
    out
}

/// The progress meter as it stands when the transfer is over.
fn meter(size: usize) -> String {
    let total = if size < 100_000 { size.to_string() } else { format!("{}k", size / 1024) };
    format!(
        "  % Total    % Received % Xferd  Average Speed   Time    Time     Time  Current\n                                 \
         Dload  Upload   Total   Spent    Left  Speed\n100 {total:>5}  100 {total:>5}    0     0 {:>6}      0 --:--:-- --:--:-- --:--:-- {:>5}\n",
        format!("{}k", size.max(1)),
        format!("{}k", size.max(1)),
    )
}

fn head_lines(response: &Response) -> Vec<String> {
    let mut lines = vec![format!("HTTP/1.1 {} {}", response.code, reason(response.code))];
    lines.extend(response.headers.iter().map(|(n, v)| format!("{}: {v}", title(n))));
    lines
}

fn head_text(response: &Response) -> String {
    let mut text = head_lines(response).join("\r\n");
    text.push_str("\r\n\r\n");
    text
}

/// `Content-Type` of `content-type`.
fn title(name: &str) -> String {
    if name == "etag" {
        return "ETag".to_owned();
    }
    name.split('-')
        .map(|part| {
            let mut chars = part.chars();
            chars.next().map(|c| c.to_ascii_uppercase().to_string() + chars.as_str()).unwrap_or_default()
        })
        .collect::<Vec<_>>()
        .join("-")
}

/// The words after a status code.
pub fn reason(code: u16) -> &'static str {
    match code {
        101 => "Switching Protocols",
        200 => "OK",
        201 => "Created",
        202 => "Accepted",
        204 => "No Content",
        206 => "Partial Content",
        301 => "Moved Permanently",
        302 => "Found",
        304 => "Not Modified",
        307 => "Temporary Redirect",
        308 => "Permanent Redirect",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        406 => "Not Acceptable",
        409 => "Conflict",
        410 => "Gone",
        413 => "Request Entity Too Large",
        415 => "Unsupported Media Type",
        422 => "Unprocessable Entity",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        _ => "",
    }
}

/// Standard base64.
pub fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let n = chunk.iter().fold(0u32, |n, b| n << 8 | u32::from(*b)) << (8 * (3 - chunk.len()));
        for i in 0..4 {
            if i <= chunk.len() {
                out.push(char::from(LETTERS[(n >> (18 - 6 * i) & 63) as usize]));
            } else {
                out.push('=');
            }
        }
    }
    out
}

const CERTIFICATE_HELP: &str = "More details here: https://curl.se/docs/sslcerts.html\n\n\
curl failed to verify the legitimacy of the server and therefore could not\n\
establish a secure connection to it. To learn more about this situation and\n\
how to fix it, please visit the webpage mentioned above.\n";

const HELP: &str = "Usage: curl [options...] <url>
 -d, --data <data>           Send data with a POST request
 -f, --fail                  Fail on HTTP errors, print nothing of the body
 -h, --help                  Show this help
 -i, --show-headers          Print the response's headers too
 -I, --head                  Fetch the headers only
 -k, --insecure              Do not verify the server's certificate
 -L, --location              Follow redirects
 -m, --max-time <seconds>    Give up after this long
 -o, --output <file>         Write to a file
 -O, --remote-name           Write to a file named as the remote one
 -s, --silent                No progress and no error messages
 -S, --show-error            Error messages even when silent
 -u, --user <user:password>  Credentials
 -A, --user-agent <name>     Name to send
 -v, --verbose               Tell what happens
 -w, --write-out <format>    Print this at the end
 -X, --request <method>      Method to use
";
