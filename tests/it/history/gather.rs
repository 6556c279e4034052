//! From a stage and its people to a [`History`]. Everything is looked at from outside.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use serde_json::Value;
use switchboard::domain::ids::{ChannelId, MessageId};
use switchboard::playground::discord::{RequestLog, Snapshot};

use super::contract::{GO_ON, Violation, check};
use super::record::{Call, Death, Deleted, Given, History, Said, Shown, Stored, Told};
use super::talk::Talk;
use super::{number, tell};
use crate::harness::{BOT, Bot, Stage, arguments, pids};

/// So many violations are told beside the test's own words.
const TOLD_MAX: usize = 5;

/// All that waits in the database, in words.
const UNSETTLED: &str = "
    SELECT 'prompt ' || id || ' is queued' FROM prompts WHERE state = 'queued'
    UNION ALL SELECT 'prompt ' || id || ' is held, and nobody decided on it' FROM prompts WHERE held_in IS NOT NULL
    UNION ALL SELECT 'prompt ' || id || ' has no turn' FROM prompts
        WHERE state = 'taken' AND NOT EXISTS (SELECT 1 FROM turns WHERE prompt = prompts.id OR id = prompts.turn)
    UNION ALL SELECT 'turn ' || id || ' has no end' FROM turns WHERE state <> 'ended'
    UNION ALL SELECT 'the end of turn ' || id || ' is not delivered' FROM turns WHERE delivered_at IS NULL
    UNION ALL SELECT 'slot ' || slot || ' of ' || turn || ' is not known to be sent' FROM slots WHERE state = 'sending'
    UNION ALL SELECT 'ask ' || id || ' waits' FROM asks WHERE state = 'open'
    UNION ALL SELECT 'process ' || id || ' is not known to be over' FROM processes WHERE ended_at IS NULL";

