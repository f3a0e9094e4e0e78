-- Which instances answered an entry with a 5xx, and whether it may be sent on; null: nothing known.
alter table wal add column suspicion text;
