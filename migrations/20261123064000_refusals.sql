-- Why a prompt was not taken, in words for people, until it is known that they were told. Null: they were, or need not be.
ALTER TABLE prompts ADD COLUMN refusal TEXT;
CREATE INDEX prompts_refusal ON prompts (accepted_at) WHERE refusal IS NOT NULL;
