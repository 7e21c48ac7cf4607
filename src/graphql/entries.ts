import { visible } from '../causality/cell.ts';
import { dotName } from '../causality/dot.ts';
import { revisionOf } from '../consistency/entry.ts';
import type { Entry } from '../consistency/store.ts';
import { entryId } from './global-id.ts';
import { RawJson } from './raw-json.ts';
import type { Resolvers } from './resolver-types.generated.ts';

/** How an entry, its state, its receipt and the payloads around them look from outside. */
export const entryResolvers: Pick<
  Resolvers,
  | 'Entry'
  | 'Revision'
  | 'Sibling'
  | 'Receipt'
  | 'ReplicaOutcome'
  | 'EntryEdge'
  | 'EntryConnection'
  | 'PutResult'
  | 'CompareAndSetPayload'
> = {
  Entry: {
    id: ({ keyspace, key }) => entryId(keyspace.name, key),
    keyspace: ({ keyspace }) => keyspace.name,
    current: (entry) => entry,
  },
  Revision: {
    revision: ({ cell }) => revisionOf(cell),
    exists: ({ live }) => live.length > 0,
    value: (entry) => rawValue(only(entry)?.value),
    inConflict: ({ live }) => live.length > 1,
    siblings: ({ live }) => live,
    // Only when it is asked for: sealing costs a signature.
    context: (entry, _args, { store }) => store.contextOf(entry),
    updatedAt: ({ cell }) => {
      const latestUs = Math.max(...visible(cell).map(({ writtenAtUs }) => writtenAtUs));
      return Number.isFinite(latestUs) ? timeText(latestUs / 1000) : null;
    },
    expiresAt: (entry) => {
      const expiresAtMs = only(entry)?.expiresAtMs;
      return expiresAtMs === undefined ? null : timeText(expiresAtMs);
    },
  },
  Sibling: {
    value: ({ value }) => rawValue(value),
    deleted: ({ value }) => value === null,
    dot: ({ dot }) => dotName(dot),
    writtenAt: ({ writtenAtUs }) => timeText(writtenAtUs / 1000),
  },
  Receipt: {
    level: ({ level }) => level ?? null,
  },
  ReplicaOutcome: {
    zone: ({ zone }) => zone ?? null,
    elapsedMs: ({ elapsedMs }) => elapsedMs ?? null,
    reason: ({ reason }) => reason ?? null,
  },
  EntryEdge: {
    node: ({ entry }) => entry,
  },
  EntryConnection: {
    nodes: ({ edges }) => edges.map(({ entry }) => entry),
    pageInfo: ({ edges, hasNextPage, hasPreviousPage }) => ({
      hasNextPage,
      hasPreviousPage,
      startCursor: edges[0]?.cursor ?? null,
      endCursor: edges.at(-1)?.cursor ?? null,
    }),
  },
  PutResult: {
    entry: (item) => ('answer' in item ? item.answer.entry : null),
    writeId: (item) => ('answer' in item ? item.answer.writeId : (item.writeId ?? null)),
    receipt: (item) => ('answer' in item ? item.answer.receipt : null),
    error: (item) => ('error' in item ? item.error : null),
  },
  CompareAndSetPayload: {
    writeId: ({ writeId }) => writeId ?? null,
  },
};

/** The one live version, when there is exactly one. */
function only({ live }: Entry): Entry['live'][number] | undefined {
  return live.length === 1 ? live[0] : undefined;
}

function rawValue(text: string | null | undefined): RawJson | null {
  return text === null || text === undefined ? null : new RawJson(text);
}

/** A time of our own clocks as ISO 8601. */
function timeText(timeMs: number): string {
  return new Date(timeMs).toISOString();
}
