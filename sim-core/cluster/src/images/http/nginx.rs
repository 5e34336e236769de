//! nginx: static files, `return`, redirects and `proxy_pass` by its configuration; error pages and logs in its words.

use super::nginx_conf::{self, Location, ServerBlock};
use super::{Answer, Served, Visit, clean_path, media_type, respond};
use crate::images::calendar;
use crate::images::software::Clock;
use apimachinery::http::{Reply, Request, Response};

/// nginx's worker process, as its log numbers it.
const WORKER: &str = "31#31";

pub fn serve(visit: &Visit<'_>) -> Served {
    let default_site;
    let servers = match &visit.service.sites {
        Some(sites) => sites.as_slice(),
        None => {
            default_site = [ServerBlock::default_site()];
            default_site.as_slice()
        }
    };
    let host = visit.host().split(':').next().unwrap_or_default();
    let here = || servers.iter().filter(|s| s.listen.contains(&visit.port));
    let server = here()
        .find(|s| s.names.iter().any(|n| n == host))
        .or_else(|| here().find(|s| s.default))
        .or_else(|| here().next());
    let mut errors = Vec::new();
    let answer = match server {
        Some(server) => route(visit, server, &mut errors),
        None => Answer::Silence,
    };
    let mut log: Vec<(bool, String)> = errors.into_iter().map(|e| (true, error_line(visit, server, &e))).collect();
    match &answer {
        Answer::Http(response) => log.push((false, access_line(visit, response))),
        Answer::Forward { .. } => log.push((false, access(visit, 200, 0))),
        Answer::NotHttp(_) | Answer::Silence => {}
    }
    Served { answer, log }
}

fn route(visit: &Visit<'_>, server: &ServerBlock, errors: &mut Vec<String>) -> Answer {
    if let Some(answer) = &server.answer {
        return Answer::Http(returned(visit, answer, None));
    }
    let path = clean_path(&visit.request.path);
    let location = server.locations.iter().find(|l| l.exact && l.path == path).or_else(|| {
        let prefixes = server.locations.iter().filter(|l| !l.exact && path.starts_with(&l.path));
        prefixes.max_by_key(|l| l.path.len())
    });
    if let Some(location) = location {
        if let Some(answer) = &location.answer {
            return Answer::Http(returned(visit, answer, Some(location)));
        }
        if let Some(to) = &location.proxy_pass {
            return forward(visit, location, to, &path);
        }
        if location.stub_status {
            let text = format!(
                "Active connections: 1 \nserver accepts handled requests\n {0} {0} {0} \nReading: 0 Writing: 1 Waiting: 0 \n",
                visit.served + 1
            );
            return Answer::Http(with_headers(visit, 200, "text/plain", text.into_bytes()));
        }
    }
    Answer::Http(file(visit, server, location, &path, errors))
}

fn forward(visit: &Visit<'_>, location: &Location, to: &str, path: &str) -> Answer {
    let (scheme, rest) = to.split_once("://").unwrap_or(("http", to));
    let (authority, base) = match rest.find('/') {
        Some(i) => (&rest[..i], Some(&rest[i..])),
        None => (rest, None),
    };
    let default = if scheme == "https" { 443 } else { 80 };
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) => (host, port.parse().unwrap_or(default)),
        None => (authority, default),
    };
    let mut request: Request = visit.request.clone();
    // With a path in proxy_pass, it stands for the part that the location matched.
    request.path = match base {
        Some(base) => format!("{base}{}", path.strip_prefix(location.path.as_str()).unwrap_or_default()),
        None => visit.request.path.clone(),
    };
    request.headers.retain(|(n, _)| n != "host");
    request.headers.push(("host".into(), authority.to_owned()));
    Answer::Forward { scheme: scheme.to_owned(), host: host.to_owned(), port, request }
}

