//! The CLI's requests that wait for a person → [`Ask`].

use serde_json::Value;

use super::tools::tool_of;
use super::wire::control::{Request, RequestBody};
use crate::domain::ask::{Ask, AskKind, Question};

/// The ask that a control request means; `None` where nobody needs to be asked.
pub(super) fn ask_of(request: &Request, cwd: &str) -> Option<Ask> {
    let body = &request.request;
    let kind = match body.subtype.as_str() {
        "can_use_tool" => tool_ask(body, cwd),
        "elicitation" => AskKind::Elicitation {
            server: body.server.clone().unwrap_or_default(),
            message: body.message.as_str().unwrap_or_default().to_owned(),
        },
        _ => return None,
    };
    Some(Ask {
        request: request.request_id.clone(),
        tool_use: body.tool_use_id.clone(),
        kind,
        input: body.input.to_string(),
    })
}

fn tool_ask(body: &RequestBody, cwd: &str) -> AskKind {
    let questions = questions(&body.input);
    let plan = body.input.get("plan").and_then(Value::as_str);
    match (body.tool_name.as_str(), plan) {
        ("AskUserQuestion", _) if !questions.is_empty() => AskKind::Question { questions },
        ("ExitPlanMode", Some(plan)) => AskKind::Plan { plan: plan.to_owned() },
        (name, _) => AskKind::Permission {
            tool: tool_of(name, &body.input, cwd),
            reason: body.decision_reason.clone(),
            blocked_path: body.blocked_path.clone(),
        },
    }
}

fn questions(input: &Value) -> Vec<Question> {
    let list = input.get("questions").and_then(Value::as_array);
    list.into_iter().flatten().filter_map(question).collect()
}

fn question(value: &Value) -> Option<Question> {
    let options = value.get("options").and_then(Value::as_array);
    Some(Question {
        question: value.get("question")?.as_str()?.to_owned(),
        header: value.get("header").and_then(Value::as_str).unwrap_or_default().to_owned(),
        options: options
            .into_iter()
            .flatten()
            .filter_map(|option| option.get("label")?.as_str().map(str::to_owned))
            .collect(),
        multiple: value.get("multiSelect").and_then(Value::as_bool).unwrap_or_default(),
    })
}
