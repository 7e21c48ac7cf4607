import type { Statement } from './statements.ts';

/**
 * The SQL of the change feed. `order by seq + 0` where the rows are found through `changes_by_xid`
 * or `changes_by_time`: a plain `order by seq limit n` invites the planner to walk the whole log
 * along its primary key.
 */
const columns = 'seq, tenant, keyspace, key, siblings, context, outcomes';

const inRanges = `exists (
        select 1 from unnest($1::text[], $2::text[], $3::text[], $4::text[]) as f (tenant, keyspace, lo, hi)
        where f.tenant = c.tenant and f.keyspace = c.keyspace and c.key >= f.lo and (f.hi is null or c.key < f.hi))`;

/**
 * Whether somebody may want the row: it lies in one of the ranges, or in one of the keyspaces $5 and $6 and
 * the sieve $7 lets its token through. What is asked of every row comes first, and costs next to nothing:
 * of what others write, most ends there. `is true` as in `recentChangesOfKeys`.
 */
const followed = `(
        coalesce(get_bit($7::bytea, c.token & (octet_length($7::bytea) * 8 - 1)), 1) = 1
          and ((c.tenant, c.keyspace) in (
            select f.tenant, f.keyspace from unnest($5::text[], $6::text[]) as f (tenant, keyspace))) is true
        or cardinality($1::text[]) > 0 and ${inRanges})`;

/**
 * Cuts a page at its bytes too, but never to nothing; `found` tells the reader whether it was cut.
 */
const cutAtBytes = (rows: string, direction: 'asc' | 'desc', bytes: string): string => `
      select p.* from (
        select r.*, count(*) over () as found,
          sum(octet_length(r.siblings)) over (order by r.seq ${direction}) - octet_length(r.siblings) as bytes_before
        from (${rows}) r
      ) p where p.bytes_before < ${bytes}`;

/**
 * The greatest transaction that has logged anything; null on an empty log. One probe of the index.
 */
const topXid = `(select top.xid::text from changes top order by top.xid desc limit 1)`;

/**
 * One row at least, also on a quiet log: who and when, and then the page beside it. An idle poll is
 * this one index probe.
 */
const page = (rows: string): string => `
    select n.snapshot, n.incarnation, n.trimmed, n.top, w.found, w.seq, w.tenant, w.keyspace, w.key, w.siblings, w.context, w.outcomes
    from (
      select pg_current_snapshot()::text as snapshot, r.incarnation::text as incarnation, t.xid::text as trimmed,
        ${topXid} as top
      from replica r cross join changes_trimmed t
    ) n left join lateral (${cutAtBytes(rows, 'asc', '$9')}
    ) w on true order by w.seq`;

/** $10 xmax and $11 xip of the position: exactly the transactions that were not finished then. */
const unseen = `(c.xid >= $10::xid8 or c.xid = any($11::xid8[]))`;

/** A new window, up to now. */
export const firstPage: Statement = {
  name: 'quorate_changes_first',
  text: page(
    `select ${columns} from changes c where ${unseen} and ${followed} order by seq + 0 limit $8`,
  ),
};

/** A new window, up to the snapshot $12. */
export const firstPageUntil: Statement = {
  name: 'quorate_changes_first_until',
  text: page(`select ${columns} from changes c
        where ${unseen} and pg_visible_in_snapshot(c.xid, $12::pg_snapshot) and ${followed} order by seq + 0 limit $8`),
};

/**
 * Further pages of the window ($10, $11]: along the primary key, so that a long window is read once
 * and not once a page.
 */
export const nextPage: Statement = {
  name: 'quorate_changes_next',
  text: page(`select ${columns} from changes c
        where c.seq > $12 and not pg_visible_in_snapshot(c.xid, $10::pg_snapshot)
          and pg_visible_in_snapshot(c.xid, $11::pg_snapshot) and ${followed} order by c.seq limit $8`),
};

/**
 * So long ago, in ms, as a query of its own: computed once, so that the rows are found through
 * `changes_by_time`; beside the column it would be computed for every row of the log.
 */
const notBefore = (ageMs: string): string =>
  `(select clock_timestamp() - ${ageMs}::float8 * interval '1 millisecond')`;

/**
 * What was delivered at a position ($7 seen, $8 until, $9 seq), newest first, not older than $10
 * ms.
 */
export const recentChanges: Statement = {
  name: 'quorate_changes_recent',
  text: `${cutAtBytes(
    `select ${columns} from changes c
        where c.at >= ${notBefore('$10')} and ${inRanges}
          and (pg_visible_in_snapshot(c.xid, $7::pg_snapshot)
            or (c.seq <= $9 and pg_visible_in_snapshot(c.xid, $8::pg_snapshot)))
        order by c.seq + 0 desc limit $5`,
    'desc',
    '$6',
  )} order by p.seq`,
};

/**
 * What was logged of the keys $1 to $3, newest first, not older than $4 ms, with the transactions: at most
 * $5 rows, cut at $6 bytes. `is true` keeps the planner from making it a join, whose size it cannot guess:
 * so the keys are hashed once, and every row of that time is looked up among them.
 */
export const recentChangesOfKeys: Statement = {
  name: 'quorate_changes_recent_keys',
  text: `${cutAtBytes(
    `select ${columns}, c.xid::text as xid from changes c
        where c.at >= ${notBefore('$4')}
          and ((c.tenant, c.keyspace, c.key) in (
            select f.tenant, f.keyspace, f.key
            from unnest($1::text[], $2::text[], $3::text[]) as f (tenant, keyspace, key))) is true
        order by c.seq + 0 desc limit $5`,
    'desc',
    '$6',
  )} order by p.seq`,
};

export const headOfChanges: Statement = {
  name: 'quorate_changes_head',
  text: `
    select pg_current_snapshot()::text, r.incarnation::text, t.xid::text, ${topXid} from replica r cross join changes_trimmed t`,
};

/** The first transaction that logged something not older than $1 ms; null when there is none. */
export const changesSince: Statement = {
  name: 'quorate_changes_since',
  text: `
    select pg_current_snapshot()::text, r.incarnation::text, t.xid::text, ${topXid},
      (select min(c.xid::text::numeric)::text from changes c where c.at >= ${notBefore('$1')})
    from replica r cross join changes_trimmed t`,
};

/**
 * One step of trimming: of the $2 first rows of the log, those older than $1 hours and below the
 * oldest running transaction; and the mark that says up to which transaction the log has holes. In
 * one statement, so that no reader sees the hole without the mark.
 */
export const trimChanges: Statement = {
  name: 'quorate_changes_trim',
  text: `
    with first as (select seq, at, xid from changes order by seq limit $2),
    gone as (
      delete from changes c using first f
      where c.seq = f.seq and f.at < clock_timestamp() - $1::float8 * interval '1 hour'
        and f.xid < pg_snapshot_xmin(pg_current_snapshot())
      returning c.xid, c.at
    ),
    marked as (
      update changes_trimmed t set xid = greatest(t.xid, m.xid), at = greatest(t.at, m.at)
      from (select (max(g.xid::text::numeric) + 1)::text::xid8 as xid, max(g.at) as at from gone g) m where m.xid is not null
    )
    select count(*)::int from gone`,
};

/** For the session that trims: each statement is planned for what it is given. */
export const planAnew: Statement = {
  name: 'quorate_changes_plan_anew',
  text: `set plan_cache_mode = auto`,
};

/** One gateway at a time a replica; the lock goes with the session. */
export const lockTrimming: Statement = {
  name: 'quorate_changes_trim_lock',
  text: `select pg_try_advisory_lock(hashtext('quorate'), hashtext('trim changes'))`,
};
