//! A state with a clock and a spool, and effects in short words, so that a test reads like a table.

mod said;

use std::time::Duration;

use serde_json::Value;
use uuid::Uuid;

pub(super) use said::{
    aborted, cancelled, denied, echo, echo_of, exit, in_one_breath, init, known, no_session, number, out,
    permission, prompt, result, stderr, task_started, text, told, tool, tool_ahead, tool_result, written,
};

use crate::claude::Tuning;
use crate::clock::{Moment, WallTime};
use crate::conversation::account::News;
use crate::conversation::state::{
    Attached, Bounds, Effect, Fresh, Given, Input, KnownTurn, ShownTurn, State,
};
use crate::domain::answer::Draft;
use crate::domain::event::{Limit, TurnEnd};
use crate::domain::ids::{ProcessId, TurnId};
use crate::domain::prompt::Prompt;
use crate::runner::{Position, Record, Recorded};

/// Bounds that are easy to reckon with.
pub(super) const BOUNDS: Bounds = Bounds {
    running_turns_max: 4,
    queued_prompts_max: 20,
    turn_max: Duration::from_hours(1),
    silence_max: Duration::from_mins(10),
    ask_max: Duration::from_mins(30),
    ask_remind: Some(Duration::from_mins(15)),
    warm_idle: Duration::from_mins(5),
    output_bytes_max: 10_000,
};

pub(super) struct Bench {
    pub(super) state: State,
    now: Moment,
    position: u64,
    fresh: u128,
    processes: Vec<ProcessId>,
    turns: Vec<(TurnId, String)>,
    /// What was heard of the account.
    pub(super) news: Vec<News>,
}

impl Bench {
    pub(super) fn new() -> Self {
        Self::with(BOUNDS)
    }

    pub(super) fn with(bounds: Bounds) -> Self {
        let state = State::new(bounds);
        Self {
            state,
            now: Moment::default(),
            position: 0,
            fresh: 0,
            processes: Vec::new(),
            turns: Vec::new(),
            news: Vec::new(),
        }
    }

    pub(super) fn now(&self) -> Moment {
        self.now
    }

    pub(super) fn wall(&self) -> WallTime {
        WallTime(i64::try_from(self.now.0.as_millis()).unwrap())
    }

    /// An input, as the actor gives it: a process that is to be started starts.
    pub(super) fn input(&mut self, input: Input) -> Vec<String> {
        let mut told = Vec::new();
        let mut inputs = vec![input];
        while let Some(input) = inputs.pop() {
            for effect in self.state.handle(input, self.now, self.wall()) {
                if let Effect::Begin { start, .. } = effect {
                    if start {
                        self.position = 0;
                    }
                    inputs.push(Input::Launched);
                }
                if let Effect::Prestart(_) = effect {
                    self.position = 0;
                    inputs.push(Input::Launched);
                }
                if let Effect::Account { news, .. } = effect {
                    self.news.push(news);
                    continue;
                }
                told.push(self.told(&effect));
            }
        }
        told
    }

    pub(super) fn submit(&mut self, number: u64) -> Vec<String> {
        self.input(Input::Submit(prompt(number)))
    }

    /// The place comes; the settings have this fingerprint.
    pub(super) fn place(&mut self, fingerprint: &str) -> Vec<String> {
        let fresh = self.fresh(fingerprint);
        self.input(Input::Place(fresh))
    }

    pub(super) fn fresh(&mut self, fingerprint: &str) -> Fresh {
        self.fresh += 1;
        let process = ProcessId(Uuid::from_u128(1000 + self.fresh));
        fresh(process, fingerprint)
    }

    pub(super) fn records(&mut self, records: impl IntoIterator<Item = Record>) -> Vec<String> {
        let mut told = Vec::new();
        for record in records {
            self.position += 10;
            let recorded = Recorded { end: Position(self.position), at: self.wall(), record };
            told.extend(self.input(Input::Recorded(recorded)));
        }
        told
    }

    /// Records of the time when everything began.
    pub(super) fn replay_at_the_beginning(&mut self, records: impl IntoIterator<Item = Record>) {
        for record in records {
            self.position += 10;
            let recorded = Recorded { end: Position(self.position), at: WallTime(0), record };
            self.input(Input::Recorded(recorded));
        }
    }

    pub(super) fn record(&mut self, record: Record) -> Vec<String> {
        self.records([record])
    }

    /// Prompt `number` is submitted, gets its place, and the CLI works on it.
    pub(super) fn runs(&mut self, number: u64) {
        self.submit(number);
        self.place("same");
        self.works_on(number);
    }

