//! The loop of one conversation: next event → state → effects. Everything that waits or writes is here or below, and
//! everything that decides is in [`state`](super::state).

mod choices;

mod drawing;

mod granting;

mod people;

mod perform;

mod records;

mod requests;

mod showing;

mod waiting;

mod warmth;

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use self::drawing::Drawing;
use super::account::Hold;
use super::admission::Admission;
use super::guard::Guard;
use super::handle::{Request, Status};
use super::owner::Owner;
use super::place::{Place, Places};
use super::setup::Setup;
use super::state::{Bounds, Fresh, Input, State, Tuned, Turn};
use super::warm::{Berth, NoRoom, Room, Warm};
use crate::clock::{Clock, Moment};
use crate::domain::ids::{ConversationId, ProcessId, PromptId, SessionId};
use crate::outbox::Outbox;
use crate::render::view::WaitsFor;
use crate::runner::{Feed, Position, Recorded, Runner};
use crate::store::{Conversation, Store, StoreError};

/// How many records are folded before Discord is told: one burst of lines is one view.
const BURST: usize = 256;
/// An actor with nothing to do and no process lives this long, in case somebody writes again: the next one is there in a
/// moment, and thousands that wait cost memory.
const IDLE: Duration = Duration::from_secs(30);

/// What every conversation shares.
#[derive(Clone)]
pub struct Shared {
    /// The database.
    pub store: Store,
    /// Where processes run.
    pub runner: Arc<dyn Runner>,
    /// Where turns are shown.
    pub outbox: Outbox,
    /// Time.
    pub clock: Clock,
    /// Projects and their settings.
    pub setup: Arc<Setup>,
    /// Who still may, when a turn begins.
    pub guard: Arc<dyn Guard>,
    /// Bounds of every conversation.
    pub bounds: Bounds,
    pub(super) owner: Owner,
    pub(super) places: Places,
    pub(super) admission: Admission,
    pub(super) warm: Warm,
    /// Whether what waited when the daemon came was looked at: it may have been taken back meanwhile.
    pub(super) looked_at: watch::Receiver<bool>,
}

/// Why an actor could not go on. What was accepted is stored: the registry starts it again, and it recovers.
#[derive(Debug, thiserror::Error)]
pub enum ActorError {
    /// The database failed.
    #[error("failed to use the database")]
    Store(#[from] StoreError),
    /// The conversation's row is not there.
    #[error("failed to find conversation {0}")]
    Unknown(ConversationId),
}

/// What the turn that waits is to get.
type Awaited = Pin<Box<dyn Future<Output = Granted> + Send>>;

/// What comes to the turn that waits, one after the other.
enum Granted {
    /// A place, and whether its author may have it still.
    Place(Place, bool),
    /// Room for its process, and whether its author may have it still.
    Room(Result<Room, NoRoom>, bool),
}

pub(super) struct Actor {
    pub(super) shared: Shared,
    pub(super) conversation: Conversation,
    state: State,
    feed: Option<Feed>,
    caught_up: Option<Position>,
    session: Option<SessionId>,
    wish: Option<Awaited>,
    /// The prompt that is being taken up.
    arriving: Option<PromptId>,
    place: Option<Place>,
    /// How the turn stands that waits for one of these.
    standing: watch::Receiver<WaitsFor>,
    /// Room for a process of which nothing was heard yet.
    room: Option<Room>,
    berth: Berth,
    holds: watch::Receiver<Option<Hold>>,
    looked_at: watch::Receiver<bool>,
    queue_taken: bool,
    status: watch::Sender<Status>,
    /// Who chose a model, mode or effort, and waits to hear what became of it.
    choosers: Vec<oneshot::Sender<Tuned>>,
    drawing: Drawing,
    /// When the next tick is due, whatever happens before.
    next_tick: Option<Moment>,
    requests: tokio::sync::OwnedMutexGuard<mpsc::Receiver<Request>>,
}

/// What the loop waits for, as one closed set.
enum Event {
    Stopping,
    Request(Request),
    Records(Vec<Recorded>),
    Granted(Granted),
    Waits(WaitsFor),
    MakeRoom,
    Held(Option<Hold>),
    LookedAt,
    Tick,
    Draw,
    Idle,
}

impl Actor {
    pub(super) fn new(
        shared: Shared,
        conversation: Conversation,
        requests: tokio::sync::OwnedMutexGuard<mpsc::Receiver<Request>>,
        status: watch::Sender<Status>,
    ) -> Self {
        let state = State::new(shared.bounds);
        let holds = shared.admission.watch();
        let looked_at = shared.looked_at.clone();
        let berth = shared.warm.berth(conversation.id);
        Self {
            shared,
            conversation,
            state,
            feed: None,
            caught_up: None,
            session: None,
            wish: None,
            arriving: None,
            place: None,
            // Nobody waits, and nobody tells.
            standing: watch::channel(WaitsFor::default()).1,
            room: None,
            berth,
            holds,
            looked_at,
            queue_taken: false,
            status,
            choosers: Vec::new(),
            drawing: Drawing::default(),
            next_tick: None,
            requests,
        }
    }

