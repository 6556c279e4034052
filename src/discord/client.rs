//! The connection to Discord: the one place that builds serenity's client.

use std::sync::Arc;
use std::time::Duration;

use poise::FrameworkContext;
use serenity::all::{
    ClientBuilder, CommandInteraction, ConnectionStage, CreateInteractionResponse,
    CreateInteractionResponseMessage, FullEvent, GatewayError, GatewayIntents, Http, Interaction,
};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::gate::Gate;
use super::incoming::Incoming;
use super::intake::Whence;
use super::rest::{self, Rest};
use super::{Data, DoorError, announce, archived, commands, components, http, intake, notice, time, waiting};
use crate::chain::Chain;
use crate::domain::ids::{ChannelId, GuildId, MessageId};
use crate::lifecycle::Vital;
use crate::outbox::deliver::routes::Routes;

/// What the bot asks to be told: messages with their text, and reactions.
const INTENTS: GatewayIntents = GatewayIntents::GUILDS
    .union(GatewayIntents::GUILD_MESSAGES)
    .union(GatewayIntents::MESSAGE_CONTENT)
    .union(GatewayIntents::GUILD_MESSAGE_REACTIONS);
const LOOK_EVERY: Duration = Duration::from_secs(5);
const SHUTDOWN_MAX: Duration = Duration::from_secs(3);

