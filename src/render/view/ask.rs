//! What Claude asks a person, whole: who answers has to see what they answer.

mod question;

use super::{Answer, Ask, Asked, Block, Draft, Outcome, Posed, View, code_span, escape, one_line};
use crate::clock::WallTime;
use crate::domain::action::{Button, Menu};
use crate::domain::ask::{AskKind, Field};
use crate::domain::ids::{TurnId, UserId};
use crate::render::card::{self, Card};
use crate::render::chunk::chunk;
use crate::render::controls::{self, field_title};
use crate::render::escape::{code_block, shorten};
use crate::render::expose;
use crate::render::message::File;

/// So much of what would be done is shown, in UTF-16 units, while somebody has to decide.
const OPEN_UNITS_MAX: usize = 1_100;

/// So much of it stays.
const SETTLED_UNITS_MAX: usize = 400;

/// Why the CLI asks, in characters: room for the names of all that is catastrophic about a command.
const REASON_CHARS_MAX: usize = 600;
/// A path that is out of bounds, and the working directory, in characters.
const BLOCKED_PATH_CHARS_MAX: usize = 200;
const DIR_CHARS_MAX: usize = 120;

/// So many lines of what a tool is given besides are shown, each of so many characters.
const BESIDES_MAX: usize = 6;
const BESIDES_CHARS_MAX: usize = 80;

/// What a server wants to be told: the title of a field and what it means, in characters each.
const FIELD_CHARS_MAX: usize = 160;

/// So much of what a server says is shown, in UTF-16 units.
const WORDS_UNITS_MAX: usize = 1_500;

/// So much of a plan is shown, in UTF-16 units: two messages.
const PLAN_UNITS_MAX: usize = 3_200;

impl View {
    /// An open ask waits for people until then, with a card of its own; `person` is told once.
    pub fn pose(&mut self, request: &str, person: Option<UserId>, until: WallTime) {
        for asked in self.asks_mut().filter(|asked| asked.ask.request == request) {
            asked.posed = Some(Posed { person, until });
        }
    }

    /// `person` is told of the open ask, and `who` says who may answer it, where that is not simply whoever asked.
    pub fn called(&mut self, request: &str, person: Option<UserId>, who: Option<&str>) {
        for asked in self.asks_mut().filter(|asked| asked.ask.request == request) {
            asked.posed = asked.posed.map(|posed| Posed { person, ..posed });
            asked.who = who.map(str::to_owned);
        }
    }

    /// The ask with this request's id.
    pub fn ask(&self, request: &str) -> Option<&Ask> {
        let mut asks = self.blocks.iter().filter_map(|block| match block {
            Block::Ask(asked) => Some(&asked.ask),
            Block::Text(_) | Block::Tools(_) | Block::Notice(_) => None,
        });
        asks.find(|ask| ask.request == request)
    }

    /// What was chosen so far of an open ask's questions.
    pub fn drafted(&mut self, request: &str, draft: &Draft) {
        for asked in self.asks_mut().filter(|asked| asked.ask.request == request) {
            asked.draft = draft.clone();
        }
    }

    /// What was said to an ask, and by whom (nobody: by itself); the first word counts.
    pub fn answered(&mut self, request: &str, answer: &Answer, by: Option<&str>) {
        let by = by.map(str::to_owned);
        self.settle(request, &Outcome::Answered { answer: answer.clone(), by });
    }
}

impl Asked {
    pub(super) fn new(ask: Ask) -> Self {
        Self { ask, posed: None, who: None, draft: Draft::default(), outcome: Outcome::Open }
    }

    /// Whether people can answer it now.
    pub(super) fn is_open_to_people(&self) -> bool {
        self.posed.is_some() && self.outcome == Outcome::Open
    }

    /// Who is told that it waits.
    pub(super) fn person(&self) -> Option<UserId> {
        self.posed.filter(|_| self.is_open_to_people()).and_then(|posed| posed.person)
    }

