-- Each time that the login was gone, as whoever runs the bot is told of it: the row comes before the message, and one is
-- open at most.
CREATE TABLE login_outages (
    seq      INTEGER PRIMARY KEY AUTOINCREMENT,
    notice   TEXT    NOT NULL UNIQUE,             -- what the slots of its message go by
    channel  INTEGER NOT NULL,                    -- where it is told
    begun_at INTEGER NOT NULL,
    ended_at INTEGER                              -- the API answered again
) STRICT;
CREATE UNIQUE INDEX login_outages_open ON login_outages (ended_at IS NULL) WHERE ended_at IS NULL;
