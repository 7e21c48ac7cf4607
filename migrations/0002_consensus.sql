-- Outcomes of writes that carried an idempotency key, so that a retry is answered and not applied again. Part of the cell.
alter table cells add column outcomes text not null default '';   -- JSON object: write id -> fingerprint, applied, time; '' for none

-- Which gateway process proposes with which number. A ballot is (round, number); a number is owned by whom a majority of replicas names.
create table gateways (
  number  int         primary key,
  owner   text        not null,
  seen_at timestamptz not null default clock_timestamp()
);
comment on table gateways is 'Quorate: proposer numbers. Given out again when their owner has not been seen for a day.';
