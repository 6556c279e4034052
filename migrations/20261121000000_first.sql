-- Times are milliseconds since the epoch, ids of Discord are integers, all other ids are UUIDs in text.

-- A channel or thread in which Claude is talked to.
CREATE TABLE conversations (
    id             INTEGER PRIMARY KEY NOT NULL,  -- Discord's id of the channel or thread
    guild          INTEGER,
    project        TEXT    NOT NULL,              -- name in the configuration
    parent         INTEGER,                       -- the project's channel, if this is a thread
    title          TEXT    NOT NULL,
    session        TEXT    REFERENCES sessions (id),
    model          TEXT,                          -- chosen with /model
    created_at     INTEGER NOT NULL,
    last_active_at INTEGER NOT NULL
) STRICT;

-- The CLI's resumable histories, present and past.
CREATE TABLE sessions (
    id           TEXT    PRIMARY KEY NOT NULL,
    conversation INTEGER NOT NULL REFERENCES conversations (id),
    dir          TEXT    NOT NULL,
    state        TEXT    NOT NULL DEFAULT 'new'
                 CHECK (state IN ('new', 'started', 'stale', 'reset')),
    created_at   INTEGER NOT NULL,
    ended_at     INTEGER
) STRICT;
CREATE INDEX sessions_conversation ON sessions (conversation);

-- What people asked for. A row here is the promise that it will be done.
CREATE TABLE prompts (
    seq          INTEGER PRIMARY KEY AUTOINCREMENT,
    id           TEXT    NOT NULL UNIQUE,
    origin_key   TEXT    NOT NULL UNIQUE,         -- the same origin is never accepted twice
    origin       TEXT    NOT NULL,                -- JSON
    conversation INTEGER NOT NULL REFERENCES conversations (id),
    author       INTEGER NOT NULL,
    author_name  TEXT    NOT NULL,
    text         TEXT    NOT NULL,
    attachments  TEXT    NOT NULL,                -- JSON
    state        TEXT    NOT NULL DEFAULT 'queued'
                 CHECK (state IN ('queued', 'taken', 'withdrawn', 'refused')),
    received_at  INTEGER NOT NULL,                -- Discord's time
    accepted_at  INTEGER NOT NULL                 -- ours
) STRICT;
CREATE INDEX prompts_queued ON prompts (conversation, received_at, seq) WHERE state = 'queued';

-- One running CLI each, with its shim; also the name of a directory below processes/.
CREATE TABLE processes (
    id           TEXT    PRIMARY KEY NOT NULL,
    conversation INTEGER NOT NULL REFERENCES conversations (id),
    session      TEXT    NOT NULL,
    fingerprint  TEXT    NOT NULL,                -- of the settings that it was launched with
    started_at   INTEGER NOT NULL,
    ended_at     INTEGER,
    exit         TEXT,                            -- JSON
    forgotten_at INTEGER                          -- its directory is gone
) STRICT;
CREATE INDEX processes_conversation ON processes (conversation);
CREATE INDEX processes_unforgotten ON processes (id) WHERE forgotten_at IS NULL;

-- From a prompt to its one end.
CREATE TABLE turns (
    id                 TEXT    PRIMARY KEY NOT NULL,
    prompt             TEXT    UNIQUE REFERENCES prompts (id),  -- none: the CLI began by itself
    conversation       INTEGER NOT NULL REFERENCES conversations (id),
    session            TEXT,
    process            TEXT    NOT NULL REFERENCES processes (id),
    attempt            INTEGER NOT NULL,
    from_position      INTEGER NOT NULL,          -- byte offset in the spool of the process
    state              TEXT    NOT NULL DEFAULT 'running' CHECK (state IN ('running', 'ended')),
    outcome            TEXT    CHECK (outcome IN ('completed', 'interrupted', 'timed_out', 'limit_reached', 'failed')),
    reason             TEXT,                      -- which limit, which failure
    end                TEXT,                      -- the whole end, JSON
    error_id           TEXT,                      -- what people were shown, and the log has
    side_effects       INTEGER NOT NULL DEFAULT 0 CHECK (side_effects IN (0, 1)),
    started_at         INTEGER NOT NULL,
    ended_at           INTEGER,
    delivered_at       INTEGER,                   -- Discord shows the end
    duration_ms        INTEGER,
    input_tokens       INTEGER NOT NULL DEFAULT 0,
    output_tokens      INTEGER NOT NULL DEFAULT 0,
    cache_read_tokens  INTEGER NOT NULL DEFAULT 0,
    cache_write_tokens INTEGER NOT NULL DEFAULT 0,
    cost_usd           REAL    NOT NULL DEFAULT 0,
    tools              INTEGER NOT NULL DEFAULT 0,
    CHECK ((state = 'ended') = (outcome IS NOT NULL))
) STRICT;
CREATE INDEX turns_conversation ON turns (conversation);
CREATE INDEX turns_process ON turns (process);
CREATE INDEX turns_undelivered ON turns (process) WHERE delivered_at IS NULL;

