//! The wires between the laptop and a cluster: every call into [`Cluster`] that a request from outside makes.

use apimachinery::http::{Request, Response, StreamId, StreamRead};
use apimachinery::time::Duration;
use cluster::Cluster;
use machine::host::Exchange;

/// Round trip between the laptop and a node on the same machine, with the server's work.
const API_ROUND_TRIP: Duration = Duration::from_millis(12);

/// A request to the API server's secure port.
pub fn api(cluster: &mut Cluster, scheme: &str, address: String, mut request: Request) -> Exchange {
    if scheme != "https" {
        let body = "Client sent an HTTP request to an HTTPS server.\n";
        return Exchange { after: API_ROUND_TRIP, address, result: Ok(Response::text(400, body)) };
    }
    let known = ["authorization", "x-client-certificate"].iter().any(|h| request.header_value(h).is_some());
    if !known {
        request = request.header("x-kaiki-anonymous", "true");
    }
    request.headers.retain(|(n, _)| n != "x-client-certificate");
    Exchange { after: API_ROUND_TRIP, address, result: Ok(cluster.handle(request)) }
}

/// A request that somebody with the administrator's rights passes on (`kubectl proxy`).
pub fn api_as_admin(cluster: &mut Cluster, request: Request) -> Exchange {
    Exchange { after: API_ROUND_TRIP, address: "127.0.0.1".into(), result: Ok(cluster.handle(request)) }
}

/// A request to a node's address: node ports and ports of the host network.
pub fn node_port(cluster: &mut Cluster, scheme: &str, address: &str, port: u16, request: Request) -> Exchange {
    cluster.http_from_outside(scheme, address, port, request)
}

/// A request through `kubectl port-forward`.
pub fn pod_port(cluster: &mut Cluster, namespace: &str, pod: &str, port: u16, request: Request) -> Exchange {
    cluster.http_to_pod(namespace, pod, port, request)
}

/// Whether a pod that a port is forwarded to is still there.
pub fn pod_exists(cluster: &mut Cluster, namespace: &str, pod: &str) -> bool {
    let path = format!("/api/v1/namespaces/{namespace}/pods/{pod}");
    cluster.handle(Request::get(path)).is_success()
}

pub fn stream_read(cluster: &mut Cluster, id: StreamId) -> StreamRead {
    cluster.stream_read(id)
}

pub fn stream_write(cluster: &mut Cluster, id: StreamId, channel: u8, bytes: &[u8]) {
    cluster.stream_write(id, channel, bytes);
}

pub fn stream_close(cluster: &mut Cluster, id: StreamId) {
    cluster.stream_close(id);
}

/// Changes whenever anything did that somebody outside could wait for.
pub fn revision(cluster: &Cluster) -> u64 {
    cluster.api.storage.revision()
}

/// Tells a cluster which registries there are and what they hold.
pub fn set_registries(cluster: &mut Cluster, registries: &cluster::images::registry::Registries) {
    cluster.images.registries = registries.clone();
}

/// Puts an image on every node; false where that cannot be done.
pub fn load_image(
    cluster: &mut Cluster,
    reference: &cluster::images::reference::Reference,
    image: std::sync::Arc<cluster::images::image::Image>,
) -> bool {
    let _ = (cluster, reference, image);
    false
}

/// A service as `minikube service` needs it.
pub struct Service {
    pub namespace: String,
    pub name: String,
    pub ports: Vec<ServicePort>,
}

pub struct ServicePort {
    pub name: String,
    pub port: i64,
    /// 0 without one.
    pub node_port: i64,
}

/// The services of one namespace, or of all, asked for as any client would.
pub fn services(cluster: &mut Cluster, namespace: Option<&str>) -> Vec<Service> {
    let path = match namespace {
        Some(ns) => format!("/api/v1/namespaces/{ns}/services"),
        None => "/api/v1/services".to_owned(),
    };
    let response = cluster.handle(Request::get(path));
    let apimachinery::http::Reply::Json(list) = response.body else { return Vec::new() };
    let items = list["items"].as_array().cloned().unwrap_or_default();
    let text = |v: &serde_json::Value| v.as_str().unwrap_or_default().to_owned();
    let port = |p: &serde_json::Value| ServicePort {
        name: text(&p["name"]),
        port: p["port"].as_i64().unwrap_or(0),
        node_port: p["nodePort"].as_i64().unwrap_or(0),
    };
    let one = |s: &serde_json::Value| Service {
        namespace: text(&s["metadata"]["namespace"]),
        name: text(&s["metadata"]["name"]),
        ports: s["spec"]["ports"].as_array().into_iter().flatten().map(port).collect(),
    };
    items.iter().map(one).collect()
}
