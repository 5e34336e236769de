//! wget: busybox's in containers, GNU's on a laptop; the same transfers, different words.

use super::curl::reason;
use super::url::Url;
use crate::host::NetError;
use crate::machine::Tools;
use crate::process::{Ctx, Process, Program, Step, Wake};
use apimachinery::http::{Body, Method, Reply, Response};
use apimachinery::time::{Duration, Time};

pub struct Wget;

impl Program for Wget {
    fn name(&self) -> &'static str {
        "wget"
    }
    fn summary(&self) -> &'static str {
        "fetch a file by HTTP"
    }
    fn start(&self, args: Vec<String>) -> Box<dyn Process> {
        Box::new(Run { args, ..Run::default() })
    }
}

#[derive(Clone, Default)]
struct Run {
    args: Vec<String>,
    options: Option<Options>,
    url: Option<Url>,
    began: Time,
    waiting: Option<(Time, String, Result<Response, NetError>)>,
    redirects: u32,
}

#[derive(Clone, Default)]
struct Options {
    quiet: bool,
    output: Option<String>,
    spider: bool,
    timeout: Option<Duration>,
    headers: Vec<String>,
    post: Option<String>,
    server_response: bool,
    url: String,
}

const REDIRECTS_MAX: u32 = 10;

impl Process for Run {
    fn step(&mut self, ctx: &mut Ctx<'_>) -> Step {
        let busybox = ctx.machine.personality.tools == Tools::Busybox;
        if self.options.is_none() {
            match parse(&self.args) {
                Ok(options) if options.url.is_empty() => {
                    ctx.err(if busybox {
                        BUSYBOX_USAGE
                    } else {
                        "wget: missing URL\nUsage: wget [OPTION]... [URL]...\n\nTry `wget --help' for more options.\n"
                    });
                    return Step::Exit(1);
                }
                Ok(options) => {
                    let Ok(url) = Url::parse(&options.url) else {
                        ctx.err(&format!("wget: bad address '{}'\n", options.url));
                        return Step::Exit(1);
                    };
                    self.url = Some(url);
                    self.options = Some(options);
                    self.began = ctx.now();
                }
                Err(option) => {
                    ctx.err(&format!("wget: unrecognized option '{option}'\n"));
                    return Step::Exit(if busybox { 1 } else { 2 });
                }
            }
        }
        let (Some(options), Some(url)) = (self.options.clone(), self.url.clone()) else { return Step::Exit(1) };
        let Some((until, address, result)) = self.waiting.take() else {
            let mut request = url.request(if options.post.is_some() {
                Method::Post
            } else if options.spider {
                Method::Head
            } else {
                Method::Get
            });
            request.headers.push(("host".to_owned(), url.host_header()));
            request.headers.push(("user-agent".to_owned(), if busybox { "Wget" } else { "Wget/1.25.0" }.to_owned()));
            for h in &options.headers {
                if let Some((n, v)) = h.split_once(':') {
                    request.headers.push((n.trim().to_lowercase(), v.trim().to_owned()));
                }
            }
            if let Some(post) = &options.post {
                request.body = Body::Bytes(post.clone().into_bytes());
            }
            let exchange = ctx.host.http(&ctx.machine.id, &url.scheme, &url.host, url.port, request);
            let limit = options.timeout.filter(|t| *t < exchange.after);
            let result = if limit.is_some() { Err(NetError::TimedOut) } else { exchange.result };
            let until = ctx.now() + limit.unwrap_or(exchange.after);
            if !options.quiet && self.redirects == 0 && !matches!(result, Err(NetError::NoSuchHost)) {
                ctx.err(&format!("Connecting to {} ({}:{})\n", url.host_header(), exchange.address, url.port));
            }
            self.waiting = Some((until, exchange.address, result));
            return Step::Wait(Wake::At(until));
        };
        if ctx.now() < until {
            self.waiting = Some((until, address, result));
            return Step::Wait(Wake::At(until));
        }
        match result {
            Err(e) => Step::Exit(self.failed(&e, &url, &address, ctx)),
            Ok(response) => self.received(response, &url, &options, ctx),
        }
    }
}

impl Run {
    fn failed(&self, e: &NetError, url: &Url, address: &str, ctx: &mut Ctx<'_>) -> i32 {
        let words = match e {
            NetError::NoSuchHost => format!("wget: bad address '{}'", url.host_header()),
            NetError::Refused => format!("wget: can't connect to remote host ({address}): Connection refused"),
            NetError::TimedOut if self.options.as_ref().is_some_and(|o| o.timeout.is_some()) => {
                "wget: download timed out".to_owned()
            }
            NetError::TimedOut => format!("wget: can't connect to remote host ({address}): Connection timed out"),
            NetError::Unreachable => format!("wget: can't connect to remote host ({address}): No route to host"),
            NetError::Reset | NetError::NotHttp(_) => "wget: error getting response".to_owned(),
        };
        ctx.err(&format!("{words}\n"));
        1
    }