    /// Runs until there has been nothing to do for long, or `stop`. Turns that run go on under their shims. Whether somebody
    /// wanted something just then: the next actor finds what they want in the store.
    pub(super) async fn run(mut self, stop: CancellationToken) -> Result<bool, ActorError> {
        // Its future is large, and done with at once.
        Box::pin(self.recover()).await?;
        loop {
            match self.next_event(&stop).await {
                Event::Stopping => return Ok(false),
                Event::Idle => return Ok(hang_up(&mut self.requests).await),
                Event::Request(request) => self.request(request).await?,
                Event::Records(records) => {
                    self.records(records).await?;
                    if self.draw_later() {
                        continue;
                    }
                }
                Event::Granted(granted) => self.granted(granted).await?,
                Event::Waits(what) => self.apply(Input::Waits(what)).await?,
                Event::MakeRoom => self.apply(Input::MakeRoom).await?,
                Event::Held(hold) => self.apply(Input::Held(hold)).await?,
                Event::LookedAt => {
                    self.queue_taken = true;
                    self.take_queue().await?;
                }
                Event::Tick => {
                    self.next_tick = None;
                    self.apply(Input::Tick).await?;
                }
                // A call may have been made since, which is what the next draw is for.
                Event::Draw if self.draw_later() => continue,
                Event::Draw => {}
            }
            self.show();
        }
    }

    async fn next_event(&mut self, stop: &CancellationToken) -> Event {
        let now = self.shared.clock.moment();
        // Not put off by what is heard meanwhile: a CLI that never pauses has limits as well.
        let wanted = self.state.next_tick(now);
        self.next_tick = wanted.map(|wanted| self.next_tick.map_or(wanted, |due| due.min(wanted)));
        let tick = self.next_tick.map(|moment| self.shared.clock.instant(moment));
        let draw = self.drawing.due().map(|at| self.shared.clock.instant(at));
        // What it has not taken yet may wait in its queue, and nobody else looks there.
        let idle = self.queue_taken && self.state.is_idle();
        let records = async {
            match &mut self.feed {
                Some(feed) => {
                    let mut burst = Vec::new();
                    feed.records.recv_many(&mut burst, BURST).await;
                    burst
                }
                None => std::future::pending().await,
            }
        };
        let wish = async {
            match &mut self.wish {
                Some(wish) => wish.await,
                None => std::future::pending().await,
            }
        };
        let tick = async {
            match tick {
                Some(instant) => tokio::time::sleep_until(instant).await,
                None => std::future::pending().await,
            }
        };
        let draw = async {
            match draw {
                Some(instant) => tokio::time::sleep_until(instant).await,
                None => std::future::pending().await,
            }
        };
        let waits = self.state.running().is_some_and(Turn::is_waiting);
        let (looked_at, untaken) = (&mut self.looked_at, !self.queue_taken);
        let looked_at = async {
            // The registry has the sender; without it nobody will look.
            let _ = looked_at.wait_for(|looked_at| *looked_at).await;
        };
        tokio::select! {
            biased;
            () = stop.cancelled() => Event::Stopping,
            () = tick => Event::Tick,
            () = draw => Event::Draw,
            () = looked_at, if untaken => Event::LookedAt,
            request = self.requests.recv() => request.map_or(Event::Stopping, Event::Request),
            records = records => Event::Records(records),
            granted = wish => Event::Granted(granted),
            Ok(()) = self.standing.changed(), if waits => Event::Waits(*self.standing.borrow_and_update()),
            () = self.berth.asked_to_go() => Event::MakeRoom,
            Ok(()) = self.holds.changed(), if waits => Event::Held(*self.holds.borrow_and_update()),
            () = tokio::time::sleep(IDLE), if idle => Event::Idle,
        }
    }

