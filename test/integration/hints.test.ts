import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { AssembledStore } from '../../src/assemble-store.ts';
import { emptyCell, seenNothing, write } from '../../src/causality/cell.ts';
import type { Asked } from '../../src/consistency/store.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { refusal, statuses } from '../coordinator/bench.ts';
import { startTestCluster, type TestCluster } from '../support/cluster.ts';
import { allWell, eventually, openReplica, openStore } from '../support/store.ts';

/**
 * Hinted handoff on real Postgres: five replicas, three of which hold a key. Nothing is read, and
 * anti-entropy is off, so what comes to a replica that was away comes by hints.
 */
const repair = { antiEntropyEveryMs: 0 };
const me = { tenant: 'acme' };
const longMs = 60_000;
let cluster: TestCluster;
let gateway: AssembledStore;

beforeAll(async () => {
  cluster = await startTestCluster({ replicas: 5 });
  gateway = openStore(cluster.replicas, { repair });
  await allWell(gateway);
  await gateway.store.createKeyspace(me, 'carts', { replicationFactor: 3 });
  const conflicts = 'LAST_WRITE_WINS';
  await gateway.store.createKeyspace(me, 'profiles', { conflicts, replicationFactor: 3 });
}, 120_000);
afterAll(async () => {
  await gateway.close();
  await cluster.stop();
});

const put = (key: string, value: string, asked: Asked = {}, more: { sloppy?: boolean } = {}) =>
  gateway.store.put(me, { keyspace: 'carts', key, value, ...more }, asked);

async function holdersOf(keyspace: string, key: string): Promise<readonly string[]> {
  const found = await gateway.store.keyspace(me, keyspace);
  return gateway.cluster.placeKey(found!, key).targets.map(({ replica }) => replica.id);
}

/** The row of a key at each of these replicas, byte by byte; '[]' where there is none. */
async function rows(ids: readonly string[], keyspace: string, key: string): Promise<string[]> {
  const sql = `select siblings, context, digest::text, stamp from cells
    where tenant = 'acme' and keyspace = $1 and key = $2 and digest <> 0`;
  const found = await Promise.all(ids.map((id) => cluster.query(id, sql, [keyspace, key])));
  return found.map((row) => JSON.stringify(row));
}

/** What is kept at the replicas that are up, by target. */
async function kept(away: readonly string[] = []): Promise<Record<string, number>> {
  const sql = 'select target, count(*)::int as hints from hints group by target';
  const up = cluster.replicas.filter(({ id }) => !away.includes(id));
  const found = await Promise.all(
    up.map(({ id }) => cluster.query<{ target: string; hints: number }>(id, sql)),
  );
  const sums: Record<string, number> = {};
  for (const { target, hints } of found.flat()) sums[target] = (sums[target] ?? 0) + hints;
  return sums;
}

const openHintsFor = (victim: string): number =>
  gateway.store.cluster().replicas.find(({ id }) => id === victim)!.openHints;

