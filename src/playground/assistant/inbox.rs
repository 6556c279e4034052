//! What the host sends: prompts that wait, answers to open questions, and the wish to stop. One thread reads stdin into
//! it, another listens for signals, and the turn looks here whenever it pauses.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::message::{Message, Priority};

/// A task in the background that is done, so that a turn begins without a prompt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finished {
    /// The task's id.
    pub task: String,
    /// The tool use that began it.
    pub tool_use: String,
    /// What it did.
    pub description: String,
}

/// What is next when nothing is going on.
#[derive(Debug, PartialEq)]
pub enum Next {
    /// A turn for these messages.
    Messages(Vec<Message>),
    /// A turn because a background task is done.
    Finished(Finished),
    /// Nothing more will come.
    End,
}

/// Why a turn was cut short.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// The host asked for it, or refused a tool with `interrupt`.
    Interrupted,
    /// A message of priority `now` waits.
    Overtaken,
    /// The host ends the session.
    SessionEnded,
    /// SIGINT.
    Signalled,
}

/// See the module.
#[derive(Debug, Default)]
pub struct Inbox {
    state: Mutex<State>,
    changed: Condvar,
    ignores_term: AtomicBool,
}

/// The inbox's content. Guarded by one lock, so that "is a turn running" and "interrupt it" cannot race.
#[derive(Debug, Default)]
struct State {
    queue: VecDeque<Message>,
    finished: VecDeque<Finished>,
    /// Background tasks that are not done.
    background: usize,
    seen: HashSet<String>,
    answers: HashMap<String, Value>,
    /// The request id of the question that waits for the host.
    open_ask: Option<String>,
    running: bool,
    cut: Option<Cut>,
    closed: bool,
    ending: bool,
}

impl Inbox {
    /// Remembers that messages with these keys were heard already (a resumed session).
    pub fn already_heard(&self, uuids: impl IntoIterator<Item = String>) {
        self.lock().seen.extend(uuids);
    }

    /// Queues a message. `false`: one with its key was there before, and it is dropped.
    pub fn push(&self, mut message: Message) -> bool {
        let mut state = self.lock();
        if !state.seen.insert(message.uuid.clone()) {
            return false;
        }
        message.late = state.running || !state.queue.is_empty();
        state.queue.push_back(message);
        self.changed.notify_all();
        true
    }

    /// Withdraws a message that still waits.
    pub fn withdraw(&self, uuid: &str) -> bool {
        let mut state = self.lock();
        let before = state.queue.len();
        state.queue.retain(|message| message.uuid != uuid);
        state.queue.len() < before
    }

    /// Cuts the turn that runs or is about to. When idle it does nothing.
    pub fn cut(&self, cut: Cut) {
        let mut state = self.lock();
        if state.running || !state.queue.is_empty() {
            state.cut = Some(cut);
        }
        if cut == Cut::SessionEnded || cut == Cut::Signalled {
            state.ending = true;
        }
        self.changed.notify_all();
    }

    /// Makes the open question void, so that its answer is dropped. Gives its request id.
    pub fn withdraw_ask(&self) -> Option<String> {
        self.lock().open_ask.take()
    }

    /// Takes the answer to a question of ours. Answers that nobody waits for are dropped.
    pub fn answer(&self, request: String, response: Value) {
        let mut state = self.lock();
        if state.open_ask.as_ref() == Some(&request) {
            state.open_ask = None;
            state.answers.insert(request, response);
            self.changed.notify_all();
        }
    }

