//! Discord's HTTP side: the clients, whether it answers at all, and what it is told of our commands.

use std::sync::Arc;
use std::time::Duration;

use serenity::all::{ApplicationId, CreateCommand, GuildId, Http, HttpBuilder, HttpError};

use super::client::ConnectError;
use super::rest::{self, Rest};
use crate::chain::Chain;
use crate::config::DiscordConfig;
use crate::outbox::breaker::Breaker;

/// The hosts that `discord.api_resolve` answers for.
const HOSTS: [&str; 3] = ["discord.com", "cdn.discordapp.com", "media.discordapp.net"];
const CONNECT_MAX: Duration = Duration::from_secs(10);
const RETRY_WAIT_MAX: Duration = Duration::from_mins(1);

/// An HTTP client for Discord's hosts: bounded, through no proxy, and to `api_resolve` where that is set.
pub fn client(config: &DiscordConfig) -> Result<reqwest::ClientBuilder, ConnectError> {
    let mut client = reqwest::Client::builder()
        .use_rustls_tls()
        .connect_timeout(CONNECT_MAX)
        .timeout(Duration::from_secs(config.request_secs_max))
        .tcp_keepalive(Duration::from_secs(30))
        .redirect(reqwest::redirect::Policy::none());
    if let Some(address) = config.api_resolve {
        client = HOSTS.iter().fold(client.no_proxy(), |client, host| client.resolve(host, address));
    }
    if let Some(file) = &config.ca_file {
        let pem = std::fs::read(file).map_err(|error| ConnectError::Certificate(error.into()))?;
        let certificate =
            reqwest::Certificate::from_pem(&pem).map_err(|error| ConnectError::Certificate(error.into()))?;
        client = client.add_root_certificate(certificate);
    }
    Ok(client)
}

/// Serenity's HTTP side, with its rate limiter on. The application's id is asked for when the gateway is reached.
pub fn serenity(config: &DiscordConfig, token: &str) -> Result<Http, ConnectError> {
    let client = client(config)?.build().map_err(ConnectError::Client)?;
    Ok(HttpBuilder::new(token).client(client).build())
}

/// The same, telling `breaker` of each 429 that serenity answers by itself.
pub fn counted(config: &DiscordConfig, token: &str, breaker: Breaker) -> Result<Http, ConnectError> {
    let mut http = serenity(config, token)?;
    if let Some(ratelimiter) = &mut http.ratelimiter {
        ratelimiter
            .set_ratelimit_callback(Box::new(move |info| limited(&breaker, info.global, info.timeout)));
    }
    Ok(http)
}

/// Serenity says the same of a 429 and of a wait by which it avoids one. Only the time that a 429 tells is a whole number
/// of milliseconds: the other is what is left of one.
pub(super) fn limited(breaker: &Breaker, global: bool, timeout: Duration) {
    if global || timeout.subsec_nanos().is_multiple_of(1_000_000) {
        breaker.note(429);
    }
}

/// Waits until Discord answers, and makes sure of what serenity would take on trust: that the token is accepted, and that
/// the gateway's address is Discord's own (on failure serenity falls back to a built-in one, DEPENDENCIES).
pub async fn reach(http: &Http, config: &DiscordConfig, breaker: &Breaker) -> Result<(), ConnectError> {
    let mut wait = Duration::from_secs(1);
    loop {
        let asked = async {
            let application = http.get_current_application_info().await?;
            http.set_application_id(ApplicationId::new(application.id.get()));
            http.get_gateway().await
        };
        match rest::ask(breaker, asked).await {
            Ok(gateway) if gateway.url.starts_with("wss://") || config.api_resolve.is_some() => return Ok(()),
            Ok(gateway) => return Err(ConnectError::PlainGateway(gateway.url)),
            Err(serenity::Error::Http(HttpError::UnsuccessfulRequest(response)))
                if response.status_code.as_u16() == 401 =>
            {
                return Err(ConnectError::Token);
            }
            Err(error) => {
                tracing::warn!(error = %Chain(&error), ?wait, "Discord does not answer, trying again");
            }
        }
        tokio::time::sleep(wait).await;
        wait = (wait * 2).min(RETRY_WAIT_MAX);
    }
}

/// Registers the slash commands, until it worked.
pub(super) async fn register(
    http: Arc<Http>,
    breaker: Breaker,
    guild: Option<GuildId>,
    create: Vec<CreateCommand>,
) {
    let mut wait = Duration::from_secs(1);
    loop {
        match Rest::new(&http, &breaker).set_commands(guild, create.clone()).await {
            Ok(commands) => {
                tracing::info!(commands, "slash commands registered");
                return;
            }
            Err(error) => {
                tracing::warn!(error = %Chain(&error), ?wait, "slash commands could not be registered, trying again");
            }
        }
        tokio::time::sleep(wait).await;
        wait = (wait * 2).min(RETRY_WAIT_MAX);
    }
}
