//! All that the embedded Discord knows: one struct behind one lock, never held across an await.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use bytes::Bytes;
use serde_json::Value;
use tokio::sync::broadcast;

use super::faults::FaultState;
use super::gateway::session::Sessions;
use super::interactions::Interaction;
use super::limits::Limits;
use super::look::{Pinged, RequestLog, Violation};
use super::world::World;
use super::{InteractionId, PageEvent};
use crate::clock::{Clock, Moment, WallTime};
use crate::domain::ids::{ChannelId, MessageId, UserId};

/// The first second of 2015 in Unix milliseconds: where Discord's ids begin to count.
pub(super) const DISCORD_EPOCH_MS: i64 = 1_420_070_400_000;

/// Everything there is.
pub(super) struct State {
    pub(super) world: World,
    clock: Clock,
    /// How far this Discord's clock is ahead of the machine's: tests move it.
    pub(super) ahead: Duration,
    last_id: u64,
    pub(super) channels: BTreeMap<ChannelId, Channel>,
    pub(super) messages: BTreeMap<MessageId, Message>,
    pub(super) files: HashMap<u64, StoredFile>,
    pub(super) interactions: BTreeMap<InteractionId, Interaction>,
    /// Registered commands of the guild, and global ones.
    pub(super) guild_commands: Vec<Value>,
    pub(super) global_commands: Vec<Value>,
    pub(super) nonces: HashMap<(ChannelId, String), (MessageId, Moment)>,
    /// When somebody last said that they type.
    pub(super) typing: HashMap<(ChannelId, UserId), Moment>,
    pub(super) sessions: Sessions,
    pub(super) limits: Limits,
    pub(super) faults: FaultState,
    pub(super) requests: Vec<RequestLog>,
    pub(super) violations: Vec<Violation>,
    pub(super) pings: Vec<(MessageId, Pinged)>,
    pub(super) page: broadcast::Sender<PageEvent>,
    /// Where the gateway listens, for `GET /gateway`.
    pub(super) gateway_url: String,
}

/// A text channel, a thread, or a direct message channel.
#[derive(Debug, Clone)]
pub(super) struct Channel {
    pub(super) id: ChannelId,
    pub(super) name: String,
    pub(super) topic: Option<String>,
    pub(super) position: usize,
    pub(super) parent: Option<ChannelId>,
    pub(super) overwrites: Vec<Overwrite>,
    pub(super) thread: Option<Thread>,
    /// The person at the other end of a direct message channel.
    pub(super) recipient: Option<UserId>,
    pub(super) last_message: Option<MessageId>,
}

impl Channel {
    pub(super) fn is_thread(&self) -> bool {
        self.thread.is_some()
    }

    /// Discord's channel type.
    pub(super) fn kind(&self) -> u8 {
        match (&self.thread, self.recipient) {
            (Some(thread), _) if thread.private => 12,
            (Some(_), _) => 11,
            (None, Some(_)) => 1,
            (None, None) => 0,
        }
    }
}

/// What a thread has beyond a channel.
#[derive(Debug, Clone)]
pub(super) struct Thread {
    pub(super) owner: UserId,
    pub(super) private: bool,
    pub(super) archived: bool,
    pub(super) locked: bool,
    pub(super) auto_archive_minutes: u64,
    pub(super) archive_changed: WallTime,
    pub(super) members: BTreeSet<UserId>,
    pub(super) message_count: u64,
}

/// A permission overwrite of a channel.
#[derive(Debug, Clone)]
pub(super) struct Overwrite {
    pub(super) id: u64,
    /// A member's, or a role's.
    pub(super) member: bool,
    pub(super) allow: u64,
    pub(super) deny: u64,
}

/// A message.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "Discord's own fields")]
pub(super) struct Message {
    pub(super) id: MessageId,
    pub(super) channel: ChannelId,
    pub(super) author: UserId,
    /// Discord's message type: 0 ordinary, 18 thread created, 19 reply, 20 slash command.
    pub(super) kind: u8,
    pub(super) content: String,
    pub(super) created: WallTime,
    pub(super) edited: Option<WallTime>,
    pub(super) flags: u64,
    pub(super) embeds: Value,
    pub(super) components: Value,
    pub(super) attachments: Vec<u64>,
    pub(super) reply_to: Option<MessageId>,
    pub(super) nonce: Option<Value>,
    pub(super) mentions: Vec<UserId>,
    pub(super) mention_roles: Vec<u64>,
    pub(super) mention_everyone: bool,
    pub(super) reactions: Vec<(String, Vec<UserId>)>,
    pub(super) pinned: bool,
    pub(super) webhook: bool,
    pub(super) interaction: Option<InteractionId>,
    /// The one person who sees it.
    pub(super) only_for: Option<UserId>,
    pub(super) deleted: bool,
    /// Every content that it had.
    pub(super) history: Vec<(WallTime, String)>,
}

/// A file on the CDN.
#[derive(Debug, Clone)]
pub(super) struct StoredFile {
    pub(super) channel: ChannelId,
    pub(super) name: String,
    pub(super) content_type: Option<String>,
    pub(super) description: Option<String>,
    pub(super) bytes: Bytes,
}

impl State {
    pub(super) fn new(world: World, page: broadcast::Sender<PageEvent>, gateway_url: String) -> Self {
        let channels = world.channels.iter().enumerate().map(|(position, channel)| {
            let channel = Channel {
                id: channel.id,
                name: channel.name.clone(),
                topic: channel.topic.clone(),
                position,
                parent: None,
                overwrites: Vec::new(),
                thread: None,
                recipient: None,
                last_message: None,
            };
            (channel.id, channel)
        });
        Self {
            channels: channels.collect(),
            world,
            clock: Clock::start(),
            ahead: Duration::ZERO,
            last_id: 0,
            messages: BTreeMap::new(),
            files: HashMap::new(),
            interactions: BTreeMap::new(),
            guild_commands: Vec::new(),
            global_commands: Vec::new(),
            nonces: HashMap::new(),
            typing: HashMap::new(),
            sessions: Sessions::default(),
            limits: Limits::default(),
            faults: FaultState::default(),
            requests: Vec::new(),
            violations: Vec::new(),
            pings: Vec::new(),
            page,
            gateway_url,
        }
    }

    /// This Discord's monotonic time.
    pub(super) fn now(&self) -> Moment {
        self.clock.moment().after(self.ahead)
    }

    /// This Discord's wall clock.
    pub(super) fn wall(&self) -> WallTime {
        let ahead = i64::try_from(self.ahead.as_millis()).unwrap_or(i64::MAX);
        WallTime(self.clock.wall().0.saturating_add(ahead))
    }

    /// A new snowflake: later ones are larger, whatever the wall clock does.
    pub(super) fn new_id(&mut self) -> u64 {
        let millis = u64::try_from(self.wall().0 - DISCORD_EPOCH_MS).unwrap_or(0);
        self.last_id = (millis << 22).max(self.last_id + 1);
        self.last_id
    }

    /// A message that is there and not deleted.
    pub(super) fn live_message(&self, id: MessageId) -> Option<&Message> {
        self.messages.get(&id).filter(|message| !message.deleted)
    }

    pub(super) fn violation(&mut self, rule: &'static str, detail: impl Into<String>) {
        let violation = Violation { at: self.now(), rule, detail: detail.into() };
        tracing::debug!(rule, detail = violation.detail, "broke a rule of Discord");
        self.violations.push(violation);
    }
}
