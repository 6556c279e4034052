//! The outbox with a Discord that refuses what it is told to.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::{Notify, oneshot};
use uuid::Uuid;

use super::deliver::DeliverError;
use super::plan::Found;
use super::*;
use crate::render::message::{File, MessageBody};
use crate::store::SlotState;

const HERE: ChannelId = ChannelId(7);
const TURN: TurnId = TurnId(Uuid::from_u128(1));

/// Everything that is posted, and what the next creates come to.
#[derive(Default)]
struct Fake {
    posted: Mutex<Vec<MessageBody>>,
    reactions: Mutex<Vec<String>>,
    refusals: Mutex<VecDeque<DeliverError>>,
    /// The next create waits for ever, with this in its hand.
    hangs: Mutex<Option<oneshot::Sender<()>>>,
    /// So many of the next messages are posted, and nobody hears of it at the first try.
    lost: Mutex<u32>,
    /// By nonce, which of what was posted.
    nonces: Mutex<HashMap<String, MessageId>>,
    deleted: Mutex<Vec<MessageId>>,
    /// Whether nothing may be written.
    closed: Mutex<bool>,
    /// Until then the question for the owner's channel is not answered.
    owner_away: Mutex<Option<Arc<Notify>>>,
    /// So many of the next calls about reactions are not answered.
    deaf: Mutex<u32>,
    /// So often the thread has to be brought back from the archive before it stays.
    archived: Mutex<u32>,
}

#[async_trait]
impl Discord for Fake {
    async fn create(
        &self,
        _: ChannelId,
        body: &MessageBody,
        _: &[String],
        nonce: &str,
    ) -> Result<MessageId, DeliverError> {
        let hangs = lock(&self.hangs).take();
        if let Some(_held) = hangs {
            std::future::pending::<()>().await;
        }
        if let Some(refusal) = lock(&self.refusals).pop_front() {
            return Err(refusal);
        }
        if *lock(&self.closed) {
            return Err(DeliverError::Closed { why: Closed::Permission, said: "forbidden".to_owned() });
        }
        if *lock(&self.archived) > 0 {
            return Err(DeliverError::Archived);
        }
        let earlier = lock(&self.nonces).get(nonce).copied();
        let message = earlier.unwrap_or_else(|| {
            let mut posted = lock(&self.posted);
            posted.push(body.clone());
            MessageId(posted.len() as u64)
        });
        lock(&self.nonces).insert(nonce.to_owned(), message);
        let mut lost = lock(&self.lost);
        if *lost > 0 && earlier.is_none() {
            *lost -= 1;
            return Err(no_connection());
        }
        Ok(message)
    }

    async fn edit(
        &self,
        _: ChannelId,
        message: MessageId,
        body: &MessageBody,
        _: &[String],
    ) -> Result<(), DeliverError> {
        let index = usize::try_from(message.0 - 1).expect("a small number");
        lock(&self.posted)[index] = body.clone();
        Ok(())
    }

    async fn delete(&self, _: ChannelId, message: MessageId) -> Result<(), DeliverError> {
        lock(&self.deleted).push(message);
        Ok(())
    }

    async fn react(&self, _: ChannelId, _: MessageId, emoji: &str) -> Result<(), DeliverError> {
        self.hear_of_reactions()?;
        lock(&self.reactions).push(emoji.to_owned());
        Ok(())
    }

    async fn unreact(&self, _: ChannelId, _: MessageId, emoji: &str) -> Result<(), DeliverError> {
        self.hear_of_reactions()?;
        lock(&self.reactions).retain(|known| known != emoji);
        Ok(())
    }

    async fn typing(&self, _: ChannelId) -> Result<(), DeliverError> {
        Ok(())
    }

    async fn open_thread(&self, _: &Thread) -> Result<(), DeliverError> {
        Ok(())
    }

    async fn own_after(&self, _: ChannelId, _: MessageId) -> Result<Vec<Found>, DeliverError> {
        let posted = (1..=lock(&self.posted).len() as u64).map(MessageId);
        let deleted = lock(&self.deleted).clone();
        let there = posted.filter(|message| !deleted.contains(message));
        Ok(there.map(|message| Found { message, reply_to: None, nonce: None }).collect())
    }

    async fn own_reactions(&self, _: ChannelId, _: MessageId) -> Result<Vec<String>, DeliverError> {
        Ok(lock(&self.reactions).clone())
    }

