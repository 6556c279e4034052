//! What can be seen of the embedded Discord from outside: for tests, and for the page.

use std::collections::BTreeSet;
use std::sync::LazyLock;
use std::time::Duration;

use bytes::Bytes;
use serde_json::Value;

use super::reactions::TYPING_LASTS;
use super::state::State;
use super::{EmbeddedDiscord, InteractionId, InteractionState};
use crate::clock::{Moment, WallTime};
use crate::domain::ids::{ChannelId, MessageId, RoleId, UserId};

/// How long [`EmbeddedDiscord::wait_for`] waits: a bound for a test that would otherwise hang, not a timing. A machine
/// that is shared may give a test a tenth of its processors for minutes. `PATIENCE_SECS` in the environment is another one.
pub static PATIENCE: LazyLock<Duration> = LazyLock::new(|| {
    let secs = std::env::var("PATIENCE_SECS").ok().and_then(|secs| secs.parse().ok());
    Duration::from_secs(secs.unwrap_or(300))
});

/// One REST request that was answered.
#[derive(Debug, Clone)]
pub struct RequestLog {
    /// When.
    pub at: Moment,
    /// The method.
    pub method: String,
    /// The path below `/api/v10`, or the CDN's.
    pub path: String,
    /// The name of the rate limit's bucket.
    pub bucket: &'static str,
    /// The status of the answer; 0 where the connection was broken instead.
    pub status: u16,
    /// The body, null where there was none.
    pub body: Value,
}

/// A rule of Discord's that the bot broke.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// When.
    pub at: Moment,
    /// The kind of rule: `form`, `empty message`, `interaction`, `emoji`, `token`, `gateway`, `unknown route` …
    pub rule: &'static str,
    /// What exactly.
    pub detail: String,
}

/// Whose attention a message demanded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Pinged {
    /// One person.
    User(UserId),
    /// Everybody with a role.
    Role(RoleId),
    /// Everybody.
    Everyone,
}

/// The state at one moment.
#[derive(Clone, Copy)]
pub struct Snapshot<'a> {
    state: &'a State,
}

impl std::fmt::Debug for Snapshot<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Snapshot").finish_non_exhaustive()
    }
}

impl Snapshot<'_> {
    /// This Discord's time, which is that of [`RequestLog::at`].
    pub fn moment(&self) -> Moment {
        self.state.now()
    }

    /// The messages of a channel that everybody sees, oldest first, as REST shows them.
    pub fn messages(&self, channel: ChannelId) -> Vec<Value> {
        let here =
            self.state.messages.values().filter(|message| message.channel == channel && !message.deleted);
        here.filter(|message| message.only_for.is_none()).map(|message| self.state.message(message)).collect()
    }

    /// A message, also one that only one person sees.
    pub fn message(&self, id: MessageId) -> Option<Value> {
        self.state.live_message(id).map(|message| self.state.message(message))
    }

    /// Every content that a message had, with the time from which it did.
    pub fn history(&self, id: MessageId) -> Vec<(WallTime, String)> {
        self.state.messages.get(&id).map(|message| message.history.clone()).unwrap_or_default()
    }

    /// The reactions to a message.
    pub fn reactions(&self, id: MessageId) -> Vec<(String, Vec<UserId>)> {
        self.state.live_message(id).map(|message| message.reactions.clone()).unwrap_or_default()
    }

    /// What became of an interaction.
    pub fn interaction(&self, id: InteractionId) -> InteractionState {
        self.state.interaction_state(id)
    }

    /// Threads below a channel, archived ones too, as channel objects.
    pub fn threads(&self, parent: ChannelId) -> Vec<Value> {
        let below = self.state.channels.values().filter(|channel| channel.parent == Some(parent));
        below.map(|channel| self.state.channel(channel)).collect()
    }

    /// A channel or thread as an object.
    pub fn channel(&self, id: ChannelId) -> Option<Value> {
        self.state.channels.get(&id).map(|channel| self.state.channel(channel))
    }

    /// The members of a thread.
    pub fn thread_members(&self, id: ChannelId) -> BTreeSet<UserId> {
        let thread = self.state.channels.get(&id).and_then(|channel| channel.thread.as_ref());
        thread.map(|thread| thread.members.clone()).unwrap_or_default()
    }

    /// The registered commands: those of the guild, then global ones.
    pub fn commands(&self) -> Value {
        self.state.guild_commands.iter().chain(&self.state.global_commands).cloned().collect()
    }

    /// How long ago the bot last said that it types in a channel; `None` where it has sent something since.
    pub fn typing_since(&self, channel: ChannelId) -> Option<Duration> {
        let since = self.state.typing.get(&(channel, self.state.world.bot))?;
        Some(self.state.now().since(*since))
    }

    /// Whether people see the bot type.
    pub fn typing_active(&self, channel: ChannelId) -> bool {
        self.typing_since(channel).is_some_and(|since| since < TYPING_LASTS)
    }

    /// How many gateway sessions have a connection.
    pub fn connected(&self) -> usize {
        self.state.sessions.connected()
    }

    /// How often the bot identified, and how often it resumed.
    pub fn identifies_and_resumes(&self) -> (usize, usize) {
        (self.state.sessions.identifies.len(), self.state.sessions.resumes.len())
    }

    /// The bytes of an attachment, by its id or by any address of it.
    pub fn file(&self, id_or_url: &str) -> Option<Bytes> {
        let id = id_or_url.parse().ok().or_else(|| {
            let path = id_or_url.split_once("/attachments/")?.1;
            path.split('/').nth(1)?.parse().ok()
        })?;
        self.state.files.get(&id).map(|file| file.bytes.clone())
    }

    /// All REST requests so far.
    pub fn requests(&self) -> &[RequestLog] {
        &self.state.requests
    }

    /// All rules that were broken so far.
    pub fn violations(&self) -> &[Violation] {
        &self.state.violations
    }

    /// How many requests were answered 401, 403 or 429: 10 000 of them in ten minutes ban an address.
    pub fn invalid_requests(&self) -> usize {
        self.state.requests.iter().filter(|request| matches!(request.status, 401 | 403 | 429)).count()
    }

    /// Who was pinged by which message.
    pub fn pings(&self) -> &[(MessageId, Pinged)] {
        &self.state.pings
    }
}

