import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { AssembledStore } from '../../src/assemble-store.ts';
import { decodeCell } from '../../src/causality/cell-codec.ts';
import { visible } from '../../src/causality/cell.ts';
import { startTestCluster, type TestCluster } from '../support/cluster.ts';
import { startLoad, type Acknowledged } from '../support/load.ts';
import { allWell, eventually, openStore, pause } from '../support/store.ts';

/**
 * A replica is away while everybody writes and deletes, and comes back in four ways. Nothing is
 * read: what it lacks comes to it by hints, by anti-entropy, or by the repair of a lost disk.
 * Seconds away: QUORATE_TEST_AWAY, 1 unless set.
 */
const awayMs = Number(process.env['QUORATE_TEST_AWAY'] ?? 1) * 1_000;
/** Longer than a beat: others have seen how far the replica is. */
const beatsMs = 2_500;
const longMs = 90_000;
const victim = 'replica-2';
/** Longer than any request of these tests; the product waits for the longest one that is allowed. */
const identity = { settleMs: 2_500 };
const never = { antiEntropyEveryMs: 0 };
const noHints = { enabled: false };

let cluster: TestCluster;
beforeAll(async () => {
  cluster = await startTestCluster();
}, 120_000);
afterAll(() => cluster.stop());

interface Row {
  readonly key: string;
  readonly siblings: string;
  readonly context: string;
}

async function rows(id: string, keyspace: string): Promise<readonly Row[]> {
  const sql = `select key, siblings, context from cells
    where tenant = 'acme' and keyspace = $1 and digest <> 0 order by key`;
  return cluster.query<Row>(id, sql, [keyspace]);
}

/** All replicas hold the same, byte for byte. */
async function alike(keyspace: string): Promise<readonly Row[]> {
  const [first, ...others] = await Promise.all(
    cluster.replicas.map(({ id }) => rows(id, keyspace)),
  );
  for (const other of others) expect(other).toEqual(first);
  return first!;
}

async function hintsLeft(): Promise<number> {
  const counts = await Promise.all(
    cluster.replicas.map(({ id }) =>
      cluster.query<{ hints: number }>(id, 'select count(*)::int as hints from hints'),
    ),
  );
  return counts.flat().reduce((sum, { hints }) => sum + hints, 0);
}

/** What was acknowledged is there, and what was deleted is not. */
function expectKept(found: readonly Row[], acknowledged: Acknowledged): void {
  const values = new Map(
    found.map(({ key, siblings, context }) => {
      const live = visible(decodeCell({ siblings, context })).flatMap(({ value }) => value ?? []);
      return [key, live];
    }),
  );
  for (const [key, value] of acknowledged)
    expect([key, values.get(key)]).toEqual([key, value === null ? [] : [value]]);
  const deleted = [...acknowledged.values()].filter((value) => value === null);
  expect(deleted.length).toBeGreaterThan(0);
}

interface Comeback {
  readonly keyspace: string;
  readonly gateway: AssembledStore;
  readonly away: () => Promise<void>;
  readonly back: () => Promise<void>;
  /** What must be so before the replicas are compared. */
  readonly healed?: () => Promise<void>;
  readonly withinMs?: number;
}

async function comeBack(run: Comeback): Promise<void> {
  const { keyspace, gateway, away, back, healed, withinMs = longMs } = run;
  try {
    const settings = { replicationFactor: 3 };
    await allWell(gateway);
    await gateway.store.createKeyspace({ tenant: 'acme' }, keyspace, settings);
    const load = startLoad(gateway, { keyspace });
    // Every key has been written by then, and some have been deleted in the second round.
    await eventually(async () => expect(load.done()).toBeGreaterThan(300), longMs);
    await away();
    const before = load.done();
    await pause(awayMs);
    await eventually(async () => expect(load.done()).toBeGreaterThan(before + 50), longMs);
    await back();
    const acknowledged = await load.stop();
    await eventually(healed ?? (async () => undefined), withinMs);
    await eventually(() => alike(keyspace), withinMs);
    expectKept(await alike(keyspace), acknowledged);
  } finally {
    await gateway.close();
  }
}

test('by hints alone: they drain to none, nobody reads, and all replicas are alike', async () => {
  // Guard: `Hinting`. Without it nothing but the writes made after its return would be there.
  const gateway = openStore(cluster.replicas, { repair: never, identity });
  await comeBack({
    keyspace: 'by-hints',
    gateway,
    away: () => cluster.kill(victim),
    async back() {
      expect(await rows('replica-1', 'by-hints')).not.toEqual([]);
      await cluster.restart(victim);
    },
    healed: async () => expect(await hintsLeft()).toBe(0),
  });
}, 240_000);

test('by anti-entropy alone, where there are no hints', async () => {
  const gateway = openStore(cluster.replicas, {
    repair: { antiEntropyEveryMs: 1_000 },
    hints: noHints,
    identity,
  });
  await comeBack({
    keyspace: 'by-repair',
    gateway,
    away: () => cluster.kill(victim),
    back: () => cluster.restart(victim),
  });
}, 240_000);

test('with an empty disk', async () => {
  const gateway = openStore(cluster.replicas, { repair: never, identity });
  const incarnation = await incarnationOf(victim);
  await comeBack({
    keyspace: 'wiped',
    gateway,
    away: () => cluster.kill(victim),
    back: () => cluster.disks.wipe(victim),
    healed: async () => expect(await admittedAs(victim)).not.toBe(incarnation),
  });
}, 240_000);

test('with an older copy of its disk: no deleted key comes back', async () => {
  const gateway = openStore(cluster.replicas, { repair: never, identity });
  const incarnation = await incarnationOf(victim);
  let copy = '';
  await comeBack({
    keyspace: 'restored',
    gateway,
    async away() {
      copy = await cluster.disks.copyDisk(victim);
      await pause(beatsMs);
      await cluster.kill(victim);
    },
    back: () => cluster.disks.putDiskBack(victim, copy),
    healed: async () => expect(await admittedAs(victim)).not.toBe(incarnation),
  });
}, 240_000);

test('(control) with nothing that heals, it lacks what it missed', async () => {
  const gateway = openStore(cluster.replicas, { repair: never, hints: noHints, identity });
  const lacking = comeBack({
    keyspace: 'unhealed',
    gateway,
    away: () => cluster.kill(victim),
    back: () => cluster.restart(victim),
    withinMs: 3_000,
    async healed() {
      const [there, missed] = await Promise.all([
        rows('replica-1', 'unhealed'),
        rows(victim, 'unhealed'),
      ]);
      if (JSON.stringify(there) !== JSON.stringify(missed)) throw new Different();
    },
  });
  await expect(lacking).rejects.toThrow(Different);
}, 240_000);

class Different extends Error {}

async function incarnationOf(id: string): Promise<string | undefined> {
  const [row] = await cluster.query<{ incarnation: string }>(
    id,
    'select incarnation::text from replica',
  );
  return row?.incarnation;
}

async function admittedAs(id: string): Promise<string> {
  const sql = "select incarnation::text from replica where state = 'admitted'";
  const [row] = await cluster.query<{ incarnation: string }>(id, sql);
  expect(row).toBeDefined();
  return row!.incarnation;
}
