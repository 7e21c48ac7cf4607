import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { AssembledStore } from '../../src/assemble-store.ts';
import { laterBy } from '../../src/causality/ballot.ts';
import { digestOf, encodeCell } from '../../src/causality/cell-codec.ts';
import { write, emptyCell, seenNothing, seenOf, type Cell } from '../../src/causality/cell.ts';
import { goneAt } from '../../src/causality/gone.ts';
import type { Keyspace, KeyspaceSettings } from '../../src/consistency/keyspace.ts';
import { tokenOf } from '../../src/placement/token.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { startTestCluster, type TestCluster } from '../support/cluster.ts';
import { runProgram } from '../support/process.ts';
import { allWell, eventually, openStore } from '../support/store.ts';

/**
 * Anti-entropy on real Postgres: divergence is planted by SQL, or made by taking a replica away, and
 * has to go away without a read. Keys of the larger test: QUORATE_TEST_KEYS, 10,000 unless set.
 */
const manyKeys = Number(process.env['QUORATE_TEST_KEYS'] ?? 10_000);
const ids = ['replica-1', 'replica-2', 'replica-3'];
const caller = { tenant: 't' };
/** What a replica misses is left to anti-entropy. */
const hints = { enabled: false };

let cluster: TestCluster;
let gateway: AssembledStore;
let made = 0;

beforeAll(async () => {
  cluster = await startTestCluster({ replicas: 3 });
  gateway = openStore(cluster.replicas, { repair: { antiEntropyEveryMs: 0 }, hints });
  await allWell(gateway);
}, 120_000);
afterAll(async () => {
  await gateway.close();
  await cluster.stop();
});

const make = (settings: Partial<KeyspaceSettings> = {}): Promise<Keyspace> =>
  eventually(() => gateway.store.createKeyspace(caller, `k${++made}`, settings));

/** What a replica holds of a keyspace, byte by byte. */
async function contents(id: string, { storageName }: Keyspace): Promise<readonly string[]> {
  const sql = `select key || ' ' || siblings || ' ' || context || ' ' || digest || ' ' || stamp as row
    from cells where tenant = 't' and keyspace = $1 and digest <> 0 order by key`;
  const rows = await cluster.query<{ row: string }>(id, sql, [storageName]);
  return rows.map(({ row }) => row);
}

async function expectAlike(keyspace: Keyspace): Promise<readonly string[]> {
  const [first, ...others] = await Promise.all(ids.map((id) => contents(id, keyspace)));
  for (const other of others) expect(other).toEqual(first);
  return first!;
}

function version(nth: number, value: string | null = `"value ${nth}"`) {
  const counter = 1_700_000_000_000_000 + nth;
  const dot = { actor: 'a0000000-0000-4000-8000-000000000000', counter };
  return { dot, writeId: `w${counter}`, writtenAtUs: counter, value };
}

const firstState = (nth: number): Cell => write(emptyCell, seenNothing, version(nth));
const nextState = (nth: number, value?: string | null): Cell => {
  const before = firstState(nth);
  return write(before, seenOf(before), version(nth + 1_000_000, value));
};

/** Puts cells into one replica behind the gateway's back. */
async function plant(id: string, keyspace: Keyspace, cells: ReadonlyMap<string, Cell>) {
  const all = [...cells];
  for (let at = 0; at < all.length; at += 5_000)
    await plantSome(id, keyspace, all.slice(at, at + 5_000));
}

async function plantSome(
  id: string,
  keyspace: Keyspace,
  cells: readonly (readonly [string, Cell])[],
) {
  const rows = cells.map(([key, cell]) => ({ key, cell, text: encodeCell(cell) }));
  const sql = `insert into cells (tenant, keyspace, key, siblings, context, digest, token, gone_at)
    select 't', $1, * from unnest($2::text[], $3::text[], $4::text[], $5::int8[], $6::int8[], $7::int8[])
    on conflict (tenant, keyspace, key) do update set siblings = excluded.siblings, context = excluded.context,
      digest = excluded.digest, gone_at = excluded.gone_at`;
  await cluster.query(id, sql, [
    keyspace.storageName,
    rows.map(({ key }) => key),
    rows.map(({ text }) => text.siblings),
    rows.map(({ text }) => text.context),
    rows.map(({ cell }) => digestOf(cell)),
    rows.map(({ key }) => tokenOf(key)),
    rows.map(({ cell }) => goneAt(cell) ?? null),
  ]);
}

