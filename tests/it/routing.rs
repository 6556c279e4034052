//! Which messages are prompts, whose, and to which conversation they belong.

use switchboard::domain::ids::{ChannelId, MessageId};
use switchboard::playground::discord::{Draft, World};

use crate::harness::{BOT, HARBOR, JONAS, LIGHTHOUSE, MARA, Stage, VERA, session_of};

/// What is done for a message that must start nothing: no CLI, no reaction, no message. What it would start would have
/// been started before the answer to a message that came after it.
async fn assert_ignored(stage: &Stage, messages: &[MessageId]) {
    let last = stage.ask(MARA, HARBOR, "[[say:I am here.]]");
    stage.answer(HARBOR, last).await;
    assert_eq!(stage.cli_prompts(), ["[[say:I am here.]]"], "the CLI got more than one prompt");
    assert_eq!(stage.cli_log("start").len(), 1, "more than one CLI was started");
    for message in messages {
        assert_eq!(stage.discord.reactions(*message), [], "a reaction to {message}");
    }
    let by_bot = |channel| stage.bot_messages(channel).len();
    assert_eq!(by_bot(HARBOR), 1, "{}", stage.transcript(HARBOR));
    assert_eq!((by_bot(World::GENERAL), by_bot(LIGHTHOUSE)), (0, 0));
    assert!(stage.discord.threads(HARBOR).is_empty() && stage.discord.threads(LIGHTHOUSE).is_empty());
    stage.assert_well_behaved();
}

