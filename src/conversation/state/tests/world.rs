//! What is outside of a state, reckoned along: the store, the places, the CLI with its spool. [`performs`] holds the laws.

mod cli;
mod performs;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::Value;
use uuid::Uuid;

use self::cli::Cli;
use super::bench::{BOUNDS, attached, fresh, number, prompt};
use crate::claude::Tuning;
use crate::clock::{Moment, WallTime};
use crate::conversation::state::{Attached, Bounds, Fresh, Given, Input, KnownTurn, State};
use crate::domain::answer::Answer;
use crate::domain::ids::{ProcessId, PromptId, TurnId};
use crate::domain::prompt::{Prompt, Wish};
use crate::runner::{Exit, Position, Record, Recorded};

/// An ask waits for less than the silence that ends a turn, so that a run is soon over.
const BOUNDS_HERE: Bounds = Bounds { ask_max: Duration::from_mins(5), ..BOUNDS };

/// The settings of a place for whose turn nobody may ask any more.
pub(super) const BARRED: u8 = 2;

/// The outside.
pub(super) struct World {
    pub(super) state: State,
    pub(super) now: Moment,
    /// Whether the next process starts at all.
    pub(super) start_fails: bool,
    /// What people chose, what the CLI says to the next lines about it, and how many wait to hear of it.
    wanted: Tuning,
    said: Option<bool>,
    choosers: usize,
    prompts: u64,
    /// What they say, by whom and when, as the store has it.
    rows: BTreeMap<u64, Prompt>,
    fresh: u128,
    asked: bool,
    placed: bool,
    /// Prompts that wait, as the store has them.
    queued: BTreeSet<u64>,
    withdrawn: BTreeSet<PromptId>,
    wishes: BTreeMap<u64, Wish>,
    turns: BTreeMap<TurnId, (ProcessId, KnownTurn)>,
    ended_since_the_start: BTreeSet<TurnId>,
    /// What was said to the asks of each process, as the store has it.
    given: BTreeMap<ProcessId, Vec<Given>>,
    /// Prompts that a process was told of: which, and the turn that heard it.
    steered: BTreeMap<u64, (ProcessId, Option<TurnId>)>,
    /// Prompts that wait to be part of a turn which has its name from another, and those that are.
    waits_with: BTreeMap<u64, TurnId>,
    joined: BTreeMap<u64, TurnId>,
    processes: Vec<Cli>,
    /// The turn that was being stopped before what happens now.
    stops: Option<TurnId>,
    /// How often the account was said not to work.
    bad_news: u32,
    /// The process that the state is told of.
    attached: Option<usize>,
}

impl World {
    pub(super) fn new() -> Self {
        Self {
            state: State::new(BOUNDS_HERE),
            now: Moment::default(),
            start_fails: false,
            wanted: Tuning::default(),
            said: Some(true),
            choosers: 0,
            prompts: 0,
            rows: BTreeMap::new(),
            fresh: 0,
            asked: false,
            placed: false,
            queued: BTreeSet::new(),
            withdrawn: BTreeSet::new(),
            wishes: BTreeMap::new(),
            waits_with: BTreeMap::new(),
            joined: BTreeMap::new(),
            turns: BTreeMap::new(),
            ended_since_the_start: BTreeSet::new(),
            given: BTreeMap::new(),
            steered: BTreeMap::new(),
            processes: Vec::new(),
            stops: None,
            bad_news: 0,
            attached: None,
        }
    }

    /// Somebody says something, soon after what was said before it or not.
    pub(super) fn submit(&mut self, wish: Wish, author: u64, soon: bool) {
        let before = self.rows.get(&self.prompts).map_or(0, |before| before.received_at.0);
        self.prompts += 1;
        let mut said = prompt(self.prompts);
        said.author.id.0 = author;
        said.received_at = WallTime(before + if soon { 1000 } else { 3_600_000 });
        self.rows.insert(self.prompts, said);
        self.queued.insert(self.prompts);
        self.wishes.insert(self.prompts, wish);
        let prompt = self.prompt(self.prompts);
        self.input(Input::Submit(prompt));
    }

    /// As the store has it.
    fn prompt(&self, number: u64) -> Prompt {
        let said = self.rows.get(&number).cloned().expect("it was said");
        Prompt { wish: self.wishes.get(&number).copied().unwrap_or_default(), ..said }
    }

    /// The turn as the store has it, with its prompts.
    fn known(&self, turn: &KnownTurn) -> KnownTurn {
        let Some(first) = &turn.prompt else { return turn.clone() };
        let more = self.joined.iter().filter(|(_, joined)| **joined == turn.id);
        let numbers = [number(first.id)].into_iter().chain(more.map(|(number, _)| *number));
        let parts: Vec<_> = numbers.map(|number| self.prompt(number)).collect();
        KnownTurn { prompt: Prompt::joined(&parts), parts, ..turn.clone() }
    }

