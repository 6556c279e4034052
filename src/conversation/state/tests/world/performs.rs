//! What a state wants done, done: and the laws that each of its wishes has to keep.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde_json::Value;

use super::super::bench::{aborted, number};
use super::super::tuning::answered;
use super::World;
use super::cli::{Cli, Unread, served};
use crate::conversation::account::News;
use crate::conversation::state::{Effect, Input, KnownTurn};
use crate::domain::event::Failure;
use crate::domain::ids::{ProcessId, PromptId, TurnId};
use crate::domain::prompt::Wish;
use crate::runner::{Exit, Record, Stopping};

impl World {
    #[expect(clippy::too_many_lines, reason = "one arm for each effect")]
    pub(super) fn perform(&mut self, effect: Effect) -> Option<Input> {
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
                assert_ne!(self.stops, Some(turn), "what begins is being stopped");
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
            Effect::Withdraw { prompt, .. } | Effect::Refuse { prompt, .. } => {
                if self.queued.remove(&number(prompt)) {
                    assert!(!self.steered.contains_key(&number(prompt)), "withdrawn from a process");
                    self.withdrawn.insert(prompt);
                }
                assert!(self.withdrawn.contains(&prompt), "withdrawn and not queued");
            }
            Effect::Steer { prompt, process, id } => {
                let number = number(prompt.id);
                assert!(self.queued.contains(&number), "told and not queued");
                // Some authors may not any more, and of some it cannot be known.
                match number % 8 {
                    5 => return Some(Input::NotTold(prompt.id)),
                    6 => return Some(Input::WaitsInstead(prompt.id)),
                    _ => {}
                }
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
                let known = KnownTurn { id: turn, ..super::super::bench::known(number) };
                assert!(self.turns.insert(turn, (process, known)).is_none(), "began twice");
                self.one_turn_runs();
            }
            Effect::BeganAlone { turn, process, .. } => {
                let known =
                    KnownTurn { id: turn, prompt: None, parts: Vec::new(), ..super::super::bench::known(0) };
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
                cli.to_come.push_back(Record::Stopping(Stopping::Asked));
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
            Effect::Unshow(_)
            | Effect::SaveAsk { .. }
            | Effect::SettleAsk { .. }
            | Effect::Remind { .. }
            | Effect::Unremind { .. }
            | Effect::NoteSideEffects(_)
            | Effect::NoteRuling(_)
            | Effect::SessionChanged(_)
            | Effect::SessionLost
            | Effect::LeftPlan
            | Effect::NoteStop { .. }
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
        let known = begun.unwrap_or_else(|| super::super::bench::known(number(prompt)));
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
    pub(super) fn alive(&mut self) -> &mut Cli {
        let at = self.attached.expect("what is over is not written to");
        &mut self.processes[at]
    }
}
