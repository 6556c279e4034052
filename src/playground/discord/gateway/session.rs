//! Gateway sessions: what outlives a connection, so that it can be resumed.

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::clock::Moment;
use crate::domain::ids::ChannelId;
use crate::playground::discord::intents::{self, Kind};
use crate::playground::discord::state::State;

/// How many events a session keeps for a RESUME; older ones are gone.
const BUFFER_MAX: usize = 5_000;

/// What goes to a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) enum Out {
    /// A payload.
    Text(String),
    /// A close, with or without a code.
    Close(Option<u16>),
    /// The end, without a word.
    Cut,
}

/// One session.
#[derive(Debug)]
pub(in super::super) struct Session {
    pub(super) id: String,
    intents: u64,
    sequence: u64,
    buffer: VecDeque<(u64, String)>,
    link: Option<Link>,
}

/// The connection that a session has now.
#[derive(Debug)]
struct Link {
    connection: u64,
    send: mpsc::UnboundedSender<Out>,
}

impl Session {
    /// Sends to the connection, if there is one.
    pub(in super::super) fn send(&self, out: Out) {
        if let Some(link) = &self.link {
            // The connection is ending; the event stays in the buffer.
            let _ = link.send.send(out);
        }
    }

    fn is_on(&self, connection: u64) -> bool {
        self.link.as_ref().is_some_and(|link| link.connection == connection)
    }

    /// Numbers an event, keeps it and sends it.
    pub(super) fn dispatch(&mut self, name: &str, data: &Value) {
        self.sequence += 1;
        let text = json!({"op": 0, "t": name, "s": self.sequence, "d": data}).to_string();
        self.buffer.push_back((self.sequence, text.clone()));
        if self.buffer.len() > BUFFER_MAX {
            self.buffer.pop_front();
        }
        self.send(Out::Text(text));
    }
}

/// All sessions, and the budget of IDENTIFYs.
#[derive(Debug)]
pub(in super::super) struct Sessions {
    list: Vec<Session>,
    connections: u64,
    /// Connections to which nothing is said any more.
    zombies: BTreeSet<u64>,
    /// IDENTIFYs that are left for today, of 1000.
    pub(in super::super) identifies_left: u64,
    /// When there was an IDENTIFY.
    pub(in super::super) identifies: Vec<Moment>,
    /// When a session was resumed.
    pub(in super::super) resumes: Vec<Moment>,
    /// The heartbeat interval to ask for.
    pub(in super::super) heartbeat: Duration,
}

impl Default for Sessions {
    fn default() -> Self {
        Self {
            list: Vec::new(),
            connections: 0,
            zombies: BTreeSet::new(),
            identifies_left: 1000,
            identifies: Vec::new(),
            resumes: Vec::new(),
            heartbeat: Duration::from_millis(41_250),
        }
    }
}

impl Sessions {
    pub(in super::super) fn each(&self, f: impl FnMut(&Session)) {
        self.list.iter().for_each(f);
    }

    /// How many sessions have a connection.
    pub(in super::super) fn connected(&self) -> usize {
        self.list.iter().filter(|session| session.link.is_some()).count()
    }

    /// Ends all sessions: they get no more events and cannot be resumed.
    pub(in super::super) fn end(&mut self) {
        self.list.clear();
    }

    /// Sessions can no longer be resumed. Those that have a connection go on until it ends.
    pub(in super::super) fn forget(&mut self) {
        self.list.retain(|session| session.link.is_some());
        for session in &mut self.list {
            session.id.clear();
        }
    }

    /// Ends all sessions without a word to their connections, which stay.
    pub(in super::super) fn zombify(&mut self) {
        let connections = self.list.drain(..).filter_map(|session| session.link);
        self.zombies.extend(connections.map(|link| link.connection));
    }

    /// Whether nothing is said to this connection any more.
    pub(super) fn is_zombie(&self, connection: u64) -> bool {
        self.zombies.contains(&connection)
    }

    /// Whether a connection has a session.
    pub(super) fn has(&self, connection: u64) -> bool {
        self.is_zombie(connection) || self.list.iter().any(|session| session.is_on(connection))
    }

    /// A number for a new connection.
    pub(super) fn new_connection(&mut self) -> u64 {
        self.connections += 1;
        self.connections
    }

    /// The connection is over. `ended`: its session, too.
    pub(super) fn disconnect(&mut self, connection: u64, ended: bool) {
        self.zombies.remove(&connection);
        self.list.retain(|session| !(session.is_on(connection) && (ended || session.id.is_empty())));
        if let Some(session) = self.list.iter_mut().find(|session| session.is_on(connection)) {
            session.link = None;
        }
    }

    /// A new session. The first event that it gets is READY, from the caller.
    pub(super) fn open(
        &mut self,
        id: String,
        intents: u64,
        connection: u64,
        send: mpsc::UnboundedSender<Out>,
    ) -> &mut Session {
        let link = Some(Link { connection, send });
        self.list.push(Session { id, intents, sequence: 0, buffer: VecDeque::new(), link });
        self.list.last_mut().expect("one was pushed")
    }

