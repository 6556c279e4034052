//! What the demo assistant says. A few words in the prompt choose a scene; anything else gets the list of scenes.
//! Scenes with tools are played: the only thing that is really done is an edit of one file in the working directory,
//! which is a scratch repository.

use scenes::Stage;

use super::{Assistant, Cut, Ending, House, Turn};

mod scenes;
mod texts;

/// The demo's process.
pub const HOUSE: House = House {
    state_dir: "demo-assistant",
    model: "demo",
    provider: "demo",
    models: &[("default", "demo", "Demo (no model behind it)")],
    commands: &[("demo", "Shows what can be tried")],
    refuses_root: false,
};

/// The demo assistant.
#[derive(Debug, Clone, Copy)]
pub struct Demo {
    /// How long its pauses are, in percent.
    pace_percent: u32,
}

/// Tests that talk to the demo set this variable to 0.
const PACE_VARIABLE: &str = "SWITCHBOARD_DEMO_PACE";

impl Demo {
    /// A demo at the pace that the environment asks for, or else at that of somebody who types fast.
    pub fn from_env() -> Self {
        let pace = std::env::var(PACE_VARIABLE).ok().and_then(|percent| percent.parse().ok());
        Self { pace_percent: pace.unwrap_or(100) }
    }
}

/// What a prompt is answered with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scene {
    Help,
    WhoAreYou,
    Text,
    Read,
    Tests,
    Edit,
    Question,
    Plan,
    Permission,
    LongJob,
    LongAnswer,
    Failure,
    Memory,
}

/// The first line with a word that is in the prompt decides.
const WORDS: &[(Scene, &[&str])] = &[
    (Scene::WhoAreYou, &["who are you", "what are you", "are you real", "are you claude"]),
    (Scene::LongAnswer, &["very long", "long answer", "long text"]),
    (Scene::LongJob, &["long", "job", "slow"]),
    (Scene::Failure, &["fail", "error", "crash"]),
    (Scene::Question, &["question", "ask", "choose"]),
    (Scene::Plan, &["plan"]),
    (Scene::Permission, &["permission", "delete", "dangerous"]),
    (Scene::Edit, &["edit", "change", "write", "add a line"]),
    (Scene::Tests, &["test", "bash", "run "]),
    (Scene::Memory, &["remember", "recall", "what did i say"]),
    (Scene::Read, &["read", "tool", "look"]),
    (Scene::Text, &["text", "markdown", "table", "code", "list"]),
];

fn scene(prompt: &str) -> Scene {
    let prompt = prompt.to_lowercase();
    let found = WORDS.iter().find(|(_, words)| words.iter().any(|word| prompt.contains(word)));
    found.map_or(Scene::Help, |(scene, _)| *scene)
}