    pub(super) async fn fresh(&mut self) -> Result<Fresh, ActorError> {
        self.look_up().await?;
        let setup = &self.shared.setup;
        Ok(Fresh {
            process: ProcessId(Uuid::now_v7()),
            fingerprint: setup.fingerprint(&self.conversation),
            tuning: setup.tuning(&self.conversation),
            usual_mode: setup.usual_mode(&self.conversation),
        })
    }

    /// What people chose, and the project, may have changed since the last turn.
    pub(super) async fn look_up(&mut self) -> Result<(), ActorError> {
        if let Some(conversation) = self.shared.store.conversation(self.conversation.id).await? {
            self.conversation = conversation;
        }
        Ok(())
    }

    pub(super) async fn apply(&mut self, input: Input) -> Result<(), ActorError> {
        let mut inputs = vec![input];
        while let Some(input) = inputs.pop() {
            let (now, wall) = (self.shared.clock.moment(), self.shared.clock.wall());
            self.arriving = if let Input::Submit(prompt) = &input { Some(prompt.id) } else { None };
            for effect in self.state.handle(input, now, wall) {
                if let Some(next) = self.perform(effect).await? {
                    inputs.push(next);
                }
            }
        }
        let running = self.state.running().map(|turn| turn.id);
        let status = Status {
            turn: running,
            queued: self.state.queued(),
            process: self.feed.is_some(),
            mode: self.state.mode().map(str::to_owned),
            asks: self.state.open_asks(),
        };
        self.berth.does(self.state.does());
        self.status.send_if_modified(|known| {
            let changed = *known != status;
            *known = status;
            changed
        });
        self.tell_queue().await
    }

    /// Whether what was recorded may wait for the next draw.
    fn draw_later(&mut self) -> bool {
        let room = self.shared.outbox.room_at(self.conversation.id.into());
        self.drawing.later(self.shared.clock.moment(), room, self.state.is_urgent())
    }
}

/// Closes a mailbox: nobody can put a request into it any more, and the registry starts a new actor for who tries. Whether
/// there were some that came at the last moment: who waits for an answer to one hears that nobody is there, and asks again.
async fn hang_up(requests: &mut mpsc::Receiver<Request>) -> bool {
    requests.close();
    let mut wanted = false;
    while requests.recv().await.is_some() {
        wanted = true;
    }
    wanted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_comes_as_the_mailbox_closes_is_noticed() {
        let (mailbox, mut requests) = mpsc::channel(4);
        // Somebody is in the middle of putting something in.
        let place = mailbox.clone().reserve_owned().await.unwrap();
        let closes = tokio::spawn(async move { hang_up(&mut requests).await });
        mailbox.closed().await;
        place.send(Request::Announced);
        assert!(closes.await.unwrap());
        assert!(mailbox.send(Request::Announced).await.is_err());

        let (_mailbox, mut requests) = mpsc::channel(4);
        assert!(!hang_up(&mut requests).await, "nobody wanted anything");
    }
}