describe('a replica that was killed while everybody wrote', () => {
  const victim = 'replica-2';
  const names = Array.from({ length: 60 }, (_, nth) => `key-${nth}`);
  const written: (readonly [keyspace: string, key: string])[] = [];
  const missed: string[] = [];

  beforeAll(async () => {
    await Promise.all(names.map((key) => put(key, '"before"', { level: 'ALL' })));
    for (const key of names) if ((await holdersOf('carts', key)).includes(victim)) missed.push(key);
    await cluster.kill(victim);
    const plain = openStore(cluster.replicas, { repair, hints: { enabled: false } });
    for (const [nth, key] of names.entries()) {
      const what = { keyspace: 'carts', key };
      const asked: Asked = { level: nth % 5 === 0 ? 'LINEARIZABLE' : 'QUORUM', timeoutMs: 10_000 };
      if (nth % 7 === 0) await gateway.store.delete(me, what, asked);
      else await put(key, '"during"', asked);
      await gateway.store.put(me, { keyspace: 'profiles', key, value: '1' }, {});
      await plain.store.put(me, { keyspace: 'carts', key: `${key}-plain`, value: '1' }, {});
      written.push(['carts', key], ['profiles', key]);
    }
    await plain.close();
  }, 120_000);

  test('has its hints in a table that SQL and the API show', async () => {
    await eventually(async () => {
      expect((await kept([victim]))[victim]).toBeGreaterThanOrEqual(missed.length);
      expect(openHintsFor(victim)).toBe((await kept([victim]))[victim]);
    });
    const sql = `select h.*, round(extract(epoch from h.expires_at - h.created_at) / 60)::int as minutes
      from hints h where target = $1 and keyspace = 'carts' and key = $2`;
    const up = cluster.replicas.filter(({ id }) => id !== victim);
    const found = await Promise.all(
      up.map(({ id }) => cluster.query(id, sql, [victim, missed[0]])),
    );
    const [hint] = found.flat();
    const siblings = found.flat().map((one) => one['siblings'] as string);
    expect(hint).toMatchObject({ tenant: 'acme', epoch: 1, claimed_by: null });
    expect(hint!['minutes']).toBe(180);
    const [row] = await rows(
      (await holdersOf('carts', missed[0]!)).filter((id) => id !== victim).slice(0, 1),
      'carts',
      missed[0]!,
    );
    const [held] = JSON.parse(row!) as { siblings: string }[];
    expect(siblings).toContain(held!.siblings);
  });

  test('gets them when it is back, without a read, and then nobody differs', async () => {
    expect(missed.length).toBeGreaterThan(10);
    await cluster.restart(victim);
    await eventually(async () => expect(await kept()).toEqual({}), longMs);
    for (const [keyspace, key] of written) {
      const found = await rows(await holdersOf(keyspace, key), keyspace, key);
      expect(found[0]).not.toBe('[]');
      expect(new Set(found).size).toBe(1);
    }
    await eventually(async () => expect(openHintsFor(victim)).toBe(0));
  }, 120_000);

  test('lacks what a gateway without hints has written: nothing else has healed it', async () => {
    const lacking: string[] = [];
    for (const key of names.map((name) => `${name}-plain`)) {
      const holders = await holdersOf('carts', key);
      if (!holders.includes(victim)) continue;
      if ((await rows([victim], 'carts', key))[0] === '[]') lacking.push(key);
    }
    expect(lacking.length).toBeGreaterThan(10);
  });
});

test('two gateways that deliver at once share the work, and none of it is done twice', async () => {
  // Guard: the claim (`claimed_until` in `claimHints`); without it the sum below is greater.
  const [victim] = await holdersOf('carts', 'any');
  const hints = { replayPerSecond: 100, claimMs: 30_000 };
  const others = [1, 2].map(() => openStore(cluster.replicas, { repair, hints }));
  // One that is only slow, on a busy machine, is waited for: the hints below are the victim's alone.
  const patience = { mintMs: 15_000, hints: { lookEveryMs: 3_600_000 } };
  const idle = openStore(cluster.replicas, { repair, ...patience });
  const keyspace = 'shared';
  await allWell(idle, ...others);
  await idle.store.createKeyspace(me, keyspace, { replicationFactor: 5 });
  const keys = Array.from({ length: 400 }, (_, nth) => `key-${nth}`);
  await gateway.close();
  try {
    await cluster.kill(victim!);
    await Promise.all(
      keys.map((key) =>
        idle.store.put(me, { keyspace, key, value: '1' }, { level: 'QUORUM', timeoutMs: 20_000 }),
      ),
    );
    await idle.close();
    expect(await kept([victim!])).toEqual({ [victim!]: keys.length });
    await cluster.restart(victim!);
    await eventually(async () => expect(await kept()).toEqual({}), longMs);
    const replayed = await Promise.all(others.map(replayedBy));
    for (const count of replayed) expect(count).toBeGreaterThan(0);
    expect(replayed[0]! + replayed[1]!).toBe(keys.length);
    const sql = `select count(*)::int as changes from changes where keyspace = 'shared'`;
    expect(await cluster.query(victim!, sql)).toEqual([{ changes: keys.length }]);
  } finally {
    await Promise.all(others.map((other) => other.close()));
    gateway = openStore(cluster.replicas, { repair });
  }
}, 120_000);

async function replayedBy({ deps }: AssembledStore): Promise<number> {
  const { values } = await deps.metrics.hints.get();
  return values.find(({ labels }) => labels.result === 'replayed')?.value ?? 0;
}

