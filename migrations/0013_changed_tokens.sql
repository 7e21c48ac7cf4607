-- Where the changed key lies on the ring, as in cells: whoever follows single keys is sent only rows whose token may be one of theirs.
-- Null: written by an earlier version, and sent to everybody who follows a key of that keyspace.
alter table changes add column token bigint;
