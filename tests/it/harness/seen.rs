//! What can be seen from outside: a channel as people read it, answers to commands, what the CLI was made to do.

use std::path::Path;

use serde_json::{Value, json};
use switchboard::domain::ids::{ChannelId, MessageId, UserId};
use switchboard::playground::discord::{InteractionId, InteractionState, Pinged, World};

use super::{BOT, HARBOR, LIGHTHOUSE, MARA, Stage, answer_of};

/// What stands on the buttons that open a form.
const OPENS_FORM: [&str; 5] = ["Answer", "Deny and say why", "Edit, then allow", "Keep planning", "Other…"];

impl Stage {
    /// The prompts that the fake CLI was given, in order.
    pub fn cli_prompts(&self) -> Vec<String> {
        let texts = self.cli_log("prompt").into_iter();
        texts.map(|line| line["text"].as_str().unwrap_or_default().to_owned()).collect()
    }

    /// Says something without a mention.
    pub fn say(&self, author: UserId, channel: ChannelId, text: &str) -> MessageId {
        self.discord.say(author, channel, text)
    }

    /// Waits until the bot asks for a decision with buttons in a channel, and gives that message's id with what is on them.
    pub async fn card(&self, channel: ChannelId) -> (MessageId, Vec<String>) {
        self.discord
            .wait_for(&format!("buttons in {channel}"), |discord| {
                let messages = discord.messages(channel);
                let card = messages.iter().rev().find(|message| !decisions(message).is_empty())?;
                let labels = decisions(card).into_iter().map(|(label, _)| label).collect();
                Some((id(&card["id"]), labels))
            })
            .await
    }

    /// The live buttons in a channel: message, label, id.
    pub fn buttons(&self, channel: ChannelId) -> Vec<(MessageId, String, String)> {
        let messages = self.discord.messages(channel);
        let of = |message: &Value| {
            let id = id(&message["id"]);
            buttons(message).into_iter().map(move |(label, custom_id)| (id, label, custom_id))
        };
        messages.iter().flat_map(of).collect()
    }

    /// Clicks the button with this label, which must be there, and waits until Discord knows that the bot heard of it.
    pub async fn click(&self, user: UserId, message: MessageId, label: &str) -> InteractionId {
        let shown = self.discord.message(message).expect("the message is there");
        let found = buttons(&shown).into_iter().find(|(known, _)| known == label);
        let (_, custom_id) = found.unwrap_or_else(|| panic!("there is no button {label}: {shown}"));
        loop {
            let clicked = self.click_id(user, message, &custom_id).await;
            let opens_form = OPENS_FORM.contains(&label) && self.discord.interaction(clicked).modal.is_none();
            // On a machine that is too busy to open a form in time, people do what they are told.
            if !opens_form || !self.told_privately(clicked).await.contains("Press it again") {
                return clicked;
            }
        }
    }

    /// The same by the button's id.
    pub async fn click_id(&self, user: UserId, message: MessageId, custom_id: &str) -> InteractionId {
        let clicked = self.discord.component(user, message, custom_id, &[]);
        self.acknowledged(clicked).await;
        clicked
    }

    /// Waits until the reaction says that the CLI works, or waits for an answer.
    pub async fn at_work(&self, message: MessageId) {
        self.discord
            .wait_for("the reaction of a turn that works", |discord| {
                let shown = discord.reactions(message);
                // The one before it goes only once this one is there.
                (shown.len() == 1 && shown[0].0 == "⚙️").then_some(())
            })
            .await;
    }

    /// Chooses from a message's menus; `menu` counts from 0, and so do the items.
    pub async fn choose(
        &self,
        user: UserId,
        message: MessageId,
        menu: usize,
        items: &[&str],
    ) -> InteractionId {
        let shown = self.discord.message(message).expect("the message is there");
        let id = menus(&shown)[menu]["custom_id"].as_str().expect("a menu has an id").to_owned();
        let chosen = self.discord.component(user, message, &id, items);
        self.acknowledged(chosen).await;
        chosen
    }

