-- The log in one snapshot: how long it is, and what each instance has applied and still lacks.
with followed as (
    select c.instance, w.position, w.logged_at, w.position > c.position as is_pending
    from cursors c join wal w using (lane_id)
), by_instance as (
    select i.instance,
        count(*) filter (where f.is_pending) as pending,
        count(*) filter (where not f.is_pending) as applied
    from (select distinct instance from cursors) i left join followed f using (instance)
    group by i.instance
)
select
    (select count(*) from wal) as entries,
    (select coalesce(max(position), 0) from wal) as last_position,
    (select count(*) from wal where outcome_status is null) as unsettled,
    (select count(*) from wal where outcome_status >= 400) as refused,
    (select coalesce(json_object_agg(instance, pending), '{}') from by_instance) as pending,
    (select coalesce(json_object_agg(instance, applied), '{}') from by_instance) as applied,
    (
        select coalesce(json_object_agg(instance, lanes), '{}')
        from (select instance, count(*) as lanes from cursors group by instance) as members
    ) as lanes,
    (
        -- The oldest is the first in the log: while a clock is shifted, times tell no order.
        select extract(epoch from clock_timestamp() - logged_at)::float8
        from followed where is_pending order by position limit 1
    ) as oldest_pending_age_seconds;
