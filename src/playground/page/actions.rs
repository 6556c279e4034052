//! What a person does on the page. Each action is a POST with JSON, or multipart with `payload_json` and files; the
//! person is `as`. People are held to what Discord's own client lets them do, no more.

use axum::Json;
use axum::body::Body;
use axum::extract::{FromRequest as _, Multipart, Path, Request, State as Shares};
use axum::http::{StatusCode, header};
use serde_json::{Value, json};

use super::{Page, Refusal};
use crate::domain::ids::{ChannelId, MessageId, UserId};
use crate::playground::discord::{Draft, EmbeddedDiscord, InteractionId};

/// Discord's limits for people, in UTF-16 units, files and bytes.
const CONTENT_UNITS_MAX: usize = 2000;
const FILES_MAX: usize = 10;
const FILE_BYTES_MAX: usize = 10 * 1024 * 1024;

type File = (String, Vec<u8>, Option<String>);

/// One action, with who does it.
struct Action {
    discord: EmbeddedDiscord,
    person: UserId,
    body: Value,
    files: Vec<File>,
}

pub(super) async fn act(
    Shares(page): Shares<Page>,
    Path(name): Path<String>,
    request: Request<Body>,
) -> Result<Json<Value>, Refusal> {
    let (body, files) = read(request).await?;
    let person = page.discord.page_person(&body["as"]);
    let person =
        person.ok_or_else(|| Refusal::bad("Say as whom you do this: there is no such person here."))?;
    let action = Action { discord: page.discord, person, body, files };
    match name.as_str() {
        "message" => action.message(),
        "edit" => action.edit(),
        "delete" => action.delete(),
        "react" => action.react(),
        "thread" => action.thread(),
        "typing" => action.typing(),
        "slash" => action.slash(),
        "message-command" => action.message_command(),
        "autocomplete" => action.autocomplete().await,
        "component" => action.component(),
        "modal" => action.modal(),
        _ => Err(Refusal::missing("There is no such action.")),
    }
    .map(Json)
}

type Outcome = Result<Value, Refusal>;

impl Action {
    fn message(self) -> Outcome {
        let channel = self.channel()?;
        let content = self.content()?.to_owned();
        if content.trim().is_empty() && self.files.is_empty() {
            return Err(Refusal::bad("A message needs some text or a file."));
        }
        let reply_to = match &self.body["reply_to"] {
            Value::Null => None,
            id => Some(self.message_in(id)?.0),
        };
        let draft = Draft { content, reply_to, attachments: self.files, ..Draft::default() };
        let id = self.discord.say_with(self.person, channel, draft);
        Ok(json!({"id": id.to_string()}))
    }

    fn edit(self) -> Outcome {
        let (id, author) = self.message_in(&self.body["message"])?;
        if author != self.person {
            return Err(Refusal(StatusCode::FORBIDDEN, "You can only edit your own messages.".to_owned()));
        }
        let content = self.content()?;
        if content.trim().is_empty() {
            return Err(Refusal::bad("A message needs some text."));
        }
        self.discord.edit(id, content);
        Ok(json!({}))
    }

    fn delete(self) -> Outcome {
        let (id, author) = self.message_in(&self.body["message"])?;
        if author != self.person && !self.discord.may_manage_messages(self.person) {
            let sentence = "You may only delete your own messages.";
            return Err(Refusal(StatusCode::FORBIDDEN, sentence.to_owned()));
        }
        self.discord.delete(id);
        Ok(json!({}))
    }

    fn react(self) -> Outcome {
        let (id, _) = self.message_in(&self.body["message"])?;
        let emoji = self.text("emoji")?;
        if self.body["remove"] == true {
            self.discord.unreact(self.person, id, emoji);
            return Ok(json!({}));
        }
        match self.discord.try_react(self.person, id, emoji) {
            Ok(()) => Ok(json!({})),
            Err(sentence) => Err(Refusal::bad(&sentence)),
        }
    }

    fn thread(self) -> Outcome {
        let channel = self.channel()?;
        let name = self.text("name")?.trim();
        if name.is_empty() || name.encode_utf16().count() > 100 {
            return Err(Refusal::bad("A thread's name has 1 to 100 characters."));
        }
        let from = match &self.body["message"] {
            Value::Null => None,
            id => Some(self.message_in(id)?.0),
        };
        if from.is_some_and(|message| self.discord.channel(ChannelId(message.0)).is_some()) {
            return Err(Refusal::bad("This message has a thread already."));
        }
        let kind = self.discord.channel(channel).map(|channel| channel["type"].clone());
        if kind != Some(json!(0)) {
            return Err(Refusal::bad("Threads are opened in channels, not in threads."));
        }
        let thread = self.discord.create_thread(self.person, channel, name, from);
        Ok(self.discord.channel(thread).unwrap_or_default())
    }

