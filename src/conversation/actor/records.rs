//! What is recorded at the process: read, folded, and what an earlier daemon's process recorded taken up.

use super::{Actor, ActorError, BURST, Input};
use crate::conversation::state::Attached;
use crate::domain::ids::{ProcessId, SessionId};
use crate::runner::{Feed, Position, Record, Recorded};

impl Actor {
    pub(super) async fn records(&mut self, records: Vec<Recorded>) -> Result<(), ActorError> {
        if records.is_empty() {
            // The runner closes the feed after the exit record, which ended the process.
            self.feed = None;
            self.room = None;
            return Ok(());
        }
        if records.iter().any(|recorded| matches!(recorded.record, Record::Out(_))) {
            // It has started.
            self.room = None;
        }
        for recorded in records {
            let end = recorded.end;
            self.apply(Input::Recorded(recorded)).await?;
            if self.caught_up.is_some_and(|caught_up| end >= caught_up) {
                self.caught_up = None;
                self.apply(Input::CaughtUp).await?;
            }
        }
        Ok(())
    }

    /// Whether this process is the conversation's.
    pub(in crate::conversation) fn has(&self, process: ProcessId) -> bool {
        self.state.process() == Some(process)
    }

    pub(in crate::conversation) fn is_catching_up(&self) -> bool {
        self.caught_up.is_some() && self.is_fed()
    }

    pub(in crate::conversation) fn is_fed(&self) -> bool {
        self.feed.is_some()
    }

    pub(in crate::conversation) async fn read_burst(&mut self) -> Result<(), ActorError> {
        let mut burst = Vec::new();
        if let Some(feed) = &mut self.feed {
            feed.records.recv_many(&mut burst, BURST).await;
        }
        self.records(burst).await
    }

    pub(in crate::conversation) async fn attach(
        &mut self,
        attached: Attached,
        session: Option<SessionId>,
        feed: Feed,
    ) -> Result<(), ActorError> {
        self.caught_up = Some(feed.caught_up);
        let empty = feed.caught_up == Position::default();
        self.feed = Some(feed);
        self.session = session;
        self.apply(Input::Attached(attached)).await?;
        if empty {
            self.caught_up = None;
            self.apply(Input::CaughtUp).await?;
        }
        Ok(())
    }
}
