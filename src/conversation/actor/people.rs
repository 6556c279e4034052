//! What people decide with a click. It is stored before anything is done with it, and the first one counts.

use uuid::Uuid;

use super::{Actor, ActorError, Input};
use crate::chain::Chain;
use crate::clock::WallTime;
use crate::conversation::handle::{Answered, Click, GoneOn};
use crate::conversation::state::{Given, Reply, reply};
use crate::domain::answer::{Answer, Said};
use crate::domain::ask::Ask;
use crate::domain::event::TurnEnd;
use crate::domain::ids::{AskId, PromptId, TurnId, UserId};
use crate::domain::prompt::{Author, Origin, Prompt, Wish};
use crate::fail_point::{Point, pass};
use crate::outbox::Target;
use crate::render::message::MessageBody;
use crate::render::reminder;
use crate::render::view::{Reaction, Shown};
use crate::store::{Accepted, AskState};

/// What Claude is asked with the button of a turn that was cut off.
const GO_ON: &str = "Your previous attempt at this was cut off: the program that you run in died in the middle of it. You may have done \
     part of the work already. Look at what is there before you repeat anything, then go on with what I asked for.";

impl Actor {
    /// An ask is a row before it is a card.
    pub(super) async fn save_ask(&mut self, turn: TurnId, ask: &Ask, at: WallTime) -> Result<(), ActorError> {
        if let Some(process) = self.state.process() {
            self.audit_ask(turn, ask).await?;
            self.shared.store.save_ask(turn, process, ask, at).await?;
            pass(Point::AskRow).await;
        }
        Ok(())
    }

    /// Nobody answered in time.
    pub(super) async fn expire(&mut self, given: Given) -> Result<(), ActorError> {
        if let Some(process) = self.state.process() {
            tracing::info!(%process, "nobody answered an ask");
            let (state, answer) = (AskState::Expired, Some(&given.answer));
            self.shared.store.settle_ask(process, &given.request, state, answer, None).await?;
        }
        Ok(())
    }

    /// Answers an ask that waits here, or says what became of it.
    pub(super) async fn answer(&mut self, id: AskId, said: Said, by: Author) -> Result<Answered, ActorError> {
        let store = self.shared.store.clone();
        let open = self.state.open_ask(id).map(|open| open.ask.clone());
        if let (Some(ask), Some(process)) = (open, self.state.process()) {
            let draft = self.state.draft(&ask.request);
            match reply(&ask, &draft, said, &by.name) {
                Reply::Unfit(sentence) => return Ok(Answered::Unfit { sentence }),
                Reply::Draft(draft) => {
                    if store.save_draft(process, &ask.request, &draft).await? {
                        self.apply(Input::Drafted { ask: id, draft }).await?;
                        return Ok(Answered::Noted);
                    }
                }
                Reply::Answer(answer) => {
                    if let Some(sentence) = self.shared.setup.objection(&self.conversation, &ask, &answer) {
                        return Ok(Answered::Unfit { sentence });
                    }
                    let state = state_of(&answer);
                    if store.settle_ask(process, &ask.request, state, Some(&answer), Some(&by)).await? {
                        tracing::info!(ask = %id, by = %by.id, answer = state.as_str(), "an ask was answered");
                        let given = Given { request: ask.request, answer, by: Some(by.name) };
                        pass(Point::AskSettled).await;
                        self.apply(Input::Given { ask: id, given }).await?;
                        pass(Point::AskAnswered).await;
                        return Ok(Answered::Taken);
                    }
                }
            }
        }
        let Some(stored) = store.ask(id).await? else { return Ok(Answered::Void) };
        Ok(match stored.state {
            AskState::Allowed => Answered::Before { by: stored.settled_by, allowed: true },
            AskState::Denied | AskState::Expired => {
                Answered::Before { by: stored.settled_by, allowed: false }
            }
            AskState::Open | AskState::Withdrawn => Answered::Void,
        })
    }

