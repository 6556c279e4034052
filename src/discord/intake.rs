//! A message of Discord's, live or read after an absence → a stored prompt, given to its conversation. Store first, then
//! tell: the reaction that says "seen" appears when the prompt is committed with a sync, never before.

use std::time::Duration;

use serenity::all::{Context, Message};

use super::access::{Action, Person, Verdict, authorize};
use super::arrivals::Taken;
use super::catch_up::Reading;
use super::facts::{channel_name, facts, membership, offered, place};
use super::rest::Rest;
use super::route::{Facts, Route, Why, by_a_person, route, strip_mention, thread_name};
use super::rule;
use super::{Data, DoorError, notice, waiting, why};
use crate::chain::Chain;
use crate::clock::WallTime;
use crate::config::{Project, WhileRunning};
use crate::disk;
use crate::domain::ids::{ChannelId, ConversationId, GuildId, MessageId, PromptId, RoleId, UserId};
use crate::domain::prompt::{Attachment, Author, Origin, Prompt, Wish};
use crate::fail_point::{Point, pass};
use crate::store::{Accepted, Ignored, NewConversation};

/// Joining a thread may take this long; without it most events come all the same.
const JOIN_MAX: Duration = Duration::from_secs(5);

/// How a message came to us.
#[derive(Clone, Copy)]
pub enum Whence<'a> {
    /// The gateway said it just now.
    Live {
        /// Whether all messages before it in its channel were taken.
        in_order: bool,
    },
    /// It was read after an absence, in order.
    Read(&'a Reading<'a>),
}

/// Accepts a message, or leaves it alone: as its author wants it, until it is stored. What they change or delete later is
/// heeded where it waits.
pub async fn message(
    ctx: &Context,
    data: &Data,
    arrived: &Message,
    whence: Whence<'_>,
    taken: &Taken,
) -> Result<(), DoorError> {
    let mut fate = if taken.was_touched() {
        Fate::Touched
    } else {
        as_it_was(ctx, data, arrived, whence, taken).await?
    };
    while fate == Fate::Touched {
        let Some(message) = waiting::as_it_is(ctx, data, arrived).await else { return Ok(()) };
        fate = as_it_was(ctx, data, &message, whence, taken).await?;
    }
    Ok(())
}

/// What became of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// It is stored, or left alone.
    Decided,
    /// Its author changed it meanwhile, and nothing is stored.
    Touched,
}

async fn as_it_was(
    ctx: &Context,
    data: &Data,
    message: &Message,
    whence: Whence<'_>,
    taken: &Taken,
) -> Result<Fate, DoorError> {
    let me = UserId(ctx.cache.current_user().id.get());
    let facts = facts(message, me);
    let live = message.guild_id.map(|guild| GuildId(guild.get()));
    if let Err(why) = by_a_person(&facts) {
        match why {
            Why::NotAPerson if facts.to_me && facts.author != me => {
                note(data, &facts, live, why::NOT_A_PERSON);
            }
            Why::NotOrdinary if facts.to_me => note(data, &facts, live, why::NOT_ORDINARY),
            Why::NotAPerson | Why::NotOrdinary | Why::NotForMe => {}
        }
        return Ok(Fate::Decided);
    }
    let Some((project, place)) = place(ctx, data, &facts).await? else {
        if facts.to_me {
            note(data, &facts, live, why::NO_PROJECT);
        }
        return Ok(Fate::Decided);
    };
    let routed = route(&facts, place);
    if let Route::Ignore(why) = routed {
        tracing::debug!(message = %facts.message, ?why, "message ignored");
        return Ok(Fate::Decided);
    }
    let guild = match (live, whence) {
        (None, Whence::Read(reading)) => reading.guild(facts.channel).await?,
        (guild, _) => guild,
    };
    let membership = membership(message, guild, whence).await?;
    let person = Person {
        id: facts.author,
        roles: membership.roles,
        // A message does not carry its author's permissions; prompting does not depend on them.
        manages_messages: false,
    };
    let spot = rule::spot(project, guild, facts.channel);
    let rule = rule::rule(&data.config, &data.store, project, spot, person.id).await?;
    let verdict = authorize(&rule, &person, Action::Prompt);
    if verdict != Verdict::Allowed {
        tracing::info!(message = %facts.message, author = %person.id, ?verdict, "message of a stranger ignored");
        note(data, &facts, guild, why::word(verdict));
        return Ok(Fate::Decided);
    }
    match routed {
        Route::Ignore(_) => {}
        Route::Empty => {
            note(data, &facts, guild, why::EMPTY);
            notice::say(data, facts.channel, facts.message, notice::EMPTY);
        }
        Route::Prompt { conversation, opens_thread } => {
            let opening = Opening {
                project,
                channel: facts.channel,
                conversation,
                thread: opens_thread,
                guild,
                since: facts.message,
            };
            open(ctx, data, &opening, || thread_name(&strip_mention(facts.text, facts.me))).await?;
            let name = membership.nick.unwrap_or_else(|| {
                message.author.global_name.clone().unwrap_or_else(|| message.author.name.clone())
            });
            let author = Author { id: facts.author, name };
            let wish = match (whence, project.while_running) {
                // What was said long ago interrupts nothing.
                (Whence::Read(_), _) | (_, WhileRunning::Queue) => Wish::Wait,
                (Whence::Live { .. }, WhileRunning::Steer) => Wish::Steer,
                (Whence::Live { .. }, WhileRunning::Interrupt) => Wish::Interrupt,
            };
            return accept(data, &facts, message, author, &opening, (whence, taken), wish).await;
        }
    }
    Ok(Fate::Decided)
}

