//! Questions of the CLI that wait for people. Each has one answer: a person's, or a denial when its time is over.

use super::{Effect, State};
use crate::claude::answer_line;
use crate::clock::{Moment, WallTime};
use crate::domain::answer::{Answer, Draft};
use crate::domain::ask::{Ask, AskKind};
use crate::domain::ids::{AskId, UserId};

/// What is said of what was denied, and nobody knows why.
const NOBODY_KNOWS: &str = "nobody remembers why";
/// What Claude is told when the time is over.
const NOBODY_ANSWERED: &str =
    "nobody answered in time. Say what you wanted to do and why, and go on without it if you can.";
/// What Claude is told when nobody could see the question.
const NOBODY_SAW_IT: &str = "the question could not be shown in the chat. Say what you wanted to do and why, and go on without it if you can.";

/// So many asks of a turn have a card that is a message of its own (`render/view/document.rs`). Those after them change the
/// last card, which tells nobody.
const CARDS_MAX: u32 = 24;

/// An ask that waits for people.
#[derive(Debug, Clone)]
pub struct OpenAsk {
    /// What a button calls it.
    pub id: AskId,
    /// The ask.
    pub ask: Ask,
    asked: Moment,
    asked_at: WallTime,
    /// When its time is over; known from the first look on.
    due: Option<Moment>,
    /// Who is told that it waits.
    person: Option<UserId>,
    /// Whether its card tells nobody, so that whoever is needed has to be told at once.
    untold: bool,
    /// Whether whoever is needed was told once more.
    reminded: bool,
    /// Whether an earlier daemon showed it already, and may have told them.
    known: bool,
}

/// Who is called to answer an ask.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Called {
    /// Who is told that it waits.
    pub person: Option<UserId>,
    /// Who may answer, as a sentence for the card, where it is not simply whoever asked.
    pub who: Option<String>,
}

/// What was said to an ask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Given {
    /// The CLI's id of the request.
    pub request: String,
    /// What.
    pub answer: Answer,
    /// The name of who said it; none: nobody did in time.
    pub by: Option<String>,
}

/// Why an ask is denied without anybody having said so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unasked {
    /// Its time is over.
    Expired,
    /// Its card could not be posted.
    Unseen,
}

impl State {
    /// The ask that waits for people under this id.
    pub fn open_ask(&self, id: AskId) -> Option<&OpenAsk> {
        self.turn.as_ref()?.asks.iter().find(|open| open.id == id)
    }

    /// The asks that wait for people, each with the time at which it is denied by itself.
    pub fn open_asks(&self) -> Vec<(AskId, WallTime)> {
        let max = millis(self.bounds.ask_max);
        let open = self.turn.iter().flat_map(|turn| &turn.asks);
        open.map(|open| (open.id, WallTime(open.asked_at.0.saturating_add(max)))).collect()
    }

    /// The CLI asks: a row first, then a card, or at once the denial of what nobody can be asked.
    pub(super) fn asked(&mut self, ask: &Ask, at: WallTime, now: Moment, effects: &mut Vec<Effect>) {
        let at = self.process.as_ref().and_then(|process| process.asked(&ask.request)).unwrap_or(at);
        let until = WallTime(at.0.saturating_add(millis(self.bounds.ask_max)));
        let known = !self.is_caught_up();
        let Some(turn) = &mut self.turn else { return };
        effects.push(Effect::SaveAsk { turn: turn.id, ask: ask.clone(), at });
        if !ask.is_for_people() {
            // After a restart this may be said twice; the CLI ignores answers to what it does not ask (its README §3).
            effects.push(Effect::Write(answer_line(ask, &unfit(Some(ask)))));
            return;
        }
        turn.view.pose(&ask.request, turn.asker(), until);
        let draft = self.process.as_ref().and_then(|process| process.draft(&ask.request));
        if let Some(draft) = draft {
            turn.view.drafted(&ask.request, draft);
        }
        let id = AskId::of(turn.id, &ask.request);
        if !turn.asks.iter().any(|open| open.id == id) {
            let ask = ask.clone();
            let person = turn.asker();
            turn.cards += 1;
            let untold = turn.cards > CARDS_MAX;
            let (due, reminded) = (None, false);
            turn.asks.push(OpenAsk {
                id,
                ask,
                asked: now,
                asked_at: at,
                due,
                person,
                untold,
                reminded,
                known,
            });
        }
    }

    /// It is known who is called, before the card is shown.
    pub(super) fn called(&mut self, request: &str, called: &Called) {
        let Some(turn) = &mut self.turn else { return };
        for open in turn.asks.iter_mut().filter(|open| open.ask.request == request) {
            open.person = called.person;
        }
        turn.view.called(request, called.person, called.who.as_deref());
        turn.changed = true;
    }

    /// What was chosen so far of an ask.
    pub fn draft(&self, request: &str) -> Draft {
        let known = self.process.as_ref().and_then(|process| process.draft(request));
        known.cloned().unwrap_or_default()
    }

    /// Somebody chose something, and it is stored.
    pub(super) fn drafted(&mut self, id: AskId, draft: Draft) {
        let Some(open) = self.open_ask(id) else { return };
        let request = open.ask.request.clone();
        if let Some(turn) = &mut self.turn {
            turn.view.drafted(&request, &draft);
            turn.changed = true;
        }
        if let Some(process) = &mut self.process {
            process.drafts.retain(|(known, _)| *known != request);
            process.drafts.push((request, draft));
        }
    }

