//! What the state wants done, done: rows, processes, lines.

use uuid::Uuid;

use super::{Actor, ActorError, Input};
use crate::chain::Chain;
use crate::claude::{steer_line, user_line};
use crate::conversation::account::News;
use crate::conversation::actor::people::state_of;
use crate::conversation::state::Effect;
use crate::domain::event::{Carried, Failure, TurnEnd, Usage};
use crate::domain::ids::{ErrorId, ProcessId, PromptId, SessionId, TurnId};
use crate::domain::prompt::{Prompt, Wish};
use crate::fail_point::{Point, pass};
use crate::runner::{Exit, Launch, Position};
use crate::store::{AskState, NewProcess, NewTurn};

impl Actor {
    /// Performs an effect; some have an outcome that the state wants to know.
    pub(super) async fn perform(&mut self, effect: Effect) -> Result<Option<Input>, ActorError> {
        let store = &self.shared.store;
        match effect {
            Effect::AskPlace => return Ok(Some(self.ask_place())),
            Effect::TakePlace => self.take_place(),
            Effect::LeavePlace => self.leave_place(),
            Effect::Unshow(turn) => self.unshow(turn),
            Effect::Join { turn, more } => self.join(turn, &more).await?,
            Effect::Begin { turn, prompt, more, process, start, from, attempt, carried } => {
                let new = self.new_turn(turn, Some(prompt.id), process, from, attempt);
                return self.begin(NewTurn { more, carried, ..new }, &prompt, start).await.map(Some);
            }
            Effect::Prestart(process) => return self.prestart(process).await.map(Some),
            Effect::Withdraw { prompt, turn } => {
                store.withdraw(prompt, turn).await?;
                pass(Point::Withdrawn).await;
            }
            Effect::Refuse { prompt, turn, why } => {
                tracing::info!(%prompt, "a prompt is not run: {why}");
                store.refuse(prompt, turn, why).await?;
                pass(Point::Withdrawn).await;
            }
            Effect::BeganAlone { turn, process, from } => {
                store.begin_turn(&self.new_turn(turn, None, process, from, 1)).await?;
            }
            Effect::Deliver { prompt, attempt } => self.give(&prompt, attempt).await,
            Effect::Steer { prompt, process, id } => return self.tell_of(prompt, process, id).await,
            Effect::SteerAgain { prompt, id } => self.steer(&prompt, id).await,
            Effect::Heard { prompt, turn } => {
                pass(Point::Hearing).await;
                store.heard(prompt, turn).await?;
                pass(Point::Heard).await;
            }
            Effect::Unsteer(prompt) => {
                store.unsteer(prompt).await?;
                pass(Point::Unsteered).await;
            }
            Effect::TakeBack(prompt) => _ = store.wish(prompt, Wish::Withdraw).await?,
            Effect::BeginSteered { turn, prompt, process, from } => {
                tracing::info!(%turn, %prompt, %process, "turn begins, which the process was told of before");
                store.begin_turn(&self.new_turn(turn, Some(prompt), process, from, 1)).await?;
                pass(Point::TurnRow).await;
            }
            Effect::NoteStop { turn, by } => store.audit(Some(by), "stop", &turn.to_string(), "").await?,
            Effect::React { channel, message, reaction } => {
                self.shared.outbox.react(channel, message, reaction);
            }
            Effect::Write(line) => self.write(line).await,
            Effect::Tune { process, tuning, lines } => self.tell(process, &tuning, lines).await?,
            Effect::Tuned(tuned) => self.heard(tuned),
            Effect::LeftPlan => return self.left_plan().await,
            Effect::CloseInput => {
                if let Some(feed) = &self.feed {
                    feed.control.close_input().await;
                }
            }
            Effect::Kill => {
                if let Some(feed) = &self.feed {
                    feed.control.stop().await;
                }
            }
            Effect::SaveAsk { turn, ask, at } => {
                self.save_ask(turn, &ask, at).await?;
                return Ok(self.call(ask).await);
            }
            Effect::SettleAsk { process, request, answer } => {
                let state = answer.as_ref().map_or(AskState::Withdrawn, state_of);
                store.settle_ask(process, &request, state, answer.as_ref(), None).await?;
            }
            Effect::ExpireAsk(given) => self.expire(given).await?,
            Effect::Remind { ask, turn, person, until } => self.remind(ask, turn, person, until).await?,
            Effect::Unremind { ask, told } => self.unremind(ask, told).await?,
            Effect::NoteSideEffects(turn) => {
                pass(Point::SideEffectsDue).await;
                store.note_side_effects(turn).await?;
                pass(Point::SideEffectsNoted).await;
            }
            Effect::NoteRuling(ruling) => store.note_ruling(self.conversation.id, &ruling).await?,
            Effect::EndTurn { turn, end, usage, tools, error } => {
                log_end(turn, &end, &usage, tools, error.as_ref());
                let error = error.map(|(id, _)| id);
                pass(Point::TurnEnding).await;
                store.end_turn(turn, &end, &usage, tools, error.as_ref()).await?;
                pass(Point::TurnEnded).await;
            }
            Effect::ProcessEnded { process, exit } => self.process_ended(process, &exit).await?,
            Effect::SessionChanged(session) => self.session_is(session).await?,
            Effect::SessionLost => self.session_lost().await?,
            Effect::Account { news, .. } => self.account_news(news).await?,
            Effect::Info(info) => self.shared.setup.learn(store, &self.conversation, info).await?,
            Effect::Ignored { kind, why } => {
                // The line itself may hold what somebody said; that is for `debug` alone.
                tracing::warn!(kind, "a line of the CLI was ignored");
                tracing::debug!(kind, why, "the line that was ignored");
            }
        }
        Ok(None)
    }

