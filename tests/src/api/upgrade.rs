//! Exec, attach and their kin over WebSockets, as kubectl 1.31 and later speak them (`v5.channel.k8s.io`).
//!
//! Not here: SPDY, which older clients fall back to, and port-forward's tunnel of it.

use super::{Shared, TICK, head, lock, plain, send};
use apimachinery::http::{Frame, Reply, StreamId};
use axum::body::Body;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade};
use axum::extract::{FromRequestParts, Request};
use axum::http::StatusCode;
use axum::response::Response;

/// Channel protocols we speak, best first.
const PROTOCOLS: [&str; 4] = ["v5.channel.k8s.io", "v4.channel.k8s.io", "v3.channel.k8s.io", "channel.k8s.io"];
/// Channel on which v5 tells that another one is closed.
const CLOSE: u8 = 255;
/// The WebSocket's own code for a conversation that is over.
const NORMAL: u16 = 1000;

pub async fn answer(shared: Shared, request: Request) -> Response {
    let websocket = request
        .headers()
        .get("upgrade")
        .and_then(|v| v.to_str().ok())
        .is_some_and(|v| v.eq_ignore_ascii_case("websocket"));
    if !websocket {
        return plain(StatusCode::BAD_REQUEST, "unable to upgrade: only WebSockets are spoken here\n");
    }
    let (mut parts, _) = request.into_parts();
    let Some(inner) = head(&parts.method, &parts.uri, &parts.headers) else {
        return plain(StatusCode::METHOD_NOT_ALLOWED, "unknown method\n");
    };
    let response = {
        let mut driver = lock(&shared);
        driver.catch_up();
        driver.cluster.handle(inner)
    };
    let Reply::Stream(id) = response.body else { return send(shared, response, false) };
    match WebSocketUpgrade::from_request_parts(&mut parts, &()).await {
        Ok(upgrade) => upgrade.protocols(PROTOCOLS).on_upgrade(move |socket| carry(shared, id, socket)),
        Err(_) => {
            lock(&shared).cluster.stream_close(id);
            let mut refused = Response::new(Body::from("bad WebSocket handshake\n"));
            *refused.status_mut() = StatusCode::BAD_REQUEST;
            refused
        }
    }
}

/// Carries frames both ways until one side ends.
async fn carry(shared: Shared, id: StreamId, mut socket: WebSocket) {
    loop {
        let (frames, ended) = {
            let mut driver = lock(&shared);
            let read = driver.cluster.stream_read(id);
            (read.frames, read.ended)
        };
        for frame in frames {
            let message = match frame {
                Frame::Json(value) => Message::Text(value.to_string().into()),
                Frame::Data { channel, bytes } => {
                    let mut out = Vec::with_capacity(bytes.len() + 1);
                    out.push(channel);
                    out.extend_from_slice(&bytes);
                    Message::Binary(out.into())
                }
            };
            if socket.send(message).await.is_err() {
                lock(&shared).cluster.stream_close(id);
                return;
            }
        }
        if ended {
            // The client closes when it has read the status; a close frame tells it that nothing follows.
            let close = CloseFrame { code: NORMAL, reason: "".into() };
            let _ = socket.send(Message::Close(Some(close))).await;
            return;
        }
        match tokio::time::timeout(TICK, socket.recv()).await {
            Err(_) => {}
            Ok(Some(Ok(Message::Binary(bytes)))) => {
                if let Some((channel, data)) = bytes.split_first() {
                    lock(&shared).cluster.stream_write(id, *channel, if *channel == CLOSE { &[] } else { data });
                }
            }
            Ok(Some(Ok(Message::Text(_) | Message::Ping(_) | Message::Pong(_)))) => {}
            Ok(Some(Ok(Message::Close(_)) | Err(_)) | None) => {
                lock(&shared).cluster.stream_close(id);
                return;
            }
        }
    }
}