    async fn unarchive(&self, _: ChannelId) -> Result<(), DeliverError> {
        let mut archived = lock(&self.archived);
        *archived = archived.saturating_sub(1);
        Ok(())
    }

    async fn direct(&self, _: UserId) -> Result<ChannelId, DeliverError> {
        let away = lock(&self.owner_away).take();
        if let Some(away) = away {
            away.notified().await;
        }
        Ok(ChannelId(1))
    }
}

impl Fake {
    fn hear_of_reactions(&self) -> Result<(), DeliverError> {
        let mut deaf = lock(&self.deaf);
        if *deaf > 0 {
            *deaf -= 1;
            return Err(no_connection());
        }
        Ok(())
    }
}

struct Bench {
    discord: Arc<Fake>,
    store: Store,
    outbox: Outbox,
    _dir: tempfile::TempDir,
}

impl Bench {
    async fn new(refusals: Vec<DeliverError>) -> Self {
        Self::of(refusals, None).await
    }

    async fn of(refusals: Vec<DeliverError>, owner: Option<UserId>) -> Self {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let clock = Clock::start();
        let store = Store::open(&dir.path().join("switchboard.db"), clock).await.expect("a new database");
        let discord = Arc::new(Fake { refusals: Mutex::new(refusals.into()), ..Fake::default() });
        let outbox = Outbox::new(
            Arc::clone(&discord) as Arc<dyn Discord>,
            store.clone(),
            clock,
            TaskTracker::new(),
            CancellationToken::new(),
            Taste { activity: true, owner },
            mpsc::channel(1).0,
        );
        Self { discord, store, outbox, _dir: dir }
    }

    /// Shows a last view, and gives what stands in the channel when it is settled.
    async fn ends_with(&self, body: MessageBody) -> Vec<MessageBody> {
        self.show(body);
        self.outbox.settled().await;
        lock(&self.discord.posted).clone()
    }

    fn show(&self, body: MessageBody) {
        let target = Target {
            channel: HERE,
            parent: None,
            thread: None,
            prompt: Some((HERE, MessageId(5))),
            also: Vec::new(),
        };
        let shown = Shown { slots: vec![body], reaction: Reaction::Done, typing: false, ended: true };
        self.outbox.show(TURN, &target, shown);
    }

    fn reactions(&self) -> Vec<String> {
        lock(&self.discord.reactions).clone()
    }
}

fn no_connection() -> DeliverError {
    DeliverError::Retry { error: "no connection".into() }
}

fn not_taken() -> DeliverError {
    DeliverError::Body("50035 Invalid Form Body (HTTP 400)".to_owned())
}

fn with_file() -> MessageBody {
    MessageBody {
        files: vec![File { name: "answer.md".into(), bytes: vec![0] }],
        ..MessageBody::text("The end.")
    }
}

#[tokio::test]
async fn a_file_that_is_not_taken_is_said_beside_the_words() {
    let bench = Bench::new(vec![not_taken()]).await;
    let posted = bench.ends_with(with_file()).await;
    assert!(posted.len() == 1 && posted[0].files.is_empty(), "{posted:?}");
    assert!(posted[0].content.contains("did not take the file") && posted[0].content.ends_with("The end."));
    assert_eq!(bench.reactions(), ["❌"]);
}

#[tokio::test]
async fn a_reaction_that_could_not_be_taken_away_goes_with_the_next_one() {
    let bench = Bench::new(vec![]).await;
    bench.outbox.acknowledge(HERE, MessageId(5));
    bench.outbox.settled().await;
    assert_eq!(bench.reactions(), ["👀"]);
    *lock(&bench.discord.deaf) = 10;
    tokio::time::pause();
    bench.outbox.react(HERE, MessageId(5), Reaction::Working);
    bench.outbox.settled().await;
    assert_eq!(*lock(&bench.discord.deaf), 0, "both were given up");
    tokio::time::resume();
    bench.ends_with(MessageBody::text("The end.")).await;
    assert_eq!(bench.reactions(), ["✅"]);
}

