-- A conversation that was shared with one more person, for a time. Rows stay: what was is asked for later.
CREATE TABLE shares (
    seq          INTEGER PRIMARY KEY AUTOINCREMENT,
    conversation INTEGER NOT NULL REFERENCES conversations (id),
    person       INTEGER NOT NULL,
    tier         TEXT    NOT NULL CHECK (tier IN ('observer', 'member')),
    shared_by    INTEGER NOT NULL,
    created_at   INTEGER NOT NULL,
    expires_at   INTEGER NOT NULL,
    revoked_at   INTEGER                          -- before its time
) STRICT;
CREATE INDEX shares_conversation ON shares (conversation, person);

-- Messages that were for the bot and became no prompt, with the reason: for /why. The newest 10,000, for 30 days.
CREATE TABLE ignored (
    message INTEGER PRIMARY KEY NOT NULL,
    channel INTEGER NOT NULL,
    guild   INTEGER,
    author  INTEGER NOT NULL,
    why     TEXT    NOT NULL,
    at      INTEGER NOT NULL
) STRICT;
CREATE INDEX ignored_at ON ignored (at);
