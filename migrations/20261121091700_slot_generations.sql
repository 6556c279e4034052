-- A slot may need more than one message: its first was deleted while the turn worked, or has become too old to be edited.
-- Each is a generation of the slot with a nonce of its own; the last one counts.
CREATE TABLE slots_by_generation (
    turn         TEXT    NOT NULL,
    slot         INTEGER NOT NULL,
    generation   INTEGER NOT NULL DEFAULT 0,
    channel      INTEGER NOT NULL,
    message      INTEGER,
    nonce        TEXT    NOT NULL UNIQUE,
    body_hash    TEXT    NOT NULL,                -- empty: which of several bodies Discord has is not known
    state        TEXT    NOT NULL CHECK (state IN ('sending', 'sent', 'removed', 'refused')),
    first_try_at INTEGER NOT NULL,
    PRIMARY KEY (turn, slot, generation)
) STRICT, WITHOUT ROWID;
INSERT INTO slots_by_generation (turn, slot, channel, message, nonce, body_hash, state, first_try_at)
SELECT turn, slot, channel, message, nonce, body_hash, state, first_try_at FROM slots;
DROP TABLE slots;
ALTER TABLE slots_by_generation RENAME TO slots;
CREATE INDEX slots_message ON slots (message) WHERE message IS NOT NULL;
