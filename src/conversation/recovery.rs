//! What an actor does first: take up what an earlier daemon left. A process that still runs is attached to; one that
//! ended meanwhile is read to its end. Both are the same to the state: records.

use std::time::Duration;

use super::actor::{Actor, ActorError};
use super::state::{Attached, Given, Input, KnownTurn};
use crate::chain::Chain;
use crate::clock::{Clock, WallTime};
use crate::domain::ids::{ProcessId, TurnId};
use crate::domain::prompt::Prompt;
use crate::fail_point::{Point, pass};
use crate::runner::{Exit, Position, Record, Recorded};
use crate::store::{Ended, Noticed, PromptState, Turn, Wait};

impl Actor {
    pub(super) async fn recover(&mut self) -> Result<(), ActorError> {
        let store = self.shared.store.clone();
        let conversation = self.conversation.id;
        for process in store.processes_to_attach(conversation).await? {
            if self.has(process.id) {
                // It was to follow the one before, whose end was just read: so it is started, and runs.
                continue;
            }
            let rows = store.turns_of_process(process.id).await?;
            let mut turns = Vec::with_capacity(rows.len());
            for row in rows {
                let parts = match row.prompt {
                    Some(prompt) => store.prompts_of(row.id, prompt).await?,
                    None => Vec::new(),
                };
                let waits = store.waits_for_people(row.id, process.id).await?;
                turns.push(known(row, parts, &waits, self.shared.clock));
            }
            let given = store.given_answers(process.id).await?.into_iter();
            let given = given.map(|(request, answer, by)| Given { request, answer, by }).collect();
            let asked = store.open_asks(process.id).await?.into_iter();
            let asked = asked.map(|ask| (ask.ask.request, ask.created_at)).collect();
            let drafts = store.drafts(process.id).await?;
            let steered = store.steered_into(process.id).await?;
            // Without it the fingerprint is another one as well.
            let tuning = process.tuning.as_deref().and_then(|json| serde_json::from_str(json).ok());
            let attached = Attached {
                process: process.id,
                fingerprint: process.fingerprint,
                tuning: tuning.unwrap_or_default(),
                usual_mode: self.shared.setup.usual_mode(&self.conversation),
                turns,
                given,
                asked,
                drafts,
                steered,
            };
            tracing::info!(%process.id, turns = attached.turns.len(), "attaching to a process");
            match self.shared.runner.attach(process.id, Position::default()).await {
                Ok(feed) => {
                    pass(Point::Attached).await;
                    self.attach(attached, Some(process.session), feed).await?;
                    self.read_to_caught_up().await?;
                    if process.ended_at.is_some() {
                        self.read_to_end(process.id).await?;
                    }
                }
                Err(error) => {
                    tracing::error!(%process.id, error = %Chain(&error), "a process is lost");
                    self.lost(attached).await?;
                }
            }
        }
        store.unsteer_ended(conversation).await?;
        Ok(())
    }

    /// Takes up what waits. Before, whoever knows looked whether it is still wanted.
    pub(super) async fn take_queue(&mut self) -> Result<(), ActorError> {
        let store = self.shared.store.clone();
        for (prompt, turn) in store.to_take_up(self.conversation.id).await? {
            let input = match turn {
                Some(turn) => Input::Rejoin { prompt, turn },
                None => Input::Submit(prompt),
            };
            self.apply(input).await?;
        }
        for Noticed { prompt, key, state } in store.noticed(self.conversation.id).await? {
            if key != TurnId::of(prompt) {
                self.was_told(prompt);
            } else if let Some(prompt) = store.prompt(prompt).await? {
                // A version before this one noted so that nobody was told that its turn does not wait any more.
                let refused_because = (state == PromptState::Refused).then(String::new);
                self.apply(Input::Unqueued { prompt, refused_because }).await?;
            }
        }
        for Ended { prompt, shown_in, refused_because } in store.ended_unseen(self.conversation.id).await? {
            if let Some(prompt) = store.prompt(prompt).await? {
                // Those that it waited with are told once.
                let refused_because = refused_because.filter(|_| shown_in == TurnId::of(prompt.id));
                self.apply(Input::Unqueued { prompt, refused_because }).await?;
            }
        }
        self.tell_queue().await
    }

    /// Reads what was recorded before this daemon came, so that the next process finds the state that it expects. Shown
    /// is the whole of it alone: what a half of it looks like has fewer messages than are posted, and those would go.
    async fn read_to_caught_up(&mut self) -> Result<(), ActorError> {
        while self.is_catching_up() {
            self.read_burst().await?;
        }
        self.show();
        Ok(())
    }

    /// Reads to the exit of a process that is known to be over: where its shim died, no record tells of that, and the next
    /// process must not be taken for this one.
    async fn read_to_end(&mut self, process: ProcessId) -> Result<(), ActorError> {
        while self.has(process) && self.is_fed() {
            self.read_burst().await?;
        }
        self.show();
        Ok(())
    }

    /// Nothing of the process is left to be read: its turn never reached the CLI, or nobody will know how it ended.
    async fn lost(&mut self, attached: Attached) -> Result<(), ActorError> {
        self.apply(Input::Attached(attached)).await?;
        self.apply(Input::CaughtUp).await?;
        let lost = Recorded {
            end: Position::default(),
            at: self.shared.clock.wall(),
            record: Record::Exit(Exit::Lost),
        };
        self.apply(Input::Recorded(lost)).await?;
        self.show();
        Ok(())
    }
}

fn known(row: Turn, parts: Vec<Prompt>, waits: &[Wait], clock: Clock) -> KnownTurn {
    let ran = clock.uptime().zip(row.started.as_ref()).and_then(|(now, began)| now.since(began));
    let ran = ran.unwrap_or_default();
    KnownTurn {
        id: row.id,
        prompt: Prompt::joined(&parts),
        parts,
        started_at: row.started_at,
        delivered: row.delivered_at.is_some(),
        end: row.end,
        side_effects: row.side_effects,
        ran,
        waited: waited(waits, row.started_at, clock.wall()).min(ran),
        carried: row.carried,
        attempt: row.attempt,
    }
}

/// For how long somebody was waited for since `from`: what waited at the same time counts once.
fn waited(waits: &[Wait], from: WallTime, now: WallTime) -> Duration {
    let (mut waited, mut counted) = (Duration::ZERO, from);
    for wait in waits {
        let until = wait.until.unwrap_or(now);
        waited += until.since(wait.from.max(counted));
        counted = counted.max(until);
    }
    waited
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waited_at_the_same_time_counts_once() {
        let wait = |from: i64, until: Option<i64>| Wait { from: WallTime(from), until: until.map(WallTime) };
        let waits =
            [wait(0, Some(1)), wait(10, Some(30)), wait(20, Some(25)), wait(28, Some(40)), wait(90, None)];
        let waited = |now| waited(&waits, WallTime(5), WallTime(now)).as_millis();
        assert_eq!(waited(100), 30 + 10);
        assert_eq!(waited(50), 30, "a clock that was set back");
    }
}
