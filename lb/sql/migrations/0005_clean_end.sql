-- Whether the last active load balancer left nothing in flight; if not, its successor waits.
alter table leader add column ended_cleanly boolean not null default false;
