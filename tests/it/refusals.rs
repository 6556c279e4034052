//! Discord bans an address that sends too many requests that it refuses (RELIABILITY F52, §3): long before, the daemon
//! stops asking, says so, and goes on by itself.

use serde_json::json;
use switchboard::domain::ids::ChannelId;
use switchboard::playground::discord::{Fault, Snapshot, World, permissions};

use crate::harness::{BOT, HARBOR, JONAS, LIGHTHOUSE, MARA, Stage, by_turns, eventually};

/// So many may be refused before what can wait waits; one may be under way in each channel, and for each reaction.
const PATIENT_MAX: usize = 240;
const UNDER_WAY_MAX: usize = 20;
/// So many in all.
const INVALID_MAX: usize = 300;

fn refused(discord: Snapshot<'_>) -> usize {
    discord.requests().iter().filter(|request| matches!(request.status, 401 | 403 | 429)).count()
}

fn logged(stage: &Stage, text: &str) -> bool {
    stage.log_lines().iter().any(|line| line.to_string().contains(text))
}

fn forbidden() -> Fault {
    Fault::Status(403, json!({ "message": "Missing Permissions", "code": 50013 }))
}

/// The times at which requests were refused that the store knows of.
async fn known(stage: &Stage) -> Vec<i64> {
    let rows = stage.sql("select value from settings where key = 'discord.invalid_requests'").await;
    rows.first().map(|json| serde_json::from_str(json).expect("a list of times")).unwrap_or_default()
}

/// As if so many had been refused just now, or as if ten minutes had gone by.
async fn set_known(stage: &Stage, times: &[i64]) {
    let json = serde_json::to_string(times).expect("numbers");
    let statement = format!("insert or replace into settings values ('discord.invalid_requests', '{json}')");
    stage.alter(&statement).await;
}

fn now_ms() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970");
    i64::try_from(since.as_millis()).expect("before the year 292 million")
}

/// Whatever the daemon asks: messages, reactions, threads, files of catch-up, and answers to commands.
#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_that_is_refused_again_and_again_stops_asking_says_so_and_goes_on() {
    let stage = Stage::new().await.with("limits", "queued_prompts_max = 1000");
    stage.discord.faults().limits_lifted(true);
    let bot = stage.bot().await;
    let first = stage.ask(MARA, HARBOR, "[[say:First.]]");
    stage.answer(HARBOR, first).await;
    assert_eq!(bot.stop().code, Some(0));
    // An earlier daemon was refused already: that counts.
    let earlier = PATIENT_MAX - 30;
    set_known(&stage, &vec![now_ms(); earlier]).await;
    let bot = stage.bot().await;
    stage.discord.faults().rate("* /channels/**", 1_000_000, 1, forbidden());
    // Refused: the reactions to these messages, their threads, and what is to be said in them.
    for number in 0..40 {
        let channel = if number % 2 == 0 { HARBOR } else { LIGHTHOUSE };
        stage.ask(by_turns(number / 2), channel, &format!("[[say:Number {number}.]]"));
    }
    stage.logged("what can wait waits").await;
    let asked = stage.discord.look(refused) + earlier;
    assert!((PATIENT_MAX - 1..PATIENT_MAX + UNDER_WAY_MAX).contains(&asked), "{asked}");
    // People are told, although everything else waits.
    let told = stage.slash_text(MARA, HARBOR, "status").await;
    assert!(told.contains("Discord refused 2") && told.contains("nothing is lost"), "{told}");
    bot.kill();
    assert!(known(&stage).await.len() >= PATIENT_MAX - 1, "a killed daemon has remembered it");

    // The next one knows, and asks nothing either: not even to be connected.
    let before = stage.discord.look(|discord| discord.requests().len());
    let bot = stage.bot_unready();
    let waits = |stage: &Stage| {
        let lines = stage.log_lines();
        lines.iter().filter(|line| line.to_string().contains("what can wait waits")).count() >= 2
    };
    eventually("the next daemon to wait", || waits(&stage).then_some(())).await;
    bot.kill();
    assert_eq!(stage.discord.look(|discord| discord.requests().len()), before);

    // When ten minutes are over, it goes on by itself, and all is answered.
    let old: Vec<i64> = known(&stage).await.iter().map(|at| at - 600_000).collect();
    set_known(&stage, &old).await;
    stage.discord.faults().clear_rest();
    let _bot = stage.bot().await;
    stage.said(HARBOR, "Number 38.").await;
    let told = stage.slash_text(MARA, HARBOR, "status").await;
    assert!(!told.contains("Discord refused"), "{told}");
}

/// Clicks and commands are answered from a reserve, and that ends as well.
#[tokio::test(flavor = "multi_thread")]
async fn answers_to_people_have_a_reserve_that_ends() {
    let stage = Stage::new().await;
    let bot = stage.bot().await;
    let message = stage.ask(MARA, HARBOR, "[[say:I need a file.]][[ask:bash:touch made.txt]]");
    let (card, _) = stage.card(HARBOR).await;
    let ids = stage.button_ids(card);
    stage.click_id(MARA, card, &ids[2]).await;
    stage.answer(HARBOR, message).await;
    assert_eq!(bot.stop().code, Some(0));
    let earlier = PATIENT_MAX - 10;
    set_known(&stage, &vec![now_ms(); earlier]).await;
    let _bot = stage.bot().await;
    stage.discord.faults().rate("POST /interactions/**", 1_000_000, 1, forbidden());
    let callbacks = |discord: Snapshot<'_>| {
        discord
            .requests()
            .iter()
            .filter(|request| request.path.contains("/callback") && request.status == 403)
            .count()
    };
    for _ in 0..100 {
        // One after the other: what is under way is not known to be refused yet.
        let before = stage.discord.look(callbacks);
        stage.discord.slash(MARA, HARBOR, "status", json!([]));
        let over = || logged(&stage, "people get no answers");
        eventually("the command to be refused", || {
            (over() || stage.discord.look(callbacks) > before).then_some(())
        })
        .await;
        if over() {
            break;
        }
    }
    let asked = stage.discord.look(callbacks) + earlier;
    assert!((INVALID_MAX..INVALID_MAX + UNDER_WAY_MAX).contains(&asked), "{asked}");
}

