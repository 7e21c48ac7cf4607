import type { Statement } from './statements.ts';

/**
 * Every SQL text about hints. What keeps, takes or removes one carries a deadline in the replica's
 * own time, as in `statements.ts`: a hint that a frozen server stored hours later could bring back
 * what has been deleted and forgotten since.
 */

/** One row for each hint. One that is there already is the same cell: only its time is new. */
export const putHints: Statement = {
  name: 'quorate_put_hints',
  text: `
    with input as materialized (
      select i.*, extract(epoch from clock_timestamp()) * 1000 < i.deadline as in_time
      from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::int8[], $6::text[], $7::text[], $8::text[], $9::text[],
                  $10::int4[], $11::float8[], $12::float8[]) with ordinality
        as i (target, tenant, keyspace, key, digest, siblings, context, outcomes, stamp, epoch, life_ms, deadline, n)
    ),
    kept as (
      insert into hints (target, tenant, keyspace, key, digest, siblings, context, outcomes, stamp, epoch, bytes, expires_at)
      select target, tenant, keyspace, key, digest, siblings, context, outcomes, stamp, epoch,
        octet_length(siblings) + octet_length(context) + octet_length(outcomes),
        clock_timestamp() + life_ms * interval '1 millisecond'
      from input where in_time order by n
      on conflict (target, tenant, keyspace, key, digest)
        do update set expires_at = excluded.expires_at, claimed_by = null, claimed_until = null
    )
    select n::int, true, in_time from input`,
};

/**
 * Takes hints for one target. What another gateway has taken is passed over, and not waited for:
 * several drain at once, and none does what another does.
 */
export const claimHints: Statement = {
  name: 'quorate_claim_hints',
  text: `
    with open as materialized (
      select target, tenant, keyspace, key, digest from hints
      where target = $1 and expires_at > clock_timestamp()
        and (claimed_until is null or claimed_until <= clock_timestamp())
        and extract(epoch from clock_timestamp()) * 1000 < $5::float8
      order by tenant, keyspace, key, digest limit $2 for update skip locked
    )
    update hints h set claimed_by = $3, claimed_until = clock_timestamp() + $4::float8 * interval '1 millisecond'
    from open o
    where h.target = o.target and h.tenant = o.tenant and h.keyspace = o.keyspace and h.key = o.key and h.digest = o.digest
    returning h.tenant, h.keyspace, h.key, h.digest, h.stamp, h.epoch, h.siblings, h.context, h.digest, 0, h.outcomes`,
};

export const removeHints: Statement = {
  name: 'quorate_remove_hints',
  text: `
    delete from hints h
    using unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::int8[]) as i (target, tenant, keyspace, key, digest)
    where h.target = i.target and h.tenant = i.tenant and h.keyspace = i.keyspace and h.key = i.key and h.digest = i.digest
      and h.claimed_by = $6 and extract(epoch from clock_timestamp()) * 1000 < $7::float8`,
};

export const countHints: Statement = {
  name: 'quorate_count_hints',
  text: `
    select target, count(*)::int8, sum(bytes)::int8,
      extract(epoch from clock_timestamp() - min(created_at))::float8 * 1000
    from hints group by target order by target`,
};

/** Open, or expired while somebody is delivering it. */
export const findHints: Statement = {
  name: 'quorate_find_hints',
  text: `
    select i.n::int, exists (
      select from hints h where h.tenant = i.tenant and h.keyspace = i.keyspace and h.key = i.key
        and (h.expires_at > clock_timestamp() or h.claimed_until > clock_timestamp()))
    from unnest($1::text[], $2::text[], $3::text[]) with ordinality as i (tenant, keyspace, key, n)`,
};

/** What somebody is delivering just now is left to him. */
export const expireHints: Statement = {
  name: 'quorate_expire_hints',
  text: `
    with gone as (
      delete from hints where (target, tenant, keyspace, key, digest) in (
        select target, tenant, keyspace, key, digest from hints
        where expires_at <= clock_timestamp() and (claimed_until is null or claimed_until <= clock_timestamp())
        order by expires_at limit $1 for update skip locked)
      returning 1)
    select count(*)::int from gone`,
};

/** With the rows of a dropped keyspace go the hints for it. */
export const deleteKeyspaceHints: Statement = {
  name: 'quorate_delete_keyspace_hints',
  text: `
    with gone as (
      delete from hints where (target, tenant, keyspace, key, digest) in (
        select target, tenant, keyspace, key, digest from hints where tenant = $1 and keyspace = $2 limit $3)
      returning 1)
    select count(*)::int from gone`,
};
