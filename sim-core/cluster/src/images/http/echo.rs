//! Servers that tell who answered and what was asked: the ones tutorials use to show load balancing.

use super::{Answer, Served, Visit, respond};
use crate::images::calendar;
use crate::images::software::Clock;
use apimachinery::http::{Body, Response};
use apimachinery::order::Gather as _;

fn text(visit: &Visit<'_>, code: u16, body: impl Into<Vec<u8>>) -> Response {
    let date = calendar::http_date(visit.now);
    respond(visit, code, &[("date", &date), ("content-type", "text/plain; charset=utf-8")], body)
}

/// `gcr.io/google-samples/hello-app`
pub fn hello_app(visit: &Visit<'_>) -> Served {
    let body = format!("Hello, world!\nVersion: {}\nHostname: {}\n", visit.version, visit.hostname);
    let line = format!("{} Serving request: {}", calendar::log_time(Clock::Slashes, visit.now), visit.request.path);
    Served { answer: Answer::Http(text(visit, 200, body)), log: vec![(true, line)] }
}

/// `gcr.io/google-samples/kubernetes-bootcamp`
pub fn bootcamp(visit: &Visit<'_>) -> Served {
    let body = format!("Hello Kubernetes bootcamp! | Running on: {} | v={}\n", visit.hostname, visit.version);
    let line = format!(
        "Running On: {} | Total Requests: {} | Log Time: {}",
        visit.hostname,
        visit.served + 1,
        visit.now.rfc3339_micro()
    );
    Served::logged(text(visit, 200, body), line)
}

/// `hashicorp/http-echo -text=…`
pub fn fixed_text(visit: &Visit<'_>) -> Served {
    let body = format!("{}\n", visit.service.text);
    let when = calendar::log_time(Clock::Slashes, visit.now);
    let line = format!(
        "{when} {} {}:{} \"{}\" 200 {} \"{}\" 24.5µs",
        visit.host(),
        visit.client,
        40_000 + visit.served % 20_000,
        visit.request_line(),
        body.len(),
        visit.header("user-agent", "")
    );
    let mut response = text(visit, 200, body);
    response.headers.insert(0, ("x-app-name".into(), "http-echo".into()));
    Served::logged(response, line)
}

/// `registry.k8s.io/echoserver`
pub fn echo_server(visit: &Visit<'_>) -> Served {
    let host = visit.host();
    let mut body = format!(
        "\n\nHostname: {}\n\nPod Information:\n\t-no pod information available-\n\nServer values:\n\tserver_version=nginx: 1.13.3 - \
         lua: 10008\n\nRequest Information:\n\tclient_address={}\n\tmethod={}\n\treal path={}\n\tquery={}\n\trequest_version=1.1\n\t\
         request_scheme=http\n\trequest_uri=http://{host}:{}{}\n\nRequest Headers:\n",
        visit.hostname,
        visit.client,
        visit.request.method.as_str(),
        visit.target(),
        visit.target().split_once('?').map_or("", |(_, q)| q),
        visit.port,
        visit.target(),
    );
    for (name, value) in &visit.request.headers {
        body.push_str(&format!("\t{name}={value}\n"));
    }
    body.push_str("\nRequest Body:\n");
    match &visit.request.body {
        Body::Empty => body.push_str("\t-no body in request-\n\n"),
        sent => body.push_str(&String::from_utf8_lossy(&sent.clone().into_bytes())),
    }
    let line = format!("{} \"-\" \"{}\"", visit.common_log(200, body.len()), visit.header("user-agent", "-"));
    let date = calendar::http_date(visit.now);
    let headers = [
        ("date", date.as_str()),
        ("content-type", "text/plain"),
        ("connection", "keep-alive"),
        ("server", "echoserver"),
    ];
    Served::logged(respond(visit, 200, &headers, body), line)
}

/// `ealen/echo-server`
pub fn echo_json(visit: &Visit<'_>) -> Served {
    let headers: serde_json::Map<String, serde_json::Value> =
        visit.request.headers.iter().map(|(n, v)| (n.clone(), v.as_str().into())).gather();
    let query: serde_json::Map<String, serde_json::Value> =
        visit.request.query.iter().map(|(n, v)| (n.clone(), v.as_str().into())).gather();
    let body = serde_json::json!({
        "host": {"hostname": visit.host().split(':').next(), "ip": format!("::ffff:{}", visit.client), "ips": []},
        "http": {"method": visit.request.method.as_str(), "baseUrl": "", "originalUrl": visit.target(), "protocol": "http"},
        "request": {"params": {"0": visit.request.path}, "query": query, "cookies": {}, "body": {}, "headers": headers},
        "environment": {"HOSTNAME": visit.hostname},
    });
    let date = calendar::http_date(visit.now);
    let headers = [("content-type", "application/json; charset=utf-8"), ("date", date.as_str())];
    Served::silent(respond(visit, 200, &headers, body.to_string()))
}

/// `traefik/whoami`
pub fn whoami(visit: &Visit<'_>) -> Served {
    let mut body = format!(
        "Hostname: {}\nIP: 127.0.0.1\nIP: ::1\nIP: {}\nRemoteAddr: {}:{}\n{}\nHost: {}\n",
        visit.hostname,
        visit.address,
        visit.client,
        40_000 + visit.served % 20_000,
        visit.request_line(),
        visit.host()
    );
    for (name, value) in visit.request.headers.iter().filter(|(n, _)| n != "host") {
        body.push_str(&format!("{}: {value}\n", title_case(name)));
    }
    body.push('\n');
    match visit.request.path.as_str() {
        "/health" => Served::silent(text(visit, 200, "")),
        _ => Served::silent(text(visit, 200, body)),
    }
}

/// `user-agent` → `User-Agent`
fn title_case(name: &str) -> String {
    let words = name.split('-').map(|word| {
        let mut chars = word.chars();
        chars.next().map(|c| c.to_ascii_uppercase()).into_iter().chain(chars).collect::<String>()
    });
    words.collect::<Vec<_>>().join("-")
}