    /// Asks Claude to go on with a turn that was cut off. The session is resumed, so Claude knows what was said.
    pub(super) async fn go_on(&mut self, click: Click) -> Result<GoneOn, ActorError> {
        let store = self.shared.store.clone();
        let Some(turn) = store.turn(click.turn).await? else { return Ok(GoneOn::Void) };
        if turn.conversation != self.conversation.id || !turn.end.as_ref().is_some_and(was_cut_off) {
            return Ok(GoneOn::Void);
        }
        let Click { turn, channel, message, id: click, by } = click;
        let origin = Origin::GoOn { turn, channel, message, click };
        let id = PromptId(Uuid::new_v5(&Uuid::NAMESPACE_OID, origin.key().as_bytes()));
        if let Some(before) = store.prompt(id).await? {
            return Ok(GoneOn::Before { by: before.author.name });
        }
        if store.queued_count(self.conversation.id).await? >= self.shared.bounds.queued_prompts_max {
            return Ok(GoneOn::Full);
        }
        let prompt = Prompt {
            id,
            received_at: origin.said_at(),
            origin,
            conversation: self.conversation.id,
            author: by,
            text: GO_ON.to_owned(),
            attachments: Vec::new(),
            wish: Wish::default(),
        };
        if store.accept(&prompt, None).await? == Accepted::Duplicate {
            return Ok(GoneOn::Before { by: prompt.author.name });
        }
        tracing::info!(%turn, prompt = %prompt.id, by = %prompt.author.id, "going on with a turn");
        self.apply(Input::Submit(prompt)).await?;
        Ok(GoneOn::Taken)
    }
}

impl Actor {
    /// Notes what makes an ask one that is asked whatever the mode. Before its row: who is cut off between the two notes it
    /// twice, never not at all.
    pub(super) async fn audit_ask(&mut self, turn: TurnId, ask: &Ask) -> Result<(), ActorError> {
        let Some(why) = self.shared.setup.asked_because(&self.conversation, ask) else { return Ok(()) };
        let (store, id) = (&self.shared.store, AskId::of(turn, &ask.request));
        if store.ask(id).await?.is_none() {
            store.audit(None, "policy", &id.to_string(), &why).await?;
        }
        Ok(())
    }

    /// Who is called to answer; none: whoever asked, as far as it can be known.
    pub(super) async fn call(&mut self, ask: Ask) -> Option<Input> {
        let turn = self.state.running()?;
        let (turn, asker) = (turn.id, turn.asker());
        match self.shared.guard.called(&self.conversation, turn, asker, &ask).await {
            Ok(called) => Some(Input::Called { request: ask.request, called }),
            Err(error) => {
                tracing::warn!(error = %Chain(&error), "who may answer is not known");
                None
            }
        }
    }

    /// Tells whoever is needed once more that an ask waits. The message is known by the ask: it comes once, also when it
    /// is asked for again after a restart.
    pub(super) async fn remind(
        &mut self,
        ask: AskId,
        turn: TurnId,
        person: UserId,
        until: WallTime,
    ) -> Result<(), ActorError> {
        let slots = self.shared.store.slots(turn).await?;
        let card = slots.iter().filter_map(|slot| slot.message).max();
        let body = MessageBody { reply_to: card, ping: Some(person), ..reminder::waits(person, until) };
        self.say_reminder(ask, body);
        Ok(())
    }

    /// The ask is settled: what was told of it is no longer true. Where this daemon did not tell it, one before it may have.
    pub(super) async fn unremind(&mut self, ask: AskId, told: bool) -> Result<(), ActorError> {
        if told || !self.shared.store.slots(reminder_key(ask)).await?.is_empty() {
            self.say_reminder(ask, reminder::over());
        }
        Ok(())
    }

    fn say_reminder(&mut self, ask: AskId, body: MessageBody) {
        let key = reminder_key(ask);
        let channel = self.conversation.id.into();
        let target = Target { channel, parent: None, thread: None, prompt: None, also: Vec::new() };
        let shown = Shown { slots: vec![body], reaction: Reaction::Working, typing: false, ended: true };
        self.shared.outbox.say(key, &target, shown);
    }
}

/// What the message that reminds of an ask is known by.
fn reminder_key(ask: AskId) -> TurnId {
    TurnId(Uuid::new_v5(&ask.0, b"reminder"))
}

/// Where an ask stands after this answer.
pub(super) fn state_of(answer: &Answer) -> AskState {
    if answer.allows() { AskState::Allowed } else { AskState::Denied }
}

/// Whether the CLI died at its work on the turn.
fn was_cut_off(end: &TurnEnd) -> bool {
    match end {
        TurnEnd::CutOff { .. } => true,
        TurnEnd::Failed(_)
        | TurnEnd::Completed { .. }
        | TurnEnd::Interrupted
        | TurnEnd::TimedOut { .. }
        | TurnEnd::LimitReached { .. } => false,
    }
}
