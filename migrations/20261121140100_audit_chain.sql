-- The audit is only ever added to, and each row carries the hash of the one before it with its own content: see
-- src/store/audit.rs. Rows that were there before get their hashes at the next start, once.
ALTER TABLE audit ADD COLUMN hash TEXT;           -- hex SHA-256

CREATE INDEX audit_target ON audit (target);

CREATE TRIGGER audit_is_not_changed BEFORE UPDATE ON audit
WHEN OLD.hash IS NOT NULL OR NEW.hash IS NULL OR OLD.seq <> NEW.seq OR OLD.at <> NEW.at OR OLD.actor IS NOT NEW.actor
     OR OLD.action <> NEW.action OR OLD.target <> NEW.target OR OLD.detail <> NEW.detail
BEGIN SELECT RAISE(ABORT, 'the audit is not changed'); END;

CREATE TRIGGER audit_is_not_deleted BEFORE DELETE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit is not changed'); END;

CREATE TRIGGER audit_is_not_replaced BEFORE INSERT ON audit
WHEN NEW.hash IS NULL OR EXISTS (SELECT 1 FROM audit WHERE seq >= NEW.seq)
BEGIN SELECT RAISE(ABORT, 'the audit is only added to, at its end'); END;
