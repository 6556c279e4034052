//! Keeps the actors: starts one on first use, lets idle ones go, and starts one again after it panicked or failed.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::FutureExt as _;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::actor::{Actor, ActorError, Shared};
use super::admission::Admission;
use super::guard::Guard;
use super::handle::{Gone, Handle, Request, Status};
use super::owner::Owner;
use super::place::Places;
use super::setup::Setup;
use super::state::Bounds;
use super::warm::{Warm, WarmBounds};
use crate::chain::Chain;
use crate::clock::Clock;
use crate::domain::ids::{ConversationId, UserId};
use crate::outbox::Outbox;
use crate::runner::Runner;
use crate::store::{Store, StoreError};

/// An actor that fails is started again after this, doubling up to [`RESTART_WAIT_MAX`].
const RESTART_WAIT_MIN: Duration = Duration::from_millis(200);
/// Short enough that a disk with room again is soon noticed.
const RESTART_WAIT_MAX: Duration = Duration::from_secs(15);

/// All conversations. Cheap to clone.
#[derive(Clone)]
pub struct Registry {
    inner: Arc<Inner>,
}

struct Inner {
    shared: Shared,
    tasks: TaskTracker,
    stop: CancellationToken,
    handles: Mutex<HashMap<ConversationId, Handle>>,
    looked_at: watch::Sender<bool>,
}

/// What the registry is built from.
pub struct Parts {
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
    /// Turns that run at the same time, over all conversations.
    pub running_turns_max: usize,
    /// What bounds the processes of all conversations.
    pub warm: WarmBounds,
    /// Whom to tell when the login is gone.
    pub owner: Option<UserId>,
}

impl Registry {
    /// A registry whose actors run in `tasks` and end with `stop`.
    pub fn new(parts: Parts, tasks: TaskTracker, stop: CancellationToken) -> Self {
        let places = Places::new(parts.running_turns_max);
        let (looked_at, is_looked_at) = watch::channel(false);
        let shared = Shared {
            owner: Owner::new(parts.owner, parts.store.clone(), parts.outbox.clone()),
            store: parts.store,
            runner: parts.runner,
            outbox: parts.outbox,
            clock: parts.clock,
            setup: parts.setup,
            guard: parts.guard,
            bounds: parts.bounds,
            admission: Admission::new(places.clone(), parts.clock),
            places,
            warm: Warm::new(parts.warm, parts.clock),
            looked_at: is_looked_at,
        };
        Self { inner: Arc::new(Inner { shared, tasks, stop, handles: Mutex::default(), looked_at }) }
    }

    /// Starts an actor for every conversation that an earlier daemon left work for.
    pub async fn recover(&self) -> Result<usize, StoreError> {
        self.inner.shared.owner.recover().await?;
        let conversations = self.inner.shared.store.conversations_with_work().await?;
        for conversation in &conversations {
            self.conversation(*conversation);
        }
        Ok(conversations.len())
    }

    /// Where the machine is short of memory, a process with nothing to do goes.
    pub fn ease_memory(&self) {
        self.inner.shared.warm.ease();
    }

    /// What waited when this daemon came was looked at: what is still wanted may begin.
    pub fn looked_at(&self) {
        self.inner.looked_at.send_replace(true);
    }

    /// The handle of a conversation; its row must be stored. Starts the actor where there is none.
    pub fn conversation(&self, id: ConversationId) -> Handle {
        let mut handles = self.inner.handles.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(handle) = handles.get(&id).filter(|handle| !handle.is_gone()) {
            return handle.clone();
        }
        let (sender, status) = watch::channel(Status::default());
        let (handle, requests) = Handle::new(id, status);
        handles.retain(|_, handle| !handle.is_gone());
        handles.insert(id, handle.clone());
        self.inner.tasks.spawn(supervise(self.clone(), id, requests, sender));
        handle
    }

    /// Asks a conversation for something; once more, should its actor just have gone: the next one is another.
    pub async fn ask<T, F>(&self, id: ConversationId, act: impl Fn(Handle) -> F) -> Result<T, Gone>
    where
        F: Future<Output = Result<T, Gone>>,
    {
        match act(self.conversation(id)).await {
            Err(Gone) => act(self.conversation(id)).await,
            done => done,
        }
    }

    /// What a conversation does right now, if it does anything.
    pub fn status(&self, id: ConversationId) -> Option<Status> {
        let handles = self.inner.handles.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        handles.get(&id).filter(|handle| !handle.is_gone()).map(Handle::status)
    }
}

/// Runs an actor, and runs it again when it panics or fails: what it had accepted is stored, so it recovers.
async fn supervise(
    registry: Registry,
    id: ConversationId,
    requests: mpsc::Receiver<Request>,
    status: watch::Sender<Status>,
) {
    let Inner { shared, stop, .. } = &*registry.inner;
    let mailbox = Arc::new(tokio::sync::Mutex::new(requests));
    let mut wait = RESTART_WAIT_MIN;
    for restarts in 0_u32.. {
        let run = run(shared.clone(), id, Arc::clone(&mailbox), status.clone(), stop.clone());
        match std::panic::AssertUnwindSafe(run).catch_unwind().await {
            Ok(Ok(wanted)) => {
                if wanted {
                    registry.conversation(id);
                }
                return;
            }
            Ok(Err(error)) => {
                tracing::error!(conversation = %id, restarts, error = %Chain(&error), "conversation failed, starting it again");
            }
            Err(_) => {
                tracing::error!(conversation = %id, restarts, "conversation panicked, starting it again");
            }
        }
        if stop.run_until_cancelled(tokio::time::sleep(wait)).await.is_none() {
            return;
        }
        wait = (wait * 2).min(RESTART_WAIT_MAX);
    }
}

async fn run(
    shared: Shared,
    id: ConversationId,
    mailbox: Arc<tokio::sync::Mutex<mpsc::Receiver<Request>>>,
    status: watch::Sender<Status>,
    stop: CancellationToken,
) -> Result<bool, ActorError> {
    let conversation = shared.store.conversation(id).await?.ok_or(ActorError::Unknown(id))?;
    Actor::new(shared, conversation, mailbox.lock_owned().await, status).run(stop).await
}
