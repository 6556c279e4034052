//! Takes a request in: reads it, orders faults and limits, logs, and sends the answer.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{ConnectInfo, FromRequest as _, Multipart, Request, State as Shares};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use axum::middleware::map_response_with_state;
use bytes::Bytes;
use serde_json::{Value, json};

use super::{Answer, Call};
use crate::playground::discord::errors::ApiError;
use crate::playground::discord::faults::Fault;
use crate::playground::discord::limits::{Standing, Verdict, bucket};
use crate::playground::discord::look::RequestLog;
use crate::playground::discord::posting::Upload;
use crate::playground::discord::state::State;
use crate::playground::discord::tls::Cut;
use crate::playground::discord::{Shared, objects};

/// The largest request, as Discord has it.
const REQUEST_BYTES_MAX: usize = 25 * 1024 * 1024;

pub(in super::super) fn router(shared: Arc<Shared>) -> Router {
    // The limit is ours, in `read`.
    let dated = map_response_with_state(Arc::clone(&shared), date);
    let unlimited = axum::extract::DefaultBodyLimit::disable();
    Router::new().fallback(take).layer(unlimited).layer(dated).with_state(shared)
}

/// Every answer tells this Discord's time.
async fn date(Shares(shared): Shares<Arc<Shared>>, mut response: Response<Body>) -> Response<Body> {
    let now = chrono::DateTime::from_timestamp_millis(shared.look(State::wall).0).unwrap_or_default();
    put(response.headers_mut(), "date", &now.format("%a, %d %b %Y %H:%M:%S GMT").to_string());
    response
}

async fn take(
    Shares(shared): Shares<Arc<Shared>>,
    ConnectInfo(cut): ConnectInfo<Cut>,
    request: Request,
) -> Response<Body> {
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let host = host.split(':').next().unwrap_or_default().to_owned();
    let path = request.uri().path().to_owned();
    if host != "discord.com" || path.starts_with("/attachments/") {
        let segments: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        match shared.change(|state| state.faults.take("GET", &segments)) {
            None => {}
            Some(Fault::Delay(delay)) => tokio::time::sleep(delay).await,
            Some(Fault::Hold(gate) | Fault::ApplyThenHold(gate)) => gate.notified().await,
            Some(Fault::Status(status, body)) => return plain(status, &body),
            Some(Fault::ApplyThenStatus(status)) => return plain(status, &Value::Null),
            Some(Fault::Drop | Fault::ApplyThenFail) => cut.now(),
            Some(Fault::RateLimited { retry_after, global, scope }) => {
                return too_many(retry_after, global, scope, None);
            }
        }
        return file(&shared, &path, request.uri().query().unwrap_or_default());
    }
    let Some(below) = path.strip_prefix("/api/v10/") else {
        return plain(404, &ApiError::no_route().body());
    };
    let segments = below.split('/').map(decode).collect::<Vec<_>>();
    let call = match read(request, segments).await {
        Ok(call) => call,
        Err(error) => {
            shared.change(|state| state.violation("form", format!("{path}: {}", error.message)));
            return plain(error.status, &error.body());
        }
    };
    let segments: Vec<&str> = call.path.iter().map(String::as_str).collect();
    let fault = shared.change(|state| state.faults.take(&call.method, &segments));
    match fault {
        None => respond(shared.change(|state| perform(state, &call))),
        Some(Fault::Delay(delay)) => {
            tokio::time::sleep(delay).await;
            respond(shared.change(|state| perform(state, &call)))
        }
        Some(Fault::Hold(gate)) => {
            gate.notified().await;
            respond(shared.change(|state| perform(state, &call)))
        }
        Some(Fault::Status(status, body)) => {
            shared.change(|state| log(state, &call, status));
            plain(status, &body)
        }
        Some(Fault::ApplyThenStatus(status)) => {
            shared.change(|state| perform(state, &call));
            plain(status, &Value::Null)
        }
        Some(Fault::ApplyThenFail) => {
            shared.change(|state| perform(state, &call));
            cut.now();
            plain(500, &Value::Null)
        }
        Some(Fault::ApplyThenHold(gate)) => {
            let done = shared.change(|state| perform(state, &call));
            gate.notified().await;
            respond(done)
        }
        Some(Fault::Drop) => {
            shared.change(|state| log(state, &call, 0));
            cut.now();
            plain(500, &Value::Null)
        }
        Some(Fault::RateLimited { retry_after, global, scope }) => {
            shared.change(|state| log(state, &call, 429));
            too_many(retry_after, global, scope, None)
        }
    }
}

