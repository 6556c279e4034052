//! A click on a button of ours → what it means, authorised like a message, acknowledged within Discord's three seconds,
//! and done once. Whoever was late, or may not, is told so privately.

use std::time::Duration;

use serenity::all::{
    ComponentInteraction, Context, CreateInteractionResponse, CreateInteractionResponseFollowup,
    EditInteractionResponse, Permissions,
};

use super::access::{self, Person, Verdict, authorize};
use super::catch_up::held;
use super::{Data, DoorError, notice, rest};
use crate::chain::Chain;
use crate::config::Project;
use crate::conversation::handle::{Answered, Click, Gone, GoneOn, Handle};
use crate::domain::action::{Action, Choice};
use crate::domain::ids::{ChannelId, MessageId, RoleId, TurnId, UserId};
use crate::domain::prompt::Author;
use crate::store::{Conversation, StoredButton};

/// So long the database may take before the click is acknowledged in any case.
const LOOK_UP_MAX: Duration = Duration::from_millis(1_500);

const NOT_OURS: &str =
    "I do not know this button (any more). If you still need it, ask me again in a new message.";
const NOT_ALLOWED: &str = "You are not among the people of this project, so your click counts for nothing. Ask whoever runs the bot to add you.";
const NO_PROJECT: &str = "This channel belongs to no project any more, so there is nothing to do here.";
const VOID: &str = "This question is void: Claude does not wait for it any more, because the turn was stopped or is over. Ask again if \
     you still want it done.";
const NOT_CUT_OFF: &str = "There is nothing to go on with here. Just write what you want next.";

/// Serves a click. What goes wrong is logged, and said to the person who clicked.
pub async fn click(ctx: &Context, data: &Data, click: &ComponentInteraction) {
    let looked_up = tokio::time::timeout(LOOK_UP_MAX, data.store.button(&click.data.custom_id)).await;
    // Whatever it means, Discord wants to hear within three seconds that it came.
    let breaker = data.catch_up.breaker();
    let acknowledge = click.create_response(&ctx.http, CreateInteractionResponse::Acknowledge);
    if let Err(error) = rest::answer(breaker, acknowledge).await {
        tracing::warn!(error = %Chain(&error), "a click could not be acknowledged");
    }
    let found = match looked_up {
        Ok(found) => found.map_err(DoorError::from),
        // The disk hangs; there is time now.
        Err(_) => data.store.button(&click.data.custom_id).await.map_err(DoorError::from),
    };
    let served = match found {
        Ok(Some(button)) => serve(ctx, data, click, button).await,
        Ok(None) => Ok(Some(NOT_OURS.to_owned())),
        Err(error) => Err(error),
    };
    let sentence = match served {
        Ok(None) => return,
        Ok(Some(sentence)) => sentence,
        Err(error) => notice::of_error(&error),
    };
    let answer = CreateInteractionResponseFollowup::new().content(sentence).ephemeral(true);
    if let Err(error) = rest::answer(breaker, click.create_followup(&ctx.http, answer)).await {
        tracing::warn!(error = %Chain(&error), "an answer to a click could not be sent");
    }
}

/// Does what the button means; gives what there is to say to this person alone.
async fn serve(
    ctx: &Context,
    data: &Data,
    click: &ComponentInteraction,
    button: StoredButton,
) -> Result<Option<String>, DoorError> {
    let Some(conversation) = data.store.conversation(button.conversation).await? else {
        return Ok(Some(NOT_OURS.to_owned()));
    };
    let Some(project) = project_of(data, &conversation) else { return Ok(Some(NO_PROJECT.to_owned())) };
    let person = person(click);
    let verdict = authorize(data.config.access_for(project), &person, wanted(&button.action));
    if verdict != Verdict::Allowed {
        tracing::info!(person = %person.id, ?verdict, "a click that is not allowed");
        return Ok(Some(NOT_ALLOWED.to_owned()));
    }
    let by = Author { id: person.id, name: name(click) };
    let handle = || data.registry.conversation(conversation.id);
    match button.action {
        Action::Answer { ask, choice } => {
            let answered = match handle().answer(ask, choice.clone(), by.clone()).await {
                // An actor that just ended has left the registry by the second try.
                Err(Gone) => handle().answer(ask, choice.clone(), by).await?,
                Ok(answered) => answered,
            };
            Ok(said_of_answer(answered, &choice))
        }
        Action::GoOn { turn } => go_on(ctx, data, &handle, click, turn, by).await,
        // The notice says so, to everybody.
        Action::RunHeld { conversation } => Ok(said_of_held(held::run(data, conversation.into()).await?)),
        Action::IgnoreHeld { conversation } => {
            Ok(said_of_held(held::ignore(data, conversation.into()).await?))
        }
    }
}

