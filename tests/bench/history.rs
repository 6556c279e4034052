//! Whether a turn costs more in a conversation that had ten thousand of them.

use crate::Extent;
use crate::figure::Figure;
use crate::scene::{piers, trouble};
use crate::size::{Cost, flat};

/// Turns of history.
const TURNS: u32 = 10_000;

/// Cost per turn, before and after.
pub async fn measure(extent: Extent) -> Vec<Figure> {
    let (stage, channels) = piers(1).await;
    let turns = extent.pick(25, 8);
    let bot = stage.bot().await;
    let before = Cost::of(&stage, &bot, channels[0], turns).await;
    bot.stop();
    for statement in past(TURNS) {
        stage.alter(&statement).await;
    }
    let bot = stage.bot().await;
    let after = Cost::of(&stage, &bot, channels[0], turns).await;
    let mut figures = vec![flat(&format!("cost per turn, {TURNS} turns of history ÷ 1"), &before, &after)];
    figures.extend(trouble(&stage).map(|said| Figure::not_measured("history", &said)));
    figures
}

/// Statements that give the one conversation of a database so many more turns, each with its prompt, two messages and what
/// the audit says of it: as one of its own turns looks.
fn past(turns: u32) -> Vec<String> {
    let numbers =
        format!("WITH RECURSIVE n(i) AS (SELECT 10 UNION ALL SELECT i + 1 FROM n WHERE i < {turns} + 9)");
    // Ids in the shape of a UUID, times before all others.
    let id = |kind: &str| format!("printf('{kind}0000000-0000-4000-8000-%012d', i)");
    let one = "(SELECT id FROM conversations LIMIT 1)";
    let at = "((SELECT min(received_at) FROM prompts WHERE seq = 1) - 60000 * (20000 - i))";
    vec![
        format!(
            "{numbers} INSERT INTO processes (id, conversation, session, fingerprint, started_at, ended_at, exit, forgotten_at)
             SELECT {}, {one}, session, fingerprint, {at}, {at}, '{{\"exit\":\"code\",\"code\":0}}', {at}
             FROM n, (SELECT * FROM processes ORDER BY started_at LIMIT 1) WHERE i % 10 = 0",
            id("c")
        ),
        format!(
            "{numbers} INSERT INTO prompts (id, origin_key, origin, conversation, author, author_name, text, attachments,
             state, received_at, accepted_at)
             SELECT {}, 'message:' || (1000000 + i), origin, {one}, author, author_name, text, attachments, 'taken', {at}, {at}
             FROM n, (SELECT * FROM prompts ORDER BY seq LIMIT 1)",
            id("a")
        ),
        format!(
            "{numbers} INSERT INTO turns (id, prompt, conversation, session, process, attempt, from_position, state, outcome, end,
             started_at, ended_at, delivered_at, duration_ms, input_tokens, output_tokens, cost_usd)
             SELECT {}, {}, {one}, session, {}, attempt, from_position, 'ended', outcome, end, {at}, {at}, {at}, 1000, 100,
             100, 0.01
             FROM n, (SELECT * FROM turns ORDER BY started_at LIMIT 1)",
            id("b"),
            id("a"),
            id("c").replace("i)", "i / 10 * 10)")
        ),
        format!(
            "{numbers} INSERT INTO slots (turn, slot, generation, channel, message, nonce, body_hash, state, first_try_at)
             SELECT {}, k, 0, {one}, 2000000 + 2 * i + k, 'past-' || i || '-' || k, 'h', 'sent', {at}
             FROM n, (SELECT 0 AS k UNION SELECT 1)",
            id("b")
        ),
        format!(
            "{numbers} INSERT INTO audit (seq, at, actor, action, target, detail, hash)
             SELECT (SELECT max(seq) FROM audit) + i, 1, 1, 'prompt', {}, 'conversation=1', hex(randomblob(32)) FROM n",
            id("a")
        ),
    ]
}