#[tokio::test(flavor = "multi_thread")]
async fn people_by_id_and_by_role_are_answered() {
    let stage = Stage::new().await;
    let _bot = stage.bot().await;
    for person in [MARA, JONAS] {
        let message = stage.ask(person, HARBOR, "[[say:Aye.]]");
        assert!(stage.answer(HARBOR, message).await.contains("Aye."));
    }
    stage.assert_well_behaved();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mention_may_stand_anywhere_and_in_both_spellings() {
    let stage = Stage::new().await;
    let _bot = stage.bot().await;
    for text in
        [format!("Tell me <@{BOT}> where"), format!("<@!{BOT}> tell me where"), format!("Where? <@{BOT}>")]
    {
        let message = stage.say(MARA, HARBOR, &text);
        stage.answer(HARBOR, message).await;
    }
    let prompts = stage.cli_prompts();
    assert!(
        prompts.iter().all(|prompt| !prompt.contains('<')),
        "a mention is no part of the prompt: {prompts:?}"
    );
    assert_eq!(prompts[1..], ["tell me where", "Where?"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_starts_nothing() {
    let stage = Stage::new().await;
    let _bot = stage.bot().await;
    let mention = stage.ask(VERA, HARBOR, "[[say:no]]");
    let bare = stage.ask(VERA, HARBOR, "");
    let thread_opener = stage.ask(VERA, LIGHTHOUSE, "[[say:no]]");
    assert_ignored(&stage, &[mention, bare, thread_opener]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bots_and_webhooks_start_nothing_whoever_they_imitate() {
    let stage = Stage::new().await.with("access", "everyone = true").with("harbor", "respond_to = \"all\"");
    let _bot = stage.bot().await;
    let text = format!("<@{BOT}> [[say:no]]");
    let ferry = stage.say(World::FERRY, HARBOR, &text);
    let draft = Draft { content: text.clone(), webhook: true, ..Draft::default() };
    let webhook = stage.discord.say_with(MARA, HARBOR, draft);
    let last = stage.ask(MARA, HARBOR, "[[say:I am here.]]");
    stage.answer(HARBOR, last).await;
    assert_eq!(stage.cli_prompts(), ["[[say:I am here.]]"]);
    assert_eq!((stage.discord.reactions(ferry), stage.discord.reactions(webhook)), (vec![], vec![]));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_bots_own_words_start_nothing() {
    let stage = Stage::new().await.with("harbor", "respond_to = \"all\"").with("access", "everyone = true");
    let _bot = stage.bot().await;
    // It says a mention of itself, which every other author could start a turn with.
    let first = stage.ask(MARA, HARBOR, &format!("[[say:<@{BOT}> go on]]"));
    stage.answer(HARBOR, first).await;
    let second = stage.ask(MARA, HARBOR, "[[say:I am here.]]");
    stage.answer(HARBOR, second).await;
    assert_eq!(stage.cli_prompts().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn other_channels_and_direct_messages_start_nothing() {
    let stage = Stage::new().await.with("access", "everyone = true");
    let _bot = stage.bot().await;
    let general = stage.ask(MARA, World::GENERAL, "[[say:no]]");
    let below = stage.discord.create_thread(MARA, World::GENERAL, "Talk", None);
    let thread = stage.ask(MARA, below, "[[say:no]]");
    let direct = stage.discord.direct_channel(MARA);
    let private = stage.ask(MARA, direct, "[[say:no]]");
    let plain = stage.say(MARA, direct, "[[say:no]]");
    assert_ignored(&stage, &[general, thread, private, plain]).await;
    assert!(stage.bot_messages(direct).is_empty() && stage.bot_messages(below).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn talk_without_a_mention_starts_nothing() {
    let stage = Stage::new().await;
    let _bot = stage.bot().await;
    let plain = stage.say(MARA, HARBOR, "[[say:no]]");
    let everyone = stage.say(MARA, HARBOR, "@everyone [[say:no]]");
    let role = stage.say(MARA, HARBOR, &format!("<@&{}> [[say:no]]", World::BUILDERS));
    let other = stage.say(MARA, HARBOR, &format!("<@{JONAS}> [[say:no]]"));
    let reply = Draft { content: "[[say:no]]".to_owned(), reply_to: Some(plain), ..Draft::default() };
    let reply = stage.discord.say_with(JONAS, HARBOR, reply);
    assert_ignored(&stage, &[plain, everyone, role, other, reply]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reply_to_the_bot_is_a_prompt_also_without_a_ping() {
    let stage = Stage::new().await;
    let _bot = stage.bot().await;
    let first = stage.ask(MARA, HARBOR, "[[say:Ask me more.]]");
    stage.answer(HARBOR, first).await;
    let answer = stage.answers(HARBOR, first)[0];
    // The embedded Discord mentions whom a reply answers; Discord's own client lets people switch that off.
    let reply = Draft { content: "[[recall]]".to_owned(), reply_to: Some(answer), ..Draft::default() };
    let reply = stage.discord.say_with(JONAS, HARBOR, reply);
    assert!(stage.answer(HARBOR, reply).await.contains("Ask me more."));
}

#[tokio::test(flavor = "multi_thread")]
async fn all_messages_are_prompts_where_the_project_says_so() {
    let stage = Stage::new().await.with("harbor", "respond_to = \"all\"");
    let _bot = stage.bot().await;
    let stranger = stage.say(VERA, HARBOR, "[[say:no]]");
    let message = stage.say(MARA, HARBOR, "[[say:No mention needed.]]");
    assert!(stage.answer(HARBOR, message).await.contains("No mention needed."));
    let other_project = stage.say(MARA, LIGHTHOUSE, "[[say:no]]");
    let last = stage.say(MARA, HARBOR, "[[say:Still here.]]");
    stage.answer(HARBOR, last).await;
    assert_eq!(stage.cli_prompts().len(), 2);
    assert_eq!((stage.discord.reactions(stranger), stage.discord.reactions(other_project)), (vec![], vec![]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thread_is_a_conversation_of_its_own_in_the_projects_directory() {
    let stage = Stage::new().await;
    let _bot = stage.bot().await;
    let in_channel = stage.ask(MARA, HARBOR, "[[say:Said in the channel.]]");
    stage.answer(HARBOR, in_channel).await;
    let thread = stage.discord.create_thread(MARA, HARBOR, "Cranes", None);
    let unasked = stage.say(MARA, thread, "[[say:The bot is not in here yet.]]");
    let first = stage.ask(MARA, thread, "[[recall]]");
    let answer = stage.answer(thread, first).await;
    assert!(!answer.contains("Said in the channel"), "the thread has the channel's session: {answer}");
    assert_eq!(stage.discord.reactions(unasked), []);
    assert!(stage.discord.thread_members(thread).contains(&BOT), "the bot takes part");
    // From now on it needs no mention.
    let second = stage.say(JONAS, thread, "[[say:Said in the thread.]]");
    stage.answer(thread, second).await;
    let third = stage.say(MARA, thread, "[[recall]]");
    assert!(stage.answer(thread, third).await.contains("Said in the thread."));
    let stranger = stage.say(VERA, thread, "[[say:no]]");
    let back = stage.ask(MARA, HARBOR, "[[recall]]");
    let answer = stage.answer(HARBOR, back).await;
    assert!(answer.contains("Said in the channel.") && !answer.contains("thread"), "{answer}");
    assert_eq!(stage.discord.reactions(stranger), []);
    let starts = stage.cli_log("start");
    let dir = stage.dir().join("harbor").canonicalize().expect("it is there").display().to_string();
    assert!(starts.iter().all(|start| start["cwd"] == dir.as_str()), "{starts:#?}");
    let sessions: std::collections::BTreeSet<_> = starts.iter().map(session_of).collect();
    assert_eq!(sessions.len(), 2, "two conversations, two sessions: {starts:#?}");
    stage.assert_well_behaved();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_opens_a_thread_named_after_it_and_follow_ups_need_no_mention() {
    let stage = Stage::new().await;
    let _bot = stage.bot().await;
    let request = stage.ask(MARA, LIGHTHOUSE, "Fix the lamp [[say:It shines.]]\nplease");
    // A thread that is opened on a message has that message's id.
    let thread = ChannelId(request.0);
    stage.said(thread, "It shines.").await;
    assert_eq!(stage.outcome(request).await, "✅", "the reaction is where the request is");
    let threads = stage.discord.threads(LIGHTHOUSE);
    assert_eq!(threads.len(), 1);
    assert_eq!(threads[0]["name"], "Fix the lamp [[say:It shines.]]");
    assert!(stage.bot_messages(LIGHTHOUSE).is_empty(), "{}", stage.transcript(LIGHTHOUSE));
    let follow_up = stage.say(MARA, thread, "[[recall]]");
    assert!(stage.answer(thread, follow_up).await.contains("Fix the lamp"));
    let other = stage.ask(JONAS, LIGHTHOUSE, "[[recall]]");
    let answer = stage.said(ChannelId(other.0), "You said before").await;
    assert!(!answer.contains("lamp"), "another request is another conversation: {answer}");
    let dir = stage.dir().join("lighthouse").canonicalize().expect("it is there").display().to_string();
    assert!(stage.cli_log("start").iter().all(|start| start["cwd"] == dir.as_str()));
    stage.assert_well_behaved();
}

#[tokio::test(flavor = "multi_thread")]
async fn who_loses_the_role_is_not_heard_any_more() {
    let stage = Stage::new().await;
    let _bot = stage.bot().await;
    let before = stage.ask(JONAS, HARBOR, "[[say:Aye.]]");
    stage.answer(HARBOR, before).await;
    stage.discord.set_roles(JONAS, &[]);
    let after = stage.ask(JONAS, HARBOR, "[[say:Aye aye.]]");
    let last = stage.ask(MARA, HARBOR, "[[say:I am here.]]");
    stage.answer(HARBOR, last).await;
    assert_eq!(stage.cli_prompts(), ["[[say:Aye.]]", "[[say:I am here.]]"]);
    assert_eq!(stage.discord.reactions(after), []);
    stage.discord.set_roles(JONAS, &[World::BUILDERS]);
    let again = stage.ask(JONAS, HARBOR, "[[say:Back.]]");
    assert!(stage.answer(HARBOR, again).await.contains("Back."));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bare_mention_gets_a_hint() {
    let stage = Stage::new().await;
    let _bot = stage.bot().await;
    let bare = stage.ask(MARA, HARBOR, "  ");
    let hint = stage.answer_shows(HARBOR, bare, "Say what you want").await;
    assert!(hint.chars().count() < 200, "{hint}");
    let message = stage.ask(MARA, HARBOR, "[[say:Now then.]]");
    stage.answer(HARBOR, message).await;
    assert_eq!(stage.cli_prompts(), ["[[say:Now then.]]"]);
    assert_eq!(stage.bot_messages(HARBOR).len(), 2);
    stage.assert_well_behaved();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_projects_own_people_stand_in_the_place_of_all_others() {
    let own = format!("users = [{VERA}]\nroles = [{}]", World::MASTERS);
    let stage = Stage::new().await.with("lighthouse", &own);
    let _bot = stage.bot().await;
    let jonas = stage.ask(JONAS, LIGHTHOUSE, "[[say:no]]");
    for person in [VERA, MARA] {
        let message = stage.ask(person, LIGHTHOUSE, "[[say:Aye.]]");
        stage.said(ChannelId(message.0), "Aye.").await;
    }
    let elsewhere = stage.ask(VERA, HARBOR, "[[say:no]]");
    let last = stage.ask(JONAS, HARBOR, "[[say:I am here.]]");
    stage.answer(HARBOR, last).await;
    assert_eq!(stage.cli_prompts().len(), 3);
    assert_eq!((stage.discord.reactions(jonas), stage.discord.reactions(elsewhere)), (vec![], vec![]));
}
