-- Where a key lies on the ring (murmur3, unsigned 32 bits), so that replicas can be compared by ranges of tokens. Never changes, so updates stay HOT. Null: written by an earlier version, filled in by anti-entropy.
alter table cells add column token bigint;
create index cells_by_token on cells (tenant, keyspace, token);
create index cells_without_token on cells (tenant) where token is null;

-- From when on all that the cell holds is deletions (ms since 1970); null while it holds a version that never expires.
alter table cells add column gone_at bigint;
create index cells_gone on cells (tenant, keyspace, gone_at, key) where gone_at is not null;

-- Which gateway is comparing which keyspace, and how far it is. A lease, and a place to look; nothing depends on it but work that would be done twice.
create table repairs (
  tenant      text        collate "C" not null,
  keyspace    text        collate "C" not null,
  owner       text        not null,
  until       timestamptz not null,            -- of the lease
  started_at  timestamptz not null default clock_timestamp(),
  finished_at timestamptz,                     -- of the last whole pass
  reached     int         not null default 0,  -- the next partition of this pass
  partitions  int         not null,
  compared    bigint      not null default 0,  -- of this pass: keys
  different   bigint      not null default 0,
  repaired    bigint      not null default 0,  -- cells written
  bytes       bigint      not null default 0,
  failed      bigint      not null default 0,  -- partitions that could not be compared
  primary key (tenant, keyspace)
);
comment on table repairs is 'Quorate: progress of anti-entropy, a row a keyspace.';
