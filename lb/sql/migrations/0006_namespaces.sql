-- Tenants and databases are written through one lane of their own, which no client ever sees.
insert into collections (id, tenant, database, name, state)
values ('00000000-0000-0000-0000-000000000001', '', '', '', 'active');
