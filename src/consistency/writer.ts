import { isTombstone, seenOf, visible, type Cell, type Seen } from '../causality/cell.ts';
import { covers } from '../causality/version-vector.ts';
import { uncertainName } from '../causality/write-id.ts';
import type { Agreed } from '../coordinator/agreement.ts';
import type { Deps } from '../coordinator/deps.ts';
import { contentOf, isDisputed, type Change } from '../coordinator/minter.ts';
import type { PlacedKey, Plan } from '../coordinator/plan.ts';
import { read } from '../coordinator/read.ts';
import type { Receipt } from '../coordinator/receipt.ts';
import { write, writeNewest } from '../coordinator/write.ts';
import { otherArguments, StoreError } from '../errors.ts';
import type { Decision, Draft } from '../paxos/proposer.ts';
import type { Keyspace } from './keyspace.ts';
import { majority, type Level } from './levels.ts';
import { firstOutcome, type Retryable } from './idempotency.ts';
import { policies } from './policies.ts';
import { sameJson } from './same-json.ts';
import type { Expectation } from './store.ts';

/** One write, with everything about it opened and checked. */
export interface WriteOrder {
  readonly keyspace: Keyspace;
  readonly key: PlacedKey;
  readonly level: Level;
  readonly plan: Plan;
  readonly change: Change;
  /** µs since 1970: no trace of this write is older. */
  readonly begunUs: number;
  /** Set when the write carries an idempotency key. */
  readonly retryable: Retryable | undefined;
  /** A deletion that named no context means "what is there now". */
  readonly replacesPresent: boolean;
}

export interface Written {
  readonly cell: Cell;
  readonly receipt: Receipt;
}

/** An expectation with its context opened. */
export type OpenedExpectation = Exclude<Expectation, { context: string }> | { readonly seen: Seen };

/**
 * Writes one version, by the route of its level. Errors: those of `write`, `writeNewest` and
 * consensus.
 */
export function writeVersion(deps: Deps, order: WriteOrder): Promise<Written> {
  return named(order, writeByRoute(deps, order));
}

async function writeByRoute(deps: Deps, order: WriteOrder): Promise<Written> {
  if (order.level.route === 'consensus') {
    const { cell, receipt } = await runConsensus(deps, order, () => ({ apply: true }));
    return { cell, receipt };
  }
  const replayed = order.retryable && (await replay(deps, order));
  if (replayed) return replayed;
  const { key, keyspace } = order;
  // A majority at every level, as for the look before: two attempts that differ meet at a replica.
  const need = order.retryable ? majority(keyspace.replicationFactor) : 1;
  const plan = { ...order.plan, need: Math.max(order.plan.need, need) };
  const change = order.replacesPresent ? await replacingPresent(deps, order) : order.change;
  if (policies[keyspace.conflicts].mintsDots) return write(deps, key, { plan, change });
  const result = await writeNewest(deps, key, { plan, change });
  if (result.superseded === false) return result;
  // A version with a greater stamp stands: that is what the answer shows, not the one that lost.
  const standing = result.superseded === true ? await readOne(deps, order) : result.superseded;
  return { ...result, cell: standing ? key.convergence.join(result.cell, standing) : result.cell };
}

/** What stands at one replica; undefined when none says. */
function readOne(deps: Deps, { key, plan }: WriteOrder): Promise<Cell | undefined> {
  return read(deps, key, { ...plan, need: 1, writeBack: false }).then(
    ({ cell }) => cell,
    () => undefined,
  );
}

/**
 * Compare and set, always by consensus. A refusal is an answer: the cell says what stands instead.
 */
export async function compareAndSet(
  deps: Deps,
  order: WriteOrder,
  expect: OpenedExpectation,
): Promise<Written & { applied: boolean }> {
  const judge = (state: Cell) => ({ apply: isAsExpected(state, expect, deps.clock.nowMs()) });
  const { cell, receipt, answer } = await named(order, runConsensus(deps, order, judge));
  return { cell, receipt, applied: answer };
}

/**
 * A failure names the write so that it can be settled, with the time of its attempt (where the last
 * write wins it has its stamp already), and says how.
 */
function named<T>({ change, begunUs }: WriteOrder, written: Promise<T>): Promise<T> {
  return written.catch((error: unknown) => {
    if (!(error instanceof StoreError)) throw error;
    const { writeId: known } = error.details;
    if (typeof known !== 'string') throw error;
    const writeId = known === change.writeId ? uncertainName(known, { atUs: begunUs }) : known;
    const message = `${error.message}; resolveWrite(keyspace, key, writeId) settles which`;
    throw new StoreError(error.code, message, { ...error.details, writeId });
  });
}

async function runConsensus(
  deps: Deps,
  order: WriteOrder,
  judge: (state: Cell) => { apply: boolean },
): Promise<Agreed<boolean>> {
  const { key, plan, change, retryable } = order;
  const outcomeOf = (applied: boolean): { outcome?: NonNullable<Draft['outcome']> } =>
    retryable ? { outcome: { ...retryable, applied } } : {};
  const decide = (state: Cell): Decision<boolean> => {
    const first = retryable && firstOutcome(state, retryable);
    if (first) return { kind: 'answer', answer: first.applied };
    if (!judge(state).apply) return { kind: 'answer', answer: false };
    const version = contentOf(change, deps.hybridClock.tick());
    return {
      kind: 'write',
      answer: true,
      draft: { version, seen: change.seen, ...outcomeOf(true) },
    };
  };
  // A refusal that may be asked for again is remembered, or the retry could be let through.
  const remember = retryable ? (applied: boolean) => outcomeOf(applied).outcome : undefined;
  const operation = { decide, ...(remember ? { remember } : {}) };
  const agreed = await deps.consensus.run(key, { plan, operation, writeId: change.writeId });
  if (isDisputed(agreed.cell, change)) throw otherArguments('UNKNOWN');
  return agreed;
}

/**
 * The first outcome of a retried write. The quorum read that looks for it also brings the version
 * that it finds to a quorum, so that the answer is as good as the level that is asked for.
 */
async function replay(
  deps: Deps,
  { keyspace, key, plan, retryable }: WriteOrder,
): Promise<Written | undefined> {
  if (!retryable) return undefined;
  const need = Math.max(plan.need, majority(keyspace.replicationFactor));
  const { cell, receipt } = await read(deps, key, { ...plan, need, writeBack: true });
  return firstOutcome(cell, retryable) ? { cell, receipt } : undefined;
}

/** Lets go of what a read of the same strength sees now. */
async function replacingPresent(deps: Deps, { key, plan, change }: WriteOrder): Promise<Change> {
  const { cell } = await read(deps, key, plan);
  return { ...change, seen: seenOf(cell) };
}

function isAsExpected(state: Cell, expect: OpenedExpectation, nowMs: number): boolean {
  const live = visible(state).filter((sibling) => !isTombstone(sibling, nowMs));
  if ('absent' in expect) return expect.absent === (live.length === 0);
  if ('value' in expect) {
    const [only, ...others] = live;
    return (
      only?.value !== undefined &&
      only.value !== null &&
      others.length === 0 &&
      sameJson(only.value, expect.value)
    );
  }
  const { context, writeIds } = expect.seen;
  return visible(state).every(
    ({ dot, writeId }) => covers(context, dot) || writeIds.includes(writeId),
  );
}
