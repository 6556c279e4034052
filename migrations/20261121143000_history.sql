-- What is done is forgotten after a while; what it came to stays with its conversation.
ALTER TABLE conversations ADD COLUMN forgotten_turns INTEGER NOT NULL DEFAULT 0;
ALTER TABLE conversations ADD COLUMN forgotten_tokens INTEGER NOT NULL DEFAULT 0;
ALTER TABLE conversations ADD COLUMN forgotten_cost_usd REAL NOT NULL DEFAULT 0;
-- A turn that is forgotten is looked for among the asks, a process among both.
CREATE INDEX asks_turn ON asks (turn);

DROP VIEW conversations_readable;
CREATE VIEW conversations_readable AS
SELECT conversations.id,
       project,
       title,
       strftime('%Y-%m-%dT%H:%M:%SZ', created_at / 1000, 'unixepoch') AS created,
       strftime('%Y-%m-%dT%H:%M:%SZ', last_active_at / 1000, 'unixepoch') AS last_active,
       (SELECT count(*) FROM prompts WHERE conversation = conversations.id) AS messages,
       (SELECT count(*) FROM prompts WHERE conversation = conversations.id AND state = 'queued') AS queued,
       forgotten_turns + (SELECT count(*) FROM turns WHERE conversation = conversations.id) AS turns,
       round(forgotten_cost_usd
             + (SELECT coalesce(sum(cost_usd), 0) FROM turns WHERE conversation = conversations.id), 4) AS cost_usd,
       session
FROM conversations
ORDER BY last_active_at DESC;
