//! The directives of a prompt, one after the other. A prompt without any is answered with `You said: …`.
//!
//! A new directive is an arm of [`Script::perform`], and its doer in the module of its kind.

use std::path::Path;
use std::time::Duration;

use serde_json::json;
use switchboard::playground::assistant::{Assistant, Cut, Ending, Finished, Turn};

use crate::directives::{Directive, directives};
use crate::{log, misbehaviour, questions, texts, tools, traces};

/// What is to be done besides answering.
#[derive(Debug, Default)]
pub struct Script {
    after_result: Option<AfterResult>,
}

#[derive(Debug)]
enum AfterResult {
    Hang,
    Exit(i32),
}

impl Assistant for Script {
    fn answer(&mut self, turn: &mut Turn<'_>, prompt: &str) -> Result<(), Cut> {
        log::prompt(&turn.session.id, turn.prompt_uuid(), prompt);
        let wanted = directives(prompt);
        if wanted.is_empty() {
            turn.begin();
            turn.say(&format!("You said: {prompt}"))?;
        }
        for directive in &wanted {
            if directive.name == "error-unless" {
                let (file, row) = directive.argument.split_once(',').expect("[[error-unless:file,row]]");
                if Path::new(file).exists() {
                    continue;
                }
                return traces::play_error(turn, row);
            }
            if directive.name == "limited" {
                let (file, secs) = directive.argument.split_once(',').expect("[[limited:file,secs]]");
                if traces::play_limit(turn, Path::new(file), number(secs))? {
                    return Ok(());
                }
                continue;
            }
            self.perform(turn, directive)?;
        }
        // What was said while a tool ran wants an answer in the same turn.
        while !turn.steered.is_empty() {
            let steered = turn.steered.remove(0);
            let wanted = directives(&steered);
            if wanted.is_empty() {
                turn.say(&format!("You also said: {steered}"))?;
            }
            for directive in &wanted {
                self.perform(turn, directive)?;
            }
        }
        Ok(())
    }

    fn resume_after(&mut self, turn: &mut Turn<'_>, finished: &Finished) -> Result<(), Cut> {
        let wanted = directives(&finished.description);
        if wanted.is_empty() {
            turn.say(&format!("The background task is done: {}", finished.description))?;
        }
        for directive in &wanted {
            self.perform(turn, directive)?;
        }
        Ok(())
    }

    fn after_result(&mut self) {
        match self.after_result.take() {
            Some(AfterResult::Hang) => misbehaviour::hang(),
            Some(AfterResult::Exit(code)) => std::process::exit(code),
            None => {}
        }
    }
}

impl Script {
    fn perform(&mut self, turn: &mut Turn<'_>, directive: &Directive) -> Result<(), Cut> {
        let argument = directive.argument.as_str();
        // These must come before any output of the turn, so that they can stand first.
        match directive.name.as_str() {
            "silent" => return turn.wait_until(|| false),
            "trace" => return traces::play(turn, argument),
            "error" => return traces::play_error(turn, argument),
            "exit" => std::process::exit(number(argument)),
            "kill" => misbehaviour::kill_self(number(argument)),
            "stderr" => {
                misbehaviour::stderr(number(argument));
                return Ok(());
            }
            _ => turn.begin(),
        }
        match directive.name.as_str() {
            // Texts.
            "say" => turn.say(argument)?,
            "lines" => turn.say(&texts::lines(number(argument)))?,
            "code" => turn.say(&texts::code(number(argument)))?,
            "table" => turn.say(texts::TABLE)?,
            "mention" => turn.say(texts::MENTION)?,
            "thinking" => turn.think(argument)?,
            "stream" => {
                let (chunks, pause_ms) = argument.split_once(',').unwrap_or((argument, "0"));
                let chunks = (1..=number(chunks)).map(|chunk: usize| format!("chunk {chunk} "));
                turn.stream(chunks, Duration::from_millis(number(pause_ms)))?;
            }
            "flood" => {
                let lines = (1..=number(argument)).map(|line: usize| format!("line {line}\n"));
                turn.stream(lines, Duration::ZERO)?;
            }
            "recall" => {
                let mut before = turn.session.user_texts();
                before.pop();
                turn.say(&format!("You said before: {}", before.join(" | ")))?;
            }
            "env" => {
                let mut lines: Vec<String> =
                    std::env::vars().map(|(name, value)| format!("{name}={value}")).collect();
                lines.sort();
                turn.say(&lines.join("\n"))?;
            }
            "args" => {
                let words: Vec<String> = std::env::args().skip(1).collect();
                turn.say(&json!({ "argv": words, "cwd": turn.speaker.facts().dir }).to_string())?;
            }
            "cost" => turn.cost_usd += argument.parse::<f64>().expect("[[cost:usd]] takes a number"),
            // Tools and questions.
            "bash" => tools::bash(turn, argument, false)?,
            "edit" => tools::edit(turn, argument, false)?,
            "tool" => tools::any(turn, argument)?,
            "ask" => match argument.split_once(':') {
                Some(("bash", command)) => tools::bash(turn, command, true)?,
                Some(("bash-file", path)) => {
                    let path = Path::new(&turn.speaker.facts().dir).join(path);
                    let command = std::fs::read_to_string(path).expect("the test wrote the command");
                    tools::bash(turn, &command, true)?;
                }
                Some(("edit", path)) => tools::edit(turn, path, true)?,
                _ => panic!(
                    "[[ask:bash:…]], [[ask:bash-file:…]] and [[ask:edit:…]] exist, not [[ask:{argument}]]"
                ),
            },
            "question" => questions::one(turn, argument)?,
            "questions" => questions::several(turn, argument)?,
            "elicit" => questions::elicit(turn, argument)?,
            "plan" => tools::plan(turn, argument)?,
            "background" => tools::background(turn, argument),
            "marker" => tools::marker(argument),
            // Misbehaviour.
            "stamp" => log::stamp(argument),
            "wait" => turn.wait_until(|| Path::new(argument).exists())?,
            "pause" => turn.pause(Duration::from_millis(number(argument)))?,
            "hang" => misbehaviour::hang(),
            "no-result" => turn.end_as(Ending::Silent),
            "hang-after-result" => self.after_result = Some(AfterResult::Hang),
            "exit-after-result" => self.after_result = Some(AfterResult::Exit(number(argument))),
            "ignore-term" => turn.inbox.ignore_term(),
            "babble" => misbehaviour::babble(turn),
            "cut" => misbehaviour::cut(turn, argument)?,
            "line" => misbehaviour::long_line(turn, number(argument)),
            "garbage" => misbehaviour::garbage(turn),
            "split-utf8" => misbehaviour::split_utf8(turn)?,
            "fork" => misbehaviour::fork(turn, number(argument))?,
            "hold-stdout" => misbehaviour::hold_stdout(),
            other => panic!("there is no directive [[{other}]]"),
        }
        Ok(())
    }
}

fn number<T: std::str::FromStr>(argument: &str) -> T {
    argument.trim().parse().unwrap_or_else(|_| panic!("“{argument}” is no number"))
}
