//! Discord's side: token, intents, and what the bot may do in each project's channel.

use secrecy::ExposeSecret as _;
use serenity::all::{ApplicationFlags, ChannelId, GuildChannel, Http, Permissions};

use super::{Finding, bad, good};
use crate::clock::Clock;
use crate::config::{Config, ConversationScope, Project};
use crate::discord::{client, http, rest};

/// What every project's channel needs.
const NEEDED: Permissions = Permissions::VIEW_CHANNEL
    .union(Permissions::SEND_MESSAGES)
    .union(Permissions::SEND_MESSAGES_IN_THREADS)
    .union(Permissions::READ_MESSAGE_HISTORY)
    .union(Permissions::ADD_REACTIONS)
    .union(Permissions::ATTACH_FILES);

pub(super) async fn look(config: &Config) -> Vec<Finding> {
    let token = match config.discord.discord_token() {
        Ok(token) => token,
        Err(error) => return vec![bad("token", error.to_string())],
    };
    let http = match http::serenity(&config.discord, token.expose_secret()) {
        Ok(http) => http,
        Err(error) => return vec![bad("Discord", format!("{:#}", anyhow::Error::from(error)))],
    };
    let application = match http.get_current_application_info().await {
        Ok(application) => application,
        Err(serenity::Error::Http(serenity::all::HttpError::UnsuccessfulRequest(response)))
            if response.status_code.as_u16() == 401 =>
        {
            return vec![bad("token", client::ConnectError::Token.to_string())];
        }
        Err(error) => return vec![bad("Discord", format!("{:#}", anyhow::Error::from(error)))],
    };
    let mut findings = vec![good("token", format!("belongs to {}", application.name))];
    let content =
        ApplicationFlags::GATEWAY_MESSAGE_CONTENT | ApplicationFlags::GATEWAY_MESSAGE_CONTENT_LIMITED;
    let granted = application.flags.is_some_and(|flags| flags.intersects(content));
    findings.push(if granted {
        good("message content intent", "granted")
    } else {
        bad("message content intent", client::ConnectError::Intents.to_string())
    });
    findings.extend(clock(&http).await);
    for project in &config.projects {
        findings.push(channel(&http, project).await);
    }
    findings
}

/// Whether this machine's clock is right; none where Discord does not tell.
async fn clock(http: &Http) -> Option<Finding> {
    let (_, told) = rest::bot_gateway(http).await.ok()?;
    let clock = Clock::start();
    clock.is(told?);
    let (secs, is) = match clock.ahead_ms() {
        0 => return Some(good("clock", "agrees with Discord's")),
        ahead @ 1.. => (ahead / 1000, "ahead of"),
        behind => (-behind / 1000, "behind"),
    };
    let sentence =
        format!("is {secs} s {is} Discord's: have the host ask for the time (timedatectl set-ntp true)");
    Some(bad("clock", sentence))
}

async fn channel(http: &Http, project: &Project) -> Finding {
    let what = format!("channel of {}", project.name);
    match permissions(http, ChannelId::new(project.channel_id.0)).await {
        Ok(Some((channel, granted))) => {
            let mut needed = NEEDED;
            if project.conversation == ConversationScope::Thread {
                needed |= Permissions::CREATE_PUBLIC_THREADS;
            }
            let missing = needed - granted;
            if missing.is_empty() {
                good(what, format!("#{} has every permission that is needed", channel.name))
            } else {
                bad(what, format!("grant the bot in #{}: {missing}", channel.name))
            }
        }
        Ok(None) => bad(what, "channel_id is not a text channel of a server"),
        Err(_) => {
            bad(what, "the bot cannot see it: invite the bot, grant it View Channel, and check channel_id")
        }
    }
}

async fn permissions(
    http: &Http,
    channel: ChannelId,
) -> serenity::Result<Option<(GuildChannel, Permissions)>> {
    let Some(channel) = http.get_channel(channel).await?.guild() else { return Ok(None) };
    let me = http.get_current_user().await?;
    let guild = http.get_guild(channel.guild_id).await?;
    let member = http.get_member(channel.guild_id, me.id).await?;
    let granted = guild.user_permissions_in(&channel, &member);
    Ok(Some((channel, granted)))
}
