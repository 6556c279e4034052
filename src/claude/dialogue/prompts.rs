//! What goes in, and how the CLI says which turn took it (its README §7).

use serde_json::Value;
use uuid::Uuid;

use super::control::Sent;
use super::turn::{Began, Turn};
use super::{Dialogue, Step, WAITING_MAX};
use crate::claude::wire::incoming::Incoming;
use crate::claude::wire::message::Message;
use crate::domain::event::TurnEnd;
use crate::domain::ids::PromptId;

impl Dialogue {
    /// A line that was written to the CLI. Ours are well-formed; foreign ones (old spools) are read as leniently.
    pub(super) fn written(&mut self, line: Incoming, steps: &mut Vec<Step>) {
        match line {
            Incoming::User(message) => {
                let uuid = message.uuid.as_deref().and_then(|uuid| Uuid::parse_str(uuid).ok());
                let prompt = uuid.map(PromptId);
                if self.turn.is_none() && self.waiting.is_empty() {
                    steps.push(Step::TurnBegan { prompt });
                    self.turn = Some(Turn::begin(prompt, Began::Written));
                } else {
                    self.waiting.push_back(prompt);
                    if self.waiting.len() > WAITING_MAX {
                        self.waiting.pop_front();
                    }
                }
            }
            Incoming::Request(request) => {
                let body = request.request;
                if let ("interrupt" | "end_session", Some(turn)) = (body.subtype.as_str(), &mut self.turn) {
                    turn.interrupted = true;
                    if body.subtype == "interrupt" {
                        steps.push(Step::Interrupted { request: request.request_id.clone() });
                    }
                }
                self.requests.insert(request.request_id, Sent::of(body));
                if self.requests.len() > WAITING_MAX {
                    self.requests.pop_first();
                }
            }
            Incoming::Response(response) => {
                let body = response.response;
                self.owed.remove(&body.request_id);
                let behavior = body.response.get("behavior").or_else(|| body.response.get("action"));
                let allowed = matches!(behavior.and_then(Value::as_str), Some("allow" | "accept"));
                if self.turn.as_mut().is_some_and(|turn| turn.answered(&body.request_id)) {
                    steps.push(Step::AskAnswered { request: body.request_id, allowed });
                }
            }
            _ => {}
        }
    }

    /// A prompt of ours comes back: the CLI has consumed it (its README §7).
    pub(super) fn echo(&mut self, message: &Message, steps: &mut Vec<Step>) {
        let prompt = message.uuid.as_deref().and_then(|uuid| Uuid::parse_str(uuid).ok()).map(PromptId);
        let again = !self.echoed.first_time(message.uuid.as_deref());
        let waits = self.waiting.iter().position(|waiting| *waiting == prompt);
        let ours = waits.is_some() || prompt.is_some() && self.busy() == prompt;
        if !ours && message.api.content.0.iter().any(|block| block.text.starts_with("<local-command-")) {
            // The output of a command, which the CLI marks like an echo.
            return;
        }
        match (&mut self.turn, waits) {
            (Some(turn), None) if !turn.signs.echo && (turn.prompt == prompt || turn.prompt.is_none()) => {
                let dropped = turn.began == Began::Written && !turn.signs.init && self.waiting.is_empty();
                turn.signs.echo = true;
                if let (true, Some(prompt)) = (dropped, turn.prompt) {
                    steps.push(Step::AlreadyKnown { prompt });
                    self.end(TurnEnd::Completed { text: String::new() }, steps);
                }
            }
            (Some(_), waits) => {
                // An echo of an unknown id belongs to the oldest prompt that was written without one.
                let at = waits.or_else(|| self.waiting.iter().position(Option::is_none));
                let Some(prompt) = at.and_then(|at| self.waiting.remove(at)).flatten() else { return };
                steps.push(if again { Step::AlreadyKnown { prompt } } else { Step::Absorbed { prompt } });
            }
            (None, Some(at)) => {
                self.waiting.remove(at);
                if again {
                    steps.extend(prompt.map(|prompt| Step::AlreadyKnown { prompt }));
                } else {
                    // The first of several that the CLI merges is echoed before the turn's init.
                    self.waiting.push_front(prompt);
                    self.turn_of_its_own(steps).signs.echo = true;
                }
            }
            (None, None) => {}
        }
    }
}
