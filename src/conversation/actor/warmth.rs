//! A process that is started before anybody asks.

use super::{Actor, ActorError, Input};
use crate::domain::event::Failure;
use crate::domain::ids::{ProcessId, SessionId};

impl Actor {
    /// Somebody is about to ask for something. A process is made ready only for a session that goes on, and only where a
    /// turn would begin at once and the machine has plenty.
    pub(super) async fn announced(&mut self) -> Result<(), ActorError> {
        if !self.queue_taken {
            return Ok(());
        }
        let fresh = self.fresh().await?;
        let now = self.shared.clock.moment();
        if !self.state.may_prestart(now) {
            return self.apply(Input::Announced(fresh)).await;
        }
        let held = self.holds.borrow().is_some();
        if held || !self.shared.places.is_free() || self.session_to_resume().await?.is_none() {
            return Ok(());
        }
        let Some(room) = self.shared.warm.spare_room() else { return Ok(()) };
        self.room = Some(room);
        self.apply(Input::Prestart(fresh)).await?;
        if self.state.process().is_none() {
            self.room = None;
        }
        Ok(())
    }

    /// Starts a process that gets no prompt. It reads its session, and writes nothing.
    pub(super) async fn prestart(&mut self, process: ProcessId) -> Result<Input, ActorError> {
        let Some(session) = self.session_to_resume().await? else {
            return Ok(Input::LaunchFailed(Failure::SessionNotFound));
        };
        let launch = match self.shared.setup.launch(&self.conversation, session, false).await {
            Ok(launch) => launch,
            Err(failure) => return Ok(Input::LaunchFailed(failure)),
        };
        tracing::info!(%process, conversation = %self.conversation.id, "process started before anybody asks");
        self.note_process(process, session).await?;
        Ok(self.start(process, session, &launch).await.map_or_else(Input::LaunchFailed, |()| Input::Launched))
    }

    async fn session_to_resume(&mut self) -> Result<Option<SessionId>, ActorError> {
        let Some(known) = self.conversation.session else { return Ok(None) };
        let session = self.shared.store.session(known).await?;
        Ok(session.filter(|session| session.started).map(|_| known))
    }
}
