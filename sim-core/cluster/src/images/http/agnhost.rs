//! `agnhost`, the test image of upstream's end-to-end suite: `netexec`, `serve-hostname`, `test-webserver`, `liveness`.

use super::{Served, Visit, respond};
use crate::images::calendar;
use apimachinery::time::Duration;

/// `liveness` answers well for this long, then fails.
const LIVENESS_GOOD: Duration = Duration::from_secs(10);

/// The mode stands in the service's text; for `liveness` after a `@` when the server started, in microseconds.
pub fn serve(visit: &Visit<'_>) -> Served {
    let (mode, started) = visit.service.text.split_once('@').unwrap_or((&visit.service.text, "0"));
    let path = visit.request.path.as_str();
    let (code, body) = match (mode, path) {
        ("serve-hostname", _) => (200, visit.hostname.to_owned()),
        ("liveness", "/healthz") => {
            let started = apimachinery::time::Time(started.parse().unwrap_or(0));
            match visit.now.since(started) {
                age if age > LIVENESS_GOOD => (500, format!("error: {:.6}", age.as_secs_f64())),
                _ => (200, "ok".to_owned()),
            }
        }
        ("liveness", "/started") => (200, String::new()),
        (_, "/hostname" | "/hostName") => (200, visit.hostname.to_owned()),
        (_, "/healthz") => (200, String::new()),
        (_, "/clientip") => (200, format!("{}:{}", visit.client, 40_000 + visit.served % 20_000)),
        (_, "/echo") => (200, visit.request.param("msg").unwrap_or_default().to_owned()),
        ("netexec", "/") => (200, format!("NOW: {}", visit.now.rfc3339_micro())),
        ("test-webserver", _) => (200, "<pre>\n</pre>\n".to_owned()),
        _ => (404, "404 page not found\n".to_owned()),
    };
    let date = calendar::http_date(visit.now);
    Served::silent(respond(visit, code, &[("date", &date), ("content-type", "text/plain; charset=utf-8")], body))
}