/// Waits until all is said and done, or nothing moves any more: then the history says what is missing. Gives how long
/// that took.
pub async fn settle(stage: &Stage, talk: &Talk) -> Duration {
    let begun = Instant::now();
    let patience = Duration::from_secs(number("HISTORY_PATIENCE_SECS", 300));
    let (mut last, mut moved) = (String::new(), Instant::now());
    loop {
        let open = open(stage, talk).await;
        let now = format!("{open:?}");
        if open.is_empty() {
            return begun.elapsed();
        }
        if now != last {
            (last, moved) = (now, Instant::now());
        }
        if moved.elapsed() > patience {
            tell(&format!("nothing moved for {patience:?}: {open:?}"));
            return begun.elapsed();
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// What is not done yet.
async fn open(stage: &Stage, talk: &Talk) -> Vec<String> {
    // What is stored after this is unsettled below.
    let stored = stored_messages(stage).await;
    let mut open = stage.sql(UNSETTLED).await;
    let wanted =
        talk.said.iter().filter(|said| (said.eligible || said.let_go) && said.deleted == Deleted::No);
    let missing = wanted.filter(|said| !stored.contains(&said.id));
    open.extend(missing.map(|said| format!("{} is not stored", said.id)));
    let reactions = stage.discord.look(|discord| reactions(discord, talk));
    let unfinished = reactions.iter().filter(|(_, emoji)| ["👀", "⚙️"].contains(&emoji.as_str()));
    open.extend(unfinished.map(|(id, emoji)| format!("{id} has {emoji}")));
    open.extend(left(stage));
    let refused = stage.sql("SELECT substr(origin_key, 9) FROM prompts WHERE refusal IS NOT NULL").await;
    let told = |said: &Said| shown(stage, said.channel).iter().any(|shown| shown.answers == Some(said.id));
    let untold = talk.said.iter().filter(|said| refused.contains(&said.id.to_string()) && !told(said));
    open.extend(untold.map(|said| format!("{} was refused, and nobody was told", said.id)));
    if open.is_empty() {
        open.extend(stage.discord.look(|discord| clickable(discord, talk)));
    }
    open
}

/// What has something to click still: what was held after an absence, where a daemon died when somebody decided on it,
/// waits for the next click; and a note that somebody waits goes when it does.
fn clickable(discord: Snapshot<'_>, talk: &Talk) -> Vec<String> {
    let channels: BTreeSet<u64> =
        talk.said.iter().flat_map(|said| [said.channel, said.answered_in]).collect();
    let messages = channels.into_iter().flat_map(|channel| discord.messages(ChannelId(channel)));
    let live = messages.filter(|message| labels(message).iter().any(|label| label != GO_ON));
    live.map(|message| format!("message {} has buttons", message["id"])).collect()
}

/// The power goes: at once, and with what the daemon was about to acknowledge.
pub fn cut(stage: &Stage, bot: Bot) {
    bot.kill();
    stage.discord.excuse_interactions();
}

/// What was known when the daemon died: to be called before the next one starts.
pub async fn death(stage: &Stage, at: &str) -> Death {
    stage.discord.excuse_interactions();
    let acknowledged = stage.discord.look(acknowledged);
    let stored = stored_messages(stage).await;
    Death { at: at.to_owned(), acknowledged, stored }
}

/// Everything, at the end.
pub async fn gather(stage: &Stage, talk: &Talk, deaths: Vec<Death>, killed: BTreeSet<i64>) -> History {
    let said = talk.said.clone();
    let stored = stored(stage).await;
    let channels: BTreeSet<u64> = said.iter().flat_map(|said| [said.channel, said.answered_in]).collect();
    let shown = channels.into_iter().flat_map(|channel| shown(stage, channel)).collect();
    let given = stage.cli_log("prompt");
    let text = |line: &Value, field: &str| line[field].as_str().unwrap_or_default().to_owned();
    let given = given.iter().map(|line| Given {
        pid: line["pid"].as_i64().unwrap_or_default(),
        session: text(line, "session"),
        uuid: text(line, "uuid"),
        text: text(line, "text"),
    });
    let told = stage.cli_log("told");
    let told = told.iter().map(|line| Told {
        pid: line["pid"].as_i64().unwrap_or_default(),
        question: text(line, "question"),
        wanted: line["wanted"].to_string(),
        allowed: line["allowed"] == true,
    });
    let effects = std::fs::read_dir(&talk.effects).expect("the stage is there").flatten().map(|entry| {
        let text = std::fs::read_to_string(entry.path()).unwrap_or_default();
        let count = u32::try_from(text.lines().count()).expect("a few lines");
        (entry.file_name().to_string_lossy().into_owned(), count)
    });
    let shared = std::fs::read_to_string(stage.dir().join("home/.fake-claude/TWO_LIVE_PROCESSES"));
    History {
        shown,
        reactions: stage.discord.look(|discord| reactions(discord, talk)),
        deaths,
        threads: stage.discord.look(|discord| threads(discord, &said)),
        calls: stage.discord.look(calls),
        given: given.collect(),
        told: told.collect(),
        clicked: talk.clicked(),
        killed,
        effects: effects.collect(),
        shared_sessions: shared.unwrap_or_default().lines().map(str::to_owned).collect(),
        stored,
        left: left(stage),
        misbehaved: misbehaved(stage),
        said,
    }
}

/// Checks what was gathered; fails with every violation and where the evidence was.
pub fn assert_kept(what: &str, history: &History) {
    let violations = check(history);
    if violations.is_empty() {
        return;
    }
    let listed: Vec<_> = violations.iter().map(Violation::to_string).collect();
    let evidence = std::env::temp_dir().join(format!("history-{}.txt", std::process::id()));
    std::fs::write(&evidence, format!("{history:#?}")).expect("the evidence can be written");
    // Of a long output one reads these lines first.
    listed.iter().take(TOLD_MAX).for_each(|violation| tell(&format!("{what}: {violation}")));
    panic!(
        "{what}: {} violations of the contract; the whole history is in {}\n{}",
        listed.len(),
        evidence.display(),
        listed.join("\n")
    );
}

async fn stored(stage: &Stage) -> Stored {
    let message = |row: &str| row.split(' ').next().and_then(|id| id.parse::<u64>().ok()).unwrap_or_default();
    let refused = stage.sql("SELECT substr(origin_key, 9) FROM prompts WHERE state = 'refused'").await;
    let outcomes = stage
        .sql("SELECT substr(origin_key, 9) || ' ' || coalesce(outcome || coalesce(': ' || reason, ''), 'running')
              FROM prompts JOIN turns
                ON turns.prompt = prompts.id OR turns.id = prompts.turn AND prompts.state = 'taken'")
        .await;
    let outcomes: BTreeMap<_, _> = outcomes
        .iter()
        .map(|row| (message(row), row.split_once(' ').unwrap_or_default().1.to_owned()))
        .collect();
    Stored {
        integrity: stage.sql("PRAGMA integrity_check").await,
        refused: refused.iter().map(|row| message(row)).collect(),
        outcomes,
        unsettled: stage.sql(UNSETTLED).await,
    }
}

async fn stored_messages(stage: &Stage) -> BTreeSet<u64> {
    let rows = stage.sql("SELECT substr(origin_key, 9) FROM prompts WHERE origin_key LIKE 'message:%'").await;
    rows.iter().filter_map(|row| row.parse().ok()).collect()
}

fn shown(stage: &Stage, channel: u64) -> Vec<Shown> {
    let by_bot = |message: &Value| message["author"]["id"] == BOT.to_string();
    let id = |value: &Value| value.as_str().and_then(|id| id.parse::<u64>().ok());
    let messages = stage.discord.messages(ChannelId(channel));
    let shown = messages.iter().filter(|message| by_bot(message)).map(|message| Shown {
        id: id(&message["id"]).unwrap_or_default(),
        channel,
        answers: id(&message["message_reference"]["message_id"]),
        text: message["content"].as_str().unwrap_or_default().to_owned(),
        buttons: labels(message),
        nonce: message["nonce"].as_str().map(str::to_owned),
    });
    shown.collect()
}

/// What stands on the buttons below a message.
fn labels(message: &Value) -> Vec<String> {
    let rows = message["components"].as_array().into_iter().flatten();
    let items = rows.flat_map(|row| row["components"].as_array().into_iter().flatten());
    items.map(|item| item["label"].as_str().unwrap_or("a menu").to_owned()).collect()
}

fn threads(discord: Snapshot<'_>, said: &[Said]) -> BTreeSet<u64> {
    let opened = |id: &u64| discord.channel(ChannelId(*id)).is_some();
    said.iter().map(|said| said.id).filter(opened).collect()
}

/// The requests that post and look, as far as Discord carried them out.
fn calls(discord: Snapshot<'_>) -> Vec<Call> {
    let call = |request: &RequestLog| {
        let channel = request.path.strip_prefix("/channels/")?.strip_suffix("/messages")?.parse().ok()?;
        let body = &request.body;
        match request.method.as_str() {
            "GET" if request.status == 200 => Some(Call::Look { channel }),
            // 0: carried out perhaps, and not heard of.
            "POST" if [0, 200].contains(&request.status) => Some(Call::Post {
                at_ms: u64::try_from(request.at.0.as_millis()).expect("not that long"),
                channel,
                nonce: body["nonce"].as_str().filter(|_| body["enforce_nonce"] == true).map(str::to_owned),
            }),
            _ => None,
        }
    };
    discord.requests().iter().filter_map(call).collect()
}

fn reactions(discord: Snapshot<'_>, talk: &Talk) -> Vec<(u64, String)> {
    let of = |id: u64| discord.reactions(MessageId(id)).into_iter().map(move |reaction| (id, reaction));
    let all = talk.said.iter().flat_map(|said| of(said.id));
    all.filter(|(_, (_, users))| users.contains(&BOT)).map(|(id, (emoji, _))| (id, emoji)).collect()
}

/// The messages that the bot ever reacted or replied to.
fn acknowledged(discord: Snapshot<'_>) -> BTreeSet<u64> {
    let applied = discord.requests().iter().filter(|request| (200..300).contains(&request.status));
    let message = |request: &RequestLog| {
        if request.method == "PUT" && request.path.contains("/reactions/") {
            return request.path.split('/').nth(4)?.parse().ok();
        }
        request.body["message_reference"]["message_id"].as_str()?.parse().ok()
    };
    applied.filter_map(message).collect()
}

/// Processes that belong to this stage: they were started with its paths in their environment or arguments. The daemon
/// itself is none.
fn left(stage: &Stage) -> Vec<String> {
    let (dir, config) =
        (stage.dir().display().to_string(), stage.dir().join("config.toml").display().to_string());
    let ours = |pid: i32| {
        let words: Vec<_> =
            arguments(pid).iter().map(|word| String::from_utf8_lossy(word).into_owned()).collect();
        if words.is_empty() || words.contains(&config) {
            return None;
        }
        let env = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        let env = String::from_utf8_lossy(&env).into_owned();
        let own = env.contains(&dir) || words.iter().any(|word| word.contains(&dir));
        own.then(|| format!("process {pid} is left: {words:?}"))
    };
    pids().into_iter().filter_map(ours).collect()
}

fn misbehaved(stage: &Stage) -> Vec<String> {
    let pings = stage.pinged_unasked().into_iter();
    let pings = pings.map(|(message, whom)| format!("message {message} pinged {whom:?}"));
    let rules =
        stage.discord.violations().into_iter().map(|broken| format!("{}: {}", broken.rule, broken.detail));
    pings.chain(rules).collect()
}