    pub(super) fn works_on(&mut self, number: u64) {
        self.records([written(number), init(), echo(number)]);
    }

    /// Time passes, and the state is told at its end only.
    pub(super) fn after(&mut self, secs: u64) -> Vec<String> {
        self.now = self.now.after(Duration::from_secs(secs));
        self.input(Input::Tick)
    }

    pub(super) fn due(&self) -> Option<u64> {
        self.state.next_tick(self.now).map(|moment| moment.since(self.now).as_secs())
    }

    /// A process of an earlier daemon.
    pub(super) fn attach(&mut self, turns: Vec<KnownTurn>) -> Vec<String> {
        self.attach_to(ProcessId(Uuid::from_u128(500)), turns)
    }

    pub(super) fn attach_to(&mut self, process: ProcessId, turns: Vec<KnownTurn>) -> Vec<String> {
        self.attach_with(process, turns, Vec::new())
    }

    /// The same, with what was said to its asks.
    pub(super) fn attach_with(
        &mut self,
        process: ProcessId,
        turns: Vec<KnownTurn>,
        given: Vec<Given>,
    ) -> Vec<String> {
        self.attached(process, turns, given, Vec::new(), Vec::new())
    }

    /// The same, with what was chosen so far of them, and what it was told of while a turn ran.
    pub(super) fn attached(
        &mut self,
        process: ProcessId,
        turns: Vec<KnownTurn>,
        given: Vec<Given>,
        drafts: Vec<(String, Draft)>,
        steered: Vec<Prompt>,
    ) -> Vec<String> {
        self.position = 0;
        for turn in &turns {
            let name =
                turn.prompt.as_ref().map_or("alone".to_owned(), |prompt| number(prompt.id).to_string());
            self.turns.push((turn.id, name));
        }
        let attached = attached(process, "same", turns, given);
        self.input(Input::Attached(Attached { drafts, steered, ..attached }))
    }

    pub(super) fn shown(&mut self) -> Vec<ShownTurn> {
        self.state.shown(self.wall())
    }

    /// The text of all that is shown now.
    pub(super) fn text(&mut self) -> String {
        let slots = self.shown().into_iter().flat_map(|turn| turn.shown.slots);
        slots.map(|slot| slot.content).collect::<Vec<_>>().join("\n")
    }

    /// The number of the prompt of the running turn.
    pub(super) fn running(&self) -> Option<u64> {
        self.state.running().and_then(|turn| turn.prompt.as_ref()).map(|prompt| number(prompt.id))
    }

    fn process(&mut self, id: ProcessId) -> char {
        let at = self.processes.iter().position(|known| *known == id).unwrap_or_else(|| {
            self.processes.push(id);
            self.processes.len() - 1
        });
        char::from(b'A' + u8::try_from(at).unwrap())
    }

    fn turn(&self, id: TurnId) -> String {
        self.turns.iter().find(|(known, _)| *known == id).map_or("?".to_owned(), |(_, name)| name.clone())
    }

