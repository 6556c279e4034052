//! A gateway that misbehaves (RELIABILITY F41, F45, B1, B6): whatever becomes of connections and sessions, each message is
//! answered once, and logins are never spent faster than Discord's budget allows.

use std::time::Duration;

use switchboard::domain::ids::MessageId;
use switchboard::playground::discord::GatewayFault;

use crate::harness::{HARBOR, Stage, by_turns, eventually};

/// RELIABILITY B1. `GATEWAY_ROUNDS` makes it longer; 40 take about ten minutes.
#[tokio::test(flavor = "multi_thread")]
async fn whatever_becomes_of_the_connection_each_message_is_answered_once() {
    let stage = Stage::new().await.with("limits", "queued_prompts_max = 100");
    stage.discord.faults().heartbeat_interval(Duration::from_secs(5));
    let _bot = stage.bot().await;
    let (mut asked, mut sessions): (Vec<MessageId>, usize) = (Vec::new(), 1);
    let rounds = std::env::var("GATEWAY_ROUNDS").map_or(1, |rounds| rounds.parse().expect("a number"));
    let faults = GatewayFault::ALL.len() * rounds;
    for (round, fault) in GatewayFault::ALL.into_iter().cycle().take(faults).enumerate() {
        let say = |nth: usize, what: &str| {
            stage.ask(by_turns(3 * round + nth), HARBOR, &format!("[[say:Round {round} {what}.]]"))
        };
        asked.push(say(0, "before"));
        let before = stage.discord.identifies_and_resumes();
        stage.discord.faults().strike(fault);
        asked.push(say(1, "during"));
        stage
            .discord
            .wait_for("the bot to be back", |discord| {
                let now = discord.identifies_and_resumes();
                (now != before && discord.connected() == 1).then_some(())
            })
            .await;
        asked.push(say(2, "after"));
        if matches!(fault, GatewayFault::Invalid { resumable: false } | GatewayFault::Zombie) {
            sessions += 1;
        }
    }
    for message in &asked {
        stage.answer(HARBOR, *message).await;
    }
    let prompts = stage.cli_prompts();
    let wanted: Vec<_> = (0..faults)
        .flat_map(|round| ["before", "during", "after"].map(|what| format!("[[say:Round {round} {what}.]]")))
        .collect();
    let texts: Vec<_> = prompts.iter().map(|prompt| prompt.trim().to_owned()).collect();
    assert_eq!(texts, wanted, "each once, and in order");
    let (identifies, _) = stage.discord.identifies_and_resumes();
    // On a busy machine a heartbeat may be late, which here is due each 5 s: that ends a session as well.
    let late = 2 + rounds / 10;
    assert!(identifies <= sessions + late, "{identifies} logins for {sessions} sessions");
    let noted = stage.sql("select kind from identifies order by seq").await;
    // It is noted before it is made, and one that is late may not be made at all.
    assert!((identifies..=sessions + late).contains(&noted.len()), "{identifies} logins, known: {noted:?}");
    stage.assert_well_behaved();
}

/// A session that ends as soon as it is there leaves no open gate behind it.
#[tokio::test(flavor = "multi_thread")]
async fn a_login_that_is_over_at_once_is_known_like_any_other() {
    let stage = Stage::new().await;
    let _bot = stage.bot_unready();
    for logins in 1..=3 {
        eventually("a login", || (stage.discord.identifies_and_resumes().0 == logins).then_some(())).await;
        stage.discord.faults().strike(GatewayFault::Invalid { resumable: false });
    }
    eventually("the last login", || (stage.discord.connected() == 1).then_some(())).await;
    let (identifies, _) = stage.discord.identifies_and_resumes();
    assert_eq!(
        stage.sql("select kind from identifies").await.len(),
        identifies,
        "each is known to the store"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn no_login_touches_the_reserve() {
    let stage = Stage::new().await;
    stage.discord.faults().identifies_left(49);
    let bot = stage.bot_unready();
    stage.logged("nearly used up").await;
    assert_eq!(stage.discord.identifies_and_resumes(), (0, 0));
    assert_eq!(bot.stop().code, Some(0), "it can be stopped meanwhile");
    assert_eq!(stage.discord.identifies_and_resumes(), (0, 0), "also not on the way out");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_that_is_started_again_and_again_waits_with_its_login() {
    let stage = Stage::new().await.with("discord", "starts_per_hour_max = 4");
    for _ in 0..2 {
        stage.bot().await.kill();
    }
    // Four, so that the wait is longer than it may take to see it.
    stage.alter("INSERT INTO identifies (at, kind) SELECT at, kind FROM identifies").await;
    // As a supervisor would, 50 times.
    for _ in 0..10 {
        let bot = stage.bot_unready();
        stage.logged("started too often").await;
        bot.kill();
    }
    assert_eq!(stage.discord.identifies_and_resumes().0, 2);
    stage.assert_well_behaved();
}