    /// A mention of whoever is told that it waits.
    fn mention(&self) -> String {
        self.person().map(|person| format!(" <@{person}>")).unwrap_or_default()
    }

    /// Who may answer, while somebody has to.
    fn who_answers(&self) -> Option<String> {
        self.who.as_ref().filter(|_| self.is_open_to_people()).map(|who| format!("-# {who}"))
    }

    /// When it is denied by itself, for people.
    fn countdown(&self) -> Option<String> {
        let Posed { until, .. } = self.posed.filter(|_| self.is_open_to_people())?;
        Some(format!("-# without an answer it is denied <t:{}:R>", until.0.div_euclid(1_000)))
    }
}

/// The ask and what became of it, Discord markdown.
pub(super) fn block(asked: &Asked) -> String {
    let Asked { ask, outcome, .. } = asked;
    let mut lines = match &ask.kind {
        AskKind::Permission { .. } => permission(asked),
        AskKind::Question { questions } => vec![question::block(asked, questions)],
        AskKind::Plan { plan: text } => plan(asked, text),
        AskKind::Elicitation { server, message, fields, .. } => elicitation(asked, server, message, fields),
    };
    lines.extend(asked.who_answers());
    lines.extend(asked.countdown());
    if let Some(line) = outcome_line(ask, outcome) {
        lines.push(format!("-# {line}"));
    }
    if let Outcome::Answered { answer: Answer::AllowEdited { command }, .. } = outcome {
        lines.push(what(&card::of_command(command), SETTLED_UNITS_MAX).0);
    }
    lines.join("\n")
}

/// What would be done, as a file, where the card shows only its beginning.
pub(super) fn file(asked: &Asked) -> Option<File> {
    let whole = whole(&asked.ask)?;
    let is_document = matches!(asked.ask.kind, AskKind::Plan { .. });
    (!is_document && is_cut(asked)).then(|| whole.file())
}

/// The document that stays in the conversation, where only its beginning is shown.
pub(super) fn document(asked: &Asked) -> Option<File> {
    let AskKind::Plan { plan } = &asked.ask.kind else { return None };
    is_cut(asked).then(|| card::of_plan(plan).file())
}

/// The answers to choose from.
pub(super) fn buttons(turn: TurnId, asked: &Asked) -> Vec<Button> {
    controls::buttons(turn, &asked.ask, is_cut(asked))
}

/// The menus to choose from.
pub(super) fn menus(turn: TurnId, asked: &Asked) -> Vec<Menu> {
    controls::menus(turn, &asked.ask, &asked.draft)
}

/// All of what an ask is for: what *Show all* shows.
pub fn whole(ask: &Ask) -> Option<Card> {
    match &ask.kind {
        AskKind::Permission { .. } => card::of(ask).map(|card| Card { about: about(ask), ..card }),
        AskKind::Question { questions } => Some(Card {
            text: expose::expose_prose(&question::whole(questions)),
            language: "md",
            file_name: "questions.md",
            besides: Vec::new(),
            about: Vec::new(),
            warning: None,
        }),
        AskKind::Plan { plan } => Some(card::of_plan(plan)),
        AskKind::Elicitation { message, fields, .. } => {
            let fields = fields.iter().map(|field| format!("\n- {}", said_of(field)));
            Some(card::of_words(&format!("{message}{}", fields.collect::<String>())))
        }
    }
}

/// Whether the card shows only a part of what it is for.
fn is_cut(asked: &Asked) -> bool {
    match &asked.ask.kind {
        AskKind::Permission { .. } => {
            let is_cut = |shown: Card| what(&shown, OPEN_UNITS_MAX).1 || besides(&shown).1;
            !about(&asked.ask).is_empty() || card::of(&asked.ask).is_some_and(is_cut)
        }
        AskKind::Question { questions } => question::is_cut(questions),
        AskKind::Plan { plan } => cut(&card::of_plan(plan).markdown(), PLAN_UNITS_MAX).1,
        AskKind::Elicitation { message, fields, .. } => words(message).1 || wanted(fields).1,
    }
}