    async fn process_ended(&mut self, process: ProcessId, exit: &Exit) -> Result<(), ActorError> {
        tracing::info!(%process, ?exit, "process ended");
        pass(Point::ProcessEnding).await;
        self.shared.store.end_process(process, exit).await?;
        pass(Point::ProcessEnded).await;
        self.feed = None;
        // Half a record at the end of a spool is none: what was there is more than what can be read.
        self.caught_up = None;
        Ok(())
    }

    async fn session_lost(&mut self) -> Result<(), ActorError> {
        if let Some(session) = self.conversation.session.take() {
            tracing::warn!(%session, "the CLI does not have the session any more");
            pass(Point::SessionLost).await;
            self.shared.store.mark_session_stale(session).await?;
        }
        Ok(())
    }

    /// What a turn showed of the account. Only what happens now is told to the owner.
    async fn account_news(&mut self, news: News) -> Result<(), ActorError> {
        let live = self.caught_up.is_none();
        self.shared.admission.heard(news, live);
        match news {
            News::NoLogin if live => self.shared.owner.login_is_gone(&self.conversation).await?,
            News::Works if live => self.shared.owner.api_answers().await?,
            News::NoLogin | News::Works | News::Overloaded | News::LimitReached { .. } => {}
        }
        Ok(())
    }

    async fn begin(&mut self, mut new: NewTurn, prompt: &Prompt, start: bool) -> Result<Input, ActorError> {
        let store = self.shared.store.clone();
        let (turn, process, attempt) = (new.id, new.process, new.attempt);
        tracing::info!(%turn, prompt = %prompt.id, %process, start, attempt, "turn begins");
        if !start {
            store.begin_turn(&new).await?;
            pass(Point::TurnRow).await;
            self.give(prompt, attempt).await;
            return Ok(Input::Launched);
        }
        let (session, fresh) = self.session_for_launch().await?;
        new.session = self.session.or(Some(session));
        let launch = self.shared.setup.launch(&self.conversation, session, fresh).await;
        // Also of one that will not be: the turn is found again by it.
        self.note_process(process, session).await?;
        store.begin_turn(&new).await?;
        pass(Point::TurnRow).await;
        let launch = match launch {
            Ok(launch) => launch,
            Err(failure) => return Ok(Input::LaunchFailed(failure)),
        };
        if let Err(failure) = self.start(process, session, &launch).await {
            return Ok(Input::LaunchFailed(failure));
        }
        self.give(prompt, attempt).await;
        Ok(Input::Launched)
    }

