//! The rule that is in force for somebody in a place: the configuration's, and what is shared with them there.

use super::access::{Action, Asked, Person, Standing, Verdict, authorize, denied, standing};
use super::{Data, DoorError};
use crate::config::{AccessRule, Config, Project, Spot};
use crate::domain::action::{self, Choice, FormKind};
use crate::domain::ask::Ask;
use crate::domain::ids::{AskId, ChannelId, ConversationId, GuildId, PromptId, TurnId, UserId};
use crate::domain::tool_pattern::ToolPattern;
use crate::store::{Conversation, Store, StoreError, StoredAsk};

/// A place of a project: its channel, or a thread below it.
pub fn spot(project: &Project, guild: Option<GuildId>, channel: ChannelId) -> Spot {
    let parent = (channel != project.channel_id).then_some(project.channel_id);
    Spot { guild, channel, parent }
}

/// The rule for `person` at `spot`.
pub async fn rule<'a>(
    config: &'a Config,
    store: &Store,
    project: &'a Project,
    spot: Spot,
    person: UserId,
) -> Result<AccessRule<'a>, StoreError> {
    let shared = store.shared_with(spot.channel.into(), person).await?;
    Ok(config.access_at(project, spot).shared_with(shared.map(|tier| (person, tier))))
}

/// Whether a click may do what it asks for; else the sentence for the one who clicked. What they are is read from the
/// click itself, so a role that was taken away counts no more. `written` is what they wrote into a form, if it is one.
pub async fn click(
    data: &Data,
    conversation: &Conversation,
    project: &Project,
    person: &Person,
    action: &action::Action,
    written: &[String],
) -> Result<Result<(), String>, DoorError> {
    let spot = spot(project, conversation.guild, conversation.id.into());
    let rule = rule(&data.config, &data.store, project, spot, person.id).await?;
    let wanted = match aim(action, written) {
        Aim::Other(action) => action,
        Aim::Answer(ask, answering) => {
            let asked = asked(&data.store, &rule, conversation.id, (ask, person.id), answering).await?;
            // Whoever may look may be told that it is void.
            asked.map_or(Action::Look, Action::Answer)
        }
        Aim::Turn(turn) => Action::Stop { own: data.store.asker(turn).await? == Some(person.id) },
        Aim::Waiting(prompt) => match data.store.prompt(prompt).await? {
            Some(prompt) => of_what_waits(prompt.author.id, person.id),
            None => Action::Look,
        },
    };
    let verdict = authorize(&rule, person, wanted);
    if verdict != Verdict::Allowed {
        tracing::info!(person = %person.id, ?verdict, ?wanted, "a click that is not allowed");
    }
    let asked = if let Action::Answer(asked) = &wanted { Some(asked) } else { None };
    Ok(denied(verdict, &rule, asked).map_or(Ok(()), Err))
}

/// What it takes to send or take back a prompt that waits, which is of `author`.
pub fn of_what_waits(author: UserId, person: UserId) -> Action {
    Action::Stop { own: author == person }
}

/// What a click is for.
enum Aim<'a> {
    Turn(TurnId),
    Waiting(PromptId),
    Answer(AskId, Answering<'a>),
    Other(Action),
}

/// How an ask is answered, as far as it matters who may.
#[derive(Clone, Copy)]
enum Answering<'a> {
    /// Not at all: Claude may not.
    No,
    /// As it is asked.
    AsAsked,
    /// And whatever else the card's rule covers, until the session ends.
    ForSession,
    /// With this command instead.
    With(&'a str),
}

fn aim<'a>(action: &action::Action, written: &'a [String]) -> Aim<'a> {
    match action {
        action::Action::Answer { ask, choice } => Aim::Answer(
            *ask,
            match choice {
                Choice::Deny => Answering::No,
                Choice::AllowForSession => Answering::ForSession,
                Choice::AllowOnce | Choice::Option { .. } | Choice::Send => Answering::AsAsked,
            },
        ),
        action::Action::OpenForm { ask, form } | action::Action::SubmitForm { ask, form } => Aim::Answer(
            *ask,
            match (form, written) {
                (FormKind::Why, _) => Answering::No,
                (FormKind::Edit, [command, ..]) => Answering::With(command),
                (FormKind::Edit | FormKind::Own | FormKind::Fill, _) => Answering::AsAsked,
            },
        ),
        action::Action::Choose { ask, .. } => Aim::Answer(*ask, Answering::AsAsked),
        // It stands in the channel, shortened.
        action::Action::ShowAll { .. } => Aim::Other(Action::Look),
        action::Action::Stop { turn } => Aim::Turn(*turn),
        action::Action::Withdraw { prompt } | action::Action::SendNow { prompt } => Aim::Waiting(*prompt),
        action::Action::GoOn { .. } | action::Action::RunHeld { .. } | action::Action::AskAbout { .. } => {
            Aim::Other(Action::Prompt)
        }
        action::Action::IgnoreHeld { .. } => Aim::Other(Action::Discard),
    }
}