fn plan(asked: &Asked, plan: &str) -> Vec<String> {
    let (text, is_cut) = cut(&card::of_plan(plan).markdown(), PLAN_UNITS_MAX);
    let mut lines = vec![format!("📋 **Claude has a plan:**{}\n\n{text}", asked.mention())];
    if is_cut && asked.posed.is_some() {
        lines.push("-# the whole of it is in plan.md, above".to_owned());
    }
    if asked.is_open_to_people() {
        lines.push(
            "-# *Approve and accept edits* covers every edit of a file here, until the session ends"
                .to_owned(),
        );
    }
    lines
}

fn elicitation(asked: &Asked, server: &str, message: &str, fields: &[Field]) -> Vec<String> {
    let (text, is_cut) = words(message);
    let (wanted, more) = wanted(fields);
    let server = escape(&one_line(server, 40));
    let mut lines = vec![format!("🔌 **{server} asks:**{}\n{text}", asked.mention())];
    lines.extend(wanted);
    if (is_cut || more) && asked.is_open_to_people() {
        lines.push("-# the whole of it is in message.txt, below, and with *Show all*".to_owned());
    }
    lines
}

/// What a server says, in a line, and whether it is cut.
fn words(message: &str) -> (String, bool) {
    let exposed = card::of_words(message).text;
    let line = one_line(&exposed, exposed.len() + 1);
    cut(&escape(&line), WORDS_UNITS_MAX)
}

/// What a server wants to be told, a line for each field, and whether anything of it is left out: a form shows little more
/// than names.
fn wanted(fields: &[Field]) -> (Vec<String>, bool) {
    let said = |text: &str| line(&expose::expose_prose(text), FIELD_CHARS_MAX);
    let mut is_cut = false;
    let lines = fields.iter().map(|field| {
        let ((title, cut_title), (means, cut_means)) = (said(field_title(field)), said(&field.description));
        is_cut |= cut_title || cut_means;
        let means = if means.is_empty() { means } else { format!(": {}", escape(&means)) };
        format!("- **{}**{means}", escape(&title))
    });
    (lines.collect(), is_cut)
}

/// A text in one line of so many characters at most, and whether anything of it is left out.
fn line(text: &str, chars_max: usize) -> (String, bool) {
    let line = one_line(text, chars_max);
    let is_cut = line != one_line(text, text.len());
    (line, is_cut)
}

/// All that a server says of a field.
fn said_of(field: &Field) -> String {
    let means = field.description.trim();
    if means.is_empty() { field_title(field).to_owned() } else { format!("{}: {means}", field_title(field)) }
}

fn permission(asked: &Asked) -> Vec<String> {
    let Asked { ask, posed, .. } = asked;
    let AskKind::Permission { tool, reason, blocked_path, dir, .. } = &ask.kind else {
        return Vec::new();
    };
    let is_open = asked.is_open_to_people();
    let mut lines =
        vec![format!("🔐 **May Claude use {}?**{}", escape(&card::heading(tool)), asked.mention())];
    if is_open || posed.is_none() {
        lines.extend(card::said(tool).map(|said| format!("Claude says: *{}*", escape(&one_line(said, 160)))));
        lines.extend(reason.as_ref().map(|reason| escape(&one_line(reason, REASON_CHARS_MAX))));
        lines.extend(blocked_path.as_ref().map(|path| {
            format!("This is out of bounds: {}", code_span(&one_line(path, BLOCKED_PATH_CHARS_MAX)))
        }));
    }
    if let Some(shown) = card::of(ask) {
        let units_max = if is_open || posed.is_none() { OPEN_UNITS_MAX } else { SETTLED_UNITS_MAX };
        lines.push(what(&shown, units_max).0);
        lines.extend(besides(&shown).0);
        if is_open && is_cut(asked) {
            lines.push(format!("-# the whole of it is in {}, below, and with *Show all*", shown.file_name));
        }
        lines.extend(shown.warning.filter(|_| is_open).map(|warning| format!("⚠️ {warning}")));
    }
    if is_open {
        if !dir.is_empty() {
            lines.push(format!("-# in {}", code_span(&one_line(dir, DIR_CHARS_MAX))));
        }
        lines.extend(
            card::offered(ask).map(|covered| format!("-# *Allow for this session* covers {covered}")),
        );
    }
    lines
}