    fn typing(self) -> Outcome {
        self.discord.typing(self.person, self.channel()?);
        Ok(json!({}))
    }

    fn slash(self) -> Outcome {
        let begun =
            self.discord.try_slash(self.person, self.channel()?, self.text("name")?, &self.body["options"]);
        begun.map(interaction).ok_or_else(|| Refusal::missing("There is no such command."))
    }

    fn message_command(self) -> Outcome {
        let (id, _) = self.message_in(&self.body["message"])?;
        let begun = self.discord.try_message_command(self.person, id, self.text("name")?);
        begun.map(interaction).ok_or_else(|| Refusal::missing("There is no such command."))
    }

    async fn autocomplete(self) -> Outcome {
        let channel = self.channel()?;
        let options = if self.body["options"].is_array() {
            self.body["options"].clone()
        } else {
            json!([{"name": self.text("option")?, "type": 3, "value": self.body["value"], "focused": true}])
        };
        let name = self.text("name")?.to_owned();
        let choices = self.discord.autocomplete_with(self.person, channel, &name, &options).await;
        let choices = choices.into_iter().map(|choice| json!({"name": choice.name, "value": choice.value}));
        Ok(json!({"choices": choices.collect::<Vec<_>>()}))
    }

    fn component(self) -> Outcome {
        let (id, _) = self.message_in(&self.body["message"])?;
        let values: Vec<&str> =
            self.body["values"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let begun = self.discord.try_component(self.person, id, self.text("custom_id")?, &values);
        begun.map(interaction).ok_or_else(|| Refusal::missing("This control is no longer there."))
    }

    fn modal(self) -> Outcome {
        let id = self.body["interaction"].as_str().and_then(|id| id.parse().ok()).map(InteractionId);
        let id = id.ok_or_else(|| Refusal::bad("Say which form this is."))?;
        let inputs: Vec<(&str, &str)> = self.body["inputs"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|input| Some((input["custom_id"].as_str()?, input["value"].as_str()?)))
            .collect();
        let begun = self.discord.try_modal_submit(id, &inputs);
        begun.map(interaction).ok_or_else(|| Refusal::missing("This form is no longer open."))
    }

    fn channel(&self) -> Result<ChannelId, Refusal> {
        let found = self.discord.page_channel(&self.body["channel"]);
        found.ok_or_else(|| Refusal::missing("There is no such channel."))
    }

    fn message_in(&self, id: &Value) -> Result<(MessageId, UserId), Refusal> {
        self.discord.page_message(id).ok_or_else(|| Refusal::missing("There is no such message."))
    }

    fn text(&self, key: &str) -> Result<&str, Refusal> {
        self.body[key].as_str().ok_or_else(|| Refusal::bad(&format!("{key} is missing.")))
    }

    fn content(&self) -> Result<&str, Refusal> {
        let content = self.body["content"].as_str().unwrap_or_default();
        if content.encode_utf16().count() > CONTENT_UNITS_MAX {
            return Err(Refusal::bad("A message has at most 2000 characters."));
        }
        Ok(content)
    }
}

fn interaction(id: InteractionId) -> Value {
    json!({"interaction": id.to_string()})
}

async fn read(request: Request<Body>) -> Result<(Value, Vec<File>), Refusal> {
    let kind = request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let kind = kind.unwrap_or_default().to_owned();
    let bad = |_| Refusal::bad("The request could not be read.");
    if !kind.starts_with("multipart/form-data") {
        // Only JSON that says so: a form on another site cannot send that type.
        let body = Json::<Value>::from_request(request, &()).await;
        return body.map(|Json(body)| (body, Vec::new())).map_err(|_| Refusal::bad("Send JSON."));
    }
    let parts = Multipart::from_request(request, &()).await;
    let mut parts = parts.map_err(|_| Refusal::bad("The request could not be read."))?;
    let (mut body, mut files) = (Value::Null, Vec::new());
    while let Some(part) = parts.next_field().await.map_err(bad)? {
        let name = part.file_name().map(str::to_owned);
        let kind = part.content_type().map(str::to_owned);
        let bytes = part.bytes().await.map_err(bad)?;
        let Some(name) = name else {
            body = serde_json::from_slice(&bytes).map_err(|_| Refusal::bad("payload_json is no JSON."))?;
            continue;
        };
        if bytes.len() > FILE_BYTES_MAX {
            let sentence = format!("{name} is larger than 10 MB.");
            return Err(Refusal(StatusCode::PAYLOAD_TOO_LARGE, sentence));
        }
        files.push((name, bytes.to_vec(), kind.filter(|kind| !kind.is_empty())));
    }
    if files.len() > FILES_MAX {
        return Err(Refusal::bad("A message takes at most 10 files."));
    }
    Ok((body, files))
}
