//! A click, a choice or a form of ours → what it means, authorised like a message, answered within Discord's three
//! seconds, and done once. Whoever was late, or may not, is told so privately.
//!
//! A button that opens a form is authorised twice: when the form opens, and when it is sent off.

use std::time::Duration;

use serenity::all::Context;

use super::access::Person;
use super::catch_up::held;
use super::incoming::Incoming;
use super::{Data, DoorError, about, notice, rule, waiting};
use crate::config::Project;
use crate::conversation::handle::{Answered, Click, GoneOn, Taking};
use crate::domain::action::{Action, Choice, FormKind};
use crate::domain::answer::Said;
use crate::domain::ids::{AskId, ConversationId, MessageId, TurnId};
use crate::domain::prompt::{Author, Wish};
use crate::render::chunk::chunk;
use crate::render::escape::escape;
use crate::render::form::{self, Form};
use crate::render::view;
use crate::store::{AskState, Conversation, StoredAsk, StoredButton};

/// So long the database may take before the click is acknowledged in any case.
const LOOK_UP_MAX: Duration = Duration::from_millis(1_500);
/// *Show all* says so much in messages of at most so many UTF-16 units; the rest is in a file.
const SHOWN_MESSAGES_MAX: usize = 4;
const SHOWN_UNITS_MAX: usize = 1_900;

const NOT_OURS: &str =
    "I do not know this button (any more). If you still need it, ask me again in a new message.";
const NO_PROJECT: &str = "This channel belongs to no project any more, so there is nothing to do here.";
const VOID: &str = "This question is void: Claude does not wait for it any more, because the turn was stopped or is over. Ask again if \
     you still want it done.";
const NOT_CUT_OFF: &str = "There is nothing to go on with here. Just write what you want next.";
const TOO_SLOW: &str = "That took me too long to open, so nothing was done. Press it again.";

/// What a click comes to, as far as the database tells.
enum Found {
    /// This is what it means.
    Meaning(StoredButton),
    /// A form is to be opened, under this id.
    Form(String, Form),
    /// There is something to say, and nothing to do.
    Told(String),
}

/// Serves what a person did. What goes wrong is logged, and said to this person.
pub async fn serve(ctx: &Context, data: &Data, incoming: Incoming<'_>) {
    let mut looked_up = tokio::time::timeout(LOOK_UP_MAX, find(data, incoming)).await;
    if let Ok(Ok(Found::Form(id, form))) = looked_up {
        incoming.open(ctx, data, &id, form).await;
        return;
    }
    // Whatever it means, Discord wants to hear within three seconds that it came.
    incoming.acknowledge(ctx, data).await;
    if looked_up.is_err() {
        // The disk hangs; there is time now, but not for a form any more.
        looked_up = Ok(find(data, incoming).await.map(|found| match found {
            Found::Form(..) => Found::Told(TOO_SLOW.to_owned()),
            found => found,
        }));
    }
    let served = match looked_up {
        Ok(Ok(Found::Meaning(button))) => act(ctx, data, incoming, button).await,
        Ok(Ok(Found::Told(sentence))) => Ok(Some(sentence)),
        Ok(Ok(Found::Form(..))) | Err(_) => Ok(Some(TOO_SLOW.to_owned())),
        Ok(Err(error)) => Err(error),
    };
    let sentence = match served {
        Ok(None) => return,
        Ok(Some(sentence)) => sentence,
        Err(error) => notice::of_error(&error),
    };
    incoming.tell(ctx, data, &sentence, None).await;
}

/// What it means. A form is made here, because it must be the first answer.
async fn find(data: &Data, incoming: Incoming<'_>) -> Result<Found, DoorError> {
    let Some(button) = data.store.button(incoming.custom_id()).await? else {
        return Ok(Found::Told(NOT_OURS.to_owned()));
    };
    let Action::OpenForm { ask, form } = button.action else { return Ok(Found::Meaning(button)) };
    if let Err(sentence) = may(data, &button, &incoming.person(), &[]).await? {
        return Ok(Found::Told(sentence));
    }
    let Some(stored) = data.store.ask(ask).await? else { return Ok(Found::Told(VOID.to_owned())) };
    if let Some(sentence) = settled(&stored) {
        return Ok(Found::Told(sentence));
    }
    let draft = data.store.draft(ask).await?;
    let Some(made) = form::of(&stored.ask, form, &draft) else { return Ok(Found::Told(VOID.to_owned())) };
    let submit = vec![Action::SubmitForm { ask, form }];
    let id = data.store.button_ids(button.conversation, submit).await?.into_iter().next();
    Ok(id.map_or_else(|| Found::Told(NOT_OURS.to_owned()), |id| Found::Form(id, made)))
}

