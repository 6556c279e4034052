//! `/stop`: the running turn ends, the session stays.

use super::{Context, here, scope};
use crate::conversation::handle::{Stopped, Which};
use crate::discord::DoorError;
use crate::discord::access::{Action, Verdict, authorize};

/// Stop what Claude is doing here. The conversation stays; just go on writing.
#[poise::command(slash_command, guild_only)]
pub async fn stop(ctx: Context<'_>) -> Result<(), DoorError> {
    super::defer(&ctx).await?;
    let scope = match scope(&ctx, here(&ctx), Action::Stop { own: true }).await? {
        Ok(scope) => scope,
        Err(sentence) => return super::reply(&ctx, &sentence).await,
    };
    if scope.conversation.is_none() {
        return super::reply(&ctx, "Nothing runs here.").await;
    }
    let by = super::person(&ctx);
    let any = authorize(&scope.rule, &by, Action::Stop { own: false }) == Verdict::Allowed;
    let which = if any { Which::Any } else { Which::Theirs };
    let stopped =
        ctx.data().registry.ask(scope.channel.into(), |it| async move { it.stop(which, by.id).await });
    let sentence = match stopped.await? {
        Stopped::NotTheirs => {
            "What runs here is somebody else's. Stopping it takes them, or an operator of this project."
                .to_owned()
        }
        Stopped::Nothing | Stopped::Over => "Nothing runs here.".to_owned(),
        Stopped::Background => {
            "Stopping what runs in the background. The conversation stays; just go on writing.".to_owned()
        }
        Stopped::Turn { queued: 0 } => "Stopping. The conversation stays; just go on writing.".to_owned(),
        Stopped::Turn { queued: 1 } => "Stopping. One prompt still waits and goes on.".to_owned(),
        Stopped::Turn { queued } => format!("Stopping. {queued} prompts still wait and go on."),
    };
    super::reply(&ctx, &sentence).await
}