fn said_of_held(count: usize) -> Option<String> {
    (count == 0).then(|| "Nothing is held here any more: somebody was first.".to_owned())
}

fn said_of_answer(answered: Answered, choice: &Choice) -> Option<String> {
    let what = |allowed: bool| if allowed { "allowed" } else { "denied" };
    match answered {
        // The card says so, to everybody.
        Answered::Taken => None,
        Answered::Before { by: Some(by), allowed } => {
            let by = crate::render::escape::escape(&by);
            let yours = match choice {
                Choice::AllowOnce | Choice::AllowForSession if !allowed => " Your click changed nothing.",
                Choice::Deny if allowed => " Your click changed nothing; `/stop` stops the turn.",
                Choice::AllowOnce | Choice::AllowForSession | Choice::Deny => "",
            };
            Some(format!("{by} was first: this is {} already.{yours}", what(allowed)))
        }
        Answered::Before { by: None, allowed } => Some(format!(
            "Nobody answered in time, so this was {} by itself. Ask again if you still want it.",
            what(allowed)
        )),
        Answered::Void => Some(VOID.to_owned()),
    }
}

async fn go_on(
    ctx: &Context,
    data: &Data,
    handle: &impl Fn() -> Handle,
    click: &ComponentInteraction,
    turn: TurnId,
    by: Author,
) -> Result<Option<String>, DoorError> {
    let wanted = Click {
        turn,
        channel: ChannelId(click.channel_id.get()),
        message: MessageId(click.message.id.get()),
        id: click.id.get(),
        by,
    };
    let gone_on = match handle().go_on(wanted.clone()).await {
        Err(Gone) => handle().go_on(wanted).await?,
        Ok(gone_on) => gone_on,
    };
    let sentence = match gone_on {
        GoneOn::Taken => None,
        GoneOn::Before { by } => {
            Some(format!("{} was first: it goes on already.", crate::render::escape::escape(&by)))
        }
        GoneOn::Full => {
            return Ok(Some("Too many prompts wait here. Click again when some are done.".to_owned()));
        }
        GoneOn::Void => Some(NOT_CUT_OFF.to_owned()),
    };
    // The turn is over, so nothing else changes its message: the button goes with the click.
    let without = EditInteractionResponse::new().components(Vec::new());
    let edit = click.edit_response(&ctx.http, without);
    if let Err(error) = rest::answer(data.catch_up.breaker(), edit).await {
        tracing::warn!(error = %Chain(&error), "a button could not be taken away");
    }
    Ok(sentence)
}

/// What somebody wants who clicks this.
fn wanted(action: &Action) -> access::Action {
    match action {
        Action::Answer { .. } => access::Action::Answer,
        Action::GoOn { .. } | Action::RunHeld { .. } | Action::IgnoreHeld { .. } => access::Action::Prompt,
    }
}

fn project_of<'a>(data: &'a Data, conversation: &Conversation) -> Option<&'a Project> {
    data.config.project_for(conversation.parent.unwrap_or(conversation.id.into()))
}

/// Who clicked, as Discord says in the interaction itself.
fn person(click: &ComponentInteraction) -> Person {
    let member = click.member.as_ref();
    Person {
        id: UserId(click.user.id.get()),
        roles: member.iter().flat_map(|member| &member.roles).map(|role| RoleId(role.get())).collect(),
        manages_messages: member
            .and_then(|member| member.permissions)
            .is_some_and(|permissions| permissions.contains(Permissions::MANAGE_MESSAGES)),
    }
}

fn name(click: &ComponentInteraction) -> String {
    let nick = click.member.as_ref().and_then(|member| member.nick.clone());
    nick.or_else(|| click.user.global_name.clone()).unwrap_or_else(|| click.user.name.clone())
}
