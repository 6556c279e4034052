//! PURE: what a message is to us. Bots, webhooks and the bot itself start nothing, whoever they imitate.

use crate::config::{ConversationScope, RespondTo};
use crate::domain::ids::{ChannelId, ConversationId, MessageId, UserId};

/// What is known of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "facts that do not depend on each other")]
pub struct Facts<'a> {
    /// The bot.
    pub me: UserId,
    /// Who wrote it.
    pub author: UserId,
    /// Whether a bot wrote it.
    pub by_bot: bool,
    /// Whether a webhook wrote it.
    pub by_webhook: bool,
    /// Whether it is a plain message or a reply, not a notice of Discord's such as "pinned a message".
    pub ordinary: bool,
    /// The message.
    pub message: MessageId,
    /// Where it stands.
    pub channel: ChannelId,
    /// Whether it mentions the bot, or answers a message of the bot's.
    pub to_me: bool,
    /// Its text.
    pub text: &'a str,
    /// Whether files came with it.
    pub has_files: bool,
}

/// Where a message stands, when that is a place of a project.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// The project's channel itself.
    Channel {
        /// Which messages are prompts.
        respond_to: RespondTo,
        /// Whether the channel is one conversation, or each request opens a thread.
        scope: ConversationScope,
    },
    /// A thread below it.
    Thread {
        /// Whether the bot takes part already: then no mention is needed.
        joined: bool,
    },
}

/// What to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Route {
    /// Nothing.
    Ignore(Why),
    /// It is a prompt for this conversation.
    Prompt {
        /// Which conversation: a channel, a thread, or the thread that this message will open.
        conversation: ConversationId,
        /// Whether the conversation is a thread that has to be opened on this message.
        opens_thread: bool,
    },
    /// It is for the bot, and says nothing.
    Empty,
}

/// Why a message is nothing to us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// A bot, a webhook or the bot itself wrote it.
    NotAPerson,
    /// It is a notice of Discord's.
    NotOrdinary,
    /// It is not for the bot.
    NotForMe,
}

/// The part that needs no look at the place: most messages of a server end here.
pub fn by_a_person(facts: &Facts<'_>) -> Result<(), Why> {
    if facts.by_bot || facts.by_webhook || facts.author == facts.me {
        return Err(Why::NotAPerson);
    }
    if facts.ordinary { Ok(()) } else { Err(Why::NotOrdinary) }
}

/// What a message in a place of a project is.
pub fn route(facts: &Facts<'_>, place: Place) -> Route {
    if let Err(why) = by_a_person(facts) {
        return Route::Ignore(why);
    }
    let (for_me, opens_thread) = match place {
        Place::Channel { respond_to, scope } => {
            (facts.to_me || respond_to == RespondTo::All, scope == ConversationScope::Thread)
        }
        Place::Thread { joined } => (facts.to_me || joined, false),
    };
    if !for_me {
        return Route::Ignore(Why::NotForMe);
    }
    if strip_mention(facts.text, facts.me).is_empty() && !facts.has_files {
        return Route::Empty;
    }
    // A thread that is opened on a message has that message's id (docs: resources/channel, Start Thread from Message).
    let conversation = if opens_thread { ConversationId(facts.message.0) } else { facts.channel.into() };
    Route::Prompt { conversation, opens_thread }
}

/// The text without the mention of the bot.
pub fn strip_mention(text: &str, me: UserId) -> String {
    let without = [format!("<@{me}>"), format!("<@!{me}>")]
        .iter()
        .fold(text.to_owned(), |text, mention| text.replace(mention.as_str(), ""));
    without.trim().to_owned()
}

/// The name of the thread that a request opens: its first line, at most 80 characters, never empty.
pub fn thread_name(text: &str) -> String {
    let line = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    let mut name: String = line.chars().filter(|c| !c.is_control()).take(80).collect();
    if line.chars().count() > 80 {
        name.push('…');
    }
    if name.is_empty() { "Request".to_owned() } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHANNEL: Place =
        Place::Channel { respond_to: RespondTo::Mentions, scope: ConversationScope::Channel };

    fn facts(text: &str) -> Facts<'_> {
        Facts {
            me: UserId(9),
            author: UserId(1),
            by_bot: false,
            by_webhook: false,
            ordinary: true,
            message: MessageId(50),
            channel: ChannelId(5),
            to_me: text.contains("<@9>"),
            text,
            has_files: false,
        }
    }

    fn prompt(conversation: u64, opens_thread: bool) -> Route {
        Route::Prompt { conversation: ConversationId(conversation), opens_thread }
    }

    #[test]
    fn a_mention_is_a_prompt_and_chatter_is_not() {
        assert_eq!(route(&facts("<@9> hi"), CHANNEL), prompt(5, false));
        assert_eq!(route(&facts("hi"), CHANNEL), Route::Ignore(Why::NotForMe));
        let all = Place::Channel { respond_to: RespondTo::All, scope: ConversationScope::Channel };
        assert_eq!(route(&facts("hi"), all), prompt(5, false));
    }

    #[test]
    fn a_request_opens_a_thread_where_the_project_says_so() {
        let place = Place::Channel { respond_to: RespondTo::Mentions, scope: ConversationScope::Thread };
        assert_eq!(route(&facts("<@9> hi"), place), prompt(50, true));
    }

    #[test]
    fn a_joined_thread_needs_no_mention() {
        assert_eq!(route(&facts("hi"), Place::Thread { joined: true }), prompt(5, false));
        assert_eq!(route(&facts("hi"), Place::Thread { joined: false }), Route::Ignore(Why::NotForMe));
        assert_eq!(route(&facts("<@9> hi"), Place::Thread { joined: false }), prompt(5, false));
    }

    #[test]
    fn nobody_but_people() {
        for change in [
            |facts: &mut Facts<'_>| facts.by_bot = true,
            |facts: &mut Facts<'_>| facts.by_webhook = true,
            |facts: &mut Facts<'_>| facts.author = facts.me,
        ] {
            let mut facts = facts("<@9> hi");
            change(&mut facts);
            assert_eq!(route(&facts, CHANNEL), Route::Ignore(Why::NotAPerson));
        }
    }

    #[test]
    fn a_bare_mention_says_nothing_unless_a_file_comes_with_it() {
        let mut facts = facts(" <@9> ");
        assert_eq!(route(&facts, CHANNEL), Route::Empty);
        facts.has_files = true;
        assert_eq!(route(&facts, CHANNEL), prompt(5, false));
    }

    #[test]
    fn thread_names_fit() {
        assert_eq!(thread_name("\n  fix the tests \nplease"), "fix the tests");
        assert_eq!(thread_name(" \n"), "Request");
        assert!(thread_name(&"x".repeat(300)).chars().count() <= 100);
    }
}
