-- What is to become of a prompt that waits, other than being run when it is its turn: `steer`, it is told to the turn that
-- runs; `interrupt`, it is run in the place of the turn that runs, before the others; `withdraw`, a process has it
-- already and is to give it back.
ALTER TABLE prompts ADD COLUMN wish TEXT CHECK (wish IN ('steer', 'interrupt', 'withdraw'));
-- The process that was told of it while a turn ran. It stays `queued` until that process has heard it.
ALTER TABLE prompts ADD COLUMN steered_into TEXT;
-- The turn that heard it, or that began with it and others: only the first of them is `turns.prompt`.
ALTER TABLE prompts ADD COLUMN turn TEXT;
-- Under which key of `slots` people are told that it waits.
ALTER TABLE prompts ADD COLUMN notice TEXT;
CREATE INDEX prompts_steered ON prompts (steered_into) WHERE steered_into IS NOT NULL;
CREATE INDEX prompts_turn ON prompts (turn) WHERE turn IS NOT NULL;
CREATE INDEX prompts_noticed ON prompts (conversation) WHERE notice IS NOT NULL;
