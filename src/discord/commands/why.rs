//! `/why <message link>`: why a message was not answered, or what became of it. For its author, and for operators.

use super::{Context, person, reply};
use crate::discord::access::{Action, NOT_AMONG_PEOPLE, Person, Verdict, authorize};
use crate::discord::{Data, DoorError, rule, why};
use crate::domain::ids::{ChannelId, GuildId, MessageId, UserId};
use crate::store::{Became, PromptState};

const NO_LINK: &str = "That is no link to a message. In Discord: right-click the message (on a phone: hold it), *Copy Message Link*.";
const OTHER_GUILD: &str = "That message is in another server. Ask me there.";
const UNKNOWN: &str = "I know nothing of that message. Either it was not for me (no mention of me, no answer to me, not in a thread that I \
     take part in), or it was written before I came here, or more than 30 days ago.";
const NOT_YOURS: &str = "Only its author and the operators of its project may know that.";

/// Explain why a message was not answered, or what became of it.
#[poise::command(slash_command, guild_only)]
pub async fn why(
    ctx: Context<'_>,
    #[description = "The link to the message: right-click, Copy Message Link"] link: String,
) -> Result<(), DoorError> {
    super::defer(&ctx).await?;
    let here = ctx.interaction.guild_id.map(|guild| GuildId(guild.get()));
    let sentence = match parse(&link) {
        None => NO_LINK.to_owned(),
        Some((guild, _, _)) if Some(guild) != here => OTHER_GUILD.to_owned(),
        Some((guild, channel, message)) => {
            explain(ctx.data(), &person(&ctx), guild, channel, message).await?
        }
    };
    reply(&ctx, &sentence).await
}

async fn explain(
    data: &Data,
    person: &Person,
    guild: GuildId,
    channel: ChannelId,
    message: MessageId,
) -> Result<String, DoorError> {
    if let Some(became) = data.store.became(message).await? {
        let channel = became.conversation.into();
        let may_know = may_know(data, person, guild, channel, became.author).await?;
        return Ok(if may_know { told(&became, guild) } else { NOT_YOURS.to_owned() });
    }
    let Some(ignored) = data.store.ignored(message).await? else {
        // Whether there is such a message at all is for those who may look.
        let known = may_know(data, person, guild, channel, UserId(0)).await?;
        let own_or_none =
            if known { UNKNOWN.to_owned() } else { format!("{UNKNOWN} If it is yours: {NOT_AMONG_PEOPLE}") };
        return Ok(own_or_none);
    };
    let may_know = may_know(data, person, guild, ignored.channel, ignored.author).await?;
    Ok(if may_know { why::sentence(&ignored.why) } else { NOT_YOURS.to_owned() })
}

async fn may_know(
    data: &Data,
    person: &Person,
    guild: GuildId,
    channel: ChannelId,
    author: UserId,
) -> Result<bool, DoorError> {
    if author == person.id {
        return Ok(true);
    }
    let parent = data.store.conversation(channel.into()).await?.and_then(|conversation| conversation.parent);
    let project = data.config.project_for(channel).or_else(|| data.config.project_for(parent?));
    let Some(project) = project else { return Ok(false) };
    let spot = rule::spot(project, Some(guild), channel);
    let rule = rule::rule(&data.config, &data.store, project, spot, person.id).await?;
    Ok(authorize(&rule, person, Action::Explain { own: false }) == Verdict::Allowed)
}

fn told(became: &Became, guild: GuildId) -> String {
    let shown = became.shown_in.map_or_else(String::new, |(channel, message)| {
        format!(" Here: https://discord.com/channels/{guild}/{channel}/{message}")
    });
    let error = became.error.as_ref().map_or_else(String::new, |error| format!(" ({error})"));
    match (became.state, became.outcome.as_deref()) {
        (PromptState::Queued, _) => format!("It was taken and waits its turn in <#{}>.", became.conversation),
        (PromptState::Withdrawn, _) => {
            "It was taken, and withdrawn before its turn came (`/stop`, `/reset`, or by its author). Send it again if it is \
             still wanted."
                .to_owned()
        }
        (PromptState::Refused, _) if became.is_held => {
            "It was written while I was away, and is held: a message in its channel offers to run it.".to_owned()
        }
        (PromptState::Refused, _) => match became.refused_because.as_deref().filter(|because| !because.is_empty()) {
            Some(because) => format!("It was not run: {because}"),
            None => "It was not run. Send it again if it is still wanted.".to_owned(),
        },
        (PromptState::Taken, None) => format!("Claude works on it right now.{shown}"),
        (PromptState::Taken, Some("completed")) => format!("It was answered.{shown}"),
        (PromptState::Taken, Some("interrupted")) => format!("Its turn was stopped or cut off.{error}{shown}"),
        (PromptState::Taken, Some("failed")) => format!("Its turn failed{error}.{shown}"),
        (PromptState::Taken, Some(_)) => format!("Its turn reached a limit{error}.{shown}"),
    }
}

/// The guild, channel and message of a link of Discord's; all its hosts will do.
fn parse(link: &str) -> Option<(GuildId, ChannelId, MessageId)> {
    let (_, path) = link.trim().trim_matches(['<', '>']).split_once("/channels/")?;
    let mut ids = path.split(['/', '?', '#']).map(str::parse::<u64>);
    let mut next = || ids.next()?.ok();
    Some((GuildId(next()?), ChannelId(next()?), MessageId(next()?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_read() {
        let ids = Some((GuildId(1), ChannelId(2), MessageId(3)));
        for link in [
            "https://discord.com/channels/1/2/3",
            " <https://ptb.discord.com/channels/1/2/3> ",
            "https://canary.discord.com/channels/1/2/3?x=1",
        ] {
            assert_eq!(parse(link), ids, "{link}");
        }
        for link in ["", "https://discord.com/channels/@me/2/3", "https://discord.com/channels/1/2", "3"] {
            assert_eq!(parse(link), None, "{link}");
        }
    }
}
