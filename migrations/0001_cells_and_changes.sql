-- Who this replica is. One row. The incarnation is the actor of every dot minted here; a wiped or restored database must get a new one.
create table replica (
  only_row    boolean     primary key default true check (only_row),
  incarnation uuid        not null default gen_random_uuid(),
  cluster     text,
  name        text,
  created_at  timestamptz not null default clock_timestamp()
);
insert into replica default values;

-- Everything this replica knows of each key.
create table cells (
  tenant     text        collate "C" not null,
  keyspace   text        collate "C" not null,
  key        text        collate "C" not null,
  siblings   text        not null,            -- JSON array, one object a concurrent version; the value last, exactly as it was sent
  context    text        not null,            -- JSON object: actor -> counter; everything this cell has seen
  digest     bigint      not null,            -- 64-bit hash of the state; 0 = nothing written yet
  stamp      text        collate "C" not null default '',  -- LAST_WRITE_WINS keyspaces: the sortable time of the one version
  pi         bigint      not null default 0,  -- context['pi']: the ballot this cell has reached
  promised   bigint      not null default 0,  -- the greatest ballot promised (Paxos acceptor)
  updated_at timestamptz not null default clock_timestamp(),
  primary key (tenant, keyspace, key)
);
comment on table cells is 'Quorate: one row a key. Written only by compare-and-swap on digest.';

-- What changed, in the same statement as the cell. A feed reads rows whose transaction is older than every running one.
create table changes (
  seq      bigint      generated always as identity primary key,
  xid      xid8        not null default pg_current_xact_id(),
  at       timestamptz not null default clock_timestamp(),
  tenant   text        collate "C" not null,
  keyspace text        collate "C" not null,
  key      text        collate "C" not null,
  siblings text        not null,
  context  text        not null
);
create index changes_by_xid on changes (xid, seq);
create index changes_by_time on changes using brin (at);
comment on table changes is 'Quorate: the change log. Trimmed by age; trimmed_to says up to which transaction.';

-- Up to where the change log was trimmed: a cursor older than that has a gap.
create table changes_trimmed (
  only_row boolean primary key default true check (only_row),
  xid      xid8    not null default '0'
);
insert into changes_trimmed default values;
