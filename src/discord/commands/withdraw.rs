//! *Withdraw*, on a message that waits, or on the note which says that it does: it is not run.

use serenity::all::Message;

use super::{Context, here, person, reply, scope};
use crate::conversation::handle::Taking;
use crate::discord::access::Action;
use crate::discord::{DoorError, rule, waiting};
use crate::domain::ids::MessageId;

const NOT_A_PROMPT: &str = "That message is none that waits to be run, so there is nothing to take back.";
const NOT_WAITING: &str =
    "It does not wait any more: it was run, or taken back before. *Stop* or `/stop` stops what runs.";

/// Take back a message that waits.
#[poise::command(context_menu_command = "Withdraw", guild_only)]
pub async fn withdraw(ctx: Context<'_>, message: Message) -> Result<(), DoorError> {
    super::defer(&ctx).await?;
    let data = ctx.data();
    if let Err(sentence) = scope(&ctx, here(&ctx), Action::Look).await? {
        return reply(&ctx, &sentence).await;
    }
    let Some(prompt) = data.store.prompt_at(MessageId(message.id.get())).await? else {
        return reply(&ctx, NOT_A_PROMPT).await;
    };
    let by = person(&ctx).id;
    let wanted = rule::of_what_waits(prompt.author.id, by);
    if let Err(sentence) = scope(&ctx, prompt.conversation.into(), wanted).await? {
        return reply(&ctx, &sentence).await;
    }
    if data.store.waiting_prompt(prompt.id).await?.is_none() {
        return reply(&ctx, NOT_WAITING).await;
    }
    data.store.audit(Some(by), "withdraw", &prompt.id.to_string(), "").await?;
    let taken_back = waiting::take_back(data, prompt.conversation, prompt.id, Taking::Together).await?;
    reply(&ctx, &waiting::said_of_taking_back(taken_back)).await
}
