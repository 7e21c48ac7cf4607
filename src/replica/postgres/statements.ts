import { courtesyMs } from '../../paxos/acceptor.ts';
import { largeCellBytes } from '../replica.ts';

/**
 * Every SQL text of the data path. Each is one statement for a whole batch: one array a column, one
 * element a call.
 *
 * Rows are locked in the order of the input (keys sorted by the batcher, nested loops forced on
 * write connections), so that two batches of two gateways do not deadlock; where they still do,
 * Postgres aborts one, which certainly wrote nothing, and it is sent again.
 */
export interface Statement {
  readonly name: string;
  readonly text: string;
}

export const areYouThere: Statement = {
  name: 'quorate_ping',
  text: `select incarnation::text from replica`,
};

/**
 * How a deadline reaches a statement that is being carried out: when nobody waits for any of its
 * calls any more, the batcher drops the connection, and the server, which looks this often, ends the
 * statement. So each batch has its own deadline, at no round trip; a `statement_timeout` would have
 * to be set anew for each. `statement_timeout` is for connections that are cut without a word.
 */
export const endWhenAbandoned: Statement = {
  name: 'quorate_end_when_abandoned',
  text: `select set_config('client_connection_check_interval', '100ms', false)`,
};

/**
 * A cell comes as one text, `null` where there is none: what a column takes on its way, at both ends, is
 * more than what is in it, and cells that are equal are seen to be by comparing texts. No field can hold
 * the mark: all of them are JSON, in which no character below U+0020 stands but white space. The first
 * row says which incarnation answers: a connection may outlive it behind a proxy. Of a large cell, where it
 * is asked for briefly, only the first three fields come; how long it is Postgres knows without fetching it.
 */
export const readCells: Statement = {
  name: 'quorate_read',
  text: `
    select i.n::int, case when c.digest is not null then
        case when i.briefly and octet_length(c.siblings) >= ${largeCellBytes} then concat_ws(E'\\x1f', c.digest, c.promised, c.emptied)
          else concat_ws(E'\\x1f', c.digest, c.promised, c.emptied, c.siblings, c.context, c.outcomes) end end,
      case when i.n = 1 then r.incarnation::text end
    from replica r cross join unnest($1::text[], $2::text[], $3::text[], $4::bool[]) with ordinality as i (tenant, keyspace, key, briefly, n)
    left join cells c on c.tenant = i.tenant and c.keyspace = i.keyspace and c.key = i.key`,
};

/**
 * The rows of a writing statement are locked first, in the order of the input, and time is read
 * afterwards, once: a statement that had to wait for a lock until its deadline was over changes nothing.
 * (`on conflict` takes rows one by one, and without the locks costs a sixth less; but then a row that is
 * not there yet would be written late, and what one call waits for would count against others.) The
 * first row of an answer tells the server's clock, so that a step of either clock is noticed with the next
 * answer.
 */
const locked = `
    locked as materialized (
      select 1 from unnest($1::text[], $2::text[], $3::text[]) as i (tenant, keyspace, key)
      join cells c on c.tenant = i.tenant and c.keyspace = i.keyspace and c.key = i.key
      order by i.tenant, i.keyspace, i.key for update of c
    ),
    now as materialized (
      select date_part('epoch', clock_timestamp()) * 1000 as now_ms from (select count(*) from locked) as all_locked
    )`;

/** What every written cell has. Further columns come after these. */
const cellColumns =
  'tenant, keyspace, key, siblings, context, digest, stamp, deadline, token, gone_at';
const cellArrays =
  '$1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::int8[], $7::text[], $8::float8[], $9::int8[], $10::int8[]';

/**
 * The input of a swap, and whether each row may still act: in time, and on the incarnation that its dot
 * is minted for, or that promised. `floor` is what an accept must have reached, besides the row's
 * promise; `emptied` is what the row of a minted dot must say, or null.
 */