/// What matters of an ask; none: there is no such ask.
async fn asked(
    store: &Store,
    rule: &AccessRule<'_>,
    conversation: ConversationId,
    (ask, person): (AskId, UserId),
    answering: Answering<'_>,
) -> Result<Option<Asked>, StoreError> {
    Ok(match store.ask(ask).await? {
        Some(stored) => Some(matters(store, rule, conversation, (&stored, person), answering).await?),
        None => None,
    })
}

/// What matters of an ask that this person answers as it is asked.
pub async fn waits(
    store: &Store,
    rule: &AccessRule<'_>,
    conversation: ConversationId,
    stored: &StoredAsk,
    person: UserId,
) -> Result<Asked, StoreError> {
    matters(store, rule, conversation, (stored, person), Answering::AsAsked).await
}

async fn matters(
    store: &Store,
    rule: &AccessRule<'_>,
    conversation: ConversationId,
    (stored, person): (&StoredAsk, UserId),
    answering: Answering<'_>,
) -> Result<Asked, StoreError> {
    let asker = store.asker(stored.turn).await?;
    let has_part = store.has_part(stored.turn, person).await?;
    Ok(Asked { has_part, ..of_ask(store, rule, conversation, (asker, &stored.ask), answering).await? })
}

/// What matters of what a turn of this person asks, when somebody answers it as it is asked who has no part in the turn.
pub async fn posed(
    store: &Store,
    rule: &AccessRule<'_>,
    conversation: ConversationId,
    asker: Option<UserId>,
    ask: &Ask,
) -> Result<Asked, StoreError> {
    of_ask(store, rule, conversation, (asker, ask), Answering::AsAsked).await
}

async fn of_ask(
    store: &Store,
    rule: &AccessRule<'_>,
    conversation: ConversationId,
    (asker, ask): (Option<UserId>, &Ask),
    answering: Answering<'_>,
) -> Result<Asked, StoreError> {
    let by_guest = match asker {
        Some(asker) => store.was_shared_with(conversation, asker).await? && !is_named(rule, asker),
        None => false,
    };
    let second_person = rule.second_person.iter().any(|pattern| is_meant(pattern, ask, answering));
    let as_asked = rule.second_person.iter().any(|pattern| is_meant(pattern, ask, Answering::AsAsked));
    let edited_into = matches!(answering, Answering::With(_)) && second_person && !as_asked;
    let allows = !matches!(answering, Answering::No);
    let lasts = matches!(answering, Answering::ForSession);
    Ok(Asked { asker, by_guest, second_person, has_part: false, edited_into, allows, lasts })
}

/// Whether what would be allowed is what the pattern means: also the command that somebody wrote instead, and what would
/// not be asked any more.
fn is_meant(pattern: &ToolPattern, ask: &Ask, answering: Answering<'_>) -> bool {
    pattern.fits(ask)
        || match answering {
            Answering::No | Answering::AsAsked => false,
            Answering::ForSession => ask.grant().is_some_and(|grant| pattern.may_go_unasked(grant)),
            Answering::With(command) => pattern.fits_command(command),
        }
}

/// Whether the configuration lets somebody in by their id.
fn is_named(rule: &AccessRule<'_>, person: UserId) -> bool {
    let person = Person { id: person, roles: Vec::new(), manages_messages: false };
    matches!(standing(rule, &person), Standing::Among(_))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ask::{AskKind, Grant, Rule};
    use crate::domain::tool::Tool;

    #[test]
    fn what_is_edited_and_what_lasts_counts() {
        let ask = |content: &str| Ask {
            request: "r".to_owned(),
            tool_use: None,
            kind: AskKind::Permission {
                tool: Tool::Bash { command: "git status".to_owned(), description: None },
                reason: None,
                blocked_path: None,
                dir: String::new(),
                changes: Vec::new(),
                grant: Some(Grant::Rules {
                    rules: vec![Rule { tool: "Bash".to_owned(), content: Some(content.to_owned()) }],
                }),
            },
            input: "{}".to_owned(),
        };
        let push: ToolPattern = "Bash(git push:*)".parse().expect("a pattern");
        let (narrow, wide) = (ask("git status"), ask("git:*"));
        assert!(!is_meant(&push, &wide, Answering::AsAsked));
        assert!(is_meant(&push, &wide, Answering::ForSession));
        assert!(!is_meant(&push, &narrow, Answering::ForSession));
        assert!(is_meant(&push, &narrow, Answering::With("git status; git push")));
        assert!(!is_meant(&push, &narrow, Answering::With("git status -s")));
        // What Claude may not is nobody's secret.
        assert!(!is_meant(&push, &wide, Answering::No));
    }
}
