//! The scenes of the demo, each a method of the stage that they are played on.

use std::fs;
use std::time::Duration;

use serde_json::{Value, json};

use super::texts;
use crate::playground::assistant::turn::pieces;
use crate::playground::assistant::{Cut, Turn, Verdict};

/// The file that the edit scene works on.
const NOTES: &str = "demo-notes.md";

/// What the question scene asks.
const COLOUR: &str = "Which colour should the button have?";
const PLACES: &str = "Where should it stand?";

/// How fast the demo types.
const TYPING: Duration = Duration::from_millis(35);

/// How many steps the long job has, and how long each takes: about a minute.
const LONG_STEPS: usize = 12;
const LONG_STEP: Duration = Duration::from_secs(5);

/// Where scenes are played: a turn, and how much time there is.
#[derive(Debug)]
pub struct Stage<'t, 'a> {
    /// The turn.
    pub turn: &'t mut Turn<'a>,
    /// How long pauses are, in percent.
    pub pace_percent: u32,
}

impl Stage<'_, '_> {
    /// Says a text at the pace of somebody who types fast.
    pub fn type_out(&mut self, text: &str) -> Result<(), Cut> {
        self.turn.stream(pieces(text, 24), TYPING * self.pace_percent / 100)
    }

    /// Says a text in large pieces.
    pub fn type_fast(&mut self, text: &str) -> Result<(), Cut> {
        self.turn.stream(pieces(text, 120), TYPING * self.pace_percent / 100)
    }

    fn pause(&self, duration: Duration) -> Result<(), Cut> {
        self.turn.pause(duration * self.pace_percent / 100)
    }

    /// A tool that takes a moment and gives this.
    fn play(&mut self, name: &str, input: &Value, takes: Duration, output: &str) -> Result<(), Cut> {
        let tool_use = self.turn.tool(name, input);
        self.pause(takes)?;
        let detail = json!({ "stdout": output, "stderr": "", "interrupted": false });
        self.turn.tool_result(&tool_use, output, false, &detail);
        Ok(())
    }

    pub fn read(&mut self) -> Result<(), Cut> {
        self.type_out("I'll have a look around first.")?;
        let dir = self.turn.speaker.facts().dir;
        let mut names: Vec<String> = fs::read_dir(&dir)
            .map(|entries| {
                entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
            })
            .unwrap_or_default();
        names.retain(|name| !name.starts_with('.'));
        names.sort();
        names.truncate(5);
        let pause = Duration::from_millis(700);
        self.play("Glob", &json!({ "pattern": "*" }), pause, &names.join("\n"))?;
        for name in &names {
            let path = format!("{dir}/{name}");
            if let Ok(text) = fs::read_to_string(&path) {
                let head: String = text.chars().take(2000).collect();
                self.play("Read", &json!({ "file_path": path }), pause, &head)?;
            }
        }
        let list = names.iter().map(|name| format!("- `{name}`")).collect::<Vec<_>>().join("\n");
        let list = if list.is_empty() { "- nothing yet".to_owned() } else { list };
        self.type_out(&format!(
            "This is what lies in the directory:\n\n{list}\n\nTry `edit` to see a file change."
        ))
    }

    pub fn tests(&mut self) -> Result<(), Cut> {
        self.type_out("Running the tests (a demo runs no commands, so this is how it *would* look).")?;
        let pause = Duration::from_millis(1500);
        let command = json!({ "command": "cargo test", "description": "Run the test suite" });
        self.play("Bash", &command, pause, "test result: FAILED. 11 passed; 1 failed")?;
        self.play("Read", &json!({ "file_path": "src/greeting.rs" }), pause / 2, "…")?;
        self.play("Bash", &command, pause, "test result: ok. 12 passed; 0 failed")?;
        self.type_out(texts::TESTED)
    }

    /// Does not ask first, whatever the permission mode: a refused edit would show nothing, and asking is a scene of
    /// its own. The file lies in the scratch directory.
    pub fn edit(&mut self) -> Result<(), Cut> {
        self.type_out(&format!("I'll add a line to `{NOTES}`."))?;
        let path = format!("{}/{NOTES}", self.turn.speaker.facts().dir);
        let old = fs::read_to_string(&path).unwrap_or_default();
        let count = old.lines().filter(|line| line.starts_with("- ")).count() + 1;
        let line = format!("- note {count}: the demo assistant was here");
        let head = if old.is_empty() { "# Notes of the demo\n\n" } else { "" };
        let new = format!("{old}{head}{line}\n");
        let (name, input) = if old.is_empty() {
            ("Write", json!({ "file_path": path, "content": new }))
        } else {
            let last = old.lines().last().unwrap_or_default();
            (
                "Edit",
                json!({ "file_path": path, "old_string": last, "new_string": format!("{last}\n{line}") }),
            )
        };
        let tool_use = self.turn.tool(name, &input);
        self.pause(Duration::from_millis(600))?;
        if let Err(error) = fs::write(&path, &new) {
            let reason = format!("The file cannot be written: {error}");
            self.turn.tool_result(&tool_use, &reason, true, &json!(format!("Error: {reason}")));
            return self.type_out(&reason);
        }
        let detail = json!({ "type": "update", "filePath": path, "content": new, "originalFile": old });
        self.turn.tool_result(&tool_use, &format!("The file {path} has been updated."), false, &detail);
        self.type_out(&format!("Done, and really done:\n\n```diff\n--- {NOTES}\n+++ {NOTES}\n+{line}\n```"))
    }