-- Questions of the CLI that waited for a person.
CREATE TABLE asks (
    id         TEXT    PRIMARY KEY NOT NULL,
    turn       TEXT    NOT NULL REFERENCES turns (id),
    process    TEXT    NOT NULL REFERENCES processes (id),
    request    TEXT    NOT NULL,                  -- the CLI's id
    kind       TEXT    NOT NULL CHECK (kind IN ('permission', 'question', 'plan', 'elicitation')),
    body       TEXT    NOT NULL,                  -- JSON
    state      TEXT    NOT NULL DEFAULT 'open'
               CHECK (state IN ('open', 'allowed', 'denied', 'withdrawn', 'expired')),
    settled_by INTEGER,
    created_at INTEGER NOT NULL,
    settled_at INTEGER,
    UNIQUE (process, request)
) STRICT;

-- The messages of a turn, in order. The row comes before the message. A turn that waits for its place and a notice have
-- slots as well, and no row among the turns.
CREATE TABLE slots (
    turn         TEXT    NOT NULL,
    slot         INTEGER NOT NULL,
    channel      INTEGER NOT NULL,
    message      INTEGER,
    nonce        TEXT    NOT NULL UNIQUE,
    body_hash    TEXT    NOT NULL,
    state        TEXT    NOT NULL CHECK (state IN ('sending', 'sent', 'refused')),
    first_try_at INTEGER NOT NULL,
    PRIMARY KEY (turn, slot)
) STRICT, WITHOUT ROWID;
CREATE INDEX slots_message ON slots (message) WHERE message IS NOT NULL;

-- The last message of each channel that was decided on.
CREATE TABLE watermarks (
    channel INTEGER PRIMARY KEY NOT NULL,
    message INTEGER NOT NULL
) STRICT;

CREATE TABLE settings (
    key   TEXT PRIMARY KEY NOT NULL,
    value TEXT NOT NULL
) STRICT;

-- Who changed what. Rows are only ever added.
CREATE TABLE audit (
    seq    INTEGER PRIMARY KEY AUTOINCREMENT,
    at     INTEGER NOT NULL,
    actor  INTEGER,
    action TEXT    NOT NULL,
    target TEXT    NOT NULL,
    detail TEXT    NOT NULL
) STRICT;

-- For people with sqlite3: who asked what, when, how it ended and what it cost.
CREATE VIEW turns_readable AS
SELECT strftime('%Y-%m-%dT%H:%M:%SZ', turns.started_at / 1000, 'unixepoch') AS started,
       conversations.project,
       conversations.title AS conversation,
       prompts.author_name AS author,
       substr(replace(prompts.text, char(10), ' '), 1, 60) AS prompt,
       coalesce(turns.outcome, 'running') AS outcome,
       turns.reason,
       round(turns.duration_ms / 1000.0, 1) AS secs,
       turns.input_tokens + turns.output_tokens AS tokens,
       round(turns.cost_usd, 4) AS cost_usd,
       turns.tools,
       turns.error_id,
       turns.id AS turn
FROM turns
JOIN conversations ON conversations.id = turns.conversation
LEFT JOIN prompts ON prompts.id = turns.prompt
ORDER BY turns.started_at;

CREATE VIEW conversations_readable AS
SELECT conversations.id,
       project,
       title,
       strftime('%Y-%m-%dT%H:%M:%SZ', created_at / 1000, 'unixepoch') AS created,
       strftime('%Y-%m-%dT%H:%M:%SZ', last_active_at / 1000, 'unixepoch') AS last_active,
       (SELECT count(*) FROM prompts WHERE conversation = conversations.id) AS messages,
       (SELECT count(*) FROM prompts WHERE conversation = conversations.id AND state = 'queued') AS queued,
       (SELECT count(*) FROM turns WHERE conversation = conversations.id) AS turns,
       (SELECT round(coalesce(sum(cost_usd), 0), 4) FROM turns WHERE conversation = conversations.id) AS cost_usd,
       session
FROM conversations
ORDER BY last_active_at DESC;
