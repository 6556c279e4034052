//! `/waiting`: what Claude waits for, and for whom, in every place that this person may look at.

use super::page::page;
use super::{Context, guild, person};
use crate::clock::WallTime;
use crate::discord::access::{Action, Verdict, authorize, who_may_answer};
use crate::discord::{DoorError, rule};
use crate::domain::ask::{Ask, AskKind};
use crate::domain::ids::GuildId;
use crate::render::escape::{escape, one_line};
use crate::render::tool_line::tool_line;
use crate::store::WaitingAsk;

/// So many asks are looked at; more are not counted either.
const ASKS_MAX: u32 = 500;
/// So many characters of a question are shown.
const WORDS_CHARS_MAX: usize = 80;

const NOTHING: &str =
    "Nothing waits for an answer where you may look. `/queue` shows which prompts wait here.";

/// Show what Claude asks and waits for, and who may answer, in all channels.
#[poise::command(slash_command, guild_only)]
pub async fn waiting(ctx: Context<'_>) -> Result<(), DoorError> {
    super::defer(&ctx).await?;
    let data = ctx.data();
    let (guild, person) = (guild(&ctx), person(&ctx));
    let (mut own, mut others) = (Vec::new(), Vec::new());
    for ask in data.store.waiting_asks(guild, ASKS_MAX).await? {
        // What no form can hold is declined at once.
        if !ask.stored.ask.is_for_people() {
            continue;
        }
        let Some(conversation) = data.store.conversation(ask.conversation).await? else { continue };
        let above = conversation.parent.unwrap_or(conversation.id.into());
        let Some(project) = data.config.project_for(above) else { continue };
        let spot = rule::spot(project, conversation.guild, conversation.id.into());
        let rule = rule::rule(&data.config, &data.store, project, spot, person.id).await?;
        if authorize(&rule, &person, Action::Look) != Verdict::Allowed {
            continue;
        }
        let asked = rule::waits(&data.store, &rule, ask.conversation, &ask.stored, person.id).await?;
        let may = authorize(&rule, &person, Action::Answer(asked)) == Verdict::Allowed;
        let live = data.registry.status(ask.conversation).unwrap_or_default();
        let known = live.asks.iter().find(|(id, _)| *id == ask.stored.id).map(|(_, until)| *until);
        let until = known.unwrap_or_else(|| until(ask.stored.created_at, data.config.limits.ask_secs_max));
        let told = line(&ask, &who_may_answer(&rule, &asked), until, conversation.guild);
        if may { &mut own } else { &mut others }.push(told);
    }
    super::reply(&ctx, &list(own, others)).await
}

/// An ask whose conversation has not said so yet is denied at this time.
fn until(asked_at: WallTime, secs_max: u64) -> WallTime {
    let max_ms = i64::try_from(secs_max.saturating_mul(1_000)).unwrap_or(i64::MAX);
    WallTime(asked_at.0.saturating_add(max_ms))
}

fn line(ask: &WaitingAsk, who: &str, until: WallTime, guild: Option<GuildId>) -> String {
    let place = ask.conversation;
    let link = match (guild, ask.card) {
        (Some(guild), Some(card)) => format!(" · https://discord.com/channels/{guild}/{place}/{card}"),
        (None, _) | (_, None) => String::new(),
    };
    format!("<#{place}> {}\n-# {who} Denied <t:{}:R>{link}", what(&ask.stored.ask), until.0.div_euclid(1_000))
}

/// What is asked, in a few words.
fn what(ask: &Ask) -> String {
    let words = |text: &str| escape(&one_line(text, WORDS_CHARS_MAX));
    match &ask.kind {
        AskKind::Permission { tool, .. } => format!("🔐 **permission** · {}", tool_line(tool)),
        AskKind::Question { questions } => {
            let first = questions.first().map(|question| words(&question.question)).unwrap_or_default();
            let more =
                if questions.len() > 1 { format!(" (+{})", questions.len() - 1) } else { String::new() };
            format!("❓ **question** · {first}{more}")
        }
        AskKind::Plan { plan } => {
            let head =
                plan.lines().map(|line| line.trim_start_matches(['#', ' '])).find(|line| !line.is_empty());
            format!("📋 **plan** · {}", words(head.unwrap_or_default()))
        }
        AskKind::Elicitation { server, message, .. } => {
            format!("🔌 **form** · {}: {}", escape(&one_line(server, 40)), words(message))
        }
    }
}

/// What this person may answer comes first.
fn list(own: Vec<String>, others: Vec<String>) -> String {
    if own.is_empty() && others.is_empty() {
        return NOTHING.to_owned();
    }
    let lines = headed("**Waits for you**", own).chain(headed("**Waits for others**", others));
    page("", &lines.collect::<Vec<_>>())
}

/// The lines, the first of them below a heading.
fn headed(heading: &str, lines: Vec<String>) -> impl Iterator<Item = String> {
    let heading = heading.to_owned();
    lines.into_iter().enumerate().map(move |(index, line)| match index {
        0 => format!("{heading}\n{line}"),
        _ => line,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::message::{CONTENT_UNITS_MAX, units};

    #[test]
    fn what_does_not_fit_is_counted() {
        let lines = |count: usize| vec!["x".repeat(300); count];
        for (own, others) in [(0, 0), (1, 0), (0, 1), (3, 3), (40, 0), (0, 40), (5, 40), (6, 1)] {
            let text = list(lines(own), lines(others));
            assert!(units(&text) <= CONTENT_UNITS_MAX, "{own} {others}");
            let shown = text.lines().filter(|line| line.starts_with('x')).count();
            let rest = own + others - shown;
            assert_eq!(text.contains(&format!("… and {rest} more")), rest > 0, "{text}");
            assert_eq!(text == NOTHING, own + others == 0);
            assert!(shown == 0 || (text.contains("for you") == (own > 0)), "{text}");
        }
    }
}
