//! Why messages to the bot became no prompts. Noted beside the way that messages take: a note that finds no room is lost,
//! and delays nothing.

use tokio::sync::mpsc;

use super::access::Verdict;
use crate::chain::Chain;
use crate::domain::tier::Tier;
use crate::store::{Ignored, Store};

/// So many notes wait to be written.
const WAITING_MAX: usize = 1024;
/// So many are written at once.
const AT_ONCE_MAX: usize = 256;

/// Takes notes. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Notes {
    sender: mpsc::Sender<Ignored>,
}

impl Notes {
    /// The notes, and the end where they are written.
    pub fn new() -> (Self, mpsc::Receiver<Ignored>) {
        let (sender, receiver) = mpsc::channel(WAITING_MAX);
        (Self { sender }, receiver)
    }

    /// Notes that a message became no prompt.
    pub fn note(&self, ignored: Ignored) {
        if self.sender.try_send(ignored).is_err() {
            tracing::debug!("a note about an ignored message is lost: too many at once");
        }
    }
}

/// Writes notes until there is nobody who takes any.
pub async fn write(store: Store, mut notes: mpsc::Receiver<Ignored>) {
    let mut batch = Vec::new();
    while notes.recv_many(&mut batch, AT_ONCE_MAX).await > 0 {
        if let Err(error) = store.note_ignored(&batch).await {
            tracing::warn!(error = %Chain(&error), "why messages were ignored could not be noted");
        }
        batch.clear();
    }
}

/// A bot, a webhook.
pub const NOT_A_PERSON: &str = "not_a_person";
/// A notice of Discord's.
pub const NOT_ORDINARY: &str = "not_ordinary";
/// A place that belongs to no project.
pub const NO_PROJECT: &str = "no_project";
/// Nothing but the mention.
pub const EMPTY: &str = "empty";

/// The word for a verdict.
pub fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Blocked => "blocked",
        Verdict::NeedsTier(_) => "observer",
        Verdict::Allowed
        | Verdict::NotAmongPeople
        | Verdict::NeedsManageMessages
        | Verdict::NotAsker
        | Verdict::NeedsApprovalRole
        | Verdict::NeedsSecondPerson
        | Verdict::NeedsItsOwnCard
        | Verdict::GuestsAnswerNothing => "not_among_people",
    }
}

/// What a person reads for a word.
pub fn sentence(word: &str) -> String {
    match word {
        NOT_A_PERSON => "A bot or a webhook wrote it, and I listen to people only.".to_owned(),
        NOT_ORDINARY => "It is a notice of Discord's, not a message of somebody's.".to_owned(),
        NO_PROJECT => {
            "No project belongs to the channel in which it stands. `/help` lists the channels where I answer.".to_owned()
        }
        EMPTY => "There was nothing in it but the mention of me. Say what you want in the same message.".to_owned(),
        "observer" => format!(
            "Its author may only look here: prompting takes the tier {}. Ask whoever runs the bot.",
            Tier::Member
        ),
        // Who is blocked is not told so by me.
        _ => "Its author is not among the people of this project. Ask whoever runs the bot to add them or a role of theirs."
            .to_owned(),
    }
}
