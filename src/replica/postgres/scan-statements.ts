import { fieldMark } from './rows.ts';
import type { Statement } from './statements.ts';

/** Between two rows of a page, and between two fields of a row. See `scanCells`. */
export const pageMarks = { row: '\u001e', field: fieldMark } as const;

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
export function scanCells(what: { reverse: boolean; bounded: boolean }): Statement {
  const order = `key ${what.reverse ? 'desc' : 'asc'}`;
  return {
    name: `quorate_scan_${what.reverse ? 'down' : 'up'}${what.bounded ? '_to' : ''}`,
    text: `
    select i.n::int, r.incarnation::text, p.found, p.page
    from replica r cross join unnest($1::text[], $2::text[], $3::text[], $4::int[], $5::int8[]${what.bounded ? ', $6::text[]' : ''}) with ordinality
      as i (tenant, keyspace, low, most, room${what.bounded ? ', high' : ''}, n)
    cross join lateral (
      select count(*)::int as found,
        string_agg(concat_ws(E'\\x1f', digest, promised, emptied, to_json(key), siblings, context, outcomes), E'\\x1e' order by ${order})
          filter (where bytes = own or bytes <= i.room) as page
      from (
        select s.*, sum(own) over (order by ${order} rows unbounded preceding) as bytes
        from (
          select key, siblings, context, digest, promised, outcomes, emptied,
            octet_length(siblings) + octet_length(context) + octet_length(outcomes) as own
          from cells where tenant = i.tenant and keyspace = i.keyspace and key >= i.low ${what.bounded ? 'and key < i.high' : ''} and digest <> 0
          order by ${order} limit i.most
        ) s
      ) s
    ) p`,
  };
}
