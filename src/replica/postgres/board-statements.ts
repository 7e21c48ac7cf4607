import type { Statement } from './statements.ts';

/** The SQL of the board: a few rows a gateway and tenant, and counting what a tenant keeps. */

/** Rows are locked in the order of their keys; each gateway writes its own and no other. */
export const exchangeNotes: Statement = {
  name: 'quorate_exchange_notes',
  text: `
    with told as (
      insert into tenant_use (tenant, gateway, told, told_at)
      select i.tenant, $1, i.told, clock_timestamp()
      from unnest($2::text[], $3::text[]) as i (tenant, told) order by i.tenant
      on conflict (tenant, gateway) do update set told = excluded.told, told_at = excluded.told_at
    ),
    -- Once in a hundred times: what a gateway that is gone has left would stay for ever.
    swept as (
      delete from tenant_use where random() < 0.01 and told_at < clock_timestamp() - interval '1 hour'
    )
    select tenant, gateway, told, extract(epoch from clock_timestamp() - told_at) * 1000 from tenant_use
    where tenant = any($4::text[]) and gateway <> $1
      and told_at > clock_timestamp() - $5::float8 * interval '1 ms'`,
};

/**
 * One page of a tenant's rows, counted by keyspace. `octet_length` of a value that is stored apart is
 * read from where it is pointed to, so a page costs its rows and not their bytes.
 */
export const tenantSizes: Statement = {
  name: 'quorate_tenant_sizes',
  text: `
    select keyspace, count(*) filter (where live), coalesce(sum(bytes) filter (where live), 0), max(key), count(*)
    from (
      select keyspace, key, octet_length(key) + octet_length(siblings) as bytes,
        digest <> 0 and (gone_at is null or gone_at > extract(epoch from clock_timestamp()) * 1000) as live
      from cells where tenant = $1 and (keyspace, key) > ($2::text collate "C", $3::text collate "C")
      order by keyspace, key limit $4
    ) as page
    group by keyspace order by keyspace`,
};
