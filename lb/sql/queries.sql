-- name: try_lock()$
-- Take the session lock that makes a load balancer the active one.
select pg_try_advisory_lock(hashtext('chroma-lb'), hashtext('leader'));

-- name: end_own_sessions(application_name)!
-- End what is left of our earlier sessions, so that none of them can still commit.
select pg_terminate_backend(pid) from pg_stat_activity
where application_name = :application_name and pid <> pg_backend_pid();

-- name: ask_for_handover(channel)!
-- Ask the active load balancer to let go.
select pg_notify(:channel, '');

-- name: next_epoch()^
-- Count a new active load balancer; tell whether the one before it left nothing in flight.
update leader set epoch = leader.epoch + 1, ended_cleanly = false
from (select ended_cleanly from leader) as before
returning leader.epoch, before.ended_cleanly as predecessor_ended_cleanly;

-- name: note_clean_end()!
-- Note that the active load balancer ends and has nothing in flight.
update leader set ended_cleanly = true;

-- name: current_epoch()$
-- Who wrote last, to find out whether another load balancer was active meanwhile.
select epoch from leader;

-- name: begin_term(epoch, position)!
-- Begin the time of an active load balancer; the one before it ended where this one begins.
insert into terms (epoch, began_at_position) values (:epoch, :position);

-- name: log_id()$
-- Which log this is, wherever its database is moved to.
select log_id from leader;

-- name: all_terms()
-- Every term, the newest last, and where it ended; null where it has not.
select id, epoch, lead(began_at_position) over (order by epoch) as ended_at_position
from terms order by epoch;

-- name: all_marks()
-- The last mark that each instance is known to have taken.
select instance, term_id, position from marks;

-- name: put_marks(instances, term_ids, positions)!
-- Note which marks instances have taken.
insert into marks (instance, term_id, position)
select * from unnest(:instances::text[], :term_ids::uuid[], :positions::bigint[])
on conflict (instance) do update set term_id = excluded.term_id, position = excluded.position;

-- name: last_position()$
-- Where the log ends.
select coalesce(max(position), 0) from wal;

-- name: logged_positions(positions)
-- Which of these entries are in the log; asked after a connection was lost while it committed.
select position from wal where position = any(:positions::bigint[]);

-- name: put_collections(ids, tenants, databases, names, states)!
-- Write the catalogue's rows; a state never goes back, even if an older one is written again.
insert into collections (id, tenant, database, name, state)
select * from unnest(
    :ids::uuid[], :tenants::text[], :databases::text[], :names::text[], :states::text[]
)
on conflict (id) do update
set name = excluded.name,
    state = case
        when collections.state in ('dropping', 'failed', 'dropped')
            and excluded.state in ('creating', 'active') then collections.state
        else excluded.state
    end,
    changed_at = clock_timestamp();

-- name: put_mappings(collection_ids, instances, uuids)!
-- Write which UUID a collection has on an instance.
insert into mappings (collection_id, instance, uuid)
select * from unnest(:collection_ids::uuid[], :instances::text[], :uuids::uuid[])
on conflict (collection_id, instance) do update set uuid = excluded.uuid;

-- name: remove_mappings(collection_ids, instances)!
-- Forget the UUIDs of collections that were dropped on an instance.
delete from mappings m
using unnest(:collection_ids::uuid[], :instances::text[]) as gone (collection_id, instance)
where m.collection_id = gone.collection_id and m.instance = gone.instance;

-- name: resolve_entries(positions, bodies)!
-- Write the repeatable form of entries, before any instance sees it.
update wal set resolved_body = r.body
from unnest(:positions::bigint[], :bodies::bytea[]) as r (position, body)
where wal.position = r.position and wal.resolved_body is null;

-- name: put_suspicions(positions, suspicions)!
-- Write what is known of entries that an instance answered with a 5xx; null forgets it.
update wal set suspicion = s.suspicion
from unnest(:positions::bigint[], :suspicions::text[]) as s (position, suspicion)
where wal.position = s.position;

