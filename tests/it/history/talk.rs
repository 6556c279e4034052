//! People: who says what where, by dice. They remember what they said.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Mutex;

use switchboard::domain::ids::{ChannelId, MessageId, UserId};
use switchboard::playground::discord::World;

use super::Dice;
use super::record::{Deleted, Said};
use crate::harness::{BOT, JONAS, MARA, Stage, VERA};

/// Other bots are never answered.
const FERRY: UserId = World::FERRY;

/// Everybody who talks, in as many channels as there are.
pub struct Talk {
    /// What was said so far.
    pub said: Vec<Said>,
    /// Where side effects go: a file per token, a line each time.
    pub effects: PathBuf,
    channels: Vec<ChannelId>,
    /// Of those, where each message opens a thread.
    with_threads: BTreeSet<ChannelId>,
    /// The cards on which somebody chose, and what.
    clicked: Mutex<Vec<(String, String)>>,
    dice: Dice,
}

/// In a town of so many channels there are some in which each message opens a thread.
const CHANNELS_WITH_THREADS: u64 = 10;
/// How many of those.
const WITH_THREADS: usize = 2;
/// How many threads stay awake in a long run.
const THREADS_AWAKE: usize = 30;

/// A stage with that many channels, each a project of its own, and people to talk there.
pub async fn town(channels: u64, dice: Dice) -> (Stage, Talk) {
    let ids: Vec<_> = (0..channels).map(|number| ChannelId(1_100_000_000_000_001_000 + number)).collect();
    let mut world = World::playground();
    for (number, id) in ids.iter().enumerate() {
        world = world.with_channel(*id, &format!("pier-{number}"));
    }
    // A bot that may do everything a person may is still none.
    for person in world.people.iter_mut().filter(|person| person.id == FERRY) {
        person.roles = vec![World::BUILDERS];
    }
    let stage = Stage::in_world(world).await;
    let dir = stage.dir().display().to_string();
    let threads = if channels < CHANNELS_WITH_THREADS { 0 } else { WITH_THREADS };
    let with_threads: BTreeSet<_> = ids.iter().rev().take(threads).copied().collect();
    let projects: String = (ids.iter().enumerate())
        .map(|(number, id)| {
            let kind = if with_threads.contains(id) { "thread" } else { "channel" };
            format!(
                "[[projects]]\nname = \"pier-{number}\"\nchannel_id = {id}\ndir = \"{dir}/harbor\"\n\
                 conversation = \"{kind}\"\n"
            )
        })
        .collect();
    let effects = stage.dir().join("effects");
    std::fs::create_dir(&effects).expect("a directory for side effects");
    // A thousand starts in an hour are the test's doing.
    stage.discord.faults().limits_lifted(true);
    stage.discord.faults().identifies_left(1_000_000);
    let stage = stage.with("lighthouse", &projects).with("claude", "warm_idle_secs = 1");
    (stage, Talk { said: Vec::new(), effects, channels: ids, with_threads, clicked: Mutex::default(), dice })
}

impl Talk {
    /// Someone says something somewhere: mostly what is to be answered.
    pub fn anything(&mut self, stage: &Stage) {
        let channel = self.any_channel();
        let who = match self.dice.below(12) {
            0 => return self.not_for_the_bot(stage, channel),
            11 => return self.burst(stage, channel),
            1..=4 => JONAS,
            _ => MARA,
        };
        let script = self.any_script();
        self.ask(stage, who, channel, &script);
    }

    /// An eligible prompt. In the script, `TOKEN` stands for its token, and `EFFECT` for the file of its side effect.
    pub fn ask(&mut self, stage: &Stage, who: UserId, channel: ChannelId, script: &str) -> MessageId {
        let effects = u32::from(script.contains("EFFECT"));
        self.say(stage, who, channel, &format!("<@{BOT}> {script} [[say:TOKEN is done]]"), true, effects)
    }

    /// The bot hears of something that was said, once more.
    pub fn hear_again(&mut self, stage: &Stage) {
        let which = usize::try_from(self.dice.below(self.said.len() as u64)).expect("a few messages");
        let said = &self.said[which];
        if said.deleted == Deleted::No {
            stage.discord.faults().repeat(MessageId(said.id));
        }
    }

    /// A prompt in each channel.
    pub fn everywhere(&mut self, stage: &Stage) {
        for number in 0..self.channels.len() {
            self.ask(stage, MARA, self.channel(number), "");
        }
    }

    /// The n-th channel.
    pub fn channel(&self, number: usize) -> ChannelId {
        self.channels[number % self.channels.len()]
    }

