-- Reads and writes of single keys must go through the primary key, whatever the planner knows. Beside an index that begins with
-- (tenant, keyspace) it takes the two for equally good in a database without statistics, and then reads a whole keyspace for every key.
-- An expression keeps this index for those who ask by it: the comparison of replicas.
create index cells_by_place on cells ((tenant || '/' || keyspace), token);
drop index cells_by_token;