test('trap 11: a hint for an owner that has moved goes to those that hold the key now', async () => {
  // Guard: `deliverKey` asks where the key lies, not whom the hint names.
  const holders = await holdersOf('carts', 'moved');
  const holder = cluster.replicas.find(({ id }) => !holders.includes(id))!;
  const replica = openReplica(holder);
  const options = { deadlineMs: systemClock.monotonicMs() + 20_000 };
  const dot = { actor: 'a', counter: 1 };
  const version = { dot, writeId: 'w', writtenAtUs: 1, value: '"late"' };
  const cell = write(emptyCell, seenNothing, version);
  const ref = { tenant: 'acme', keyspace: 'carts', key: 'moved' };
  const common = { ref, cell, stamp: '', epoch: 0, lifeMs: 3_600_000 };
  await replica.putHint({ ...common, target: 'replica-gone' }, options);
  await replica.close();
  await eventually(async () => expect(await kept()).toEqual({}), longMs);
  const found = await rows(holders, 'carts', 'moved');
  expect(found[0]).toContain('late');
  expect(new Set(found).size).toBe(1);
}, 90_000);

describe('with primaries of a key away', () => {
  const key = 'sloppy';
  let primaries: readonly string[];
  let fallbacks: readonly string[];
  const asked: Asked = { level: 'QUORUM', timeoutMs: 15_000 };

  beforeAll(async () => {
    primaries = await holdersOf('carts', key);
    fallbacks = cluster.replicas.flatMap(({ id }) => (primaries.includes(id) ? [] : [id]));
    await allWell(gateway);
    await put(key, '"before"', { level: 'ALL' });
    await Promise.all(primaries.slice(1).map((id) => cluster.kill(id)));
    await eventually(async () => {
      await put(key, '"probe"', { level: 'ONE' });
      const states = gateway.store.cluster().replicas.filter(({ state }) => state === 'DOWN');
      expect(states).toHaveLength(2);
    }, longMs);
  }, 120_000);

  test('trap 10: a hint is no acknowledgement, unless the request says that it may be', async () => {
    // Guard: `missed` stands in for nobody where `countsUntilMs` is not set (coordinator/hinting).
    const refused = await refusal(put(key, '"refused"', asked));
    expect(refused).toMatchObject({ code: 'QUORUM_UNAVAILABLE', outcome: 'NONE' });
    const { receipt } = await put(key, '"two away"', asked, { sloppy: true });
    expect(receipt).toMatchObject({ required: 2, answered: 1, overlapping: false });
    expect(receipt.hinted).toBeGreaterThanOrEqual(1);
    expect(statuses(receipt.replicas)[primaries[0]!]).toBe('OK');
    const stoodIn = receipt.replicas.filter(({ role }) => role === 'FALLBACK');
    expect(stoodIn.map(({ status }) => status)).toContain('HINTED');
  }, 60_000);

  test('and with all of them away, a sloppy write is kept, and delivered when they are back', async () => {
    await cluster.kill(primaries[0]!);
    const { receipt, entry } = await eventually(
      () => put(key, '"all away"', asked, { sloppy: true }),
      longMs,
    );
    expect(receipt).toMatchObject({ required: 2, answered: 0, overlapping: false });
    const stoodIn = receipt.replicas.filter(({ role }) => role === 'FALLBACK');
    expect(stoodIn.map(({ replica, status }) => `${replica} ${status}`).sort()).toEqual(
      fallbacks.map((id) => `${id} HINTED`).sort(),
    );
    expect(entry.live.map(({ value }) => value)).toEqual(['"all away"']);
    expect((await rows(fallbacks, 'carts', key)).join()).toContain('all away');

    await Promise.all(primaries.map((id) => cluster.restart(id)));
    await eventually(async () => expect(await kept()).toEqual({}), longMs);
    const found = await rows(primaries, 'carts', key);
    for (const value of ['two away', 'all away']) expect(found[0]).toContain(value);
    expect(new Set(found).size).toBe(1);
    expect(await rows(fallbacks, 'carts', key)).toEqual(fallbacks.map(() => '[]'));
  }, 180_000);
});
