-- The log, the cursors into it, and the catalogue of collections.

create table leader (
    only_row boolean primary key default true check (only_row),
    epoch bigint not null
);
insert into leader (epoch) values (0);

create table collections (
    id uuid primary key,
    tenant text not null,
    database text not null,
    name text not null,
    state text not null check (state in ('creating', 'active', 'dropping', 'failed', 'dropped')),
    created_at timestamptz not null default clock_timestamp(),
    changed_at timestamptz not null default clock_timestamp()
);
create index collections_by_name on collections (tenant, database, name);

create table mappings (
    collection_id uuid not null references collections (id),
    instance text not null,
    uuid uuid not null,
    primary key (collection_id, instance),
    unique (instance, uuid)
);

create table wal (
    position bigint primary key,
    lane_id uuid not null references collections (id),
    transaction_id text not null unique,
    kind text not null,
    path text not null,
    content_type text not null,
    body bytea,
    resolved_body bytea,
    fingerprint bytea not null,
    session text not null,
    after_lane_id uuid,
    after_position bigint,
    logged_at timestamptz not null,
    attempts integer not null default 0,
    outcome_status smallint,
    outcome_body bytea,
    outcome_content_type text,
    settled_at timestamptz,
    check ((after_lane_id is null) = (after_position is null))
);
-- Uncompressed and out of line: embeddings hardly compress, and the default costs five times more.
alter table wal alter column body set storage external;
create index wal_by_lane on wal (lane_id, position);

create table cursors (
    lane_id uuid not null references collections (id),
    instance text not null,
    position bigint not null,
    primary key (lane_id, instance)
);
