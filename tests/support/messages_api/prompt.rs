//! What people said in a request, apart from what the CLI adds: reminders, notes about interrupts, results of tools.

use serde_json::Value;

/// The note with which the CLI passes on what was said while a tool ran.
const STEERED: &str = "The user sent a new message while you were working:";

/// The texts of people in the order in which they were said.
pub fn prompts(messages: &[Value]) -> Vec<String> {
    messages.iter().filter(|message| is_of_people(message)).flat_map(texts).collect()
}

/// How many results of tools came after the newest prompt that is a turn's own.
pub fn tools_done(messages: &[Value]) -> usize {
    let blocks =
        after_newest(messages).flat_map(|message| message["content"].as_array().into_iter().flatten());
    blocks.filter(|block| block["type"] == "tool_result").count()
}

/// The newest prompt that is a turn's own (not said while a tool ran).
pub fn newest(messages: &[Value]) -> String {
    newest_at(messages).and_then(|at| texts(&messages[at]).pop()).unwrap_or_default()
}

/// What was said since the newest prompt, while tools ran.
pub fn steering(messages: &[Value]) -> Vec<String> {
    after_newest(messages).filter(|message| is_steering(message)).flat_map(texts).collect()
}

fn newest_at(messages: &[Value]) -> Option<usize> {
    messages
        .iter()
        .rposition(|message| message["role"] == "user" && !is_steering(message) && !texts(message).is_empty())
}

fn after_newest(messages: &[Value]) -> impl Iterator<Item = &Value> {
    messages.iter().skip(newest_at(messages).map_or(0, |at| at + 1))
}

/// Messages of the user, and the notes in the name of the system that pass on what people said.
fn is_of_people(message: &Value) -> bool {
    message["role"] == "user" || is_steering(message)
}

fn is_steering(message: &Value) -> bool {
    message.to_string().contains(STEERED)
}

fn texts(message: &Value) -> Vec<String> {
    let parts: Vec<&str> = match &message["content"] {
        Value::String(text) => vec![text],
        Value::Array(blocks) => blocks.iter().filter_map(|block| block["text"].as_str()).collect(),
        _ => Vec::new(),
    };
    parts.into_iter().map(own_words).filter(|text| !text.is_empty()).collect()
}

/// The text without reminders and the CLI's own notes.
fn own_words(text: &str) -> String {
    let mut own = String::new();
    let mut rest = text;
    while let Some(start) = rest.find("<system-reminder>") {
        own.push_str(&rest[..start]);
        let inside = &rest[start..];
        let end =
            inside.find("</system-reminder>").map_or(inside.len(), |end| end + "</system-reminder>".len());
        // What was said in between comes as a reminder in some releases.
        if let Some(at) = inside[..end].find(STEERED) {
            own.push_str(steered(&inside[at..end]));
        }
        rest = &inside[end..];
    }
    own.push_str(rest);
    let own = own.trim();
    let own = own.find(STEERED).map_or(own, |at| steered(&own[at..]));
    let is_note =
        own.starts_with("[Request interrupted by user") || own == "Continue from where you left off.";
    if is_note { String::new() } else { own.to_owned() }
}

fn steered(note: &str) -> &str {
    let words = note.trim_start_matches(STEERED);
    words.split("IMPORTANT:").next().unwrap_or_default().trim()
}
