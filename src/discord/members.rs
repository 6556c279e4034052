//! What people are in their guild when nobody tells us: at the moment when a prompt's turn begins. Discord announces a
//! change of roles only to bots with a privileged intent, so it is asked; who is let in by their id needs no question.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use serenity::all::Http;

use super::access::{Action, Asked, Person, Verdict, authorize, who_may_answer};
use super::rest::{self, Rest};
use super::rule;
use crate::clock::{Clock, Moment};
use crate::config::{ApprovalsBy, Config};
use crate::conversation::guard::{Guard, NotKnown};
use crate::conversation::state::Called;
use crate::domain::ask::Ask;
use crate::domain::ids::{GuildId, RoleId, TurnId, UserId};
use crate::domain::prompt::Prompt;
use crate::outbox::breaker::Breaker;
use crate::outbox::deliver::routes::Routes;
use crate::store::{Conversation, Store};

/// An answer counts for so long: several turns of one person may begin at once.
const COUNTS_FOR: Duration = Duration::from_secs(5);
/// So many answers are remembered.
const KNOWN_MAX: usize = 1000;
/// One question, including what serenity's limiter sleeps.
const QUESTION_MAX: Duration = Duration::from_secs(20);

/// The roles of people, and when they were told.
type Known = HashMap<(GuildId, UserId), (Moment, Vec<RoleId>)>;

/// Asks Discord what people are.
pub struct Members {
    http: Http,
    breaker: Breaker,
    config: Arc<Config>,
    store: Store,
    clock: Clock,
    known: Mutex<Known>,
    routes: Routes,
}

impl Members {
    /// `http` is asked for members alone.
    pub fn new(http: Http, breaker: Breaker, config: Arc<Config>, store: Store, clock: Clock) -> Self {
        let (known, routes) = (Mutex::default(), Routes::default());
        Self { http, breaker, config, store, clock, known, routes }
    }

    /// The roles of somebody as they were told just now.
    fn known(&self, guild: GuildId, user: UserId) -> Option<Vec<RoleId>> {
        let now = self.clock.moment();
        let known = self.lock();
        known
            .get(&(guild, user))
            .filter(|(at, _)| now.since(*at) < COUNTS_FOR)
            .map(|(_, roles)| roles.clone())
    }

    /// The roles of somebody; none of one who is not in the guild.
    async fn ask(&self, guild: GuildId, user: UserId) -> Result<Vec<RoleId>, NotKnown> {
        self.routes.forget(&self.http, self.clock).await;
        let rest = Rest::new(&self.http, &self.breaker);
        let roles = match tokio::time::timeout(QUESTION_MAX, rest.member(guild, user)).await {
            Ok(Ok(member)) => member.roles.iter().map(|role| RoleId(role.get())).collect(),
            Ok(Err(error)) if rest::status(&error) == Some(404) => Vec::new(),
            Ok(Err(error)) => return Err(NotKnown(error.into())),
            Err(elapsed) => return Err(NotKnown(elapsed.into())),
        };
        let now = self.clock.moment();
        let mut known = self.lock();
        if known.len() >= KNOWN_MAX {
            known.clear();
        }
        known.insert((guild, user), (now, roles.clone()));
        Ok(roles)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Guard for Members {
    async fn may_begin(&self, conversation: &Conversation, prompt: &Prompt) -> Result<bool, NotKnown> {
        let channel = conversation.parent.unwrap_or(conversation.id.into());
        // A project that is not configured any more has nobody who may; its turn says so when it begins.
        let Some(project) = self.config.project_for(channel) else { return Ok(true) };
        let spot = rule::spot(project, conversation.guild, conversation.id.into());
        let author = prompt.author.id;
        let rule = rule::rule(&self.config, &self.store, project, spot, author).await;
        let rule = rule.map_err(|error| NotKnown(error.into()))?;
        let may = |roles| {
            let person = Person { id: author, roles, manages_messages: false };
            authorize(&rule, &person, Action::Prompt) == Verdict::Allowed
        };
        let Some(guild) = conversation.guild.filter(|_| rule.depends_on_roles(author)) else {
            return Ok(may(Vec::new()));
        };
        // Who may without roles, or by those of just now, may. Nobody is refused for what was: they may have them again.
        if may(Vec::new()) || self.known(guild, author).is_some_and(may) {
            return Ok(true);
        }
        Ok(may(self.ask(guild, author).await?))
    }

    async fn called(
        &self,
        conversation: &Conversation,
        turn: TurnId,
        asker: Option<UserId>,
        ask: &Ask,
    ) -> Result<Called, NotKnown> {
        let channel = conversation.parent.unwrap_or(conversation.id.into());
        let Some(project) = self.config.project_for(channel) else {
            return Ok(Called { person: asker, who: None });
        };
        let spot = rule::spot(project, conversation.guild, conversation.id.into());
        let rule = self.config.access_at(project, spot);
        let posed = rule::posed(&self.store, &rule, conversation.id, asker, ask).await;
        let posed = posed.map_err(|error| NotKnown(error.into()))?;
        // Whose roles decide is not asked for: the card says which, and whoever waits knows whom to ask.
        let is_theirs = !posed.by_guest && !posed.second_person;
        let simply = asker.is_some() && is_theirs && rule.approvals != ApprovalsBy::Roles;
        let who = (!simply).then(|| who_may_answer(&rule, &posed));
        let owner = self.config.access.owner;
        let has_part = match owner {
            Some(owner) => self.store.has_part(turn, owner).await.map_err(|error| NotKnown(error.into()))?,
            None => false,
        };
        let may = |owner: &UserId| {
            let person = Person { id: *owner, roles: Vec::new(), manages_messages: false };
            authorize(&rule, &person, Action::Answer(Asked { has_part, ..posed })) == Verdict::Allowed
        };
        let person = match asker {
            Some(_) if !is_theirs => owner.filter(may).or(asker),
            Some(_) => asker,
            None => owner,
        };
        Ok(Called { person, who })
    }
}
