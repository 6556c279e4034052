//! Messages whose prompts wait: who edits one changes the prompt, who deletes it takes it back, and a reaction sends it to
//! the turn that runs. What a message says now decides, by the same rules as when it came: what would not be taken any
//! more does not wait any more. A prompt that has begun is what it was.

use std::borrow::Cow;
use std::time::Duration;

use serenity::all::{Context, Message, Reaction};

use super::access::{Person, Verdict, authorize};
use super::catch_up::held;
use super::intake::{self, Said};
use super::rest::{self, Rest};
use super::{Data, DoorError, rule};
use crate::chain::Chain;
use crate::conversation::handle::{Sent, Stopped, TakenBack, Taking, Which};
use crate::domain::ids::{ChannelId, ConversationId, GuildId, MessageId, PromptId, RoleId, TurnId, UserId};
use crate::domain::prompt::{Origin, Prompt, Wish};

/// The reaction that sends a message which waits to the turn that runs.
const SEND: &str = "⏩";
/// What waited when the daemon came begins after this at the latest, whether it was looked at or not.
const LOOK_MAX: Duration = Duration::from_secs(10);

/// A look that failed is made again after this, doubling up to [`LOOK_AGAIN_MAX`], for as long as the prompt waits.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
const LOOK_AGAIN_MAX: Duration = Duration::from_mins(1);

/// One look at a time, so that what was read last counts last.
#[derive(Debug, Default)]
pub struct Looks {
    alone: tokio::sync::Mutex<()>,
}

/// A message was changed.
pub async fn updated(
    ctx: &Context,
    data: &Data,
    channel: ChannelId,
    message: MessageId,
) -> Result<(), DoorError> {
    data.arrivals.passed(channel, message).await;
    let id = Prompt::id_of(&Origin::Message { channel, message });
    let mut wait = LOOK_AGAIN;
    // What it said before must not be run because Discord did not tell.
    while data.store.waiting_prompt(id).await?.is_some() {
        match look(ctx, data, id).await {
            Err(DoorError::Discord(error)) if !is_refusal(&error) => {
                tracing::warn!(%message, error = %Chain(&error), "a message could not be looked at again, trying again");
            }
            done => return done,
        }
        tokio::time::sleep(wait).await;
        wait = (wait * 2).min(LOOK_AGAIN_MAX);
    }
    Ok(())
}

/// What a message says now that was changed or deleted before it was taken; none: it is gone. Unless Discord tells, it is
/// what arrived.
pub async fn as_it_is<'a>(ctx: &Context, data: &Data, arrived: &'a Message) -> Option<Cow<'a, Message>> {
    let (channel, id) = (ChannelId(arrived.channel_id.get()), MessageId(arrived.id.get()));
    match Rest::of(ctx, data).message(channel, id).await {
        Ok(now) => {
            // Only what is said live knows the author's roles.
            let mut message = arrived.clone();
            (message.content, message.attachments) = (now.content, now.attachments);
            Some(Cow::Owned(message))
        }
        Err(error) if is_gone(&error) => None,
        Err(error) => {
            tracing::warn!(message = %id, error = %Chain(&error), "a message that was changed could not be read again");
            Some(Cow::Borrowed(arrived))
        }
    }
}

/// A message was deleted.
pub async fn deleted(data: &Data, channel: ChannelId, message: MessageId) -> Result<(), DoorError> {
    data.arrivals.passed(channel, message).await;
    let id = Prompt::id_of(&Origin::Message { channel, message });
    if let Some(prompt) = data.store.waiting_prompt(id).await? {
        tracing::info!(%message, prompt = %id, "the message of a prompt that waits was deleted");
        take_back(data, prompt.conversation, id, Taking::Gone).await?;
    }
    Ok(())
}