    /// Somebody says otherwise what waits. The daemon may die between the row and the rest.
    pub(super) fn edits(&mut self, which: u64, text: &str, dies: bool) {
        let number = which % self.prompts.max(1) + 1;
        if !self.queued.contains(&number) || self.steered.contains_key(&number) {
            return;
        }
        text.clone_into(&mut self.rows.get_mut(&number).expect("it was said").text);
        if dies {
            self.restart(false);
        } else {
            let (prompt, text) = (prompt(number).id, text.to_owned());
            self.input(Input::Edited { prompt, text, attachments: Vec::new() });
        }
    }

    /// Somebody deletes one of the messages. The daemon may die between the row and the rest.
    pub(super) fn withdraws(&mut self, which: u64, dies: bool) {
        let number = which % self.prompts.max(1) + 1;
        let id = prompt(number).id;
        let told = self.state.steered().any(|steered| steered.id == id);
        if !told {
            if !self.queued.contains(&number) || self.steered.contains_key(&number) {
                return;
            }
            self.queued.remove(&number);
            self.withdrawn.insert(id);
        }
        if dies {
            self.restart(false);
        } else {
            self.input(Input::Withdraw { prompt: id, gone: true });
        }
    }

    /// The place comes, if it was asked for; the settings have changed or not, or the author may not any more ([`BARRED`]).
    pub(super) fn place(&mut self, fingerprint: u8) {
        if std::mem::take(&mut self.asked) {
            self.placed = true;
            if fingerprint == BARRED {
                self.input(Input::Barred);
                return;
            }
            self.fresh += 1;
            let process = ProcessId(Uuid::from_u128(self.fresh));
            let fresh = fresh(process, &fingerprint.to_string());
            self.input(Input::Place(Fresh { tuning: self.wanted.clone(), ..fresh }));
        }
    }

    /// Somebody is about to ask: a process is started where one may be, and there is room for it.
    pub(super) fn announces(&mut self, room: bool, fingerprint: u8) {
        self.fresh += 1;
        let fresh = fresh(ProcessId(Uuid::from_u128(self.fresh)), &fingerprint.to_string());
        let fresh = Fresh { tuning: self.wanted.clone(), ..fresh };
        if !self.state.may_prestart(self.now) {
            self.input(Input::Announced(fresh));
        } else if room {
            self.input(Input::Prestart(fresh));
        }
    }

    /// The place comes, and no room for a process.
    pub(super) fn no_room(&mut self) {
        if self.state.needs_room() && std::mem::take(&mut self.asked) {
            self.placed = true;
            self.input(Input::NoRoom);
        }
    }

    /// Somebody answers what waits for people. The daemon may die before the CLI has it.
    pub(super) fn answers(&mut self, dies: bool) {
        let open = self.state.running().and_then(|turn| turn.asks.first()).cloned();
        let Some(open) = open else { return };
        let by = Some("Ada".to_owned());
        let given = Given { request: open.ask.request.clone(), answer: Answer::Allow, by };
        self.gives(given.clone());
        if dies {
            self.restart(false);
        } else {
            self.input(Input::Given { ask: open.id, given });
        }
    }

    /// Somebody chooses a model, or the default one.
    pub(super) fn tune(&mut self, model: u8, said: Option<bool>) {
        self.wanted.model = (model > 0).then(|| format!("model {model}"));
        self.said = said;
        self.choosers += 1;
        self.input(Input::Tune(self.wanted.clone()));
    }

    fn gives(&mut self, given: Given) {
        let process = self.state.process().expect("an ask is of a process");
        let all = self.given.entry(process).or_default();
        assert!(all.iter().all(|known| known.request != given.request), "answered twice");
        all.push(given);
    }

    pub(super) fn after(&mut self, secs: u64) {
        self.now = self.now.after(Duration::from_secs(secs));
        self.input(Input::Tick);
    }

    /// The CLI says something that nobody expected.
    pub(super) fn says(&mut self, record: Record) {
        if let Some(cli) = self.processes.last_mut().filter(|cli| !cli.over) {
            cli.to_come.push_front(record);
            self.next_record();
        }
    }

    pub(super) fn dies(&mut self, exit: Exit) {
        self.says(Record::Exit(exit));
    }

    /// What the CLI does next happens. Whether there was anything.
    pub(super) fn next_record(&mut self) -> bool {
        let at = self.wall();
        let Some(cli) = self.processes.last_mut().filter(|cli| !cli.over) else { return false };
        let Some(record) = cli.reads().or_else(|| cli.to_come.pop_front()) else { return false };
        let end = Position(cli.spool.len() as u64 * 10 + 10);
        cli.over = matches!(record, Record::Exit(_));
        let recorded = Recorded { end, at, record };
        cli.spool.push(recorded.clone());
        self.input(Input::Recorded(recorded));
        true
    }

