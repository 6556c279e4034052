-- How many attempts of a turn met what is the same for every turn of the account, and waited for it: they do not count
-- among those that a turn gets after a death.
ALTER TABLE turns ADD COLUMN held INTEGER NOT NULL DEFAULT 0;
