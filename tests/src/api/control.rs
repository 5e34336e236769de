//! What no real cluster can do, over HTTP: push time, keep and bring back whole states, stop nodes.
//!
//! `POST /kaiki/advance?seconds=30`, `POST /kaiki/settle`, `POST /kaiki/save?name=a`, `POST /kaiki/restore?name=a`,
//! `POST /kaiki/node?name=minikube-m02&up=false`, `GET /kaiki/time`.

use super::{Shared, decode, lock, plain};
use apimachinery::time::Duration;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::Response;

/// States kept at most.
const SAVED_MAX: usize = 16;
/// Virtual time that one `settle` may take.
const SETTLE_MAX: Duration = Duration::from_secs(3600);
const ADVANCE_SECONDS_MAX: f64 = 366.0 * 86400.0;

pub fn answer(shared: &Shared, request: &Request) -> Response {
    let query = request.uri().query().unwrap_or_default();
    let param = |name: &str| {
        query.split('&').filter_map(|p| p.split_once('=')).find(|(n, _)| *n == name).map(|(_, v)| decode(v, true))
    };
    let mut driver = lock(shared);
    driver.catch_up();
    let posted = request.method() == axum::http::Method::POST;
    let done = match request.uri().path() {
        "/kaiki/time" => Ok(()),
        _ if !posted => return plain(StatusCode::METHOD_NOT_ALLOWED, "use POST\n"),
        "/kaiki/advance" => {
            match param("seconds")
                .and_then(|s| s.parse::<f64>().ok())
                .filter(|s| (0.0..=ADVANCE_SECONDS_MAX).contains(s))
            {
                Some(seconds) => {
                    let to = driver.cluster.now() + Duration::from_micros((seconds * 1e6) as u64);
                    driver.cluster.run_until(to);
                    Ok(())
                }
                None => Err("seconds wants a number from 0 to 31622400\n".to_owned()),
            }
        }
        "/kaiki/settle" => {
            driver.cluster.settle(SETTLE_MAX);
            Ok(())
        }
        "/kaiki/save" => {
            let name = param("name").unwrap_or_default();
            let state = driver.cluster.clone();
            driver.saved.retain(|(n, _)| *n != name);
            if driver.saved.len() >= SAVED_MAX {
                driver.saved.remove(0);
            }
            driver.saved.push((name, state));
            Ok(())
        }
        "/kaiki/restore" => {
            let name = param("name").unwrap_or_default();
            match driver.saved.iter().find(|(n, _)| *n == name).map(|(_, c)| c.clone()) {
                Some(state) => {
                    driver.cluster = state;
                    Ok(())
                }
                None => Err(format!("nothing was saved as {name:?}\n")),
            }
        }
        "/kaiki/node" => {
            let (name, up) = (param("name").unwrap_or_default(), param("up").as_deref() != Some("false"));
            driver.cluster.set_node_up(&name, up);
            Ok(())
        }
        _ => return plain(StatusCode::NOT_FOUND, "no such control\n"),
    };
    match done {
        Ok(()) => plain(StatusCode::OK, &format!("{}\n", driver.cluster.now().rfc3339_micro())),
        Err(why) => plain(StatusCode::BAD_REQUEST, &why),
    }
}
