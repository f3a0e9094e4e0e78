-- Which instances are members of a lane, what must be removed from instances, and pruning.

-- From now on a row in `cursors` makes an instance a member; until now every instance was one.
insert into cursors (lane_id, instance, position)
select c.id, i.instance, 0
from collections c
cross join (
    select instance from mappings
    union select instance from cursors
    union values ('primary'), ('replica')
) as i
where c.state in ('creating', 'active', 'dropping')
    or exists (select 1 from wal w where w.lane_id = c.id)
on conflict do nothing;

create table leftovers (
    instance text not null,
    uuid uuid not null,
    tenant text not null,
    database text not null,
    noted_at timestamptz not null default clock_timestamp(),
    primary key (instance, uuid)
);

-- What still holds a body is all that pruning has to look at.
create index wal_with_body on wal (position) where body is not null;
create index wal_settled on wal (settled_at) where settled_at is not null;
