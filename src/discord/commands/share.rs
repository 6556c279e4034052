//! `/share add|remove|list`: one more person in this conversation, for a time. As a member at most, never more than the
//! one who shares, and nowhere else.

use std::time::Duration;

use super::{Context, Scope, guild, here, person, reply, scope};
use crate::clock::WallTime;
use crate::discord::access::{
    Action, NOT_AMONG_PEOPLE, Person, Standing, Verdict, authorize, denied, standing,
};
use crate::discord::{DoorError, notice, rule};
use crate::domain::ids::{RoleId, UserId};
use crate::domain::tier::Tier;
use crate::store::Share;

/// A share counts for so long, where nobody says otherwise.
const HOURS: u64 = 24;
/// It counts for a month at most.
const HOURS_MAX: u64 = 30 * 24;
/// One conversation is shared with so many people at a time.
const GUESTS_MAX: usize = 20;

const NO_CONVERSATION: &str = "There is no conversation here yet. Write to me first, then share it.";

/// Let one more person into this conversation, for a time.
#[expect(clippy::unused_async, reason = "poise calls commands as async functions")]
#[poise::command(slash_command, guild_only, subcommands("add", "remove", "list"))]
pub async fn share(_: Context<'_>) -> Result<(), DoorError> {
    // Discord offers the three below alone.
    Ok(())
}

/// Let a person write in this conversation, for a time, and nowhere else.
#[poise::command(slash_command, guild_only)]
async fn add(
    ctx: Context<'_>,
    #[description = "Whom to let in"] whom: serenity::all::Member,
    #[description = "For how many hours; 24 if you do not say, 720 at most"]
    #[min = 1]
    #[max = 720]
    hours: Option<u64>,
) -> Result<(), DoorError> {
    super::defer(&ctx).await?;
    let scope = match allowed(&ctx).await? {
        Ok(scope) => scope,
        Err(sentence) => return reply(&ctx, &sentence).await,
    };
    if whom.user.bot {
        return reply(&ctx, "I listen to people only, so a bot cannot be let in.").await;
    }
    let data = ctx.data();
    let by = person(&ctx);
    let guest = Person {
        id: UserId(whom.user.id.get()),
        roles: whom.roles.iter().map(|role| RoleId(role.get())).collect(),
        manages_messages: false,
    };
    let spot = rule::spot(scope.project, guild(&ctx), scope.channel);
    let rule = data.config.access_at(scope.project, spot);
    match standing(&rule, &guest) {
        Standing::Blocked => {
            return reply(&ctx, "That person is kept out by the configuration, so they cannot be let in.")
                .await;
        }
        Standing::Among(tier) if tier >= Tier::Member => {
            return reply(&ctx, "That person may write here already.").await;
        }
        Standing::Among(_) | Standing::Guest(_) | Standing::Stranger => {}
    }
    let others = data.store.shares(scope.channel.into()).await?;
    if others.iter().filter(|share| share.person != guest.id).count() >= GUESTS_MAX {
        let sentence =
            format!("This conversation is shared with {GUESTS_MAX} people already. Remove one first.");
        return reply(&ctx, &sentence).await;
    }
    // The sharer has this tier at least, or they could not share.
    let tier = Tier::Member;
    let hours = hours.unwrap_or(HOURS).clamp(1, HOURS_MAX);
    let lasts = Duration::from_secs(hours * 3600);
    let now = data.clock.wall();
    let expires_at = WallTime(now.0.saturating_add(i64::try_from(lasts.as_millis()).unwrap_or(i64::MAX)));
    data.store.share(scope.channel.into(), &Share { person: guest.id, tier, by: by.id, expires_at }).await?;
    let until = expires_at.0 / 1000;
    let public = format!(
        "🔑 <@{}> shared this conversation with <@{}>, who may write here until <t:{until}:f>. What Claude asks is answered \
         by the people of the project.",
        by.id, guest.id
    );
    notice::tell(data, scope.channel, &format!("share:{}", ctx.interaction.id), &public);
    reply(
        &ctx,
        &format!("Done: <@{}> may write here until <t:{until}:f>. `/share remove` ends it.", guest.id),
    )
    .await
}

/// End a share of this conversation. What that person has waiting is not run any more.
#[poise::command(slash_command, guild_only)]
async fn remove(
    ctx: Context<'_>,
    #[description = "Whom to let out"] whom: serenity::all::User,
) -> Result<(), DoorError> {
    super::defer(&ctx).await?;
    let scope = match allowed(&ctx).await? {
        Ok(scope) => scope,
        Err(sentence) => return reply(&ctx, &sentence).await,
    };
    let data = ctx.data();
    let (by, guest) = (person(&ctx).id, UserId(whom.id.get()));
    if !data.store.unshare(scope.channel.into(), guest, by).await? {
        return reply(&ctx, "This conversation is not shared with that person.").await;
    }
    let public = format!("🔒 <@{by}> ended the share of this conversation with <@{guest}>.");
    notice::tell(data, scope.channel, &format!("share:{}", ctx.interaction.id), &public);
    reply(&ctx, "Done. What that person has waiting here is not run any more; a turn that runs goes on.")
        .await
}

/// Show with whom this conversation is shared.
#[poise::command(slash_command, guild_only)]
async fn list(ctx: Context<'_>) -> Result<(), DoorError> {
    super::defer(&ctx).await?;
    let scope = match scope(&ctx, here(&ctx), Action::Look).await? {
        Ok(scope) => scope,
        Err(sentence) => return reply(&ctx, &sentence).await,
    };
    let shares = ctx.data().store.shares(scope.channel.into()).await?;
    if shares.is_empty() {
        return reply(&ctx, "This conversation is shared with nobody.").await;
    }
    let line = |share: &Share| {
        let until = share.expires_at.0 / 1000;
        format!("- <@{}>, {} until <t:{until}:f>, by <@{}>", share.person, share.tier, share.by)
    };
    reply(&ctx, &shares.iter().map(line).collect::<Vec<_>>().join("\n")).await
}

/// The conversation, if this person may share it: an operator, or the one who opened it.
async fn allowed<'a>(ctx: &Context<'a>) -> Result<Result<Scope<'a>, String>, DoorError> {
    let channel = here(ctx);
    let data = ctx.data();
    let by = person(ctx);
    let opener = data.store.opener(channel.into()).await?;
    let action = Action::Share { opener: opener == Some(by.id) };
    let scope = match scope(ctx, channel, action).await? {
        Ok(scope) => scope,
        Err(sentence) => return Ok(Err(sentence)),
    };
    if scope.conversation.is_none() {
        return Ok(Err(NO_CONVERSATION.to_owned()));
    }
    // Who is a guest here lets nobody else in.
    let rule = data.config.access_at(scope.project, rule::spot(scope.project, guild(ctx), channel));
    match authorize(&rule, &by, action) {
        Verdict::Allowed => Ok(Ok(scope)),
        Verdict::NotAmongPeople => Ok(Err("A guest cannot share this conversation further.".to_owned())),
        verdict => Ok(Err(denied(verdict, &rule, None).unwrap_or_else(|| NOT_AMONG_PEOPLE.to_owned()))),
    }
}
