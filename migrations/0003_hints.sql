-- Cells that other replicas did not take: kept here, and joined there by any gateway once they are back.
create table hints (
  target        text        collate "C" not null,   -- the id of the replica that it is for
  tenant        text        collate "C" not null,
  keyspace      text        collate "C" not null,
  key           text        collate "C" not null,
  digest        bigint      not null,                -- of the cell: the same state is kept once
  siblings      text        not null,                -- the whole cell, as in cells
  context       text        not null,
  outcomes      text        not null default '',
  stamp         text        collate "C" not null default '',
  epoch         int         not null,                -- the topology that named the target
  bytes         int         not null,
  created_at    timestamptz not null default clock_timestamp(),
  expires_at    timestamptz not null,
  claimed_by    text,                                -- the gateway that delivers it now
  claimed_until timestamptz,
  primary key (target, tenant, keyspace, key, digest)
) with (fillfactor = 80);                            -- a claim finds room beside the row, and touches no index
create index hints_by_key on hints (tenant, keyspace, key);
create index hints_by_expiry on hints (expires_at);
comment on table hints is 'Quorate: hinted handoff. A hint never counts as an acknowledgement; the same one twice does no harm.';
