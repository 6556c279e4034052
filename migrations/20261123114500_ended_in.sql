-- A prompt that is not run and has no turn: the key under which people are shown so, until they are. Null: they were, or it runs.
ALTER TABLE prompts ADD COLUMN ended_in TEXT;
CREATE INDEX prompts_ended_in ON prompts (ended_in) WHERE ended_in IS NOT NULL;