const judged = `${locked},
    judged as materialized (
      select i.*, t.now_ms, t.now_ms < i.deadline as in_time,
        (i.only_by = '' or i.only_by = r.incarnation::text) as same_incarnation,
        case when i.accepts then r.promise_floor else 0 end as floor
      from now as t cross join unnest(${cellArrays}, $11::int8[], $12::text[], $13::text[], $14::int8[],
                  $15::bool[], $16::int[], $17::int8[]) with ordinality
        as i (${cellColumns}, pi, outcomes, only_by, expected, accepts, emptied, promises, n)
      cross join replica r
    )`;

/**
 * What has become of each row. A hashed look-up and not a join: joins are nested loops here, which
 * would compare every call of a batch with every other.
 */
const appliedBy = (condition: string): string => `
    applied as materialized (select j.*, (${condition}) as is_applied from judged j)`;

/**
 * The change log rides in the same statement as the cell: a change without its log row, or the
 * reverse, cannot exist.
 */
const loggedWith = (outcomes: string): string => `
    logged as (
      insert into changes (tenant, keyspace, key, token, siblings, context, outcomes)
      select tenant, keyspace, key, token, siblings, context, ${outcomes}
      from applied where is_applied order by n
    )`;

/**
 * Compare and swap on the digest. The update rechecks digest and promise on the newest row version
 * (READ COMMITTED), so a swap that lost a race changes nothing. `j.pi <= c.pi or
 * greatest(c.promised, floor) <= j.pi` is rule A, and for a cell that advances π it is Paxos accept.
 */
export const swapCells: Statement = {
  name: 'quorate_swap',
  text: `
    with ${judged},
    updated as (
      update cells c set siblings = j.siblings, context = j.context, digest = j.digest, stamp = j.stamp, pi = j.pi, outcomes = j.outcomes,
        gone_at = j.gone_at, promised = greatest(c.promised, j.pi, j.promises), updated_at = clock_timestamp()
      from judged j
      where c.tenant = j.tenant and c.keyspace = j.keyspace and c.key = j.key and c.digest = j.expected
        and (j.pi <= c.pi or greatest(c.promised, j.floor) <= j.pi) and j.in_time and j.same_incarnation
        and coalesce(j.emptied, c.emptied) = c.emptied
      returning j.n
    ),
    inserted as (
      insert into cells (tenant, keyspace, key, siblings, context, digest, stamp, pi, promised, outcomes, token, gone_at)
      select j.tenant, j.keyspace, j.key, j.siblings, j.context, j.digest, j.stamp, j.pi, greatest(j.pi, j.promises), j.outcomes, j.token, j.gone_at
      from judged j where j.expected = 0 and (j.pi = 0 or j.floor <= j.pi) and j.in_time and j.same_incarnation
        and coalesce(j.emptied, 0) = 0 order by j.n
      on conflict do nothing returning tenant, keyspace, key
    ),
    ${appliedBy('j.n in (select n from updated) or (j.tenant, j.keyspace, j.key) in (select tenant, keyspace, key from inserted)')},
    ${loggedWith(`case when position('"stage":"fenced"' in outcomes) > 0 then outcomes else '' end`)}
    select a.n::int, a.is_applied, a.in_time, a.same_incarnation, c.siblings, c.context, c.digest,
      greatest(c.promised, a.floor), c.outcomes, c.emptied, case when a.n = 1 then a.now_ms end, case when a.is_applied then pg_current_xact_id()::text end
    from applied a
    left join cells c on not a.is_applied and c.tenant = a.tenant and c.keyspace = a.keyspace and c.key = a.key`,
};

/**
 * LAST_WRITE_WINS: the greater stamp stays, whatever order the versions arrive in. No dot is minted, nothing
 * is accepted, and cells that tell of outcomes are swapped: what a swap needs beyond a cell is left out,
 * because a column takes Postgres half a microsecond a row.
 */
