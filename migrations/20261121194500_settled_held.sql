-- What somebody decided on what was held after an absence. It is said in the place of the notice, also by a daemon that
-- starts after one that could not say it any more; so it stays for as long as the notice's slot.
CREATE TABLE settled_held (
    channel    INTEGER NOT NULL,
    -- The last of the prompts, as in the notice's key.
    newest     TEXT NOT NULL,
    count      INTEGER NOT NULL CHECK (count > 0),
    became     TEXT NOT NULL CHECK (became IN ('run', 'ignored')),
    settled_at INTEGER NOT NULL,
    PRIMARY KEY (channel, newest)
) STRICT, WITHOUT ROWID;