#[tokio::test]
async fn a_day_for_which_a_channel_is_closed_is_the_same_for_all_that_waits() {
    let bench = Bench::new(vec![]).await;
    *lock(&bench.discord.closed) = true;
    for number in 1..=3 {
        let prompt = Some((HERE, MessageId(number)));
        let target = Target { channel: HERE, parent: None, thread: None, prompt, also: Vec::new() };
        let slots = vec![MessageBody::text("The end.")];
        let shown = Shown { slots, reaction: Reaction::Done, typing: false, ended: true };
        bench.outbox.show(TurnId(Uuid::from_u128(u128::from(number))), &target, shown);
    }
    while bench.outbox.closed_channels().is_empty() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    tokio::time::pause();
    let begun = tokio::time::Instant::now();
    // Time goes on while the database works, so in small steps, and what is measured is rough.
    while bench.reactions().len() < 3 && begun.elapsed() < Duration::from_hours(100) {
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    assert!(begun.elapsed() < Duration::from_hours(20), "what cannot be read looks as if it worked");
    let is_over = || lock(&bench.outbox.inner.channels).get(&HERE).is_none_or(|channel| channel.is_empty());
    while !is_over() && begun.elapsed() < Duration::from_hours(100) {
        tokio::time::sleep(Duration::from_secs(2)).await;
    }
    let waited = begun.elapsed();
    assert!((Duration::from_hours(24)..Duration::from_hours(48)).contains(&waited), "{waited:?}");
}

#[tokio::test]
async fn the_owner_is_not_told_of_trouble_that_is_over_by_then() {
    let forbidden = DeliverError::Closed { why: Closed::Permission, said: "forbidden".to_owned() };
    let bench = Bench::of(vec![forbidden], Some(UserId(3))).await;
    let owner = Arc::new(Notify::new());
    *lock(&bench.discord.owner_away) = Some(Arc::clone(&owner));
    bench.show(MessageBody::text("The end."));
    while bench.outbox.closed_channels().is_empty() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    while !bench.outbox.closed_channels().is_empty() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    owner.notify_one();
    // Nothing can be waited for that does not come.
    tokio::time::sleep(Duration::from_millis(200)).await;
    bench.outbox.settled().await;
    assert_eq!(lock(&bench.discord.posted)[..], [MessageBody::text("The end.")]);
}

#[tokio::test]
async fn nothing_waits_for_a_channel_that_is_gone() {
    let locked = DeliverError::Closed { why: Closed::Locked, said: "locked".to_owned() };
    let bench = Bench::new(vec![locked, DeliverError::ChannelGone("unknown".to_owned())]).await;
    bench.show(MessageBody::text("The end."));
    while bench.outbox.closed_channels().is_empty() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    tokio::time::pause();
    let begun = tokio::time::Instant::now();
    while !bench.outbox.closed_channels().is_empty() && begun.elapsed() < Duration::from_hours(1) {
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    assert_eq!(bench.outbox.closed_channels(), []);
}

#[tokio::test]
async fn words_that_are_not_taken_are_said_in_a_sentence() {
    let bench = Bench::new(vec![not_taken(), not_taken()]).await;
    let posted = bench.ends_with(with_file()).await;
    assert!(posted.len() == 1 && posted[0].content.contains("did not take this part"), "{posted:?}");
    assert_eq!(bench.reactions(), ["❌"]);
}

#[tokio::test]
async fn what_is_not_taken_at_all_is_refused_and_ends() {
    let bench = Bench::new(vec![not_taken(), not_taken(), not_taken()]).await;
    assert_eq!(bench.ends_with(with_file()).await, []);
    let slots = bench.store.slots(TURN).await.expect("the database works");
    assert_eq!(slots.iter().map(|slot| slot.state).collect::<Vec<_>>(), [SlotState::Refused]);
    assert_eq!(bench.reactions(), ["❌"]);
}

#[tokio::test]
async fn a_thread_that_is_put_back_into_the_archive_is_brought_back_again_whatever_failed_before() {
    let bench = Bench::new((0..4).map(|_| no_connection()).collect()).await;
    *lock(&bench.discord.archived) = 7;
    bench.show(MessageBody::text("The end."));
    tokio::time::pause();
    let begun = tokio::time::Instant::now();
    while lock(&bench.discord.posted).is_empty() && begun.elapsed() < Duration::from_hours(2) {
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    assert_eq!(lock(&bench.discord.posted)[..], [MessageBody::text("The end.")]);
}

#[tokio::test]
async fn a_notice_that_was_lost_beside_an_answer_is_not_taken_for_it() {
    let bench = Bench::new(vec![]).await;
    let lost = async |left: u32| {
        while *lock(&bench.discord.lost) > left {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    *lock(&bench.discord.lost) = 2;
    bench.show(MessageBody::text("The end."));
    lost(1).await;
    // A notice goes before every turn, but not before it is known what came of a create.
    let (key, target) = (
        TurnId(Uuid::from_u128(2)),
        Target { channel: HERE, parent: None, thread: None, prompt: None, also: Vec::new() },
    );
    let slots = vec![MessageBody::text("Queued.")];
    let shown = Shown { slots, reaction: Reaction::Seen, typing: false, ended: true };
    bench.outbox.say(key, &target, shown);
    lost(0).await;
    bench.outbox.unsay(key, &target);
    bench.outbox.settled().await;
    let posted: Vec<_> = lock(&bench.discord.posted).iter().map(|body| body.content.clone()).collect();
    assert_eq!(posted, ["The end.", "Queued."]);
    assert_eq!(lock(&bench.discord.deleted)[..], [MessageId(2)]);
}

#[tokio::test]
async fn a_turn_that_gives_way_holds_up_nobody_and_what_was_posted_of_it_is_taken_back() {
    let bench = Bench::new(vec![]).await;
    let target = Target { channel: HERE, parent: None, thread: None, prompt: None, also: Vec::new() };
    let turn = |number: u128, text: &str, ended: bool| {
        let shown =
            Shown { slots: vec![MessageBody::text(text)], reaction: Reaction::Working, typing: false, ended };
        bench.outbox.show(TurnId(Uuid::from_u128(number)), &target, shown);
    };
    let there = async |wanted: &[&str]| loop {
        let (posted, deleted) = (lock(&bench.discord.posted).clone(), lock(&bench.discord.deleted).clone());
        let there = (1..).zip(&posted).filter(|(id, _)| !deleted.contains(&MessageId(*id)));
        if there.map(|(_, body)| body.content.as_str()).eq(wanted.iter().copied()) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    };
    turn(1, "Waits for a place.", false);
    there(&["Waits for a place."]).await;
    // Another one begins although this is not over: nobody waits for what waits.
    turn(2, "By itself.", false);
    there(&["Waits for a place.", "By itself."]).await;
    bench.outbox.unsay(TurnId(Uuid::from_u128(1)), &target);
    there(&["By itself."]).await;
    turn(2, "By itself, done.", true);
    there(&["By itself, done."]).await;
    // What was taken back comes after it.
    turn(1, "Its turn.", true);
    there(&["By itself, done.", "Its turn."]).await;
}

#[tokio::test]
async fn workers_end_when_nothing_is_shown_any_more() {
    let bench = Bench::new(vec![]).await;
    assert_eq!(bench.ends_with(MessageBody::text("The end.")).await, [MessageBody::text("The end.")]);
    assert_eq!(bench.reactions(), ["✅"]);
    assert_eq!(lock(&bench.outbox.inner.channels).len(), 1);
    tokio::time::pause();
    // Workers wake up, find nothing, and let go of themselves.
    while !lock(&bench.outbox.inner.channels).is_empty() || bench.outbox.inner.reactions.channels() > 0 {
        tokio::time::sleep(Duration::from_mins(1)).await;
    }
    tokio::time::resume();
    let posted = bench.ends_with(MessageBody::text("Once more.")).await;
    assert_eq!(posted, [MessageBody::text("Once more.")], "a new worker finds the message");
}

#[tokio::test]
async fn a_create_does_not_wait_for_longer_than_its_nonce_counts() {
    let bench = Bench::new(vec![]).await;
    let (held, dropped) = oneshot::channel();
    *lock(&bench.discord.hangs) = Some(held);
    bench.show(MessageBody::text("The end."));
    while lock(&bench.discord.hangs).is_some() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    tokio::time::pause();
    let begun = tokio::time::Instant::now();
    let dropped = tokio::time::timeout(plan::NONCE_KNOWN * 2, dropped).await;
    assert!(matches!(dropped, Ok(Err(_))), "it still waits after {:?}", begun.elapsed());
    assert!(begun.elapsed() <= plan::NONCE_KNOWN, "it waited for {:?}", begun.elapsed());
    tokio::time::resume();
    bench.outbox.settled().await;
    assert_eq!(lock(&bench.discord.posted)[..], [MessageBody::text("The end.")]);
}
