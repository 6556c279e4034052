//! Where somebody may have written in an absence, and from which message on: the projects' channels, and every thread
//! below them.
//!
//! Whoever writes in a thread wakes it, however long it was silent. So each thread with something new is active now, or
//! was archived again since; archived ones are listed newest first, and those that were archived before we left say
//! nothing new. Threads that are conversations are read in any case while they are young: a list may fail.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use serde_json::Value;
use serenity::all::{GuildChannel, LightMethod, Timestamp};
use serenity::http::{Request, Route};

use super::reading::{Reading, is_refusal};
use crate::chain::Chain;
use crate::clock::WallTime;
use crate::discord::DoorError;
use crate::domain::ids::{ChannelId, GuildId, MessageId};
use crate::store::StoreError;

/// Conversations that were silent for longer are looked into only if Discord lists them.
const SILENT_MAX: Duration = Duration::from_hours(30 * 24);
/// And no more of them than this.
const KNOWN_MAX: u32 = 1000;
/// How often a list is asked for before we go on without it, for now: live messages wait meanwhile.
const LIST_TRIES: u32 = 4;
/// Archived threads of one page, Discord's most, and how many pages of one channel are read.
const ARCHIVED_PAGE: usize = 100;
const ARCHIVED_PAGES_MAX: usize = 10;
/// How many channels are asked for their archived threads at the same time.
const ASKED_AT_ONCE: usize = 4;

/// A channel to read, and the last message in it that was decided on. None: it is seen for the first time.
pub(super) type ToRead = (ChannelId, Option<MessageId>);

/// A thread that Discord lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Listed {
    id: ChannelId,
    parent: ChannelId,
    guild: GuildId,
    last: Option<MessageId>,
}

/// The search for what there is to read.
pub(super) struct Search<'a> {
    reading: &'a Reading<'a>,
    /// As they were when the search began: those of the channels move while these are read.
    watermarks: HashMap<ChannelId, MessageId>,
    known: HashSet<ChannelId>,
    /// Lists that Discord did not give yet.
    missing: Vec<List>,
}

impl<'a> Search<'a> {
    /// Gives the channels to read, each from where, without those that only a list knows which Discord does not give.
    pub(super) async fn begin(
        reading: &'a Reading<'a>,
        guilds: &[GuildId],
    ) -> Result<(Self, Vec<ToRead>), DoorError> {
        let data = reading.data;
        let watermarks: HashMap<_, _> = data.store.watermarks().await?.into_iter().collect();
        let projects: Vec<ChannelId> =
            data.config.projects.iter().map(|project| project.channel_id).collect();
        let mut channels: Vec<ToRead> =
            projects.iter().map(|channel| (*channel, watermarks.get(channel).copied())).collect();
        let mut known = HashSet::new();
        let since = data.clock.wall().0 - i64::try_from(SILENT_MAX.as_millis()).unwrap_or(i64::MAX);
        for (thread, parent) in data.store.threads_active_since(WallTime(since), KNOWN_MAX).await? {
            if data.config.project_for(parent).is_some() && known.insert(thread) {
                // In a thread that was opened for a prompt nothing was decided on yet; its id is older than all in it.
                let from = watermarks.get(&thread).copied().unwrap_or(MessageId(thread.0));
                channels.push((thread, Some(from)));
            }
        }
        let active = guilds.iter().map(|guild| List::Active(*guild));
        // A channel that is seen for the first time has no thread that matters.
        let archived = projects.iter().filter_map(|channel| Some((*channel, watermarks.get(channel)?)));
        let archived = archived.flat_map(|(channel, left)| {
            [List::Archived(channel, left.written_at()), List::ArchivedPrivate(channel)]
        });
        let missing = active.chain(archived).collect();
        let mut search = Self { reading, watermarks, known, missing };
        channels.extend(search.more().await?);
        Ok((search, channels))
    }

    /// Whether Discord gave every list.
    pub(super) fn is_complete(&self) -> bool {
        self.missing.is_empty()
    }

    /// The channels below which there may be threads that Discord did not list yet.
    pub(super) fn unlisted(&self) -> HashSet<ChannelId> {
        let projects = || self.reading.data.config.projects.iter().map(|project| project.channel_id);
        let below = |list: &List| match *list {
            List::Active(_) => projects().collect::<Vec<_>>(),
            List::Archived(channel, _) | List::ArchivedPrivate(channel) => vec![channel],
        };
        self.missing.iter().flat_map(below).collect()
    }

    /// Asks for the lists that are missing; gives the threads that are new with them.
    pub(super) async fn more(&mut self) -> Result<Vec<ToRead>, DoorError> {
        let missing = self.missing.clone();
        let listed = self.listed().await;
        let found = self.new_ones(listed).await;
        match &found {
            Ok(channels) => self.known.extend(channels.iter().map(|(channel, _)| *channel)),
            Err(_) => self.missing = missing,
        }
        found
    }

    /// Those that are not read yet and have something new.
    async fn new_ones(&self, listed: Vec<Listed>) -> Result<Vec<ToRead>, DoorError> {
        let (reading, data) = (self.reading, self.reading.data);
        let (mut channels, mut seen) = (Vec::new(), HashSet::new());
        // Threads in which nobody talked to the bot, as far as we know, or not for long.
        let mut strange = Vec::new();
        for thread in listed {
            let ours = data.config.project_for(thread.parent).is_some();
            if !ours || self.known.contains(&thread.id) || !seen.insert(thread.id) {
                continue;
            }
            reading.learn_guild(thread.id, thread.guild);
            let Some(from) = from(reading, &self.watermarks, thread).await? else {
                channels.push((thread.id, None));
                continue;
            };
            if thread.last.is_none_or(|last| last > from) {
                strange.push((thread.id, from));
                channels.push((thread.id, Some(from)));
            }
        }
        // Before the watermark of any channel above moves: a daemon that is killed meanwhile begins where we did.
        data.store.advance_watermarks(&strange).await?;
        Ok(channels)
    }

