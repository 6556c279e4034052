//! `/steer <text>`: told to the turn that runs. `/interrupt <text>`: in its place. Nobody else sees what is typed here, so
//! the turn shows it.

use super::{Context, here, person, scope};
use crate::conversation::handle::Sent;
use crate::discord::access::{Action, authorize, denied};
use crate::discord::{DoorError, intake, waiting};
use crate::domain::prompt::{Origin, Prompt, Wish};

/// Tell Claude something while it works; it goes on with that in mind.
#[poise::command(slash_command, guild_only)]
pub async fn steer(
    ctx: Context<'_>,
    #[description = "What Claude is to hear now"]
    #[max_length = 2000]
    text: String,
) -> Result<(), DoorError> {
    say(ctx, text, Wish::Steer).await
}

/// Stop what runs, and do this instead. What waits goes on after it.
#[poise::command(slash_command, guild_only)]
pub async fn interrupt(
    ctx: Context<'_>,
    #[description = "What Claude is to do instead"]
    #[max_length = 2000]
    text: String,
) -> Result<(), DoorError> {
    say(ctx, text, Wish::Interrupt).await
}

async fn say(ctx: Context<'_>, text: String, wish: Wish) -> Result<(), DoorError> {
    super::defer(&ctx).await?;
    let scope = match scope(&ctx, here(&ctx), Action::Prompt).await? {
        Ok(scope) => scope,
        Err(sentence) => return super::reply(&ctx, &sentence).await,
    };
    if scope.conversation.is_none() || text.trim().is_empty() {
        let sentence = "There is no conversation here yet. Write to me first.";
        return super::reply(&ctx, sentence).await;
    }
    let data = ctx.data();
    let conversation = scope.channel.into();
    let running = data.registry.status(conversation).and_then(|status| status.turn);
    if let (Wish::Interrupt, Some(turn)) = (wish, running) {
        // It stops what runs.
        let by = person(&ctx);
        let own = data.store.asker(turn).await? == Some(by.id);
        let verdict = authorize(&scope.rule, &by, Action::Stop { own });
        if let Some(sentence) = denied(verdict, &scope.rule, None) {
            return super::reply(&ctx, &sentence).await;
        }
    }
    let origin = Origin::Command { channel: scope.channel, interaction: ctx.interaction.id.get() };
    let prompt = Prompt {
        id: Prompt::id_of(&origin),
        received_at: origin.said_at(),
        origin,
        conversation,
        author: super::author(&ctx),
        text: text.trim().to_owned(),
        attachments: Vec::new(),
        // What it is to stop is said with the turn that was looked at: another may run when it is taken.
        wish: if wish == Wish::Interrupt { Wish::Wait } else { wish },
    };
    let id = prompt.id;
    if let Some(sentence) = intake::take(data, prompt).await? {
        return super::reply(&ctx, &sentence).await;
    }
    let sentence = match (wish, waiting::send(data, conversation, id, wish, running).await?) {
        (Wish::Steer, sent @ (Sent::Told | Sent::Next)) => waiting::said_of_sending(sent),
        (_, Sent::Waits) => waiting::said_of_sending(Sent::Waits),
        (Wish::Interrupt, Sent::Told | Sent::Next) => "What runs is stopped, then this is next.",
        // It has begun already.
        (_, _) => "Nothing ran, so Claude begins with it now.",
    };
    super::reply(&ctx, sentence).await
}
