import { fieldMark } from './rows.ts';
import type { Statement } from './statements.ts';

/** Between two rows of a page, and between two fields of a row. See `scanCells`. */
export const pageMarks = { row: '\u001e', field: fieldMark } as const;

/** Which stretch, of four sorts, so that each one has its index plan. */
interface Stretch {
  readonly reverse: boolean;
  readonly bounded: boolean;
}

/**
 * Pages of key ranges, one for every call: bounds, never LIKE; bytes, never a locale. Each is cut at its
 * bytes here, so that the rest is never sent; `octet_length` does not fetch what lies in TOAST, and what
 * is left out by `filter` is not put together. `found` counts the rows before that cut.
 *
 * A page comes as one text, and not as a row a cell: what a row takes on its way, at both ends, is more
 * than what is in it, and pages that are equal are seen to be by comparing two texts. No field can hold
 * a mark: keys come quoted as JSON, and all other texts are JSON, in which no character below U+0020
 * stands but white space.
 */
export function scanCells(what: Stretch): Statement {
  const page = `string_agg(concat_ws(E'\\x1f', digest, promised, emptied, to_json(key), siblings, context, outcomes), E'\\x1e' order by ${orderOf(what)})`;
  return {
    name: `quorate_scan_${nameOf(what)}`,
    text: `
    select i.n::int, r.incarnation::text, p.found, p.page, p.sum
    from ${input(what, 'summed')}
    cross join lateral (
      select count(*)::int as found, ${page} filter (where ${fits}) as page, ${sumOf(`i.summed and (${fits})`)} as sum
      from ${rowsOf(what)}
    ) p`,
  };
}

/**
 * What the same pages sum up to. Not a way of the statement above: there the window would carry all that
 * a page is made of past these few bytes, and take twice as long.
 */
export function sumCells(what: Stretch): Statement {
  return {
    name: `quorate_sum_${nameOf(what)}`,
    text: `
    select i.n::int, r.incarnation::text, p.found, p.found > 1 and p.bytes > i.room, p.sum
    from ${input(what)}
    cross join lateral (
      select count(*)::int as found, max(bytes) as bytes, ${sumOf(fits)} as sum
      from ${rowsOf(what)}
    ) p`,
  };
}

/** A page has one row, and further ones as long as there is room for them. */
const fits = 'bytes = own or bytes <= i.room';

/**
 * 128 bits over the keys and their digests. The hash is the one by which Postgres deals rows to
 * partitions: the same in every version of it, though not on every architecture.
 */
function sumOf(condition: string): string {
  const words = ['digest', '~digest'].map(
    (seed) => `bit_xor(hashtextextended(key, ${seed})) filter (where ${condition})`,
  );
  return `concat_ws(' ', ${words.join(', ')})`;
}

function rowsOf({ reverse, bounded }: Stretch): string {
  const order = orderOf({ reverse });
  return `(
        select s.*, sum(own) over (order by ${order} rows unbounded preceding) as bytes
        from (
          select key, siblings, context, digest, promised, outcomes, emptied,
            octet_length(siblings) + octet_length(context) + octet_length(outcomes) as own
          from cells where tenant = i.tenant and keyspace = i.keyspace and key >= i.low ${bounded ? 'and key < i.high' : ''} and digest <> 0
          order by ${order} limit i.most
        ) s
      ) s`;
}

/** Bounds come last but for what only one of the statements asks. */
function input({ bounded }: Stretch, more?: 'summed'): string {
  const columns = [
    ...['tenant', 'keyspace', 'low'].map((name) => [name, 'text']),
    ...[
      ['most', 'int4'],
      ['room', 'int8'],
    ],
    ...(bounded ? [['high', 'text']] : []),
    ...(more ? [[more, 'bool']] : []),
  ];
  const arrays = columns.map(([, type], at) => `$${at + 1}::${type}[]`).join(', ');
  const names = columns.map(([name]) => name).join(', ');
  return `replica r cross join unnest(${arrays}) with ordinality as i (${names}, n)`;
}

function orderOf({ reverse }: Pick<Stretch, 'reverse'>): string {
  return `key ${reverse ? 'desc' : 'asc'}`;
}

function nameOf({ reverse, bounded }: Stretch): string {
  return `${reverse ? 'down' : 'up'}${bounded ? '_to' : ''}`;
}
