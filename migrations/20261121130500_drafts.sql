-- What was chosen so far of an ask with several questions: it counts when it is sent.
ALTER TABLE asks ADD COLUMN draft TEXT;           -- JSON
