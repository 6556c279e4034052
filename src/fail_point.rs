//! Named places between two durable steps, at which a test lets the daemon die.
//!
//! `FAIL_AT=<point>:<n>[:<pause ms>]` ends the process, as `kill -9` would, when it passes the point for the
//! n-th time. Before that it may pause, so that whatever else was under way gets far: an acknowledgement that must not
//! go out before a commit would go out then.
//!
//! Only builds with debug assertions (what `cargo test` runs) or with the feature `fail-points` (the same for a release
//! binary, to measure it) have any of this. In every other build [`pass`] is empty, and the variable means nothing.
//!
//! A new point is a variant here, a line in [`Point::ALL`], and a call of [`pass`]; the tests `history::deaths`
//! in `tests/it` then want to know what makes a daemon pass it, and die at it.

/// Where a test may let the daemon die. The word is the name in `FAIL_AT`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Point {
    /// A prompt is written, its watermark not yet, and nothing is committed.
    Accepting,
    /// They are committed; nobody was told.
    Accepted,
    /// The reaction is asked for; the conversation does not know of the prompt.
    Acknowledged,
    /// The conversation has the prompt.
    Submitted,
    /// A prompt of an absence that is held is written, its watermark not yet, and nothing is committed.
    Holding,
    /// They are committed; nobody was told.
    Held,
    /// A prompt that is not taken is written, its watermark not yet, and nothing is committed.
    Refusing,
    /// They are committed; its author was not told why.
    Refused,
    /// What was held is put into the queue, and that is not committed.
    HeldQueueing,
    /// It is committed; no conversation knows.
    HeldQueued,
    /// What was held is let go; its notice does not say so.
    HeldIgnored,
    /// Prompts wait to be one turn by their rows; nothing was said of that turn.
    Joined,
    /// The row of a process is there, that of its turn is not.
    ProcessRow,
    /// The row of the turn is there, and its process not started, or not told.
    TurnRow,
    /// The shim runs; nobody has waited for it to be ready.
    ShimSpawned,
    /// The shim is ready; nothing was written to it.
    ShimReady,
    /// The prompt's line is about to be written.
    LineDue,
    /// It was handed to the way to the shim.
    LineHanded,
    /// A prompt that waits is taken back or refused in its row, and not in the conversation; and nobody sees it.
    Withdrawn,
    /// It says something else in its row, and not in the conversation.
    PromptEdited,
    /// Something else is to become of it by its row, and not in the conversation.
    Wished,
    /// A process is about to be told of a prompt while a turn runs.
    SteerDue,
    /// The row says so; nothing was written.
    SteerRow,
    /// It was handed to the way to the shim.
    SteerHanded,
    /// The running turn heard a prompt, and its row does not say so.
    Hearing,
    /// The row says so.
    Heard,
    /// A prompt that was told and not heard waits again.
    Unsteered,
    /// A turn that may have changed something is about to be noted as such.
    SideEffectsDue,
    /// It is noted.
    SideEffectsNoted,
    /// A question has its row; it is not shown.
    AskRow,
    /// The answer to a question is stored; the CLI does not have it.
    AskSettled,
    /// It was handed to the way to the shim; nobody sees it.
    AskAnswered,
    /// A turn ended, and its end is not stored.
    TurnEnding,
    /// The end is stored, and not shown.
    TurnEnded,
    /// A process is over, and its row does not say so.
    ProcessEnding,
    /// Its row says so.
    ProcessEnded,
    /// A slot has its row; nothing was sent.
    SlotRow,
    /// Discord has the message; the row does not know.
    Posted,
    /// The row knows the message.
    SlotSent,
    /// Discord refused a create, and has nothing of it; the row says that it may.
    CreateRefused,
    /// What became of a create was looked up; the row does not know.
    LookedUp,
    /// A slot is given up; its row does not say so.
    SlotRefused,
    /// The slot of a question has its row; nothing was sent.
    CardRow,
    /// Discord has the question; the row does not know.
    CardPosted,
    /// The row knows that somebody deleted the message; it has no successor.
    SlotGone,
    /// The successor of a message has its row; nothing was sent.
    SuccessorRow,
    /// Discord has the successor; the row does not know.
    SuccessorPosted,
    /// Discord removed a message that has a successor, or is not needed; its row does not know.
    Replaced,
    /// Discord has the change of a message; the row does not know.
    Edited,
    /// Everything of a turn is posted, and it is not noted as delivered.
    Delivering,
    /// It is noted.
    Delivered,
    /// An earlier daemon's process is attached to; nothing of it was read.
    Attached,
    /// What a process left is removed; its row does not say so.
    Forgotten,
    /// The CLI does not have the session any more; its row says that it has.
    SessionLost,
    /// That the login is gone has its row; whoever runs the bot was not told.
    LoginGone,
    /// A plan was approved; that the conversation is to plan no more is not stored.
    PlanLeft,
}

