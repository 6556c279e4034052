//! One absence being read: what is asked of Discord for it, and what was learned on the way.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde_json::Value;
use serenity::all::{Context, LightMethod, Message};
use serenity::http::{Request, Route};

use super::caps::Caps;
use super::plan::{Lane, Outcome, PAGE};
use super::{Inner, SharedCaps};
use crate::chain::Chain;
use crate::clock::WallTime;
use crate::discord::intake::{self, Whence};
use crate::discord::rest::{Rest, status};
use crate::discord::{Data, DoorError, arrivals, notice};
use crate::domain::ids::{ChannelId, GuildId, MessageId, RoleId, UserId};

/// Members whose roles are remembered while one absence is read.
const MEMBERS_MAX: usize = 1000;

/// What a guild knows of a person.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Membership {
    /// Their roles. None of a person who left.
    pub roles: Vec<RoleId>,
    /// Their name in the guild, if they have one of their own.
    pub nick: Option<String>,
}

/// One absence being read.
pub struct Reading<'a> {
    ctx: &'a Context,
    pub(super) data: &'a Data,
    inner: &'a Inner,
    session: u64,
    caps: SharedCaps,
    guilds: Mutex<HashMap<ChannelId, GuildId>>,
    members: Mutex<HashMap<(GuildId, UserId), Membership>>,
    count: AtomicUsize,
}

impl<'a> Reading<'a> {
    pub(super) fn new(ctx: &'a Context, data: &'a Data, inner: &'a Inner, session: u64) -> Self {
        let limits = &data.config.limits;
        let caps = Caps::new(Duration::from_secs(limits.catch_up_secs_max), limits.catch_up_prompts_max);
        Self {
            ctx,
            data,
            inner,
            session,
            caps: Mutex::new(caps),
            guilds: Mutex::default(),
            members: Mutex::default(),
            count: AtomicUsize::new(0),
        }
    }

    /// How many messages were read.
    pub(super) fn count(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }

    /// Reads one page of a channel and takes what is in it, oldest first.
    pub(super) async fn page(&self, lane: Lane) -> Outcome {
        let channel = lane.channel;
        // Before it is asked for: what is changed while the answer is on its way is changed after what it says.
        let read = self.data.arrivals.read(channel);
        let page = tokio::select! {
            page = self.messages(lane) => page,
            () = self.inner.progress.ended(self.session) => return Outcome::Failed,
            () = self.inner.stop.cancelled() => return Outcome::Failed,
        };
        let taken = match page {
            Ok(page) => match lane.after {
                Some(_) => self.take(channel, page, &read).await,
                None => self.first_sight(channel, &page).await,
            },
            Err(error) => Err(DoorError::from(error)),
        };
        match taken {
            Ok(outcome) => outcome,
            Err(DoorError::Discord(error)) if is_refusal(&error) => {
                tracing::warn!(%channel, error = %Chain(&*error), "a channel is not there, or not for us to read");
                Outcome::Refused
            }
            Err(error) => {
                tracing::warn!(%channel, error = %Chain(&error), "a channel could not be read, trying again later");
                Outcome::Failed
            }
        }
    }

    /// Nothing is replayed: what is newest is where the next absence begins.
    async fn first_sight(&self, channel: ChannelId, page: &Page) -> Result<Outcome, DoorError> {
        let newest = page.last.unwrap_or(MessageId(channel.0));
        // One that came live since is taken as such, and must not be taken as done before.
        let live = self.inner.progress.first_live(channel).map(|live| MessageId(live.0.saturating_sub(1)));
        let newest = live.map_or(newest, |live| live.min(newest));
        self.data.store.advance_watermark(channel, newest).await?;
        Ok(Outcome::End)
    }