    /// What is in the lists that were missing and are given now.
    async fn listed(&mut self) -> Vec<Listed> {
        let (mut asked, mut listed) = (FuturesUnordered::new(), Vec::new());
        let mut heard = |(list, threads): (List, Option<Vec<Listed>>), missing: &mut Vec<List>| match threads
        {
            Some(threads) => listed.extend(threads),
            None => missing.push(list),
        };
        for list in std::mem::take(&mut self.missing) {
            // First those that are active: one that goes to sleep meanwhile is in the second list.
            let at_once = if matches!(list, List::Active(_)) { 1 } else { ASKED_AT_ONCE };
            if asked.len() >= at_once
                && let Some(answer) = asked.next().await
            {
                heard(answer, &mut self.missing);
            }
            let reading = self.reading;
            asked.push(async move { (list, listing(reading, list).await) });
        }
        while let Some(answer) = asked.next().await {
            heard(answer, &mut self.missing);
        }
        listed
    }
}

/// The last message of a thread that was decided on.
async fn from(
    reading: &Reading<'_>,
    watermarks: &HashMap<ChannelId, MessageId>,
    thread: Listed,
) -> Result<Option<MessageId>, StoreError> {
    if let Some(own) = watermarks.get(&thread.id) {
        return Ok(Some(*own));
    }
    if reading.data.store.conversation(thread.id.into()).await?.is_some() {
        return Ok(Some(MessageId(thread.id.0)));
    }
    // Up to the watermark of the channel above we were there, and heard nothing in the thread that was for us. If that
    // was never read, nor is the thread.
    Ok(watermarks.get(&thread.parent).map(|above| MessageId(above.0.max(thread.id.0))))
}

/// A list that Discord has.
#[derive(Debug, Clone, Copy)]
enum List {
    /// Threads of a guild that are not archived.
    Active(GuildId),
    /// Public ones below a channel that were archived since then.
    Archived(ChannelId, WallTime),
    /// Private ones below a channel that the bot is in: to list all takes a permission that it does not need.
    ArchivedPrivate(ChannelId),
}

/// A list, tried again when it fails; none: it fails all the time.
async fn listing(reading: &Reading<'_>, list: List) -> Option<Vec<Listed>> {
    let mut wait = Duration::from_secs(1);
    for _ in 0..LIST_TRIES {
        let listed = match list {
            List::Active(guild) => active(reading, guild).await,
            List::Archived(parent, since) => {
                let route = Route::ChannelArchivedPublicThreads { channel_id: parent.0.into() };
                archived(reading, parent, route, Some(since)).await
            }
            List::ArchivedPrivate(parent) => {
                let route = Route::ChannelJoinedPrivateThreads { channel_id: parent.0.into() };
                archived(reading, parent, route, None).await
            }
        };
        match listed {
            Ok(listed) => return Some(listed),
            Err(error) if is_refusal(&error) => {
                tracing::warn!(?list, error = %Chain(&error), "threads are not for us to list");
                return Some(Vec::new());
            }
            Err(error) => {
                tracing::warn!(?list, error = %Chain(&error), ?wait, "threads could not be listed");
            }
        }
        tokio::time::sleep(wait).await;
        wait *= 2;
    }
    tracing::error!(
        ?list,
        "going on without threads that are not known yet; they are read when Discord lists them"
    );
    None
}

/// The threads of a guild that are not archived.
async fn active(reading: &Reading<'_>, guild: GuildId) -> Result<Vec<Listed>, serenity::Error> {
    let found = reading.rest().await.active_threads(guild).await?;
    let listed = |thread: &GuildChannel| {
        Some(Listed {
            id: ChannelId(thread.id.get()),
            parent: ChannelId(thread.parent_id?.get()),
            guild,
            last: thread.last_message_id.map(|message| MessageId(message.get())),
        })
    };
    Ok(found.iter().filter_map(listed).collect())
}

/// Archived threads below a channel, down to those that were archived before `since`; without it, one page of them.
async fn archived(
    reading: &Reading<'_>,
    parent: ChannelId,
    route: Route<'static>,
    since: Option<WallTime>,
) -> Result<Vec<Listed>, serenity::Error> {
    let (mut listed, mut before) = (Vec::new(), None::<String>);
    for _ in 0..ARCHIVED_PAGES_MAX {
        let mut params = vec![("limit", ARCHIVED_PAGE.to_string())];
        params.extend(before.take().map(|before| ("before", before)));
        let request = Request::new(route, LightMethod::Get).params(Some(params));
        let page: Value = reading.rest().await.fire(request).await?;
        let threads = page["threads"].as_array().map(Vec::as_slice).unwrap_or_default();
        listed.extend(threads.iter().filter_map(|thread| as_listed(parent, thread)));
        let oldest =
            threads.last().and_then(|thread| thread["thread_metadata"]["archive_timestamp"].as_str());
        let at = oldest.and_then(|oldest| Timestamp::parse(oldest).ok());
        let (Some(oldest), Some(at), Some(since)) = (oldest, at, since) else { break };
        if page["has_more"] != true || at.timestamp_millis() < since.0 {
            break;
        }
        before = Some(oldest.to_owned());
    }
    Ok(listed)
}

fn as_listed(parent: ChannelId, thread: &Value) -> Option<Listed> {
    let id = |field: &str| thread[field].as_str()?.parse::<u64>().ok();
    Some(Listed {
        id: ChannelId(id("id")?),
        parent,
        guild: GuildId(id("guild_id")?),
        last: id("last_message_id").map(MessageId),
    })
}
