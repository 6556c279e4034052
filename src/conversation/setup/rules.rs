//! What the project's rules and the catalogue say of an ask: for the audit, and of what a person would let run. The CLI's
//! hook has decided on what Claude wants; it does not see what a person writes in its place.

use serde_json::Value;

use super::Setup;
use crate::domain::answer::Answer;
use crate::domain::ask::{Ask, AskKind};
use crate::policy::{By, Context, Decision, Verdict, catalogue, decide};
use crate::store::Conversation;

impl Setup {
    /// What makes this ask one that is asked whatever the mode, in a few words for the audit; none: the mode does.
    pub fn asked_because(&self, conversation: &Conversation, ask: &Ask) -> Option<String> {
        match self.decision(conversation, ask, None)?.by {
            By::Rule(rule) => Some(format!("asked because of the rule {rule}")),
            By::Patterns(patterns) => {
                let s = if patterns.len() == 1 { "" } else { "s" };
                Some(format!("asked because of the pattern{s} {}", catalogue::names(&patterns)))
            }
            By::Nothing => None,
        }
    }

    /// Why this answer may not be given to the ask: a sentence for whoever gave it. What a person wrote is judged anew.
    pub fn objection(&self, conversation: &Conversation, ask: &Ask, answer: &Answer) -> Option<String> {
        let written = match answer {
            Answer::AllowEdited { command } => Some(command.as_str()),
            Answer::Allow | Answer::AllowForSession => None,
            Answer::Chosen { .. }
            | Answer::Filled { .. }
            | Answer::Deny { .. }
            | Answer::DenyBecause { .. } => return None,
        };
        let decision = self.decision(conversation, ask, written)?;
        match (decision.by, decision.verdict) {
            (By::Rule(rule), Verdict::Deny) if written.is_some() => Some(format!(
                "Not run: a rule of this project denies what you wrote, `{rule}`. Write another command, or press *Deny*."
            )),
            (By::Rule(rule), Verdict::Deny) => Some(format!(
                "Not run: a rule of this project denies this, `{rule}`. Press *Deny*; whoever runs the bot can change the rule."
            )),
            (By::Patterns(patterns), _) if written.is_some() => {
                let unsaid: Vec<_> =
                    patterns.into_iter().filter(|pattern| !is_named(ask, pattern.name)).collect();
                let whys: Vec<_> = unsaid.iter().map(|pattern| pattern.why).collect();
                (!unsaid.is_empty()).then(|| {
                    format!(
                        "Not run: ⚠️ {}, what you wrote {}, and the card does not say so. If it has to be, press *Deny \
                         and say why* and tell Claude to run it: then a card asks for just that.",
                        catalogue::names(&unsaid),
                        whys.join("; ")
                    )
                })
            }
            (By::Patterns(_), _) if matches!(answer, Answer::AllowForSession) => {
                Some("Not for the session: this is decided on each time. *Allow once* allows it.".to_owned())
            }
            (By::Rule(_) | By::Patterns(_) | By::Nothing, _) => None,
        }
    }

    /// On what is asked for, or on `written` in the place of its command.
    fn decision(&self, conversation: &Conversation, ask: &Ask, written: Option<&str>) -> Option<Decision> {
        let AskKind::Permission { tool, dir, .. } = &ask.kind else { return None };
        let mut input: Value = serde_json::from_str(&ask.input).unwrap_or_default();
        if let (Some(written), Some(input)) = (written, input.as_object_mut()) {
            input.insert("command".to_owned(), written.into());
        }
        let rules = match self.config.project_named(&conversation.project) {
            Some(project) => self.config.rules_for(project),
            None => self.config.policy.clone(),
        };
        let home = self.env.get("HOME").map(String::as_str);
        Some(decide(&rules, &tool.cli_name(), &input, Context { dir, home, real: None }))
    }
}

/// Whether the card of the ask names this pattern: by what it says, because an older one named the first alone.
fn is_named(ask: &Ask, name: &str) -> bool {
    let AskKind::Permission { reason: Some(reason), .. } = &ask.kind else { return false };
    let names = reason.split_once("⚠️ ").and_then(|(_, said)| said.split_once(':'));
    names.is_some_and(|(names, _)| names.split(", ").any(|named| named == name))
}