    /// Sends off the form that a click opened, with these texts in its fields, in order; and waits until Discord knows
    /// that the bot heard of it.
    pub async fn submit(&self, opened: InteractionId, texts: &[&str]) -> InteractionId {
        let ids: Vec<_> = (0..texts.len()).map(|number| number.to_string()).collect();
        let inputs: Vec<_> = ids.iter().map(String::as_str).zip(texts.iter().copied()).collect();
        let sent = self.discord.modal_submit(opened, &inputs);
        self.acknowledged(sent).await;
        sent
    }

    /// The form that a click opened.
    pub fn form(&self, opened: InteractionId) -> Value {
        self.discord.interaction(opened).modal.expect("a form was opened")
    }

    /// Waits until Discord knows that the bot heard of an interaction.
    pub async fn acknowledged(&self, id: InteractionId) {
        self.discord
            .wait_for("an interaction to be acknowledged", |discord| {
                let state = discord.interaction(id);
                assert!(!state.failed, "it was not acknowledged in time");
                state.acknowledged_after.map(|_| ())
            })
            .await;
    }

    /// What a click was answered with, for nobody else's eyes.
    pub async fn told_privately(&self, clicked: InteractionId) -> String {
        self.discord
            .wait_for("a private answer to a click", |discord| {
                let followup = discord.interaction(clicked).followups.first().cloned()?;
                assert_eq!(followup["flags"].as_u64().unwrap_or_default() & 64, 64, "everybody sees it");
                followup["content"].as_str().map(str::to_owned)
            })
            .await
    }

    /// The ids of a message's buttons, in their order, but for the one that stops the turn.
    pub fn button_ids(&self, message: MessageId) -> Vec<String> {
        let shown = self.discord.message(message).expect("the message is there");
        decisions(&shown).into_iter().map(|(_, id)| id).collect()
    }

    /// Waits until the bot's newest message with such a button is there, and gives its id with its content.
    pub async fn with_button(&self, channel: ChannelId, label: &str) -> (MessageId, String) {
        self.discord
            .wait_for(&format!("a button {label}"), |discord| {
                let messages = discord.messages(channel);
                let has = |message: &&Value| buttons(message).iter().any(|(known, _)| known == label);
                let found = messages.iter().rev().find(has)?;
                Some((id(&found["id"]), super::content(found)))
            })
            .await
    }

    /// Waits until a message of the bot's is gone.
    pub async fn gone(&self, message: MessageId) {
        self.discord
            .wait_for("a message to be gone", |discord| discord.message(message).is_none().then_some(()))
            .await;
    }

    /// Whom the bot pinged with anything but a card and what is for whoever runs it.
    pub fn pinged_unasked(&self) -> Vec<(MessageId, Pinged)> {
        let unasked = |content: &str| !is_card(content) && !is_of_login(content);
        let pings = self.pings().into_iter().filter(|(_, content, _)| unasked(content));
        pings.map(|(message, _, who)| (message, who)).collect()
    }

    /// Whom the bot pinged with a card: one person with each that asks.
    pub fn pinged_by_cards(&self) -> Vec<Pinged> {
        self.pings().into_iter().filter(|(_, content, _)| is_card(content)).map(|(_, _, who)| who).collect()
    }

    /// Whom the bot pinged because the login is gone, and in which messages.
    pub fn pinged_for_the_login(&self) -> Vec<(MessageId, Pinged)> {
        let pings = self.pings().into_iter().filter(|(_, content, _)| is_of_login(content));
        pings.map(|(message, _, who)| (message, who)).collect()
    }

    /// The bot's pings: the message, what it says now, who.
    fn pings(&self) -> Vec<(MessageId, String, Pinged)> {
        let pings = self.discord.pings().into_iter().filter_map(|(id, who)| {
            let message = self.discord.message(id)?;
            (message["author"]["id"] == BOT.to_string()).then(|| (id, super::content(&message), who))
        });
        pings.collect()
    }