/// Everything that was said, for a test that fails.
fn dump(state: &State) -> String {
    use std::fmt::Write as _;
    let mut text = String::new();
    for message in state.messages.values() {
        let gone = if message.deleted { " (deleted)" } else { "" };
        let _ = writeln!(
            text,
            "{} in {} by {}{gone}: {:?} {:?} {}",
            message.id, message.channel, message.author, message.content, message.reactions, message.embeds
        );
    }
    for request in state.requests.iter().rev().take(20).rev() {
        let _ = writeln!(text, "{} {} → {}", request.method, request.path, request.status);
    }
    let _ = writeln!(text, "{:?}", state.violations);
    text
}

macro_rules! looks {
    ($($(#[$doc:meta])* fn $name:ident(&self $(, $arg:ident: $kind:ty)*) -> $result:ty $(: $map:ident)?;)*) => {
        impl EmbeddedDiscord {
            $($(#[$doc])*
            pub fn $name(&self $(, $arg: $kind)*) -> $result {
                self.look(|now| now.$name($($arg),*)$(.$map())?)
            })*
        }
    };
}

looks! {
    /// See [`Snapshot::messages`].
    fn messages(&self, channel: ChannelId) -> Vec<Value>;
    /// See [`Snapshot::message`].
    fn message(&self, id: MessageId) -> Option<Value>;
    /// See [`Snapshot::reactions`].
    fn reactions(&self, id: MessageId) -> Vec<(String, Vec<UserId>)>;
    /// See [`Snapshot::interaction`].
    fn interaction(&self, id: InteractionId) -> InteractionState;
    /// See [`Snapshot::threads`].
    fn threads(&self, parent: ChannelId) -> Vec<Value>;
    /// See [`Snapshot::channel`].
    fn channel(&self, id: ChannelId) -> Option<Value>;
    /// See [`Snapshot::thread_members`].
    fn thread_members(&self, id: ChannelId) -> BTreeSet<UserId>;
    /// See [`Snapshot::commands`].
    fn commands(&self) -> Value;
    /// See [`Snapshot::typing_since`].
    fn typing_since(&self, channel: ChannelId) -> Option<Duration>;
    /// See [`Snapshot::typing_active`].
    fn typing_active(&self, channel: ChannelId) -> bool;
    /// See [`Snapshot::connected`].
    fn connected(&self) -> usize;
    /// See [`Snapshot::identifies_and_resumes`].
    fn identifies_and_resumes(&self) -> (usize, usize);
    /// See [`Snapshot::file`].
    fn file(&self, id_or_url: &str) -> Option<Bytes>;
    /// See [`Snapshot::requests`].
    fn requests(&self) -> Vec<RequestLog>: to_vec;
    /// See [`Snapshot::violations`].
    fn violations(&self) -> Vec<Violation>: to_vec;
    /// See [`Snapshot::invalid_requests`].
    fn invalid_requests(&self) -> usize;
    /// See [`Snapshot::pings`].
    fn pings(&self) -> Vec<(MessageId, Pinged)>: to_vec;
}

impl EmbeddedDiscord {
    /// Looks at everything at one moment.
    pub fn look<T>(&self, f: impl FnOnce(Snapshot<'_>) -> T) -> T {
        self.shared.look(|state| f(Snapshot { state }))
    }

    /// Every content that a message had, the first one first.
    pub fn history(&self, message: MessageId) -> Vec<String> {
        self.look(|now| now.history(message)).into_iter().map(|(_, content)| content).collect()
    }

    /// Waits until `f` finds something; it looks again after every change. This is how a test waits: it never sleeps.
    /// After [`PATIENCE`] it panics, and says everything that was said.
    pub async fn wait_for<T>(&self, what: &str, mut f: impl FnMut(&Snapshot<'_>) -> Option<T>) -> T {
        let mut changes = self.shared.changes.subscribe();
        let found = async {
            loop {
                changes.borrow_and_update();
                if let Some(found) = self.look(|now| f(&now)) {
                    return found;
                }
                changes.changed().await.expect("the sender lives in self");
            }
        };
        let Ok(found) = tokio::time::timeout(*PATIENCE, found).await else {
            panic!("waited in vain for {what}\n{}", self.shared.look(dump));
        };
        found
    }
}
