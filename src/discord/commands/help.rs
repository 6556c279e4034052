//! `/help`: what one can do, where.

use super::page::page;
use super::{Context, guild, person, status};
use crate::config::{ConversationScope, RespondTo};
use crate::discord::DoorError;
use crate::discord::access::{Action, NOT_AMONG_PEOPLE, Verdict, authorize};
use crate::discord::rule;

/// How to talk to Claude here.
#[poise::command(slash_command)]
pub async fn help(ctx: Context<'_>) -> Result<(), DoorError> {
    super::defer(&ctx).await?;
    if !status::sees_a_project(&ctx) && status::seen(&ctx).await?.is_empty() {
        return super::reply(&ctx, NOT_AMONG_PEOPLE).await;
    }
    let data = ctx.data();
    let person = person(&ctx);
    let guild = guild(&ctx);
    let places: Vec<_> = data
        .config
        .projects
        .iter()
        .filter_map(|project| {
            let rule = data.config.access_at(project, rule::spot(project, guild, project.channel_id));
            let may = |action| authorize(&rule, &person, action) == Verdict::Allowed;
            may(Action::Look).then(|| (project, may(Action::Prompt)))
        })
        .map(|(project, prompts)| {
            if !prompts {
                return format!("- <#{}> **{}**: you may look", project.channel_id, project.name);
            }
            let how = match project.respond_to {
                RespondTo::Mentions => "mention me",
                RespondTo::All => "just write",
            };
            let scope = match project.conversation {
                ConversationScope::Channel => "one conversation",
                ConversationScope::Thread => "each request gets a thread",
            };
            format!("- <#{}> **{}**: {how}; {scope}", project.channel_id, project.name)
        })
        .collect();
    super::reply(&ctx, HOW).await?;
    // Of its own: there may be as many as one message holds.
    let above = if places.is_empty() { OF_A_GUEST } else { "**Your projects**" };
    super::reply(&ctx, &page(above, &places)).await
}

/// To somebody who may use no project as a whole.
const OF_A_GUEST: &str =
    "**Your projects**: none as a whole; just write in the conversation that is shared with you.";

const HOW: &str = "I run Claude Code in a project's directory and show what it does.\n\
    - **Ask**: mention me in a project's channel, or reply to one of my messages. In a thread that I take part in, just \
    write. Files that you attach come along; `@path` names a file of the project.\n\
    - **One at a time**: what you write meanwhile waits its turn. 👀 taken · ⚙️ working · ✅ done · ❌ failed · ⏹️ stopped\n\
    - **When Claude asks** (a permission, a question, a plan) a card has the answers as buttons; *Other…*, *Deny and say \
    why* and *Edit, then allow* open a form. The first answer of somebody who may answer counts; without one it is denied in the end. \
    What cannot be undone is asked about in every mode, and some things a rule of the project may ask about or deny\n\
    - **What waits** is changed by editing its message and taken back by deleting it; ⏩ on it, or *Send now*, tells it to \
    the turn that runs. `/queue` shows all of it\n\
    - `/steer` tells something to the turn that runs, `/interrupt` does something else instead\n\
    - `/stop`, or the *Stop* button, stops what runs; the conversation stays\n\
    - **On any message** (right-click, or hold it: *Apps*): *Ask Claude about this* with its files and what it replies to, \
    *Retry* what it asked for, *Withdraw* it while it waits\n\
    - `/retry` runs the last prompt once more\n\
    - `/reset` begins the conversation anew\n\
    - `/model` chooses the model, `/effort` how hard it thinks\n\
    - `/mode` shows or chooses what Claude may do without asking\n\
    - `/waiting` shows what waits for whose answer, in all channels\n\
    - `/status` shows all conversations, with their cost\n\
    - `/share` lets one more person into this conversation, for a time\n\
    - `/why` explains what became of a message, by its link";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::message::{CONTENT_UNITS_MAX, units};

    #[test]
    fn the_help_fits_one_message() {
        assert!(units(HOW) <= CONTENT_UNITS_MAX);
    }
}
