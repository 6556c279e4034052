//! Every request that the doors make of Discord goes through here, so that each that is refused is counted
//! ([`Breaker`]): what can wait waits while too many were, an answer to a person goes from a reserve. The outbox's own are
//! counted in the same way by `outbox/deliver.rs`; a 429 that serenity answers by itself, by its callback.

use std::time::Duration;

use serenity::all::{Context, GuildChannel, GuildId as Guild, Http, HttpError, Member, Message};
use serenity::http::{LightMethod, Request, Route};
use serenity::model::gateway::BotGateway;

use super::Data;
use crate::clock::{Told, WallTime};
use crate::domain::ids::{ChannelId, GuildId, MessageId, UserId};
use crate::outbox::breaker::Breaker;

/// One request, including what serenity's limiter sleeps: without it, for as long as a clock was set back.
const CALL_MAX: Duration = Duration::from_mins(1);

/// Serenity's client, with what counts.
#[derive(Debug, Clone, Copy)]
pub struct Rest<'a> {
    http: &'a Http,
    breaker: &'a Breaker,
}

impl<'a> Rest<'a> {
    /// This client, counted by `breaker`.
    pub fn new(http: &'a Http, breaker: &'a Breaker) -> Self {
        Self { http, breaker }
    }

    /// The client of an event.
    pub fn of(ctx: &'a Context, data: &'a Data) -> Self {
        Self::new(&ctx.http, data.catch_up.breaker())
    }

    /// A channel or thread of a guild; none if it is another one.
    pub async fn channel(&self, id: ChannelId) -> serenity::Result<Option<GuildChannel>> {
        Ok(ask(self.breaker, self.http.get_channel(id.0.into())).await?.guild())
    }

    /// A message.
    pub async fn message(&self, channel: ChannelId, id: MessageId) -> serenity::Result<Message> {
        ask(self.breaker, self.http.get_message(channel.0.into(), id.0.into())).await
    }

    /// Makes the bot a member of a thread.
    pub async fn join_thread(&self, id: ChannelId) -> serenity::Result<()> {
        ask(self.breaker, self.http.join_thread_channel(id.0.into())).await
    }

    /// A person as the guild knows them.
    pub async fn member(&self, guild: GuildId, user: UserId) -> serenity::Result<Member> {
        ask(self.breaker, self.http.get_member(guild.0.into(), user.0.into())).await
    }

    /// All threads of a guild that are not archived.
    pub async fn active_threads(&self, guild: GuildId) -> serenity::Result<Vec<GuildChannel>> {
        Ok(ask(self.breaker, self.http.get_guild_active_threads(guild.0.into())).await?.threads)
    }

    /// A request whose answer is read as it is.
    pub async fn fire<T: serde::de::DeserializeOwned>(&self, request: Request<'_>) -> serenity::Result<T> {
        ask(self.breaker, self.http.fire(request)).await
    }

    /// How many logins are left, and what time it is at Discord, if its answer tells.
    pub async fn bot_gateway(&self) -> serenity::Result<(BotGateway, Option<Told>)> {
        ask(self.breaker, bot_gateway(self.http)).await
    }

    /// Registers these slash commands in a guild, or everywhere; how many there are then.
    pub async fn set_commands(
        &self,
        guild: Option<Guild>,
        create: Vec<serenity::all::CreateCommand>,
    ) -> serenity::Result<usize> {
        let registered = async {
            match guild {
                Some(guild) => guild.set_commands(self.http, create).await,
                None => serenity::all::Command::set_global_commands(self.http, create).await,
            }
        };
        Ok(ask(self.breaker, registered).await?.len())
    }
}

/// The same, not counted.
pub async fn bot_gateway(http: &Http) -> serenity::Result<(BotGateway, Option<Told>)> {
    let asked = tokio::time::Instant::now();
    let response = http.request(Request::new(Route::GatewayBot, LightMethod::Get)).await?;
    let at = response.headers().get("date").and_then(|date| at(date.to_str().ok()?));
    Ok((response.json().await?, at.map(|at| Told { at, took: asked.elapsed() })))
}

/// The time that an answer's `Date` tells (RFC 9110, section 6.6.1).
fn at(date: &str) -> Option<WallTime> {
    Some(WallTime(chrono::DateTime::parse_from_rfc2822(date).ok()?.timestamp_millis()))
}

/// A request that can wait until it may go.
pub async fn ask<T>(
    breaker: &Breaker,
    call: impl Future<Output = serenity::Result<T>>,
) -> serenity::Result<T> {
    breaker.ready().await;
    counted(breaker, call).await
}

/// An answer to somebody who clicked or used a command: Discord takes it within three seconds or not at all.
pub async fn answer<T>(
    breaker: &Breaker,
    call: impl Future<Output = serenity::Result<T>>,
) -> serenity::Result<T> {
    if !breaker.may_answer() {
        return Err(serenity::Error::Other("too many requests were refused lately: people get no answers"));
    }
    counted(breaker, call).await
}

async fn counted<T>(
    breaker: &Breaker,
    call: impl Future<Output = serenity::Result<T>>,
) -> serenity::Result<T> {
    let Ok(done) = tokio::time::timeout(CALL_MAX, call).await else {
        return Err(serenity::Error::Other("Discord did not answer in time"));
    };
    done.inspect_err(|error| {
        if let Some(status) = status(error) {
            breaker.note(status);
        }
    })
}

/// What Discord answered, if it did.
pub fn status(error: &serenity::Error) -> Option<u16> {
    match error {
        serenity::Error::Http(HttpError::UnsuccessfulRequest(response)) => {
            Some(response.status_code.as_u16())
        }
        _ => None,
    }
}
