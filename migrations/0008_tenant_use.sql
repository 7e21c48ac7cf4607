-- What each gateway says its tenants ask of it, so that several gateways keep one limit together. Soft: worth nothing after seconds, so not logged; a crash empties it.
create unlogged table tenant_use (
  tenant  text        collate "C" not null,   -- as filed; '' is the gateway itself: that it is there
  gateway text        collate "C" not null,
  told    text        not null,               -- for gateways to read
  told_at timestamptz not null default clock_timestamp(),
  primary key (tenant, gateway)
) with (fillfactor = 50);                      -- told each second: the new version finds room beside the old one, and touches no index
comment on table tenant_use is 'Quorate: what is asked of each gateway, for limits that hold for all of them together.';
