//! What a process needs before it is started, and one that is started before anybody asks.

use tokio::sync::watch;

use super::granting::room;
use super::{Actor, ActorError, Granted, Input};
use crate::domain::event::Failure;
use crate::domain::ids::{ProcessId, SessionId};
use crate::render::view::WaitsFor;

impl Actor {
    /// The turn that waits gets what it waits for: first its place, then, where it needs a process that is not there, room
    /// for that. What it has it keeps meanwhile, and gives back when it is stopped.
    pub(super) async fn granted(&mut self, granted: Granted) -> Result<(), ActorError> {
        self.wish = None;
        match granted {
            Granted::Place(place, may) => {
                self.place = Some(place);
                if !may {
                    return self.apply(Input::Barred).await;
                }
                if self.state.needs_room() {
                    self.ask_room();
                    return Ok(());
                }
            }
            Granted::Room(Ok(room), true) => self.room = Some(room),
            Granted::Room(Ok(_), false) => return self.apply(Input::Barred).await,
            Granted::Room(Err(_), _) => return self.apply(Input::NoRoom).await,
        }
        let fresh = self.fresh().await?;
        self.apply(Input::Place(fresh)).await
    }

    fn ask_room(&mut self) {
        let standing = watch::Sender::new(WaitsFor::default());
        self.standing = standing.subscribe();
        let parts = self.state.running().map(|turn| turn.parts.clone()).unwrap_or_default();
        let (shared, conversation) = (self.shared.clone(), self.conversation.clone());
        self.wish = Some(Box::pin(room(shared, conversation, parts, standing)));
    }

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
