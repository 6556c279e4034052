//! What can be changed about a process while it runs: model, permission mode, effort. PURE.

use serde::{Deserialize, Serialize};

use super::wire::outgoing::{set_effort_line, set_model_line, set_permission_mode_line};
use crate::config::PermissionMode;
use crate::domain::effort::Effort;

/// What a process was told of them last, at its launch or later.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Tuning {
    /// The model; none: the CLI's own default.
    pub model: Option<String>,
    /// The permission mode.
    pub mode: PermissionMode,
    /// The effort; none: the model's own default.
    pub effort: Option<Effort>,
}

/// A line that changes one of them, with the id of its request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The id, by which the answer is known.
    pub request: String,
    /// The line.
    pub line: String,
}

impl Tuning {
    /// The lines that make a process of this tuning one of `wanted`; their requests' ids begin with `request`. None: only
    /// another process can have it. The CLI goes back to its own defaults in another way than it begins with them, and
    /// takes `bypassPermissions` only if it was launched for it.
    pub fn changes(&self, wanted: &Tuning, request: &str) -> Option<Vec<Change>> {
        let forgets = self.model.is_some() && wanted.model.is_none()
            || self.effort.is_some() && wanted.effort.is_none();
        let bypass = wanted.mode == PermissionMode::BypassPermissions && self.mode != wanted.mode;
        if forgets || bypass {
            return None;
        }
        let mut changes = Vec::new();
        // What is stricter should not come after something that may fail.
        if self.mode != wanted.mode {
            let request = format!("{request}-mode");
            changes.push(Change { line: set_permission_mode_line(&request, wanted.mode), request });
        }
        if self.model != wanted.model {
            let request = format!("{request}-model");
            changes.push(Change { line: set_model_line(&request, wanted.model.as_deref()), request });
        }
        if self.effort != wanted.effort
            && let Some(effort) = wanted.effort
        {
            let request = format!("{request}-effort");
            changes.push(Change { line: set_effort_line(&request, effort), request });
        }
        Some(changes)
    }

    /// As the store keeps it.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("three words have a form in JSON")
    }

    /// The same of a process whose plan was approved: it works with the usual permissions.
    #[must_use]
    pub fn unplanned(self) -> Self {
        let mode = if self.is_plan() { PermissionMode::Default } else { self.mode };
        Self { mode, ..self }
    }

    /// Whether it only makes plans.
    pub fn is_plan(&self) -> bool {
        self.mode == PermissionMode::Plan
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tuning(model: Option<&str>, mode: PermissionMode, effort: Option<Effort>) -> Tuning {
        Tuning { model: model.map(str::to_owned), mode, effort }
    }

    #[test]
    fn only_what_differs_is_said_and_some_things_need_another_process() {
        use PermissionMode::{BypassPermissions, Default, Plan};
        let plain = tuning(None, Default, None);
        let opus = tuning(Some("opus"), Plan, Some(Effort::Low));
        let lines = |from: &Tuning, to: &Tuning| {
            let changes = from.changes(to, "t")?;
            Some(changes.into_iter().map(|change| change.line).collect::<Vec<_>>().join("\n"))
        };
        assert_eq!(lines(&plain, &plain).as_deref(), Some(""));
        insta::assert_snapshot!(lines(&plain, &opus).unwrap(), @r#"
        {"request":{"mode":"plan","subtype":"set_permission_mode"},"request_id":"t-mode","type":"control_request"}
        {"request":{"model":"opus","subtype":"set_model"},"request_id":"t-model","type":"control_request"}
        {"request":{"settings":{"effortLevel":"low"},"subtype":"apply_flag_settings"},"request_id":"t-effort","type":"control_request"}
        "#);
        // The CLI's own default model is not what `set_model` without a model gives, if a setting names one.
        assert_eq!(lines(&opus, &plain), None);
        assert_eq!(lines(&tuning(None, Default, Some(Effort::Max)), &plain), None);
        let bypass = tuning(None, BypassPermissions, None);
        assert_eq!(lines(&plain, &bypass), None, "it was not launched for that");
        assert!(lines(&bypass, &plain).unwrap().contains("\"default\""));
    }
}