impl Assistant for Demo {
    fn answer(&mut self, turn: &mut Turn<'_>, prompt: &str) -> Result<(), Cut> {
        turn.begin();
        let mut stage = Stage { turn, pace_percent: self.pace_percent };
        match scene(prompt) {
            Scene::Help => stage.type_out(texts::HELP)?,
            Scene::WhoAreYou => stage.type_out(texts::WHO)?,
            Scene::Text => stage.type_out(texts::TEXT)?,
            Scene::Read => stage.read()?,
            Scene::Tests => stage.tests()?,
            Scene::Edit => stage.edit()?,
            Scene::Question => stage.question()?,
            Scene::Plan => stage.plan()?,
            Scene::Permission => stage.permission()?,
            Scene::LongJob => stage.long_job()?,
            Scene::LongAnswer => stage.type_fast(&texts::long())?,
            Scene::Memory => stage.memory()?,
            Scene::Failure => {
                stage.type_out("I begin, and then the API breaks, as it sometimes does…")?;
                turn.end_as(Ending::Failed {
                    text: "API Error: 500 Internal server error (this one is part of the demo)".to_owned(),
                    error: "server_error",
                    status: Some(500),
                });
                return Ok(());
            }
        }
        // Whoever spoke up while a tool ran is not left without an answer.
        for steered in std::mem::take(&mut stage.turn.steered) {
            stage.type_out(&format!("You also said, while I was at it: “{steered}”. Noted."))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use serde_json::Value;

    use super::super::flags::Flags;
    use super::super::inbox::Inbox;
    use super::super::sessions::Sessions;
    use super::super::speaker::{Facts, Format, Speaker};
    use super::*;

    #[test]
    fn words_choose_the_scene() {
        for (prompt, expected) in [
            ("hello", Scene::Help),
            ("Who are you?", Scene::WhoAreYou),
            ("show me some text", Scene::Text),
            ("read the files", Scene::Read),
            ("run the tests", Scene::Tests),
            ("Edit a file", Scene::Edit),
            ("a long job please", Scene::LongJob),
            ("a very long answer", Scene::LongAnswer),
            ("ask me a question", Scene::Question),
            ("make a plan", Scene::Plan),
            ("fail", Scene::Failure),
        ] {
            assert_eq!(scene(prompt), expected, "{prompt}");
        }
    }

    /// What the demo prints for a prompt in a fresh directory, without pauses.
    fn lines(prompt: &str, dir: &std::path::Path) -> Vec<Value> {
        let out = Out::default();
        let facts = Facts {
            session: "s".into(),
            dir: dir.to_string_lossy().into_owned(),
            model: HOUSE.model.into(),
            permission_mode: "bypassPermissions".into(),
            partial: true,
            replay: true,
            tools: Vec::new(),
            commands: Vec::new(),
            cost_usd: 0.0,
        };
        let speaker = Speaker::new(Box::new(out.clone()), Format::StreamJson, facts);
        let inbox = Arc::new(Inbox::default());
        let mut session = Sessions::new(dir, dir).create("s", false).unwrap();
        let flags = Flags::default();
        let mut turn = Turn::new(&speaker, &inbox, &mut session, &flags, Vec::new(), None);
        let outcome = Demo { pace_percent: 0 }.answer(&mut turn, prompt);
        turn.finish(outcome);
        let bytes = out.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    #[derive(Clone, Default)]
    struct Out(Arc<Mutex<Vec<u8>>>);

    impl std::io::Write for Out {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn every_scene_ends_with_one_result() {
        for prompt in [
            "hello",
            "who are you",
            "text",
            "read",
            "run tests",
            "edit",
            "question",
            "plan",
            "permission",
            "long job",
            "very long answer",
            "remember",
            "fail",
        ] {
            let dir = tempfile::tempdir().unwrap();
            let lines = lines(prompt, dir.path());
            assert_eq!(lines[0]["subtype"], "init", "{prompt}");
            let results = lines.iter().filter(|line| line["type"] == "result").count();
            assert_eq!(results, 1, "{prompt}");
            let last = lines.last().unwrap();
            assert_eq!(last["type"], "result", "{prompt}");
            assert_eq!(last["is_error"], prompt == "fail", "{prompt}");
            assert_eq!(last["total_cost_usd"], 0.0, "{prompt}");
        }
    }

    #[test]
    fn an_edit_is_real_and_grows_the_file() {
        let dir = tempfile::tempdir().unwrap();
        lines("edit", dir.path());
        let again = lines("edit", dir.path());
        let notes = std::fs::read_to_string(dir.path().join("demo-notes.md")).unwrap();
        assert_eq!(notes.lines().filter(|line| line.starts_with("- note")).count(), 2);
        assert!(again.iter().any(|line| line["message"]["content"][0]["name"] == "Edit"));
        assert!(again.last().unwrap()["result"].as_str().unwrap().contains("```diff"));
    }

    #[test]
    fn it_copes_without_an_answer_to_its_question() {
        let dir = tempfile::tempdir().unwrap();
        let result = lines("question", dir.path()).pop().unwrap();
        assert!(result["result"].as_str().unwrap().contains("so I decide"), "{result}");
    }
}
