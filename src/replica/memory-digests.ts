import type { Cell } from '../causality/cell.ts';
import { digestOf } from '../causality/cell-codec.ts';
import { goneAt } from '../causality/gone.ts';
import { compareKeys } from '../placement/key-order.ts';
import { tokenOf } from '../placement/token.ts';
import { bucketOf, emptyBucket, withRow, type BucketDigest, type TokenRange } from './buckets.ts';
import type {
  BucketRequest,
  DigestScope,
  GoneKey,
  GoneRequest,
  KeyDigestPage,
  KeyRequest,
  RepairClaim,
  RepairNote,
} from './digest-source.ts';
import type { CellRef } from './cell-ref.ts';

/** A row as the memory replica keeps it. */
export interface MemoryRow {
  readonly ref: CellRef;
  readonly cell: Cell;
}

/** What `bucketDigests` means. */
export function memoryBuckets(
  rows: Iterable<MemoryRow>,
  request: BucketRequest,
): ReadonlyMap<number, BucketDigest> {
  const buckets = new Map<number, BucketDigest>();
  for (const { ref, cell } of rows) {
    if (!isMeant({ ref, cell }, request) || !within([request.tokens], ref.key)) continue;
    const bucket = bucketOf(request.dealing, ref.key);
    const before = buckets.get(bucket) ?? emptyBucket;
    buckets.set(bucket, withRow(before, ref.key, digestOf(cell)));
  }
  return buckets;
}

/** What `keyDigests` means. */
export function memoryKeys(rows: Iterable<MemoryRow>, request: KeyRequest): KeyDigestPage {
  const { tokens, after, limit } = request;
  const found = [...rows]
    .filter((row) => isMeant(row, request) && within(tokens, row.ref.key))
    .map(({ ref, cell }) => ({ key: ref.key, digest: digestOf(cell) }))
    .filter(({ key }) => after === undefined || byToken(key, after) > 0)
    .sort((a, b) => byToken(a.key, b.key))
    .slice(0, limit);
  return { keys: found, exhausted: found.length < limit };
}

/** What `goneKeys` means. */
export function memoryGone(rows: Iterable<MemoryRow>, request: GoneRequest): readonly GoneKey[] {
  const { tenant, keyspace, beforeMs, after, limit } = request;
  const order = (a: GoneKey, b: GoneKey): number =>
    a.goneAtMs - b.goneAtMs || compareKeys(a.key, b.key);
  return [...rows]
    .filter(({ ref }) => ref.tenant === tenant && ref.keyspace === keyspace)
    .map(({ ref, cell }) => ({ key: ref.key, goneAtMs: goneAt(cell) ?? Infinity }))
    .filter((gone) => gone.goneAtMs <= beforeMs && (!after || order(gone, after) > 0))
    .sort(order)
    .slice(0, limit);
}

function isMeant({ ref, cell }: MemoryRow, scope: DigestScope): boolean {
  const { keys, modulo } = scope;
  if (ref.tenant !== scope.tenant || ref.keyspace !== scope.keyspace) return false;
  if (cell.context.size === 0) return false;
  if (keys?.from !== undefined && compareKeys(ref.key, keys.from) < 0) return false;
  if (keys?.to !== undefined && compareKeys(ref.key, keys.to) >= 0) return false;
  return !modulo || tokenOf(ref.key) % modulo.divisor === modulo.remainder;
}

function within(ranges: readonly TokenRange[], key: string): boolean {
  const token = tokenOf(key);
  return ranges.some(({ from, to }) => token >= from && token < to);
}

function byToken(a: string, b: string): number {
  return tokenOf(a) - tokenOf(b) || compareKeys(a, b);
}

interface Pass {
  readonly owner: string;
  readonly untilMs: number;
  readonly finishedMs: number;
  readonly reached: number;
  readonly partitions: number;
}

/** The table of repairs, in a Map. */
export class MemoryLedger {
  readonly #passes = new Map<string, Pass>();

  claim(claim: RepairClaim, nowMs: number): number | undefined {
    const name = `${claim.tenant}\0${claim.keyspace}`;
    const { owner, partitions } = claim;
    const before = this.#passes.get(name);
    const isOpen = before !== undefined && before.reached < before.partitions;
    if (before) {
      const isFree = before.untilMs < nowMs || before.owner === owner;
      const isDue = isOpen || before.finishedMs < nowMs - claim.everyMs;
      if (!isFree || !isDue) return undefined;
    }
    const reached = isOpen && before.partitions === partitions ? before.reached : 0;
    const untilMs = nowMs + claim.leaseMs;
    const finishedMs = before?.finishedMs ?? -Infinity;
    this.#passes.set(name, { owner, untilMs, finishedMs, reached, partitions });
    return reached;
  }

  note(note: RepairNote, nowMs: number): boolean {
    const name = `${note.tenant}\0${note.keyspace}`;
    const pass = this.#passes.get(name);
    if (pass?.owner !== note.owner) return false;
    const isOver = note.reached >= pass.partitions;
    this.#passes.set(name, {
      ...pass,
      reached: note.reached,
      untilMs: isOver ? nowMs : nowMs + note.leaseMs,
      finishedMs: isOver ? nowMs : pass.finishedMs,
    });
    return true;
  }
}
