-- Who this log is, and where each active load balancer began: instances are marked with it.

alter table leader add column log_id uuid not null default gen_random_uuid();

-- One row for each time that a load balancer became active; few and small, and never pruned,
-- because an instance that was away for long has the mark of an old one.
create table terms (
    epoch bigint primary key,
    id uuid not null unique default gen_random_uuid(),
    began_at_position bigint not null
);

-- The last mark that each instance is known to have taken.
create table marks (
    instance text primary key,
    term_id uuid not null references terms (id),
    position bigint not null
);
