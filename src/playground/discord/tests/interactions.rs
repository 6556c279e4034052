use std::time::Duration;

use serde_json::json;
use serenity::all as discord;

use super::{Bot, channel, http, start};
use crate::domain::ids::MessageId;
use crate::playground::discord::{Choice, EmbeddedDiscord, World};

async fn register(server: &EmbeddedDiscord) {
    let http = http(server);
    http.set_application_id(World::BOT.0.into());
    let command = discord::CreateCommand::new("reset").description("Begin anew").add_option(
        discord::CreateCommandOption::new(discord::CommandOptionType::String, "model", "Which")
            .set_autocomplete(true),
    );
    let guild = discord::GuildId::new(World::GUILD.0);
    let registered = guild.set_commands(&http, vec![command.clone()]).await.unwrap();
    // The same command again keeps its id.
    assert_eq!(guild.set_commands(&http, vec![command]).await.unwrap()[0].id, registered[0].id);
}

async fn slash(
    bot: &mut Bot,
    server: &EmbeddedDiscord,
) -> (crate::playground::discord::InteractionId, discord::CommandInteraction) {
    let id = server.slash(
        World::MARA,
        World::HARBOR,
        "reset",
        json!([{"name": "model", "type": 3, "value": "opus"}]),
    );
    (id, bot.interaction().await.command().unwrap())
}

fn text(content: &str, ephemeral: bool) -> discord::CreateInteractionResponse {
    discord::CreateInteractionResponse::Message(
        discord::CreateInteractionResponseMessage::new().content(content).ephemeral(ephemeral),
    )
}

#[tokio::test]
async fn a_slash_command_is_answered() {
    let server = start().await;
    register(&server).await;
    let mut bot = Bot::connect(&server).await;
    let (id, command) = slash(&mut bot, &server).await;
    assert_eq!(command.data.options[0].value.as_str(), Some("opus"));
    assert!(command.member.as_ref().unwrap().permissions.unwrap().manage_messages());
    command.create_response(&bot.http, text("done", true)).await.unwrap();
    let state = server.interaction(id);
    assert!(state.acknowledged_after.is_some());
    assert!(state.ephemeral && !state.deferred);
    assert_eq!(state.response.unwrap()["content"], "done");
    // Only Mara sees it.
    assert_eq!(server.messages(World::HARBOR), [] as [serde_json::Value; 0]);
    let again = command.create_response(&bot.http, text("twice", true)).await.unwrap_err();
    assert!(again.to_string().contains("already been acknowledged"), "{again}");
    assert_eq!(server.violations().len(), 1);
}

#[tokio::test]
async fn a_deferred_answer_takes_the_place_of_thinking() {
    let server = start().await;
    register(&server).await;
    let mut bot = Bot::connect(&server).await;
    let (id, command) = slash(&mut bot, &server).await;
    command.defer(&bot.http).await.unwrap();
    assert!(server.interaction(id).thinking && server.interaction(id).deferred);
    let builder = discord::EditInteractionResponse::new().content("here it is");
    command.edit_response(&bot.http, builder).await.unwrap();
    assert_eq!(server.interaction(id).response.unwrap()["content"], "here it is");
    let more = discord::CreateInteractionResponseFollowup::new().content("and more");
    command.create_followup(&bot.http, more).await.unwrap();
    assert_eq!(server.interaction(id).followups[0]["content"], "and more");
    assert_eq!(server.messages(World::HARBOR).len(), 2);
    assert_eq!(server.violations(), []);
    server.advance(Duration::from_mins(16));
    let late = discord::CreateInteractionResponseFollowup::new().content("too late");
    assert!(command.create_followup(&bot.http, late).await.is_err());
}

#[tokio::test]
async fn three_seconds_without_an_answer_are_too_long() {
    let server = EmbeddedDiscord::start(World::playground()).await.unwrap();
    register(&server).await;
    let mut bot = Bot::connect(&server).await;
    let mut page = server.subscribe(World::MARA);
    let (id, command) = slash(&mut bot, &server).await;
    server.advance(Duration::from_secs(3));
    assert!(server.interaction(id).failed);
    assert_eq!(page.next().await.unwrap().kind, "INTERACTION_FAILED");
    let late = command.create_response(&bot.http, text("late", false)).await.unwrap_err();
    assert!(late.to_string().contains("Unknown interaction"), "{late}");
    assert!(server.violations()[0].detail.contains("not acknowledged"));
}

#[tokio::test]
async fn who_died_broke_no_rule_and_what_they_sent_before_is_taken() {
    let server = EmbeddedDiscord::start(World::playground()).await.unwrap();
    register(&server).await;
    let mut bot = Bot::connect(&server).await;
    let (sent, command) = slash(&mut bot, &server).await;
    let (unsent, _) = slash(&mut bot, &server).await;
    server.excuse_interactions();
    command.create_response(&bot.http, text("sent before", false)).await.unwrap();
    server.advance(Duration::from_secs(3));
    assert!(!server.interaction(sent).failed);
    assert!(server.interaction(unsent).failed);
    assert_eq!(server.violations(), []);
}

