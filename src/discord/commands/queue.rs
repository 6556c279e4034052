//! `/queue`: what waits here, in order, with a way to take it back.

use serenity::all::{ButtonStyle, CreateActionRow, CreateButton};

use super::page::page;
use super::{Context, here, scope};
use crate::conversation::handle::{InQueue, Taking};
use crate::discord::access::{Action, authorize, denied};
use crate::discord::{DoorError, rest, rule, waiting};
use crate::domain::action;
use crate::domain::ids::GuildId;
use crate::render::escape::{escape, one_line};

/// So many characters of each are shown.
const WORDS_CHARS_MAX: usize = 80;
/// So many can be taken back by a button: four rows of five.
const BUTTONS_MAX: usize = 20;

/// Show what waits here, or take it back.
#[poise::command(slash_command, guild_only)]
pub async fn queue(
    ctx: Context<'_>,
    #[description = "The number of what is not to be run"]
    #[min = 1]
    #[max = 100]
    withdraw: Option<usize>,
) -> Result<(), DoorError> {
    super::defer(&ctx).await?;
    let scope = match scope(&ctx, here(&ctx), Action::Look).await? {
        Ok(scope) => scope,
        Err(sentence) => return super::reply(&ctx, &sentence).await,
    };
    let Some(conversation) = scope.conversation else {
        return super::reply(&ctx, NOTHING).await;
    };
    let data = ctx.data();
    let waiting = data.registry.ask(conversation.id, |it| async move { it.queue().await }).await?;
    if let Some(number) = withdraw {
        let Some(wanted) = waiting.get(number - 1) else {
            let sentence = format!("There is no number {number} here. `/queue` shows what waits.");
            return super::reply(&ctx, &sentence).await;
        };
        let by = super::person(&ctx);
        let author = data.store.prompt(wanted.prompt).await?.map_or(by.id, |prompt| prompt.author.id);
        let verdict = authorize(&scope.rule, &by, rule::of_what_waits(author, by.id));
        if let Some(sentence) = denied(verdict, &scope.rule, None) {
            return super::reply(&ctx, &sentence).await;
        }
        data.store.audit(Some(by.id), "withdraw", &wanted.prompt.to_string(), "").await?;
        let taken_back = waiting::take_back(data, conversation.id, wanted.prompt, Taking::Together).await?;
        let sentence =
            format!("{}\n-# {}", waiting::said_of_taking_back(taken_back), line(number, wanted, None));
        return super::reply(&ctx, &sentence).await;
    }
    let guild = ctx.interaction.guild_id.map(|guild| GuildId(guild.get()));
    let lines: Vec<_> =
        waiting.iter().enumerate().map(|(index, each)| line(index + 1, each, guild)).collect();
    let actions = waiting.iter().take(BUTTONS_MAX);
    let actions = actions.map(|each| action::Action::Withdraw { prompt: each.prompt }).collect();
    let ids = data.store.button_ids(conversation.id, actions).await?;
    let buttons: Vec<_> = (1..)
        .zip(ids)
        .map(|(number, id)| {
            CreateButton::new(id).label(format!("Withdraw {number}")).style(ButtonStyle::Secondary)
        })
        .collect();
    let rows = buttons.chunks(5).map(|row| CreateActionRow::Buttons(row.to_vec())).collect();
    let reply = poise::CreateReply::default()
        .content(page("**Waiting here**", &lines))
        .ephemeral(true)
        .components(rows);
    rest::answer(data.catch_up.breaker(), poise::Context::Application(ctx).send(reply)).await?;
    Ok(())
}

const NOTHING: &str = "Nothing waits here.";

/// `1. **Mara**: first words · [message](…)`
fn line(number: usize, waiting: &InQueue, guild: Option<GuildId>) -> String {
    let by = escape(&one_line(&waiting.by, 40));
    let words = escape(&one_line(&waiting.text, WORDS_CHARS_MAX));
    let words = if words.trim().is_empty() { "(files)".to_owned() } else { words };
    let together =
        if waiting.prompts > 1 { format!(" · {} messages", waiting.prompts) } else { String::new() };
    let told = if waiting.told { " · told to the turn that runs" } else { "" };
    let link = match (guild, waiting.message) {
        (Some(guild), Some((channel, message))) => {
            format!(" · https://discord.com/channels/{guild}/{channel}/{message}")
        }
        (None, _) | (_, None) => String::new(),
    };
    format!("{number}. **{by}**: {words}{together}{told}{link}")
}