fn file(
    visit: &Visit<'_>,
    server: &ServerBlock,
    location: Option<&Location>,
    path: &str,
    errors: &mut Vec<String>,
) -> Response {
    let root = location.and_then(|l| l.root.as_deref()).or(server.root.as_deref()).unwrap_or("/etc/nginx/html");
    let on_disk = |path: &str| match location.and_then(|l| Some((l, l.alias.as_ref()?))) {
        Some((l, alias)) => format!("{alias}{}", path.strip_prefix(l.path.as_str()).unwrap_or_default()),
        None => format!("{}{path}", root.trim_end_matches('/')),
    };
    let mut path = path.to_owned();
    if let Some(location) = location.filter(|l| !l.try_files.is_empty()) {
        let candidates = location.try_files.iter().map(|t| t.replace("$uri", &path));
        let exists = |p: &String| match p.strip_suffix('/') {
            Some(directory) => visit.files.is_dir(&on_disk(directory)),
            None => !visit.files.is_dir(&on_disk(p)) && visit.files.read(&on_disk(p)).is_ok(),
        };
        let last = location.try_files.last().map_or("", String::as_str);
        match candidates.clone().find(exists) {
            Some(found) => path = found,
            None => match last.strip_prefix('=').and_then(|c| c.parse().ok()) {
                Some(code) => return error_page(visit, server, code),
                None => path = last.replace("$uri", &path),
            },
        }
    }
    let mut disk = on_disk(&path);
    if path.ends_with('/') {
        let index = location.map(|l| &l.index).filter(|i| !i.is_empty()).unwrap_or(&server.index);
        let default = ["index.html".to_owned()];
        let names = if index.is_empty() { &default[..] } else { index };
        match names.iter().map(|n| format!("{disk}{n}")).find(|p| visit.files.read(p).is_ok()) {
            Some(found) => disk = found,
            None if location.is_some_and(|l| l.autoindex) => return listing(visit, &path, &disk),
            None if visit.files.is_dir(disk.trim_end_matches('/')) || path == "/" => {
                errors.push(format!("directory index of \"{disk}\" is forbidden"));
                return error_page(visit, server, 403);
            }
            None => {
                errors.push(format!("\"{disk}{}\" is not found (2: No such file or directory)", names[0]));
                return error_page(visit, server, 404);
            }
        }
    } else if visit.files.is_dir(&disk) {
        let to = format!("http://{}{path}/", visit.host());
        let mut response = error_page(visit, server, 301);
        response.headers.push(("location".into(), to));
        return response;
    }
    match visit.files.read(&disk) {
        Ok(bytes) => {
            let kind = location.and_then(|l| l.default_type.as_deref()).filter(|_| !disk.contains('.'));
            let mut response = with_headers(visit, 200, kind.unwrap_or_else(|| media_type(&disk)), bytes);
            response.headers.push(("accept-ranges".into(), "bytes".into()));
            add_headers(&mut response, location);
            response
        }
        Err(machine::fs::FsError::PermissionDenied) => {
            errors.push(format!("open() \"{disk}\" failed (13: Permission denied)"));
            error_page(visit, server, 403)
        }
        Err(_) => {
            errors.push(format!("open() \"{disk}\" failed (2: No such file or directory)"));
            error_page(visit, server, 404)
        }
    }
}

fn add_headers(response: &mut Response, location: Option<&Location>) {
    if let Some(location) = location {
        response.headers.extend(location.headers.iter().cloned());
    }
}

/// `return 200 "text";`, `return 301 URL;`, `return 404;`
fn returned(visit: &Visit<'_>, answer: &nginx_conf::Return, location: Option<&Location>) -> Response {
    let text = variables(visit, &answer.text);
    let mut response = match answer.code {
        301 | 302 | 303 | 307 | 308 if !text.is_empty() => {
            let mut r = built_in(visit, answer.code);
            let absolute = if text.starts_with('/') { format!("http://{}{text}", visit.host()) } else { text };
            r.headers.push(("location".into(), absolute));
            r
        }
        code if text.is_empty() && code >= 300 => built_in(visit, code),
        code => {
            let kind = location.and_then(|l| l.default_type.as_deref()).unwrap_or("application/octet-stream");
            with_headers(visit, code, kind, text.into_bytes())
        }
    };
    add_headers(&mut response, location);
    response
}

fn variables(visit: &Visit<'_>, text: &str) -> String {
    let mut out = text.to_owned();
    let target = visit.target();
    for (name, value) in [
        ("$request_uri", target.as_str()),
        ("$request_method", visit.request.method.as_str()),
        ("$hostname", visit.hostname),
        ("$host", visit.host().split(':').next().unwrap_or_default()),
        ("$http_host", visit.host()),
        ("$remote_addr", visit.client),
        ("$server_addr", visit.address),
        ("$scheme", "http"),
        ("$uri", visit.request.path.as_str()),
        ("$nginx_version", visit.version),
    ] {
        if out.contains(name) {
            out = out.replace(name, value);
        }
    }
    out
}

fn error_page(visit: &Visit<'_>, server: &ServerBlock, code: u16) -> Response {
    let page = server.error_pages.iter().find(|(c, _)| *c == code).map(|(_, page)| page);
    let body = page.and_then(|page| {
        let location = server.locations.iter().find(|l| l.exact && l.path == *page);
        let root = location.and_then(|l| l.root.as_deref()).or(server.root.as_deref())?;
        visit.files.read(&format!("{}{page}", root.trim_end_matches('/'))).ok()
    });
    match body {
        Some(body) => with_headers(visit, code, "text/html", body),
        None => built_in(visit, code),
    }
}