    /// Somebody answered, and it is stored.
    pub(super) fn given(&mut self, id: AskId, given: Given, now: Moment, effects: &mut Vec<Effect>) {
        let Some(open) = self.settle(id, now, effects) else { return };
        effects.push(Effect::Write(answer_line(&open.ask, &given.answer)));
        if let Some(turn) = &mut self.turn {
            turn.view.answered(&given.request, &given.answer, given.by.as_deref());
            turn.changed = true;
        }
        if let Some(process) = &mut self.process {
            process.given.push(given);
        }
    }

    /// Nobody will answer: it is denied by itself.
    pub(super) fn unasked(&mut self, id: AskId, why: Unasked, now: Moment, effects: &mut Vec<Effect>) {
        let Some(open) = self.open_ask(id) else { return };
        let message = match why {
            Unasked::Expired => NOBODY_ANSWERED,
            Unasked::Unseen => NOBODY_SAW_IT,
        };
        let answer = Answer::Deny { message: message.to_owned() };
        let given = Given { request: open.ask.request.clone(), answer, by: None };
        effects.push(Effect::ExpireAsk(given.clone()));
        self.given(id, given, now, effects);
    }

    /// The records have an answer to an ask: this one, of an earlier daemon's time.
    pub(super) fn ask_answered(
        &mut self,
        request: &str,
        allowed: bool,
        now: Moment,
        effects: &mut Vec<Effect>,
    ) {
        let Some(turn) = &mut self.turn else { return };
        let id = AskId::of(turn.id, request);
        let stored = self.process.as_ref().and_then(|process| process.given(request)).cloned();
        let given = stored.unwrap_or_else(|| Given {
            request: request.to_owned(),
            answer: if allowed { Answer::Allow } else { unfit(turn.view.ask(request)) },
            by: None,
        });
        turn.view.answered(request, &given.answer, given.by.as_deref());
        turn.changed = true;
        self.settle(id, now, effects);
        let Some(process) = self.process.as_ref().map(|process| process.id) else { return };
        effects.push(Effect::SettleAsk { process, request: given.request, answer: Some(given.answer) });
    }

    /// Nobody is asked any more.
    pub(super) fn ask_withdrawn(&mut self, request: &str, now: Moment, effects: &mut Vec<Effect>) {
        let Some(turn) = &self.turn else { return };
        self.settle(AskId::of(turn.id, request), now, effects);
        let Some(process) = self.process.as_ref().map(|process| process.id) else { return };
        effects.push(Effect::SettleAsk { process, request: request.to_owned(), answer: None });
    }

    /// After a restart: what was answered and never written is written now.
    pub(super) fn answer_again(&mut self, effects: &mut Vec<Effect>) {
        let (Some(turn), Some(process)) = (&mut self.turn, &self.process) else { return };
        turn.asks.retain(|open| {
            let Some(given) = process.given(&open.ask.request) else { return true };
            turn.view.answered(&given.request, &given.answer, given.by.as_deref());
            effects.push(Effect::Write(answer_line(&open.ask, &given.answer)));
            effects.push(Effect::Unremind { ask: open.id, told: false });
            turn.changed = true;
            false
        });
    }

    /// Asks whose time is over. It counts from when the CLI asked, also across a restart; a clock that steps while this
    /// daemon looks on makes no difference.
    pub(super) fn expire_asks(&mut self, now: Moment, wall: WallTime, effects: &mut Vec<Effect>) {
        let (max, remind) = (self.bounds.ask_max, self.bounds.ask_remind);
        let Some(turn) = &mut self.turn else { return };
        let (mut over, there) = (Vec::new(), turn.ran(now).saturating_add(turn.waited_before));
        for open in &mut turn.asks {
            // No longer than its turn is there: a clock that stepped meanwhile says more.
            let waited = wall.since(open.asked_at).min(there);
            let due = *open.due.get_or_insert_with(|| now.after(max.saturating_sub(waited)));
            if now >= due {
                over.push(open.id);
            } else if let Some(person) = open.person.filter(|_| !open.reminded)
                && (open.untold || remind.is_some_and(|remind| now.after(max.saturating_sub(remind)) >= due))
            {
                open.reminded = true;
                let until = WallTime(open.asked_at.0.saturating_add(millis(max)));
                effects.push(Effect::Remind { ask: open.id, turn: turn.id, person, until });
            }
        }
        for id in over {
            self.unasked(id, Unasked::Expired, now, effects);
        }
    }

    /// Takes an ask off the list. The turn's limits do not count what it waited for people.
    fn settle(&mut self, id: AskId, now: Moment, effects: &mut Vec<Effect>) -> Option<OpenAsk> {
        let turn = self.turn.as_mut()?;
        let index = turn.asks.iter().position(|open| open.id == id)?;
        let open = turn.asks.remove(index);
        if open.reminded || open.known {
            effects.push(Effect::Unremind { ask: id, told: open.reminded });
        }
        if turn.asks.is_empty() {
            turn.started = turn.started.after(now.since(open.asked));
            turn.hears(now);
        }
        Some(open)
    }
}

/// What an ask gets that nobody can answer from a chat.
fn unfit(ask: Option<&Ask>) -> Answer {
    let message = match ask.map(|ask| &ask.kind) {
        Some(AskKind::Elicitation { unfit: Some(why), .. }) => why.clone(),
        Some(
            AskKind::Elicitation { .. }
            | AskKind::Permission { .. }
            | AskKind::Question { .. }
            | AskKind::Plan { .. },
        )
        | None => NOBODY_KNOWS.to_owned(),
    };
    Answer::Deny { message }
}

fn millis(duration: std::time::Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
