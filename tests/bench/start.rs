//! How long the daemon takes until it serves: with an empty store, and with ten thousand conversations in it.

use std::os::unix::net::UnixDatagram;
use std::time::{Duration, Instant};

use crate::Extent;
use crate::figure::Figure;
use crate::harness::Stage;
use crate::measure::Samples;
use crate::scene::{piers, quiet, trouble};

/// Conversations in the store.
const CONVERSATIONS: u32 = 10_000;

/// Discord takes one login in five seconds, and the daemon keeps a little more between two, over restarts.
const LOGIN_EVERY: Duration = Duration::from_secs(6);

/// From the start of the process to READY handled.
pub async fn measure(extent: Extent) -> Vec<Figure> {
    let (stage, _) = piers(10).await;
    let socket = stage.dir().join("notify");
    let stage = stage.with_daemon_env("NOTIFY_SOCKET", socket.display().to_string());
    let heard = UnixDatagram::bind(&socket).expect("a socket in the stage");
    heard.set_read_timeout(Some(Duration::from_mins(1))).expect("a time to wait");
    // The first one makes the database.
    let fresh = started(&stage, &heard);
    let empty: Samples = (0..extent.pick(10, 4)).map(|_| started(&stage, &heard)).collect();
    for statement in many(CONVERSATIONS) {
        stage.alter(&statement).await;
    }
    let full: Samples = (0..extent.pick(10, 4)).map(|_| started(&stage, &heard)).collect();
    quiet().await;
    let mut figures = vec![
        Figure::told(
            "start → READY handled",
            "the gateway's round trips (on loopback: nothing is taken off)",
            format!(
                "{:.0} ms median, {:.0} ms at most; {fresh:.0} ms the first time",
                empty.median(),
                empty.quantile(1.0)
            ),
        )
        .number("median_ms", empty.median())
        .goal("≤ 100 ms", empty.median() <= 100.0),
        Figure::told(
            &format!("start with {CONVERSATIONS} conversations"),
            "the same with none",
            format!("{:.0} ms median, {:.0} ms at most", full.median(), full.quantile(1.0)),
        )
        .number("median_ms", full.median())
        .goal("well under 1 s (≤ 300 ms)", full.median() <= 300.0),
    ];
    figures.extend(trouble(&stage).map(|said| Figure::not_measured("start", &said)));
    figures
}

/// Starts the daemon and ends it; gives the milliseconds until it said that it serves.
fn started(stage: &Stage, heard: &UnixDatagram) -> f64 {
    tokio::task::block_in_place(|| {
        let begun = Instant::now();
        let bot = stage.bot_unready();
        let mut said = [0; 512];
        loop {
            let length = heard.recv(&mut said).expect("the daemon says that it serves");
            if said[..length].starts_with(b"READY=1") {
                break;
            }
        }
        let took = begun.elapsed().as_secs_f64() * 1000.0;
        bot.stop();
        std::thread::sleep(LOGIN_EVERY);
        took
    })
}

/// Statements that put so many conversations into a store, each with a session, a process that is over, and a turn.
fn many(conversations: u32) -> Vec<String> {
    let numbers =
        format!("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {conversations})");
    let id = |kind: &str| format!("printf('{kind}0000000-0000-4000-8000-%012d', i)");
    let (prompt, turn, session, process) = (id("a"), id("b"), id("c"), id("d"));
    let at = "(unixepoch() * 1000 - 60000 * i)";
    vec![
        format!(
            "{numbers} INSERT INTO conversations (id, project, title, created_at, last_active_at)
             SELECT 5000000 + i, 'pier-0', 'a conversation', {at}, {at} FROM n"
        ),
        format!(
            "{numbers} INSERT INTO sessions (id, conversation, dir, state, created_at)
             SELECT {session}, 5000000 + i, '/srv/project', 'started', {at} FROM n"
        ),
        format!("{numbers} UPDATE conversations SET session = {session} FROM n WHERE conversations.id = 5000000 + i"),
        format!(
            "{numbers} INSERT INTO processes (id, conversation, session, fingerprint, started_at, ended_at, exit, forgotten_at)
             SELECT {process}, 5000000 + i, {session}, 'f', {at}, {at}, '{{\"exit\":\"code\",\"code\":0}}', {at} FROM n"
        ),
        format!(
            "{numbers} INSERT INTO prompts (id, origin_key, origin, conversation, author, author_name, text, attachments, state,
             received_at, accepted_at)
             SELECT {prompt}, 'message:' || (5000000 + i), '{{}}', 5000000 + i, 1, 'somebody', 'a question', '[]', 'taken', {at},
             {at} FROM n"
        ),
        format!(
            "{numbers} INSERT INTO turns (id, prompt, conversation, session, process, attempt, from_position, state, outcome,
             started_at, ended_at, delivered_at, duration_ms)
             SELECT {turn}, {prompt}, 5000000 + i, {session}, {process}, 1, 0, 'ended', 'completed', {at}, {at}, {at}, 1000 FROM n"
        ),
        format!(
            "{numbers} INSERT INTO slots (turn, slot, generation, channel, message, nonce, body_hash, state, first_try_at)
             SELECT {turn}, 0, 0, 5000000 + i, 6000000 + i, 'past-' || i, 'h', 'sent', {at} FROM n"
        ),
        format!("{numbers} INSERT INTO watermarks (channel, message) SELECT 5000000 + i, 5000000 + i FROM n"),
    ]
}