/// A request of catch-up counts as well, and one of a thread to be joined.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_while_reading_counts() {
    let stage = Stage::new().await;
    let bot = stage.bot().await;
    stage.rows("select channel || '' from watermarks", 2).await;
    assert_eq!(bot.stop().code, Some(0));
    let paths = [
        format!("GET /channels/{HARBOR}/messages"),
        format!("GET /channels/{HARBOR}/threads/archived/public"),
        format!("GET /guilds/{}/threads/active", World::GUILD),
    ];
    for path in &paths {
        stage.discord.faults().next_rest(path.as_str(), forbidden());
    }
    let thread = stage.discord.create_thread(MARA, LIGHTHOUSE, "a thread", None);
    let bot = stage.bot().await;
    stage
        .discord
        .faults()
        .next_rest(format!("PUT /channels/{thread}/thread-members/@me").as_str(), forbidden());
    let asked = stage.ask(MARA, thread, "[[say:Here.]]");
    stage.said(thread, "Here.").await;
    assert_eq!(stage.outcome(asked).await, "✅");
    assert_eq!(bot.stop().code, Some(0));
    assert_eq!(known(&stage).await.len(), paths.len() + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_channel_in_which_the_bot_may_not_write_is_said_where_it_can_be() {
    let stage = Stage::new().await.with("access", &format!("owner = {JONAS}"));
    let _bot = stage.bot().await;
    stage.discord.overwrite_permissions(HARBOR, BOT, 0, permissions::SEND_MESSAGES);
    let first = stage.ask(MARA, HARBOR, "[[say:First.]]");
    let second = stage.ask(MARA, HARBOR, "[[say:Second.]]");
    assert_eq!(stage.outcome(first).await, "❌");
    let told = stage.slash_text(MARA, LIGHTHOUSE, "status").await;
    assert!(told.contains(&format!("I may not write in <#{HARBOR}>")), "{told}");
    let direct = stage.discord.direct_channel(JONAS);
    let told = stage.said(direct, &format!("I may not write in <#{HARBOR}>")).await;
    assert!(told.contains("Send Messages"), "{told}");
    stage.discord.overwrite_permissions(HARBOR, BOT, 0, 0);
    for (message, text) in [(first, "First."), (second, "Second.")] {
        stage.said(HARBOR, text).await;
        let done = |discord: &Snapshot<'_>| discord.reactions(message).iter().all(|(emoji, _)| emoji == "✅");
        stage.discord.wait_for("✅ alone", |discord| done(discord).then_some(())).await;
    }
    stage.said(direct, &format!("I can write in <#{HARBOR}> again")).await;
    assert_eq!(stage.bot_messages(direct).len(), 1, "the owner has one notice");
    let told = stage.slash_text(MARA, LIGHTHOUSE, "status").await;
    assert!(!told.contains("may not write"), "{told}");
    stage.assert_well_behaved();
}

/// What was said of an answer that waits is not so any more when the next daemon posts it.
#[tokio::test(flavor = "multi_thread")]
async fn the_next_daemon_says_as_well_that_it_can_write_again() {
    let stage = Stage::new().await.with("access", &format!("owner = {JONAS}"));
    let bot = stage.bot().await;
    let opened = stage.ask(MARA, LIGHTHOUSE, "[[say:A thread.]]");
    let thread = ChannelId(opened.0);
    stage.said(thread, "A thread.").await;
    stage.discord.overwrite_permissions(HARBOR, BOT, 0, permissions::SEND_MESSAGES);
    stage.discord.faults().rate(&*format!("POST /channels/{thread}/messages"), 1_000_000, 1, forbidden());
    for channel in [HARBOR, thread] {
        stage.ask(MARA, channel, "[[say:At last.]]");
    }
    let direct = stage.discord.direct_channel(JONAS);
    stage.said(LIGHTHOUSE, &format!("I may not write in <#{thread}>")).await;
    stage.said(direct, &format!("I may not write in <#{HARBOR}>")).await;
    stage.rows("SELECT 'x' FROM turns WHERE state = 'ended' AND delivered_at IS NULL", 2).await;
    bot.kill();
    stage.discord.faults().clear_rest();
    stage.discord.overwrite_permissions(HARBOR, BOT, 0, 0);
    let _bot = stage.bot().await;
    stage.said(LIGHTHOUSE, &format!("My answer is in <#{thread}> now")).await;
    stage.said(direct, &format!("I can write in <#{HARBOR}> again")).await;
    for (channel, notices) in [(LIGHTHOUSE, 1), (direct, 1)] {
        assert_eq!(stage.bot_messages(channel).len(), notices, "{channel}: the same message");
    }
    stage.assert_well_behaved();
}