/// Somebody reacted to a message.
pub async fn reacted(ctx: &Context, data: &Data, reaction: &Reaction) -> Result<(), DoorError> {
    let user = reaction.user_id.map(|user| UserId(user.get()));
    let me = UserId(ctx.cache.current_user().id.get());
    let Some(user) = user.filter(|user| reaction.emoji.unicode_eq(SEND) && *user != me) else {
        return Ok(());
    };
    let channel = ChannelId(reaction.channel_id.get());
    let message = MessageId(reaction.message_id.get());
    data.arrivals.passed(channel, message).await;
    let id = Prompt::id_of(&Origin::Message { channel, message });
    let Some(prompt) = data.store.waiting_prompt(id).await? else { return Ok(()) };
    let roles = reaction.member.iter().flat_map(|member| &member.roles);
    let person =
        Person { id: user, roles: roles.map(|role| RoleId(role.get())).collect(), manages_messages: false };
    let Some(conversation) = data.store.conversation(prompt.conversation).await? else { return Ok(()) };
    let above = conversation.parent.unwrap_or(conversation.id.into());
    let Some(project) = data.config.project_for(above) else { return Ok(()) };
    let spot = rule::spot(project, conversation.guild, conversation.id.into());
    let rule = rule::rule(&data.config, &data.store, project, spot, user).await?;
    let wanted = rule::of_what_waits(prompt.author.id, user);
    let allowed = authorize(&rule, &person, wanted) == Verdict::Allowed;
    if allowed && !reaction.member.as_ref().is_some_and(|member| member.user.bot) {
        data.store.audit(Some(user), "send", &id.to_string(), "").await?;
        send(data, prompt.conversation, id, Wish::Steer, None).await?;
    }
    Ok(())
}

/// Looks at every message whose prompt waits: nobody told us what was done to them while no session was there. Then, or
/// after a while, what waited when the daemon came may begin.
pub async fn look_at_all(ctx: &Context, data: &Data, session: u64) {
    let at_the_latest = tokio::time::Instant::now() + LOOK_MAX;
    let mut looks = std::pin::pin!(async {
        tokio::select! {
            () = look_until_seen(ctx, data) => true,
            // The next session looks at all of it.
            () = data.catch_up.progress().ended(session) => false,
        }
    });
    let seen = tokio::time::timeout_at(at_the_latest, &mut looks).await;
    if let Ok(false) = seen {
        tokio::time::sleep_until(at_the_latest).await;
    }
    data.registry.looked_at();
    if seen.is_err() {
        looks.await;
    }
}

/// Looks at what waits, and again at what could not be read.
async fn look_until_seen(ctx: &Context, data: &Data) {
    let mut left = match data.store.all_waiting().await {
        Ok(all) => all,
        Err(error) => {
            tracing::error!(error = %Chain(&error), "what waits could not be looked up");
            return;
        }
    };
    left.retain(|prompt| matches!(prompt.origin, Origin::Message { .. }));
    let mut wait = LOOK_AGAIN;
    while !left.is_empty() {
        let mut again = Vec::new();
        for prompt in left {
            data.catch_up.ready().await;
            if let Err(error) = look(ctx, data, prompt.id).await {
                tracing::warn!(prompt = %prompt.id, error = %Chain(&error), "a message could not be looked at again");
                if !matches!(&error, DoorError::Discord(error) if is_refusal(error)) {
                    again.push(prompt);
                }
            }
        }
        left = again;
        if !left.is_empty() {
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(LOOK_AGAIN_MAX);
        }
    }
}

/// Reads the message of a prompt that waits, and makes the prompt what it says.
async fn look(ctx: &Context, data: &Data, id: PromptId) -> Result<(), DoorError> {
    let _alone = data.looks.alone.lock().await;
    let Some(prompt) = data.store.waiting_prompt(id).await? else { return Ok(()) };
    let Origin::Message { channel, message } = prompt.origin else { return Ok(()) };
    let conversation = prompt.conversation;
    match Rest::of(ctx, data).message(channel, message).await {
        Ok(found) => match says(ctx, data, &prompt, &found).await? {
            Some((text, attachments)) if text == prompt.text && attachments == prompt.attachments => {}
            Some((text, attachments)) => {
                let edited = data.registry.ask(conversation, |it| {
                    let (text, attachments) = (text.clone(), attachments.clone());
                    async move { it.edit(id, text, attachments).await }
                });
                edited.await?;
            }
            None => {
                tracing::info!(%message, prompt = %id, "the message of a prompt that waits is not for us any more");
                take_back(data, conversation, id, Taking::Alone).await?;
            }
        },
        Err(error) if is_gone(&error) => {
            take_back(data, conversation, id, Taking::Gone).await?;
        }
        Err(error) => return Err(error.into()),
    }
    Ok(())
}

