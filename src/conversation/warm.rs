//! The processes of all conversations, so that they fit the machine: few of them have nothing to do, and the longest unused
//! goes first; one is started where there is memory and a core for it, and else waits, visibly and not for ever. Which is
//! decided by [`Table`]; nobody here ends a process, each conversation ends its own when it is asked to.

mod table;

use std::collections::HashMap;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::future::poll_immediate;
use tokio::sync::{Notify, Semaphore, SemaphorePermit, watch};

pub use table::{Use, WarmBounds};

use crate::clock::Clock;
use crate::domain::ids::ConversationId;
use crate::machine;
use crate::render::view::WaitsFor;
use table::{Machine, Short, Table};

/// How long a turn waits for memory for its process; then it fails.
const ROOM_WAIT_MAX: Duration = Duration::from_mins(5);
/// How often the machine is looked at meanwhile: others than we take memory and give it back.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// All processes. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Warm {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    table: Mutex<Table>,
    /// How each conversation is asked to let its process go.
    berths: Mutex<HashMap<ConversationId, Arc<Notify>>>,
    clock: Clock,
    /// Whoever waits for room does so first of all or behind others.
    door: Semaphore,
    /// What the first of them waits for.
    waits_for: watch::Sender<WaitsFor>,
    changed: watch::Sender<()>,
}

/// There was no room for a process for so long that its turn waits no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NoRoom;

/// Room for a process that is being started. Dropping it says that it has started.
#[derive(Debug)]
pub(super) struct Room {
    number: u64,
    warm: Warm,
}

/// A conversation's process among all others. Dropping it says that there is none.
#[derive(Debug)]
pub(super) struct Berth {
    conversation: ConversationId,
    does: Use,
    asked: Arc<Notify>,
    warm: Warm,
}

impl Warm {
    pub(super) fn new(bounds: WarmBounds, clock: Clock) -> Self {
        let inner = Inner {
            table: Mutex::new(Table::new(bounds)),
            berths: Mutex::default(),
            clock,
            door: Semaphore::new(1),
            waits_for: watch::Sender::new(WaitsFor::Cores),
            changed: watch::Sender::new(()),
        };
        Self { inner: Arc::new(inner) }
    }

    pub(super) fn berth(&self, conversation: ConversationId) -> Berth {
        let asked = Arc::new(Notify::new());
        self.berths().insert(conversation, Arc::clone(&asked));
        Berth { conversation, does: Use::None, asked, warm: self.clone() }
    }

    /// Waits for room for a process; those with nothing to do make room first. Meanwhile `standing` tells what it waits
    /// for.
    pub(super) async fn room(&self, standing: &watch::Sender<WaitsFor>) -> Result<Room, NoRoom> {
        let mut waiting = pin!(self.wait(standing));
        loop {
            let waits_for = match tokio::time::timeout(ROOM_WAIT_MAX, waiting.as_mut()).await {
                Ok(room) => return room,
                Err(_) => *self.inner.waits_for.borrow(),
            };
            // Cores come, however many stand in line.
            if waits_for == WaitsFor::Memory {
                tracing::error!("no memory was left for one more process, for too long");
                return Err(NoRoom);
            }
        }
    }

    async fn wait(&self, standing: &watch::Sender<WaitsFor>) -> Result<Room, NoRoom> {
        let _door = self.come_first(standing).await;
        let mut news = self.inner.changed.subscribe();
        loop {
            news.mark_unchanged();
            let short = match self.try_room() {
                Ok(room) => {
                    say(&self.inner.waits_for, WaitsFor::Cores);
                    return Ok(room);
                }
                Err(short) => short,
            };
            let waits_for = match short {
                Short::Memory => WaitsFor::Memory,
                Short::Cores => WaitsFor::Cores,
            };
            say(standing, waits_for);
            let is_news = say(&self.inner.waits_for, waits_for);
            if short == Short::Memory {
                if is_news {
                    tracing::warn!("this machine has too little memory left for one more process");
                }
                self.make_room();
            }
            // The sender is in this very struct.
            let _ = tokio::time::timeout(LOOK_EVERY, news.changed()).await;
        }
    }

