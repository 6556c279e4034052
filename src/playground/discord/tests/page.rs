use super::{channel, http, start};
use crate::playground::discord::World;

#[tokio::test]
async fn a_page_is_told_what_its_person_may_see() {
    let server = start().await;
    let http = http(&server);
    let mut page = server.subscribe(World::VERA);
    channel(World::HARBOR).broadcast_typing(&http).await.unwrap();
    let said = channel(World::HARBOR).say(&http, "hello").await.unwrap();
    let id = crate::domain::ids::MessageId(said.id.get());
    server.react(World::VERA, id, "👋");
    let thread = server.create_thread(World::VERA, World::HARBOR, "more", Some(id));
    server.say(World::MARA, thread, "here");
    server.delete(id);
    let mut kinds = Vec::new();
    for _ in 0..8 {
        kinds.push(page.next().await.unwrap().kind);
    }
    let expected = [
        "TYPING_START",
        "TYPING_STOP",
        "MESSAGE_CREATE",
        "REACTIONS",
        "THREAD_CREATE",
        "MESSAGE_UPDATE",
        "MESSAGE_CREATE",
        "MESSAGE_DELETE",
    ];
    assert_eq!(kinds, expected);
    let state = server.page_state(World::VERA);
    assert_eq!(state["me"], World::VERA.to_string());
    assert_eq!(state["channels"].as_array().unwrap().len(), 4);
    assert_eq!(state["messages"][thread.to_string()][0]["content"], "here");
}