    fn told(&mut self, effect: &Effect) -> String {
        match effect {
            Effect::AskPlace => "ask place".to_owned(),
            Effect::TakePlace => "take place".to_owned(),
            Effect::LeavePlace => "leave place".to_owned(),
            Effect::Unshow(_) => "unshow".to_owned(),
            Effect::Join { more, .. } => {
                let more: Vec<_> = more.iter().map(|more| number(*more).to_string()).collect();
                format!("join {}", more.join(", "))
            }
            Effect::Begin { turn, prompt, more, process, start, from, attempt, .. } => {
                let number = number(prompt.id);
                self.turns.push((*turn, number.to_string()));
                assert_eq!(*from, Position(if *start { 0 } else { self.position }));
                let start = if *start { "start" } else { "warm" };
                let more =
                    more.iter().map(|more| format!("+{}", self::number(*more))).collect::<Vec<_>>().concat();
                format!("begin {number}{more} in {} ({start}, attempt {attempt})", self.process(*process))
            }
            Effect::Prestart(process) => format!("prestart {}", self.process(*process)),
            Effect::Withdraw { prompt, .. } => format!("withdraw {}", number(*prompt)),
            Effect::Refuse { prompt, .. } => format!("refuse {}", number(*prompt)),
            Effect::BeganAlone { turn, process, .. } => {
                self.turns.push((*turn, "alone".to_owned()));
                format!("began alone in {}", self.process(*process))
            }
            Effect::Deliver { prompt, .. } => format!("deliver {}", number(prompt.id)),
            Effect::Steer { prompt, .. } => format!("steer {}", number(prompt.id)),
            Effect::SteerAgain { prompt, .. } => format!("steer {} again", number(prompt.id)),
            Effect::Heard { prompt, turn } => format!("{} heard by {}", number(*prompt), self.turn(*turn)),
            Effect::Unsteer(prompt) => format!("unsteer {}", number(*prompt)),
            Effect::TakeBack(prompt) => format!("take back {}", number(*prompt)),
            Effect::BeginSteered { turn, prompt, process, .. } => {
                let number = number(*prompt);
                self.turns.push((*turn, number.to_string()));
                format!("begin {number} in {} (told before)", self.process(*process))
            }
            Effect::React { message, reaction, .. } => format!("{} on {message}", reaction.emoji()),
            Effect::Write(line) => written_line(line),
            Effect::Tune { lines, .. } => {
                let lines: Vec<_> = lines.iter().map(|line| written_line(line)).collect();
                format!("tell {}", lines.join(", "))
            }
            Effect::Tuned(tuned) => format!("{tuned:?}").to_lowercase(),
            Effect::LeftPlan => "left plan".to_owned(),
            Effect::CloseInput => "close input".to_owned(),
            Effect::Kill => "kill".to_owned(),
            Effect::SaveAsk { turn, ask, .. } => format!("save {} of {}", ask.request, self.turn(*turn)),
            Effect::SettleAsk { request, answer, .. } => match answer {
                Some(answer) if answer.allows() => format!("{request} allowed"),
                Some(_) => format!("{request} denied"),
                None => format!("{request} withdrawn"),
            },
            Effect::Remind { person, .. } => format!("remind {person}"),
            Effect::NoteStop { turn, by } => format!("{} is stopped by {by}", self.turn(*turn)),
            Effect::Unremind { .. } => "remind no more".to_owned(),
            Effect::ExpireAsk(given) => format!("{} expired", given.request),
            Effect::NoteSideEffects(turn) => format!("side effects of {}", self.turn(*turn)),
            Effect::EndTurn { turn, end, error, .. } => {
                let failed = matches!(end, TurnEnd::Failed(_) | TurnEnd::CutOff { .. });
                assert_eq!(error.is_some(), failed, "{end:?}");
                format!("end {}: {}", self.turn(*turn), end_words(end))
            }
            Effect::ProcessEnded { process, .. } => format!("{} ended", self.process(*process)),
            Effect::SessionChanged(_) => "session".to_owned(),
            Effect::SessionLost => "session lost".to_owned(),
            Effect::Account { .. } => unreachable!("news are kept apart"),
            Effect::Info(_) => "info".to_owned(),
            Effect::NoteRuling(ruling) => format!("ruled {}", ruling.of),
            Effect::Ignored { kind, .. } => format!("ignored {kind}"),
        }
    }
}

/// What a turn begins with, if nobody chose anything.
pub(super) fn fresh(process: ProcessId, fingerprint: &str) -> Fresh {
    Fresh { process, fingerprint: fingerprint.to_owned(), tuning: Tuning::default(), usual_mode: "default" }
}

/// A process of an earlier daemon, with nothing chosen.
pub(super) fn attached(
    process: ProcessId,
    fingerprint: &str,
    turns: Vec<KnownTurn>,
    given: Vec<Given>,
) -> Attached {
    let (fingerprint, tuning) = (fingerprint.to_owned(), Tuning::default());
    Attached {
        process,
        fingerprint,
        tuning,
        usual_mode: "default",
        turns,
        given,
        asked: Vec::new(),
        drafts: Vec::new(),
        steered: Vec::new(),
    }
}

fn end_words(end: &TurnEnd) -> String {
    match end {
        TurnEnd::Completed { .. } => "completed".to_owned(),
        TurnEnd::Interrupted => "interrupted".to_owned(),
        TurnEnd::TimedOut { limit: Limit::Silence } => "silent".to_owned(),
        TurnEnd::TimedOut { .. } => "timed out".to_owned(),
        TurnEnd::LimitReached { .. } => "limit".to_owned(),
        TurnEnd::CutOff { failure } => format!("cut off: {failure:?}"),
        TurnEnd::Failed(failure) => format!("{failure:?}"),
    }
}

/// What a line asks of the CLI.
fn written_line(line: &str) -> String {
    let line: Value = serde_json::from_str(line).expect("what is written is JSON");
    if line["type"] == "control_request" {
        return line["request"]["subtype"].as_str().unwrap().to_owned();
    }
    let response = &line["response"];
    let what =
        response["response"]["behavior"].as_str().unwrap_or(match response["response"]["action"].as_str() {
            Some("decline") => "deny",
            Some(_) => "allow",
            None => "refuse",
        });
    format!("{what} {}", response["request_id"].as_str().unwrap())
}
