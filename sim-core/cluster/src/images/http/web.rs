//! Other web servers: Apache, Python's and busybox's file servers, and the front pages of well-known applications.

use super::{Answer, Served, Visit, clean_path, media_type, respond};
use crate::images::calendar;
use apimachinery::http::{Method, Reply};

const APACHE_ROOT: &str = "/usr/local/apache2/htdocs";

/// A file under a root, its index for a directory; `None` when there is nothing.
fn find(visit: &Visit<'_>, root: &str) -> Option<(String, Vec<u8>)> {
    let path = clean_path(&visit.request.path);
    let mut disk = format!("{}{path}", root.trim_end_matches('/'));
    if visit.files.is_dir(disk.trim_end_matches('/')) || path == "/" {
        disk = format!("{}/index.html", disk.trim_end_matches('/'));
    }
    visit.files.read(&disk).ok().map(|bytes| (disk, bytes))
}

fn body_len(body: &Reply) -> usize {
    match body {
        Reply::Bytes(b) => b.len(),
        _ => 0,
    }
}

pub fn apache(visit: &Visit<'_>) -> Served {
    let date = calendar::http_date(visit.now);
    let server = format!("Apache/{} (Unix)", visit.version);
    let (code, kind, body) = match find(visit, APACHE_ROOT) {
        Some((path, bytes)) => (200, media_type(&path), bytes),
        None => {
            let text = "<!DOCTYPE HTML PUBLIC \"-//IETF//DTD HTML 2.0//EN\">\n<html><head>\n<title>404 Not Found</title>\n\
                </head><body>\n<h1>Not Found</h1>\n<p>The requested URL was not found on this server.</p>\n</body></html>\n";
            (404, "text/html; charset=iso-8859-1", text.as_bytes().to_vec())
        }
    };
    let response = respond(visit, code, &[("date", &date), ("server", &server), ("content-type", kind)], body);
    let line = visit.common_log(code, body_len(&response.body));
    Served::logged(response, line)
}

pub fn python(visit: &Visit<'_>) -> Served {
    let date = calendar::http_date(visit.now);
    let server = format!("SimpleHTTP/0.6 Python/{}", visit.version);
    let root = visit.service.text.as_str();
    let path = clean_path(&visit.request.path);
    let directory = format!("{}{}", root.trim_end_matches('/'), path.trim_end_matches('/'));
    let found = find(visit, root);
    let (code, kind, body) = if visit.request.method != Method::Get && visit.request.method != Method::Head {
        let method = visit.request.method.as_str();
        (501, "text/html;charset=utf-8", python_error(501, &format!("Unsupported method ('{method}')")))
    } else if let Some((path, bytes)) = found {
        (200, media_type(&path), bytes)
    } else if visit.files.is_dir(&directory) || path == "/" {
        let mut page = format!(
            "<!DOCTYPE HTML>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>Directory listing for {path}</title>\n\
             </head>\n<body>\n<h1>Directory listing for {path}</h1>\n<hr>\n<ul>\n"
        );
        for name in visit.files.list(if directory.is_empty() { "/" } else { &directory }).unwrap_or_default() {
            let slash = if visit.files.is_dir(&format!("{directory}/{name}")) { "/" } else { "" };
            page.push_str(&format!("<li><a href=\"{name}{slash}\">{name}{slash}</a></li>\n"));
        }
        page.push_str("</ul>\n<hr>\n</body>\n</html>\n");
        (200, "text/html; charset=utf-8", page.into_bytes())
    } else {
        (404, "text/html;charset=utf-8", python_error(404, "File not found"))
    };
    let response = respond(visit, code, &[("server", &server), ("date", &date), ("content-type", kind)], body);
    let when = calendar::python_log(visit.now);
    let mut log = Vec::new();
    if code == 404 {
        log.push((true, format!("{} - - [{when}] code 404, message File not found", visit.client)));
    }
    log.push((true, format!("{} - - [{when}] \"{}\" {code} -", visit.client, visit.request_line())));
    Served { answer: Answer::Http(response), log }
}

