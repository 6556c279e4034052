//! What a conversation wants done, in order.

use super::{Given, Tuned};
use crate::claude::{CliInfo, Tuning};
use crate::clock::WallTime;
use crate::conversation::account::News;
use crate::domain::answer::Answer;
use crate::domain::ask::Ask;
use crate::domain::event::{Carried, TurnEnd, Usage};
use crate::domain::ids::{
    AskId, ChannelId, ErrorId, MessageId, ProcessId, PromptId, SessionId, TurnId, UserId,
};
use crate::domain::prompt::Prompt;
use crate::domain::ruling::Ruling;
use crate::render::view::Reaction;
use crate::runner::{Exit, Position};

/// What is to be done.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Queue for a place among the running turns.
    AskPlace,
    /// Take a place for a turn that runs already, also where all are taken.
    TakePlace,
    /// Give the place back.
    LeavePlace,
    /// Take back what is posted of a turn that did not begin, and whose prompts wait in the queue again.
    Unshow(TurnId),
    /// Store that these prompts wait to be one turn, with the first one, from which it has its name.
    Join {
        /// The turn.
        turn: TurnId,
        /// The prompts after the first.
        more: Vec<PromptId>,
    },
    /// Store that the turn begins, start its process where it has none, and give it the prompt.
    Begin {
        /// The turn.
        turn: TurnId,
        /// Its prompt.
        prompt: Prompt,
        /// The other prompts that are joined in it.
        more: Vec<PromptId>,
        /// The process that serves it.
        process: ProcessId,
        /// Whether that process has to be started.
        start: bool,
        /// From where in the spool the turn is recorded.
        from: Position,
        /// Which attempt it is, from 1.
        attempt: u32,
        /// What happened before this attempt.
        carried: Carried,
    },
    /// Start a process for what is about to be asked: it gets no prompt, and begins no turn.
    Prestart(ProcessId),
    /// Store that the prompt is not wanted any more: its turn ended before it began.
    Withdraw {
        /// Which.
        prompt: PromptId,
        /// The turn that shows so.
        turn: TurnId,
    },
    /// Store that the prompt is not run, and why.
    Refuse {
        /// Which.
        prompt: PromptId,
        /// The turn that shows so.
        turn: TurnId,
        /// Why, in words for people.
        why: &'static str,
    },
    /// Store that the CLI began a turn by itself.
    BeganAlone {
        /// The turn.
        turn: TurnId,
        /// The process.
        process: ProcessId,
        /// From where in the spool.
        from: Position,
    },
    /// Give the prompt to the process (again): it may not have been written.
    Deliver {
        /// The prompt.
        prompt: Prompt,
        /// In which attempt.
        attempt: u32,
    },
    /// Write these lines to the process, and store that it was told this.
    Tune {
        /// The process.
        process: ProcessId,
        /// All of what it was told.
        tuning: Tuning,
        /// The lines.
        lines: Vec<String>,
    },
    /// Tell whoever chose what became of it.
    Tuned(Tuned),
    /// The plan was approved: a conversation that was to make one makes no more.
    LeftPlan,
    /// Store that the process is told of the prompt while a turn runs, then tell it.
    Steer {
        /// The prompt.
        prompt: Prompt,
        /// The process.
        process: ProcessId,
        /// The uuid under which it hears of it.
        id: PromptId,
    },
    /// Tell the process of the prompt (again): it may not have been written.
    SteerAgain {
        /// The prompt.
        prompt: Prompt,
        /// The uuid under which it hears of it.
        id: PromptId,
    },
    /// Store that the running turn heard the prompt.
    Heard {
        /// The prompt.
        prompt: PromptId,
        /// The turn.
        turn: TurnId,
    },
    /// Store that the prompt waits again: the process did not hear it, or nothing came of it.
    Unsteer(PromptId),
    /// Store that the prompt is to be given back by the process that was told of it.
    TakeBack(PromptId),
    /// Store that a turn begins for a prompt that its process was told of already.
    BeginSteered {
        /// The turn.
        turn: TurnId,
        /// Its prompt.
        prompt: PromptId,
        /// The process.
        process: ProcessId,
        /// From where in the spool.
        from: Position,
    },
    /// Store who has the turn stopped, by a prompt that interrupts it.
    NoteStop {
        /// The turn.
        turn: TurnId,
        /// Who.
        by: UserId,
    },
    /// Put this reaction on a message.
    React {
        /// The channel in which it stands.
        channel: ChannelId,
        /// The message.
        message: MessageId,
        /// The reaction.
        reaction: Reaction,
    },
    /// Write a line to the process.
    Write(String),
    /// Close the process's input: it ends by itself.
    CloseInput,
    /// Climb the stop ladder of the process.
    Kill,
    /// Store an ask.
    SaveAsk {
        /// Whose.
        turn: TurnId,
        /// Which.
        ask: Ask,
        /// When it came.
        at: WallTime,
    },
    /// Store that an ask is settled.
    SettleAsk {
        /// The process that asked; it may be over.
        process: ProcessId,
        /// The CLI's id of the request.
        request: String,
        /// How; none: withdrawn.
        answer: Option<Answer>,
    },
    /// Tell whoever is needed once more that an ask waits; once, however often it is said.
    Remind {
        /// Which ask.
        ask: AskId,
        /// The turn that waits.
        turn: TurnId,
        /// Who is needed.
        person: UserId,
        /// When it is denied.
        until: WallTime,
    },
    /// What was told so is over.
    Unremind {
        /// Which ask.
        ask: AskId,
        /// Whether this daemon told it; else one before it may have.
        told: bool,
    },
    /// Store that nobody answered an ask, and what it gets instead.
    ExpireAsk(Given),
    /// Store that the turn may have changed something.
    NoteSideEffects(TurnId),
    /// Note in the audit what was decided on a tool without a question; once, however often it is read.
    NoteRuling(Ruling),
    /// Store the turn's end.
    EndTurn {
        /// Which.
        turn: TurnId,
        /// How.
        end: TurnEnd,
        /// What it cost.
        usage: Usage,
        /// How many tools it used.
        tools: u32,
        /// What the failure is called, and what was said of it, for the log.
        error: Option<(ErrorId, String)>,
    },
    /// Store that the process ended.
    ProcessEnded {
        /// Which.
        process: ProcessId,
        /// How.
        exit: Exit,
    },
    /// The CLI has this session now.
    SessionChanged(SessionId),
    /// The CLI does not have the session any more: a new one is needed.
    SessionLost,
    /// Something was heard of the account, which all conversations share.
    Account {
        /// Whose turn heard it.
        turn: TurnId,
        /// What.
        news: News,
    },
    /// The CLI said what it is.
    Info(CliInfo),
    /// A line that means nothing to us, for the log.
    Ignored {
        /// What it was.
        kind: String,
        /// Why it is ignored.
        why: String,
    },
}