    /// The row of a process that is about to be started.
    pub(super) async fn note_process(
        &mut self,
        process: ProcessId,
        session: SessionId,
    ) -> Result<(), ActorError> {
        let new = NewProcess {
            id: process,
            conversation: self.conversation.id,
            session,
            fingerprint: self.shared.setup.fingerprint(&self.conversation),
            tuning: self.shared.setup.tuning(&self.conversation).to_json(),
        };
        self.shared.store.start_process(&new).await?;
        pass(Point::ProcessRow).await;
        Ok(())
    }

    /// Starts the process; its row is there.
    pub(super) async fn start(
        &mut self,
        process: ProcessId,
        session: SessionId,
        launch: &Launch,
    ) -> Result<(), Failure> {
        match self.shared.runner.start(process, launch).await {
            Ok(feed) => {
                self.feed = Some(feed);
                self.session = Some(session);
                pass(Point::ShimReady).await;
                self.write(self.shared.setup.initialize_line(&self.conversation, process)).await;
                Ok(())
            }
            Err(error) => {
                tracing::error!(%process, error = %Chain(&error), "the process could not be started");
                Err(Failure::StartFailed)
            }
        }
    }

    /// The session to launch with, and whether it is new to the CLI.
    async fn session_for_launch(&mut self) -> Result<(SessionId, bool), ActorError> {
        let store = &self.shared.store;
        if let Some(known) = self.conversation.session
            && let Some(session) = store.session(known).await?
        {
            return Ok((known, !session.started));
        }
        let session = SessionId(Uuid::new_v4());
        let dir = self.shared.setup.dir(&self.conversation);
        store.start_session(session, self.conversation.id, &dir).await?;
        self.conversation.session = Some(session);
        Ok((session, true))
    }

    fn new_turn(
        &self,
        id: TurnId,
        prompt: Option<PromptId>,
        process: ProcessId,
        from: Position,
        attempt: u32,
    ) -> NewTurn {
        NewTurn {
            id,
            prompt,
            more: Vec::new(),
            conversation: self.conversation.id,
            session: self.session.or(self.conversation.session),
            process,
            attempt,
            from_position: from,
            carried: Carried::default(),
        }
    }

    /// The CLI has this session: from now on it is resumed. Another one than asked for comes after `/clear`.
    async fn session_is(&mut self, session: SessionId) -> Result<(), ActorError> {
        let store = &self.shared.store;
        if self.session != Some(session) {
            let dir = self.shared.setup.dir(&self.conversation);
            store.start_session(session, self.conversation.id, &dir).await?;
            self.session = Some(session);
            self.conversation.session = Some(session);
        }
        store.mark_session_started(session).await?;
        Ok(())
    }

    /// Writes a prompt to the process for the turn that runs.
    pub(super) async fn steer(&mut self, prompt: &Prompt, id: PromptId) {
        let text = self.shared.setup.prompt_text(&self.conversation, prompt).await;
        self.write(steer_line(id, &text)).await;
    }

    /// Writes the prompt to the process. Its id is the CLI's dedup key: writing it twice in an attempt asks once.
    async fn give(&mut self, prompt: &Prompt, attempt: u32) {
        let text = self.shared.setup.prompt_text(&self.conversation, prompt).await;
        pass(Point::LineDue).await;
        self.write(user_line(prompt.id.in_attempt(attempt), &text)).await;
        pass(Point::LineHanded).await;
    }

    pub(super) async fn write(&mut self, line: String) {
        if let Some(feed) = &self.feed {
            feed.control.write(line).await;
        }
    }
}

fn log_end(turn: TurnId, end: &TurnEnd, usage: &Usage, tools: u32, error: Option<&(ErrorId, String)>) {
    tracing::info!(
        %turn,
        outcome = outcome(end),
        error_id = error.map(|(id, _)| tracing::field::display(id)),
        cause = error.map(|(_, said)| said.as_str()),
        cost_usd = usage.cost_usd,
        tools,
        "turn ended"
    );
}

/// How the turn ended, without the words of anybody.
fn outcome(end: &TurnEnd) -> String {
    match end {
        TurnEnd::Completed { .. } => "completed".to_owned(),
        TurnEnd::Interrupted => "interrupted".to_owned(),
        TurnEnd::TimedOut { limit } | TurnEnd::LimitReached { limit } => format!("limit reached: {limit:?}"),
        TurnEnd::CutOff { failure } => format!("interrupted: {failure:?}"),
        TurnEnd::Failed(failure) => format!("failed: {failure:?}"),
    }
}