    /// Uses a slash command, and waits for the answer.
    pub async fn slash(
        &self,
        user: UserId,
        channel: ChannelId,
        name: &str,
        options: Value,
    ) -> InteractionState {
        let id = self.discord.slash(user, channel, name, options);
        self.replied(id).await
    }

    /// Uses a slash command without options, and gives the text of its answer. It must be for this person alone, and
    /// have been acknowledged in time.
    pub async fn slash_text(&self, user: UserId, channel: ChannelId, name: &str) -> String {
        private_text(&self.slash(user, channel, name, json!([])).await)
    }

    /// Waits until an interaction is answered.
    pub async fn replied(&self, id: InteractionId) -> InteractionState {
        self.discord
            .wait_for("the answer to a command", |discord| {
                let state = discord.interaction(id);
                (state.failed || state.response.is_some()).then_some(state)
            })
            .await
    }

    /// Waits until what answers `message` contains `text`, and gives the messages' contents joined.
    pub async fn answer_shows(&self, channel: ChannelId, message: MessageId, text: &str) -> String {
        self.discord
            .wait_for(&format!("“{text}” in the answer"), |discord| {
                let answer = answer_of(&discord.messages(channel), message).join("\n");
                answer.contains(text).then_some(answer)
            })
            .await
    }

    /// Waits until the bot says `text` in a channel, and gives that message's content.
    pub async fn said(&self, channel: ChannelId, text: &str) -> String {
        let by_bot = |message: &&Value| message["author"]["id"] == BOT.to_string();
        self.discord
            .wait_for(&format!("“{text}” in {channel}"), |discord| {
                let messages = discord.messages(channel);
                let mut contents = messages.iter().filter(by_bot).map(super::content);
                contents.find(|content| content.contains(text))
            })
            .await
    }

    /// The ids of the messages that answer `message`.
    pub fn answers(&self, channel: ChannelId, message: MessageId) -> Vec<MessageId> {
        super::answering(&self.discord.messages(channel), message)
            .iter()
            .map(|value| id(&value["id"]))
            .collect()
    }

    /// The channel as people see it, with everything that differs from run to run taken out: for a snapshot.
    pub fn transcript(&self, channel: ChannelId) -> String {
        let mut text = String::new();
        for message in self.discord.messages(channel) {
            text.push_str(&look_of(&message));
            let reactions = self.discord.reactions(id(&message["id"]));
            let emoji: Vec<_> = reactions.into_iter().map(|(emoji, _)| emoji).collect();
            if !emoji.is_empty() {
                text.push_str(&format!("    [{}]\n", emoji.join(" ")));
            }
        }
        self.redacted(&text)
    }

    /// A text without what differs from run to run.
    pub fn redacted(&self, text: &str) -> String {
        redact(text, self.dir())
    }
}

/// The text of an answer that only its person sees, and that came in time.
pub fn private_text(state: &InteractionState) -> String {
    assert!(!state.failed, "it was not acknowledged in time");
    assert!(state.ephemeral, "everybody sees the answer: {state:?}");
    let response = state.response.as_ref().expect("it was answered");
    response["content"].as_str().expect("a text").to_owned()
}

/// The session that a start of the CLI is for.
pub fn session_of(start: &Value) -> Option<String> {
    let words = start["argv"].as_array()?.iter().filter_map(Value::as_str);
    let flags = ["--session-id=", "--resume="];
    words.flat_map(|word| flags.iter().filter_map(|flag| word.strip_prefix(flag))).next().map(str::to_owned)
}

fn id(value: &Value) -> MessageId {
    MessageId(value.as_str().and_then(|id| id.parse().ok()).expect("Discord's ids are numbers"))
}

/// Whether a message asks the one person whose turn waits.
fn is_card(content: &str) -> bool {
    let marks = ["🔐 **", "❓ **", "📋 **", "🔌 **", "⏰ ", "-# ⏰"];
    marks.iter().any(|mark| content.starts_with(mark))
}

