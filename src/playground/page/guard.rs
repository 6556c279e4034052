//! Keeps other machines and other sites out. A site on the web can make this browser send requests to loopback, and
//! with a name of its own for 127.0.0.1 (DNS rebinding) even read the answers. Both show: in `Origin` and in `Host`.

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::Refusal;

pub(super) async fn guard(request: Request, next: Next) -> Response {
    if !allowed(request.method(), request.uri().path(), request.headers()) {
        let sentence = "The playground only answers its own page, on this machine.";
        return Refusal(StatusCode::FORBIDDEN, sentence.to_owned()).into_response();
    }
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    let fixed: [(HeaderName, &'static str); 4] = [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-cache"),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

/// Whether a request comes from this machine's own page. Programs send no `Origin` and may do what a terminal may.
fn allowed(method: &Method, path: &str, headers: &HeaderMap) -> bool {
    let text = |name: HeaderName| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    let Some(host) = text(header::HOST).filter(|host| is_loopback(host)) else { return false };
    let changes = *method != Method::GET && *method != Method::HEAD;
    let origin = text(header::ORIGIN);
    // A socket is opened by GET, and browsers do not keep other sites from it.
    if changes || path == "/page/events" || origin.is_some() {
        return origin.is_none_or(|origin| origin == format!("http://{host}"));
    }
    true
}

fn is_loopback(host: &str) -> bool {
    let (name, port) = match host.rsplit_once(':') {
        Some((name, port)) if !port.contains(']') => (name, port),
        _ => (host, "80"),
    };
    matches!(name, "localhost" | "127.0.0.1" | "[::1]") && port.parse::<u16>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(method: &Method, path: &str, host: &str, origin: Option<&str>) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, HeaderValue::from_str(host).unwrap());
        if let Some(origin) = origin {
            headers.insert(header::ORIGIN, HeaderValue::from_str(origin).unwrap());
        }
        allowed(method, path, &headers)
    }

    #[test]
    fn this_machine_may_and_nobody_else() {
        let here = Some("http://127.0.0.1:7878");
        assert!(ask(&Method::GET, "/", "127.0.0.1:7878", None));
        assert!(ask(&Method::GET, "/", "localhost:7878", None));
        assert!(ask(&Method::GET, "/", "[::1]:7878", None));
        assert!(ask(&Method::POST, "/page/message", "127.0.0.1:7878", here));
        assert!(ask(&Method::POST, "/page/message", "127.0.0.1:7878", None));
        assert!(ask(&Method::GET, "/page/events", "127.0.0.1:7878", here));
    }

    #[test]
    fn a_rebound_name_or_another_site_may_not() {
        for host in
            ["evil.example:7878", "127.0.0.1.evil.example:7878", "localhost.evil:80", "10.0.0.1:7878", ""]
        {
            assert!(!ask(&Method::GET, "/", host, None), "{host}");
        }
        for origin in ["https://evil.example", "null", "http://127.0.0.1:9999", "https://127.0.0.1:7878"] {
            for (method, path) in
                [(Method::POST, "/page/message"), (Method::GET, "/page/events"), (Method::GET, "/")]
            {
                assert!(!ask(&method, path, "127.0.0.1:7878", Some(origin)), "{origin} {path}");
            }
        }
    }
}
