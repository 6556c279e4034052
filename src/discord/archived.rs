//! Forgetting threads that are archived. serenity's cache keeps every thread that it ever heard of, and looks through all of
//! a server's at each message; where each request has a thread of its own, both would grow for as long as the daemon lives.

use serenity::all::{Cache, GuildChannel, ThreadDeleteEvent};
use serenity::json::{from_value, json};

use crate::chain::Chain;

/// Forgets a thread if it is archived, as if it were deleted: whoever writes in it again wakes it, and Discord tells of it
/// anew (<https://discord.com/developers/docs/topics/threads#archiving--unarchiving-a-thread>).
pub fn forget(cache: &Cache, thread: &GuildChannel) {
    if thread.thread_metadata.is_none_or(|now| !now.archived) {
        return;
    }
    // serenity offers no other way into its cache than its events, and no other way to make one.
    let said = json!({
        "id": thread.id, "guild_id": thread.guild_id, "parent_id": thread.parent_id, "type": thread.kind,
    });
    match from_value::<ThreadDeleteEvent>(said) {
        Ok(mut gone) => _ = cache.update(&mut gone),
        Err(error) => {
            tracing::warn!(thread = %thread.id, error = %Chain(&error), "a thread stays in the cache");
        }
    }
}

#[cfg(test)]
mod tests {
    use serenity::all::{GuildCreateEvent, GuildId, ThreadUpdateEvent};
    use serenity::json::Value;

    use super::*;

    const GUILD: u64 = 7;

    fn guild() -> Value {
        json!({
            "id": GUILD.to_string(), "name": "Harbor", "owner_id": "1", "afk_timeout": 60, "verification_level": 0,
            "default_message_notifications": 0, "explicit_content_filter": 0, "roles": [], "emojis": [], "features": [],
            "mfa_level": 0, "system_channel_flags": 0, "premium_tier": 0, "preferred_locale": "en-US", "nsfw_level": 0,
            "stickers": [], "premium_progress_bar_enabled": false, "joined_at": "2026-11-21T00:00:00Z", "large": false,
            "member_count": 1, "voice_states": [], "members": [], "channels": [], "threads": [], "presences": [],
            "stage_instances": [], "guild_scheduled_events": [],
        })
    }

    fn update(archived: bool) -> ThreadUpdateEvent {
        from_value(json!({
            "id": "9", "guild_id": GUILD.to_string(), "parent_id": "8", "type": 11, "name": "Tides", "position": 0,
            "thread_metadata": {
                "archived": archived, "auto_archive_duration": 60, "locked": false,
                "archive_timestamp": "2026-11-21T00:00:00Z",
            },
        }))
        .expect("a thread")
    }

    #[test]
    fn a_thread_is_known_while_it_is_awake() {
        let cache = Cache::new();
        cache.update(&mut from_value::<GuildCreateEvent>(guild()).expect("a server"));
        let known = || cache.guild(GuildId::new(GUILD)).expect("it is there").threads.len();
        for (archived, left) in [(false, 1), (true, 0), (false, 1)] {
            let mut event = update(archived);
            cache.update(&mut event);
            forget(&cache, &event.thread);
            assert_eq!(known(), left, "archived: {archived}");
        }
    }
}
