//! B2: a long absence. In many channels and threads people say something, change it or take it back; bots and strangers talk
//! as well.

use std::collections::BTreeSet;
use std::time::Duration;

use switchboard::playground::discord::World;

use super::gather::{assert_kept, death, gather, settle};
use super::record::Deleted;
use super::talk::town;
use super::{Dice, number, tell};
use crate::harness::VERA;

const AWAY: Duration = Duration::from_mins(10);

#[tokio::test(flavor = "multi_thread")]
async fn what_is_said_in_a_long_absence_is_answered_once_and_in_order() {
    let (channels, messages) = (number("ABSENCE_CHANNELS", 12), number("ABSENCE_MESSAGES", 75));
    let seed = number("HISTORY_SEED", 7);
    let (stage, mut talk) = town(channels, Dice(seed)).await;
    let limits = "queued_prompts_max = 1000\ncatch_up_prompts_max = 10000\nrunning_turns_max = 8";
    let stage = stage.with("limits", limits);
    // A channel that was never seen has nothing to make up for.
    let bot = stage.bot().await;
    talk.everywhere(&stage);
    settle(&stage, &talk).await;
    let before = talk.said.len();
    bot.kill();
    let deaths = vec![death(&stage, "the absence").await];
    for _ in 0..messages {
        talk.while_away(&stage);
    }
    stage.discord.advance(AWAY);
    let bot = stage.bot().await;
    let settled = settle(&stage, &talk).await;
    let history = gather(&stage, &talk, deaths, BTreeSet::new()).await;
    let missed = &talk.said[before..];
    let of = |deleted| missed.iter().filter(|said| said.deleted == deleted).count();
    tell(&format!(
        "seed {seed}: {} messages in {channels} channels while nobody was there, {} of them for the bot, {} changed, {} taken \
         back; settled {settled:.1?} after the start",
        missed.len(),
        missed.iter().filter(|said| said.eligible && said.deleted == Deleted::No).count(),
        missed.iter().filter(|said| !said.outdated.is_empty()).count(),
        of(Deleted::Unseen),
    ));
    assert_kept("a long absence", &history);
    let of_strangers = format!("SELECT id FROM prompts WHERE author IN ({VERA}, {})", World::FERRY);
    assert!(stage.sql(&of_strangers).await.is_empty(), "nothing of strangers is stored");
    assert_eq!(bot.stop().code, Some(0));
}
