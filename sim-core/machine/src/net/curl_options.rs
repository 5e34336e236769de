//! curl's command line: which words are options, and what they ask for.

use crate::process::Ctx;
use apimachinery::http::Method;
use apimachinery::time::Duration;

#[derive(Clone, Debug, Default)]
pub struct Options {
    pub urls: Vec<String>,
    pub silent: bool,
    pub show_error: bool,
    pub verbose: bool,
    pub include: bool,
    pub head: bool,
    pub fail: bool,
    pub fail_with_body: bool,
    pub location: bool,
    pub insecure: bool,
    pub get: bool,
    pub remote_name: bool,
    pub output: Option<String>,
    /// Where the heads go; `-`: before the body, on standard output.
    pub dump_header: Option<String>,
    pub method: Option<String>,
    pub headers: Vec<String>,
    pub data: Option<Vec<u8>>,
    pub json: bool,
    pub user: Option<String>,
    pub agent: Option<String>,
    pub write_out: Option<String>,
    pub connect_timeout: Option<Duration>,
    pub max_time: Option<Duration>,
    pub resolve: Vec<String>,
    pub retry: u32,
}

/// Long name, short letter, whether it takes a value. What is parsed but means nothing here is listed as well.
const TABLE: &[(&str, char, bool)] = &[
    ("silent", 's', false),
    ("show-error", 'S', false),
    ("verbose", 'v', false),
    ("include", 'i', false),
    ("show-headers", '\0', false),
    ("head", 'I', false),
    ("fail", 'f', false),
    ("fail-with-body", '\0', false),
    ("location", 'L', false),
    ("insecure", 'k', false),
    ("get", 'G', false),
    ("remote-name", 'O', false),
    ("output", 'o', true),
    ("dump-header", 'D', true),
    ("request", 'X', true),
    ("header", 'H', true),
    ("data", 'd', true),
    ("data-raw", '\0', true),
    ("data-binary", '\0', true),
    ("data-urlencode", '\0', true),
    ("json", '\0', true),
    ("user", 'u', true),
    ("user-agent", 'A', true),
    ("write-out", 'w', true),
    ("connect-timeout", '\0', true),
    ("max-time", 'm', true),
    ("resolve", '\0', true),
    ("retry", '\0', true),
    ("url", '\0', true),
    ("cookie", 'b', true),
    ("referer", 'e', true),
    ("cacert", '\0', true),
    ("no-progress-meter", '\0', false),
    ("progress-bar", '#', false),
    ("compressed", '\0', false),
    ("no-buffer", 'N', false),
    ("http1.1", '\0', false),
    ("http2", '\0', false),
    ("ipv4", '4', false),
    ("ipv6", '6', false),
    ("globoff", 'g', false),
    ("retry-delay", '\0', true),
    ("retry-connrefused", '\0', false),
    ("help", 'h', false),
    ("version", 'V', false),
];

/// What to do instead of a transfer.
pub enum Instead {
    Help,
    Version,
    /// A message for standard error and an exit code.
    Fail(String, i32),
}

const HINT: &str = "curl: try 'curl --help' or 'curl --manual' for more information\n";

/// Reads the command line.
pub fn parse(args: &[String], ctx: &Ctx<'_>) -> Result<Options, Instead> {
    let mut o = Options::default();
    let mut words = args.iter();
    let mut only_urls = false;
    while let Some(word) = words.next() {
        if only_urls || word == "-" || !word.starts_with('-') {
            o.urls.push(word.clone());
        } else if word == "--" {
            only_urls = true;
        } else if let Some(long) = word.strip_prefix("--") {
            let Some((name, _, takes)) = TABLE.iter().find(|(n, ..)| *n == long) else {
                return Err(Instead::Fail(format!("curl: option --{long}: is unknown\n{HINT}"), 2));
            };
            let value = if *takes { Some(value_of(word, words.next())?) } else { None };
            apply(&mut o, name, value, ctx)?;
        } else {
            for (i, letter) in word[1..].char_indices() {
                let Some((name, _, takes)) = TABLE.iter().find(|(_, s, _)| *s == letter) else {
                    return Err(Instead::Fail(format!("curl: option -{letter}: is unknown\n{HINT}"), 2));
                };
                if !takes {
                    apply(&mut o, name, None, ctx)?;
                    continue;
                }
                let rest = &word[1 + i + letter.len_utf8()..];
                let value =
                    if rest.is_empty() { value_of(&format!("-{letter}"), words.next())? } else { rest.to_owned() };
                apply(&mut o, name, Some(value), ctx)?;
                break;
            }
        }
    }
    if o.urls.is_empty() {
        return Err(Instead::Fail(format!("curl: (2) no URL specified\n{HINT}"), 2));
    }
    Ok(o)
}

