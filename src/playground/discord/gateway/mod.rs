//! The gateway: plain WebSocket on a port of its own, JSON, no compression.
//! <https://discord.com/developers/docs/events/gateway>

mod handshake;
pub(super) mod session;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State as Shares;
use axum::extract::ws::{CloseFrame, Message as Frame, WebSocket, WebSocketUpgrade};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use self::session::Out;
use super::Shared;
use crate::clock::Moment;

/// Payloads that a client may send in [`SENDS_WINDOW`].
const SENDS_MAX: usize = 120;
const SENDS_WINDOW: Duration = Duration::from_mins(1);
/// The largest payload that a client may send, in bytes.
const PAYLOAD_BYTES_MAX: usize = 4096;

pub(super) fn router(shared: Arc<Shared>) -> Router {
    Router::new().fallback(upgrade).with_state(shared)
}

async fn upgrade(
    Shares(shared): Shares<Arc<Shared>>,
    upgrade: Result<WebSocketUpgrade, axum::extract::ws::rejection::WebSocketUpgradeRejection>,
) -> Response {
    let down = shared.look(|state| state.faults.down || state.faults.gateway_down);
    match upgrade {
        _ if down => StatusCode::SERVICE_UNAVAILABLE.into_response(),
        Ok(upgrade) => upgrade.on_upgrade(move |socket| serve(shared, socket)),
        Err(rejection) => rejection.into_response(),
    }
}

/// What a connection does next.
enum Step {
    Go,
    Close(u16),
}

/// One connection.
struct Connection {
    shared: Arc<Shared>,
    number: u64,
    send: mpsc::UnboundedSender<Out>,
    sent: Vec<Moment>,
}

async fn serve(shared: Arc<Shared>, mut socket: WebSocket) {
    let (send, mut receive) = mpsc::unbounded_channel();
    let (number, heartbeat) =
        shared.change(|state| (state.sessions.new_connection(), state.sessions.heartbeat));
    let hello = json!({"op": 10, "d": {"heartbeat_interval": heartbeat.as_millis(), "_trace": []},
        "s": null, "t": null});
    let mut connection = Connection { shared: Arc::clone(&shared), number, send, sent: Vec::new() };
    let mut ended = false;
    if socket.send(Frame::Text(hello.to_string().into())).await.is_ok() {
        ended = connection.run(&mut socket, &mut receive).await;
    }
    shared.change(|state| state.sessions.disconnect(number, ended));
}

impl Connection {
    /// Runs until the connection is over; says whether the session ended with it.
    async fn run(&mut self, socket: &mut WebSocket, receive: &mut mpsc::UnboundedReceiver<Out>) -> bool {
        let stop = self.shared.stop.clone();
        loop {
            tokio::select! {
                () = stop.cancelled() => return true,
                out = receive.recv() => match out {
                    None | Some(Out::Cut) => return false,
                    Some(Out::Text(text)) => {
                        if socket.send(Frame::Text(text.into())).await.is_err() {
                            return false;
                        }
                    }
                    Some(Out::Close(code)) => {
                        let frame = code.map(|code| CloseFrame { code, reason: "".into() });
                        // Whether it arrives or not: this connection is over.
                        let _ = socket.send(Frame::Close(frame)).await;
                        drain(socket).await;
                        return false;
                    }
                },
                frame = socket.recv() => match frame {
                    Some(Ok(Frame::Text(text))) => {
                        if let Step::Close(code) = self.payload(text.as_str()) {
                            let frame = CloseFrame { code, reason: "".into() };
                            let _ = socket.send(Frame::Close(Some(frame))).await;
                            drain(socket).await;
                            return false;
                        }
                    }
                    Some(Ok(Frame::Close(frame))) => {
                        return frame.is_some_and(|frame| matches!(frame.code, 1000 | 1001));
                    }
                    Some(Ok(_)) => {}
                    Some(Err(_)) | None => return false,
                },
            }
        }
    }

    fn payload(&mut self, text: &str) -> Step {
        let now = self.shared.look(super::state::State::now);
        self.sent.retain(|at| now.since(*at) < SENDS_WINDOW);
        self.sent.push(now);
        if self.sent.len() > SENDS_MAX {
            return self.refuse(4008, "more than 120 payloads in a minute");
        }
        if text.len() > PAYLOAD_BYTES_MAX {
            return self.refuse(4002, "a payload of more than 4096 bytes");
        }
        let Ok(payload) = serde_json::from_str::<Value>(text) else {
            return self.refuse(4002, "a payload that is no JSON");
        };
        let known = self.shared.look(|state| state.sessions.has(self.number));
        match payload["op"].as_u64() {
            Some(1) => self.heartbeat(),
            Some(2) if !known => self.identify(&payload["d"]),
            Some(6) if !known => self.resume(&payload["d"]),
            Some(2 | 6) => self.refuse(4005, "identified twice"),
            // Presence, voice, members, sounds: nothing to say to them.
            Some(3 | 4 | 8 | 31) if known => Step::Go,
            Some(3 | 4 | 8 | 31) => self.refuse(4003, "a payload before IDENTIFY"),
            _ => self.refuse(4001, "an unknown opcode"),
        }
    }

    fn heartbeat(&self) -> Step {
        if !self.shared.look(|state| state.faults.acks_stopped || state.sessions.is_zombie(self.number)) {
            self.reply(&json!({"op": 11, "d": null, "s": null, "t": null}));
        }
        Step::Go
    }

    fn reply(&self, payload: &Value) {
        // The receiver lives as long as this connection.
        let _ = self.send.send(Out::Text(payload.to_string()));
    }

    fn refuse(&self, code: u16, why: &str) -> Step {
        self.shared.change(|state| state.violation("gateway", format!("{why}: closed with {code}")));
        Step::Close(code)
    }
}

/// Reads until the other side answers the close, so that it does get it. Bounded, in case it never does.
async fn drain(socket: &mut WebSocket) {
    let rest = async { while let Some(Ok(_)) = socket.recv().await {} };
    let _ = tokio::time::timeout(Duration::from_secs(2), rest).await;
}