    /// Something that is said while the bot cannot see it, and perhaps changed or taken back.
    pub fn while_away(&mut self, stage: &Stage) {
        let channel = self.any_channel();
        match self.dice.below(5) {
            0 => {
                let message = self.ask(stage, MARA, channel, "[[bash:echo once >> EFFECT]]");
                stage.discord.delete(message);
                self.last().deleted = Deleted::Unseen;
            }
            1 => {
                let message = self.ask(stage, MARA, channel, "");
                let outdated = self.last().token.clone();
                let token = self.token();
                let last = self.last();
                last.token.clone_from(&token);
                last.outdated.push(outdated);
                stage.discord.edit(message, &format!("<@{BOT}> [[say:{token} is done]]"));
            }
            _ => self.anything(stage),
        }
    }

    /// One person says several things in a row: what waits together is one prompt.
    fn burst(&mut self, stage: &Stage, channel: ChannelId) {
        for script in ["[[pause:400]]", "", "[[bash:echo once >> EFFECT]]", "[[say:Last.]]"] {
            self.ask(stage, MARA, channel, script);
        }
    }

    fn not_for_the_bot(&mut self, stage: &Stage, channel: ChannelId) {
        let (who, mention) = match self.dice.below(3) {
            0 => (VERA, true),
            1 => (FERRY, true),
            _ => (MARA, false),
        };
        let mention = if mention { format!("<@{BOT}> ") } else { String::new() };
        self.say(
            stage,
            who,
            channel,
            &format!("{mention}[[bash:echo once >> EFFECT]] [[say:TOKEN is done]]"),
            false,
            0,
        );
    }

    fn any_channel(&mut self) -> ChannelId {
        let number = self.dice.below(self.channels.len() as u64);
        self.channel(usize::try_from(number).expect("a few channels"))
    }

    fn any_script(&mut self) -> String {
        let pause = self.dice.below(600);
        match self.dice.below(10) {
            0 => String::new(),
            1 => format!("[[pause:{pause}]]"),
            2 => format!("[[say:Wait.]] [[bash:echo once >> EFFECT]] [[pause:{pause}]]"),
            3 => format!("[[pause:{pause}]] [[bash:echo once >> EFFECT]]"),
            4 => "[[bash:echo once >> EFFECT]] [[stream:20,15]]".to_owned(),
            5 => "[[lines:60]] [[bash:echo once >> EFFECT]]".to_owned(),
            6 => "[[fork:2]] [[bash:echo once >> EFFECT]]".to_owned(),
            7 => format!("[[say:Ask <@{MARA}> or @everyone.]] [[hold-stdout]]"),
            8 => format!("[[bash:sleep 0.{pause:03}; echo once >> EFFECT]] [[garbage]]"),
            _ => format!("[[thinking:Hm.]] [[say:Half.]] [[pause:{pause}]] [[bash:echo once >> EFFECT]]"),
        }
    }

    fn token(&mut self) -> String {
        // Never the beginning of another one, and no word of anybody's.
        format!("q{:03}x{:04x}", self.said.len(), self.dice.below(0x1_0000))
    }

    /// Somebody chooses on a card.
    pub fn click(&self, card: String, label: &str) {
        self.clicked.lock().expect("nobody panics with it").push((card, label.to_owned()));
    }

    /// The cards on which somebody chose, and what.
    pub fn clicked(&self) -> Vec<(String, String)> {
        self.clicked.lock().expect("nobody panics with it").clone()
    }

    /// What was said last.
    pub fn last(&mut self) -> &mut Said {
        self.said.last_mut().expect("something was said just now")
    }

    /// Threads in which nobody wrote lately are archived: a guild has no thousands of active ones.
    pub fn let_threads_sleep(&self, stage: &Stage) {
        let threads = self.said.iter().rev().filter(|said| said.answered_in != said.channel);
        for said in threads.skip(THREADS_AWAKE).take(THREADS_AWAKE) {
            let thread = ChannelId(said.answered_in);
            let awake = |thread: &serde_json::Value| thread["thread_metadata"]["archived"] == false;
            if stage.discord.channel(thread).as_ref().is_some_and(awake) {
                stage.discord.archive_thread(thread, true);
            }
        }
    }

    fn say(
        &mut self,
        stage: &Stage,
        who: UserId,
        channel: ChannelId,
        text: &str,
        eligible: bool,
        effects: u32,
    ) -> MessageId {
        let token = self.token();
        let effect = self.effects.join(&token).display().to_string();
        let text = text.replace("TOKEN", &token).replace("EFFECT", &effect);
        let id = stage.discord.say(who, channel, &text);
        self.said.push(Said {
            id: id.0,
            channel: channel.0,
            author: who.0,
            // A thread has the number of the message that opened it.
            answered_in: if self.with_threads.contains(&channel) { id.0 } else { channel.0 },
            token,
            eligible,
            effects,
            ..Said::default()
        });
        id
    }
}
