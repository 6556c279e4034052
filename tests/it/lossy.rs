//! One reply although a third of all calls fail, before or after they were applied, at once or never (RELIABILITY B3).

use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use serde_json::{Value, json};
use switchboard::clock::Moment;
use switchboard::domain::ids::ChannelId;
use switchboard::playground::discord::Fault;
use tokio::sync::Notify;

use crate::harness::{HARBOR, LIGHTHOUSE, MARA, Stage};

/// How many of the bot's messages have this text.
fn copies(stage: &Stage, channel: ChannelId, text: &str) -> usize {
    stage.bot_messages(channel).iter().filter(|content| content.contains(text)).count()
}

/// RELIABILITY B3. `SWITCHBOARD_B3_TURNS` raises the number of turns, `SWITCHBOARD_B3_SEED` takes another seed.
#[tokio::test(flavor = "multi_thread")]
async fn when_a_third_of_all_calls_fail_nothing_is_lost_and_nothing_comes_twice() {
    let number = |name: &str| std::env::var(name).ok().and_then(|value| value.parse::<u64>().ok());
    let turns = number("SWITCHBOARD_B3_TURNS").unwrap_or(8);
    let seed = number("SWITCHBOARD_B3_SEED").unwrap_or(7);
    let stage = Stage::new().await.with("limits", "queued_prompts_max = 1000");
    let stage = stage.with("discord", "request_secs_max = 4");
    let _bot = stage.bot().await;
    let limited =
        Fault::RateLimited { retry_after: Duration::from_millis(200), global: false, scope: "user" };
    let status = |status| Fault::Status(status, json!({}));
    // Nobody lets these go: no answer comes, and the bot has to give up by itself.
    let never = Arc::new(Notify::new());
    let hangs = Fault::ApplyThenHold(Arc::clone(&never));
    let lost = vec![Fault::ApplyThenFail, Fault::ApplyThenStatus(502), Fault::ApplyThenStatus(504), hangs];
    let refused = vec![limited, status(500), Fault::Drop, Fault::Hold(never)];
    let faults = lost.into_iter().chain(refused).collect();
    stage.discord.faults().rates("* /channels/**", 300_000, seed, faults);
    // Two conversations at once; each turn has several edits, every third one several messages.
    join_all([HARBOR, LIGHTHOUSE].map(|channel| {
        let stage = &stage;
        async move {
            for turn in 0..turns / 2 {
                let lines = if turn % 3 == 2 { "[[lines:120]]" } else { "[[stream:10,20]]" };
                let text = format!("[[say:Begin {turn}.]] {lines} [[say:End {turn}.]]");
                let message = stage.ask(MARA, channel, &text);
                // Of many calls one fails seven times in a row, and the waits between these are a minute.
                assert_eq!(stage.outcome(message).await, "✅");
                let shown_in = if channel == HARBOR { HARBOR } else { ChannelId(message.0) };
                for part in [format!("Begin {turn}."), format!("End {turn}.")] {
                    assert_eq!(
                        copies(stage, shown_in, &part),
                        1,
                        "{part} {:#?}",
                        stage.bot_messages(shown_in)
                    );
                }
            }
        }
    }))
    .await;
    let requests = stage.discord.requests();
    let failed = requests.iter().filter(|request| request.status >= 400).count();
    assert!(failed > 0, "{failed} of {} calls failed", requests.len());
    // What Discord bans an address for, 10,000 times in ten minutes.
    let invalid = requests.iter().filter(|request| matches!(request.status, 401 | 403 | 429));
    let invalid: Vec<_> = invalid.map(|request| request.at).collect();
    let most = invalid.iter().map(|from| {
        let near = |at: &&Moment| **at >= *from && at.since(*from) < Duration::from_mins(10);
        invalid.iter().filter(near).count()
    });
    let most = most.max().unwrap_or(0);
    assert!(most < 300, "{most} invalid requests in ten minutes");
    // Every message belongs to a slot, so that no later daemon posts it again.
    let threads = stage.discord.threads(LIGHTHOUSE);
    let thread_of = |thread: &Value| thread["id"].as_str().and_then(|id| id.parse().ok()).map(ChannelId);
    let channels = threads.iter().filter_map(thread_of).chain([HARBOR]);
    let posted: usize = channels.map(|channel| stage.bot_messages(channel).len()).sum();
    stage.rows("select 'x' from slots where state = 'sent'", posted).await;
    stage.rows("select 'x' from turns where delivered_at is null", 0).await;
    stage.assert_well_behaved();
    assert_eq!(stage.discord.identifies_and_resumes().0, 1);
}