export const keepNewestCells: Statement = {
  name: 'quorate_keep_newest',
  text: `
    with ${locked},
    judged as materialized (
      select i.*, t.now_ms, t.now_ms < i.deadline as in_time
      from now as t cross join unnest(${cellArrays}) with ordinality as i (${cellColumns}, n) cross join replica r
    ),
    stored as (
      insert into cells as c (tenant, keyspace, key, siblings, context, digest, stamp, pi, promised, token, gone_at)
      select j.tenant, j.keyspace, j.key, j.siblings, j.context, j.digest, j.stamp, 0, 0, j.token, j.gone_at
      from judged j where j.in_time order by j.n
      on conflict (tenant, keyspace, key) do update set siblings = excluded.siblings, context = excluded.context,
        digest = excluded.digest, stamp = excluded.stamp, gone_at = excluded.gone_at, updated_at = clock_timestamp()
      where c.stamp < excluded.stamp
      returning tenant, keyspace, key
    ),
    ${appliedBy('(j.tenant, j.keyspace, j.key) in (select tenant, keyspace, key from stored)')},
    ${loggedWith(`''`)}
    select a.n::int, a.is_applied, a.in_time, true, case when a.n = 1 then a.now_ms end,
      case when a.is_applied then pg_current_xact_id()::text end
    from applied a`,
};

/**
 * Paxos prepare; `mayPromise` of paxos/acceptor in SQL. An absent key gets a row with digest 0,
 * which every read takes for absent.
 */
export const prepareBallots: Statement = {
  name: 'quorate_prepare',
  text: `
    with input as materialized (
      select i.*, r.promise_floor, r.incarnation, extract(epoch from clock_timestamp()) * 1000 < i.deadline as in_time
      from replica r cross join unnest($1::text[], $2::text[], $3::text[], $4::int8[], $5::float8[], $6::int8[]) with ordinality
        as i (tenant, keyspace, key, ballot, deadline, token, n)
    ),
    raised as (
      insert into cells as c (tenant, keyspace, key, siblings, context, digest, promised, token)
      select i.tenant, i.keyspace, i.key, '[]', '{}', 0, i.ballot, i.token from input i
      where i.in_time and (i.ballot = 0 or i.ballot > i.promise_floor
        or exists (select from cells e where e.tenant = i.tenant and e.keyspace = i.keyspace and e.key = i.key)) order by i.n
      on conflict (tenant, keyspace, key) do update set promised = excluded.promised
      where greatest(c.promised, (select promise_floor from replica)) < excluded.promised and (c.promised <= c.pi or c.promised = c.pi + 4096 or c.promised % 4096 = excluded.promised % 4096
        or excluded.promised / 4096 - c.promised / 4096 > ${courtesyMs})
      returning tenant, keyspace, key, siblings, context, digest, promised, outcomes, emptied
    )
    select i.n::int, r.key is not null, i.in_time,
      coalesce(r.siblings, c.siblings), coalesce(r.context, c.context), coalesce(r.digest, c.digest),
      greatest(r.promised, c.promised, i.promise_floor), coalesce(r.outcomes, c.outcomes),
      coalesce(r.emptied, c.emptied), i.incarnation::text, case when r.key is not null then pg_current_xact_id()::text end
    from input i
    left join raised r on r.tenant = i.tenant and r.keyspace = i.keyspace and r.key = i.key
    left join cells c on r.key is null and c.tenant = i.tenant and c.keyspace = i.keyspace and c.key = i.key`,
};

/**
 * Gives a proposer number to `owner` unless somebody else has it and was seen within a day; answers
 * with whom it belongs to.
 */
export const claimNumber: Statement = {
  name: 'quorate_claim_number',
  text: `
    with claimed as (
      insert into gateways as g (number, owner) values ($1, $2)
      on conflict (number) do update set owner = excluded.owner, seen_at = clock_timestamp()
      where g.owner = excluded.owner or g.seen_at < clock_timestamp() - interval '1 day'
      returning owner
    )
    select owner from claimed
    union all
    select owner from gateways where number = $1 and not exists (select from claimed)`,
};

/** Removes the rows of a dropped keyspace in bounded steps. */
export const deleteKeyspaceRows: Statement = {
  name: 'quorate_delete_keyspace',
  text: `
    with gone as (
      delete from cells where (tenant, keyspace, key) in (
        select tenant, keyspace, key from cells where tenant = $1 and keyspace = $2 limit $3)
      returning 1)
    select count(*)::int from gone`,
};
