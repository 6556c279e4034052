-- What a start reads is what is open: each of these holds that alone, however much is done.
CREATE INDEX processes_live ON processes (conversation) WHERE ended_at IS NULL;
-- Rows of daemons before the chain of hashes; there are none after the first start of a later one.
CREATE INDEX audit_unchained ON audit (seq) WHERE hash IS NULL;
