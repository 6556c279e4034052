use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::{AssistantLabel, router};
use crate::playground::discord::{EmbeddedDiscord, World};

struct Browser {
    discord: EmbeddedDiscord,
    client: reqwest::Client,
    base: String,
}

impl Browser {
    async fn open() -> Self {
        // Another test may have been first.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let discord = EmbeddedDiscord::start(World::playground()).await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let label = AssistantLabel::demo("a demo".into());
        let app = router(discord.clone(), label);
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { discord, client: reqwest::Client::builder().no_proxy().build().unwrap(), base }
    }

    async fn get(&self, path: &str) -> reqwest::Response {
        self.client.get(format!("{}{path}", self.base)).send().await.unwrap()
    }

    async fn post(&self, action: &str, body: Value) -> (u16, Value) {
        let request = self.client.post(format!("{}/page/{action}", self.base));
        let response = request.header("origin", &self.base).json(&body).send().await.unwrap();
        (response.status().as_u16(), response.json().await.unwrap())
    }
}

#[tokio::test]
async fn the_page_and_its_files_are_served() {
    let browser = Browser::open().await;
    let index = browser.get("/").await;
    assert_eq!(index.headers()["content-type"], "text/html; charset=utf-8");
    assert_eq!(index.headers()["x-content-type-options"], "nosniff");
    assert_eq!(browser.get("/app.js").await.headers()["content-type"], "text/javascript; charset=utf-8");
    assert_eq!(browser.get("/..%2fpage.rs").await.status(), 404);
}

#[tokio::test]
async fn people_talk_and_each_sees_what_is_theirs() {
    let browser = Browser::open().await;
    let (mara, harbor) = (World::MARA.to_string(), World::HARBOR.to_string());
    let (_, said) = browser.post("message", json!({"as": mara, "channel": harbor, "content": "ahoy"})).await;
    let id = said["id"].as_str().unwrap();
    browser.post("react", json!({"as": World::JONAS.to_string(), "message": id, "emoji": "👋"})).await;
    browser.post("edit", json!({"as": mara, "message": id, "content": "ahoy there"})).await;
    let (_, thread) =
        browser.post("thread", json!({"as": mara, "channel": harbor, "message": id, "name": "t"})).await;
    assert_eq!(thread["id"], id);
    let state: Value = browser.get(&format!("/page/state?as={mara}")).await.json().await.unwrap();
    let message = &state["messages"][&harbor][0];
    assert_eq!((&message["content"], &message["ephemeral"]), (&json!("ahoy there"), &json!(false)));
    assert_eq!(message["reactions"][0]["users"], json!([World::JONAS.to_string()]));
    assert_eq!(state["assistant"], json!({"kind": "demo", "label": "a demo"}));
    assert_eq!(state["channels"].as_array().unwrap().len(), 4);
    assert_eq!(state["people"].as_array().unwrap().len(), 5);
    let (status, _) = browser.post("delete", json!({"as": World::VERA.to_string(), "message": id})).await;
    assert_eq!(status, 403);
    assert_eq!(browser.post("delete", json!({"as": mara, "message": id})).await.0, 200);
    assert!(browser.discord.messages(World::HARBOR).is_empty());
}

#[tokio::test]
async fn files_are_sent_and_shown() {
    let browser = Browser::open().await;
    let body = json!({"as": World::MARA.to_string(), "channel": World::HARBOR.to_string(), "content": ""});
    let html =
        reqwest::multipart::Part::bytes(b"<script>".to_vec()).file_name("a.html").mime_str("text/html");
    let form = reqwest::multipart::Form::new()
        .text("payload_json", body.to_string())
        .part("files[0]", html.unwrap());
    let sent =
        browser.client.post(format!("{}/page/message", browser.base)).multipart(form).send().await.unwrap();
    assert_eq!(sent.status(), 200);
    let messages = browser.discord.messages(World::HARBOR);
    let url = messages[0]["attachments"][0]["url"].as_str().unwrap();
    let local = url.replace("https://cdn.discordapp.com", "/cdn");
    let shown = browser.get(&local).await;
    assert_eq!(shown.headers()["content-disposition"], "attachment; filename=\"a.html\"");
    assert!(shown.headers()["content-security-policy"].to_str().unwrap().contains("sandbox"));
    assert_eq!(&shown.bytes().await.unwrap()[..], b"<script>");
}

