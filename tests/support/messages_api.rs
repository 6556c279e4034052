//! A Messages API on loopback for the *real* CLI. The directives in the newest prompt of a request say what the model
//! answers; requests are recorded. Nothing is remembered between requests except how often a prompt was refused, so
//! what the answer knows is what the CLI sent.
//!
//! Directives, in order: `[[say:text]]`, `[[stream:chunks,ms]]`, `[[thinking:text]]`, `[[recall]]` (the prompts of the
//! request before this one), `[[tool:Name {input}]]` (the rest is said after its result), `[[slow:ms]]` (pause before
//! the headers), `[[hold]]` (silent before the headers until released), `[[hold-mid]]` (silent in the middle of the
//! text), `[[status:code]]` or `[[status:code,times]]`, `[[drop]]` (the connection is lost in the middle), `[[down]]`
//! (it is lost before anything was said), `[[refuse]]`, `[[tokens:input,output]]`.

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use serde_json::{Value, json};
use tokio::sync::watch;

mod answer;
mod prompt;

use answer::Answer;

/// A running fake. Dropping it ends it.
#[derive(Debug)]
pub struct MessagesApi {
    /// Where it listens; `http://{addr}` is for `ANTHROPIC_BASE_URL`.
    pub addr: SocketAddr,
    shared: Arc<Shared>,
    server: tokio::task::JoinHandle<()>,
}

/// A request for an answer, as it came.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// `model` of the body.
    pub model: String,
    /// The whole body.
    pub body: Value,
    /// Its headers, names in lower case.
    pub headers: BTreeMap<String, String>,
}

impl Recorded {
    /// `messages` of the body.
    pub fn messages(&self) -> &[Value] {
        self.body["messages"].as_array().map_or(&[], Vec::as_slice)
    }

    /// What people said, oldest first, without what the CLI adds.
    pub fn prompts(&self) -> Vec<String> {
        prompt::prompts(self.messages())
    }
}

#[derive(Debug)]
struct Shared {
    recorded: Mutex<Vec<Recorded>>,
    refused: Mutex<HashMap<String, u32>>,
    count: watch::Sender<usize>,
    released: watch::Sender<usize>,
}

impl MessagesApi {
    /// Starts one on a free port.
    pub async fn start() -> Self {
        Self::start_at(SocketAddr::from(([127, 0, 0, 1], 0))).await
    }

    /// Starts one at this address, perhaps that of one that is gone.
    pub async fn start_at(addr: SocketAddr) -> Self {
        let shared = Arc::new(Shared {
            recorded: Mutex::default(),
            refused: Mutex::default(),
            count: watch::channel(0).0,
            released: watch::channel(0).0,
        });
        let router = Router::new()
            .route("/v1/messages", post(messages))
            .route("/v1/messages/count_tokens", post(async || axum::Json(json!({ "input_tokens": 100 }))))
            // The CLI warms its connection up with `HEAD /`.
            .fallback(async || StatusCode::OK)
            .with_state(shared.clone());
        let listener = tokio::net::TcpListener::bind(addr).await.expect("the address is free");
        let addr = listener.local_addr().expect("a bound socket has an address");
        let server = tokio::spawn(async move { axum::serve(listener, router).await.expect("it serves") });
        Self { addr, shared, server }
    }

    /// All requests so far.
    pub fn requests(&self) -> Vec<Recorded> {
        lock(&self.shared.recorded).clone()
    }

    /// Lets everything that is held go on.
    pub fn release(&self) {
        self.shared.released.send_modify(|count| *count += 1);
    }

    /// Waits until this many requests came.
    pub async fn requested(&self, count: usize) {
        let mut seen = self.shared.count.subscribe();
        seen.wait_for(|seen| *seen >= count).await.expect("it lives as long as we do");
    }
}

impl Drop for MessagesApi {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn messages(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let bytes = axum::body::to_bytes(body, 64 << 20).await.expect("a request within the API's bound");
    let body: Value = serde_json::from_slice(&bytes).expect("the CLI sends JSON");
    let released = shared.released.subscribe();
    let recorded = Recorded {
        model: body["model"].as_str().unwrap_or_default().to_owned(),
        headers: plain(&parts.headers),
        body,
    };
    let answer = answer::answer(recorded.messages());
    let (model, stream) = (recorded.model.clone(), recorded.body["stream"] == true);
    let prompt = recorded.prompts().pop().unwrap_or_default();
    lock(&shared.recorded).push(recorded);
    shared.count.send_modify(|count| *count += 1);

    tokio::time::sleep(Duration::from_millis(answer.slow_ms)).await;
    if answer.hold {
        release_of(released.clone()).await;
    }
    if let Some((status, times)) = answer.status {
        let mut refused = lock(&shared.refused);
        let refused = refused.entry(prompt).or_default();
        if *refused < times {
            *refused += 1;
            return refusal(status);
        }
    }
    if stream {
        streamed(&answer, &model, released)
    } else {
        axum::Json(answer.message(&model)).into_response()
    }
}

fn plain(headers: &HeaderMap) -> BTreeMap<String, String> {
    let text = |value: &axum::http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    headers.iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect()
}

async fn release_of(mut released: watch::Receiver<usize>) {
    // The fake being dropped releases as well.
    let _ = released.changed().await;
}

fn refusal(status: u16) -> Response {
    let kind = match status {
        400 | 413 => "invalid_request_error",
        401 => "authentication_error",
        403 => "permission_error",
        404 => "not_found_error",
        429 => "rate_limit_error",
        529 => "overloaded_error",
        _ => "api_error",
    };
    let body = json!({ "type": "error", "error": { "type": kind, "message": format!("a fake {status}") } });
    let status = StatusCode::from_u16(status).expect("[[status:code]] takes an HTTP status");
    (status, axum::Json(body)).into_response()
}

fn streamed(answer: &Answer, model: &str, released: watch::Receiver<usize>) -> Response {
    let events = futures::stream::unfold(
        (answer.events(model).into_iter(), released),
        move |(mut events, released)| async move {
            let step = events.next()?;
            let item = match step {
                answer::Step::Event(event) => {
                    let name = event["type"].as_str().unwrap_or_default().to_owned();
                    Ok(Bytes::from(format!("event: {name}\ndata: {event}\n\n")))
                }
                answer::Step::Pause(duration) => {
                    tokio::time::sleep(duration).await;
                    Ok(Bytes::from_static(b": pause\n\n"))
                }
                answer::Step::Hold => {
                    release_of(released.clone()).await;
                    Ok(Bytes::from_static(b": released\n\n"))
                }
                answer::Step::Drop => {
                    Err(std::io::Error::other("the connection is lost, as the test wants it"))
                }
            };
            Some((item, (events, released)))
        },
    );
    let headers = [("content-type", "text/event-stream"), ("request-id", "req_fake")];
    (headers, Body::from_stream(events)).into_response()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("nobody panics while holding it")
}
