//! What is outside of a state, reckoned along: the store, the places, the CLI with its spool. It holds the laws.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use serde_json::Value;
use uuid::Uuid;

use super::bench::{
    BOUNDS, aborted, attached, cancelled, echo, echo_of, fresh, init, number, prompt, result, text, written,
};
use super::tuning::answered;
use crate::claude::Tuning;
use crate::clock::{Moment, WallTime};
use crate::conversation::account::News;
use crate::conversation::state::{Attached, Bounds, Effect, Fresh, Given, Input, KnownTurn, State};
use crate::domain::answer::Answer;
use crate::domain::event::Failure;
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
    /// How often the account was said not to work.
    bad_news: u32,
    /// The process that the state is told of.
    attached: Option<usize>,
}

/// A process: what it recorded, and what it will.
struct Cli {
    id: ProcessId,
    fingerprint: String,
    tuning: Tuning,
    spool: Vec<Recorded>,
    to_come: VecDeque<Record>,
    /// What was written to it and it has not read.
    unread: VecDeque<Unread>,
    /// What it was told of, by its uuid; whether a turn of its own waits for it.
    told: BTreeMap<PromptId, bool>,
    /// Whether it is over.
    over: bool,
}

/// What a CLI reads while it works.
enum Unread {
    Told(PromptId),
    Cancel(PromptId, Record),
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
            for effect in self.state.handle(input, self.now, self.wall()) {
                inputs.extend(self.perform(effect));
            }
        }
        let due = self.state.next_tick(self.now);
        assert!(due.is_none_or(|due| due > self.now), "the actor would spin");
    }

    #[expect(clippy::too_many_lines, reason = "one arm for each effect")]
    fn perform(&mut self, effect: Effect) -> Option<Input> {
        match effect {
            Effect::AskPlace => {
                assert!(!self.asked && !self.placed, "asked twice for a place");
                self.asked = true;
            }
            Effect::TakePlace => {
                assert!(!self.asked && !self.placed, "two places");
                self.placed = true;
            }
            Effect::LeavePlace => (self.asked, self.placed) = (false, false),
            Effect::Join { turn, more } => {
                for more in more {
                    assert!(self.queued.contains(&number(more)), "what does not wait is joined");
                    self.waits_with.insert(number(more), turn);
                }
            }
            Effect::Begin { turn, prompt, more, process, start, attempt, .. } => {
                self.nobody_is_overtaken(number(prompt.id), &more);
                self.waits_with.remove(&number(prompt.id));
                for more in more {
                    let begun = self.joined.insert(number(more), turn);
                    assert_eq!(begun.is_none(), self.queued.remove(&number(more)), "joined once");
                }
                return Some(self.begin(turn, prompt.id, process, start, attempt));
            }
            Effect::Prestart(process) => {
                assert!(self.processes.last().is_none_or(|cli| cli.over), "two processes");
                assert!(self.state.running().is_none() && !self.asked && !self.placed, "somebody asked");
                return Some(self.start(process, VecDeque::new()));
            }
            Effect::Withdraw(prompt) | Effect::Refuse { prompt, .. } => {
                if self.queued.remove(&number(prompt)) {
                    assert!(!self.steered.contains_key(&number(prompt)), "withdrawn from a process");
                    self.withdrawn.insert(prompt);
                }
                assert!(self.withdrawn.contains(&prompt), "withdrawn and not queued");
            }
            Effect::Steer { prompt, process, id } => {
                let number = number(prompt.id);
                assert!(self.queued.contains(&number), "told and not queued");
                assert!(self.steered.insert(number, (process, None)).is_none(), "told twice");
                self.alive().unread.push_back(Unread::Told(id));
            }
            Effect::SteerAgain { id, .. } => self.alive().unread.push_back(Unread::Told(id)),
            Effect::Heard { prompt, turn } => {
                let number = number(prompt);
                let steered = self.steered.get_mut(&number).expect("what is heard was told");
                assert_eq!(self.queued.remove(&number), steered.1.is_none());
                steered.1 = Some(turn);
            }
            Effect::Unsteer(prompt) => {
                assert!(self.steered.remove(&number(prompt)).is_some(), "it was told");
                self.waits_with.remove(&number(prompt));
                self.queued.insert(number(prompt));
            }
            Effect::TakeBack(prompt) => {
                self.wishes.insert(number(prompt), Wish::Withdraw);
            }
            Effect::BeginSteered { turn, prompt, process, .. } => {
                let number = number(prompt);
                self.waits_with.remove(&number);
                assert!(self.steered.remove(&number).is_some() && self.queued.remove(&number));
                let known = KnownTurn { id: turn, ..super::bench::known(number) };
                assert!(self.turns.insert(turn, (process, known)).is_none(), "began twice");
                self.one_turn_runs();
            }
            Effect::BeganAlone { turn, process, .. } => {
                let known = KnownTurn { id: turn, prompt: None, parts: Vec::new(), ..super::bench::known(0) };
                assert!(self.turns.insert(turn, (process, known)).is_none(), "began twice");
                self.one_turn_runs();
            }
            Effect::Deliver { prompt, .. } => self.alive().to_come.extend(served(number(prompt.id))),
            Effect::Write(line) if line.contains("cancel_async_message") => {
                let value: Value = serde_json::from_str(&line).unwrap();
                let id = value["request"]["message_uuid"].as_str().unwrap().parse().unwrap();
                self.alive().unread.push_back(Unread::Cancel(PromptId(id), Record::In(line.into())));
            }
            Effect::Write(line) => {
                let interrupt = line.contains("interrupt");
                let record = Record::In(line.into());
                let cli = self.alive();
                cli.to_come.push_front(record);
                if interrupt && !cli.to_come.iter().any(|record| matches!(record, Record::Exit(_))) {
                    cli.to_come.insert(1, aborted());
                }
            }
            Effect::Tune { process, tuning, lines } => {
                let said = self.said;
                let cli = self.alive();
                assert_eq!(cli.id, process);
                cli.tuning = tuning;
                for line in lines.into_iter().rev() {
                    if let Some(said) = said {
                        cli.to_come.push_front(answered(&line, said));
                    }
                    cli.to_come.push_front(Record::In(line.into()));
                }
            }
            Effect::Tuned(_) => self.choosers = 0,
            Effect::CloseInput => {
                self.alive().to_come.push_back(Record::Exit(Exit::Code { code: 0 }));
            }
            Effect::Kill => {
                let cli = self.alive();
                cli.to_come.clear();
                cli.unread.clear();
                cli.to_come.push_back(Record::Exit(Exit::Signal { signal: 9 }));
            }
            Effect::EndTurn { turn, end, .. } => {
                assert!(self.ended_since_the_start.insert(turn), "ended twice");
                let (_, known) = self.turns.get_mut(&turn).expect("what ends has begun");
                // Every other end reaches Discord before the daemon dies.
                known.delivered |= known.end.is_some() || turn.0.as_u128() % 2 == 0;
                known.end.get_or_insert(end);
            }
            Effect::ProcessEnded { process, .. } => {
                let cli = self.processes.iter().find(|cli| cli.id == process).expect("it was started");
                assert!(cli.over && self.state.process() != Some(process));
                self.attached = None;
            }
            Effect::ExpireAsk(given) => self.gives(given),
            // Each of them may begin one more attempt.
            Effect::Account { news, .. } => self.bad_news += u32::from(news != News::Works),
            Effect::SaveAsk { .. }
            | Effect::SettleAsk { .. }
            | Effect::Remind { .. }
            | Effect::Unremind { .. }
            | Effect::NoteSideEffects(_)
            | Effect::NoteRuling(_)
            | Effect::SessionChanged(_)
            | Effect::SessionLost
            | Effect::LeftPlan
            | Effect::React { .. }
            | Effect::Info(_)
            | Effect::Ignored { .. } => {}
        }
        None
    }

    fn begin(
        &mut self,
        id: TurnId,
        prompt: PromptId,
        process: ProcessId,
        start: bool,
        attempt: u32,
    ) -> Input {
        assert!(attempt <= 4 + self.bad_news, "tried for ever");
        let begun = self.turns.get(&id).map(|(_, known)| known.clone());
        assert_eq!(
            begun.is_none(),
            self.queued.remove(&number(prompt)),
            "begins once, and is out of the queue"
        );
        assert!(begun.is_some() || self.placed, "began without a place");
        assert!(!self.ended_since_the_start.contains(&id), "began after its end");
        let known = begun.unwrap_or_else(|| super::bench::known(number(prompt)));
        self.turns.insert(id, (process, KnownTurn { attempt, ..known }));
        self.one_turn_runs();
        if !start {
            self.alive().to_come.extend(served(number(prompt)));
            return Input::Launched;
        }
        assert!(self.processes.last().is_none_or(|cli| cli.over), "two processes");
        self.start(process, served(number(prompt)).into())
    }

    fn start(&mut self, process: ProcessId, to_come: VecDeque<Record>) -> Input {
        let over = std::mem::take(&mut self.start_fails);
        let fingerprint = "0".to_owned();
        self.attached = Some(self.processes.len());
        let (unread, told) = (VecDeque::new(), BTreeMap::new());
        let tuning = self.wanted.clone();
        self.processes.push(Cli {
            id: process,
            fingerprint,
            tuning,
            spool: Vec::new(),
            to_come,
            unread,
            told,
            over,
        });
        if over { Input::LaunchFailed(Failure::StartFailed) } else { Input::Launched }
    }

    /// Those that become one turn are of one person, and nothing that waits was said between them.
    fn nobody_is_overtaken(&self, first: u64, more: &[PromptId]) {
        let parts: BTreeSet<_> = more.iter().map(|more| number(*more)).chain([first]).collect();
        let author = |number: &u64| self.rows[number].author.id;
        assert!(parts.iter().all(|part| author(part) == author(&first)), "of two persons: {parts:?}");
        let interrupts = |number: &u64| self.wishes.get(number) == Some(&Wish::Interrupt);
        let last = parts.last().copied().unwrap_or(first);
        let between = self.queued.range(first..=last).filter(|number| !self.steered.contains_key(number));
        let mut overtaken =
            between.filter(|number| !parts.contains(number) && interrupts(number) == interrupts(&first));
        assert_eq!(overtaken.next(), None, "{parts:?} are one turn");
    }

    /// One that answers a prompt; the CLI may do one by itself before, or another one that it was told of while the first
    /// waits for its next attempt, or is not begun.
    fn one_turn_runs(&self) {
        let (turn, held) = (self.state.turn.iter(), self.state.held.iter());
        let waiting = turn.filter(|turn| !turn.is_running());
        let waiting: Vec<_> = waiting.chain(held.filter(|turn| !turn.began)).map(|turn| turn.id).collect();
        let running = |alone: bool| {
            let turns = self.turns.values().map(|(_, turn)| turn).filter(|turn| turn.end.is_none());
            turns.filter(|turn| turn.prompt.is_none() == alone && !waiting.contains(&turn.id)).count()
        };
        assert!(running(true) <= 1 && running(false) <= 1, "two turns run");
    }

    /// The process that is written to. One whose end is about to be read takes it and does nothing.
    fn alive(&mut self) -> &mut Cli {
        let at = self.attached.expect("what is over is not written to");
        &mut self.processes[at]
    }

    fn wall(&self) -> WallTime {
        WallTime(i64::try_from(self.now.0.as_millis()).unwrap())
    }
}