/// The conversation that it is about, or why this person may not do it. `written` is what they wrote into a form.
async fn may(
    data: &Data,
    button: &StoredButton,
    person: &Person,
    written: &[String],
) -> Result<Result<Conversation, String>, DoorError> {
    let Some(conversation) = data.store.conversation(button.conversation).await? else {
        return Ok(Err(NOT_OURS.to_owned()));
    };
    let Some(project) = project_of(data, &conversation) else { return Ok(Err(NO_PROJECT.to_owned())) };
    let may = rule::click(data, &conversation, project, person, &button.action, written).await?;
    Ok(may.map(|()| conversation))
}

/// Does what it means; gives what there is to say to this person alone.
async fn act(
    ctx: &Context,
    data: &Data,
    incoming: Incoming<'_>,
    button: StoredButton,
) -> Result<Option<String>, DoorError> {
    if let Action::AskAbout { channel, message } = button.action {
        // Its conversation may be one that begins with it.
        return about::ask(ctx, data, incoming, channel, message).await.map(Some);
    }
    let person = incoming.person();
    let written_texts = incoming.written();
    let conversation = match may(data, &button, &person, &written_texts).await? {
        Ok(conversation) => conversation,
        Err(sentence) => return Ok(Some(sentence)),
    };
    let by = Author { id: person.id, name: incoming.name() };
    let id = conversation.id;
    match button.action {
        Action::Answer { ask, choice } => answer(data, id, ask, said(choice), by).await,
        Action::Choose { ask, question } => {
            let said = Said::Options { question: question.into(), options: incoming.chosen() };
            answer(data, id, ask, said, by).await
        }
        Action::SubmitForm { ask, form } => answer(data, id, ask, written(form, written_texts), by).await,
        // The one is opened where it is found, the other is served above.
        Action::OpenForm { .. } | Action::AskAbout { .. } => Ok(Some(TOO_SLOW.to_owned())),
        Action::ShowAll { ask } => show_all(ctx, data, incoming, ask).await,
        Action::Stop { turn } => waiting::stop(data, id, turn, by.id).await,
        Action::Withdraw { prompt } => {
            data.store.audit(Some(by.id), "withdraw", &prompt.to_string(), "").await?;
            let taken_back = waiting::take_back(data, id, prompt, Taking::Together).await?;
            Ok(Some(waiting::said_of_taking_back(taken_back)))
        }
        Action::SendNow { prompt } => {
            data.store.audit(Some(by.id), "send", &prompt.to_string(), "").await?;
            let sent = waiting::send(data, id, prompt, Wish::Steer, None).await?;
            Ok(Some(waiting::said_of_sending(sent).to_owned()))
        }
        Action::GoOn { turn } => go_on(ctx, data, id, incoming, turn, by).await,
        // The notice says so, to everybody.
        Action::RunHeld { conversation } => {
            data.store.audit(Some(by.id), "run_held", &conversation.to_string(), "").await?;
            let count = held::run(data, conversation.into()).await?;
            Ok(said_of_held(ctx, data, incoming, count).await)
        }
        Action::IgnoreHeld { conversation } => {
            data.store.audit(Some(by.id), "ignore_held", &conversation.to_string(), "").await?;
            let count = held::ignore(data, conversation.into()).await?;
            Ok(said_of_held(ctx, data, incoming, count).await)
        }
    }
}

fn said(choice: Choice) -> Said {
    match choice {
        Choice::AllowOnce => Said::AllowOnce,
        Choice::AllowForSession => Said::AllowForSession,
        Choice::Deny => Said::Deny,
        Choice::Option { option } => Said::Option(option.into()),
        Choice::Send => Said::Send,
    }
}

fn written(form: FormKind, texts: Vec<String>) -> Said {
    let first = |texts: Vec<String>| texts.into_iter().next().unwrap_or_default();
    match form {
        FormKind::Why => Said::DenyBecause(first(texts)),
        FormKind::Edit => Said::Edited(first(texts)),
        FormKind::Own => Said::Own(texts),
        FormKind::Fill => Said::Filled(texts),
    }
}

