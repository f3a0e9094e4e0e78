-- How many clients have a session, this one among them.
select count(*) from pg_stat_activity where backend_type = 'client backend';
