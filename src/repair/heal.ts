import { emptyCell, type Cell } from '../causality/cell.ts';
import { digestOf, encodeCell } from '../causality/cell-codec.ts';
import { refName } from '../replica/cell-ref.ts';
import type { CallOptions, CellRef, Replica, StoredCell } from '../replica/replica.ts';
import { joinInto } from './join-into.ts';
import { unknownToOthers, type Distrust } from './distrust.ts';
import type { LeftPromises } from './left-promises.ts';
import type { RepairKeyspace } from './repair-keyspace.ts';
import type { RepairTally } from './repair-summary.ts';

/** One key of which the primaries have told different digests; 0n is absent. */
export interface Difference {
  readonly ref: CellRef;
  readonly digests: ReadonlyMap<Replica, bigint>;
}

export interface Healing {
  readonly keyspace: RepairKeyspace;
  readonly tally: RepairTally;
  readonly options: CallOptions;
  readonly distrust?: Distrust | undefined;
  readonly leftPromises: LeftPromises;
}

/**
 * Reads one copy of each state of the key, joins them, and brings every primary up to the join: both
 * ways, tombstones and expired versions like any other. Failures are counted, and found again by the
 * next comparison.
 */
export async function heal(difference: Difference, healing: Healing): Promise<void> {
  const { ref, digests } = difference;
  const { keyspace, distrust, tally } = healing;
  const read = await readStates(difference, healing).catch((error: unknown) =>
    tally.fail([...digests.keys()].map(({ id }) => id).join(', '), error, 1),
  );
  if (!read) return;
  const held = new Map([...read].map(([replica, { cell }]) => [replica.id, cell]));
  const { convergence } = keyspace;
  const suspicion = distrust && unknownToOthers(held, { distrust, convergence });
  if (suspicion?.kind === 'forget') return forget(difference, { ...healing, distrust });
  const cells = suspicion?.cells ?? [...held.values()];
  const cell = cells.reduce((state, one) => convergence.join(state, one), emptyCell);
  const digest = digestOf(cell);
  const behind = [...digests].filter(([, told]) => told !== digest).map(([replica]) => replica);
  await Promise.all(
    behind.map((replica) => bring(replica, { ref, cell, guess: read.get(replica), healing })),
  );
}

/** One copy of each state. */
async function readStates(
  { ref, digests }: Difference,
  { tally, options }: Healing,
): Promise<ReadonlyMap<Replica, StoredCell>> {
  const states = new Map([...digests].map(([replica, digest]) => [digest, replica]));
  states.delete(0n);
  const read = await Promise.all(
    [...states.values()].map(async (replica) => {
      const stored = await replica.read(ref, options);
      tally.cellsRead += 1;
      tally.bytes += sizeOf(ref.key, stored.cell);
      return [replica, stored] as const;
    }),
  );
  return new Map(read);
}

async function bring(
  replica: Replica,
  what: { ref: CellRef; cell: Cell; guess: StoredCell | undefined; healing: Healing },
): Promise<void> {
  const { ref, cell, guess, healing } = what;
  const { tally, options, keyspace, leftPromises } = healing;
  const request = { ref, cell, convergence: keyspace.convergence, ...(guess ? { guess } : {}) };
  tally.bytes += sizeOf(ref.key, cell);
  try {
    const outcome = await joinInto(replica, request, options);
    if (outcome.status === 'joined') {
      if (outcome.wrote) tally.repaired += 1;
      return;
    }
    tally.refused += 1;
    const { promised } = outcome;
    const name = refName(ref);
    const again = () =>
      joinInto(replica, { ref, cell, convergence: keyspace.convergence }, options);
    const settle = async () => keyspace.settle?.(ref.key);
    await leftPromises.watch({ name, promised, again, settle });
  } catch (error) {
    tally.fail(replica.id, error, 1);
  }
}

/** Only the distrusted replica has it, and has had it too long for the others not to know. */
async function forget({ ref, digests }: Difference, healing: Healing): Promise<void> {
  const { tally, options, distrust } = healing;
  for (const [replica, digest] of digests) {
    if (replica.id !== distrust?.replica) continue;
    const collected = await replica
      .collect(ref, digest, options)
      .catch((error: unknown) => tally.fail(replica.id, error, 1));
    if (collected) tally.repaired += 1;
  }
}

function sizeOf(key: string, cell: Cell): number {
  const { siblings, context, outcomes } = encodeCell(cell);
  return Buffer.byteLength(key) + Buffer.byteLength(siblings) + context.length + outcomes.length;
}
