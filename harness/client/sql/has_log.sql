-- Whether the database holds the log of our load balancer, by the columns that are read here.
select count(*) = 9 as has_log
from information_schema.columns
where table_schema = current_schema()
    and (table_name::text, column_name::text) in (
        ('wal', 'position'), ('wal', 'lane_id'), ('wal', 'transaction_id'),
        ('wal', 'outcome_status'), ('wal', 'logged_at'), ('cursors', 'lane_id'),
        ('cursors', 'instance'), ('cursors', 'position'), ('collections', 'name')
    );
