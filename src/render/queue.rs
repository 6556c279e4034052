//! What people are told of prompts that wait: a short note below each, and the list.

use super::message::MessageBody;
use super::view::{Reaction, Shown};
use crate::domain::action::{Action, Button, ButtonStyle};
use crate::domain::ids::{MessageId, PromptId};

/// The note of prompts that wait: `behind` turns come before them, and the one that runs. Five are many.
pub fn notice(prompt: PromptId, reply_to: Option<MessageId>, behind: usize, prompts: usize) -> MessageBody {
    let place = match behind {
        0 => "next".to_owned(),
        1 => "2nd".to_owned(),
        2 => "3rd".to_owned(),
        3 | 4 => format!("{}th", behind + 1),
        _ => "after five others or more".to_owned(),
    };
    let together =
        if prompts > 1 { format!(" · {prompts} messages, answered together") } else { String::new() };
    let content = format!(
        "-# 🕒 Queued, {place}{together} · edit your message to change it, delete it to take it back"
    );
    let buttons = vec![
        Button::new("Withdraw", ButtonStyle::Secondary, Action::Withdraw { prompt }),
        Button::new("Send now", ButtonStyle::Secondary, Action::SendNow { prompt }),
    ];
    MessageBody { reply_to, buttons, ..MessageBody::text(content) }
}

/// A note as the outbox takes it.
pub fn shown(body: MessageBody) -> Shown {
    Shown { slots: vec![body], reaction: Reaction::Seen, typing: false, ended: true }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_words() {
        let prompt = PromptId(uuid::Uuid::nil());
        let said: Vec<_> = (0..7).map(|behind| notice(prompt, None, behind, 1).content).collect();
        for (content, place) in
            said.iter().zip(["next", "2nd", "3rd", "4th", "5th", "after five others", "after five others"])
        {
            assert!(content.contains(&format!("Queued, {place}")), "{content}");
        }
        assert!(notice(prompt, None, 0, 3).content.contains("3 messages, answered together"));
    }
}
