//! A prompt of before is run once more: as a new prompt, of whoever wants that, with the same text and files. Theirs is
//! what Claude asks then, and what it may.

use super::{Data, DoorError, intake};
use crate::domain::ids::ChannelId;
use crate::domain::prompt::{Author, Origin, Prompt, Wish};
use crate::render::escape::{escape, one_line};
use crate::store::PromptState;

/// So many characters of what is run once more are said.
const WORDS_CHARS_MAX: usize = 120;

const WORKS: &str = "Claude works here, or something waits to be run. When that is done, or after `/stop`, ask for this again.";
const WAITS: &str = "This was not run yet: it waits its turn, so there is nothing to run once more. `/queue` shows what waits.";
const TAKEN_BACK: &str = "This was taken back before it was run, so only its author can have it run.";
const FORGOTTEN: &str = "That was long ago, and what it said is forgotten. Write it once more.";

/// Runs it once more; gives what there is to say to who wants it. `interaction` is the command.
pub async fn again(data: &Data, before: &Prompt, by: Author, interaction: u64) -> Result<String, DoorError> {
    let conversation = before.conversation;
    if data.store.waiting_prompt(before.id).await?.is_some() {
        return Ok(WAITS.to_owned());
    }
    if before.text.is_empty() && before.attachments.is_empty() {
        return Ok(FORGOTTEN.to_owned());
    }
    if data.store.prompt_state(before.id).await? == Some(PromptState::Withdrawn) && before.author.id != by.id
    {
        return Ok(TAKEN_BACK.to_owned());
    }
    let live = data.registry.status(conversation).unwrap_or_default();
    if live.turn.is_some() || data.store.queued_count(conversation).await? > 0 {
        return Ok(WORKS.to_owned());
    }
    let origin = Origin::Command { channel: ChannelId::from(conversation), interaction };
    let id = Prompt::id_of(&origin);
    let (attachments, gone) = data.files.copy(id, &before.attachments).await;
    let mut text = before.text.clone();
    for name in &gone {
        text = format!("{text}\n\n(The file {name:?} came with this at first and is not there any more.)");
    }
    let audited = format!("prompt={id}");
    let prompt = Prompt {
        id,
        received_at: origin.said_at(),
        origin,
        conversation,
        author: by,
        text,
        attachments,
        wish: Wish::default(),
    };
    data.store.audit(Some(prompt.author.id), "retry", &before.id.to_string(), &audited).await?;
    if let Some(refusal) = intake::take(data, prompt).await? {
        return Ok(refusal);
    }
    let words = escape(&one_line(&before.text, WORDS_CHARS_MAX));
    let words = if words.trim().is_empty() { "(files)".to_owned() } else { words };
    let without = match &gone[..] {
        [] => String::new(),
        [_] => " One of its files is not there any more.".to_owned(),
        more => format!(" {} of its files are not there any more.", more.len()),
    };
    Ok(format!("Once more in <#{conversation}>: {words}{without}"))
}
