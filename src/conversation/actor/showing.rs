//! Turns as they should look like → what the outbox is told.

use super::Actor;
use crate::conversation::state::ShownTurn;
use crate::domain::ids::{MessageId, TurnId};
use crate::domain::prompt::Origin;
use crate::outbox::{Target, Thread};
use crate::store::Conversation;

impl Actor {
    /// No prompt is named: nothing of the turn is done, so its reaction stays.
    pub(in crate::conversation) fn unshow(&self, turn: TurnId) {
        self.shared.outbox.unsay(turn, &target(&self.conversation, None));
    }

    pub(in crate::conversation) fn show(&mut self) {
        let started = self.shared.clock.moment();
        for ShownTurn { turn, origin, also, shown } in self.state.shown(self.shared.clock.wall()) {
            let mut target = target(&self.conversation, origin.as_ref());
            for (channel, message, reaction) in also {
                if !shown.ended {
                    self.shared.outbox.react(channel, message, reaction);
                }
                target.also.push((channel, message));
            }
            if shown.ended && shown.slots.is_empty() {
                // Nothing is posted of what was taken back, so it waits for no turn.
                self.shared.outbox.say(turn, &target, shown);
            } else {
                self.shared.outbox.show(turn, &target, shown);
            }
        }
        self.drawing.drawn(started, self.shared.clock.moment());
    }
}

/// Where a turn of this conversation is shown. A conversation in a thread that its own first message opens says so, or that
/// a command in the channel above opens on a message.
pub(super) fn target(conversation: &Conversation, origin: Option<&Origin>) -> Target {
    let channel = conversation.id.into();
    let prompt = origin.and_then(Origin::message);
    let opened_above = match origin {
        Some(Origin::Message { channel, message }) => {
            message.0 == conversation.id.0 && Some(*channel) == conversation.parent
        }
        // On whichever message the thread is.
        Some(Origin::Command { channel, .. }) => Some(*channel) == conversation.parent,
        Some(Origin::GoOn { .. }) | None => false,
    };
    let thread = conversation.parent.filter(|_| opened_above).map(|parent| Thread {
        parent,
        message: MessageId(conversation.id.0),
        name: conversation.title.clone(),
    });
    Target { channel, parent: conversation.parent, thread, prompt, also: Vec::new() }
}
