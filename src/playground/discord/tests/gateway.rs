use serenity::all as discord;

use super::{Bot, Seen, channel, http, start, start_in};
use crate::domain::ids::UserId;
use crate::playground::discord::{EmbeddedDiscord, World, permissions};

const MARA: UserId = World::MARA;

#[tokio::test]
async fn a_bot_connects_hears_and_answers() {
    let server = start().await;
    let mut bot = Bot::connect(&server).await;
    let asked = server.say(MARA, World::HARBOR, "what is the tide?");
    let heard = bot.message().await;
    assert_eq!((heard.id.get(), heard.content.as_str()), (asked.0, "what is the tide?"));
    assert_eq!(heard.author.id.get(), MARA.0);
    assert_eq!(heard.member.as_ref().unwrap().roles.len(), 1);
    assert_eq!(heard.guild_id.unwrap().get(), World::GUILD.0);
    heard.reply(&bot.http, "rising").await.unwrap();
    let answer = server
        .wait_for("the answer", |now| {
            now.messages(World::HARBOR).into_iter().find(|m| m["content"] == "rising")
        })
        .await;
    assert_eq!(answer["message_reference"]["message_id"], asked.to_string());
    assert_eq!(answer["referenced_message"]["content"], "what is the tide?");
    assert_eq!(server.violations(), []);
}

#[tokio::test]
async fn ready_and_guild_create_hold_what_the_client_needs() {
    let server = start().await;
    let mut bot = Bot::connect_with(&server, discord::GatewayIntents::non_privileged()).await;
    let Seen::Ready(ready) = bot.until(|seen| matches!(seen, Seen::Ready(_))).await else { panic!() };
    assert_eq!(ready.user.id.get(), World::BOT.0);
    let event = bot.until(|seen| matches!(seen, Seen::Other(_))).await;
    let Seen::Other(event) = event else { panic!() };
    let discord::FullEvent::GuildCreate { guild, .. } = *event else { panic!() };
    assert_eq!(guild.channels.len(), 3);
    assert_eq!(guild.members.len(), 5);
    let member = &guild.members[&discord::UserId::new(MARA.0)];
    let harbor = &guild.channels[&channel(World::HARBOR)];
    assert!(guild.user_permissions_in(harbor, member).manage_messages());
}

#[tokio::test]
async fn content_needs_its_intent_unless_the_bot_is_mentioned() {
    let server = start().await;
    let mut bot = Bot::connect_with(&server, discord::GatewayIntents::non_privileged()).await;
    bot.until(|seen| matches!(seen, Seen::Other(_))).await;
    server.say(MARA, World::HARBOR, "secret");
    server.say(MARA, World::HARBOR, &format!("<@{}> open", World::BOT));
    assert_eq!(bot.message().await.content, "");
    assert_eq!(bot.message().await.content, format!("<@{}> open", World::BOT));
}

#[tokio::test]
async fn what_the_bot_cannot_see_does_not_reach_it() {
    let server = start().await;
    let mut bot = Bot::connect(&server).await;
    server.overwrite_permissions(World::HARBOR, World::BOT, 0, permissions::VIEW_CHANNEL);
    server.say(MARA, World::HARBOR, "behind the door");
    server.say(MARA, World::GENERAL, "in the open");
    assert_eq!(bot.message().await.content, "in the open");
    let refused = http(&server).get_message(channel(World::HARBOR), 1.into()).await.unwrap_err();
    assert!(refused.to_string().contains("Missing Access"), "{refused}");
}

#[tokio::test]
async fn events_during_a_broken_connection_are_replayed() {
    let server = start().await;
    let mut bot = Bot::connect(&server).await;
    server.say(MARA, World::HARBOR, "before");
    assert_eq!(bot.message().await.content, "before");
    server.faults().close(4000);
    server.say(MARA, World::HARBOR, "meanwhile");
    assert_eq!(bot.message().await.content, "meanwhile");
    bot.until(|seen| matches!(seen, Seen::Resumed)).await;
    assert_eq!(server.identifies_and_resumes(), (1, 1));
    server.say(MARA, World::HARBOR, "after");
    assert_eq!(bot.message().await.content, "after");
}

#[tokio::test]
async fn a_forgotten_session_begins_anew() {
    let server = start().await;
    let mut bot = Bot::connect(&server).await;
    server.faults().forget_sessions();
    server.say(MARA, World::HARBOR, "still here");
    assert_eq!(bot.message().await.content, "still here");
    drop(bot);
    bot = Bot::connect(&server).await;
    server.say(MARA, World::HARBOR, "hello again");
    assert_eq!(bot.message().await.content, "hello again");
    assert_eq!(server.identifies_and_resumes(), (2, 0));
}

#[tokio::test]
async fn a_wrong_token_and_forbidden_intents_are_refused_for_good() {
    let server = start_in(World::playground().with_privileged_intents(0)).await;
    let bot = Bot::connect_with(&server, discord::GatewayIntents::MESSAGE_CONTENT).await;
    let broken =
        |server: &EmbeddedDiscord| server.violations().into_iter().map(|v| v.detail).collect::<Vec<_>>();
    let told = server
        .wait_for("the close", |now| now.violations().first().map(|violation| violation.detail.clone()))
        .await;
    assert!(told.contains("4014"), "{told}");
    drop(bot);
    let wrong = discord::HttpBuilder::new("a.b.c").client(super::client(&server)).build();
    assert!(wrong.get_current_user().await.is_err());
    assert!(broken(&server).iter().any(|detail| detail.contains("users/@me")));
    assert_eq!(server.invalid_requests(), 1);
}

#[tokio::test]
async fn reactions_threads_and_roles_reach_the_bot() {
    let server = start().await;
    let mut bot = Bot::connect(&server).await;
    let message = server.say(MARA, World::HARBOR, "look");
    server.react(World::VERA, message, "👀");
    let wanted = |seen: &Seen| matches!(seen, Seen::Other(event) if matches!(**event, discord::FullEvent::ReactionAdd { .. }));
    let Seen::Other(event) = bot.until(wanted).await else { panic!() };
    let discord::FullEvent::ReactionAdd { add_reaction } = *event else { panic!() };
    assert_eq!(add_reaction.user_id.unwrap().get(), World::VERA.0);
    let thread = server.create_thread(MARA, World::HARBOR, "a berth", Some(message));
    assert_eq!(thread.0, message.0);
    let wanted = |seen: &Seen| matches!(seen, Seen::Other(event) if matches!(**event, discord::FullEvent::ThreadCreate { .. }));
    let Seen::Other(event) = bot.until(wanted).await else { panic!() };
    let discord::FullEvent::ThreadCreate { thread } = *event else { panic!() };
    assert_eq!(thread.parent_id, Some(channel(World::HARBOR)));
    // A mention brings the bot into the thread.
    let inside = crate::domain::ids::ChannelId(thread.id.get());
    server.say(MARA, inside, &format!("<@{}> come in", World::BOT));
    assert!(server.thread_members(inside).contains(&World::BOT));
}