/// What the message of a prompt says now; none: it would not be a prompt.
async fn says(
    ctx: &Context,
    data: &Data,
    prompt: &Prompt,
    message: &Message,
) -> Result<Option<Said>, DoorError> {
    let guild = data.store.conversation(prompt.conversation).await?.and_then(|known| known.guild);
    let roles = match guild {
        Some(guild) => roles(Rest::of(ctx, data), guild, prompt.author.id).await?,
        None => Vec::new(),
    };
    intake::says(ctx, data, prompt, message, roles).await
}

/// The roles that somebody has now; none of whoever left.
async fn roles(rest: Rest<'_>, guild: GuildId, user: UserId) -> Result<Vec<RoleId>, DoorError> {
    match rest.member(guild, user).await {
        Ok(member) => Ok(member.roles.iter().map(|role| RoleId(role.get())).collect()),
        Err(error) if is_gone(&error) => Ok(Vec::new()),
        Err(error) => Err(error.into()),
    }
}

/// Discord will answer the same tomorrow.
fn is_refusal(error: &serenity::Error) -> bool {
    rest::status(error).is_some_and(|status| matches!(status, 400 | 403 | 410))
}

fn is_gone(error: &serenity::Error) -> bool {
    rest::status(error) == Some(404)
}

/// Takes back a prompt that waits; `alone`, without those that wait to be one turn with it.
pub async fn take_back(
    data: &Data,
    conversation: ConversationId,
    prompt: PromptId,
    taking: Taking,
) -> Result<TakenBack, DoorError> {
    let held_in = data.store.held_in(prompt).await?;
    let taken_back = data.registry.ask(conversation, |it| async move { it.withdraw(prompt, taking).await });
    let taken_back = taken_back.await?;
    if let (TakenBack::Done { .. }, Some(channel)) = (taken_back, held_in) {
        held::tell_less(data, channel, prompt).await?;
    }
    Ok(taken_back)
}

/// Tells what waits to the running turn, or lets it interrupt that: the turn that it `stops`, and no other.
pub async fn send(
    data: &Data,
    conversation: ConversationId,
    prompt: PromptId,
    wish: Wish,
    stops: Option<TurnId>,
) -> Result<Sent, DoorError> {
    Ok(data.registry.ask(conversation, |it| async move { it.send(prompt, wish, stops).await }).await?)
}

/// Stops a turn with its button; gives what there is to say to who clicked.
pub async fn stop(
    data: &Data,
    conversation: ConversationId,
    turn: TurnId,
    by: UserId,
) -> Result<Option<String>, DoorError> {
    let stopped = data.registry.ask(conversation, |it| async move { it.stop(Which::Turn(turn), by).await });
    Ok(match stopped.await? {
        // The turn says so, to everybody.
        Stopped::Turn { .. } => None,
        Stopped::Background | Stopped::Nothing | Stopped::Over | Stopped::NotTheirs => {
            Some("This turn is over already.".to_owned())
        }
    })
}

/// What somebody is told who took something back.
pub fn said_of_taking_back(taken_back: TakenBack) -> String {
    match taken_back {
        TakenBack::Done { prompts: 0 | 1 } => "Taken back: it will not be run.".to_owned(),
        TakenBack::Done { prompts } => format!("Taken back: these {prompts} messages will not be run."),
        TakenBack::Asked => {
            "The running turn was told of it already. If it has not heard it yet, it will not.".to_owned()
        }
        TakenBack::TooLate => "It does not wait any more. The *Stop* button stops what runs.".to_owned(),
    }
}

/// What somebody is told who sent something to the running turn.
pub fn said_of_sending(sent: Sent) -> &'static str {
    match sent {
        Sent::Told => {
            "Told to the turn that runs: Claude hears it with the next result of a tool, or goes into it right after."
        }
        Sent::Next => {
            "The turn cannot hear anything just now. It is told as soon as it can, or this is run next."
        }
        Sent::Waits => "Another turn began meanwhile: this waits for its own.",
        Sent::TooLate => "It does not wait any more.",
    }
}
