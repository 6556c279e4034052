use serde_json::json;
use serenity::all as discord;

use super::{channel, http, start};
use crate::domain::ids::MessageId;
use crate::playground::discord::{Draft, Pinged, World, permissions};

#[tokio::test]
async fn a_message_is_edited_and_its_history_kept() {
    let server = start().await;
    let http = http(&server);
    let harbor = channel(World::HARBOR);
    let mut message = harbor.say(&http, "one").await.unwrap();
    for text in ["two", "three"] {
        message.edit(&http, discord::EditMessage::new().content(text)).await.unwrap();
    }
    let id = MessageId(message.id.get());
    assert_eq!(server.history(id), ["one", "two", "three"]);
    assert!(server.message(id).unwrap()["edited_timestamp"].is_string());
    message.delete(&http).await.unwrap();
    assert_eq!(server.message(id), None);
    assert_eq!(server.violations(), []);
}

#[tokio::test]
async fn reactions_come_and_go() {
    let server = start().await;
    let http = http(&server);
    let id = server.say(World::MARA, World::HARBOR, "do it");
    let (harbor, message) = (channel(World::HARBOR), discord::MessageId::new(id.0));
    let eyes = discord::ReactionType::Unicode("👀".into());
    http.create_reaction(harbor, message, &eyes).await.unwrap();
    assert_eq!(server.reactions(id), [("👀".to_owned(), vec![World::BOT])]);
    http.delete_reaction_me(harbor, message, &eyes).await.unwrap();
    assert_eq!(server.reactions(id), []);
    let unknown = discord::ReactionType::Unicode("eyes".into());
    assert!(http.create_reaction(harbor, message, &unknown).await.is_err());
    assert_eq!(server.violations()[0].rule, "emoji");
}

#[tokio::test]
async fn an_enforced_nonce_makes_one_message() {
    let server = start().await;
    let http = http(&server);
    let send = || {
        let message = discord::CreateMessage::new()
            .content("once")
            .nonce(discord::Nonce::String("slot-1".into()))
            .enforce_nonce(true);
        channel(World::HARBOR).send_message(&http, message)
    };
    let (first, again) = (send().await.unwrap(), send().await.unwrap());
    assert_eq!(first.id, again.id);
    server.advance(std::time::Duration::from_mins(10));
    assert_ne!(send().await.unwrap().id, first.id);
    assert_eq!(server.messages(World::HARBOR).len(), 2);
}

#[tokio::test]
async fn files_go_up_and_come_down_again() {
    let server = start().await;
    let http = http(&server);
    let file = discord::CreateAttachment::bytes(&b"fathoms"[..], "depth chart.txt");
    let message = channel(World::HARBOR)
        .send_files(&http, [file], discord::CreateMessage::new().content("here"))
        .await
        .unwrap();
    let attachment = &message.attachments[0];
    assert_eq!((attachment.filename.as_str(), attachment.size), ("depth_chart.txt", 7));
    assert_eq!(attachment.content_type.as_deref(), Some("text/plain"));
    let client = super::client(&server);
    let get = |url: String| client.get(url).send();
    let body = get(attachment.url.clone()).await.unwrap().bytes().await.unwrap();
    assert_eq!(&body[..], b"fathoms");
    assert_eq!(server.file(&attachment.url).unwrap(), body);
    // The address is signed, and good for a day.
    let unsigned = attachment.url.split('?').next().unwrap().to_owned();
    assert_eq!(get(unsigned).await.unwrap().status(), 404);
    server.advance(std::time::Duration::from_hours(25));
    assert_eq!(get(attachment.url.clone()).await.unwrap().status(), 404);
    let fresh = channel(World::HARBOR).message(&http, message.id).await.unwrap();
    assert_eq!(get(fresh.attachments[0].url.clone()).await.unwrap().status(), 200);
}

#[tokio::test]
async fn a_person_sends_files_and_a_webhook_speaks() {
    let server = start().await;
    let draft = Draft {
        content: "paste".into(),
        attachments: vec![("message.txt".into(), b"long".to_vec(), None)],
        ..Draft::default()
    };
    let id = server.say_with(World::MARA, World::HARBOR, draft);
    let message = server.message(id).unwrap();
    assert_eq!(message["attachments"][0]["content_type"], json!(null));
    assert_eq!(message["attachments"][0]["size"], 4);
    let id = server.say_with(
        World::MARA,
        World::HARBOR,
        Draft { webhook: true, content: "x".into(), ..Draft::default() },
    );
    assert!(server.message(id).unwrap()["webhook_id"].is_string());
}

#[tokio::test]
async fn lists_are_paged_newest_first_and_exclusive() {
    let server = start().await;
    let http = http(&server);
    let ids: Vec<_> = (0..120).map(|n| server.say(World::MARA, World::HARBOR, &n.to_string())).collect();
    let harbor = channel(World::HARBOR);
    let list = async |get: discord::GetMessages| {
        let found = harbor.messages(&http, get).await.unwrap();
        found.into_iter().map(|message| message.content.parse::<usize>().unwrap()).collect::<Vec<_>>()
    };
    let id = |n: usize| discord::MessageId::new(ids[n].0);
    let get = discord::GetMessages::new;
    assert_eq!(list(get().limit(3)).await, [119, 118, 117]);
    assert_eq!(list(get().after(id(10)).limit(3)).await, [13, 12, 11]);
    assert_eq!(list(get().before(id(10)).limit(3)).await, [9, 8, 7]);
    assert_eq!(list(get().around(id(10)).limit(3)).await, [11, 10, 9]);
    assert_eq!(list(get().after(id(0)).limit(100)).await.len(), 100);
}

