-- Buttons below messages: what a click means. The row comes before the message.
CREATE TABLE buttons (
    id           TEXT    PRIMARY KEY NOT NULL,    -- Discord's custom_id: random, says nothing
    conversation INTEGER NOT NULL,
    action       TEXT    NOT NULL,                -- JSON
    created_at   INTEGER NOT NULL,
    UNIQUE (conversation, action)
) STRICT;

-- What was said to an ask, whole: a daemon that dies before the CLI has it says it again. And by whom.
ALTER TABLE asks ADD COLUMN answer TEXT;          -- JSON
ALTER TABLE asks ADD COLUMN settled_by_name TEXT;
