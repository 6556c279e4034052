//! How a turn stands, in one emoji on its prompt.

/// The reaction that tells at a glance how the turn stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reaction {
    /// Accepted; the CLI has not begun.
    Seen,
    /// It was told to the turn that runs, which has not heard it yet.
    Sent,
    /// The turn that runs heard it.
    Heard,
    /// The CLI works on it.
    Working,
    /// Claude thinks.
    Thinking,
    /// It reads or searches files.
    Reading,
    /// It changes files.
    Editing,
    /// It runs a command.
    Running,
    /// It looks something up in the web.
    Browsing,
    /// Claude finished.
    Done,
    /// It failed.
    Failed,
    /// Somebody stopped it, or a limit did.
    Stopped,
}

impl Reaction {
    /// All of them.
    pub const ALL: [Reaction; 12] = [
        Reaction::Seen,
        Reaction::Sent,
        Reaction::Heard,
        Reaction::Working,
        Reaction::Thinking,
        Reaction::Reading,
        Reaction::Editing,
        Reaction::Running,
        Reaction::Browsing,
        Reaction::Done,
        Reaction::Failed,
        Reaction::Stopped,
    ];

    /// The Unicode emoji, as Discord takes it.
    pub fn emoji(self) -> &'static str {
        match self {
            Reaction::Seen => "👀",
            Reaction::Sent => "⏩",
            Reaction::Heard => "↪️",
            Reaction::Working => "⚙️",
            Reaction::Thinking => "💭",
            Reaction::Reading => "📖",
            Reaction::Editing => "✏️",
            Reaction::Running => "💻",
            Reaction::Browsing => "🌐",
            Reaction::Done => "✅",
            Reaction::Failed => "❌",
            Reaction::Stopped => "⏹️",
        }
    }

    /// Whether no other follows it.
    pub fn is_final(self) -> bool {
        matches!(self, Reaction::Done | Reaction::Failed | Reaction::Stopped)
    }

    /// Whether it tells what the turn does just now; the next one may come in a moment.
    pub fn is_activity(self) -> bool {
        match self {
            Reaction::Thinking
            | Reaction::Reading
            | Reaction::Editing
            | Reaction::Running
            | Reaction::Browsing => true,
            Reaction::Seen
            | Reaction::Sent
            | Reaction::Heard
            | Reaction::Working
            | Reaction::Done
            | Reaction::Failed
            | Reaction::Stopped => false,
        }
    }

    /// The same, without what the turn does just now.
    #[must_use]
    pub fn without_activity(self) -> Self {
        if self.is_activity() { Reaction::Working } else { self }
    }
}
