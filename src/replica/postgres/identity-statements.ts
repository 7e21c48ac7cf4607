import type { Statement } from './statements.ts';

/**
 * The SQL of the register role: who this database is, and what it knows of the others. One row of
 * `replica`, a few of `witnesses`. The last column is for naming what the latest migration has added: a
 * database that was restored from before it is found out when a connection is opened, and migrated again.
 */
const identity = (place: { server: string; from: string }): string => `
    select r.incarnation::text, extract(epoch from clock_timestamp()) * 1000, r.state,
      extract(epoch from clock_timestamp() - r.state_since) * 1000, r.repair_cause, r.cluster, r.name, r.fence,
      pg_snapshot_xmax(pg_current_snapshot())::text, extract(epoch from pg_postmaster_start_time())::text,
      ${place.server},
      case when pg_is_in_recovery() then 0
        else ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::int end,
      r.server, r.timeline, (select c.token from changes c limit 0)
    from replica r ${place.from}`;

/** Read at every connection. */
export const identify: Statement = {
  name: 'quorate_identify',
  text: identity({
    server: `s.system_identifier || '/' || (select d.oid from pg_database d where d.datname = current_database())`,
    from: 'cross join pg_control_system() s',
  }),
};

/** The same for a role that may not ask for the system identifier. */
export const identifyWithoutServer: Statement = {
  name: 'quorate_identify_without_server',
  text: identity({ server: `''`, from: '' }),
};

/** A compare-and-swap on incarnation and state: of several gateways that saw the same, one wins. */
export const becomeStanding: Statement = {
  name: 'quorate_become',
  text: `
    update replica set incarnation = coalesce($3::uuid, incarnation), state = $4, cluster = $5, name = $6, server = $7,
      timeline = $8, repair_cause = $9, fence = greatest(fence, $10::int8) + 1, promise_floor = $11,
      state_since = clock_timestamp(), repair_owner = '', repair_until = '-infinity'
    where incarnation = $1::uuid and state = $2
    returning 1`,
};

export const beatFence: Statement = {
  name: 'quorate_beat',
  text: `update replica set fence = fence + 1 where incarnation = $1::uuid returning fence`,
};

export const readWitnesses: Statement = {
  name: 'quorate_witnesses',
  text: `select replica, incarnation::text, fence, xid::text, server, timeline from witnesses`,
};

/** `laterWitness` of replica/register in SQL. */
export const rememberWitnesses: Statement = {
  name: 'quorate_remember',
  text: `
    insert into witnesses as w (replica, incarnation, fence, xid, server, timeline)
    select * from unnest($1::text[], $2::uuid[], $3::int8[], $4::xid8[], $5::text[], $6::int[]) order by 1
    on conflict (replica) do update set incarnation = excluded.incarnation, fence = excluded.fence, xid = excluded.xid,
      server = excluded.server, timeline = excluded.timeline, seen_at = clock_timestamp()
    where w.fence < excluded.fence
      or (w.fence = excluded.fence and w.incarnation = excluded.incarnation and w.xid < excluded.xid)`,
};

/** Paxos on the cluster's id, first phase. */
export const promiseFounding: Statement = {
  name: 'quorate_promise_founding',
  text: `
    with promised as (
      update replica set founding_promised = $1 where state = 'new' and founding_promised < $1
      returning founding_accepted, cluster
    )
    select true, founding_accepted, cluster from promised
    union all
    select false, founding_accepted, cluster from replica where not exists (select from promised)`,
};

export const acceptFounding: Statement = {
  name: 'quorate_accept_founding',
  text: `
    update replica set founding_promised = $1, founding_accepted = $1, cluster = $2
    where state = 'new' and founding_promised <= $1 returning 1`,
};

/** One gateway at a time brings it up to date; when that one dies, the next one may after a while. */
export const leaseRepair: Statement = {
  name: 'quorate_lease_repair',
  text: `
    update replica set repair_owner = $1, repair_until = clock_timestamp() + $2::float8 * interval '1 millisecond'
    where repair_owner = $1 or repair_until < clock_timestamp() returning 1`,
};

/** Reads the whole table: once for each admission of another replica, which has read it anyway. */
export const greatestBallot: Statement = {
  name: 'quorate_greatest_ballot',
  text: `select coalesce(max(greatest(promised, pi)), 0) from cells`,
};

export const readNumbers: Statement = {
  name: 'quorate_numbers',
  text: `select number, owner, extract(epoch from seen_at) * 1000 from gateways`,
};

export const learnNumbers: Statement = {
  name: 'quorate_learn_numbers',
  text: `
    insert into gateways as g (number, owner, seen_at)
    select i.number, i.owner, to_timestamp(i.seen_ms / 1000)
    from unnest($1::int[], $2::text[], $3::float8[]) as i (number, owner, seen_ms) order by 1
    on conflict (number) do update set owner = excluded.owner, seen_at = excluded.seen_at
    where g.seen_at < excluded.seen_at`,
};