    /// Replays what came after `sequence`. `None`: the session is unknown, or too much is missing.
    pub(super) fn resume(
        &mut self,
        id: &str,
        sequence: u64,
        connection: u64,
        send: mpsc::UnboundedSender<Out>,
    ) -> Option<()> {
        let session = self.list.iter_mut().find(|session| session.id == id && !id.is_empty())?;
        let oldest = session.buffer.front().map_or(session.sequence + 1, |(number, _)| *number);
        if sequence > session.sequence || sequence + 1 < oldest {
            return None;
        }
        session.send(Out::Cut);
        session.link = Some(Link { connection, send });
        for (number, text) in &session.buffer {
            if *number > sequence {
                session.send(Out::Text(text.clone()));
            }
        }
        session.dispatch("RESUMED", &json!({}));
        Some(())
    }
}

impl State {
    /// Sends an event to every session that may and wants to see it. `channel`: where it happened, if anywhere.
    pub(in super::super) fn dispatch(
        &mut self,
        name: &'static str,
        kind: Kind,
        channel: Option<ChannelId>,
        data: &Value,
    ) {
        let place = channel.and_then(|id| self.channels.get(&id));
        let direct = place.is_some_and(|channel| channel.recipient.is_some());
        // A channel that is already gone was visible, as far as anybody can know.
        let seen = place.is_none_or(|channel| {
            self.permissions_in(self.world.bot, channel.id) & super::super::permissions::VIEW_CHANNEL != 0
        });
        if !seen {
            return;
        }
        let needed = kind.intent(direct);
        let blank =
            (kind == Kind::Message && !direct && self.hides_content(data)).then(|| without_content(data));
        for session in &mut self.sessions.list {
            if session.intents & needed != needed {
                continue;
            }
            let hidden = session.intents & intents::MESSAGE_CONTENT == 0;
            session.dispatch(name, blank.as_ref().filter(|_| hidden).unwrap_or(data));
        }
    }

    /// Whether a message is neither the bot's nor mentions it, so that its content needs the privileged intent.
    pub(in super::super) fn hides_content(&self, message: &Value) -> bool {
        let bot = self.world.bot.to_string();
        let mentioned =
            message["mentions"].as_array().is_some_and(|list| list.iter().any(|user| user["id"] == bot));
        message["author"]["id"] != bot && !mentioned
    }
}

/// A message as it is shown without the content intent.
pub(in super::super) fn without_content(message: &Value) -> Value {
    let mut blank = message.clone();
    if let Some(object) = blank.as_object_mut() {
        for (key, empty) in [
            ("content", json!("")),
            ("embeds", json!([])),
            ("attachments", json!([])),
            ("components", json!([])),
        ] {
            if object.contains_key(key) {
                object.insert(key.to_owned(), empty);
            }
        }
        if let Some(replied) = object.get_mut("referenced_message").filter(|replied| !replied.is_null()) {
            *replied = without_content(replied);
        }
    }
    blank
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(receive: &mut mpsc::UnboundedReceiver<Out>) -> Vec<String> {
        let mut names = Vec::new();
        while let Ok(out) = receive.try_recv() {
            let Out::Text(text) = out else { continue };
            let payload: Value = serde_json::from_str(&text).unwrap();
            names.push(format!("{} {}", payload["s"], payload["t"].as_str().unwrap()));
        }
        names
    }

    #[test]
    fn a_resume_replays_what_was_missed_and_nothing_else() {
        let mut sessions = Sessions::default();
        let (send, mut first) = mpsc::unbounded_channel();
        sessions.open("s".into(), 0, 1, send).dispatch("READY", &json!({}));
        sessions.list[0].dispatch("A", &json!({}));
        sessions.disconnect(1, false);
        sessions.list[0].dispatch("B", &json!({}));
        assert_eq!(texts(&mut first), ["1 READY", "2 A"]);
        let (send, mut second) = mpsc::unbounded_channel();
        assert!(sessions.resume("s", 2, 2, send.clone()).is_some());
        assert_eq!(texts(&mut second), ["3 B", "4 RESUMED"]);
        assert!(sessions.resume("s", 99, 3, send.clone()).is_none(), "a sequence from the future");
        assert!(sessions.resume("t", 1, 3, send).is_none(), "an unknown session");
    }

    #[test]
    fn ended_and_forgotten_sessions_are_not_resumed() {
        let mut sessions = Sessions::default();
        let (send, mut receive) = mpsc::unbounded_channel();
        sessions.open("s".into(), 0, 1, send.clone());
        sessions.forget();
        sessions.list[0].dispatch("A", &json!({}));
        assert_eq!(texts(&mut receive), ["1 A"], "its connection goes on");
        assert!(sessions.resume("s", 0, 2, send.clone()).is_none());
        sessions.disconnect(1, false);
        assert!(sessions.list.is_empty());
        sessions.open("t".into(), 0, 3, send.clone());
        sessions.disconnect(3, true);
        assert!(sessions.resume("t", 0, 4, send).is_none());
    }

    #[test]
    fn what_no_longer_fits_the_buffer_cannot_be_resumed() {
        let mut sessions = Sessions::default();
        let (send, _receive) = mpsc::unbounded_channel();
        let session = sessions.open("s".into(), 0, 1, send.clone());
        for _ in 0..BUFFER_MAX + 2 {
            session.dispatch("A", &json!({}));
        }
        assert!(sessions.resume("s", 1, 2, send.clone()).is_none());
        assert!(sessions.resume("s", 2, 2, send).is_some());
    }
}