/// Whether a message tells whoever runs the bot that the login is gone, or did so.
fn is_of_login(content: &str) -> bool {
    content.contains("⚠️ Claude Code is not logged in")
        || content.starts_with("-# ✅ Claude Code was not logged in")
}

/// The buttons of a message: label and custom id.
fn buttons(message: &Value) -> Vec<(String, String)> {
    let rows = message["components"].as_array().into_iter().flatten();
    let buttons = rows.flat_map(|row| row["components"].as_array().into_iter().flatten());
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let buttons = buttons.filter(|item| item["type"] == 2);
    buttons.map(|button| (text(&button["label"]), text(&button["custom_id"]))).collect()
}

/// The menus of a message, as Discord has them.
fn menus(message: &Value) -> Vec<Value> {
    let rows = message["components"].as_array().into_iter().flatten();
    let items = rows.flat_map(|row| row["components"].as_array().into_iter().flatten());
    items.filter(|item| item["type"] == 3).cloned().collect()
}

/// The buttons with which somebody decides something: not those that stop a turn, or say what becomes of what waits.
fn decisions(message: &Value) -> Vec<(String, String)> {
    let other = |label: &str| !["Stop", "Withdraw", "Send now"].contains(&label);
    buttons(message).into_iter().filter(|(label, _)| other(label)).collect()
}

fn look_of(message: &Value) -> String {
    let author = message["author"]["username"].as_str().unwrap_or_default();
    let reply = if message["message_reference"]["message_id"].is_string() { " (reply)" } else { "" };
    let mut text = format!("{author}{reply}:\n");
    for line in message["content"].as_str().unwrap_or_default().lines() {
        text.push_str(&format!("    {line}\n"));
    }
    for file in message["attachments"].as_array().into_iter().flatten() {
        text.push_str(&format!("    <file {}>\n", file["filename"].as_str().unwrap_or_default()));
    }
    for menu in menus(message) {
        let items = menu["options"].as_array().into_iter().flatten();
        let items = items.map(|item| {
            let mark = if item["default"] == true { "☑" } else { "☐" };
            format!("{mark} {}", item["label"].as_str().unwrap_or_default())
        });
        let placeholder = menu["placeholder"].as_str().unwrap_or_default();
        text.push_str(&format!("    [{placeholder} ▾ {}]\n", items.collect::<Vec<_>>().join(" ")));
    }
    let labels: Vec<_> = buttons(message).into_iter().map(|(label, _)| format!("[{label}]")).collect();
    if !labels.is_empty() {
        text.push_str(&format!("    {}\n", labels.join(" ")));
    }
    text
}

fn redact(text: &str, dir: &Path) -> String {
    let mut text = text.replace(&dir.display().to_string(), "[stage]");
    for (name, id) in [("harbor", HARBOR), ("lighthouse", LIGHTHOUSE), ("general", World::GENERAL)] {
        text = text.replace(&format!("<#{id}>"), &format!("#{name}"));
    }
    text = text.replace(&format!("<@{BOT}>"), "@switchboard").replace(&format!("<@{MARA}>"), "@mara");
    let lines = text.lines().map(|line| {
        let words = line.split(' ').map(redact_word);
        words.collect::<Vec<_>>().join(" ")
    });
    let text = lines.collect::<Vec<_>>().join("\n");
    // A minute and its seconds are two words.
    text.replace("[time] [time]", "[time]")
}

/// Times (`<1s`, `3s`, `1m`, `05s`), error ids and Discord's ids.
fn redact_word(word: &str) -> String {
    let bare = word.trim_matches(|c: char| matches!(c, '(' | ')' | '`' | ',' | ':' | '.' | '*'));
    let number = bare.trim_start_matches('<').trim_end_matches(['s', 'm', 'h']);
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if bare.ends_with(['s', 'm', 'h']) && is_digits(number) {
        return word.replace(bare, "[time]");
    }
    if bare.starts_with("<t:") {
        return word.replace(bare, "[when]");
    }
    if bare.starts_with("E-") || bare.len() >= 17 && is_digits(bare) {
        return word.replace(bare, "[id]");
    }
    word.to_owned()
}
