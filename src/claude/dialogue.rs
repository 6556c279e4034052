//! One process's protocol over its turns: a fold of recorded lines into events.
//!
//! The spool has both directions, so reading the records of a process from the start gives the same state in any
//! daemon: nothing here remembers what it handed out, only what was recorded. It writes nothing itself; what the CLI
//! waits for and only we can give is [`owed`](Dialogue::owed).
//!
//! What holds for every sequence of records, also broken ones (`dialogue/tests/`): a turn has one end, and it is its
//! last event; each ask is answered or withdrawn before it; an unknown line ends nothing.

mod control;
mod ending;
mod info;
mod prompts;
mod step;
mod tasks;
mod turn;

#[cfg(test)]
pub(crate) mod tests;

use std::collections::{BTreeMap, VecDeque};

use uuid::Uuid;

use self::control::{Sent, too_late};
use self::ending::{LastWords, Stderr, failure_at_exit, turn_end};
pub use self::info::{CliInfo, Command, Model};
pub use self::step::Step;
use self::turn::{Began, Seen, Turn};
use super::hook;
use super::wire::incoming::Incoming;
use super::wire::message::{Message, ResultLine};
use super::wire::system::Init;
use crate::domain::ask::Ask;
use crate::domain::event::{Failure, Started, TurnEnd, TurnEvent, Usage};
use crate::domain::ids::{PromptId, SessionId};
use crate::runner::{Exit, Record};

/// How many unanswered requests of our own are remembered, and how many prompts that wait inside the CLI. More is a
/// fault of ours, and costs only that the oldest is forgotten.
const WAITING_MAX: usize = 256;

/// The state of the protocol with one process.
#[derive(Debug, Default)]
pub struct Dialogue {
    turn: Option<Turn>,
    /// Prompts that were written while a turn ran and that no echo has claimed yet. `None`: without an id of ours.
    waiting: VecDeque<Option<PromptId>>,
    /// Requests of ours without an answer yet, by their ids.
    requests: BTreeMap<String, Sent>,
    /// Lines that the CLI waits for: request id → line, and whether it was handed out.
    owed: BTreeMap<String, (String, bool)>,
    /// Background tasks that run: id → (description, tool use that began it).
    tasks: BTreeMap<String, (String, Option<String>)>,
    /// Lines that were seen, because compaction prints some again.
    seen: Seen,
    /// Prompts that were echoed, because only one that was can be a duplicate.
    echoed: Seen,
    session: Option<SessionId>,
    mode: Option<String>,
    cwd: String,
    cost_usd: f64,
    /// Why the CLI does not start, as its first words say.
    start_failure: Option<Failure>,
    /// Whether the last result said that it failed; the CLI then exits with 1 at its end.
    last_turn_failed: bool,
    stderr: Stderr,
    last_words: LastWords,
    exited: bool,
}

impl Dialogue {
    /// The state before the first record.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next record in. Never panics, whatever the bytes.
    pub fn read(&mut self, record: &Record) -> Vec<Step> {
        let mut steps = Vec::new();
        if self.exited {
            return steps;
        }
        match record {
            Record::Out(line) if line.iter().all(u8::is_ascii_whitespace) => {}
            Record::Out(line) => self.out(Incoming::read(line), &mut steps),
            Record::In(line) => self.written(Incoming::read(line), &mut steps),
            Record::Err(line) => {
                self.stderr.push(line);
                self.last_words.say(&String::from_utf8_lossy(line), &[]);
            }
            Record::TooLong { bytes } => {
                let why = format!("{bytes} bytes in one line");
                steps.extend([Step::Gap, Step::Ignored { kind: "too_long".to_owned(), why }]);
            }
            Record::Gap => steps.push(Step::Gap),
            Record::Stopping(why) => steps.push(Step::Stopping(*why)),
            Record::Version(_) => {}
            Record::Exit(exit) => self.exit(exit, &mut steps),
        }
        steps
    }

    /// Whether a turn runs.
    pub fn is_busy(&self) -> bool {
        self.turn.is_some()
    }

    /// The prompt of the running turn. A turn that the CLI began by itself has none: see [`is_busy`](Self::is_busy).
    pub fn busy(&self) -> Option<PromptId> {
        self.turn.as_ref().and_then(|turn| turn.prompt)
    }

    /// Whether this prompt was written while another turn ran, and waits inside the CLI.
    pub fn is_waiting(&self, prompt: PromptId) -> bool {
        self.waiting.contains(&Some(prompt))
    }

    /// Whether a tool runs, so that silence is no sign of a fault.
    pub fn tool_running(&self) -> bool {
        self.turn.as_ref().is_some_and(Turn::tool_running)
    }