impl Cli {
    /// It reads what was written to it while it works: what it is told of is heard in this turn, or begins one.
    fn reads(&mut self) -> Option<Record> {
        let works = self.to_come.iter().any(is_result);
        match self.unread.pop_front()? {
            Unread::Told(id) => {
                if let Some(waits) = self.told.get(&id) {
                    if !waits {
                        self.to_come.push_front(echo_of(id));
                    }
                } else if works && id.0.as_u128().is_multiple_of(2) {
                    self.to_come.push_front(echo_of(id));
                    self.told.insert(id, false);
                } else {
                    let end = self.to_come.iter().position(|record| matches!(record, Record::Exit(_)));
                    let at = end.unwrap_or(self.to_come.len());
                    for record in own_turn(id).into_iter().rev() {
                        self.to_come.insert(at, record);
                    }
                    self.told.insert(id, true);
                }
                Some(Record::In(crate::claude::steer_line(id, "x").into()))
            }
            Unread::Cancel(id, line) => {
                let own = own_turn(id);
                let waits = self.to_come.iter().position(|record| *record == own[1]);
                let waits =
                    waits.filter(|_| self.told.get(&id) == Some(&true)).and_then(|at| at.checked_sub(1));
                if let Some(at) = waits.filter(|at| self.to_come.get(*at) == Some(&own[0])) {
                    self.to_come.drain(at..at + own.len());
                    self.told.insert(id, false);
                }
                self.to_come.push_front(cancelled(&line, waits.is_some()));
                Some(line)
            }
        }
    }
}

fn own_turn(id: PromptId) -> [Record; 4] {
    [init(), echo_of(id), text(&format!("answer {id}")), result()]
}

fn is_result(record: &Record) -> bool {
    *record == result()
}

/// What a CLI does that is given a prompt.
fn served(number: u64) -> [Record; 5] {
    [written(number), init(), echo(number), text(&format!("answer {number}")), result()]
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