    /// The daemon is killed and starts again. What was under way to the CLI may be lost.
    pub(super) fn restart(&mut self, lost_on_the_way: bool) {
        self.state = State::new(BOUNDS_HERE);
        self.ended_since_the_start.clear();
        self.choosers = 0;
        (self.asked, self.placed) = (false, false);
        for at in 0..self.processes.len() {
            let id = self.processes[at].id;
            let turns = self.turns.values().filter(|(process, _)| *process == id);
            let turns: Vec<_> = turns.map(|(_, turn)| self.known(turn)).collect();
            let cli = &mut self.processes[at];
            if lost_on_the_way && matches!(cli.to_come.front(), Some(Record::In(_))) {
                cli.to_come.clear();
            }
            if lost_on_the_way {
                cli.unread.clear();
            }
            if cli.over && turns.iter().all(|turn| turn.delivered) {
                continue;
            }
            let (process, fingerprint, tuning) = (cli.id, cli.fingerprint.clone(), cli.tuning.clone());
            let spool = cli.spool.clone();
            let lost = cli.over && !matches!(spool.last(), Some(Recorded { record: Record::Exit(_), .. }));
            self.attached = Some(at);
            let given = self.given.get(&process).cloned().unwrap_or_default();
            let steered = self.steered.iter().filter(|(_, (into, _))| *into == process);
            let steered = steered.map(|(number, _)| self.prompt(*number)).collect();
            let attached = attached(process, &fingerprint, turns, given);
            self.input(Input::Attached(Attached { tuning, steered, ..attached }));
            for recorded in spool {
                self.input(Input::Recorded(recorded));
            }
            self.input(Input::CaughtUp);
            if lost {
                let record = Record::Exit(Exit::Lost);
                let recorded = Recorded { end: Position::default(), at: self.wall(), record };
                self.input(Input::Recorded(recorded));
            }
        }
        for number in self.queued.clone() {
            if !self.steered.contains_key(&number) {
                let prompt = self.prompt(number);
                self.input(match self.waits_with.get(&number) {
                    Some(turn) => Input::Rejoin { prompt, turn: *turn },
                    None => Input::Submit(prompt),
                });
            }
        }
    }

    /// Everything that can run runs to its end; then each prompt has exactly one.
    pub(super) fn finish(&mut self) {
        for round in 1..20_000 {
            self.place(0);
            if round % 5000 == 0 && self.state.running().is_none() {
                // A task in the background keeps its process for as long as it runs.
                self.dies(Exit::Code { code: 0 });
            }
            if self.next_record() {
                continue;
            }
            if self.state.is_idle() {
                break;
            }
            let due = self.state.next_tick(self.now);
            if let Some(due) = due {
                self.now = due;
                self.input(Input::Tick);
            } else {
                assert!(self.asked, "nothing will ever happen");
            }
        }
        assert!(self.state.is_idle(), "it does not come to an end");
        assert!(!self.placed && !self.asked, "a place is kept");
        assert!(self.queued.is_empty(), "forgotten: {:?}", self.queued);
        assert_eq!(self.choosers, 0, "somebody who chose never hears of it");
        for (_, turn) in self.turns.values() {
            assert!(turn.end.is_some(), "a turn has no end: {turn:?}");
        }
        for number in 1..=self.prompts {
            let prompt = prompt(number).id;
            let first = |(_, turn): &&(ProcessId, KnownTurn)| {
                turn.prompt.as_ref().is_some_and(|first| first.id == prompt)
            };
            let turns = self.turns.values().filter(first).count();
            let heard = self.steered.get(&number).is_some_and(|(_, turn)| turn.is_some());
            let others = [self.withdrawn.contains(&prompt), heard, self.joined.contains_key(&number)];
            let ends = turns + others.into_iter().filter(|end| *end).count();
            assert_eq!(ends, 1, "ends of prompt {number}: {turns} turns, {others:?}");
        }
    }

    pub(super) fn input(&mut self, input: Input) {
        let mut inputs = vec![input];
        while let Some(input) = inputs.pop() {
            self.stops = self.state.running().filter(|turn| turn.stop.is_some()).map(|turn| turn.id);
            for effect in self.state.handle(input, self.now, self.wall()) {
                inputs.extend(self.perform(effect));
            }
        }
        let due = self.state.next_tick(self.now);
        assert!(due.is_none_or(|due| due > self.now), "the actor would spin");
    }

    fn wall(&self) -> WallTime {
        WallTime(i64::try_from(self.now.0.as_millis()).unwrap())
    }
}

/// A record of a trace, which may be anybody's.
pub(super) fn is_input(record: &Record) -> bool {
    match record {
        Record::In(line) => serde_json::from_slice::<Value>(line).is_ok_and(|line| line["type"] == "user"),
        Record::Out(_)
        | Record::Err(_)
        | Record::TooLong { .. }
        | Record::Gap
        | Record::Stopping(_)
        | Record::Version(_)
        | Record::Exit(_) => false,
    }
}