/// Notes why a message to the bot becomes no prompt.
fn note(data: &Data, facts: &Facts<'_>, guild: Option<GuildId>, why: &str) {
    data.notes.note(Ignored {
        message: facts.message,
        channel: facts.channel,
        guild,
        author: facts.author,
        why: why.to_owned(),
        at: data.clock.wall(),
    });
}

/// A conversation that may have to be opened.
pub struct Opening<'a> {
    /// Its project.
    pub project: &'a Project,
    /// Where somebody wants it.
    pub channel: ChannelId,
    /// Which.
    pub conversation: ConversationId,
    /// Whether it is a thread that is opened for it there.
    pub thread: bool,
    /// The server.
    pub guild: Option<GuildId>,
    /// What it is opened with: a message, or the use of a command.
    pub since: MessageId,
}

/// The conversation's row; it must be there before the prompt's. A thread that is opened for it has this name.
pub async fn open(
    ctx: &Context,
    data: &Data,
    opening: &Opening<'_>,
    thread_name: impl FnOnce() -> String,
) -> Result<(), DoorError> {
    let &Opening { project, channel, conversation, thread, guild, since } = opening;
    if data.store.conversation(conversation).await?.is_some() {
        return Ok(());
    }
    let in_thread = thread || channel != project.channel_id;
    let title = if thread {
        thread_name()
    } else {
        channel_name(ctx, guild, channel).unwrap_or_else(|| project.name.clone())
    };
    data.store
        .open_conversation(&NewConversation {
            id: conversation,
            guild,
            project: project.name.clone(),
            parent: in_thread.then_some(project.channel_id),
            title,
            since,
        })
        .await?;
    if in_thread && !thread {
        // A member of the thread gets its events wherever Discord makes them depend on membership (FEATURES app. B).
        // Whoever writes next in the channel waits for this message to be taken.
        match tokio::time::timeout(JOIN_MAX, Rest::of(ctx, data).join_thread(channel)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(thread = %channel, error = %Chain(&error), "could not join"),
            Err(late) => tracing::warn!(thread = %channel, error = %late, "could not join"),
        }
    }
    Ok(())
}

