-- With what a thread became a conversation: what people wrote to each other before it is not for Claude.
ALTER TABLE conversations ADD COLUMN since INTEGER NOT NULL DEFAULT 0;