    /// Nothing more will be written to stdin.
    pub fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_all();
    }

    /// A background task begins; [`finish`](Inbox::finish) ends it.
    pub fn begin_background(&self) {
        self.lock().background += 1;
    }

    /// A background task is done.
    pub fn finish(&self, finished: Finished) {
        let mut state = self.lock();
        state.background = state.background.saturating_sub(1);
        state.finished.push_back(finished);
        self.changed.notify_all();
    }

    /// Whether a turn is running.
    pub fn is_running(&self) -> bool {
        self.lock().running
    }

    /// From now on SIGTERM does nothing, as in a process that hangs badly.
    pub fn ignore_term(&self) {
        self.ignores_term.store(true, Ordering::Relaxed);
    }

    /// Whether SIGTERM does nothing.
    pub fn ignores_term(&self) -> bool {
        self.ignores_term.load(Ordering::Relaxed)
    }

    /// Waits for what is next, and marks the turn as running.
    pub fn next(&self) -> Next {
        let mut state = self.lock();
        loop {
            if state.ending {
                return Next::End;
            }
            if let Some(first) = state.take_first() {
                state.running = true;
                let mut messages = vec![first];
                // What piled up during a turn is merged into one (the CLI's reference, §7); a message that wants no
                // answer stays alone.
                while messages[0].late
                    && messages[0].query
                    && messages[0].priority != Priority::Now
                    && let Some(more) = state.queue.pop_front_if(|message| message.late && message.query)
                {
                    messages.push(more);
                }
                return Next::Messages(messages);
            }
            if let Some(finished) = state.finished.pop_front() {
                state.running = true;
                return Next::Finished(finished);
            }
            if state.closed && state.background == 0 {
                return Next::End;
            }
            state = self.changed.wait(state).expect("nobody panics while holding the inbox");
        }
    }

    /// The turn is over.
    pub fn end_turn(&self) {
        let mut state = self.lock();
        state.running = false;
        state.cut = None;
        state.open_ask = None;
    }

    /// Messages that want to be heard with the result of a tool.
    pub fn steering(&self) -> Vec<Message> {
        let mut state = self.lock();
        let (heard, waiting) = state.queue.drain(..).partition(|message| message.priority == Priority::Next);
        state.queue = waiting;
        heard.into()
    }

    /// Takes the oldest message that waits, to be heard within this turn.
    pub fn take(&self) -> Option<Message> {
        self.lock().queue.pop_front()
    }

    /// Forgets that the turn was to be cut: it goes on, as a recording that was interrupted goes on.
    pub fn forget_cut(&self) {
        self.lock().cut = None;
    }

    /// Waits at most `at_most` (for ever: `None`), or until `done`, and gives what cuts the turn meanwhile.
    /// `streaming`: a message of priority `now` cuts too.
    pub fn wait(
        &self,
        at_most: Option<Duration>,
        streaming: bool,
        mut done: impl FnMut() -> bool,
    ) -> Result<(), Cut> {
        let deadline = at_most.map(|duration| Instant::now() + duration);
        let mut state = self.lock();
        loop {
            state.check(streaming)?;
            if done() {
                return Ok(());
            }
            // A condition outside (a file, a child) announces itself to nobody, so it is looked at now and then.
            let mut nap = Duration::from_millis(4);
            if let Some(deadline) = deadline {
                let left = deadline.saturating_duration_since(Instant::now());
                if left.is_zero() {
                    return Ok(());
                }
                nap = nap.min(left);
            }
            state = self.changed.wait_timeout(state, nap).expect("nobody panics while holding the inbox").0;
        }
    }

    /// Opens a question and waits for its answer. `None`: stdin is closed, so there will be none.
    pub fn wait_for_answer(&self, request: &str) -> Result<Option<Value>, Cut> {
        let mut state = self.lock();
        loop {
            state.check(false)?;
            if let Some(answer) = state.answers.remove(request) {
                return Ok(Some(answer));
            }
            if state.closed {
                state.open_ask = None;
                return Ok(None);
            }
            state = self.changed.wait(state).expect("nobody panics while holding the inbox");
        }
    }

    /// Says that a question is open, before it is printed: its answer may come at once.
    pub fn open_ask(&self, request: &str) {
        self.lock().open_ask = Some(request.to_owned());
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nobody panics while holding the inbox")
    }
}

impl State {
    fn take_first(&mut self) -> Option<Message> {
        let now = self.queue.iter().position(|message| message.priority == Priority::Now);
        self.queue.remove(now.unwrap_or(0))
    }

    fn check(&self, streaming: bool) -> Result<(), Cut> {
        if let Some(cut) = self.cut {
            return Err(cut);
        }
        let overtaken = streaming && self.queue.iter().any(|message| message.priority == Priority::Now);
        if overtaken { Err(Cut::Overtaken) } else { Ok(()) }
    }
}
