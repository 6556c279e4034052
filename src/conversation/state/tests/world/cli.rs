//! A CLI with its spool, reckoned along: what it was told, and what it will say.

use std::collections::{BTreeMap, VecDeque};

use super::super::bench::{cancelled, echo, echo_of, init, result, text, written};
use crate::claude::Tuning;
use crate::domain::ids::{ProcessId, PromptId};
use crate::runner::{Record, Recorded};

/// A process: what it recorded, and what it will.
pub(super) struct Cli {
    pub(super) id: ProcessId,
    pub(super) fingerprint: String,
    pub(super) tuning: Tuning,
    pub(super) spool: Vec<Recorded>,
    pub(super) to_come: VecDeque<Record>,
    /// What was written to it and it has not read.
    pub(super) unread: VecDeque<Unread>,
    /// What it was told of, by its uuid; whether a turn of its own waits for it.
    pub(super) told: BTreeMap<PromptId, bool>,
    /// Whether it is over.
    pub(super) over: bool,
}

/// What a CLI reads while it works.
pub(super) enum Unread {
    Told(PromptId),
    Cancel(PromptId, Record),
}

impl Cli {
    /// It reads what was written to it while it works: what it is told of is heard in this turn, or begins one.
    pub(super) fn reads(&mut self) -> Option<Record> {
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
pub(super) fn served(number: u64) -> [Record; 5] {
    [written(number), init(), echo(number), text(&format!("answer {number}")), result()]
}