fn value_of(option: &str, next: Option<&String>) -> Result<String, Instead> {
    next.cloned().ok_or_else(|| Instead::Fail(format!("curl: option {option}: requires parameter\n{HINT}"), 2))
}

fn apply(o: &mut Options, name: &str, value: Option<String>, ctx: &Ctx<'_>) -> Result<(), Instead> {
    let value = value.unwrap_or_default();
    match name {
        "silent" => o.silent = true,
        "show-error" => o.show_error = true,
        "verbose" => o.verbose = true,
        "include" | "show-headers" => o.include = true,
        "head" => o.head = true,
        "fail" => o.fail = true,
        "fail-with-body" => o.fail_with_body = true,
        "location" => o.location = true,
        "insecure" => o.insecure = true,
        "get" => o.get = true,
        "remote-name" => o.remote_name = true,
        "output" => o.output = Some(value),
        "dump-header" => o.dump_header = Some(value),
        "request" => o.method = Some(value),
        "header" => o.headers.push(value),
        "data" => add_data(o, &from_file(&value, true, ctx)?, true),
        "data-raw" => add_data(o, value.as_bytes(), true),
        "data-binary" => add_data(o, &from_file(&value, false, ctx)?, true),
        "data-urlencode" => add_data(o, urlencode(&value).as_bytes(), true),
        "json" => {
            o.json = true;
            add_data(o, &from_file(&value, false, ctx)?, false);
        }
        "user" => o.user = Some(value),
        "user-agent" => o.agent = Some(value),
        "write-out" => o.write_out = Some(value),
        "connect-timeout" => o.connect_timeout = Some(seconds(&value, "--connect-timeout")?),
        "max-time" => o.max_time = Some(seconds(&value, "-m")?),
        "resolve" => o.resolve.push(value),
        "retry" => o.retry = value.parse().unwrap_or(0).min(20),
        "url" => o.urls.push(value),
        "cookie" => o.headers.push(format!("Cookie: {value}")),
        "referer" => o.headers.push(format!("Referer: {value}")),
        "help" => return Err(Instead::Help),
        "version" => return Err(Instead::Version),
        // Progress, buffering, protocol versions: nothing of that is to be seen here.
        _ => {}
    }
    Ok(())
}

fn add_data(o: &mut Options, bytes: &[u8], joined: bool) {
    let data = o.data.get_or_insert_with(Vec::new);
    if joined && !data.is_empty() {
        data.push(b'&');
    }
    data.extend_from_slice(bytes);
}

fn from_file(value: &str, strip: bool, ctx: &Ctx<'_>) -> Result<Vec<u8>, Instead> {
    let Some(path) = value.strip_prefix('@') else { return Ok(value.as_bytes().to_vec()) };
    let path = if path == "-" { "/dev/stdin" } else { path };
    match ctx.read_file(path) {
        Ok(bytes) if strip => Ok(bytes.into_iter().filter(|b| !matches!(b, b'\n' | b'\r' | 0)).collect()),
        Ok(bytes) => Ok(bytes),
        Err(_) => {
            let text =
                format!("curl: Failed to open {path}\ncurl: option -d: error encountered when reading a file\n{HINT}");
            Err(Instead::Fail(text, 26))
        }
    }
}

fn urlencode(value: &str) -> String {
    let (name, text) = value.split_once('=').map_or(("", value), |(n, v)| (n, v));
    let mut out = if name.is_empty() { String::new() } else { format!("{name}=") };
    for b in text.bytes() {
        if b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'~') {
            out.push(char::from(b));
        } else {
            out.push_str(&format!("%{b:02X}"));
        }
    }
    out
}

fn seconds(value: &str, option: &str) -> Result<Duration, Instead> {
    match value.parse::<f64>() {
        Ok(s) if (0.0..1e9).contains(&s) => Ok(Duration::from_micros((s * 1e6) as u64)),
        _ => Err(Instead::Fail(format!("curl: option {option}: expected a proper numerical parameter\n{HINT}"), 2)),
    }
}

impl Options {
    /// The method that goes out, and whether it is one we can send.
    pub fn method(&self) -> Option<Method> {
        match &self.method {
            Some(m) => Method::parse(m),
            None if self.head => Some(Method::Head),
            None if self.data.is_some() && !self.get => Some(Method::Post),
            None => Some(Method::Get),
        }
    }
}