-- name: settle_and_advance(positions, statuses, bodies, content_types, attempts, told_to_wait, settled_ats, lane_ids, instances, cursors)!
-- Write the first definite outcome of entries, which a later one never replaces, and move the
-- cursors of members forward: they never move back, and make nobody a member. One way to the
-- server and back for what nearly every round writes.
with settled as (
    update wal
    set outcome_status = o.status, outcome_body = o.body, outcome_content_type = o.content_type,
        attempts = o.attempts, told_to_wait = o.told_to_wait, settled_at = o.settled_at
    from unnest(
        :positions::bigint[], :statuses::smallint[], :bodies::bytea[], :content_types::text[],
        :attempts::integer[], :told_to_wait::boolean[], :settled_ats::timestamptz[]
    ) as o (position, status, body, content_type, attempts, told_to_wait, settled_at)
    where wal.position = o.position and wal.outcome_status is null
)
update cursors set position = a.position
from unnest(:lane_ids::uuid[], :instances::text[], :cursors::bigint[])
    as a (lane_id, instance, position)
where cursors.lane_id = a.lane_id and cursors.instance = a.instance
    and cursors.position < a.position;

-- name: put_members(lane_ids, instances, positions)!
-- Make instances members of lanes, from a position on.
insert into cursors (lane_id, instance, position)
select * from unnest(:lane_ids::uuid[], :instances::text[], :positions::bigint[])
on conflict (lane_id, instance) do update
set position = greatest(cursors.position, excluded.position);

-- name: remove_members(lane_ids, instances)!
-- End memberships.
delete from cursors c
using unnest(:lane_ids::uuid[], :instances::text[]) as gone (lane_id, instance)
where c.lane_id = gone.lane_id and c.instance = gone.instance;

-- name: put_leftovers(instances, uuids, tenants, databases)!
-- Note collections that are to be deleted on an instance.
insert into leftovers (instance, uuid, tenant, database)
select * from unnest(:instances::text[], :uuids::uuid[], :tenants::text[], :databases::text[])
on conflict do nothing;

-- name: remove_leftovers(instances, uuids)!
-- Forget leftovers that are deleted, or that have become a member's collection.
delete from leftovers l
using unnest(:instances::text[], :uuids::uuid[]) as gone (instance, uuid)
where l.instance = gone.instance and l.uuid = gone.uuid;

-- name: all_leftovers(instances)
-- What is to be deleted on the instances, at start.
select instance, uuid, tenant, database from leftovers where instance = any(:instances::text[]);

-- name: only_on_others(instances)
-- Collections that none of the instances is a member of, and those that are.
select c.tenant, c.database, c.name, string_agg(m.instance, ', ' order by m.instance) as members
from collections c join cursors m on m.lane_id = c.id
where c.state in ('creating', 'active')
group by c.id
having not bool_or(m.instance = any(:instances::text[]));

-- name: note_unconfigured_leftovers(instances)!
-- What instances that are no longer configured have: it is stale should they come back.
insert into leftovers (instance, uuid, tenant, database)
select m.instance, m.uuid, c.tenant, c.database
from mappings m join collections c on c.id = m.collection_id
where m.instance <> all(:instances::text[])
on conflict do nothing;

-- name: remove_unconfigured_mappings(instances)!
-- Forget the UUIDs on instances that are no longer configured.
delete from mappings where instance <> all(:instances::text[]);

-- name: remove_unconfigured_members(instances)!
-- End the memberships of instances that are no longer configured.
delete from cursors where instance <> all(:instances::text[]);

-- name: prune_bodies(kept_lanes, after, page)^
-- Let go of the next bodies that every member has applied; some lanes keep theirs.
with page as (
    select position, lane_id from wal
    where body is not null and position > :after
    order by position
    limit :page
), done as (
    select w.position from wal w join page p using (position)
    where w.outcome_status is not null and p.lane_id <> all(:kept_lanes::uuid[])
        and not exists (
            select 1 from cursors c where c.lane_id = p.lane_id and c.position < p.position
        )
    for update of w skip locked
), pruned as (
    update wal set body = null, resolved_body = null
    from done where wal.position = done.position
    returning 1
)
select (select max(position) from page) as last, (select count(*) from page) as looked_at,
    (select count(*) from pruned) as pruned;

-- name: prune_entries(retention_seconds, page)$
-- Delete entries whose outcome is old enough; the newest stays, so that positions go on.
with done as (
    select position from wal
    where settled_at < clock_timestamp() - make_interval(secs => :retention_seconds::float8)
        and body is null and position < (select max(position) from wal)
    order by settled_at
    limit :page
    for update skip locked
), pruned as (
    delete from wal using done where wal.position = done.position returning 1
)
select count(*) from pruned;