    /// Waits until it is this one's turn to look for room. What the first one waits for all wait for.
    async fn come_first(&self, standing: &watch::Sender<WaitsFor>) -> SemaphorePermit<'_> {
        let mut coming = pin!(self.inner.door.acquire());
        let mut waits_for = self.inner.waits_for.subscribe();
        loop {
            if let Some(door) = poll_immediate(coming.as_mut()).await {
                return door.expect("the semaphore is never closed");
            }
            say(standing, *waits_for.borrow_and_update());
            tokio::select! {
                biased;
                door = &mut coming => return door.expect("the semaphore is never closed"),
                // The sender is in this very struct.
                _ = waits_for.changed() => {}
            }
        }
    }

    /// Room for a process that nobody waits for yet: only if there is plenty. Nobody makes room for it.
    pub(super) fn spare_room(&self) -> Option<Room> {
        let _door = self.inner.door.try_acquire().ok()?;
        if !self.table().may_idle() {
            return None;
        }
        self.try_room().ok()
    }

    /// Where less memory is left than is to stay free, a process with nothing to do goes.
    pub(super) fn ease(&self) {
        let short = self.table().is_short(look());
        if short {
            self.make_room();
        }
    }

    /// One with nothing to do goes, if none is going anyway.
    fn make_room(&self) {
        let going = {
            let mut table = self.table();
            if table.is_one_going() { None } else { table.longest_unused() }
        };
        if let Some(conversation) = going {
            tracing::info!(%conversation, "a warm process goes to make room");
            self.ask_to_go(conversation);
        }
    }

    fn ask_to_go(&self, conversation: ConversationId) {
        if let Some(asked) = self.berths().get(&conversation) {
            asked.notify_one();
        }
    }

    fn try_room(&self) -> Result<Room, Short> {
        let machine = look();
        let number = self.table().begin_start(machine, self.inner.clock.moment())?;
        Ok(Room { number, warm: self.clone() })
    }

    fn note(&self, conversation: ConversationId, does: Use) {
        let one_too_many = {
            let mut table = self.table();
            table.note(conversation, does);
            table.one_too_many()
        };
        if let Some(conversation) = one_too_many {
            tracing::debug!(%conversation, "a warm process goes, for there are too many");
            self.ask_to_go(conversation);
        }
        self.inner.changed.send_replace(());
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.inner.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn berths(&self) -> MutexGuard<'_, HashMap<ConversationId, Arc<Notify>>> {
        self.inner.berths.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether it is news.
fn say(standing: &watch::Sender<WaitsFor>, waits_for: WaitsFor) -> bool {
    standing.send_if_modified(|known| std::mem::replace(known, waits_for) != waits_for)
}

fn look() -> Machine {
    Machine {
        available_bytes: machine::available_bytes(),
        load_per_core: machine::load_per_core(),
        cores: machine::cores(),
    }
}

impl Berth {
    /// The process does this from now on.
    pub(super) fn does(&mut self, does: Use) {
        if self.does != does {
            self.does = does;
            self.warm.note(self.conversation, does);
        }
    }

    /// Waits until the process is asked to go.
    pub(super) async fn asked_to_go(&self) {
        self.asked.notified().await;
    }
}

impl Drop for Berth {
    fn drop(&mut self) {
        let mut berths = self.warm.berths();
        // An actor that is started again has one of its own.
        if berths.get(&self.conversation).is_some_and(|asked| Arc::ptr_eq(asked, &self.asked)) {
            berths.remove(&self.conversation);
            drop(berths);
            self.warm.note(self.conversation, Use::None);
        }
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        self.warm.table().end_start(self.number);
        self.warm.inner.changed.send_replace(());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn warm(free_bytes_min: u64) -> Warm {
        Warm::new(WarmBounds { idle_max: 2, free_bytes_min }, Clock::start())
    }

    /// Nobody says that it has started, so each batch of starts is over when its time is.
    #[tokio::test(start_paused = true)]
    async fn who_stands_in_a_long_line_for_cores_gets_there() {
        let warm = warm(0);
        let starts_in_line = ROOM_WAIT_MAX.as_secs() / 10 + 2;
        let line = usize::try_from(starts_in_line).unwrap() * machine::cores().max(2);
        let begun = tokio::time::Instant::now();
        let asked = (0..line).map(|_| async {
            let standing = watch::Sender::new(WaitsFor::default());
            warm.room(&standing).await.map(|room| (room, *standing.borrow()))
        });
        let rooms: Result<Vec<_>, NoRoom> = futures::future::join_all(asked).await.into_iter().collect();
        let rooms = rooms.expect("cores come, however long it takes");
        assert!(begun.elapsed() > ROOM_WAIT_MAX, "the last one waited for {:?}", begun.elapsed());
        assert_eq!(rooms.last().map(|(_, waited_for)| *waited_for), Some(WaitsFor::Cores));
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_for_memory_that_does_not_come_is_told() {
        let warm = warm(u64::MAX);
        let standing = watch::Sender::new(WaitsFor::default());
        let begun = tokio::time::Instant::now();
        assert_eq!(warm.room(&standing).await.err(), Some(NoRoom));
        assert_eq!(*standing.borrow(), WaitsFor::Memory);
        assert!(begun.elapsed() >= ROOM_WAIT_MAX);
    }
}
