//! Questions that people answer with more than yes or no.

use serde_json::{Value, json};
use switchboard::playground::assistant::{Cut, Turn};

use crate::tools::permitted;

/// `[[question:text|option|option]]`: asks, and says what was chosen.
pub fn one(turn: &mut Turn<'_>, argument: &str) -> Result<(), Cut> {
    let mut parts = argument.split('|');
    let text = parts.next().unwrap_or_default();
    let mut options: Vec<Value> =
        parts.map(|label| json!({ "label": label, "description": format!("Take {label}") })).collect();
    if options.is_empty() {
        options = ["Red", "Blue"].map(|label| json!({ "label": label, "description": "A colour" })).into();
    }
    let question =
        json!({ "question": text, "header": "Question", "options": options, "multiSelect": false });
    let answers = ask(turn, &json!({ "questions": [question] }))?;
    let Some(answers) = answers else { return Ok(()) };
    turn.say(&format!("The answer is: {}", answers[text].as_str().unwrap_or("none")))
}

/// `[[questions:[{…}]]]`: asks all of them, as the tool's input has them, and says what was answered.
pub fn several(turn: &mut Turn<'_>, argument: &str) -> Result<(), Cut> {
    let questions: Value = serde_json::from_str(argument).expect("[[questions:[…]]] takes JSON");
    let answers = ask(turn, &json!({ "questions": questions }))?;
    let Some(answers) = answers else { return Ok(()) };
    turn.say(&format!("The answers are: {answers}"))
}

/// The answers by question, or `None` where they were refused.
fn ask(turn: &mut Turn<'_>, input: &Value) -> Result<Option<Value>, Cut> {
    let tool_use = turn.tool("AskUserQuestion", input);
    let Some(answered) = permitted(turn, &tool_use, "AskUserQuestion", input, true)? else { return Ok(None) };
    let answers = answered["answers"].clone();
    let content = match answers.as_object() {
        Some(answers) => format!("Your questions have been answered: {answers:?}."),
        None => "The user did not answer the questions.".to_owned(),
    };
    turn.tool_result(&tool_use, &content, false, &answered);
    Ok(Some(answers))
}

/// `[[elicit:{schema}]]`: an MCP server asks the user, and what became of it is said.
pub fn elicit(turn: &mut Turn<'_>, argument: &str) -> Result<(), Cut> {
    let schema: Value = serde_json::from_str(argument).expect("[[elicit:{…}]] takes a JSON schema");
    let answer = turn.elicit("jira", "Which ticket is it?", &schema)?;
    turn.say(&format!("The server heard: {answer}"))
}