    fn received(&mut self, response: Response, url: &Url, options: &Options, ctx: &mut Ctx<'_>) -> Step {
        if options.server_response {
            ctx.err(&format!("  HTTP/1.1 {} {}\n", response.code, reason(response.code)));
            for (n, v) in &response.headers {
                ctx.err(&format!("  {n}: {v}\n"));
            }
        }
        let location = response.headers.iter().find(|(n, _)| n == "location").map(|(_, v)| v.clone());
        if (300..400).contains(&response.code)
            && self.redirects < REDIRECTS_MAX
            && let Some(next) = location.and_then(|l| url.join(&l).ok())
        {
            self.redirects += 1;
            self.url = Some(next);
            return Step::Again;
        }
        if response.code >= 400 {
            ctx.err(&format!("wget: server returned error: HTTP/1.1 {} {}\n", response.code, reason(response.code)));
            return Step::Exit(1);
        }
        if options.spider {
            if !options.quiet {
                ctx.err("remote file exists\n");
            }
            return Step::Exit(0);
        }
        let body = match response.body {
            Reply::Bytes(b) => b,
            Reply::Json(v) => apimachinery::json::wire(&v, false).into_bytes(),
            Reply::Empty | Reply::Stream(_) => Vec::new(),
        };
        let name = match url.file_name() {
            "" => "index.html",
            name => name,
        };
        let to = options.output.as_deref().unwrap_or(name);
        if to == "-" {
            if !options.quiet {
                ctx.err("writing to stdout\n");
            }
            ctx.out_bytes(&body);
            if !options.quiet {
                ctx.err(&format!("{}written to stdout\n", bar("-", body.len())));
            }
            return Step::Exit(0);
        }
        if options.output.is_none() && ctx.read_file(to).is_ok() {
            ctx.err(&format!("wget: can't open '{to}': File exists\n"));
            return Step::Exit(1);
        }
        if !options.quiet {
            ctx.err(&format!("saving to '{to}'\n"));
        }
        if let Err(e) = ctx.write_file(to, &body) {
            ctx.err(&format!("wget: can't open '{to}': {}\n", e.message()));
            return Step::Exit(1);
        }
        if !options.quiet {
            ctx.err(&format!("{}'{to}' saved\n", bar(to, body.len())));
        }
        Step::Exit(0)
    }
}

/// The finished progress bar.
fn bar(name: &str, size: usize) -> String {
    let name: String = name.chars().take(20).collect();
    format!("{name:<20} 100% |{}| {size:>5}  0:00:00 ETA\n", "*".repeat(32))
}

fn parse(args: &[String]) -> Result<Options, String> {
    let mut o = Options::default();
    let mut words = args.iter();
    while let Some(word) = words.next() {
        let mut value = |inline: &str| {
            if inline.is_empty() { words.next().cloned().unwrap_or_default() } else { inline.to_owned() }
        };
        if let Some(long) = word.strip_prefix("--") {
            let (name, inline) = long.split_once('=').unwrap_or((long, ""));
            match name {
                "quiet" => o.quiet = true,
                "output-document" => o.output = Some(value(inline)),
                "spider" => o.spider = true,
                "timeout" => o.timeout = value(inline).parse().ok().map(Duration::from_secs),
                "header" => o.headers.push(value(inline)),
                "post-data" => o.post = Some(value(inline)),
                "server-response" => o.server_response = true,
                "no-check-certificate" | "no-verbose" => {}
                "tries" => drop(value(inline)),
                _ => return Err(word.clone()),
            }
        } else if let Some(letters) = word.strip_prefix('-').filter(|l| !l.is_empty()) {
            for (i, letter) in letters.char_indices() {
                let rest = &letters[i + letter.len_utf8()..];
                match letter {
                    'q' => o.quiet = true,
                    'c' | 'n' | 'v' => {}
                    'S' => o.server_response = true,
                    'O' => {
                        o.output = Some(value(rest));
                        break;
                    }
                    'T' => {
                        o.timeout = value(rest).parse().ok().map(Duration::from_secs);
                        break;
                    }
                    't' | 'U' | 'P' => {
                        drop(value(rest));
                        break;
                    }
                    _ => return Err(format!("-{letter}")),
                }
            }
        } else {
            o.url.clone_from(word);
        }
    }
    Ok(o)
}

const BUSYBOX_USAGE: &str = "BusyBox v1.36.1 multi-call binary.\n\nUsage: wget [-cqS] [--spider] [-O FILE] [--header STR] [--post-data STR] [-T SEC] URL...\n";