/// What a request came to: the answer, and where the limit of its bucket stands.
enum Done {
    Answered { answer: Answer, standing: Option<(Standing, &'static str)> },
    TooMany { retry_after: Duration, standing: Option<(Standing, &'static str)> },
}

fn perform(state: &mut State, call: &Call) -> Done {
    let segments: Vec<&str> = call.path.iter().map(String::as_str).collect();
    if state.faults.down {
        log(state, call, 503);
        let answer = Err(ApiError::new(503, 0, "503: Service Unavailable"));
        return Done::Answered { answer, standing: None };
    }
    // The token in the path of an interaction is authentication enough.
    let open = matches!(segments.as_slice(), ["interactions" | "webhooks", ..] | ["gateway"]);
    if !open && call.token.as_deref() != Some(&format!("Bot {}", state.world.token)) {
        log(state, call, 401);
        let error = ApiError::unauthorized();
        state.violation("token", format!("{} {}", call.method, call.path.join("/")));
        return Done::Answered { answer: Err(error), standing: None };
    }
    let bucket = bucket(&call.method, &segments);
    let now = state.now();
    let standing = match state.limits.take(&bucket, now) {
        Verdict::Go(standing) => standing,
        Verdict::Exhausted(standing) => {
            log(state, call, 429);
            return Done::TooMany {
                retry_after: standing.reset_after,
                standing: Some((standing, bucket.name)),
            };
        }
        Verdict::Global(retry_after) => {
            log(state, call, 429);
            return Done::TooMany { retry_after, standing: None };
        }
    };
    state.expire_interactions();
    let answer = super::answer(state, call);
    if let Err(ApiError { retry_after: Some(retry_after), .. }) = &answer {
        log(state, call, 429);
        return Done::TooMany { retry_after: *retry_after, standing: Some((standing, bucket.name)) };
    }
    match &answer {
        Ok((status, _)) => log(state, call, *status),
        Err(error) => {
            log(state, call, error.status);
            if let Some(rule) = error.rule {
                let detail = format!("{} {}: {}", call.method, call.path.join("/"), error.body());
                state.violation(rule, detail);
            }
        }
    }
    Done::Answered { answer, standing: Some((standing, bucket.name)) }
}

fn log(state: &mut State, call: &Call, status: u16) {
    let segments: Vec<&str> = call.path.iter().map(String::as_str).collect();
    let bucket = bucket(&call.method, &segments).name;
    let entry = RequestLog {
        at: state.now(),
        method: call.method.clone(),
        path: format!("/{}", call.path.join("/")),
        bucket,
        status,
        body: call.body.clone(),
    };
    state.requests.push(entry);
}

fn respond(done: Done) -> Response<Body> {
    match done {
        Done::Answered { answer, standing } => {
            let (status, body) = answer.unwrap_or_else(|error| (error.status, error.body()));
            let mut response = plain(status, &body);
            limit_headers(response.headers_mut(), standing);
            response
        }
        Done::TooMany { retry_after, standing } => {
            too_many(retry_after, standing.is_none(), "user", standing)
        }
    }
}

fn too_many(
    retry_after: Duration,
    global: bool,
    scope: &'static str,
    standing: Option<(Standing, &'static str)>,
) -> Response<Body> {
    let seconds = retry_after.as_secs_f64();
    let message = if global { "You are being rate limited globally." } else { "You are being rate limited." };
    let mut response = plain(429, &json!({"message": message, "retry_after": seconds, "global": global}));
    let headers = response.headers_mut();
    limit_headers(headers, standing);
    put(headers, "retry-after", &format!("{seconds:.3}"));
    put(headers, "x-ratelimit-scope", if global { "global" } else { scope });
    put(headers, "via", "1.1 google");
    if global {
        put(headers, "x-ratelimit-global", "true");
    }
    response
}

fn limit_headers(headers: &mut HeaderMap, standing: Option<(Standing, &'static str)>) {
    let Some((standing, name)) = standing else { return };
    let after = standing.reset_after.as_secs_f64();
    #[expect(clippy::disallowed_methods, reason = "Discord has a clock of its own")]
    let wall = chrono::Utc::now().timestamp_micros();
    let reset = std::time::Duration::from_micros(wall.unsigned_abs()).as_secs_f64() + after;
    put(headers, "x-ratelimit-limit", &standing.limit.to_string());
    put(headers, "x-ratelimit-remaining", &standing.remaining.to_string());
    put(headers, "x-ratelimit-reset", &format!("{reset:.3}"));
    put(headers, "x-ratelimit-reset-after", &format!("{after:.3}"));
    put(headers, "x-ratelimit-bucket", name);
}

fn put(headers: &mut HeaderMap, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

fn plain(status: u16, body: &Value) -> Response<Body> {
    let bytes = if body.is_null() { Bytes::new() } else { Bytes::from(body.to_string()) };
    let mut response = Response::new(Body::from(bytes));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    if !body.is_null() {
        put(response.headers_mut(), "content-type", "application/json");
    }
    response
}

/// `GET https://cdn.discordapp.com/attachments/CHANNEL/ID/NAME?ex=…&is=…&hm=…`
fn file(shared: &Shared, path: &str, query: &str) -> Response<Body> {
    let id = path.split('/').nth(3).and_then(|id| id.parse().ok()).unwrap_or(0);
    let value = |key: &str| {
        query
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .find(|(name, _)| *name == key)
            .map(|(_, v)| v)
    };
    let expires = value("ex").and_then(|ex| i64::from_str_radix(ex, 16).ok()).unwrap_or(0);
    let sealed = value("hm").and_then(|hm| u64::from_str_radix(hm, 16).ok());
    let found = shared.change(|state| {
        let fits = sealed == Some(objects::seal(id, expires)) && state.wall().0 / 1000 < expires;
        let found = state.files.get(&id).filter(|_| fits).cloned();
        let entry = RequestLog {
            at: state.now(),
            method: "GET".to_owned(),
            path: path.to_owned(),
            bucket: "cdn",
            status: if found.is_some() { 200 } else { 404 },
            body: Value::Null,
        };
        state.requests.push(entry);
        found
    });
    let Some(found) = found else {
        return plain(404, &json!("This content is no longer available."));
    };
    let mut response = Response::new(Body::from(found.bytes));
    let kind = found.content_type.as_deref().unwrap_or("application/octet-stream");
    put(response.headers_mut(), "content-type", kind);
    response
}

async fn read(request: Request, path: Vec<String>) -> Result<Call, ApiError> {
    let (parts, body) = request.into_parts();
    let (mut call, kind) = head(&parts, path);
    let too_large = |_| ApiError::new(413, 40005, "Request entity too large");
    let bytes = to_bytes(body, REQUEST_BYTES_MAX).await.map_err(too_large)?;
    if kind.starts_with("multipart/form-data") {
        read_multipart(&mut call, Request::from_parts(parts, Body::from(bytes))).await?;
    } else if !bytes.is_empty() {
        call.body = serde_json::from_slice(&bytes).map_err(|_| not_json())?;
    }
    Ok(call)
}

/// A request without its body, and the media type of that.
fn head(parts: &Parts, path: Vec<String>) -> (Call, String) {
    let header = |name: header::HeaderName| {
        parts.headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
    };
    let pairs = parts.uri.query().unwrap_or_default().split('&').filter_map(|pair| pair.split_once('='));
    let call = Call {
        method: parts.method.to_string(),
        path,
        query: pairs.map(|(name, value)| (name.to_owned(), decode(value))).collect(),
        body: Value::Null,
        files: Vec::new(),
        token: header(header::AUTHORIZATION),
    };
    (call, header(header::CONTENT_TYPE).unwrap_or_default())
}

fn not_json() -> ApiError {
    ApiError::new(400, 50109, "The request body contains invalid JSON.")
}

async fn read_multipart(call: &mut Call, request: Request) -> Result<(), ApiError> {
    let bad = |_| ApiError::new(400, 50035, "Invalid Form Body");
    let mut parts = Multipart::from_request(request, &())
        .await
        .map_err(|_| ApiError::new(400, 50035, "Invalid Form Body"))?;
    while let Some(part) = parts.next_field().await.map_err(bad)? {
        let name = part.name().unwrap_or_default().to_owned();
        let file_name = part.file_name().map(str::to_owned);
        let content_type = part.content_type().map(str::to_owned);
        let bytes = part.bytes().await.map_err(bad)?;
        if name == "payload_json" {
            call.body = serde_json::from_slice(&bytes).map_err(|_| not_json())?;
        } else if let Some(number) = name.strip_prefix("files[").and_then(|rest| rest.strip_suffix(']')) {
            let name = file_name
                .ok_or_else(|| ApiError::field("files", "BASE_TYPE_REQUIRED", "A name is required"))?;
            let content_type = content_type.or_else(|| guess(&name));
            let number = number.parse().unwrap_or(0);
            call.files.push(Upload { number, name, content_type, description: None, bytes });
        }
    }
    Ok(())
}

/// The media type that Discord gives to a file with this name.
fn guess(name: &str) -> Option<String> {
    let kind = match name.rsplit_once('.')?.1.to_lowercase().as_str() {
        "txt" | "log" | "rs" | "toml" => "text/plain; charset=utf-8",
        "md" => "text/markdown; charset=utf-8",
        "json" => "application/json; charset=utf-8",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "gif" => "image/gif",
        "svg" => "image/svg+xml",
        "pdf" => "application/pdf",
        _ => return None,
    };
    Some(kind.to_owned())
}

/// Percent-decodes a segment.
fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let hex = after.get(..2).and_then(|hex| std::str::from_utf8(hex).ok());
        if let (b'%', Some(byte)) = (first, hex.and_then(|hex| u8::from_str_radix(hex, 16).ok())) {
            bytes.push(byte);
            rest = &after[2..];
        } else {
            bytes.push(*first);
            rest = after;
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
