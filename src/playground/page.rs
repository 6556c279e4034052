//! The chat page: what people see of the embedded Discord, and what they do in it, over HTTP on loopback.
//!
//! Whoever reaches this page can make the bot work, so only this machine's own browser may: [`guard`] refuses other
//! hosts and other origins, and the playground binds loopback only. There is no password: people on one machine trust
//! each other here, as they do with a terminal.
//!
//! `GET /` and the files below `web/`; `GET /page/state?as=PERSON`, the WebSocket `/page/events?as=PERSON`, and one
//! `POST /page/…` for each thing that a person can do ([`actions`]); `GET /cdn/…` shows attached files. An error is
//! `{"message": "…"}` with the sentence to show.

mod actions;
mod assets;
mod guard;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use axum::extract::ws::{Message as Frame, WebSocket, WebSocketUpgrade};
use axum::extract::{DefaultBodyLimit, Path, Query, State as Shares};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get, post};
use axum::{Json, Router, middleware};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::discord::{EmbeddedDiscord, PageFeed};
use crate::domain::ids::UserId;

/// The largest request: ten files of 10 MiB, and the words around them.
const REQUEST_BYTES_MAX: usize = 101 * 1024 * 1024;

/// What answers in the playground, for a sign on the page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AssistantLabel {
    /// Whether the real CLI or the demo runs.
    pub kind: AssistantKind,
    /// The words for the sign.
    pub label: String,
}

/// What answers in the playground.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AssistantKind {
    /// The real CLI.
    Real,
    /// The demo, which only pretends.
    Demo,
}

impl AssistantLabel {
    /// The real CLI.
    pub fn real(label: String) -> Self {
        Self { kind: AssistantKind::Real, label }
    }

    /// The demo assistant.
    pub fn demo(label: String) -> Self {
        Self { kind: AssistantKind::Demo, label }
    }
}

/// What all handlers share.
#[derive(Clone)]
struct Page {
    discord: EmbeddedDiscord,
    assistant: Arc<AssistantLabel>,
}

/// The page of `discord`. The caller serves it, on a loopback address.
pub fn router(discord: EmbeddedDiscord, assistant: AssistantLabel) -> Router {
    Router::new()
        .route("/", get(assets::index))
        .route("/{asset}", get(assets::asset))
        .route("/page/state", get(state))
        .route("/page/events", any(events))
        .route("/page/{action}", post(actions::act))
        .route("/cdn/attachments/{channel}/{id}/{name}", get(file))
        .layer(DefaultBodyLimit::max(REQUEST_BYTES_MAX))
        .layer(middleware::from_fn(guard::guard))
        .with_state(Page { discord, assistant: Arc::new(assistant) })
}

/// A refusal, with the sentence to show.
struct Refusal(StatusCode, String);

impl Refusal {
    fn bad(sentence: &str) -> Self {
        Self(StatusCode::BAD_REQUEST, sentence.to_owned())
    }

    fn missing(sentence: &str) -> Self {
        Self(StatusCode::NOT_FOUND, sentence.to_owned())
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.0, Json(json!({"message": self.1}))).into_response()
    }
}

#[derive(Deserialize)]
struct Viewer {
    #[serde(rename = "as")]
    person: Option<String>,
}

impl Page {
    /// The person who looks; where nobody is named, the first who is no bot.
    fn viewer(&self, viewer: Viewer) -> Result<UserId, Refusal> {
        let found = match viewer.person {
            Some(id) => self.discord.page_person(&Value::from(id)),
            None => self.discord.page_first_person(),
        };
        found.ok_or_else(|| Refusal::missing("There is no such person here."))
    }
}

async fn state(Shares(page): Shares<Page>, Query(viewer): Query<Viewer>) -> Result<Json<Value>, Refusal> {
    let viewer = page.viewer(viewer)?;
    let mut state = page.discord.page_state(viewer);
    state["assistant"] = json!(*page.assistant);
    Ok(Json(state))
}

async fn events(
    Shares(page): Shares<Page>,
    Query(viewer): Query<Viewer>,
    upgrade: WebSocketUpgrade,
) -> Result<Response, Refusal> {
    let viewer = page.viewer(viewer)?;
    // From now on, not from the moment at which the socket is up: the page asks for the state in between.
    let feed = page.discord.subscribe(viewer);
    let stopped = page.discord.stopped();
    Ok(upgrade.on_upgrade(move |socket| send(feed, stopped, socket)))
}

/// Sends events until the browser leaves, is too slow (it then begins anew), or Discord ends.
async fn send(mut feed: PageFeed, stopped: impl Future<Output = ()>, mut socket: WebSocket) {
    tokio::pin!(stopped);
    loop {
        tokio::select! {
            () = &mut stopped => return,
            event = feed.next() => {
                let text = event.and_then(|event| serde_json::to_string(&event).ok());
                let Some(text) = text else { return };
                if socket.send(Frame::Text(text.into())).await.is_err() {
                    return;
                }
            }
            frame = socket.recv() => match frame {
                Some(Ok(Frame::Close(_)) | Err(_)) | None => return,
                Some(Ok(_)) => {}
            },
        }
    }
}

async fn file(
    Shares(page): Shares<Page>,
    Path((_, id, _)): Path<(String, u64, String)>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let found = page.discord.page_file(id);
    let (kind, name, bytes) = found.ok_or_else(|| Refusal::missing("There is no such file."))?;
    let kind = kind.unwrap_or_else(|| "application/octet-stream".to_owned());
    // Only pictures are shown: anything else could be a page that acts in this page's name.
    let shown = matches!(kind.as_str(), "image/png" | "image/jpeg" | "image/gif" | "image/webp");
    let disposition =
        format!("{}; filename=\"{}\"", if shown { "inline" } else { "attachment" }, ascii(&name));
    let (status, bytes) = match headers.get(header::RANGE).and_then(|range| first_bytes(range.to_str().ok()?))
    {
        Some(end) if end < bytes.len() => (StatusCode::PARTIAL_CONTENT, bytes.slice(..end)),
        _ => (StatusCode::OK, bytes),
    };
    let headers = [
        (header::CONTENT_TYPE, kind),
        (header::CONTENT_DISPOSITION, disposition),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; sandbox".to_owned()),
    ];
    Ok((status, headers, bytes).into_response())
}

/// `bytes=0-N`, the one kind of range that the page asks for: how many bytes that is.
fn first_bytes(range: &str) -> Option<usize> {
    range.strip_prefix("bytes=0-")?.parse::<usize>().ok()?.checked_add(1)
}

/// A file name that can stand in a header.
fn ascii(name: &str) -> String {
    name.chars()
        .map(|c| if c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_') { c } else { '_' })
        .collect()
}
