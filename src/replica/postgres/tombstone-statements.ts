import type { Statement } from './statements.ts';

/** The SQL of letting go of deletions, and of the ledger of repairs. */

export function goneKeys(more: boolean): Statement {
  return {
    name: `quorate_gone${more ? '_after' : ''}`,
    text: `
    select key, gone_at from cells
    where tenant = $1 and keyspace = $2 and gone_at is not null and gone_at <= $3::int8
      ${more ? 'and (gone_at, key) > ($5::int8, $6::text)' : ''}
    order by gone_at, key limit $4`,
  };
}

/**
 * Forgets cells that still have the expected digest. A row that was promised to a ballot, or that
 * consensus has written, stays behind empty with its promise: an older ballot must go on being
 * refused. So does one that was handed over, with how often it was. Locks and deadline as in `judged` of the writing statements.
 */
export const collectCells: Statement = {
  name: 'quorate_collect',
  text: `
    with locked as materialized (
      select 1 from unnest($1::text[], $2::text[], $3::text[]) as i (tenant, keyspace, key)
      join cells c on c.tenant = i.tenant and c.keyspace = i.keyspace and c.key = i.key
      order by i.tenant, i.keyspace, i.key for update of c
    ),
    judged as materialized (
      select i.*, extract(epoch from clock_timestamp()) * 1000 < i.deadline as in_time
      from (select count(*) from locked) as all_locked
      cross join unnest($1::text[], $2::text[], $3::text[], $4::int8[], $5::float8[], $6::bool[]) with ordinality
        as i (tenant, keyspace, key, expected, deadline, handed_over, n)
    ),
    emptied as (
      update cells c set siblings = '[]', context = '{}', digest = 0, stamp = '', outcomes = '', gone_at = null,
        promised = greatest(c.promised, c.pi), pi = 0, emptied = c.emptied + j.handed_over::int, updated_at = clock_timestamp()
      from judged j
      where c.tenant = j.tenant and c.keyspace = j.keyspace and c.key = j.key and c.digest = j.expected and j.in_time
        and (c.promised > 0 or c.pi > 0 or c.emptied > 0 or j.handed_over)
      returning j.n
    ),
    removed as (
      delete from cells c using judged j
      where c.tenant = j.tenant and c.keyspace = j.keyspace and c.key = j.key and c.digest = j.expected and j.in_time
        and c.promised = 0 and c.pi = 0 and c.emptied = 0 and not j.handed_over
      returning j.n
    )
    select j.n::int, g.n is not null, j.in_time
    from judged j left join (select n from emptied union all select n from removed) as g on g.n = j.n`,
};

/** A pass that is over begins anew when it is due; one that is not goes on where it was left. */
export const claimRepair: Statement = {
  name: 'quorate_claim_repair',
  text: `
    insert into repairs as r (tenant, keyspace, owner, partitions, until)
    values ($1, $2, $3, $4::int, clock_timestamp() + $5::float8 * interval '1 ms')
    on conflict (tenant, keyspace) do update set owner = excluded.owner, until = excluded.until, partitions = excluded.partitions,
      reached = case when r.reached < r.partitions and r.partitions = excluded.partitions then r.reached else 0 end,
      started_at = case when r.reached < r.partitions then r.started_at else clock_timestamp() end,
      compared = case when r.reached < r.partitions then r.compared else 0 end,
      different = case when r.reached < r.partitions then r.different else 0 end,
      repaired = case when r.reached < r.partitions then r.repaired else 0 end,
      bytes = case when r.reached < r.partitions then r.bytes else 0 end,
      failed = case when r.reached < r.partitions then r.failed else 0 end
    where (r.until < clock_timestamp() or r.owner = excluded.owner)
      and (r.reached < r.partitions or r.finished_at < clock_timestamp() - $6::float8 * interval '1 ms')
    returning reached`,
};

/** A pass that is over lets go of its lease. */
export const noteRepair: Statement = {
  name: 'quorate_note_repair',
  text: `
    update repairs set reached = $4::int, compared = compared + $6::int8, different = different + $7::int8,
      repaired = repaired + $8::int8, bytes = bytes + $9::int8, failed = failed + $10::int8,
      finished_at = case when $4::int >= partitions then clock_timestamp() else finished_at end,
      until = case when $4::int >= partitions then clock_timestamp() else clock_timestamp() + $5::float8 * interval '1 ms' end
    where tenant = $1 and keyspace = $2 and owner = $3
    returning 1`,
};