const keysOf = (count: number): readonly string[] =>
  Array.from({ length: count }, (_, nth) => `key-${nth}`);
const repair = (keyspace: Keyspace, more = {}) =>
  gateway.repair.antiEntropy.run({ tenant: 't', keyspace: keyspace.name, ...more });

describe('anti-entropy', () => {
  test.each<[string, Partial<KeyspaceSettings>]>([
    ['hashed', {}],
    ['by remainders', { partitioner: 'MODULO_HASH' }],
    ['by ranges', { partitioner: 'RANGE', splitKeys: ['key-3', 'key-6'] }],
  ])('finds and heals exactly what differs, %s', async (_, settings) => {
    const keyspace = await make(settings);
    const cells = new Map(keysOf(600).map((key, nth) => [key, firstState(nth)]));
    await Promise.all(ids.map((id) => plant(id, keyspace, cells)));
    expect(await repair(keyspace)).toMatchObject({ compared: 600, different: 0, cellsRead: 0 });

    // Older here, missing there, deleted there, and beside each other.
    await plant('replica-1', keyspace, new Map([['key-7', nextState(7)]]));
    await plant('replica-2', keyspace, new Map([['key-8', nextState(8, null)]]));
    await plant('replica-3', keyspace, new Map([['only-here', firstState(900)]]));
    const beside = (nth: number): Cell => write(emptyCell, seenNothing, version(9_000 + nth));
    await plant('replica-1', keyspace, new Map([['beside', beside(1)]]));
    await plant('replica-2', keyspace, new Map([['beside', beside(1)]]));
    await plant('replica-3', keyspace, new Map([['key-9', nextState(9)]]));

    const found = await repair(keyspace);
    expect(found).toMatchObject({ different: 5, repaired: 9, failed: 0, refused: 0 });
    expect(found.cellsRead).toBeLessThanOrEqual(10);
    const rows = await expectAlike(keyspace);
    expect(rows).toHaveLength(602);
    expect(rows.find((row) => row.startsWith('key-8 '))).toContain('"deleted":true');
    expect(await repair(keyspace)).toMatchObject({ compared: 602, different: 0, cellsRead: 0 });
  });

  test('of many keys, one in a hundred behind on one replica, moves only what differs', async () => {
    const keyspace = await make();
    const keys = keysOf(manyKeys);
    const cells = new Map(keys.map((key, nth) => [key, firstState(nth)]));
    const newer = new Map(
      keys.flatMap((key, nth) => (nth % 100 === 0 ? [[key, nextState(nth)]] : [])),
    );
    await Promise.all(ids.map((id) => plant(id, keyspace, cells)));
    await Promise.all(['replica-1', 'replica-2'].map((id) => plant(id, keyspace, newer)));
    await Promise.all(ids.map((id) => cluster.query(id, 'analyze cells')));

    const found = await repair(keyspace);
    const wanted = { compared: manyKeys, different: newer.size, repaired: newer.size, failed: 0 };
    expect(found).toMatchObject(wanted);
    // One copy of each of the two states, and nothing of any other key.
    expect(found.cellsRead).toBe(2 * newer.size);
    await expectAlike(keyspace);
    const after = await repair(keyspace);
    expect(after).toMatchObject({ compared: manyKeys, different: 0, repaired: 0, cellsRead: 0 });

    const [size] = await cluster.query<{ bytes: string }>(
      'replica-1',
      'select sum(length(siblings) + length(context) + length(key)) as bytes from cells where keyspace = $1',
      [keyspace.storageName],
    );
    const dataBytes = 3 * Number(size!.bytes);
    if (manyKeys !== 10_000)
      process.stderr.write(
        `${JSON.stringify({ found: { ...found, faults: [] }, after: { ...after, faults: [] }, dataBytes })}\n`,
      );
    expect(found.bytes).toBeLessThan(dataBytes / 10);
    // Equal replicas tell a digest a partition.
    expect(after.bytes).toBe(3 * 64 * 20);
  }, 300_000);

  test('finds nothing in what is only local or unordered (trap 17: a storm of repairs)', async () => {
    const keyspace = await make();
    const cells = new Map(keysOf(200).map((key, nth) => [key, firstState(nth)]));
    await plant('replica-1', keyspace, cells);
    await plant('replica-2', keyspace, new Map([...cells].toReversed()));
    await plant('replica-3', keyspace, cells);
    const local = `update cells set updated_at = updated_at - interval '1 day', promised = 8193 where keyspace = $1 and key < 'key-2'`;
    await cluster.query('replica-2', local, [keyspace.storageName]);
    // A context that was put together in another order: the guard is that digests sort it.
    const seen = (order: readonly string[]): Cell => ({
      siblings: [version(500)],
      context: new Map(order.map((actor) => [actor, version(500).dot.counter])),
    });
    const actors = [version(500).dot.actor, 'b', 'c'];
    await plant('replica-1', keyspace, new Map([['shared', seen(actors)]]));
    await plant('replica-2', keyspace, new Map([['shared', seen(actors.toReversed())]]));
    await plant('replica-3', keyspace, new Map([['shared', seen(actors)]]));
    for (let round = 0; round < 2; round += 1)
      expect(await repair(keyspace)).toMatchObject({ compared: 201, different: 0, cellsRead: 0 });
    // CONTROL: one bit of the digest, and it is found; so this test would find a storm.
    const bit = `update cells set digest = digest # 1 where keyspace = $1 and key = 'shared'`;
    await cluster.query('replica-2', bit, [keyspace.storageName]);
    expect((await repair(keyspace)).different).toBe(1);
  });

  test('settles an abandoned round of consensus that would keep a replica behind for ever', async () => {
    const keyspace = await make();
    const what = { keyspace: keyspace.name, key: 'key', value: '1' };
    await eventually(() => gateway.store.put(caller, what, { level: 'LINEARIZABLE' }));
    await eventually(async () => expect((await repair(keyspace)).different).toBe(0));
    // One replica has lost it, and has promised a ballot that nobody goes on with.
    const [, , third] = gateway.cluster.replicas;
    const ref = { tenant: 't', keyspace: keyspace.storageName, key: 'key' };
    const options = () => ({ deadlineMs: systemClock.monotonicMs() + 10_000 });
    const stored = await third!.read(ref, options());
    await third!.collect(ref, stored.digest, options());
    const { promised } = await third!.prepare(ref, laterBy(stored.promised, 1_000), options());
    expect(promised).toBe(true);
    // The guard is that what was refused is settled: without, every pass is refused anew.
    expect(await repair(keyspace)).toMatchObject({ different: 1, refused: 1, failed: 0 });
    await eventually(async () => expect((await repair(keyspace)).different).toBe(0));
    expect(await expectAlike(keyspace)).toHaveLength(1);
  });

  test('heals a replica that was away, by itself and without a read', async () => {
    const keyspace = await make();
    const worker = openStore(cluster.replicas, { repair: { antiEntropyEveryMs: 400 }, hints });
    try {
      await cluster.kill('replica-3');
      for (let nth = 0; nth < 60; nth += 1) {
        const what = { keyspace: keyspace.name, key: `key-${nth % 40}`, value: `${nth}` };
        await gateway.store.put(caller, what, { level: 'QUORUM' });
      }
      await gateway.store.delete(caller, { keyspace: keyspace.name, key: 'key-1' }, {});
      await cluster.restart('replica-3');
      await eventually(async () => expect(await expectAlike(keyspace)).toHaveLength(40), 60_000);
      // It is written down where an operator can see it.
      await eventually(async () => {
        const rows = await Promise.all(
          ids.map((id) =>
            cluster.query<{ finished: boolean }>(
              id,
              'select finished_at is not null as finished from repairs where keyspace = $1',
              [keyspace.storageName],
            ),
          ),
        );
        expect(rows.flat().some(({ finished }) => finished)).toBe(true);
      }, 30_000);
    } finally {
      await worker.close();
    }
  }, 120_000);

  test('leads a row home that a gateway had minted elsewhere before it died, and that nobody looks for', async () => {
    // Guard: `Strays`. Nothing else ever asks a replica for a key that it should not hold.
    const keyspace = await make({ replicationFactor: 2 });
    const { targets } = gateway.cluster.placeKey(keyspace, 'stray');
    const primaries = targets.map(({ replica }) => replica.id);
    const [holder] = ids.filter((id) => !primaries.includes(id));
    await plant(holder!, keyspace, new Map([['stray', firstState(1)]]));
    expect(await repair(keyspace)).toMatchObject({ compared: 0, different: 0 });
    const found = () => Promise.all([...primaries, holder!].map((id) => contents(id, keyspace)));
    expect(await found()).toEqual([[], [], [expect.stringContaining('stray')]]);

    const worker = openStore(cluster.replicas, { repair: { antiEntropyEveryMs: 400 } });
    try {
      await eventually(async () => {
        const [first, second, elsewhere] = await found();
        expect(first).toEqual([expect.stringContaining('stray')]);
        expect([second, elsewhere]).toEqual([first, []]);
      }, 60_000);
    } finally {
      await worker.close();
    }
  }, 90_000);

  test('runs when it is asked to: quorate repair tells what it did, and what it could not', async () => {
    const keyspace = await make();
    const cells = new Map(keysOf(50).map((key, nth) => [key, firstState(nth)]));
    await plant('replica-1', keyspace, cells);
    const directory = mkdtempSync(join(tmpdir(), 'quorate-repair-'));
    const file = join(directory, 'quorate.json');
    const replicas = cluster.replicas.map(({ id, url }) => ({ id, url }));
    const signingKeys = ['a key of more than thirty-two characters'];
    writeFileSync(file, JSON.stringify({ replicas, signingKeys, partitions: 64 }));
    const run = async (...args: string[]) => {
      const program = runProgram('src/main.ts', ['repair', '--config', file, ...args], {});
      return { code: await program.ended, output: program.output() };
    };
    try {
      const done = await run('--tenant', 't', '--keyspace', keyspace.name);
      expect(done.output).toMatch(/KEYSPACES +COMPARED +DIFFERENT +REPAIRED/);
      expect(done.output).toMatch(/^ *1 +50 +50 +100 +50 /m);
      expect(done.code).toBe(0);
      await expectAlike(keyspace);
      expect((await run('--keyspace', 'nothing')).code).toBe(1);
      expect((await run('--replica', 'nobody')).code).toBe(2);

      await cluster.kill('replica-3');
      const partly = await run('--keyspace', keyspace.name);
      expect(partly.output).toMatch(/could not be compared[^]*replica-3: /);
      expect(partly.code).toBe(1);
    } finally {
      await cluster.restart('replica-3');
      rmSync(directory, { recursive: true });
    }
  }, 120_000);

  test('says what it could not compare, and heals the rest', async () => {
    const keyspace = await make();
    const cells = new Map(keysOf(50).map((key, nth) => [key, firstState(nth)]));
    await plant('replica-1', keyspace, cells);
    await cluster.kill('replica-3');
    const found = await repair(keyspace);
    expect(found.failed).toBeGreaterThan(0);
    expect([...found.faults.keys()]).toEqual(['replica-3']);
    expect(await contents('replica-2', keyspace)).toHaveLength(50);
    await cluster.restart('replica-3');
    await eventually(async () => expect((await repair(keyspace)).failed).toBe(0), 30_000);
    await expectAlike(keyspace);
  }, 120_000);
});