#[tokio::test]
async fn only_who_may_be_pinged_is_pinged() {
    let server = start().await;
    let http = http(&server);
    let asked = server.say(World::MARA, World::HARBOR, "x");
    let text = format!("<@{}> <@{}> @everyone <@&{}>", World::JONAS, World::VERA, World::BUILDERS);
    let none = discord::CreateAllowedMentions::new();
    let message = discord::CreateMessage::new().content(&text);
    let harbor = channel(World::HARBOR);
    let mut silent =
        harbor.send_message(&http, message.clone().allowed_mentions(none.clone())).await.unwrap();
    assert_eq!(server.pings(), []);
    let edit = discord::EditMessage::new().content(format!("{text}!"));
    silent.edit(&http, edit.clone().allowed_mentions(none.clone())).await.unwrap();
    assert_eq!(silent.mentions, []);
    silent.edit(&http, edit).await.unwrap();
    assert_eq!(silent.mentions.len(), 2, "an edit does not know what was allowed before");
    let polite = none.replied_user(true);
    let reply = message
        .clone()
        .allowed_mentions(polite)
        .reference_message((harbor, discord::MessageId::new(asked.0)));
    harbor.send_message(&http, reply).await.unwrap();
    let who =
        |server: &super::EmbeddedDiscord| server.pings().into_iter().map(|(_, who)| who).collect::<Vec<_>>();
    assert_eq!(who(&server), [Pinged::User(World::MARA)]);
    harbor.send_message(&http, message).await.unwrap();
    // Neither the role nor everybody: the bot may not mention them.
    assert_eq!(who(&server)[1..], [Pinged::User(World::JONAS), Pinged::User(World::VERA)]);
}

#[tokio::test]
async fn threads_are_opened_joined_archived_and_locked() {
    let server = start().await;
    let http = http(&server);
    let asked = server.say(World::MARA, World::HARBOR, "a long story");
    let harbor = channel(World::HARBOR);
    let builder = discord::CreateThread::new("a long story");
    let message = discord::MessageId::new(asked.0);
    let thread = harbor.create_thread_from_message(&http, message, builder.clone()).await.unwrap();
    assert_eq!(thread.id.get(), asked.0);
    assert!(thread.thread_metadata.is_some());
    assert!(harbor.create_thread_from_message(&http, message, builder).await.is_err());
    let mine = crate::domain::ids::ChannelId(thread.id.get());
    let said = thread.id.say(&http, "inside").await.unwrap();
    server.archive_thread(mine, true);
    let edit = discord::EditMessage::new().content("changed");
    let refused = thread.id.edit_message(&http, said.id, edit).await.unwrap_err();
    assert!(refused.to_string().contains("archived"), "{refused}");
    thread.id.say(&http, "wakes it").await.unwrap();
    assert_eq!(server.channel(mine).unwrap()["thread_metadata"]["archived"], false);
    server.lock_thread(mine, true);
    let refused = thread.id.say(&http, "no").await.unwrap_err();
    assert!(refused.to_string().contains("locked"), "{refused}");
    server.delete_channel(mine);
    let refused = thread.id.say(&http, "no").await.unwrap_err();
    assert!(refused.to_string().contains("Unknown Channel"), "{refused}");
    let alone = discord::CreateThread::new("alone").kind(discord::ChannelType::PublicThread);
    let alone = harbor.create_thread(&http, alone).await.unwrap();
    alone.id.join_thread(&http).await.unwrap();
    assert_eq!(server.threads(World::HARBOR).len(), 1);
}

#[tokio::test]
async fn what_is_missing_or_forbidden_is_said_as_discord_does() {
    let server = start().await;
    let http = http(&server);
    let code = |error: serenity::Error| match error {
        serenity::Error::Http(discord::HttpError::UnsuccessfulRequest(response)) => response.error.code,
        other => panic!("{other}"),
    };
    let harbor = channel(World::HARBOR);
    assert_eq!(code(http.get_channel(5.into()).await.unwrap_err()), 10003);
    assert_eq!(code(harbor.message(&http, 5).await.unwrap_err()), 10008);
    let theirs = server.say(World::MARA, World::HARBOR, "mine");
    let theirs = discord::MessageId::new(theirs.0);
    assert_eq!(
        code(harbor.edit_message(&http, theirs, discord::EditMessage::new().content("x")).await.unwrap_err()),
        50005
    );
    assert_eq!(code(harbor.delete_message(&http, theirs).await.unwrap_err()), 50013);
    server.overwrite_permissions(World::HARBOR, World::BOT, 0, permissions::SEND_MESSAGES);
    assert_eq!(code(harbor.say(&http, "x").await.unwrap_err()), 50013);
    server.overwrite_permissions(World::HARBOR, World::BOT, 0, permissions::VIEW_CHANNEL);
    assert_eq!(code(harbor.say(&http, "x").await.unwrap_err()), 50001);
}

#[tokio::test]
async fn typing_ends_with_a_message_or_after_ten_seconds() {
    let server = start().await;
    let http = http(&server);
    let harbor = channel(World::HARBOR);
    harbor.broadcast_typing(&http).await.unwrap();
    assert!(server.typing_active(World::HARBOR));
    harbor.say(&http, "done").await.unwrap();
    assert!(!server.typing_active(World::HARBOR));
    harbor.broadcast_typing(&http).await.unwrap();
    server.advance(std::time::Duration::from_secs(11));
    assert!(!server.typing_active(World::HARBOR));
}

#[tokio::test]
async fn a_direct_message_has_a_channel_of_its_own() {
    let server = start().await;
    let http = http(&server);
    let direct = discord::UserId::new(World::MARA.0).create_dm_channel(&http).await.unwrap();
    direct.id.say(&http, "psst").await.unwrap();
    let id = server.direct_channel(World::MARA);
    assert_eq!(server.messages(id)[0]["content"], "psst");
}