async fn accept(
    data: &Data,
    facts: &Facts<'_>,
    message: &Message,
    author: Author,
    opening: &Opening<'_>,
    (whence, taken): (Whence<'_>, &Taken),
    wish: Wish,
) -> Result<Fate, DoorError> {
    let conversation = opening.conversation;
    let origin = Origin::Message { channel: facts.channel, message: facts.message };
    // The same message gives the same id, so that its files are never fetched into two places.
    let id = Prompt::id_of(&origin);
    let arrival = data.store.arrival(id, conversation, facts.channel).await?;
    if arrival.known {
        return Ok(Fate::Decided);
    }
    if matches!(whence, Whence::Live { .. }) && data.store.is_repeated(&arrival, facts.message).await? {
        tracing::warn!(message = %facts.message, "an old message came again: it was decided on before");
        return Ok(Fate::Decided);
    }
    let (text, attachments) = said(data, id, facts, message).await;
    if taken.was_touched() {
        return Ok(Fate::Touched);
    }
    let prompt = Prompt {
        id,
        origin,
        conversation,
        author,
        text,
        attachments,
        received_at: WallTime(message.timestamp.timestamp_millis()),
        wish,
    };
    let refusal = refusal(data, Some(opening.project), arrival.queued);
    let progress = data.catch_up.progress();
    let contiguous = match whence {
        Whence::Live { in_order } => in_order && progress.is_contiguous(facts.channel),
        Whence::Read(reading) => reading.moves(facts.channel),
    };
    // It says that everything before was decided on, so it stays where something was not.
    let watermark = contiguous.then_some((facts.channel, facts.message));
    progress.know(facts.channel);
    if let Whence::Read(reading) = whence
        && reading.holds(facts.channel, prompt.received_at, refusal.is_some())
    {
        data.store.hold(&prompt, facts.channel, watermark).await?;
        tracing::info!(%conversation, prompt = %prompt.id, "prompt of an absence held");
        return Ok(Fate::Decided);
    }
    if let Some(sentence) = refusal {
        // Known from the same moment on: it stays refused, and whoever wrote it is told why, also by a later daemon.
        if data.store.turn_away(&prompt, &sentence, watermark).await? == Accepted::New {
            tracing::info!(%conversation, prompt = %prompt.id, "prompt refused: {sentence}");
            notice::say(data, facts.channel, facts.message, &sentence);
        }
        return Ok(Fate::Decided);
    }
    match data.store.accept(&prompt, watermark).await? {
        Accepted::Duplicate => return Ok(Fate::Decided),
        Accepted::New => {
            tracing::info!(%conversation, prompt = %prompt.id, author = %prompt.author.id, "prompt accepted");
        }
    }
    data.outbox.acknowledge(facts.channel, facts.message);
    pass(Point::Acknowledged).await;
    submit(data, prompt).await?;
    Ok(Fate::Decided)
}

async fn submit(data: &Data, prompt: Prompt) -> Result<(), DoorError> {
    let conversation = prompt.conversation;
    let submitted = data.registry.ask(conversation, |it| {
        let prompt = prompt.clone();
        async move { it.submit(prompt).await }
    });
    submitted.await?;
    pass(Point::Submitted).await;
    Ok(())
}

/// Takes a prompt that is no message, in a conversation that is there; or says in words for people why not.
pub async fn take(data: &Data, prompt: Prompt) -> Result<Option<String>, DoorError> {
    let queued = data.store.queued_count(prompt.conversation).await?;
    let known = data.store.conversation(prompt.conversation).await?;
    let project = known.and_then(|conversation| data.config.project_named(&conversation.project));
    let refusal = refusal(data, project, queued);
    if refusal.is_some() || data.store.accept(&prompt, None).await? == Accepted::Duplicate {
        return Ok(refusal);
    }
    tracing::info!(conversation = %prompt.conversation, prompt = %prompt.id, author = %prompt.author.id, "prompt accepted");
    submit(data, prompt).await?;
    Ok(None)
}

/// What a message says to Claude: its text, and the files that were taken.
pub type Said = (String, Vec<Attachment>);

async fn said(data: &Data, id: PromptId, facts: &Facts<'_>, message: &Message) -> Said {
    let offered = message.attachments.iter().map(offered).collect();
    let (attachments, refused) = data.files.fetch(id, offered).await;
    let mut text = strip_mention(facts.text, facts.me);
    for (name, why) in refused {
        text = format!("{text}\n\n(The file {name:?} came with this message and was not taken: {why}.)");
    }
    (text, attachments)
}

/// What the message of a prompt says now, whose author has these roles; none: it would not be a prompt any more.
pub async fn says(
    ctx: &Context,
    data: &Data,
    prompt: &Prompt,
    message: &Message,
    roles: Vec<RoleId>,
) -> Result<Option<Said>, DoorError> {
    let facts = facts(message, UserId(ctx.cache.current_user().id.get()));
    let Some((project, place)) = place(ctx, data, &facts).await? else { return Ok(None) };
    let person = Person { id: facts.author, roles, manages_messages: false };
    let guild = data.store.conversation(prompt.conversation).await?.and_then(|known| known.guild);
    let spot = rule::spot(project, guild, facts.channel);
    let rule = rule::rule(&data.config, &data.store, project, spot, person.id).await?;
    let verdict = authorize(&rule, &person, Action::Prompt);
    if verdict != Verdict::Allowed || !matches!(route(&facts, place), Route::Prompt { .. }) {
        return Ok(None);
    }
    let names = message.attachments.iter().map(|file| file.filename.as_str());
    if names.eq(prompt.attachments.iter().map(|file| file.name.as_str())) {
        return Ok(Some((strip_mention(facts.text, facts.me), prompt.attachments.clone())));
    }
    Ok(Some(said(data, prompt.id, &facts, message).await))
}

/// Why there is no room for one more prompt, in words for people.
fn refusal(data: &Data, project: Option<&Project>, queued: usize) -> Option<String> {
    let limits = &data.config.limits;
    if queued >= limits.queued_prompts_max {
        return Some(notice::queue_full(limits.queued_prompts_max));
    }
    let dirs = [Some(&data.config.state_dir), project.map(|project| &project.dir)];
    let free = dirs.into_iter().flatten().filter_map(|dir| disk::free_bytes(dir).ok()).min()?;
    if free >= limits.disk_free_bytes_min {
        return None;
    }
    tracing::error!(free, least = limits.disk_free_bytes_min, "no prompt is taken: the disk is nearly full");
    Some(notice::disk_full(free))
}