impl Point {
    /// Every point.
    pub const ALL: [Point; 56] = [
        Point::Accepting,
        Point::Accepted,
        Point::Acknowledged,
        Point::Submitted,
        Point::Holding,
        Point::Held,
        Point::Refusing,
        Point::Refused,
        Point::HeldQueueing,
        Point::HeldQueued,
        Point::HeldIgnored,
        Point::Joined,
        Point::ProcessRow,
        Point::TurnRow,
        Point::ShimSpawned,
        Point::ShimReady,
        Point::LineDue,
        Point::LineHanded,
        Point::SideEffectsDue,
        Point::SideEffectsNoted,
        Point::AskRow,
        Point::AskSettled,
        Point::AskAnswered,
        Point::TurnEnding,
        Point::TurnEnded,
        Point::ProcessEnding,
        Point::ProcessEnded,
        Point::SlotRow,
        Point::Posted,
        Point::SlotSent,
        Point::CreateRefused,
        Point::LookedUp,
        Point::SlotRefused,
        Point::CardRow,
        Point::CardPosted,
        Point::SlotGone,
        Point::SuccessorRow,
        Point::SuccessorPosted,
        Point::Replaced,
        Point::Edited,
        Point::Delivering,
        Point::Delivered,
        Point::Attached,
        Point::Forgotten,
        Point::SessionLost,
        Point::LoginGone,
        Point::PlanLeft,
        Point::Withdrawn,
        Point::PromptEdited,
        Point::Wished,
        Point::SteerDue,
        Point::SteerRow,
        Point::SteerHanded,
        Point::Hearing,
        Point::Heard,
        Point::Unsteered,
    ];
}

/// Whether this build has fail points.
pub const BUILT_IN: bool = cfg!(any(debug_assertions, feature = "fail-points"));

/// Passes a point, unless the process is to die there.
#[cfg(any(debug_assertions, feature = "fail-points"))]
pub async fn pass(point: Point) {
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU32, Ordering};

    static WANTED: OnceLock<Option<Wanted>> = OnceLock::new();
    static PASSED: AtomicU32 = AtomicU32::new(0);

    let wanted = WANTED.get_or_init(|| Wanted::parse(&std::env::var("FAIL_AT").ok()?));
    let Some(wanted) = wanted else { return };
    if wanted.point != format!("{point:?}") || PASSED.fetch_add(1, Ordering::SeqCst) + 1 != wanted.time {
        return;
    }
    // Not the thread: what else this daemon does goes on meanwhile.
    tokio::time::sleep(wanted.pause).await;
    std::process::abort();
}

/// Passes a point: this build has none.
#[cfg(not(any(debug_assertions, feature = "fail-points")))]
#[expect(clippy::unused_async, reason = "its callers await it in every build")]
pub async fn pass(_: Point) {}

/// What `FAIL_AT` says.
#[cfg(any(debug_assertions, feature = "fail-points"))]
struct Wanted {
    point: String,
    /// From 1.
    time: u32,
    pause: std::time::Duration,
}

#[cfg(any(debug_assertions, feature = "fail-points"))]
impl Wanted {
    /// What cannot be read is no wish: the test that wrote it waits in vain, and fails.
    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split(':');
        let (point, time) = (parts.next()?.to_owned(), parts.next()?.parse().ok()?);
        let pause_ms = parts.next().unwrap_or("0").parse().ok()?;
        Some(Self { point, time, pause: std::time::Duration::from_millis(pause_ms) })
    }
}