#[tokio::test]
async fn what_cannot_be_done_is_said_in_a_sentence() {
    let browser = Browser::open().await;
    let (mara, harbor) = (World::MARA.to_string(), World::HARBOR.to_string());
    let table = [
        ("message", json!({"as": "1", "channel": harbor, "content": "x"}), 400),
        ("message", json!({"as": mara, "channel": "1", "content": "x"}), 404),
        ("message", json!({"as": mara, "channel": harbor, "content": " "}), 400),
        ("message", json!({"as": mara, "channel": harbor, "content": "x".repeat(2001)}), 400),
        ("react", json!({"as": mara, "message": "1", "emoji": "👋"}), 404),
        ("slash", json!({"as": mara, "channel": harbor, "name": "nothing"}), 404),
        ("component", json!({"as": mara, "message": "1", "custom_id": "x"}), 404),
        ("fly", json!({"as": mara}), 404),
    ];
    for (action, body, status) in table {
        let (found, answer) = browser.post(action, body).await;
        assert_eq!(found, status, "{action}: {answer}");
        assert!(answer["message"].as_str().unwrap().ends_with('.'), "{answer}");
    }
}

#[tokio::test]
async fn another_site_is_refused() {
    let browser = Browser::open().await;
    let body = json!({"as": World::MARA.to_string(), "channel": World::HARBOR.to_string(), "content": "x"});
    let post = |name: &'static str, value: &'static str| {
        browser.client.post(format!("{}/page/message", browser.base)).header(name, value).json(&body).send()
    };
    assert_eq!(post("origin", "https://evil.example").await.unwrap().status(), 403);
    assert_eq!(post("host", "evil.example").await.unwrap().status(), 403);
    assert!(browser.discord.messages(World::HARBOR).is_empty());
}

/// The next message of a WebSocket, as a server sends it: one frame, not masked.
async fn frame(socket: &mut TcpStream) -> Value {
    let mut head = [0; 2];
    socket.read_exact(&mut head).await.unwrap();
    assert_eq!(head[0], 0x81, "one whole text");
    let length = match head[1] {
        126 => usize::from(socket.read_u16().await.unwrap()),
        127 => usize::try_from(socket.read_u64().await.unwrap()).unwrap(),
        length => usize::from(length),
    };
    let mut text = vec![0; length];
    socket.read_exact(&mut text).await.unwrap();
    serde_json::from_slice(&text).unwrap()
}

#[tokio::test]
async fn events_come_over_the_socket() {
    let browser = Browser::open().await;
    let host = browser.base.strip_prefix("http://").unwrap();
    let mut socket = TcpStream::connect(host).await.unwrap();
    let ask = format!(
        "GET /page/events?as={} HTTP/1.1\r\nhost: {host}\r\norigin: {}\r\nconnection: upgrade\r\n\
         upgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        World::MARA,
        browser.base,
    );
    socket.write_all(ask.as_bytes()).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(socket.read_u8().await.unwrap());
    }
    assert!(head.starts_with(b"HTTP/1.1 101"), "{}", String::from_utf8_lossy(&head));
    browser.discord.typing(World::JONAS, World::HARBOR);
    browser.discord.say(World::JONAS, World::HARBOR, "ahoy");
    let kinds = [frame(&mut socket).await, frame(&mut socket).await, frame(&mut socket).await];
    assert_eq!(
        kinds.each_ref().map(|event| event["t"].as_str().unwrap()),
        ["TYPING_START", "TYPING_STOP", "MESSAGE_CREATE"]
    );
    assert_eq!(kinds[2]["d"]["content"], "ahoy");
    assert_eq!(kinds[2]["d"]["author"]["id"], World::JONAS.to_string());
}
