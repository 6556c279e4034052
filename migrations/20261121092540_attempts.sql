-- What happened to a turn before its present attempt, and when it began on a clock that never steps.
ALTER TABLE turns ADD COLUMN session_lost INTEGER NOT NULL DEFAULT 0 CHECK (session_lost IN (0, 1));
ALTER TABLE turns ADD COLUMN restarted INTEGER NOT NULL DEFAULT 0 CHECK (restarted IN (0, 1));
-- Which start of the machine, and milliseconds since then.
ALTER TABLE turns ADD COLUMN boot TEXT;
ALTER TABLE turns ADD COLUMN started_up_ms INTEGER;