    /// Whether a process that answered before has said nothing yet to the prompt that was written to it: neither that
    /// it took it, nor that it begins. One that compacts says so before it begins (`compact.bidi.jsonl`), and one that is
    /// interrupted has nothing to say.
    pub fn is_deaf(&self) -> bool {
        let silent = |turn: &Turn| {
            let signs = [turn.signs.init, turn.signs.echo, turn.is_compacting(), turn.interrupted];
            turn.began == Began::Written && !signs.contains(&true)
        };
        self.session.is_some() && self.turn.as_ref().is_some_and(silent)
    }

    /// The asks that wait for a person.
    pub fn open_asks(&self) -> Vec<&Ask> {
        self.turn.as_ref().map(|turn| turn.asks().collect()).unwrap_or_default()
    }

    /// What the CLI (or the operating system) said last of a failure, for the log; never for people.
    pub fn last_words(&self) -> &str {
        self.last_words.as_str()
    }

    /// The session in use, once the CLI has said it.
    pub fn session(&self) -> Option<SessionId> {
        self.session
    }

    /// The permission mode that it is in, in the CLI's own word, once it has said it.
    pub fn mode(&self) -> Option<&str> {
        self.mode.as_deref()
    }

    /// Lines that the CLI waits for and nobody but us can give. Each is handed out once; after a rebuild from the
    /// records, those that were written are not handed out again.
    pub fn owed(&mut self) -> Vec<String> {
        let due = self.owed.values_mut().filter(|(_, handed_out)| !handed_out);
        due.map(|(line, handed_out)| {
            *handed_out = true;
            line.clone()
        })
        .collect()
    }

    fn out(&mut self, line: Incoming, steps: &mut Vec<Step>) {
        match line {
            Incoming::Init(init) => self.init(init, steps),
            Incoming::Assistant(message) => self.assistant(&message, steps),
            Incoming::User(message) if message.is_replay => self.echo(&message, steps),
            Incoming::User(message) => self.tool_results(&message, steps),
            Incoming::Stream(stream) if stream.parent.is_none() => {
                self.turn_of_its_own(steps).stream(&stream.event, steps);
            }
            Incoming::Stream(_) | Incoming::Known(_) => {}
            Incoming::Result(result) => self.result(&result, steps),
            Incoming::Request(request) => self.request(&request, steps),
            Incoming::Response(response) => self.response(response, steps),
            Incoming::Cancel(cancel) => {
                self.owed.remove(&cancel.request_id);
                if let Some(turn) = &mut self.turn {
                    turn.withdraw(&cancel.request_id, steps);
                }
            }
            Incoming::TaskStarted(task) => self.task_started(task, steps),
            Incoming::TaskNotification(task) => self.task_over(&task.task_id, steps),
            Incoming::TaskUpdated(task) => {
                if matches!(task.patch.status.as_deref(), Some("completed" | "failed" | "stopped" | "killed"))
                {
                    self.task_over(&task.task_id, steps);
                }
            }
            Incoming::Status(status) => {
                if status.permission_mode.is_some() {
                    self.mode.clone_from(&status.permission_mode);
                }
                if let Some(turn) = &mut self.turn {
                    turn.notice(Incoming::Status(status), steps);
                }
            }
            Incoming::HookResponse(response) => steps.extend(hook::ruling(&response).map(Step::Ruled)),
            Incoming::PermissionDenied(denied) => {
                steps.extend(hook::refusal(&denied).map(Step::Ruled));
                if let Some(turn) = &mut self.turn {
                    turn.notice(Incoming::PermissionDenied(denied), steps);
                }
            }
            Incoming::ApiRetry(_) | Incoming::ModelFallback(_) | Incoming::RateLimit(_) => {
                if let Some(turn) = &mut self.turn {
                    turn.notice(line, steps);
                }
            }
            Incoming::Unknown { kind, raw } => {
                steps.push(Step::Ignored { kind, why: format!("unknown: {raw}") });
            }
            Incoming::Malformed { raw, error } => {
                steps.push(Step::Ignored { kind: "malformed".to_owned(), why: format!("{error}: {raw}") });
            }
        }
    }

    /// The running turn; if there is none, the CLI has begun one: for the prompt that waited longest, or by itself.
    fn turn_of_its_own(&mut self, steps: &mut Vec<Step>) -> &mut Turn {
        self.turn.get_or_insert_with(|| {
            let prompt = self.waiting.pop_front().flatten();
            steps.push(Step::TurnBegan { prompt });
            Turn::begin(prompt, Began::Output)
        })
    }

    fn init(&mut self, init: Init, steps: &mut Vec<Step>) {
        self.start_failure = None;
        session_is(&mut self.session, &init.session_id, steps);
        self.cwd = init.cwd;
        if !init.permission_mode.is_empty() {
            self.mode = Some(init.permission_mode.clone());
        }
        let session = self.session;
        let turn = self.turn_of_its_own(steps);
        turn.signs.init = true;
        steps.push(Step::Event(TurnEvent::Started(Started {
            session,
            model: init.model,
            permission_mode: init.permission_mode,
            cli_version: init.version,
            commands: init.slash_commands,
            mcp_failed: init
                .mcp_servers
                .into_iter()
                .filter(|server| server.status == "failed")
                .map(|server| server.name)
                .collect(),
        })));
    }

