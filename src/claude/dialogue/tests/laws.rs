//! What holds for every sequence of records.

use std::collections::BTreeSet;

use bytes::Bytes;
use proptest::prelude::*;

use super::replay::{PROMPT, fold, names, records};
use crate::claude::{Dialogue, Step, user_line};
use crate::domain::event::TurnEvent;
use crate::domain::ids::PromptId;
use crate::runner::{Exit, Record};

/// Each turn begins once, ends once, and its end is its last event; asks are settled before it; tools end once.
fn obey(steps: &[Step], exited: bool) -> Result<(), String> {
    let mut running = false;
    let mut asks: BTreeSet<&str> = BTreeSet::new();
    let mut tools: BTreeSet<&str> = BTreeSet::new();
    for (at, step) in steps.iter().enumerate() {
        let fault = match step {
            Step::TurnBegan { .. } if running => Some("a turn began in a turn"),
            Step::TurnBegan { .. } => {
                running = true;
                tools.clear();
                None
            }
            Step::Event(_) if !running => Some("an event without a turn"),
            Step::Event(TurnEvent::Asked(ask)) if !asks.insert(&ask.request) => Some("asked twice"),
            Step::AskAnswered { request, .. } | Step::Event(TurnEvent::AskWithdrawn { request })
                if !asks.remove(request.as_str()) =>
            {
                Some("settled without an ask")
            }
            Step::Event(TurnEvent::ToolStarted(tool)) if !tools.insert(&tool.id) => {
                Some("a tool began twice")
            }
            Step::Event(TurnEvent::ToolEnded { id, .. }) if !tools.remove(id.as_str()) => {
                Some("a tool ended without a beginning")
            }
            Step::Event(TurnEvent::Ended(_)) => {
                running = false;
                (!asks.is_empty()).then_some("an ask outlived its turn")
            }
            Step::Absorbed { .. } if !running => Some("absorbed by nothing"),
            Step::Exited { .. } if at + 1 != steps.len() => Some("a step after the exit"),
            _ => None,
        };
        if let Some(fault) = fault {
            return Err(format!("{fault}: {step:?}"));
        }
    }
    if exited && running {
        return Err("a turn without an end".to_owned());
    }
    Ok(())
}

#[test]
fn every_trace_obeys() {
    for name in names() {
        let records = records(&name);
        obey(&fold(&records), true).unwrap_or_else(|fault| panic!("{name}: {fault}"));
    }
}

#[test]
fn every_trace_cut_anywhere_obeys_and_ends() {
    for name in names() {
        let records = records(&name);
        let mut dialogue = Dialogue::new();
        for (at, record) in records.iter().enumerate() {
            dialogue.read(record);
            let busy = dialogue.is_busy();
            let asks = dialogue.open_asks().len();
            assert!(busy || asks == 0, "{name} at {at}: an ask without a turn");
        }
        for at in (0..records.len()).step_by(3) {
            let mut cut = records[..at].to_vec();
            cut.push(Record::Exit(Exit::Lost));
            obey(&fold(&cut), true).unwrap_or_else(|fault| panic!("{name} cut at {at}: {fault}"));
        }
    }
}

#[test]
fn no_trace_has_a_line_that_is_unknown_or_malformed() {
    for name in names() {
        for step in fold(&records(&name)) {
            if let Step::Ignored { kind, why } = step {
                let foreign = kind.starts_with("control_request/");
                assert!(foreign || kind == "result", "{name}: {kind}: {why}");
            }
        }
    }
}

/// A line of a trace, whole or maimed, or garbage.
fn any_record() -> impl Strategy<Value = Record> {
    let all: Vec<Record> = names().iter().flat_map(|name| records(name)).collect();
    let line = proptest::sample::select(all);
    let maimed = (line.clone(), any::<prop::sample::Index>(), any::<u8>()).prop_map(|(record, at, byte)| {
        let maim = |line: &Bytes| {
            let mut line = line.to_vec();
            if !line.is_empty() {
                let at = at.index(line.len());
                if byte < 128 {
                    line.truncate(at);
                } else {
                    line[at] = byte;
                }
            }
            Bytes::from(line)
        };
        match record {
            Record::Out(line) => Record::Out(maim(&line)),
            Record::In(line) => Record::In(maim(&line)),
            Record::Err(line) => Record::Err(maim(&line)),
            other => other,
        }
    });
    prop_oneof![
        8 => line.prop_filter("exits come last", |record| !matches!(record, Record::Exit(_))),
        3 => maimed.prop_filter("exits come last", |record| !matches!(record, Record::Exit(_))),
        1 => any::<Vec<u8>>().prop_map(|bytes| Record::Out(Bytes::from(bytes))),
        1 => any::<u64>().prop_map(|bytes| Record::TooLong { bytes }),
        1 => any::<u128>().prop_map(|id| {
            Record::In(Bytes::from(user_line(PromptId(uuid::Uuid::from_u128(id % 4)), "again")))
        }),
        1 => Just(Record::In(Bytes::from(user_line(PROMPT, "once more")))),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_records_in_any_order_obey(records in prop::collection::vec(any_record(), 0..60)) {
        let mut dialogue = Dialogue::new();
        let mut steps = Vec::new();
        for record in &records {
            steps.extend(dialogue.read(record));
            for line in dialogue.owed() {
                prop_assert!(serde_json::from_str::<serde_json::Value>(&line).is_ok());
            }
        }
        steps.extend(dialogue.read(&Record::Exit(Exit::Signal { signal: 9 })));
        steps.extend(dialogue.read(&Record::Exit(Exit::Signal { signal: 9 })));
        obey(&steps, true).map_err(TestCaseError::fail)?;
        prop_assert!(!dialogue.is_busy() && dialogue.background_running() == 0);
    }
}
