//! PURE: who is mentioned by a message, and so pinged: content, `allowed_mentions` and the reply, by Discord's rules.
//! <https://discord.com/developers/docs/resources/message#allowed-mentions-object>

use std::collections::BTreeSet;

use serde_json::Value;

use crate::domain::ids::{RoleId, UserId};

/// Whom a message mentions.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Mentions {
    pub(super) users: BTreeSet<UserId>,
    pub(super) roles: BTreeSet<RoleId>,
    pub(super) everyone: bool,
}

/// Whom a message mentions. `allowed` is `allowed_mentions` as it was sent, null where it was not; `replied_to` is
/// the author of the message that this one replies to.
pub(super) fn mentions(content: &str, allowed: &Value, replied_to: Option<UserId>) -> Mentions {
    let mut found = in_text(content);
    let mut pings_reply = true;
    if let Some(allowed) = allowed.as_object() {
        let parse = |what: &str| {
            allowed.get("parse").and_then(Value::as_array).is_some_and(|list| list.iter().any(|v| v == what))
        };
        let listed = |what: &str| -> BTreeSet<u64> {
            let list = allowed.get(what).and_then(Value::as_array);
            list.into_iter().flatten().filter_map(super::rules::snowflake).collect()
        };
        if !parse("users") {
            let users = listed("users");
            found.users.retain(|user| users.contains(&user.0));
        }
        if !parse("roles") {
            let roles = listed("roles");
            found.roles.retain(|role| roles.contains(&role.0));
        }
        found.everyone &= parse("everyone");
        pings_reply = allowed.get("replied_user").and_then(Value::as_bool).unwrap_or(false);
    }
    if pings_reply {
        found.users.extend(replied_to);
    }
    found
}

/// What the text alone mentions. Code does not mention anybody.
fn in_text(content: &str) -> Mentions {
    let mut found = Mentions::default();
    let text = without_code(content);
    found.everyone = text.contains("@everyone") || text.contains("@here");
    for piece in text.split('<').skip(1) {
        let Some((inside, _)) = piece.split_once('>') else { continue };
        if let Some(role) = inside.strip_prefix("@&").and_then(|id| id.parse().ok()) {
            found.roles.insert(RoleId(role));
        } else if let Some(user) = inside.strip_prefix('@')
            && let Ok(user) = user.strip_prefix('!').unwrap_or(user).parse()
        {
            found.users.insert(UserId(user));
        }
    }
    found
}

/// The text without code blocks and code spans.
fn without_code(content: &str) -> String {
    let mut text = String::new();
    let mut rest = content;
    while let Some(start) = rest.find('`') {
        let fence = rest[start..].bytes().take_while(|byte| *byte == b'`').count();
        let body = start + fence;
        text.push_str(&rest[..start]);
        if let Some(end) = rest[body..].find(&"`".repeat(fence)) {
            rest = &rest[body + end + fence..];
        } else {
            // Nothing closes it: these are plain backticks.
            text.push_str(&rest[start..body]);
            rest = &rest[body..];
        }
    }
    text.push_str(rest);
    text
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const TEXT: &str = "<@1> <@!2> <@&3> @everyone `<@4>` ```\n<@5> @here\n```";

    #[test]
    fn without_allowed_mentions_everything_in_the_text_pings() {
        let found = mentions(TEXT, &Value::Null, Some(UserId(9)));
        assert_eq!(found.users, BTreeSet::from([UserId(1), UserId(2), UserId(9)]));
        assert_eq!(found.roles, BTreeSet::from([RoleId(3)]));
        assert!(found.everyone);
    }

    #[test]
    fn an_empty_parse_pings_nobody() {
        assert_eq!(mentions(TEXT, &json!({"parse": []}), Some(UserId(9))), Mentions::default());
    }

    #[test]
    fn lists_pick_from_what_the_text_says() {
        let allowed = json!({"parse": ["roles"], "users": ["2", "7"], "replied_user": true});
        let found = mentions(TEXT, &allowed, Some(UserId(9)));
        assert_eq!(found.users, BTreeSet::from([UserId(2), UserId(9)]));
        assert_eq!(found.roles, BTreeSet::from([RoleId(3)]));
        assert!(!found.everyone);
    }

    #[test]
    fn an_open_backtick_hides_nothing() {
        assert_eq!(mentions("` <@1>", &Value::Null, None).users, BTreeSet::from([UserId(1)]));
    }
}