/// What is said of a permission besides what it is for, where that is too long for the card.
fn about(ask: &Ask) -> Vec<String> {
    let AskKind::Permission { reason, blocked_path, dir, .. } = &ask.kind else { return Vec::new() };
    let said = [
        ("why", reason.as_ref(), REASON_CHARS_MAX),
        ("out of bounds", blocked_path.as_ref(), BLOCKED_PATH_CHARS_MAX),
        ("in", Some(dir), DIR_CHARS_MAX),
    ];
    let cut = said.into_iter().filter_map(|(what, text, chars_max)| {
        let text = text.filter(|text| line(text, chars_max).1)?;
        Some(format!("{what}: {}", expose::in_a_line(text)))
    });
    cut.collect()
}

fn what(shown: &Card, units_max: usize) -> (String, bool) {
    cut(&code_block(shown.language, &shown.text), units_max)
}

/// A line for each thing that the tool is given besides, and whether anything of it is left out.
fn besides(shown: &Card) -> (Vec<String>, bool) {
    let cut = |line: &String| shorten(line, BESIDES_CHARS_MAX);
    let first = || shown.besides.iter().take(BESIDES_MAX);
    let mut lines: Vec<_> = first().map(|line| format!("-# with {}", code_span(&cut(line)))).collect();
    let left = shown.besides.len() - lines.len();
    if left > 0 {
        lines.push(format!("-# … and {left} more"));
    }
    (lines, left > 0 || first().any(|line| cut(line) != *line))
}

fn outcome_line(ask: &Ask, outcome: &Outcome) -> Option<String> {
    let (answer, by) = match outcome {
        Outcome::Open => return None,
        Outcome::Withdrawn => return Some("withdrawn, without an answer".to_owned()),
        Outcome::Answered { answer, by } => (answer, by),
    };
    let name = |name: &str| escape(&one_line(name, 40));
    let by = by.as_deref().map(|by| format!(" by {}", name(by))).unwrap_or_default();
    let (yes, no) = match &ask.kind {
        AskKind::Permission { .. } => ("allowed", "denied"),
        AskKind::Question { .. } => ("answered", "not answered"),
        AskKind::Plan { .. } => ("approved", "not approved"),
        AskKind::Elicitation { .. } => ("answered", "declined"),
    };
    Some(match answer {
        Answer::Allow | Answer::Filled { .. } => format!("✅ {yes}{by}"),
        Answer::AllowForSession => {
            let covered = card::offered(ask).map(|covered| format!(": {covered}")).unwrap_or_default();
            format!("✅ {yes} for this session{by}{covered}")
        }
        Answer::AllowEdited { .. } => format!("✅ edited and allowed{by}; this is what runs:"),
        Answer::Chosen { answers } => {
            let told = question::answers(ask.questions(), answers);
            format!("✅ {yes}{by}{told}")
        }
        Answer::Deny { .. } if !by.is_empty() => format!("🚫 {no}{by}"),
        Answer::Deny { message } => format!("🚫 {no}: {}", escape(&one_line(message, 200))),
        Answer::DenyBecause { words, .. } => format!("🚫 {no}{by}: {}", escape(&one_line(words, 300))),
    })
}

/// The beginning of a document, with a note of how much is left out, and whether anything is.
fn cut(document: &str, units_max: usize) -> (String, bool) {
    let pieces = chunk(document, units_max);
    match pieces.as_slice() {
        [] => (String::new(), false),
        [whole] => (whole.clone(), false),
        [first, rest @ ..] => {
            let left: usize = rest.iter().map(|piece| piece.chars().count()).sum();
            (format!("{first}\n-# … about {left} characters more"), true)
        }
    }
}
