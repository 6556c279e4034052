//! A bot that is nothing but serenity: it makes the calls that Discord sees of a short turn of ours, and thinks nothing.
//! What it takes is what Discord, TLS and the gateway cost anybody. A process of its own: this program with [`ARGUMENT`].

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serenity::all::{
    Context, CreateMessage, EditMessage, EventHandler, GatewayIntents, Message, ReactionType,
};
use serenity::async_trait;
use switchboard::config::DiscordConfig;
use switchboard::discord::http;

use crate::harness::{Stage, eventually};

/// Makes this program the bot. The address of Discord, the file of its certificate and the token follow.
pub const ARGUMENT: &str = "--bare-bot";

/// The bot; ends when it is dropped.
pub struct BareBot(Child);

impl BareBot {
    /// Starts it, and waits until it hears what is said.
    pub async fn start(stage: &Stage) -> Self {
        let logins = stage.discord.identifies_and_resumes().0;
        let child = Command::new(std::env::current_exe().expect("a file"))
            .args([ARGUMENT, &stage.discord.rest_addr().to_string()])
            .arg(stage.dir().join("ca.pem"))
            .arg(stage.discord.token())
            .stdin(Stdio::null())
            .spawn()
            .expect("it starts");
        let bot = Self(child);
        eventually("the bare bot to log in", || {
            (stage.discord.identifies_and_resumes().0 > logins).then_some(())
        })
        .await;
        // READY is on its way.
        tokio::time::sleep(Duration::from_millis(500)).await;
        bot
    }

    /// Its process.
    pub fn pid(&self) -> i32 {
        i32::try_from(self.0.id()).expect("process ids fit")
    }
}

impl Drop for BareBot {
    fn drop(&mut self) {
        // It may be gone; then there is nothing to do.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Is the bot, until it is killed.
pub async fn run(words: &[String]) {
    let [address, certificate, token] = words else { panic!("an address, a file and a token: {words:?}") };
    let config = DiscordConfig {
        api_resolve: Some(address.parse().expect("an address")),
        ca_file: Some(certificate.into()),
        ..DiscordConfig::default()
    };
    let http = http::serenity(&config, token).expect("a client");
    let intents = GatewayIntents::GUILDS
        | GatewayIntents::GUILD_MESSAGES
        | GatewayIntents::MESSAGE_CONTENT
        | GatewayIntents::GUILD_MESSAGE_REACTIONS;
    let client = serenity::all::ClientBuilder::new_with_http(http, intents).event_handler(Bare);
    client.await.expect("a client").start().await.expect("it runs until it is killed");
}

struct Bare;

#[async_trait]
impl EventHandler for Bare {
    async fn message(&self, ctx: Context, message: Message) {
        if message.author.bot {
            return;
        }
        let answered = async {
            let (seen, done) =
                (ReactionType::Unicode("👀".to_owned()), ReactionType::Unicode("✅".to_owned()));
            message.react(&ctx, seen.clone()).await?;
            message.channel_id.broadcast_typing(&ctx).await?;
            let answer = CreateMessage::new().content("hi").reference_message(&message);
            let mut answer = message.channel_id.send_message(&ctx, answer).await?;
            answer.edit(&ctx, EditMessage::new().content("hi\n-# 1s")).await?;
            message.react(&ctx, done).await?;
            message.channel_id.delete_reaction(&ctx, message.id, None, seen).await
        };
        if let Err(error) = answered.await {
            eprintln!("the bare bot: {error}");
        }
    }
}