/// Why there is no connection to Discord.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The token is not accepted.
    #[error("Discord does not accept the token: make a new one in the developer portal (Bot → Reset Token)")]
    Token,
    /// An intent is not granted.
    #[error(
        "Discord does not grant the Message Content intent: switch it on in the developer portal (Bot → Privileged Gateway Intents)"
    )]
    Intents,
    /// The gateway's address is not encrypted, and no `api_resolve` is set.
    #[error("Discord's gateway must be reached over wss, not {0}")]
    PlainGateway(String),
    /// The root certificate cannot be used.
    #[error("failed to read discord.ca_file")]
    Certificate(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The HTTP client could not be built.
    #[error("failed to build the HTTP client")]
    Client(#[source] reqwest::Error),
    /// Anything else that serenity says.
    #[error("the connection to Discord failed")]
    Serenity(#[source] Box<serenity::Error>),
}

/// Serves the gateway until `stop`, or until Discord refuses for good.
pub async fn serve(
    http: Http,
    data: Data,
    tasks: &TaskTracker,
    stop: &CancellationToken,
) -> Result<(), ConnectError> {
    let gateway = data.gateway.clone();
    let (store, clock, catch_up) = (data.store.clone(), data.clock, data.catch_up.clone());
    let guild = data.config.discord.guild_id.map(|guild| serenity::all::GuildId::new(guild.0));
    let starts_per_hour_max = data.config.discord.starts_per_hour_max;
    let typing = if data.config.claude.prestart {
        GatewayIntents::GUILD_MESSAGE_TYPING
    } else {
        GatewayIntents::empty()
    };
    let (registrar, stopped) = (tasks.clone(), stop.clone());
    let framework = poise::Framework::builder()
        .options(poise::FrameworkOptions {
            commands: commands::all(),
            event_handler: |framework, event| Box::pin(on_event(framework, event)),
            on_error: |error| Box::pin(on_error(error)),
            command_check: Some(|ctx| Box::pin(first_time(ctx))),
            // A mention is a prompt, never a text command.
            prefix_options: poise::PrefixFrameworkOptions { mention_as_prefix: false, ..Default::default() },
            initialize_owners: false,
            ..Default::default()
        })
        .setup(move |ctx, ready, framework| {
            tracing::info!(user = %ready.user.name, guilds = ready.guilds.len(), "connected to Discord");
            let create = poise::builtins::create_application_commands(&framework.options().commands);
            let http = Arc::clone(&ctx.http);
            let breaker = data.catch_up.breaker().clone();
            registrar.spawn(stopped.run_until_cancelled_owned(http::register(http, breaker, guild, create)));
            // An error here would leave the bot online and deaf: what can fail is in the task above.
            Box::pin(async move { Ok(data) })
        })
        .build();
    let mut client =
        ClientBuilder::new_with_http(http, INTENTS | typing).framework(framework).await.map_err(refusal)?;
    client.cache.set_max_messages(0);
    let shards = Arc::clone(&client.shard_manager);
    let gate = Gate {
        address: Arc::clone(&client.ws_url),
        shards: Arc::clone(&shards),
        http: Arc::clone(&client.http),
        store,
        clock,
        catch_up,
        vital: gateway.clone(),
        starts_per_hour_max,
    };
    let (http, breaker) = (Arc::clone(&client.http), gate.catch_up.breaker().clone());
    let closed = gate.close().await;
    let routes = Routes::default();
    // Its future is large, and mostly sleeps.
    let told = Box::pin(time::follow(Rest::new(&http, &breaker), &gate.store, clock));
    let look = async {
        loop {
            routes.forget(&http, clock).await;
            tokio::time::sleep(LOOK_EVERY).await;
            let runners = shards.runners.lock().await;
            if runners.values().any(|runner| runner.stage == ConnectionStage::Connected) {
                gateway.beat();
            }
        }
    };
    let ended = tokio::select! {
        ended = client.start() => ended.map_err(refusal),
        () = stop.cancelled() => Ok(()),
        () = look => Ok(()),
        () = told => Ok(()),
        () = gate.work(closed) => Ok(()),
    };
    if tokio::time::timeout(SHUTDOWN_MAX, shards.shutdown_all()).await.is_err() {
        tracing::warn!("the gateway did not close in time");
    }
    ended
}

async fn on_event(
    framework: FrameworkContext<'_, Data, DoorError>,
    event: &FullEvent,
) -> Result<(), DoorError> {
    let data = framework.user_data().await;
    if let Some(id) = written(event) {
        data.clock.is_past(id.written_at());
    }
    match event {
        FullEvent::Ready { data_about_bot } => {
            // Before anything is awaited: another session may begin meanwhile.
            let session = data.catch_up.progress().session();
            data.arrivals.watch(&framework.serenity_context.shard);
            data.gateway.beat();
            crate::lifecycle::ready("connected to Discord");
            let guilds: Vec<_> = data_about_bot.guilds.iter().map(|guild| GuildId(guild.id.get())).collect();
            // Whoever writes now waits for the last, and must not wait for the others.
            tokio::join!(
                async {
                    if let Err(error) = notice::refusals(data).await {
                        tracing::error!(error = %Chain(&error), "whoever was refused may not have been told");
                    }
                },
                waiting::look_at_all(framework.serenity_context, data, session),
                data.catch_up.run(framework.serenity_context, data, session, &guilds),
            );
        }
        FullEvent::Ratelimit { data: limit } => {
            http::limited(data.catch_up.breaker(), limit.global, limit.timeout);
        }
        FullEvent::Message { new_message } => {
            let (channel, id) = (ChannelId(new_message.channel_id.get()), MessageId(new_message.id.get()));
            let progress = data.catch_up.progress();
            let taken = data.arrivals.take(channel, id, data.catch_up.hold(channel, id)).await;
            let whence = Whence::Live { in_order: taken.is_in_order() };
            let ctx = framework.serenity_context;
            let done = intake::message(ctx, data, new_message, whence, &taken).await;
            if let Err(error) = &done {
                notice::say(data, channel, id, &notice::of_error(error));
            }
            if taken.is_in_order() {
                progress.decided(channel, id);
            }
        }
        FullEvent::InteractionCreate { interaction: Interaction::Component(click) }
            if data.served.first_time(click.id.get()) =>
        {
            components::serve(framework.serenity_context, data, Incoming::Click(click)).await;
        }
        FullEvent::InteractionCreate { interaction: Interaction::Modal(form) }
            if data.served.first_time(form.id.get()) =>
        {
            components::serve(framework.serenity_context, data, Incoming::Form(form)).await;
        }
        FullEvent::InteractionCreate { interaction: Interaction::Autocomplete(command) } => {
            noted(announce::draft(data, command).await);
        }
        FullEvent::TypingStart { event } => {
            let me = framework.serenity_context.cache.current_user().id;
            noted(announce::typing(data, me, event).await);
        }
        FullEvent::MessageUpdate { event, .. } => {
            let me = framework.serenity_context.cache.current_user().id;
            let (channel, id) = (ChannelId(event.channel_id.get()), MessageId(event.id.get()));
            // Most are ours: each step of an answer is one.
            if event.author.as_ref().is_none_or(|author| author.id != me) {
                noted(waiting::updated(framework.serenity_context, data, channel, id).await);
            }
        }
        FullEvent::MessageDelete { channel_id, deleted_message_id, .. } => {
            let (channel, id) = (ChannelId(channel_id.get()), MessageId(deleted_message_id.get()));
            noted(waiting::deleted(data, channel, id).await);
        }
        FullEvent::MessageDeleteBulk { channel_id, multiple_deleted_messages_ids, .. } => {
            for id in multiple_deleted_messages_ids {
                let (channel, id) = (ChannelId(channel_id.get()), MessageId(id.get()));
                noted(waiting::deleted(data, channel, id).await);
            }
        }
        FullEvent::ThreadUpdate { new, .. } => archived::forget(&framework.serenity_context.cache, new),
        FullEvent::ReactionAdd { add_reaction } => {
            noted(waiting::reacted(framework.serenity_context, data, add_reaction).await);
        }
        _ => {}
    }
    Ok(())
}

/// The id of what somebody writes or does, which tells when.
fn written(event: &FullEvent) -> Option<MessageId> {
    Some(MessageId(match event {
        FullEvent::Message { new_message } => new_message.id.get(),
        FullEvent::InteractionCreate { interaction } => interaction.id().get(),
        _ => return None,
    }))
}

/// A command that comes for the first time.
struct New;

/// Whether a command has not been served yet. Of a command below another one poise asks twice, once for each of them.
async fn first_time(ctx: poise::Context<'_, Data, DoorError>) -> Result<bool, DoorError> {
    let poise::Context::Application(command) = ctx else { return Ok(true) };
    if ctx.invocation_data::<New>().await.is_some() {
        return Ok(true);
    }
    let first_time = ctx.data().served.first_time(command.interaction.id.get());
    if first_time {
        ctx.set_invocation_data(New).await;
    }
    Ok(first_time)
}

/// There is nobody to tell: an edit has no answer, and what is typed is not sent yet.
fn noted(done: Result<(), DoorError>) {
    if let Err(error) = done {
        tracing::error!(error = %Chain(&error), "what somebody did could not be heeded");
    }
}

async fn on_error(error: poise::FrameworkError<'_, Data, DoorError>) {
    match error {
        poise::FrameworkError::Command { error, ctx, .. } => {
            let sentence = notice::of_error(&error);
            let reply = poise::CreateReply::default().content(sentence).ephemeral(true);
            let breaker = ctx.framework().user_data.catch_up.breaker();
            if let Err(error) = rest::answer(breaker, ctx.send(reply)).await {
                tracing::warn!(error = %Chain(&error), "an answer could not be sent");
            }
        }
        // Discord shows people what was registered last, which may be another version's.
        poise::FrameworkError::UnknownInteraction { framework, interaction, .. } => {
            not_known(framework, interaction).await;
        }
        poise::FrameworkError::CommandStructureMismatch { ctx, .. } => {
            not_known(ctx.framework, ctx.interaction).await;
        }
        // It was served before, and answered.
        poise::FrameworkError::CommandCheckFailed { error: None, .. } => {}
        other => {
            tracing::error!(error = %other, "a command failed");
            if let Err(error) = poise::builtins::on_error(other).await {
                tracing::warn!(error = %Chain(&error), "an answer could not be sent");
            }
        }
    }
}

/// Answers a command that is not one of ours, or whose options are not; what is only being typed has no answer.
async fn not_known(framework: FrameworkContext<'_, Data, DoorError>, command: &CommandInteraction) {
    tracing::warn!(command = command.data.name, "a command that is not known");
    if command.data.autocomplete().is_some() {
        return;
    }
    let message = CreateInteractionResponseMessage::new().content(notice::NOT_KNOWN).ephemeral(true);
    let response = CreateInteractionResponse::Message(message);
    let breaker = framework.user_data.catch_up.breaker();
    let answering = command.create_response(&framework.serenity_context.http, response);
    if let Err(error) = rest::answer(breaker, answering).await {
        tracing::warn!(error = %Chain(&error), "an answer could not be sent");
    }
}

fn refusal(error: serenity::Error) -> ConnectError {
    match error {
        serenity::Error::Gateway(GatewayError::InvalidAuthentication) => ConnectError::Token,
        serenity::Error::Gateway(
            GatewayError::DisallowedGatewayIntents | GatewayError::InvalidGatewayIntents,
        ) => ConnectError::Intents,
        other => ConnectError::Serenity(Box::new(other)),
    }
}

/// A sign of life of the gateway; silent when it has not been connected for long.
pub fn vital(clock: crate::clock::Clock) -> Vital {
    Vital::new("gateway", clock)
}
