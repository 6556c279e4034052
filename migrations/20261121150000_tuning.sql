-- What a conversation chose with /mode and /effort; none: the project's.
ALTER TABLE conversations ADD COLUMN mode TEXT;
ALTER TABLE conversations ADD COLUMN effort TEXT;

-- What a process was told last of model, mode and effort (JSON): they can be changed while it runs.
ALTER TABLE processes ADD COLUMN tuning TEXT;