#[tokio::test]
async fn choices_are_completed() {
    let server = start().await;
    register(&server).await;
    let mut bot = Bot::connect(&server).await;
    let asking = tokio::spawn({
        let server = server.clone();
        async move { server.autocomplete(World::MARA, World::HARBOR, "reset", "model", "op").await }
    });
    let interaction = bot.interaction().await.autocomplete().unwrap();
    assert_eq!(interaction.data.autocomplete().unwrap().value, "op");
    let choices = discord::CreateAutocompleteResponse::new().add_string_choice("Opus", "opus");
    interaction
        .create_response(&bot.http, discord::CreateInteractionResponse::Autocomplete(choices))
        .await
        .unwrap();
    assert_eq!(asking.await.unwrap(), [Choice { name: "Opus".into(), value: "opus".into() }]);
}

#[tokio::test]
async fn a_button_changes_its_message_and_a_modal_opens() {
    let server = start().await;
    let mut bot = Bot::connect(&server).await;
    let button = discord::CreateButton::new("allow-1").label("Allow");
    let card = discord::CreateMessage::new().content("May I?").button(button);
    let card = channel(World::HARBOR).send_message(&bot.http, card).await.unwrap();
    let id = MessageId(card.id.get());

    let clicked = server.component(World::MARA, id, "allow-1", &[]);
    let click = bot.interaction().await.message_component().unwrap();
    assert_eq!((click.data.custom_id.as_str(), click.message.id), ("allow-1", card.id));
    let modal =
        discord::CreateModal::new("why", "Why?").components(vec![discord::CreateActionRow::InputText(
            discord::CreateInputText::new(discord::InputTextStyle::Short, "Reason", "reason"),
        )]);
    click.create_response(&bot.http, discord::CreateInteractionResponse::Modal(modal)).await.unwrap();
    assert_eq!(server.interaction(clicked).modal.unwrap()["custom_id"], "why");
    server.modal_submit(clicked, &[("reason", "because")]);
    let submitted = bot.interaction().await.modal_submit().unwrap();
    assert_eq!(submitted.data.custom_id, "why");
    let settled = discord::CreateInteractionResponseMessage::new().content("Allowed").components(Vec::new());
    submitted
        .create_response(&bot.http, discord::CreateInteractionResponse::UpdateMessage(settled))
        .await
        .unwrap();
    assert_eq!(server.message(id).unwrap()["content"], "Allowed");
    assert!(server.try_component(World::MARA, id, "allow-1", &[]).is_none());
    assert_eq!(server.violations(), []);
}

#[tokio::test]
async fn a_menu_offers_and_a_form_opens_no_other_form() {
    let server = start().await;
    let mut bot = Bot::connect(&server).await;
    let option = |value: &str| discord::CreateSelectMenuOption::new(value, value);
    let kind = discord::CreateSelectMenuKind::String { options: vec![option("0"), option("1")] };
    let menu = discord::CreateSelectMenu::new("menu", kind).min_values(1).max_values(1);
    let card = discord::CreateMessage::new().content("Which?").select_menu(menu);
    let card = channel(World::HARBOR).send_message(&bot.http, card).await.unwrap();
    let id = MessageId(card.id.get());
    for values in [&["2"][..], &[], &["0", "1"], &["0", "0"]] {
        assert!(server.try_component(World::MARA, id, "menu", values).is_none(), "{values:?}");
    }
    let chosen = server.component(World::MARA, id, "menu", &["1"]);
    let choice = bot.interaction().await.message_component().unwrap();
    let discord::ComponentInteractionDataKind::StringSelect { values } = &choice.data.kind else {
        panic!("{choice:?}")
    };
    assert_eq!(values, &["1"]);
    let modal = || {
        let input = discord::CreateInputText::new(discord::InputTextStyle::Short, "Reason", "0");
        let rows = vec![discord::CreateActionRow::InputText(input)];
        discord::CreateInteractionResponse::Modal(discord::CreateModal::new("why", "Why?").components(rows))
    };
    choice.create_response(&bot.http, modal()).await.unwrap();
    assert!(server.try_modal_submit(chosen, &[("0", "")]).is_none(), "it is required");
    server.modal_submit(chosen, &[("0", "so")]);
    let submitted = bot.interaction().await.modal_submit().unwrap();
    let refused = submitted.create_response(&bot.http, modal()).await.unwrap_err();
    assert!(refused.to_string().contains("Invalid Form Body"), "{refused}");
    submitted.create_response(&bot.http, discord::CreateInteractionResponse::Acknowledge).await.unwrap();
}