    fn assistant(&mut self, message: &Message, steps: &mut Vec<Step>) {
        if !self.seen.first_time(message.uuid.as_deref()) {
            return;
        }
        // A sub-agent in the background goes on between turns; that is no turn.
        if message.parent.is_some() && self.turn.is_none() {
            return;
        }
        let cwd = self.cwd.clone();
        self.turn_of_its_own(steps).assistant(message, &cwd, steps);
    }

    fn tool_results(&mut self, message: &Message, steps: &mut Vec<Step>) {
        if !self.seen.first_time(message.uuid.as_deref()) {
            return;
        }
        let detached = message
            .tool_use_result
            .as_ref()
            .is_some_and(|result| result.background_task.is_some() || result.is_async);
        for block in message.api.content.0.iter().filter(|block| block.kind == "tool_result") {
            if let Some(turn) = &mut self.turn {
                turn.tool_ended(&block.tool_use_id, block.is_error == Some(true), steps);
            }
            if !detached {
                self.task_of_tool_over(&block.tool_use_id, steps);
            }
        }
    }

    fn result(&mut self, result: &ResultLine, steps: &mut Vec<Step>) {
        let total = result.total_cost_usd.unwrap_or(self.cost_usd);
        let cost_usd = (total - self.cost_usd).max(0.0);
        self.cost_usd = total;
        let Some(turn) = &mut self.turn else {
            if result.is_error {
                self.start_failure = Some(ending::failure_of_result(result, None));
                self.last_words.say(&result.result, &result.errors);
            }
            steps.push(Step::Ignored { kind: "result".to_owned(), why: "no turn runs".to_owned() });
            return;
        };
        // A start that failed names a session too, one that does not exist.
        if turn.signs.init {
            session_is(&mut self.session, &result.session_id, steps);
        }
        turn.usage = add(
            turn.usage,
            Usage {
                input_tokens: result.usage.input,
                output_tokens: result.usage.output,
                cache_read_tokens: result.usage.cache_read,
                cache_write_tokens: result.usage.cache_write,
                cost_usd,
            },
        );
        let by_itself = result.origin.as_ref().is_some_and(|origin| origin.kind == "task-notification");
        if by_itself && turn.prompt.is_some() && !turn.signs.echo {
            // Our prompt crossed with a turn that the CLI had begun by itself; its own result is still to come.
            return;
        }
        steps.push(Step::Event(TurnEvent::Usage(turn.usage)));
        let end = turn_end(result, turn);
        if result.is_error {
            self.last_words.say(&result.result, &result.errors);
        }
        self.last_turn_failed = result.is_error;
        self.end(end, steps);
    }

    /// Ends the running turn, if there is one.
    fn end(&mut self, end: TurnEnd, steps: &mut Vec<Step>) {
        let Some(mut turn) = self.turn.take() else { return };
        for ask in turn.withdraw_all(steps) {
            // The CLI has not taken the question back. Should it still wait, it must not wait for ever.
            self.owed.insert(ask.request.clone(), (too_late(&ask), false));
        }
        steps.push(Step::Event(TurnEvent::Ended(end)));
    }

    fn exit(&mut self, exit: &Exit, steps: &mut Vec<Step>) {
        self.exited = true;
        if let Exit::NotStarted { error, .. } = exit {
            self.last_words.say(error, &[]);
        }
        let explained = self.turn.is_none() && self.last_turn_failed && *exit == Exit::Code { code: 1 };
        let failure = failure_at_exit(exit, &self.stderr, self.start_failure.as_ref()).filter(|_| !explained);
        if let Some(turn) = &self.turn {
            let end = if turn.interrupted {
                TurnEnd::Interrupted
            } else {
                TurnEnd::Failed(failure.clone().unwrap_or(Failure::Crashed { code: Some(0), signal: None }))
            };
            self.end(end, steps);
        }
        self.owed.clear();
        self.tasks.clear();
        let unserved = std::mem::take(&mut self.waiting).into_iter().flatten().collect();
        steps.push(Step::Exited { failure, unserved });
    }
}

fn session_is(session: &mut Option<SessionId>, id: &str, steps: &mut Vec<Step>) {
    let Ok(id) = Uuid::parse_str(id) else { return };
    if *session != Some(SessionId(id)) {
        *session = Some(SessionId(id));
        steps.push(Step::SessionChanged(SessionId(id)));
    }
}

fn add(a: Usage, b: Usage) -> Usage {
    Usage {
        input_tokens: a.input_tokens.saturating_add(b.input_tokens),
        output_tokens: a.output_tokens.saturating_add(b.output_tokens),
        cache_read_tokens: a.cache_read_tokens.saturating_add(b.cache_read_tokens),
        cache_write_tokens: a.cache_write_tokens.saturating_add(b.cache_write_tokens),
        cost_usd: a.cost_usd + b.cost_usd,
    }
}
