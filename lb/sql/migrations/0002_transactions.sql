-- What clients were told of a transaction, and what the webhook was told of its recovery.

-- Written with the outcome: before that, a restart makes it true by itself.
alter table wal add column told_to_wait boolean not null default false;
alter table wal add column webhook_attempts smallint not null default 0;
alter table wal add column webhook_delivered_at timestamptz;
create index wal_by_session on wal (session, position);
create index wal_recovered on wal (position) where told_to_wait;
create index wal_untold on wal (position) where told_to_wait and webhook_delivered_at is null;
create index wal_failed on wal (position) where outcome_status >= 400;
