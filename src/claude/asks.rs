//! The CLI's requests that wait for a person → [`Ask`].

use serde_json::Value;

use super::hook;
use super::tools::tool_of;
use super::wire::control::{Request, RequestBody};
use crate::domain::ask::{Ask, AskKind, Change, Grant, Offer, Question, Rule};
use crate::policy::{By, Context, Rules, decide};

mod elicitation;

/// The ask that a control request means; `None` where nobody needs to be asked.
pub(super) fn ask_of(request: &Request, cwd: &str) -> Option<Ask> {
    let body = &request.request;
    let kind = match body.subtype.as_str() {
        "can_use_tool" => tool_ask(body, cwd),
        "elicitation" => elicitation::elicitation(body),
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
            reason: reason(alarm(name, &body.input, cwd), body.decision_reason.as_deref()),
            blocked_path: body.blocked_path.clone(),
            dir: cwd.to_owned(),
            changes: changes(name, &body.input),
            // A catastrophe is decided on each time.
            grant: grant(&body.permission_suggestions).filter(|_| alarm(name, &body.input, cwd).is_none()),
        },
    }
}

/// What is catastrophic about it, looked at here as well: the hook of a project may have spoken before ours.
fn alarm(tool: &str, input: &Value, cwd: &str) -> Option<String> {
    let decision = decide(&Rules::default(), tool, input, Context { dir: cwd, home: None, real: None });
    matches!(decision.by, By::Patterns(_)).then(|| hook::reason(&decision))
}

/// Why it is asked. Our hook knows the home as well, so it may have found more; what is found here stands first.
fn reason(alarm: Option<String>, said: Option<&str>) -> Option<String> {
    let Some(alarm) = alarm else { return said.map(str::to_owned) };
    let more = said.filter(|said| said.contains("⚠️") && !said.contains(&alarm));
    Some(more.map_or_else(|| alarm.clone(), |more| format!("{alarm} ({more})")))
}

/// What an edit or a write would change.
fn changes(tool: &str, input: &Value) -> Vec<Change> {
    let text = |value: &Value, key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
    let edit = |value: &Value| {
        Some(Change {
            old: Some(text(value, "old_string")?),
            new: text(value, "new_string")?,
            everywhere: value.get("replace_all").and_then(Value::as_bool).unwrap_or_default(),
        })
    };
    match tool {
        "Edit" => edit(input).into_iter().collect(),
        "MultiEdit" => {
            input.get("edits").and_then(Value::as_array).into_iter().flatten().filter_map(edit).collect()
        }
        "Write" => text(input, "content")
            .map(|new| Change { old: None, new, everywhere: false })
            .into_iter()
            .collect(),
        _ => Vec::new(),
    }
}

/// The one suggestion to offer: they are alternatives, and a rule says more narrowly than a mode what it covers.
fn grant(suggestions: &Value) -> Option<Grant> {
    let suggestions = suggestions.as_array()?;
    let is = |value: &Value, key: &str, word: &str| value.get(key).and_then(Value::as_str) == Some(word);
    let rules = suggestions
        .iter()
        .filter(|each| is(each, "type", "addRules") && is(each, "behavior", "allow"))
        .map(|each| {
            let rules = each.get("rules").and_then(Value::as_array);
            rules.into_iter().flatten().filter_map(rule).collect::<Vec<_>>()
        })
        .find(|rules| !rules.is_empty());
    if let Some(rules) = rules {
        return Some(Grant::Rules { rules });
    }
    let mode = suggestions.iter().any(|each| is(each, "type", "setMode") && is(each, "mode", "acceptEdits"));
    mode.then_some(Grant::AcceptEdits)
}

fn rule(value: &Value) -> Option<Rule> {
    Some(Rule {
        tool: value.get("toolName")?.as_str()?.to_owned(),
        content: value.get("ruleContent").and_then(Value::as_str).map(str::to_owned),
    })
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
        options: options.into_iter().flatten().filter_map(offer).collect(),
        multiple: value.get("multiSelect").and_then(Value::as_bool).unwrap_or_default(),
    })
}

fn offer(value: &Value) -> Option<Offer> {
    let text = |key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
    Some(Offer {
        label: text("label")?,
        description: text("description").unwrap_or_default(),
        preview: text("preview").filter(|preview| !preview.trim().is_empty()),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::tool_pattern::ToolPattern;

    #[test]
    fn what_is_catastrophic_is_said_whoever_found_it() {
        let ours = || Some("⚠️ a: it b".to_owned());
        for (alarm, said, shown) in [
            (None, None, None),
            (None, Some("x"), Some("x")),
            (ours(), Some("x"), Some("⚠️ a: it b")),
            (ours(), Some("Hook: ⚠️ a: it b"), Some("⚠️ a: it b")),
            (ours(), Some("⚠️ a, c: it b; it d"), Some("⚠️ a: it b (⚠️ a, c: it b; it d)")),
        ] {
            assert_eq!(reason(alarm, said).as_deref(), shown);
        }
    }

    #[test]
    fn a_pattern_of_commands_means_a_monitor_of_them_as_well() {
        let ask = |tool: &str, input: Value| {
            let body = RequestBody { tool_name: tool.to_owned(), input, ..RequestBody::default() };
            let kind = tool_ask(&body, "/srv/p");
            Ask { request: "r".to_owned(), tool_use: None, kind, input: body.input.to_string() }
        };
        let push: ToolPattern = "Bash(git push:*)".parse().expect("a pattern");
        let monitor: ToolPattern = "Monitor(git push:*)".parse().expect("a pattern");
        let any: ToolPattern = "Bash".parse().expect("a pattern");
        for (command, is_push) in [("git push; tail -f log", true), ("tail -f log", false)] {
            let asked = ask("Monitor", json!({ "command": command, "description": "d" }));
            let fits = [push.fits(&asked), monitor.fits(&asked), any.fits(&asked)];
            assert_eq!(fits, [is_push, is_push, true], "{command}");
            let asked = ask("Bash", json!({ "command": command }));
            assert_eq!([push.fits(&asked), monitor.fits(&asked)], [is_push, false], "{command}");
        }
        assert!(!push.fits(&ask("Monitor", json!({ "ws": { "url": "wss://example.org" } }))));
    }

    #[test]
    fn what_could_be_allowed_for_the_session_covers_no_catastrophe() {
        let suggested = json!([
            { "type": "addRules", "behavior": "allow", "destination": "localSettings",
              "rules": [{ "toolName": "Bash", "ruleContent": "git push:*" }] },
        ]);
        for (command, alarmed) in [("git push origin topic", false), ("git fetch; git push -f", true)] {
            let body = RequestBody {
                subtype: "can_use_tool".to_owned(),
                tool_name: "Bash".to_owned(),
                input: json!({ "command": command }),
                decision_reason: Some("a hook of the project".to_owned()),
                permission_suggestions: suggested.clone(),
                ..RequestBody::default()
            };
            let AskKind::Permission { reason, grant, .. } = tool_ask(&body, "/srv/p") else {
                panic!("it is a permission");
            };
            assert_eq!(grant.is_none(), alarmed, "{command}");
            assert_eq!(reason.is_some_and(|reason| reason.contains("force-push")), alarmed, "{command}");
        }
    }
}