    pub fn question(&mut self) -> Result<(), Cut> {
        self.type_out("Before I go on I need to know something.")?;
        let input = json!({ "questions": [
            { "question": COLOUR, "header": "Colour", "multiSelect": false, "options": [
                { "label": "Blue", "description": "Calm", "preview": ".button { background: blue }" },
                { "label": "Green", "description": "Go", "preview": ".button { background: green }" },
            ] },
            { "question": PLACES, "header": "Places", "multiSelect": true, "options": [
                { "label": "Start page", "description": "Where everybody comes by" },
                { "label": "Shop", "description": "Where it counts" },
                { "label": "Footer", "description": "Where nobody looks" },
            ] },
        ] });
        let tool_use = self.turn.tool("AskUserQuestion", &input);
        match self.turn.ask(&tool_use, "AskUserQuestion", &input)? {
            Verdict::Allow(answered) => {
                let answer = |question: &str| answered["answers"][question].as_str().unwrap_or("no answer");
                let (colour, places) = (answer(COLOUR).to_owned(), answer(PLACES).to_owned());
                let text = format!(
                    "Your questions have been answered: \"{COLOUR}\"=\"{colour}\", \"{PLACES}\"=\"{places}\"."
                );
                self.turn.tool_result(&tool_use, &text, false, &answered);
                self.type_out(&format!(
                    "**{colour}** it is, here: {places}. (A real assistant would now change the button.)"
                ))
            }
            Verdict::Deny(reason) => {
                self.turn.tool_result(&tool_use, &reason, true, &json!(format!("Error: {reason}")));
                self.type_out(&format!(
                    "Nobody could answer (“{reason}”), so I decide: **blue**. Tell me if not."
                ))
            }
        }
    }

    pub fn plan(&mut self) -> Result<(), Cut> {
        self.type_out("I have looked around, and this is how I would do it.")?;
        let input = json!({ "plan": texts::PLAN, "planFilePath": "/demo/plan.md" });
        let tool_use = self.turn.tool("ExitPlanMode", &input);
        match self.turn.ask(&tool_use, "ExitPlanMode", &input)? {
            Verdict::Allow(_) => {
                self.turn.tool_result(&tool_use, "User has approved your plan.", false, &input);
                self.type_out("Thank you. (A real assistant would now begin with step 1.)")
            }
            Verdict::Deny(reason) => {
                self.turn.tool_result(&tool_use, &reason, true, &json!(format!("Error: {reason}")));
                self.type_out(&format!("I keep planning. What I heard: “{reason}”"))
            }
        }
    }

    pub fn permission(&mut self) -> Result<(), Cut> {
        self.type_out("For this I need a permission.")?;
        let input = json!({ "command": "rm -rf build", "description": "Remove the build directory" });
        let tool_use = self.turn.tool("Bash", &input);
        match self.turn.ask(&tool_use, "Bash", &input)? {
            Verdict::Allow(_) => {
                self.turn.tool_result(
                    &tool_use,
                    "(Bash completed with no output)",
                    false,
                    &json!({ "stdout": "" }),
                );
                self.type_out("Thank you. (It is a demo: nothing was removed.)")
            }
            Verdict::Deny(reason) => {
                self.turn.tool_result(&tool_use, &reason, true, &json!(format!("Error: {reason}")));
                self.type_out(&format!("That was not allowed: {reason}\n\nI leave the directory as it is."))
            }
        }
    }

    pub fn long_job(&mut self) -> Result<(), Cut> {
        self.type_out(&format!("A job of {LONG_STEPS} steps, about a minute. Stop it whenever you like."))?;
        for step in 1..=LONG_STEPS {
            let input = json!({ "command": format!("./step {step}"), "description": format!("Step {step} of {LONG_STEPS}") });
            self.play("Bash", &input, LONG_STEP, "ok")?;
            if step % 4 == 0 {
                self.type_out(&format!("{step} of {LONG_STEPS} steps are done."))?;
            }
        }
        self.type_out("The job is finished.")
    }

    pub fn memory(&mut self) -> Result<(), Cut> {
        let mut texts = self.turn.session.user_texts();
        texts.pop();
        if texts.is_empty() {
            return self.type_out("This is the first thing that you say in this conversation.");
        }
        let list = texts.iter().map(|text| format!("- {}", text.lines().next().unwrap_or_default()));
        let list = list.collect::<Vec<_>>().join("\n");
        self.type_out(&format!("So far you said:\n\n{list}"))
    }
}
