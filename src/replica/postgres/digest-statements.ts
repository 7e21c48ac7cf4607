import { leafFactors, type Dealing } from '../buckets.ts';
import type { DigestScope } from '../digest-source.ts';
import type { Statement } from './statements.ts';

/**
 * The SQL of comparing replicas. `leafOf` and `bucketOf` (replica/buckets) say what is computed
 * here; the contract suite holds both against each other.
 */

const word = 4_294_967_295;
const [first, second, third] = leafFactors;

/**
 * Rows of the keyspace $1, $2. The expression is what the index `cells_by_place` is on, which is kept
 * from single keys so that they use their own; the names are compared again, as two pairs could look
 * the same with a slash between.
 */
const inKeyspace = `(c.tenant || '/' || c.keyspace) = ($1::text || '/' || $2::text) and c.tenant = $1 and c.keyspace = $2`;

/** Fixed parameters come first: tenant, keyspace; then as `scopeValues` has them. */
function conditions(scope: DigestScope): { name: string; sql: string; next: number } {
  let next = 3;
  const parts: { name: string; sql: string }[] = [];
  const add = (name: string, sql: (at: number) => string, count = 1): void => {
    parts.push({ name, sql: sql(next) });
    next += count;
  };
  if (scope.keys?.from !== undefined) add('from', (at) => `and c.key >= $${at}`);
  if (scope.keys?.to !== undefined) add('to', (at) => `and c.key < $${at}`);
  if (scope.modulo) add('modulo', (at) => `and c.token % $${at}::int8 = $${at + 1}::int8`, 2);
  return {
    name: parts.map(({ name }) => `_${name}`).join(''),
    sql: `${inKeyspace} and c.digest <> 0 and c.token is not null ${parts.map(({ sql }) => sql).join(' ')}`,
    next,
  };
}

export function scopeValues(scope: DigestScope): readonly unknown[] {
  return [
    scope.tenant,
    scope.keyspace,
    ...(scope.keys?.from === undefined ? [] : [scope.keys.from]),
    ...(scope.keys?.to === undefined ? [] : [scope.keys.to]),
    ...(scope.modulo ? [scope.modulo.divisor, scope.modulo.remainder] : []),
  ];
}

const bucketSql = {
  arcs: (at: number) => `(c.token * $${at}::int8) >> 32`,
  divisor: (at: number) => `c.token % $${at}::int8`,
  splitKeys: (at: number) => `width_bucket(c.key, $${at}::text[])`,
} as const;

function dealingName(dealing: Dealing): keyof typeof bucketSql {
  if ('arcs' in dealing) return 'arcs';
  return 'divisor' in dealing ? 'divisor' : 'splitKeys';
}

export function dealingValue(dealing: Dealing): unknown {
  if ('arcs' in dealing) return dealing.arcs;
  return 'divisor' in dealing ? dealing.divisor : dealing.splitKeys;
}

/**
 * Bucket, rows and XOR of leaves. `whole` leaves the bounds of tokens out, so that Postgres may
 * read the table as it lies.
 */
export function bucketDigests(scope: DigestScope, dealing: Dealing, whole: boolean): Statement {
  const where = conditions(scope);
  const name = dealingName(dealing);
  const at = where.next;
  const between = whole ? '' : `and c.token >= $${at + 1}::int8 and c.token < $${at + 2}::int8`;
  return {
    name: `quorate_buckets_${name}${where.name}${whole ? '_whole' : ''}`,
    text: `
    select bucket, count(*)::int, bit_xor((y << 32) | (((x # y) * ${third}) & ${word}))
    from (
      select bucket, x, y # (y >> 13) as y from (
        select bucket, x, ((high # x) * ${second}) & ${word} as y from (
          select bucket, high, x # (x >> 15) as x from (
            select (${bucketSql[name](at)})::int8 as bucket, (c.digest >> 32) & ${word} as high,
              (((c.digest & ${word}) # c.token) * ${first}) & ${word} as x
            from cells c where ${where.sql} ${between}
          ) as mixed_low ) as folded_low ) as mixed_high ) as folded_high
    group by bucket`,
  };
}

/**
 * Keys and their digests, of ranges of tokens that are given as two arrays. The limit inside keeps
 * Postgres from turning the join round: it would read the whole keyspace to look for a few ranges.
 */
export function keyDigests(scope: DigestScope, more: boolean): Statement {
  const where = conditions(scope);
  const at = where.next;
  const after = more ? `and (c.token, c.key) > ($${at + 3}::int8, $${at + 4}::text)` : '';
  return {
    name: `quorate_key_digests${where.name}${more ? '_after' : ''}`,
    text: `
    select found.key, found.digest
    from unnest($${at}::int8[], $${at + 1}::int8[]) as r (low, high)
    cross join lateral (
      select c.token, c.key, c.digest from cells c
      where ${where.sql} and c.token >= r.low and c.token < r.high ${after}
      order by c.token, c.key limit $${at + 2}
    ) as found
    order by found.token, found.key limit $${at + 2}`,
  };
}

export const rowsWithoutToken: Statement = {
  name: 'quorate_without_token',
  text: `select tenant, keyspace, key, siblings, context, digest from cells where token is null limit $1`,
};

/** A row that was written meanwhile has its own by now. */
export const fillTokens: Statement = {
  name: 'quorate_fill_tokens',
  text: `
    with filled as (
      update cells c set token = i.token, gone_at = case when c.digest = i.digest then i.gone_at else c.gone_at end
      from unnest($1::text[], $2::text[], $3::text[], $4::int8[], $5::int8[], $6::int8[]) as i (tenant, keyspace, key, token, gone_at, digest)
      where c.tenant = i.tenant and c.keyspace = i.keyspace and c.key = i.key and c.token is null
      returning 1)
    select count(*)::int from filled`,
};