fn built_in(visit: &Visit<'_>, code: u16) -> Response {
    let title = format!("{code} {}", reason(code));
    let body = format!(
        "<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n<center><h1>{title}</h1></center>\r\n\
         <hr><center>nginx/{}</center>\r\n</body>\r\n</html>\r\n",
        visit.version
    );
    with_headers(visit, code, "text/html", body.into_bytes())
}

/// The page a proxy shows when what is behind it cannot be reached.
pub fn bad_gateway(visit: &Visit<'_>, timed_out: bool) -> Response {
    built_in(visit, if timed_out { 504 } else { 502 })
}

fn with_headers(visit: &Visit<'_>, code: u16, kind: &str, body: Vec<u8>) -> Response {
    let server = format!("nginx/{}", visit.version);
    let date = calendar::http_date(visit.now);
    respond(
        visit,
        code,
        &[("server", &server), ("date", &date), ("content-type", kind), ("connection", "keep-alive")],
        body,
    )
}

fn reason(code: u16) -> &'static str {
    match code {
        301 => "Moved Permanently",
        302 => "Found",
        303 => "See Other",
        307 => "Temporary Redirect",
        308 => "Permanent Redirect",
        400 => "Bad Request",
        401 => "Authorization Required",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Not Allowed",
        500 => "Internal Server Error",
        502 => "Bad Gateway",
        503 => "Service Temporarily Unavailable",
        504 => "Gateway Time-out",
        _ => "",
    }
}

fn listing(visit: &Visit<'_>, path: &str, disk: &str) -> Response {
    let mut body = format!(
        "<html>\r\n<head><title>Index of {path}</title></head>\r\n<body>\r\n<h1>Index of {path}</h1><hr><pre><a href=\"../\">../</a>\r\n"
    );
    for name in visit.files.list(disk).unwrap_or_default() {
        let slash = if visit.files.is_dir(&format!("{disk}{name}")) { "/" } else { "" };
        body.push_str(&format!("<a href=\"{name}{slash}\">{name}{slash}</a>\r\n"));
    }
    body.push_str("</pre><hr></body>\r\n</html>\r\n");
    with_headers(visit, 200, "text/html", body.into_bytes())
}

fn access_line(visit: &Visit<'_>, response: &Response) -> String {
    let bytes = match &response.body {
        Reply::Bytes(b) => b.len(),
        _ => 0,
    };
    access(visit, response.code, bytes)
}

fn access(visit: &Visit<'_>, code: u16, bytes: usize) -> String {
    format!(
        "{} \"{}\" \"{}\" \"{}\"",
        visit.common_log(code, bytes),
        visit.header("referer", "-"),
        visit.header("user-agent", "-"),
        visit.header("x-forwarded-for", "-")
    )
}

fn error_line(visit: &Visit<'_>, server: Option<&ServerBlock>, what: &str) -> String {
    let name = server.and_then(|s| s.names.first()).map_or("", String::as_str);
    format!(
        "{} [error] {WORKER}: *{} {what}, client: {}, server: {name}, request: \"{}\", host: \"{}\"",
        calendar::log_time(Clock::Slashes, visit.now),
        visit.served + 1,
        visit.client,
        visit.request_line(),
        visit.host()
    )
}

/// `nginxdemos/hello`: where the request arrived.
pub fn serve_hello(visit: &Visit<'_>) -> Served {
    let (address, name, uri) = (visit.address, visit.hostname, visit.target());
    let date = calendar::common_log(visit.now);
    let date = date.replacen(':', " ", 1);
    let plain = visit.service.text == "plain-text";
    let (kind, body) = if plain {
        let text = format!(
            "Server address: {address}:{}\nServer name: {name}\nDate: {date}\nURI: {uri}\nRequest ID: {:032x}\n",
            visit.port,
            visit.now.0 as u128 * 0x9e37_79b9_7f4a_7c15
        );
        ("text/plain", text)
    } else {
        let text = format!(
            "<!DOCTYPE html>\n<html>\n<head>\n<title>Hello World</title>\n</head>\n<body>\n<p><span>Server&nbsp;address:</span> \
             <span>{address}:{}</span></p>\n<p><span>Server&nbsp;name:</span> <span>{name}</span></p>\n\
             <p class=\"smaller\"><span>Date:</span> <span>{date}</span></p>\n<p class=\"smaller\"><span>URI:</span> \
             <span>{uri}</span></p>\n</body>\n</html>\n",
            visit.port
        );
        ("text/html", text)
    };
    let response = with_headers(visit, 200, kind, body.into_bytes());
    let line = access_line(visit, &response);
    Served::logged(response, line)
}