async fn answer(
    data: &Data,
    conversation: ConversationId,
    ask: AskId,
    said: Said,
    by: Author,
) -> Result<Option<String>, DoorError> {
    let answered = data.registry.ask(conversation, |it| {
        let (said, by) = (said.clone(), by.clone());
        async move { it.answer(ask, said, by).await }
    });
    let answered = answered.await?;
    Ok(said_of_answer(answered, &said))
}

async fn said_of_held(ctx: &Context, data: &Data, incoming: Incoming<'_>, count: usize) -> Option<String> {
    if count > 0 {
        return None;
    }
    // A daemon that died when it had been decided never said so here.
    incoming.take_buttons_away(ctx, data).await;
    Some("Nothing is held here any more: somebody was first.".to_owned())
}

fn said_of_answer(answered: Answered, said: &Said) -> Option<String> {
    match answered {
        // The card says so, to everybody.
        Answered::Taken | Answered::Noted => None,
        Answered::Unfit { sentence } => Some(sentence),
        Answered::Before { by: Some(by), allowed } => {
            let yours = match said {
                Said::Deny | Said::DenyBecause(_) if allowed => {
                    " Your click changed nothing; `/stop` stops the turn."
                }
                Said::Deny | Said::DenyBecause(_) => "",
                Said::AllowOnce | Said::AllowForSession if allowed => "",
                _ => " Your click changed nothing.",
            };
            Some(format!("{}{yours}", was_first(&by, allowed)))
        }
        Answered::Before { by: None, allowed } => Some(by_itself(allowed)),
        Answered::Void => Some(VOID.to_owned()),
    }
}

fn was_first(by: &str, allowed: bool) -> String {
    let what = if allowed { "allowed" } else { "denied" };
    format!("{} was first: this is {what} already.", escape(by))
}

fn by_itself(allowed: bool) -> String {
    let what = if allowed { "allowed" } else { "denied" };
    format!("Nobody answered in time, so this was {what} by itself. Ask again if you still want it.")
}

/// What there is to say of an ask that does not wait any more.
fn settled(ask: &StoredAsk) -> Option<String> {
    let allowed = match ask.state {
        AskState::Open => return None,
        AskState::Withdrawn => return Some(VOID.to_owned()),
        AskState::Allowed => true,
        AskState::Denied | AskState::Expired => false,
    };
    Some(ask.settled_by.as_ref().map_or_else(|| by_itself(allowed), |by| was_first(by, allowed)))
}

/// Shows all of what an ask is for, to this person alone.
async fn show_all(
    ctx: &Context,
    data: &Data,
    incoming: Incoming<'_>,
    ask: AskId,
) -> Result<Option<String>, DoorError> {
    let stored = data.store.ask(ask).await?;
    let Some(whole) = stored.and_then(|stored| view::whole(&stored.ask)) else {
        return Ok(Some(VOID.to_owned()));
    };
    let pieces = chunk(&whole.markdown(), SHOWN_UNITS_MAX);
    for piece in pieces.iter().take(SHOWN_MESSAGES_MAX) {
        incoming.tell(ctx, data, piece, None).await;
    }
    if pieces.len() > SHOWN_MESSAGES_MAX {
        let file = Some(whole.file());
        incoming.tell(ctx, data, "-# … it goes on; all of it is in this file:", file).await;
    }
    Ok(None)
}

async fn go_on(
    ctx: &Context,
    data: &Data,
    conversation: ConversationId,
    incoming: Incoming<'_>,
    turn: TurnId,
    by: Author,
) -> Result<Option<String>, DoorError> {
    let wanted = Click {
        turn,
        channel: incoming.channel(),
        message: incoming.message().unwrap_or(MessageId(incoming.id())),
        id: incoming.id(),
        by,
    };
    let gone_on = data.registry.ask(conversation, |it| {
        let wanted = wanted.clone();
        async move { it.go_on(wanted).await }
    });
    let sentence = match gone_on.await? {
        GoneOn::Taken => None,
        GoneOn::Before { by } => Some(format!("{} was first: it goes on already.", escape(&by))),
        GoneOn::Full => {
            return Ok(Some("Too many prompts wait here. Click again when some are done.".to_owned()));
        }
        GoneOn::Void => Some(NOT_CUT_OFF.to_owned()),
    };
    // The turn is over, so nothing else changes its message: the button goes with the click.
    incoming.take_buttons_away(ctx, data).await;
    Ok(sentence)
}

fn project_of<'a>(data: &'a Data, conversation: &Conversation) -> Option<&'a Project> {
    data.config.project_for(conversation.parent.unwrap_or(conversation.id.into()))
}
