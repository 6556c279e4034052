//! `/status`: what is going on in this server, as far as this person may see it.

use std::time::Duration;

use super::page::page;
use super::{Context, person};
use crate::clock::WallTime;
use crate::discord::access::{Action, NOT_AMONG_PEOPLE, Verdict, authorize};
use crate::discord::{Data, DoorError, rule};
use crate::domain::ids::ChannelId;
use crate::domain::tier::Tier;
use crate::outbox::breaker::Standing;
use crate::outbox::deliver::Closed;
use crate::render::view;
use crate::store::ConversationStatus;

/// So many channels that take nothing are named.
const CLOSED_MAX: usize = 5;

/// Show the conversations: project, model, state, turns, tokens, cost, age.
#[poise::command(slash_command, guild_only)]
pub async fn status(ctx: Context<'_>) -> Result<(), DoorError> {
    super::defer(&ctx).await?;
    let data = ctx.data();
    let guild = super::guild(&ctx);
    let person = person(&ctx);
    let rows = seen(&ctx).await?;
    if rows.is_empty() && !sees_a_project(&ctx) {
        return super::reply(&ctx, NOT_AMONG_PEOPLE).await;
    }
    let now = data.clock.wall();
    let lines: Vec<_> = rows
        .iter()
        .map(|row| {
            let live = data.registry.status(row.conversation).unwrap_or_default();
            let state = match (live.turn, live.queued) {
                (Some(_), 0) => "▶️ working".to_owned(),
                (Some(_), queued) => format!("▶️ working, {queued} queued"),
                (None, 0) if live.process => "☕ warm".to_owned(),
                (None, 0) => "💤 idle".to_owned(),
                (None, queued) => format!("⏳ {queued} queued"),
            };
            line(row, &state, now)
        })
        .collect();
    let writes_in = |channel: ChannelId| {
        let own = data.config.project_for(channel);
        let own = own.or_else(|| {
            let row = rows.iter().find(|row| ChannelId::from(row.conversation) == channel)?;
            data.config.project_named(&row.project)
        });
        own.is_some_and(|project| {
            let rule = data.config.access_at(project, rule::spot(project, guild, channel));
            authorize(&rule, &person, Action::Prompt) == Verdict::Allowed
        })
    };
    let mut above = troubles(data, writes_in);
    if lines.is_empty() {
        above.push("No conversation yet. Mention me in a project's channel to begin one.".to_owned());
    }
    super::reply(&ctx, &page(&above.join("\n"), &lines)).await
}

/// The conversations of this server that this person may look at.
pub async fn seen(ctx: &Context<'_>) -> Result<Vec<ConversationStatus>, DoorError> {
    let (data, guild, person) = (ctx.data(), super::guild(ctx), person(ctx));
    let shared = data.store.conversations_shared_with(person.id).await?;
    let mut rows = data.store.status(guild).await?;
    rows.retain(|row| {
        data.config.project_named(&row.project).is_some_and(|project| {
            let spot = rule::spot(project, guild, row.conversation.into());
            let guest = shared.contains(&row.conversation).then_some((person.id, Tier::Member));
            let rule = data.config.access_at(project, spot).shared_with(guest);
            authorize(&rule, &person, Action::Look) == Verdict::Allowed
        })
    });
    Ok(rows)
}

/// Whether this person may look at any project in this server.
pub fn sees_a_project(ctx: &Context<'_>) -> bool {
    let (config, guild, person) = (&ctx.data().config, super::guild(ctx), person(ctx));
    config.projects.iter().any(|project| {
        let rule = config.access_at(project, rule::spot(project, guild, project.channel_id));
        authorize(&rule, &person, Action::Look) == Verdict::Allowed
    })
}

/// What keeps the bot from working as it should, for everybody.
fn troubles(data: &Data, seen: impl Fn(ChannelId) -> bool) -> Vec<String> {
    let Standing { refused, wait } = data.catch_up.breaker().standing();
    let waits = (!wait.is_zero()).then(|| {
        format!(
            "⚠️ **Discord refused {refused} of my requests within ten minutes**, so I send nothing for up to {}; then I go \
             on by myself, and nothing is lost. Whoever runs me finds the reasons in the log, and with `switchboard \
             doctor`.",
            view::duration(wait)
        )
    });
    let closed =
        data.outbox.closed_channels().into_iter().filter(|(channel, _)| seen(*channel)).take(CLOSED_MAX);
    let closed = closed.map(|(channel, why)| match why {
        Closed::Permission => format!(
            "⚠️ **I may not write in <#{channel}>**: my answers there wait until somebody gives me \"View Channel\" and \
             \"Send Messages\" in it."
        ),
        Closed::Locked => format!("⚠️ <#{channel}> is locked: my answers there wait until it is not."),
        Closed::TooManyThreads => format!(
            "⚠️ My answer in <#{channel}> waits: this server has as many active threads as Discord allows."
        ),
    });
    waits.into_iter().chain(closed).collect()
}

fn line(row: &ConversationStatus, state: &str, now: WallTime) -> String {
    format!(
        "<#{}> **{}** · {} · {state}\n-# {} · {} tokens · ${:.2} · last {} ago, begun {} ago",
        row.conversation,
        row.project,
        row.model.as_deref().unwrap_or("default model"),
        if row.turns == 1 { "1 turn".to_owned() } else { format!("{} turns", row.turns) },
        view::count(row.tokens),
        row.cost_usd,
        age(now.since(row.last_active_at)),
        age(now.since(row.created_at)),
    )
}

fn age(duration: Duration) -> String {
    let days = duration.as_secs() / 86_400;
    if days > 0 { format!("{days} d") } else { view::duration(duration) }
}
