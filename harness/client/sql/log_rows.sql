-- Every entry of the run's own collections, with the instances that have applied it.
select w.position, w.transaction_id, c.name as collection, w.kind, w.logged_at, w.settled_at,
    coalesce(w.outcome_status, 0) as status, w.attempts, w.told_to_wait,
    array(
        select instance from cursors
        where cursors.lane_id = w.lane_id and cursors.position >= w.position order by instance
    ) as applied_on
from wal w join collections c on c.id = w.lane_id
where starts_with(c.name, $1)
order by w.position
limit $2;
