-- The newest message that was known anywhere when the slot's create was first tried: the slot's own is newer, and is looked
-- for after it. Null: none was known, or the row is older than this column.
ALTER TABLE slots ADD COLUMN follows INTEGER;
