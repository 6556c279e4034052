use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use serenity::all as discord;

use super::{channel, http, start};
use crate::playground::discord::{Fault, World};

#[tokio::test]
async fn a_lost_reply_is_a_message_all_the_same() {
    let server = start().await;
    let http = http(&server);
    server.faults().next_rest("POST /channels/*/messages", Fault::ApplyThenFail);
    assert!(channel(World::HARBOR).say(&http, "heard").await.is_err());
    assert_eq!(server.messages(World::HARBOR)[0]["content"], "heard");
    server.faults().next_rest("POST /channels/*/messages", Fault::Drop);
    assert!(channel(World::HARBOR).say(&http, "unheard").await.is_err());
    assert_eq!(server.messages(World::HARBOR).len(), 1);
    channel(World::HARBOR).say(&http, "again").await.unwrap();
}

#[tokio::test]
async fn statuses_and_outages() {
    let server = start().await;
    let http = http(&server);
    server
        .faults()
        .next_rest("POST /channels/*/messages", Fault::Status(500, json!({"message": "500", "code": 0})));
    assert!(channel(World::HARBOR).say(&http, "no").await.is_err());
    server.faults().set_down(true);
    assert!(channel(World::HARBOR).say(&http, "no").await.is_err());
    server.faults().set_down(false);
    channel(World::HARBOR).say(&http, "yes").await.unwrap();
    let statuses: Vec<_> = server.requests().iter().map(|request| request.status).collect();
    assert_eq!(statuses, [500, 503, 200]);
}

#[tokio::test]
async fn the_clients_limiter_honours_what_a_429_says() {
    let server = start().await;
    let mut http = http(&server);
    let (send, mut told) = tokio::sync::mpsc::unbounded_channel();
    http.ratelimiter.as_mut().unwrap().set_ratelimit_callback(Box::new(move |info| {
        let _ = send.send((info.timeout, info.global));
    }));
    for global in [false, true] {
        let limited = Fault::RateLimited { retry_after: Duration::from_millis(40), global, scope: "user" };
        server.faults().next_rest("POST /channels/*/messages", limited);
        channel(World::HARBOR).say(&http, "patience").await.unwrap();
        assert_eq!(told.recv().await.unwrap(), (Duration::from_millis(40), global));
    }
    assert_eq!(server.messages(World::HARBOR).len(), 2);
    assert_eq!(server.invalid_requests(), 2);
}

#[tokio::test]
async fn the_clients_limiter_reads_the_headers_of_a_bucket() {
    let server = start().await;
    server.faults().limits_lifted(false);
    let http = Arc::new(http(&server));
    let id = server.say(World::MARA, World::HARBOR, "look");
    let (harbor, message) = (channel(World::HARBOR), discord::MessageId::new(id.0));
    // One reaction in a quarter of a second: the client waits by itself, and no 429 is needed.
    for emoji in ["👀", "✅"] {
        http.create_reaction(harbor, message, &discord::ReactionType::Unicode(emoji.into())).await.unwrap();
    }
    assert_eq!(server.reactions(id).len(), 2);
    assert_eq!(server.invalid_requests(), 0);
}

#[tokio::test]
async fn a_request_is_held_until_it_is_let_go() {
    let server = start().await;
    let http = Arc::new(http(&server));
    let gate = Arc::new(tokio::sync::Notify::new());
    server.faults().next_rest("POST /channels/*/messages", Fault::Hold(Arc::clone(&gate)));
    let sending = tokio::spawn({
        let http = Arc::clone(&http);
        async move { channel(World::HARBOR).say(&http, "held").await.map(|_| ()) }
    });
    channel(World::LIGHTHOUSE).say(&http, "another").await.unwrap();
    assert!(server.messages(World::HARBOR).is_empty());
    gate.notify_one();
    sending.await.unwrap().unwrap();
    assert_eq!(server.messages(World::HARBOR).len(), 1);
}