-- name: prune_collections(page)$
-- Delete past collections that no entry and no instance knows any more.
with done as (
    select c.id from collections c
    where c.state in ('failed', 'dropped')
        and not exists (select 1 from wal w where w.lane_id = c.id)
    limit :page
    for update skip locked
), mapped as (
    delete from mappings m using done where m.collection_id = done.id
), followed as (
    delete from cursors m using done where m.lane_id = done.id
), pruned as (
    delete from collections c using done where c.id = done.id returning 1
)
select count(*) from pruned;

-- name: log_size()^
-- What the log holds: bodies that an instance still lacks, and the whole table on disk.
select count(*) as entries_with_body, coalesce(sum(octet_length(body)), 0)::bigint as body_bytes,
    pg_total_relation_size('wal') as table_bytes
from wal where body is not null;

-- name: living_collections(lane_ids)
-- The catalogue at start: every collection that some instance may still have.
select id, tenant, database, name, state from collections
where state in ('creating', 'active', 'dropping') or id = any(:lane_ids::uuid[])
order by id;

-- name: all_mappings()
-- The UUIDs of all collections at start.
select collection_id, instance, uuid from mappings;

-- name: all_cursors()
-- Every cursor at start.
select lane_id, instance, position from cursors;

-- name: unapplied_entries(instances)
-- The tail of the log at start, without bodies: what some member has not applied.
select w.position, w.lane_id, w.transaction_id, w.kind, w.path, w.content_type, w.fingerprint,
    octet_length(w.body) as body_bytes, w.session, w.after_lane_id, w.after_position, w.logged_at, w.attempts,
    w.told_to_wait, w.settled_at, w.outcome_status,
    w.outcome_body, w.outcome_content_type, w.suspicion
from wal w
where exists (
    select 1 from cursors c
    where c.lane_id = w.lane_id and c.instance = any(:instances::text[])
        and c.position < w.position
)
order by w.position;

-- name: lane_ends()
-- The last position of every lane at start; of pruned entries the cursors remember it.
select lane_id, max(position) as position
from (select lane_id, position from wal union all select lane_id, position from cursors) as ends
group by lane_id;

-- name: entry_bodies(positions)
-- What entries send.
select position, coalesce(resolved_body, body) as body from wal
where position = any(:positions::bigint[]);

-- name: namespace_writes(lane_id)
-- What made tenants and databases as they are, oldest first.
select kind, path, content_type, body from wal
where lane_id = :lane_id and outcome_status < 300 and body is not null
order by position;

-- name: find_transaction(transaction_id)^
-- An earlier request with this transaction id.
select position, fingerprint, outcome_status, outcome_body, outcome_content_type
from wal where transaction_id = :transaction_id;

-- name: transaction(transaction_id)^
-- All that clients may know of a transaction.
select position, lane_id, transaction_id, kind, path, session, logged_at, attempts, told_to_wait,
    settled_at, outcome_status, outcome_body, outcome_content_type
from wal where transaction_id = :transaction_id;

-- name: settled_transactions(state, lane_ids, session, since, page)
-- The newest transactions with an outcome that match; null does not restrict.
select position, lane_id, transaction_id, kind, path, session, logged_at, attempts, told_to_wait,
    settled_at, outcome_status, ''::bytea as outcome_body, outcome_content_type
from wal
where outcome_status is not null
    and (:lane_ids::uuid[] is null or lane_id = any(:lane_ids::uuid[]))
    and (:session::text is null or session = :session::text)
    and (:since::timestamptz is null or logged_at >= :since::timestamptz)
    and case :state::text
        when 'FAILED' then outcome_status >= 400
        when 'RECOVERED' then told_to_wait and outcome_status < 300
        when 'COMPLETED' then not told_to_wait and outcome_status < 300
        else true
    end
order by position desc
limit :page;

-- name: collections_called(reference)
-- Every collection, past ones too, of a name or an id.
select id from collections where name = :reference or id::text = :reference;

-- name: untold_recoveries(most_attempts)
-- Recovered transactions that the webhook was not told of; what is a day old is no news.
select position, lane_id, transaction_id, kind, path, session, logged_at, attempts, told_to_wait,
    settled_at, outcome_status, ''::bytea as outcome_body, outcome_content_type
from wal
where told_to_wait and outcome_status < 300 and webhook_delivered_at is null
    and webhook_attempts < :most_attempts and settled_at > clock_timestamp() - interval '1 day'
order by position
limit 100;

-- name: note_webhook(position, told)!
-- Count an attempt to tell the webhook, and remember when it was told.
update wal
set webhook_attempts = webhook_attempts + 1,
    webhook_delivered_at = case when :told::boolean then clock_timestamp() end
where position = :position;
