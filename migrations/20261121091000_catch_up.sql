-- A prompt that was written while nobody listened, and was too old or one too many to be run unasked: `refused`, with the
-- channel whose notice offers it. It leaves by being queued, or by being let go (then this is NULL again).
ALTER TABLE prompts ADD COLUMN held_in INTEGER;
CREATE INDEX prompts_held ON prompts (held_in) WHERE held_in IS NOT NULL;

-- Logins at the gateway (IDENTIFY) of the last day. Discord allows 1,000 a day and then resets the token.
CREATE TABLE identifies (
    seq  INTEGER PRIMARY KEY AUTOINCREMENT,
    at   INTEGER NOT NULL,
    kind TEXT    NOT NULL CHECK (kind IN ('start', 'again'))  -- the first of a daemon, or a later one
) STRICT;
CREATE INDEX identifies_at ON identifies (at);