fn python_error(code: u16, message: &str) -> Vec<u8> {
    format!(
        "<!DOCTYPE HTML>\n<html lang=\"en\">\n    <head>\n        <meta charset=\"utf-8\">\n        <title>Error response</title>\n    \
         </head>\n    <body>\n        <h1>Error response</h1>\n        <p>Error code: {code}</p>\n        <p>Message: {message}.</p>\n    \
         </body>\n</html>\n"
    )
    .into_bytes()
}

pub fn busybox(visit: &Visit<'_>) -> Served {
    let date = calendar::http_date(visit.now);
    let (code, kind, body) = match find(visit, &visit.service.text) {
        Some((path, bytes)) => (200, media_type(&path), bytes),
        None => {
            let text = "<HTML><HEAD><TITLE>404 Not Found</TITLE></HEAD>\n<BODY><H1>404 Not Found</H1>\n\
                The requested URL was not found\n</BODY></HTML>\n";
            (404, "text/html", text.as_bytes().to_vec())
        }
    };
    Served::silent(respond(visit, code, &[("date", &date), ("connection", "close"), ("content-type", kind)], body))
}

/// An application's front page: its name, from the service's text.
pub fn page(visit: &Visit<'_>) -> Served {
    let date = calendar::http_date(visit.now);
    let name = &visit.service.text;
    let body =
        format!("<!DOCTYPE html>\n<html>\n<head><title>{name}</title></head>\n<body><h1>{name}</h1></body>\n</html>\n");
    let response = respond(visit, 200, &[("date", &date), ("content-type", "text/html; charset=UTF-8")], body);
    Served::silent(response)
}

pub fn prometheus(visit: &Visit<'_>) -> Served {
    let (code, kind, body) = match visit.request.path.as_str() {
        "/-/healthy" => (200, "text/plain; charset=utf-8", "Prometheus Server is Healthy.\n".to_owned()),
        "/-/ready" => (200, "text/plain; charset=utf-8", "Prometheus Server is Ready.\n".to_owned()),
        "/metrics" => {
            let text = format!(
                "# HELP prometheus_build_info A metric with a constant '1' value.\n# TYPE prometheus_build_info gauge\n\
                 prometheus_build_info{{version=\"{}\"}} 1\n# TYPE prometheus_http_requests_total counter\n\
                 prometheus_http_requests_total{{code=\"200\"}} {}\n",
                visit.version, visit.served
            );
            (200, "text/plain; version=0.0.4", text)
        }
        "/" => (302, "text/html; charset=utf-8", "<a href=\"/query\">Found</a>.\n\n".to_owned()),
        _ => (200, "text/html; charset=utf-8", "<!doctype html><title>Prometheus Time Series</title>\n".to_owned()),
    };
    let mut response = respond(visit, code, &[("content-type", kind)], body);
    if code == 302 {
        response.headers.push(("location".into(), "/query".into()));
    }
    Served::silent(response)
}

pub fn guestbook(visit: &Visit<'_>) -> Served {
    let date = calendar::http_date(visit.now);
    let body = "<html ng-app=\"redis\">\n  <head>\n    <title>Guestbook</title>\n  </head>\n  <body ng-controller=\"RedisCtrl\">\n    \
        <h2>Guestbook</h2>\n  </body>\n</html>\n";
    let (code, body) = if visit.request.path == "/" { (200, body) } else { (404, "Not Found\n") };
    let response = respond(visit, code, &[("date", &date), ("content-type", "text/html")], body);
    let line = format!("{} \"-\" \"{}\"", visit.common_log(code, body.len()), visit.header("user-agent", "-"));
    Served::logged(response, line)
}

/// The registry's API as a browser or curl meets it.
pub fn registry(visit: &Visit<'_>) -> Served {
    let (code, body) = match visit.request.path.as_str() {
        "/v2/" | "/v2" => (200, "{}".to_owned()),
        "/v2/_catalog" => (200, format!("{{\"repositories\":[{}]}}\n", visit.service.text)),
        "/" => (200, String::new()),
        _ => (404, "404 page not found\n".to_owned()),
    };
    let headers =
        [("content-type", "application/json; charset=utf-8"), ("docker-distribution-api-version", "registry/2.0")];
    let response = respond(visit, code, &headers, body);
    let line =
        format!("{} \"\" \"{}\"", visit.common_log(code, body_len(&response.body)), visit.header("user-agent", ""));
    Served::logged(response, line)
}
