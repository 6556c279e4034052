//! Control requests: the CLI's to us, and its answers to ours.

use serde_json::{Value, json};
use uuid::Uuid;

use super::info::info;
use super::{Dialogue, Step};
use crate::claude::asks::ask_of;
use crate::claude::wire::control::{Request, RequestBody, Response};
use crate::claude::wire::outgoing::{refusal_line, success};
use crate::domain::ask::{Ask, AskKind};
use crate::domain::event::TurnEvent;
use crate::domain::ids::PromptId;

/// A request of ours, as far as its answer needs it.
#[derive(Debug)]
pub(super) struct Sent {
    /// What it is.
    kind: String,
    /// The prompt that a cancel is about.
    prompt: Option<PromptId>,
    /// What a running turn hears when it is done.
    chosen: Option<TurnEvent>,
}

impl Sent {
    pub(super) fn of(body: RequestBody) -> Self {
        let prompt = body.message_uuid.as_deref().and_then(|uuid| Uuid::parse_str(uuid).ok()).map(PromptId);
        let effort = body.settings.get("effortLevel").and_then(Value::as_str);
        let chosen = match body.subtype.as_str() {
            "set_model" => body.model.map(TurnEvent::ModelChanged),
            "apply_flag_settings" => effort.map(|effort| TurnEvent::EffortChanged(effort.to_owned())),
            _ => None,
        };
        Self { kind: body.subtype, prompt, chosen }
    }
}

impl Dialogue {
    pub(super) fn request(&mut self, request: &Request, steps: &mut Vec<Step>) {
        if let Some(ask) = ask_of(request, &self.cwd) {
            self.turn_of_its_own(steps).ask(ask, steps);
            return;
        }
        let kind = request.request.subtype.clone();
        let line = match kind.as_str() {
            "request_user_dialog" => success(&request.request_id, &json!({ "behavior": "cancelled" })),
            _ => refusal_line(&request.request_id, "not supported by this host"),
        };
        self.owed.insert(request.request_id.clone(), (line, false));
        steps
            .push(Step::Ignored { kind: format!("control_request/{kind}"), why: "not supported".to_owned() });
    }

    pub(super) fn response(&mut self, response: Response, steps: &mut Vec<Step>) {
        let body = response.response;
        // Answers of ours are echoed: their ids are not among our requests.
        let Some(Sent { kind, prompt, chosen }) = self.requests.remove(&body.request_id) else { return };
        let request = body.request_id;
        if body.subtype != "success" {
            steps.push(Step::ControlFailed { request, kind, error: body.error.unwrap_or_default() });
            return;
        }
        match kind.as_str() {
            "initialize" => steps.push(Step::Info(info(&body.response))),
            "cancel_async_message" if body.response.get("cancelled") == Some(&Value::Bool(true)) => {
                self.waiting.retain(|waiting| prompt.is_none() || *waiting != prompt);
                steps.extend(prompt.map(|prompt| Step::Cancelled { prompt }));
            }
            _ => {}
        }
        if let (Some(chosen), true) = (chosen, self.turn.is_some()) {
            steps.push(Step::Event(chosen));
        }
        steps.push(Step::ControlDone { request, kind });
    }
}

/// The answer to an ask that outlived its turn.
pub(super) fn too_late(ask: &Ask) -> String {
    match ask.kind {
        AskKind::Elicitation { .. } => success(&ask.request, &json!({ "action": "cancel" })),
        AskKind::Permission { .. } | AskKind::Question { .. } | AskKind::Plan { .. } => success(
            &ask.request,
            &json!({ "behavior": "deny", "message": "The turn is over and nobody can answer any more." }),
        ),
    }
}