    async fn take(
        &self,
        channel: ChannelId,
        page: Page,
        read: &arrivals::Page,
    ) -> Result<Outcome, DoorError> {
        if let Some(last) = page.last {
            self.data.clock.is_past(last.written_at());
        }
        let noted: Vec<_> =
            page.messages.iter().map(|message| read.note(MessageId(message.id.get()))).collect();
        for (message, taken) in page.messages.iter().zip(noted) {
            if self.inner.progress.session() != self.session || self.inner.stop.is_cancelled() {
                return Ok(Outcome::Failed);
            }
            self.count.fetch_add(1, Ordering::Relaxed);
            match intake::message(self.ctx, self.data, message, Whence::Read(self), &taken).await {
                Ok(()) => {}
                Err(DoorError::Discord(error)) if is_refusal(&error) => {
                    let sentence = notice::of_error(&DoorError::Discord(error));
                    notice::say(self.data, channel, MessageId(message.id.get()), &sentence);
                }
                Err(error) => return Err(error),
            }
        }
        let Some(last) = page.last else { return Ok(Outcome::End) };
        if self.moves(channel) {
            self.data.store.advance_watermark(channel, last).await?;
        }
        Ok(if page.is_full { Outcome::More(last) } else { Outcome::End })
    }

    /// Whether the watermark of a channel may move with what is read of it.
    pub fn moves(&self, channel: ChannelId) -> bool {
        self.inner.progress.moves(self.session, channel)
    }

    /// Whether a prompt waits for somebody to decide, rather than to be run.
    pub fn holds(&self, channel: ChannelId, said: WallTime, queue_full: bool) -> bool {
        let now = self.data.clock.wall();
        lock(&self.caps).holds(channel, said, queue_full, now)
    }

    /// The guild that a channel is in.
    pub async fn guild(&self, channel: ChannelId) -> Result<Option<GuildId>, DoorError> {
        let known = lock(&self.guilds).get(&channel).copied();
        if known.is_some() {
            return Ok(known);
        }
        let found = self.rest().await.channel(channel).await?;
        let guild = found.map(|channel| GuildId(channel.guild_id.get()));
        if let Some(guild) = guild {
            self.learn_guild(channel, guild);
        }
        Ok(guild)
    }

    pub(super) fn learn_guild(&self, channel: ChannelId, guild: GuildId) {
        lock(&self.guilds).insert(channel, guild);
    }

    /// What the guild knows of a person right now: a message that is read carries nothing of it.
    pub async fn membership(&self, guild: GuildId, user: UserId) -> Result<Membership, DoorError> {
        if let Some(known) = lock(&self.members).get(&(guild, user)).cloned() {
            return Ok(known);
        }
        let found = match self.rest().await.member(guild, user).await {
            Ok(member) => Membership {
                roles: member.roles.iter().map(|role| RoleId(role.get())).collect(),
                nick: member.nick.clone(),
            },
            Err(error) if status(&error) == Some(404) => Membership::default(),
            Err(error) => return Err(error.into()),
        };
        let mut members = lock(&self.members);
        if members.len() >= MEMBERS_MAX {
            members.clear();
        }
        members.insert((guild, user), found.clone());
        Ok(found)
    }

    async fn messages(&self, lane: Lane) -> Result<Page, serenity::Error> {
        let params = match lane.after {
            Some(after) => vec![("limit", PAGE.to_string()), ("after", after.to_string())],
            None => vec![("limit", "1".to_owned())],
        };
        let route = Route::ChannelMessages { channel_id: lane.channel.0.into() };
        let request = Request::new(route, LightMethod::Get).params(Some(params));
        let found: Vec<Value> = self.rest().await.fire(request).await?;
        let is_full = found.len() >= usize::from(PAGE);
        let id = |value: &Value| value["id"].as_str()?.parse().ok().map(MessageId);
        let last = found.iter().filter_map(id).max();
        let mut messages: Vec<Message> =
            found.into_iter().filter_map(|value| parse(lane.channel, value)).collect();
        messages.sort_by_key(|message| message.id);
        Ok(Page { messages, last, is_full })
    }

    /// What asks Discord, when one more request may go.
    pub(super) async fn rest(&self) -> Rest<'_> {
        self.inner.calls.ready().await;
        Rest::of(self.ctx, self.data)
    }
}

/// What was read at once.
struct Page {
    messages: Vec<Message>,
    last: Option<MessageId>,
    is_full: bool,
}

/// A message of a kind that is not known must not keep the others of its page away.
fn parse(channel: ChannelId, value: Value) -> Option<Message> {
    let id = value["id"].clone();
    serde_json::from_value(value)
        .inspect_err(|error| tracing::warn!(%channel, %id, %error, "a message is not understood"))
        .ok()
}

/// Discord will answer the same tomorrow.
pub(super) fn is_refusal(error: &serenity::Error) -> bool {
    status(error).is_some_and(|status| matches!(status, 400 | 403 | 404 | 410))
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
