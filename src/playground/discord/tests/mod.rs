//! The real client of the bot, serenity with its rate limiter, against the embedded Discord.

mod faults;
mod gateway;
mod interactions;
mod messages;
mod page;
mod rules;

use std::sync::Arc;

use serenity::all as discord;
use tokio::sync::mpsc;

use super::{EmbeddedDiscord, PATIENCE, World};

/// A production-like HTTP client: TLS, the names of the real Discord, the rate limiter on.
fn http(server: &EmbeddedDiscord) -> discord::Http {
    discord::HttpBuilder::new(server.token()).client(client(server)).build()
}

fn client(server: &EmbeddedDiscord) -> reqwest::Client {
    // Another test may have been first.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let ca = reqwest::Certificate::from_pem(server.ca_pem().as_bytes()).unwrap();
    let mut builder = reqwest::Client::builder().no_proxy().use_rustls_tls().add_root_certificate(ca);
    for name in ["discord.com", "cdn.discordapp.com", "media.discordapp.net"] {
        builder = builder.resolve(name, server.rest_addr());
    }
    builder.build().unwrap()
}

async fn start() -> EmbeddedDiscord {
    start_in(World::playground()).await
}

async fn start_in(world: World) -> EmbeddedDiscord {
    let server = EmbeddedDiscord::start(world).await.unwrap();
    server.faults().limits_lifted(true);
    server.faults().acknowledge_within(*PATIENCE);
    server
}

fn channel(id: crate::domain::ids::ChannelId) -> discord::ChannelId {
    discord::ChannelId::new(id.0)
}

/// Everything that the gateway sent.
#[derive(Debug)]
enum Seen {
    Ready(Box<discord::Ready>),
    Resumed,
    Message(Box<discord::Message>),
    Interaction(Box<discord::Interaction>),
    Other(Box<discord::FullEvent>),
}

struct Handler(mpsc::UnboundedSender<Seen>);

#[async_trait::async_trait]
impl discord::EventHandler for Handler {
    async fn ready(&self, _: discord::Context, ready: discord::Ready) {
        let _ = self.0.send(Seen::Ready(Box::new(ready)));
    }
    async fn resume(&self, _: discord::Context, _: discord::ResumedEvent) {
        let _ = self.0.send(Seen::Resumed);
    }
    async fn message(&self, _: discord::Context, message: discord::Message) {
        let _ = self.0.send(Seen::Message(Box::new(message)));
    }
    async fn interaction_create(&self, _: discord::Context, interaction: discord::Interaction) {
        let _ = self.0.send(Seen::Interaction(Box::new(interaction)));
    }
    async fn reaction_add(&self, ctx: discord::Context, add_reaction: discord::Reaction) {
        let event = discord::FullEvent::ReactionAdd { add_reaction };
        let _ = (ctx, self.0.send(Seen::Other(Box::new(event))));
    }
    async fn guild_create(&self, _: discord::Context, guild: discord::Guild, is_new: Option<bool>) {
        let _ = self.0.send(Seen::Other(Box::new(discord::FullEvent::GuildCreate { guild, is_new })));
    }
    async fn thread_create(&self, _: discord::Context, thread: discord::GuildChannel) {
        let _ = self.0.send(Seen::Other(Box::new(discord::FullEvent::ThreadCreate { thread })));
    }
}

/// A bot on the gateway.
struct Bot {
    http: Arc<discord::Http>,
    seen: mpsc::UnboundedReceiver<Seen>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Bot {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Bot {
    async fn connect(server: &EmbeddedDiscord) -> Self {
        let all = discord::GatewayIntents::non_privileged() | discord::GatewayIntents::MESSAGE_CONTENT;
        let mut bot = Self::connect_with(server, all).await;
        bot.until(|seen| matches!(seen, Seen::Other(event) if matches!(**event, discord::FullEvent::GuildCreate { .. }))).await;
        bot
    }

    async fn connect_with(server: &EmbeddedDiscord, intents: discord::GatewayIntents) -> Self {
        let (send, seen) = mpsc::unbounded_channel();
        let mut client = discord::ClientBuilder::new_with_http(http(server), intents)
            .event_handler(Handler(send))
            .await
            .unwrap();
        let http = Arc::clone(&client.http);
        let task = tokio::spawn(async move {
            // A refused token or intent ends it, and the test sees what the server noted.
            let _ = client.start().await;
        });
        Self { http, seen, task }
    }

    /// The next thing of this kind; others are skipped.
    async fn until(&mut self, wanted: impl Fn(&Seen) -> bool) -> Seen {
        let next = async {
            loop {
                let seen = self.seen.recv().await.expect("the client runs");
                if wanted(&seen) {
                    return seen;
                }
            }
        };
        tokio::time::timeout(*PATIENCE, next).await.expect("the event comes")
    }

    async fn message(&mut self) -> discord::Message {
        match self.until(|seen| matches!(seen, Seen::Message(_))).await {
            Seen::Message(message) => *message,
            other => panic!("{other:?}"),
        }
    }

    async fn interaction(&mut self) -> discord::Interaction {
        match self.until(|seen| matches!(seen, Seen::Interaction(_))).await {
            Seen::Interaction(interaction) => *interaction,
            other => panic!("{other:?}"),
        }
    }
}
