-- Whose database this is, and whether its word counts. `new` until a gateway has made it part of a cluster.
alter table replica
  add column state             text        not null default 'new' check (state in ('new', 'repairing', 'admitted')),
  add column state_since       timestamptz not null default clock_timestamp(),
  add column repair_cause      text        not null default '' check (repair_cause in ('', 'empty', 'copy')),
  add column server            text        not null default '',  -- system identifier/database oid, as it was when last looked at
  add column timeline          int         not null default 0,
  add column fence             bigint      not null default 0,   -- grows while the replica is written to, and with every new incarnation
  add column promise_floor     bigint      not null default 0,   -- ballots up to this are refused as if a greater one was promised
  add column founding_promised text        collate "C" not null default '',  -- the agreement on the cluster's id, at the first start
  add column founding_accepted text        collate "C" not null default '',
  add column repair_owner      text        not null default '',  -- the gateway that brings it up to date now
  add column repair_until      timestamptz not null default '-infinity';

-- What was last seen of the OTHER replicas: an older copy of one of them is known by being behind it.
create table witnesses (
  replica     text   primary key,
  incarnation uuid   not null,
  fence       bigint not null,
  xid         xid8   not null,           -- the greatest transaction there whose effect was acknowledged
  server      text   not null,
  timeline    int    not null,
  seen_at     timestamptz not null default clock_timestamp()
);
comment on table witnesses is 'Quorate: what gateways have last seen of the other replicas.';
