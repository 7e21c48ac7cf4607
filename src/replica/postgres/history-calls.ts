import { decodeCell } from '../../causality/cell-codec.ts';
import { PI } from '../../causality/dot.ts';
import type { CellRef } from '../replica.ts';
import {
  historySlackUs,
  loggedVersions,
  type HistoryRequest,
  type LoggedWrites,
} from '../write-history.ts';
import type { CallKind } from './call-kind.ts';
import type { Row } from './connection.ts';
import type { Statement } from './statements.ts';

const rowsMax = 200;
const bytesMax = 8_000_000;

/**
 * The cells of one key that were logged since a time and name the write or one of the ballots; and
 * whether the log has all of that time. One row at least.
 *
 * The texts are searched as texts and decoded in the gateway: values are any JSON, also such as
 * Postgres cannot take apart (an escaped NUL). The oldest first, and not more than fits: what is cut
 * off is said.
 */
const searchHistory: Statement = {
  name: 'quorate_history',
  text: `
    select r.incarnation::text, t.at is null or t.at < to_timestamp($4::float8), v.found, v.siblings, v.context
    from replica r cross join changes_trimmed t left join lateral (
      select w.found, w.siblings, w.context from (
        select f.*, count(*) over () as found, sum(octet_length(f.siblings)) over (order by f.seq) - octet_length(f.siblings) as bytes_before
        from (
          select c.seq, c.siblings, c.context from changes c
          where c.at >= to_timestamp($4::float8) and c.tenant = $1 and c.keyspace = $2 and c.key = $3
            and exists (select 1 from unnest($5::text[]) as n (needle) where position(n.needle in c.siblings) > 0)
          order by c.seq + 0 limit $6
        ) f
      ) w where w.bytes_before < $7
    ) v on true`,
};

/** The statement of the WriteHistory role: one call a statement, each with its own time to search. */
export function historyKind(): CallKind<{ ref: CellRef; what: HistoryRequest }, LoggedWrites> {
  return {
    name: 'history',
    statement: searchHistory,
    writes: false,
    keyOf: () => 'history',
    values: ([call]) => {
      if (!call) return [];
      const { ref, what } = call;
      const needles = [
        JSON.stringify(what.writeId),
        ...what.ballots.map((ballot) => `"dot":["${PI}",${ballot}]`),
      ];
      const since = Math.max(0, what.sinceUs - historySlackUs) / 1_000_000;
      return [ref.tenant, ref.keyspace, ref.key, since, needles, rowsMax, bytesMax];
    },
    replies: (rows, [call]) => [logged(rows, call?.what)],
  };
}

function logged(rows: readonly Row[], what: HistoryRequest | undefined): LoggedWrites {
  const [first] = rows;
  const cells = rows.flatMap(([, , , siblings, context]) =>
    typeof siblings === 'string' && typeof context === 'string'
      ? [decodeCell({ siblings, context })]
      : [],
  );
  const isWhole = cells.length === Number(first?.[2] ?? 0) && cells.length < rowsMax;
  return {
    incarnation: String(first?.[0]),
    complete: first?.[1] === true && isWhole,
    versions: what ? loggedVersions(cells, what) : [],
  };
}
